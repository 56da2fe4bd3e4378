//! The alerts of a range that a page looks at, the newest, and of each whether it is shown, muted or settled.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::Question;
use super::condition::{IS_MUTED, IS_NEW, Looked, TOLD, lies_within, look_up, push_of_alert};
use crate::filter::What;
use crate::limits::desk::ALERTS_LOOKED_AT_MAX;
use crate::store::Scope;

/// What is read of each alert: nothing that the index does not hold.
const COLUMNS: &str = "a.id, a.indicator_id, a.member_id, a.evidence, a.severity, a.exercise, a.verdict";

/// A question with what had to be looked up for it.
#[derive(Debug, Clone)]
pub(super) struct Asked<'a> {
    pub(super) question: &'a Question,
    pub(super) scope: Scope,
    tokens: Vec<Looked>,
}

impl<'a> Asked<'a> {
    /// Looks up members, and indicators within a network.
    pub(super) async fn of(
        conn: &mut SqliteConnection,
        scope: Scope,
        question: &'a Question,
    ) -> Result<Asked<'a>, sqlx::Error> {
        let mut tokens = look_up(&mut *conn, scope, &question.filter).await?;
        for looked in &mut tokens {
            let What::Network(network) = &looked.token.what else { continue };
            // Of a value that is told to few nobody learns by guessing where it lies.
            let mut select = QueryBuilder::new("SELECT DISTINCT n.id, n.pattern FROM ");
            push_range(&mut select, scope, question);
            select
                .push(" x JOIN indicator n ON n.id = x.indicator_id WHERE n.kind IN ('ipv4', 'ipv6', 'network') AND ");
            let rows: Vec<(i64, String)> = select.push(TOLD).build_query_as().fetch_all(&mut *conn).await?;
            let within = rows.into_iter().filter(|(_, pattern)| lies_within(pattern, network));
            looked.indicators = Some(within.map(|(id, _)| id).collect());
        }
        Ok(Asked { question, scope, tokens })
    }

    /// `(SELECT …)` of alerts that fit, each with `seen`, `fresh`, and whether it is `muted` or `settled`; `shown` = neither, or asked for.
    pub(super) fn push(&self, select: &mut QueryBuilder<Sqlite>) {
        let now = self.question.now.0;
        select.push("(SELECT p.*, ");
        // Who asks for a status, or for all, gets what is asked.
        let asks = self.question.all || self.question.filter.asks_for_status();
        select.push(if asks {
            "1 AS shown"
        } else {
            "CASE WHEN p.muted = 0 AND p.settled = 0 THEN 1 ELSE 0 END AS shown"
        });
        select.push(" FROM (SELECT x.id, x.indicator_id, x.member_id, x.evidence, x.severity, x.exercise, x.verdict, x.retro, x.seen, ");
        match self.scope {
            Scope::Operator => {
                select.push("CASE WHEN ").push(IS_NEW).push(" THEN 1 ELSE 0 END AS fresh, CASE WHEN ");
                select.push(IS_MUTED).push_bind(now).push(") THEN 1 ELSE 0 END AS muted, ");
                select
                    .push("CASE WHEN x.verdict IN ('false-positive', 'legitimate') THEN 1 ELSE 0 END AS settled FROM ");
            }
            // What the CSIRT hides from itself it hides from nobody else.
            Scope::Member(_) => drop(select.push(
                "CASE WHEN x.verdict IS NULL THEN 1 ELSE 0 END AS fresh, 0 AS muted,
                 CASE WHEN x.verdict IN ('false-positive', 'legitimate') THEN 1 ELSE 0 END AS settled FROM ",
            )),
        }
        push_range(select, self.scope, self.question);
        select.push(" x JOIN indicator n ON n.id = x.indicator_id LEFT JOIN acknowledged k ON k.indicator_id = x.indicator_id AND k.member_id = x.member_id WHERE 1 = 1");
        for looked in &self.tokens {
            push_of_alert(select, looked, self.scope, now);
        }
        select.push(") p)");
    }
}

/// `(SELECT …)` of the newest alerts of a range: those that were seen in it, and of history those that were found in it.
pub(super) fn push_range(select: &mut QueryBuilder<Sqlite>, scope: Scope, question: &Question) {
    let (from, to) = (question.range.from.0, question.range.to.map(|to| to.0));
    let one = |select: &mut QueryBuilder<Sqlite>, retro: &str, at: &str| {
        select.push(format!("SELECT {COLUMNS}, {retro} AS retro, a.{at} AS seen FROM alert a WHERE "));
        select.push(if retro == "0" { "a.retro = 0" } else { "a.retro <> 0" });
        if let Some(member) = scope.member_id() {
            select.push(" AND a.member_id = ").push_bind(member);
        }
        select.push(format!(" AND a.{at} >= ")).push_bind(from);
        if let Some(to) = to {
            select.push(format!(" AND a.{at} < ")).push_bind(to);
        }
    };
    select.push("(");
    one(select, "0", "last_seen");
    select.push(" UNION ALL ");
    one(select, "1", "arrived_at");
    select.push(" ORDER BY 9 DESC LIMIT ").push_bind(ALERTS_LOOKED_AT_MAX).push(")");
}
