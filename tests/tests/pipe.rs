//! A capture that is a pipe holds nobody up: not the connection, not a new list, not the word to stop.

use anyhow::Result;
use varde_tests::community::{Agent, Collector};

#[test]
fn a_pipe_nobody_writes_to_holds_nobody_up() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let silent = folder.path().join("silent");
    assert!(std::process::Command::new("mkfifo").arg(&silent).status()?.success());
    agent.start([std::ffi::OsStr::new("--capture"), silent.as_os_str()])?;
    // Connected, and told of the list, while the pipe is not even open.
    collector.publish("vond.example\n")?;
    collector.await_in_force(1, 1)?;
    assert_eq!(agent.running()?.stop()?, 130, "a clean stop that says the captures were not read to their end");

    collector.stop()
}
