//! What the fragments of one packet say: held whole in the order they came, and read in two ways where they contradict one
//! another.
//!
//! One reading believes who came first, the other who came last, each fragment by fragment: one that contradicts what is
//! believed already is left out of that reading whole. So of any packet with one false fragment, wherever it lies and
//! whenever it comes, one of the two is the truth: what it contradicts came before it, and the first reading leaves it out,
//! or came after it, and the last one does.

use varde_common::observation::Protocol;

use crate::limits::{FRAGMENTS_EACH_MAX, FRAGMENTS_EACH_MAX_OCTETS};
use crate::packet::Piece;

/// Where octets belong, and where they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    offset: usize,
    at: usize,
    octets: usize,
}

impl Part {
    fn end(self) -> usize {
        self.offset + self.octets
    }

    fn of(self, octets: &[u8]) -> &[u8] {
        octets.get(self.at..self.at + self.octets).unwrap_or_default()
    }

    /// What of it belongs between these places, which lie within it.
    fn between(self, from: usize, to: usize) -> Part {
        Part { offset: from, at: self.at + (from - self.offset), octets: to - from }
    }
}

/// A fragment as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    part: Part,
    protocol: Protocol,
    is_last: bool,
}

/// Fragments that agree with one another.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// In order of their place in the whole. Nothing overlaps.
    parts: Vec<Part>,
    /// Length of the whole, once its last fragment is there.
    total: Option<usize>,
    /// Of the first fragment: what it is of, and how much of it that one held.
    head: Option<(Protocol, usize)>,
}

impl Reading {
    /// Whether a fragment says nothing else than what is there: about octets, about the end, about the protocol.
    fn agrees(&self, octets: &[u8], new: &Held) -> bool {
        let (offset, end) = (new.part.offset, new.part.end());
        let furthest = self.parts.last().map_or(0, |part| part.end());
        let ends_there = self.total.is_none_or(|total| if new.is_last { end == total } else { end <= total })
            && (!new.is_last || furthest <= end);
        let begins_there = offset > 0 || self.head.is_none_or(|(protocol, _)| protocol == new.protocol);
        let from = self.parts.partition_point(|part| part.end() <= offset);
        ends_there
            && begins_there
            && self.parts.iter().skip(from).take_while(|part| part.offset < end).all(|part| {
                let (from, to) = (part.offset.max(offset), part.end().min(end));
                part.between(from, to).of(octets) == new.part.between(from, to).of(octets)
            })
    }

    /// Takes one that agrees: what of it is not there yet.
    fn add(&mut self, new: &Held) {
        let end = new.part.end();
        self.total = self.total.or(new.is_last.then_some(end));
        if new.part.offset == 0 {
            self.head = self.head.or(Some((new.protocol, new.part.octets)));
        }
        let mut offset = new.part.offset;
        let mut place = self.parts.partition_point(|part| part.end() <= offset);
        while offset < end {
            offset = match self.parts.get(place).copied() {
                Some(part) if part.offset <= offset => part.end(),
                next => {
                    let to = next.map_or(end, |part| part.offset.min(end));
                    self.parts.insert(place, new.part.between(offset, to));
                    to
                }
            };
            place += 1;
        }
    }

    fn take(&mut self, octets: &[u8], new: &Held) -> bool {
        let agrees = self.agrees(octets, new);
        if agrees {
            self.add(new);
        }
        agrees
    }

    /// Octets from the beginning on, as far as they go without a gap.
    fn run(&self) -> usize {
        self.parts.iter().fold(0, |run, part| if part.offset == run { part.end() } else { run })
    }

    /// Whether nothing of it is missing.
    pub(super) fn is_whole(&self) -> bool {
        self.total.is_some_and(|total| self.run() >= total)
    }

    /// From the beginning as far as it goes; none where there is no beginning.
    fn read(&self, octets: &[u8]) -> Option<Read> {
        let run = self.run();
        let mut data = Vec::with_capacity(run);
        for part in self.parts.iter().take_while(|part| part.end() <= run) {
            data.extend_from_slice(part.of(octets));
        }
        let (protocol, first_octets) = self.head?;
        Some(Read { protocol, first_octets, data })
    }
}

/// What a reading says.
#[derive(Debug)]
pub(super) struct Read {
    /// What it is.
    pub(super) protocol: Protocol,
    /// How much of it the first fragment held, octets.
    pub(super) first_octets: usize,
    /// The octets.
    pub(super) data: Vec<u8>,
}

impl Read {
    /// Whether another says the same, however long its first fragment was.
    pub(super) fn is_same(&self, other: &Read) -> bool {
        self.protocol == other.protocol && self.data == other.data
    }
}

/// The fragments of one packet.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// In the order they came.
    octets: Vec<u8>,
    held: Vec<Held>,
    /// Who came first is believed.
    first: Reading,
    contradicts: bool,
}

impl Pieces {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether some say other things than others: other octets at the same place, another end, another protocol.
    pub(super) fn contradicts(&self) -> bool {
        self.contradicts
    }

    /// Octets of memory they take.
    pub(super) fn held_octets(&self) -> usize {
        let (held, parts) = (self.held.capacity() * size_of::<Held>(), self.first.parts.capacity() * size_of::<Part>());
        self.octets.capacity() + held + parts
    }

    /// Takes a fragment whose length is sound; false where it is one too many.
    pub(super) fn take(&mut self, piece: &Piece<'_>, is_last: bool) -> bool {
        let new = |at| {
            let part = Part { offset: piece.offset, at, octets: piece.data.len() };
            Held { part, protocol: piece.protocol, is_last }
        };
        // The same once more says nothing, and must not take the place of others.
        if self.held.iter().any(|held| *held == new(held.part.at) && held.part.of(&self.octets) == piece.data) {
            return true;
        }
        while self.held.len() >= FRAGMENTS_EACH_MAX || self.octets.len() + piece.data.len() > FRAGMENTS_EACH_MAX_OCTETS
        {
            // Of too many the beginning is worth most: nobody fills the place for it with what lies behind.
            let furthest = self.held.iter().enumerate().max_by_key(|(_, held)| held.part.offset);
            match furthest {
                Some((place, held)) if held.part.offset > piece.offset => self.let_go(place),
                Some(_) | None => return false,
            }
        }
        self.push(new(self.octets.len()), piece.data);
        true
    }

    fn push(&mut self, new: Held, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
        self.held.push(new);
        self.contradicts |= !self.first.take(&self.octets, &new);
    }

    fn let_go(&mut self, place: usize) {
        let Part { at, octets, .. } = self.held.remove(place).part;
        self.octets.drain(at..at + octets);
        self.held.iter_mut().filter(|held| held.part.at > at).for_each(|held| held.part.at -= octets);
        self.first = Pieces::reading(&self.octets, self.held.iter());
    }

    fn reading<'a>(octets: &[u8], order: impl Iterator<Item = &'a Held>) -> Reading {
        let mut reading = Reading::default();
        for held in order {
            reading.take(octets, held);
        }
        reading
    }

    /// These, and what came after them.
    pub(super) fn followed_by(mut self, later: &Pieces) -> Pieces {
        for held in &later.held {
            let part = Part { at: self.octets.len(), ..held.part };
            self.push(Held { part, ..*held }, held.part.of(&later.octets));
        }
        self
    }

    /// What the readings of which `asked` holds say: who came first believed, and who came last where that is another.
    pub(super) fn readings(&self, asked: impl Fn(&Reading) -> bool) -> [Option<Read>; 2] {
        let read = |reading: &Reading| if asked(reading) { reading.read(&self.octets) } else { None };
        let first = read(&self.first);
        let last = if self.contradicts { read(&Pieces::reading(&self.octets, self.held.iter().rev())) } else { None };
        let last = last.filter(|last| first.as_ref().is_none_or(|first| !first.is_same(last)));
        [first, last]
    }
}
