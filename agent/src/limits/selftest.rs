//! Limits of the sensor's tests of itself: how often, and how long each step may take.

/// From a good one until the next, seconds: a day; spread over a twelfth of it more.
pub const SELF_TEST_EVERY_S: u64 = 24 * 60 * 60;
/// From one that failed until the next, seconds.
pub const SELF_TEST_AGAIN_S: u64 = 60 * 60;
/// From the start until the first, at least and as much again, seconds: what an outage left goes first.
pub const SELF_TEST_FIRST_S: u64 = 10 * 60;
/// One older than this is told to whoever watches the sensor, seconds: three were missed.
pub const SELF_TEST_OLD_S: u64 = 3 * SELF_TEST_EVERY_S;
/// Until the sensor's thread has matched it, seconds: a block of packets, and whatever else it is at.
pub const SELF_TEST_MATCHED_WITHIN_S: u64 = 10;
/// Until it is on disk, seconds: a disk that is written to by others too.
pub const SELF_TEST_WRITTEN_WITHIN_S: u64 = 10;
/// Until the collector has acknowledged it, seconds: it waits behind what waits already.
pub const SELF_TEST_ACKNOWLEDGED_WITHIN_S: u64 = 60;
/// Until the collector has said whether it takes tests, seconds: it does with its first word on the stream.
pub const SELF_TEST_TAKEN_WITHIN_S: u64 = 5;
/// Who asks for one waits for all of that, and a little more, seconds.
pub const SELF_TEST_ANSWER_WITHIN_S: u64 = SELF_TEST_TAKEN_WITHIN_S
    + SELF_TEST_MATCHED_WITHIN_S
    + SELF_TEST_WRITTEN_WITHIN_S
    + SELF_TEST_ACKNOWLEDGED_WITHIN_S
    + 5;
