//! TLS 1.3 towards the collector, whatever carries it: our own CA and no other, no resumption, no early data.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use varde_common::message::ALPN_SESSION;
use varde_common::tie::ALPN_SESSION_TCP;
use varde_common::trust::COLLECTOR_NAME;

use super::timed::{SharedTime, Timed};
use super::{LinkError, quic};
use crate::io::disk::identity::Identity;
use crate::limits::ISSUER_MAX_CHARACTERS;

/// The one provider of cryptography.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Believes the collector's certificate of one CA, and remembers who issued another.
///
/// It goes by [`COLLECTOR_NAME`] and not by the name that was asked for (decision 23): over TCP that one is the host that
/// was dialled, so that a firewall which lets through by name knows whom it lets through.
#[derive(Debug)]
pub struct Trust {
    inner: Arc<WebPkiServerVerifier>,
    ca_subject: Vec<u8>,
    foreign_issuer: Mutex<Option<String>>,
}

impl Trust {
    /// In certificates of this CA.
    ///
    /// # Errors
    /// A sentence when the certificate is not one of a CA.
    pub fn new(ca_der: &[u8]) -> Result<Arc<Trust>, String> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(ca_der.to_vec())).map_err(|error| error.to_string())?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
        let inner = verifier.build().map_err(|error| error.to_string())?;
        let (_, ca) = x509_parser::parse_x509_certificate(ca_der).map_err(|error| error.to_string())?;
        Ok(Arc::new(Trust { inner, ca_subject: ca.subject().as_raw().to_vec(), foreign_issuer: Mutex::default() }))
    }

    /// Who issued the certificate that was shown last, where it was not our CA. It is told once.
    pub fn take_foreign_issuer(&self) -> Option<String> {
        self.foreign_issuer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// An error of a handshake, in which the other end may have shown another's certificate.
    pub fn explain(&self, address: &str, error: LinkError) -> LinkError {
        match (error, self.take_foreign_issuer()) {
            (LinkError::NotOurs { .. }, Some(issuer)) => LinkError::Opened { address: address.to_owned(), issuer },
            (error, _) => error,
        }
    }
}

/// Who issued a certificate, in the words that stand in it, cleaned and cut: they are another's.
pub fn issuer_of(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let issuer = certificate.issuer().to_string();
    let clean: String = issuer.chars().filter(|c| !c.is_control() && *c != '"').take(ISSUER_MAX_CHARACTERS).collect();
    Some(if clean.is_empty() { "nobody named".to_owned() } else { clean })
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let name = ServerName::try_from(COLLECTOR_NAME).map_err(|error| rustls::Error::General(error.to_string()))?;
        let verified = self.inner.verify_server_cert(end_entity, intermediates, &name, ocsp_response, now);
        let ours = x509_parser::parse_x509_certificate(end_entity)
            .is_ok_and(|(_, shown)| shown.issuer().as_raw() == self.ca_subject.as_slice());
        let foreign = if verified.is_ok() || ours { None } else { issuer_of(end_entity) };
        *self.foreign_issuer.lock().unwrap_or_else(PoisonError::into_inner) = foreign;
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// TLS 1.3 with our provider and this verifier.
///
/// # Errors
/// A sentence when the provider has no TLS 1.3.
pub fn builder(
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>, String> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| error.to_string())?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier))
}

/// The same without anything to resume with, for one protocol.
pub fn without_memory(mut tls: ClientConfig, alpn: &[u8]) -> ClientConfig {
    tls.alpn_protocols = vec![alpn.to_vec()];
    tls.resumption = rustls::client::Resumption::disabled();
    tls.enable_early_data = false;
    tls
}

/// The settings of a session over either carrier: both ends show certificates of the same CA.
#[derive(Debug, Clone)]
pub struct SessionTls {
    /// Over QUIC.
    pub quic: quinn::ClientConfig,
    /// Over TCP.
    pub tcp: Arc<ClientConfig>,
    /// What both believe.
    pub trust: Arc<Trust>,
}

impl SessionTls {
    /// Of this sensor; certificates are checked by the time that is known.
    ///
    /// # Errors
    /// A sentence when key, certificate or CA cannot be used.
    pub fn new(identity: &Identity, time: &SharedTime) -> Result<SessionTls, String> {
        let trust = Trust::new(&identity.ca_der)?;
        let timed = Arc::new(Timed { inner: trust.clone(), time: Arc::clone(time) });
        let config = |alpn: &[u8]| -> Result<ClientConfig, String> {
            let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).map_err(|error| error.to_string())?;
            let own = CertificateDer::from(identity.certificate_der.clone());
            let chain = vec![own, CertificateDer::from(identity.ca_der.clone())];
            let tls = builder(timed.clone())?.with_client_auth_cert(chain, key).map_err(|error| error.to_string())?;
            Ok(without_memory(tls, alpn))
        };
        let quic = quic::client_config(config(ALPN_SESSION)?)?;
        Ok(SessionTls { quic, tcp: Arc::new(config(ALPN_SESSION_TCP)?), trust: trust.clone() })
    }
}
