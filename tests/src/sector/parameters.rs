//! What a simulated sector year holds: how many of each shape, how often, how dirty.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// The parameters, for `--help`.
pub const KEYS: &str = "\
PARAMETERS of --parameters, a TOML file; a key that is left out is as in the standard year (in brackets):
  members [357]             their sizes are those of Norway's municipalities by rank, thinned evenly where there are fewer
  days [365]                begin 2026-01-01
  suppliers [24]            shared networks, each with 3 to 8 of the members
  noise_per_day [60]       everyday alerts of all members together: commodity threats, strays, seldom something serious
  serious_per_day [2]       of these, as many with a sure indicator that the host was in touch with
  scans_per_day [20]        unanswered contact from listed addresses outside
  sprays [24]               lures to many members within an hour
  worms [8]                 from one member to the next over 3 to 8 days
  supply_chains [8]         customers of one supplier of programs, over two weeks
  slow_intrusions [6]       three members over months, with weeks of quiet between
  exercises [4]             with marked indicators, and something real at the same time
  dirty_lists [3]           lists of what is mostly harmless, each under one name, met here and there for weeks
  false_positives [6]       one popular name in a source that is otherwise good, met by most members within hours
  cdn_decoys [8]            single infections that have nothing in common but a large network's address
  shared_networks [10]      one box of a shared network, seen as all members behind it at once
  unnamed_percent [25]      of campaigns, how many whose source names no threat
  late_percent [2]          of alerts, how many that an outage holds up, for 1 to 48 hours
  blocked_percent [20]      of a campaign's alerts, how many that a filter stopped
  surges [0]                a lure that more than half of the members reach within a day, as wide and as fast as a popular name
  drips [0]                 a campaign of weeks, one member now and then, most of them no further than an answer
  sure_from [65]            how sure the sources of campaigns are, at least
  sure_to [95]              and at most
  dirty_from [30]           how sure those of dirty lists say they are, at least
  dirty_to [60]             and at most
  dirty_indicators [0]      how long a dirty list is; 0 = 200 to 400
  unnamed_lists [0]         of the dirty lists, how many that stand under no name
  public_suffix [0]         1 = all names end in .no, so that each is a registrable domain of its own, as names on lists are
  popular_contact_percent [20]  of a false positive's hosts, how many that are in touch with it";

/// How a year is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "each is described in KEYS, where --help prints it")]
pub struct Parameters {
    pub members: u32,
    pub days: u32,
    pub suppliers: u32,
    pub noise_per_day: u32,
    pub serious_per_day: u32,
    pub scans_per_day: u32,
    pub sprays: u32,
    pub worms: u32,
    pub supply_chains: u32,
    pub slow_intrusions: u32,
    pub exercises: u32,
    pub dirty_lists: u32,
    pub false_positives: u32,
    pub cdn_decoys: u32,
    pub shared_networks: u32,
    pub unnamed_percent: u32,
    pub late_percent: u32,
    pub blocked_percent: u32,
    pub surges: u32,
    pub drips: u32,
    pub sure_from: u32,
    pub sure_to: u32,
    pub dirty_from: u32,
    pub dirty_to: u32,
    pub dirty_indicators: u32,
    pub unnamed_lists: u32,
    pub public_suffix: u32,
    pub popular_contact_percent: u32,
}

impl Default for Parameters {
    /// The standard year.
    fn default() -> Parameters {
        Parameters {
            members: 357,
            days: 365,
            suppliers: 24,
            noise_per_day: 60,
            serious_per_day: 2,
            scans_per_day: 20,
            sprays: 24,
            worms: 8,
            supply_chains: 8,
            slow_intrusions: 6,
            exercises: 4,
            dirty_lists: 3,
            false_positives: 6,
            cdn_decoys: 8,
            shared_networks: 10,
            unnamed_percent: 25,
            late_percent: 2,
            blocked_percent: 20,
            surges: 0,
            drips: 0,
            sure_from: 65,
            sure_to: 95,
            dirty_from: 30,
            dirty_to: 60,
            dirty_indicators: 0,
            unnamed_lists: 0,
            public_suffix: 0,
            popular_contact_percent: 20,
        }
    }
}

impl Parameters {
    /// The small year: a month of forty members, with one of each shape at least.
    pub fn small() -> Parameters {
        Parameters {
            members: 40,
            days: 30,
            suppliers: 3,
            noise_per_day: 8,
            serious_per_day: 1,
            scans_per_day: 2,
            sprays: 3,
            worms: 1,
            supply_chains: 1,
            slow_intrusions: 1,
            exercises: 1,
            dirty_lists: 1,
            false_positives: 1,
            cdn_decoys: 1,
            shared_networks: 2,
            ..Parameters::default()
        }
    }

    /// From TOML.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn read(text: &str) -> Result<Parameters> {
        let parameters: Parameters = toml::from_str(text).context("the parameters are not as --help says")?;
        let Parameters { members, days, suppliers, .. } = parameters;
        ensure!((10..=5_000).contains(&members), "members = {members}; there are 10 to 5000");
        ensure!(
            (28..=3_660).contains(&days),
            "days = {days}; there are 28 to 3660, for a supplier's story takes two weeks"
        );
        ensure!(
            suppliers.saturating_mul(8) <= members,
            "suppliers = {suppliers}; a member for each of 8 behind it is too few"
        );
        let noise = parameters.noise_per_day.max(parameters.scans_per_day);
        ensure!(noise <= 100_000, "{noise} alerts of noise a day; there are 100000 at most");
        let hundredths = [
            parameters.unnamed_percent,
            parameters.late_percent,
            parameters.blocked_percent,
            parameters.sure_to,
            parameters.dirty_to,
            parameters.popular_contact_percent,
        ];
        ensure!(hundredths.iter().all(|percent| *percent <= 100), "a share is 0 to 100 in a hundred");
        let ranges = [(parameters.sure_from, parameters.sure_to), (parameters.dirty_from, parameters.dirty_to)];
        ensure!(ranges.iter().all(|(from, to)| from <= to), "a range begins above its end");
        ensure!(parameters.dirty_indicators <= 10_000, "of one list there are 10000 indicators at most");
        let shapes = [
            parameters.surges,
            parameters.drips,
            parameters.sprays,
            parameters.worms,
            parameters.supply_chains,
            parameters.slow_intrusions,
            parameters.exercises,
            parameters.dirty_lists,
            parameters.false_positives,
            parameters.cdn_decoys,
            parameters.shared_networks,
        ];
        ensure!(shapes.iter().all(|shape| *shape <= 1_000), "of one shape there are 1000 at most");
        Ok(parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_only_what_is_other_than_in_the_standard_year() {
        let read = Parameters::read("sprays = 2\nunnamed_percent = 90\n").unwrap();
        assert_eq!(read, Parameters { sprays: 2, unnamed_percent: 90, ..Parameters::default() });
        for (text, said) in [
            ("spray = 2", "unknown field `spray`"),
            ("members = 3", "10 to 5000"),
            ("days = 7", "28 to 3660"),
            ("late_percent = 101", "0 to 100"),
            ("sure_from = 96", "above its end"),
            ("dirty_to = 101", "0 to 100"),
        ] {
            let error = format!("{:#}", Parameters::read(text).unwrap_err());
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn every_key_is_described() {
        let json = serde_json::to_value(Parameters::default()).unwrap();
        for (key, value) in json.as_object().unwrap() {
            assert!(KEYS.contains(&format!("  {key} [{value}]")), "{key} [{value}]");
        }
    }
}
