//! `varde-collector silence`: what keeps sensors from seeing or from being heard.

use std::path::Path;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde::Serialize;
use varde_common::id::MemberNumber;

use super::noted::deed;
use super::work::{self, AssignArguments, NoteArguments};
use super::{listing, say};
use crate::audit::On;
use crate::control::Poke;
use crate::io::clock;
use crate::io::control::poke;
use crate::limits::silence::{SILENCES_LISTED, SILENCES_LISTED_MAX};
use crate::present::silence::{in_words, sizes_in_words};
use crate::present::text::{Language, Texts};
use crate::store::silence::{SilenceRow, WhichSilences};
use crate::store::workflow::{NotDone, Work};
use crate::store::{Scope, Store};
use crate::workflow::Matter;

const HELP: &str = "\
Those that stand come first, then the newest. They are operational incidents, apart from security ones, and are kept for 13 months.
Keys with --json: id (its number), sensor (number), member (number of its member), kind (unheard {session}, deaf {packets}, dropping {dropped, frames},
old_list {held, newest}, clock_skew {offset_us: what our clock shows more}, one_client {alerts, indicators, by_resolver},
one_way {heard (inside, outside, either; of DNS questions, responses), alone, of}, narrowed {before, after: how much the sensor's settings leave
out, as sizes and a digest that only tells others from the same}), began_at, found_at, last_at (last found to be so), ended_at (null = it
stands), ended_why (over; not_expected: the sensor was revoked or is in quarantine; accepted: by silence accept), times (how often it began,
within ten minutes each), owner (whose it is), notes [{at, who, for_members, text}]. What is told of a kind is the worst there was. Times are RFC 3339 UTC.";

const SHOW_HELP: &str = "\
Keys with --json: those of silence list, and timeline, measures and duties (always null) as incident show.";

/// Subcommands of `silence`.
#[derive(Debug, Subcommand)]
pub enum SilenceCommand {
    /// What keeps sensors from seeing or from being heard, and what did.
    List(ListArguments),
    /// Say whose it is to see to it. It is over by itself once the sensor sees and is heard.
    Assign(AssignArguments),
    /// Write something down, for the CSIRT alone or for the sensor's member too.
    Note(NoteArguments),
    /// What is wrong at which sensor, since when and what to do, and what was said of it.
    #[command(after_help = SHOW_HELP)]
    Show {
        /// Its number, as listed.
        id: i64,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Accept what a sensor's settings leave out by now, once the member has said why: it is no more told of, and more is told against it.
    Accept {
        /// The sensor's number, as listed.
        sensor: u32,
    },
}

/// Arguments of `silence list`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct ListArguments {
    /// Of this sensor alone.
    #[arg(long, value_name = "NUMBER")]
    pub sensor: Option<u32>,
    /// Of the sensors that watch this member's networks.
    #[arg(long, value_name = "NUMBER")]
    pub member: Option<MemberNumber>,
    /// Those that stand alone.
    #[arg(long)]
    pub open: bool,
    /// How many, at most.
    #[arg(long, default_value_t = SILENCES_LISTED, value_parser = clap::value_parser!(u32).range(1..=i64::from(SILENCES_LISTED_MAX)))]
    pub limit: u32,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// No such member; the database's own.
pub async fn run(data: &Path, command: SilenceCommand) -> anyhow::Result<()> {
    match command {
        SilenceCommand::List(arguments) => list(data, arguments).await,
        SilenceCommand::Accept { sensor } => accept(data, sensor).await,
        SilenceCommand::Assign(arguments) => {
            let case = named(&arguments.id)?;
            work::assign(&Store::open(data).await?, "silence assign", case, arguments).await
        }
        SilenceCommand::Note(arguments) => {
            let case = named(&arguments.id)?;
            work::add_note(&Store::open(data).await?, "silence note", case, arguments).await
        }
        SilenceCommand::Show { id, json } => show(&Store::open(data).await?, id, json).await,
    }
}

async fn accept(data: &Path, sensor: u32) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let accepted =
        deed("silence accept", On::Sensor(i64::from(sensor))).becomes("what its settings leave out is accepted");
    let Some((before, after)) = store.noting(accepted).accept_exclusions(i64::from(sensor), clock::now()).await? else {
        bail!("the settings of sensor {sensor} leave out no more than before; see: varde-collector silence list --open")
    };
    store.close().await;
    poke(data, Poke::Sensors).await;
    let sizes = sizes_in_words(&before, &after, Texts::of(Language::English));
    say::result(&format!("Accepted of sensor {sensor}: {sizes}."))?;
    Ok(())
}

async fn list(data: &Path, arguments: ListArguments) -> anyhow::Result<()> {
    let ListArguments { sensor, member, open, limit, json } = arguments;
    let store = Store::open(data).await?;
    let at_member = match &member {
        None => None,
        Some(number) => match store.member_by_number(Scope::Operator, number).await? {
            Some(member) => Some(member.id),
            None => bail!("there is no member {number}; see them with: varde-collector member list"),
        },
    };
    let which = WhichSilences { sensor: sensor.map(i64::from), at_member, standing: open };
    let rows = store.silences(Scope::Operator, which, limit).await?;
    store.close().await;
    let heads = ["ID", "SENSOR", "MEMBER", "FROM", "TO", "OWNER", "WHAT"];
    say::rows(&rows, json, &heads, row, "Nothing keeps sensors from seeing or from being heard, as far as is known.")
}

fn named(id: &str) -> anyhow::Result<Matter> {
    match id.parse() {
        Ok(id) => Ok(Matter::Silence(id)),
        Err(_) => {
            bail!("\"{}\" is no number of a silence; see: varde-collector silence list", say::printable(id.to_owned()))
        }
    }
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    silence: Option<&'a SilenceRow>,
    #[serde(flatten)]
    work: &'a Work,
}

/// What it is, and what was said of it.
async fn show(store: &Store, id: i64, json: bool) -> anyhow::Result<()> {
    let case = Matter::Silence(id);
    let Some(work) = store.work(Scope::Operator, case).await? else {
        bail!("{}", NotDone::NoCase.sentence(case));
    };
    // None of one whose facts a newer program wrote; what was said of it is told all the same.
    let silence = store.silence(Scope::Operator, id).await?;
    if json {
        return say::result(&serde_json::to_string(&Shown { silence: silence.as_ref(), work: &work })?);
    }
    let mut words = silence.as_ref().map_or_else(String::new, described);
    if work.timeline.is_empty() && work.measures.is_empty() {
        words.push_str("Nobody has said anything of it yet.\n");
    } else {
        words.push_str(&work::words(&work, clock::now()));
    }
    listing::print(&words).map(drop)
}

/// One as a person reads it: kind, where, from when to when, whose, and what is wrong with what to do about it.
fn described(silence: &SilenceRow) -> String {
    let texts = Texts::of(Language::English);
    let member = silence.member.as_ref().map_or_else(String::new, |number| format!(" of member {number}"));
    let until = match (silence.ended_at, silence.ended_why.as_deref()) {
        (Some(at), Some(why)) => format!("until {} ({why})", say::moment(Some(at))),
        (Some(at), None) => format!("until {}", say::moment(Some(at))),
        (None, _) => format!("it stands, last found {}", say::moment(Some(silence.last_at))),
    };
    let owner = silence.owner.as_ref().map_or("nobody has it yet".to_owned(), |owner| format!("{owner} has it"));
    format!(
        "Silence {}: {} at sensor {}{member}, from {}, {until}; {}.\n{}\n",
        silence.id,
        silence.facts.kind().as_str(),
        silence.sensor,
        say::moment(Some(silence.began_at)),
        say::printable(owner),
        in_words(silence, texts),
    )
}

fn row(row: &SilenceRow) -> Vec<String> {
    vec![
        row.id.to_string(),
        row.sensor.to_string(),
        row.member.clone().unwrap_or_default(),
        say::moment(Some(row.began_at)),
        row.ended_at.map_or_else(|| "it stands".to_owned(), |at| say::moment(Some(at))),
        row.owner.clone().unwrap_or_default(),
        in_words(row, Texts::of(Language::English)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::silence::{Facts, Kind};
    use varde_common::time::Timestamp;

    #[test]
    fn h1_the_command_gives_people_a_sentence_and_programs_what_is_stored() {
        let silence = |facts| SilenceRow {
            id: 9,
            sensor: 3,
            member: Some("3407".to_owned()),
            facts,
            began_at: Timestamp(0),
            found_at: Timestamp(1),
            last_at: Timestamp(2),
            ended_at: None,
            ended_why: None,
            times: 1,
            owner: None,
            notes: Vec::new(),
        };
        let told = serde_json::to_value(silence(Facts::Dropping { dropped: 3, frames: 100 })).unwrap();
        let expected = serde_json::json!({ "id": 9, "sensor": 3, "member": "3407", "kind": "dropping", "dropped": 3, "frames": 100,
            "began_at": Timestamp(0), "found_at": Timestamp(1), "last_at": Timestamp(2), "ended_at": null,
            "ended_why": null, "times": 1, "owner": null, "notes": [] });
        assert_eq!(told, expected);
        assert!(
            told.as_object().unwrap().keys().all(|key| HELP.contains(key.as_str())),
            "every key stands in the help"
        );
        assert!(Kind::ALL.iter().all(|kind| HELP.contains(kind.as_str())));
        let shown = described(&silence(Facts::Deaf { packets: 7 }));
        for part in [
            "Silence 9: deaf at sensor 3 of member 3407",
            "from 1970-01-01",
            "it stands",
            "nobody has it",
            "No packets",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let over = SilenceRow {
            ended_at: Some(Timestamp(3)),
            ended_why: Some("over".to_owned()),
            ..silence(Facts::Deaf { packets: 7 })
        };
        assert!(described(&over).contains("until 1970-01-01") && described(&over).contains("(over)"));
        let nothing = Shown { silence: Some(&over), work: &Work::default() };
        let keys = serde_json::to_value(nothing).unwrap();
        assert!(keys["kind"] == "deaf" && keys["timeline"].is_array() && keys["duties"].is_null(), "{keys}");
        let cells = row(&silence(Facts::Deaf { packets: 7 }));
        assert_eq!((cells[1].as_str(), cells[2].as_str(), cells[4].as_str()), ("3", "3407", "it stands"));
        assert!(cells[6].starts_with("No packets"), "{cells:?}");
    }
}
