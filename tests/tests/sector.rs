//! Promise of correlation's quality: of a small sector year whose truth is known, the campaigns are found, and found early; an exercise
//! is told apart and hides nothing; what one shared network fetched and what a large network serves is no campaign; and neither batches
//! nor their order change anything (`tests/bench/sector` judges a whole year).

use std::time::Duration;

use anyhow::{Context, Result};
use varde_tests::sector::baseline::ticket_per_indicator;
use varde_tests::sector::file::Year;
use varde_tests::sector::parameters::Parameters;
use varde_tests::sector::play::{Concluded, GATHERED_WITHIN, Gather, play};
use varde_tests::sector::score::{Known, Measures, grade, of_collector, score};
use varde_tests::sector::year::draw;

/// From which the year is drawn.
const SEED: u64 = 1;

fn played(gather: Gather) -> Result<(Year, Concluded)> {
    let folder = tempfile::tempdir()?;
    let year = draw(&Parameters::small(), SEED)?;
    let concluded = play(&year, folder.path(), gather, &mut |_| {})?;
    Ok((year, concluded))
}

/// As agents gather.
const USUAL: Gather = Gather { seed: SEED, within: GATHERED_WITHIN };

fn measured(year: &Year, concluded: &Concluded) -> Result<Measures> {
    let known = Known::of(year);
    let middle = grade("middels").context("there is no such grade")?;
    Ok(score(&known, &of_collector(year, &known, concluded, middle)))
}

/// Of pairs put together, right, by the rules of today, which link whatever shares a threat's name or an indicator: to be raised once
/// lists that are no threat and popular names link nothing. The standard year's bar is 0.95.
const PRECISION_MIN: f64 = 0.15;
/// The same for everyday noise: two members that meet the same by chance.
const NOISE_PAIRS_MAX: u64 = 8;
/// Single infections behind a large network's address: it links nothing today, for no address does.
const DECOY_PAIRS: u64 = 0;
/// New items a day for an analyst.
const ITEMS_PER_DAY_MAX: f64 = 10.0;

#[test]
fn quality_every_campaign_of_a_small_year_is_found_and_before_tickets_would_tell() -> Result<()> {
    let (year, concluded) = played(USUAL)?;
    let measures = measured(&year, &concluded)?;
    assert_eq!(measures.missed, Vec::<String>::new());
    assert_eq!((measures.recalled, measures.campaigns), (8, 8));
    // By the clock of the year, not of the machine.
    let known = Known::of(&year);
    let tickets = score(&known, &ticket_per_indicator(&year, &known));
    for hundredths in [50, 90] {
        let ours = measures.warned_within(hundredths).context("a campaign is never raised")?;
        let theirs = tickets.warned_within(hundredths).unwrap_or(Duration::MAX);
        assert!(ours < theirs, "{ours:?} and {theirs:?} for {hundredths} in a hundred");
    }
    Ok(())
}

#[test]
fn quality_what_only_looks_like_a_campaign_is_none_and_an_exercise_stands_apart() -> Result<()> {
    let (year, concluded) = played(USUAL)?;
    let measures = measured(&year, &concluded)?;
    let wrong = |shape: &str| measures.shapes.get(shape).map_or(0, |figures| figures.pairs_wrong);
    for shape in ["shared-network", "exercise", "beside-exercise", "spray", "worm", "supplier", "slow"] {
        assert_eq!(wrong(shape), 0, "{shape}");
    }
    assert_eq!(wrong("cdn-decoy"), DECOY_PAIRS, "cdn-decoy");
    assert!(wrong("everyday noise") <= NOISE_PAIRS_MAX, "{}", wrong("everyday noise"));
    assert!(measures.precision() >= PRECISION_MIN, "{}", measures.precision());
    assert!(measures.items_per_day() <= ITEMS_PER_DAY_MAX, "{}", measures.items_per_day());
    Ok(())
}

#[test]
fn d2_how_long_sensors_gather_and_whose_records_come_first_changes_no_figure() -> Result<()> {
    let (year, one) = played(USUAL)?;
    let usual = measured(&year, &one)?;
    for seed in [2, 3] {
        let (_, other) = played(Gather { seed, within: Duration::from_secs(86_400) })?;
        assert!(other.batches < one.batches, "{} and {}", other.batches, one.batches);
        // When a campaign is raised is another matter.
        assert_eq!(Measures { warned: usual.warned.clone(), ..measured(&year, &other)? }, usual);
    }
    Ok(())
}
