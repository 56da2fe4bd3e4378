//! How a campaign spread: members over time, as a drawing of plain numbers that the template writes as SVG. The table of
//! members says the same in words.

use varde_common::time::Timestamp;

use super::shown::{Calendar, Shown};
use super::text::Texts;
use super::view::{Steps, size};
use crate::store::picture::{AlertFacts, HitFacts};

/// Members drawn; the table names all.
const ROWS_MAX: usize = 60;
/// Marks for single alerts drawn per member.
const MARKS_MAX: usize = 100;
const LEFT: i64 = 150;
const WIDTH: i64 = 600;
const RIGHT: i64 = 150;
const TOP: i64 = 26;
const ROW: i64 = 26;
/// Steps an axis may have, in microseconds: 10 s to 90 days.
const STEPS_US: [i64; 17] = [
    10_000_000,
    30_000_000,
    60_000_000,
    120_000_000,
    300_000_000,
    600_000_000,
    1_800_000_000,
    3_600_000_000,
    7_200_000_000,
    14_400_000_000,
    28_800_000_000,
    43_200_000_000,
    DAY_US,
    2 * DAY_US,
    7 * DAY_US,
    30 * DAY_US,
    90 * DAY_US,
];
const MINUTE_US: i64 = 60_000_000;
const DAY_US: i64 = 86_400_000_000;
const TICKS_MAX: i64 = 6;
/// The least an axis spans: a single sighting still has a place.
const SPAN_MIN_US: i64 = 60_000_000;

/// One member's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpreadRow {
    /// Its name, cut to the room there is.
    pub name: Shown,
    /// Middle of the line.
    pub y: i64,
    /// Baseline of its words.
    pub text_y: i64,
    /// Top of the bar.
    pub bar_y: i64,
    /// Earliest sighting.
    pub x: i64,
    /// From earliest to latest.
    pub width: i64,
    /// How far it got.
    pub steps: Steps,
    /// Where single alerts began.
    pub marks: Vec<i64>,
}

/// A mark on the axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// Where.
    pub x: i64,
    /// What it says.
    pub label: String,
}

/// The drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    /// Whole width.
    pub width: i64,
    /// Whole height.
    pub height: i64,
    /// Bottom of the grid.
    pub bottom: i64,
    /// Where the words to the right begin.
    pub words_x: i64,
    /// Lines.
    pub rows: Vec<SpreadRow>,
    /// Axis.
    pub ticks: Vec<Tick>,
    /// Members left out of the drawing.
    pub left_out: i64,
}

impl Spread {
    /// Draws members in the order they were hit.
    pub fn of(hits: &[HitFacts], alerts: &[AlertFacts], calendar: &Calendar, texts: &Texts) -> Spread {
        let begin = hits.iter().map(|hit| hit.first_seen.0).min().unwrap_or(0);
        let end = hits.iter().map(|hit| hit.last_seen.0).max().unwrap_or(0);
        let length = end.saturating_sub(begin).max(SPAN_MIN_US);
        let x = |at: i64| {
            let into = i128::from(at.saturating_sub(begin).clamp(0, length));
            LEFT + i64::try_from(into * i128::from(WIDTH) / i128::from(length)).unwrap_or(0)
        };
        let rows: Vec<SpreadRow> = hits
            .iter()
            .take(ROWS_MAX)
            .zip(0..)
            .map(|(hit, place)| {
                let y = TOP + place * ROW + ROW / 2;
                let from = x(hit.first_seen.0);
                let mut marks: Vec<i64> = alerts
                    .iter()
                    .filter(|alert| alert.member_id == hit.member.id)
                    .map(|alert| x(alert.first_seen.0))
                    .collect();
                marks.sort_unstable();
                marks.dedup();
                marks.truncate(MARKS_MAX);
                SpreadRow {
                    name: cut(&hit.member.name),
                    y,
                    text_y: y + 4,
                    bar_y: y - 6,
                    x: from,
                    width: (x(hit.last_seen.0) - from).max(4),
                    steps: Steps::of(hit.evidence, texts),
                    marks,
                }
            })
            .collect();
        let bottom = TOP + size(rows.len()) * ROW;
        Spread {
            width: LEFT + WIDTH + RIGHT,
            height: bottom + 10,
            bottom,
            words_x: LEFT + WIDTH + 14,
            left_out: size(hits.len().saturating_sub(rows.len())),
            rows,
            ticks: ticks(begin, length, calendar).into_iter().map(|(at, label)| Tick { x: x(at), label }).collect(),
        }
    }
}

fn cut(name: &str) -> Shown {
    const ROOM: usize = 20;
    if name.chars().count() <= ROOM {
        return Shown::of(name);
    }
    Shown::of(&name.chars().take(ROOM - 1).chain(['…']).collect::<String>())
}

/// Whole local seconds, minutes, hours or days within the span.
fn ticks(begin: i64, length: i64, calendar: &Calendar) -> Vec<(i64, String)> {
    let step = STEPS_US.into_iter().find(|step| length / step < TICKS_MAX).unwrap_or(length / TICKS_MAX + 1);
    let offset = calendar.offset_us(Timestamp(begin));
    let local = begin.saturating_add(offset);
    let mut at = begin.saturating_add((step - local.rem_euclid(step)).rem_euclid(step));
    let end = begin.saturating_add(length);
    // A tick names the day where the span crosses into another.
    let with_day = local.div_euclid(DAY_US) != local.saturating_add(length).div_euclid(DAY_US);
    let mut found = Vec::new();
    while at <= end && size(found.len()) <= TICKS_MAX {
        found.push((at, calendar.tick(Timestamp(at), with_day, step < MINUTE_US)));
        at = at.saturating_add(step);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::text::Language;
    use crate::store::picture::MemberFacts;
    use proptest::prelude::*;

    fn hit(id: i64, first: i64, last: i64) -> HitFacts {
        HitFacts {
            member: MemberFacts { id, number: "0301".to_owned(), name: "Oslo".to_owned(), supplier: None },
            first_seen: Timestamp(first),
            last_seen: Timestamp(last),
            evidence: 4,
            severity: 3,
            hosts: 1,
            hosts_about: false,
            sightings: 1,
            alerts: 1,
            arrived_at: None,
            arrived_last_at: None,
            human: false,
            word: None,
        }
    }

    #[test]
    fn ticks_stand_on_whole_local_hours() {
        let calendar = Calendar::new(Language::Bokmaal);
        let begin: Timestamp = "2026-11-21T09:12:00Z".parse().unwrap();
        let labels: Vec<String> =
            ticks(begin.0, 4 * 3_600_000_000, &calendar).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["11:00", "12:00", "13:00", "14:00"]);
        // Within a minute two ticks say two things.
        let labels: Vec<String> = ticks(begin.0, 60_000_000, &calendar).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["10:12:00", "10:12:30", "10:13:00"]);
    }

    proptest! {
        #[test]
        fn everything_stays_within_the_drawing(times in prop::collection::vec(any::<(i64, i64)>(), 0..80)) {
            let hits: Vec<_> = times.iter().zip(1..).map(|(&(a, b), id)| {
                let (a, b) = (Timestamp(a.min(b)).clamped(), Timestamp(a.max(b)).clamped());
                hit(id, a.0, b.0)
            }).collect();
            let texts = Texts::of(Language::English);
            let spread = Spread::of(&hits, &[], &Calendar::new(Language::English), texts);
            prop_assert_eq!(size(spread.rows.len()) + spread.left_out, size(hits.len()));
            prop_assert!(spread.ticks.len() <= 7);
            for row in &spread.rows {
                prop_assert!(row.x >= LEFT && row.x + row.width <= LEFT + WIDTH + 4);
            }
        }
    }
}
