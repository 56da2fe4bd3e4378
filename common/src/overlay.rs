//! The changes since a base was made, as a file of their own: what is published when little has changed (decision 24).
//!
//! ```text
//! "VARDEOV1" ‖ removed u32 ‖ added u32 ‖ each removed number u64, rising ‖ each added, by rising number:
//! octets u32 ‖ the indicator by the codec
//! ```
//! All numbers little endian. One set of changes makes one file; what is changed stands in both parts.

use std::collections::HashMap;

use crate::codec::{self, Malformed};
use crate::id::IndicatorId;
use crate::indicator::Indicator;
use crate::limits::{OVERLAY_INDICATOR_MAX_OCTETS, OVERLAY_MAX_CHANGES};
use crate::matcher::{IndicatorSet, Overlay};

const MAGIC: &[u8; 8] = b"VARDEOV1";

/// Why octets are no overlay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadOverlay {
    /// It begins otherwise.
    #[error("it does not begin with VARDEOV1")]
    NoOverlay,
    /// It ends before it is complete.
    #[error("it ends before its changes do")]
    CutShort,
    /// There is more than the changes.
    #[error("{0} bytes are left over after its changes")]
    LeftOver(usize),
    /// More changes than an overlay may have.
    #[error("it has {0} changes; that is more than any overlay may have")]
    TooMany(usize),
    /// A number that does not rise.
    #[error("its indicators are not in the order of their numbers")]
    NotRising,
    /// An indicator that is none.
    #[error("an indicator in it cannot be read: {0}")]
    Indicator(#[from] Malformed),
}

fn rises(last: &mut Option<IndicatorId>, next: IndicatorId) -> Result<(), BadOverlay> {
    match last.replace(next) {
        Some(last) if next <= last => Err(BadOverlay::NotRising),
        Some(_) | None => Ok(()),
    }
}

fn take<const N: usize>(octets: &mut &[u8]) -> Result<[u8; N], BadOverlay> {
    let (taken, rest) = octets.split_first_chunk::<N>().ok_or(BadOverlay::CutShort)?;
    *octets = rest;
    Ok(*taken)
}

impl Overlay {
    /// What leads from one set to another; none where that is more than an overlay may have, or where the other set's
    /// confidential indicators are hashed with another key than the first one's base: over that they would meet nothing.
    pub fn between(base: &IndicatorSet, wanted: &IndicatorSet) -> Option<Overlay> {
        if wanted.has_confidential() && base.confidential_key() != wanted.confidential_key() {
            return None;
        }
        let hash = |indicator: &Indicator| {
            // None of ours is one that cannot be written.
            let octets = codec::encode(indicator).unwrap_or_default();
            blake3::hash(&octets)
        };
        let mut theirs: HashMap<IndicatorId, blake3::Hash> =
            base.indicators().map(|one| (one.id, hash(&one))).collect();
        let mut overlay = Overlay::default();
        for indicator in wanted.indicators() {
            match theirs.remove(&indicator.id) {
                Some(there) if there == hash(&indicator) => continue,
                Some(_) => overlay.removed.push(indicator.id),
                None => {}
            }
            overlay.added.push(indicator);
            if overlay.changes() > OVERLAY_MAX_CHANGES {
                return None;
            }
        }
        overlay.removed.extend(theirs.into_keys());
        overlay.removed.sort_unstable();
        overlay.added.sort_unstable_by_key(|indicator| indicator.id);
        (overlay.changes() <= OVERLAY_MAX_CHANGES).then_some(overlay)
    }

    /// How many changes it has.
    pub fn changes(&self) -> usize {
        self.added.len() + self.removed.len()
    }

    /// As a file.
    pub fn to_octets(&self) -> Vec<u8> {
        let count = |list: usize| u32::try_from(list).unwrap_or(u32::MAX).to_le_bytes();
        let mut octets = MAGIC.to_vec();
        octets.extend_from_slice(&count(self.removed.len()));
        octets.extend_from_slice(&count(self.added.len()));
        for removed in &self.removed {
            octets.extend_from_slice(&removed.0.to_le_bytes());
        }
        for added in &self.added {
            let indicator = codec::encode(added).unwrap_or_default();
            octets.extend_from_slice(&count(indicator.len()));
            octets.extend_from_slice(&indicator);
        }
        octets
    }

    /// Reads a file. Nothing is kept room for before it is there.
    ///
    /// # Errors
    /// [`BadOverlay`].
    pub fn from_octets(octets: &[u8]) -> Result<Overlay, BadOverlay> {
        let mut rest = octets.strip_prefix(MAGIC).ok_or(BadOverlay::NoOverlay)?;
        let removed = u32::from_le_bytes(take(&mut rest)?) as usize;
        let added = u32::from_le_bytes(take(&mut rest)?) as usize;
        let changes = removed.saturating_add(added);
        if changes > OVERLAY_MAX_CHANGES {
            return Err(BadOverlay::TooMany(changes));
        }
        let mut overlay = Overlay::default();
        let mut last = None;
        for _ in 0..removed {
            let number = IndicatorId(u64::from_le_bytes(take(&mut rest)?));
            rises(&mut last, number)?;
            overlay.removed.push(number);
        }
        last = None;
        for _ in 0..added {
            let length = u32::from_le_bytes(take(&mut rest)?) as usize;
            if length > OVERLAY_INDICATOR_MAX_OCTETS {
                return Err(Malformed::TooLarge { size: length, max: OVERLAY_INDICATOR_MAX_OCTETS }.into());
            }
            let (indicator, behind) = rest.split_at_checked(length).ok_or(BadOverlay::CutShort)?;
            let indicator: Indicator = codec::decode(indicator)?;
            rises(&mut last, indicator.id)?;
            overlay.added.push(indicator);
            rest = behind;
        }
        if rest.is_empty() { Ok(overlay) } else { Err(BadOverlay::LeftOver(rest.len())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(list: &[(u64, &str)]) -> IndicatorSet {
        IndicatorSet::build(list.iter().map(|(id, p)| Indicator::bare(IndicatorId(*id), p.parse().unwrap())).collect())
    }

    fn names(set: &IndicatorSet) -> Vec<(u64, String)> {
        let mut names: Vec<_> = set.indicators().map(|one| (one.id.0, one.pattern.to_plain())).collect();
        names.sort();
        names
    }

    #[test]
    fn what_leads_from_one_list_to_another_leads_there_and_is_written_and_read_as_it_is() {
        let base = set(&[(1, "a.no"), (2, "b.no"), (3, "192.0.2.1"), (4, "d.no")]);
        let wanted = set(&[(1, "a.no"), (3, "192.0.2.0/24"), (4, "d.no"), (9, "e.no")]);
        let overlay = Overlay::between(&base, &wanted).unwrap();
        assert_eq!(overlay.removed, [IndicatorId(2), IndicatorId(3)]);
        assert_eq!(overlay.added.iter().map(|one| one.id.0).collect::<Vec<_>>(), [3, 9]);
        let octets = overlay.to_octets();
        assert_eq!(Overlay::from_octets(&octets).as_ref(), Ok(&overlay));
        assert_eq!(names(&base.with_overlay(&overlay).unwrap()), names(&wanted));
        assert_eq!(Overlay::between(&base, &base), Some(Overlay::default()));
        for end in 0..octets.len() {
            assert!(Overlay::from_octets(&octets[..end]).is_err(), "cut at {end}");
        }
        assert_eq!(Overlay::from_octets(&[&octets[..], &[0]].concat()), Err(BadOverlay::LeftOver(1)));
    }

    #[test]
    fn what_is_no_overlay_is_told_apart_and_takes_no_memory() {
        let header = |removed: u32, added: u32| [&MAGIC[..], &removed.to_le_bytes(), &added.to_le_bytes()].concat();
        assert_eq!(Overlay::from_octets(b"VARDEBA1"), Err(BadOverlay::NoOverlay));
        let most = OVERLAY_MAX_CHANGES as u32;
        assert_eq!(Overlay::from_octets(&header(most, 1)), Err(BadOverlay::TooMany(OVERLAY_MAX_CHANGES + 1)));
        assert_eq!(Overlay::from_octets(&header(u32::MAX, u32::MAX)), Err(BadOverlay::TooMany(8_589_934_590)));
        assert_eq!(Overlay::from_octets(&header(most, 0)), Err(BadOverlay::CutShort));
        let twice = [header(2, 0), 5u64.to_le_bytes().to_vec(), 5u64.to_le_bytes().to_vec()].concat();
        assert_eq!(Overlay::from_octets(&twice), Err(BadOverlay::NotRising));
        let long = [header(0, 1), u32::MAX.to_le_bytes().to_vec()].concat();
        assert!(matches!(Overlay::from_octets(&long), Err(BadOverlay::Indicator(Malformed::TooLarge { .. }))));
    }

    proptest! {
        #[test]
        fn any_two_lists_are_one_overlay_apart(
            one in prop::collection::btree_map(0u64..40, 0u8..3, 0..30),
            other in prop::collection::btree_map(0u64..40, 0u8..3, 0..30),
        ) {
            let list = |of: &std::collections::BTreeMap<u64, u8>| {
                let list = of.iter().map(|(id, n)| Indicator::bare(IndicatorId(*id), format!("n{id}-{n}.no").parse().unwrap()));
                IndicatorSet::build(list.collect())
            };
            let (one, other) = (list(&one), list(&other));
            let overlay = Overlay::between(&one, &other).unwrap();
            let read = Overlay::from_octets(&overlay.to_octets()).unwrap();
            let changed = one.with_overlay(&read).unwrap();
            prop_assert_eq!(names(&changed), names(&other));
            prop_assert_eq!(changed.len(), other.len());
        }

        #[test]
        fn hostile_overlays_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..200), begun in any::<bool>()) {
            let octets = if begun { [&MAGIC[..], &[1, 0, 0, 0, 1, 0, 0, 0], &octets].concat() } else { octets };
            if let Ok(overlay) = Overlay::from_octets(&octets) {
                prop_assert_eq!(Overlay::from_octets(&overlay.to_octets()), Ok(overlay));
            }
        }
    }
}
