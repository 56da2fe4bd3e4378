//! Mails with what machines write attached to them: nothing that is revoked, marked, let through or harmless is taken for a text's
//! words, and each is named with what to do.

use super::*;
use std::io::Cursor;

fn mail(parts: &[(&str, &str)]) -> String {
    let mut mail = "From: vakt@nvs.example\r\nTo: csirt@kommune.example\r\nSubject: Varsel\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=q\r\n\r\n"
        .to_owned();
    for (head, text) in parts {
        mail.push_str(&format!("--q\r\n{head}\r\n\r\n{text}\r\n"));
    }
    mail + "--q--\r\n"
}

fn of(text: &str) -> Reading {
    reading(&mut Cursor::new(text), &|octets| Ok(extract(octets, true))).unwrap()
}

fn taken(reading: &Reading) -> Vec<String> {
    let fates = reading.seen.iter().filter_map(|seen| match &seen.fate {
        Fate::Taken(found) => Some(found.pattern.to_plain()),
        Fate::Passed(_) | Fate::Clue(_) | Fate::Refused(_) => None,
    });
    fates.collect()
}

const WORDS: (&str, &str) = ("Content-Type: text/plain", "Se evil[.]example og det som ligger ved.");
const STIX: &str = "{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[\n{\"type\":\"indicator\",\"spec_version\":\"2.1\",\
    \"id\":\"indicator--1\",\"revoked\":true,\"pattern\":\"[domain-name:value = 'revoked.example']\"},\n\
    {\"type\":\"indicator\",\"pattern\":\"[domain-name:value = 'red.example']\",\"object_marking_refs\":\
    [\"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1\"],\"external_references\":[{\"url\":\"https://report.example/x\"}]}]}";

#[test]
fn p3_what_has_an_importer_of_its_own_is_named_and_none_of_it_is_searched() {
    let attached = |kind: &str, name: &str| {
        format!("Content-Type: {kind}\r\nContent-Disposition: attachment; filename=\"{name}\"")
    };
    for (name, text, told) in [
        ("stix.json", STIX, "a STIX bundle"),
        (
            "misp.json",
            "{\"Event\":{\"Attribute\":[{\"type\":\"domain\",\"value\":\"a.example\",\"deleted\":true}]}}",
            "MISP",
        ),
        ("feodo.json", "[{\"ip_address\":\"198.51.100.7\",\"malware\":\"x\"}]", "JSON"),
        ("annet.json", "{\"allow\":[\"a.example\"]}", "JSON"),
        ("rpz.txt", "$TTL 60\n@ SOA a. b. 1 2 3 4 5\na.example CNAME rpz-passthru.\nb.example CNAME .\n", "RPZ"),
        ("hosts.txt", "198.51.100.7 fagsystem.example\n127.0.0.1 localhost\n0.0.0.0 a.example\n", "a hosts file"),
        ("intel.dat", "#fields\tindicator\tindicator_type\tmeta.tlp\na.example\tIntel::DOMAIN\tRED\n", "Zeek"),
        ("ioc.csv", "domain,tlp\na.example,red\nb.example,green\n", "a table (CSV)"),
        ("ds.lst", "ZXZpbC5leGFtcGxl\nYy5leGFtcGxl\n", "Suricata"),
        ("openioc.ioc", "<?xml version=\"1.0\"?>\n<ioc><Content>a.example</Content></ioc>", "XML"),
    ] {
        for kind in ["text/plain", "application/octet-stream", "application/json", "text/csv"] {
            let head = attached(kind, name);
            let reading = of(&mail(&[WORDS, (&head, text)]));
            assert_eq!(taken(&reading), ["evil.example"], "{name} as {kind}");
            let [unread] = reading.unread.as_slice() else { panic!("{name}: {:?}", reading.unread) };
            assert!(unread.matters && unread.name == name && unread.why.contains(told), "{name} as {kind}: {unread:?}");
        }
    }
    // A table in a mail's own words is one, and words with commas are none.
    for table in
        ["domain;tlp\na.example;red\n", "domain, tlp\na.example, red\n", "domain,note\na.example,x\nb.example,y\n"]
    {
        let reading = of(&mail(&[("Content-Type: text/plain", table)]));
        assert!(taken(&reading).is_empty() && reading.unread.len() == 1, "{table}: {reading:?}");
    }
    for words in ["Se evil[.]example, takk", "Se evil[.]example, takk\nIkke snill, nei\nHvem, dere?\n"] {
        let reading = of(&mail(&[("Content-Type: text/plain", words)]));
        assert_eq!((taken(&reading), reading.unread.len()), (vec!["evil.example".to_owned()], 0), "{words}");
    }
    // Whether somebody calls it an attachment says nothing of what it is.
    for head in [
        "Content-Type: text/plain",
        "Content-Type: application/json",
        "Content-Disposition: attachment",
        "Content-Type: text/html",
    ] {
        let reading = of(&mail(&[WORDS, (head, STIX)]));
        assert_eq!(taken(&reading), ["evil.example"], "{head}");
        assert!(reading.unread.iter().any(|unread| unread.matters && unread.why.contains("STIX")), "{head}");
    }
}

#[test]
fn t7a_what_is_cut_out_of_a_mail_still_says_how_all_of_it_is_marked() {
    let text = "Content-Type: text/plain";
    for words in [
        "TLP:RED, ikke del videre.\nBlokker vedlegget, det haster.",
        "TLP:RED, skal ikke deles videre.\nBlokker evil[.]example, ond[.]example straks.\nMvh, NCSC",
        "Blokker evil[.]example, haster. TLP:RED",
        "Merking: TLP:RED, PAP:AMBER\nBlokker vedlegget, det haster.\nMvh, NCSC",
        "Hei; dette er TLP:RED.",
        "Merking:\tTLP:RED\nAvsender:\tNCSC\nGjelder:\tevil[.]example",
        "| Merking | TLP:RED |\n| Fra | NCSC |\n",
        "domain,tlp,note\nevil.example,TLP:RED,x\nond.example,TLP:GREEN,y\n",
    ] {
        let reading =
            of(&mail(&[(text, words), ("Content-Disposition: attachment; filename=l.txt", "bad4.example\n")]));
        assert_eq!(reading.tlp, Some(Tlp::Red), "{words}");
        assert!(taken(&reading).contains(&"bad4.example".to_owned()), "{words}");
    }
    // Words are words, however many commas they have: they are searched.
    for words in [
        "TLP:RED, skal ikke deles.\nBlokker evil[.]example, ond[.]example straks.\nMvh, NCSC",
        "Hei; evil[.]example, TLP:RED",
    ] {
        let reading = of(&mail(&[(text, words)]));
        assert!(taken(&reading).contains(&"evil.example".to_owned()) && reading.unread.is_empty(), "{words}");
    }
    // What has a reader of its own speaks too, pasted or attached.
    let pasted = "Hei, blokker bad7[.]example. Hendelsen:\n{\"Event\":{\"Tag\":[{\"name\":\"tlp:red\"}],\"Attribute\":[{\"type\":\"domain\",\
        \"value\":\"bad7.example\"}]}}\n";
    for whole in [mail(&[(text, pasted)]), pasted.to_owned(), mail(&[WORDS, ("Content-Disposition: attachment", STIX)])]
    {
        assert_eq!(of(&whole).tlp, Some(Tlp::Red), "{whole}");
    }
    let table = "# TLP:RED\ndomain,note\nbad8.example,x\n";
    assert_eq!(of(&mail(&[WORDS, ("Content-Disposition: attachment; filename=i.csv", table)])).tlp, Some(Tlp::Red));
    assert_eq!(of(&mail(&[WORDS])).tlp, None, "and nothing is made up");
}

#[test]
fn p3_a_bundle_pasted_between_words_is_named_and_the_words_are_searched() {
    let text = format!("Hei, se evil[.]example og dette:\n{STIX}\nog ond[.]example ellers.\n");
    for text in [mail(&[("Content-Type: text/plain", &text)]), text.clone()] {
        let reading = of(&text);
        assert_eq!(taken(&reading), ["evil.example", "ond.example"]);
        assert!(reading.unread.len() == 1 && reading.unread[0].why.contains("STIX"), "{:?}", reading.unread);
        assert_eq!(reading.seen[1].line, 5, "lines are counted as they stand");
    }
    // Cut in its middle it has no end, and nothing behind it is taken for words.
    let cut = of(&text.replace("]}\n", "\n"));
    assert_eq!((taken(&cut), cut.unread.len()), (vec!["evil.example".to_owned()], 1));
    // Brackets in a text are its own.
    assert_eq!(
        taken(&of("Hei,\n[1] evil[.]example er ond\n{se under}\n[\"sitat\"] ond[.]example\n")),
        ["evil.example", "ond.example"]
    );
}

#[test]
fn p3_a_plain_list_that_is_attached_is_read_as_one() {
    let list = "# TLP:GUL+STRENG\n=exact.example\n- evil.no # ikke snill.example\n198.51.100.9\nhttps://last.example/x\nto ord\n";
    let head = "Content-Type: text/plain; name=\"list.txt\"";
    let reading = of(&mail(&[WORDS, (head, list)]));
    assert_eq!(taken(&reading), ["evil.example", "=exact.example", "evil.no", "198.51.100.9", "=last.example"]);
    assert_eq!(reading.tlp, Some(Tlp::AmberStrict));
    assert!(reading.unread.is_empty() && reading.counts().refused == 1, "{reading:?}");
    assert_eq!(reading.seen.iter().find(|seen| seen.value == "evil.no").map(|seen| seen.line), Some(3));
}

#[test]
fn p3_a_mail_attached_as_a_file_is_taken_apart() {
    let inner = mail(&[
        ("Content-Type: application/json; name=\"stix.json\"", STIX),
        ("Content-Type: text/plain", "Og ond[.]example her."),
    ]);
    let head = "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"videre.eml\"";
    let reading = of(&mail(&[WORDS, (head, &inner.replace("boundary=q", "boundary=r").replace("--q", "--r"))]));
    assert_eq!(taken(&reading), ["evil.example", "ond.example"]);
    assert_eq!(reading.unread.iter().map(|unread| unread.name.as_str()).collect::<Vec<_>>(), ["videre.eml, stix.json"]);
}

const NIGHT: &str = "TLP:GUL+STRENG\n\nHei,\n\nVi ser aktivitet.\n\nIP-adresser:\n- 185.220.101.5\n- 45.155.205.233\n\nDomener:\n\
    * evil-update[.]com\n* ond-side[.]no\n\nRing ved spørsmål.\n\nMvh\nVakta\n";

#[test]
fn p3_a_warning_in_the_night_is_known_as_a_text() {
    use crate::intel::format::Format;
    assert_eq!(Format::detect(NIGHT.as_bytes()), Format::Prose);
    let reading = of(NIGHT);
    assert_eq!(reading.tlp, Some(Tlp::AmberStrict));
    assert_eq!(taken(&reading), ["185.220.101.5", "45.155.205.233", "evil-update.com", "ond-side.no"]);
    assert_eq!((reading.counts().refused, reading.unread.len()), (0, 0), "{reading:?}");
    for text in [
        "Hei,\n\n185.220.101.5\n45.155.205.233\nevil.example\nond.example\n\nMvh\nOla\n",
        "God kveld, alle\nAdresser:\n198.51.100.7\n198.51.100.8\n198.51.100.9\n198.51.100.10\n198.51.100.11\n",
        "Domener:\n- evil[.]example\n- ond[.]example\n",
        "Hei, se evil[.]example\nMvh, Ola\n",
    ] {
        assert_eq!(Format::detect(text.as_bytes()), Format::Prose, "{text}");
    }
    for text in [
        "evil.example\nhei.example\nond.example\n",
        "- evil.example\n- ond.example\n",
        "hei\na.example\nb.example\nc.example\n",
    ] {
        assert_eq!(Format::detect(text.as_bytes()), Format::Plain, "{text}");
    }
    assert_eq!(Format::detect(b"domain,note\nevil.example,hei\nond.example,hallo\n"), Format::Csv);
}

#[test]
fn p3_numbers_of_versions_are_named_and_not_looked_for() {
    let told = |text: &str| {
        let mut items = Vec::new();
        read(&mut Cursor::new(text), &|_| Err(String::new()), &mut |item| {
            items.push(match item {
                Item::Found(_, found) => found.pattern.to_plain(),
                Item::LeftOut(left_out) => format!("line {}", left_out.to_string().contains("number of a version")),
                _ => "other".to_owned(),
            });
            ControlFlow::Continue(())
        })
        .unwrap();
        items
    };
    for text in [
        "Ivanti Connect Secure før 22.7.2.3 er sårbar.",
        "Dere må oppgradere til 22.7.2.3 i dag.",
        "Feilen i NetScaler 14.1.43.50 utnyttes.",
        "Foo 9.1.18.9 er sårbar.",
        "CVE-2026-12345 er rettet, se 22.7.2.3.",
    ] {
        assert!(told(text).contains(&"line true".to_owned()), "{text}: {:?}", told(text));
        assert!(!told(text).iter().any(|item| item.starts_with(char::is_numeric)), "{text}: {:?}", told(text));
    }
    // In brackets nobody doubts it; nor what is called an address, here or in another place.
    assert_eq!(told("Feilen i NetScaler 14[.]1[.]43[.]50 utnyttes."), ["14.1.43.50"]);
    assert_eq!(told("Foo 9.1.18.9 er sett. Blokker IP-adressen 9.1.18.9 nå."), ["9.1.18.9"]);
    assert_eq!(
        told("Trafikk til 45.155.205.233 og 185.220.101.5 ble sett i kveld."),
        ["45.155.205.233", "185.220.101.5"]
    );
    assert_eq!(told("Versjon 9.1.18.9 og 9.1.18.8 av programmet."), ["other", "line true"]);
}
