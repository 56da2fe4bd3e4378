//! Where sensors dial: what the operator says, what the running collector has bound, and what of it goes into tokens.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// UDP port of sessions (decision 18).
pub const QUIC_PORT: u16 = 7843;
/// UDP port of enrolment.
pub const ENROLL_PORT: u16 = 7844;
/// TCP port of sessions and enrolment where UDP is blocked.
pub const TCP_PORT: u16 = varde_common::tie::TCP_PORT;
/// TCP port of the page.
pub const WEB_PORT: u16 = 8443;
/// Port at which numbers for Prometheus are told, in examples.
pub const METRICS_PORT: u16 = 9844;

/// What the operator says sensors should dial: a host, perhaps with a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialAddress {
    /// As it is written before a port: a name, an IPv4 address, or an IPv6 address in brackets.
    host: String,
    port: Option<u16>,
}

/// Text that is no address to dial.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// An IPv6 address without brackets: its end cannot be told from a port.
    #[error("\"{0}\" is an IPv6 address; write it in brackets: [{0}] or [{0}]:7843")]
    BareIpv6(String),
    /// Brackets around something else.
    #[error("what stands in the brackets of \"{0}\" is no IPv6 address; write [2001:db8::1] or [2001:db8::1]:7843")]
    Brackets(String),
    /// No host name.
    #[error(
        "\"{0}\" is no host name or address; write varde.example, 192.0.2.1 or [2001:db8::1], with :PORT if need be"
    )]
    Host(String),
    /// No port.
    #[error("\"{0}\" is no port; use 1 to 65535")]
    Port(String),
}

impl FromStr for DialAddress {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<DialAddress, BadAddress> {
        let text = text.trim();
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(BadAddress::BareIpv6(text.to_owned()));
        }
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let brackets = || BadAddress::Brackets(text.to_owned());
            let (inside, after) = rest.split_once(']').ok_or_else(brackets)?;
            let address: Ipv6Addr = inside.parse().map_err(|_| brackets())?;
            let port = match after.strip_prefix(':') {
                Some(port) => Some(port),
                None if after.is_empty() => None,
                None => return Err(BadAddress::Port(after.to_owned())),
            };
            (format!("[{address}]"), port)
        } else {
            let (host, port) = match text.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            };
            if !is_host(host) {
                return Err(BadAddress::Host(host.to_owned()));
            }
            (host.to_ascii_lowercase(), port)
        };
        let port = match port {
            Some(text) => {
                let port = text.parse::<u16>().ok().filter(|&port| port > 0);
                Some(port.ok_or_else(|| BadAddress::Port(text.to_owned()))?)
            }
            None => None,
        };
        Ok(DialAddress { host, port })
    }
}

impl DialAddress {
    /// The name or address alone, without brackets.
    pub fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }
}

/// A host name (RFC 1123) or an IPv4 address.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let numeric = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    // A token's text field holds 255 octets, port included.
    host.len() <= 240
        && host.strip_suffix('.').unwrap_or(host).split('.').all(label)
        && (!numeric || host.parse::<std::net::Ipv4Addr>().is_ok())
}

impl fmt::Display for DialAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// What a running collector has bound, as `run.json` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// Sessions, UDP.
    pub quic: SocketAddr,
    /// Enrolment, UDP.
    pub enroll: SocketAddr,
    /// The page, TCP.
    pub web: SocketAddr,
    /// Sessions and enrolment where UDP is blocked, TCP; none = not listened for.
    #[serde(default)]
    pub tcp: Option<SocketAddr>,
}

/// Where to listen, or not to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// There.
    At(SocketAddr),
    /// Nowhere, written `none`.
    Nowhere,
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Listen, String> {
        match text {
            "none" => Ok(Listen::Nowhere),
            address => address.parse().map(Listen::At).map_err(|_| {
                format!("\"{address}\" is no address and port; write for example [::]:{TCP_PORT}, or none")
            }),
        }
    }
}

impl Listen {
    /// The address, if there is one.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Listen::At(address) => Some(address),
            Listen::Nowhere => None,
        }
    }
}

/// What a token says, each `HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dial {
    /// Sessions.
    pub quic: String,
    /// Enrolment.
    pub enroll: String,
}

/// Nobody has said what sensors should dial, and the collector listens on every address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is not known which address sensors should dial; say it once with: varde-collector init --address HOST (a name or address that the members can reach)"
)]
pub struct NoAddress;

/// The addresses for a token: what was set, completed by the ports that are bound, else by the usual ones. Enrolment is
/// usually the port after that of sessions.
///
/// # Errors
/// [`NoAddress`].
pub fn dial(set: Option<&DialAddress>, bound: Option<&Bound>) -> Result<Dial, NoAddress> {
    let usual = set.and_then(|set| set.port).and_then(|quic| quic.checked_add(1)).unwrap_or(ENROLL_PORT);
    let enroll_port = bound.map_or(usual, |bound| bound.enroll.port());
    if let Some(set) = set {
        let quic_port = set.port.or(bound.map(|bound| bound.quic.port())).unwrap_or(QUIC_PORT);
        return Ok(Dial { quic: format!("{}:{quic_port}", set.host), enroll: format!("{}:{enroll_port}", set.host) });
    }
    let bound = bound.filter(|bound| !bound.quic.ip().is_unspecified()).ok_or(NoAddress)?;
    let enroll_ip = if bound.enroll.ip().is_unspecified() { bound.quic.ip() } else { bound.enroll.ip() };
    Ok(Dial { quic: bound.quic.to_string(), enroll: SocketAddr::new(enroll_ip, enroll_port).to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused_with_what_would_be_right() {
        for (given, shown) in [
            ("Varde.Example", "varde.example"),
            ("varde.example:9000", "varde.example:9000"),
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:7843", "192.0.2.1:7843"),
            ("[2001:DB8::1]", "[2001:db8::1]"),
            ("[2001:db8::1]:1", "[2001:db8::1]:1"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(given.parse::<DialAddress>().map(|a| a.to_string()), Ok(shown.to_owned()), "{given}");
        }
        for bad in [
            "",
            ":1",
            "2001:db8::1",
            "[::1",
            "[a]",
            "[::1]x",
            "a b",
            "-a.no",
            "host:0",
            "host:65536",
            "host:",
            "http://a",
            "1.2.3",
            "æ.no",
        ] {
            assert!(bad.parse::<DialAddress>().is_err(), "{bad}");
        }
        assert!("2001:db8::1".parse::<DialAddress>().unwrap_err().to_string().contains("[2001:db8::1]"));
    }

    fn bound(quic: &str, enroll: &str) -> Bound {
        Bound {
            quic: quic.parse().unwrap(),
            enroll: enroll.parse().unwrap(),
            web: "127.0.0.1:1".parse().unwrap(),
            tcp: None,
        }
    }

    #[test]
    fn a_token_gets_what_was_set_then_what_is_bound_then_the_usual_ports() {
        let wild = bound("[::]:111", "[::]:222");
        let specific = bound("127.0.0.1:111", "127.0.0.1:222");
        let host: DialAddress = "varde.example".parse().unwrap();
        let full: DialAddress = "[2001:db8::1]:333".parse().unwrap();
        let check = |set: Option<&DialAddress>, bound: Option<&Bound>| dial(set, bound).map(|d| (d.quic, d.enroll));
        let is = |quic: &str, enroll: &str| Ok((quic.to_owned(), enroll.to_owned()));
        assert_eq!(check(Some(&host), None), is("varde.example:7843", "varde.example:7844"));
        assert_eq!(check(Some(&host), Some(&wild)), is("varde.example:111", "varde.example:222"));
        assert_eq!(check(Some(&full), Some(&wild)), is("[2001:db8::1]:333", "[2001:db8::1]:222"));
        assert_eq!(check(Some(&full), None), is("[2001:db8::1]:333", "[2001:db8::1]:334"));
        assert_eq!(check(None, Some(&specific)), is("127.0.0.1:111", "127.0.0.1:222"));
        assert_eq!(check(None, Some(&bound("127.0.0.1:111", "[::]:222"))), is("127.0.0.1:111", "127.0.0.1:222"));
        assert_eq!(check(None, Some(&wild)), Err(NoAddress));
        assert_eq!(check(None, None), Err(NoAddress));
    }
}
