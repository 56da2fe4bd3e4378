//! What came of a deed, in words: what was done, to what not and why, and that it can be undone.

use crate::present::shown::Moment;
use crate::present::text::Texts;
use crate::present::view::{Reader, size};
use crate::store::triage::{Deed, Done, NotDone, NotUndone, Target};
use crate::workflow::Refused;

/// A deed that can be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeedLine {
    /// Its number.
    pub id: i64,
    /// What was done.
    pub words: String,
    /// When.
    pub at: Moment,
}

/// What a deed is called.
fn deed_words(what: &str, texts: &Texts) -> String {
    match what {
        "acknowledge" => texts.say("desk-did-acknowledge"),
        "false-positive" => texts.say("desk-did-false-positive"),
        "legitimate" => texts.say("desk-did-legitimate"),
        "mute" => texts.say("desk-did-mute"),
        "unmute" => texts.say("desk-did-unmute"),
        "take" => texts.say("desk-did-take"),
        _ => texts.say("desk-did-note"),
    }
}

impl DeedLine {
    /// From what is remembered.
    pub fn of(deed: &Deed, reader: &Reader) -> DeedLine {
        DeedLine { id: deed.id, words: deed_words(&deed.what, reader.texts), at: reader.calendar.moment(deed.at) }
    }
}

/// A thing in words.
fn target_words(target: Target, texts: &Texts) -> String {
    match target {
        Target::Indicator(id) => texts.numbers("desk-target-indicator", &[("id", id)]),
        Target::Incident(id) => texts.numbers("desk-target-incident", &[("id", id)]),
        Target::Muting(id) => texts.numbers("desk-target-muting", &[("id", id)]),
        Target::Campaign(id) => texts.numbers("desk-target-campaign", &[("id", id)]),
    }
}

fn not_done_words(not: NotDone, texts: &Texts) -> String {
    match not {
        NotDone::Gone => texts.say("desk-not-gone"),
        NotDone::Already => texts.say("desk-not-already"),
        NotDone::NothingToJudge => texts.say("desk-not-judged"),
        NotDone::NotMuted => texts.say("desk-not-muted"),
        NotDone::NoCase => texts.say("desk-not-case"),
        NotDone::NotSuch => texts.say("desk-not-such"),
        NotDone::Full => texts.say("desk-not-full"),
        NotDone::Refused(refused) => match refused {
            Refused::Already(_) => texts.say("desk-not-already"),
            Refused::ReopenFirst(_) => texts.say("desk-not-closed"),
            Refused::ConfirmFirst(_) | Refused::NotClosed(_) | Refused::OfWhat | Refused::OfItself => {
                texts.say("desk-not-such")
            }
        },
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneView {
    /// To how many it was done.
    pub done: String,
    /// To what not, and why.
    pub not_done: Vec<String>,
    /// What follows beside.
    pub follows: Option<String>,
    /// By which it is undone.
    pub deed: Option<i64>,
    /// Where it was done.
    pub back: String,
}

impl DoneView {
    /// From what came of it.
    pub fn of(done: &Done, back: String, texts: &Texts) -> DoneView {
        let not = |(target, why): &(Target, NotDone)| {
            format!("{}: {}", target_words(*target, texts), not_done_words(*why, texts))
        };
        DoneView {
            done: texts.count("desk-done-n", size(done.done.len())),
            not_done: done.not_done.iter().map(not).collect(),
            follows: (!done.withdrawn.is_empty()).then(|| texts.count("desk-withdrawn", size(done.withdrawn.len()))),
            deed: done.deed,
            back,
        }
    }
}

/// Why nothing was undone.
pub fn not_undone(not: NotUndone, texts: &Texts) -> String {
    match not {
        NotUndone::Gone => texts.say("desk-undo-gone"),
        NotUndone::Others => texts.say("desk-undo-others"),
        NotUndone::Already => texts.say("desk-undo-already"),
        NotUndone::TooLate => texts.say("desk-undo-late"),
        NotUndone::ChangedSince => texts.say("desk-undo-changed"),
    }
}
