//! Stand-in until the capture room is merged.

use std::path::PathBuf;

use crate::packet::Frame;

/// Stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Frames were handed out.
    Frames,
    /// Nothing came for a while.
    Idle,
    /// There will be no more.
    End,
}

/// Stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CaptureCounts {
    /// Frames lost before they were read.
    pub dropped: u64,
}

/// Stand-in.
#[derive(Debug, thiserror::Error)]
#[error("no capture here yet")]
pub struct CaptureError;

/// Stand-in.
pub trait Capture: Send {
    /// Stand-in.
    ///
    /// # Errors
    /// Stand-in.
    fn next_block(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError>;
    /// Stand-in.
    fn counts(&self) -> CaptureCounts;
    /// Stand-in.
    fn name(&self) -> &str;
}

/// Stand-in.
#[derive(Debug)]
pub struct Merged;

impl Merged {
    /// Stand-in.
    pub fn open(_files: &[(u16, PathBuf)]) -> (Merged, Vec<CaptureError>) {
        (Merged, Vec::new())
    }
}

impl Capture for Merged {
    fn next_block(&mut self, _each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError> {
        Ok(Step::End)
    }
    fn counts(&self) -> CaptureCounts {
        CaptureCounts::default()
    }
    fn name(&self) -> &str {
        "files"
    }
}

/// Stand-in.
#[derive(Debug)]
pub struct LiveCapture;

impl LiveCapture {
    /// Stand-in.
    ///
    /// # Errors
    /// Stand-in.
    pub fn open(_name: &str, _source: u16) -> Result<LiveCapture, CaptureError> {
        Err(CaptureError)
    }
}

impl Capture for LiveCapture {
    fn next_block(&mut self, _each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError> {
        Ok(Step::End)
    }
    fn counts(&self) -> CaptureCounts {
        CaptureCounts::default()
    }
    fn name(&self) -> &str {
        "live"
    }
}
