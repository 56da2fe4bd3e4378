//! A pattern whose name lies elsewhere, and the short way to read one: what almost every line of a list is, a plain name
//! or an IPv4 address, without anything being allocated.

use std::net::{IpAddr, Ipv4Addr};

use crate::confidential::Confidential;
use crate::indicator::{Pattern, Target};
use crate::ja4::Ja4;
use crate::limits::{LABEL_MAX_OCTETS, NAME_MAX_OCTETS};
use crate::name::Name;

/// [`Target`], borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetRef<'a> {
    /// A name and everything below it.
    Domain(Name<'a>),
    /// Exactly this name.
    Host(Name<'a>),
    /// One address.
    Address(IpAddr),
    /// A network.
    Network {
        /// First address.
        first: IpAddr,
        /// Prefix length in bits.
        prefix: u8,
    },
    /// A TLS client's fingerprint.
    Ja4(Ja4),
    /// A keyed hash.
    Confidential(Confidential),
}

/// [`Pattern`], borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternRef<'a> {
    /// What to compare with.
    pub target: TargetRef<'a>,
    /// The only port it is meant for.
    pub port: Option<u16>,
}

impl<'a> From<&'a Pattern> for PatternRef<'a> {
    fn from(pattern: &'a Pattern) -> PatternRef<'a> {
        let target = match &pattern.target {
            Target::Domain(name) => TargetRef::Domain(name.as_name()),
            Target::Host(name) => TargetRef::Host(name.as_name()),
            Target::Address(address) => TargetRef::Address(*address),
            Target::Network { first, prefix } => TargetRef::Network { first: *first, prefix: *prefix },
            Target::Ja4(fingerprint) => TargetRef::Ja4(*fingerprint),
            Target::Confidential(confidential) => TargetRef::Confidential(*confidential),
        };
        PatternRef { target, port: pattern.port }
    }
}

impl PatternRef<'_> {
    /// A copy that owns its name.
    pub fn to_owned(self) -> Pattern {
        let target = match self.target {
            TargetRef::Domain(name) => Target::Domain(name.to_owned()),
            TargetRef::Host(name) => Target::Host(name.to_owned()),
            TargetRef::Address(address) => Target::Address(address),
            TargetRef::Network { first, prefix } => Target::Network { first, prefix },
            TargetRef::Ja4(fingerprint) => Target::Ja4(fingerprint),
            TargetRef::Confidential(confidential) => Target::Confidential(confidential),
        };
        Pattern { target, port: self.port }
    }
}

/// Where a name is put together while its line is read.
#[derive(Debug)]
pub struct Scratch([u8; 256]);

impl Scratch {
    /// Nothing is put together yet.
    pub const fn new() -> Scratch {
        Scratch([0; 256])
    }
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch::new()
    }
}

/// What an octet means to the short way: 0 = not for it, otherwise the octet in lower case.
const MEANING: [u8; 256] = {
    let mut meaning = [0; 256];
    let mut octet = 0u8;
    while octet < 128 {
        if octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_' || octet == b'.' {
            // A constant's own loop; the index is below 128.
            meaning[octet as usize] = octet.to_ascii_lowercase();
        }
        octet += 1;
    }
    meaning
};

/// Reads a line's value where it is a plain name, an exact name, or an IPv4 address. Nothing means: read it the long way
/// (it may be anything else, or wrong); what it gives is what the long way would give.
pub fn read_plain<'s>(value: &[u8], scratch: &'s mut Scratch) -> Option<PatternRef<'s>> {
    let (exact, text) = match value.split_first() {
        Some((b'=', rest)) => (true, rest),
        _ => (false, value),
    };
    if text.is_empty() || text.len() >= NAME_MAX_OCTETS {
        return None;
    }
    let Scratch(octets) = scratch;
    // Each label's length stands where the dot before it stood, the first one's in front.
    let mut length_at = 0usize;
    let mut labels = 1u32;
    let mut has_letter_or_digit = false;
    let mut only_digits = true;
    let close = |octets: &mut [u8; 256], from: usize, until: usize| -> Option<()> {
        let len = until.checked_sub(from + 1)?;
        if len == 0 || len > LABEL_MAX_OCTETS {
            return None;
        }
        *octets.get_mut(from)? = len as u8;
        Some(())
    };
    for (at, &octet) in text.iter().enumerate() {
        let meaning = MEANING.get(usize::from(octet)).copied().unwrap_or(0);
        match meaning {
            0 => return None,
            b'.' => {
                if !has_letter_or_digit {
                    return None;
                }
                close(octets, length_at, at + 1)?;
                length_at = at + 1;
                labels += 1;
                has_letter_or_digit = false;
                only_digits = true;
            }
            _ => {
                has_letter_or_digit |= !matches!(meaning, b'-' | b'_');
                only_digits &= meaning.is_ascii_digit();
                *octets.get_mut(at + 1)? = meaning;
            }
        }
    }
    if !has_letter_or_digit {
        return None;
    }
    if only_digits {
        let address = (labels == 4 && !exact).then(|| std::str::from_utf8(text).ok()?.parse::<Ipv4Addr>().ok());
        return address.flatten().map(|v4| PatternRef { target: TargetRef::Address(v4.into()), port: None });
    }
    close(octets, length_at, text.len() + 1)?;
    let name = Name::of_canonical(octets.get(..text.len() + 1)?);
    Some(PatternRef { target: if exact { TargetRef::Host(name) } else { TargetRef::Domain(name) }, port: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same(text: &str) -> Result<(), TestCaseError> {
        let mut scratch = Scratch::new();
        if let Some(short) = read_plain(text.as_bytes(), &mut scratch) {
            prop_assert_eq!(Ok(short.to_owned()), text.parse::<Pattern>(), "{}", text);
            let owned = short.to_owned();
            prop_assert_eq!(PatternRef::from(&owned), short);
            if let TargetRef::Domain(name) | TargetRef::Host(name) = short.target {
                prop_assert_eq!(Name::from_canonical(name.octets()), Ok(name));
            }
        }
        Ok(())
    }

    #[test]
    fn the_short_way_takes_what_lists_are_full_of() {
        let mut scratch = Scratch::new();
        for text in ["evil.no", "=WWW.evil.no", "192.0.2.1", "a-b_c.xn--x.example", "no", "1.2.3.4.no", "4.no"] {
            assert_eq!(read_plain(text.as_bytes(), &mut scratch).map(|p| p.to_owned()), text.parse().ok(), "{text}");
        }
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        same(&longest).unwrap();
        assert!(read_plain(longest.as_bytes(), &mut scratch).is_some());
        assert!(read_plain(format!("{longest}b").as_bytes(), &mut scratch).is_none());
    }

    proptest! {
        #[test]
        fn the_short_way_agrees_with_the_long_one(text in "=?[a-cA-C0-3_.-]{0,20}(\\.[a-z0-9]{1,70})?", odd in ".{0,12}", digits in "[0-9]{1,3}(\\.[0-9]{1,3}){3}") {
            same(&text)?;
            same(&odd)?;
            same(&digits)?;
        }
    }
}
