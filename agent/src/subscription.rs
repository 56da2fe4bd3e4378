//! Which list is in force, and what it takes for another to replace it. Told what arrives; says what to keep and answer.
//!
//! An offer is held against the root, the channel and the floor before its base is fetched; the base is hashed as it arrives and goes
//! to disk piece by piece, up to its declared size and not an octet further; only what is whole, hashed and readable is
//! kept, and only what is kept comes into force. Changes over the base in force are hashed and read in the same way, and stand
//! with it or not at all. Whatever is wrong with an offer, the list before it stays.

use std::collections::BTreeSet;

use varde_common::channel::Placement;
use varde_common::codec::Text;
use varde_common::id::Revision;
use varde_common::limits::LIST_BASE_MAX_OCTETS;
use varde_common::list::{CHANNEL_ALL, Manifest, Refused};
use varde_common::message::{ChannelOutcome, Holds, ListOutcome};
use varde_common::rotation::is_replaced;
use varde_common::time::Timestamp;
use varde_common::trust::{Root, from_hex, hex, sha256};

use crate::floor::{Floor, stand};
use crate::placed::Placed;

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
    Keep(Box<Arrived>),
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

/// A list that has arrived whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// What it says.
    pub manifest: Manifest,
    /// The same, as it was signed.
    pub signed: Vec<u8>,
    /// Its base is in the file; else it is the one in force.
    pub whole: bool,
    /// Its changes over the base; none where it has no such part.
    pub overlay: Vec<u8>,
}

#[derive(Debug)]
enum Receiving {
    Nothing,
    Base {
        arrived: Box<Arrived>,
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
    /// Which channel is followed.
    placed: Placed,
    /// Of that channel.
    floor: Floor,
    in_force: Revision,
    /// The channel of the list in force; another than is followed where none of that one has come yet.
    channel_in_force: String,
    /// Indicators in the list in force, and its base.
    indicators: u64,
    base: Option<[u8; 32]>,
    receiving: Receiving,
    /// The number of the offer that was accepted last.
    offered: Revision,
    /// And who signed it.
    offered_by: BTreeSet<String>,
    /// Enough of those who signed the list in force have the role still.
    stands: bool,
    /// Who they are; none where nobody has written them down.
    in_force_by: BTreeSet<String>,
    /// That ended in this session, and the collector may not know.
    is_forsaken: bool,
    /// The list that was named as the newest, and the hash of its manifest.
    named: Option<(Revision, String)>,
    /// Changes came over a base that is not here.
    asks_whole: bool,
}

impl Subscription {
    /// With what the disk holds: the highest revision ever accepted and the one in force (0 = none).
    pub fn new(root: Root, floor: Revision, in_force: Revision) -> Subscription {
        let (receiving, offered) = (Receiving::Nothing, Revision(0));
        let floor = Floor::of(floor.max(in_force));
        let (indicators, base) = (0, None);
        Subscription {
            root,
            placed: Placed::default(),
            floor,
            in_force,
            channel_in_force: CHANNEL_ALL.to_owned(),
            indicators,
            base,
            receiving,
            offered,
            offered_by: BTreeSet::new(),
            stands: true,
            in_force_by: BTreeSet::new(),
            is_forsaken: false,
            named: None,
            asks_whole: false,
        }
    }

    /// The same of a sensor that follows this channel, of which this is the floor.
    #[must_use]
    pub fn with_channel(self, placed: Placed, floor: impl Into<Floor>) -> Subscription {
        Subscription { placed, floor: floor.into(), ..self }
    }

    /// The same with what the list in force has in it.
    #[must_use]
    pub fn with_list(mut self, manifest: &Manifest) -> Subscription {
        self.holds_list(manifest);
        self
    }

    /// The same with who signed that list.
    #[must_use]
    pub fn with_signers(self, in_force_by: BTreeSet<String>) -> Subscription {
        Subscription { in_force_by, ..self }
    }

    fn holds_list(&mut self, manifest: &Manifest) {
        (self.indicators, self.base) = (manifest.count, from_hex(&manifest.base_blake3));
        self.channel_in_force.clone_from(&manifest.channel);
    }

    /// The same where the list in force was signed by keys that the root no longer names: it is matched against, and that
    /// is all.
    #[must_use]
    pub fn with_list_of_before(self, floor: impl Into<Floor>) -> Subscription {
        Subscription { floor: floor.into(), stands: false, ..self }
    }

    /// The list that none below is wanted of: the one in force, unless the root no longer stands for it.
    pub fn held(&self) -> Revision {
        if self.counts() { self.in_force } else { Revision(0) }
    }

    /// Whether the list in force is of the channel that is followed, by keys that the root names: it counts as a floor, and
    /// none like it is wanted.
    fn counts(&self) -> bool {
        self.stands && !self.is_elsewhere()
    }

    /// Whether what is in force is another channel's.
    fn is_elsewhere(&self) -> bool {
        self.in_force > Revision(0) && self.channel_in_force != self.placed.channel().as_str()
    }

    /// Which channel is followed.
    pub fn placed(&self) -> &Placed {
        &self.placed
    }

    /// Another channel is followed, by a word that is on disk; its floor. What is in force is matched against until a list of
    /// that channel is here.
    pub fn handle_placed(&mut self, placement: Placement, floor: impl Into<Floor>) -> ChannelOutcome {
        if placement.channel != *self.placed.channel() {
            if let Receiving::Base { .. } = self.receiving {
                self.receiving = Receiving::Skipping { octets: 0 };
            }
            (self.floor, self.named) = (floor.into(), None);
        }
        self.placed.handle_kept(placement)
    }

    /// What is said in front of the first word on the stream of lists.
    pub fn holds(&self) -> Holds {
        let channel = Text::cut(self.placed.channel().as_str());
        Holds { channel, placed_at: self.placed.at(), base: self.base }
    }

    /// Whether a list that was accepted is on its way.
    pub fn is_receiving(&self) -> bool {
        matches!(self.receiving, Receiving::Base { .. })
    }

    /// Another root document is in force. Gives whether the floor fell with it, or the list in force is nobody's any more: a key
    /// that is retired takes both with it, where too few of those who signed are left.
    pub fn handle_root(&mut self, root: Root) -> bool {
        let replaced = is_replaced(&self.root.roles.list, &root.roles.list);
        let (fell, held) = (self.floor.handle_root(&self.root, &root), self.held());
        let left = stand(&self.in_force_by, &root.roles.list) || (self.in_force_by.is_empty() && !replaced);
        self.stands = self.stands && left;
        // Where all keys are others the collector knows it by the document.
        self.is_forsaken |= held > self.held() && !replaced;
        self.root = root;
        // What has begun to arrive was held against the root before.
        if let Receiving::Base { .. } = self.receiving {
            self.receiving = Receiving::Skipping { octets: 0 };
        }
        if replaced {
            self.stands = false;
            self.placed.handle_keys_replaced();
        }
        fell || held > self.held()
    }

    /// Of those who signed the word of which channel to follow too few are left.
    pub fn handle_word_forsaken(&mut self) {
        self.placed.handle_keys_replaced();
    }

    /// Whether the list in force lost its standing in this session, so that the collector may think that none is wanted.
    pub fn is_forsaken(&self) -> bool {
        self.is_forsaken && !self.is_receiving()
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
        self.floor.revision()
    }

    /// The same with who signed what.
    pub fn whole_floor(&self) -> &Floor {
        &self.floor
    }

    /// What it is once this list, which has just arrived, is in force.
    pub fn floor_with(&self, manifest: &Manifest) -> Floor {
        let by = if manifest.revision == self.offered { self.offered_by.clone() } else { BTreeSet::new() };
        self.floor.clone().with(manifest.revision, by)
    }

    /// A new session: what was half received is forgotten.
    pub fn handle_session(&mut self) {
        (self.receiving, self.is_forsaken) = (Receiving::Nothing, false);
    }

    /// Whether the list just refused is to be asked for whole; once for each.
    pub fn takes_ask_for_whole(&mut self) -> bool {
        std::mem::take(&mut self.asks_whole)
    }

    /// A manifest arrived, its base behind it.
    pub fn handle_offer(&mut self, manifest_octets: Vec<u8>, earliest: Timestamp) -> Step {
        self.handle_publication(manifest_octets, true, earliest)
    }

    /// A manifest arrived; whether its base follows, or its changes alone; the earliest time that it may be by now. One that has
    /// run out is taken only where there is none: whoever has one is told rather than given what somebody kept back.
    pub fn handle_publication(&mut self, manifest_octets: Vec<u8>, whole: bool, earliest: Timestamp) -> Step {
        // A list that was accepted and then lost (a damaged disk, another channel for a while) may come again under its own
        // number, none older.
        let floor = self.floor();
        let lost = self.is_elsewhere() || !self.stands || self.in_force < floor;
        let floor = if lost { Revision(floor.0.saturating_sub(1)) } else { floor };
        let accepted = Manifest::accept(&manifest_octets, &self.root, self.placed.channel().as_str(), floor);
        let accepted = accepted.and_then(|manifest| {
            // What is matched against counts, whoever stands for it by now.
            manifest.guard(self.indicators)?;
            if self.in_force > Revision(0) && manifest.expires <= earliest {
                return Err(Refused::Expired(manifest.expires));
            }
            let manifest = self.is_named(manifest, &manifest_octets)?;
            let over_ours = manifest.overlay.is_some()
                && self.base.is_some_and(|ours| Some(ours) == from_hex(&manifest.base_blake3));
            if whole || over_ours { Ok(manifest) } else { Err(Refused::AnotherBase) }
        });
        match accepted {
            Ok(manifest) => {
                self.offered = manifest.revision;
                self.offered_by = Manifest::signers(&manifest_octets, &self.root);
                let arrived = Arrived { manifest, signed: manifest_octets.clone(), whole, overlay: Vec::new() };
                self.receiving = Receiving::Base { arrived: Box::new(arrived), hasher: Box::default(), octets: 0 };
                if whole { Step::Begin { manifest: manifest_octets } } else { Step::Wait }
            }
            Err(refused) => {
                self.asks_whole = refused == Refused::AnotherBase;
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
            Receiving::Base { arrived, .. } if !arrived.whole => {
                Step::Broken("a base came where changes were announced")
            }
            Receiving::Base { arrived, hasher, octets } => {
                *octets += chunk.len() as u64;
                let Arrived { manifest, .. } = &**arrived;
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

    /// Octets of the changes arrived.
    pub fn handle_overlay_chunk(&mut self, chunk: &[u8]) -> Step {
        match &mut self.receiving {
            Receiving::Nothing => Step::Broken("a piece of a list's changes came without an offer"),
            Receiving::Skipping { octets: skipped } => {
                *skipped += chunk.len() as u64;
                if *skipped > LIST_BASE_MAX_OCTETS { Step::Broken("a list came that never ends") } else { Step::Wait }
            }
            Receiving::Base { arrived, .. } => {
                let (announced, found) =
                    (arrived.manifest.overlay_octets(), (arrived.overlay.len() + chunk.len()) as u64);
                if found <= announced {
                    arrived.overlay.extend_from_slice(chunk);
                    return Step::Wait;
                }
                let revision = arrived.manifest.revision;
                self.receiving = Receiving::Skipping { octets: found };
                self.refuse(revision, &Refused::WrongSize { announced, found })
            }
        }
    }

    /// The base is complete, and what else belongs to the list.
    pub fn handle_end(&mut self) -> Step {
        match std::mem::replace(&mut self.receiving, Receiving::Nothing) {
            Receiving::Nothing => Step::Broken("a list ended that never began"),
            Receiving::Skipping { .. } => Step::Wait,
            Receiving::Base { arrived, hasher, octets } => {
                let Arrived { manifest, whole, overlay, .. } = &*arrived;
                let base = if *whole { manifest.check(octets, &hasher.finalize()) } else { Ok(()) };
                match base.and_then(|()| manifest.check_overlay(overlay)) {
                    Ok(()) => Step::Keep(arrived),
                    Err(refused) => self.refuse(manifest.revision, &refused),
                }
            }
        }
    }

    /// The list is on disk and in force since then.
    pub fn handle_stored(&mut self, manifest: &Manifest, since: Timestamp) -> ListOutcome {
        let revision = manifest.revision;
        self.holds_list(manifest);
        self.floor = self.floor_with(manifest);
        self.in_force_by = std::mem::take(&mut self.offered_by);
        (self.in_force, self.stands, self.is_forsaken) = (revision, true, false);
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
pub(crate) mod tests;
