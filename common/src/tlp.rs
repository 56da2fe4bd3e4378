//! The Traffic Light Protocol 2.0 of FIRST, in order of strictness.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::codec::{Decode, Encode};

/// How far something may be shared. The order is the strictness: of two markings the greater one decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, Encode, Decode)]
pub enum Tlp {
    /// No limit.
    #[serde(rename = "TLP:CLEAR")]
    Clear,
    /// The community.
    #[serde(rename = "TLP:GREEN")]
    Green,
    /// Need to know within the organisation and its clients. What is unmarked counts as this (NCSC's rule).
    #[default]
    #[serde(rename = "TLP:AMBER")]
    Amber,
    /// Need to know within the organisation only.
    #[serde(rename = "TLP:AMBER+STRICT")]
    AmberStrict,
    /// The recipients' eyes and ears only.
    #[serde(rename = "TLP:RED")]
    Red,
}

impl Tlp {
    /// 0 (clear) to 4 (red).
    pub fn level(self) -> u8 {
        match self {
            Tlp::Clear => 0,
            Tlp::Green => 1,
            Tlp::Amber => 2,
            Tlp::AmberStrict => 3,
            Tlp::Red => 4,
        }
    }
}

impl fmt::Display for Tlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tlp::Clear => "TLP:CLEAR",
            Tlp::Green => "TLP:GREEN",
            Tlp::Amber => "TLP:AMBER",
            Tlp::AmberStrict => "TLP:AMBER+STRICT",
            Tlp::Red => "TLP:RED",
        })
    }
}

/// Text that is no TLP marking.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a TLP marking; use clear, green, amber, amber+strict or red")]
pub struct BadTlp(pub String);

impl FromStr for Tlp {
    type Err = BadTlp;

    /// Any case, with or without `TLP:`; the old `white` counts as clear.
    fn from_str(text: &str) -> Result<Tlp, BadTlp> {
        let lower = text.trim().to_ascii_lowercase();
        match lower.strip_prefix("tlp:").unwrap_or(&lower) {
            "clear" | "white" => Ok(Tlp::Clear),
            "green" => Ok(Tlp::Green),
            "amber" => Ok(Tlp::Amber),
            "amber+strict" => Ok(Tlp::AmberStrict),
            "red" => Ok(Tlp::Red),
            _ => Err(BadTlp(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strictness_is_the_order_and_text_goes_both_ways() {
        let all = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];
        assert!(all.is_sorted() && all.iter().map(|tlp| tlp.level()).eq(0..5));
        for tlp in all {
            assert_eq!(tlp.to_string().parse(), Ok(tlp));
        }
        assert_eq!("white".parse(), Ok(Tlp::Clear));
        assert!("TLP:YELLOW".parse::<Tlp>().is_err());
    }
}
