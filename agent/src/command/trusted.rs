//! What a sensor trusts and matches when it starts, read from its disk: root documents, the list, and which list is the newest.

use std::path::Path;

use varde_common::id::Revision;
use varde_common::trust::Root;

use crate::anchor::Anchor;
use crate::io::disk::identity::Identity;
use crate::io::disk::{DiskError, list, roots};
use crate::newness::Newness;
use crate::subscription::Subscription;

/// What the disk holds of it.
#[derive(Debug)]
pub(super) struct Trusted {
    /// The root document in force.
    pub anchor: Anchor,
    /// What was last said of the newest list.
    pub newness: Newness,
    /// The list.
    pub stored: list::Stored,
}

impl Trusted {
    /// Reads and checks it all; `root` is the document that enrolment pinned.
    ///
    /// # Errors
    /// [`DiskError`].
    pub(super) fn read(data: &Path, identity: &Identity, root: &Root) -> Result<Trusted, DiskError> {
        let roots = roots::read(data, root.clone(), &identity.root_document)?;
        let anchor = roots.anchor(root);
        if let Some(why) = &roots.damaged {
            tracing::error!(
                "{why}; root document {} is in force, and the rest is asked for again",
                anchor.root().version
            );
        }
        let newness = Newness::new(list::read_newest(data, anchor.root()));
        Ok(Trusted { stored: list::read(data, &roots)?, anchor, newness })
    }

    /// The state of the list, with this one in force.
    pub(super) fn subscription(&self, in_force: Revision) -> Subscription {
        let Trusted { anchor, newness, stored } = self;
        let mut subscription = Subscription::new(anchor.root().clone(), stored.floor, in_force);
        if stored.of_before {
            tracing::warn!(
                "the list in force is signed by a key that the root document no longer names; it is matched against until another comes"
            );
            subscription = subscription.with_list_of_before(stored.floor);
        }
        if let Some(told) = newness.told() {
            subscription.handle_named(told.revision, told.manifest_sha256.clone());
        }
        subscription
    }
}
