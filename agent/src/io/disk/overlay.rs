//! Changes over the base in force, as they lie on disk.
//!
//! ```text
//! DIR/list/overlay-H   "VARDEOF1" ‖ length of the manifest u32, big endian ‖ manifest ‖ changes
//! ```
//! H are the first sixteen hex digits of the BLAKE3 of the base they are over, so that changes over the next base can be there
//! before it is.

use std::fs;
use std::path::{Path, PathBuf};

use varde_common::limits::{MANIFEST_MAX_OCTETS, OVERLAY_MAX_OCTETS};

use super::volume::Volume;
use super::{DiskError, create_directory_on, failed, read_at_most_on, write_whole_on};

const MAGIC: &[u8; 8] = b"VARDEOF1";
const HEAD_OCTETS: u64 = 12;
/// Of the base's BLAKE3 in the file's name.
const NAME_DIGITS: usize = 16;
const FILE_MAX_OCTETS: u64 = HEAD_OCTETS + MANIFEST_MAX_OCTETS as u64 + OVERLAY_MAX_OCTETS;

/// Changes with the manifest that names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOverlay {
    /// The manifest, as it was signed.
    pub signed: Vec<u8>,
    /// The changes' file.
    pub overlay: Vec<u8>,
}

/// Where changes over a base lie.
pub(super) fn path_of(data: &Path, base_blake3: &str) -> PathBuf {
    data.join("list").join(format!("overlay-{}", base_blake3.get(..NAME_DIGITS).unwrap_or_default()))
}

/// Makes changes survive a restart: whole, or those before them.
///
/// # Errors
/// [`DiskError`].
pub fn store_on(volume: &dyn Volume, data: &Path, base_blake3: &str, changes: &StoredOverlay) -> Result<(), DiskError> {
    create_directory_on(volume, &data.join("list"))?;
    let StoredOverlay { signed, overlay } = changes;
    let length = u32::try_from(signed.len()).unwrap_or(u32::MAX).to_be_bytes();
    let octets = [MAGIC.as_slice(), &length, signed, overlay].concat();
    write_whole_on(volume, &path_of(data, base_blake3), &octets)
}

/// Reads them; none where they are not there, or the file is damaged in its own form.
///
/// # Errors
/// [`DiskError`] when it is there and cannot be read.
pub fn read_on(volume: &dyn Volume, data: &Path, base_blake3: &str) -> Result<Option<StoredOverlay>, DiskError> {
    let path = path_of(data, base_blake3);
    if !volume.exists(&path) {
        return Ok(None);
    }
    let octets = match read_at_most_on(volume, &path, FILE_MAX_OCTETS) {
        Ok(octets) => octets,
        Err(error) if error.is_too_large() => return Ok(None),
        Err(error) => return Err(error),
    };
    let parts = || {
        let (length, rest) = octets.strip_prefix(MAGIC)?.split_first_chunk::<4>()?;
        rest.split_at_checked(u32::from_be_bytes(*length) as usize)
    };
    Ok(parts().map(|(signed, overlay)| StoredOverlay { signed: signed.to_vec(), overlay: overlay.to_vec() }))
}

/// Removes changes over other bases than this one.
///
/// # Errors
/// [`DiskError`].
pub(super) fn forget_others(data: &Path, base_blake3: &str) -> Result<(), DiskError> {
    let but = path_of(data, base_blake3);
    let directory = data.join("list");
    for entry in fs::read_dir(&directory).map_err(failed("read", &directory))? {
        let path = entry.map_err(failed("read", &directory))?.path();
        let is_one = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("overlay-"));
        if is_one && path != but {
            fs::remove_file(&path).map_err(failed("remove", &path))?;
        }
    }
    Ok(())
}
