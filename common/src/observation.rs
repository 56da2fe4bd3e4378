//! What a sensor saw: a DNS transaction, a flow, a TLS or QUIC hello, an HTTP request. A fact, no judgement; never leaves the member.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::ja4::Ja4;
use crate::name::{DomainName, Name};
use crate::time::Timestamp;

/// An IP protocol number (IANA "Assigned Internet Protocol Numbers").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, crate::codec::Encode, crate::codec::Decode)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP for IPv4.
    pub const ICMP: Protocol = Protocol(1);
    /// TCP.
    pub const TCP: Protocol = Protocol(6);
    /// UDP.
    pub const UDP: Protocol = Protocol(17);
    /// ICMP for IPv6.
    pub const ICMPV6: Protocol = Protocol(58);

    /// Either ICMP.
    pub fn is_icmp(self) -> bool {
        matches!(self, Protocol::ICMP | Protocol::ICMPV6)
    }

    /// Whether its packets carry ports (of those read here).
    pub fn has_ports(self) -> bool {
        matches!(self, Protocol::TCP | Protocol::UDP)
    }
}

impl fmt::Display for Protocol {
    /// `udp`, `tcp`, `icmp` (both versions), else the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Protocol::UDP => f.write_str("udp"),
            Protocol::TCP => f.write_str("tcp"),
            Protocol::ICMP | Protocol::ICMPV6 => f.write_str("icmp"),
            Protocol(number) => number.fmt(f),
        }
    }
}

impl serde::Serialize for Protocol {
    /// A word for the three everybody knows, a JSON number for the others.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Protocol::UDP | Protocol::TCP | Protocol::ICMP | Protocol::ICMPV6 => serializer.collect_str(self),
            Protocol(number) => serializer.serialize_u8(number),
        }
    }
}

/// An address and a port; port 0 where the protocol has none.
pub type Endpoint = SocketAddr;

/// Something seen, by the source with this number (0 = the first one named on the command line).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Which source saw it.
    pub source: u16,
    /// What was seen.
    pub fact: Fact,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A DNS query, its response, or both.
    Dns(DnsTransaction),
    /// A flow that ended or was reported at its active timeout.
    Flow(FlowRecord),
    /// A TLS or QUIC client's first words.
    Hello(Hello),
    /// The host an HTTP request names.
    Http(HttpRequest),
}

/// A TLS ClientHello (RFC 8446 section 4.1.2), as it came over TCP or in QUIC Initial packets (RFC 9001 section 4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// When its last octet was seen.
    pub time: Timestamp,
    /// Who speaks.
    pub client: Endpoint,
    /// To whom.
    pub server: Endpoint,
    /// Over what.
    pub transport: HelloTransport,
    /// The server it names (RFC 6066 section 3).
    pub sni: Option<ServerName>,
    /// The protocols it offers, in its order (RFC 7301), escaped where they are not printable ASCII.
    pub alpn: Vec<String>,
    /// Which program it looks like; none = nobody asked (to reckon it costs more than to read all the rest).
    pub ja4: Option<Ja4>,
    /// Whether it offers encrypted names (ECH, RFC 9849): then `sni` may be a façade.
    pub ech: bool,
    /// Whether its end was never seen: then only the name of the server is told of it, which is whole; `alpn` is empty and
    /// `ja4` none, and what is missing may be more than that. It is no observation to be shown, but it is matched.
    pub is_cut: bool,
}

/// What carries a ClientHello.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HelloTransport {
    /// TLS over TCP.
    Tls,
    /// QUIC.
    Quic,
}

impl HelloTransport {
    /// The IP protocol below it.
    pub fn protocol(self) -> Protocol {
        match self {
            HelloTransport::Tls => Protocol::TCP,
            HelloTransport::Quic => Protocol::UDP,
        }
    }
}

/// A request of an HTTP/1 connection that names its host (RFC 9112 section 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// When its last octet was seen.
    pub time: Timestamp,
    /// Who asks.
    pub client: Endpoint,
    /// Whom.
    pub server: Endpoint,
    /// The host it names, without port.
    pub host: ServerName,
    /// The port its target names or implies, where that is in the form that proxies are sent (RFC 9112 sections 3.2.2
    /// and 3.2.3).
    pub target_port: Option<u16>,
    /// Whether it is another host than the request's own, which it names too: matched, and no observation.
    pub is_further: bool,
}

/// What a client calls the server it wants, in a hello (RFC 6066 section 3) or as a request's host (RFC 9110 section 7.2).
#[derive(Clone, PartialEq, Eq)]
pub enum ServerName {
    /// A domain name, in the form we compare.
    Name(DomainName),
    /// An address: usual in a request, forbidden in a hello, where malware has it all the same.
    Address(IpAddr),
    /// Neither: the text as it stands there, escaped where it is not printable ASCII, perhaps shortened. Never empty.
    Other(String),
}

impl ServerName {
    /// The name, where it is one.
    pub fn as_name(&self) -> Option<Name<'_>> {
        match self {
            ServerName::Name(name) => Some(name.as_name()),
            ServerName::Address(_) | ServerName::Other(_) => None,
        }
    }
}

impl From<DomainName> for ServerName {
    fn from(name: DomainName) -> ServerName {
        ServerName::Name(name)
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerName::Name(name) => name.fmt(f),
            ServerName::Address(address) => address.fmt(f),
            ServerName::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A DNS query and its response (RFC 9499 "transaction"); either may be missing, never both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsTransaction {
    /// When the query was seen, or the response when no query was.
    pub time: Timestamp,
    /// When the response was seen, else the same as `time`.
    pub end: Timestamp,
    /// Who asked.
    pub client: Endpoint,
    /// Who was asked.
    pub server: Endpoint,
    /// UDP or TCP.
    pub protocol: Protocol,
    /// The message id (RFC 1035 section 4.1.1).
    pub id: u16,
    /// Recursion desired, as the query (or the echo of it in the response) says.
    pub recursion_desired: bool,
    /// The name asked for.
    pub qname: DomainName,
    /// The type asked for (IANA number).
    pub qtype: u16,
    /// The header's four bits; none = no response seen.
    pub rcode: Option<u8>,
    /// The answer section, as far as it was read.
    pub answers: Vec<Answer>,
}

/// A record of an answer section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The owner name.
    pub name: DomainName,
    /// Type (IANA number).
    pub rtype: u16,
    /// Time to live, seconds.
    pub ttl_s: u32,
    /// Its data, where it is an address or a name we read.
    pub data: AnswerData,
}

/// The data of an answer, as far as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AnswerData {
    /// A or AAAA, or an address that a service binding (SVCB, HTTPS) hints at.
    Address(IpAddr),
    /// CNAME, or the name that a service binding leads to.
    Name(DomainName),
    /// Any other type.
    Other,
}

/// Packets between two ends (RFC 7011, bidirectional as RFC 5103).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowRecord {
    /// Sent the first packet (or received the first SYN-ACK).
    pub initiator: Endpoint,
    /// The other end.
    pub responder: Endpoint,
    /// IP protocol.
    pub protocol: Protocol,
    /// Packets from initiator to responder.
    pub packets: u64,
    /// Their octets, as IP total length.
    pub octets: u64,
    /// Packets from responder to initiator.
    pub reverse_packets: u64,
    /// Their octets, as IP total length.
    pub reverse_octets: u64,
    /// First packet.
    pub start: Timestamp,
    /// Last packet.
    pub end: Timestamp,
    /// How far it got.
    pub contact: Contact,
}

/// How far a flow got, in rising order (decision 21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Contact {
    /// Nothing but resets or ICMP errors: nobody tried anything.
    ErrorsOnly,
    /// The initiator sent, nothing came back that counts as a reply (a RST or ICMP error is none).
    Unanswered,
    /// TCP handshake complete, or UDP, ICMP or another protocol answered by the other end.
    Answered,
}

/// IANA mnemonic of a DNS type; unknown ones as `TYPE65` (RFC 3597 section 5).
pub fn qtype_mnemonic(qtype: u16) -> String {
    let known = match qtype {
        1 => "A",
        2 => "NS",
        3 => "MD",
        4 => "MF",
        5 => "CNAME",
        6 => "SOA",
        7 => "MB",
        8 => "MG",
        9 => "MR",
        10 => "NULL",
        11 => "WKS",
        12 => "PTR",
        13 => "HINFO",
        14 => "MINFO",
        15 => "MX",
        16 => "TXT",
        17 => "RP",
        18 => "AFSDB",
        19 => "X25",
        20 => "ISDN",
        21 => "RT",
        22 => "NSAP",
        23 => "NSAP-PTR",
        24 => "SIG",
        25 => "KEY",
        26 => "PX",
        27 => "GPOS",
        28 => "AAAA",
        29 => "LOC",
        30 => "NXT",
        31 => "EID",
        32 => "NIMLOC",
        33 => "SRV",
        34 => "ATMA",
        35 => "NAPTR",
        36 => "KX",
        37 => "CERT",
        38 => "A6",
        39 => "DNAME",
        40 => "SINK",
        41 => "OPT",
        42 => "APL",
        43 => "DS",
        44 => "SSHFP",
        45 => "IPSECKEY",
        46 => "RRSIG",
        47 => "NSEC",
        48 => "DNSKEY",
        49 => "DHCID",
        50 => "NSEC3",
        51 => "NSEC3PARAM",
        52 => "TLSA",
        53 => "SMIMEA",
        55 => "HIP",
        56 => "NINFO",
        57 => "RKEY",
        58 => "TALINK",
        59 => "CDS",
        60 => "CDNSKEY",
        61 => "OPENPGPKEY",
        62 => "CSYNC",
        63 => "ZONEMD",
        64 => "SVCB",
        65 => "HTTPS",
        66 => "DSYNC",
        67 => "HHIT",
        68 => "BRID",
        99 => "SPF",
        100 => "UINFO",
        101 => "UID",
        102 => "GID",
        103 => "UNSPEC",
        104 => "NID",
        105 => "L32",
        106 => "L64",
        107 => "LP",
        108 => "EUI48",
        109 => "EUI64",
        128 => "NXNAME",
        249 => "TKEY",
        250 => "TSIG",
        251 => "IXFR",
        252 => "AXFR",
        253 => "MAILB",
        254 => "MAILA",
        255 => "ANY",
        256 => "URI",
        257 => "CAA",
        258 => "AVC",
        259 => "DOA",
        260 => "AMTRELAY",
        261 => "RESINFO",
        262 => "WALLET",
        263 => "CLA",
        264 => "IPN",
        32768 => "TA",
        32769 => "DLV",
        other => return format!("TYPE{other}"),
    };
    known.to_owned()
}

/// IANA mnemonic of a header RCODE (RFC 6895 section 2.3); unassigned ones as `RCODE12`.
pub fn rcode_mnemonic(rcode: u8) -> String {
    let known = match rcode {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        6 => "YXDOMAIN",
        7 => "YXRRSET",
        8 => "NXRRSET",
        9 => "NOTAUTH",
        10 => "NOTZONE",
        11 => "DSOTYPENI",
        other => return format!("RCODE{other}"),
    };
    known.to_owned()
}

/// The DNS types and codes the sensor itself acts on.
pub mod dns {
    /// IPv4 address.
    pub const A: u16 = 1;
    /// Canonical name.
    pub const CNAME: u16 = 5;
    /// IPv6 address.
    pub const AAAA: u16 = 28;
    /// Service binding (RFC 9460).
    pub const SVCB: u16 = 64;
    /// Service binding for HTTP (RFC 9460).
    pub const HTTPS: u16 = 65;
    /// No error.
    pub const NOERROR: u8 = 0;
    /// No such name.
    pub const NXDOMAIN: u8 = 3;
    /// Refused by policy.
    pub const REFUSED: u8 = 5;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mnemonics_are_iana_s() {
        assert_eq!(qtype_mnemonic(28), "AAAA");
        assert_eq!(qtype_mnemonic(12345), "TYPE12345");
        assert_eq!(rcode_mnemonic(3), "NXDOMAIN");
        assert_eq!(rcode_mnemonic(15), "RCODE15");
    }
}
