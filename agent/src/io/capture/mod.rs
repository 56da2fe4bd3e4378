//! Where frames come from: live interfaces and capture files behind one trait, in blocks of borrowed frames.

mod block;
mod counts;
mod error;
mod file;
mod filter;
mod interface;
mod late;
mod live;
mod merged;
mod portable;
mod ring;
mod ring_capture;

pub use counts::{CaptureCounts, CaptureRefusal};
pub use error::CaptureError;
pub use file::FileCapture;
pub use late::Late;
pub use live::{LiveSettings, open_live, open_live_on};
pub use merged::{Merged, Progress};

use crate::packet::Frame;

/// How a block went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Frames were handed out; there may be more.
    Frames,
    /// Nothing came within the time a capture waits; more may come.
    Idle,
    /// There is nothing more and never will be.
    End,
}

/// Something that hands out frames.
pub trait Capture: Send {
    /// Reads the next block and hands each of its frames to `each`, in order. A block is bounded in frames and, live, in
    /// time. After an error the rest can still be asked for: a capture that cannot go on says [`Step::End`] then.
    fn next_block(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError>;

    /// What went through so far, with its source's number.
    fn counts_by_source(&self) -> Vec<(u16, CaptureCounts)>;

    /// What went through so far, over all sources.
    fn counts(&self) -> CaptureCounts {
        let mut sum = CaptureCounts::default();
        for (_, counts) in self.counts_by_source() {
            sum.add(&counts);
        }
        sum
    }

    /// What to call it in front of people: an interface, a path.
    fn name(&self) -> &str;
}
