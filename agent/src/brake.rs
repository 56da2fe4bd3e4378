//! Which indicators are counted only by now, and what it takes for another order to replace the one before. Told what arrives and
//! the time; says what to keep and answer, and when a brake has run out.
//!
//! An order ends by itself twice over: when its time has come by the collector's word, and when a day has passed here since it was
//! taken, by a clock that nobody sets. Where its number cannot be kept on disk it is not taken: matches are told rather than not.

use std::sync::Arc;
use std::time::Duration;

use varde_common::brake::{Braked, LONGEST, NotTaken, Order};
use varde_common::codec::Text;
use varde_common::message::BrakeOutcome;
use varde_common::rotation::is_replaced;
use varde_common::time::Timestamp;
use varde_common::trust::{Root, Untrusted};

use crate::anchor::printable;
use crate::limits::BRAKE_CLOCKS_DIFFER_S;
use crate::raise::braked::Braking;

/// An order as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its number: none that is not greater is taken any more.
    pub number: u64,
    /// The root document by which it was taken.
    pub root_version: u32,
    /// When it was taken, by a clock that nobody sets.
    pub taken_at: Timestamp,
    /// As it was signed.
    pub octets: Vec<u8>,
}

/// What follows from an order that arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// It is the one that was taken: say so again.
    Again(BrakeOutcome),
    /// Keep this, then tell [`Brakes::handle_kept`]; where that fails, [`Brakes::handle_not_kept`].
    Keep(Kept),
    /// Say so; the one before stays.
    Refused(BrakeOutcome),
}

/// The order in force.
#[derive(Debug, Clone, Default)]
pub struct Brakes {
    /// The greatest number ever taken from the keys that are the role's; 0 = none.
    floor: u64,
    /// The order with that number, as long as the root document stands for it.
    taken: Option<(Order, Kept)>,
    /// What the sensor goes by.
    braking: Arc<Braking>,
    refused: Option<String>,
}

impl Brakes {
    /// With what the disk holds. `replaced`: the role was given to wholly other keys since.
    pub fn new(kept: Option<Kept>, root: &Root, replaced: bool) -> Brakes {
        let Some(kept) = kept.filter(|_| !replaced) else { return Brakes::default() };
        if is_forsaken(&kept, root) {
            return Brakes::default();
        }
        let floor = kept.number;
        let order = Order::read(&kept.octets, root).ok().filter(|order| order.number == floor);
        Brakes { floor, taken: order.map(|order| (order, kept)), ..Brakes::default() }
    }

    /// An order arrived; `now` by the collector's word, `steady` by a clock that nobody sets.
    pub fn handle_order(&mut self, octets: Vec<u8>, root: &Root, now: Timestamp, steady: Timestamp) -> Step {
        if let Some((order, _)) = self.taken.as_ref().filter(|(_, kept)| kept.octets == octets) {
            return Step::Again(BrakeOutcome::Taken { number: order.number, since: now });
        }
        match Order::accept(&octets, root, (self.floor > 0).then_some(self.floor), now) {
            Ok(order) => {
                let (number, root_version) = (order.number, root.version);
                Step::Keep(Kept { number, root_version, taken_at: steady, octets })
            }
            Err(why) => Step::Refused(self.refuse(&why.to_string())),
        }
    }

    /// It is on disk, and takes the place of the one before.
    pub fn handle_kept(&mut self, kept: Kept, root: &Root, now: Timestamp) -> BrakeOutcome {
        match Order::read(&kept.octets, root) {
            Ok(order) => {
                self.floor = order.number;
                self.refused = None;
                let outcome = BrakeOutcome::Taken { number: order.number, since: now };
                self.taken = Some((order, kept));
                outcome
            }
            // The root document has changed meanwhile.
            Err(why) => self.refuse(&why.to_string()),
        }
    }

    /// It could not be kept.
    pub fn handle_not_kept(&mut self, why: &str) -> BrakeOutcome {
        self.refuse(&format!("the order to brake could not be kept: {why}"))
    }

    /// Another root document is in force. By wholly other keys numbers begin anew; what the new ones do not stand for ends.
    pub fn handle_root(&mut self, before: &Root, root: &Root) {
        let forsaken = self.taken.as_ref().is_some_and(|(_, kept)| is_forsaken(kept, root));
        if forsaken || is_replaced(&before.roles.brake, &root.roles.brake) {
            self.floor = 0;
        }
        let stands = |kept: &Kept| !matches!(Order::read(&kept.octets, root), Err(NotTaken::Untrusted(_)));
        self.taken = self.taken.take().filter(|(_, kept)| stands(kept));
    }

    /// What is counted only, where that has changed.
    pub fn handle_time(&mut self, now: Timestamp, steady: Timestamp) -> Option<Arc<Braking>> {
        let indicators = self.in_force(now, steady).map(|braked| (braked.indicator, braked.exercise)).collect();
        let order = self.taken.as_ref().map_or(0, |(order, _)| order.number);
        let braking = Braking { order, indicators };
        if *self.braking == braking {
            return None;
        }
        self.braking = Arc::new(braking);
        Some(Arc::clone(&self.braking))
    }

    /// What of the order holds at this time.
    pub fn in_force(&self, now: Timestamp, steady: Timestamp) -> impl Iterator<Item = &Braked> {
        let taken = self.taken.as_ref();
        // A clock that was set back over a restart makes it no younger than it is: then it is over. Two processes' clocks differ a little.
        let is_young = |kept: &Kept| {
            let differ = Duration::from_secs(BRAKE_CLOCKS_DIFFER_S);
            steady.since(kept.taken_at) < LONGEST && kept.taken_at.since(steady) < differ
        };
        let order = taken.filter(|(_, kept)| is_young(kept)).map(|(order, _)| order);
        order.into_iter().flat_map(|order| &order.braked).filter(move |braked| now < braked.until)
    }

    /// The greatest number taken; 0 = none.
    pub fn number(&self) -> u64 {
        self.floor
    }

    /// Why the last one that came was refused, unless one was taken since.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    fn refuse(&mut self, why: &str) -> BrakeOutcome {
        let why = printable(why);
        let outcome = BrakeOutcome::Refused { known: self.floor, why: Text::cut(&why) };
        self.refused = Some(why);
        outcome
    }
}

/// Whether too few of those who signed an order have the role still: its number, which may be a thief's, holds up no other.
fn is_forsaken(kept: &Kept, root: &Root) -> bool {
    let why = Order::read(&kept.octets, root);
    matches!(why, Err(NotTaken::Untrusted(Untrusted::TooFewSignatures { .. } | Untrusted::NoSuchRole)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::tests::{Key, key, root_of};
    use varde_common::id::IndicatorId;
    use varde_common::trust::{Domain, Role, hex, key_id, sign};

    const NOW: Timestamp = Timestamp(1_763_733_900_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn root(version: u32, brake: u8) -> Root {
        let (public, mut root) = (key(brake).verifying_key(), root_of(&key(1)));
        root.version = version;
        root.keys.insert(key_id(&public), hex(public.as_bytes()));
        root.roles.brake = Role { keys: [key_id(&public)].into(), threshold: 1 };
        root
    }

    fn order(number: u64, hours: u32, by: &Key) -> Vec<u8> {
        let braked = |indicator, exercise, hours: u32| Braked {
            indicator: IndicatorId(indicator),
            exercise,
            since: NOW,
            until: NOW.plus(HOUR * hours),
            reason: "falsk".to_owned(),
        };
        let braked = vec![braked(4, false, hours), braked(5, true, 1)];
        Order { number, at: NOW, braked }.sign(&[by]).unwrap()
    }

    fn take(brakes: &mut Brakes, octets: Vec<u8>, root: &Root) -> BrakeOutcome {
        match brakes.handle_order(octets, root, NOW, NOW) {
            Step::Keep(kept) => brakes.handle_kept(kept, root, NOW),
            Step::Again(outcome) | Step::Refused(outcome) => outcome,
        }
    }

    fn held(brakes: &mut Brakes, hours: u32) -> Vec<(u64, bool)> {
        let at = NOW.plus(HOUR * hours);
        brakes.handle_time(at, at);
        brakes.braking.indicators.iter().map(|(id, exercise)| (id.0, *exercise)).collect()
    }

    #[test]
    fn t10_an_order_holds_until_its_time_and_the_next_takes_its_place_whole() {
        let (root, mut brakes) = (root(1, 2), Brakes::default());
        assert!(held(&mut brakes, 0).is_empty());
        assert!(matches!(take(&mut brakes, order(7, 24, &key(2)), &root), BrakeOutcome::Taken { number: 7, .. }));
        assert_eq!(held(&mut brakes, 0), [(4, false), (5, true)]);
        assert_eq!(held(&mut brakes, 1), [(4, false)], "each has its own end");
        assert!(held(&mut brakes, 24).is_empty(), "and no message is needed for it");
        assert!(brakes.handle_time(NOW.plus(HOUR * 25), NOW.plus(HOUR * 25)).is_none(), "told once");
        // Whatever the collector says of the time, a day here is a day.
        assert!(brakes.handle_time(NOW, NOW.plus(HOUR * 23)).is_some());
        brakes.handle_time(NOW, NOW.plus(HOUR * 24));
        assert!(brakes.braking.indicators.is_empty());
        assert!(
            matches!(take(&mut brakes, order(7, 24, &key(2)), &root), BrakeOutcome::Taken { .. }),
            "the same again"
        );
        assert!(matches!(take(&mut brakes, order(6, 24, &key(2)), &root), BrakeOutcome::Refused { known: 7, .. }));
        assert!(brakes.refused().is_some_and(|why| why.contains("number 6")));
        let released = Order { number: 8, at: NOW, braked: vec![] }.sign(&[&key(2)]).unwrap();
        assert!(matches!(take(&mut brakes, released, &root), BrakeOutcome::Taken { number: 8, .. }));
        assert!(held(&mut brakes, 0).is_empty() && brakes.refused().is_none());
        assert!(matches!(take(&mut brakes, order(7, 24, &key(2)), &root), BrakeOutcome::Refused { known: 8, .. }));
    }

    #[test]
    fn d3_t10_after_a_restart_it_holds_on_and_an_older_one_stays_out() {
        let (first, mut brakes) = (root(1, 2), Brakes::default());
        let Step::Keep(kept) = brakes.handle_order(order(7, 24, &key(2)), &first, NOW, NOW) else { panic!("not kept") };
        let mut again = Brakes::new(Some(kept.clone()), &first, false);
        assert_eq!(held(&mut again, 2), [(4, false)]);
        assert!(matches!(take(&mut again, order(7, 2, &key(2)), &first), BrakeOutcome::Refused { known: 7, .. }));
        let at = NOW.minus(HOUR);
        again.handle_time(at, at);
        assert!(again.braking.indicators.is_empty(), "a clock that was set back lengthens nothing");
        // By a root document that names another key nothing of it is left, and numbers begin anew.
        let second = root(2, 3);
        let mut replaced = Brakes::new(Some(kept.clone()), &second, true);
        assert!(held(&mut replaced, 2).is_empty());
        assert!(matches!(take(&mut replaced, order(1, 2, &key(3)), &second), BrakeOutcome::Taken { number: 1, .. }));
        let mut live = Brakes::new(Some(kept.clone()), &first, false);
        live.handle_root(&first, &Root { version: 2, ..first.clone() });
        assert_eq!((held(&mut live, 2), live.number()), (vec![(4, false)], 7), "another document alone ends nothing");
        live.handle_root(&first, &second);
        assert_eq!((held(&mut live, 2), live.number()), (vec![], 0));
        // One of two keys is retired, and the order was its alone: a thief's highest number goes with it.
        let mut both = root(1, 2);
        both.keys.extend(root(1, 3).keys);
        both.roles.brake.keys.extend(root(1, 3).roles.brake.keys);
        let mut live = Brakes::new(Some(kept.clone()), &both, false);
        assert_eq!(live.number(), 7);
        live.handle_root(&both, &second);
        assert_eq!((held(&mut live, 2), live.number()), (vec![], 0));
        assert_eq!(Brakes::new(Some(kept.clone()), &second, false).number(), 0, "and over a restart");
        // Damaged on disk: no brake, and the number stays.
        let mut damaged = Brakes::new(Some(Kept { octets: b"{}".to_vec(), ..kept }), &first, false);
        assert_eq!((held(&mut damaged, 2), damaged.number()), (vec![], 7));
        assert!(matches!(damaged.handle_not_kept("full"), BrakeOutcome::Refused { known: 7, .. }));
    }

    #[test]
    fn c1_an_order_by_any_other_key_or_for_another_thing_changes_nothing() {
        let (root, mut brakes) = (root(1, 2), Brakes::default());
        take(&mut brakes, order(3, 24, &key(2)), &root);
        let as_list = {
            let order: Order = Order::read(&order(9, 24, &key(2)), &root).unwrap();
            sign(Domain::List, &order, &[&key(2)]).unwrap()
        };
        for octets in [order(9, 24, &key(1)), order(9, 24, &key(8)), as_list, order(9, 25, &key(2)), b"{}".to_vec()] {
            assert!(matches!(take(&mut brakes, octets, &root), BrakeOutcome::Refused { known: 3, .. }));
            assert_eq!(held(&mut brakes, 2), [(4, false)]);
        }
    }
}
