//! A leaving that is cut off when the member's data is gone: its certificate lies in the data directory from before the deletion until
//! it stands where it is to go, and is written there by whoever comes next.

use std::path::{Path, PathBuf};

use super::directory::{self, DirectoryError};
use crate::departure::{Departed, Unfinished};
use crate::limits::CERTIFICATE_OF_DELETION_MAX_OCTETS;
use crate::store::{Scope, Store, StoreError};

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
