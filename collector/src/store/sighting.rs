//! Sightings that wait to be told to the MISP servers their indicators came from, and which servers are told at all.

use std::collections::HashMap;

use serde::Serialize;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError};
use crate::limits::feed::{SIGHTING_AGAIN_AFTER, SIGHTING_AGAIN_MAX, SIGHTING_TRIES};

/// Where a source is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The server.
    pub url: String,
    /// The file with its key.
    pub key_file: String,
    /// CA certificates by which it is believed; none = the system's.
    pub ca_file: Option<String>,
}

/// A sighting that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its number.
    pub id: i64,
    /// The source's number.
    pub source: i64,
    /// Where it is told.
    pub target: Target,
    /// What the source calls the object: the event's name, `/`, the attribute's.
    pub object: String,
    /// 0 seen, 1 false positive.
    pub kind: i64,
    /// When the verdict was given.
    pub at: Timestamp,
}

/// A sighting as it is listed: which object it is about stands with its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SightingRow {
    /// Its number.
    pub id: i64,
    /// Who is told.
    pub source: String,
    /// confirmed or false-positive.
    pub kind: &'static str,
    /// When the verdict was given.
    pub at: Timestamp,
    /// How often it was tried.
    pub tries: i64,
    /// When it is tried next; none = it is not.
    pub next_at: Option<Timestamp>,
    /// When it arrived.
    pub sent_at: Option<Timestamp>,
    /// When it was given up.
    pub given_up_at: Option<Timestamp>,
    /// Why the last try failed.
    pub failed_why: Option<String>,
}

type DueRow = (i64, i64, String, i64, i64, String, String, Option<String>);
type ListRow = (i64, String, i64, i64, i64, i64, Option<i64>, Option<i64>, Option<String>);

impl Store {
    /// Has a source be told from now on, or no more. Gives whether there is such a source.
    ///
    /// # Errors
    /// The database's own.
    pub async fn tell_sightings(
        &self,
        source: &str,
        target: Option<&Target>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let id: Option<i64> =
            sqlx::query_scalar("SELECT id FROM source WHERE name = $1").bind(source).fetch_optional(&mut *tx).await?;
        let Some(id) = id else { return Ok(false) };
        match target {
            Some(Target { url, key_file, ca_file }) => {
                let sql = "INSERT INTO sighting_target (source_id, url, key_file, ca_file, added_at)
                    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (source_id) DO UPDATE SET url = excluded.url,
                    key_file = excluded.key_file, ca_file = excluded.ca_file, added_at = excluded.added_at";
                sqlx::query(sql).bind(id).bind(url).bind(key_file).bind(ca_file).bind(now.0).execute(&mut *tx).await?;
            }
            None => {
                for sql in [
                    "DELETE FROM sighting WHERE source_id = $1 AND sent_at IS NULL",
                    "DELETE FROM sighting_target WHERE source_id = $1",
                ] {
                    sqlx::query(sql).bind(id).execute(&mut *tx).await?;
                }
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Which sources are told, and where.
    ///
    /// # Errors
    /// The database's own.
    pub async fn sighting_targets(&self, scope: Scope) -> Result<HashMap<String, String>, StoreError> {
        if scope != Scope::Operator {
            return Ok(HashMap::new());
        }
        let sql = "SELECT s.name, t.url FROM sighting_target t JOIN source s ON s.id = t.source_id";
        let rows: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().collect())
    }

    /// Those that are to be told now, oldest first; with `all` those too that wait for another try.
    ///
    /// # Errors
    /// The database's own.
    pub async fn sightings_due(
        &self,
        scope: Scope,
        now: Timestamp,
        all: bool,
        at_most: i64,
    ) -> Result<Vec<Due>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT g.id, g.source_id, g.object_id, g.kind, g.at, t.url, t.key_file, t.ca_file
            FROM sighting g JOIN sighting_target t ON t.source_id = g.source_id
            WHERE g.sent_at IS NULL AND g.given_up_at IS NULL AND (g.next_at <= $1 OR $2) ORDER BY g.next_at, g.id LIMIT $3";
        let rows: Vec<DueRow> =
            sqlx::query_as(sql).bind(now.0).bind(all).bind(at_most).fetch_all(self.readers()).await?;
        let read = |(id, source, object, kind, at, url, key_file, ca_file): DueRow| Due {
            id,
            source,
            target: Target { url, key_file, ca_file },
            object,
            kind,
            at: Timestamp(at),
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// A sighting has arrived, or has not and why: then it is tried again later, each time twice as late, and in the end given up.
    ///
    /// # Errors
    /// The database's own.
    pub async fn sighting_tried(&self, id: i64, failed: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let tries: Option<i64> = sqlx::query_scalar("SELECT tries + 1 FROM sighting WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut *tx)
            .await?;
        // Taken back meanwhile.
        let Some(tries) = tries else { return Ok(()) };
        let doublings = u32::try_from(tries - 1).unwrap_or(u32::MAX).min(16);
        let wait = SIGHTING_AGAIN_AFTER.saturating_mul(1 << doublings).min(SIGHTING_AGAIN_MAX);
        let sql = "UPDATE sighting SET tries = $2, failed_why = $3, sent_at = $4, given_up_at = $5, next_at = $6 WHERE id = $1";
        sqlx::query(sql)
            .bind(id)
            .bind(tries)
            .bind(failed)
            .bind(failed.is_none().then_some(now.0))
            .bind((failed.is_some() && tries >= SIGHTING_TRIES).then_some(now.0))
            .bind(now.plus(wait).0)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Those that wait and those that are over, newest first. The operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn sightings_listed(&self, scope: Scope, at_most: i64) -> Result<Vec<SightingRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT g.id, s.name, g.kind, g.at, g.tries, g.next_at, g.sent_at, g.given_up_at, g.failed_why
            FROM sighting g JOIN source s ON s.id = g.source_id ORDER BY g.id DESC LIMIT $1";
        let rows: Vec<ListRow> = sqlx::query_as(sql).bind(at_most).fetch_all(self.readers()).await?;
        let read = |(id, source, kind, at, tries, next_at, sent_at, given_up_at, failed_why): ListRow| SightingRow {
            id,
            source,
            kind: if kind == 1 { "false-positive" } else { "confirmed" },
            at: Timestamp(at),
            tries,
            next_at: (sent_at.is_none() && given_up_at.is_none()).then_some(Timestamp(next_at)),
            sent_at: sent_at.map(Timestamp),
            given_up_at: given_up_at.map(Timestamp),
            failed_why,
        };
        Ok(rows.into_iter().map(read).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;

    #[tokio::test]
    async fn a_sighting_is_tried_later_and_later_and_given_up_in_the_end() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        fixture.run("INSERT INTO source (id, name, added_at) VALUES (1, 'misp', 1)").await;
        let target = Target { url: "https://misp.example".into(), key_file: "/k".into(), ca_file: None };
        assert!(!store.tell_sightings("nobody", Some(&target), Timestamp(1)).await.unwrap());
        assert!(store.tell_sightings("misp", Some(&target), Timestamp(1)).await.unwrap());
        fixture.run("INSERT INTO sighting (source_id, judgement_id, object_id, kind, at, next_at) VALUES (1, 1, 'e/a', 1, 5, 5), (1, 2, 'e/b', 0, 5, 5)").await;
        let due = async |at: i64| store.sightings_due(Scope::Operator, Timestamp(at), false, 10).await.unwrap();
        assert_eq!((due(4).await.len(), due(5).await.len()), (0, 2));
        store.sighting_tried(2, None, Timestamp(6)).await.unwrap();
        let mut now = Timestamp(6);
        let mut waits = Vec::new();
        for _ in 0..SIGHTING_TRIES {
            store.sighting_tried(1, Some("it answers 500"), now).await.unwrap();
            let row = store.sightings_listed(Scope::Operator, 9).await.unwrap().pop().unwrap();
            let Some(next) = row.next_at else { break };
            waits.push(next.since(now).as_secs());
            assert!(due(next.0 - 1).await.is_empty() && due(next.0).await.len() == 1);
            now = next;
        }
        assert_eq!(
            (waits.len() as i64, &waits[..3], waits.last()),
            (SIGHTING_TRIES - 1, &[60, 120, 240][..], Some(&86_400))
        );
        assert!(due(i64::MAX).await.is_empty(), "given up");
        assert!(store.sightings_due(Scope::Member(1), now, true, 9).await.unwrap().is_empty());
        store.tell_sightings("misp", None, now).await.unwrap();
        let left = store.sightings_listed(Scope::Operator, 9).await.unwrap();
        assert_eq!((left.len(), left[0].kind, left[0].sent_at), (1, "confirmed", Some(Timestamp(6))));
        store.sighting_tried(1, None, now).await.unwrap();
    }
}
