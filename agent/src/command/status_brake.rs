//! What is braked, as `status` shows it: which indicators are counted only, until when, why, and how many matches that was; and whose
//! hosts are told together.

use serde::{Deserialize, Serialize};
use varde_common::brake::Braked;
use varde_common::id::IndicatorId;
use varde_common::time::Timestamp;

use crate::brake::Brakes;
use crate::health::{BrakedTotal, DemotedIndicator};
use crate::io::clock;
use crate::io::link::session::Desk;
use crate::raise::braked::Braking;
use crate::raise::frequent::TooOften;

/// The brake.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BrakeReport {
    /// Number of the last order taken; 0 = none.
    pub order: u64,
    /// What it holds now.
    pub indicators: Vec<BrakedReport>,
    /// Why the last order that came was refused, unless one was taken since.
    pub refused: Option<String>,
    /// Whose hosts this sensor tells together by itself, because an indicator met too many.
    #[serde(default)]
    pub demoted: Vec<DemotedIndicator>,
}

/// One indicator that is counted only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrakedReport {
    /// Its number in the list.
    pub indicator: IndicatorId,
    /// Whether it is part of an exercise.
    pub exercise: bool,
    /// Since when it is ordered.
    pub since: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
    /// Why, in the CSIRT's words.
    pub reason: String,
    /// Matches counted since then, or since the agent started; null when it does not run.
    pub matches: Option<u64>,
}

impl BrakeReport {
    /// Of a running agent.
    pub(super) fn running(desk: &Desk, totals: &[BrakedTotal], demoted: &[DemotedIndicator]) -> BrakeReport {
        let counting = desk.counting.borrow().clone();
        let sensor = counting.as_deref().map(|counting| (counting, totals));
        let report = BrakeReport::of(&desk.brakes.borrow(), desk.by_word(), clock::steady(), sensor);
        BrakeReport { demoted: demoted.to_vec(), ..report }
    }

    /// Of one that does not run.
    pub(super) fn at_rest(brakes: &Brakes) -> BrakeReport {
        BrakeReport::of(brakes, clock::now(), clock::steady(), None)
    }

    /// As it is at this moment; `sensor`: what a running sensor counts only by now, and has counted.
    fn of(
        brakes: &Brakes,
        now: Timestamp,
        steady: Timestamp,
        sensor: Option<(&Braking, &[BrakedTotal])>,
    ) -> BrakeReport {
        // An order that came this moment is shown once matches are held against it.
        let counts = |one: &&Braked| {
            sensor.is_none_or(|(counting, _)| counting.indicators.contains(&(one.indicator, one.exercise)))
        };
        let indicators = brakes.in_force(now, steady).filter(counts).map(|braked| {
            let is_it = |total: &&BrakedTotal| (total.indicator, total.exercise) == (braked.indicator, braked.exercise);
            BrakedReport {
                indicator: braked.indicator,
                exercise: braked.exercise,
                since: braked.since,
                until: braked.until,
                reason: braked.reason.clone(),
                matches: sensor.map(|(_, totals)| totals.iter().find(is_it).map_or(0, |total| total.matches)),
            }
        });
        BrakeReport {
            order: brakes.number(),
            indicators: indicators.collect(),
            refused: brakes.refused().map(str::to_owned),
            demoted: Vec::new(),
        }
    }

    /// For people; nothing where nothing is braked, demoted or was refused.
    pub(super) fn in_words(&self) -> Vec<String> {
        let BrakeReport { order, indicators, refused, demoted } = self;
        let mut lines = Vec::new();
        if !indicators.is_empty() {
            lines.push(format!(
                "brake      order {order}: matches of {} indicators make no alert and are counted only, by order of the CSIRT",
                indicators.len()
            ));
        }
        for BrakedReport { indicator, exercise, since: _, until, reason, matches } in indicators {
            let exercise = if *exercise { " (exercise)" } else { "" };
            let counted = matches.map_or(String::new(), |matches| format!("; {matches} counted"));
            lines.push(format!("           indicator {indicator}{exercise} until {until}: \"{reason}\"{counted}"));
        }
        for DemotedIndicator { site, indicator, exercise, since, too_often } in demoted {
            let exercise = if *exercise { " (exercise)" } else { "" };
            let site = if site.0 == 0 { String::new() } else { format!(" at site {site}") };
            let TooOften { hosts, matches, within_s: _ } = too_often;
            lines.push(format!(
                "demoted    indicator {indicator}{exercise}{site} met about {hosts} hosts ({matches} matches) by {since}: further hosts are told together in one alert, by this sensor itself, for a day at most"
            ));
        }
        lines.extend(refused.iter().map(|why| format!("           REFUSED: {why}; the one before stays")));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::id::SiteId;

    #[test]
    fn t10_what_a_brake_hides_is_shown_with_its_end_its_reason_and_its_count() {
        assert!(BrakeReport::default().in_words().is_empty());
        let one = BrakedReport {
            indicator: IndicatorId(17),
            exercise: false,
            since: Timestamp(0),
            until: Timestamp(1_763_733_900_000_000),
            reason: "falsk alarm hos alle".to_owned(),
            matches: Some(949),
        };
        let report = BrakeReport {
            order: 3,
            indicators: vec![one],
            refused: Some("number 2".to_owned()),
            demoted: vec![DemotedIndicator {
                site: SiteId(3),
                indicator: IndicatorId(4),
                exercise: false,
                since: Timestamp(1_763_733_900_000_000),
                too_often: TooOften { hosts: 257, matches: 300, within_s: 60 },
            }],
        };
        let said = report.in_words().join("\n");
        for words in [
            "order 3",
            "indicator 17 until 2025-11-21T14:05:00",
            "falsk alarm hos alle",
            "949 counted",
            "REFUSED",
            "indicator 4 at site 3 met about 257 hosts (300 matches) by 2025-11-21T14:05:00",
            "told together in one alert",
        ] {
            assert!(said.contains(words), "{words} in {said}");
        }
    }
}
