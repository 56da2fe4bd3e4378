//! Who has come to a door and is not known yet: so many at once, and of one neighbourhood no more than a share of the room that
//! is left, so that no stranger takes the places of all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::limits::{ARRIVALS_SHARE, ARRIVALS_TOLD_EVERY};

/// What becomes of somebody who has come.
#[derive(Debug)]
pub enum Arrival {
    /// Let it say who it is; it has this place until then.
    Come(Place),
    /// Let it prove its address first. Whoever could be asked and is not might be somebody else, who is then sent what he never asked for:
    /// QUIC itself keeps that to three times what was said and up to a datagram more (3.3 times were measured); nobody is owed any.
    Prove,
    /// There is no room for it. Let it try again.
    Full,
}

#[derive(Debug, Default)]
struct Inside {
    all: usize,
    /// At most as many as there are places.
    of: HashMap<IpAddr, usize>,
    turned_away: u64,
    told_at: Option<Instant>,
}

#[derive(Debug)]
struct Shared {
    /// At once, of all neighbourhoods.
    most: usize,
    inside: Mutex<Inside>,
}

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those at one door. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Arrivals(Arc<Shared>);

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Place {
    door: Arc<Shared>,
    neighbourhood: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.door.inside();
        inside.all = inside.all.saturating_sub(1);
        if let Some(of_one) = inside.of.get_mut(&self.neighbourhood) {
            *of_one = of_one.saturating_sub(1);
            if *of_one == 0 {
                inside.of.remove(&self.neighbourhood);
            }
        }
    }
}

/// Whom a share is for: 256 neighbouring addresses of IPv4, which is what the smallest network on the internet has, or the /48
/// from which an organisation with IPv6 chooses its own.
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    let v4 = |v4: Ipv4Addr| IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & !0xff));
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => v4(address),
            None => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 80 << 80)),
        },
    }
}

impl Arrivals {
    /// Nobody has come, and so many may be there at once.
    pub fn new(most: usize) -> Arrivals {
        Arrivals(Arc::new(Shared { most, inside: Mutex::default() }))
    }

    /// Somebody comes from there. `may_be_asked`: it has not proved its address, and can be asked to.
    pub fn arrive(&self, from: IpAddr, may_be_asked: bool) -> Arrival {
        if may_be_asked {
            return Arrival::Prove;
        }
        let neighbourhood = neighbourhood(from);
        let mut inside = self.0.inside();
        let of_one = inside.of.get(&neighbourhood).copied().unwrap_or(0);
        // A share of what is free, not of all: however many neighbourhoods take theirs, there is something left.
        let free = self.0.most.saturating_sub(inside.all);
        if free == 0 || of_one >= (free / ARRIVALS_SHARE).max(1) {
            inside.turned_away += 1;
            return Arrival::Full;
        }
        inside.all += 1;
        *inside.of.entry(neighbourhood).or_default() += 1;
        drop(inside);
        Arrival::Come(Place { door: self.0.clone(), neighbourhood })
    }

    /// How many found no room since that was last told, if it is time to tell: a flood must not fill the log too.
    pub fn turned_away(&self, now: Instant) -> Option<u64> {
        let mut inside = self.0.inside();
        let told = inside.told_at.is_some_and(|at| now.saturating_duration_since(at) < ARRIVALS_TOLD_EVERY);
        if told || inside.turned_away == 0 {
            return None;
        }
        inside.told_at = Some(now);
        Some(std::mem::take(&mut inside.turned_away))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    use crate::io::clock;

    const MOST: usize = 256;

    fn of(network: u32, host: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(10 << 24 | network << 8 | host))
    }

    fn come(arrivals: &Arrivals, from: IpAddr) -> Option<Place> {
        match arrivals.arrive(from, false) {
            Arrival::Come(place) => Some(place),
            Arrival::Prove | Arrival::Full => None,
        }
    }

    #[test]
    fn n1_a_neighbourhood_takes_a_share_and_there_is_always_room_for_another() {
        let arrivals = Arrivals::new(MOST);
        // Thirty neighbourhoods try to take all they can; each handshake ends at some time, and two are begun in its place.
        let mut places: Vec<VecDeque<Place>> = (0..30).map(|_| VecDeque::new()).collect();
        for round in 0..200 {
            for (network, held) in (0..).zip(&mut places) {
                drop((round > 10).then(|| held.pop_front()));
                held.extend((0..2).filter_map(|host| come(&arrivals, of(network, host))));
                assert!(held.len() <= MOST / 5, "network {network} has {}", held.len());
            }
        }
        let all = arrivals.0.inside().all;
        let each = places.iter().map(VecDeque::len).min();
        assert!(all <= MOST - 20 && each >= Some(4), "{all} in all, {each:?} of each");
        assert!(come(&arrivals, of(77, 1)).is_some(), "thirty that take all they can leave room for the next");
        places.clear();
        let inside = arrivals.0.inside();
        assert_eq!((inside.all, inside.of.len()), (0, 0), "and leave nothing behind");
    }

    #[test]
    fn n1_never_more_than_there_are_places_and_a_liar_takes_nothing_in_anothers_name() {
        let arrivals = Arrivals::new(MOST);
        let places: Vec<Place> = (0..1_000).filter_map(|network| come(&arrivals, of(network, 1))).collect();
        assert_eq!(places.len(), MOST);
        drop(places);
        for network in 0..1_000 {
            assert!(
                matches!(arrivals.arrive(of(network, 1), true), Arrival::Prove),
                "in nobody's name anything is had"
            );
        }
        assert!(come(&arrivals, of(1, 1)).is_some(), "and nothing was taken from who proves it");
    }

    #[test]
    fn one_organisation_is_one_neighbourhood_in_either_family() {
        let same = |a: &str, b: &str| neighbourhood(a.parse().unwrap()) == neighbourhood(b.parse().unwrap());
        assert!(same("192.0.2.1", "192.0.2.254") && same("::ffff:192.0.2.1", "192.0.2.9"));
        assert!(same("2001:db8:1::1", "2001:db8:1:ffff::2"));
        assert!(!same("192.0.2.1", "192.0.3.1") && !same("2001:db8:1::1", "2001:db8:2::1"));
    }

    #[test]
    fn who_is_turned_away_is_counted_and_told_once_a_minute() {
        let arrivals = Arrivals::new(1);
        let now = clock::monotonic();
        assert_eq!(arrivals.turned_away(now), None);
        let _place = come(&arrivals, of(1, 1));
        assert_eq!((0..5).filter(|host| come(&arrivals, of(2, *host)).is_some()).count(), 0);
        assert_eq!(arrivals.turned_away(now), Some(5));
        assert!(come(&arrivals, of(2, 1)).is_none());
        assert_eq!(arrivals.turned_away(now), None);
        assert_eq!(arrivals.turned_away(now + ARRIVALS_TOLD_EVERY), Some(1));
    }
}
