//! A file of the list that the disk cannot give: asked for once more, then told, done without, and put out of the way.
//!
//! It is moved, not removed: what is removed gives its bad sector back for the next file. One of each sort is kept.

use std::fs;

use super::DiskError;

/// Reads, and once more where the disk fails. What it cannot give then is noted, and there is none.
///
/// # Errors
/// [`DiskError`] that is not of the medium.
pub(super) fn or_unread<T>(
    unread: &mut Vec<DiskError>,
    read: impl Fn() -> Result<T, DiskError>,
) -> Result<Option<T>, DiskError> {
    // What fails once may have been on its way.
    match read() {
        Err(error) if error.is_of_medium() => {}
        read => return read.map(Some),
    }
    match read() {
        Err(error) if error.is_of_medium() => {
            unread.push(error);
            Ok(None)
        }
        read => read.map(Some),
    }
}

/// Tells what could not be read, and gives the base and the changes other names. A floor stays: each start is to tell of it until it is
/// written anew.
pub fn put_away(unread: &[DiskError]) {
    for error in unread {
        tracing::error!("{error}; the sensor goes on without it; look at the disk");
        let name = error.path.file_name().unwrap_or_default().to_string_lossy();
        let kept = match &*name {
            "in-force" => "unread-in-force",
            name if name.starts_with("overlay-") => "unread-overlay",
            _ => continue,
        };
        // Where that cannot be, the next list takes the name all the same, and until then each start comes by here.
        if let Err(why) = fs::rename(&error.path, error.path.with_file_name(kept)) {
            tracing::warn!("{} cannot be moved: {why}", error.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::failed;
    use super::*;
    use std::cell::Cell;
    use std::io;
    use std::path::Path;

    #[test]
    fn d6_what_is_read_at_the_second_try_is_there_and_what_is_no_bad_sector_is_an_error() {
        let mut unread = Vec::new();
        let mut outcome = |error: i32, fails: u32| {
            let tries = Cell::new(0);
            let read = or_unread(&mut unread, || {
                tries.set(tries.get() + 1);
                if tries.get() > fails { Ok(7) } else { Err(io::Error::from_raw_os_error(error)) }
                    .map_err(failed("read", Path::new("list/in-force")))
            });
            (read.ok(), tries.get())
        };
        assert_eq!(outcome(libc::EIO, 0), (Some(Some(7)), 1));
        assert_eq!(outcome(libc::EIO, 1), (Some(Some(7)), 2));
        assert_eq!(outcome(libc::EIO, 9), (Some(None), 2));
        assert_eq!(outcome(libc::EUCLEAN, 9), (Some(None), 2));
        for error in [libc::EACCES, libc::EMFILE, libc::ENOMEM] {
            assert_eq!(outcome(error, 9), (None, 1));
        }
        assert_eq!(unread.len(), 2);
    }

    #[test]
    fn d6_a_base_and_changes_that_cannot_be_read_are_moved_and_a_floor_stays() {
        let directory = tempfile::tempdir().unwrap();
        let unread: Vec<DiskError> = ["in-force", "overlay-0123456789abcdef", "floor", "signed-pilot"]
            .map(|name| {
                let path = directory.path().join(name);
                fs::write(&path, b"x").unwrap();
                failed("read", &path)(io::Error::from_raw_os_error(libc::EIO))
            })
            .into();
        put_away(&unread);
        let names = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["floor", "signed-pilot", "unread-in-force", "unread-overlay"]);
    }
}
