//! Promises N1 and N2 against a real collector between network namespaces: handshakes that a liar begins from addresses that
//! are not his hold up no sensor and fill no memory, and nobody is sent more than three times what was sent in his name.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use varde_agent::io::clock::monotonic;
use varde_common::message::ALPN_SESSION;
use varde_tests::community::{Agent, Collector};
use varde_tests::hits::{LISTED, burst, live};
use varde_tests::initials::initials;
use varde_tests::namespaces::{End, Namespace, allowed, cable};
use varde_tests::oracle;
use varde_tests::programs::{eventually, said};
use varde_tests::random::Random;
use varde_tests::traffic::packet;
use varde_tests::wire::Wire;

const COLLECTOR: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
const PORT: u16 = 7843;
/// Ethernet, IPv4 and UDP around a datagram.
const HEADERS_OCTETS: u64 = 42;
/// N1's bound: what a flood may add to the collector's memory.
const MEMORY_MORE_MAX_KIB: u64 = 64 * 1024;

/// How many handshakes are begun; `VARDE_INITIALS=200000` for the long form.
fn initials_wanted() -> usize {
    std::env::var("VARDE_INITIALS").ok().and_then(|initials| initials.parse().ok()).unwrap_or(20_000)
}

/// A number that the kernel counts of an interface.
fn counted(namespace: &Namespace, interface: &str, what: &str) -> Result<u64> {
    let mut command = namespace.command("cat");
    command.arg(format!("/sys/class/net/{interface}/statistics/{what}"));
    Ok(said(&mut command)?.ok()?.out.trim().parse()?)
}

/// Octets of datagrams in one direction of an interface.
fn datagram_octets(namespace: &Namespace, interface: &str, direction: &str) -> Result<u64> {
    let octets = counted(namespace, interface, &format!("{direction}_bytes"))?;
    let packets = counted(namespace, interface, &format!("{direction}_packets"))?;
    Ok(octets.saturating_sub(packets * HEADERS_OCTETS))
}

/// What a process has in memory, KiB.
fn memory_kib(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Frames with these datagrams, each from an address that is nobody's.
fn spoofed(datagrams: &[Vec<u8>], hardware: [u8; 6], random: &mut Random) -> Vec<Vec<u8>> {
    let to = SocketAddr::from((COLLECTOR, PORT));
    let frame = |datagram: &Vec<u8>| {
        let liar = Ipv4Addr::new(10, 66, random.below(256) as u8, random.within(1, 254) as u8);
        let from = SocketAddr::from((liar, random.client_port()));
        let mut frame = hardware.to_vec();
        frame.extend_from_slice(&[0x02, 0, 0, 0, 0, 0x66, 0x08, 0x00]);
        frame.extend_from_slice(&packet::udp(from, to, datagram));
        frame
    };
    datagrams.iter().map(frame).collect()
}

fn hardware_address(namespace: &Namespace, interface: &str) -> Result<[u8; 6]> {
    let mut command = namespace.command("cat");
    command.arg(format!("/sys/class/net/{interface}/address"));
    let text = said(&mut command)?.ok()?.out;
    let octets: Vec<u8> =
        text.trim().split(':').map(|octet| u8::from_str_radix(octet, 16)).collect::<std::result::Result<_, _>>()?;
    octets.try_into().ok().context("no hardware address")
}

#[test]
fn n1_n2_a_flood_of_handshakes_holds_up_nobody_fills_no_memory_and_is_not_amplified() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (csirt, member, liar) = (Namespace::new("csirt")?, Namespace::new("member")?, Namespace::new("liar")?);
    cable(
        End { namespace: &csirt, interface: "c0", addresses: &["198.18.0.1/30"] },
        End { namespace: &member, interface: "m0", addresses: &["198.18.0.2/30"] },
    )?;
    cable(
        End { namespace: &csirt, interface: "c1", addresses: &["192.0.2.1/30"] },
        End { namespace: &liar, interface: "l0", addresses: &["192.0.2.2/30"] },
    )?;
    csirt.ip("route add default via 192.0.2.2")?;
    let data = folder.path().join("collector");
    let mut collector = Collector::init_at(&data, SocketAddr::from((COLLECTOR, PORT)), PORT + 1, Some(csirt.clone()))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish(&format!("{LISTED}\n"))?;
    let mut agent = Agent::new(&folder.path().join("agent"), Some(member.clone()))?;
    agent.enroll(&collector.token("3407")?)?;
    let mut feed = live(&mut agent, folder.path(), 0)?;
    collector.await_in_force(1, 1)?;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let initials = runtime.block_on(initials(initials_wanted(), ALPN_SESSION))?;
    let mut random = Random::seeded(1);
    let frames = spoofed(&initials, hardware_address(&csirt, "c1")?, &mut random);
    let wire = liar.within(|| Wire::open("l0"))??;
    let process = collector.running()?.id();
    let before = memory_kib(process)?;
    let (mut hosts, mut memory) = (0, before);
    let (began, mut longest) = (monotonic(), Duration::ZERO);
    for burst_of_frames in frames.chunks(frames.len().div_ceil(10)) {
        let taken = agent.taken()?.len();
        let sent = monotonic();
        feed.send(&burst(&mut hosts, 10).packets)?;
        wire.send(burst_of_frames)?;
        eventually("records are acknowledged through the flood", Duration::from_secs(60), || {
            let books = oracle::close(&collector, &[&agent])?;
            Ok((books.taken as usize >= taken + 10 && books.stored == books.taken).then_some(()))
        })?;
        longest = longest.max(sent.elapsed());
        memory = memory.max(memory_kib(process)?);
        let (sent, answered) = (datagram_octets(&liar, "l0", "tx")?, datagram_octets(&liar, "l0", "rx")?);
        assert!(answered <= 3 * sent, "N2: {answered} octets were sent for {sent}");
    }
    let (sent, answered) = (datagram_octets(&liar, "l0", "tx")?, datagram_octets(&liar, "l0", "rx")?);
    println!(
        "{} handshakes begun; {sent} octets in, {answered} out ({:.2}); memory {before} KiB, at most {memory} KiB",
        frames.len(),
        answered as f64 / sent as f64
    );
    // Of the ten that were sent together the last is counted, and the flood's own sending is in it: no less than p99.
    println!(
        "N1: {:.0} handshakes begun a second; a hundred alerts, ten at a time, each committed within {longest:.0?} of being on the wire",
        frames.len() as f64 / began.elapsed().as_secs_f64()
    );
    ensure!(answered > 0, "the collector answered nobody: nothing was shown");
    assert!(memory <= before + MEMORY_MORE_MAX_KIB, "N1: {before} KiB grew to {memory} KiB");
    agent.kill()?;
    collector.stop()
}

#[test]
fn n1_first_datagrams_are_sound_and_each_another() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let initials = runtime.block_on(initials(20, ALPN_SESSION))?;
    let ids: BTreeSet<&[u8]> = initials.iter().filter_map(|datagram| datagram.get(5..26)).collect();
    assert_eq!(ids.len(), 20, "connection ids");
    assert!(initials.iter().all(|datagram| datagram.len() >= 1_200 && datagram[0] & 0xf0 == 0xc0 && datagram[5] == 20));
    Ok(())
}
