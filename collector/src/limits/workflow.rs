//! Bounds on what people say of incidents and campaigns.

use std::time::Duration;

/// A note, a measure, a reason: what a person writes in one go. It stands on one line.
pub const NOTE_MAX_OCTETS: usize = 2_000;
/// The title of an incident that a person opens: a heading.
pub const TITLE_MAX_OCTETS: usize = 200;
/// A name of whoever has an incident.
pub const OWNER_MAX_OCTETS: usize = 100;
/// What people may say of one incident or campaign; what sensors bring about is told beyond that. Some hundred lines are a bad week.
pub const TIMELINE_SAID_MAX: i64 = 10_000;
/// Lines of a timeline that are read at once, the newest said: more than may be said, and what sensors bring about beside it.
pub const TIMELINE_READ_MAX: i64 = 12_000;
/// Lines on a page, the newest: a page of twelve thousand is read by nobody, and the command has all.
pub const TIMELINE_SHOWN: usize = 300;
/// Indicators that a person's report names: a mail's worth.
pub const REPORT_INDICATORS_MAX: usize = 50;
/// What is said to have been may lie so far ahead of our clock, for clocks differ.
pub const SAID_AHEAD_MAX: Duration = Duration::from_secs(300);
/// To NSM, after discovery, for those that digitalsikkerhetsloven covers.
pub const NSM_WITHIN: Duration = Duration::from_secs(24 * 3_600);
/// To Datatilsynet, after discovery, of a personal data breach (GDPR article 33).
pub const DATATILSYNET_WITHIN: Duration = Duration::from_secs(72 * 3_600);
/// Alerts of a new incident that are held against closed ones: one host that is back is enough, and a storm brings thousands.
pub const RETURNS_LOOKED_FOR: usize = 64;
/// Incidents that the line of a split names by number: of more it says how many. A campaign of hundreds would be a page of numbers.
pub const SPLIT_NAMED_MAX: usize = 32;
/// Commands that are printed after a step, one for each verdict that stands: a screen of them. Of more it is said how many.
pub const ADVISED_MAX: usize = 12;
/// Alerts, the newest first, that are put together anew where a person lifts a guard: a transaction of some seconds. What is older
/// links by what comes.
pub const RELINKED_MAX: i64 = 10_000;
/// Of them together: what is read of what they touch stays small.
pub const RELINKED_TOGETHER: usize = 1_024;
/// Incidents that the list of guards names of a host: enough to find it by.
pub const INCIDENTS_NAMED_MAX: i64 = 4;
/// Things of a guard that are counted for people, so that a list of millions costs no more: beyond it the number says enough.
pub const GUARD_THINGS_MAX: i64 = 10_000;
