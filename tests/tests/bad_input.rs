//! Promise: what a person may get wrong ends with one sentence of cause and one of remedy, and loses nothing.

use anyhow::{Context, Result};
use varde_tests::community::{Agent, Collector};
use varde_tests::programs::{Said, Which, run};

/// Exit code 1, nothing of a backtrace, and both sentences.
fn explains(said: &Said, cause: &[&str], remedy: &[&str]) {
    assert_eq!(said.code, Some(1), "{said:?}");
    let text = said.err.to_lowercase();
    assert!(!text.contains("panicked") && !text.contains("backtrace"), "{}", said.err);
    assert!(cause.iter().any(|word| text.contains(word)), "no cause of {cause:?} in: {}", said.err);
    assert!(remedy.iter().any(|word| text.contains(word)), "no remedy of {remedy:?} in: {}", said.err);
    let lines = said.err.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 4, "more than a cause and a remedy: {}", said.err);
}

#[test]
fn a_data_directory_that_cannot_be_used_is_explained() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("a-file");
    std::fs::write(&file, "")?;
    let inside = file.join("data").to_string_lossy().into_owned();
    explains(&run(Which::Collector, ["init", "--data", &inside])?, &["a-file"], &["director", "folder", "--data"]);
    explains(
        &run(Which::Agent, ["status", "--data", &inside])?,
        &["a-file"],
        &["director", "folder", "--data", "enroll"],
    );
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty)?;
    let empty = empty.to_string_lossy().into_owned();
    let said = run(Which::Collector, ["campaign", "list", "--data", &empty])?;
    explains(&said, &["no collector", "holds no"], &["varde-collector init"]);
    let said = run(Which::Agent, ["run", "--capture", "x.pcap", "--data", &empty])?;
    explains(&said, &["enrol", "identity"], &["varde-agent enroll"]);
    Ok(())
}

#[test]
fn a_second_init_keeps_the_keys_of_the_first() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    collector.add_member("3407", "Gjøvik")?;
    let said = collector.try_ask(["init", "--address", "127.0.0.1:7843"])?;
    if said.code != Some(0) {
        explains(&said, &["already", "holds"], &["--data", "remove", "run", "another"]);
    }
    assert_eq!(collector.list("member")?.len(), 1, "what was there is still there");
    Ok(())
}

#[test]
fn a_used_a_damaged_and_a_foreign_token_are_explained() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let token = collector.token("3407")?;
    Agent::new(&folder.path().join("first"), None)?.enroll(&token)?;
    let second = Agent::new(&folder.path().join("second"), None)?;
    explains(&second.try_enroll(&token)?, &["used"], &["new token", "sensor token", "another token"]);
    let cut = token.get(..token.len() - 9).context("a short token")?;
    explains(&second.try_enroll(cut)?, &["damaged"], &["copy"]);
    explains(&second.try_enroll("hei")?, &["no token"], &["varde1-"]);
    second.enroll(&collector.token("3407")?).context("and a good one is still welcome")?;
    // Enrolling over an identity would cut a working sensor off.
    let again = second.try_enroll(&collector.token("3407")?)?;
    explains(&again, &["already", "enrolled", "identity"], &["--data", "remove", "move", "another"]);
    collector.stop()
}

#[test]
fn an_unreachable_collector_is_explained() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let token = collector.token("3407")?;
    collector.stop()?;
    let agent = Agent::new(&folder.path().join("agent"), None)?;
    explains(&agent.try_enroll(&token)?, &["reach", "answer", "connect"], &["udp", "firewall", "address", "running"]);
    collector.start()?;
    agent.enroll(&token).context("the token was not used up by the attempt")?;
    collector.stop()
}

#[test]
fn an_unknown_member_and_an_unknown_sensor_are_explained() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    explains(&collector.try_ask(["sensor", "token", "3407"])?, &["3407"], &["member add"]);
    explains(&collector.try_ask(["sensor", "revoke", "99"])?, &["99"], &["sensor list"]);
    explains(&collector.try_ask(["campaign", "show", "99"])?, &["99"], &["campaign list"]);
    let wrong = collector.try_ask(["member", "add", "34O7", "Gjøvik"])?;
    assert!(matches!(wrong.code, Some(1 | 2)), "{wrong:?}");
    assert!(wrong.err.contains("kommunenummer"), "{}", wrong.err);
    Ok(())
}

#[test]
fn a_bad_line_in_an_import_is_named_and_the_rest_is_loaded() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let list = folder.path().join("liste.txt");
    std::fs::write(&list, "vond.example\nno\n203.0.113.0/24\n10.0.0.300\nblåbær.example\n")?;
    let said = collector.try_ask(["indicator", "import", &list.to_string_lossy()])?;
    let text = format!("{}{}", said.out, said.err);
    for line in [&["liste.txt", "line 2", "top-level"][..], &["line 4", "10.0.0.300"]] {
        assert!(line.iter().all(|word| text.contains(word)), "{line:?} not in: {text}");
    }
    assert_eq!(said.code, Some(1), "a nightly job must notice: {text}");
    assert_eq!(collector.list("indicator")?.len(), 3, "with the name in Norwegian letters");
    std::fs::write(&list, "vond.example\n203.0.113.0/24\n")?;
    collector.ask(["indicator", "import", &list.to_string_lossy()])?;
    Ok(())
}

#[test]
fn the_page_is_bound_to_loopback_and_refuses_another_address() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let said = collector.try_ask([
        "run",
        "--quic",
        "127.0.0.1:0",
        "--enroll",
        "127.0.0.1:0",
        "--tcp",
        "none",
        "--web",
        "0.0.0.0:0",
    ])?;
    assert!(matches!(said.code, Some(1 | 2)), "{said:?}");
    assert!(said.err.contains("127.0.0.1") || said.err.to_lowercase().contains("loopback"), "{}", said.err);
    Ok(())
}

#[test]
fn an_unknown_setting_is_named_by_file_line_and_the_right_word() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let agent = Agent::new(&folder.path().join("agent"), None)?;
    std::fs::write(agent.data().join("agent.toml"), "# ours\nresolver = [\"10.0.0.53\"]\n")?;
    let said = agent.try_ask(["run", "--capture", "x.pcap"])?;
    assert!(matches!(said.code, Some(1 | 2)), "{said:?}");
    for word in ["agent.toml", "line 2", "resolvers"] {
        assert!(said.err.contains(word), "no {word} in: {}", said.err);
    }
    Ok(())
}
