//! Whose a spool is: which sensor's, of which member, at which collector. It is written in the spool's directory and goes
//! wherever that goes, so that the next identity of this machine neither sends again what this one sent nor tells in its own
//! name what another member's sensor found.

use std::fs;
use std::path::{Path, PathBuf};

use varde_common::id::SensorId;
use varde_common::trust::{hex, sha256};

use super::identity::Identity;
use super::spool::survey_as_far;
use super::volume::{RealVolume, Volume};
use super::{DiskError, adopt, failed, read_at_most_on, write_whole_on};

/// Its file in the spool's directory: `SENSOR CA MEMBER`, the number, the CA's SHA-256 in hex, and the member.
pub const OWNER_FILE: &str = "owner";

/// Whose a spool is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its number at the collector.
    pub sensor: SensorId,
    /// The collector goes by the CA that issued the sensor's certificate.
    pub collector: String,
    /// The member with its number, as the token names it; empty where an enrolment of before did not keep it.
    pub member: String,
}

/// A spool that was set aside for the next identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// Where it lies.
    pub directory: PathBuf,
    /// Records that no acknowledgement is known of.
    pub waiting: u64,
    /// Whether it is the same member's at the same collector: then what was never sent is taken over.
    pub same_member: bool,
}

impl std::fmt::Display for Before {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Before { directory, waiting, same_member } = self;
        let directory = directory.display();
        match (waiting, same_member) {
            (0, _) => write!(f, "the records of the sensor that this machine was before are kept in {directory}"),
            (_, true) => write!(
                f,
                "{waiting} records of the sensor that this machine was before were not acknowledged; those that were never sent are taken over when varde-agent run starts; all lie in {directory}"
            ),
            (_, false) => write!(
                f,
                "{waiting} records of the sensor that this machine was before, not known to be this member's, were never delivered, and this sensor does not deliver them; they lie in {directory}; tell the CSIRT"
            ),
        }
    }
}

impl Owner {
    /// Who this identity is.
    pub fn of(identity: &Identity) -> Owner {
        let member = identity.card.member_of_token.clone().unwrap_or_default();
        Owner { sensor: identity.card.sensor, collector: hex(&sha256(&identity.ca_der)), member }
    }

    /// Nobody who may send.
    fn nobody() -> Owner {
        Owner { sensor: SensorId(0), collector: "-".to_owned(), member: String::new() }
    }

    fn read(volume: &dyn Volume, directory: &Path) -> Option<Owner> {
        let octets = read_at_most_on(volume, &directory.join(OWNER_FILE), 1024).ok()?;
        let text = String::from_utf8(octets).ok()?;
        let (sensor, rest) = text.strip_suffix('\n')?.split_once(' ')?;
        let (collector, member) = rest.split_once(' ')?;
        let sensor = sensor.parse().ok().map(SensorId)?;
        Some(Owner { sensor, collector: collector.to_owned(), member: member.to_owned() })
    }

    fn write(&self, volume: &dyn Volume, directory: &Path) -> Result<(), DiskError> {
        let Owner { sensor, collector, member } = self;
        write_whole_on(volume, &directory.join(OWNER_FILE), format!("{} {collector} {member}\n", sensor.0).as_bytes())
    }

    fn is_same_member(&self, other: &Owner) -> bool {
        !self.member.is_empty() && (&self.collector, &self.member) == (&other.collector, &other.member)
    }

    /// Whether this sensor may take over what lies in a spool that was set aside. One of before this was written down is
    /// this sensor's: an enrolment says of those that they are nobody's ([`disown`]).
    pub fn may_take_over(&self, volume: &dyn Volume, aside: &Path) -> bool {
        Owner::read(volume, aside).is_none_or(|found| found == *self || self.is_same_member(&found))
    }

    /// Writes it into the spool in this data directory. With a full disk it is left for the next start.
    ///
    /// # Errors
    /// [`DiskError`], never for a full disk.
    pub fn claim(&self, data: &Path) -> Result<(), DiskError> {
        self.claim_on(&RealVolume, data)
    }

    /// The same on any volume.
    ///
    /// # Errors
    /// [`DiskError`], never for a full disk.
    pub fn claim_on(&self, volume: &dyn Volume, data: &Path) -> Result<(), DiskError> {
        let spool = data.join("spool");
        if Owner::read(volume, &spool).as_ref() == Some(self) {
            return Ok(());
        }
        match self.write(volume, &spool) {
            Err(error) if error.is_full() => {
                tracing::warn!("whose the spool is cannot be written down: {error}");
                Ok(())
            }
            written => written,
        }
    }
}

/// Before another identity takes this data directory: spools that do not say whose they are become nobody's.
///
/// # Errors
/// [`DiskError`].
pub fn disown(data: &Path) -> Result<(), DiskError> {
    for entry in fs::read_dir(data).map_err(failed("read", data))? {
        let path = entry.map_err(failed("read", data))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir()
            && (name == "spool" || name.starts_with("spool.aside-"))
            && Owner::read(&RealVolume, &path).is_none()
        {
            Owner::nobody().write(&RealVolume, &path)?;
        }
    }
    Ok(())
}

/// Sets the spool aside where it is another sensor's: sent again by this one, what the collector has would count twice. To be
/// called before the spool is opened, too: an enrolment may have been cut off after its identity was written.
///
/// # Errors
/// [`DiskError`].
pub fn set_aside(data: &Path, owner: &Owner) -> Result<Option<Before>, DiskError> {
    set_aside_on(&RealVolume, data, owner)
}

/// The same on any volume.
///
/// # Errors
/// [`DiskError`].
pub fn set_aside_on(volume: &dyn Volume, data: &Path, owner: &Owner) -> Result<Option<Before>, DiskError> {
    let spool = data.join("spool");
    let Some(before) = Owner::read(volume, &spool).filter(|before| before != owner) else { return Ok(None) };
    // A bad sector in it keeps no sensor from starting.
    let (figures, unread) = survey_as_far(volume, &spool)?;
    for error in unread {
        tracing::error!("{error}; {}", error.remedy());
    }
    // What the collector is known to have; what may have been sent beyond it the spool itself knows.
    match adopt::allow(volume, &spool, figures.acknowledged) {
        Err(error) if error.is_full() => tracing::error!("nothing can be taken over from the spool of before: {error}"),
        allowed => allowed?,
    }
    let mut number = 0u32;
    let directory = loop {
        let directory = data.join(format!("spool.before-sensor-{}-{number}", owner.sensor));
        if !volume.exists(&directory) {
            break directory;
        }
        number = number.saturating_add(1);
    };
    volume.rename(&spool, &directory).map_err(failed("move", &spool))?;
    volume.sync_directory(data).map_err(failed("fsync the directory", data))?;
    Ok(Some(Before { directory, waiting: figures.waiting(), same_member: owner.is_same_member(&before) }))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn owner(sensor: u64, member: &str) -> Owner {
        Owner { sensor: SensorId(sensor), collector: "ca".to_owned(), member: member.to_owned() }
    }

    fn spool_of(data: &Path, owner: Option<&Owner>) {
        fs::create_dir(data.join("spool")).unwrap();
        fs::write(data.join("spool").join("a.torn"), b"records").unwrap();
        if let Some(owner) = owner {
            owner.claim(data).unwrap();
        }
    }

    #[test]
    fn d2_a_sensor_enrolled_anew_never_sends_what_another_sent_wherever_enrolment_was_cut_off() {
        let data = tempfile::tempdir().unwrap();
        let (old, new) = (owner(3, "3407"), owner(7, "3407"));
        assert_eq!(set_aside(data.path(), &new).unwrap(), None, "there is none");
        for turn in 0..2 {
            spool_of(data.path(), Some(&old));
            assert_eq!(set_aside(data.path(), &old).unwrap(), None, "its own stays, however often it starts");
            // The identity is the new one's by now; whoever comes first, enrolment or the next start, sets it aside.
            let before = set_aside(data.path(), &new).unwrap().unwrap();
            assert_eq!(fs::read(before.directory.join("a.torn")).unwrap(), b"records", "{turn}");
            assert!(before.same_member && !data.path().join("spool").exists());
            assert_eq!(set_aside(data.path(), &new).unwrap(), None);
        }
    }

    #[test]
    fn d2_a_spool_of_before_owners_is_its_own_until_another_enrols() {
        let data = tempfile::tempdir().unwrap();
        let new = owner(7, "3407");
        spool_of(data.path(), None);
        fs::create_dir(data.path().join("spool.aside-1-0")).unwrap();
        let aside = data.path().join("spool.aside-1-0");
        assert_eq!(set_aside(data.path(), &new).unwrap(), None, "brought up to date");
        assert!(new.may_take_over(&RealVolume, &aside));
        disown(data.path()).unwrap();
        assert!(!new.may_take_over(&RealVolume, &aside) && !owner(3, "3407").may_take_over(&RealVolume, &aside));
        let before = set_aside(data.path(), &new).unwrap().unwrap();
        assert!(!before.same_member && !new.may_take_over(&RealVolume, &before.directory));
    }

    #[test]
    fn p5_only_the_same_member_at_the_same_collector_takes_over() {
        let data = tempfile::tempdir().unwrap();
        spool_of(data.path(), Some(&owner(3, "3407")));
        let spool = data.path().join("spool");
        assert!(
            owner(3, "3407").may_take_over(&RealVolume, &spool) && owner(7, "3407").may_take_over(&RealVolume, &spool)
        );
        assert!(!owner(7, "0301").may_take_over(&RealVolume, &spool), "another member's");
        let elsewhere = Owner { collector: "another".to_owned(), ..owner(3, "3407") };
        assert!(!elsewhere.may_take_over(&RealVolume, &spool), "another collector's");
        owner(3, "").write(&RealVolume, &spool).unwrap();
        assert!(
            !owner(7, "").may_take_over(&RealVolume, &spool),
            "of two unknown members nobody knows that they are one"
        );
    }
}
