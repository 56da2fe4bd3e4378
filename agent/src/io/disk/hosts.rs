//! Which host a pseudonym stands for, kept on the sensor alone and only for hosts that appear in alerts.
//!
//! `DIR/hosts/PERIOD`: one line a host, `H-… ADDRESS`, appended and fsynced before the record that names it. A member
//! who asks reveals through `varde-agent reveal`, which writes down who asked and why in `DIR/reveal.log`.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use varde_common::id::{Epoch, Pseudonym, Seq};
use varde_common::time::Timestamp;

use super::spool::ages::Ages;
use super::volume::{Access, RealVolume, Volume};
use super::{DiskError, create_directory_on, failed, read_at_most_on, write_whole_on};
use crate::limits::{HOSTS_AGES_MAX_OCTETS, HOSTS_KEEP_DAYS, HOSTS_REMEMBERED_MAX};
use crate::pseudonym::period;

/// How long each period has lain here, as the spool's ages are kept: no clock that is wrong lets go of one.
const AGES_FILE: &str = "ages";
/// The table has one lifetime.
const LIFETIME: Epoch = Epoch(0);

/// The table as it grows.
#[derive(Debug)]
pub struct Hosts {
    volume: Arc<dyn Volume>,
    directory: PathBuf,
    known: HashSet<Pseudonym>,
    unwritten: Vec<(u64, Pseudonym, IpAddr)>,
    ages: Ages,
}

impl Hosts {
    /// Opens the table.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn open(data: &Path) -> Result<Hosts, DiskError> {
        Hosts::open_on(Arc::new(RealVolume), data)
    }

    /// The same on any volume.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn open_on(volume: Arc<dyn Volume>, data: &Path) -> Result<Hosts, DiskError> {
        let directory = data.join("hosts");
        create_directory_on(volume.as_ref(), &directory)?;
        // Lost without harm: what has no age there begins to age anew.
        let read = read_at_most_on(volume.as_ref(), &directory.join(AGES_FILE), HOSTS_AGES_MAX_OCTETS);
        let ages =
            read.map_or_else(|_| Ages::default(), |octets| Ages::read(&String::from_utf8_lossy(&octets), LIFETIME));
        Ok(Hosts { volume, directory, known: HashSet::new(), unwritten: Vec::new(), ages })
    }

    /// Lets go of periods whose alerts are gone, by a clock of the table's own, which no setting of the machine's moves by more
    /// than a day. `now` is the time that nobody can set.
    ///
    /// # Errors
    /// [`DiskError`]; never for a full disk.
    pub fn handle_time(&mut self, now: Timestamp) -> Result<(), DiskError> {
        self.ages.handle_time(now);
        if !self.ages.poll_hourly() {
            return Ok(());
        }
        let entries = self.volume.entries(&self.directory).map_err(failed("read", &self.directory))?;
        let periods: Vec<u64> = entries.iter().filter_map(|entry| entry.name.parse().ok()).collect();
        self.ages.handle_found(periods.iter().copied().map(Seq));
        for period in periods {
            if self.ages.age_s(Seq(period)) > HOSTS_KEEP_DAYS * 86_400 {
                let path = self.directory.join(period.to_string());
                self.volume.remove(&path).map_err(failed("remove", &path))?;
                self.ages.handle_gone(Seq(period));
            }
        }
        let Some(text) = self.ages.poll_file(LIFETIME) else { return Ok(()) };
        match write_whole_on(self.volume.as_ref(), &self.directory.join(AGES_FILE), text.as_bytes()) {
            Err(error) if !error.is_full() => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
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
            match append_on(self.volume.as_ref(), &path, &lines) {
                Ok(()) => {
                    self.unwritten.retain(|(of, ..)| *of != period);
                    self.ages.handle_written(Seq(period), false);
                }
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
    append_on(&RealVolume, path, lines)
}

fn append_on(volume: &dyn Volume, path: &Path, lines: &str) -> Result<(), DiskError> {
    let is_new = !volume.exists(path);
    let access = if is_new { Access::CreateNew } else { Access::Write };
    let file = volume.open(path, access).map_err(failed("open", path))?;
    let length = volume.entry(path).map_err(failed("read", path))?.octets;
    let mut last = *b"\n";
    if let Some(place) = length.checked_sub(1) {
        file.read_exact_at(&mut last, place).map_err(failed("read", path))?;
    }
    let cut = last != *b"\n";
    let lines = if cut { format!("\n{lines}") } else { lines.to_owned() };
    file.write_all_at(lines.as_bytes(), length).and_then(|()| file.sync()).map_err(failed("write", path))?;
    let directory = path.parent().unwrap_or(Path::new("."));
    // It may have been made just before a crash of the program: its name is synced every time.
    volume.sync_directory(directory).map_err(failed("fsync the directory", directory))
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
        let mut cut = fs::OpenOptions::new().append(true).open(&file).unwrap();
        std::io::Write::write_all(&mut cut, b"H-0000").unwrap();
        let mut hosts = Hosts::open(data).unwrap();
        hosts.remember(Pseudonym(6), address, now);
        hosts.sync().unwrap();
        assert_eq!(find(data, Pseudonym(6)).unwrap(), Some(address));
    }

    #[test]
    fn k1_no_clock_that_is_wrong_lets_go_of_a_host_and_thirteen_months_of_a_running_sensor_do() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path();
        let (now, address) = (Timestamp(1_763_733_900_000_000), "10.0.7.1".parse().unwrap());
        let at = |days: u64| now.plus(std::time::Duration::from_secs(days * 86_400));
        // One found in 1970, one now, one ten years ahead: each by what the clock said then.
        let moments = [Timestamp(0), now, at(3_650)];
        let mut hosts = Hosts::open(data).unwrap();
        hosts.handle_time(now).unwrap();
        for (moment, number) in moments.into_iter().zip(1..) {
            hosts.remember(Pseudonym(number), address, moment);
        }
        hosts.sync().unwrap();
        drop(hosts);
        let found = || (1..=3).filter(|number| find(data, Pseudonym(*number)).unwrap() == Some(address)).count();
        for wrong in [at(730), Timestamp(0), at(3_650), now] {
            Hosts::open(data).unwrap().handle_time(wrong).unwrap();
            assert_eq!(found(), 3, "a start at {wrong}");
        }
        let mut hosts = Hosts::open(data).unwrap();
        let gone = (0..500).find(|day| {
            hosts.handle_time(at(*day)).unwrap();
            found() == 0
        });
        assert!(gone.is_some_and(|day| (HOSTS_KEEP_DAYS - 3..=HOSTS_KEEP_DAYS + 1).contains(&day)), "{gone:?}");
    }
}
