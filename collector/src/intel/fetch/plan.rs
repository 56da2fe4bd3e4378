//! What an operator has said of a source that is fetched: its kind, where it is, how it is asked, and what holds for all it says.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;
use varde_common::tlp::Tlp;

use super::file::File;
use super::misp_feed::MispFeed;
use super::misp_search::MispSearch;
use super::taxii::Taxii;
use super::{Conversation, Resume};
use crate::intel::canonical::About;
use crate::intel::format::{Format, Options};

/// The kinds of source that are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A collection of a TAXII 2.1 server.
    Taxii,
    /// A directory of MISP events.
    MispFeed,
    /// A MISP server's search.
    Misp,
    /// One file.
    File,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Taxii, Kind::MispFeed, Kind::Misp, Kind::File];

    /// What the command line calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Taxii => "taxii",
            Kind::MispFeed => "misp-feed",
            Kind::Misp => "misp",
            Kind::File => "file",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        let found = Kind::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| format!("there are {}", Kind::ALL.map(Kind::as_str).join(", ")))
    }
}

/// What is to be fetched, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What it is.
    pub kind: Kind,
    /// Where; of TAXII the API root.
    pub url: Url,
    /// TAXII: the collection's id.
    #[serde(default)]
    pub collection: Option<String>,
    /// Files: how they are written; none = found out.
    #[serde(default)]
    pub format: Option<String>,
    /// Tables: the column with the indicator.
    #[serde(default)]
    pub column: Option<String>,
    /// What all of it is marked as, at least.
    #[serde(default)]
    pub tlp: Option<String>,
    /// How sure it is where it does not say.
    #[serde(default)]
    pub confidence: Option<u8>,
    /// CA certificates by which it is believed; none = the system's.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// What it is asked with.
    #[serde(default)]
    pub auth_file: Option<PathBuf>,
    /// Through which proxy.
    #[serde(default)]
    pub proxy: Option<Url>,
    /// That it may be at an internal address.
    #[serde(default)]
    pub internal: bool,
    /// That what it says is other things each time: only how much it is counts when it is to be held.
    #[serde(default)]
    pub turns_over: bool,
    /// What one fetch may bring.
    pub max_octets: u64,
    /// How long one may take.
    pub within_s: u64,
}

impl Plan {
    /// A conversation with it, from where the last one ended.
    pub fn begin(&self, resume: Resume) -> Box<dyn Conversation> {
        let url = self.url.clone();
        match self.kind {
            Kind::Taxii => Box::new(Taxii::new(url, self.collection.clone().unwrap_or_default(), resume)),
            Kind::MispFeed => Box::new(MispFeed::new(url, resume)),
            Kind::Misp => Box::new(MispSearch::new(url, resume)),
            Kind::File => Box::new(File::new(url, self.format(), resume)),
        }
    }

    fn format(&self) -> Option<Format> {
        self.format.as_deref().and_then(|format| format.parse().ok())
    }

    /// How tables of it are read.
    pub fn options(&self) -> Options {
        Options { column: self.column.clone(), ..Options::default() }
    }

    /// What is said of all that it says.
    pub fn about(&self) -> About {
        let tlp: Option<Tlp> = self.tlp.as_deref().and_then(|tlp| tlp.parse().ok());
        About { confidence: self.confidence, tlp, ..About::default() }
    }

    /// Where it is, as logs and the audit say it: a path may hold a secret.
    pub fn host(&self) -> String {
        let port = self.url.port().map_or(String::new(), |port| format!(":{port}"));
        format!("{}{port}", self.url.host_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_kept_as_it_was_said() {
        let kept = r#"{"kind":"misp-feed","url":"https://m.example:8443/secret/","tlp":"TLP:RED","confidence":7,"max_octets":1,"within_s":2}"#;
        let plan: Plan = serde_json::from_str(kept).unwrap();
        assert_eq!((plan.kind, plan.host().as_str(), plan.internal), (Kind::MispFeed, "m.example:8443", false));
        assert_eq!((plan.about().tlp, plan.about().confidence), (Some(Tlp::Red), Some(7)));
        assert_eq!(serde_json::from_str::<Plan>(&serde_json::to_string(&plan).unwrap()).unwrap(), plan);
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            let plan = Plan { kind, ..plan.clone() };
            assert!(plan.begin(Resume::default()).poll_ask().is_some());
        }
        assert!("rss".parse::<Kind>().unwrap_err().contains("misp-feed"));
    }
}
