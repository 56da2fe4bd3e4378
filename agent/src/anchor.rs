//! Which root document is in force, and what it takes for the next to replace it. Told what arrives; says what to keep and
//! answer.
//!
//! The document that enrolment pinned is the start of a chain; each next one is signed by the keys of the one before and by
//! its own ([`varde_common::rotation`]). One whose time is over is a step on the way and no more: it is kept once another
//! follows it. One that no longer names the CA by which this session's collector proved itself waits for another session:
//! taken now, it could be the last thing this sensor ever heard.
//!
//! On the lane for who knows nobody there any more (`io/link/root_lane.rs`) each document is held against the one before it
//! just the same, and all of them wait: they are taken together, once whoever brought them has proved by the last of them to be
//! the collector.

use varde_common::codec::Text;
use varde_common::message::RootOutcome;
use varde_common::rotation::{NotNext, claimed_version};
use varde_common::time::Timestamp;
use varde_common::trust::{Root, sha256};

use crate::limits::{REFUSAL_MAX_CHARACTERS, ROOT_STEPS_MAX};

/// Why a root document is not taken into force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It does not follow the one in force.
    #[error("root document refused: {0}")]
    NotNext(#[from] NotNext),
    /// Who brought it on the lane is no collector by it.
    #[error("root document refused: whoever brought it cannot prove by it to be the collector")]
    NotProved,
    /// Its time is over and none follows.
    #[error("root document refused: it ran out at {0}, and none that is good follows it")]
    Expired(Timestamp),
    /// The collector of this session would be a stranger by it.
    #[error(
        "root document refused: it no longer names the CA by which the collector has proved itself in this session; it is taken in a session by a CA that it names"
    )]
    StrangerToIt,
    /// It could not be written.
    #[error("root document refused: it could not be kept: {0}")]
    NotKept(String),
}

/// A document with its octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it says.
    pub root: Root,
    /// As it was signed.
    pub octets: Vec<u8>,
}

/// What follows from what arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is the one in force, or another must follow it.
    Wait,
    /// Keep these, in this order, then tell [`Anchor::handle_kept`]; where that fails, [`Anchor::handle_not_kept`].
    Keep(Vec<Document>),
    /// Say so; the one before stays.
    Refused {
        /// Why.
        why: Refused,
        /// The answer.
        outcome: RootOutcome,
    },
    /// The collector breaks the rules: end the session.
    Broken(&'static str),
}

/// The root document in force.
#[derive(Debug, Clone)]
pub struct Anchor {
    root: Root,
    sha256: [u8; 32],
    /// Good but run out, each following the one before it.
    waiting: Vec<Document>,
    /// None is taken before all are here.
    on_lane: bool,
    steps: usize,
    refused: Option<String>,
}

impl Anchor {
    /// With the newest document that the disk holds.
    pub fn new(root: Root, octets: &[u8]) -> Anchor {
        Anchor { root, sha256: sha256(octets), waiting: Vec::new(), on_lane: false, steps: 0, refused: None }
    }

    /// The document in force.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Why the last one that was offered was refused, unless one was taken since.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Whether one waits for another to follow it.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A new session: what was half received is forgotten.
    pub fn handle_session(&mut self) {
        self.waiting.clear();
        self.on_lane = false;
        self.steps = 0;
    }

    /// Root documents are asked for on the lane: what comes waits for [`Anchor::handle_lane_over`].
    pub fn handle_lane(&mut self) {
        self.handle_session();
        self.on_lane = true;
    }

    /// All that the lane brings is here. `proves` tells whether who brought it proves by a root document to be the collector.
    pub fn handle_lane_over(&mut self, earliest: Timestamp, proves: impl FnOnce(&Root) -> bool) -> Step {
        self.on_lane = false;
        let Some(last) = self.waiting.last() else { return Step::Wait };
        let (version, expires) = (last.root.version, last.root.expires);
        if expires <= earliest {
            return self.refuse(version, Refused::Expired(expires));
        }
        if !proves(&last.root) {
            return self.refuse(version, Refused::NotProved);
        }
        Step::Keep(std::mem::take(&mut self.waiting))
    }

    /// A root document arrived, from a collector that has shown these certificates (DER); `earliest` is the earliest time
    /// that it may be.
    pub fn handle_next(&mut self, octets: Vec<u8>, shown: &[impl AsRef<[u8]>], earliest: Timestamp) -> Step {
        self.steps += 1;
        if self.steps > ROOT_STEPS_MAX {
            return Step::Broken("more root documents came than a session may bring");
        }
        let next = match self.waiting.last() {
            Some(last) => last.root.next(&sha256(&last.octets), &octets),
            None if sha256(&octets) == self.sha256 => return Step::Wait,
            None => self.root.next(&self.sha256, &octets),
        };
        let root = match next {
            Ok(root) => root,
            Err(why) => return self.refuse(claimed_version(&octets), why.into()),
        };
        if self.on_lane || root.expires <= earliest {
            self.waiting.push(Document { root, octets });
            return Step::Wait;
        }
        if !shown.iter().any(|certificate| root.names_ca(certificate.as_ref())) {
            return self.refuse(root.version, Refused::StrangerToIt);
        }
        let mut all = std::mem::take(&mut self.waiting);
        all.push(Document { root, octets });
        Step::Keep(all)
    }

    /// Nothing more comes for now: what waits for another is refused.
    pub fn handle_quiet(&mut self) -> Step {
        match self.waiting.pop() {
            Some(last) => self.refuse(last.root.version, Refused::Expired(last.root.expires)),
            None => Step::Wait,
        }
    }

    /// This document is on disk, and in force since then.
    pub fn handle_kept(&mut self, document: Document, since: Timestamp) -> RootOutcome {
        self.sha256 = sha256(&document.octets);
        self.root = document.root;
        self.refused = None;
        RootOutcome::InForce { version: self.root.version, since }
    }

    /// This document could not be kept.
    pub fn handle_not_kept(&mut self, version: u32, why: String) -> (Refused, RootOutcome) {
        self.refused_for(version, Refused::NotKept(why))
    }

    fn refuse(&mut self, offered: u32, why: Refused) -> Step {
        let (why, outcome) = self.refused_for(offered, why);
        Step::Refused { why, outcome }
    }

    fn refused_for(&mut self, offered: u32, why: Refused) -> (Refused, RootOutcome) {
        self.waiting.clear();
        self.refused = Some(printable(&why.to_string()));
        let outcome = RootOutcome::Refused { in_force: self.root.version, offered, why: Text::cut(&why.to_string()) };
        (why, outcome)
    }
}

/// Without what a terminal would act on, and no longer than a line: whoever sent the document may have written of it.
pub fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(REFUSAL_MAX_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::tests::{Key, key, root_of};
    use proptest::prelude::*;
    use varde_common::trust::{Domain, hex, sign};

    const NOW: Timestamp = Timestamp(1_000);
    const OLD_CA: &[u8] = b"the old CA";
    const NEW_CA: &[u8] = b"the new CA";

    fn root(version: u32, owner: &Key, ca: &[&[u8]], expires: i64) -> Root {
        let ca = ca.iter().map(|ca| hex(&sha256(ca))).collect();
        Root { version, expires: Timestamp(expires), ca, ..root_of(owner) }
    }

    fn signed(root: &Root, keys: &[&Key]) -> Vec<u8> {
        sign(Domain::Root, root, keys).unwrap()
    }

    fn anchor() -> Anchor {
        let first = root(1, &key(1), &[OLD_CA], i64::MAX);
        Anchor::new(first.clone(), &signed(&first, &[&key(1)]))
    }

    /// Offers a document; those that are to be kept are.
    fn offer(anchor: &mut Anchor, octets: Vec<u8>, ca: &[u8]) -> Step {
        let step = anchor.handle_next(octets, &[ca], NOW);
        if let Step::Keep(documents) = &step {
            for document in documents.clone() {
                anchor.handle_kept(document, NOW);
            }
        }
        step
    }

    #[test]
    fn l2_a_sensor_that_was_away_takes_every_step_and_nothing_that_skips_one() {
        let (a, b, c) = (key(1), key(2), key(3));
        let second = signed(&root(2, &b, &[OLD_CA], i64::MAX), &[&a, &b]);
        let third = signed(&root(3, &c, &[OLD_CA], i64::MAX), &[&b, &c]);
        let mut away = anchor();
        let skipped = offer(&mut away, third.clone(), OLD_CA);
        assert!(matches!(skipped, Step::Refused { outcome: RootOutcome::Refused { in_force: 1, offered: 3, .. }, .. }));
        assert!(away.refused().is_some_and(|why| why.contains("number 3")));
        assert!(matches!(offer(&mut away, second.clone(), OLD_CA), Step::Keep(_)));
        assert!(away.refused().is_none(), "what is good is taken all the same");
        assert!(matches!(offer(&mut away, third.clone(), OLD_CA), Step::Keep(_)));
        assert_eq!(away.root().version, 3);
        assert_eq!(offer(&mut away, third, OLD_CA), Step::Wait, "the same again is nothing");
        assert!(matches!(offer(&mut away, second, OLD_CA), Step::Refused { .. }), "never back");
        let itself = signed(&root(4, &key(9), &[OLD_CA], i64::MAX), &[&key(9)]);
        assert!(matches!(offer(&mut away, itself, OLD_CA), Step::Refused { .. }), "by itself alone");
        assert_eq!(away.root().version, 3);
    }

    #[test]
    fn l2_one_that_has_run_out_is_a_step_on_the_way_and_never_the_end_of_it() {
        let a = key(1);
        let over = signed(&root(2, &a, &[OLD_CA], NOW.0), &[&a]);
        let good = signed(&root(3, &a, &[OLD_CA], NOW.0 + 1), &[&a]);
        let mut one = anchor();
        assert_eq!(offer(&mut one, over.clone(), OLD_CA), Step::Wait);
        assert!(one.is_waiting() && one.root().version == 1);
        let refused = one.handle_quiet();
        assert!(matches!(refused, Step::Refused { why: Refused::Expired(_), .. }), "{refused:?}");
        assert!(!one.is_waiting() && one.handle_quiet() == Step::Wait);
        assert_eq!(offer(&mut one, over.clone(), OLD_CA), Step::Wait);
        let Step::Keep(both) = offer(&mut one, good, OLD_CA) else { panic!("not kept") };
        assert_eq!(both.iter().map(|document| document.root.version).collect::<Vec<_>>(), [2, 3]);
        // What waited is forgotten with its session.
        let mut cut = anchor();
        offer(&mut cut, over, OLD_CA);
        cut.handle_session();
        assert!(!cut.is_waiting());
    }

    #[test]
    fn l2_a_root_without_the_ca_of_this_session_waits_for_a_session_by_one_that_it_names() {
        let a = key(1);
        let both = signed(&root(2, &a, &[OLD_CA, NEW_CA], i64::MAX), &[&a]);
        let new = signed(&root(3, &a, &[NEW_CA], i64::MAX), &[&a]);
        let mut one = anchor();
        assert!(matches!(offer(&mut one, both, OLD_CA), Step::Keep(_)));
        let refused = offer(&mut one, new.clone(), OLD_CA);
        assert!(matches!(refused, Step::Refused { why: Refused::StrangerToIt, .. }), "{refused:?}");
        one.handle_session();
        assert!(matches!(offer(&mut one, new, NEW_CA), Step::Keep(_)));
    }

    #[test]
    fn c1_the_lane_brings_a_whole_chain_or_nothing_and_only_from_who_proves_itself_by_its_end() {
        let (a, b) = (key(1), key(2));
        let both = signed(&root(2, &b, &[OLD_CA, NEW_CA], i64::MAX), &[&a, &b]);
        // Neither the one that has brought them nor the present time fits the steps on the way.
        let other = signed(&root(3, &b, &[b"a CA between"], NOW.0), &[&b]);
        let new = signed(&root(4, &b, &[NEW_CA], i64::MAX), &[&b]);
        let nobody: [&[u8]; 0] = [];
        let bring = |anchor: &mut Anchor, documents: &[&Vec<u8>]| -> Vec<Step> {
            anchor.handle_lane();
            documents.iter().map(|octets| anchor.handle_next((*octets).clone(), &nobody, NOW)).collect()
        };
        let proves = |root: &Root| root.names_ca(NEW_CA);
        let mut one = anchor();
        assert_eq!(one.handle_lane_over(NOW, proves), Step::Wait, "nothing came");
        assert!(bring(&mut one, &[&both, &other, &new]).iter().all(|step| *step == Step::Wait));
        assert_eq!(one.root().version, 1, "not before all are here");
        let Step::Keep(all) = one.handle_lane_over(NOW, proves) else { panic!("not kept") };
        assert_eq!(all.iter().map(|document| document.root.version).collect::<Vec<_>>(), [2, 3, 4]);
        // Cut short, by who is no collector, forged: nothing of it.
        let mut cut = anchor();
        bring(&mut cut, &[&both, &other]);
        assert!(matches!(cut.handle_lane_over(NOW, |_| true), Step::Refused { why: Refused::Expired(_), .. }));
        let mut stranger = anchor();
        bring(&mut stranger, &[&both]);
        assert!(matches!(stranger.handle_lane_over(NOW, |_| false), Step::Refused { why: Refused::NotProved, .. }));
        let forged = signed(&root(2, &b, &[NEW_CA], i64::MAX), &[&b]);
        let said = bring(&mut stranger, &[&forged]);
        assert!(matches!(said[..], [Step::Refused { why: Refused::NotNext(_), .. }]), "{said:?}");
        assert_eq!(stranger.handle_lane_over(NOW, |_| true), Step::Wait);
        // What waited is forgotten, and a session goes by its own rules again.
        bring(&mut stranger, &[&both]);
        stranger.handle_session();
        assert!(!stranger.is_waiting());
        assert!(matches!(offer(&mut stranger, both, OLD_CA), Step::Keep(_)));
    }

    #[test]
    fn l2_a_session_brings_only_so_many() {
        let mut one = anchor();
        let asked = (0..=ROOT_STEPS_MAX).map(|_| one.handle_next(vec![b'{'], &[OLD_CA], NOW)).collect::<Vec<_>>();
        let broken = asked.iter().filter(|step| matches!(step, Step::Broken(_))).count();
        assert_eq!((broken, matches!(asked.last(), Some(Step::Broken(_)))), (1, true));
        one.handle_session();
        assert!(matches!(one.handle_next(vec![b'{'], &[OLD_CA], NOW), Step::Refused { .. }));
    }

    proptest! {
        #[test]
        fn l2_the_root_in_force_only_goes_up_and_every_step_of_it_was_kept(
            offers in prop::collection::vec((0u32..5, 1u8..4, prop::collection::vec(1u8..4, 0..4), any::<bool>(), any::<bool>()), 1..30)
        ) {
            let mut anchor = anchor();
            let mut kept = vec![(anchor.root().clone(), signed(anchor.root(), &[&key(1)]))];
            for (version, owner, signers, over, old) in offers {
                let ca = if old { OLD_CA } else { NEW_CA };
                let next = root(version, &key(owner), &[ca], if over { NOW.0 } else { i64::MAX });
                let signers: Vec<Key> = signers.into_iter().map(key).collect();
                let octets = signed(&next, &signers.iter().collect::<Vec<_>>());
                let before = anchor.root().version;
                if let Step::Keep(documents) = anchor.handle_next(octets, &[OLD_CA], NOW) {
                    for document in documents {
                        kept.push((document.root.clone(), document.octets.clone()));
                        anchor.handle_kept(document, NOW);
                    }
                }
                prop_assert!(anchor.root().version >= before);
                prop_assert!(anchor.root().expires > NOW && anchor.root().names_ca(OLD_CA));
            }
            for pair in kept.windows(2) {
                let root = pair[0].0.next(&sha256(&pair[0].1), &pair[1].1);
                prop_assert_eq!(root.as_ref(), Ok(&pair[1].0));
            }
            prop_assert_eq!(&kept.last().unwrap().0, anchor.root());
        }
    }
}
