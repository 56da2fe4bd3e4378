//! Clusters: what is known of those that a batch touches, and what becomes of them and of the campaigns they are.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use varde_common::time::Timestamp;

use super::campaign::{absorb_campaign, grow_campaign, raise_campaign};
use super::record::{ROWS_PER_STATEMENT, push_ids};
use super::weights;
use crate::campaign::{CampaignDecision, Cluster, ClusterDecision};
use crate::link::Key;

/// Why a cluster is too connected that is about too many things.
pub(super) const TOPICS: &str = "topics";

/// These clusters, with the incidents of those that are no campaign: such are one member's, or few.
///
/// # Errors
/// The database's own.
pub async fn of_ids(
    conn: &mut SqliteConnection,
    ids: &BTreeSet<i64>,
    low_below: u8,
) -> Result<BTreeMap<i64, Cluster>, sqlx::Error> {
    let ids: Vec<i64> = ids.iter().copied().collect();
    let mut clusters: BTreeMap<i64, Cluster> = BTreeMap::new();
    for chunk in ids.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT k.id, c.id, k.too_connected_at IS NOT NULL FROM cluster k LEFT JOIN campaign c ON c.cluster_id = k.id
             WHERE k.id IN ",
        );
        push_ids(&mut select, chunk);
        let rows: Vec<(i64, Option<i64>, bool)> = select.build_query_as().fetch_all(&mut *conn).await?;
        let alone: Vec<i64> = rows.iter().filter(|(_, campaign, _)| campaign.is_none()).map(|(id, _, _)| *id).collect();
        for (id, campaign, is_too_connected) in rows {
            clusters.insert(id, Cluster { campaign, is_too_connected, members: Vec::new() });
        }
        if alone.is_empty() {
            continue;
        }
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT i.cluster_id, i.id, i.member_id,
                MAX(CASE WHEN s.said_confidence > s.confidence THEN s.said_confidence ELSE s.confidence END) >= ",
        );
        select.push_bind(i64::from(low_below));
        select.push(
            " FROM incident i JOIN strand s ON s.incident_id = i.id WHERE i.campaign_id IS NULL AND i.cluster_id IN ",
        );
        push_ids(&mut select, &alone);
        select.push(" GROUP BY i.cluster_id, i.id, i.member_id");
        let rows: Vec<(i64, i64, i64, bool)> = select.build_query_as().fetch_all(&mut *conn).await?;
        for (cluster, incident, member, is_sure) in rows {
            if let Some(cluster) = clusters.get_mut(&cluster) {
                cluster.members.push((incident, member, is_sure));
            }
        }
    }
    Ok(clusters)
}

/// Clusters that a person has put apart, the smaller number first: few, so all of them.
///
/// # Errors
/// The database's own.
pub async fn apart(conn: &mut SqliteConnection) -> Result<BTreeSet<(i64, i64)>, sqlx::Error> {
    let rows: Vec<(i64, i64)> = sqlx::query_as("SELECT low, high FROM apart").fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
}

/// A cluster that nothing is in yet.
pub(super) async fn begin(conn: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let sql = "INSERT INTO cluster (id) VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM cluster)) RETURNING id";
    sqlx::query_scalar(sql).fetch_one(conn).await
}

/// Puts two clusters apart: no later alert makes one of them.
pub(super) async fn put_apart(conn: &mut SqliteConnection, a: i64, b: i64) -> Result<(), sqlx::Error> {
    if a == b {
        return Ok(());
    }
    let sql = "INSERT INTO apart (low, high) VALUES ($1, $2) ON CONFLICT (low, high) DO NOTHING";
    sqlx::query(sql).bind(a.min(b)).bind(a.max(b)).execute(conn).await.map(drop)
}

/// Everything of a cluster becomes another's: its incidents, and what a person has put apart from it.
pub(super) async fn absorb(conn: &mut SqliteConnection, old: i64, into: i64) -> Result<(), sqlx::Error> {
    let sql = "UPDATE incident SET cluster_id = $2 WHERE cluster_id = $1";
    sqlx::query(sql).bind(old).bind(into).execute(&mut *conn).await?;
    let sql = "SELECT CASE WHEN low = $1 THEN high ELSE low END FROM apart WHERE low = $1 OR high = $1";
    let others: Vec<i64> = sqlx::query_scalar(sql).bind(old).fetch_all(&mut *conn).await?;
    sqlx::query("DELETE FROM apart WHERE low = $1 OR high = $1").bind(old).execute(&mut *conn).await?;
    for other in others {
        put_apart(conn, into, other).await?;
    }
    let sql = "UPDATE cluster SET
        too_connected_at = COALESCE(too_connected_at, (SELECT o.too_connected_at FROM cluster o WHERE o.id = $1)),
        too_connected_why = COALESCE(too_connected_why, (SELECT o.too_connected_why FROM cluster o WHERE o.id = $1)) WHERE id = $2";
    sqlx::query(sql).bind(old).bind(into).execute(&mut *conn).await?;
    sqlx::query("DELETE FROM cluster WHERE id = $1").bind(old).execute(conn).await.map(drop)
}

/// A cluster that nothing is in any more goes.
pub(crate) async fn forget_empty(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let empty = "(SELECT k.id FROM cluster k WHERE NOT EXISTS (SELECT 1 FROM incident i WHERE i.cluster_id = k.id)
        AND NOT EXISTS (SELECT 1 FROM campaign c WHERE c.cluster_id = k.id))";
    for sql in [
        format!("DELETE FROM apart WHERE low IN {empty} OR high IN {empty}"),
        format!("DELETE FROM cluster WHERE id IN {empty}"),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Writes what was decided about one cluster. `incidents` are the ids of those decided that are in it. Gives the cluster, and the
/// campaign that it is.
///
/// # Errors
/// The database's own.
pub async fn apply(
    conn: &mut SqliteConnection,
    decision: &ClusterDecision,
    incidents: &[i64],
    now: Timestamp,
) -> Result<(i64, Option<i64>), sqlx::Error> {
    let id = match decision.kept {
        Some(id) => id,
        None => begin(conn).await?,
    };
    for incident in incidents {
        let sql = "UPDATE incident SET cluster_id = $2 WHERE id = $1 AND (cluster_id IS NULL OR cluster_id <> $2)";
        sqlx::query(sql).bind(incident).bind(id).execute(&mut *conn).await?;
    }
    let campaign = match &decision.campaign {
        CampaignDecision::None => None,
        CampaignDecision::Raised => Some(None),
        CampaignDecision::Kept(kept, absorbed) => {
            for old in absorbed {
                absorb_campaign(conn, *old, *kept, None, now).await?;
            }
            Some(Some(*kept))
        }
    };
    if let Some(kept) = campaign.flatten() {
        // Before its own cluster may go.
        let sql = "UPDATE campaign SET cluster_id = $2 WHERE id = $1";
        sqlx::query(sql).bind(kept).bind(id).execute(&mut *conn).await?;
    }
    for old in &decision.absorbed {
        absorb(conn, *old, id).await?;
    }
    let Some(kept) = campaign else { return Ok((id, None)) };
    let campaign = match kept {
        Some(kept) => kept,
        None => raise_campaign(conn, id, now).await?,
    };
    grow_campaign(conn, campaign, id, now).await?;
    Ok((id, Some(campaign)))
}

/// Marks the campaigns too connected that this key holds together, if any: it links nothing any more, and what it has linked a
/// person may split. Gives those that were not marked before.
///
/// # Errors
/// The database's own.
pub async fn mark_held_by(conn: &mut SqliteConnection, key: &Key, now: Timestamp) -> Result<Vec<i64>, sqlx::Error> {
    let sql = "UPDATE cluster SET too_connected_at = $4, too_connected_why = $3
        WHERE too_connected_at IS NULL AND EXISTS (SELECT 1 FROM campaign c WHERE c.cluster_id = cluster.id) AND id IN (
            SELECT i.cluster_id FROM trace t JOIN strand s ON s.id = t.strand_id JOIN incident i ON i.id = s.incident_id
            WHERE t.kind = $1 AND t.value = $2 GROUP BY i.cluster_id HAVING COUNT(DISTINCT i.id) > 1)
        RETURNING id";
    let why = format!("{} {}", key.kind, key.value);
    sqlx::query_scalar(sql).bind(key.kind.as_str()).bind(&key.value).bind(why).bind(now.0).fetch_all(conn).await
}

/// What a guard alone held together, named by its kind and value, is too connected no more: a person has said that it links. Where another
/// guard that stands does so too, that is why it is from now on.
///
/// # Errors
/// The database's own.
pub async fn unmark_held_by(conn: &mut SqliteConnection, why: &str) -> Result<(), sqlx::Error> {
    name_another(conn, why).await?;
    let sql = "UPDATE cluster SET too_connected_why = NULL WHERE too_connected_why = $1";
    sqlx::query(sql).bind(why).execute(&mut *conn).await?;
    let sql =
        "UPDATE cluster SET too_connected_at = NULL WHERE too_connected_at IS NOT NULL AND too_connected_why IS NULL";
    sqlx::query(sql).execute(conn).await.map(drop)
}

/// Of clusters that are too connected for this reason: another guard that stands and holds such a cluster together is the reason from now
/// on, a key or a gateway; else that it is about too many things, where it is.
///
/// # Errors
/// The database's own.
pub(super) async fn name_another(conn: &mut SqliteConnection, why: &str) -> Result<(), sqlx::Error> {
    let sql = "UPDATE cluster SET too_connected_why = COALESCE(
            (SELECT g.kind || ' ' || g.value FROM incident i
                JOIN strand s ON s.incident_id = i.id JOIN trace t ON t.strand_id = s.id
                JOIN guard g ON g.kind = t.kind AND g.value = t.value AND (g.settled_as IS NULL OR g.settled_as <> 'overruled')
                WHERE i.cluster_id = cluster.id GROUP BY g.kind, g.value HAVING COUNT(DISTINCT i.id) > 1
                ORDER BY MIN(g.tripped_at), g.kind, g.value LIMIT 1),
            (SELECT g.kind || ' ' || g.value FROM incident i JOIN strand s ON s.incident_id = i.id JOIN alert a ON a.strand_id = s.id
                JOIN guard g ON g.member_id = a.member_id AND g.host = a.client AND (g.settled_as IS NULL OR g.settled_as <> 'overruled')
                    AND a.exercise = (CASE WHEN g.value LIKE '% exercise' THEN 1 ELSE 0 END)
                WHERE i.cluster_id = cluster.id AND a.by_resolver = 0
                GROUP BY g.kind, g.value, i.id HAVING COUNT(DISTINCT s.id) > 1
                ORDER BY MIN(g.tripped_at), g.kind, g.value LIMIT 1),
            (SELECT $2 FROM incident i JOIN strand s ON s.incident_id = i.id WHERE i.cluster_id = cluster.id
                GROUP BY i.cluster_id HAVING COUNT(DISTINCT s.link_kind || ' ' || s.link_value) > $3),
            too_connected_why)
        WHERE too_connected_why = $1";
    let most = weights::in_force(&mut *conn).await?.link.topics_max;
    sqlx::query(sql).bind(why).bind(TOPICS).bind(most).execute(conn).await.map(drop)
}

/// Marks a campaign's cluster too connected that is about too many things.
///
/// # Errors
/// The database's own.
pub async fn mark_large(conn: &mut SqliteConnection, cluster: i64, now: Timestamp) -> Result<(), sqlx::Error> {
    let sql =
        "UPDATE cluster SET too_connected_at = $2, too_connected_why = $3 WHERE id = $1 AND too_connected_at IS NULL";
    sqlx::query(sql).bind(cluster).bind(now.0).bind(TOPICS).execute(conn).await.map(drop)
}
