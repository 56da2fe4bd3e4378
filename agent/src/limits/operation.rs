//! Bounds on what the person at the machine is told, on what that is read from, and of the sensor's tests of itself.

/// Drop-ins read beside `agent.toml`: one a theme is a handful.
pub const SETTINGS_FILES_MAX: usize = 64;
/// What was counted lately is told by marks set this far apart, seconds.
pub const RECENT_MARK_EVERY_S: u64 = 30;
/// Marks kept: ten minutes, in which a mirror that was set otherwise shows.
pub const RECENT_MARKS_MAX: usize = 20;
/// A clock moved by more than this between two looks has leapt and was not slewed, milliseconds.
pub const CLOCK_LEAP_TOLD_MS: i64 = 2_000;
/// Interfaces, and damaged files, named to a person.
pub const INTERFACES_TOLD_MAX: usize = 32;
/// A bundle for whoever helps, before it is packed: what is told of a sensor is a few kilobytes, and a mail takes this.
pub const SUPPORT_BUNDLE_MAX_OCTETS: usize = 1024 * 1024;

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
/// Packet sockets handed over when the program begins anew without capabilities, one for each interface: far more than a sensor has.
pub const HANDED_SOCKETS_MAX: usize = 64;
