//! What is asked at a terminal, and promise Q3 where a member leaves while its sensors deliver, the power goes or somebody reads: all
//! is handed over, all is gone, and a certificate says so.

use std::fs;

use anyhow::{Result, ensure};
use varde_tests::community::{Agent, Collector};
use varde_tests::terminal::Terminal;

/// A line that a program says at a terminal beside what it was asked for.
fn begins_with_an_error(screen: &str) -> bool {
    ["panicked", "feature", "ERROR", "Unable"].iter().any(|word| screen.contains(word))
}

#[test]
fn q3_at_a_terminal_nothing_is_said_beside_the_answer_and_only_the_right_number_deletes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;

    for line in [&["member", "list"] as &[&str], &["status"], &["audit", "verify"]] {
        let said = Terminal::start(collector.command(line.iter().copied())?)?.end()?;
        ensure!(said.code == Some(0) && !begins_with_an_error(&said.out), "{line:?}: {said:?}");
    }
    let said = Terminal::start(agent.command(["status"])?)?.end()?;
    ensure!(said.code == Some(0) && !begins_with_an_error(&said.out), "{said:?}");

    // A reason is asked for and written down, found or not.
    let mut terminal = Terminal::start(agent.command(["reveal", "H-0123456789ABC"])?)?;
    terminal.await_said("Reason")?;
    terminal.type_line("sak 7")?;
    let said = terminal.end()?;
    ensure!(said.code == Some(1) && said.out.contains("no alert of this sensor names"), "{said:?}");
    ensure!(fs::read_to_string(agent.data().join("reveal.log"))?.contains("sak 7"));

    let leave = |to: &str, typed: &str| -> Result<_> {
        let to = folder.path().join(to).to_string_lossy().into_owned();
        let mut terminal = Terminal::start(collector.command(["member", "leave", "3407", "--to", &to])?)?;
        terminal.await_said("Type its number")?;
        terminal.type_line(typed)?;
        terminal.end()
    };
    for wrong in ["3405", "yes", ""] {
        let said = leave(&format!("not-left{wrong}"), wrong)?;
        ensure!(said.code == Some(1) && said.out.contains("nothing was deleted"), "{wrong}: {said:?}");
        ensure!(!begins_with_an_error(&said.out), "{said:?}");
        let sensors = collector.sensors()?;
        ensure!(collector.list("member")?.len() == 1 && sensors.len() == 1, "{sensors:?}");
        ensure!(collector.list("sensor")?[0]["revoked_at"].is_null(), "a wrong number revoked its sensor");
    }
    let said = leave("left", "3407")?;
    ensure!(said.code == Some(0) && said.out.contains("SLETTEBEKREFTELSE"), "{said:?}");
    ensure!(collector.list("member")?.is_empty() && collector.list("sensor")?.is_empty());

    for (typed, code) in [("no", 1), ("", 1), ("yes", 0)] {
        let mut terminal = Terminal::start(agent.command(["wipe"])?)?;
        terminal.await_said("to go on")?;
        terminal.type_line(typed)?;
        let said = terminal.end()?;
        ensure!(said.code == Some(code) && !begins_with_an_error(&said.out), "{typed}: {said:?}");
        ensure!(agent.data().join("identity").exists() == (code == 1), "{typed}");
    }
    collector.stop()
}
