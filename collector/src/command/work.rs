//! What commands say and do of the work on an incident, a campaign or a silence: the arguments they share, and how it is told.

use std::collections::BTreeSet;

use anyhow::{anyhow, bail};
use clap::Args;
use serde::Serialize;
use varde_common::time::Timestamp;

use super::noted::deed;
use super::say;
use crate::audit::{Deed, On};
use crate::io::{clock, user};
use crate::limits::workflow::{ADVISED_MAX, NOTE_MAX_OCTETS, OWNER_MAX_OCTETS, SAID_AHEAD_MAX};
use crate::present::shown::{Calendar, Shown};
use crate::present::text::{Language, Texts};
use crate::present::view::Reader;
use crate::present::work::{clock_words, clocks_not_running, said_words};
use crate::store::verdict::Behind;
use crate::store::workflow::{Saying, Taken, Taking, Work};
use crate::store::{Scope, Store, campaign, incident};
use crate::verdict::Verdict;
use crate::workflow::timeline::Said;
use crate::workflow::{Closing, Matter, Progress, Step};

/// Arguments of `… note`.
#[derive(Debug, Args)]
pub struct NoteArguments {
    /// Its id or uuid; one that has become part of another leads there.
    pub id: String,
    /// What, on one line.
    #[arg(long, value_name = "TEXT", value_parser = note)]
    pub text: String,
    /// The member concerned may read it too; else the CSIRT alone.
    #[arg(long)]
    pub members: bool,
    /// When it was so, such as 2026-11-21T14:05:00Z [default: now].
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `… assign`.
#[derive(Debug, Args)]
pub struct AssignArguments {
    /// Its id or uuid; one that has become part of another leads there.
    pub id: String,
    /// Whose it is.
    #[arg(long, value_name = "NAME", value_parser = owner, required_unless_present = "nobody", conflicts_with = "nobody")]
    pub to: Option<String>,
    /// It is nobody's any more.
    #[arg(long)]
    pub nobody: bool,
    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `… reopen`.
#[derive(Debug, Args)]
pub struct ReopenArguments {
    /// Its id or uuid; one that has become part of another leads there.
    pub id: String,
    /// Why, on one line. Of an incident its member may read it.
    #[arg(long, value_name = "TEXT", value_parser = note)]
    pub reason: String,
    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
}

fn line(text: &str, most: usize) -> Result<String, String> {
    let text = text.trim();
    let is_good = !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control);
    is_good.then(|| text.to_owned()).ok_or_else(|| format!("a text of at most {most} bytes on one line"))
}

/// What a person writes in one go: it stands on pages and in what members are handed over.
pub(super) fn note(text: &str) -> Result<String, String> {
    line(text, NOTE_MAX_OCTETS)
}

/// A name of whoever has it.
pub(super) fn owner(text: &str) -> Result<String, String> {
    line(text, OWNER_MAX_OCTETS)
}

/// A heading.
pub(super) fn title(text: &str) -> Result<String, String> {
    line(text, crate::limits::workflow::TITLE_MAX_OCTETS)
}

/// When something was, as a person says: not in time to come.
pub(super) fn was_at(at: Option<Timestamp>, now: Timestamp) -> anyhow::Result<Timestamp> {
    match at {
        Some(at) if at > now.plus(SAID_AHEAD_MAX) => {
            bail!("{at} is still to come; say when it was, by UTC (…Z) or with its offset (…+01:00)")
        }
        Some(at) => Ok(at),
        None => Ok(now),
    }
}

/// The incident or campaign that a name means.
pub(super) async fn incident_named(store: &Store, name: &str) -> anyhow::Result<i64> {
    let found = store.incident_named(Scope::Operator, name).await?;
    found.ok_or_else(|| anyhow!("there is no incident \"{name}\"; varde-collector incident list shows those there are"))
}

/// See [`incident_named`].
pub(super) async fn campaign_named(store: &Store, name: &str) -> anyhow::Result<i64> {
    let found = campaign::resolve(store, Scope::Operator, name).await?;
    found.ok_or_else(|| anyhow!("there is no campaign \"{name}\"; varde-collector campaign list shows those there are"))
}

/// The numbers of the members that a case concerns.
pub(super) async fn concerned(store: &Store, case: Matter) -> anyhow::Result<Vec<String>> {
    Ok(match case {
        Matter::Incident(id) => {
            incident::one(store, Scope::Operator, id).await?.into_iter().map(|found| found.member.number).collect()
        }
        Matter::Campaign(id) => {
            let found = campaign::list(store, Scope::Operator, Some(id)).await?;
            found.into_iter().flat_map(|campaign| campaign.members).map(|part| part.number).collect()
        }
        Matter::Silence(id) => store.silence_member(Scope::Operator, id).await?.into_iter().collect(),
    })
}

async fn about(store: &Store, what: &'static str, case: Matter) -> anyhow::Result<Deed> {
    Ok(deed(what, On::Thing(case.to_string())).concerns(concerned(store, case).await?))
}

#[derive(Debug, Serialize)]
struct Stepped<'a> {
    kind: &'a str,
    id: i64,
    was: Progress,
    #[serde(flatten)]
    now: Progress,
    verdicts: Option<&'a Behind>,
    incidents: Vec<i64>,
}

/// Takes a step and says what came of it.
pub(super) async fn take(
    store: &Store,
    what: &'static str,
    case: Matter,
    (step, reason, at): (Step, Option<String>, Option<Timestamp>),
    (with_incidents, json): (bool, bool),
) -> anyhow::Result<()> {
    let now = clock::now();
    let at = was_at(at, now)?;
    let becomes = match (&step, &reason) {
        (Step::Triage, _) => "triaged".to_owned(),
        (Step::Confirm, _) => "confirmed".to_owned(),
        (Step::Contain, _) => "contained".to_owned(),
        (Step::Close(closing, _), reason) => {
            format!("closed as {}: {}", closing.as_str(), reason.as_deref().unwrap_or_default())
        }
        (Step::Reopen, reason) => format!("open again: {}", reason.as_deref().unwrap_or_default()),
    };
    let doing = about(store, what, case).await?.becomes(becomes);
    let who = user::who();
    let taking = Taking { step, reason: reason.as_deref(), who: &who, at, with_incidents };
    let taken = match store.noting(doing).take_step(case, taking, now).await? {
        Ok(taken) => taken,
        Err(not) => bail!("{}", not.sentence(case)),
    };
    let Taken { before, after, behind, incidents } = taken;
    if json {
        let incidents = incidents.iter().map(|closed| closed.incident).collect();
        let (kind, id) = (case.kind(), case.id());
        let told = Stepped { kind, id, was: before, now: after, verdicts: behind.as_ref(), incidents };
        return say::result(&serde_json::to_string(&told)?);
    }
    say::result(&format!("{case} was {before}, and is {after}."))?;
    if !incidents.is_empty() {
        let numbers: Vec<String> = incidents.iter().map(|closed| closed.incident.to_string()).collect();
        say::result(&format!("Closed along with it: incidents {}.", numbers.join(", ")))?;
    }
    if let Some(behind) = behind {
        say::result(&behind_words(&behind))?;
        if !behind.withdrawn.is_empty() {
            say::aside("Sensors learn of it with the next: varde-collector publish");
        }
    }
    if let (Step::Reopen, Some(closing)) = (step, before.closed_as()) {
        advise(store, case, closing).await?;
    }
    Ok(())
}

/// How what a closing said of the alerts behind it is taken back, for it stands though the case is open again.
async fn advise(store: &Store, case: Matter, closing: Closing) -> anyhow::Result<()> {
    let verdict = match closing {
        Closing::FalsePositive => Verdict::FalsePositive,
        Closing::Legitimate => Verdict::Legitimate,
        Closing::Confirmed | Closing::Duplicate | Closing::Exercise => return Ok(()),
    };
    let judged = store.judged_behind(Scope::Operator, case, verdict).await?;
    for line in taking_back(verdict, &judged) {
        say::aside(&line);
    }
    Ok(())
}

/// The same in words, with a command a line; none where nothing was said. `judged` are alerts, each with its indicator.
fn taking_back(verdict: Verdict, judged: &[(i64, i64)]) -> Vec<String> {
    let commands: BTreeSet<(i64, &str)> = match verdict {
        // Of a wrong indicator it is said once, whatever alerts it made; that traffic is wanted is said of each alert by itself.
        Verdict::FalsePositive => judged.iter().map(|(_, indicator)| (*indicator, "indicator")).collect(),
        Verdict::Legitimate | Verdict::Confirmed => judged.iter().map(|(alert, _)| (*alert, "alert")).collect(),
    };
    if commands.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["Verdicts on its alerts stand; they are taken back by:".to_owned()];
    let told = commands.iter().take(ADVISED_MAX);
    lines.extend(told.map(|(id, kind)| format!("  varde-collector {kind} verdict {id} none --reason TEXT")));
    if commands.len() > ADVISED_MAX {
        let (of, more) = (verdict, commands.len() - ADVISED_MAX);
        lines.push(format!("and so on of {more} more that are {of}; see: varde-collector alert list"));
    }
    lines
}

/// What a closing said of the alerts behind it.
fn behind_words(behind: &Behind) -> String {
    let Behind { alerts, kept, withdrawn, sightings, not_allowed } = behind;
    let mut words = format!("{alerts} alerts have the verdict now.");
    if *kept > 0 {
        words.push_str(&format!(" Of {kept} more a person had said something else, which stands."));
    }
    if !withdrawn.is_empty() {
        let numbers: Vec<String> = withdrawn.iter().map(i64::to_string).collect();
        words.push_str(&format!(" Withdrawn, whatever source names them: indicators {}.", numbers.join(", ")));
    }
    if *sightings > 0 {
        words.push_str(&format!(" {sightings} sightings wait to be sent."));
    }
    if *not_allowed > 0 {
        words.push_str(&format!(" The allow-list is full: {not_allowed} patterns are not on it."));
    }
    words
}

#[derive(Debug, Serialize)]
struct Added<'a> {
    kind: &'a str,
    id: i64,
    line: i64,
}

/// Says something of a case, and says that it was. `in_audit` is what the audit says of it: never what a note holds.
pub(super) async fn add(
    store: &Store,
    what: &'static str,
    case: Matter,
    (said, in_audit): (Said, String),
    (at, for_members, json): (Option<Timestamp>, bool, bool),
) -> anyhow::Result<()> {
    let now = clock::now();
    let at = was_at(at, now)?;
    let doing = about(store, what, case).await?.becomes(in_audit.clone());
    let who = user::who();
    let saying = Saying { who: Some(&who), at, for_members };
    match store.noting(doing).say(case, said, saying, now).await? {
        Ok(line) if json => say::result(&serde_json::to_string(&Added { kind: case.kind(), id: case.id(), line })?),
        Ok(line) => say::result(&format!("{case}: {in_audit} (line {line}).")),
        Err(not) => bail!("{}", not.sentence(case)),
    }
}

/// `… note`.
pub(super) async fn add_note(
    store: &Store,
    what: &'static str,
    case: Matter,
    arguments: NoteArguments,
) -> anyhow::Result<()> {
    let NoteArguments { id: _, text, members, at, json } = arguments;
    let readers = if members { "the members concerned and the CSIRT" } else { "the CSIRT alone" };
    let in_audit = format!("a note of {} bytes for {readers}", text.len());
    add(store, what, case, (Said::Noted { text }, in_audit), (at, members, json)).await
}

/// `… assign`.
pub(super) async fn assign(
    store: &Store,
    what: &'static str,
    case: Matter,
    arguments: AssignArguments,
) -> anyhow::Result<()> {
    let AssignArguments { id: _, to, nobody: _, json } = arguments;
    let in_audit = to.as_deref().map_or("nobody's".to_owned(), |owner| format!("{owner} has it"));
    // Whose a campaign is, is the CSIRT's business; of an incident its member may know whom to ask.
    let for_members = matches!(case, Matter::Incident(_));
    add(store, what, case, (Said::Assigned { owner: to }, in_audit), (None, for_members, json)).await
}

/// All that is told of a case, for a person at a terminal.
pub(super) fn words(work: &Work, now: Timestamp) -> String {
    let texts = Texts::of(Language::English);
    let reader = Reader { texts, calendar: Calendar::new(Language::English), now };
    let mut all = String::new();
    let private = |for_members: bool| if for_members { "" } else { "  (CSIRT only)" };
    if !work.measures.is_empty() {
        all.push_str("Measures:\n");
    }
    for measure in &work.measures {
        let (at, text) = (super::listing::moment(measure.at), Shown::whole(&measure.text));
        let status = measure.status.as_str();
        all.push_str(&format!("  {}  {status}  {at}  {text}{}\n", measure.id, private(measure.for_members)));
    }
    if let Some(duties) = &work.duties {
        all.push_str("Legal clocks (help, not legal advice):\n");
        for clock in &duties.clocks {
            let (duty, due) = (clock.duty.as_str(), super::listing::moment(clock.due));
            all.push_str(&format!("  {duty}: {} (due {due})\n", Shown::whole(&clock_words(clock, &reader))));
        }
        for why in clocks_not_running(duties, texts) {
            all.push_str(&format!("  {why}\n"));
        }
    }
    all.push_str("Timeline (happened, learnt, by whom, what):\n");
    for entry in &work.timeline {
        let (at, learnt) = (super::listing::moment(entry.at), super::listing::moment(entry.learnt_at));
        let who = Shown::of(entry.who.as_deref().unwrap_or("Varde"));
        let words = Shown::whole(&said_words(&entry.said, texts));
        all.push_str(&format!("  {at}  {learnt}  {who}: {words}{}\n", private(entry.for_members)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::workflow::NotDone;
    use crate::workflow::Refused;
    use crate::workflow::duty::Duty;
    use std::time::Duration;

    #[test]
    fn what_a_person_writes_is_one_line_of_a_length_and_when_it_was_is_not_to_come() {
        assert_eq!(note("  <b>ring</b> politiet \u{202e} ").unwrap(), "<b>ring</b> politiet \u{202e}");
        for wrong in ["", "   ", "to\nlinjer", "\u{1b}[2J", &"x".repeat(NOTE_MAX_OCTETS + 1)] {
            let why = note(wrong).unwrap_err();
            assert!(why.contains(&NOTE_MAX_OCTETS.to_string()) && why.contains("one line"), "{why}");
        }
        assert!(owner(&"x".repeat(OWNER_MAX_OCTETS + 1)).is_err() && title("sak").is_ok());
        let now = Timestamp(1_795_219_200_000_000);
        assert_eq!(was_at(None, now).unwrap(), now);
        assert_eq!(was_at(Some(Timestamp(7)), now).unwrap(), Timestamp(7));
        let why = was_at(Some(now.plus(Duration::from_secs(3_600))), now).unwrap_err().to_string();
        assert!(why.contains("still to come") && why.contains("+01:00"), "{why}");
    }

    /// The commands that a text tells of, up to the end of their line or sentence.
    fn commands(text: &str) -> Vec<String> {
        let ends = |rest: &str| {
            rest.split(['\n', ';', ')', '&']).next().and_then(|line| line.split(". ").next()).map(str::to_owned)
        };
        let told = text.split("varde-collector ").skip(1).filter_map(ends);
        told.map(|command| format!("varde-collector {}", command.trim().trim_end_matches('.'))).collect()
    }

    #[test]
    fn c_what_is_advised_after_a_step_or_a_refusal_is_a_command_that_is_there() {
        use clap::Parser;
        let judged: Vec<(i64, i64)> = (1..=40).map(|alert| (alert, 4)).collect();
        let wrong = taking_back(Verdict::FalsePositive, &judged);
        assert_eq!(wrong.len(), 2, "one indicator, however many alerts: {wrong:?}");
        let wanted = taking_back(Verdict::Legitimate, &judged);
        assert_eq!(wanted.len(), ADVISED_MAX + 2);
        assert!(
            wanted[1].contains("alert verdict 1 none") && wanted.last().is_some_and(|line| line.contains("28 more"))
        );
        assert_eq!(taking_back(Verdict::Legitimate, &[]), Vec::<String>::new());
        let noise = super::super::noise::upheld_already(4, &super::super::noise::tests::proposal());
        let mut texts = [wrong, wanted, vec![noise]].concat();
        texts.extend(
            [super::super::noise::ACCEPT_HELP, super::super::noise::REJECT_FIRST]
                .map(|text| text.replace("INDICATOR", "7").replace("ALERT", "7")),
        );
        for case in [Matter::Incident(7), Matter::Campaign(7)] {
            let refused = [Refused::ReopenFirst(Progress::closed(Closing::Confirmed, None)), Refused::OfWhat];
            texts.extend(refused.map(|why| why.sentence(case).replace("NUMBER", "5")));
        }
        texts.push(Refused::ConfirmFirst(crate::workflow::State::New).sentence(Matter::Incident(7)));
        let clocks =
            [NotDone::BeforeDiscovered(Timestamp(0)), NotDone::AfterReported(Timestamp(0), Duty::Datatilsynet)];
        texts.extend(clocks.map(|not| not.sentence(Matter::Incident(7)).replace("TIME", "2026-11-21T14:05:00+01:00")));
        for text in texts {
            for command in commands(&text) {
                let parsed = super::super::Cli::try_parse_from(command.split_whitespace());
                assert!(parsed.is_ok(), "{command}: {}", parsed.map(drop).unwrap_err());
            }
        }
    }

    #[test]
    fn what_others_wrote_neither_steers_the_terminal_nor_turns_it_around() {
        let entry = crate::workflow::timeline::Entry {
            id: 1,
            at: Timestamp(0),
            learnt_at: Timestamp(0),
            who: Some("k\u{1b}[2J".to_owned()),
            for_members: false,
            said: Said::Noted { text: "a\u{202e}b\u{1b}[2J".to_owned() },
        };
        let told = words(&Work { timeline: vec![entry], measures: Vec::new(), duties: None }, Timestamp(0));
        assert!(!told.contains('\u{1b}') && !told.contains('\u{202e}') && told.contains("⟨U+202E⟩"), "{told}");
        assert!(told.contains("CSIRT only"));
    }
}
