//! What a STIX pattern means to sensors: names, addresses, networks and URLs to look for, joined by OR, each perhaps with what AND
//! adds to it (ports, an address that a name resolves to). What is beyond that is said, with its reason.

use super::NotUnderstood;
use super::grammar::{Comparison, Expression, parse};
use crate::limits::PATTERN_COMPARISONS_MAX;

/// One thing to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// What is compared.
    pub(super) what: What,
    /// With what, as it stands.
    pub(super) value: String,
    /// Only on this port.
    pub(super) port: Option<String>,
    /// `LIKE '%.…'`: what is below it.
    pub(super) below: bool,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A name.
    Name,
    /// An address or a network of this family.
    Address(Family),
    /// The other end of a connection: an address, a network or a name.
    OtherEnd,
    /// A URL.
    Url,
    /// What no sensor can look for; by the path's own words.
    Other(String),
}

/// A family of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Of a path, enough to know what it is about.
const KIND_MAX_CHARACTERS: usize = 60;

/// Reads a pattern.
///
/// # Errors
/// What in it is beyond what sensors can do, or that it is no pattern at all.
pub(super) fn read(pattern: &str) -> Result<Vec<Wanted>, NotUnderstood> {
    let parsed = parse(pattern)?;
    if let Some(joined_by) = parsed.joined_by {
        return Err(NotUnderstood::beyond(joined_by));
    }
    let mut wanted = Vec::new();
    let mut budget = PATTERN_COMPARISONS_MAX * 4;
    for observation in &parsed.observations {
        for group in groups(observation, &mut budget)? {
            mean(&group, &mut wanted)?;
        }
    }
    match wanted.is_empty() {
        true => Err(NotUnderstood::beyond("a comparison with none of nothing (IN ())")),
        false => Ok(wanted),
    }
}

/// An expression as groups joined by OR, each of comparisons joined by AND; `budget` is how many comparisons they may hold
/// together, for what stands in parentheses multiplies.
fn groups<'a>(expression: &'a Expression, budget: &mut usize) -> Result<Vec<Vec<&'a Comparison>>, NotUnderstood> {
    match expression {
        Expression::Comparison(comparison) => {
            spend(budget, 1)?;
            Ok(vec![vec![comparison]])
        }
        Expression::Or(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(groups(part, budget)?);
            }
            Ok(all)
        }
        Expression::And(parts) => {
            let mut all: Vec<Vec<&Comparison>> = vec![Vec::new()];
            for part in parts {
                let more = groups(part, budget)?;
                let mut joined = Vec::new();
                for group in &all {
                    for other in &more {
                        let both = [group.as_slice(), other.as_slice()].concat();
                        spend(budget, both.len())?;
                        joined.push(both);
                    }
                }
                all = joined;
            }
            Ok(all)
        }
    }
}

fn spend(budget: &mut usize, count: usize) -> Result<(), NotUnderstood> {
    let left = budget.checked_sub(count);
    *budget = left.ok_or_else(|| NotUnderstood::beyond("parentheses that come to too many comparisons"))?;
    Ok(())
}

/// What AND joins: one thing to look for, and what is said of it.
fn mean(group: &[&Comparison], wanted: &mut Vec<Wanted>) -> Result<(), NotUnderstood> {
    let (mut subject, mut ports, mut other_end) = (None::<(What, &Comparison)>, None::<&[String]>, None::<&str>);
    let has_name = group.iter().any(|comparison| comparison.path == "domain-name:value");
    for comparison in group {
        if comparison.operator == "EXISTS" || comparison.is_not {
            let word = if comparison.is_not { "NOT" } else { "EXISTS" };
            return Err(NotUnderstood::beyond(word));
        }
        let what = match comparison.path.as_str() {
            "domain-name:value" => What::Name,
            "ipv4-addr:value" => What::Address(Family::V4),
            "ipv6-addr:value" => What::Address(Family::V6),
            "network-traffic:dst_ref.value" => What::OtherEnd,
            "url:value" => What::Url,
            "network-traffic:dst_port" => {
                if !matches!(comparison.operator, "=" | "IN") {
                    return Err(NotUnderstood::beyond(&format!("the operator {} on ports", comparison.operator)));
                }
                if ports.replace(&comparison.values).is_some() {
                    return Err(NotUnderstood::beyond("several ports at once (AND)"));
                }
                continue;
            }
            "network-traffic:dst_ref.type" if comparison.operator == "=" => {
                other_end = comparison.values.first().map(String::as_str);
                continue;
            }
            // Protocols are not told apart.
            path if path.starts_with("network-traffic:protocols") && matches!(comparison.operator, "=" | "IN") => {
                continue;
            }
            // What a name resolves to: the name is looked for, the answer shows the rest.
            path if path.starts_with("domain-name:resolves_to_refs") && has_name => continue,
            path if path.starts_with("network-traffic:src_ref") => {
                return Err(NotUnderstood::beyond(
                    "who connects to a member (src_ref); sensors look for what members connect to",
                ));
            }
            path => What::Other(path.split(':').next().unwrap_or(path).chars().take(KIND_MAX_CHARACTERS).collect()),
        };
        if subject.is_some() {
            return Err(NotUnderstood::beyond("several things that must be seen together (AND)"));
        }
        subject = Some((what, comparison));
    }
    let Some((what, comparison)) = subject else {
        return Err(NotUnderstood::beyond("a comparison of nothing but ports and types"));
    };
    let what = match (what, other_end) {
        (What::OtherEnd, Some("ipv4-addr")) => What::Address(Family::V4),
        (What::OtherEnd, Some("ipv6-addr")) => What::Address(Family::V6),
        (What::OtherEnd, Some("domain-name")) => What::Name,
        (What::OtherEnd, Some(_)) => {
            return Err(NotUnderstood::beyond("a connection to something else than a name or an address"));
        }
        (what, _) => what,
    };
    if matches!(&what, What::Other(_)) && !matches!(comparison.operator, "=" | "IN") {
        // Kept for people in the source's own words, not as a value.
        return Err(NotUnderstood::beyond(&format!("the operator {}", comparison.operator)));
    }
    for value in &comparison.values {
        let (value, below) = match comparison.operator {
            "=" | "IN" => (value.as_str(), false),
            "LIKE" => match value.strip_prefix("%.") {
                Some(name) if what == What::Name && !name.contains(['%', '_']) => (name, true),
                _ => return Err(NotUnderstood::beyond("LIKE, but for '%.name'")),
            },
            "ISSUBSET" if matches!(what, What::Address(_) | What::OtherEnd) => (value.as_str(), false),
            operator => return Err(NotUnderstood::beyond(&format!("the operator {operator}"))),
        };
        let with = |port: Option<String>| Wanted { what: what.clone(), value: value.to_owned(), port, below };
        match ports {
            None => wanted.push(with(None)),
            Some(ports) => wanted.extend(ports.iter().map(|port| with(Some(port.clone())))),
        }
        if wanted.len() > PATTERN_COMPARISONS_MAX {
            return Err(NotUnderstood::beyond(&format!("more than {PATTERN_COMPARISONS_MAX} comparisons")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(pattern: &str) -> String {
        match read(pattern) {
            Ok(wanted) => {
                let shown = wanted.iter().map(|one| {
                    let port = one.port.as_ref().map(|port| format!(":{port}")).unwrap_or_default();
                    let below = if one.below { "*." } else { "" };
                    format!("{:?} {below}{}{port}", one.what, one.value)
                });
                shown.collect::<Vec<_>>().join(", ")
            }
            Err(why) => why.to_string(),
        }
    }

    #[test]
    fn the_forms_that_are_met_are_read() {
        for (pattern, want) in [
            ("[domain-name:value = 'x.example']", "Name x.example"),
            (
                "[ipv4-addr:value = '192.0.2.1' OR domain-name:value='b.example']",
                "Address(V4) 192.0.2.1, Name b.example",
            ),
            ("[domain-name:value = 'a.example'] OR [url:value = 'https://h/p']", "Name a.example, Url https://h/p"),
            (
                "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '198.51.100.24' AND network-traffic:dst_port = '8443']",
                "Address(V4) 198.51.100.24:8443",
            ),
            (
                "[network-traffic:dst_ref.value = '198.51.100.24' AND network-traffic:dst_port = 8443]",
                "OtherEnd 198.51.100.24:8443",
            ),
            (
                "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'd.example']",
                "Name d.example",
            ),
            (
                "[domain-name:value = 'd.example' AND domain-name:resolves_to_refs[*].value = '203.0.113.9']",
                "Name d.example",
            ),
            ("[domain-name:value IN ('a.example', 'b.example')]", "Name a.example, Name b.example"),
            ("[domain-name:value LIKE '%.evil.example']", "Name *.evil.example"),
            ("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", "Address(V4) 192.0.2.0/24"),
            (
                "[(domain-name:value = 'a.example') OR (domain-name:value = 'b.example')]",
                "Name a.example, Name b.example",
            ),
            (r"[domain-name:value = 'it\'s \\.example']", r"Name it's \.example"),
            ("[file:hashes.'SHA-256' = 'ef53']", "Other(\"file\") ef53"),
            ("[file:hashes.SHA-256 = 'ef53']", "Other(\"file\") ef53"),
            ("[x509-certificate:hashes.SHA1 = 'ab']", "Other(\"x509-certificate\") ab"),
            ("[file:name = 'CBricksDoc']", "Other(\"file\") CBricksDoc"),
        ] {
            assert_eq!(shown(pattern), want, "{pattern}");
        }
    }

    #[test]
    fn each_port_that_is_named_is_an_indicator_and_what_else_is_said_of_ports_is_beyond() {
        for (pattern, want) in [
            (
                "[domain-name:value = 'a.example' AND network-traffic:dst_port IN ('80','443')]",
                "Name a.example:80, Name a.example:443",
            ),
            (
                "[ipv4-addr:value IN ('192.0.2.1','192.0.2.2') AND network-traffic:dst_port IN (80,443)]",
                "Address(V4) 192.0.2.1:80, Address(V4) 192.0.2.1:443, Address(V4) 192.0.2.2:80, Address(V4) 192.0.2.2:443",
            ),
            (
                "[ipv4-addr:value = '192.0.2.1' AND (network-traffic:dst_port = 80 OR network-traffic:dst_port = 443)]",
                "Address(V4) 192.0.2.1:80, Address(V4) 192.0.2.1:443",
            ),
        ] {
            assert_eq!(shown(pattern), want, "{pattern}");
        }
        for (pattern, want) in [
            ("[ipv4-addr:value = '192.0.2.1' AND network-traffic:dst_port > 1024]", "the operator > on ports"),
            ("[ipv4-addr:value = '192.0.2.1' AND network-traffic:dst_port != '80']", "the operator != on ports"),
            ("[ipv4-addr:value = '192.0.2.1' AND network-traffic:dst_port NOT IN (80)]", "NOT"),
            (
                "[ipv4-addr:value = '192.0.2.1' AND network-traffic:dst_port = 80 AND network-traffic:dst_port = 81]",
                "several ports",
            ),
        ] {
            assert!(
                shown(pattern).starts_with("is not supported: ") && shown(pattern).contains(want),
                "{}",
                shown(pattern)
            );
        }
    }

    #[test]
    fn what_is_beyond_sensors_is_refused_by_name() {
        for (pattern, want) in [
            ("[network-traffic:src_ref.value = '192.0.2.201']", "src_ref"),
            ("[domain-name:value MATCHES '^a+$']", "the operator MATCHES"),
            ("[domain-name:value != 'a.example']", "the operator !="),
            ("[a:b = 'c'] FOLLOWEDBY [d:e = 'f'] WITHIN 5 SECONDS", "joined by FOLLOWEDBY"),
            ("[a:b = 'c'] REPEATS 5 TIMES", "the qualifier REPEATS"),
            ("[domain-name:value LIKE 'evil%']", "LIKE"),
            ("[file:name LIKE 'evil%']", "the operator LIKE"),
            ("[domain-name:value = 'a.example' AND ipv4-addr:value = '192.0.2.1']", "seen together"),
            ("[domain-name:value NOT = 'a.example']", "NOT"),
            ("[EXISTS domain-name:value]", "EXISTS"),
            ("[domain-name:value IN ()]", "IN ()"),
            ("[network-traffic:dst_port = '80']", "nothing but ports"),
            ("[network-traffic:dst_ref.type = 'mac-addr' AND network-traffic:dst_ref.value = 'x']", "something else"),
            ("[domain-name:value = 'open", "never closed"),
            (r"[domain-name:value = 'a\b']", "stands before"),
            ("domain-name:value = 'a'", "is no STIX pattern"),
            ("[]", "is no STIX pattern"),
            ("", "is no STIX pattern"),
        ] {
            assert!(shown(pattern).contains(want), "{pattern}: {}", shown(pattern));
        }
    }

    #[test]
    fn f1_what_multiplies_is_bounded() {
        let choice = "(domain-name:value = 'a.example' OR domain-name:value = 'b.example')";
        let pattern = format!("[{}]", vec![choice; 60].join(" AND "));
        assert!(shown(&pattern).contains("too many comparisons"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            let _ = read(&text);
        }

        #[test]
        fn what_looks_like_a_pattern_does_neither(words in prop::collection::vec(
            prop_oneof!["\\[", "\\]", "\\(", "\\)", ",", "=", "'[a-z\\\\']{0,3}'", "AND", "OR", "IN", "NOT", "domain-name:value", "a:b\\[\\*\\]\\.c"], 0..20)) {
            let _ = read(&words.join(" "));
        }
    }
}
