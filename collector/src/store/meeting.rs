//! Which members an indicator has met, and whether it looks like noise by that.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use super::alert::{HOSTS, evidence_from, level_of};
use super::guard::Standing;
use super::record::{ROWS_PER_STATEMENT, padded};
use crate::noise::{self, Met, Reached, Record};
use crate::weights::Weights;

/// Notes that indicators met members: (indicator, member, first seen, how far it got). Exercises are left out by the caller.
/// Gives the indicators that met a member they had not met before.
///
/// # Errors
/// The database's own.
pub async fn note(
    conn: &mut SqliteConnection,
    met: &[(i64, i64, Timestamp, Evidence)],
) -> Result<BTreeSet<i64>, sqlx::Error> {
    let mut spread = BTreeSet::new();
    let mut all: BTreeMap<(i64, i64), (Timestamp, Evidence)> = BTreeMap::new();
    for (indicator, member, first_seen, evidence) in met {
        let entry = all.entry((*indicator, *member)).or_insert((*first_seen, *evidence));
        *entry = (entry.0.min(*first_seen), entry.1.max(*evidence));
    }
    let known = known(conn, &Vec::from_iter(all.keys().copied())).await?;
    for ((indicator, member), (first_seen, evidence)) in all {
        match known.get(&(indicator, member)) {
            None => {
                let sql = "INSERT INTO meeting (indicator_id, member_id, first_seen, evidence) VALUES ($1, $2, $3, $4)";
                let insert = sqlx::query(sql).bind(indicator).bind(member).bind(first_seen.0).bind(level_of(evidence));
                insert.execute(&mut *conn).await?;
                spread.insert(indicator);
            }
            Some((before, most)) if first_seen < *before || evidence > *most => {
                let sql =
                    "UPDATE meeting SET first_seen = $3, evidence = $4 WHERE indicator_id = $1 AND member_id = $2";
                let update = sqlx::query(sql).bind(indicator).bind(member).bind(first_seen.min(*before).0);
                update.bind(level_of(evidence.max(*most))).execute(&mut *conn).await?;
            }
            // The usual case: it has met this member before, and gone as far.
            Some(_) => {}
        }
    }
    Ok(spread)
}

/// When these indicators first met these members, and how far they got there.
async fn known(
    conn: &mut SqliteConnection,
    pairs: &[(i64, i64)],
) -> Result<HashMap<(i64, i64), (Timestamp, Evidence)>, sqlx::Error> {
    let mut known = HashMap::new();
    for piece in pairs.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> =
            QueryBuilder::new("SELECT m.indicator_id, m.member_id, m.first_seen, m.evidence FROM (");
        select.push_values(padded(piece), |mut row, pair| {
            row.push_bind(pair.map(|(indicator, _)| *indicator)).push_bind(pair.map(|(_, member)| *member));
        });
        select.push(") v JOIN meeting m ON m.indicator_id = v.column1 AND m.member_id = v.column2");
        let rows: Vec<(i64, i64, i64, i64)> = select.build_query_as().fetch_all(&mut *conn).await?;
        let read = |(indicator, member, first_seen, evidence)| {
            ((indicator, member), (Timestamp(first_seen), evidence_from(evidence)))
        };
        known.extend(rows.into_iter().map(read));
    }
    Ok(known)
}

/// The numbers by which an indicator looks like noise, if it does. What costs most is asked only where the rest would do.
pub(super) async fn looks_like_noise(
    conn: &mut SqliteConnection,
    indicator: i64,
    standing: &Standing,
    weights: &Weights,
) -> Result<Option<serde_json::Value>, sqlx::Error> {
    let enough = i64::try_from(weights.noise.members_min).unwrap_or(i64::MAX);
    if standing.members < enough {
        return Ok(None);
    }
    let able = able_to_see(conn, indicator).await?;
    let share = i64::try_from(weights.noise.share_hundredths).unwrap_or(100);
    if standing.members.saturating_mul(100) < able.max(standing.members).saturating_mul(share) {
        return Ok(None);
    }
    let sql = format!(
        "SELECT m.member_id, m.first_seen, m.evidence, COALESCE((SELECT {HOSTS} FROM alert a
            WHERE a.indicator_id = m.indicator_id AND a.member_id = m.member_id AND a.exercise = 0), 0)
         FROM meeting m WHERE m.indicator_id = $1"
    );
    let rows: Vec<(i64, i64, i64, i64)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(indicator).fetch_all(&mut *conn).await?;
    let met = rows.into_iter().map(|(_, first_seen, evidence, hosts)| Met {
        first_seen: Timestamp(first_seen),
        evidence: evidence_from(evidence),
        hosts,
    });
    let reached = reached(conn, "a.indicator_id = CAST($1 AS BIGINT)", &indicator.to_string()).await?;
    let sql = "SELECT published_at FROM indicator WHERE id = $1";
    let published_at: Option<i64> = sqlx::query_scalar(sql).bind(indicator).fetch_one(&mut *conn).await?;
    let record = Record {
        met: met.collect(),
        reached,
        able: usize::try_from(able).unwrap_or(0),
        confidence: standing.confidence,
        is_listed: standing.of_mere_list,
        is_named: standing.of_threat,
        published_at: published_at.map(Timestamp),
        verdicts: verdicts(conn, indicator).await?,
    };
    let numbers = noise::look(&record, &weights.noise);
    Ok(numbers.and_then(|numbers| serde_json::to_value(numbers).ok()))
}

/// At how many hosts these alerts were, at how many of them stopped, and at how many further than an answer.
pub(super) async fn reached(
    conn: &mut SqliteConnection,
    which: &'static str,
    value: &str,
) -> Result<Reached, sqlx::Error> {
    let sql = format!(
        "SELECT COALESCE(SUM(COALESCE(a.hosts, 1)), 0),
            COALESCE(SUM(CASE WHEN a.evidence = $2 THEN COALESCE(a.hosts, 1) ELSE 0 END), 0),
            COALESCE(SUM(CASE WHEN a.evidence > $3 THEN COALESCE(a.hosts, 1) ELSE 0 END), 0)
         FROM alert a WHERE {which} AND a.exercise = 0 AND (a.client IS NOT NULL OR a.hosts IS NOT NULL)"
    );
    let select = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(value);
    let select = select.bind(level_of(Evidence::Blocked)).bind(level_of(Evidence::Answered));
    let (hosts, stopped, beyond): (i64, i64, i64) = select.fetch_one(conn).await?;
    Ok(Reached { hosts, stopped, beyond })
}

/// How many members have a sensor that was let in, is not shut out, and holds a list that has the indicator: whoever is silent for a
/// moment is counted here, for a proposal must not come of an outage. It is an upper bound of who could see it.
pub(super) async fn able_to_see(conn: &mut SqliteConnection, indicator: i64) -> Result<i64, sqlx::Error> {
    let sql = "SELECT COUNT(DISTINCT s.member_id) FROM site s JOIN sensor o ON o.id = s.sensor_id
        WHERE o.enrolled_at IS NOT NULL AND o.revoked_at IS NULL
          AND o.revision >= COALESCE((SELECT n.published_in FROM indicator n WHERE n.id = $1), 1)";
    sqlx::query_scalar(sql).bind(indicator).fetch_one(conn).await
}

/// Verdicts that confirmed what an indicator's sources named, and that refuted it.
async fn verdicts(conn: &mut SqliteConnection, indicator: i64) -> Result<(i64, i64), sqlx::Error> {
    let sql = "SELECT COALESCE(SUM(CASE WHEN j.verdict = 'confirmed' THEN 1 ELSE 0 END), 0),
            COALESCE(SUM(CASE WHEN j.verdict = 'false-positive' THEN 1 ELSE 0 END), 0)
        FROM judged_source b JOIN judgement j ON j.id = b.judgement_id
        WHERE j.exercise = 0 AND b.source_id IN (SELECT c.source_id FROM claim c WHERE c.indicator_id = $1)";
    sqlx::query_as(sql).bind(indicator).fetch_one(conn).await
}
