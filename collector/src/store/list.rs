//! Published lists.

use std::collections::HashSet;

use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use varde_common::channel::ChannelName;
use varde_common::id::Revision;
use varde_common::list::{Manifest, Refused};
use varde_common::matcher::IndicatorSet;
use varde_common::trust::read_unverified;

use super::objections::Objections;
use super::onward::{Onward, go_onward};
use super::{Scope, Store, StoreError, restored};
use crate::intel::changes::Changes;
use crate::limits::{IMPORT_ROWS_PER_STATEMENT, LIST_CONTENTS_KEPT};

/// A published list as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its number.
    pub revision: Revision,
    /// Signed JSON.
    pub manifest: Vec<u8>,
    /// The same list in the form that programs from before can read, where that is another.
    pub older_manifest: Option<Vec<u8>>,
    /// The base file.
    pub base: Vec<u8>,
    /// The list it was compiled for: this one, or one before it.
    pub base_revision: Revision,
    /// The changes over it; none = it is all of the list.
    pub overlay: Option<Vec<u8>>,
}

impl Published {
    /// What it holds.
    ///
    /// # Errors
    /// [`Refused`], where what was stored is not what was signed.
    pub fn set(&self) -> Result<IndicatorSet, Refused> {
        let (manifest, _) = read_unverified::<Manifest>(&self.manifest)?;
        manifest.check(self.base.len() as u64, &blake3::hash(&self.base))?;
        let base = IndicatorSet::open(std::sync::Arc::new(self.base.clone()))?;
        manifest.complete(&base, self.overlay.as_deref().unwrap_or_default())
    }
}

/// A list that is to be published.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// What it says.
    pub manifest: &'a Manifest,
    /// The same, signed.
    pub signed: &'a [u8],
    /// See [`Published::older_manifest`].
    pub older_manifest: Option<&'a [u8]>,
    /// A base that holds all of it.
    pub base: &'a [u8],
    /// The changes over another list's base, where it goes out as such.
    pub changes: Option<&'a Changes>,
    /// Indicators up to this number may be in it.
    pub up_to_id: i64,
    /// And those marked TLP:RED among them.
    pub with_red: bool,
    /// What had been said against indicators before it was compiled: where more has been said since, it is not published. None = that
    /// is no matter.
    pub objections: Option<Objections>,
}

fn number(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}

fn revision(number: i64) -> Revision {
    Revision(u64::try_from(number).unwrap_or(0))
}

/// What lint held back, or had outlived itself, was not published: the list itself says what it holds.
async fn not_in(tx: &mut SqliteConnection, revision: i64, base: &[u8]) -> Result<(), StoreError> {
    let Ok(set) = IndicatorSet::open(std::sync::Arc::new(base.to_vec())) else { return Ok(()) };
    let held: HashSet<u64> = set.indicators().map(|indicator| indicator.id.0).collect();
    let marked: Vec<i64> = sqlx::query_scalar("SELECT id FROM indicator WHERE published_in = $1")
        .bind(revision)
        .fetch_all(&mut *tx)
        .await?;
    let others: Vec<i64> =
        marked.into_iter().filter(|id| !u64::try_from(*id).is_ok_and(|id| held.contains(&id))).collect();
    for others in others.chunks(IMPORT_ROWS_PER_STATEMENT) {
        let mut update =
            QueryBuilder::<Sqlite>::new("UPDATE indicator SET published_at = NULL, published_in = NULL WHERE id IN (");
        let mut ids = update.separated(", ");
        for id in others {
            ids.push_bind(*id);
        }
        update.push(")");
        update.build().execute(&mut *tx).await?;
    }
    Ok(())
}

impl Store {
    /// The newest list's number; 0 = none yet. Lists are for all members.
    ///
    /// # Errors
    /// The database's own.
    pub async fn newest_revision(&self, _scope: Scope) -> Result<Revision, StoreError> {
        let newest: Option<i64> =
            sqlx::query_scalar("SELECT MAX(revision) FROM list_revision").fetch_one(self.readers()).await?;
        Ok(newest.map_or(Revision(0), revision))
    }

    /// The number of each channel's newest list.
    ///
    /// # Errors
    /// The database's own.
    pub async fn newest_revisions(&self, _scope: Scope) -> Result<Vec<(ChannelName, Revision)>, StoreError> {
        let sql = "SELECT channel, MAX(revision) FROM list_revision GROUP BY channel ORDER BY channel";
        let rows: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(self.readers()).await?;
        let read = |(channel, newest): (String, i64)| Some((channel.parse().ok()?, revision(newest)));
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// The signed manifest of a channel's newest list.
    ///
    /// # Errors
    /// The database's own.
    pub async fn newest_manifest(
        &self,
        _scope: Scope,
        channel: &ChannelName,
    ) -> Result<Option<(Revision, Vec<u8>)>, StoreError> {
        let sql = "SELECT revision, manifest FROM list_revision WHERE channel = $1 ORDER BY revision DESC LIMIT 1";
        let row: Option<(i64, Vec<u8>)> =
            sqlx::query_as(sql).bind(channel.as_str()).fetch_optional(self.readers()).await?;
        Ok(row.map(|(number, manifest)| (revision(number), manifest)))
    }

    /// The number of a channel's newest list and how many indicators it has, whoever signed it; none where there is none.
    ///
    /// # Errors
    /// The database's own.
    pub async fn newest_count(
        &self,
        _scope: Scope,
        channel: &ChannelName,
    ) -> Result<Option<(Revision, u64)>, StoreError> {
        let sql = "SELECT revision, count FROM list_revision WHERE channel = $1 ORDER BY revision DESC LIMIT 1";
        let row: Option<(i64, i64)> = sqlx::query_as(sql).bind(channel.as_str()).fetch_optional(self.readers()).await?;
        Ok(row.map(|(number, count)| (revision(number), u64::try_from(count).unwrap_or(0))))
    }

    /// A channel's newest list, whole.
    ///
    /// # Errors
    /// The database's own.
    pub async fn newest_list(&self, scope: Scope, channel: &ChannelName) -> Result<Option<Published>, StoreError> {
        self.list_before(scope, channel, Revision(u64::MAX)).await
    }

    /// A channel's newest list of those with a smaller number, as far as it is kept.
    ///
    /// # Errors
    /// The database's own.
    pub async fn list_before(
        &self,
        _scope: Scope,
        channel: &ChannelName,
        before: Revision,
    ) -> Result<Option<Published>, StoreError> {
        let sql = "SELECT l.revision, l.manifest, l.older_manifest, l.overlay, COALESCE(b.revision, l.revision) AS base_revision,
                COALESCE(b.base, l.base) AS base
            FROM list_revision l LEFT JOIN list_revision b ON b.revision = l.base_revision
            WHERE l.channel = $1 AND l.revision < $2 ORDER BY l.revision DESC LIMIT 1";
        let row = sqlx::query(sql).bind(channel.as_str()).bind(number(before));
        let Some(row) = row.fetch_optional(self.readers()).await? else { return Ok(None) };
        Ok(Some(Published {
            revision: revision(row.try_get("revision")?),
            manifest: row.try_get("manifest")?,
            older_manifest: row.try_get("older_manifest")?,
            base: row.try_get("base")?,
            base_revision: revision(row.try_get("base_revision")?),
            overlay: row.try_get("overlay")?,
        }))
    }

    /// A base that holds all of a list, for sensors that know of no changes.
    ///
    /// # Errors
    /// The database's own.
    pub async fn whole_list(&self, _scope: Scope, revision: Revision) -> Result<Vec<u8>, StoreError> {
        let sql = "SELECT base FROM list_revision WHERE revision = $1";
        let base: Option<Vec<u8>> =
            sqlx::query_scalar(sql).bind(number(revision)).fetch_optional(self.readers()).await?;
        Ok(base.unwrap_or_default())
    }

    /// How many indicators the largest list had that was ever published here: what a sensor that was away may still have.
    ///
    /// # Errors
    /// The database's own.
    pub async fn largest_list(&self, _scope: Scope) -> Result<u64, StoreError> {
        let largest: Option<i64> =
            sqlx::query_scalar("SELECT MAX(count) FROM list_revision").fetch_one(self.readers()).await?;
        Ok(u64::try_from(largest.unwrap_or(0)).unwrap_or(0))
    }

    /// Keeps a new list and notes its indicators as published, those up to `up_to_id` that it can hold. Gives `false`
    /// where another list of that number was there first; then nothing is changed.
    ///
    /// # Errors
    /// The database's own.
    pub async fn publish_list(&self, list: &New<'_>) -> Result<bool, StoreError> {
        Ok(self.publish_onward(list, Onward::Keeps).await?.is_some())
    }

    /// The same, with what it means for the list that is on its way; whatever waited for a signature does not any more, for its
    /// number is given. Gives whether something did, or none where another list of that number was there first, or something was
    /// said against indicators since it was compiled.
    ///
    /// # Errors
    /// The database's own.
    pub async fn publish_onward(&self, list: &New<'_>, onward: Onward<'_>) -> Result<Option<bool>, StoreError> {
        let New { manifest, signed, older_manifest, base, changes, up_to_id, with_red, objections } = *list;
        let whole = base;
        // Of a channel that no older program follows nobody wants all of it where there are changes.
        let base = if changes.is_some() && older_manifest.is_none() { &[] } else { base };
        let now = manifest.created.0;
        let mut tx = self.begin().await?;
        let last: Option<i64> =
            sqlx::query_scalar("SELECT MAX(revision) FROM list_revision").fetch_one(&mut *tx).await?;
        let last = last.unwrap_or(0).max(restored::revisions_above(&mut tx).await?);
        if last.saturating_add(1) != number(manifest.revision) {
            return Ok(None);
        }
        if let Some(known) = objections
            && known != Objections::by_now(&mut *tx).await?
        {
            return Ok(None);
        }
        sqlx::query(
            "INSERT INTO list_revision (revision, manifest, base, count, published_at, older_manifest, channel, overlay,
                base_revision)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(number(manifest.revision))
        .bind(signed)
        .bind(base)
        .bind(i64::try_from(manifest.count).unwrap_or(i64::MAX))
        .bind(now)
        .bind(older_manifest)
        .bind(&manifest.channel)
        .bind(changes.map(|changes| changes.overlay.as_slice()))
        .bind(changes.map(|changes| number(changes.base_revision)))
        .execute(&mut *tx)
        .await?;
        let published = "UPDATE indicator SET published_at = $1, published_in = $2
            WHERE published_at IS NULL AND id <= $3 AND (valid_until IS NULL OR valid_until > $1)
            AND (tlp IN ('TLP:CLEAR', 'TLP:GREEN', 'TLP:AMBER')
                OR (kind <> 'ja4' AND (tlp = 'TLP:AMBER+STRICT' OR (tlp = 'TLP:RED' AND $4))))";
        sqlx::query(published)
            .bind(now)
            .bind(number(manifest.revision))
            .bind(up_to_id)
            .bind(with_red)
            .execute(&mut *tx)
            .await?;
        not_in(&mut tx, number(manifest.revision), whole).await?;
        // Each channel's newest, with the base it is over, is what a sensor that comes is given, however long ago that was.
        sqlx::query(
            "UPDATE list_revision SET base = x'', overlay = NULL WHERE revision <= $1 AND (base <> x'' OR overlay IS NOT NULL)
             AND revision NOT IN (SELECT MAX(revision) FROM list_revision GROUP BY channel)
             AND revision NOT IN (SELECT COALESCE(base_revision, 0) FROM list_revision
                WHERE revision IN (SELECT MAX(revision) FROM list_revision GROUP BY channel))",
        )
        .bind(number(manifest.revision).saturating_sub(LIST_CONTENTS_KEPT))
        .execute(&mut *tx)
        .await?;
        go_onward(&mut tx, onward, number(manifest.revision), false, manifest.created).await?;
        let forgotten = sqlx::query("DELETE FROM pending_list").execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(Some(forgotten > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::canonical::About;
    use crate::intel::compile::{Reach, reach};
    use crate::store::fixture;
    use varde_common::list::Content;
    use varde_common::time::Timestamp;
    use varde_common::tlp::Tlp;

    #[tokio::test]
    async fn the_base_that_changes_are_over_is_kept_as_long_as_a_channels_newest_list_needs_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let content = Content { count: 3, blake3: String::new() };
        let changes = Changes { overlay: b"changes".to_vec(), base_revision: Revision(1) };
        for revision in 1..=9 {
            let base = format!("base {revision}").into_bytes();
            let manifest = Manifest::of(&base, &content, Revision(revision), Timestamp(1), Timestamp::MAX);
            let changes = Some(&changes).filter(|_| revision > 1);
            let older_manifest = changes.map(|_| b"older".as_slice());
            let list = New {
                manifest: &manifest,
                signed: b"signed",
                older_manifest,
                base: &base,
                changes,
                up_to_id: 0,
                with_red: false,
                objections: None,
            };
            assert!(store.publish_list(&list).await.unwrap());
        }
        let newest = store.newest_list(Scope::Operator, &ChannelName::default()).await.unwrap().unwrap();
        assert_eq!((newest.revision, newest.base_revision), (Revision(9), Revision(1)));
        assert_eq!((newest.base.as_slice(), newest.overlay.as_deref()), (&b"base 1"[..], Some(&b"changes"[..])));
        let whole = async |revision| store.whole_list(Scope::Operator, Revision(revision)).await.unwrap();
        assert_eq!((whole(9).await, whole(2).await), (b"base 9".to_vec(), Vec::new()), "for programs from before");
        let overlays: i64 =
            sqlx::query_scalar("SELECT COUNT(overlay) FROM list_revision").fetch_one(store.readers()).await.unwrap();
        assert_eq!(overlays, LIST_CONTENTS_KEPT, "old changes are let go");
    }

    #[tokio::test]
    async fn facts_of_publication_are_written_once_and_for_what_the_list_holds() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        for (n, tlp) in [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red].into_iter().enumerate() {
            let about = About { tlp: Some(tlp), ..About::default() };
            fixture::import(&store, &format!("n{n}.example"), &about, Timestamp(1)).await;
        }
        assert_eq!(store.newest_revision(Scope::Operator).await.unwrap(), Revision(0));
        let content = Content { count: 3, blake3: String::new() };
        for revision in 1..=7 {
            let base = format!("base {revision}").into_bytes();
            let manifest =
                Manifest::of(&base, &content, Revision(revision), Timestamp(100 + revision as i64), Timestamp::MAX);
            let list = New {
                manifest: &manifest,
                signed: b"signed",
                older_manifest: None,
                base: &base,
                changes: None,
                up_to_id: 2,
                with_red: false,
                objections: None,
            };
            assert!(store.publish_list(&list).await.unwrap());
            assert!(!store.publish_list(&list).await.unwrap(), "a number is given once");
        }
        let newest = store.newest_list(Scope::Operator, &ChannelName::default()).await.unwrap().unwrap();
        assert_eq!((newest.revision, newest.base.as_slice()), (Revision(7), b"base 7".as_slice()));
        let manifest = Manifest::of(b"", &content, Revision(8), Timestamp(200), Timestamp::MAX);
        let list = New {
            manifest: &manifest,
            signed: b"signed",
            older_manifest: None,
            base: b"",
            changes: None,
            up_to_id: 99,
            with_red: false,
            objections: None,
        };
        assert!(store.publish_list(&list).await.unwrap());
        let rows = store.indicator_rows(Scope::Operator).await.unwrap();
        let published: Vec<_> = rows.iter().map(|r| (r.published_at.map(|at| at.0), r.published_in)).collect();
        let first = (Some(101), Some(1));
        let eighth = (Some(200), Some(8));
        assert_eq!(published, [first, first, eighth, eighth, (None, None)]);
        let manifest = Manifest::of(b"", &content, Revision(9), Timestamp(300), Timestamp::MAX);
        let about = About { tlp: Some(Tlp::AmberStrict), ..About::default() };
        fixture::import(&store, "ja4:t13d1516h2_8daaf6152771_e5627efa2ab1", &about, Timestamp(1)).await;
        let list = New {
            manifest: &manifest,
            signed: b"signed",
            older_manifest: None,
            base: b"",
            changes: None,
            up_to_id: 99,
            with_red: true,
            objections: None,
        };
        assert!(store.publish_list(&list).await.unwrap());
        let rows = store.indicator_rows(Scope::Operator).await.unwrap();
        for row in &rows {
            let reach = reach(row.tlp.parse().unwrap(), &row.indicator.parse().unwrap(), true);
            let is_in = matches!(reach, Reach::Clear | Reach::Hashed);
            assert_eq!(row.published_in.is_some(), is_in, "the statement and the compiler agree: {}", row.indicator);
        }
        assert_eq!(rows.iter().filter(|row| row.published_in == Some(9)).count(), 1, "TLP:RED, where that was said");
        let bases: Vec<i64> = sqlx::query_scalar("SELECT length(base) FROM list_revision ORDER BY revision")
            .fetch_all(store.readers())
            .await
            .unwrap();
        assert_eq!(bases[..3], [0, 0, 0], "old contents are let go");
    }

    #[tokio::test]
    async fn l2_what_is_published_for_a_channel_first_waits_for_everybodys_list() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let content = Content { count: 1, blake3: String::new() };
        let unpublished = async || store.picture(Scope::Operator).await.unwrap().unpublished;
        for (number, channel, left) in [(1, "all", 0), (2, "pilot", 1), (3, "pilot", 2), (4, "all", 0), (5, "pilot", 1)]
        {
            fixture::import(&store, &format!("n{number}.example"), &About::default(), Timestamp(1)).await;
            assert!(unpublished().await > 0);
            let manifest = Manifest::of(b"", &content, Revision(number), Timestamp(100), Timestamp::MAX);
            let manifest = Manifest { channel: channel.to_owned(), ..manifest };
            let list = New {
                manifest: &manifest,
                signed: b"signed",
                older_manifest: None,
                base: b"",
                changes: None,
                up_to_id: 99,
                with_red: false,
                objections: None,
            };
            assert!(store.publish_list(&list).await.unwrap());
            assert_eq!(unpublished().await, left, "after list {number} of {channel}");
        }
        let rows = store.indicator_rows(Scope::Operator).await.unwrap();
        let first: Vec<_> = rows.iter().map(|row| row.published_in).collect();
        assert_eq!(first, [1, 2, 3, 4, 5].map(Some), "the first publication is a fact, whomever it was for");
    }
}
