//! What a sensor trusts, matches and proves itself with when it starts, read from its disk: root documents, the list, which list is
//! the newest, its keys, and the time.

use std::path::Path;
use std::sync::{Arc, Mutex};

use varde_common::codec::Text;
use varde_common::id::Revision;
use varde_common::record::SensorEvent;
use varde_common::rotation::is_replaced;
use varde_common::trust::Root;

use super::Failure;
use crate::anchor::Anchor;
use crate::brake::Brakes;
use crate::effective_time::{EffectiveTime, Passed};
use crate::io::clock;
use crate::io::disk::identity::Identity;
use crate::io::disk::keys::Keys;
use crate::io::disk::volume::RealVolume;
use crate::io::disk::{DiskError, brake, collector_time, list, roots, unread};
use crate::io::link::renewing::Renewing;
use crate::io::link::timed::{SharedTime, validity};
use crate::io::link::tls::{SessionTls, Trust};
use crate::newness::Newness;
use crate::subscription::Subscription;

/// What the disk holds of it.
#[derive(Debug)]
pub(super) struct Trusted {
    /// The root document in force.
    pub anchor: Anchor,
    /// What was last said of the newest list.
    pub newness: Newness,
    /// What is braked.
    pub brakes: Brakes,
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
        let stored = list::read(data, &roots, identity.card.sensor)?;
        unread::put_away(&stored.unread);
        let newness = Newness::new(list::read_newest(data, anchor.root(), stored.placed.channel()));
        let brakes = brakes(data, &roots, anchor.root())?;
        Ok(Trusted { stored, anchor, newness, brakes })
    }

    /// The state of the list, with this one in force.
    pub(super) fn subscription(&self, in_force: Revision) -> Subscription {
        let Trusted { anchor, newness, stored, brakes: _ } = self;
        let mut subscription = Subscription::new(anchor.root().clone(), stored.floor.revision(), in_force)
            .with_channel(stored.placed.clone(), stored.floor.clone());
        if let Some((manifest, _)) = &stored.list {
            subscription = subscription.with_list(manifest).with_signers(stored.signers.clone());
        }
        if stored.of_before {
            tracing::warn!(
                "the list in force is signed by a key that the root document no longer names; it is matched against until another comes"
            );
            subscription = subscription.with_list_of_before(stored.floor.clone());
        }
        if let Some(told) = newness.told() {
            subscription.handle_named(told.revision, told.manifest_sha256.clone());
        }
        subscription
    }
}

/// What is written down before anything else.
pub(super) fn first_events(damaged_octets: u64, stored: &list::Stored) -> Vec<SensorEvent> {
    let mut events = vec![SensorEvent::Started { version: Text::cut(env!("CARGO_PKG_VERSION")) }];
    if damaged_octets > 0 {
        tracing::warn!(octets = damaged_octets, "the spool was damaged; what could not be read was set aside");
        events.push(SensorEvent::SpoolDamaged { octets: damaged_octets });
    }
    if let Some(why) = &stored.refused {
        tracing::warn!("the stored list is damaged: {why}");
        events.push(SensorEvent::ListRefused { revision: Revision(0), why: Text::cut(why) });
    }
    events
}

/// What is braked, by the root documents that followed since.
pub(super) fn brakes(data: &Path, roots: &roots::Stored, root: &Root) -> Result<Brakes, DiskError> {
    let kept = brake::read(data)?;
    let replaced = kept.as_ref().is_some_and(|kept| {
        roots.since(kept.root_version).any(|(before, after)| is_replaced(&before.roles.brake, &after.roles.brake))
    });
    Ok(Brakes::new(kept, root, replaced))
}

/// What is known of the time before the collector says anything.
pub(super) fn known_time(identity: &Identity, data: &Path, root: &Root) -> SharedTime {
    // Before the first session there is no word, and then what the CA signed was issued. A certificate that cannot be read is
    // found a moment later, by whoever uses it.
    let issued = || validity(&identity.certificate_der).ok().map(|(issued, _)| Passed { at: issued, ca: None });
    let kept = collector_time::read(data).or_else(issued);
    Arc::new(Mutex::new(EffectiveTime::new(root, kept, clock::now())))
}

/// What the collector is held against, and what this sensor shows it.
pub(super) struct Proof {
    /// The CAs that are believed.
    pub trust: Arc<Trust>,
    /// For the first attempt.
    pub tls: SessionTls,
    /// The keys.
    pub renewing: Renewing,
}

impl Proof {
    /// Reads the keys. The collector is held against the root document in force, not the one that enrolment pinned: by now
    /// that one may name none of its CAs.
    ///
    /// # Errors
    /// [`Failure`] when no key can be used.
    pub(super) fn open(data: &Path, anchor: &Anchor, time: &SharedTime) -> Result<Proof, Failure> {
        let trust = Trust::new(anchor.root().clone());
        let keys = Keys::of(Arc::new(RealVolume), data);
        let opened = Renewing::open(keys, Arc::clone(&trust), Arc::clone(time));
        let usable = opened.and_then(|renewing| Ok((renewing.tls()?, renewing)));
        let (tls, renewing) = usable.map_err(|why| {
            let cause = format!("this sensor's key or certificate cannot be used: {why}");
            Failure::new(cause, "restore the directory `identity` from a copy, or move it out of the data directory and enrol with a new token from the CSIRT")
        })?;
        Ok(Proof { trust, tls, renewing })
    }
}
