//! What becomes of every table of the database in time: how long its rows are kept, or why no time ends them. A new table says so here,
//! or a test fails.

use std::time::Duration;

use varde_common::retention::{self, Period};
use varde_common::time::Timestamp;

use crate::limits::RETENTION_STEP;

/// What becomes of a table's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// They go after so long.
    Goes(Period),
    /// They go with a row of another table that does.
    With(&'static str),
    /// They stay until the member leaves whose they are, or a person removes them.
    Member,
    /// They stay, for there is nobody in them, and no more of them than that.
    Stays(&'static str),
}

use Fate::{Goes, Member, Stays, With};

/// Every table.
pub const TABLES: &[(&str, Fate)] = &[
    ("acknowledged", Member),
    ("account", Member),
    ("account_oidc", With("account")),
    ("advisory", Goes(retention::ALERTS)),
    ("advisory_answer", With("advisory")),
    ("advisory_measure", With("advisory")),
    ("advisory_recipient", With("advisory")),
    ("advisory_text", With("advisory")),
    ("alert", Goes(retention::ALERTS)),
    ("allowed", Goes(retention::AUDIT)),
    ("apart", With("cluster")),
    ("audit", Goes(retention::AUDIT)),
    ("brake", Goes(retention::AUDIT)),
    ("brake_order", With("brake")),
    ("braked_count", Goes(retention::ALERTS)),
    ("campaign", Goes(retention::ALERTS)),
    ("claim", Stays("what sources say is looked for")),
    ("clue", Stays("what sources say and no sensor looks for")),
    ("cluster", With("incident")),
    ("daily_count", Member),
    ("departure", Stays("rows that left, without number and name: a restore deletes them again")),
    ("draft_review", Goes(retention::AUDIT)),
    ("feed_piece", Stays("one for each file that is served")),
    ("fetched_source", Stays("one for each source")),
    ("former_number", Member),
    ("guard", Stays("what links nothing; one host's goes with that host's last alert, who settled it with the audit")),
    ("heartbeat", Goes(retention::HEARTBEATS)),
    ("import_under_way", Stays("one for each source, until its import is whole")),
    ("in_force", Goes(retention::ALERTS)),
    ("incident", Goes(retention::ALERTS)),
    ("indicator", Stays("what is looked for")),
    ("indicator_before", Stays("what is looked for, until an import is whole")),
    ("indicator_change", Stays("two numbers")),
    ("joined_member", Member),
    ("judged_source", With("judgement")),
    ("judgement", Stays("how right a source was, without alert and member")),
    ("lint_override", Goes(retention::AUDIT)),
    ("last_look", Stays("one time for each who looks")),
    ("list_revision", Stays("lists as they were signed; the content of the newest five")),
    ("mail", With("advisory")),
    ("mail_distrusted", Member),
    ("measure_wording", Stays("measures as the operator words them; the newest versions of each")),
    ("meeting", With("alert")),
    ("member", Member),
    ("member_contact", Member),
    ("member_domain", Member),
    ("member_network", Member),
    ("merged", With("incident")),
    ("muted", Goes(retention::AUDIT)),
    ("muted_at", With("muted")),
    ("object", Stays("the newest version of what each source says")),
    ("page_link", Stays("one for each account, for 72 hours at most")),
    ("page_session", Goes(retention::SESSIONS)),
    ("page_token", Member),
    ("pending_list", Stays("one")),
    ("reader", Goes(retention::AUDIT)),
    ("recall", Goes(retention::AUDIT)),
    ("record", Goes(retention::ALERTS)),
    ("recovery_code", With("account")),
    ("rollout", Goes(retention::AUDIT)),
    ("root_document", Stays("keys that are public")),
    ("saved_view", Stays("what people saved of lists, so many each, until they delete it")),
    ("sensor", Member),
    ("sensor_brake", Stays("one for each sensor")),
    ("sensor_event", Goes(retention::HEARTBEATS)),
    ("sensor_mark", Stays("the newest few of each sensor")),
    ("setting", Stays("what the operator has set")),
    ("sighting", Goes(retention::SIGHTINGS)),
    ("sighting_target", Stays("one for each source")),
    ("silence", Goes(retention::LOSSES)),
    ("site", Member),
    ("source", Stays("where intelligence comes from")),
    ("strand", With("incident")),
    ("timeline", With("incident")),
    ("trace", With("strand")),
    ("triage", Stays("what can be undone of the last minutes, so much and no more")),
    ("warninglist", Stays("public lists, or the operator's own")),
    ("weights", Stays("what the operator has correlation go by, each file once")),
];

/// Up to when rows of a table go in one go: what is older than is kept by the newest sign of life there is, and never more than
/// [`RETENTION_STEP`] of the oldest at once. A clock that is years ahead cannot take all of it, and is found before it has taken much.
pub fn up_to(newest: Timestamp, kept: Duration, oldest: Timestamp) -> Timestamp {
    newest.minus(kept).min(oldest.clamped().plus(RETENTION_STEP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k1_a_clock_that_is_ahead_takes_six_hours_of_the_oldest_at_once() {
        let (day, kept) = (86_400_000_000_i64, Duration::from_secs(10 * 86_400));
        let at = |days: i64| Timestamp(days * day);
        assert_eq!(up_to(at(20), kept, at(15)), at(10), "nothing is older");
        assert_eq!(up_to(at(20), kept, at(9)), Timestamp(9 * day + day / 4));
        assert_eq!(up_to(at(9_000), kept, at(9)), Timestamp(9 * day + day / 4), "years ahead");
        assert_eq!(up_to(Timestamp::MAX, Duration::MAX, Timestamp::MIN), Timestamp::MIN, "what is kept for ever");
    }
}
