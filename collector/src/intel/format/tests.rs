//! Samples of every format, as their makers write them.

use super::*;
use crate::intel::canonical::About;
use proptest::prelude::*;
use std::io::Cursor;

mod let_in;
mod tables;

/// What was told of a text, each in a line.
pub(super) fn told(format: Format, options: &Options, text: &[u8]) -> Vec<String> {
    let mut told = Vec::new();
    let done = read(format, options, &mut Cursor::new(text), &mut |item| {
        told.push(match item {
            Item::Found(_, found) => {
                let About { threat, confidence, severity, tlp, pap, .. } = &found.about;
                let mut line = found.pattern.to_plain();
                for (what, value) in [
                    ("threat", threat.clone()),
                    ("sure", confidence.map(|sure| sure.to_string())),
                    ("severity", severity.map(|severity| severity.as_str().to_owned())),
                    ("", tlp.map(|tlp| tlp.to_string())),
                    ("", pap.map(|pap| pap.to_string())),
                ] {
                    if let Some(value) = value {
                        line.push_str(&format!(" {what}{}{value}", if what.is_empty() { "" } else { "=" }));
                    }
                }
                if found.about.exercise {
                    line.push_str(" exercise");
                }
                line
            }
            Item::Withdrawn(gone) => format!("withdrawn {}", gone.object_id),
            Item::Silent(object) => format!("silent {}", object.object_id),
            Item::Harmless(_, found) => format!("harmless {}", found.pattern.to_plain()),
            Item::Clue(clue) => format!("clue {} {}", clue.kind, clue.value),
            Item::PassedOver => "passed over".to_owned(),
            Item::PassedBy(passed, _) => format!("passed over: {passed}"),
            Item::LeftOut(left_out) => format!("left out: {left_out}"),
        });
        ControlFlow::Continue(())
    });
    if let Err(error) = done {
        told.push(format!("ended: {error}"));
    }
    told
}

fn detected(text: &str) -> (Format, Vec<String>) {
    let format = Format::detect(text.as_bytes());
    (format, told(format, &Options::default(), text.as_bytes()))
}

#[test]
fn each_format_is_known_by_its_beginning_and_by_its_name() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse(), Ok(format));
    }
    assert!("sigma".parse::<Format>().unwrap_err().contains("stix"));
    for (text, format) in [
        ("", Format::Plain),
        ("# comment\nevil.example # c2\n", Format::Plain),
        ("192.0.2.1\n", Format::Plain),
        ("{\"type\":\"bundle\",\"objects\":[]}", Format::Stix),
        ("{\"more\":false,\"objects\":[{\"spec_version\":\"2.1\"}]}", Format::Stix),
        ("{\"Event\":{}}", Format::Misp),
        ("{\"response\":{\"Attribute\":[]}}", Format::Misp),
        ("#fields\tindicator\tindicator_type\n", Format::Zeek),
        ("$TTL 300\n@ IN SOA a. b. 1 2 3 4 5\n", Format::Rpz),
        ("; zone\nevil.example CNAME .\n", Format::Rpz),
        ("127.0.0.1 localhost\n0.0.0.0 evil.example\n", Format::Hosts),
        ("ZXZpbC5leGFtcGxl\n", Format::Suricata),
        ("domain;comment\nevil.example;phishing\n", Format::Csv),
    ] {
        assert_eq!(Format::detect(text.as_bytes()), format, "{text}");
    }
}

#[test]
fn abuse_chs_tables_are_read_by_the_names_of_their_columns() {
    let (format, told) = detected(include_str!("../../../tests/data/feeds/urlhaus-csv_recent.csv"));
    assert_eq!(format, Format::Urlhaus);
    assert_eq!(told[..2], ["203.0.113.9:8088 sure=25", "=last-ned.example sure=25"]);
    let (format, told) = detected(include_str!("../../../tests/data/feeds/threatfox-recent.csv"));
    assert_eq!(format, Format::Threatfox);
    assert_eq!(told[0], "198.51.100.24:8443 threat=Cobalt Strike sure=75");
    assert!(told.iter().any(|line| line.starts_with("c2.example.org")), "{told:?}");
    let (format, told) = detected(include_str!("../../../tests/data/feeds/feodo-ipblocklist.csv"));
    assert_eq!(format, Format::Feodo);
    assert_eq!(told, ["198.51.100.23:443 threat=QakBot", "192.0.2.200:995 threat=Emotet"]);
}

#[test]
fn resolvers_sensors_and_hosts_files_are_read() {
    let (format, told) = detected(include_str!("../../../tests/data/feeds/zeek.intel"));
    assert_eq!(format, Format::Zeek);
    assert_eq!(
        told,
        [
            "=innlogging-kommune.example",
            "198.51.100.23",
            "192.0.2.128/28",
            "=last-ned.example sure=25",
            "clue x509-sha1 4f85b265e6f48451489803780f19a7b718da25f8",
        ]
    );
    let (format, told) = detected(include_str!("../../../tests/data/feeds/rpz.zone"));
    assert_eq!(format, Format::Rpz);
    let want = [
        "=innlogging-kommune.example",
        "innlogging-kommune.example",
        "=sinkhole-meg.example",
        "harmless =tillatt.example",
        "=nodata.example",
        "198.51.100.23",
        "192.0.2.128/28",
        "2001:db8:bad::23",
    ];
    assert_eq!(told[..8], want);
    assert!(told[8].contains("rpz-nsdname") && told.len() == 9, "{told:?}");
    let (format, told) = detected(include_str!("../../../tests/data/feeds/hosts.txt"));
    assert_eq!(format, Format::Hosts);
    assert_eq!(told, ["=innlogging-kommune.example", "=c2.example.org", "=sso.bankid-feil.example"]);
    let (format, told) = detected(include_str!("../../../tests/data/feeds/suricata-domener.lst"));
    assert_eq!(format, Format::Suricata);
    assert_eq!(told, ["=innlogging-kommune.example", "=c2.example.org"]);
}

#[test]
fn a_zone_with_absolute_names_is_read_below_its_own_name() {
    let zone = "rpz.local. 60 IN SOA localhost. root.localhost. (\n 1 ; serial\n 3600 600 86400 60 )\nrpz.local. NS localhost.\nevil.example.rpz.local. 60 IN CNAME .\nother.example. CNAME .\n";
    let told = told(Format::Rpz, &Options::default(), zone.as_bytes());
    assert_eq!(told[0], "=evil.example");
    assert!(told[1].contains("is not below the zone's own name") && told.len() == 2, "{told:?}");
}

#[test]
fn any_table_is_read_by_the_column_that_is_named() {
    let table = "id;Domain;TLP;Confidence;Kommentar\r\n1;evil.example;tlp:green;80;\"to\r\nlinjer; her\"\r\n2;hxxp://b[.]example/x;;;\r\n3;;;;\r\n";
    let (format, told) = detected(table);
    assert_eq!(format, Format::Csv);
    assert_eq!(told[..2], ["evil.example sure=80 TLP:GREEN", "=b.example sure=25"]);
    assert!(told[2].starts_with("left out: line 5:") && told.len() == 3, "{told:?}");
    let of = |column: &str, exclude: Option<&str>, text: &str| {
        let options = Options {
            column: Some(column.to_owned()),
            exclude: exclude.map(|exclude| regex::Regex::new(exclude).unwrap()),
            ..Options::default()
        };
        super::tests::told(Format::Csv, &options, text.as_bytes())
    };
    assert_eq!(of("2", None, "a,evil.example\nb,192.0.2.1\n"), ["evil.example", "192.0.2.1"]);
    assert_eq!(of("C2", Some("^skip"), "x,c2\nskip,no\ny,evil.example\n"), ["evil.example"]);
    assert_eq!(
        of("nix", None, "x,domain\ny,evil.example\n"),
        ["ended: it has no column \"nix\"; there are: \"x\", \"domain\""]
    );
    assert_eq!(of("0", None, "x,y\n"), ["ended: columns are counted from 1"]);
}

#[test]
fn techniques_are_found_in_labels() {
    let labels =
        ["misp-galaxy:mitre-attack-pattern=\"DNS - T1071.004\"", "attack-pattern T1566", "T9999", "attack-pattern T12"];
    assert_eq!(techniques(&labels.map(str::to_owned)), ["T1071.004", "T1566"]);
}

/// What was told of a text in one format, without options.
fn of(format: Format, text: &str) -> Vec<String> {
    told(format, &Options::default(), text.as_bytes())
}

fn refusal(told: &str, line: u64, words: &str) -> bool {
    told.starts_with(&format!("left out: line {line}: ")) && told.contains(words)
}

#[test]
fn d_text2_a_stray_quote_costs_its_own_line_and_no_other() {
    // In the middle of a field it is an inch.
    assert_eq!(of(Format::Csv, "domain,x\na.example,12\" rack\nb.example,1\n"), ["a.example", "b.example"]);
    // At a field's beginning, and nothing closes it: neither within the file nor at its end.
    let told = of(Format::Csv, "domain,x\n\"a.example,1\nb.example,2\nc.example,3\n");
    assert!(refusal(&told[0], 2, "quote"), "{told:?}");
    assert_eq!(told[1..], ["b.example", "c.example"]);
    let told = of(Format::Csv, "domain,x\nb.example,2\n\"c.example,3");
    assert!(refusal(&told[1], 3, "quote") && told[0] == "b.example" && told.len() == 2, "{told:?}");
    // Two of them make no pair over rows.
    let told = of(Format::Csv, "domain,x\na.example,\"1\nb.example,2\nc.example,\"3\nd.example,4\n");
    assert_eq!(
        told.iter().filter(|line| line.starts_with("left out")).count()
            + told.iter().filter(|line| line.ends_with(".example")).count(),
        told.len()
    );
    assert_eq!(told.last().map(String::as_str), Some("d.example"), "{told:?}");
    // One that is never closed takes no more than its share of memory and time.
    let open = format!("domain,x\n\"{}evil.example,1\n", "a.example,1\n".repeat(20_000));
    let told = of(Format::Csv, &open);
    assert!(refusal(&told[0], 2, "quote") && told.len() == 20_001 && told[20_000] == "evil.example", "{}", told.len());
}

#[test]
fn d_text15_a_tables_own_words_on_kind_and_purpose_are_obeyed() {
    let misp = "uuid,event_id,category,type,value,comment,to_ids,date\n\
        11111111-2222-4333-8444-555555555555,1,Network activity,hostname,a.example,,1,20261101\n\
        ,1,Network activity,domain,b.example,,0,20261101\n\
        ,1,Network activity,ip-dst|port,198.51.100.7|8443,,1,20261101\n\
        ,1,Network activity,domain|ip,c.example|198.51.100.8,,True,20261101\n\
        ,1,Network activity,ip-src,198.51.100.9,,1,20261101\n\
        ,1,Payload delivery,sha256,e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855,,1,20261101\n\
        ,1,Network activity,ip-dst,d.example,,1,20261101\n\
        ,1,Network activity,url,e.example/x,,1,20261101\n";
    let (format, told) = detected(misp);
    assert_eq!(format, Format::Csv);
    assert_eq!(told[..5], ["=a.example", "passed over", "198.51.100.7:8443", "c.example", "clue ip-src 198.51.100.9"]);
    assert!(told[5].starts_with("clue sha256 e3b0"), "{told:?}");
    assert!(refusal(&told[6], 8, "is not what its column says"), "{told:?}");
    assert_eq!(told[7..], ["=e.example sure=25"]);
    // A word on how bad it is says nothing of the kind.
    assert_eq!(of(Format::Csv, "domain,type\na.example,phishing\n"), ["a.example"]);
}

#[test]
fn d_text15_a_header_that_nobody_knows_is_asked_about_by_its_names() {
    let told = of(Format::Csv, "navn,skadelig,notat\nKari,evil.example,x\n");
    assert!(told[0].starts_with("ended: ") && told[0].contains("--column") && told.len() == 1, "{told:?}");
    assert!(told[0].contains("\"navn\", \"skadelig\", \"notat\""), "{told:?}");
    let told = of(Format::Csv, "a.example,x\n");
    assert_eq!(told, ["a.example"]);
    // A column that has no indicator at all is the wrong one, and that is the advice.
    let told = of(Format::Csv, "ip,domain\nno,a.example\nnei,b.example\n");
    assert!(
        told.last().is_some_and(|last| last.starts_with("ended: ")
            && last.contains("--column NAME")
            && last.contains("\"ip\", \"domain\""))
            || told[0] == "a.example",
        "{told:?}"
    );
    let wide = format!("{}\n1\n", (0..5_000).map(|n| format!("kolonne{n}")).collect::<Vec<_>>().join(","));
    let told = of(Format::Csv, &wide);
    assert!(told[0].contains("and 49") && told[0].len() < 2_000, "{}", told[0].len());
}

#[test]
fn d_text4_in_quotes_a_zones_marks_have_no_meaning_and_an_open_parenthesis_is_told() {
    let zone =
        "$TTL 60\n@ SOA a. b. 1 2 3 4 5\nx.example TXT \"smile :( ; here\"\na.example CNAME . ; (\nb.example CNAME .\n";
    let told = of(Format::Rpz, zone);
    assert!(refusal(&told[0], 3, "records of its own"), "{told:?}");
    assert_eq!(told[1..], ["=a.example", "=b.example"]);
    let told = of(Format::Rpz, "a.example CNAME .\n@ SOA a. b. (1 2\nb.example CNAME .\n");
    assert_eq!((told[0].as_str(), told[2].as_str(), told.len()), ("=a.example", "=b.example", 3), "{told:?}");
    assert!(refusal(&told[1], 2, "parenthesis"), "{told:?}");
}

#[test]
fn d_text9_rows_that_say_where_a_server_stands_are_no_indicators() {
    let hosts = "10.0.0.5 fagsystem.kommune.example\n198.51.100.7 www.example.org\n0.0.0.0 evil.example\nfe80::1%lo0 localhost\n\
        ::1%lo0 b.example\nff02::3 ip6-allhosts\n255.255.255.255 broadcasthost\n0.0.0.0 0.0.0.0\n0.0.0.0 198.51.100.9\n";
    let (format, told) = detected(hosts);
    assert_eq!(format, Format::Hosts);
    assert!(refusal(&told[0], 1, "where a server stands") && refusal(&told[1], 2, "where a server stands"), "{told:?}");
    assert_eq!(told[2..4], ["=evil.example", "=b.example"]);
    assert!(refusal(&told[4], 9, "is no name") && told.len() == 5, "{told:?}");
    let zone = "$TTL 60\n@ SOA a. b. 1 2 3 4 5\nfagsystem.example A 10.0.0.5\nwww.example.org A 198.18.7.7\nveiledet.example CNAME portal.example.\n\
        a.example A 127.0.0.1\nb.example AAAA ::\nc.example CNAME rpz-drop.\nd.example CNAME rpz-tcp-only.\n\
        e.example CNAME rpz-passthru.\nf.example CNAME f.example.\ng.example A 5.79.71.205\n*.h.example CNAME *.\n";
    let told = of(Format::Rpz, zone);
    assert!(refusal(&told[0], 3, "no known sinkhole") && refusal(&told[1], 4, "no known sinkhole"), "{told:?}");
    assert!(refusal(&told[2], 5, "another name"), "{told:?}");
    let rest = [
        "=a.example",
        "=b.example",
        "=c.example",
        "=d.example",
        "harmless =e.example",
        "harmless =f.example",
        "=g.example",
        "h.example",
    ];
    assert_eq!(told[3..], rest);
}

#[test]
fn d_text10_names_of_a_zone_stand_below_its_origin() {
    let bind = "$ORIGIN .\n$TTL 300\t; 5 minutes\nrpz.example\t\tIN SOA\tns.example. root.example. (\n\t\t\t7 ; serial SOA\n\t\t\t60 60 60 60 )\n\
        \t\t\tNS\tlocalhost.\n$ORIGIN rpz.example.\nevil.example\t\tCNAME\t.\n$ORIGIN example.rpz.example.\nwww.ond\t\tCNAME\t.\n\
        \t\t\tTXT \"x\"\n$ORIGIN 2.0.192.rpz-ip.rpz.example.\n24.0\tCNAME .\nabs.example. CNAME .\n$INCLUDE andre.zone\n$GENERATE 1-9 a$ CNAME .\n";
    let (format, told) = detected(bind);
    assert_eq!(format, Format::Rpz);
    assert_eq!(told[..2], ["=evil.example", "=www.ond.example"]);
    assert!(refusal(&told[2], 11, "records of its own"), "{told:?}");
    assert_eq!(told[3], "192.0.2.0/24");
    assert!(refusal(&told[4], 14, "not below the zone's own name"), "{told:?}");
    assert!(
        refusal(&told[5], 15, "another file") && refusal(&told[6], 16, "no directive") && told.len() == 7,
        "{told:?}"
    );
    // A word in a comment or in a sentence makes no zone.
    assert_eq!(Format::detect(b"; SOA of the list\nevil.example\nb.example ; CNAME of x\n"), Format::Plain);
}

#[test]
fn d_text13_a_type_of_zeeks_must_fit_its_value() {
    let zeek = "#fields\tindicator\tindicator_type\tmeta.source\n198.51.100.7\tIntel::DOMAIN\ts\nevil.example\tIntel::ADDR\ts\n\
        192.0.2.0/24\tIntel::ADDR\ts\n192.0.2.0/24\tIntel::SUBNET\ts\nevil.example\tIntel::SUBNET\ts\nhttp://a.example/x\tIntel::URL\ts\n\
        evil.example:80\tIntel::DOMAIN\ts\nx\tIntel::\u{1b}[31mNEW\ts\n";
    let told = of(Format::Zeek, zeek);
    for (at, line) in [(0, 2), (1, 3), (2, 4), (4, 6), (6, 8)] {
        assert!(refusal(&told[at], line, "its type is"), "{told:?}");
    }
    assert_eq!((told[3].as_str(), told[5].as_str()), ("192.0.2.0/24", "=a.example sure=25"));
    assert!(told[7].contains("\\u{1b}") && !told[7].contains('\u{1b}'), "{told:?}");
}

#[test]
fn d_text19_no_word_of_a_files_own_reaches_a_terminal_as_it_is() {
    let evil = format!("\u{1b}]0;x\u{7}\u{202e}{}", "y".repeat(5_000));
    for format in Format::ALL.into_iter().filter(|format| format.has_lines()) {
        for text in [
            format!("{evil}\n"),
            format!("#fields\tindicator\tindicator_type\n{evil}\t{evil}\n"),
            format!("domain,{evil}\n\"{evil}\",1\n"),
            format!("{evil},b\n1,2\n"),
            format!("$ORIGIN {evil}.\n{evil}. CNAME .\n"),
            format!("0.0.0.0 {evil}\n"),
            format!("http://evil.example:{evil}/\n"),
            format!("evil.example:{evil}\n"),
        ] {
            for line in
                of(format, &text).iter().filter(|line| line.starts_with("left out") || line.starts_with("ended"))
            {
                assert!(!line.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{format}: {line}");
                assert!(line.chars().count() < 4_000, "{format}: {} characters", line.chars().count());
            }
        }
    }
}

#[test]
fn d_text_plain_lists_are_read_as_people_write_them() {
    let (format, told) = detected(include_str!("../../../tests/data/feeds/plain-blandet.txt"));
    assert_eq!(format, Format::Plain);
    let want = [
        "innlogging-kommune.example",
        "innlogging-kommune.example",
        "c2.example.org",
        "=last-ned.example sure=25",
        "198.51.100.23",
        "198.51.100.24:8443",
        "192.0.2.128/28",
        "2001:db8:bad::23",
        "xn--brnehage-54a.example",
        "wildcard.example",
    ];
    assert_eq!(told, want);
    let (format, told) = detected(
        "\u{feff}.dotted.example. ; c2\n// head\na.example // why\nhttp://b.example/x;y#z\nd41d8cd98f00b204e9800998ecf8427e\n([c.example])\nto ord\n",
    );
    assert_eq!(format, Format::Plain);
    assert_eq!(
        told[..5],
        ["dotted.example", "a.example", "=b.example sure=25", "clue md5 d41d8cd98f00b204e9800998ecf8427e", "c.example"]
    );
    assert!(refusal(&told[5], 7, "is not an indicator"), "{told:?}");
}

#[test]
fn d_text_what_is_no_utf_8_is_told_by_what_it_is_in_every_format() {
    // Prose reads it.
    for format in Format::ALL.into_iter().filter(|format| format.has_lines() && *format != Format::Prose) {
        let told = told(format, &Options::default(), b"\xff\xfee\0v\0i\0l\0");
        assert!(told.len() == 1 && told[0].contains("iconv -f UTF-16"), "{format}: {told:?}");
    }
    let told = |text: &[u8]| told(Format::Plain, &Options::default(), text);
    assert!(told(b"b\xf8rnehage.example\nb.example # bl\xe5\n")[0].contains("Latin-1"));
    assert_eq!(told(b"b.example # bl\xe5\n"), ["b.example"]);
    assert!(told(b"a\0b.example\nb.example\n")[0].contains("NUL octets"));
}

#[test]
fn d_text_a_mark_of_utf_8_in_front_changes_nothing() {
    for sample in [
        include_str!("../../../tests/data/feeds/urlhaus-csv_recent.csv"),
        include_str!("../../../tests/data/feeds/threatfox-recent.csv"),
        include_str!("../../../tests/data/feeds/feodo-ipblocklist.csv"),
        include_str!("../../../tests/data/feeds/zeek.intel"),
        include_str!("../../../tests/data/feeds/rpz.zone"),
        include_str!("../../../tests/data/feeds/hosts.txt"),
        include_str!("../../../tests/data/feeds/suricata-domener.lst"),
        include_str!("../../../tests/data/feeds/plain-blandet.txt"),
        "domain,x\nevil.example,1\n",
    ] {
        assert_eq!(detected(&format!("\u{feff}{sample}")), detected(sample));
        assert_eq!(detected(&sample.replace('\n', "\r\n")), detected(sample));
    }
}

#[test]
fn d_text_datasets_with_reputations_and_rules_are_known() {
    let (format, told) = detected("ZXZpbC5leGFtcGxl,5\nYy5leGFtcGxl,100\n");
    assert_eq!((format, told), (Format::Suricata, vec!["=evil.example".to_owned(), "=c.example".to_owned()]));
    let (format, told) = detected(
        "alert dns any any -> any any (msg:\"x\"; dns.query; dataset:isset,d,type string,load d.lst; sid:1; rev:1;)\n",
    );
    assert_eq!(format, Format::Suricata);
    assert!(refusal(&told[0], 1, "import the file that its dataset loads: d.lst"), "{told:?}");
}

#[test]
fn d_text17_a_wide_table_and_long_quotes_take_steps_by_their_length() {
    // 4,000 columns in 1,000 rows: looked up by name once, not for each row.
    let header = (0..4_000).map(|n| format!("k{n}")).chain(["domain".to_owned()]).collect::<Vec<_>>().join(",");
    let row = format!("{}a.example\n", ",".repeat(4_000));
    let told = of(Format::Csv, &format!("{header}\n{}", row.repeat(1_000)));
    assert_eq!((told.len(), told[999].as_str()), (1_000, "a.example"));
    // A quoted field of 1,900 lines' worth in 19 lines.
    let long = format!("domain,note\na.example,\"{}\"\n", format!("{}\n", "x\"\"".repeat(1_000)).repeat(18));
    assert_eq!(of(Format::Csv, &long), ["a.example"]);
}

proptest! {
    #[test]
    fn f1_no_octets_harm_any_reader(octets in prop::collection::vec(any::<u8>(), 0..400)) {
        for format in Format::ALL {
            let _ = told(format, &Options::default(), &octets);
        }
        let _ = Format::detect(&octets);
    }

    #[test]
    fn f1_no_text_harms_any_reader(text in "[a-z.0-9#;,\"\\t\\n (){}\\[\\]:'=*@/$-]{0,300}") {
        for format in Format::ALL {
            let _ = told(format, &Options::default(), text.as_bytes());
        }
    }
}
