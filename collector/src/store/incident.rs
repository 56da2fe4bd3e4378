//! Incidents: read for correlation, written as it decides, listed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use uuid::Uuid;
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use super::alert::{MemberView, evidence_from, is_told, told_pattern};
use super::record::ROWS_PER_STATEMENT;
use super::{Scope, Store, StoreError, departure, restored};
use crate::incident::{AlertFact, Incident, IncidentDecision, Link, LinkKind, Span, Topic, WINDOW};

/// Names made by the collector are UUIDv5 in this namespace: the same thing gets the same name, and tells nothing else.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1c_27d0_94be_4b0c_8a55_3e0d_7b1f_c2a9);

/// The alerts of an incident that say how far it got: unanswered contact from outside does not (decision 22).
pub(crate) const FOUNDS: &str =
    "(a.direction = 'outbound' OR a.client IS NOT NULL OR a.hosts IS NOT NULL OR a.evidence > 3)";

/// The external name of `text`.
pub(crate) fn external_name(text: &str) -> String {
    Uuid::new_v5(&NAMESPACE, text.as_bytes()).to_string()
}

/// The next id of a table whose rows may be merged away: ids are never used twice.
pub(crate) async fn next_id(conn: &mut SqliteConnection, kind: &str) -> Result<i64, sqlx::Error> {
    let (sql, above) = match kind {
        "campaign" => ("SELECT MAX(id) FROM campaign", departure::CAMPAIGNS_ABOVE),
        _ => ("SELECT MAX(id) FROM incident", departure::INCIDENTS_ABOVE),
    };
    let deleted = restored::above(conn, above).await?;
    let there: Option<i64> = sqlx::query_scalar(sql).fetch_one(&mut *conn).await?;
    let gone: Option<i64> =
        sqlx::query_scalar("SELECT MAX(id) FROM merged WHERE kind = $1").bind(kind).fetch_one(&mut *conn).await?;
    Ok(there.max(gone).unwrap_or(0).max(deleted) + 1)
}

/// Remembers that `id` has become part of `into`, before it is deleted.
pub(crate) async fn remember_merged(
    conn: &mut SqliteConnection,
    kind: &str,
    id: i64,
    into: i64,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let sql = match kind {
        "campaign" => "SELECT uuid, opened_at FROM campaign WHERE id = $1",
        _ => "SELECT uuid, opened_at FROM incident WHERE id = $1",
    };
    let (uuid, opened_at): (String, i64) = sqlx::query_as(sql).bind(id).fetch_one(&mut *conn).await?;
    sqlx::query("UPDATE merged SET into_id = $3 WHERE kind = $1 AND into_id = $2")
        .bind(kind)
        .bind(id)
        .bind(into)
        .execute(&mut *conn)
        .await?;
    sqlx::query("INSERT INTO merged (kind, id, uuid, into_id, opened_at, merged_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(kind)
        .bind(id)
        .bind(uuid)
        .bind(into)
        .bind(opened_at)
        .bind(now.0)
        .execute(&mut *conn)
        .await?;
    Ok(())
}

/// The links of one kind, in pieces that fit a statement.
pub(crate) fn links_by_kind(links: &BTreeSet<Link>) -> Vec<(LinkKind, Vec<String>)> {
    let mut pieces = Vec::new();
    for kind in [LinkKind::Indicator, LinkKind::Threat] {
        let values: Vec<String> =
            links.iter().filter(|link| link.kind == kind).map(|link| link.value.clone()).collect();
        pieces.extend(values.chunks(ROWS_PER_STATEMENT).map(|chunk| (kind, chunk.to_vec())));
    }
    pieces
}

/// All incidents of these links that are these members' or in no campaign.
///
/// # Errors
/// The database's own.
pub async fn of_links(
    conn: &mut SqliteConnection,
    links: &BTreeSet<Link>,
    members: &BTreeSet<i64>,
) -> Result<Vec<Incident>, sqlx::Error> {
    let mut incidents = Vec::new();
    for (kind, values) in links_by_kind(links) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new("");
        // Two halves, each with an index of its own: other members' incidents of a wide campaign are many, and not wanted.
        for own in [true, false] {
            select.push(if own { "SELECT " } else { ") UNION ALL SELECT " });
            select.push("id, member_id, link_value, exercise, first_seen, last_seen, campaign_id FROM incident WHERE ");
            select.push(if own { "member_id IN (" } else { "campaign_id IS NULL AND member_id NOT IN (" });
            let mut list = select.separated(", ");
            for member in members {
                list.push_bind(*member);
            }
            select.push(") AND link_kind = ").push_bind(kind.as_str()).push(" AND link_value IN (");
            let mut list = select.separated(", ");
            for value in &values {
                list.push_bind(value.clone());
            }
        }
        select.push(")");
        type Found = (i64, i64, String, bool, i64, i64, Option<i64>);
        let rows: Vec<Found> = select.build_query_as().fetch_all(&mut *conn).await?;
        incidents.extend(rows.into_iter().map(|(id, member, value, exercise, first, last, campaign)| Incident {
            id,
            member,
            topic: Topic { link: Link { kind, value }, exercise },
            span: Span::new(Timestamp(first), Timestamp(last)),
            campaign,
        }));
    }
    Ok(incidents)
}

/// All incidents of a member.
///
/// # Errors
/// The database's own.
pub async fn of_member(conn: &mut SqliteConnection, member: i64) -> Result<Vec<Incident>, sqlx::Error> {
    let sql = "SELECT id, link_kind, link_value, exercise, first_seen, last_seen, campaign_id FROM incident
        WHERE member_id = $1 ORDER BY id";
    type Found = (i64, String, String, bool, i64, i64, Option<i64>);
    let rows: Vec<Found> = sqlx::query_as(sql).bind(member).fetch_all(conn).await?;
    let read = |(id, kind, value, exercise, first, last, campaign): Found| {
        let kind = if kind == LinkKind::Threat.as_str() { LinkKind::Threat } else { LinkKind::Indicator };
        let span = Span::new(Timestamp(first), Timestamp(last));
        Incident { id, member, topic: Topic { link: Link { kind, value }, exercise }, span, campaign }
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Members behind a shared supplier network, each with the one of them that stands for all (decision 4).
///
/// # Errors
/// The database's own.
pub async fn behind_suppliers(conn: &mut SqliteConnection) -> Result<BTreeMap<i64, i64>, sqlx::Error> {
    let sql = "SELECT m.id, (SELECT MIN(o.id) FROM member o WHERE o.supplier = m.supplier)
        FROM member m WHERE m.supplier IS NOT NULL";
    let rows: Vec<(i64, i64)> = sqlx::query_as(sql).fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
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
            "SELECT a.id, a.uuid, a.member_id, a.indicator_id, n.threat, a.exercise, a.first_seen, a.last_seen, a.incident_id
             FROM alert a JOIN indicator n ON n.id = a.indicator_id
             WHERE a.client IS NULL AND a.hosts IS NULL AND a.direction = 'inbound' AND a.evidence <= 3
               AND a.indicator_id IN (",
        );
        match kind {
            LinkKind::Indicator => {
                let mut list = select.separated(", ");
                for id in values.iter().filter_map(|value| value.parse::<i64>().ok()) {
                    list.push_bind(id);
                }
            }
            LinkKind::Threat => {
                select.push("SELECT id FROM indicator WHERE threat IN (");
                let mut list = select.separated(", ");
                for name in values {
                    list.push_bind(name);
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
        for (id, uuid, member, indicator, threat, exercise, first, last, incident) in rows {
            let topic = Topic { link: Link::of(indicator, threat.as_deref()), exercise };
            let span = Span::new(Timestamp(first), Timestamp(last));
            alerts.push((id, uuid, AlertFact { member, topic, span, founds: false, fresh: false, incident }));
        }
    }
    Ok(alerts)
}

/// Writes what was decided about one incident. `opened_by` is the uuid of its first alert and `title` the link in words,
/// both used only for a new one. Alerts that are handed over are pointed to it by the caller, all others here.
///
/// # Errors
/// The database's own.
pub async fn apply(
    conn: &mut SqliteConnection,
    decision: &IncidentDecision,
    opened_by: &str,
    title: &str,
    now: Timestamp,
) -> Result<i64, sqlx::Error> {
    let Some(id) = decision.kept else {
        let id = next_id(conn, "incident").await?;
        sqlx::query(
            "INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, exercise, campaign_id, opened_at,
             first_seen, last_seen, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8, $9, $10, $8)",
        )
        .bind(id)
        .bind(external_name(&format!("incident/{opened_by}")))
        .bind(decision.member)
        .bind(decision.topic.link.kind.as_str())
        .bind(&decision.topic.link.value)
        .bind(title)
        .bind(i64::from(decision.topic.exercise))
        .bind(now.0)
        .bind(decision.span.first.0)
        .bind(decision.span.last.0)
        .execute(&mut *conn)
        .await?;
        return Ok(id);
    };
    for &old in &decision.absorbed {
        remember_merged(conn, "incident", old, id, now).await?;
        sqlx::query("UPDATE alert SET incident_id = $2 WHERE incident_id = $1")
            .bind(old)
            .bind(id)
            .execute(&mut *conn)
            .await?;
        sqlx::query("DELETE FROM incident WHERE id = $1").bind(old).execute(&mut *conn).await?;
    }
    sqlx::query("UPDATE incident SET first_seen = $2, last_seen = $3, updated_at = $4, campaign_id = $5 WHERE id = $1")
        .bind(id)
        .bind(decision.span.first.0)
        .bind(decision.span.last.0)
        .bind(now.0)
        .bind(decision.campaign)
        .execute(&mut *conn)
        .await?;
    Ok(id)
}

/// Points a stored alert to an incident.
///
/// # Errors
/// The database's own.
pub async fn attach_alert(conn: &mut SqliteConnection, alert: i64, incident: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE alert SET incident_id = $2 WHERE id = $1").bind(alert).bind(incident).execute(conn).await?;
    Ok(())
}

/// An incident as listings show it; the fields are the keys of `incident list --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the keys are documented in command/incident.rs, where --help prints them")]
pub struct IncidentView {
    pub id: i64,
    pub uuid: String,
    pub member: MemberView,
    pub title: String,
    pub link_kind: String,
    pub link: String,
    pub evidence: Evidence,
    pub hosts: Vec<String>,
    pub hosts_about: Option<i64>,
    pub via_resolver: bool,
    pub alerts: i64,
    pub sightings: i64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub campaign: Option<i64>,
    pub exercise: bool,
}

/// Incidents, the latest seen first; of one campaign if `campaign` is given.
///
/// # Errors
/// The database's own.
pub async fn list(store: &Store, scope: Scope, campaign: Option<i64>) -> Result<Vec<IncidentView>, StoreError> {
    let mut tx = store.readers().begin().await?;
    let sql = format!(
        "SELECT i.id, i.uuid, m.number, m.name, i.title, i.link_kind, i.link_value, n.pattern, n.id AS indicator_id, n.tlp,
                i.first_seen, i.last_seen, i.campaign_id, i.exercise, MAX(CASE WHEN {FOUNDS} THEN a.evidence ELSE 0 END) AS evidence,
                COUNT(a.id) AS alerts, COALESCE(SUM(a.count), 0) AS sightings,
                COALESCE(MAX(a.by_resolver), 0) AS via_resolver, MAX(a.hosts) AS hosts_about
         FROM incident i JOIN member m ON m.id = i.member_id
         LEFT JOIN indicator n ON i.link_kind = 'indicator' AND n.id = CAST(i.link_value AS BIGINT)
         LEFT JOIN alert a ON a.incident_id = i.id
         WHERE ($1 IS NULL OR i.member_id = $1) AND ($2 IS NULL OR i.campaign_id = $2)
         GROUP BY i.id, i.uuid, m.number, m.name, i.title, i.link_kind, i.link_value, n.pattern, n.id, n.tlp,
                  i.first_seen, i.last_seen, i.campaign_id, i.exercise
         ORDER BY i.last_seen DESC, i.id DESC"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(scope.member_id()).bind(campaign).fetch_all(&mut *tx).await?;
    let mut hosts = hosts(&mut tx, scope, campaign).await?;
    let mut incidents = Vec::with_capacity(rows.len());
    for row in rows {
        let id: i64 = row.try_get("id")?;
        let (title, link) = in_words(&row)?;
        incidents.push(IncidentView {
            id,
            uuid: row.try_get("uuid")?,
            member: MemberView { number: row.try_get("number")?, name: row.try_get("name")? },
            title,
            link_kind: row.try_get("link_kind")?,
            link,
            evidence: evidence_from(row.try_get("evidence")?),
            hosts: hosts.remove(&id).unwrap_or_default(),
            hosts_about: row.try_get("hosts_about")?,
            via_resolver: row.try_get("via_resolver")?,
            alerts: row.try_get("alerts")?,
            sightings: row.try_get("sightings")?,
            first_seen: Timestamp(row.try_get("first_seen")?),
            last_seen: Timestamp(row.try_get("last_seen")?),
            campaign: row.try_get("campaign_id")?,
            exercise: row.try_get("exercise")?,
        });
    }
    Ok(incidents)
}

/// The title and the link of an incident or a campaign, as a reader may see them; a title is the link in words.
pub(super) fn in_words(row: &SqliteRow) -> Result<(String, String), sqlx::Error> {
    let pattern: Option<String> = row.try_get("pattern")?;
    let title: String = row.try_get("title")?;
    let Some(pattern) = pattern else { return Ok((title, row.try_get("link_value")?)) };
    let tlp: String = row.try_get("tlp")?;
    let link = told_pattern(row.try_get("indicator_id")?, &pattern, &tlp);
    Ok((if is_told(&tlp) { title } else { link.clone() }, link))
}

/// Hosts of each incident, sorted: a resolver that asks for others is none.
async fn hosts(
    conn: &mut SqliteConnection,
    scope: Scope,
    campaign: Option<i64>,
) -> Result<HashMap<i64, Vec<String>>, sqlx::Error> {
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT DISTINCT i.id, a.client FROM incident i JOIN alert a ON a.incident_id = i.id
         WHERE a.by_resolver = 0 AND a.client IS NOT NULL
           AND ($1 IS NULL OR i.member_id = $1) AND ($2 IS NULL OR i.campaign_id = $2)
         ORDER BY i.id, a.client",
    )
    .bind(scope.member_id())
    .bind(campaign)
    .fetch_all(conn)
    .await?;
    let mut hosts: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (incident, client) in rows {
        hosts.entry(incident).or_default().push(client);
    }
    Ok(hosts.into_iter().collect())
}
