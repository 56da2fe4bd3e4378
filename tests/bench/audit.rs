//! W2: how long `audit verify` takes over so many entries, by the built program; the bar is a million in ten seconds.

use anyhow::{Context, Result};
use clap::Parser;
use sqlx::{QueryBuilder, Sqlite};
use varde_collector::audit::{Entry, NOTHING_BEFORE, On, members};
use varde_collector::io::clock;
use varde_collector::store::{Store, audit};
use varde_tests::community::Collector;

/// Entries written by one statement: nine values each, and SQLite takes 32,766.
const AT_ONCE: u64 = 1_000;

/// How long an audit takes to verify.
#[derive(Debug, Parser)]
struct Arguments {
    /// Entries.
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// How often it is verified.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// Writes entries as [`audit::append`] does, each after the one before, in one transaction and many a statement.
async fn fill(collector: &Collector, entries: u64) -> Result<()> {
    let store = Store::open(collector.data()).await?;
    let mut tx = store.begin().await?;
    let mut head = audit::head(&mut tx).await?;
    for first in (0..entries).step_by(usize::try_from(AT_ONCE)?) {
        let written = (first..entries.min(first + AT_ONCE)).map(|n| {
            let mut entry = Entry {
                seq: head.seq + 1,
                at: clock::now(),
                who: "kari".to_owned(),
                what: "incident list".to_owned(),
                on: On::Everybody.words(),
                members: members(&On::Everybody, &[]),
                was: String::new(),
                became: format!("hosts shown by their pseudonyms, look {n}"),
                cut: None,
                hash: NOTHING_BEFORE,
            };
            entry.hash = entry.hash_after(&head.hash);
            head = audit::Head { seq: entry.seq, hash: entry.hash };
            entry
        });
        let sql = "INSERT INTO audit (seq, at, who, what, on_whom, members, was, became, hash) ";
        let mut insert: QueryBuilder<Sqlite> = QueryBuilder::new(sql);
        insert.push_values(written, |mut row, entry| {
            row.push_bind(entry.seq).push_bind(entry.at.0).push_bind(entry.who).push_bind(entry.what);
            row.push_bind(entry.on).push_bind(entry.members).push_bind(entry.was).push_bind(entry.became);
            row.push_bind(entry.hash.to_vec());
        });
        insert.build().execute(&mut *tx).await?;
    }
    tx.commit().await?;
    store.close().await;
    Ok(())
}

fn main() -> Result<()> {
    let Arguments { entries, rounds } = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let began = clock::monotonic();
    tokio::runtime::Runtime::new()?.block_on(fill(&collector, entries))?;
    println!("{entries} entries written in {:.1?}", began.elapsed());
    let mut times = Vec::new();
    for _ in 0..rounds.max(1) {
        let began = clock::monotonic();
        let verdict = collector.ask(["audit", "verify", "--json"])?.json()?;
        times.push(began.elapsed());
        anyhow::ensure!(verdict.first().is_some_and(|verdict| verdict["sound"] == true), "{verdict:?}");
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).context("no round")?;
    println!("W2 audit verify, {entries} entries, median of {}: {median:.2?} (bar: 10 s for a million)", times.len());
    Ok(())
}
