//! A connection as the simulation has it: frames in order within a stream, and a cut after which only a beginning of what
//! was under way arrives.

use std::collections::VecDeque;

use anyhow::{Context, Result};
use varde_common::codec::FrameHeader;
use varde_common::id::Seq;
use varde_common::limits::FRAME_HEADER_OCTETS;
use varde_common::message::{Stream, ToAgent, ToCollector};

use crate::random::Random;

/// Frames under way in one direction, stream by stream.
#[derive(Debug, Default)]
pub struct Way {
    /// Of the control stream.
    pub control: VecDeque<Vec<u8>>,
    /// Of the alerts stream.
    pub alerts: VecDeque<Vec<u8>>,
}

impl Way {
    /// One stream's frames; the simulation has no others.
    pub fn stream(&mut self, stream: Stream) -> &mut VecDeque<Vec<u8>> {
        if stream == Stream::Control { &mut self.control } else { &mut self.alerts }
    }

    fn cut(&mut self, random: &mut Random) {
        for frames in [&mut self.control, &mut self.alerts] {
            frames.truncate(random.within(0, frames.len() as u64) as usize);
        }
    }
}

/// A connection.
#[derive(Debug, Default)]
pub struct Line {
    /// From the sensor.
    pub up: Way,
    /// From the collector.
    pub down: Way,
}

impl Line {
    /// Of what is under way a beginning will still arrive, at either end; which, is drawn.
    pub fn cut(&mut self, random: &mut Random) {
        self.up.cut(random);
        self.down.cut(random);
    }
}

/// A frame's kind and body, its header held against the cap as the programs do.
///
/// # Errors
/// A frame that no program would send.
pub fn split(frame: &[u8], body_max_octets: usize) -> Result<(u16, &[u8])> {
    let (header, body) = frame.split_first_chunk::<FRAME_HEADER_OCTETS>().context("a frame without a header")?;
    let header = FrameHeader::read(*header, body_max_octets)?;
    Ok((header.kind, body))
}

/// What a collector reads.
///
/// # Errors
/// A frame that no sensor would send.
pub fn heard_by_collector(frame: &[u8]) -> Result<ToCollector> {
    let (kind, body) = split(frame, ToCollector::BODY_MAX_OCTETS)?;
    Ok(ToCollector::from_body(kind, body)?)
}

/// What a sensor reads.
///
/// # Errors
/// A frame that no collector would send.
pub fn heard_by_sensor(frame: &[u8]) -> Result<ToAgent> {
    let (kind, body) = split(frame, ToAgent::BODY_MAX_OCTETS)?;
    Ok(ToAgent::from_body(kind, body)?)
}

/// Up to where a frame says that everything is committed; none where it says nothing of that.
pub fn committed_in(frame: &[u8]) -> Option<Seq> {
    match heard_by_sensor(frame).ok()? {
        ToAgent::Greeting(greeting) => Some(greeting.committed),
        ToAgent::Ack { seq, .. } => Some(seq),
        _ => None,
    }
}
