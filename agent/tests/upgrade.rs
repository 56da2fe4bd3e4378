//! Promise V1: a data directory that an earlier version left is opened, and everything is still there.
//!
//! `agent/tests/data/NNN/` is what a sensor had on its disk: identity (keys that were made for this and are nobody's), list,
//! and a spool with two segments and a note of loss between them. They are never edited. How the next one is made stands in
//! `collector/tests/upgrade.rs`; it becomes `agent/tests/data/003/` and a line more in [`FIXTURES`]. Since 002 the sensor follows channel
//! pilot, whose list is a base and changes over it, has a word of which list is the newest, and goes by an order of the brake.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use varde_agent::brake::Brakes;
use varde_agent::io::clock;
use varde_agent::io::disk::brake;
use varde_agent::io::disk::identity::Identity;
use varde_agent::io::disk::list;
use varde_agent::io::disk::roots::Stored;
use varde_agent::io::disk::spool::{Caps, Spool};
use varde_agent::io::disk::volume::RealVolume;
use varde_common::brake::Order;
use varde_common::id::{Revision, SensorId, Seq};
use varde_common::record::{LossReason, Record, RecordBody};

/// What stands in one.
struct Fixture {
    name: &'static str,
    /// Records in the first segment.
    first_segment: u64,
    channel: &'static str,
    /// The list in force, which is the floor of its channel as well.
    revision: u64,
    indicators: u64,
    /// Revision of the word of which list is the newest that was kept: not each is.
    newest: Option<u64>,
    /// The order of the brake, and how many indicators it names.
    brake: Option<(u64, usize)>,
}

/// What there is.
const FIXTURES: [Fixture; 2] = [
    Fixture { name: "001", first_segment: 4, channel: "all", revision: 1, indicators: 1, newest: None, brake: None },
    Fixture {
        name: "002",
        first_segment: 7,
        channel: "pilot",
        revision: 3,
        indicators: 17,
        newest: Some(2),
        brake: Some((1, 1)),
    },
];

/// A copy: what is opened may be written to.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to)?,
            false => fs::copy(entry.path(), to).map(drop)?,
        }
    }
    Ok(())
}

#[test]
fn v1_every_earlier_data_directory_is_opened_with_all_that_is_in_it() {
    for Fixture { name, first_segment, channel, revision, indicators, newest, brake: braked } in FIXTURES {
        let dir = tempfile::tempdir().unwrap();
        let from: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/data", name].iter().collect();
        copy(&from, dir.path()).unwrap();

        let identity = Identity::read(dir.path()).unwrap();
        assert_eq!((identity.card.sensor.0, identity.card.member.as_str()), (1, "Gjøvik"));
        let root = identity.root().unwrap();
        let stored = list::read(dir.path(), &Stored::of(root.clone()), SensorId(1)).unwrap();
        assert_eq!((stored.floor.revision(), stored.refused), (Revision(revision), None), "{name}");
        assert_eq!(stored.placed.channel().as_str(), channel);
        let (manifest, set) = stored.list.unwrap();
        assert_eq!((manifest.revision, set.len() as u64), (Revision(revision), indicators), "{name}");
        assert_eq!(manifest.overlay_octets() > 0, name != "001", "changes over the base");
        let word = list::read_newest(dir.path(), &root, stored.placed.channel());
        assert_eq!(word.map(|word| word.revision), newest.map(Revision));
        // What was braked is read by the root document that stood for it.
        let kept = brake::read(dir.path()).unwrap();
        let order = kept.as_ref().map(|kept| Order::read(&kept.octets, &root).unwrap());
        assert_eq!(order.map(|order| (order.number, order.braked.len())), braked);
        assert_eq!(Brakes::new(kept, &root, false).number(), braked.map_or(0, |(number, _)| number));
        assert_eq!(fs::metadata(dir.path().join("site.key")).unwrap().len(), 32);

        let (mut spool, recovered) =
            Spool::open(Arc::new(RealVolume), &dir.path().join("spool"), Caps::default(), clock::now()).unwrap();
        assert_eq!((recovered.records, recovered.damaged_octets), (first_segment + 1, 0));
        let figures = spool.figures();
        assert_eq!((figures.first, figures.acknowledged), (Seq(1), Seq(first_segment)));
        assert_eq!((figures.next, figures.lost), (Seq(first_segment + 7), 5));
        let mut alerts = 0;
        let mut losses = 0;
        for seq in 1..figures.next.0 {
            let octets = spool.read(Seq(seq), clock::now()).unwrap();
            match Record::from_octets(&octets[0]).unwrap().body {
                RecordBody::Opened(alert) => alerts += alert.count,
                RecordBody::GivenUp { reason: LossReason::SpoolFull, from, to, .. }
                | RecordBody::Loss { reason: LossReason::SpoolFull, from, to } => losses += to.0 - from.0 + 1,
                RecordBody::Loss { reason, .. } | RecordBody::GivenUp { reason, .. } => {
                    panic!("record {seq} is lost: {reason:?}")
                }
                RecordBody::Updated(_)
                | RecordBody::Event(_)
                | RecordBody::CrowdOpened(_)
                | RecordBody::CrowdUpdated(_)
                | RecordBody::Braked(_) => {}
            }
        }
        assert_eq!((alerts, losses), (2, 5), "one alert in each segment");
        assert_eq!(spool.append(b"next"), figures.next, "and it goes on");
    }
}
