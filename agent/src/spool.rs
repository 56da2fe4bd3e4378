//! The spool as octets: how records lie in a segment, and what can be believed of one after a crash.
//!
//! ```text
//! EPOCH-FIRSTSEQ.seg   append-only; both as hex, 32 and 16 digits
//!   "VARDESP1"         8 octets
//!   epoch              u128, big endian
//!   first seq          u64, big endian
//!   crc                u32: CRC-32 of the 32 octets before it
//!   records            each: length u32 ‖ seq u64 ‖ payload (length octets) ‖ crc u32 of all of it before; big endian;
//!                      seq counts up by one from first seq
//!
//! EPOCH-FIRSTSEQ.lost  records that will never be read again (`spool/loss.rs`)
//!   "VARDELO2" ‖ epoch u128 ‖ from u64 ‖ to u64 ‖ reason u8 (0 full, 1 damaged, 2 too old) ‖ runs ‖ crc u32
//!   a run              severity u8 (0 none, 1 info … 5 critical) ‖ records u32, in the order of the records; none are
//!                      told where the runs end before `to`
//!   "VARDELO1"         the same without runs and without reason 2, as written by versions before
//! ```
//! There is one truth, the segments; everything else about the spool is found again by [`scan`]ning them. The file that
//! remembers what is acknowledged is a hint; `taken` is a witness against damage, which says how far the numbers had come
//! (`io/disk/spool/taken.rs`). A record counts as taken once its segment has been fsynced. A segment whose header is damaged is
//! read by the name of its file, which says the same ([`scan_named`]).
//!
//! A segment may be written anew with some of its records given up: what counted least when the spool was full. Each is
//! replaced, under the same number, by a payload of two octets, reason u8 ‖ severity u8 as in a note of loss; no record is
//! so short. The new one takes the name of the old when it is on disk, so that a record and the note of its loss change
//! places at once.
//!
//! What a record's place does not hold (its segment was given up, or damaged) is told to the collector by a
//! [`tombstone`] in that place, so that the numbers it receives have no gaps and each loss is counted once.

mod loss;

pub use loss::{LOSS_MAX_OCTETS, Loss, Tally, given_up_in, marker, read_marker, tombstone};

use std::fmt;

use varde_common::id::{Epoch, Seq};
use varde_common::limits::RECORD_MAX_OCTETS;

const SEGMENT_MAGIC: &[u8; 8] = b"VARDESP1";

/// Octets in front of a segment's first record.
pub const SEGMENT_HEADER_OCTETS: usize = 36;
/// Octets a record takes beside its payload.
pub const RECORD_EXTRA_OCTETS: usize = 16;

/// A file of the spool by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileName {
    /// The spool's lifetime.
    pub epoch: Epoch,
    /// First record in it, or first one lost.
    pub first: Seq,
    /// Which sort of file.
    pub kind: FileKind,
}

/// The sorts of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Records.
    Segment,
    /// A note of lost records.
    Loss,
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            FileKind::Segment => "seg",
            FileKind::Loss => "lost",
        };
        write!(f, "{}-{:016x}.{kind}", self.epoch, self.first.0)
    }
}

impl FileName {
    /// Reads a file name; none if it is not exactly one of ours.
    pub fn read(name: &str) -> Option<FileName> {
        let (stem, kind) = name.split_once('.')?;
        let (epoch, first) = stem.split_once('-')?;
        let kind = match kind {
            "seg" => FileKind::Segment,
            "lost" => FileKind::Loss,
            _ => return None,
        };
        let read = FileName { epoch: epoch.parse().ok()?, first: Seq(u64::from_str_radix(first, 16).ok()?), kind };
        (read.to_string() == name).then_some(read)
    }
}

/// The octets a segment begins with.
pub fn segment_header(epoch: Epoch, first: Seq) -> Vec<u8> {
    let mut header = Vec::with_capacity(SEGMENT_HEADER_OCTETS);
    header.extend_from_slice(SEGMENT_MAGIC);
    header.extend_from_slice(&epoch.0.to_be_bytes());
    header.extend_from_slice(&first.0.to_be_bytes());
    close_with_crc(&mut header, 0);
    header
}

fn close_with_crc(octets: &mut Vec<u8>, from: usize) {
    let crc = crc32fast::hash(octets.get(from..).unwrap_or_default());
    octets.extend_from_slice(&crc.to_be_bytes());
}

/// Appends a record as a segment holds it. A payload over [`RECORD_MAX_OCTETS`] could not be read back; records are made
/// so that none is.
pub fn write_record(out: &mut Vec<u8>, seq: Seq, payload: &[u8]) {
    let from = out.len();
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&seq.0.to_be_bytes());
    out.extend_from_slice(payload);
    close_with_crc(out, from);
}

/// Reads the record that begins here and must have this number: its payload and what follows.
pub fn read_record(octets: &[u8], seq: Seq) -> Result<(&[u8], &[u8]), Damage> {
    let (length, rest) = octets.split_first_chunk::<4>().ok_or(Damage::CutShort)?;
    let length = u32::from_be_bytes(*length) as usize;
    if length > RECORD_MAX_OCTETS {
        return Err(Damage::Length);
    }
    let (found, rest) = rest.split_first_chunk::<8>().ok_or(Damage::CutShort)?;
    let (payload, rest) = rest.split_at_checked(length).ok_or(Damage::CutShort)?;
    let (crc, rest) = rest.split_first_chunk::<4>().ok_or(Damage::CutShort)?;
    let covered = octets.get(..12 + length).ok_or(Damage::CutShort)?;
    if crc32fast::hash(covered).to_be_bytes() != *crc {
        return Err(Damage::Checksum);
    }
    if u64::from_be_bytes(*found) != seq.0 {
        return Err(Damage::Order);
    }
    Ok((payload, rest))
}

/// Why the octets after a segment's good records are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// They end within a record: the mark of a crash while writing.
    #[error("the last record is cut short")]
    CutShort,
    /// No record is so long.
    #[error("a record claims an impossible length")]
    Length,
    /// The checksum differs.
    #[error("a record's checksum differs")]
    Checksum,
    /// A record out of its place.
    #[error("a record stands in another's place")]
    Order,
}

/// What can be believed of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scan {
    /// The spool's lifetime.
    pub epoch: Epoch,
    /// Number of its first record.
    pub first: Seq,
    /// The number after its last good record; the same as `first` if it has none.
    pub next: Seq,
    /// Octets up to the end of its last good record.
    pub good_octets: usize,
    /// What stands after that, if anything does.
    pub damage: Option<Damage>,
}

/// Reads a segment as far as it is good: a prefix of the records written, never another record.
///
/// Returns none if its header is damaged: then [`scan_named`] goes by the name of its file.
pub fn scan(octets: &[u8]) -> Option<Scan> {
    match header(octets)? {
        Header::Ours { epoch, first } => Some(scan_records(octets, epoch, first)),
        Header::Another => None,
    }
}

/// What stands in front of records with a checksum that is right.
enum Header {
    Ours {
        epoch: Epoch,
        first: Seq,
    },
    /// Of no segment that is known here.
    Another,
}

/// None where the checksum differs.
fn header(octets: &[u8]) -> Option<Header> {
    let (header, _) = octets.split_at_checked(SEGMENT_HEADER_OCTETS)?;
    let (fields, crc) = header.split_last_chunk::<4>()?;
    if crc32fast::hash(fields).to_be_bytes() != *crc {
        return None;
    }
    let read = || {
        let (epoch, first) = fields.strip_prefix(SEGMENT_MAGIC)?.split_first_chunk::<16>()?;
        let first = Seq(u64::from_be_bytes(first.try_into().ok()?));
        Some(Header::Ours { epoch: Epoch(u128::from_be_bytes(*epoch)), first })
    };
    Some(read().unwrap_or(Header::Another))
}

/// What can be believed of a segment by its octets and the name of its file, which says what its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// What stands in it, whatever it is called.
    Whole(Scan),
    /// Its header is damaged. The name gives the lifetime and the first number; each record has its own number and checksum.
    HeaderDamaged(Scan),
    /// Something else, undamaged.
    Another,
}

/// Reads a segment as [`scan`] does, and one with a damaged header by its name.
pub fn scan_named(octets: &[u8], name: FileName) -> Named {
    match header(octets) {
        Some(Header::Ours { epoch, first }) => Named::Whole(scan_records(octets, epoch, first)),
        Some(Header::Another) => Named::Another,
        None => Named::HeaderDamaged(scan_records(octets, name.epoch, name.first)),
    }
}

fn scan_records(octets: &[u8], epoch: Epoch, first: Seq) -> Scan {
    let mut rest = octets.get(SEGMENT_HEADER_OCTETS..).unwrap_or_default();
    let mut scan = Scan { epoch, first, next: first, good_octets: SEGMENT_HEADER_OCTETS, damage: None };
    while !rest.is_empty() {
        match read_record(rest, scan.next) {
            Ok((payload, after)) => {
                scan.good_octets += payload.len() + RECORD_EXTRA_OCTETS;
                scan.next = scan.next.next();
                rest = after;
            }
            Err(damage) => {
                scan.damage = Some(damage);
                break;
            }
        }
    }
    scan
}

/// The last whole record of a damaged segment behind the damage: numbers up to it are used up, whatever became of the
/// records. Good octets that happen to lie in a payload are no harm: a number too many is skipped and told as lost.
pub fn last_behind(tail: &[u8], next: Seq) -> Option<Seq> {
    // No more records than this fit into the octets that are left.
    let most = next.0.saturating_add((tail.len() / RECORD_EXTRA_OCTETS) as u64);
    let mut last = None;
    let mut rest = tail;
    while let Some((_, after)) = rest.split_first() {
        // The number is looked at first: it is cheap, and rarely plausible where no record begins.
        let seq = rest.get(4..12).and_then(|octets| octets.try_into().ok()).map(u64::from_be_bytes);
        let seq = seq.filter(|seq| (next.0..=most).contains(seq)).map(Seq);
        rest = match seq.and_then(|seq| Some((seq, read_record(rest, seq).ok()?))) {
            Some((seq, (_, behind))) => {
                last = last.max(Some(seq));
                behind
            }
            None => after,
        };
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EPOCH: Epoch = Epoch(0xfeed_0000_0000_0000_0000_0000_0000_0007);

    fn segment(first: u64, payloads: &[Vec<u8>]) -> Vec<u8> {
        let mut octets = segment_header(EPOCH, Seq(first));
        for (seq, payload) in (first..).zip(payloads) {
            write_record(&mut octets, Seq(seq), payload);
        }
        octets
    }

    /// The payloads a scan believes in.
    fn believed(octets: &[u8]) -> Option<Vec<Vec<u8>>> {
        let scan = scan(octets)?;
        let mut rest = &octets[SEGMENT_HEADER_OCTETS..scan.good_octets];
        let mut seq = scan.first;
        let mut payloads = Vec::new();
        while !rest.is_empty() {
            let (payload, after) = read_record(rest, seq).unwrap();
            payloads.push(payload.to_vec());
            (rest, seq) = (after, seq.next());
        }
        assert_eq!(seq, scan.next);
        Some(payloads)
    }

    #[test]
    fn file_names_are_read_only_as_they_are_written() {
        for kind in [FileKind::Segment, FileKind::Loss] {
            let name = FileName { epoch: EPOCH, first: Seq(300), kind };
            assert_eq!(FileName::read(&name.to_string()), Some(name));
        }
        for bad in ["acked", "x-1.seg", "0-1.seg", &format!("{EPOCH}-000000000000012C.seg"), &format!("{EPOCH}.seg")] {
            assert_eq!(FileName::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn d3_a_segment_cut_at_any_octet_gives_a_prefix() {
        let payloads: Vec<Vec<u8>> = (0..12u8).map(|n| vec![n; usize::from(n) * 9]).collect();
        let whole = segment(41, &payloads);
        assert_eq!(scan(&whole).map(|scan| (scan.next, scan.good_octets, scan.damage)), {
            Some((Seq(53), whole.len(), None))
        });
        for end in 0..whole.len() {
            match believed(&whole[..end]) {
                None => assert!(end < SEGMENT_HEADER_OCTETS),
                Some(found) => assert_eq!(found, payloads[..found.len()], "cut at {end}"),
            }
        }
    }

    #[test]
    fn d6_a_flipped_bit_never_gives_a_wrong_record() {
        let payloads: Vec<Vec<u8>> = (0..6u8).map(|n| vec![n; 20]).collect();
        let whole = segment(1, &payloads);
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut torn = whole.clone();
                torn[place] ^= 1 << bit;
                if let Some(found) = believed(&torn) {
                    let untouched = place.saturating_sub(SEGMENT_HEADER_OCTETS) / 36;
                    assert_eq!(found, payloads[..untouched], "octet {place}, bit {bit}");
                }
            }
        }
    }

    #[test]
    fn a_record_of_another_place_is_not_believed() {
        let mut octets = segment_header(EPOCH, Seq(1));
        write_record(&mut octets, Seq(1), b"one");
        write_record(&mut octets, Seq(3), b"three");
        let scan = scan(&octets).unwrap();
        assert_eq!((scan.next, scan.damage), (Seq(2), Some(Damage::Order)));
    }

    #[test]
    fn d6_the_last_number_behind_damage_is_found() {
        let payloads: Vec<Vec<u8>> = (0..6u8).map(|n| vec![n; 20]).collect();
        let mut octets = segment(1, &payloads);
        octets[SEGMENT_HEADER_OCTETS + 36 + 15] ^= 1;
        let found = scan(&octets).unwrap();
        assert_eq!(found.next, Seq(2));
        let tail = &octets[found.good_octets..];
        assert_eq!(last_behind(tail, found.next), Some(Seq(6)));
        assert_eq!(last_behind(&tail[..tail.len() - 1], found.next), Some(Seq(5)));
        assert_eq!(last_behind(&tail[..36], found.next), None);
        assert_eq!(last_behind(tail, Seq(7)), None, "numbers of before are none");
    }

    proptest! {
        #[test]
        fn d6_any_overwritten_stretch_gives_a_prefix(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..20),
            place in 0usize..2000, noise in prop::collection::vec(any::<u8>(), 1..512),
        ) {
            let mut octets = segment(7, &payloads);
            for (octet, noise) in octets.iter_mut().skip(place).zip(&noise) {
                *octet = *noise;
            }
            if let Some(found) = believed(&octets) {
                prop_assert!(found.len() <= payloads.len());
                prop_assert_eq!(&found[..], &payloads[..found.len()]);
            }
        }

        #[test]
        fn hostile_octets_are_scanned_without_harm(octets in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = scan(&octets);
            let mut behind_header = segment_header(EPOCH, Seq(u64::MAX));
            behind_header.extend_from_slice(&octets);
            let _ = scan(&behind_header);
            let _ = last_behind(&octets, Seq(0));
            let _ = Loss::from_octets(&octets);
            let _ = read_record(&octets, Seq(0));
        }
    }
}
