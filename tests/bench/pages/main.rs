//! What the pages cost, asked of the real program over HTTP on loopback: server time per page, what the first page weighs over the wire, and
//! what two hundred open pages cost in memory. The database has 100,000 alerts, 5,000 incidents and 357 members ([`fill`]); every address
//! there is (`collector/src/io/addresses.rs`) is asked by an analyst, an administrator, a member's IT and its management. References of the
//! same run: a page that reads nothing but its words, and every alert read once by SQLite alone.
//!
//! `cargo build --release --workspace --bins && cargo run --release -p varde-tests --bin bench-pages`; fewer of everything, to find what is
//! slow: `-- --rounds 5 --only /saker`. Time is taken by curl over a connection that stands: from the request to the last octet.

mod asked;
mod fill;
mod live;
mod weight;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use varde_collector::io::clock;
use varde_collector::store::DATABASE_FILE;
use varde_tests::community::Collector;

use crate::asked::{Asking, Times};
use crate::fill::Sizes;

/// How long a page takes, what the first weighs, and what open ones cost.
#[derive(Debug, Parser)]
struct Arguments {
    /// Alerts, over thirty days.
    #[arg(long, default_value_t = 100_000)]
    alerts: i64,
    /// Incidents; each member has one in the same campaign.
    #[arg(long, default_value_t = 5_000)]
    incidents: i64,
    /// Members, each with a sensor and two people.
    #[arg(long, default_value_t = 357)]
    members: i64,
    /// Indicators, all of them published.
    #[arg(long, default_value_t = 20_000)]
    indicators: i64,
    /// How often each page is asked for.
    #[arg(long, default_value_t = 100)]
    rounds: usize,
    /// Only addresses that begin so.
    #[arg(long, default_value = "/")]
    only: String,
    /// Pages that are open at once.
    #[arg(long, default_value_t = 200)]
    open: usize,
    /// What the draws begin with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Every alert read once, past the program: the quickest of some.
fn every_alert_once(collector: &Collector) -> Result<Duration> {
    let options = SqliteConnectOptions::new().filename(collector.data().join(DATABASE_FILE)).read_only(true);
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let pool = SqlitePool::connect_with(options).await?;
        let mut least = Duration::MAX;
        for _ in 0..5 {
            let began = clock::monotonic();
            let sql = "SELECT COUNT(*) FROM alert NOT INDEXED WHERE count > 0 AND client IS NOT NULL";
            let _: i64 = sqlx::query_scalar(sql).fetch_one(&pool).await?;
            least = least.min(began.elapsed());
        }
        pool.close().await;
        Ok(least)
    })
}

fn main() -> Result<()> {
    let Arguments { alerts, incidents, members, indicators, rounds, only, open, seed } = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let began = clock::monotonic();
    let draft = fill::fill(&collector, &Sizes { alerts, incidents, members, indicators, seed })?;
    let build = if cfg!(debug_assertions) { "debug build" } else { "release build" };
    println!(
        "{build}; {alerts} alerts, {incidents} incidents, {members} members, {indicators} indicators, filled in {:.0?}",
        began.elapsed()
    );
    println!("reference, every alert read once by SQLite alone: {:.1?}", every_alert_once(&collector)?);
    let base = format!("http://{}", collector.start()?.web);
    let reference = asked::reference(folder.path(), &base, rounds)?;
    println!("reference, a page that reads nothing (the sign-in page): {reference}");
    let asking = Asking { folder: folder.path(), base: &base, draft, rounds, only: &only };
    let times: Vec<Times> = asking.everything(&collector)?;
    asked::tell(&times, &reference);
    weight::tell(&asking.person("analyst"), folder.path())?;
    if open > 0 {
        live::tell(&mut collector, folder.path(), &base, open)?;
    }
    collector.stop()
}
