//! Tables as people and spreadsheets write them: markings in either language, grades and times, and what a refusal shows.

use super::*;

#[test]
fn t7a_a_tables_markings_are_read_in_either_language_and_what_nobody_knows_is_the_strictest() {
    for (header, word, want) in [
        ("tlp", "TLP:AMBER", "TLP:AMBER"),
        ("tlp", "green", "TLP:GREEN"),
        ("TLP", "RØD", "TLP:RED"),
        ("tlp", "TLP:RØD", "TLP:RED"),
        ("tlp", "raud", "TLP:RED"),
        ("tlp", "GUL+STRENG", "TLP:AMBER+STRICT"),
        ("tlp", "AMBER STRICT", "TLP:AMBER+STRICT"),
        ("tlp", "TLP:AMBER-STRICT", "TLP:AMBER+STRICT"),
        ("tlp", "RED (begrenset)", "TLP:RED"),
        ("tlp", "GREEN/RED", "TLP:RED"),
        ("tlp", "lilla", "TLP:RED"),
        ("tlp", "not clear", "TLP:RED"),
        ("tlp", "grønn", "TLP:GREEN"),
        ("tlp", "hvit", "TLP:CLEAR"),
        ("merking", "RØD", "TLP:RED"),
        ("TLP-merking", "gul", "TLP:AMBER"),
        ("tags", "osint;tlp:red", "TLP:RED"),
        ("event_tag", "tlp:amber+strict", "TLP:AMBER+STRICT"),
        ("Kommentar", "delt som TLP:RØD", "TLP:RED"),
    ] {
        assert_eq!(
            of(Format::Csv, &format!("domain|{header}\na.example|{word}\n")),
            [format!("a.example {want}")],
            "{header}: {word}"
        );
    }
    for (word, want) in [("RØD", "PAP:RED"), ("PAP:GUL", "PAP:AMBER"), ("blå", "PAP:RED"), ("white", "PAP:CLEAR")] {
        assert_eq!(
            of(Format::Csv, &format!("domain;pap\na.example;{word}\n")),
            [format!("a.example {want}")],
            "{word}"
        );
    }
    let bare = of(Format::Csv, "domain;tlp;pap\na.example;;\nb.example;None;\nc.example;-;-\n");
    assert_eq!(bare, ["a.example", "b.example", "c.example"], "nothing is said");
}

#[test]
fn t7a_a_refused_table_names_its_columns_in_quotes_alone_so_that_they_can_be_hidden() {
    for (options, text) in [
        (Options::default(), "navn;c2 for kampanjen;x \"redmark\" y\nKari;redmark;y\n"),
        (Options { column: Some("nix".into()), ..Options::default() }, "navn;redmark `x` redmark\nKari;y\n"),
        (Options::default(), "ip,redmark\nno value,a\n"),
    ] {
        let told = told(Format::Csv, &options, text.as_bytes());
        let refusal = told.last().unwrap();
        assert!(refusal.starts_with("ended: ") && refusal.contains("redmark"), "{told:?}");
        let hidden = crate::intel::hidden::without_quotes(refusal);
        assert!(!hidden.contains("redmark") && !hidden.contains("kampanjen"), "{hidden}");
    }
}

#[test]
fn d_text15_a_tables_words_on_how_sure_how_bad_and_how_long_are_read_or_told() {
    let table = "domain;confidence;severity\na.example;0,9;high\nb.example;90 %;Kritisk\nc.example;high;\nd.example;ukjent;-\ne.example;veldig;\nf.example;;ille\n";
    let told = of(Format::Csv, table);
    let read =
        ["a.example sure=90 severity=high", "b.example sure=90 severity=critical", "c.example sure=85", "d.example"];
    assert_eq!(told[..4], read);
    assert!(refusal(&told[4], 6, "confidence") && refusal(&told[5], 7, "severity"), "{told:?}");
    let mut until = Vec::new();
    let text = "domain,valid_until\na.example,2026-11-21\nb.example,2026-11-21 14:05:00\nc.example,snart\nd.example,\n";
    read_all(text, &mut |item| {
        until.push(match item {
            Item::Found(_, found) => found.about.valid_until.map_or("never".to_owned(), |at| at.to_string()),
            Item::LeftOut(left_out) => left_out.to_string(),
            Item::Withdrawn(_)
            | Item::Silent(_)
            | Item::Harmless(..)
            | Item::Clue(_)
            | Item::PassedOver
            | Item::PassedBy(..) => String::new(),
        })
    });
    assert!(until[0].starts_with("2026-11-21T00:00:00") && until[1].starts_with("2026-11-21T14:05:00"), "{until:?}");
    assert!(until[2].starts_with("line 4") && until[2].contains("no time") && until[3] == "never", "{until:?}");
}

/// A table, entry by entry.
fn read_all(text: &str, take: &mut dyn FnMut(Item)) {
    read(Format::Csv, &Options::default(), &mut Cursor::new(text), &mut |item| {
        take(item);
        ControlFlow::Continue(())
    })
    .unwrap();
}

#[test]
fn d_text15_a_table_of_excels_is_read_by_its_own_first_line_and_in_norwegian() {
    let (format, told) = detected("sep=;\r\nDomene;Merking\r\na.example;GUL\r\nb.example;\r\n");
    assert_eq!((format, told), (Format::Csv, vec!["a.example TLP:AMBER".to_owned(), "b.example".to_owned()]));
    assert_eq!(of(Format::Csv, "\u{feff}sep=|\nnavn|domene\nx|a.example\n"), ["a.example"]);
}
