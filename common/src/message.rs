//! The conversation between a sensor and its collector: every message, its kind number, its direction.
//!
//! Five ordered streams, all opened by the agent (decision 18); each begins with [`ToCollector::Open`] so that its purpose
//! does not hang on the order of arrival. Control: Hello → HelloAck, then heartbeats. Alerts: batches → cumulative acks.
//! Lists: Subscribe → offers and chunks as they are published, an outcome for each. Enrolment has a port, a protocol name
//! and one stream of its own.
//!
//! # Versions
//! Hello names the oldest and the newest version its sensor speaks; the session has the newest that both ends speak. A
//! message that changes gets a new kind number. A kind that is not known, or came with a newer version than an end
//! speaks, is passed over and counted.
//!
//! | version | kinds to the collector | kinds to the agent |
//! |---|---|---|
//! | 1 | 1 Open, 2 Hello, 3 Heartbeat, 4 Batch, 5 Subscribe, 6 ListOutcome, 7 Enrol, 8 AskRoot | 101 HelloAck, 102 Ack, 103 Gap, 104 ListOffer, 105 ListChunk, 106 ListEnd, 107 Root, 108 Enrolled, 109 EnrolRefused |
//! | 2 | 10 Kept (in front of Hello, which is the same), 11 Compact in place of 4, 12 Pulse in place of 3 | 110 Greeting in place of 101, 111 NewEpoch |
//! | 3 | all of 2, and 20 RootOutcome, 21 Standing (behind each Pulse), 22 NewestRefused, 23 AskPinned (enrolment), 25 Renew, 30 Holds (in front of Subscribe), 31 ChannelOutcome, 32 AskWhole, 36 AskRoots (lane of roots), 37 BrakeOutcome, 40 Sight (behind each Standing), 41 AskTests (alerts) | all of 2, and 120 NextRoot, 121 Newest, 125 Renewed, 126 Waiting (enrolment), 127 RenewalRefused, 130 Channel, 131 Publication in place of 104 to who said Holds, 132 OverlayChunk, 136 Brake, 137 NoMoreRoots (lane of roots), 140 TakesTests and 141 Tested (alerts, to who said AskTests) |
//!
//! In version 3 root documents, words of which list is the newest and orders of the brake go on the stream of lists, so that each
//! is held against the root that came before it. Renew and its answers go on the control stream, and over [`ALPN_RENEW`], where
//! nothing else is said. Over [`ALPN_ROOT`] AskRoots is all that is asked, and NextRoot and NoMoreRoots are all the answer.
//!
//! Layout: [`crate::codec`], fields in the order they stand here; of kind 11 [`crate::compact`]. Golden vectors of each
//! version: `golden_messages_1.txt`, `golden_messages_2.txt`, `golden_messages_3.txt`.

mod hello;
mod reason;
mod standing;
#[cfg(test)]
mod tests;

pub use hello::{Greeting, Hello, Stream};
pub use reason::{CloseReason, EnrolRefusal, ListOutcome, RenewalRefusal};
pub use standing::{BrakeOutcome, ChannelOutcome, Freshness, Holds, RootOutcome, Standing};

use crate::codec::{self, Decode, Encode, EncodeError, FrameHeader, Malformed, Text};
pub use crate::compact::CompactBatch;
pub use crate::heartbeat::{BlindSpots, Evictions, Heartbeat, Pulse, Refusal};
use crate::id::{Epoch, Mark, Revision, SensorId, Seq};
use crate::limits::{
    BATCH_MAX_OCTETS, BATCH_MAX_RECORDS, BRAKE_MAX_OCTETS, CERTIFICATE_MAX_OCTETS, FRAME_TO_AGENT_MAX_OCTETS,
    FRAME_TO_COLLECTOR_MAX_OCTETS, LIST_CHUNK_MAX_OCTETS, MANIFEST_MAX_OCTETS, NEWEST_MAX_OCTETS, PLACEMENT_MAX_OCTETS,
    RECORD_MAX_OCTETS, ROOT_MAX_OCTETS, SITES_MAX,
};
pub use crate::sight::{EndsHeard, Exclusions, Sight};
use crate::time::Timestamp;
use std::ops::RangeInclusive;

/// ALPN of a session.
pub const ALPN_SESSION: &[u8] = b"varde/1";
/// ALPN of enrolment.
pub const ALPN_ENROLL: &[u8] = b"varde-enroll/1";
/// ALPN of enrolment with a sensor that can wait for a person's approval; the conversation is the same.
pub const ALPN_ENROLL_WAITING: &[u8] = b"varde-enroll/2";
/// ALPN of asking for a certificate in place of one that has run out, on the port of enrolment.
pub const ALPN_RENEW: &[u8] = b"varde-renew/1";
/// ALPN of asking for root documents, on the port of enrolment: for a sensor that knows nobody there any more.
pub const ALPN_ROOT: &[u8] = b"varde-root/1";
/// The conversation's versions that this program speaks, oldest and newest.
pub const PROTOCOLS: RangeInclusive<u16> = 1..=3;

/// The newest version that both ranges hold.
pub fn common_protocol(ours: &RangeInclusive<u16>, theirs: &RangeInclusive<u16>) -> Option<u16> {
    let newest = *ours.end().min(theirs.end());
    (newest >= *ours.start() && newest >= *theirs.start()).then_some(newest)
}

/// Records as the spool holds them, in order, without gaps.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Batch {
    /// The spool's lifetime.
    pub epoch: Epoch,
    /// Number of the first; the others follow.
    pub first_seq: Seq,
    /// Each by [`crate::record::Record::to_octets`].
    pub records: Vec<Vec<u8>>,
}

impl Batch {
    /// Number of the last record; none if empty.
    pub fn last_seq(&self) -> Option<Seq> {
        let more = u64::try_from(self.records.len()).ok()?.checked_sub(1)?;
        self.first_seq.0.checked_add(more).map(Seq)
    }
}

/// Everything a sensor says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToCollector {
    /// First on every stream: what the stream is for.
    Open(Stream),
    /// First on the control stream.
    Hello(Hello),
    /// Every 30 seconds on the control stream.
    Heartbeat(Heartbeat),
    /// On the alerts stream.
    Batch(Batch),
    /// First on the lists stream: the list in force.
    Subscribe {
        /// 0 = none.
        revision: Revision,
    },
    /// On the lists stream, after each offer.
    ListOutcome(ListOutcome),
    /// Enrolment: what the token and the new key give.
    Enrol {
        /// The token's sensor.
        sensor: SensorId,
        /// PKCS #10 request (DER); only its public key counts.
        csr_der: Vec<u8>,
        /// See [`crate::token::proof`].
        proof: [u8; 32],
        /// Program version.
        agent_version: Text,
    },
    /// Enrolment: first word; asks for the root document.
    AskRoot,
    /// Version 2, in front of Hello: the mark kept from the last session; none before the first of a spool.
    Kept(Option<Mark>),
    /// Version 2, in place of Batch.
    Compact(CompactBatch),
    /// Version 2, in place of Heartbeat.
    Pulse(Pulse),
    /// Version 3, on the lists stream, after each root document.
    RootOutcome(RootOutcome),
    /// Version 3, behind each Pulse.
    Standing(Standing),
    /// Version 3, on the lists stream: a word of which list is the newest was not believed.
    NewestRefused {
        /// Why, in a sentence.
        why: Text,
    },
    /// Version 3, in enrolment: the root document asked for is not the one the token pins; that one is wanted, to begin
    /// with. The answer is Root, as to AskRoot.
    AskPinned {
        /// Its SHA-256.
        sha256: [u8; 32],
    },
    /// Version 3, on the lists stream in front of Subscribe: what the sensor has of lists. Who says it reads Publication.
    Holds(Holds),
    /// Version 3, on the lists stream, after each word of which channel to follow.
    ChannelOutcome(ChannelOutcome),
    /// Version 3, on the lists stream: the changes just offered are over a base that is not here; the whole list is wanted.
    AskWhole,
    /// Version 3: asks for a certificate of a new key, in place of the one that this connection was proved with.
    Renew {
        /// PKCS #10 request (DER); only its public key counts.
        csr_der: Vec<u8>,
    },
    /// Version 3, over [`ALPN_ROOT`]: the root documents behind this one are wanted. It is all that is said there of a sensor.
    AskRoots {
        /// The number of the newest that is held.
        version: u32,
    },
    /// Version 3, on the lists stream, after each order of the brake.
    BrakeOutcome(BrakeOutcome),
    /// Version 3, behind each Standing: how much of its network the sensor sees. A collector that does not know it passes it over.
    Sight(Sight),
    /// Version 3, first on the alerts stream: the sensor tries itself out now and then, and reads TakesTests and Tested. A collector
    /// that does not know it passes it over, and is sent no test.
    AskTests,
}

/// Everything a collector says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToAgent {
    /// The session stands.
    HelloAck {
        /// The version both speak.
        protocol: u16,
        /// Records up to here are committed; send from the next.
        committed: Seq,
        /// After a lost connection wait up to this long, at random.
        reconnect_spread_ms: u32,
        /// The collector's clock.
        clock: Timestamp,
    },
    /// All records up to here are committed.
    Ack {
        /// The spool's lifetime.
        epoch: Epoch,
        /// Cumulative.
        seq: Seq,
    },
    /// Records are missing before the batch just sent; send from here.
    Gap {
        /// Next one wanted.
        expected: Seq,
    },
    /// A manifest; its base follows in chunks.
    ListOffer {
        /// Signed JSON.
        manifest: Vec<u8>,
    },
    /// Octets of the base, in order.
    ListChunk {
        /// At most [`LIST_CHUNK_MAX_OCTETS`].
        octets: Vec<u8>,
    },
    /// The base is complete.
    ListEnd,
    /// Enrolment: the signed root document.
    Root {
        /// As in its file.
        document: Vec<u8>,
    },
    /// Enrolment: the new sensor's certificate, then the CA's (DER).
    Enrolled {
        /// Sensor certificate.
        certificate_der: Vec<u8>,
        /// CA certificate.
        ca_der: Vec<u8>,
        /// The member's name, for the person at the keyboard.
        member_name: Text,
    },
    /// Enrolment: no.
    EnrolRefused(EnrolRefusal),
    /// Version 2, in place of HelloAck.
    Greeting(Greeting),
    /// Version 2, in place of Greeting: this spool's numbers mean two things, because its disk was copied or restored. It
    /// is to be set aside, and a new one begun.
    NewEpoch {
        /// What is committed of the spool that is to be set aside.
        committed: Seq,
    },
    /// Version 3, on the lists stream: the root document that follows the one this sensor has. Several come in order, each
    /// one the next.
    NextRoot {
        /// As in its file.
        document: Vec<u8>,
    },
    /// Version 3, on the lists stream: which list is the newest, by the timestamp role's word ([`crate::newest`]).
    Newest {
        /// Signed JSON.
        document: Vec<u8>,
    },
    /// Version 3: the certificate that was asked for. Both keys are good until a session was begun with the new one.
    Renewed {
        /// Certificate (DER).
        certificate_der: Vec<u8>,
    },
    /// Version 3, in enrolment: the token is good and kept for this key, and a person is to approve of it first.
    Waiting,
    /// Version 3: no certificate.
    RenewalRefused(RenewalRefusal),
    /// Version 3, on the lists stream to a sensor that said Holds: which channel it is to follow ([`crate::channel`]).
    Channel {
        /// Signed JSON.
        document: Vec<u8>,
    },
    /// Version 3, in place of ListOffer to a sensor that said Holds: a manifest in the form that can say everything.
    Publication {
        /// Signed JSON.
        manifest: Vec<u8>,
        /// Its base follows in chunks, then its changes if it has some; else the changes alone, over the base that is there.
        whole: bool,
    },
    /// Version 3, behind Publication: octets of the list's changes, in order.
    OverlayChunk {
        /// At most [`LIST_CHUNK_MAX_OCTETS`].
        octets: Vec<u8>,
    },
    /// Version 3, on the lists stream: an order of the brake ([`crate::brake`]), which says all that is braked.
    Brake {
        /// Signed JSON.
        document: Vec<u8>,
    },
    /// Version 3, over [`ALPN_ROOT`]: that was all, behind a NextRoot for each document.
    NoMoreRoots {
        /// The number of the newest there is, as the collector says.
        newest: u32,
    },
    /// Version 3, on the alerts stream, to AskTests: it knows a self-test from an alert.
    TakesTests,
    /// Version 3, on the alerts stream in front of Ack, to who said AskTests: the self-test in that batch is committed, and is read
    /// back from where it is kept.
    Tested {
        /// As in its record.
        number: u64,
        /// From the batch's last octet until it was committed and read back, microseconds.
        took_us: u64,
    },
}

fn frame<T: Encode>(kind: u16, body: &T) -> Result<Vec<u8>, EncodeError> {
    Ok(framed(kind, &codec::encode(body)?))
}

fn framed(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut octets = FrameHeader { body_octets: body.len(), kind }.to_octets().to_vec();
    octets.extend_from_slice(body);
    octets
}

fn at_most(size: usize, max: usize) -> Result<(), Malformed> {
    if size > max { Err(Malformed::TooLarge { size, max }) } else { Ok(()) }
}

impl ToCollector {
    /// The largest body a collector reads.
    pub const BODY_MAX_OCTETS: usize = FRAME_TO_COLLECTOR_MAX_OCTETS;

    /// Reads a body of this kind, as an end does that speaks no version newer than `newest`.
    ///
    /// # Errors
    /// [`Malformed`]; [`Malformed::UnknownKind`] also for a kind that came with a newer version.
    pub fn from_body_until(newest: u16, kind: u16, body: &[u8]) -> Result<ToCollector, Malformed> {
        match kind {
            10..=19 if newest < 2 => Err(Malformed::UnknownKind(kind)),
            20.. if newest < 3 => Err(Malformed::UnknownKind(kind)),
            _ => ToCollector::from_body(kind, body),
        }
    }

    /// Header and body.
    ///
    /// # Errors
    /// None for our own messages; the codec's type demands it.
    pub fn to_frame(&self) -> Result<Vec<u8>, EncodeError> {
        match self {
            ToCollector::Open(stream) => frame(1, stream),
            ToCollector::Hello(hello) => frame(2, hello),
            ToCollector::Heartbeat(heartbeat) => frame(3, heartbeat),
            ToCollector::Batch(batch) => frame(4, batch),
            ToCollector::Subscribe { revision } => frame(5, revision),
            ToCollector::ListOutcome(outcome) => frame(6, outcome),
            ToCollector::Enrol { sensor, csr_der, proof, agent_version } => {
                frame(7, &(sensor, csr_der, proof, agent_version))
            }
            ToCollector::AskRoot => frame(8, &()),
            ToCollector::Kept(mark) => frame(10, mark),
            ToCollector::Compact(batch) => Ok(framed(11, &batch.octets)),
            ToCollector::Pulse(pulse) => frame(12, pulse),
            ToCollector::RootOutcome(outcome) => frame(20, outcome),
            ToCollector::Standing(standing) => frame(21, standing),
            ToCollector::NewestRefused { why } => frame(22, why),
            ToCollector::AskPinned { sha256 } => frame(23, sha256),
            ToCollector::Renew { csr_der } => frame(25, csr_der),
            ToCollector::Holds(holds) => frame(30, holds),
            ToCollector::ChannelOutcome(outcome) => frame(31, outcome),
            ToCollector::AskWhole => frame(32, &()),
            ToCollector::AskRoots { version } => frame(36, version),
            ToCollector::BrakeOutcome(outcome) => frame(37, outcome),
            ToCollector::Sight(sight) => frame(40, sight),
            ToCollector::AskTests => frame(41, &()),
        }
    }

    /// Reads a body of this kind.
    ///
    /// # Errors
    /// [`Malformed`], also for anything over its cap.
    pub fn from_body(kind: u16, body: &[u8]) -> Result<ToCollector, Malformed> {
        at_most(body.len(), ToCollector::BODY_MAX_OCTETS)?;
        match kind {
            1 => codec::decode(body).map(ToCollector::Open),
            2 => {
                let hello: Hello = codec::decode(body)?;
                at_most(hello.sites.len(), SITES_MAX)?;
                Ok(ToCollector::Hello(hello))
            }
            3 => {
                let heartbeat: Heartbeat = codec::decode(body)?;
                heartbeat.check()?;
                Ok(ToCollector::Heartbeat(heartbeat))
            }
            4 => {
                let batch: Batch = codec::decode(body)?;
                at_most(batch.records.len(), BATCH_MAX_RECORDS)?;
                at_most(batch.records.iter().map(Vec::len).max().unwrap_or(0), RECORD_MAX_OCTETS)?;
                at_most(batch.records.iter().map(Vec::len).sum(), BATCH_MAX_OCTETS)?;
                Ok(ToCollector::Batch(batch))
            }
            5 => codec::decode(body).map(|revision| ToCollector::Subscribe { revision }),
            6 => codec::decode(body).map(ToCollector::ListOutcome),
            7 => {
                let (sensor, csr_der, proof, agent_version): (SensorId, Vec<u8>, [u8; 32], Text) = codec::decode(body)?;
                at_most(csr_der.len(), CERTIFICATE_MAX_OCTETS)?;
                Ok(ToCollector::Enrol { sensor, csr_der, proof, agent_version })
            }
            8 => codec::decode::<()>(body).map(|()| ToCollector::AskRoot),
            10 => codec::decode(body).map(ToCollector::Kept),
            // Only the session knows what its dictionaries hold.
            11 => Ok(ToCollector::Compact(CompactBatch { octets: body.to_vec() })),
            12 => {
                let pulse: Pulse = codec::decode(body)?;
                pulse.heartbeat.check()?;
                Ok(ToCollector::Pulse(pulse))
            }
            20 => codec::decode(body).map(ToCollector::RootOutcome),
            21 => codec::decode(body).map(ToCollector::Standing),
            22 => codec::decode(body).map(|why| ToCollector::NewestRefused { why }),
            23 => codec::decode(body).map(|sha256| ToCollector::AskPinned { sha256 }),
            25 => {
                let csr_der: Vec<u8> = codec::decode(body)?;
                at_most(csr_der.len(), CERTIFICATE_MAX_OCTETS)?;
                Ok(ToCollector::Renew { csr_der })
            }
            30 => codec::decode(body).map(ToCollector::Holds),
            31 => codec::decode(body).map(ToCollector::ChannelOutcome),
            32 => codec::decode::<()>(body).map(|()| ToCollector::AskWhole),
            36 => codec::decode(body).map(|version| ToCollector::AskRoots { version }),
            37 => codec::decode(body).map(ToCollector::BrakeOutcome),
            40 => codec::decode(body).map(ToCollector::Sight),
            41 => codec::decode::<()>(body).map(|()| ToCollector::AskTests),
            other => Err(Malformed::UnknownKind(other)),
        }
    }
}

impl ToAgent {
    /// The largest body an agent reads.
    pub const BODY_MAX_OCTETS: usize = FRAME_TO_AGENT_MAX_OCTETS;

    /// Header and body.
    ///
    /// # Errors
    /// None for our own messages; the codec's type demands it.
    pub fn to_frame(&self) -> Result<Vec<u8>, EncodeError> {
        match self {
            ToAgent::HelloAck { protocol, committed, reconnect_spread_ms, clock } => {
                frame(101, &(protocol, committed, reconnect_spread_ms, clock))
            }
            ToAgent::Ack { epoch, seq } => frame(102, &(epoch, seq)),
            ToAgent::Gap { expected } => frame(103, expected),
            ToAgent::ListOffer { manifest } => frame(104, manifest),
            ToAgent::ListChunk { octets } => frame(105, octets),
            ToAgent::ListEnd => frame(106, &()),
            ToAgent::Root { document } => frame(107, document),
            ToAgent::Enrolled { certificate_der, ca_der, member_name } => {
                frame(108, &(certificate_der, ca_der, member_name))
            }
            ToAgent::EnrolRefused(refusal) => frame(109, refusal),
            ToAgent::Greeting(greeting) => frame(110, greeting),
            ToAgent::NewEpoch { committed } => frame(111, committed),
            ToAgent::NextRoot { document } => frame(120, document),
            ToAgent::Newest { document } => frame(121, document),
            ToAgent::Renewed { certificate_der } => frame(125, certificate_der),
            ToAgent::Waiting => frame(126, &()),
            ToAgent::RenewalRefused(why) => frame(127, why),
            ToAgent::Channel { document } => frame(130, document),
            ToAgent::Publication { manifest, whole } => frame(131, &(manifest, whole)),
            ToAgent::OverlayChunk { octets } => frame(132, octets),
            ToAgent::Brake { document } => frame(136, document),
            ToAgent::NoMoreRoots { newest } => frame(137, newest),
            ToAgent::TakesTests => frame(140, &()),
            ToAgent::Tested { number, took_us } => frame(141, &(number, took_us)),
        }
    }

    /// Reads a body of this kind.
    ///
    /// # Errors
    /// [`Malformed`], also for anything over its cap.
    pub fn from_body(kind: u16, body: &[u8]) -> Result<ToAgent, Malformed> {
        at_most(body.len(), ToAgent::BODY_MAX_OCTETS)?;
        let capped = |max: usize| -> Result<Vec<u8>, Malformed> {
            let octets: Vec<u8> = codec::decode(body)?;
            at_most(octets.len(), max)?;
            Ok(octets)
        };
        match kind {
            101 => {
                let (protocol, committed, reconnect_spread_ms, clock) = codec::decode(body)?;
                Ok(ToAgent::HelloAck { protocol, committed, reconnect_spread_ms, clock })
            }
            102 => codec::decode(body).map(|(epoch, seq)| ToAgent::Ack { epoch, seq }),
            103 => codec::decode(body).map(|expected| ToAgent::Gap { expected }),
            104 => capped(MANIFEST_MAX_OCTETS).map(|manifest| ToAgent::ListOffer { manifest }),
            105 => capped(LIST_CHUNK_MAX_OCTETS).map(|octets| ToAgent::ListChunk { octets }),
            106 => codec::decode::<()>(body).map(|()| ToAgent::ListEnd),
            107 => capped(ROOT_MAX_OCTETS).map(|document| ToAgent::Root { document }),
            108 => {
                let (certificate_der, ca_der, member_name): (Vec<u8>, Vec<u8>, Text) = codec::decode(body)?;
                at_most(certificate_der.len().max(ca_der.len()), CERTIFICATE_MAX_OCTETS)?;
                Ok(ToAgent::Enrolled { certificate_der, ca_der, member_name })
            }
            109 => codec::decode(body).map(ToAgent::EnrolRefused),
            110 => codec::decode(body).map(ToAgent::Greeting),
            111 => codec::decode(body).map(|committed| ToAgent::NewEpoch { committed }),
            120 => capped(ROOT_MAX_OCTETS).map(|document| ToAgent::NextRoot { document }),
            121 => capped(NEWEST_MAX_OCTETS).map(|document| ToAgent::Newest { document }),
            125 => capped(CERTIFICATE_MAX_OCTETS).map(|certificate_der| ToAgent::Renewed { certificate_der }),
            126 => codec::decode::<()>(body).map(|()| ToAgent::Waiting),
            127 => codec::decode(body).map(ToAgent::RenewalRefused),
            130 => capped(PLACEMENT_MAX_OCTETS).map(|document| ToAgent::Channel { document }),
            131 => {
                let (manifest, whole): (Vec<u8>, bool) = codec::decode(body)?;
                at_most(manifest.len(), MANIFEST_MAX_OCTETS)?;
                Ok(ToAgent::Publication { manifest, whole })
            }
            132 => capped(LIST_CHUNK_MAX_OCTETS).map(|octets| ToAgent::OverlayChunk { octets }),
            136 => capped(BRAKE_MAX_OCTETS).map(|document| ToAgent::Brake { document }),
            137 => codec::decode(body).map(|newest| ToAgent::NoMoreRoots { newest }),
            140 => codec::decode::<()>(body).map(|()| ToAgent::TakesTests),
            141 => codec::decode(body).map(|(number, took_us)| ToAgent::Tested { number, took_us }),
            other => Err(Malformed::UnknownKind(other)),
        }
    }
}
