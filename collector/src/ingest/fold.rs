//! What new records say: alerts opened and updated, and what a sensor says of itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use serde_json::json;
use sqlx::SqliteConnection;
use varde_common::alert::{
    AlertOpened, AlertUpdated, BrakedCount, CrowdOpened, CrowdUpdated, Evidence, Level, Regularity,
};
use varde_common::id::{Epoch, Seq, SiteId};
use varde_common::record::{Record, RecordBody, SensorEvent};
use varde_common::time::Timestamp;

use super::Numbered;
use crate::limits::LED_TO_MAX;
use crate::link::Key;
use crate::losses::{Losses, Lost, RECORDS_ENDED, UNREAD_ENDED, counts_of};
use crate::store::alert::{AlertRow, KnownIndicator};
use crate::store::demoted::{INDICATOR_DEMOTED, INDICATOR_TOLD_AGAIN};
use crate::store::self_test::SELF_TEST;
use crate::store::{alert, event, incident, record};
use crate::strand::{Span, founds_an_incident};
use crate::weights::Weights;

/// Sightings one alert may claim: far more than a line can carry in a day, and a sum over all alerts still fits an i64.
pub(super) const COUNT_MAX: u64 = 1 << 40;
/// Hosts one alert may claim to stand for: more than there are addresses of IPv4, and sums of them fit an i64.
const HOSTS_MAX: u64 = 1 << 32;

/// Records of one sensor that are new.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fresh<'a, 'b> {
    /// Whose.
    pub(super) sensor: i64,
    /// Of which spool.
    pub(super) epoch: Epoch,
    /// In their order.
    pub(super) records: &'a [Numbered<'b>],
}

/// Where an alert led before it led elsewhere, each with its sightings up to then.
pub(super) type Led = BTreeMap<IpAddr, Span>;

/// What the new records say.
#[derive(Default)]
pub(super) struct Said {
    /// Alerts new and changed, by the record that opened them.
    pub(super) alerts: BTreeMap<(i64, Seq), AlertRow>,
    /// Where those of them led before, which led elsewhere in the end.
    pub(super) led: BTreeMap<(i64, Seq), Led>,
    /// What was counted in place of alerts: by which sensor, and of which member.
    pub(super) braked: Vec<(i64, i64, BrakedCount)>,
    /// What sensors say of themselves; none that has nothing to say.
    pub(super) events: BTreeMap<(i64, Epoch), Vec<record::SensorEvent>>,
    /// Self-tests: the last number of each sensor. One that sends a thousand is written down once.
    pub(super) tests: BTreeMap<i64, u64>,
    /// Alerts at sites that are nobody's here: their places are kept, what stands in them is not (a member may have left).
    pub(super) nobodys: BTreeSet<(i64, Seq)>,
    /// Threats that were now found to be mere lists.
    pub(super) mere_lists: Vec<Key>,
}

/// What records say, held against what is stored.
pub(super) async fn read(
    conn: &mut SqliteConnection,
    fresh: &[Fresh<'_, '_>],
    weights: &Weights,
    now: Timestamp,
) -> Result<Said, sqlx::Error> {
    let sites = record::sites(conn, &fresh.iter().map(|of_one| of_one.sensor).collect()).await?;
    let mut indicators = BTreeSet::new();
    let mut updated = BTreeSet::new();
    for Fresh { sensor, epoch, records } in fresh {
        for Record { body, .. } in records.iter().filter_map(|numbered| numbered.record.as_ref()) {
            match body {
                RecordBody::Opened(opened) | RecordBody::CrowdOpened(CrowdOpened { opened, .. }) => {
                    indicators.insert(record::to_column(opened.indicator.0));
                }
                RecordBody::Updated(update) | RecordBody::CrowdUpdated(CrowdUpdated { updated: update, .. }) => {
                    updated.insert((*sensor, *epoch, update.alert));
                }
                RecordBody::Braked(counted) => {
                    indicators.insert(record::to_column(counted.indicator.0));
                }
                RecordBody::Loss { .. } | RecordBody::GivenUp { .. } | RecordBody::Event(_) => {}
            }
        }
    }
    let (known, mere_lists) = alert::indicators(conn, &Vec::from_iter(indicators), weights, now).await?;
    let stored = alert::opened_by(conn, &Vec::from_iter(updated)).await?;
    let alerts = stored.into_iter().map(|row| ((row.sensor, row.seq), row)).collect();
    let mut said = Said { alerts, mere_lists, ..Said::default() };
    for of_one in fresh {
        let events = fold(of_one, &sites, &known, &mut said, now);
        if !events.is_empty() {
            said.events.entry((of_one.sensor, of_one.epoch)).or_default().extend(events);
        }
    }
    for ((sensor, _), events) in &mut said.events {
        event::leave_out_told(conn, *sensor, events).await?;
    }
    Ok(said)
}

/// Applies one sensor's records to what is stored of the alerts they update; gives what it says of itself.
fn fold(
    &Fresh { sensor, epoch, records }: &Fresh<'_, '_>,
    sites: &HashMap<(i64, SiteId), i64>,
    indicators: &HashMap<i64, KnownIndicator>,
    Said { alerts, led, braked, nobodys, tests, .. }: &mut Said,
    now: Timestamp,
) -> Vec<record::SensorEvent> {
    let (mut events, mut losses) = (Vec::new(), Losses::default());
    for Numbered { seq, octets, record } in records {
        let Some(record) = record else {
            // It is stored as it came: whoever refused it would never hear what stands behind it in the spool.
            let body = json!({ "event": "unreadable_record", "octets": octets.len() });
            events.push(record::SensorEvent { seq: *seq, at: now, body });
            continue;
        };
        let event = match &record.body {
            RecordBody::Opened(opened) | RecordBody::CrowdOpened(CrowdOpened { opened, .. }) => {
                // Whose it is follows from the site alone, never from anything else in the message: of a site that this
                // sensor does not have (any more) it is nobody's.
                let member = sites.get(&(sensor, opened.site)).copied();
                match (member, indicators.get(&record::to_column(opened.indicator.0))) {
                    (None, _) => {
                        nobodys.insert((sensor, *seq));
                        Some(json!({ "event": "unknown_site", "site": opened.site.0 }))
                    }
                    (Some(member), Some(known)) => {
                        let mut row = open((sensor, epoch, *seq), member, opened, known, now);
                        row.hosts = hosts_of(&record.body);
                        // What stands for many names none.
                        row.client = row.client.filter(|_| row.hosts.is_none());
                        alerts.insert((sensor, *seq), row);
                        None
                    }
                    (Some(_), None) => Some(json!({
                        "event": "unknown_indicator", "indicator": opened.indicator, "count": opened.count
                    })),
                }
            }
            RecordBody::Updated(update) | RecordBody::CrowdUpdated(CrowdUpdated { updated: update, .. }) => {
                match alerts.get_mut(&(sensor, update.alert)) {
                    Some(row) => {
                        let before = leads_to(row);
                        apply(row, update);
                        // An alert of one host stays one; of many there never come to be fewer.
                        row.hosts = row.hosts.max(hosts_of(&record.body).filter(|_| row.hosts.is_some()));
                        if let Some((server, span)) = before
                            && leads_to(row).is_none_or(|(now, _)| now != server)
                        {
                            let led = led.entry((sensor, update.alert)).or_default();
                            if led.len() < LED_TO_MAX || led.contains_key(&server) {
                                led.insert(server, span);
                            }
                        }
                        None
                    }
                    // Its opening was given up at the sensor, say: the sightings are told here, for no alert has them.
                    None => Some(json!({
                        "event": "unknown_alert", "alert": update.alert, "count": update.count_increase
                    })),
                }
            }
            RecordBody::Braked(counted) => {
                match (sites.get(&(sensor, counted.site)), indicators.get(&record::to_column(counted.indicator.0))) {
                    (None, _) => Some(json!({ "event": "unknown_site", "site": counted.site.0 })),
                    (Some(member), Some(known)) => {
                        let mut counted = counted.clone();
                        counted.marks.exercise &= known.exercise;
                        counted.count_increase = counted.count_increase.min(COUNT_MAX);
                        counted.hosts = counted.hosts.min(HOSTS_MAX);
                        braked.push((sensor, *member, counted));
                        None
                    }
                    (Some(_), None) => Some(json!({
                        "event": "unknown_indicator", "indicator": counted.indicator, "count": counted.count_increase
                    })),
                }
            }
            RecordBody::Loss { from, to, reason } => {
                losses.add(*seq, record.time, Lost { from: *from, to: *to, reason: *reason, counts: None });
                None
            }
            RecordBody::GivenUp { from, to, reason, counts } => {
                losses.add(*seq, record.time, Lost { from: *from, to: *to, reason: *reason, counts: Some(*counts) });
                None
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
                SensorEvent::RecordsEnded { epoch, from, to, may_be_sent, counts } => json!({
                    "event": RECORDS_ENDED, "epoch": epoch.to_string(), "from": from, "to": to,
                    "may_be_sent": may_be_sent, "counts": counts_of(counts)
                }),
                SensorEvent::UnreadEnded { place, octets } => {
                    json!({ "event": UNREAD_ENDED, "place": format!("{place:016x}"), "octets": octets })
                }
                SensorEvent::IndicatorDemoted { site, .. } | SensorEvent::IndicatorToldAgain { site, .. }
                    if !sites.contains_key(&(sensor, *site)) =>
                {
                    json!({ "event": "unknown_site", "site": site.0 })
                }
                SensorEvent::IndicatorDemoted { site, indicator, exercise, revision, hosts, matches, within_s } => {
                    json!({
                        "event": INDICATOR_DEMOTED, "site": site.0, "indicator": indicator, "exercise": exercise,
                        "revision": revision, "hosts": (*hosts).min(HOSTS_MAX), "matches": (*matches).min(COUNT_MAX),
                        "within_s": within_s
                    })
                }
                SensorEvent::SelfTest { number } => {
                    tests.insert(sensor, *number);
                    json!({ "event": SELF_TEST })
                }
                SensorEvent::IndicatorToldAgain { site, indicator, exercise, revision } => json!({
                    "event": INDICATOR_TOLD_AGAIN, "site": site.0, "indicator": indicator, "exercise": exercise,
                    "revision": revision
                }),
            }),
        };
        events.extend(event.map(|body| record::SensorEvent { seq: *seq, at: record.time, body }));
    }
    events.extend(losses.into_events());
    events
}

/// Where an alert has led by now, and its sightings up to now: a flow that went there, of what founds an incident. Records that come
/// one by one would each be held against others by what it led to then, so those that come together are too.
fn leads_to(row: &AlertRow) -> Option<(IpAddr, Span)> {
    let is_led = row.evidence >= Evidence::Attempted
        && !row.circumstances.possible_contact
        && founds_an_incident(row.direction, row.client.is_some() || row.hosts.is_some(), row.evidence);
    let server = row.server.as_deref().filter(|_| is_led)?;
    Some((server.parse().ok()?, Span::new(row.first_seen, row.last_seen)))
}

/// About how many hosts a record's alert stands for, where it stands for many.
fn hosts_of(body: &RecordBody) -> Option<i64> {
    let hosts = match body {
        RecordBody::CrowdOpened(CrowdOpened { hosts, .. }) | RecordBody::CrowdUpdated(CrowdUpdated { hosts, .. }) => {
            *hosts
        }
        RecordBody::Opened(_)
        | RecordBody::Updated(_)
        | RecordBody::Loss { .. }
        | RecordBody::GivenUp { .. }
        | RecordBody::Braked(_)
        | RecordBody::Event(_) => return None,
    };
    Some(record::to_column(hosts.min(HOSTS_MAX)))
}

fn open(
    (sensor, epoch, seq): (i64, Epoch, Seq),
    member: i64,
    opened: &AlertOpened,
    known: &KnownIndicator,
    now: Timestamp,
) -> AlertRow {
    let zone = opened.zone;
    let digit = |level| match level {
        Level::Low => '0',
        Level::Medium => '1',
        Level::High => '2',
    };
    let span = Span::new(opened.first_seen.clamped(), opened.last_seen.clamped());
    AlertRow {
        uuid: incident::external_name(&format!("{sensor}/{epoch}/{seq}")),
        sensor,
        epoch,
        seq,
        member,
        site: opened.site,
        indicator: record::to_column(opened.indicator.0),
        revision: record::to_column(opened.revision.0),
        client: opened.client.map(|client| client.to_string()),
        zone: i64::from(zone.id),
        zone_levels: [zone.confidentiality, zone.integrity, zone.availability].map(digit).iter().collect(),
        direction: opened.direction,
        evidence: opened.evidence,
        circumstances: opened.circumstances,
        met_itself: !opened.circumstances.looked_up_by_other,
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
        hosts: None,
        arrived_at: now,
        closed: false,
        incident: None,
        strand: None,
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
    // That the host itself met it can only come to be true, whichever match was the strongest.
    row.met_itself |= !circumstances.looked_up_by_other;
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
