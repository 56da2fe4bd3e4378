//! Bounds on who asks for the sensor's numbers.

/// Who asks asks, and reads the answer, within this, seconds: others wait meanwhile.
pub const METRICS_WITHIN_S: u64 = 2;
