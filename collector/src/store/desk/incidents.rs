//! The incident list: what matters most first; what is closed only where it is asked for.

use std::collections::BTreeMap;

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::condition::{Case, Looked, TOLD, lies_within, look_up, push_of_case};
use super::{Hidden, Question, USUAL_OF_CASES};
use crate::api::SEVERITIES;
use crate::api::cursor::Position;
use crate::filter::{Filter, Status, Token, What};
use crate::limits::desk::ALERTS_LOOKED_AT_MAX;
use crate::priority::Word;
use crate::store::asked::incident::AskedIncident;
use crate::store::workflow::duties_of;
use crate::store::{Scope, Store, StoreError};
use crate::workflow::State;
use crate::workflow::duty::Duties;

/// Incidents of one member that are sorted as they are read: more than any has.
const OWN_MAX: i64 = 2_000;
/// How it is reached from an incident `c`.
const CASE: Case<'static> = Case {
    word: "c.word",
    member: Some("c.member_id"),
    campaign: "c.campaign_id",
    reached: "EXISTS (SELECT 1 FROM alert a WHERE a.incident_id = c.id",
    is_told: "(c.human <> 0 OR c.link_kind <> 'indicator' OR EXISTS (SELECT 1 FROM indicator n
        WHERE n.id = CAST(c.link_value AS BIGINT) AND n.tlp IN ('TLP:CLEAR', 'TLP:GREEN', 'TLP:AMBER')))",
};

/// An incident of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// As it is listed elsewhere.
    pub incident: AskedIncident,
    /// Its legal clocks.
    pub duties: Duties,
}

/// A page of cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Behind which the next page goes on.
    pub next: Option<Position>,
    /// On all pages.
    pub total: i64,
    /// Of the range, whether they fit or not.
    pub within: i64,
    /// That are hidden.
    pub hidden: Hidden,
}

impl<T> Page<T> {
    /// The same page of other rows.
    pub(super) fn with<U>(self, items: Vec<U>) -> Page<U> {
        Page { items, next: self.next, total: self.total, within: self.within, hidden: self.hidden }
    }
}

/// Looks up what tokens of cases name.
pub(super) async fn looked_up(
    conn: &mut SqliteConnection,
    scope: Scope,
    filter: &Filter,
) -> Result<Vec<Looked>, sqlx::Error> {
    let mut tokens = look_up(&mut *conn, scope, filter).await?;
    for looked in &mut tokens {
        let What::Network(network) = &looked.token.what else { continue };
        let sql = format!(
            "SELECT n.id, n.pattern FROM indicator n WHERE n.kind IN ('ipv4', 'ipv6', 'network') AND {TOLD}
             AND EXISTS (SELECT 1 FROM meeting e WHERE e.indicator_id = n.id) LIMIT $1"
        );
        let select = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(ALERTS_LOOKED_AT_MAX);
        let rows: Vec<(i64, String)> = select.fetch_all(&mut *conn).await?;
        looked.indicators =
            Some(rows.into_iter().filter(|(_, pattern)| lies_within(pattern, network)).map(|(id, _)| id).collect());
    }
    Ok(tokens)
}

/// Within the range, and what the filter asks for. Nobody loses sight of what is open who has not asked for a range.
pub(super) fn push_where(select: &mut QueryBuilder<Sqlite>, question: &Question, tokens: &[Looked], of: &Case<'_>) {
    // What was found in history begins with when it was found.
    select.push(" WHERE (");
    if question.range.quick == Some(USUAL_OF_CASES) {
        select.push("c.state <> 'closed' OR ");
    }
    select.push("MAX(c.last_seen, c.opened_at) >= ").push_bind(question.range.from.0).push(")");
    if let Some(to) = question.range.to {
        select.push(" AND c.first_seen < ").push_bind(to.0);
    }
    for looked in tokens {
        push_of_case(select, looked, of);
    }
}

/// Whether what is closed is shown too.
pub(super) fn is_all(question: &Question) -> bool {
    question.all || question.filter.asks_for_status()
}

/// Numbers of a page, the gravest first, then the last seen; and of all pages how many, and how many are closed.
pub(super) async fn numbers(
    conn: &mut SqliteConnection,
    table: &str,
    question: &Question,
    tokens: &[Looked],
    of: &Case<'_>,
) -> Result<Page<i64>, sqlx::Error> {
    let mut select = QueryBuilder::new(format!(
        "SELECT COALESCE(SUM(CASE WHEN c.state <> 'closed' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN c.state = 'closed' THEN 1 ELSE 0 END), 0) FROM {table} c"
    ));
    push_where(&mut select, question, tokens, of);
    let (open, closed): (i64, i64) = select.build_query_as().fetch_one(&mut *conn).await?;
    let mut select =
        QueryBuilder::new(format!("SELECT c.id, COALESCE(c.word, -1) AS word, c.last_seen FROM {table} c"));
    push_where(&mut select, question, tokens, of);
    if !is_all(question) {
        select.push(" AND c.state <> 'closed'");
    }
    if let Some((word, last, id)) = question.after.as_ref().and_then(opened) {
        select.push(" AND (COALESCE(c.word, -1), c.last_seen, c.id) < (").push_bind(word).push(", ");
        select.push_bind(last).push(", ").push_bind(id).push(")");
    }
    let limit = i64::try_from(question.limit).unwrap_or(i64::MAX).saturating_add(1);
    select.push(" ORDER BY 2 DESC, 3 DESC, 1 DESC LIMIT ").push_bind(limit);
    let mut rows: Vec<(i64, i64, i64)> = select.build_query_as().fetch_all(&mut *conn).await?;
    let mut select = QueryBuilder::new(format!("SELECT COUNT(*) FROM {table} c"));
    push_where(&mut select, question, &[], of);
    let within: i64 = select.build_query_scalar().fetch_one(conn).await?;
    let more = rows.len() > question.limit;
    rows.truncate(question.limit);
    let next =
        rows.last().filter(|_| more).map(|(id, word, last)| Position { at: *word, name: format!("{last},{id}") });
    let (total, settled) = if is_all(question) { (open + closed, 0) } else { (open, closed) };
    let items = rows.into_iter().map(|(id, _, _)| id).collect();
    Ok(Page { items, next, total, within, hidden: Hidden { muted: 0, settled } })
}

/// Word, time and number of where a page ended.
fn opened(position: &Position) -> Option<(i64, i64, i64)> {
    let (last, id) = position.name.split_once(',')?;
    Some((position.at, last.parse().ok()?, id.parse().ok()?))
}

/// Whether one of a member's own is what the filter asks for: its word follows from its own alone, and is no column.
fn fits(token: &Token, incident: &AskedIncident) -> bool {
    let view = &incident.view;
    let status = |status: &Status| match status {
        Status::New => view.state == State::New,
        Status::Triaged => view.state == State::Triaged,
        Status::Confirmed => view.state == State::Confirmed,
        Status::Contained => view.state == State::Contained,
        Status::Closed => view.state == State::Closed,
        Status::FalsePositive => view.closed_as == Some(crate::workflow::Closing::FalsePositive),
        Status::Legitimate => view.closed_as == Some(crate::workflow::Closing::Legitimate),
        Status::Acknowledged
        | Status::Muted
        | Status::Published
        | Status::Unpublished
        | Status::Withdrawn
        | Status::Recalled => false,
    };
    let yes = match &token.what {
        What::Severity(places) => {
            let word = view.word.map(Word::as_str);
            places.iter().any(|place| SEVERITIES.get(*place).copied() == word)
        }
        What::Status(statuses) => statuses.iter().any(status),
        What::Exercise(yes) => view.exercise == *yes,
        What::Text(text) => view.title.to_lowercase().contains(&text.to_lowercase()),
        What::Evidence(places) => view.evidence.is_some_and(|evidence| {
            let level = crate::store::alert::level_of(evidence);
            places.iter().any(|place| i64::try_from(*place) == Ok(level))
        }),
        What::Member(values) => values.iter().any(|value| {
            view.member.number == *value || view.member.name.to_lowercase().starts_with(&value.to_lowercase())
        }),
        // What would tell of others, or of how the CSIRT works, finds nothing.
        What::Owner(_)
        | What::Campaign(_)
        | What::Indicator(_)
        | What::Threat(_)
        | What::Network(_)
        | What::Source(_)
        | What::Tlp(_)
        | What::Kind(_)
        | What::History(_) => false,
    };
    yes != token.not
}

impl Store {
    /// A page of the incident list; of a member its own, by what it is told of them.
    ///
    /// # Errors
    /// The database's own.
    pub async fn listed_incidents(&self, scope: Scope, question: &Question) -> Result<Page<Listed>, StoreError> {
        let page = match scope {
            Scope::Operator => {
                let mut tx = self.readers().begin().await?;
                let tokens = looked_up(&mut tx, scope, &question.filter).await?;
                let page = numbers(&mut tx, "incident", question, &tokens, &CASE).await?;
                tx.rollback().await?;
                page
            }
            Scope::Member(member) => return self.own_incidents(member, question).await,
        };
        let items = self.with_duties(scope, self.incidents_of(scope, &page.items).await?).await?;
        Ok(page.with(items))
    }

    async fn own_incidents(&self, member: i64, question: &Question) -> Result<Page<Listed>, StoreError> {
        let scope = Scope::Member(member);
        let mut select = QueryBuilder::new("SELECT c.id FROM incident c");
        push_where(&mut select, question, &[], &CASE);
        select.push(" AND c.member_id = ").push_bind(member);
        select.push(" ORDER BY c.last_seen DESC, c.uuid DESC LIMIT ").push_bind(OWN_MAX);
        let ids: Vec<i64> = select.build_query_scalar().fetch_all(self.readers()).await?;
        let mut all = Vec::new();
        for piece in ids.chunks(crate::limits::desk::CASES_SHOWN) {
            all.extend(self.incidents_of(scope, piece).await?);
        }
        let within = i64::try_from(all.len()).unwrap_or(i64::MAX);
        all.retain(|incident| question.filter.tokens.iter().all(|token| fits(token, incident)));
        let open = |incident: &AskedIncident| incident.view.state != State::Closed;
        let settled = all.iter().filter(|incident| !open(incident)).count();
        let mut hidden = Hidden::default();
        if !is_all(question) {
            all.retain(open);
            hidden.settled = i64::try_from(settled).unwrap_or(i64::MAX);
        }
        let key = |incident: &AskedIncident| {
            let word = incident.view.word.map_or(-1, crate::store::priority::level_of);
            (word, incident.view.last_seen, incident.view.uuid.clone())
        };
        all.sort_by_cached_key(|incident| std::cmp::Reverse(key(incident)));
        let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
        // It goes on behind so many: they are its own, and few.
        let begin = question.after.as_ref().and_then(|after| usize::try_from(after.at).ok()).unwrap_or(0);
        let end = begin.saturating_add(question.limit);
        let next = (all.len() > end).then(|| Position { at: i64::try_from(end).unwrap_or(0), name: String::new() });
        let items = all.into_iter().skip(begin).take(question.limit).collect();
        Ok(Page { items: self.with_duties(scope, items).await?, next, total, within, hidden })
    }

    async fn with_duties(&self, scope: Scope, items: Vec<AskedIncident>) -> Result<Vec<Listed>, StoreError> {
        let ids: Vec<i64> = items.iter().map(|incident| incident.view.id).collect();
        let mut duties: BTreeMap<i64, Duties> = duties_of(self, scope, &ids).await?;
        let with = |incident: AskedIncident| {
            let duties = duties.remove(&incident.view.id).unwrap_or_default();
            Listed { incident, duties }
        };
        Ok(items.into_iter().map(with).collect())
    }
}
