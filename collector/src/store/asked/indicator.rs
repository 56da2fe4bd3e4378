//! Indicators as the API asks for them: what is marked for few by its number alone.

use std::collections::BTreeMap;

use sqlx::{QueryBuilder, Row, Sqlite};
use varde_common::time::Timestamp;

use super::{Found, indicators, push_exists, push_flag, push_in, push_words};
use crate::api::cursor::Position;
use crate::api::parameter::Asked;
use crate::api::{KINDS, shape};
use crate::store::alert::{is_told, severity_from, told_pattern};
use crate::store::{Scope, Store, StoreError};

impl Store {
    /// A page of indicators, the last that came first; a member sees those that it has met.
    ///
    /// # Errors
    /// The database's own.
    pub async fn asked_indicators(&self, scope: Scope, asked: &Asked) -> Result<Found<shape::Indicator>, StoreError> {
        let mut tx = self.readers().begin().await?;
        let mut select: QueryBuilder<Sqlite> =
            QueryBuilder::new("SELECT n.*, (SELECT COUNT(*) FROM meeting t WHERE t.indicator_id = n.id AND (");
        select.push_bind(scope.member_id()).push(" IS NULL OR t.member_id = ").push_bind(scope.member_id());
        select.push(")) AS members_met FROM indicator n WHERE 1 = 1");
        if let Some(member) = scope.member_id() {
            select.push(" AND EXISTS (SELECT 1 FROM alert a WHERE a.indicator_id = n.id AND a.member_id = ");
            select.push_bind(member).push(")");
        }
        if let Some(ids) = indicators(&mut tx, scope, asked).await? {
            select.push(" AND ");
            push_in(&mut select, "n.id", &ids);
        }
        push_words(&mut select, "n.kind", KINDS, asked.places("kind"));
        push_flag(&mut select, "n.exercise", asked.flag("exercise"));
        match (asked.flag("withdrawn"), scope) {
            (Some(true), Scope::Operator) => drop(select.push(" AND n.withdrawn_at IS NOT NULL")),
            (Some(false), Scope::Operator) => drop(select.push(" AND n.withdrawn_at IS NULL")),
            // A person withdraws what others' alerts have shown to be wrong: a member learns of it by the list.
            (Some(_), Scope::Member(_)) => return Ok(Found::none()),
            (None, _) => {}
        }
        if scope == Scope::Operator {
            push_exists(&mut select, "SELECT 1 FROM alert a WHERE a.indicator_id = n.id", asked.flag("met"));
        } else if asked.flag("met") == Some(false) {
            return Ok(Found::none());
        }
        if let Some(after) = &asked.after {
            select.push(" AND n.id < ").push_bind(after.at);
        }
        select.push(" ORDER BY n.id DESC LIMIT ").push_bind(asked.limit() + 1);
        let mut rows = select.build().fetch_all(&mut *tx).await?;
        let most = usize::try_from(asked.limit()).unwrap_or(1);
        let more = rows.len() > most;
        rows.truncate(most);
        let ids: Vec<i64> = rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
        let mut sources: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        if scope == Scope::Operator {
            let mut select = QueryBuilder::new(
                "SELECT c.indicator_id, s.name FROM claim c JOIN source s ON s.id = c.source_id
                 JOIN indicator n ON n.id = c.indicator_id WHERE (c.withdrawn_at IS NULL OR n.withdrawn_at IS NOT NULL) AND ",
            );
            push_in(&mut select, "c.indicator_id", &ids);
            select.push(" GROUP BY c.indicator_id, s.name ORDER BY c.indicator_id, MIN(c.id)");
            let said: Vec<(i64, String)> = select.build_query_as().fetch_all(&mut *tx).await?;
            for (id, name) in said {
                sources.entry(id).or_default().push(name);
            }
        }
        tx.rollback().await?;
        let is_operator = scope == Scope::Operator;
        let mut items = Vec::with_capacity(rows.len());
        for row in &rows {
            let id: i64 = row.try_get("id")?;
            let tlp: String = row.try_get("tlp")?;
            let threat: Option<String> = row.try_get("threat")?;
            let moment = |column: &str| row.try_get::<Option<i64>, _>(column).map(|at| at.map(Timestamp));
            items.push(shape::Indicator {
                id,
                indicator: told_pattern(id, row.try_get("pattern")?, &tlp),
                kind: row.try_get("kind")?,
                threat: threat.filter(|_| is_operator || is_told(&tlp)),
                tlp,
                confidence: row.try_get("confidence")?,
                severity: severity_from(row.try_get("severity")?).as_str(),
                exercise: row.try_get("exercise")?,
                sources: sources.remove(&id).unwrap_or_default(),
                received_at: moment("received_at")?.filter(|_| is_operator),
                published_at: moment("published_at")?,
                published_in: row.try_get("published_in")?,
                withdrawn_at: moment("withdrawn_at")?.filter(|_| is_operator),
                members_met: row.try_get("members_met")?,
            });
        }
        let next = items.last().filter(|_| more).map(|last| Position { at: last.id, name: String::new() });
        Ok(Found { items, next })
    }
}
