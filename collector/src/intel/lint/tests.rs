//! What lint promises, on the lists that are shipped.

use super::*;
use crate::intel::hidden;
use varde_common::tlp::Tlp;

fn known() -> Knowledge {
    Knowledge { lists: default_lists().collect(), ..Knowledge::default() }
}

fn pattern(text: &str) -> Pattern {
    text.parse().unwrap()
}

fn held(linter: &Linter, text: &str) -> Option<String> {
    linter.holds(&pattern(text), false).map(|finding| finding.key())
}

#[test]
fn l3_what_everybody_uses_is_held_and_what_is_evil_is_not() {
    let linter = Linter::new(known());
    for text in "8.8.8.8 1.1.1.1:53 9.9.9.0/24 2001:4860:4860::8888 login.microsoftonline.com microsoftonline.com =outlook.office365.com
        altinn.no info.altinn.no =www.nav.no bankid.no helsenorge.no ks.no visma.no politiet.no udir.no vy.no bring.no dnb.no
        google.com www.google.com dns.google api.ipify.org pastebin.com bit.ly github.com 52.96.0.0/24 ocsp.digicert.com
        xn--kokrim-9xa.no"
        .split_whitespace()
    {
        assert!(linter.holds(&pattern(text), false).is_some(), "{text} goes out");
    }
    for text in
        "evil.example 192.0.2.1 evil.github.io a2.evil.pages.dev 104.16.1.1 3.5.140.1 45.61.136.9 altinn.no.evil.example
        notaltinn.no evil-microsoft.com ja4:t13d1516h2_8daaf6152771_02713d6af862 104.155.11.149 mail.gjovik-kommune.no"
            .split_whitespace()
    {
        assert_eq!(held(&linter, text), None, "{text} is held");
    }
    assert_eq!(held(&linter, "altinn.no").as_deref(), Some("list norwegian-services"));
    // A CDN is told, a sinkhole too.
    for (text, level) in
        [("104.16.1.1", Level::Warn), ("104.155.11.149", Level::Annotate), ("evil.github.io", Level::Warn)]
    {
        let worst = linter.findings(&pattern(text), false).first().map(|finding| finding.level);
        assert_eq!(worst, Some(level), "{text}");
    }
}

#[test]
fn l3_the_host_of_a_url_stays_in_where_it_is_others_too() {
    let linter = Linter::new(known());
    for text in "=drive.google.com =raw.githubusercontent.com =pastebin.com =bit.ly =cdn.discordapp.com =t.me 104.16.1.1 =www.nrk.no
        =xyz.sharepoint.com =a.s3.eu-west-1.amazonaws.com.evil.discordapp.com"
        .split_whitespace()
    {
        let finding = linter.holds(&pattern(text), true).unwrap_or_else(|| panic!("{text} goes out"));
        assert_eq!((finding.rule, finding.can_be_overridden()), (Rule::UrlHost, false), "{text}");
    }
    for text in ["=evil.github.io", "=shop.evil.example", "192.0.2.7", "=evil.blogspot.com"] {
        assert!(linter.holds(&pattern(text), true).is_none(), "{text} is held");
    }
}

#[test]
fn l3_a_members_own_names_and_networks_never_go_out() {
    let name = |text: &str| DomainName::parse(text).unwrap();
    let linter = Linter::new(Knowledge {
        member_names: vec![name("gjovik.kommune.no"), name("vestre-toten.example")],
        member_networks: vec!["203.0.113.64/26".parse().unwrap(), "2a01:1::/48".parse().unwrap()],
        ..Knowledge::default()
    });
    let finding =
        |text: &str| linter.holds(&pattern(text), false).map(|finding| (finding.rule, finding.can_be_overridden()));
    for text in ["gjovik.kommune.no", "=gjovik.kommune.no", "vestre-toten.example:443"] {
        assert_eq!(finding(text), Some((Rule::MemberName, false)), "{text}");
    }
    for text in ["www.gjovik.kommune.no", "=post.vestre-toten.example"] {
        assert_eq!(finding(text), Some((Rule::MemberName, true)), "{text}");
    }
    for (text, overridden) in [
        ("203.0.113.64/26", false),
        ("203.0.113.0/24", false),
        ("203.0.113.65", true),
        ("203.0.113.96/27", true),
        ("2a01:1::/48", false),
        ("2a01:1::7", true),
    ] {
        assert_eq!(finding(text), Some((Rule::MemberNetwork, overridden)), "{text}");
    }
    for text in ["=toten.example", "203.0.113.1", "203.0.113.0/26", "hamar.kommune.no", "2a01:2::/48"] {
        assert_eq!(finding(text), None, "{text}");
    }
}

#[test]
fn l3_what_is_allowed_never_goes_out_below_within_or_above() {
    let allowed = [
        "supplier.example",
        "=www.other.example",
        "198.51.100.0/24",
        "192.0.2.7:443",
        "ja4:t13d1516h2_8daaf6152771_02713d6af862",
    ];
    let allowed = allowed.iter().map(|text| pattern(text)).collect();
    let overridden = HashMap::from([("supplier.example".to_owned(), overridden(&["allowed"]))]);
    let linter = Linter::new(Knowledge { allowed, overridden, ..Knowledge::default() });
    for text in "supplier.example a.supplier.example =supplier.example =www.other.example www.other.example other.example 198.51.100.9
        198.51.100.0/25 198.51.0.0/16 192.0.2.7:443 ja4:t13d1516h2_8daaf6152771_02713d6af862"
        .split_whitespace()
    {
        assert_eq!(held(&linter, text).as_deref(), Some("allowed"), "{text}");
    }
    for text in ["=other.example", "a.www.other.example", "192.0.2.7:80", "192.0.2.7", "192.0.2.8:443"] {
        assert_eq!(held(&linter, text), None, "{text}");
    }
}

fn overridden(rules: &[&str]) -> Overridden {
    Overridden { rules: rules.iter().map(|rule| (*rule).to_owned()).collect(), until: Timestamp(9) }
}

#[test]
fn l3_an_override_lets_out_what_it_named_and_nothing_else() {
    let overriding = |text: &str, keys: &[&str]| {
        Linter::new(Knowledge { overridden: HashMap::from([(text.to_owned(), overridden(keys))]), ..known() })
    };
    let linter = overriding("altinn.no", &["list norwegian-services"]);
    assert_eq!((held(&linter, "altinn.no"), held(&linter, "nav.no").is_some()), (None, true));
    assert!(held(&linter, "=altinn.no").is_some(), "another indicator");
    let rule = |text: &str| linter.rule(&pattern(text), false);
    assert_eq!((rule("altinn.no"), rule("evil.example")), (Ruling::Until(Timestamp(9)), Ruling::Free));
    let linter = overriding("8.8.8.8", &["list cisco_top1000"]);
    assert_eq!(held(&linter, "8.8.8.8").as_deref(), Some("list public-resolvers"), "another rule");
    let linter = overriding("10.0.0.0/8", &["special-range", "width"]);
    assert!(held(&linter, "10.0.0.0/8").is_some(), "never");
}

#[test]
fn l3_a_part_of_a_name_is_found_by_lists_of_parts() {
    let list =
        read(br#"{"name":"n","type":"substring","list":["SANDBOX","a.b"]}"#, "parts", Level::Quarantine).unwrap();
    let linter = Linter::new(Knowledge { lists: vec![list], ..Knowledge::default() });
    assert_eq!(held(&linter, "my-sandbox-7.example").as_deref(), Some("list parts"));
    assert_eq!(held(&linter, "axb.example"), None, "no expression");
}

#[test]
fn l3_of_what_not_everybody_may_read_only_number_and_rule_are_told() {
    let linter = Linter::new(Knowledge { allowed: vec![pattern("evil.example")], ..known() });
    let mut held = Held::default();
    for text in ["a.evil.example", "info.altinn.no", "github.io"] {
        let finding = linter.holds(&pattern(text), false).unwrap();
        held.add(&finding, Tlp::Red, || hidden::told(7, text, Tlp::Red), true);
    }
    let told = format!("{:?} {:?}", held.lines(""), held.first_published);
    assert!(!told.contains("evil") && !told.contains("altinn") && !told.contains("github"), "{told}");
    assert!(told.contains("confidential indicator 7") && told.contains("public-suffix"), "{told}");
    assert_eq!(hidden::told(7, "evil.example", Tlp::Amber), "evil.example");
}
