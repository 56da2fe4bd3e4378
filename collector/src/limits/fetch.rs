//! Bounds on what is fetched from sources, and how often.

use std::time::Duration;

/// What one fetch from a source may bring altogether, unpacked, unless its operator says otherwise ([`super::IMPORT_MAX_OCTETS`] at most):
/// half a million STIX objects.
pub const FETCH_MAX_OCTETS: u64 = 512 * 1024 * 1024;
/// A whole fetch from a source, unless its operator says otherwise: a MISP feed of twenty thousand events, each asked for by itself.
pub const FETCH_WITHIN: Duration = Duration::from_secs(1_800);
/// At most that.
pub const FETCH_WITHIN_MAX: Duration = Duration::from_secs(6 * 3_600);
/// A connection to a source stands within this, with its name resolved and TLS agreed.
pub const FETCH_CONNECT_WITHIN: Duration = Duration::from_secs(20);
/// A source begins to answer within this: some search for a while first.
pub const FETCH_HEAD_WITHIN: Duration = Duration::from_secs(90);
/// An answer brings at least [`FETCH_PACE_OCTETS`] in each such span, or it would never end.
pub const FETCH_PACE_WITHIN: Duration = Duration::from_secs(30);
/// See [`FETCH_PACE_WITHIN`]: a kilobyte a second, a poor mobile line's worst.
pub const FETCH_PACE_OCTETS: u64 = 30 * 1024;
/// An answer's head.
pub const FETCH_HEAD_MAX_OCTETS: usize = 64 * 1024;
/// Where one header field of an answer is kept (ETag, dates).
pub const FETCH_FIELD_MAX_OCTETS: usize = 1_024;
/// A compressed answer that unpacks to more than so many times its size is a bomb; lists of text come to some twenty,
pub const FETCH_UNPACKED_TIMES: u64 = 200;
/// once it has unpacked to so much.
pub const FETCH_UNPACKED_ABOVE_OCTETS: u64 = 8 * 1024 * 1024;
/// Redirects followed for one request.
pub const FETCH_REDIRECTS_MAX: usize = 5;
/// Requests of one fetch: pages, or a MISP feed's events.
pub const FETCH_REQUESTS_MAX: usize = 100_000;
/// Addresses that a source's name may resolve to; each is checked.
pub const FETCH_ADDRESSES_MAX: usize = 64;
/// A source that asks to be left alone for no longer is waited for,
pub const FETCH_WAIT_MAX: Duration = Duration::from_secs(60);
/// so often in one fetch.
pub const FETCH_WAITS_MAX: usize = 10;
/// And for no longer than this the schedule heeds it.
pub const FETCH_RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);
/// Objects asked for a page of a TAXII collection; the server may give fewer.
pub const TAXII_PAGE_OBJECTS: usize = 1_000;
/// Attributes asked for a page of a MISP server's search.
pub const MISP_PAGE_ATTRIBUTES: usize = 5_000;
/// Collections, or API roots, of one TAXII server that are listed.
pub const TAXII_LISTED_MAX: usize = 1_000;
/// The file with what a source is asked with: a token, or a certificate with its key.
pub const FETCH_SECRET_MAX_OCTETS: u64 = 64 * 1024;
/// Sources that are fetched on a schedule.
pub const SOURCES_MAX: usize = 500;
/// Sources with which something is wrong that the page names.
pub const SOURCES_SHOWN: i64 = 20;
/// Sources fetched at once: one that is slow keeps no other from its turn.
pub const FETCHES_AT_ONCE: usize = 4;
/// How often the running collector looks which sources there are and whose turn it is.
pub const SOURCES_LOOKED_AT_EVERY: Duration = Duration::from_secs(5);
/// How often a source is fetched, unless its operator says otherwise,
pub const FETCH_EVERY: Duration = Duration::from_secs(3_600);
/// at least: others' servers are not to be worn out,
pub const FETCH_EVERY_MIN: Duration = Duration::from_secs(300);
/// and at most.
pub const FETCH_EVERY_MAX: Duration = Duration::from_secs(30 * 86_400);
/// After a failure a source is tried again after this, then after twice that, and so on, until it is back at its own rhythm.
pub const FETCH_AGAIN_AFTER: Duration = Duration::from_secs(300);
/// Why a fetch failed, as it is kept and shown.
pub const FETCH_WHY_MAX_CHARACTERS: usize = 400;
