//! An audit with many entries, for benches that read it.

use anyhow::Result;
use sqlx::{QueryBuilder, Sqlite};
use varde_collector::audit::{Entry, NOTHING_BEFORE, On, members};
use varde_collector::io::clock;
use varde_collector::store::{Store, audit};

/// Entries written by one statement: nine values each, and SQLite takes 32,766.
const AT_ONCE: u64 = 1_000;

/// Writes entries as [`audit::append`] does, each after the one before, in one transaction and many a statement.
///
/// # Errors
/// The database's own.
pub async fn fill(store: &Store, entries: u64) -> Result<()> {
    let mut tx = store.begin().await?;
    let mut head = audit::head(&mut tx).await?;
    for first in (0..entries).step_by(usize::try_from(AT_ONCE)?) {
        let written = (first..entries.min(first + AT_ONCE)).map(|n| {
            let mut entry = Entry {
                seq: head.seq + 1,
                at: clock::now(),
                who: "kari".to_owned(),
                what: "incident list".to_owned(),
                on: On::Everybody.words(),
                members: members(&On::Everybody, &[]),
                was: String::new(),
                became: format!("hosts shown by their pseudonyms, look {n}"),
                cut: None,
                hash: NOTHING_BEFORE,
            };
            entry.hash = entry.hash_after(&head.hash);
            head = audit::Head { seq: entry.seq, hash: entry.hash };
            entry
        });
        let sql = "INSERT INTO audit (seq, at, who, what, on_whom, members, was, became, hash) ";
        let mut insert: QueryBuilder<Sqlite> = QueryBuilder::new(sql);
        insert.push_values(written, |mut row, entry| {
            row.push_bind(entry.seq).push_bind(entry.at.0).push_bind(entry.who).push_bind(entry.what);
            row.push_bind(entry.on).push_bind(entry.members).push_bind(entry.was).push_bind(entry.became);
            row.push_bind(entry.hash.to_vec());
        });
        insert.build().execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}
