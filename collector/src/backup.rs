//! What a backup is: a directory with a copy of the database, the root document, keys and settings, and a manifest that names
//! each file with its size and hash. Nothing here touches a disk.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use varde_common::time::Timestamp;

/// The manifest's file.
pub const MANIFEST_FILE: &str = "manifest.json";
/// The settings of the data directory.
pub const SETTINGS_FILE: &str = "collector.toml";
/// The settings of the machine, where the data directory has none: kept to be read, never put in force by a restore.
pub const SYSTEM_SETTINGS_FILE: &str = "system.toml";
/// The form of backups that this program makes and reads.
pub const FORMAT: u32 = 1;
/// Files in the directory of keys begin so.
const KEYS: &str = "keys/";
const SHA256_HEX: usize = 64;

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name within the backup.
    pub name: String,
    /// Its size.
    pub octets: u64,
    /// SHA-256, as `sha256sum` prints it.
    pub sha256: String,
}

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// When its copy of the database was begun.
    pub made_at: Timestamp,
    /// The program that made it.
    pub program: String,
    /// The version of its tables.
    pub schema: usize,
    /// Whether the keys are in it.
    pub keys: bool,
    /// Every file but the manifest.
    pub files: Vec<Entry>,
}

/// Why something is no backup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadManifest {
    /// It cannot be read.
    #[error("its {MANIFEST_FILE} cannot be read: {0}")]
    Unreadable(String),
    /// A newer program made it.
    #[error("it has form {0}, this program knows {FORMAT}; use the newer varde-collector that made it")]
    Newer(u32),
    /// It names a file that no backup holds.
    #[error("its {MANIFEST_FILE} names \"{0}\", which no backup holds, or twice")]
    Stray(String),
    /// It lacks a file that every backup holds.
    #[error("its {MANIFEST_FILE} does not name {0}")]
    Lacks(&'static str),
}

/// Whether a backup may hold a file of this name: nothing may lead anywhere else.
pub fn is_name(name: &str, database: &str, root: &str) -> bool {
    let plain = |name: &str| {
        !name.starts_with('.') && !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'.')
    };
    name.strip_prefix(KEYS).map_or([database, root, SETTINGS_FILE, SYSTEM_SETTINGS_FILE].contains(&name), plain)
}

impl Manifest {
    /// Reads a manifest and holds it against what a backup is.
    ///
    /// # Errors
    /// [`BadManifest`].
    pub fn read(octets: &[u8], database: &'static str, root: &'static str) -> Result<Manifest, BadManifest> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }
        let unreadable = |error: serde_json::Error| BadManifest::Unreadable(error.to_string());
        // The form first: a newer one may have fields more.
        let Form { format } = serde_json::from_slice(octets).map_err(unreadable)?;
        if format != FORMAT {
            return Err(BadManifest::Newer(format));
        }
        let manifest: Manifest = serde_json::from_slice(octets).map_err(unreadable)?;
        let mut names = BTreeSet::new();
        for entry in &manifest.files {
            let good = is_name(&entry.name, database, root) && entry.sha256.len() == SHA256_HEX;
            let allowed = manifest.keys || !entry.name.starts_with(KEYS);
            if !good || !allowed || !names.insert(entry.name.as_str()) {
                return Err(BadManifest::Stray(entry.name.clone()));
            }
        }
        match [database, root].into_iter().find(|name| !names.contains(name)) {
            Some(name) => Err(BadManifest::Lacks(name)),
            None => Ok(manifest),
        }
    }

    /// All files together.
    pub fn octets(&self) -> u64 {
        self.files.iter().map(|entry| entry.octets).fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DB: &str = "varde.sqlite";
    const ROOT: &str = "root.json";

    fn manifest(names: &[&str], keys: bool) -> Manifest {
        let entry = |name: &&str| Entry { name: (*name).to_owned(), octets: 1, sha256: "0".repeat(64) };
        let files = names.iter().map(entry).collect();
        Manifest { format: FORMAT, made_at: Timestamp(0), program: "0.1.0".into(), schema: 1, keys, files }
    }

    fn read(manifest: &Manifest) -> Result<Manifest, BadManifest> {
        Manifest::read(&serde_json::to_vec(manifest).unwrap(), DB, ROOT)
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let good = manifest(&[DB, ROOT, "keys/ca.key", SETTINGS_FILE, SYSTEM_SETTINGS_FILE], true);
        assert_eq!(read(&good), Ok(good.clone()));
        assert_eq!(good.octets(), 5);
        assert_eq!(read(&manifest(&[DB], false)), Err(BadManifest::Lacks(ROOT)));
        assert_eq!(read(&Manifest { format: 2, ..good }), Err(BadManifest::Newer(2)));
        assert!(matches!(Manifest::read(b"{}", DB, ROOT), Err(BadManifest::Unreadable(_))));
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        for bad in ["../x", "/etc/passwd", "keys/../x", "keys/", "keys/.x", "keys/a/b", "lock", "keys", "x", ""] {
            assert_eq!(read(&manifest(&[DB, ROOT, bad], true)), Err(BadManifest::Stray(bad.to_owned())), "{bad}");
        }
        assert!(read(&manifest(&[DB, ROOT, ROOT], true)).is_err(), "twice");
        assert!(read(&manifest(&[DB, ROOT, "keys/ca.key"], false)).is_err(), "keys where it says there are none");
    }
}
