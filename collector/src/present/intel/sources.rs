//! Where intelligence is fetched from: how each source is, in a sentence, what it brought, how right it was.

use crate::present::shown::{Moment, Shown, number};
use crate::present::text::Texts;
use crate::present::view::Reader;
use crate::store::source::SourceRow;
use crate::store::verdict::SourceRecord;

/// A source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// Its name, as forms send it.
    pub name: Shown,
    /// How it is fetched, and from which host.
    pub from: Shown,
    /// How it is, in a sentence.
    pub state: String,
    /// Why it fails or is held, in the words that fetching has.
    pub why: Option<Shown>,
    /// Something is wrong.
    pub is_bad: bool,
    /// Since when it is held.
    pub held_at: Option<Moment>,
    /// When it last succeeded.
    pub succeeded_at: Option<Moment>,
    /// When it was last tried.
    pub tried_at: Option<Moment>,
    /// What it brought last: new and withdrawn.
    pub brought: String,
    /// What it says that stands.
    pub standing: String,
    /// How right it was, with what that is of.
    pub record: String,
    /// It rests.
    pub is_paused: bool,
    /// How often it is fetched.
    pub every: String,
}

fn every(seconds: i64, texts: &Texts) -> String {
    match seconds {
        seconds if seconds % 86_400 == 0 => texts.count("source-every-days", seconds / 86_400),
        seconds if seconds % 3_600 == 0 => texts.count("source-every-hours", seconds / 3_600),
        seconds => texts.count("source-every-minutes", seconds / 60),
    }
}

fn state(row: &SourceRow, texts: &Texts) -> String {
    match (&row.held_why, &row.failed_why, row.paused_at) {
        (Some(_), _, _) => texts.say("source-state-held"),
        (None, _, Some(_)) => texts.say("source-state-paused"),
        (None, Some(_), None) => texts.count("source-state-fails", row.failures.max(1)),
        (None, None, None) if row.tried_at.is_none() => texts.say("source-state-untried"),
        (None, None, None) => texts.say("source-state-good"),
    }
}

fn record(record: Option<&SourceRecord>, texts: &Texts) -> String {
    let Some(record) = record else { return texts.say("source-record-none") };
    let SourceRecord { source: _, shown, hits, confirmed, false_positives } = record;
    let verdicts = confirmed.saturating_add(*false_positives);
    if *shown == 0 {
        return texts.say("source-record-none");
    }
    let met = texts.numbers("source-record-met", &[("hits", *hits), ("shown", *shown)]);
    match verdicts {
        0 => format!("{met} {}", texts.say("source-record-unjudged")),
        verdicts => {
            let right = [("confirmed", *confirmed), ("verdicts", verdicts)];
            format!("{met} {}", texts.numbers("source-record-right", &right))
        }
    }
}

impl SourceLine {
    /// From facts.
    pub fn of(row: &SourceRow, records: &[SourceRecord], reader: &Reader) -> SourceLine {
        let texts = reader.texts;
        let at = |at| reader.calendar.moment(at);
        let of_it = records.iter().find(|record| record.source == row.name);
        let why = row.held_why.as_deref().or(row.failed_why.as_deref());
        SourceLine {
            name: Shown::of(&row.name),
            from: Shown::of(&format!("{}, {}", row.plan.kind, row.plan.host())),
            state: state(row, texts),
            why: why.map(Shown::of),
            is_bad: why.is_some(),
            held_at: row.held_at.map(at),
            succeeded_at: row.succeeded_at.map(at),
            tried_at: row.tried_at.map(at),
            brought: match (row.new, row.withdrawn) {
                (Some(new), Some(gone)) => texts.numbers("source-brought", &[("new", new), ("gone", gone)]),
                _ => texts.say("source-brought-nothing"),
            },
            standing: number(row.standing),
            record: record(of_it, texts),
            is_paused: row.paused_at.is_some(),
            every: every(row.every_s, texts),
        }
    }
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcesView {
    /// Sources, those with which something is wrong first.
    pub rows: Vec<SourceLine>,
    /// How many of how many are well.
    pub total: String,
    /// What was just done.
    pub done: Option<String>,
    /// What was wrong.
    pub wrong: Option<String>,
}

impl SourcesView {
    /// From facts.
    pub fn of(rows: &[SourceRow], records: &[SourceRecord], reader: &Reader) -> SourcesView {
        let mut rows: Vec<SourceLine> = rows.iter().map(|row| SourceLine::of(row, records, reader)).collect();
        rows.sort_by_key(|row| !row.is_bad);
        let n = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        // One that rests or was never fetched works no more than it fails.
        let works = |row: &&SourceLine| !row.is_bad && !row.is_paused && row.succeeded_at.is_some();
        let good = rows.iter().filter(works).count();
        let total = match rows.len() {
            0 => reader.texts.say("source-none"),
            all => reader.texts.numbers("source-total", &[("good", n(good)), ("all", n(all))]),
        };
        SourcesView { rows, total, done: None, wrong: None }
    }
}
