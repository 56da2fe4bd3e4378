//! Advisories by the real programs: a campaign's members get one, are written to over TLS by a real mail server with nothing of what it says,
//! are rung where their mail may be read by others; a collector that is killed while it sends goes on where it was.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use varde_tests::community::Collector;
use varde_tests::mail_server::MailServer;
use varde_tests::programs::{PATIENCE, eventually};

/// Words that stand in an advisory, and nowhere but there.
const MARKED: &str = "Kråkeslottet";
const TEXT: &str = "# Hva har skjedd\nEn falsk side kalt Kråkeslottet utgir seg for Altinn: https://vond.example/inn\n\n- <script>alert(1)</script>\n- ring dem som trykket\n";

/// Members, each with somebody to write to, in one campaign that people have reported.
fn community(folder: &Path, server: &MailServer) -> Result<Collector> {
    let collector = Collector::init(&folder.join("collector"))?;
    fs::write(collector.data().join("collector.toml"), server.settings()?)?;
    for (number, name, form) in [
        ("3407", "Gjøvik", "bokmål"),
        ("0301", "Oslo", "nynorsk"),
        ("5001", "Trondheim", "bokmål"),
        ("1103", "Stavanger", "bokmål"),
    ] {
        collector.add_member(number, name)?;
        let email = format!("it@{number}.kommune.example");
        collector.ask([
            "member",
            "set",
            number,
            "--language",
            form,
            "--contact",
            "it",
            "--name",
            "Per",
            "--telephone",
            "22000000",
            "--email",
            &email,
        ])?;
    }
    for (number, evidence) in [("3407", "answered"), ("0301", "contacted")] {
        collector.ask([
            "incident",
            "new",
            "--member",
            number,
            "--title",
            "Falsk side",
            "--seen",
            "2026-01-01T00:00:00Z",
            "--threat",
            "Lure",
            "--evidence",
            evidence,
        ])?;
    }
    Ok(collector)
}

fn one(collector: &Collector, line: &[&str]) -> Result<Value> {
    collector.ask(line.iter().copied())?.json()?.pop().context("nothing was said")
}

#[test]
fn an_advisory_reaches_those_it_is_for_by_mail_that_says_nothing_and_by_telephone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let server = MailServer::start(&folder.join("mail"))?;
    let mut collector = community(folder, &server)?;
    let text = folder.join("varsel.txt");
    fs::write(&text, TEXT)?;
    let text = text.to_string_lossy().into_owned();
    // What the operator chose from the bank; somebody words a measure otherwise.
    let words = folder.join("words.toml");
    fs::write(&words, collector.ask(["measure", "show", "ask-user", "--file"])?.out.replace("Snakk med", "Ring til"))?;
    collector.ask(["measure", "edit", "ask-user", "--words", &words.to_string_lossy()])?;
    let proposed = collector.ask(["measure", "list", "--incident", "2", "--json"])?.json()?;
    ensure!(
        proposed.iter().any(|one| one["key"] == "isolate-machine" && one["because"][0] == "it came to contacted"),
        "{proposed:?}"
    );
    let members = ["--member", "3407", "--member", "0301", "--member", "5001"];
    let line =
        [&["advisory", "new", "--title", MARKED, "--text", &text, "--measure", "ask-user", "--json"][..], &members]
            .concat();
    let id = one(&collector, &line)?["id"].to_string();
    let draft = collector.ask(["advisory", "preview", &id])?.out;
    ensure!(draft.contains("would go to 3 members") && draft.contains("<script>alert(1)</script>"), "{draft}");
    let wrong = collector.try_ask(["advisory", "send", "99"])?;
    ensure!(wrong.code == Some(1) && wrong.err.contains("advisory list"), "{wrong:?}");

    // Of one member the mail may be read by others: it is written none, and rung at once.
    collector.ask(["member", "mail", "5001", "--compromised", "--reason", "ukjente regler"])?;
    let sent = one(&collector, &["advisory", "send", &id, "--json"])?;
    assert_eq!((&sent["members"], &sent["mails"]), (&json!(3), &json!(2)));
    let again = collector.try_ask(["advisory", "send", &id])?;
    ensure!(again.code == Some(1) && again.err.contains("never changed"), "{again:?}");

    // Killed after the server has it and before it has said so: nobody knows whether it was taken, which is told, and it is sent again by a
    // person's word alone. None is left out.
    server.hang(true)?;
    collector.start()?;
    eventually("the server has the first mail", PATIENCE, || Ok((!server.mails()?.is_empty()).then_some(())))?;
    collector.kill()?;
    server.hang(false)?;
    server.refuse(Some("451 prøv senere"))?;
    let web = collector.start()?.web;
    let uuid = one(&collector, &["advisory", "show", &id, "--json"])?["uuid"].as_str().context("uuid")?.to_owned();
    let mails = || -> Result<Vec<Value>> {
        let told = one(&collector, &["advisory", "read-by", &id, "--json"])?;
        Ok(told["mails"].as_array().context("mails")?.clone())
    };
    eventually("a refusal is shown", PATIENCE, || {
        Ok(mails()?.iter().any(|mail| mail["failed_why"].as_str().is_some_and(|why| why.contains("451"))).then_some(()))
    })?;
    server.refuse(None)?;
    // As if it had been on its way for long.
    collector.tamper("UPDATE mail SET next_at = 0, handing_at = MIN(handing_at, 1)")?;
    let sent = |mails: &[Value]| mails.iter().filter(|mail| !mail["sent_at"].is_null()).count();
    eventually("the other is sent", PATIENCE, || Ok((sent(&mails()?) == 1).then_some(())))?;
    let told = collector.ask(["advisory", "read-by", &id])?.out;
    ensure!(told.contains("nobody knows whether it was taken"), "{told}");
    let log = fs::read_to_string(collector.data().join("collector.log"))?;
    ensure!(log.contains("nobody knows whether they were taken"), "{log}");
    ensure!(server.mails()?.len() == 2, "nothing goes twice by itself");
    assert_eq!(one(&collector, &["advisory", "resend", &id, "--json"])?["mails"], json!(1));
    eventually("both are sent", PATIENCE, || Ok(mails()?.iter().all(|mail| !mail["sent_at"].is_null()).then_some(())))?;
    let taken = server.mails()?;
    let id_of = |mail: &Value| {
        let data = mail["data"].as_str().unwrap_or_default();
        data.lines().find(|line| line.starts_with("Message-ID: ")).unwrap_or_default().to_owned()
    };
    let to = |number: &str| -> Vec<&Value> {
        let address = format!("it@{number}.kommune.example");
        taken.iter().filter(|mail| mail["to"] == json!([address])).collect()
    };
    assert_eq!((taken.len(), to("5001").len(), to("1103").len()), (3, 0, 0), "{taken:?}");
    let twice = if to("3407").len() == 2 { to("3407") } else { to("0301") };
    assert_eq!((twice.len(), id_of(twice[0])), (2, id_of(twice[1])), "one mail under one name");
    for mail in &taken {
        let data = mail["data"].as_str().context("data")?;
        assert_eq!(
            (&mail["tls"], &mail["user"], &mail["from"]),
            (&json!(true), &json!(true), &json!("varsel@csirt.example"))
        );
        ensure!(
            !data.contains(MARKED)
                && !data.contains("Kr=C3=A5ke")
                && !data.contains("vond.example")
                && !data.contains("AMBER"),
            "{data}"
        );
        ensure!(data.replace("=\r\n", "").contains(&format!("https://varde.example/varsel/{uuid}")), "{data}");
    }
    ensure!(to("0301")[0]["data"].as_str().is_some_and(|data| data.contains("Stadfest")), "in nynorsk");

    // Whom to ring, and who was.
    let told = collector.ask(["advisory", "read-by", &id])?.out;
    ensure!(
        told.contains("read by 0 of 3") && told.contains("22 00 00 00") && told.contains("ukjente regler"),
        "{told}"
    );
    collector.ask(["advisory", "read-by", &id, "--called", "0301"])?;
    let told = one(&collector, &["advisory", "read-by", &id, "--json"])?;
    let order: Vec<&Value> = told["members"].as_array().context("members")?.iter().map(|one| &one["number"]).collect();
    assert_eq!(order.last(), Some(&&json!("0301")), "{told}");

    // A correction is a version of its own; what was sent stands.
    let next = one(&collector, &["advisory", "correct", &id, "--json"])?["id"].to_string();
    collector.ask(["advisory", "edit", &next, "--title", "Rettet", "--text", &text, "--json"])?;
    collector.ask(["advisory", "recipients", &next, "--add", "1103"])?;
    assert_eq!(one(&collector, &["advisory", "send", &next, "--json"])?["members"], json!(4));
    let old = one(&collector, &["advisory", "show", &id, "--json"])?;
    ensure!(old["texts"][0]["title"] == MARKED && old["corrected_by"].is_string(), "{old}");
    ensure!(
        old["measures"][0]["words"]["nb"]["title"].as_str().is_some_and(|title| title.starts_with("Ring til")),
        "{old}"
    );
    let answer = varde_tests::community::fetch(None, &web, &format!("/api/v1/advisories/{uuid}"))?;
    ensure!(answer.contains(MARKED) && answer.contains("\"mail_distrusted\":true"), "{answer}");
    eventually("the correction is mailed to three", PATIENCE, || {
        let told = one(&collector, &["advisory", "read-by", &next, "--json"])?;
        let mails = told["mails"].as_array().context("mails")?;
        Ok((mails.len() == 3 && mails.iter().all(|mail| !mail["sent_at"].is_null())).then_some(()))
    })?;

    // A wrong word of the server for good is no reason to try for hours.
    server.refuse(Some("550 finnes ikke"))?;
    collector.ask(["advisory", "withdraw", &next, "--reason", "det var en øvelse"])?;
    eventually("it is given up at once", PATIENCE, || {
        let told = one(&collector, &["advisory", "read-by", &next, "--json"])?;
        let mails = told["mails"].as_array().context("mails")?;
        Ok(mails.iter().any(|mail| mail["tries"] == 1 && !mail["given_up_at"].is_null()).then_some(()))
    })?;
    collector.stop()?;

    // Neither what it says, nor whose address, nor the password stands in the log.
    let log = fs::read_to_string(collector.data().join("collector.log"))?;
    for word in [MARKED, "vond.example", "kommune.example", "hemmelig-mailpassord"] {
        ensure!(!log.contains(word), "{word} stands in the log: {log}");
    }
    Ok(())
}
