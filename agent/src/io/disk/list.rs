//! The list in force, as it lies on disk, and the floor below which no list is taken.
//!
//! ```text
//! DIR/list/in-force   "VARDEIF1" ‖ length of the manifest u32, big endian ‖ manifest ‖ base
//! DIR/list/floor      the highest revision ever accepted, as digits
//! ```
//! The manifest is verified and the base held against it each time they are read: the disk is not trusted more than
//! the network.

use std::path::Path;

use varde_common::id::Revision;
use varde_common::indicator::Indicator;
use varde_common::limits::{LIST_BASE_MAX_OCTETS, MANIFEST_MAX_OCTETS};
use varde_common::list::{Manifest, Refused};
use varde_common::trust::Root;

use super::{DiskError, create_directory, read_at_most, write_whole};

/// Digits of a revision and a line's end.
const FLOOR_MAX_OCTETS: u64 = 22;
const NO_FLOOR: &str = "the file list/floor is no number; the revision in force is the floor";

const MAGIC: &[u8; 8] = b"VARDEIF1";

/// Makes a verified list survive a restart.
///
/// # Errors
/// [`DiskError`]; the one before is then still there.
pub fn store(data: &Path, manifest: &[u8], base: &[u8]) -> Result<(), DiskError> {
    let directory = data.join("list");
    create_directory(&directory)?;
    let mut file = Vec::with_capacity(12 + manifest.len() + base.len());
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&u32::try_from(manifest.len()).unwrap_or(u32::MAX).to_be_bytes());
    file.extend_from_slice(manifest);
    file.extend_from_slice(base);
    write_whole(&directory.join("in-force"), &file)
}

/// Makes the floor survive a restart.
///
/// # Errors
/// [`DiskError`].
pub fn store_floor(data: &Path, floor: Revision) -> Result<(), DiskError> {
    create_directory(&data.join("list"))?;
    write_whole(&data.join("list").join("floor"), floor.to_string().as_bytes())
}

/// What the disk holds of lists.
#[derive(Debug, Default)]
pub struct Stored {
    /// The list, verified anew.
    pub list: Option<(Manifest, Vec<Indicator>)>,
    /// The highest revision ever accepted.
    pub floor: Revision,
    /// Why there is no list although there is a file.
    pub refused: Option<String>,
}

/// Reads and verifies it all. A list that is damaged is left out, the floor stays: the collector is asked for the list
/// again, and an older one is not taken.
///
/// # Errors
/// [`DiskError`] when a file is there and cannot be read.
pub fn read(data: &Path, root: &Root) -> Result<Stored, DiskError> {
    let directory = data.join("list");
    let mut stored = Stored::default();
    match read_at_most(&directory.join("floor"), FLOOR_MAX_OCTETS) {
        Ok(octets) => match String::from_utf8_lossy(&octets).trim_end().parse() {
            Ok(floor) => stored.floor = Revision(floor),
            Err(_) => stored.refused = Some(NO_FLOOR.to_owned()),
        },
        Err(error) if error.is_missing() => {}
        Err(error) if error.is_too_large() => stored.refused = Some(NO_FLOOR.to_owned()),
        Err(error) => return Err(error),
    }
    let max = LIST_BASE_MAX_OCTETS + MANIFEST_MAX_OCTETS as u64 + 12;
    match read_at_most(&directory.join("in-force"), max) {
        Ok(octets) => match open(&octets, root) {
            Ok((manifest, indicators)) => {
                stored.floor = stored.floor.max(manifest.revision);
                stored.list = Some((manifest, indicators));
            }
            Err(why) => stored.refused = Some(why),
        },
        Err(error) if error.is_missing() => {}
        Err(error) if error.is_too_large() => stored.refused = Some(error.to_string()),
        Err(error) => return Err(error),
    }
    Ok(stored)
}

fn open(octets: &[u8], root: &Root) -> Result<(Manifest, Vec<Indicator>), String> {
    let parts = || {
        let (length, rest) = octets.strip_prefix(MAGIC)?.split_first_chunk::<4>()?;
        rest.split_at_checked(u32::from_be_bytes(*length) as usize)
    };
    let (manifest, base) = parts().ok_or_else(|| "the stored list is cut short".to_owned())?;
    let sentence = |refused: Refused| refused.to_string();
    let manifest = Manifest::verify(manifest, root).map_err(sentence)?;
    let indicators = manifest.open(base).map_err(sentence)?;
    Ok((manifest, indicators))
}
