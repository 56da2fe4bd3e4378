//! How often somebody may try to come in: so often a minute for one name, and for one address.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use crate::limits::account::{ATTEMPTS_KEPT_MAX, ATTEMPTS_OF_ADDRESS, ATTEMPTS_OF_NAME, ATTEMPTS_WITHIN};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Of {
    Name(String),
    Address(IpAddr),
}

/// Attempts of the last minute.
#[derive(Debug, Default)]
pub struct Attempts {
    of: HashMap<Of, VecDeque<Instant>>,
}

/// One that tries; of IPv6 the /64 in which a machine chooses its own.
fn whole(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        },
    }
}

impl Attempts {
    /// Somebody tries, right or wrong: it counts before it is known which, so that many at once are no way around.
    ///
    /// # Errors
    /// How long to wait.
    pub fn tries(&mut self, name: &str, address: IpAddr, now: Instant) -> Result<(), Duration> {
        self.forget(now);
        let both = [
            // Whoever tries names nobody has is bounded by its address; the names are not kept for ever.
            (Of::Name(name.to_owned()), ATTEMPTS_OF_NAME),
            (Of::Address(whole(address)), ATTEMPTS_OF_ADDRESS),
        ];
        for (of, most) in &both {
            let lately = self.of.get(of);
            if let Some(first) = lately.filter(|lately| lately.len() >= *most).and_then(VecDeque::front) {
                return Err(ATTEMPTS_WITHIN.saturating_sub(now.saturating_duration_since(*first)));
            }
        }
        for (of, _) in both {
            self.of.entry(of).or_default().push_back(now);
        }
        Ok(())
    }

    /// Somebody of this name has come in: what went before was its own.
    pub fn came_in(&mut self, name: &str) {
        self.of.remove(&Of::Name(name.to_owned()));
    }

    fn forget(&mut self, now: Instant) {
        let old = |at: &Instant| now.saturating_duration_since(*at) >= ATTEMPTS_WITHIN;
        for lately in self.of.values_mut() {
            while lately.front().is_some_and(old) {
                lately.pop_front();
            }
        }
        self.of.retain(|_, lately| !lately.is_empty());
        if self.of.len() >= ATTEMPTS_KEPT_MAX {
            // Names first: those who try them are kept by their addresses.
            self.of.retain(|of, _| matches!(of, Of::Address(_)));
        }
        if self.of.len() >= ATTEMPTS_KEPT_MAX {
            self.of.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::clock;

    fn at(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn w5_five_a_minute_for_a_name_and_twenty_for_an_address() {
        let (mut attempts, now) = (Attempts::default(), clock::monotonic());
        let good = |attempts: &mut Attempts, name: &str, last, seconds| {
            attempts.tries(name, at(last), now + Duration::from_secs(seconds)).is_ok()
        };
        assert_eq!((0..9).filter(|last| good(&mut attempts, "kari", *last, 0)).count(), 5, "from wherever");
        assert_eq!(attempts.tries("kari", at(99), now + Duration::from_secs(20)), Err(Duration::from_secs(40)));
        assert!(good(&mut attempts, "per", 1, 0));
        assert!(good(&mut attempts, "kari", 1, 60), "until a minute is over");
        let names = (0..50).filter(|name| good(&mut attempts, &format!("n{name}"), 7, 60)).count();
        assert_eq!(names, 20, "whatever names");
        for _ in 0..20 {
            assert!(good(&mut attempts, "ola", 8, 120));
            attempts.came_in("ola");
        }
        assert!(!good(&mut attempts, "ola", 8, 120), "an address is bounded even so");
        let v6 = |host: u16| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, host]);
        let of_one = (0..50)
            .filter(|host| attempts.tries(&format!("v{host}"), v6(*host), now + Duration::from_secs(200)).is_ok());
        assert_eq!(of_one.count(), 20, "a /64 is one");
    }

    #[test]
    fn w5_what_is_remembered_is_bounded() {
        let (mut attempts, now) = (Attempts::default(), clock::monotonic());
        for number in 0..5_000_u32 {
            let _ = attempts.tries(&format!("n{number}"), IpAddr::from(number.to_be_bytes()), now);
            assert!(attempts.of.len() <= ATTEMPTS_KEPT_MAX + 2);
        }
    }
}
