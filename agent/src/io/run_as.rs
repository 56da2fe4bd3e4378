//! Root's commands on a data directory of somebody else: done as whoever owns it, so that what they make is the service's
//! too. Otherwise `sudo varde-agent enroll` would leave files that the service may not read.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

/// Goes on as the owner of the data directory, if root runs this and somebody else owns it. To be called while the process
/// has one thread: the kernel changes one by one, and later ones are born alike.
///
/// # Errors
/// The kernel's own, where root may not become another user.
pub fn owner_of(data: &Path) -> io::Result<()> {
    let Ok(found) = fs::metadata(data) else { return Ok(()) };
    if !geteuid().is_root() || found.uid() == 0 {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(found.uid()), Gid::from_raw(found.gid()));
    // The user last: with it goes the right to change the others.
    set_thread_groups(&[])?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::chown;

    #[test]
    fn root_goes_on_as_the_owner_and_makes_what_the_owner_may_read() {
        if !geteuid().is_root() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let data = dir.path().join("data");
        fs::create_dir(&data).unwrap();
        chown(&data, Some(65534), Some(65534)).unwrap();
        let made = data.join("made");
        // A thread of its own: the rest of the process stays who it is.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                owner_of(&dir.path().join("missing")).unwrap();
                assert!(geteuid().is_root(), "nobody owns what is not there");
                owner_of(&data).unwrap();
                fs::write(&made, "x").unwrap();
                assert!(fs::write(dir.path().join("beside"), "x").is_err(), "root's rights are gone");
            });
        });
        let found = fs::metadata(&made).unwrap();
        assert_eq!((found.uid(), found.gid()), (65534, 65534));
    }
}
