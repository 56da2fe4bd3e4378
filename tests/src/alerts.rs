//! Alerts as B9 describes them (so many indicators, hosts, one site, no observed name), as records and as EVE JSON.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;
use serde_json::json;
use varde_common::alert::{AlertOpened, AlertUpdated, Circumstances, Direction, Evidence, Where, Zone};
use varde_common::id::{Epoch, IndicatorId, Pseudonym, Revision, Seq, SiteId};
use varde_common::indicator::{Marks, Severity};
use varde_common::message::Batch;
use varde_common::observation::Protocol;
use varde_common::record::{Record, RecordBody};
use varde_common::time::Timestamp;

use crate::random::Random;

/// What a batch is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Make {
    /// Alerts in it.
    pub alerts: u64,
    /// Indicators they are of.
    pub indicators: u64,
    /// Hosts they are at.
    pub hosts: u64,
}

/// B9's own.
pub const B9: Make = Make { alerts: 1_000, indicators: 200, hosts: 300 };

/// 2026-11-21 14:05 UTC.
const BEGIN_US: i64 = 1_795_269_900_000_000;

fn opened(random: &mut Random, make: Make, at: i64) -> AlertOpened {
    let indicator = random.below(make.indicators);
    let host = random.below(make.hosts);
    // Two of three are look-ups, whose server is the member's own resolver and not told; the rest is contact.
    let by_dns = !indicator.is_multiple_of(3);
    let server = Ipv4Addr::new(203, 0, 113, (indicator % 250) as u8);
    AlertOpened {
        site: SiteId(0),
        indicator: IndicatorId(120_000 + indicator * 37),
        revision: Revision(412),
        severity: Severity::from_level((indicator % 5) as u8),
        marks: Marks::default(),
        client: Some(Pseudonym(host.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))),
        zone: Zone { id: (host % 4) as u16, ..Zone::default() },
        direction: Direction::Outbound,
        evidence: if by_dns { Evidence::Answered } else { Evidence::Contacted },
        circumstances: Circumstances::default(),
        labels_left: random.below(3) as u8,
        seen_at: Where {
            server: (!by_dns).then_some(IpAddr::V4(server)),
            port: Some(if by_dns { 53 } else { 443 }),
            protocol: if by_dns { Protocol::UDP } else { Protocol::TCP },
        },
        first_seen: Timestamp(at),
        last_seen: Timestamp(at),
        count: 1,
    }
}

/// A batch of new alerts, one every 600 ms or so.
///
/// # Errors
/// None for records of our own.
pub fn batch(random: &mut Random, make: Make, first_seq: u64) -> Result<Batch> {
    let mut at = BEGIN_US;
    let mut records = Vec::new();
    for _ in 0..make.alerts {
        at += random.below(1_200_000) as i64;
        let body = RecordBody::Opened(opened(random, make, at));
        // Written down within a second of being seen.
        records.push(Record { time: Timestamp(at + random.below(1_000_000) as i64), body }.to_octets()?);
    }
    Ok(Batch { epoch: Epoch(5), first_seq: Seq(first_seq), records })
}

/// A batch of updates of the alerts of such a batch, which must come right before it.
///
/// # Errors
/// None for records of our own.
pub fn updates(random: &mut Random, make: Make, of: &Batch) -> Result<Batch> {
    let first_seq = of.first_seq.0 + of.records.len() as u64;
    let mut at = BEGIN_US + 3_600_000_000;
    let mut records = Vec::new();
    for (number, octets) in of.records.iter().enumerate() {
        let RecordBody::Opened(before) = Record::from_octets(octets)?.body else { continue };
        at += random.below(1_200_000) as i64;
        let update = AlertUpdated {
            alert: Seq(of.first_seq.0 + number as u64),
            count_increase: 1 + random.below(make.hosts),
            first_seen: before.first_seen,
            last_seen: Timestamp(at - random.below(1_000_000) as i64),
            evidence: before.evidence,
            circumstances: before.circumstances,
            seen_at: before.seen_at,
            regularity: None,
            closed: false,
        };
        records.push(Record { time: Timestamp(at), body: RecordBody::Updated(update) }.to_octets()?);
    }
    Ok(Batch { epoch: of.epoch, first_seq: Seq(first_seq), records })
}

/// The same alerts as Suricata 7 writes them (EVE JSON, without the packet and without metadata of the rule).
///
/// # Errors
/// When a record cannot be read.
pub fn eve_json(batch: &Batch) -> Result<String> {
    let mut lines = String::new();
    for octets in &batch.records {
        let RecordBody::Opened(alert) = Record::from_octets(octets)?.body else { continue };
        let host = alert.client.map_or(0, |pseudonym| pseudonym.0);
        let by_dns = alert.seen_at.server.is_none();
        let name = format!("indicator-{}.example", alert.indicator);
        let mut line = json!({
            "timestamp": alert.first_seen.to_string(),
            "flow_id": host.wrapping_mul(alert.first_seen.0.unsigned_abs()),
            "in_iface": "mirror0",
            "event_type": "alert",
            "src_ip": format!("10.20.{}.{}", host >> 8 & 255, host & 255),
            "src_port": 32_768 + host % 28_000,
            "dest_ip": alert.seen_at.server.map_or_else(|| "10.20.0.53".to_owned(), |server| server.to_string()),
            "dest_port": alert.seen_at.port,
            "proto": if by_dns { "UDP" } else { "TCP" },
            "alert": {
                "action": "allowed", "gid": 1, "signature_id": alert.indicator, "rev": alert.revision,
                "signature": format!("Varde listed name {name}"), "category": "A Network Trojan was detected",
                "severity": 1 + alert.severity.level() % 3,
            },
            "app_proto": if by_dns { "dns" } else { "tls" },
            "flow": {
                "pkts_toserver": 1, "pkts_toclient": 1, "bytes_toserver": 74, "bytes_toclient": 90,
                "start": alert.first_seen.to_string(),
            },
        });
        line[if by_dns { "dns" } else { "tls" }] = if by_dns {
            json!({ "query": [{ "type": "query", "id": host & 0xffff, "rrname": name, "rrtype": "A", "tx_id": 0, "opcode": 0 }] })
        } else {
            json!({ "sni": name, "version": "TLS 1.3" })
        };
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    Ok(lines)
}
