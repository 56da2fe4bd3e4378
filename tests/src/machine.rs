//! A whole Debian 12 that boots, with its own service manager: what packages are installed in. Its network is a namespace's.
//!
//! The system it is a copy of is made once under `target/` by debootstrap, for each content of [`PACKAGES`], and used by every test
//! since, also without a network. `tests/run` makes it before the tests.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::namespaces::Namespace;
use crate::programs::{PATIENCE, Running, Said, eventually, said, workspace};

/// Beyond what every Debian has: the service manager, and what the packages name as theirs.
const PACKAGES: &str = "systemd,systemd-sysv,debconf,ca-certificates";
/// Stands in a system that is whole.
const WHOLE: &str = "whole";
/// What is in nobody's way, and takes most of the room.
const LEFT_OUT: [&str; 5] =
    ["var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/info"];

/// Whether machines can be had here. Says loudly what is left out if not.
pub fn allowed() -> bool {
    let lacks = ["debootstrap", "systemd-nspawn", "nsenter"].into_iter().find(|program| {
        let places = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
        !places.iter().any(|place| Path::new(place).join(program).exists())
    });
    if let Some(lacks) = lacks {
        eprintln!("SKIPPED: there is no {lacks} here, so no Debian to install packages in; tests/run installs it");
    }
    lacks.is_none()
}

/// The system that machines are copies of. Made where it is not there yet.
///
/// # Errors
/// What could not be made.
pub fn base() -> Result<PathBuf> {
    let parent = workspace().join("target/debian-12");
    fs::create_dir_all(&parent)?;
    // Several tests may come at once: one makes it, the others wait. The lock ends with the file.
    let lock = File::create(parent.join("lock"))?;
    lock.lock().context("another test makes the system")?;
    let folder = parent.join(PACKAGES.replace(',', "+"));
    if !folder.join(WHOLE).exists() {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let mut debootstrap = Command::new("debootstrap");
        debootstrap.args(["--variant=minbase", &format!("--include={PACKAGES}"), "bookworm"]).arg(folder.join("root"));
        said(&mut debootstrap)?
            .ok()
            .context("debootstrap cannot make a Debian 12; it fetches it from deb.debian.org")?;
        for left_out in LEFT_OUT {
            let _ = fs::remove_dir_all(folder.join("root").join(left_out));
        }
        File::create(folder.join(WHOLE))?;
    }
    Ok(folder.join("root"))
}

/// A machine that runs.
#[derive(Debug)]
pub struct Machine {
    root: PathBuf,
    init: u32,
    _running: Running,
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It does not go with the program that booted it; with its first process everything in it goes.
        let _ = Command::new("kill").args(["-KILL", &self.init.to_string()]).output();
    }
}

impl Machine {
    /// Copies the system to `root` and boots it in a network.
    ///
    /// # Errors
    /// When it does not come up; its console lies beside `root`.
    pub fn boot(root: &Path, namespace: &Namespace) -> Result<Machine> {
        said(Command::new("cp").args(["--archive", "--no-target-directory"]).arg(base()?).arg(root))?.ok()?;
        // A number of its own, and no first boot, which would ask a person.
        fs::write(root.join("etc/machine-id"), "")?;
        let mut nspawn = Command::new("systemd-nspawn");
        nspawn.args(["--quiet", "--register=no", "--keep-unit", "--console=pipe", "--boot", "--directory"]).arg(root);
        nspawn.arg(format!("--network-namespace-path=/run/netns/{}", namespace.name()));
        // A sensor shuts itself in with these, which a container is not given by itself.
        nspawn.arg("--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self");
        let console = root.with_extension("console");
        let mut running = Running::start(nspawn, &console)?;
        let init = eventually("the machine has a first process", PATIENCE, || {
            running.still_runs()?;
            Ok(child(running.id()))
        })?;
        let machine = Machine { root: root.to_owned(), init, _running: running };
        eventually("the machine has booted", PATIENCE, || {
            let state = machine.run(["systemctl", "is-system-running"])?.out;
            Ok(["running", "degraded"].contains(&state.trim()).then_some(()))
        })
        .with_context(|| fs::read_to_string(&console).unwrap_or_default())?;
        Ok(machine)
    }

    /// Where its `/` is on this machine.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A command line that runs there as root, with nothing of the caller's environment.
    pub fn command<A: Into<OsString>>(&self, line: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.init.to_string(), "--mount", "--uts", "--ipc", "--net", "--pid", "--"]);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command.args(line.into_iter().map(Into::into));
        command
    }

    /// Runs a command there to its end, well or not.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run<A: Into<OsString>>(&self, line: impl IntoIterator<Item = A>) -> Result<Said> {
        said(&mut self.command(line))
    }

    /// Runs a command that must end well; gives what it said on standard output.
    ///
    /// # Errors
    /// What it said, when it does not.
    pub fn ask<A: Into<OsString>>(&self, line: impl IntoIterator<Item = A>) -> Result<String> {
        let line: Vec<OsString> = line.into_iter().map(Into::into).collect();
        Ok(self.run(line.iter().cloned())?.ok().with_context(|| format!("{line:?}"))?.out)
    }

    /// The same with something on its standard input.
    ///
    /// # Errors
    /// As [`Machine::ask`].
    pub fn tell<A: Into<OsString>>(&self, line: impl IntoIterator<Item = A>, input: &str) -> Result<Said> {
        let mut command = self.command(line);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().context("a pipe was asked for")?;
        stdin.write_all(input.as_bytes())?;
        drop(stdin);
        Said::from(child.wait_with_output()?).ok().with_context(|| format!("{command:?}"))
    }

    /// Every path of its own disk, but what changes by itself.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn paths(&self) -> Result<std::collections::BTreeSet<String>> {
        let kept = ["/var/log", "/var/lib/dpkg", "/var/cache", "/var/lib/systemd", "/tmp", "/var/tmp", "/var/lib/apt"];
        let all = self.ask(["find", "/", "-xdev"])?;
        ensure!(all.contains("/usr/bin/dpkg"), "nothing is listed");
        Ok(all.lines().filter(|path| !kept.iter().any(|own| path.starts_with(own))).map(str::to_owned).collect())
    }

    /// Waits until a service is what it should be: `active`, `inactive` …
    ///
    /// # Errors
    /// When it is not; what it last said.
    pub fn until(&self, unit: &str, state: &str) -> Result<()> {
        eventually(&format!("{unit} is {state}"), PATIENCE, || {
            Ok((self.run(["systemctl", "is-active", unit])?.out.trim() == state).then_some(()))
        })
        .with_context(|| {
            let journal = self.run(["journalctl", "--no-pager", "--unit", unit, "--lines", "20"]);
            journal.map(|said| said.out).unwrap_or_default()
        })
    }
}

/// The first process in a machine's own numbering.
fn child(of: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{of}/task/{of}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}
