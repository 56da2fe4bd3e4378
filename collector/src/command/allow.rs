//! `varde-collector allow`: what never goes out, whatever source says so.

use std::path::Path;

use anyhow::bail;
use clap::Subcommand;
use varde_common::indicator::Pattern;
use varde_common::time::Timestamp;

use super::lint::{reason, until};
use super::noted::deed;
use super::say;
use crate::audit::On;
use crate::intel::compile::{Fate, fate, read_row};
use crate::intel::hidden::told;
use crate::intel::lint::{Fixed, Knowledge, Linter};
use crate::io::{clock, user};
use crate::limits::{ALLOW_UNASKED, ALLOW_UNASKED_PERCENT, ALLOWED_MAX, COMPILE_PAGE_ROWS, HELD_NAMED};
use crate::store::allow::{AllowedRow, Allowing};
use crate::store::{Scope, Store};

/// Subcommands of `allow`.
#[derive(Debug, Subcommand)]
pub enum AllowCommand {
    /// Have a name, an address or a network never go out. How many indicators that keeps back is said.
    #[command(
        after_help = "A name (supplier.example) stands for itself and everything below it, =name for itself alone, a network for all within it; an indicator that would match it goes out neither. With a port (192.0.2.7:443) it stands for indicators with that port alone. What is in force at sensors goes out with the next: varde-collector publish. No override lets out what is allowed: remove it. What everybody lives under (com, kommune.no, github.io), and what no list may have anyway (private addresses, a part of the internet), is refused. What would keep back more than ten of the indicators that go out now, and more than one in a hundred of them, is allowed with --accept alone.\nExit: 0 it is allowed, 1 it is not, 2 wrong usage."
    )]
    Add {
        /// As plain lists write indicators.
        pattern: Pattern,
        /// Why.
        #[arg(long, value_name = "TEXT", value_parser = reason)]
        reason: String,
        /// The day (2027-01-31, its end) or the time until which [default: until it is removed].
        #[arg(long, value_name = "DATE", value_parser = until)]
        until: Option<Timestamp>,
        /// It keeps back a good part of what goes out, and is meant to.
        #[arg(long)]
        accept: bool,
    },
    /// What is allowed and was: by whom, why, until when.
    #[command(
        after_help = "Keys with --json: pattern, reason, author, given_at, until (null = until it is removed), ended_at (removed, or given anew), ended_by, in_force, by_verdict (alert verdict false-positive put it there: it goes when that is taken back). Times are RFC 3339 UTC; what is not is null."
    )]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Take one off the list.
    Remove {
        /// As `allow list` shows it.
        pattern: Pattern,
    },
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: AllowCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = match command {
        AllowCommand::Add { pattern, reason, until, accept } => {
            add(&store, &pattern, &reason, (until, accept), clock::now()).await
        }
        AllowCommand::List { json } => list(&store, json).await,
        AllowCommand::Remove { pattern } => remove(&store, &pattern, clock::now()).await,
    };
    store.close().await;
    done
}

/// How a pattern is named in the audit, in which no indicator stands: one that is looked for by its number. And how it is named to whoever
/// asked: by its number where few may read it.
async fn names(store: &Store, pattern: &Pattern) -> anyhow::Result<(On, String)> {
    let text = pattern.to_plain();
    let named = store.indicator_named(Scope::Operator, &text).await?;
    Ok(match named {
        Some(named) => (On::Thing(format!("the pattern of indicator {}", named.id)), told(named.id, &text, named.tlp)),
        None => (On::Thing(text.clone()), text),
    })
}

/// What it would do to allow something, to what goes out now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Effect {
    /// Indicators that a list which is made now would have, TLP:RED among them.
    goes_out: u64,
    /// That would not be in it any more.
    kept_back: u64,
    /// The first of those, as they may be shown.
    first: Vec<String>,
}

impl Effect {
    async fn of(store: &Store, pattern: &Pattern, now: Timestamp) -> anyhow::Result<Effect> {
        let linter = store.linter(Scope::Operator, now).await?;
        let allowing = Linter::new(Knowledge { allowed: vec![pattern.clone()], ..Knowledge::default() });
        let (mut effect, mut after) = (Effect::default(), 0);
        loop {
            let rows = store.indicators_to_compile(Scope::Operator, after, COMPILE_PAGE_ROWS).await?;
            let Some(last) = rows.last() else { return Ok(effect) };
            after = last.id;
            for row in &rows {
                // What cannot be read stops the next list, whatever is allowed.
                let Ok(indicator) = read_row(row) else { continue };
                match fate(&indicator, row.of_url, &linter, true, now) {
                    Fate::Goes { .. } => effect.goes_out += 1,
                    Fate::Expired | Fate::Held(_) | Fate::Withheld | Fate::Unhidable => continue,
                }
                if allowing.is_allowed(&indicator.pattern) {
                    effect.kept_back += 1;
                    if effect.first.len() < HELD_NAMED {
                        effect.first.push(told(row.id, &row.pattern, indicator.tlp));
                    }
                }
            }
        }
    }

    /// Whether it is so much that a person says it twice.
    fn is_much(&self) -> bool {
        self.kept_back > ALLOW_UNASKED
            && self.kept_back.saturating_mul(100) > self.goes_out.saturating_mul(ALLOW_UNASKED_PERCENT)
    }

    /// In words, as the end of a sentence.
    fn in_words(&self) -> String {
        let Effect { goes_out, kept_back, first } = self;
        let more = if *kept_back > first.len() as u64 { ", …" } else { "" };
        match kept_back {
            0 => format!("none of the {goes_out} indicators that go out now"),
            _ => format!("{kept_back} of the {goes_out} indicators that go out now ({}{more})", first.join(", ")),
        }
    }
}

async fn add(
    store: &Store,
    pattern: &Pattern,
    reason: &str,
    (until, accept): (Option<Timestamp>, bool),
    now: Timestamp,
) -> anyhow::Result<()> {
    if until.is_some_and(|until| until <= now) {
        bail!("--until must be ahead; without it it is allowed until it is removed");
    }
    if pattern.is_confidential() {
        bail!("a keyed hash is nothing that could be allowed; name what it stands for");
    }
    if let Err(finding) = Fixed::default().check(pattern) {
        bail!("{} is not allowed: {}; name what is meant and no more", pattern.to_plain(), finding.why);
    }
    let effect = Effect::of(store, pattern, now).await?;
    if effect.is_much() && !accept {
        bail!(
            "{} is not allowed yet: it would keep back {}; if that is meant: the same with --accept",
            pattern.to_plain(),
            effect.in_words()
        );
    }
    let author = user::who();
    let lasting = until.map_or_else(|| "until it is removed".to_owned(), |until| format!("until {until}"));
    let (on, name) = names(store, pattern).await?;
    let allowing = deed("allow add", on).becomes(format!(
        "never goes out, {lasting}, which keeps back {} of {} indicators: {reason}",
        effect.kept_back, effect.goes_out
    ));
    let wanted = Allowing { pattern, reason, author: &author, until };
    if !store.noting(allowing).allow(&wanted, now).await? {
        bail!("{ALLOWED_MAX} are allowed already; remove some first: varde-collector allow remove PATTERN");
    }
    say::result(&format!("{name} never goes out, {lasting}. It keeps back {}.", effect.in_words()))?;
    say::aside("What sensors have of it goes with the next: varde-collector publish");
    Ok(())
}

async fn remove(store: &Store, pattern: &Pattern, now: Timestamp) -> anyhow::Result<()> {
    let (on, name) = names(store, pattern).await?;
    let removing = deed("allow remove", on).becomes("goes out again where a source says so");
    match store.noting(removing).end_allowed(pattern, &user::who(), now).await? {
        true => say::result(&format!("{name} is off the allow-list. It counts with the next: varde-collector publish")),
        false => bail!("{name} is not on the allow-list; see it with: varde-collector allow list"),
    }
}

async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let mut rows = store.allowed_rows(Scope::Operator, clock::now()).await?;
    for row in &mut rows {
        row.pattern = row.known.map_or(row.pattern.clone(), |(id, tlp)| told(id, &row.pattern, tlp));
    }
    let row = |row: &AllowedRow| {
        vec![
            row.pattern.clone(),
            say::briefly(&row.reason),
            row.author.clone(),
            say::moment(row.until),
            match (row.in_force, row.ended_at) {
                (true, _) => "in force".to_owned(),
                (false, Some(_)) => "removed".to_owned(),
                (false, None) => "over".to_owned(),
            },
        ]
    };
    say::rows(&rows, json, &["PATTERN", "REASON", "BY", "UNTIL", "STATE"], row, "Nothing is allowed beforehand.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::canonical::About;
    use crate::store::fixture;
    use varde_common::tlp::Tlp;

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    #[tokio::test]
    async fn l3_what_is_allowed_says_how_much_it_keeps_back_and_a_good_part_is_asked_for_twice() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let names: String = (0..11).map(|n| format!("n{n}.leverandor.example\n")).collect();
        let others: String = (0..1_100).map(|n| format!("vond{n}.example\n")).collect();
        let import = async |list: &str, tlp: Tlp| {
            fixture::import(&store, list, &About { tlp: Some(tlp), ..About::default() }, NOW).await;
        };
        import(&names, Tlp::Amber).await;
        // What lint holds back does not go out, allowed or not.
        import("altinn.no\n", Tlp::Amber).await;
        import("x.secret.example\n", Tlp::Red).await;
        let allow = async |text: &str, accept: bool| {
            let done = add(&store, &text.parse().unwrap(), "vår", (None, accept), NOW).await;
            done.map_err(|error| error.to_string())
        };
        for (all, why) in [
            ("com", "top-level"),
            ("no", "top-level"),
            ("=com", "top-level"),
            ("kommune.no", "many who have nothing to do"),
            ("co.uk", "many who"),
            ("github.io", "many who"),
            ("8.0.0.0/6", "10.0.0.0/8"),
            ("64.0.0.0/7", "large part of the internet"),
        ] {
            for accept in [false, true] {
                let refused = allow(all, accept).await.unwrap_err();
                assert!(refused.contains(why) && refused.contains("is not allowed"), "{all}: {refused}");
            }
        }
        let effect = async |text: &str| Effect::of(&store, &text.parse().unwrap(), NOW).await.unwrap();
        assert_eq!(
            effect("leverandor.example").await.in_words(),
            "11 of the 12 indicators that go out now (n0.leverandor.example, n1.leverandor.example, n2.leverandor.example, …)"
        );
        assert_eq!(effect("altinn.no").await.in_words(), "none of the 12 indicators that go out now");
        let secret = effect("secret.example").await.in_words();
        assert!(secret.starts_with("1 of the 12") && !secret.contains("secret"), "{secret}");
        let refused = allow("leverandor.example", false).await.unwrap_err();
        assert!(refused.contains("11 of the 12") && refused.contains("--accept"), "{refused}");
        assert!(store.allowed_rows(Scope::Operator, NOW).await.unwrap().is_empty(), "nothing of it is allowed");
        // The same of a great many is a small part, and so is what keeps back a few of few.
        allow("n0.leverandor.example", false).await.unwrap();
        assert_eq!(effect("n0.leverandor.example").await.kept_back, 0, "it is kept back already");
        import(&others, Tlp::Amber).await;
        allow("leverandor.example", false).await.unwrap();
        let refused = allow("vond1.example", false).await;
        assert_eq!(refused, Ok(()));
        store.close().await;
        let (what, became): (String, String) = {
            let store = Store::open(dir.path()).await.unwrap();
            let sql = "SELECT what, became FROM audit ORDER BY seq DESC LIMIT 1";
            sqlx::query_as(sql).fetch_one(store.readers()).await.unwrap()
        };
        assert!(what == "allow add" && became.contains("keeps back 1 of "), "{became}");
    }

    #[tokio::test]
    async fn l3_a_good_part_is_allowed_where_it_is_accepted() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let names: String = (0..11).map(|n| format!("n{n}.leverandor.example\n")).collect();
        fixture::import(&store, &names, &About::default(), NOW).await;
        let pattern: Pattern = "leverandor.example".parse().unwrap();
        assert!(add(&store, &pattern, "vår", (None, false), NOW).await.is_err());
        add(&store, &pattern, "vår", (None, true), NOW).await.unwrap();
        let linter = store.linter(Scope::Operator, NOW).await.unwrap();
        assert!(linter.is_allowed(&"n7.leverandor.example".parse().unwrap()));
        store.close().await;
    }
}
