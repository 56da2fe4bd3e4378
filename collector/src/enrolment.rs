//! Token → certificate: when a token is honoured, and how often one may guess. The store consumes it in one statement.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Instant;

use varde_common::message::EnrolRefusal;
use varde_common::time::Timestamp;
use varde_common::token::proof_is_good;

use crate::arrivals::neighbourhood;
use crate::limits::{
    APPROVED_WITHIN, ATTEMPTS_WITHIN, FAILED_ATTEMPTS_KEPT, FAILED_ATTEMPTS_LOGGED, FAILED_ATTEMPTS_TOLD,
    KNOCK_TOLD_EVERY,
};

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
    /// The key its sensor has.
    pub spki_sha256: Option<[u8; 32]>,
    /// Whether its sensor ever came.
    pub came: bool,
    /// The key that waits for a person's approval, and since when.
    pub pending: Option<([u8; 32], Timestamp)>,
    /// When a person approved of it.
    pub approved_at: Option<Timestamp>,
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
    /// SHA-256 of its public key; none where it cannot be read.
    pub spki_sha256: Option<[u8; 32]>,
    /// See [`varde_common::token::proof`].
    pub proof: &'a [u8; 32],
}

/// What a good token gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Honoured {
    /// It is used now.
    Now,
    /// It is kept for this very key, and a person has not approved yet.
    Waits,
    /// It was kept for this very key, and a person has approved.
    Approved,
    /// It was used by this very key, whose sensor never came: the answer was lost, and is given again.
    Again,
}

/// Whether a token is honoured. Who cannot prove its secret learns nothing else about it.
///
/// # Errors
/// [`EnrolRefusal`].
pub fn judge(row: Option<&TokenRow>, attempt: Attempt<'_>, now: Timestamp) -> Result<Honoured, EnrolRefusal> {
    let row = row.ok_or(EnrolRefusal::NotGood)?;
    if !proof_is_good(&row.secret_sha256, attempt.exporter, attempt.csr_der, attempt.proof) {
        return Err(EnrolRefusal::NotGood);
    }
    let key = attempt.spki_sha256.ok_or(EnrolRefusal::BadRequest)?;
    if row.revoked_at.is_some() {
        return Err(EnrolRefusal::Revoked);
    }
    if row.enrolled_at.is_some() {
        let again = row.spki_sha256 == Some(key) && !row.came && now < row.expires_at;
        return if again { Ok(Honoured::Again) } else { Err(EnrolRefusal::Used) };
    }
    match (row.pending, row.approved_at) {
        (Some((waits, _)), _) if waits != key => Err(EnrolRefusal::Used),
        (Some((_, since)), _) if now.since(since) >= APPROVED_WITHIN => Err(EnrolRefusal::Expired),
        (Some(_), None) => Ok(Honoured::Waits),
        (Some(_), Some(_)) => Ok(Honoured::Approved),
        (None, _) if now >= row.expires_at => Err(EnrolRefusal::Expired),
        (None, _) => Ok(Honoured::Now),
    }
}

/// Failed attempts of the last minute. Only they are held back: a secret has 128 bits, so that no number of guesses finds one,
/// and whoever could shut the door by guessing would shut it for all who have a good token.
#[derive(Debug, Default)]
pub struct Attempts {
    failed: VecDeque<Failure>,
    /// When one last went into the log, and how many came since that did not.
    logged: Option<Instant>,
    unlogged: u64,
}

/// What follows from an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// Whether it is told why.
    pub told: bool,
    /// Where it goes into the log, how many before it did not.
    pub unlogged: Option<u64>,
}

#[derive(Debug)]
struct Failure {
    at: Instant,
    neighbourhood: IpAddr,
    sensor: u64,
}

impl Attempts {
    /// An attempt failed. Of one neighbourhood, and with one token's number from wherever, so many are told why within a minute; and
    /// whoever guesses without end fills no log.
    pub fn handle_failure(&mut self, address: IpAddr, sensor: u64, now: Instant) -> Failed {
        while self.failed.front().is_some_and(|of| now.saturating_duration_since(of.at) >= ATTEMPTS_WITHIN) {
            self.failed.pop_front();
        }
        let neighbourhood = neighbourhood(address);
        let few = |own: &dyn Fn(&Failure) -> bool| {
            self.failed.iter().filter(|failure| own(failure)).count() < FAILED_ATTEMPTS_TOLD
        };
        let told = few(&|of| of.neighbourhood == neighbourhood) && few(&|of| of.sensor == sensor);
        if told {
            // A full table lets the oldest go: its own may try again a little sooner.
            if self.failed.len() >= FAILED_ATTEMPTS_KEPT {
                self.failed.pop_front();
            }
            self.failed.push_back(Failure { at: now, neighbourhood, sensor });
        }
        let is_due = self.logged.is_none_or(|logged| now.saturating_duration_since(logged) >= KNOCK_TOLD_EVERY);
        if is_due || (told && self.failed.len() <= FAILED_ATTEMPTS_LOGGED) {
            self.logged = Some(now);
            return Failed { told, unlogged: Some(std::mem::take(&mut self.unlogged)) };
        }
        self.unlogged = self.unlogged.saturating_add(1);
        Failed { told, unlogged: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::clock;
    use std::net::Ipv6Addr;
    use std::time::Duration;
    use varde_common::token::{proof, secret_hash};

    fn row() -> TokenRow {
        TokenRow {
            secret_sha256: secret_hash(&[1; 16]),
            expires_at: Timestamp(100),
            enrolled_at: None,
            revoked_at: None,
            spki_sha256: None,
            came: false,
            pending: None,
            approved_at: None,
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
            let spki_sha256 = Some([7; 32]);
            judge(row, Attempt { exporter: &[5; 32], csr_der: b"csr", proof, spki_sha256 }, Timestamp(now))
        };
        let used = TokenRow { enrolled_at: Some(Timestamp(3)), ..row() };
        let revoked = TokenRow { revoked_at: Some(Timestamp(3)), ..row() };
        assert_eq!(judge_at(Some(&row()), &good, 99), Ok(Honoured::Now), "to the last moment");
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
    fn e1_a_token_that_is_kept_or_was_used_is_good_for_its_own_key_alone() {
        let hash = secret_hash(&[1; 16]);
        let proof = proof(&hash, &[5; 32], b"csr");
        let judge_by = |row: &TokenRow, key: Option<u8>, now: i64| {
            let spki_sha256 = key.map(|key| [key; 32]);
            judge(
                Some(row),
                Attempt { exporter: &[5; 32], csr_der: b"csr", proof: &proof, spki_sha256 },
                Timestamp(now),
            )
        };
        let week = 7 * 86_400_000_000;
        let waits = TokenRow { pending: Some(([7; 32], Timestamp(50))), ..row() };
        assert_eq!(judge_by(&waits, Some(7), week), Ok(Honoured::Waits), "a person has more time than a token");
        assert_eq!(judge_by(&waits, Some(7), 50 + 2 * week), Err(EnrolRefusal::Expired));
        assert_eq!(judge_by(&waits, Some(8), 60), Err(EnrolRefusal::Used), "another key");
        let approved = TokenRow { approved_at: Some(Timestamp(60)), ..waits.clone() };
        assert_eq!(judge_by(&approved, Some(7), week), Ok(Honoured::Approved));
        assert_eq!(judge_by(&approved, Some(8), 70), Err(EnrolRefusal::Used));
        let refused = TokenRow { revoked_at: Some(Timestamp(60)), ..approved.clone() };
        assert_eq!(judge_by(&refused, Some(7), 70), Err(EnrolRefusal::Revoked));
        let used = TokenRow { enrolled_at: Some(Timestamp(60)), spki_sha256: Some([7; 32]), ..row() };
        assert_eq!(judge_by(&used, Some(7), 99), Ok(Honoured::Again), "its answer was lost");
        assert_eq!(judge_by(&used, Some(8), 99), Err(EnrolRefusal::Used));
        assert_eq!(judge_by(&used, Some(7), 100), Err(EnrolRefusal::Used), "and not for ever");
        assert_eq!(judge_by(&TokenRow { came: true, ..used }, Some(7), 99), Err(EnrolRefusal::Used));
        assert_eq!(judge_by(&row(), None, 99), Err(EnrolRefusal::BadRequest));
    }

    #[test]
    fn e1_guesses_are_held_back_by_neighbourhood_and_by_token_and_by_nothing_else() {
        let start = clock::monotonic();
        let mut attempts = Attempts::default();
        let guesser: IpAddr = "2001:db8:1::1".parse().unwrap();
        let told = (0..10_000u32)
            .filter(|n| {
                // Another /64 each, of one /48.
                let address = IpAddr::V6(Ipv6Addr::from_bits(u128::from(*n) << 64 | 0x2001_0db8_0001 << 80));
                attempts.handle_failure(address, u64::from(*n), start).told
            })
            .count();
        assert_eq!(told, FAILED_ATTEMPTS_TOLD, "one /48 is one guesser");
        assert!(attempts.handle_failure("2001:db8:2::1".parse().unwrap(), 10_001, start).told, "its neighbour is not");
        assert!(!attempts.handle_failure(guesser, 1, start + Duration::from_secs(59)).told);
        assert!(attempts.handle_failure(guesser, 1, start + Duration::from_secs(60)).told);

        let mut attempts = Attempts::default();
        let of = |n: u32| IpAddr::V4((n << 8).into());
        let told = (0..10_000).filter(|n| attempts.handle_failure(of(*n), 7, start).told).count();
        assert_eq!(told, FAILED_ATTEMPTS_TOLD, "one token is guessed at from everywhere no faster");
        let told =
            (0..10_000).filter(|n| attempts.handle_failure(of(20_000 + *n), u64::from(*n) + 8, start).told).count();
        assert_eq!((told, attempts.failed.len()), (10_000, FAILED_ATTEMPTS_KEPT), "and what is kept has a bound");
    }

    #[test]
    fn n1_guesses_without_end_are_lines_in_the_log_while_they_are_few_and_one_a_minute_beyond() {
        let start = clock::monotonic();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let guesser: IpAddr = "192.0.2.1".parse().unwrap();
        let mut attempts = Attempts::default();
        let lines = |attempts: &mut Attempts, from: IpAddr, numbers: std::ops::Range<u64>, now| -> Vec<u64> {
            numbers.filter_map(|n| attempts.handle_failure(from, n, now).unlogged).collect()
        };
        assert_eq!(
            lines(&mut attempts, guesser, 0..1_000, start),
            [0; FAILED_ATTEMPTS_TOLD],
            "those that are told why"
        );
        assert_eq!(lines(&mut attempts, guesser, 0..1_000, at(59)), [0; 0]);
        // A minute after the last line, and then not before the next is due.
        let untold = 2_000 - FAILED_ATTEMPTS_TOLD as u64;
        assert_eq!(lines(&mut attempts, guesser, 0..1, at(60)), [untold]);
        assert_eq!(lines(&mut attempts, "198.51.100.7".parse().unwrap(), 0..1, at(61)), [0], "another's slip is seen");

        // From everywhere, with every number: each is told why, and the log is no longer for that.
        let mut attempts = Attempts::default();
        let lines: Vec<u64> = (0..10_000u32)
            .filter_map(|n| attempts.handle_failure(IpAddr::V4((n << 8).into()), u64::from(n), start).unlogged)
            .collect();
        assert_eq!(lines, [0; FAILED_ATTEMPTS_LOGGED]);
    }
}
