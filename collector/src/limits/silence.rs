//! From when on a sensor counts as silent, deaf or astray, and how often that is looked for.

use std::time::Duration;

/// So often it is looked whether sensors are heard and hear: what a heartbeat says, or does not say, is told within three minutes (H1).
pub const SILENCE_LOOKED_FOR_EVERY: Duration = Duration::from_secs(10);
/// A sensor that was not heard for so long is silent: five heartbeats. A restart takes less, and H1 gives three minutes.
pub const UNHEARD_AFTER: Duration = Duration::from_secs(150);
/// What goes on is written down anew so often, unless it has become worse: a row a minute of each is little, one each look is not.
pub const SILENCE_GROWN_EVERY: Duration = Duration::from_secs(60);
/// What begins again within this after it was over is the same incident: a line that breaks off every minute is one.
pub const SILENCE_SAME_WITHIN: Duration = Duration::from_secs(600);
/// A list that a sensor lacks, or a session, is no news after so long: it is sent within seconds, a large one over a thin line within
/// minutes.
pub const LIST_OLD_AFTER: Duration = Duration::from_secs(3_600);
/// Clocks that differ by so much are told of: what a network sets is within a second (K1).
pub const CLOCK_SKEW_FROM: Duration = Duration::from_secs(5);
/// What a sensor found is looked at for so long back, to see whether it is all of one machine.
pub const ONE_CLIENT_WITHIN: Duration = Duration::from_secs(30 * 86_400);
/// And so often: it reads all alerts of that time.
pub const ONE_CLIENT_LOOKED_FOR_EVERY: Duration = Duration::from_secs(3_600);
/// So many alerts of one host alone are striking,
pub const ONE_CLIENT_ALERTS: u64 = 10;
/// where they are by so many indicators: one machine with one piece of malware meets fewer.
pub const ONE_CLIENT_INDICATORS: u64 = 5;
/// So many of a resolver's own questions, and nothing else, are enough: a sensor that sees machines sees who asked the resolver.
pub const ONE_RESOLVER_ALERTS: u64 = 3;
/// Incidents shown on a page, the newest of those that are over: what a person looks through.
pub const SILENCES_SHOWN: u32 = 20;
/// Incidents the command lists unless told otherwise, and at most.
pub const SILENCES_LISTED: u32 = 1_000;
/// See [`SILENCES_LISTED`].
pub const SILENCES_LISTED_MAX: u32 = 100_000;
/// So many TCP connections that went on say whether both their ends are heard: fewer may by chance be of one kind.
pub const ONE_WAY_TCP_FROM: u64 = 20;
/// Where there are not so many, so many DNS questions and responses do: a machine that asks a dead server asks some dozen times.
pub const ONE_WAY_DNS_FROM: u64 = 50;
/// They are gathered for so long at most, and say something for so long: a small site has so many in an hour by day.
pub const ONE_WAY_WITHIN: Duration = Duration::from_secs(3_600);
/// And for so long at least: two heartbeats, so that conversations under way are told in one.
pub const ONE_WAY_AT_LEAST: Duration = Duration::from_secs(50);
