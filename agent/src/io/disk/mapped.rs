//! A file used as it lies on disk: the one place where one is mapped into memory.

use std::fs::File;
use std::io;

use memmap2::{Advice, Mmap};

/// A mapped file from one of its octets to its end.
#[derive(Debug)]
pub struct Mapped {
    map: Mmap,
    from: usize,
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        self.map.get(self.from..).unwrap_or_default()
    }
}

/// Maps a file for reading, from its octet `from` on. Only for files that are written once under another name and then
/// renamed: what is mapped must neither change nor shrink.
///
/// # Errors
/// The system's own.
pub fn map(file: &File, from: usize) -> io::Result<Mapped> {
    #[expect(unsafe_code, reason = "mapping a file cannot be had otherwise; every user comes through here")]
    // SAFETY: The file lies in the agent's own directory, which only its user may enter and one agent holds (`hold`). It
    // is written under a temporary name, fsynced and renamed; nobody writes to it or truncates it afterwards: the next
    // list is another file that takes its name, and this one lives on until it is unmapped.
    let map = unsafe { Mmap::map(file) }?;
    // What is looked up lies anywhere; reading ahead would fill memory with what nobody asked for. A refusal costs speed.
    let _ = map.advise(Advice::Random);
    Ok(Mapped { map, from })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_file_outlives_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"abcdef").unwrap();
        let mapped = map(&File::open(&path).unwrap(), 2).unwrap();
        super::super::write_whole(&path, b"other").unwrap();
        assert_eq!(mapped.as_ref(), b"cdef");
        assert!(map(&File::open(&path).unwrap(), 9).unwrap().as_ref().is_empty());
    }
}
