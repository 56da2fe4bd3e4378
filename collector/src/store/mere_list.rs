//! Threats that are mere lists: by what is said of them, and by how members met them.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::SqliteConnection;
use varde_common::indicator::{Pattern, Target};
use varde_common::time::Timestamp;

use super::{guard, meeting};
use crate::commons::Commons;
use crate::intel::format::threat_of_tag;
use crate::limits::{CLAIMS_OF_THREAT_MAX, INDICATORS_OF_THREAT_MAX};
use crate::link::{Key, KeyKind};
use crate::noise::{self, ThreatRecord};
use crate::weights::Weights;

/// Of these threats those that are mere lists, by what is said of them or by what was found before. Found now, they are kept as such.
///
/// # Errors
/// The database's own.
pub async fn among(
    conn: &mut SqliteConnection,
    threats: &BTreeSet<String>,
    weights: &Weights,
    now: Timestamp,
) -> Result<(BTreeSet<String>, Vec<Key>), sqlx::Error> {
    let keys: BTreeSet<Key> = threats.iter().map(|name| Key { kind: KeyKind::Threat, value: name.clone() }).collect();
    let known = guard::settled(conn, &keys).await?;
    let (mut lists, mut fresh) = (BTreeSet::new(), Vec::new());
    for key in keys {
        let is_list = match known.get(&key) {
            Some(stands) => *stands,
            None => {
                let most = weights.link.mere_list_indicators;
                let is_list = is_named_as_one(conn, &key.value, most, now).await?;
                if is_list {
                    guard::trip(conn, &key, &json!({ "indicators_over": most }), now).await?;
                    fresh.push(key.clone());
                }
                is_list
            }
        };
        if is_list {
            lists.insert(key.value);
        }
    }
    Ok((lists, fresh))
}

/// Whether more unrelated things than `most` are said to be of this threat, and no galaxy knows it.
async fn is_named_as_one(
    conn: &mut SqliteConnection,
    threat: &str,
    most: i64,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    // What is practised with says nothing of what is real, nor does what is said no more.
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM indicator
        WHERE threat = $1 AND exercise = 0 AND withdrawn_at IS NULL
            AND (valid_until IS NULL OR valid_until > $3) LIMIT $2) t";
    let count: i64 =
        sqlx::query_scalar(sql).bind(threat).bind(most.saturating_add(1)).bind(now.0).fetch_one(&mut *conn).await?;
    if count <= most {
        return Ok(false);
    }
    let sql = "SELECT pattern FROM indicator WHERE threat = $1 AND exercise = 0 AND withdrawn_at IS NULL
        AND (valid_until IS NULL OR valid_until > $3) ORDER BY id LIMIT $2";
    let patterns: Vec<String> =
        sqlx::query_scalar(sql).bind(threat).bind(INDICATORS_OF_THREAT_MAX).bind(now.0).fetch_all(&mut *conn).await?;
    let parties: BTreeSet<String> = patterns.into_iter().map(party).collect();
    let is_long = i64::try_from(parties.len()).unwrap_or(i64::MAX) > most;
    Ok(is_long && !is_in_a_galaxy(conn, threat).await?)
}

/// Whose an indicator is: names under one registrable domain are one party's.
fn party(pattern: String) -> String {
    match pattern.parse::<Pattern>().map(|read| read.target) {
        Ok(Target::Domain(name) | Target::Host(name)) => Commons::known().own_domain(&name).unwrap_or(pattern),
        Ok(Target::Address(_) | Target::Network { .. } | Target::Ja4(_) | Target::Confidential(_)) | Err(_) => pattern,
    }
}

/// Whether a source that names the threat names it by a cluster of a MISP galaxy.
async fn is_in_a_galaxy(conn: &mut SqliteConnection, threat: &str) -> Result<bool, sqlx::Error> {
    let sql = "SELECT c.details FROM indicator n JOIN claim c ON c.indicator_id = n.id
        WHERE n.threat = $1 AND c.threat = $1 AND c.withdrawn_at IS NULL AND c.details LIKE '%misp-galaxy:%' LIMIT $2";
    let details: Vec<String> =
        sqlx::query_scalar(sql).bind(threat).bind(CLAIMS_OF_THREAT_MAX).fetch_all(&mut *conn).await?;
    let tags = details.iter().filter_map(|json| serde_json::from_str::<serde_json::Value>(json).ok());
    let mut tags = tags.flat_map(|details| match details.get("tags") {
        Some(serde_json::Value::Array(tags)) => tags.clone(),
        Some(_) | None => Vec::new(),
    });
    Ok(tags.any(|tag| tag.as_str().and_then(threat_of_tag).is_some_and(|name| name == threat)))
}

/// The numbers by which a threat that nobody is sure of behaves like a list: many of its indicators met many members, and little came of it.
///
/// # Errors
/// The database's own.
pub async fn behaves_like_one(
    conn: &mut SqliteConnection,
    threat: &str,
    weights: &Weights,
) -> Result<Option<serde_json::Value>, sqlx::Error> {
    let least = weights.link.mere_list_met;
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM indicator n WHERE n.threat = $1
        AND EXISTS (SELECT 1 FROM meeting m WHERE m.indicator_id = n.id) LIMIT $2) t";
    let met: i64 = sqlx::query_scalar(sql).bind(threat).bind(least).fetch_one(&mut *conn).await?;
    if met < least {
        return Ok(None);
    }
    let sql =
        "SELECT COUNT(DISTINCT m.indicator_id), COUNT(DISTINCT m.member_id), COALESCE(MAX(n.confidence), 0), MIN(n.id)
        FROM indicator n JOIN meeting m ON m.indicator_id = n.id WHERE n.threat = $1";
    let (met, members, confidence, first): (i64, i64, i64, i64) =
        sqlx::query_as(sql).bind(threat).fetch_one(&mut *conn).await?;
    let record = ThreatRecord {
        met,
        members,
        able: meeting::able_to_see(conn, first).await?,
        confidence: u8::try_from(confidence).unwrap_or(u8::MAX),
        is_in_a_galaxy: is_in_a_galaxy(conn, threat).await?,
        reached: meeting::reached(conn, "a.indicator_id IN (SELECT n.id FROM indicator n WHERE n.threat = $1)", threat)
            .await?,
    };
    let numbers = noise::look_at_threat(&record, weights);
    Ok(numbers.and_then(|numbers| serde_json::to_value(numbers).ok()))
}
