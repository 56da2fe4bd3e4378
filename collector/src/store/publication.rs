//! What was published: the lists, newest first, who put each out, and at how many sensors the newest of each channel is in force.

use std::collections::HashMap;

use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError};
use crate::limits::desk::{LACKING_SHOWN, LISTS_SHOWN};

/// A published list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicationRow {
    /// Its number.
    pub revision: i64,
    /// For whom.
    pub channel: String,
    /// Indicators in it.
    pub count: i64,
    /// And in the one before it of its channel; none = it is the first.
    pub before: Option<i64>,
    /// When.
    pub published_at: Timestamp,
    /// By whom, as the audit has it; none = that is not known any more.
    pub who: Option<String>,
    /// It is what a recall has left.
    pub by_recall: bool,
}

/// A sensor that has not got the newest list of what it follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// Its number.
    pub sensor: i64,
    /// Whose it is.
    pub member: String,
    /// What it has; none = no list.
    pub revision: Option<i64>,
    /// It has a session now.
    pub connected: bool,
}

/// How far the newest list of a channel has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelReach {
    /// Which.
    pub channel: String,
    /// Its newest list.
    pub revision: i64,
    /// Sensors that follow it.
    pub sensors: i64,
    /// Of them those that have it in force.
    pub have: i64,
    /// The first of those that have not.
    pub lacking: Vec<Lacking>,
}

impl Store {
    /// The newest lists, the newest first.
    ///
    /// # Errors
    /// The database's own.
    pub async fn publications(&self, scope: Scope) -> Result<Vec<PublicationRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT l.revision, l.channel, l.count, l.published_at,
                (SELECT b.count FROM list_revision b WHERE b.channel = l.channel AND b.revision < l.revision
                    ORDER BY b.revision DESC LIMIT 1)
            FROM list_revision l ORDER BY l.revision DESC LIMIT $1";
        let rows: Vec<(i64, String, i64, i64, Option<i64>)> =
            sqlx::query_as(sql).bind(LISTS_SHOWN).fetch_all(self.readers()).await?;
        // The audit has no index of what was done to: it is read once for all of them, and of each the last counts.
        let said = "SELECT on_whom, who, what FROM audit WHERE on_whom IN (SELECT value FROM json_each($1))
            AND (became LIKE 'published for%' OR became LIKE 'waits for a signature%') ORDER BY seq";
        let asked: Vec<String> = rows.iter().map(|(revision, ..)| format!("\"list {revision}\"")).collect();
        let asked = format!("[{}]", asked.join(","));
        let said: Vec<(String, String, String)> = sqlx::query_as(said).bind(&asked).fetch_all(self.readers()).await?;
        let mut said: HashMap<String, (String, String)> =
            said.into_iter().map(|(on, who, what)| (on, (who, what))).collect();
        let mut lists = Vec::with_capacity(rows.len());
        for (revision, channel, count, at, before) in rows {
            let by = said.remove(&format!("list {revision}"));
            let by_recall = by.as_ref().is_some_and(|(_, what)| what == "recall");
            let (published_at, who) = (Timestamp(at), by.map(|(who, _)| who));
            lists.push(PublicationRow { revision, channel, count, before, published_at, who, by_recall });
        }
        Ok(lists)
    }

    /// How far the newest list of each channel has come.
    ///
    /// # Errors
    /// The database's own.
    pub async fn channel_reach(&self, scope: Scope) -> Result<Vec<ChannelReach>, StoreError> {
        let mut reached = Vec::new();
        if scope != Scope::Operator {
            return Ok(reached);
        }
        for (channel, newest) in self.newest_revisions(scope).await? {
            let revision = i64::try_from(newest.0).unwrap_or(i64::MAX);
            let of = "s.enrolled_at IS NOT NULL AND s.revoked_at IS NULL AND COALESCE(s.follows, 'all') = $1";
            let counts = format!(
                "SELECT COUNT(*), COUNT(CASE WHEN COALESCE(s.revision, 0) >= $2 THEN 1 END) FROM sensor s WHERE {of}"
            );
            let (sensors, have): (i64, i64) = sqlx::query_as(sqlx::AssertSqlSafe(counts))
                .bind(channel.as_str())
                .bind(revision)
                .fetch_one(self.readers())
                .await?;
            let lacking = format!(
                "SELECT s.id, m.name, s.revision, s.connected FROM sensor s JOIN member m ON m.id = s.member_id
                 WHERE {of} AND COALESCE(s.revision, 0) < $2 ORDER BY s.connected DESC, s.id LIMIT $3"
            );
            let rows: Vec<(i64, String, Option<i64>, bool)> = sqlx::query_as(sqlx::AssertSqlSafe(lacking))
                .bind(channel.as_str())
                .bind(revision)
                .bind(LACKING_SHOWN)
                .fetch_all(self.readers())
                .await?;
            let lacking = rows.into_iter().map(|(sensor, member, revision, connected)| {
                let revision = revision.filter(|revision| *revision > 0);
                Lacking { sensor, member, revision, connected }
            });
            let lacking = lacking.collect();
            reached.push(ChannelReach { channel: channel.to_string(), revision, sensors, have, lacking });
        }
        Ok(reached)
    }
}
