//! Response policy zones: what a resolver does about names and addresses, as a zone file (RFC 1035 section 5). A name is meant
//! alone, with `*.` in front what is below it. What a policy stops is looked for; what it lets through is harmless by its word;
//! what it sends elsewhere, to servers of somebody's, says nothing of either.

use std::net::IpAddr;
use std::ops::ControlFlow;

use ipnet::IpNet;

use super::value::{self, Names};
use super::{BadFile, Input, Item, Place, lines, marking};
use crate::intel::canonical::Found;

mod entry;
mod trigger;

pub(super) use entry::is_line;
use entry::{depth_after, words_of};
use trigger::network;

/// Addresses that resolvers answer with for what they stop: those of no host, and the sinkholes that sensors know too.
const SINKHOLES: &str = include_str!("../../../../agent/data/sinkholes.txt");
/// Addresses of documentation (RFC 5737, RFC 3849): nobody's servers.
const NOBODYS: [&str; 4] = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"];

const NEVER_CLOSED: &str = "has a quote or an open parenthesis that is not closed within 20 lines";

const UNNAMED: &str = "is an absolute name, and nothing here says the zone's own (its SOA record is @, without $ORIGIN); put a line \
     in front that does, such as $ORIGIN rpz.example.";

/// What a zone file's reader carries from entry to entry.
#[derive(Debug)]
struct Zone {
    /// What relative names stand below, without dots at its ends; empty = the root, none = not said.
    origin: Option<String>,
    /// The zone's own name in the same form, by its SOA record or else the first $ORIGIN.
    apex: Option<String>,
    /// Owner of the record before, as it was written.
    owner: String,
    sinkholes: Vec<IpNet>,
}

/// What a record has a resolver do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Stops,
    Passes,
    /// It answers with something else; with what.
    Rewrites(&'static str),
}

pub(super) fn read(input: &mut dyn Input, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), BadFile> {
    let lines_of_sinkholes = SINKHOLES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let sinkholes = lines_of_sinkholes
        .chain(NOBODYS)
        .filter_map(|text| text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)));
    let mut zone = Zone { origin: None, apex: None, owner: String::new(), sinkholes: sinkholes.collect() };
    let mut below = marking::Below::default();
    lines::each_entry(input, NEVER_CLOSED, &mut depth_after, &mut |number, entry| match entry {
        Ok(entry) => {
            let tlp = below.of(entry.as_bytes());
            match zone.record(number, entry) {
                Some(item) => take(marking::as_marked(item, tlp)),
                None => ControlFlow::Continue(()),
            }
        }
        Err(why) => take(lines::left_out(number, "", why)),
    })
}

impl Zone {
    fn record(&mut self, number: u64, entry: &str) -> Option<Item> {
        let begins_blank = entry.starts_with([' ', '\t']);
        let words = words_of(entry);
        let mut words = words.iter().map(String::as_str).peekable();
        let first = *words.peek()?;
        if first.starts_with('$') {
            return match first.to_ascii_uppercase().as_str() {
                "$ORIGIN" => {
                    let origin = self.absolute(&words.nth(1).unwrap_or_default().to_ascii_lowercase());
                    self.apex.get_or_insert_with(|| origin.clone());
                    self.origin = Some(origin);
                    None
                }
                "$TTL" => None,
                "$INCLUDE" => {
                    Some(lines::left_out(number, entry, "names another file, which is not read; import that too"))
                }
                _ => Some(lines::left_out(
                    number,
                    entry,
                    "is no directive that is known here; there are $ORIGIN and $TTL",
                )),
            };
        }
        if !begins_blank {
            self.owner = words.next().unwrap_or_default().to_ascii_lowercase();
        }
        // Before the type stand a class and a time to live, in either order, or not.
        let is_before_type =
            |word: &&str| word.starts_with(|first: char| first.is_ascii_digit()) || word.eq_ignore_ascii_case("IN");
        let mut words = words.skip_while(is_before_type);
        let kind = words.next()?.to_ascii_uppercase();
        let data = words.next().unwrap_or_default().to_ascii_lowercase();
        let owner = self.absolute(&self.owner);
        if kind == "SOA" {
            self.apex = Some(owner);
            return None;
        }
        if matches!(
            kind.as_str(),
            "NS" | "RRSIG" | "NSEC" | "NSEC3" | "NSEC3PARAM" | "DNSKEY" | "DS" | "CDS" | "CDNSKEY"
        ) {
            return None;
        }
        let trigger = match self.below_apex(&owner) {
            // What the zone says of itself.
            Some("") => return None,
            Some(trigger) => trigger.to_owned(),
            None => {
                let why = match self.apex.as_deref() {
                    // Its owners' common end may as well be part of what they name.
                    None | Some("") => UNNAMED,
                    Some(_) => "is not below the zone's own name, which its SOA record or $ORIGIN says",
                };
                return Some(lines::left_out(number, &owner, why));
            }
        };
        Some(rule(number, &trigger, self.action(&kind, &data, &trigger)))
    }

    /// A name with what it stands below, without dots at its ends.
    fn absolute(&self, name: &str) -> String {
        let origin = self.origin.as_deref().unwrap_or_default();
        match name.strip_suffix('.') {
            Some(name) => name.to_owned(),
            None if name == "@" || name.is_empty() => origin.to_owned(),
            None if origin.is_empty() => name.to_owned(),
            None => format!("{name}.{origin}"),
        }
    }

    /// A name without the zone's own behind it. In a zone that does not say its name all of them are relative.
    fn below_apex<'a>(&self, owner: &'a str) -> Option<&'a str> {
        let apex = self.apex.as_deref().unwrap_or_default();
        if apex.is_empty() {
            let is_absolute = self.owner.ends_with('.') && self.origin.is_none();
            return (!is_absolute).then_some(owner);
        }
        if owner == apex {
            return Some("");
        }
        match owner.strip_suffix(apex).and_then(|below| below.strip_suffix('.')) {
            Some(below) => Some(below),
            // The SOA said the zone's name and no $ORIGIN did: who loads the file says it, and relative names are below it.
            None => (self.origin.is_none() && !self.owner.ends_with('.')).then_some(owner),
        }
    }

    fn action(&self, kind: &str, data: &str, trigger: &str) -> Action {
        match kind {
            "CNAME" => match data {
                "." | "*." | "rpz-drop." | "rpz-tcp-only." => Action::Stops,
                "rpz-passthru." => Action::Passes,
                // How it was written before rpz-passthru: the name answers with itself.
                _ if data.strip_suffix('.') == Some(trigger) => Action::Passes,
                _ => Action::Rewrites("another name"),
            },
            "A" | "AAAA" => {
                let address = data.parse::<IpAddr>().map(|address| address.to_canonical());
                match address.is_ok_and(|address| self.sinkholes.iter().any(|network| network.contains(&address))) {
                    true => Action::Stops,
                    false => Action::Rewrites("an address that is no known sinkhole"),
                }
            }
            _ => Action::Rewrites("records of its own"),
        }
    }
}

fn rule(number: u64, trigger: &str, action: Action) -> Item {
    let pattern = if let Some(reversed) = trigger.strip_suffix(".rpz-ip") {
        network(reversed).and_then(|text| value::pattern(&text, Names::Host).ok()).ok_or_else(|| {
            "is no address of a policy zone: its prefix length comes first and its parts backwards, as in 24.0.2.0.192.rpz-ip"
                .to_owned()
        })
    } else if let Some(of) = ["rpz-nsdname", "rpz-nsip", "rpz-client-ip"].into_iter().find(|of| trigger.ends_with(of)) {
        Err(format!("is not imported: sensors see nothing that {of} is about"))
    } else {
        value::pattern(trigger, Names::Host)
    };
    match (pattern, action) {
        (Ok(pattern), Action::Stops) => Item::Found(Place::Line(number), Box::new(Found::bare(pattern))),
        (Ok(pattern), Action::Passes) => Item::Harmless(Place::Line(number), Box::new(Found::bare(pattern))),
        (Ok(_), Action::Rewrites(to)) => lines::left_out(
            number,
            trigger,
            format!("is not imported: the zone answers it with {to}, which does not say that it is bad"),
        ),
        (Err(why), Action::Stops | Action::Passes | Action::Rewrites(_)) => lines::left_out(number, trigger, why),
    }
}
