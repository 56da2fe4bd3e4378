//! Who gets a certificate in place of the one it has: a sensor that is known by the key it has proved, not too often, and
//! not after its certificate has been over for too long.

use std::time::Duration;

use varde_common::message::RenewalRefusal;
use varde_common::time::Timestamp;

use crate::limits::{RENEWAL_OVERDUE_DAYS, RENEWALS_PER_DAY, RENEWED_WITHIN_DAYS};

const DAY: Duration = Duration::from_secs(86_400);

/// What the database says of the sensor behind a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub sensor: i64,
    /// Whether it was revoked.
    pub revoked: bool,
    /// Whether two live with its identity.
    pub quarantined: bool,
    /// Whether the key has ended: another was used since.
    pub ended: bool,
    /// When the day began in which its certificates are counted.
    pub renewals_from: Option<Timestamp>,
    /// How many it was given in that day.
    pub renewals: i64,
}

/// Whether the next certificate is given to who proved a key with a certificate that is good until then.
///
/// # Errors
/// [`RenewalRefusal`].
pub fn judge(known: Option<&Known>, until: Timestamp, now: Timestamp) -> Result<(), RenewalRefusal> {
    let known = known.filter(|known| !known.ended).ok_or(RenewalRefusal::Unknown)?;
    if known.revoked {
        return Err(RenewalRefusal::Revoked);
    }
    if known.quarantined {
        return Err(RenewalRefusal::Quarantined);
    }
    if now.since(until) > DAY * RENEWED_WITHIN_DAYS {
        return Err(RenewalRefusal::TooLate);
    }
    if known.renewals >= RENEWALS_PER_DAY && is_within_day(known.renewals_from, now) {
        return Err(RenewalRefusal::TooOften);
    }
    Ok(())
}

/// Whether a day that began then is not over. One that begins later than now was counted by a clock that was wrong.
pub fn is_within_day(from: Option<Timestamp>, now: Timestamp) -> bool {
    from.is_some_and(|from| from <= now && now.since(from) < DAY)
}

/// Whether a certificate that is good until then should have been renewed by now.
pub fn is_overdue(until: Timestamp, now: Timestamp) -> bool {
    until.since(now) < DAY * RENEWAL_OVERDUE_DAYS
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    fn known() -> Known {
        Known { sensor: 3, revoked: false, quarantined: false, ended: false, renewals_from: None, renewals: 0 }
    }

    #[test]
    fn e1_p4_a_certificate_is_given_to_whom_the_registry_knows_and_to_nobody_else() {
        let at = |known: Option<Known>, until: Timestamp| judge(known.as_ref(), until, NOW);
        let good = NOW.plus(DAY * 20);
        assert_eq!(at(Some(known()), good), Ok(()));
        assert_eq!(at(None, good), Err(RenewalRefusal::Unknown));
        assert_eq!(at(Some(Known { ended: true, ..known() }), good), Err(RenewalRefusal::Unknown), "an ended key");
        assert_eq!(at(Some(Known { revoked: true, ..known() }), good), Err(RenewalRefusal::Revoked));
        assert_eq!(at(Some(Known { quarantined: true, ..known() }), good), Err(RenewalRefusal::Quarantined));
    }

    #[test]
    fn e1_k1_a_box_that_was_off_all_summer_comes_back_and_one_that_was_off_longer_does_not() {
        let over_for = |past: Duration| judge(Some(&known()), NOW.minus(past), NOW);
        let second = Duration::from_secs(1);
        for past in [second, DAY, DAY * 90, DAY * 180] {
            assert_eq!(over_for(past), Ok(()), "{past:?}");
        }
        for past in [DAY * 180 + second, DAY * 3650] {
            assert_eq!(over_for(past), Err(RenewalRefusal::TooLate), "{past:?}");
        }
        let revoked = Known { revoked: true, ..known() };
        assert_eq!(judge(Some(&revoked), NOW.minus(DAY), NOW), Err(RenewalRefusal::Revoked));
    }

    #[test]
    fn e1_a_certificate_that_was_not_renewed_in_time_is_seen() {
        assert!(!is_overdue(NOW.plus(DAY * 20), NOW) && !is_overdue(NOW.plus(DAY * 19), NOW));
        assert!(is_overdue(NOW.plus(DAY * 17), NOW) && is_overdue(NOW.minus(DAY * 300), NOW));
    }

    #[test]
    fn e1_nobody_is_given_one_certificate_after_the_other() {
        let counted = |renewals, from: Timestamp| {
            judge(Some(&Known { renewals, renewals_from: Some(from), ..known() }), NOW.plus(DAY), NOW)
        };
        assert_eq!(counted(RENEWALS_PER_DAY - 1, NOW), Ok(()));
        assert_eq!(counted(RENEWALS_PER_DAY, NOW), Err(RenewalRefusal::TooOften));
        assert_eq!(counted(RENEWALS_PER_DAY, NOW.minus(DAY)), Ok(()), "another day");
        assert_eq!(counted(99, NOW.plus(DAY * 400)), Ok(()), "a day counted by a clock that was wrong");
    }
}
