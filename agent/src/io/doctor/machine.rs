//! The data directory, the disk under it, and the interfaces.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use pnet::datalink;
use rustix::fs::{StatVfsMountFlags, statvfs};
use varde_common::id::Seq;
use varde_common::time::Timestamp;

use crate::doctor::facts::{DataFacts, Interface};
use crate::limits::INTERFACES_TOLD_MAX;
use crate::spool::{FileKind, FileName};

/// Bits of `/sys/class/net/NAME/flags` (netdevice(7)).
const IFF_UP: u32 = 0x1;
const IFF_PROMISC: u32 = 0x100;

/// The data directory; what of it is damaged is for others to say.
pub fn data(directory: &Path) -> DataFacts {
    let mut facts = DataFacts { directory: directory.display().to_string(), ..DataFacts::default() };
    match fs::metadata(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return facts,
        Err(error) => {
            (facts.exists, facts.unreadable) = (true, Some(format!("{}: {error}", directory.display())));
            return facts;
        }
        Ok(found) => {
            facts.exists = true;
            facts.owner = Some(found.uid());
            facts.open_to_others = found.permissions().mode() & 0o077 != 0;
        }
    }
    if let Err(error) = fs::read_dir(directory) {
        facts.unreadable = Some(format!("{}: {error}", directory.display()));
    }
    if let Ok(disk) = statvfs(directory) {
        facts.free_octets = Some(disk.f_bavail.saturating_mul(disk.f_frsize));
        facts.inodes = (disk.f_files > 0).then_some((disk.f_favail, disk.f_files));
        facts.read_only = disk.f_flag.contains(StatVfsMountFlags::RDONLY);
    }
    // What the disk could not read is put away there until somebody has looked.
    let kept = fs::read_dir(directory.join("spool/quarantine")).into_iter().flatten().flatten();
    facts.damaged = kept.take(INTERFACES_TOLD_MAX).map(|entry| entry.path().display().to_string()).collect();
    facts
}

/// The machine in figures, for whoever helps from afar: no name of it, no address.
pub fn about(data: &Path) -> serde_json::Value {
    let words = |path: &str, key: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
        line.trim_matches(['"', ' ', ':', '\t']).to_owned()
    };
    serde_json::json!({
        "kernel": words("/proc/sys/kernel/osrelease", ""),
        "os": format!("{} {}", words("/etc/os-release", "ID="), words("/etc/os-release", "VERSION_ID=")),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "memory_kib": words("/proc/meminfo", "MemTotal").split(' ').next().and_then(|kib| kib.parse::<u64>().ok()),
        "disk_free_octets": crate::io::host::figures(data).disk_free_octets,
    })
}

/// When the segment was last written that holds the first record which waits: as long at least has something waited.
pub fn oldest_waiting(spool: &Path, acknowledged: Seq) -> Option<Timestamp> {
    let entries = fs::read_dir(spool).ok()?.flatten();
    let segments = entries.filter_map(|entry| {
        let name = FileName::read(entry.file_name().to_str()?)?;
        (name.kind == FileKind::Segment && name.first <= acknowledged.next()).then_some((name.first, entry))
    });
    let (_, entry) = segments.max_by_key(|(first, _)| *first)?;
    let seconds = entry.metadata().ok()?.mtime();
    Some(Timestamp(seconds.saturating_mul(1_000_000)))
}

/// Names of interfaces that could be watched.
pub fn interfaces() -> Vec<String> {
    let all = datalink::interfaces().into_iter().filter(|found| !found.is_loopback());
    all.map(|found| found.name).take(INTERFACES_TOLD_MAX).collect()
}

/// One of them.
pub fn interface(name: &str) -> Interface {
    let facts = Interface { name: name.to_owned(), ..Interface::default() };
    // A name from a file is no path.
    if name.contains('/') || name.starts_with('.') {
        return facts;
    }
    let read = |what: &str| fs::read_to_string(format!("/sys/class/net/{name}/{what}")).ok();
    let number = |text: String| u32::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok();
    let Some(flags) = read("flags").and_then(number) else { return facts };
    Interface {
        exists: true,
        up: flags & IFF_UP != 0,
        // Only of one that is up can it be asked.
        carrier: read("carrier").map(|text| text.trim() == "1"),
        promiscuous: flags & IFF_PROMISC != 0,
        ..facts
    }
}

/// Whether this process may open a packet socket.
pub fn may_capture() -> bool {
    use socket2::{Domain, Socket, Type};
    Socket::new(Domain::PACKET, Type::RAW, None).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_says_who_may_look_into_it_and_what_room_there_is() {
        let directory = tempfile::tempdir().unwrap();
        let mode = |bits| fs::set_permissions(directory.path(), fs::Permissions::from_mode(bits)).unwrap();
        mode(0o700);
        let facts = data(directory.path());
        assert!(facts.exists && !facts.open_to_others && facts.free_octets.is_some_and(|free| free > 0), "{facts:?}");
        assert_eq!((facts.unreadable, facts.damaged.len()), (None, 0));
        mode(0o755);
        assert!(data(directory.path()).open_to_others);
        assert!(!data(&directory.path().join("none")).exists);
        fs::create_dir_all(directory.path().join("spool/quarantine/one")).unwrap();
        assert_eq!(data(directory.path()).damaged.len(), 1);
    }

    #[test]
    fn what_waits_is_as_old_as_the_segment_it_lies_in() {
        let spool = tempfile::tempdir().unwrap();
        for first in [1, 5, 9] {
            fs::write(spool.path().join(format!("{:032x}-{first:016x}.seg", 7)), b"").unwrap();
        }
        let age = |first: u64, seconds: u64| {
            let file = fs::File::options().write(true).open(spool.path().join(format!("{:032x}-{first:016x}.seg", 7)));
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            file.unwrap().set_modified(at).unwrap();
        };
        [(1, 100), (5, 500), (9, 900)].into_iter().for_each(|(first, seconds)| age(first, seconds));
        for (acknowledged, seconds) in [(0, 100), (3, 100), (4, 500), (7, 500), (8, 900), (20, 900)] {
            let oldest = oldest_waiting(spool.path(), Seq(acknowledged));
            assert_eq!(oldest, Some(Timestamp(seconds * 1_000_000)), "{acknowledged}");
        }
        assert_eq!(oldest_waiting(&spool.path().join("none"), Seq(0)), None);
    }

    #[test]
    fn an_interface_that_is_none_is_told_so_whatever_its_name() {
        for name in ["varde-none0", "../../etc", ".", ""] {
            assert!(!interface(name).exists, "{name}");
        }
        assert!(interface("lo").exists);
    }
}
