//! The CSIRT's guide, `collector/README.md`, until the first list: what it leaves to the reader.

use anyhow::{Context, Result};

use super::walk::What::{Copy, First, New, Runs, Types, Word};
use super::walk::{Row, row};
use super::world::World;

/// A list, a warning as text and as e-mail, and what else the guide names and does not make.
pub const FILES: [(&str, &str); 6] = [
    (
        "liste.txt",
        "# den første listen\nvond.example\n=www.vond.example\n203.0.113.7\naltinn.no\nverre.example\nverst.example\n",
    ),
    (
        "varsel.eml",
        "From: vakt@csirt.example\r\nTo: drift@kommune.example\r\nSubject: Passordfiske\r\n\r\nHei. Sperr lure[.]example og hxxps://narr[.]example/inn straks.\r\n",
    ),
    (
        "tranco.json",
        "{\"name\": \"tranco\", \"type\": \"hostname\", \"list\": [\"mye-brukt.example\"], \"version\": 1}\n",
    ),
    ("varsel.txt", "# Falsk innlogging\n\n- Ikke åpne lenken.\n"),
    ("varsel-nn.txt", "# Falsk innlogging\n\n- Ikkje opne lenkja.\n"),
    ("ny-liste.txt", "nyere.example\n"),
];

/// What is to be known of the commands.
pub const ROWS: &[Row] = &[
    // I gang
    row("I gang", "varde-collector init", New("new"), "both ways to begin lead to the same; each begins with nothing"),
    row("I gang", "varde-collector run", New("new"), "what was made just above is run"),
    row("I gang", "varde-collector run", Runs, "a collector runs for ever"),
    // Medlemmer og sensorer
    row(
        "Medlemmer og sensorer",
        "varde-collector member add 3407",
        First(others),
        "a collector that has run for a while has other members, and sensors are enrolled with one that runs",
    ),
    row(
        "Medlemmer og sensorer",
        "varde-collector sensor revoke 4",
        First(sensors),
        "the guide speaks of sensors; members enrol them, each by its own guide",
    ),
    row(
        "Medlemmer og sensorer",
        "varde-collector sensor revoke",
        Word("4", |world| world.sensor("lost")),
        "one that was lost",
    ),
    row(
        "Medlemmer og sensorer",
        "varde-collector sensor release 4",
        First(quarantine),
        "only what is in quarantine is released",
    ),
    row(
        "Medlemmer og sensorer",
        "varde-collector sensor release",
        Word("4", |world| world.sensor("old")),
        "one in quarantine",
    ),
    row(
        "Medlemmer og sensorer",
        "varde-collector sensor token",
        Word("4", |world| world.sensor("old")),
        "one that gives way to a new box",
    ),
    row(
        "Medlemmer og sensorer",
        "varde-collector sensor move",
        Word("4", |world| world.sensor("old")),
        "one that changes hands",
    ),
    row("Medlemmer og sensorer", "varde-collector sensor approve 5", First(waits), "only who waits is approved of"),
    row(
        "Medlemmer og sensorer",
        "varde-collector sensor approve",
        Word("5", |world| world.sensor("waiting")),
        "the one that waits",
    ),
    row(
        "Medlemmer og sensorer",
        "varde-collector sensor site add 4 1",
        First(approved),
        "enroll is started again on the one that waited",
    ),
    row(
        "Medlemmer og sensorer",
        "varde-collector sensor site add",
        Word("4", |world| world.sensor("gjovik")),
        "one of another member",
    ),
    row(
        "Medlemmer og sensorer",
        "varde-agent selftest",
        First(watches),
        "a test of itself goes all the way: the sensor runs, and has a list",
    ),
    // Kommuner som skifter nummer
    row("Kommuner", "varde-collector member rename 3407", First(|world| world.rest()), "the sensor has tested itself"),
    // Steder
    row(
        "Én sensor",
        "varde-collector sensor site add",
        Word("4", |world| world.sensor("spare")),
        "another than above, which has the site already",
    ),
    row("Én sensor", "varde-collector sensor site remove", Word("4", |world| world.sensor("spare")), "the same"),
    // Når et medlem går ut
    row(
        "Når et medlem går ut",
        "varde-collector member leave 3407",
        First(gives_up_the_site),
        "nobody leaves who watches another's network; and a machine that knows nothing of it is wanted for the certificate below",
    ),
    row("Når et medlem går ut", "varde-collector member leave 3407", Copy("left"), "the guide goes on with the member"),
    row(
        "Når et medlem går ut",
        "varde-collector member leave 3407",
        Word("3407", |_| Ok("3499".into())),
        "its number since the chapter on numbers that change: nobody leaves by an old one",
    ),
    row(
        "Når et medlem går ut",
        "varde-collector member leave 3407",
        Word("/mnt/utlevering", |world| world.file("handed-over")),
        "a folder of this test's own",
    ),
    row(
        "Når et medlem går ut",
        "varde-collector member leave 3407",
        Types("3499"),
        "it asks for the number, which is the member's new one",
    ),
    row("Når et medlem går ut", "varde-agent wipe", First(|world| world.at("lost")), "a sensor that was revoked"),
    row("Når et medlem går ut", "varde-agent wipe", Types("ja"), "it asks"),
    row(
        "Når et medlem går ut",
        "varde-collector member leave --again",
        Copy("knows-not"),
        "a collector that was laid back where nobody knows of it",
    ),
    row(
        "Når et medlem går ut",
        "varde-collector member leave --again",
        Word("deletion.json", |world| world.file("handed-over/3407/deletion.json")),
        "where the line above has put it",
    ),
    row("Når et medlem går ut", "varde-collector member leave --again", Types("3499"), "it asks for the number"),
    // Øvelse: ny CA
    row(
        "Øvelse: ny sertifikatutsteder",
        "varde-collector",
        Copy("ca"),
        "a drill: sensors that do not run while the CA changes are another test's",
    ),
    row(
        "Øvelse: ny sertifikatutsteder",
        "varde-collector root next",
        Word("keys/ca-next.crt", |world| world.file("ca/keys/ca-next.crt")),
        "it is in the data directory",
    ),
    row(
        "Øvelse: ny sertifikatutsteder",
        "varde-collector root show",
        First(|world| accept(world, "ca")),
        "the comment above: sign it, and root accept",
    ),
    row("Øvelse: ny sertifikatutsteder", "varde-collector root next", Word("SHA256", oldest_ca), "what root show says"),
    row(
        "Øvelse: ny sertifikatutsteder",
        "varde-collector root next neste.json --retire-ca",
        First(|world| world.take_away("neste.json")),
        "the first document is put in force and away",
    ),
];

fn others(world: &mut World) -> Result<()> {
    world.collector.start()?;
    for (number, name) in [("0301", "Oslo"), ("1401", "Flora"), ("1439", "Vågsøy")] {
        world.collector.add_member(number, name)?;
    }
    Ok(())
}

fn sensors(world: &mut World) -> Result<()> {
    let all =
        [("old", "3407"), ("lost", "3407"), ("gjovik", "3407"), ("spare", "3407"), ("oslo", "0301"), ("kinn", "1401")];
    all.into_iter().try_for_each(|(name, member)| world.enrol(name, member))
}

/// The first that was enrolled. Two machines with one identity are another test's.
fn quarantine(world: &mut World) -> Result<()> {
    let sql = "UPDATE sensor SET quarantined_at = enrolled_at WHERE id = (SELECT min(id) FROM sensor WHERE enrolled_at IS NOT NULL)";
    world.collector.tamper(sql).map(drop)
}

/// A sensor has shown eight words; whoever enrolled it starts it again later.
fn waits(world: &mut World) -> Result<()> {
    world.settings("approve_sensors = true\n")?;
    world.waits("waiting", "0301")
}

fn approved(world: &mut World) -> Result<()> {
    world.at("waiting")?;
    world.try_ask_agent(&["enroll"])?.ok()?;
    world.settings("")
}

fn watches(world: &mut World) -> Result<()> {
    world.collector.publish("prøve.example\n")?;
    world.at("gjovik")?;
    world.watch()
}

/// Signs `neste.json` with the root key of a copy and puts it in force there.
fn accept(world: &World, name: &str) -> Result<()> {
    let key = world.file(&format!("{name}/keys/root.key"))?;
    world.ask_in(name, &["sign", "neste.json", "--key", &key, "--yes"])?;
    world.ask_in(name, &["root", "accept", "neste.json"]).map(drop)
}

/// What the document names that is in force where nothing was changed.
fn oldest_ca(world: &World) -> Result<String> {
    let shown = world.collector.ask(["root", "show", "--json"])?.json()?.pop().context("nothing is shown")?;
    Ok(shown.get("ca").and_then(|all| all.get(0)?.as_str()).context("no CA")?.to_owned())
}

/// The sensor has the site no longer that it was given above; and the collector is copied as it is before the member leaves.
fn gives_up_the_site(world: &mut World) -> Result<()> {
    world.collector.ask(["sensor", "site", "remove", &world.sensor("gjovik")?, "1"])?;
    world.copy("knows-not")
}
