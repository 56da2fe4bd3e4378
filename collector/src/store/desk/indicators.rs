//! The indicator list: all that sources have said, the last that came first, narrowed by a filter; a member sees what it has met. And
//! where one indicator was met.

use std::collections::BTreeSet;

use ipnet::IpNet;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use varde_common::time::Timestamp;

use super::condition::{TOLD, lies_within, push_levels, push_like, push_word};
use crate::api::KINDS;
use crate::filter::{Filter, Status, Token, What};
use crate::intel::hidden;
use crate::limits::desk::{
    INDICATORS_COUNTED_MAX, INDICATORS_READ_AT_ONCE, INDICATORS_SHOWN, INDICATORS_WITHIN_MAX, MET_BY_SHOWN,
};
use crate::store::asked::push_in;
use crate::store::indicator::IndicatorRow;
use crate::store::picture::IndicatorFacts;
use crate::store::{Scope, Store, StoreError};

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What is known of it; where few may read it its pattern is told by its number.
    pub row: IndicatorRow,
    /// Members that have met it; for a member itself alone.
    pub members: i64,
    /// Alerts of it.
    pub alerts: i64,
}

impl Listed {
    /// As pages show what an indicator is.
    pub fn facts(&self) -> IndicatorFacts {
        let row = &self.row;
        IndicatorFacts {
            id: row.id,
            pattern: (!hidden::is_secret(hidden::read(&row.tlp))).then(|| row.indicator.clone()),
            kind: row.kind.clone(),
            source: row.sources.join(", "),
            threat: row.threat.clone(),
            tlp: row.tlp.clone(),
            confidence: row.confidence,
            published_in: row.published_in,
        }
    }
}

/// A page of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndicatorsPage {
    /// The rows.
    pub items: Vec<Listed>,
    /// Below which number the next page begins.
    pub next: Option<i64>,
    /// How many fit, up to [`INDICATORS_COUNTED_MAX`]; one more stands for more than that.
    pub total: i64,
    /// Members that have a sensor: those that could have met any.
    pub watched: i64,
    /// A network of the filter holds more than [`INDICATORS_WITHIN_MAX`]: the newest were looked at.
    pub is_cut: bool,
}

/// One member that has met an indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetBy {
    /// Its number.
    pub number: String,
    /// Its name.
    pub name: String,
    /// Its alerts of it.
    pub alerts: i64,
    /// First.
    pub first: Timestamp,
    /// Last.
    pub last: Timestamp,
}

/// Where an indicator was met.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Met {
    /// By whom, the last first, at most [`MET_BY_SHOWN`].
    pub by: Vec<MetBy>,
    /// How many members.
    pub members: i64,
    /// How many alerts.
    pub alerts: i64,
    /// Members that have a sensor.
    pub watched: i64,
    /// Campaigns that it is part of, each by its number and its title.
    pub campaigns: Vec<(i64, Option<String>)>,
}

/// Members that a sensor of theirs or a site of another's stands for.
const WATCHED: &str =
    "SELECT COUNT(*) FROM (SELECT member_id FROM sensor WHERE enrolled_at IS NOT NULL AND revoked_at IS NULL
    UNION SELECT t.member_id FROM site t JOIN sensor s ON s.id = t.sensor_id
        WHERE s.enrolled_at IS NOT NULL AND s.revoked_at IS NULL AND t.named = 1)";

fn push_status(select: &mut QueryBuilder<Sqlite>, status: Status) {
    let recalled = "EXISTS (SELECT 1 FROM recall r WHERE r.indicator_id = n.id AND r.lifted_at IS NULL)";
    match status {
        Status::Published => {
            select.push(format!("(n.published_in IS NOT NULL AND n.withdrawn_at IS NULL AND NOT {recalled})"))
        }
        Status::Unpublished => {
            select.push(format!("(n.published_in IS NULL AND n.withdrawn_at IS NULL AND NOT {recalled})"))
        }
        Status::Withdrawn => select.push("n.withdrawn_at IS NOT NULL"),
        Status::Recalled => select.push(recalled),
        // Asked of no indicator.
        Status::New
        | Status::Acknowledged
        | Status::Triaged
        | Status::Confirmed
        | Status::Contained
        | Status::Closed
        | Status::FalsePositive
        | Status::Legitimate
        | Status::Muted => select.push("1 = 0"),
    };
}

/// What a token asks of an indicator `n`. What a member may not be told of is no condition that could tell it.
fn push(select: &mut QueryBuilder<Sqlite>, token: &Token, within: &[i64], scope: Scope) {
    let is_operator = scope == Scope::Operator;
    let told = if is_operator { "1 = 1" } else { TOLD };
    select.push(" AND (");
    match &token.what {
        What::Source(values) => {
            select.push("(").push(told).push(" AND EXISTS (SELECT 1 FROM claim c JOIN source s ON s.id = c.source_id WHERE c.indicator_id = n.id AND ");
            push_like(select, "s.name", values);
            select.push("))");
        }
        What::Threat(values) => {
            select.push("(n.threat IS NOT NULL AND ").push(told).push(" AND ");
            push_like(select, "n.threat", values);
            select.push(")");
        }
        What::Tlp(values) => push_word(select, "n.tlp", values.iter().map(ToString::to_string)),
        What::Severity(places) => push_levels(select, "n.severity", places),
        What::Kind(places) => {
            let kinds = places.iter().filter_map(|place| KINDS.get(*place));
            push_word(select, "n.kind", kinds.map(|kind| (*kind).to_owned()));
        }
        What::Exercise(yes) => drop(select.push(if *yes { "n.exercise <> 0" } else { "n.exercise = 0" })),
        What::Indicator(ids) => push_in(select, "n.id", ids),
        What::Network(_) => push_in(select, "n.id", within),
        What::Text(text) => {
            let text = std::slice::from_ref(text);
            select.push("(").push(TOLD).push(" AND ");
            push_like(select, "n.pattern", text);
            select.push(") OR (n.threat IS NOT NULL AND ").push(told).push(" AND ");
            push_like(select, "n.threat", text);
            select.push(")");
        }
        // A person takes back what alerts of others have shown to be wrong: a member learns of it by the list.
        What::Status(statuses) if is_operator => {
            select.push("1 = 0");
            for status in statuses {
                select.push(" OR ");
                push_status(select, *status);
            }
        }
        // Not asked of indicators, or not told.
        What::Status(_)
        | What::Member(_)
        | What::Evidence(_)
        | What::History(_)
        | What::Owner(_)
        | What::Campaign(_) => drop(select.push("1 = 0")),
    }
    select.push(if token.not { ") IS NOT TRUE" } else { ")" });
}

/// Numbers of those within the networks that a filter names, the newest of each, and whether there are more. A member's are those that it
/// has met.
async fn within(
    conn: &mut SqliteConnection,
    scope: Scope,
    filter: &Filter,
) -> Result<(Vec<Vec<i64>>, bool), sqlx::Error> {
    let mut found = vec![Vec::new(); filter.tokens.len()];
    let networks: Vec<(usize, &IpNet)> = filter.tokens.iter().enumerate().filter_map(network).collect();
    let sql = format!(
        "SELECT n.id, n.pattern FROM indicator n WHERE n.id < $1 AND n.kind IN ('ipv4', 'ipv6', 'network') AND {TOLD}
         AND ($2 IS NULL OR EXISTS (SELECT 1 FROM alert a WHERE a.indicator_id = n.id AND a.member_id = $2))
         ORDER BY n.id DESC LIMIT $3"
    );
    let (mut below, mut cut) = (i64::MAX, BTreeSet::new());
    while cut.len() < networks.len() {
        let select = sqlx::query_as(sqlx::AssertSqlSafe(sql.clone())).bind(below).bind(scope.member_id());
        let rows: Vec<(i64, String)> = select.bind(INDICATORS_READ_AT_ONCE).fetch_all(&mut *conn).await?;
        let Some((last, _)) = rows.last() else { break };
        below = *last;
        for (place, network) in &networks {
            let Some(ids) = found.get_mut(*place) else { continue };
            let inside = rows.iter().filter(|(_, pattern)| lies_within(pattern, network));
            ids.extend(inside.map(|(id, _)| *id));
            if ids.len() > INDICATORS_WITHIN_MAX {
                ids.truncate(INDICATORS_WITHIN_MAX);
                cut.insert(*place);
            }
        }
    }
    Ok((found, !cut.is_empty()))
}

fn network((place, token): (usize, &Token)) -> Option<(usize, &IpNet)> {
    match &token.what {
        What::Network(network) => Some((place, network)),
        _ => None,
    }
}

fn conditions(select: &mut QueryBuilder<Sqlite>, (filter, within): (&Filter, &[Vec<i64>]), scope: Scope, all: bool) {
    if let Some(member) = scope.member_id() {
        select.push(" AND EXISTS (SELECT 1 FROM alert a WHERE a.indicator_id = n.id AND a.member_id = ");
        select.push_bind(member).push(")");
    } else if !all && !filter.asks_for_status() {
        select.push(" AND n.withdrawn_at IS NULL");
    }
    for (token, within) in filter.tokens.iter().zip(within) {
        push(select, token, within, scope);
    }
}

impl Store {
    /// A page of indicators, the last that came first, below the number `before`. What is withdrawn is in it where `all` or the filter
    /// asks for it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn listed_indicators(
        &self,
        scope: Scope,
        filter: &Filter,
        all: bool,
        before: Option<i64>,
    ) -> Result<IndicatorsPage, StoreError> {
        let mut tx = self.readers().begin().await?;
        let (within, is_cut) = within(&mut tx, scope, filter).await?;
        let narrowed = (filter, within.as_slice());
        let mut select = QueryBuilder::<Sqlite>::new("SELECT n.id FROM indicator n WHERE n.id < ");
        select.push_bind(before.unwrap_or(i64::MAX));
        conditions(&mut select, narrowed, scope, all);
        let limit = i64::try_from(INDICATORS_SHOWN).unwrap_or(i64::MAX);
        select.push(" ORDER BY n.id DESC LIMIT ").push_bind(limit + 1);
        let mut ids: Vec<i64> = select.build_query_scalar().fetch_all(&mut *tx).await?;
        let more = ids.len() > INDICATORS_SHOWN;
        ids.truncate(INDICATORS_SHOWN);
        let mut select = QueryBuilder::<Sqlite>::new("SELECT COUNT(*) FROM (SELECT 1 FROM indicator n WHERE 1 = 1");
        conditions(&mut select, narrowed, scope, all);
        select.push(" LIMIT ").push_bind(INDICATORS_COUNTED_MAX + 1).push(")");
        let total: i64 = select.build_query_scalar().fetch_one(&mut *tx).await?;
        let watched: i64 = match scope {
            Scope::Operator => sqlx::query_scalar(WATCHED).fetch_one(&mut *tx).await?,
            Scope::Member(_) => 0,
        };
        tx.rollback().await?;
        let mut items = Vec::with_capacity(ids.len());
        for id in &ids {
            items.extend(self.listed_indicator(scope, *id).await?);
        }
        Ok(IndicatorsPage { next: ids.last().copied().filter(|_| more), items, total, watched, is_cut })
    }

    /// One indicator; a member is told of one that it has met, and what its source says of it is the operator's alone.
    ///
    /// # Errors
    /// The database's own.
    pub async fn listed_indicator(&self, scope: Scope, id: i64) -> Result<Option<Listed>, StoreError> {
        let member = scope.member_id();
        let sql = "SELECT COUNT(DISTINCT member_id), COUNT(*) FROM alert WHERE indicator_id = $1 AND ($2 IS NULL OR member_id = $2)";
        let (members, alerts): (i64, i64) = sqlx::query_as(sql).bind(id).bind(member).fetch_one(self.readers()).await?;
        if member.is_some() && alerts == 0 {
            return Ok(None);
        }
        let found = self.indicator_page(Scope::Operator, id.saturating_sub(1), 1).await?;
        let Some(mut row) = found.into_iter().next().filter(|row| row.id == id) else { return Ok(None) };
        let tlp = hidden::read(&row.tlp);
        row.indicator = hidden::told(id, &row.indicator, tlp);
        if member.is_some() {
            row.threat = row.threat.filter(|_| !hidden::is_secret(tlp));
            (row.sources, row.recalled_at, row.recalled_why, row.withdrawn_at) = (Vec::new(), None, None, None);
        }
        Ok(Some(Listed { row, members, alerts }))
    }

    /// Where it was met, as far as the reader may know: a member its own alone.
    ///
    /// # Errors
    /// The database's own.
    pub async fn met(&self, scope: Scope, id: i64) -> Result<Met, StoreError> {
        let member = scope.member_id();
        let mut tx = self.readers().begin().await?;
        let sql = "SELECT COUNT(DISTINCT member_id), COUNT(*) FROM alert WHERE indicator_id = $1 AND ($2 IS NULL OR member_id = $2)";
        let (members, alerts) = sqlx::query_as(sql).bind(id).bind(member).fetch_one(&mut *tx).await?;
        let sql = "SELECT m.number, m.name, COUNT(*), MIN(a.first_seen), MAX(a.last_seen) FROM alert a
            JOIN member m ON m.id = a.member_id WHERE a.indicator_id = $1 AND ($2 IS NULL OR a.member_id = $2)
            GROUP BY m.id ORDER BY MAX(a.last_seen) DESC, m.id LIMIT $3";
        let by: Vec<(String, String, i64, i64, i64)> =
            sqlx::query_as(sql).bind(id).bind(member).bind(MET_BY_SHOWN).fetch_all(&mut *tx).await?;
        let by = by.into_iter().map(|(number, name, alerts, first, last)| {
            let (first, last) = (Timestamp(first), Timestamp(last));
            MetBy { number, name, alerts, first, last }
        });
        let (campaigns, watched) = match scope {
            Scope::Operator => {
                let sql = "SELECT DISTINCT c.id, c.title FROM alert a JOIN incident i ON i.id = a.incident_id
                    JOIN campaign c ON c.id = i.campaign_id WHERE a.indicator_id = $1 ORDER BY c.id DESC LIMIT $2";
                let campaigns = sqlx::query_as(sql).bind(id).bind(MET_BY_SHOWN).fetch_all(&mut *tx).await?;
                (campaigns, sqlx::query_scalar(WATCHED).fetch_one(&mut *tx).await?)
            }
            Scope::Member(_) => (Vec::new(), 0),
        };
        let met = Met { by: by.collect(), members, alerts, watched, campaigns };
        tx.rollback().await?;
        Ok(met)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::List;
    use crate::ingest::tests::{batch, fixture, opened, send};
    use varde_common::record::RecordBody;

    fn asked(text: &str) -> Filter {
        let (filter, troubles) = Filter::read(text, List::Indicators);
        assert_eq!(troubles, Vec::new(), "{text}");
        filter
    }

    #[tokio::test]
    async fn indicators_are_narrowed_by_what_is_said_of_them_and_paged_by_their_numbers() {
        let fixture = fixture(2).await;
        let store = &fixture.store;
        let all = store.listed_indicators(Scope::Operator, &Filter::default(), true, None).await.unwrap();
        let ids: Vec<i64> = all.items.iter().map(|item| item.row.id).collect();
        assert!(ids.len() > 1 && ids.is_sorted_by(|a, b| a > b), "{ids:?}");
        assert_eq!((all.total, all.watched), (ids.len() as i64, 2));
        let below = store.listed_indicators(Scope::Operator, &Filter::default(), true, Some(ids[0])).await.unwrap();
        assert_eq!(below.items.first().map(|item| item.row.id), ids.get(1).copied(), "the next page goes on behind");
        let of = async |text: &str| {
            let page = store.listed_indicators(Scope::Operator, &asked(text), false, None).await.unwrap();
            page.items.iter().map(|item| item.row.id).collect::<Vec<_>>()
        };
        assert_eq!(of(&format!("indikator:{}", ids[1])).await, [ids[1]]);
        assert_eq!(of(&format!("-indikator:{}", ids[1])).await.len(), ids.len() - 1);
        assert_eq!(of("status:trukket").await, Vec::<i64>::new());
        fixture.run(format!("UPDATE indicator SET withdrawn_at = 5 WHERE id = {}", ids[1]).leak()).await;
        assert_eq!(of("status:trukket").await, [ids[1]]);
        assert!(!of("").await.contains(&ids[1]), "what is withdrawn is not shown unless it is asked for");
        fixture
            .run(
                format!("UPDATE indicator SET tlp = 'TLP:RED', pattern = 'hemmelig.example' WHERE id = {}", ids[0])
                    .leak(),
            )
            .await;
        assert_eq!(of("tlp:red").await, [ids[0]]);
        assert_eq!(of("hemmelig").await, Vec::<i64>::new(), "what is for few is found by its number alone");
        let red = store.listed_indicator(Scope::Operator, ids[0]).await.unwrap().unwrap();
        assert!(!format!("{red:?}").contains("hemmelig"), "{red:?}");
        assert_eq!(red.facts().pattern, None);
    }

    #[tokio::test]
    async fn a_network_that_holds_more_than_one_statement_takes_is_looked_at_as_far_as_is_said() {
        let fixture = fixture(1).await;
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info('indicator')")
            .fetch_all(fixture.store.readers())
            .await
            .unwrap();
        let value = |name: &String| match name.as_str() {
            "id" => "100 + c.i".to_owned(),
            "pattern" => "'10.' || (c.i / 65536) || '.' || (c.i / 256 % 256) || '.' || (c.i % 256)".to_owned(),
            "kind" => "'ipv4'".to_owned(),
            other => format!("n.{other}"),
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        let all = format!(
            "INSERT INTO indicator ({}) WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 33000)
             SELECT {} FROM c JOIN (SELECT * FROM indicator ORDER BY id LIMIT 1) n",
            columns.join(", "),
            values.join(", ")
        );
        fixture.run(all.leak()).await;
        let of = async |text: &str| {
            fixture.store.listed_indicators(Scope::Operator, &asked(text), false, None).await.unwrap()
        };
        let wide = of("10.0.0.0/8").await;
        assert_eq!((wide.items[0].row.id, wide.total, wide.is_cut), (33_100, INDICATORS_COUNTED_MAX + 1, true));
        // What lies behind all of them is found as well.
        let narrow = of("10.0.0.0/30").await;
        assert_eq!((narrow.items[0].row.id, narrow.total, narrow.is_cut), (103, 3, false));
        // A member's are those that it has met.
        let own = fixture.store.listed_indicators(Scope::Member(1), &asked("10.0.0.0/8"), false, None).await.unwrap();
        assert_eq!((own.total, own.is_cut), (0, false));
    }

    #[tokio::test]
    async fn w1_a_member_sees_the_indicators_that_it_has_met_and_no_other_member() {
        let fixture = fixture(2).await;
        send(&fixture, 1, &batch(1, vec![RecordBody::Opened(opened(2, 10, 48))])).await;
        let store = &fixture.store;
        let mine = store.listed_indicators(Scope::Member(1), &Filter::default(), false, None).await.unwrap();
        let [one] = mine.items.as_slice() else { panic!("{mine:?}") };
        assert_eq!((one.members, one.alerts, mine.watched, one.row.sources.len()), (1, 1, 0, 0));
        let none = store.listed_indicators(Scope::Member(2), &Filter::default(), false, None).await.unwrap();
        assert_eq!((none.items, none.total), (Vec::new(), 0));
        assert_eq!(store.listed_indicator(Scope::Member(2), one.row.id).await.unwrap(), None);
        let met = store.met(Scope::Member(2), one.row.id).await.unwrap();
        assert_eq!(met, Met::default());
        let met = store.met(Scope::Operator, one.row.id).await.unwrap();
        assert_eq!((met.members, met.alerts, met.watched, met.by.len()), (1, 1, 2, 1));
        assert_eq!(store.met(Scope::Member(1), one.row.id).await.unwrap().by.len(), 1);
    }
}
