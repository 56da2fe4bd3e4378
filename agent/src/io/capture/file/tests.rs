//! Capture files: every variant, every cut, every lie.

use std::io::Cursor;

use proptest::prelude::*;

use super::maker::FileMaker;
use super::*;

/// Octets, seconds and microseconds, link, length of a frame that was handed out.
pub(in super::super) type Seen = (Vec<u8>, i64, LinkType, u32);

pub(in super::super) fn collect(capture: &mut dyn Capture) -> Vec<Seen> {
    let mut seen = Vec::new();
    while capture
        .next_block(&mut |frame| seen.push((frame.octets.to_vec(), frame.time.0, frame.link, frame.length)))
        .unwrap()
        != Step::End
    {}
    seen
}

fn open(octets: &[u8]) -> Result<FileCapture, CaptureError> {
    FileCapture::from_input(Box::new(Cursor::new(octets.to_vec())), Path::new("x.pcap"), 4, 64)
}

fn read(octets: &[u8]) -> (Vec<Seen>, CaptureCounts) {
    let mut capture = open(octets).unwrap();
    let seen = collect(&mut capture);
    (seen, capture.counts())
}

fn refusals(counts: &CaptureCounts) -> Vec<(&'static str, u64)> {
    CaptureRefusal::ALL
        .into_iter()
        .map(|reason| (reason.as_str(), counts.refused(reason)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

#[test]
fn every_pcap_variant_in_both_byte_orders_gives_the_same_frames() {
    for (magic, fraction) in [(0xa1b2_c3d4, 123_456), (0xa1b2_3c4d, 123_456_789), (0xa1b2_cd34, 123_456)] {
        for big in [false, true] {
            // A frame check sequence of 4 octets is announced in the upper bits.
            let mut maker = FileMaker::pcap_of(magic, big, 0x2400_0001);
            maker.record(1_700_000_000, fraction, b"first");
            maker.record(u32::MAX, 0, b"");
            let (seen, counts) = read(&maker.octets);
            assert_eq!(
                seen,
                [
                    (b"first".to_vec(), 1_700_000_000_123_456, LinkType::Ethernet, 15),
                    (Vec::new(), 4_294_967_295_000_000, LinkType::Ethernet, 10),
                ],
                "{magic:#x} big {big}"
            );
            assert_eq!((counts.frames, counts.octets, refusals(&counts)), (2, 5, vec![]));
        }
    }
}

#[test]
fn every_link_type_number_is_known_and_others_are_counted_per_frame() {
    let known = [
        (0, LinkType::Null),
        (1, LinkType::Ethernet),
        (9, LinkType::Ppp),
        (50, LinkType::Ppp),
        (104, LinkType::Ppp),
        (12, LinkType::RawIp),
        (14, LinkType::RawIp),
        (101, LinkType::RawIp),
        (228, LinkType::RawIp),
        (229, LinkType::RawIp),
        (108, LinkType::Loop),
        (113, LinkType::LinuxSll),
        (276, LinkType::LinuxSll2),
    ];
    for number in 0..400 {
        let mut maker = FileMaker::pcap_of(0xa1b2_c3d4, false, number);
        maker.record(1, 2, b"x");
        maker.record(1, 2, b"y");
        let (seen, counts) = read(&maker.octets);
        match known.iter().find(|(candidate, _)| *candidate == number) {
            Some((_, link)) => assert!(seen.len() == 2 && seen.iter().all(|frame| frame.2 == *link), "{number}"),
            None => assert_eq!((seen.len(), refusals(&counts)), (0, vec![("unknown_link_type", 2)]), "{number}"),
        }
    }
}

/// A pcapng file with everything in it, where its blocks end, and how many frames there are up to each end.
fn rich_pcapng() -> (Vec<u8>, Vec<(usize, usize)>) {
    let mut maker = FileMaker::pcapng(false);
    let mut ends = vec![(maker.octets.len(), 0)];
    let mut frames = 0;
    let mut step = |maker: &mut FileMaker, adds: usize, write: &dyn Fn(&mut FileMaker)| {
        write(maker);
        frames += adds;
        ends.push((maker.octets.len(), frames));
    };
    step(&mut maker, 0, &|m| m.interface(1, 3, &[(2, b"eth0"), (9, &[9]), (14, &1_000_i64.to_le_bytes()), (0, b"")]));
    step(&mut maker, 0, &|m| m.interface(101, 0, &[(9, &[0x80 | 10])]));
    step(&mut maker, 0, &|m| m.interface(147, 0, &[]));
    step(&mut maker, 1, &|m| m.enhanced(0, 5_000_000_000_123_456_789, b"abcde"));
    step(&mut maker, 0, &|m| m.block(0x0bad, b"an unknown block"));
    step(&mut maker, 1, &|m| m.enhanced(1, (7 << 10) + 512, b"raw"));
    step(&mut maker, 1, &|m| m.simple(9, b"sim"));
    step(&mut maker, 1, &|m| m.obsolete(1, 3 << 10, b"old block"));
    step(&mut maker, 0, &|m| m.enhanced(2, 0, b"of an unread link type"));
    step(&mut maker, 0, &|m| m.section(true));
    step(&mut maker, 0, &|m| m.interface(276, 0, &[]));
    step(&mut maker, 1, &|m| m.enhanced(0, 42, b"cooked"));
    (maker.octets, ends)
}

#[test]
fn pcapng_with_sections_interfaces_resolutions_and_all_packet_blocks_is_read() {
    let (octets, _) = rich_pcapng();
    let (seen, counts) = read(&octets);
    let first = 5_000_000_000_123_456 + 1_000_000_000;
    assert_eq!(
        seen,
        [
            (b"abcde".to_vec(), first, LinkType::Ethernet, 15),
            (b"raw".to_vec(), 7_500_000, LinkType::RawIp, 13),
            (b"sim".to_vec(), 7_500_000, LinkType::Ethernet, 9),
            (b"old block".to_vec(), 3_000_000, LinkType::RawIp, 19),
            (b"cooked".to_vec(), 42, LinkType::LinuxSll2, 16),
        ]
    );
    assert_eq!(refusals(&counts), [("unknown_link_type", 1)]);
}

#[test]
fn a_pcap_cut_at_any_octet_gives_the_frames_before_the_cut_and_counts_it() {
    for magic in [0xa1b2_c3d4, 0xa1b2_cd34] {
        let mut maker = FileMaker::pcap_of(magic, false, 1);
        let mut ends = vec![(maker.octets.len(), 0)];
        for (number, data) in [&b"one"[..], b"", b"three three"].iter().enumerate() {
            maker.record(number as u32, 0, data);
            ends.push((maker.octets.len(), number + 1));
        }
        every_cut(&maker.octets, &ends);
    }
}

#[test]
fn a_pcapng_cut_at_any_octet_gives_the_frames_before_the_cut_and_counts_it() {
    let (octets, ends) = rich_pcapng();
    every_cut(&octets, &ends);
}

fn every_cut(octets: &[u8], ends: &[(usize, usize)]) {
    for cut in 4..octets.len() {
        let (seen, counts) = read(&octets[..cut]);
        let frames = ends.iter().rev().find(|(end, _)| *end <= cut).map_or(0, |(_, frames)| *frames);
        let clean = ends.iter().any(|(end, _)| *end == cut);
        assert_eq!(seen.len(), frames, "cut at {cut}");
        assert_eq!(counts.refused(CaptureRefusal::FileCutShort), u64::from(!clean), "cut at {cut}");
        assert_eq!(counts.refused(CaptureRefusal::MalformedBlock), 0, "cut at {cut}");
    }
}

#[test]
fn what_is_no_capture_is_an_error_with_cause_and_remedy() {
    let path = || PathBuf::from("x.pcap");
    let cases: [(&[u8], CaptureError); 7] = [
        (b"", CaptureError::Empty { path: path() }),
        (b"\xd4\xc3", CaptureError::NotACapture { path: path() }),
        (b"hello, world", CaptureError::NotACapture { path: path() }),
        (b"\x0a\x0d\x0d\x0a\x1c\0\0\0WXYZ", CaptureError::NotACapture { path: path() }),
        (b"\x1f\x8b\x08\x00", CaptureError::Compressed { path: path(), format: "gzip" }),
        (b"\x1f\x8b", CaptureError::Compressed { path: path(), format: "gzip" }),
        (b"\x28\xb5\x2f\xfd....", CaptureError::Compressed { path: path(), format: "zstd" }),
    ];
    for (octets, expected) in cases {
        let error = open(octets).err().unwrap();
        assert_eq!(error, expected);
        assert!(error.to_string().contains("x.pcap") && error.to_string().ends_with('.'));
    }
    let gzip = open(b"\x1f\x8b\x08\x00").err().unwrap().to_string();
    assert!(gzip.contains("Decompress it first"));
}

#[test]
fn a_record_that_claims_too_much_is_passed_over_and_the_next_one_read() {
    let mut maker = FileMaker::pcap();
    let long = vec![7; limits::FRAME_MAX_OCTETS + 1];
    maker.record(1, 0, &long);
    maker.record(2, 0, &long[..limits::FRAME_MAX_OCTETS]);
    maker.record(3, 0, b"short");
    let (seen, counts) = read(&maker.octets);
    assert_eq!(seen.iter().map(|frame| frame.0.len()).collect::<Vec<_>>(), [limits::FRAME_MAX_OCTETS, 5]);
    assert_eq!(refusals(&counts), [("frame_too_long", 1)]);

    let mut maker = FileMaker::pcapng(true);
    maker.interface(1, 0, &[]);
    maker.enhanced(0, 0, &vec![7; limits::CAPTURE_RECORD_MAX_OCTETS]);
    maker.enhanced(0, 0, &long);
    maker.block(0xbad, &vec![7; 4 * limits::CAPTURE_RECORD_MAX_OCTETS]);
    maker.enhanced(0, 9, b"short");
    let (seen, counts) = read(&maker.octets);
    assert_eq!((seen.len(), refusals(&counts)), (1, vec![("frame_too_long", 2)]));
}

#[test]
fn pcapng_blocks_that_lie_are_counted_and_keep_what_can_be_believed() {
    let good = || {
        let mut maker = FileMaker::pcapng(false);
        maker.interface(1, 0, &[]);
        maker.enhanced(0, 1, b"good");
        maker
    };
    // A captured length beyond the block: that block alone is lost.
    let mut maker = good();
    let mut body = maker.empty();
    for field in [0, 0, 0, 5000, 5000] {
        body.u32(field);
    }
    maker.block(6, &body.octets);
    maker.block(6, b"shor");
    maker.block(3, b"");
    maker.enhanced(9, 1, b"of nobody");
    maker.enhanced(0, 2, b"next");
    let (seen, counts) = read(&maker.octets);
    assert_eq!(seen.len(), 2);
    assert_eq!(refusals(&counts), [("malformed_block", 3), ("unknown_interface", 1)]);
}

/// Appends a block whose parts are all chosen by the caller.
fn raw_block(maker: &mut FileMaker, kind: u32, length: u32, body: &[u8], closing: u32) {
    maker.u32(kind);
    maker.u32(length);
    maker.octets.extend(body);
    maker.u32(closing);
}

#[test]
fn block_length_bombs_end_the_file_without_holding_more_than_a_record() {
    // Length, closing length, what is counted.
    let cases = [
        (0, 0, "malformed_block"),
        (8, 8, "malformed_block"),
        (14, 14, "malformed_block"),
        (16, 20, "malformed_block"),
        (u32::MAX - 3, 16, "capture_cut_short"),
    ];
    for kind in [6, 0xbad] {
        for (length, closing, counted) in cases {
            let mut maker = FileMaker::pcapng(false);
            maker.interface(1, 0, &[]);
            maker.enhanced(0, 1, b"good");
            raw_block(&mut maker, kind, length, b"body", closing);
            let mut capture = open(&maker.octets).unwrap();
            let seen = collect(&mut capture);
            assert_eq!(seen.len(), 1, "{kind} {length}");
            assert_eq!(capture.counts().refused_by(counted), 1, "{kind} {length}");
            assert!(capture.window.held() <= limits::CAPTURE_RECORD_MAX_OCTETS);
        }
    }
}

#[test]
fn a_frame_in_a_block_whose_two_lengths_differ_is_not_believed() {
    let mut maker = FileMaker::pcapng(false);
    maker.interface(1, 0, &[]);
    maker.enhanced(0, 1, b"good");
    maker.enhanced(0, 2, b"torn");
    *maker.octets.last_mut().unwrap() = 1;
    maker.enhanced(0, 3, b"after");
    let (seen, counts) = read(&maker.octets);
    assert_eq!((seen.len(), refusals(&counts)), (1, vec![("malformed_block", 1)]));
}

#[test]
fn a_disk_that_fails_half_way_is_told_once_and_what_came_before_is_kept() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
    let mut maker = FileMaker::pcap();
    maker.record(1, 0, b"before");
    let input = Box::new(Cursor::new(maker.octets).chain(Failing));
    let mut capture = FileCapture::from_input(input, Path::new("x.pcap"), 0, 64).unwrap();
    let mut frames = 0;
    let error = CaptureError::CannotRead { path: PathBuf::from("x.pcap"), cause: io::ErrorKind::UnexpectedEof };
    assert_eq!(capture.next_block(&mut |_| frames += 1), Ok(Step::Frames));
    assert_eq!(capture.next_block(&mut |_| frames += 1), Err(error));
    assert_eq!((frames, capture.next_block(&mut |_| frames += 1)), (1, Ok(Step::End)));
}

impl CaptureCounts {
    fn refused_by(&self, name: &str) -> u64 {
        CaptureRefusal::ALL
            .into_iter()
            .filter(|reason| reason.as_str() == name)
            .map(|reason| self.refused(reason))
            .sum()
    }
}

#[test]
fn more_interfaces_than_a_section_may_have_are_counted_not_kept() {
    let mut maker = FileMaker::pcapng(false);
    for _ in 0..limits::CAPTURE_INTERFACES_MAX + 3 {
        maker.interface(1, 0, &[]);
    }
    maker.enhanced(limits::CAPTURE_INTERFACES_MAX as u32 - 1, 0, b"last");
    maker.enhanced(limits::CAPTURE_INTERFACES_MAX as u32, 0, b"beyond");
    let (seen, counts) = read(&maker.octets);
    assert_eq!(seen.len(), 1);
    assert_eq!(refusals(&counts), [("malformed_block", 3), ("unknown_interface", 1)]);
}

#[test]
fn an_interface_whose_options_are_broken_keeps_its_number() {
    let mut maker = FileMaker::pcapng(false);
    // An option that claims 200 octets it has not.
    maker.block(1, &[1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 200, 0, 1, 2, 3, 4]);
    maker.interface(101, 0, &[]);
    maker.enhanced(0, 0, b"?");
    maker.enhanced(1, 0, b"raw");
    let (seen, counts) = read(&maker.octets);
    assert_eq!(seen.iter().map(|frame| frame.2).collect::<Vec<_>>(), [LinkType::RawIp]);
    assert_eq!(refusals(&counts), [("unknown_link_type", 1), ("malformed_block", 1)]);
}

/// Reads hostile octets to the end: no panic, a bounded window, and no more frames than octets could hold.
fn survives(octets: &[u8]) {
    let Ok(mut capture) = open(octets) else { return };
    let mut frames = 0_usize;
    loop {
        match capture.next_block(&mut |frame| {
            frames += 1;
            assert!(frame.octets.len() <= limits::FRAME_MAX_OCTETS);
        }) {
            Ok(Step::End) | Err(_) => break,
            Ok(Step::Frames | Step::Idle) => (),
        }
    }
    assert!(frames <= octets.len() / 16 + 1);
    assert!(capture.window.held() <= limits::CAPTURE_RECORD_MAX_OCTETS);
    assert!(capture.read_octets() <= octets.len() as u64);
}

fn samples() -> Vec<Vec<u8>> {
    let mut files = vec![rich_pcapng().0];
    for (magic, big) in [(0xa1b2_c3d4, false), (0xa1b2_3c4d, true), (0xa1b2_cd34, false)] {
        let mut maker = FileMaker::pcap_of(magic, big, 1);
        for number in 0..4 {
            maker.record(number, number, b"some octets of a frame");
        }
        files.push(maker.octets);
    }
    files
}

/// Everything a file gives, with `go_on` to go from one step to the next; false at its end.
fn by_steps(
    octets: &[u8],
    at_once: usize,
    go_on: impl Fn(&mut FileCapture, &mut dyn FnMut(Frame<'_>)) -> Result<bool, CaptureError>,
) -> Option<(Vec<Seen>, CaptureCounts, u64)> {
    let input = Box::new(Cursor::new(octets.to_vec()));
    let mut capture = FileCapture::from_input(input, Path::new("x.pcap"), 4, at_once).ok()?;
    let mut seen = Vec::new();
    let mut each = |frame: Frame<'_>| seen.push((frame.octets.to_vec(), frame.time.0, frame.link, frame.length));
    while go_on(&mut capture, &mut each).unwrap() {}
    Some((seen, capture.counts(), capture.read_octets()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// However many records are held at once, a file gives the same frames and the same refusals.
    #[test]
    fn records_read_one_by_one_or_many_at_once_are_the_same(
        sample in 0_usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut octets = samples().swap_remove(sample);
        for (at, value) in changes {
            let at = at.index(octets.len());
            octets[at] = value;
        }
        let one_by_one = by_steps(&octets, 64, |capture, each| {
            let more = capture.advance()?;
            capture.hand_out(each);
            Ok(more)
        });
        let blocks = |capture: &mut FileCapture, each: &mut dyn FnMut(Frame<'_>)| {
            capture.next_block(each).map(|step| step != Step::End)
        };
        let alone = |capture: &mut FileCapture, each: &mut dyn FnMut(Frame<'_>)| {
            // Before its first frame nothing is handed out.
            capture.hand_out_many(each)
        };
        for at_once in [64, 4096] {
            prop_assert_eq!(&by_steps(&octets, at_once, blocks), &one_by_one);
            prop_assert_eq!(&by_steps(&octets, at_once, alone), &one_by_one);
        }
    }

    #[test]
    fn s1_s3_mutated_capture_files_never_panic_and_hold_one_record_at_most(
        sample in 0_usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut octets = samples().swap_remove(sample);
        for (at, value) in changes {
            let at = at.index(octets.len());
            octets[at] = value;
        }
        if is_cut {
            octets.truncate(cut.index(octets.len()));
        }
        survives(&octets);
    }

    #[test]
    fn s1_s3_arbitrary_octets_behind_a_good_start_never_panic(
        start in prop::sample::select(vec![
            &b"\xd4\xc3\xb2\xa1"[..], b"\xa1\xb2\xc3\xd4", b"\x34\xcd\xb2\xa1", b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        survives(&[start, &rest].concat());
    }
}
