//! `varde-collector source`: where intelligence is fetched from, and how that goes.

use std::path::Path;

use anyhow::{Context, bail};
use clap::Subcommand;
use serde::Serialize;
use varde_common::time::Timestamp;

use super::noted::{deed, noted};
use super::say;
use super::source_add::{self, AddArguments};
use crate::audit::{Deed, On};
use crate::intel::fetch::plan::Plan;
use crate::io::sources::{self, Conduct, Outcome};
use crate::io::{clock, cut_off};
use crate::store::source::SourceRow;
use crate::store::verdict::SourceRecord;
use crate::store::{Scope, Store};

/// Subcommands of `source`.
#[derive(Debug, Subcommand)]
pub enum SourceCommand {
    /// Fetch from a TAXII collection, a MISP feed, a MISP server or a file over HTTPS, from now on and again and again.
    #[command(
        after_help = "Kinds: taxii (2.1; give the discovery's or an API root's address; without --collection the collections are listed), misp-feed (a directory with manifest.json), misp (a server's restSearch, by an API key), file (any format of indicator import).\nThe running collector fetches; what comes is read whole before any of it counts, is taken in as what this source says, and reaches sensors only with the next publish. A file is all that its source says: what is not in it any more is withdrawn; so it is with the events of a MISP feed. What people have written (a mail, an advisory's page) is refused as a file: which of the names in it are meant, a person says; save it and look at it with indicator import FILE --format prose --dry-run. A source that suddenly becomes empty, or takes back or leaves out half of what stands by its word (where that is more than 20 indicators), is held: nothing is taken in until it is itself again, or source fetch NAME --release-held. It does not help that it says as many others instead. A feed that is other things each time by its nature (the newest so many, the last day's) is added with --turns-over: then only how much there is counts, and it is held where that halves.\n--auth-file names a file that its owner alone may read (chmod 600), with one line: basic USER:PASSWORD, bearer TOKEN, token TOKEN, or apikey HEADER VALUE (of a MISP server: apikey Authorization KEY); or with a client's certificate and its key, PEM. It is read at each fetch, by the user that the collector runs as, and what stands in it goes to that one server alone.\nOnly https:// is fetched, and never from an internal address, whatever a name, a resolver or a redirect says. --internal is your word that this one source is inside (http:// is taken then too); redirects elsewhere inside are not followed for all that. Proxies of the environment are not used; one named by --proxy resolves names itself, so that a name leading inside is its own to refuse.\nExit: 0 it is fetched from now on, 1 it is not, 2 wrong usage."
    )]
    Add(Box<AddArguments>),
    /// List the sources: when each last succeeded, what it brought, how right it was, why it fails, whether it is held.
    #[command(
        after_help = "Keys with --json: name, kind, url, collection, format, column, tlp, confidence, ca, auth_file, proxy, internal, turns_over, max_octets, within_s, every_s, added_at, paused_at, tried_at, failed_why (none = the last try did not fail), failures (since the last success), succeeded_at, entries (indicators it has, each once, where it says all), had_entries (by the success before), new, withdrawn, left_out (by the last success that brought anything), standing (what it says that stands), held_at, held_why; how right it was so far: given (its indicators that were ever in a published list), hits (those of them with alerts), confirmed and refuted (verdicts), confirmed_percent (of both; null where there is no verdict); sightings_to (the MISP server that is told of verdicts; varde-collector sighting to). Times are RFC 3339 UTC; what is not is null."
    )]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show all that is known of one source.
    Show {
        /// Its name.
        name: String,
        /// As one JSON object; keys as of source list.
        #[arg(long)]
        json: bool,
    },
    /// Fetch a source now.
    #[command(
        after_help = "Keys with --json: source, unchanged, found (indicators in what came, each once), new, known, outdated (in older versions than what is known), withdrawn, left_out, clues, harmless, passed_over, missing (events that a MISP feed names and does not have), held (why; none = it is not), dry_run.\nExit: 0 it was fetched and taken in (or had not changed), 1 it was not, or is held, 2 wrong usage."
    )]
    Fetch {
        /// Its name.
        name: String,
        /// Only say what would be taken in, and whether it would be held.
        #[arg(long, conflicts_with = "release_held")]
        dry_run: bool,
        /// Take in what is held, as it is now, however much of what was said before goes.
        #[arg(long)]
        release_held: bool,
        /// Print what was done as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Say of a source whether what it says turns over.
    Set {
        /// Its name.
        name: String,
        /// yes = it is other things each time, and held only where it is suddenly much less; no = also where half of what it said is gone.
        #[arg(long, value_name = "YES|NO", value_parser = super::import::yes, action = clap::ArgAction::Set)]
        turns_over: bool,
    },
    /// Let a source rest: it is not fetched until source resume.
    Pause {
        /// Its name.
        name: String,
    },
    /// Fetch a source again that was let rest.
    Resume {
        /// Its name.
        name: String,
    },
    /// Fetch from a source no longer.
    Remove {
        /// Its name.
        name: String,
        /// Withdraw all that it has said, too; else that stands until its own end. It may be one that is not fetched.
        #[arg(long)]
        withdraw: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: SourceCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = match command {
        SourceCommand::Add(arguments) => source_add::add(data, &store, *arguments).await,
        SourceCommand::List { json } => list(&store, json).await,
        SourceCommand::Show { name, json } => show(&store, &name, json).await,
        SourceCommand::Fetch { name, dry_run, release_held, json } => {
            fetch(data, &store, &name, Conduct { dry_run, release_held, deed: None }, json).await
        }
        SourceCommand::Set { name, turns_over } => set(&store, &name, turns_over).await,
        SourceCommand::Pause { name } => pause(&store, &name, Some(clock::now())).await,
        SourceCommand::Resume { name } => pause(&store, &name, None).await,
        SourceCommand::Remove { name, withdraw } => remove(data, &store, &name, withdraw).await,
    };
    store.close().await;
    done
}

async fn one(store: &Store, name: &str) -> anyhow::Result<SourceRow> {
    let found = store.sources(Scope::Operator, Some(name)).await?.into_iter().next();
    found.with_context(|| format!("no source {name} is fetched; those that are: varde-collector source list"))
}

fn on(what: &'static str, row: &SourceRow) -> Deed {
    deed(what, On::Thing(format!("source {}", row.name)))
}

/// For how long, in words.
fn ago(at: Timestamp, now: Timestamp) -> String {
    let minutes = now.since(at).as_secs() / 60;
    match minutes {
        0 => "just now".to_owned(),
        1..=119 => format!("{minutes} min ago"),
        120..=2_879 => format!("{} h ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1_440),
    }
}

/// How it goes, in words.
fn state(row: &SourceRow) -> String {
    match (&row.held_why, &row.failed_why, row.paused_at) {
        (Some(why), _, _) => format!("HELD: {why}"),
        (None, Some(why), _) => format!("failed: {why}"),
        (None, None, Some(_)) => "rests".to_owned(),
        (None, None, None) if row.tried_at.is_none() => "not tried yet".to_owned(),
        (None, None, None) => "good".to_owned(),
    }
}

/// What changed by the last success.
fn change(row: &SourceRow) -> String {
    match (row.new, row.withdrawn) {
        (Some(new), Some(withdrawn)) => format!("+{new} -{withdrawn}"),
        _ => "-".to_owned(),
    }
}

/// A source, how right it was so far, and who is told of that.
#[derive(Debug, Serialize)]
struct Judged {
    #[serde(flatten)]
    row: SourceRow,
    given: i64,
    hits: i64,
    confirmed: i64,
    refuted: i64,
    confirmed_percent: Option<i64>,
    sightings_to: Option<String>,
}

impl Judged {
    fn new(row: SourceRow, record: Option<&SourceRecord>, sightings_to: Option<String>) -> Judged {
        let (given, hits, confirmed, refuted) = record.map_or((0, 0, 0, 0), |record| {
            let SourceRecord { source: _, shown, hits, confirmed, false_positives } = record;
            (*shown, *hits, *confirmed, *false_positives)
        });
        let verdicts = confirmed.saturating_add(refuted);
        let confirmed_percent = confirmed.saturating_mul(100).checked_div(verdicts);
        Judged { row, given, hits, confirmed, refuted, confirmed_percent, sightings_to }
    }

    /// How right it was, in a few words; a share only with what it is of.
    fn record(&self) -> String {
        let Judged { given, confirmed, refuted, confirmed_percent, .. } = self;
        match confirmed_percent {
            None => format!("{given} given, no verdicts"),
            Some(percent) => {
                let verdicts = confirmed.saturating_add(*refuted);
                format!("{given} given, {confirmed} of {verdicts} verdicts confirmed ({percent} %), {refuted} refuted")
            }
        }
    }
}

async fn judged(store: &Store, rows: Vec<SourceRow>) -> anyhow::Result<Vec<Judged>> {
    let records = store.source_records(Scope::Operator, None).await?;
    let mut told = store.sighting_targets(Scope::Operator).await?;
    let one = |row: SourceRow| {
        let record = records.iter().find(|record| record.source == row.name);
        let to = told.remove(&row.name);
        Judged::new(row, record, to)
    };
    Ok(rows.into_iter().map(one).collect())
}

async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let rows = judged(store, store.sources(Scope::Operator, None).await?).await?;
    let now = clock::now();
    let row = |judged: &Judged| {
        let Judged { row, sightings_to, .. } = judged;
        vec![
            row.name.clone(),
            row.plan.kind.to_string(),
            row.plan.host(),
            row.succeeded_at.map_or("never".to_owned(), |at| ago(at, now)),
            row.tried_at.map_or("never".to_owned(), |at| ago(at, now)),
            row.standing.to_string(),
            change(row),
            judged.record(),
            sightings_to.as_deref().map_or("nobody".to_owned(), host_of),
            state(row),
        ]
    };
    let heads =
        ["NAME", "KIND", "FROM", "LAST SUCCESS", "LAST TRY", "STANDING", "CHANGE", "RECORD", "SIGHTINGS TO", "STATE"];
    let nothing = "No source is fetched yet. To have one fetched: varde-collector source add NAME --kind KIND URL";
    say::rows(&rows, json, &heads, row, nothing)
}

/// The host of an address, or all of it where it has none.
fn host_of(url: &str) -> String {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| url.to_owned())
}

async fn show(store: &Store, name: &str, json: bool) -> anyhow::Result<()> {
    let row = one(store, name).await?;
    let Some(judged) = judged(store, vec![row]).await?.pop() else { return Ok(()) };
    if json {
        return say::result(&serde_json::to_string(&judged)?);
    }
    let record = judged.record();
    let Judged { row, sightings_to, .. } = judged;
    let none = || "-".to_owned();
    let plan = &row.plan;
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let lines = [
        ("kind", Some(plan.kind.to_string())),
        ("address", Some(plan.url.to_string())),
        ("collection", plan.collection.clone()),
        ("format", plan.format.clone()),
        ("column", plan.column.clone()),
        ("marked", plan.tlp.clone()),
        ("confidence", plan.confidence.map(|confidence| confidence.to_string())),
        ("CA certificates", path(&plan.ca)),
        ("asked with", path(&plan.auth_file)),
        ("proxy", plan.proxy.as_ref().map(ToString::to_string)),
        ("may be inside", plan.internal.then(|| "yes".to_owned())),
        ("turns over", plan.turns_over.then(|| "yes".to_owned())),
        ("fetched every", Some(format!("{} s", row.every_s))),
        ("one fetch", Some(format!("{} bytes, {} s at most", plan.max_octets, plan.within_s))),
        ("added", Some(say::moment(Some(row.added_at)))),
        ("rests since", row.paused_at.map(|at| say::moment(Some(at)))),
        ("last try", Some(say::moment(row.tried_at))),
        ("last success", Some(say::moment(row.succeeded_at))),
        ("failures since", Some(row.failures.to_string())),
        ("indicators in it", Some(row.entries.map_or_else(none, |entries| entries.to_string()))),
        ("before that", row.had_entries.map(|entries| entries.to_string())),
        ("change", Some(change(&row))),
        ("left out", row.left_out.map(|left_out| left_out.to_string())),
        ("standing", Some(row.standing.to_string())),
        ("record", Some(record)),
        ("sightings to", Some(sightings_to.unwrap_or_else(|| "nobody (varde-collector sighting to)".to_owned()))),
        ("held since", row.held_at.map(|at| say::moment(Some(at)))),
        ("state", Some(state(&row))),
    ];
    let mut text = row.name.clone();
    for (what, value) in lines {
        if let Some(value) = value {
            text.push_str(&format!("\n  {what}: {}", say::printable(value)));
        }
    }
    say::result(&text)
}

pub(super) async fn fetch(data: &Path, store: &Store, name: &str, conduct: Conduct, json: bool) -> anyhow::Result<()> {
    let row = one(store, name).await?;
    if conduct.release_held && row.held_at.is_none() {
        bail!("{name} is not held; to fetch it: varde-collector source fetch {name}");
    }
    let dry_run = conduct.dry_run;
    let released =
        if conduct.release_held { ", and taken in however much of what it said goes (--release-held)" } else { "" };
    let words = format!("fetched from {}{released}", row.plan.host());
    let fetching = sources::fetch(data, store, &row, conduct);
    let done = if dry_run {
        fetching.await.map_err(anyhow::Error::from)
    } else {
        noted(store, on("source fetch", &row).becomes(words), async { Ok(fetching.await?) }).await
    };
    let outcome = done.with_context(|| format!("{name} is not fetched"))?;
    say::result(&if json { serde_json::to_string(&outcome)? } else { in_a_sentence(name, &outcome) })?;
    if let Some(left_out) = &outcome.first_left_out {
        say::aside(&format!("The first of those left out: {}", say::printable(left_out.clone())));
    }
    if let Some(why) = &outcome.held {
        bail!(
            "what {name} gives is held, and what it said before stands: {why}; if that is meant: varde-collector source fetch {name} --release-held{}",
            if outcome.helped_by_turning {
                format!("; if it is so each time: varde-collector source set {name} --turns-over yes")
            } else {
                String::new()
            }
        );
    }
    if outcome.new + outcome.withdrawn > 0 && !dry_run {
        say::aside("Sensors get what of it may go out with the next: varde-collector publish");
    }
    Ok(())
}

fn in_a_sentence(name: &str, outcome: &Outcome) -> String {
    let Outcome { new, known, .. } = outcome;
    if outcome.unchanged {
        return format!("{name}: nothing has changed there");
    }
    let mut summary = match outcome.dry_run {
        true => format!("{name}: {new} would be new, {known} are known already"),
        false if outcome.held.is_some() => format!("{name}: {new} would be new, {known} are known already; held"),
        false => format!("{name}: {new} new, {known} already known"),
    };
    let is_done = !outcome.dry_run && outcome.held.is_none();
    for (count, what) in [
        (outcome.outdated, "in versions older than what is known, which change nothing"),
        (outcome.withdrawn, if is_done { "withdrawn" } else { "would be withdrawn" }),
        (outcome.left_out, "left out"),
        (outcome.clues, "that no sensor can look for, kept for people"),
        (outcome.harmless, "that the source says are harmless, not looked for"),
        (outcome.passed_over, "meant for people to read, passed over"),
        (outcome.missing, "events that its manifest names and that are not there"),
    ] {
        if count > 0 {
            summary.push_str(&format!(", {count} {what}"));
        }
    }
    summary
}

async fn set(store: &Store, name: &str, turns_over: bool) -> anyhow::Result<()> {
    let row = one(store, name).await?;
    let (words, said) = match turns_over {
        true => (
            "held only where it is suddenly much less",
            "held only where it suddenly has half of what it had, or nothing",
        ),
        false => (
            "held where half of what it said is gone",
            "held where half of what it said is gone, whatever it says instead",
        ),
    };
    let plan = Plan { turns_over, ..row.plan.clone() };
    let setting = on("source set", &row).becomes(words);
    store.noting(setting).change_source(row.id, &plan).await?;
    say::result(&format!("{name} is {said}."))
}

pub(super) async fn pause(store: &Store, name: &str, since: Option<Timestamp>) -> anyhow::Result<()> {
    let row = one(store, name).await?;
    let (what, words, said) = match since {
        Some(_) => (
            "source pause",
            "it is not fetched",
            format!("{name} rests; to fetch it again: varde-collector source resume {name}"),
        ),
        None => ("source resume", "it is fetched", format!("{name} is fetched again.")),
    };
    store.noting(on(what, &row).becomes(words)).pause_source(row.id, since).await?;
    say::result(&said)
}

/// Takes back all that a source has said which is not fetched.
async fn withdraw_all(store: &Store, name: &str) -> anyhow::Result<()> {
    cut_off::settle(store, &mut say::aside).await?;
    let withdrawing = deed("source remove", On::Thing(format!("source {name}"))).becomes("what it said is withdrawn");
    store.note(&withdrawing).await?;
    match store.withdraw_source(name, "its source was removed", clock::now()).await? {
        0 => {
            bail!("no source {name} is fetched, and nothing that it has said stands; see: varde-collector source list")
        }
        withdrawn => say::result(&format!("{name} is not fetched; {withdrawn} of what it said are withdrawn")),
    }
}

async fn remove(data: &Path, store: &Store, name: &str, withdraw: bool) -> anyhow::Result<()> {
    let row = match one(store, name).await {
        Ok(row) => row,
        // Removed before, or only ever imported by hand.
        Err(_) if withdraw => return withdraw_all(store, name).await,
        Err(error) => return Err(error),
    };
    let said = if withdraw { "what it said is withdrawn" } else { "what it said stands" };
    let deed = on("source remove", &row).becomes(format!("no longer fetched from {}; {said}", row.plan.host()));
    store.noting(deed).remove_source(row.id).await?;
    let _ = std::fs::remove_file(sources::lock_path(data, row.id));
    let mut summary = format!("{name} is no longer fetched; {} of what it said stand", row.standing);
    if withdraw {
        // Else what was cut off would be taken in afterwards.
        cut_off::settle(store, &mut say::aside).await?;
        let why = "its source was removed";
        let withdrawn = store.withdraw_source(name, why, clock::now()).await?;
        summary = format!("{name} is no longer fetched; {withdrawn} of what it said are withdrawn");
    }
    say::result(&summary)
}
