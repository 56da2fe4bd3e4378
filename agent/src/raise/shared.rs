//! Addresses that unlisted names lately led to: one that is shared accuses nobody (decision 21).
//!
//! Every address of every answer comes by here, so an entry is eight octets and an address has one cache line where it
//! may lie: a hash with a seed of this process says which. That two addresses look alike to it happens once in 2^46.

use std::hash::BuildHasher;
use std::net::IpAddr;
use std::time::Duration;

use varde_common::time::Timestamp;

use crate::keyed::RandomState;
use crate::limits::SHARED_MAX;

/// Entries of a cache line of 64 octets.
const WAYS: usize = 8;
const LINES: usize = SHARED_MAX / WAYS;

/// How a name led to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// It was answered with it.
    Answer,
    /// A hello or a request to it named it.
    Hello,
}

/// Until when each address counts as shared, in seconds.
#[derive(Debug, Default)]
pub struct Shared {
    seed: RandomState,
    /// None before the first address.
    lines: Vec<Line>,
    evicted: u64,
}

#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
struct Line([Entry; WAYS]);

/// One that has never been used counts until second 0.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    tag: u32,
    until_s: u32,
}

/// Seconds since 1970; what lies before or beyond 2106 is cut off there.
fn whole_seconds(time: Timestamp) -> u32 {
    u32::try_from(time.as_micros().div_euclid(1_000_000).max(0)).unwrap_or(u32::MAX)
}

impl Shared {
    /// Memory it takes when it has seen anything.
    #[cfg(test)]
    pub(super) const OCTETS: usize = LINES * size_of::<Line>();

    /// An unlisted name led to the address this way: it counts as shared until `until`, or longer if that is known.
    pub fn remember(&mut self, address: IpAddr, way: Way, until: Timestamp, now: Timestamp) {
        if self.lines.is_empty() {
            self.lines = vec![Line::default(); LINES];
        }
        let (at, tag) = self.place(address, way);
        let Some(Line(entries)) = self.lines.get_mut(at) else { return };
        let until_s = whole_seconds(until).saturating_add(1);
        if let Some(known) = entries.iter_mut().find(|entry| entry.tag == tag && entry.until_s > 0) {
            known.until_s = known.until_s.max(until_s);
        } else if let Some(first_over) = entries.iter_mut().min_by_key(|entry| entry.until_s) {
            self.evicted += u64::from(first_over.until_s > whole_seconds(now));
            *first_over = Entry { tag, until_s };
        }
    }

    /// The clock said `from`, and says `to` now: what held then holds for as long as it had left. What had run out is
    /// forgotten where it would hold again for longer than anything does.
    pub fn handle_clock_set(&mut self, from: Timestamp, to: Timestamp, lifetime_max: Duration) {
        let (from_s, to_s) = (whole_seconds(from), whole_seconds(to));
        let until_max_s = whole_seconds(to.plus(lifetime_max)).saturating_add(1);
        for entry in self.lines.iter_mut().flat_map(|Line(entries)| entries) {
            if let Some(left_s) = entry.until_s.checked_sub(from_s).filter(|left_s| *left_s > 0) {
                entry.until_s = to_s.saturating_add(left_s).min(until_max_s);
            } else if entry.until_s > until_max_s {
                entry.until_s = 0;
            }
        }
    }

    /// Whether an unlisted name lately led to the address this way, seen from a flow that began at `start`.
    pub fn contains(&self, address: IpAddr, way: Way, start: Timestamp) -> bool {
        if self.lines.is_empty() {
            return false;
        }
        let (at, tag) = self.place(address, way);
        let start_s = whole_seconds(start);
        let is_it = |entry: &Entry| entry.tag == tag && start_s < entry.until_s;
        self.lines.get(at).is_some_and(|Line(entries)| entries.iter().any(is_it))
    }

    /// Entries that still held and were let go because their line was full.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    fn place(&self, address: IpAddr, way: Way) -> (usize, u32) {
        let hash = self.seed.hash_one((address, way));
        ((hash as usize) % LINES, (hash >> 32) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(n).into()
    }

    fn second(n: i64) -> Timestamp {
        Timestamp(n * 1_000_000)
    }

    #[test]
    fn an_address_is_shared_until_its_time_and_no_other_is() {
        let mut shared = Shared::default();
        assert!(!shared.contains(address(1), Way::Answer, second(0)));
        shared.remember(address(1), Way::Answer, second(100), second(0));
        shared.remember(address(1), Way::Answer, second(50), second(1));
        let asked = |n, seconds| shared.contains(address(n), Way::Answer, second(seconds));
        assert_eq!([asked(1, -9), asked(1, 0), asked(1, 100), asked(1, 101)], [true, true, true, false]);
        assert!((2..100_000).all(|n| !asked(n, 0)));
        assert!(!shared.contains(address(1), Way::Hello, second(0)), "another way");
        let v6: IpAddr = "2001:db8::1".parse().unwrap();
        shared.remember(v6, Way::Answer, second(100), second(0));
        assert!(shared.contains(v6, Way::Answer, second(0)));
    }

    #[test]
    fn s4_a_flood_stays_within_one_mib_and_lets_the_first_to_end_go() {
        assert_eq!(Shared::OCTETS, 1024 * 1024);
        let mut shared = Shared::default();
        let count = 4 * SHARED_MAX as u32;
        for n in 0..count {
            shared.remember(address(n), Way::Answer, second(i64::from(n) + 10_000_000), second(0));
        }
        let held = |n: &u32| shared.contains(address(*n), Way::Answer, second(0));
        let all = (0..count).filter(held).count();
        // Two of so many look alike once in a thousand runs, and then count as one.
        let accounted_for = all as u64 + shared.evicted();
        assert!((u64::from(count) - 3..=u64::from(count)).contains(&accounted_for), "{accounted_for} of {count}");
        assert!(all > SHARED_MAX * 9 / 10, "{all}");
        assert_eq!((0..1_000).filter(held).count(), 0, "the oldest went");
        assert_eq!((count - 1_000..count).filter(held).count(), 1_000, "the newest are there");
        // What is over is nobody's loss.
        let before = shared.evicted();
        for n in 0..1_000u32 {
            shared.remember(address(n), Way::Answer, second(90_000_000), second(80_000_000));
        }
        assert_eq!(shared.evicted(), before);
    }
}
