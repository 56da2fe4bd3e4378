//! Several capture files as one capture, in the order of time.
//!
//! The file whose next frame is earliest goes first; of equals, the one with the lower source number. Within a file the
//! order is left as it stands. Of many files each is looked into once, to learn when it begins, and opened when its time
//! has come: descriptors and memory are needed for those that overlap, not for all.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BTreeMap, BinaryHeap};
use std::path::{Path, PathBuf};

use varde_common::time::Timestamp;

use super::{Capture, CaptureCounts, CaptureError, FileCapture, Step};
use crate::limits;
use crate::packet::Frame;

/// Octets read at once of a file that is only looked into.
const LOOK_OCTETS: usize = 4 * 1024;

/// How far the files have been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Octets read so far.
    pub read_octets: u64,
    /// Octets in all; pipes count as nothing, so more may be read than this.
    pub total_octets: u64,
}

/// Capture files merged by time.
pub struct Merged {
    name: String,
    files: Vec<Entry>,
    /// Who is next: time of the next frame, source, position in `files`.
    queue: BinaryHeap<Reverse<(Timestamp, u16, usize)>>,
    total_octets: u64,
    read_at_once: usize,
}

struct Entry {
    path: PathBuf,
    source: u16,
    state: State,
}

enum State {
    /// Looked into and closed again.
    Waiting,
    /// Standing at its next frame.
    Open(Box<FileCapture>),
    /// Read to its end, or as far as it could be.
    Done { counts: CaptureCounts, read_octets: u64 },
}

impl State {
    fn done(file: &FileCapture) -> State {
        State::Done { counts: file.own_counts(), read_octets: file.read_octets() }
    }

    fn never_read() -> State {
        State::Done { counts: CaptureCounts::default(), read_octets: 0 }
    }
}

impl Merged {
    /// Looks into every file, each with the number of its source; those that cannot be read are told and left out. Waits
    /// for the other end of pipes, in the order given.
    pub fn open(paths: &[(u16, PathBuf)]) -> (Merged, Vec<CaptureError>) {
        let name = match paths {
            [(_, path)] => path.display().to_string(),
            _ => format!("{} capture files", paths.len()),
        };
        let few = paths.len() <= limits::CAPTURE_FEW_FILES;
        let read_at_once = if few { limits::CAPTURE_READ_OCTETS } else { limits::CAPTURE_READ_MANY_OCTETS };
        let mut merged = Merged {
            name,
            files: Vec::with_capacity(paths.len()),
            queue: BinaryHeap::with_capacity(paths.len()),
            total_octets: 0,
            read_at_once,
        };
        let mut errors = Vec::new();
        for (source, path) in paths {
            let state = match merged.look_into(path, *source, few) {
                Ok(state) => state,
                Err(error) => {
                    errors.push(error);
                    State::never_read()
                }
            };
            merged.files.push(Entry { path: path.clone(), source: *source, state });
        }
        (merged, errors)
    }

    fn look_into(&mut self, path: &Path, source: u16, few: bool) -> Result<State, CaptureError> {
        // Only an ordinary file can be closed and read again from its start.
        let size = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        let keeps_open = few || size.is_none();
        let at_once = if keeps_open { self.read_at_once } else { LOOK_OCTETS };
        let mut file = FileCapture::open_reading(path, source, at_once)?;
        self.total_octets = self.total_octets.saturating_add(size.unwrap_or(0));
        if !file.advance()? {
            return Ok(State::done(&file));
        }
        let Some(time) = file.current_time() else { return Ok(State::done(&file)) };
        self.queue.push(Reverse((time, source, self.files.len())));
        Ok(if keeps_open { State::Open(Box::new(file)) } else { State::Waiting })
    }

    /// How far the files have been read, for a progress bar.
    pub fn progress(&self) -> Progress {
        let read_octets = self
            .files
            .iter()
            .map(|entry| match &entry.state {
                State::Waiting => 0,
                State::Open(file) => file.read_octets(),
                State::Done { read_octets, .. } => *read_octets,
            })
            .sum();
        Progress { read_octets, total_octets: self.total_octets }
    }
}

impl Entry {
    /// Opens a file whose time has come. None: it has nothing to give any more.
    fn opened(&mut self, at_once: usize) -> Result<Option<&mut FileCapture>, CaptureError> {
        if matches!(self.state, State::Waiting) {
            self.state = State::never_read();
            let mut file = FileCapture::open_reading(&self.path, self.source, at_once)?;
            let more = file.advance();
            self.state = match more {
                Ok(true) => State::Open(Box::new(file)),
                Ok(false) | Err(_) => State::done(&file),
            };
            more?;
        }
        match &mut self.state {
            State::Open(file) => Ok(Some(file)),
            State::Waiting | State::Done { .. } => Ok(None),
        }
    }

    /// Hands out this file's next frame, or many if it is `alone`, and goes on; the time of the one after, if any.
    fn step(
        &mut self,
        at_once: usize,
        alone: bool,
        each: &mut dyn FnMut(Frame<'_>),
    ) -> Result<Option<Timestamp>, CaptureError> {
        let Some(file) = self.opened(at_once)? else { return Ok(None) };
        // Alone, nobody else's frame can come between its own.
        let more = if alone {
            file.hand_out_many(each)
        } else {
            file.hand_out(each);
            file.advance()
        };
        match more {
            Ok(true) => Ok(file.current_time()),
            Ok(false) => {
                self.state = State::done(file);
                Ok(None)
            }
            Err(error) => {
                self.state = State::done(file);
                Err(error)
            }
        }
    }
}

impl Capture for Merged {
    /// An error ends one file; the others go on at the next call.
    fn next_block(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError> {
        for _ in 0..limits::CAPTURE_BLOCK_FRAMES {
            let alone = self.queue.len() == 1;
            let Some(mut first) = self.queue.peek_mut() else { return Ok(Step::End) };
            let Reverse((_, source, position)) = *first;
            let step = match self.files.get_mut(position) {
                Some(entry) => entry.step(self.read_at_once, alone, each),
                None => Ok(None),
            };
            match step {
                Ok(Some(time)) => *first = Reverse((time, source, position)),
                Ok(None) => {
                    PeekMut::pop(first);
                }
                Err(error) => {
                    PeekMut::pop(first);
                    return Err(error);
                }
            }
            if alone {
                // That was a block.
                break;
            }
        }
        Ok(Step::Frames)
    }

    fn counts_by_source(&self) -> Vec<(u16, CaptureCounts)> {
        let mut by_source: BTreeMap<u16, CaptureCounts> = BTreeMap::new();
        for entry in &self.files {
            let sum = by_source.entry(entry.source).or_default();
            match &entry.state {
                State::Waiting => (),
                State::Open(file) => sum.add(&file.own_counts()),
                State::Done { counts, .. } => sum.add(counts),
            }
        }
        by_source.into_iter().collect()
    }

    fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::super::CaptureRefusal;
    use super::super::file::maker::FileMaker;
    use super::super::file::tests::collect;
    use super::*;

    fn write(dir: &Path, name: &str, times: &[u32]) -> PathBuf {
        let path = dir.join(name);
        let mut maker = FileMaker::pcap();
        for time in times {
            maker.record(*time, 0, &[0x45; 30]);
        }
        std::fs::write(&path, maker.octets).unwrap();
        path
    }

    fn order(merged: &mut Merged) -> (Vec<(i64, u16)>, Vec<CaptureError>) {
        let (mut seen, mut errors) = (Vec::new(), Vec::new());
        loop {
            match merged.next_block(&mut |frame| seen.push((frame.time.0 / 1_000_000, frame.source))) {
                Ok(Step::End) => return (seen, errors),
                Ok(Step::Frames | Step::Idle) => (),
                Err(error) => errors.push(error),
            }
        }
    }

    #[test]
    fn files_are_merged_by_time_ties_by_source_and_a_file_keeps_its_own_order() {
        let dir = tempfile::tempdir().unwrap();
        let paths = vec![
            (1, write(dir.path(), "b", &[2, 4, 4])),
            (0, write(dir.path(), "a", &[3, 4, 1, 9])),
            (2, write(dir.path(), "c", &[])),
            (3, write(dir.path(), "d", &[8])),
        ];
        let (mut merged, errors) = Merged::open(&paths);
        assert_eq!(errors, []);
        let expected = vec![(2, 1), (3, 0), (4, 0), (1, 0), (4, 1), (4, 1), (8, 3), (9, 0)];
        assert_eq!(order(&mut merged), (expected, vec![]));
        let progress = merged.progress();
        assert_eq!(progress.read_octets, progress.total_octets);
        assert_eq!(merged.counts().frames, 8);
        let by_source: Vec<(u16, u64)> = merged.counts_by_source().iter().map(|(s, c)| (*s, c.frames)).collect();
        assert_eq!(by_source, [(0, 4), (1, 3), (2, 0), (3, 1)]);
    }

    fn open_descriptors(dir: &Path) -> usize {
        std::fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
            .filter(|target| target.starts_with(dir))
            .count()
    }

    #[test]
    fn three_hundred_files_in_turn_hold_one_descriptor() {
        let dir = tempfile::tempdir().unwrap();
        let paths: Vec<(u16, PathBuf)> = (0..300_u32)
            .map(|number| {
                let time = (299 - number) * 10;
                (number as u16, write(dir.path(), &number.to_string(), &[time, time + 5]))
            })
            .collect();
        let (mut merged, errors) = Merged::open(&paths);
        assert_eq!(errors, []);
        assert_eq!(open_descriptors(dir.path()), 0);
        let (mut most, mut times) = (0, Vec::new());
        loop {
            let step = merged.next_block(&mut |frame| {
                times.push(frame.time);
                if times.len() % 50 == 0 {
                    most = most.max(open_descriptors(dir.path()));
                }
            });
            if step == Ok(Step::End) {
                break;
            }
        }
        assert_eq!(times.len(), 600);
        assert!(times.is_sorted());
        assert!(most <= 1, "{most} files open at once");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_and_the_rest_runs() {
        let dir = tempfile::tempdir().unwrap();
        let text = dir.path().join("notes.txt");
        std::fs::write(&text, "not a capture").unwrap();
        let missing = dir.path().join("missing.pcap");
        let good = write(dir.path(), "good", &[1, 2]);
        let paths = [(0, text.clone()), (1, missing.clone()), (2, dir.path().to_owned()), (3, good)];
        let (mut merged, errors) = Merged::open(&paths);
        assert_eq!(
            errors,
            [
                CaptureError::NotACapture { path: text },
                CaptureError::CannotOpen { path: missing, cause: std::io::ErrorKind::NotFound },
                CaptureError::CannotOpen { path: dir.path().to_owned(), cause: std::io::ErrorKind::IsADirectory },
            ]
        );
        assert_eq!(order(&mut merged), (vec![(1, 3), (2, 3)], vec![]));
    }

    #[test]
    fn a_file_that_vanishes_before_its_time_is_told_and_the_rest_runs() {
        let dir = tempfile::tempdir().unwrap();
        let paths: Vec<(u16, PathBuf)> =
            (0..10).map(|n: u16| (n, write(dir.path(), &n.to_string(), &[u32::from(n)]))).collect();
        let (mut merged, errors) = Merged::open(&paths);
        assert_eq!(errors, []);
        std::fs::remove_file(dir.path().join("4")).unwrap();
        let (seen, errors) = order(&mut merged);
        assert_eq!(seen.len(), 9);
        let path = dir.path().join("4");
        assert_eq!(errors, [CaptureError::CannotOpen { path, cause: std::io::ErrorKind::NotFound }]);
    }

    #[test]
    fn a_cut_file_among_others_is_counted_for_its_source() {
        let dir = tempfile::tempdir().unwrap();
        let path = write(dir.path(), "cut", &[1, 2]);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        let (mut merged, _) = Merged::open(&[(5, path), (6, write(dir.path(), "whole", &[1]))]);
        assert_eq!(collect(&mut merged).len(), 2);
        let cut: Vec<(u16, u64)> = merged
            .counts_by_source()
            .iter()
            .map(|(source, counts)| (*source, counts.refused(CaptureRefusal::FileCutShort)))
            .collect();
        assert_eq!(cut, [(5, 1), (6, 0)]);
    }

    #[test]
    fn a_pipe_is_read_without_going_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let whole = std::fs::read(write(dir.path(), "whole", &[1, 2, 3])).unwrap();
        let writer = std::thread::spawn({
            let path = path.clone();
            move || std::fs::write(path, whole).unwrap()
        });
        let (mut merged, errors) = Merged::open(&[(0, path)]);
        assert_eq!(errors, []);
        assert_eq!(order(&mut merged).0, [(1, 0), (2, 0), (3, 0)]);
        writer.join().unwrap();
        assert_eq!(merged.progress().total_octets, 0);
    }
}
