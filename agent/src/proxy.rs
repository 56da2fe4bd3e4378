//! An HTTP proxy between the sensor and its collector (RFC 9110 section 9.3.6): what is asked of it, and what its answer means.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::limits::{PROXY_ANSWER_MAX_OCTETS, PROXY_REASON_MAX_CHARACTERS};

/// A proxy, as it is set.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    address: String,
    /// Base64 of `user:password`.
    credentials: Option<String>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the credentials: they belong in no log.
        f.debug_struct("Proxy").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Credentials that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCredentials {
    /// There is no user in front of a colon.
    #[error("it does not hold user:password on its one line")]
    NoUser,
    /// It would not fit into a header.
    #[error("it holds more than one line, or characters that no header can")]
    Characters,
}

impl Proxy {
    /// Reads `http://HOST:PORT`; none where it is something else.
    pub fn read(text: &str) -> Option<Proxy> {
        let address = text.strip_prefix("http://")?;
        let address = address.strip_suffix('/').unwrap_or(address);
        let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | '?' | '#');
        (is_host_and_port(address) && !address.contains(odd))
            .then(|| Proxy { address: address.to_owned(), credentials: None })
    }

    /// The same, with a user and a password as one line `user:password`.
    ///
    /// # Errors
    /// [`BadCredentials`].
    pub fn with_credentials(mut self, text: &str) -> Result<Proxy, BadCredentials> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.chars().any(char::is_control) {
            return Err(BadCredentials::Characters);
        }
        match line.split_once(':') {
            Some((user, _)) if !user.is_empty() => {}
            Some(_) | None => return Err(BadCredentials::NoUser),
        }
        self.credentials = Some(STANDARD.encode(line));
        Ok(self)
    }

    /// Where it is, `HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether it is given a user and a password.
    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Asks for a way to `target`, `HOST:PORT`; the proxy looks the name up.
    pub fn request(&self, target: &str) -> Vec<u8> {
        let mut text = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some(credentials) = &self.credentials {
            text.push_str("Proxy-Authorization: Basic ");
            text.push_str(credentials);
            text.push_str("\r\n");
        }
        text.push_str("\r\n");
        text.into_bytes()
    }
}

impl std::fmt::Display for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}", self.address)
    }
}

/// Whether a text is `HOST:PORT`, an IPv6 address in brackets.
pub fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let bare_v6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
    !host.is_empty() && !bare_v6 && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// What a proxy's octets so far mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The head is not complete.
    Incomplete,
    /// The way is open.
    Open,
    /// It says no.
    Refused {
        /// The status, such as 407.
        status: u16,
        /// Its words, cleaned and cut.
        reason: String,
    },
    /// It is no answer of a proxy.
    NotHttp,
}

impl Answer {
    /// Reads the head of an answer.
    pub fn read(octets: &[u8]) -> Answer {
        let head = octets.get(..PROXY_ANSWER_MAX_OCTETS.min(octets.len())).unwrap_or_default();
        let begins = b"HTTP/1.".iter().zip(head).all(|(wanted, found)| wanted == found);
        let end = head.windows(4).position(|four| four == b"\r\n\r\n");
        match end {
            _ if !begins => Answer::NotHttp,
            None if head.len() >= PROXY_ANSWER_MAX_OCTETS => Answer::NotHttp,
            None => Answer::Incomplete,
            Some(end) => Answer::of_head(&String::from_utf8_lossy(head.get(..end).unwrap_or_default())),
        }
    }

    fn of_head(head: &str) -> Answer {
        let line = head.lines().next().unwrap_or_default();
        let mut words = line.splitn(3, ' ').skip(1);
        let status = words.next().filter(|word| word.len() == 3).and_then(|word| word.parse::<u16>().ok());
        match status {
            Some(200..=299) => Answer::Open,
            Some(status) => {
                let reason = words.next().unwrap_or_default().trim();
                let reason = reason.chars().filter(|c| !c.is_control()).take(PROXY_REASON_MAX_CHARACTERS).collect();
                Answer::Refused { status, reason }
            }
            None => Answer::NotHttp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_proxy_is_an_http_address_and_its_secret_is_never_shown() {
        let proxy = Proxy::read("http://proxy.gjovik.example:3128/").unwrap();
        assert_eq!(
            (proxy.address(), proxy.to_string().as_str()),
            ("proxy.gjovik.example:3128", "http://proxy.gjovik.example:3128")
        );
        for bad in
            ["proxy:3128", "https://proxy:3128", "http://proxy", "http://u:p@proxy:1", "http://a b:1", "http://::1:1"]
        {
            assert_eq!(Proxy::read(bad), None, "{bad}");
        }
        assert_eq!(
            String::from_utf8(proxy.request("varde.example:443")).unwrap(),
            "CONNECT varde.example:443 HTTP/1.1\r\nHost: varde.example:443\r\n\r\n"
        );
        let proxy = proxy.with_credentials("sensor:så:hemmelig\n").unwrap();
        let asked = String::from_utf8(proxy.request("[2001:db8::1]:443")).unwrap();
        assert!(asked.contains("\r\nProxy-Authorization: Basic c2Vuc29yOnPDpTpoZW1tZWxpZw==\r\n\r\n"), "{asked}");
        assert!(!format!("{proxy:?}{proxy}").contains("c2Vuc29y"), "{proxy:?}");
        let bad = |text: &str| Proxy::read("http://a:1").unwrap().with_credentials(text).unwrap_err();
        assert_eq!([bad(""), bad("user"), bad(":password")], [BadCredentials::NoUser; 3]);
        assert_eq!([bad("u:p\nX: y"), bad("u:p\r\n\r\n")], [BadCredentials::Characters; 2]);
    }

    #[test]
    fn an_answer_is_read_when_its_head_is_whole() {
        let open = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n";
        for end in 0..open.len() {
            assert_eq!(Answer::read(&open[..end]), Answer::Incomplete, "{end}");
        }
        assert_eq!(Answer::read(open), Answer::Open);
        assert_eq!(Answer::read(b"HTTP/1.0 200\r\n\r\n"), Answer::Open);
        let refused = Answer::Refused { status: 407, reason: "Proxy Authentication Required".to_owned() };
        assert_eq!(Answer::read(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n<html>"), refused);
        for other in [&b"SSH-2.0-x\r\n"[..], b"HTTP/2 200\r\n\r\n", b"HTTP/1.1 ok\r\n\r\n", b"\x15\x03\x03"] {
            assert_eq!(Answer::read(other), Answer::NotHttp);
        }
        let endless = [&b"HTTP/1.1 200 "[..], &[b'x'; 2 * PROXY_ANSWER_MAX_OCTETS]].concat();
        assert_eq!(Answer::read(&endless), Answer::NotHttp);
    }

    proptest! {
        #[test]
        fn p1_any_octets_are_some_answer(octets in prop::collection::vec(any::<u8>(), 0..200), http in any::<bool>()) {
            let octets = if http { [&b"HTTP/1.1 "[..], &octets, b"\r\n\r\n"].concat() } else { octets };
            if let Answer::Refused { reason, .. } = Answer::read(&octets) {
                prop_assert!(reason.chars().count() <= PROXY_REASON_MAX_CHARACTERS && !reason.contains('\r'));
            }
        }
    }
}
