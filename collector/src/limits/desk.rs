//! Bounds of the analyst's lists: what is typed, looked at, shown, saved and undone.

use std::time::Duration;

/// A filter as it is typed and as it stands in an address.
pub const FILTER_MAX_OCTETS: usize = 512;
/// Tokens of one filter: more than anybody reads.
pub const TOKENS_MAX: usize = 24;
/// Values of one token, with commas between.
pub const VALUES_IN_TOKEN_MAX: usize = 12;
/// Alerts of a range that are looked at for one page, the newest: some ten milliseconds. Of more the page says so.
pub const ALERTS_LOOKED_AT_MAX: i64 = 20_000;
/// Groups on one page.
pub const GROUPS_SHOWN: usize = 50;
/// Incidents or campaigns on one page.
pub const CASES_SHOWN: usize = 50;
/// Bars of a histogram at most, and of a spark.
pub const BARS_MAX: usize = 60;
/// Bars of the spark of one row.
pub const SPARK_BARS: usize = 24;
/// The longest range that is asked for: what alerts are kept for, and a month.
pub const RANGE_MAX: Duration = Duration::from_secs(430 * 86_400);
/// The shortest: below it a bar is less than a second.
pub const RANGE_MIN: Duration = Duration::from_secs(60);
/// Rows of an export: a spreadsheet that opens.
pub const EXPORTED_MAX: usize = 5_000;
/// Things that one deed is done to at once.
pub const TOGETHER_MAX: usize = 100;
/// How long an indicator is muted unless told otherwise, in days.
pub const MUTED_DAYS: u32 = 30;
/// And at most.
pub const MUTED_DAYS_MAX: u32 = 365;
/// Mutings that stand at once: whoever needs more needs another list of indicators.
pub const MUTED_MAX: i64 = 2_000;
/// Mutings on one page.
pub const MUTED_SHOWN: usize = 100;
/// For so long a deed can be undone.
pub const UNDONE_WITHIN: Duration = Duration::from_secs(15 * 60);
/// Deeds that are remembered to be undone, the newest.
pub const DEEDS_REMEMBERED: i64 = 500;
/// Views that one person keeps.
pub const VIEWS_SAVED_MAX: i64 = 50;
/// Views that all of them share.
pub const VIEWS_SHARED_MAX: i64 = 200;
/// The name of a view.
pub const VIEW_NAME_MAX_OCTETS: usize = 80;
/// Indicators on one page.
pub const INDICATORS_SHOWN: usize = 50;
/// So many that fit are counted; of more the page says so. A count reads every row.
pub const INDICATORS_COUNTED_MAX: i64 = 10_000;
/// Indicators within a network that a filter names, the newest: more than anybody reads. Of more the page says so.
pub const INDICATORS_WITHIN_MAX: usize = 20_000;
/// So many are read at once to find them.
pub const INDICATORS_READ_AT_ONCE: i64 = 5_000;
/// Members and campaigns that one indicator's page names.
pub const MET_BY_SHOWN: i64 = 100;
/// What of a pasted text is shown by itself before it is taken in: more than anybody reads.
pub const PASTED_SHOWN: usize = 200;
/// A text that is pasted: a warning with its list. What is longer is imported as a file.
pub const PASTED_MAX_OCTETS: usize = 300 * 1024;
/// Published lists on one page, the newest.
pub const LISTS_SHOWN: i64 = 30;
/// Sensors that are named which lack the newest list, of each channel.
pub const LACKING_SHOWN: i64 = 20;
/// Recalls on one page.
pub const RECALLS_SHOWN: i64 = 100;
