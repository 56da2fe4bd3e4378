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
