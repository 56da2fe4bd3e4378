//! Promise T13 of updates: from the repository that `packaging/repository` makes a real apt installs and upgrades, pilots first; it refuses what
//! was changed on the way, and goes on after the key was changed, while who never took the new key refuses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use varde_tests::machine;
use varde_tests::namespaces;
use varde_tests::programs::{Said, said, workspace};

/// Where the repository lies, on the machine that serves it and on the one that takes from it.
const SERVED: &str = "var/varde-repository";
const KEYRING: &str = "usr/share/keyrings/varde-archive-keyring.gpg";

struct Scene {
    folder: PathBuf,
    root: PathBuf,
}

impl Scene {
    fn new(folder: &Path) -> Result<Scene> {
        let root = folder.join("root");
        said(Command::new("cp").args(["--archive", "--no-target-directory"]).arg(machine::base()?).arg(&root))?.ok()?;
        // Nothing but what is ours: no other archive is asked.
        fs::write(root.join("etc/apt/sources.list"), "")?;
        for needed in ["var/cache/apt/archives/partial", "var/lib/apt/lists/partial"] {
            fs::create_dir_all(root.join(needed))?;
        }
        Ok(Scene { folder: folder.to_owned(), root })
    }

    fn served(&self) -> PathBuf {
        self.root.join(SERVED)
    }

    /// `packaging/repository`, well or not.
    fn repository(&self, words: &[&str]) -> Result<Said> {
        let mut command = Command::new(workspace().join("packaging/repository"));
        command.args(words).arg("--home").arg(self.folder.join("keys"));
        match words.first() {
            Some(&("key" | "rotate")) => command.args(["--as", "Prøve-CSIRT <drift@csirt.example>"]),
            Some(&("publish" | "promote" | "sign")) => {
                command.arg("--out").arg(self.served()).arg("--url").arg(format!("file:/{SERVED}"))
            }
            _ => &mut command,
        };
        said(&mut command)
    }

    /// A package of this version that holds it, taken into the suite of the pilots.
    fn publish(&self, version: &str) -> Result<()> {
        let (opened, packages) = (self.folder.join("opened"), self.folder.join("packages"));
        let _ = fs::remove_dir_all(&packages);
        fs::create_dir_all(opened.join("DEBIAN"))?;
        fs::create_dir_all(opened.join("usr/share/varde"))?;
        fs::create_dir_all(&packages)?;
        fs::write(opened.join("usr/share/varde/version"), version)?;
        let control = format!(
            "Package: varde-agent\nVersion: {version}\nArchitecture: amd64\nMaintainer: T <t@csirt.example>\nDescription: the sensor\n for a test\n"
        );
        fs::write(opened.join("DEBIAN/control"), control)?;
        let deb = packages.join(format!("varde-agent_{version}_amd64.deb"));
        said(Command::new("dpkg-deb").args(["--root-owner-group", "-Zgzip", "--build"]).arg(&opened).arg(deb))?.ok()?;
        self.repository(&["publish", "--packages", &packages.to_string_lossy()])?.ok().map(drop)
    }

    /// A command on the machine that takes from it.
    fn there(&self, line: &[&str]) -> Result<Said> {
        let mut nspawn = Command::new("systemd-nspawn");
        nspawn.args(["--quiet", "--register=no", "--keep-unit", "--pipe", "--private-network", "--as-pid2"]);
        nspawn.args(["--setenv=DEBIAN_FRONTEND=noninteractive", "--setenv=LC_ALL=C.UTF-8", "--directory"]);
        said(nspawn.arg(&self.root).args(line))
    }

    fn update(&self) -> Result<Said> {
        // What cannot be believed is an error, and no warning that is passed over.
        self.there(&["apt-get", "-o", "APT::Update::Error-Mode=any", "update"])
    }

    fn upgrade(&self) -> Result<()> {
        self.update()?.ok().context("apt-get update")?;
        self.there(&["apt-get", "--yes", "dist-upgrade"])?.ok().context("apt-get dist-upgrade").map(drop)
    }

    fn installed(&self, package: &str) -> Result<String> {
        Ok(self.there(&["dpkg-query", "--show", "--showformat=${Version}", package])?.ok()?.out)
    }

    /// The keyring package that lies in a suite.
    fn keyring(&self, suite: &str) -> Result<String> {
        let pool = self.served().join("deb/pool").join(suite);
        let names = fs::read_dir(pool)?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let name = names.into_iter().find(|name| name.starts_with("varde-archive-keyring_")).context("no keyring")?;
        Ok(format!("/{SERVED}/deb/pool/{suite}/{name}"))
    }
}

#[test]
fn t13_a_real_apt_takes_pilots_first_refuses_what_was_changed_and_follows_the_key() -> Result<()> {
    let lacks = ["gpg", "apt-ftparchive", "dpkg-deb"].into_iter().find(|program| {
        !said(Command::new("sh").args(["-c", &format!("command -v {program}")]))
            .is_ok_and(|found| found.code == Some(0))
    });
    if !namespaces::allowed() || !machine::allowed() || lacks.is_some() {
        eprintln!("SKIPPED: no machine to install on, or no {lacks:?} here; tests/run installs it");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let scene = match Scene::new(folder.path()) {
        Ok(scene) => scene,
        Err(error) => {
            eprintln!("SKIPPED: no Debian 12 to install in: {error:#}");
            return Ok(());
        }
    };
    let none = scene.repository(&["publish"])?;
    ensure!(none.code == Some(2) && none.err.contains("there is no key in"), "{}", none.err);
    scene.repository(&["key"])?.ok()?;
    ensure!(scene.repository(&["key"])?.code == Some(2), "a key in use is not made anew");
    scene.publish("1")?;
    scene.repository(&["promote"])?.ok()?;

    // The one package that is carried there by hand; apt does the rest.
    scene.there(&["dpkg", "--install", &scene.keyring("stable")?])?.ok()?;
    scene.update()?.ok()?;
    scene.there(&["apt-get", "--yes", "install", "varde-agent"])?.ok()?;
    ensure!(scene.installed("varde-agent")? == "1");

    // The next version is for the pilots alone, until it is promoted.
    scene.publish("2")?;
    scene.upgrade()?;
    ensure!(scene.installed("varde-agent")? == "1", "not promoted yet");
    let sources = scene.root.join("etc/apt/sources.list.d/varde.sources");
    let everybody = fs::read_to_string(&sources)?;
    fs::write(&sources, everybody.replace("Suites: stable", "Suites: pilot"))?;
    scene.update()?.ok()?;
    let offered = scene.there(&["apt-cache", "policy", "varde-agent"])?.ok()?.out;
    ensure!(offered.contains("Candidate: 2"), "a pilot is offered it: {offered}");
    fs::write(&sources, everybody)?;
    scene.update()?.ok()?;

    // Changed on the way: the index, and what is signed.
    for (file, from, to) in
        [("main/binary-amd64/Packages", "Version: 1", "Version: 9"), ("InRelease", "Suite: stable", "Suite: pilot ")]
    {
        let path = scene.served().join("deb/dists/stable").join(file);
        let packed = path.with_extension("gz");
        let (sound, sound_packed) = (fs::read_to_string(&path)?, fs::read(&packed).ok());
        ensure!(sound.contains(from), "{file} says nothing of {from}");
        let _ = fs::remove_file(&packed);
        fs::write(&path, sound.replace(from, to))?;
        let _ = fs::remove_dir_all(scene.root.join("var/lib/apt/lists"));
        fs::create_dir_all(scene.root.join("var/lib/apt/lists/partial"))?;
        let refused = scene.update()?;
        ensure!(refused.code == Some(100), "{file} was changed and taken: {}{}", refused.out, refused.err);
        fs::write(&path, sound)?;
        if let Some(sound) = sound_packed {
            fs::write(packed, sound)?;
        }
    }
    scene.update()?.ok().context("and believed again")?;

    // A second key: both sign, and the keyring with it comes by the first one's word.
    let old = fs::read(scene.root.join(KEYRING))?;
    let before = scene.installed("varde-archive-keyring")?;
    ensure!(scene.repository(&["retire"])?.code == Some(2), "the only key is not retired");
    scene.repository(&["rotate"])?.ok()?;
    ensure!(scene.repository(&["retire", "--key", "0123"])?.code == Some(2), "a key that signs nothing is not retired");
    scene.repository(&["sign"])?.ok()?;
    scene.upgrade()?;
    ensure!(scene.installed("varde-archive-keyring")? != before, "the keyring with both keys");
    scene.repository(&["retire"])?.ok()?;
    scene.repository(&["sign"])?.ok()?;
    scene.repository(&["promote"])?.ok()?;
    scene.upgrade()?;
    ensure!(scene.installed("varde-agent")? == "2", "an upgrade by the new key alone");

    // Whoever never took the new one believes nothing.
    fs::write(scene.root.join(KEYRING), old)?;
    let _ = fs::remove_dir_all(scene.root.join("var/lib/apt/lists"));
    fs::create_dir_all(scene.root.join("var/lib/apt/lists/partial"))?;
    let refused = scene.update()?;
    ensure!(refused.code == Some(100), "the old key alone: {}{}", refused.out, refused.err);
    Ok(())
}
