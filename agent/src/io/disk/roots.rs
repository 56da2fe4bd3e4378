//! The root documents that followed the one enrolment pinned, as they lie on disk.
//!
//! ```text
//! DIR/identity/root.json        the one that was pinned; never written again
//! DIR/identity/root-N.json      each that followed it, whole or not there
//! ```
//! They lie with the identity, so that what another collector's root once signed never stands beside this one's. At start
//! they are walked from the pinned one. A file that is damaged in the middle costs nothing: what came after it was held
//! against it when it was written, by this program, on this disk.

use std::path::{Path, PathBuf};

use varde_common::limits::ROOT_MAX_OCTETS;
use varde_common::trust::{Root, sha256};

use super::volume::{RealVolume, Volume};
use super::{DiskError, failed, read_at_most_on, write_whole_on};
use crate::anchor::{Anchor, Document};

fn path_of(data: &Path, version: u32) -> PathBuf {
    data.join("identity").join(format!("root-{version}.json"))
}

/// Makes a document survive a restart.
///
/// # Errors
/// [`DiskError`]; those before it are what they were.
pub fn store(data: &Path, document: &Document) -> Result<(), DiskError> {
    store_on(&RealVolume, data, document)
}

/// The same on any volume.
///
/// # Errors
/// [`DiskError`].
pub fn store_on(volume: &dyn Volume, data: &Path, document: &Document) -> Result<(), DiskError> {
    write_whole_on(volume, &path_of(data, document.root.version), &document.octets)
}

/// What the disk holds of root documents.
#[derive(Debug, Clone)]
pub struct Stored {
    /// All that are good, the pinned one first, without gaps where none is damaged.
    pub chain: Vec<Document>,
    /// What was found damaged, in a sentence.
    pub damaged: Option<String>,
}

impl Stored {
    /// Of one document alone, whose octets do not matter.
    pub fn of(root: Root) -> Stored {
        Stored { chain: vec![Document { root, octets: Vec::new() }], damaged: None }
    }

    /// The newest.
    pub fn newest(&self) -> Option<&Document> {
        self.chain.last()
    }

    /// The anchor that a session begins with; `pinned` where nothing is stored.
    pub fn anchor(&self, pinned: &Root) -> Anchor {
        match self.newest() {
            Some(newest) => Anchor::new(newest.root.clone(), &newest.octets),
            None => Anchor::new(pinned.clone(), &[]),
        }
    }

    /// Every step from the document of that version to the newest.
    pub fn since(&self, version: u32) -> impl Iterator<Item = (&Root, &Root)> {
        let from = self.chain.iter().skip_while(move |document| document.root.version < version);
        let next = self.chain.iter().skip_while(move |document| document.root.version < version).skip(1);
        from.zip(next).map(|(before, after)| (&before.root, &after.root))
    }
}

/// Reads and walks them, from the pinned one.
///
/// # Errors
/// [`DiskError`] when a file is there and cannot be read.
pub fn read(data: &Path, pinned: Root, pinned_octets: &[u8]) -> Result<Stored, DiskError> {
    read_on(&RealVolume, data, pinned, pinned_octets)
}

/// The same on any volume.
///
/// # Errors
/// [`DiskError`].
pub fn read_on(volume: &dyn Volume, data: &Path, pinned: Root, pinned_octets: &[u8]) -> Result<Stored, DiskError> {
    let directory = data.join("identity");
    let mut versions = Vec::new();
    for entry in volume.entries(&directory).map_err(failed("read", &directory))? {
        let version = entry.name.strip_prefix("root-").and_then(|name| name.strip_suffix(".json")?.parse().ok());
        versions.extend(version.filter(|version: &u32| *version > pinned.version));
    }
    versions.sort_unstable();
    let mut stored = Stored { chain: vec![Document { root: pinned, octets: pinned_octets.to_vec() }], damaged: None };
    for version in versions {
        let path = path_of(data, version);
        let octets = match read_at_most_on(volume, &path, ROOT_MAX_OCTETS as u64) {
            Ok(octets) => octets,
            Err(error) if error.is_too_large() => Vec::new(),
            Err(error) => return Err(error),
        };
        let chained = stored.newest().and_then(|last| last.root.next(&sha256(&last.octets), &octets).ok());
        let own = || Root::read_own(&octets).ok().filter(|root| root.version == version);
        match chained.or_else(own) {
            Some(root) => stored.chain.push(Document { root, octets }),
            None => stored.damaged = Some(format!("the file {} is damaged", path.display())),
        }
    }
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::tests::{key, root_of};
    use varde_common::trust::{Domain, sign};

    fn document(version: u32) -> Document {
        let root = Root { version, ca: ["00".repeat(32)].into(), ..root_of(&key(1)) };
        Document { octets: sign(Domain::Root, &root, &[&key(1)]).unwrap(), root }
    }

    #[test]
    fn d3_root_documents_survive_a_restart_and_a_damaged_one_costs_no_later_one() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path();
        std::fs::create_dir(data.join("identity")).unwrap();
        let pinned = document(3);
        let read = || read(data, pinned.root.clone(), &pinned.octets).unwrap();
        assert_eq!(read().newest(), Some(&pinned));
        for version in 4..=12 {
            store(data, &document(version)).unwrap();
        }
        // One from before enrolment, and files that are nobody's.
        store(data, &document(2)).unwrap();
        std::fs::write(data.join("identity/root-x.json"), b"").unwrap();
        let stored = read();
        assert_eq!(stored.chain.len(), 10);
        assert_eq!(stored.newest(), Some(&document(12)), "numbers, not names, in order");
        assert_eq!(stored.since(10).count(), 2);
        assert_eq!(stored.since(12).count(), 0);
        std::fs::write(data.join("identity/root-7.json"), b"{}").unwrap();
        let stored = read();
        assert!(stored.damaged.is_some_and(|why| why.contains("root-7.json")));
        assert_eq!(stored.chain.last(), Some(&document(12)));
        std::fs::write(data.join("identity/root-12.json"), vec![b' '; ROOT_MAX_OCTETS + 1]).unwrap();
        assert_eq!(read().newest(), Some(&document(11)), "the last good one stays");
    }
}
