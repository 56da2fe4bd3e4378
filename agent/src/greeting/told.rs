//! The hellos told last over QUIC, octet for octet: what is sent again is known from what only goes to the same connection.
//!
//! A client seals each packet anew, and cuts its hello as it likes each time. So what is sent again shows only when it is
//! opened and each piece is held against what was told. Memory is taken once, and the oldest makes room.

use crate::hello::quic::keys::ClientKeys;
use crate::limits::{QUIC_LATELY_MAX, QUIC_LATELY_MAX_OCTETS};

/// Which connection: its flow, the end that speaks, version and connection id, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stream(pub(super) u64);

/// What a piece of a connection's stream says beside what was told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// Nothing was told of it, or nothing at this place, or it is not known any more.
    Nothing,
    /// The same.
    Same,
    /// Something else.
    Other,
}

#[derive(Debug)]
struct Hello {
    stream: Stream,
    octets: usize,
    /// Of its connection: to derive them costs more than all else about a packet.
    keys: Option<ClientKeys>,
}

/// The hellos told last.
#[derive(Debug, Default)]
pub(super) struct LatelyTold {
    hellos: Vec<Hello>,
    /// Of each, so many that all have room.
    octets: Vec<u8>,
    /// Where the next one goes.
    next: usize,
}

impl LatelyTold {
    /// Remembers a hello, with the header of its message.
    pub(super) fn keep(&mut self, stream: Stream, message: &[u8]) {
        if message.len() > QUIC_LATELY_MAX_OCTETS {
            return;
        }
        if self.octets.is_empty() {
            self.hellos.reserve_exact(QUIC_LATELY_MAX);
            // Pages of it are taken as they are written to.
            self.octets = vec![0; QUIC_LATELY_MAX * QUIC_LATELY_MAX_OCTETS];
        }
        let start = self.next * QUIC_LATELY_MAX_OCTETS;
        let Some(place) = self.octets.get_mut(start..start + message.len()) else { return };
        place.copy_from_slice(message);
        let hello = Hello { stream, octets: message.len(), keys: None };
        match self.hellos.get_mut(self.next) {
            Some(oldest) => *oldest = hello,
            None => self.hellos.push(hello),
        }
        self.next = (self.next + 1) % QUIC_LATELY_MAX;
    }

    /// Remembers with what was told of a connection what opens its packets.
    pub(super) fn keep_keys(&mut self, stream: Stream, keys: &ClientKeys) {
        let its = self.hellos.iter_mut().filter(|hello| hello.stream == stream);
        its.for_each(|hello| hello.keys = Some(keys.clone()));
    }

    /// What opens the packets of a connection of which something was told.
    pub(super) fn keys_of(&self, stream: Stream) -> Option<ClientKeys> {
        self.hellos.iter().find(|hello| hello.stream == stream)?.keys.clone()
    }

    /// What was told of a connection, in no order.
    fn of(&self, stream: Stream) -> impl Iterator<Item = &[u8]> {
        let all = self.hellos.iter().zip(self.octets.chunks_exact(QUIC_LATELY_MAX_OCTETS));
        all.filter(move |(hello, _)| hello.stream == stream).filter_map(|(hello, octets)| octets.get(..hello.octets))
    }

    /// What was told of a connection last.
    pub(super) fn last_of(&self, stream: Stream) -> Option<&[u8]> {
        let (before, after) = self.hellos.split_at_checked(self.next)?;
        let is_its = |hello: &Hello| hello.stream == stream;
        let at = match before.iter().rposition(is_its) {
            Some(at) => at,
            None => before.len() + after.iter().rposition(is_its)?,
        };
        let start = at * QUIC_LATELY_MAX_OCTETS;
        self.octets.get(start..start + self.hellos.get(at)?.octets)
    }

    /// What a piece that stands at `start` of a connection's stream says beside what was told of that.
    pub(super) fn beside(&self, stream: Stream, start: u64, piece: &[u8]) -> Beside {
        let Ok(start) = usize::try_from(start) else { return Beside::Nothing };
        let mut beside = Beside::Nothing;
        for told in self.of(stream) {
            let Some(there) = told.get(start..).filter(|there| !there.is_empty()) else { continue };
            if there.starts_with(piece) {
                return Beside::Same;
            }
            // What goes on behind its end says nothing else of it.
            if !piece.starts_with(there) {
                beside = Beside::Other;
            }
        }
        beside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_held_against_everything_that_was_told_of_its_connection() {
        let mut told = LatelyTold::default();
        let (one, other) = (Stream(1), Stream(2));
        assert_eq!(told.beside(one, 0, b"a"), Beside::Nothing);
        told.keep(one, b"abcdef");
        told.keep(one, b"abXdef");
        told.keep(other, b"zzz");
        let beside = |start, piece: &[u8]| told.beside(one, start, piece);
        assert_eq!([beside(0, b"abcdef"), beside(2, b"c"), beside(2, b"Xd"), beside(5, b"f")], [Beside::Same; 4]);
        assert_eq!([beside(0, b"z"), beside(1, b"c"), beside(2, b"Y"), beside(5, b"gg")], [Beside::Other; 4]);
        assert_eq!([beside(6, b"g"), beside(5, b"fg"), beside(u64::MAX, b"g")], [Beside::Nothing; 3]);
    }

    #[test]
    fn what_opens_a_connection_s_packets_is_remembered_with_its_hellos() {
        let keys = ClientKeys::derive(crate::hello::quic::version::find(1).unwrap(), b"12345678").unwrap();
        let mut told = LatelyTold::default();
        told.keep_keys(Stream(1), &keys);
        assert_eq!(told.keys_of(Stream(1)), None);
        told.keep(Stream(1), b"a");
        assert_eq!(told.keys_of(Stream(1)), None);
        told.keep(Stream(2), b"b");
        told.keep_keys(Stream(1), &keys);
        assert_eq!((told.keys_of(Stream(1)), told.keys_of(Stream(2))), (Some(keys), None));
    }

    #[test]
    fn s4_the_oldest_makes_room_and_memory_is_taken_once() {
        let mut told = LatelyTold::default();
        told.keep(Stream(0), &[1; QUIC_LATELY_MAX_OCTETS + 1]);
        assert!(told.octets.is_empty() && told.last_of(Stream(0)).is_none(), "too long to be remembered");
        for number in 0..=QUIC_LATELY_MAX as u64 {
            told.keep(Stream(number), &[number as u8; QUIC_LATELY_MAX_OCTETS]);
        }
        assert_eq!(told.beside(Stream(0), 0, &[0]), Beside::Nothing);
        for number in 1..=QUIC_LATELY_MAX as u64 {
            assert_eq!(told.last_of(Stream(number)), Some(&[number as u8; QUIC_LATELY_MAX_OCTETS][..]));
        }
        let octets = told.octets.capacity() + told.hellos.capacity() * size_of::<Hello>();
        assert!(octets <= crate::limits::QUIC_LATELY_TOTAL_MAX_OCTETS, "{octets}");
    }
}
