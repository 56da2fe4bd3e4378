//! A centre's warning as text, mail and PDF; and texts made to do harm.

use super::*;
use crate::limits::prose::PROSE_SENTENCE_MAX_OCTETS;
use proptest::prelude::*;
use std::io::Cursor;

const TEXT: &[u8] = include_bytes!("../../../../tests/data/prose/varsel.txt");
const MAIL: &[u8] = include_bytes!("../../../../tests/data/prose/varsel.eml");
const PDF: &[u8] = include_bytes!("../../../../tests/data/prose/rapport.pdf");

/// As the process that takes files apart does it, in this one.
fn of(octets: &[u8]) -> Reading {
    reading(&mut Cursor::new(octets), &|octets| Ok(extract(octets, true))).unwrap()
}

fn told(reading: &Reading) -> Vec<String> {
    let told = |seen: &Seen| {
        let what = match &seen.fate {
            Fate::Taken(found) => found.pattern.to_plain(),
            Fate::Passed(why) => format!("passed {}: {why}", seen.value),
            Fate::Clue(kind) => format!("{kind} {}", seen.value),
            Fate::Refused(why) => format!("refused {}: {why}", seen.value),
        };
        format!("{}:{} {what}", seen.part, seen.line)
    };
    reading.seen.iter().map(told).collect()
}

fn taken(text: &str) -> Vec<String> {
    let fates = of(text.as_bytes()).seen.into_iter().filter_map(|seen| match seen.fate {
        Fate::Taken(found) => Some(found.pattern.to_plain()),
        Fate::Passed(_) | Fate::Clue(_) | Fate::Refused(_) => None,
    });
    fates.collect()
}

#[test]
fn d_prose_a_centres_warning_gives_what_it_warns_of_and_none_of_its_own_names() {
    let reading = of(TEXT);
    assert!(reading.is_defanged);
    assert_eq!(reading.tlp, Some(Tlp::Amber));
    let brackets = "it is written without the brackets that others here have";
    assert_eq!(
        told(&reading),
        [
            ":6 innlogging-kommune.example".to_owned(),
            ":7 passed faktura.zip: it may as well be a file's name".to_owned(),
            ":7 =last-ned.example".to_owned(),
            ":11 c2.lure.example".to_owned(),
            ":12 198.51.100.24:8443".to_owned(),
            ":13 2001:db8:bad::23".to_owned(),
            ":14 xn--blbr-roah.example".to_owned(),
            ":16 path C:\\Users\\Public\\lure.dll".to_owned(),
            ":16 passed node.js: a program's or a language's name".to_owned(),
            ":16 passed 10.4.2.1: a version's number by the word before it".to_owned(),
            ":17 sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned(),
            ":18 cve CVE-2026-12345".to_owned(),
            ":18 email faktura@lure.example".to_owned(),
            format!(":20 passed https://nvs.example/varsel/2026-17: {brackets}"),
            format!(":20 passed https://www.example.org/blogg: {brackets}"),
            ":24 passed vakt@nvs.example: it stands below the closing words, as contact".to_owned(),
            ":24 passed nvs.example: it stands below the closing words, as contact".to_owned(),
        ]
    );
    let sentence =
        |value: &str| reading.seen.iter().find(|seen| seen.value == value).map(|seen| seen.sentence.as_str());
    assert_eq!(
        sentence("innlogging-kommune.example"),
        Some("Angriperne sender e-post med lenker til innlogging-kommune[.]example, som stjeler passord.")
    );
    assert_eq!(
        sentence("198.51.100.24:8443"),
        Some("Følgende adresser er sett som kommandoservere for skadevaren Lure: - 198[.]51[.]100[.]24:8443")
    );
    let Fate::Taken(found) = &reading.seen[0].fate else { panic!() };
    assert_eq!(found.about.tlp, Some(Tlp::Amber));
    assert!(found.about.details.note.as_ref().unwrap().contains("som stjeler passord"));
}

#[test]
fn d_prose_a_mail_is_read_with_what_is_attached_and_the_rest_is_named() {
    let reading = of(MAIL);
    let told = told(&reading);
    for line in [
        "text:6 innlogging-kommune.example",
        "text:14 xn--blbr-roah.example",
        "tillegg.txt:1 vedlegg.lure.example",
        "rapport.pdf, page 3:",
        "text:20 passed https://nvs.example/varsel/2026-17: it is of who wrote the mail or got it",
    ] {
        assert!(told.iter().any(|told| told.starts_with(line)), "{line}: {told:#?}");
    }
    let has = |value: &str| told.iter().any(|told| told.ends_with(value));
    assert!(has(" tabell.lure.example") && has(" rapport.lure.example") && has(" 203.0.113.77"), "{told:#?}");
    assert_eq!(reading.tlp, Some(Tlp::Amber), "the stricter of the mail's and the report's");
    let unread: Vec<_> = reading.unread.iter().map(|unread| (unread.name.as_str(), unread.matters)).collect();
    assert_eq!(unread, [("rapport.pdf, page 2", true), ("logo.png", false), ("indikatorer.xlsx", true)]);
    // In each only once, however often it stands there.
    let mut values: Vec<_> = reading.seen.iter().map(|seen| &seen.value).collect();
    let all = values.len();
    values.sort();
    values.dedup();
    assert_eq!(values.len(), all);
}

#[test]
fn d_prose_a_pdf_is_read_page_by_page_and_a_scanned_one_is_told() {
    let reading = of(PDF);
    let told = told(&reading);
    assert!(
        told.iter().any(|told| told.starts_with("page 1:") && told.ends_with(" rapport.lure.example")),
        "{told:#?}"
    );
    assert!(told.iter().any(|told| told.starts_with("page 3:") && told.ends_with(" tredje.lure.example")), "{told:#?}");
    assert_eq!(reading.unread.len(), 1);
    assert!(reading.unread[0].name == "page 2" && reading.unread[0].why.contains("scanned"), "{:?}", reading.unread);
    assert!(
        reading.seen[0].sentence.contains("Kommandoserver: rapport[.]lure[.]example"),
        "{}",
        reading.seen[0].sentence
    );
    assert!(of(&PDF[..PDF.len() / 2]).unread.iter().all(|unread| unread.matters));
}

#[test]
fn d_prose_where_nothing_is_in_brackets_what_remains_is_taken() {
    assert_eq!(taken("Se evil.no og 198.51.100.7 samt http://a.example/x."), ["evil.no", "198.51.100.7", "=a.example"]);
    assert_eq!(
        taken("Se evil.no, bl.a. cmd.exe, kl. 10.15 den 01.11.2026 (jf. kap. 3.2.1), report.pdf og slutt.De neste"),
        ["evil.no"]
    );
    assert_eq!(
        taken("kommune.no og/eller co.uk, 12:30:45, aa:bb:cc:dd:ee:ff, std::string, e.l., dc1.lokal.local"),
        [""; 0]
    );
    // In brackets a file's name is a name.
    assert_eq!(taken("Se faktura[.]zip og evil.no"), ["faktura.zip"]);
    assert_eq!(
        taken("evil [.] example, (b{.}example) og «c(dot)example»."),
        ["evil.example", "b.example", "c.example"]
    );
    // A contact's address in brackets is no list's value and hides no other.
    assert_eq!(taken("Se evil.no. Spørsmål: post(at)nvs.example"), ["evil.no"]);
}

#[test]
fn d_prose_public_addresses_are_meant_also_without_the_brackets_that_names_have() {
    let text = "Angriperne bruker evil[.]example og 185.220.101.5. Se www.nsm.no og versjon 9.4.2.1 av 10.1.2.3.\n\
        Mvh\nOla\n\nAdresser:\n45.155.205.233:8443\n2a0b:f4c2:2::62\n185.220.102.0/24\nhttp://185.220.103.9/x\n";
    let meant = [
        "evil.example",
        "185.220.101.5",
        "45.155.205.233:8443",
        "2a0b:f4c2:2::62",
        "185.220.102.0/24",
        "185.220.103.9:80",
    ];
    assert_eq!(taken(text), meant);
    // A list is no signature, wherever it stands.
    let list = "Hei, her er domenene vi snakket om i går.\nMvh\nOla\nwww.kommune.no\n\nDomener:\nevil.no\nond.no\n";
    assert_eq!(taken(list), ["evil.no", "ond.no"]);
    let bare = "Hei, her er domenene vi snakket om i går.\nMvh\nOla\n\n- evil.no\n- ond.no\n- verre.no\n";
    assert_eq!(taken(bare), ["evil.no", "ond.no", "verre.no"]);
    let signature = "Blokker evil.no nå med en gang.\nMvh\nOla\nwww.kommune.no\npost.kommune.no\n";
    assert_eq!(taken(signature), ["evil.no"]);
}

#[test]
fn d_prose_the_names_of_a_mail_that_is_attached_are_not_the_senders_own() {
    let mail = "From: vakt@kommune.example\r\nTo: csirt@nvs.example\r\nSubject: Mistenkelig\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\nContent-Type: text/plain\r\n\r\nSe vedlagte e-post fra i dag, \
        sendt oss på www.kommune.example.\r\n--q\r\nContent-Type: message/rfc822\r\n\r\nFrom: faktura@ond.no\r\n\
        To: kari@kommune.example\r\nSubject: Faktura\r\n\r\nLogg inn på https://login.ond.no/faktura for å se den.\r\n--q--\r\n";
    assert_eq!(taken(mail), ["=login.ond.no"]);
}

#[test]
fn d_prose_every_spelling_of_a_dot_in_brackets_is_read_or_told() {
    for spelling in [
        "evil (punktum) no",
        "evil [punktum] no",
        "evil [ . ] no",
        "evil[ . ]no",
        "evil [prikk] no",
        "evil [d0t] no",
        "evil ( dot ) no",
        "evil{dot}no",
        "evil[.no",
        "evil.]no",
        "evil\\.no",
        "evil[.]no",
        "evil [.] no",
        "evil([.])no",
    ] {
        assert_eq!(taken(&format!("Angriperne bruker {spelling} i kveld.")), ["evil.no"], "{spelling}");
    }
    assert_eq!(taken("Se 1[.]2[.]3[.]4/5[.]6[.]7[.]8 nå"), ["1.2.3.4", "5.6.7.8"]);
    assert_eq!(taken("Se c2 (dot) evil (dot) no nå"), ["c2.evil.no"]);
    // What has brackets as around a dot and is nothing, is told.
    for remnant in ["evil[.[no", "evil[dot no", "[.]]evil[..]no"] {
        let told = told(&of(format!("Angriperne bruker {remnant} i kveld.").as_bytes()));
        assert!(told.iter().any(|told| told.contains("refused")), "{remnant}: {told:?}");
    }
    // A parenthesis of a text's own is none.
    for text in [
        "avsluttes med (punktum) og mer",
        "filer (.exe og .dll) ble sett",
        "C:\\Users\\.ssh og (se kap. 3.)",
        "[1.] først",
    ] {
        let told = told(&of(text.as_bytes()));
        assert!(
            told.iter().all(|told| !told.contains("refused") && told.contains("path") || told.is_empty()),
            "{text}: {told:?}"
        );
    }
}

#[test]
fn d_prose_texts_are_known_by_what_they_are() {
    use super::super::Format;
    for octets in [TEXT, MAIL, PDF] {
        assert_eq!(Format::detect(octets), Format::Prose);
    }
    for sample in [
        "domain,beskrivelse\nevil.example,en lang setning om hva dette domenet er brukt til\n",
        "evil.example # en lang setning om hva det er\n",
    ] {
        assert_ne!(Format::detect(sample.as_bytes()), Format::Prose, "{sample}");
    }
    assert!(!is_mail("domain: evil.example\ntype: x\n") && is_mail("From: a@b.example\r\nSubject: x\r\n\r\nhei"));
}

#[test]
fn d_prose_letters_of_old_programs_are_read() {
    let latin = b"Angriperne bruker bl\xe5b\xe6r[.]example i kveld.";
    assert_eq!(told(&of(latin)), [":1 xn--blbr-roah.example"]);
    let wide: Vec<u8> = "\u{feff}evil[.]example er ond".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(told(&of(&wide)), [":1 evil.example"]);
    let nul = reading(&mut Cursor::new(b"evil\0.example".as_slice()), &|_| Err(String::new()));
    assert!(nul.unwrap_err().to_string().contains("NUL"));
}

#[test]
fn f1_f2_texts_made_to_do_harm_are_bounded() {
    let refused = |text: Vec<u8>| reading(&mut Cursor::new(text), &|_| Err(String::new())).unwrap_err().to_string();
    assert!(refused(vec![b'.'; 40 << 20]).contains("larger than 32 MiB"));
    assert!(refused(vec![b'.'; 20 << 20]).contains("more than 16 MiB"));
    let many: String = (0..PROSE_VALUES_MAX + 2).map(|n| format!("n{n}[.]example ")).collect();
    assert!(refused(many.into_bytes()).contains("more than 20000 values"));
    // What makes naive readers and expressions step back again and again.
    for bomb in [
        "[",
        "(",
        "[.",
        "a.",
        "(.)",
        "hxxp",
        "://",
        "a@",
        "*.",
        "TLP:",
        "-",
        "<",
        "a[.]",
        "%",
        "\u{200b}.",
        ":",
        "CVE-",
    ] {
        let reading = of(bomb.repeat((1 << 17) / bomb.len()).as_bytes());
        assert!(reading.seen.iter().all(|seen| seen.sentence.len() <= 40 * PROSE_SENTENCE_MAX_OCTETS), "{bomb}");
        let spaced = of(format!("{} ", bomb.repeat(100)).repeat(250).as_bytes());
        assert!(spaced.seen.len() < 100, "{bomb}");
    }
    // Mails in parts in parts, and mails in mails.
    let nested: String =
        (0..1_000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")).collect();
    let nested =
        format!("From: a@b.example\r\nTo: c@b.example\r\n{nested}Content-Type: text/plain\r\n\r\nevil[.]example\r\n");
    assert_eq!(told(&of(nested.as_bytes())), ["text:1 evil.example"]);
    let mails = "From: a@b.example\r\nSubject: x\r\nContent-Type: message/rfc822\r\n\r\n".repeat(1_000);
    let reading = of(format!("{mails}From: a@b.example\r\nSubject: y\r\n\r\nevil[.]example\r\n").as_bytes());
    assert!(reading.unread.iter().any(|unread| unread.why.contains("a mail in a mail")), "{:?}", reading.unread);
}

proptest! {
    #[test]
    fn f1_no_text_harms_the_reader(text in "(evil|\\[\\.\\]|\\.|example|hxxp://|[a-zæ ]|\\(dot\\)|\n|:|<|>|/|198|@|TLP:RED|-- |[\\PC]){0,120}") {
        let reading = of(text.as_bytes());
        for seen in reading.seen {
            prop_assert!(!seen.sentence.contains(char::is_control));
            prop_assert!(!seen.part.contains(char::is_control));
        }
    }

    /// The mail's samples with octets changed, cut and doubled; PDFs' own reader may panic and has a process for it.
    #[test]
    fn f1_no_mail_harms_the_reader(changes in prop::collection::vec((0..MAIL.len(), any::<u8>(), 0..3u8), 1..40)) {
        let mut mail = MAIL.to_vec();
        for (at, octet, how) in changes {
            let at = at % mail.len();
            match how {
                0 => mail[at] = octet,
                1 => drop(mail.drain(at..(at + usize::from(octet)).min(mail.len() - 1).max(at))),
                _ => {
                    let again: Vec<u8> = mail[at..(at + usize::from(octet)).min(mail.len())].to_vec();
                    mail.splice(at..at, again);
                }
            }
        }
        let _ = search(extract(&mail, false));
    }
}
