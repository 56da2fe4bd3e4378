//! Which host a pseudonym stands for, kept on the sensor alone and only for hosts that appear in alerts.
//!
//! `DIR/hosts/PERIOD`: one line a host, `H-… ADDRESS`, appended and fsynced before the record that names it. A member
//! who asks reveals through `varde-agent reveal`, which writes down who asked and why in `DIR/reveal.log`.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::IpAddr;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use varde_common::id::Pseudonym;
use varde_common::time::Timestamp;

use super::{DiskError, create_directory, failed, sync_directory};
use crate::limits::{HOSTS_KEEP_DAYS, HOSTS_REMEMBERED_MAX};
use crate::pseudonym::period;

/// The table as it grows.
#[derive(Debug)]
pub struct Hosts {
    directory: PathBuf,
    known: HashSet<Pseudonym>,
    unwritten: Vec<(u64, Pseudonym, IpAddr)>,
}

impl Hosts {
    /// Opens the table and lets go of periods whose alerts are gone.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn open(data: &Path) -> Result<Hosts, DiskError> {
        let directory = data.join("hosts");
        create_directory(&directory)?;
        for entry in fs::read_dir(&directory).map_err(failed("read", &directory))?.flatten() {
            let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
            if age.is_some_and(|age| age > Duration::from_secs(HOSTS_KEEP_DAYS * 86_400)) {
                let path = entry.path();
                fs::remove_file(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(Hosts { directory, known: HashSet::new(), unwritten: Vec::new() })
    }

    /// Remembers a host; written by [`Hosts::sync`].
    pub fn remember(&mut self, pseudonym: Pseudonym, address: IpAddr, moment: Timestamp) {
        if self.known.len() >= HOSTS_REMEMBERED_MAX {
            // Only means that a host may be written down twice.
            self.known.clear();
        }
        if self.known.insert(pseudonym) {
            self.unwritten.push((period(moment), pseudonym, address));
        }
    }

    /// Writes what is new and fsyncs it. With a full disk the hosts are tried again next time.
    ///
    /// # Errors
    /// [`DiskError`]; never for a full disk.
    pub fn sync(&mut self) -> Result<(), DiskError> {
        while let Some(&(period, ..)) = self.unwritten.first() {
            let path = self.directory.join(period.to_string());
            let lines: String = self
                .unwritten
                .iter()
                .filter(|(of, ..)| *of == period)
                .map(|(_, pseudonym, address)| format!("{pseudonym} {address}\n"))
                .collect();
            match append(&path, &lines) {
                Ok(()) => self.unwritten.retain(|(of, ..)| *of != period),
                Err(error) if error.is_full() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Appends lines to a file that only its owner may read, after a line a crash may have cut.
///
/// # Errors
/// [`DiskError`].
pub fn append(path: &Path, lines: &str) -> Result<(), DiskError> {
    let is_new = !path.exists();
    let mut options = OpenOptions::new();
    let mut file = options.read(true).append(true).create(true).mode(0o600).open(path).map_err(failed("open", path))?;
    let length = file.metadata().map_err(failed("read", path))?.len();
    let mut last = *b"\n";
    if let Some(place) = length.checked_sub(1) {
        file.read_exact_at(&mut last, place).map_err(failed("read", path))?;
    }
    let cut = last != *b"\n";
    let lines = if cut { format!("\n{lines}") } else { lines.to_owned() };
    file.write_all(lines.as_bytes()).and_then(|()| file.sync_all()).map_err(failed("write", path))?;
    if is_new { sync_directory(path.parent().unwrap_or(Path::new("."))) } else { Ok(()) }
}

/// The host a pseudonym stands for, newest period first; none if no alert here named it.
///
/// # Errors
/// [`DiskError`].
pub fn find(data: &Path, wanted: Pseudonym) -> Result<Option<IpAddr>, DiskError> {
    let directory = data.join("hosts");
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", &directory)(error)),
    };
    let mut periods: Vec<u64> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    periods.sort_unstable_by(|a, b| b.cmp(a));
    for period in periods {
        let path = directory.join(period.to_string());
        let file = File::open(&path).map_err(failed("open", &path))?;
        // A line has some sixty octets; one that has not was not written by us.
        let mut lines = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = lines.by_ref().take(256).read_until(b'\n', &mut line).map_err(failed("read", &path))?;
            if read == 0 {
                break;
            }
            let text = String::from_utf8_lossy(&line);
            if let Some((pseudonym, address)) = text.trim_end().split_once(' ')
                && pseudonym.parse() == Ok(wanted)
                && let Ok(address) = address.parse()
            {
                return Ok(Some(address));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_found_again_after_a_restart_and_a_cut_line() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path();
        let now = Timestamp(1_763_733_900_000_000);
        let address: IpAddr = "10.1.2.3".parse().unwrap();
        let mut hosts = Hosts::open(data).unwrap();
        hosts.remember(Pseudonym(5), address, now);
        hosts.remember(Pseudonym(5), address, now);
        hosts.sync().unwrap();
        assert_eq!(find(data, Pseudonym(5)).unwrap(), Some(address));
        assert_eq!(find(data, Pseudonym(6)).unwrap(), None);

        let file = data.join("hosts").join(period(now).to_string());
        assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 1, "written once");
        let mut cut = OpenOptions::new().append(true).open(&file).unwrap();
        cut.write_all(b"H-0000").unwrap();
        let mut hosts = Hosts::open(data).unwrap();
        hosts.remember(Pseudonym(6), address, now);
        hosts.sync().unwrap();
        assert_eq!(find(data, Pseudonym(6)).unwrap(), Some(address));
    }
}
