//! Promise: every frame on a watched interface is handed out once, whole enough, or counted as dropped; with CAP_NET_RAW
//! alone; and an interface that goes is an end, not a silence.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use varde_agent::io::capture::{Capture, CaptureError, LiveSettings, Step, open_live};
use varde_agent::io::clock;
use varde_agent::packet::{Transport, decode};
use varde_agent::settings::CaptureBackend;
use varde_common::time::Timestamp;
use varde_tests::community::{Agent, Collector};
use varde_tests::namespaces::{End, Namespace, allowed, cable};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::traffic::packet;
use varde_tests::traffic::tunnel::Wrapping;
use varde_tests::wire::Wire;

const BACKENDS: [CaptureBackend; 2] = [CaptureBackend::Ring, CaptureBackend::Pnet];

fn settings(backend: CaptureBackend) -> LiveSettings {
    LiveSettings { backend, ..LiveSettings::default() }
}

/// A cable from a sender to a sensor, with nobody else on it.
struct Line {
    sender: Namespace,
    sensor: Namespace,
}

impl Line {
    fn new() -> Result<Line> {
        let line = Line { sender: Namespace::new("sender")?, sensor: Namespace::new("sensor")? };
        line.lay()?;
        Ok(line)
    }

    fn lay(&self) -> Result<()> {
        for end in [&self.sender, &self.sensor] {
            // No router solicitations among the frames that are counted.
            let mut quiet = end.command("sh");
            quiet.args(["-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"]);
            varde_tests::programs::said(&mut quiet)?.ok()?;
        }
        let (out, mirror) = ("out", "mirror");
        cable(
            End { namespace: &self.sender, interface: out, addresses: &[] },
            End { namespace: &self.sensor, interface: mirror, addresses: &[] },
        )
    }

    fn wire(&self) -> Result<Wire> {
        self.sender.within(|| Wire::open("out"))?
    }

    fn open(&self, settings: &LiveSettings) -> Result<Result<Box<dyn Capture>, CaptureError>> {
        self.sensor.within(|| open_live("mirror", 5, settings))
    }

    fn watch(&self, settings: &LiveSettings) -> Result<Box<dyn Capture>> {
        Ok(self.open(settings)??)
    }
}

/// A datagram with its number at the start of its data, on one of many flows.
fn datagram(number: u32, data_octets: usize) -> Vec<u8> {
    let client = SocketAddr::from(([10, 0, (number >> 6) as u8, 1], 20_000 + (number % 64) as u16));
    let mut data = number.to_be_bytes().to_vec();
    data.resize(data_octets.max(4), 0x2a);
    packet::udp(client, SocketAddr::from(([192, 0, 2, 9], 4000)), &data)
}

fn ethernet(tags: &[(u16, u16)], ethertype: u16, above: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x02; 12];
    for (protocol, tag) in tags {
        octets.extend_from_slice(&protocol.to_be_bytes());
        octets.extend_from_slice(&tag.to_be_bytes());
    }
    octets.extend_from_slice(&ethertype.to_be_bytes());
    octets.extend_from_slice(above);
    octets
}

fn ipv4(number: u32, data_octets: usize) -> Vec<u8> {
    ethernet(&[], 0x0800, &datagram(number, data_octets))
}

/// What a sensor saw of a numbered datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    number: u32,
    time: Timestamp,
    vlan: Option<u16>,
    octets: usize,
    length: u32,
}

/// Reads one block; what is no numbered datagram is counted apart.
fn take(capture: &mut dyn Capture, seen: &mut Vec<Seen>, others: &mut usize) -> Result<Step, CaptureError> {
    capture.next_block(&mut |frame| {
        let number = decode(&frame).ok().and_then(|packet| match packet.transport {
            Transport::Udp { payload, .. } => payload.first_chunk::<4>().map(|octets| u32::from_be_bytes(*octets)),
            _ => None,
        });
        match number {
            Some(number) => {
                let (time, vlan, octets, length) = (frame.time, frame.vlan, frame.octets.len(), frame.length);
                seen.push(Seen { number, time, vlan, octets, length });
            }
            None => *others += 1,
        }
    })
}

/// Reads until so many have been seen, and then until nothing more comes.
fn take_all(capture: &mut dyn Capture, wanted: usize) -> Result<(Vec<Seen>, usize)> {
    let (mut seen, mut others) = (Vec::new(), 0);
    eventually(&format!("{wanted} frames are seen"), PATIENCE, || {
        while take(capture, &mut seen, &mut others)? == Step::Frames {}
        Ok((seen.len() >= wanted).then_some(()))
    })
    .with_context(|| format!("{} seen", seen.len()))?;
    while take(capture, &mut seen, &mut others)? == Step::Frames {}
    Ok((seen, others))
}

#[test]
fn b7_every_frame_of_a_burst_is_handed_out_once_in_order_and_whole() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let line = Line::new()?;
    let (wire, mut capture) = (line.wire()?, line.watch(&settings(CaptureBackend::Ring))?);
    let size = |number: u32| 4 + (number as usize * 37) % 1400;
    // Sent before anything is read: with their headers half of what the ring holds.
    let frames: Vec<Vec<u8>> = (0..10_000).map(|number| ipv4(number, size(number))).collect();
    let began = clock::now();
    wire.send(&frames)?;
    let (seen, others) = take_all(capture.as_mut(), frames.len())?;
    let ended = clock::now();
    assert_eq!((seen.len(), others), (frames.len(), 0));
    for (number, (seen, frame)) in (0..).zip(seen.iter().zip(&frames)) {
        assert_eq!((seen.number, seen.octets, seen.length), (number, frame.len(), frame.len() as u32));
    }
    assert!(seen.is_sorted_by_key(|seen| seen.time), "time goes forward");
    assert!(seen.iter().all(|seen| began <= seen.time && seen.time <= ended), "time is the clock's");
    let counts = capture.counts();
    assert_eq!((counts.frames, counts.dropped), (10_000, Some(0)));
    Ok(())
}

#[test]
fn a_single_frame_on_a_quiet_line_is_heard_before_the_next_and_none_is_passed_over() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let line = Line::new()?;
    let (wire, mut capture) = (line.wire()?, line.watch(&settings(CaptureBackend::Ring))?);
    let (mut seen, mut others) = (Vec::new(), 0);
    for number in 0..12 {
        // Waiting in vain must not lose the place in the ring.
        assert_eq!(take(capture.as_mut(), &mut seen, &mut others), Ok(Step::Idle));
        wire.send(&[ipv4(number, 60)])?;
        for _ in 0..8 {
            take(capture.as_mut(), &mut seen, &mut others)?;
            if seen.len() > number as usize {
                break;
            }
        }
        assert_eq!(seen.iter().map(|seen| seen.number).collect::<Vec<_>>(), (0..=number).collect::<Vec<_>>());
    }
    Ok(())
}

#[test]
fn both_backends_see_the_same_packets_and_only_the_ring_leaves_out_what_no_stage_reads() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let line = Line::new()?;
    let wire = line.wire()?;
    let mut by_backend = Vec::new();
    for backend in BACKENDS {
        let mut capture = line.watch(&settings(backend))?;
        let (mut all, mut other) = (Vec::new(), 0);
        // In steps that any buffer holds.
        for step in 0..8u32 {
            let arp = ethernet(&[], 0x0806, &[0; 46]);
            let mut frames: Vec<Vec<u8>> = (0..50).map(|index| ipv4(step * 50 + index, 900)).collect();
            frames.insert(25, arp);
            wire.send(&frames)?;
            let (seen, others) = take_all(capture.as_mut(), 50)?;
            all.extend(seen.into_iter().map(|seen| (seen.number, seen.octets, seen.length)));
            other += others;
        }
        assert_eq!(other, if backend == CaptureBackend::Ring { 0 } else { 8 }, "{backend:?}");
        by_backend.push(all);
    }
    assert_eq!(by_backend[0].len(), 400);
    assert_eq!(by_backend[0], by_backend[1]);
    Ok(())
}

#[test]
fn the_vlan_tag_the_kernel_took_off_is_told_and_an_inner_one_is_left() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let line = Line::new()?;
    let (wire, mut capture) = (line.wire()?, line.watch(&settings(CaptureBackend::Ring))?);
    let tagged: [&[(u16, u16)]; 4] = [&[], &[(0x8100, 42)], &[(0x8100, 0xe02a)], &[(0x88a8, 7), (0x8100, 42)]];
    let frames: Vec<Vec<u8>> =
        (0..).zip(tagged).map(|(number, tags)| ethernet(tags, 0x0800, &datagram(number, 100))).collect();
    wire.send(&frames)?;
    let (seen, _) = take_all(capture.as_mut(), frames.len())?;
    let vlans: Vec<Option<u16>> = seen.iter().map(|seen| seen.vlan).collect();
    assert_eq!(vlans, [None, Some(42), Some(42), Some(7)], "priority bits are no part of the number");
    assert_eq!(seen[3].octets, seen[0].octets + 4, "the inner tag is still in the frame");
    Ok(())
}

#[test]
fn what_the_kernel_had_no_room_for_is_counted_to_the_frame() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let line = Line::new()?;
    let small = LiveSettings { ring_blocks: 2, ..settings(CaptureBackend::Ring) };
    let (wire, mut capture) = (line.wire()?, line.watch(&small)?);
    let mut sent = 0;
    let (mut seen, mut others) = (Vec::new(), 0);
    // Twice: the kernel's counter begins anew whenever it is asked.
    for _ in 0..2 {
        let frames: Vec<Vec<u8>> = (sent..sent + 5_000).map(|number| ipv4(number, 1400)).collect();
        wire.send(&frames)?;
        sent += 5_000;
        eventually("every frame is seen or counted", PATIENCE, || {
            while take(capture.as_mut(), &mut seen, &mut others)? == Step::Frames {}
            let dropped = capture.counts().dropped.context("the ring counts")?;
            ensure!(seen.len() as u64 + dropped <= u64::from(sent), "{} seen and {dropped} dropped", seen.len());
            Ok((seen.len() as u64 + dropped == u64::from(sent)).then_some(()))
        })?;
    }
    let dropped = capture.counts().dropped.context("the ring counts")?;
    assert!(dropped > 4_000, "2 MiB cannot hold 7 MB, twice: {dropped}");
    Ok(())
}

#[test]
fn two_sensors_in_one_group_share_the_flows_and_each_frame_goes_to_one() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let line = Line::new()?;
    let wire = line.wire()?;
    let shared = LiveSettings { fanout: Some(9), ..settings(CaptureBackend::Ring) };
    let mut captures = [line.watch(&shared)?, line.watch(&shared)?];
    // Both directions of a flow.
    let frames: Vec<Vec<u8>> = (0..4_000u32)
        .map(|number| {
            let (client, server) = (
                SocketAddr::from(([10, 0, 0, 1], 20_000 + (number % 200) as u16)),
                SocketAddr::from(([192, 0, 2, 9], 4000)),
            );
            let data = number.to_be_bytes();
            let (from, to) = if number % 400 < 200 { (client, server) } else { (server, client) };
            ethernet(&[], 0x0800, &packet::udp(from, to, &data))
        })
        .collect();
    wire.send(&frames)?;
    let mut all = [Vec::new(), Vec::new()];
    eventually("all frames are seen", PATIENCE, || {
        for (capture, seen) in captures.iter_mut().zip(&mut all) {
            while take(capture.as_mut(), seen, &mut 0)? == Step::Frames {}
        }
        Ok((all[0].len() + all[1].len() >= frames.len()).then_some(()))
    })?;
    let mut by_flow: BTreeMap<u32, BTreeMap<usize, usize>> = BTreeMap::new();
    let mut numbers: Vec<u32> = Vec::new();
    for (place, seen) in all.iter().enumerate() {
        numbers.extend(seen.iter().map(|seen| seen.number));
        for seen in seen {
            *by_flow.entry(seen.number % 200).or_default().entry(place).or_default() += 1;
        }
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..4_000).collect::<Vec<_>>(), "each once");
    assert!(by_flow.values().all(|places| places.len() == 1), "each flow whole, both ways, to one: {by_flow:?}");
    assert!(all.iter().all(|seen| seen.len() > 400), "both have their share: {:?}", all.each_ref().map(Vec::len));
    // The same number on another interface is another group.
    let on_loopback = line.sensor.within(|| open_live("lo", 0, &shared).map(drop))?;
    assert_eq!(on_loopback, Ok(()));
    Ok(())
}

#[test]
fn a_group_does_not_share_what_comes_in_a_tunnel() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let shared = LiveSettings { fanout: Some(11), ..settings(CaptureBackend::Ring) };
    for wrapping in [Wrapping::Erspan2, Wrapping::Vxlan] {
        let line = Line::new()?;
        let wire = line.wire()?;
        let mut captures = [line.watch(&shared)?, line.watch(&shared)?];
        let frames: Vec<Vec<u8>> = (0..2_000).map(|number| wrapping.frame(&datagram(number, 8))).collect();
        wire.send(&frames)?;
        let mut all = [Vec::new(), Vec::new()];
        eventually("all frames are seen", PATIENCE, || {
            for (capture, seen) in captures.iter_mut().zip(&mut all) {
                while take(capture.as_mut(), seen, &mut 0)? == Step::Frames {}
            }
            Ok((all[0].len() + all[1].len() >= frames.len()).then_some(()))
        })?;
        // The kernel goes by the outermost addresses, which is what the guide and the settings say.
        let shares = all.each_ref().map(Vec::len);
        assert!(shares.contains(&0) && shares.contains(&frames.len()), "{wrapping:?}: {shares:?}");
    }
    Ok(())
}

#[test]
fn cap_net_raw_alone_opens_everything_and_nothing_is_needed_afterwards() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let line = Line::new()?;
    let wire = line.wire()?;
    let only = |effective| {
        let sets = CapabilitySets { effective, permitted: effective, inheritable: CapabilitySet::empty() };
        set_capabilities(None, sets)
    };
    for backend in BACKENDS {
        let settings = LiveSettings { fanout: Some(3), ..settings(backend) };
        let seen = line.sensor.within(|| -> Result<usize> {
            only(CapabilitySet::NET_RAW)?;
            let mut capture = open_live("mirror", 0, &settings)?;
            only(CapabilitySet::empty())?;
            let again = open_live("mirror", 0, &settings).map(drop);
            assert_eq!(again, Err(CaptureError::NotPermitted { interface: "mirror".to_owned() }));
            wire.send(&(0..100).map(|number| ipv4(number, 60)).collect::<Vec<_>>())?;
            Ok(take_all(capture.as_mut(), 100)?.0.len())
        })??;
        assert_eq!(seen, 100, "{backend:?}");
    }
    Ok(())
}

#[test]
fn an_interface_that_is_down_comes_back_and_one_that_is_gone_is_an_error_even_under_its_old_name() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    for backend in BACKENDS {
        let line = Line::new()?;
        let wire = line.wire()?;
        let mut capture = line.watch(&settings(backend))?;
        line.sensor.ip("link set mirror down")?;
        for _ in 0..3 {
            assert_eq!(capture.next_block(&mut |_| ()), Ok(Step::Idle), "{backend:?}: down is no end");
        }
        line.sensor.ip("link set mirror up")?;
        eventually("frames come again", PATIENCE, || {
            wire.send(&[ipv4(1, 60)])?;
            let mut seen = Vec::new();
            take(capture.as_mut(), &mut seen, &mut 0)?;
            Ok((!seen.is_empty()).then_some(()))
        })?;
        // Down first, and noticed, then gone: the kernel tells of the second no more.
        line.sensor.ip("link set mirror down")?;
        eventually("it is idle", PATIENCE, || Ok((capture.next_block(&mut |_| ())? == Step::Idle).then_some(())))?;
        line.sensor.ip("link delete mirror")?;
        line.lay()?;
        let gone = CaptureError::InterfaceGone { interface: "mirror".to_owned() };
        eventually("it is told", PATIENCE, || match capture.next_block(&mut |_| ()) {
            Ok(_) => Ok(None),
            Err(error) => {
                assert_eq!(error, gone);
                Ok(Some(()))
            }
        })?;
        assert_eq!(capture.next_block(&mut |_| ()), Ok(Step::End), "{backend:?}");
    }
    Ok(())
}

#[test]
fn an_agent_whose_interface_goes_ends_with_a_code_of_its_own() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let line = Line::new()?;
    let collector_address: SocketAddr = "127.0.0.1:7843".parse()?;
    let mut collector =
        Collector::init_at(&folder.path().join("collector"), collector_address, 7844, Some(line.sensor.clone()))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let mut agent = Agent::new(&folder.path().join("agent"), Some(line.sensor.clone()))?;
    agent.enroll(&collector.token("3407")?)?;
    agent.start(["--interface", "mirror", "--capture-backend", "ring"])?;
    eventually("the agent watches", PATIENCE, || Ok(agent.log().contains("watching").then_some(())))?;
    line.sensor.ip("link delete mirror")?;
    let status = eventually("the agent ends", PATIENCE, || agent.running()?.ended())?;
    assert_eq!(status.code(), Some(75), "{}", agent.log());
    assert!(agent.log().contains("has disappeared or was made anew"), "{}", agent.log());
    collector.stop()
}

#[test]
fn a_stop_is_heard_on_a_silent_line() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let line = Line::new()?;
    for backend in BACKENDS {
        let mut capture = line.watch(&settings(backend))?;
        let (told, heard) = std::sync::mpsc::sync_channel(1);
        std::thread::spawn(move || told.send(capture.next_block(&mut |_| ())));
        assert_eq!(heard.recv_timeout(Duration::from_secs(60))?, Ok(Step::Idle), "{backend:?}");
    }
    Ok(())
}
