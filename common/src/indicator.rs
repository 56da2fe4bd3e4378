//! What to look for.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::codec::{Decode, Encode};
use crate::confidential::Confidential;
use crate::id::IndicatorId;
use crate::ja4::{BadJa4, Ja4};
use crate::name::{BadName, DomainName};
use crate::time::Validity;
use crate::tlp::Tlp;

/// The kinds of indicator a sensor matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A name and everything below it.
    Domain,
    /// Exactly this name.
    Host,
    /// One IPv4 address.
    Ipv4,
    /// One IPv6 address.
    Ipv6,
    /// A network of either family.
    Network,
    /// A TLS client's fingerprint.
    Ja4,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Domain => "domain",
            Kind::Host => "host",
            Kind::Ipv4 => "ipv4",
            Kind::Ipv6 => "ipv6",
            Kind::Network => "network",
            Kind::Ja4 => "ja4",
        })
    }
}

impl FromStr for Kind {
    type Err = BadKind;

    fn from_str(text: &str) -> Result<Kind, BadKind> {
        match text {
            "domain" => Ok(Kind::Domain),
            "host" => Ok(Kind::Host),
            "ipv4" => Ok(Kind::Ipv4),
            "ipv6" => Ok(Kind::Ipv6),
            "network" => Ok(Kind::Network),
            "ja4" => Ok(Kind::Ja4),
            _ => Err(BadKind(text.to_owned())),
        }
    }
}

/// Text that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no kind of indicator; there are domain, host, ipv4, ipv6, network and ja4")]
pub struct BadKind(pub String);

/// What to compare with, in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub enum Target {
    /// A name and everything below it.
    Domain(DomainName),
    /// Exactly this name.
    Host(DomainName),
    /// One address; an IPv4 address mapped into IPv6 is held as IPv4.
    Address(IpAddr),
    /// A network: its first address with the bits beyond `prefix` zero, and the prefix length.
    Network {
        /// First address.
        first: IpAddr,
        /// Prefix length in bits: 1-32 or 1-128.
        prefix: u8,
    },
    /// A TLS client's fingerprint: which program speaks, whomever it speaks to.
    Ja4(Ja4),
    /// A name, address or network known by its keyed hash alone.
    Confidential(Confidential),
}

impl Target {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Target::Domain(_) => Kind::Domain,
            Target::Host(_) => Kind::Host,
            Target::Address(IpAddr::V4(_)) => Kind::Ipv4,
            Target::Address(IpAddr::V6(_)) => Kind::Ipv6,
            Target::Network { .. } => Kind::Network,
            Target::Ja4(_) => Kind::Ja4,
            Target::Confidential(confidential) => confidential.of.kind(),
        }
    }

    /// The network, where it is one that is well formed.
    pub fn network(&self) -> Option<IpNet> {
        match self {
            Target::Network { first, prefix } => IpNet::new(*first, *prefix).ok(),
            Target::Domain(_) | Target::Host(_) | Target::Address(_) | Target::Ja4(_) | Target::Confidential(_) => None,
        }
    }
}

/// A target and, optionally, the only server port it is meant for. The heart of an indicator: two with the same
/// pattern are the same indicator.
///
/// As text: `evil.no`, `=www.evil.no`, `192.0.2.1`, `2001:db8::1`, `192.0.2.0/24`, `2001:db8::/32`,
/// `ja4:t13d1516h2_8daaf6152771_e5627efa2ab1`; with a port
/// `evil.no:8443`, `192.0.2.1:443`, `[2001:db8::1]:443`, `192.0.2.0/24:443`, `[2001:db8::/32]:443`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct Pattern {
    /// What to compare with.
    pub target: Target,
    /// The only port it is meant for. A lookup shows no port, so only flows are held against it.
    pub port: Option<u16>,
}

/// Why a text is no indicator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// The name part is none.
    #[error("{0}")]
    Name(#[from] BadName),
    /// A name that is all digits and dots, or a bare number: an address someone cut or misspelt.
    #[error("it looks like an address but is none; an IPv4 address has four numbers up to 255")]
    LooksLikeAddress,
    /// A star in front of a name.
    #[error("* has no meaning here; write {0}, which means the name and everything below it")]
    Star(String),
    /// The root or a name without meaning as indicator.
    #[error("the root of all names would match everything")]
    Root,
    /// The port is no port.
    #[error("\"{0}\" is no port; use 1 to 65535")]
    Port(String),
    /// The prefix length is no such.
    #[error("\"/{0}\" is no prefix length for this address; use /1 to /32 for IPv4, /1 to /128 for IPv6")]
    Prefix(String),
    /// `/0`.
    #[error("a network of prefix length 0 would match everything")]
    Everything,
    /// Something with a scheme or path.
    #[error("it looks like a URL; give its host name alone")]
    Url,
    /// Written so that nobody follows it by a click.
    #[error("it is written so that nobody can click on it; write {0} (without the brackets)")]
    Defanged(String),
    /// Brackets that hold no IPv6 address or network.
    #[error("what stands in the brackets is no IPv6 address or network")]
    Brackets,
    /// `=` before an address.
    #[error("= means an exact host name; an address needs none")]
    ExactAddress,
    /// `ja4:` before something else.
    #[error("{0}")]
    Ja4(#[from] BadJa4),
}

fn port_of(text: &str) -> Result<u16, BadPattern> {
    text.parse::<u16>()
        .ok()
        .filter(|&port| port > 0 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .ok_or_else(|| BadPattern::Port(text.to_owned()))
}

fn network_of(address: IpAddr, prefix: &str) -> Result<Target, BadPattern> {
    let bad = || BadPattern::Prefix(prefix.to_owned());
    if !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    let bits: u8 = prefix.parse().map_err(|_| bad())?;
    if bits == 0 {
        return Err(BadPattern::Everything);
    }
    let network = IpNet::new(address, bits).map_err(|_| bad())?;
    // ::ffff:192.0.2.0/120 is 192.0.2.0/24 in disguise.
    let mapped = match address {
        IpAddr::V6(v6) if bits >= 96 => v6.to_ipv4_mapped().map(|v4| (IpAddr::V4(v4), bits - 96)),
        IpAddr::V6(_) | IpAddr::V4(_) => None,
    };
    let network = match mapped {
        Some((_, 0)) => return Err(BadPattern::Everything),
        Some((v4, bits)) => IpNet::new(v4, bits).map_err(|_| bad())?,
        None => network,
    };
    if network.prefix_len() == network.max_prefix_len() {
        return Ok(Target::Address(network.addr()));
    }
    Ok(Target::Network { first: network.network(), prefix: network.prefix_len() })
}

/// Address or network, without port.
fn numeric(text: &str) -> Option<Result<Target, BadPattern>> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Ok(Target::Address(address.to_canonical())));
    }
    // A colon after the slash begins a port, which is the caller's.
    let (address, prefix) = text.split_once('/').filter(|(_, prefix)| !prefix.contains(':'))?;
    let address = address.parse::<IpAddr>().ok()?;
    Some(network_of(address, prefix))
}

/// How reports write dots and colons so that nobody clicks on them.
const DEFANGED: [(&str, &str); 7] =
    [("[.]", "."), ("(.)", "."), ("{.}", "."), ("[dot]", "."), ("(dot)", "."), ("[:]", ":"), ("[://]", "://")];

/// What a text would be that reports write with brackets around dots (`hxxps://evil[.]no/x`), where that is an indicator.
fn without_brackets(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let mut plain = text.clone();
    for (brackets, meant) in DEFANGED {
        plain = plain.replace(brackets, meant);
    }
    // Brackets in brackets are nobody's way to write, and would be read again and again.
    if plain == text || DEFANGED.iter().any(|(brackets, _)| plain.contains(brackets)) {
        return None;
    }
    if let Some((_, behind)) = plain.split_once("://") {
        plain = behind.split(['/', '?']).next()?.to_owned();
    }
    let pattern = plain.parse::<Pattern>().ok()?;
    Some(pattern.to_plain())
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Pattern, BadPattern> {
        if let Some(plain) = without_brackets(text) {
            return Err(BadPattern::Defanged(plain));
        }
        if text.contains("://") {
            return Err(BadPattern::Url);
        }
        if let Some((_, fingerprint)) = text.split_once(':').filter(|(kind, _)| kind.eq_ignore_ascii_case("ja4")) {
            return Ok(Pattern { target: Target::Ja4(fingerprint.parse()?), port: None });
        }
        if let Some(target) = numeric(text) {
            return Ok(Pattern { target: target?, port: None });
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (inside, after) = rest.split_once(']').ok_or(BadPattern::Brackets)?;
            if !inside.contains(':') {
                return Err(BadPattern::Brackets);
            }
            let target = numeric(inside).ok_or(BadPattern::Brackets)??;
            let port = match after.strip_prefix(':') {
                Some(port) => Some(port_of(port)?),
                None if after.is_empty() => None,
                None => return Err(BadPattern::Port(after.to_owned())),
            };
            return Ok(Pattern { target, port });
        }
        let (head, port) = match text.rsplit_once(':') {
            Some((head, port)) => (head, Some(port_of(port)?)),
            None => (text, None),
        };
        if let Some(target) = numeric(head) {
            return Ok(Pattern { target: target?, port });
        }
        if head.contains('/') {
            return Err(if head.split('/').next().is_some_and(|host| host.bytes().any(|b| b.is_ascii_alphabetic())) {
                BadPattern::Url
            } else {
                BadPattern::LooksLikeAddress
            });
        }
        let (exact, head) = match head.strip_prefix('=') {
            Some(rest) => (true, rest),
            None => (false, head),
        };
        if exact && numeric(head).is_some() {
            return Err(BadPattern::ExactAddress);
        }
        // One star alone has a meaning that can be written; of many, each would be asked for the next.
        let below = head.strip_prefix("*.").filter(|below| !below.contains('*'));
        if let Some(below) = below.filter(|below| below.parse::<Pattern>().is_ok()) {
            return Err(BadPattern::Star(port.map_or_else(|| below.to_owned(), |port| format!("{below}:{port}"))));
        }
        let name = DomainName::parse(head)?;
        if name.as_name().is_root() {
            return Err(BadPattern::Root);
        }
        for label in name.as_name().labels() {
            // Lists hold host names: letters, digits, hyphen, and the underscore of service names.
            if let Some(&odd) = label.iter().find(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))) {
                return Err(BadName::BadCharacter(char::from(odd)).into());
            }
            // What stands for "nothing" in many tables: - and _.
            if let Some(&odd) = label.first().filter(|_| !label.iter().any(u8::is_ascii_alphanumeric)) {
                return Err(BadName::BadCharacter(char::from(odd)).into());
            }
        }
        // RFC 1123 section 2.1: the last label of a host name is never a number.
        if name.as_name().labels().last().is_some_and(|label| label.iter().all(u8::is_ascii_digit)) {
            return Err(BadPattern::LooksLikeAddress);
        }
        Ok(Pattern { target: if exact { Target::Host(name) } else { Target::Domain(name) }, port })
    }
}

impl Pattern {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        self.target.kind()
    }

    /// As plain lists write it: like [`fmt::Display`], an exact host name with `=` in front.
    pub fn to_plain(&self) -> String {
        match self.target {
            Target::Host(_) => format!("={self}"),
            Target::Domain(_)
            | Target::Address(_)
            | Target::Network { .. }
            | Target::Ja4(_)
            | Target::Confidential(_) => self.to_string(),
        }
    }

    /// Whether it is known by its keyed hash alone. What met it is then withheld as well, on the sensor's own screens
    /// too (decision 6).
    pub fn is_confidential(&self) -> bool {
        matches!(self.target, Target::Confidential(_))
    }
}

impl fmt::Display for Pattern {
    /// The value and its port; an exact host name without its `=` (its kind says so); `confidential indicator N` where
    /// only the hash is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let brackets = self.port.is_some()
            && matches!(self.target, Target::Address(IpAddr::V6(_)) | Target::Network { first: IpAddr::V6(_), .. });
        if brackets {
            f.write_str("[")?;
        }
        match &self.target {
            Target::Domain(name) | Target::Host(name) => {
                name.fmt(f)?;
                // Without its final dot this name and a port would be a fingerprint's beginning.
                if self.port.is_some() && name.as_name().octets() == b"\x03ja4" {
                    f.write_str(".")?;
                }
            }
            Target::Address(address) => address.fmt(f)?,
            Target::Network { first, prefix } => write!(f, "{first}/{prefix}")?,
            Target::Ja4(fingerprint) => write!(f, "ja4:{fingerprint}")?,
            // Its port would narrow down what it is.
            Target::Confidential(confidential) => return write!(f, "confidential indicator {}", confidential.number),
        }
        if brackets {
            f.write_str("]")?;
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// How bad it is to be in touch with it, in the source's view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For information.
    Info,
    /// Low.
    Low,
    /// Medium: what an unmarked indicator counts as.
    #[default]
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    /// The English word used in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// 0 to 4.
    pub fn level(self) -> u8 {
        match self {
            Severity::Info => 0,
            Severity::Low => 1,
            Severity::Medium => 2,
            Severity::High => 3,
            Severity::Critical => 4,
        }
    }

    /// From 0 to 4; more counts as critical.
    pub fn from_level(level: u8) -> Severity {
        match level {
            0 => Severity::Info,
            1 => Severity::Low,
            2 => Severity::Medium,
            3 => Severity::High,
            _ => Severity::Critical,
        }
    }
}

/// Marks carried by indicator, record and alert (decision 25).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
pub struct Marks {
    /// Part of an exercise: harmless, left out of statistics.
    pub exercise: bool,
    /// Found in the member's own history rather than as it happened.
    pub retro: bool,
}

/// An indicator as a sensor holds it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Indicator {
    /// Its number at the collector; the position in the list for `inspect`.
    pub id: IndicatorId,
    /// What to look for.
    pub pattern: Pattern,
    /// When it holds.
    pub validity: Validity,
    /// How sure the source is, 0-100.
    pub confidence: u8,
    /// How bad it would be.
    pub severity: Severity,
    /// How far it may be shared.
    pub tlp: Tlp,
    /// Exercise and retro.
    pub marks: Marks,
}

impl Indicator {
    /// An indicator with nothing known but its pattern: middling confidence and severity, AMBER, always valid.
    pub fn bare(id: IndicatorId, pattern: Pattern) -> Indicator {
        Indicator {
            id,
            pattern,
            validity: Validity::default(),
            confidence: 50,
            severity: Severity::Medium,
            tlp: Tlp::Amber,
            marks: Marks::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Kind, String), BadPattern> {
        text.parse::<Pattern>().map(|p| (p.kind(), p.to_string()))
    }

    #[test]
    fn every_form_of_the_plain_list() {
        for (given, kind, shown) in [
            ("Evil.NO.", Kind::Domain, "evil.no"),
            ("=WWW.evil.no", Kind::Host, "www.evil.no"),
            ("evil.no:8443", Kind::Domain, "evil.no:8443"),
            ("=www.evil.no:8443", Kind::Host, "www.evil.no:8443"),
            ("192.0.2.1", Kind::Ipv4, "192.0.2.1"),
            ("192.0.2.1:443", Kind::Ipv4, "192.0.2.1:443"),
            ("2001:DB8::1", Kind::Ipv6, "2001:db8::1"),
            ("[2001:db8::1]", Kind::Ipv6, "2001:db8::1"),
            ("[2001:db8::1]:443", Kind::Ipv6, "[2001:db8::1]:443"),
            ("192.0.2.77/24", Kind::Network, "192.0.2.0/24"),
            ("192.0.2.0/24:443", Kind::Network, "192.0.2.0/24:443"),
            ("2001:db8::/32", Kind::Network, "2001:db8::/32"),
            ("[2001:db8::/32]:443", Kind::Network, "[2001:db8::/32]:443"),
            ("192.0.2.1/32", Kind::Ipv4, "192.0.2.1"),
            ("::ffff:192.0.2.1", Kind::Ipv4, "192.0.2.1"),
            ("::ffff:192.0.2.0/120", Kind::Network, "192.0.2.0/24"),
            ("xn--blbr-roah.no", Kind::Domain, "xn--blbr-roah.no"),
            ("_dmarc.evil.no", Kind::Domain, "_dmarc.evil.no"),
            ("no", Kind::Domain, "no"),
            ("ja4.:1", Kind::Domain, "ja4.:1"),
            ("JA4:t13d1516h2_8DAAf6152771_e5627efa2ab1", Kind::Ja4, "ja4:t13d1516h2_8daaf6152771_e5627efa2ab1"),
        ] {
            assert_eq!(read(given), Ok((kind, shown.to_owned())), "{given}");
            let plain = given.parse::<Pattern>().unwrap().to_plain();
            assert_eq!(plain.parse::<Pattern>(), given.parse(), "{given} → {plain}");
        }
    }

    #[test]
    fn what_is_no_indicator_is_refused_with_a_reason() {
        for given in [
            "",
            ".",
            "=",
            "blåbær.no",
            "https://evil.no/",
            "evil.no/path",
            "192.0.2.256",
            "192.0.2",
            "192.0.2.0/33",
            "192.0.2.0/",
            "0.0.0.0/0",
            "::/0",
            "::ffff:0:0/96",
            "evil.no:0",
            "evil.no:65536",
            "evil.no:",
            "evil.no:+80",
            "[192.0.2.1]:80",
            "[2001:db8::1",
            "[2001:db8::1]443",
            "=192.0.2.1",
            "two words.no",
            "evil..no",
            "<script>.no",
            "*.evil.no",
            "-",
            "a._.no",
            "ja4:evil.no",
            "ja4:t13d1516h2_8daaf6152771_e5627efa2ab1:443",
        ] {
            assert!(read(given).is_err(), "{given}: {:?}", read(given));
        }
    }

    #[test]
    fn a_star_is_refused_with_what_says_the_same() {
        for (given, remedy) in [("*.evil.no", "write evil.no, which"), ("*.evil.no:8443", "write evil.no:8443, which")]
        {
            let refused = given.parse::<Pattern>().unwrap_err().to_string();
            assert!(refused.contains(remedy), "{given}: {refused}");
        }
        for odd in ["*.", "*.*.evil.no", "a.*.evil.no", "*evil.no"] {
            assert!(!matches!(odd.parse::<Pattern>(), Ok(_) | Err(BadPattern::Star(_))), "{odd}");
        }
        for many in ["*.".repeat(100_000), "*.=".repeat(100_000), "=*.".repeat(100_000)] {
            assert!(format!("{many}a.example").parse::<Pattern>().is_err());
        }
    }
}
