//! What links nothing because many share it: by the warninglists that are in use, those that come with the program and the operator's.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::SqliteConnection;

use super::Store;
use super::lint::list_of;
use crate::commons::Commons;
use crate::intel::lint::{List, default_lists};

/// What was made of them last, and by which of the operator's: they are read anew where these are others, and not with every batch.
pub(super) type Cached = Arc<Mutex<Option<(Vec<(String, i64)>, Arc<Commons>)>>>;

impl Store {
    /// By the lists that are in use at this moment of the transaction.
    ///
    /// # Errors
    /// The database's own.
    pub(crate) async fn commons(&self, conn: &mut SqliteConnection) -> Result<Arc<Commons>, sqlx::Error> {
        let sql = "SELECT name, added_at FROM warninglist ORDER BY name, added_at";
        let own: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(&mut *conn).await?;
        let kept = self.commons.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((of, commons)) = kept
            && of == own
        {
            return Ok(commons);
        }
        let commons = if own.is_empty() {
            Commons::known()
        } else {
            let rows = sqlx::query("SELECT * FROM warninglist ORDER BY name").fetch_all(conn).await?;
            let lists: Vec<List> =
                rows.iter().map(|row| list_of(row).map(|(list, _, _)| list)).collect::<Result<_, _>>()?;
            let names: HashSet<&str> = lists.iter().map(|list| list.name.as_str()).collect();
            let defaults = default_lists().filter(|list| !names.contains(list.name.as_str())).collect::<Vec<_>>();
            Arc::new(Commons::of(defaults.into_iter().chain(lists)))
        };
        *self.commons.lock().unwrap_or_else(PoisonError::into_inner) = Some((own, Arc::clone(&commons)));
        Ok(commons)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::lint::ListKind;
    use crate::store::fixture::{Fixture, NOW};
    use varde_common::name::DomainName;

    async fn commons(store: &Store) -> Arc<Commons> {
        let mut tx = store.begin().await.unwrap();
        store.commons(&mut tx).await.unwrap()
    }

    #[tokio::test]
    async fn c_the_operators_own_lists_say_what_many_share_from_the_next_batch_on_and_no_more_once_they_are_gone() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        let own = |commons: &Commons| commons.own_domain(&DomainName::parse("a.fellesdrift-kommune.no").unwrap());
        let address = "192.0.2.7".parse().unwrap();
        let domain = || Some("fellesdrift-kommune.no".to_owned());
        let before = commons(store).await;
        assert_eq!((own(&before), before.holds_address(address)), (domain(), false));
        let mut list = default_lists().next().unwrap();
        let shipped = list.entries.first().cloned().unwrap();
        list.name = "felles".to_owned();
        list.kind = ListKind::Plain;
        list.entries = vec!["fellesdrift-kommune.no".to_owned(), "192.0.2.0/24".to_owned()];
        assert!(store.add_warninglist(&list, "kari", NOW).await.unwrap());
        let with = commons(store).await;
        assert_eq!((own(&with), with.holds_address(address)), (None, true), "{shipped} beside it");
        assert!(with.holds_address("104.16.1.1".parse().unwrap()), "what comes with the program says so still");
        assert!(Arc::ptr_eq(&with, &commons(store).await), "made once");
        // A part of a name is no name, and says of nobody that many are there.
        list.kind = ListKind::Substring;
        assert!(store.add_warninglist(&list, "kari", varde_common::time::Timestamp(NOW.0 + 1)).await.unwrap());
        assert_eq!(own(commons(store).await.as_ref()), domain());
        assert!(store.remove_warninglist("felles").await.unwrap());
        let after = commons(store).await;
        assert_eq!((own(&after), after.holds_address(address)), (domain(), false));
    }
}
