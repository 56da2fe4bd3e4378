//! Limits of TCP connections: how long they last, what may be under way in them, and how many SYNs may be in doubt.

/// A TCP connection that stands may be silent for so long, seconds: firewalls give it an hour too.
pub const FLOW_ESTABLISHED_IDLE_TIMEOUT_S: u64 = 3600;
/// After FIN from both ends or a RST, late packets still belong to the flow for so long, seconds.
pub const FLOW_LINGER_S: u64 = 5;
/// What lies further than this from what a receiver has acknowledged may belong to another connection, and an
/// acknowledgement this far behind the one before does: more than is under way on ordinary lines.
pub const TCP_WINDOW_MAX_OCTETS: u32 = 1024 * 1024;
/// A RST or FIN ends nothing further ahead of what its receiver has acknowledged: no window is larger (RFC 7323 section 2.3).
pub const TCP_WINDOW_SCALED_MAX_OCTETS: u32 = 1 << 30;
/// A SYN can have no more data than this: it is one segment.
pub const SYN_DATA_MAX_OCTETS: u32 = 65_536;
/// SYNs in doubt at once, two of a connection at most: their ports are used again, or somebody forges. Of one more, the longest
/// quiet is read as if it were forged.
pub const DOUBTS_MAX: usize = 4_096;
/// What all of them take, and what finds them.
pub const DOUBTS_MAX_OCTETS: usize = 512 * 1024;

/// One end of a TCP connection counts as heard alone once it has acknowledged something new so often while nothing was seen of the other:
/// the answer to its SYN and twice more. A scan acknowledges nothing, or one thing that nobody said.
pub const HEARD_ALONE_AFTER: u8 = 3;
