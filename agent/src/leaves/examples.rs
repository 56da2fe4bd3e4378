//! Values as a sensor would send them: one host of a municipality looked up a listed name and was answered.

use std::net::IpAddr;

use varde_common::alert::{
    AlertOpened, AlertUpdated, BrakedCount, Circumstances, CrowdOpened, CrowdUpdated, Direction, Evidence, Regularity,
    Where, Zone,
};
use varde_common::codec::{EncodeError, Text};
use varde_common::compact::Packer;
use varde_common::heartbeat::{BlindSpots, Further, Heartbeat, Pulse, Refusal};
use varde_common::id::{Epoch, IndicatorId, Mark, Pseudonym, Revision, SensorId, Seq, SiteId};
use varde_common::indicator::{Marks, Severity};
use varde_common::message::{
    Batch, BrakeOutcome, ChannelOutcome, CloseReason, EndsHeard, Exclusions, Freshness, Hello, Holds, ListOutcome,
    PROTOCOLS, RootOutcome, Sight, Standing, Stream, ToCollector,
};
use varde_common::observation::Protocol;
use varde_common::record::{LossCounts, LossReason, Record, RecordBody, SensorEvent};
use varde_common::tie::{SessionId, Word};
use varde_common::time::Timestamp;

use crate::pseudonym::SiteKey;

/// Where examples go.
pub(super) const COLLECTOR: &str = "varde.csirt.example";
/// When they were made: 1 December 2026, 08:00.
pub(super) const NOW: Timestamp = Timestamp(1_796_112_000_000_000);

/// A host as it leaves: its address is not in it.
fn host() -> Pseudonym {
    SiteKey::new([0x2a; 32]).pseudonym(IpAddr::from([10, 1, 2, 3]), NOW)
}

fn opened() -> AlertOpened {
    AlertOpened {
        site: SiteId(0),
        indicator: IndicatorId(4711),
        revision: Revision(12),
        severity: Severity::High,
        marks: Marks::default(),
        client: Some(host()),
        zone: Zone { id: 2, ..Zone::default() },
        direction: Direction::Outbound,
        evidence: Evidence::Answered,
        circumstances: Circumstances::default(),
        labels_left: 1,
        seen_at: Where { server: Some(IpAddr::from([198, 51, 100, 9])), port: Some(53), protocol: Protocol::UDP },
        first_seen: NOW,
        last_seen: NOW,
        count: 1,
    }
}

fn updated() -> AlertUpdated {
    let Where { server, .. } = opened().seen_at;
    AlertUpdated {
        alert: Seq(41),
        count_increase: 6,
        first_seen: NOW,
        last_seen: NOW,
        evidence: Evidence::Contacted,
        circumstances: Circumstances::default(),
        seen_at: Where { server, port: Some(443), protocol: Protocol::TCP },
        regularity: Some(Regularity { contacts: 6, median_interval_ms: 60_000, spread_ms: 900 }),
        closed: false,
    }
}

pub(super) fn records() -> Vec<(&'static str, RecordBody)> {
    let (from, to, counts) = (Seq(7), Seq(9), LossCounts { low: 3, ..LossCounts::default() });
    let crowd = AlertOpened { client: None, zone: Zone::default(), ..opened() };
    let event = RecordBody::Event;
    let braked = BrakedCount {
        order: 3,
        site: SiteId(0),
        indicator: IndicatorId(4711),
        revision: Revision(12),
        severity: Severity::High,
        marks: Marks::default(),
        direction: Direction::Outbound,
        evidence: Evidence::LookedUp,
        first_seen: NOW,
        last_seen: NOW,
        count_increase: 900,
        hosts: 210,
    };
    let demoted = SensorEvent::IndicatorDemoted {
        site: SiteId(0),
        indicator: IndicatorId(4711),
        exercise: false,
        revision: Revision(12),
        hosts: 257,
        matches: 800,
        within_s: 3_600,
    };
    let told_again = SensorEvent::IndicatorToldAgain {
        site: SiteId(0),
        indicator: IndicatorId(4711),
        exercise: false,
        revision: Revision(12),
    };
    let ended = SensorEvent::RecordsEnded { epoch: Epoch(1 << 100), from, to, may_be_sent: false, counts };
    vec![
        ("alert-opened", RecordBody::Opened(opened())),
        ("alert-updated", RecordBody::Updated(updated())),
        ("crowd-opened", RecordBody::CrowdOpened(CrowdOpened { opened: crowd, hosts: 300 })),
        (
            "crowd-updated",
            RecordBody::CrowdUpdated(CrowdUpdated {
                updated: AlertUpdated { regularity: None, ..updated() },
                hosts: 412,
            }),
        ),
        ("braked-count", RecordBody::Braked(braked)),
        ("loss", RecordBody::Loss { from, to, reason: LossReason::SpoolDamaged }),
        ("given-up", RecordBody::GivenUp { from, to, reason: LossReason::SpoolFull, counts }),
        ("event-started", event(SensorEvent::Started { version: Text::cut(env!("CARGO_PKG_VERSION")) })),
        ("event-list-in-force", event(SensorEvent::ListInForce { revision: Revision(12), indicators: 90_412 })),
        (
            "event-list-refused",
            event(SensorEvent::ListRefused {
                revision: Revision(13),
                why: Text::cut("the signature is not of a key that the root document names"),
            }),
        ),
        ("event-spool-damaged", event(SensorEvent::SpoolDamaged { octets: 512 })),
        ("event-records-ended", event(ended)),
        ("event-unread-ended", event(SensorEvent::UnreadEnded { place: 0x7c2a_91d0_33e4_5b6f, octets: 4_096 })),
        ("event-demoted", event(demoted)),
        ("event-told-again", event(told_again)),
        ("event-self-test", event(SensorEvent::SelfTest { number: 0x7c2a_91d0_33e4_5b6f })),
    ]
}

fn heartbeat() -> Heartbeat {
    Heartbeat {
        clock: NOW,
        packets: 81_204_113,
        octets: 61_002_334_821,
        sources: 1,
        refusals: vec![Refusal { reason: Text::cut("dns_cut_short"), count: 9 }],
        dns_messages: 1_412_002,
        flows: 902_113,
        blind: BlindSpots { flows: 612_001, doh_flows: 412, ..BlindSpots::default() },
        sightings: 7,
        alerts: 1,
        last_packet_ms: Some(3),
        revision: Revision(12),
        indicators: 90_412,
        memory_octets: 61_000_000,
        cpu_ms: 912_000,
        disk_free_octets: 12_000_000_000,
        ..Heartbeat::default()
    }
}

pub(super) fn messages() -> Result<Vec<(&'static str, ToCollector)>, EncodeError> {
    let octets = |(_, body)| Record { time: NOW, body }.to_octets();
    let records = records().into_iter().take(2).map(octets).collect::<Result<Vec<_>, _>>()?;
    let batch = Batch { epoch: Epoch(1 << 100), first_seq: Seq(41), records };
    let compact = Packer::default().pack(&batch);
    let hello = Hello {
        protocol_min: *PROTOCOLS.start(),
        protocol_max: *PROTOCOLS.end(),
        agent_version: Text::cut(env!("CARGO_PKG_VERSION")),
        epoch: Epoch(1 << 100),
        first_seq: Seq(1),
        next_seq: Seq(43),
        revision: Revision(12),
        root_version: 1,
        sites: vec![SiteId(0)],
        clock: NOW,
    };
    // Of a key that was thrown away: what a request holds is the key's public half.
    let csr_der = vec![0x30; 180];
    let enrol = ToCollector::Enrol {
        sensor: SensorId(4),
        csr_der: csr_der.clone(),
        proof: [0x5a; 32],
        agent_version: Text::cut(env!("CARGO_PKG_VERSION")),
    };
    let sight = Sight {
        heard: EndsHeard { both: 512_000, inside_alone: 40, answered: 700_000, ..EndsHeard::default() },
        exclusions: Exclusions { sources: 1, inside_v4: 17_891_328, dns_ports: 1, ..Exclusions::default() },
    };
    let holds = Holds { channel: Text::cut("all"), placed_at: None, base: Some([0x11; 32]) };
    let standing = Standing { root_version: 1, told_at: Some(NOW), named: Revision(12), freshness: Freshness::Fresh };
    let further = Further { matching: Some(Revision(12)), ..Further::default() };
    Ok(vec![
        ("open", ToCollector::Open(Stream::Control)),
        ("kept", ToCollector::Kept(Some(Mark(0x1234 << 64)))),
        ("hello", ToCollector::Hello(hello)),
        ("heartbeat", ToCollector::Heartbeat(heartbeat())),
        ("pulse", ToCollector::Pulse(Pulse { heartbeat: heartbeat(), further })),
        ("standing", ToCollector::Standing(standing)),
        ("sight", ToCollector::Sight(sight)),
        ("ask-tests", ToCollector::AskTests),
        ("batch", ToCollector::Batch(batch)),
        ("compact", ToCollector::Compact(compact)),
        ("holds", ToCollector::Holds(holds)),
        ("subscribe", ToCollector::Subscribe { revision: Revision(12) }),
        ("list-outcome", ToCollector::ListOutcome(ListOutcome::InForce { revision: Revision(13), since: NOW })),
        ("ask-whole", ToCollector::AskWhole),
        ("channel-outcome", ToCollector::ChannelOutcome(ChannelOutcome::Follows { channel: Text::cut("pilot") })),
        ("root-outcome", ToCollector::RootOutcome(RootOutcome::InForce { version: 2, since: NOW })),
        ("newest-refused", ToCollector::NewestRefused { why: Text::cut("it is older than the one before") }),
        ("brake-outcome", ToCollector::BrakeOutcome(BrakeOutcome::Taken { number: 3, since: NOW })),
        ("renew", ToCollector::Renew { csr_der }),
        ("ask-root", ToCollector::AskRoot),
        ("ask-pinned", ToCollector::AskPinned { sha256: [0x22; 32] }),
        ("ask-roots", ToCollector::AskRoots { version: 1 }),
        ("enrol", enrol),
    ])
}

pub(super) fn words() -> [(&'static str, Word); 3] {
    [
        ("tie", Word::Tie(Some(SessionId([0x33; 16])))),
        ("alive", Word::Alive),
        ("close", Word::Close(CloseReason::GoingDown)),
    ]
}
