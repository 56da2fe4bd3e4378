//! `collector.toml`: what may be set in a file. An unknown key or a bad value is an error that names file, line and what would be right.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use toml::{Spanned, Value};

use crate::address::Listen;
use crate::beat;
use crate::limits::page::STATEMENT_MAX_OCTETS;
use crate::limits::rollout::{PILOT_HOSTS_MAX, PILOT_WAIT_MAX_S, PILOT_WAIT_MIN_S};
use crate::limits::{BEAT_EVERY_MAX_S, BEAT_EVERY_MIN_S};
use crate::mail;
use crate::oidc;
use crate::profile::{BadTelephone, Telephone};
use crate::rollout::Bounds;

/// What the file sets; flags win over it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Where sessions are listened for, UDP.
    pub quic: Option<SocketAddr>,
    /// Where enrolment is listened for, UDP.
    pub enroll: Option<SocketAddr>,
    /// Where the page is served, TCP, loopback only.
    pub web: Option<SocketAddr>,
    /// Where sessions and enrolment are listened for where UDP is blocked, TCP.
    pub tcp: Option<Listen>,
    /// Whether a person approves of each new sensor before it gets its certificate.
    pub approve_sensors: bool,
    /// Where heartbeats go; none = none are sent.
    pub heartbeat: Option<beat::Address>,
    /// How often, seconds.
    pub heartbeat_every_s: Option<u64>,
    /// CA certificates by which their receiver is believed.
    pub heartbeat_ca: Option<PathBuf>,
    /// The certificate that readers of the list are shown.
    pub feed_certificate: Option<PathBuf>,
    /// Its key.
    pub feed_key: Option<PathBuf>,
    /// The name under which the pages are opened; with it they are served over TLS.
    pub web_name: Option<String>,
    /// The certificate that those are shown who open the pages.
    pub web_certificate: Option<PathBuf>,
    /// Its key.
    pub web_key: Option<PathBuf>,
    /// How long a list is at the pilot group before it goes to all, seconds.
    pub pilot_wait_s: Option<u64>,
    /// Of a hundred members, the most that a new indicator may hit.
    pub pilot_members_percent: Option<u64>,
    /// The most hosts that it may hit.
    pub pilot_hosts: Option<u64>,
    /// Whether somebody else than who imported looks a draft through before it is published.
    pub four_eyes: bool,
    /// Where numbers for Prometheus are told, TCP, loopback only; none = nowhere.
    pub metrics: Option<SocketAddr>,
    /// Where the operator's accessibility statement is; none = the pages say that it is missing.
    pub accessibility_statement: Option<String>,
    /// The telephone that members ring.
    pub telephone: Option<Telephone>,
    /// The mail server that mail to members is handed to.
    pub mail: mail::Said,
    /// The provider at which people sign in too.
    pub oidc: oidc::Said,
}

impl Settings {
    /// What stops a list on its way, and how long that is watched.
    pub fn bounds(&self) -> Bounds {
        let usual = Bounds::default();
        Bounds {
            wait: self.pilot_wait_s.map_or(usual.wait, Duration::from_secs),
            members_percent: self.pilot_members_percent.unwrap_or(usual.members_percent),
            hosts: self.pilot_hosts.unwrap_or(usual.hosts),
        }
    }
}

const KEYS: [&str; 33] = [
    "quic",
    "enroll",
    "web",
    "tcp",
    "approve_sensors",
    "heartbeat",
    "heartbeat_every_s",
    "heartbeat_ca",
    "pilot_wait_s",
    "pilot_members_percent",
    "pilot_hosts",
    "four_eyes",
    "feed_certificate",
    "feed_key",
    "web_name",
    "web_certificate",
    "web_key",
    "metrics",
    "accessibility_statement",
    "telephone",
    "mail_server",
    "mail_from",
    "mail_tls",
    "mail_credentials",
    "mail_ca",
    "mail_link",
    "oidc_issuer",
    "oidc_name",
    "oidc_client",
    "oidc_secret",
    "oidc_second_factor",
    "oidc_return",
    "oidc_ca",
];

/// Why a settings file is not obeyed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSettings {
    /// It is no TOML.
    #[error("{file} line {line}: {why}")]
    Syntax {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What the reader says.
        why: String,
    },
    /// A key nobody knows.
    #[error("{file} line {line}: there is no setting \"{key}\"; {}", match .near { Some(near) => format!("did you mean \"{near}\"?"), None => format!("there are {}", KEYS.join(", ")) })]
    UnknownKey {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// The known one it resembles.
        near: Option<&'static str>,
    },
    /// A value that is neither yes nor no.
    #[error("{file} line {line}: {key} = {value} is neither true nor false")]
    BadFlag {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// What it was set to.
        value: String,
    },
    /// A value that is no address for heartbeats; it may hold a secret and is not repeated.
    #[error(
        "{file} line {line}: heartbeat {why}; write for example heartbeat = \"https://watch.example/ping/collector\""
    )]
    BadHeartbeat {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        why: beat::BadAddress,
    },
    /// A value that is no number, or too small or large a one.
    #[error("{file} line {line}: {key} = {value} is no {what} from {min} to {max}")]
    BadNumber {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// What it is to be.
        what: &'static str,
        /// What it was set to.
        value: String,
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// A value that is no name of a host.
    #[error(
        "{file} line {line}: web_name = {value} is no name of a host; write for example web_name = \"varde.example.no\""
    )]
    BadName {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What it was set to.
        value: String,
    },
    /// A value that is no file.
    #[error(
        "{file} line {line}: {key} = {value} is no path of a file; write for example {key} = \"/etc/varde-collector/watch-ca.pem\""
    )]
    BadPath {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// What it was set to.
        value: String,
    },
    /// No telephone number.
    #[error("{file} line {line}: telephone: {why}")]
    BadTelephone {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong, and what would be right.
        why: BadTelephone,
    },
    /// A word that is none of those it may be.
    #[error("{file} line {line}: {key} = {value} {why}")]
    BadWord {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// What it was set to.
        value: String,
        /// What is wrong, and what would be right.
        why: &'static str,
    },
    /// An address that is not this machine's alone.
    #[error(
        "{file} line {line}: {key} = {value} is no loopback address; write for example {key} = \"127.0.0.1:{port}\""
    )]
    NotLoopback {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// What it was set to.
        value: String,
        /// A port that would be right.
        port: u16,
    },
    /// A value that is no address of a page.
    #[error(
        "{file} line {line}: {key} = {value} is no address of a page; write for example {key} = \"https://uustatus.no/nb/erklaringer/publisert/...\""
    )]
    BadPage {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// What it was set to.
        value: String,
    },
    /// A value that is no address.
    #[error("{file} line {line}: {key} = {value} is no address and port; write for example {key} = \"[::]:{port}\"")]
    BadAddress {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// What it was set to.
        value: String,
        /// A port that would be right.
        port: u16,
    },
}

impl Settings {
    /// Reads a settings file; `file` is its name for messages.
    ///
    /// # Errors
    /// [`BadSettings`], the first found.
    pub fn read(text: &str, file: &str) -> Result<Settings, BadSettings> {
        let file = file.to_owned();
        let line_at = |offset: usize| text.get(..offset).unwrap_or(text).bytes().filter(|&b| b == b'\n').count() + 1;
        let found: BTreeMap<Spanned<String>, Spanned<Value>> = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_at(span.start));
            BadSettings::Syntax { file: file.clone(), line, why: error.message().to_owned() }
        })?;
        let mut settings = Settings::default();
        for (key, value) in &found {
            let line = line_at(key.span().start);
            let address = |key: &'static str, port: u16| {
                let address = value.get_ref().as_str().and_then(|text| text.parse::<SocketAddr>().ok());
                let bad = || BadSettings::BadAddress {
                    file: file.clone(),
                    line,
                    key,
                    value: value.get_ref().to_string(),
                    port,
                };
                address.ok_or_else(bad).map(Some)
            };
            let flag = |key: &'static str| {
                let bad = || BadSettings::BadFlag { file: file.clone(), line, key, value: value.get_ref().to_string() };
                value.get_ref().as_bool().ok_or_else(bad)
            };
            let number = |key: &'static str, what: &'static str, (min, max): (i64, i64)| {
                let number = value.get_ref().as_integer().filter(|number| (min..=max).contains(number));
                let bad = || BadSettings::BadNumber {
                    file: file.clone(),
                    line,
                    key,
                    what,
                    value: value.get_ref().to_string(),
                    min,
                    max,
                };
                number.and_then(|number| u64::try_from(number).ok()).ok_or_else(bad).map(Some)
            };
            let path = |key: &'static str| {
                let bad = || BadSettings::BadPath { file: file.clone(), line, key, value: value.get_ref().to_string() };
                let path = value.get_ref().as_str().filter(|path| !path.is_empty()).ok_or_else(bad)?;
                Ok::<_, BadSettings>(Some(PathBuf::from(path)))
            };
            let text = value.get_ref().as_str().unwrap_or_default();
            let bad_word = |key: &'static str| {
                let (file, value) = (file.clone(), value.get_ref().to_string());
                move |why| BadSettings::BadWord { file, line, key, value, why }
            };
            match key.get_ref().as_str() {
                "mail_server" => settings.mail.server = Some(text.parse().map_err(bad_word("mail_server"))?),
                "mail_from" => settings.mail.from = Some(mail::sender(text).map_err(bad_word("mail_from"))?),
                "mail_tls" => settings.mail.security = Some(text.parse().map_err(bad_word("mail_tls"))?),
                "mail_credentials" => settings.mail.credentials = path("mail_credentials")?,
                "mail_ca" => settings.mail.authorities = path("mail_ca")?,
                "mail_link" => settings.mail.link = Some(text.parse().map_err(bad_word("mail_link"))?),
                "oidc_issuer" => settings.oidc.issuer = Some(oidc::issuer(text).map_err(bad_word("oidc_issuer"))?),
                "oidc_name" => settings.oidc.name = Some(oidc::name(text).map_err(bad_word("oidc_name"))?),
                "oidc_client" => settings.oidc.client = Some(oidc::client(text).map_err(bad_word("oidc_client"))?),
                "oidc_secret" => settings.oidc.secret = path("oidc_secret")?,
                "oidc_second_factor" => {
                    settings.oidc.second_factor = Some(text.parse().map_err(bad_word("oidc_second_factor"))?);
                }
                "oidc_return" => settings.oidc.address = Some(text.parse().map_err(bad_word("oidc_return"))?),
                "oidc_ca" => settings.oidc.authorities = path("oidc_ca")?,
                "telephone" => {
                    let bad = |bad: BadTelephone| BadSettings::BadTelephone { file: file.clone(), line, why: bad };
                    settings.telephone = Some(text.parse().map_err(bad)?);
                }
                "quic" => settings.quic = address("quic", crate::address::QUIC_PORT)?,
                "enroll" => settings.enroll = address("enroll", crate::address::ENROLL_PORT)?,
                "web" => settings.web = address("web", crate::address::WEB_PORT)?,
                "tcp" if value.get_ref().as_str() == Some("none") => settings.tcp = Some(Listen::Nowhere),
                "tcp" => settings.tcp = address("tcp", crate::address::TCP_PORT)?.map(Listen::At),
                "approve_sensors" => settings.approve_sensors = flag("approve_sensors")?,
                "heartbeat" => {
                    let text = value.get_ref().as_str().unwrap_or_default();
                    let bad = |why| BadSettings::BadHeartbeat { file: file.clone(), line, why };
                    settings.heartbeat = Some(text.parse().map_err(bad)?);
                }
                "heartbeat_every_s" => {
                    let within = (BEAT_EVERY_MIN_S, BEAT_EVERY_MAX_S);
                    settings.heartbeat_every_s = number("heartbeat_every_s", "number of seconds", within)?;
                }
                "pilot_wait_s" => {
                    let within = (PILOT_WAIT_MIN_S, PILOT_WAIT_MAX_S);
                    settings.pilot_wait_s = number("pilot_wait_s", "number of seconds", within)?;
                }
                "pilot_members_percent" => {
                    settings.pilot_members_percent = number("pilot_members_percent", "number", (1, 100))?;
                }
                "pilot_hosts" => settings.pilot_hosts = number("pilot_hosts", "number", (1, PILOT_HOSTS_MAX))?,
                "four_eyes" => settings.four_eyes = flag("four_eyes")?,
                "metrics" => {
                    settings.metrics = address("metrics", crate::address::METRICS_PORT)?;
                    if settings.metrics.is_some_and(|address| !address.ip().is_loopback()) {
                        let (value, port) = (value.get_ref().to_string(), crate::address::METRICS_PORT);
                        return Err(BadSettings::NotLoopback { file, line, key: "metrics", value, port });
                    }
                }
                "heartbeat_ca" => settings.heartbeat_ca = path("heartbeat_ca")?,
                "feed_certificate" => settings.feed_certificate = path("feed_certificate")?,
                "feed_key" => settings.feed_key = path("feed_key")?,
                "web_certificate" => settings.web_certificate = path("web_certificate")?,
                "web_key" => settings.web_key = path("web_key")?,
                "web_name" => {
                    let name = value.get_ref().as_str().and_then(host_name);
                    let value = value.get_ref().to_string();
                    settings.web_name = Some(name.ok_or(BadSettings::BadName { file: file.clone(), line, value })?);
                }
                "accessibility_statement" => {
                    let (key, value) = ("accessibility_statement", value.get_ref());
                    let bad = || BadSettings::BadPage { file: file.clone(), line, key, value: value.to_string() };
                    settings.accessibility_statement = Some(page(value.as_str().unwrap_or_default()).ok_or_else(bad)?);
                }
                other => {
                    let key = other.to_owned();
                    return Err(BadSettings::UnknownKey { file, line, near: nearest(&key), key });
                }
            }
        }
        Ok(settings)
    }
}

/// A name of a host as browsers say it: small letters, no port, no dot at its end.
fn host_name(text: &str) -> Option<String> {
    let label = |label: &str| {
        let good = label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        good && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    (text.len() <= 253 && text.split('.').all(label)).then(|| text.to_ascii_lowercase())
}

/// The address of a page that a browser may be led to, written as browsers do.
fn page(text: &str) -> Option<String> {
    let address = url::Url::parse(text).ok().filter(|_| text.len() <= STATEMENT_MAX_OCTETS)?;
    let is_page = ["http", "https"].contains(&address.scheme()) && address.has_host();
    (is_page && address.username().is_empty() && address.password().is_none()).then(|| address.to_string())
}

/// The known key a misspelt one resembles: at most two letters away.
fn nearest(key: &str) -> Option<&'static str> {
    KEYS.into_iter().map(|known| (distance(key, known), known)).filter(|(away, _)| *away <= 2).min().map(|(_, k)| k)
}

/// Letters to change, add or drop to make `a` into `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(40).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.iter().skip(1)) {
            let cost = if from == *to { diagonal } else { 1 + diagonal.min(left).min(*above) };
            diagonal = *above;
            left = cost;
            next.push(cost);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::BEAT_EVERY;

    #[test]
    fn the_packaged_example_is_what_the_program_reads() {
        let example = include_str!("../../packaging/collector.toml");
        assert_eq!(Settings::read(example, "collector.toml"), Ok(Settings::default()), "all commented out");
        let uncommented: String = example
            .lines()
            .map(|line| line.strip_prefix("#").filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
            .map(|line| format!("{line}\n"))
            .collect();
        let settings = Settings::read(&uncommented, "collector.toml").unwrap();
        assert_eq!(settings.quic, Some("[::]:7843".parse().unwrap()));
        assert_eq!(settings.enroll, Some("[::]:7844".parse().unwrap()));
        assert_eq!(settings.web, Some("127.0.0.1:8443".parse().unwrap()));
        assert_eq!(settings.tcp, Some(Listen::At("[::]:443".parse().unwrap())));
        assert!(!settings.approve_sensors, "the example shows the default");
        let heartbeat = settings.heartbeat.as_ref().unwrap();
        assert_eq!((heartbeat.host.as_str(), heartbeat.tls), ("watch.example", true));
        assert_eq!(settings.heartbeat_every_s, Some(BEAT_EVERY.as_secs()), "the example shows the default");
        assert!(settings.heartbeat_ca.as_ref().is_some());
        assert_eq!(settings.bounds(), Bounds::default(), "the example shows the default");
        assert!(settings.pilot_wait_s.is_some() && settings.pilot_hosts.is_some() && !settings.four_eyes);
        assert_eq!(settings.metrics, Some("127.0.0.1:9844".parse().unwrap()));
        assert!(settings.accessibility_statement.is_some_and(|page| page.starts_with("https://uustatus.no/")));
        assert_eq!(settings.telephone.map(|number| number.to_string()).as_deref(), Some("22 00 00 00"));
        assert_eq!(settings.web_name.as_deref(), Some("varde.example.no"));
        assert!(Settings::read("approve_sensors = true", "c.toml").unwrap().approve_sensors);
        assert_eq!(Settings::read("tcp = \"none\"", "c.toml").unwrap().tcp, Some(Listen::Nowhere));
    }

    #[test]
    fn a_refused_setting_says_where_what_and_what_would_be_right() {
        for (text, said) in [
            ("# x\n\nqiuc = \"[::]:1\"\n", "c.toml line 3: there is no setting \"qiuc\"; did you mean \"quic\"?"),
            (
                "colour = 1\n",
                "c.toml line 1: there is no setting \"colour\"; there are quic, enroll, web, tcp, approve_sensors, heartbeat, heartbeat_every_s, heartbeat_ca, pilot_wait_s, pilot_members_percent, pilot_hosts, four_eyes, feed_certificate, feed_key, web_name, web_certificate, web_key, metrics, accessibility_statement, telephone, mail_server, mail_from, mail_tls, mail_credentials, mail_ca, mail_link, oidc_issuer, oidc_name, oidc_client, oidc_secret, oidc_second_factor, oidc_return, oidc_ca",
            ),
            (
                "quic = \"[::]:1\"\nweb = \"soon\"\n",
                "c.toml line 2: web = \"soon\" is no address and port; write for example web = \"[::]:8443\"",
            ),
            ("approve_sensors = 1", "c.toml line 1: approve_sensors = 1 is neither true nor false"),
            ("web = 8443", "c.toml line 1: web = 8443 is no address and port; write for example web = \"[::]:8443\""),
            (
                "heartbeat = \"http://watch.example/secret\"",
                "c.toml line 1: heartbeat must begin with https://; http:// is taken only to 127.0.0.1 and [::1]; write for example heartbeat = \"https://watch.example/ping/collector\"",
            ),
            ("heartbeat_every_s = 4", "c.toml line 1: heartbeat_every_s = 4 is no number of seconds from 5 to 3600"),
            ("pilot_hosts = 0", "c.toml line 1: pilot_hosts = 0 is no number from 1 to 1000000"),
            (
                "metrics = \"[::]:9844\"",
                "c.toml line 1: metrics = \"[::]:9844\" is no loopback address; write for example metrics = \"127.0.0.1:9844\"",
            ),
            (
                "accessibility_statement = \"javascript:alert(1)\"",
                "c.toml line 1: accessibility_statement = \"javascript:alert(1)\" is no address of a page; write for example accessibility_statement = \"https://uustatus.no/nb/erklaringer/publisert/...\"",
            ),
            (
                "web_name = \"https://varde.example.no\"",
                "c.toml line 1: web_name = \"https://varde.example.no\" is no name of a host; write for example web_name = \"varde.example.no\"",
            ),
            (
                "telephone = \"ring oss\"",
                "c.toml line 1: telephone: \"ring oss\" is no telephone number; write eight digits (22 00 00 00), a short number (02497) or + and the country (+46 8 123 456)",
            ),
            (
                "mail_server = \"smtp.example\"",
                "c.toml line 1: mail_server = \"smtp.example\" is no host and port; write for example \"smtp.example:587\"",
            ),
            ("four_eyes = 2", "c.toml line 1: four_eyes = 2 is neither true nor false"),
            (
                "heartbeat_ca = 1",
                "c.toml line 1: heartbeat_ca = 1 is no path of a file; write for example heartbeat_ca = \"/etc/varde-collector/watch-ca.pem\"",
            ),
        ] {
            assert_eq!(Settings::read(text, "c.toml").unwrap_err().to_string(), said);
        }
        assert!(Settings::read("quic =\n", "c.toml").unwrap_err().to_string().starts_with("c.toml line 1: "));
        assert!(Settings::read("a = 1\na = 2", "c.toml").unwrap_err().to_string().starts_with("c.toml line 2: "));
    }
}
