//! Promise, in a real browser: one comes in by name, password and code; a publisher writes an advisory from a campaign, looks it over and sends
//! it, and somebody at a member confirms to have read it; a link in webmail leads to it for who is signed in. axe finds nothing on the pages of
//! a member's IT, of management and of auditors, in light and dark, wide and at 320 pixels. And for every role no link on any page it is shown
//! is refused or leads nowhere.
//!
//! Pictures lie under `target/screens/member/` afterwards, to be looked at.

use anyhow::Result;
use serde_json::{Value, json};
use varde_tests::community::{Agent, Collector};
use varde_tests::hits::{LISTED, be_hit};
use varde_tests::node;
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::steered::{self, Steered};

const MEMBERS: [(&str, &str); 4] = [("3407", "Gjøvik"), ("4626", "Øygarden"), ("5501", "Tromsø"), ("0301", "Oslo")];

/// Adds an account, and gives the link that it comes in by: an invitation, or one that signs in.
fn link(collector: &Collector, (name, role): (&str, &str), member: Option<&str>, signs_in: bool) -> Result<String> {
    let mut line = vec!["user", "add", name, "--role", role, "--json"];
    line.extend(member.into_iter().flat_map(|member| ["--member", member]));
    let invited = collector.link(line)?;
    if signs_in { collector.link(["user", "link", name, "--json"]) } else { Ok(invited) }
}

#[test]
fn an_advisory_goes_from_who_writes_it_to_who_reads_it_and_no_role_is_led_to_a_refusal() -> Result<()> {
    let Some(chromium) = steered::browser() else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    std::fs::write(collector.data().join("collector.toml"), "telephone = \"22 00 00 00\"\n")?;
    let web = collector.start()?.web;
    let mut agents = Vec::new();
    for (number, name) in MEMBERS {
        collector.add_member(number, name)?;
        let contact = ["--contact", "it", "--name", "Kari Nordmann", "--telephone", "61 18 00 00"];
        collector.ask([&["member", "set", number][..], &contact].concat())?;
        let agent = Agent::new(&folder.path().join(format!("agent-{number}")), None)?;
        agent.enroll(&collector.token(number)?)?;
        agents.push(agent);
    }
    collector.publish_as(LISTED, &["--threat", "Falsk innlogging", "--source", "NCSC"])?;
    for (agent, number) in agents.iter_mut().zip(1..) {
        be_hit(agent, number)?;
    }
    eventually("there is a campaign with all of them", PATIENCE, || {
        let campaigns = collector.campaigns()?;
        Ok((!campaigns.is_empty()).then_some(()))
    })?;
    let own = Some("3407");
    let links: serde_json::Map<String, Value> =
        [("it", own), ("management", own), ("auditor", None), ("analyst", None), ("administrator", None)]
            .into_iter()
            .map(|(role, member)| {
                Ok((role.to_owned(), json!(link(&collector, (&format!("en-{role}"), role), member, true)?)))
            })
            .collect::<Result<_>>()?;
    let invited = link(&collector, ("pia", "publisher"), None, false)?;
    let screens = node::target()?.join("screens").join("member");
    std::fs::create_dir_all(&screens)?;
    let plan = json!({
        "origin": format!("http://{web}"), "folder": screens, "profile": folder.path().join("profile"), "chromium": chromium,
        "invited": {"name": "pia", "link": invited}, "links": links, "campaign": 1,
        "words": {"title": "Falsk innlogging", "text": "# Hva har skjedd\nEn falsk side.\n\n- ring dem som trykket\n", "confirmed": "Bekreftet lest"},
    });
    let told = Steered::start("member.mjs", &plan)?.finish(|_, _| Ok(()))?;
    println!("links followed: {}", told["crawled"]);
    for role in ["publisher", "it", "management", "auditor", "analyst", "administrator"] {
        assert!(told["crawled"][role].as_u64().is_some_and(|links| links > 8), "{role}: {}", told["crawled"]);
    }
    collector.stop()
}
