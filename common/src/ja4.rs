//! JA4, FoxIO's open fingerprint of a TLS client: how many of what it offers, and hashes over which.

use std::fmt;
use std::str::FromStr;

use crate::codec::{Decode, Encode};

/// Octets of a fingerprint as text: ten of counts, twelve over the ciphers, twelve over the extensions, two underscores.
pub const JA4_OCTETS: usize = 36;

/// A fingerprint in its usual form, such as `t13d1516h2_8daaf6152771_e5627efa2ab1`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ja4([u8; JA4_OCTETS]);

/// Text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is no JA4 fingerprint; one looks like t13d1516h2_8daaf6152771_e5627efa2ab1 (JA4 alone, not JA4S, JA4H or raw)"
)]
pub struct BadJa4;

impl Ja4 {
    /// Its text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Its octets, all ASCII.
    pub fn octets(&self) -> &[u8; JA4_OCTETS] {
        &self.0
    }

    /// Of octets that must be in its form; hexadecimal digits in either case.
    ///
    /// # Errors
    /// [`BadJa4`] where they are not.
    pub fn from_octets(octets: &[u8]) -> Result<Ja4, BadJa4> {
        let mut text = *octets.first_chunk::<JA4_OCTETS>().filter(|_| octets.len() == JA4_OCTETS).ok_or(BadJa4)?;
        // The two characters of the protocol offered keep their case; everything else has but one.
        let (head, hashes) = text.split_first_chunk_mut::<10>().ok_or(BadJa4)?;
        let [counts @ .., _, _] = head;
        counts.make_ascii_lowercase();
        hashes.make_ascii_lowercase();
        let [transport, version @ .., sni, c0, c1, e0, e1, a0, a1] = head;
        let [under, hashes @ ..] = hashes else { return Err(BadJa4) };
        let is_right = matches!(transport, b't' | b'q' | b'd')
            && version.iter().all(u8::is_ascii_alphanumeric)
            && matches!(sni, b'd' | b'i')
            && [c0, c1, e0, e1].iter().all(|octet| octet.is_ascii_digit())
            && [a0, a1].iter().all(|octet| octet.is_ascii_alphanumeric())
            && *under == b'_'
            && hashes.iter().enumerate().all(|(at, octet)| match at {
                12 => *octet == b'_',
                _ => octet.is_ascii_hexdigit(),
            });
        if is_right { Ok(Ja4(text)) } else { Err(BadJa4) }
    }
}

impl FromStr for Ja4 {
    type Err = BadJa4;

    fn from_str(text: &str) -> Result<Ja4, BadJa4> {
        Ja4::from_octets(text.as_bytes())
    }
}

impl fmt::Display for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Encode for Ja4 {
    fn encode<E: crate::codec::Encoder>(&self, encoder: &mut E) -> Result<(), crate::codec::EncodeError> {
        self.0.encode(encoder)
    }
}

impl<C> Decode<C> for Ja4 {
    fn decode<D: crate::codec::Decoder<Context = C>>(decoder: &mut D) -> Result<Ja4, crate::codec::DecodeError> {
        let octets = <[u8; JA4_OCTETS] as Decode<C>>::decode(decoder)?;
        match Ja4::from_octets(&octets) {
            Ok(ja4) if ja4.0 == octets => Ok(ja4),
            Ok(_) | Err(BadJa4) => Err(crate::codec::DecodeError::Other("no canonical JA4 fingerprint")),
        }
    }
}

crate::codec::impl_borrow_decode!(Ja4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_is_right() {
        for (given, shown) in [
            ("t13d1516h2_8daaf6152771_e5627efa2ab1", Some("t13d1516h2_8daaf6152771_e5627efa2ab1")),
            ("Q13D0310H3_55B375C5D22E_cd85d2d88918", Some("q13d0310H3_55b375c5d22e_cd85d2d88918")),
            ("ts3i990000_000000000000_000000000000", Some("ts3i990000_000000000000_000000000000")),
            ("t13d1516h2_8daaf6152771", None),
            ("x13d1516h2_8daaf6152771_e5627efa2ab1", None),
            ("t13e1516h2_8daaf6152771_e5627efa2ab1", None),
            ("t13dxx16h2_8daaf6152771_e5627efa2ab1", None),
            ("t13d1516h2-8daaf6152771_e5627efa2ab1", None),
            ("t13d1516h2_8daaf61527711e5627efa2ab1", None),
            ("t13d1516h2_8daaf615277g_e5627efa2ab1", None),
            ("t13d1516h2_8daaf6152771_e5627efa2ab1 ", None),
            ("", None),
        ] {
            let read = given.parse::<Ja4>();
            assert_eq!(read.ok().map(|ja4| ja4.to_string()).as_deref(), shown, "{given}");
        }
    }
}
