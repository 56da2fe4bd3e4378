//! What the demo plants, and what must come of it. One place, so that the check and the traffic cannot drift apart.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Result;
use rustls::quic::Version;
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use crate::bulk::hello::{self, Manner};
use crate::bulk::initial::{self, Spread};
use crate::community::CampaignLine;
use crate::random::Random;
use crate::traffic::dns::{Question, rcode, rtype};
use crate::traffic::municipality::{Mix, Municipality, ordinary};
use crate::traffic::{Outcome, PAGE, Packet, Reception, Traffic};

/// Numbers and names of the members, as Kartverket's list of 2024 has them.
pub const MEMBERS: [(&str, &str); 8] = [
    ("3407", "Gjøvik"),
    ("3403", "Hamar"),
    ("1103", "Stavanger"),
    ("1505", "Kristiansund"),
    ("3301", "Drammen"),
    ("4203", "Arendal"),
    ("4626", "Øygarden"),
    ("5501", "Tromsø"),
];

/// The list the CSIRT publishes. The comments are for the reader of the file the demo leaves behind.
pub const LIST: &str = "\
# The campaign: a false update service and where it leads
oppdatering-sky.example
203.0.113.77:443
# A host name hit at one member only: an incident, no campaign
=last-ned.verktoy.example
# Decoys: behind shared hosting, a network with neighbours, a scanner from outside
felles-flate.example
203.0.113.128/28
198.51.100.200
# What came with it by mistake, and everybody uses: lint holds it back
login.microsoftonline.com
8.8.8.8
";

/// The name that spreads from member to member.
pub const SPREADING: &str = "oppdatering-sky.example";
/// Where under it the victims go.
const SPREADING_HOST: &str = "cdn.oppdatering-sky.example";
const ADDRESS: &str = "203.0.113.77:443";
const SINGLE: &str = "=last-ned.verktoy.example";
const SHARED: &str = "felles-flate.example";
const SCANNER: &str = "198.51.100.200";

const SERVICE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 40);
const CONTROL: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 77);
const SHARED_HOSTING: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 80);
const ONE_BEYOND: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 144);
/// Two lines of the list that must never reach a sensor.
const SIGN_IN: &str = "login.microsoftonline.com";
const PUBLIC_RESOLVER: Ipv4Addr = Ipv4Addr::new(8, 8, 8, 8);
const SCAN_FROM: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 200);

/// What is done at a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The spreading name is asked for and its resolver says no such name.
    SpreadingBlocked,
    /// The spreading name is asked for and answered; nothing follows.
    SpreadingAnswered,
    /// The spreading name is asked for, answered, and its address reached.
    SpreadingContacted,
    /// The spreading name stands in a TLS hello, and nobody has asked DNS for it: the look-up was encrypted, or cached.
    SpreadingGreeted,
    /// The same in a QUIC hello (HTTP/3), which takes keys from the packet itself to read.
    SpreadingGreetedQuic,
    /// A connection to the listed address and port that nobody accepts.
    AddressAttempted,
    /// A connection to the listed address and port that stands.
    AddressContacted,
    /// The name listed as an exact host is asked for and reached.
    SingleContacted,
    /// Decoy: a name that only looks like the spreading one is asked for, reached and named in a TLS hello.
    LookAlike,
    /// Decoy: a listed name and an unlisted one live at the same address, which is reached.
    SharedHosting,
    /// Decoy: the address right behind a listed network, and the listed address at another port, are reached.
    OneBeyond,
    /// Decoy: a listed scanner knocks from outside; nobody answers.
    InboundScan,
    /// Decoy: what everybody uses and a source names by mistake is asked for and reached: it was never published.
    HeldBack,
}

impl Deed {
    /// The indicator it must raise an alert for, with what evidence; none for a decoy that must raise none.
    pub fn expected(self) -> Option<(&'static str, Evidence)> {
        match self {
            Deed::SpreadingBlocked => Some((SPREADING, Evidence::Blocked)),
            Deed::SpreadingAnswered => Some((SPREADING, Evidence::Answered)),
            Deed::SpreadingContacted | Deed::SpreadingGreeted | Deed::SpreadingGreetedQuic => {
                Some((SPREADING, Evidence::Contacted))
            }
            Deed::AddressAttempted => Some((ADDRESS, Evidence::Attempted)),
            Deed::AddressContacted => Some((ADDRESS, Evidence::Contacted)),
            Deed::SingleContacted => Some((SINGLE, Evidence::Contacted)),
            Deed::SharedHosting => Some((SHARED, Evidence::Answered)),
            Deed::InboundScan => Some((SCANNER, Evidence::Attempted)),
            Deed::LookAlike | Deed::OneBeyond | Deed::HeldBack => None,
        }
    }

    /// Whether what it raises may become a case for people. A knock from outside never does by itself.
    fn makes_incident(self) -> bool {
        match self {
            Deed::InboundScan => false,
            Deed::SpreadingBlocked
            | Deed::SpreadingAnswered
            | Deed::SpreadingContacted
            | Deed::SpreadingGreeted
            | Deed::SpreadingGreetedQuic
            | Deed::AddressAttempted
            | Deed::AddressContacted
            | Deed::SingleContacted
            | Deed::LookAlike
            | Deed::SharedHosting
            | Deed::OneBeyond
            | Deed::HeldBack => true,
        }
    }
}

/// What is done at each member, in the order of [`MEMBERS`], in the order in which it spreads. The last is never hit.
pub const DEEDS: [&[Deed]; 8] = [
    &[Deed::SpreadingContacted, Deed::LookAlike, Deed::HeldBack],
    &[Deed::SpreadingContacted, Deed::AddressContacted, Deed::OneBeyond],
    &[Deed::SpreadingAnswered, Deed::InboundScan],
    &[Deed::SpreadingBlocked, Deed::InboundScan, Deed::OneBeyond, Deed::HeldBack],
    &[Deed::SpreadingGreeted, Deed::SharedHosting, Deed::LookAlike],
    &[Deed::SpreadingGreetedQuic, Deed::AddressAttempted, Deed::InboundScan],
    &[Deed::AddressContacted, Deed::SingleContacted],
    &[Deed::LookAlike, Deed::OneBeyond, Deed::HeldBack],
];

/// The campaigns that must be found once every member's deeds are done.
pub fn expected_campaigns() -> BTreeSet<CampaignLine> {
    let mut by_indicator: BTreeMap<&str, BTreeMap<&str, Evidence>> = BTreeMap::new();
    for ((number, _), deeds) in MEMBERS.iter().zip(DEEDS) {
        for (indicator, evidence) in
            deeds.iter().filter(|deed| deed.makes_incident()).filter_map(|deed| deed.expected())
        {
            let highest = by_indicator.entry(indicator).or_default().entry(number).or_insert(evidence);
            *highest = evidence.max(*highest);
        }
    }
    let several = by_indicator.into_iter().filter(|(_, members)| members.len() > 1);
    several
        .map(|(indicator, members)| CampaignLine {
            indicators: BTreeSet::from([indicator.to_owned()]),
            evidence: members.values().max().map(ToString::to_string).unwrap_or_default(),
            members: members.into_iter().map(|(number, evidence)| (number.to_owned(), evidence.to_string())).collect(),
        })
        .collect()
}

/// The alerts that must be there: member, indicator, evidence.
pub fn expected_alerts() -> BTreeSet<(String, String, String)> {
    let all = MEMBERS.iter().zip(DEEDS).flat_map(|((number, _), deeds)| {
        let found = deeds.iter().filter_map(|deed| deed.expected());
        found.map(move |(indicator, evidence)| (number.to_string(), indicator.to_owned(), evidence.to_string()))
    });
    all.collect()
}

/// Whether anybody in this traffic asked DNS for the spreading name or one below it. A name stands in a message as its
/// labels, and in no hello so.
pub fn asks_for_spreading<'a>(packets: impl IntoIterator<Item = &'a [u8]>) -> bool {
    let mut wire = Vec::new();
    for label in SPREADING.split('.') {
        wire.push(label.len() as u8);
        wire.extend(label.bytes());
    }
    wire.push(0);
    packets.into_iter().any(|octets| octets.windows(wire.len()).any(|place| place == wire))
}

/// A member's place in the demo's networks.
pub fn place(member: usize) -> Municipality {
    Municipality { number: member as u8 + 1 }
}

/// When, within a round, the deeds at a member begin: it spreads from member to member.
fn delay(member: usize, span: Duration) -> Duration {
    span.mul_f64(0.1 + 0.1 * member as f64)
}

/// Everything that passes a member's sensor in one round: ordinary traffic and its deeds.
///
/// # Errors
/// When a hello cannot be protected as QUIC wants it.
pub fn round(member: usize, start: Timestamp, mix: Mix, with_deeds: bool, random: &mut Random) -> Result<Vec<Packet>> {
    let ordinary = ordinary(place(member), start, mix, random);
    let mut planted = Traffic::starting(start);
    planted.wait(delay(member, mix.span));
    if with_deeds {
        for deed in DEEDS.get(member).copied().unwrap_or_default() {
            act(&mut planted, *deed, place(member), random)?;
            planted.wait(Duration::from_millis(700));
        }
    }
    Ok(Traffic::merged([ordinary, planted]))
}

/// A browser's first words in TLS: for whom they are stands in the open.
fn greeting(name: &str, random: &mut Random) -> Vec<u8> {
    hello::records(&hello::message(random, Manner::PostQuantum, name, &["h2", "http/1.1"]), 1 << 14)
}

fn act(traffic: &mut Traffic, deed: Deed, place: Municipality, random: &mut Random) -> Result<()> {
    let client = SocketAddr::new(place.client(random.below(40)), random.client_port());
    let resolver = place.resolver();
    let again = |port: u16| SocketAddr::new(client.ip(), port);
    let mut ask = |traffic: &mut Traffic, name: &str, outcome: &Outcome| {
        traffic.lookup(client, resolver, Question { id: random.next_u16(), name, qtype: rtype::A }, outcome);
    };
    let at = |address: Ipv4Addr, port: u16| SocketAddr::new(IpAddr::V4(address), port);
    match deed {
        Deed::SpreadingBlocked => ask(traffic, SPREADING_HOST, &Outcome::Code(rcode::NXDOMAIN)),
        Deed::SpreadingAnswered => {
            ask(traffic, SPREADING_HOST, &Outcome::address(SPREADING_HOST, SERVICE.into()));
        }
        Deed::SpreadingContacted => {
            ask(traffic, SPREADING_HOST, &Outcome::address(SPREADING_HOST, SERVICE.into()));
            traffic.connect(again(40_001), at(SERVICE, 443), PAGE);
        }
        Deed::SpreadingGreeted => {
            traffic.converse(again(40_009), at(SERVICE, 443), &greeting(SPREADING_HOST, random), 5200);
        }
        Deed::SpreadingGreetedQuic => {
            let message = hello::message(random, Manner::QuicPostQuantum, SPREADING_HOST, &["h3"]);
            let (destination, source) = (random.next_u64().to_be_bytes(), random.next_u64().to_be_bytes());
            let sent = initial::datagrams(random, Version::V1, &destination, &source, &message, Spread::Scrambled)?;
            traffic.converse_udp(again(40_010), at(SERVICE, 443), &sent, 3);
        }
        Deed::AddressAttempted => traffic.connect(again(40_002), at(CONTROL, 443), Reception::Silent),
        Deed::AddressContacted => traffic.connect(again(40_003), at(CONTROL, 443), PAGE),
        Deed::SingleContacted => {
            let address = Ipv4Addr::new(203, 0, 113, 91);
            ask(traffic, "last-ned.verktoy.example", &Outcome::address("last-ned.verktoy.example", address.into()));
            traffic.connect(again(40_004), at(address, 443), PAGE);
        }
        Deed::LookAlike => {
            let address = Ipv4Addr::new(198, 51, 100, 7);
            for name in ["minoppdatering-sky.example", "oppdatering-sky.example.kontor.example", "verktoy.example"] {
                ask(traffic, name, &Outcome::address(name, address.into()));
            }
            let hello = greeting("www.minoppdatering-sky.example", random);
            traffic.converse(again(40_005), at(address, 443), &hello, 5200);
        }
        Deed::SharedHosting => {
            ask(traffic, "butikk.nett.example", &Outcome::address("butikk.nett.example", SHARED_HOSTING.into()));
            ask(traffic, "felles-flate.example", &Outcome::address("felles-flate.example", SHARED_HOSTING.into()));
            traffic.connect(again(40_006), at(SHARED_HOSTING, 443), PAGE);
        }
        Deed::OneBeyond => {
            traffic.connect(again(40_007), at(ONE_BEYOND, 443), PAGE);
            traffic.connect(again(40_008), at(CONTROL, 8443), PAGE);
        }
        Deed::HeldBack => {
            let address = Ipv4Addr::new(203, 0, 113, 200);
            ask(traffic, SIGN_IN, &Outcome::address(SIGN_IN, address.into()));
            traffic.connect(again(40_011), at(address, 443), PAGE);
            traffic.connect(again(40_012), at(PUBLIC_RESOLVER, 443), PAGE);
        }
        Deed::InboundScan => {
            for port in [22, 445, 3389] {
                traffic.connect(at(SCAN_FROM, 51_000 + port), SocketAddr::new(client.ip(), port), Reception::Silent);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::indicator::Pattern;

    #[test]
    fn who_greets_never_asks() {
        let mix = Mix { clients: 40, actions: 50, span: Duration::from_secs(60) };
        for (member, deeds) in DEEDS.iter().enumerate() {
            let packets = round(member, Timestamp(1_700_000_000_000_000), mix, true, &mut Random::seeded(1)).unwrap();
            let asks = [Deed::SpreadingBlocked, Deed::SpreadingAnswered, Deed::SpreadingContacted];
            let planned = deeds.iter().any(|deed| asks.contains(deed));
            let greets = deeds.iter().any(|deed| matches!(deed, Deed::SpreadingGreeted | Deed::SpreadingGreetedQuic));
            assert_eq!(asks_for_spreading(packets.iter().map(|packet| &packet.ip[..])), planned, "{member}");
            assert!(!(planned && greets), "{member}");
        }
    }

    #[test]
    fn the_plan_agrees_with_itself() {
        let listed: BTreeSet<String> =
            varde_common::plain::read(LIST.as_bytes()).map(|line| line.unwrap().1.to_string()).collect();
        assert_eq!(listed.len(), 8);
        for (number, indicator, _) in expected_alerts() {
            let pattern: Pattern = indicator.parse().unwrap();
            assert!(listed.contains(&pattern.to_string()), "{indicator}");
            assert_ne!(number, MEMBERS[7].0, "the last member is never hit");
        }
        let campaigns = expected_campaigns();
        assert_eq!(campaigns.len(), 2);
        assert_eq!(campaigns.iter().map(|campaign| campaign.members.len()).sum::<usize>(), 6 + 3);
    }

    #[test]
    fn a_round_has_the_deeds_within_it() {
        let mix = Mix { clients: 40, actions: 50, span: Duration::from_secs(60) };
        let start = Timestamp(1_700_000_000_000_000);
        for member in 0..MEMBERS.len() {
            let quiet = round(member, start, mix, false, &mut Random::seeded(1)).unwrap().len();
            let packets = round(member, start, mix, true, &mut Random::seeded(1)).unwrap();
            assert!(packets.len() > quiet);
            let end = (start.plus(mix.span).as_micros() as u64 + 10_000_000) * 1000;
            assert!(packets.iter().all(|packet| packet.time_ns < end));
        }
    }
}
