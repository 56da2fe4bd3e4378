//! The signed list: what every sensor looks for, by whose word, which number.
//!
//! A publication is a *manifest* (signed JSON, see [`crate::trust`]) and a *base*: the indicators as one file.
//!
//! ```text
//! base   "VARDEL01"  8 octets
//!        count       u64, big endian
//!        entries     count × (length u16 big endian ‖ one Indicator by the codec)
//! ```
//! Sorted by pattern, then id, so that the same indicators always give the same octets and the same hash.

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::codec::{self, Malformed};
use crate::id::Revision;
use crate::indicator::Indicator;
use crate::limits::{LIST_BASE_MAX_OCTETS, LIST_ENTRY_MAX_OCTETS, LIST_MAX_INDICATORS, MANIFEST_MAX_OCTETS};
use crate::time::Timestamp;
use crate::trust::{self, Domain, Root, Untrusted, hex};

const MAGIC: &[u8; 8] = b"VARDEL01";
/// The channel every sensor follows unless told otherwise.
pub const CHANNEL_ALL: &str = "all";

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
    /// Indicators in the base.
    pub count: u64,
    /// Octets of the base.
    pub base_octets: u64,
    /// BLAKE3 of the base, 64 hex digits.
    pub base_blake3: String,
    /// The oldest agent that can use it.
    pub minimum_agent: String,
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
    /// The base cannot be read.
    #[error("the list's content cannot be read: {0}")]
    Malformed(#[from] Malformed),
    /// Needs a newer program.
    #[error("the list needs varde-agent {0} or newer; update this sensor")]
    NeedsNewerAgent(String),
}

/// Writes a base.
///
/// # Errors
/// [`Refused::TooLarge`]; an indicator too long to write is [`Malformed`].
pub fn write_base(mut indicators: Vec<Indicator>) -> Result<Vec<u8>, Refused> {
    indicators.sort_by(|a, b| (&a.pattern, a.id).cmp(&(&b.pattern, b.id)));
    let count = indicators.len() as u64;
    if count > LIST_MAX_INDICATORS {
        return Err(Refused::TooLarge(count));
    }
    let mut base = Vec::with_capacity(16 + indicators.len() * 48);
    base.extend_from_slice(MAGIC);
    base.extend_from_slice(&count.to_be_bytes());
    for indicator in &indicators {
        let entry = codec::encode(indicator).map_err(|error| Malformed::Refused(error.to_string()))?;
        let len = u16::try_from(entry.len()).ok().filter(|&len| usize::from(len) <= LIST_ENTRY_MAX_OCTETS);
        let len = len.ok_or(Malformed::TooLarge { size: entry.len(), max: LIST_ENTRY_MAX_OCTETS })?;
        base.extend_from_slice(&len.to_be_bytes());
        base.extend_from_slice(&entry);
    }
    match base.len() as u64 {
        octets if octets > LIST_BASE_MAX_OCTETS => Err(Refused::TooLarge(octets)),
        _ => Ok(base),
    }
}

/// Reads a base whole.
///
/// # Errors
/// [`Malformed`]; never allocates more than the octets given can hold.
pub fn read_base(base: &[u8]) -> Result<Vec<Indicator>, Malformed> {
    let rest = base.strip_prefix(MAGIC).ok_or_else(|| Malformed::Refused("it does not begin with VARDEL01".into()))?;
    let (count, mut rest) = rest.split_first_chunk::<8>().ok_or(Malformed::CutShort)?;
    let count = u64::from_be_bytes(*count);
    // The smallest entry has some ten octets; the announced count reserves no more than could be there.
    let room = usize::try_from(count).unwrap_or(usize::MAX).min(rest.len() / 10);
    let mut indicators = Vec::with_capacity(room);
    for _ in 0..count {
        let (len, after) = rest.split_first_chunk::<2>().ok_or(Malformed::CutShort)?;
        let len = usize::from(u16::from_be_bytes(*len));
        if len > LIST_ENTRY_MAX_OCTETS {
            return Err(Malformed::TooLarge { size: len, max: LIST_ENTRY_MAX_OCTETS });
        }
        let (entry, after) = after.split_at_checked(len).ok_or(Malformed::CutShort)?;
        indicators.push(codec::decode(entry)?);
        rest = after;
    }
    if rest.is_empty() { Ok(indicators) } else { Err(Malformed::LeftOver(rest.len())) }
}

impl Manifest {
    /// The manifest that names `base`.
    pub fn of(base: &[u8], count: u64, revision: Revision, created: Timestamp, expires: Timestamp) -> Manifest {
        Manifest {
            channel: CHANNEL_ALL.to_owned(),
            revision,
            created,
            expires,
            count,
            base_octets: base.len() as u64,
            base_blake3: hex(blake3::hash(base).as_bytes()),
            minimum_agent: "0.1.0".to_owned(),
        }
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

    /// Holds a received base against the manifest and reads it.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn open(&self, base: &[u8]) -> Result<Vec<Indicator>, Refused> {
        if base.len() as u64 != self.base_octets {
            return Err(Refused::WrongSize { announced: self.base_octets, found: base.len() as u64 });
        }
        if hex(blake3::hash(base).as_bytes()) != self.base_blake3 {
            return Err(Refused::WrongHash);
        }
        Ok(read_base(base)?)
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

    fn publish(revision: u64) -> (Manifest, Vec<u8>, Vec<u8>) {
        let base = write_base(indicators(&["evil.no", "192.0.2.0/24:443", "=a.no", "2001:db8::1"])).unwrap();
        let manifest = Manifest::of(&base, 4, Revision(revision), Timestamp(1), Timestamp::MAX);
        let octets = manifest.sign(&[&key()]).unwrap();
        (manifest, octets, base)
    }

    #[test]
    fn the_same_indicators_give_the_same_base_in_any_order() {
        let mut list = indicators(&["b.no", "a.no", "10.0.0.1"]);
        let one = write_base(list.clone()).unwrap();
        list.reverse();
        assert_eq!(write_base(list).unwrap(), one);
        assert_eq!(read_base(&one).unwrap().len(), 3);
    }

    #[test]
    fn l2_a_list_must_be_signed_newer_whole_and_ours() {
        let root = root_with(&[&key()], 1);
        let (manifest, octets, base) = publish(7);
        assert_eq!(Manifest::accept(&octets, &root, CHANNEL_ALL, Revision(6)), Ok(manifest.clone()));
        assert_eq!(manifest.open(&base).map(|list| list.len()), Ok(4));

        let older = Manifest::accept(&octets, &root, CHANNEL_ALL, Revision(7));
        assert_eq!(older, Err(Refused::TooOld { offered: Revision(7), floor: Revision(7) }));
        let other_root = root_with(&[&SigningKey::from_bytes(&[6; 32])], 1);
        assert!(matches!(Manifest::accept(&octets, &other_root, CHANNEL_ALL, Revision(0)), Err(Refused::Untrusted(_))));
        assert!(matches!(Manifest::accept(&octets, &root, "pilot", Revision(0)), Err(Refused::WrongChannel(_))));
        assert!(matches!(manifest.open(&base[..base.len() - 1]), Err(Refused::WrongSize { .. })));
        let mut changed = base.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(manifest.open(&changed), Err(Refused::WrongHash));
        let needs = Manifest { minimum_agent: "99.0.0".into(), ..manifest };
        let needs = needs.sign(&[&key()]).unwrap();
        assert!(matches!(Manifest::accept(&needs, &root, CHANNEL_ALL, Revision(0)), Err(Refused::NeedsNewerAgent(_))));
    }

    proptest! {
        #[test]
        fn hostile_bases_and_manifests_are_refused_without_harm(octets in prop::collection::vec(any::<u8>(), 0..400), cut in 0usize..200) {
            let root = root_with(&[&key()], 1);
            prop_assert!(Manifest::accept(&octets, &root, CHANNEL_ALL, Revision(0)).is_err());
            let _ = read_base(&octets);
            let (_, _, base) = publish(1);
            let mut torn = base.clone();
            torn.truncate(cut);
            torn.extend_from_slice(&octets);
            let _ = read_base(&torn);
            let mut lying = base;
            lying[8..16].fill(0xff);
            prop_assert_eq!(read_base(&lying), Err(Malformed::CutShort));
        }
    }
}
