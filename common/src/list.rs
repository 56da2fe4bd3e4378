//! The signed list: what every sensor looks for, by whose word, which number.
//!
//! A publication is a *manifest* (signed JSON, see [`crate::trust`]) and a *base*: the indicators as one file, in the
//! form in which they are matched (its octets: `matcher/base.rs`). The manifest names the base's octets by their hash, and
//! what is in it by the hash of its [`Content`]: the same indicators compiled anew with another seed are another file and
//! the same content.
//!
//! What holds a half or less of what is in force is taken only where its manifest says that it shrinks: a mistake at the
//! collector must not blind a thousand sensors at once. Programs from before that was said cannot read a manifest that says
//! it; they get one of their own ([`Manifest::for_older`]), signed as well.

use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::confidential::ConfidentialKey;
use crate::id::Revision;
use crate::indicator::Indicator;
use crate::limits::{
    LIST_BASE_MAX_OCTETS, LIST_MAX_INDICATORS, LIST_SHRINK_ABOVE, MANIFEST_MAX_OCTETS, OVERLAY_MAX_OCTETS,
};
use crate::matcher::{BadBase, Builder, IndicatorSet, NotBuilt, Overlay, Seed, Storage};
use crate::overlay::BadOverlay;
use crate::time::Timestamp;
use crate::trust::{self, Domain, Root, Untrusted, hex};

/// The channel every sensor follows unless told otherwise.
pub const CHANNEL_ALL: &str = "all";
/// The channel of those that get a list first.
pub const CHANNEL_PILOT: &str = "pilot";

/// What is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// For whom.
    pub channel: String,
    /// Its number; only grows.
    pub revision: Revision,
    /// When it was made.
    pub created: Timestamp,
    /// After this it is old; it keeps matching all the same.
    pub expires: Timestamp,
    /// Indicators in the list: in the base, with the changes.
    pub count: u64,
    /// Octets of the base.
    pub base_octets: u64,
    /// BLAKE3 of the base, 64 hex digits.
    pub base_blake3: String,
    /// BLAKE3 of what is in it ([`Content`]), 64 hex digits.
    pub content_blake3: String,
    /// The oldest agent that can use it.
    pub minimum_agent: String,
    /// Somebody wants it to hold a half or less of what a sensor may have in force ([`is_shrunken`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shrinks: bool,
    /// What has changed since the base was made, in a file of its own; none = the base is all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlay: Option<OverlayFile>,
}

/// A file of changes over a base ([`crate::overlay`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverlayFile {
    /// Its octets.
    pub octets: u64,
    /// BLAKE3 of it, 64 hex digits.
    pub blake3: String,
}

/// Whether a list with `count` indicators in place of one with `held` is empty or much shrunken: what nobody does without
/// saying so.
pub fn is_shrunken(held: u64, count: u64) -> bool {
    match count {
        0 => held > 0,
        _ => held > LIST_SHRINK_ABOVE && count <= held / 2,
    }
}

/// Why a list is not taken into force. The one before stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The signatures are not good.
    #[error("the list's manifest is not to be trusted: {0}")]
    Untrusted(#[from] Untrusted),
    /// Not newer than what was accepted before.
    #[error("revision {offered} is not newer than revision {floor}, which was accepted before")]
    TooOld {
        /// Offered.
        offered: Revision,
        /// Highest ever accepted.
        floor: Revision,
    },
    /// One of its number was named as the newest, and it is another.
    #[error("another list with number {0} was named as the newest than the one that is sent")]
    NotTheNamed(Revision),
    /// Meant for others.
    #[error("the list is for channel \"{0}\", which this sensor does not follow")]
    WrongChannel(String),
    /// Larger than any list may be.
    #[error("the list announces {0} bytes or indicators; that is more than any list may have")]
    TooLarge(u64),
    /// The octets received are not those announced.
    #[error("the list has {found} bytes where its manifest says {announced}")]
    WrongSize {
        /// Announced.
        announced: u64,
        /// Received.
        found: u64,
    },
    /// The hash differs.
    #[error("the list's content is not what its manifest names (BLAKE3 differs)")]
    WrongHash,
    /// The base cannot be used.
    #[error("the list's content cannot be read: {0}")]
    BadBase(#[from] BadBase),
    /// The base holds another number of indicators.
    #[error("the list holds {found} indicators where its manifest says {announced}")]
    WrongCount {
        /// Announced.
        announced: u64,
        /// In the base.
        found: u64,
    },
    /// A half of what is in force or less, and nobody has said that this is meant.
    #[error(
        "the list has {offered} indicators and {held} are in force; its manifest does not say that it shrinks (publish --allow-shrink)"
    )]
    Shrunken {
        /// Offered.
        offered: u64,
        /// In force.
        held: u64,
    },
    /// It ran out before it came, and there is one in force.
    #[error("the list was good until {0}; that has passed, and the one in force is kept: publish anew")]
    Expired(Timestamp),
    /// Changes over a base that this sensor does not have.
    #[error("the list comes as changes over another base than the one in force")]
    AnotherBase,
    /// The changes cannot be used.
    #[error("the list's changes cannot be read: {0}")]
    BadOverlay(#[from] BadOverlay),
    /// The changes cannot be put over the base.
    #[error("the list's changes cannot be put over its base: {0}")]
    NotBuilt(#[from] NotBuilt),
    /// Needs a newer program.
    #[error("the list needs varde-agent {0} or newer; update this sensor")]
    NeedsNewerAgent(String),
}

/// A base of these indicators in whatever order they come. For large lists there is [`Builder`].
///
/// # Errors
/// [`NotBuilt`].
pub fn write_base(mut indicators: Vec<Indicator>, seed: Seed) -> Result<(Vec<u8>, Content), NotBuilt> {
    indicators.sort_by_key(|indicator| indicator.id);
    let mut builder = Builder::new(seed, ConfidentialKey::default());
    let mut content = ContentHasher::default();
    for indicator in &indicators {
        builder.add(indicator.id, (&indicator.pattern).into(), &indicator.into())?;
        content.add(indicator);
    }
    Ok((builder.finish()?.into_octets(), content.finish()))
}

/// What a list says, whatever file says it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// Indicators.
    pub count: u64,
    /// BLAKE3 over all indicators by number, each as length u32, little endian, ‖ the indicator by the codec; 64 hex
    /// digits.
    pub blake3: String,
}

/// Hashes what a list says, indicator by indicator.
#[derive(Debug, Clone, Default)]
pub struct ContentHasher {
    hasher: blake3::Hasher,
    count: u64,
}

impl ContentHasher {
    /// Adds an indicator; they come in the order of their numbers.
    pub fn add(&mut self, indicator: &Indicator) {
        // None of ours is one that cannot be written.
        let octets = codec::encode(indicator).unwrap_or_default();
        self.hasher.update(&u32::try_from(octets.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.hasher.update(&octets);
        self.count += 1;
    }

    /// What has been added.
    pub fn finish(&self) -> Content {
        Content { count: self.count, blake3: hex(self.hasher.finalize().as_bytes()) }
    }
}

impl Manifest {
    /// The manifest that names `base`, which holds `content`.
    pub fn of(base: &[u8], content: &Content, revision: Revision, created: Timestamp, expires: Timestamp) -> Manifest {
        Manifest {
            channel: CHANNEL_ALL.to_owned(),
            revision,
            created,
            expires,
            count: content.count,
            base_octets: base.len() as u64,
            base_blake3: hex(blake3::hash(base).as_bytes()),
            content_blake3: content.blake3.clone(),
            minimum_agent: "0.1.0".to_owned(),
            shrinks: false,
            overlay: None,
        }
    }

    /// The same list for sensors whose program is from before a manifest could say that a list shrinks; none where this one
    /// is of that form, or they would not follow its channel.
    ///
    /// `whole` is a base that holds all of it.
    pub fn for_older(&self, whole: &[u8]) -> Option<Manifest> {
        let ours = self.channel == CHANNEL_ALL && (self.shrinks || self.overlay.is_some());
        ours.then(|| Manifest {
            base_octets: whole.len() as u64,
            base_blake3: hex(blake3::hash(whole).as_bytes()),
            shrinks: false,
            overlay: None,
            ..self.clone()
        })
    }

    /// The same list as changes over a base that is there already.
    #[must_use]
    pub fn over(self, base: &Manifest, overlay: &[u8]) -> Manifest {
        let overlay = OverlayFile { octets: overlay.len() as u64, blake3: hex(blake3::hash(overlay).as_bytes()) };
        let (base_octets, base_blake3) = (base.base_octets, base.base_blake3.clone());
        Manifest { base_octets, base_blake3, overlay: Some(overlay), ..self }
    }

    /// Octets of its changes; 0 where it has none.
    pub fn overlay_octets(&self) -> u64 {
        self.overlay.as_ref().map_or(0, |overlay| overlay.octets)
    }

    /// Holds the changes' size and hash against the manifest.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn check_overlay(&self, overlay: &[u8]) -> Result<(), Refused> {
        let (announced, found) = (self.overlay_octets(), overlay.len() as u64);
        if found != announced {
            return Err(Refused::WrongSize { announced, found });
        }
        match &self.overlay {
            Some(file) if hex(blake3::hash(overlay).as_bytes()) != file.blake3 => Err(Refused::WrongHash),
            Some(_) | None => Ok(()),
        }
    }

    /// The list as it is matched: its base, and the changes where it has some. Both were held against the manifest before.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn complete(&self, base: &IndicatorSet, overlay: &[u8]) -> Result<IndicatorSet, Refused> {
        let set = match &self.overlay {
            Some(_) => base.with_overlay(&Overlay::from_octets(overlay)?)?,
            None => base.clone(),
        };
        match set.len() as u64 {
            found if found != self.count => Err(Refused::WrongCount { announced: self.count, found }),
            _ => Ok(set),
        }
    }

    /// Whether it may take the place of a list with so many indicators.
    ///
    /// # Errors
    /// [`Refused::Shrunken`].
    pub fn guard(&self, held: u64) -> Result<(), Refused> {
        if is_shrunken(held, self.count) && !self.shrinks {
            return Err(Refused::Shrunken { offered: self.count, held });
        }
        Ok(())
    }

    /// Signs it.
    ///
    /// # Errors
    /// None for our own manifests; the type of JSON demands it.
    pub fn sign(&self, keys: &[&SigningKey]) -> Result<Vec<u8>, serde_json::Error> {
        trust::sign(Domain::List, self, keys)
    }

    /// Reads a manifest that the root's list role has signed, that is for `channel`, newer than `floor`, within all
    /// bounds and usable by this version. Only then is its base worth fetching.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn accept(octets: &[u8], root: &Root, channel: &str, floor: Revision) -> Result<Manifest, Refused> {
        let manifest = Manifest::verify(octets, root)?;
        if manifest.channel != channel {
            return Err(Refused::WrongChannel(manifest.channel));
        }
        if manifest.revision <= floor {
            return Err(Refused::TooOld { offered: manifest.revision, floor });
        }
        if manifest.base_octets > LIST_BASE_MAX_OCTETS {
            return Err(Refused::TooLarge(manifest.base_octets));
        }
        if manifest.overlay_octets() > OVERLAY_MAX_OCTETS {
            return Err(Refused::TooLarge(manifest.overlay_octets()));
        }
        if manifest.count > LIST_MAX_INDICATORS {
            return Err(Refused::TooLarge(manifest.count));
        }
        if newer(&manifest.minimum_agent, env!("CARGO_PKG_VERSION")) {
            return Err(Refused::NeedsNewerAgent(manifest.minimum_agent));
        }
        Ok(manifest)
    }

    /// Reads a manifest that the root's list role has signed, whatever its number.
    ///
    /// # Errors
    /// [`Refused::Untrusted`].
    pub fn verify(octets: &[u8], root: &Root) -> Result<Manifest, Refused> {
        if octets.len() > MANIFEST_MAX_OCTETS {
            return Err(Refused::TooLarge(octets.len() as u64));
        }
        Ok(trust::verify(Domain::List, octets, &root.keys, &root.roles.list)?)
    }

    /// The ids of the list role's keys that have signed a manifest; none where they are too few.
    pub fn signers(octets: &[u8], root: &Root) -> BTreeSet<String> {
        trust::signers(Domain::List, octets, &root.keys, &root.roles.list).unwrap_or_default()
    }

    /// Holds a base's size and hash against the manifest, however they were come by.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn check(&self, octets: u64, hash: &blake3::Hash) -> Result<(), Refused> {
        if octets != self.base_octets {
            return Err(Refused::WrongSize { announced: self.base_octets, found: octets });
        }
        if hex(hash.as_bytes()) != self.base_blake3 {
            return Err(Refused::WrongHash);
        }
        Ok(())
    }

    /// Opens a base whose hash has been held against the manifest already ([`Manifest::check`]).
    ///
    /// # Errors
    /// [`Refused`].
    pub fn open_checked(&self, base: Storage) -> Result<IndicatorSet, Refused> {
        self.complete(&IndicatorSet::open(base)?, &[])
    }

    /// Holds a base in memory against the manifest and opens it.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn open(&self, base: Vec<u8>) -> Result<IndicatorSet, Refused> {
        self.check(base.len() as u64, &blake3::hash(&base))?;
        self.open_checked(std::sync::Arc::new(base))
    }
}

/// Whether version `a` (dotted numbers) is newer than `b`. What is no number counts as newest: better refused than
/// misread.
fn newer(a: &str, b: &str) -> bool {
    let parts = |v: &str| v.split('.').map(|part| part.parse::<u32>().unwrap_or(u32::MAX)).collect::<Vec<_>>();
    parts(a) > parts(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::IndicatorId;
    use crate::trust::tests::root_with;
    use proptest::prelude::*;

    fn indicators(list: &[&str]) -> Vec<Indicator> {
        let list = list.iter().enumerate();
        list.map(|(n, p)| Indicator::bare(IndicatorId(n as u64), p.parse().unwrap())).collect()
    }

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[5; 32])
    }

    fn seed(octet: u8) -> Seed {
        Seed::from_octets([octet; 16])
    }

    fn publish(revision: u64) -> (Manifest, Vec<u8>, Vec<u8>) {
        let list = indicators(&["evil.no", "192.0.2.0/24:443", "=a.no", "2001:db8::1"]);
        let (base, content) = write_base(list, seed(3)).unwrap();
        let manifest = Manifest::of(&base, &content, Revision(revision), Timestamp(1), Timestamp::MAX);
        let octets = manifest.sign(&[&key()]).unwrap();
        (manifest, octets, base)
    }

    #[test]
    fn the_same_indicators_give_the_same_base_in_any_order_and_the_same_content_with_any_seed() {
        let mut list = indicators(&["b.no", "a.no", "10.0.0.1"]);
        let (one, content) = write_base(list.clone(), seed(1)).unwrap();
        list.reverse();
        let (again, content_again) = write_base(list.clone(), seed(1)).unwrap();
        assert_eq!((&again, &content_again), (&one, &content));
        let (other, other_content) = write_base(list.clone(), seed(2)).unwrap();
        assert!(other != one && other_content == content);
        list.pop();
        assert_ne!(write_base(list, seed(1)).unwrap().1, content);
    }

    #[test]
    fn l2_a_list_must_be_signed_newer_whole_and_ours() {
        let root = root_with(&[&key()], 1);
        let (manifest, octets, base) = publish(7);
        assert_eq!(Manifest::accept(&octets, &root, CHANNEL_ALL, Revision(6)), Ok(manifest.clone()));
        assert_eq!(manifest.open(base.clone()).map(|set| set.len()), Ok(4));

        let older = Manifest::accept(&octets, &root, CHANNEL_ALL, Revision(7));
        assert_eq!(older, Err(Refused::TooOld { offered: Revision(7), floor: Revision(7) }));
        let other_root = root_with(&[&SigningKey::from_bytes(&[6; 32])], 1);
        assert!(matches!(Manifest::accept(&octets, &other_root, CHANNEL_ALL, Revision(0)), Err(Refused::Untrusted(_))));
        assert!(matches!(Manifest::accept(&octets, &root, "pilot", Revision(0)), Err(Refused::WrongChannel(_))));
        assert!(matches!(manifest.open(base[..base.len() - 1].to_vec()), Err(Refused::WrongSize { .. })));
        let mut changed = base.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(manifest.open(changed).map(|set| set.len()), Err(Refused::WrongHash));
        let lying = Manifest { count: 5, ..manifest.clone() };
        let refused = lying.open(base).map(|set| set.len());
        assert_eq!(refused, Err(Refused::WrongCount { announced: 5, found: 4 }));
        let needs = Manifest { minimum_agent: "99.0.0".into(), ..manifest };
        let needs = needs.sign(&[&key()]).unwrap();
        assert!(matches!(Manifest::accept(&needs, &root, CHANNEL_ALL, Revision(0)), Err(Refused::NeedsNewerAgent(_))));
    }

    #[test]
    fn l2_a_list_shrinks_only_where_it_says_so_and_older_programs_can_read_theirs() {
        for (held, count, shrunken) in [
            (0, 0, false),
            (0, 5, false),
            (1, 0, true),
            (20, 1, false),
            (20, 0, true),
            (21, 11, false),
            (21, 10, true),
            (1_000_000, 500_001, false),
            (1_000_000, 500_000, true),
            (u64::MAX, u64::MAX, false),
        ] {
            assert_eq!(is_shrunken(held, count), shrunken, "{held} {count}");
        }
        let (manifest, octets, base) = publish(7);
        assert!(!String::from_utf8_lossy(&octets).contains("shrinks"), "as programs from before read it");
        assert_eq!(manifest.guard(100), Err(Refused::Shrunken { offered: 4, held: 100 }));
        let said = Refused::Shrunken { offered: 4, held: 100 }.to_string();
        assert!(said.contains("has 4 indicators and 100 are in force"), "{said}");
        let meant = Manifest { shrinks: true, ..manifest.clone() };
        assert_eq!((meant.guard(100), manifest.guard(7)), (Ok(()), Ok(())));
        let signed = meant.sign(&[&key()]).unwrap();
        assert_eq!(Manifest::verify(&signed, &root_with(&[&key()], 1)), Ok(meant.clone()), "it is signed");
        assert_eq!((meant.for_older(&base), manifest.for_older(&base)), (Some(manifest), None));
        assert_eq!(Manifest { channel: "pilot".to_owned(), ..meant }.for_older(&base), None);
    }

    #[test]
    fn l2_changes_are_taken_over_their_own_base_whole_and_as_they_were_signed() {
        let (of_base, _, base) = publish(7);
        let set = of_base.open(base.clone()).unwrap();
        let wanted = indicators(&["evil.no", "192.0.2.0/24:443", "=a.no", "2001:db8::2", "more.no"]);
        let (whole, content) = write_base(wanted, seed(4)).unwrap();
        let whole_manifest = Manifest::of(&whole, &content, Revision(8), Timestamp(1), Timestamp::MAX);
        let wanted_set = whole_manifest.open(whole.clone()).unwrap();
        let overlay = Overlay::between(&set, &wanted_set).unwrap().to_octets();
        let manifest = whole_manifest.clone().over(&of_base, &overlay);
        let signed = manifest.sign(&[&key()]).unwrap();
        let root = root_with(&[&key()], 1);
        assert_eq!(Manifest::accept(&signed, &root, CHANNEL_ALL, Revision(7)), Ok(manifest.clone()));
        assert_eq!(manifest.for_older(&whole), Some(whole_manifest), "as if there were no changes");
        assert_eq!(manifest.check_overlay(&overlay), Ok(()));
        assert_eq!(manifest.complete(&set, &overlay).map(|set| set.len()), Ok(5));
        let cut = &overlay[..overlay.len() - 1];
        assert!(matches!(manifest.check_overlay(cut), Err(Refused::WrongSize { .. })));
        let mut torn = overlay.clone();
        torn[20] ^= 1;
        assert_eq!(manifest.check_overlay(&torn), Err(Refused::WrongHash));
        assert!(matches!(manifest.complete(&set, cut).map(|set| set.len()), Err(Refused::BadOverlay(_))));
        let lying = Manifest { count: 4, ..manifest.clone() };
        assert!(matches!(lying.complete(&set, &overlay).map(|set| set.len()), Err(Refused::WrongCount { .. })));
        let endless = OverlayFile { octets: OVERLAY_MAX_OCTETS + 1, ..manifest.overlay.clone().unwrap() };
        let endless = Manifest { overlay: Some(endless), ..manifest }.sign(&[&key()]).unwrap();
        assert!(matches!(Manifest::accept(&endless, &root, CHANNEL_ALL, Revision(7)), Err(Refused::TooLarge(_))));
    }

    proptest! {
        #[test]
        fn hostile_manifests_are_refused_without_harm(octets in prop::collection::vec(any::<u8>(), 0..400)) {
            let root = root_with(&[&key()], 1);
            prop_assert!(Manifest::accept(&octets, &root, CHANNEL_ALL, Revision(0)).is_err());
        }
    }
}
