//! A leaving that is cut off when the member's data is gone: its certificate lies in the data directory from before the deletion until
//! it stands where it is to go and says all there is to say, and is written there by whoever comes next, or by the running collector.

use std::path::{Path, PathBuf};

use varde_common::time::Timestamp;

use super::departures::{self, DeparturesError};
use super::directory::{self, DirectoryError};
use super::user;
use crate::departure::{Departed, Unfinished};
use crate::limits::{CERTIFICATE_LEFT_ALONE, CERTIFICATE_OF_DELETION_MAX_OCTETS, CERTIFICATE_WAITS};
use crate::present::deletion;
use crate::store::{Scope, Store, StoreError};

/// The certificate as programs read it, and as people do.
pub const FOR_PROGRAMS: &str = "deletion.json";
const FOR_PEOPLE: &str = "deletion.txt";

/// What their files are called, with the number of the member's row in between.
const PREFIX: &str = "leaving-";
const SUFFIX: &str = ".json";

/// Why a certificate that waits cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum UnfinishedError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// It is no such file.
    #[error("{} holds the certificate of a leaving that was cut off, and cannot be read: {why}; move it away", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Who has left cannot be written down beside it.
    #[error(transparent)]
    Departures(#[from] DeparturesError),
}

fn path_of(data: &Path, unfinished: &Unfinished) -> PathBuf {
    // The first row is the member itself, the others became part of it.
    let row = unfinished.certificate.rows.first().map_or(0, |row| row.id);
    data.join(format!("{PREFIX}{row}{SUFFIX}"))
}

/// Puts it away, on the disk when this returns.
///
/// # Errors
/// [`UnfinishedError`].
pub fn keep(data: &Path, unfinished: &Unfinished) -> Result<(), UnfinishedError> {
    let path = path_of(data, unfinished);
    let octets = serde_json::to_vec(unfinished)
        .map_err(|error| UnfinishedError::Unreadable { path: path.clone(), why: error.to_string() })?;
    Ok(directory::write_private(&path, &octets)?)
}

/// Writes it where it is to go. Gives its text.
///
/// # Errors
/// [`UnfinishedError`].
pub fn write(unfinished: &Unfinished, overwritten: bool) -> Result<String, UnfinishedError> {
    let Unfinished { certificate, language, to, stands: _ } = unfinished;
    let text = deletion::text(certificate, deletion::language(*language), overwritten);
    let octets = serde_json::to_vec_pretty(certificate)
        .map_err(|error| UnfinishedError::Unreadable { path: to.join(FOR_PROGRAMS), why: error.to_string() })?;
    directory::make_private(to)?;
    directory::write_private(&to.join(FOR_PEOPLE), text.as_bytes())?;
    directory::write_private(&to.join(FOR_PROGRAMS), &octets)?;
    Ok(text)
}

/// Once nothing of what was deleted is left in the log: the certificates that wait for that say so from here on, and the names in the
/// data directory are gone. Gives of how many.
///
/// # Errors
/// What is wrong with one of them; the others are finished all the same.
pub async fn finish(data: &Path, store: &Store, now: Timestamp) -> Result<u64, UnfinishedError> {
    let (mut finished, mut wrong) = (0, None);
    for unfinished in all(data, store).await? {
        let age = now.since(unfinished.certificate.deleted_at);
        // Whoever deletes writes it in this moment.
        if !unfinished.stands && age < CERTIFICATE_LEFT_ALONE {
            continue;
        }
        if !unfinished.stands {
            departures::remember(data, store, &user::who(), now).await?;
        }
        // A directory that is gone was handed over, and is not made again.
        let written = if unfinished.to.is_dir() { write(&unfinished, true).map(|_| true) } else { Ok(false) };
        let is_over = unfinished.stands && age >= CERTIFICATE_WAITS;
        match written {
            Ok(written) if written || is_over => {}
            Err(_) if is_over => {}
            Ok(_) => continue,
            Err(error) => {
                wrong = Some(error);
                continue;
            }
        }
        end(data, &unfinished)?;
        finished += 1;
    }
    wrong.map_or(Ok(finished), Err)
}

/// It stands where it was to go.
///
/// # Errors
/// [`UnfinishedError`].
pub fn end(data: &Path, unfinished: &Unfinished) -> Result<(), UnfinishedError> {
    Ok(directory::remove(&path_of(data, unfinished))?)
}

fn read(path: PathBuf) -> Result<Unfinished, UnfinishedError> {
    let octets = directory::read(&path, CERTIFICATE_OF_DELETION_MAX_OCTETS)?;
    serde_json::from_slice(&octets).map_err(|error| UnfinishedError::Unreadable { path, why: error.to_string() })
}

/// Those whose data is deleted. What was put away for a deletion that never came about is removed.
///
/// # Errors
/// [`UnfinishedError`].
pub async fn all(data: &Path, store: &Store) -> Result<Vec<Unfinished>, UnfinishedError> {
    let is_one = |name: &String| name.starts_with(PREFIX) && name.ends_with(SUFFIX);
    let names: Vec<String> = directory::names(data)?.into_iter().filter(is_one).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    // While nobody writes: what another puts away at this moment belongs to a deletion that may come about yet.
    let sort = |departed: &[Departed]| {
        let mut all = Vec::new();
        for name in names {
            let path = data.join(name);
            if !path.exists() {
                continue;
            }
            let unfinished = read(path)?;
            let is_gone = |row| departed.iter().any(|departed| departed.row == row);
            if unfinished.certificate.rows.iter().copied().all(is_gone) {
                all.push(unfinished);
            } else {
                end(data, &unfinished)?;
            }
        }
        Ok(all)
    };
    store.with_departures(Scope::Operator, sort).await?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::departure::{Certificate, Deleted, FORMAT, Row};
    use crate::io::clock;
    use crate::profile::Language;
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    fn names(data: &Path) -> usize {
        let names = directory::names(data).unwrap();
        names.iter().filter(|name| name.starts_with(PREFIX)).count()
    }

    #[tokio::test]
    async fn q3_the_running_collector_finishes_what_was_cut_off_and_keeps_no_name_for_a_certificate_that_stands() {
        let dir = tempfile::tempdir().unwrap();
        let (data, to) = (dir.path().join("data"), dir.path().join("left"));
        directory::make_private(&data).unwrap();
        let store = Store::create(&data).await.unwrap();
        let now = clock::now();
        let row = Row { id: 7, added_at: Timestamp(5) };
        store.depart_again(&[Departed { row, left_at: now }], "kari", now).await.unwrap();
        let certificate = Certificate {
            format: FORMAT,
            number: "3407".into(),
            name: "Gjøvik".into(),
            former_numbers: Vec::new(),
            operator: String::new(),
            deleted_at: now,
            program: String::new(),
            deleted: Deleted::default(),
            exported: Vec::new(),
            backups_until: now,
            audit_until: now,
            copies: Vec::new(),
            rows: vec![row],
        };
        let waits = Unfinished { certificate, language: Language::Bokmaal, to: to.clone(), stands: false };
        let stands = Unfinished { stands: true, ..waits.clone() };
        let finish = |after: Duration| finish(&data, &store, now.plus(after));

        // Cut off before it was written: not taken from whoever is about to, and not into a directory that is gone.
        keep(&data, &waits).unwrap();
        directory::make_private(&to).unwrap();
        assert_eq!((finish(CERTIFICATE_LEFT_ALONE - SECOND).await.unwrap(), to.join(FOR_PEOPLE).exists()), (0, false));
        directory::remove_all(&to).unwrap();
        assert_eq!((finish(CERTIFICATE_WAITS).await.unwrap(), to.exists(), names(&data)), (0, false, 1));
        directory::make_private(&to).unwrap();
        assert_eq!((finish(CERTIFICATE_LEFT_ALONE).await.unwrap(), names(&data)), (1, 0));
        assert!(std::fs::read_to_string(to.join(FOR_PEOPLE)).unwrap().contains("overskrevet i databasen"));
        assert_eq!(departures::read(&data).unwrap().len(), 1, "and it is known beside the database");

        // It stands, and says that all is in the log still: written anew, or left as it is where it was handed over.
        write(&stands, false).unwrap();
        keep(&data, &stands).unwrap();
        assert_eq!((finish(SECOND).await.unwrap(), names(&data)), (1, 0));
        assert!(std::fs::read_to_string(to.join(FOR_PEOPLE)).unwrap().contains("overskrevet i databasen"));
        directory::remove_all(&to).unwrap();
        keep(&data, &stands).unwrap();
        assert_eq!((finish(CERTIFICATE_WAITS - SECOND).await.unwrap(), names(&data)), (0, 1));
        assert_eq!((finish(CERTIFICATE_WAITS).await.unwrap(), names(&data), to.exists()), (1, 0, false));
    }
}
