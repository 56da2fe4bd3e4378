//! What is wrong whatever anybody says: addresses that are never a server on the internet, networks that are a part of it, and names
//! under which everybody lives.

use std::net::IpAddr;

use ipnet::IpNet;
use varde_common::indicator::{Pattern, Target};
use varde_common::name::DomainName;

use super::{Finding, Level, Rule};
use crate::limits::{
    NETWORK_V4_BLOCKED_BELOW_BITS, NETWORK_V4_HELD_BELOW_BITS, NETWORK_V6_BLOCKED_BELOW_BITS,
    NETWORK_V6_HELD_BELOW_BITS,
};

/// IANA's registries of special-purpose addresses (RFC 6890 and its successors, as of 2026) and the multicast ranges, with what each is
/// for. Networks that exercises and demonstrations use stand in [`DOCUMENTATION`].
const SPECIAL: [(&str, &str); 38] = [
    ("0.0.0.0/8", "\"this network\""),
    ("10.0.0.0/8", "used inside every network"),
    ("100.64.0.0/10", "shared by the customers of one carrier"),
    ("127.0.0.0/8", "the machine itself"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "used inside every network"),
    ("192.0.0.0/24", "kept for protocols"),
    ("192.31.196.0/24", "the AS112 service"),
    ("192.52.193.0/24", "AMT relays"),
    ("192.88.99.0/24", "6to4 relays of before"),
    ("192.168.0.0/16", "used inside every network"),
    ("192.175.48.0/24", "the AS112 service"),
    ("198.18.0.0/15", "for benchmarks"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "kept for the future, or broadcast"),
    ("::/128", "no address"),
    ("::1/128", "the machine itself"),
    ("::ffff:0:0/96", "IPv4 within IPv6; list the IPv4 address"),
    ("64:ff9b::/96", "IPv4 behind a translator; list the IPv4 address"),
    ("64:ff9b:1::/48", "IPv4 behind a translator of one's own"),
    ("100::/64", "thrown away"),
    ("100:0:0:1::/64", "a dummy"),
    ("2001::/32", "Teredo tunnels"),
    ("2001:1::/32", "kept for protocols"),
    ("2001:2::/48", "for benchmarks"),
    ("2001:3::/32", "AMT relays"),
    ("2001:4:112::/48", "the AS112 service"),
    ("2001:10::/28", "ORCHID of before"),
    ("2001:20::/28", "ORCHID"),
    ("2001:30::/28", "identities of drones"),
    ("2002::/16", "6to4 tunnels"),
    ("2620:4f:8000::/48", "the AS112 service"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "used inside every network"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local of before"),
    ("ff00::/8", "multicast"),
    ("2001:100::/24", "kept for protocols"),
];

/// Networks of RFC 5737, 3849 and 9637: nothing real is there, and exercises and demonstrations are.
const DOCUMENTATION: [&str; 5] = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"];

/// Names under which many who have nothing to do with each other live, and that the public suffix list does not all have; the members
/// first.
const SHARED: [&str; 12] = [
    "kommune.no",
    "fylkeskommune.no",
    "fylke.no",
    "herad.no",
    "stat.no",
    "dep.no",
    "mil.no",
    "priv.no",
    "co.uk",
    "in-addr.arpa",
    "ip6.arpa",
    "home.arpa",
];

/// Top-level names that are never looked up on the internet (RFC 6761, 6762, 9476 and what people use without asking): whatever is below
/// one is a name of somebody's own network. `test` and `example` are not here: exercises use them.
const INSIDE_NAMES: [&str; 8] = ["localhost", "local", "localdomain", "internal", "invalid", "lan", "home", "corp"];

/// What needs no list, made once.
#[derive(Debug, Clone)]
pub struct Fixed {
    special: Vec<(IpNet, &'static str)>,
    documentation: Vec<IpNet>,
    shared: Vec<DomainName>,
    inside_names: Vec<DomainName>,
}

impl Default for Fixed {
    fn default() -> Fixed {
        let names = |texts: &[&str]| texts.iter().filter_map(|text| DomainName::parse(text).ok()).collect();
        Fixed {
            special: SPECIAL.iter().filter_map(|(text, what)| Some((text.parse().ok()?, *what))).collect(),
            documentation: DOCUMENTATION.iter().filter_map(|text| text.parse().ok()).collect(),
            shared: names(&SHARED),
            inside_names: names(&INSIDE_NAMES),
        }
    }
}

impl Fixed {
    /// Why a pattern is never taken in, if so: the first thing that blocks it.
    ///
    /// # Errors
    /// What blocks it.
    pub fn check(&self, pattern: &Pattern) -> Result<(), Finding> {
        let mut findings = Vec::new();
        self.look(pattern, &mut findings);
        findings.into_iter().find(|finding| finding.level == Level::Block).map_or(Ok(()), Err)
    }

    /// Whether a name may be a member's own: nobody else's are below it. The names of municipalities are public suffixes (`gjovik.no`),
    /// and may be the municipality's all the same.
    pub fn is_a_members(&self, name: &DomainName) -> bool {
        name.as_name().label_count() > 1 && !self.shared.contains(name)
    }

    /// Adds what there is to say of a pattern.
    pub(super) fn look(&self, pattern: &Pattern, findings: &mut Vec<Finding>) {
        match &pattern.target {
            Target::Address(address) => self.look_at_network(IpNet::from(*address), findings),
            Target::Network { first, prefix } => match IpNet::new(*first, *prefix) {
                Ok(network) => {
                    self.look_at_network(network, findings);
                    width(*first, *prefix, findings);
                }
                // A prefix that is none cannot come out of `Pattern`'s reader; the widest answer is the safe one.
                Err(_) => width(*first, 0, findings),
            },
            Target::Domain(name) | Target::Host(name) => self.look_at_name(name, findings),
            // Which fingerprints half the world shares is not known here, nor what a hash stands for: what is hidden was looked at
            // while it could be read.
            Target::Ja4(_) | Target::Confidential(_) => {}
        }
    }

    fn look_at_network(&self, network: IpNet, findings: &mut Vec<Finding>) {
        let met = |(range, what): &(IpNet, &'static str)| {
            let why = if range.contains(&network) {
                format!("it belongs to {range} ({what}), where no server on the internet is")
            } else if network.contains(range) {
                format!("it covers {range} ({what}), where no server on the internet is")
            } else {
                return None;
            };
            Some(Finding::of(Rule::SpecialRange, Level::Block, why, "leave it out, or list what lies beside it"))
        };
        findings.extend(self.special.iter().find_map(met));
        if self.documentation.iter().any(|range| range.contains(&network)) {
            let why = "it is a network for documentation, where nothing real is";
            findings.push(Finding::of(Rule::Documentation, Level::Annotate, why, "fine in an exercise"));
        }
    }

    fn look_at_name(&self, name: &DomainName, findings: &mut Vec<Finding>) {
        let mut block = |rule, why: String, remedy| findings.push(Finding::of(rule, Level::Block, why, remedy));
        if name.as_name().label_count() < 2 {
            let why = "it is a top-level domain or a name without a dot";
            return block(Rule::PublicSuffix, why.to_owned(), "name what lies below it");
        }
        if let Some(inside) = self.inside_names.iter().find(|inside| is_below(name, inside)) {
            let why = format!("names below {inside} are of somebody's own network, never of the internet");
            return block(Rule::SpecialName, why, "leave it out");
        }
        let text = name.to_string();
        let suffix = psl::suffix(text.as_bytes());
        if suffix.is_some_and(|suffix| suffix.as_bytes() == text.as_bytes()) || self.shared.contains(name) {
            let why = format!(
                "everything under {text} would match, and many who have nothing to do with each other live there"
            );
            block(Rule::PublicSuffix, why, "name what lies below it");
        }
    }
}

fn is_below(name: &DomainName, above: &DomainName) -> bool {
    name.as_name().self_and_parents().any(|parent| parent == above.as_name())
}

/// Whether a name has a registrable name of its own below `above`, by the public suffix list: `a.github.io` below `github.io` has, and
/// `drive.google.com` below `google.com` has none.
pub(super) fn is_own_below(name: &DomainName, above: &DomainName) -> bool {
    let text = name.to_string();
    let suffix =
        psl::suffix(text.as_bytes()).map_or(0, |suffix| suffix.as_bytes().iter().filter(|&&b| b == b'.').count() + 1);
    suffix >= above.as_name().label_count()
}

fn width(first: IpAddr, prefix: u8, findings: &mut Vec<Finding>) {
    let (blocked, held) = match first {
        IpAddr::V4(_) => (NETWORK_V4_BLOCKED_BELOW_BITS, NETWORK_V4_HELD_BELOW_BITS),
        IpAddr::V6(_) => (NETWORK_V6_BLOCKED_BELOW_BITS, NETWORK_V6_HELD_BELOW_BITS),
    };
    let (level, why) = if prefix < blocked {
        (Level::Block, "it is a large part of the internet")
    } else if prefix < held {
        (Level::Quarantine, "it is a whole provider's network, with others' servers in it")
    } else {
        return;
    };
    let remedy = format!("list networks of /{held} at the widest; with a reason and an end /{blocked}");
    findings.push(Finding::of(Rule::Width, level, why, remedy));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(text: &str) -> Vec<(Rule, Level)> {
        let mut findings = Vec::new();
        Fixed::default().look(&text.parse().unwrap(), &mut findings);
        findings.iter().map(|finding| (finding.rule, finding.level)).collect()
    }

    #[test]
    fn l3_own_space_and_shared_names_are_never_taken_in() {
        let fixed = Fixed::default();
        assert_eq!(fixed.special.len() + fixed.documentation.len(), SPECIAL.len() + DOCUMENTATION.len());
        assert_eq!((fixed.shared.len(), fixed.inside_names.len()), (SHARED.len(), INSIDE_NAMES.len()));
        for (rule, held) in [
            (
                Rule::SpecialRange,
                "10.1.2.3 10.0.0.0/8 10.0.0.0/9 192.168.7.0/24 172.31.255.255 127.0.0.1:80 169.254.169.254",
            ),
            (Rule::SpecialRange, "100.64.0.1 239.1.1.1 255.255.255.255 0.0.0.0 198.19.1.1 192.0.0.8 192.88.99.1"),
            (Rule::SpecialRange, "192.0.0.0/8 8.0.0.0/6 128.0.0.0/2 172.0.0.0/8"),
            (
                Rule::SpecialRange,
                ":: ::1 fe80::1 fd00::/8 fc00::/6 ff02::fb 2002:808:808::1 64:ff9b::808:808 2001::1 8000::/1",
            ),
            (Rule::Width, "64.0.0.0/7 11.0.0.0/8 11.12.0.0/15 2a00::/15 2a01:4f8::/29"),
            (
                Rule::PublicSuffix,
                "no com =localhost no:443 kommune.no KOMMUNE.no. co.uk oslo.no github.io blogspot.com web.app",
            ),
            (Rule::PublicSuffix, "=github.io s3.amazonaws.com xn--55qx5d.cn duckdns.org"),
            (Rule::SpecialName, "printer.local a.b.internal x.localhost =nas.lan dc.corp"),
        ] {
            for held in held.split_whitespace() {
                let why = fixed.check(&held.parse().unwrap()).unwrap_err();
                assert_eq!(why.rule, rule, "{held}: {}", why.why);
                assert!(!why.can_be_overridden(), "{held}");
            }
        }
        for fine in "192.0.2.0/24 192.0.2.7:443 203.0.113.9 2001:db8::/32 [2001:db8::1]:443 172.32.0.1 11.12.0.0/16 2a01:4f8::/32
            evil.example =www.evil.test evil.kommune.no notkommune.no a.co.uk evil.github.io mylocal.no"
            .split_whitespace()
        {
            assert_eq!(fixed.check(&fine.parse().unwrap()), Ok(()), "{fine}");
        }
    }

    #[test]
    fn l3_a_wide_network_is_held_and_one_of_a_site_is_not() {
        let held = vec![(Rule::Width, Level::Quarantine)];
        for (text, want) in [
            ("11.12.0.0/16", held.clone()),
            ("11.12.12.0/23", held.clone()),
            ("11.12.13.0/24", vec![]),
            ("2a01:4f8::/32", held.clone()),
            ("2a01:4f8::/47", held),
            ("2a01:4f8:1::/48", vec![]),
            ("192.0.2.1", vec![(Rule::Documentation, Level::Annotate)]),
        ] {
            assert_eq!(levels(text), want, "{text}");
        }
    }

    #[test]
    fn a_name_is_somebodys_own_where_others_register_above_it() {
        let name = |text: &str| DomainName::parse(text).unwrap();
        assert!(is_own_below(&name("evil.github.io"), &name("github.io")));
        assert!(is_own_below(&name("a.evil.github.io"), &name("github.io")));
        assert!(!is_own_below(&name("drive.google.com"), &name("google.com")));
        assert!(!is_own_below(&name("files.catbox.moe"), &name("catbox.moe")));
    }
}
