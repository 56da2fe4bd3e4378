//! Every bound of the shared formats: unit in the name, reason beside it. Each program has a `limits.rs` of its own for
//! what is its own business.

/// A self-test's record: a time, two kinds and a number, each as long as the codec ever writes it. What is longer is another record.
pub const SELF_TEST_RECORD_MAX_OCTETS: usize = 24;
/// A domain name on the wire, without its final zero octet (RFC 1035 section 2.3.4 allows 255 with it).
pub const NAME_MAX_OCTETS: usize = 254;
/// One label (RFC 1035 section 2.3.4).
pub const LABEL_MAX_OCTETS: usize = 63;
/// Labels in a name: 127 one-octet labels fill 254 octets.
pub const NAME_MAX_LABELS: usize = 127;

/// Frame header: length, type, flags.
pub const FRAME_HEADER_OCTETS: usize = 8;
/// A frame towards the collector, body only. A thousand sensors may each have one half-read.
pub const FRAME_TO_COLLECTOR_MAX_OCTETS: usize = 64 * 1024;
/// A frame towards the agent, body only: a list chunk with its envelope.
pub const FRAME_TO_AGENT_MAX_OCTETS: usize = 256 * 1024;
/// Memory one decoded frame may take. bincode counts `length × size_of::<T>()`, so this is wider than the frame.
pub const DECODE_MAX_OCTETS: usize = 1024 * 1024;

/// One encoded record, in the spool and in a batch.
pub const RECORD_MAX_OCTETS: usize = 512;
/// Records in one batch.
pub const BATCH_MAX_RECORDS: usize = 1024;
/// Sum of the encoded records of one batch: leaves room for the batch's own header within a frame.
pub const BATCH_MAX_OCTETS: usize = 60 * 1024;
/// The same of a compact batch once it is unpacked: as many alerts as a batch may have, with every field. Its sender keeps
/// the bound above, for records that travel as they stand.
pub const BATCH_UNPACKED_MAX_OCTETS: usize = 128 * 1024;
/// Entries of each dictionary that a session's compact batches refer to: what one batch can name. At the collector
/// they take `compact::UNPACKER_MAX_OCTETS` a session.
pub const DICTIONARY_MAX_ENTRIES: usize = 1024;

/// A chunk of a list's base file.
pub const LIST_CHUNK_MAX_OCTETS: usize = 192 * 1024;
/// A list's base file: five million indicators of some fifty octets.
pub const LIST_BASE_MAX_OCTETS: u64 = 256 * 1024 * 1024;
/// Indicators in a list.
pub const LIST_MAX_INDICATORS: u64 = 5_000_000;
/// Up to so many indicators a list may lose any share of itself unasked, though not all: of a few, half is soon gone.
pub const LIST_SHRINK_ABOVE: u64 = 20;
/// Changes in an overlay: what a sensor keeps in memory beside the mapped base (decision 24).
pub const OVERLAY_MAX_CHANGES: usize = 65_536;
/// One indicator in an overlay: a name of [`NAME_MAX_OCTETS`] and some forty octets of facts.
pub const OVERLAY_INDICATOR_MAX_OCTETS: usize = 320;
/// An overlay's file: as many changes as it may have, each as long as it may be. A sensor holds it in memory while it arrives.
pub const OVERLAY_MAX_OCTETS: u64 = 16 + (OVERLAY_MAX_CHANGES * (4 + OVERLAY_INDICATOR_MAX_OCTETS)) as u64;
/// One bucket of a base: what a look-up may walk through at the most. Some hundred octets are usual; thousands of
/// indicators with one pattern fill it.
pub const BUCKET_MAX_OCTETS: usize = 256 * 1024;
/// What a look-up reads at once of the records of a base in a file: a usual bucket whole, and room for the longest record.
pub const RECORDS_READ_OCTETS: usize = 1024;
/// A signed manifest as it travels.
pub const MANIFEST_MAX_OCTETS: usize = 16 * 1024;
/// A root document as it travels and as it lies on disk.
pub const ROOT_MAX_OCTETS: usize = 64 * 1024;
/// A signed word of which list is the newest: a few short fields and [`SIGNATURES_MAX`] signatures.
pub const NEWEST_MAX_OCTETS: usize = 4 * 1024;
/// A channel's name: a word or two.
pub const CHANNEL_NAME_MAX_OCTETS: usize = 32;
/// A signed word of which channel to follow: a few short fields and [`SIGNATURES_MAX`] signatures.
pub const PLACEMENT_MAX_OCTETS: usize = 4 * 1024;
/// How far ahead of the sensor's time such a word may be: whoever stole a list key for a day must not have the last word.
pub const PLACEMENT_AHEAD_MAX_S: u64 = 86_400;
/// Indicators that one order of the brake may name: more of them gone wrong at once is a list gone wrong, which is published anew.
pub const BRAKE_ENTRIES_MAX: usize = 64;
/// Hours that one order may hold an indicator (decision 23).
pub const BRAKE_HOURS_MAX: u64 = 24;
/// Why an indicator is braked, as UTF-8: a sentence.
pub const BRAKE_REASON_MAX_OCTETS: usize = 200;
/// A signed order of the brake as it travels and as it lies on disk: the largest has some 40,000.
pub const BRAKE_MAX_OCTETS: usize = 64 * 1024;
/// Signatures looked at in one envelope: more than any role will have keys.
pub const SIGNATURES_MAX: usize = 16;

/// A short text in a message: a version, a reason, a host name.
pub const TEXT_MAX_OCTETS: usize = 255;
/// Reasons for refusals told apart in one heartbeat: a sensor has some thirty.
pub const REFUSALS_MAX: usize = 64;
/// Sites one sensor may report for.
pub const SITES_MAX: usize = 64;
/// A certificate request or a chain as DER.
pub const CERTIFICATE_MAX_OCTETS: usize = 16 * 1024;
/// A line of a plain list: the longest name fully escaped (`\DDD`), a port and a comment.
pub const PLAIN_LINE_MAX_OCTETS: usize = 4096;
/// Days an enrolment token is good for.
pub const TOKEN_LIFE_HOURS: i64 = 72;
