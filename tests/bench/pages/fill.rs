//! A community as it may be after a year: members with their sensors, people and heartbeats; indicators of several sources, published again and
//! again; alerts, incidents and campaigns, one of which every member is in; advisories and an audit. What takes no longer so is written by
//! the program's own commands and functions, the rest as rows.

use std::fmt::Write as _;
use std::str::FromStr;

use anyhow::{Result, ensure};
use sqlx::{QueryBuilder, Sqlite};
use varde_collector::advisory::{Audience, Wording};
use varde_collector::io::clock;
use varde_collector::present::text::Language;
use varde_collector::store::advisory::draft::New;
use varde_collector::store::advisory::send::Sending;
use varde_collector::store::heartbeat::to_json;
use varde_collector::store::{Scope, Store};
use varde_collector::workflow::timeline::Said;
use varde_common::heartbeat::Heartbeat;
use varde_common::id::Revision;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;
use varde_tests::audit_filled;
use varde_tests::community::Collector;
use varde_tests::random::Random;

/// Rows written by one statement.
const AT_ONCE: i64 = 500;
const SOURCES: i64 = 5;
const PUBLICATIONS: i64 = 10;
const CAMPAIGNS: i64 = 200;
const ADVISORIES: i64 = 50;
const AUDIT_ENTRIES: u64 = 50_000;
/// Lines said of each incident and of each campaign.
const SAID_OF_EACH: i64 = 4;
/// Heartbeats kept of each sensor, and of the first, whose page is asked for: a day's.
const HEARTBEATS: i64 = 60;
const HEARTBEATS_OF_FIRST: i64 = 2_880;
const HEARTBEAT_EVERY_US: i64 = 30_000_000;
const DAY_US: i64 = 86_400_000_000;
const DAYS: i64 = 30;

/// How much of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Alerts, over thirty days.
    pub(crate) alerts: i64,
    /// Incidents.
    pub(crate) incidents: i64,
    /// Members, each with a sensor and two people.
    pub(crate) members: i64,
    /// Indicators, all published.
    pub(crate) indicators: i64,
    /// What the draws begin with.
    pub(crate) seed: u64,
}

/// Fills the database of a collector that does not run. Gives the number of the advisory that is a draft.
///
/// # Errors
/// When a command fails; the database's own.
pub(crate) fn fill(collector: &Collector, sizes: &Sizes) -> Result<i64> {
    publish(collector, sizes)?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let (store, now) = (Store::open(collector.data()).await?, clock::now());
        people(&store, sizes, now).await?;
        heartbeats(&store, sizes, now).await?;
        cases(&store, sizes, now).await?;
        alerts(&store, sizes, now).await?;
        connected(&store).await?;
        while store.weigh_what_is_behind().await? {}
        let draft = advisories(&store, now).await?;
        audit_filled::fill(&store, AUDIT_ENTRIES).await?;
        store.close().await;
        Ok(draft)
    })
}

/// Indicators of several sources, and some publications, by the commands.
fn publish(collector: &Collector, sizes: &Sizes) -> Result<()> {
    for source in 0..SOURCES {
        let mut list = String::new();
        for id in (source..sizes.indicators).step_by(usize::try_from(SOURCES)?) {
            writeln!(list, "bad-{id}.example")?;
        }
        let file = collector.data().join("import.txt");
        std::fs::write(&file, list)?;
        let (file, source) = (file.to_string_lossy().into_owned(), format!("source-{source}"));
        collector.ask(["indicator", "import", &file, "--source", &source])?;
    }
    collector.ask(["publish"])?;
    for n in 1..PUBLICATIONS {
        collector.publish(&format!("later-{n}.example\n"))?;
    }
    Ok(())
}

/// So many rows of a table, each as `row` says by its number from 1.
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

/// Members, a sensor of each, and two people of each.
async fn people(store: &Store, sizes: &Sizes, now: Timestamp) -> Result<()> {
    rows(store, "INSERT INTO member (id, number, name, added_at) ", sizes.members, |row, id| {
        row.push_bind(id).push_bind(format!("{}", 1000 + id)).push_bind(format!("Kommune {id}")).push_bind(0);
    })
    .await?;
    let head = "INSERT INTO sensor (id, member_id, token_created_at, token_expires_at, token_secret_sha256, enrolled_at, revision, last_seen_at, heartbeat) ";
    rows(store, head, sizes.members, |row, id| {
        row.push_bind(id).push_bind(id).push_bind(0).push_bind(0).push_bind(vec![0_u8]).push_bind(0);
        row.push_bind(PUBLICATIONS).push_bind(now.0).push_bind(beat(now, 0));
    })
    .await?;
    rows(store, "INSERT INTO site (sensor_id, site, member_id) ", sizes.members, |row, id| {
        row.push_bind(id).push_bind(0).push_bind(id);
    })
    .await?;
    rows(store, "INSERT INTO account (id, name, role, member_id, added_at) ", 2 * sizes.members, |row, id| {
        let role = if id % 2 == 0 { "it" } else { "management" };
        row.push_bind(id).push_bind(format!("person-{id}")).push_bind(role).push_bind((id + 1) / 2).push_bind(0);
    })
    .await
}

/// A heartbeat, so many before the newest.
fn beat(now: Timestamp, before: i64) -> String {
    let clock = Timestamp(now.0 - before * HEARTBEAT_EVERY_US);
    let packets = u64::try_from(7_000_000_i64.saturating_sub(before * 2_000)).unwrap_or_default();
    let beat = Heartbeat {
        clock,
        uptime_s: 86_400,
        packets,
        octets: packets * 650,
        sources: 1,
        dns_messages: packets / 30,
        flows: packets / 70,
        last_packet_ms: Some(10),
        revision: Revision(PUBLICATIONS.unsigned_abs()),
        indicators: 20_000,
        ..Heartbeat::default()
    };
    to_json(&beat, None).to_string()
}

async fn heartbeats(store: &Store, sizes: &Sizes, now: Timestamp) -> Result<()> {
    let head = "INSERT INTO heartbeat (sensor_id, at, body) ";
    let of_each = HEARTBEATS * (sizes.members - 1);
    rows(store, head, of_each + HEARTBEATS_OF_FIRST, |row, id| {
        let (sensor, before) =
            if id <= of_each { (2 + id % (sizes.members - 1), id / (sizes.members - 1)) } else { (1, id - of_each) };
        row.push_bind(sensor).push_bind(now.0 - before * HEARTBEAT_EVERY_US).push_bind(beat(now, before));
    })
    .await
}

/// The campaign that an incident is in: the first members' in one that everybody is in, of the others some.
fn campaign_of(incident: i64, members: i64) -> Option<i64> {
    if incident <= members { Some(1) } else { (incident % 5 == 0).then_some(incident % CAMPAIGNS + 1) }
}

/// Campaigns and incidents, and what was said of them.
async fn cases(store: &Store, sizes: &Sizes, now: Timestamp) -> Result<()> {
    let now = now.0;
    rows(store, "INSERT INTO cluster (id) ", CAMPAIGNS, |row, id| {
        row.push_bind(id);
    })
    .await?;
    let head = "INSERT INTO campaign (id, uuid, link_kind, link_value, title, opened_at, first_seen, last_seen, updated_at, cluster_id) ";
    rows(store, head, CAMPAIGNS, |row, id| {
        row.push_bind(id).push_bind(format!("c{id}")).push_bind("indicator").push_bind(id.to_string());
        row.push_bind(format!("bad-{id}.example")).push_bind(now - DAY_US).push_bind(now - DAY_US);
        row.push_bind(now - id).push_bind(now).push_bind(id);
    })
    .await?;
    let head = "INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, campaign_id, campaign_since, opened_at, first_seen,
        last_seen, updated_at) ";
    rows(store, head, sizes.incidents, |row, id| {
        let (indicator, campaign) = (id % sizes.indicators + 1, campaign_of(id, sizes.members));
        row.push_bind(id).push_bind(format!("i{id}")).push_bind((id - 1) % sizes.members + 1).push_bind("indicator");
        row.push_bind(indicator.to_string()).push_bind(format!("bad-{indicator}.example"));
        row.push_bind(campaign)
            .push_bind(campaign.map(|_| now - DAY_US))
            .push_bind(now - DAY_US)
            .push_bind(now - DAY_US);
        row.push_bind(now - id).push_bind(now);
    })
    .await?;
    let head = "INSERT INTO timeline (kind, subject_id, at, learnt_at, who, for_members, body) ";
    let said = serde_json::to_string(&Said::Noted { text: "Ringte; de ser på det.".to_owned() })?;
    for (kind, subjects) in [("incident", sizes.incidents), ("campaign", CAMPAIGNS)] {
        rows(store, head, subjects * SAID_OF_EACH, |row, id| {
            let at = now - DAY_US + id;
            row.push_bind(kind).push_bind((id - 1) % subjects + 1).push_bind(at).push_bind(at).push_bind("kari");
            row.push_bind(1).push_bind(said.clone());
        })
        .await?;
    }
    Ok(())
}

async fn alerts(store: &Store, sizes: &Sizes, now: Timestamp) -> Result<()> {
    let mut random = Random::seeded(sizes.seed);
    let now = now.0;
    let head = "INSERT INTO alert (id, uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, client, zone, zone_levels, direction,
        evidence, by_resolver, looked_up_by_other, possible_contact, labels_left, protocol, severity, exercise, retro, first_seen, last_seen,
        count, arrived_at, updated_at, incident_id) ";
    let all = sizes.alerts;
    rows(store, head, all, |row, id| {
        let member = random.within(1, sizes.members as u64) as i64;
        // Few indicators are met by many, and many by few.
        let indicator = (random.within(1, sizes.indicators as u64) * random.within(1, sizes.indicators as u64)) as i64
            / sizes.indicators
            + 1;
        let at = now - (all - id) * (DAYS * DAY_US / all.max(1));
        row.push_bind(id).push_bind(format!("a{id}")).push_bind(member).push_bind("e").push_bind(id).push_bind(member);
        row.push_bind(0).push_bind(indicator.min(sizes.indicators)).push_bind(1).push_bind(format!("H-{}", id % 5_000));
        row.push_bind(0)
            .push_bind("000")
            .push_bind("outbound")
            .push_bind(id % 6)
            .push_bind(0)
            .push_bind(0)
            .push_bind(0);
        row.push_bind(0).push_bind(17).push_bind(id % 5).push_bind(0).push_bind(i64::from(id % 500 == 0));
        row.push_bind(at).push_bind(at).push_bind(1).push_bind(at).push_bind(at).push_bind(id % sizes.incidents + 1);
    })
    .await
}

/// What the program would have noted of the alerts as they came.
async fn connected(store: &Store) -> Result<()> {
    let mut tx = store.begin().await?;
    for sql in [
        "INSERT INTO meeting (indicator_id, member_id, first_seen, evidence) SELECT indicator_id, member_id, MIN(first_seen), MAX(evidence) FROM alert GROUP BY 1, 2",
        "INSERT INTO strand (id, member_id, incident_id, link_kind, link_value, exercise, first_seen, last_seen, evidence, confidence, level, severity, by_name, by_name_at_high, persistent, in_history)
            SELECT id, member_id, id, link_kind, link_value, 0, first_seen, last_seen, 2, 60, 0, 2, 0, 0, 0, 0 FROM incident",
        "UPDATE alert SET strand_id = incident_id",
        "INSERT INTO trace (member_id, strand_id, kind, value, exercise, first_seen, last_seen)
            SELECT DISTINCT i.member_id, i.id, 'indicator', CAST(a.indicator_id AS TEXT), 0, i.first_seen, i.last_seen FROM alert a JOIN incident i ON i.id = a.incident_id",
    ] {
        sqlx::query(sql).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// A title or a text of an advisory.
fn read<T: FromStr<Err = String>>(text: &str) -> Result<T> {
    text.parse().map_err(anyhow::Error::msg)
}

/// Advisories to everybody, the newest of which is a draft; gives its number.
async fn advisories(store: &Store, now: Timestamp) -> Result<i64> {
    let mut last = 0;
    for n in 1..=ADVISORIES {
        let wording = Wording { title: read(&format!("Varsel {n}"))?, body: read("# Hva har skjedd\n\nRing oss.\n")? };
        let new = New {
            is_named: false,
            campaign: Some(n),
            audience: Audience::All,
            chosen: &[],
            tlp: Tlp::Amber,
            wordings: &[(Language::Bokmaal, wording)],
            measures: &[],
            who: "kari",
        };
        last = store.new_advisory(&new, now).await?.map_err(anyhow::Error::from)?;
        if n < ADVISORIES {
            let sending = Sending { who: "kari", with_mail: false, now };
            store.send_advisory(last, sending).await?.map_err(anyhow::Error::from)?;
        }
    }
    ensure!(store.advisory(Scope::Operator, last).await?.is_some(), "the draft is not there");
    Ok(last)
}
