//! Limits of what is served to firewalls and resolvers, and of what is told to sources.

use std::time::Duration;

use varde_common::retention;

/// Readers there may be: five for each municipality.
pub const READERS_MAX: i64 = 2_000;
/// Connections of readers at once: each asks for a few files now and then. One neighbourhood has its share of those that are free.
pub const FEED_CONNECTIONS_MAX: usize = 64;
/// Files without a name that feeds are served from: twelve for each of four levels, and as many again while they are made anew.
pub const FEED_FILES_MAX: usize = 4 * 12 * 2;
/// A connection ends after this, whatever is under way: the largest feed over 1 Mbit/s.
pub const FEED_CONNECTION_WITHIN: Duration = Duration::from_secs(600);
/// Octets of an answer read at once; three such pieces wait for a reader at most.
pub const FEED_CHUNK_OCTETS: usize = 64 * 1024;
/// Wrong tokens from one neighbourhood that are answered within [`FEED_REFUSED_WITHIN`]; after that the connection is closed. What is good
/// is never counted.
pub const FEED_REFUSALS_OF_ONE: usize = 20;
/// And from everybody.
pub const FEED_REFUSALS_ALL: usize = 200;
/// The time those are counted in, and how often the log says that there were some.
pub const FEED_REFUSED_WITHIN: Duration = Duration::from_secs(60);
/// Feeds are made anew no sooner than this after they were made, so that an import in many steps does not have them made at each,
pub const FEED_MADE_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// nor sooner than so many times as long as making them took: a tenth of one core at most.
pub const FEED_MADE_AGAIN_SHARE: u32 = 10;
/// What begins or ends to hold does so within this.
pub const FEED_TURNS_WITHIN: Duration = Duration::from_secs(60);
/// And whatever happens, feeds that are asked for are no older.
pub const FEED_OLD_AFTER: Duration = Duration::from_secs(3_600);
/// Indicators read at once while feeds are made: some hundred kilobytes.
pub const FEED_BATCH: usize = 1_000;
/// Attributes of one MISP event: what a MISP server takes in one request without trouble.
pub const FEED_EVENT_ATTRIBUTES: i64 = 5_000;
/// MISP events of one level: each is a line of its manifest, some 8 MB. What is beyond goes into events of many threats.
pub const FEED_EVENTS_MAX: usize = 20_000;
/// What was served in a MISP event and is no more is said to be deleted for so long: a server that reads the feed keeps for good what it is
/// not told of, and one that was off for a summer and an autumn hears it still.
pub const FEED_GONE_KEPT: Duration = Duration::from_secs(180 * 86_400);
/// Of one level so much of it is carried on, and as much again may come with one making: some 300 octets each when served, 16 here. Beyond
/// that the oldest is told no more, and the log says so.
pub const FEED_GONE_MAX: usize = 250_000;
/// A name in a response policy zone: with `*.` before it and the zone's own name behind it, it must be a name still (RFC 1035: 255). One
/// that is longer would have resolvers refuse the whole zone.
pub const RPZ_NAME_MAX_OCTETS: usize = 190;
/// A reader's last visit is noted this often.
pub const READER_SEEN_EVERY: Duration = Duration::from_secs(3_600);

/// Sightings that wait, at most; beyond that none is queued, and verdicts say so.
pub const SIGHTINGS_WAITING_MAX: i64 = 10_000;
/// A sighting is tried so often, then given up: over two weeks.
pub const SIGHTING_TRIES: i64 = 20;
/// It is tried again after this,
pub const SIGHTING_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// each time twice as late, and at most after this.
pub const SIGHTING_AGAIN_MAX: Duration = Duration::from_secs(86_400);
/// Sightings sent in one go, one after another.
pub const SIGHTINGS_AT_ONCE: i64 = 50;
/// The running collector looks so often for those that are due.
pub const SIGHTINGS_LOOKED_AT_EVERY: Duration = Duration::from_secs(30);
/// A server's key, in its file.
pub const SIGHTING_KEY_MAX_OCTETS: u64 = 1_024;
/// What became of a sighting is kept for so long after it arrived or was given up.
pub const SIGHTINGS_KEPT: Duration = retention::SIGHTINGS.span();
