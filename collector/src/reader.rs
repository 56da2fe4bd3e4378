//! Who reads the list over HTTPS: the token by which a reader is known, how it is said in a request, and how often wrong ones are answered.
//!
//! A token is `vf-`, the reader's number, `-` and 32 letters of base64url: 192 bits drawn at random. Only its SHA-256 is kept.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use varde_common::trust::sha256;

use crate::arrivals::neighbourhood;
use crate::limits::feed::{FEED_REFUSALS_ALL, FEED_REFUSALS_OF_ONE, FEED_REFUSED_WITHIN};

const PREFIX: &str = "vf-";
/// Octets of a secret.
pub const SECRET_OCTETS: usize = 24;
/// The longest token there is: a number has 19 digits at most.
const TOKEN_MAX_OCTETS: usize = 3 + 19 + 1 + 32;

/// A reader's token, as it is told once.
pub fn token(id: i64, secret: &[u8; SECRET_OCTETS]) -> String {
    format!("{PREFIX}{id}-{}", URL_SAFE_NO_PAD.encode(secret))
}

/// What is kept of a token.
pub fn hash(token: &str) -> [u8; 32] {
    sha256(token.as_bytes())
}

/// Whether two hashes are the same, in a time that does not tell where they differ.
pub fn is_same(one: &[u8; 32], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differ, (one, other)| differ | (one ^ other)) == 0
}

/// What somebody offers who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The number of the reader it is said to be.
    pub id: i64,
    /// The hash of the whole token.
    pub sha256: [u8; 32],
    /// It stood in the path.
    pub in_path: bool,
}

impl Offered {
    /// A token, where it has the form of one.
    pub fn read(text: &str, in_path: bool) -> Option<Offered> {
        if text.len() > TOKEN_MAX_OCTETS {
            return None;
        }
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('-')?;
        if secret.len() != 32 || id.is_empty() || !id.bytes().all(|octet| octet.is_ascii_digit()) {
            return None;
        }
        Some(Offered { id: id.parse().ok()?, sha256: hash(text), in_path })
    }

    /// What an `Authorization` field says: a bearer's token (RFC 6750), or a password with whatever name (RFC 7617).
    pub fn of_header(value: &str) -> Option<Offered> {
        let (scheme, rest) = value.split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Offered::read(rest, false);
        }
        if !scheme.eq_ignore_ascii_case("basic") || rest.len() > 4 * TOKEN_MAX_OCTETS {
            return None;
        }
        let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        Offered::read(pair.split_once(':')?.1, false)
    }
}

/// Who was refused within the last minute.
#[derive(Debug, Default)]
pub struct Refusals {
    lately: VecDeque<(Instant, IpAddr)>,
    told_at: Option<Instant>,
    untold: u64,
    bare: u64,
    bare_told_at: Option<Instant>,
}

impl Refusals {
    /// Somebody there came with a wrong token. Gives whether it is told so.
    pub fn may_tell(&mut self, address: IpAddr, now: Instant) -> bool {
        self.untold += 1;
        while self.lately.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) >= FEED_REFUSED_WITHIN) {
            self.lately.pop_front();
        }
        let from = neighbourhood(address);
        let of_one = self.lately.iter().filter(|(_, of)| *of == from).count();
        let may = of_one < FEED_REFUSALS_OF_ONE && self.lately.len() < FEED_REFUSALS_ALL;
        if may {
            self.lately.push_back((now, from));
        }
        may
    }

    /// Somebody came without any token: many programs give theirs only when they are asked for it, so that is no wrong one, and all of them
    /// are asked. Gives how many there were since that was last told, if it is time to tell.
    pub fn came_bare(&mut self, now: Instant) -> Option<u64> {
        self.bare += 1;
        let told = self.bare_told_at.is_some_and(|at| now.saturating_duration_since(at) < FEED_REFUSED_WITHIN);
        if told {
            return None;
        }
        self.bare_told_at = Some(now);
        Some(std::mem::take(&mut self.bare))
    }

    /// How many there were since that was last told, if it is time to tell.
    pub fn to_tell(&mut self, now: Instant) -> Option<u64> {
        let told = self.told_at.is_some_and(|at| now.saturating_duration_since(at) < FEED_REFUSED_WITHIN);
        if told || self.untold == 0 {
            return None;
        }
        self.told_at = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::clock;
    use proptest::prelude::*;

    #[test]
    fn a_token_is_known_however_it_is_said() {
        let text = token(17, &[7; SECRET_OCTETS]);
        assert_eq!(text.len(), 3 + 2 + 1 + 32);
        let offered = Offered::read(&text, false).unwrap();
        assert!(offered.id == 17 && is_same(&hash(&text), &offered.sha256));
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        for said in [
            format!("Bearer {text}"),
            format!("bearer  {text}"),
            basic(&format!("varde:{text}")),
            basic(&format!(":{text}")),
        ] {
            assert_eq!(Offered::of_header(&said), Some(offered.clone()), "{said}");
        }
        for wrong in [String::new(), text.clone(), format!("Token {text}"), basic(&text), "Basic %%%".to_owned()] {
            assert_eq!(Offered::of_header(&wrong), None, "{wrong}");
        }
        for wrong in ["vf-17-", "vf--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "vf-+1-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "x"] {
            assert_eq!(Offered::read(wrong, true), None, "{wrong}");
        }
        assert_eq!(Offered::read(&format!("vf-{}-{}", "9".repeat(19), "a".repeat(32)), true), None, "no number");
        let mut almost = hash(&text);
        almost[31] ^= 1;
        assert!(!is_same(&hash(&text), &almost) && !is_same(&hash(&text), &[]));
    }

    #[test]
    fn n1_wrong_tokens_are_answered_so_often_and_told_once_a_minute() {
        let (mut refusals, now) = (Refusals::default(), clock::monotonic());
        let from = |network: u8| IpAddr::from([192, 0, network, 1]);
        assert_eq!((0..100).filter(|_| refusals.may_tell(from(1), now)).count(), FEED_REFUSALS_OF_ONE);
        assert!(refusals.may_tell(from(2), now), "another is answered");
        assert_eq!((refusals.to_tell(now), refusals.to_tell(now)), (Some(101), None));
        let all = (3..200).flat_map(|network| (0..9).map(move |_| network));
        assert_eq!(
            all.filter(|network| refusals.may_tell(from(*network), now)).count(),
            FEED_REFUSALS_ALL - FEED_REFUSALS_OF_ONE - 1
        );
        assert!(refusals.may_tell(from(1), now + FEED_REFUSED_WITHIN), "until a minute is over");
    }

    #[test]
    fn n1_who_comes_without_a_token_is_asked_for_it_and_is_no_wrong_one() {
        let (mut refusals, now) = (Refusals::default(), clock::monotonic());
        assert_eq!((0..1_000).filter_map(|_| refusals.came_bare(now)).collect::<Vec<_>>(), [1]);
        assert_eq!(refusals.came_bare(now + FEED_REFUSED_WITHIN), Some(1_000));
        assert_eq!(refusals.to_tell(now), None, "none of them was refused");
        assert!(refusals.may_tell(IpAddr::from([192, 0, 2, 1]), now), "nor does one count against a token");
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_refused(text in ".{0,300}") {
            let _ = Offered::of_header(&text);
            let _ = Offered::read(&text, true);
        }
    }
}
