//! How often strangers are told root documents: of one neighbourhood and of all so many a minute. A document is public; the octets
//! are what is bounded.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Instant;

use crate::arrivals::neighbourhood;
use crate::limits::{ROOTS_TOLD_ALL, ROOTS_TOLD_OF_ONE, ROOTS_TOLD_WITHIN};

/// Who was told within the last minute: at most [`ROOTS_TOLD_ALL`].
#[derive(Debug, Default)]
pub struct Told {
    lately: VecDeque<(Instant, IpAddr)>,
}

impl Told {
    /// Whether who asks from there is told now; it counts then.
    pub fn may_tell(&mut self, address: IpAddr, now: Instant) -> bool {
        while self.lately.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) >= ROOTS_TOLD_WITHIN) {
            self.lately.pop_front();
        }
        let from = neighbourhood(address);
        let of_one = self.lately.iter().filter(|(_, of)| *of == from).count();
        let may = of_one < ROOTS_TOLD_OF_ONE && self.lately.len() < ROOTS_TOLD_ALL;
        if may {
            self.lately.push_back((now, from));
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::clock;

    #[test]
    fn n1_one_neighbourhood_is_told_so_often_and_leaves_the_rest_to_others() {
        let (mut told, now) = (Told::default(), clock::monotonic());
        let mut ask = |network: u8, host: u8, now| told.may_tell(IpAddr::from([192, 0, network, host]), now);
        let of_one = (0..200).filter(|host| ask(1, *host, now)).count();
        assert_eq!(of_one, ROOTS_TOLD_OF_ONE);
        assert!(ask(2, 1, now), "another is told");
        let of_all = (2..200).flat_map(|network| (0..9).map(move |host| (network, host)));
        let of_all = of_all.filter(|(network, host)| ask(*network, *host, now)).count();
        assert_eq!(of_all, ROOTS_TOLD_ALL - ROOTS_TOLD_OF_ONE - 1);
        assert!(!ask(250, 1, now) && ask(250, 1, now + ROOTS_TOLD_WITHIN), "until a minute is over");
    }
}
