//! Promise V1: a data directory that an earlier version left is opened, and everything is still there.
//!
//! `agent/tests/data/NNN/` is what a sensor had on its disk: identity (keys that were made for this and are nobody's), list,
//! and a spool with two segments and a note of loss between them. They are never edited. How the next one is made stands in
//! `collector/tests/upgrade.rs`; it becomes `agent/tests/data/002/` and a line more in [`FIXTURES`].

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use varde_agent::io::clock;
use varde_agent::io::disk::identity::Identity;
use varde_agent::io::disk::list;
use varde_agent::io::disk::roots::Stored;
use varde_agent::io::disk::spool::{Caps, Spool};
use varde_agent::io::disk::volume::RealVolume;
use varde_common::id::{Revision, SensorId, Seq};
use varde_common::record::{LossReason, Record, RecordBody};

/// What there is, and how many records are in the first segment.
const FIXTURES: [(&str, u64); 1] = [("001", FIRST_SEGMENT)];
const FIRST_SEGMENT: u64 = 4;

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
    for (name, first_segment) in FIXTURES {
        let dir = tempfile::tempdir().unwrap();
        let from: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/data", name].iter().collect();
        copy(&from, dir.path()).unwrap();

        let identity = Identity::read(dir.path()).unwrap();
        assert_eq!((identity.card.sensor.0, identity.card.member.as_str()), (1, "Gjøvik"));
        let root = identity.root().unwrap();
        let stored = list::read(dir.path(), &Stored::of(root.clone()), SensorId(1)).unwrap();
        assert_eq!((stored.floor.revision(), stored.refused), (Revision(1), None));
        assert_eq!(stored.list.map(|(manifest, set)| (manifest.revision, set.len())), Some((Revision(1), 1)));
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
