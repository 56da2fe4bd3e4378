//! Promises P1, P2 and I7 against a real collector: sensors that are enrolled and mean harm, many at once and each in its own
//! way, take no more memory than is theirs, keep nobody from being heard, store nothing in another's name, and leave their
//! places behind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use varde_agent::io::clock;
use varde_collector::command::sensor::make_token;
use varde_collector::store::Store;
use varde_common::id::{Epoch, MemberNumber};
use varde_tests::badnet::Passed;
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::hits::{EVERY_HOST_TOLD, LISTED, burst, live};
use varde_tests::hostile_sensor::{Crowd, Kind};
use varde_tests::oracle;
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::sensor_double::SensorDouble;

const MEMBER: &str = "3407";
/// I7: what one session may take of the collector.
const SESSION_MAX_KIB: u64 = 384;
/// What may come on top of any kind's share: the database's page caches (2 MiB for each of five connections), what is decoded
/// at once (a budget of its own, `DECODES_AT_ONCE`), and pages that the allocator keeps for the next. On top of all together
/// nothing may come.
const SLACK_KIB: u64 = 16 * 1024;

/// What the second wave may add to the first's peak: what its sessions, and what is decoded meanwhile, need in other sizes and
/// places than the allocator has kept. A first wave whose memory were lost would add all of its own, some 47 MiB of two hundred.
const AGAIN_SLACK_KIB: u64 = 24 * 1024;
/// What must have come through of each that sends 125 KiB with holes, or nothing was shown.
const HOLED_MIN_OCTETS: u64 = 40 * 1024;

/// How many sessions at once; `VARDE_HOSTILE_SESSIONS=1000` for the long form.
fn sessions_wanted() -> usize {
    std::env::var("VARDE_HOSTILE_SESSIONS").ok().and_then(|sessions| sessions.parse().ok()).unwrap_or(200)
}

/// How long a crowd may take to do its worst: each needs a handshake and a place in the database, and those that were thrown out
/// contend with it for both.
fn patience(crowd: usize) -> Duration {
    PATIENCE + Duration::from_secs(4) * crowd as u32
}

/// What a process has in memory by a name of `/proc/PID/status`, KiB.
fn memory_kib(process: u32, name: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    Ok(line.trim_start_matches(':').trim().trim_end_matches(" kB").parse()?)
}

/// From now on the peak is counted anew.
fn forget_peak(process: u32) -> Result<()> {
    Ok(std::fs::write(format!("/proc/{process}/clear_refs"), "5")?)
}

/// So many enrolled sensors.
async fn enrolled(data: &Path, sensors: usize) -> Result<Vec<Arc<SensorDouble>>> {
    let store = Store::open(data).await?;
    let member: MemberNumber = MEMBER.parse()?;
    let mut all = Vec::new();
    for _ in 0..sensors {
        let (token, _) = make_token(&store, &member, clock::now()).await?;
        all.push(Arc::new(SensorDouble::enrol(&token.to_text()).await?));
    }
    store.close().await;
    Ok(all)
}

/// Who of them goes which way in this wave: another in each, or those that break the rules would wait for what they did in the one
/// before.
fn of_kind(sensors: &[Arc<SensorDouble>], kind: Kind, wave: usize) -> Vec<Arc<SensorDouble>> {
    let kinds = Kind::ALL.into_iter().cycle().skip(wave);
    sensors.iter().zip(kinds).filter(|(_, theirs)| *theirs == kind).map(|(sensor, _)| sensor.clone()).collect()
}

/// A collector, and an honest sensor with traffic.
struct Scene {
    runtime: tokio::runtime::Runtime,
    collector: Collector,
    agent: Agent,
    feed: Feed,
    hosts: u64,
    process: u32,
}

impl Scene {
    /// The honest sensor sees ten matches and has them acknowledged.
    fn honest_is_heard(&mut self) -> Result<()> {
        let taken = self.agent.taken()?.len();
        self.feed.send(&burst(&mut self.hosts, 10).packets)?;
        let heard = eventually("an honest sensor's records are acknowledged", PATIENCE, || {
            let books = oracle::close(&self.collector, &[&self.agent])?;
            Ok((books.taken as usize >= taken + 10 && books.stored == books.taken).then_some(()))
        });
        self.collector.running()?.still_runs()?;
        heard
    }

    /// How long it takes from one packet on until what it tells of is committed, which is what is acknowledged; so many times.
    fn honest_waits(&mut self, among: &str, times: usize) -> Result<()> {
        let mut waits = Vec::new();
        for _ in 0..times {
            let before = self.honest_alerts()?;
            let began = clock::monotonic();
            self.feed.send(&burst(&mut self.hosts, 1).packets)?;
            eventually("an alert is committed", PATIENCE, || Ok((self.honest_alerts()? > before).then_some(())))?;
            waits.push(began.elapsed());
        }
        waits.sort_unstable();
        let at = |hundredths: usize| waits.get((times - 1) * hundredths / 100).copied().unwrap_or_default();
        let (half, most, longest) = (at(50), at(99), at(100));
        println!(
            "T5: an honest sensor's alert among {among}: p50 {half:.0?}, p99 {most:.0?}, longest {longest:.0?} of {times}"
        );
        Ok(())
    }

    /// Only the honest sensor has any: it is the first.
    fn honest_alerts(&self) -> Result<i64> {
        let rows: Vec<(i64,)> = self.collector.query("SELECT COUNT(*) FROM alert WHERE sensor_id = 1")?;
        Ok(rows.first().map_or(0, |(alerts,)| *alerts))
    }

    /// How many hostile sessions the collector says there are.
    fn hostile_connected(&self) -> Result<usize> {
        Ok(self.collector.sensors()?.iter().filter(|sensor| sensor.connected && sensor.id != 1).count())
    }

    fn resident_kib(&self) -> Result<u64> {
        memory_kib(self.process, "VmRSS")
    }

    fn peak_kib(&self) -> Result<u64> {
        memory_kib(self.process, "VmHWM")
    }

    /// All of them come, one kind after another, and do their worst. Gives the peak so far, in KiB, and the crowd, which
    /// goes on.
    fn wave(&mut self, sensors: &[Arc<SensorDouble>], wave: usize) -> Result<(u64, Crowd)> {
        let collector = sensors.first().context("no sensors")?.collector();
        let mut crowd = self.runtime.block_on(async { Crowd::new(collector, wave as u64) })?;
        let handle = self.runtime.handle().clone();
        let _within = handle.enter();
        let (mut peak, mut come, mut clear) = (0, 0, Passed::default());
        for kind in Kind::ALL {
            let of_kind = of_kind(sensors, kind, wave);
            let before = self.resident_kib()?;
            forget_peak(self.process)?;
            come += of_kind.len();
            let count = of_kind.len();
            of_kind.into_iter().for_each(|sensor| crowd.join(kind, sensor));
            if kind == Kind::Holes {
                eventually("those with holes stand", patience(count), || {
                    crowd.as_expected()?;
                    Ok((crowd.waiting() >= count).then_some(()))
                })
                .with_context(|| format!("thwarted: {:?}", crowd.thwarted()))?;
                clear = crowd.network().passed();
                crowd.tear();
            }
            eventually(&format!("{count} of {kind:?} do their worst"), patience(count), || {
                crowd.as_expected()?;
                Ok((crowd.at_worst() >= come).then_some(()))
            })
            .with_context(|| format!("{} have; thwarted: {:?}", crowd.at_worst(), crowd.thwarted()))?;
            if kind == Kind::Holes {
                crowd.cut();
                let (passed, each) = (crowd.network().passed(), HOLED_MIN_OCTETS * count as u64);
                let (arrived, datagrams) = (passed.up.1 - clear.up.1, passed.up.0 - clear.up.0);
                let lost = passed.lost - clear.lost;
                println!("with holes: {arrived} octets in {datagrams} datagrams arrived, {lost} datagrams lost");
                ensure!(arrived >= each && lost > 0, "too little of {count} with holes arrived: {arrived} octets");
            }
            self.honest_is_heard()?;
            let now = self.peak_kib()?;
            println!(
                "{count} of {kind:?}: {before} KiB, at most {now} KiB, {} each",
                now.saturating_sub(before) / count as u64
            );
            let bound = before + count as u64 * SESSION_MAX_KIB + SLACK_KIB;
            ensure!(now <= bound, "I7: {count} of {kind:?} took {before} KiB to {now} KiB, more than {bound} KiB");
            peak = peak.max(now);
        }
        let (thwarted, last) = crowd.thwarted();
        println!(
            "{come} did their worst; {} are connected; {thwarted} times one came again that was ended before it had: {last}",
            self.hostile_connected()?
        );
        ensure!(crowd.beyond() == 0, "{} streams beyond those allowed, or octets beyond their window", crowd.beyond());
        Ok((peak, crowd))
    }

    /// They have left; what is stored is the honest sensor's, and what the deaf said in their own name.
    fn is_left(&mut self, crowd: Crowd, deaf: &BTreeMap<i64, Epoch>) -> Result<()> {
        crowd.as_expected()?;
        let (batches, heartbeats) = (crowd.said(Kind::Deaf), crowd.said(Kind::Heartbeats));
        println!("{batches} batches and {heartbeats} heartbeats were taken");
        self.runtime.block_on(crowd.disperse());
        let mut connected = Vec::new();
        eventually("their places are free", patience(deaf.len()), || {
            let sensors = self.collector.sensors()?;
            connected = sensors.iter().filter(|sensor| sensor.connected).map(|sensor| sensor.id).collect();
            Ok((connected == [1]).then_some(()))
        })
        .with_context(|| format!("connected are, by the collector's word: {connected:?}"))?;
        // The others have said no whole record, and must have none.
        let own: BTreeSet<Epoch> = self.agent.taken()?.into_iter().map(|(epoch, _)| epoch).collect();
        for record in self.collector.records()? {
            let in_own_name = match deaf.get(&record.sensor) {
                Some(epoch) => *epoch == record.epoch,
                None => own.contains(&record.epoch),
            };
            ensure!(in_own_name, "{} of {} is stored for sensor {}", record.seq, record.epoch, record.sensor);
        }
        Ok(())
    }
}

#[test]
fn p1_p2_i7_hostile_sensors_take_no_more_than_is_theirs_and_leave_it_behind() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member(MEMBER, "Gjøvik")?;
    collector.publish(&format!("{LISTED}\n"))?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token(MEMBER)?)?;
    std::fs::write(agent.data().join("agent.toml"), EVERY_HOST_TOLD)?;
    let feed = live(&mut agent, folder.path(), 0)?;
    collector.await_in_force(1, 1)?;
    let count = sessions_wanted();
    let began = clock::monotonic();
    let sensors = runtime.block_on(enrolled(collector.data(), count))?;
    println!("{count} enrolled in {:?}", began.elapsed());
    let process = collector.running()?.id();
    let mut deaf = BTreeMap::new();
    for wave in 1..=3 {
        for sensor in of_kind(&sensors, Kind::Deaf, wave) {
            deaf.insert(i64::try_from(sensor.sensor.0)?, sensor.epoch);
        }
    }
    let mut scene = Scene { runtime, collector, agent, feed, hosts: 0, process };

    // Caches are warm once each way was gone once.
    scene.honest_is_heard()?;
    let (_, crowd) = scene.wave(sensors.get(..Kind::ALL.len()).context("too few sessions")?, 1)?;
    scene.is_left(crowd, &deaf)?;

    let alerts = (count / 10).max(20);
    scene.honest_waits("none", alerts)?;
    let before = scene.resident_kib()?;
    let (first, crowd) = scene.wave(&sensors, 2)?;
    scene.honest_waits(&format!("{count} hostile ones"), alerts)?;
    let half_frames = of_kind(&sensors, Kind::HalfFrames, 2).len();
    eventually("half a frame is not waited for any longer", patience(half_frames), || {
        crowd.as_expected()?;
        Ok((crowd.ended(Kind::HalfFrames) == half_frames).then_some(()))
    })?;
    ensure!(crowd.ended(Kind::TooLong) > 0, "too long a frame ends its session");
    scene.honest_is_heard()?;
    let first = first.max(scene.peak_kib()?);
    scene.is_left(crowd, &deaf)?;
    let between = scene.resident_kib()?;

    let (second, crowd) = scene.wave(&sensors, 3)?;
    scene.is_left(crowd, &deaf)?;
    let second = second.max(scene.peak_kib()?);
    println!(
        "{count} sessions: {before} KiB before, at most {first}; {between} when they had left; again at most {second}"
    );
    let bound = before + count as u64 * SESSION_MAX_KIB;
    assert!(first <= bound, "I7: {before} KiB became {first} KiB with {count} sessions, more than {bound} KiB");
    assert!(second <= first + AGAIN_SLACK_KIB, "what the first left is not used again: {first} KiB, then {second} KiB");
    scene.honest_is_heard()?;
    scene.agent.kill()?;
    scene.collector.stop()
}
