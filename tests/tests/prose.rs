//! Mails, reports and pasted text through the built collector: read as a person would, and files made to do harm end nothing but the
//! process that takes them apart; what machines wrote is left to its own importers (F1, F2).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use varde_tests::community::Collector;
use varde_tests::programs::{Said, workspace};

fn sample(name: &str) -> PathBuf {
    workspace().join("collector/tests/data/prose").join(name)
}

fn import(collector: &Collector, file: &Path, more: &[&str]) -> Result<Said> {
    let file = file.to_string_lossy();
    let words = ["indicator", "import", &file].into_iter().chain(more.iter().copied());
    collector.try_ask(words)
}

/// The indicators that the collector has, each with its marking.
fn listed(collector: &Collector) -> Result<Vec<String>> {
    let rows = collector.indicators()?;
    let row = |row: &serde_json::Value| {
        format!("{} {}", row["indicator"].as_str().unwrap_or("?"), row["tlp"].as_str().unwrap_or("?"))
    };
    let mut rows: Vec<String> = rows.iter().map(row).collect();
    rows.sort();
    Ok(rows)
}

#[test]
fn d_prose_a_centres_mail_is_shown_and_imported_with_its_attachments() -> Result<()> {
    let scene = tempfile::tempdir()?;
    let collector = Collector::init(scene.path())?;
    let shown = import(&collector, &sample("varsel.eml"), &["--dry-run"])?;
    // What could not be read makes it end so, and is named.
    ensure!(shown.code == Some(1) && shown.err.contains("2 things in varsel.eml would be left out"), "{shown:?}");
    for part in [
        "TLP:AMBER; ",
        "Angriperne sender e-post med lenker til innlogging-kommune[.]example, som stjeler passord.",
        "  tredje.lure.example (domain): rapport.pdf, page 3, line ",
        "rapport.pdf, page 2: it has no text: a scanned page",
        "indikatorer.xlsx: only text and PDFs are read",
        "logo.png: a picture",
        "nvs.example: text, line 24",
    ] {
        ensure!(shown.out.contains(part), "\"{part}\" is not in\n{}", shown.out);
    }
    ensure!(listed(&collector)?.is_empty(), "a dry run");
    let json = import(&collector, &sample("varsel.eml"), &["--dry-run", "--json"])?.json()?;
    let told = json.first().context("no JSON")?;
    ensure!(told["tlp"] == "TLP:AMBER" && told["defanged"] == true && told["left_out"] == 2, "{told}");
    let taken = told["taken"].as_u64().context("taken is no number")?;

    let imported = import(&collector, &sample("varsel.eml"), &["--source", "NVS", "--tlp", "amber+strict"])?;
    ensure!(imported.code == Some(1) && imported.out.contains(&format!("{taken} new")), "{imported:?}");
    ensure!(!imported.err.contains("nvs.example") && !imported.out.contains("lure"), "for few: {imported:?}");
    ensure!(imported.err.contains("is not taken"), "what is seen and not taken is told: {imported:?}");
    let rows = listed(&collector)?;
    ensure!(rows.len() as u64 == taken && rows.iter().all(|row| row.ends_with(" TLP:AMBER+STRICT")), "{rows:?}");
    ensure!(!rows.iter().any(|row| row.contains("nvs.example")), "the centre's own name: {rows:?}");
    for value in ["innlogging-kommune.example", "vedlegg.lure.example", "rapport.lure.example", "tabell.lure.example"] {
        ensure!(rows.iter().any(|row| row.starts_with(value)), "{value} is not in {rows:?}");
    }
    Ok(())
}

#[test]
fn f2_a_pdf_or_mail_made_to_do_harm_ends_nothing_but_its_own_process() -> Result<()> {
    let scene = tempfile::tempdir()?;
    let collector = Collector::init(&scene.path().join("collector"))?;
    let file = |name: &str, octets: &[u8]| -> Result<PathBuf> {
        let path = scene.path().join(name);
        std::fs::write(&path, octets)?;
        Ok(path)
    };
    // A few octets that unpack to gigabytes, through three filters; the samples' own reader needs them whole.
    let mut bombs = vec![file("bomb.pdf", &bomb())?, file("cut.pdf", b"%PDF-1.7\n1 0 obj\n<<")?];
    let deep = format!("%PDF-1.4\n1 0 obj\n{}\nendobj\ntrailer << /Root 1 0 R >>\n", "[".repeat(200_000));
    bombs.push(file("deep.pdf", deep.as_bytes())?);
    let mails = "From: a@b.example\r\nSubject: x\r\nContent-Type: message/rfc822\r\n\r\n".repeat(100_000);
    bombs.push(file("deep.eml", mails.as_bytes())?);
    for bomb in bombs {
        let said = import(&collector, &bomb, &[])?;
        let name = bomb.file_name().context("no name")?.to_string_lossy();
        ensure!(said.code == Some(1) && !said.err.contains("panicked") && said.err.len() < 2_000, "{name}: {said:?}");
    }
    // Attached to a mail such a PDF hides no more than itself.
    let encoded = base64_of(&bomb());
    let mail = format!(
        "From: a@b.example\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\
         Content-Type: text/plain\r\n\r\nSe evil[.]example\r\n--q\r\nContent-Type: application/pdf; name=r.pdf\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--q--\r\n"
    );
    let said = import(&collector, &file("bomb.eml", mail.as_bytes())?, &["--source", "s"])?;
    ensure!(said.code == Some(1) && said.err.contains("r.pdf"), "{said:?}");
    let rows = listed(&collector)?;
    ensure!(rows == ["evil.example TLP:AMBER"], "{rows:?}");
    Ok(())
}

#[test]
fn p3_a_mails_machine_readable_attachments_publish_nothing_and_are_named() -> Result<()> {
    let scene = tempfile::tempdir()?;
    let collector = Collector::init(&scene.path().join("collector"))?;
    let stix = "{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[{\"type\":\"indicator\",\"spec_version\":\"2.1\",\
        \"id\":\"indicator--1\",\"revoked\":true,\"pattern\":\"[domain-name:value = 'trukket.example']\"},\
        {\"type\":\"indicator\",\"pattern\":\"[domain-name:value = 'hemmelig.example']\",\"object_marking_refs\":\
        [\"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1\"]}]}";
    let zone = "$TTL 60\r\n@ SOA a. b. 1 2 3 4 5\r\ntillatt.example CNAME rpz-passthru.\r\n";
    let list = "=alene.example\r\n- 198.51.100.9\r\n";
    let mut mail =
        "From: a@b.example\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n\
        --q\r\nContent-Type: text/plain\r\n\r\nSe evil[.]example og oppgrader til 22.7.2.3.\r\n"
            .to_owned();
    for (name, text) in [("stix.json", stix), ("rpz.txt", zone), ("list.txt", list)] {
        mail.push_str(&format!("--q\r\nContent-Type: text/plain; name=\"{name}\"\r\n\r\n{text}\r\n"));
    }
    mail.push_str("--q--\r\n");
    let path = scene.path().join("varsel.eml");
    std::fs::write(&path, mail)?;
    let said = import(&collector, &path, &["--source", "s"])?;
    ensure!(said.code == Some(1), "{said:?}");
    for part in ["stix.json", "a STIX bundle: save it and import that file", "rpz.txt", "(RPZ)", "number of a version"]
    {
        ensure!(said.err.contains(part), "\"{part}\" is not in\n{}", said.err);
    }
    let rows = listed(&collector)?;
    // One object of the bundle is TLP:RED, and so is all that came with it: what is cut out still speaks.
    ensure!(rows.len() == 3 && rows.iter().all(|row| row.ends_with(" TLP:RED")), "{rows:?}");
    ensure!(said.err.contains("3 are marked TLP:RED") && said.err.contains("Sensors get nothing of it"), "{said:?}");
    // A warning pasted in the night, with a greeting, headings and bullets.
    let path = scene.path().join("natt.txt");
    std::fs::write(
        &path,
        "TLP:GUL+STRENG\n\nHei,\n\nIP-adresser:\n- 185.220.101.5\n\nDomener:\n* evil-update[.]com\n\nMvh\nVakta\n",
    )?;
    let said = import(&collector, &path, &["--source", "natt"])?;
    ensure!(said.code == Some(0) && said.out.contains("2 new"), "{said:?}");
    // What is no text but says so little is told how a text is imported.
    let path = scene.path().join("rot.txt");
    std::fs::write(&path, "a.example\nto ord\ntre ord her\n")?;
    let said = import(&collector, &path, &["--source", "rot"])?;
    ensure!(said.code == Some(1) && said.err.contains("--format prose --dry-run"), "{said:?}");
    Ok(())
}

/// A PDF of one page whose content is 8 GiB of nothing, packed over and over.
fn bomb() -> Vec<u8> {
    const LAYERS: &[u8] = include_bytes!("../../collector/tests/data/prose/bombe.pdf");
    LAYERS.to_vec()
}

fn base64_of(octets: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(octets);
    text.as_bytes().chunks(76).filter_map(|line| std::str::from_utf8(line).ok()).collect::<Vec<_>>().join("\r\n")
}
