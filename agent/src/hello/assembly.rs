//! The beginning of a stream put together from pieces in any order; where two say different things, the first one stays.

use crate::limits::{GREETING_MAX_OCTETS, GREETING_RUNS_MAX};

/// What is there of the first [`GREETING_MAX_OCTETS`] octets of a stream: runs in order, not touching one another. What is
/// missing takes no memory, or a few octets far ahead would take as much as a whole greeting.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    runs: Vec<Run>,
}

#[derive(Debug, Default)]
struct Run {
    start: usize,
    octets: Vec<u8>,
}

impl Run {
    fn end(&self) -> usize {
        self.start + self.octets.len()
    }
}

/// More gaps than [`GREETING_RUNS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooScattered;

impl Assembly {
    /// The octets known from the first one on, up to the first gap.
    pub(crate) fn front(&self) -> &[u8] {
        match self.runs.first() {
            Some(Run { start: 0, octets }) => octets,
            Some(_) | None => &[],
        }
    }

    /// What is known, in order, each with the place where it stands.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.runs.iter().map(|run| (run.start, run.octets.as_slice()))
    }

    /// Where the first run behind the first gap begins.
    pub(crate) fn behind_gap(&self) -> Option<usize> {
        self.runs.iter().map(|run| run.start).find(|start| *start > 0)
    }

    /// Where the last octet that is known ends.
    pub(crate) fn furthest(&self) -> usize {
        self.runs.last().map_or(0, Run::end)
    }

    /// Whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether octets that stand at `start` say something else than what is known there.
    pub(crate) fn contradicts(&self, start: u64, piece: &[u8]) -> bool {
        let Ok(start) = usize::try_from(start) else { return false };
        let end = start.saturating_add(piece.len());
        self.runs.iter().any(|run| {
            let both = run.start.max(start)..run.end().min(end);
            let part = |of: usize| both.start.saturating_sub(of)..both.end.saturating_sub(of);
            !both.is_empty() && piece.get(part(start)) != run.octets.get(part(run.start))
        })
    }

    /// Octets of memory held.
    pub(crate) fn kept_octets(&self) -> usize {
        let octets: usize = self.runs.iter().map(|run| run.octets.capacity()).sum();
        octets + self.runs.capacity() * size_of::<Run>()
    }

    /// Forgets so many octets at the front, which were read; what follows then stands first.
    pub(crate) fn drop_front(&mut self, count: usize) {
        self.skip(count.min(self.front().len()));
    }

    /// Forgets all before a place, known or not; what stands there then stands first.
    pub(crate) fn skip(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        self.runs.retain_mut(|run| {
            run.octets.drain(..count.saturating_sub(run.start).min(run.octets.len()));
            run.start = run.start.saturating_sub(count);
            !run.octets.is_empty()
        });
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
        let from = self.runs.partition_point(|run| run.end() < start);
        let to = self.runs.partition_point(|run| run.start <= end);
        if from == to && self.runs.len() >= GREETING_RUNS_MAX {
            return Err(TooScattered);
        }
        let mut touched = self.runs.drain(from..to).peekable();
        let mut union = match touched.next_if(|run| run.start <= start) {
            Some(run) => run,
            None => Run { start, octets: Vec::new() },
        };
        for run in touched {
            union.fill(run.start, start, piece);
            union.octets.extend_from_slice(&run.octets);
        }
        union.fill(end, start, piece);
        self.runs.insert(from, union);
        Ok(())
    }
}

impl Run {
    /// Goes on to `end` with what a piece says that stands at `start`.
    fn fill(&mut self, end: usize, start: usize, piece: &[u8]) {
        if let Some(fresh) = piece.get(self.end().saturating_sub(start)..end.saturating_sub(start)) {
            self.octets.extend_from_slice(fresh);
        }
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
        assert_eq!(assembly.furthest(), GREETING_MAX_OCTETS);
        let kept: Vec<bool> = (0..2 * GREETING_RUNS_MAX as u64).map(|at| assembly.keep(3 * at, &[1]).is_ok()).collect();
        assert_eq!(kept.iter().filter(|kept| **kept).count(), GREETING_RUNS_MAX - 1);
        assert_eq!(assembly.keep(1, &[1, 1]), Ok(()), "what closes a gap is always welcome");
        assert_eq!(assembly.front(), [1; 4]);
    }

    #[test]
    fn s4_an_octet_far_ahead_takes_no_more_memory_than_one() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.keep(GREETING_MAX_OCTETS as u64 - 1, &[1]), Ok(()));
        assert!(assembly.kept_octets() < 200, "{} octets", assembly.kept_octets());
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
        for start in [0, 10, 40] {
            assert_eq!(assembly.keep(start, &[start as u8; 5]), Ok(()));
        }
        assert_eq!(assembly.behind_gap(), Some(10));
        assembly.skip(12);
        assert_eq!((assembly.front(), assembly.behind_gap()), (&[10; 3][..], Some(28)));
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
                prop_assert!(assembly.runs.windows(2).all(|two| two[0].end() < two[1].start));
                for run in &assembly.runs {
                    let known: Option<Vec<u8>> = plain[run.start..run.end()].iter().copied().collect();
                    prop_assert_eq!(known.as_deref(), Some(run.octets.as_slice()));
                }
                prop_assert_eq!(assembly.runs.iter().map(|run| run.octets.len()).sum::<usize>(), plain.iter().flatten().count());
            }
        }
    }
}
