//! What the first page weighs with all that it may fetch beside.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use varde_tests::person::Person;

use crate::asked::octets;

/// What the first page may weigh.
const AIM_OCTETS: u64 = 150_000;

/// Tells what goes over the wire at a first visit: the front page, the files that it names, and those that its styles name, of which a browser
/// fetches what it shows.
///
/// # Errors
/// When something of it is not answered.
pub(crate) fn tell(person: &Person, folder: &Path) -> Result<()> {
    let (_, _, page) = person.get("/")?;
    let named = |text: &str, before: &str, end: &[char]| -> Vec<String> {
        text.split(before).skip(1).filter_map(|rest| Some(rest.split(end).next()?.to_owned())).collect()
    };
    let mut files: BTreeSet<String> =
        ["href=\"/assets/", "src=\"/assets/"].iter().flat_map(|before| named(&page, before, &['"'])).collect();
    for style in files.clone().iter().filter(|file| file.ends_with(".css")) {
        let (_, _, text) = person.get(&format!("/assets/{style}"))?;
        let folder = style.rsplit_once('/').map(|(folder, _)| folder).unwrap_or_default();
        let beside = named(&text, "url(", &[')']).into_iter().map(|name| name.trim_matches(['"', '\'']).to_owned());
        files.extend(beside.filter(|name| !name.contains(':')).map(|name| format!("{folder}/{name}")));
    }
    let own = octets(person, folder, "/")?;
    let mut beside = 0;
    for file in &files {
        beside += octets(person, folder, &format!("/assets/{file}"))?;
    }
    let verdict = if own + beside < AIM_OCTETS { "met" } else { "missed" };
    println!(
        "the first page over the wire: {own} octets, and {beside} of {} files: {} (aim {AIM_OCTETS}, {verdict})",
        files.len(),
        own + beside
    );
    Ok(())
}
