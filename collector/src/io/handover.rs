//! A file that is handed over to a member: written piece by piece, however long it gets, hashed on the way, and seen onto the disk
//! before it takes its name.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};
use varde_common::trust::hex;

use super::directory::{self, DirectoryError};
use crate::departure::Exported;

/// One file, while it is written.
pub struct Handover {
    name: &'static str,
    path: PathBuf,
    fresh: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    octets: u64,
}

impl Handover {
    /// Begins a file of this name in a directory, readable by its owner alone.
    ///
    /// # Errors
    /// [`DirectoryError::Io`].
    pub fn begin(directory: &Path, name: &'static str) -> Result<Handover, DirectoryError> {
        let (path, fresh) = (directory.join(name), directory.join(format!("{name}.new")));
        let _ = fs::remove_file(&fresh);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh);
        let file = file.map_err(|error| DirectoryError::Io { what: "write", path: fresh.clone(), error })?;
        Ok(Handover { name, path, fresh, file: BufWriter::new(file), hash: Sha256::new(), octets: 0 })
    }

    fn wrong(&self, error: std::io::Error) -> DirectoryError {
        DirectoryError::Io { what: "write", path: self.path.clone(), error }
    }

    /// Writes one thing as a line of JSON.
    ///
    /// # Errors
    /// [`DirectoryError::Io`].
    pub fn line<T: Serialize>(&mut self, item: &T) -> Result<(), DirectoryError> {
        let mut octets = serde_json::to_vec(item).map_err(|error| self.wrong(error.into()))?;
        octets.push(b'\n');
        self.hash.update(&octets);
        self.octets = self.octets.saturating_add(octets.len() as u64);
        let written = self.file.write_all(&octets);
        written.map_err(|error| self.wrong(error))
    }

    /// Writes each as a line of JSON.
    ///
    /// # Errors
    /// [`DirectoryError::Io`].
    pub fn lines<T: Serialize>(&mut self, items: &[T]) -> Result<(), DirectoryError> {
        items.iter().try_for_each(|item| self.line(item))
    }

    /// Nothing more comes: gives what the certificate says of it.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]; then there is no file of that name.
    pub fn end(mut self) -> Result<Exported, DirectoryError> {
        let done = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        done.and_then(|()| fs::rename(&self.fresh, &self.path)).map_err(|error| self.wrong(error))?;
        directory::sync_directory(self.path.parent().unwrap_or(Path::new(".")))?;
        Ok(Exported { name: self.name.to_owned(), octets: self.octets, sha256: hex(&self.hash.finalize()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::trust::sha256;

    #[test]
    fn what_is_handed_over_is_the_owners_alone_whole_and_as_its_certificate_says() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = Handover::begin(dir.path(), "x.jsonl").unwrap();
        file.lines(&["a", "b"]).unwrap();
        assert!(!dir.path().join("x.jsonl").exists(), "no half of it has its name");
        let said = file.end().unwrap();
        let octets = fs::read(dir.path().join("x.jsonl")).unwrap();
        assert_eq!(octets, b"\"a\"\n\"b\"\n");
        assert_eq!((said.octets, said.sha256), (8, hex(&sha256(&octets))));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(!directory::others_may_read(&dir.path().join("x.jsonl")));
        assert!(Handover::begin(&dir.path().join("nowhere"), "x").is_err());
    }
}
