//! The beginning of a stream put together from pieces in any order; where two say different things, the first one stays.

use crate::limits::{GREETING_MAX_OCTETS, GREETING_RUNS_MAX};

/// What is there of the first [`GREETING_MAX_OCTETS`] octets of a stream.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    /// From the first octet to the furthest one known; zeros in the gaps.
    octets: Vec<u8>,
    /// What of it is known: in order, not touching one another.
    runs: Vec<Run>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    start: usize,
    end: usize,
}

/// More gaps than [`GREETING_RUNS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooScattered;

impl Assembly {
    /// The octets known from the first one on, up to the first gap.
    pub(crate) fn front(&self) -> &[u8] {
        match self.runs.first() {
            Some(Run { start: 0, end }) => self.octets.get(..*end).unwrap_or_default(),
            Some(_) | None => &[],
        }
    }

    /// What is known, in order, each with the place where it stands.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.runs.iter().filter_map(|run| Some((run.start, self.octets.get(run.start..run.end)?)))
    }

    /// Where the last octet that is known ends.
    pub(crate) fn furthest(&self) -> usize {
        self.runs.last().map_or(0, |run| run.end)
    }

    /// Whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether octets that stand at `start` say something else than what is known there.
    pub(crate) fn contradicts(&self, start: u64, piece: &[u8]) -> bool {
        let Ok(start) = usize::try_from(start) else { return false };
        let end = start.saturating_add(piece.len());
        let touched =
            self.runs.iter().map(|run| run.start.max(start)..run.end.min(end)).filter(|both| !both.is_empty());
        touched.into_iter().any(|both| {
            let said = piece.get(both.start - start..both.end - start);
            said != self.octets.get(both)
        })
    }

    /// Octets of memory held.
    pub(crate) fn kept_octets(&self) -> usize {
        self.octets.capacity() + self.runs.capacity() * size_of::<Run>()
    }

    /// Forgets so many octets at the front, which were read; what follows then stands first.
    pub(crate) fn drop_front(&mut self, count: usize) {
        let count = count.min(self.front().len());
        if count == 0 {
            return;
        }
        self.octets.drain(..count);
        self.runs.iter_mut().for_each(|run| (run.start, run.end) = (run.start.saturating_sub(count), run.end - count));
        self.runs.retain(|run| run.start < run.end);
    }

    /// Adds octets that stand at `start`; what lies beyond the bound is left out.
    ///
    /// # Errors
    /// [`TooScattered`], and then nothing is added.
    pub(crate) fn keep(&mut self, start: u64, piece: &[u8]) -> Result<(), TooScattered> {
        let start = usize::try_from(start).unwrap_or(usize::MAX).min(GREETING_MAX_OCTETS);
        let piece = piece.get(..piece.len().min(GREETING_MAX_OCTETS - start)).unwrap_or_default();
        let end = start + piece.len();
        if piece.is_empty() {
            return Ok(());
        }
        // Those it touches become one with it.
        let from = self.runs.partition_point(|run| run.end < start);
        let to = self.runs.partition_point(|run| run.start <= end);
        if from == to && self.runs.len() >= GREETING_RUNS_MAX {
            return Err(TooScattered);
        }
        if self.octets.len() < end {
            self.octets.resize(end, 0);
        }
        let touched = self.runs.get(from..to).unwrap_or_default();
        let mut union = Run { start, end };
        let mut at = start;
        for run in touched.iter().copied().chain([Run { start: end, end }]) {
            copy(&mut self.octets, at..run.start.min(end), start, piece);
            at = at.max(run.end);
            union = Run { start: union.start.min(run.start), end: union.end.max(run.end) };
        }
        self.runs.splice(from..to, [union]);
        Ok(())
    }
}

/// Copies a part of a piece that stands at `start`.
fn copy(octets: &mut [u8], part: std::ops::Range<usize>, start: usize, piece: &[u8]) {
    let source = part.start.checked_sub(start).and_then(|from| piece.get(from..part.end.checked_sub(start)?));
    if let (Some(source), Some(place)) = (source, octets.get_mut(part)) {
        place.copy_from_slice(source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn s4_more_than_the_bound_is_never_kept() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.keep(u64::MAX, &[1; 10]), Ok(()));
        assert_eq!(assembly.keep(GREETING_MAX_OCTETS as u64 - 1, &[1; 10]), Ok(()));
        assert_eq!(assembly.octets.len(), GREETING_MAX_OCTETS);
        let kept: Vec<bool> = (0..2 * GREETING_RUNS_MAX as u64).map(|at| assembly.keep(3 * at, &[1]).is_ok()).collect();
        assert_eq!(kept.iter().filter(|kept| **kept).count(), GREETING_RUNS_MAX - 1);
        assert_eq!(assembly.keep(1, &[1, 1]), Ok(()), "what closes a gap is always welcome");
        assert_eq!(assembly.front(), [1; 4]);
    }

    #[test]
    fn what_was_read_makes_room_for_what_follows() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.keep(0, &[1; 100]), Ok(()));
        assert_eq!(assembly.keep(150, &[3; 50]), Ok(()));
        assembly.drop_front(1000);
        assert_eq!((assembly.front(), assembly.is_empty()), (&[][..], false), "no further than the gap");
        assert_eq!(assembly.keep(0, &[2; 50]), Ok(()));
        assert_eq!(assembly.front(), [[2; 50], [3; 50]].concat());
        assembly.drop_front(60);
        assert_eq!(assembly.front(), [3; 40]);
        assembly.drop_front(40);
        assert!(assembly.is_empty() && assembly.front().is_empty());
    }

    proptest! {
        #[test]
        fn does_what_a_plain_table_of_octets_does(
            pieces in prop::collection::vec((0usize..60, prop::collection::vec(any::<u8>(), 0..20)), 0..40)
        ) {
            let mut assembly = Assembly::default();
            let mut plain = [None; 80];
            for (start, piece) in pieces {
                let differs = (start..).zip(&piece).any(|(at, octet)| plain[at].is_some_and(|known| known != *octet));
                prop_assert_eq!(assembly.contradicts(start as u64, &piece), differs);
                prop_assert_eq!(assembly.keep(start as u64, &piece), Ok(()));
                for (at, &octet) in (start..).zip(&piece) {
                    plain[at].get_or_insert(octet);
                }
                let front: Vec<u8> = plain.iter().map_while(|octet| *octet).collect();
                prop_assert_eq!(assembly.front(), front.as_slice());
                prop_assert!(assembly.runs.windows(2).all(|two| two[0].end < two[1].start));
                for run in &assembly.runs {
                    let known: Option<Vec<u8>> = plain[run.start..run.end].iter().copied().collect();
                    prop_assert_eq!(known.as_deref(), Some(&assembly.octets[run.start..run.end]));
                }
                prop_assert_eq!(assembly.runs.iter().map(|run| run.end - run.start).sum::<usize>(), plain.iter().flatten().count());
            }
        }
    }
}
