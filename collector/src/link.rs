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
    /// The same indicator, and a flow towards what it names.
    Contact,
    /// Listed names that led to the same address, or that address itself.
    Address,
    /// Listed names of the same registrable domain.
    Domain,
}

impl KeyKind {
    /// All, the strongest first.
    pub const ALL: [KeyKind; 5] =
        [KeyKind::Threat, KeyKind::Indicator, KeyKind::Contact, KeyKind::Address, KeyKind::Domain];

    /// The word used in `--json` and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyKind::Threat => "threat",
            KeyKind::Indicator => "indicator",
            KeyKind::Contact => "contact",
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
            KeyKind::Threat | KeyKind::Indicator | KeyKind::Contact => weights.link.strong,
            KeyKind::Address | KeyKind::Domain => weights.link.medium,
        }
    }

    /// Whether it stands only as long as a campaign is not too connected.
    pub fn is_medium(self) -> bool {
        match self {
            KeyKind::Threat | KeyKind::Indicator | KeyKind::Contact => false,
            KeyKind::Address | KeyKind::Domain => true,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who stands for an indicator that incidents share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Backing {
    /// Nobody: its sources are hardly sure.
    Doubtful,
    /// Nobody: its sources are not sure, or are no more than mere lists, whatever those say.
    Unvouched,
    /// Sources that are sure.
    Vouched,
}

impl Backing {
    /// Of so sure an indicator, which a mere list names or not.
    pub fn of(confidence: u8, of_mere_list: bool, weights: &Weights) -> Backing {
        if confidence < weights.confidence.low_below {
            Backing::Doubtful
        } else if confidence < weights.confidence.high_from || of_mere_list {
            Backing::Unvouched
        } else {
            Backing::Vouched
        }
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
    /// At most so much quiet may lie between two that share it. Of an indicator that nobody stands for it is hours: two look-ups
    /// of a doubtful name weeks apart say nothing, a burst of them, or contact at both, does.
    pub fn reach(&self, backing: Backing, weights: &Weights) -> Duration {
        let link = &weights.link;
        let days = |days: u16| u64::from(days) * 24;
        let hours = match (self.kind, backing) {
            (KeyKind::Threat, _) | (KeyKind::Indicator, Backing::Vouched) => days(link.strong_days),
            (KeyKind::Indicator, Backing::Unvouched | Backing::Doubtful) => u64::from(link.unvouched_hours),
            (KeyKind::Contact, Backing::Vouched | Backing::Unvouched) => days(link.strong_days),
            (KeyKind::Contact, Backing::Doubtful) => days(link.low_confidence_days),
            (KeyKind::Address | KeyKind::Domain, _) => days(link.medium_days),
        };
        Duration::from_secs(hours * 60 * 60)
    }

    /// Whether it is what a source named, not where that led: of what is proposed as noise nothing else is shared.
    pub fn is_named(&self) -> bool {
        match self.kind {
            KeyKind::Threat | KeyKind::Indicator => true,
            KeyKind::Contact | KeyKind::Address | KeyKind::Domain => false,
        }
    }

    /// The indicator it is about, by its number.
    pub fn indicator(&self) -> Option<i64> {
        match self.kind {
            KeyKind::Indicator | KeyKind::Contact => self.value.parse().ok(),
            KeyKind::Threat | KeyKind::Address | KeyKind::Domain => None,
        }
    }

    /// The key that a guard on it is kept under: contact with an indicator is the indicator's.
    #[must_use]
    pub fn guarded(&self) -> Key {
        let kind = match self.kind {
            KeyKind::Contact => KeyKind::Indicator,
            KeyKind::Threat | KeyKind::Indicator | KeyKind::Address | KeyKind::Domain => self.kind,
        };
        Key { kind, value: self.value.clone() }
    }
}

/// An alert as far as it can share something.
#[derive(Debug, Clone, Copy)]
pub struct Sharing<'a> {
    /// What its strand is about.
    pub topic: &'a Link,
    /// What matched, by its number.
    pub indicator: i64,
    /// Who stands for it.
    pub backing: Backing,
    /// All that is named beside it is a mere list.
    pub of_mere_list: bool,
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
    let is_reached = alert.evidence >= Evidence::Attempted;
    if is_reached {
        keys.push(Key { kind: KeyKind::Contact, value: alert.indicator.to_string() });
    }
    // Its own domain or address would link what nobody stands for by another name; a domain of which it is one name of several links
    // others too, and does where sources are not in doubt.
    let is_bare = !is_reached && alert.backing < Backing::Vouched && alert.topic.kind != LinkKind::Threat;
    let is_doubtful = alert.backing == Backing::Doubtful || alert.of_mere_list;
    let (domain, address) = match alert.pattern.map(|pattern| &pattern.target) {
        Some(Target::Domain(name) | Target::Host(name)) => {
            // Of a look-up the server is who answered it; of a flow, where the name led.
            let led = alert.server.filter(|_| alert.evidence >= Evidence::Attempted && !alert.possible_contact);
            let led = led.and_then(|server| led_to(alert.pattern, server, commons));
            let domain = commons.own_domain(name);
            (domain.filter(|domain| !is_bare || (!is_doubtful && *domain != name.to_string())), led)
        }
        Some(Target::Address(address)) => (None, rare(*address, commons).filter(|_| !is_bare)),
        Some(Target::Network { .. } | Target::Ja4(_) | Target::Confidential(_)) | None => (None, None),
    };
    keys.extend(domain.map(|value| Key { kind: KeyKind::Domain, value }));
    keys.extend(address);
    keys
}

/// Where a flow towards what matched went, as others may share it; nothing of what is no name, or where many live.
pub fn led_to(pattern: Option<&Pattern>, server: IpAddr, commons: &Commons) -> Option<Key> {
    match pattern.map(|pattern| &pattern.target) {
        Some(Target::Domain(_) | Target::Host(_)) => rare(server, commons),
        Some(Target::Address(_) | Target::Network { .. } | Target::Ja4(_) | Target::Confidential(_)) | None => None,
    }
}

fn rare(address: IpAddr, commons: &Commons) -> Option<Key> {
    let is_common = commons.holds_address(address);
    (!is_common).then(|| Key { kind: KeyKind::Address, value: address.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(pattern: &str, evidence: Evidence, server: &str, possible_contact: bool) -> Vec<String> {
        shared_of(Backing::Vouched, None, (pattern, evidence, server, possible_contact))
    }

    fn shared_of(
        backing: Backing,
        threat: Option<&str>,
        (pattern, evidence, server, possible_contact): (&str, Evidence, &str, bool),
    ) -> Vec<String> {
        let pattern: Pattern = pattern.parse().unwrap();
        let topic = Link::of(7, threat);
        let server = server.parse().ok();
        let alert = Sharing {
            topic: &topic,
            indicator: 7,
            backing,
            of_mere_list: false,
            pattern: Some(&pattern),
            evidence,
            server,
            possible_contact,
        };
        keys(&alert, &Commons::known()).into_iter().map(|key| format!("{} {}", key.kind, key.value)).collect()
    }

    #[test]
    fn a_name_shares_its_domain_and_where_its_flow_went_and_never_its_resolver() {
        assert_eq!(shared("a.evil.no", Evidence::Answered, "192.0.2.53", false), ["indicator 7", "domain evil.no"]);
        let led = shared("a.evil.no", Evidence::Contacted, "192.0.2.9", false);
        assert_eq!(led, ["indicator 7", "contact 7", "domain evil.no", "address 192.0.2.9"]);
        assert_eq!(
            shared("192.0.2.9", Evidence::Contacted, "", false),
            ["indicator 7", "contact 7", "address 192.0.2.9"]
        );
    }

    #[test]
    fn q_what_nobody_stands_for_shares_its_domain_and_its_address_only_once_it_was_reached() {
        for backing in [Backing::Doubtful, Backing::Unvouched] {
            for pattern in ["evil.no", "192.0.2.9"] {
                let answered = shared_of(backing, None, (pattern, Evidence::Answered, "", false));
                assert_eq!(answered, ["indicator 7"]);
                assert_eq!(shared_of(backing, None, (pattern, Evidence::Attempted, "", false)).len(), 3);
                assert_eq!(shared_of(backing, Some("lure"), (pattern, Evidence::Answered, "", false)).len(), 3);
            }
        }
    }

    #[test]
    fn q_of_one_name_of_several_the_domain_is_shared_where_sources_are_not_in_doubt() {
        let of = |backing| shared_of(backing, None, ("k1.evil.no", Evidence::Answered, "", false));
        assert_eq!(of(Backing::Unvouched), ["indicator 7", "domain evil.no"]);
        assert_eq!(of(Backing::Doubtful), ["indicator 7"]);
    }

    #[test]
    fn c_a_shared_cdn_address_links_nothing() {
        let cloudflare = shared("a.evil.no", Evidence::Contacted, "104.16.1.1", false);
        assert_eq!(cloudflare, ["indicator 7", "contact 7", "domain evil.no"]);
        let others_live_there = shared("a.evil.no", Evidence::Contacted, "192.0.2.9", true);
        assert_eq!(others_live_there, ["indicator 7", "contact 7", "domain evil.no"]);
        assert_eq!(shared("104.16.1.1", Evidence::Contacted, "", false), ["indicator 7", "contact 7"]);
    }
}
