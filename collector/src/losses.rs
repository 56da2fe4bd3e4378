//! Places of a spool that hold no record, told as ranges: one event for what was lost in a row, for one reason; and their sum.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use varde_common::id::Seq;
use varde_common::record::{LossCounts, LossReason};
use varde_common::time::Timestamp;

use crate::store::record;

/// Records of a spool that was set aside, whose time on the sensor's disk is over.
pub const RECORDS_ENDED: &str = "records_ended";
/// Octets that could not be read, whose time there is over.
pub const UNREAD_ENDED: &str = "unread_ended";

/// Lost records by severity, as they are stored.
pub fn counts_of(counts: &LossCounts) -> Value {
    let LossCounts { info, low, medium, high, critical, other } = counts;
    json!({ "info": info, "low": low, "medium": medium, "high": high, "critical": critical, "other": other })
}

/// Whether it is told before something is removed at the sensor: then it may be told twice, in the same words, and is one.
pub fn is_of_removal(body: &Value) -> bool {
    matches!(body.get("event").and_then(Value::as_str), Some(RECORDS_ENDED | UNREAD_ENDED))
}

/// What a record says is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// First missing.
    pub from: Seq,
    /// Last missing.
    pub to: Seq,
    /// Why.
    pub reason: LossReason,
    /// What they were, where the sensor knows.
    pub counts: Option<LossCounts>,
}

/// The losses of one batch.
#[derive(Debug, Default)]
pub struct Losses(Vec<(Seq, Timestamp, Lost)>);

impl Losses {
    /// One more, in order; it goes on with the one before where it begins behind it.
    pub fn add(&mut self, seq: Seq, at: Timestamp, lost: Lost) {
        match self.0.last_mut() {
            Some((_, _, last))
                if last.to.next() == lost.from
                    && last.reason == lost.reason
                    && last.counts.is_some() == lost.counts.is_some() =>
            {
                last.to = lost.to;
                last.counts = last.counts.map(|counts| counts.plus(&lost.counts.unwrap_or_default()));
            }
            Some(_) | None => self.0.push((seq, at, lost)),
        }
    }

    /// What is stored of them.
    pub fn into_events(self) -> impl Iterator<Item = record::SensorEvent> {
        self.0.into_iter().map(|(seq, at, Lost { from, to, reason, counts })| {
            let reason = match reason {
                LossReason::SpoolFull => "spool_full",
                LossReason::SpoolDamaged => "spool_damaged",
                LossReason::SpoolAged => "spool_aged",
            };
            let mut body = json!({ "event": "loss", "from": from, "to": to, "reason": reason });
            if let (Some(counts), Some(body)) = (counts, body.as_object_mut()) {
                body.insert("counts".to_owned(), counts_of(&counts));
            }
            record::SensorEvent { seq, at, body }
        })
    }
}

/// Why records are missing, as people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The sensor's spool or disk was full.
    Full,
    /// Nobody fetched them in time.
    Aged,
    /// They could not be read any more.
    Damaged,
    /// The same, said since this collector was restored: more likely they were let go, 72 hours after it had had them.
    Gone,
    /// They lay in a spool that was set aside until their time was over, and nobody had them.
    SetAside,
    /// The same, of which some may have been sent before.
    SetAsideOrSent,
    /// A reason not known here.
    Other,
}

impl Why {
    /// Of a stored loss; `restored` = it was said since this collector was restored.
    pub fn of(loss: &Value, restored: bool) -> Why {
        if loss.get("event").and_then(Value::as_str) == Some(RECORDS_ENDED) {
            return match loss.get("may_be_sent").and_then(Value::as_bool) {
                Some(false) => Why::SetAside,
                Some(true) | None => Why::SetAsideOrSent,
            };
        }
        match (loss.get("reason").and_then(Value::as_str), restored) {
            (Some("spool_full"), _) => Why::Full,
            (Some("spool_aged"), _) => Why::Aged,
            (Some("spool_damaged"), false) => Why::Damaged,
            (Some("spool_damaged"), true) => Why::Gone,
            (Some(_) | None, _) => Why::Other,
        }
    }
}

/// How many records a stored loss stands for.
pub fn records_of(loss: &Value) -> u64 {
    let place = |key: &str| loss.get(key).and_then(Value::as_u64);
    match (place("from"), place("to")) {
        (Some(from), Some(to)) if from <= to => (to - from).saturating_add(1),
        (Some(_) | None, Some(_) | None) => 0,
    }
}

/// What a sensor said is lost, added up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    sums: BTreeMap<Why, u64>,
    /// There are older ones that were not added up.
    pub more: bool,
}

impl Told {
    /// One more; what is no loss adds nothing.
    pub fn add(&mut self, body: &Value, restored: bool) {
        if matches!(body.get("event").and_then(Value::as_str), Some("loss" | RECORDS_ENDED)) {
            let sum = self.sums.entry(Why::of(body, restored)).or_default();
            *sum = sum.saturating_add(records_of(body));
        }
    }

    /// By reason, each that there was.
    pub fn sums(&self) -> Vec<(Why, u64)> {
        self.sums.iter().map(|(why, records)| (*why, *records)).collect()
    }

    /// All together.
    pub fn total(&self) -> u64 {
        self.sums.values().copied().fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::indicator::Severity;

    #[test]
    fn d5_places_lost_in_a_row_are_one_event_with_their_sums() {
        let mut losses = Losses::default();
        let lost = |seq, reason, counts| Lost { from: Seq(seq), to: Seq(seq), reason, counts };
        for seq in [3, 4, 5, 9] {
            let counts = LossCounts::of((seq != 4).then_some(Severity::Low), 1);
            losses.add(Seq(seq), Timestamp(7), lost(seq, LossReason::SpoolFull, Some(counts)));
        }
        losses.add(Seq(10), Timestamp(7), lost(10, LossReason::SpoolAged, Some(LossCounts::of(None, 1))));
        losses.add(Seq(11), Timestamp(7), lost(11, LossReason::SpoolDamaged, None));
        let events: Vec<_> = losses.into_events().map(|event| (event.seq.0, event.body)).collect();
        let counts = |low: u64, other: u64| json!({ "info": 0, "low": low, "medium": 0, "high": 0, "critical": 0, "other": other });
        let event = |from: u64, to: u64, reason: &str, counts| json!({ "event": "loss", "from": from, "to": to, "reason": reason, "counts": counts });
        let damaged = json!({ "event": "loss", "from": 11, "to": 11, "reason": "spool_damaged" });
        let all = [
            (3, event(3, 5, "spool_full", counts(2, 1))),
            (9, event(9, 9, "spool_full", counts(1, 0))),
            (10, event(10, 10, "spool_aged", counts(0, 1))),
            (11, damaged),
        ];
        assert_eq!(events, all);
    }
}
