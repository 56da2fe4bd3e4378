//! Numbers of the lists that a key has signed on this machine, kept beside the key: whoever has the collector can have a number signed
//! that no later list comes above, and sensors take none below it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use varde_common::list::Manifest;

use crate::io::directory;
use crate::limits::{LIST_NUMBER_FIRST_MAX, LIST_NUMBER_STEP_MAX, SIGNED_NUMBERS_MAX_OCTETS};

/// The number signed last, by channel.
pub(super) type Numbers = BTreeMap<String, u64>;

fn beside(key: &Path) -> PathBuf {
    let mut name = key.file_name().unwrap_or_default().to_owned();
    name.push(".signed");
    key.with_file_name(name)
}

/// What was signed last with this key; empty where that is nothing yet.
///
/// # Errors
/// What is there and cannot be read: nothing could be held against it.
pub(super) fn read(key: &Path) -> anyhow::Result<Numbers> {
    let path = beside(key);
    match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Numbers::new()),
        Ok(_) | Err(_) => {}
    }
    let octets = directory::read(&path, SIGNED_NUMBERS_MAX_OCTETS)?;
    serde_json::from_slice(&octets).with_context(|| {
        format!(
            "{} is damaged: it says which numbers this key has signed. Look at the newest list's number on the page, and delete the file",
            path.display()
        )
    })
}

/// Keeps what was signed; a number below one before does not lower it.
///
/// # Errors
/// When it cannot be written.
pub(super) fn keep(key: &Path, mut numbers: Numbers, signed: &[&Manifest]) -> anyhow::Result<()> {
    for manifest in signed {
        let number = numbers.entry(manifest.channel.clone()).or_default();
        *number = manifest.revision.0.max(*number);
    }
    Ok(directory::write_private(&beside(key), &serde_json::to_vec(&numbers)?)?)
}

/// What a person is to know of this list's number; an error where it jumps so far that only that person's own hand signs it.
pub(super) fn look_at(manifest: &Manifest, numbers: &Numbers) -> Result<String, String> {
    let number = manifest.revision.0;
    // Numbers are one row for all channels: what matters is the highest of any.
    let Some(last) = numbers.values().max().copied() else {
        return if number > LIST_NUMBER_FIRST_MAX {
            Err(format!(
                "THE NUMBER {number} IS VERY HIGH, and this key has signed no list on this machine before. Sensors that take it take no list \
                 with a lower number ever again"
            ))
        } else {
            Ok("no list was signed with this key on this machine before; see on the page that the number follows the newest list's".to_owned())
        };
    };
    if number > last.saturating_add(LIST_NUMBER_STEP_MAX) {
        return Err(format!(
            "THE NUMBER JUMPS from {last}, the highest that this key has signed on this machine, to {number}. Sensors that take it take no list \
             with a lower number ever again"
        ));
    }
    Ok(format!("the highest number that this key has signed on this machine is {last}"))
}

/// Refuses a number that jumps, where nobody was there to look at it.
///
/// # Errors
/// It jumps.
pub(super) fn refuse_unseen(jumps: &[String]) -> anyhow::Result<()> {
    match jumps.first() {
        Some(jump) => bail!("{jump}; ask why, and sign it without --yes if it is meant"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::id::Revision;
    use varde_common::list::Content;
    use varde_common::time::Timestamp;

    fn manifest(revision: u64) -> Manifest {
        Manifest::of(b"base", &Content::default(), Revision(revision), Timestamp(1), Timestamp(2))
    }

    #[test]
    fn t8_a_number_that_jumps_is_told_before_it_is_signed() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("duty.key");
        assert_eq!(read(&key).unwrap(), Numbers::new());
        assert!(look_at(&manifest(3), &Numbers::new()).is_ok());
        let high = look_at(&manifest(LIST_NUMBER_FIRST_MAX + 1), &Numbers::new()).unwrap_err();
        assert!(high.contains("VERY HIGH"), "{high}");
        keep(&key, Numbers::new(), &[&manifest(7), &manifest(7)]).unwrap();
        let numbers = read(&key).unwrap();
        assert!(look_at(&manifest(8), &numbers).unwrap().contains("is 7"));
        assert!(look_at(&manifest(7 + LIST_NUMBER_STEP_MAX), &numbers).is_ok(), "others sign too");
        let jump = look_at(&manifest(8 + LIST_NUMBER_STEP_MAX), &numbers).unwrap_err();
        assert!(jump.contains("JUMPS from 7"), "{jump}");
        assert!(refuse_unseen(&[jump]).is_err() && refuse_unseen(&[]).is_ok());
        keep(&key, numbers, &[&manifest(2)]).unwrap();
        assert_eq!(read(&key).unwrap().values().collect::<Vec<_>>(), [&7], "never down");
        std::fs::write(dir.path().join("duty.key.signed"), b"{").unwrap();
        assert!(read(&key).unwrap_err().to_string().contains("damaged"));
    }
}
