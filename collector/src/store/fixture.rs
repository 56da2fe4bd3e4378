//! A store with members, sensors and indicators in it, for tests.

use sqlx::SqliteConnection;
use tempfile::TempDir;
use varde_common::time::Timestamp;

use super::Store;
use crate::intel::canonical::{About, Found};

/// Imports a plain list whose lines are all good, all of whose indicators are said the same of, from a source "x".
pub(crate) async fn import(store: &Store, list: &str, about: &About, now: Timestamp) {
    import_of(store, "x", list, about, now).await;
}

/// The same from a source of this name.
pub(crate) async fn import_of(store: &Store, source: &str, list: &str, about: &About, now: Timestamp) {
    let patterns = varde_common::plain::read(list.as_bytes()).map(|line| line.unwrap().1);
    let found: Vec<Found> = patterns.map(|pattern| Found { about: about.clone(), ..Found::bare(pattern) }).collect();
    store.take_in(source, &found, now).await.unwrap();
}

/// A store in a directory that goes away with it.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    _dir: TempDir,
}

impl Fixture {
    /// Members 1..=`members`, each with the sensor of the same number at site 0 whose list has revision 1, and indicators
    /// 1 `evil.no`, 2 `=www.lure.no` and 3 `192.0.2.7` (both of the threat "lure"), 4 `drill.no` (an exercise).
    pub(crate) async fn new(members: i64) -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        for id in 1..=members {
            member(&mut tx, id).await;
            sensor(&mut tx, id, id).await;
        }
        for (id, pattern, kind, threat, exercise) in [
            (1, "evil.no", "domain", None, 0),
            (2, "=www.lure.no", "host", Some("lure"), 0),
            (3, "192.0.2.7", "ipv4", Some("lure"), 0),
            (4, "drill.no", "domain", None, 1),
        ] {
            sqlx::query(
                "INSERT INTO indicator (id, pattern, kind, source, threat, confidence, severity, tlp, exercise,
                 received_at, published_at, published_in) VALUES ($1, $2, $3, 'test', $4, 50, 2, 'TLP:AMBER', $5, 0, 0, 1)",
            )
            .bind(id)
            .bind(pattern)
            .bind(kind)
            .bind(threat)
            .bind(exercise)
            .execute(&mut *tx)
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
        Fixture { store, _dir: dir }
    }

    /// How many rows `sql` counts.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.store.readers()).await.unwrap()
    }

    /// Runs a statement.
    pub(crate) async fn run(&self, sql: &'static str) {
        let mut tx = self.store.begin().await.unwrap();
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// A member with the number `1000 + id`.
async fn member(conn: &mut SqliteConnection, id: i64) {
    sqlx::query("INSERT INTO member (id, number, name, added_at) VALUES ($1, $2, $3, 0)")
        .bind(id)
        .bind((1000 + id).to_string())
        .bind(format!("Kommune {id}"))
        .execute(conn)
        .await
        .unwrap();
}

/// An enrolled sensor of a member, heard just now by a clock that stands at [`NOW`].
async fn sensor(conn: &mut SqliteConnection, id: i64, member: i64) {
    sqlx::query(
        "INSERT INTO sensor (id, member_id, token_created_at, token_expires_at, token_secret_sha256, enrolled_at,
         revision, last_seen_at) VALUES ($1, $2, 0, 0, x'00', 0, 1, $3)",
    )
    .bind(id)
    .bind(member)
    .bind(NOW.0)
    .execute(&mut *conn)
    .await
    .unwrap();
    sqlx::query("INSERT INTO site (sensor_id, site, member_id) VALUES ($1, 0, $2)")
        .bind(id)
        .bind(member)
        .execute(conn)
        .await
        .unwrap();
}

/// The time of the tests: 2026-11-21.
pub(crate) const NOW: Timestamp = Timestamp(1_795_219_200_000_000);
