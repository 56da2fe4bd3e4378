//! `varde-collector indicator`: intelligence in, and what is there.

use std::path::Path;

use clap::Subcommand;

use super::brake::{self, BrakeArguments};
use super::export::{self, ExportArguments};
use super::import::{ImportArguments, import};
use super::import_text;
use super::indicator_lint;
use super::indicator_show::{self, ListArguments, ShowArguments};
use super::verdict::{self, IndicatorVerdictArguments};
use crate::store::Store;

/// Subcommands of `indicator`.
#[derive(Debug, Subcommand)]
pub enum IndicatorCommand {
    /// Import a file of indicators: a plain list, STIX, MISP, Zeek, RPZ, a table …
    #[command(
        after_help = "Formats: plain (one indicator a line, # begins a comment), stix (2.1 bundles, answers of TAXII servers), misp (events), zeek, rpz, suricata (datasets), hosts, csv, urlhaus, threatfox, feodo, prose (a pasted text, a mail as .eml, a PDF). Which one it is is found out, unless --format says so. Values written so that nobody clicks on them (hxxp, [.]) are understood; of a URL the host is taken, half as sure; names in letters beyond ASCII as xn--.\nOf prose: with --dry-run every value is shown with the sentence around it, which is kept as its note (from standard input: with --format prose); of a text that is marked TLP:AMBER+STRICT or TLP:RED the lines alone. What is seen in it and not taken is named at the import too. Where some values are written in brackets only those and public addresses are taken, for the others are links; else all are but those of who wrote the mail, below its closing words (a list of three lines there, or below a heading such as Domains:, is taken), of files and programs. A mail within a mail has no names of its own. A TLP marking in the text counts like --tlp, as it does in the first 64 KiB of a list and in the comments of a table, in English or Norwegian; one that nobody knows counts as RED. Text and PDFs that are attached are read; what is scanned or of another kind is named. Keys with --json --dry-run: source, format, dry_run, tlp, defanged, taken, passed_over, clues, left_out, values (value, fate: taken, passed, clue or refused, kind, why, part, line, times, sentence), unread (name, why, matters).\nA line of a plain list is a domain (evil.example: it and everything below it), an exact host (=www.evil.example), an address or a network, each perhaps with a port: name:port, address:port, [v6]:port, network:port, [v6net]:port; or ja4:VALUE, programs whose TLS or QUIC hello has this JA4 fingerprint.\nWhat an option says is said of every entry that does not say it itself; of two markings (TLP, PAP) the stricter one counts. An indicator that is known already is kept once, with every source that names it: it is as sure and as bad as the surest and the worst of them, marked as the strictest, and holds for as long as one says so. Of an object's versions the newest counts, in whatever order they come; what was revoked comes back by a newer version alone. What a source says again takes the place of all that it said of it; in a list without columns (plain, hosts, rpz, suricata) what no option says stays as it was, and in every format a marking (TLP, PAP) that is not said stays: say a looser one to loosen it. Of one value twice in a version the stricter marking counts. A version that is more than a day ahead of this machine's clock is left out. A page of the web (HTML), packed files and JSON of other kinds are refused by what they are. Entries that are no indicator are named and the rest is loaded; of those that are, or may be, marked TLP:RED or TLP:AMBER+STRICT the place and the reason alone. A file that cannot be read to its end, holds more than 10000000 entries, or leaves out with --replace half of what its source said, changes nothing.\nKeys with --json: source, format, new, known, repeated (said twice in the file), outdated (older than the version known, or taken back in such a one; changed nothing), left_out, clues (what no sensor can look for: hashes, paths), harmless (by the source's own word; not looked for), passed_over (meant for people to read; of prose: seen and not taken), withdrawn, held (by lint: in no list), expired (older than its kind lives: in no list), refuted (found to be false positives by a person: in no list), dry_run, refused (why nothing was done; null = it was). With dry_run they say what would be.\nExit: 0 every entry was loaded, 1 some were left out (the rest is loaded) or it could not be done, 2 wrong usage."
    )]
    Import(ImportArguments),
    /// List the indicators.
    #[command(after_help = indicator_show::LIST_HELP)]
    List(ListArguments),
    /// One indicator and all that its sources say of it.
    #[command(after_help = indicator_show::SHOW_HELP)]
    Show(ShowArguments),
    /// Write what is in force as a file for others: a STIX bundle, a MISP event, plain lines or a policy zone.
    #[command(after_help = export::HELP)]
    Export(ExportArguments),
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
    /// Take back every false positive that was said of an indicator, also by alerts that are gone.
    #[command(
        after_help = "What is a false positive is withdrawn whatever source names it (varde-collector alert verdict). This takes all of it back at once, by the indicator: also what was said of alerts that went with their member or are no longer kept. The indicator stands again where a source names it, and is in the next list.\nKeys with --json: indicator, verdicts (that are gone), reinstated.\nExit: 0 it is taken back, 1 nothing was said or there is no such indicator, 2 wrong usage."
    )]
    Verdict(IndicatorVerdictArguments),
    /// What is braked, and what was until a week ago: why, until when, at how many sensors, and how many matches were counted.
    #[command(
        after_help = "Keys with --json: indicator_id, indicator (null where it is marked TLP:AMBER+STRICT or TLP:RED), exercise, reason, since, until, ended_at (released or ordered anew), in_force, sensors (that have taken the order), sensors_total, matches, counted_by (sensors), members, hosts (about), evidence (the furthest), last_seen. Behind them the indicators of which sensors tell further hosts together by themselves, in one alert that names none, because they met too many: indicator_id, indicator, exercise, by_sensors (true), sensors (where it was so within a week), still (of them, where it is so now), members, hosts (about), matches, within_s (what it had met by then, by the last word of each), since, last (the last time that a sensor said so). The alerts have all matches. Its hosts are told one by one again a day later, when a list says something else of it, and when an order of the brake has named it: brake it, then --release. Times are RFC 3339 UTC; what is not is null."
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
        IndicatorCommand::Export(arguments) => export::run(&store, arguments).await,
        IndicatorCommand::Lint { json } => indicator_lint::run(&store, json).await,
        IndicatorCommand::Import(arguments) => match import_text::wanted(data, &arguments) {
            Ok(Some(text)) => import_text::show(text, &arguments),
            Ok(None) => import(data, &store, arguments).await,
            Err(error) => Err(error),
        },
        IndicatorCommand::List(arguments) => indicator_show::list(&store, &arguments).await,
        IndicatorCommand::Verdict(arguments) => verdict::take_back(&store, arguments).await,
        IndicatorCommand::Show(arguments) => indicator_show::show(&store, &arguments).await,
    };
    store.close().await;
    done
}
