//! TLS 1.3 towards the collector, whatever carries it: our own CA and no other, no resumption, no early data.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use varde_common::message::{ALPN_RENEW, ALPN_SESSION};
use varde_common::tie::{ALPN_RENEW_TCP, ALPN_SESSION_TCP};
use varde_common::trust::{COLLECTOR_NAME, Root};

use super::timed::{SharedTime, Timed};
use super::{LinkError, quic};
use crate::io::disk::keys::Credentials;
use crate::limits::ISSUER_MAX_CHARACTERS;

/// The one provider of cryptography.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Believes the collector's certificate of a CA that the root document names, and remembers who issued another.
///
/// The collector shows its CA's certificate beside its own, and the root document names it by its hash: so a sensor believes
/// every CA its root names without having met it before, and none that its root no longer names.
///
/// It goes by [`COLLECTOR_NAME`] and not by the name that was asked for (decision 23): over TCP that one is the host that
/// was dialled, so that a firewall which lets through by name knows whom it lets through.
#[derive(Debug)]
pub struct Trust {
    provider: Arc<CryptoProvider>,
    root: Mutex<Root>,
    foreign_issuer: Mutex<Option<String>>,
}

impl Trust {
    /// In certificates of the CAs that this document names.
    pub fn new(root: Root) -> Arc<Trust> {
        Arc::new(Trust { provider: provider(), root: Mutex::new(root), foreign_issuer: Mutex::default() })
    }

    /// Another root document is in force: what is shown from now on is held against it.
    pub fn handle_root(&self, root: Root) {
        *self.root.lock().unwrap_or_else(PoisonError::into_inner) = root;
    }

    /// Whether the root document names a CA.
    pub fn names_ca(&self, ca_der: &[u8]) -> bool {
        self.root.lock().unwrap_or_else(PoisonError::into_inner).names_ca(ca_der)
    }

    /// Who checks certificates of the CA among these that the root document names; none where it names none of them.
    fn verifier(&self, shown: &[CertificateDer<'_>]) -> Option<Result<Arc<WebPkiServerVerifier>, rustls::Error>> {
        let ca = shown.iter().find(|shown| self.names_ca(shown))?.clone().into_owned();
        let mut roots = RootCertStore::empty();
        let general = |error: String| rustls::Error::General(error);
        Some(roots.add(ca).and_then(|()| {
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider));
            verifier.build().map_err(|error| general(error.to_string()))
        }))
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
        let (verified, foreign) = match self.verifier(intermediates) {
            Some(verifier) => {
                (verifier?.verify_server_cert(end_entity, intermediates, &name, ocsp_response, now), None)
            }
            None => (Err(CertificateError::UnknownIssuer.into()), issuer_of(end_entity)),
        };
        *self.foreign_issuer.lock().unwrap_or_else(PoisonError::into_inner) = foreign;
        verified
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("only TLS 1.3 is spoken here".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
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

/// The same without anything to resume with, for these protocols, the first that both ends speak.
pub fn without_memory(mut tls: ClientConfig, alpns: &[&[u8]]) -> ClientConfig {
    tls.alpn_protocols = alpns.iter().map(|alpn| alpn.to_vec()).collect();
    tls.resumption = rustls::client::Resumption::disabled();
    tls.enable_early_data = false;
    tls
}

/// The settings of a session, and of asking for a certificate, over either carrier: both ends show certificates of a CA
/// that the root document names.
#[derive(Debug, Clone)]
pub struct SessionTls {
    /// Over QUIC.
    pub quic: quinn::ClientConfig,
    /// Over TCP.
    pub tcp: Arc<ClientConfig>,
    /// To ask for a certificate in place of one that has run out, over QUIC.
    pub renew_quic: quinn::ClientConfig,
    /// The same over TCP.
    pub renew_tcp: Arc<ClientConfig>,
    /// What all believe.
    pub trust: Arc<Trust>,
}

impl SessionTls {
    /// Of this sensor; certificates are checked by the time that is known.
    ///
    /// # Errors
    /// A sentence when key or certificate cannot be used.
    pub fn new(credentials: &Credentials, trust: &Arc<Trust>, time: &SharedTime) -> Result<SessionTls, String> {
        let timed = Arc::new(Timed { inner: trust.clone(), time: Arc::clone(time) });
        let config = |alpn: &[u8]| -> Result<ClientConfig, String> {
            let key =
                PrivateKeyDer::from_pem_slice(credentials.key_pem.as_bytes()).map_err(|error| error.to_string())?;
            let chain = vec![CertificateDer::from(credentials.certificate_der.clone())];
            let tls = builder(timed.clone())?.with_client_auth_cert(chain, key).map_err(|error| error.to_string())?;
            Ok(without_memory(tls, &[alpn]))
        };
        Ok(SessionTls {
            quic: quic::client_config(config(ALPN_SESSION)?)?,
            tcp: Arc::new(config(ALPN_SESSION_TCP)?),
            renew_quic: quic::client_config(config(ALPN_RENEW)?)?,
            renew_tcp: Arc::new(config(ALPN_RENEW_TCP)?),
            trust: Arc::clone(trust),
        })
    }
}
