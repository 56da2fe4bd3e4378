//! A list used as it lies on disk: the one place where a file is mapped into memory.
//!
//! What every look-up touches of a list is read through the map. Its records, by far the most of it, are read by their place in
//! the file: through the map the kernel would bring in 64 KiB around each, or 2 MiB, until all of them are counted as this
//! process's memory, and taking them back again and again costs a look-up ten times what the call costs (ARCHITECTURE, Figures).

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use memmap2::{Advice, Mmap, MmapOptions};
use varde_common::matcher::{BaseOctets, HEADER_OCTETS, records_begin};

/// A base that lies in a file from one of its octets to its end.
#[derive(Debug)]
pub struct Mapped {
    /// Up to its records.
    front: Mmap,
    /// All of it, for where the file cannot be read.
    whole: Mmap,
    file: File,
    from: usize,
}

impl BaseOctets for Mapped {
    fn front(&self) -> &[u8] {
        self.front.get(self.from..).unwrap_or_default()
    }

    fn len(&self) -> usize {
        self.whole.len().saturating_sub(self.from)
    }

    fn read<'a>(&'a self, range: Range<usize>, room: &'a mut [u8]) -> &'a [u8] {
        let fitting = range.len().min(room.len());
        let at = self.from.checked_add(range.start).and_then(|at| u64::try_from(at).ok());
        if let (Some(at), Some(room)) = (at, room.get_mut(..fitting))
            && self.file.read_exact_at(room, at).is_ok()
        {
            return room;
        }
        // A disk that fails is not to look like a list without matches: through the map the process ends where it cannot be
        // read there either, and is started again.
        self.whole.get(self.from..).and_then(|base| base.get(range)).unwrap_or_default()
    }
}

/// Maps a base in a file for reading, from the file's octet `from` on; what is no base only so far as to see that. Only for
/// files that are written once under another name and then renamed: what is mapped must neither change nor shrink.
///
/// # Errors
/// The system's own.
pub fn map(file: &File, from: usize) -> io::Result<Mapped> {
    #[expect(unsafe_code, reason = "mapping a file cannot be had otherwise; every user comes through here")]
    // SAFETY: The file lies in the agent's own directory, which only its user may enter and one agent holds (`hold`). It
    // is written under a temporary name, fsynced and renamed; nobody writes to it or truncates it afterwards: the next
    // list is another file that takes its name, and this one lives on until it is unmapped.
    let part = |options: &MmapOptions| unsafe { options.map(file) };
    let whole = part(&MmapOptions::new())?;
    let mut header = [0; HEADER_OCTETS];
    let read = file.read_at(&mut header, from as u64)?;
    let header = header.get(..read).unwrap_or_default();
    let begin = records_begin(header, whole.len().saturating_sub(from)).unwrap_or(header.len());
    let front = part(MmapOptions::new().len(whole.len().min(from.saturating_add(begin))))?;
    // What is looked up lies anywhere; reading ahead would fill memory with what nobody asked for. A refusal costs speed.
    let _ = (front.advise(Advice::Random), whole.advise(Advice::Random));
    Ok(Mapped { front, whole, file: file.try_clone()?, from })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use varde_common::confidential::ConfidentialKey;
    use varde_common::id::IndicatorId;
    use varde_common::matcher::{Builder, Facts, IndicatorSet, Seed};
    use varde_common::name::DomainName;
    use varde_common::pattern::{PatternRef, TargetRef};

    use super::*;

    /// Octets of this file that count as this process's memory, by the kernel's word, in each of its maps.
    fn resident(path: &Path) -> Vec<usize> {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let (mut lines, mut resident) = (maps.lines(), Vec::new());
        while lines.any(|line| line.ends_with(path.to_str().unwrap())) {
            let rss = lines.find_map(|line| line.strip_prefix("Rss:")).unwrap();
            resident.push(rss.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024);
        }
        resident
    }

    #[test]
    fn a_mapped_file_outlives_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"abcdef").unwrap();
        let mapped = map(&File::open(&path).unwrap(), 2).unwrap();
        super::super::write_whole(&path, b"other").unwrap();
        assert_eq!((mapped.front(), mapped.len()), (&b"cdef"[..], 4));
        let none = map(&File::open(&path).unwrap(), 9).unwrap();
        assert_eq!((none.front(), none.len()), (&b""[..], 0));
        let (mut small, mut large) = ([0; 2], [0; 9]);
        assert_eq!((mapped.read(1..4, &mut small), mapped.read(1..4, &mut large)), (&b"de"[..], &b"def"[..]));
        assert!(mapped.read(1..5, &mut large).is_empty(), "there is no fifth octet");
    }

    #[test]
    fn b4_the_records_of_a_list_take_no_memory_whatever_is_looked_up_by_however_many_at_once() {
        const LISTED: u64 = 120_000;
        // As long as names on real lists are.
        let name = |n: u64| DomainName::parse(&format!("n{n}.somewhat-longer-than-needed.example")).unwrap();
        let mut builder = Builder::new(Seed::from_octets(*b"a seed for tests"), ConfidentialKey::default());
        for n in 0..LISTED {
            let name = name(n);
            let pattern = PatternRef { target: TargetRef::Domain(name.as_name()), port: None };
            builder.add(IndicatorId(n), pattern, &Facts::default()).unwrap();
        }
        let octets = builder.finish().unwrap().into_octets();
        let front = records_begin(&octets, octets.len()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list");
        std::fs::write(&path, [&[0; 4096], &octets[..]].concat()).unwrap();
        let set = IndicatorSet::open(Arc::new(map(&File::open(&path).unwrap(), 4096).unwrap())).unwrap();
        set.touch();
        let ask = || {
            for n in 0..2 * LISTED {
                let mut found = None;
                set.match_name(name(n).as_name(), |place| found = Some(place));
                let id = found.map(|place| set.indicator(place).unwrap().id);
                assert_eq!(id, (n < LISTED).then_some(IndicatorId(n)));
            }
        };
        std::thread::scope(|threads| {
            let both = [threads.spawn(ask), threads.spawn(ask)];
            both.into_iter().for_each(|thread| thread.join().unwrap());
        });
        let resident = resident(&path);
        let most = (4096 + front).next_multiple_of(4096);
        assert!(octets.len() > 3 * most, "the list is too small to tell: {} of {most}", octets.len());
        assert!(
            resident.len() == 2 && resident.iter().sum::<usize>() <= most,
            "{resident:?} in memory, {most} at most"
        );
        drop(set);
    }
}
