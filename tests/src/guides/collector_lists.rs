//! The CSIRT's guide, `collector/README.md`, on lists and keys: what it leaves to the reader.

use anyhow::{Context, Result};
use serde_json::Value;

use super::walk::What::{And, Copy, Ends, First, Reads, Word};
use super::walk::{Row, row};
use super::world::World;
use crate::feed_server::{FeedServer, Reply};

/// What is to be known of the commands.
pub const ROWS: &[Row] = &[
    // Indikatorer
    row(
        "Indikatorer",
        "varde-collector indicator import - --format prose",
        Reads(|_| Ok("Sperr svindel[.]example straks.\n".into())),
        "what another program says",
    ),
    // Kilder
    row(
        "Kilder",
        "varde-collector source add nasjonal",
        Word("https://taxii.example/taxii2/", |world| Ok(feeds(world)?.url("/taxii2/"))),
        "a TAXII server of this test",
    ),
    row(
        "Kilder",
        "varde-collector source add nasjonal",
        Word("/etc/varde-collector/taxii", |world| world.file("taxii")),
        "a file of this test's own",
    ),
    row(
        "Kilder",
        "varde-collector source add nasjonal",
        And(|world| Ok(vec!["--internal".into(), "--ca".into(), feeds(world)?.ca()])),
        "it stands on this machine, which only --internal allows, under a CA of its own",
    ),
    row(
        "Kilder",
        "varde-collector source add nasjonal",
        First(taxii),
        "a server that answers, and what it is asked with",
    ),
    row("Kilder", "varde-collector source add nasjonal", Ends(1), "it says what there is, and adds nothing"),
    row(
        "Kilder",
        "varde-collector source add nasjonal --kind taxii https://taxii.example/taxii2/ --auth-file /etc/varde-collector/taxii --collection",
        Ends(0),
        "this one adds",
    ),
    row(
        "Kilder",
        "varde-collector source add nasjonal",
        Word("ID", |_| Ok(COLLECTION.into())),
        "what the line above has said",
    ),
    row(
        "Kilder",
        "varde-collector source add misp --kind",
        Word("/etc/varde-collector/misp", |world| world.file("misp")),
        "a file of this test's own",
    ),
    row(
        "Kilder",
        "varde-collector source add misp --kind",
        First(|world| world.secret("misp", "apikey Authorization n\n")),
        "the reader has been given a key",
    ),
    // Lint
    row(
        "Det som ikke går ut",
        "varde-collector indicator lint",
        First(hits),
        "by now members have met what was published",
    ),
    row(
        "Det som ikke går ut",
        "varde-collector lint override altinn.no --reason",
        Word("2027-01-31", |_| Ok(in_days(60))),
        "an end is at most a year away, and still to come",
    ),
    // Utkast
    row("Utkast", "varde-collector publish --draft", Word("0c4f…", draft), "the name that draft show says"),
    row("Utkast", "varde-collector draft review", Word("0c4f…", draft), "the name that draft show says"),
    row("Utkast", "varde-collector draft review", First(newer), "what was published above is no draft any more"),
    // Pilot
    row("Noen få", "varde-collector pilot add", Word("3", |world| world.sensor("gjovik")), "a sensor"),
    row("Noen få", "varde-collector pilot add", Word("8", |world| world.sensor("oslo")), "a sensor"),
    row("Noen få", "varde-collector pilot add", Word("21", |world| world.sensor("kinn")), "a sensor"),
    // Trekk tilbake
    row(
        "Trekk tilbake",
        "varde-collector recall --list",
        First(twice_more),
        "there is a list to go back to, of after what was recalled",
    ),
    // Kanaler
    row(
        "Kanaler",
        "varde-collector sensor channel",
        Word("3", |world| world.sensor("spare")),
        "a sensor that is no pilot",
    ),
    // Bremsen
    row(
        "Bremsen",
        "varde-collector indicator brake",
        Word("17", |world| indicator(world, "verre.example")),
        "the number that indicator list says",
    ),
    row("Bremsen", "varde-agent status", First(|world| world.at("gjovik")), "a member's sensor"),
    // Vurder alarmen
    row(
        "Var det riktig?",
        "varde-collector alert verdict",
        Word("12", |world| alert(world, "vond.example", 0)),
        "an alert of those there are",
    ),
    row(
        "Var det riktig?",
        "varde-collector alert verdict",
        Word("13", |world| alert(world, "verre.example", 0)),
        "another",
    ),
    row(
        "Var det riktig?",
        "varde-collector alert verdict",
        Word("14", |world| alert(world, "verre.example", 1)),
        "a third",
    ),
    row(
        "Var det riktig?",
        "varde-collector indicator verdict",
        Word("17", |world| indicator(world, "vond.example")),
        "the number that indicator list says",
    ),
    row(
        "Var det riktig?",
        "varde-collector indicator verdict 17",
        First(false_again),
        "there is something to take back",
    ),
    row(
        "Var det riktig?",
        "varde-collector sighting to misp",
        Word("/etc/varde-collector/misp.key", |world| world.file("misp.key")),
        "a file of this test's own",
    ),
    row(
        "Var det riktig?",
        "varde-collector sighting to misp",
        First(|world| world.secret("misp.key", "n\n")),
        "the reader has been given a key",
    ),
    // Hvem signerer
    row(
        "Hvem signerer",
        "varde-collector",
        Copy("duty"),
        "the key is not on the collector here, and it is in the rest of the guide",
    ),
    row("Hvem signerer", "varde-collector publish", First(duty), "the key is with the one on duty"),
    row("Hvem signerer", "varde-collector sign", Reads(|_| Ok("yes\n".into())), "it says what is signed, and asks"),
    // En sensor uten kontakt
    row(
        "En sensor uten kontakt",
        "varde-agent list import",
        First(|world| world.at("spare")),
        "one that has not had it by the network",
    ),
    // Nøkler
    row("Nøkler", "varde-collector", Copy("keys"), "the rest of the guide goes on with the keys there are"),
    row(
        "Nøkler",
        "varde-collector root next neste.json",
        First(|world| world.take_away("neste.json")),
        "the drill above is over",
    ),
    row(
        "Nøkler",
        "varde-collector root next neste.json",
        And(|world| Ok(vec!["--add".into(), format!("list={}", public(world, "ny.key")?)])),
        "the new key comes in",
    ),
    row(
        "Nøkler",
        "varde-collector sign neste.json",
        Word("root.key", |world| world.file("keys/keys/root.key")),
        "init has put it there, and says to take it elsewhere",
    ),
    row("Nøkler", "varde-collector sign neste.json", Reads(|_| Ok("yes\n".into())), "it says what is signed, and asks"),
    row("Fra én rotnøkkel", "varde-collector", Copy("keys"), "as above"),
    row("Fra én rotnøkkel", "varde-collector root next", First(three_keys), "three people have each made a key"),
    row(
        "Fra én rotnøkkel",
        "varde-collector root next",
        Word("root=A", |world| Ok(format!("root={}", public(world, "a.key")?))),
        "the first key",
    ),
    row(
        "Fra én rotnøkkel",
        "varde-collector root next",
        Word("root=B", |world| Ok(format!("root={}", public(world, "b.key")?))),
        "the second",
    ),
    row(
        "Fra én rotnøkkel",
        "varde-collector root next",
        Word("root=C", |world| Ok(format!("root={}", public(world, "c.key")?))),
        "the third",
    ),
    row(
        "Fra én rotnøkkel",
        "varde-collector root next",
        Word("GAMMEL", |world| root_key(world, "keys")),
        "what root show says",
    ),
];

const COLLECTION: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";

/// The server of intelligence.
fn feeds(world: &World) -> Result<&FeedServer> {
    world.feeds.as_ref().context("nobody serves intelligence")
}

fn taxii(world: &mut World) -> Result<()> {
    world.secret("taxii", "basic gjest:gjest\n")?;
    if world.feeds.is_some() {
        return Ok(());
    }
    let server = FeedServer::on(world.listen()?, world.folder())?;
    let kind = "application/taxii+json;version=2.1";
    let root = server.url("/api/");
    let discovery = format!(r#"{{"title":"Prøve","api_roots":["{root}"],"default":"{root}"}}"#);
    server.set("/taxii2/", Reply::good(kind, discovery));
    let about = r#"{"title":"Prøve","versions":["application/taxii+json;version=2.1"],"max_content_length":1048576}"#;
    server.set("/api/", Reply::good(kind, about));
    let one = format!(r#"{{"id":"{COLLECTION}","title":"Domener","can_read":true,"can_write":false}}"#);
    server.set("/api/collections/", Reply::good(kind, format!(r#"{{"collections":[{one}]}}"#)));
    world.feeds = Some(server);
    Ok(())
}

/// Three members meet two of the names: alerts, incidents, a campaign.
fn hits(world: &mut World) -> Result<()> {
    for (place, sensor) in (1..).zip(["gjovik", "oslo", "kinn"]) {
        world.meets(sensor, place, &["vond.example", "verre.example"], 2)?;
    }
    crate::programs::eventually("all alerts are there", crate::programs::PATIENCE, || {
        Ok((world.collector.list("alert")?.len() >= 12 && !world.collector.list("campaign")?.is_empty()).then_some(()))
    })
}

fn newer(world: &mut World) -> Result<()> {
    let file = world.file("ny-liste.txt")?;
    world.collector.ask(["indicator", "import", &file]).map(drop)
}

fn draft(world: &World) -> Result<String> {
    let told = world.collector.ask(["draft", "show", "--json"])?.json()?.pop().context("no draft")?;
    Ok(told.get("draft").and_then(Value::as_str).context("no name")?.to_owned())
}

/// A day from now, as a date.
fn in_days(days: i64) -> String {
    let then = varde_common::time::Timestamp(varde_agent::io::clock::now().0 + days * 86_400_000_000);
    then.to_string().split('T').next().unwrap_or_default().to_owned()
}

fn indicator(world: &World, name: &str) -> Result<String> {
    world.listed("indicator", |line| line.get("indicator").is_some_and(|value| value == name), 0)
}

fn alert(world: &World, name: &str, nth: usize) -> Result<String> {
    world.listed("alert", |line| line.get("indicator").is_some_and(|value| value == name), nth)
}

/// Two lists go to all at once, each with something new.
fn twice_more(world: &mut World) -> Result<()> {
    for name in ["en-til", "enda-en"] {
        std::fs::write(world.folder().join("mer.txt"), format!("{name}.example\n"))?;
        world.collector.ask(["indicator", "import", &world.file("mer.txt")?])?;
        world.collector.ask(["publish", "--now", "--reason", "to lister"])?;
    }
    Ok(())
}

fn false_again(world: &mut World) -> Result<()> {
    let alert = alert(world, "vond.example", 0)?;
    world.collector.ask(["alert", "verdict", &alert, "false-positive", "--reason", "en gang til"]).map(drop)
}

/// The list key is elsewhere, and something waits to be published.
fn duty(world: &mut World) -> Result<()> {
    let (here, there) = (world.folder().join("duty/keys/list.key"), world.folder().join("list.key"));
    if !there.exists() {
        world.copy("duty")?;
        std::fs::rename(here, there)?;
        std::fs::write(world.folder().join("enda-nyere.txt"), "enda-nyere.example\n")?;
        world.ask_in("duty", &["indicator", "import", "enda-nyere.txt"])?;
    }
    Ok(())
}

fn three_keys(world: &mut World) -> Result<()> {
    world.take_away("neste.json")?;
    ["a.key", "b.key", "c.key"].into_iter().try_for_each(|file| world.ask_in("keys", &["key", "make", file]).map(drop))
}

/// The public half of a key that `key make` has made.
fn public(world: &World, file: &str) -> Result<String> {
    let key = varde_collector::io::keys::read_signing_key(&world.folder().join(file))?;
    Ok(varde_common::trust::hex(key.verifying_key().as_bytes()))
}

fn root_key(world: &World, name: &str) -> Result<String> {
    let shown = world.told_in(name, &["root", "show"])?;
    let roles = shown.get("roles").and_then(Value::as_array).context("no roles")?;
    let root = roles.iter().find(|role| role.get("role").is_some_and(|role| role == "root")).context("no root")?;
    let key = root.get("keys").and_then(|keys| keys.get(0)?.get("id")?.as_str()).context("no key")?;
    Ok(key.to_owned())
}
