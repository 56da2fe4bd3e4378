//! What somebody has and the collector only knows by its hash: a session's name, a one-time link, a token. Each is 32 octets drawn at
//! random, written in 43 letters of base64url; a token has `vt-` before it, so that it is known where it turns up.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use varde_common::trust::sha256;

/// Octets of a secret.
pub const SECRET_OCTETS: usize = 32;
/// Letters it is written in.
const LETTERS: usize = 43;
/// Before a token.
const TOKEN: &str = "vt-";

/// A secret, which is told once.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; SECRET_OCTETS]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Of octets that were drawn.
    pub fn new(octets: [u8; SECRET_OCTETS]) -> Secret {
        Secret(octets)
    }

    /// As it is written; none where that is no secret.
    pub fn read(text: &str) -> Option<Secret> {
        if text.len() != LETTERS {
            return None;
        }
        Some(Secret(URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?))
    }

    /// The same of a token.
    pub fn read_token(text: &str) -> Option<Secret> {
        Secret::read(text.strip_prefix(TOKEN)?)
    }

    /// As it is told.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// As it is told as a token.
    pub fn token(&self) -> String {
        format!("{TOKEN}{}", self.text())
    }

    /// What is kept of it.
    pub fn hash(&self) -> [u8; 32] {
        sha256(&self.0)
    }

    /// What forms of this session carry, so that no page elsewhere can send them: it follows from the secret and does not tell it.
    pub fn csrf(&self) -> String {
        URL_SAFE_NO_PAD.encode(sha256(&[b"varde-csrf-1\n".as_slice(), &self.0].concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_secret_is_read_as_it_was_told_and_tells_nothing_by_accident() {
        let secret = Secret::new([7; SECRET_OCTETS]);
        assert_eq!(Secret::read(&secret.text()), Some(secret.clone()));
        assert_eq!(Secret::read_token(&secret.token()), Some(secret.clone()));
        assert_eq!((Secret::read(&secret.token()), Secret::read_token(&secret.text())), (None, None));
        assert_eq!(format!("{secret:?}"), "Secret");
        assert!(secret.csrf() != secret.text() && !secret.csrf().contains(&secret.text()));
        assert_ne!(secret.csrf(), Secret::new([8; SECRET_OCTETS]).csrf());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            let read = Secret::read(&text);
            prop_assert!(read.is_none_or(|secret| secret.text() == text));
            let _ = Secret::read_token(&text);
        }
    }
}
