//! Debian's changelog of a package: its form is fixed, and apt-listchanges shows it before an upgrade.

use anyhow::{Context, Result};

/// The year of a time.
///
/// # Errors
/// A time that is none.
pub fn year(commit_s: i64) -> Result<i16> {
    let moment = jiff::Timestamp::from_second(commit_s).context("no such time")?;
    Ok(moment.to_zoned(jiff::tz::TimeZone::UTC).year())
}

/// One entry, which sends the reader to what was written for people.
///
/// # Errors
/// A time that is none.
pub fn for_debian(name: &str, version: &str, maintainer: &str, commit_s: i64) -> Result<String> {
    let moment = jiff::Timestamp::from_second(commit_s).context("no such time")?;
    let when = moment.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000");
    Ok(format!(
        "{name} ({version}-1) stable; urgency=medium\n\n  * What is new stands in /usr/share/doc/{name}/changelog.gz.\n\n -- {maintainer}  {when}\n"
    ))
}
