//! Bounds on who asks the running sensor: over its control socket, and for its numbers.

/// A question on the control socket: one word.
pub const CONTROL_QUESTION_MAX_OCTETS: usize = 64;
/// The answer to it.
pub const CONTROL_ANSWER_MAX_OCTETS: u64 = 1024 * 1024;

/// Who asks asks, and reads the answer, within this, seconds: others wait meanwhile.
pub const METRICS_WITHIN_S: u64 = 2;
