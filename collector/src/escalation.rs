//! How wide and how fast: one site, several, or the whole sector; and how long it took to reach half of those it hit.

use std::time::Duration;

use serde::Serialize;
use varde_common::time::Timestamp;

use crate::weights::EscalationWeights;

/// How wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// One member, or one network that several share.
    OneSite,
    /// Several.
    Several,
    /// So many of those that could see it that it is everybody's.
    SectorWide,
}

impl Scale {
    /// Of so many independent members, of so many members that could see it.
    pub fn of(independent: usize, able: usize, weights: &EscalationWeights) -> Scale {
        let is_large_part = independent.saturating_mul(100) >= able.saturating_mul(weights.share_hundredths);
        if independent < 2 {
            Scale::OneSite
        } else if independent >= weights.members_min && is_large_part {
            Scale::SectorWide
        } else {
            Scale::Several
        }
    }

    /// The word used in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scale::OneSite => "one_site",
            Scale::Several => "several",
            Scale::SectorWide => "sector_wide",
        }
    }
}

/// From the first member hit until half of those hit were; `first_seen` has one moment for each.
pub fn half_within(first_seen: impl Iterator<Item = Timestamp>) -> Option<Duration> {
    let mut times: Vec<Timestamp> = first_seen.collect();
    times.sort_unstable();
    let half = times.get(times.len().div_ceil(2).checked_sub(1)?)?;
    Some(half.since(*times.first()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Weights;

    #[test]
    fn wide_is_many_and_a_large_part_of_those_that_could_see_it() {
        let weights = Weights::built_in().escalation;
        let scale = |independent, able| Scale::of(independent, able, &weights).as_str();
        assert_eq!(
            [scale(0, 9), scale(1, 1), scale(2, 2), scale(9, 9)],
            ["one_site", "one_site", "several", "several"]
        );
        assert_eq!([scale(10, 40), scale(10, 41), scale(90, 357)], ["sector_wide", "several", "sector_wide"]);
        assert_eq!(serde_json::to_string(&Scale::SectorWide).unwrap(), "\"sector_wide\"");
    }

    #[test]
    fn speed_is_until_half_of_those_hit_were() {
        let hours = |hours: &[i64]| half_within(hours.iter().map(|hour| Timestamp(hour * 3_600_000_000)));
        assert_eq!(hours(&[]), None);
        assert_eq!(hours(&[5]), Some(Duration::ZERO));
        assert_eq!(hours(&[9, 1]), Some(Duration::ZERO));
        assert_eq!(hours(&[30, 1, 4]), Some(Duration::from_secs(3 * 3600)));
    }
}
