//! Several sources read at once for one sensor: each on a thread of its own, handing over blocks of frames.
//!
//! A live source never waits: a block for which there is no room is dropped and counted. Files wait.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use varde_common::time::Timestamp;

use super::capture::{Capture, CaptureError, Step};
use crate::limits::{GATHERED_BLOCKS_MAX, GATHERED_FRAMES_MAX};
use crate::packet::{Frame, LinkType};

#[derive(Debug)]
struct Head {
    time: Timestamp,
    source: u16,
    link: LinkType,
    from: usize,
    to: usize,
    length: u32,
    vlan: Option<u16>,
}

/// Frames copied out of a source's own block.
#[derive(Debug, Default)]
struct Block {
    octets: Vec<u8>,
    heads: Vec<Head>,
}

impl Block {
    fn push(&mut self, frame: &Frame<'_>) {
        let from = self.octets.len();
        self.octets.extend_from_slice(frame.octets);
        let Frame { time, source, link, octets: _, length, vlan } = *frame;
        self.heads.push(Head { time, source, link, from, to: self.octets.len(), length, vlan });
    }

    fn each(&self, each: &mut dyn FnMut(Frame<'_>)) {
        for head in &self.heads {
            let octets = self.octets.get(head.from..head.to).unwrap_or_default();
            let Head { time, source, link, length, vlan, .. } = *head;
            each(Frame { time, source, link, octets, length, vlan });
        }
    }
}

enum Brought {
    Frames(Block),
    Ended(Result<(), CaptureError>),
}

/// Several sources as one.
pub struct Gathered {
    blocks: Receiver<Brought>,
    running: usize,
    dropped: Vec<Arc<AtomicU64>>,
    stop: Arc<AtomicBool>,
}

impl Gathered {
    /// Starts a thread for each source. `live` sources drop what cannot be taken, the others wait.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(sources: Vec<(Box<dyn Capture>, bool)>) -> std::io::Result<Gathered> {
        let (sender, blocks) = sync_channel(GATHERED_BLOCKS_MAX);
        let stop = Arc::new(AtomicBool::new(false));
        let running = sources.len();
        let mut dropped = Vec::new();
        for (source, live) in sources {
            let counter = Arc::new(AtomicU64::new(0));
            dropped.push(Arc::clone(&counter));
            let (sender, stop) = (sender.clone(), Arc::clone(&stop));
            let thread = std::thread::Builder::new().name("source".to_owned());
            thread.spawn(move || read_source(source, live, &sender, &counter, &stop))?;
        }
        Ok(Gathered { blocks, running, dropped, stop })
    }

    /// Frames each source lost, in the order given: before it read them, and for want of room here.
    pub fn dropped(&self) -> Vec<u64> {
        self.dropped.iter().map(|dropped| dropped.load(Ordering::Relaxed)).collect()
    }

    /// The next block of whichever source has one. A source that fails ends; the others go on.
    ///
    /// # Errors
    /// A source's last word.
    pub fn next_block(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError> {
        if self.running == 0 {
            return Ok(Step::End);
        }
        match self.blocks.recv_timeout(Duration::from_millis(100)) {
            Ok(Brought::Frames(block)) => {
                block.each(each);
                Ok(Step::Frames)
            }
            Ok(Brought::Ended(result)) => {
                self.running -= 1;
                result.map(|()| if self.running == 0 { Step::End } else { Step::Idle })
            }
            Err(RecvTimeoutError::Timeout) => Ok(Step::Idle),
            Err(RecvTimeoutError::Disconnected) => {
                self.running = 0;
                Ok(Step::End)
            }
        }
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn read_source(
    mut source: Box<dyn Capture>,
    live: bool,
    sender: &SyncSender<Brought>,
    dropped: &AtomicU64,
    stop: &AtomicBool,
) {
    let unroomed = Cell::new(0u64);
    let hand_over = |block: Block| -> bool {
        if !live {
            return sender.send(Brought::Frames(block)).is_ok();
        }
        match sender.try_send(Brought::Frames(block)) {
            Ok(()) => true,
            Err(TrySendError::Full(Brought::Frames(block))) => {
                unroomed.set(unroomed.get().saturating_add(block.heads.len() as u64));
                true
            }
            Err(TrySendError::Full(Brought::Ended(_)) | TrySendError::Disconnected(_)) => false,
        }
    };
    while !stop.load(Ordering::Relaxed) {
        let mut block = Block::default();
        let mut wanted = true;
        let step = source.next_block(&mut |frame| {
            block.push(&frame);
            if block.heads.len() >= GATHERED_FRAMES_MAX {
                wanted &= hand_over(std::mem::take(&mut block));
            }
        });
        if !block.heads.is_empty() {
            wanted &= hand_over(block);
        }
        dropped.store(source.counts().dropped.unwrap_or(0).saturating_add(unroomed.get()), Ordering::Relaxed);
        let ended = match step {
            Ok(Step::Frames | Step::Idle) if wanted => continue,
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        let _ = sender.send(Brought::Ended(ended));
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::super::capture::CaptureCounts;
    use super::*;

    struct Numbered {
        source: u16,
        left: u32,
    }

    impl Capture for Numbered {
        fn next_block(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError> {
            if self.left == 0 {
                return Ok(Step::End);
            }
            for _ in 0..self.left.min(1000) {
                self.left -= 1;
                let octets = self.left.to_be_bytes();
                let link = LinkType::RawIp;
                each(Frame { time: Timestamp(0), source: self.source, link, octets: &octets, length: 4, vlan: None });
            }
            Ok(Step::Frames)
        }
        fn counts_by_source(&self) -> Vec<(u16, CaptureCounts)> {
            Vec::new()
        }
        fn name(&self) -> &str {
            "numbered"
        }
    }

    #[test]
    fn every_frame_of_every_file_arrives_in_its_order() {
        let sources = (0..3).map(|source| (Box::new(Numbered { source, left: 5000 }) as Box<dyn Capture>, false));
        let mut gathered = Gathered::start(sources.collect()).unwrap();
        let mut next = [4999u32; 3];
        let mut seen = 0;
        while gathered
            .next_block(&mut |frame| {
                let next = &mut next[usize::from(frame.source)];
                assert_eq!(frame.octets, next.to_be_bytes());
                *next = next.wrapping_sub(1);
                seen += 1;
            })
            .unwrap()
            != Step::End
        {}
        assert_eq!((seen, gathered.dropped()), (15_000, vec![0; 3]));
    }
}
