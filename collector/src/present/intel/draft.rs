//! Drafts: what was pasted and what becomes of it, and what the next list would change.

use super::{people, person};
use crate::command::for_pages::DraftView as Facts;
use crate::command::not_published::NotPublished;
use crate::command::pasted::{Fate, Looked, Pasted, Seen};
use crate::intel::format::{Format, Place};
use crate::present::shown::{Moment, Shown, number};
use crate::present::text::Texts;
use crate::present::trust::on_its_way;
use crate::present::view::{Reader, kind_words};
use crate::store::pending::PendingFacts;
use crate::store::rollout::RolloutFacts;

/// What waits for a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// Which list, how many, how many of them new, how many that go.
    pub words: String,
    /// Since when.
    pub since: Moment,
    /// The number, for the name of the file.
    pub list: i64,
}

impl Waits {
    /// From facts.
    pub fn of(facts: &PendingFacts, reader: &Reader) -> Waits {
        let numbers =
            [("revision", facts.revision), ("count", facts.count), ("added", facts.added), ("removed", facts.removed)];
        Waits {
            words: reader.texts.numbers("trust-waits", &numbers),
            since: reader.calendar.moment(facts.prepared_at),
            list: facts.revision,
        }
    }
}

/// A line of what was pasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// On which line it stands.
    pub place: String,
    /// It.
    pub value: Shown,
    /// What kind it is.
    pub kind: String,
    /// The sentence around it.
    pub sentence: Option<Shown>,
    /// What becomes of it.
    pub fate: String,
    /// Why, in the words that importers have.
    pub why: Option<Shown>,
    /// It is taken in and goes out.
    pub is_good: bool,
    /// Its number, where it is known.
    pub known: Option<i64>,
}

/// A format, as people call it; the rest go by their own names.
fn format_words(format: Format, texts: &Texts) -> String {
    match format {
        Format::Plain => texts.say("draft-format-plain"),
        Format::Csv => texts.say("draft-format-csv"),
        Format::Prose => texts.say("draft-format-prose"),
        Format::Stix => "STIX 2.1".to_owned(),
        Format::Misp => "MISP".to_owned(),
        Format::Zeek => "Zeek".to_owned(),
        Format::Rpz => "RPZ".to_owned(),
        Format::Suricata => "Suricata".to_owned(),
        Format::Hosts => "hosts".to_owned(),
        Format::Urlhaus => "URLhaus".to_owned(),
        Format::Threatfox => "ThreatFox".to_owned(),
        Format::Feodo => "Feodo Tracker".to_owned(),
    }
}

/// What lint says of a value, which nobody is to click on.
fn defanged(said: &str) -> String {
    match said.split_once(": ") {
        Some((value, why)) => format!("{}: {why}", Shown::defanged(value)),
        None => said.to_owned(),
    }
}

fn line(seen: &Seen, texts: &Texts) -> Line {
    let fate = match &seen.fate {
        Fate::Taken => texts.say("draft-fate-taken"),
        Fate::Known(_) => texts.say("draft-fate-known"),
        Fate::Held(rule) => texts.with("draft-fate-held", &[("rule", Shown::of(rule).as_str())]),
        Fate::Over => texts.say("draft-fate-over"),
        Fate::Red => texts.say("draft-fate-red"),
        Fate::Clue => texts.say("draft-fate-clue"),
        Fate::Harmless => texts.say("draft-fate-harmless"),
        Fate::Passed(_) => texts.say("draft-fate-passed"),
        Fate::LeftOut(_) => texts.say("draft-fate-left-out"),
    };
    let why = match &seen.fate {
        Fate::Passed(why) | Fate::LeftOut(why) => Some(Shown::of(why)),
        Fate::Taken | Fate::Known(_) | Fate::Held(_) | Fate::Over | Fate::Red | Fate::Clue | Fate::Harmless => None,
    };
    Line {
        place: match &seen.place {
            Place::Line(line) => texts.numbers("draft-line", &[("line", i64::try_from(*line).unwrap_or(i64::MAX))]),
            Place::Object(id) => Shown::of(id).to_string(),
        },
        value: match &seen.value {
            Some(value) => Shown::defanged(value.strip_prefix('=').unwrap_or(value)),
            None => Shown::of(&texts.say("draft-for-few")),
        },
        kind: kind_words(&seen.kind, texts),
        sentence: seen.sentence.as_deref().map(Shown::of),
        is_good: matches!(seen.fate, Fate::Taken | Fate::Known(_)),
        known: if let Fate::Known(id) = seen.fate { Some(id) } else { None },
        fate,
        why,
    }
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookedView {
    /// As what it was read, and what it comes to.
    pub words: String,
    /// What it says of all of itself.
    pub own_word: Option<String>,
    /// Its lines.
    pub lines: Vec<Line>,
    /// How many are not shown.
    pub more: Option<String>,
    /// Something of it is taken in.
    pub may_take: bool,
    /// What was looked at: what is taken in is that.
    pub seen: String,
}

impl LookedView {
    /// From what was looked at.
    pub fn of(looked: &Looked, seen: String, texts: &Texts) -> LookedView {
        let n = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let counts = [
            ("taken", n(looked.taken)),
            ("held", n(looked.held)),
            ("out", n(looked.left_out)),
            ("beside", n(looked.beside)),
        ];
        LookedView {
            words: format!(
                "{} {}",
                texts.with("draft-read-as", &[("format", &format_words(looked.format, texts))]),
                texts.numbers("draft-comes-to", &counts)
            ),
            own_word: looked.own_word.map(|tlp| texts.with("draft-own-word", &[("tlp", &tlp.to_string())])),
            lines: looked.seen.iter().map(|seen| line(seen, texts)).collect(),
            more: (looked.more > 0).then(|| texts.count("draft-more", n(looked.more))),
            may_take: looked.taken > 0,
            seen,
        }
    }
}

/// The page on which a warning is pasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasteView {
    /// As it was pasted.
    pub text: String,
    /// Where it comes from.
    pub source: Shown,
    /// What it belongs to.
    pub threat: Shown,
    /// Markings to choose among: value, words, chosen.
    pub tlps: Vec<(&'static str, String, bool)>,
    /// Formats to choose among.
    pub formats: Vec<(&'static str, String, bool)>,
    /// What was looked at.
    pub looked: Option<LookedView>,
    /// What was wrong.
    pub wrong: Option<String>,
    /// What waits for a signature.
    pub waits: Option<Waits>,
    /// What became of the newest list: words, since when, why, whether it has stopped.
    pub rollout: Option<(String, Moment, Option<Shown>, bool)>,
    /// What was just done.
    pub done: Option<String>,
    /// The reader may paste.
    pub may_paste: bool,
    /// The key that signs is not here.
    pub duty: bool,
}

/// Markings as forms send them.
const TLPS: [&str; 5] = ["clear", "green", "amber", "amber+strict", "red"];

impl PasteView {
    /// From what was filled in.
    pub fn of(pasted: &Pasted, texts: &Texts) -> PasteView {
        let tlp = |word: &'static str| {
            let is_it = pasted.tlp.is_some_and(|tlp| word.parse() == Ok(tlp));
            (word, format!("TLP:{}", word.to_ascii_uppercase()), is_it)
        };
        let format = |format: Format| (format.as_str(), format_words(format, texts), pasted.format == Some(format));
        let mut tlps = vec![("", texts.say("draft-tlp-own"), pasted.tlp.is_none())];
        tlps.extend(TLPS.map(tlp));
        let mut formats = vec![("auto", texts.say("draft-format-auto"), pasted.format.is_none())];
        formats.extend(Format::ALL.map(format));
        PasteView {
            text: pasted.text.clone(),
            source: Shown::of(&pasted.source),
            threat: Shown::of(&pasted.threat),
            tlps,
            formats,
            looked: None,
            wrong: None,
            waits: None,
            rollout: None,
            done: None,
            may_paste: false,
            duty: false,
        }
    }

    /// With how publication stands.
    #[must_use]
    pub fn beside(self, pending: Option<&PendingFacts>, rollout: Option<&RolloutFacts>, reader: &Reader) -> PasteView {
        let is_unsigned = |facts: &RolloutFacts| pending.is_some_and(|one| one.revision == facts.pilot_revision);
        PasteView {
            waits: pending.map(|facts| Waits::of(facts, reader)),
            rollout: rollout.and_then(|facts| on_its_way(facts, is_unsigned(facts), reader)),
            ..self
        }
    }
}

/// An indicator of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftLine {
    /// Its number.
    pub id: i64,
    /// What it is.
    pub shown: Shown,
    /// What kind.
    pub kind: String,
    /// Its marking.
    pub tlp: Shown,
    /// It is part of an exercise.
    pub exercise: bool,
    /// Who says so.
    pub sources: Shown,
    /// What it would have hit.
    pub hits: Option<String>,
    /// What lint says of it though it goes out.
    pub warnings: Vec<Shown>,
}

/// What is added, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// For the names of things on the page.
    pub id: &'static str,
    /// What it is, with how many.
    pub words: String,
    /// The first of them.
    pub lines: Vec<DraftLine>,
    /// How many are not shown.
    pub more: Option<String>,
}

/// What lint holds back by one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBy {
    /// The rule.
    pub rule: Shown,
    /// How many.
    pub count: String,
    /// The first few.
    pub first: Shown,
    /// What a person can do about it.
    pub words: String,
}

/// The draft of the next list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftPage {
    /// Its name: of what it holds.
    pub name: String,
    /// How many, against which list.
    pub words: String,
    /// Who changed what it is made of, and since when.
    pub by: String,
    /// Who has looked it through: who, when, why.
    pub reviews: Vec<(Shown, Moment, Shown)>,
    /// Who else has to look.
    pub lacks: Option<String>,
    /// It says what the newest list says.
    pub is_same: bool,
    /// Added, changed, removed.
    pub parts: Vec<Part>,
    /// What lint holds back.
    pub held: Vec<HeldBy>,
    /// What else is left out.
    pub left_out: Vec<String>,
    /// What waits for a signature.
    pub waits: Option<Waits>,
    /// The key that signs is not here.
    pub duty: bool,
    /// What was wrong.
    pub wrong: Option<String>,
    /// It was refused because it is so much smaller.
    pub shrinks: bool,
}

fn n(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl DraftPage {
    /// From facts.
    pub fn of(facts: &Facts, pending: Option<&PendingFacts>, duty: bool, reader: &Reader) -> DraftPage {
        let texts = reader.texts;
        let authors = people(&facts.authors, texts);
        let (count, list) = (texts.count("desk-groups-n", n(facts.count)), number(n(facts.list)));
        let counts = [("count", count.as_str()), ("list", list.as_str())];
        let by = match (facts.authors.is_empty(), facts.since) {
            (true, _) => texts.say("draft-by-nobody"),
            (false, None) => texts.with("draft-by", &[("who", authors.as_str())]),
            (false, Some(since)) => {
                let since = reader.calendar.moment(since).shown;
                texts.with("draft-by-since", &[("who", authors.as_str()), ("since", since.as_str())])
            }
        };
        let part = |id: &'static str, words: String, part: &crate::command::draft::Part| Part {
            id,
            words,
            lines: part.shown.iter().map(|one| draft_line(one, texts)).collect(),
            more: {
                let more = part.total.saturating_sub(part.shown.len());
                (more > 0).then(|| texts.count("draft-more", i64::try_from(more).unwrap_or(i64::MAX)))
            },
        };
        let size = |part: &crate::command::draft::Part| i64::try_from(part.total).unwrap_or(i64::MAX);
        let parts = vec![
            part("added", texts.count("draft-added", size(&facts.added)), &facts.added),
            part("changed", texts.count("draft-changed", size(&facts.changed)), &facts.changed),
            part("removed", texts.count("draft-removed", size(&facts.removed)), &facts.removed),
        ];
        let held = facts.held.by_rule.iter().map(|(rule, tally)| HeldBy {
            rule: Shown::of(rule),
            count: number(n(tally.count)),
            first: Shown::whole(&tally.first.iter().map(|one| defanged(one)).collect::<Vec<_>>().join("; ")),
            words: match tally.can_be_overridden {
                true => texts.say("draft-held-can"),
                false => texts.say("draft-held-cannot"),
            },
        });
        let out = &facts.left_out;
        let left_out = [
            (out.expired, "draft-out-expired"),
            (out.red, "draft-out-red"),
            (out.fingerprints, "draft-out-fingerprints"),
        ];
        let reviews = facts
            .reviews
            .iter()
            .map(|review| (person(&review.who, texts), reader.calendar.moment(review.at), Shown::of(&review.reason)));
        DraftPage {
            name: facts.draft.clone(),
            words: match facts.list {
                0 => texts.with("draft-words-first", &counts),
                _ => texts.with("draft-words", &counts),
            },
            by,
            reviews: reviews.collect(),
            lacks: facts.lacks_eyes.then(|| match facts.authors.is_empty() {
                true => texts.say("draft-lacks-unknown"),
                false => texts.with("draft-lacks", &[("who", authors.as_str())]),
            }),
            is_same: facts.added.total + facts.changed.total + facts.removed.total == 0,
            parts,
            held: held.collect(),
            left_out: left_out
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, key)| texts.count(key, n(count)))
                .collect(),
            waits: pending.map(|facts| Waits::of(facts, reader)),
            duty,
            wrong: None,
            shrinks: false,
        }
    }
}

fn draft_line(one: &crate::command::draft::One, texts: &Texts) -> DraftLine {
    let indicator = &one.indicator;
    let is_secret = crate::intel::hidden::is_secret(crate::intel::hidden::read(&indicator.tlp));
    DraftLine {
        id: indicator.id,
        shown: match is_secret {
            true => Shown::of(&texts.numbers("indicator-confidential", &[("id", indicator.id)])),
            false => Shown::defanged(indicator.indicator.strip_prefix('=').unwrap_or(&indicator.indicator)),
        },
        kind: kind_words(&indicator.kind, texts),
        tlp: Shown::of(&indicator.tlp),
        exercise: indicator.exercise,
        sources: Shown::of(&indicator.sources.join(", ")),
        hits: one.would_hit.map(|hits| match hits.alerts {
            0 => texts.say("draft-hits-none"),
            _ => texts.numbers("draft-hits", &[("hosts", n(hits.hosts)), ("members", n(hits.members))]),
        }),
        warnings: one.warnings.iter().flatten().map(|words| Shown::of(words)).collect(),
    }
}

/// Why a draft is not published, in the reader's words; and whether because it is so much smaller.
pub fn not_published(error: &anyhow::Error, texts: &Texts) -> (String, bool) {
    let Some(why) = error.downcast_ref::<NotPublished>() else { return (super::page::refusal(error, texts), false) };
    match why {
        NotPublished::Other { .. } | NotPublished::Changed { .. } => (texts.say("draft-not-other"), false),
        NotPublished::Unreviewed { authors, .. } => {
            let who = people(authors, texts);
            (texts.with("draft-lacks", &[("who", who.as_str())]), false)
        }
        NotPublished::NobodyKnown { .. } => (texts.say("draft-lacks-unknown"), false),
        NotPublished::Shrinks { newest, held, count } => {
            let numbers = [("list", n(*newest)), ("held", n(*held)), ("count", n(*count))];
            (texts.numbers("draft-not-shrunken", &numbers), true)
        }
        NotPublished::Overtaken => (texts.say("draft-not-overtaken"), false),
    }
}
