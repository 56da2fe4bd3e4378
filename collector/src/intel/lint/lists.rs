//! Warninglists, compiled: names by hash of themselves and their parents, networks by hash of each width, so that a look costs the same
//! however long the lists are.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;
use regex::Regex;
use varde_common::indicator::{Pattern, Target};
use varde_common::name::{DomainName, Name};

use super::fixed::is_own_below;
use super::read::{List, ListKind, Listed};
use super::{Finding, Level, Rule};
use crate::limits::{COVERED_LOOKED_AT, EXPRESSION_MAX_OCTETS};

/// How an indicator lies to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Relation {
    /// Below the name, within the network.
    Below,
    /// The same.
    Equal,
    /// It would match the entry and more.
    Above,
}

/// An entry that an indicator meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Met {
    /// How.
    pub(super) relation: Relation,
    /// What the entry was put in with.
    pub(super) number: u32,
    /// The entry.
    pub(super) entry: String,
}

#[derive(Debug)]
enum What {
    Name { name: DomainName, and_below: bool },
    Network(IpNet),
}

#[derive(Debug)]
struct Entry {
    what: What,
    number: u32,
}

/// Networks of one family, as numbers of as many bits.
#[derive(Debug, Default)]
struct Family {
    by_prefix: HashMap<(u8, u128), Vec<u32>>,
    prefixes: Vec<u8>,
    /// Where each begins, in order.
    begins: Vec<(u128, u32)>,
}

/// Names and networks, each with a number of whoever put it in. What is put in first is what is told where several are covered.
#[derive(Debug, Default)]
pub(super) struct Tables {
    entries: Vec<Entry>,
    names: HashMap<Box<[u8]>, Vec<u32>>,
    /// Names that have entries below them, with the first of these.
    above: HashMap<Box<[u8]>, u32>,
    v4: Family,
    v6: Family,
}

/// An address as a number, and how many bits that has.
fn number(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

/// The bits that are not the network's.
fn rest(prefix: u8, bits: u8) -> u128 {
    1u128.checked_shl(u32::from(bits.saturating_sub(prefix))).map_or(u128::MAX, |end| end - 1)
}

impl Tables {
    fn push(&mut self, what: What, number: u32) -> u32 {
        let place = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push(Entry { what, number });
        place
    }

    pub(super) fn add_name(&mut self, name: &DomainName, and_below: bool, number: u32) {
        let place = self.push(What::Name { name: name.clone(), and_below }, number);
        self.names.entry(name.as_name().octets().into()).or_default().push(place);
        for parent in name.as_name().self_and_parents().skip(1).filter(|parent| parent.label_count() > 1) {
            if !self.above.contains_key(parent.octets()) {
                self.above.insert(parent.octets().into(), place);
            }
        }
    }

    pub(super) fn add_network(&mut self, network: IpNet, tag: u32) {
        let place = self.push(What::Network(network), tag);
        let (first, bits) = number(network.network());
        let family = if bits == 32 { &mut self.v4 } else { &mut self.v6 };
        family.by_prefix.entry((network.prefix_len(), first)).or_default().push(place);
        family.begins.push((first, place));
    }

    /// When all is in.
    pub(super) fn finish(&mut self) {
        for family in [&mut self.v4, &mut self.v6] {
            family.begins.sort_unstable();
            family.prefixes = family.by_prefix.keys().map(|(prefix, _)| *prefix).collect();
            family.prefixes.sort_unstable();
            family.prefixes.dedup();
        }
    }

    fn met(&self, place: u32, relation: Relation) -> Option<Met> {
        let entry = self.entries.get(place as usize)?;
        let text = match &entry.what {
            What::Name { name, .. } => name.to_string(),
            What::Network(network) if network.prefix_len() == network.max_prefix_len() => network.addr().to_string(),
            What::Network(network) => network.to_string(),
        };
        Some(Met { relation, number: entry.number, entry: text })
    }

    /// The entries that an indicator meets; of those that it covers one.
    pub(super) fn meet(&self, pattern: &Pattern) -> Vec<Met> {
        match &pattern.target {
            Target::Domain(name) => self.meet_name(name.as_name(), true),
            Target::Host(name) => self.meet_name(name.as_name(), false),
            Target::Address(address) => self.meet_network(IpNet::from(*address)),
            Target::Network { first, prefix } => {
                IpNet::new(*first, *prefix).map_or_else(|_| Vec::new(), |network| self.meet_network(network))
            }
            Target::Ja4(_) | Target::Confidential(_) => Vec::new(),
        }
    }

    fn meet_name(&self, name: Name<'_>, and_below: bool) -> Vec<Met> {
        let mut met = Vec::new();
        for (up, parent) in name.self_and_parents().enumerate() {
            for place in self.names.get(parent.octets()).into_iter().flatten() {
                let reaches = matches!(
                    self.entries.get(*place as usize),
                    Some(Entry { what: What::Name { and_below: true, .. }, .. })
                );
                match up {
                    0 => met.extend(self.met(*place, Relation::Equal)),
                    _ if reaches => met.extend(self.met(*place, Relation::Below)),
                    _ => {}
                }
            }
        }
        if and_below {
            met.extend(self.above.get(name.octets()).and_then(|place| self.met(*place, Relation::Above)));
        }
        met
    }

    fn meet_network(&self, network: IpNet) -> Vec<Met> {
        let (first, bits) = number(network.network());
        let family = if bits == 32 { &self.v4 } else { &self.v6 };
        let mut met = Vec::new();
        for prefix in family.prefixes.iter().take_while(|prefix| **prefix <= network.prefix_len()) {
            let relation = if *prefix == network.prefix_len() { Relation::Equal } else { Relation::Below };
            let places = family.by_prefix.get(&(*prefix, first & !rest(*prefix, bits)));
            met.extend(places.into_iter().flatten().filter_map(|place| self.met(*place, relation)));
        }
        if network.prefix_len() < bits {
            let last = first | rest(network.prefix_len(), bits);
            let from = family.begins.partition_point(|(begin, _)| *begin < first);
            let within =
                family.begins.iter().skip(from).take(COVERED_LOOKED_AT).take_while(|(begin, _)| *begin <= last);
            let narrower = within.map(|(_, place)| *place).filter(|place| {
                let what = self.entries.get(*place as usize).map(|entry| &entry.what);
                matches!(what, Some(What::Network(inner)) if inner.prefix_len() > network.prefix_len())
            });
            met.extend(narrower.min().and_then(|place| self.met(place, Relation::Above)));
        }
        met
    }
}

/// What there is to know of a compiled list.
#[derive(Debug)]
struct Info {
    name: String,
    level: Level,
    is_shared: bool,
}

/// All lists.
#[derive(Debug, Default)]
pub(super) struct Lists {
    infos: Vec<Info>,
    tables: Tables,
    substrings: Vec<(u32, Regex)>,
}

impl Lists {
    pub(super) fn new(mut lists: Vec<List>) -> Lists {
        // Of what a network or a name covers the strictest is told.
        lists.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.name.cmp(&b.name)));
        let mut compiled = Lists::default();
        for (number, list) in lists.into_iter().enumerate() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            if list.kind == ListKind::Substring {
                let parts: Vec<String> = list.entries.iter().map(|entry| regex::escape(entry)).collect();
                let built = regex::RegexBuilder::new(&parts.join("|")).size_limit(EXPRESSION_MAX_OCTETS).build();
                // The reader has held it to as many and as long ones as fit.
                compiled.substrings.extend(built.ok().filter(|_| !parts.is_empty()).map(|built| (number, built)));
            } else {
                for listed in list.listed() {
                    match listed {
                        Listed::Name { name, and_below } => compiled.tables.add_name(&name, and_below, number),
                        Listed::Network(network) => compiled.tables.add_network(network, number),
                    }
                }
            }
            compiled.infos.push(Info { name: list.name, level: list.level, is_shared: list.is_shared });
        }
        compiled.tables.finish();
        compiled
    }

    pub(super) fn look(&self, pattern: &Pattern, of_url: bool, findings: &mut Vec<Finding>) {
        let begin = findings.len();
        for met in self.tables.meet(pattern) {
            self.tell(pattern, of_url, met, findings, begin);
        }
        if self.substrings.is_empty() {
            return;
        }
        let text = match &pattern.target {
            Target::Domain(name) | Target::Host(name) => name.to_string(),
            Target::Address(address) => address.to_string(),
            Target::Network { .. } | Target::Ja4(_) | Target::Confidential(_) => return,
        };
        for (number, built) in &self.substrings {
            if let Some(part) = built.find(&text) {
                let relation = if part.len() == text.len() { Relation::Equal } else { Relation::Below };
                let met = Met { relation, number: *number, entry: part.as_str().to_owned() };
                self.tell(pattern, of_url, met, findings, begin);
            }
        }
    }

    /// Adds what an entry says, once a list.
    fn tell(&self, pattern: &Pattern, of_url: bool, met: Met, findings: &mut Vec<Finding>, begin: usize) {
        let Met { relation, number, entry } = met;
        let Some(info) = self.infos.get(number as usize) else { return };
        if findings.iter().skip(begin).any(|said| said.list.as_deref() == Some(&info.name)) {
            return;
        }
        let has_own_name = || match (&pattern.target, DomainName::parse(&entry)) {
            (Target::Domain(name) | Target::Host(name), Ok(above)) => is_own_below(name, &above),
            _ => false,
        };
        let is_somebodys = info.is_shared && relation == Relation::Below && (!of_url || has_own_name());
        let (rule, level) = match info.level {
            Level::Annotate => (Rule::List, Level::Annotate),
            // Below a service that many share: who has a name of his own there is looked for by it.
            level @ (Level::Warn | Level::Quarantine | Level::Block) if is_somebodys => {
                (Rule::List, level.min(Level::Warn))
            }
            Level::Warn | Level::Quarantine | Level::Block if of_url => (Rule::UrlHost, Level::Block),
            level @ (Level::Warn | Level::Quarantine | Level::Block) => (Rule::List, level),
        };
        let list = &info.name;
        let how = match relation {
            Relation::Equal => "it is".to_owned(),
            Relation::Below => format!("it belongs to {entry},"),
            Relation::Above => format!("it covers {entry},"),
        };
        let (why, remedy) = match (rule, level) {
            (Rule::UrlHost, _) => (
                format!("only the host of a URL, and {how} on the list {list}: others' pages and files are on it too"),
                "if the host itself is meant, import it as a host",
            ),
            (_, Level::Annotate) => (format!("{how} on the list {list}"), "nothing is held back"),
            (_, Level::Warn) => {
                (format!("{how} on the list {list}, whose entries many share"), "see that only it is meant")
            }
            (_, Level::Quarantine | Level::Block) => (
                format!("{how} on the list {list} of what is in everybody's use"),
                "leave it out; if it is meant all the same, override it with a reason and an end",
            ),
        };
        let finding = Finding::of(rule, level, why, remedy);
        findings.push(Finding { list: Some(list.clone()), entry: Some(entry), ..finding });
    }
}
