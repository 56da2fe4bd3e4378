//! `agent.toml`: what the member decides. A refused setting says where it stands, what it is and what would be right.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use varde_common::alert::{Level, Zone};
use varde_common::id::SiteId;
use varde_common::limits::SITES_MAX;

use crate::limits::{
    QUIC_AGAIN_MAX_S, QUIC_AGAIN_MIN_S, QUIC_AGAIN_S, RING_BLOCKS, RING_BLOCKS_MAX, RING_BLOCKS_MIN, SPOOL_MAX_OCTETS,
    SPOOL_UNACKNOWLEDGED_KEEP_S,
};
use crate::proxy::{Proxy, is_host_and_port};
use crate::route::NOWHERE;
use crate::sensor::SensorSettings;

pub mod changes;
pub mod layers;

/// The smallest spool that still holds two segments, MiB.
const SPOOL_MIN_MIB: u64 = 4;
/// The largest spool that makes sense, MiB.
const SPOOL_LARGEST_MIB: u64 = 1024 * 1024;

/// The fewest days that what waits may be kept: a week without a collector is promised.
const SPOOL_DAYS_MIN: u64 = 7;
/// The most days: as long as the collector keeps alerts.
const SPOOL_DAYS_MAX: u64 = 396;

/// All settings. What is not set is the default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where to dial instead of where enrolment said, `HOST:PORT`.
    pub collector: Option<String>,
    /// Where to dial over TCP when UDP is blocked, `HOST:PORT`, or `none`.
    pub fallback: Option<String>,
    /// The HTTP proxy that opens the way there, `http://HOST:PORT`.
    pub proxy: Option<String>,
    /// A file with `user:password` for it.
    pub proxy_credentials: Option<PathBuf>,
    /// Over TCP, QUIC is tried again after so long, seconds.
    pub quic_again_s: Option<u64>,
    /// Interfaces to watch when the command line names no source.
    #[serde(default)]
    pub interfaces: Vec<String>,
    /// What is inside.
    pub inside: Option<Vec<IpNet>>,
    /// The member's resolvers.
    pub resolvers: Option<Vec<IpAddr>>,
    /// Ports on which DNS is spoken.
    pub dns_ports: Option<Vec<u16>>,
    /// The member's own block pages.
    pub sinkholes: Option<Vec<IpAddr>>,
    /// More than so much from inside on one flow that was begun there is data out, octets.
    pub data_out_octets: Option<u32>,
    /// Of an indicator that more hosts of a site than this meet within an hour further ones are told together; 0 = none ever.
    pub frequent_hosts: Option<u64>,
    /// How live interfaces are read.
    #[serde(default)]
    pub capture_backend: CaptureBackend,
    /// The ring's size for each interface, MiB.
    pub capture_ring_mib: Option<usize>,
    /// The group of processes that share an interface's traffic, 1 to 255.
    pub capture_fanout: Option<u8>,
    /// The spool's cap, MiB.
    pub spool_max_mib: Option<u64>,
    /// How long the spool keeps what nobody has fetched, days.
    pub spool_max_days: Option<u64>,
    /// Where numbers for Prometheus are told, over HTTP; none = nowhere.
    pub metrics: Option<SocketAddr>,
    /// Networks of other sites.
    #[serde(default, rename = "site")]
    pub sites: Vec<SiteSettings>,
    /// Zones.
    #[serde(default, rename = "zone")]
    pub zones: Vec<ZoneSettings>,
}

/// How live interfaces are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum CaptureBackend {
    /// Through a ring in memory shared with the kernel.
    #[default]
    Ring,
    /// One system call a packet: many times the cost, for where the ring cannot be had.
    Pnet,
}

/// A site this sensor reports for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteSettings {
    /// Its number, from the CSIRT.
    pub id: SiteId,
    /// Where its hosts are.
    pub networks: Vec<IpNet>,
}

/// A zone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneSettings {
    /// Its number, the member's own.
    pub id: u16,
    /// Where its hosts are.
    pub networks: Vec<IpNet>,
    /// Konfidensialitet.
    #[serde(default)]
    pub confidentiality: Level,
    /// Integritet.
    #[serde(default)]
    pub integrity: Level,
    /// Tilgjengelighet.
    #[serde(default)]
    pub availability: Level,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", place(.file, *.line))]
pub struct BadSetting {
    /// The file, or where else it was set.
    pub file: String,
    /// Line number, from 1; 0 = it has no lines.
    pub line: usize,
    /// What stands there and what would be right.
    pub what: String,
}

fn place(file: &str, line: usize) -> String {
    if line == 0 { file.to_owned() } else { format!("{file}, line {line}") }
}

/// Keys by the table they stand in, each with what is right for it.
const KEYS: [(&str, &str); 20] = [
    ("collector", "give host and port such as \"varde.example.no:7843\""),
    ("fallback", "give host and port such as \"varde.example.no:443\", or \"none\""),
    (
        "proxy",
        "give http, host and port such as \"http://proxy.example.no:3128\"; a user and a password belong in the file that proxy_credentials names",
    ),
    ("proxy_credentials", "give the path of a file such as \"/etc/varde-agent/proxy\", and set proxy too"),
    ("quic_again_s", "give whole seconds from 5 to 14400 such as 600"),
    ("interfaces", "give names of interfaces such as [\"ens19\"]"),
    ("inside", "give networks such as [\"10.0.0.0/8\", \"fd00::/8\"]"),
    ("resolvers", "give addresses such as [\"10.1.0.53\"]"),
    ("dns_ports", "give port numbers such as [53]"),
    ("sinkholes", "give addresses such as [\"10.1.0.99\"]"),
    ("data_out_octets", "give whole octets from 1 to 4294967294 such as 1048576"),
    ("frequent_hosts", "give a whole number of hosts such as 256, or 0 for never"),
    ("capture_backend", "give \"ring\" or \"pnet\""),
    ("capture_ring_mib", "give whole MiB from 2 to 1024 such as 16"),
    ("capture_fanout", "give a number from 1 to 255 such as 1"),
    ("spool_max_mib", "give whole MiB from 4 to 1048576 such as 256"),
    ("spool_max_days", "give whole days from 7 to 396 such as 90"),
    ("metrics", "give an address of this machine alone and a port such as \"127.0.0.1:9843\""),
    ("site", "write [[site]] with id and networks beneath it"),
    ("zone", "write [[zone]] with id and networks beneath it"),
];
const TABLE_KEYS: [(&str, &str); 5] = [
    ("id", "give a whole number from 0 to 65535"),
    ("networks", "give networks such as [\"10.4.0.0/16\"]"),
    ("confidentiality", "give \"lavt\", \"middels\" or \"høyt\""),
    ("integrity", "give \"lavt\", \"middels\" or \"høyt\""),
    ("availability", "give \"lavt\", \"middels\" or \"høyt\""),
];

impl Settings {
    /// Reads the text of a settings file that stands alone; `file` is its name for the message.
    ///
    /// # Errors
    /// [`BadSetting`].
    pub fn read(text: &str, file: &str) -> Result<Settings, BadSetting> {
        let settings = Settings::read_part(text, file)?;
        settings.check_together().map_err(|(key, what)| BadSetting {
            file: file.to_owned(),
            line: line_of(text, key).unwrap_or(1),
            what,
        })?;
        Ok(settings)
    }

    /// The same of a file that others complete: what it says is held against what is right for each key.
    fn read_part(text: &str, file: &str) -> Result<Settings, BadSetting> {
        let settings: Settings = toml::from_str(text).map_err(|error| explain(text, file, &error))?;
        settings.check_each().map_err(|(key, what)| BadSetting {
            file: file.to_owned(),
            line: line_of(text, key).unwrap_or(1),
            what,
        })?;
        Ok(settings)
    }

    /// What one key must have of others.
    fn check_together(&self) -> Result<(), (&'static str, String)> {
        if self.proxy_credentials.is_some() && self.proxy.is_none() {
            return Err(("proxy_credentials", format!("there is no proxy; {}", right("proxy_credentials"))));
        }
        Ok(())
    }

    fn check_each(&self) -> Result<(), (&'static str, String)> {
        if let Some(collector) = &self.collector
            && !is_host_and_port(collector)
        {
            return Err(("collector", format!("collector = \"{collector}\"; {}", right("collector"))));
        }
        if let Some(fallback) = &self.fallback
            && fallback != NOWHERE
            && !is_host_and_port(fallback)
        {
            return Err(("fallback", format!("fallback = \"{fallback}\"; {}", right("fallback"))));
        }
        if let Some(proxy) = &self.proxy
            && Proxy::read(proxy).is_none()
        {
            // Not the value: people write passwords there.
            return Err(("proxy", format!("proxy is no such address; {}", right("proxy"))));
        }
        if let Some(seconds) = self.quic_again_s
            && !(QUIC_AGAIN_MIN_S..=QUIC_AGAIN_MAX_S).contains(&seconds)
        {
            return Err(("quic_again_s", format!("quic_again_s = {seconds}; {}", right("quic_again_s"))));
        }
        if let Some(mib) = self.spool_max_mib
            && !(SPOOL_MIN_MIB..=SPOOL_LARGEST_MIB).contains(&mib)
        {
            return Err(("spool_max_mib", format!("spool_max_mib = {mib}; {}", right("spool_max_mib"))));
        }
        if let Some(days) = self.spool_max_days
            && !(SPOOL_DAYS_MIN..=SPOOL_DAYS_MAX).contains(&days)
        {
            return Err(("spool_max_days", format!("spool_max_days = {days}; {}", right("spool_max_days"))));
        }
        if let Some(octets) = self.data_out_octets
            && !(1..u32::MAX).contains(&octets)
        {
            return Err(("data_out_octets", format!("data_out_octets = {octets}; {}", right("data_out_octets"))));
        }
        if let Some(mib) = self.capture_ring_mib
            && !(RING_BLOCKS_MIN..=RING_BLOCKS_MAX).contains(&mib)
        {
            return Err(("capture_ring_mib", format!("capture_ring_mib = {mib}; {}", right("capture_ring_mib"))));
        }
        if self.capture_fanout == Some(0) {
            return Err(("capture_fanout", format!("capture_fanout = 0; {}", right("capture_fanout"))));
        }
        if let Some(address) = self.metrics
            && (!address.ip().is_loopback() || address.port() == 0)
        {
            return Err(("metrics", format!("metrics = \"{address}\"; {}", right("metrics"))));
        }
        if self.sites.len() >= SITES_MAX {
            return Err(("id", format!("{} sites; a sensor serves at most {}", self.sites.len(), SITES_MAX - 1)));
        }
        Ok(())
    }

    /// The spool's cap.
    pub fn spool_max_octets(&self) -> u64 {
        self.spool_max_mib.map_or(SPOOL_MAX_OCTETS, |mib| mib.saturating_mul(1024 * 1024))
    }

    /// How long the spool keeps what nobody has fetched, seconds.
    pub fn spool_unacknowledged_s(&self) -> u64 {
        self.spool_max_days.map_or(SPOOL_UNACKNOWLEDGED_KEEP_S, |days| days.saturating_mul(86_400))
    }

    /// How long QUIC is put off where UDP was found blocked, at least.
    pub fn quic_again(&self) -> Duration {
        Duration::from_secs(self.quic_again_s.unwrap_or(QUIC_AGAIN_S))
    }

    /// Blocks of 1 MiB in the ring of each interface.
    pub fn ring_blocks(&self) -> usize {
        self.capture_ring_mib.unwrap_or(RING_BLOCKS)
    }

    /// Sites this sensor reports for, its home first.
    pub fn site_ids(&self) -> Vec<SiteId> {
        let mut ids: Vec<SiteId> = std::iter::once(SiteId(0)).chain(self.sites.iter().map(|site| site.id)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// What the sensor needs of them.
    pub fn sensor(&self) -> SensorSettings {
        let mut sensor = SensorSettings::default();
        if let Some(inside) = &self.inside {
            sensor.inside = inside.clone();
        }
        if let Some(ports) = &self.dns_ports {
            sensor.dns_ports = ports.clone();
        }
        sensor.resolvers = self.resolvers.clone();
        sensor.sinkholes = self.sinkholes.clone().unwrap_or_default();
        if let Some(octets) = self.data_out_octets {
            sensor.data_out_octets = octets;
        }
        if let Some(hosts) = self.frequent_hosts {
            sensor.frequent_hosts = Some(hosts).filter(|hosts| *hosts > 0);
        }
        let sites = self.sites.iter();
        sensor.sites = sites.flat_map(|site| site.networks.iter().map(|network| (*network, site.id))).collect();
        let zones = self.zones.iter().map(|zone| {
            let ZoneSettings { id, networks, confidentiality, integrity, availability } = zone;
            let zone =
                Zone { id: *id, confidentiality: *confidentiality, integrity: *integrity, availability: *availability };
            networks.iter().map(move |network| (*network, zone))
        });
        sensor.zones = zones.flatten().collect();
        sensor
    }
}

fn right(key: &str) -> &'static str {
    KEYS.iter().chain(&TABLE_KEYS).find(|(known, _)| *known == key).map_or("", |(_, right)| right)
}

fn key_of(line: &str) -> Option<&str> {
    line.split_once('=').map(|(key, _)| key.trim())
}

/// The line, from 1, on which a key stands, `[[key]]` too.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let table = format!("[[{key}]]");
    let names = |line: &str| key_of(line) == Some(key) || line.trim() == table;
    text.lines().position(names).map(|index| index + 1)
}

/// Says of a refused file what stands where and what would be right.
fn explain(text: &str, file: &str, error: &toml::de::Error) -> BadSetting {
    let span = error.span().unwrap_or(0..0);
    let line = text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1);
    let found = |span: Range<usize>| text.get(span).unwrap_or_default().lines().next().unwrap_or_default().trim();
    let message = error.message().lines().next().unwrap_or_default();
    let whole_line = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let what = if let Some(unknown) = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
        let in_table = text.get(..span.start).is_some_and(|before| before.lines().any(|l| l.trim().starts_with("[[")));
        let keys: &[(&str, &str)] = if in_table { &TABLE_KEYS } else { &KEYS };
        unknown_key(unknown, keys.iter().map(|(key, _)| *key))
    } else {
        // The line the value begins on names its key; of a list over several lines, an earlier one does.
        let before = text.lines().take(line).collect::<Vec<_>>();
        let key = before.iter().rev().find_map(|line| key_of(line)).unwrap_or_default();
        // Of a proxy the value is not told: people write passwords there.
        let value = if key.starts_with("proxy") { "…" } else { found(span) };
        // Nor is a line that may hold one, where nothing says which key it is.
        let may_be_secret = whole_line.contains("proxy") || whole_line.contains('@');
        match (right(key), value) {
            ("", _) if may_be_secret => message.to_owned(),
            ("", "") => format!("\"{}\": {message}", whole_line.trim()),
            ("", value) => format!("{value}: {message}"),
            (right, value) => format!("{key} = {value}: {message}; {right}"),
        }
    };
    BadSetting { file: file.to_owned(), line, what }
}

/// Says of a key that is none which one was meant, or which there are.
fn unknown_key<'a>(unknown: &str, keys: impl Iterator<Item = &'a str> + Clone) -> String {
    let nearest = keys.clone().min_by_key(|key| distance(unknown, key));
    match nearest.filter(|key| distance(unknown, key) <= key.len() / 2) {
        Some(key) => format!("there is no setting \"{unknown}\"; did you mean \"{key}\"?"),
        None => format!("there is no setting \"{unknown}\"; there are {}", keys.collect::<Vec<_>>().join(", ")),
    }
}

/// How many letters must be changed to make one word the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let here = (diagonal + usize::from(x != y)).min(*cell + 1).min(left + 1);
            diagonal = *cell;
            *cell = here;
            left = here;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::DATA_OUT_OCTETS;

    const EXAMPLE: &str = include_str!("../../packaging/agent.toml");

    #[test]
    fn the_packaged_file_is_all_defaults_and_every_example_in_it_works() {
        assert_eq!(Settings::read(EXAMPLE, "agent.toml"), Ok(Settings::default()));
        let key = |line: &str| line.starts_with('#') && line.get(1..2).is_some_and(|c| c != " ");
        let shown: String =
            EXAMPLE.lines().map(|line| if key(line) { &line[1..] } else { line }).map(|l| format!("{l}\n")).collect();
        let settings = Settings::read(&shown, "agent.toml").unwrap();
        assert_eq!(settings.interfaces, ["ens19"]);
        assert_eq!(settings.quic_again(), Duration::from_secs(QUIC_AGAIN_S), "the default shown is the default");
        assert!(settings.proxy.is_some() && settings.proxy_credentials.is_some());
        assert_eq!(settings.spool_max_octets(), SPOOL_MAX_OCTETS, "the default shown is the default");
        assert_eq!(settings.spool_unacknowledged_s(), SPOOL_UNACKNOWLEDGED_KEEP_S, "the default shown is the default");
        assert_eq!(settings.ring_blocks(), RING_BLOCKS, "the default shown is the default");
        assert_eq!(settings.capture_backend, CaptureBackend::Ring, "the default shown is the default");
        assert_eq!(settings.site_ids(), [SiteId(0), SiteId(1)]);
        let sensor = settings.sensor();
        assert_eq!(sensor.sinkholes, ["10.1.0.99".parse::<IpAddr>().unwrap(), "10.1.0.98".parse().unwrap()]);
        assert_eq!(settings.data_out_octets, Some(DATA_OUT_OCTETS), "the default shown is the default");
        assert_eq!(settings.frequent_hosts, Some(crate::limits::FREQUENT_HOSTS), "the default shown is the default");
        assert_eq!(sensor.zones.first().map(|(_, zone)| zone.confidentiality), Some(Level::High));
        for (key, _) in KEYS.iter().chain(&TABLE_KEYS) {
            assert!(EXAMPLE.contains(&format!("#{key} =")) || EXAMPLE.contains(&format!("#[[{key}]]")), "{key}");
        }
    }

    #[test]
    fn a_refused_setting_says_where_what_and_what_would_be_right() {
        let cases = [
            ("\ncolector = \"a:1\"\n", 2, "\"colector\"; did you mean \"collector\"?"),
            ("wonderful = 1", 1, "there are collector, fallback"),
            ("collector = \"varde.example.no\"", 1, "give host and port"),
            ("collector = \"2001:db8::1:7843\"", 1, "give host and port"),
            ("fallback = \"varde.example.no\"", 1, "give host and port such as \"varde.example.no:443\", or \"none\""),
            ("\nproxy = \"http://me:secret@proxy:1\"", 2, "proxy is no such address; give http, host and port"),
            ("proxy_credentials = \"x\"", 1, "there is no proxy"),
            ("proxy = \"http://me:secret@proxy:1", 1, "proxy = …: "),
            ("quic_again_s = 1", 1, "quic_again_s = 1; give whole seconds from 5"),
            ("inside = [\n  \"10.0.0.0/8\",\n  \"10.0.0/8\",\n]", 3, "\"10.0.0/8\""),
            ("inside = \"10.0.0.0/8\"", 1, "give networks such as"),
            ("resolvers = [\"dns.example.no\"]", 1, "give addresses such as"),
            ("dns_ports = [530000]", 1, "give port numbers"),
            ("sinkholes = [\"blocked.example.no\"]", 1, "give addresses such as"),
            ("data_out_octets = 0", 1, "data_out_octets = 0; give whole octets from 1"),
            ("data_out_octets = 4294967296", 1, "give whole octets"),
            ("frequent_hosts = -1", 1, "give a whole number of hosts"),
            ("capture_backend = \"pcap\"", 1, "give \"ring\" or \"pnet\""),
            ("capture_ring_mib = 1", 1, "capture_ring_mib = 1; give whole MiB from 2"),
            ("\ncapture_fanout = 0", 2, "give a number from 1 to 255"),
            ("capture_fanout = 256", 1, "give a number from 1 to 255"),
            ("spool_max_mib = 1", 1, "spool_max_mib = 1; give whole MiB from 4"),
            ("\nspool_max_days = 3", 2, "spool_max_days = 3; give whole days from 7 to 396"),
            ("spool_max_days = \"90\"", 1, "give whole days from 7"),
            ("[[zone]]\nid = 1\nnetworks = []\nintegrity = \"stor\"", 4, "\"lavt\", \"middels\" or \"høyt\""),
            ("[[site]]\nid = 1\nnetwork = []", 3, "did you mean \"networks\"?"),
            ("[[site]]\nnetworks = []", 1, "id"),
            ("collector = ", 1, "collector"),
        ];
        for (text, line, words) in cases {
            let bad = Settings::read(text, "agent.toml").unwrap_err();
            assert_eq!(bad.line, line, "{text}: {bad}");
            assert!(bad.to_string().contains(words), "{text}: {bad}");
        }
    }

    #[test]
    fn letters_between_words() {
        assert_eq!([distance("a", ""), distance("colector", "collector"), distance("abc", "cab")], [1, 1, 2]);
    }
}
