//! The next certificate for a sensor that has proved its key, in a session or on the lane for those that have run out.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::CertificateDer;
use varde_common::id::SensorId;
use varde_common::message::{RenewalRefusal, ToAgent};
use varde_common::time::Timestamp;

use super::clock;
use super::keyring::Keyring;
use crate::certificate::{CertificateError, Request, spki_sha256, validity};
use crate::change::{Change, Changes};
use crate::renewal::{Known, judge};
use crate::store::{Scope, Store, StoreError};
use crate::visits::Visits;

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
    visits: &Mutex<Visits>,
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
    // Whoever has a certificate of ours may ask without end: told now and then, in the log and on the pages. No sensor has the
    // number nought: those that the database does not know are counted together, and members that have left have such ones.
    let untold = || {
        let mut visits = visits.lock().unwrap_or_else(PoisonError::into_inner);
        visits.handle_refused(sensor.unwrap_or_default(), clock::monotonic())
    };
    match (known, &given) {
        (Some(Known { sensor, .. }), Ok(_)) => {
            tracing::info!(sensor, "a sensor's certificate is renewed");
            let _ = changes.send(Change::Sensor(sensor));
        }
        (Some(Known { sensor, ended, .. }), Err(why)) => {
            if let Some(untold) = untold() {
                tracing::warn!(sensor, reason = ?why, ended, untold, "a sensor's certificate is not renewed");
            }
            if store.renewal_refused(sensor, &format!("{why:?}").to_lowercase(), now).await? {
                let _ = changes.send(Change::Sensor(sensor));
            }
        }
        (None, _) => {
            if let Some(untold) = untold() {
                tracing::warn!(untold, "a certificate of ours whose key the database does not know is not renewed");
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::keys;
    use crate::io::logged::Logged;
    use crate::store::fixture::Fixture;
    use std::time::Duration;

    #[tokio::test]
    async fn p4_n1_whoever_is_refused_a_certificate_without_end_fills_neither_the_log_nor_the_pages() {
        let dir = tempfile::tempdir().unwrap();
        keys::make(dir.path(), clock::now()).unwrap();
        let keyring = Keyring::read(dir.path(), clock::now()).unwrap();
        let fixture = Fixture::new(2).await;
        fixture.run("UPDATE sensor SET spki_sha256 = zeroblob(32) WHERE id = 1").await;
        fixture.store.revoke_sensor(1, clock::now()).await.unwrap();
        let (changes, visits) = (Changes::new(1_024), Mutex::default());
        let mut heard = changes.subscribe();
        let logged = Logged::begin();
        let until = clock::now().plus(Duration::from_secs(86_400));
        let asked = clock::monotonic();
        for _ in 0..200 {
            for (key, why) in [([0; 32], RenewalRefusal::Revoked), ([77; 32], RenewalRefusal::Unknown)] {
                let proof = Proof { spki_sha256: key, until };
                let said = renew(&fixture.store, &changes, &keyring, &visits, proof, b"").await.unwrap();
                assert_eq!(said, ToAgent::RenewalRefused(why));
            }
        }
        // One of each, and one more a minute where the machine takes that long.
        let most = 1 + usize::try_from(clock::monotonic().duration_since(asked).as_secs() / 60).unwrap();
        for words in ["a sensor's certificate is not renewed", "whose key the database does not know"] {
            let lines = logged.lines(words);
            assert!((1..=most).contains(&lines.len()), "{lines:?}");
        }
        let mut told = 0;
        while heard.try_recv().is_ok() {
            told += 1;
        }
        assert!((1..=most).contains(&told), "{told} times the pages were told of a change");
    }
}
