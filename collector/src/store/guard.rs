//! Guards: keys that link nothing any more, because they would link everything; and what stands behind each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::json;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use varde_common::indicator::Pattern;
use varde_common::time::Timestamp;

use super::record::{ROWS_PER_STATEMENT, push_ids, push_words};
use super::{departure, meeting, mere_list, restored, trace};
use crate::link::{Backing, Key, KeyKind};
use crate::strand::AlertFact;
use crate::weights::Weights;

/// How an indicator stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it looks for.
    pub pattern: Option<Pattern>,
    /// How sure its sources are, 0-100.
    pub confidence: u8,
    /// How many members it has met.
    pub members: i64,
    /// A threat is named beside it, which is no mere list.
    pub of_threat: bool,
    /// All that is named beside it is a mere list.
    pub of_mere_list: bool,
}

impl Standing {
    /// Who stands for it.
    pub fn backing(&self, weights: &Weights) -> Backing {
        Backing::of(self.confidence, self.of_mere_list, weights)
    }
}

/// How these indicators stand.
///
/// # Errors
/// The database's own.
pub async fn standing(
    conn: &mut SqliteConnection,
    indicators: &BTreeSet<i64>,
) -> Result<HashMap<i64, Standing>, sqlx::Error> {
    let ids: Vec<i64> = indicators.iter().copied().collect();
    let mut found = HashMap::new();
    for chunk in ids.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT n.id, n.pattern, n.confidence, (SELECT COUNT(*) FROM meeting m WHERE m.indicator_id = n.id),
                n.threat IS NOT NULL AND n.threat <> '',
                EXISTS (SELECT 1 FROM guard g WHERE g.kind = 'threat' AND g.value = n.threat
                    AND (g.settled_as IS NULL OR g.settled_as <> 'overruled'))
             FROM indicator n WHERE n.id IN ",
        );
        push_ids(&mut select, chunk);
        let rows: Vec<(i64, String, i64, i64, bool, bool)> = select.build_query_as().fetch_all(&mut *conn).await?;
        found.extend(rows.into_iter().map(|(id, pattern, confidence, members, is_named, of_mere_list)| {
            let confidence = u8::try_from(confidence).unwrap_or(0);
            let (pattern, of_threat) = (pattern.parse().ok(), is_named && !of_mere_list);
            (id, Standing { pattern, confidence, members, of_threat, of_mere_list })
        }));
    }
    Ok(found)
}

/// Those of these keys that link nothing.
///
/// # Errors
/// The database's own.
pub async fn tripped(conn: &mut SqliteConnection, keys: &BTreeSet<Key>) -> Result<BTreeSet<Key>, sqlx::Error> {
    let known = settled(conn, keys).await?;
    Ok(known.into_iter().filter(|(_, stands)| *stands).map(|(key, _)| key).collect())
}

/// Those of these keys that a guard has tripped over, each with whether that stands: a person may have said no.
pub(super) async fn settled(
    conn: &mut SqliteConnection,
    keys: &BTreeSet<Key>,
) -> Result<BTreeMap<Key, bool>, sqlx::Error> {
    let mut found = BTreeMap::new();
    for (kind, values) in trace::by_kind(keys.iter()) {
        let mut select: QueryBuilder<Sqlite> =
            QueryBuilder::new("SELECT value, settled_as IS NULL OR settled_as <> 'overruled' FROM guard WHERE kind = ");
        select.push_bind(kind.as_str()).push(" AND value IN ");
        push_words(&mut select, &values);
        let rows: Vec<(String, bool)> = select.build_query_as().fetch_all(&mut *conn).await?;
        found.extend(rows.into_iter().map(|(value, stands)| (Key { kind, value }, stands)));
    }
    Ok(found)
}

/// A key links nothing from now on.
pub(super) async fn trip(
    conn: &mut SqliteConnection,
    key: &Key,
    numbers: &serde_json::Value,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO guard (id, kind, value, tripped_at, numbers) VALUES ($5, $1, $2, $3, $4)
        ON CONFLICT (kind, value) DO NOTHING";
    let id = next_id(conn).await?;
    let insert = sqlx::query(sql).bind(key.kind.as_str()).bind(&key.value).bind(now.0).bind(numbers.to_string());
    insert.bind(id).execute(conn).await.map(drop)
}

/// The next guard's number: none is given twice, since people lift guards by them.
///
/// # Errors
/// The database's own.
pub(super) async fn next_id(conn: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let deleted = restored::above(conn, departure::GUARDS_ABOVE).await?;
    let there: Option<i64> = sqlx::query_scalar("SELECT MAX(id) FROM guard").fetch_one(conn).await?;
    Ok(there.unwrap_or(0).max(deleted) + 1)
}

/// Looks whether what new alerts share is too common to link: addresses that are not rare, indicators that look like noise, of those
/// that have `spread` to another member. Gives the keys that link nothing from now on and did so before.
///
/// # Errors
/// The database's own.
pub async fn look(
    conn: &mut SqliteConnection,
    facts: &[AlertFact],
    spread: &BTreeSet<i64>,
    standing: &HashMap<i64, Standing>,
    weights: &Weights,
    now: Timestamp,
) -> Result<Vec<Key>, sqlx::Error> {
    let keys: BTreeSet<Key> = facts.iter().flat_map(AlertFact::shares).map(|(key, _)| key.clone()).collect();
    let known = settled(conn, &keys).await?;
    let mut fresh = Vec::new();
    for key in keys.into_iter().filter(|key| !known.contains_key(key)) {
        let numbers = match key.kind {
            KeyKind::Address => {
                let most = weights.link.address_topics_max;
                let mut topics = trace::topics(conn, &key, most.saturating_add(1)).await?;
                // An exercise hides nothing: what is practised with makes no address a common one.
                let here =
                    facts.iter().filter(|fact| !fact.topic.exercise && fact.shares().any(|(its, _)| *its == key));
                topics.extend(here.map(|fact| fact.topic.link.clone()));
                let topics = i64::try_from(topics.len()).unwrap_or(i64::MAX);
                (topics > most).then(|| json!({ "topics_over": most }))
            }
            // Only one that has met another member is another case than it was.
            KeyKind::Indicator => match key
                .value
                .parse()
                .ok()
                .filter(|id| spread.contains(id))
                .and_then(|id| standing.get(&id).map(|found| (id, found)))
            {
                Some((id, found)) => meeting::looks_like_noise(conn, id, found, weights).await?,
                None => None,
            },
            // Nothing about a threat is another case than it was before one of its indicators has met another member.
            KeyKind::Threat => match spread.is_empty() {
                true => None,
                false => mere_list::behaves_like_one(conn, &key.value, weights).await?,
            },
            // What is known of an indicator holds for contact with it; domains are looked at where they are named.
            KeyKind::Contact | KeyKind::Domain => None,
        };
        if let Some(numbers) = numbers {
            trip(conn, &key, &numbers, now).await?;
            fresh.push(key);
        }
    }
    Ok(fresh)
}
