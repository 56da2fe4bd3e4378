//! Promises D2, D10 and N3 over a bad network, by the built programs through a relay that loses, doubles, shuffles and forgets
//! (`varde_tests::badnet`): nothing is lost, nothing counts twice, an alert arrives, a session survives or comes back; and N3:
//! what is said again changes nothing.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use varde_tests::badnet::{Badnet, Weather};
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::hits::{LISTED, burst, live};
use varde_tests::oracle::{self, Books};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::random::Random;

/// Handshakes and retransmissions through the worst of it take their time.
const LONG_PATIENCE: Duration = Duration::from_secs(200);

/// A collector and one sensor that knows it only through the relay.
struct Place {
    collector: Collector,
    net: Badnet,
    quic: SocketAddr,
    agent: Agent,
    feed: Option<Feed>,
    life: u64,
    hosts: u64,
    folder: tempfile::TempDir,
}

impl Place {
    fn new(weather: Weather, seed: u64) -> Result<Place> {
        println!("seed {seed}, {weather:?}");
        let folder = tempfile::tempdir()?;
        let mut collector = Collector::init(&folder.path().join("collector"))?;
        let quic: SocketAddr = collector.start()?.quic.parse()?;
        let net = Badnet::start(quic, Weather::lan(), seed)?;
        collector.ask(["init", "--address", &net.address().to_string()])?;
        collector.add_member("3407", "Gjøvik")?;
        collector.publish(&format!("{LISTED}\n"))?;
        let mut agent = Agent::new(&folder.path().join("agent"), None)?;
        agent.enroll(&collector.token("3407")?)?;
        let feed = Some(live(&mut agent, folder.path(), 0)?);
        collector.await_in_force(1, 1)?;
        net.set(weather);
        Ok(Place { collector, net, quic, agent, feed, life: 0, hosts: 0, folder })
    }

    fn feed(&mut self) -> Result<&mut Feed> {
        self.feed.as_mut().context("no traffic")
    }

    /// So many hits, and they are taken.
    fn hits(&mut self, count: u64) -> Result<()> {
        let (before, packets) = (self.agent.taken()?.len() as u64, burst(&mut self.hosts, count).packets);
        self.feed()?.send(&packets)?;
        eventually("hits are taken", PATIENCE, || {
            self.agent.running()?.still_runs()?;
            Ok((self.agent.taken()?.len() as u64 >= before + count).then_some(()))
        })
    }

    /// The sensor is killed and starts again.
    fn kill_agent(&mut self) -> Result<()> {
        self.agent.kill()?;
        self.life += 1;
        self.feed = None;
        self.feed = Some(live(&mut self.agent, Path::new(self.folder.path()), self.life)?);
        Ok(())
    }

    /// Everything has arrived, and the books are right.
    fn arrives(&mut self) -> Result<Books> {
        let books = eventually("everything has arrived", LONG_PATIENCE, || {
            self.agent.running()?.still_runs()?;
            let books = oracle::close(&self.collector, &[&self.agent])?;
            Ok((books.stored == books.taken).then_some(books))
        })?;
        println!("{books:?}, {:?}", self.net.passed());
        assert!(books.told_lost == 0 && books.sightings <= self.hosts, "{books:?} of {} lookups", self.hosts);
        Ok(books)
    }
}

/// D2's weather: 20 % lost, 10 % doubled, 25 % overtaken.
fn rough() -> Weather {
    Weather { loss: 200, delay: Duration::from_millis(10), ..Weather::shuffled() }
}

#[test]
fn d2_nothing_counts_twice_where_datagrams_are_lost_doubled_and_shuffled_and_programs_killed() -> Result<()> {
    let seed = varde_agent::io::clock::now().as_micros() as u64;
    let mut random = Random::seeded(seed);
    let mut place = Place::new(rough(), seed)?;
    for round in 0..6 {
        place.hits(random.within(5, 60))?;
        match round % 3 {
            0 => place.kill_agent()?,
            1 => {
                place.collector.kill()?;
                place.hits(random.within(1, 20))?;
                place.collector.start()?;
            }
            _ => {}
        }
    }
    place.hits(10)?;
    let books = place.arrives()?;
    let passed = place.net.passed();
    ensure!(books.taken > 30 && passed.lost > 0 && passed.doubled > 0, "nothing was shown: {books:?}, {passed:?}");
    place.agent.kill()?;
    place.collector.stop()
}

#[test]
fn d10_an_alert_arrives_where_a_twentieth_is_lost_and_the_way_is_long() -> Result<()> {
    let mut place = Place::new(Weather::far(), 10)?;
    place.hits(3)?;
    place.arrives()?;
    place.agent.kill()?;
    place.collector.stop()
}

#[test]
fn d10_an_alert_arrives_where_only_packets_of_1280_octets_pass() -> Result<()> {
    let mut place = Place::new(Weather::narrow(), 11)?;
    place.hits(200)?;
    place.arrives()?;
    // A new handshake too, certificates and all.
    place.kill_agent()?;
    place.hits(20)?;
    place.arrives()?;
    place.agent.kill()?;
    place.collector.stop()
}

#[test]
fn d1_a_port_that_changes_in_a_session_and_a_network_that_goes_silent_lose_nothing() -> Result<()> {
    let mut place = Place::new(Weather::lan(), 12)?;
    for _ in 0..3 {
        place.net.rebind();
        place.hits(10)?;
        place.arrives()?;
    }
    // What the sensor says arrives, and it hears nothing; then nothing arrives at all.
    for silence in [Weather::one_way(), Weather::black_hole()] {
        place.net.set(silence);
        place.hits(10)?;
        let lost = place.net.passed().lost;
        eventually("something is lost", PATIENCE, || Ok((place.net.passed().lost > lost).then_some(())))?;
        place.net.set(Weather::lan());
        place.arrives()?;
    }
    ensure!(place.net.passed().rebound == 3, "{:?}", place.net.passed());
    place.agent.kill()?;
    place.collector.stop()
}

/// Where each sensor is, and how many records, alerts and events there are.
type State = (Vec<(String, i64)>, Vec<(i64, i64, i64)>);

/// What the collector's database says, apart from signs of life.
fn state(collector: &Collector) -> Result<State> {
    let sensors = collector.query("SELECT epoch, committed_seq FROM sensor ORDER BY id")?;
    let sums =
        "SELECT (SELECT COUNT(*) FROM record), (SELECT COUNT(*) FROM alert), (SELECT COUNT(*) FROM sensor_event)";
    Ok((sensors, collector.query(sums)?))
}

#[test]
fn n3_datagrams_that_are_said_again_change_nothing() -> Result<()> {
    let mut place = Place::new(Weather::lan(), 13)?;
    // A handshake and everything after it is kept.
    place.net.keep(2_000);
    place.kill_agent()?;
    place.hits(30)?;
    place.arrives()?;
    let before = state(&place.collector)?;
    let kept = place.net.kept();
    ensure!(kept.len() > 10, "{} datagrams", kept.len());

    // From where they came, in the session that they were said in.
    let up = place.net.passed().up.0;
    place.net.replay();
    eventually("they were said again", PATIENCE, || {
        Ok((place.net.passed().up.0 >= up + kept.len() as u64).then_some(()))
    })?;
    // From elsewhere, to the same collector and to one that has forgotten all sessions.
    let elsewhere = std::net::UdpSocket::bind("127.0.0.1:0")?;
    let say_again = || kept.iter().try_for_each(|datagram| elsewhere.send_to(datagram, place.quic).map(drop));
    say_again()?;
    assert_eq!(state(&place.collector)?, before);
    place.agent.kill()?;
    place.collector.kill()?;
    place.collector.start()?;
    say_again()?;
    assert_eq!(state(&place.collector)?, before);

    // What comes after it in the same socket is heard, so all of that was.
    place.life += 1;
    place.feed = Some(live(&mut place.agent, place.folder.path(), place.life)?);
    place.hits(5)?;
    let books = place.arrives()?;
    let (_, sums) = state(&place.collector)?;
    assert_eq!(sums.first().map(|sums| sums.0), Some(books.rows as i64));
    place.agent.kill()?;
    place.collector.stop()
}
