//! Promise of correlation's quality: of a small sector year whose truth is known, the campaigns are found, and found early; an exercise
//! is told apart and hides nothing; what one shared network fetched and what a large network serves is no campaign; and neither batches
//! nor their order change anything (`tests/bench/sector` judges a whole year).

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use varde_collector::weights::Weights;
use varde_tests::sector::baseline::ticket_per_indicator;
use varde_tests::sector::file::Year;
use varde_tests::sector::parameters::Parameters;
use varde_tests::sector::play::{Concluded, GATHERED_WITHIN, Gather, play};
use varde_tests::sector::score::{Known, Measures, grade, of_collector, score};
use varde_tests::sector::year::draw;

/// From which the year is drawn.
const SEED: u64 = 1;

fn played(gather: Gather<'_>) -> Result<(Year, Concluded)> {
    let folder = tempfile::tempdir()?;
    let year = draw(&Parameters::small(), SEED)?;
    let concluded = play(&year, folder.path(), gather, &mut |_| {})?;
    Ok((year, concluded))
}

/// As agents gather.
const USUAL: Gather<'_> = Gather { seed: SEED, within: GATHERED_WITHIN, weights: None };

fn measured(year: &Year, concluded: &Concluded) -> Result<Measures> {
    let known = Known::of(year);
    let middle = grade("middels").context("there is no such grade")?;
    Ok(score(&known, &of_collector(year, &known, concluded, middle)))
}

/// What is one campaign, or one network's own: never put together with anything else.
const RIGHT: [&str; 7] = ["shared-network", "exercise", "beside-exercise", "spray", "worm", "supplier", "slow"];
/// Of pairs put together, right: before a guard trips, what is none is put together. The standard year's bar is 0.95.
const PRECISION_MIN: f64 = 0.7;
/// Two members meet the same by chance.
const NOISE_PAIRS_MAX: u64 = 8;
/// Single infections behind a large network's address that is on no list of such: three are linked, and a fourth shows what it is.
const DECOY_PAIRS_MAX: u64 = 6;
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
    for shape in RIGHT {
        assert_eq!(wrong(shape), 0, "{shape}");
    }
    assert!(wrong("cdn-decoy") <= DECOY_PAIRS_MAX, "{}", wrong("cdn-decoy"));
    assert!(wrong("everyday noise") <= NOISE_PAIRS_MAX, "{}", wrong("everyday noise"));
    assert!(measures.precision() >= PRECISION_MIN, "{}", measures.precision());
    assert!(measures.items_per_day() <= ITEMS_PER_DAY_MAX, "{}", measures.items_per_day());
    Ok(())
}

/// The built-in weights with no guard that arrivals can trip.
fn unguarded() -> Result<String> {
    let mut weights = Weights::built_in_text().to_owned();
    for (from, to) in [
        ("\nmembers_min = 8\nshare_hundredths = 5\n", "\nmembers_min = 100000\nshare_hundredths = 100\n"),
        ("\naddress_topics_max = 3\n", "\naddress_topics_max = 1000\n"),
        ("\ntopics_max = 25\n", "\ntopics_max = 100000\n"),
        ("\nmembers_max = 10\n", "\nmembers_max = 1000000\n"),
        ("\ntopics_max = 8\n", "\ntopics_max = 1000\n"),
    ] {
        ensure!(weights.matches(from).count() == 1, "{from:?} is not once in the built-in weights");
        weights = weights.replace(from, to);
    }
    Ok(weights)
}

/// How long they gather here, and what is drawn anew each time.
const GATHERS: [(u64, Duration); 2] = [(2, Duration::from_secs(86_400)), (3, Duration::from_secs(86_400))];

#[test]
fn d2_how_long_sensors_gather_and_whose_records_come_first_changes_no_figure_for_guards_as_they_stand() -> Result<()> {
    let weights = unguarded()?;
    let (year, one) = played(Gather { weights: Some(&weights), ..USUAL })?;
    let usual = measured(&year, &one)?;
    for (seed, within) in GATHERS {
        let (_, other) = played(Gather { seed, within, weights: Some(&weights) })?;
        assert!(other.batches < one.batches, "{} and {}", other.batches, one.batches);
        // When a campaign is raised is another matter.
        assert_eq!(Measures { warned: usual.warned.clone(), ..measured(&year, &other)? }, usual);
    }
    Ok(())
}

#[test]
fn d2_in_whatever_order_guards_trip_the_same_campaigns_are_found_and_nothing_right_is_put_with_what_is_none()
-> Result<()> {
    let (year, one) = played(USUAL)?;
    let usual = measured(&year, &one)?;
    for (seed, within) in GATHERS {
        let other = measured(&year, &played(Gather { seed, within, weights: None })?.1)?;
        assert_eq!((other.recalled, &other.missed), (usual.recalled, &usual.missed));
        for (shape, figures) in &other.shapes {
            let truths = usual.shapes.get(shape).map(|usual| (usual.truths, usual.recalled));
            assert_eq!(Some((figures.truths, figures.recalled)), truths, "{shape}");
            assert!(!RIGHT.contains(&shape.as_str()) || figures.pairs_wrong == 0, "{shape}: {figures:?}");
        }
    }
    Ok(())
}
