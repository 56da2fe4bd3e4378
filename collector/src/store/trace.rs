//! What strands may share: traces, read for correlation and written as it decides.

use std::collections::BTreeSet;

use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use varde_common::time::Timestamp;

use super::record::ROWS_PER_STATEMENT;
use super::strand::kind_from;
use crate::campaign::{Trace, TraceDecision};
use crate::link::{Key, KeyKind};
use crate::strand::{Link, Span};

/// The values of each kind, in pieces that fit a statement.
pub(super) fn by_kind<'a>(keys: impl Iterator<Item = &'a Key> + Clone) -> Vec<(KeyKind, Vec<&'a str>)> {
    let mut pieces = Vec::new();
    for kind in KeyKind::ALL {
        let values: Vec<&str> = keys.clone().filter(|key| key.kind == kind).map(|key| key.value.as_str()).collect();
        pieces.extend(values.chunks(ROWS_PER_STATEMENT).map(|chunk| (kind, chunk.to_vec())));
    }
    pieces
}

/// All traces of these keys.
///
/// # Errors
/// The database's own.
pub async fn of_keys(conn: &mut SqliteConnection, keys: &BTreeSet<Key>) -> Result<Vec<Trace>, sqlx::Error> {
    let mut traces = Vec::new();
    for (kind, values) in by_kind(keys.iter()) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT t.id, t.value, t.exercise, t.strand_id, t.first_seen, t.last_seen, s.incident_id, i.cluster_id
             FROM trace t JOIN strand s ON s.id = t.strand_id JOIN incident i ON i.id = s.incident_id WHERE t.kind = ",
        );
        select.push_bind(kind.as_str()).push(" AND t.value IN (");
        let mut list = select.separated(", ");
        for value in values {
            list.push_bind(value.to_owned());
        }
        select.push(")");
        for row in &select.build().fetch_all(&mut *conn).await? {
            traces.push(Trace {
                id: row.try_get("id")?,
                key: Key { kind, value: row.try_get("value")? },
                exercise: row.try_get("exercise")?,
                strand: row.try_get("strand_id")?,
                incident: row.try_get("incident_id")?,
                cluster: row.try_get("cluster_id")?,
                span: Span::new(Timestamp(row.try_get("first_seen")?), Timestamp(row.try_get("last_seen")?)),
            });
        }
    }
    Ok(traces)
}

/// Writes what was decided about one trace, which is that of `strand`.
///
/// # Errors
/// The database's own.
pub async fn apply(
    conn: &mut SqliteConnection,
    decision: &TraceDecision,
    strand: i64,
    (member, exercise): (i64, bool),
) -> Result<(), sqlx::Error> {
    for &old in &decision.absorbed {
        sqlx::query("DELETE FROM trace WHERE id = $1").bind(old).execute(&mut *conn).await?;
    }
    let (first, last) = (decision.span.first.0, decision.span.last.0);
    let Some(id) = decision.kept else {
        let sql = "INSERT INTO trace (id, member_id, strand_id, kind, value, exercise, first_seen, last_seen)
            VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM trace), $1, $2, $3, $4, $5, $6, $7)";
        let insert = sqlx::query(sql).bind(member).bind(strand).bind(decision.key.kind.as_str());
        let insert = insert.bind(&decision.key.value).bind(i64::from(exercise)).bind(first).bind(last);
        return insert.execute(conn).await.map(drop);
    };
    let sql = "UPDATE trace SET strand_id = $2, first_seen = $3, last_seen = $4 WHERE id = $1";
    sqlx::query(sql).bind(id).bind(strand).bind(first).bind(last).execute(conn).await.map(drop)
}

/// The different things that strands with this key are about, and no more than `most` of them.
///
/// # Errors
/// The database's own.
pub async fn topics(conn: &mut SqliteConnection, key: &Key, most: i64) -> Result<BTreeSet<Link>, sqlx::Error> {
    let sql = "SELECT DISTINCT s.link_kind, s.link_value FROM trace t JOIN strand s ON s.id = t.strand_id
        WHERE t.kind = $1 AND t.value = $2 LIMIT $3";
    let rows: Vec<(String, String)> =
        sqlx::query_as(sql).bind(key.kind.as_str()).bind(&key.value).bind(most).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(kind, value)| Link { kind: kind_from(&kind), value }).collect())
}
