//! One bad sector: what it held is lost and told, the rest is there, and the sensor starts.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::io::disk::volume::Entry;

const BLOCK: u64 = 4096;
const EACH: u64 = 64;
const RECORDS: u64 = 3 * EACH;

/// A disk of which one block of one file cannot be read, so many times; whatever that file is called.
#[derive(Debug, Clone)]
pub(in crate::io::disk) struct Worn(Arc<Bad>);

#[derive(Debug)]
struct Bad {
    path: Mutex<PathBuf>,
    at: u64,
    error: i32,
    left: AtomicU32,
}

impl Worn {
    pub(in crate::io::disk) fn new(path: &Path, at: u64, error: i32, times: u32) -> Worn {
        Worn(Arc::new(Bad { path: Mutex::new(path.to_owned()), at, error, left: AtomicU32::new(times) }))
    }
}

impl Volume for Worn {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        RealVolume.create_directory(path)
    }
    fn entries(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        RealVolume.entries(directory)
    }
    fn entry(&self, path: &Path) -> io::Result<Entry> {
        RealVolume.entry(path)
    }
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn VolumeFile>> {
        let file = RealVolume.open(path, access)?;
        let is_bad = *self.0.path.lock().unwrap() == path;
        Ok(if is_bad { Box::new(WornFile { file, bad: self.0.clone() }) } else { file })
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut bad = self.0.path.lock().unwrap();
        if *bad == from {
            *bad = to.to_owned();
        } else if *bad == to {
            *bad = PathBuf::new();
        }
        RealVolume.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealVolume.remove(path)
    }
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        RealVolume.sync_directory(path)
    }
    fn unique(&self) -> u128 {
        RealVolume.unique()
    }
}

#[derive(Debug)]
struct WornFile {
    file: Box<dyn VolumeFile>,
    bad: Arc<Bad>,
}

impl VolumeFile for WornFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let meets = offset < self.bad.at + BLOCK && offset + buffer.len() as u64 > self.bad.at;
        let one_less = |left: u32| left.checked_sub(1);
        if meets && self.bad.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            return Err(io::Error::from_raw_os_error(self.bad.error));
        }
        self.file.read_exact_at(buffer, offset)
    }
    fn write_all_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(octets, offset)
    }
    fn set_len(&self, octets: u64) -> io::Result<()> {
        self.file.set_len(octets)
    }
    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

fn large(number: u64) -> Vec<u8> {
    let version = varde_common::codec::Text::cut(&format!("{number:0>240}"));
    Record { time: Timestamp(0), body: RecordBody::Event(SensorEvent::Started { version }) }.to_octets().unwrap()
}

fn open_worn(directory: &Path, worn: &Worn) -> Result<(Spool, Recovered), DiskError> {
    let caps = Caps { octets: HUGE, ..Caps::default() };
    Spool::open(Arc::new(worn.clone()), &directory.join("spool"), caps, NOW)
}

/// Three segments, each of several blocks, ten records acknowledged.
fn three_segments() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(directory.path());
    for number in 1..=RECORDS {
        spool.append(&large(number));
        if number % EACH == 0 {
            spool.sync(NOW).unwrap();
            spool.active.as_mut().unwrap().octets = HUGE;
        }
    }
    spool.handle_acknowledged(Seq(10), NOW).unwrap();
    spool.write_hint(NOW).unwrap();
    directory
}

fn quarantined(directory: &Path) -> Vec<u64> {
    let room = fs::read_dir(directory.join("spool/quarantine"));
    room.into_iter().flatten().map(|entry| entry.unwrap().metadata().unwrap().len()).collect()
}

/// Found by a review: each start ended with 1, and the service manager started it again, for ever.
#[test]
fn d6_one_bad_sector_in_a_segment_keeps_no_sensor_down_and_costs_no_more_than_that_segments_tail() {
    for (which, block) in [(0, 0), (0, 2), (1, 1), (1, 4), (2, 0), (2, 3), (2, 4)] {
        let directory = three_segments();
        let segment = files(directory.path(), ".seg")[which].clone();
        let octets = fs::metadata(&segment).unwrap().len();
        assert!(octets > block * BLOCK && octets < 5 * BLOCK, "{octets}");
        let worn = Worn::new(&segment, block * BLOCK, libc::EIO, u32::MAX);
        let at = format!("segment {which}, block {block}");
        let (mut spool, recovered) = open_worn(directory.path(), &worn).unwrap_or_else(|error| panic!("{at}: {error}"));
        assert!(recovered.damaged_octets > 0, "{at}");
        assert_eq!((spool.next(), spool.figures().acknowledged), (Seq(RECORDS + 1), Seq(10)), "{at}");
        spool.append(&large(RECORDS + 1));
        spool.sync(NOW).unwrap();
        let found = all(&mut spool, 1);
        assert_eq!(found.len() as u64, RECORDS + 1, "{at}");
        let is_there = |number: u64| found[number as usize - 1] == large(number);
        // As many as stand whole before the bad block are there.
        let record_octets = (large(1).len() + RECORD_EXTRA_OCTETS) as u64;
        let before = (block * BLOCK).saturating_sub(SEGMENT_HEADER_OCTETS as u64) / record_octets;
        let first = which as u64 * EACH + 1;
        let gone = first + before..first + EACH;
        for number in 1..=RECORDS + 1 {
            assert_eq!(is_there(number), !gone.contains(&number), "{at}: {number}");
            if gone.contains(&number) {
                let told = Record::from_octets(&found[number as usize - 1]).unwrap().body;
                let (from, to) = (Seq(number), Seq(number));
                assert_eq!(told, RecordBody::Loss { from, to, reason: LossReason::SpoolDamaged }, "{at}");
            }
        }
        assert_eq!(quarantined(directory.path()), [octets], "{at}: the file itself is kept");
        drop(spool);
        let (mut spool, recovered) = open_worn(directory.path(), &worn).unwrap();
        assert_eq!((recovered.damaged_octets, all(&mut spool, 1)), (0, found), "{at}: once");
    }
}

#[test]
fn d4_a_segment_that_is_read_at_the_second_try_costs_nothing() {
    let directory = three_segments();
    let worn = Worn::new(&files(directory.path(), ".seg")[1], BLOCK, libc::EIO, 1);
    let (mut spool, recovered) = open_worn(directory.path(), &worn).unwrap();
    assert_eq!(recovered, Recovered { records: RECORDS, damaged_octets: 0 });
    assert_eq!(all(&mut spool, 1), (1..=RECORDS).map(large).collect::<Vec<_>>());
    // While it runs the same ends it; its next start reads it anew.
    let segment = files(directory.path(), ".seg")[1].clone();
    drop(spool);
    let worn = Worn::new(&segment, BLOCK, libc::EIO, 0);
    let (mut spool, _) = open_worn(directory.path(), &worn).unwrap();
    worn.0.left.store(u32::MAX, Ordering::SeqCst);
    let stopped = (1..=RECORDS).find_map(|seq| spool.read(Seq(seq), NOW).err()).unwrap();
    assert!(stopped.is_of_medium(), "{stopped}");
    drop(spool);
    assert_eq!(open_worn(directory.path(), &worn).unwrap().0.next(), Seq(RECORDS + 1));
}

#[test]
fn d6_what_may_not_be_read_or_not_just_now_is_no_bad_sector_and_nothing_is_moved() {
    for error in [libc::EACCES, libc::EMFILE, libc::ENOMEM] {
        let directory = three_segments();
        let before = files(directory.path(), "");
        let worn = Worn::new(&files(directory.path(), ".seg")[1], 0, error, u32::MAX);
        let refused = open_worn(directory.path(), &worn).unwrap_err();
        assert!(!refused.is_of_medium(), "{refused}");
        assert_eq!((files(directory.path(), ""), quarantined(directory.path())), (before, Vec::new()));
        assert_eq!(open(directory.path()).1, Recovered { records: RECORDS, damaged_octets: 0 });
    }
}

#[test]
fn d6_a_bad_sector_in_a_file_beside_the_segments_keeps_no_sensor_down_and_what_was_set_aside_waits() {
    for name in ["ages", "acknowledged", "unsent", taken::TAKEN_FILE, "reserve"] {
        let directory = three_segments();
        let worn = Worn::new(&directory.path().join("spool").join(name), 0, libc::EIO, u32::MAX);
        let (mut spool, recovered) =
            open_worn(directory.path(), &worn).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(recovered, Recovered { records: RECORDS, damaged_octets: 0 }, "{name}");
        spool.append(&large(RECORDS + 1));
        spool.sync(NOW).unwrap();
        assert_eq!(all(&mut spool, 1), (1..=RECORDS + 1).map(large).collect::<Vec<_>>(), "{name}");
    }
    let directory = three_segments();
    let worn = Worn::new(&files(directory.path(), ".seg")[1], 0, libc::EIO, u32::MAX);
    let room = directory.path().join("spool");
    let aside = Spool::open_aside(Arc::new(worn.clone()), &room, Caps::default(), NOW).unwrap_err();
    assert!(aside.is_of_reading() && quarantined(directory.path()).is_empty(), "{aside}");
    // Asked what is there, the rest is told.
    let (figures, unread) = survey_as_far(&worn, &room).unwrap();
    assert_eq!((figures.next, figures.acknowledged, unread.len()), (Seq(RECORDS + 1), Seq(10), 1));
    assert!(survey_on(&worn, &room).is_err());
}
