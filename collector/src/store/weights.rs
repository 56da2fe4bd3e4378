//! The weights that correlation goes by: files that were taken in, the last of which is in force.

use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError};
use crate::weights::{BadWeights, Weights};

/// The weights in force: those last taken in, else those that come with the program.
///
/// # Errors
/// The database's own.
pub async fn in_force(conn: &mut SqliteConnection) -> Result<Weights, sqlx::Error> {
    let sql = "SELECT text, version FROM weights ORDER BY id DESC LIMIT 1";
    let found: Option<(String, String)> = sqlx::query_as(sql).fetch_optional(conn).await?;
    // What another version of the program took in may lack a key of today; then its own weights stand.
    let read = |(text, version): (String, String)| Some(Weights { version, ..Weights::read(&text).ok()? });
    Ok(found.and_then(read).unwrap_or_else(Weights::built_in))
}

/// What became of a file of weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is in force, under this version.
    New(String),
    /// It was already.
    Same,
}

impl Store {
    /// Takes a file of weights in, so that it is in force. Its version is the name it gives itself and the beginning of its hash: a
    /// file that was changed without a new name is another version all the same.
    ///
    /// # Errors
    /// The database's own; within, why the file cannot be used: then what was in force stays so.
    pub async fn take_weights(&self, text: &str, now: Timestamp) -> Result<Result<Taken, BadWeights>, StoreError> {
        let weights = match Weights::read(text) {
            Ok(weights) => weights,
            Err(error) => return Ok(Err(error)),
        };
        let is_built_in = text == Weights::built_in_text();
        let hash = blake3::hash(text.as_bytes()).to_hex();
        let version = match is_built_in {
            true => weights.version,
            false => format!("{}/{}", weights.version, hash.get(..8).unwrap_or_default()),
        };
        let mut tx = self.begin().await?;
        if in_force(&mut tx).await?.version == version {
            return Ok(Ok(Taken::Same));
        }
        let sql = "INSERT INTO weights (id, version, text, taken_at)
            VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM weights), $1, $2, $3)";
        sqlx::query(sql).bind(&version).bind(text).bind(now.0).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(Ok(Taken::New(version)))
    }

    /// The weights in force.
    ///
    /// # Errors
    /// The database's own.
    pub async fn weights(&self, _scope: Scope) -> Result<Weights, StoreError> {
        let mut conn = self.readers().acquire().await?;
        Ok(in_force(&mut conn).await?)
    }
}
