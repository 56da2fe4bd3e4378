//! Strands: read for correlation, written as it decides.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use varde_common::alert::Level;
use varde_common::indicator::Severity;
use varde_common::time::Timestamp;

use super::alert::{evidence_from, level_of};
use super::record::ROWS_PER_STATEMENT;
use crate::incident::HostAlert;
use crate::priority::Facts;
use crate::strand::{AlertFact, Link, LinkKind, Span, Strand, StrandDecision, Topic, WINDOW};

/// The links of one kind, in pieces that fit a statement.
fn links_by_kind(links: &BTreeSet<Link>) -> Vec<(LinkKind, Vec<String>)> {
    let mut pieces = Vec::new();
    for kind in LinkKind::ALL {
        let values: Vec<String> =
            links.iter().filter(|link| link.kind == kind).map(|link| link.value.clone()).collect();
        pieces.extend(values.chunks(ROWS_PER_STATEMENT).map(|chunk| (kind, chunk.to_vec())));
    }
    pieces
}

/// A kind of link from the database.
pub(super) fn kind_from(word: &str) -> LinkKind {
    LinkKind::ALL.into_iter().find(|kind| kind.as_str() == word).unwrap_or(LinkKind::Indicator)
}

/// A level as the database has it.
pub(crate) fn number_of(level: Level) -> i64 {
    match level {
        Level::Low => 0,
        Level::Medium => 1,
        Level::High => 2,
    }
}

fn level_from(number: i64) -> Level {
    match number {
        ..=0 => Level::Low,
        1 => Level::Medium,
        2.. => Level::High,
    }
}

/// What weighs, from a row that has a strand's columns.
pub(crate) fn facts_from(row: &SqliteRow) -> Result<Facts, sqlx::Error> {
    let severity: i64 = row.try_get("severity")?;
    Ok(Facts {
        evidence: evidence_from(row.try_get("evidence")?),
        confidence: u8::try_from(row.try_get::<i64, _>("confidence")?).unwrap_or(0),
        level: level_from(row.try_get("level")?),
        severity: Severity::from_level(u8::try_from(severity).unwrap_or(u8::MAX)),
        by_name: row.try_get("by_name")?,
        by_name_at_high: row.try_get("by_name_at_high")?,
        persistent: row.try_get("persistent")?,
        in_history: row.try_get("in_history")?,
    })
}

fn strand_from(row: &SqliteRow) -> Result<Strand, sqlx::Error> {
    let link = Link { kind: kind_from(row.try_get("link_kind")?), value: row.try_get("link_value")? };
    Ok(Strand {
        id: row.try_get("id")?,
        member: row.try_get("member_id")?,
        topic: Topic { link, exercise: row.try_get("exercise")? },
        span: Span::new(Timestamp(row.try_get("first_seen")?), Timestamp(row.try_get("last_seen")?)),
        incident: row.try_get("incident_id")?,
        facts: facts_from(row)?,
    })
}

/// All strands of these links that are these members'.
///
/// # Errors
/// The database's own.
pub async fn of_links(
    conn: &mut SqliteConnection,
    links: &BTreeSet<Link>,
    members: &BTreeSet<i64>,
) -> Result<Vec<Strand>, sqlx::Error> {
    let mut strands = Vec::new();
    for (kind, values) in links_by_kind(links) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT * FROM strand WHERE member_id IN (");
        let mut list = select.separated(", ");
        for member in members {
            list.push_bind(*member);
        }
        select.push(") AND link_kind = ").push_bind(kind.as_str()).push(" AND link_value IN (");
        let mut list = select.separated(", ");
        for value in values {
            list.push_bind(value);
        }
        select.push(")");
        for row in &select.build().fetch_all(&mut *conn).await? {
            strands.push(strand_from(row)?);
        }
    }
    Ok(strands)
}

/// All strands of a member.
///
/// # Errors
/// The database's own.
pub async fn of_member(conn: &mut SqliteConnection, member: i64) -> Result<Vec<Strand>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT * FROM strand WHERE member_id = $1 ORDER BY id").bind(member).fetch_all(conn).await?;
    rows.iter().map(strand_from).collect()
}

/// Stored alerts without a host that found nothing, of these links and members, near `span`: id, uuid and fact.
///
/// # Errors
/// The database's own.
pub async fn alerts_without_host(
    conn: &mut SqliteConnection,
    links: &BTreeSet<Link>,
    members: &BTreeSet<i64>,
    span: Span,
) -> Result<Vec<(i64, String, AlertFact)>, sqlx::Error> {
    let mut alerts = Vec::new();
    for (kind, values) in links_by_kind(links) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT a.id, a.uuid, a.member_id, a.indicator_id, n.threat, a.exercise, a.first_seen, a.last_seen, a.strand_id
             FROM alert a JOIN indicator n ON n.id = a.indicator_id
             WHERE a.client IS NULL AND a.hosts IS NULL AND a.direction = 'inbound' AND a.evidence <= 3
               AND a.indicator_id IN (",
        );
        match kind {
            // No alert is of a person's word.
            LinkKind::Human => continue,
            LinkKind::Indicator => {
                let mut list = select.separated(", ");
                for id in values.iter().filter_map(|value| value.parse::<i64>().ok()) {
                    list.push_bind(id);
                }
            }
            LinkKind::Threat => {
                select.push("SELECT id FROM indicator WHERE threat IN (");
                let mut list = select.separated(", ");
                for name in &values {
                    list.push_bind(name.clone());
                }
                select.push(")");
            }
        }
        select.push(") AND a.member_id IN (");
        let mut list = select.separated(", ");
        for member in members {
            list.push_bind(*member);
        }
        select.push(") AND a.last_seen >= ").push_bind(span.first.minus(WINDOW).0);
        select.push(" AND a.first_seen <= ").push_bind(span.last.plus(WINDOW).0);
        type Found = (i64, String, i64, i64, Option<String>, bool, i64, i64, Option<i64>);
        let rows: Vec<Found> = select.build_query_as().fetch_all(&mut *conn).await?;
        for (id, uuid, member, indicator, threat, exercise, first, last, strand) in rows {
            // By the link it was asked for: a threat that has come to be a mere list is none for its indicators any more.
            let link = match kind {
                LinkKind::Indicator | LinkKind::Human => Link::of(indicator, None),
                LinkKind::Threat => Link::of(indicator, threat.as_deref()),
            };
            let span = Span::new(Timestamp(first), Timestamp(last));
            let topic = Topic { link, exercise };
            alerts.push((id, uuid, AlertFact { strand, ..AlertFact::joining(member, topic, span) }));
        }
    }
    Ok(alerts)
}

/// Stored alerts of these members' hosts with sightings from `span.first` to `span.last`. `links_hosts` is for the caller to say, by
/// the indicator that stands beside each.
///
/// # Errors
/// The database's own.
pub async fn of_hosts(
    conn: &mut SqliteConnection,
    member: i64,
    hosts: &[&str],
    span: Span,
) -> Result<Vec<(i64, HostAlert)>, sqlx::Error> {
    let mut alerts = Vec::new();
    for chunk in hosts.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT a.indicator_id, a.client, a.strand_id, s.link_kind, s.link_value, s.exercise, s.incident_id, a.first_seen,
             a.last_seen, a.evidence FROM alert a JOIN strand s ON s.id = a.strand_id WHERE a.by_resolver = 0 AND a.member_id = ",
        );
        select.push_bind(member).push(" AND a.client IN (");
        let mut list = select.separated(", ");
        for host in chunk {
            list.push_bind((*host).to_owned());
        }
        select.push(") AND a.last_seen >= ").push_bind(span.first.0);
        select.push(" AND a.first_seen <= ").push_bind(span.last.0);
        for row in &select.build().fetch_all(&mut *conn).await? {
            let link = Link { kind: kind_from(row.try_get("link_kind")?), value: row.try_get("link_value")? };
            let alert = HostAlert {
                member,
                host: row.try_get("client")?,
                strand: row.try_get("strand_id")?,
                topic: Topic { link, exercise: row.try_get("exercise")? },
                incident: row.try_get("incident_id")?,
                span: Span::new(Timestamp(row.try_get("first_seen")?), Timestamp(row.try_get("last_seen")?)),
                evidence: evidence_from(row.try_get("evidence")?),
                links_hosts: false,
            };
            alerts.push((row.try_get("indicator_id")?, alert));
        }
    }
    Ok(alerts)
}

/// Writes what was decided about one strand, which is part of `incident` from now on. Gives its id.
///
/// # Errors
/// The database's own.
pub async fn apply(conn: &mut SqliteConnection, decision: &StrandDecision, incident: i64) -> Result<i64, sqlx::Error> {
    let facts = decision.facts;
    let severity = i64::from(facts.severity.level());
    let id = match decision.kept {
        Some(id) => id,
        None => sqlx::query_scalar("SELECT COALESCE(MAX(id), 0) + 1 FROM strand").fetch_one(&mut *conn).await?,
    };
    let sql = "INSERT INTO strand (id, member_id, incident_id, link_kind, link_value, exercise, first_seen, last_seen, evidence,
            confidence, level, severity, by_name, by_name_at_high, persistent, in_history)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        ON CONFLICT (id) DO UPDATE SET incident_id = excluded.incident_id, first_seen = excluded.first_seen,
            last_seen = excluded.last_seen, evidence = excluded.evidence, confidence = excluded.confidence,
            level = excluded.level, severity = excluded.severity, by_name = excluded.by_name,
            by_name_at_high = excluded.by_name_at_high, persistent = excluded.persistent, in_history = excluded.in_history";
    sqlx::query(sql)
        .bind(id)
        .bind(decision.member)
        .bind(incident)
        .bind(decision.topic.link.kind.as_str())
        .bind(&decision.topic.link.value)
        .bind(i64::from(decision.topic.exercise))
        .bind(decision.span.first.0)
        .bind(decision.span.last.0)
        .bind(level_of(facts.evidence))
        .bind(i64::from(facts.confidence))
        .bind(number_of(facts.level))
        .bind(severity)
        .bind(i64::from(facts.by_name))
        .bind(i64::from(facts.by_name_at_high))
        .bind(i64::from(facts.persistent))
        .bind(i64::from(facts.in_history))
        .execute(&mut *conn)
        .await?;
    for &old in &decision.absorbed {
        for sql in [
            "UPDATE alert SET strand_id = $2, incident_id = $3 WHERE strand_id = $1",
            "UPDATE trace SET strand_id = $2 WHERE strand_id = $1",
        ] {
            sqlx::query(sql).bind(old).bind(id).bind(incident).execute(&mut *conn).await?;
        }
        sqlx::query("DELETE FROM strand WHERE id = $1").bind(old).execute(&mut *conn).await?;
    }
    Ok(id)
}

/// How many different things the strands of a cluster are about.
///
/// # Errors
/// The database's own.
pub async fn topics_of(conn: &mut SqliteConnection, cluster: i64) -> Result<i64, sqlx::Error> {
    let sql = "SELECT COUNT(*) FROM (SELECT DISTINCT s.link_kind, s.link_value FROM strand s
        JOIN incident i ON i.id = s.incident_id WHERE i.cluster_id = $1) t";
    sqlx::query_scalar(sql).bind(cluster).fetch_one(conn).await
}

/// The strands that each of these incidents has, by incident.
///
/// # Errors
/// The database's own.
pub async fn of_incidents(
    conn: &mut SqliteConnection,
    incidents: &[i64],
) -> Result<BTreeMap<i64, Vec<Strand>>, sqlx::Error> {
    let mut found: BTreeMap<i64, Vec<Strand>> = BTreeMap::new();
    for chunk in incidents.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT * FROM strand WHERE incident_id IN (");
        let mut list = select.separated(", ");
        for id in chunk {
            list.push_bind(*id);
        }
        select.push(") ORDER BY first_seen, id");
        for row in &select.build().fetch_all(&mut *conn).await? {
            let strand = strand_from(row)?;
            found.entry(strand.incident).or_default().push(strand);
        }
    }
    Ok(found)
}
