//! Greetings in QUIC Initial packets: the connections of one flow whose hellos are under way.
//!
//! One pair of ports may carry several connections, one after the other or side by side, and a packet that belongs to
//! none of them costs nothing to send: so each is told from the others by what opens its packets, and all are looked at.

use std::hash::BuildHasher;

use super::readings::{Brought, Hearing, Readings};
use super::state::Looks;
use super::told::{LatelyTold, Stream};
use super::words::Teller;
use crate::hello::BadHello;
use crate::hello::quic::keys::{ClientKeys, Opened};
use crate::hello::quic::version::Version;
use crate::hello::quic::{self, CONNECTION_ID_MAX_OCTETS, Initial};
use crate::keyed::RandomState;
use crate::limits::{QUIC_CONNECTIONS_MAX, QUIC_PACKETS_MAX};

/// What packets are held against, beside the connections themselves.
pub(super) struct Means<'a> {
    /// Where packets are opened.
    pub(super) space: &'a mut Vec<u8>,
    /// What was told last, of all flows.
    pub(super) lately: &'a mut LatelyTold,
    /// Hashes connection ids and hellos.
    pub(super) ids: &'a RandomState,
    /// Whether the flow's initiator sends.
    pub(super) from_initiator: bool,
}

impl<'a> Means<'a> {
    /// The same, without where packets are opened.
    fn split<'b, 't>(
        &'b mut self,
        looks: &'b mut Looks,
        teller: &'b mut Teller<'t>,
    ) -> (&'b mut Vec<u8>, Hearing<'b, 't>)
    where
        'a: 'b,
    {
        let Means { space, lately, ids, from_initiator } = self;
        (space, Hearing { looks, lately, ids, from_initiator: *from_initiator, teller })
    }
}

/// Connections of one flow and direction whose hellos have begun, the oldest first.
#[derive(Debug, Default)]
pub(super) struct OverQuic {
    connections: Vec<Connection>,
}

/// A client's stream of handshake messages in Initial packets.
#[derive(Debug)]
struct Connection {
    version: &'static Version,
    /// The destination connection id the keys follow from.
    destination: Destination,
    stream: Stream,
    keys: ClientKeys,
    largest: Option<u64>,
    readings: Readings,
}

impl OverQuic {
    /// Whether no hello is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Octets of memory held beside the entry itself.
    pub(super) fn kept_octets(&self) -> usize {
        let readings: usize = self.connections.iter().map(|connection| connection.readings.kept_octets()).sum();
        self.connections.capacity() * size_of::<Connection>() + readings
    }

    /// Takes a datagram; whether anything in it is new. What was tried and told goes to `looks`.
    pub(super) fn take(
        &mut self,
        datagram: &[u8],
        looks: &mut Looks,
        means: &mut Means<'_>,
        teller: &mut Teller<'_>,
    ) -> bool {
        let mut is_new = false;
        for initial in initials(datagram) {
            if looks.are_enough_tries(means.from_initiator) {
                // Whatever it is, nobody will know.
                if !looks.is_left_alone(means.from_initiator) {
                    teller.counts.given_up += 1;
                    looks.leave_alone(means.from_initiator);
                }
                break;
            }
            let (space, mut hearing) = means.split(looks, teller);
            let brought = match self.open(&initial, space) {
                Some((at, opened)) => self.bring(at, &opened, space, &mut hearing),
                None => self.begin(&initial, space, &mut hearing),
            };
            match brought {
                Some(Brought { told, more, bad, given_up, .. }) => {
                    bad.into_iter().for_each(|reason| teller.refuse(reason));
                    teller.counts.given_up += u64::from(given_up);
                    // Nothing new of one that is under way is no try in vain: it is sent again.
                    if told || more && bad.is_none() && !given_up {
                        is_new = true;
                    } else {
                        looks.count_try(means.from_initiator);
                    }
                }
                // A server often sends to none; nor does it say anything when it has none itself.
                None if initial.destination.is_empty() => {}
                None => {
                    // Behind a hello they are the acknowledgements of its client, sealed with keys that are forgotten.
                    if !looks.has_told() {
                        teller.refuse(BadHello::NotAuthentic);
                    }
                    looks.count_try(means.from_initiator);
                }
            }
        }
        is_new
    }

    /// The connection whose keys open a packet.
    fn open(&self, initial: &Initial<'_>, space: &mut Vec<u8>) -> Option<(usize, Opened)> {
        let is_named = |connection: &Connection| connection.destination.as_octets() == initial.destination;
        let is_known = self.connections.iter().any(is_named);
        let mut tried = self.connections.iter().enumerate().filter(|(_, connection)| {
            // It keeps its keys when it goes on to the id that the server chose.
            connection.version == initial.version && (!is_known || is_named(connection))
        });
        tried.find_map(|(at, connection)| Some((at, connection.keys.open(initial, connection.largest, space)?)))
    }

    /// Takes the frames of a packet that one of the connections opened.
    fn bring(&mut self, at: usize, opened: &Opened, space: &[u8], hearing: &mut Hearing<'_, '_>) -> Option<Brought> {
        let connection = self.connections.get_mut(at)?;
        let brought = connection.take(opened, space, hearing);
        if connection.readings.is_empty() {
            self.connections.remove(at);
        }
        Some(brought)
    }

    /// Takes a packet that may be the first of another connection; none where its own id does not open it.
    fn begin(&mut self, initial: &Initial<'_>, space: &mut Vec<u8>, hearing: &mut Hearing<'_, '_>) -> Option<Brought> {
        let mut connection = Connection::new(initial, hearing)?;
        if self.connections.iter().any(|known| known.destination == connection.destination) {
            return None;
        }
        let opened = connection.keys.open(initial, None, space)?;
        let brought = connection.take(&opened, space, hearing);
        if !connection.readings.is_empty() {
            if self.connections.len() >= QUIC_CONNECTIONS_MAX {
                hearing.teller.counts.given_up += 1;
                self.connections.remove(0).give_up(hearing);
            }
            self.connections.reserve_exact(1);
            self.connections.push(connection);
        }
        Some(brought)
    }

    /// Nothing more will come: what there is of hellos is told.
    pub(super) fn give_up(&mut self, looks: &mut Looks, means: &mut Means<'_>, teller: &mut Teller<'_>) {
        let (_, mut hearing) = means.split(looks, teller);
        for connection in self.connections.drain(..) {
            connection.give_up(&mut hearing);
        }
    }
}

/// A connection id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Destination([u8; CONNECTION_ID_MAX_OCTETS], u8);

impl Destination {
    fn of(id: &[u8]) -> Option<Destination> {
        let mut octets = [0; CONNECTION_ID_MAX_OCTETS];
        octets.get_mut(..id.len())?.copy_from_slice(id);
        Some(Destination(octets, u8::try_from(id.len()).ok()?))
    }

    fn as_octets(&self) -> &[u8] {
        self.0.get(..self.1.into()).unwrap_or_default()
    }
}

impl Connection {
    fn new(initial: &Initial<'_>, hearing: &Hearing<'_, '_>) -> Option<Connection> {
        let Initial { version, destination, .. } = *initial;
        // A client chooses at least eight octets; a server often sends to none.
        if destination.is_empty() {
            return None;
        }
        let end = (hearing.teller.passage.flow, hearing.from_initiator);
        let stream = Stream(hearing.ids.hash_one((end, version.number(), destination)));
        let known = if hearing.looks.has_told() { hearing.lately.keys_of(stream) } else { None };
        Some(Connection {
            version,
            destination: Destination::of(destination)?,
            stream,
            keys: known.or_else(|| ClientKeys::derive(version, destination))?,
            largest: None,
            readings: Readings::default(),
        })
    }

    fn take(&mut self, opened: &Opened, space: &[u8], hearing: &mut Hearing<'_, '_>) -> Brought {
        self.largest = self.largest.max(Some(opened.number));
        let octets = space.get(opened.frames.clone()).unwrap_or_default();
        let brought = self.readings.take(octets, self.version.has_google_frames, self.stream, hearing);
        if brought.told {
            hearing.lately.keep_keys(self.stream, &self.keys);
        }
        brought
    }

    fn give_up(self, hearing: &mut Hearing<'_, '_>) {
        self.readings.give_up(self.stream, hearing);
    }
}

/// The Initial packets of a datagram; of more packets than a client has reason to send, the first ones.
fn initials(datagram: &[u8]) -> impl Iterator<Item = Initial<'_>> {
    let mut rest = datagram;
    let packets = std::iter::from_fn(move || {
        let (packet, behind) = quic::next_packet(rest)?;
        rest = behind;
        Some(packet)
    });
    packets.take(QUIC_PACKETS_MAX).filter_map(|packet| match packet {
        quic::Packet::Initial(initial) => Some(initial),
        quic::Packet::Other => None,
    })
}
