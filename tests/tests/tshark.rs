//! Promise: what `inspect --observations` says of a capture is what tshark says of it: DNS names, answers and rcodes,
//! packets and octets of every conversation, in every file format and link type, and where a mirror shows each packet twice.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use varde_common::time::Timestamp;
use varde_tests::capture::{self, Format, LinkType};
use varde_tests::programs::said;
use varde_tests::random::Random;
use varde_tests::seen::{Lookup, Seen, fields, ours, ours_of, tshark_conversations, tshark_dns};
use varde_tests::traffic::municipality::{Mix, Municipality, ordinary};
use varde_tests::traffic::tunnel::{Wrapping, ethernet};
use varde_tests::traffic::{Packet, packet};

fn municipality(seed: u64, actions: u64) -> Vec<Packet> {
    let mix = Mix { clients: 30, actions, span: Duration::from_secs(900) };
    let start = Timestamp(1_763_733_900_000_000);
    ordinary(Municipality { number: 7 }, start, mix, &mut Random::seeded(seed)).packets
}

fn agrees(format: Format, seed: u64, packets: &[Packet]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("traffic");
    capture::write(&file, format, packets)?;
    let mut theirs = Seen::default();
    tshark_dns(&file, &mut theirs)?;
    tshark_conversations(&file, &mut theirs)?;
    ensure!(theirs.responses.len() > 20 && theirs.conversations.len() > 20, "the capture is too thin to show anything");
    let ours = ours(&file)?;
    let context = format!("seed {seed}, {format:?}");
    assert_eq!(ours.responses, theirs.responses, "{context}");
    // Ours may hold a retried lookup's earlier try as silent; tshark's view is by lookup.
    let answered: BTreeSet<&Lookup> = theirs.responses.keys().map(|response| &response.0).collect();
    let silent: BTreeSet<Lookup> = ours.silent.iter().filter(|lookup| !answered.contains(lookup)).cloned().collect();
    assert_eq!(silent, theirs.silent, "{context}");
    assert_eq!(ours.conversations, theirs.conversations, "{context}");
    Ok(())
}

#[test]
fn observations_equal_tsharks_for_several_seeds() -> Result<()> {
    for seed in [1, 20, 300, 4000] {
        agrees(Format::USUAL, seed, &municipality(seed, 600))?;
    }
    Ok(())
}

#[test]
fn observations_equal_tsharks_in_every_format_and_link_type() -> Result<()> {
    let packets = municipality(42, 150);
    for (index, link) in LinkType::KNOWN.into_iter().enumerate() {
        let turn = |bit: usize| (index >> bit) & 1 == 1;
        let format = Format { next_generation: turn(0), nanoseconds: turn(1), big_endian: turn(2), link };
        agrees(format, 42, &packets)?;
        agrees(Format { next_generation: !turn(0), nanoseconds: !turn(1), big_endian: !turn(2), link }, 42, &packets)?;
    }
    Ok(())
}

#[test]
fn conversations_equal_tsharks_where_a_short_snapshot_length_cut_the_headers() -> Result<()> {
    let packets = municipality(42, 300);
    let folder = tempfile::tempdir()?;
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    // A tagged Ethernet header, IPv6, and so much of what is above it.
    for above in [4, 8, 13, 14, 20] {
        capture::write(&whole, Format::USUAL, &packets)?;
        let length = (14 + 8 + 40 + above).to_string();
        said(Command::new("editcap").args(["-s", &length]).args([&whole, &cut]))?.ok().context("editcap")?;
        let mut theirs = Seen::default();
        tshark_conversations(&cut, &mut theirs)?;
        ensure!(theirs.conversations.len() > 20, "the capture is too thin to show anything");
        assert_eq!(ours(&cut)?.conversations, theirs.conversations, "{above} octets above IPv6");
    }
    Ok(())
}

#[test]
fn the_generated_captures_are_sound_and_say_the_same_in_every_form() -> Result<()> {
    let packets = municipality(42, 150);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("traffic");
    let mut usual = None;
    for link in LinkType::KNOWN {
        for (next_generation, nanoseconds, big_endian) in
            [(false, false, false), (false, true, true), (true, true, false), (true, false, true)]
        {
            let format = Format { next_generation, nanoseconds, big_endian, link };
            capture::write(&file, format, &packets)?;
            let bad =
                "_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0 || tcp.checksum.status == 0";
            assert_eq!(fields(&file, bad, "occurrence=f", &["frame.number"])?, Vec::<Vec<String>>::new(), "{format:?}");
            let mut seen = Seen::default();
            tshark_dns(&file, &mut seen)?;
            tshark_conversations(&file, &mut seen)?;
            ensure!(seen.responses.len() > 50 && !seen.silent.is_empty(), "{format:?}: too thin");
            assert_eq!(&seen, usual.get_or_insert_with(|| seen.clone()), "{format:?}");
        }
    }
    Ok(())
}

#[test]
fn a_mirror_that_shows_each_packet_twice_counts_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let packets = municipality(42, 300);
    let frames = |copy: &dyn Fn(&Packet) -> Option<Vec<u8>>| {
        let mut frames = Vec::new();
        for packet in &packets {
            frames.push((packet.time_ns, Wrapping::None.frame(&packet.ip)));
            frames.extend(copy(packet).map(|frame| (packet.time_ns + 40_000, frame)));
        }
        frames
    };
    let once = ours_of(folder.path(), "once", &frames(&|_| None))?;
    let routed =
        ours_of(folder.path(), "routed", &frames(&|packet| Some(Wrapping::None.frame(&packet::routed(&packet.ip)))))?;
    assert_eq!(routed, once);
    let tagged = |packet: &Packet| {
        let plain = Wrapping::None.frame(&packet.ip);
        Some(ethernet(0x8100, &[&[0, 9][..], plain.get(12..)?].concat()))
    };
    assert_eq!(ours_of(folder.path(), "tagged", &frames(&tagged))?, once);
    let same = ours_of(folder.path(), "same", &frames(&|packet| Some(Wrapping::None.frame(&packet.ip))))?;
    assert_eq!((&same.responses, &same.silent), (&once.responses, &once.silent));
    let count = |seen: &Seen| seen.conversations.values().map(|sums| sums.0).sum::<u64>();
    // The first eight are what the mirror is known by.
    assert_eq!(count(&same), count(&once) + 8);
    Ok(())
}
