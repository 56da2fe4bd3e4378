//! Bounds on what the person at the machine is told, and on what that is read from.

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
