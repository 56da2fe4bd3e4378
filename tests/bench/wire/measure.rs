//! One program measured as a whole process: CPU of user and system, peak resident memory, what it said.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use varde_tests::programs::{PATIENCE, eventually, said, workspace};

/// What a run took.
#[derive(Debug, Clone, Default)]
pub(super) struct Cost {
    /// User and system, seconds.
    pub(super) cpu_s: f64,
    /// Peak resident, MiB.
    pub(super) peak_mib: f64,
    /// Standard output.
    pub(super) out: String,
}

/// The middle one of several.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The C program beside this file, built once a run.
#[derive(Debug)]
pub(super) struct Meter {
    program: PathBuf,
    folder: PathBuf,
}

impl Meter {
    /// Builds it into `folder`.
    ///
    /// # Errors
    /// When there is no C compiler.
    pub(super) fn built(folder: &Path) -> Result<Meter> {
        let program = folder.join("reference");
        let source = workspace().join("tests/bench/wire/reference.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-O2", "-Wall", "-o"]).arg(&program).arg(&source).arg("-ldl");
        said(&mut compiler)?.ok().context("the reference does not build")?;
        Ok(Meter { program, folder: folder.to_owned() })
    }

    /// Runs a command line and says what it took.
    ///
    /// # Errors
    /// When it does not end well.
    pub(super) fn run(&self, command: &[&str]) -> Result<Cost> {
        let (figures, output) = (self.folder.join("figures"), self.folder.join("output"));
        let mut meter = Command::new(&self.program);
        meter.arg("meter").arg(&figures).args(command).stdin(Stdio::null()).stdout(File::create(&output)?);
        meter.stderr(File::create(self.folder.join("errors"))?);
        ensure!(meter.status()?.success(), "cannot measure {command:?}");
        let text = std::fs::read_to_string(&figures)?;
        let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [code, user_us, system_us, peak_kib] = numbers[..] else { anyhow::bail!("no figures: {text}") };
        ensure!(code == 0.0, "{command:?} ended with {code}; see {}", self.folder.join("errors").display());
        let cpu_s = (user_us + system_us) / 1e6;
        Ok(Cost { cpu_s, peak_mib: peak_kib / 1024.0, out: std::fs::read_to_string(&output)? })
    }

    /// A reference (`pcap` or `blocks`) over a capture; checks that it saw every packet.
    ///
    /// # Errors
    /// When it did not.
    pub(super) fn reference(&self, which: &str, capture: &str, packets: u64) -> Result<Cost> {
        let program = self.program.display().to_string();
        let cost = self.run(&[&program, which, capture])?;
        ensure!(cost.out.starts_with(&format!("{packets} ")), "{which} saw {} of {packets}", cost.out);
        Ok(cost)
    }
}

fn status_mib(process: u32, key: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with(key)).with_context(|| format!("no {key}"))?;
    let kib: f64 = line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).context("no number")?;
    Ok(kib / 1024.0)
}

fn cpu_ticks(process: u32) -> Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    Ok(fields.filter_map(|word| word.parse::<u64>().ok()).sum())
}

/// Resident memory of an agent that has loaded its list and waits for its first packet, and its peak until then, MiB.
///
/// # Errors
/// When it does not come so far.
pub(super) fn loaded(agent: &Path, list: &Path, folder: &Path) -> Result<(f64, f64)> {
    let pipe = folder.join("waiting.pcap");
    let _ = std::fs::remove_file(&pipe);
    said(Command::new("mkfifo").arg(&pipe))?.ok()?;
    let mut command = Command::new(agent);
    command.args(["inspect", "--json", "--indicators"]).arg(list).arg(&pipe);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let measured = (|| {
        // Opening waits for the reader: the list is loaded by then.
        let mut file = std::fs::OpenOptions::new().write(true).open(&pipe)?;
        let header: Vec<u8> =
            [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1].iter().flat_map(|word| word.to_le_bytes()).collect();
        file.write_all(&header)?;
        let (mut before, mut still) = (u64::MAX, 0);
        eventually("the agent has come to rest", PATIENCE, || {
            std::thread::sleep(Duration::from_millis(50));
            let now = cpu_ticks(child.id())?;
            still = if now == before { still + 1 } else { 0 };
            before = now;
            Ok((still > 5).then_some(()))
        })?;
        let figures = (status_mib(child.id(), "VmRSS")?, status_mib(child.id(), "VmHWM")?);
        drop(file);
        Ok(figures)
    })();
    if measured.is_err() {
        let _ = child.kill();
    }
    child.wait()?;
    let _ = std::fs::remove_file(&pipe);
    measured
}
