//! What the API asks: a page at a time, each behind the one before, by what never changes of a thing, so that none stands in two pages or in
//! none. First the page's keys are read by an index, then what is shown of them.

pub mod alert;
pub mod campaign;
pub mod incident;
pub mod indicator;
pub mod operation;

use std::collections::BTreeMap;

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use varde_common::indicator::Pattern;

use super::account::id_of;
use super::campaign::{Chosen, views};
use super::{Scope, Store, StoreError};
use crate::api::cursor::Position;
use crate::api::parameter::Asked;

/// Markings whose indicators are told of by value.
const TOLD: &str = "tlp IN ('TLP:CLEAR', 'TLP:GREEN', 'TLP:AMBER')";

/// A page of things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    /// The things.
    pub items: Vec<T>,
    /// Behind which the next page goes on; none = that is all.
    pub next: Option<Position>,
}

impl<T> Found<T> {
    /// Nothing there.
    pub fn none() -> Found<T> {
        Found { items: Vec::new(), next: None }
    }

    /// A page of what is all there, in its order; `position` says where each stands.
    pub fn cut(
        all: Vec<T>,
        asked: &Asked,
        position: impl Fn(&T) -> Position,
        is_behind: impl Fn(&Position, &Position) -> bool,
    ) -> Found<T> {
        let rest =
            all.into_iter().filter(|item| asked.after.as_ref().is_none_or(|after| is_behind(&position(item), after)));
        let most = usize::try_from(asked.limit()).unwrap_or(1);
        let mut items: Vec<T> = rest.take(most.saturating_add(1)).collect();
        let more = items.len() > most;
        items.truncate(most);
        let next = items.last().filter(|_| more).map(position);
        Found { items, next }
    }

    /// The same things as something else.
    pub fn map<U>(self, of: impl FnMut(T) -> U) -> Found<U> {
        Found { items: self.items.into_iter().map(of).collect(), next: self.next }
    }
}

/// Where one thing stands in its page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) id: i64,
    pub(super) at: i64,
    pub(super) name: String,
}

/// The keys of a page: `select` gives id, at and name, `columns` are those two; the newest first.
pub(super) async fn keys(
    conn: &mut SqliteConnection,
    mut select: QueryBuilder<Sqlite>,
    (at, name): (&str, &str),
    asked: &Asked,
) -> Result<Found<Key>, sqlx::Error> {
    if let Some(Position { at: behind, name: after }) = &asked.after {
        select
            .push(format!(" AND ({at}, {name}) < ("))
            .push_bind(*behind)
            .push(", ")
            .push_bind(after.clone())
            .push(")");
    }
    select.push(format!(" ORDER BY {at} DESC, {name} DESC LIMIT ")).push_bind(asked.limit() + 1);
    let rows: Vec<(i64, i64, String)> = select.build_query_as().fetch_all(conn).await?;
    let mut items: Vec<Key> = rows.into_iter().map(|(id, at, name)| Key { id, at, name }).collect();
    let most = usize::try_from(asked.limit()).unwrap_or(1);
    let more = items.len() > most;
    items.truncate(most);
    let next = items.last().filter(|_| more).map(|last| Position { at: last.at, name: last.name.clone() });
    Ok(Found { items, next })
}

/// Goes on with `IN (…)` of numbers; of none it is never true. They are bound as one list: a statement takes 32,766 values and no more.
pub(super) fn push_in(select: &mut QueryBuilder<Sqlite>, column: &str, ids: &[i64]) {
    if ids.is_empty() {
        select.push("1 = 0");
        return;
    }
    let list: Vec<String> = ids.iter().map(i64::to_string).collect();
    select.push(column).push(" IN (SELECT value FROM json_each(");
    select.push_bind(format!("[{}]", list.join(","))).push("))");
}

/// Words by their places, as the database's numbers have them.
pub(super) fn push_places(select: &mut QueryBuilder<Sqlite>, column: &str, places: Option<&[usize]>) {
    if let Some(places) = places {
        let levels: Vec<i64> = places.iter().filter_map(|place| i64::try_from(*place).ok()).collect();
        select.push(" AND ");
        push_in(select, column, &levels);
    }
}

/// Words by themselves.
pub(super) fn push_words(
    select: &mut QueryBuilder<Sqlite>,
    column: &str,
    words: &[&'static str],
    places: Option<&[usize]>,
) {
    if let Some(places) = places {
        select.push(" AND ").push(column).push(" IN (");
        let mut list = select.separated(", ");
        for word in places.iter().filter_map(|place| words.get(*place)) {
            list.push_bind(*word);
        }
        select.push(")");
    }
}

/// Yes or no of a column that is 0 or not.
pub(super) fn push_flag(select: &mut QueryBuilder<Sqlite>, column: &str, flag: Option<bool>) {
    match flag {
        Some(true) => drop(select.push(" AND ").push(column).push(" <> 0")),
        Some(false) => drop(select.push(" AND ").push(column).push(" = 0")),
        None => {}
    }
}

/// Whether something is there.
pub(super) fn push_exists(select: &mut QueryBuilder<Sqlite>, statement: &str, flag: Option<bool>) {
    match flag {
        Some(true) => drop(select.push(" AND EXISTS (").push(statement).push(")")),
        Some(false) => drop(select.push(" AND NOT EXISTS (").push(statement).push(")")),
        None => {}
    }
}

/// Numbers of the indicators that a question is about; none = it is about all. By value only those that are told of by value: who guesses
/// one that is marked for few learns nothing.
pub(super) async fn indicators(
    conn: &mut SqliteConnection,
    scope: Scope,
    asked: &Asked,
) -> Result<Option<Vec<i64>>, sqlx::Error> {
    let mut named: Option<Vec<i64>> = None;
    if let Some(text) = asked.text("indicator") {
        let number: Option<i64> = text.parse().ok();
        let plain = text.parse::<Pattern>().ok().map(|pattern| pattern.to_plain());
        let sql = format!("SELECT id FROM indicator WHERE id = $1 OR (pattern IN ($2, $3) AND {TOLD}) ORDER BY id");
        let select = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(number);
        named = Some(select.bind(plain).bind(format!("={}", text.to_ascii_lowercase())).fetch_all(conn).await?);
        return Ok(named);
    }
    if let Some(threat) = asked.text("threat") {
        let of = match scope {
            Scope::Operator => "1 = 1",
            Scope::Member(_) => TOLD,
        };
        let sql = format!("SELECT id FROM indicator WHERE threat = $1 AND {of} ORDER BY id LIMIT 10000");
        named = Some(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(threat.to_owned()).fetch_all(conn).await?);
    }
    Ok(named)
}

/// The member that a question is about; within, none = there is no such, or not for this reader.
pub(super) async fn member(
    conn: &mut SqliteConnection,
    scope: Scope,
    asked: &Asked,
) -> Result<Option<Option<i64>>, sqlx::Error> {
    let Some(number) = asked.text("member") else { return Ok(scope.member_id().map(Some)) };
    let found = id_of(conn, number).await?;
    Ok(Some(found.filter(|id| scope.member_id().is_none_or(|own| own == *id))))
}

/// What campaigns go by outside, for this reader.
pub(super) async fn campaign_names(
    store: &Store,
    scope: Scope,
    ids: &[i64],
) -> Result<BTreeMap<i64, String>, StoreError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    if scope != Scope::Operator {
        let told = views(store, scope, Chosen::These(ids)).await?;
        return Ok(told.into_iter().map(|campaign| (campaign.id, campaign.uuid)).collect());
    }
    let mut select = QueryBuilder::new("SELECT id, uuid FROM campaign WHERE ");
    push_in(&mut select, "id", ids);
    let rows: Vec<(i64, String)> = select.build_query_as().fetch_all(store.readers()).await?;
    Ok(rows.into_iter().collect())
}

#[cfg(test)]
mod tests;
