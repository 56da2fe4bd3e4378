//! Limits of what a sensor trusts: root documents in a session, and on the lane where nobody has proved anything yet.

/// Root documents that one session, or one asking on the lane, may bring: a chain of years, and little to hold in memory while each waits for the next.
pub const ROOT_STEPS_MAX: usize = 32;
/// A root document that has run out waits so long for the one that follows it, seconds: both are on the way together.
pub const ROOT_FOLLOWED_WITHIN_S: u64 = 5;
/// All root documents that one asking brings, octets: some two kilobytes each are usual, [`super::ROOT_STEPS_MAX`] at most.
pub const ROOT_LANE_MAX_OCTETS: usize = 256 * 1024;
/// One asking takes at most this long on each way, seconds: whoever sends for ever is cut off.
pub const ROOT_LANE_WITHIN_S: u64 = 20;
/// Asked again after this, seconds, and later and later, each time up to half as long more: whoever answers on the lane may be
/// anybody.
pub const ROOT_LANE_AGAIN_S: u64 = 60;
/// But never later than this, seconds: an hour is how long a sensor that could come back stays away.
pub const ROOT_LANE_AGAIN_MAX_S: u64 = 3_600;
/// Groups (site, indicator, direction, marks) counted by the brake at once, some 0.7 kB each: 64 indicators at eight sites, both ways.
pub const BRAKED_GROUPS_MAX: usize = 1024;
/// Of an indicator that more hosts of one site than this meet within [`FREQUENT_WITHIN_S`] further hosts are told together, unless the
/// settings say another number: what is really bad has met a handful by the time somebody looks, and 256 alerts of one indicator say
/// nothing that 257 do not.
pub const FREQUENT_HOSTS: u64 = 256;
/// An hour: what everybody uses is used by everybody within one, and a worm that needs longer is told of host by host. As long as an
/// alert stays open without a sighting, so that who met it within this time has one that is open.
pub const FREQUENT_WITHIN_S: u64 = super::ALERT_QUIET_S;
/// A day, as long as an order of the brake holds at most: somebody has looked by then, or is told again.
pub const FREQUENT_HELD_S: u64 = 86_400;
/// Hosts that get through to it are told by name all the same, so many each time it is demoted at a site, and apart from them as many
/// of which data goes out: the few there are behind what others can bring about, and of what everybody uses no flood.
pub const FREQUENT_TOLD_MAX: u64 = 16;
/// Indicators demoted at once, some 0.4 kB each, and as many that an order has named: more have met so many hosts where a list is bad
/// altogether. Beyond that hosts are told one by one, as many as a storm lets.
pub const FREQUENT_KEPT_MAX: usize = 1_024;
/// What one process took down as the time, and what the next one finds, may differ by less than this, seconds: a clock that was set back
/// further ends a brake.
pub const BRAKE_CLOCKS_DIFFER_S: u64 = 3_600;
/// Whether a brake has run out is looked at this often, seconds.
pub const BRAKE_LOOK_EVERY_S: u64 = 1;
/// Why a root document was refused, as it is shown: a sentence that may have the sender's words in it.
pub const REFUSAL_MAX_CHARACTERS: usize = 400;
/// The collector's word on the time is written down when it is so much later than what was, seconds.
pub const COLLECTOR_TIME_KEEP_EVERY_S: u64 = 3_600;
/// What has passed by its word is never this far ahead of a clock that is set, seconds: 60 days, half of what an honest
/// collector's certificate has left at the least, so that no word makes one that is good seem to have run out.
pub const COLLECTOR_AHEAD_MAX_S: u64 = 60 * 86_400;
/// A lower word than the one before is believed from so far behind a clock that is set, seconds: a machine's clock may be off by a
/// wrong time zone.
pub const COLLECTOR_TIME_SLACK_S: u64 = 86_400;
/// Numbers kept of a channel's floor, each with the keys that signed it: an analyst has a key, and a collector a handful of analysts.
/// Beyond that the lowest goes.
pub const FLOOR_MARKS_MAX: usize = 16;
