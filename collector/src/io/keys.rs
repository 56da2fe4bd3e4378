//! The key files: made once by `init`, read by `run` and `publish`.
//!
//! ```text
//! root.json             who may sign what, signed by the root key; its SHA-256 is in every token
//! keys/root.key         signs root.json                        offline
//! keys/list.key         signs lists                            here (online list key) or with the analyst (duty key)
//! keys/hunt.key         signs hunts                            offline until hunts come
//! keys/timestamp.key    says every hour which list is newest   here, where the collector runs
//! keys/brake.key        has indicators counted only, for a day  here, where the commands are given
//! keys/ca.key, ca.crt   signs sensors' certificates            here while sensors enrol and renew (others: authority.rs)
//! keys/collector.key, collector.crt                            here
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use varde_common::limits::ROOT_MAX_OCTETS;
use varde_common::time::Timestamp;
use varde_common::trust::{self, Domain, Role, Roles, Root, Untrusted, hex, key_id, sha256};

use super::authority;
use super::directory::{self, DirectoryError};
use crate::certificate::{self, Authority, CertificateError, Issued, Life};
use crate::limits::ROOT_DAYS;

/// The root document's file.
pub const ROOT_FILE: &str = "root.json";
/// Where keys lie.
pub const KEYS_DIRECTORY: &str = "keys";
/// The list key's file.
pub const LIST_KEY: &str = "keys/list.key";
/// The file of the key that says which list is the newest.
pub const TIMESTAMP_KEY: &str = "keys/timestamp.key";
/// The file of the key that orders the brake.
pub const BRAKE_KEY: &str = "keys/brake.key";
pub(super) const CA_KEY: &str = "keys/ca.key";
pub(super) const CA_CERTIFICATE: &str = "keys/ca.crt";
const SERVER_KEY: &str = "keys/collector.key";
const SERVER_CERTIFICATE: &str = "keys/collector.crt";
/// A key or certificate as PEM.
const KEY_FILE_MAX_OCTETS: u64 = 64 * 1024;

/// Why keys could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// A certificate.
    #[error("{0}; restore the directory keys/ from its copy")]
    Certificate(#[from] CertificateError),
    /// The root document.
    #[error("root.json is not to be trusted: {0}; restore it from its copy")]
    Root(#[from] Untrusted),
    /// A signing key.
    #[error("{0} holds no Ed25519 private key (PKCS #8, PEM); give a key file that init made")]
    NoKey(String),
    /// No randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    /// The certificate authority is another than the root document names.
    #[error("keys/ca.crt is not the certificate authority that root.json names; restore both from the same copy")]
    AnotherAuthority,
    /// The server certificate must be renewed and its issuer is away.
    #[error(
        "keys/collector.crt runs out or is missing, and keys/ca.key is not here to renew it; bring the key back for one start"
    )]
    NoRenewal,
}

/// A new signing key.
///
/// # Errors
/// [`KeyError::Random`].
pub fn new_key() -> Result<SigningKey, KeyError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| KeyError::Random(error.to_string()))?;
    Ok(SigningKey::from_bytes(&seed))
}

/// Makes all keys and the root document in a directory that holds none. Gives the root document's SHA-256.
///
/// # Errors
/// [`KeyError`].
pub fn make(data: &Path, now: Timestamp) -> Result<[u8; 32], KeyError> {
    directory::make_private(&data.join(KEYS_DIRECTORY))?;
    let mut public = BTreeMap::new();
    let mut make_role = |file: &str| -> Result<(SigningKey, Role), KeyError> {
        let key = new_key()?;
        write_signing_key(&data.join(file), &key)?;
        let id = key_id(&key.verifying_key());
        public.insert(id.clone(), hex(key.verifying_key().as_bytes()));
        Ok((key, Role { keys: BTreeSet::from([id]), threshold: 1 }))
    };
    let (root_key, root_role) = make_role("keys/root.key")?;
    let (_, list) = make_role(LIST_KEY)?;
    let (_, hunt) = make_role("keys/hunt.key")?;
    let (_, timestamp) = make_role(TIMESTAMP_KEY)?;
    let (_, brake) = make_role(BRAKE_KEY)?;

    let made = certificate::new_authority(now)?;
    write_pair(data, CA_CERTIFICATE, CA_KEY, &made)?;
    let authority = Authority::read(&made.certificate_pem, &made.key_pem)?;
    write_pair(data, SERVER_CERTIFICATE, SERVER_KEY, &authority.issue_server(now)?)?;

    let days = Duration::from_secs(u64::try_from(ROOT_DAYS).unwrap_or(0) * 86_400);
    let root = Root {
        version: 1,
        expires: now.plus(days),
        keys: public,
        roles: Roles { root: root_role, list, timestamp, hunt, brake },
        ca: BTreeSet::from([hex(&sha256(authority.certificate()))]),
    };
    let document = trust::sign(Domain::Root, &root, &[&root_key])
        .map_err(|error| KeyError::Root(Untrusted::Unreadable(error.to_string())))?;
    directory::write_private(&data.join(ROOT_FILE), &document)?;
    Ok(sha256(&document))
}

pub(super) fn write_pair(data: &Path, certificate: &str, key: &str, issued: &Issued) -> Result<(), DirectoryError> {
    directory::write_private(&data.join(key), issued.key_pem.as_bytes())?;
    directory::write_private(&data.join(certificate), issued.certificate_pem.as_bytes())
}

pub(super) fn read_text(path: &Path) -> Result<String, DirectoryError> {
    Ok(String::from_utf8_lossy(&directory::read(path, KEY_FILE_MAX_OCTETS)?).into_owned())
}

/// The root document, as its file holds it and as it says.
///
/// # Errors
/// [`KeyError`].
pub fn read_root(data: &Path) -> Result<(Vec<u8>, Root), KeyError> {
    let document = directory::read(&data.join(ROOT_FILE), ROOT_MAX_OCTETS as u64)?;
    let root = Root::read_own(&document)?;
    Ok((document, root))
}

/// That the authority's certificate which lies there is the one the root document names.
///
/// # Errors
/// [`KeyError::AnotherAuthority`] and others.
pub fn names_authority(data: &Path, root: &Root) -> Result<(), KeyError> {
    let ca = certificate::read_certificate(&read_text(&data.join(CA_CERTIFICATE))?)?;
    if root.names_ca(&ca) { Ok(()) } else { Err(KeyError::AnotherAuthority) }
}

/// Writes a signing key that only its owner may read.
///
/// # Errors
/// [`KeyError`].
pub fn write_signing_key(path: &Path, key: &SigningKey) -> Result<(), KeyError> {
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::NoKey(path.display().to_string()))?;
    Ok(directory::write_private(path, pem.as_bytes())?)
}

/// A signing key from its file.
///
/// # Errors
/// [`KeyError`].
pub fn read_signing_key(path: &Path) -> Result<SigningKey, KeyError> {
    let pem = read_text(path)?;
    SigningKey::from_pkcs8_pem(&pem).map_err(|_| KeyError::NoKey(path.display().to_string()))
}

/// What the running collector needs of the keys.
pub struct ServerKeys {
    /// The root document, as in its file.
    pub root_document: Vec<u8>,
    /// Who issues sensors' certificates; none while its key is offline.
    pub authority: Option<Authority>,
    /// The certificates of all authorities that the root document names and that lie here: whose sensors are believed.
    pub authorities: Vec<CertificateDer<'static>>,
    /// The certificates of those it names no more: whose sensors may ask for a certificate of the present one.
    pub retired: Vec<CertificateDer<'static>>,
    /// The collector's certificate, then that of the authority which issued it: sensors know the latter by the root document.
    pub chain: Vec<CertificateDer<'static>>,
    /// The collector's private key.
    pub key: PrivateKeyDer<'static>,
}

impl std::fmt::Debug for ServerKeys {
    /// No key belongs in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServerKeys({} authorities)", self.authorities.len())
    }
}

impl ServerKeys {
    /// Reads them; a server certificate in the last third of its life is renewed.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn read(data: &Path, now: Timestamp) -> Result<ServerKeys, KeyError> {
        let (root_document, root) = read_root(data)?;
        let ca_pem = read_text(&data.join(CA_CERTIFICATE))?;
        let ca = certificate::read_certificate(&ca_pem)?;
        if !root.names_ca(&ca) {
            return Err(KeyError::AnotherAuthority);
        }
        let ca_key = data.join(CA_KEY);
        let authority = match ca_key.exists() {
            true => Some(Authority::read(&ca_pem, &read_text(&ca_key)?)?),
            false => None,
        };
        let mut authorities = vec![ca.clone()];
        authorities.extend(authority::old(data, &root)?.into_iter().filter(|old| *old != ca));
        let issuer = match (server_life(data, &authorities, now), &authority) {
            (Some((Life::Young, issuer)), _) | (Some((Life::WantsRenewal, issuer)), None) => issuer,
            (Some((Life::WantsRenewal | Life::MustBeRenewed, _)) | None, Some(authority)) => {
                write_pair(data, SERVER_CERTIFICATE, SERVER_KEY, &authority.issue_server(now)?)?;
                tracing::info!("renewed the collector's certificate");
                ca
            }
            (Some((Life::MustBeRenewed, _)) | None, None) => return Err(KeyError::NoRenewal),
        };
        for file in [CA_KEY, SERVER_KEY, LIST_KEY, TIMESTAMP_KEY, BRAKE_KEY, "keys/root.key", "keys/hunt.key"] {
            if directory::others_may_read(&data.join(file)) {
                tracing::warn!("others than its owner may read {file}; let it be mode 0600");
            }
        }
        let server = certificate::read_certificate(&read_text(&data.join(SERVER_CERTIFICATE))?)?;
        let key_pem = read_text(&data.join(SERVER_KEY))?;
        let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
            .map_err(|error| CertificateError::Unreadable(error.to_string()))?;
        let retired = authority::retired(data, &root)?;
        Ok(ServerKeys { root_document, authority, chain: vec![server, issuer], authorities, retired, key })
    }
}

/// How the server certificate is, and who issued it; none where it must be made anew: missing, unreadable, of an authority that
/// is not believed any more, or not of the key beside it (the two are two files).
fn server_life(
    data: &Path,
    authorities: &[CertificateDer<'static>],
    now: Timestamp,
) -> Option<(Life, CertificateDer<'static>)> {
    let server = certificate::read_certificate(&read_text(&data.join(SERVER_CERTIFICATE)).ok()?).ok()?;
    let own = certificate::key_spki_sha256(&read_text(&data.join(SERVER_KEY)).ok()?).ok()?;
    if certificate::spki_sha256(&server) != Ok(own) {
        return None;
    }
    let issuer = authorities.iter().find(|authority| certificate::is_issued_by(&server, authority))?;
    Some((certificate::life(&server, now).ok()?, issuer.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::KeyPair;

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    #[test]
    fn what_is_made_can_be_read_and_is_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let pin = make(dir.path(), NOW).unwrap();
        let (document, root) = read_root(dir.path()).unwrap();
        assert_eq!(sha256(&document), pin);
        assert_eq!(root.version, 1);
        let keys = ServerKeys::read(dir.path(), NOW).unwrap();
        assert!(
            keys.authorities.iter().all(|ca| root.names_ca(ca)) && keys.authority.is_some() && keys.chain.len() == 2
        );
        let list = read_signing_key(&dir.path().join(LIST_KEY)).unwrap();
        assert!(root.roles.list.keys.contains(&key_id(&list.verifying_key())));
        for entry in std::fs::read_dir(dir.path().join(KEYS_DIRECTORY)).unwrap() {
            assert!(!directory::others_may_read(&entry.unwrap().path()));
        }
    }

    #[test]
    fn k1_t14_a_certificate_made_while_the_clock_was_ahead_is_made_anew_and_none_by_a_clock_in_1970() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::WRITTEN.plus(Duration::from_secs(400 * 86_400));
        make(dir.path(), now).unwrap();
        let ahead = ServerKeys::read(dir.path(), now.plus(Duration::from_secs(250 * 86_400))).unwrap().chain;
        assert_eq!(ServerKeys::read(dir.path(), Timestamp(0)).unwrap().chain, ahead);
        std::fs::rename(dir.path().join(CA_KEY), dir.path().join("away")).unwrap();
        assert_eq!(ServerKeys::read(dir.path(), now).unwrap().chain, ahead, "without the authority it must do");
        std::fs::rename(dir.path().join("away"), dir.path().join(CA_KEY)).unwrap();
        let right = ServerKeys::read(dir.path(), now).unwrap().chain;
        assert_ne!(right, ahead);
        let (from, _) = certificate::validity(right.first().unwrap()).unwrap();
        assert!(from <= now);
        assert_eq!(ServerKeys::read(dir.path(), now).unwrap().chain, right, "once");
    }

    #[test]
    fn e1_the_server_certificate_is_renewed_after_a_third_of_its_life_if_the_authority_is_here() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), NOW).unwrap();
        let later = NOW.plus(Duration::from_secs(300 * 86_400));
        let before = ServerKeys::read(dir.path(), NOW).unwrap().chain;
        assert_eq!(ServerKeys::read(dir.path(), NOW).unwrap().chain, before);
        let third = NOW.plus(Duration::from_secs(123 * 86_400));
        std::fs::rename(dir.path().join(CA_KEY), dir.path().join("away")).unwrap();
        assert_eq!(
            ServerKeys::read(dir.path(), third).unwrap().chain,
            before,
            "without it the one there is good enough"
        );
        std::fs::rename(dir.path().join("away"), dir.path().join(CA_KEY)).unwrap();
        let renewed = ServerKeys::read(dir.path(), third).unwrap().chain;
        assert_ne!(renewed, before);
        // The key of one and the certificate of another, as a power failure between the two leaves them: both are made anew.
        std::fs::write(dir.path().join(SERVER_KEY), KeyPair::generate().unwrap().serialize_pem()).unwrap();
        assert_ne!(ServerKeys::read(dir.path(), third).unwrap().chain, renewed);
        std::fs::remove_file(dir.path().join(CA_KEY)).unwrap();
        assert!(ServerKeys::read(dir.path(), later).unwrap().authority.is_none(), "the CA key may be offline");
        let much_later = later.plus(Duration::from_secs(300 * 86_400));
        assert!(matches!(ServerKeys::read(dir.path(), much_later), Err(KeyError::NoRenewal)));
    }

    #[test]
    fn l2_an_authority_the_root_does_not_name_is_refused() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        make(one.path(), NOW).unwrap();
        make(other.path(), NOW).unwrap();
        for file in [CA_CERTIFICATE, CA_KEY] {
            std::fs::copy(other.path().join(file), one.path().join(file)).unwrap();
        }
        assert!(matches!(ServerKeys::read(one.path(), NOW), Err(KeyError::AnotherAuthority)));
        assert!(matches!(read_signing_key(&one.path().join(CA_CERTIFICATE)), Err(KeyError::NoKey(_))));
    }
}
