//! Every bound of the sensor: unit in the name, reason beside it.

mod carried;
mod connections;
mod keys;
mod metrics;
mod operation;
mod reconnect;
mod trust;

pub use carried::{CARRIED_ANSWERS_MAX_OCTETS, CARRIED_PIECE_OCTETS, CARRIED_WITHIN_S};
pub use connections::{
    DOUBTS_MAX, DOUBTS_MAX_OCTETS, FLOW_ESTABLISHED_IDLE_TIMEOUT_S, FLOW_LINGER_S, HEARD_ALONE_AFTER,
    SYN_DATA_MAX_OCTETS, TCP_WINDOW_MAX_OCTETS, TCP_WINDOW_SCALED_MAX_OCTETS,
};
pub use keys::{
    CREDENTIALS_MAX_OCTETS, ENROL_AGAIN_S, ENROL_WAITS_MAX_MIN, ENROL_WAITS_MIN, RENEWAL_AGAIN_MAX_S, RENEWAL_AGAIN_S,
    RENEWAL_LATE_SPREADS, RENEWAL_LOOK_S, RENEWAL_SPREAD_S,
};
pub use metrics::{CONTROL_ANSWER_MAX_OCTETS, CONTROL_QUESTION_MAX_OCTETS, METRICS_WITHIN_S};
pub use operation::*;
pub use reconnect::{
    RECONNECT_BASE_MS, RECONNECT_MAX_MS, RECONNECT_REPLACED_MAX_MS, RECONNECT_REVOKED_MS, RECONNECT_SPREAD_MAX_MS,
    RECONNECT_UNAVAILABLE_MAX_MS, REFUSALS_BORNE_A_MINUTE, REFUSALS_BORNE_AT_ONCE, REFUSALS_LOOK_EVERY_S,
    REFUSALS_TOLD_A_MINUTE, REFUSALS_TOLD_AT_ONCE,
};
pub use trust::{
    BRAKE_CLOCKS_DIFFER_S, BRAKE_LOOK_EVERY_S, BRAKED_GROUPS_MAX, COLLECTOR_AHEAD_MAX_S, COLLECTOR_TIME_KEEP_EVERY_S,
    COLLECTOR_TIME_SLACK_S, FLOOR_MARKS_MAX, FREQUENT_HELD_S, FREQUENT_HOSTS, FREQUENT_KEPT_MAX, FREQUENT_TOLD_MAX,
    FREQUENT_WITHIN_S, REFUSAL_MAX_CHARACTERS, ROOT_FOLLOWED_WITHIN_S, ROOT_LANE_AGAIN_MAX_S, ROOT_LANE_AGAIN_S,
    ROOT_LANE_MAX_OCTETS, ROOT_LANE_WITHIN_S, ROOT_STEPS_MAX,
};

/// Flows remembered at once. A municipality of 30,000 has some 20,000 open; a flood must not cost more memory than this.
pub const FLOWS_MAX: usize = 131_072;
/// What all of them take, and what finds them.
pub const FLOWS_MAX_OCTETS: usize = 26 * 1024 * 1024;
/// A flow without packets for so long is over (RFC 7011 "idle timeout"), seconds.
pub const FLOW_IDLE_TIMEOUT_S: u64 = 120;
/// A flow that goes on is reported after so long (RFC 7011 "active timeout"), seconds.
pub const FLOW_ACTIVE_TIMEOUT_S: u64 = 1800;
/// Flows remembered after they are over, by who began them: UDP conversations that are more than a look-up, and TCP
/// connections whose end was not seen. Of a municipality's, those of a quarter of an hour.
pub const FLOWS_REMEMBERED: usize = 65_536;
/// What they take.
pub const FLOWS_REMEMBERED_MAX_OCTETS: usize = 512 * 1024;

/// The tables are asked what has timed out no more often than this, by the packets' clock, milliseconds: the shortest
/// timeout is some seconds, and to ask costs more than a packet does.
pub const TIMEOUTS_LOOKED_AT_EVERY_MS: u64 = 50;

/// From one packet of a source to its next no more time than this passes without a second packet saying so, and from one
/// word of the caller to the next none at all, seconds: beyond it lies a gap between captures, or a clock that was set.
pub const CLOCK_AHEAD_MAX_S: i64 = 3600;
/// Packets of a source may be out of order by so much, seconds: several queues, several files that overlap.
pub const CLOCK_BACK_MAX_S: i64 = 60;
/// Packets in a row that must agree before the time is believed to have leapt: one alone is a wrong one.
pub const CLOCK_AHEAD_BELIEVED_AFTER: u32 = 2;
/// Packets in a row that must agree before a source's clock is believed to have been set back: what was noted by it is then
/// gone through, which must not come with every few packets.
pub const CLOCK_BACK_BELIEVED_AFTER: u32 = 32;
/// However far time has leapt, no more than this passes, seconds: longer than any timeout, so everything is over, and still
/// a capture full of leaps does not come to the end of time.
pub const CLOCK_LEAP_MAX_S: i64 = 48 * 3600;

/// DNS queries that wait for their response at once, and responses that may come again: at five seconds each more than 6,000
/// look-ups a second, several times what a municipality of 30,000 makes.
pub const TRANSACTIONS_MAX: usize = 32_768;
/// Octets of their names over all of them: 64 each, more than twice what is usual; names of 254 are a tunnel or a flood.
pub const TRANSACTION_NAMES_MAX_OCTETS: usize = 2 * 1024 * 1024;
/// What all of them take with their names, and what finds them.
pub const TRANSACTIONS_MAX_OCTETS: usize = 9 * 1024 * 1024;
/// A query without a response for so long had none, seconds (resolvers give up after some 5).
pub const TRANSACTION_TIMEOUT_S: u64 = 6;
/// A response that comes again within so long is the same one, seen twice (a mirror shows many packets on their way in
/// and on their way out), seconds.
pub const RESPONSE_DUPLICATE_S: u64 = 5;
/// Answer records read of one message; the rest is counted.
pub const ANSWERS_MAX: usize = 64;
/// Addresses of one response that concerns nobody, noted where they lie; a response with more is put together first.
pub const ANSWERS_NOTED_MAX: usize = 16;
/// Compression pointers followed for one name (RFC 9267 asks for a bound).
pub const POINTER_HOPS_MAX: usize = 128;
/// Compression pointers followed in one message.
pub const POINTER_HOPS_MESSAGE_MAX: usize = 1024;
/// Octets of names read of one message, those of the question's own name in answers apart.
pub const NAME_OCTETS_MESSAGE_MAX: usize = 4_096;
/// Addresses taken of each family from one service binding; more than any service publishes.
pub const SERVICE_HINTS_MAX: usize = 8;

/// TCP streams with DNS reassembled at once.
pub const STREAMS_MAX: usize = 4_096;
/// Octets kept of one direction of a stream: one DNS message with its length prefix.
pub const STREAM_MAX_OCTETS: usize = 65_537;
/// Octets kept over all streams.
pub const STREAMS_TOTAL_MAX_OCTETS: usize = 4 * 1024 * 1024;
/// What all streams take beside that.
pub const STREAMS_MAX_OCTETS: usize = 1024 * 1024;

/// Runs of octets kept behind gaps in one direction of a stream. A sender with a lost segment has at most some dozens
/// more under way.
pub const STREAM_PIECES_MAX: usize = 64;
/// A segment that is missing for so long was lost on its way to the sensor, not to the receiver, seconds (RFC 6298: the
/// first retransmission comes after one).
pub const STREAM_GAP_TIMEOUT_S: u64 = 3;
/// Times a direction that was joined midway may turn out not to be at the start of a message before it is given up.
pub const STREAM_JOINS_MAX: u8 = 8;
/// A direction of a stream without segments for so long is forgotten, seconds (RFC 7766 section 6.2.3: servers close
/// idle connections after seconds to a few minutes).
pub const STREAM_IDLE_TIMEOUT_S: u64 = 120;
/// After FIN or RST a stream is still known for so long, so that what is sent again is not read again, seconds.
pub const STREAM_LINGER_S: u64 = 5;

/// Segments with data that are looked at for the beginning of a greeting, each way, and again behind each hello: STARTTLS
/// comes after a few, whatever is none has shown it by then.
pub const GREETING_SEGMENTS_MAX: u8 = 16;
/// Octets of a greeting's stream that are kept behind those that were read, until a gap is filled: the largest record
/// and its header. Of QUIC's stream, which is read when it is whole, all that is kept.
pub const GREETING_MAX_OCTETS: usize = 18 * 1024;
/// Runs of octets with gaps between them, in one greeting. Browsers scatter a hello over some dozens of pieces.
pub const GREETING_RUNS_MAX: usize = 64;
/// Names read behind a gap that one greeting remembers, so that none is told again when the gap is filled: no more whole
/// requests than these lie in what is kept.
pub const GREETING_AHEAD_NAMES_MAX: usize = 1_024;
/// Greetings kept in part at once. They are whole within a few round trips; one that waits for longer makes room first.
pub const GREETINGS_MAX: usize = 4_096;
/// Octets kept over all of them.
pub const GREETINGS_TOTAL_MAX_OCTETS: usize = 4 * 1024 * 1024;
/// What all of them take beside that.
pub const GREETINGS_MAX_OCTETS: usize = 1024 * 1024;
/// The rest of a greeting that has not come so long after the last of it will not come any more, seconds: common servers
/// wait a minute for a request's head. A full table lets the oldest go before that.
pub const GREETING_TIMEOUT_S: u64 = 90;
/// One ClientHello over TCP, without the headers of its records: with post-quantum keys and tickets they have some 2,000
/// octets; common servers (Go, rustls) take 64 KiB. Of a longer one the name is read that stands in so much of it.
pub const HELLO_MAX_OCTETS: usize = 64 * 1024;
/// TLS records joined for one ClientHello: one for each octet of the longest. They cost nothing but the octets they
/// bring, so the bound only ends what has no end.
pub const HELLO_RECORDS_MAX: usize = HELLO_MAX_OCTETS;
/// An alert or the like in front of a ClientHello whose end is waited for, where it is no longer: an alert has two octets,
/// a protected one some forty. However many come whole are passed over.
pub const OTHER_RECORD_MAX_OCTETS: usize = 64;
/// Hellos told of one end over TCP: a client has reason for two (RFC 8446 section 4.1.4), and a decoy or some may stand in
/// front of the one that counts.
pub const TLS_HELLOS_MAX: u8 = 8;
/// Octets shown of a server name that is no name and no address: as long as a name may be.
pub const SERVER_NAME_TEXT_MAX_OCTETS: usize = 255;
/// Protocols kept of those a hello offers; programs offer one or two.
pub const ALPNS_MAX: usize = 32;
/// Packets looked at in one QUIC datagram: a client sends an Initial, a 0-RTT and a Handshake packet together at most.
pub const QUIC_PACKETS_MAX: usize = 8;
/// QUIC packets of one flow and direction that may fail to open, or open and bring nothing, before it is left alone, or
/// until a hello is read: an ordinary client's acknowledgements make two or three.
pub const QUIC_TRIES_MAX: u8 = 32;
/// Connections of one flow whose hellos are gathered at once: a decoy must not push out what it stands in front of.
pub const QUIC_CONNECTIONS_MAX: usize = 4;
/// Hellos told of one end of a QUIC flow: a load generator or a library that reuses its port has several connections there.
pub const QUIC_HELLOS_MAX: u8 = 8;
/// QUIC hellos remembered as they were told, so that what is sent again is known: of some hundred connections a second,
/// those of the second within which a client asks again.
pub const QUIC_LATELY_MAX: usize = 128;
/// A longer hello is not remembered: with post-quantum keys, a ticket and ECH they have some 2,200 octets.
pub const QUIC_LATELY_MAX_OCTETS: usize = 2_560;
/// What all of them take.
pub const QUIC_LATELY_TOTAL_MAX_OCTETS: usize = QUIC_LATELY_MAX * (QUIC_LATELY_MAX_OCTETS + 64);
/// The head of an HTTP request, as far as it is read; servers commonly take 8 to 32 KiB. Kept is the line under way.
pub const HTTP_HEAD_MAX_OCTETS: usize = 64 * 1024;
/// Requests read of one flow: servers commonly serve 1,000 on one connection, proxies more.
pub const HTTP_REQUESTS_MAX: u16 = 50_000;
/// A line of a head that is kept whole; of a longer one the beginning is enough, unless it is one that is read.
pub const HTTP_LINE_MAX_OCTETS: usize = 8 * 1024;
/// A line between chunks of a body: a number, and extensions that nobody uses.
pub const HTTP_CHUNK_LINE_MAX_OCTETS: usize = 1024;
/// A request's body is passed over when it says it is no longer than this; in a longer one the beginning of each
/// segment is looked at.
pub const HTTP_BODY_MAX_OCTETS: u64 = 1 << 30;
/// Different hosts told of one request: it should name one, and a proxy and a server may each follow another.
pub const HTTP_HOSTS_MAX: usize = 4;
/// A method; the longest registered one (UPDATEREDIRECTREF) has 17 octets.
pub const HTTP_METHOD_MAX_OCTETS: usize = 32;

/// One captured frame: the largest a link or an offload makes.
pub const FRAME_MAX_OCTETS: usize = 262_144;
/// VLAN tags in front of one packet.
pub const VLAN_TAGS_MAX: usize = 8;
/// IPv6 extension headers in front of one packet.
pub const IPV6_EXTENSIONS_MAX: usize = 16;
/// Packets inside one another that are opened; an overlay in an overlay behind a mirror's tunnel makes four.
pub const TUNNELS_MAX: usize = 8;
/// MPLS labels in front of one packet.
pub const MPLS_LABELS_MAX: usize = 16;
/// Source route entries of one GRE packet.
pub const GRE_ROUTES_MAX: usize = 16;
/// Extension headers of one GTP-U packet.
pub const GTP_EXTENSIONS_MAX: usize = 16;

/// Fragmented packets waiting for the rest of themselves at once.
pub const FRAGMENTED_MAX: usize = 1_024;
/// Octets of fragments held over all of them: a thousand answers of 4 KiB.
pub const FRAGMENTS_TOTAL_MAX_OCTETS: usize = 4 * 1024 * 1024;
/// What all of them take beside that.
pub const FRAGMENTED_MAX_OCTETS: usize = 256 * 1024;
/// A packet's fragments are waited for so long after the first that came, seconds (RFC 8200 section 4.5): whoever gives up
/// before the receiver does is blind to one that sends the end late.
pub const FRAGMENTS_TIMEOUT_S: u64 = 60;
/// Fragments held of one packet: the largest packet over the smallest MTU of IPv6 makes 54 fragments.
pub const FRAGMENTS_EACH_MAX: usize = 128;
/// Octets held of one packet's fragments: the longest packet, and one fragment as long that contradicts it.
pub const FRAGMENTS_EACH_MAX_OCTETS: usize = 2 * IP_PACKET_MAX_OCTETS;
/// The largest IP packet (RFC 791 section 3.1): what fragments lay claim to beyond it is a lie.
pub const IP_PACKET_MAX_OCTETS: usize = 65_535;

/// Packets put together from fragments inside one another.
pub const REJOINED_DEPTH_MAX: usize = 3;

/// Packets remembered to know a mirror's second copy; at 400,000 a second some 10 ms.
pub const COPIES_REMEMBERED: usize = 4_096;
/// What they take.
pub const COPIES_MAX_OCTETS: usize = 128 * 1024;
/// A copy that was routed on the way (other hop limit, other VLAN, other MAC address) comes within so long, microseconds:
/// what a busy firewall takes.
pub const COPY_ROUTED_WITHIN_US: u64 = 5_000;
/// A copy that is the same octet by octet comes within so long, microseconds: what a switch takes. Nothing is sent again
/// that soon.
pub const COPY_SAME_WITHIN_US: u64 = 200;
/// So many packets that are the same octet by octet must have been seen before any is left out.
pub const COPIES_TO_BELIEVE: u32 = 8;
/// Packets looked at before a source is known to show each once.
pub const COPIES_STRETCH_FIRST: u32 = 4_096;
/// Packets looked at later on, from time to time.
pub const COPIES_STRETCH: u32 = 512;
/// Packets not looked at in between.
pub const COPIES_PAUSE: u32 = 15_872;

/// Read at once from a capture file that is read alone or with few others.
pub const CAPTURE_READ_OCTETS: usize = 1024 * 1024;
/// Read at once from each of many capture files: hundreds may overlap in time.
pub const CAPTURE_READ_MANY_OCTETS: usize = 64 * 1024;
/// Capture files up to this number stay open from the start and read in large steps.
pub const CAPTURE_FEW_FILES: usize = 8;
/// One record of a capture file with its header and options, as far as it is held: the largest frame and what a
/// writer says about it. A longer one is passed over.
pub const CAPTURE_RECORD_MAX_OCTETS: usize = FRAME_MAX_OCTETS + 64 * 1024;
/// Interfaces described in one section of a pcapng file: far more than a machine has.
pub const CAPTURE_INTERFACES_MAX: usize = 4_096;
/// Frames handed out in one block of a capture file: the loop looks up between blocks.
pub const CAPTURE_BLOCK_FRAMES: usize = 1_024;
/// One block of the ring a live interface is read through: the largest frame fits, and some 1,500 ordinary ones.
pub const RING_BLOCK_OCTETS: usize = 1024 * 1024;
/// Blocks of the ring: with 650 octets a frame, what comes in a sixteenth of a second at 400,000 frames a second. With a
/// million indicators and full tables a sensor has no more memory to spare (decision 11).
pub const RING_BLOCKS: usize = 16;
/// Fewer leave the kernel nowhere to write while one is read.
pub const RING_BLOCKS_MIN: usize = 2;
/// More than 1 GiB of a sensor's memory is a mistake.
pub const RING_BLOCKS_MAX: usize = 1024;
/// The kernel hands over a block that is not full after so long, milliseconds: a quiet line is heard that soon.
pub const RING_RETIRE_MS: u32 = 50;
/// Kept of a frame whose transport is bulk and encrypted from its first octet: every header up to there.
pub const SNAP_HEADERS_OCTETS: u32 = 192;
/// Kept of ICMP with the packet it quotes.
pub const SNAP_QUOTED_OCTETS: u32 = 2_048;
/// Kept of a UDP datagram that is neither DNS nor a tunnel: two QUIC Initials (RFC 9000 section 14.1) that were joined.
pub const SNAP_UDP_OCTETS: u32 = 4_096;
/// Kept of a TCP segment that is not DNS: the largest TLS record (RFC 8446 section 5.1) and the headers before it. Only
/// segments that were joined (GRO) are longer: those that begin with first words are kept whole, the rest is bulk, and counted
/// where it is cut. What comes from a web server's port is kept as far: a client may bind it.
pub const SNAP_TCP_OCTETS: u32 = 17 * 1024;
/// Frames handed out in one block of a live interface that is read without the ring.
pub const LIVE_BLOCK_FRAMES: usize = 256;
/// Such a block goes on no longer than so, milliseconds: timers are due between blocks.
pub const LIVE_BLOCK_MS: u64 = 50;
/// A live interface waits so long for a frame before it says it is idle, milliseconds: a stop is heard that soon.
pub const LIVE_WAIT_MS: u64 = 200;
/// Asked of the kernel for frames not yet read without the ring; it gives up to `net.core.rmem_max`.
pub const LIVE_SOCKET_BUFFER_OCTETS: usize = 16 * 1024 * 1024;

/// More than so many octets from inside on one flow that was begun there are data out, unless the settings say otherwise (decision 21).
pub const DATA_OUT_OCTETS: u32 = 1024 * 1024;

/// Alerts open at once: each host of a municipality of 30,000 with one. 480 octets each with what finds it, 256 of
/// contacts where it has so many, 120 of the indicator and twice the name: some 28 MiB with ordinary names.
pub const ALERTS_MAX: usize = 32_768;
/// Alerts opened and rises in evidence told at once, host by host: one full batch. An outbreak on a thousand machines in
/// one minute is told machine by machine; the first of each indicator, and its first contact, come beside this.
pub const ALERTS_AT_ONCE: u32 = 1_024;
/// And so many a minute thereafter: with one update a minute of each of [`ALERTS_MAX`] that is some 35 batches of those
/// that may leave ([`BATCHES_PER_MINUTE`]).
pub const ALERTS_PER_MINUTE: u32 = 1_024;
/// A rise in evidence that is not told at once is told within so long, seconds.
pub const RISE_GATHERED_S: u64 = 60;
/// The bits that tell how many hosts one alert stands for: twice what an alert of one host keeps of
/// its contacts, and enough for the 30,000 machines of a municipality.
pub const CROWD_OCTETS: usize = 512;
/// From so many hosts on an alert of many is stated whenever they are twice as many as it was stated of. Of fewer little is lost with
/// a kill, and a storm of many small ones would spend on it what tells hosts by name.
pub const CROWD_DOUBLED_LEAST: u64 = 16;
/// Listed names remembered with the addresses they were answered with: 130 octets each with what finds it, 120 of the
/// indicator and twice the name: some 5 MiB with ordinary names, 12 MiB with the longest.
pub const ANSWERED_MAX: usize = 16_384;
/// Addresses remembered as shared, because unlisted names led to them: 8 octets each, 1 MiB, which a core's cache holds.
pub const SHARED_MAX: usize = 131_072;
/// Resolvers recognised by what they do, and as many hosts that may turn out to be some; the longest quiet makes room.
pub const RESOLVERS_MAX: usize = 1_024;
/// What they take, with as many that may turn out to be some.
pub const RESOLVERS_MAX_OCTETS: usize = 512 * 1024;
/// Inside hosts that ask so many outside servers without wanting recursion are resolvers.
pub const RESOLVER_SERVERS_ASKED: usize = 3;
/// Aliases that listed names led to, remembered until whoever was told of one has asked for it: at most 1 MiB with the
/// longest names, one listed name each.
pub const ALIASES_MAX: usize = 1_024;
/// Who is told of an alias without an address asks for it at once: within the time resolvers give a question, seconds.
pub const ALIAS_FOLLOWED_S: u64 = 10;
/// Listed names remembered for one address or one alias.
pub const ANSWERED_PER_ADDRESS_MAX: usize = 16;
/// An answer counts no longer than this whatever TTL it claims, seconds (resolvers cap at a day too).
pub const ANSWER_TTL_MAX_S: u64 = 86_400;
/// Programs use an address for a while after its TTL, seconds.
pub const ANSWER_GRACE_S: u64 = 600;
/// An unlisted name makes an address shared for at least so long, seconds.
pub const SHARED_LATELY_S: u64 = 3_600;
/// Flows watched at once, because their address is listed or a hello on them showed something listed: 130 octets each,
/// 2 MiB. For one more, the longest quiet is let go.
pub const WATCHED_FLOWS_MAX: usize = 16_384;
/// Listed things shown by hellos on all watched flows: 180 octets each, 120 of the indicator and twice the name: some
/// 6 MiB with ordinary names, 13 MiB with the longest.
pub const TIES_MAX: usize = 16_384;
/// Indicators that one flow is tied to by what its hellos and requests show; a connection to a proxy shows many names.
pub const TIES_PER_FLOW_MAX: usize = 64;
/// Statements, sightings or observations that wait to be fetched; they are fetched after every packet.
pub const QUEUE_MAX: usize = 1_048_576;

/// An alert's first update comes so long after it was opened, seconds; the second and later ones see below.
pub const UPDATE_FIRST_S: u64 = 60;
/// The second update, seconds after it was opened.
pub const UPDATE_SECOND_S: u64 = 600;
/// Every later update, seconds after the one before.
pub const UPDATE_LATER_S: u64 = 3_600;
/// Without a sighting for so long an alert closes, seconds.
pub const ALERT_QUIET_S: u64 = 3_600;
/// An alert closes at this age, seconds.
pub const ALERT_AGE_MAX_S: u64 = 86_400;
/// Contacts that regularity is computed from: the newest ones.
pub const CONTACTS_KEPT: usize = 32;
/// Fewer contacts say nothing about regularity.
pub const CONTACTS_FOR_REGULARITY: usize = 4;

/// One segment of the spool: recovery reads it whole, and so does whoever makes room in it.
pub const SPOOL_SEGMENT_MAX_OCTETS: usize = 1024 * 1024;
/// Another segment is begun when the first record of the newest has lain so long, seconds: the newest always stays, and what is
/// in one goes together, so that by so much something stays longer than what stands below says, and by no more.
pub const SPOOL_SEGMENT_MAX_S: u64 = 6 * 3600;
/// How often what lies in the spool is looked at for its age while nothing else happens, seconds.
pub const SPOOL_AGE_EVERY_S: u64 = 60;
/// Octets that could not be read as records stay so long, for a person to look at, seconds: as long as a spool that was set aside.
pub const SPOOL_TORN_KEEP_S: u64 = SET_ASIDE_UNDELIVERED_KEEP_S;
/// The whole spool unless `agent.toml` says otherwise: a week without a collector at ten times the normal rate.
pub const SPOOL_MAX_OCTETS: u64 = 256 * 1024 * 1024;
/// Acknowledged records stay so long, so that a collector restored from last night's backup can be refilled, seconds.
pub const SPOOL_ACKNOWLEDGED_KEEP_S: u64 = varde_common::retention::SPOOL.span().as_secs();
/// What is not acknowledged stays so long unless `agent.toml` says otherwise, seconds: what tells of people is not kept for ever.
pub const SPOOL_UNACKNOWLEDGED_KEEP_S: u64 = varde_common::retention::SPOOL_WAITING.span().as_secs();
/// A spool that was set aside and is delivered, or taken over, stays so long: as what is acknowledged does, seconds.
pub const SET_ASIDE_DELIVERED_KEEP_S: u64 = SPOOL_ACKNOWLEDGED_KEEP_S;
/// One that holds what was never delivered stays so long for a person to look at: what decision 11 allows on premises, seconds.
pub const SET_ASIDE_UNDELIVERED_KEEP_S: u64 = 30 * 86_400;
/// Blocks of a file that a disk may fail to read before the rest of it is left alone: each may take it many seconds, at a start.
pub const SPOOL_UNREAD_BLOCKS_MAX: u32 = 8;
/// Files of what could not be read that are told of by themselves when their time is over, in one go: each is a record.
pub const ENDED_FILES_MAX: usize = 128;
/// Pieces in which one is taken over: one more for each time that the disk is filled half-way, though there was room for all.
pub const ADOPTED_PIECES_MAX: usize = 64;
/// Words of the file that says which records are a spool's own: two for each plan that was begun and then could not be read.
pub const OWN_WORDS_MAX: usize = 2 * ADOPTED_PIECES_MAX;
/// How often they are looked at, seconds.
pub const SET_ASIDE_LOOK_EVERY_S: u64 = 3_600;
/// Octets of the file with their ages: some thousand of them.
pub const SET_ASIDE_MAX_OCTETS: u64 = 128 * 1024;
/// Between two looks at it what lies in the spool ages by no more than this, seconds: a clock that is set makes nothing old.
pub const SPOOL_AGE_STEP_MAX_S: u64 = 86_400;
/// Set aside on disk so that a loss can be written down when nothing else can.
pub const SPOOL_RESERVE_OCTETS: usize = 64 * 1024;
/// Of lost records in a row is told what each was while that changes no more often: five kilobytes a note, a dozen in the reserve.
pub const SPOOL_LOSS_RUNS_MAX: usize = 1024;
/// An alert's updates go with it when the spool is full; in so many segments before theirs the alert is looked for.
pub const SPOOL_LOOK_BACK_SEGMENTS: usize = 8;
/// Records looked at in one making of room, before the next segment is begun: a spool of the usual size is gone through within a
/// few of them, and each ends within a second or two, so that the spool's orders are never kept waiting for longer.
pub const SPOOL_ROOM_RECORDS_MAX: u64 = 500_000;
/// Records that share one fsync at most.
pub const SPOOL_GROUP_MAX_RECORDS: usize = 1024;
/// A loss that could not be noted is tried again this often, and so is the reserve, seconds: a kill soon after room is made
/// forgets nothing.
pub const SPOOL_TRY_AGAIN_S: u64 = 5;
/// Orders waiting for the spool's thread; beyond that the sender waits.
pub const SPOOL_ORDERS_MAX: usize = 4096;
/// Between two writings of the hint that says what is acknowledged, milliseconds. Losing it is harmless.
pub const SPOOL_HINT_EVERY_MS: u64 = 1000;
/// Alerts whose number is remembered: more than the sensor holds open.
pub const ALERTS_NUMBERED_MAX: usize = 2 * ALERTS_MAX;

/// Batches sent and not yet acknowledged.
pub const BATCHES_IN_FLIGHT_MAX: usize = 8;
/// Batches sent without waiting by a line that was quiet: a first alert never waits.
pub const BATCHES_AT_ONCE: u32 = 60;
/// And so many a minute thereafter, so that no minute sees more than 180 batches and, with heartbeats and the rest, 200
/// messages (D12). That is up to 120,000 records a minute where there is much to send: a week without a collector is told
/// in minutes.
pub const BATCHES_PER_MINUTE: u32 = 120;
/// After so long without a session, or after a start, what lies there is an outage's and is sent as fast as it is
/// acknowledged; a connection that comes and goes gains no more than [`BATCHES_PER_MINUTE`] by that, seconds.
pub const BACKLOG_AFTER_S: u64 = 60;
/// While batches are under way, records are gathered so long before the next is sent, milliseconds.
pub const BATCH_GATHER_MS: u64 = 200;
/// A clock that differs so much from the collector's is told of, seconds.
pub const CLOCK_SKEW_TOLD_S: u64 = 5;
/// Connecting, and each answer that must come at once, seconds.
pub const ANSWER_TIMEOUT_S: u64 = 10;
/// In enrolment, the root document that the token pins, where a newer one was shown first, seconds: well within what all of
/// it may take.
pub const PINNED_ANSWERED_WITHIN_S: u64 = 4;
/// The sensor's thread takes a new list between two blocks of frames; longer than this its report does not wait, seconds.
pub const LIST_TAKEN_WITHIN_S: u64 = 10;
/// The word of which list is the newest comes every hour; without one for so long lists may be held back, seconds
/// (`list_stale`).
pub const NEWEST_STALE_AFTER_S: u64 = 86_400;
/// A word from so far ahead is not believed, seconds: a stolen key must not silence all honest words to come.
pub const NEWEST_AHEAD_MAX_S: u64 = 86_400;
/// A word is written to disk no more often, milliseconds: it comes every hour and with each list.
pub const NEWEST_KEPT_EVERY_MS: u64 = 1_000;
/// In a session, and behind a word that names another list, what was named is waited for so long before it is told that it
/// does not come, seconds.
pub const NEWEST_WAITED_FOR_S: u64 = 10;
/// Between heartbeats, seconds.
pub const HEARTBEAT_EVERY_S: u64 = 30;
/// A silent connection is given up, seconds.
pub const LINK_IDLE_TIMEOUT_S: u64 = 60;
/// Between signs of life on an idle connection, seconds.
pub const LINK_KEEP_ALIVE_S: u64 = 20;
/// What the collector may have under way towards us.
pub const LINK_RECEIVE_WINDOW_OCTETS: u32 = 1024 * 1024;
/// What we may have under way towards the collector.
pub const LINK_SEND_WINDOW_OCTETS: u64 = 1024 * 1024;
/// Receive and send buffer asked of the kernel: a list comes in bursts of its window.
pub const LINK_SOCKET_BUFFER_OCTETS: usize = 4 * 1024 * 1024;

/// Over TCP, octets of one stream between us and its connection.
pub const LINK_STREAM_BUFFER_OCTETS: usize = 64 * 1024;
/// A last word over TCP is taken within this, or it stays unsaid, milliseconds.
pub const TCP_GOODBYE_MS: u64 = 500;
/// Where UDP was found blocked, QUIC is tried again after so long, and later after twice as long each time, seconds.
pub const QUIC_AGAIN_S: u64 = 600;
/// It is never put off longer than this, seconds.
pub const QUIC_AGAIN_MAX_S: u64 = 4 * 3600;
/// A session over QUIC that falls silent before it has stood for so long is as good as blocked, seconds: silence shows only
/// after [`LINK_IDLE_TIMEOUT_S`], so that less would prove nothing.
pub const QUIC_PROVEN_S: u64 = 2 * LINK_IDLE_TIMEOUT_S;
/// The shortest that may be set, seconds: each attempt is a handshake that a firewall drops, and perhaps logs.
pub const QUIC_AGAIN_MIN_S: u64 = 5;
/// The head of a proxy's answer.
pub const PROXY_ANSWER_MAX_OCTETS: usize = 8 * 1024;
/// What is shown of its words.
pub const PROXY_REASON_MAX_CHARACTERS: usize = 100;
/// A file with a user and a password.
pub const PROXY_CREDENTIALS_MAX_OCTETS: u64 = 1024;
/// What is shown of the name of a foreign certificate's issuer.
pub const ISSUER_MAX_CHARACTERS: usize = 200;

/// Octets of `agent.toml`: a thousand networks fit.
pub const SETTINGS_MAX_OCTETS: u64 = 1024 * 1024;
/// Hosts with alerts remembered in memory, so that each is written down once a period.
pub const HOSTS_REMEMBERED_MAX: usize = 65_536;
/// Octets of the file that says how long its periods have lain there: a thousand of them.
pub const HOSTS_AGES_MAX_OCTETS: u64 = 64 * 1024;
/// A period of the table that undoes pseudonyms is kept as long as alerts are, days since a host was last written in it.
pub const HOSTS_KEEP_DAYS: u64 = varde_common::retention::HOSTS.span().as_secs() / 86_400;
/// Blocks of frames waiting between several sources and the one sensor.
pub const GATHERED_BLOCKS_MAX: usize = 64;
/// Frames gathered into one such block.
pub const GATHERED_FRAMES_MAX: usize = 256;

/// All that a flood can fill where nothing it shows is listed, every table full of its largest entries; [`SHARED_MAX`] makes the
/// last MiB. A million clients of every kind hold some 50 MiB. On top come the program, the list and a ring ([`RING_BLOCKS`]).
pub const FLOODED_MAX_OCTETS: usize = FLOWS_MAX_OCTETS
    + FLOWS_REMEMBERED_MAX_OCTETS
    + DOUBTS_MAX_OCTETS
    + TRANSACTIONS_MAX_OCTETS
    + STREAMS_TOTAL_MAX_OCTETS
    + STREAMS_MAX_OCTETS
    + GREETINGS_TOTAL_MAX_OCTETS
    + GREETINGS_MAX_OCTETS
    + QUIC_LATELY_TOTAL_MAX_OCTETS
    + FRAGMENTS_TOTAL_MAX_OCTETS
    + FRAGMENTED_MAX_OCTETS
    + COPIES_MAX_OCTETS
    + RESOLVERS_MAX_OCTETS
    + 1024 * 1024;

const _: () =
    assert!(FLOODED_MAX_OCTETS <= 72 * 1024 * 1024, "a flood would take more than a sensor has (decision 11)");
