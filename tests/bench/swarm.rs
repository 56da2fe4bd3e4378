//! B11, B12 and B13 (the idle half) with one swarm at the built collector: a thousand sensors over real QUIC with real certificates. How
//! soon a list is in force, what is committed and correlated a second, how long an alert waits until it is acknowledged and until the API
//! (`/api/v1/alerts`) shows it, what others wait while one storms, and how soon all are back after a restart.
//!
//! `cargo run --release -p varde-tests --bin bench-swarm`; `--sensors 50 --seconds 5` for a look. Rates stand beside bare inserts of
//! the same records in the same run and what a record takes of a core, waits beside those of a lone sensor (decision 27): beside other
//! work rates say little, and what is taken of a core stays. What a thousand hostile sensors take is
//! `VARDE_HOSTILE_SESSIONS=1000 cargo test --release -p varde-tests --test hostile_sensor`; more of B11 is `bench-push`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use tokio::runtime::Runtime;
use varde_agent::io::clock::monotonic;
use varde_tests::alerts::{B9, batch};
use varde_tests::community::Collector;
use varde_tests::fleet::Fleet;
use varde_tests::measure::memory_kib;
use varde_tests::random::Random;
use varde_tests::swarm::{Done, Talk, Work, come_back, work_all};

/// Nothing here takes longer, or it is broken.
const LONGEST: Duration = Duration::from_secs(600);
/// Between two looks at the API.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);
/// Records of one transaction of bare inserts: what a busy second of the ingest commits at once, about.
const BARE_ROWS: usize = 100;

/// A swarm of sensors at work.
#[derive(Debug, Parser)]
struct Arguments {
    /// Sensors; one more raises the alerts that are looked for.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(2..=4_000))]
    sensors: u64,
    /// Members they are spread over.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(2..=1_000))]
    members: u64,
    /// Indicators that they meet (B12).
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    indicators: u64,
    /// Records a second of all together, while waits are measured (B12).
    #[arg(long, default_value_t = 2_500)]
    rate: u64,
    /// Records a second that are asked for at the most (B12's goal).
    #[arg(long, default_value_t = 10_000)]
    most: u64,
    /// How long each part goes on; B12 says five minutes of the most.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Alerts that are looked for by the API.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    looks: u64,
}

fn at(sorted: &[Duration], hundredths: usize) -> Duration {
    sorted.get((sorted.len() * hundredths).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
}

fn told(what: &str, waits: &[Duration]) {
    let [p50, p99, longest] = [50, 99, 100].map(|hundredths| at(waits, hundredths));
    println!("  {what}: {}, p50 {p50:.0?}, p99 {p99:.0?}, longest {longest:.0?}", waits.len());
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}

/// What a process has taken of all cores so far, by fields 14 and 15 of `/proc/PID/stat`, which count hundredths of a second.
fn processor_time(process: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    let mut taken = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let (user, system) = taken.next().zip(taken.next()).context("no times")?;
    Ok(Duration::from_millis(10 * (user? + system?)))
}

/// Rows a second of the same records without anything else: one table, synchronised as the collector's.
fn bare_inserts(folder: &Path, runtime: &Runtime) -> Result<f64> {
    let records = batch(&mut Random::seeded(1), B9, 1)?.records;
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(folder.join("bare.sqlite")).create_if_missing(true);
        let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
        let mut conn = options.connect().await?;
        let table = "CREATE TABLE record (sensor_id BIGINT, epoch TEXT, seq BIGINT, received_at BIGINT, octets BLOB,
            PRIMARY KEY (sensor_id, epoch, seq))";
        sqlx::raw_sql(table).execute(&mut conn).await?;
        let (began, mut rows) = (monotonic(), 0i64);
        while began.elapsed() < Duration::from_secs(3) {
            for records in records.chunks(BARE_ROWS) {
                let mut insert = sqlx::QueryBuilder::<sqlx::Sqlite>::new("INSERT INTO record ");
                insert.push_values(records, |mut values, octets| {
                    rows += 1;
                    values.push_bind(1).push_bind("0").push_bind(rows).push_bind(0).push_bind(octets.as_slice());
                });
                insert.build().execute(&mut conn).await?;
            }
        }
        Ok(rows as f64 / began.elapsed().as_secs_f64())
    })
}

/// Whether the API shows an alert of this indicator.
fn is_shown(web: &str, name: &str) -> Result<bool> {
    let mut stream = TcpStream::connect(web)?;
    stream.set_read_timeout(Some(LONGEST))?;
    let path = format!("/api/v1/alerts?limit=1&indicator={name}");
    let token = varde_tests::way_in::token(web)?.context("no token")?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {web}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "no answer was given: {}", answer.lines().next().unwrap_or(""));
    Ok(answer.contains(name))
}

/// The swarm, and what it stands before.
struct Scene {
    collector: Collector,
    runtime: Runtime,
    talks: Vec<Talk>,
    /// The one whose alerts are looked for.
    probe: Talk,
    /// Indicators of the swarm, by number.
    indicators: Arc<Vec<u64>>,
    /// Those of the alerts that are looked for: number and name.
    looked_for: Vec<(u64, String)>,
    process: u32,
}

impl Scene {
    fn work(&mut self, rate: f64, seconds: u64) -> Result<Done> {
        let talks = std::mem::take(&mut self.talks);
        let work = Work {
            per_second: Some(rate / talks.len().max(1) as f64),
            indicators: self.indicators.clone(),
            until: monotonic() + Duration::from_secs(seconds),
        };
        let (talks, done) = self.runtime.block_on(work_all(talks, &work))?;
        self.talks = talks;
        Ok(done)
    }

    /// The most that is committed: everything that was acknowledged, over the time until the last of it was.
    fn most(&mut self, rate: u64, seconds: u64) -> Result<f64> {
        let (began, before) = (monotonic(), processor_time(self.process)?);
        let done = self.work(rate as f64, seconds)?;
        let per_second = done.waits.len() as f64 / began.elapsed().as_secs_f64();
        // What stays the same beside whatever else the machine does.
        let took = (processor_time(self.process)? - before).as_secs_f64() / done.waits.len().max(1) as f64;
        println!("B12 committed and correlated, {rate} a second asked for over {seconds} s:");
        println!(
            "  {per_second:.0}/s, {} could not be made (bar 5,000: {})",
            done.not_made,
            verdict(per_second >= 5_000.0)
        );
        println!("  {:.0} µs of a core each: {:.0}/s of a core by itself", took * 1e6, 1.0 / took.max(1e-9));
        told("from made to acknowledged, of each record", &done.waits);
        Ok(per_second)
    }

    /// Alerts that are looked for, one after another, until the time is over.
    fn looks(&mut self, web: &str, looks: usize, until: Option<Instant>) -> Result<(Vec<Duration>, Vec<Duration>)> {
        let (mut acknowledged, mut visible) = (Vec::new(), Vec::new());
        for _ in 0..looks {
            let Some((indicator, name)) = self.looked_for.pop() else { break };
            let made = monotonic();
            acknowledged.push(self.runtime.block_on(self.probe.alert(indicator, 1))?);
            while !is_shown(web, &name)? {
                ensure!(made.elapsed() < LONGEST, "the API never showed {name}");
                std::thread::sleep(LOOK_AGAIN_AFTER);
            }
            visible.push(made.elapsed());
            if until.is_some_and(|until| monotonic() > until) {
                break;
            }
        }
        acknowledged.sort_unstable();
        visible.sort_unstable();
        Ok((acknowledged, visible))
    }

    /// The same while the swarm works.
    fn looks_at_work(&mut self, rate: u64, seconds: u64, looks: usize) -> Result<()> {
        let web = self.collector.addresses()?.web;
        let (calm, calm_visible) = self.looks(&web, looks, None)?;
        let talks = std::mem::take(&mut self.talks);
        let until = monotonic() + Duration::from_secs(seconds);
        let per_second = Some(rate as f64 / talks.len().max(1) as f64);
        let work = Work { per_second, indicators: self.indicators.clone(), until };
        let task = self.runtime.spawn(async move { work_all(talks, &work).await });
        let (busy, busy_visible) = self.looks(&web, looks, Some(until))?;
        let (talks, done) = self.runtime.block_on(task)??;
        self.talks = talks;
        println!("B12 from an alert made until it is seen, {rate} records a second beside it:");
        told("each record of the swarm until acknowledged", &done.waits);
        told("one by itself until acknowledged, nobody else at work", &calm);
        told("one by itself until acknowledged, the swarm at work", &busy);
        told("until /api/v1/alerts shows it, nobody else at work", &calm_visible);
        told("until /api/v1/alerts shows it, the swarm at work", &busy_visible);
        let p99 = at(&busy_visible, 99).max(at(&done.waits, 99));
        println!(
            "  p99 {p99:.0?} (bar 1 s: {}; {} could not be made)",
            verdict(p99 <= Duration::from_secs(1)),
            done.not_made
        );
        Ok(())
    }

    /// What the others wait without and with one that sends as fast as it is acknowledged.
    fn storm(&mut self, rate: u64, seconds: u64) -> Result<()> {
        let calm = self.work(rate as f64, seconds)?;
        let mut one = self.talks.pop().context("nobody to storm")?;
        let indicators = self.indicators.clone();
        let until = monotonic() + Duration::from_secs(seconds);
        let storm = self.runtime.spawn(async move {
            let done = one.work(&Work { per_second: None, indicators, until }).await;
            done.map(|done| (one, done))
        });
        let wild = self.work(rate as f64, seconds)?;
        let (one, stormed) = self.runtime.block_on(storm)??;
        self.talks.push(one);
        println!("D12 a storm at one sensor, {rate} records a second of all others:");
        told("the others without it", &calm.waits);
        told("the others within it", &wild.waits);
        let [p99, before] = [at(&wild.waits, 99), at(&calm.waits, 99)];
        let ratio = p99.as_secs_f64() / before.as_secs_f64().max(0.001);
        let bar = verdict(p99 <= Duration::from_secs(3));
        println!(
            "  the storm: {:.0} records/s; the others' p99 {ratio:.2} times that without (bar 3 s: {bar})",
            stormed.waits.len() as f64 / seconds as f64
        );
        Ok(())
    }

    /// The collector is stopped and started, and all come back.
    fn restart(&mut self) -> Result<()> {
        let talks = std::mem::take(&mut self.talks);
        let began = monotonic();
        // They notice by themselves, so they wait for it while it happens.
        let back = self.runtime.spawn(come_back(talks, began, LONGEST));
        self.collector.stop()?;
        self.collector.start()?;
        let up = began.elapsed();
        let (talks, times) = self.runtime.block_on(back)??;
        self.talks = talks;
        let [half, most, all] = [50, 99, 100].map(|hundredths| at(&times, hundredths));
        println!("restart: {} sensors; the collector was up again after {up:.1?}", times.len());
        println!(
            "  half were back after {half:.1?}, 99 in a hundred after {most:.1?}, all after {all:.1?}, since it was told to stop"
        );
        Ok(())
    }
}

fn scene(folder: &Path, arguments: &Arguments) -> Result<Scene> {
    let Arguments { sensors, members, indicators, looks, .. } = *arguments;
    let members: Vec<(String, String)> =
        (1..=members).map(|member| ((1_000 + member).to_string(), format!("Kommune {member}"))).collect();
    let mut fleet = Fleet::of_members(&folder.join("collector"), &members, usize::try_from(sensors)? + 1)?;
    let names: Vec<String> = (1..=indicators).map(|number| format!("vond{number}.example")).collect();
    let looked_for: Vec<String> = (1..=looks * 2).map(|number| format!("leita-{number}-etter.example")).collect();
    let list = [names.as_slice(), looked_for.as_slice()].concat().join("\n");
    let times = fleet.publish(&list, 1)?;
    let [p50, p99, all] = [50, 99, 100].map(|hundredths| at(&times, hundredths));
    println!(
        "B11 from the command on until in force at {} sensors (import, compile and signing included):",
        times.len()
    );
    println!(
        "  p50 {p50:.1?}, p99 {p99:.1?}, all {all:.1?} (bar, from publication, p99 1 s: {})",
        verdict(p99 <= Duration::from_secs(1))
    );
    let (mut collector, runtime, sensors) = fleet.into_parts();
    let process = collector.running()?.id();
    let mut talks = Vec::new();
    for ((sensor, session), seed) in sensors.into_iter().zip(1..) {
        talks.push(runtime.block_on(Talk::begin(Arc::new(sensor), session, seed))?);
    }
    let probe = talks.pop().context("no sensors")?;
    let rows: Vec<(i64, String)> = collector.query("SELECT id, pattern FROM indicator ORDER BY id")?;
    let (mut numbers, mut sought) = (Vec::new(), Vec::new());
    for (id, pattern) in rows {
        match pattern.starts_with("leita-") {
            true => sought.push((id.unsigned_abs(), pattern)),
            false => numbers.push(id.unsigned_abs()),
        }
    }
    Ok(Scene { collector, runtime, talks, probe, indicators: Arc::new(numbers), looked_for: sought, process })
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let Arguments { sensors, rate, most, seconds, looks, .. } = arguments;
    let folder = tempfile::tempdir()?;
    let mut scene = scene(folder.path(), &arguments)?;
    let resident = memory_kib(scene.process, "VmRSS")?;
    let mib = resident as f64 / 1_024.0;
    println!(
        "B13 {sensors} connected sensors, idle: {mib:.1} MiB resident (bar for 1,000: 128 MB: {})",
        verdict(resident * 1_024 <= 128_000_000)
    );
    let bare = bare_inserts(folder.path(), &scene.runtime)?;
    scene.looks_at_work(rate, seconds, usize::try_from(looks)?)?;
    let per_second = scene.most(most, seconds)?;
    println!("  bare inserts of such records in the same run: {bare:.0} rows/s, ratio {:.2}", per_second / bare);
    scene.storm(rate, seconds)?;
    scene.restart()?;
    let stored: Vec<(i64, i64)> = scene
        .collector
        .query("SELECT (SELECT COUNT(*) FROM record), (SELECT COALESCE(SUM(committed_seq), 0) FROM sensor)")?;
    let (rows, committed) = stored.first().copied().context("no count")?;
    ensure!(rows == committed, "{rows} records are stored and {committed} are committed");
    let peak = memory_kib(scene.collector.running()?.id(), "VmHWM")?;
    println!(
        "{rows} records stored, each once; the collector's peak since its restart {:.1} MiB",
        peak as f64 / 1_024.0
    );
    let Scene { mut collector, runtime, talks, probe, .. } = scene;
    drop((talks, probe));
    collector.stop()?;
    runtime.shutdown_timeout(Duration::from_secs(5));
    Ok(())
}
