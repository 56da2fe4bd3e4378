//! Capture files of which at least one is a pipe: opened by whoever reads them first, because that can take forever.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::{Capture, CaptureCounts, CaptureError, Merged, Step};
use crate::packet::Frame;

/// Files and pipes, not yet opened.
pub struct Late {
    paths: Vec<(u16, PathBuf)>,
    merged: Option<Merged>,
    untold: VecDeque<CaptureError>,
}

impl Late {
    /// These, with their sources' numbers.
    pub fn new(paths: Vec<(u16, PathBuf)>) -> Late {
        Late { paths, merged: None, untold: VecDeque::new() }
    }

    /// Whether opening or reading this can wait for somebody else: a pipe, a device, standard input.
    pub fn is_for(path: &Path) -> bool {
        path == Path::new("-") || std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
    }
}

impl Capture for Late {
    fn next_block(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError> {
        let merged = match &mut self.merged {
            Some(merged) => merged,
            None => {
                let (merged, errors) = Merged::open(&self.paths);
                self.untold.extend(errors);
                self.merged.insert(merged)
            }
        };
        match self.untold.pop_front() {
            Some(error) => Err(error),
            None => merged.next_block(each),
        }
    }

    fn counts_by_source(&self) -> Vec<(u16, CaptureCounts)> {
        self.merged.as_ref().map(Merged::counts_by_source).unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.merged.as_ref().map_or("capture files", Merged::name)
    }
}
