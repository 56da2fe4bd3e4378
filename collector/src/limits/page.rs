//! Bounds on the pages: what is packed before it goes out, how much is shown.

/// A page smaller than this goes as it is: it fits into one packet whatever becomes of it.
pub const PACKED_MIN_OCTETS: usize = 1_024;
/// A page larger than this goes as it is: packing it would hold a core for a tenth of a second. The largest there is, the front page
/// of 357 members with a sensor each, has half a million.
pub const PACKED_MAX_OCTETS: usize = 4 * 1024 * 1024;
/// Octets of the address of an accessibility statement: what every browser takes.
pub const STATEMENT_MAX_OCTETS: usize = 2_048;
/// Events on a sensor's page: what a person looks through.
pub const EVENTS_SHOWN: u32 = 20;
/// Connections from one IPv4 address, or one /64 of IPv6, at once; this machine's own are not counted, for a proxy here speaks for many. A
/// browser opens six.
pub const CONNECTIONS_OF_ONE_MAX: usize = 16;
/// Live streams at once: two hundred open pages and some. Each is a connection and some 50 kB.
pub const LIVE_MAX: usize = 256;
/// Live streams of one account or token: as many pages as one leaves open, or screens that share a token.
pub const LIVE_OF_ONE_MAX: usize = 8;
/// Open incidents on a member's front page, each with what to do: who is frightened reads no more; its list has all.
pub const HOME_INCIDENTS: usize = 5;
/// Measures named with one incident there: what is done first; its own page and the bank have all.
pub const HOME_MEASURES: usize = 5;
