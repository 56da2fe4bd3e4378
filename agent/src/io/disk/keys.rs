//! The keys a sensor proves itself with: the one in use, the one that is to take its place, the one before. Every step is
//! written so that whatever stops in between leaves a key that the collector knows.
//!
//! ```text
//! identity/next.key                   born here, not certified yet; asked for again with the same key after a crash
//! identity/renewed.pem                key and certificate that are to take the place of the ones in use: one file, whole or not there
//! identity/certificate.der, key.pem   in use, and where every earlier version of this program looks
//! identity/previous.pem               the ones before: for a collector that was restored from a backup and knows no newer
//! ```
//!
//! A renewal: `next.key` is on disk before it is asked for; `renewed.pem` before it is used; the ones in use stay until the
//! new ones have stood in a session. Then they become `previous.pem`, the new ones take their places, and `renewed.pem`
//! goes last: cut off anywhere, it is still there and comes first.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::volume::Volume;
use super::{DiskError, failed, read_at_most_on, write_whole_on};
use crate::limits::CREDENTIALS_MAX_OCTETS;

const NEXT_KEY: &str = "next.key";
const RENEWED: &str = "renewed.pem";
const PREVIOUS: &str = "previous.pem";
const KEY: &str = "key.pem";
const CERTIFICATE: &str = "certificate.der";

/// A private key and the certificate that the collector gave it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// PKCS #8 in PEM.
    pub key_pem: String,
    /// Certificate of that key (DER).
    pub certificate_der: Vec<u8>,
}

impl std::fmt::Debug for Credentials {
    /// Not the key: it belongs in no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({} octets)", self.certificate_der.len())
    }
}

impl Credentials {
    /// Whether the certificate is for this very key.
    pub fn is_sound(&self) -> bool {
        let Ok(key) = KeyPair::from_pem(&self.key_pem) else { return false };
        is_for(&self.certificate_der, key.public_key_raw())
    }

    fn to_pem(&self) -> String {
        let mut pem = self.key_pem.trim_end().to_owned();
        pem.push_str("\n-----BEGIN CERTIFICATE-----\n");
        let text = STANDARD.encode(&self.certificate_der);
        for line in text.as_bytes().chunks(64) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    fn from_pem(pem: &str) -> Option<Credentials> {
        let (key_pem, _) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
        let certificate_der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?.to_vec();
        Some(Credentials { key_pem: key_pem.to_owned(), certificate_der }).filter(Credentials::is_sound)
    }
}

/// Whether a certificate is for this public key.
pub fn is_for(certificate_der: &[u8], public_key: &[u8]) -> bool {
    x509_parser::parse_x509_certificate(certificate_der)
        .is_ok_and(|(_, certificate)| certificate.public_key().subject_public_key.data.as_ref() == public_key)
}

/// A key was asked to be certified and cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NoKey {
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// No key could be made.
    #[error("no key could be made: {0}")]
    Made(String),
    /// A certificate came that is for another key than was asked with.
    #[error("the certificate that came is not for the key that was asked with")]
    Another,
}

/// Where a sensor's keys lie.
#[derive(Debug, Clone)]
pub struct Keys {
    volume: Arc<dyn Volume>,
    directory: PathBuf,
}

impl Keys {
    /// Of the sensor whose data directory this is.
    pub fn of(volume: Arc<dyn Volume>, data: &Path) -> Keys {
        Keys { volume, directory: data.join("identity") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        read_at_most_on(self.volume.as_ref(), &self.path(name), CREDENTIALS_MAX_OCTETS).ok()
    }

    fn write(&self, name: &str, octets: &[u8]) -> Result<(), DiskError> {
        write_whole_on(self.volume.as_ref(), &self.path(name), octets)
    }

    fn remove(&self, name: &str) -> Result<(), DiskError> {
        let path = self.path(name);
        if self.volume.exists(&path) {
            self.volume.remove(&path).map_err(failed("remove", &path))?;
            self.volume.sync_directory(&self.directory).map_err(failed("fsync the directory", &self.directory))?;
        }
        Ok(())
    }

    fn bundle(&self, name: &str) -> Option<Credentials> {
        Credentials::from_pem(&String::from_utf8(self.read(name)?).ok()?)
    }

    fn in_use(&self) -> Option<Credentials> {
        let key_pem = String::from_utf8(self.read(KEY)?).ok()?;
        let certificate_der = self.read(CERTIFICATE)?;
        Some(Credentials { key_pem, certificate_der }).filter(Credentials::is_sound)
    }

    /// All that may be proved with, in the order in which they are to be tried: the newest first. What is not whole is
    /// left out; one step of a renewal leaves the key of one and the certificate of the other.
    pub fn all(&self) -> Vec<Credentials> {
        let mut all: Vec<Credentials> = Vec::new();
        for found in [self.bundle(RENEWED), self.in_use(), self.bundle(PREVIOUS)].into_iter().flatten() {
            if !all.contains(&found) {
                all.push(found);
            }
        }
        all
    }

    /// A request (PKCS #10, DER) for the key that is to come: born now, or before a crash; on disk when this returns.
    ///
    /// # Errors
    /// [`NoKey`].
    pub fn request(&self) -> Result<Vec<u8>, NoKey> {
        let made = |error: rcgen::Error| NoKey::Made(error.to_string());
        let kept = self.read(NEXT_KEY).and_then(|pem| KeyPair::from_pem(&String::from_utf8(pem).ok()?).ok());
        let key = match kept {
            Some(key) => key,
            None => {
                let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(made)?;
                self.write(NEXT_KEY, key.serialize_pem().as_bytes())?;
                key
            }
        };
        let request = CertificateParams::new(Vec::new()).and_then(|params| params.serialize_request(&key));
        Ok(request.map_err(made)?.der().to_vec())
    }

    /// Keeps the certificate of the key that was asked with; both are on disk, in one file, when this returns.
    ///
    /// # Errors
    /// [`NoKey`].
    pub fn keep(&self, certificate_der: &[u8]) -> Result<Credentials, NoKey> {
        let key_pem = self.read(NEXT_KEY).and_then(|pem| String::from_utf8(pem).ok()).ok_or(NoKey::Another)?;
        let renewed = Credentials { key_pem, certificate_der: certificate_der.to_vec() };
        if !renewed.is_sound() {
            return Err(NoKey::Another);
        }
        self.write(RENEWED, renewed.to_pem().as_bytes())?;
        Ok(renewed)
    }

    /// These stood in a session: they are the ones in use, the ones before them are kept aside, and what was tried and
    /// not let in is gone. Does nothing where that is so already.
    ///
    /// # Errors
    /// [`DiskError`]; what is on disk then is one of the steps between.
    pub fn settle(&self, stood: &Credentials) -> Result<(), DiskError> {
        match self.in_use() {
            Some(in_use) if in_use == *stood => {}
            in_use => {
                if let Some(before) = in_use.filter(|_| self.bundle(RENEWED).as_ref() == Some(stood)) {
                    self.write(PREVIOUS, before.to_pem().as_bytes())?;
                }
                self.write(CERTIFICATE, &stood.certificate_der)?;
                self.write(KEY, stood.key_pem.as_bytes())?;
            }
        }
        if self.volume.exists(&self.path(RENEWED)) {
            // Its key is in use now, or was not let in: the next renewal has a new one.
            self.remove(NEXT_KEY)?;
            self.remove(RENEWED)?;
        }
        Ok(())
    }
}
