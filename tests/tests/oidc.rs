//! Promise W3, at a real provider of OpenID Connect (oidc-provider) and in a real browser: an invitation is accepted by it, one comes in by it to
//! where one wanted to go; a stranger, one factor, an answer given twice, elsewhere or to another question, a taken account and an ID token
//! that is signed or addressed otherwise let nobody in; and who is disabled stays out.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use varde_tests::community::Collector;
use varde_tests::node;
use varde_tests::steered::{self, Steered};

const SECRET: &str = "of-both-0123456789";
/// As `provider.mjs` has them.
const TWISTS: [&str; 8] = ["none", "secret", "key", "nonce", "silent", "audience", "issuer", "late"];

#[test]
fn w3_people_come_in_by_a_real_provider_and_by_nothing_that_looks_like_it() -> Result<()> {
    let Some(chromium) = steered::browser() else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    // Where it is has to be known before it is told to the provider.
    let web: std::net::SocketAddr = collector.start()?.web.parse()?;
    collector.stop()?;
    collector.serve_pages_at(web);
    let origin = format!("http://{web}");
    let client = json!({"client": "varde", "secret": SECRET, "returns": format!("{origin}/innlogging/oidc/svar")});
    let mut provider = Steered::start("provider.mjs", &client)?;
    let told = provider.says()?.context("no provider; what is wrong stands above")?;
    let issuer = told["issuer"].as_str().context("no issuer")?.to_owned();

    let secret = folder.path().join("oidc.secret");
    std::fs::write(&secret, format!("{SECRET}\n"))?;
    let settings = format!(
        "oidc_issuer = \"{issuer}\"\noidc_name = \"Prøve-ID\"\noidc_client = \"varde\"\noidc_secret = \"{}\"\noidc_return = \"{origin}\"\noidc_second_factor = \"amr:mfa\"\n",
        secret.display()
    );
    std::fs::write(collector.data().join("collector.toml"), settings)?;
    collector.start()?;
    let invitations = [
        collector.link(["user", "add", "kari", "--role", "analyst", "--json"])?,
        collector.link(["user", "add", "per", "--role", "analyst", "--json"])?,
    ];
    let screens = node::target()?.join("screens");
    std::fs::create_dir_all(&screens)?;
    let plan = json!({
        "origin": origin, "chromium": chromium, "profile": folder.path().join("profile"), "folder": screens,
        "invitations": invitations, "twists": TWISTS,
    });
    let told = Steered::start("oidc.mjs", &plan)?.finish(|_, _| Ok(()));
    told.with_context(|| collector.running().map(|running| running.log()).unwrap_or_default())?;

    let audit = collector.ask(["audit", "list", "--json"])?.out;
    ensure!(audit.contains("signed in at the provider") && audit.contains("kari"), "{audit}");
    collector.stop()
}
