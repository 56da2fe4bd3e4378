//! How an agent is that does not run, as far as its data directory tells: one file that cannot be read hides nothing of the rest.

use std::path::Path;

use varde_common::time::Timestamp;

use super::Failure;
use super::status::{CertificateReport, Report, SetAsideReport, TrustReport};
use super::status_brake::BrakeReport;
use super::trusted::brakes;
use crate::io::clock;
use crate::io::disk::identity::{Identity, NoIdentity};
use crate::io::disk::spool::survey_as_far;
use crate::io::disk::volume::RealVolume;
use crate::io::disk::{DiskError, list, outlived, roots};
use crate::io::link::renewing::certified;
use crate::newness::Newness;

/// What the data directory says.
///
/// # Errors
/// [`Failure`] where this user may not read it.
pub(super) fn from_disk(data: &Path) -> Result<Report, Failure> {
    let mut unread = Vec::new();
    let (figures, errors) = as_far(survey_as_far(&RealVolume, &data.join("spool")), &mut unread)?.unwrap_or_default();
    unread.extend(errors.iter().map(ToString::to_string));
    let set_aside: Vec<_> = outlived::known(data).iter().map(SetAsideReport::of).collect();
    let identity = match Identity::read(data) {
        Ok(identity) => Some(identity),
        Err(NoIdentity::NotEnrolled) => None,
        Err(error @ NoIdentity::HalfWiped) => return Err(Failure::new(&error, error.remedy())),
        Err(NoIdentity::Disk(error)) => as_far(Err(error), &mut unread)?,
        Err(error @ NoIdentity::Damaged(_)) => {
            unread.push(error.to_string());
            None
        }
    };
    let Some(identity) = identity else {
        return Ok(Report { set_aside, unread, ..Report::new(None, "", &figures) });
    };
    let collector = super::settings(data)?.collector.unwrap_or_else(|| identity.card.collector.clone());
    let mut report = Report { set_aside, ..Report::new(Some(&identity.card), &collector, &figures) };
    report.certificate = certified(&identity.certificate_der).map(CertificateReport::from);
    let mut of_list = Vec::new();
    as_far(trusted(data, &identity, &mut report, &mut of_list), &mut unread)?;
    unread.extend(of_list);
    Ok(Report { unread, ..report })
}

/// The root documents, the list and the brake, each as far as it could be read.
fn trusted(data: &Path, identity: &Identity, report: &mut Report, unread: &mut Vec<String>) -> Result<(), DiskError> {
    let Ok(root) = identity.root() else { return Ok(()) };
    let roots = roots::read(data, root.clone(), &identity.root_document)?;
    let stored = list::read(data, &roots, identity.card.sensor)?;
    unread.extend(stored.unread.iter().map(ToString::to_string));
    report.channel = stored.placed.channel().to_string();
    if let Some((manifest, indicators)) = stored.list {
        report.revision = manifest.revision;
        report.indicators = indicators.len() as u64;
    }
    let anchor = roots.anchor(&root);
    let newness = Newness::new(list::read_newest(data, anchor.root(), stored.placed.channel()));
    let standing = newness.standing(anchor.root(), report.revision, [Timestamp(0); 2], clock::monotonic());
    report.trust = Some(TrustReport::of(&anchor, &newness, &standing));
    report.brake = Some(BrakeReport::at_rest(&brakes(data, &roots, anchor.root())?));
    Ok(())
}

/// None where it could not be read, and that is told; who may not read anything is told that alone.
fn as_far<T>(read: Result<T, DiskError>, unread: &mut Vec<String>) -> Result<Option<T>, Failure> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.is_forbidden() => Err(Failure::new(&error, error.remedy())),
        Err(error) => {
            unread.push(error.to_string());
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::status_lines::in_words;
    use super::*;

    #[test]
    fn without_a_running_agent_the_data_directory_answers() {
        let directory = tempfile::tempdir().unwrap();
        let report = from_disk(directory.path()).unwrap();
        assert_eq!((report.running, report.sensor), (false, None));
        assert!(in_words(&report).contains("not enrolled"));
        std::fs::create_dir(directory.path().join("spool.aside-5-0")).unwrap();
        let lines = "5\nspool.aside-5-0 172800 3\nspool.aside-6-0 0 9\n";
        std::fs::write(directory.path().join("set-aside"), crate::io::disk::sealed::lines(lines)).unwrap();
        let told = in_words(&from_disk(directory.path()).unwrap());
        assert!(
            told.contains("spool.aside-5-0: 3 records NEVER DELIVERED; tell the CSIRT; removed in 28 days"),
            "{told}"
        );
        assert!(!told.contains("spool.aside-6-0"), "one that is gone: {told}");
    }

    /// Found by a review: it failed whole on one bad file.
    #[test]
    fn d6_one_file_that_cannot_be_read_is_named_and_the_rest_is_told() {
        use crate::io::disk::spool::{Caps, Spool};
        let directory = tempfile::tempdir().unwrap();
        let room = directory.path().join("spool");
        let caps = Caps { segment_octets: 60, ..Caps::default() };
        let mut spool = Spool::open(std::sync::Arc::new(RealVolume), &room, caps, Timestamp(0)).unwrap().0;
        for _ in 0..9 {
            spool.append(b"a record");
            spool.sync(Timestamp(0)).unwrap();
        }
        spool.handle_acknowledged(varde_common::id::Seq(2), Timestamp(0)).unwrap();
        spool.write_hint(Timestamp(0)).unwrap();
        drop(spool);
        let whole = from_disk(directory.path()).unwrap();
        assert_eq!((whole.spool.waiting, whole.unread.len()), (7, 0));
        let mut segments: Vec<_> = std::fs::read_dir(&room).unwrap().map(|entry| entry.unwrap().path()).collect();
        segments.retain(|path| path.extension().is_some_and(|ending| ending == "seg"));
        segments.sort();
        for segment in [&segments[0], segments.last().unwrap()] {
            let kept = directory.path().join("kept");
            std::fs::rename(segment, &kept).unwrap();
            // As a bad sector does, a directory refuses to be read.
            std::fs::create_dir(segment).unwrap();
            let report = from_disk(directory.path()).unwrap();
            assert_eq!((report.spool.next_seq, report.spool.waiting), (whole.spool.next_seq, 7), "{segment:?}");
            let told = in_words(&report);
            let name = segment.file_name().unwrap().to_str().unwrap();
            assert!(told.contains("7 records waiting") && told.contains("UNREADABLE") && told.contains(name), "{told}");
            std::fs::remove_dir(segment).unwrap();
            std::fs::rename(&kept, segment).unwrap();
        }
        // So too for what else lies there.
        std::fs::create_dir_all(directory.path().join("identity/card")).unwrap();
        let told = in_words(&from_disk(directory.path()).unwrap());
        assert!(told.contains("7 records waiting") && told.contains("UNREADABLE cannot read"), "{told}");
    }
}
