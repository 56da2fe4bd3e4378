//! The certificate authority over time: the next one is made, the root document names both, the next one begins to issue, and
//! the one before stays for what it has issued.
//!
//! ```text
//! keys/ca.key, ca.crt             issues now
//! keys/ca-next.key, ca-next.crt   made by `ca next`, issues after `ca switch`
//! keys/ca-old-ID.key, ca-old-ID.crt   issued before; believed as long as the root document names it, and after that for renewal alone
//! ```
//!
//! A switch cut off anywhere is finished by `ca switch` again: the old pair is kept before anything is replaced, and the next
//! one goes last.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use varde_common::time::Timestamp;
use varde_common::trust::{Root, hex, sha256};

use super::directory::{self, DirectoryError};
use super::keys::{CA_CERTIFICATE, CA_KEY, KEYS_DIRECTORY, KeyError, read_root, read_text, write_pair};
use crate::certificate::{self, Authority};
use crate::limits::AUTHORITIES_MAX;

const NEXT_KEY: &str = "keys/ca-next.key";
const NEXT_CERTIFICATE: &str = "keys/ca-next.crt";
const OLD_PREFIX: &str = "ca-old-";

/// Why the authority is not switched.
#[derive(Debug, thiserror::Error)]
pub enum NotSwitched {
    /// A file.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// There is no next one.
    #[error("there is no next authority; make it with: varde-collector ca next")]
    NoNext,
    /// The root document does not name both.
    #[error(
        "root.json does not name {0} (SHA-256 of a CA certificate); a root document that names both the present and the next authority comes first"
    )]
    NotNamed(String),
}

impl From<DirectoryError> for NotSwitched {
    fn from(error: DirectoryError) -> NotSwitched {
        NotSwitched::Keys(error.into())
    }
}

/// SHA-256 of a certificate, as the root document names it.
pub fn name(certificate: &CertificateDer<'_>) -> String {
    hex(&sha256(certificate))
}

fn read(data: &Path, file: &str) -> Result<CertificateDer<'static>, KeyError> {
    Ok(certificate::read_certificate(&read_text(&data.join(file))?)?)
}

/// The names of the authority that issues and of the next one, where they are there.
pub fn present_and_next(data: &Path) -> (Option<String>, Option<String>) {
    let named = |file| read(data, file).ok().map(|certificate| name(&certificate));
    (named(CA_CERTIFICATE), named(NEXT_CERTIFICATE))
}

/// Makes the next authority, or finds the one that was made. Gives the name by which the root document is to name it.
///
/// # Errors
/// [`KeyError`].
pub fn next(data: &Path, now: Timestamp) -> Result<String, KeyError> {
    let (certificate, key) = (data.join(NEXT_CERTIFICATE), data.join(NEXT_KEY));
    if !certificate.exists() || !key.exists() {
        write_pair(data, NEXT_CERTIFICATE, NEXT_KEY, &certificate::new_authority(now)?)?;
    }
    // Both files, or none: a key without its certificate is of no use to anybody.
    Authority::read(&read_text(&certificate)?, &read_text(&key)?)?;
    Ok(name(&read(data, NEXT_CERTIFICATE)?))
}

/// Begins to issue by the next authority. Gives the names of the one before and of the one that issues now.
///
/// # Errors
/// [`NotSwitched`]; what was issued by before still issues then, or the switch is begun and wants to be finished.
pub fn switch(data: &Path) -> Result<(String, String), NotSwitched> {
    let (_, root) = read_root(data)?;
    if !data.join(NEXT_CERTIFICATE).exists() {
        return Err(NotSwitched::NoNext);
    }
    let next = read(data, NEXT_CERTIFICATE)?;
    let present = read(data, CA_CERTIFICATE)?;
    for authority in [&present, &next] {
        if !root.names_ca(authority) {
            return Err(NotSwitched::NotNamed(name(authority)));
        }
    }
    let (next_pem, next_key) = (read_text(&data.join(NEXT_CERTIFICATE))?, read_text(&data.join(NEXT_KEY))?);
    Authority::read(&next_pem, &next_key).map_err(KeyError::from)?;
    let before = if present == next { oldest_kept(data, &root)? } else { name(&present) };
    if present != next {
        let old = old_files(data, &before);
        // Where its key is already the next one's, a switch was cut off: what was kept then is the right one.
        if data.join(CA_KEY).exists() && read_text(&data.join(CA_KEY))? != next_key {
            directory::write_private(&old.1, read_text(&data.join(CA_KEY))?.as_bytes())?;
        }
        directory::write_private(&old.0, read_text(&data.join(CA_CERTIFICATE))?.as_bytes())?;
        directory::write_private(&data.join(CA_KEY), next_key.as_bytes())?;
        directory::write_private(&data.join(CA_CERTIFICATE), next_pem.as_bytes())?;
    }
    directory::remove(&data.join(NEXT_CERTIFICATE))?;
    directory::remove(&data.join(NEXT_KEY))?;
    Ok((before, name(&next)))
}

fn old_files(data: &Path, name: &str) -> (PathBuf, PathBuf) {
    let id: String = name.chars().take(16).collect();
    let keys = data.join(KEYS_DIRECTORY);
    (keys.join(format!("{OLD_PREFIX}{id}.crt")), keys.join(format!("{OLD_PREFIX}{id}.key")))
}

fn oldest_kept(data: &Path, root: &Root) -> Result<String, KeyError> {
    Ok(old(data, root)?.first().map(name).unwrap_or_default())
}

/// The authorities that issued before and that the root document still names.
///
/// # Errors
/// [`KeyError`].
pub fn old(data: &Path, root: &Root) -> Result<Vec<CertificateDer<'static>>, KeyError> {
    kept(data, |certificate| root.names_ca(certificate))
}

/// The authorities that issued before and that the root document names no more. What they issued is good for one thing: to
/// ask for a certificate in its place, by a key that the registry honours.
///
/// # Errors
/// [`KeyError`].
pub fn retired(data: &Path, root: &Root) -> Result<Vec<CertificateDer<'static>>, KeyError> {
    kept(data, |certificate| !root.names_ca(certificate))
}

fn kept(data: &Path, wanted: impl Fn(&CertificateDer<'_>) -> bool) -> Result<Vec<CertificateDer<'static>>, KeyError> {
    let mut found = Vec::new();
    for file in directory::names(&data.join(KEYS_DIRECTORY))? {
        if found.len() < AUTHORITIES_MAX && file.starts_with(OLD_PREFIX) && file.ends_with(".crt") {
            let certificate = read(data, &format!("{KEYS_DIRECTORY}/{file}"))?;
            if wanted(&certificate) {
                found.push(certificate);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::keys::{ServerKeys, make, read_signing_key};
    use super::*;
    use std::time::Duration;
    use varde_common::id::SensorId;
    use varde_common::trust::{Domain, sign};

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    /// The next root document, which names these authorities; signed as `sign` would.
    fn rotate(data: &Path, names: &[&str]) {
        let (_, mut root) = read_root(data).unwrap();
        root.version += 1;
        root.ca = names.iter().map(|name| (*name).to_owned()).collect();
        let key = read_signing_key(&data.join("keys/root.key")).unwrap();
        std::fs::write(data.join("root.json"), sign(Domain::Root, &root, &[&key]).unwrap()).unwrap();
    }

    fn sensor_of(keys: &ServerKeys) -> CertificateDer<'static> {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let csr = rcgen::CertificateParams::default().serialize_request(&key).unwrap();
        keys.authority.as_ref().unwrap().issue_sensor(csr.der(), SensorId(1), NOW).unwrap()
    }

    #[test]
    fn e1_the_authority_changes_once_the_root_names_both_and_what_was_issued_stays_good() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        make(data, NOW).unwrap();
        assert!(matches!(switch(data), Err(NotSwitched::NoNext)));
        let before = ServerKeys::read(data, NOW).unwrap();
        let present = name(&before.authorities[0]);
        let coming = next(data, NOW).unwrap();
        assert_eq!(next(data, NOW.plus(Duration::from_secs(9))).unwrap(), coming, "made once");
        assert!(matches!(switch(data), Err(NotSwitched::NotNamed(unnamed)) if unnamed == coming));
        let sensor = sensor_of(&before);
        rotate(data, &[&present, &coming]);
        assert_eq!(switch(data).unwrap(), (present.clone(), coming.clone()));
        assert!(matches!(switch(data), Err(NotSwitched::NoNext)), "done");

        let after = ServerKeys::read(data, NOW).unwrap();
        let issuer = |certificate: &CertificateDer<'_>| {
            after.authorities.iter().find(|ca| certificate::is_issued_by(certificate, ca)).map(name)
        };
        assert_eq!(issuer(&sensor_of(&after)), Some(coming.clone()), "new ones are the next authority's");
        assert_eq!(issuer(&sensor), Some(present.clone()), "old ones are believed");
        // A sensor that has not heard of the next authority still finds a collector that it knows.
        assert_eq!(after.chain, before.chain);
        // The server's own is of the next one once it is renewed, and at once when the root names the old one no more.
        let later = ServerKeys::read(data, NOW.plus(Duration::from_secs(130 * 86_400))).unwrap();
        assert_eq!(later.chain.last().map(name), Some(coming.clone()));
        rotate(data, &[&coming]);
        let alone = ServerKeys::read(data, NOW).unwrap();
        assert!(alone.authorities.iter().map(name).eq(std::iter::once(coming.clone())));
        assert_eq!(alone.chain.last().map(name), Some(coming));
    }

    #[test]
    fn e1_a_switch_cut_off_anywhere_is_finished_by_another() {
        let whole = tempfile::tempdir().unwrap();
        make(whole.path(), NOW).unwrap();
        let present = name(&ServerKeys::read(whole.path(), NOW).unwrap().authorities[0]);
        let coming = next(whole.path(), NOW).unwrap();
        rotate(whole.path(), &[&present, &coming]);
        let copy = |to: &Path, without: &[&str]| {
            std::fs::create_dir_all(to.join("keys")).unwrap();
            for name in [
                "root.json",
                "keys/ca.key",
                "keys/ca.crt",
                NEXT_KEY,
                NEXT_CERTIFICATE,
                "keys/collector.key",
                "keys/collector.crt",
            ] {
                if !without.contains(&name) {
                    std::fs::copy(whole.path().join(name), to.join(name)).unwrap();
                }
            }
        };
        let old = old_files(Path::new(""), &present);
        for steps in 0..4 {
            let dir = tempfile::tempdir().unwrap();
            let data = dir.path();
            copy(data, &[]);
            // What was done before the power failed, in order.
            if steps >= 1 {
                std::fs::copy(data.join("keys/ca.key"), data.join(&old.1)).unwrap();
                std::fs::copy(data.join("keys/ca.crt"), data.join(&old.0)).unwrap();
            }
            if steps >= 2 {
                std::fs::copy(data.join(NEXT_KEY), data.join("keys/ca.key")).unwrap();
            }
            if steps >= 3 {
                std::fs::copy(data.join(NEXT_CERTIFICATE), data.join("keys/ca.crt")).unwrap();
            }
            assert_eq!(switch(data).unwrap(), (present.clone(), coming.clone()), "after {steps} steps");
            let keys = ServerKeys::read(data, NOW).unwrap();
            let kept = std::fs::read(data.join(&old.1)).unwrap();
            assert_eq!(kept, std::fs::read(whole.path().join("keys/ca.key")).unwrap(), "the old key is kept");
            assert!(keys.authority.is_some() && keys.authorities.len() == 2, "after {steps} steps");
        }
    }
}
