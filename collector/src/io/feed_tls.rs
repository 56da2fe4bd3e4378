//! The certificate that readers of the list, and those who open the pages, are shown: the operator's own, or one of the collector's authority that names the address
//! sensors dial. Readers have no certificate; whoever they are is said by a token.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use varde_common::time::Timestamp;

use super::keyring::Keyring;
use super::quic::provider;
use crate::certificate::{Issued, read_certificate};

/// What a reader offers, or nothing at all.
pub const ALPN_HTTP: &[u8] = b"http/1.1";

/// A certificate of the operator's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// The certificate and those up to its authority, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// Why readers cannot be shown it.
#[derive(Debug, thiserror::Error)]
pub enum FeedTlsError {
    /// A file.
    #[error("cannot read {}: {why}; give PEM files of a certificate and its private key (feed_certificate with feed_key, web_certificate with web_key)", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The two do not belong together, or no certificate could be made.
    #[error("the certificate for feeds or pages cannot be used: {0}")]
    Unusable(String),
}

/// The certificate in use.
#[derive(Debug)]
pub struct FeedCertificate {
    own: Option<Own>,
    /// Without its port.
    host: Option<String>,
    shown: RwLock<Arc<CertifiedKey>>,
}

fn unusable(error: impl std::fmt::Display) -> FeedTlsError {
    FeedTlsError::Unusable(error.to_string())
}

fn read(own: &Own) -> Result<CertifiedKey, FeedTlsError> {
    let wrong = |path: &Path, why: String| FeedTlsError::File { path: path.to_owned(), why };
    let certificates = CertificateDer::pem_file_iter(&own.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(&own.certificate, error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong(&own.certificate, "it holds no certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&own.key).map_err(|error| wrong(&own.key, error.to_string()))?;
    CertifiedKey::from_der(certificates, key, &provider()).map_err(unusable)
}

/// One of the collector's authority, made anew at each start; where its key is away, the certificate that sensors are shown.
fn issue(keyring: &Keyring, host: Option<&str>, now: Timestamp) -> Result<CertifiedKey, FeedTlsError> {
    let keys = keyring.keys();
    let Some(authority) = &keys.authority else {
        return CertifiedKey::from_der(keys.chain.clone(), keys.key.clone_key(), &provider()).map_err(unusable);
    };
    let Issued { certificate_pem, key_pem } = authority.issue_feed(host, keyring.effective(now)).map_err(unusable)?;
    let chain = vec![read_certificate(&certificate_pem).map_err(unusable)?, authority.certificate().clone()];
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(unusable)?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(unusable)
}

impl FeedCertificate {
    /// The operator's, or one for `host`. One of the operator's that cannot be read is told, and keeps no sensor waiting: readers are
    /// shown the authority's until it can be ([`FeedCertificate::look`]).
    ///
    /// # Errors
    /// [`FeedTlsError::Unusable`], of the authority's.
    pub fn new(
        keyring: &Keyring,
        own: Option<Own>,
        host: Option<String>,
        now: Timestamp,
    ) -> Result<Arc<FeedCertificate>, FeedTlsError> {
        let read = own.as_ref().map(read).transpose().unwrap_or_else(|why| {
            tracing::error!("a certificate of the collector's own authority is shown in its place: {why}");
            None
        });
        let shown = match read {
            Some(shown) => shown,
            None => issue(keyring, host.as_deref(), now)?,
        };
        Ok(Arc::new(FeedCertificate { own, host, shown: RwLock::new(Arc::new(shown)) }))
    }

    /// Reads it again, or makes it anew: files are renewed, authorities change. What cannot be used leaves the one before in use.
    pub fn look(&self, keyring: &Keyring, now: Timestamp) {
        let fresh = match &self.own {
            Some(own) => read(own),
            None => issue(keyring, self.host.as_deref(), now),
        };
        match fresh {
            Ok(fresh) => *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh),
            Err(why) => tracing::error!("the certificate of before is shown: {why}"),
        }
    }

    /// SHA-256 of the collector's own authority, as people compare it, where that vouches for what is shown; none, where the certificate is the
    /// operator's own, or the one of another name that is shown while `ca.key` is away.
    pub fn authority_sha256(&self, keyring: &Keyring) -> Option<String> {
        let keys = keyring.keys();
        let authority = keys.authority.as_ref()?.certificate();
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        let last = shown.cert.last().filter(|last| *last == authority)?;
        Some(varde_common::trust::sha256(last).map(|octet| format!("{octet:02X}")).join(":"))
    }

    /// What is wrong with the certificate that is shown, and what to do: it names another, where the authority's key is away and the operator
    /// has none of its own.
    pub fn names_another(&self, keyring: &Keyring) -> Option<String> {
        let host = self.host.as_deref()?;
        if keyring.keys().authority.is_some() || self.is_own() {
            return None;
        }
        Some(format!(
            "the certificate shown does not name {host}, for keys/ca.key is away: browsers refuse it. Give a certificate of your own \
             (web_certificate with web_key), or put keys/ca.key back and start again"
        ))
    }

    /// Whether the operator's own is shown.
    fn is_own(&self) -> bool {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        self.own.as_ref().and_then(|own| read(own).ok()).is_some_and(|own| own.cert == shown.cert)
    }

    /// TLS by it, for those that have no certificate.
    ///
    /// # Errors
    /// [`FeedTlsError::Unusable`].
    pub fn tls(self: &Arc<FeedCertificate>) -> Result<Arc<ServerConfig>, FeedTlsError> {
        let mut tls = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        tls.alpn_protocols = vec![ALPN_HTTP.to_vec()];
        // As for sensors: no resumption, no 0-RTT.
        tls.session_storage = Arc::new(NoServerSessionStorage {});
        tls.send_tls13_tickets = 0;
        tls.max_early_data_size = 0;
        Ok(Arc::new(tls))
    }
}

impl ResolvesServerCert for FeedCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::keys::make;

    #[test]
    fn n1_a_certificate_of_the_operators_that_cannot_be_read_keeps_no_sensor_out_and_is_shown_once_it_can_be() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::WRITTEN;
        make(dir.path(), now).unwrap();
        let keyring = Keyring::read(dir.path(), now).unwrap();
        let own = Own { certificate: dir.path().join("feed.pem"), key: dir.path().join("feed.key") };
        let shown = |feed: &FeedCertificate| feed.shown.read().unwrap().cert.last().cloned().unwrap();
        let feed = FeedCertificate::new(&keyring, Some(own.clone()), Some("c.example".to_owned()), now).unwrap();
        let authority = keyring.keys().authority.as_ref().unwrap().certificate().clone();
        assert_eq!(shown(&feed), authority);

        let theirs = rcgen::generate_simple_self_signed(["c.example".to_owned()]).unwrap();
        std::fs::write(&own.certificate, theirs.cert.pem()).unwrap();
        std::fs::write(&own.key, theirs.signing_key.serialize_pem()).unwrap();
        feed.look(&keyring, now);
        assert_eq!(shown(&feed), *theirs.cert.der());
        assert_eq!((feed.authority_sha256(&keyring), feed.names_another(&keyring)), (None, None), "their own");
        // Renewed half, at the moment: the one of before stays.
        std::fs::write(&own.key, "no key").unwrap();
        feed.look(&keyring, now);
        assert_eq!(shown(&feed), *theirs.cert.der());
    }
    #[test]
    fn n1_without_the_authoritys_key_no_fingerprint_is_told_and_the_remedy_is() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::WRITTEN;
        make(dir.path(), now).unwrap();
        let pages = |keyring: &Keyring| FeedCertificate::new(keyring, None, Some("c.example".to_owned()), now).unwrap();
        let keyring = Keyring::read(dir.path(), now).unwrap();
        let shown = pages(&keyring);
        assert!(shown.authority_sha256(&keyring).is_some_and(|told| told.len() == 32 * 3 - 1));
        assert_eq!(shown.names_another(&keyring), None);
        std::fs::remove_file(dir.path().join("keys/ca.key")).unwrap();
        let keyring = Keyring::read(dir.path(), now).unwrap();
        let shown = pages(&keyring);
        assert_eq!(shown.authority_sha256(&keyring), None, "it vouches for no such certificate");
        let told = shown.names_another(&keyring).unwrap();
        assert!(
            told.contains("c.example") && told.contains("web_certificate") && told.contains("keys/ca.key"),
            "{told}"
        );
    }
}
