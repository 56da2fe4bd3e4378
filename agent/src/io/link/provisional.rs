//! A handshake in which the other end's certificate is taken provisionally: for who cannot judge it before it has heard more.
//! That the other end holds its key is checked all the same, and nothing of this sensor is shown.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct};
use varde_common::time::Timestamp;
use varde_common::trust::{COLLECTOR_NAME, Root};

use super::timed::verify;
use super::tls::{Trust, builder, provider, without_memory};

/// For these protocols, without a certificate of ours.
///
/// # Errors
/// A sentence when the provider has no TLS 1.3.
pub fn client_config(alpns: &[&[u8]]) -> Result<ClientConfig, String> {
    let verifier = Arc::new(Provisional(provider()));
    Ok(without_memory(builder(verifier)?.with_no_client_auth(), alpns))
}

/// Holds the certificates the server showed in the handshake against the CAs the root document names.
///
/// # Errors
/// A sentence.
pub fn check_chain(chain: &[CertificateDer<'static>], root: &Root, readings: [Timestamp; 2]) -> Result<(), String> {
    let (end_entity, rest) = chain.split_first().ok_or("it showed no certificate")?;
    if !rest.iter().any(|certificate| root.names_ca(certificate)) {
        return Err("its certificate is not of a CA that the root document names".to_owned());
    }
    let name = ServerName::try_from(COLLECTOR_NAME).map_err(|error| error.to_string())?;
    let verifier = Trust::new(root.clone());
    let verified = verify(verifier.as_ref(), end_entity, rest, &name, readings);
    verified.map(|_| ()).map_err(|error| error.to_string())
}

/// Takes any certificate for now, and checks that the other end holds its key.
#[derive(Debug)]
struct Provisional(Arc<CryptoProvider>);

impl ServerCertVerifier for Provisional {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
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
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
