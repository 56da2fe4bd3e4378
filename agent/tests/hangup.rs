//! Promise: a word to read settings anew (SIGHUP) that comes while a sensor is still starting ends nothing.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn a_reload_in_the_moment_of_the_start_does_not_end_the_sensor() {
    let data = tempfile::tempdir().unwrap();
    // Settings that come when this test says so: until then the sensor has begun, and is not there yet.
    let settings = data.path().join("agent.toml");
    mknodat(CWD, &settings, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let mut agent = Command::new(env!("CARGO_BIN_EXE_varde-agent"));
    agent.arg("run").arg("--data").arg(data.path()).stderr(Stdio::piped());
    let agent = agent.spawn().unwrap();
    // This waits until the sensor opens them as well.
    let mut pipe = File::options().write(true).open(&settings).unwrap();
    kill_process(Pid::from_raw(i32::try_from(agent.id()).unwrap()).unwrap(), Signal::HUP).unwrap();
    pipe.write_all(b"interfaces = []\n").unwrap();
    fs::remove_file(&settings).unwrap();
    drop(pipe);
    let ended = agent.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.signal(), None, "ended by the word to read anew: {told}");
    assert!(told.contains("there is nothing to watch"), "{told}");
}
