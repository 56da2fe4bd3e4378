//! The lines `inspect` prints: as JSON for machines, as text for people.

use std::io::{self, Write};
use std::net::IpAddr;

use serde::Serialize;
use varde_common::alert::{Direction, Evidence};
use varde_common::indicator::{Indicator, Kind};
use varde_common::ja4::Ja4;
use varde_common::observation::{
    Answer, AnswerData, DnsTransaction, Endpoint, Fact, FlowRecord, Hello, HelloTransport, HttpRequest, Observation,
    Protocol, qtype_mnemonic, rcode_mnemonic,
};
use varde_common::time::Timestamp;

use crate::raise::Sighting;
use crate::raise::bearing::Observed;
use crate::raise::fold::Alert;

/// For whom the lines are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// One JSON object a line.
    Json,
    /// Text.
    People,
}

/// In the place of what is not told.
const WITHHELD: &str = "withheld";

/// What met the indicator; withheld where that would tell what a confidential one is.
fn observed_of(indicator: &Indicator, observed: &Observed) -> String {
    if indicator.pattern.is_confidential() { WITHHELD.to_owned() } else { observed.to_string() }
}

/// The other end of it. A confidential indicator may be that very address, or one that is soon found out from it.
fn server_of(indicator: &Indicator, server: Endpoint) -> Option<Endpoint> {
    (!indicator.pattern.is_confidential()).then_some(server)
}

#[derive(Serialize)]
struct AlertLine<'a> {
    r#type: &'a str,
    indicator: String,
    kind: Kind,
    evidence: Evidence,
    observed: String,
    client: Option<IpAddr>,
    server: Option<IpAddr>,
    port: Option<u16>,
    protocol: Protocol,
    direction: Direction,
    first_seen: Timestamp,
    last_seen: Timestamp,
    count: u64,
}

#[derive(Serialize)]
struct SightingLine<'a> {
    r#type: &'a str,
    indicator: String,
    kind: Kind,
    evidence: Evidence,
    observed: String,
    client: IpAddr,
    client_port: Option<u16>,
    server: Option<IpAddr>,
    server_port: Option<u16>,
    protocol: Protocol,
    direction: Direction,
    time: Timestamp,
}

#[derive(Serialize)]
struct AnswerLine {
    name: String,
    r#type: String,
    ttl: u32,
    data: Option<String>,
}

#[derive(Serialize)]
struct DnsLine<'a> {
    r#type: &'a str,
    time: Timestamp,
    client: IpAddr,
    server: IpAddr,
    id: u16,
    qname: String,
    qtype: String,
    rcode: Option<String>,
    answers: Vec<AnswerLine>,
}

#[derive(Serialize)]
struct FlowLine<'a> {
    r#type: &'a str,
    initiator: IpAddr,
    initiator_port: Option<u16>,
    responder: IpAddr,
    responder_port: Option<u16>,
    protocol: Protocol,
    packets: u64,
    octets: u64,
    reverse_packets: u64,
    reverse_octets: u64,
    start: Timestamp,
    end: Timestamp,
}

#[derive(Serialize)]
struct HelloLine<'a> {
    r#type: &'a str,
    transport: HelloTransport,
    time: Timestamp,
    client: IpAddr,
    client_port: u16,
    server: IpAddr,
    server_port: u16,
    sni: Option<String>,
    alpn: &'a [String],
    ja4: Option<&'a str>,
}

#[derive(Serialize)]
struct HttpLine<'a> {
    r#type: &'a str,
    time: Timestamp,
    client: IpAddr,
    client_port: u16,
    server: IpAddr,
    server_port: u16,
    host: String,
}

fn port(endpoint: Endpoint, protocol: Protocol) -> Option<u16> {
    protocol.has_ports().then_some(endpoint.port())
}

fn json<T: Serialize>(output: &mut impl Write, line: &T) -> io::Result<()> {
    serde_json::to_writer(&mut *output, line)?;
    output.write_all(b"\n")
}

/// An end as people write it: with a port where it has one.
fn shown(endpoint: Endpoint, protocol: Protocol) -> String {
    if protocol.has_ports() { endpoint.to_string() } else { endpoint.ip().to_string() }
}

/// One alert.
///
/// # Errors
/// The output's own.
pub(super) fn alert(output: &mut impl Write, style: Style, alert: &Alert) -> io::Result<()> {
    let server = server_of(&alert.indicator, alert.server);
    let line = AlertLine {
        r#type: "alert",
        indicator: alert.indicator.pattern.to_string(),
        kind: alert.indicator.pattern.kind(),
        evidence: alert.evidence,
        observed: observed_of(&alert.indicator, &alert.observed),
        client: alert.key.client,
        server: server.map(|server| server.ip()),
        port: port(alert.server, alert.protocol),
        protocol: alert.protocol,
        direction: alert.key.direction,
        first_seen: alert.first_seen,
        last_seen: alert.last_seen,
        count: alert.count,
    };
    match style {
        Style::Json => json(output, &line),
        Style::People => {
            let client = line.client.map_or_else(|| "no host of ours".to_owned(), |client| client.to_string());
            let possible =
                if alert.circumstances.possible_contact { ", possible contact (shared address)" } else { "" };
            let resolver = if alert.circumstances.by_resolver { ", asked by a resolver" } else { "" };
            let other = if alert.circumstances.looked_up_by_other { ", looked up by another host" } else { "" };
            writeln!(
                output,
                "{} {} {} ({}): {client} {} {} as {} over {}, {} to {}, {} times{possible}{resolver}{other}",
                line.evidence,
                line.direction.as_str(),
                line.indicator,
                line.kind,
                if line.direction == Direction::Inbound { "from" } else { "to" },
                server.map_or_else(|| WITHHELD.to_owned(), |server| shown(server, alert.protocol)),
                line.observed,
                line.protocol,
                line.first_seen,
                line.last_seen,
                line.count,
            )
        }
    }
}

/// One sighting.
///
/// # Errors
/// The output's own.
pub(super) fn sighting(output: &mut impl Write, style: Style, sighting: &Sighting) -> io::Result<()> {
    let server = server_of(&sighting.indicator, sighting.server);
    let line = SightingLine {
        r#type: "sighting",
        indicator: sighting.indicator.pattern.to_string(),
        kind: sighting.indicator.pattern.kind(),
        evidence: sighting.evidence,
        observed: observed_of(&sighting.indicator, &sighting.observed),
        client: sighting.client.ip(),
        client_port: port(sighting.client, sighting.protocol),
        server: server.map(|server| server.ip()),
        server_port: port(sighting.server, sighting.protocol),
        protocol: sighting.protocol,
        direction: sighting.direction,
        time: sighting.time,
    };
    match style {
        Style::Json => json(output, &line),
        Style::People => writeln!(
            output,
            "{} {} {} {} ({}): {} {} {} as {} over {}",
            line.time,
            line.evidence,
            line.direction.as_str(),
            line.indicator,
            line.kind,
            shown(sighting.client, sighting.protocol),
            if line.direction == Direction::Inbound { "from" } else { "to" },
            server.map_or_else(|| WITHHELD.to_owned(), |server| shown(server, sighting.protocol)),
            line.observed,
            line.protocol,
        ),
    }
}

/// One observation.
///
/// # Errors
/// The output's own.
pub(super) fn observation(output: &mut impl Write, style: Style, observation: &Observation) -> io::Result<()> {
    match &observation.fact {
        Fact::Dns(transaction) => dns(output, style, transaction),
        Fact::Flow(record) => flow(output, style, record),
        Fact::Hello(seen) => hello(output, style, seen),
        Fact::Http(request) => http(output, style, request),
    }
}

fn answer_line(answer: &Answer) -> AnswerLine {
    AnswerLine {
        name: answer.name.to_string(),
        r#type: qtype_mnemonic(answer.rtype),
        ttl: answer.ttl_s,
        data: match &answer.data {
            AnswerData::Address(address) => Some(address.to_string()),
            AnswerData::Name(name) => Some(name.to_string()),
            AnswerData::Other => None,
        },
    }
}

fn dns(output: &mut impl Write, style: Style, transaction: &DnsTransaction) -> io::Result<()> {
    let line = DnsLine {
        r#type: "dns",
        time: transaction.time,
        client: transaction.client.ip(),
        server: transaction.server.ip(),
        id: transaction.id,
        qname: transaction.qname.to_string(),
        qtype: qtype_mnemonic(transaction.qtype),
        rcode: transaction.rcode.map(rcode_mnemonic),
        answers: transaction.answers.iter().map(answer_line).collect(),
    };
    match style {
        Style::Json => json(output, &line),
        Style::People => {
            let answers: Vec<String> = line
                .answers
                .iter()
                .map(|answer| format!("{} {}", answer.r#type, answer.data.as_deref().unwrap_or("…")))
                .collect();
            writeln!(
                output,
                "{} dns {} asks {} for {} {}: {} {}",
                line.time,
                line.client,
                line.server,
                line.qname,
                line.qtype,
                line.rcode.as_deref().unwrap_or("no response"),
                answers.join(", ")
            )
        }
    }
}

fn hello(output: &mut impl Write, style: Style, hello: &Hello) -> io::Result<()> {
    let line = HelloLine {
        r#type: "hello",
        transport: hello.transport,
        time: hello.time,
        client: hello.client.ip(),
        client_port: hello.client.port(),
        server: hello.server.ip(),
        server_port: hello.server.port(),
        sni: hello.sni.as_ref().map(ToString::to_string),
        alpn: &hello.alpn,
        ja4: hello.ja4.as_ref().map(Ja4::as_str),
    };
    match style {
        Style::Json => json(output, &line),
        Style::People => {
            let carrier = match hello.transport {
                HelloTransport::Tls => "tls",
                HelloTransport::Quic => "quic",
            };
            writeln!(
                output,
                "{} {carrier} {} greets {} as {} offering {} ({})",
                line.time,
                hello.client,
                hello.server,
                line.sni.as_deref().unwrap_or("no name"),
                if line.alpn.is_empty() { "nothing".to_owned() } else { line.alpn.join(", ") },
                line.ja4.unwrap_or("no fingerprint"),
            )
        }
    }
}

fn http(output: &mut impl Write, style: Style, request: &HttpRequest) -> io::Result<()> {
    let line = HttpLine {
        r#type: "http",
        time: request.time,
        client: request.client.ip(),
        client_port: request.client.port(),
        server: request.server.ip(),
        server_port: request.server.port(),
        host: request.host.to_string(),
    };
    match style {
        Style::Json => json(output, &line),
        Style::People => {
            writeln!(output, "{} http {} asks {} for {}", line.time, request.client, request.server, line.host)
        }
    }
}

fn flow(output: &mut impl Write, style: Style, record: &FlowRecord) -> io::Result<()> {
    let line = FlowLine {
        r#type: "flow",
        initiator: record.initiator.ip(),
        initiator_port: port(record.initiator, record.protocol),
        responder: record.responder.ip(),
        responder_port: port(record.responder, record.protocol),
        protocol: record.protocol,
        packets: record.packets,
        octets: record.octets,
        reverse_packets: record.reverse_packets,
        reverse_octets: record.reverse_octets,
        start: record.start,
        end: record.end,
    };
    match style {
        Style::Json => json(output, &line),
        Style::People => writeln!(
            output,
            "{} flow {} {} to {}: {} packets {} octets out, {} packets {} octets back, until {}",
            line.start,
            line.protocol,
            shown(record.initiator, record.protocol),
            shown(record.responder, record.protocol),
            line.packets,
            line.octets,
            line.reverse_packets,
            line.reverse_octets,
            line.end,
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use varde_common::confidential::{Confidential, ConfidentialKey, Hidden};
    use varde_common::id::{IndicatorId, Revision};
    use varde_common::indicator::{Pattern, Target};
    use varde_common::matcher::IndicatorSet;
    use varde_common::observation::{Contact, Endpoint};

    use super::*;
    use crate::flow::{FlowEvent, FlowId, FlowStep, Volume};
    use crate::raise::place::{Places, inside_by_default};
    use crate::raise::resolvers::Resolvers;
    use crate::raise::sinkholes::Sinkholes;
    use crate::raise::{Keep, Raise, RaiseSettings};

    const LISTED: &str = "203.0.113.9";

    /// Every line there is about a connection to the listed address.
    fn lines(target: Target) -> String {
        let pattern = Pattern { target, port: None };
        let set = IndicatorSet::build(vec![Indicator::bare(IndicatorId(7), pattern)]);
        let settings = RaiseSettings {
            places: Places::new(inside_by_default(), Vec::new(), Vec::new()),
            resolvers: Resolvers::new(None),
            dns_ports: vec![53],
            sinkholes: Sinkholes::new(&[]),
            frequent_hosts: None,
            keep: Keep { alerts: true, sightings: true },
        };
        let mut raise = Raise::new(settings, Arc::new(set), Revision(1));
        let initiator: Endpoint = "10.0.0.5:40000".parse().unwrap();
        let record = FlowRecord {
            initiator,
            responder: Endpoint::new(LISTED.parse().unwrap(), 443),
            protocol: Protocol::TCP,
            packets: 3,
            octets: 180,
            reverse_packets: 2,
            reverse_octets: 120,
            start: Timestamp(0),
            end: Timestamp(1),
            contact: Contact::Answered,
        };
        for step in [FlowStep::Opened, FlowStep::Closed] {
            let (flow, began, volume) = (FlowId(1), Timestamp(0), Volume::default());
            raise
                .handle_flow(&FlowEvent { flow, source: 0, step, began, volume, record: record.clone() }, Timestamp(1));
        }
        raise.close_all();
        let (met, told) = (raise.poll_sighting().unwrap(), raise.poll_alert().unwrap());
        let mut output = Vec::new();
        for style in [Style::Json, Style::People] {
            sighting(&mut output, style, &met).unwrap();
            alert(&mut output, style, &told).unwrap();
        }
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn of_a_confidential_indicator_neither_what_met_it_nor_the_other_end_is_told() {
        let address: IpAddr = LISTED.parse().unwrap();
        let digest = ConfidentialKey::default().network(address, 32);
        let told = lines(Target::Confidential(Confidential { number: IndicatorId(7), of: Hidden::Ipv4, digest }));
        assert_eq!(told.lines().count(), 4, "{told}");
        assert!(
            told.lines().all(|line| line.contains("confidential indicator 7") && line.contains("10.0.0.5")),
            "{told}"
        );
        assert!(!told.contains(LISTED), "{told}");
        assert!(told.contains("\"server\":null") && told.contains("to withheld as withheld over tcp"), "{told}");
        let open = lines(Target::Address(address));
        assert!(open.lines().all(|line| line.matches(LISTED).count() == 3), "indicator, observed and server: {open}");
    }
}
