//! The names things go by between programs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::codec::{Decode, Encode};

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, Encode, Decode)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_id! {
    /// A sensor, numbered by the collector when its token is made.
    SensorId
}
number_id! {
    /// An indicator, numbered by the collector at import and never reused.
    IndicatorId
}
number_id! {
    /// A record's place within its spool's epoch: 1, 2, 3 … without gaps.
    Seq
}
number_id! {
    /// A published list's number; 0 = none yet. Only grows.
    Revision
}

impl Seq {
    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Seq {
        Seq(self.0.saturating_add(1))
    }
}

/// A spool's lifetime: made anew, at random, when a spool directory is created. `(sensor, epoch, seq)` names a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
pub struct Epoch(pub u128);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Epoch {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Epoch, Self::Err> {
        u128::from_str_radix(text, 16).map(Epoch)
    }
}

/// What a collector gives a sensor in each session, at random, to be told it in the next: whoever does not know it is a
/// copy, or has been set back (decision 20).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
pub struct Mark(pub u128);

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Mark {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Mark, Self::Err> {
        u128::from_str_radix(text, 16).map(Mark)
    }
}

/// A network of exactly one member, as its sensor numbers it; 0 is the sensor's home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, Encode, Decode)]
#[serde(transparent)]
pub struct SiteId(pub u16);

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A member's number: kommunenummer (four digits, leading zero kept), fylkesnummer (two) or organisasjonsnummer (nine).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct MemberNumber(String);

/// Text that is no member number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMemberNumber {
    /// It has not the form of one.
    #[error(
        "\"{0}\" is not a member number; write the four digits of a kommunenummer (0301), two of a fylke or nine of an organisation"
    )]
    Form(String),
    /// Its last digit does not follow from the others: a digit is wrong, or two changed places.
    #[error(
        "\"{0}\" is no organisasjonsnummer: its last digit does not fit the others; look for a digit that is wrong"
    )]
    CheckDigit(String),
}

/// What each of an organisasjonsnummer's first eight digits counts; the ninth makes the sum divisible by eleven.
const ORGANISATION_WEIGHTS: [u32; 9] = [3, 2, 7, 6, 5, 4, 3, 2, 1];

impl FromStr for MemberNumber {
    type Err = BadMemberNumber;

    fn from_str(text: &str) -> Result<MemberNumber, BadMemberNumber> {
        let right = matches!(text.len(), 2 | 4 | 9) && text.bytes().all(|byte| byte.is_ascii_digit());
        if !right {
            return Err(BadMemberNumber::Form(text.to_owned()));
        }
        let digits = text.bytes().map(|byte| u32::from(byte.wrapping_sub(b'0')));
        let sum: u32 = digits.zip(ORGANISATION_WEIGHTS).map(|(digit, weight)| digit * weight).sum();
        if text.len() == ORGANISATION_WEIGHTS.len() && !sum.is_multiple_of(11) {
            return Err(BadMemberNumber::CheckDigit(text.to_owned()));
        }
        Ok(MemberNumber(text.to_owned()))
    }
}

impl MemberNumber {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemberNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host as the collector knows it: 64 bits of a keyed hash only the member can undo. Shown as `H-` and Crockford
/// base32 (no I, L, O, U, so that it survives a telephone).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Pseudonym(pub u64);

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("H-")?;
        for place in (0..13).rev() {
            let digit = (self.0 >> (place * 5)) & 31;
            let symbol = CROCKFORD.get(digit as usize).copied().unwrap_or(b'0');
            write!(f, "{}", char::from(symbol))?;
        }
        Ok(())
    }
}

/// Text that is no pseudonym.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a pseudonym; it looks like H-0123456789ABC (H- and 13 letters or digits)")]
pub struct BadPseudonym(pub String);

impl FromStr for Pseudonym {
    type Err = BadPseudonym;

    /// Reads what a person may have typed: any case, `O` for zero, `I` and `L` for one, as Crockford allows.
    fn from_str(text: &str) -> Result<Pseudonym, BadPseudonym> {
        let bad = || BadPseudonym(text.to_owned());
        let upper = text.trim().to_ascii_uppercase();
        let digits = upper.strip_prefix("H-").ok_or_else(bad)?;
        if digits.len() != 13 {
            return Err(bad());
        }
        let mut value: u128 = 0;
        for byte in digits.bytes() {
            let byte = match byte {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            };
            let digit = CROCKFORD.iter().position(|&symbol| symbol == byte).ok_or_else(bad)?;
            value = (value << 5) | digit as u128;
        }
        u64::try_from(value).map(Pseudonym).map_err(|_| bad())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_survive_a_telephone() {
        for value in [0, 1, 31, 0x0123_4567_89ab_cdef, u64::MAX] {
            let shown = Pseudonym(value).to_string();
            assert_eq!(shown.len(), 15);
            assert_eq!(shown.parse(), Ok(Pseudonym(value)));
            assert_eq!(shown.to_lowercase().replace('0', "o").replace('1', "l").parse(), Ok(Pseudonym(value)));
        }
        assert!("H-ZZZZZZZZZZZZZ".parse::<Pseudonym>().is_err(), "65 bits");
        assert!("H-123".parse::<Pseudonym>().is_err());
    }

    #[test]
    fn an_organisation_number_with_a_wrong_digit_is_told_from_none() {
        // Brønnøysundregistrene, Oslo kommune, KS.
        for good in ["974760673", "958935420", "971032146"] {
            assert_eq!(good.parse::<MemberNumber>().map(|number| number.to_string()), Ok(good.to_owned()));
            for place in 0..9 {
                let mut digits = good.as_bytes().to_vec();
                digits[place] = b'0' + (digits[place] - b'0' + 1) % 10;
                let wrong = String::from_utf8(digits).unwrap();
                assert_eq!(wrong.parse::<MemberNumber>(), Err(BadMemberNumber::CheckDigit(wrong)));
            }
        }
        let swapped = "974760637";
        assert_eq!(swapped.parse::<MemberNumber>(), Err(BadMemberNumber::CheckDigit(swapped.to_owned())));
        assert!(matches!("97476067".parse::<MemberNumber>(), Err(BadMemberNumber::Form(_))));
    }

    #[test]
    fn member_numbers_keep_their_zero() {
        assert_eq!("0301".parse::<MemberNumber>().map(|n| n.to_string()), Ok("0301".to_owned()));
        for bad in ["301", "03O1", "", "12345"] {
            assert!(bad.parse::<MemberNumber>().is_err(), "{bad}");
        }
    }
}
