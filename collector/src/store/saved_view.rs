//! Views that people save of the lists, for themselves or for all analysts; and up to when somebody has looked at the overview.

use sqlx::Row;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError};
use crate::filter::List;
use crate::limits::desk::{VIEW_NAME_MAX_OCTETS, VIEWS_SAVED_MAX, VIEWS_SHARED_MAX};

/// A saved view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedView {
    /// Its number.
    pub id: i64,
    /// Whose it is.
    pub owner: String,
    /// All analysts have it.
    pub shared: bool,
    /// Of which list.
    pub list: List,
    /// What it is called.
    pub name: String,
    /// Its tokens.
    pub filter: String,
    /// Its range.
    pub quick: String,
}

/// What has come since a moment. Exercises do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News {
    /// Since when.
    pub since: Timestamp,
    /// Incidents that were opened.
    pub incidents: i64,
    /// Campaigns that were concluded.
    pub campaigns: i64,
}

/// Why a view was not saved, renamed or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSaved {
    /// The name is empty, too long, or has signs that cannot be seen.
    Name,
    /// One of that person's is called so already.
    Taken,
    /// That person has as many as may be.
    TooMany,
    /// As many are shared as may be.
    TooManyShared,
    /// There is no such view of that person's.
    Gone,
}

/// A name that can be shown on one line.
fn named(name: &str) -> Option<&str> {
    let name = name.trim();
    let is_good = !name.is_empty() && name.len() <= VIEW_NAME_MAX_OCTETS && !name.chars().any(char::is_control);
    is_good.then_some(name)
}

/// Again within this time it is the same look.
const SAME_LOOK: std::time::Duration = std::time::Duration::from_secs(30 * 60);

impl Store {
    /// What somebody has saved of a list, and what others share of it, by name.
    ///
    /// # Errors
    /// The database's own.
    pub async fn saved_views(&self, who: &str, list: Option<List>) -> Result<Vec<SavedView>, StoreError> {
        let sql = "SELECT * FROM saved_view WHERE (owner = $1 OR shared <> 0) AND ($2 IS NULL OR list = $2)
            ORDER BY CASE WHEN owner = $1 THEN 0 ELSE 1 END, name, id";
        let rows = sqlx::query(sql).bind(who).bind(list.map(List::as_str)).fetch_all(self.readers()).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in &rows {
            let Some(list) = List::named(row.try_get("list")?) else { continue };
            views.push(SavedView {
                id: row.try_get("id")?,
                owner: row.try_get("owner")?,
                shared: row.try_get("shared")?,
                list,
                name: row.try_get("name")?,
                filter: row.try_get("filter")?,
                quick: row.try_get("quick")?,
            });
        }
        Ok(views)
    }

    /// Saves a view; one of the same name and person is no second time saved.
    ///
    /// # Errors
    /// The database's own; within, why not.
    pub async fn save_view(&self, view: &SavedView, now: Timestamp) -> Result<Result<i64, NotSaved>, StoreError> {
        let Some(name) = named(&view.name) else { return Ok(Err(NotSaved::Name)) };
        let mut tx = self.begin().await?;
        let sql = "SELECT (SELECT COUNT(*) FROM saved_view WHERE owner = $1), (SELECT COUNT(*) FROM saved_view WHERE shared <> 0),
            EXISTS (SELECT 1 FROM saved_view WHERE owner = $1 AND name = $2)";
        let (own, shared, taken): (i64, i64, bool) =
            sqlx::query_as(sql).bind(&view.owner).bind(name).fetch_one(&mut *tx).await?;
        match () {
            () if taken => return Ok(Err(NotSaved::Taken)),
            () if own >= VIEWS_SAVED_MAX => return Ok(Err(NotSaved::TooMany)),
            () if view.shared && shared >= VIEWS_SHARED_MAX => return Ok(Err(NotSaved::TooManyShared)),
            () => {}
        }
        let sql = "INSERT INTO saved_view (owner, shared, list, name, filter, quick, saved_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
        let insert = sqlx::query_scalar(sql).bind(&view.owner).bind(i64::from(view.shared)).bind(view.list.as_str());
        let id = insert.bind(name).bind(&view.filter).bind(&view.quick).bind(now.0).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(Ok(id))
    }

    /// Calls a view of that person's something else, and shares it or not.
    ///
    /// # Errors
    /// The database's own; within, why not.
    pub async fn rename_view(
        &self,
        who: &str,
        id: i64,
        (name, shared): (&str, bool),
    ) -> Result<Result<(), NotSaved>, StoreError> {
        let Some(name) = named(name) else { return Ok(Err(NotSaved::Name)) };
        let mut tx = self.begin().await?;
        let sql = "SELECT EXISTS (SELECT 1 FROM saved_view WHERE owner = $1 AND name = $2 AND id <> $3),
            (SELECT COUNT(*) FROM saved_view WHERE shared <> 0 AND id <> $3)";
        let (taken, others): (bool, i64) =
            sqlx::query_as(sql).bind(who).bind(name).bind(id).fetch_one(&mut *tx).await?;
        if taken {
            return Ok(Err(NotSaved::Taken));
        }
        if shared && others >= VIEWS_SHARED_MAX {
            return Ok(Err(NotSaved::TooManyShared));
        }
        let sql = "UPDATE saved_view SET name = $3, shared = $4 WHERE owner = $1 AND id = $2";
        let update = sqlx::query(sql).bind(who).bind(id).bind(name).bind(i64::from(shared)).execute(&mut *tx).await?;
        if update.rows_affected() == 0 {
            return Ok(Err(NotSaved::Gone));
        }
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// Deletes a view of that person's.
    ///
    /// # Errors
    /// The database's own; within, why not.
    pub async fn delete_view(&self, who: &str, id: i64) -> Result<Result<(), NotSaved>, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "DELETE FROM saved_view WHERE owner = $1 AND id = $2";
        let deleted = sqlx::query(sql).bind(who).bind(id).execute(&mut *tx).await?;
        if deleted.rows_affected() == 0 {
            return Ok(Err(NotSaved::Gone));
        }
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// Somebody looks at the overview. Gives up to when they had looked before; what they look at again within half an hour is the same look.
    ///
    /// # Errors
    /// The database's own.
    pub async fn look(&self, who: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT at, was FROM last_look WHERE who = $1";
        let before: Option<(i64, i64)> = sqlx::query_as(sql).bind(who).fetch_optional(self.readers()).await?;
        let same = before.filter(|(at, _)| now.since(Timestamp(*at)) < SAME_LOOK);
        let was = match (same, before) {
            (Some((_, was)), _) => was,
            (None, Some((at, _))) => at,
            (None, None) => now.0,
        };
        // A page that is open renews itself: once a minute is enough.
        if before.is_none_or(|(at, _)| now.since(Timestamp(at)) >= std::time::Duration::from_secs(60)) {
            let sql = "INSERT INTO last_look (who, at, was) VALUES ($1, $2, $3) ON CONFLICT (who) DO UPDATE SET at = excluded.at, was = excluded.was";
            let mut tx = self.begin().await?;
            sqlx::query(sql).bind(who).bind(now.0).bind(was).execute(&mut *tx).await?;
            tx.commit().await?;
        }
        Ok(before.map(|_| Timestamp(was)))
    }

    /// What has come since this moment; of a member its own incidents.
    ///
    /// # Errors
    /// The database's own.
    pub async fn news_since(&self, scope: Scope, since: Timestamp) -> Result<News, StoreError> {
        let sql = "SELECT (SELECT COUNT(*) FROM incident WHERE opened_at > $1 AND exercise = 0 AND ($2 IS NULL OR member_id = $2)),
            (SELECT COUNT(*) FROM campaign WHERE opened_at > $1 AND exercise = 0 AND $2 IS NULL)";
        let select = sqlx::query_as(sql).bind(since.0).bind(scope.member_id());
        let (incidents, campaigns): (i64, i64) = select.fetch_one(self.readers()).await?;
        Ok(News { since, incidents, campaigns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{Fixture, NOW};

    #[tokio::test]
    async fn what_is_new_is_counted_from_when_somebody_last_looked_and_not_from_the_last_renewal() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        let minutes = |n: u64| NOW.plus(std::time::Duration::from_secs(n * 60));
        assert_eq!(store.look("kari", minutes(0)).await.unwrap(), None, "for the first time there is no last");
        assert_eq!(store.look("kari", minutes(1)).await.unwrap(), Some(minutes(0)));
        // A page that renews itself is one look, however long it is open.
        for n in [20, 40, 60] {
            assert_eq!(store.look("kari", minutes(n)).await.unwrap(), Some(minutes(0)));
        }
        assert_eq!(store.look("kari", minutes(600)).await.unwrap(), Some(minutes(60)));
        assert_eq!(store.look("ola", minutes(600)).await.unwrap(), None, "each for oneself");
        let incident = "INSERT INTO incident (uuid, member_id, link_kind, link_value, title, opened_at, first_seen, last_seen, updated_at)
            VALUES ('i', 1, 'k', 'v', 't', 1795219200000001, 0, 0, 0)";
        fixture.run(incident).await;
        for (since, incidents) in [(NOW, 1), (minutes(1), 0)] {
            let news = News { since, incidents, campaigns: 0 };
            assert_eq!(store.news_since(Scope::Operator, since).await.unwrap(), news);
        }
    }

    #[tokio::test]
    async fn views_are_bounded_and_have_names_that_can_be_shown() {
        let fixture = Fixture::new(0).await;
        let store = &fixture.store;
        let view = |name: String, shared| SavedView {
            id: 0,
            owner: "kari".to_owned(),
            shared,
            list: List::Alerts,
            name,
            filter: String::new(),
            quick: "24t".to_owned(),
        };
        for name in ["", "  ", "a\u{1b}b", &"å".repeat(41)] {
            assert_eq!(store.save_view(&view(name.to_owned(), false), NOW).await.unwrap(), Err(NotSaved::Name));
        }
        for n in 0..VIEWS_SAVED_MAX {
            store.save_view(&view(format!("nr. {n}"), false), NOW).await.unwrap().unwrap();
        }
        assert_eq!(store.save_view(&view("en til".to_owned(), false), NOW).await.unwrap(), Err(NotSaved::TooMany));
        assert_eq!(store.saved_views("kari", Some(List::Alerts)).await.unwrap().len(), 50);
        assert_eq!(store.saved_views("kari", Some(List::Incidents)).await.unwrap(), Vec::new());
    }
}
