//! Several sources read at once for one sensor: each on a thread of its own, handing over blocks of frames.
//!
//! A live source never waits: a block for which there is no room is dropped and counted. Files wait. What a slow source
//! has brought so far is taken from it when nothing else comes, so that a pipe holds nothing back and holds nobody up.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use varde_common::time::Timestamp;

use super::capture::{Capture, CaptureCounts, CaptureError, Step};
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
    Failed(CaptureError),
    Ended(Result<(), CaptureError>),
}

/// What a source and the sensor both see of it.
#[derive(Debug, Default)]
struct Shared {
    /// Frames that do not fill a block yet. Blocks are handed over under its lock: what is taken from here is never
    /// older than what waits in the queue.
    partial: Mutex<Block>,
    dropped: AtomicU64,
    /// It cannot tell what was lost before it.
    drops_unknown: AtomicBool,
    /// What it has counted, by the numbers of what it reads.
    counts: Mutex<Vec<(u16, CaptureCounts)>>,
}

/// Frames of a source lost before they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// So many are known of.
    pub at_least: u64,
    /// Whether that is all: some captures cannot tell what the kernel dropped.
    pub is_all: bool,
}

impl Dropped {
    /// What a capture says, and what was dropped behind it. What is not `live` loses nothing.
    pub fn of(told: Option<u64>, behind: u64, live: bool) -> Dropped {
        Dropped { at_least: told.unwrap_or(0).saturating_add(behind), is_all: told.is_some() || !live }
    }
}

/// The sources, read by threads of their own.
pub struct Gathered {
    blocks: Receiver<Brought>,
    running: usize,
    sources: Vec<Arc<Shared>>,
    stop: Arc<AtomicBool>,
}

impl Gathered {
    /// Starts a thread for each source; `true` means live.
    ///
    /// # Errors
    /// The system's own.
    pub fn start(sources: Vec<(Box<dyn Capture>, bool)>) -> std::io::Result<Gathered> {
        let (sender, blocks) = sync_channel(GATHERED_BLOCKS_MAX);
        let stop = Arc::new(AtomicBool::new(false));
        let running = sources.len();
        let mut seen = Vec::new();
        for (source, live) in sources {
            let shared = Arc::new(Shared::default());
            seen.push(Arc::clone(&shared));
            let (sender, stop) = (sender.clone(), Arc::clone(&stop));
            let thread = std::thread::Builder::new().name("source".to_owned());
            thread.spawn(move || read_source(source, live, &sender, &shared, &stop))?;
        }
        Ok(Gathered { blocks, running, sources: seen, stop })
    }

    /// Frames lost before they were read, source by source.
    pub fn dropped(&self) -> Vec<Dropped> {
        let told = |shared: &Arc<Shared>| Dropped {
            at_least: shared.dropped.load(Ordering::Relaxed),
            is_all: !shared.drops_unknown.load(Ordering::Relaxed),
        };
        self.sources.iter().map(told).collect()
    }

    /// What was counted before the sensor could read it, source by source.
    pub fn counts_by_source(&self) -> Vec<(u16, CaptureCounts)> {
        let told = |shared: &Arc<Shared>| shared.counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.sources.iter().flat_map(told).collect()
    }

    /// As [`Capture::next_block`], over all sources.
    ///
    /// # Errors
    /// What a source says when it cannot go on; the others can still be asked for.
    pub fn next_block(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError> {
        if self.running == 0 {
            return Ok(Step::End);
        }
        match self.blocks.recv_timeout(Duration::from_millis(100)) {
            Ok(brought) => self.take(brought, each),
            Err(RecvTimeoutError::Timeout) => self.take_partial(each),
            Err(RecvTimeoutError::Disconnected) => {
                self.running = 0;
                Ok(Step::End)
            }
        }
    }

    fn take(&mut self, brought: Brought, each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError> {
        match brought {
            Brought::Frames(block) => {
                block.each(each);
                Ok(Step::Frames)
            }
            Brought::Failed(error) => Err(error),
            Brought::Ended(result) => {
                self.running -= 1;
                result.map(|()| if self.running == 0 { Step::End } else { Step::Idle })
            }
        }
    }

    /// Nothing came for a while: what the sources hold that does not fill a block.
    fn take_partial(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError> {
        let mut step = Step::Idle;
        for place in 0..self.sources.len() {
            let Some(shared) = self.sources.get(place).cloned() else { break };
            // A source that is just handing over a block brings it by itself.
            let Ok(mut partial) = shared.partial.try_lock() else { continue };
            if let Ok(brought) = self.blocks.try_recv() {
                drop(partial);
                return self.take(brought, each);
            }
            let block = std::mem::take(&mut *partial);
            drop(partial);
            if !block.heads.is_empty() {
                block.each(each);
                step = Step::Frames;
            }
        }
        Ok(step)
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
    shared: &Shared,
    stop: &AtomicBool,
) {
    let unroomed = Cell::new(0u64);
    let hand_over = |block: Block| -> bool {
        if block.heads.is_empty() {
            return true;
        }
        if !live {
            return sender.send(Brought::Frames(block)).is_ok();
        }
        match sender.try_send(Brought::Frames(block)) {
            Ok(()) => true,
            Err(TrySendError::Full(Brought::Frames(block))) => {
                unroomed.set(unroomed.get().saturating_add(block.heads.len() as u64));
                true
            }
            Err(TrySendError::Full(Brought::Failed(_) | Brought::Ended(_)) | TrySendError::Disconnected(_)) => false,
        }
    };
    let partial = || shared.partial.lock().unwrap_or_else(PoisonError::into_inner);
    while !stop.load(Ordering::Relaxed) {
        let mut wanted = true;
        let step = source.next_block(&mut |frame| {
            let mut partial = partial();
            partial.push(&frame);
            if partial.heads.len() >= GATHERED_FRAMES_MAX {
                wanted &= hand_over(std::mem::take(&mut *partial));
            }
        });
        let mut rest = partial();
        wanted &= hand_over(std::mem::take(&mut *rest));
        drop(rest);
        let dropped = Dropped::of(source.counts().dropped, unroomed.get(), live);
        shared.drops_unknown.store(!dropped.is_all, Ordering::Relaxed);
        shared.dropped.store(dropped.at_least, Ordering::Relaxed);
        *shared.counts.lock().unwrap_or_else(PoisonError::into_inner) = source.counts_by_source();
        let ended = match step {
            Ok(Step::Frames | Step::Idle) if wanted => continue,
            // Of several files the others are still read.
            Err(error) if !live && sender.send(Brought::Failed(error.clone())).is_ok() => continue,
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        let _ = sender.send(Brought::Ended(ended));
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::super::capture::CaptureRefusal;
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
            let mut counts = CaptureCounts::default();
            counts.refuse(CaptureRefusal::MalformedBlock);
            vec![(self.source, counts)]
        }
        fn name(&self) -> &str {
            "numbered"
        }
    }

    /// Hands out one frame and then hangs in the middle of its block, as a pipe does.
    struct Slow(std::sync::mpsc::Receiver<()>);

    impl Capture for Slow {
        fn next_block(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError> {
            for time in 0.. {
                let link = LinkType::RawIp;
                each(Frame { time: Timestamp(time), source: 0, link, octets: &[1], length: 1, vlan: None });
                if self.0.recv().is_err() {
                    return Ok(Step::End);
                }
            }
            Ok(Step::End)
        }
        fn counts_by_source(&self) -> Vec<(u16, CaptureCounts)> {
            Vec::new()
        }
        fn name(&self) -> &str {
            "slow"
        }
    }

    #[test]
    fn a_slow_pipe_holds_nothing_back_and_holds_nobody_up() {
        let (more, wait) = sync_channel(1);
        let mut gathered = Gathered::start(vec![(Box::new(Slow(wait)) as Box<dyn Capture>, false)]).unwrap();
        let mut seen = Vec::new();
        for wanted in 1..=3 {
            while seen.len() < wanted {
                assert_ne!(gathered.next_block(&mut |frame| seen.push(frame.time.0)), Ok(Step::End));
            }
            assert_eq!(gathered.next_block(&mut |frame| seen.push(frame.time.0)), Ok(Step::Idle), "nobody waits");
            more.send(()).unwrap();
        }
        drop(more);
        while gathered.next_block(&mut |frame| seen.push(frame.time.0)) != Ok(Step::End) {}
        assert_eq!(seen, [0, 1, 2, 3], "each once, in its order");
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
        assert_eq!((seen, gathered.dropped()), (15_000, vec![Dropped { at_least: 0, is_all: true }; 3]));
        let refused = |(source, counts): (u16, CaptureCounts)| (source, counts.refused(CaptureRefusal::MalformedBlock));
        let refused: Vec<_> = gathered.counts_by_source().into_iter().map(refused).collect();
        assert_eq!(refused, [(0, 1), (1, 1), (2, 1)]);
    }

    #[test]
    fn a_live_source_that_cannot_tell_what_it_lost_is_not_said_to_have_lost_nothing() {
        let source = Box::new(Numbered { source: 0, left: 3 }) as Box<dyn Capture>;
        let mut gathered = Gathered::start(vec![(source, true)]).unwrap();
        while gathered.next_block(&mut |_| {}).unwrap() != Step::End {}
        assert_eq!(gathered.dropped(), [Dropped { at_least: 0, is_all: false }]);
        assert_eq!(Dropped::of(Some(3), 4, true), Dropped { at_least: 7, is_all: true });
    }
}
