//! The next certificate for a sensor that has proved its key, in a session or on the lane for those that have run out.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use varde_common::id::SensorId;
use varde_common::message::{RenewalRefusal, ToAgent};
use varde_common::time::Timestamp;

use super::clock;
use super::keyring::Keyring;
use crate::certificate::{CertificateError, Request, spki_sha256, validity};
use crate::change::{Change, Changes};
use crate::renewal::judge;
use crate::store::{Scope, Store, StoreError};

/// What a connection was proved with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// SHA-256 of the public key.
    pub spki_sha256: [u8; 32],
    /// Its certificate is good until then.
    pub until: Timestamp,
}

impl Proof {
    /// From the certificates that were shown; none where the first cannot be read.
    pub fn of(chain: &[CertificateDer<'_>]) -> Option<Proof> {
        let certificate = chain.first()?;
        let (_, until) = validity(certificate).ok()?;
        Some(Proof { spki_sha256: spki_sha256(certificate).ok()?, until })
    }
}

/// Why there is no answer at all.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A certificate could not be made.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// Gives the next certificate, or says why not. It is honoured before it is given: an answer that is lost costs nothing
/// but another question.
///
/// # Errors
/// [`NoAnswer`].
pub async fn renew(
    store: &Store,
    changes: &Changes,
    keyring: &Arc<Keyring>,
    proof: Proof,
    csr_der: &[u8],
) -> Result<ToAgent, NoAnswer> {
    let now = keyring.effective(clock::now());
    let known = store.known_by_key(Scope::Operator, &proof.spki_sha256).await?;
    let sensor = known.map(|known| known.sensor);
    let given = match judge(known.as_ref(), proof.until, now) {
        Ok(()) => give(store, keyring, proof, sensor.unwrap_or_default(), csr_der, now).await?,
        Err(why) => Err(why),
    };
    if let (Some(sensor), Some(known)) = (sensor, known) {
        match &given {
            Ok(_) => tracing::info!(sensor, "a sensor's certificate is renewed"),
            Err(why) => {
                tracing::warn!(sensor, reason = ?why, ended = known.ended, "a sensor's certificate is not renewed");
                store.renewal_refused(sensor, &format!("{why:?}").to_lowercase(), now).await?;
            }
        }
        let _ = changes.send(Change::Sensor(sensor));
    } else {
        tracing::warn!("a certificate of ours whose key the database does not know is not renewed");
    }
    Ok(match given {
        Ok(certificate_der) => ToAgent::Renewed { certificate_der },
        Err(why) => ToAgent::RenewalRefused(why),
    })
}

async fn give(
    store: &Store,
    keyring: &Arc<Keyring>,
    proof: Proof,
    sensor: i64,
    csr_der: &[u8],
    now: Timestamp,
) -> Result<Result<Vec<u8>, RenewalRefusal>, NoAnswer> {
    let keys = keyring.keys();
    let Some(authority) = keys.authority.as_ref() else { return Ok(Err(RenewalRefusal::NoAuthority)) };
    let Ok(request) = Request::read(csr_der) else { return Ok(Err(RenewalRefusal::BadRequest)) };
    let next = request.spki_sha256();
    let certificate = authority.issue_sensor(csr_der, SensorId(u64::try_from(sensor).unwrap_or(0)), now)?;
    let (_, until) = validity(&certificate)?;
    if store.key_given(sensor, &proof.spki_sha256, &next, until, now).await? {
        return Ok(Ok(certificate.to_vec()));
    }
    // It was revoked in this moment, others were faster, or the key is not a new one.
    let known = store.known_by_key(Scope::Operator, &proof.spki_sha256).await?;
    Ok(Err(judge(known.as_ref(), proof.until, now).err().unwrap_or(RenewalRefusal::BadRequest)))
}
