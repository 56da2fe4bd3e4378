//! Filters: what is typed is read as it was meant and written back so, whatever the language; what is not understood is told with its place.

use super::read::{Trouble, Why};
use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Filter {
    let (filter, troubles) = Filter::read(text, List::Alerts);
    assert_eq!(troubles, Vec::new(), "{text}");
    filter
}

fn one(text: &str) -> Token {
    let mut tokens = read(text).tokens;
    assert_eq!(tokens.len(), 1, "{text}");
    tokens.remove(0)
}

#[test]
fn every_token_is_read_in_every_language() {
    for (texts, what) in [
        (&["medlem:3407", "member:3407", "M:3407"][..], What::Member(vec!["3407".to_owned()])),
        (&["medlem:3407,0301"], What::Member(vec!["3407".to_owned(), "0301".to_owned()])),
        (
            &["kilde:\"NCSC feed\"", "kjelde:\"NCSC feed\"", "source:\"NCSC feed\""],
            What::Source(vec!["NCSC feed".to_owned()]),
        ),
        (&["tlp:amber", "TLP:AMBER"], What::Tlp(vec![Tlp::Amber])),
        (&["tlp:amber+strict,red"], What::Tlp(vec![Tlp::AmberStrict, Tlp::Red])),
        (&["langt:kontaktet", "langt:kontakt", "far:contacted"], What::Evidence(vec![4])),
        (&["langt:kontakt+", "langt:data-ut,kontakt"], What::Evidence(vec![4, 5])),
        (&["alvor:høy", "alvor:høg", "severity:high", "ALVOR:HØY"], What::Severity(vec![3])),
        (&["alvor:høy+", "alvor:kritisk,høy"], What::Severity(vec![3, 4])),
        (&["status:ny", "status:new"], What::Status(vec![Status::New])),
        (&["øvelse:nei", "ovelse:nei", "øving:nei", "exercise:no"], What::Exercise(false)),
        (&["historie:ja"], What::History(true)),
        (&["slag:domene,ipv4"], What::Kind(vec![0, 2])),
        (&["indikator:17"], What::Indicator(vec![17])),
        (&["192.0.2.77/24"], What::Network("192.0.2.0/24".parse().unwrap())),
        (&["2001:db8::/32"], What::Network("2001:db8::/32".parse().unwrap())),
        (&["beef::/16"], What::Network("beef::/16".parse().unwrap())),
        (&["evil.no", "evil[.]no"], What::Text("evil.no".to_owned())),
        (&["\"fri tekst\""], What::Text("fri tekst".to_owned())),
        (&["\"medlem:3407\""], What::Text("medlem:3407".to_owned())),
        (&["192.0.2.7:443"], What::Text("192.0.2.7:443".to_owned())),
    ] {
        for text in texts {
            assert_eq!(one(text), Token { not: false, what: what.clone() }, "{text}");
            assert_eq!(one(&format!("-{text}")), Token { not: true, what: what.clone() }, "{text}");
        }
    }
    assert_eq!(read("fri tekst").tokens.len(), 2, "words that stand alone are looked for each");
    assert_eq!(read("  ny  ny ").tokens.len(), 1, "said twice it is one");
}

#[test]
fn what_is_not_understood_is_told_with_its_place_and_the_rest_counts() {
    for (text, at, word, why) in [
        ("ny medlm:3407", 4, "medlm:3407", Why::Key),
        ("æøå alvor:alvorlig", 5, "alvor:alvorlig", Why::Value(Key::Severity)),
        ("tlp:lilla", 1, "tlp:lilla", Why::Value(Key::Tlp)),
        ("-tlp:", 1, "-tlp:", Why::NoValue(Key::Tlp)),
        ("øvelse:kanskje", 1, "øvelse:kanskje", Why::Value(Key::Exercise)),
        ("øvelse:ja,nei", 1, "øvelse:ja,nei", Why::Value(Key::Exercise)),
        ("kilde:\"NCSC", 1, "kilde:\"NCSC", Why::Quote),
        ("ansvarlig:kari", 1, "ansvarlig:kari", Why::NotHere),
        ("status:vurdert", 1, "status:vurdert", Why::Value(Key::Status)),
        ("indikator:+5", 1, "indikator:+5", Why::Value(Key::Indicator)),
        ("indikator:-5", 1, "indikator:-5", Why::Value(Key::Indicator)),
        ("-", 1, "-", Why::Key),
    ] {
        let (filter, troubles) = Filter::read(&format!("{text}\tslag:domene"), List::Alerts);
        let trouble = Trouble { at, word: word.to_owned(), why };
        if why == Why::Quote {
            assert_eq!(troubles.len(), 1, "{text}");
            assert_eq!((troubles[0].at, troubles[0].why), (at, why));
            continue;
        }
        assert_eq!(troubles, [trouble], "{text}");
        assert!(filter.tokens.iter().any(|token| token.what == What::Kind(vec![0])), "{text}");
    }
    let many = "a1 ".repeat(3) + &(0..30).map(|n| format!("x{n}")).collect::<Vec<_>>().join(" ");
    let (filter, troubles) = Filter::read(&many, List::Alerts);
    assert_eq!(troubles.last().map(|trouble| trouble.why), Some(Why::TooMany));
    assert!(filter.tokens.len() <= crate::limits::desk::TOKENS_MAX);
    let (_, troubles) = Filter::read(&"å".repeat(400), List::Alerts);
    assert!(troubles.iter().any(|trouble| trouble.why == Why::TooLong && trouble.at == 257), "{troubles:?}");
    let values = (0..20).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let (_, troubles) = Filter::read(&format!("medlem:{values}"), List::Alerts);
    assert_eq!(troubles[0].why, Why::TooManyValues(Key::Member));
}

#[test]
fn a_token_that_is_taken_out_leaves_the_others_as_they_were() {
    let filter = read("medlem:3407 -kilde:ncsc fri");
    assert_eq!(filter.without(1).canonical(), "medlem:3407 fri");
    assert_eq!(filter.without(9), filter);
    assert_eq!(filter.with(one("fri")), filter, "no second time");
    assert!(read("status:ny").asks_for_status() && !filter.asks_for_status());
    assert_eq!(read("far:contacted+ severity:low").canonical(), "langt:kontakt+ alvor:lav");
    assert_eq!(read("langt:kontakt+ øvelse:nei").to_text(Language::English), "far:contacted+ exercise:no");
}

#[test]
fn no_word_means_two_things() {
    let said = |word: &words::Word| Language::ALL.map(|language| word.said(language));
    for words in [EVIDENCE, SEVERITIES, KINDS, &YES_NO] {
        for (word, place) in words.iter().zip(0..) {
            assert!(said(word).iter().all(|text| words::place(words, text) == Some(place)));
        }
    }
    for (key, word) in KEYS {
        for text in said(word) {
            assert_eq!(KEYS.iter().filter(|(_, other)| other.is(text)).count(), 1, "{text} {key:?}");
            assert!(text.chars().all(char::is_alphabetic), "{text} would be no key");
        }
    }
}

proptest! {
    #[test]
    fn no_filter_breaks_anything_and_each_is_written_back_as_it_was_meant(text in "[-:,\"+/a-zæøå0-9. ]{0,80}|\\PC{0,60}") {
        for list in List::ALL {
            let (filter, _) = Filter::read(&text, list);
            for language in Language::ALL {
                let said = filter.to_text(language);
                if said.len() > crate::limits::desk::FILTER_MAX_OCTETS { continue; }
                let (again, troubles) = Filter::read(&said, list);
                prop_assert_eq!(&troubles, &Vec::new(), "{}", said);
                prop_assert_eq!(&again, &filter, "{}", said);
            }
        }
    }
}
