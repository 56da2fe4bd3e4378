//! Drafts: who has looked one through, who brought in what it holds, and the alerts it is held against.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::{QueryBuilder, Row, Sqlite};
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError};
use crate::intel::difference::Met;
use crate::intel::hidden;
use crate::limits::rollout::{DRAFT_ALERTS_READ, DRAFT_LISTS_READ, NUMBERS_PER_STATEMENT};

/// That somebody has looked a draft through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// Who.
    pub who: String,
    /// What that person says of it.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// An indicator as a draft shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Its number.
    pub id: i64,
    /// As plain lists write it; one that few may read by its number.
    pub indicator: String,
    /// domain, host, ipv4, ipv6, network or ja4.
    pub kind: String,
    /// How far it may be shared.
    pub tlp: String,
    /// Part of an exercise.
    pub exercise: bool,
    /// Who says so.
    pub sources: Vec<String>,
}

/// What is done to what lists are made of, as the audit calls it, at the machine and on the pages; verdicts on alerts beside it. Who takes
/// a false positive back, in whichever way, lets what it took out go out again.
const MAKES: &str = "what LIKE 'indicator import%' OR what LIKE 'source %' OR what LIKE 'lint list %'
    OR what IN ('recall lift', 'lint override', 'lint lifetime', 'allow remove', 'indicator verdict', 'page legitimate')
    OR (what = 'page undo' AND on_whom LIKE 'deed %: false-positive')";

impl Store {
    /// Notes that somebody has looked a draft through.
    ///
    /// # Errors
    /// The database's own.
    pub async fn review_draft(&self, draft: &str, who: &str, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sql = "INSERT INTO draft_review (draft, who, reason, at) VALUES ($1, $2, $3, $4)";
        sqlx::query(sql).bind(draft).bind(who).bind(reason).bind(now.0).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// Who has looked a draft through, the first first.
    ///
    /// # Errors
    /// The database's own.
    pub async fn draft_reviews(&self, scope: Scope, draft: &str) -> Result<Vec<Review>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT who, reason, at FROM draft_review WHERE draft = $1 ORDER BY id LIMIT 100";
        let rows: Vec<(String, String, i64)> = sqlx::query_as(sql).bind(draft).fetch_all(self.readers()).await?;
        let read = |(who, reason, at)| Review { who, reason, at: Timestamp(at) };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Since when what is done to indicators is in no list for all: since the newest that is in force was compiled from the database. What
    /// a recall has left was not, and what a list's recall went back behind is in force no more. What went to the pilot group first was
    /// compiled before it went there.
    ///
    /// # Errors
    /// The database's own.
    pub async fn made_since(&self, scope: Scope) -> Result<Timestamp, StoreError> {
        if scope != Scope::Operator {
            return Ok(Timestamp::MIN);
        }
        let sql = "SELECT on_whom, became LIKE '%(recall --list)' FROM audit WHERE what = 'recall'
            AND (became LIKE 'published for channel all:%' OR became LIKE 'waits for a signature, for channel all:%')";
        let recalls: Vec<(String, bool)> = sqlx::query_as(sql).fetch_all(self.readers()).await?;
        let recalls: BTreeMap<String, bool> = recalls.into_iter().collect();
        let sql = "SELECT l.revision, l.published_at,
                (SELECT r.prepared_at FROM rollout r WHERE r.all_revision = l.revision ORDER BY r.id DESC LIMIT 1)
            FROM list_revision l WHERE l.channel = 'all' ORDER BY l.revision DESC LIMIT $1";
        let lists = sqlx::query_as(sql).bind(DRAFT_LISTS_READ).fetch_all(self.readers()).await?;
        let lists: Vec<(i64, i64, Option<i64>)> = lists;
        let mut undone = 0u32;
        for (revision, published_at, prepared_at) in lists {
            match recalls.get(&format!("list {revision}")) {
                Some(true) => undone += 1,
                Some(false) => {}
                None if undone > 0 => undone -= 1,
                None => return Ok(Timestamp(prepared_at.unwrap_or(published_at))),
            }
        }
        Ok(Timestamp::MIN)
    }

    /// Who has changed what lists are made of since then, so that more may go out, and when that was done first: by the audit, which
    /// has an entry of each such command before it does anything.
    ///
    /// # Errors
    /// The database's own.
    pub async fn draft_authors(
        &self,
        scope: Scope,
        since: Timestamp,
    ) -> Result<(Vec<String>, Option<Timestamp>), StoreError> {
        if scope != Scope::Operator {
            return Ok((Vec::new(), None));
        }
        // Of verdicts those that take nothing out: a false positive makes a list smaller.
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT who, MIN(at) FROM audit
            WHERE at >= $1 AND ({MAKES} OR (what = 'alert verdict' AND became NOT LIKE 'false-positive%'))
            GROUP BY who ORDER BY who LIMIT 100"
        ));
        let rows: Vec<(String, i64)> = sqlx::query_as(sql).bind(since.0).fetch_all(self.readers()).await?;
        let first = rows.iter().map(|(_, at)| Timestamp(*at)).min();
        Ok((rows.into_iter().map(|(who, _)| who).collect(), first))
    }

    /// Whether all that the collector itself has done since then to what lists are made of is to fetch sources: then no person stands
    /// behind its name there.
    ///
    /// # Errors
    /// The database's own.
    pub async fn only_fetched(&self, scope: Scope, since: Timestamp) -> Result<bool, StoreError> {
        if scope != Scope::Operator {
            return Ok(false);
        }
        // Of verdicts any: the collector itself gives none.
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT COUNT(*) FROM audit WHERE at >= $1 AND who = $2 AND what <> 'source fetch'
            AND ({MAKES} OR what = 'alert verdict')"
        ));
        let other: i64 =
            sqlx::query_scalar(sql).bind(since.0).bind(crate::eyes::COLLECTOR).fetch_one(self.readers()).await?;
        Ok(other == 0)
    }

    /// How many of these indicators are of which kind.
    ///
    /// # Errors
    /// The database's own.
    pub async fn kinds_of(&self, scope: Scope, ids: &[i64]) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut kinds = BTreeMap::new();
        if scope != Scope::Operator {
            return Ok(kinds);
        }
        for ids in ids.chunks(NUMBERS_PER_STATEMENT) {
            let mut select = QueryBuilder::<Sqlite>::new("SELECT kind, COUNT(*) FROM indicator WHERE id IN (");
            let mut numbers = select.separated(", ");
            for id in ids {
                numbers.push_bind(*id);
            }
            select.push(") GROUP BY kind");
            let rows: Vec<(String, i64)> = select.build_query_as().fetch_all(self.readers()).await?;
            for (kind, count) in rows {
                *kinds.entry(kind).or_default() += u64::try_from(count).unwrap_or(0);
            }
        }
        Ok(kinds)
    }

    /// These indicators, by number, with who says so.
    ///
    /// # Errors
    /// The database's own.
    pub async fn shown_of(&self, scope: Scope, ids: &[i64]) -> Result<Vec<Shown>, StoreError> {
        let mut shown = Vec::new();
        if scope != Scope::Operator {
            return Ok(shown);
        }
        for id in ids {
            let sql = "SELECT id, pattern, kind, tlp, exercise FROM indicator WHERE id = $1";
            let Some(row) = sqlx::query(sql).bind(id).fetch_optional(self.readers()).await? else { continue };
            let sources = "SELECT s.name FROM claim c JOIN source s ON s.id = c.source_id
                WHERE c.indicator_id = $1 AND c.withdrawn_at IS NULL GROUP BY s.name ORDER BY MIN(c.id) LIMIT 100";
            let (pattern, tlp): (String, String) = (row.try_get("pattern")?, row.try_get("tlp")?);
            shown.push(Shown {
                id: row.try_get("id")?,
                indicator: hidden::told(*id, &pattern, hidden::read(&tlp)),
                kind: row.try_get("kind")?,
                tlp,
                exercise: row.try_get::<i64, _>("exercise")? != 0,
                sources: sqlx::query_scalar(sources).bind(id).fetch_all(self.readers()).await?,
            });
        }
        Ok(shown)
    }

    /// Alerts numbered above `after`, as far as they tell what was met, each with its number. What is part of an exercise met
    /// nothing, and unanswered contact from outside no host.
    ///
    /// # Errors
    /// The database's own.
    pub async fn alerts_met(&self, scope: Scope, after: i64) -> Result<Vec<(i64, Met)>, StoreError> {
        let sql = "SELECT a.id, a.member_id, a.client, a.hosts, n.pattern, a.server, a.port FROM alert a
            JOIN indicator n ON n.id = a.indicator_id WHERE a.id > $1 AND a.exercise = 0
            AND (a.client IS NOT NULL OR a.hosts IS NOT NULL) AND ($3 IS NULL OR a.member_id = $3) ORDER BY a.id LIMIT $2";
        let rows = sqlx::query(sql).bind(after).bind(DRAFT_ALERTS_READ).bind(scope.member_id());
        let rows = rows.fetch_all(self.readers()).await?;
        let mut alerts = Vec::with_capacity(rows.len());
        for row in &rows {
            let server: Option<String> = row.try_get("server")?;
            let port: Option<i64> = row.try_get("port")?;
            let together: Option<i64> = row.try_get("hosts")?;
            let met = Met {
                member: row.try_get("member_id")?,
                client: row.try_get("client")?,
                together: u64::try_from(together.unwrap_or(0)).unwrap_or(0),
                pattern: row.try_get("pattern")?,
                server: server.and_then(|server| server.parse().ok()),
                port: port.and_then(|port| u16::try_from(port).ok()),
            };
            alerts.push((row.try_get("id")?, met));
        }
        Ok(alerts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Deed, On};
    use crate::store::desk::tests::alert;
    use crate::store::fixture::{Fixture, NOW};
    use crate::store::triage::{Act, Person, Target};

    #[tokio::test]
    async fn whoever_lets_more_go_out_is_an_author_of_the_draft_by_whichever_way() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        let authors = async || store.draft_authors(Scope::Operator, NOW).await.unwrap().0;
        for what in ["recall", "allow add", "page mute", "page note", "user add", "draft review"] {
            store.note(&Deed::new("ingen".to_owned(), what, On::Everybody, NOW)).await.unwrap();
        }
        assert!(authors().await.is_empty(), "that lets nothing out");
        for (n, what) in (1_i64..).zip(["indicator import", "recall lift", "allow remove", "indicator verdict"]) {
            store.note(&Deed::new(format!("user {n}"), what, On::Everybody, NOW)).await.unwrap();
        }
        assert_eq!(authors().await, ["user 1", "user 2", "user 3", "user 4"]);

        // On the pages one says that it is wrong, which takes it out, and another way or by undoing it that it is not.
        alert(&fixture, 1, (1, 1), 2, 10).await;
        let person = |audited| Person { name: "kari", audited };
        let reason = || "prøve".to_owned();
        let (wrong, right) = (Act::FalsePositive { reason: reason() }, Act::Legitimate { reason: reason() });
        let done =
            store.triage(&[Target::Indicator(1)], &wrong, person("kari (account 1, analyst)"), NOW).await.unwrap();
        assert_eq!(authors().await.len(), 4, "a list that is smaller");
        store.undo(done.deed.unwrap(), person("kari (account 2, analyst)"), NOW).await.unwrap().unwrap();
        assert_eq!(authors().await[0], "kari (account 2, analyst)");
        store.triage(&[Target::Indicator(1)], &right, person("ola (account 3, analyst)"), NOW).await.unwrap();
        assert_eq!(authors().await[1], "ola (account 3, analyst)");
    }
}
