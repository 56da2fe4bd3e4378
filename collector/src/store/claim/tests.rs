//! Claims: versions in every order, what is taken back and what comes again, what a source says anew.

use super::*;
use crate::intel::canonical::{About, Found, Object, Pap};
use crate::intel::format::{Clue, Withdrawn};
use crate::limits::IMPORT_BATCH_ITEMS;
use crate::store::indicator::IndicatorRow;
use crate::store::stage::{Manner, Would};
use crate::store::{Scope, Store};
use tempfile::TempDir;
use varde_common::indicator::Severity;
use varde_common::tlp::Tlp;

/// What a file says, in its order.
#[derive(Debug, Clone)]
enum Said {
    Found(Box<Found>),
    Gone(&'static str, i64),
    Silent(&'static str, i64),
}

/// A pattern by an object, in a version; 0 = without one.
fn says(pattern: &str, object: &str, modified: i64, about: &About) -> Said {
    let object = Object { id: object.to_owned(), modified: version(modified), text: None };
    Said::Found(Box::new(Found { pattern: pattern.parse().unwrap(), about: about.clone(), object }))
}

fn version(modified: i64) -> Option<Timestamp> {
    (modified > 0).then_some(Timestamp(modified))
}

struct Bench {
    store: Store,
    dir: TempDir,
}

impl Bench {
    async fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        Bench { store: Store::create(dir.path()).await.unwrap(), dir }
    }

    async fn stage(&self, manner: Manner, said: &[Said], at_once: bool) -> Stage {
        let file = self.dir.path().join("stage");
        std::fs::write(&file, "").unwrap();
        let mut stage = Stage::begin(&self.store, &file, manner).await.unwrap();
        let mut found = Vec::new();
        for one in said {
            match one {
                Said::Found(one) => found.push(one.as_ref().clone()),
                Said::Gone(id, at) => {
                    // As a file is read: without a version its order is all there is.
                    stage.put(&std::mem::take(&mut found)).await.unwrap();
                    let gone = Withdrawn { object_id: (*id).to_owned(), modified: version(*at) };
                    stage.put_withdrawn(&[gone]).await.unwrap();
                }
                Said::Silent(id, at) => {
                    let silent = Withdrawn { object_id: (*id).to_owned(), modified: version(*at) };
                    stage.put_silent(&[silent]).await.unwrap();
                }
            }
            if !at_once {
                stage.put(&std::mem::take(&mut found)).await.unwrap();
            }
        }
        stage.put(&found).await.unwrap();
        stage
    }

    /// Takes in a file of objects; what it would do was foretold.
    async fn take(&self, said: &[Said], at: i64) -> Imported {
        self.take_as(Manner::default(), said, at, true).await
    }

    async fn take_as(&self, manner: Manner, said: &[Said], at: i64, at_once: bool) -> Imported {
        let mut stage = self.stage(manner, said, at_once).await;
        let would = stage.would(Scope::Operator, "feed").await.unwrap();
        let imported = stage.take_in("feed", false, Timestamp(at), &mut |_| {}).await.unwrap();
        let Would { new, known, outdated, withdrawn, standing: _, unsaid: _ } = would;
        assert_eq!(imported, Imported { new, known, outdated, withdrawn }, "what a dry run says: {said:?}");
        stage.close().await.unwrap();
        imported
    }

    /// What the source says, of indicators that stand.
    async fn standing(&self) -> String {
        let rows = rows(&self.store).await;
        let standing = rows.iter().filter(|row| row.withdrawn_at.is_none());
        let mut words: Vec<String> = standing.map(|row| format!("{}={}", row.indicator, row.confidence)).collect();
        words.sort();
        words.join(" ")
    }
}

async fn rows(store: &Store) -> Vec<IndicatorRow> {
    store.indicator_rows(Scope::Operator).await.unwrap()
}

fn sure(confidence: u8) -> About {
    About { confidence: Some(confidence), ..About::default() }
}

#[tokio::test]
async fn one_indicator_of_three_sources_is_their_sum_and_each_withdraws_its_own() {
    let bench = Bench::new().await;
    let store = &bench.store;
    let of = async |source: &str, about: About, at: i64| {
        let found = Found { about, ..Found::bare("evil.example".parse().unwrap()) };
        store.take_in(source, &[found], Timestamp(at)).await.unwrap()
    };
    let withdraw = async |source: &str, at: i64| {
        let mut stage = bench.stage(Manner::default(), &[], true).await;
        let gone = stage.take_in(source, true, Timestamp(at), &mut |_| {}).await.unwrap().withdrawn;
        stage.close().await.unwrap();
        gone
    };
    let low = About {
        threat: Some("Lure".into()),
        confidence: Some(20),
        severity: Some(Severity::Low),
        tlp: Some(Tlp::Green),
        valid_until: Some(Timestamp(50)),
        exercise: true,
        ..About::default()
    };
    let high = About {
        threat: Some("Agenda".into()),
        confidence: Some(90),
        severity: Some(Severity::Critical),
        tlp: Some(Tlp::Red),
        pap: Some(Pap::Red),
        valid_from: Some(Timestamp(10)),
        valid_until: Some(Timestamp(90)),
        ..About::default()
    };
    assert_eq!(of("one", low.clone(), 1).await, Imported { new: 1, ..Imported::default() });
    assert_eq!(of("two", high, 2).await, Imported { known: 1, ..Imported::default() });
    let row = rows(store).await.remove(0);
    assert_eq!((row.confidence, row.severity, row.threat.as_deref()), (90, "critical", Some("Agenda")));
    assert_eq!((row.tlp.as_str(), row.pap.as_deref(), row.exercise), ("TLP:RED", Some("PAP:RED"), false));
    assert_eq!((row.valid_from, row.valid_until), (None, Some(Timestamp(90))), "one source says it holds at once");
    assert_eq!((row.sources, row.received_at), (vec!["one".to_owned(), "two".to_owned()], Timestamp(1)));
    of("three", About::default(), 3).await;
    let row = rows(store).await.remove(0);
    assert_eq!((row.valid_until, row.confidence, row.sources.len()), (None, 90, 3), "a third one names no end");

    // Each takes back what it said itself.
    assert_eq!(withdraw("two", 5).await, 1);
    let row = rows(store).await.remove(0);
    assert_eq!((row.confidence, row.tlp.as_str(), row.withdrawn_at), (20, "TLP:AMBER", None), "unmarked is amber");
    assert_eq!((row.exercise, row.sources.len()), (false, 2));
    assert_eq!((withdraw("three", 6).await, withdraw("three", 6).await), (1, 0));
    assert_eq!(rows(store).await[0].tlp, "TLP:GREEN");
    assert!(rows(store).await[0].exercise);
    withdraw("one", 7).await;
    assert_eq!(rows(store).await[0].withdrawn_at, Some(Timestamp(7)));
    assert!(store.indicators_to_compile(Scope::Operator, 0, 10).await.unwrap().is_empty(), "in no list any more");
    // Said again in a list it lives again, with what it was known for before.
    of("one", About::default(), 8).await;
    let row = rows(store).await.remove(0);
    assert_eq!((row.withdrawn_at, row.confidence, row.sources), (None, 20, vec!["one".to_owned()]));
    assert_eq!(store.indicators_to_compile(Scope::Operator, 0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn f2_when_an_indicator_became_another_moves_with_every_change_of_it_and_with_nothing_else() {
    let bench = Bench::new().await;
    let store = &bench.store;
    let at = |second: i64| Timestamp(second * 1_000_000);
    let of = async |source: &str, about: About, second: i64| {
        let found = Found { about, ..Found::bare("evil.example".parse().unwrap()) };
        store.take_in(source, &[found], at(second)).await.unwrap();
    };
    let changed = async || -> i64 {
        let sql = "SELECT COALESCE(changed_at, received_at) FROM indicator";
        sqlx::query_scalar(sql).fetch_one(store.readers()).await.unwrap()
    };
    let green = About { tlp: Some(Tlp::Green), valid_until: Some(at(500)), ..About::default() };
    of("one", green.clone(), 1).await;
    assert_eq!(changed().await, at(1).0, "as it came");
    of("two", green.clone(), 2).await;
    of("one", green.clone(), 3).await;
    assert_eq!(changed().await, at(1).0, "the same once more");
    of("two", About { tlp: Some(Tlp::Red), valid_until: Some(at(900)), ..About::default() }, 4).await;
    assert_eq!(changed().await, at(4).0 + 1_000, "behind what was said again in the same moment");
    // Its marking and its end are the other's again, though that one says nothing new.
    store.withdraw_source("two", "gone", at(5)).await.unwrap();
    assert_eq!(changed().await, at(5).0);
    // Whatever the clock says it is later than what was told before, by as much as others can tell apart.
    of("two", About { severity: Some(Severity::Critical), ..green }, 2).await;
    assert_eq!(changed().await, at(5).0 + 1_000);
    store.withdraw_source("two", "gone", at(1)).await.unwrap();
    assert_eq!(changed().await, at(5).0 + 2_000);
}

#[tokio::test]
async fn v1_of_two_versions_the_newer_counts_in_whatever_order_and_however_they_come() {
    let (one, two) = (says("old.example", "o", 1, &sure(10)), says("new.example", "o", 2, &sure(20)));
    for order in [[one.clone(), two.clone()], [two.clone(), one.clone()]] {
        for at_once in [true, false] {
            let bench = Bench::new().await;
            let imported = bench.take_as(Manner::default(), &order, 1, at_once).await;
            assert_eq!(bench.standing().await, "new.example=20", "in one file: {order:?}");
            assert_eq!((imported.new, imported.outdated), (1, 1));
            assert_eq!(rows(&bench.store).await.len(), 1, "the older version brings nothing in");
        }
        let bench = Bench::new().await;
        for (at, said) in (1..).zip(&order) {
            bench.take(std::slice::from_ref(said), at).await;
        }
        assert_eq!(bench.standing().await, "new.example=20", "over imports: {order:?}");
    }
    // The same pattern by one object in two versions.
    let (low, high) = (says("a.example", "o", 1, &sure(90)), says("a.example", "o", 2, &sure(5)));
    for order in [[low.clone(), high.clone()], [high, low]] {
        let bench = Bench::new().await;
        bench.take(&order, 1).await;
        assert_eq!(bench.standing().await, "a.example=5", "{order:?}");
    }
    // Of one version the later word; and each pattern of it.
    let bench = Bench::new().await;
    let said =
        [says("a.example", "o", 2, &sure(1)), says("b.example", "o", 2, &sure(2)), says("a.example", "o", 2, &sure(3))];
    assert_eq!(bench.take(&said, 1).await, Imported { new: 2, ..Imported::default() });
    assert_eq!(bench.standing().await, "a.example=3 b.example=2");
    // A newer version with one of them takes the other back; the other object that says it has its own word.
    bench.take(&[says("b.example", "other", 7, &sure(44)), says("a.example", "o", 3, &sure(4))], 2).await;
    assert_eq!(bench.standing().await, "a.example=4 b.example=44");
    assert_eq!(bench.take(&[says("c.example", "o", 2, &sure(9))], 3).await.outdated, 1);
    assert_eq!(bench.standing().await, "a.example=4 b.example=44", "an older version changes nothing");
}

#[tokio::test]
async fn v1_a_version_counts_over_more_entries_than_are_taken_in_at_once() {
    let bench = Bench::new().await;
    let many = (0..IMPORT_BATCH_ITEMS + 50).map(|n| says(&format!("n{n}.example"), &format!("o{n}"), 1, &sure(1)));
    let mut said: Vec<Said> = many.collect();
    // Its older version comes thousands of entries behind the newer one, and the other way round.
    said.insert(0, says("new.example", "x", 2, &sure(2)));
    said.push(says("old.example", "x", 1, &sure(1)));
    said.insert(1, says("older.example", "y", 1, &sure(1)));
    said.push(says("newer.example", "y", 2, &sure(2)));
    bench.take(&said, 1).await;
    let standing = bench.standing().await;
    assert!(standing.contains(" new.example=2") && standing.contains(" newer.example=2"));
    assert!(!standing.contains("old.example") && !standing.contains("older.example"));
}

#[tokio::test]
async fn v2_what_is_taken_back_stays_so_until_a_newer_version_says_it_again() {
    let said = |version: i64| says("a.example", "o", version, &sure(1));
    for order in [[said(1), Said::Gone("o", 2)], [Said::Gone("o", 2), said(1)], [Said::Gone("o", 2), said(2)]] {
        let bench = Bench::new().await;
        bench.take(&order, 1).await;
        assert_eq!(bench.standing().await, "", "in one file: {order:?}");
        let bench = Bench::new().await;
        for (at, said) in (1..).zip(&order) {
            bench.take(std::slice::from_ref(said), at).await;
        }
        assert_eq!(bench.standing().await, "", "over imports: {order:?}");
        bench.take(&[said(1), said(2), says("b.example", "o", 0, &sure(1))], 4).await;
        assert_eq!(bench.standing().await, "", "an older version, the same, or none");
        bench.take(&[said(3)], 5).await;
        assert_eq!(bench.standing().await, "a.example=1", "a newer one");
    }
    let bench = Bench::new().await;
    bench.take(&[said(5)], 1).await;
    bench.take(&[Said::Gone("o", 4)], 2).await;
    assert_eq!(bench.standing().await, "a.example=1", "taken back in an older version");
    bench.take(&[Said::Gone("o", 6), said(7)], 3).await;
    assert_eq!(bench.standing().await, "a.example=1", "and said again in a newer one");
    // Without versions the last word counts.
    bench.take(&[says("n.example", "n", 0, &sure(1)), Said::Gone("n", 0)], 4).await;
    assert_eq!(bench.standing().await, "a.example=1");
    bench.take(&[says("n.example", "n", 0, &sure(1))], 5).await;
    assert_eq!(bench.standing().await, "a.example=1 n.example=1");
}

#[tokio::test]
async fn v2_a_version_that_names_nothing_ends_what_older_ones_named_and_is_no_tombstone() {
    let bench = Bench::new().await;
    bench.take(&[says("a.example", "o", 1, &sure(1))], 1).await;
    bench.take(&[Said::Silent("o", 2)], 2).await;
    assert_eq!(bench.standing().await, "");
    bench.take(&[says("a.example", "o", 1, &sure(1))], 3).await;
    assert_eq!(bench.standing().await, "", "an older version");
    bench.take(&[says("b.example", "o", 2, &sure(1))], 4).await;
    assert_eq!(bench.standing().await, "b.example=1", "the same version may say more than was understood before");
    // Told beside what else the version says.
    bench.take(&[says("c.example", "o", 3, &sure(1)), Said::Silent("o", 3)], 5).await;
    assert_eq!(bench.standing().await, "c.example=1");
    // Without versions: what this file does not say.
    bench.take(&[says("x.example", "n", 0, &sure(1)), says("y.example", "n", 0, &sure(1))], 6).await;
    bench.take(&[says("y.example", "n", 0, &sure(1)), Said::Silent("n", 0)], 7).await;
    assert_eq!(bench.standing().await, "c.example=1 y.example=1");
}

#[tokio::test]
async fn v3_what_an_object_says_again_is_all_that_it_says() {
    let bench = Bench::new().await;
    let strict = About {
        threat: Some("Lure".into()),
        confidence: Some(90),
        severity: Some(Severity::Critical),
        tlp: Some(Tlp::Red),
        pap: Some(Pap::Red),
        valid_until: Some(Timestamp(900)),
        exercise: true,
        ..About::default()
    };
    let loose = About { tlp: Some(Tlp::Green), valid_until: Some(Timestamp(100)), ..About::default() };
    for (object, before, now) in [("with a version", 1, 2), ("without", 0, 0), ("of the same version", 4, 4)] {
        bench.take(&[says("a.example", object, before, &strict)], 1).await;
        let row = rows(&bench.store).await.remove(0);
        assert_eq!((row.tlp.as_str(), row.exercise, row.confidence), ("TLP:RED", true, 90), "{object}");
        bench.take(&[says("a.example", object, now, &loose)], 2).await;
        let row = rows(&bench.store).await.remove(0);
        assert_eq!((row.tlp.as_str(), row.threat), ("TLP:GREEN", None), "{object}");
        assert_eq!(row.pap.as_deref(), Some("PAP:RED"), "a marking that is not said stays: {object}");
        assert_eq!((row.confidence, row.severity, row.exercise), (50, "medium", false), "{object}");
        assert_eq!(row.valid_until, Some(Timestamp(100)), "{object}");
        bench.take(&[Said::Gone(object, 9)], 3).await;
    }
}

#[tokio::test]
async fn v3_a_list_without_columns_keeps_what_it_does_not_say_and_an_exercise_has_a_way_back() {
    let bench = Bench::new().await;
    let list = |exercise| Manner { keeps_unsaid: true, exercise };
    let marked = About { tlp: Some(Tlp::Red), confidence: Some(80), ..About::default() };
    let red = [says("a.example", "", 0, &marked)];
    let bare = [says("a.example", "", 0, &About::default())];
    bench.take_as(list(Some(true)), &red, 1, true).await;
    bench.take_as(list(None), &bare, 2, true).await;
    let row = rows(&bench.store).await.remove(0);
    assert_eq!((row.tlp.as_str(), row.confidence, row.exercise), ("TLP:RED", 80, true), "nothing was said");
    let loose = [says("a.example", "", 0, &About { tlp: Some(Tlp::Green), ..About::default() })];
    bench.take_as(list(Some(false)), &loose, 3, true).await;
    let row = rows(&bench.store).await.remove(0);
    assert_eq!((row.tlp.as_str(), row.confidence, row.exercise), ("TLP:GREEN", 80, false), "what is said counts");
}

#[tokio::test]
async fn v4_what_would_go_is_known_before_and_clocks_that_were_set_hide_nothing() {
    let bench = Bench::new().await;
    let list: Vec<Said> = (0..10).map(|n| says(&format!("n{n}.example"), "", 0, &sure(1))).collect();
    // A clock that was years ahead.
    bench.take(&list, 9_000).await;
    let mut others = list[..3].to_vec();
    others.extend((0..20).map(|n| says(&format!("m{n}.example"), "", 0, &sure(1))));
    others.push(list[0].clone());
    let mut stage = bench.stage(Manner::default(), &others, true).await;
    let would = stage.would(Scope::Operator, "feed").await.unwrap();
    let expected = Would { new: 20, known: 3, standing: 10, unsaid: 7, ..Would::default() };
    assert_eq!(would, expected, "claims of this import count for nothing that stood before, and twice is once");
    assert_eq!(stage.would(Scope::Member(1), "feed").await.unwrap(), Would::default());
    assert_eq!(stage.take_in("feed", true, Timestamp(5), &mut |_| {}).await.unwrap().withdrawn, 7);
    assert_eq!(bench.standing().await.split(' ').count(), 23);
    stage.close().await.unwrap();
    // An older version of an object than is known says that the object is there.
    bench.take(&[says("v.example", "o", 5, &sure(1))], 6).await;
    let mut stage = bench.stage(Manner::default(), &[says("u.example", "o", 4, &sure(1))], true).await;
    assert_eq!(stage.would(Scope::Operator, "feed").await.unwrap().unsaid, 23);
    assert_eq!(stage.take_in("feed", true, Timestamp(7), &mut |_| {}).await.unwrap().withdrawn, 23);
    assert_eq!(bench.standing().await, "v.example=1");
}

#[tokio::test]
async fn f2_what_a_feed_of_events_leaves_out_is_known_before() {
    let bench = Bench::new().await;
    let of = |event: &str, names: std::ops::Range<u32>| -> Vec<Said> {
        names.map(|n| says(&format!("{event}{n}.example"), &format!("{event}/{n}"), 1, &sure(1))).collect()
    };
    bench.take(&[of("a", 0..4), of("b", 0..3), of("c", 0..2)].concat(), 1).await;
    // Event a is read anew and has lost two; b is gone; c is not read. Of a one is taken back by its own object besides.
    let said = [of("a", 0..1), vec![Said::Gone("a/3", 2)]].concat();
    let mut stage = bench.stage(Manner::default(), &said, true).await;
    let would = stage.would(Scope::Operator, "feed").await.unwrap();
    assert_eq!((would.standing, would.withdrawn, would.unsaid), (9, 1, 7));
    assert_eq!(stage.unsaid_of(Scope::Operator, "feed", &["a", "b"]).await.unwrap(), 5);
    assert_eq!(stage.unsaid_of(Scope::Operator, "feed", &["b"]).await.unwrap(), 3);
    assert_eq!(stage.unsaid_of(Scope::Operator, "feed", &[]).await.unwrap(), 0);
    assert_eq!(stage.unsaid_of(Scope::Operator, "other", &["a", "b"]).await.unwrap(), 0);
    assert_eq!(stage.unsaid_of(Scope::Member(1), "feed", &["a", "b"]).await.unwrap(), 0);
    stage.close().await.unwrap();
}

#[tokio::test]
async fn t7a_of_two_markings_of_the_same_value_in_one_file_the_stricter_counts_in_whatever_order() {
    let marked = |tlp: Option<Tlp>, pap: Option<Pap>| About { tlp, pap, ..About::default() };
    let (red, green, bare) =
        (marked(Some(Tlp::Red), Some(Pap::Red)), marked(Some(Tlp::Green), Some(Pap::Clear)), marked(None, None));
    for (manner, object, version) in [
        (Manner::default(), "", 0),
        (Manner { keeps_unsaid: true, exercise: None }, "", 0),
        (Manner::default(), "o", 0),
        (Manner::default(), "o", 3),
    ] {
        for about in [[&red, &green], [&green, &red], [&red, &bare], [&bare, &red]] {
            for at_once in [true, false] {
                let bench = Bench::new().await;
                let said = about.map(|about| says("a.example", object, version, about));
                bench.take_as(manner, &said, 1, at_once).await;
                let row = rows(&bench.store).await.remove(0);
                let told = (row.tlp.as_str(), row.pap.as_deref());
                assert_eq!(told, ("TLP:RED", Some("PAP:RED")), "{manner:?} {object} {version} {about:?} {at_once}");
            }
        }
        // Who says nothing of it leaves it AMBER, beside whatever else.
        let bench = Bench::new().await;
        let said = [&green, &bare].map(|about| says("a.example", object, version, about));
        bench.take_as(manner, &said, 1, true).await;
        assert_eq!(rows(&bench.store).await[0].tlp, "TLP:AMBER", "{object} {version}");
    }
    // A newer version has its own word.
    let bench = Bench::new().await;
    bench.take(&[says("a.example", "o", 1, &red), says("a.example", "o", 2, &green)], 1).await;
    assert_eq!(rows(&bench.store).await[0].tlp, "TLP:GREEN");
}

#[tokio::test]
async fn t7a_a_marking_that_is_not_said_again_stays_whatever_the_format_and_one_that_is_said_counts() {
    for manner in [Manner::default(), Manner { keeps_unsaid: true, exercise: None }] {
        let bench = Bench::new().await;
        let said =
            |tlp: Option<Tlp>, pap: Option<Pap>| [says("a.example", "", 0, &About { tlp, pap, ..About::default() })];
        let marking = async || {
            let row = rows(&bench.store).await.remove(0);
            (row.tlp, row.pap)
        };
        bench.take_as(manner, &said(Some(Tlp::Red), Some(Pap::Amber)), 1, true).await;
        bench.take_as(manner, &said(None, None), 2, true).await;
        assert_eq!(marking().await, ("TLP:RED".to_owned(), Some("PAP:AMBER".to_owned())), "{manner:?}");
        bench.take_as(manner, &said(Some(Tlp::Green), Some(Pap::Clear)), 3, true).await;
        assert_eq!(marking().await, ("TLP:GREEN".to_owned(), Some("PAP:CLEAR".to_owned())), "{manner:?}");
    }
}

#[tokio::test]
async fn v2_what_is_taken_back_in_an_older_version_than_is_known_is_counted_as_outdated() {
    let bench = Bench::new().await;
    bench.take(&[says("a.example", "o", 5, &sure(1))], 1).await;
    // The dry run says the same.
    let imported = bench.take(&[Said::Gone("o", 4)], 2).await;
    assert_eq!((imported.outdated, imported.withdrawn), (1, 0));
    assert_eq!(bench.take(&[Said::Gone("o", 6), Said::Gone("new", 1)], 3).await.outdated, 0);
}

#[tokio::test]
async fn clues_are_kept_once_and_as_strictly_marked_as_their_file_says() {
    let bench = Bench::new().await;
    let clue =
        |value: &str, tlp: Option<Tlp>| Clue { object_id: "x".into(), kind: "sha256".into(), value: value.into(), tlp };
    let count = async || {
        let sql = "SELECT COUNT(*), COALESCE(MAX(tlp), -1) FROM clue";
        sqlx::query_as::<_, (i64, i64)>(sql).fetch_one(bench.store.readers()).await.unwrap()
    };
    for (source, tlp, all) in
        [("one", Some(Tlp::Red), (2, 4)), ("one", Some(Tlp::Green), (2, 2)), ("two", None, (4, 2))]
    {
        let mut stage = bench.stage(Manner::default(), &[], true).await;
        stage.put_clues(&[clue("aa", None), clue("bb", tlp), clue("aa", tlp)]).await.unwrap();
        stage.take_in(source, false, Timestamp(1), &mut |_| {}).await.unwrap();
        stage.close().await.unwrap();
        assert_eq!(count().await, all);
    }
}

/// A page of an import looks its rows up: what it costs does not grow with what is there.
#[tokio::test]
async fn v5_no_page_of_an_import_reads_all_that_is_said() {
    let bench = Bench::new().await;
    bench.take(&[says("a.example", "o", 1, &sure(1))], 1).await;
    let mut stage = bench.stage(Manner::default(), &[], true).await;
    let settle = claim_sum::sum_up("SELECT value FROM json_each($1)", "$2");
    let of_entries = claim_sum::sum_up(claim_sum::OF_ENTRIES, "$3");
    for sql in [WITHDRAW, RENEW, UNSAID, settle.as_str(), of_entries.as_str(), claim_sum::WITHOUT_CLAIMS] {
        let plan = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(plan).fetch_all(&mut stage.conn).await.unwrap();
        for (.., step) in plan {
            let all = ["SCAN claim", "SCAN c", "SCAN indicator", "SCAN i", "SCAN object", "SCAN o", "(source_id=?)"];
            assert!(
                !all.iter()
                    .any(|all| step == *all || step.starts_with(&format!("{all} ")) || step.ends_with("(source_id=?)")),
                "{step} in {sql}"
            );
        }
    }
    stage.close().await.unwrap();
}
