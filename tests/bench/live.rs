//! Benches B7 and B8: a live interface at a known rate, what is lost and what a packet costs. A cable between two
//! namespaces, one core for the sender and one for the receiver; every receiver gets the same frames at the same rates.
//!
//! `cargo run --release -p varde-tests --bin bench-live` (root). Lost is sent minus received, whatever the kernel counts.
//! The load is bounded by `--seconds` and stops by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Parser;
use rustix::thread::{CpuSet, sched_setaffinity};
use varde_agent::io::capture::{LiveSettings, Step, open_live};
use varde_agent::io::clock;
use varde_agent::sensor::{Sensor, SensorSettings};
use varde_agent::settings::CaptureBackend;
use varde_common::id::{IndicatorId, Revision};
use varde_common::indicator::Indicator;
use varde_common::matcher::IndicatorSet;
use varde_common::plain;
use varde_tests::measure::{first_thread_of, mix, own_thread};
use varde_tests::namespaces::{End, Namespace, allowed, cable};
use varde_tests::programs::{PATIENCE, Running, Said, eventually, said};
use varde_tests::random::Random;
use varde_tests::wire::Wire;

/// What a live interface costs.
#[derive(Debug, Parser)]
struct Arguments {
    /// Packets a second; 0 is as fast as the sender can.
    #[arg(long, value_delimiter = ',', default_value = "100000,200000,400000,0")]
    rates: Vec<u64>,
    /// How long each receiver is sent to at each rate.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Listed names the sensor holds.
    #[arg(long, default_value_t = 1_000_000)]
    indicators: u64,
    /// Only receivers whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

/// How one receiver fared at one rate.
#[derive(Debug, Clone, Copy)]
struct Figures {
    sent: u64,
    sending: Duration,
    /// What came in at the receiver's interface: on a busy machine the kernel loses some before anybody can listen.
    arrived: u64,
    received: u64,
    dropped: Option<u64>,
    cpu: Duration,
}

#[derive(Debug, Clone)]
enum Receiver {
    /// A capture, with nothing or the whole sensor behind it.
    Ours(LiveSettings, Option<Arc<IndicatorSet>>),
    Tcpdump,
}

struct Line {
    sender: Namespace,
    sensor: Namespace,
    frames: Vec<Vec<u8>>,
}

impl Line {
    fn new() -> Result<Line> {
        let (sender, sensor) = (Namespace::new("sender")?, Namespace::new("sensor")?);
        for end in [&sender, &sensor] {
            let mut quiet = end.command("sh");
            quiet.args(["-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"]);
            said(&mut quiet)?.ok()?;
        }
        cable(
            End { namespace: &sender, interface: "out", addresses: &[] },
            End { namespace: &sensor, interface: "mirror", addresses: &[] },
        )?;
        Ok(Line { sender, sensor, frames: mix(1 << 17, &mut Random::seeded(42)) })
    }

    /// Frames that have come in at the receiver's interface.
    fn arrived(&self) -> Result<u64> {
        let mut command = self.sensor.command("ip");
        let shown = said(command.args(["-s", "-j", "link", "show", "mirror"]))?.ok()?;
        let packets = shown.json()?.first().and_then(|all| all[0]["stats64"]["rx"]["packets"].as_u64());
        packets.with_context(|| shown.out.clone())
    }

    /// Sends for so long at this rate; how many, and how long it took.
    fn send(&self, rate: u64, span: Duration) -> Result<(u64, Duration)> {
        self.sender.within(|| {
            pin(0)?;
            let wire = Wire::open("out")?;
            let (began, mut sent) = (clock::monotonic(), 0_u64);
            for batch in self.frames.chunks(64).cycle() {
                let passed = clock::monotonic().saturating_duration_since(began);
                if passed >= span {
                    break;
                }
                if rate > 0 {
                    let due = Duration::from_secs_f64(sent as f64 / rate as f64);
                    // Short waits are spun through: a sleep is longer than a batch.
                    match due.saturating_sub(passed) {
                        wait if wait > Duration::from_millis(1) => thread::sleep(wait),
                        wait => {
                            while clock::monotonic().saturating_duration_since(began) < passed + wait {
                                std::hint::spin_loop();
                            }
                        }
                    }
                }
                wire.send(batch)?;
                sent += batch.len() as u64;
            }
            Ok((sent, clock::monotonic().saturating_duration_since(began)))
        })?
    }

    fn measure(&self, receiver: &Receiver, rate: u64, span: Duration) -> Result<Figures> {
        let before = self.arrived()?;
        let figures = match receiver {
            Receiver::Ours(settings, set) => self.ours(settings, set.as_ref(), rate, span),
            Receiver::Tcpdump => self.tcpdump(rate, span),
        }?;
        Ok(Figures { arrived: self.arrived()?.saturating_sub(before), ..figures })
    }

    fn ours(
        &self,
        settings: &LiveSettings,
        set: Option<&Arc<IndicatorSet>>,
        rate: u64,
        span: Duration,
    ) -> Result<Figures> {
        let capture = self.sensor.within(|| open_live("mirror", 0, settings))??;
        let (over, sent_all) = (AtomicBool::new(false), AtomicU64::new(u64::MAX));
        let (ready, go) = sync_channel(1);
        thread::scope(|scope| {
            let (over, sent_all) = (&over, &sent_all);
            let receiving = scope.spawn(move || -> Result<(u64, Option<u64>, Duration)> {
                pin(1)?;
                let mut capture = capture;
                let mut sensor = set.map(|set| Sensor::new(SensorSettings::default(), Arc::clone(set), Revision(1)));
                let _ = ready.send(());
                let before = own_thread();
                let (mut received, mut idle) = (0_u64, 0);
                loop {
                    let step = capture.next_block(&mut |frame| {
                        received += 1;
                        if let Some(sensor) = &mut sensor {
                            sensor.handle_frame(&frame);
                            while sensor.poll_statement().is_some() {}
                        } else {
                            std::hint::black_box(&frame);
                        }
                    })?;
                    if let Some(sensor) = &mut sensor {
                        sensor.handle_time(clock::now());
                    }
                    idle = if step == Step::Idle && over.load(Ordering::Relaxed) { idle + 1 } else { 0 };
                    // A busy machine brings the last ones late.
                    if (received >= sent_all.load(Ordering::Relaxed) && idle > 0) || idle == 15 {
                        return Ok((received, capture.counts().dropped, own_thread().saturating_sub(before)));
                    }
                }
            });
            go.recv().context("the receiver did not start")?;
            let sent = self.send(rate, span);
            sent_all.store(sent.as_ref().map_or(0, |(sent, _)| *sent), Ordering::Relaxed);
            over.store(true, Ordering::Relaxed);
            let (received, dropped, cpu) = receiving.join().map_err(|_| anyhow!("the receiver broke"))??;
            let (sent, sending) = sent?;
            Ok(Figures { sent, sending, arrived: 0, received, dropped, cpu })
        })
    }

    fn tcpdump(&self, rate: u64, span: Duration) -> Result<Figures> {
        let folder = tempfile::tempdir()?;
        let mut command = self.sensor.command("taskset");
        command.args(["-c", "1", "tcpdump", "-n", "-i", "mirror", "-B", "32768", "-Z", "root", "-w", "/dev/null"]);
        let mut tcpdump = Running::start(command, &folder.path().join("log"))?;
        eventually("tcpdump listens", PATIENCE, || {
            tcpdump.still_runs()?;
            Ok(tcpdump.log().contains("listening on").then_some(()))
        })?;
        let before = first_thread_of(tcpdump.id())?;
        let (sent, sending) = self.send(rate, span)?;
        // It reads what is left; nothing more comes.
        thread::sleep(Duration::from_secs(2));
        let cpu = first_thread_of(tcpdump.id())?.saturating_sub(before);
        tcpdump.stop()?;
        let log = tcpdump.log();
        let figure = |what: &str| {
            let line = log.lines().find(|line| line.contains(what));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).with_context(|| log.clone())
        };
        let (received, dropped) = (figure("captured")?, Some(figure("dropped by kernel")?));
        Ok(Figures { sent, sending, arrived: 0, received, dropped, cpu })
    }
}

/// Keeps this thread on one core, where there are so many.
fn pin(core: usize) -> Result<()> {
    if thread::available_parallelism()?.get() > core {
        let mut cores = CpuSet::new();
        cores.set(core);
        sched_setaffinity(None, &cores)?;
    }
    Ok(())
}

/// Listed names, none of which the traffic asks for.
fn indicators(count: u64) -> IndicatorSet {
    let text: String = (0..count).map(|number| format!("vond-{number}.example{}.no\n", number % 977)).collect();
    let patterns = plain::read(text.as_bytes()).flatten().map(|(_, pattern)| pattern);
    IndicatorSet::build((0..).zip(patterns).map(|(id, pattern)| Indicator::bare(IndicatorId(id), pattern)).collect())
}

fn main() -> Result<()> {
    let Arguments { rates, seconds, indicators: count, only } = Arguments::parse();
    ensure!(allowed(), "this bench lays a cable and needs root");
    ensure!((1..=60).contains(&seconds), "--seconds is from 1 to 60");
    let set = Arc::new(indicators(count));
    let ring = LiveSettings::default();
    let pnet = LiveSettings { backend: CaptureBackend::Pnet, ..ring.clone() };
    let mut receivers = vec![
        ("bare ring", Receiver::Ours(LiveSettings { filter: false, ..ring.clone() }, None)),
        ("ring with filter", Receiver::Ours(ring.clone(), None)),
        ("ring and sensor", Receiver::Ours(ring, Some(Arc::clone(&set)))),
        ("pnet", Receiver::Ours(pnet.clone(), None)),
        ("pnet and sensor", Receiver::Ours(pnet, Some(set))),
    ];
    match said(std::process::Command::new("tcpdump").arg("--version")).and_then(Said::ok) {
        Ok(_) => receivers.push(("tcpdump", Receiver::Tcpdump)),
        Err(_) => eprintln!("SKIPPED: there is no tcpdump here to compare with; apt-get install tcpdump"),
    }
    let line = Line::new()?;
    let mean = line.frames.iter().map(Vec::len).sum::<usize>() / line.frames.len().max(1);
    println!("B7 what is lost, B8 CPU s/M (bar: the bare ring's + 0.11)");
    println!("frames of {mean} octets on average, {seconds} s each, {count} indicators, one core");
    println!(
        "receiver          offered/s      sent/s       sent   received       lost      %  kernel drop  CPU s/M  × bare"
    );
    for rate in rates {
        let mut bare = None;
        for (name, receiver) in receivers.iter().filter(|(name, _)| name.contains(&only)) {
            let figures = line.measure(receiver, rate, Duration::from_secs(seconds))?;
            let Figures { sent, sending, arrived, received, dropped, cpu } = figures;
            let lost = sent.saturating_sub(received);
            let cost = cpu.as_secs_f64() * 1e6 / received.max(1) as f64;
            let ratio = cost / *bare.get_or_insert(cost);
            println!(
                "{name:16} {:>10} {:>11.0} {sent:>10} {arrived:>10} {received:>10} {lost:>10} {:>6.2} {:>12} {cost:>8.3} {ratio:>7.2}",
                if rate == 0 { "limit".to_owned() } else { rate.to_string() },
                sent as f64 / sending.as_secs_f64(),
                100.0 * lost as f64 / sent.max(1) as f64,
                dropped.map_or("unknown".to_owned(), |dropped| dropped.to_string()),
            );
        }
    }
    Ok(())
}
