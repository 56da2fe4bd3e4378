//! A connection to where a source is: its name resolved once, every address it has checked, and one of those connected to, so that no
//! answer of a resolver's in between leads elsewhere; or through the proxy that its operator has named.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use url::Url;

use super::FetchError;
use crate::intel::fetch::place;
use crate::intel::fetch::plan::Plan;
use crate::io::quic;
use crate::limits::HTTP_HEAD_MAX_OCTETS;
use crate::limits::fetch::FETCH_ADDRESSES_MAX;

/// What a conversation goes over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// TLS with these authorities, and with a certificate of one's own where there is one.
pub(in crate::io) fn tls(ca: Option<&Path>, own: Option<&[u8]>) -> Result<TlsConnector, FetchError> {
    let builder = ClientConfig::builder_with_provider(quic::provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| FetchError::Tls(error.to_string()))?
        .with_root_certificates(roots(ca)?);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
            let certificates = certificates.map_err(|_| FetchError::Certificate)?;
            let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| FetchError::Certificate)?;
            builder.with_client_auth_cert(certificates, key).map_err(|_| FetchError::Certificate)?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, FetchError> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            let refused = |why: String| FetchError::Authorities { path: path.to_owned(), why };
            let found = CertificateDer::pem_file_iter(path).map_err(|error| refused(error.to_string()))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| refused(error.to_string()))?;
                roots.add(certificate).map_err(|error| refused(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(refused("it holds none".to_owned()));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(FetchError::NoAuthorities);
            }
        }
    }
    Ok(roots)
}

/// Connects to where `url` leads, if it may be asked at all.
pub(super) async fn connect(url: &Url, plan: &Plan, tls: &TlsConnector) -> Result<Box<dyn Stream>, FetchError> {
    let stream = match &plan.proxy {
        None => direct(url, plan).await?,
        Some(proxy) => through(proxy, url, plan).await?,
    };
    if url.scheme() != "https" {
        return Ok(Box::new(stream));
    }
    let host = url.host_str().unwrap_or_default();
    let name = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_owned();
    let name = ServerName::try_from(name).map_err(|_| FetchError::Host(host.to_owned()))?;
    let stream = tls.connect(name, stream).await;
    Ok(Box::new(stream.map_err(|error| FetchError::Tls(error.to_string()))?))
}

/// Whether the other end has ended the connection for the sake of our certificate, or because we showed none. It says so only once the
/// handshake is over at our end (RFC 8446, section 4.4.2.4).
pub(super) fn is_about_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let within = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = within.and_then(|within| within.downcast_ref::<rustls::Error>()).or_else(|| error.downcast_ref());
        if let Some(rustls::Error::AlertReceived(alert)) = tls {
            return matches!(
                *alert,
                AlertDescription::CertificateRequired
                    | AlertDescription::BadCertificate
                    | AlertDescription::UnsupportedCertificate
                    | AlertDescription::CertificateRevoked
                    | AlertDescription::CertificateExpired
                    | AlertDescription::CertificateUnknown
                    | AlertDescription::UnknownCA
                    | AlertDescription::DecryptError
            );
        }
        next = error.source();
    }
    false
}

/// The addresses of a host, as many as are looked at.
async fn resolve(url: &Url) -> Result<Vec<SocketAddr>, FetchError> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    if let Some(address) = place::literal(url) {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = lookup_host((host.clone(), port)).await;
    let addresses: Vec<SocketAddr> = match found {
        Ok(found) => found.take(FETCH_ADDRESSES_MAX + 1).collect(),
        Err(error) => return Err(FetchError::Unresolved { host, why: error.to_string() }),
    };
    if addresses.is_empty() || addresses.len() > FETCH_ADDRESSES_MAX {
        let why = if addresses.is_empty() { "it has no address" } else { "it has too many addresses" };
        return Err(FetchError::Unresolved { host, why: why.to_owned() });
    }
    Ok(addresses)
}

async fn direct(url: &Url, plan: &Plan) -> Result<TcpStream, FetchError> {
    let addresses = resolve(url).await?;
    // Each of them, before any: a name that leads inside by one of its addresses is none that is asked.
    for address in &addresses {
        place::may_reach(url, &plan.url, plan.internal, address.ip())?;
    }
    to_one_of(&addresses, url).await
}

async fn to_one_of(addresses: &[SocketAddr], url: &Url) -> Result<TcpStream, FetchError> {
    let mut why = String::new();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => why = error.to_string(),
        }
    }
    Err(FetchError::Unreachable { host: url.host_str().unwrap_or_default().to_owned(), why })
}

/// A tunnel to where `url` leads (RFC 9110, section 9.3.6).
async fn through(proxy: &Url, url: &Url, plan: &Plan) -> Result<TcpStream, FetchError> {
    place::may_name(url, &plan.url, plan.internal)?;
    let mut stream = to_one_of(&resolve(proxy).await?, proxy).await?;
    let to = format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443));
    let broken = |error: std::io::Error| FetchError::Proxy(error.to_string());
    stream.write_all(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n").as_bytes()).await.map_err(broken)?;
    // Octet by octet: what comes behind the head belongs to the tunnel.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HTTP_HEAD_MAX_OCTETS {
            return Err(FetchError::Proxy("its answer is too long".to_owned()));
        }
        head.push(stream.read_u8().await.map_err(broken)?);
    }
    let line = String::from_utf8_lossy(&head);
    let status = line.split_whitespace().nth(1).and_then(|status| status.parse::<u16>().ok());
    match status {
        Some(200..=299) => Ok(stream),
        Some(status) => Err(FetchError::Proxy(format!("it answers {status}"))),
        None => Err(FetchError::Proxy("it is no HTTP proxy".to_owned())),
    }
}
