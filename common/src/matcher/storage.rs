//! Where a base lies: whole in memory, or in a file whose records are read by their place, so that a look-up leaves none of
//! them in memory.

use std::ops::Range;
use std::sync::Arc;

use super::record::{Record, Widths};
use crate::limits::RECORDS_READ_OCTETS;

/// The octets of a base.
#[expect(clippy::len_without_is_empty, reason = "a base has a header")]
pub trait BaseOctets: Send + Sync {
    /// The first of them, in place: what stands before the records (`records_begin`), and the records too where they are in
    /// memory; then they are read here.
    fn front(&self) -> &[u8];

    /// How many they are.
    fn len(&self) -> usize;

    /// Those of the records in this range: from the first on as many as fit `room`, or more where they are at hand. Called
    /// for a bucket that the filter let pass and for a place that was given out, from several threads at once.
    fn read<'a>(&'a self, range: Range<usize>, room: &'a mut [u8]) -> &'a [u8];
}

/// In memory: nothing is copied.
impl<T: AsRef<[u8]> + Send + Sync> BaseOctets for T {
    fn front(&self) -> &[u8] {
        self.as_ref()
    }

    fn len(&self) -> usize {
        self.as_ref().len()
    }

    fn read<'a>(&'a self, range: Range<usize>, _: &'a mut [u8]) -> &'a [u8] {
        self.as_ref().get(range).unwrap_or_default()
    }
}

/// Where a base lies: in a file by who does I/O, or in memory.
pub type Storage = Arc<dyn BaseOctets>;

/// Tells `found` each record in octets that begin at a place of the base, until one is none; gives where that is.
fn walk_in_place(octets: &[u8], start: usize, widths: Widths, found: &mut impl FnMut(usize, Record<'_>)) -> usize {
    let (mut at, mut rest) = (start, octets);
    while let Some((record, after)) = Record::read(rest, widths) {
        found(at, record);
        at += rest.len() - after.len();
        rest = after;
    }
    at
}

/// The same for a range of a base, in its front or behind it.
pub(super) fn walk(
    front: &[u8],
    storage: &Storage,
    range: Range<usize>,
    widths: Widths,
    mut found: impl FnMut(usize, Record<'_>),
) {
    if let Some(octets) = front.get(range.clone()) {
        walk_in_place(octets, range.start, widths, &mut found);
        return;
    }
    let mut room = [0; RECORDS_READ_OCTETS];
    let mut at = range.start;
    while at < range.end {
        let window = storage.read(at..range.end, &mut room);
        let (begun, is_last) = (at, window.len() >= range.end - at);
        at = walk_in_place(window, begun, widths, &mut found);
        // A record that the window cuts is whole in the next one; what is none there either ends the walk.
        if is_last || at == begun {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::base::Layout;
    use super::super::{Builder, Facts, HEADER_OCTETS, IndicatorSet, Seed, records_begin};
    use super::*;
    use crate::confidential::ConfidentialKey;
    use crate::id::IndicatorId;
    use crate::indicator::Pattern;
    use crate::limits::BUCKET_MAX_OCTETS;
    use crate::name::DomainName;

    /// A base whose records are to be had by their place alone; it notes what was read of them.
    struct InFile {
        octets: Vec<u8>,
        front: Vec<u8>,
        read: Mutex<Vec<Range<usize>>>,
    }

    impl InFile {
        fn new(octets: Vec<u8>) -> Arc<InFile> {
            let front = octets[..records_begin(&octets[..HEADER_OCTETS], octets.len()).unwrap()].to_vec();
            Arc::new(InFile { octets, front, read: Mutex::default() })
        }

        fn taken(&self) -> Vec<Range<usize>> {
            std::mem::take(&mut self.read.lock().unwrap())
        }
    }

    impl BaseOctets for InFile {
        fn front(&self) -> &[u8] {
            &self.front
        }

        fn len(&self) -> usize {
            self.octets.len()
        }

        fn read<'a>(&'a self, range: Range<usize>, room: &'a mut [u8]) -> &'a [u8] {
            self.read.lock().unwrap().push(range.clone());
            let fitting = range.len().min(room.len());
            room[..fitting].copy_from_slice(&self.octets[range.start..range.start + fitting]);
            &room[..fitting]
        }
    }

    fn built(patterns: impl Iterator<Item = String>) -> Vec<u8> {
        let mut builder = Builder::new(Seed::from_octets(*b"a seed for tests"), ConfidentialKey::default());
        for (id, pattern) in patterns.enumerate() {
            let pattern: Pattern = pattern.parse().unwrap();
            builder.add(IndicatorId(id as u64), (&pattern).into(), &Facts::default()).unwrap();
        }
        builder.finish().unwrap().into_octets()
    }

    /// What a name meets, as it stands in the set.
    fn met(set: &IndicatorSet, name: &str) -> Vec<(IndicatorId, String)> {
        let (name, mut places) = (DomainName::parse(name).unwrap(), Vec::new());
        set.match_name(name.as_name(), |place| places.push(place));
        let found = places.into_iter().map(|place| set.indicator(place).unwrap());
        found.map(|indicator| (indicator.id, indicator.pattern.to_plain())).collect()
    }

    #[test]
    fn b4_of_records_in_a_file_a_look_up_reads_the_bucket_that_the_filter_let_pass_and_else_nothing() {
        let octets = built((0..5_000).map(|n| format!("n{n}.example")));
        let layout = Layout::read(&octets, octets.len()).unwrap();
        let file = InFile::new(octets);
        let set = IndicatorSet::open(file.clone()).unwrap();
        set.touch();
        assert_eq!((file.taken(), set.len()), (vec![], 5_000), "nothing is read before the first question");
        let (mut passed, mut ended) = (0, 0);
        for n in 0..20_000 {
            let name = DomainName::parse(&format!("n{n}.example")).unwrap();
            // Of the two suffixes only names of two labels are listed.
            let may_be = set.parts().unwrap().may_hold(layout.seed.name(name.as_name()).0);
            let mut place = None;
            set.match_name(name.as_name(), |found| place = Some(found));
            let read = file.taken();
            // A bucket may be empty.
            assert!(read.len() <= usize::from(may_be) && (n >= 5_000 || read.len() == 1), "{read:?}");
            assert_eq!(place.is_some(), n < 5_000);
            for range in &read {
                assert!(range.start >= layout.records.start && range.end <= layout.records.end, "{range:?}");
                assert!(range.len() < RECORDS_READ_OCTETS, "one call for a usual bucket: {range:?}");
            }
            if let Some(place) = place {
                assert_eq!(set.indicator(place).unwrap().pattern.to_plain(), format!("n{n}.example"));
                assert!(set.validity(place).is_some());
                assert_eq!(file.taken().len(), 2, "one call for each");
            } else {
                passed += read.len();
                ended += usize::from(!may_be);
            }
        }
        assert!(ended > 10 * passed && passed > 0, "{passed} passed, {ended} ended");
    }

    #[test]
    fn records_in_a_file_are_found_wherever_the_reading_cuts_them() {
        // One bucket of many readings: one name with ports whose places no border spares.
        let name = |len: usize| format!("{}.example", "a".repeat(len));
        for len in [1, 2, 3, 40, 63] {
            let octets = built((0..3_000).map(|port| format!("{}:{}", name(len), port + 1)));
            assert!(Layout::read(&octets, octets.len()).unwrap().records.len() > 20 * RECORDS_READ_OCTETS);
            let in_file = IndicatorSet::open(InFile::new(octets.clone())).unwrap();
            let in_memory = IndicatorSet::open(Arc::new(octets)).unwrap();
            let found = met(&in_file, &name(len));
            assert_eq!(found.len(), 3_000);
            assert_eq!(found, met(&in_memory, &name(len)));
            assert!(in_file.indicators().eq(in_memory.indicators()));
        }
    }

    #[test]
    fn s5_a_bucket_made_to_harm_is_read_no_further_than_its_bound() {
        let mut octets = built((0..30_000).map(|n| format!("n{n}.example")));
        let layout = Layout::read(&octets, octets.len()).unwrap();
        assert!(layout.records.len() > BUCKET_MAX_OCTETS);
        // Every other bucket is all the records, those between end before they begin.
        let all = (layout.records.len() as u32).to_le_bytes();
        for (number, border) in octets[layout.buckets.clone()].chunks_exact_mut(4).enumerate() {
            border.copy_from_slice(if number % 2 == 0 { &[0; 4] } else { &all });
        }
        let asked = |octets: Vec<u8>| {
            let file = InFile::new(octets);
            let set = IndicatorSet::open(file.clone()).unwrap();
            let read = (0..20).map(|n| {
                met(&set, &format!("n{n}.example"));
                file.taken()
            });
            read.collect::<Vec<_>>()
        };
        let read = asked(octets.clone());
        let most = read.iter().map(Vec::len).max().unwrap();
        assert!(most > BUCKET_MAX_OCTETS / RECORDS_READ_OCTETS, "{most}: a bucket is more than one reading");
        assert!(most <= BUCKET_MAX_OCTETS / RECORDS_READ_OCTETS * 11 / 10, "{most}");
        assert!(read.iter().any(Vec::is_empty), "an end before the beginning");
        let bound = layout.records.start + BUCKET_MAX_OCTETS;
        assert!(read.iter().flatten().all(|range| range.end <= bound || range.len() < RECORDS_READ_OCTETS));
        // Records that are none end the walk.
        octets[layout.records].fill(0);
        assert!(asked(octets).iter().all(|read| read.len() <= 1));
    }
}
