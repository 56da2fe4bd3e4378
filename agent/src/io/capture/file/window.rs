//! A bounded window on a stream: read in large steps, looked at in place, never gone back in.

use std::io::{self, Read};

use crate::limits;

/// What of an input is held at the moment.
pub(super) struct Window<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    consumed: u64,
}

impl<R: Read> Window<R> {
    /// A window that reads `at_once` octets at a time, and holds up to [`limits::CAPTURE_RECORD_MAX_OCTETS`] where one
    /// record needs it.
    pub(super) fn new(input: R, at_once: usize) -> Window<R> {
        Window { input, buffer: vec![0; at_once], start: 0, end: 0, ended: false, consumed: 0 }
    }

    /// Makes `count` octets available; false if the input ends before, or if that is more than a record may be.
    pub(super) fn fill(&mut self, count: usize) -> io::Result<bool> {
        if self.end - self.start >= count {
            return Ok(true);
        }
        if count > limits::CAPTURE_RECORD_MAX_OCTETS {
            return Ok(false);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < count {
            self.buffer.resize(count.next_power_of_two().min(limits::CAPTURE_RECORD_MAX_OCTETS), 0);
        }
        while self.end < count && !self.ended {
            let free = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.input.read(free) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end = self.end.saturating_add(read).min(self.buffer.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        Ok(self.end >= count)
    }

    /// What is available.
    pub(super) fn available(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// `count` octets at `offset` from the start, where they are available.
    pub(super) fn get(&self, offset: usize, count: usize) -> Option<&[u8]> {
        self.available().get(offset..)?.get(..count)
    }

    /// Passes over octets that are available.
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.consumed = self.consumed.saturating_add(count as u64);
    }

    /// Passes over octets, available or not, holding none; false if the input ends before.
    pub(super) fn skip(&mut self, count: u64) -> io::Result<bool> {
        let mut left = count;
        while left > 0 {
            if !self.fill(1)? {
                return Ok(false);
            }
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(self.end - self.start);
            self.consume(step);
            left -= step as u64;
        }
        Ok(true)
    }

    /// Octets passed over so far.
    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Octets of memory held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.buffer.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out one octet a read, as a slow pipe may.
    struct Trickle(u8);

    impl Read for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match (self.0, buffer.first_mut()) {
                (200, _) | (_, None) => Ok(0),
                (next, Some(first)) => {
                    *first = next;
                    self.0 += 1;
                    Ok(1)
                }
            }
        }
    }

    #[test]
    fn a_window_grows_to_one_record_and_never_further() {
        let mut window = Window::new(io::repeat(7), 16);
        assert!(window.fill(100).unwrap());
        assert!(window.available().len() >= 100);
        assert!(window.fill(limits::CAPTURE_RECORD_MAX_OCTETS).unwrap());
        assert!(!window.fill(limits::CAPTURE_RECORD_MAX_OCTETS + 1).unwrap());
        assert!(!window.fill(usize::MAX).unwrap());
        assert!(window.skip(10_000_000).unwrap());
        assert_eq!(window.consumed(), 10_000_000);
        assert!(window.held() <= limits::CAPTURE_RECORD_MAX_OCTETS);
    }

    #[test]
    fn a_slow_pipe_gives_the_same_octets_and_a_short_end_is_told() {
        let mut window = Window::new(Trickle(0), 8);
        assert!(window.fill(20).unwrap());
        assert_eq!(window.get(18, 2), Some(&[18, 19][..]));
        window.consume(20);
        assert!(window.skip(100).unwrap());
        assert!(window.fill(2).unwrap());
        assert_eq!(window.get(0, 2), Some(&[120, 121][..]));
        assert!(!window.fill(81).unwrap());
        assert_eq!(window.available().len(), 80);
        assert!(!window.skip(81).unwrap());
    }
}
