//! Which way to the collector: QUIC first; TCP where UDP is blocked; QUIC again later. Told what came of it, and the time.

use std::time::{Duration, Instant};

use crate::limits::{QUIC_AGAIN_MAX_S, QUIC_AGAIN_S, QUIC_PROVEN_S};
use crate::proxy::Proxy;

/// A way to the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Try {
    /// Over UDP.
    Quic,
    /// Over TCP, without asking for QUIC first: it was asked for not long ago.
    Tcp,
}

/// Where to go when UDP is blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detour {
    /// `HOST:PORT`; none = nowhere.
    pub address: Option<String>,
    /// The proxy that opens the way there.
    pub proxy: Option<Proxy>,
    /// How long the first attempt at QUIC is put off, at least.
    pub quic_again: Duration,
}

impl Detour {
    /// Where the connection itself goes: the proxy looks the collector's name up.
    pub fn dialled(&self) -> Option<&str> {
        self.address.as_deref().map(|address| self.proxy.as_ref().map_or(address, |proxy| proxy.address()))
    }
}

impl Default for Detour {
    /// No way round.
    fn default() -> Detour {
        Detour { address: None, proxy: None, quic_again: Duration::from_secs(QUIC_AGAIN_S) }
    }
}

/// What `agent.toml` says in place of an address when there shall be no way round.
pub const NOWHERE: &str = "none";

/// The detour's address: what is set, else the usual port of the host that is dialled.
pub fn detour_address(set: Option<&str>, collector: &str) -> Option<String> {
    match set {
        Some(NOWHERE) => None,
        Some(address) => Some(address.to_owned()),
        None => collector.rsplit_once(':').map(|(host, _)| format!("{host}:{}", varde_common::tie::TCP_PORT)),
    }
}

/// Where enrolment is, and renewal with it: at the host that is dialled for sessions, at the port where this sensor
/// enrolled; where that is not known, at the port after that of sessions (`varde-collector`'s own rule).
pub fn enrolment_address(session: &str, enrolled_at: Option<&str>) -> String {
    let (host, port) = session.rsplit_once(':').unwrap_or((session, ""));
    let known = enrolled_at.and_then(|address| address.rsplit_once(':')).map(|(_, port)| port.to_owned());
    let next = port.parse::<u16>().ok().and_then(|port| port.checked_add(1)).map(|port| port.to_string());
    format!("{host}:{}", known.or(next).unwrap_or_default())
}

/// What is known of the ways by now.
#[derive(Debug)]
pub struct Route {
    first_again: Duration,
    failures: u32,
    /// When QUIC is tried again; none = at once.
    quic_due: Option<Instant>,
}

impl Route {
    /// Nothing is known yet. `quic_again`: see [`Detour`].
    pub fn new(quic_again: Duration) -> Route {
        Route { first_again: quic_again, failures: 0, quic_due: None }
    }

    /// What an attempt begins with.
    pub fn first(&self, now: Instant) -> Try {
        match self.quic_due {
            Some(due) if now < due => Try::Tcp,
            Some(_) | None => Try::Quic,
        }
    }

    /// When QUIC is to be tried again; none = it has not been found blocked.
    pub fn quic_due(&self) -> Option<Instant> {
        self.quic_due
    }

    /// Nothing answers over QUIC. The next attempt is put off, each time twice as long, and spread over as much again, so
    /// that a thousand sensors behind one kind of firewall do not ask at once. `random` is any number.
    pub fn handle_blocked(&mut self, now: Instant, random: u64) {
        let doubled = self.first_again.saturating_mul(1u32.checked_shl(self.failures.min(20)).unwrap_or(u32::MAX));
        let least = doubled.min(Duration::from_secs(QUIC_AGAIN_MAX_S));
        let span_ms = u64::try_from(least.as_millis()).unwrap_or(u64::MAX).max(1);
        self.failures = self.failures.saturating_add(1);
        self.quic_due = Some(now + least + Duration::from_millis(random % span_ms));
    }

    /// A session over QUIC is over that stood for so long (none = Hello was never answered); `silent`: nobody said why. A
    /// handshake proves nothing: some firewalls let a few packets through and drop what follows. True = as good as blocked.
    pub fn handle_quic_ended(&mut self, stood: Option<Duration>, silent: bool, now: Instant, random: u64) -> bool {
        let proven = stood.is_some_and(|stood| stood >= Duration::from_secs(QUIC_PROVEN_S));
        if proven {
            self.forget();
        } else if silent {
            self.handle_blocked(now, random);
        }
        silent && !proven
    }

    /// Nothing answers over TCP either: then it was not UDP that was blocked, and QUIC comes first again.
    pub fn handle_neither(&mut self) {
        self.forget();
    }

    fn forget(&mut self) {
        self.failures = 0;
        self.quic_due = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e1_renewal_is_where_enrolment_was_also_when_the_collector_has_moved() {
        assert_eq!(enrolment_address("varde.example:7843", None), "varde.example:7844");
        assert_eq!(enrolment_address("new.example:7843", Some("old.example:999")), "new.example:999");
        assert_eq!(enrolment_address("[2001:db8::1]:7843", None), "[2001:db8::1]:7844");
    }

    #[expect(clippy::disallowed_methods, reason = "a test needs some moment to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn quic_comes_first_and_again_later_and_later_with_a_spread() {
        let now = start();
        let second = Duration::from_secs(1);
        let mut route = Route::new(second * 600);
        assert_eq!((route.first(now), route.quic_due()), (Try::Quic, None));
        route.handle_blocked(now, 0);
        assert_eq!((route.first(now), route.quic_due()), (Try::Tcp, Some(now + second * 600)));
        assert_eq!(route.first(now + second * 600), Try::Quic, "it is never given up for good");
        route.handle_blocked(now, u64::MAX);
        let due = route.quic_due().unwrap();
        assert!(due >= now + second * 1200 && due < now + second * 2400, "twice as long, spread over as much again");
        for _ in 0..100 {
            route.handle_blocked(now, 0);
        }
        assert_eq!(route.quic_due(), Some(now + Duration::from_secs(QUIC_AGAIN_MAX_S)));
        route.handle_neither();
        assert_eq!(route.first(now), Try::Quic, "an outage is no blocked UDP");
    }

    #[test]
    fn d1_a_handshake_proves_nothing_and_a_session_that_falls_silent_early_is_as_good_as_blocked() {
        let now = start();
        let second = Duration::from_secs(1);
        let mut route = Route::new(second * 600);
        assert!(route.handle_quic_ended(None, true, now, 0), "Hello was never answered");
        assert_eq!((route.first(now), route.quic_due()), (Try::Tcp, Some(now + second * 600)));
        let again = now + second * 600;
        assert!(route.handle_quic_ended(Some(second * 100), true, again, 0), "it stood, and then nothing came through");
        assert_eq!(route.quic_due(), Some(again + second * 1200), "and it is put off twice as long");
        let later = again + second * 1200;
        assert!(!route.handle_quic_ended(Some(second), false, later, 0), "the collector said why");
        assert_eq!(route.first(later), Try::Quic);
        assert!(!route.handle_quic_ended(Some(second * QUIC_PROVEN_S as u32), true, later, 0));
        assert_eq!((route.first(now), route.quic_due()), (Try::Quic, None), "it carried: an outage is no blocked UDP");
    }

    #[test]
    fn the_detour_is_the_same_host_unless_it_is_said() {
        let address = |set| detour_address(set, "[2001:db8::1]:7843");
        assert_eq!(address(None).as_deref(), Some("[2001:db8::1]:443"));
        assert_eq!(address(Some("varde.example:8443")).as_deref(), Some("varde.example:8443"));
        assert_eq!(address(Some("none")), None);
        let direct = Detour { address: address(None), ..Detour::default() };
        assert_eq!(direct.dialled(), Some("[2001:db8::1]:443"));
        let through = Detour { proxy: Proxy::read("http://proxy:3128"), ..direct };
        assert_eq!(through.dialled(), Some("proxy:3128"));
        assert_eq!(Detour { address: None, ..through }.dialled(), None);
    }
}
