//! When it was: bars over a range, each a link into it, with their unit; and the small drawing of one row.

use crate::filter::Filter;
use crate::limits::desk::SPARK_BARS;
use crate::present::desk::asked::Asked;
use crate::present::shown::{number, span};
use crate::present::view::Reader;
use crate::range::{Bars, Range};

/// How wide its bars are drawn together, and how high they are; the drawing is wider by the end of the last word below.
const WIDTH: i64 = 970;
const HEIGHT: i64 = 64;
const SPARK_WIDTH: i64 = 96;
const SPARK_HEIGHT: i64 = 18;

/// A bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// Its left side.
    pub x: i64,
    /// Its upper side.
    pub y: i64,
    /// Its width.
    pub width: i64,
    /// Its height.
    pub height: i64,
    /// When it begins, as an address has it.
    pub from: String,
    /// When it ends.
    pub to: String,
    /// "21.11. 14:00–14:30: 12 alarmer".
    pub words: String,
    /// From when to when.
    pub when: String,
    /// How many.
    pub count: String,
    /// Into that time alone.
    pub address: String,
}

/// A mark on the axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// Where.
    pub x: i64,
    /// When.
    pub words: String,
}

/// The drawing above a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// Its bars; those of nothing too, so that any time can be chosen.
    pub bars: Vec<Bar>,
    /// Marks on the axis.
    pub ticks: Vec<Tick>,
    /// The highest bar.
    pub most: String,
    /// "alarmer per 30 min".
    pub unit: String,
}

fn heights(counts: &[i64], height: i64) -> Vec<i64> {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    // What is there is seen, however little it is.
    counts
        .iter()
        .map(|count| {
            if *count > 0 {
                (i64::try_from(i128::from(*count) * i128::from(height) / i128::from(most)).unwrap_or(height)).max(2)
            } else {
                0
            }
        })
        .collect()
}

/// The left side of a bar, of so many that fill the width together.
fn left(place: usize, bars: usize) -> i64 {
    let n = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
    WIDTH.saturating_mul(n(place)) / n(bars).max(1)
}

impl Histogram {
    /// Of so many in each bar.
    pub fn of(asked: &Asked, bars: &Bars, counts: &[i64], reader: &Reader) -> Histogram {
        let (texts, now) = (reader.texts, reader.now);
        let is_long = bars.width_s() * bars.count as u64 > 36 * 3_600;
        let filter: &Filter = &asked.question.filter;
        let mut drawn = Vec::with_capacity(counts.len());
        let mut ticks = Vec::new();
        for ((place, count), height) in counts.iter().enumerate().zip(heights(counts, HEIGHT)) {
            let (from, to) = (bars.begins(place), bars.begins(place + 1));
            let x = left(place, bars.count);
            let when =
                format!("{}–{}", reader.calendar.tick(from, true, false), reader.calendar.tick(to, false, false));
            let shown = texts.count("desk-alerts-n", *count);
            let range =
                Range { from, to: Some(to.min(now.max(from.plus(std::time::Duration::from_secs(1))))), quick: None };
            if place % 12 == 0 {
                ticks.push(Tick { x, words: reader.calendar.tick(from, is_long, false) });
            }
            drawn.push(Bar {
                x,
                y: HEIGHT - height,
                width: (left(place + 1, bars.count) - x - 1).max(1),
                height,
                from: from.to_string(),
                to: to.to_string(),
                words: format!("{when}: {shown}"),
                when,
                count: number(*count),
                address: asked.address(filter, &range, asked.question.all),
            });
        }
        let each = span(texts, bars.width_s());
        Histogram {
            bars: drawn,
            ticks,
            most: number(counts.iter().copied().max().unwrap_or(0)),
            unit: texts.with("desk-per", &[("span", &each)]),
        }
    }
}

/// The small drawing of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spark {
    /// x, y, width and height of each bar that is none of nothing.
    pub bars: Vec<(i64, i64, i64, i64)>,
    /// For those who do not see it: the unit, and the highest.
    pub words: String,
}

impl Spark {
    /// Of so many in each bar.
    pub fn of(bars: &Bars, counts: &[i64], reader: &Reader) -> Spark {
        let folded = Bars::folded(counts, SPARK_BARS);
        let size = i64::try_from(folded.len()).unwrap_or(1).max(1);
        let width = (SPARK_WIDTH / size).max(1);
        let drawn =
            folded.iter().zip(heights(&folded, SPARK_HEIGHT)).zip(0_i64..).filter(|((count, _), _)| **count > 0);
        let group = counts.len().div_ceil(SPARK_BARS.max(1)).max(1) as u64;
        let each = span(reader.texts, bars.width_s().saturating_mul(group));
        let most = number(folded.iter().copied().max().unwrap_or(0));
        Spark {
            bars: drawn
                .map(|((_, height), x)| (x * width, SPARK_HEIGHT - height, (width - 1).max(1), height))
                .collect(),
            words: reader.texts.with("desk-spark", &[("span", &each), ("most", &most)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::desk::BARS_MAX;

    #[test]
    fn bars_fill_the_width_however_many_there_are() {
        for bars in 1..=BARS_MAX {
            assert_eq!((left(0, bars), left(bars, bars)), (0, WIDTH), "{bars} bars");
            let narrowest = (0..bars).map(|place| left(place + 1, bars) - left(place, bars)).min().unwrap();
            assert!(narrowest >= 10, "one of {bars} bars is {narrowest} wide, which nobody can hit");
        }
    }

    #[test]
    fn what_is_there_is_seen_however_little_it_is() {
        assert_eq!(heights(&[0, 1, 1_000_000], 64), [0, 2, 64]);
        assert_eq!(heights(&[0, 0], 64), [0, 0]);
        assert_eq!(heights(&[i64::MAX], 64).len(), 1, "no number is too great");
    }
}
