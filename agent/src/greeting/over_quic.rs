//! Greetings in QUIC Initial packets: the connections of one flow whose hellos are under way.
//!
//! One pair of ports may carry several connections, one after the other or side by side, and a packet that belongs to
//! none of them costs nothing to send: so each is told from the others by what opens its packets, and all are looked at.

use std::hash::BuildHasher;

use varde_common::observation::HelloTransport;

use super::state::Looks;
use super::words::Teller;
use crate::hello::assembly::Assembly;
use crate::hello::quic::keys::{ClientKeys, Opened};
use crate::hello::quic::version::Version;
use crate::hello::quic::{self, CONNECTION_ID_MAX_OCTETS, Initial, frames};
use crate::hello::{BadHello, Opening, tls};
use crate::keyed::RandomState;
use crate::limits::{GREETING_MAX_OCTETS, QUIC_CONNECTIONS_MAX, QUIC_PACKETS_MAX};

/// What packets are held against, beside the connections themselves.
pub(super) struct Means<'a> {
    /// Where packets are opened.
    pub(super) space: &'a mut Vec<u8>,
    /// Hashes connection ids.
    pub(super) ids: &'a RandomState,
    /// Whether the flow's initiator sends.
    pub(super) from_initiator: bool,
}

impl Means<'_> {
    /// What is remembered of a connection id: of the same one said by the other end, something else.
    fn hash_of(&self, id: &[u8]) -> u16 {
        self.ids.hash_one((self.from_initiator, id)) as u16
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
    keys: ClientKeys,
    largest: Option<u64>,
    assembly: Assembly,
}

/// What the frames of a packet brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Brought {
    Nothing,
    More,
    /// The rest of a hello: it was told.
    Told,
    /// It is none that can be read.
    Bad(BadHello),
    /// Its rest lies beyond the bounds, or it is another message.
    GivenUp,
}

impl OverQuic {
    /// Whether no hello is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Octets of memory held beside the entry itself.
    pub(super) fn kept_octets(&self) -> usize {
        let assemblies: usize = self.connections.iter().map(|connection| connection.assembly.kept_octets()).sum();
        self.connections.capacity() * size_of::<Connection>() + assemblies
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
                break;
            }
            let hash = means.hash_of(initial.destination);
            // Sent again, or shown again: it was read.
            if looks.is_known(hash) {
                continue;
            }
            let brought = match self.open(&initial, means.space) {
                Some((at, opened)) => self.bring(at, &opened, means.space, teller),
                None => self.begin(&initial, means.space, teller),
            };
            match brought {
                Some((Brought::More, _)) => is_new = true,
                Some((Brought::Told, destination)) => {
                    is_new = true;
                    looks.count_told(means.from_initiator, means.hash_of(destination.as_octets()));
                }
                Some((Brought::Bad(reason), _)) => {
                    teller.refuse(reason);
                    looks.count_try(means.from_initiator);
                }
                Some((Brought::GivenUp, _)) => {
                    teller.counts.given_up += 1;
                    looks.count_try(means.from_initiator);
                }
                Some((Brought::Nothing, _)) => looks.count_try(means.from_initiator),
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
    fn bring(
        &mut self,
        at: usize,
        opened: &Opened,
        space: &[u8],
        teller: &mut Teller<'_>,
    ) -> Option<(Brought, Destination)> {
        let connection = self.connections.get_mut(at)?;
        let brought = connection.take(opened, space, teller);
        let destination = connection.destination;
        if matches!(brought, Brought::Told | Brought::Bad(_) | Brought::GivenUp) {
            self.connections.remove(at);
        }
        // Nothing new of one that is known is no try in vain: it is sent again.
        Some((if brought == Brought::Nothing { Brought::More } else { brought }, destination))
    }

    /// Takes a packet that may be the first of another connection; none where its own id does not open it.
    fn begin(
        &mut self,
        initial: &Initial<'_>,
        space: &mut Vec<u8>,
        teller: &mut Teller<'_>,
    ) -> Option<(Brought, Destination)> {
        let mut connection = Connection::new(initial)?;
        if self.connections.iter().any(|known| known.destination == connection.destination) {
            return None;
        }
        let opened = connection.keys.open(initial, None, space)?;
        let brought = connection.take(&opened, space, teller);
        let destination = connection.destination;
        if brought == Brought::More {
            if self.connections.len() >= QUIC_CONNECTIONS_MAX {
                teller.counts.given_up += 1;
                self.connections.remove(0).give_up(teller);
            }
            self.connections.reserve_exact(1);
            self.connections.push(connection);
        }
        Some((brought, destination))
    }

    /// Nothing more will come: what there is of hellos is told.
    pub(super) fn give_up(&mut self, teller: &mut Teller<'_>) {
        for connection in self.connections.drain(..) {
            connection.give_up(teller);
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
    fn new(initial: &Initial<'_>) -> Option<Connection> {
        // A client chooses at least eight octets; a server often sends to none.
        if initial.destination.is_empty() {
            return None;
        }
        Some(Connection {
            version: initial.version,
            destination: Destination::of(initial.destination)?,
            keys: ClientKeys::derive(initial.version, initial.destination)?,
            largest: None,
            assembly: Assembly::default(),
        })
    }

    /// Takes the frames of a packet; a hello that lies in one of them is read there.
    fn take(&mut self, opened: &Opened, space: &[u8], teller: &mut Teller<'_>) -> Brought {
        self.largest = self.largest.max(Some(opened.number));
        let octets = space.get(opened.frames.clone()).unwrap_or_default();
        let assembly = &mut self.assembly;
        let mut brought = Brought::Nothing;
        frames::read(octets, self.version.has_google_frames, &mut |offset, piece| {
            if !matches!(brought, Brought::Nothing | Brought::More) {
                return;
            }
            let whole = (offset == 0 && assembly.is_empty()).then(|| read_stream(piece, teller));
            brought = match whole {
                Some(read @ (Brought::Told | Brought::Bad(_))) => read,
                // Where it is scattered too much, what closes a gap is still welcome.
                Some(_) | None => match assembly.keep(offset, piece) {
                    Ok(()) => Brought::More,
                    Err(_) => brought,
                },
            };
        });
        if brought == Brought::More {
            brought = read_stream(self.assembly.front(), teller);
            if brought == Brought::GivenUp {
                teller.cut_hello(tls::begun_body_in_quic(self.assembly.front()), HelloTransport::Quic);
            }
        }
        brought
    }

    fn give_up(self, teller: &mut Teller<'_>) {
        teller.cut_hello(tls::begun_body_in_quic(self.assembly.front()), HelloTransport::Quic);
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

/// Reads what a stream of handshake messages begins with.
fn read_stream(stream: &[u8], teller: &mut Teller<'_>) -> Brought {
    match tls::find_hello_in_quic(stream) {
        Opening::Whole(body) => match teller.hello(body, HelloTransport::Quic) {
            Ok(()) => Brought::Told,
            Err(reason) => Brought::Bad(reason),
        },
        Opening::Until(_) if stream.len() < GREETING_MAX_OCTETS => Brought::More,
        Opening::Until(_) | Opening::Other => Brought::GivenUp,
    }
}
