//! What is published when little has changed: the changes over the base that sensors have already (decision 24).

use varde_common::id::Revision;
use varde_common::list::Manifest;
use varde_common::matcher::{IndicatorSet, Overlay};
use varde_common::trust::read_unverified;

use crate::limits::OVERLAY_REBUILD_SHARE;
use crate::store::list::Published;

/// Changes over the base of a list that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Their file.
    pub overlay: Vec<u8>,
    /// The list whose base they are over.
    pub base_revision: Revision,
}

/// The list that `whole` holds, as changes over the base of the newest one; none where that is not to be had or too much has
/// changed, so that the base is compiled anew. `manifest` is of the whole list.
pub fn since(manifest: &Manifest, whole: &IndicatorSet, newest: Option<&Published>) -> Option<(Manifest, Changes)> {
    let newest = newest?;
    let (before, _) = read_unverified::<Manifest>(&newest.manifest).ok()?;
    // What the database holds of it may be gone or damaged.
    before.check(newest.base.len() as u64, &blake3::hash(&newest.base)).ok()?;
    let base = IndicatorSet::open(std::sync::Arc::new(newest.base.clone())).ok()?;
    let overlay = Overlay::between(&base, whole)?;
    if overlay.changes() as u64 > base.len() as u64 / OVERLAY_REBUILD_SHARE {
        return None;
    }
    let overlay = overlay.to_octets();
    Some((manifest.clone().over(&before, &overlay), Changes { overlay, base_revision: newest.base_revision }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::id::IndicatorId;
    use varde_common::indicator::Indicator;
    use varde_common::list::write_base;
    use varde_common::matcher::Seed;
    use varde_common::time::Timestamp;
    use varde_common::trust::{Domain, sign};

    fn list(revision: u64, count: u64) -> (Manifest, Vec<u8>) {
        let list = (0..count).map(|n| Indicator::bare(IndicatorId(n), format!("n{n}.example").parse().unwrap()));
        let (base, content) = write_base(list.collect(), Seed::from_octets([revision as u8; 16])).unwrap();
        (Manifest::of(&base, &content, Revision(revision), Timestamp(1), Timestamp::MAX), base)
    }

    fn published(manifest: &Manifest, base: Vec<u8>) -> Published {
        let manifest = sign(Domain::List, manifest, &[]).unwrap();
        let revision = Revision(3);
        Published { revision, manifest, older_manifest: None, base, base_revision: revision, overlay: None }
    }

    #[test]
    fn little_that_has_changed_is_published_as_changes_and_much_as_a_base_of_its_own() {
        let (before, base) = list(3, 40);
        let newest = published(&before, base.clone());
        for (count, alone) in [(40, true), (50, true), (51, false), (30, true), (29, false), (0, false)] {
            let (manifest, whole) = list(4, count);
            let set = manifest.open(whole.clone()).unwrap();
            let changes = since(&manifest, &set, Some(&newest));
            assert_eq!(changes.is_some(), alone, "{count}");
            let Some((over, changes)) = changes else { continue };
            assert_eq!((over.count, &over.content_blake3), (count, &manifest.content_blake3));
            assert_eq!((&over.base_blake3, changes.base_revision), (&before.base_blake3, Revision(3)));
            assert_eq!(over.check_overlay(&changes.overlay), Ok(()));
            let there = before.open(base.clone()).unwrap();
            assert_eq!(over.complete(&there, &changes.overlay).map(|set| set.len() as u64), Ok(count));
            assert_eq!(over.for_older(&whole), Some(manifest), "programs from before get all of it");
        }
        let (manifest, whole) = list(4, 41);
        let set = manifest.open(whole).unwrap();
        assert!(since(&manifest, &set, None).is_none());
        let gone = Published { base: Vec::new(), ..newest };
        assert!(since(&manifest, &set, Some(&gone)).is_none());
    }
}
