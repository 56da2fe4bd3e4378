//! The range of time that a list shows: a quick one up to now, or from one moment to another; its bars, and what lies around it.

use std::time::Duration;

use jiff::civil::DateTime;
use varde_common::time::Timestamp;

use crate::day::norway;
use crate::limits::desk::{BARS_MAX, RANGE_MAX, RANGE_MIN};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
/// What a bar may stand for, in seconds: what people count by.
const WIDTHS: [u64; 17] = [
    1,
    10,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
];

/// A range that ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Quick {
    /// One hour.
    Hour,
    /// 24 hours.
    #[default]
    Day,
    /// Seven days.
    Week,
    /// Thirty days.
    Month,
}

impl Quick {
    /// All, the shortest first.
    pub const ALL: [Quick; 4] = [Quick::Hour, Quick::Day, Quick::Week, Quick::Month];

    /// As an address has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Quick::Hour => "1t",
            Quick::Day => "24t",
            Quick::Week => "7d",
            Quick::Month => "30d",
        }
    }

    /// How long.
    pub fn span(self) -> Duration {
        Duration::from_secs(match self {
            Quick::Hour => HOUR,
            Quick::Day => DAY,
            Quick::Week => 7 * DAY,
            Quick::Month => 30 * DAY,
        })
    }
}

/// Why a range was not understood; the usual one is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadRange {
    /// No quick range is called that.
    Quick,
    /// The beginning is no time.
    From,
    /// The end is no time.
    To,
    /// The end is not after the beginning.
    Order,
    /// It is longer than anything is kept.
    TooLong,
}

/// A range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Range {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end; none = whatever comes, also of a clock that is ahead.
    pub to: Option<Timestamp>,
    /// By what it was asked for, where that moves along.
    pub quick: Option<Quick>,
}

/// A moment as a form has it, by Norwegian clocks (`2026-11-21T14:05`), or with its offset.
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let local: DateTime = text.parse().ok()?;
    let at = local.to_zoned(norway()).ok()?.timestamp();
    Some(Timestamp(at.as_microsecond()).clamped())
}

impl Range {
    /// A quick one.
    pub fn quick(quick: Quick, now: Timestamp) -> Range {
        Range { from: now.minus(quick.span()), to: None, quick: Some(quick) }
    }

    /// As an address asks for it; nothing = the last 24 hours.
    ///
    /// # Errors
    /// What was not understood.
    pub fn read(quick: Option<&str>, from: Option<&str>, to: Option<&str>, now: Timestamp) -> Result<Range, BadRange> {
        let given = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let (from, to) = (given(from), given(to));
        if from.is_none() && to.is_none() {
            let named = |text: &str| Quick::ALL.into_iter().find(|quick| quick.as_str() == text);
            let quick = match given(quick) {
                Some(text) => named(&text).ok_or(BadRange::Quick)?,
                None => Quick::default(),
            };
            return Ok(Range::quick(quick, now));
        }
        let to = to.map(|text| moment(&text).ok_or(BadRange::To)).transpose()?;
        let end = to.unwrap_or(now);
        let from = match from {
            Some(text) => moment(&text).ok_or(BadRange::From)?,
            None => end.minus(Quick::default().span()),
        };
        Range::between(from, to, now)
    }

    /// From one moment to another.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn between(from: Timestamp, to: Option<Timestamp>, now: Timestamp) -> Result<Range, BadRange> {
        let end = to.unwrap_or(now);
        if from >= end {
            return Err(BadRange::Order);
        }
        if end.since(from) > RANGE_MAX {
            return Err(BadRange::TooLong);
        }
        Ok(Range { from, to, quick: None })
    }

    /// Its end, or now.
    pub fn end(&self, now: Timestamp) -> Timestamp {
        self.to.unwrap_or(now).max(self.from.plus(Duration::from_secs(1)))
    }

    /// Twice as long around the same middle, no further than now: as an address has it.
    pub fn wider(&self, now: Timestamp) -> Option<Range> {
        if let Some(quick) = self.quick {
            return Quick::ALL.into_iter().find(|other| *other > quick).map(|quick| Range::quick(quick, now));
        }
        let (from, end) = (self.from, self.end(now));
        let half = end.since(from) / 2;
        let to = end.plus(half).min(now.max(end));
        let from = from.minus(half).max(to.minus(RANGE_MAX));
        (from < self.from || to > end).then_some(Range { from, to: Some(to), quick: None })
    }

    /// What asks for it, in an address.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        match self.quick {
            Some(quick) => vec![("t", quick.as_str().to_owned())],
            None => {
                let mut parameters = vec![("fra", self.from.to_string())];
                parameters.extend(self.to.map(|to| ("til", to.to_string())));
                parameters
            }
        }
    }

    /// Its bars.
    pub fn bars(&self, now: Timestamp) -> Bars {
        let end = self.end(now);
        let seconds = end.since(self.from).max(RANGE_MIN).as_secs();
        let most = BARS_MAX as u64 - 1;
        let last = seconds.div_ceil(most);
        let width = WIDTHS.into_iter().find(|width| seconds.div_ceil(*width) <= most).unwrap_or(last);
        // Bars begin at whole hours and days by Norwegian clocks.
        let width_us = i64::try_from(width).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let ahead = jiff::Timestamp::from_microsecond(self.from.clamped().0)
            .map_or(0, |at| i64::from(norway().to_offset(at).seconds()) * 1_000_000);
        let first = (self.from.0.saturating_add(ahead)).div_euclid(width_us).saturating_mul(width_us) - ahead;
        let count = (end.0.saturating_sub(first)).div_euclid(width_us) + 1;
        Bars { first: Timestamp(first), width_us, count: usize::try_from(count).unwrap_or(1).clamp(1, BARS_MAX) }
    }
}

/// Bars of one width over a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bars {
    /// When the first begins.
    pub first: Timestamp,
    /// What each stands for, microseconds.
    pub width_us: i64,
    /// How many.
    pub count: usize,
}

impl Bars {
    /// When a bar begins; of the one behind the last the end.
    pub fn begins(&self, place: usize) -> Timestamp {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        Timestamp(self.first.0.saturating_add(self.width_us.saturating_mul(place))).clamped()
    }

    /// What each stands for, seconds.
    pub fn width_s(&self) -> u64 {
        u64::try_from(self.width_us / 1_000_000).unwrap_or(0)
    }

    /// The same counts in fewer bars, for a small drawing.
    pub fn folded(counts: &[i64], into: usize) -> Vec<i64> {
        let group = counts.len().div_ceil(into.max(1)).max(1);
        counts.chunks(group).map(|chunk| chunk.iter().sum()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_795_219_200_000_000);

    #[test]
    fn a_range_is_read_from_an_address_or_refused_by_what_is_wrong() {
        let read = |quick, from, to| Range::read(quick, from, to, NOW);
        assert_eq!(read(None, None, None), Ok(Range::quick(Quick::Day, NOW)));
        assert_eq!(read(Some("7d"), Some(""), Some(" ")), Ok(Range::quick(Quick::Week, NOW)));
        assert_eq!(read(Some("9d"), None, None), Err(BadRange::Quick));
        let local = read(None, Some("2026-11-20T14:05"), Some("2026-11-20T15:05")).unwrap();
        assert_eq!(local.from, "2026-11-20T13:05:00Z".parse().unwrap(), "by Norwegian clocks");
        assert_eq!(local.to, Some("2026-11-20T14:05:00Z".parse().unwrap()));
        assert_eq!(read(None, Some("2026-11-20T13:05:00Z"), None).unwrap().to, None);
        let day_before = read(None, None, Some("2026-11-20T14:05")).unwrap();
        assert_eq!(day_before.to.unwrap().since(day_before.from), Quick::Day.span());
        for (from, to, wrong) in [
            (Some("i går"), None, BadRange::From),
            (None, Some("2026-13-01T00:00"), BadRange::To),
            (Some("2026-11-20T14:05"), Some("2026-11-20T14:05"), BadRange::Order),
            (Some("2000-01-01T00:00"), None, BadRange::TooLong),
            (Some("2036-01-01T00:00"), None, BadRange::Order),
        ] {
            assert_eq!(read(None, from, to), Err(wrong), "{from:?} {to:?}");
        }
    }

    #[test]
    fn zooming_out_goes_on_to_the_next_quick_range_or_doubles_and_never_beyond_now() {
        assert_eq!(Range::quick(Quick::Hour, NOW).wider(NOW), Some(Range::quick(Quick::Day, NOW)));
        assert_eq!(Range::quick(Quick::Month, NOW).wider(NOW), None);
        let hour = Duration::from_secs(3_600);
        let range = Range::between(NOW.minus(hour * 2), Some(NOW.minus(hour)), NOW).unwrap();
        let wider = range.wider(NOW).unwrap();
        assert_eq!((wider.from, wider.to), (NOW.minus(hour * 5 / 2), Some(NOW.minus(hour / 2))));
        let wider = Range::between(NOW.minus(hour), None, NOW).unwrap().wider(NOW).unwrap();
        assert_eq!((wider.from, wider.to), (NOW.minus(hour * 3 / 2), Some(NOW)));
    }

    #[test]
    fn bars_begin_at_whole_hours_and_days_by_norwegian_clocks() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let bars = Range::quick(Quick::Day, at("2026-11-21T13:05:00Z")).bars(at("2026-11-21T13:05:00Z"));
        assert_eq!((bars.first, bars.width_s()), (at("2026-11-20T13:00:00Z"), 1_800));
        let bars = Range::quick(Quick::Month, at("2026-07-21T13:05:00Z")).bars(at("2026-07-21T13:05:00Z"));
        assert_eq!((bars.first, bars.width_s()), (at("2026-06-20T22:00:00Z"), 86_400), "midnight in summer");
        assert_eq!(bars.begins(bars.count - 1), at("2026-07-20T22:00:00Z"));
        assert_eq!(Bars::folded(&[1, 2, 3, 4, 5], 3), [3, 7, 5]);
    }

    proptest! {
        #[test]
        fn every_moment_of_a_range_has_a_bar(from in -4_000_000_000_000_000_i64..4_000_000_000_000_000, span in 1_000_000_i64..37_000_000_000_000) {
            let now = Timestamp(from + span);
            let range = Range { from: Timestamp(from), to: None, quick: None };
            let bars = range.bars(now);
            prop_assert!(bars.count <= BARS_MAX && bars.first <= range.from);
            prop_assert!(bars.begins(bars.count) > now, "{bars:?}");
        }

        #[test]
        fn no_range_breaks_anything(quick in "\\PC{0,10}", from in "[0-9TZ:.+-]{0,30}|\\PC{0,20}", to in "[0-9TZ:.-]{0,30}") {
            if let Ok(range) = Range::read(Some(&quick), Some(&from), Some(&to), NOW) {
                let _ = (range.bars(NOW), range.wider(NOW), range.parameters());
            }
        }
    }
}
