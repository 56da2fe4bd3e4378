//! The legal clocks of many incidents at once, read from what was said of those alone.

use std::collections::BTreeMap;

use sqlx::{QueryBuilder, Row};

use super::entry_from;
use crate::store::asked::push_in;
use crate::store::{Scope, Store, StoreError};
use crate::workflow::duty::{Duties, duties};
use crate::workflow::timeline::Entry;

/// What each of these incidents has of clocks, as far as whoever asks may read what was said.
///
/// # Errors
/// The database's own.
pub async fn duties_of(store: &Store, scope: Scope, ids: &[i64]) -> Result<BTreeMap<i64, Duties>, StoreError> {
    let mut select =
        QueryBuilder::new("SELECT i.id, m.covered FROM incident i JOIN member m ON m.id = i.member_id WHERE ");
    push_in(&mut select, "i.id", ids);
    if let Some(member) = scope.member_id() {
        select.push(" AND i.member_id = ").push_bind(member);
    }
    let covered: Vec<(i64, Option<i64>)> = select.build_query_as().fetch_all(store.readers()).await?;
    let mut select = QueryBuilder::new("SELECT * FROM timeline WHERE kind = 'incident' AND ");
    push_in(&mut select, "subject_id", ids);
    // As `Said` is written: the word comes first.
    select.push(" AND (body LIKE '{\"what\":\"discovered\"%' OR body LIKE '{\"what\":\"breach_suspected\"%' OR body LIKE '{\"what\":\"duty_%'");
    select.push(") AND (").push_bind(scope.member_id()).push(" IS NULL OR for_members <> 0) ORDER BY id");
    let mut said: BTreeMap<i64, Vec<Entry>> = BTreeMap::new();
    for row in &select.build().fetch_all(store.readers()).await? {
        if let Some(entry) = entry_from(row)? {
            said.entry(row.try_get("subject_id")?).or_default().push(entry);
        }
    }
    let of = |(id, covered): (i64, Option<i64>)| {
        let entries = said.remove(&id).unwrap_or_default();
        (id, duties(&entries, covered.map(|yes| yes != 0)))
    };
    Ok(covered.into_iter().map(of).collect())
}
