//! `varde-collector indicator`: intelligence in, and what is there.

use std::path::Path;

use clap::Subcommand;

use super::brake::{self, BrakeArguments};
use super::import::{ImportArguments, import};
use super::{indicator_lint, say};
use crate::store::indicator::IndicatorRow;
use crate::store::{Scope, Store};

/// Subcommands of `indicator`.
#[derive(Debug, Subcommand)]
pub enum IndicatorCommand {
    /// Import a file of indicators: a plain list, STIX, MISP, Zeek, RPZ, a table …
    #[command(
        after_help = "Formats: plain (one indicator a line, # begins a comment), stix (2.1 bundles, answers of TAXII servers), misp (events), zeek, rpz, suricata (datasets), hosts, csv, urlhaus, threatfox, feodo. Which one it is is found out, unless --format says so. Values written so that nobody clicks on them (hxxp, [.]) are understood outside plain lists; of a URL the host is taken, half as sure; names in letters beyond ASCII as xn--.\nA line of a plain list is a domain (evil.example: it and everything below it), an exact host (=www.evil.example), an address or a network, each perhaps with a port: name:port, address:port, [v6]:port, network:port, [v6net]:port; or ja4:VALUE, programs whose TLS or QUIC hello has this JA4 fingerprint.\nWhat an option says is said of every entry that does not say it itself; of two markings (TLP, PAP) the stricter one counts. An indicator that is known already is kept once, with every source that names it: it is as sure and as bad as the surest and the worst of them, marked as the strictest, and holds for as long as one says so. What a source says again takes the place of what it said; the rest stays. Entries that are no indicator are named and the rest is loaded.\nKeys with --json: source, format, new, known, left_out, clues (what no sensor can look for: hashes, paths), harmless (by the source's own word; not looked for), passed_over (meant for people to read), withdrawn, held (by lint: in no list), expired (older than its kind lives: in no list), dry_run.\nExit: 0 every entry was loaded, 1 some were left out (the rest is loaded) or it could not be done, 2 wrong usage."
    )]
    Import(ImportArguments),
    /// List the indicators.
    #[command(
        after_help = "Keys with --json: id, indicator, kind (domain, host, ipv4, ipv6, network, ja4), sources, threat, confidence (0-100), severity, tlp, pap, valid_from, valid_until (where every source names an end), expires_at (until when sensors look for it), exercise, received_at, published_at (first publication), published_in (its list), withdrawn_at (since when no source says so any more). Times are RFC 3339 UTC; what is not is null."
    )]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Say what lint has to say of every indicator: what is held back and why, what only to look at.
    #[command(
        after_help = "Rules: allowed (varde-collector allow), public-suffix, special-name, special-range, width (networks), member-name, member-network, url-host (a URL's host that is many others' too), list NAME (varde-collector lint list), documentation. Levels: block and quarantine hold it back, warn and annotate only tell. What is held goes out by: varde-collector lint override INDICATOR --reason TEXT --until DATE, where that may be.\nKeys with --json: id, indicator, rule, level, list, entry (what of the list it met), why, remedy, held, overridden, can_be_overridden. What is not is null."
    )]
    Lint {
        /// One JSON object a line, a finding each.
        #[arg(long)]
        json: bool,
    },
    /// Have sensors count the matches of single indicators only, without alerts, for a day at most; or tell them again.
    #[command(
        after_help = "For an indicator that turns out to be wrong while people are being called out of bed. It takes nothing from the list and adds nothing; every match is counted and shown (indicator brakes, the page, varde-agent status), and it ends by itself. What is wrong for good is taken out of the list.
The order is signed by the brake key (keys/brake.key). A collector from before it gets one so: varde-collector key make DIR/keys/brake.key, then varde-collector root next FILE --add brake=PUBLIC, sign, root accept.
Exit: 0 the order is given, 1 it is not, 2 wrong usage."
    )]
    Brake(BrakeArguments),
    /// What is braked, and what was until a week ago: why, until when, at how many sensors, and how many matches were counted.
    #[command(
        after_help = "Keys with --json: indicator_id, indicator, exercise, reason, since, until, ended_at (released or ordered anew), in_force, sensors (that have taken the order), sensors_total, matches, counted_by (sensors), members, hosts (about), evidence (the furthest), last_seen. Times are RFC 3339 UTC; what is not is null."
    )]
    Brakes {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: IndicatorCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = match command {
        IndicatorCommand::Brake(arguments) => brake::run(data, &store, arguments).await,
        IndicatorCommand::Brakes { json } => brake::list(&store, json).await,
        IndicatorCommand::Lint { json } => indicator_lint::run(&store, json).await,
        IndicatorCommand::Import(arguments) => import(data, &store, arguments).await,
        IndicatorCommand::List { json } => match store.indicator_rows(Scope::Operator).await {
            Ok(rows) => print(&rows, json),
            Err(error) => Err(error.into()),
        },
    };
    store.close().await;
    done
}

fn print(indicators: &[IndicatorRow], json: bool) -> anyhow::Result<()> {
    let row = |row: &IndicatorRow| {
        vec![
            row.id.to_string(),
            row.indicator.clone(),
            row.kind.clone(),
            row.severity.to_owned(),
            row.confidence.to_string(),
            row.tlp.clone(),
            row.threat.clone().unwrap_or_else(|| "-".to_owned()),
            row.sources.join(", "),
            say::moment(row.received_at.into()),
            say::moment(row.expires_at),
            match (row.withdrawn_at, row.published_in) {
                (Some(_), _) => "withdrawn".to_owned(),
                (None, list) => list.map_or("-".to_owned(), |list| list.to_string()),
            },
        ]
    };
    let heads =
        ["ID", "INDICATOR", "KIND", "SEVERITY", "SURE", "TLP", "THREAT", "SOURCE", "RECEIVED", "EXPIRES", "LIST"];
    let nothing = "No indicators yet. Load a list with: varde-collector indicator import FILE";
    say::rows(indicators, json, &heads, row, nothing)
}
