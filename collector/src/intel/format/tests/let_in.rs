//! What formats let in: markings in words, wherever somebody writes them; what is harmless by its source's word; files of old programs.

use super::{detected, of};
use crate::intel::format::{Format, Options, Place};

/// The values that a text comes to in a format, each with its marking.
fn marked(format: Format, text: &str) -> Vec<String> {
    of(format, text).into_iter().filter(|line| !line.starts_with("silent ")).collect()
}

#[test]
fn t7a_zeeks_files_say_markings_in_their_columns_and_words() {
    let head = "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.tlp\tmeta.pap\n";
    let row = |rest: &str| marked(Format::Zeek, &format!("{head}a.example\tIntel::DOMAIN\ts\t{rest}\n"));
    assert_eq!(row("-\tRED\t-"), ["=a.example TLP:RED"]);
    assert_eq!(row("-\tgul+streng\tRED"), ["=a.example TLP:AMBER+STRICT PAP:RED"]);
    assert_eq!(row("-\tlilla\t-"), ["=a.example TLP:RED"], "a word that nobody knows");
    assert_eq!(row("TLP:RED do not share\t-\t-"), ["=a.example TLP:RED"]);
    assert_eq!(row("TLP:LILLA\tgreen\t-"), ["=a.example TLP:RED"]);
    assert_eq!(row("c2\t-\t-"), ["=a.example"]);
    let own = "#fields\tindicator\tindicator_type\tmeta.marking\ntlp-red.example\tIntel::DOMAIN\tgreen\n";
    assert_eq!(marked(Format::Zeek, own), ["=tlp-red.example TLP:GREEN"], "an indicator's own letters are no marking");
}

#[test]
fn t7a_what_stix_says_of_markings_in_words_counts() {
    let bundle = |rest: &str, more: &str| {
        let text = format!(
            "{{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[{{\"type\":\"indicator\",\"id\":\"indicator--1\",\
             \"modified\":\"2026-01-01T00:00:00Z\",\"pattern\":\"[domain-name:value = 'a.example']\",\
             \"pattern_type\":\"stix\"{rest}}}{more}]}}"
        );
        marked(Format::Stix, &text)
    };
    let by = ",\"object_marking_refs\":[\"marking-definition--x\"]";
    let definition =
        |what: &str| format!(",{{\"type\":\"marking-definition\",\"id\":\"marking-definition--x\",{what}}}");
    for (what, tlp) in [
        ("\"definition_type\":\"statement\",\"definition\":{\"statement\":\"TLP:RED. Not for sharing\"}", "TLP:RED"),
        ("\"definition_type\":\"statement\",\"definition\":{\"statement\":\"TLP:LILLA\"}", "TLP:RED"),
        ("\"name\":\"TLP RED\"", "TLP:RED"),
        ("\"name\":\"TLP-RED\"", "TLP:RED"),
        ("\"name\":\"TLP GUL STRENG\"", "TLP:AMBER+STRICT"),
        ("\"name\":\"Merket TLP:RØD av NVS\"", "TLP:RED"),
    ] {
        assert_eq!(bundle(by, &definition(what)), [format!("a.example {tlp}")], "{what}");
    }
    let copyright =
        "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"Copyright 2026, see first.org/tlp\"}";
    assert_eq!(bundle(by, &definition(copyright)), ["a.example"]);
    assert_eq!(bundle(",\"description\":\"TLP:RED do not share\"", ""), ["a.example TLP:RED"]);
    assert_eq!(bundle(",\"name\":\"C2 (TLP:AMBER+STRICT)\"", ""), ["a.example TLP:AMBER+STRICT"]);
    let note = ",{\"type\":\"note\",\"id\":\"note--1\",\"content\":\"TLP:RED til tirsdag\",\"object_refs\":[\"indicator--1\"]}";
    assert_eq!(bundle("", note), ["a.example TLP:RED"]);
    assert_eq!(bundle(",\"description\":\"tlp\"", ""), ["a.example"]);
}

#[test]
fn t7a_what_misps_events_objects_and_attributes_say_of_markings_in_words_counts() {
    let event = |info: &str, attribute: &str, object: &str| {
        let attribute = format!(
            "{{\"uuid\":\"a\",\"type\":\"domain\",\"value\":\"a.example\",\"to_ids\":true,\"comment\":\"{attribute}\"}}"
        );
        let text = format!(
            "{{\"Event\":{{\"uuid\":\"e\",\"Object\":[{{\"Attribute\":[{attribute}],\"comment\":\"{object}\"}}],\"info\":\"{info}\"}}}}"
        );
        marked(Format::Misp, &text)
    };
    assert_eq!(event("Lure", "c2", "x"), ["a.example threat=Lure"]);
    assert_eq!(event("TLP:RED Lure", "", ""), ["a.example threat=TLP:RED Lure TLP:RED"]);
    assert_eq!(event("Lure", "TLP:RED, bare dere", ""), ["a.example threat=Lure TLP:RED"]);
    assert_eq!(event("Lure", "", "tlp gul+streng"), ["a.example threat=Lure TLP:AMBER+STRICT"]);
    assert_eq!(event("Lure", "TLP:LILLA", "TLP:GREEN"), ["a.example threat=Lure TLP:RED"]);
}

#[test]
fn t7a_comments_of_lists_hold_for_their_line_and_alone_for_what_follows() {
    for (format, text) in [
        (Format::Plain, "a.example # TLP:RED\nb.example\n# TLP:LILLA\nc.example\n- d.example\n"),
        (
            Format::Hosts,
            "0.0.0.0 a.example # TLP:RED\n0.0.0.0 b.example\n# TLP:LILLA\n0.0.0.0 c.example\n:: d.example\n",
        ),
        (
            Format::Rpz,
            "$TTL 1\na.example CNAME . ; TLP:RED\nb.example CNAME .\n; TLP:LILLA\nc.example CNAME .\nd.example CNAME *.\n",
        ),
        (Format::Suricata, "YS5leGFtcGxl,tlp red\nYi5leGFtcGxl,5\n# TLP:LILLA\nYy5leGFtcGxl\nZC5leGFtcGxl,tlp:green\n"),
        (
            Format::Zeek,
            "#fields\tindicator\tindicator_type\tmeta.x\na.example\tIntel::DOMAIN\tTLP:RED\nb.example\tIntel::DOMAIN\t-\n\
             # TLP:LILLA\nc.example\tIntel::DOMAIN\t-\nd.example\tIntel::DOMAIN\tTLP:GREEN\n",
        ),
    ] {
        let told: Vec<String> = marked(format, text).iter().map(|line| line.replace('=', "")).collect();
        assert_eq!(told, ["a.example TLP:RED", "b.example", "c.example TLP:RED", "d.example TLP:RED"], "{format}");
    }
    // What cannot be read of such a line is not quoted.
    for (format, text) in [
        (Format::Plain, "qzq bær # TLP:RED\n"),
        (Format::Hosts, "qzq.example # TLP:RED\n198.51.100.7 qzq.example # tlp:red\n"),
        (Format::Rpz, "a CNAME . ; TLP:RED\nqzq.example A 198.18.0.1 ; TLP:RED\n"),
        (Format::Zeek, "#fields\tindicator\tindicator_type\tmeta.x\nqzq bær\tIntel::DOMAIN\tTLP:RED\n"),
    ] {
        let told = marked(format, text);
        let left_out = told.iter().filter(|line| line.starts_with("left out"));
        assert!(
            left_out.clone().count() > 0 && left_out.clone().all(|line| !line.contains("qzq")),
            "{format}: {told:?}"
        );
    }
    // What stands far below the beginning makes nothing looser than what is unmarked.
    assert_eq!(marked(Format::Plain, "# TLP:CLEAR\na.example\n"), ["a.example"]);
}

#[test]
fn f2_a_zone_that_says_its_own_name_nowhere_is_told_what_to_add() {
    let zone = "$TTL 60\n@ IN SOA localhost. root.localhost. 1 2 3 4 5\n  IN NS localhost.\nevil.example.rpz.local. CNAME .\n\
        relativ.example CNAME .\n";
    let (format, told) = detected(zone);
    assert_eq!(format, Format::Rpz);
    assert!(told[0].contains("absolute name") && told[0].contains("$ORIGIN rpz.example."), "{told:?}");
    assert_eq!(told[1..], ["=relativ.example"]);
    assert_eq!(of(Format::Rpz, &format!("$ORIGIN rpz.local.\n{zone}"))[0], "=evil.example", "as it is told");
}

#[test]
fn f2_harmless_and_what_patterns_are_written_in_are_known_in_any_case() {
    let bundle = |rest: &str| {
        let text = format!(
            "{{\"type\":\"bundle\",\"objects\":[{{\"type\":\"indicator\",\"id\":\"indicator--1\",\"modified\":\"2026-01-01T00:00:00Z\",\
             \"pattern\":\"[domain-name:value = 'a.example']\",{rest}}}]}}"
        );
        marked(Format::Stix, &text)
    };
    assert_eq!(bundle("\"pattern_type\":\"stix\",\"indicator_types\":[\"Benign\"]"), ["harmless a.example"]);
    assert_eq!(bundle("\"pattern_type\":\"STIX\",\"indicator_types\":\" BENIGN \""), ["harmless a.example"]);
    assert_eq!(bundle("\"labels\":[\"Benign\"]"), ["harmless a.example"]);
    assert_eq!(bundle("\"pattern_type\":\"STIX\",\"indicator_types\":[\"Malicious-Activity\"]"), ["a.example"]);
}

#[test]
fn f2_files_with_the_line_ends_of_old_programs_are_read() {
    for (text, format) in [
        ("# liste\na.example\nb.example\n192.0.2.1\n", Format::Plain),
        ("0.0.0.0 a.example\n0.0.0.0 b.example\n", Format::Hosts),
        ("#fields\tindicator\tindicator_type\na.example\tIntel::DOMAIN\nb.example\tIntel::DOMAIN\n", Format::Zeek),
        ("$TTL 60\n@ SOA a. b. ( 1 2\n 3 4 5 )\na.example CNAME .\nb.example CNAME .\n", Format::Rpz),
        ("domain;tlp\na.example;red\nb.example;green\n", Format::Csv),
        ("ZXZpbC5leGFtcGxl\nYy5leGFtcGxl\n", Format::Suricata),
        ("Hei,\n\nDette er det vi så i natt:\n- evil[.]example\n- ond[.]example\nMvh\nOla\n", Format::Prose),
    ] {
        let (known, told) = detected(text);
        assert_eq!(known, format, "{text}");
        assert!(told.len() > 1 && told.iter().all(|line| !line.starts_with("left out")), "{told:?}");
        assert_eq!(detected(&text.replace('\n', "\r")), (known, told), "{text}");
    }
    // Each has its own number, whichever end the lines have.
    let mut places = Vec::new();
    let text = "a.example\r\nb.example\rc.example\n\rd.example";
    super::read(Format::Plain, &Options::default(), &mut std::io::Cursor::new(text), &mut |item| {
        if let super::Item::Found(place, _) = item {
            places.push(place);
        }
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(places, [1, 2, 3, 5].map(Place::Line));
}

#[test]
fn d_text_a_plain_list_may_have_the_marks_of_a_texts_list() {
    let text = "- a.example\n* b[.]example # c2\n•\tc.example\n1. d.example\n12) 198.51.100.7:443\n- =e.example\n*.f.example\n";
    let (format, told) = detected(text);
    assert_eq!(format, Format::Plain);
    assert_eq!(
        told,
        ["a.example", "b.example", "c.example", "d.example", "198.51.100.7:443", "=e.example", "f.example"]
    );
}
