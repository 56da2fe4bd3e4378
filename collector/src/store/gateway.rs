//! Gateways: guards on one host of a member, what such a host had joined before, and that they go with the member and its alerts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use varde_common::time::Timestamp;

use super::bond::{self, Of};
use super::record::{ROWS_PER_STATEMENT, push_words};
use super::{Scope, Store, StoreError, cluster, departure, guard};
use crate::gateway::{Gateways, Host};
use crate::limits::workflow::INCIDENTS_NAMED_MAX;
use crate::weights::HostWeights;

/// The kind of guard; by itself why a cluster is too connected, where the host is not kept any more.
pub const KIND: &str = "host";

/// The value of the guard that is on the host of the alert `a`.
const VALUE_OF_ALERT: &str =
    "CAST(a.member_id AS TEXT) || ' ' || a.client || CASE a.exercise WHEN 0 THEN '' ELSE ' exercise' END";

/// What a guard on this host is kept under.
fn value_of(Host { member, name, exercise }: &Host) -> String {
    format!("{member} {name}{}", if *exercise { " exercise" } else { "" })
}

/// Those of these hosts that a guard has tripped over, each with whether that stands.
///
/// # Errors
/// The database's own.
pub async fn among(conn: &mut SqliteConnection, hosts: &BTreeSet<Host>) -> Result<Gateways, sqlx::Error> {
    let values: BTreeMap<String, &Host> = hosts.iter().map(|host| (value_of(host), host)).collect();
    let names: Vec<&str> = values.keys().map(String::as_str).collect();
    let mut found = Gateways::new();
    for piece in names.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> =
            QueryBuilder::new("SELECT value, settled_as IS NULL OR settled_as <> 'overruled' FROM guard WHERE kind = ");
        select.push_bind(KIND).push(" AND value IN ");
        push_words(&mut select, piece);
        let rows: Vec<(String, bool)> = select.build_query_as().fetch_all(&mut *conn).await?;
        found.extend(rows.into_iter().filter_map(|(value, stands)| Some(((*values.get(&value)?).clone(), stands))));
    }
    Ok(found)
}

/// A host joins nothing from now on; clusters with an incident in which it has put things together before are too connected. Gives the
/// campaigns among them that were not marked yet.
///
/// # Errors
/// The database's own.
pub async fn trip(
    conn: &mut SqliteConnection,
    host: &Host,
    limits: &HostWeights,
    now: Timestamp,
) -> Result<Vec<i64>, sqlx::Error> {
    let value = value_of(host);
    let numbers = json!({ "topics_over": limits.topics_max, "within_hours": limits.hours });
    let sql = "INSERT INTO guard (id, kind, value, tripped_at, numbers, member_id, host)
        VALUES ($7, $1, $2, $3, $4, $5, $6) ON CONFLICT (kind, value) DO NOTHING";
    let id = guard::next_id(conn).await?;
    let insert = sqlx::query(sql).bind(KIND).bind(&value).bind(now.0).bind(numbers.to_string());
    insert.bind(host.member).bind(&host.name).bind(id).execute(&mut *conn).await?;
    mark_joined(conn, &value, now).await
}

/// Clusters with an incident in which the host that this guard is on has put things together are too connected. Gives the campaigns
/// among them that were not marked yet.
///
/// # Errors
/// The database's own.
pub(super) async fn mark_joined(
    conn: &mut SqliteConnection,
    value: &str,
    now: Timestamp,
) -> Result<Vec<i64>, sqlx::Error> {
    // Whenever that was: what makes it a gateway today made it one then.
    let sql = "UPDATE cluster SET too_connected_at = $3, too_connected_why = $4
        WHERE too_connected_at IS NULL AND id IN (
            SELECT i.cluster_id FROM guard g JOIN alert a ON a.member_id = g.member_id AND a.client = g.host
                JOIN strand s ON s.id = a.strand_id JOIN incident i ON i.id = s.incident_id
            WHERE g.kind = $1 AND g.value = $2 AND a.by_resolver = 0
                AND a.exercise = (CASE WHEN g.value LIKE '% exercise' THEN 1 ELSE 0 END)
            GROUP BY i.cluster_id, i.id HAVING COUNT(DISTINCT s.id) > 1)
        RETURNING (SELECT MIN(c.id) FROM campaign c WHERE c.cluster_id = cluster.id)";
    let marked: Vec<Option<i64>> = sqlx::query_scalar(sql)
        .bind(KIND)
        .bind(value)
        .bind(now.0)
        .bind(format!("{KIND} {value}"))
        .fetch_all(conn)
        .await?;
    Ok(marked.into_iter().flatten().collect())
}

/// Incidents of a campaign, or that incident, in which gateways have put things together; by host, with those it has only met.
async fn found(conn: &mut SqliteConnection, of: Of) -> Result<Vec<(i64, String, i64, bool)>, sqlx::Error> {
    let (column, id) = match of {
        Of::Campaign(id) => ("i.campaign_id", id),
        Of::Incident(id) => ("i.id", id),
    };
    let sql = format!(
        "SELECT COALESCE(g.id, 0), m.name, i.id, COUNT(DISTINCT a.strand_id) > 1 FROM incident i JOIN member m ON m.id = i.member_id JOIN alert a ON a.incident_id = i.id
            AND a.client IS NOT NULL AND a.by_resolver = 0
         JOIN guard g ON g.kind = '{KIND}' AND g.value = {VALUE_OF_ALERT}
         WHERE {column} = $1 AND (g.settled_as IS NULL OR g.settled_as <> 'overruled')
         GROUP BY g.id, m.name, i.id ORDER BY g.id, i.id"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_all(conn).await
}

/// Incidents of a campaign that gateways have put together.
///
/// # Errors
/// The database's own.
pub(super) async fn welded(conn: &mut SqliteConnection, campaign: i64) -> Result<BTreeSet<i64>, sqlx::Error> {
    let rows = found(conn, Of::Campaign(campaign)).await?;
    Ok(rows.into_iter().filter(|(_, _, _, is_welded)| *is_welded).map(|(_, _, incident, _)| incident).collect())
}

/// Whose host this guard is on; none = that is not kept any more.
///
/// # Errors
/// The database's own.
pub(super) async fn member_of(conn: &mut SqliteConnection, value: &str) -> Result<Option<String>, sqlx::Error> {
    let sql = "SELECT m.name FROM guard g JOIN member m ON m.id = g.member_id WHERE g.kind = $1 AND g.value = $2";
    sqlx::query_scalar(sql).bind(KIND).bind(value).fetch_optional(conn).await
}

/// Whose host this guard is on, and in which incidents to look for it: some of them.
///
/// # Errors
/// The database's own.
pub(super) async fn where_met(conn: &mut SqliteConnection, value: &str) -> Result<String, sqlx::Error> {
    let member = member_of(conn, value).await?.unwrap_or_default();
    let sql =
        "SELECT DISTINCT a.incident_id FROM guard g JOIN alert a ON a.member_id = g.member_id AND a.client = g.host
        WHERE g.kind = $1 AND g.value = $2 AND a.incident_id IS NOT NULL ORDER BY a.incident_id LIMIT $3";
    let incidents: Vec<i64> =
        sqlx::query_scalar(sql).bind(KIND).bind(value).bind(INCIDENTS_NAMED_MAX).fetch_all(conn).await?;
    let incidents: Vec<String> = incidents.iter().map(i64::to_string).collect();
    Ok(if incidents.is_empty() { member } else { format!("{member}, incident {}", incidents.join(", ")) })
}

/// Guards on a member's hosts go with it. What such a host had put together stays too connected, and names it no more.
///
/// # Errors
/// The database's own.
pub(super) async fn forget_member(conn: &mut SqliteConnection, member: i64) -> Result<(), sqlx::Error> {
    departure::keep_above(conn, departure::GUARDS_ABOVE, "SELECT COALESCE(MAX(id), 0) FROM guard").await?;
    for sql in [
        "UPDATE cluster SET too_connected_why = 'host' WHERE too_connected_why IN
            (SELECT 'host ' || g.value FROM guard g WHERE g.member_id = $1)",
        "DELETE FROM guard WHERE member_id = $1",
    ] {
        sqlx::query(sql).bind(member).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Where a gateway is forgotten that had put something together: another guard that holds the cluster together is named in its place.
/// Where there is none, and nothing is left that a person could split, it is too connected no more. An incident without alerts, which goes
/// before long, may be what it had put together.
///
/// # Errors
/// The database's own.
pub(super) async fn settle_forgotten(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    cluster::name_another(conn, KIND).await?;
    let sql = "SELECT k.id, (SELECT MIN(c.id) FROM campaign c WHERE c.cluster_id = k.id) FROM cluster k
        WHERE k.too_connected_why = $1 AND NOT EXISTS (SELECT 1 FROM incident i WHERE i.cluster_id = k.id AND i.human = 0
            AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.incident_id = i.id))";
    let left: Vec<(i64, Option<i64>)> = sqlx::query_as(sql).bind(KIND).fetch_all(&mut *conn).await?;
    for (cluster, campaign) in left {
        let parts = match campaign {
            Some(campaign) => bond::split_of(conn, campaign).await?.len(),
            None => 0,
        };
        if parts <= 1 {
            let sql = "UPDATE cluster SET too_connected_at = NULL, too_connected_why = NULL WHERE id = $1";
            sqlx::query(sql).bind(cluster).execute(&mut *conn).await?;
        }
    }
    Ok(())
}

/// The same of guards on hosts of which no alert is left.
///
/// # Errors
/// The database's own.
pub(super) async fn forget_gone(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    departure::keep_above(conn, departure::GUARDS_ABOVE, "SELECT COALESCE(MAX(id), 0) FROM guard").await?;
    for sql in [
        "UPDATE cluster SET too_connected_why = 'host' WHERE too_connected_why IN
            (SELECT 'host ' || g.value FROM guard g WHERE g.member_id IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.member_id = g.member_id AND a.client = g.host))",
        "DELETE FROM guard WHERE member_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.member_id = guard.member_id AND a.client = guard.host)",
    ] {
        sqlx::query(sql).execute(&mut *conn).await?;
    }
    settle_forgotten(conn).await
}

/// A member becomes part of another: guards on its hosts are on that one's.
///
/// # Errors
/// The database's own.
pub(super) async fn hand_over(conn: &mut SqliteConnection, from: i64, into: i64) -> Result<(), sqlx::Error> {
    let renamed = "CAST($2 AS TEXT) || SUBSTR(guard.value, LENGTH(CAST($1 AS TEXT)) + 1)";
    for sql in [
        format!(
            "UPDATE cluster SET too_connected_why = (SELECT 'host ' || {renamed} FROM guard
                WHERE guard.member_id = $1 AND 'host ' || guard.value = cluster.too_connected_why)
             WHERE too_connected_why IN (SELECT 'host ' || guard.value FROM guard WHERE guard.member_id = $1)"
        ),
        // Where both have such a host, what is said of it at the one that goes on stands.
        format!(
            "DELETE FROM guard WHERE member_id = $1 AND EXISTS
                (SELECT 1 FROM guard o WHERE o.member_id = $2 AND o.kind = guard.kind AND o.value = {renamed})"
        ),
        format!("UPDATE guard SET value = {renamed}, member_id = $2 WHERE member_id = $1"),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(from).bind(into).execute(&mut *conn).await?;
    }
    Ok(())
}

/// A host that met too many things at once, and what it had joined before. Which host it is, the incidents' alerts tell; that one looked
/// at those is audited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GatewayView {
    /// The guard's number.
    pub guard: i64,
    /// Whose it is.
    pub member: String,
    /// Incidents in which it had put different things together.
    pub joined: Vec<i64>,
}

impl Store {
    /// Gateways that a campaign's incidents, or that incident, are about; the operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn gateways(&self, scope: Scope, of: Of) -> Result<Vec<GatewayView>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let mut tx = self.readers().begin().await?;
        let mut joined: BTreeMap<i64, GatewayView> = BTreeMap::new();
        for (guard, member, incident, is_welded) in found(&mut tx, of).await? {
            let view = joined.entry(guard).or_insert(GatewayView { guard, member, joined: Vec::new() });
            view.joined.extend(Some(incident).filter(|_| is_welded));
        }
        Ok(Vec::from_iter(joined.into_values()))
    }
}
