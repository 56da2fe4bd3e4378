//! An enrolment that is under way: the token and the key born for it, kept until there is an identity, so that one that was
//! broken off, or that waits for a person's approval, goes on with the same key and needs no second token.

use std::path::Path;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};

use super::{DiskError, failed, read_at_most, sync_directory, write_whole};
use crate::limits::CREDENTIALS_MAX_OCTETS;

/// The token on its first line, then the key in PEM.
const FILE: &str = "enrolling";

/// An enrolment that is under way.
#[derive(Debug)]
pub struct Enrolling {
    /// The token, as it was pasted.
    pub token: String,
    /// The key that asks.
    pub key: KeyPair,
}

impl Enrolling {
    /// The one that is under way here, if there is one.
    pub fn read(data: &Path) -> Option<Enrolling> {
        let text = String::from_utf8(read_at_most(&data.join(FILE), CREDENTIALS_MAX_OCTETS).ok()?).ok()?;
        let (token, key) = text.split_once('\n')?;
        Some(Enrolling { token: token.to_owned(), key: KeyPair::from_pem(key).ok()? })
    }

    /// Goes on with the one that is under way with this token; else a key is born. On disk when this returns.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn begin(data: &Path, token: &str) -> Result<Enrolling, DiskError> {
        let token: String = token.split_whitespace().collect();
        if let Some(under_way) = Enrolling::read(data).filter(|found| found.token == token) {
            return Ok(under_way);
        }
        let path = data.join(FILE);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
            .map_err(|error| failed("make a key for", &path)(std::io::Error::other(error.to_string())))?;
        write_whole(&path, format!("{token}\n{}", key.serialize_pem()).as_bytes())?;
        Ok(Enrolling { token, key })
    }

    /// There is an identity: the token is used and the key stands in it.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn end(data: &Path) -> Result<(), DiskError> {
        let path = data.join(FILE);
        std::fs::remove_file(&path).map_err(failed("remove", &path))?;
        sync_directory(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn e1_an_enrolment_broken_off_goes_on_with_its_key_and_another_token_has_another() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path();
        let public = |enrolling: &Enrolling| enrolling.key.serialize_pem();
        assert!(Enrolling::read(data).is_none());
        let first = Enrolling::begin(data, "varde1-a\n b").unwrap();
        assert_eq!(first.token, "varde1-ab");
        assert_eq!(public(&Enrolling::begin(data, "varde1-ab").unwrap()), public(&first));
        assert_eq!(
            Enrolling::read(data).map(|found| (found.token.clone(), public(&found))),
            Some((first.token.clone(), public(&first)))
        );
        let mode = std::fs::metadata(data.join(FILE)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "a secret and a key");
        assert_ne!(public(&Enrolling::begin(data, "varde1-c").unwrap()), public(&first));
        Enrolling::end(data).unwrap();
        assert!(Enrolling::read(data).is_none());
    }
}
