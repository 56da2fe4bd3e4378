//! `varde-collector sensor events`: what a sensor said about itself, and what was noted about it.

use anyhow::bail;
use serde::Serialize;
use varde_common::time::Timestamp;

use super::say;
use crate::limits::{EVENTS_LISTED, EVENTS_LISTED_MAX};
use crate::present::sensor_events::in_words;
use crate::present::text::{Language, Texts};
use crate::store::event::{EventRow, Events};
use crate::store::{Scope, Store};

const HELP: &str = "\
The newest first. They are kept for 90 days, as heartbeats are; losses and notes of copies of a sensor for 13 months.
Keys with --json: sensor (number), epoch (the spool's lifetime), seq (the record that said it; below 1: the collector noted it),
at (the sensor's clock), received_at, body {event, …}. Events: started {version}, list_in_force {revision, indicators},
list_refused {revision, why}, spool_damaged {octets}, loss {from, to, reason (spool_full, spool_aged or spool_damaged), counts
{info, low, medium, high, critical, other}, where the sensor knew}, records_ended {epoch (of the spool that was set aside), from, to, may_be_sent, counts: removed after 30 days, known to be nowhere else}, unread_ended {place, octets: what could not be read, removed after 30 days}, indicator_demoted {site, indicator, exercise, revision, hosts, matches, within_s: it met too many hosts of the site, and this sensor tells further ones together, in one alert that names none}, indicator_told_again
{site, indicator, exercise, revision: its hosts are told one by one again}, unknown_alert {alert, count: the sightings that no alert has},
unknown_indicator {indicator}, unknown_site {site}, unreadable_record {octets}, held_back, thrown_out (it broke the rules of the conversation again and again,
and is not greeted for up to five minutes each time), two_live {words, greeted_at}, mark_unknown {words}, mark_missing {words}, set_back {words, state_of, next, committed},
epoch_changed {before, committed}, token_reused and token_guessed (somebody came with a token that was used before, or whose secret
was not known), ended_key (somebody came with a key from before a renewal), replaced_again (a session took the place of
one that stood, for the third time in an hour or more), silent_again (somebody proved its key and never said Hello, six times in an hour or more), foreign_site (its agent.toml
names a site that it may not report for), unpublished_list (it came with a list whose number is beyond all that were published here). A later version may have more. Times are
RFC 3339 UTC, except greeted_at and state_of: as stored.";

/// Arguments of `sensor events`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct EventsArguments {
    /// The sensor's number, as listed.
    pub id: u32,
    /// How many, at most.
    #[arg(long, default_value_t = EVENTS_LISTED, value_parser = clap::value_parser!(u32).range(1..=i64::from(EVENTS_LISTED_MAX)))]
    pub limit: u32,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    event: EventRow,
    #[serde(skip)]
    words: String,
}

/// Runs the command.
///
/// # Errors
/// No such sensor; the database's own.
pub async fn run(store: &Store, arguments: &EventsArguments) -> anyhow::Result<()> {
    let EventsArguments { id, limit, json } = *arguments;
    let sensor = i64::from(id);
    if !store.sensor_rows(Scope::Operator).await?.iter().any(|row| row.id == sensor) {
        bail!("there is no sensor {id}; see their numbers with: varde-collector sensor list")
    }
    let events = store.sensor_events(Scope::Operator, sensor, limit).await?;
    let Events { total, restored_at, .. } = events;
    let lines = lines(events.newest, restored_at);
    let row = |line: &Line| vec![say::moment(Some(line.event.received_at)), line.words.clone()];
    say::rows(&lines, json, &["RECEIVED", "WHAT HAPPENED"], row, "The sensor has told nothing in the last 90 days.")?;
    let more = total.saturating_sub(lines.len() as u64);
    if more > 0 && !json {
        say::aside(&format!("{more} more are older: --limit N shows as many, up to {EVENTS_LISTED_MAX}."));
    }
    Ok(())
}

fn lines(events: Vec<EventRow>, restored_at: Option<Timestamp>) -> Vec<Line> {
    let words = |event: &EventRow| {
        in_words(&event.body, restored_at.is_some_and(|at| event.received_at >= at), Texts::of(Language::English))
    };
    events.into_iter().map(|event| Line { words: words(&event), event }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn d5_the_command_gives_people_a_sentence_and_programs_what_is_stored() {
        let body = json!({ "event": "loss", "from": 2, "to": 4, "reason": "spool_full" });
        let row = EventRow {
            sensor: 3,
            epoch: "00".to_owned(),
            seq: 5,
            at: Timestamp(0),
            received_at: Timestamp(1),
            body: body.clone(),
        };
        let lines = lines(vec![row], None);
        assert_eq!(lines[0].words, "3 records are lost (2 to 4): the spool or the disk was full.");
        let told = serde_json::to_value(&lines[0]).unwrap();
        let keys: Vec<&String> = told.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["at", "body", "epoch", "received_at", "sensor", "seq"]);
        assert!(keys.iter().all(|key| HELP.contains(*key)), "every key stands in the help");
        assert_eq!(told["body"], body);
    }
}
