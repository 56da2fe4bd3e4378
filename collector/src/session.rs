//! One sensor's conversation as a state machine: a message in, what to do out, or the reason why the session ends.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Instant;

use varde_common::channel::ChannelName;
use varde_common::codec::{Malformed, Text};
use varde_common::compact::Unpacker;
use varde_common::heartbeat::Further;
use varde_common::id::{Epoch, Mark, Revision, SiteId};
use varde_common::message::{
    Batch, BrakeOutcome, ChannelOutcome, CloseReason, CompactBatch, Heartbeat, Hello, Holds, ListOutcome, Pulse,
    RootOutcome, Sight, Standing, Stream, ToCollector, common_protocol,
};
use varde_common::time::Timestamp;

use crate::ingest::hello::Introduction;
use crate::limits::{
    HEARTBEAT_AT_LEAST, OUTCOMES_UNASKED_MAX, RECONNECT_SPREAD_MIN_MS, RECONNECTS_PER_SECOND, RENEWALS_APART,
};

/// What is to be done about a message.
#[expect(clippy::large_enum_variant, reason = "an action lives for one turn and is never kept in numbers")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Look up who it is, and answer with HelloAck, Greeting or NewEpoch.
    Greet(Introduction),
    /// Take in a batch, then acknowledge.
    Ingest(Batch),
    /// Keep a heartbeat, with what version 2 tells beside it.
    Keep(Heartbeat, Option<Further>),
    /// From now on offer every list newer than this, and what comes before lists.
    Follow(Following),
    /// Keep what became of a root document.
    NoteRoot(RootOutcome),
    /// Keep how the sensor stands to its trust anchor, and how much of its network it sees, where it told of that.
    NoteStanding(Standing, Option<Sight>),
    /// Keep why a word of which list is the newest was not believed.
    NoteNewest(Text),
    /// Keep which channel the sensor follows, and why it did not follow another.
    NoteChannel(ChannelName, Option<Text>),
    /// Send the newest list whole: the sensor has not the base that its changes are over.
    SendWhole,
    /// Note what became of an order of the brake.
    NoteBrake(BrakeOutcome),
    /// Keep what became of a list.
    Note(ListOutcome),
    /// Give the next certificate, for the key that this request (PKCS #10, DER) is of.
    Renew(Vec<u8>),
    /// Say that self-tests are known here.
    TakeTests,
    /// Nothing: the message is passed over.
    Nothing,
}

/// What a sensor has of all that comes on the stream of lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Following {
    /// List in force.
    pub revision: Revision,
    /// Root document in force.
    pub root_version: u32,
    /// Whether it understands root documents there, and words of which list is the newest.
    pub roots: bool,
    /// What it has of lists; none = it reads manifests of the older form alone.
    pub holds: Option<Holding>,
}

/// What a sensor said in front of Subscribe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The channel it follows.
    pub channel: ChannelName,
    /// Of when the word is that has it follow it.
    pub placed_at: Option<Timestamp>,
    /// BLAKE3 of its base.
    pub base: Option<[u8; 32]>,
}

/// One sensor's conversation. It lives as long as its connection.
#[derive(Debug)]
pub struct Session {
    sites: BTreeSet<SiteId>,
    protocols: RangeInclusive<u16>,
    opened: BTreeSet<u8>,
    /// The mark said in front of Hello; none = nothing was said of one.
    kept: Option<Option<Mark>>,
    /// Version and spool, once Hello was taken.
    spoken: Option<(u16, Epoch)>,
    root_version: u32,
    unpacker: Unpacker,
    last_heartbeat: Option<Instant>,
    last_standing: Option<Instant>,
    last_sight: Option<Instant>,
    /// What it said of that, until its standing comes.
    sight: Option<Sight>,
    last_renewal: Option<Instant>,
    /// What was said of lists in front of Subscribe.
    holds: Option<Holding>,
    subscribed: bool,
    /// Whether it reads what is said of its self-tests.
    tests: bool,
    offers: u64,
    outcomes: u64,
    passed_over: u64,
}

fn place(stream: Stream) -> u8 {
    match stream {
        Stream::Control => 0,
        Stream::Alerts => 1,
        Stream::Statistics => 2,
        Stream::Lists => 3,
        Stream::Hunts => 4,
    }
}

impl Session {
    /// The conversation of a sensor that may report for these sites, in one of these versions.
    pub fn new(sites: impl IntoIterator<Item = SiteId>, protocols: RangeInclusive<u16>) -> Session {
        Session {
            sites: sites.into_iter().collect(),
            protocols,
            opened: BTreeSet::new(),
            kept: None,
            spoken: None,
            root_version: 0,
            unpacker: Unpacker::default(),
            last_heartbeat: None,
            last_standing: None,
            last_sight: None,
            sight: None,
            last_renewal: None,
            holds: None,
            subscribed: false,
            tests: false,
            offers: 0,
            outcomes: 0,
            passed_over: 0,
        }
    }

    /// A stream's first message. Each stream is opened once.
    ///
    /// # Errors
    /// Why the session ends.
    pub fn handle_first(&mut self, message: &ToCollector) -> Result<Stream, CloseReason> {
        match message {
            ToCollector::Open(stream) if self.opened.insert(place(*stream)) => Ok(*stream),
            ToCollector::Open(_)
            | ToCollector::Hello(_)
            | ToCollector::Heartbeat(_)
            | ToCollector::Batch(_)
            | ToCollector::Subscribe { .. }
            | ToCollector::ListOutcome(_)
            | ToCollector::Enrol { .. }
            | ToCollector::AskRoot
            | ToCollector::Kept(_)
            | ToCollector::Compact(_)
            | ToCollector::Pulse(_)
            | ToCollector::RootOutcome(_)
            | ToCollector::Standing(_)
            | ToCollector::Sight(_)
            | ToCollector::AskTests
            | ToCollector::NewestRefused { .. }
            | ToCollector::AskPinned { .. }
            | ToCollector::Renew { .. }
            | ToCollector::AskRoots { .. }
            | ToCollector::AskWhole
            | ToCollector::BrakeOutcome(_)
            | ToCollector::ChannelOutcome(_)
            | ToCollector::Holds(_) => Err(CloseReason::ProtocolError),
        }
    }

    /// Reads a message of a version spoken here.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn read(&self, kind: u16, body: &[u8]) -> Result<ToCollector, Malformed> {
        ToCollector::from_body_until(*self.protocols.end(), kind, body)
    }

    /// A later message on `stream`. The streams other than control are read only once Hello was answered: QUIC orders
    /// octets within a stream, not between them.
    ///
    /// # Errors
    /// Why the session ends.
    pub fn handle_message(
        &mut self,
        stream: Stream,
        message: ToCollector,
        now: Instant,
    ) -> Result<Action, CloseReason> {
        match (stream, message) {
            (Stream::Control, ToCollector::Kept(mark)) if self.spoken.is_none() && self.kept.is_none() => {
                self.kept = Some(mark);
                Ok(Action::Nothing)
            }
            (Stream::Control, ToCollector::Hello(hello)) if self.spoken.is_none() => self.handle_hello(hello),
            (Stream::Control, ToCollector::Heartbeat(heartbeat)) if self.speaks(1..=1) => {
                Ok(self.handle_heartbeat(heartbeat, None, now))
            }
            (Stream::Control, ToCollector::Pulse(Pulse { heartbeat, further })) if self.speaks(2..=u16::MAX) => {
                Ok(self.handle_heartbeat(heartbeat, Some(further), now))
            }
            (Stream::Alerts, ToCollector::Batch(batch)) if self.spoken == Some((1, batch.epoch)) => {
                // An empty batch asks for nothing; one whose numbers run out of 64 bits is nonsense.
                if batch.last_seq().is_none() || batch.first_seq.0 == 0 {
                    return Err(CloseReason::ProtocolError);
                }
                Ok(Action::Ingest(batch))
            }
            (Stream::Alerts, ToCollector::Compact(batch)) => self.handle_compact(&batch),
            (Stream::Alerts, ToCollector::AskTests) if self.speaks(3..=u16::MAX) && !self.tests => {
                self.tests = true;
                Ok(Action::TakeTests)
            }
            (Stream::Control, ToCollector::Renew { csr_der }) if self.speaks(3..=u16::MAX) => {
                if self.last_renewal.is_some_and(|last| now.saturating_duration_since(last) < RENEWALS_APART) {
                    self.passed_over += 1;
                    return Ok(Action::Nothing);
                }
                self.last_renewal = Some(now);
                Ok(Action::Renew(csr_der))
            }
            (Stream::Lists, ToCollector::Holds(holds))
                if self.speaks(3..=u16::MAX) && self.holds.is_none() && !self.subscribed =>
            {
                let Holds { channel, placed_at, base } = holds;
                let channel = channel.as_str().parse().map_err(|_| CloseReason::ProtocolError)?;
                self.holds = Some(Holding { channel, placed_at, base });
                Ok(Action::Nothing)
            }
            (Stream::Lists, ToCollector::Subscribe { revision }) if self.spoken.is_some() && !self.subscribed => {
                self.subscribed = true;
                let roots = self.speaks(3..=u16::MAX);
                let holds = self.holds.take();
                Ok(Action::Follow(Following { revision, root_version: self.root_version, roots, holds }))
            }
            (Stream::Lists, ToCollector::ListOutcome(outcome)) if self.subscribed => {
                self.handle_answer().map(|()| Action::Note(outcome))
            }
            (Stream::Lists, ToCollector::RootOutcome(outcome)) if self.subscribed && self.speaks(3..=u16::MAX) => {
                self.handle_answer().map(|()| Action::NoteRoot(outcome))
            }
            (Stream::Lists, ToCollector::NewestRefused { why }) if self.subscribed && self.speaks(3..=u16::MAX) => {
                self.handle_answer().map(|()| Action::NoteNewest(why))
            }
            (Stream::Lists, ToCollector::AskWhole) if self.subscribed && self.speaks(3..=u16::MAX) => {
                self.handle_answer().map(|()| Action::SendWhole)
            }
            (Stream::Lists, ToCollector::ChannelOutcome(outcome)) if self.subscribed && self.speaks(3..=u16::MAX) => {
                let (channel, why) = match outcome {
                    ChannelOutcome::Follows { channel } => (channel, None),
                    ChannelOutcome::Refused { channel, why } => (channel, Some(why)),
                };
                let channel = channel.as_str().parse().map_err(|_| CloseReason::ProtocolError)?;
                self.handle_answer().map(|()| Action::NoteChannel(channel, why))
            }
            (Stream::Lists, ToCollector::BrakeOutcome(outcome)) if self.subscribed && self.speaks(3..=u16::MAX) => {
                self.handle_answer().map(|()| Action::NoteBrake(outcome))
            }
            (Stream::Control, ToCollector::Standing(standing)) if self.speaks(3..=u16::MAX) => {
                if is_too_soon(&mut self.last_standing, now) {
                    self.passed_over += 1;
                    return Ok(Action::Nothing);
                }
                Ok(Action::NoteStanding(standing, self.sight.take()))
            }
            (Stream::Control, ToCollector::Sight(sight)) if self.speaks(3..=u16::MAX) => {
                if is_too_soon(&mut self.last_sight, now) {
                    self.passed_over += 1;
                    return Ok(Action::Nothing);
                }
                // It is noted with the standing that comes behind it: one transaction for both.
                self.sight = Some(sight);
                Ok(Action::Nothing)
            }
            // Totals and hunts have no messages yet; anything else is out of place.
            (
                Stream::Control | Stream::Alerts | Stream::Statistics | Stream::Lists | Stream::Hunts,
                ToCollector::Open(_)
                | ToCollector::Hello(_)
                | ToCollector::Heartbeat(_)
                | ToCollector::Batch(_)
                | ToCollector::Subscribe { .. }
                | ToCollector::ListOutcome(_)
                | ToCollector::Enrol { .. }
                | ToCollector::AskRoot
                | ToCollector::Kept(_)
                | ToCollector::Compact(_)
                | ToCollector::Pulse(_)
                | ToCollector::RootOutcome(_)
                | ToCollector::Standing(_)
                | ToCollector::Sight(_)
                | ToCollector::AskTests
                | ToCollector::NewestRefused { .. }
                | ToCollector::AskPinned { .. }
                | ToCollector::Renew { .. }
                | ToCollector::AskRoots { .. }
                | ToCollector::AskWhole
                | ToCollector::BrakeOutcome(_)
                | ToCollector::ChannelOutcome(_)
                | ToCollector::Holds(_),
            ) => Err(CloseReason::ProtocolError),
        }
    }

    fn handle_hello(&mut self, hello: Hello) -> Result<Action, CloseReason> {
        let theirs = hello.protocol_min..=hello.protocol_max;
        let protocol = common_protocol(&self.protocols, &theirs).ok_or(CloseReason::Version)?;
        if !hello.sites.iter().all(|site| self.sites.contains(site)) {
            return Err(CloseReason::UnknownSite);
        }
        self.spoken = Some((protocol, hello.epoch));
        self.root_version = hello.root_version;
        Ok(Action::Greet(Introduction { hello, protocol, kept: self.kept.flatten() }))
    }

    /// An answer to something that was sent; there are not many more of them than that.
    fn handle_answer(&mut self) -> Result<(), CloseReason> {
        self.outcomes += 1;
        if self.outcomes > self.offers + OUTCOMES_UNASKED_MAX { Err(CloseReason::ProtocolError) } else { Ok(()) }
    }

    fn speaks(&self, versions: RangeInclusive<u16>) -> bool {
        self.spoken.is_some_and(|(spoken, _)| versions.contains(&spoken))
    }

    fn handle_heartbeat(&mut self, heartbeat: Heartbeat, further: Option<Further>, now: Instant) -> Action {
        if self.last_heartbeat.is_some_and(|last| now.saturating_duration_since(last) < HEARTBEAT_AT_LEAST) {
            self.passed_over += 1;
            return Action::Nothing;
        }
        self.last_heartbeat = Some(now);
        Action::Keep(heartbeat, further)
    }

    fn handle_compact(&mut self, batch: &CompactBatch) -> Result<Action, CloseReason> {
        let Some((2.., epoch)) = self.spoken else { return Err(CloseReason::ProtocolError) };
        let batch = self.unpacker.unpack(epoch, batch).map_err(|why| {
            tracing::warn!("a batch cannot be unpacked: {why}");
            CloseReason::ProtocolError
        })?;
        // One whose numbers run out of 64 bits is nonsense; none is empty.
        if batch.last_seq().is_none() || batch.first_seq.0 == 0 {
            return Err(CloseReason::ProtocolError);
        }
        Ok(Action::Ingest(batch))
    }

    /// Whether Hello was heard, answered or not.
    pub fn is_introduced(&self) -> bool {
        self.spoken.is_some()
    }

    /// A message of a kind that is not known here: a newer agent's. It is passed over.
    pub fn handle_unknown_kind(&mut self) {
        self.passed_over += 1;
    }

    /// A list was offered, a root document or a word of which list is the newest.
    pub fn handle_offered(&mut self) {
        self.offers += 1;
    }

    /// Whether it reads what is said of its self-tests.
    pub fn reads_tests(&self) -> bool {
        self.tests
    }

    /// Messages passed over so far.
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }
}

/// Whether the last one of its kind came just before; if not, this is the last one.
fn is_too_soon(last: &mut Option<Instant>, now: Instant) -> bool {
    if last.is_some_and(|last| now.saturating_duration_since(last) < HEARTBEAT_AT_LEAST) {
        return true;
    }
    *last = Some(now);
    false
}

/// Milliseconds over which this many sensors spread their return: 200 a second, at least one second.
pub fn reconnect_spread_ms(sensors: u64) -> u32 {
    let spread = sensors.saturating_mul(1000) / RECONNECTS_PER_SECOND;
    u32::try_from(spread.max(RECONNECT_SPREAD_MIN_MS)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::clock;
    use proptest::prelude::*;
    use std::time::Duration;
    use varde_common::compact::Packer;
    use varde_common::id::Seq;
    use varde_common::message::PROTOCOLS;

    fn hello() -> Hello {
        Hello {
            protocol_min: 1,
            protocol_max: 1,
            agent_version: Text::cut("0.1.0"),
            epoch: Epoch(7),
            first_seq: Seq(1),
            next_seq: Seq(1),
            revision: Revision(3),
            root_version: 1,
            sites: vec![SiteId(0)],
            clock: Timestamp(0),
        }
    }

    fn greeted() -> Session {
        greeted_by(hello())
    }

    fn greeted_by(hello: Hello) -> Session {
        let mut session = Session::new([SiteId(0), SiteId(2)], PROTOCOLS);
        for stream in [Stream::Control, Stream::Alerts, Stream::Lists] {
            assert_eq!(session.handle_first(&ToCollector::Open(stream)), Ok(stream));
        }
        session.handle_message(Stream::Control, ToCollector::Hello(hello), clock::monotonic()).unwrap();
        session
    }

    fn batch(epoch: u128, first: u64, records: usize) -> ToCollector {
        ToCollector::Batch(Batch { epoch: Epoch(epoch), first_seq: Seq(first), records: vec![vec![0]; records] })
    }

    #[test]
    fn hello_is_held_against_version_and_sites() {
        let now = clock::monotonic();
        let say = |change: fn(&mut Hello)| {
            let mut session = Session::new([SiteId(0), SiteId(2)], PROTOCOLS);
            let mut hello = hello();
            change(&mut hello);
            session.handle_message(Stream::Control, ToCollector::Hello(hello), now)
        };
        let spoken = |said: Result<Action, CloseReason>| match said {
            Ok(Action::Greet(said)) => Some((said.protocol, said.kept)),
            _ => None,
        };
        assert_eq!(spoken(say(|_| ())), Some((1, None)));
        assert_eq!(spoken(say(|h| h.sites = vec![SiteId(0), SiteId(2)])), Some((1, None)));
        assert_eq!(spoken(say(|h| h.protocol_max = 2)), Some((2, None)));
        assert_eq!(spoken(say(|h| (h.protocol_min, h.protocol_max) = (2, 9))), Some((3, None)));
        assert_eq!(say(|h| h.sites = vec![SiteId(0), SiteId(1)]), Err(CloseReason::UnknownSite));
        assert_eq!(say(|h| (h.protocol_min, h.protocol_max) = (4, 9)), Err(CloseReason::Version));
        assert_eq!(say(|h| (h.protocol_min, h.protocol_max) = (0, 0)), Err(CloseReason::Version));
        assert_eq!(say(|h| (h.protocol_min, h.protocol_max) = (9, 0)), Err(CloseReason::Version));
    }

    #[test]
    fn every_message_has_its_stream_and_its_turn() {
        let now = clock::monotonic();
        let subscribe = || ToCollector::Subscribe { revision: Revision(1) };
        let outcome = || ToCollector::ListOutcome(ListOutcome::InForce { revision: Revision(1), since: Timestamp(1) });
        let compact = |epoch| match batch(epoch, 1, 1) {
            ToCollector::Batch(batch) => ToCollector::Compact(Packer::default().pack(&batch)),
            other => other,
        };
        let out_of_place: [(Stream, ToCollector); 17] = [
            (Stream::Control, ToCollector::Renew { csr_der: vec![] }),
            (Stream::Control, ToCollector::Hello(hello())),
            (Stream::Control, ToCollector::Open(Stream::Control)),
            (Stream::Control, batch(7, 1, 1)),
            (Stream::Control, ToCollector::AskRoot),
            (Stream::Alerts, ToCollector::Heartbeat(Heartbeat::default())),
            (Stream::Alerts, batch(8, 1, 1)),
            (Stream::Alerts, batch(7, 1, 0)),
            (Stream::Alerts, batch(7, 0, 1)),
            (Stream::Alerts, batch(7, u64::MAX, 2)),
            (Stream::Alerts, subscribe()),
            (Stream::Lists, outcome()),
            (Stream::Statistics, ToCollector::Heartbeat(Heartbeat::default())),
            (Stream::Hunts, subscribe()),
            (Stream::Control, ToCollector::Kept(None)),
            (Stream::Alerts, compact(7)),
            (Stream::Control, ToCollector::Pulse(Pulse::default())),
        ];
        for (stream, message) in out_of_place {
            let said = greeted().handle_message(stream, message.clone(), now);
            assert_eq!(said, Err(CloseReason::ProtocolError), "{stream:?} {message:?}");
        }
        let mut session = greeted();
        assert!(matches!(session.handle_message(Stream::Alerts, batch(7, 1, 3), now), Ok(Action::Ingest(_))));
        let following = Following { revision: Revision(1), root_version: 1, roots: false, holds: None };
        assert_eq!(session.handle_message(Stream::Lists, subscribe(), now), Ok(Action::Follow(following)));
        assert_eq!(session.handle_message(Stream::Lists, subscribe(), now), Err(CloseReason::ProtocolError));
        assert!(matches!(session.handle_message(Stream::Lists, outcome(), now), Ok(Action::Note(_))));
        // What version 3 has beside it, each on its stream.
        let mut third = greeted_by(Hello { protocol_max: 3, root_version: 4, ..hello() });
        let standing = || ToCollector::Standing(Standing::default());
        let root = || ToCollector::RootOutcome(RootOutcome::InForce { version: 5, since: Timestamp(1) });
        assert_eq!(session.handle_message(Stream::Control, standing(), now), Err(CloseReason::ProtocolError));
        let sight = || ToCollector::Sight(Sight::default());
        assert_eq!(session.handle_message(Stream::Control, sight(), now), Err(CloseReason::ProtocolError));
        assert_eq!(session.handle_message(Stream::Lists, root(), now), Err(CloseReason::ProtocolError));
        assert_eq!(third.handle_message(Stream::Lists, root(), now), Err(CloseReason::ProtocolError));
        let following = Following { revision: Revision(1), root_version: 4, roots: true, holds: None };
        assert_eq!(third.handle_message(Stream::Lists, subscribe(), now), Ok(Action::Follow(following)));
        assert!(matches!(third.handle_message(Stream::Lists, root(), now), Ok(Action::NoteRoot(_))));
        assert_eq!(
            third.handle_message(Stream::Control, sight(), now),
            Ok(Action::Nothing),
            "noted with the next standing"
        );
        let both = Action::NoteStanding(Standing::default(), Some(Sight::default()));
        assert_eq!(third.handle_message(Stream::Control, standing(), now), Ok(both));
        let later = now + HEARTBEAT_AT_LEAST;
        let alone = Action::NoteStanding(Standing::default(), None);
        assert_eq!(third.handle_message(Stream::Control, standing(), later), Ok(alone), "it is noted once");
        assert_eq!(third.handle_message(Stream::Control, standing(), now), Ok(Action::Nothing), "too soon");
        assert_eq!(third.handle_message(Stream::Control, root(), now), Err(CloseReason::ProtocolError));
        let tests = || ToCollector::AskTests;
        assert!(!third.reads_tests());
        assert_eq!(third.handle_message(Stream::Control, tests(), now), Err(CloseReason::ProtocolError));
        assert_eq!(third.handle_message(Stream::Alerts, tests(), now), Ok(Action::TakeTests));
        assert_eq!(third.handle_message(Stream::Alerts, tests(), now), Err(CloseReason::ProtocolError), "asked once");
        assert!(third.reads_tests());
        assert_eq!(session.handle_message(Stream::Alerts, tests(), now), Err(CloseReason::ProtocolError));
        // What version 2 has in place of others, and nothing in place of them any more; version 3 likewise.
        for version in [2, 3] {
            let later = || greeted_by(Hello { protocol_max: version, ..hello() });
            for (stream, message) in
                [(Stream::Alerts, batch(7, 1, 1)), (Stream::Control, ToCollector::Heartbeat(Heartbeat::default()))]
            {
                assert_eq!(later().handle_message(stream, message, now), Err(CloseReason::ProtocolError));
            }
            assert!(matches!(later().handle_message(Stream::Alerts, compact(7), now), Ok(Action::Ingest(_))));
            let pulse = ToCollector::Pulse(Pulse::default());
            assert!(matches!(later().handle_message(Stream::Control, pulse, now), Ok(Action::Keep(_, Some(_)))));
            let renew = || ToCollector::Renew { csr_der: vec![7] };
            let renewed = if version < 3 { Err(CloseReason::ProtocolError) } else { Ok(Action::Renew(vec![7])) };
            assert_eq!(later().handle_message(Stream::Control, renew(), now), renewed);
            assert_eq!(later().handle_message(Stream::Lists, renew(), now), Err(CloseReason::ProtocolError));
        }
    }

    #[test]
    fn v1_a_collector_of_version_one_passes_over_what_came_later() {
        let session = Session::new([SiteId(0)], 1..=1);
        let frame = ToCollector::Kept(Some(Mark(4))).to_frame().unwrap();
        assert_eq!(session.read(10, &frame[8..]), Err(Malformed::UnknownKind(10)));
        let mut session = Session::new([SiteId(0)], PROTOCOLS);
        let now = clock::monotonic();
        let kept = session.read(10, &frame[8..]).unwrap();
        assert_eq!(session.handle_message(Stream::Control, kept.clone(), now), Ok(Action::Nothing));
        assert_eq!(session.handle_message(Stream::Control, kept, now), Err(CloseReason::ProtocolError), "said once");
        let said = session.handle_message(Stream::Control, ToCollector::Hello(hello()), now);
        assert!(matches!(said, Ok(Action::Greet(Introduction { kept: Some(Mark(4)), .. }))));
    }

    #[test]
    fn nothing_is_heard_before_hello_and_no_stream_opens_twice() {
        let now = clock::monotonic();
        let mut session = Session::new([SiteId(0)], PROTOCOLS);
        let heartbeat = ToCollector::Heartbeat(Heartbeat::default());
        assert_eq!(session.handle_message(Stream::Control, heartbeat.clone(), now), Err(CloseReason::ProtocolError));
        assert_eq!(session.handle_message(Stream::Alerts, batch(0, 1, 1), now), Err(CloseReason::ProtocolError));
        assert_eq!(session.handle_first(&heartbeat), Err(CloseReason::ProtocolError));
        assert_eq!(session.handle_first(&ToCollector::Open(Stream::Alerts)), Ok(Stream::Alerts));
        assert_eq!(session.handle_first(&ToCollector::Open(Stream::Alerts)), Err(CloseReason::ProtocolError));
    }

    #[test]
    fn p1_a_flood_of_heartbeats_or_outcomes_costs_the_flooder() {
        let start = clock::monotonic();
        let mut session = greeted();
        let kept = (0..1000u64)
            .filter(|ms| {
                let now = start + Duration::from_millis(*ms);
                let heartbeat = ToCollector::Heartbeat(Heartbeat::default());
                session.handle_message(Stream::Control, heartbeat, now) != Ok(Action::Nothing)
            })
            .count();
        assert_eq!((kept, session.passed_over()), (1, 999));

        session.handle_message(Stream::Lists, ToCollector::Subscribe { revision: Revision(0) }, start).unwrap();
        session.handle_offered();
        let outcome = ListOutcome::InForce { revision: Revision(1), since: Timestamp(1) };
        let taken = (0..100)
            .take_while(|_| {
                session.handle_message(Stream::Lists, ToCollector::ListOutcome(outcome.clone()), start).is_ok()
            })
            .count();
        assert_eq!(taken as u64, 1 + OUTCOMES_UNASKED_MAX);
    }

    #[test]
    fn sensors_spread_their_return() {
        let spread = [0, 1, 200, 1000, u64::MAX].map(reconnect_spread_ms);
        assert_eq!(spread, [1000, 1000, 1000, 5000, u32::MAX]);
    }

    proptest! {
        #[test]
        fn p1_any_bodies_in_any_order_never_panic(bodies in prop::collection::vec((0u8..5, 0u16..40, prop::collection::vec(any::<u8>(), 0..60)), 0..40)) {
            let mut session = greeted();
            for (stream, kind, body) in bodies {
                let stream = [Stream::Control, Stream::Alerts, Stream::Statistics, Stream::Lists, Stream::Hunts][usize::from(stream)];
                if let Ok(message) = ToCollector::from_body(kind, &body) {
                    let _ = session.handle_first(&message);
                    let _ = session.handle_message(stream, message, clock::monotonic());
                }
            }
        }
    }
}
