//! What sources and sensors have said of indicators, as far as it tells how long they live; and for how long the operator has them live.

use std::collections::HashMap;

use varde_common::indicator::Pattern;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError};
use crate::intel::lifetime::{Lifetimes, Words, until};

/// The setting that holds them, as JSON.
pub const LIFETIMES: &str = "lifetimes";

/// The last word of each standing claim is its version where the source dates it, else when it was last said; no earlier than the claim
/// begins (`intel::lifetime::word` says the same of one).
const WORDS: &str =
    "SELECT indicator_id, MAX(valid_until), MAX(CASE WHEN valid_until IS NULL AND url = 0 THEN word END),
        MAX(CASE WHEN valid_until IS NULL AND url = 1 THEN word END), MIN(url)
    FROM (SELECT indicator_id, valid_until, url, CASE WHEN valid_from > said THEN valid_from ELSE said END AS word
        FROM (SELECT indicator_id, valid_from, valid_until,
            CASE WHEN details LIKE '%\"of_url\":true%' THEN 1 ELSE 0 END AS url,
            CASE WHEN modified_at < renewed_at THEN modified_at ELSE renewed_at END AS said
            FROM claim WHERE withdrawn_at IS NULL AND indicator_id > $1 AND indicator_id <= $2))
    GROUP BY indicator_id";

/// Hits, by the clock that is behind: a sensor's that is years ahead keeps nothing alive. What an exercise or a search in history found
/// says nothing of today.
const HITS: &str =
    "SELECT indicator_id, MAX(CASE WHEN last_seen < updated_at THEN last_seen ELSE updated_at END) FROM alert
    WHERE exercise = 0 AND retro = 0 AND indicator_id > $1 AND indicator_id <= $2 GROUP BY indicator_id";

/// A row of [`WORDS`]: whose, the last end, the last word, the last word of a URL, whether all is of URLs.
type Claimed = (i64, Option<i64>, Option<i64>, Option<i64>, i64);

/// What was said of the indicators with these numbers.
#[derive(Debug, Default)]
pub(super) struct Said {
    words: HashMap<i64, Words>,
    lifetimes: Lifetimes,
}

impl Said {
    /// Until when one holds; one without any claim as `stored` says. And whether all that names it names a URL on it.
    pub(super) fn of(&self, id: i64, pattern: &str, stored: Option<i64>) -> (Option<i64>, bool) {
        let Some(words) = self.words.get(&id) else { return (stored, false) };
        let Ok(pattern) = pattern.parse::<Pattern>() else { return (stored, words.of_url) };
        (until(id, &pattern, words, &self.lifetimes).map(|at| at.0), words.of_url)
    }
}

impl Store {
    /// What was said of the indicators numbered above `after`, up to `up_to`.
    pub(super) async fn said(&self, after: i64, up_to: i64) -> Result<Said, StoreError> {
        let lifetimes = self.lifetimes(Scope::Operator).await?;
        let claims: Vec<Claimed> = sqlx::query_as(WORDS).bind(after).bind(up_to).fetch_all(self.readers()).await?;
        let hits: Vec<(i64, i64)> = sqlx::query_as(HITS).bind(after).bind(up_to).fetch_all(self.readers()).await?;
        let hits: HashMap<i64, i64> = hits.into_iter().collect();
        let words = claims.into_iter().map(|(id, named, word, url_word, of_url)| {
            let words = Words {
                named_until: named.map(Timestamp),
                last_word: word.map(Timestamp),
                last_url_word: url_word.map(Timestamp),
                of_url: of_url != 0,
                last_hit: hits.get(&id).copied().map(Timestamp),
            };
            (id, words)
        });
        Ok(Said { words: words.collect(), lifetimes })
    }

    /// For how long indicators live of which no source names an end.
    ///
    /// # Errors
    /// The database's own.
    pub async fn lifetimes(&self, scope: Scope) -> Result<Lifetimes, StoreError> {
        let text = self.setting(scope, LIFETIMES).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Sets that.
    ///
    /// # Errors
    /// The database's own.
    pub async fn set_lifetimes(&self, lifetimes: &Lifetimes) -> Result<(), StoreError> {
        self.set_setting(LIFETIMES, &serde_json::to_string(lifetimes).unwrap_or_default()).await
    }
}

#[cfg(test)]
mod tests {
    use crate::intel::canonical::{About, Details, Found, Object};
    use crate::intel::lifetime::{Life, Lifetimes};
    use crate::store::fixture::Fixture;
    use crate::store::{Scope, Store};
    use varde_common::time::Timestamp;

    const DAY: i64 = 86_400_000_000;
    const NOW: i64 = 1_795_000_000_000_000;

    async fn says(store: &Store, source: &str, text: &str, about: About, modified: Option<i64>, at: i64) {
        let object = Object { id: "x".into(), modified: modified.map(Timestamp), text: None };
        let found = Found { about, object, ..Found::bare(text.parse().unwrap()) };
        store.take_in(source, &[found], Timestamp(at)).await.unwrap();
    }

    async fn end(store: &Store, text: &str) -> Option<i64> {
        let rows = store.indicators_to_compile(Scope::Operator, 0, 100).await.unwrap();
        rows.into_iter().find(|row| row.pattern == text).and_then(|row| row.valid_until)
    }

    #[tokio::test]
    async fn l4_a_life_is_counted_from_the_last_word_of_a_source_and_renewed_by_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let lives = async |text: &str, from: i64, days: i64| {
            let end = end(&store, text).await.unwrap() - from;
            assert!(end >= days * DAY && end <= (days + days / 4 + 1) * DAY, "{text}: {} days", end / DAY);
        };
        says(&store, "one", "192.0.2.1", About::default(), None, NOW).await;
        lives("192.0.2.1", NOW, 30).await;
        says(&store, "one", "192.0.2.1", About::default(), None, NOW + 20 * DAY).await;
        lives("192.0.2.1", NOW + 20 * DAY, 30).await;
        // A dated object that comes again without a newer version says nothing new.
        for at in [NOW, NOW + 20 * DAY] {
            says(&store, "stix", "192.0.2.2", About::default(), Some(NOW - 5 * DAY), at).await;
        }
        lives("192.0.2.2", NOW - 5 * DAY, 30).await;
        // An end of a source's own stands; another source without one lets it live on.
        let named = About { valid_until: Some(Timestamp(NOW + DAY)), ..About::default() };
        says(&store, "one", "192.0.2.3", named, None, NOW).await;
        assert_eq!(end(&store, "192.0.2.3").await, Some(NOW + DAY));
        says(&store, "two", "192.0.2.3", About::default(), None, NOW).await;
        lives("192.0.2.3", NOW, 30).await;
        let url = About { details: Details { of_url: true, ..Details::default() }, ..About::default() };
        says(&store, "one", "=evil.example", url, None, NOW).await;
        lives("=evil.example", NOW, 30).await;
        says(&store, "two", "=evil.example", About::default(), None, NOW).await;
        lives("=evil.example", NOW, 180).await;
        store.set_lifetimes(&Lifetimes::default().with(Life::Address, 7)).await.unwrap();
        lives("192.0.2.1", NOW + 20 * DAY, 7).await;
    }

    #[tokio::test]
    async fn l4_a_hit_of_a_sensor_renews_but_not_an_exercise_nor_a_clock_that_is_ahead() {
        let fixture = Fixture::new(1).await;
        says(&fixture.store, "one", "192.0.2.7", About::default(), None, NOW).await;
        let before = end(&fixture.store, "192.0.2.7").await;
        let hit = async |seq: i64, exercise: i64, retro: i64, seen: i64, arrived: i64| {
            let sql = format!(
                "INSERT INTO alert (uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, zone, zone_levels, direction,
                evidence, by_resolver, looked_up_by_other, possible_contact, labels_left, protocol, severity, exercise, retro,
                first_seen, last_seen, count, arrived_at, updated_at)
                VALUES ('u{seq}', 1, 'e', {seq}, 1, 0, 3, 1, 0, '000', 'outbound', 3, 0, 0, 0, 0, 6, 2, {exercise}, {retro},
                0, {seen}, 1, 0, {arrived})"
            );
            let mut tx = fixture.store.begin().await.unwrap();
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
            end(&fixture.store, "192.0.2.7").await
        };
        let at = NOW + 20 * DAY;
        assert_eq!(hit(1, 1, 0, at, at).await, before, "an exercise");
        assert_eq!(hit(2, 0, 1, at, at).await, before, "a search in history");
        assert_eq!(hit(3, 0, 0, NOW + 999 * DAY, NOW).await, before, "a clock that is ahead");
        assert!(hit(4, 0, 0, at, at).await.unwrap() >= at + 30 * DAY);
    }
}
