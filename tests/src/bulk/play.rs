//! Plays a plan: every conversation begins at its time and they go on together, packet by packet in order of time, into a
//! file.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::listed::{Listed, Size};
use super::lookup::{Lookup, Says};
use super::plants::{self, Bait, Cut, Plant};
use super::script::{self, Flow, Goes};
use super::sites::{self, Sites};
use super::wire::{Above, Capture, Ends};
use crate::random::Random;
use crate::traffic::dns::{rcode, rtype};
use crate::traffic::packet::flag::{ACK, FIN, PSH};

/// Which traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A municipality's outbound traffic.
    Mix,
    /// Nine packets of ten are DNS.
    Dns,
}

impl Kind {
    /// Its name in file names.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Mix => "mix",
            Kind::Dns => "dns",
        }
    }

    /// Packets unless said otherwise.
    pub fn packets(self) -> u64 {
        match self {
            Kind::Mix => 3_000_000,
            Kind::Dns => 1_500_000,
        }
    }

    /// How long it lasts in its own time, seconds.
    fn lasts_s(self) -> u64 {
        match self {
            Kind::Mix => 600,
            Kind::Dns => 1_800,
        }
    }

    /// Of a thousand packets: look-ups, TLS, QUIC, HTTP, files, meetings, time, echoes.
    fn shares(self) -> [(What, u64, u64); 8] {
        let [lookups, tls, quic, http, files, meetings, ntp, echo] = match self {
            Kind::Mix => [30, 620, 240, 30, 40, 30, 5, 5],
            Kind::Dns => [900, 60, 25, 5, 4, 2, 2, 2],
        };
        [
            (What::Lookup, lookups, 0),
            (What::Tls, tls, 76),
            (What::Quic, quic, 84),
            (What::Http, http, 40),
            (What::Files, files, 160),
            (What::Meeting, meetings, 200),
            (What::Ntp, ntp, 4),
            (What::Echo, echo, 4),
        ]
    }
}

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Order {
    /// Which traffic.
    pub kind: Kind,
    /// About how many packets.
    pub packets: u64,
    /// Where everything is drawn from.
    pub seed: u64,
    /// The folder for the files.
    pub folder: PathBuf,
}

/// What was made.
#[derive(Debug)]
pub struct Made {
    /// The capture.
    pub capture: PathBuf,
    /// What must be found in it and what must not.
    pub oracle: PathBuf,
    /// Packets written.
    pub packets: u64,
    /// Octets of frames.
    pub octets: u64,
    /// Conversations.
    pub flows: u64,
    /// What is hidden.
    pub plants: Vec<Plant>,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Lookup,
    Tls,
    Quic,
    Http,
    Files,
    Meeting,
    Ntp,
    Echo,
    Plant(u32),
}

struct Start {
    at_us: u64,
    what: What,
    packets: u32,
    /// A site of one's own draw, or the one looked up just before.
    site: u32,
    client: u16,
    v6: bool,
}

/// 1 January 2026, 08:00 UTC.
const BEGINS_US: u64 = 1_767_254_400_000_000;
/// Names of the ordinary internet in one capture.
const SITES: usize = 30_000;
/// Octets of noise that payloads are cut from.
const NOISE_OCTETS: usize = 1 << 18;

struct Play<'a> {
    listed: &'a Listed,
    plants: &'a [Plant],
    sites: Sites,
    random: Random,
    noise: Vec<u8>,
    ends_us: u64,
}

fn starts(order: &Order, sites: &Sites, plants: usize, random: &mut Random) -> Vec<Start> {
    let last_us = order.kind.lasts_s() * 1_000_000;
    let mut starts = Vec::new();
    let at = |random: &mut Random| random.below(last_us * 97 / 100);
    let mut lookups = 0;
    for (what, share, mean) in order.kind.shares() {
        let packets = order.packets * share / 1000;
        if matches!(what, What::Lookup) {
            lookups = packets / 2;
            continue;
        }
        let mut left = packets;
        while left > 0 {
            // A few conversations carry most of the packets.
            let length = match random.below(20) {
                0 => random.within(mean * 2, mean * 19),
                1..6 => random.within(mean * 4 / 5, mean * 8 / 5),
                _ => random.within(mean / 5, mean * 3 / 10),
            };
            let length = length.max(if mean > 4 { 14 } else { 2 }).min(left.max(2));
            left = left.saturating_sub(length);
            let start = Start {
                at_us: at(random) + 40_000,
                what,
                packets: length as u32,
                site: sites.draw(random),
                client: random.next_u16(),
                v6: random.percent(25),
            };
            let asks = matches!(what, What::Tls | What::Quic | What::Http) && random.percent(60);
            if asks && lookups > 0 {
                lookups -= 1;
                starts.push(Start { at_us: start.at_us - 35_000, what: What::Lookup, packets: 2, ..start });
            }
            starts.push(start);
        }
    }
    for _ in 0..lookups {
        let (site, client, v6) = (sites.draw(random), random.next_u16(), random.percent(25));
        starts.push(Start { at_us: at(random), what: What::Lookup, packets: 2, site, client, v6 });
    }
    for plant in 0..plants {
        let what = What::Plant(plant as u32);
        starts.push(Start { at_us: at(random), what, packets: 16, site: 0, client: 0, v6: false });
    }
    starts.sort_by_key(|start| start.at_us);
    starts
}

impl Play<'_> {
    fn client(&self, start: &Start) -> IpAddr {
        let host = start.client % 3_000;
        match start.v6 {
            true => Ipv6Addr::new(0xfd20, 5, 0, host >> 8, 0, 0, 0x42, host).into(),
            false => Ipv4Addr::new(10, 20, 16 + (host >> 8) as u8, host as u8).into(),
        }
    }

    /// Between two packets, so that the conversation ends in time.
    fn gap(&mut self, start: &Start) -> u64 {
        let left = self.ends_us.saturating_sub(start.at_us).max(1_000_000);
        let lasts = self.random.within(200_000, 60_000_000).min(left * 9 / 10);
        (lasts / u64::from(start.packets.max(1))).max(20)
    }

    fn begin(&mut self, start: &Start) -> Result<Option<Flow>> {
        if let What::Plant(plant) = start.what {
            return self.hide(&self.plants[plant as usize].clone()).map(Some);
        }
        let gap_us = self.gap(start);
        let client = self.client(start);
        let Play { sites, random, .. } = self;
        let site = sites.site(start.site);
        if matches!(start.what, What::Lookup) {
            let mut hints = Vec::new();
            let lookup = site.lookup(random, &mut hints);
            let server = sites::resolver(random, start.v6);
            let ends = script::ends(random, client, server);
            return Ok(Some(match random.below(200) {
                0 | 1 => script::lookup_over_tcp(random, ends, &lookup),
                2 => script::lookup(random, ends, &lookup, false),
                _ => script::lookup(random, ends, &lookup, true),
            }));
        }
        // Who has no address of the client's family is reached over the other.
        let Some(address) = site.address(random, start.v6) else { return Ok(None) };
        let client = match (client, address) {
            (IpAddr::V6(_), IpAddr::V4(_)) => plants::client(random, false),
            _ => client,
        };
        let (packets, local) = (start.packets, SocketAddr::from(([10, 20, 1, (start.site % 20) as u8], 445)));
        let flow = match start.what {
            What::Tls => {
                let cut = if random.percent(3) { Cut::InName } else { Cut::Whole };
                let ends = script::ends(random, client, SocketAddr::new(address, 443));
                script::tls(random, ends, &site.name, cut, packets, gap_us)
            }
            What::Quic => {
                let ends = script::ends(random, client, SocketAddr::new(address, 443));
                let several = random.percent(40);
                script::quic(random, ends, &site.name, several, packets, gap_us)?
            }
            What::Http => {
                let ends = script::ends(random, client, SocketAddr::new(address, 80));
                script::http(random, ends, &site.name, packets, gap_us)
            }
            What::Files => {
                let client = plants::client(random, false);
                let ends = script::ends(random, client, local);
                script::stream(random, ends, packets, gap_us)
            }
            What::Meeting => {
                let ends = script::ends(random, client, SocketAddr::new(address, 3478));
                script::datagrams(ends, Goes::Meeting, packets, gap_us)
            }
            What::Ntp => {
                let ends = script::ends(random, client, SocketAddr::new(address, 123));
                script::datagrams(ends, Goes::Ntp, packets, gap_us)
            }
            _ => {
                let ends = script::ends(random, client, SocketAddr::new(address, 0));
                script::datagrams(ends, Goes::Echo, packets, gap_us)
            }
        };
        Ok(Some(flow))
    }

    fn hide(&mut self, plant: &Plant) -> Result<Flow> {
        let Play { listed, random, .. } = self;
        let v6 = plant.client.is_ipv6();
        let (packets, gap_us) = (18, 3_000);
        let fresh = listed.uncovered(random, v6);
        Ok(match &plant.bait {
            Bait::Lookup { name, chain, answer, tcp } => {
                let mut answers = Vec::new();
                let mut owner = name.as_str();
                for alias in chain {
                    answers.push((owner, Says::Alias(alias)));
                    owner = alias;
                }
                answers.extend(answer.map(|address| (owner, Says::Address(address))));
                let qtype = if answer.is_some_and(|address| address.is_ipv6()) { rtype::AAAA } else { rtype::A };
                let rcode = if answer.is_some() { rcode::NOERROR } else { rcode::NXDOMAIN };
                let lookup = Lookup { id: random.next_u16(), name, qtype, rcode, answers, edns: random.percent(70) };
                let server = sites::resolver(random, v6);
                let ends = script::ends(random, plant.client, server);
                match tcp {
                    true => script::lookup_over_tcp(random, ends, &lookup),
                    false => script::lookup(random, ends, &lookup, true),
                }
            }
            Bait::Flow { server, udp } => {
                let port = [443, 8080, 4444, 9001][random.below(4) as usize];
                let ends = script::ends(random, plant.client, SocketAddr::new(*server, port));
                match udp {
                    true => script::datagrams(ends, Goes::Meeting, packets, gap_us),
                    false => script::stream(random, ends, packets, gap_us),
                }
            }
            Bait::Hello { name, cut } => {
                let ends = script::ends(random, plant.client, SocketAddr::new(fresh, 443));
                script::tls(random, ends, name, *cut, packets, gap_us)
            }
            Bait::Quic { name, several } => {
                let ends = script::ends(random, plant.client, SocketAddr::new(fresh, 443));
                script::quic(random, ends, name, *several, packets, gap_us)?
            }
            Bait::Host { name } => {
                let port = if name.ends_with(":8080") { 8080 } else { 80 };
                let ends = script::ends(random, plant.client, SocketAddr::new(fresh, port));
                script::http(random, ends, name, packets, gap_us)
            }
            Bait::Inbound { from, accepted } => {
                let port = if *accepted { 443 } else { [22, 3389][random.below(2) as usize] };
                let ends = Ends {
                    source: SocketAddr::new(*from, random.client_port()),
                    destination: SocketAddr::new(plant.client, port),
                    vlan: None,
                };
                match accepted {
                    true => script::stream(random, ends, packets, gap_us),
                    false => script::not_accepted(random, ends),
                }
            }
        })
    }

    fn filler(&mut self, flow: &mut Flow, out: &mut Capture, time_us: u64) -> Result<()> {
        let Play { random, noise, .. } = self;
        let drawn = random.next_u64();
        let chance = drawn % 100;
        let (from_client, length) = match flow.goes {
            Goes::Stream => match chance {
                0..38 => (false, 1448),
                38..74 => (true, 0),
                74..87 => (false, 100 + (drawn >> 32) as usize % 1000),
                _ => (true, 60 + (drawn >> 32) as usize % 500),
            },
            Goes::Quic => match chance {
                0..50 => (false, 1250),
                50..90 => (true, 30 + (drawn >> 32) as usize % 12),
                _ => (false, 100 + (drawn >> 32) as usize % 900),
            },
            Goes::Meeting => (chance < 45, 120 + (drawn >> 32) as usize % 1000),
            Goes::Echo => (flow.left % 2 == 0, 56),
            Goes::Ntp => (flow.left % 2 == 0, 48),
        };
        let from = (drawn >> 40) as usize % (NOISE_OCTETS - 2048);
        let payload = &mut noise[from..from + length];
        let above = match flow.goes {
            Goes::Stream => {
                let (sequence, acknowledgement) =
                    if from_client { (flow.client_at, flow.server_at) } else { (flow.server_at, flow.client_at) };
                let at = if from_client { &mut flow.client_at } else { &mut flow.server_at };
                *at = at.wrapping_add(length as u32);
                Above::Tcp { sequence, acknowledgement, flags: if length == 0 { ACK } else { PSH | ACK } }
            }
            Goes::Quic => {
                if let Some(first) = payload.first_mut() {
                    *first = 0x40 | (*first & 0x3f);
                }
                Above::Udp
            }
            Goes::Meeting => {
                // RTP, version 2.
                if let Some(first) = payload.first_mut() {
                    *first = 0x80;
                }
                Above::Udp
            }
            Goes::Ntp => Above::Udp,
            Goes::Echo => Above::Echo { request: from_client },
        };
        let ends = if from_client { flow.ends } else { flow.ends.reversed() };
        out.send(time_us, ends, above, payload)
    }
}

/// Plays it into `<folder>/<kind>.pcap`, and says in `<folder>/<kind>.oracle.jsonl` what is hidden.
///
/// # Errors
/// The file system's own.
pub fn play(order: &Order, listed: &Listed) -> Result<Made> {
    let mut random = Random::seeded(order.seed.wrapping_mul(31).wrapping_add(order.kind as u64));
    let per_mille = (order.packets * 1000 / 300_000).clamp(10, 1000);
    let plants = plants::drawn(listed, Size::TEN_THOUSAND, order.seed, per_mille);
    let sites = Sites::drawn(listed, &mut random, SITES);
    let starts = starts(order, &sites, plants.len(), &mut random);
    let noise = (0..NOISE_OCTETS / 8).flat_map(|_| random.next_u64().to_le_bytes()).collect();
    let ends_us = order.kind.lasts_s() * 1_000_000;
    let mut play = Play { listed, plants: &plants, sites, random, noise, ends_us };
    let capture = order.folder.join(format!("{}.pcap", order.kind.name()));
    let oracle = order.folder.join(format!("{}.oracle.jsonl", order.kind.name()));
    let (packets, octets, flows) = run(&mut play, starts, &capture)?;
    plants::write_oracle(&oracle, &plants)?;
    Ok(Made { capture, oracle, packets, octets, flows, plants })
}

fn run(play: &mut Play<'_>, starts: Vec<Start>, capture: &Path) -> Result<(u64, u64, u64)> {
    let mut out = Capture::create(capture)?;
    let mut open: Vec<Option<Flow>> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut next: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut starts = starts.into_iter().peekable();
    let mut flows = 0;
    loop {
        let begins = starts.peek().map(|start| start.at_us);
        let goes_on = next.peek().map(|Reverse((at, _))| *at);
        if let Some(at) = begins.filter(|at| goes_on.is_none_or(|on| *at <= on)) {
            let Some(start) = starts.next() else { break };
            let Some(flow) = play.begin(&start)? else { continue };
            flows += 1;
            let slot = free.pop().unwrap_or_else(|| {
                open.push(None);
                open.len() - 1
            });
            open[slot] = Some(flow);
            next.push(Reverse((at, slot)));
            continue;
        }
        let Some(Reverse((at, slot))) = next.pop() else { break };
        let Some(flow) = open[slot].as_mut() else { continue };
        let time_us = BEGINS_US + at;
        let gap = if let Some(step) = flow.steps.pop_front() {
            let ends = if step.from_client { flow.ends } else { flow.ends.reversed() };
            out.send(time_us, ends, step.above, &step.payload)?;
            flow.steps.front().map(|step| step.after_us.max(1))
        } else if flow.left > 0 {
            flow.left -= 1;
            play.filler(flow, &mut out, time_us)?;
            None
        } else {
            None
        };
        let gap = match gap {
            Some(gap) => Some(gap),
            None if flow.left > 0 => Some(match play.random.percent(85) {
                true => flow.gap_us / 10 + 1,
                false => flow.gap_us * 6,
            }),
            None if flow.goes == Goes::Stream && flow.gap_us > 0 => {
                // What began properly ends so.
                let closing = std::mem::take(&mut flow.gap_us);
                let (c, s) = (flow.client_at, flow.server_at);
                let ways = [(true, c, s, FIN | ACK), (false, s, c.wrapping_add(1), FIN | ACK)];
                let last = [(true, c.wrapping_add(1), s.wrapping_add(1), ACK)];
                flow.steps.extend(ways.into_iter().chain(last).map(
                    |(from_client, sequence, acknowledgement, flags)| {
                        let above = Above::Tcp { sequence, acknowledgement, flags };
                        script::Step { after_us: 900, from_client, above, payload: Vec::new() }
                    },
                ));
                Some(closing)
            }
            None => None,
        };
        match gap {
            Some(gap) => next.push(Reverse((at + gap, slot))),
            None => {
                open[slot] = None;
                free.push(slot);
            }
        }
    }
    let figures = (out.packets, out.octets, flows);
    out.finish()?;
    Ok(figures)
}
