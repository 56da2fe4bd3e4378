//! Server time per page of the lists, with 100,000 alerts of 357 members in the database: what is read of it, made into a view and written as a
//! page, in this process. The reference is one reading of every alert in the same run; no page may cost as much.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use sqlx::{QueryBuilder, Sqlite};
use varde_collector::filter::List;
use varde_collector::io::clock;
use varde_collector::present::desk::alerts::AlertList;
use varde_collector::present::desk::asked::Asked;
use varde_collector::present::desk::bar::Bar;
use varde_collector::present::desk::cases::CaseList;
use varde_collector::present::intel::list::ListView;
use varde_collector::present::shown::Calendar;
use varde_collector::present::text::{Language, Texts};
use varde_collector::present::view::Reader;
use varde_collector::store::{Scope, Store};
use varde_common::time::Timestamp;
use varde_tests::community::Collector;
use varde_tests::random::Random;

/// Rows written by one statement.
const AT_ONCE: i64 = 500;
const INDICATORS: i64 = 3_000;
const INCIDENTS: i64 = 5_000;
const CAMPAIGNS: i64 = 200;

/// How long a page takes.
#[derive(Debug, Parser)]
struct Arguments {
    /// Alerts, over thirty days.
    #[arg(long, default_value_t = 100_000)]
    alerts: i64,
    /// Members, each with a sensor.
    #[arg(long, default_value_t = 357)]
    members: i64,
    /// How often each page is asked for.
    #[arg(long, default_value_t = 100)]
    rounds: usize,
    /// What the draws begin with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

async fn rows(
    store: &Store,
    head: &str,
    count: i64,
    mut row: impl FnMut(&mut sqlx::query_builder::Separated<'_, Sqlite, &'static str>, i64),
) -> Result<()> {
    let mut tx = store.begin().await?;
    for first in (1..=count).step_by(AT_ONCE as usize) {
        let mut insert: QueryBuilder<Sqlite> = QueryBuilder::new(head);
        insert.push_values(first..(first + AT_ONCE).min(count + 1), |mut values, id| row(&mut values, id));
        insert.build().execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn fill(store: &Store, arguments: &Arguments, now: Timestamp) -> Result<()> {
    let mut random = Random::seeded(arguments.seed);
    let (now, day) = (now.0, 86_400_000_000_i64);
    rows(store, "INSERT INTO member (id, number, name, added_at) ", arguments.members, |row, id| {
        row.push_bind(id).push_bind(format!("{}", 1000 + id)).push_bind(format!("Kommune {id}")).push_bind(0);
    })
    .await?;
    let head = "INSERT INTO sensor (id, member_id, token_created_at, token_expires_at, token_secret_sha256, enrolled_at, revision, last_seen_at, heartbeat) ";
    let heartbeat = r#"{"uptime_s":86400,"packets":70000,"dropped":0,"last_packet_ms":10}"#;
    rows(store, head, arguments.members, |row, id| {
        row.push_bind(id).push_bind(id).push_bind(0).push_bind(0).push_bind(vec![0_u8]).push_bind(0).push_bind(1);
        row.push_bind(now).push_bind(heartbeat);
    })
    .await?;
    rows(store, "INSERT INTO site (sensor_id, site, member_id) ", arguments.members, |row, id| {
        row.push_bind(id).push_bind(0).push_bind(id);
    })
    .await?;
    let head = "INSERT INTO indicator (id, pattern, kind, source, confidence, severity, tlp, received_at, published_at, published_in) ";
    rows(store, head, INDICATORS, |row, id| {
        row.push_bind(id).push_bind(format!("bad-{id}.example")).push_bind("domain").push_bind("list").push_bind(60);
        row.push_bind(id % 5).push_bind("TLP:AMBER").push_bind(0).push_bind(0).push_bind(1);
    })
    .await?;
    let head = "INSERT INTO campaign (id, uuid, link_kind, link_value, title, opened_at, first_seen, last_seen, updated_at, word) ";
    rows(store, head, CAMPAIGNS, |row, id| {
        row.push_bind(id).push_bind(format!("c{id}")).push_bind("indicator").push_bind(id.to_string());
        row.push_bind(format!("bad-{id}.example")).push_bind(now - day).push_bind(now - day).push_bind(now - id);
        row.push_bind(now).push_bind(id % 5);
    })
    .await?;
    let head = "INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, campaign_id, opened_at, first_seen, last_seen, updated_at, word, why) ";
    rows(store, head, INCIDENTS, |row, id| {
        let indicator = id % INDICATORS + 1;
        row.push_bind(id).push_bind(format!("i{id}")).push_bind(id % arguments.members + 1).push_bind("indicator");
        row.push_bind(indicator.to_string()).push_bind(format!("bad-{indicator}.example"));
        row.push_bind((id % 5 == 0).then_some(id % CAMPAIGNS + 1)).push_bind(now - day).push_bind(now - day);
        row.push_bind(now - id).push_bind(now).push_bind(id % 5).push_bind("[]");
    })
    .await?;
    let head = "INSERT INTO alert (id, uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, client, zone, zone_levels, direction,
        evidence, by_resolver, looked_up_by_other, possible_contact, labels_left, protocol, severity, exercise, retro, first_seen, last_seen,
        count, arrived_at, updated_at, incident_id) ";
    let all = arguments.alerts;
    rows(store, head, all, |row, id| {
        let member = random.within(1, arguments.members as u64) as i64;
        // Few indicators are met by many, and many by few.
        let indicator =
            (random.within(1, INDICATORS as u64) * random.within(1, INDICATORS as u64)) as i64 / INDICATORS + 1;
        let at = now - (all - id) * (30 * day / all.max(1));
        row.push_bind(id).push_bind(format!("a{id}")).push_bind(member).push_bind("e").push_bind(id).push_bind(member);
        row.push_bind(0).push_bind(indicator.min(INDICATORS)).push_bind(1).push_bind(format!("H-{}", id % 5_000));
        row.push_bind(0)
            .push_bind("000")
            .push_bind("outbound")
            .push_bind(id % 6)
            .push_bind(0)
            .push_bind(0)
            .push_bind(0);
        row.push_bind(0).push_bind(17).push_bind(id % 5).push_bind(0).push_bind(i64::from(id % 500 == 0));
        row.push_bind(at).push_bind(at).push_bind(1).push_bind(at).push_bind(at).push_bind(id % INCIDENTS + 1);
    })
    .await?;
    let mut tx = store.begin().await?;
    for sql in [
        "INSERT INTO meeting (indicator_id, member_id, first_seen, evidence) SELECT indicator_id, member_id, MIN(first_seen), MAX(evidence) FROM alert GROUP BY 1, 2",
        "INSERT INTO strand (id, member_id, incident_id, link_kind, link_value, exercise, first_seen, last_seen, evidence, confidence, level, severity, by_name, by_name_at_high, persistent, in_history)
            SELECT id, member_id, id, link_kind, link_value, 0, first_seen, last_seen, 2, 60, 0, 2, 0, 0, 0, 0 FROM incident",
        "INSERT INTO trace (member_id, strand_id, kind, value, exercise, first_seen, last_seen)
            SELECT DISTINCT i.member_id, i.id, 'indicator', CAST(a.indicator_id AS TEXT), 0, i.first_seen, i.last_seen FROM alert a JOIN incident i ON i.id = a.incident_id",
    ] {
        sqlx::query(sql).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Reads and writes one page. Gives its octets.
async fn page(store: &Store, list: List, query: &str, now: Timestamp) -> Result<usize> {
    let reader = Reader { texts: Texts::of(Language::Bokmaal), calendar: Calendar::new(Language::Bokmaal), now };
    let asked = Asked::read(list, query, 50, now);
    ensure!(asked.troubles.is_empty(), "{query}: {:?}", asked.troubles);
    let scope = Scope::Operator;
    Ok(match list {
        List::Alerts => {
            let groups = store.alert_groups(scope, &asked.question).await?;
            ensure!(!groups.items.is_empty(), "{query} finds nothing");
            let bar = Bar::of(&asked, groups.hidden, None, Vec::new(), &reader);
            format!("{bar:?}{:?}", AlertList::of(&asked, &groups, &reader)).len()
        }
        List::Incidents => {
            let found = store.listed_incidents(scope, &asked.question).await?;
            format!("{:?}", CaseList::incidents(&found, scope, &reader)).len()
        }
        List::Campaigns => {
            let found = store.listed_campaigns(scope, &asked.question).await?;
            format!("{:?}", CaseList::campaigns(&found, scope, &reader)).len()
        }
        List::Indicators => {
            let found = store.listed_indicators(scope, &asked.question.filter, false, None).await?;
            let asked = varde_collector::present::intel::list::Asked::read(query);
            format!("{:?}", ListView::of(&asked, &found, None, scope, &reader)).len()
        }
    })
}

async fn measure(store: &Store, arguments: &Arguments, now: Timestamp) -> Result<()> {
    let mut reference = Duration::MAX;
    for _ in 0..5 {
        let began = clock::monotonic();
        let sql = "SELECT COUNT(*) FROM alert NOT INDEXED WHERE count > 0 AND client IS NOT NULL";
        let _: i64 = sqlx::query_scalar(sql).fetch_one(store.readers()).await?;
        reference = reference.min(began.elapsed());
    }
    println!("reference, every alert read once: {reference:.1?}");
    let build = if cfg!(debug_assertions) { "debug build" } else { "release build" };
    for (list, query) in [
        (List::Alerts, ""),
        (List::Alerts, "t=1t"),
        (List::Alerts, "q=alvor%3Ah%C3%B8y%2B+langt%3Akontakt%2B+-medlem%3A1001"),
        (List::Alerts, "t=7d"),
        (List::Alerts, "t=30d"),
        (List::Incidents, ""),
        (List::Incidents, "q=alvor%3Ah%C3%B8y%2B"),
        (List::Campaigns, ""),
        (List::Indicators, ""),
        (List::Indicators, "q=tlp%3Aamber+slag%3Adomene"),
    ] {
        let mut times = Vec::with_capacity(arguments.rounds);
        for _ in 0..arguments.rounds.max(1) {
            let began = clock::monotonic();
            page(store, list, query, now).await?;
            times.push(began.elapsed());
        }
        times.sort_unstable();
        let at = |share: usize| times.get((times.len() - 1) * share / 100).copied().context("no round");
        let (median, p99) = (at(50)?, at(99)?);
        let ratio = median.as_secs_f64() / reference.as_secs_f64();
        println!(
            "{}?{query}: median {median:.1?}, p99 {p99:.1?} (aim 50 ms, {build}); {ratio:.2} of the reference",
            list.path()
        );
    }
    Ok(())
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let (store, now) = (Store::open(collector.data()).await?, clock::now());
        fill(&store, &arguments, now).await?;
        println!("{} alerts, {INCIDENTS} incidents, {} members", arguments.alerts, arguments.members);
        measure(&store, &arguments, now).await?;
        store.close().await;
        Ok(())
    })
}
