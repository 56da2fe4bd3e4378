//! How often somebody may try to come in: so often a minute for one name, and for one address.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use crate::limits::account::{ATTEMPT_COUNTERS, ATTEMPTS_OF_ADDRESS, ATTEMPTS_OF_NAME, ATTEMPTS_WITHIN};

/// Attempts since the first of them, which was so many seconds after the table was made.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    since: u32,
    attempts: u32,
}

/// Counters by a keyed hash: nobody outside knows who shares one.
#[derive(Debug)]
struct Table {
    key: RandomState,
    counters: Vec<Counter>,
}

impl Table {
    fn new() -> Table {
        Table { key: RandomState::new(), counters: vec![Counter::default(); ATTEMPT_COUNTERS] }
    }

    /// Its counter, at none where its time is over.
    fn of(&mut self, who: impl Hash, second: u32) -> Option<&mut Counter> {
        let place = self.key.hash_one(who) % u64::try_from(self.counters.len()).ok()?.max(1);
        let counter = self.counters.get_mut(usize::try_from(place).ok()?)?;
        if u64::from(second.saturating_sub(counter.since)) >= ATTEMPTS_WITHIN.as_secs() {
            *counter = Counter::default();
        }
        if counter.attempts == 0 {
            counter.since = second;
        }
        Some(counter)
    }
}

/// Attempts of the last minute.
#[derive(Debug)]
pub struct Attempts {
    names: Table,
    addresses: Table,
    /// From when seconds are counted.
    began: Option<Instant>,
}

impl Default for Attempts {
    fn default() -> Attempts {
        Attempts { names: Table::new(), addresses: Table::new(), began: None }
    }
}

/// One that tries; of IPv6 the /64 in which a machine chooses its own.
pub fn whole(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        },
    }
}

/// One more in each of these counters, unless one has as many as it may.
fn count<const N: usize>(mut counters: [(Option<&mut Counter>, u32); N], second: u32) -> Result<(), Duration> {
    for (counter, most) in &counters {
        if let Some(counter) = counter.as_ref().filter(|counter| counter.attempts >= *most) {
            let passed = Duration::from_secs(second.saturating_sub(counter.since).into());
            return Err(ATTEMPTS_WITHIN.saturating_sub(passed));
        }
    }
    for counter in counters.iter_mut().filter_map(|(counter, _)| counter.as_mut()) {
        counter.attempts = counter.attempts.saturating_add(1);
    }
    Ok(())
}

impl Attempts {
    /// Somebody tries, right or wrong: it counts before it is known which, so that many at once are no way around.
    ///
    /// # Errors
    /// How long to wait.
    pub fn tries(&mut self, name: &str, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let second = self.second(now);
        let (name, address) = (self.names.of(name, second), self.addresses.of(whole(address), second));
        count([(name, ATTEMPTS_OF_NAME), (address, ATTEMPTS_OF_ADDRESS)], second)
    }

    /// Somebody tries who gives no name.
    ///
    /// # Errors
    /// How long to wait.
    pub fn tries_nameless(&mut self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let second = self.second(now);
        count([(self.addresses.of(whole(address), second), ATTEMPTS_OF_ADDRESS)], second)
    }

    fn second(&mut self, now: Instant) -> u32 {
        let began = *self.began.get_or_insert(now);
        u32::try_from(now.saturating_duration_since(began).as_secs()).unwrap_or(u32::MAX)
    }

    /// Somebody of this name has come in: what went before was its own, and its address has that one attempt back, for a house behind
    /// one address comes to work at the same time.
    pub fn came_in(&mut self, name: &str, address: IpAddr) {
        // At second 0 no time is over: only what is counted is taken back.
        if let Some(counter) = self.names.of(name, 0) {
            counter.attempts = 0;
        }
        self.came_in_nameless(address);
    }

    /// The same of somebody who gave no name.
    pub fn came_in_nameless(&mut self, address: IpAddr) {
        if let Some(counter) = self.addresses.of(whole(address), 0) {
            counter.attempts = counter.attempts.saturating_sub(1);
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
        for _ in 0..50 {
            assert!(good(&mut attempts, "ola", 8, 120), "who comes in is no burden to its house");
            attempts.came_in("ola", at(8));
        }
        let wrong = (0..50).filter(|name| good(&mut attempts, &format!("n{name}"), 8, 120)).count();
        assert_eq!(wrong, 20, "and gives nobody more");
        let v6 = |host: u16| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, host]);
        let of_one = (0..50)
            .filter(|host| attempts.tries(&format!("v{host}"), v6(*host), now + Duration::from_secs(200)).is_ok());
        assert_eq!(of_one.count(), 20, "a /64 is one");
        let later = now + Duration::from_secs(300);
        for _ in 0..50 {
            assert_eq!(attempts.tries_nameless(at(9), later), Ok(()), "who comes in by a provider is no burden either");
            attempts.came_in_nameless(at(9));
        }
        assert_eq!((0..50).filter(|_| attempts.tries_nameless(at(9), later).is_ok()).count(), 20, "nor five a minute");
        assert!(!good(&mut attempts, "siv", 9, 300), "and it is one address whichever way");
    }

    #[test]
    fn w5_no_other_name_makes_a_names_attempts_forgotten() {
        let (mut attempts, now) = (Attempts::default(), clock::monotonic());
        let tries = |attempts: &mut Attempts, name: &str, number: u32| {
            attempts.tries(name, IpAddr::from(number.to_be_bytes()), now).is_ok()
        };
        let first = (0..5).filter(|number| tries(&mut attempts, "kari", *number)).count();
        assert_eq!(first, 5);
        for number in 0..5_000 {
            tries(&mut attempts, &format!("n{number}"), 10 + number);
        }
        assert!(!tries(&mut attempts, "kari", 9_999), "the sixth guess");
        assert_eq!(attempts.names.counters.len(), ATTEMPT_COUNTERS, "whatever comes");
    }
}
