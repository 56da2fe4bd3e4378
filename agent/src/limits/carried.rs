//! Limits of a list that is carried here by hand.

/// A list brought by hand must have come whole within this: a quarter of a GiB off a slow stick; the collector waits meanwhile.
pub const CARRIED_WITHIN_S: u64 = 600;
/// What of it is under way within the process: one frame.
pub const CARRIED_PIECE_OCTETS: usize = 256 * 1024;
/// What is said to it: an answer to each of [`ROOT_STEPS_MAX`](super::ROOT_STEPS_MAX) root documents and to the list, a sentence each.
pub const CARRIED_ANSWERS_MAX_OCTETS: usize = 64 * 1024;
