//! A member that leaves: by what an older backup is known to hold it, and what the certificate of its deletion says. No name and
//! no number is kept here of one that has left; they stand in the certificate, which is the member's, and in what the audit says of
//! the time before, until that is as old as is kept there.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use varde_common::time::Timestamp;

use crate::profile::Language;

/// A member's row in any state of this collector's database: its id, and when it was added. Ids may come again, not both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// `member.id`.
    pub id: i64,
    /// `member.added_at`.
    pub added_at: Timestamp,
}

/// A member that has left, or one that was part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Departed {
    /// Its row.
    pub row: Row,
    /// When it left.
    pub left_at: Timestamp,
}

/// What was deleted, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deleted {
    /// Members that had become part of it, and itself.
    pub members: u64,
    /// Contacts.
    pub contacts: u64,
    /// Domains and networks.
    pub addresses: u64,
    /// Sensors; each is revoked.
    pub sensors: u64,
    /// Sites it had on sensors of others.
    pub sites: u64,
    /// Accounts at the pages; certificates of before counted none.
    #[serde(default)]
    pub accounts: u64,
    /// Alerts.
    pub alerts: u64,
    /// Incidents.
    pub incidents: u64,
    /// Records as sensors sent them.
    pub records: u64,
    /// Heartbeats.
    pub heartbeats: u64,
    /// What sensors said of themselves.
    pub events: u64,
    /// Campaigns it was in: of it there stays one number, that one more was hit.
    pub campaigns: u64,
}

/// A file that was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    /// Its name.
    pub name: String,
    /// Its size.
    pub octets: u64,
    /// SHA-256, as `sha256sum` prints it.
    pub sha256: String,
}

/// The certificate of a deletion, as JSON; for people it is `present/deletion.rs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// [`FORMAT`].
    pub format: u32,
    /// Whose data was deleted.
    pub number: String,
    /// What it was called.
    pub name: String,
    /// Numbers that led to it.
    pub former_numbers: Vec<String>,
    /// Who deleted it.
    pub operator: String,
    /// When.
    pub deleted_at: Timestamp,
    /// By which program.
    pub program: String,
    /// What was deleted.
    pub deleted: Deleted,
    /// What was handed over before.
    pub exported: Vec<Exported>,
    /// Backups made before it still hold the data, and are kept no longer than until then.
    pub backups_until: Timestamp,
    /// Until when the audit's entries name it.
    pub audit_until: Timestamp,
    /// Copies of the database in the data directory that were made before.
    pub copies: Vec<String>,
    /// By what a restored backup is known to hold it: whoever restores one deletes it again.
    pub rows: Vec<Row>,
}

/// A member whose data is deleted, or about to be, and whose certificate does not stand yet where it is to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unfinished {
    /// The certificate.
    pub certificate: Certificate,
    /// The form of Norwegian it is written in.
    pub language: Language,
    /// The directory it goes to, beside what was handed over.
    pub to: PathBuf,
    /// It stands there, and says that what was deleted stands in the database's log still; nothing but that is left to do.
    #[serde(default)]
    pub stands: bool,
}

/// The form of certificates that this program writes and reads.
pub const FORMAT: u32 = 1;
/// Beside the database, which it outlives: every departure, so that a damaged one forgets none.
pub const FILE: &str = "departures.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_what_later_programs_will_read() {
        let departed = Departed { row: Row { id: 3, added_at: Timestamp(5) }, left_at: Timestamp(1_000_000) };
        let text =
            r#"[{"row":{"id":3,"added_at":"1970-01-01T00:00:00.000005Z"},"left_at":"1970-01-01T00:00:01.000000Z"}]"#;
        assert_eq!(serde_json::to_string(&[departed]).unwrap(), text);
        assert_eq!(serde_json::from_str::<Vec<Departed>>(text).unwrap(), [departed]);
        assert!(serde_json::from_str::<Vec<Departed>>(r#"[{"row":{"id":3},"left_at":"x"}]"#).is_err());
    }
}
