//! Who has left, beside the database and in it: each knows what either does, whichever of the two was lost or put back.

use std::path::{Path, PathBuf};

use varde_common::time::Timestamp;

use super::directory::{self, DirectoryError};
use crate::departure::{Departed, FILE};
use crate::limits::DEPARTURES_MAX_OCTETS;
use crate::store::{Scope, Store, StoreError};

/// Why it is not known who has left.
#[derive(Debug, thiserror::Error)]
pub enum DeparturesError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// It is no such file.
    #[error(
        "{} says which members have left, and cannot be read: {why}; put it there from a copy, or move it away and delete again with: varde-collector member leave --again CERTIFICATE", .path.display()
    )]
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

/// Departures that are known beside the database.
///
/// # Errors
/// It is there and cannot be read: then somebody who has left would be back.
pub fn read(data: &Path) -> Result<Vec<Departed>, DeparturesError> {
    let path = data.join(FILE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let octets = directory::read(&path, DEPARTURES_MAX_OCTETS)?;
    serde_json::from_slice(&octets).map_err(|error| DeparturesError::Unreadable { path, why: error.to_string() })
}

/// Writes down these beside those that stand there.
///
/// # Errors
/// What stands there cannot be read, or nothing can be written.
pub fn add(data: &Path, more: &[Departed]) -> Result<(), DeparturesError> {
    let known = read(data)?;
    let mut all = known.clone();
    all.extend(more);
    all.sort_unstable_by_key(|departed| (departed.left_at, departed.row));
    all.dedup_by_key(|departed| departed.row);
    if all != known {
        let octets = serde_json::to_vec(&all)
            .map_err(|error| DeparturesError::Unreadable { path: data.join(FILE), why: error.to_string() })?;
        directory::write_private(&data.join(FILE), &octets)?;
    }
    Ok(())
}

/// File and database know the same from here on. Whoever the file knows and the database has is deleted again; gives how many. A
/// database from before there were departures knows none.
///
/// # Errors
/// [`DeparturesError`].
pub async fn remember(data: &Path, store: &Store, who: &str, now: Timestamp) -> Result<u64, DeparturesError> {
    let known = store.departures(Scope::Operator).await?;
    let mut missed = read(data)?;
    missed.retain(|departed| !known.iter().any(|known| known.row == departed.row));
    let again = if missed.is_empty() { 0 } else { store.depart_again(&missed, who, now).await? };
    add(data, &known)?;
    Ok(again)
}
