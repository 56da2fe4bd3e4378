//! STIX 2.1 bundles, and what TAXII servers answer with: indicators by their patterns, with what other objects of the same bundle
//! say of them. Bare observables and observed data are never indicators.

mod around;
mod grammar;
pub(in crate::intel::format) mod marking;
mod object;
mod pattern;
mod token;

use std::fmt;
use std::net::IpAddr;
use std::ops::ControlFlow;

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use varde_common::indicator::{Pattern, Target};
use varde_common::time::Timestamp;

use self::around::{Around, Known};
use self::object::{Common, Gist, Indicator};
use self::pattern::{Family, Wanted, What};
use super::json::{self, Allowance, Document, Each, Skip};
use super::loose::{Texts, cut, shown};
use super::marked::Said;
use super::value::{self, Names, Value};
use super::{BadFile, Clue, Input, Item, LeftOut, Place, Withdrawn};
use crate::intel::canonical::{About, Details, Found, Object};
use crate::intel::outward::stix::{EXACT_HOST, severity_of};
use crate::limits::{
    CLUE_KIND_MAX_CHARACTERS, FEED_AROUND_MAX_OCTETS, NOTE_MAX_CHARACTERS, OBJECT_TEXT_MAX_OCTETS, TAG_MAX_CHARACTERS,
    TAGS_MAX,
};

/// Of an entry that is left out, as much is shown.
const SHOWN_MAX_CHARACTERS: usize = 80;
/// Of a reason, which may repeat what stands there.
const REASON_MAX_CHARACTERS: usize = 300;

/// Why a pattern is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
enum NotUnderstood {
    /// It is none.
    NoPattern(String),
    /// It is good, and beyond what sensors see.
    Beyond(String),
}

impl NotUnderstood {
    fn no_pattern(why: &str) -> NotUnderstood {
        NotUnderstood::NoPattern(shown(why, REASON_MAX_CHARACTERS))
    }

    fn beyond(why: &str) -> NotUnderstood {
        NotUnderstood::Beyond(shown(why, REASON_MAX_CHARACTERS))
    }
}

impl fmt::Display for NotUnderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotUnderstood::NoPattern(why) => write!(f, "is no STIX pattern: {why}"),
            NotUnderstood::Beyond(why) => write!(f, "is not supported: {why}"),
        }
    }
}

/// Whether a file begins like a bundle, like what a TAXII server answers, or like objects in an array of their own.
pub(super) fn is_one(head: &str) -> bool {
    let head = head.trim_start();
    match head.strip_prefix('[') {
        Some(objects) => objects.trim_start().starts_with('{') && head.contains("\"spec_version\""),
        None => {
            head.starts_with('{')
                && head.contains("\"objects\"")
                && (head.contains("\"bundle\"") || head.contains("\"spec_version\""))
        }
    }
}

/// Each object of each bundle.
struct Bundles<'a>(&'a mut dyn FnMut(&RawValue) -> ControlFlow<()>);

impl Document for Bundles<'_> {
    fn read<'de, D: Deserializer<'de>>(&mut self, allowance: &Allowance, document: D) -> Result<(), D::Error> {
        document.deserialize_any(Bundle { allowance, take: &mut *self.0 })
    }
}

struct Bundle<'a> {
    allowance: &'a Allowance,
    take: &'a mut dyn FnMut(&RawValue) -> ControlFlow<()>,
}

impl<'de> Visitor<'de> for Bundle<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with \"objects\"")
    }

    /// Without a bundle around them, as programs write them that leave it away; or bundles, each of which is read.
    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        self.allowance.renew();
        while let Some(element) = array.next_element::<Box<RawValue>>()? {
            if Gist::of(element.get()).is_bundle() {
                let mut bundle = serde_json::Deserializer::from_str(element.get());
                let within = Bundle { allowance: self.allowance, take: &mut *self.take };
                bundle.deserialize_map(within).map_err(A::Error::custom)?;
            } else {
                json::go_on((self.take)(&element))?;
            }
            self.allowance.renew();
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut bundle: A) -> Result<(), A::Error> {
        let (mut has_objects, mut is_other) = (false, None);
        while let Some(key) = bundle.next_key::<String>()? {
            match key.as_str() {
                "objects" => {
                    has_objects = true;
                    bundle.next_value_seed(Each { allowance: self.allowance, take: &mut *self.take })?;
                }
                "type" => is_other = bundle.next_value::<Texts>()?.0.into_iter().find(|kind| kind != "bundle"),
                _ => bundle.next_value_seed(Skip(self.allowance))?,
            }
            self.allowance.renew();
        }
        match is_other.filter(|_| !has_objects) {
            // One by itself would be passed over in silence.
            Some(kind) => Err(A::Error::custom(format!(
                "an object of type \"{kind}\" stands by itself; put it between {{\"type\":\"bundle\",\"objects\":[ and ]}}"
            ))),
            None => Ok(()),
        }
    }
}

/// Tells `take` each object with its number.
fn each(
    input: &mut dyn Input,
    mut take: impl FnMut(u64, &str, Result<Common, String>) -> ControlFlow<()>,
) -> Result<(), BadFile> {
    let mut number = 0_u64;
    let mut element = |raw: &RawValue| {
        number += 1;
        let common = serde_json::from_str::<Common>(raw.get()).map_err(|error| json::fault(&error));
        take(number, raw.get(), common)
    };
    json::read(input, "STIX bundle", &mut Bundles(&mut element))
}

pub(super) fn read(input: &mut dyn Input, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), BadFile> {
    let mut around = Around::new();
    each(input, |number, text, common| {
        let added = common.and_then(|common| around.add(text, common));
        if added.is_err() {
            around.note_unreadable(number);
            around.doubt(&Gist::of(text));
        }
        match around.is_full() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })?;
    if around.is_full() {
        let octets = FEED_AROUND_MAX_OCTETS;
        return Err(BadFile::Format(format!(
            "what its objects say of one another comes to more than {octets} bytes; split it"
        )));
    }
    around.settle();
    input.rewind()?;
    each(input, |number, text, common| {
        let (why, id) = match common {
            Ok(common) if common.r#type == "indicator" => return indicator(&mut around, text, &common, take),
            Ok(_) if !around.is_unreadable(number) => return ControlFlow::Continue(()),
            // Once more, for what could not be read of it.
            Ok(common) => {
                let id = common.has_id().then(|| common.id.clone());
                match Around::new().add(text, common) {
                    Ok(()) => return ControlFlow::Continue(()),
                    Err(why) => (why, id),
                }
            }
            Err(why) => (why, None),
        };
        unreadable(number, text, id, &why, take)
    })
}

/// Tells of an object that cannot be read, and what follows for those that it names or marks.
fn unreadable(
    number: u64,
    text: &str,
    id: Option<String>,
    why: &str,
    take: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let gist = Gist::of(text);
    let id = id.or_else(|| gist.ids.first().cloned());
    let strictest = match Around::new().doubt(&gist) {
        true => "; what it names or marks is taken as TLP:RED",
        false => "",
    };
    let place = id.as_deref().map_or_else(|| format!("number {number}"), |id| shown(id, TAG_MAX_CHARACTERS));
    let left_out = LeftOut {
        place: Place::Object(place),
        text: shown(text, SHOWN_MAX_CHARACTERS),
        why: format!("is no STIX object: {why}{strictest}"),
    };
    take(Item::LeftOut(left_out))?;
    // Whatever this version of it was to say, what the older one said does not stand.
    let ids = gist.ids.into_iter().filter(|id| id.starts_with("indicator--"));
    for object_id in ids {
        take(Item::Silent(Withdrawn { object_id, modified: gist.modified }))?;
    }
    ControlFlow::Continue(())
}

/// Tells what an indicator comes to: what to look for, and that it names nothing where it does not.
fn indicator(
    around: &mut Around,
    text: &str,
    common: &Common,
    take: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let bad = |shown_text: &str, why: String| {
        let place = Place::Object(shown(&common.id, TAG_MAX_CHARACTERS));
        Item::LeftOut(LeftOut { place, text: shown(shown_text, SHOWN_MAX_CHARACTERS), why })
    };
    if !common.has_id() {
        return take(bad(text, "is not imported: it has no id, or one that can be none".to_owned()));
    }
    let version = || Withdrawn { object_id: common.id.clone(), modified: common.modified() };
    if common.revoked {
        return take(Item::Withdrawn(version()));
    }
    let indicator = match serde_json::from_str::<Indicator>(text) {
        Ok(indicator) => indicator,
        Err(error) => {
            take(bad(text, format!("is not imported: {}", json::fault(&error))))?;
            return take(Item::Silent(version()));
        }
    };
    let about = about(&around.of(common), common, &indicator);
    let clue = |kind: &str, value: &str| {
        let kind = shown(kind, CLUE_KIND_MAX_CHARACTERS);
        Item::Clue(Clue {
            object_id: common.id.clone(),
            kind,
            value: cut(value, OBJECT_TEXT_MAX_OCTETS / 4),
            tlp: about.tlp,
        })
    };
    let mut names_one = false;
    match wanted(&indicator) {
        Ok(wanted) => {
            let is_host = is_host(common);
            // What labels say of it was the standard's word before 2.1.
            let says_benign = |words: &[String]| words.iter().any(|word| word.trim().eq_ignore_ascii_case("benign"));
            let is_benign = says_benign(&indicator.indicator_types)
                || (indicator.pattern_type.is_none() && says_benign(&common.labels));
            let kept = (text.len() <= OBJECT_TEXT_MAX_OCTETS).then(|| text.to_owned());
            let object = Object { id: common.id.clone(), modified: common.modified(), text: kept };
            for one in &wanted {
                let (pattern, about) = match sought(one, is_host) {
                    Ok(Value::Pattern(pattern)) => (pattern, about.clone()),
                    Ok(Value::OfUrl(pattern)) => (pattern, about.clone().of_url(&one.value)),
                    Ok(Value::Clue(kind)) => {
                        take(clue(if let What::Other(what) = &one.what { what } else { kind }, &one.value))?;
                        continue;
                    }
                    Err(why) => {
                        take(bad(&one.value, shown(&why, REASON_MAX_CHARACTERS)))?;
                        continue;
                    }
                };
                let found = Box::new(Found { pattern, about, object: object.clone() });
                let place = Place::Object(shown(&common.id, TAG_MAX_CHARACTERS));
                names_one |= !is_benign;
                take(if is_benign { Item::Harmless(place, found) } else { Item::Found(place, found) })?;
            }
        }
        Err(NotTaken::Bad(text, why)) => take(bad(&text, why))?,
        Err(NotTaken::ForPeople(kind)) => take(clue(&kind, &indicator.pattern))?,
    }
    if names_one { ControlFlow::Continue(()) } else { take(Item::Silent(version())) }
}

/// Why an indicator is not looked for.
enum NotTaken {
    /// What is wrong, and why.
    Bad(String, String),
    /// It is good and no sensor sees it: what it is, with the reason.
    ForPeople(String),
}

/// What an indicator asks for.
fn wanted(indicator: &Indicator) -> Result<Vec<Wanted>, NotTaken> {
    let kind = indicator.pattern_type.as_deref().unwrap_or("stix");
    if !kind.trim().eq_ignore_ascii_case("stix") {
        return Err(NotTaken::ForPeople(format!("pattern of {kind}")));
    }
    for (what, moment) in [("valid_from", &indicator.valid_from), ("valid_until", &indicator.valid_until)] {
        if let Some(moment) = moment.as_deref().filter(|moment| moment.parse::<Timestamp>().is_err()) {
            let why = format!("is not imported: its {what} is no time (RFC 3339)");
            return Err(NotTaken::Bad(moment.to_owned(), why));
        }
    }
    pattern::read(&indicator.pattern).map_err(|why| match why {
        NotUnderstood::NoPattern(_) => NotTaken::Bad(indicator.pattern.clone(), why.to_string()),
        NotUnderstood::Beyond(why) => NotTaken::ForPeople(format!("pattern, not supported: {why}")),
    })
}

/// Whether its source says that its names are hosts. STIX has one kind of name for a domain and all below it and for a host alone,
/// and most who write it mean the domain they saw; a domain that is looked for alone would miss what it hands out next. MISP's
/// converter says in a label which it was.
fn is_host(common: &Common) -> bool {
    common.labels.iter().any(|label| {
        matches!(
            label.trim(),
            EXACT_HOST | "misp:type=\"hostname\"" | "misp:type=\"hostname|port\"" | "misp:type=\"hostname-port\""
        )
    })
}

fn about(known: &Known, common: &Common, indicator: &Indicator) -> About {
    let said = Said::by(common.labels.iter().chain(&indicator.indicator_types).map(String::as_str));
    let mut techniques = [known.techniques.as_slice(), said.techniques.as_slice()].concat();
    techniques.sort_unstable();
    techniques.dedup();
    techniques.truncate(TAGS_MAX);
    let note = indicator.description.as_ref().or(common.name.as_ref());
    let url = common.external_references.iter().find_map(|reference| reference.url.as_ref());
    let sure = indicator.confidence.number().and_then(|sure| u8::try_from(sure).ok()).filter(|sure| *sure <= 100);
    let moment = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
    About {
        threat: known.threat.clone().or(said.threat.map(|(_, name)| name)),
        confidence: sure.or(said.sure),
        severity: common.labels.iter().filter_map(|label| severity_of(label)).max(),
        tlp: known.tlp.max(said.tlp),
        pap: known.pap.max(said.pap),
        valid_from: moment(&indicator.valid_from),
        valid_until: moment(&indicator.valid_until),
        exercise: known.exercise || said.exercise,
        details: Details {
            techniques,
            tags: said.tags,
            note: note.map(|note| cut(note, NOTE_MAX_CHARACTERS)),
            url: url.map(|url| cut(url, NOTE_MAX_CHARACTERS)),
            ..Details::default()
        },
    }
}

/// What a comparison asks for; what it is must fit its path.
fn sought(one: &Wanted, is_host: bool) -> Result<Value, String> {
    let names = if is_host && !one.below { Names::Host } else { Names::Domain };
    let is_name = |pattern: &Pattern| matches!(pattern.target, Target::Domain(_) | Target::Host(_));
    let fits = |pattern: &Pattern| match one.what {
        What::Name => is_name(pattern),
        What::Address(Family::V4) => address_of(pattern).is_some_and(|address| address.is_ipv4()),
        // An IPv4 address may be written as an IPv6 one, and is held as what it is.
        What::Address(Family::V6) => address_of(pattern).is_some() && one.value.contains(':'),
        What::OtherEnd => is_name(pattern) || address_of(pattern).is_some(),
        What::Url | What::Other(_) => true,
    };
    match one.what {
        What::Other(_) => return Ok(Value::Clue("")),
        What::Url => {
            return value::read(&one.value, Names::Host).map(|read| match read {
                Value::Pattern(pattern) | Value::OfUrl(pattern) => Value::OfUrl(pattern),
                Value::Clue(kind) => Value::Clue(kind),
            });
        }
        What::Name | What::Address(_) | What::OtherEnd => {}
    }
    let is_v6 = one.value.contains(':') && one.port.is_some();
    let text = match &one.port {
        Some(port) if is_v6 => format!("[{}]:{port}", one.value),
        Some(port) => format!("{}:{port}", one.value),
        None => one.value.clone(),
    };
    let pattern = value::pattern(&text, names)?;
    match fits(&pattern) {
        true => Ok(Value::Pattern(pattern)),
        false => Err(format!("is not an indicator: {} is no {}", pattern.target.kind(), named(&one.what))),
    }
}

/// How refusals call what a path is about.
fn named(what: &What) -> &'static str {
    match what {
        What::Name => "name, as its path says (domain-name)",
        What::Address(Family::V4) => "IPv4 address or network, as its path says (ipv4-addr)",
        What::Address(Family::V6) => "IPv6 address or network, as its path says (ipv6-addr)",
        What::OtherEnd => "other end of a connection (dst_ref)",
        What::Url => "URL",
        What::Other(_) => "such thing",
    }
}

/// The address, or the first of the network.
fn address_of(pattern: &Pattern) -> Option<IpAddr> {
    match pattern.target {
        Target::Address(first) | Target::Network { first, .. } => Some(first),
        Target::Domain(_) | Target::Host(_) | Target::Ja4(_) | Target::Confidential(_) => None,
    }
}

#[cfg(test)]
mod tests;
