//! A disk that fails and a clock that is wrong for one program, on command: the library `shim/fault.c`, compiled here and put
//! before the system's own. What it can do stands at its head.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::programs::{said, workspace};

/// The compiled library.
#[derive(Debug, Clone)]
pub struct Shim {
    library: PathBuf,
}

impl Shim {
    /// Compiles it into a folder.
    ///
    /// # Errors
    /// When there is no compiler, or it does not compile.
    pub fn compile(folder: &Path) -> Result<Shim> {
        let (source, library) = (workspace().join("tests/src/shim/fault.c"), folder.join("fault.so"));
        let mut command = Command::new("cc");
        command
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&library)
            .arg(source)
            .arg("-ldl");
        said(&mut command)?.ok().context("cc")?;
        Ok(Shim { library })
    }

    /// The environment in which a program's disk fails so, such as `fsync:EIO@137`.
    pub fn failing(&self, fault: &str) -> Vec<(OsString, OsString)> {
        vec![("LD_PRELOAD".into(), self.library.clone().into()), ("FAULT".into(), fault.into())]
    }

    /// The environment in which one block of this file can never be read, whatever the file is called later.
    pub fn bad_sector(&self, file: &Path, at: u64) -> Vec<(OsString, OsString)> {
        let bad = format!("{}@{at}", file.display());
        vec![("LD_PRELOAD".into(), self.library.clone().into()), ("BAD".into(), bad.into())]
    }

    /// The environment in which a program's clock is as far ahead as this file says ([`turn`]).
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn clock(&self, file: &Path) -> Result<Vec<(OsString, OsString)>> {
        turn(file, 0)?;
        Ok(vec![("LD_PRELOAD".into(), self.library.clone().into()), ("CLOCK_FILE".into(), file.into())])
    }
}

/// Sets the clock of whoever runs with this file so many seconds ahead of the machine's.
///
/// # Errors
/// When the file cannot be written.
pub fn turn(file: &Path, ahead_s: i64) -> Result<()> {
    use std::os::unix::fs::FileExt;
    let open = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(file);
    open.and_then(|file| file.write_all_at(&ahead_s.to_ne_bytes(), 0)).context("cannot turn the clock")?;
    ensure!(std::fs::metadata(file)?.len() == 8, "{} is no clock", file.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(environment: Vec<(OsString, OsString)>, script: &str) -> String {
        let mut command = Command::new("python3");
        command.args(["-c", script]).envs(environment);
        said(&mut command).unwrap().ok().unwrap().out
    }

    #[test]
    fn d4_the_call_that_was_named_fails_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let shim = Shim::compile(folder.path()).unwrap();
        let script = format!(
            "import os\nf = os.open('{}', os.O_CREAT | os.O_RDWR)\nfor n in range(4):\n  try: print(os.write(f, b'four'))\n  except OSError as e: print(e.errno)\nfor n in range(2):\n  try: os.fsync(f); print('ok')\n  except OSError as e: print(e.errno)\n",
            folder.path().join("file").display()
        );
        assert_eq!(run(shim.failing("write:EIO@2,fsync:ENOSPC@2"), &script), "4\n5\n4\n4\nok\n28\n");
        assert_eq!(run(shim.failing("write:short@1,write:EIO@>3"), &script), "2\n4\n5\n5\nok\nok\n");
    }

    #[test]
    fn d4_the_read_that_was_named_fails_and_a_bad_sector_stays_bad_under_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let shim = Shim::compile(folder.path()).unwrap();
        let (segment, other) = (folder.path().join("a.seg"), folder.path().join("other"));
        for path in [&segment, &other] {
            std::fs::write(path, vec![1; 9_000]).unwrap();
        }
        let reads = |path: &Path| {
            format!(
                "f = os.open('{}', os.O_RDONLY)\nfor at in (0, 4096, 8191, 8192):\n  try: print(len(os.pread(f, 8, at)), end=' ')\n  except OSError as e: print('E', e.errno, sep='', end=' ')\n",
                path.display()
            )
        };
        let both = format!("import os\n{}{}", reads(&other), reads(&segment));
        assert_eq!(run(shim.failing("read:EIO@2"), &both).trim(), "8 8 8 8 8 E5 8 8");
        let moved =
            format!("{both}os.rename('{0}', '{0}.1')\n{1}", segment.display(), reads(&folder.path().join("a.seg.1")));
        assert_eq!(run(shim.bad_sector(&segment, 4096), &moved).trim(), "8 8 8 8 8 E5 E5 8 8 E5 E5 8");
        // The list in force is read from its beginning to its end.
        let list = folder.path().join("list").join("in-force");
        std::fs::create_dir(folder.path().join("list")).unwrap();
        std::fs::write(&list, vec![1; 9_000]).unwrap();
        let through = [&other, &list].map(|path| {
            format!(
                "f = os.open('{}', os.O_RDONLY)\nfor n in range(3):\n  try: print(len(os.read(f, 4096)), end=' ')\n  except OSError as e: print('E', e.errno, sep='', end=' '); os.lseek(f, 4096, 1)\n",
                path.display()
            )
        });
        let through = format!("import os\n{}", through.concat());
        assert_eq!(run(shim.failing("list:EIO@1"), &through).trim(), "4096 4096 808 E5 4096 808");
        assert_eq!(run(shim.bad_sector(&list, 4096), &through).trim(), "4096 4096 808 4096 E5 808");
    }

    #[test]
    fn k1_a_clock_is_turned_for_one_program() {
        let folder = tempfile::tempdir().unwrap();
        let shim = Shim::compile(folder.path()).unwrap();
        let clock = folder.path().join("clock");
        let environment = shim.clock(&clock).unwrap();
        turn(&clock, 10 * 366 * 86_400).unwrap();
        let year =
            |environment| run(environment, "import time; print(time.gmtime().tm_year)").trim().parse::<i64>().unwrap();
        assert_eq!(year(environment) - year(Vec::new()), 10);
    }
}
