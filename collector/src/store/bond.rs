//! What holds a campaign together, in numbers; and into what it would fall if only that held which still links.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sqlx::{Row, SqliteConnection};
use varde_common::time::Timestamp;

use super::alert::told_pattern;
use super::{Scope, Store, StoreError, gateway, guard, weights};
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

/// A key that an incident of a campaign has, as it may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceRow {
    /// threat, indicator, address or domain.
    pub kind: KeyKind,
    /// What it is.
    pub value: String,
    /// `incident.id`.
    pub incident: i64,
    /// When it had it.
    pub span: Span,
    /// It links still: no guard has tripped over it.
    pub links: bool,
}

/// Whose traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Those of all incidents of a campaign.
    Campaign(i64),
    /// Those of one incident.
    Incident(i64),
}

/// Whether the strand `s` of a trace `t` has met what is marked for few: its address and its domain would tell the value. Nothing else is
/// asked about, for it is asked of every trace.
const IS_STRICT: &str = "CASE WHEN t.kind IN ('address', 'domain') THEN EXISTS (SELECT 1 FROM alert a JOIN indicator n
    ON n.id = a.indicator_id WHERE a.strand_id = s.id AND n.tlp NOT IN ('TLP:CLEAR', 'TLP:GREEN', 'TLP:AMBER')) ELSE 0 END";

/// Traces, and of which addresses and domains the value is not told.
async fn traces(conn: &mut SqliteConnection, of: Of) -> Result<(Vec<Trace>, BTreeSet<Key>), sqlx::Error> {
    let (column, id) = match of {
        Of::Campaign(id) => ("i.campaign_id", id),
        Of::Incident(id) => ("i.id", id),
    };
    let sql = format!(
        "SELECT t.id, t.kind, t.value, t.exercise, t.strand_id, t.first_seen, t.last_seen, s.incident_id, i.cluster_id, {IS_STRICT} AS strict
        FROM incident i JOIN strand s ON s.incident_id = i.id JOIN trace t ON t.strand_id = s.id
        WHERE {column} = $1 ORDER BY t.id"
    );
    let (mut traces, mut hidden) = (Vec::new(), BTreeSet::new());
    for row in &sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_all(conn).await? {
        let Some(kind) = KeyKind::of(row.try_get("kind")?) else { continue };
        if row.try_get("strict")? && matches!(kind, KeyKind::Address | KeyKind::Domain) {
            hidden.insert(Key { kind, value: row.try_get("value")? });
        }
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
    Ok((traces, hidden))
}

/// A key's value as whoever reads is told of it.
async fn told(conn: &mut SqliteConnection, key: Key, hidden: &BTreeSet<Key>) -> Result<String, sqlx::Error> {
    if hidden.contains(&key) {
        return Ok(format!("confidential {}", key.kind.as_str()));
    }
    Ok(match key.kind {
        KeyKind::Indicator | KeyKind::Contact => {
            let sql = "SELECT id, pattern, tlp FROM indicator WHERE id = CAST($1 AS BIGINT)";
            let found: Option<(i64, String, String)> =
                sqlx::query_as(sql).bind(&key.value).fetch_optional(&mut *conn).await?;
            found.map_or(key.value, |(id, pattern, tlp)| told_pattern(id, &pattern, &tlp))
        }
        KeyKind::Threat | KeyKind::Address | KeyKind::Domain => key.value,
    })
}

/// What the incidents of a campaign share, what most have first. For the operator only: it tells of every member.
///
/// # Errors
/// The database's own.
pub async fn bonds_of(conn: &mut SqliteConnection, campaign: i64) -> Result<Vec<Bond>, sqlx::Error> {
    let weights = weights::in_force(conn).await?;
    let mut incidents: BTreeMap<Key, BTreeSet<i64>> = BTreeMap::new();
    let (traces, hidden) = traces(conn, Of::Campaign(campaign)).await?;
    for trace in traces {
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
        let kind = key.kind;
        let value = told(conn, key, &hidden).await?;
        bonds.push(Bond { kind, value, incidents, strength, links });
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

    /// What incidents may share with others, the earliest first, at most `most`; the operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn traces(&self, scope: Scope, of: Of, most: usize) -> Result<Vec<TraceRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let mut tx = self.readers().begin().await?;
        let (mut found, hidden) = traces(&mut tx, of).await?;
        let tripped = guard::tripped(&mut tx, &found.iter().map(|trace| trace.key.clone()).collect()).await?;
        found.sort_by_key(|trace| (trace.span.first, trace.id));
        found.truncate(most);
        let mut values: BTreeMap<Key, String> = BTreeMap::new();
        let mut rows = Vec::with_capacity(found.len());
        for Trace { key, incident, span, .. } in found {
            let (kind, links) = (key.kind, !tripped.contains(&key));
            let value = match values.get(&key) {
                Some(value) => value.clone(),
                None => {
                    let value = told(&mut tx, key.clone(), &hidden).await?;
                    values.insert(key, value.clone());
                    value
                }
            };
            rows.push(TraceRow { kind, value, incident, span, links });
        }
        Ok(rows)
    }

    /// Into what a campaign would fall if only that held which links still, and only what links strongly where it is too
    /// connected, without what gateways have put together: incidents by part, the largest first. One part = there is nothing to split.
    ///
    /// # Errors
    /// The database's own.
    pub async fn proposed_split(&self, scope: Scope, campaign: i64) -> Result<Vec<Vec<i64>>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let mut tx = self.readers().begin().await?;
        Ok(split_of(&mut tx, campaign).await?)
    }
}

/// The same, whoever asks.
///
/// # Errors
/// The database's own.
pub(super) async fn split_of(tx: &mut SqliteConnection, campaign: i64) -> Result<Vec<Vec<i64>>, sqlx::Error> {
    let weights = weights::in_force(&mut *tx).await?;
    let sql = "SELECT id FROM incident WHERE campaign_id = $1 ORDER BY id";
    let incidents: Vec<i64> = sqlx::query_scalar(sql).bind(campaign).fetch_all(&mut *tx).await?;
    let sql = "SELECT k.too_connected_why FROM cluster k JOIN campaign c ON c.cluster_id = k.id WHERE c.id = $1";
    let why: Option<Option<String>> = sqlx::query_scalar(sql).bind(campaign).fetch_optional(&mut *tx).await?;
    let (traces, _) = traces(&mut *tx, Of::Campaign(campaign)).await?;
    let keys: BTreeSet<Key> = traces.iter().map(|trace| trace.key.clone()).collect();
    let ids: BTreeSet<i64> = keys.iter().filter_map(Key::indicator).collect();
    let standing = guard::standing(&mut *tx, &ids).await?;
    let backing = standing.iter().map(|(id, found)| (*id, found.backing(&weights))).collect();
    let guards = Guards { tripped: guard::tripped(&mut *tx, &keys).await?, backing, ..Guards::default() };
    let only_strong = why.flatten().as_deref() == Some(super::cluster::TOPICS);
    let welded = gateway::welded(&mut *tx, campaign).await?;
    Ok(parts(&incidents, &traces, &guards, &weights, (only_strong, &welded)))
}
