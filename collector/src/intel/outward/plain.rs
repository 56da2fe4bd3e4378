//! One value a line, as firewalls read it: names, addresses and networks.

use varde_common::indicator::Target;

use super::Entry;

/// A line, and which list it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A name.
    Name(String),
    /// An address or a network.
    Address(String),
}

/// How an indicator is written there; none where no such list can say it: one that is meant for one port says nothing of the
/// others, and a fingerprint is no place to go to. What may not be blocked is in none.
pub fn line(entry: &Entry) -> Option<Line> {
    if entry.pattern.port.is_some() || !entry.may_be_blocked() {
        return None;
    }
    match &entry.pattern.target {
        Target::Domain(_) | Target::Host(_) => entry.name().map(Line::Name),
        Target::Address(address) => Some(Line::Address(address.to_string())),
        Target::Network { first, prefix } => Some(Line::Address(format!("{first}/{prefix}"))),
        Target::Ja4(_) | Target::Confidential(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::entry;
    use super::*;
    use crate::intel::canonical::Pap;

    #[test]
    fn a_line_says_no_more_than_the_indicator() {
        let shown = |pattern: &str| line(&entry(1, pattern));
        let name = |text: &str| Some(Line::Name(text.to_owned()));
        let address = |text: &str| Some(Line::Address(text.to_owned()));
        assert_eq!(
            (shown("evil.example"), shown("=www.evil.example")),
            (name("evil.example"), name("www.evil.example"))
        );
        assert_eq!((shown("192.0.2.1"), shown("2001:db8::1")), (address("192.0.2.1"), address("2001:db8::1")));
        assert_eq!(
            (shown("192.0.2.0/24"), shown("2001:db8::/32")),
            (address("192.0.2.0/24"), address("2001:db8::/32"))
        );
        for none in ["evil.example:8443", "192.0.2.1:443", "ja4:t13d1516h2_8daaf6152771_e5627efa2ab1"] {
            assert_eq!(shown(none), None, "{none}");
        }
        assert_eq!(line(&Entry { pap: Some(Pap::Amber), ..entry(1, "evil.example") }), None);
    }
}
