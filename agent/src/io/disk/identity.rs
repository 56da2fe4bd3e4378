//! Who this sensor is: key, certificates, root document, collector's address; and the site key. Written at enrolment; key
//! and certificate are renewed ([`super::keys`]), and nothing that happens on the network makes a sensor forget them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use varde_common::id::SensorId;
use varde_common::limits::{CERTIFICATE_MAX_OCTETS, ROOT_MAX_OCTETS};
use varde_common::trust::{Root, Untrusted};

use super::keys::Keys;
use super::volume::RealVolume;
use super::{DiskError, create_directory, failed, read_at_most, sync_directory, wipe, write_whole};
use crate::pseudonym::{SITE_KEY_OCTETS, SiteKey};

const SMALL_MAX_OCTETS: u64 = 16 * 1024;
/// Beside the card, which earlier versions of this program read too and know no further field of.
const ENROLLED_AT: &str = "enrolled-at";

/// What a person may see of an identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Its number at the collector.
    pub sensor: SensorId,
    /// Where it dials, `HOST:PORT`.
    pub collector: String,
    /// The member's name.
    pub member: String,
    /// Where it dials over TCP when UDP is blocked, where enrolment was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// The member with its number, as the token names it: two members may have one name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_of_token: Option<String>,
}

/// An enrolled sensor.
#[derive(Debug, Clone)]
pub struct Identity {
    /// What a person may see.
    pub card: Card,
    /// Private key, PKCS #8 in PEM.
    pub key_pem: String,
    /// Certificate of that key (DER).
    pub certificate_der: Vec<u8>,
    /// The CA that issued the first certificate (DER): it stands for the collector in the spool's `owner`, also when the
    /// collector has another CA by then.
    pub ca_der: Vec<u8>,
    /// The signed root document as it was pinned.
    pub root_document: Vec<u8>,
    /// Where it enrolled, `HOST:PORT`; none where that was not written down.
    pub enrolled_at: Option<String>,
}

/// Why there is no usable identity.
#[derive(Debug, thiserror::Error)]
pub enum NoIdentity {
    /// Never enrolled.
    #[error("this sensor is not enrolled")]
    NotEnrolled,
    /// A wipe was cut off: what is left is no sensor's.
    #[error("a wipe of this data directory was cut off, and this machine is no sensor any more")]
    HalfWiped,
    /// A file of it is missing or unreadable.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file of it is not what it should be.
    #[error("the identity in the data directory is damaged: {0}")]
    Damaged(String),
}

impl NoIdentity {
    /// What a person can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            NoIdentity::NotEnrolled => "ask the CSIRT for a token and run: varde-agent enroll --token-file FILE",
            NoIdentity::HalfWiped => "run it again, so that nothing is left: varde-agent wipe",
            NoIdentity::Disk(error) => error.remedy(),
            NoIdentity::Damaged(_) => {
                "restore the directory `identity` from a copy, or move it away and enrol with a new token"
            }
        }
    }
}

impl Identity {
    /// The root document, checked.
    ///
    /// # Errors
    /// [`Untrusted`].
    pub fn root(&self) -> Result<Root, Untrusted> {
        Root::read_own(&self.root_document)
    }

    /// Whether a data directory holds an identity.
    pub fn exists(data: &Path) -> bool {
        data.join("identity").exists()
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`NoIdentity`].
    pub fn read(data: &Path) -> Result<Identity, NoIdentity> {
        if wipe::is_cut_off(data) {
            return Err(NoIdentity::HalfWiped);
        }
        let directory = data.join("identity");
        match fs::metadata(&directory) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(NoIdentity::NotEnrolled),
            Err(error) => return Err(failed("read", &directory)(error).into()),
        }
        let damaged = |error: &dyn std::fmt::Display| NoIdentity::Damaged(error.to_string());
        let card = read_at_most(&directory.join("sensor.json"), SMALL_MAX_OCTETS)?;
        // Read for its own sake: a file that is missing or not readable is told as such.
        read_at_most(&directory.join("key.pem"), SMALL_MAX_OCTETS)?;
        read_at_most(&directory.join("certificate.der"), CERTIFICATE_MAX_OCTETS as u64)?;
        let first = Keys::of(Arc::new(RealVolume), data).all().into_iter().next();
        let credentials = first.ok_or_else(|| damaged(&"certificate.der is not the certificate of key.pem"))?;
        let enrolled_at = read_at_most(&directory.join(ENROLLED_AT), SMALL_MAX_OCTETS).ok();
        let identity = Identity {
            card: serde_json::from_slice(&card).map_err(|error| damaged(&format!("sensor.json: {error}")))?,
            key_pem: credentials.key_pem,
            certificate_der: credentials.certificate_der,
            ca_der: read_at_most(&directory.join("ca.der"), CERTIFICATE_MAX_OCTETS as u64)?,
            root_document: read_at_most(&directory.join("root.json"), ROOT_MAX_OCTETS as u64)?,
            enrolled_at: enrolled_at.and_then(|text| String::from_utf8(text).ok()).map(|text| text.trim().to_owned()),
        };
        identity.root().map_err(|error| damaged(&format!("root.json: {error}")))?;
        Ok(identity)
    }

    /// Writes it, whole or not at all: the directory gets its name when everything in it is on disk.
    ///
    /// # Errors
    /// [`DiskError`], also when there is one already.
    pub fn write(&self, data: &Path) -> Result<(), DiskError> {
        let mut number = 0u32;
        let temporary = loop {
            let path = data.join(format!("identity.new-{number}"));
            if !path.exists() {
                break path;
            }
            number = number.saturating_add(1);
        };
        create_directory(&temporary)?;
        let card = serde_json::to_vec_pretty(&self.card).unwrap_or_default();
        let enrolled_at = self.enrolled_at.as_deref().unwrap_or_default();
        let files: [(&str, &[u8]); 6] = [
            (ENROLLED_AT, enrolled_at.as_bytes()),
            ("key.pem", self.key_pem.as_bytes()),
            ("certificate.der", &self.certificate_der),
            ("ca.der", &self.ca_der),
            ("root.json", &self.root_document),
            ("sensor.json", &card),
        ];
        for (name, octets) in files {
            write_whole(&temporary.join(name), octets)?;
        }
        let directory = data.join("identity");
        // A rename onto a directory that is not empty fails: an identity is never replaced.
        fs::rename(&temporary, &directory).map_err(failed("write", &directory))?;
        sync_directory(data)
    }
}

/// The site key; born here the first time it is asked for.
///
/// # Errors
/// [`DiskError`], also when the file is not a key: a new one would make every pseudonym another.
pub fn site_key(data: &Path) -> Result<SiteKey, DiskError> {
    let path = data.join("site.key");
    match read_at_most(&path, SITE_KEY_OCTETS as u64) {
        Ok(octets) => match <[u8; SITE_KEY_OCTETS]>::try_from(octets.as_slice()) {
            Ok(key) => Ok(SiteKey::new(key)),
            Err(_) => {
                let kind = std::io::ErrorKind::InvalidData;
                Err(failed("read", &path)(std::io::Error::new(kind, "a site key has 32 bytes")))
            }
        },
        Err(error) if error.is_missing() => {
            let mut key = [0; SITE_KEY_OCTETS];
            getrandom::fill(&mut key)
                .map_err(|error| failed("make", &path)(std::io::Error::other(error.to_string())))?;
            write_whole(&path, &key)?;
            Ok(SiteKey::new(key))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_site_key_is_born_once_and_a_damaged_one_is_not_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let now = varde_common::time::Timestamp(0);
        let of = |key: &SiteKey| key.pseudonym("10.0.0.1".parse().unwrap(), now);
        let first = site_key(directory.path()).unwrap();
        assert_eq!(of(&site_key(directory.path()).unwrap()), of(&first));
        let path = directory.path().join("site.key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, b"short").unwrap();
        assert!(site_key(directory.path()).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"short");
    }

    #[test]
    fn an_identity_is_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let (collector, member) = ("a:1".into(), "Gjøvik".into());
        let card = Card { sensor: SensorId(3), collector, member, fallback: None, member_of_token: None };
        let identity = Identity {
            card,
            key_pem: "k".into(),
            certificate_der: vec![1],
            ca_der: vec![2],
            root_document: vec![3],
            enrolled_at: None,
        };
        assert!(matches!(Identity::read(directory.path()), Err(NoIdentity::NotEnrolled)));
        identity.write(directory.path()).unwrap();
        assert!(identity.write(directory.path()).is_err());
        assert!(matches!(Identity::read(directory.path()), Err(NoIdentity::Damaged(_))), "its root is none");
    }
}
