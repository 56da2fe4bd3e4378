//! Promises T5, N1 and D5 at the collector's doors, by the real programs: nobody outside takes the places of those who belong
//! in, and no sensor, misled, busy or stolen, holds up itself, the others or the disk.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use varde_agent::io::clock;
use varde_collector::command::sensor::make_token;
use varde_collector::store::{DATABASE_FILE, Store};
use varde_common::id::{MemberNumber, Revision, Seq};
use varde_common::limits::BATCH_MAX_RECORDS;
use varde_common::message::{Batch, Stream, ToAgent, ToCollector};
use varde_common::record::{LossReason, Record, RecordBody};
use varde_tests::community::{Addresses, Agent, Collector};
use varde_tests::hits::{LISTED, burst, live};
use varde_tests::hostile_collector::read_frame;
use varde_tests::programs::{PATIENCE, eventually, said};
use varde_tests::random::Random;
use varde_tests::sensor_double::{Greeted, SensorDouble, endpoint, say, usual_transport};
use varde_tests::strangers::{Strangers, connections};

const MEMBER: &str = "3407";
/// Where strangers come from: not the neighbourhood of the sensors, which come from 127.0.0.1.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 66, 0, 1);
/// N1's bound: what a flood may add to the collector's memory.
const MEMORY_MORE_MAX_KIB: u64 = 64 * 1024;
/// As in the design: a sensor gives an attempt up after this.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A number from the environment, for a long form.
fn wanted(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

/// A collector with one member and a list.
fn collector(folder: &Path) -> Result<(Collector, Addresses)> {
    let mut collector = Collector::init(&folder.join("collector"))?;
    let addresses = collector.start()?;
    collector.add_member(MEMBER, "Gjøvik")?;
    collector.publish(&format!("{LISTED}\n"))?;
    Ok((collector, addresses))
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// A sensor that has the list in force, and does not run.
fn agent(folder: &Path, collector: &Collector, settings: &str) -> Result<Agent> {
    let mut agent = Agent::new(&folder.join("agent"), None)?;
    agent.enroll(&collector.token(MEMBER)?)?;
    std::fs::write(agent.data().join("agent.toml"), settings)?;
    let feed = live(&mut agent, folder, 0)?;
    collector.await_in_force(1, 1)?;
    agent.kill()?;
    drop(feed);
    Ok(agent)
}

/// A life of a sensor in which it has ten hits, all of them delivered.
fn delivers(agent: &mut Agent, folder: &Path, life: u64, hosts: &mut u64, collector: &Collector) -> Result<()> {
    let before = agent.taken()?.len();
    let mut feed = live(agent, folder, life)?;
    feed.send(&burst(hosts, 10).packets)?;
    eventually("everything taken is stored", PATIENCE, || {
        agent.running()?.still_runs()?;
        let taken = agent.taken()?;
        let stored = collector.records()?.into_iter().map(|row| (row.epoch, row.seq)).collect();
        Ok((taken.len() >= before + 10 && taken.is_subset(&stored)).then_some(()))
    })?;
    agent.kill()
}

/// What a process has in memory, KiB.
fn memory_kib(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// So many sensors, enrolled and not connected.
fn enrolled(runtime: &Runtime, data: &Path, sensors: usize) -> Result<Vec<SensorDouble>> {
    runtime.block_on(async {
        let store = Store::open(data).await?;
        let member: MemberNumber = MEMBER.parse()?;
        let mut all = Vec::new();
        for _ in 0..sensors {
            let (token, _) = make_token(&store, &member, clock::now()).await?;
            all.push(SensorDouble::enrol(&token.to_text()).await?);
        }
        store.close().await;
        Ok(all)
    })
}

#[test]
fn t5_records_of_a_site_that_was_set_by_mistake_hold_nothing_up_once_the_setting_is_removed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (collector, _) = collector(folder.path())?;
    let mut agent = agent(folder.path(), &collector, "")?;
    // Every host that is hit lies there.
    let settings = agent.data().join("agent.toml");
    std::fs::write(&settings, "[[site]]\nid = 9\nnetworks = [\"10.9.1.0/24\"]\n")?;
    let mut hosts = 0;
    let before = agent.taken()?.len();
    let mut feed = live(&mut agent, folder.path(), 1)?;
    feed.send(&burst(&mut hosts, 10).packets)?;
    eventually("hits are taken, and Hello is refused with what to do", PATIENCE, || {
        let refused = agent.log().contains("agent.toml names a site that the collector has not given this sensor");
        Ok((refused && agent.taken()?.len() >= before + 10).then_some(()))
    })?;
    agent.kill()?;
    drop(feed);

    std::fs::remove_file(&settings)?;
    delivers(&mut agent, folder.path(), 2, &mut hosts, &collector)?;
    let alerts = collector.alerts()?;
    ensure!(alerts.len() == 10, "only hits at the sensor's own site are alerts: {alerts:?}");
    let told: Vec<(i64,)> =
        collector.query(r#"SELECT COUNT(*) FROM sensor_event WHERE body LIKE '%"unknown_site","site":9%'"#)?;
    ensure!(told == [(10,)], "each of the others is told: {told:?}");
    Ok(())
}

#[test]
fn n1_one_stranger_with_a_thousand_silent_connections_keeps_no_sensor_from_tcp() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut collector, addresses) = collector(folder.path())?;
    let tcp: SocketAddr = addresses.tcp.parse()?;
    // An address to which nothing can be sent: each life finds that out at once.
    let settings = format!("collector = \"0.0.0.0:7843\"\nfallback = \"{tcp}\"\n");
    let mut agent = agent(folder.path(), &collector, &settings)?;
    let count = connections(wanted("VARDE_STRANGERS", 1_100));
    let runtime = runtime()?;
    let strangers = runtime.block_on(async { Strangers::over_tcp(ELSEWHERE, tcp, count) });
    let mut hosts = 0;
    for life in 1..=3 {
        let met = strangers.met();
        eventually(
            "the strangers hold what they get",
            PATIENCE,
            || Ok((strangers.met() >= met + count).then_some(())),
        )?;
        delivers(&mut agent, folder.path(), life, &mut hosts, &collector)?;
    }
    println!("{count} strangers made {} connections", strangers.met());
    collector.running()?.still_runs()?;
    collector.stop()
}

#[test]
fn n1_one_stranger_with_a_thousand_handshakes_keeps_no_sensor_from_quic_and_fills_no_memory() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut collector, addresses) = collector(folder.path())?;
    let mut agent = agent(folder.path(), &collector, "")?;
    let (count, process) = (wanted("VARDE_STRANGERS", 1_500), collector.running()?.id());
    let before = memory_kib(process)?;
    let runtime = runtime()?;
    let quic = addresses.quic.parse()?;
    let strangers = runtime.block_on(Strangers::over_quic(ELSEWHERE, quic, count))?;
    let (mut hosts, mut most) = (0, before);
    for life in 1..=3 {
        let met = strangers.met();
        eventually("the strangers hold what they get", PATIENCE, || {
            most = most.max(memory_kib(process)?);
            Ok((strangers.met() >= met + count).then_some(()))
        })?;
        delivers(&mut agent, folder.path(), life, &mut hosts, &collector)?;
        most = most.max(memory_kib(process)?);
    }
    println!("{count} strangers met with {} datagrams; memory {before} KiB, at most {most} KiB", strangers.met());
    ensure!(!agent.log().contains("over TCP"), "a sensor had to go round by TCP");
    ensure!(most <= before + MEMORY_MORE_MAX_KIB, "N1: {before} KiB grew to {most} KiB");
    collector.stop()
}

#[test]
fn n1_sensors_behind_one_address_all_come_back_at_once_after_a_restart() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut collector, _) = collector(folder.path())?;
    let (count, runtime) = (wanted("VARDE_NEIGHBOURS", 200), runtime()?);
    let sensors = enrolled(&runtime, collector.data(), count)?;
    collector.kill()?;
    collector.start()?;
    let began = clock::monotonic();
    let (greeted, attempts) = runtime.block_on(async {
        let mut coming = JoinSet::new();
        for (sensor, seed) in sensors.into_iter().zip(0_u64..) {
            coming.spawn(come_back(sensor, seed, began + PATIENCE));
        }
        let (mut greeted, mut attempts) = (Vec::new(), 0);
        while let Some(came) = coming.join_next().await {
            let (one, tries) = came??;
            greeted.push(one);
            attempts += tries;
        }
        anyhow::Ok((greeted, attempts))
    })?;
    println!("{count} sensors of one address are back after {:?}, in {attempts} attempts", began.elapsed());
    let connected = collector.sensors()?.iter().filter(|sensor| sensor.connected).count();
    ensure!(connected == count && greeted.len() == count, "{connected} of {count} are connected");
    runtime.block_on(async { drop(greeted) });
    collector.stop()
}

/// Connects as a sensor does, again and again until then; gives its session, and how many attempts it took.
async fn come_back(sensor: SensorDouble, seed: u64, until: std::time::Instant) -> Result<(Greeted, u64)> {
    let mut random = Random::seeded(seed);
    let endpoint = endpoint()?;
    for attempt in 1.. {
        let greeted = sensor.introduce(&endpoint, sensor.collector(), usual_transport(), Revision(0));
        match tokio::time::timeout(ANSWER_WITHIN, greeted).await {
            Ok(Ok(greeted)) => return Ok((greeted, attempt)),
            Ok(Err(error)) if clock::monotonic() > until => return Err(error),
            Err(_) if clock::monotonic() > until => break,
            Ok(Err(_)) | Err(_) => {
                tokio::time::sleep(Duration::from_millis(random.below(1_000 << attempt.min(5)))).await
            }
        }
    }
    bail!("sensor {} does not get in", sensor.sensor.0)
}

#[test]
fn d5_a_stolen_key_fills_no_disk_and_holds_up_nobody_else() -> Result<()> {
    // Of a collector's limits, as SECURITY.md tells them; its own constants would follow a mistake.
    const AT_ONCE_OCTETS: u64 = 256 * 1024 * 1024;
    const PER_MINUTE_OCTETS: u64 = 4 * 1024 * 1024;
    const RECORD_OCTETS: u64 = 512;
    let folder = tempfile::tempdir()?;
    let (mut collector, _) = collector(folder.path())?;
    let mut agent = agent(folder.path(), &collector, "")?;
    let runtime = runtime()?;
    let thief = enrolled(&runtime, collector.data(), 1)?.pop().context("no sensor")?;
    let (number, began, stored) = (thief.sensor.0, clock::monotonic(), Arc::new(AtomicU64::new(0)));
    let filling = runtime.spawn(fill(thief, stored.clone()));
    let bound = |elapsed: Duration| {
        let octets = AT_ONCE_OCTETS + PER_MINUTE_OCTETS * elapsed.as_secs().div_ceil(60);
        octets / RECORD_OCTETS + 2 * BATCH_MAX_RECORDS as u64
    };
    eventually("the thief is held back, and people are told", PATIENCE * 3, || {
        ensure!(!filling.is_finished(), "the thief was thrown out: nothing was shown");
        let records = stored.load(Ordering::Relaxed);
        ensure!(records <= bound(began.elapsed()), "{records} records are taken in of one sensor");
        let told = collector.ask(["sensor", "events", &number.to_string(), "--limit", "20"])?.out;
        Ok(told.contains("taken in slowly").then_some(()))
    })?;
    let records = stored.load(Ordering::Relaxed);
    println!("held back after {records} records in {:?}", began.elapsed());
    ensure!(records > 140_000, "less than an honest week is held back");
    delivers(&mut agent, folder.path(), 1, &mut 0, &collector)?;
    eventually("it is held back, not shut out", PATIENCE, || {
        Ok((stored.load(Ordering::Relaxed) > records).then_some(()))
    })?;
    ensure!(stored.load(Ordering::Relaxed) <= bound(began.elapsed()), "more is taken in than one sensor's due");
    filling.abort();
    collector.stop()
}

/// Sends full batches as fast as they are acknowledged, four ahead; counts what is.
async fn fill(thief: SensorDouble, stored: Arc<AtomicU64>) -> Result<()> {
    let endpoint = endpoint()?;
    let greeted = thief.introduce(&endpoint, thief.collector(), usual_transport(), Revision(0)).await?;
    let (mut alerts, mut answers) = greeted.connection.open_bi().await?;
    say(&mut alerts, &ToCollector::Open(Stream::Alerts)).await?;
    let (records, mut first) = (BATCH_MAX_RECORDS as u64, 1);
    loop {
        while first <= stored.load(Ordering::Relaxed) + 3 * records + 1 {
            let octets = |seq| {
                let body = RecordBody::Loss { from: Seq(seq), to: Seq(seq), reason: LossReason::SpoolFull };
                Record { time: clock::now(), body }.to_octets()
            };
            let records = (first..first + records).map(octets).collect::<Result<_, _>>()?;
            let batch = ToCollector::Batch(Batch { epoch: thief.epoch, first_seq: Seq(first), records });
            say(&mut alerts, &batch).await?;
            first += BATCH_MAX_RECORDS as u64;
        }
        let (kind, body) = read_frame(&mut answers).await?.context("no more answers")?;
        match ToAgent::from_body(kind, &body)? {
            ToAgent::Ack { seq, .. } => stored.store(seq.0, Ordering::Relaxed),
            other => bail!("no acknowledgement: {other:?}"),
        }
    }
}

#[test]
fn d5_a_database_that_is_busy_is_told_as_such_and_sends_no_sensor_to_tcp() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut collector, _) = collector(folder.path())?;
    let mut agent = agent(folder.path(), &collector, "")?;
    let before = agent.log().len();
    let runtime = runtime()?;
    let busy = runtime.block_on(busy(&collector.data().join(DATABASE_FILE)))?;
    let feed = live(&mut agent, folder.path(), 1)?;
    let said = |agent: &Agent| agent.log().get(before..).unwrap_or_default().to_owned();
    eventually("Hello is not answered, and the sensor hears why", PATIENCE, || {
        Ok(said(&agent).contains("not connected: the collector cannot store at the moment").then_some(()))
    })?;
    runtime.block_on(async { busy.close().await })?;
    eventually("it is connected as soon as there is room", PATIENCE, || {
        Ok(said(&agent).contains("connected to the collector").then_some(()))
    })?;
    for wrong in ["firewall", "over TCP", "same version"] {
        ensure!(!said(&agent).contains(wrong), "a busy database is told as {wrong:?}:\n{}", said(&agent));
    }
    agent.kill()?;
    drop(feed);
    collector.stop()
}

/// Holds the database's write lock.
async fn busy(database: &Path) -> Result<SqliteConnection> {
    let mut conn = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(database)).await?;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await?;
    Ok(conn)
}

#[test]
fn d1_another_program_that_looks_into_the_database_takes_no_log_from_under_the_collector() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    // From its first look on: whatever the collector opens and closes beside the database must not let go of its locks.
    let mut look = Command::new("sqlite3");
    let counted = said(look.arg(collector.data().join("varde.sqlite")).arg("SELECT COUNT(*) FROM member"))?.ok()?;
    assert_eq!(counted.out.trim(), "1");
    let open = std::fs::read_dir(format!("/proc/{}/fd", collector.running()?.id()))?;
    let open =
        open.filter_map(|entry| Some(std::fs::read_link(entry.ok()?.path()).ok()?.to_string_lossy().into_owned()));
    let open: Vec<String> = open.filter(|path| path.contains("varde.sqlite")).collect();
    ensure!(!open.is_empty() && open.iter().all(|path| !path.ends_with("(deleted)")), "it writes into: {open:?}");
    collector.add_member("3403", "Hamar")?;
    collector.stop()
}
