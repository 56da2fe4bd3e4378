//! Alerts: written by ingest, listed for people and programs.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use varde_common::alert::{Circumstances, Direction, Evidence};
use varde_common::id::{Epoch, Seq, SiteId};
use varde_common::indicator::Severity;
use varde_common::observation::Protocol;
use varde_common::time::Timestamp;

use super::record::{ROWS_PER_STATEMENT, from_column, padded, pieces, push_ids, to_column};
use super::{Scope, Store, StoreError, mere_list};
use crate::intel::hidden;
use crate::link::{Key, KeyKind};
use crate::strand::{Link, LinkKind};
use crate::verdict::Verdict;
use crate::weights::Weights;

/// An alert as ingest holds it between reading and writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRow {
    /// Its name outside.
    pub uuid: String,
    /// Which sensor told it.
    pub sensor: i64,
    /// Of which spool.
    pub epoch: Epoch,
    /// The record that opened it.
    pub seq: Seq,
    /// Whose, as the collector resolves the site.
    pub member: i64,
    /// The sensor's site.
    pub site: SiteId,
    /// What matched.
    pub indicator: i64,
    /// The list in force when it was opened.
    pub revision: i64,
    /// Pseudonym of the host.
    pub client: Option<String>,
    /// About how many hosts it stands for, where it stands for many.
    pub hosts: Option<i64>,
    /// The member's number for the zone.
    pub zone: i64,
    /// K, I, T as three digits.
    pub zone_levels: String,
    /// Which way.
    pub direction: Direction,
    /// How far it got.
    pub evidence: Evidence,
    /// What to know beside it.
    pub circumstances: Circumstances,
    /// The host itself was seen to meet it; else only a flow to an address that another looked the name up for.
    pub met_itself: bool,
    /// Labels left of the listed name.
    pub labels_left: i64,
    /// The outside server.
    pub server: Option<String>,
    /// The server's port.
    pub port: Option<i64>,
    /// IP protocol.
    pub protocol: Protocol,
    /// As the list said.
    pub severity: Severity,
    /// Part of an exercise.
    pub exercise: bool,
    /// Found in history.
    pub retro: bool,
    /// First sighting.
    pub first_seen: Timestamp,
    /// Last sighting.
    pub last_seen: Timestamp,
    /// Sightings.
    pub count: i64,
    /// JSON {contacts, median_interval_ms, spread_ms}.
    pub regularity: Option<String>,
    /// When its first record came.
    pub arrived_at: Timestamp,
    /// No more updates will come.
    pub closed: bool,
    /// The incident it is in.
    pub incident: Option<i64>,
    /// The strand it is in.
    pub strand: Option<i64>,
    /// What it is put together by: that of its strand, else what its indicator offers now.
    pub link: Link,
    /// The link in words.
    pub title: String,
}

/// What ingest needs to know of an indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownIndicator {
    /// What alerts of it are put together by.
    pub link: Link,
    /// The link in words: the threat's name or the indicator's value.
    pub title: String,
    /// Part of an exercise.
    pub exercise: bool,
}

/// How many hosts a group of alerts stands for: those with an alert of their own, or, where a sensor told of many together,
/// what it said then, which has those in it; the greater, so that none counts twice. A resolver that asks for others is none.
pub(crate) const HOSTS: &str = "CASE WHEN MAX(a.hosts) > COUNT(DISTINCT CASE WHEN a.by_resolver = 0 THEN a.client END)
    THEN MAX(a.hosts) ELSE COUNT(DISTINCT CASE WHEN a.by_resolver = 0 THEN a.client END) END";

/// How a pattern is shown: without the `=` of an exact host, whose kind says so.
pub(crate) fn shown_pattern(pattern: &str) -> String {
    pattern.strip_prefix('=').unwrap_or(pattern).to_owned()
}

/// An indicator as whoever reads is told of it: what was shared with few by its number, also at the operator's (decisions 6 and 8), where
/// `indicator show --confidential` tells more. A marking that cannot be read counts as the strictest.
pub(crate) fn told_pattern(id: i64, pattern: &str, tlp: &str) -> String {
    hidden::told(id, &shown_pattern(pattern), hidden::read(tlp))
}

/// Whether an indicator that is marked so is told of with its value.
pub(crate) fn is_told(tlp: &str) -> bool {
    !hidden::is_secret(hidden::read(tlp))
}

/// A link in words.
fn title_of(link: &Link, pattern: &str) -> String {
    match link.kind {
        LinkKind::Threat | LinkKind::Human => link.value.clone(),
        LinkKind::Indicator => shown_pattern(pattern),
    }
}

/// Evidence from the database.
pub(crate) fn evidence_from(level: i64) -> Evidence {
    let place = usize::try_from(level).unwrap_or(0);
    Evidence::ALL.get(place).copied().unwrap_or(Evidence::Blocked)
}

/// The same, where less than any = nobody says.
pub(crate) fn evidence_said(level: i64) -> Option<Evidence> {
    (level >= 0).then(|| evidence_from(level))
}

/// Evidence as the database has it.
pub(crate) fn level_of(evidence: Evidence) -> i64 {
    Evidence::ALL.iter().zip(0..).find(|(other, _)| **other == evidence).map_or(0, |(_, level)| level)
}

fn protocol_from(number: i64) -> Protocol {
    Protocol(u8::try_from(number).unwrap_or(u8::MAX))
}

/// The indicators of these ids, as far as they are known, and the threats that were now found to be mere lists: an indicator of
/// such stands for itself.
///
/// # Errors
/// The database's own.
pub async fn indicators(
    conn: &mut SqliteConnection,
    ids: &[i64],
    weights: &Weights,
    now: Timestamp,
) -> Result<(HashMap<i64, KnownIndicator>, Vec<Key>), sqlx::Error> {
    let mut found = Vec::new();
    for piece in ids.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> =
            QueryBuilder::new("SELECT id, pattern, threat, exercise FROM indicator WHERE id IN ");
        push_ids(&mut select, piece);
        let rows: Vec<(i64, String, Option<String>, bool)> = select.build_query_as().fetch_all(&mut *conn).await?;
        found.extend(rows);
    }
    let threats: BTreeSet<String> = found.iter().filter_map(|(_, _, threat, _)| threat.clone()).collect();
    let (lists, tripped) = mere_list::among(conn, &threats, weights, now).await?;
    let known = found.into_iter().map(|(id, pattern, threat, exercise)| {
        let link = Link::of(id, threat.as_deref().filter(|name| !lists.contains(*name)));
        let title = title_of(&link, &pattern);
        (id, KnownIndicator { link, title, exercise })
    });
    Ok((known.collect(), tripped))
}

/// The alerts that these records opened, as far as they are stored.
///
/// # Errors
/// The database's own.
pub async fn opened_by(
    conn: &mut SqliteConnection,
    records: &[(i64, Epoch, Seq)],
) -> Result<Vec<AlertRow>, sqlx::Error> {
    let mut alerts = Vec::new();
    for piece in records.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> =
            QueryBuilder::new("SELECT a.*, n.pattern, n.threat, s.link_kind, s.link_value FROM (");
        select.push_values(padded(piece), |mut row, record| {
            row.push_bind(record.map(|(sensor, _, _)| *sensor))
                .push_bind(record.map(|(_, epoch, _)| epoch.to_string()))
                .push_bind(record.map(|(_, _, seq)| to_column(seq.0)));
        });
        select.push(
            ") v JOIN alert a ON a.sensor_id = v.column1 AND a.epoch = v.column2 AND a.seq = v.column3
             JOIN indicator n ON n.id = a.indicator_id LEFT JOIN strand s ON s.id = a.strand_id",
        );
        for row in select.build().fetch_all(&mut *conn).await? {
            alerts.push(row_from(&row)?);
        }
    }
    Ok(alerts)
}

/// Alerts that may share this key, the newest first, at most so many.
///
/// # Errors
/// The database's own.
pub async fn of_key(conn: &mut SqliteConnection, key: &Key, at_most: i64) -> Result<Vec<AlertRow>, sqlx::Error> {
    let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
        "SELECT a.*, n.pattern, n.threat, s.link_kind, s.link_value FROM alert a
            JOIN indicator n ON n.id = a.indicator_id JOIN strand s ON s.id = a.strand_id WHERE ",
    );
    match key.kind {
        KeyKind::Threat => select.push("n.threat = ").push_bind(&key.value),
        KeyKind::Indicator | KeyKind::Contact => select.push("n.id = CAST(").push_bind(&key.value).push(" AS BIGINT)"),
        KeyKind::Address => {
            let named = select.push("(a.server = ").push_bind(&key.value).push(
                " OR EXISTS (SELECT 1 FROM trace t WHERE t.strand_id = s.id AND t.kind = 'address' AND t.value = ",
            );
            named.push_bind(&key.value).push("))")
        }
        // No guard is on a domain.
        KeyKind::Domain => return Ok(Vec::new()),
    };
    select.push(" ORDER BY a.last_seen DESC, a.id DESC LIMIT ").push_bind(at_most);
    select.build().fetch_all(conn).await?.iter().map(row_from).collect()
}

fn row_from(row: &SqliteRow) -> Result<AlertRow, sqlx::Error> {
    let epoch = row.try_get::<&str, _>("epoch")?.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    let indicator: i64 = row.try_get("indicator_id")?;
    let threat: Option<String> = row.try_get("threat")?;
    let link_kind: Option<String> = row.try_get("link_kind")?;
    let link_value: Option<String> = row.try_get("link_value")?;
    let link = match (link_kind.as_deref(), link_value) {
        (Some("threat"), Some(value)) => Link { kind: LinkKind::Threat, value },
        (Some(_), Some(value)) => Link { kind: LinkKind::Indicator, value },
        (None, _) | (_, None) => Link::of(indicator, threat.as_deref()),
    };
    Ok(AlertRow {
        uuid: row.try_get("uuid")?,
        sensor: row.try_get("sensor_id")?,
        epoch,
        seq: Seq(from_column(row.try_get("seq")?)),
        member: row.try_get("member_id")?,
        site: SiteId(u16::try_from(row.try_get::<i64, _>("site")?).unwrap_or(0)),
        indicator,
        revision: row.try_get("revision")?,
        client: row.try_get("client")?,
        hosts: row.try_get("hosts")?,
        zone: row.try_get("zone")?,
        zone_levels: row.try_get("zone_levels")?,
        direction: direction_from(row.try_get("direction")?),
        evidence: evidence_from(row.try_get("evidence")?),
        circumstances: Circumstances {
            by_resolver: row.try_get("by_resolver")?,
            looked_up_by_other: row.try_get("looked_up_by_other")?,
            possible_contact: row.try_get("possible_contact")?,
        },
        met_itself: row.try_get("met_itself")?,
        labels_left: row.try_get("labels_left")?,
        server: row.try_get("server")?,
        port: row.try_get("port")?,
        protocol: protocol_from(row.try_get("protocol")?),
        severity: severity_from(row.try_get("severity")?),
        exercise: row.try_get("exercise")?,
        retro: row.try_get("retro")?,
        first_seen: Timestamp(row.try_get("first_seen")?),
        last_seen: Timestamp(row.try_get("last_seen")?),
        count: row.try_get("count")?,
        regularity: row.try_get("regularity")?,
        arrived_at: Timestamp(row.try_get("arrived_at")?),
        closed: row.try_get("closed")?,
        incident: row.try_get("incident_id")?,
        strand: row.try_get("strand_id")?,
        title: title_of(&link, row.try_get("pattern")?),
        link,
    })
}

fn direction_from(word: &str) -> Direction {
    if word == Direction::Inbound.as_str() { Direction::Inbound } else { Direction::Outbound }
}

pub(super) fn severity_from(level: i64) -> Severity {
    Severity::from_level(u8::try_from(level).unwrap_or(u8::MAX))
}

/// Writes alerts, new and changed.
///
/// # Errors
/// The database's own.
pub async fn write(conn: &mut SqliteConnection, alerts: &[AlertRow], now: Timestamp) -> Result<(), sqlx::Error> {
    for piece in pieces(alerts) {
        let mut insert: QueryBuilder<Sqlite> = QueryBuilder::new(
            "INSERT INTO alert (uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, client, zone,
             zone_levels, direction, evidence, by_resolver, looked_up_by_other, possible_contact, labels_left, server,
             port, protocol, severity, exercise, retro, first_seen, last_seen, count, regularity, arrived_at,
             updated_at, closed, incident_id, strand_id, hosts, met_itself) ",
        );
        insert.push_values(piece, |mut row, alert| {
            row.push_bind(alert.uuid.clone())
                .push_bind(alert.sensor)
                .push_bind(alert.epoch.to_string())
                .push_bind(to_column(alert.seq.0))
                .push_bind(alert.member)
                .push_bind(i64::from(alert.site.0))
                .push_bind(alert.indicator)
                .push_bind(alert.revision)
                .push_bind(alert.client.clone())
                .push_bind(alert.zone)
                .push_bind(alert.zone_levels.clone())
                .push_bind(alert.direction.as_str())
                .push_bind(level_of(alert.evidence))
                .push_bind(i64::from(alert.circumstances.by_resolver))
                .push_bind(i64::from(alert.circumstances.looked_up_by_other))
                .push_bind(i64::from(alert.circumstances.possible_contact))
                .push_bind(alert.labels_left)
                .push_bind(alert.server.clone())
                .push_bind(alert.port)
                .push_bind(i64::from(alert.protocol.0))
                .push_bind(i64::from(alert.severity.level()))
                .push_bind(i64::from(alert.exercise))
                .push_bind(i64::from(alert.retro))
                .push_bind(alert.first_seen.0)
                .push_bind(alert.last_seen.0)
                .push_bind(alert.count)
                .push_bind(alert.regularity.clone())
                .push_bind(alert.arrived_at.0)
                .push_bind(now.0)
                .push_bind(i64::from(alert.closed))
                .push_bind(alert.incident)
                .push_bind(alert.strand)
                .push_bind(alert.hosts)
                .push_bind(i64::from(alert.met_itself));
        });
        // What names an alert and when it came is written once.
        insert.push(
            " ON CONFLICT (sensor_id, epoch, seq) DO UPDATE SET evidence = excluded.evidence,
             by_resolver = excluded.by_resolver, looked_up_by_other = excluded.looked_up_by_other,
             possible_contact = excluded.possible_contact, server = excluded.server, port = excluded.port,
             protocol = excluded.protocol, first_seen = excluded.first_seen, last_seen = excluded.last_seen,
             count = excluded.count, regularity = excluded.regularity, updated_at = excluded.updated_at,
             closed = excluded.closed, incident_id = excluded.incident_id, strand_id = excluded.strand_id, hosts = excluded.hosts,
             met_itself = excluded.met_itself",
        );
        insert.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// A member as listings show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberView {
    /// Its number.
    pub number: String,
    /// Its name.
    pub name: String,
}

/// An alert as listings show it; the fields are the keys of `alert list --json`.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the keys are documented in command/alert.rs, where --help prints them")]
pub struct AlertView {
    pub id: i64,
    pub uuid: String,
    pub member: MemberView,
    pub sensor: i64,
    pub site: i64,
    pub indicator: String,
    pub kind: String,
    pub client: Option<String>,
    pub hosts: Option<i64>,
    pub direction: Direction,
    pub evidence: Evidence,
    pub by_resolver: bool,
    pub looked_up_by_other: bool,
    pub possible_contact: bool,
    pub labels_left: i64,
    pub server: Option<String>,
    pub port: Option<i64>,
    pub protocol: Protocol,
    pub severity: Severity,
    pub revision: i64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub count: i64,
    pub zone: i64,
    pub regularity: Option<Box<RawValue>>,
    pub closed: bool,
    pub incident: Option<i64>,
    pub exercise: bool,
    pub retro: bool,
    pub verdict: Option<Verdict>,
    pub verdict_reason: Option<String>,
    pub verdict_at: Option<Timestamp>,
}

/// Which alerts to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Which {
    /// Only those with a greater id: for reading page by page.
    pub after: i64,
    /// Only those of this campaign.
    pub campaign: Option<i64>,
}

/// Alerts in the order of their ids, at most `limit`.
///
/// # Errors
/// The database's own.
pub async fn list(store: &Store, scope: Scope, which: Which, limit: i64) -> Result<Vec<AlertView>, StoreError> {
    let rows = sqlx::query(
        "SELECT a.*, m.number AS member_number, m.name AS member_name, n.pattern, n.kind, n.tlp
         FROM alert a JOIN member m ON m.id = a.member_id JOIN indicator n ON n.id = a.indicator_id
         WHERE a.id > $1 AND ($2 IS NULL OR a.member_id = $2)
           AND ($3 IS NULL OR a.incident_id IN (SELECT id FROM incident WHERE campaign_id = $3))
         ORDER BY a.id LIMIT $4",
    )
    .bind(which.after)
    .bind(scope.member_id())
    .bind(which.campaign)
    .bind(limit)
    .fetch_all(store.readers())
    .await?;
    Ok(rows.iter().map(view_from).collect::<Result<_, sqlx::Error>>()?)
}

pub(super) fn view_from(row: &SqliteRow) -> Result<AlertView, sqlx::Error> {
    let regularity: Option<String> = row.try_get("regularity")?;
    let tlp: String = row.try_get("tlp")?;
    let server: Option<String> = row.try_get("server")?;
    Ok(AlertView {
        id: row.try_get("id")?,
        uuid: row.try_get("uuid")?,
        member: MemberView { number: row.try_get("member_number")?, name: row.try_get("member_name")? },
        sensor: row.try_get("sensor_id")?,
        site: row.try_get("site")?,
        indicator: told_pattern(row.try_get("indicator_id")?, row.try_get("pattern")?, &tlp),
        kind: row.try_get("kind")?,
        client: row.try_get("client")?,
        hosts: row.try_get("hosts")?,
        direction: direction_from(row.try_get("direction")?),
        evidence: evidence_from(row.try_get("evidence")?),
        by_resolver: row.try_get("by_resolver")?,
        looked_up_by_other: row.try_get("looked_up_by_other")?,
        possible_contact: row.try_get("possible_contact")?,
        labels_left: row.try_get("labels_left")?,
        server: server.filter(|_| is_told(&tlp)),
        port: row.try_get("port")?,
        protocol: protocol_from(row.try_get("protocol")?),
        severity: severity_from(row.try_get("severity")?),
        revision: row.try_get("revision")?,
        first_seen: Timestamp(row.try_get("first_seen")?),
        last_seen: Timestamp(row.try_get("last_seen")?),
        count: row.try_get("count")?,
        zone: row.try_get("zone")?,
        regularity: regularity.and_then(|json| RawValue::from_string(json).ok()),
        closed: row.try_get("closed")?,
        incident: row.try_get("incident_id")?,
        exercise: row.try_get("exercise")?,
        retro: row.try_get("retro")?,
        verdict: verdict_from(row.try_get("verdict")?),
        verdict_reason: row.try_get("verdict_reason")?,
        verdict_at: row.try_get::<Option<i64>, _>("verdict_at")?.map(Timestamp),
    })
}

/// A verdict from the database.
pub(crate) fn verdict_from(word: Option<String>) -> Option<Verdict> {
    word.and_then(|word| word.parse().ok())
}
