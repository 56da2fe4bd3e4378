//! Certificates checked by the time that is known ([`crate::effective_time`]) instead of the machine's clock alone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use varde_common::time::Timestamp;
use varde_common::trust::{hex, sha256};

use super::tls::Trust;
use crate::effective_time::EffectiveTime;
use crate::io::clock;

/// What is known of the time, shared by whoever checks and whoever is told.
pub type SharedTime = Arc<Mutex<EffectiveTime>>;

/// Takes it for a moment.
pub fn held(time: &SharedTime) -> MutexGuard<'_, EffectiveTime> {
    time.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From when until when a certificate is good.
///
/// # Errors
/// A sentence when it cannot be read.
pub fn validity(certificate_der: &[u8]) -> Result<(Timestamp, Timestamp), String> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate_der).map_err(|error| error.to_string())?;
    let validity = certificate.validity();
    let moment = |at: x509_parser::time::ASN1Time| Timestamp::from_unix(at.timestamp(), 0);
    Ok((moment(validity.not_before), moment(validity.not_after)))
}

/// Asks `verifier` by each reading of the time, the last refusal counting. What our CA has signed was issued: it is never
/// too early for it.
///
/// # Errors
/// The verifier's own.
pub fn verify(
    verifier: &dyn ServerCertVerifier,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    readings: [Timestamp; 2],
) -> Result<ServerCertVerified, rustls::Error> {
    let (issued, _) = validity(end_entity).map_err(rustls::Error::General)?;
    let verify_at = |reading: Timestamp| {
        let at = UnixTime::since_unix_epoch(reading.max(issued).since(Timestamp(0)));
        verifier.verify_server_cert(end_entity, intermediates, name, &[], at)
    };
    let [first, second] = readings;
    verify_at(first).or_else(|_| verify_at(second))
}

/// A verifier that goes by the time that is known.
#[derive(Debug)]
pub struct Timed {
    /// Who checks everything but the time.
    pub inner: Arc<Trust>,
    /// What is known.
    pub time: SharedTime,
}

impl ServerCertVerifier for Timed {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let readings = held(&self.time).readings(clock::now(), clock::since_boot());
        let verified = verify(self.inner.as_ref(), end_entity, intermediates, server_name, readings)?;
        let (_, until) = validity(end_entity).map_err(rustls::Error::General)?;
        if let Some(ca) = intermediates.iter().find(|shown| self.inner.names_ca(shown)) {
            held(&self.time).handle_proof(until, hex(&sha256(ca)));
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
