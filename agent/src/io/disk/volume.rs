//! The file operations that must survive a crash, as a trait: the real disk here, and in tests one that forgets, tears and
//! reorders what was not fsynced (`varde-tests`, `model_disk`).
//!
//! What a volume promises is what POSIX does and no more: a file's octets are there after [`VolumeFile::sync`], its name
//! after [`Volume::sync_directory`] of the directory it stands in; a rename is never half done.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

use varde_common::time::Timestamp;

/// What a directory says of a name in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, without its directory.
    pub name: String,
    /// Size; of a directory nothing that counts.
    pub octets: u64,
    /// When it was last written, as far as the system says.
    pub modified: Option<Timestamp>,
    /// Whether it is a file.
    pub is_file: bool,
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// One that is there, to read.
    Read,
    /// One that is there, to read and write.
    Write,
    /// A new one with mode 0600; one that is there is an error.
    CreateNew,
    /// A new one with mode 0600, or the one that is there, emptied: only for what is written whole under a name of its own.
    Replace,
}

/// Where files lie.
pub trait Volume: fmt::Debug + Send + Sync {
    /// Makes a directory that only its owner may enter, with its parents; one that is there is no error.
    ///
    /// # Errors
    /// The system's own, as for all of these.
    fn create_directory(&self, path: &Path) -> io::Result<()>;
    /// Everything in a directory, in no order.
    ///
    /// # Errors
    /// As above.
    fn entries(&self, directory: &Path) -> io::Result<Vec<Entry>>;
    /// What stands under one name.
    ///
    /// # Errors
    /// As above; of kind `NotFound` when nothing does.
    fn entry(&self, path: &Path) -> io::Result<Entry>;
    /// Opens a file.
    ///
    /// # Errors
    /// As above.
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn VolumeFile>>;
    /// Gives a file or directory another name, in place of the file that has it.
    ///
    /// # Errors
    /// As above.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes a file's name away.
    ///
    /// # Errors
    /// As above.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable, and what became of those that are gone.
    ///
    /// # Errors
    /// As above; the process must end.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
    /// A number nobody else has.
    fn unique(&self) -> u128;

    /// Whether anything stands under this name.
    fn exists(&self, path: &Path) -> bool {
        self.entry(path).is_ok()
    }
}

/// An open file.
pub trait VolumeFile: fmt::Debug + Send {
    /// Fills the buffer from this place on.
    ///
    /// # Errors
    /// The system's own, as for all of these; `UnexpectedEof` where the file ends before.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all octets at this place.
    ///
    /// # Errors
    /// As above; some octets may then be written.
    fn write_all_at(&self, octets: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts it, or fills it up with zero.
    ///
    /// # Errors
    /// As above.
    fn set_len(&self, octets: u64) -> io::Result<()>;
    /// Makes its octets durable.
    ///
    /// # Errors
    /// As above; the process must end, since the system may have let go of what it could not write.
    fn sync(&self) -> io::Result<()>;
}

/// The disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealVolume;

impl Volume for RealVolume {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    fn entries(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            match entry.metadata() {
                Ok(found) => entries.push(entry_of(entry.file_name().to_string_lossy().into_owned(), &found)),
                // Another thread has renamed or removed it since: it is not there any more.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }

    fn entry(&self, path: &Path) -> io::Result<Entry> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(entry_of(name, &fs::metadata(path)?))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn VolumeFile>> {
        let mut options = OpenOptions::new();
        options.read(true).mode(0o600);
        match access {
            Access::Read => {}
            Access::Write => {
                options.write(true);
            }
            Access::CreateNew => {
                options.write(true).create_new(true);
            }
            Access::Replace => {
                options.write(true).create(true).truncate(true);
            }
        }
        Ok(Box::new(options.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path).and_then(|directory| directory.sync_all())
    }

    fn unique(&self) -> u128 {
        let mut octets = [0; 16];
        // Without randomness two could be the same; the clock of the process is the best that is left.
        if getrandom::fill(&mut octets).is_err() {
            octets = u128::from(crate::io::clock::now().0.unsigned_abs()).to_be_bytes();
        }
        u128::from_be_bytes(octets)
    }
}

fn entry_of(name: String, data: &fs::Metadata) -> Entry {
    let since = data.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let modified = since.map(|since| Timestamp(0).plus(since));
    Entry { name, octets: data.len(), modified, is_file: data.is_file() }
}

impl VolumeFile for File {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, buffer, offset)
    }

    fn write_all_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, octets, offset)
    }

    fn set_len(&self, octets: u64) -> io::Result<()> {
        File::set_len(self, octets)
    }

    fn sync(&self) -> io::Result<()> {
        // The length counts among what is synced here too (POSIX: whatever is needed to read the octets again).
        self.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_file_that_is_renamed_while_a_directory_is_listed_is_no_failure() {
        let directory = tempfile::tempdir().unwrap();
        // What takes long to look at leaves time for what changes.
        (0..300).for_each(|n| fs::write(directory.path().join(format!("{n}.seg")), b"x").unwrap());
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (first, then) = (directory.path().join("mark.tmp"), directory.path().join("mark"));
                while !over.load(Ordering::Relaxed) {
                    fs::write(&first, b"x").unwrap();
                    fs::rename(&first, &then).unwrap();
                }
            });
            let listed: io::Result<Vec<_>> = (0..1_000).map(|_| RealVolume.entries(directory.path())).collect();
            over.store(true, Ordering::Relaxed);
            assert!(listed.is_ok(), "{listed:?}");
        });
    }
}
