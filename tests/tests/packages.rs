//! What municipal IT and a CSIRT install: the packages are sound on paper, and in a Debian 12 that boots they install, enrol, see,
//! upgrade, go and leave nothing but what is documented.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::CommandFactory;
use serde_json::Value;
use varde_tests::installed::{Installed, install};
use varde_tests::machine;
use varde_tests::namespaces;
use varde_tests::packages::{older, package};
use varde_tests::papers::manual;
use varde_tests::programs::{PATIENCE, Which, eventually, said, workspace};

/// What the units may come to (`systemd-analyze security`): less is better.
const EXPOSURE: [(&str, f64); 3] = [
    ("agent/varde-agent.service", 1.6),
    ("agent/varde-agent-enroll.service", 1.6),
    ("collector/varde-collector.service", 2.0),
];

fn has(program: &str) -> bool {
    let there = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let there = there.is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("SKIPPED: there is no {program} here; tests/run installs it");
    }
    there
}

fn exposure(unit: &Path) -> Result<f64> {
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["security", "--offline=true", "--no-pager"]).arg(unit);
    let told = said(&mut analyze)?;
    let level = told.out.lines().find_map(|line| line.split_once("Overall exposure level for ")?.1.split_once(": "));
    let level = level.and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
    level.with_context(|| format!("no level: {}{}", told.out, told.err))
}

#[test]
fn units_expose_no_more_than_is_promised() -> Result<()> {
    if !has("systemd-analyze") {
        return Ok(());
    }
    let packaging = workspace().join("packaging");
    for (unit, most) in EXPOSURE {
        let level = exposure(&packaging.join(unit))?;
        ensure!(level <= most, "{unit}: {level}, and {most} is promised");
    }
    // A sensor that opens no interface needs less.
    let dir = tempfile::tempdir()?;
    let unit = dir.path().join("varde-agent.service");
    fs::copy(packaging.join("agent/varde-agent.service"), &unit)?;
    fs::create_dir(dir.path().join("varde-agent.service.d"))?;
    fs::copy(packaging.join("agent/files-only.conf"), dir.path().join("varde-agent.service.d/files-only.conf"))?;
    let (bare, files_only) = (exposure(&packaging.join("agent/varde-agent.service"))?, exposure(&unit)?);
    ensure!(files_only <= 1.3 && files_only < bare, "with files-only.conf: {files_only}, without: {bare}");
    Ok(())
}

#[test]
fn debs_hold_what_they_must_and_lintian_finds_nothing() -> Result<()> {
    for which in [Which::Agent, Which::Collector] {
        let deb = package(which, "deb")?;
        let listed = said(Command::new("dpkg-deb").arg("--contents").arg(&deb))?.ok()?.out;
        let holds = |path: &str| listed.lines().any(|line| line.ends_with(&format!(" ./{path}")));
        let name = which.name();
        let command = match which {
            Which::Agent => varde_agent::command::line::CommandLine::command(),
            Which::Collector => varde_collector::command::Cli::command(),
        };
        let pages = manual::names(&command);
        ensure!(pages.len() > 7, "{pages:?}");
        for page in pages {
            ensure!(holds(&format!("usr/share/man/man1/{page}.1.gz")), "no page {page} in:\n{listed}");
        }
        let settings = format!("{}.toml", name.trim_start_matches("varde-"));
        for path in [
            format!("usr/bin/{name}"),
            format!("etc/{name}/{settings}"),
            format!("usr/lib/systemd/system/{name}.service"),
            format!("usr/lib/sysusers.d/{name}.conf"),
            format!("usr/lib/tmpfiles.d/{name}.conf"),
            format!("usr/share/man/man5/{settings}.5.gz"),
            format!("usr/share/bash-completion/completions/{name}"),
            format!("usr/share/zsh/vendor-completions/_{name}"),
            format!("usr/share/fish/vendor_completions.d/{name}.fish"),
            format!("usr/share/doc/{name}/changelog.Debian.gz"),
            format!("usr/share/doc/{name}/copyright"),
            format!("usr/share/doc/{name}/{name}.cdx.json.gz"),
        ] {
            ensure!(holds(&path), "no {path} in:\n{listed}");
        }
        let conffiles = said(Command::new("dpkg-deb").args(["--info"]).arg(&deb).arg("conffiles"))?.ok()?.out;
        ensure!(conffiles.trim() == format!("/etc/{name}/{settings}"), "{conffiles}");
        if has("lintian") {
            let overrides = workspace().join("packaging/lintian.tags");
            let mut lintian = Command::new("lintian");
            lintian.args(["--allow-root", "--fail-on", "error,warning", "--suppress-tags-from-file"]);
            let told = said(lintian.arg(overrides).arg(&deb))?;
            ensure!(told.code == Some(0), "lintian on {name}:\n{}{}", told.out, told.err);
        }
    }
    Ok(())
}

#[test]
fn rpms_install_into_an_empty_system_as_they_say() -> Result<()> {
    if !has("rpm") || !namespaces::allowed() {
        return Ok(());
    }
    let dir = tempfile::tempdir()?;
    for which in [Which::Agent, Which::Collector] {
        let package = package(which, "rpm")?;
        // What it reads by a path it looks for within that system once something is installed there: asked for is what is installed.
        let rpm = |arguments: &[&str]| {
            let mut rpm = Command::new("rpm");
            rpm.arg("--root").arg(dir.path()).args(["--dbpath", "/var/lib/rpm"]).args(arguments);
            match arguments.contains(&"--install") {
                true => said(rpm.arg(&package)),
                false => said(rpm.arg(which.name())),
            }
        };
        // Nothing else is in an empty system: what it needs is asked for below, its scripts run where there are users and services.
        rpm(&["--install", "--nodeps", "--noscripts"])?.ok()?;
        let verified = rpm(&["--verify", "--nodeps", "--noscripts"])?;
        ensure!(verified.code == Some(0) && verified.out.trim().is_empty(), "{}{}", verified.out, verified.err);
        let program = dir.path().join("usr/bin").join(which.name());
        let version = said(Command::new(&program).arg("--version"))?.ok()?.out;
        ensure!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
        let configs = rpm(&["--query", "--configfiles"])?.ok()?.out;
        ensure!(configs.contains(&format!("/etc/{}/", which.name())), "{configs}");
        let needs = rpm(&["--query", "--requires"])?.ok()?.out;
        ensure!(needs.contains("libc.so.6(GLIBC_2.") && needs.contains("systemd"), "{needs}");
        let scripts = rpm(&["--query", "--scripts"])?.ok()?.out;
        ensure!(scripts.contains("systemd-sysusers"), "{scripts}");
        if has("rpmlint") {
            let mut rpmlint = Command::new("rpmlint");
            rpmlint.arg("--config").arg(workspace().join("packaging/rpmlint.toml")).arg(&package);
            let told = said(&mut rpmlint)?;
            ensure!(
                told.out.contains(" 0 errors, 0 warnings"),
                "rpmlint on {}:\n{}{}",
                which.name(),
                told.out,
                told.err
            );
        }
    }
    Ok(())
}

#[test]
fn installed_enrolled_upgraded_removed_purged() -> Result<()> {
    if !namespaces::allowed() || !machine::allowed() {
        return Ok(());
    }
    let dir = tempfile::tempdir()?;
    let (agent, collector) = (package(Which::Agent, "deb")?, package(Which::Collector, "deb")?);
    let before = older(&agent, "0.0.9-1", dir.path())?;
    let world = match Installed::boot(dir.path()) {
        Ok(world) => world,
        // No rights in a container, or no network to fetch it from: nothing of ours is in it yet.
        Err(error) => {
            eprintln!("SKIPPED: no Debian 12 boots here: {error:#}");
            return Ok(());
        }
    };

    // A collector from answers alone.
    world.begin_collecting(&collector, "vond.example\nverre.example\nsist.example\n")?;
    let token = world.token()?;

    // The sensor, of an earlier version: installed, it says the one line that is left to do.
    let untouched = world.member.paths()?;
    let told = install(&world.member, &before, "varde-agent varde-agent/interfaces string speil\n")?;
    ensure!(told.contains("sudo varde-agent enroll --token-file -"), "{told}");
    let failed = world.member.ask(["systemctl", "list-units", "--failed", "--plain", "--no-legend"])?;
    ensure!(!failed.contains("varde"), "not enrolled is no failure: {failed}");
    let told = world.member.tell(["varde-agent", "enroll", "--token-file", "-"], &token)?;
    let words = world.collector(&["root", "show"])?;
    let shown = told.err.lines().find_map(|line| line.split_once("fingerprint is: "));
    let shown = shown.with_context(|| format!("no fingerprint in: {}", told.err))?.1;
    ensure!(words.contains(shown), "the sensor shows \"{shown}\", the CSIRT: {words}");
    let owners = world.member.ask(["find", "/var/lib/varde-agent", "!", "-user", "varde-agent"])?;
    ensure!(owners.is_empty(), "not the service's own: {owners}");

    // It begins by itself, without any right, and what is looked up arrives.
    world.member.until("varde-agent", "active")?;
    let status = world.until("the sensor has the list", |status| {
        status["connected"] == true && status["indicators"].as_u64() == Some(3)
    })?;
    let rights = &status["confinement"]["rights"];
    ensure!(rights["capabilities"] == false || rights["capabilities"].as_u64() == Some(0), "{status:#}");
    let main = world.member.ask(["systemctl", "show", "--property", "MainPID", "--value", "varde-agent"])?;
    let process = world.member.ask(["cat", &format!("/proc/{}/status", main.trim())])?;
    let field =
        |name: &str| process.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).unwrap_or_default();
    ensure!(
        field("CapEff:").trim_matches('0').is_empty() && field("CapPrm:").trim_matches('0').is_empty(),
        "{process}"
    );
    ensure!(field("NoNewPrivs:") == "1" && field("Seccomp:") == "2" && !field("Uid:").starts_with('0'), "{process}");
    world.member.ask(["systemctl", "reload", "varde-agent"])?;
    world.until("settings are read anew", |status| !status["settings"]["read_at"].is_null())?;
    world.look_up("vond.example")?;
    eventually("an alert of real traffic", PATIENCE, || Ok((world.met("vond.example")?.len() == 1).then_some(())))?;

    // Upgraded while the collector is away: what waits on the disk is there afterwards, and arrives once.
    world.csirt.ask(["systemctl", "stop", "varde-collector"])?;
    world.until("the collector is away", |status| status["connected"] == false)?;
    world.look_up("verre.example")?;
    let waits = |status: &Value| status["spool"]["waiting"].as_u64().is_some_and(|waiting| waiting > 0);
    world.until("an alert waits", waits)?;
    install(&world.member, &agent, "")?;
    let version = world.member.ask(["dpkg-query", "--show", "--showformat=${Version}", "varde-agent"])?;
    ensure!(version.starts_with(env!("CARGO_PKG_VERSION")), "{version}");
    world.member.until("varde-agent", "active")?;
    let again = world.member.ask(["systemctl", "show", "--property", "MainPID", "--value", "varde-agent"])?;
    ensure!(again != main, "an upgrade starts the new program");
    world.csirt.ask(["systemctl", "start", "varde-collector"])?;
    eventually("the alert from before the upgrade", PATIENCE, || {
        Ok((world.met("verre.example")?.len() == 1).then_some(()))
    })?;
    world.until("nothing waits any more", |status| status["connected"] == true && !waits(status))?;

    // Removed, it keeps what it is; purged, only the user is left, as the guide says.
    world.member.ask(["dpkg", "--remove", "varde-agent"])?;
    world.member.ask(["test", "-d", "/var/lib/varde-agent/identity"])?;
    ensure!(world.member.run(["test", "-e", "/usr/bin/varde-agent"])?.code == Some(1), "removed");
    world.member.ask(["dpkg", "--purge", "varde-agent"])?;
    let left: Vec<String> = world.member.paths()?.difference(&untouched).cloned().collect();
    ensure!(left.iter().all(|path| path.starts_with("/etc/") && path.ends_with('-')), "left behind: {left:#?}");
    ensure!(world.member.ask(["getent", "passwd", "varde-agent"])?.contains("/usr/sbin/nologin"), "the user stays");

    // Answers do it all: it enrols in the background, and the token is nowhere afterwards.
    let token = world.token()?;
    let answers =
        format!("varde-agent varde-agent/interfaces string speil\nvarde-agent varde-agent/token password {token}\n");
    install(&world.member, &agent, &answers)?;
    world.until("the sensor enrolled by itself", |status| status["connected"] == true)?;
    world.look_up("sist.example")?;
    eventually("its alert", PATIENCE, || Ok((world.met("sist.example")?.len() == 1).then_some(())))?;
    let found = world.member.run(["grep", "-rlF", &token, "/var/cache/debconf", "/var/lib", "/etc", "/var/log"])?.out;
    ensure!(found.is_empty(), "the token stands in: {found}");
    Ok(())
}
