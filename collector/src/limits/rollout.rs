//! Bounds on drafts, on lists on their way from the pilot group to all, and on what is recalled.

use std::time::Duration;

/// How long a list is at the pilot group before it goes to all, and watched for as long again there: what everybody uses is used
/// within an hour of a working day.
pub const PILOT_WAIT: Duration = Duration::from_secs(3_600);
/// The shortest and longest that may be set, seconds: a moment to see it in force; a week, or nobody waits for it any more.
pub const PILOT_WAIT_MIN_S: i64 = 1;
/// See [`PILOT_WAIT_MIN_S`].
pub const PILOT_WAIT_MAX_S: i64 = 7 * 86_400;
/// Of a hundred members, the most that a new indicator may hit: no campaign known meets a third of the sector within an hour.
pub const PILOT_MEMBERS_PERCENT: u64 = 30;
/// And it is this many at least: one or two of a small pilot group say nothing of everybody.
pub const PILOT_MEMBERS_LEAST: u64 = 3;
/// Hosts that a new indicator may hit: more than any phishing that somebody still has to be told of one by one.
pub const PILOT_HOSTS: u64 = 20;
/// The most that may be set.
pub const PILOT_HOSTS_MAX: i64 = 1_000_000;
/// Lists for all that are read for the newest one made of the database: nobody recalls so often in a row.
pub const DRAFT_LISTS_READ: i64 = 1_000;
/// How often it is looked how a list on its way fares: a pilot group that is flooded is spared after seconds.
pub const ROLLOUT_LOOKED_AT_EVERY: Duration = Duration::from_secs(1);
/// The most that counts of the time between two looks: who looks later than that was asleep.
pub const ROLLOUT_LOOK_COUNTS: Duration = Duration::from_secs(5);
/// How long a sensor is heard without a break before its list goes on, where that was broken: it brings first what it held back.
pub const ROLLOUT_SETTLES: Duration = Duration::from_secs(60);
/// How often the time a list was watched is noted, for the next start: so much of it is watched anew.
pub const ROLLOUT_NOTED_EVERY: Duration = Duration::from_secs(10);
/// How long nobody can be heard of those a list on its way is watched at before the log says so.
pub const ROLLOUT_SILENT_AFTER: Duration = Duration::from_secs(900);
/// A recall that lists in force hold still after so long is finished by the running collector: whoever runs the command is at it no
/// more, or it failed.
pub const RECALL_FINISHED_AFTER: Duration = Duration::from_secs(20);
/// Lists on their way and before, as `publish --status` shows them.
pub const ROLLOUTS_SHOWN: i64 = 5;
/// What is taken out without a person is counted only for so long, hours: somebody has looked by then, or the list is without it. Less
/// than the longest order: a sensor by whose clock it is a moment earlier would refuse that one.
pub const STOPPED_BRAKED_HOURS: u64 = 23;
const _: () = assert!(STOPPED_BRAKED_HOURS < varde_common::limits::BRAKE_HOURS_MAX, "no sensor would take the order");
/// Of what a draft adds, removes or changes, so many are shown of each: a person reads no more, and the counts are of all.
pub const DRAFT_SHOWN: usize = 200;
/// Alerts that are read at once to see what a draft would have hit.
pub const DRAFT_ALERTS_READ: i64 = 10_000;
/// Hosts of one indicator that are told apart there: beyond that it is plain what it would do.
pub const DRAFT_HOSTS_MAX: usize = 10_000;
/// Octets of a reason that a person gives: a sentence or three.
pub const REASON_MAX_OCTETS: usize = 500;
/// Indicators that one command recalls by their numbers; what is wrong as a whole is recalled as a list.
pub const RECALLED_AT_ONCE: usize = 1_000;
/// Numbers that stand in one statement.
pub const NUMBERS_PER_STATEMENT: usize = 500;
