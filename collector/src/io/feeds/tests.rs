//! Feeds made from a published list: what is in them for whom, and when they are made anew.

use std::io::Read;

use ed25519_dalek::SigningKey;
use varde_common::channel::ChannelName;
use varde_common::confidential::ConfidentialKey;
use varde_common::id::Revision;
use varde_common::list::Manifest;
use varde_common::matcher::Seed;

use super::*;
use crate::intel::canonical::{About, Details, Found, Pap};
use crate::intel::compile::{Compiler, Making};
use crate::store::list::New;

/// All that stands and lint lets out is published as list `revision`.
async fn publish(store: &Store, revision: u64) {
    publish_at(store, revision, clock::now()).await;
}

/// The same as of another time.
async fn publish_at(store: &Store, revision: u64, at: Timestamp) {
    let linter = store.linter(Scope::Operator, at).await.unwrap();
    let making = Making { seed: Seed::from_octets([1; 16]), key: ConfidentialKey([7; 32]), include_red: true };
    let mut compiler = Compiler::new(at, making, linter);
    for row in store.indicators_to_compile(Scope::Operator, 0, 10_000).await.unwrap() {
        compiler.take(&row).unwrap();
    }
    let compiled = compiler.finish().unwrap();
    let manifest = Manifest::of(&compiled.base, &compiled.content, Revision(revision), at, Timestamp::MAX);
    let signed = manifest.sign(&[&SigningKey::from_bytes(&[1; 32])]).unwrap();
    let list = New {
        manifest: &manifest,
        signed: &signed,
        older_manifest: None,
        base: &compiled.base,
        changes: None,
        up_to_id: 10_000,
        with_red: true,
        objections: None,
    };
    assert!(store.publish_list(&list).await.unwrap());
}

async fn import(store: &Store, patterns: &[&str], about: About) {
    let found: Vec<Found> =
        patterns.iter().map(|text| Found { about: about.clone(), ..Found::bare(text.parse().unwrap()) }).collect();
    store.take_in("x", &found, clock::now()).await.unwrap();
}

fn text(snapshot: &Snapshot, name: &str) -> String {
    let piece = snapshot.piece(name).unwrap();
    let mut octets = vec![0; usize::try_from(piece.plain.octets).unwrap()];
    assert_eq!(piece.plain.read_at(0, &mut octets).unwrap(), octets.len());
    let mut packed = vec![0; usize::try_from(piece.packed.octets).unwrap()];
    piece.packed.read_at(0, &mut packed).unwrap();
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, octets, "{name}: packed it is the same");
    String::from_utf8(octets).unwrap()
}

/// Everything of a level.
fn everything(snapshot: &Snapshot) -> String {
    snapshot.pieces.keys().map(|name| text(snapshot, name)).collect()
}

fn serial(snapshot: &Snapshot) -> i64 {
    let zone = text(snapshot, "rpz.zone");
    zone.lines().nth(1).unwrap().split_whitespace().nth(5).unwrap().parse().unwrap()
}

fn marked(tlp: Tlp) -> About {
    About { tlp: Some(tlp), ..About::default() }
}

#[tokio::test]
async fn i8_each_level_has_what_it_may_and_nobody_what_is_red_or_not_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).await.unwrap();
    for (name, tlp) in [
        ("clear.example", Tlp::Clear),
        ("green.example", Tlp::Green),
        ("amber.example", Tlp::Amber),
        ("strict.example", Tlp::AmberStrict),
        ("red.example", Tlp::Red),
    ] {
        import(&store, &[name], marked(tlp)).await;
    }
    let with = |pap| About { pap: Some(pap), ..marked(Tlp::Clear) };
    import(&store, &["papgreen.example"], with(Pap::Green)).await;
    import(&store, &["papamber.example"], with(Pap::Amber)).await;
    import(&store, &["papred.example"], with(Pap::Red)).await;
    import(&store, &["drill.example"], About { exercise: true, ..marked(Tlp::Clear) }).await;
    let soon = clock::now().plus(Duration::from_secs(3600));
    import(&store, &["soon.example"], About { valid_from: Some(soon), ..marked(Tlp::Clear) }).await;
    let taken_back = Found { about: marked(Tlp::Clear), ..Found::bare("taken-back.example".parse().unwrap()) };
    store.take_in("y", &[taken_back], clock::now()).await.unwrap();
    let feeds = Feeds::new(dir.path(), store.clone());
    assert_eq!(text(&feeds.of(Tlp::AmberStrict).await.unwrap(), "plain.txt"), "", "nothing is published");
    publish(&store, 1).await;
    import(&store, &["unpublished.example"], marked(Tlp::Clear)).await;
    store.say_only("y", &[], clock::now()).await.unwrap();

    let want = [
        (Tlp::Clear, vec!["clear", "papgreen"]),
        (Tlp::Green, vec!["clear", "green", "papgreen"]),
        (Tlp::Amber, vec!["clear", "green", "amber", "papgreen"]),
        (Tlp::AmberStrict, vec!["clear", "green", "amber", "strict", "papgreen"]),
    ];
    for (level, names) in want {
        let fresh = Feeds::new(dir.path(), store.clone());
        let snapshot = fresh.of(level).await.unwrap();
        let lines: Vec<String> = names.iter().map(|name| format!("{name}.example\n")).collect();
        assert_eq!(text(&snapshot, "domains.txt"), lines.concat(), "{level}");
        assert_eq!(text(&snapshot, "plain.txt"), lines.concat());
        assert_eq!(text(&snapshot, "rpz.zone").matches("CNAME .").count(), names.len() * 2);
        let all = everything(&snapshot);
        assert!(all.contains("papamber.example"), "for looking up, in the MISP feed");
        for never in ["red.example", "papred", "drill", "soon", "taken-back", "unpublished"] {
            let found = all.match_indices(never).any(|(at, _)| never != "red.example" || !all[..at].ends_with("pap"));
            assert!(!found, "{level}: {never}");
        }
        let stricter =
            [("green.example", Tlp::Green), ("amber.example", Tlp::Amber), ("strict.example", Tlp::AmberStrict)];
        for (name, marked) in stricter.into_iter().filter(|(_, marked)| *marked > level) {
            let found = all.match_indices(name).any(|(at, _)| !all[..at].ends_with("pap"));
            assert!(!found, "{level}: {name} is marked {marked}");
        }
    }
    assert!(feeds.of(Tlp::Red).await.is_err(), "nobody's level");
}

#[tokio::test]
async fn l2_a_serial_rises_where_the_zone_is_another_and_only_then() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).await.unwrap();
    import(&store, &["one.example", "=www.one.example", "192.0.2.1", "one.example:8443"], marked(Tlp::Green)).await;
    publish(&store, 1).await;
    let fresh = async || Feeds::new(dir.path(), store.clone()).of(Tlp::Green).await.unwrap();
    let first = fresh().await;
    assert_eq!((serial(&first), text(&first, "ips.txt").as_str()), (1, "192.0.2.1\n"));
    let again = fresh().await;
    assert_eq!((serial(&again), &again.piece("rpz.zone").unwrap().etag), (1, &first.piece("rpz.zone").unwrap().etag));
    assert_eq!(text(&again, "misp/manifest.json"), text(&first, "misp/manifest.json"));
    // Withdrawn between two lists: another zone, a higher serial than the list's number.
    let mut tx = store.begin().await.unwrap();
    sqlx::query("UPDATE indicator SET withdrawn_at = 1 WHERE id = 1").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let less = fresh().await;
    assert_eq!((serial(&less), text(&less, "domains.txt").as_str()), (2, "www.one.example\n"));
    assert_ne!(text(&less, "misp/manifest.json"), text(&first, "misp/manifest.json"), "the event's time has moved on");
    publish(&store, 2).await;
    assert_eq!(serial(fresh().await.as_ref()), 2, "the same zone");
    import(&store, &["two.example"], marked(Tlp::Green)).await;
    publish(&store, 3).await;
    assert_eq!(serial(fresh().await.as_ref()), 3);
}

#[tokio::test]
async fn t10_what_is_said_anew_is_served_anew_without_a_new_list() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).await.unwrap();
    import(&store, &["one.example", "two.example"], marked(Tlp::Green)).await;
    publish(&store, 1).await;
    let feeds = Feeds::new(dir.path(), store.clone());
    let before = feeds.of(Tlp::Green).await.unwrap();
    assert_eq!(text(&before, "domains.txt"), "one.example\ntwo.example\n");
    // A source that marks it more strictly now.
    import(&store, &["one.example"], marked(Tlp::Red)).await;
    let (stamp, now) = (store.feed_stamp(Scope::Operator).await.unwrap(), clock::now());
    let later = |by: Duration| before.made + by;
    assert!(before.is_good(before.stamp, now, later(Duration::from_secs(5))));
    assert!(!before.is_good(stamp, now, later(FEED_MADE_AGAIN_AFTER.max(before.took * FEED_MADE_AGAIN_SHARE))));
    assert!(!before.is_good(before.stamp, now, later(FEED_OLD_AFTER)));
    assert!(!before.is_good(before.stamp, Timestamp(1), later(Duration::from_secs(5))), "a clock that went back");
    let after = Feeds::new(dir.path(), store.clone()).of(Tlp::Green).await.unwrap();
    assert_eq!(text(&after, "domains.txt"), "two.example\n");
    assert_eq!(
        std::fs::read_dir(dir.path())
            .unwrap()
            .filter(|entry| { !entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("varde.sqlite") })
            .count(),
        0,
        "files of feeds have no name"
    );
}

/// What a level would have at this time, and when that turns; whatever is kept of before.
async fn at(store: &Store, now: Timestamp) -> (Vec<String>, Option<Timestamp>) {
    let (send, mut batches) = mpsc::channel(9);
    let turns = store.feed_entries(Scope::Operator, Tlp::Green, false, now, send).await.unwrap();
    let mut names = Vec::new();
    while let Some(batch) = batches.recv().await {
        names.extend(batch.into_iter().map(|entry: Entry| entry.pattern.to_plain()));
    }
    (names, turns)
}

#[tokio::test]
async fn l4_what_has_outlived_itself_leaves_the_feed_though_no_source_named_an_end() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).await.unwrap();
    let now = clock::now();
    import(&store, &["192.0.2.1", "long.example"], marked(Tlp::Green)).await;
    publish_at(&store, 1, now).await;
    let rows = store.indicators_to_compile(Scope::Operator, 0, 10).await.unwrap();
    let end = Timestamp(rows.iter().find(|row| row.pattern == "192.0.2.1").unwrap().valid_until.unwrap());
    let just_before = Timestamp(end.0 - 1);
    assert_eq!(at(&store, now).await.1, Some(end), "made anew then, though nothing changes");
    let sorted = async |now: Timestamp| {
        let (mut names, _) = at(&store, now).await;
        names.sort();
        names
    };
    assert_eq!(sorted(just_before).await, ["192.0.2.1", "long.example"]);
    assert_eq!(sorted(end).await, ["long.example"]);
    // Said again it is in the next list, and in feeds with it, as it is at sensors.
    let found = Found { about: marked(Tlp::Green), ..Found::bare("192.0.2.1".parse().unwrap()) };
    store.take_in("x", &[found], end).await.unwrap();
    assert_eq!(sorted(end).await, ["long.example"]);
    publish_at(&store, 2, end).await;
    assert_eq!(sorted(end).await, ["192.0.2.1", "long.example"]);
}

#[tokio::test]
async fn f2_what_is_recalled_leaves_the_feed_before_the_next_list_and_what_lint_holds_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).await.unwrap();
    import(&store, &["one.example", "two.example", "a.three.example"], marked(Tlp::Green)).await;
    publish(&store, 1).await;
    let stamp = async || store.feed_stamp(Scope::Operator).await.unwrap();
    let names = async || at(&store, clock::now()).await.0;
    let first = stamp().await;
    let said = crate::store::recall::Said { who: "kari", reason: "falsk", by_itself: false };
    store.recall(&[1], said, clock::now()).await.unwrap();
    let recalled = stamp().await;
    assert_ne!(recalled, first, "made anew");
    assert_eq!(names().await, ["two.example", "a.three.example"], "no list is newer");
    store.recall(&[1], said, clock::now()).await.unwrap();
    assert_eq!(stamp().await, recalled, "nothing new");
    store.lift(&[1], "kari", "ekte", clock::now()).await.unwrap();
    assert_ne!(stamp().await, recalled);
    assert_eq!(names().await.len(), 3, "the list in force has it");
    // What is allowed is held from the next list on.
    let pattern = "three.example".parse().unwrap();
    let allowing = crate::store::allow::Allowing { pattern: &pattern, reason: "ours", author: "kari", until: None };
    assert!(store.allow(&allowing, clock::now()).await.unwrap());
    assert_eq!(names().await.len(), 3, "as at sensors");
    let before = stamp().await;
    publish(&store, 2).await;
    assert_ne!(stamp().await, before);
    assert_eq!(names().await, ["one.example", "two.example"]);
}

#[tokio::test]
async fn i8_no_feed_that_is_made_during_an_import_stays_as_it_is_when_that_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).await.unwrap();
    let names: Vec<String> = (0..crate::limits::IMPORT_BATCH_ITEMS + 1).map(|n| format!("n{n}.example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    import(&store, &names, marked(Tlp::Green)).await;
    let before = store.feed_stamp(Scope::Operator).await.unwrap();
    import(&store, &names, marked(Tlp::Red)).await;
    let after = store.feed_stamp(Scope::Operator).await.unwrap();
    assert_eq!(after.change - before.change, 2, "once in each transaction that has changed what is in a list");
    import(&store, &["new.example"], marked(Tlp::Green)).await;
    assert_eq!(store.feed_stamp(Scope::Operator).await.unwrap(), after, "what is in no list is in no feed");
}

#[tokio::test]
async fn f3_what_takes_longer_to_make_than_a_reader_waits_is_made_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).await.unwrap();
    let names: Vec<String> = (0..3_000).map(|n| format!("n{n}.example")).collect();
    import(&store, &names.iter().map(String::as_str).collect::<Vec<_>>(), marked(Tlp::Green)).await;
    publish(&store, 1).await;
    let feeds = Feeds::new(dir.path(), store.clone());
    let asked = Arc::clone(&feeds);
    let asking = tokio::spawn(async move { asked.of(Tlp::Green).await.map(drop) });
    let place = feeds.place(Tlp::Green).unwrap();
    let until = clock::monotonic() + Duration::from_secs(60);
    while place.lock().await.making.is_none() {
        assert!(clock::monotonic() < until && !asking.is_finished(), "it is made before anybody could hang up");
        tokio::task::yield_now().await;
    }
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled(), "who asked has hung up");
    while place.lock().await.kept.is_none() {
        assert!(clock::monotonic() < until, "nobody waits, and it is never made");
        tokio::task::yield_now().await;
    }
    assert_eq!(text(&feeds.of(Tlp::Green).await.unwrap(), "domains.txt").lines().count(), 3_000);
}

/// Every event by its name: what it is called, its time, and of each attribute its name, its value and whether it is gone.
type Events = std::collections::BTreeMap<String, (String, i64, Vec<(String, String, bool)>)>;

fn events(snapshot: &Snapshot) -> Events {
    let manifest: serde_json::Value = serde_json::from_str(&text(snapshot, "misp/manifest.json")).unwrap();
    let of = |uuid: &String| {
        let event: serde_json::Value = serde_json::from_str(&text(snapshot, &format!("misp/{uuid}.json"))).unwrap();
        let event = &event["Event"];
        assert_eq!(event["timestamp"], manifest[uuid]["timestamp"]);
        let attribute = |one: &serde_json::Value| {
            assert_eq!((&one["timestamp"], &one["to_ids"]), (&event["timestamp"], &(one["deleted"] == false).into()));
            let text = |key: &str| one[key].as_str().unwrap().to_owned();
            (text("uuid"), text("value"), one["deleted"].as_bool().unwrap())
        };
        let attributes = event["Attribute"].as_array().unwrap().iter().map(attribute).collect();
        (event["info"].as_str().unwrap().to_owned(), event["timestamp"].as_i64().unwrap(), attributes)
    };
    manifest.as_object().unwrap().keys().map(|uuid| (uuid.clone(), of(uuid))).collect()
}

fn named(threat: &str, tlp: Tlp) -> About {
    About { threat: Some(threat.to_owned()), ..marked(tlp) }
}

#[tokio::test]
async fn f2_what_was_served_and_is_gone_is_said_to_be_deleted_until_months_are_over() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).await.unwrap();
    let feeds = Feeds::new(dir.path(), store.clone());
    let at = async |now: Timestamp| {
        let stamp = store.feed_stamp(Scope::Operator).await.unwrap();
        feeds.make(Tlp::Green, stamp, now, clock::monotonic()).await.unwrap()
    };
    let day = |days: u64| clock::now().plus(Duration::from_secs(days * 86_400));
    import(&store, &["one.example", "two.example"], named("Lure", Tlp::Green)).await;
    publish(&store, 1).await;
    let first = events(&at(day(0)).await);
    let (lure, (info, then, attributes)) = first.first_key_value().unwrap();
    let (one, two) = (attributes[0].0.clone(), attributes[1].0.clone());
    assert_eq!((first.len(), info.as_str()), (1, "Lure"));
    assert!(attributes.iter().all(|(_, _, deleted)| !deleted));

    // One is withdrawn, the other is of another threat.
    let two_found = Found { about: named("Annen", Tlp::Green), ..Found::bare("two.example".parse().unwrap()) };
    store.say_only("x", &[two_found], clock::now()).await.unwrap();
    let snapshot = at(day(1)).await;
    let second = events(&snapshot);
    let (info, later, attributes) = &second[lure];
    assert!(later > then, "a server fetches what is newer");
    let gone = |uuid: &str, value: &str| (uuid.to_owned(), value.to_owned(), true);
    assert_eq!(
        (info.as_str(), attributes.as_slice()),
        ("Lure", &[gone(&one, "one.example"), gone(&two, "two.example")][..])
    );
    let (other, (info, _, attributes)) = second.iter().find(|(uuid, _)| *uuid != lure).unwrap();
    assert_eq!((info.as_str(), attributes[0].1.as_str(), attributes[0].2), ("Annen", "two.example", false));
    assert_ne!(attributes[0].0, two, "a server that has it in one event takes it in no other");
    assert_eq!(text(&snapshot, "misp/hashes.csv").lines().count(), 1, "what is gone has no hash");
    assert_eq!(events(&at(day(2)).await), second, "nothing new");

    // What is for fewer now goes without its value, and so does the name that it alone had.
    import(&store, &["two.example"], named("Annen", Tlp::Red)).await;
    let snapshot = at(day(3)).await;
    let third = events(&snapshot);
    let all = everything(&snapshot);
    assert!(!all.contains("two.example") && !all.contains("Annen"), "{all}");
    assert!(third[other].2[0].2 && third[other].1 > second[other].1, "{third:?}");
    assert!(third[lure].2.iter().any(|(uuid, _, deleted)| *uuid == two && *deleted), "it goes where it was");

    // What is said again stands again.
    import(&store, &["one.example"], named("Lure", Tlp::Green)).await;
    let fourth = events(&at(day(4)).await);
    assert!(fourth[lure].2.contains(&(one.clone(), "one.example".to_owned(), false)), "{fourth:?}");
    assert!(fourth[lure].1 > third[lure].1);
    store.say_only("x", &[], clock::now()).await.unwrap();
    assert_eq!(events(&at(day(5)).await)[lure].2.len(), 2);
    // After months it is told no more, each by its own day.
    assert_eq!(events(&at(day(182)).await)[lure].2, [gone(&one, "one.example")]);
    assert!(events(&at(day(186)).await).is_empty());
    // Of another level nothing was ever said here.
    let stamp = store.feed_stamp(Scope::Operator).await.unwrap();
    let clear = feeds.make(Tlp::Clear, stamp, day(5), clock::monotonic()).await.unwrap();
    assert!(events(&clear).is_empty(), "what one never had is not said to be gone");
}

#[tokio::test]
async fn q1_what_a_source_wrote_beside_an_indicator_goes_to_no_sensor_and_no_reader() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).await.unwrap();
    let words = || Some("Kari Nordmann".to_owned());
    let details = Details {
        note: words(),
        url: words(),
        measures: vec!["Kari Nordmann".to_owned()],
        tags: vec!["Kari Nordmann".to_owned()],
        ..Details::default()
    };
    import(&store, &["evil.example"], About { details, ..marked(Tlp::Green) }).await;
    publish(&store, 1).await;
    let all = everything(&Feeds::new(dir.path(), store.clone()).of(Tlp::Green).await.unwrap());
    assert!(all.contains("evil.example") && !all.contains("Kari"), "{all}");
    let list = store.newest_list(Scope::Operator, &ChannelName::default()).await.unwrap().unwrap();
    assert!(!list.base.windows(4).any(|part| part == b"Kari"), "the list of sensors");
}
