//! What kind of thing a row's value is, where the row says so: it must then be such, and a hash or a mail is kept for people.

use varde_common::indicator::Target;

use super::super::lines;
use super::super::value::{self, Names, Value};

/// What a column such as `type` says, in the words of MISP, ThreatFox, OTX and others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// Nothing, or how bad it is and other such words.
    #[default]
    Unsaid,
    Domain,
    Host,
    Address,
    Network,
    Url,
    /// No sensor can look for it; in the source's word.
    Clue(String),
}

impl Kind {
    pub(super) fn of(word: &str) -> Kind {
        let own = || Kind::Clue(word.trim().to_owned());
        match word.trim().to_ascii_lowercase().replace(['_', ' '], "-").as_str() {
            "domain" | "domain-name" | "domene" | "domain|ip" => Kind::Domain,
            "hostname" | "host" | "fqdn" | "hostname|port" => Kind::Host,
            "ip" | "ip-dst" | "ipv4" | "ipv6" | "ipv4-addr" | "ipv6-addr" | "ip-address" | "ip:port"
            | "ip-dst|port" => Kind::Address,
            "cidr" | "subnet" | "network" | "ip-range" | "netblock" => Kind::Network,
            "url" | "uri" => Kind::Url,
            // Who connects to a member, and what only an endpoint sees.
            "ip-src" | "ip-src|port" | "cve" | "vulnerability" | "mutex" | "yara" | "regkey" | "filename"
            | "filepath" | "user-agent" | "as" | "btc" | "imphash" | "ssdeep" | "tlsh" | "authentihash" | "pehash" => {
                own()
            }
            other
                if [
                    "md5",
                    "sha1",
                    "sha256",
                    "sha512",
                    "sha3",
                    "sha-1",
                    "sha-256",
                    "filehash",
                    "filename|",
                    "email",
                    "e-mail",
                    "x509",
                    "ja3",
                ]
                .iter()
                .any(|kind| other.starts_with(kind)) =>
            {
                own()
            }
            _ => Kind::Unsaid,
        }
    }

    /// Reads a value that should be such.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn read(&self, text: &str, names: Names) -> Result<Value, String> {
        let own = |text: &str| match text.split_once('|') {
            // Of MISP's pairs the port is ours, the address that a name had then is not.
            Some((host, port)) if !port.is_empty() && port.bytes().all(|octet| octet.is_ascii_digit()) => {
                let is_bare_v6 = host.contains(':') && !host.contains('[');
                if is_bare_v6 { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
            }
            Some((host, _)) => host.to_owned(),
            None => text.to_owned(),
        };
        let read = || value::read(&own(text), names);
        match self {
            Kind::Unsaid => read(),
            Kind::Clue(_) => Ok(Value::Clue("")),
            Kind::Url => match value::read(text, names)? {
                // http:// alone is missing.
                Value::Pattern(_) => value::read(&format!("http://{text}"), names),
                url @ (Value::OfUrl(_) | Value::Clue(_)) => Ok(url),
            },
            Kind::Domain | Kind::Host | Kind::Address | Kind::Network => {
                let value = read()?;
                let fits = match &value {
                    Value::Pattern(pattern) => match pattern.target {
                        Target::Domain(_) | Target::Host(_) => matches!(self, Kind::Domain | Kind::Host),
                        Target::Address(_) => matches!(self, Kind::Address | Kind::Network),
                        Target::Network { .. } => matches!(self, Kind::Address | Kind::Network),
                        Target::Ja4(_) | Target::Confidential(_) => false,
                    },
                    Value::OfUrl(_) | Value::Clue(_) => false,
                };
                if fits { Ok(value) } else { Err("is not what its column says that it is".to_owned()) }
            }
        }
    }

    /// What a value is called that no sensor can look for.
    pub(super) fn of_clue(&self, text: &str) -> String {
        match self {
            Kind::Clue(word) => lines::word(word),
            Kind::Unsaid | Kind::Domain | Kind::Host | Kind::Address | Kind::Network | Kind::Url => {
                match value::read(text, Names::Domain) {
                    Ok(Value::Clue(kind)) => kind.to_owned(),
                    Ok(Value::Pattern(_) | Value::OfUrl(_)) | Err(_) => "unknown".to_owned(),
                }
            }
        }
    }
}
