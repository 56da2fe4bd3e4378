//! Response policy zones: what a resolver does about names and addresses, as a zone file (RFC 1035 section 5). A name is meant
//! alone, with `*.` in front what is below it; what a policy lets through is harmless by its word.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::ControlFlow;

use super::value::{self, Names};
use super::{BadFile, Input, Item, Place, lines};
use crate::intel::canonical::Found;

/// Whether a line belongs to such a zone rather than to any other list.
pub(super) fn is_line(line: &str) -> bool {
    let mut words = line.split_whitespace();
    line.starts_with("$TTL")
        || line.starts_with("$ORIGIN")
        || words.any(|word| word.eq_ignore_ascii_case("SOA"))
        || (line.contains(" CNAME ") || line.contains("\tCNAME"))
}

/// What a zone file's reader carries from line to line.
#[derive(Debug, Default)]
struct Zone {
    /// What relative names stand below, with its final dot; empty = not said.
    origin: String,
    /// The zone's own name, in whatever form the SOA record has it.
    apex: Option<String>,
    /// Owner of the record before.
    owner: String,
    /// Parentheses that are open: the record goes on.
    open: bool,
}

pub(super) fn read(input: &mut dyn Input, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), BadFile> {
    let mut zone = Zone::default();
    lines::each(input, &mut |number, line| match line {
        Ok(line) => match zone.record(number, line) {
            Some(item) => take(item),
            None => ControlFlow::Continue(()),
        },
        Err(why) => take(lines::left_out(number, "", why)),
    })
}

impl Zone {
    fn record(&mut self, number: u64, line: &str) -> Option<Item> {
        let line = line.split(';').next().unwrap_or_default();
        let begins_blank = line.starts_with([' ', '\t']);
        let was_open = self.open;
        self.open = (self.open || line.contains('(')) && !line.contains(')');
        let mut words = line.split_whitespace();
        if was_open {
            return None;
        }
        let first = words.clone().next()?;
        match first {
            "$ORIGIN" => {
                self.origin = words.nth(1).unwrap_or_default().to_ascii_lowercase();
                return None;
            }
            "$INCLUDE" => {
                return Some(lines::left_out(number, line, "names another file, which is not read; import that too"));
            }
            _ if first.starts_with('$') => return None,
            _ => {}
        }
        if !begins_blank {
            self.owner = words.next().unwrap_or_default().to_ascii_lowercase();
        }
        // Before the type stand a class and a time to live, in either order, or not.
        let is_before_type = |word: &&str| {
            word.bytes().next().is_some_and(|octet| octet.is_ascii_digit()) || word.eq_ignore_ascii_case("IN")
        };
        let mut words = words.skip_while(is_before_type);
        let kind = words.next()?.to_ascii_uppercase();
        let data = words.next().unwrap_or_default().to_ascii_lowercase();
        match kind.as_str() {
            "SOA" => {
                self.apex = Some(if self.owner == "@" { self.origin.clone() } else { self.owner.clone() });
                None
            }
            "CNAME" | "A" | "AAAA" | "TXT" | "MX" | "PTR" | "SRV" | "DNAME" => {
                let owner = self.relative(number)?;
                Some(rule(number, owner, data == "rpz-passthru."))
            }
            // NS, RRSIG and the like are the zone's own.
            _ => None,
        }
    }

    /// The owner without the zone's own name behind it.
    fn relative(&self, number: u64) -> Option<Result<String, Item>> {
        let owner = self.owner.as_str();
        if owner == "@" || Some(owner) == self.apex.as_deref() {
            return None;
        }
        let Some(absolute) = owner.strip_suffix('.') else { return Some(Ok(owner.to_owned())) };
        let apex = self.apex.as_deref().unwrap_or(&self.origin).trim_end_matches('.');
        let below = absolute.strip_suffix(apex).and_then(|below| below.strip_suffix('.'));
        Some(match below.filter(|_| !apex.is_empty()) {
            Some(below) => Ok(below.to_owned()),
            None => Err(lines::left_out(
                number,
                owner,
                "is not below the zone's own name, which its SOA record or $ORIGIN says",
            )),
        })
    }
}

fn rule(number: u64, owner: Result<String, Item>, passes: bool) -> Item {
    let owner = match owner {
        Ok(owner) => owner,
        Err(item) => return item,
    };
    let pattern = if let Some(reversed) = owner.strip_suffix(".rpz-ip") {
        network(reversed).and_then(|text| value::pattern(&text, Names::Host).ok()).ok_or_else(|| {
            "is no address of a policy zone: its prefix length comes first and its parts backwards, as in 24.0.2.0.192.rpz-ip"
                .to_owned()
        })
    } else if let Some(trigger) =
        ["rpz-nsdname", "rpz-nsip", "rpz-client-ip"].into_iter().find(|trigger| owner.ends_with(trigger))
    {
        Err(format!("is not imported: sensors see nothing that {trigger} is about"))
    } else {
        value::pattern(&owner, Names::Host)
    };
    match pattern {
        Ok(pattern) if passes => Item::Harmless(Place::Line(number), Box::new(Found::bare(pattern))),
        Ok(pattern) => Item::Found(Place::Line(number), Box::new(Found::bare(pattern))),
        Err(why) => lines::left_out(number, &owner, why),
    }
}

/// `24.0.2.0.192` as `192.0.2.0/24`, `48.zz.bad.db8.2001` as `2001:db8:bad::/48`.
fn network(reversed: &str) -> Option<String> {
    let mut parts: Vec<&str> = reversed.split('.').collect();
    let prefix: u8 = parts.first()?.parse().ok()?;
    parts.remove(0);
    parts.reverse();
    let address = if parts.len() == 4 && !parts.contains(&"zz") {
        IpAddr::V4(parts.join(".").parse::<Ipv4Addr>().ok()?)
    } else {
        let text: Vec<&str> = parts.iter().map(|part| if *part == "zz" { "" } else { *part }).collect();
        let joined = text.join(":");
        // At either end the gap needs its own colon.
        let joined = match (parts.first() == Some(&"zz"), parts.last() == Some(&"zz")) {
            (true, true) => "::".to_owned(),
            (true, false) => format!(":{joined}"),
            (false, true) => format!("{joined}:"),
            (false, false) => joined,
        };
        IpAddr::V6(joined.parse::<Ipv6Addr>().ok()?)
    };
    Some(format!("{address}/{prefix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stand_backwards_with_their_prefix_in_front() {
        for (reversed, meant) in [
            ("32.23.100.51.198", Some("198.51.100.23/32")),
            ("28.128.2.0.192", Some("192.0.2.128/28")),
            ("128.23.zz.bad.db8.2001", Some("2001:db8:bad::23/128")),
            ("48.zz.bad.db8.2001", Some("2001:db8:bad::/48")),
            ("128.1.zz", Some("::1/128")),
            ("8.zz", Some("::/8")),
            ("1.2.3.4", None),
            ("x.1.2.3.4", None),
            ("", None),
        ] {
            assert_eq!(network(reversed).as_deref(), meant, "{reversed}");
        }
    }
}
