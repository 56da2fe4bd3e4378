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
        notaltinn.no evil-microsoft.com ja4:t13d1516h2_8daaf6152771_02713d6af862 106.187.96.49 mail.gjovik-kommune.no"
            .split_whitespace()
    {
        assert_eq!(held(&linter, text), None, "{text} is held");
    }
    assert_eq!(held(&linter, "altinn.no").as_deref(), Some("list norwegian-services"));
    // A CDN is told, a sinkhole too.
    for (text, level) in
        [("104.16.1.1", Level::Warn), ("106.187.96.49", Level::Annotate), ("evil.github.io", Level::Warn)]
    {
        let worst = linter.findings(&pattern(text), false).first().map(|finding| finding.level);
        assert_eq!(worst, Some(level), "{text}");
    }
}

#[test]
fn l3_municipalities_counties_and_public_services_are_held_without_any_profile() {
    let linter = Linter::new(known());
    for text in "bergen.kommune.no =bergen.kommune.no www.gjovik.kommune.no oslo.kommune.no:443 =skole.voss.herad.no
        ostfold.fylkeskommune.no innlandetfylke.no www.innlandetfylke.no viken.no afk.no =www.agderfk.no vestlandfylke.no hedmark.org
        sandvika.vgs.no nsm.stat.no www.jd.dep.no =fylkesleksikon.mil.no politi.no www.norad.no vestreviken.no uis.no d-ikt.no"
        .split_whitespace()
    {
        let finding = linter.holds(&pattern(text), false).unwrap_or_else(|| panic!("{text} goes out"));
        assert_eq!((finding.level, finding.can_be_overridden()), (Level::Quarantine, true), "{text}");
    }
    assert_eq!(held(&linter, "bergen.kommune.no").as_deref(), Some("list norwegian-municipalities"));
    // Of a page that somebody has broken into there: the host of its URL is the municipality's, and goes out as a host, by an override.
    let host = pattern("=www.bergen.kommune.no");
    assert_eq!(linter.holds(&host, true).map(|finding| finding.rule), Some(Rule::UrlHost));
    let given = HashMap::from([(host.to_plain(), overridden(&["list norwegian-municipalities"]))]);
    let overriding = Linter::new(Knowledge { overridden: given, ..known() });
    assert_eq!(overriding.rule(&host, false), Ruling::Until(Timestamp(9)));
    for text in ["bergen-kommune.no", "kommune.no.evil.example", "innlandetfylke.example", "vikenfiber.no", "notafk.no"]
    {
        assert_eq!(held(&linter, text), None, "{text} is held");
    }
}

#[test]
fn l3_what_machines_everywhere_meet_is_held_and_what_clouds_give_to_customers_is_told() {
    let linter = Linter::new(known());
    for text in "root-servers.net a.root-servers.net =k.root-servers.net a.gtld-servers.net 198.41.0.4 pool.ntp.org 0.no.pool.ntp.org
        =3.ubuntu.pool.ntp.org openai.com api.openai.com chatgpt.com archive.ubuntu.com no.archive.ubuntu.com deb.debian.org
        registry.npmjs.org www.apple.com gateway.fe2.apple-dns.net update.fortiguard.net ocsp.sectigo.com 13.107.4.50
        13.107.4.50:443 13.107.4.0/24 142.250.74.100 142.250.74.0/24 216.58.207.206 2a00:1450:400f:80c::200e 17.253.55.202 157.240.200.35
        185.15.59.224 140.82.121.4 91.189.91.81 204.79.197.200"
        .split_whitespace()
    {
        assert!(linter.holds(&pattern(text), false).is_some(), "{text} goes out");
    }
    for text in ["20.50.1.1", "104.155.1.1", "136.226.1.1"] {
        let told = linter.findings(&pattern(text), false);
        assert!(!told.is_empty() && told.iter().all(|finding| finding.level <= Level::Warn), "{text}: {told:?}");
    }
    for text in ["notroot-servers.net", "pool-ntp.org", "openai.com.evil.example", "142.252.0.1", "13.106.4.50"] {
        assert_eq!(held(&linter, text), None, "{text} is held");
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
    let linter = overriding("8.8.8.8", &["list cisco_top10k"]);
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
