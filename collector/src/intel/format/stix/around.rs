//! What the rest of a bundle says of its indicators: markings, what they indicate, the reports that name them. Gathered in a first
//! pass, within a bound of octets whatever the bundle holds, and settled when all of it is known, so that the order of objects says nothing.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use varde_common::tlp::Tlp;

use super::super::json;
use super::marking;
use super::object::{Common, Gist, Naming, Relationship, is_id};
use crate::intel::canonical::Pap;
use crate::intel::format::loose::cut;
use crate::intel::format::marked::Said;
use crate::limits::{FEED_AROUND_MAX_OCTETS, TAG_MAX_CHARACTERS, TAGS_MAX};

/// What indicators indicate, in the order in which one of several is chosen as the threat: what runs, then who, then what it is
/// part of.
const THREATS: [&str; 6] = ["malware", "intrusion-set", "threat-actor", "campaign", "tool", "infrastructure"];
/// Objects that say something of those they name.
const NAMING: [&str; 4] = ["report", "grouping", "note", "opinion"];
/// What an entry of a map costs beside its key and value, about.
const ENTRY_OCTETS: usize = 24;

/// An object's name in 64 bits, by a key of this run: whoever writes a bundle cannot make two of them meet.
type Key = u64;

/// How an object is marked, before all definitions are known.
#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    /// Which of the sets of markings.
    set: u32,
    said: Option<Tlp>,
    pap: Option<Pap>,
}

/// Malware, campaigns, actors and techniques, by their newest version.
#[derive(Debug)]
struct Named {
    modified: i64,
    /// None once it is revoked.
    threat: Option<(usize, String)>,
    technique: Option<String>,
    marks: Marks,
}

/// `indicates`.
#[derive(Debug, Clone, Copy)]
struct Indicates {
    id: Key,
    modified: i64,
    source: Key,
    target: Key,
    marks: Marks,
    revoked: bool,
}

/// A report or the like: what it says holds for each indicator that it names.
#[derive(Debug)]
struct Head {
    id: Key,
    modified: i64,
    revoked: bool,
    name: Option<String>,
    exercise: bool,
    techniques: Vec<String>,
    marks: Marks,
}

/// What is known of one indicator beside what it says itself.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The strictest.
    pub(super) tlp: Option<Tlp>,
    /// The strictest.
    pub(super) pap: Option<Pap>,
    /// What it indicates, or the report that names it.
    pub(super) threat: Option<String>,
    /// ATT&CK.
    pub(super) techniques: Vec<String>,
    /// A report says that it is an exercise.
    pub(super) exercise: bool,
}

/// What the rest of a bundle says of its indicators.
#[derive(Debug)]
pub(super) struct Around {
    key: RandomState,
    octets: usize,
    /// None for definitions about something else than TLP.
    markings: HashMap<Key, Option<Tlp>>,
    sets: Vec<Box<[Key]>>,
    set_of: HashMap<Box<[Key]>, u32>,
    named: HashMap<Key, Named>,
    indicates: Vec<Indicates>,
    heads: Vec<Head>,
    /// Indicator and the place of what names it.
    names: Vec<(Key, u32)>,
    /// Indicators named by what cannot be read.
    in_doubt: Vec<Key>,
    /// The numbers of objects that cannot be read.
    unreadable: Vec<u64>,
}

impl Around {
    /// That knows what everybody knows.
    pub(super) fn new() -> Around {
        let key = RandomState::new();
        let markings = marking::KNOWN.iter().map(|(id, tlp)| (key.hash_one(*id), Some(*tlp))).collect();
        Around {
            key,
            octets: 0,
            markings,
            sets: vec![Box::default()],
            set_of: HashMap::from([(Box::default(), 0)]),
            named: HashMap::new(),
            indicates: Vec::new(),
            heads: Vec::new(),
            names: Vec::new(),
            in_doubt: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    /// Whether it holds as much as it may.
    pub(super) fn is_full(&self) -> bool {
        self.octets > FEED_AROUND_MAX_OCTETS
    }

    /// What it holds, about.
    #[cfg(test)]
    pub(super) fn octets(&self) -> usize {
        self.octets
    }

    fn key(&self, id: &str) -> Key {
        self.key.hash_one(id)
    }

    /// The object of this number cannot be read.
    pub(super) fn note_unreadable(&mut self, number: u64) {
        self.octets += size_of::<u64>();
        self.unreadable.push(number);
    }

    /// Whether it cannot.
    pub(super) fn is_unreadable(&self, number: u64) -> bool {
        self.unreadable.binary_search(&number).is_ok()
    }

    /// Takes in what an object says of others.
    ///
    /// # Errors
    /// Why it cannot be read; what it names or marks is then taken as marked most strictly.
    pub(super) fn add(&mut self, text: &str, common: Common) -> Result<(), String> {
        let parsed = |error: serde_json::Error| json::fault(&error);
        let modified = common.modified().map_or(i64::MIN, |at| at.0);
        let (id, revoked) = (self.key(&common.id), common.revoked);
        match common.r#type.as_str() {
            "marking-definition" => {
                let tlp = marking::defined(text)?;
                self.define(id, tlp);
            }
            "relationship" => {
                let relationship = serde_json::from_str::<Relationship>(text).map_err(parsed)?;
                if relationship.relationship_type == "indicates" {
                    let (source, target) = (self.key(&relationship.source_ref), self.key(&relationship.target_ref));
                    let marks = self.marks(&common);
                    self.octets += size_of::<Indicates>();
                    self.indicates.push(Indicates { id, modified, source, target, marks, revoked });
                }
            }
            "attack-pattern" => {
                let known = common.external_references.iter().filter(|known| known.source_name == "mitre-attack");
                let numbers = known.filter_map(|known| known.external_id.as_deref());
                let technique = numbers.map(|number| cut(number, TAG_MAX_CHARACTERS)).min();
                let marks = self.marks(&common);
                self.name(id, Named { modified, threat: None, technique: technique.filter(|_| !revoked), marks });
            }
            kind if NAMING.contains(&kind) => {
                let naming = serde_json::from_str::<Naming>(text).map_err(parsed)?;
                self.add_head(&common, modified, naming.object_refs);
            }
            kind => {
                if let (Some(place), Some(name)) = (THREATS.iter().position(|known| *known == kind), &common.name) {
                    let threat = (!revoked).then(|| (place, cut(name, TAG_MAX_CHARACTERS)));
                    let marks = self.marks(&common);
                    self.name(id, Named { modified, threat, technique: None, marks });
                }
            }
        }
        Ok(())
    }

    /// Of what cannot be read: what it names or marks is taken as marked most strictly. Gives whether it named or marked anything.
    pub(super) fn doubt(&mut self, gist: &Gist) -> bool {
        let mut is_about_others = false;
        if gist.may_be(&["marking-definition"]) {
            for id in gist.ids.iter().filter(|id| id.starts_with("marking-definition--")) {
                is_about_others = true;
                let id = self.key(id);
                self.define(id, Some(Tlp::Red));
            }
        }
        if gist.may_be(&NAMING) {
            for named in gist.named.iter().filter(|id| id.starts_with("indicator--")) {
                is_about_others = true;
                self.octets += size_of::<Key>();
                let key = self.key(named);
                self.in_doubt.push(key);
            }
        }
        is_about_others
    }

    fn define(&mut self, id: Key, tlp: Option<Tlp>) {
        self.octets += size_of::<(Key, Option<Tlp>)>() + ENTRY_OCTETS;
        let known = self.markings.entry(id).or_insert(tlp);
        *known = (*known).max(tlp);
    }

    fn add_head(&mut self, common: &Common, modified: i64, named: Vec<String>) {
        let place = u32::try_from(self.heads.len()).unwrap_or(u32::MAX);
        let before = self.names.len();
        for id in named.iter().filter(|id| id.starts_with("indicator--") && is_id(id)) {
            let key = self.key(id);
            self.names.push((key, place));
        }
        if self.names.len() == before {
            return;
        }
        self.octets += (self.names.len() - before) * size_of::<(Key, u32)>();
        let said = Said::by(common.labels.iter().map(String::as_str));
        // A note's text is no name of a threat.
        let is_named = matches!(common.r#type.as_str(), "report" | "grouping");
        let head = Head {
            id: self.key(&common.id),
            modified,
            revoked: common.revoked,
            name: common.name.as_deref().filter(|_| is_named).map(|name| cut(name, TAG_MAX_CHARACTERS)),
            exercise: said.exercise,
            marks: self.marks(common),
            techniques: said.techniques,
        };
        let texts = head.techniques.iter().chain(&head.name).map(|text| text.len() + ENTRY_OCTETS).sum::<usize>();
        self.octets += size_of::<Head>() + texts;
        self.heads.push(head);
    }

    /// The newest version stands; of two that are as new, whichever order they come in.
    fn name(&mut self, id: Key, named: Named) {
        let text = named.threat.as_ref().map_or(0, |(_, name)| name.len());
        self.octets += size_of::<(Key, Named)>() + ENTRY_OCTETS + text;
        let rank = |named: &Named| (named.modified, named.threat.clone(), named.technique.clone());
        match self.named.get_mut(&id) {
            Some(known) if rank(known) < rank(&named) => *known = named,
            Some(_) => {}
            None => {
                self.named.insert(id, named);
            }
        }
    }

    /// How an object is marked: by its labels and words, and by markings of the whole and of parts.
    fn marks(&mut self, common: &Common) -> Marks {
        let (said, pap) = marking::spoken(common);
        let parts = common.granular_markings.iter().map(|granular| &granular.marking_ref);
        let ids = common.object_marking_refs.iter().chain(parts).filter(|id| !id.is_empty());
        let mut set: Vec<Key> = ids.map(|id| self.key(id)).collect();
        set.sort_unstable();
        set.dedup();
        let set = set.into_boxed_slice();
        let place = match self.set_of.get(&set) {
            Some(place) => *place,
            None => {
                let place = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
                self.octets += 2 * (size_of_val(&*set) + ENTRY_OCTETS);
                self.sets.push(set.clone());
                self.set_of.insert(set, place);
                place
            }
        };
        Marks { set: place, said, pap }
    }

    /// All has been told: older versions and what was revoked give way.
    pub(super) fn settle(&mut self) {
        // Newest first of each; without a table beside it, for there may be a million.
        self.indicates.sort_unstable_by_key(|one| (one.id, std::cmp::Reverse(one.modified)));
        let mut newest = None;
        self.indicates.retain(|one| {
            let (id, modified) = *newest.get_or_insert((one.id, one.modified));
            if id != one.id {
                newest = Some((one.id, one.modified));
                return !one.revoked;
            }
            one.modified >= modified && !one.revoked
        });
        self.indicates.sort_unstable_by_key(|one| (one.source, one.target));
        let mut newest: HashMap<Key, i64> = HashMap::new();
        for head in &self.heads {
            let known = newest.entry(head.id).or_insert(head.modified);
            *known = (*known).max(head.modified);
        }
        let is_current = |head: &Head| newest.get(&head.id).is_none_or(|newest| head.modified >= *newest);
        let heads = &self.heads;
        self.names
            .retain(|(_, place)| heads.get(*place as usize).is_some_and(|head| is_current(head) && !head.revoked));
        self.names.sort_unstable();
        self.names.dedup();
        self.in_doubt.sort_unstable();
    }

    /// What marks come to, now that all definitions are known. A definition that did not come along may say anything: what it
    /// marks is shared no further than what is unmarked.
    fn tlp(&self, marks: Marks) -> Option<Tlp> {
        let set = self.sets.get(marks.set as usize).into_iter().flatten();
        set.map(|key| self.markings.get(key).copied().unwrap_or(Some(Tlp::Amber))).max().flatten().max(marks.said)
    }

    /// What is known of an indicator.
    pub(super) fn of(&mut self, common: &Common) -> Known {
        let marks = self.marks(common);
        let id = self.key(&common.id);
        let mut known = Known { tlp: self.tlp(marks), pap: marks.pap, ..Known::default() };
        if self.in_doubt.binary_search(&id).is_ok() {
            known.tlp = Some(Tlp::Red);
        }
        let mut report = None::<&String>;
        let from = self.names.partition_point(|(named, _)| *named < id);
        let names = self.names.iter().skip(from).take_while(|(named, _)| *named == id);
        for head in names.filter_map(|(_, place)| self.heads.get(*place as usize)) {
            known.tlp = known.tlp.max(self.tlp(head.marks));
            known.pap = known.pap.max(head.marks.pap);
            known.exercise |= head.exercise;
            known
                .techniques
                .extend(head.techniques.iter().take(TAGS_MAX.saturating_sub(known.techniques.len())).cloned());
            report = match (report, head.name.as_ref()) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        let mut threat = None::<&(usize, String)>;
        let from = self.indicates.partition_point(|one| one.source < id);
        for one in self.indicates.iter().skip(from).take_while(|one| one.source == id) {
            let Some(named) = self.named.get(&one.target) else { continue };
            // Who may not be told the connection may not be told the indicator under this name.
            known.tlp = known.tlp.max(self.tlp(one.marks)).max(self.tlp(named.marks));
            known.pap = known.pap.max(named.marks.pap);
            if known.techniques.len() < TAGS_MAX {
                known.techniques.extend(named.technique.clone());
            }
            threat = match (threat, named.threat.as_ref()) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        known.threat = threat.map(|(_, name)| name).or(report).cloned();
        known
    }
}
