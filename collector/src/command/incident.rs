//! `incident list`: the alerts of one member that belong together.

use std::path::Path;

use super::noted::{deed, reading};
use super::{listing, say};
use crate::audit::On;
use crate::priority::Word;
use crate::store::incident::{self, IncidentView};
use crate::store::{Scope, Store};

const LIST_KEYS: &str = "\
KEYS of --json (one object a line, those not closed first, then the latest seen; absent = null; times RFC 3339 UTC):
  id, uuid               its number here; its name outside
  member                 {number, name}: whose
  title                  in words
  link_kind, link        what its alerts share: an indicator or a threat, and which
  evidence               how far it got at most: blocked, looked_up, answered, attempted, contacted or data_out
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
  grown_since_closed     more was seen that the closing covers
  human                  a person opened it, no sensor";

/// What can be done with incidents.
#[derive(Debug, clap::Subcommand)]
pub enum IncidentCommand {
    /// List incidents.
    #[command(after_help = LIST_KEYS)]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

/// Runs it on the data directory `data`.
///
/// # Errors
/// A sentence for the person at the keyboard.
pub async fn run(data: &Path, command: IncidentCommand) -> anyhow::Result<()> {
    let IncidentCommand::List { json } = command;
    let store = Store::open(data).await?;
    reading(&store, deed("incident list", On::Everybody).becomes("hosts shown by their pseudonyms")).await?;
    let incidents = incident::list(&store, Scope::Operator, None).await?;
    if json {
        listing::print_json(&incidents)?;
    } else if incidents.is_empty() {
        say::aside("No incidents. Whether the sensors can see: varde-collector sensor list");
    } else {
        listing::print(&table(&incidents))?;
    }
    Ok(())
}

/// Incidents as a table.
pub(super) fn table(incidents: &[IncidentView]) -> String {
    let mut table = listing::table(&[
        "ID",
        "MEMBER",
        "TITLE",
        "WORD",
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
            format!("{}{}", incident.title, if incident.exercise { " (exercise)" } else { "" }),
            incident.word.map_or("-", Word::as_str).to_owned(),
            incident.evidence.to_string(),
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
    use crate::workflow::State;

    fn incident() -> IncidentView {
        IncidentView {
            id: 1,
            uuid: String::new(),
            member: MemberView { number: "0301".to_owned(), name: "Oslo".to_owned() },
            title: "evil.no".to_owned(),
            link_kind: "indicator".to_owned(),
            link: "evil.no".to_owned(),
            evidence: Evidence::Answered,
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
