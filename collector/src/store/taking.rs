//! What was gathered, taken in page by page. How far it is stands in the same transaction as each page: cut off anywhere, it goes on from
//! there, and until it is whole nobody makes anything of it.

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection};
use varde_common::time::Timestamp;

use super::claim::{BY_ENTRY, BY_NUMBER, Imported, Page, UNSAID};
use super::claim_group::Withdrawal;
use super::stage::Stage;
use super::under_way::{self, UnderWay};
use super::{StoreError, claim_sum};
use crate::limits::IMPORT_BATCH_ITEMS;

const NOT_SAID: &str = "the source does not say it any more";
const GROUP_GONE: &str = "its event is gone";

/// In which order. An object's new word comes before the end of its old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// What is said of indicators.
    Entries,
    /// What objects say of themselves.
    Words,
    /// What no sensor can look for.
    Clues,
    /// What groups of objects do not say any more.
    Groups,
    /// What the source does not say any more, where this is all that it says.
    Unsaid,
}

const STEPS: [Step; 5] = [Step::Entries, Step::Words, Step::Clues, Step::Groups, Step::Unsaid];

impl Stage {
    /// Takes in what was gathered as the word of a source, `is_all` of it, in transactions that leave room for others between them. `done` is
    /// told how many of the entries are in.
    ///
    /// # Errors
    /// The database's own; what is in by then is known, and [`Stage::go_on`] does the rest.
    pub async fn take_in(
        &mut self,
        source: &str,
        is_all: bool,
        now: Timestamp,
        done: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Imported, StoreError> {
        let mut tx = self.conn.begin_with("BEGIN IMMEDIATE").await?;
        let manner = (self.manner.keeps_unsaid, is_all);
        let under_way = UnderWay::begin(&mut tx, source, &self.mark, manner, now).await?;
        tx.commit().await?;
        self.go_on(under_way, done).await
    }

    /// Takes in what is not in yet.
    ///
    /// # Errors
    /// The database's own.
    pub async fn go_on(
        &mut self,
        mut under_way: UnderWay,
        done: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Imported, StoreError> {
        for (number, step) in (0..).zip(STEPS) {
            if number < under_way.step || (step == Step::Unsaid && !under_way.is_all) {
                continue;
            }
            if number > under_way.step {
                (under_way.step, under_way.done) = (number, 0);
            }
            while self.page(&mut under_way, step).await? {
                if step == Step::Entries {
                    done(u64::try_from(under_way.done).unwrap_or(0).min(self.found));
                }
            }
        }
        let mut tx = self.conn.begin_with("BEGIN IMMEDIATE").await?;
        under_way.end(&mut tx).await?;
        tx.commit().await?;
        Ok(under_way.imported)
    }

    /// One page of a step; gives whether there was one.
    async fn page(&mut self, under_way: &mut UnderWay, step: Step) -> Result<bool, StoreError> {
        let from = under_way.done;
        let mut tx = self.conn.begin_with("BEGIN IMMEDIATE").await?;
        let number = "SELECT number FROM indicator_change WHERE id = 1";
        let changes: i64 = sqlx::query_scalar(number).fetch_one(&mut *tx).await?;
        let table = match step {
            Step::Entries => "entry",
            Step::Words => "said",
            Step::Clues => "clue",
            Step::Groups => "leaving",
            Step::Unsaid => "about",
        };
        let last: i64 = match step {
            Step::Unsaid => i64::MAX,
            Step::Entries | Step::Words | Step::Clues | Step::Groups => {
                let sql = AssertSqlSafe(format!("SELECT COALESCE(MAX(n), 0) FROM stage.{table}"));
                sqlx::query_scalar(sql).fetch_one(&mut *tx).await?
            }
        };
        if from >= last {
            tx.rollback().await?;
            return Ok(false);
        }
        let to = from.saturating_add(IMPORT_BATCH_ITEMS as i64).min(last);
        let page = Page { source_id: under_way.source_id, from, to, now: under_way.at };
        let is_more = match step {
            Step::Entries => entries(&mut tx, &page, under_way).await.map(|()| Some(to))?,
            Step::Words => words(&mut tx, &page, under_way).await.map(|()| Some(to))?,
            Step::Clues => page.clues(&mut tx).await.map(|()| Some(to))?,
            Step::Groups => groups(&mut tx, under_way).await?,
            Step::Unsaid => unsaid(&mut tx, under_way).await?,
        };
        let Some(to) = is_more else {
            tx.rollback().await?;
            return Ok(false);
        };
        under_way.done = to;
        under_way.keep(&mut tx, changes).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// What these rows say of indicators.
async fn entries(tx: &mut SqliteConnection, page: &Page, under_way: &mut UnderWay) -> Result<(), StoreError> {
    page.objects(&mut *tx, BY_ENTRY).await?;
    let all = "SELECT COUNT(*) FROM stage.entry WHERE n > $1 AND n <= $2";
    let all: i64 = sqlx::query_scalar(all).bind(page.from).bind(page.to).fetch_one(&mut *tx).await?;
    let new = page.indicators(&mut *tx, &under_way.source).await?;
    let said = page.claims(&mut *tx, under_way.keeps_unsaid).await?;
    if new < said {
        let sql = AssertSqlSafe(format!("SELECT json_group_array(id) FROM ({})", claim_sum::OF_ENTRIES));
        let touched: String = sqlx::query_scalar(sql).bind(page.from).bind(page.to).fetch_one(&mut *tx).await?;
        let published = under_way::published(&mut *tx, &touched).await?;
        under_way::remember(&mut *tx, &published).await?;
        claim_sum::of_entries(&mut *tx, page.from, page.to, page.now).await?;
        under_way::forget_unchanged(tx, &published).await?;
    }
    let imported = &mut under_way.imported;
    imported.new += new;
    imported.known += said.saturating_sub(new);
    imported.outdated += u64::try_from(all).unwrap_or(0).saturating_sub(said);
    Ok(())
}

/// What these rows say of objects.
async fn words(tx: &mut SqliteConnection, page: &Page, under_way: &mut UnderWay) -> Result<(), StoreError> {
    page.objects(&mut *tx, BY_NUMBER).await?;
    let withdrawn = page.withdraw(&mut *tx).await?;
    settle(&mut *tx, &withdrawn, under_way.at).await?;
    page.renew_newer(&mut *tx).await?;
    under_way.imported.outdated += page.ignored(tx).await?;
    under_way.imported.withdrawn += withdrawn.len() as u64;
    Ok(())
}

/// What the next groups do not say any more: of as many as a transaction should hold, but of each all. Gives the last one's row; none =
/// there are no more.
async fn groups(tx: &mut SqliteConnection, under_way: &mut UnderWay) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT n, name, stays FROM stage.leaving WHERE n > $1 ORDER BY n LIMIT $2";
    let rows = sqlx::query_as(sql).bind(under_way.done).bind(IMPORT_BATCH_ITEMS as i64);
    let rows: Vec<(i64, String, i64)> = rows.fetch_all(&mut *tx).await?;
    let (mut last, mut withdrawn) = (None, 0);
    for (n, name, stays) in rows {
        let (said_at, why) = if stays == 0 { (None, GROUP_GONE) } else { (Some(under_way.at), NOT_SAID) };
        let withdrawal = Withdrawal::of_group(&under_way.source, &name, said_at, why, under_way.at);
        let mut after = withdrawal.begin();
        while let Some((end, indicators)) = withdrawal.page(&mut *tx, &after).await? {
            settle(&mut *tx, &indicators, under_way.at).await?;
            withdrawn += indicators.len();
            after = end;
        }
        last = Some(n);
        if withdrawn >= IMPORT_BATCH_ITEMS {
            break;
        }
    }
    under_way.imported.withdrawn += withdrawn as u64;
    Ok(last)
}

/// A page of what the source has said before and this import does not. Gives the last claim; none = there is no more.
async fn unsaid(tx: &mut SqliteConnection, under_way: &mut UnderWay) -> Result<Option<i64>, StoreError> {
    let update = sqlx::query_as(UNSAID).bind(under_way.at.0).bind(NOT_SAID).bind(under_way.done);
    let update = update.bind(under_way.source.as_str()).bind(IMPORT_BATCH_ITEMS as i64);
    let gone: Vec<(i64, i64)> = update.fetch_all(&mut *tx).await?;
    let last = gone.iter().map(|(id, _)| *id).max();
    under_way.imported.withdrawn += gone.len() as u64;
    let indicators: Vec<i64> = gone.into_iter().map(|(_, indicator)| indicator).collect();
    settle(tx, &indicators, under_way.at).await?;
    Ok(last)
}

/// Has these indicators, of which claims were withdrawn, be what is left of them.
async fn settle(tx: &mut SqliteConnection, indicators: &[i64], now: Timestamp) -> Result<(), StoreError> {
    let which = serde_json::to_string(indicators).unwrap_or_else(|_| "[]".to_owned());
    let published = under_way::published(&mut *tx, &which).await?;
    under_way::remember(&mut *tx, &published).await?;
    claim_sum::settle(&mut *tx, indicators, now).await?;
    under_way::forget_unchanged(tx, &published).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::canonical::{About, Found, Object};
    use crate::intel::format::{Clue, Withdrawn};
    use crate::store::stage::{Leaving, Manner};
    use crate::store::{Scope, Store};
    use varde_common::tlp::Tlp;

    fn found(pattern: &str, object: &str, version: i64, tlp: Tlp) -> Found {
        let object = Object { id: object.to_owned(), modified: Some(Timestamp(version)), text: None };
        Found { about: About { tlp: Some(tlp), ..About::default() }, object, ..Found::bare(pattern.parse().unwrap()) }
    }

    /// All that an import leaves behind, without row numbers that only order gives.
    async fn left(store: &Store) -> Vec<String> {
        let sql = "SELECT i.pattern || ' ' || i.tlp || ' ' || COALESCE(i.withdrawn_at, '-') || ' ' || c.object_id || ' ' || c.renewed_at
                || ' ' || COALESCE(c.withdrawn_at, '-') || ' ' || COALESCE(c.withdrawn_why, '-')
            FROM claim c JOIN indicator i ON i.id = c.indicator_id
            UNION ALL SELECT o.object_id || ' ' || o.modified_at || ' ' || COALESCE(o.withdrawn_at, '-') FROM object o
            UNION ALL SELECT kind || value FROM clue ORDER BY 1";
        sqlx::query_scalar(sql).fetch_all(store.readers()).await.unwrap()
    }

    /// A source that has said much, and a file that says some of it anew, takes some back, leaves some out, and brings more.
    async fn begun(dir: &std::path::Path) -> (Store, Stage) {
        let store = Store::create(dir).await.unwrap();
        let before: Vec<Found> =
            (0..60).map(|n| found(&format!("n{n}.example"), &format!("e{}/{n}", n % 3), 1, Tlp::Green)).collect();
        store.take_in("feed", &before, Timestamp(1)).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        sqlx::query("UPDATE indicator SET published_at = 1, published_in = 1").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        std::fs::write(dir.join("stage"), "").unwrap();
        let mut stage = Stage::begin(&store, &dir.join("stage"), Manner::default()).await.unwrap();
        let anew: Vec<Found> = (20..IMPORT_BATCH_ITEMS + 80)
            .map(|n| found(&format!("n{n}.example"), &format!("e{}/{n}", n % 3), 2, Tlp::Amber))
            .collect();
        stage.put(&anew).await.unwrap();
        let gone = |n: usize| Withdrawn { object_id: format!("e{}/{n}", n % 3), modified: Some(Timestamp(2)) };
        stage.put_withdrawn(&[gone(0), gone(3)]).await.unwrap();
        let clue = Clue { object_id: "e0/c".into(), kind: "sha256".into(), value: "aa".into(), tlp: None };
        stage.put_clues(&[clue]).await.unwrap();
        let leaving = [("e0", true), ("e1", false)].map(|(name, stays)| Leaving { name: name.into(), stays });
        stage.put_leaving(&leaving).await.unwrap();
        (store, stage)
    }

    #[tokio::test]
    async fn f2_an_import_cut_off_at_any_page_is_finished_as_if_it_had_not_been() {
        let whole = tempfile::tempdir().unwrap();
        let (store, mut stage) = begun(whole.path()).await;
        let imported = stage.take_in("feed", true, Timestamp(7), &mut |_| {}).await.unwrap();
        let expected = left(&store).await;
        assert_eq!((imported.new, imported.known), (IMPORT_BATCH_ITEMS as u64 + 20, 40));
        for cut_after in 0..10 {
            let dir = tempfile::tempdir().unwrap();
            let (store, mut stage) = begun(dir.path()).await;
            let stamp = store.feed_stamp(Scope::Operator).await.unwrap();
            let mut tx = stage.conn.begin_with("BEGIN IMMEDIATE").await.unwrap();
            let mark = stage.mark.clone();
            let mut under_way = UnderWay::begin(&mut tx, "feed", &mark, (false, true), Timestamp(7)).await.unwrap();
            tx.commit().await.unwrap();
            let mut pages = 0;
            'cut: for (number, step) in (0..).zip(STEPS) {
                if number > under_way.step {
                    (under_way.step, under_way.done) = (number, 0);
                }
                loop {
                    if pages == cut_after {
                        break 'cut;
                    }
                    if !stage.page(&mut under_way, step).await.unwrap() {
                        break;
                    }
                    pages += 1;
                }
            }
            // Killed here: what is in memory is gone, the file is not.
            drop(stage);
            let standing = store.imports_under_way(Scope::Operator).await.unwrap();
            assert_eq!(standing.len(), 1);
            assert_eq!(store.feed_stamp(Scope::Operator).await.unwrap(), stamp, "nothing is made anew for half of it");
            let mut again = Stage::reopen(&store, &dir.path().join("stage")).await.unwrap().unwrap();
            assert!(again.is_of(&standing[0]));
            let done = again.go_on(standing[0].clone(), &mut |_| {}).await.unwrap();
            assert_eq!(done, imported, "cut after {pages}");
            assert_eq!(left(&store).await, expected, "cut after {pages}");
            assert!(store.imports_under_way(Scope::Operator).await.unwrap().is_empty());
            assert_ne!(store.feed_stamp(Scope::Operator).await.unwrap(), stamp);
            let before: i64 =
                sqlx::query_scalar("SELECT COUNT(*) FROM indicator_before").fetch_one(store.readers()).await.unwrap();
            assert_eq!(before, 0);
        }
    }

    #[tokio::test]
    async fn i8_what_is_served_while_an_import_is_under_way_is_what_was_there_before() {
        let dir = tempfile::tempdir().unwrap();
        let (store, mut stage) = begun(dir.path()).await;
        let served = async || {
            let sql = format!(
                "SELECT pattern || tlp || COALESCE(withdrawn_at, '-') FROM {} AS n WHERE id <= 60 ORDER BY id",
                under_way::before()
            );
            sqlx::query_scalar::<_, String>(AssertSqlSafe(sql)).fetch_all(store.readers()).await.unwrap()
        };
        let expected = served().await;
        let mut tx = stage.conn.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let mark = stage.mark.clone();
        let mut under_way = UnderWay::begin(&mut tx, "feed", &mark, (false, true), Timestamp(7)).await.unwrap();
        tx.commit().await.unwrap();
        for (number, step) in (0..).zip(STEPS) {
            (under_way.step, under_way.done) = (number, 0);
            while stage.page(&mut under_way, step).await.unwrap() {
                assert_eq!(served().await, expected, "{step:?}");
            }
        }
        // What a person finds wrong meanwhile is gone at once.
        let mut tx = store.begin().await.unwrap();
        sqlx::query("UPDATE indicator SET refuted_at = 8, withdrawn_at = 8 WHERE id = 1")
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert!(served().await[0].ends_with('8'));
        stage.go_on(under_way, &mut |_| {}).await.unwrap();
        assert_ne!(served().await, expected);
    }
}
