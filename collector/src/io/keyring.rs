//! The keys a running collector uses, read anew while it runs: its own certificate is renewed, the authority changes, a root
//! document is replaced. Handshakes from then on use the new ones; sessions that stand stay.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};
use varde_common::time::Timestamp;

use super::keys::{KeyError, ServerKeys};
use super::quic::{QuicError, client_verifier, provider};
use super::timed::Timed;

/// Keys made ready for handshakes.
#[derive(Debug, Clone)]
struct Ready {
    keys: Arc<ServerKeys>,
    shown: Arc<CertifiedKey>,
    believed: Arc<Timed>,
    /// Also by authorities that were retired: for who asks for the next certificate.
    believed_for_renewal: Arc<Timed>,
}

impl Ready {
    fn new(keys: ServerKeys) -> Result<Ready, QuicError> {
        let tls = |error: rustls::Error| QuicError::Tls(error.to_string());
        let shown = CertifiedKey::from_der(keys.chain.clone(), keys.key.clone_key(), &provider()).map_err(tls)?;
        let own = keys.chain.first().ok_or_else(|| QuicError::Tls("the collector has no certificate".to_owned()))?;
        let believed = Arc::new(client_verifier(&keys.authorities, own)?);
        let all = [keys.authorities.as_slice(), &keys.retired].concat();
        let believed_for_renewal = Arc::new(client_verifier(&all, own)?);
        Ok(Ready { shown: Arc::new(shown), believed, believed_for_renewal, keys: Arc::new(keys) })
    }
}

/// Why keys could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// A file.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// TLS does not take them.
    #[error(transparent)]
    Tls(#[from] QuicError),
}

/// The keys in use.
#[derive(Debug)]
pub struct Keyring {
    data: PathBuf,
    ready: RwLock<Ready>,
}

impl Keyring {
    /// Reads them; a server certificate that wants renewal is renewed.
    ///
    /// # Errors
    /// [`NotReady`].
    pub fn read(data: &Path, now: Timestamp) -> Result<Arc<Keyring>, NotReady> {
        let ready = Ready::new(ServerKeys::read(data, now)?)?;
        Ok(Arc::new(Keyring { data: data.to_owned(), ready: RwLock::new(ready) }))
    }

    /// Reads them again. What cannot be used leaves the ones before in use. Gives whether the collector shows another
    /// certificate from now on.
    ///
    /// # Errors
    /// [`NotReady`].
    pub fn look(&self, now: Timestamp) -> Result<bool, NotReady> {
        let fresh = Ready::new(ServerKeys::read(&self.data, now)?)?;
        let mut ready = self.ready.write().unwrap_or_else(PoisonError::into_inner);
        let another = ready.keys.chain != fresh.keys.chain;
        *ready = fresh;
        Ok(another)
    }

    /// The same, and what came of it in the log.
    pub async fn look_and_tell(self: &Arc<Keyring>, now: Timestamp) {
        let keyring = Arc::clone(self);
        match tokio::task::spawn_blocking(move || keyring.look(now)).await {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) => tracing::info!("the collector shows another certificate from now on"),
            Ok(Err(why)) => tracing::error!("the keys are used as they were before: {why}"),
            Err(error) => tracing::error!("the keys could not be looked at: {error}"),
        }
    }

    fn ready(&self) -> Ready {
        self.ready.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The time that certificates are issued by: not before what is known to have passed, whatever the clock says.
    pub fn effective(&self, clock: Timestamp) -> Timestamp {
        clock.max(Timestamp::WRITTEN).max(self.ready().believed.issued)
    }

    /// As they are now.
    pub fn keys(&self) -> Arc<ServerKeys> {
        self.ready().keys
    }
}

impl ResolvesServerCert for Keyring {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.ready().shown)
    }
}

/// What a caller must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// A certificate of ours that is good now: for sessions.
    Good,
    /// A certificate of ours whose time, or whose issuer's, may be over: to ask for the next one, and for nothing else.
    MayHaveRunOut,
    /// The same, or none: for enrolment, which believes a token and no certificate, on the port it shares with the above.
    MayHaveRunOutOrNone,
}

/// Believes sensors' certificates by the keys that are in use when they come.
#[derive(Debug)]
pub struct Sensors {
    /// The keys.
    pub keyring: Arc<Keyring>,
    /// What they must show.
    pub shown: Shown,
}

impl ClientCertVerifier for Sensors {
    fn client_auth_mandatory(&self) -> bool {
        match self.shown {
            Shown::Good | Shown::MayHaveRunOut => true,
            Shown::MayHaveRunOutOrNone => false,
        }
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // Sensors have one certificate and need no hint which to show.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let Ready { believed, believed_for_renewal, .. } = self.keyring.ready();
        let verified = match self.shown {
            Shown::Good => believed.verify(end_entity, intermediates, now),
            Shown::MayHaveRunOut | Shown::MayHaveRunOutOrNone => {
                believed_for_renewal.verify_when_it_was_good(end_entity, intermediates, now)
            }
        };
        verified.map_err(|error| match error {
            // All our authorities have one name, so that a certificate of one that is not believed passes for a forged one of
            // another. Its sensor is to be told that the issuer is not believed, for then it asks for the next one.
            rustls::Error::InvalidCertificate(CertificateError::BadSignature) => CertificateError::UnknownIssuer.into(),
            error => error,
        })
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("only TLS 1.3 is spoken here".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.keyring.ready().believed.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::keys::make;
    use std::time::Duration;

    #[test]
    fn k1_a_collector_whose_clock_starts_in_1970_issues_no_certificates_of_1970() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::WRITTEN.plus(Duration::from_secs(400 * 86_400));
        make(dir.path(), now).unwrap();
        let keyring = Keyring::read(dir.path(), now).unwrap();
        let day = Duration::from_secs(86_400);
        assert!(keyring.effective(Timestamp(0)) >= now.minus(day * 2), "not before its own was issued");
        assert_eq!(keyring.effective(now.plus(day)), now.plus(day));
    }
}
