//! What a source said, taken back or said again without a file: all of it, or what one group of its objects said. In transactions
//! that leave room for others between them.

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;
use varde_common::time::Timestamp;

use super::{Store, StoreError, claim, claim_sum};
use crate::limits::IMPORT_BATCH_ITEMS;

/// Claims of a source, page by page as their index has them, from behind the last one of the page before.
const OF_SOURCE: &str = "source_id = (SELECT id FROM source WHERE name = $2) AND (object_id, indicator_id) > ($3, $4)
    AND (withdrawn_at IS NULL OR refuted_at IS NOT NULL)";

/// Which claims are taken back, and why.
pub(super) struct Withdrawal<'a> {
    /// Whose.
    source: &'a str,
    /// Of objects named from here on.
    from: String,
    /// Up to here, where not all are meant; and not those that the import of this time has said.
    bounds: Option<(String, Option<Timestamp>)>,
    why: &'a str,
    now: Timestamp,
}

impl<'a> Withdrawal<'a> {
    /// All that a source said.
    pub(super) fn of_source(source: &'a str, why: &'a str, now: Timestamp) -> Withdrawal<'a> {
        Withdrawal { source, from: String::new(), bounds: None, why, now }
    }

    /// What its objects whose names begin with `group/` said, but what the import of `said_at` has said again. By that import's time,
    /// not an older one: clocks are set.
    pub(super) fn of_group(
        source: &'a str,
        group: &str,
        said_at: Option<Timestamp>,
        why: &'a str,
        now: Timestamp,
    ) -> Withdrawal<'a> {
        // 0 is the character behind the slash: the names between the two are the group's.
        let (from, to) = (format!("{group}/"), format!("{group}0"));
        Withdrawal { source, from, bounds: Some((to, said_at)), why, now }
    }

    /// Before the first page.
    pub(super) fn begin(&self) -> (String, i64) {
        (self.from.clone(), i64::MIN)
    }

    /// Takes back a page of them, from behind the last one of the page before; gives the last one and the indicators, one a claim. None =
    /// there are no more.
    pub(super) async fn page(
        &self,
        tx: &mut SqliteConnection,
        after: &(String, i64),
    ) -> Result<Option<((String, i64), Vec<i64>)>, StoreError> {
        let within =
            if self.bounds.is_some() { " AND object_id < $7 AND ($8 IS NULL OR renewed_at <> $8)" } else { "" };
        let sql = format!(
            "UPDATE claim SET withdrawn_at = $1, withdrawn_why = $6, refuted_at = NULL WHERE id IN (SELECT id FROM claim
            WHERE {OF_SOURCE}{within} ORDER BY object_id, indicator_id LIMIT $5) RETURNING object_id, indicator_id"
        );
        let update = sqlx::query_as(AssertSqlSafe(sql)).bind(self.now.0).bind(self.source).bind(&after.0);
        let update = update.bind(after.1).bind(IMPORT_BATCH_ITEMS as i64).bind(self.why);
        let update = match &self.bounds {
            Some((to, said_at)) => update.bind(to).bind(said_at.map(|at| at.0)),
            None => update,
        };
        let gone: Vec<(String, i64)> = update.fetch_all(tx).await?;
        let indicators = gone.iter().map(|(_, indicator)| *indicator).collect();
        Ok(gone.into_iter().max().map(|last| (last, indicators)))
    }
}

impl Store {
    /// Takes back all that a source said; gives how many claims that were.
    ///
    /// # Errors
    /// The database's own.
    pub async fn withdraw_source(&self, source: &str, why: &str, now: Timestamp) -> Result<u64, StoreError> {
        self.withdraw(&Withdrawal::of_source(source, why, now)).await
    }

    async fn withdraw(&self, withdrawal: &Withdrawal<'_>) -> Result<u64, StoreError> {
        let mut claims = 0;
        let mut after = withdrawal.begin();
        loop {
            let mut tx = self.begin().await?;
            let page = withdrawal.page(&mut tx, &after).await?;
            let Some((last, indicators)) = page else { return Ok(claims) };
            claim_sum::settle(&mut tx, &indicators, withdrawal.now).await?;
            tx.commit().await?;
            after = last;
            claims += indicators.len() as u64;
        }
    }

    /// A source says all that stands of it again.
    ///
    /// # Errors
    /// The database's own.
    pub async fn renew_claims(&self, source: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE claim SET renewed_at = $1 WHERE id IN (SELECT id FROM claim
            WHERE {OF_SOURCE} ORDER BY object_id, indicator_id LIMIT $5) RETURNING object_id, indicator_id"
        );
        let mut after = (String::new(), i64::MIN);
        loop {
            let mut tx = self.begin().await?;
            let update = sqlx::query_as(AssertSqlSafe(sql.as_str())).bind(now.0).bind(source).bind(&after.0);
            let renewed: Vec<(String, i64)> =
                update.bind(after.1).bind(IMPORT_BATCH_ITEMS as i64).fetch_all(&mut *tx).await?;
            if !renewed.is_empty() {
                claim::changed(&mut tx).await?;
            }
            tx.commit().await?;
            let Some(last) = renewed.into_iter().max() else { return Ok(()) };
            after = last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::canonical::{About, Found, Object};
    use crate::store::Scope;

    fn found(pattern: &str, object: &str) -> Found {
        let object = Object { id: object.to_owned(), modified: None, text: None };
        Found { about: About::default(), object, ..Found::bare(pattern.parse().unwrap()) }
    }

    async fn gone(store: &Store) -> Vec<String> {
        let rows = store.indicator_rows(Scope::Operator).await.unwrap();
        rows.into_iter().filter(|row| row.withdrawn_at.is_some()).map(|row| row.indicator).collect()
    }

    async fn renewed(store: &Store, source: &str) -> Vec<i64> {
        let sql = "SELECT DISTINCT renewed_at FROM claim WHERE source_id = (SELECT id FROM source WHERE name = $1)
            AND withdrawn_at IS NULL";
        sqlx::query_scalar(sql).bind(source).fetch_all(store.readers()).await.unwrap()
    }

    #[tokio::test]
    async fn a_group_of_objects_withdraws_what_it_does_not_say_again_and_no_other_groups() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let all = [("a", "e1/x"), ("b", "e1/y"), ("c", "e10/x"), ("d", "e1")];
        let all = all.map(|(name, object)| found(&format!("{name}.example"), object));
        store.take_in("misp", &all, Timestamp(9)).await.unwrap();
        store.take_in("other", &[found("a.example", "e1/x")], Timestamp(9)).await.unwrap();
        // The clock was set back: what is said is known by its import's time, whichever that is.
        store.take_in("misp", &[found("a.example", "e1/x")], Timestamp(2)).await.unwrap();
        let withdraw = async |said_at: Option<i64>| {
            let (at, now) = (said_at.map(Timestamp), Timestamp(3));
            store.withdraw(&Withdrawal::of_group("misp", "e1", at, "gone", now)).await.unwrap()
        };
        assert_eq!(withdraw(Some(2)).await, 1);
        assert_eq!(gone(&store).await, ["b.example"]);
        store.renew_claims("misp", Timestamp(4)).await.unwrap();
        assert_eq!((renewed(&store, "misp").await, renewed(&store, "other").await), (vec![4], vec![9]));
        assert_eq!(withdraw(None).await, 1);
        assert_eq!(gone(&store).await, ["b.example"], "the other source still says so");
        assert_eq!(store.withdraw_source("misp", "gone", Timestamp(5)).await.unwrap(), 2);
        assert_eq!(gone(&store).await, ["b.example", "c.example", "d.example"]);
    }

    #[tokio::test]
    async fn t10_what_was_found_wrong_and_is_taken_back_by_its_source_does_not_come_back_with_the_verdict() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let refuted = |refuted: &'static str| {
            let sql = format!("SELECT COUNT(*) FROM claim WHERE {refuted}");
            let store = &store;
            async move { sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).fetch_one(store.readers()).await.unwrap() }
        };
        store.take_in("misp", &[found("a.example", "e1/x")], Timestamp(1)).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let sql = "UPDATE claim SET withdrawn_at = 2, refuted_at = 2";
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let withdrawal = Withdrawal::of_group("misp", "e1", None, "gone", Timestamp(3));
        assert_eq!(store.withdraw(&withdrawal).await.unwrap(), 1);
        assert_eq!(refuted("refuted_at IS NULL AND withdrawn_at = 3 AND withdrawn_why = 'gone'").await, 1);
    }

    #[tokio::test]
    async fn more_than_a_page_goes_and_is_said_again_in_several() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let count = IMPORT_BATCH_ITEMS + 7;
        let all: Vec<Found> = (0..count).map(|n| found(&format!("n{n}.example"), "")).collect();
        store.take_in("list", &all, Timestamp(1)).await.unwrap();
        store.renew_claims("list", Timestamp(2)).await.unwrap();
        assert_eq!(renewed(&store, "list").await, [2]);
        assert_eq!(store.withdraw_source("list", "gone", Timestamp(3)).await.unwrap(), count as u64);
        assert_eq!(gone(&store).await.len(), count);
    }
}
