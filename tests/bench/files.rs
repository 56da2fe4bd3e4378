//! Bench: what reading a capture file costs beside a bare walk over its blocks, in the same run: processor seconds per
//! million packets, medians of several rounds.
//!
//! `cargo run --release -p varde-tests --bin bench-files [-- --capture FILE]`

use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use varde_agent::io::capture::{Capture, FileCapture, Merged, Step};
use varde_tests::measure::{median, mix, own_thread};
use varde_tests::random::Random;

/// What reading a capture file costs.
#[derive(Debug, Parser)]
struct Arguments {
    /// A pcap file in this machine's byte order, instead of one made for the purpose.
    #[arg(long)]
    capture: Option<PathBuf>,
    /// Packets of the file that is made.
    #[arg(long, default_value_t = 1_000_000)]
    packets: usize,
    /// Rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

fn make(path: &Path, packets: usize) -> Result<()> {
    let frames = mix(50_000, &mut Random::seeded(1));
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    file.write_all(&[0xa1b2_c3d4_u32.to_ne_bytes(), 0x0004_0002_u32.to_ne_bytes()].concat())?;
    file.write_all(&[0_u32, 0, 262_144, 1].map(u32::to_ne_bytes).concat())?;
    for (number, frame) in (0_u32..).zip(frames.iter().cycle().take(packets)) {
        let length = u32::try_from(frame.len())?;
        let head = [1_700_000_000 + number / 100_000, number % 100_000 * 10, length, length];
        file.write_all(&head.map(u32::to_ne_bytes).concat())?;
        file.write_all(frame)?;
    }
    Ok(file.flush()?)
}

/// Blocks of 1 MiB, record header after record header, and nothing else: what no reader goes below.
fn bare_walk(path: &Path) -> Result<u64> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0_u8; 1 << 20];
    let (mut held, mut at, mut packets) = (0, 24, 0);
    loop {
        let read = file.read(buffer.get_mut(held..).context("room")?)?;
        if read == 0 {
            return Ok(packets);
        }
        held += read;
        while let Some(head) = buffer.get(at..held).and_then(|rest| rest.first_chunk::<16>()) {
            let captured = u32::from_ne_bytes([head[8], head[9], head[10], head[11]]) as usize;
            if at + 16 + captured > held {
                break;
            }
            black_box(head);
            at += 16 + captured;
            packets += 1;
        }
        buffer.copy_within(at..held, 0);
        (held, at) = (held - at, 0);
    }
}

fn drain(capture: &mut dyn Capture) -> Result<u64> {
    let mut packets = 0;
    while capture.next_block(&mut |frame| {
        black_box(&frame);
        packets += 1;
    })? != Step::End
    {}
    Ok(packets)
}

fn main() -> Result<()> {
    let Arguments { capture, packets, rounds } = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let path = match capture {
        Some(path) => path,
        None => {
            let path = folder.path().join("mix.pcap");
            make(&path, packets)?;
            path
        }
    };
    type Way<'a> = (&'a str, Box<dyn Fn() -> Result<u64> + 'a>);
    let ways: [Way<'_>; 3] = [
        ("bare walk over 1 MiB blocks", Box::new(|| bare_walk(&path))),
        ("one file", Box::new(|| drain(&mut FileCapture::open(&path, 0)?))),
        ("one file, as merged", Box::new(|| drain(&mut Merged::open(&[(0, path.clone())]).0))),
    ];
    let mut figures = vec![Vec::new(); ways.len()];
    let expected = bare_walk(&path)?;
    for _ in 0..rounds {
        for ((_, way), figures) in ways.iter().zip(&mut figures) {
            let before = own_thread();
            let packets = way()?;
            let used = own_thread().saturating_sub(before);
            ensure!(packets == expected, "{packets} packets instead of {expected}");
            figures.push(used.as_secs_f64() * 1e6 / packets as f64);
        }
    }
    let medians: Vec<f64> = figures.into_iter().map(median).collect();
    let bare = medians.first().copied().unwrap_or(f64::NAN);
    println!("CPU s per million packets, {expected} packets, medians of {rounds} rounds:");
    for ((name, _), seconds) in ways.iter().zip(&medians) {
        println!("  {name:30} {seconds:.4}   {:.2} × the bare walk", seconds / bare);
    }
    Ok(())
}
