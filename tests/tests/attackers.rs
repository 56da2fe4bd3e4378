//! Promises N1, N2 and N4 at a collector's doors: nobody is answered with more than three times what he said, every caller must
//! prove his address, no malformed first packet ends an endpoint, and slow or greedy callers of enrolment and of the page keep nobody
//! out and are not kept. (Floods from addresses that are nobody's: `network.rs`; of sessions and over TCP: `doors.rs`.)

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::runtime::Runtime;
use varde_agent::io::clock::monotonic;
use varde_common::message::{ALPN_ENROLL, ALPN_SESSION};
use varde_tests::community::{Addresses, Agent, Collector, fetch};
use varde_tests::initials::{Proof, broken, initials};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::random::Random;
use varde_tests::strangers::Strangers;

const MEMBER: &str = "3407";
/// As in RFC 9000, section 8.1.
const AMPLIFICATION_MAX: usize = 3;
/// N1's bound: what a flood may add to the collector's memory.
const MEMORY_MORE_MAX_KIB: u64 = 64 * 1024;
/// One that says nothing any more for so long has said all.
const QUIET: Duration = Duration::from_secs(3);

fn collector(folder: &std::path::Path) -> Result<(Collector, Addresses)> {
    let mut collector = Collector::init(&folder.join("collector"))?;
    let addresses = collector.start()?;
    collector.add_member(MEMBER, "Gjøvik")?;
    Ok((collector, addresses))
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// A caller of a neighbourhood of its own.
fn caller(neighbourhood: usize) -> Result<UdpSocket> {
    let [_, _, second, third] = (neighbourhood as u32).to_be_bytes();
    let socket = UdpSocket::bind((Ipv4Addr::new(127, 70 + second, third, 1), 0))?;
    socket.set_read_timeout(Some(QUIET))?;
    Ok(socket)
}

/// What a process has in memory, KiB.
fn memory_kib(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// The next datagram; none once nothing came for a while.
fn heard(socket: &UdpSocket) -> Result<Option<Vec<u8>>> {
    let mut buffer = vec![0; 65_535];
    match socket.recv(&mut buffer) {
        Ok(length) => {
            buffer.truncate(length);
            Ok(Some(buffer))
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A long header of some version with random octets behind it.
fn long_header(random: &mut Random, version: u32, octets: usize) -> Vec<u8> {
    let mut datagram = vec![0xc3];
    datagram.extend_from_slice(&version.to_be_bytes());
    datagram.push(8);
    datagram.resize_with(octets, || random.below(256) as u8);
    datagram
}

#[test]
fn n2_nobody_whose_address_is_not_proved_is_answered_with_more_than_three_times_what_he_said() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut collector, addresses) = collector(folder.path())?;
    let (mut random, mut neighbourhood) = (Random::seeded(2), 0);
    let mut callers = Vec::new();
    for (door, alpn) in [(&addresses.quic, ALPN_SESSION), (&addresses.enroll, ALPN_ENROLL)] {
        let door: SocketAddr = door.parse()?;
        let sound = runtime()?.block_on(initials(12, alpn))?;
        let first = sound.first().context("no datagram")?;
        let mut said: Vec<Vec<u8>> = sound.clone();
        // Short ones, other versions, resets, and one that was said before.
        said.push(first.get(..1_199).context("short")?.to_vec());
        said.push(first.clone());
        for octets in [1, 21, 60, 1_200] {
            said.push(long_header(&mut random, 0x1a2a_3a4a, octets));
            said.push(long_header(&mut random, 1, octets));
            let mut short = long_header(&mut random, 1, octets);
            short[0] = 0x43;
            said.push(short);
        }
        for datagram in said {
            let socket = caller(neighbourhood)?;
            neighbourhood += 1;
            socket.send_to(&datagram, door)?;
            callers.push((socket, datagram));
        }
    }
    let mut octets = vec![0; callers.len()];
    let mut last = monotonic();
    while last.elapsed() < QUIET {
        for ((socket, said), octets) in callers.iter().zip(&mut octets) {
            socket.set_read_timeout(Some(Duration::from_millis(5)))?;
            while let Some(datagram) = heard(socket)? {
                (*octets, last) = (*octets + datagram.len(), monotonic());
                ensure!(
                    *octets <= AMPLIFICATION_MAX * said.len(),
                    "N2: {octets} octets in answer to {} that begin with {:02x?}",
                    said.len(),
                    said.get(..6)
                );
            }
        }
    }
    let answered = octets.iter().filter(|octets| **octets > 0).count();
    println!("{} datagrams of {} were answered", answered, callers.len());
    ensure!(answered >= 20, "only {answered} were answered: nothing was shown");
    collector.running()?.still_runs()?;
    collector.stop()
}

#[test]
fn n1_every_caller_over_quic_must_prove_its_address_before_anything_is_done_for_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut collector, addresses) = collector(folder.path())?;
    for (door, alpn) in [(&addresses.quic, ALPN_SESSION), (&addresses.enroll, ALPN_ENROLL)] {
        let door: SocketAddr = door.parse()?;
        let mut proofs = 0;
        for (datagram, n) in runtime()?.block_on(initials(40, alpn))?.into_iter().zip(0..) {
            // Half of them from one neighbourhood, half from one each.
            let socket = caller(if n % 2 == 0 { 90 } else { 100 + n })?;
            socket.send_to(&datagram, door)?;
            // A Retry packet (RFC 9000 section 17.2.5), and nothing else.
            if let Some(answer) = heard(&socket)? {
                ensure!(
                    answer.first().is_some_and(|first| first & 0xf0 == 0xf0),
                    "answered without proof: {:02x?}",
                    answer.get(..6)
                );
                ensure!(answer.len() < datagram.len() / 4, "{} octets ask for a proof", answer.len());
                proofs += 1;
            }
        }
        println!("{proofs} of 40 were asked to prove their address");
        ensure!(proofs > 20, "nothing was shown");
    }
    collector.stop()
}

#[test]
fn n4_no_malformed_first_packet_ends_an_endpoint_or_fills_its_memory() -> Result<()> {
    let count = std::env::var("VARDE_BROKEN").ok().and_then(|count| count.parse().ok()).unwrap_or(4_000_usize);
    let folder = tempfile::tempdir()?;
    let (mut collector, addresses) = collector(folder.path())?;
    let process = collector.running()?.id();
    let before = memory_kib(process)?;
    let mut random = Random::seeded(4);
    for (door, alpn) in [(&addresses.quic, ALPN_SESSION), (&addresses.enroll, ALPN_ENROLL)] {
        let door: SocketAddr = door.parse()?;
        let sound = runtime()?.block_on(initials(1, alpn))?.pop().context("no datagram")?;
        // From many addresses, each proved: without a proof nothing of it would be read.
        let mut callers = Vec::new();
        for n in 0..100 {
            let caller = caller(200 + n)?;
            caller.send_to(&sound, door)?;
            let proof = heard(&caller)?.as_deref().and_then(Proof::of).context("no proof is asked for")?;
            callers.push((caller, proof));
        }
        for ((caller, proof), n) in callers.iter().cycle().zip(0..count) {
            caller.send_to(&broken(&mut random, &sound, proof)?, door)?;
            if n % 500 == 0 {
                collector.running()?.still_runs()?;
            }
        }
        // They are heard and answered: some hellos are refused in words.
        let answered = callers.iter().filter(|(caller, _)| {
            let quick = caller.set_read_timeout(Some(Duration::from_millis(50)));
            quick.is_ok() && heard(caller).is_ok_and(|answer| answer.is_some())
        });
        let answered = answered.count();
        println!("{answered} of 100 callers were answered");
        ensure!(answered > 0, "nothing of it was read: nothing was shown");
    }
    // Both endpoints hear whoever comes after that.
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token(MEMBER)?)?;
    let feed = varde_tests::hits::live(&mut agent, folder.path(), 0)?;
    eventually("a sensor is connected", PATIENCE, || {
        Ok(collector.sensors()?.iter().any(|one| one.connected).then_some(()))
    })?;
    ensure!(!agent.log().contains("over TCP"), "it had to go round by TCP");
    let after = memory_kib(process)?;
    println!("{count} malformed datagrams at each door; memory {before} KiB, then {after} KiB");
    ensure!(after <= before + MEMORY_MORE_MAX_KIB, "N1: {before} KiB grew to {after} KiB");
    ensure!(!collector.running()?.log().contains("panicked"), "something panicked");
    agent.kill()?;
    drop(feed);
    collector.stop()
}

#[test]
fn n1_slow_callers_of_enrolment_take_no_place_of_those_who_belong_in() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut collector, addresses) = collector(folder.path())?;
    let (count, runtime) = (300, runtime()?);
    let door: SocketAddr = addresses.enroll.parse()?;
    // They finish the handshake, begin to say something, and never end.
    let strangers =
        runtime.block_on(async { Strangers::slow_at_enrolment(Ipv4Addr::new(127, 66, 0, 1), door, count) })?;
    for round in 1..=2 {
        eventually("the strangers hold what they get", PATIENCE, || Ok((strangers.met() >= 10 * round).then_some(())))?;
        let agent = Agent::new(&folder.path().join(format!("agent-{round}")), None)?;
        agent.enroll(&collector.token(MEMBER)?)?;
    }
    println!("{count} strangers were let begin {} times", strangers.met());
    collector.running()?.still_runs()?;
    collector.stop()
}

#[test]
fn n1_slow_and_greedy_callers_of_the_page_keep_nobody_from_it_and_are_not_kept() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut collector, addresses) = collector(folder.path())?;
    let connect = |words: &str| -> Result<TcpStream> {
        let mut connection = TcpStream::connect(&addresses.web)?;
        connection.write_all(words.as_bytes())?;
        connection.set_read_timeout(Some(PATIENCE))?;
        Ok(connection)
    };
    let mut all = Vec::new();
    // Some begin a request, some say nothing at all, some ask for much and read nothing of it.
    for _ in 0..40 {
        all.push((connect("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")?, false));
        all.push((connect("")?, false));
    }
    let asks = "GET /varde.css HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2_000);
    for _ in 0..40 {
        let mut greedy = TcpStream::connect(&addresses.web)?;
        greedy.set_write_timeout(Some(Duration::from_millis(200)))?;
        // As much as is taken of it.
        let _ = greedy.write_all(asks.as_bytes());
        all.push((greedy, true));
    }
    eventually("the page is served meanwhile", PATIENCE, || {
        Ok(fetch(None, &addresses.web, "/").is_ok().then_some(()))
    })?;
    for (mut connection, greedy) in all {
        connection.set_read_timeout(Some(PATIENCE))?;
        if greedy {
            // Nobody reads: it is over when something can be written no more.
            eventually("a connection that nobody reads ends", PATIENCE, || {
                match connection.write(b"GET / HTTP/1.1\r\n") {
                    Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(Some(())),
                    Ok(_) | Err(_) => Ok(None),
                }
            })?;
        } else {
            let mut rest = Vec::new();
            // Its end, or a reset; not the time that was waited.
            if let Err(error) = connection.read_to_end(&mut rest) {
                ensure!(error.kind() == ErrorKind::ConnectionReset, "a slow caller is kept: {error}");
            }
        }
    }
    ensure!(fetch(None, &addresses.web, "/health")? == "ok\n");
    collector.running()?.still_runs()?;
    collector.stop()
}
