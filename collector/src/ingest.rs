//! A batch becomes records, each stored once, and what they say becomes alerts, incidents and campaigns, in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::json;
use sqlx::SqliteConnection;
use varde_common::alert::{AlertOpened, AlertUpdated, CrowdOpened, CrowdUpdated, Level, Regularity};
use varde_common::codec::Malformed;
use varde_common::id::{Epoch, Seq, SiteId};
use varde_common::message::{Batch, Heartbeat};
use varde_common::record::{LossReason, Record, RecordBody, SensorEvent};
use varde_common::time::Timestamp;

use crate::change::Change;
use crate::correlate::{self, IncidentRef, Known};
use crate::incident::{AlertFact, Link, Span, Topic, founds_an_incident};
use crate::store::alert::{AlertRow, KnownIndicator};
use crate::store::{Store, StoreError, alert, campaign, heartbeat, incident, record};

/// Sightings one alert may claim: far more than a line can carry in a day, and a sum over all alerts still fits an i64.
const COUNT_MAX: u64 = 1 << 40;
/// Hosts one alert may claim to stand for: more than there are addresses of IPv4, and sums of them fit an i64.
const HOSTS_MAX: u64 = 1 << 32;

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestOutcome {
    /// What to answer.
    pub reply: IngestReply,
    /// What to tell others.
    pub changes: Vec<Change>,
}

/// The answer to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IngestReply {
    /// Everything up to here is committed.
    Ack {
        /// Of this epoch.
        epoch: Epoch,
        /// Cumulative.
        seq: Seq,
    },
    /// Records are missing before this batch; nothing of it was stored.
    Gap {
        /// The one wanted next.
        expected: Seq,
    },
}

/// Why a batch was not stored; nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A record names a site that is not this sensor's.
    #[error("a record names site {0}, which this sensor does not have")]
    UnknownSite(u16),
    /// It breaks a rule.
    #[error("a batch breaks the protocol: {0}")]
    Malformed(String),
    /// The sensor was revoked while its session stood.
    #[error("the sensor is revoked")]
    Revoked,
    /// The database said no.
    #[error("a batch could not be stored: {0}")]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for IngestError {
    fn from(error: sqlx::Error) -> IngestError {
        IngestError::Store(StoreError::from(error))
    }
}

/// Stores what is new in a batch, draws the conclusions and moves the sensor's position, all or nothing. The answer may be
/// sent at once: the commit is on disk.
///
/// # Errors
/// [`IngestError`]; then nothing was stored.
pub async fn handle_batch(
    store: &Store,
    sensor: i64,
    batch: &Batch,
    now: Timestamp,
) -> Result<IngestOutcome, IngestError> {
    let records = decode(batch)?;
    let mut tx = store.begin().await?;
    let position = record::position(&mut tx, sensor).await?;
    // Asked where it is stored: a session that is still being cut off brings nothing in.
    if position.revoked {
        return Err(IngestError::Revoked);
    }
    if position.epoch != Some(batch.epoch) {
        return Err(IngestError::Malformed("it is of another epoch than the session's Hello".to_owned()));
    }
    let fresh = match tail(position.committed, &records) {
        Tail::Gap(expected) => {
            return Ok(IngestOutcome { reply: IngestReply::Gap { expected }, changes: Vec::new() });
        }
        Tail::Records(fresh) => fresh,
    };
    let Some(last) = fresh.last().map(|record| record.seq) else {
        let reply = IngestReply::Ack { epoch: batch.epoch, seq: position.committed };
        return Ok(IngestOutcome { reply, changes: Vec::new() });
    };

    let said = read(&mut tx, sensor, batch.epoch, fresh, now).await?;
    let octets: Vec<(Seq, &[u8])> = fresh.iter().map(|record| (record.seq, record.octets)).collect();
    record::insert(&mut tx, sensor, batch.epoch, &octets, now).await?;
    record::insert_events(&mut tx, sensor, batch.epoch, &said.events, now).await?;
    let mut changes = conclude(&mut tx, sensor, batch.epoch, said.alerts, now).await?;
    record::advance(&mut tx, sensor, last, now).await?;
    tx.commit().await?;
    if !said.events.is_empty() {
        changes.push(Change::Sensor(sensor));
    }
    Ok(IngestOutcome { reply: IngestReply::Ack { epoch: batch.epoch, seq: last }, changes })
}

/// Stores how a sensor is.
///
/// # Errors
/// The database's own.
pub async fn handle_heartbeat(
    store: &Store,
    sensor: i64,
    heartbeat: &Heartbeat,
    now: Timestamp,
) -> Result<Vec<Change>, StoreError> {
    let mut tx = store.begin().await?;
    heartbeat::store(&mut tx, sensor, heartbeat, now).await?;
    tx.commit().await?;
    Ok(vec![Change::Sensor(sensor)])
}

/// The last record committed of the epoch a sensor says Hello with; the sensor is at that epoch from now on. An epoch other
/// than the last one (a new spool, or a copied or restored one) is noted as an event of the sensor.
///
/// # Errors
/// The database's own.
pub async fn committed(store: &Store, sensor: i64, epoch: Epoch, now: Timestamp) -> Result<Seq, StoreError> {
    let mut tx = store.begin().await?;
    let position = record::position(&mut tx, sensor).await?;
    if position.epoch == Some(epoch) {
        return Ok(position.committed);
    }
    let committed = record::last_stored(&mut tx, sensor, epoch).await?;
    record::switch_epoch(&mut tx, sensor, epoch, committed).await?;
    if let Some(before) = position.epoch {
        let body = json!({ "event": "epoch_changed", "before": before.to_string(), "committed": committed });
        let event = record::SensorEvent { seq: Seq(0), at: now, body };
        record::insert_events(&mut tx, sensor, epoch, &[event], now).await?;
    }
    tx.commit().await?;
    Ok(committed)
}

/// A record of a batch, read.
#[derive(Debug)]
struct Numbered<'a> {
    seq: Seq,
    octets: &'a [u8],
    record: Record,
}

fn decode(batch: &Batch) -> Result<Vec<Numbered<'_>>, IngestError> {
    let bad = |seq: Seq, why: Malformed| IngestError::Malformed(format!("record {seq}: {why}"));
    let last = batch.last_seq().unwrap_or(batch.first_seq);
    if batch.first_seq == Seq(0) || i64::try_from(last.0).is_err() {
        return Err(IngestError::Malformed(format!("records are numbered from 1, not {}", batch.first_seq)));
    }
    (batch.first_seq.0..)
        .map(Seq)
        .zip(&batch.records)
        .map(|(seq, octets)| match Record::from_octets(octets) {
            Ok(record) => Ok(Numbered { seq, octets, record }),
            Err(why) => Err(bad(seq, why)),
        })
        .collect()
}

enum Tail<'a, 'b> {
    Records(&'a [Numbered<'b>]),
    Gap(Seq),
}

/// What of a batch is not committed yet. Records are missing before it unless it begins with the Loss that says they will
/// never come.
fn tail<'a, 'b>(committed: Seq, records: &'a [Numbered<'b>]) -> Tail<'a, 'b> {
    let expected = committed.next();
    match records.first() {
        Some(first) if first.seq > expected => match first.record.body {
            RecordBody::Loss { from, to, .. } if from <= expected && to.next() == first.seq => Tail::Records(records),
            RecordBody::Loss { .. }
            | RecordBody::Opened(_)
            | RecordBody::Updated(_)
            | RecordBody::Event(_)
            | RecordBody::CrowdOpened(_)
            | RecordBody::CrowdUpdated(_) => Tail::Gap(expected),
        },
        Some(_) | None => {
            let known = records.partition_point(|record| record.seq <= committed);
            Tail::Records(records.get(known..).unwrap_or_default())
        }
    }
}

/// What the new records say.
struct Said {
    /// Alerts new and changed, by the record that opened them.
    alerts: BTreeMap<Seq, AlertRow>,
    events: Vec<record::SensorEvent>,
}

async fn read(
    conn: &mut SqliteConnection,
    sensor: i64,
    epoch: Epoch,
    records: &[Numbered<'_>],
    now: Timestamp,
) -> Result<Said, IngestError> {
    let sites = record::sites(conn, sensor).await?;
    let mut indicators = BTreeSet::new();
    let mut updated = BTreeSet::new();
    for Numbered { record, .. } in records {
        match &record.body {
            RecordBody::Opened(opened) | RecordBody::CrowdOpened(CrowdOpened { opened, .. }) => {
                indicators.insert(record::to_column(opened.indicator.0));
            }
            RecordBody::Updated(update) | RecordBody::CrowdUpdated(CrowdUpdated { updated: update, .. }) => {
                updated.insert(update.alert);
            }
            RecordBody::Loss { .. } | RecordBody::Event(_) => {}
        }
    }
    let known = alert::indicators(conn, &Vec::from_iter(indicators)).await?;
    let stored = alert::opened_by(conn, sensor, epoch, &Vec::from_iter(updated)).await?;
    let stored = stored.into_iter().map(|row| (row.seq, row)).collect();
    fold(&format!("{sensor}/{epoch}"), records, &sites, &known, stored, now)
}

/// Applies the records to what is stored of the alerts they update. `spool` is what the alerts' names begin with.
fn fold(
    spool: &str,
    records: &[Numbered<'_>],
    sites: &HashMap<SiteId, i64>,
    indicators: &HashMap<i64, KnownIndicator>,
    mut alerts: BTreeMap<Seq, AlertRow>,
    now: Timestamp,
) -> Result<Said, IngestError> {
    let mut events = Vec::new();
    for Numbered { seq, record, .. } in records {
        let event = match &record.body {
            RecordBody::Opened(opened) | RecordBody::CrowdOpened(CrowdOpened { opened, .. }) => {
                // Whose it is follows from the site alone, never from anything else in the message.
                let member = *sites.get(&opened.site).ok_or(IngestError::UnknownSite(opened.site.0))?;
                match indicators.get(&record::to_column(opened.indicator.0)) {
                    Some(known) => {
                        let name = incident::external_name(&format!("{spool}/{seq}"));
                        let mut row = open(name, *seq, member, opened, known, now);
                        row.hosts = hosts_of(&record.body);
                        // What stands for many names none.
                        row.client = row.client.filter(|_| row.hosts.is_none());
                        alerts.insert(*seq, row);
                        None
                    }
                    None => Some(json!({ "event": "unknown_indicator", "indicator": opened.indicator })),
                }
            }
            RecordBody::Updated(update) | RecordBody::CrowdUpdated(CrowdUpdated { updated: update, .. }) => {
                match alerts.get_mut(&update.alert) {
                    Some(row) => {
                        apply(row, update);
                        // An alert of one host stays one; of many there never come to be fewer.
                        row.hosts = row.hosts.max(hosts_of(&record.body).filter(|_| row.hosts.is_some()));
                        None
                    }
                    None => Some(json!({ "event": "unknown_alert", "alert": update.alert })),
                }
            }
            RecordBody::Loss { from, to, reason } => {
                let reason = match reason {
                    LossReason::SpoolFull => "spool_full",
                    LossReason::SpoolDamaged => "spool_damaged",
                };
                Some(json!({ "event": "loss", "from": from, "to": to, "reason": reason }))
            }
            RecordBody::Event(event) => Some(match event {
                SensorEvent::Started { version } => json!({ "event": "started", "version": version.as_str() }),
                SensorEvent::ListInForce { revision, indicators } => {
                    json!({ "event": "list_in_force", "revision": revision, "indicators": indicators })
                }
                SensorEvent::ListRefused { revision, why } => {
                    json!({ "event": "list_refused", "revision": revision, "why": why.as_str() })
                }
                SensorEvent::SpoolDamaged { octets } => json!({ "event": "spool_damaged", "octets": octets }),
            }),
        };
        events.extend(event.map(|body| record::SensorEvent { seq: *seq, at: record.time, body }));
    }
    Ok(Said { alerts, events })
}

/// About how many hosts a record's alert stands for, where it stands for many.
fn hosts_of(body: &RecordBody) -> Option<i64> {
    let hosts = match body {
        RecordBody::CrowdOpened(CrowdOpened { hosts, .. }) | RecordBody::CrowdUpdated(CrowdUpdated { hosts, .. }) => {
            *hosts
        }
        RecordBody::Opened(_) | RecordBody::Updated(_) | RecordBody::Loss { .. } | RecordBody::Event(_) => return None,
    };
    Some(record::to_column(hosts.min(HOSTS_MAX)))
}

fn open(uuid: String, seq: Seq, member: i64, opened: &AlertOpened, known: &KnownIndicator, now: Timestamp) -> AlertRow {
    let zone = opened.zone;
    let digit = |level| match level {
        Level::Low => '0',
        Level::Medium => '1',
        Level::High => '2',
    };
    let span = Span::new(opened.first_seen.clamped(), opened.last_seen.clamped());
    AlertRow {
        uuid,
        seq,
        member,
        site: opened.site,
        indicator: record::to_column(opened.indicator.0),
        revision: record::to_column(opened.revision.0),
        client: opened.client.map(|client| client.to_string()),
        hosts: None,
        zone: i64::from(zone.id),
        zone_levels: [zone.confidentiality, zone.integrity, zone.availability].map(digit).iter().collect(),
        direction: opened.direction,
        evidence: opened.evidence,
        circumstances: opened.circumstances,
        labels_left: i64::from(opened.labels_left),
        server: opened.seen_at.server.map(|server| server.to_string()),
        port: opened.seen_at.port.map(i64::from),
        protocol: opened.seen_at.protocol,
        severity: opened.severity,
        // Only where both say so: an exercise never hides a real hit.
        exercise: opened.marks.exercise && known.exercise,
        retro: opened.marks.retro,
        first_seen: span.first,
        last_seen: span.last,
        count: record::to_column(opened.count.min(COUNT_MAX)),
        regularity: None,
        arrived_at: now,
        closed: false,
        incident: None,
        link: known.link.clone(),
        title: known.title.clone(),
    }
}

fn apply(row: &mut AlertRow, update: &AlertUpdated) {
    let AlertUpdated {
        alert: _,
        count_increase,
        first_seen,
        last_seen,
        evidence,
        circumstances,
        seen_at,
        regularity,
        closed,
    } = update;
    let count = record::from_column(row.count).saturating_add(*count_increase).min(COUNT_MAX);
    row.count = record::to_column(count);
    row.first_seen = row.first_seen.min(first_seen.clamped());
    row.last_seen = row.last_seen.max(last_seen.clamped());
    // Evidence never falls; an update that says less does not know the strongest match.
    if *evidence >= row.evidence {
        row.evidence = *evidence;
        row.circumstances = *circumstances;
        row.server = seen_at.server.map(|server| server.to_string());
        row.port = seen_at.port.map(i64::from);
        row.protocol = seen_at.protocol;
    }
    if let Some(Regularity { contacts, median_interval_ms, spread_ms }) = regularity {
        let regularity =
            json!({ "contacts": contacts, "median_interval_ms": median_interval_ms, "spread_ms": spread_ms });
        row.regularity = Some(regularity.to_string());
    }
    row.closed |= *closed;
}

fn fact(row: &AlertRow) -> AlertFact {
    AlertFact {
        member: row.member,
        topic: Topic { link: row.link.clone(), exercise: row.exercise },
        span: Span::new(row.first_seen, row.last_seen),
        founds: founds_an_incident(row.direction, row.client.is_some() || row.hosts.is_some(), row.evidence),
        fresh: true,
        incident: row.incident,
    }
}

/// Draws the conclusions from alerts new and changed, and writes both.
async fn conclude(
    conn: &mut SqliteConnection,
    sensor: i64,
    epoch: Epoch,
    alerts: BTreeMap<Seq, AlertRow>,
    now: Timestamp,
) -> Result<Vec<Change>, IngestError> {
    let mut rows: Vec<AlertRow> = alerts.into_values().collect();
    let mut facts: Vec<AlertFact> = rows.iter().map(fact).collect();
    let links: BTreeSet<Link> = facts.iter().map(|fact| fact.topic.link.clone()).collect();
    let members: BTreeSet<i64> = facts.iter().map(|fact| fact.member).collect();
    let known = Known {
        incidents: incident::of_links(conn, &links, &members).await?,
        campaigns: campaign::of_links(conn, &links).await?,
    };
    // What founds nothing itself may join because of what is new.
    let mut others = Vec::new();
    if let Some(span) = facts.iter().filter(|fact| fact.founds).map(|fact| fact.span).reduce(Span::join) {
        let names: BTreeSet<&str> = rows.iter().map(|row| row.uuid.as_str()).collect();
        for (id, uuid, fact) in incident::alerts_without_host(conn, &links, &members, span).await? {
            if !names.contains(uuid.as_str()) {
                others.push(id);
                facts.push(fact);
            }
        }
    }
    let decisions = correlate::correlate(&facts, &known);

    let mut changes = Vec::new();
    let mut ids = Vec::with_capacity(decisions.incidents.len());
    for decision in &decisions.incidents {
        let first = decision.alerts.iter().find_map(|&place| rows.get(place));
        let (uuid, title) = first.map_or(("", ""), |row| (row.uuid.as_str(), row.title.as_str()));
        let id = incident::apply(conn, decision, uuid, title, now).await?;
        for &place in &decision.alerts {
            match rows.get_mut(place) {
                Some(row) => row.incident = Some(id),
                None => {
                    if let Some(&alert) = place.checked_sub(rows.len()).and_then(|place| others.get(place)) {
                        incident::attach_alert(conn, alert, id).await?;
                    }
                }
            }
        }
        ids.push(id);
        changes.push(Change::Incident(id));
    }
    for (decision, inside) in &decisions.campaigns {
        let inside: Vec<i64> = inside
            .iter()
            .filter_map(|incident| match incident {
                IncidentRef::Decided(place) => ids.get(*place).copied(),
                IncidentRef::Stored(id) => Some(*id),
            })
            .collect();
        changes.push(Change::Campaign(campaign::apply(conn, decision, &inside, now).await?));
    }
    alert::write(conn, sensor, epoch, &Vec::from_iter(&rows), now).await?;
    Ok(changes)
}

#[cfg(test)]
mod storm_tests;
#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;
    use varde_common::alert::{Circumstances, Direction, Evidence, Where, Zone};
    use varde_common::codec::Text;
    use varde_common::id::{IndicatorId, Pseudonym, Revision};
    use varde_common::indicator::{Marks, Severity};
    use varde_common::observation::Protocol;

    use super::*;
    use crate::coverage::Coverage;
    use crate::store::Scope;
    use crate::store::alert::Which;
    use crate::store::fixture::{Fixture, NOW};

    const EPOCH: Epoch = Epoch(7);
    const DAY: i64 = 86_400_000_000;

    fn day(day: i64) -> Timestamp {
        Timestamp(NOW.0 - 100 * DAY + day * DAY)
    }

    fn opened(indicator: u64, client: u64, first_day: i64) -> AlertOpened {
        AlertOpened {
            site: SiteId(0),
            indicator: IndicatorId(indicator),
            revision: Revision(1),
            severity: Severity::High,
            marks: Marks::default(),
            client: Some(Pseudonym(client)),
            zone: Zone { id: 3, confidentiality: Level::High, ..Zone::default() },
            direction: Direction::Outbound,
            evidence: Evidence::LookedUp,
            circumstances: Circumstances::default(),
            labels_left: 1,
            seen_at: Where { server: None, port: Some(53), protocol: Protocol::UDP },
            first_seen: day(first_day),
            last_seen: day(first_day),
            count: 1,
        }
    }

    fn updated(alert: u64, increase: u64, evidence: Evidence, last_day: i64) -> AlertUpdated {
        AlertUpdated {
            alert: Seq(alert),
            count_increase: increase,
            first_seen: day(last_day),
            last_seen: day(last_day),
            evidence,
            circumstances: Circumstances::default(),
            seen_at: Where { server: "192.0.2.9".parse().ok(), port: Some(443), protocol: Protocol::TCP },
            regularity: None,
            closed: false,
        }
    }

    fn batch(first_seq: u64, bodies: Vec<RecordBody>) -> Batch {
        let octets = |body| Record { time: NOW, body }.to_octets().unwrap();
        Batch { epoch: EPOCH, first_seq: Seq(first_seq), records: bodies.into_iter().map(octets).collect() }
    }

    fn ack(seq: u64) -> IngestReply {
        IngestReply::Ack { epoch: EPOCH, seq: Seq(seq) }
    }

    async fn fixture(members: i64) -> Fixture {
        let fixture = Fixture::new(members).await;
        for sensor in 1..=members {
            assert_eq!(committed(&fixture.store, sensor, EPOCH, NOW).await.unwrap(), Seq(0));
        }
        fixture
    }

    async fn send(fixture: &Fixture, sensor: i64, batch: &Batch) -> IngestReply {
        handle_batch(&fixture.store, sensor, batch, NOW).await.unwrap().reply
    }

    async fn campaigns(fixture: &Fixture, scope: Scope) -> Vec<campaign::CampaignView> {
        campaign::list(&fixture.store, scope, None).await.unwrap()
    }

    async fn incidents(fixture: &Fixture) -> Vec<incident::IncidentView> {
        incident::list(&fixture.store, Scope::Operator, None).await.unwrap()
    }

    async fn alerts(fixture: &Fixture, scope: Scope) -> Vec<alert::AlertView> {
        alert::list(&fixture.store, scope, Which::default(), 1000).await.unwrap()
    }

    fn some() -> Vec<RecordBody> {
        vec![
            RecordBody::Opened(opened(1, 10, 0)),
            RecordBody::Updated(updated(1, 4, Evidence::Contacted, 1)),
            RecordBody::Event(SensorEvent::Started { version: Text::cut("0.1.0") }),
            RecordBody::Opened(opened(2, 11, 2)),
        ]
    }

    #[tokio::test]
    async fn d1_d2_a_batch_sent_again_is_acknowledged_again_and_stored_once() {
        let fixture = fixture(1).await;
        for _ in 0..3 {
            assert_eq!(send(&fixture, 1, &batch(1, some())).await, ack(4));
        }
        assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 4);
        assert_eq!(fixture.count("SELECT COUNT(*) FROM sensor_event").await, 1);
        let counts: Vec<i64> = alerts(&fixture, Scope::Operator).await.iter().map(|alert| alert.count).collect();
        assert_eq!(counts, [5, 1]);
    }

    #[tokio::test]
    async fn d2_of_an_overlapping_batch_only_the_new_tail_is_stored() {
        let fixture = fixture(1).await;
        send(&fixture, 1, &batch(1, some()[..2].to_vec())).await;
        assert_eq!(send(&fixture, 1, &batch(2, some()[1..].to_vec())).await, ack(4));
        assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 4);
        assert_eq!(fixture.count("SELECT MAX(count) FROM alert").await, 5);
    }

    #[tokio::test]
    async fn d1_a_gap_stores_nothing_and_names_the_record_wanted() {
        let fixture = fixture(1).await;
        let gap = IngestReply::Gap { expected: Seq(1) };
        assert_eq!(send(&fixture, 1, &batch(2, some())).await, gap);
        assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 0);
        assert_eq!(send(&fixture, 1, &batch(1, vec![])).await, ack(0));
    }

    #[tokio::test]
    async fn d5_a_gap_is_bridged_only_by_the_loss_that_accounts_for_all_of_it() {
        let fixture = fixture(1).await;
        send(&fixture, 1, &batch(1, some())).await;
        let loss = |from, to| RecordBody::Loss { from: Seq(from), to: Seq(to), reason: LossReason::SpoolFull };
        for (from, to) in [(6, 9), (5, 8)] {
            let gap = IngestReply::Gap { expected: Seq(5) };
            assert_eq!(send(&fixture, 1, &batch(10, vec![loss(from, to)])).await, gap);
        }
        assert_eq!(send(&fixture, 1, &batch(10, vec![loss(5, 9)])).await, ack(10));
        assert_eq!(committed(&fixture.store, 1, EPOCH, NOW).await.unwrap(), Seq(10));
    }

    #[tokio::test]
    async fn a_batch_with_one_record_that_cannot_be_stored_stores_nothing() {
        let fixture = fixture(1).await;
        let mut cut = batch(1, some());
        cut.records[3].truncate(5);
        let mut elsewhere = opened(1, 10, 0);
        elsewhere.site = SiteId(9);
        let foreign = batch(1, vec![RecordBody::Opened(opened(1, 10, 0)), RecordBody::Opened(elsewhere)]);
        let other_epoch = Batch { epoch: Epoch(8), ..batch(1, some()) };
        let zero = batch(0, some());
        let endless = Batch { first_seq: Seq(u64::MAX), ..batch(1, some()) };
        for (batch, site) in [(cut, None), (foreign, Some(9)), (other_epoch, None), (zero, None), (endless, None)] {
            match handle_batch(&fixture.store, 1, &batch, NOW).await {
                Err(IngestError::UnknownSite(found)) => assert_eq!(site, Some(found)),
                Err(IngestError::Malformed(_)) => assert_eq!(site, None),
                other => panic!("{other:?}"),
            }
        }
        for table in ["SELECT COUNT(*) FROM record", "SELECT COUNT(*) FROM alert", "SELECT COUNT(*) FROM incident"] {
            assert_eq!(fixture.count(table).await, 0, "{table}");
        }
        assert_eq!(committed(&fixture.store, 1, EPOCH, NOW).await.unwrap(), Seq(0));
    }

    #[tokio::test]
    async fn d1_each_epoch_has_its_own_position_and_an_old_one_is_remembered() {
        let fixture = fixture(1).await;
        send(&fixture, 1, &batch(1, some())).await;
        assert_eq!(committed(&fixture.store, 1, Epoch(8), NOW).await.unwrap(), Seq(0));
        let next = Batch { epoch: Epoch(8), ..batch(1, some()) };
        handle_batch(&fixture.store, 1, &next, NOW).await.unwrap();
        assert_eq!(fixture.count("SELECT COUNT(*) FROM alert").await, 4);
        assert_eq!(committed(&fixture.store, 1, EPOCH, NOW).await.unwrap(), Seq(4));
        assert_eq!(fixture.count("SELECT COUNT(*) FROM sensor_event WHERE body LIKE '%epoch_changed%'").await, 2);
    }

    #[tokio::test]
    async fn an_update_adds_counts_widens_times_and_never_lowers_evidence() {
        let fixture = fixture(1).await;
        let mut closing = updated(1, 2, Evidence::Answered, -3);
        closing.closed = true;
        closing.circumstances.by_resolver = true;
        closing.regularity = Some(Regularity { contacts: 9, median_interval_ms: 60_000, spread_ms: 40 });
        let bodies = vec![
            RecordBody::Opened(opened(1, 10, 0)),
            RecordBody::Updated(updated(1, u64::MAX, Evidence::Contacted, 1)),
            RecordBody::Updated(closing),
        ];
        send(&fixture, 1, &batch(1, bodies)).await;
        let found = alerts(&fixture, Scope::Operator).await;
        let line = serde_json::to_value(&found[0]).unwrap();
        let expected = json!({
            "id": 1, "uuid": line["uuid"], "member": { "number": "1001", "name": "Kommune 1" }, "sensor": 1, "site": 0,
            "indicator": "evil.no", "kind": "domain", "client": Pseudonym(10).to_string(), "hosts": null,
            "direction": "outbound",
            "evidence": "contacted", "by_resolver": false, "looked_up_by_other": false, "possible_contact": false,
            "labels_left": 1, "server": "192.0.2.9", "port": 443, "protocol": "tcp", "severity": "high", "revision": 1,
            "first_seen": day(-3), "last_seen": day(1), "count": COUNT_MAX, "zone": 3,
            "regularity": { "contacts": 9, "median_interval_ms": 60_000, "spread_ms": 40 },
            "closed": true, "incident": 1, "exercise": false, "retro": false,
        });
        assert_eq!(line, expected);
        for key in expected.as_object().unwrap().keys() {
            assert!(crate::command::alert::LIST_KEYS.contains(key.as_str()), "--help names {key}");
        }
        assert_eq!(fixture.count("SELECT COUNT(*) FROM alert WHERE zone_levels = '211'").await, 1);
    }

    #[tokio::test]
    async fn what_the_collector_does_not_know_is_noted_and_fails_nothing() {
        let fixture = fixture(1).await;
        let bodies = vec![
            RecordBody::Opened(opened(999, 10, 0)),
            RecordBody::Updated(updated(1, 1, Evidence::Contacted, 0)),
            RecordBody::Opened(opened(u64::MAX, 10, 0)),
            RecordBody::Opened(opened(1, 10, 0)),
        ];
        assert_eq!(send(&fixture, 1, &batch(1, bodies)).await, ack(4));
        assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 4);
        assert_eq!(fixture.count("SELECT COUNT(*) FROM alert").await, 1);
        assert_eq!(fixture.count("SELECT COUNT(*) FROM sensor_event WHERE body LIKE '%unknown_%'").await, 3);
    }

    #[tokio::test]
    async fn two_members_with_the_same_indicator_are_a_campaign_and_changes_tell_of_it() {
        let fixture = fixture(3).await;
        send(&fixture, 1, &batch(1, vec![RecordBody::Opened(opened(1, 10, 0))])).await;
        assert_eq!(campaigns(&fixture, Scope::Operator).await, []);
        let second = batch(1, vec![RecordBody::Opened(opened(1, 20, 3))]);
        let outcome = handle_batch(&fixture.store, 2, &second, NOW).await.unwrap();
        assert_eq!(outcome.changes, [Change::Incident(2), Change::Campaign(1)]);
        let found = campaigns(&fixture, Scope::Operator).await;
        let line = serde_json::to_value(&found[0]).unwrap();
        let expected = json!({
            "id": 1, "uuid": line["uuid"], "title": "evil.no", "link_kind": "indicator", "link": "evil.no",
            "indicators": [{ "indicator": "evil.no", "kind": "domain" }],
            "members": [
                { "number": "1001", "name": "Kommune 1", "first_seen": day(0), "evidence": "looked_up" },
                { "number": "1002", "name": "Kommune 2", "first_seen": day(3), "evidence": "looked_up" },
            ],
            "member_count": 2, "able_to_see": 3, "members_total": 3, "evidence": "looked_up", "hosts": 2, "alerts": 2,
            "sightings": 2, "first_seen": day(0), "last_seen": day(3), "opened_at": NOW, "exercise": false,
        });
        assert_eq!(line, expected);
        let update = batch(2, vec![RecordBody::Updated(updated(1, 5, Evidence::Contacted, 4))]);
        let outcome = handle_batch(&fixture.store, 2, &update, NOW).await.unwrap();
        assert_eq!(outcome.changes, [Change::Incident(2), Change::Campaign(1)]);
        let found = campaigns(&fixture, Scope::Operator).await;
        assert_eq!((found[0].sightings, found[0].evidence, found[0].last_seen), (7, Evidence::Contacted, day(4)));
    }

    #[tokio::test]
    async fn different_indicators_of_one_threat_are_a_campaign() {
        let fixture = fixture(2).await;
        send(&fixture, 1, &batch(1, vec![RecordBody::Opened(opened(2, 10, 0))])).await;
        send(&fixture, 2, &batch(1, vec![RecordBody::Opened(opened(3, 20, 0))])).await;
        let found = campaigns(&fixture, Scope::Operator).await;
        assert_eq!((found[0].link_kind.as_str(), found[0].link.as_str()), ("threat", "lure"));
        let indicators: Vec<&str> = found[0].indicators.iter().map(|listed| listed.indicator.as_str()).collect();
        assert_eq!(indicators, ["192.0.2.7", "www.lure.no"]);
    }

    #[tokio::test]
    async fn a_record_is_attributed_to_the_member_of_its_site() {
        let fixture = fixture(2).await;
        fixture.run("INSERT INTO site (sensor_id, site, member_id) VALUES (1, 7, 2)").await;
        let guest = AlertOpened { site: SiteId(7), ..opened(1, 10, 0) };
        send(&fixture, 1, &batch(1, vec![RecordBody::Opened(guest), RecordBody::Opened(opened(1, 11, 0))])).await;
        send(&fixture, 2, &batch(1, vec![RecordBody::Opened(opened(1, 12, 0))])).await;
        let found = alerts(&fixture, Scope::Operator).await;
        let said: Vec<(i64, &str)> = found.iter().map(|a| (a.site, a.member.number.as_str())).collect();
        assert_eq!(said, [(7, "1002"), (0, "1001"), (0, "1002")]);
        assert_eq!(incidents(&fixture).await.len(), 2, "two sensors of one member are one incident");
    }

    #[tokio::test]
    async fn a_resolver_is_a_trace_and_no_victim() {
        let fixture = fixture(2).await;
        let mut by_resolver = opened(1, 10, 0);
        by_resolver.circumstances.by_resolver = true;
        send(&fixture, 1, &batch(1, vec![RecordBody::Opened(by_resolver)])).await;
        send(&fixture, 2, &batch(1, vec![RecordBody::Opened(opened(1, 20, 0))])).await;
        let found = incidents(&fixture).await;
        let said: Vec<(usize, bool)> = found.iter().rev().map(|i| (i.hosts.len(), i.via_resolver)).collect();
        assert_eq!(said, [(0, true), (1, false)]);
        let found = campaigns(&fixture, Scope::Operator).await;
        assert_eq!((found[0].member_count, found[0].hosts), (Some(2), 1));
    }

    #[tokio::test]
    async fn unanswered_contact_from_outside_makes_no_incident_and_joins_one_in_any_order() {
        let fixture = fixture(2).await;
        let scan = AlertOpened {
            client: None,
            direction: Direction::Inbound,
            evidence: Evidence::Attempted,
            ..opened(3, 0, 1)
        };
        for sensor in [1, 2] {
            send(&fixture, sensor, &batch(1, vec![RecordBody::Opened(scan.clone())])).await;
        }
        assert_eq!(fixture.count("SELECT COUNT(*) FROM incident").await, 0);
        send(&fixture, 1, &batch(2, vec![RecordBody::Opened(opened(2, 10, 0))])).await;
        send(&fixture, 1, &batch(3, vec![RecordBody::Opened(scan)])).await;
        let found = incidents(&fixture).await;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].alerts, found[0].evidence, found[0].last_seen), (3, Evidence::LookedUp, day(0)));
    }

    #[tokio::test]
    async fn an_exercise_is_kept_apart_and_a_sensor_alone_cannot_call_a_hit_one() {
        let fixture = fixture(2).await;
        for sensor in [1, 2] {
            let marks = Marks { exercise: true, retro: false };
            let drill = AlertOpened { marks, ..opened(4, 10, 0) };
            let claimed = AlertOpened { marks, ..opened(1, 10, 0) };
            let bodies = vec![RecordBody::Opened(drill), RecordBody::Opened(claimed)];
            send(&fixture, sensor, &batch(1, bodies)).await;
        }
        let found = campaigns(&fixture, Scope::Operator).await;
        let mut said: Vec<(&str, bool, i64)> = found.iter().map(|c| (c.link.as_str(), c.exercise, c.alerts)).collect();
        said.sort_unstable();
        assert_eq!(said, [("drill.no", true, 2), ("evil.no", false, 2)]);
    }

    #[tokio::test]
    async fn a_late_alert_that_bridges_two_campaigns_leaves_the_older_and_the_other_still_leads_there() {
        let fixture = fixture(3).await;
        for (sensor, first_day) in [(1, 0), (2, 1), (1, 14), (2, 15)] {
            let seq = if first_day < 10 { 1 } else { 2 };
            send(&fixture, sensor, &batch(seq, vec![RecordBody::Opened(opened(1, 10, first_day))])).await;
        }
        let before = campaigns(&fixture, Scope::Operator).await;
        assert_eq!(before.iter().map(|c| c.id).collect::<Vec<_>>(), [2, 1]);
        send(&fixture, 1, &batch(3, vec![RecordBody::Opened(opened(1, 11, 7))])).await;
        let after = campaigns(&fixture, Scope::Operator).await;
        assert_eq!(after.len(), 1);
        assert_eq!((after[0].id, &after[0].uuid, after[0].alerts), (1, &before[1].uuid, 5));
        assert_eq!(incidents(&fixture).await.len(), 3, "one of the first member, two of the second");
        for name in ["1", "2", before[0].uuid.as_str()] {
            assert_eq!(campaign::resolve(&fixture.store, Scope::Operator, name).await.unwrap(), Some(1), "{name}");
        }
        for (scope, found) in [(Scope::Member(1), Some(1)), (Scope::Member(3), None)] {
            assert_eq!(campaign::resolve(&fixture.store, scope, "2").await.unwrap(), found);
        }
        assert_eq!(campaign::resolve(&fixture.store, Scope::Operator, "3").await.unwrap(), None);
        // The id that is gone is not given to another.
        for sensor in [1, 2] {
            let seq = if sensor == 1 { 4 } else { 3 };
            send(&fixture, sensor, &batch(seq, vec![RecordBody::Opened(opened(2, 12, 0))])).await;
        }
        assert_eq!(campaigns(&fixture, Scope::Operator).await.iter().map(|c| c.id).max(), Some(3));
    }

    #[tokio::test]
    async fn w1_a_member_reads_nothing_of_another() {
        let fixture = fixture(5).await;
        for sensor in 1..=3 {
            let client = 1000 + u64::try_from(sensor).unwrap();
            send(&fixture, sensor, &batch(1, vec![RecordBody::Opened(opened(1, client, sensor))])).await;
        }
        for member in 1..=5 {
            let text = |scope| {
                let fixture = &fixture;
                async move {
                    let campaigns = campaigns(fixture, scope).await;
                    let incidents = incident::list(&fixture.store, scope, None).await.unwrap();
                    let of_campaign = incident::list(&fixture.store, scope, Some(1)).await.unwrap();
                    let alerts = alerts(fixture, scope).await;
                    let which = Which { after: 0, campaign: Some(1) };
                    let more = alert::list(&fixture.store, scope, which, 10).await.unwrap();
                    serde_json::to_string(&json!([campaigns, incidents, of_campaign, alerts, more])).unwrap()
                }
            };
            let all = text(Scope::Operator).await;
            let own = text(Scope::Member(member)).await;
            for other in 1..=5 {
                let client = Pseudonym(1000 + u64::try_from(other).unwrap()).to_string();
                let mut marks = vec![format!("\"{}\"", 1000 + other), format!("Kommune {other}"), client];
                for table in ["alert", "incident"] {
                    let sql = format!("SELECT uuid FROM {table} WHERE member_id = {other}");
                    let uuids = sqlx::query_scalar(sqlx::AssertSqlSafe(sql));
                    marks.extend::<Vec<String>>(uuids.fetch_all(fixture.store.readers()).await.unwrap());
                }
                for mark in marks {
                    assert_eq!(all.contains(&mark), other <= 3, "{mark}");
                    assert_eq!(own.contains(&mark), other == member && other <= 3, "{mark} for member {member}");
                }
            }
        }
        let own = campaigns(&fixture, Scope::Member(1)).await;
        assert_eq!((own[0].member_count, own[0].hosts, own[0].alerts, own[0].last_seen), (None, 1, 1, day(1)));
        send(&fixture, 4, &batch(1, vec![RecordBody::Opened(opened(1, 9, 4))])).await;
        let own = campaigns(&fixture, Scope::Member(1)).await;
        assert_eq!((own[0].member_count, own[0].members.len()), (Some(4), 1), "three others are a number");
        assert_eq!(campaigns(&fixture, Scope::Member(5)).await, []);
    }

    #[tokio::test]
    async fn p4_a_batch_of_a_sensor_revoked_in_this_moment_is_not_taken() {
        let fixture = fixture(2).await;
        let first = batch(1, vec![RecordBody::Opened(opened(1, 10, 0))]);
        send(&fixture, 1, &first).await;
        fixture.run("UPDATE sensor SET revoked_at = 1 WHERE id = 1").await;
        for first_seq in [1, 2] {
            let more = batch(first_seq, vec![RecordBody::Opened(opened(1, 10, 0))]);
            let refused = handle_batch(&fixture.store, 1, &more, NOW).await;
            assert!(matches!(refused, Err(IngestError::Revoked)), "{refused:?}");
        }
        assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 1);
    }

    #[tokio::test]
    async fn who_could_see_it_is_the_same_for_commands_and_page() {
        let fixture = fixture(7).await;
        for sensor in [1, 2] {
            send(&fixture, sensor, &batch(1, vec![RecordBody::Opened(opened(1, 10, 0))])).await;
        }
        fixture.run("UPDATE sensor SET revision = 0 WHERE id = 3").await;
        fixture.run("UPDATE sensor SET last_seen_at = 0 WHERE id IN (2, 4)").await;
        fixture.run("UPDATE sensor SET revoked_at = 1 WHERE id = 5").await;
        fixture.run("DELETE FROM site WHERE sensor_id = 6").await;
        fixture.run("DELETE FROM sensor WHERE id = 6").await;
        let found = campaigns(&fixture, Scope::Operator).await;
        let counted = (found[0].able_to_see, found[0].members_total);
        assert_eq!(
            counted,
            (Some(3), Some(7)),
            "hit, hit but silent now, live; all members count, with a sensor or not"
        );
        let picture = fixture.store.picture(Scope::Operator).await.unwrap();
        let page = Coverage::of_campaign(&picture, &picture.campaigns[0]);
        assert_eq!((page.able.len(), page.total()), (3, 7));
        let own = campaigns(&fixture, Scope::Member(1)).await;
        assert_eq!((own[0].able_to_see, own[0].members_total), (None, Some(7)), "three at most are not counted");
    }

    #[tokio::test]
    async fn heartbeats_are_kept_ninety_days() {
        let fixture = fixture(2).await;
        for (sensor, at) in [(2, day(0)), (1, day(1)), (1, day(100))] {
            let heartbeat = Heartbeat { packets: 5, ..Heartbeat::default() };
            let changes = handle_heartbeat(&fixture.store, sensor, &heartbeat, at).await.unwrap();
            assert_eq!(changes, [Change::Sensor(sensor)]);
        }
        assert_eq!(fixture.count("SELECT COUNT(*) FROM heartbeat").await, 1);
        assert_eq!(fixture.count("SELECT COUNT(*) FROM sensor WHERE heartbeat LIKE '%\"packets\":5%'").await, 2);
    }

    #[tokio::test]
    async fn a_full_batch_of_updates_is_one_transaction() {
        let fixture = fixture(1).await;
        let opening = (0..1024).map(|client| RecordBody::Opened(opened(1, client, 0))).collect();
        assert_eq!(send(&fixture, 1, &batch(1, opening)).await, ack(1024));
        let updates = (1..=1024).map(|seq| RecordBody::Updated(updated(seq, 1, Evidence::Contacted, 1))).collect();
        assert_eq!(send(&fixture, 1, &batch(1025, updates)).await, ack(2048));
        assert_eq!(fixture.count("SELECT COUNT(*) FROM alert WHERE count = 2 AND evidence = 4").await, 1024);
        assert_eq!(incidents(&fixture).await[0].alerts, 1024);
    }

    /// What came out, told by what the sensors said: for each alert the alerts it shares incident and campaign with.
    async fn content(fixture: &Fixture) -> Vec<String> {
        let incidents: BTreeMap<i64, incident::IncidentView> =
            incidents(fixture).await.into_iter().map(|incident| (incident.id, incident)).collect();
        let campaigns: BTreeMap<i64, campaign::CampaignView> =
            campaigns(fixture, Scope::Operator).await.into_iter().map(|campaign| (campaign.id, campaign)).collect();
        let mut said: Vec<String> = alerts(fixture, Scope::Operator)
            .await
            .iter()
            .map(|alert| {
                let incident = alert.incident.and_then(|id| incidents.get(&id));
                let campaign = incident.and_then(|i| i.campaign).and_then(|id| campaigns.get(&id));
                let incident = incident.map(|i| (i.alerts, i.sightings, i.first_seen, i.last_seen, i.evidence));
                let campaign = campaign.map(|c| (c.alerts, c.hosts, &c.members, c.first_seen, c.last_seen, c.evidence));
                format!("{} {} {:?} {:?}", alert.uuid, alert.count, incident, campaign)
            })
            .collect();
        said.sort();
        said
    }

    #[test]
    fn d2_order_and_batching_of_arrival_change_nothing_that_is_stored() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // Per sensor: (indicator, day, days more, from outside), and how its records are cut into batches.
        let one = (1u64..5, 0i64..40, 0i64..5, prop::bool::weighted(0.2));
        let sensors = prop::collection::vec(prop::collection::vec(one, 1..5), 3);
        let case = (sensors, prop::collection::vec((0usize..3, 1usize..5), 24));
        let config = ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() };
        let outcome = TestRunner::new(config).run(&case, |(sensors, cuts)| {
            let spools: Vec<Vec<RecordBody>> = sensors
                .iter()
                .map(|said| {
                    let outside = |inbound| if inbound { Direction::Inbound } else { Direction::Outbound };
                    let mut spool: Vec<RecordBody> = said
                        .iter()
                        .zip(1..)
                        .map(|((indicator, first_day, _, inbound), client)| {
                            let mut alert = opened(*indicator, client, *first_day);
                            alert.marks.exercise = *indicator == 4;
                            alert.direction = outside(*inbound);
                            alert.client = alert.client.filter(|_| !inbound);
                            RecordBody::Opened(alert)
                        })
                        .collect();
                    spool.extend(said.iter().zip(1..).map(|((_, first_day, more, _), seq)| {
                        RecordBody::Updated(updated(seq, 3, Evidence::Attempted, first_day + more))
                    }));
                    spool
                })
                .collect();
            let (shuffled, plain) = runtime.block_on(async {
                let shuffled = fixture(3).await;
                let mut sent = [0usize; 3];
                let rest = (0..3).map(|sensor| (sensor, usize::MAX));
                for (sensor, cut) in cuts.iter().copied().chain(rest) {
                    let spool = &spools[sensor];
                    let until = sent[sensor].saturating_add(cut).min(spool.len());
                    let first = u64::try_from(sent[sensor]).unwrap() + 1;
                    let piece = batch(first, spool[sent[sensor]..until].to_vec());
                    send(&shuffled, i64::try_from(sensor).unwrap() + 1, &piece).await;
                    sent[sensor] = until;
                }
                let plain = fixture(3).await;
                for (sensor, spool) in spools.iter().enumerate().rev() {
                    send(&plain, i64::try_from(sensor).unwrap() + 1, &batch(1, spool.clone())).await;
                }
                (content(&shuffled).await, content(&plain).await)
            });
            prop_assert_eq!(shuffled, plain);
            Ok(())
        });
        outcome.unwrap();
    }
}
