//! Tells MISP servers what people found of their attributes: one small POST each (`/sightings/add`), in the operator's name and never a
//! member's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::beat::{BeatError, Sender, Wanted};
use super::{clock, directory};
use crate::beat::{Address, Outcome};
use crate::limits::feed::{SIGHTING_KEY_MAX_OCTETS, SIGHTINGS_AT_ONCE, SIGHTINGS_LOOKED_AT_EVERY};
use crate::store::setting::OPERATOR_NAME;
use crate::store::sighting::{Due, Target};
use crate::store::{Scope, Store, StoreError};

/// A sighting as MISP takes it.
#[derive(Debug, Serialize)]
struct Sighting<'a> {
    uuid: &'a str,
    r#type: String,
    source: &'a str,
    timestamp: i64,
}

/// What came of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// Arrived.
    pub arrived: u64,
    /// Did not.
    pub failed: u64,
}

/// Why a server cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum BadTarget {
    /// Its address.
    #[error("the server's address {0}; write for example https://misp.example")]
    Address(crate::beat::BadAddress),
    /// Its key.
    #[error("cannot read the server's key in {}: {why}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Whom is believed.
    #[error("cannot read the CA certificates in {}: {why}", .path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// TLS.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// A server, ready to be told.
pub struct Server {
    sender: Sender,
    key: String,
}

impl Server {
    /// Reads what it needs; nothing is sent.
    ///
    /// # Errors
    /// [`BadTarget`].
    pub fn new(target: &Target) -> Result<Server, BadTarget> {
        let url = format!("{}/sightings/add", target.url.trim_end_matches('/'));
        let to: Address = url.parse().map_err(BadTarget::Address)?;
        let path = PathBuf::from(&target.key_file);
        let unread = |why: String| BadTarget::Key { path: path.clone(), why };
        let octets = directory::read(&path, SIGHTING_KEY_MAX_OCTETS).map_err(|error| unread(error.to_string()))?;
        let key = String::from_utf8_lossy(&octets).trim().to_owned();
        if key.is_empty() || !key.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(unread("it holds no key, or more than one".to_owned()));
        }
        let authorities = target.ca_file.as_ref().map(PathBuf::from);
        let sender = Sender::new(Wanted { to, every: Duration::ZERO, authorities }).map_err(|error| match error {
            BeatError::Authorities { path, why } => BadTarget::Authorities { path, why },
            BeatError::NoAuthorities(why) | BeatError::Host(why) => BadTarget::Tls(why),
            BeatError::Tls(error) => BadTarget::Tls(error.to_string()),
        })?;
        Ok(Server { sender, key })
    }

    async fn tell(&self, due: &Due, operator: &str) -> Option<String> {
        let uuid = due.object.rsplit('/').next().unwrap_or_default();
        let timestamp = due.at.0.div_euclid(1_000_000);
        let sighting = Sighting { uuid, r#type: due.kind.to_string(), source: operator, timestamp };
        let Ok(body) = serde_json::to_vec(&sighting) else { return Some("it cannot be written".to_owned()) };
        match self.sender.tell(body, Some(&self.key)).await {
            Outcome::Arrived => None,
            Outcome::Failed(why) | Outcome::Withheld(why) => Some(why),
        }
    }
}

/// Tells what is due, oldest first; with `all` what waits for another try too. A server that fails once is left alone for this round.
///
/// # Errors
/// The database's own.
pub async fn tell(store: &Store, all: bool) -> Result<Told, StoreError> {
    let due = store.sightings_due(Scope::Operator, clock::now(), all, SIGHTINGS_AT_ONCE).await?;
    let mut told = Told::default();
    if due.is_empty() {
        return Ok(told);
    }
    let operator = store.setting(Scope::Operator, OPERATOR_NAME).await?.unwrap_or_else(|| "Varde".to_owned());
    let mut left_alone = Vec::new();
    for one in due {
        if left_alone.contains(&one.source) {
            continue;
        }
        let failed = match Server::new(&one.target) {
            Ok(server) => server.tell(&one, &operator).await,
            Err(error) => Some(error.to_string()),
        };
        if failed.is_some() {
            left_alone.push(one.source);
            told.failed += 1;
        } else {
            told.arrived += 1;
        }
        store.sighting_tried(one.id, failed.as_deref(), clock::now()).await?;
    }
    Ok(told)
}

/// Tells what is due for as long as the collector runs.
pub async fn go_on(store: Store) {
    loop {
        tokio::time::sleep(SIGHTINGS_LOOKED_AT_EVERY).await;
        match tell(&store, false).await {
            Ok(Told { failed: 0, .. }) => {}
            Ok(Told { failed, .. }) => {
                tracing::warn!(failed, "sightings did not arrive; see: varde-collector sighting list")
            }
            Err(error) => tracing::warn!("sightings are not told: {error}"),
        }
    }
}

/// An absolute path, as the running collector finds it whatever directory it was started in.
pub fn absolute(path: &Path) -> std::io::Result<String> {
    Ok(std::path::absolute(path)?.to_string_lossy().into_owned())
}
