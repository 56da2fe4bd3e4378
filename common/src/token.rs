//! The enrolment token: one short text that a person can paste. `varde1-` and base64url of: the fields by the codec, CRC-32.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::codec::{self, Decode, Encode, Text};
use crate::id::SensorId;
use crate::time::Timestamp;
use crate::trust::sha256;

const PREFIX: &str = "varde1-";

/// Everything a new sensor needs to find its collector and to know it when it does.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Token {
    /// The sensor it makes.
    pub sensor: SensorId,
    /// The member it belongs to, for the person who pastes it.
    pub member: Text,
    /// Where sensors dial for sessions, `HOST:PORT`.
    pub quic: Text,
    /// Where they enrol, `HOST:PORT`.
    pub enroll: Text,
    /// SHA-256 of the root document.
    pub root_sha256: [u8; 32],
    /// Shown to nobody but the sensor; the collector keeps its hash.
    pub secret: [u8; 16],
    /// Good until then.
    pub expires: Timestamp,
}

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Does not begin as one.
    #[error("this is no token: it must begin with {PREFIX}")]
    NoToken,
    /// Not all of it is there.
    #[error("the token is damaged: copy it again, from {PREFIX} to its last letter")]
    Damaged,
}

impl Token {
    /// The text to paste.
    pub fn to_text(&self) -> String {
        // Encoding a Token cannot fail: no type in it can. An empty body would be refused as damaged on reading.
        let mut octets = codec::encode(self).unwrap_or_default();
        octets.extend_from_slice(&crc32fast::hash(&octets).to_be_bytes());
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(octets))
    }

    /// Reads what was pasted; spaces and line breaks around and within are forgiven.
    ///
    /// # Errors
    /// [`BadToken`].
    pub fn from_text(text: &str) -> Result<Token, BadToken> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let body = text.strip_prefix(PREFIX).ok_or(BadToken::NoToken)?;
        let octets = URL_SAFE_NO_PAD.decode(body).map_err(|_| BadToken::Damaged)?;
        let (fields, crc) = octets.split_last_chunk::<4>().ok_or(BadToken::Damaged)?;
        if crc32fast::hash(fields).to_be_bytes() != *crc {
            return Err(BadToken::Damaged);
        }
        codec::decode(fields).map_err(|_| BadToken::Damaged)
    }
}

/// What the collector keeps of a secret.
pub fn secret_hash(secret: &[u8; 16]) -> [u8; 32] {
    sha256(secret)
}

fn proof_mac(secret_sha256: &[u8; 32], exporter: &[u8; 32], csr_der: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret_sha256).ok()?;
    mac.update(exporter);
    mac.update(csr_der);
    Some(mac)
}

/// Proof of a token's secret, bound to this TLS session (its exporter, RFC 8446 section 7.5) and this key request, so
/// that it can be neither relayed nor replayed: HMAC-SHA-256(SHA-256(secret), exporter ‖ request).
pub fn proof(secret_sha256: &[u8; 32], exporter: &[u8; 32], csr_der: &[u8]) -> [u8; 32] {
    proof_mac(secret_sha256, exporter, csr_der).map_or([0; 32], |mac| mac.finalize().into_bytes().into())
}

/// Checks a proof in constant time.
pub fn proof_is_good(secret_sha256: &[u8; 32], exporter: &[u8; 32], csr_der: &[u8], proof: &[u8; 32]) -> bool {
    proof_mac(secret_sha256, exporter, csr_der).is_some_and(|mac| mac.verify_slice(proof).is_ok())
}

/// The label of the TLS exporter that a proof is bound to.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-varde-enroll-1";

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token {
            sensor: SensorId(7),
            member: Text::cut("3407"),
            quic: Text::cut("varde.example:7843"),
            enroll: Text::cut("varde.example:7844"),
            root_sha256: [3; 32],
            secret: [9; 16],
            expires: Timestamp(1),
        }
    }

    #[test]
    fn survives_a_mail_program() {
        let text = token().to_text();
        let (a, b) = text.split_at(40);
        assert_eq!(Token::from_text(&format!("  {a}\r\n {b}\n")), Ok(token()));
    }

    #[test]
    fn a_token_cut_or_mistyped_is_told_so() {
        let text = token().to_text();
        assert_eq!(Token::from_text("hello"), Err(BadToken::NoToken));
        for end in PREFIX.len()..text.len() {
            assert_eq!(Token::from_text(&text[..end]), Err(BadToken::Damaged));
        }
    }

    #[test]
    fn a_proof_is_bound_to_session_and_key() {
        let hash = secret_hash(&[9; 16]);
        let good = proof(&hash, &[1; 32], b"csr");
        assert!(proof_is_good(&hash, &[1; 32], b"csr", &good));
        assert!(!proof_is_good(&hash, &[2; 32], b"csr", &good));
        assert!(!proof_is_good(&hash, &[1; 32], b"CSR", &good));
        assert!(!proof_is_good(&secret_hash(&[8; 16]), &[1; 32], b"csr", &good));
    }
}
