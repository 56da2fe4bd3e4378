//! The work on an incident or a campaign: where it stands, what is to be done, legal clocks and the timeline, in words.

use super::shown::{Moment, Shown, span};
use super::text::Texts;
use super::view::{Reader, Steps, size};
use crate::limits::workflow::TIMELINE_SHOWN;
use crate::store::alert::level_of;
use crate::store::picture::WorkFacts;
use crate::store::workflow::Work;
use crate::workflow::again::Why;
use crate::workflow::duty::{Clock, Duties, Duty, Fare, Left};
use crate::workflow::timeline::{About, Entry, Measure, MeasureStatus, Said};
use crate::workflow::{Closing, Progress, State};

/// A line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkLine {
    /// When it was so.
    pub at: Moment,
    /// When it was learnt.
    pub learnt: Moment,
    /// Who said it.
    pub who: Shown,
    /// What.
    pub words: Shown,
    /// The CSIRT alone reads it.
    pub csirt_only: bool,
}

/// A measure's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasureLine {
    /// What is to be done.
    pub text: Shown,
    /// How it stands.
    pub status: String,
    /// Since when.
    pub at: Moment,
    /// Who said so.
    pub who: Shown,
    /// The CSIRT alone reads it.
    pub csirt_only: bool,
}

/// A clock's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockLine {
    /// Whom to notify, and within what.
    pub name: String,
    /// Until when.
    pub due: Moment,
    /// What is left, or how it ended.
    pub words: Shown,
    /// It is over and was not reported.
    pub calls: bool,
}

/// What is said of legal duties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DutiesView {
    /// When it was discovered.
    pub discovered: Option<Moment>,
    /// The clocks that run, or did.
    pub clocks: Vec<ClockLine>,
    /// Why others do not run.
    pub why_not: Vec<String>,
}

/// The work on something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkView {
    /// Where it stands; none for who is not told.
    pub state: Option<String>,
    /// Whose it is, in words.
    pub owner: Option<Shown>,
    /// That it came back, and that more was seen since it was closed.
    pub notes: Vec<String>,
    /// What is to be done.
    pub measures: Vec<MeasureLine>,
    /// Legal clocks; none of what has none.
    pub duties: Option<DutiesView>,
    /// All of it, the newest lines.
    pub lines: Vec<WorkLine>,
    /// Said where not all are shown.
    pub cut: Option<String>,
}

/// A state in words.
pub fn state_words(standing: Progress, texts: &Texts) -> String {
    match (standing.state(), standing.closed_as()) {
        (State::New, _) => texts.say("state-new"),
        (State::Triaged, _) => texts.say("state-triaged"),
        (State::Confirmed, _) => texts.say("state-confirmed"),
        (State::Contained, _) => texts.say("state-contained"),
        (State::Closed, Some(Closing::Confirmed) | None) => texts.say("state-closed-confirmed"),
        (State::Closed, Some(Closing::FalsePositive)) => texts.say("state-closed-false-positive"),
        (State::Closed, Some(Closing::Legitimate)) => texts.say("state-closed-legitimate"),
        (State::Closed, Some(Closing::Duplicate)) => numbered(
            ("state-closed-duplicate", "state-closed-duplicate-unnumbered"),
            "of",
            standing.duplicate_of(),
            texts,
        ),
        (State::Closed, Some(Closing::Exercise)) => texts.say("state-closed-exercise"),
    }
}

/// A sentence with a case's number in it, or the one without for whoever is told no numbers.
fn numbered((key, unnumbered): (&str, &str), name: &str, number: Option<i64>, texts: &Texts) -> String {
    match number {
        Some(number) => texts.with(key, &[(name, &number.to_string())]),
        None => texts.say(unnumbered),
    }
}

/// How a measure stands, in words.
pub fn status_words(status: MeasureStatus, texts: &Texts) -> String {
    match status {
        MeasureStatus::Planned => texts.say("measure-planned"),
        MeasureStatus::Done => texts.say("measure-done"),
        MeasureStatus::NotApplicable => texts.say("measure-not-applicable"),
    }
}

fn duty_words(duty: Duty, texts: &Texts) -> String {
    match duty {
        Duty::Nsm => texts.say("clock-nsm"),
        Duty::Datatilsynet => texts.say("clock-datatilsynet"),
    }
}

fn back_words(why: Why, was: Progress, about: Option<&About>, texts: &Texts) -> String {
    if let (Why::SomethingElse, Some(name)) = (why, about.and_then(|about| about.name.as_deref())) {
        return texts.with("said-back-else-named", &[("name", name), ("was", &state_words(was, texts))]);
    }
    let key = match why {
        Why::SeenAgain => "said-back-seen",
        Why::Further => "said-back-further",
        Why::SomethingElse => "said-back-else",
        Why::AnotherMember => "said-back-member",
        Why::Reported => "said-back-reported",
    };
    texts.with(key, &[("was", &state_words(was, texts))])
}

/// What was said or found, as a sentence.
pub fn said_words(said: &Said, texts: &Texts) -> String {
    match said {
        Said::Reported { text, evidence: None } => texts.with("said-reported", &[("text", text)]),
        Said::Reported { text, evidence: Some(evidence) } => {
            let evidence = Steps::of(level_of(*evidence), texts).word;
            texts.with("said-reported-far", &[("text", text), ("evidence", &evidence)])
        }
        Said::Stepped { standing, reason: None } => state_words(*standing, texts),
        Said::Stepped { standing, reason: Some(reason) } => format!("{}: {reason}", state_words(*standing, texts)),
        Said::Assigned { owner: Some(owner) } => texts.with("said-assigned", &[("owner", owner)]),
        Said::Assigned { owner: None } => texts.say("said-unassigned"),
        Said::Noted { text } => text.clone(),
        Said::Measured { text, status, .. } => {
            texts.with("said-measured", &[("text", text), ("status", &status_words(*status, texts))])
        }
        Said::AdvisorySent { title, version, recipients, .. } => {
            let to = recipients.map(|many| texts.count("said-advisory-to", i64::try_from(many).unwrap_or(i64::MAX)));
            let key = if *version > 1 { "said-advisory-corrected" } else { "said-advisory-sent" };
            let words = texts.with(key, &[("title", title)]);
            to.map_or(words.clone(), |to| format!("{words} {to}"))
        }
        Said::AdvisoryRead { number, name, .. } => {
            texts.with("said-advisory-read", &[("number", number), ("name", name)])
        }
        Said::AdvisoryAnswered { number, name, answer, measure, text, .. } => {
            let mut words = super::advisory::answer_words(*answer, measure.as_deref(), texts);
            if let Some(text) = text {
                words = format!("{words} {text}");
            }
            texts.with("said-advisory-answered", &[("number", number), ("name", name), ("answer", words.trim())])
        }
        Said::AdvisoryWithdrawn { reason, .. } => texts.with("said-advisory-withdrawn", &[("reason", reason)]),
        Said::Discovered => texts.say("said-discovered"),
        Said::BreachSuspected => texts.say("said-breach"),
        Said::DutyReported { duty } => texts.with("said-duty-reported", &[("duty", &duty_words(*duty, texts))]),
        Said::DutyWithdrawn { duty, reason } => {
            texts.with("said-duty-withdrawn", &[("duty", &duty_words(*duty, texts)), ("reason", reason)])
        }
        Said::Reached { evidence } => {
            texts.with("said-reached", &[("evidence", &Steps::of(level_of(*evidence), texts).word)])
        }
        Said::CameBack { why, was, about } => back_words(*why, *was, about.as_ref(), texts),
        Said::Returned { of } => numbered(("said-returned", "said-returned-unnumbered"), "id", *of, texts),
        Said::WentOn { in_incident } => {
            numbered(("said-went-on", "said-went-on-unnumbered"), "id", *in_incident, texts)
        }
        Said::Joined { id, was } => {
            let was = state_words(*was, texts);
            match id {
                Some(id) => texts.with("said-joined", &[("id", &id.to_string()), ("was", &was)]),
                None => texts.with("said-joined-unnumbered", &[("was", &was)]),
            }
        }
        Said::Split { from, into, incidents, count, reason } => {
            let numbers: Vec<String> = incidents.iter().map(i64::to_string).collect();
            let rest = if *count > size(incidents.len()) { format!(", … ({count})") } else { String::new() };
            let (incidents, from) = (format!("{}{rest}", numbers.join(", ")), from.unwrap_or_default().to_string());
            let many = if *count > 1 { "yes" } else { "no" };
            let mut values =
                vec![("incidents", incidents.as_str()), ("many", many), ("from", from.as_str()), ("reason", reason)];
            let into = into.map(|into| into.to_string());
            values.extend(into.as_deref().map(|into| ("into", into)));
            texts.with(if into.is_some() { "said-split" } else { "said-split-alone" }, &values)
        }
        Said::Merged { id, was, reason } => {
            let (id, was) = (id.unwrap_or_default().to_string(), state_words(*was, texts));
            texts.with("said-merged", &[("id", &id), ("was", &was), ("reason", reason)])
        }
        Said::FirstSeen => texts.say("said-first"),
        Said::InHistory => texts.say("said-history"),
        Said::Concluded => texts.say("said-concluded"),
        Said::MemberHit { number, name, incident: Some(incident) } => {
            texts.with("said-hit", &[("number", number), ("name", name), ("id", &incident.to_string())])
        }
        Said::MemberHit { number, name, incident: None } => {
            texts.with("said-hit-unnumbered", &[("number", number), ("name", name)])
        }
    }
}

/// What is left of a clock, or how it ended.
pub fn clock_words(clock: &Clock, reader: &Reader) -> String {
    let texts = reader.texts;
    match (&clock.fare, clock.left(reader.now)) {
        (Fare::Reported { in_time: true, .. }, _) => texts.say("clock-reported"),
        (Fare::Reported { in_time: false, .. }, _) => texts.say("clock-reported-late"),
        (Fare::Withdrawn { reason, .. }, _) => texts.with("clock-withdrawn", &[("reason", reason)]),
        (Fare::Running, Some(Left::For(left))) => texts.with("clock-left", &[("span", &span(texts, left.as_secs()))]),
        (Fare::Running, Some(Left::OverSince(over))) => {
            texts.with("clock-over", &[("span", &span(texts, over.as_secs()))])
        }
        (Fare::Running, None) => String::new(),
    }
}

/// Why a clock does not run that might.
pub fn clocks_not_running(duties: &Duties, texts: &Texts) -> Vec<String> {
    let mut words = Vec::new();
    if duties.discovered.is_none() {
        words.push(texts.say("clock-not-discovered"));
    }
    match duties.covered {
        Some(true) => {}
        Some(false) => words.push(texts.say("clock-not-covered")),
        None => words.push(texts.say("clock-covered-unknown")),
    }
    if !duties.breach_suspected {
        words.push(texts.say("clock-no-breach"));
    }
    words
}

/// A clock's line.
pub fn clock_line(clock: &Clock, reader: &Reader) -> ClockLine {
    ClockLine {
        name: duty_words(clock.duty, reader.texts),
        due: reader.calendar.moment(clock.due),
        words: Shown::whole(&clock_words(clock, reader)),
        calls: matches!(clock.left(reader.now), Some(Left::OverSince(_))),
    }
}

impl DutiesView {
    fn of(duties: &Duties, reader: &Reader) -> DutiesView {
        DutiesView {
            discovered: duties.discovered.map(|at| reader.calendar.moment(at)),
            clocks: duties.clocks.iter().map(|clock| clock_line(clock, reader)).collect(),
            why_not: clocks_not_running(duties, reader.texts),
        }
    }
}

impl WorkView {
    /// From facts; of a campaign none for a member.
    pub fn of(facts: Option<&WorkFacts>, work: &Work, reader: &Reader) -> WorkView {
        let texts = reader.texts;
        let who = |name: &Option<String>| Shown::of(name.as_deref().unwrap_or("Varde"));
        let line = |entry: &Entry| WorkLine {
            at: reader.calendar.moment(entry.at),
            learnt: reader.calendar.moment(entry.learnt_at),
            who: who(&entry.who),
            words: Shown::whole(&said_words(&entry.said, texts)),
            csirt_only: !entry.for_members,
        };
        let measure = |measure: &Measure| MeasureLine {
            text: Shown::whole(&measure.text),
            status: status_words(measure.status, texts),
            at: reader.calendar.moment(measure.at),
            who: who(&measure.who),
            csirt_only: !measure.for_members,
        };
        let (shown, total) = (work.timeline.len().min(TIMELINE_SHOWN), work.timeline.len());
        let mut notes = Vec::new();
        if let Some(facts) = facts {
            if facts.came_back > 0 {
                notes.push(texts.count("work-came-back", facts.came_back));
            }
            if facts.grown {
                notes.push(texts.say("work-grown"));
            }
        }
        let owner = facts.map(|facts| match &facts.owner {
            Some(owner) => Shown::of(owner),
            None => Shown::of(&texts.say("owner-none")),
        });
        WorkView {
            state: facts.map(|facts| state_words(facts.standing, texts)),
            owner,
            notes,
            measures: work.measures.iter().map(measure).collect(),
            duties: work.duties.as_ref().map(|duties| DutiesView::of(duties, reader)),
            lines: work.timeline.iter().skip(total - shown).map(line).collect(),
            cut: (shown < total).then(|| texts.numbers("cut", &[("shown", size(shown)), ("total", size(total))])),
        }
    }
}
