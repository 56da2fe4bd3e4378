//! The brake: an order by which named indicators are counted only, for a day at most, by the word of the brake role, an online
//! key at the collector.
//!
//! It demotes and does nothing else: it adds no indicator, takes none from a list, and ends by itself. An order says all that is
//! braked; one with a greater number takes the place of the one before. Whoever steals this key can have matches counted instead of
//! told, a day at a time, and every sensor shows which and why.

use std::collections::BTreeSet;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::id::IndicatorId;
use crate::limits::{BRAKE_ENTRIES_MAX, BRAKE_HOURS_MAX, BRAKE_MAX_OCTETS, BRAKE_REASON_MAX_OCTETS};
use crate::time::Timestamp;
use crate::trust::{self, Domain, Root, Untrusted};

/// One indicator that is counted only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Braked {
    /// Which, by the number that lists give it; a confidential one has its number too.
    pub indicator: IndicatorId,
    /// Whether it is part of an exercise: an order for one of an exercise demotes nothing real, and the other way round.
    pub exercise: bool,
    /// Since when.
    pub since: Timestamp,
    /// Until just before then.
    pub until: Timestamp,
    /// Why, in the words of who ordered it.
    pub reason: String,
}

/// All that is braked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// 1, 2, 3 …; gaps mean nothing.
    pub number: u64,
    /// When it was given.
    pub at: Timestamp,
    /// What it says; nothing = all is as the list says.
    pub braked: Vec<Braked>,
}

/// Why an order is not taken. The one before stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// The signatures are not good.
    #[error("the order to brake is not to be trusted: {0}")]
    Untrusted(#[from] Untrusted),
    /// It is larger than any order.
    #[error("the order to brake has {0} bytes; {BRAKE_MAX_OCTETS} are the most")]
    TooLarge(usize),
    /// It names too much.
    #[error("the order to brake names {0} indicators; {BRAKE_ENTRIES_MAX} are the most")]
    TooMany(usize),
    /// It names one twice.
    #[error("the order to brake names indicator {0} twice")]
    Twice(IndicatorId),
    /// It says no reason that can be shown.
    #[error("the order to brake gives no reason for indicator {0} that can be shown")]
    NoReason(IndicatorId),
    /// It holds too long.
    #[error(
        "the order to brake holds indicator {indicator} from {since} until {until}; {BRAKE_HOURS_MAX} hours are the most"
    )]
    TooLong {
        /// Which.
        indicator: IndicatorId,
        /// From when, or now where that is later.
        since: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// An older one.
    #[error("the order to brake is number {offered}, and number {known} is known")]
    Older {
        /// Its number.
        offered: u64,
        /// The one that is known.
        known: u64,
    },
}

/// Whether a text can stand as the reason: something, not long, and nothing that a terminal would act on.
pub fn is_reason(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= BRAKE_REASON_MAX_OCTETS && !text.chars().any(char::is_control)
}

/// The longest that one order may hold anything.
pub const LONGEST: Duration = Duration::from_secs(BRAKE_HOURS_MAX * 3600);

impl Order {
    /// Signs it.
    ///
    /// # Errors
    /// When it cannot be written as JSON; none of ours is such a one.
    pub fn sign(&self, keys: &[&SigningKey]) -> Result<Vec<u8>, serde_json::Error> {
        trust::sign(Domain::Brake, self, keys)
    }

    /// Reads an order that the brake role has signed and that says nothing it may not, whenever that was.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn read(octets: &[u8], root: &Root) -> Result<Order, NotTaken> {
        if octets.len() > BRAKE_MAX_OCTETS {
            return Err(NotTaken::TooLarge(octets.len()));
        }
        let order: Order = trust::verify(Domain::Brake, octets, &root.keys, &root.roles.brake)?;
        if order.braked.len() > BRAKE_ENTRIES_MAX {
            return Err(NotTaken::TooMany(order.braked.len()));
        }
        let mut named = BTreeSet::new();
        for Braked { indicator, exercise, since, until, reason } in &order.braked {
            if !named.insert((*indicator, *exercise)) {
                return Err(NotTaken::Twice(*indicator));
            }
            if !is_reason(reason) {
                return Err(NotTaken::NoReason(*indicator));
            }
            if until.since(*since) > LONGEST {
                return Err(NotTaken::TooLong { indicator: *indicator, since: *since, until: *until });
            }
        }
        Ok(order)
    }

    /// The same of an order that arrives `now`, where the number of the last one taken is known: it must be greater, and hold
    /// nothing for longer than a day from now.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn accept(octets: &[u8], root: &Root, known: Option<u64>, now: Timestamp) -> Result<Order, NotTaken> {
        let order = Order::read(octets, root)?;
        if let Some(known) = known.filter(|known| order.number <= *known) {
            return Err(NotTaken::Older { offered: order.number, known });
        }
        if let Some(Braked { indicator, until, .. }) = order.braked.iter().find(|one| one.until.since(now) > LONGEST) {
            return Err(NotTaken::TooLong { indicator: *indicator, since: now, until: *until });
        }
        Ok(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::tests::root_with;
    use crate::trust::{Role, key_id};
    use proptest::prelude::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const NOW: Timestamp = Timestamp(1_763_733_900_000_000);

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    /// Key 1 is of lists and of root, key 2 of the brake.
    fn root() -> Root {
        let mut root = root_with(&[&key(1)], 1);
        let brake = key(2).verifying_key();
        root.keys.insert(key_id(&brake), trust::hex(brake.as_bytes()));
        root.roles.brake = Role { keys: [key_id(&brake)].into(), threshold: 1 };
        root
    }

    fn braked(indicator: u64, hours: u32) -> Braked {
        let reason = "falsk alarm".to_owned();
        Braked { indicator: IndicatorId(indicator), exercise: false, since: NOW, until: NOW.plus(HOUR * hours), reason }
    }

    fn order(number: u64, braked: Vec<Braked>) -> Order {
        Order { number, at: NOW, braked }
    }

    #[test]
    fn c1_t10_an_order_is_signed_by_its_role_numbered_and_short() {
        let accept = |order: &Order, signer: u8, known: Option<u64>, now: Timestamp| {
            Order::accept(&order.sign(&[&key(signer)]).unwrap(), &root(), known, now)
        };
        let good = order(7, vec![braked(4, 24), Braked { exercise: true, ..braked(4, 2) }]);
        assert_eq!(accept(&good, 2, Some(6), NOW), Ok(good.clone()));
        assert_eq!(accept(&order(7, vec![]), 2, Some(6), NOW), Ok(order(7, vec![])), "an end of all is an order too");
        assert!(matches!(accept(&good, 1, Some(6), NOW), Err(NotTaken::Untrusted(_))), "by the key of lists");
        assert!(matches!(accept(&good, 9, Some(6), NOW), Err(NotTaken::Untrusted(_))), "by nobody's");
        for domain in [Domain::List, Domain::Newest, Domain::Root] {
            let octets = trust::sign(domain, &good, &[&key(2)]).unwrap();
            assert!(matches!(Order::accept(&octets, &root(), None, NOW), Err(NotTaken::Untrusted(_))), "{domain:?}");
        }
        let without = Root { roles: crate::trust::Roles { brake: Role::default(), ..root().roles }, ..root() };
        let by = good.sign(&[&key(2)]).unwrap();
        assert_eq!(Order::accept(&by, &without, None, NOW), Err(NotTaken::Untrusted(Untrusted::NoSuchRole)));
        for known in [7, 8, u64::MAX] {
            assert_eq!(accept(&good, 2, Some(known), NOW), Err(NotTaken::Older { offered: 7, known }));
        }
        let long = order(7, vec![braked(3, 1), braked(4, 25)]);
        let said = accept(&long, 2, None, NOW);
        assert!(matches!(said, Err(NotTaken::TooLong { indicator: IndicatorId(4), .. })), "{said:?}");
        let begun = Braked { since: NOW.minus(HOUR * 2), ..braked(4, 23) };
        let said = accept(&order(7, vec![begun]), 2, None, NOW);
        assert!(
            matches!(said, Err(NotTaken::TooLong { .. })),
            "a day from when it began, not from when it came: {said:?}"
        );
        // Not by beginning later either.
        assert!(matches!(accept(&good, 2, None, NOW.minus(HOUR)), Err(NotTaken::TooLong { .. })));
        assert_eq!(accept(&good, 2, None, NOW.plus(HOUR * 100)), Ok(good.clone()), "one that is over demotes nothing");
        let many = |count| order(7, (0..count).map(|n| braked(n, 24)).collect());
        assert!(accept(&many(BRAKE_ENTRIES_MAX as u64), 2, None, NOW).is_ok());
        assert_eq!(
            accept(&many(BRAKE_ENTRIES_MAX as u64 + 1), 2, None, NOW),
            Err(NotTaken::TooMany(BRAKE_ENTRIES_MAX + 1))
        );
        assert_eq!(accept(&order(7, vec![braked(4, 1); 2]), 2, None, NOW), Err(NotTaken::Twice(IndicatorId(4))));
        for reason in ["", " ", "a\u{1b}[2J", "a\nb", &"x".repeat(BRAKE_REASON_MAX_OCTETS + 1)] {
            let order = order(7, vec![Braked { reason: reason.to_owned(), ..braked(4, 1) }]);
            assert_eq!(accept(&order, 2, None, NOW), Err(NotTaken::NoReason(IndicatorId(4))), "{reason:?}");
        }
        let huge = vec![b' '; BRAKE_MAX_OCTETS + 1];
        assert_eq!(Order::read(&huge, &root()), Err(NotTaken::TooLarge(BRAKE_MAX_OCTETS + 1)));
    }

    #[test]
    fn the_largest_order_fits() {
        let reason = "\"".repeat(BRAKE_REASON_MAX_OCTETS);
        let one = |n: u64| Braked { indicator: IndicatorId(u64::MAX - n), reason: reason.clone(), ..braked(0, 24) };
        let largest = order(u64::MAX, (0..BRAKE_ENTRIES_MAX as u64).map(one).collect());
        let octets = largest.sign(&[&key(2)]).unwrap();
        assert_eq!(Order::read(&octets, &root()), Ok(largest));
    }

    proptest! {
        #[test]
        fn t10_whatever_was_changed_on_the_way_no_order_comes_of_it(place in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut octets = order(7, vec![braked(4, 24)]).sign(&[&key(2)]).unwrap();
            let at = place.index(octets.len());
            octets[at] ^= 1 << bit;
            // A hex digit in another case says the same signature; nothing else is taken.
            if let Ok(taken) = Order::accept(&octets, &root(), None, NOW) {
                prop_assert_eq!(taken, order(7, vec![braked(4, 24)]));
            }
        }
    }
}
