//! Campaigns: read for correlation, written as it decides, listed with who could have seen them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, Transaction};
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use super::alert::{HOSTS, evidence_from, told_pattern};
use super::incident::{FOUNDS, external_name, in_words, links_by_kind, next_id, remember_merged};
use super::picture::reads;
use super::{Scope, Store, StoreError};
use crate::campaign::{Campaign, CampaignDecision};
use crate::coverage::{Case, Coverage};
use crate::incident::{Link, Span, Topic};

/// Other members fewer than this are not counted for a member: a count of one or two may name them (decision 9).
pub const OTHERS_MIN: i64 = 3;

/// All campaigns of these links.
///
/// # Errors
/// The database's own.
pub async fn of_links(conn: &mut SqliteConnection, links: &BTreeSet<Link>) -> Result<Vec<Campaign>, sqlx::Error> {
    let mut campaigns = Vec::new();
    for (kind, values) in links_by_kind(links) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT id, link_value, exercise, first_seen, last_seen FROM campaign WHERE link_kind = ",
        );
        select.push_bind(kind.as_str()).push(" AND link_value IN (");
        let mut list = select.separated(", ");
        for value in values {
            list.push_bind(value);
        }
        select.push(")");
        let rows: Vec<(i64, String, bool, i64, i64)> = select.build_query_as().fetch_all(&mut *conn).await?;
        campaigns.extend(rows.into_iter().map(|(id, value, exercise, first, last)| Campaign {
            id,
            topic: Topic { link: Link { kind, value }, exercise },
            span: Span::new(Timestamp(first), Timestamp(last)),
        }));
    }
    Ok(campaigns)
}

/// Writes what was decided about one campaign. `incidents` are the ids of those that are in it from now on.
///
/// # Errors
/// The database's own.
pub async fn apply(
    conn: &mut SqliteConnection,
    decision: &CampaignDecision,
    incidents: &[i64],
    now: Timestamp,
) -> Result<i64, sqlx::Error> {
    let id = match decision.kept {
        Some(id) => {
            for &old in &decision.absorbed {
                remember_merged(conn, "campaign", old, id, now).await?;
                sqlx::query("UPDATE incident SET campaign_id = $2 WHERE campaign_id = $1")
                    .bind(old)
                    .bind(id)
                    .execute(&mut *conn)
                    .await?;
                sqlx::query("DELETE FROM campaign WHERE id = $1").bind(old).execute(&mut *conn).await?;
            }
            sqlx::query("UPDATE campaign SET first_seen = $2, last_seen = $3, updated_at = $4 WHERE id = $1")
                .bind(id)
                .bind(decision.span.first.0)
                .bind(decision.span.last.0)
                .bind(now.0)
                .execute(&mut *conn)
                .await?;
            id
        }
        None => {
            let id = next_id(conn, "campaign").await?;
            let first = incidents.first().copied().unwrap_or(0);
            let (uuid, title): (String, String) = sqlx::query_as("SELECT uuid, title FROM incident WHERE id = $1")
                .bind(first)
                .fetch_one(&mut *conn)
                .await?;
            sqlx::query(
                "INSERT INTO campaign (id, uuid, link_kind, link_value, title, exercise, opened_at, first_seen,
                 last_seen, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $7)",
            )
            .bind(id)
            .bind(external_name(&format!("campaign/{uuid}")))
            .bind(decision.topic.link.kind.as_str())
            .bind(&decision.topic.link.value)
            .bind(title)
            .bind(i64::from(decision.topic.exercise))
            .bind(now.0)
            .bind(decision.span.first.0)
            .bind(decision.span.last.0)
            .execute(&mut *conn)
            .await?;
            id
        }
    };
    for incident in incidents {
        sqlx::query(
            "UPDATE incident SET campaign_id = $2 WHERE id = $1 AND (campaign_id IS NULL OR campaign_id <> $2)",
        )
        .bind(incident)
        .bind(id)
        .execute(&mut *conn)
        .await?;
    }
    Ok(id)
}

/// Who could have seen these campaigns (all, if `campaign` is none): as the page counts it, by [`crate::coverage`].
async fn denominators(
    tx: &mut Transaction<'static, Sqlite>,
    campaign: Option<i64>,
) -> Result<BTreeMap<i64, Coverage>, sqlx::Error> {
    let (low, high) = ids(campaign);
    let sensors = reads::sensors(tx, Scope::Operator).await?;
    let members: Vec<i64> = sqlx::query_scalar("SELECT id FROM member ORDER BY id").fetch_all(&mut **tx).await?;
    let rows: Vec<(i64, i64, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT c.id, i.member_id, MIN(a.arrived_at), COALESCE(MIN(n.published_in), 1), c.opened_at, c.updated_at
         FROM campaign c JOIN incident i ON i.campaign_id = c.id JOIN alert a ON a.incident_id = i.id
         JOIN indicator n ON n.id = a.indicator_id
         WHERE c.id BETWEEN $1 AND $2 GROUP BY c.id, i.member_id, c.opened_at, c.updated_at",
    )
    .bind(low)
    .bind(high)
    .fetch_all(&mut **tx)
    .await?;
    let mut cases: BTreeMap<i64, Case> = BTreeMap::new();
    for (id, member, arrived_at, published_in, opened_at, updated_at) in rows {
        let (begun, until) = (Timestamp(opened_at.min(arrived_at)), Timestamp(updated_at));
        let case = cases.entry(id).or_insert(Case { begun, until, revision: published_in, hit: HashSet::new() });
        case.begun = case.begun.min(begun);
        case.revision = case.revision.min(published_in);
        case.hit.insert(member);
    }
    let measured = |(id, case): (i64, Case)| (id, Coverage::of_case(&sensors, members.iter().copied(), &case));
    Ok(cases.into_iter().map(measured).collect())
}

/// An indicator as campaigns show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndicatorView {
    /// Its value and port.
    pub indicator: String,
    /// Its kind.
    pub kind: String,
}

/// A member's part in a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberPart {
    /// The member's number.
    pub number: String,
    /// The member's name.
    pub name: String,
    /// The shared network it is behind; nothing of it for a member.
    pub supplier: Option<String>,
    /// Its first sighting.
    pub first_seen: Timestamp,
    /// How far it got there.
    pub evidence: Evidence,
}

/// A campaign as listings show it; the fields are the keys of `campaign list --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the keys are documented in command/campaign.rs, where --help prints them")]
pub struct CampaignView {
    pub id: i64,
    pub uuid: String,
    pub title: String,
    pub link_kind: String,
    pub link: String,
    pub indicators: Vec<IndicatorView>,
    pub members: Vec<MemberPart>,
    pub member_count: Option<i64>,
    pub independent: Option<i64>,
    pub departed: Option<i64>,
    pub able_to_see: Option<i64>,
    pub members_total: Option<i64>,
    pub evidence: Evidence,
    pub hosts: i64,
    pub alerts: i64,
    pub sightings: i64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub opened_at: Timestamp,
    pub exercise: bool,
}

/// Campaigns, the latest seen first; only `campaign` if given. A member gets those it is part of, and of them its own
/// part: others are a count, and that only from [`OTHERS_MIN`] up.
///
/// # Errors
/// The database's own.
pub async fn list(store: &Store, scope: Scope, campaign: Option<i64>) -> Result<Vec<CampaignView>, StoreError> {
    let mut tx = store.readers().begin().await?;
    let (low, high) = ids(campaign);
    let rows = sqlx::query(
        "SELECT c.id, c.uuid, c.title, c.link_kind, c.link_value, n.pattern, n.id AS indicator_id, n.tlp, c.opened_at, c.exercise, c.departed,
                (SELECT COUNT(DISTINCT COALESCE(m.supplier, m.id)) FROM incident o JOIN member m ON m.id = o.member_id
                 WHERE o.campaign_id = c.id) AS independent,
                (SELECT COUNT(DISTINCT o.member_id) FROM incident o WHERE o.campaign_id = c.id) AS member_count
         FROM campaign c LEFT JOIN indicator n ON c.link_kind = 'indicator' AND n.id = CAST(c.link_value AS BIGINT)
         WHERE c.id BETWEEN $1 AND $2",
    )
    .bind(low)
    .bind(high)
    .fetch_all(&mut *tx)
    .await?;
    let mut parts = parts(&mut tx, scope, campaign).await?;
    let mut indicators = indicators(&mut tx, scope, campaign).await?;
    let mut coverage = denominators(&mut tx, campaign).await?;
    let size = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let told = |count: i64| match scope {
        Scope::Operator => Some(count),
        Scope::Member(_) => Some(count).filter(|count| *count > OTHERS_MIN),
    };
    let mut campaigns = Vec::with_capacity(rows.len());
    for row in rows {
        let id: i64 = row.try_get("id")?;
        // A member that has no part in it is not told of it.
        let Some(parts) = parts.remove(&id) else { continue };
        let Some(span) = parts.iter().map(|part| part.span).reduce(Span::join) else { continue };
        let (title, link) = in_words(&row)?;
        let coverage = coverage.remove(&id).unwrap_or_default();
        let independent: i64 = row.try_get("independent")?;
        // Towards what may be told of others, members behind one supplier's network count once.
        let spread = |count: i64| told(count).filter(|_| told(independent).is_some());
        campaigns.push(CampaignView {
            id,
            uuid: row.try_get("uuid")?,
            title,
            link_kind: row.try_get("link_kind")?,
            link,
            indicators: indicators.remove(&id).unwrap_or_default(),
            member_count: spread(row.try_get("member_count")?),
            independent: Some(independent).filter(|_| scope == Scope::Operator),
            departed: Some(row.try_get("departed")?).filter(|_| scope == Scope::Operator),
            able_to_see: told(size(coverage.able.len())),
            members_total: told(size(coverage.total())),
            evidence: parts.iter().map(|part| part.view.evidence).max().unwrap_or(Evidence::Blocked),
            hosts: parts.iter().map(|part| part.hosts).sum(),
            alerts: parts.iter().map(|part| part.alerts).sum(),
            sightings: parts.iter().map(|part| part.sightings).sum(),
            first_seen: span.first,
            last_seen: span.last,
            opened_at: Timestamp(row.try_get("opened_at")?),
            exercise: row.try_get("exercise")?,
            members: parts.into_iter().map(|part| part.view).collect(),
        });
    }
    // By what is shown: the order must not tell a member when others were hit.
    campaigns.sort_unstable_by_key(|campaign| Reverse((campaign.last_seen, campaign.id)));
    Ok(campaigns)
}

/// The ids to look at, as a range: one index serves both one campaign and all.
fn ids(campaign: Option<i64>) -> (i64, i64) {
    campaign.map_or((1, i64::MAX), |id| (id, id))
}

struct Part {
    view: MemberPart,
    span: Span,
    hosts: i64,
    alerts: i64,
    sightings: i64,
}

/// Each member's part in each campaign, the first hit first. A resolver that asks for others is no host.
async fn parts(
    conn: &mut SqliteConnection,
    scope: Scope,
    campaign: Option<i64>,
) -> Result<BTreeMap<i64, Vec<Part>>, sqlx::Error> {
    let (low, high) = ids(campaign);
    let sql = format!(
        "SELECT i.campaign_id, m.number, m.name, CASE WHEN $1 IS NULL THEN m.supplier END, MIN(i.first_seen), MAX(i.last_seen),
                MAX(CASE WHEN {FOUNDS} THEN a.evidence ELSE 0 END),
                {HOSTS}, COUNT(a.id), SUM(a.count)
         FROM incident i JOIN member m ON m.id = i.member_id JOIN alert a ON a.incident_id = i.id
         WHERE i.campaign_id BETWEEN $2 AND $3 AND ($1 IS NULL OR i.member_id = $1)
         GROUP BY i.campaign_id, m.id, m.number, m.name, m.supplier ORDER BY MIN(i.first_seen), m.number"
    );
    type Found = (i64, String, String, Option<String>, i64, i64, i64, i64, i64, i64);
    let rows: Vec<Found> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(scope.member_id()).bind(low).bind(high).fetch_all(conn).await?;
    let mut parts: BTreeMap<i64, Vec<Part>> = BTreeMap::new();
    for (campaign, number, name, supplier, first, last, evidence, hosts, alerts, sightings) in rows {
        let span = Span::new(Timestamp(first), Timestamp(last));
        let view = MemberPart { number, name, supplier, first_seen: span.first, evidence: evidence_from(evidence) };
        parts.entry(campaign).or_default().push(Part { view, span, hosts, alerts, sightings });
    }
    Ok(parts)
}

async fn indicators(
    conn: &mut SqliteConnection,
    scope: Scope,
    campaign: Option<i64>,
) -> Result<BTreeMap<i64, Vec<IndicatorView>>, sqlx::Error> {
    let (low, high) = ids(campaign);
    let rows: Vec<(i64, i64, String, String, String)> = sqlx::query_as(
        "SELECT DISTINCT i.campaign_id, n.id, n.pattern, n.kind, n.tlp
         FROM incident i JOIN alert a ON a.incident_id = i.id JOIN indicator n ON n.id = a.indicator_id
         WHERE i.campaign_id BETWEEN $2 AND $3 AND ($1 IS NULL OR i.member_id = $1)
         ORDER BY n.pattern",
    )
    .bind(scope.member_id())
    .bind(low)
    .bind(high)
    .fetch_all(conn)
    .await?;
    let mut indicators: BTreeMap<i64, Vec<IndicatorView>> = BTreeMap::new();
    for (campaign, id, pattern, kind, tlp) in rows {
        let indicator = told_pattern(id, &pattern, &tlp);
        indicators.entry(campaign).or_default().push(IndicatorView { indicator, kind });
    }
    Ok(indicators)
}

/// The campaign that an id or a uuid means today, also if it has become part of another since.
///
/// # Errors
/// The database's own.
pub async fn resolve(store: &Store, scope: Scope, name: &str) -> Result<Option<i64>, StoreError> {
    let number: Option<i64> = name.parse().ok();
    let found = sqlx::query_scalar(
        "SELECT f.id FROM (SELECT id FROM campaign WHERE id = $1 OR uuid = $2
                           UNION ALL SELECT into_id FROM merged WHERE kind = 'campaign' AND (id = $1 OR uuid = $2)) f
         WHERE $3 IS NULL OR EXISTS (SELECT 1 FROM incident i WHERE i.campaign_id = f.id AND i.member_id = $3)",
    )
    .bind(number)
    .bind(name.to_ascii_lowercase())
    .bind(scope.member_id())
    .fetch_optional(store.readers())
    .await?;
    Ok(found)
}
