//! What follows from verdicts, and what is taken back with them.

use super::*;
use crate::intel::canonical::{About, Found, Object};
use crate::store::fixture::Fixture;
use varde_common::tlp::Tlp;

/// A source names `evil.no` (indicator 1) by an object of this version; 0 = a list without versions.
async fn say(fixture: &Fixture, source: &str, object: &str, version: i64, at: i64) {
    let object = Object { id: object.into(), modified: (version > 0).then_some(Timestamp(version)), text: None };
    let about = About { tlp: Some(Tlp::Green), ..About::default() };
    let found = Found { pattern: "evil.no".parse().unwrap(), about, object };
    fixture.store.take_in(source, &[found], Timestamp(at)).await.unwrap();
}

async fn alert(fixture: &Fixture, id: i64, member: i64) {
    let sql = "INSERT INTO alert (id, uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, zone, zone_levels,
        direction, evidence, by_resolver, looked_up_by_other, possible_contact, labels_left, protocol, severity, exercise, retro,
        first_seen, last_seen, count, arrived_at, updated_at)
        VALUES ($1, $1, $2, 'e', $1, $2, 0, 1, 1, 0, '000', 'outbound', 1, 0, 0, 0, 0, 17, 2, 0, 0, 1, 1, 1, 1, 1)";
    let mut tx = fixture.store.begin().await.unwrap();
    sqlx::query(sql).bind(id).bind(member).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn judge(fixture: &Fixture, alert: i64, verdict: Option<Verdict>, at: i64) -> Judged {
    let word = Word { verdict, reason: "because", who: "kari" };
    fixture.store.judge(alert, word, Timestamp(at)).await.unwrap().unwrap()
}

/// Whether lists would have it, and how many of its claims stand.
async fn stands(fixture: &Fixture) -> (bool, i64) {
    let rows = fixture.store.indicators_to_compile(Scope::Operator, 0, 10).await.unwrap();
    let claims = fixture.count("SELECT COUNT(*) FROM claim WHERE indicator_id = 1 AND withdrawn_at IS NULL").await;
    (rows.iter().any(|row| row.id == 1), claims)
}

async fn record(fixture: &Fixture, source: &str) -> (i64, i64, i64, i64) {
    let all = fixture.store.source_records(Scope::Operator, None).await.unwrap();
    let found = all.into_iter().find(|record| record.source == source).unwrap();
    (found.shown, found.hits, found.confirmed, found.false_positives)
}

#[tokio::test]
async fn t10_what_is_a_false_positive_is_withdrawn_and_comes_back_only_when_that_is_taken_back() {
    let fixture = Fixture::new(2).await;
    say(&fixture, "misp", "e/a", 5, 1).await;
    say(&fixture, "list", "", 0, 1).await;
    alert(&fixture, 1, 1).await;
    alert(&fixture, 2, 2).await;
    assert_eq!(stands(&fixture).await, (true, 2));
    let done = judge(&fixture, 1, Some(Verdict::FalsePositive), 10).await;
    let allow_list = Following { allowed: true, ..Following::default() };
    assert_eq!(done, Judged { withdrawn: true, reinstated: false, sightings: 0, allow_list });
    assert_eq!(stands(&fixture).await, (false, 0));
    let why: Vec<String> = sqlx::query_scalar("SELECT withdrawn_why FROM claim WHERE indicator_id = 1")
        .fetch_all(fixture.store.readers())
        .await
        .unwrap();
    assert_eq!(why, ["false positive: because"; 2]);
    // The same again, a newer version, another object, another source: the word of a person stands.
    say(&fixture, "list", "", 0, 11).await;
    say(&fixture, "misp", "e/a", 5, 11).await;
    assert_eq!(stands(&fixture).await, (false, 0));
    say(&fixture, "misp", "e/a", 6, 12).await;
    say(&fixture, "misp", "e/b", 6, 12).await;
    say(&fixture, "third", "", 0, 12).await;
    assert!(!stands(&fixture).await.0);
    // Another alert of it says the same: one taken back leaves the other.
    judge(&fixture, 2, Some(Verdict::FalsePositive), 13).await;
    let nothing = Judged { withdrawn: false, reinstated: false, sightings: 0, allow_list: Following::default() };
    assert_eq!(judge(&fixture, 1, None, 14).await, nothing);
    assert!(!stands(&fixture).await.0);
    // What its source takes back meanwhile stays gone.
    fixture.store.say_only("list", &[], Timestamp(15)).await.unwrap();
    assert!(judge(&fixture, 2, None, 16).await.reinstated);
    assert_eq!(stands(&fixture).await, (true, 3), "both objects of misp and the third source, not the list");
}

#[tokio::test]
async fn t10_verdicts_count_for_the_sources_that_named_it_and_outlive_the_alert() {
    let fixture = Fixture::new(2).await;
    say(&fixture, "misp", "e/a", 5, 1).await;
    alert(&fixture, 1, 1).await;
    alert(&fixture, 2, 2).await;
    assert_eq!(record(&fixture, "misp").await, (1, 1, 0, 0));
    judge(&fixture, 1, Some(Verdict::Confirmed), 2).await;
    say(&fixture, "late", "", 0, 3).await;
    judge(&fixture, 2, Some(Verdict::Legitimate), 4).await;
    assert_eq!((record(&fixture, "misp").await, record(&fixture, "late").await), ((1, 1, 1, 0), (1, 1, 0, 0)));
    assert_eq!(stands(&fixture).await, (true, 2), "legitimate traffic says nothing against the indicator");
    // Another word takes the place of the one before.
    judge(&fixture, 1, Some(Verdict::FalsePositive), 5).await;
    assert_eq!((record(&fixture, "misp").await, record(&fixture, "late").await), ((1, 1, 0, 1), (1, 1, 0, 1)));
    let shown = crate::store::alert::list(&fixture.store, Scope::Operator, Default::default(), 9).await.unwrap();
    assert_eq!((shown[0].verdict, shown[0].verdict_reason.as_deref()), (Some(Verdict::FalsePositive), Some("because")));
    // Its member leaves: the count stays and names nobody; another alert of it can take the word back.
    fixture.store.depart(1, Timestamp(6)).await.unwrap();
    assert_eq!(record(&fixture, "misp").await, (1, 1, 0, 1));
    assert!(!stands(&fixture).await.0);
    assert!(judge(&fixture, 2, None, 7).await.reinstated);
    assert_eq!(record(&fixture, "misp").await, (1, 1, 0, 0));
    let word = Word { verdict: None, reason: "x", who: "kari" };
    assert_eq!(fixture.store.judge(1, word, Timestamp(8)).await.unwrap(), None, "there is no such alert");
}

#[tokio::test]
async fn t10_only_a_source_that_was_named_for_it_is_told_and_never_of_what_is_marked_strictly() {
    let fixture = Fixture::new(1).await;
    say(&fixture, "misp", "e/a", 5, 1).await;
    alert(&fixture, 1, 1).await;
    assert_eq!(judge(&fixture, 1, Some(Verdict::Confirmed), 2).await.sightings, 0, "off unless asked for");
    fixture.run("INSERT INTO sighting_target SELECT id, 'https://misp.example/', 'k', NULL, 1 FROM source").await;
    assert_eq!(judge(&fixture, 1, Some(Verdict::Confirmed), 3).await.sightings, 1);
    let waiting = || fixture.count("SELECT COUNT(*) FROM sighting WHERE sent_at IS NULL");
    assert_eq!(judge(&fixture, 1, Some(Verdict::FalsePositive), 4).await.sightings, 1);
    assert_eq!(
        (waiting().await, fixture.count("SELECT MAX(kind) FROM sighting").await),
        (1, 1),
        "what waited is not told"
    );
    judge(&fixture, 1, None, 5).await;
    assert_eq!(waiting().await, 0);
    for sql in ["UPDATE claim SET tlp = 3", "UPDATE claim SET tlp = 2, pap = 3"] {
        fixture.run(sql).await;
        assert_eq!(judge(&fixture, 1, Some(Verdict::Confirmed), 6).await.sightings, 0, "{sql}");
    }
    fixture.run("UPDATE claim SET pap = 2").await;
    assert_eq!(judge(&fixture, 1, Some(Verdict::Legitimate), 7).await.sightings, 0);
    fixture.run("UPDATE alert SET exercise = 1").await;
    assert_eq!(judge(&fixture, 1, Some(Verdict::Confirmed), 8).await.sightings, 0, "nobody is told of an exercise");
}

/// By which rule lint holds this back.
async fn held(fixture: &Fixture, text: &str, at: i64) -> Option<String> {
    let linter = fixture.store.linter(Scope::Operator, Timestamp(at)).await.unwrap();
    linter.holds(&text.parse().unwrap(), false).map(|finding| finding.key())
}

#[tokio::test]
async fn t10_what_a_false_positive_named_is_allowed_with_all_below_it_until_that_is_taken_back() {
    let fixture = Fixture::new(2).await;
    say(&fixture, "list", "", 0, 1).await;
    alert(&fixture, 1, 1).await;
    alert(&fixture, 2, 2).await;
    assert_eq!(held(&fixture, "a.evil.no", 9).await, None);
    assert!(judge(&fixture, 1, Some(Verdict::FalsePositive), 10).await.allow_list.allowed);
    for text in ["evil.no", "=evil.no", "a.evil.no"] {
        assert_eq!(held(&fixture, text, 11).await.as_deref(), Some("allowed"), "{text}");
    }
    let rows = fixture.store.allowed_rows(Scope::Operator, Timestamp(11)).await.unwrap();
    let row = |row: &super::super::allow::AllowedRow| (row.author.clone(), row.reason.clone(), row.by_verdict);
    assert_eq!(rows.iter().map(row).collect::<Vec<_>>(), [("kari".into(), "false positive: because".into(), true)]);
    // Another alert says the same: the entry goes with the last of them.
    assert_eq!(judge(&fixture, 2, Some(Verdict::FalsePositive), 12).await.allow_list, Following::default());
    assert_eq!(judge(&fixture, 1, Some(Verdict::Legitimate), 13).await.allow_list, Following::default());
    assert!(held(&fixture, "a.evil.no", 14).await.is_some());
    assert!(judge(&fixture, 2, Some(Verdict::Confirmed), 15).await.allow_list.removed);
    assert_eq!(held(&fixture, "a.evil.no", 16).await, None);
    // In an exercise nothing real is kept from going out.
    fixture.run("UPDATE alert SET exercise = 1").await;
    assert_eq!(judge(&fixture, 1, Some(Verdict::FalsePositive), 17).await.allow_list, Following::default());
    assert_eq!(held(&fixture, "a.evil.no", 18).await, None);
}

#[tokio::test]
async fn t10_what_a_person_allowed_stays_when_a_verdict_is_taken_back() {
    let fixture = Fixture::new(1).await;
    say(&fixture, "list", "", 0, 1).await;
    alert(&fixture, 1, 1).await;
    let pattern: Pattern = "evil.no".parse().unwrap();
    let allowing =
        |until: Option<i64>| Allowing { pattern: &pattern, reason: "ours", author: "ola", until: until.map(Timestamp) };
    assert!(fixture.store.allow(&allowing(None), Timestamp(2)).await.unwrap());
    assert_eq!(judge(&fixture, 1, Some(Verdict::FalsePositive), 3).await.allow_list, Following::default());
    assert_eq!(judge(&fixture, 1, None, 4).await.allow_list, Following::default());
    assert!(held(&fixture, "a.evil.no", 5).await.is_some(), "allowed before");
    // And one that is given in place of the verdict's.
    assert!(fixture.store.end_allowed(&pattern, "ola", Timestamp(6)).await.unwrap());
    assert!(judge(&fixture, 1, Some(Verdict::FalsePositive), 7).await.allow_list.allowed);
    assert!(fixture.store.allow(&allowing(None), Timestamp(8)).await.unwrap());
    assert_eq!(judge(&fixture, 1, None, 9).await.allow_list, Following::default());
    assert!(held(&fixture, "a.evil.no", 10).await.is_some(), "allowed since");
    // What has run out is nobody's word any more.
    assert!(fixture.store.allow(&allowing(Some(12)), Timestamp(11)).await.unwrap());
    assert!(judge(&fixture, 1, Some(Verdict::FalsePositive), 13).await.allow_list.allowed);
}

#[tokio::test]
async fn t10_a_verdict_stands_where_the_allow_list_is_full_and_says_so() {
    let fixture = Fixture::new(1).await;
    say(&fixture, "list", "", 0, 1).await;
    alert(&fixture, 1, 1).await;
    let fill = format!(
        "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {})
        INSERT INTO allowed (pattern, reason, author, given_at) SELECT 'n' || i || '.example', 'r', 'ola', 1 FROM n",
        crate::limits::ALLOWED_MAX
    );
    let mut tx = fixture.store.begin().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(fill)).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let done = judge(&fixture, 1, Some(Verdict::FalsePositive), 2).await;
    assert!(done.withdrawn && done.allow_list.is_full, "{done:?}");
    assert_eq!((stands(&fixture).await, held(&fixture, "a.evil.no", 3).await), ((false, 0), None));
    fixture.run("UPDATE allowed SET ended_at = 3, ended_by = 'ola' WHERE pattern = 'n1.example'").await;
    assert!(judge(&fixture, 1, Some(Verdict::FalsePositive), 4).await.allow_list.allowed, "said again");
    assert!(held(&fixture, "a.evil.no", 5).await.is_some());
}
