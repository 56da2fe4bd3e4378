//! A response policy zone (draft-vixie-dnsop-dns-rpz): a resolver that has it answers that listed names do not exist, and so answers
//! with listed addresses.
//!
//! Owners are relative: the zone is called what the resolver's settings call it.

use std::net::IpAddr;

use varde_common::indicator::Target;

use super::Entry;
use crate::limits::feed::RPZ_NAME_MAX_OCTETS;

/// Octets that a serial is written in: it is known when the zone is, and put in then.
pub const SERIAL_OCTETS: usize = 10;

/// What a zone begins with: its serial is that of what stands in it. `refresh` is how often a resolver looks, seconds.
pub fn head(serial: i64, refresh: u32) -> String {
    format!(
        "$TTL 300\n@ IN SOA localhost. hostmaster.localhost. {serial:<width$} {refresh} 60 604800 60\n@ IN NS localhost.\n",
        width = SERIAL_OCTETS
    )
}

/// The records of an indicator, one a line; none where no zone can say it, or may.
pub fn records(entry: &Entry) -> Option<Vec<String>> {
    if entry.pattern.port.is_some() || !entry.may_be_blocked() {
        return None;
    }
    let owners = match &entry.pattern.target {
        Target::Domain(_) => {
            let name = entry.name().filter(|name| is_safe(name))?;
            let below = format!("*.{name}");
            vec![name, below]
        }
        Target::Host(_) => vec![entry.name().filter(|name| is_safe(name))?],
        Target::Address(address) => vec![trigger(*address, if address.is_ipv4() { 32 } else { 128 })],
        Target::Network { first, prefix } => vec![trigger(*first, *prefix)],
        Target::Ja4(_) | Target::Confidential(_) => return None,
    };
    Some(owners.into_iter().map(|owner| format!("{owner} CNAME .\n")).collect())
}

/// Whether a name is taken for nothing but a name: one that ends like a trigger (`rpz-ip`, `rpz-client-ip`) would be one, and one that
/// is too long would have the resolver refuse the zone.
fn is_safe(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= RPZ_NAME_MAX_OCTETS && !last.starts_with("rpz-")
}

/// The owner that stands for answers within a network: the prefix length, then the address backwards. Of IPv6 the first of the longest
/// runs of zeros, counted backwards too, is `zz`: BIND takes no other spelling.
fn trigger(address: IpAddr, prefix: u8) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{prefix}.{d}.{c}.{b}.{a}.rpz-ip")
        }
        IpAddr::V6(address) => {
            let mut groups = address.segments();
            groups.reverse();
            let (mut best, mut run) = ((0, 0), 0);
            for (place, group) in groups.iter().enumerate() {
                run = if *group == 0 { run + 1 } else { 0 };
                if run >= 2 && run > best.1 {
                    best = (place + 1 - run, run);
                }
            }
            let mut owner = prefix.to_string();
            for (place, group) in groups.iter().enumerate() {
                if best.1 > 0 && place == best.0 {
                    owner.push_str(".zz");
                } else if best.1 == 0 || place < best.0 || place >= best.0 + best.1 {
                    owner.push_str(&format!(".{group:x}"));
                }
            }
            owner.push_str(".rpz-ip");
            owner
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::entry;
    use super::*;
    use crate::intel::canonical::Pap;

    fn shown(pattern: &str) -> String {
        records(&entry(1, pattern)).unwrap_or_default().concat()
    }

    #[test]
    fn a_domain_is_itself_and_all_below_and_a_host_only_itself() {
        assert_eq!(shown("evil.example"), "evil.example CNAME .\n*.evil.example CNAME .\n");
        assert_eq!(shown("=www.evil.example"), "www.evil.example CNAME .\n");
        assert_eq!((shown("evil.example:8443"), shown("192.0.2.1:443")), (String::new(), String::new()));
        assert_eq!(records(&Entry { pap: Some(Pap::Amber), ..entry(1, "evil.example") }), None);
    }

    #[test]
    fn addresses_stand_backwards_as_bind_writes_them() {
        for (pattern, owner) in [
            ("198.51.100.23", "32.23.100.51.198.rpz-ip"),
            ("192.0.2.0/24", "24.0.2.0.192.rpz-ip"),
            ("2001:db8::1", "128.1.zz.db8.2001.rpz-ip"),
            ("2001:db8::/32", "32.zz.db8.2001.rpz-ip"),
            ("2001:db8:0:1:0:0:0:1", "128.1.zz.1.0.db8.2001.rpz-ip"),
            ("2001:db8:0:0:1:0:0:1", "128.1.zz.1.0.0.db8.2001.rpz-ip"),
            ("2001:db8:1:2:3:4:5:6", "128.6.5.4.3.2.1.db8.2001.rpz-ip"),
        ] {
            assert_eq!(shown(pattern), format!("{owner} CNAME .\n"), "{pattern}");
        }
    }

    #[test]
    fn no_name_becomes_another_kind_of_trigger_or_breaks_the_zone() {
        for name in ["32.1.0.0.127.rpz-client-ip", "a.rpz-nsdname", "32.1.2.0.192.rpz-ip", "=x.rpz-passthru"] {
            assert_eq!(shown(name), "", "{name}");
        }
        let long = |length: usize| vec!["a".repeat(30); length / 31].join(".");
        assert!(shown(&long(186)).contains("*.") && shown(&long(217)).is_empty());
        assert_eq!(
            head(7, 60).lines().nth(1),
            Some("@ IN SOA localhost. hostmaster.localhost. 7          60 60 604800 60")
        );
    }
}
