//! Whether an answer comes fast enough to end at all: a server that sends an octet now and then would hold a fetch for ever.

use std::time::Instant;

use crate::limits::fetch::{FETCH_PACE_OCTETS, FETCH_PACE_WITHIN};

/// The pace of one answer.
#[derive(Debug)]
pub struct Pace {
    until: Instant,
    octets: u64,
}

/// It does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it sends less than {FETCH_PACE_OCTETS} bytes in {} seconds", FETCH_PACE_WITHIN.as_secs())]
pub struct TooSlow;

impl Pace {
    /// From now on.
    pub fn new(now: Instant) -> Pace {
        Pace { until: now + FETCH_PACE_WITHIN, octets: 0 }
    }

    /// When it is looked at, whether anything has come or not.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// So many octets have come.
    ///
    /// # Errors
    /// [`TooSlow`].
    pub fn handle_octets(&mut self, octets: u64, now: Instant) -> Result<(), TooSlow> {
        self.octets = self.octets.saturating_add(octets);
        if now < self.until {
            return Ok(());
        }
        if self.octets < FETCH_PACE_OCTETS {
            return Err(TooSlow);
        }
        *self = Pace::new(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn f1_an_octet_now_and_then_is_too_slow_and_a_poor_line_is_not() {
        let began = crate::io::clock::monotonic();
        let mut pace = Pace::new(began);
        let drip = (1..60).map(|second| pace.handle_octets(1, began + Duration::from_secs(second)));
        assert_eq!(drip.collect::<Vec<_>>().iter().position(Result::is_err), Some(29));
        let mut pace = Pace::new(began);
        for second in 1..600 {
            assert_eq!(pace.handle_octets(2_000, began + Duration::from_secs(second)), Ok(()), "{second}");
        }
        let mut burst = Pace::new(began);
        assert_eq!(burst.handle_octets(1_000_000, began), Ok(()));
        assert_eq!(burst.handle_octets(0, began + FETCH_PACE_WITHIN), Ok(()));
        assert_eq!(
            burst.handle_octets(0, began + FETCH_PACE_WITHIN * 2),
            Err(TooSlow),
            "what came before does not count"
        );
    }
}
