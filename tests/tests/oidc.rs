//! Promise W3, at a real provider of OpenID Connect (oidc-provider) and in a real browser: an invitation is accepted by it, one comes in by it to
//! where one wanted to go; a stranger, one factor, an answer given twice, elsewhere or to another question, a taken account and an ID token
//! that is signed or addressed otherwise let nobody in; and who is disabled stays out.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use varde_tests::browser::Browser;
use varde_tests::community::Collector;
use varde_tests::node;

const SECRET: &str = "of-both-0123456789";
/// As `provider.mjs` has them.
const TWISTS: [&str; 8] = ["none", "secret", "key", "nonce", "silent", "audience", "issuer", "late"];

/// A script: ended with the test, whatever becomes of it.
struct Script {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Script {
    fn start(mut command: Command, plan: &Value) -> Result<Script> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("node")?;
        let mut stdin = child.stdin.take().context("no stdin")?;
        writeln!(stdin, "{plan}")?;
        drop(stdin);
        let lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        Ok(Script { child, lines })
    }

    fn line(&mut self) -> Result<Value> {
        let line = self.lines.next().context("the script says nothing; what is wrong stands above")??;
        serde_json::from_str(&line).with_context(|| format!("the script says: {line}"))
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn link(collector: &Collector, words: &[&str]) -> Result<String> {
    let told = collector.ask(words.iter().copied())?.json()?;
    Ok(told.first().and_then(|told| told["link"].as_str()).context("no link")?.to_owned())
}

#[test]
fn w3_people_come_in_by_a_real_provider_and_by_nothing_that_looks_like_it() -> Result<()> {
    let Some(chromium) = Browser::installed().filter(|_| node::installed()) else {
        eprintln!(
            "SKIPPED: no chromium or no Node here; tests/run installs them (apt-get install chromium nodejs npm)"
        );
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    // Where it is has to be known before it is told to the provider.
    let web: std::net::SocketAddr = collector.start()?.web.parse()?;
    collector.stop()?;
    collector.serve_pages_at(web);
    let origin = format!("http://{web}");
    let client = json!({"client": "varde", "secret": SECRET, "returns": format!("{origin}/innlogging/oidc/svar")});
    let mut provider = Script::start(node::script("provider.mjs")?, &client)?;
    let issuer = provider.line()?["issuer"].as_str().context("no issuer")?.to_owned();

    let secret = folder.path().join("oidc.secret");
    std::fs::write(&secret, format!("{SECRET}\n"))?;
    let settings = format!(
        "oidc_issuer = \"{issuer}\"\noidc_name = \"Prøve-ID\"\noidc_client = \"varde\"\noidc_secret = \"{}\"\noidc_return = \"{origin}\"\noidc_second_factor = \"amr:mfa\"\n",
        secret.display()
    );
    std::fs::write(collector.data().join("collector.toml"), settings)?;
    collector.start()?;
    let invitations = [
        link(&collector, &["user", "add", "kari", "--role", "analyst", "--json"])?,
        link(&collector, &["user", "add", "per", "--role", "analyst", "--json"])?,
    ];
    let screens = node::target()?.join("screens");
    std::fs::create_dir_all(&screens)?;
    let plan = json!({
        "origin": origin, "chromium": chromium, "profile": folder.path().join("profile"), "folder": screens,
        "invitations": invitations, "twists": TWISTS,
    });
    let told = Script::start(node::script("oidc.mjs")?, &plan)?.line()?;
    let faults: Vec<&str> = told["faults"].as_array().context("no faults")?.iter().filter_map(Value::as_str).collect();
    assert!(faults.is_empty(), "{}\n{}", faults.join("\n"), collector.running()?.log());

    let audit = collector.ask(["audit", "list", "--json"])?.out;
    ensure!(audit.contains("signed in at the provider") && audit.contains("kari"), "{audit}");
    collector.stop()
}
