//! `varde-collector lint`: what indicators are held against, what goes out in spite of it, and how long they live.

use std::path::Path;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use varde_common::time::Timestamp;

use super::lint_list::{self, ListsCommand};
use super::noted::deed;
use super::say;
use crate::audit::On;
use crate::intel::hidden::{is_secret, told};
use crate::intel::lifetime::{Life, Lifetimes};
use crate::intel::lint::Finding;
use crate::io::{clock, user};
use crate::limits::{LIFETIME_DAYS_MAX, LINT_REASON_MAX_CHARACTERS, OVERRIDE_DAYS_MAX};
use crate::store::indicator::Named;
use crate::store::lint::{Override, OverrideRow};
use crate::store::{Scope, Store};

/// Subcommands of `lint`.
#[derive(Debug, Subcommand)]
pub enum LintCommand {
    /// Warninglists: names and networks that are in everybody's use.
    #[command(subcommand)]
    List(ListsCommand),
    /// Let an indicator go out although lint holds it back, until a day; or end that.
    #[command(
        after_help = "It holds for the rules that hold the indicator back now; what another rule comes to say holds it again. Never overridden: private and special addresses, public suffixes, networks that are a part of the internet, a member's own name or network itself, a URL's host that is many others' too, what is on the allow-list.\nExit: 0 done, 1 it may not be overridden or is not held, 2 wrong usage."
    )]
    Override(OverrideArguments),
    /// What was overridden: by whom, why, until when.
    #[command(
        after_help = "Keys with --json: indicator, rules, reason, author, given_at, until, ended_at (by hand, or given anew), ended_by, in_force. Times are RFC 3339 UTC; what is not is null."
    )]
    Overrides {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// How long indicators live of which no source names an end, in days; with a kind and days: from now on so long.
    #[command(
        after_help = "Counted from the last word of a source: the date it gives the object, else when it last said it (an import or a fetch that names it again renews it). A sensor that meets it renews it too, to twice its lifetime after the last word at most. The end falls on a day up to a quarter of the lifetime later, so that not everything changes at once. Sensors get the end with the list and stop by themselves; a change here reaches them with the next list.\nKeys with --json: kind (address, service, network, name, url-host, fingerprint), days."
    )]
    Lifetime {
        /// address, service (address:port), network, name, url-host or fingerprint.
        #[arg(requires = "days", value_parser = life)]
        kind: Option<Life>,
        /// How many days.
        #[arg(value_parser = clap::value_parser!(u16).range(1..=i64::from(LIFETIME_DAYS_MAX)))]
        days: Option<u16>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

fn life(text: &str) -> Result<Life, String> {
    text.parse()
}

/// Arguments of `lint override`.
#[derive(Debug, Args)]
pub struct OverrideArguments {
    /// The indicator, as `indicator list` shows it, or its number.
    pub indicator: String,
    /// Why it is to go out.
    #[arg(long, value_name = "TEXT", value_parser = reason, required_unless_present = "end")]
    pub reason: Option<String>,
    /// The day (2027-01-31, its end) or the time until which.
    #[arg(long, value_name = "DATE", value_parser = until, required_unless_present = "end")]
    pub until: Option<Timestamp>,
    /// End it.
    #[arg(long, conflicts_with_all = ["reason", "until"])]
    pub end: bool,
}

/// A reason, on one line.
pub(super) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_good =
        !text.is_empty() && text.chars().count() <= LINT_REASON_MAX_CHARACTERS && !text.chars().any(char::is_control);
    if is_good {
        Ok(text.to_owned())
    } else {
        Err(format!("a sentence of at most {LINT_REASON_MAX_CHARACTERS} characters on one line"))
    }
}

/// A moment, or the end of a day by UTC.
pub(super) fn until(text: &str) -> Result<Timestamp, String> {
    let is_day = text.len() == 10 && !text.contains('T');
    let at: Result<Timestamp, _> = if is_day { format!("{text}T23:59:59Z").parse() } else { text.parse() };
    at.map_err(|_| "give a day such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z".to_owned())
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: LintCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = match command {
        LintCommand::List(command) => lint_list::run(&store, command).await,
        LintCommand::Override(arguments) => override_one(&store, arguments, clock::now()).await,
        LintCommand::Overrides { json } => overrides(&store, json).await,
        LintCommand::Lifetime { kind, days, json } => lifetime(&store, kind.zip(days), json).await,
    };
    store.close().await;
    done
}

/// How an indicator is named in the audit: by its number alone.
fn audited(named: &Named) -> On {
    On::Thing(format!("indicator {}", named.id))
}

pub(super) async fn override_one(store: &Store, arguments: OverrideArguments, now: Timestamp) -> anyhow::Result<()> {
    let OverrideArguments { indicator, reason, until, end } = arguments;
    let named = store.indicator_named(Scope::Operator, &indicator).await?;
    let named = named
        .with_context(|| format!("there is no indicator {indicator}; see them with: varde-collector indicator list"))?;
    let author = user::who();
    let name = told(named.id, &named.pattern.to_plain(), named.tlp);
    // What lint met may be all of the indicator.
    let say = |finding: &Finding| if is_secret(named.tlp) { finding.key() } else { finding.to_string() };
    if end {
        let ending = deed("lint override", audited(&named)).becomes("the override is ended");
        return match store.noting(ending).end_override(&named.pattern, &author, now).await? {
            true => {
                say::result(&format!("{name} is held back again; it is out of the next list: varde-collector publish"))
            }
            false => bail!("{name} is not overridden; see what is: varde-collector lint overrides"),
        };
    }
    let (Some(reason), Some(until)) = (reason, until) else { bail!("give --reason and --until") };
    let latest = now.plus(std::time::Duration::from_secs(OVERRIDE_DAYS_MAX * 86_400));
    if until <= now || until > latest {
        bail!("--until {until} must be ahead, and no more than {OVERRIDE_DAYS_MAX} days; then say it again");
    }
    let findings = store.linter(Scope::Operator, now).await?.findings(&named.pattern, named.of_url);
    let holding: Vec<&Finding> = findings.iter().filter(|finding| finding.level.holds()).collect();
    if let Some(never) = holding.iter().find(|finding| !finding.can_be_overridden()) {
        bail!("{name} stays out whatever is said (rule \"{}\"): {}", never.key(), say(never));
    }
    if holding.is_empty() {
        bail!("lint does not hold {name} back; see: varde-collector indicator lint");
    }
    let rules: Vec<String> = holding.iter().map(|finding| finding.key()).collect();
    let words = format!("goes out until {until} in spite of {}: {reason}", rules.join(", "));
    let given = Override { pattern: &named.pattern, rules: &rules, reason: &reason, author: &author, until };
    store.noting(deed("lint override", audited(&named)).becomes(words)).give_override(&given, now).await?;
    say::result(&format!("{name} goes out until {until} in spite of {}.", rules.join(", ")))?;
    for finding in holding {
        say::aside(&format!("  {}", say(finding)));
    }
    say::aside("Sensors get it with the next: varde-collector publish");
    Ok(())
}

async fn overrides(store: &Store, json: bool) -> anyhow::Result<()> {
    let mut rows = store.override_rows(Scope::Operator, clock::now()).await?;
    for row in &mut rows {
        row.indicator = row.known.map_or(row.indicator.clone(), |(id, tlp)| told(id, &row.indicator, tlp));
    }
    let row = |row: &OverrideRow| {
        vec![
            row.indicator.clone(),
            row.rules.join(", "),
            say::briefly(&row.reason),
            row.author.clone(),
            say::moment(Some(row.until)),
            match (row.in_force, row.ended_at) {
                (true, _) => "in force".to_owned(),
                (false, Some(_)) => "ended".to_owned(),
                (false, None) => "over".to_owned(),
            },
        ]
    };
    let heads = ["INDICATOR", "IN SPITE OF", "REASON", "BY", "UNTIL", "STATE"];
    say::rows(&rows, json, &heads, row, "Nothing is overridden. What is held back: varde-collector indicator lint")
}

#[derive(Debug, Serialize)]
struct LifetimeRow {
    kind: &'static str,
    days: u16,
}

async fn lifetime(store: &Store, change: Option<(Life, u16)>, json: bool) -> anyhow::Result<()> {
    let before = store.lifetimes(Scope::Operator).await?;
    let word = |life: Life| Life::ALL.iter().find(|(one, _)| *one == life).map_or("", |(_, word)| word);
    if let Some((life, days)) = change {
        let setting = deed("lint lifetime", On::Setting(crate::store::lifetime::LIFETIMES))
            .was(format!("{} {} days", word(life), before.days(life)))
            .becomes(format!("{} {days} days", word(life)));
        store.noting(setting).set_lifetimes(&before.with(life, days)).await?;
        say::aside("Sensors get it with the next: varde-collector publish");
    }
    let now: Lifetimes = store.lifetimes(Scope::Operator).await?;
    let rows: Vec<LifetimeRow> =
        Life::ALL.iter().map(|(life, kind)| LifetimeRow { kind, days: now.days(*life) }).collect();
    say::rows(&rows, json, &["KIND", "DAYS"], |row| vec![row.kind.to_owned(), row.days.to_string()], "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::canonical::About;
    use crate::store::fixture;

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    #[tokio::test]
    async fn l3_only_what_is_held_and_may_go_out_is_overridden_with_a_reason_and_an_end() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        fixture::import(&store, "altinn.no\nevil.example\n10.0.0.0/8\n", &About::default(), NOW).await;
        let give = async |indicator: &str, until: Option<&str>| {
            let arguments = OverrideArguments {
                indicator: indicator.to_owned(),
                reason: until.map(|_| "an exercise".to_owned()),
                until: until.map(|text| super::until(text).unwrap()),
                end: until.is_none(),
            };
            override_one(&store, arguments, NOW).await.map_err(|error| error.to_string())
        };
        let refused = async |indicator: &str, until: &str| give(indicator, Some(until)).await.unwrap_err();
        assert!(refused("evil.example", "2026-12-24").await.contains("does not hold evil.example"));
        assert!(refused("10.0.0.0/8", "2026-12-24").await.contains("stays out whatever is said"));
        assert!(refused("other.example", "2026-12-24").await.contains("there is no indicator"));
        for until in ["2026-01-01", "2028-01-01"] {
            assert!(refused("altinn.no", until).await.contains("must be ahead"));
        }
        give("1", Some("2026-12-24")).await.unwrap();
        let rows = store.override_rows(Scope::Operator, NOW).await.unwrap();
        assert_eq!(
            (rows[0].indicator.as_str(), rows[0].rules.join("|")),
            ("altinn.no", "list norwegian-services".to_owned())
        );
        assert!(give("altinn.no", None).await.is_ok() && give("altinn.no", None).await.is_err(), "ended once");
        assert!(reason("a\nb").is_err() && reason(" ").is_err() && super::until("tomorrow").is_err());
    }
}
