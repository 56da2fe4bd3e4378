//! The conversation between a sensor and its collector: every message, its kind number, its direction.
//!
//! Five ordered streams, all opened by the agent (decision 18); each begins with [`ToCollector::Open`] so that its purpose
//! does not hang on the order of arrival. Control: Hello → HelloAck, then heartbeats. Alerts: batches → cumulative acks.
//! Lists: Subscribe → offers and chunks as they are published, an outcome for each. Enrolment has a port, a protocol name
//! and one stream of its own.

use crate::codec::{self, Decode, Encode, EncodeError, FrameHeader, Malformed, Text};
pub use crate::heartbeat::{BlindSpots, Evictions, Heartbeat, Refusal};
use crate::id::{Epoch, Revision, SensorId, Seq, SiteId};
use crate::limits::{
    BATCH_MAX_OCTETS, BATCH_MAX_RECORDS, CERTIFICATE_MAX_OCTETS, FRAME_TO_AGENT_MAX_OCTETS,
    FRAME_TO_COLLECTOR_MAX_OCTETS, LIST_CHUNK_MAX_OCTETS, MANIFEST_MAX_OCTETS, RECORD_MAX_OCTETS, ROOT_MAX_OCTETS,
    SITES_MAX,
};
use crate::time::Timestamp;

/// ALPN of a session.
pub const ALPN_SESSION: &[u8] = b"varde/1";
/// ALPN of enrolment.
pub const ALPN_ENROLL: &[u8] = b"varde-enroll/1";
/// The conversation's version.
pub const PROTOCOL_VERSION: u16 = 1;

/// The ordered byte streams of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Stream {
    /// Hello, heartbeats.
    Control,
    /// Batches and acks.
    Alerts,
    /// Totals without names.
    Statistics,
    /// Lists.
    Lists,
    /// Hunts and their results.
    Hunts,
}

/// A sensor introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// Oldest conversation it speaks.
    pub protocol_min: u16,
    /// Newest conversation it speaks.
    pub protocol_max: u16,
    /// Program version.
    pub agent_version: Text,
    /// Its spool's lifetime.
    pub epoch: Epoch,
    /// Oldest record still in its spool.
    pub first_seq: Seq,
    /// The next record it will write.
    pub next_seq: Seq,
    /// List in force.
    pub revision: Revision,
    /// Root document in force.
    pub root_version: u32,
    /// Sites it will report for.
    pub sites: Vec<SiteId>,
    /// Its clock.
    pub clock: Timestamp,
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

/// What became of an offered list.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum ListOutcome {
    /// In force since then.
    InForce {
        /// Which.
        revision: Revision,
        /// The sensor's clock.
        since: Timestamp,
    },
    /// Not taken; the one before stays.
    Refused {
        /// The one in force.
        in_force: Revision,
        /// Why, in a sentence.
        why: Text,
    },
}

/// Why a token was not honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum EnrolRefusal {
    /// Used before.
    Used,
    /// Over its 72 hours.
    Expired,
    /// Withdrawn.
    Revoked,
    /// Unknown, or its proof is not good.
    NotGood,
    /// Too many attempts; wait.
    TooMany,
    /// The key request cannot be read.
    BadRequest,
}

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum CloseReason {
    /// The sensor was revoked.
    Revoked,
    /// A site not of this sensor.
    UnknownSite,
    /// A rule of the protocol was broken.
    ProtocolError,
    /// Another session of the same sensor began.
    Replaced,
    /// The collector stops; come back.
    GoingDown,
    /// No common version.
    Version,
    /// The collector could not store; come back.
    Unavailable,
}

impl CloseReason {
    /// The QUIC application error code.
    pub fn code(self) -> u32 {
        match self {
            CloseReason::GoingDown => 0,
            CloseReason::Revoked => 1,
            CloseReason::UnknownSite => 2,
            CloseReason::ProtocolError => 3,
            CloseReason::Replaced => 4,
            CloseReason::Version => 5,
            CloseReason::Unavailable => 6,
        }
    }

    /// From the QUIC application error code; unknown ones count as a broken rule.
    pub fn from_code(code: u64) -> CloseReason {
        match code {
            0 => CloseReason::GoingDown,
            1 => CloseReason::Revoked,
            2 => CloseReason::UnknownSite,
            4 => CloseReason::Replaced,
            5 => CloseReason::Version,
            6 => CloseReason::Unavailable,
            _ => CloseReason::ProtocolError,
        }
    }

    /// A sentence for the log and for `varde-agent status`.
    pub fn sentence(self) -> &'static str {
        match self {
            CloseReason::Revoked => "the collector has revoked this sensor; ask the CSIRT for a new token",
            CloseReason::UnknownSite => "agent.toml names a site that the collector has not given this sensor",
            CloseReason::ProtocolError => "the collector refused a message; both programs may need the same version",
            CloseReason::Replaced => "another process connected with this sensor's identity",
            CloseReason::GoingDown => "the collector is stopping",
            CloseReason::Version => "collector and agent share no protocol version; update the older one",
            CloseReason::Unavailable => "the collector cannot store at the moment",
        }
    }
}

/// Everything a sensor says.
#[expect(clippy::large_enum_variant, reason = "a message lives for one turn and is never kept in numbers")]
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
}

fn frame<T: Encode>(kind: u16, body: &T) -> Result<Vec<u8>, EncodeError> {
    let body = codec::encode(body)?;
    let mut octets = FrameHeader { body_octets: body.len(), kind }.to_octets().to_vec();
    octets.extend_from_slice(&body);
    Ok(octets)
}

fn at_most(size: usize, max: usize) -> Result<(), Malformed> {
    if size > max { Err(Malformed::TooLarge { size, max }) } else { Ok(()) }
}

impl ToCollector {
    /// The largest body a collector reads.
    pub const BODY_MAX_OCTETS: usize = FRAME_TO_COLLECTOR_MAX_OCTETS;

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
            other => Err(Malformed::UnknownKind(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn back_to_collector(message: &ToCollector) -> ToCollector {
        let octets = message.to_frame().unwrap();
        let (header, body) = octets.split_first_chunk().unwrap();
        let header = FrameHeader::read(*header, ToCollector::BODY_MAX_OCTETS).unwrap();
        assert_eq!(header.body_octets, body.len());
        ToCollector::from_body(header.kind, body).unwrap()
    }

    fn back_to_agent(message: &ToAgent) -> ToAgent {
        let octets = message.to_frame().unwrap();
        let (header, body) = octets.split_first_chunk().unwrap();
        let header = FrameHeader::read(*header, ToAgent::BODY_MAX_OCTETS).unwrap();
        ToAgent::from_body(header.kind, body).unwrap()
    }

    #[test]
    fn every_message_survives_the_wire() {
        let hello = Hello {
            protocol_min: 1,
            protocol_max: 1,
            agent_version: Text::cut("0.1.0"),
            epoch: Epoch(1 << 100),
            first_seq: Seq(1),
            next_seq: Seq(300),
            revision: Revision(2),
            root_version: 1,
            sites: vec![SiteId(0)],
            clock: Timestamp(-5),
        };
        let batch = Batch { epoch: Epoch(9), first_seq: Seq(4), records: vec![vec![1; 40], vec![2; 512]] };
        assert_eq!(batch.last_seq(), Some(Seq(5)));
        for message in [
            ToCollector::Open(Stream::Lists),
            ToCollector::Hello(hello),
            ToCollector::Heartbeat(Heartbeat { last_packet_ms: Some(3), ..Heartbeat::default() }),
            ToCollector::Batch(batch),
            ToCollector::Subscribe { revision: Revision(4) },
            ToCollector::ListOutcome(ListOutcome::Refused { in_force: Revision(1), why: Text::cut("no") }),
            ToCollector::Enrol {
                sensor: SensorId(1),
                csr_der: vec![48],
                proof: [7; 32],
                agent_version: Text::cut("1"),
            },
            ToCollector::AskRoot,
        ] {
            assert_eq!(back_to_collector(&message), message);
        }
        for message in [
            ToAgent::HelloAck { protocol: 1, committed: Seq(3), reconnect_spread_ms: 1000, clock: Timestamp(1) },
            ToAgent::Ack { epoch: Epoch(2), seq: Seq(3) },
            ToAgent::Gap { expected: Seq(3) },
            ToAgent::ListOffer { manifest: vec![1] },
            ToAgent::ListChunk { octets: vec![0; LIST_CHUNK_MAX_OCTETS] },
            ToAgent::ListEnd,
            ToAgent::Root { document: vec![2] },
            ToAgent::Enrolled { certificate_der: vec![1], ca_der: vec![2], member_name: Text::cut("Gjøvik") },
            ToAgent::EnrolRefused(EnrolRefusal::Used),
        ] {
            assert_eq!(back_to_agent(&message), message);
        }
    }

    #[test]
    fn a_batch_over_its_caps_is_refused() {
        let many = Batch { epoch: Epoch(1), first_seq: Seq(1), records: vec![vec![]; BATCH_MAX_RECORDS + 1] };
        let long = Batch { epoch: Epoch(1), first_seq: Seq(1), records: vec![vec![0; RECORD_MAX_OCTETS + 1]] };
        for batch in [many, long] {
            let octets = ToCollector::Batch(batch).to_frame().unwrap();
            assert!(matches!(ToCollector::from_body(4, &octets[8..]), Err(Malformed::TooLarge { .. })));
        }
    }

    proptest! {
        #[test]
        fn hostile_bodies_are_a_message_or_refused(kind in 0u16..120, body in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = ToCollector::from_body(kind, &body);
            let _ = ToAgent::from_body(kind, &body);
            let _ = crate::record::Record::from_octets(&body);
            let _ = crate::token::Token::from_text(&String::from_utf8_lossy(&body));
        }
    }
}
