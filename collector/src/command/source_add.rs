//! `varde-collector source add`: what is to be fetched, checked before it is kept; of a TAXII server, which collections it has.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use url::Url;
use varde_common::tlp::Tlp;

use super::init::operator_name;
use super::noted::deed;
use super::say;
use crate::audit::On;
use crate::intel::fetch::collections::Collection;
use crate::intel::fetch::place;
use crate::intel::fetch::plan::{Kind, Plan};
use crate::intel::format::Format;
use crate::io::clock;
use crate::io::fetch::{Fetcher, check_secret};
use crate::limits::IMPORT_MAX_OCTETS;
use crate::limits::fetch::{
    FETCH_EVERY, FETCH_EVERY_MAX, FETCH_EVERY_MIN, FETCH_MAX_OCTETS, FETCH_WITHIN, FETCH_WITHIN_MAX, SOURCES_MAX,
};
use crate::store::{Scope, Store};

/// Arguments of `source add`.
#[derive(Debug, Args)]
pub struct AddArguments {
    /// What it is called here, as the source of what it says.
    #[arg(value_parser = operator_name)]
    pub name: String,
    /// Where it is.
    pub url: String,
    /// What it is: taxii, misp-feed, misp or file.
    #[arg(long)]
    pub kind: Kind,
    /// Of a TAXII server: which collection, by its id.
    #[arg(long, value_name = "ID")]
    pub collection: Option<String>,
    /// How often it is fetched, e.g. 15m, 1h, 1d [default: 1h].
    #[arg(long, value_name = "SPAN", value_parser = every)]
    pub every: Option<Duration>,
    /// Of a file: how it is written [default: it is found out].
    #[arg(long)]
    pub format: Option<Format>,
    /// Of a file with --format csv: the column with the indicator, by its number from 1 or its name.
    #[arg(long, value_name = "COLUMN")]
    pub column: Option<String>,
    /// How far all of it may be shared, unless it says something stricter itself [default: amber].
    #[arg(long)]
    pub tlp: Option<Tlp>,
    /// How sure it is where it does not say so itself, 0-100 [default: 50].
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub confidence: Option<u8>,
    /// CA certificates (PEM) by which it is believed, in place of the system's.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// What it is asked with; see below.
    #[arg(long, value_name = "FILE")]
    pub auth_file: Option<PathBuf>,
    /// Fetch it through this HTTP proxy, e.g. http://proxy.example:3128.
    #[arg(long, value_name = "URL", value_parser = proxy)]
    pub proxy: Option<Url>,
    /// It is at an internal address, and is meant to be.
    #[arg(long)]
    pub internal: bool,
    /// What it says is other things each time (the newest so many, the last day's): hold it only where it is suddenly much less.
    #[arg(long)]
    pub turns_over: bool,
    /// What one fetch may bring, unpacked, e.g. 20M [default: 512M].
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_size: Option<u64>,
    /// How long one fetch may take, e.g. 5m [default: 30m].
    #[arg(long, value_name = "SPAN", value_parser = within)]
    pub within: Option<Duration>,
    /// Print what was done as JSON: the source as source list has it, or a collection a line.
    #[arg(long)]
    pub json: bool,
}

/// A span of time as people write it: 90s, 15m, 1h, 2d.
fn span(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?))
}

fn every(text: &str) -> Result<Duration, String> {
    let found = span(text).filter(|span| (FETCH_EVERY_MIN..=FETCH_EVERY_MAX).contains(span));
    found.ok_or_else(|| "give a span from 5m to 30d, such as 15m, 1h or 1d".to_owned())
}

fn within(text: &str) -> Result<Duration, String> {
    let found = span(text).filter(|span| (Duration::from_secs(1)..=FETCH_WITHIN_MAX).contains(span));
    found.ok_or_else(|| "give a span from 1s to 6h, such as 90s or 5m".to_owned())
}

fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).unwrap_or((text, ""));
    let octets = match unit {
        "K" => number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << 10)),
        "M" => number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << 20)),
        "G" => number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << 30)),
        _ => text.parse().ok(),
    };
    let found = octets.filter(|octets| (1..=IMPORT_MAX_OCTETS).contains(octets));
    found.ok_or_else(|| "give a size up to 4G, such as 500K or 20M".to_owned())
}

fn proxy(text: &str) -> Result<Url, String> {
    let found = Url::parse(text).ok().filter(|url| {
        url.scheme() == "http" && url.has_host() && url.username().is_empty() && url.password().is_none()
    });
    found.ok_or_else(|| "give an address such as http://proxy.example:3128, without a password".to_owned())
}

/// Runs the command.
///
/// # Errors
/// Why it is not fetched.
pub(super) async fn add(data: &Path, store: &Store, arguments: AddArguments) -> anyhow::Result<()> {
    let AddArguments { name, collection, every, json, .. } = &arguments;
    if store.is_source(Scope::Operator, name).await? {
        bail!("there is a source {name} already, fetched or imported under that name: choose another");
    }
    if store.source_turns(Scope::Operator).await?.len() >= SOURCES_MAX {
        bail!("{SOURCES_MAX} sources are fetched already, which is as many as there may be: remove one first");
    }
    let mut plan = plan(&arguments)?;
    if let Some(file) = &plan.auth_file {
        check_secret(file)?;
    }
    // What is wrong with its certificates is said now.
    let fetcher = Fetcher::new(plan.clone(), data)?;
    if plan.kind == Kind::Taxii {
        let (collections, elsewhere) = fetcher.collections().await.with_context(|| format!("{} is not added", name))?;
        let Some(wanted) = collection else { return choose(&plan, &collections, elsewhere, *json) };
        plan.url = root_of(wanted, &collections, &plan)?;
    }
    let every = every.unwrap_or(FETCH_EVERY);
    let every_s = i64::try_from(every.as_secs())?;
    let adding = deed("source add", On::Thing(format!("source {name}"))).becomes(in_words(&plan, every));
    store.noting(adding).add_source(name, &plan, every_s, clock::now()).await?;
    let row = store.sources(Scope::Operator, Some(name)).await?.into_iter().next().context("it is not there")?;
    if *json {
        return say::result(&serde_json::to_string(&row)?);
    }
    say::result(&format!("{name} is fetched from {} every {} s.", plan.host(), every.as_secs()))?;
    if plan.kind == Kind::File && plan.format.is_none() {
        say::aside(
            "It must be a list. A text for people (an advisory, a mail) is refused each time, for which names in it are meant a person must say: save it, then varde-collector indicator import FILE --format prose --dry-run",
        );
    }
    say::aside(&format!(
        "The running collector begins at once. To see what it would bring: varde-collector source fetch {name} --dry-run"
    ));
    Ok(())
}

fn plan(arguments: &AddArguments) -> anyhow::Result<Plan> {
    let AddArguments { kind, format, column, ca, auth_file, proxy, internal, .. } = arguments;
    let url = place::read(&arguments.url, *internal).context("the address of the source is not fetched")?;
    if arguments.collection.is_some() && *kind != Kind::Taxii {
        bail!("--collection is for --kind taxii");
    }
    if (format.is_some() || column.is_some()) && *kind != Kind::File {
        bail!("--format and --column are for --kind file: the other kinds are written in one way");
    }
    if *format == Some(Format::Prose) {
        bail!(
            "what people have written is not taken in unread: save it as a file, look at it with varde-collector indicator import FILE --format prose --dry-run, then import it without --dry-run"
        );
    }
    if column.is_some() && *format != Some(Format::Csv) {
        bail!("--column is for tables: --format csv");
    }
    if proxy.is_some() {
        if url.scheme() != "https" {
            bail!("--proxy is for https://: a proxy is asked for a tunnel");
        }
        place::may_name(&url, &url, *internal).context("the address of the source is not fetched")?;
    }
    // A collector that is started elsewhere must find them.
    let whole = |path: &Option<PathBuf>| path.as_ref().map(std::path::absolute).transpose();
    Ok(Plan {
        kind: *kind,
        url,
        collection: arguments.collection.clone(),
        format: format.map(|format| format.as_str().to_owned()),
        column: column.clone(),
        tlp: arguments.tlp.map(|tlp| tlp.to_string()),
        confidence: arguments.confidence,
        ca: whole(ca)?,
        auth_file: whole(auth_file)?,
        proxy: proxy.clone(),
        internal: *internal,
        turns_over: arguments.turns_over,
        max_octets: arguments.max_size.unwrap_or(FETCH_MAX_OCTETS),
        within_s: arguments.within.unwrap_or(FETCH_WITHIN).as_secs(),
    })
}

/// What is added, in words, without a path that may hold a secret.
fn in_words(plan: &Plan, every: Duration) -> String {
    let Plan { kind, collection, format, column: _, tlp, confidence, .. } = plan;
    let mut words = format!("{kind} from {} every {} s", plan.host(), every.as_secs());
    for (what, value) in [
        ("collection", collection.clone()),
        ("format", format.clone()),
        ("marked", tlp.clone()),
        ("confidence", confidence.map(|confidence| confidence.to_string())),
        ("CA certificates", plan.ca.as_ref().map(|path| path.display().to_string())),
        ("asked with", plan.auth_file.as_ref().map(|path| path.display().to_string())),
        ("proxy", plan.proxy.as_ref().and_then(Url::host_str).map(str::to_owned)),
        ("may be inside", plan.internal.then(|| "yes".to_owned())),
        ("turns over", plan.turns_over.then(|| "yes".to_owned())),
    ] {
        if let Some(value) = value {
            words.push_str(&format!("; {what} {value}"));
        }
    }
    words
}

/// The API root with a collection that may be read.
fn root_of(wanted: &str, collections: &[Collection], plan: &Plan) -> anyhow::Result<Url> {
    let Some(found) = collections.iter().find(|collection| collection.id == wanted) else {
        bail!(
            "{} has no collection {wanted}; those it has: the same without --collection ({} of them)",
            plan.host(),
            collections.len()
        );
    };
    if !found.can_read {
        bail!(
            "the collection {} may not be read with these credentials (can_read is false): ask whoever runs the server",
            found.called()
        );
    }
    Ok(place::read(&found.root, plan.internal)?)
}

/// Lists what there is to choose from.
fn choose(plan: &Plan, collections: &[Collection], elsewhere: usize, json: bool) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Choice<'a> {
        collection: &'a str,
        title: &'a str,
        can_read: bool,
        root: &'a str,
    }
    let choices: Vec<Choice<'_>> = collections
        .iter()
        .map(|Collection { id, title, can_read, root }| Choice { collection: id, title, can_read: *can_read, root })
        .collect();
    let row = |choice: &Choice<'_>| {
        let can_read = if choice.can_read { "yes" } else { "no" };
        vec![choice.collection.to_owned(), choice.title.to_owned(), can_read.to_owned(), choice.root.to_owned()]
    };
    let nothing = format!("{} has no collection that these credentials show", plan.host());
    say::rows(&choices, json, &["COLLECTION", "TITLE", "MAY BE READ", "BELOW"], row, &nothing)?;
    if elsewhere > 0 {
        say::aside(&format!(
            "{elsewhere} of its API roots are on other servers; what it is asked with does not go there."
        ));
    }
    bail!("nothing is added yet: say which one with --collection COLLECTION")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sizes_are_as_people_write_them() {
        assert_eq!((every("15m"), every("1d")), (Ok(Duration::from_secs(900)), Ok(Duration::from_secs(86_400))));
        for bad in ["", "m", "4m", "31d", "1", "1w", "-1h", "99999999999999999999h", "ø"] {
            assert!(every(bad).is_err(), "{bad}");
        }
        assert_eq!((within("5s"), size("20M"), size("77")), (Ok(Duration::from_secs(5)), Ok(20 << 20), Ok(77)));
        for bad in ["", "0", "5G", "M", "1T", "ø"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert!(proxy("http://proxy.example:3128").is_ok());
        for bad in ["https://p.example", "proxy.example", "http://u:p@p.example", "socks5://p.example"] {
            assert!(proxy(bad).is_err(), "{bad}");
        }
    }
}
