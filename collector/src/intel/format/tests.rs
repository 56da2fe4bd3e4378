//! Samples of every format, as their makers write them.

use super::*;
use crate::intel::canonical::About;
use proptest::prelude::*;
use std::io::Cursor;

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
        ["ended: it has no column \"nix\"; there are: x, domain"]
    );
    assert_eq!(of("0", None, "x,y\n"), ["ended: columns are counted from 1"]);
    // A quote that is never closed takes no more than its share.
    let open = format!("domain,x\n\"{}\nevil.example,1\n", "line\n".repeat(20_000));
    assert!(of("domain", None, &open)[0].contains("never closed"));
}

#[test]
fn techniques_are_found_in_labels() {
    let labels =
        ["misp-galaxy:mitre-attack-pattern=\"DNS - T1071.004\"", "attack-pattern T1566", "T9999", "attack-pattern T12"];
    assert_eq!(techniques(&labels.map(str::to_owned)), ["T1071.004", "T1566"]);
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
