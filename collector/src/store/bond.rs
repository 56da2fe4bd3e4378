//! What holds a campaign together, in numbers; and into what it would fall if only that held which still links.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sqlx::{Row, SqliteConnection};
use varde_common::time::Timestamp;

use super::alert::shown_pattern;
use super::{Scope, Store, StoreError, guard, weights};
use crate::campaign::{Guards, Trace, parts};
use crate::limits::BONDS_SHOWN_MAX;
use crate::link::{Key, KeyKind};
use crate::strand::Span;

/// Something that incidents of a campaign share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bond {
    /// threat, indicator, contact, address or domain.
    pub kind: KeyKind,
    /// What it is: the threat's name, the indicator's value, the address, the domain.
    pub value: String,
    /// How many incidents of the campaign have it.
    pub incidents: usize,
    /// Its strength; a link counts from the threshold up.
    pub strength: i64,
    /// It links still: no guard has tripped over it.
    pub links: bool,
}

async fn traces(conn: &mut SqliteConnection, campaign: i64) -> Result<Vec<Trace>, sqlx::Error> {
    let sql =
        "SELECT t.id, t.kind, t.value, t.exercise, t.strand_id, t.first_seen, t.last_seen, s.incident_id, i.cluster_id
        FROM incident i JOIN strand s ON s.incident_id = i.id JOIN trace t ON t.strand_id = s.id
        WHERE i.campaign_id = $1 ORDER BY t.id";
    let mut traces = Vec::new();
    for row in &sqlx::query(sql).bind(campaign).fetch_all(conn).await? {
        let Some(kind) = KeyKind::of(row.try_get("kind")?) else { continue };
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
    Ok(traces)
}

/// What the incidents of a campaign share, what most have first. For the operator only: it tells of every member.
///
/// # Errors
/// The database's own.
pub async fn bonds_of(conn: &mut SqliteConnection, campaign: i64) -> Result<Vec<Bond>, sqlx::Error> {
    let weights = weights::in_force(conn).await?;
    let mut incidents: BTreeMap<Key, BTreeSet<i64>> = BTreeMap::new();
    for trace in traces(conn, campaign).await? {
        incidents.entry(trace.key).or_default().insert(trace.incident);
    }
    incidents.retain(|_, inside| inside.len() > 1);
    let tripped = guard::tripped(conn, &incidents.keys().map(Key::guarded).collect()).await?;
    let mut shared: Vec<(Key, usize)> = incidents.into_iter().map(|(key, inside)| (key, inside.len())).collect();
    shared.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    shared.truncate(BONDS_SHOWN_MAX);
    let mut bonds = Vec::with_capacity(shared.len());
    for (key, incidents) in shared {
        let links = !tripped.contains(&key.guarded());
        let strength = key.kind.strength(&weights);
        let value = match key.kind {
            KeyKind::Indicator | KeyKind::Contact => {
                let sql = "SELECT pattern FROM indicator WHERE id = CAST($1 AS BIGINT)";
                let found: Option<String> = sqlx::query_scalar(sql).bind(&key.value).fetch_optional(&mut *conn).await?;
                found.map_or(key.value, |pattern| shown_pattern(&pattern))
            }
            KeyKind::Threat | KeyKind::Address | KeyKind::Domain => key.value,
        };
        bonds.push(Bond { kind: key.kind, value, incidents, strength, links });
    }
    Ok(bonds)
}

impl Store {
    /// What the incidents of a campaign share; the operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn bonds(&self, scope: Scope, campaign: i64) -> Result<Vec<Bond>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let mut tx = self.readers().begin().await?;
        Ok(bonds_of(&mut tx, campaign).await?)
    }

    /// Into what a campaign would fall if only that held which links still, and only what links strongly where it is too
    /// connected: incidents by part, the largest first. One part = there is nothing to split.
    ///
    /// # Errors
    /// The database's own.
    pub async fn proposed_split(&self, scope: Scope, campaign: i64) -> Result<Vec<Vec<i64>>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let mut tx = self.readers().begin().await?;
        let weights = weights::in_force(&mut tx).await?;
        let sql = "SELECT id FROM incident WHERE campaign_id = $1 ORDER BY id";
        let incidents: Vec<i64> = sqlx::query_scalar(sql).bind(campaign).fetch_all(&mut *tx).await?;
        let sql = "SELECT k.too_connected_why FROM cluster k JOIN campaign c ON c.cluster_id = k.id WHERE c.id = $1";
        let why: Option<Option<String>> = sqlx::query_scalar(sql).bind(campaign).fetch_optional(&mut *tx).await?;
        let traces = traces(&mut tx, campaign).await?;
        let keys: BTreeSet<Key> = traces.iter().map(|trace| trace.key.clone()).collect();
        let ids: BTreeSet<i64> = keys.iter().filter_map(Key::indicator).collect();
        let standing = guard::standing(&mut tx, &ids).await?;
        let backing = standing.iter().map(|(id, found)| (*id, found.backing(&weights))).collect();
        let guards = Guards { tripped: guard::tripped(&mut tx, &keys).await?, backing, ..Guards::default() };
        let only_strong = why.flatten().as_deref() == Some(super::cluster::TOPICS);
        Ok(parts(&incidents, &traces, &guards, &weights, only_strong))
    }
}
