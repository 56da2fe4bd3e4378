//! Files as spreadsheets write them, and what is said of those that are wrong.

use super::*;

const NOW: Timestamp = Timestamp(1_795_219_200_000_000);

fn full() -> Profile {
    let mut profile = Profile {
        language: Language::Nynorsk,
        covered: Some(false),
        supplier: Some("IKT Øst".to_owned()),
        domains: ["a.kommune.no".to_owned(), "b.kommune.no".to_owned()].into(),
        networks: ["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()].into(),
        ..Profile::default()
    };
    let contact = Contact {
        name: "=Kari; \"Nordmann\"".to_owned(),
        telephone: Some("+46 8 123 456".parse().unwrap()),
        out_of_hours: Some("900 00 000".parse().unwrap()),
        email: Some("kari@a.kommune.no".to_owned()),
        confirmed_at: Some(Timestamp(1_763_683_200_000_000)),
    };
    profile.contacts.insert(Role::OnCall, contact);
    profile
}

fn applied(wanted: &Wanted) -> Profile {
    let mut profile = Profile::default();
    wanted.edits.iter().for_each(|edit| edit.apply(&mut profile));
    profile
}

#[test]
fn what_is_written_is_read_again_and_no_cell_is_a_formula() {
    let (full, empty) = (full(), Profile::default());
    let text = write([("0301", "Oslo - Oslove", &full), ("958935420", "+Kommune", &empty)]).unwrap();
    assert!(text.starts_with("\u{feff}nummer;navn;målform;"), "{text}");
    assert!(text.contains("\r\n0301;"), "{text}");
    for cell in text.trim_start_matches(BYTE_ORDER_MARK).split([';', '\r', '\n']) {
        assert!(!cell.trim_matches('"').starts_with(FORMULA), "a formula: {cell}");
    }
    let roster = read(text.as_bytes(), NOW);
    assert_eq!((roster.wrong, roster.noted), (vec![], vec![]));
    let read: Vec<_> = roster.lines.iter().map(|(_, wanted)| (wanted.number.to_string(), applied(wanted))).collect();
    assert_eq!(read, [("0301".to_owned(), full), ("958935420".to_owned(), empty)]);
    assert_eq!(roster.lines[1].1.name.as_deref(), Some("+Kommune"));
}

#[test]
fn a_file_that_excel_has_been_at_is_read_all_the_same() {
    // Its leading zero is gone, dates are Norwegian, only some columns are left, and empty lines stand below.
    let text =
        "\u{feff}Nummer;Navn;vakt_navn;vakt_vakttelefon;vakt_bekreftet\r\n301;Oslo;Ola;90000000;1.2.2026\r\n;;;;\r\n";
    let roster = read(text.as_bytes(), NOW);
    assert_eq!(roster.wrong, vec![]);
    assert_eq!(
        roster.noted[0].to_string(),
        "line 2, nummer: 301 was read as 0301: spreadsheets take leading zeros away"
    );
    let (line, wanted) = &roster.lines[0];
    assert_eq!((*line, wanted.number.as_str(), wanted.edits.len()), (2, "0301", 1), "the rest is let alone");
    let contact = &applied(wanted).contacts[&Role::OnCall];
    assert_eq!(contact.confirmed_at.map(written).as_deref(), Some("2026-02-01"));
    for other in ["nummer,navn\n3407,Gjøvik\n", "nummer\tnavn\n3407\tGjøvik\n", "nummer;navn\n3407;Gjøvik"] {
        assert_eq!(read(other.as_bytes(), NOW).lines.len(), 1, "{other:?}");
    }
}

#[test]
fn everything_wrong_is_told_by_line_and_column_with_what_would_be_right() {
    let text = "nummer;navn;målform;digitalsikkerhetsloven;domener;nett;it_navn;it_telefon;it_epost;it_bekreftet\n\
        3407;Gjøvik;bokmål;ja;gjovik.kommune.no;192.0.2.0/24;Kari;22000000;k@g.no;21.11.2025\n\
        958935421;Oslo;riksmål;kanskje;kommune.no;10.0.0.0/8;;1234567;k;21.11.2036\n\
        3407;Gjøvik igjen\n\
        ;Uten nummer\n\
        3405;a\u{7}b\n";
    let roster = read(text.as_bytes(), NOW);
    assert_eq!(roster.lines.len(), 2, "{:?}", roster.lines);
    let told: Vec<String> = roster.wrong.iter().map(ToString::to_string).collect();
    for (begin, remedy) in [
        ("line 3, nummer: \"958935421\"", "look for a digit that is wrong"),
        ("line 3, målform", "bokmål, nynorsk or nøytral"),
        ("line 3, digitalsikkerhetsloven", "ja or nei"),
        ("line 3, domener", "name the member's own"),
        ("line 3, nett", "used inside every network"),
        ("line 3, it_telefon", "eight digits"),
        ("line 3, it_epost", "name@domain"),
        ("line 3, it_bekreftet", "has not been yet"),
        ("line 4, nummer", "stands in line 2 already"),
        ("line 5, nummer", "every line names its member"),
        ("line 6, navn", "write one line"),
    ] {
        assert!(told.iter().any(|said| said.starts_with(begin) && said.contains(remedy)), "{begin}: {told:#?}");
    }
    assert_eq!(told.len(), 11, "{told:#?}");
    for (text, remedy) in [
        (b"nummer;navn\n3407;Gj\xf8vik".as_slice(), "CSV UTF-8"),
        (b"navn\nx", "member export"),
        (b"nummer;telefon\n1;2", "there is no such column"),
        (b"nummer;nummer\n1;2", "stands twice"),
        (b"", "member export"),
    ] {
        let wrong = read(text, NOW).wrong;
        assert!(wrong.iter().any(|remark| remark.why.contains(remedy)), "{remedy}: {wrong:?}");
    }
    let many: String = std::iter::once("nummer;navn\n".to_owned())
        .chain((0..=MEMBERS_MAX).map(|number| format!("{number:04};n\n")))
        .collect();
    assert!(read(many.as_bytes(), NOW).wrong.iter().any(|remark| remark.why.contains("at most")));
}

#[test]
fn what_excel_says_of_its_file_is_read_and_no_cell_makes_a_line_of_its_own_length() {
    let roster =
        read("\u{feff}sep=,\r\nnummer,navn,domener\r\n301,Oslo,gjøvik.no\r\n3407,a\u{7}b,\r\n".as_bytes(), NOW);
    assert_eq!(roster.lines.len(), 1);
    assert_eq!(applied(&roster.lines[0].1).domains, ["xn--gjvik-wua.no".to_owned()].into());
    assert_eq!((roster.lines[0].0, roster.wrong[0].line), (3, 4), "lines are counted as the file has them");

    let long = "x".repeat(3_000_000);
    let words = "a_b@ ".repeat(100_000);
    for text in [
        format!("nummer;navn\n{long};Oslo\n"),
        format!("nummer;navn\n301;{long}\n"),
        format!("nummer;it_navn;it_telefon\n301;Kari;{long}\n"),
        format!("nummer;domener;nett\n301;{long};{long}\n"),
        format!("nummer;domener\n301;{words}\n"),
        format!("nummer;{long}\n301;x\n"),
        format!("nummer;{}\n301;x\n", "a;b;".repeat(100_000)),
    ] {
        let said: Vec<String> = read(text.as_bytes(), NOW).wrong.iter().map(ToString::to_string).collect();
        let octets: usize = said.iter().map(String::len).sum();
        assert!(!said.is_empty() && octets < 10_000, "{octets} octets in {} lines", said.len());
    }
}

#[test]
fn a_day_is_the_one_that_norwegians_call_today_and_an_untouched_file_changes_nothing() {
    let half_past_midnight: Timestamp = "2026-11-29T23:30:00Z".parse().unwrap();
    assert_eq!(date("30.11.2026", half_past_midnight).map(written), Ok("2026-11-30".to_owned()));
    assert!(date("1.12.2026", half_past_midnight).is_err());
    let contact = Contact { name: "Kari".to_owned(), confirmed_at: Some(half_past_midnight), ..Contact::default() };
    let mut profile = Profile::default();
    Edit::Contact(Role::It, contact).apply(&mut profile);
    let text = write([("0301", "Oslo", &profile)]).unwrap();
    let roster = read(text.as_bytes(), half_past_midnight);
    assert_eq!(roster.wrong, vec![]);
    let mut again = profile.clone();
    roster.lines[0].1.edits.iter().for_each(|edit| edit.apply(&mut again));
    assert_eq!(again.changes(&profile), Vec::<String>::new());
}

proptest::proptest! {
    #[test]
    fn no_octets_harm_the_reader(octets: Vec<u8>, tail in "[;,\t\"'\r\n=a-z0-9_]{0,200}") {
        read(&octets, NOW);
        read(format!("nummer;navn;it_navn\n{tail}").as_bytes(), NOW);
    }
}
