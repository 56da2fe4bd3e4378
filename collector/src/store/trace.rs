//! What strands may share: traces, read for correlation and written as it decides.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use varde_common::time::Timestamp;

use super::record::{ROWS_PER_STATEMENT, padded, pieces, push_ids};
use super::strand::kind_from;
use crate::campaign::{Trace, TraceDecision};
use crate::link::{Key, KeyKind};
use crate::strand::{Link, Span, StrandDecision};

/// The values of each kind, in pieces that fit a statement.
pub(super) fn by_kind<'a>(keys: impl Iterator<Item = &'a Key> + Clone) -> Vec<(KeyKind, Vec<&'a str>)> {
    let mut pieces = Vec::new();
    for kind in KeyKind::ALL {
        let values: Vec<&str> = keys.clone().filter(|key| key.kind == kind).map(|key| key.value.as_str()).collect();
        pieces.extend(values.chunks(ROWS_PER_STATEMENT).map(|chunk| (kind, chunk.to_vec())));
    }
    pieces
}

/// Where the traces of a key need not be looked for but at what has it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// They are looked for everywhere.
    None,
    /// In this cluster: all that has the key now is in it already.
    Cluster(i64),
    /// Nowhere: the key links nothing.
    Everywhere,
}

const COLUMNS: &str =
    "t.id, t.kind, t.value, t.exercise, t.strand_id, t.first_seen, t.last_seen, s.incident_id, i.cluster_id";

/// All traces of these keys but for what lies at their homes, and of these strands those there too.
///
/// # Errors
/// The database's own.
pub async fn of_keys(
    conn: &mut SqliteConnection,
    keys: &BTreeMap<Key, Home>,
    strands: &[i64],
) -> Result<Vec<Trace>, sqlx::Error> {
    let mut traces = BTreeMap::new();
    for piece in strands.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT ");
        select.push(COLUMNS).push(
            " FROM trace t JOIN strand s ON s.id = t.strand_id JOIN incident i ON i.id = s.incident_id WHERE t.strand_id IN ",
        );
        push_ids(&mut select, piece);
        let own = read(conn, select).await?;
        traces.extend(own.into_iter().filter(|trace| keys.contains_key(&trace.key)).map(|trace| (trace.id, trace)));
    }
    // Nothing is in cluster 0.
    let abroad: Vec<(&Key, i64)> = keys
        .iter()
        .filter_map(|(key, home)| match home {
            Home::None => Some((key, 0)),
            Home::Cluster(cluster) => Some((key, *cluster)),
            Home::Everywhere => None,
        })
        .collect();
    for piece in abroad.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT ");
        select.push(COLUMNS).push(" FROM (");
        select.push_values(padded(piece), |mut row, one| {
            row.push_bind(one.map(|(key, _)| key.kind.as_str()))
                .push_bind(one.map(|(key, _)| key.value.clone()))
                .push_bind(one.map(|(_, home)| *home));
        });
        select.push(
            ") v JOIN trace t ON t.kind = v.column1 AND t.value = v.column2 JOIN strand s ON s.id = t.strand_id
             JOIN incident i ON i.id = s.incident_id WHERE i.cluster_id <> v.column3",
        );
        traces.extend(read(conn, select).await?.into_iter().map(|trace| (trace.id, trace)));
    }
    Ok(traces.into_values().collect())
}

async fn read(conn: &mut SqliteConnection, mut select: QueryBuilder<Sqlite>) -> Result<Vec<Trace>, sqlx::Error> {
    type Found = (i64, String, String, bool, i64, i64, i64, i64, i64);
    let rows: Vec<Found> = select.build_query_as().fetch_all(conn).await?;
    let trace = |(id, kind, value, exercise, strand, first, last, incident, cluster): Found| {
        let (key, span) = (Key { kind: KeyKind::of(&kind)?, value }, Span::new(Timestamp(first), Timestamp(last)));
        Some(Trace { id, key, exercise, strand, incident, cluster, span })
    };
    Ok(rows.into_iter().filter_map(trace).collect())
}

/// Writes what was decided about traces; `ids` has the ids of the strands decided.
///
/// # Errors
/// The database's own.
pub async fn apply_all(
    conn: &mut SqliteConnection,
    decisions: &[TraceDecision],
    strands: &[StrandDecision],
    ids: &[i64],
) -> Result<(), sqlx::Error> {
    let (mut fresh, mut kept) = (Vec::new(), Vec::new());
    for decision in decisions {
        let (Some(strand), Some(id)) = (strands.get(decision.strand), ids.get(decision.strand)) else { continue };
        for &old in &decision.absorbed {
            sqlx::query("DELETE FROM trace WHERE id = $1").bind(old).execute(&mut *conn).await?;
        }
        match decision.kept {
            Some(trace) => kept.push((trace, *id, decision.span)),
            None => fresh.push((decision, strand, *id)),
        }
    }
    insert(conn, &fresh).await?;
    for piece in pieces(&kept) {
        let mut update: QueryBuilder<Sqlite> = QueryBuilder::new(
            "UPDATE trace SET strand_id = v.column2, first_seen = v.column3, last_seen = v.column4 FROM (",
        );
        update.push_values(piece, |mut row, (trace, strand, span)| {
            row.push_bind(*trace).push_bind(*strand).push_bind(span.first.0).push_bind(span.last.0);
        });
        update.push(") v WHERE trace.id = v.column1");
        update.build().execute(&mut *conn).await?;
    }
    Ok(())
}

async fn insert(
    conn: &mut SqliteConnection,
    fresh: &[(&TraceDecision, &StrandDecision, i64)],
) -> Result<(), sqlx::Error> {
    if fresh.is_empty() {
        return Ok(());
    }
    let mut next: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(id), 0) + 1 FROM trace").fetch_one(&mut *conn).await?;
    for piece in pieces(fresh) {
        let mut insert: QueryBuilder<Sqlite> = QueryBuilder::new(
            "INSERT INTO trace (id, member_id, strand_id, kind, value, exercise, first_seen, last_seen) ",
        );
        insert.push_values(piece, |mut row, (decision, strand, id)| {
            row.push_bind(next)
                .push_bind(strand.member)
                .push_bind(*id)
                .push_bind(decision.key.kind.as_str())
                .push_bind(decision.key.value.clone())
                .push_bind(i64::from(strand.topic.exercise))
                .push_bind(decision.span.first.0)
                .push_bind(decision.span.last.0);
            next += 1;
        });
        insert.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// The different things that strands with this key are about, exercises left out, and no more than `most` of them.
///
/// # Errors
/// The database's own.
pub async fn topics(conn: &mut SqliteConnection, key: &Key, most: i64) -> Result<BTreeSet<Link>, sqlx::Error> {
    let sql = "SELECT DISTINCT s.link_kind, s.link_value FROM trace t JOIN strand s ON s.id = t.strand_id
        WHERE t.kind = $1 AND t.value = $2 AND t.exercise = 0 LIMIT $3";
    let rows: Vec<(String, String)> =
        sqlx::query_as(sql).bind(key.kind.as_str()).bind(&key.value).bind(most).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(kind, value)| Link { kind: kind_from(&kind), value }).collect())
}
