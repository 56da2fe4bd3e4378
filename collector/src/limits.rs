//! Every bound of the collector: unit in the name, reason beside it. Those of the shared formats stand in `varde_common::limits`.

use std::time::Duration;

use varde_common::retention;

pub mod account;
pub mod advisory;
pub mod api;
pub mod desk;
pub mod feed;
pub mod fetch;
mod lint;
pub mod page;
pub mod people;
pub mod prose;
pub mod rollout;
pub mod silence;
pub mod workflow;

pub use lint::*;

/// Sessions at once. A thousand sensors are expected; a session idles at some 45 kB.
pub const SESSIONS_MAX: usize = 4096;
/// Handshakes under way at once, with places of their own: whoever has no certificate takes none of a session's. Each holds some
/// 65 kB, for at most [`HANDSHAKE_WITHIN`]; a thousand sensors that come back at once need a few milliseconds each.
pub const HANDSHAKES_MAX: usize = 256;
/// Of the places that are free at a door, one neighbourhood may have one in so many.
pub const ARRIVALS_SHARE: usize = 4;
/// That some were turned away at a door is told this often.
pub const ARRIVALS_TOLD_EVERY: Duration = Duration::from_secs(60);
/// A handshake that failed keeps its place for so long: QUIC remembers the connection until nothing of it can come any more.
pub const FAILED_HANDSHAKE_KEEPS: Duration = Duration::from_secs(3);
/// Connection attempts not yet looked at; more are refused by QUIC itself.
pub const INCOMING_MAX: usize = 1024;
/// Octets held for one connection before it is accepted.
pub const INCOMING_BUFFER_MAX_OCTETS: u64 = 16 * 1024;
/// Octets held for all of them.
pub const INCOMING_BUFFERS_MAX_OCTETS: u64 = 4 * 1024 * 1024;
/// Streams a sensor may open that go both ways: control, alerts, lists, hunts.
pub const STREAMS_MAX: u32 = 4;
/// Streams a sensor may open that go one way: statistics (not spoken yet, and not read).
pub const ONE_WAY_STREAMS_MAX: u32 = 1;
/// TCP connections of one session: all five streams, each has one of its own.
pub const TIED_MAX: u32 = STREAMS_MAX + ONE_WAY_STREAMS_MAX;
/// Octets of one stream on their way to us.
pub const STREAM_WINDOW_OCTETS: u32 = 64 * 1024;
/// Octets of one session on their way to us.
pub const SESSION_WINDOW_OCTETS: u32 = 128 * 1024;
/// Octets of one session sent and not yet acknowledged.
pub const SEND_WINDOW_OCTETS: u64 = 128 * 1024;
/// A chunk of a list as it is sent, with room to spare below what a sensor takes: a thousand sensors that do not read theirs
/// hold two of them each.
pub const LIST_CHUNK_OCTETS: usize = 32 * 1024;
const _: () = assert!(LIST_CHUNK_OCTETS <= varde_common::limits::LIST_CHUNK_MAX_OCTETS, "no sensor would take it");
/// A message that is no batch, body only: a heartbeat with every reason at its longest fits.
pub const SMALL_BODY_MAX_OCTETS: usize = 24 * 1024;
const _: () = assert!(
    SESSION_WINDOW_OCTETS as usize + SEND_WINDOW_OCTETS as usize + varde_common::compact::UNPACKER_MAX_OCTETS
        <= 384 * 1024,
    "a session would take more than it may (I7): a thousand of them share 384 MiB"
);
/// The same while a list is sent by one of [`LIST_SLOTS`].
pub const LIST_SEND_WINDOW_OCTETS: u64 = 1024 * 1024;
/// Sessions that may have the larger window at once; the others send their list with the small one.
pub const LIST_SLOTS: usize = 64;
/// TLS handshake octets held.
pub const CRYPTO_BUFFER_OCTETS: usize = 16 * 1024;
/// Receive and send buffer asked of the kernel. With the default a thousand sensors coming back at once lose packets.
pub const SOCKET_BUFFER_OCTETS: usize = 4 * 1024 * 1024;

/// TCP connections between their arrival and their tie: each holds some 20 kB, and for at most [`HANDSHAKE_WITHIN`] and
/// [`HELLO_WITHIN`]. One more is closed unheard. A quarter of all connections there may be, where that is less.
pub const TCP_ARRIVING_MAX: usize = 1024;
/// TCP connections at once: all streams of all sessions, and those that arrive. What the process may have open is less on
/// most machines; then that is the bound, less [`FILES_KEPT`].
pub const TCP_CONNECTIONS_MAX: usize = SESSIONS_MAX * TIED_MAX as usize + TCP_ARRIVING_MAX;
/// Of what the process may have open, so many stay for the database and QUIC, for the pages' connections, and for readers: a connection and what
/// it is sent from each, and the feeds' own files.
pub const FILES_KEPT: usize = 128 + PAGE_CONNECTIONS_MAX + 2 * feed::FEED_CONNECTIONS_MAX + feed::FEED_FILES_MAX;
/// Connections that wait to be accepted.
pub const TCP_BACKLOG: u32 = 1024;
/// Octets of a TCP connection the kernel keeps for us: as much as a stream may have on its way over QUIC.
pub const TCP_RECEIVE_BUFFER_OCTETS: u32 = STREAM_WINDOW_OCTETS;
/// A session id over TCP ties connections for so long after it was given: a sensor opens its streams at once.
pub const TIE_WITHIN: Duration = Duration::from_secs(60);
/// A last word over TCP is taken within this, or it stays unsaid.
pub const GOODBYE_WITHIN: Duration = Duration::from_secs(1);
/// When the system has no socket left for the next connection, it is asked again after this.
pub const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// A silent session ends after this.
pub const IDLE_AFTER: Duration = Duration::from_secs(60);
/// A sign of life at least this often; home routers forget a UDP flow after 30 s.
pub const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(20);
/// The TLS handshake takes at most this long.
pub const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Hello comes within this after the handshake.
pub const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// A frame, once begun, is complete within this.
pub const FRAME_WITHIN: Duration = Duration::from_secs(30);
/// A frame of ours is taken within this, or the other end does not read.
pub const WRITE_WITHIN: Duration = Duration::from_secs(60);
/// A collector whose disk has failed says goodbye for so long before it ends.
pub const LAST_WORD_WITHIN: Duration = Duration::from_secs(1);
/// How long a stop waits for sessions to say goodbye.
pub const STOP_WITHIN: Duration = Duration::from_secs(5);
/// Heartbeats closer together than this are passed over: each is a row, and is kept for 90 days.
pub const HEARTBEAT_AT_LEAST: Duration = Duration::from_secs(10);
/// What a sensor may have stored at once: all it can have waiting after a week without us, at ten times the usual (140,000 records,
/// D7), almost three times over.
pub const STORED_AT_ONCE_OCTETS: u64 = 256 * 1024 * 1024;
/// And so much a minute from then on: the longest storm an honest one tells of needs two thirds of it, and one whose key was
/// stolen fills 6 GB a day.
pub const STORED_PER_MINUTE_OCTETS: u64 = 4 * 1024 * 1024;
/// What a record takes in the database beside its own octets, about: its row and index, and an event's or an alert's (events of
/// 260 octets were measured to take 570).
pub const RECORD_STORED_OCTETS: u64 = 512;
/// What a Hello or a heartbeat leaves there.
pub const GREETING_STORED_OCTETS: u64 = 4 * 1024;
/// That a sensor is held back is told this often, while it is so.
pub const HELD_BACK_TOLD_EVERY: Duration = Duration::from_secs(86_400);
/// So often a sensor may be thrown out for a broken rule, within [`THROWN_OUT_FORGOTTEN_AFTER`], before it has to wait: an honest one
/// breaks none, but for a batch under way while its spool was begun anew.
pub const THROWN_OUT_FREE: u32 = 3;
/// From then on it is not greeted for this long, and each time for twice as long.
pub const THROWN_OUT_PAUSE_FIRST: Duration = Duration::from_secs(1);
/// At most for this long: an agent's own wait between two sessions ends there too.
pub const THROWN_OUT_PAUSE_MAX: Duration = Duration::from_secs(300);
/// A calm hour, and nothing is held against it any more.
pub const THROWN_OUT_FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);
/// Sensors of which it is known: all that a large community has, some 100 KiB.
pub const THROWN_OUT_KEPT_MAX: usize = 4_096;
/// Connections by one sensor's key that have not said Hello yet, beside the session that stands: one for each way there, and as many
/// for attempts that the network has swallowed. One more ends the oldest.
pub const GUESTS_PER_SENSOR_MAX: usize = 4;
/// A session that took another's place while that stood is told of from so many on within [`VISITS_WITHIN`]: a network that breaks off
/// does it once in a while.
pub const VISITS_REPLACED_TOLD: usize = 3;
/// A connection that never said Hello, from so many on: a firewall that swallows QUIC after its first packets makes three in an hour.
pub const VISITS_SILENT_TOLD: usize = 6;
/// So long such a visit counts.
pub const VISITS_WITHIN: Duration = Duration::from_secs(3_600);
/// A refused knock of one sensor goes into the log this often, with the number of those between.
pub const KNOCK_TOLD_EVERY: Duration = Duration::from_secs(60);
/// Sensors of which such things are known: all that a large community has, some 1 MiB.
pub const VISITS_KEPT_MAX: usize = 4_096;
/// Hello is answered within this, or the sensor is told that it cannot be now: it waits for ten seconds.
pub const GREETED_WITHIN: Duration = Duration::from_secs(8);
/// Questions for the next certificate closer together than this are passed over: each is a signature.
pub const RENEWALS_APART: Duration = Duration::from_secs(1);
/// Outcomes a sensor may tell beyond the lists it was offered: it may repeat itself after a restart of its own.
pub const OUTCOMES_UNASKED_MAX: u64 = 8;
/// Messages that are decoded or waiting to be stored at once, over all sessions: 128 MiB, a message being allowed
/// `varde_common::limits::DECODE_MAX_OCTETS`. Who comes when all places are taken waits, and QUIC holds back its sender.
pub const DECODES_AT_ONCE: usize = 128;
/// Batches that are stored in one transaction: all that can be in memory.
pub const BATCHES_TOGETHER_MAX: usize = DECODES_AT_ONCE;
/// Records of one transaction, unless one batch alone has more: some tens of milliseconds, so that whoever has a single alert to tell
/// does not wait for a storm at another.
pub const RECORDS_TOGETHER: usize = 1_024;
/// Marks remembered of each sensor: one a session, so the state of weeks ago can still be dated.
pub const MARKS_KEPT: i64 = 64;
/// Sensors that may reconnect in one second, for `reconnect_spread_ms`.
pub const RECONNECTS_PER_SECOND: u64 = 200;
/// The shortest reconnect spread.
pub const RECONNECT_SPREAD_MIN_MS: u64 = 1000;
/// How often the database is asked for what a command changed, should its poke have been lost.
pub const SWEEP_EVERY: Duration = Duration::from_secs(3);

/// Enrolments under way at once; each ends within [`ENROL_WITHIN`].
pub const ENROLMENTS_MAX: usize = 256;
/// An enrolment takes at most this long: the sensor makes a key and asks once.
pub const ENROL_WITHIN: Duration = Duration::from_secs(30);
/// A person approves of a sensor that waits within this: longer than a token is good for, since people are away.
pub const APPROVED_WITHIN: Duration = Duration::from_secs(14 * 86_400);
/// Orders of the brake that a restore leaves out: more than a community gives between two backups.
pub const BRAKES_LEFT_OUT: i64 = 1_000;
/// `indicator brake` waits so long for connected sensors to say what became of the order: a round trip and one fsync take far less.
pub const BRAKE_ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// And looks so often: a person sees no difference.
pub const BRAKE_LOOKED_AT_EVERY: Duration = Duration::from_millis(50);
/// A brake that is over is shown for so long after its end: who comes back from a weekend is to see what was hidden.
pub const BRAKES_SHOWN_FOR: Duration = Duration::from_secs(7 * 86_400);
/// Things shown that the incidents of one campaign share: whoever reads more than these reads `--json` of the alerts.
pub const BONDS_SHOWN_MAX: usize = 50;
/// Brakes shown at once.
pub const BRAKES_LISTED_MAX: i64 = 200;
/// What sensors said of indicators that met too many hosts, read at once, the newest first: a week of a thousand sensors' few, and an
/// end to what a sensor may say.
pub const DEMOTIONS_READ_MAX: i64 = 10_000;
/// A sensor tells of hosts together for a day at most.
pub const DEMOTIONS_STAND_FOR: Duration = Duration::from_secs(86_400);
/// Root documents told to one who asks for those behind its own: as many as a sensor takes.
pub const ROOTS_TOLD_MAX: usize = 32;
/// And so many octets of them: who asks has proved its address by then, and no certificate.
pub const ROOTS_TOLD_MAX_OCTETS: usize = 128 * 1024;
/// Askings for root documents that are answered within [`ROOTS_TOLD_WITHIN`], of one neighbourhood: the sensors of a joint
/// operating company come back together from behind one address, and each asks again after a minute.
pub const ROOTS_TOLD_OF_ONE: usize = 30;
/// And of everybody: a thousand sensors that were off over one weekend are told within minutes, and the line is not filled.
pub const ROOTS_TOLD_ALL: usize = 300;
/// The time those are counted in.
pub const ROOTS_TOLD_WITHIN: Duration = Duration::from_secs(60);
/// Failed enrolments of one neighbourhood, or with one token's number, that are told why within [`ATTEMPTS_WITHIN`]: somebody who
/// mistypes is told five times. What is good is never counted.
pub const FAILED_ATTEMPTS_TOLD: usize = 5;
/// Failed enrolments that are remembered: each is from somebody who has proved an address, and looked through at the next.
pub const FAILED_ATTEMPTS_KEPT: usize = 1_024;
/// Failed enrolments within [`ATTEMPTS_WITHIN`], from everywhere, of which each that is told why goes into the log; beyond that one does
/// each [`KNOCK_TOLD_EVERY`], with the number of those before it. More than a day of many new sensors has of slips in a minute.
pub const FAILED_ATTEMPTS_LOGGED: usize = 20;
/// The window of the first of these.
pub const ATTEMPTS_WITHIN: Duration = Duration::from_secs(60);

/// Certificates one sensor is given in place of another within a day: one is wanted every ten days, and an answer that was
/// lost is asked for again. Each is a signature and a commit.
pub const RENEWALS_PER_DAY: i64 = 8;
/// Days after its end in which a certificate still proves who asks for the next one: a school's box is off all summer.
pub const RENEWED_WITHIN_DAYS: u32 = 180;
/// With fewer days left than this, a sensor's certificate should have been renewed: it asks with twenty left, or nineteen.
pub const RENEWAL_OVERDUE_DAYS: u32 = 18;
/// Days a sensor's certificate is good for.
pub const SENSOR_CERTIFICATE_DAYS: i64 = 30;
/// Days the collector's certificate is good for.
pub const SERVER_CERTIFICATE_DAYS: i64 = 365;
/// One that begins further ahead of the clock than this was made while that was wrong, and is made anew, seconds.
pub const CERTIFICATE_AHEAD_MAX_S: u64 = 86_400;
/// How often the running collector looks whether its own certificate wants renewal, and at the other keys.
pub const KEYS_LOOKED_AT_EVERY: Duration = Duration::from_secs(3_600);
/// Days the certificate authority is good for: ten years.
pub const AUTHORITY_DAYS: i64 = 3652;
/// Days the root document says it is good for.
pub const ROOT_DAYS: i64 = 365;
/// Authorities of before that are believed beside the present one: one is changed every few years.
pub const AUTHORITIES_MAX: usize = 8;
/// A certificate is good from this long before it was made: sensors' clocks are not all right.
pub const CLOCK_SLACK_HOURS: i64 = 24;
/// Days a list says it is good for.
pub const LIST_DAYS: i64 = 30;
/// An unchanged list is published anew once it has less than this left.
pub const LIST_RENEW_DAYS: i64 = 10;
/// A base is compiled anew once the changes over it are more than one in so many of what it holds: a sensor that has it not
/// gets both, and both are looked at for every name.
pub const OVERLAY_REBUILD_SHARE: u64 = 4;
/// Lists whose content is kept; of older ones only the manifest.
pub const LIST_CONTENTS_KEPT: i64 = 5;

/// A file to import: five million STIX objects of 800 octets.
pub const IMPORT_MAX_OCTETS: u64 = 4 * 1024 * 1024 * 1024;
/// Its beginning, by which its format is known.
pub const IMPORT_HEAD_OCTETS: usize = 64 * 1024;
/// One line of a feed.
pub const FEED_LINE_MAX_OCTETS: usize = 64 * 1024;
/// Lines of one entry that goes on, by a quote or a parenthesis, over several: an address with its SOA record's numbers, a note of a
/// few paragraphs. One that does not end by then began by mistake.
pub const FEED_ENTRY_MAX_LINES: usize = 20;
/// Of a feed's own words a sentence quotes so many characters.
pub const FEED_WORD_SHOWN_CHARACTERS: usize = 80;
/// Columns of a table that a sentence names.
pub const FEED_COLUMNS_SHOWN: usize = 20;
/// One object of a feed: an indicator with all that its source knows of it is a few thousand octets, a report that names 70,000
/// others these 4 MiB.
pub const FEED_OBJECT_MAX_OCTETS: usize = 4 * 1024 * 1024;
/// What a file says of its indicators elsewhere than in them, held together while it is read: a report that names a million of them
/// is 16 MB, a million relationships are 64.
pub const FEED_AROUND_MAX_OCTETS: usize = 64 * 1024 * 1024;
/// The name of an object: STIX' and MISP's are below a hundred octets.
pub const OBJECT_ID_MAX_OCTETS: usize = 256;
/// One STIX pattern: ten thousand comparisons of names.
pub const PATTERN_MAX_OCTETS: usize = 1024 * 1024;
/// Comparisons in it, the elements of lists counted.
pub const PATTERN_COMPARISONS_MAX: usize = 10_000;
/// Parentheses within parentheses: nobody writes ten.
pub const PATTERN_DEPTH_MAX: usize = 50;
/// An object as it came, kept for people; of a larger one only what was read of it.
pub const OBJECT_TEXT_MAX_OCTETS: usize = 16 * 1024;
/// A regular expression that an importer is given, compiled.
pub const EXPRESSION_MAX_OCTETS: usize = 1024 * 1024;
/// An object's version may be of so much later than it is received: clocks are wrong, by hours at most where anybody looks at them. One
/// of later yet would silence whatever its source says with a clock that is right.
pub const VERSION_AHEAD_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Entries of one file, of whatever kind: twice the largest import that is planned for. A file of short lines that holds more is no
/// intelligence, and would fill the database.
pub const IMPORT_MAX_ENTRIES: u64 = 10_000_000;
/// Octets of entries that are handed on at once: some thousand objects with their texts.
pub const IMPORT_BATCH_OCTETS: usize = 4 * 1024 * 1024;
/// An import that finds another one under way looks so often whether that has ended,
pub const IMPORT_LOOKS_EVERY: Duration = Duration::from_millis(100);
/// and so many times: ten minutes.
pub const IMPORT_LOOKS: u32 = 6_000;
/// The running collector looks so often whether an import was cut off half-way, seconds: what it says waits for that.
pub const CUT_OFF_LOOKED_AT_EVERY: u64 = 5;
/// How often a list is read anew from the database while what is said of indicators changes under it: imports begin minutes apart.
pub const COMPILED_ANEW_MAX: u32 = 20;
/// What an indicator belongs to: the name of a campaign or of a family.
pub const THREAT_MAX_CHARACTERS: usize = 200;
/// What a source writes of it in prose: a screen.
pub const NOTE_MAX_CHARACTERS: usize = 4_000;
/// A tag, a label, or a technique.
pub const TAG_MAX_CHARACTERS: usize = 200;
/// Tags, techniques and measures, of each so many: more nobody reads.
pub const TAGS_MAX: usize = 50;
/// A measure: a sentence or two.
pub const MEASURE_MAX_CHARACTERS: usize = 500;
/// Of a URL no more is kept for people.
pub const URL_MAX_CHARACTERS: usize = 1_000;
/// What a source calls an object; UUIDs with a word before them have some fifty.
pub const OBJECT_ID_MAX_CHARACTERS: usize = 200;
/// What no sensor can look for: a hash, a path, a pattern of another kind.
pub const CLUE_MAX_CHARACTERS: usize = 4_000;
/// And the word for what it is.
pub const CLUE_KIND_MAX_CHARACTERS: usize = 200;
/// Entries that are written in one transaction: long enough to be quick, short enough that alerts come between.
pub const IMPORT_BATCH_ITEMS: usize = 5_000;
/// Batches read before the ones before them are written.
pub const IMPORT_BATCHES_WAITING: usize = 2;
/// Octets from which a progress bar is worth its place.
pub const PROGRESS_FROM_OCTETS: u64 = 256 * 1024;
/// Indicators written in one statement: sixteen values each, SQLite takes 32,766.
pub const IMPORT_ROWS_PER_STATEMENT: usize = 500;
/// Indicators the command lists unless told otherwise.
pub const INDICATORS_LISTED: u32 = 1_000;
/// And at most: some tens of megabytes of text.
pub const INDICATORS_LISTED_MAX: u32 = 100_000;
/// Claims of one indicator that are shown, the newest; there are as many sources as that only where somebody makes them up.
pub const CLAIMS_SHOWN: u32 = 200;
/// Bad entries named one by one; the rest is counted.
pub const BAD_ENTRIES_SHOWN: u64 = 1000;

/// How often sensors are told anew which list is the newest; a sensor that hears nothing for a day says so.
pub const NEWEST_EVERY: Duration = Duration::from_secs(3600);
/// Before a root document's end it is time for the next one, days: 2 of 3 people who keep its keys must be found.
pub const ROOT_WARN_DAYS: u64 = 60;
/// How often the log says that the root document runs out, or that the key which names the newest list is not here.
pub const TRUST_SAID_EVERY: Duration = Duration::from_secs(6 * 3600);
/// A file that is to be signed, or was: a root document or a manifest.
pub const SIGNED_FILE_MAX_OCTETS: u64 = 64 * 1024;
/// The file beside a key that says which numbers it has signed: a line a channel.
pub const SIGNED_NUMBERS_MAX_OCTETS: u64 = 64 * 1024;
/// A number so far above the last that a key has signed is signed by a person's own hand only: other keys sign too, and of an hour's
/// list for a month there are fewer.
pub const LIST_NUMBER_STEP_MAX: u64 = 1_000;
/// The same of the first that a key signs on a machine: a list each hour for ten years.
pub const LIST_NUMBER_FIRST_MAX: u64 = 100_000;

/// A line on the control socket.
pub const CONTROL_LINE_MAX_OCTETS: u64 = 1024;
/// A command waits this long for the running collector.
pub const CONTROL_WITHIN: Duration = Duration::from_secs(10);
/// A settings file.
pub const SETTINGS_MAX_OCTETS: u64 = 256 * 1024;
/// A member's or the operator's name.
pub const NAME_MAX_CHARACTERS: usize = 120;
/// Changes kept for a page that falls behind; then it reads afresh.
pub const CHANGES_KEPT: usize = 1024;

/// Rows read at once while a list is compiled: some megabytes.
pub const COMPILE_PAGE_ROWS: i64 = 10_000;

/// How long one who wants to write waits for another: an import of half a million lines writes in steps of seconds.
pub const DATABASE_BUSY_WITHIN: Duration = Duration::from_secs(20);
/// Pages of 4 KiB in the write-ahead log from which a commit moves them into the database: the log stays at some megabytes.
pub const WAL_CHECKPOINT_PAGES: u32 = 1000;
/// What a log that grew while a long reader (a backup) held it back is cut to afterwards.
pub const WAL_KEPT_OCTETS: u64 = 16 * 1024 * 1024;
/// Numbers left out for lists after a restore: those published since the backup are in force at sensors and are never given
/// again. More than anybody publishes between two backups.
pub const REVISIONS_LEFT_OUT: i64 = 1_000;
/// The same for sensors, where it cannot be read how many were given since: more than anybody enrols between two backups.
pub const SENSORS_LEFT_OUT: i64 = 10_000;
/// The same for indicators: a record that a sensor still holds must not come to mean another one. More than two of the
/// largest imports.
pub const INDICATORS_LEFT_OUT: i64 = 50_000_000;
/// A backup's manifest: it names some ten files.
pub const BACKUP_MANIFEST_MAX_OCTETS: u64 = 64 * 1024;
/// The copy that is made before an upgrade is kept as long as a backup (decision 11).
pub const UPGRADE_COPY_DAYS: u64 = BACKUP_DAYS;

/// Events the command lists unless told otherwise, and at most: some megabytes of text.
pub const EVENTS_LISTED: u32 = 100;
/// See [`EVENTS_LISTED`].
pub const EVENTS_LISTED_MAX: u32 = 10_000;
/// Losses added up for a page, the newest: each is a range, and a sensor that made up more would hold up its own page.
pub const LOSSES_SUMMED_MAX: i64 = 20_000;

/// A text of an audit entry: a name, a file's path, a list's facts in a sentence.
pub const AUDIT_TEXT_MAX_CHARACTERS: usize = 1_000;
/// How long audit entries are kept: 24 months (decision 11).
pub const AUDIT_KEPT: Duration = retention::AUDIT.span();
/// Restores that are named where a head is missed that one of them may have set aside: the newest.
pub const AUDIT_RESTORES_TOLD: usize = 8;
/// Audit entries read at once.
pub const AUDIT_PAGE_ROWS: i64 = 2_000;
/// A page that shows hosts is noted once in so long, however often it renews itself: without a login more says nothing.
pub const VIEWS_NOTED_EVERY: Duration = Duration::from_secs(3_600);
/// Pages of which is remembered when they were last noted; one more, and all are noted anew.
pub const VIEWS_REMEMBERED: usize = 4_096;
/// Of the audit no more than one part of so many is removed at once: at one an hour more than ever grows too old, and a clock that
/// is years ahead takes a fifth in a day.
pub const AUDIT_PARTS: i64 = 100;
/// What qualifies alerts (losses) is kept for as long as they are: 13 months (decision 11).
pub const LOSSES_KEPT: Duration = retention::LOSSES.span();
/// What sensors have found is kept so long (decision 11); then it is numbers.
pub const ALERTS_KEPT: Duration = retention::ALERTS.span();
/// Alerts that become numbers in one transaction: long enough to be quick, short enough that batches come between.
pub const ALERTS_COUNTED_AT_ONCE: i64 = 2_000;
/// And so many transactions in one go: a storm of a million alerts that is 13 months old is gone within half a day of them.
pub const ALERTS_COUNTED_ROUNDS: usize = 50;
/// Records removed in one transaction.
pub const RECORDS_FORGOTTEN_AT_ONCE: i64 = 20_000;
/// A count that a sensor says of one alert is no more than this in a sum: a year of a million a minute, and nine million of them still
/// fit.
pub const COUNT_IN_SUM_MAX: i64 = 1_000_000_000_000;
/// Of heartbeats and what sensors say no more is deleted at once than so much of their time: six times what an hour adds, so that
/// a collector that was off catches up, and a clock that is ahead does not have all of it deleted before somebody looks.
pub const RETENTION_STEP: Duration = Duration::from_secs(6 * 3_600);
/// Two clocks that differ by no more than this agree: more than any that is set by the network is off.
pub const CLOCKS_AGREE_WITHIN: Duration = Duration::from_secs(300);
/// For so long after a restore a sensor that says records are damaged more likely let them go, having been told they were
/// stored: one that was away comes back within it, and later damage is damage.
pub const RESTORE_MISSED_FOR: Duration = Duration::from_secs(30 * 86_400);
/// How often what is older than is kept is looked for.
pub const RETENTION_EVERY: Duration = Duration::from_secs(3_600);
/// Characters of a name, a supplier or an e-mail address in a member's profile: what a person writes on one line.
pub const MEMBER_TEXT_MAX_CHARACTERS: usize = 200;
/// What is told to be wrong in one cell of a file of members, or in its heads: whoever mends these finds the others.
pub const CELL_COMPLAINTS_MAX: usize = 10;
/// Domains of one member: the largest municipalities have some fifty.
pub const MEMBER_DOMAINS_MAX: usize = 500;
/// Networks of one member on the internet.
pub const MEMBER_NETWORKS_MAX: usize = 500;
/// Members in one file, and altogether here: over five times the municipalities there are.
pub const MEMBERS_MAX: usize = 2_000;
/// A file with members: every one of them with all contacts and a screen of domains.
pub const MEMBERS_FILE_MAX_OCTETS: u64 = 16 * 1024 * 1024;
/// The file of departures: a hundred thousand of them, far more than members there will ever be.
pub const DEPARTURES_MAX_OCTETS: u64 = 16 * 1024 * 1024;
/// Heartbeats read at once when they are handed over: some megabyte of JSON.
pub const HEARTBEATS_PAGE_ROWS: i64 = 1_000;
/// A certificate of deletion: a page, and the rows of those that had joined.
pub const CERTIFICATE_OF_DELETION_MAX_OCTETS: u64 = 1024 * 1024;
/// Events, and counts of what was braked, read at once when they are handed over: some hundred kilobytes.
pub const HANDED_OVER_PAGE_ROWS: i64 = 1_000;
/// A leaving is begun anew so often where something of the member came, by a sensor of another, while the rest was handed over.
pub const LEAVING_TRIES: usize = 8;
/// The running collector looks so often whether what was deleted can be taken out of the database's log: a look is one row.
pub const LOG_EMPTIED_EVERY: Duration = Duration::from_secs(10);
/// A certificate of deletion that never came to stand is written by the running collector once the deletion is so long ago: whoever
/// deleted is not about to write it any more.
pub const CERTIFICATE_LEFT_ALONE: Duration = Duration::from_secs(600);
/// One that stands and cannot be written anew, for the directory is not there or not the collector's to write, is left as it is after so
/// long: a medium comes back within it, and the departed member's name is kept for it no longer.
pub const CERTIFICATE_WAITS: Duration = Duration::from_secs(7 * 86_400);
/// Who deletes tries to take it out so often itself,
pub const LOG_TRIES: usize = 50;
/// with so much time in between, ten seconds in all: a page is read in less, a backup is not.
pub const LOG_TRIED_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Backups are kept no longer (decision 11): what was deleted is gone from them by then.
pub const BACKUP_DAYS: u64 = retention::BACKUPS.span().as_secs() / 86_400;
/// Of the time that a clock says has passed since the backup before, so many days are believed when older ones are removed: a week
/// without a backup is usual, years are a clock that was set.
pub const BACKUP_CLOCK_AHEAD_DAYS: u64 = 7;

/// How often a heartbeat goes to whoever watches over the collector, unless the settings say otherwise.
pub const BEAT_EVERY: Duration = Duration::from_secs(60);
/// Seconds between two heartbeats, at least: each is a handshake.
pub const BEAT_EVERY_MIN_S: i64 = 5;
/// And at most: what is said less often is no sign of life.
pub const BEAT_EVERY_MAX_S: i64 = 3_600;
/// A heartbeat is answered within this, or it has not arrived; the next one waits for it.
pub const BEAT_WITHIN: Duration = Duration::from_secs(20);
/// The address heartbeats go to.
pub const BEAT_ADDRESS_MAX_OCTETS: usize = 1_024;
/// Why one did not arrive, as it is shown.
pub const BEAT_WHY_MAX_CHARACTERS: usize = 300;
/// What is read of an answer: its head.
pub const HTTP_HEAD_MAX_OCTETS: usize = 16 * 1024;
/// Indicators of one threat whose owners are compared: more than any report has, and it takes milliseconds.
pub const INDICATORS_OF_THREAT_MAX: i64 = 4_096;
/// Addresses that one alert led to one after another in what is told of it at once, beside the last: a name that leads to more changes
/// them as a content network does, and the first of them are as good as any.
pub const LED_TO_MAX: usize = 16;
/// Claims of one threat that are asked whether a galaxy knows it: a source that names it so names it so everywhere.
pub const CLAIMS_OF_THREAT_MAX: i64 = 16;

/// The database answers and can be written within this, or the collector is not well. Longer than a step of a large import.
pub const HEALTH_WITHIN: Duration = Duration::from_secs(8);

/// Connections to the page at once: the live streams there may be ([`page::LIVE_MAX`]), and half as many that read.
pub const PAGE_CONNECTIONS_MAX: usize = page::LIVE_MAX + 128;
/// A request's head is there within this, and the next one's too, or the connection ends.
pub const REQUEST_WITHIN: Duration = Duration::from_secs(10);
/// An answer moves within this, or nobody reads it.
pub const PAGE_READ_WITHIN: Duration = Duration::from_secs(10);
/// Header fields of a request: a browser sends some twenty.
pub const HTTP_HEADERS_MAX: usize = 64;
/// A contact that nobody has looked at for longer may have left: a year.
pub const CONTACT_CONFIRMED_WITHIN: Duration = Duration::from_secs(365 * 24 * 3600);
