//! What a person concludes of an alert, and what follows from it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A person's conclusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The indicator is wrong: it is withdrawn, whoever names it, and its sources are counted as having been wrong.
    FalsePositive,
    /// The indicator is right and this traffic is wanted: a test, a researcher. Nothing follows but that it is said.
    Legitimate,
    /// It is what the indicator says.
    Confirmed,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Verdict; 3] = [Verdict::FalsePositive, Verdict::Legitimate, Verdict::Confirmed];

    /// As commands and the database write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::FalsePositive => "false-positive",
            Verdict::Legitimate => "legitimate",
            Verdict::Confirmed => "confirmed",
        }
    }

    /// The kind of sighting by which a MISP server is told of it (0 seen, 1 false positive), where it is told.
    pub fn sighting(self) -> Option<i64> {
        match self {
            Verdict::FalsePositive => Some(1),
            Verdict::Confirmed => Some(0),
            Verdict::Legitimate => None,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Verdict {
    type Err = String;

    fn from_str(text: &str) -> Result<Verdict, String> {
        let found = Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == text);
        found.ok_or_else(|| format!("\"{text}\" is no verdict; there are false-positive, legitimate and confirmed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_go_both_ways() {
        for verdict in Verdict::ALL {
            assert_eq!(verdict.to_string().parse(), Ok(verdict));
            assert_eq!(serde_json::to_string(&verdict).unwrap(), format!("\"{verdict}\""));
        }
        assert!("none".parse::<Verdict>().is_err());
        assert_eq!(Verdict::ALL.map(Verdict::sighting), [Some(1), None, Some(0)]);
    }
}
