//! `varde-collector incident`: the alerts of one member that belong together, and what a person reports; listed and shown here.

use std::path::Path;

use anyhow::bail;
use serde::Serialize;

use super::incident_work::{self, ClockArguments, CloseArguments, MeasureArguments, NewArguments, StepArguments};
use super::noted::{deed, reading};
use super::work::{self, AssignArguments, NoteArguments, ReopenArguments};
use super::{listing, say};
use crate::audit::On;
use crate::io::clock;
use crate::present::text::{Language, Texts};
use crate::present::why::WhyWord;
use crate::priority::Word;
use crate::store::incident::{self, IncidentView};
use crate::store::workflow::Work;
use crate::store::{Scope, Store};
use crate::workflow::{Matter, Progress, State, Step};

const LIST_KEYS: &str = "\
KEYS of --json (one object a line, those not closed first, then the latest seen; absent = null; times RFC 3339 UTC):
  id, uuid               its number here; its name outside
  member                 {number, name}: whose
  title                  in words
  link_kind, link        what its alerts share: an indicator or a threat, and which
  evidence               how far it got at most: blocked, looked_up, answered, attempted, contacted or data_out;
                         null = a person reported it, and nobody says how far it got
  hosts                  pseudonyms of its hosts (H-…); resolvers are none
  hosts_about            where a sensor told of many hosts together: about how many, those named included; else null
  via_resolver           a resolver's question is among its alerts: some host behind it asked
  alerts, sightings      how many
  first_seen, last_seen  of its sightings
  campaign               the campaign it is in
  exercise               part of an exercise
  word                   how much it matters: info, low, medium, high or critical; null = not weighed yet
  why                    [{term, …}]: what the word stands on
  weights_version        by which weights
  persistent             some contact is as regular as a program's
  in_history             some of it was found in history
  state                  where the work on it stands: new, triaged, confirmed, contained or closed
  closed_as              confirmed, false-positive, legitimate, duplicate or exercise; null = it is not closed
  duplicate_of           of a duplicate, the incident that is worked on
  owner                  whose it is
  came_back              how often what sensors saw opened it again
  grown_since_closed     more has come to be known that the closing covers
  human                  a person opened it, no sensor";

const SHOW_KEYS: &str = "\
KEYS of --json: those of incident list, and
  timeline   [{id, at, learnt_at, who, for_members, what, …}]: all that was said and found, by when it was so; what: reported,
             stepped, assigned, noted, measured, discovered, breach_suspected, duty_reported, duty_withdrawn, reached, came_back,
             returned, went_on, joined, split, merged, first_seen, in_history
  measures   [{id, text, status, at, said_at, who, for_members, key}]; status: planned, done or not-applicable; key: in the bank
  duties     {discovered, breach_suspected, covered, clocks: [{duty, from, due, is, …}]}; is: running, reported or withdrawn";

/// What can be done with incidents.
#[derive(Debug, clap::Subcommand)]
pub enum IncidentCommand {
    /// List incidents, those that are not closed first.
    #[command(after_help = LIST_KEYS)]
    List {
        /// Those that are not closed alone.
        #[arg(long)]
        open: bool,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show one incident: where it stands, measures, legal clocks, and all that was said and found of it.
    #[command(after_help = SHOW_KEYS)]
    Show {
        /// Its id or uuid; one that has become part of another leads there.
        id: String,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Open an incident that no sensor has seen.
    #[command(after_help = incident_work::NEW_HELP)]
    New(NewArguments),
    /// Say that somebody has looked at it.
    Triage(StepArguments),
    /// Say that it is what it seems: a confirmed incident («bekreftet hendelse»).
    Confirm(StepArguments),
    /// Say that it does no more harm; confirm it first.
    Contain(StepArguments),
    /// Close it, and say as what.
    #[command(after_help = incident_work::CLOSE_HELP)]
    Close(CloseArguments),
    /// Open it again: it is triaged then.
    Reopen(ReopenArguments),
    /// Say whose it is.
    Assign(AssignArguments),
    /// Write something down, for the CSIRT alone or for the member concerned too.
    Note(NoteArguments),
    /// Add a measure, or say how one stands.
    Measure(MeasureArguments),
    /// Start, stop or withdraw a legal clock: 24 hours to NSM, 72 hours to Datatilsynet.
    #[command(after_help = incident_work::CLOCK_HELP)]
    Clock(ClockArguments),
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    incident: &'a IncidentView,
    #[serde(flatten)]
    work: &'a Work,
}

/// Runs it on the data directory `data`.
///
/// # Errors
/// A sentence for the person at the keyboard.
pub async fn run(data: &Path, command: IncidentCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    match command {
        IncidentCommand::List { open, json } => list(&store, open, json).await,
        IncidentCommand::Show { id, json } => show(&store, &id, json).await,
        IncidentCommand::New(arguments) => incident_work::new(&store, arguments).await,
        IncidentCommand::Triage(arguments) => {
            incident_work::step(&store, "incident triage", Step::Triage, arguments).await
        }
        IncidentCommand::Confirm(arguments) => {
            incident_work::step(&store, "incident confirm", Step::Confirm, arguments).await
        }
        IncidentCommand::Contain(arguments) => {
            incident_work::step(&store, "incident contain", Step::Contain, arguments).await
        }
        IncidentCommand::Close(arguments) => incident_work::close(&store, arguments).await,
        IncidentCommand::Reopen(ReopenArguments { id, reason, json }) => {
            let case = Matter::Incident(work::incident_named(&store, &id).await?);
            work::take(&store, "incident reopen", case, (Step::Reopen, Some(reason), None), (false, json)).await
        }
        IncidentCommand::Assign(arguments) => {
            let case = Matter::Incident(work::incident_named(&store, &arguments.id).await?);
            work::assign(&store, "incident assign", case, arguments).await
        }
        IncidentCommand::Note(arguments) => {
            let case = Matter::Incident(work::incident_named(&store, &arguments.id).await?);
            work::add_note(&store, "incident note", case, arguments).await
        }
        IncidentCommand::Measure(arguments) => incident_work::measure(&store, arguments).await,
        IncidentCommand::Clock(arguments) => incident_work::legal_clock(&store, arguments).await,
    }
}

async fn list(store: &Store, open: bool, json: bool) -> anyhow::Result<()> {
    reading(store, deed("incident list", On::Everybody).becomes("hosts shown by their pseudonyms")).await?;
    let mut incidents = incident::list(store, Scope::Operator, None).await?;
    incidents.retain(|incident| !open || incident.state != State::Closed);
    if json {
        listing::print_json(&incidents)?;
    } else if incidents.is_empty() {
        say::aside("No incidents. Whether the sensors can see: varde-collector sensor list");
    } else {
        listing::print(&table(&incidents))?;
    }
    Ok(())
}

async fn show(store: &Store, name: &str, json: bool) -> anyhow::Result<()> {
    let id = work::incident_named(store, name).await?;
    let case = Matter::Incident(id);
    let found = incident::one(store, Scope::Operator, id).await?;
    let (Some(shown), Some(work)) = (found, store.work(Scope::Operator, case).await?) else {
        bail!("there is no incident \"{name}\"; varde-collector incident list shows those there are");
    };
    let showing = deed("incident show", On::Thing(case.to_string())).becomes("hosts shown by their pseudonyms");
    reading(store, showing.concerns([shown.member.number.clone()])).await?;
    if json {
        return say::result(&serde_json::to_string(&Shown { incident: &shown, work: &work })?);
    }
    let why = WhyWord::of(&shown.why, shown.weights_version.as_deref(), Texts::of(Language::English));
    let owner = shown.owner.as_deref().map_or("nobody's yet".to_owned(), |owner| format!("{owner} has it"));
    let grown =
        if shown.grown_since_closed { "; more has come to be known since, which the closing covers" } else { "" };
    let standing = Progress::of(shown.state, shown.closed_as, shown.duplicate_of);
    let text = format!(
        "{}It is {standing}{grown}; {}.\nWhy this word:\n  {}\n  {}\n{}",
        table(std::slice::from_ref(&shown)),
        say::printable(owner),
        why.terms.join("\n  "),
        why.version,
        work::words(&work, clock::now()),
    );
    listing::print(&text).map(drop)
}

/// Incidents as a table.
pub(super) fn table(incidents: &[IncidentView]) -> String {
    let mut table = listing::table(&[
        "ID",
        "MEMBER",
        "TITLE",
        "WORD",
        "STATE",
        "EVIDENCE",
        "HOSTS",
        "ALERTS",
        "FIRST SEEN",
        "LAST SEEN",
        "CAMPAIGN",
    ]);
    for incident in incidents {
        let named = i64::try_from(incident.hosts.len()).unwrap_or(i64::MAX);
        let count = match incident.hosts_about {
            Some(about) => format!("about {}", about.max(named)),
            None => named.to_string(),
        };
        let hosts = match (named, incident.hosts_about, incident.via_resolver) {
            (0, None, true) => "via resolver".to_owned(),
            (_, _, true) => format!("{count}, via resolver"),
            (_, _, false) => count,
        };
        table.add_row([
            incident.id.to_string(),
            format!("{} {}", incident.member.number, incident.member.name),
            say::printable(format!(
                "{}{}{}",
                incident.title,
                if incident.exercise { " (exercise)" } else { "" },
                if incident.human { " (reported by a person)" } else { "" }
            )),
            incident.word.map_or("-", Word::as_str).to_owned(),
            incident.state.as_str().to_owned(),
            say::how_far(incident.evidence),
            hosts,
            incident.alerts.to_string(),
            listing::moment(incident.first_seen),
            listing::moment(incident.last_seen),
            incident.campaign.map_or("-".to_owned(), |campaign| campaign.to_string()),
        ]);
    }
    format!("{table}\n")
}

#[cfg(test)]
mod tests {
    use varde_common::alert::Evidence;
    use varde_common::time::Timestamp;

    use super::*;
    use crate::store::alert::MemberView;

    fn incident() -> IncidentView {
        IncidentView {
            id: 1,
            uuid: String::new(),
            member: MemberView { number: "0301".to_owned(), name: "Oslo".to_owned() },
            title: "evil.no".to_owned(),
            link_kind: "indicator".to_owned(),
            link: "evil.no".to_owned(),
            evidence: Some(Evidence::Answered),
            hosts: Vec::new(),
            hosts_about: None,
            via_resolver: true,
            alerts: 1,
            sightings: 1,
            first_seen: Timestamp::default(),
            last_seen: Timestamp::default(),
            campaign: None,
            exercise: true,
            word: None,
            why: Vec::new(),
            weights_version: None,
            persistent: false,
            in_history: false,
            state: State::New,
            closed_as: None,
            duplicate_of: None,
            owner: None,
            came_back: 0,
            grown_since_closed: false,
            human: false,
        }
    }

    #[test]
    fn every_key_is_documented() {
        let line = serde_json::to_value(incident()).unwrap();
        for key in line.as_object().unwrap().keys() {
            assert!(LIST_KEYS.contains(key.as_str()), "{key}");
        }
        assert!(line["campaign"].is_null(), "absent is null, never left out");
    }

    #[test]
    fn a_table_says_exercise_and_that_only_a_resolver_was_seen() {
        let text = table(&[incident()]);
        assert!(text.contains("via") && text.contains("exercise"), "{text}");
    }
}
