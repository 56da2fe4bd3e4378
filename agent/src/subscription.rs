//! Which list is in force, and what it takes for another to replace it. Told what arrives; says what to keep and answer.
//!
//! An offer is held against the root and the floor before its base is fetched; the base is hashed as it arrives and goes
//! to disk piece by piece, up to its declared size and not an octet further; only what is whole, hashed and readable is
//! kept, and only what is kept comes into force. Whatever is wrong with an offer, the list before it stays.

use varde_common::codec::Text;
use varde_common::id::Revision;
use varde_common::limits::LIST_BASE_MAX_OCTETS;
use varde_common::list::{CHANNEL_ALL, Manifest, Refused};
use varde_common::message::ListOutcome;
use varde_common::rotation::is_replaced;
use varde_common::time::Timestamp;
use varde_common::trust::{Root, hex, sha256};

/// What follows from what arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing yet.
    Wait,
    /// Begin a file for the list that this manifest announces.
    Begin {
        /// The manifest as it was signed.
        manifest: Vec<u8>,
    },
    /// Append this to the file.
    Append(Vec<u8>),
    /// The file is whole and its hash is right: open it, keep it, then tell [`Subscription::handle_stored`]. Where that
    /// fails, as where beginning or appending did, tell [`Subscription::handle_not_stored`].
    Keep(Box<Manifest>),
    /// Write it down and answer so; the list before stays.
    Refused {
        /// The number it claimed, 0 if it could not be read.
        revision: Revision,
        /// Why.
        why: String,
        /// The answer.
        outcome: ListOutcome,
    },
    /// The collector breaks the rules: end the session.
    Broken(&'static str),
}

#[derive(Debug)]
enum Receiving {
    Nothing,
    Base {
        manifest: Manifest,
        hasher: Box<blake3::Hasher>,
        octets: u64,
    },
    /// The chunks of a refused offer, counted, not kept.
    Skipping {
        octets: u64,
    },
}

/// The state of the list.
#[derive(Debug)]
pub struct Subscription {
    root: Root,
    floor: Revision,
    in_force: Revision,
    receiving: Receiving,
    /// The number of the offer that was accepted last.
    offered: Revision,
    /// The list in force was signed by keys that the root still names: it counts as a floor, and none like it is wanted.
    counts: bool,
    /// The list that was named as the newest, and the hash of its manifest.
    named: Option<(Revision, String)>,
}

impl Subscription {
    /// With what the disk holds: the highest revision ever accepted and the one in force (0 = none).
    pub fn new(root: Root, floor: Revision, in_force: Revision) -> Subscription {
        let (receiving, offered) = (Receiving::Nothing, Revision(0));
        Subscription { root, floor: floor.max(in_force), in_force, receiving, offered, counts: true, named: None }
    }

    /// The same where the list in force was signed by keys that the root no longer names: it is matched against, and that
    /// is all.
    #[must_use]
    pub fn with_list_of_before(self, floor: Revision) -> Subscription {
        Subscription { floor, counts: false, ..self }
    }

    /// The list that none below is wanted of: the one in force, unless the root no longer stands for it.
    pub fn held(&self) -> Revision {
        if self.counts { self.in_force } else { Revision(0) }
    }

    /// Whether a list that was accepted is on its way.
    pub fn is_receiving(&self) -> bool {
        matches!(self.receiving, Receiving::Base { .. })
    }

    /// Another root document is in force. Gives whether the floor fell with it, which it does only where the list role was
    /// given to wholly other keys.
    pub fn handle_root(&mut self, root: Root) -> bool {
        let replaced = is_replaced(&self.root.roles.list, &root.roles.list);
        self.root = root;
        // What has begun to arrive was held against the root before.
        if let Receiving::Base { .. } = self.receiving {
            self.receiving = Receiving::Skipping { octets: 0 };
        }
        if replaced {
            (self.floor, self.counts) = (Revision(0), false);
        }
        replaced
    }

    /// A list was named as the newest.
    pub fn handle_named(&mut self, revision: Revision, manifest_sha256: String) {
        self.named = Some((revision, manifest_sha256));
    }

    /// The list in force.
    pub fn in_force(&self) -> Revision {
        self.in_force
    }

    /// The highest revision ever accepted.
    pub fn floor(&self) -> Revision {
        self.floor
    }

    /// A new session: what was half received is forgotten.
    pub fn handle_session(&mut self) {
        self.receiving = Receiving::Nothing;
    }

    /// A manifest arrived.
    pub fn handle_offer(&mut self, manifest_octets: Vec<u8>) -> Step {
        // A list that was accepted and then lost (a damaged disk) may come again under its own number, none older.
        let lost = self.counts && self.in_force < self.floor;
        let floor = if lost { Revision(self.floor.0.saturating_sub(1)) } else { self.floor };
        let accepted = Manifest::accept(&manifest_octets, &self.root, CHANNEL_ALL, floor);
        match accepted.and_then(|manifest| self.is_named(manifest, &manifest_octets)) {
            Ok(manifest) => {
                self.offered = manifest.revision;
                self.receiving = Receiving::Base { manifest, hasher: Box::default(), octets: 0 };
                Step::Begin { manifest: manifest_octets }
            }
            Err(refused) => {
                self.receiving = Receiving::Skipping { octets: 0 };
                let claimed = Manifest::verify(&manifest_octets, &self.root).map_or(Revision(0), |m| m.revision);
                self.refuse(claimed, &refused)
            }
        }
    }

    /// That it is the list that was named, where one of its number was.
    fn is_named(&self, manifest: Manifest, octets: &[u8]) -> Result<Manifest, Refused> {
        match &self.named {
            Some((revision, named)) if *revision == manifest.revision && *named != hex(&sha256(octets)) => {
                Err(Refused::NotTheNamed(manifest.revision))
            }
            Some(_) | None => Ok(manifest),
        }
    }

    /// Octets of the base arrived.
    pub fn handle_chunk(&mut self, chunk: Vec<u8>) -> Step {
        match &mut self.receiving {
            Receiving::Nothing => Step::Broken("a piece of a list came without an offer"),
            Receiving::Skipping { octets: skipped } => {
                *skipped += chunk.len() as u64;
                if *skipped > LIST_BASE_MAX_OCTETS { Step::Broken("a list came that never ends") } else { Step::Wait }
            }
            Receiving::Base { manifest, hasher, octets } => {
                *octets += chunk.len() as u64;
                if *octets <= manifest.base_octets {
                    hasher.update(&chunk);
                    return Step::Append(chunk);
                }
                let (revision, announced, found) = (manifest.revision, manifest.base_octets, *octets);
                self.receiving = Receiving::Skipping { octets: found };
                self.refuse(revision, &Refused::WrongSize { announced, found })
            }
        }
    }

    /// The base is complete.
    pub fn handle_end(&mut self) -> Step {
        match std::mem::replace(&mut self.receiving, Receiving::Nothing) {
            Receiving::Nothing => Step::Broken("a list ended that never began"),
            Receiving::Skipping { .. } => Step::Wait,
            Receiving::Base { manifest, hasher, octets } => match manifest.check(octets, &hasher.finalize()) {
                Ok(()) => Step::Keep(Box::new(manifest)),
                Err(refused) => self.refuse(manifest.revision, &refused),
            },
        }
    }

    /// The list is on disk and in force since then.
    pub fn handle_stored(&mut self, revision: Revision, since: Timestamp) -> ListOutcome {
        (self.in_force, self.counts) = (revision, true);
        self.floor = self.floor.max(revision);
        ListOutcome::InForce { revision, since }
    }

    /// The accepted offer could not be stored (a full disk) or its base cannot be used; the list before stays, and what
    /// is still to come of it is skipped.
    pub fn handle_not_stored(&mut self, why: &str) -> Step {
        if matches!(self.receiving, Receiving::Base { .. }) {
            self.receiving = Receiving::Skipping { octets: 0 };
        }
        self.refusal(self.offered, why.to_owned())
    }

    fn refuse(&self, revision: Revision, refused: &Refused) -> Step {
        self.refusal(revision, refused.to_string())
    }

    fn refusal(&self, revision: Revision, why: String) -> Step {
        let outcome = ListOutcome::Refused { in_force: self.in_force, why: Text::cut(&why) };
        Step::Refused { revision, why, outcome }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use varde_common::id::IndicatorId;
    use varde_common::indicator::Indicator;
    use varde_common::list::write_base;
    use varde_common::matcher::Seed;
    use varde_common::trust::{Role, Roles, key_id};

    pub(crate) type Key = ed25519_dalek::SigningKey;

    pub(crate) fn key(seed: u8) -> Key {
        Key::from_bytes(&[seed; 32])
    }

    pub(crate) fn root_of(key: &Key) -> Root {
        let id = key_id(&key.verifying_key());
        let role = Role { keys: [id.clone()].into(), threshold: 1 };
        let keys = [(id, hex(key.verifying_key().as_bytes()))].into();
        let roles = Roles { root: role.clone(), list: role, ..Roles::default() };
        Root { version: 1, expires: Timestamp::MAX, keys, roles, ca: std::collections::BTreeSet::new() }
    }

    pub(crate) fn publication(key: &Key, revision: u64) -> (Vec<u8>, Vec<u8>) {
        let list = (0..40).map(|n| Indicator::bare(IndicatorId(n), format!("evil{n}.no").parse().unwrap()));
        let (base, content) = write_base(list.collect(), Seed::from_octets([revision as u8; 16])).unwrap();
        let manifest = Manifest::of(&base, &content, Revision(revision), Timestamp(1), Timestamp::MAX);
        (manifest.sign(&[key]).unwrap(), base)
    }

    /// Offers, sends in pieces of 100, ends; what the last word was, and what was written.
    fn transfer(subscription: &mut Subscription, manifest: &[u8], base: &[u8]) -> (Step, Vec<u8>) {
        let mut written = Vec::new();
        let mut last = Step::Wait;
        let mut take = |step: Step| match step {
            Step::Wait => {}
            Step::Begin { manifest: given } => assert_eq!(given, manifest),
            Step::Append(octets) => written.extend_from_slice(&octets),
            step => last = step,
        };
        take(subscription.handle_offer(manifest.to_vec()));
        base.chunks(100).for_each(|chunk| take(subscription.handle_chunk(chunk.to_vec())));
        take(subscription.handle_end());
        (last, written)
    }

    fn take(subscription: &mut Subscription, revision: u64) {
        let (manifest, base) = publication(&key(1), revision);
        match transfer(subscription, &manifest, &base) {
            (Step::Keep(manifest), written) => {
                assert_eq!(written, base);
                assert_eq!(manifest.open(written).map(|set| set.len()), Ok(40));
                let outcome = subscription.handle_stored(manifest.revision, Timestamp(9));
                assert_eq!(outcome, ListOutcome::InForce { revision: Revision(revision), since: Timestamp(9) });
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn l2_a_list_that_cannot_be_stored_is_refused_once_and_its_rest_skipped() {
        let mut subscription = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
        take(&mut subscription, 5);
        let (manifest, base) = publication(&key(1), 6);
        assert!(matches!(subscription.handle_offer(manifest), Step::Begin { .. }));
        let refused = subscription.handle_not_stored("the disk is full");
        assert!(matches!(refused, Step::Refused { revision: Revision(6), .. }), "{refused:?}");
        assert_eq!(subscription.handle_chunk(base), Step::Wait);
        assert_eq!(subscription.handle_end(), Step::Wait);
        take(&mut subscription, 6);
    }

    #[test]
    fn l2_whatever_is_wrong_the_list_before_stays() {
        let mut subscription = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
        take(&mut subscription, 5);
        let (good, base) = publication(&key(1), 6);
        let (foreign, _) = publication(&key(2), 6);
        let (older, _) = publication(&key(1), 4);
        let (same, _) = publication(&key(1), 5);
        let mut changed = base.clone();
        changed[50] ^= 1;
        let mut longer = base.clone();
        longer.extend_from_slice(&[0; 1000]);
        let cases: [(&str, &[u8], &[u8], &str); 6] = [
            ("another key", &foreign, &base, "signatures"),
            ("older", &older, &base, "not newer"),
            ("the same again", &same, &base, "not newer"),
            ("cut short", &good, &base[..base.len() - 1], "bytes where"),
            ("changed", &good, &changed, "BLAKE3"),
            ("longer than declared", &good, &longer, "bytes where"),
        ];
        for (case, manifest, base, words) in cases {
            match transfer(&mut subscription, manifest, base).0 {
                Step::Refused { why, outcome, .. } => {
                    assert!(why.contains(words), "{case}: {why}");
                    assert!(matches!(outcome, ListOutcome::Refused { in_force: Revision(5), .. }), "{case}");
                }
                other => panic!("{case}: {other:?}"),
            }
            assert_eq!(subscription.in_force(), Revision(5), "{case}");
        }
        take(&mut subscription, 6);
    }

    #[test]
    fn i4_the_floor_outlives_the_list_itself() {
        let mut subscription = Subscription::new(root_of(&key(1)), Revision(7), Revision(0));
        let (older, base) = publication(&key(1), 6);
        assert!(matches!(transfer(&mut subscription, &older, &base).0, Step::Refused { .. }));
        take(&mut subscription, 7);
        assert_eq!(subscription.floor(), Revision(7));
    }

    #[test]
    fn c4_a_floor_falls_only_when_the_list_role_has_wholly_other_keys() {
        let with = |keys: &[&Key]| {
            let mut root = root_of(keys[0]);
            for key in keys {
                root.keys.extend(root_of(key).keys);
                root.roles.list.keys.extend(root_of(key).roles.list.keys);
            }
            root
        };
        let (old, new) = (key(1), key(2));
        let mut subscription = Subscription::new(with(&[&old]), Revision(0), Revision(0));
        // As far as whoever stole the key could get.
        take(&mut subscription, 900);
        let (huge, base) = publication(&old, 901);
        assert!(matches!(subscription.handle_offer(huge), Step::Begin { .. }));
        assert!(subscription.is_receiving());
        assert!(!subscription.handle_root(with(&[&old, &new])), "the keys are kept: the floor stays");
        assert!(!subscription.is_receiving());
        assert_eq!(subscription.handle_chunk(base.clone()), Step::Wait, "what had begun goes by the root before");
        assert_eq!(subscription.handle_end(), Step::Wait);
        let (low, low_base) = publication(&new, 11);
        assert!(matches!(transfer(&mut subscription, &low, &low_base).0, Step::Refused { .. }));
        assert_eq!((subscription.floor(), subscription.held()), (Revision(900), Revision(900)));
        assert!(!subscription.handle_root(with(&[&new])), "one of the keys before is among them still");
        assert!(subscription.handle_root(with(&[&key(3)])), "wholly other keys");
        assert_eq!((subscription.floor(), subscription.held()), (Revision(0), Revision(0)));
        assert_eq!(subscription.in_force(), Revision(900), "it is matched against until a new one is here");
        let (by_old, _) = publication(&old, 902);
        assert!(matches!(transfer(&mut subscription, &by_old, &base).0, Step::Refused { .. }), "at once");
        let (by_new, new_base) = publication(&key(3), 12);
        assert!(matches!(transfer(&mut subscription, &by_new, &new_base).0, Step::Keep(_)));
        subscription.handle_stored(Revision(12), Timestamp(9));
        assert_eq!((subscription.floor(), subscription.held()), (Revision(12), Revision(12)));
        let restarted =
            Subscription::new(with(&[&key(3)]), Revision(0), Revision(900)).with_list_of_before(Revision(0));
        assert_eq!(
            (restarted.floor(), restarted.held(), restarted.in_force()),
            (Revision(0), Revision(0), Revision(900))
        );
    }

    #[test]
    fn l2_of_two_lists_with_one_number_only_the_named_one_is_taken() {
        let mut subscription = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
        let (named, base) = publication(&key(1), 6);
        subscription.handle_named(Revision(6), hex(&sha256(&named)));
        let (again, _) = (Manifest::of(&base, &Default::default(), Revision(6), Timestamp(2), Timestamp::MAX), ());
        let again = again.sign(&[&key(1)]).unwrap();
        match subscription.handle_offer(again) {
            Step::Refused { why, .. } => assert!(why.contains("another list"), "{why}"),
            other => panic!("{other:?}"),
        }
        assert!(matches!(subscription.handle_offer(named), Step::Begin { .. }));
        // An older one than was named is newer than the one in force: better than none, and told otherwise.
        let (older, older_base) = publication(&key(1), 5);
        assert!(matches!(transfer(&mut subscription, &older, &older_base).0, Step::Keep(_)));
    }

    #[test]
    fn l2_endless_data_ends_the_session_and_fills_no_memory() {
        let mut subscription = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
        assert!(matches!(subscription.handle_chunk(vec![1]), Step::Broken(_)));
        assert!(matches!(subscription.handle_end(), Step::Broken(_)));
        assert!(matches!(subscription.handle_offer(vec![1, 2]), Step::Refused { .. }));
        let chunk = vec![0; 192 * 1024];
        let mut sent = 0;
        while matches!(subscription.handle_chunk(chunk.clone()), Step::Wait) {
            sent += chunk.len() as u64;
            assert!(sent <= LIST_BASE_MAX_OCTETS);
        }
    }

    #[test]
    fn a_cut_connection_leaves_nothing_half_received() {
        let mut subscription = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
        let (manifest, base) = publication(&key(1), 1);
        assert!(matches!(subscription.handle_offer(manifest), Step::Begin { .. }));
        assert_eq!(subscription.handle_chunk(base[..10].to_vec()), Step::Append(base[..10].to_vec()));
        subscription.handle_session();
        take(&mut subscription, 1);
    }

    proptest! {
        #[test]
        fn l2_in_force_never_falls_and_is_always_one_that_was_signed(
            offers in prop::collection::vec((0u64..12, any::<bool>(), any::<bool>()), 1..20)
        ) {
            let mut subscription = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
            for (revision, ours, whole) in offers {
                let before = subscription.in_force();
                let (manifest, base) = publication(&key(if ours { 1 } else { 2 }), revision);
                let sent = if whole { &base[..] } else { &base[..base.len() / 2] };
                let (step, _) = transfer(&mut subscription, &manifest, sent);
                let right = ours && whole && Revision(revision) > before;
                prop_assert_eq!(matches!(step, Step::Keep(_)), right);
                if right {
                    subscription.handle_stored(Revision(revision), Timestamp(0));
                }
                prop_assert_eq!(subscription.in_force(), if right { Revision(revision) } else { before });
            }
        }
    }
}
