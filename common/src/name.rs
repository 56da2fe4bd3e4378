//! Domain names in the one form we compare: wire labels, ASCII lower case, no final zero.
//!
//! Labels are octets, not text (RFC 2181 section 11): they may hold dots and anything else, so names are kept and
//! compared as length-prefixed labels and only *shown* with dots.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::codec::{Decode, Encode};
use crate::limits::{LABEL_MAX_OCTETS, NAME_MAX_OCTETS};

/// Why something is no domain name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadName {
    /// Nothing there.
    #[error("the name is empty")]
    Empty,
    /// Two dots in a row, or one in front.
    #[error("the name has an empty label (two dots in a row, or one in front)")]
    EmptyLabel,
    /// A label over 63 octets.
    #[error("a label of the name has {len} octets; 63 is the most")]
    LabelTooLong {
        /// Octets found.
        len: usize,
    },
    /// More octets than a name may have.
    #[error("the name has over 253 characters")]
    TooLong,
    /// Letters outside ASCII.
    #[error("the name holds letters outside ASCII; write it in its xn-- form")]
    NotAscii,
    /// A character no host or domain name in a list should hold.
    #[error("the name holds {0:?}, which no name in a list has")]
    BadCharacter(char),
    /// `\` not followed by three digits up to 255.
    #[error("a backslash in the name is not followed by three digits (\\000 to \\255)")]
    BadEscape,
    /// Bytes that are no sequence of labels.
    #[error("the bytes are no sequence of labels")]
    BadLabels,
}

/// A canonical name, borrowed: length-prefixed labels in ASCII lower case, without the final zero. The root is empty.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// The root of all names.
    pub const ROOT: Name<'static> = Name(&[]);

    /// Takes octets that already are canonical; refuses others.
    ///
    /// # Errors
    /// [`BadName`] when the octets are no labels in lower case or too many.
    pub fn from_canonical(octets: &'a [u8]) -> Result<Name<'a>, BadName> {
        if octets.len() > NAME_MAX_OCTETS {
            return Err(BadName::TooLong);
        }
        let mut rest = octets;
        while let Some((&len, tail)) = rest.split_first() {
            let len = usize::from(len);
            if len == 0 || len > LABEL_MAX_OCTETS {
                return Err(BadName::BadLabels);
            }
            let (label, after) = tail.split_at_checked(len).ok_or(BadName::BadLabels)?;
            if label.iter().any(u8::is_ascii_uppercase) {
                return Err(BadName::BadLabels);
            }
            rest = after;
        }
        Ok(Name(octets))
    }

    /// The name that `octets` begin with, where it stands there as it is kept: labels in lower case, then the final zero.
    /// None where it must be put together (a pointer, capitals), or is no name. Nothing is copied.
    pub fn at_start_of(octets: &'a [u8]) -> Option<Name<'a>> {
        let mut end = 0usize;
        loop {
            match usize::from(*octets.get(end)?) {
                0 => break,
                len @ 1..=LABEL_MAX_OCTETS => end += 1 + len,
                _ => return None,
            }
            if end > NAME_MAX_OCTETS {
                return None;
            }
        }
        // A length is below the letters.
        octets.get(..end).filter(|name| !has_capitals(name)).map(Name)
    }

    /// Takes octets that their reader has made canonical.
    pub(crate) const fn of_canonical(octets: &'a [u8]) -> Name<'a> {
        Name(octets)
    }

    /// The canonical octets.
    pub fn octets(self) -> &'a [u8] {
        self.0
    }

    /// Whether this is the root.
    pub fn is_root(self) -> bool {
        self.0.is_empty()
    }

    /// Labels from the left, without their lengths.
    pub fn labels(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (&len, tail) = rest.split_first()?;
            let (label, after) = tail.split_at_checked(usize::from(len))?;
            rest = after;
            Some(label)
        })
    }

    /// The name itself, then each name above it, down to its top-level domain; never the root. Cuts on label borders
    /// only, so `notevil.no` never yields `evil.no`.
    pub fn self_and_parents(self) -> impl Iterator<Item = Name<'a>> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let here = rest;
            let (&len, tail) = rest.split_first()?;
            rest = tail.get(usize::from(len)..)?;
            Some(Name(here))
        })
    }

    /// How many labels it has.
    pub fn label_count(self) -> usize {
        self.labels().count()
    }

    /// A copy that owns its octets.
    pub fn to_owned(self) -> DomainName {
        DomainName(self.0.into())
    }
}

/// The highest bit of each of eight octets that is a letter from A to Z.
#[inline]
fn capitals(chunk: &[u8; 8]) -> u64 {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    let chunk = u64::from_ne_bytes(*chunk);
    // The highest bit says first what the lower seven are: from A on, and beyond Z.
    let low = chunk & (EACH * 0x7f);
    let from_a = low.wrapping_add(EACH * (0x80 - b'A' as u64));
    let beyond_z = low.wrapping_add(EACH * (0x7f - b'Z' as u64));
    from_a & !beyond_z & !chunk & (EACH * 0x80)
}

/// As [`slice::make_ascii_lowercase`], for what is a few dozen octets long: eight at a time, the last eight perhaps twice.
#[inline]
fn lower(octets: &mut [u8]) {
    let lower = |chunk: &mut [u8; 8]| *chunk = (u64::from_ne_bytes(*chunk) | capitals(chunk) >> 2).to_ne_bytes();
    octets.as_chunks_mut().0.iter_mut().for_each(lower);
    match octets.last_chunk_mut() {
        Some(last) => lower(last),
        None => octets.make_ascii_lowercase(),
    }
}

/// Whether any octet is a letter from A to Z, eight at a time.
#[inline]
fn has_capitals(octets: &[u8]) -> bool {
    match octets.last_chunk() {
        // The last eight may be looked at in part twice.
        Some(last) => octets.as_chunks().0.iter().fold(capitals(last), |found, chunk| found | capitals(chunk)) != 0,
        None => octets.iter().any(u8::is_ascii_uppercase),
    }
}

impl fmt::Display for Name<'_> {
    /// Dots between labels, no final dot, the root as `.`; octets that are not visible ASCII, and dots and backslashes
    /// within a label, as `\DDD` (RFC 1035 section 5.1).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for (place, label) in self.labels().enumerate() {
            if place > 0 {
                f.write_str(".")?;
            }
            for &octet in label {
                match octet {
                    b'.' | b'\\' => write!(f, "\\{octet:03}")?,
                    0x21..=0x7e => write!(f, "{}", char::from(octet))?,
                    _ => write!(f, "\\{octet:03}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A canonical name that owns its octets, shared by its clones. Cannot hold a bad one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(Arc<[u8]>);

impl DomainName {
    /// The name, borrowed.
    pub fn as_name(&self) -> Name<'_> {
        Name(&self.0)
    }

    /// Reads a name as a person or a list writes it: any case, with or without a final dot, `\DDD` for odd octets.
    ///
    /// # Errors
    /// [`BadName`] says what is wrong; letters outside ASCII are refused with their remedy (`xn--`).
    pub fn parse(text: &str) -> Result<DomainName, BadName> {
        if text.is_empty() {
            return Err(BadName::Empty);
        }
        if !text.is_ascii() {
            return Err(BadName::NotAscii);
        }
        if text == "." {
            return Ok(DomainName(Arc::default()));
        }
        let mut builder = NameBuf::new();
        let mut label = [0u8; LABEL_MAX_OCTETS];
        let mut len = 0usize;
        let mut input = text.bytes();
        let mut ended_with_dot = false;
        while let Some(byte) = input.next() {
            ended_with_dot = byte == b'.';
            if byte == b'.' {
                builder.push_label(label.get(..len).unwrap_or_default())?;
                len = 0;
                continue;
            }
            let octet = match byte {
                b'\\' => {
                    let mut value = 0u16;
                    for _ in 0..3 {
                        let digit = input.next().filter(u8::is_ascii_digit).ok_or(BadName::BadEscape)?;
                        value = value * 10 + u16::from(digit - b'0');
                    }
                    u8::try_from(value).map_err(|_| BadName::BadEscape)?
                }
                0x21..=0x7e => byte,
                other => return Err(BadName::BadCharacter(char::from(other))),
            };
            *label.get_mut(len).ok_or(BadName::LabelTooLong { len: len + 1 })? = octet;
            len += 1;
        }
        if !ended_with_dot {
            builder.push_label(label.get(..len).unwrap_or_default())?;
        }
        Ok(builder.as_name().to_owned())
    }
}

impl FromStr for DomainName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<DomainName, BadName> {
        DomainName::parse(text)
    }
}

impl Borrow<[u8]> for DomainName {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_name().fmt(f)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_name().fmt(f)
    }
}

impl Encode for DomainName {
    fn encode<E: crate::codec::Encoder>(&self, encoder: &mut E) -> Result<(), crate::codec::EncodeError> {
        self.0.encode(encoder)
    }
}

impl<C> Decode<C> for DomainName {
    fn decode<D: crate::codec::Decoder<Context = C>>(decoder: &mut D) -> Result<DomainName, crate::codec::DecodeError> {
        let octets = <Box<[u8]> as Decode<C>>::decode(decoder)?;
        match Name::from_canonical(&octets) {
            Ok(_) => Ok(DomainName(octets.into())),
            Err(_) => Err(crate::codec::DecodeError::Other("no canonical domain name")),
        }
    }
}

crate::codec::impl_borrow_decode!(DomainName);

/// A name being read, on the stack: labels are pushed in any case and kept in lower case.
#[derive(Clone)]
pub struct NameBuf {
    len: usize,
    octets: [u8; NAME_MAX_OCTETS],
}

impl NameBuf {
    /// Holds the root.
    pub const fn new() -> NameBuf {
        NameBuf { len: 0, octets: [0; NAME_MAX_OCTETS] }
    }

    /// Back to the root.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Adds a label on the right.
    ///
    /// # Errors
    /// [`BadName`] for an empty or overlong label, or when the name would grow beyond 254 octets.
    pub fn push_label(&mut self, label: &[u8]) -> Result<(), BadName> {
        match label.len() {
            0 => return Err(BadName::EmptyLabel),
            len @ 1..=LABEL_MAX_OCTETS => {
                let end = self.len + 1 + len;
                let place = self.octets.get_mut(self.len..end).ok_or(BadName::TooLong)?;
                if let Some((first, rest)) = place.split_first_mut() {
                    *first = len as u8;
                    rest.copy_from_slice(label);
                    rest.make_ascii_lowercase();
                }
                self.len = end;
            }
            len => return Err(BadName::LabelTooLong { len }),
        }
        Ok(())
    }

    /// Adds labels as they stand on the wire, each with its length octet in front. They are taken as they are: the caller
    /// has walked them, and found each to be 1 to 63 octets long.
    ///
    /// # Errors
    /// [`BadName::TooLong`] when the name would grow beyond 254 octets.
    pub fn push_wire(&mut self, labels: &[u8]) -> Result<(), BadName> {
        let end = self.len + labels.len();
        let place = self.octets.get_mut(self.len..end).ok_or(BadName::TooLong)?;
        place.copy_from_slice(labels);
        // A length is below the letters, so that all can be lowered in one go.
        lower(place);
        self.len = end;
        Ok(())
    }

    /// What has been read so far.
    pub fn as_name(&self) -> Name<'_> {
        Name(self.octets.get(..self.len).unwrap_or_default())
    }
}

impl Default for NameBuf {
    fn default() -> NameBuf {
        NameBuf::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Result<String, BadName> {
        DomainName::parse(text).map(|name| name.to_string())
    }

    #[test]
    fn one_canonical_form() {
        for (given, canonical) in [
            ("Evil.NO", "evil.no"),
            ("evil.no.", "evil.no"),
            (".", "."),
            ("_sip._udp.x.no", "_sip._udp.x.no"),
            ("a\\046b.no", "a\\046b.no"),
            ("A\\065.no", "aa.no"),
            ("a\\032b.no", "a\\032b.no"),
        ] {
            assert_eq!(shown(given).as_deref(), Ok(canonical), "{given}");
        }
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        let long = "a".repeat(64);
        for (given, refusal) in [
            ("", BadName::Empty),
            ("a..b", BadName::EmptyLabel),
            (".a", BadName::EmptyLabel),
            ("blåbær.no", BadName::NotAscii),
            ("two words", BadName::BadCharacter(' ')),
            ("a\\25", BadName::BadEscape),
            ("a\\256", BadName::BadEscape),
            (long.as_str(), BadName::LabelTooLong { len: 64 }),
        ] {
            assert_eq!(shown(given), Err(refusal), "{given}");
        }
        let label = "a".repeat(63);
        let most = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert!(shown(&most).is_ok(), "253 characters");
        assert_eq!(shown(&format!("{most}a")), Err(BadName::TooLong));
    }

    #[test]
    fn parents_stop_at_label_borders() {
        let name = DomainName::parse("a.evil.no").unwrap();
        let all: Vec<String> = name.as_name().self_and_parents().map(|n| n.to_string()).collect();
        assert_eq!(all, ["a.evil.no", "evil.no", "no"]);
        assert_eq!(Name::ROOT.self_and_parents().count(), 0);
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..30), 1..8)) {
            let mut name = NameBuf::new();
            for label in &labels {
                name.push_label(label).unwrap();
            }
            let text = name.as_name().to_string();
            prop_assert!(text.is_ascii());
            let back = DomainName::parse(&text).unwrap();
            prop_assert_eq!(back.as_name(), name.as_name());
        }

        #[test]
        fn lowering_is_what_the_library_does(octets in prop::collection::vec(any::<u8>(), 0..40)) {
            let (mut ours, mut theirs) = (octets.clone(), octets.clone());
            lower(&mut ours);
            theirs.make_ascii_lowercase();
            prop_assert_eq!(has_capitals(&octets), octets != theirs);
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn a_name_that_stands_as_it_is_kept_is_the_one_put_together(
            labels in prop::collection::vec(prop::collection::vec(prop_oneof![any::<u8>(), Just(b'A'), Just(b'z')], 1..70), 0..8),
            tail in prop::collection::vec(any::<u8>(), 0..4),
            ends in any::<bool>(),
        ) {
            let mut octets: Vec<u8> = Vec::new();
            for label in &labels {
                octets.push(label.len() as u8);
                octets.extend(label);
            }
            let len = octets.len();
            if ends {
                octets.push(0);
            }
            octets.extend(&tail);
            let mut name = NameBuf::new();
            let fits = labels.iter().all(|label| name.push_label(label).is_ok());
            let stands = Name::at_start_of(&octets);
            if ends {
                let expected = fits && !octets[..len].iter().any(u8::is_ascii_uppercase);
                prop_assert_eq!(stands, expected.then_some(name.as_name()));
            } else if let Some(stands) = stands {
                prop_assert!(octets.get(stands.octets().len()) == Some(&0) && Name::from_canonical(stands.octets()).is_ok());
            }
        }

        #[test]
        fn hostile_octets_are_a_name_or_refused(octets in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(name) = Name::from_canonical(&octets) {
                let back = DomainName::parse(&name.to_string()).unwrap();
                prop_assert_eq!(back.as_name(), name);
            }
        }
    }
}
