//! Bounds of lint: how wide is too wide, how much is held against, what is told of it; and of how long indicators live.

/// An IPv4 network shorter than this is a part of the internet: sixty-five thousand addresses are more than one provider's rack.
pub const NETWORK_V4_BLOCKED_BELOW_BITS: u8 = 16;
/// One shorter than this is somebody's whole allocation (the smallest that is routed is a /24), so a person says that it is meant.
pub const NETWORK_V4_HELD_BELOW_BITS: u8 = 24;
/// The same of IPv6: /32 is what a provider is given,
pub const NETWORK_V6_BLOCKED_BELOW_BITS: u8 = 32;
/// and /48 a site.
pub const NETWORK_V6_HELD_BELOW_BITS: u8 = 48;
/// Entries of lists that are looked at within one wide network; one of them is told.
pub const COVERED_LOOKED_AT: usize = 256;
/// A file with a warninglist: the million top names of Tranco's are 22 MB, and nobody needs more than a tenth of them.
pub const LINT_LIST_MAX_OCTETS: u64 = 16 * 1024 * 1024;
/// Entries of one warninglist, compiled at each publication: some 40 MB.
pub const LINT_LIST_ENTRIES_MAX: usize = 200_000;
/// Warninglists of the operator's own.
pub const LINT_LISTS_MAX: i64 = 64;
/// Parts of names in one list: they are one expression, matched in linear time.
pub const LINT_SUBSTRINGS_MAX: usize = 2_000;
/// A shorter part is in everything.
pub const LINT_SUBSTRING_MIN_OCTETS: usize = 3;
/// An entry: the longest name as text.
pub const LINT_ENTRY_MAX_OCTETS: usize = 253;
/// A warninglist's name: it stands in tables and after commands.
pub const LINT_NAME_MAX_OCTETS: usize = 60;
/// Held indicators that are named, of each rule.
pub const HELD_NAMED: usize = 3;
/// An override ends within a year: who still means it says so again.
pub const OVERRIDE_DAYS_MAX: u64 = 366;
/// Why something is overridden or allowed: a sentence or two.
pub const LINT_REASON_MAX_CHARACTERS: usize = 500;
/// Entries of the allow-list that stand: each is compiled at each publication.
pub const ALLOWED_MAX: i64 = 100_000;
/// What keeps so many indicators or fewer from going out is allowed without being asked twice: a supplier's few names.
pub const ALLOW_UNASKED: u64 = 10;
/// And so is what keeps no more of every hundred that go out than this.
pub const ALLOW_UNASKED_PERCENT: u64 = 1;
/// Days that an indicator lives at most after a source's last word, where that names no end: ten years.
pub const LIFETIME_DAYS_MAX: u16 = 3_650;
/// An end that a source did not name is moved to a day of a grid as wide as a part of so many of the lifetime: of a list that is said
/// anew every night few indicators change each night, and sensors get changes instead of a new base.
pub const LIFETIME_GRID_PARTS: i64 = 4;
