//! Answers of TAXII servers as they are, and as they should not be.

use super::super::tests::{answer, head};
use super::*;

const COLLECTION: &str = r#"{"id":"c","title":"C","can_read":true}"#;

/// One answer: its body, and when its last object was added.
type Page<'a> = (&'a str, Option<&'a str>);

fn objects(pages: &[Page<'_>], date: Option<&str>, resume: Resume) -> Result<(Fetched, Vec<String>, String), Refused> {
    let mut talk: Box<dyn Conversation> =
        Box::new(Taxii::new("https://t.example/api1/".parse().unwrap(), "c".into(), resume));
    let (mut asked, mut out) = (Vec::new(), Vec::new());
    let mut pages = [(COLLECTION, None)].into_iter().chain(pages.iter().copied());
    while let Some(ask) = talk.poll_ask() {
        assert_eq!((ask.accept, ask.post), (ACCEPT, None));
        asked.push(ask.url.to_string());
        let (body, added) = pages.next().unwrap_or(("", None));
        let status = if body.is_empty() { 404 } else { 200 };
        let head = Head {
            content_type: Some("application/taxii+json; version=2.1".into()),
            date: date.map(str::to_owned),
            date_added_last: added.map(str::to_owned),
            ..head(status)
        };
        answer(talk.as_mut(), &head, body, &mut out)?;
        assert!(asked.len() < 50);
    }
    Ok((talk.finish(&mut out)?, asked, String::from_utf8(out).unwrap()))
}

fn after(text: &str) -> Resume {
    Resume { added_after: Some(text.into()), ..Resume::default() }
}

const LAST: &str = "2026-11-01T00:00:00.123456Z";

#[test]
fn pages_are_asked_for_with_the_same_filters_and_the_end_alone_says_how_far() {
    let first = (r#"{"more":true,"next":"n&1","objects":[{"id":"a"},{"id":"b"}]}"#, Some("2026-10-01T00:00:00Z"));
    // medallion names every page by the same word.
    let second = (r#"{"more":true,"next":"n&1","objects":[{"id":"c"}]}"#, Some(LAST));
    let (fetched, asked, out) = objects(&[first, second, ("{}", None)], None, after("2026-01-01T00:00:00Z")).unwrap();
    assert_eq!(out, "{\"objects\":[{\"id\":\"a\"},\n{\"id\":\"b\"},\n{\"id\":\"c\"}]}");
    assert_eq!(fetched.resume.added_after.as_deref(), Some(LAST));
    assert_eq!((fetched.format, fetched.extent), (Some(Format::Stix), Extent::More));
    assert_eq!(asked[0], "https://t.example/api1/collections/c/");
    let filters = "added_after=2026-01-01T00%3A00%3A00Z&limit=1000&match%5Btype%5D=indicator";
    assert!(asked[1].contains(filters) && !asked[1].contains("next="), "{}", asked[1]);
    assert_eq!(asked[2], format!("{}&next=n%261", asked[1]), "the same filters, and next");
    assert_eq!(asked[3], asked[2]);
    // Cut off in the middle nothing is remembered: there is no result.
    assert!(objects(&[first, ("{", None)], None, Resume::default()).is_err());
}

#[test]
fn an_empty_page_is_no_news_and_moves_nothing() {
    let (fetched, _, out) = objects(&[("{}", None)], None, after(LAST)).unwrap();
    assert_eq!((fetched.extent, out.as_str()), (Extent::Unchanged, ""));
    assert_eq!(fetched.resume, after(LAST));
}

#[test]
fn a_server_that_does_not_say_how_far_is_asked_for_its_manifest_and_then_for_its_clock() {
    let date = Some("Mon, 30 Nov 2026 12:00:00 GMT");
    let page = |added| (r#"{"objects":[{"id":"a"}]}"#, added);
    for broken in [None, Some("undefined"), Some("Sun Nov 1 2026"), Some("9999-01-01T00:00:00Z")] {
        let manifest =
            format!(r#"{{"objects":[{{"id":"a","date_added":"{LAST}"}},{{"date_added":"2026-01-01T00:00:00Z"}}]}}"#);
        let (fetched, asked, _) = objects(&[page(broken), (&manifest, None)], date, Resume::default()).unwrap();
        assert_eq!(fetched.resume.added_after.as_deref(), Some(LAST), "{broken:?}");
        assert!(asked[2].starts_with("https://t.example/api1/collections/c/manifest/?limit="), "{}", asked[2]);
        for no_manifest in ["", "{\"objects\":[{\"date_added\":\"undefined\"}]}", "nonsense"] {
            let (fetched, _, _) = objects(&[page(broken), (no_manifest, None)], date, Resume::default()).unwrap();
            assert_eq!(
                fetched.resume.added_after.as_deref(),
                Some("2026-11-30T11:00:00.000000Z"),
                "its clock less an hour"
            );
            let (fetched, _, _) = objects(&[page(None), (no_manifest, None)], None, after(LAST)).unwrap();
            assert_eq!(fetched.resume, after(LAST), "without a clock it is read again, and known again");
        }
    }
    // Never back.
    let (fetched, _, _) = objects(&[page(None), ("", None)], date, after("2026-11-30T11:59:00Z")).unwrap();
    assert_eq!(fetched.resume, after("2026-11-30T11:59:00Z"));
}

#[test]
fn f1_pages_without_end_are_refused() {
    let same = (r#"{"more":true,"next":"1","objects":[{"id":"a"}]}"#, Some(LAST));
    assert_eq!(objects(&[same, same, same], None, Resume::default()), Err(Refused::Loop));
    let empty = (r#"{"more":true,"next":"1"}"#, None);
    assert_eq!(objects(&[empty, empty, empty], None, Resume::default()), Err(Refused::Loop));
    let other = (r#"{"more":true,"next":"2","objects":[{"id":"b"}]}"#, Some(LAST));
    assert_eq!(objects(&[same, other, same], None, Resume::default()), Err(Refused::Loop), "two in turn");
    let lost = (r#"{"more":true,"objects":[{"id":"a"}]}"#, Some(LAST));
    assert_eq!(objects(&[lost], None, Resume::default()), Err(Refused::NoNext));
}

#[test]
fn a_collection_that_may_not_be_read_and_a_login_page_are_told() {
    let mut talk = Taxii::new("https://t.example/api1".parse().unwrap(), "c/../d".into(), Resume::default());
    assert_eq!(talk.poll_ask().unwrap().url.as_str(), "https://t.example/api1/collections/c%2F..%2Fd/");
    let closed = r#"{"id":"c","title":"Lukket","can_read":false}"#;
    let refused = answer(&mut talk, &head(200), closed, &mut Vec::new()).unwrap_err().to_string();
    assert!(refused.contains("\"Lukket\" (c)") && refused.contains("can_read"), "{refused}");
    let html = answer(&mut talk, &head(200), "<html>Logg inn", &mut Vec::new());
    assert_eq!(html, Err(Refused::WebPage));
    assert_eq!(answer(&mut talk, &head(401), "", &mut Vec::new()), Err(Refused::Login(401)));
}
