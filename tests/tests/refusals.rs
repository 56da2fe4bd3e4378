//! Promise: every reason for which a sensor refuses something is explained to whoever meets it: on the sensor's page in every
//! language, and in the guide of whoever runs the sensor.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use varde_agent::io::capture::CaptureRefusal;
use varde_agent::sensor::refusal_keys;
use varde_collector::present::sensor_health::reason_in_words;
use varde_collector::present::text::{Language, Texts};

#[test]
fn every_refusal_has_words_on_the_sensors_page_in_every_language() {
    let keys: BTreeSet<&str> = refusal_keys().chain(CaptureRefusal::ALL.map(CaptureRefusal::as_str)).collect();
    assert!(keys.len() > 30, "{keys:?}");
    for language in Language::ALL {
        let texts = Texts::of(language);
        let without: Vec<&&str> = keys.iter().filter(|key| reason_in_words(key, texts).is_none()).collect();
        assert!(without.is_empty(), "{language:?}: {without:?}");
        assert!(keys.iter().all(|key| reason_in_words(key, texts).is_some_and(|words| words.contains(' '))));
        assert_eq!(reason_in_words("of_tomorrow", texts), None);
    }
}

#[test]
fn every_refusal_stands_in_a_table_of_the_sensors_guide_with_what_it_is() -> Result<()> {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../agent/README.md");
    let guide = std::fs::read_to_string(guide).context(guide)?;
    let rows = guide.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 3);
    let explained: BTreeSet<&str> =
        rows.filter_map(|row| row.split('|').nth(1)).flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let missing: Vec<&str> = refusal_keys()
        .chain(CaptureRefusal::ALL.map(CaptureRefusal::as_str))
        .filter(|key| !explained.contains(key))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    Ok(())
}
