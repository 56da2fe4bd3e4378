//! The lists: grouped, narrowed, counted and paged as said; a member is told of no other; no page reads all alerts.

use std::time::Duration;

use super::*;
use crate::filter::List;
use crate::range::Quick;
use crate::store::Scope;
use crate::store::fixture::{Fixture, NOW};
use crate::store::triage::{Act, Target};

/// Of a page that was drawn just now.
pub(crate) const ACKNOWLEDGE: Act = Act::Acknowledge { newest: i64::MAX };

/// An alert of an indicator at a member, so many minutes ago.
pub(crate) async fn alert(fixture: &Fixture, id: i64, (member, indicator): (i64, i64), evidence: i64, minutes: i64) {
    let mut tx = fixture.store.begin().await.unwrap();
    let sql = "INSERT INTO alert (id, uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, client, zone, zone_levels,
            direction, evidence, by_resolver, looked_up_by_other, possible_contact, labels_left, server, port, protocol, severity,
            exercise, retro, first_seen, last_seen, count, arrived_at, updated_at)
        VALUES ($1, 'a' || $1, $2, 'e', $1, $2, 0, $3, 1, 'H-' || $1, 0, '000', 'outbound', $4, 0, 0, 0, 0, NULL, NULL, 17, 2, 0, 0, $5, $5, 1, $5, $5)";
    let at = NOW.0 - minutes * 60_000_000;
    sqlx::query(sql).bind(id).bind(member).bind(indicator).bind(evidence).bind(at).execute(&mut *tx).await.unwrap();
    let sql = "INSERT INTO meeting (indicator_id, member_id, first_seen, evidence) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO UPDATE SET first_seen = MIN(first_seen, excluded.first_seen)";
    sqlx::query(sql).bind(indicator).bind(member).bind(at).bind(evidence).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

pub(crate) fn asked(text: &str) -> Question {
    let (filter, troubles) = crate::filter::Filter::read(text, List::Alerts);
    assert_eq!(troubles, Vec::new(), "{text}");
    Question { filter, range: Range::quick(Quick::Day, NOW), all: false, after: None, limit: 50, now: NOW }
}

async fn found(fixture: &Fixture, text: &str) -> Vec<i64> {
    let groups = fixture.store.alert_groups(Scope::Operator, &asked(text)).await.unwrap();
    groups.items.iter().map(|group| group.indicator.id).collect()
}

async fn counted(fixture: &Fixture, text: &str) -> i64 {
    fixture.store.alert_groups(Scope::Operator, &asked(text)).await.unwrap().alerts
}

async fn world() -> Fixture {
    let fixture = Fixture::new(5).await;
    for (id, at, evidence, minutes) in [
        (1, (1, 1), 2, 10),
        (2, (2, 1), 4, 20),
        (3, (2, 1), 1, 30),
        (4, (3, 2), 3, 5),
        (5, (1, 3), 2, 60),
        (6, (1, 3), 2, 60 * 30),
        (7, (4, 4), 2, 90),
    ] {
        alert(&fixture, id, at, evidence, minutes).await;
    }
    fixture.run("UPDATE indicator SET tlp = 'TLP:RED' WHERE id = 2").await;
    fixture.run("UPDATE alert SET exercise = 1 WHERE indicator_id = 4").await;
    fixture.run("UPDATE member SET name = 'Øygarden' WHERE id = 3").await;
    fixture
}

#[tokio::test]
async fn alerts_are_one_row_for_each_indicator_the_last_seen_first_with_who_met_it_of_those_that_could() {
    let fixture = world().await;
    let groups = fixture.store.alert_groups(Scope::Operator, &asked("")).await.unwrap();
    let ids: Vec<i64> = groups.items.iter().map(|group| group.indicator.id).collect();
    assert_eq!((ids, groups.total, groups.alerts), (vec![2, 1, 3, 4], 4, 6));
    let one = &groups.items[1];
    assert_eq!((one.alerts, one.fresh, one.evidence), (3, 3, 4));
    assert_eq!(one.members, [1, 2]);
    let coverage = one.coverage.as_ref().unwrap();
    assert_eq!((coverage.able.len(), coverage.total()), (5, 5));
    assert_eq!(one.bars.iter().sum::<i64>(), 3);
    assert_eq!(groups.counts.iter().sum::<i64>(), 6);
    assert_eq!(groups.whole_since, None);
    assert_eq!(groups.items[0].indicator.pattern, None, "told to few");
    let three = &groups.items[2];
    assert_eq!((three.alerts, three.met_before), (1, Some(NOW.minus(Duration::from_secs(30 * 3_600)))));
}

#[tokio::test]
async fn each_token_narrows_the_list_and_each_with_a_minus_leaves_out_the_same() {
    let fixture = world().await;
    let all = found(&fixture, "").await;
    for (text, expected) in [
        ("medlem:1001", vec![1, 3]),
        ("medlem:øyg", vec![2]),
        ("medlem:1001,1003", vec![2, 1, 3]),
        ("kilde:test", vec![2, 1, 3, 4]),
        ("kilde:tes_", vec![]),
        ("trussel:lure", vec![2, 3]),
        ("tlp:red", vec![2]),
        ("langt:kontakt+", vec![1]),
        ("langt:forsøkt,kontakt", vec![2, 1]),
        ("alvor:middels", vec![2, 1, 3, 4]),
        ("alvor:høy+", vec![]),
        ("status:ny", vec![2, 1, 3, 4]),
        ("status:kvittert,dempet", vec![]),
        ("status:falsk-positiv", vec![]),
        ("status:legitim,bekreftet", vec![]),
        ("slag:domene", vec![1, 4]),
        ("øvelse:ja", vec![4]),
        ("historie:ja", vec![]),
        ("indikator:3", vec![3]),
        ("192.0.2.0/24", vec![3]),
        ("198.51.100.0/24", vec![]),
        ("evil.no", vec![1]),
        ("Øygarden", vec![2]),
        // By value only what is told by value.
        ("www.lure", vec![]),
        ("lure", vec![2, 3]),
    ] {
        assert_eq!(found(&fixture, text).await, expected, "{text}");
        let rest: Vec<i64> = found(&fixture, &format!("-{text}")).await;
        // A group is left out where all its alerts are.
        for id in &all {
            assert!(rest.contains(id) || expected.contains(id), "-{text}: {id}");
        }
        assert_eq!(counted(&fixture, text).await + counted(&fixture, &format!("-{text}")).await, 6, "{text}");
    }
    assert_eq!(found(&fixture, "medlem:1001 -trussel:lure").await, [1], "all tokens count");
}

#[tokio::test]
async fn what_was_acknowledged_is_new_again_when_more_comes_or_it_gets_further() {
    let fixture = world().await;
    let store = &fixture.store;
    let done = store.triage(&[Target::Indicator(1)], &ACKNOWLEDGE, "kari", NOW).await.unwrap();
    assert!(done.deed.is_some());
    assert_eq!(found(&fixture, "status:ny").await, [2, 3, 4]);
    assert_eq!(found(&fixture, "status:kvittert").await, [1]);
    // The same alert goes on, no further: still acknowledged. It gets further: new.
    fixture.run("UPDATE alert SET count = 99, last_seen = last_seen + 1 WHERE id = 1").await;
    assert_eq!(found(&fixture, "status:kvittert").await, [1]);
    fixture.run("UPDATE alert SET evidence = 5 WHERE id = 1").await;
    assert_eq!(found(&fixture, "status:ny").await, [2, 1, 3, 4]);
    store.triage(&[Target::Indicator(1)], &ACKNOWLEDGE, "kari", NOW).await.unwrap();
    alert(&fixture, 50, (4, 1), 0, 1).await;
    assert_eq!(found(&fixture, "status:ny").await, [1, 2, 3, 4], "another alert");
}

#[tokio::test]
async fn what_was_acknowledged_at_one_member_says_nothing_of_another_nor_of_what_came_after_the_page() {
    let fixture = Fixture::new(5).await;
    let store = &fixture.store;
    for member in 1..=5 {
        alert(&fixture, member, (member, 1), if member == 5 { 0 } else { 3 }, 10).await;
    }
    let page = store.alert_groups(Scope::Operator, &asked("")).await.unwrap();
    // It comes after the page was drawn, and at a member that met it already.
    alert(&fixture, 9, (2, 1), 1, 1).await;
    let act = Act::Acknowledge { newest: page.newest };
    store.triage(&[Target::Indicator(1)], &act, "kari", NOW).await.unwrap();
    assert_eq!(counted(&fixture, "status:ny").await, 1, "what nobody can have seen");
    store.triage(&[Target::Indicator(1)], &ACKNOWLEDGE, "kari", NOW).await.unwrap();
    assert_eq!(counted(&fixture, "status:ny").await, 0);
    // Blocked until now; no further than the others had got.
    fixture.run("UPDATE alert SET evidence = 3 WHERE id = 5").await;
    let groups = store.alert_groups(Scope::Operator, &asked("status:ny")).await.unwrap();
    assert_eq!((groups.alerts, &groups.items[0].members), (1, &vec![5]));
}

#[tokio::test]
async fn what_is_muted_is_shown_where_it_gets_further_at_its_own_member_whatever_it_was_elsewhere() {
    let fixture = Fixture::new(3).await;
    let store = &fixture.store;
    for (id, evidence) in [(1, 3), (2, 0)] {
        alert(&fixture, id, (id, 1), evidence, 10).await;
    }
    let mute = |member| Act::Mute { reason: "kjent".to_owned(), member, until: NOW.plus(Duration::from_secs(86_400)) };
    let none = store.triage(&[Target::Indicator(1)], &mute(Some(3)), "kari", NOW).await.unwrap();
    assert_eq!(none.done, [], "where nothing was met nothing is hidden");
    for member in [Some(2), None] {
        store.triage(&[Target::Indicator(1)], &mute(member), "kari", NOW).await.unwrap();
        fixture.run("UPDATE alert SET evidence = 3 WHERE id = 2").await;
        let groups = store.alert_groups(Scope::Operator, &asked("medlem:1002")).await.unwrap();
        assert_eq!((groups.alerts, groups.hidden.muted), (1, 0), "{member:?}");
        fixture.run("UPDATE alert SET evidence = 0 WHERE id = 2").await;
        assert_eq!(counted(&fixture, "medlem:1002").await, 0, "{member:?}");
        let lift = Act::Unmute { reason: "ferdig".to_owned() };
        assert!(store.triage(&[Target::Indicator(1)], &lift, "ola", NOW).await.unwrap().deed.is_some());
        assert_eq!(counted(&fixture, "").await, 2);
    }
    store.triage(&[Target::Indicator(1)], &mute(None), "kari", NOW).await.unwrap();
    alert(&fixture, 3, (3, 1), 3, 1).await;
    assert_eq!(counted(&fixture, "").await, 0, "where it had not been met: as far as anywhere");
    fixture.run("UPDATE alert SET evidence = 4 WHERE id = 3").await;
    assert_eq!(counted(&fixture, "").await, 1);
}

#[tokio::test]
async fn what_is_muted_or_settled_is_hidden_counted_and_shown_when_asked_for() {
    let fixture = world().await;
    let store = &fixture.store;
    let mute = |member| Act::Mute { reason: "kjent".to_owned(), member, until: NOW.plus(Duration::from_secs(86_400)) };
    store.triage(&[Target::Indicator(1)], &mute(Some(2)), "kari", NOW).await.unwrap();
    let groups = store.alert_groups(Scope::Operator, &asked("")).await.unwrap();
    assert_eq!(groups.items[1].members, [1], "at one member alone");
    assert_eq!((groups.hidden.muted, groups.items[1].mutings.len(), groups.items[1].hidden.muted), (0, 1, 2));
    store.triage(&[Target::Indicator(1)], &mute(None), "kari", NOW).await.unwrap();
    let settle = Act::Legitimate { reason: "ønsket".to_owned() };
    store.triage(&[Target::Indicator(3)], &settle, "kari", NOW).await.unwrap();
    let groups = store.alert_groups(Scope::Operator, &asked("")).await.unwrap();
    assert_eq!((groups.items.len(), groups.hidden), (2, Hidden { muted: 1, settled: 1 }));
    assert_eq!(groups.counts.iter().sum::<i64>(), 2, "nor drawn");
    let all = Question { all: true, ..asked("") };
    assert_eq!(store.alert_groups(Scope::Operator, &all).await.unwrap().items.len(), 4);
    assert_eq!(found(&fixture, "status:dempet").await, [1]);
    assert_eq!(found(&fixture, "status:legitim").await, [3]);
    assert_eq!(found(&fixture, "-status:kvittert").await, [2, 4], "it asks for nothing that is hidden");
    // What gets further than it had when it was muted is shown all the same.
    fixture.run("UPDATE alert SET evidence = 5 WHERE id = 2").await;
    assert_eq!(found(&fixture, "").await, [2, 1, 4]);
    // What was muted until then is there again.
    fixture.run("UPDATE alert SET evidence = 4 WHERE id = 2").await;
    let later = Question { now: NOW.plus(Duration::from_secs(86_401)), ..asked("") };
    assert_eq!(store.alert_groups(Scope::Operator, &later).await.unwrap().hidden.muted, 0);
}

#[tokio::test]
async fn pages_go_on_behind_each_other_and_none_stands_in_two() {
    let fixture = world().await;
    let (mut seen, mut question) = (Vec::new(), Question { limit: 1, ..asked("") });
    for _ in 0..9 {
        let groups = fixture.store.alert_groups(Scope::Operator, &question).await.unwrap();
        assert_eq!(groups.total, 4);
        seen.extend(groups.items.iter().map(|group| group.indicator.id));
        let Some(next) = groups.next else { break };
        question.after = Some(next);
    }
    assert_eq!(seen, [2, 1, 3, 4]);
}

#[tokio::test]
async fn what_was_found_in_history_stands_where_it_was_found_and_not_where_it_was() {
    let fixture = world().await;
    fixture.run("UPDATE alert SET retro = 1, last_seen = last_seen - 864000000000, first_seen = first_seen - 864000000000 WHERE id = 5").await;
    assert_eq!(found(&fixture, "historie:ja").await, [3]);
    fixture.run("UPDATE alert SET retro = 0 WHERE id = 5").await;
    assert_eq!(found(&fixture, "indikator:3").await, Vec::<i64>::new(), "an old one is old");
}

#[tokio::test]
async fn w1_a_member_gets_its_own_alerts_and_nothing_of_what_others_met_or_the_csirt_makes_of_it() {
    let fixture = world().await;
    let store = &fixture.store;
    let own = async || store.alert_groups(Scope::Member(1), &asked("")).await.unwrap();
    let before = own().await;
    assert_eq!(before.items.iter().map(|group| group.indicator.id).collect::<Vec<_>>(), [1, 3]);
    let one = &before.items[0];
    assert_eq!((one.alerts, &one.members, &one.coverage, one.others), (1, &vec![1], &None, None));
    assert_eq!(before.members.len(), 1);
    store.triage(&[Target::Indicator(1)], &ACKNOWLEDGE, "kari", NOW).await.unwrap();
    let mute = Act::Mute { reason: "hemmelig".to_owned(), member: None, until: NOW.plus(Duration::from_secs(9_999)) };
    store.triage(&[Target::Indicator(1)], &mute, "kari", NOW).await.unwrap();
    alert(&fixture, 60, (5, 1), 5, 1).await;
    assert_eq!(own().await, before, "whatever goes on elsewhere");
    for text in ["medlem:1002", "medlem:Øygarden", "status:kvittert", "status:dempet"] {
        let groups = store.alert_groups(Scope::Member(1), &asked(text)).await.unwrap();
        assert_eq!((groups.items.len(), groups.total, groups.looked_at), (0, 0, 2), "{text}");
    }
    // From three others up, in steps.
    alert(&fixture, 61, (4, 1), 1, 1).await;
    assert_eq!(own().await.items[0].others, Some(3));
}

/// How the database finds it.
async fn plan(fixture: &Fixture, mut select: sqlx::QueryBuilder<sqlx::Sqlite>) -> String {
    let sql = format!("EXPLAIN QUERY PLAN {}", select.sql().as_str());
    let _ = select.build();
    let rows: Vec<(i64, i64, i64, String)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(fixture.store.readers()).await.unwrap();
    rows.into_iter().map(|(_, _, _, detail)| detail).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn no_page_reads_all_alerts_and_none_reads_their_rows() {
    let fixture = world().await;
    for (scope, text) in [
        (Scope::Operator, ""),
        (Scope::Operator, "medlem:1001 -kilde:x langt:kontakt+ status:ny evil.no"),
        (Scope::Member(1), ""),
    ] {
        let question = asked(text);
        let mut tx = fixture.store.readers().begin().await.unwrap();
        let asked = looked::Asked::of(&mut tx, scope, &question).await.unwrap();
        let mut select = sqlx::QueryBuilder::new("SELECT COUNT(*) FROM ");
        asked.push(&mut select);
        let plan = plan(&fixture, select).await;
        let alerts: Vec<&str> =
            plan.lines().filter(|line| line.contains(" a USING") || line.ends_with("SCAN a")).collect();
        assert_eq!(alerts.len(), 2, "{plan}");
        for line in alerts {
            assert!(line.starts_with("SEARCH a USING"), "{line}");
            match scope {
                Scope::Operator => assert!(line.contains("COVERING INDEX alert_"), "{line}"),
                Scope::Member(_) => assert!(line.contains("INDEX alert_by_member"), "{line}"),
            }
        }
    }
}

#[tokio::test]
async fn incidents_and_campaigns_come_by_what_matters_most_and_closed_ones_when_asked_for() {
    let fixture = Fixture::new(3).await;
    for (id, member, word, state, minutes) in
        [(1, 1, 2, "new", 10), (2, 2, 4, "triaged", 50), (3, 3, 2, "new", 5), (4, 1, 4, "closed", 1)]
    {
        let mut tx = fixture.store.begin().await.unwrap();
        let sql = "INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, opened_at, first_seen, last_seen, updated_at, word, state, owner, closed_as)
            VALUES ($1, 'i' || $1, $2, 'indicator', '1', 'evil.no', $3, $3, $3, $3, $4, $5, CASE WHEN $1 = 2 THEN 'kari' END, CASE WHEN $5 = 'closed' THEN 'legitimate' END)";
        let at = NOW.0 - minutes * 60_000_000;
        sqlx::query(sql).bind(id).bind(member).bind(at).bind(word).bind(state).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
    let listed = async |scope, text: &str, limit| {
        let (filter, troubles) = Filter::read(text, List::Incidents);
        assert_eq!(troubles, Vec::new());
        let question = Question { filter, limit, ..asked("") };
        let page = fixture.store.listed_incidents(scope, &question).await.unwrap();
        let ids = page.items.iter().map(|listed| listed.incident.view.id).collect::<Vec<_>>();
        (ids, page.total, page.hidden.settled, page.next)
    };
    let (ids, total, closed, _) = listed(Scope::Operator, "", 50).await;
    assert_eq!((ids, total, closed), (vec![2, 3, 1], 3, 1));
    let nothing = Question { filter: Filter::read("medlem:9", List::Incidents).0, ..asked("") };
    let page = fixture.store.listed_incidents(Scope::Operator, &nothing).await.unwrap();
    assert_eq!((page.total, page.within), (0, 4));
    for (text, expected) in [
        ("status:lukket", vec![4]),
        ("status:legitim,vurdert", vec![4, 2]),
        ("ansvarlig:ingen", vec![3, 1]),
        ("ansvarlig:kar", vec![2]),
        ("-ansvarlig:ingen", vec![2]),
        ("alvor:kritisk", vec![2]),
        ("medlem:1001", vec![1]),
        ("evil", vec![2, 3, 1]),
        ("øvelse:ja", vec![]),
    ] {
        assert_eq!(listed(Scope::Operator, text, 50).await.0, expected, "{text}");
    }
    let (ids, _, _, next) = listed(Scope::Operator, "", 2).await;
    assert_eq!(ids, [2, 3]);
    let question = Question { after: next, limit: 2, ..asked("") };
    let rest = fixture.store.listed_incidents(Scope::Operator, &question).await.unwrap();
    assert_eq!(rest.items.iter().map(|listed| listed.incident.view.id).collect::<Vec<_>>(), [1]);
    // 45 days ago, and found in history today; 45 days ago, and still open; and closed.
    fixture
        .run("UPDATE incident SET first_seen = first_seen - 3888000000000, last_seen = last_seen - 3888000000000")
        .await;
    assert_eq!(listed(Scope::Operator, "", 50).await.0, [2, 3, 1], "found today");
    fixture.run("UPDATE incident SET opened_at = opened_at - 3888000000000").await;
    assert_eq!(
        listed(Scope::Operator, "status:lukket,ny,vurdert", 50).await.0,
        Vec::<i64>::new(),
        "who asks for a day gets it"
    );
    let month = Question { range: Range::quick(USUAL_OF_CASES, NOW), ..asked("") };
    let page = fixture.store.listed_incidents(Scope::Operator, &month).await.unwrap();
    let ids: Vec<i64> = page.items.iter().map(|listed| listed.incident.view.id).collect();
    assert_eq!((ids, page.hidden.settled), (vec![2, 3, 1], 0));
    let own = fixture.store.listed_incidents(Scope::Member(1), &month).await.unwrap();
    assert_eq!((own.items.len(), own.hidden.settled), (1, 0));
    fixture
        .run(
            "UPDATE incident SET opened_at = opened_at + 3888000000000, first_seen = first_seen + 3888000000000,
            last_seen = last_seen + 3888000000000",
        )
        .await;
    let (ids, total, closed, _) = listed(Scope::Member(1), "", 50).await;
    assert_eq!((ids, total, closed), (vec![1], 1, 1));
    assert_eq!(listed(Scope::Member(1), "ansvarlig:kari", 50).await.0, Vec::<i64>::new());
}
