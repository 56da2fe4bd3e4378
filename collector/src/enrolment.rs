//! Token → certificate: when a token is honoured, and how often one may guess. The store consumes it in one statement.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

use varde_common::message::EnrolRefusal;
use varde_common::time::Timestamp;
use varde_common::token::proof_is_good;

use crate::limits::{ATTEMPTS_WITHIN, FAILED_ATTEMPTS_ALL, FAILED_ATTEMPTS_PER_PREFIX};

/// What the collector keeps of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// SHA-256 of its secret.
    pub secret_sha256: [u8; 32],
    /// Good until just before then.
    pub expires_at: Timestamp,
    /// When it was used.
    pub enrolled_at: Option<Timestamp>,
    /// When its sensor was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Whose sensor it makes.
    pub member_name: String,
}

/// What an attempt brings.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Of the TLS session (RFC 8446 section 7.5).
    pub exporter: &'a [u8; 32],
    /// The key request.
    pub csr_der: &'a [u8],
    /// See [`varde_common::token::proof`].
    pub proof: &'a [u8; 32],
}

/// Whether a token is honoured. Who cannot prove its secret learns nothing else about it.
///
/// # Errors
/// [`EnrolRefusal`].
pub fn judge(row: Option<&TokenRow>, attempt: Attempt<'_>, now: Timestamp) -> Result<(), EnrolRefusal> {
    let row = row.ok_or(EnrolRefusal::NotGood)?;
    if !proof_is_good(&row.secret_sha256, attempt.exporter, attempt.csr_der, attempt.proof) {
        return Err(EnrolRefusal::NotGood);
    }
    if row.revoked_at.is_some() {
        return Err(EnrolRefusal::Revoked);
    }
    if row.enrolled_at.is_some() {
        return Err(EnrolRefusal::Used);
    }
    if now >= row.expires_at {
        return Err(EnrolRefusal::Expired);
    }
    Ok(())
}

/// Failed attempts of the last minute. Holds at most [`FAILED_ATTEMPTS_ALL`] of them: beyond that nobody may try.
#[derive(Debug, Default)]
pub struct Attempts {
    failed: VecDeque<(Instant, IpAddr)>,
    refused: u64,
}

/// Whom attempts are counted for: one IPv4 address, or the /64 an IPv6 host chooses its addresses from.
fn prefix(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        },
    }
}

impl Attempts {
    /// Whether this address may try now.
    pub fn may_try(&mut self, address: IpAddr, now: Instant) -> bool {
        while self.failed.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) >= ATTEMPTS_WITHIN) {
            self.failed.pop_front();
        }
        let prefix = prefix(address);
        let own = self.failed.iter().filter(|(_, of)| *of == prefix).count();
        let may = own < FAILED_ATTEMPTS_PER_PREFIX && self.failed.len() < FAILED_ATTEMPTS_ALL;
        self.refused += u64::from(!may);
        may
    }

    /// An attempt of this address failed.
    pub fn handle_failure(&mut self, address: IpAddr, now: Instant) {
        if self.failed.len() < FAILED_ATTEMPTS_ALL {
            self.failed.push_back((now, prefix(address)));
        }
    }

    /// Attempts refused unheard so far.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::clock;
    use std::time::Duration;
    use varde_common::token::{proof, secret_hash};

    fn row() -> TokenRow {
        TokenRow {
            secret_sha256: secret_hash(&[1; 16]),
            expires_at: Timestamp(100),
            enrolled_at: None,
            revoked_at: None,
            member_name: "Gjøvik".into(),
        }
    }

    #[test]
    fn e1_a_token_is_honoured_once_in_time_and_only_with_its_proof() {
        let hash = secret_hash(&[1; 16]);
        let good = proof(&hash, &[5; 32], b"csr");
        let relayed = proof(&hash, &[6; 32], b"csr");
        let guessed = proof(&secret_hash(&[2; 16]), &[5; 32], b"csr");
        let judge_at = |row: Option<&TokenRow>, proof: &[u8; 32], now: i64| {
            judge(row, Attempt { exporter: &[5; 32], csr_der: b"csr", proof }, Timestamp(now))
        };
        let used = TokenRow { enrolled_at: Some(Timestamp(3)), ..row() };
        let revoked = TokenRow { revoked_at: Some(Timestamp(3)), ..row() };
        assert_eq!(judge_at(Some(&row()), &good, 99), Ok(()));
        assert_eq!(judge_at(Some(&row()), &good, 100), Err(EnrolRefusal::Expired));
        assert_eq!(judge_at(Some(&used), &good, 99), Err(EnrolRefusal::Used));
        assert_eq!(judge_at(Some(&revoked), &good, 99), Err(EnrolRefusal::Revoked));
        for proof in [relayed, guessed, [0; 32]] {
            for row in [Some(&row()), Some(&used), Some(&revoked), None] {
                assert_eq!(judge_at(row, &proof, 999), Err(EnrolRefusal::NotGood), "nothing learnt without the secret");
            }
        }
    }

    #[test]
    fn e1_guessing_is_slow_for_one_and_for_all() {
        let start = clock::monotonic();
        let mut attempts = Attempts::default();
        let guesser: IpAddr = "2001:db8::1".parse().unwrap();
        let tried = (0..10_000u32)
            .filter(|n| {
                let address = IpAddr::V6(Ipv6Addr::from_bits(u128::from(*n) | 0x2001_0db8 << 96));
                let may = attempts.may_try(address, start);
                if may {
                    attempts.handle_failure(address, start);
                }
                may
            })
            .count();
        assert_eq!(tried, FAILED_ATTEMPTS_PER_PREFIX, "one /64 is one guesser");
        assert_eq!(attempts.refused(), 10_000 - 5);
        assert!(attempts.may_try("192.0.2.1".parse().unwrap(), start), "others are not held up");
        assert!(!attempts.may_try(guesser, start + Duration::from_secs(59)));
        assert!(attempts.may_try(guesser, start + Duration::from_secs(60)));

        let mut tried = 0;
        for n in 0..10_000u32 {
            let address = IpAddr::V4(n.into());
            if attempts.may_try(address, start) {
                attempts.handle_failure(address, start);
                tried += 1;
            }
        }
        assert!(tried <= FAILED_ATTEMPTS_ALL && attempts.failed.len() <= FAILED_ATTEMPTS_ALL);
        assert!(attempts.may_try("::ffff:192.0.2.9".parse().unwrap(), start + Duration::from_secs(61)));
    }

    #[test]
    fn fifty_sensors_behind_one_address_enrol_unhindered() {
        let mut attempts = Attempts::default();
        let now = clock::monotonic();
        assert!((0..50).all(|_| attempts.may_try("127.0.0.1".parse().unwrap(), now)));
    }
}
