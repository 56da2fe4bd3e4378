//! What a source is asked with, from a file of its operator's: a password, a token, a key in a header of the source's choice, or a
//! certificate. Never from a command line, and never shown.

use std::fmt;

use axum::http::{HeaderName, HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Headers that say how a request is carried.
const CARRIERS: [&str; 8] =
    ["host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer", "accept-encoding"];

/// What a source is asked with.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// In a header of each request.
    Header(HeaderName, HeaderValue),
    /// A certificate with its key, PEM, shown in the handshake.
    Certificate(Vec<u8>),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credentials::Header(..) => "Header(…)",
            Credentials::Certificate(_) => "Certificate(…)",
        })
    }
}

/// A file that holds none. What stands in it is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCredentials {
    /// Nothing of the kind.
    #[error(
        "it holds no line \"basic USER:PASSWORD\", \"bearer TOKEN\", \"token TOKEN\" or \"apikey HEADER VALUE\", and no certificate (PEM) with its key"
    )]
    Unknown,
    /// Something that no header can hold.
    #[error("what stands in it cannot be sent in a header")]
    Unsendable,
    /// A header that is not for this.
    #[error("the header it names says how a request is carried, not who asks")]
    Carrier,
    /// Readable by others.
    #[error("others than its owner may read it (mode {mode:03o}): chmod 600")]
    Open {
        /// The file's mode.
        mode: u32,
    },
}

/// That a file of this mode is its owner's alone.
///
/// # Errors
/// [`BadCredentials::Open`].
pub fn is_private(mode: u32) -> Result<(), BadCredentials> {
    let mode = mode & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(BadCredentials::Open { mode }) }
}

/// Reads what stands in the file.
///
/// # Errors
/// [`BadCredentials`].
pub fn read(octets: &[u8]) -> Result<Credentials, BadCredentials> {
    let text = std::str::from_utf8(octets).map_err(|_| BadCredentials::Unknown)?.trim();
    if text.contains("-----BEGIN ") {
        return Ok(Credentials::Certificate(octets.to_vec()));
    }
    let (word, rest) = text.split_once(char::is_whitespace).ok_or(BadCredentials::Unknown)?;
    let rest = rest.trim();
    let (name, value) = match word.to_ascii_lowercase().as_str() {
        "basic" if rest.contains(':') => (header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(rest))),
        "bearer" => (header::AUTHORIZATION, format!("Bearer {rest}")),
        "token" => (header::AUTHORIZATION, format!("Token {rest}")),
        "apikey" => {
            let (name, value) = rest.split_once(char::is_whitespace).ok_or(BadCredentials::Unknown)?;
            let name = name.trim_end_matches(':').parse().map_err(|_| BadCredentials::Unsendable)?;
            (name, value.trim().to_owned())
        }
        _ => return Err(BadCredentials::Unknown),
    };
    if CARRIERS.contains(&name.as_str()) {
        return Err(BadCredentials::Carrier);
    }
    let mut value = HeaderValue::from_str(&value).map_err(|_| BadCredentials::Unsendable)?;
    value.set_sensitive(true);
    Ok(Credentials::Header(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_say_who_asks_is_read_and_none_is_shown() {
        for (text, name, value) in [
            ("basic kari:a b:c\n", "authorization", "Basic a2FyaTphIGI6Yw=="),
            ("Bearer abc", "authorization", "Bearer abc"),
            ("token abc\r\n", "authorization", "Token abc"),
            ("apikey Auth-Key abc", "auth-key", "abc"),
            ("apikey Authorization: abc", "authorization", "abc"),
        ] {
            let read = read(text.as_bytes()).unwrap();
            assert_eq!(read, Credentials::Header(name.parse().unwrap(), value.parse().unwrap()), "{text}");
            assert_eq!(format!("{read:?}"), "Header(…)");
        }
        assert!(matches!(read(b"-----BEGIN CERTIFICATE-----\nx"), Ok(Credentials::Certificate(_))));
        for (bad, why) in [
            ("", BadCredentials::Unknown),
            ("hemmelig", BadCredentials::Unknown),
            ("basic hemmelig", BadCredentials::Unknown),
            ("apikey x", BadCredentials::Unknown),
            ("bearer a\nb: c", BadCredentials::Unsendable),
            ("apikey a\u{e5} b", BadCredentials::Unsendable),
            ("apikey Host a.example", BadCredentials::Carrier),
        ] {
            assert_eq!(read(bad.as_bytes()), Err(why), "{bad}");
        }
        assert_eq!(is_private(0o100600), Ok(()));
        assert_eq!(is_private(0o100640), Err(BadCredentials::Open { mode: 0o640 }));
        assert!(is_private(0o604).unwrap_err().to_string().contains("mode 604"));
    }
}
