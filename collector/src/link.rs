//! What incidents of a sector can share, how strong a link each makes, and how far in time it reaches.
//!
//! Records carry no answered address: what is known of where a listed name led is the server that a flow went to. They carry no
//! JA4 beside an indicator that is one, and of the order of stages only how far it got; weak links stand on these, and there are none.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;
use varde_common::alert::Evidence;
use varde_common::indicator::{Pattern, Target};

use crate::commons::Commons;
use crate::strand::{Link, LinkKind};
use crate::weights::Weights;

/// What kind of thing is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// Indicators of the same threat.
    Threat,
    /// The same indicator.
    Indicator,
    /// Listed names that led to the same address, or that address itself.
    Address,
    /// Listed names of the same registrable domain.
    Domain,
}

impl KeyKind {
    /// All, the strongest first.
    pub const ALL: [KeyKind; 4] = [KeyKind::Threat, KeyKind::Indicator, KeyKind::Address, KeyKind::Domain];

    /// The word used in `--json` and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyKind::Threat => "threat",
            KeyKind::Indicator => "indicator",
            KeyKind::Address => "address",
            KeyKind::Domain => "domain",
        }
    }

    /// Of that word.
    pub fn of(word: &str) -> Option<KeyKind> {
        KeyKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// How strong a link it makes.
    pub fn strength(self, weights: &Weights) -> i64 {
        match self {
            KeyKind::Threat | KeyKind::Indicator => weights.link.strong,
            KeyKind::Address | KeyKind::Domain => weights.link.medium,
        }
    }

    /// Whether it stands only as long as a campaign is not too connected.
    pub fn is_medium(self) -> bool {
        match self {
            KeyKind::Threat | KeyKind::Indicator => false,
            KeyKind::Address | KeyKind::Domain => true,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A thing that can be shared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Which kind of thing.
    pub kind: KeyKind,
    /// The threat's name, the indicator's id in decimal digits, the address, the domain.
    pub value: String,
}

impl Key {
    /// At most so much quiet may lie between two that share it. `doubtful`: it is an indicator of low confidence.
    pub fn reach(&self, doubtful: bool, weights: &Weights) -> Duration {
        let days = match self.kind {
            KeyKind::Indicator if doubtful => weights.link.low_confidence_days,
            KeyKind::Threat | KeyKind::Indicator => weights.link.strong_days,
            KeyKind::Address | KeyKind::Domain => weights.link.medium_days,
        };
        Duration::from_secs(u64::from(days) * 24 * 60 * 60)
    }
}

/// An alert as far as it can share something.
#[derive(Debug, Clone, Copy)]
pub struct Sharing<'a> {
    /// What its strand is about.
    pub topic: &'a Link,
    /// What matched, by its number.
    pub indicator: i64,
    /// What matched.
    pub pattern: Option<&'a Pattern>,
    /// How far it got.
    pub evidence: Evidence,
    /// Where the flow went, where it went outside.
    pub server: Option<IpAddr>,
    /// Unlisted names lead to the same address.
    pub possible_contact: bool,
}

/// Everything an alert may share with those of others.
pub fn keys(alert: &Sharing<'_>, commons: &Commons) -> Vec<Key> {
    let mut keys = vec![Key { kind: KeyKind::Indicator, value: alert.indicator.to_string() }];
    if alert.topic.kind == LinkKind::Threat {
        keys.push(Key { kind: KeyKind::Threat, value: alert.topic.value.clone() });
    }
    let (domain, address) = match alert.pattern.map(|pattern| &pattern.target) {
        Some(Target::Domain(name) | Target::Host(name)) => {
            // Of a look-up the server is who answered it; of a flow, where the name led.
            let led = alert.server.filter(|_| alert.evidence >= Evidence::Attempted && !alert.possible_contact);
            (commons.own_domain(name), led)
        }
        Some(Target::Address(address)) => (None, Some(*address)),
        Some(Target::Network { .. } | Target::Ja4(_) | Target::Confidential(_)) | None => (None, None),
    };
    keys.extend(domain.map(|value| Key { kind: KeyKind::Domain, value }));
    let rare = address.filter(|address| !commons.holds_address(*address));
    keys.extend(rare.map(|address| Key { kind: KeyKind::Address, value: address.to_string() }));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(pattern: &str, evidence: Evidence, server: &str, possible_contact: bool) -> Vec<String> {
        let pattern: Pattern = pattern.parse().unwrap();
        let topic = Link::of(7, None);
        let server = server.parse().ok();
        let alert =
            Sharing { topic: &topic, indicator: 7, pattern: Some(&pattern), evidence, server, possible_contact };
        keys(&alert, &Commons::known()).into_iter().map(|key| format!("{} {}", key.kind, key.value)).collect()
    }

    #[test]
    fn a_name_shares_its_domain_and_where_its_flow_went_and_never_its_resolver() {
        assert_eq!(shared("a.evil.no", Evidence::Answered, "192.0.2.53", false), ["indicator 7", "domain evil.no"]);
        let led = shared("a.evil.no", Evidence::Contacted, "192.0.2.9", false);
        assert_eq!(led, ["indicator 7", "domain evil.no", "address 192.0.2.9"]);
        assert_eq!(shared("192.0.2.9", Evidence::Contacted, "", false), ["indicator 7", "address 192.0.2.9"]);
    }

    #[test]
    fn c_a_shared_cdn_address_links_nothing() {
        let cloudflare = shared("a.evil.no", Evidence::Contacted, "104.16.1.1", false);
        assert_eq!(cloudflare, ["indicator 7", "domain evil.no"]);
        let others_live_there = shared("a.evil.no", Evidence::Contacted, "192.0.2.9", true);
        assert_eq!(others_live_there, ["indicator 7", "domain evil.no"]);
        assert_eq!(shared("104.16.1.1", Evidence::Contacted, "", false), ["indicator 7"]);
    }
}
