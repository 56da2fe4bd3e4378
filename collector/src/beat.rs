//! The outgoing heartbeat: "I live", said each minute to an address of the operator's choice, so that a dead collector is seen from
//! outside. It is said only while the collector is well; silence is the alarm.
//!
//! What is said, as JSON: `program`, `version`, `health` (`ok`; else nothing is said), `at`, and `audit` {`entry`, `head`}, the
//! newest entry's place and hash: whoever keeps what arrives can tell later whether the end of the audit was cut off. Nothing of members,
//! sensors, indicators or alerts, and no number of them.

use std::net::IpAddr;
use std::str::FromStr;

use axum::http::Uri;
use serde::{Deserialize, Serialize};
use varde_common::time::Timestamp;

use crate::limits::{BEAT_ADDRESS_MAX_OCTETS, BEAT_WHY_MAX_CHARACTERS};

/// Where heartbeats go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Host name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether over TLS.
    pub tls: bool,
    /// What a request names its host by.
    pub authority: String,
    /// Path and query. They may hold a secret, and are neither logged nor shown.
    pub path: String,
}

/// Text that is no address for heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// No URL.
    #[error("is no URL")]
    NoUrl,
    /// Another scheme.
    #[error("must begin with https://")]
    Scheme,
    /// In the clear, and not to this machine itself.
    #[error("must begin with https://; http:// is taken only to 127.0.0.1 and [::1]")]
    Clear,
    /// A password in it.
    #[error("must hold no user or password; put a secret into the path")]
    User,
    /// Too long.
    #[error("is longer than {BEAT_ADDRESS_MAX_OCTETS} bytes")]
    TooLong,
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Address, BadAddress> {
        if text.len() > BEAT_ADDRESS_MAX_OCTETS {
            return Err(BadAddress::TooLong);
        }
        let uri: Uri = text.trim().parse().map_err(|_| BadAddress::NoUrl)?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) => return Err(BadAddress::Scheme),
            None => return Err(BadAddress::NoUrl),
        };
        let authority = uri.authority().ok_or(BadAddress::NoUrl)?;
        if authority.as_str().contains('@') {
            return Err(BadAddress::User);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(BadAddress::NoUrl);
        }
        if !tls && !host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()) {
            return Err(BadAddress::Clear);
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Address { host, port, tls, authority: authority.as_str().to_owned(), path })
    }
}

/// What became of a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered with success.
    Arrived,
    /// It was not, and why.
    Failed(String),
    /// The collector is not well, so that none was sent, and why.
    Withheld(String),
}

/// How heartbeats fare, as it is kept for the page and for `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fare {
    /// The host they go to.
    pub to: String,
    /// Whether the last one arrived; none = none was tried yet.
    pub arrives: Option<bool>,
    /// Since when it is so.
    pub since: Timestamp,
    /// Why it does not.
    pub why: Option<String>,
}

/// How heartbeats fare since the start.
#[derive(Debug)]
pub struct Beats {
    fare: Fare,
}

impl Beats {
    /// None was tried yet.
    pub fn new(to: &Address, now: Timestamp) -> Beats {
        Beats { fare: Fare { to: to.host.clone(), arrives: None, since: now, why: None } }
    }

    /// How they fare.
    pub fn fare(&self) -> &Fare {
        &self.fare
    }

    /// One has arrived or has not. Gives whether that is news.
    pub fn handle_outcome(&mut self, outcome: &Outcome, now: Timestamp) -> bool {
        let (arrives, why) = match outcome {
            Outcome::Arrived => (true, None),
            Outcome::Failed(why) | Outcome::Withheld(why) => {
                (false, Some(why.chars().filter(|c| !c.is_control()).take(BEAT_WHY_MAX_CHARACTERS).collect()))
            }
        };
        let turned = self.fare.arrives != Some(arrives);
        let news = turned || self.fare.why != why;
        if turned {
            self.fare.since = now;
        }
        (self.fare.arrives, self.fare.why) = (Some(arrives), why);
        news
    }
}

/// A heartbeat's body.
#[derive(Debug, Serialize)]
pub struct Body {
    program: &'static str,
    version: &'static str,
    health: &'static str,
    at: Timestamp,
    audit: AuditHead,
}

#[derive(Debug, Serialize)]
struct AuditHead {
    entry: i64,
    head: String,
}

impl Body {
    /// Of a collector that is well.
    pub fn well(at: Timestamp, entry: i64, head: String) -> Body {
        let version = env!("CARGO_PKG_VERSION");
        Body { program: "varde-collector", version, health: "ok", at, audit: AuditHead { entry, head } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_this_machine_itself() {
        let address: Address = "https://watch.example/ping/secret?a=1".parse().unwrap();
        assert_eq!((address.host.as_str(), address.port, address.tls), ("watch.example", 443, true));
        assert_eq!(address.path, "/ping/secret?a=1");
        let here: Address = "http://[::1]:8000".parse().unwrap();
        assert_eq!((here.host.as_str(), here.port, here.tls, here.path.as_str()), ("::1", 8000, false, "/"));
        assert_eq!(here.authority, "[::1]:8000");
        for (bad, why) in [
            ("", BadAddress::NoUrl),
            ("watch.example/ping", BadAddress::NoUrl),
            ("/ping", BadAddress::NoUrl),
            ("ftp://watch.example/", BadAddress::Scheme),
            ("http://watch.example/", BadAddress::Clear),
            ("http://192.0.2.1/", BadAddress::Clear),
            ("https://kari:hush@watch.example/", BadAddress::User),
        ] {
            assert_eq!(bad.parse::<Address>(), Err(why), "{bad}");
        }
        assert_eq!(format!("https://a.example/{}", "x".repeat(2_000)).parse::<Address>(), Err(BadAddress::TooLong));
    }

    #[test]
    fn only_news_is_told_and_since_when_it_is_so() {
        let mut beats = Beats::new(&"https://watch.example".parse().unwrap(), Timestamp(0));
        assert_eq!(beats.fare().arrives, None);
        let failed = |why: &str| Outcome::Failed(why.to_owned());
        for (outcome, at, news, since) in [
            (Outcome::Arrived, 1, true, 1),
            (Outcome::Arrived, 2, false, 1),
            (failed("no answer"), 3, true, 3),
            (failed("no answer"), 4, false, 3),
            (failed("a \u{1b}[2J answer"), 5, true, 3),
            (Outcome::Withheld("full".to_owned()), 6, true, 3),
            (Outcome::Arrived, 7, true, 7),
        ] {
            assert_eq!(beats.handle_outcome(&outcome, Timestamp(at)), news, "{outcome:?} at {at}");
            assert_eq!(beats.fare().since, Timestamp(since), "{outcome:?} at {at}");
            assert!(!beats.fare().why.as_deref().unwrap_or_default().contains('\u{1b}'));
        }
        assert_eq!(beats.fare().why, None);
    }

    #[test]
    fn q1_a_heartbeat_says_nothing_of_members() {
        let body = serde_json::to_value(Body::well(Timestamp(0), 7, "ab".to_owned())).unwrap();
        let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["at", "audit", "health", "program", "version"]);
        assert_eq!(body["audit"], serde_json::json!({ "entry": 7, "head": "ab" }));
    }
}
