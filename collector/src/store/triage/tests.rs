//! Deeds: done to many at once, each with its entry in the audit, and undone as a whole or not at all.

use std::time::Duration;

use super::*;
use crate::store::Scope;
use crate::store::desk::tests::{ACKNOWLEDGE, alert};
use crate::store::fixture::{Fixture, NOW};
use crate::workflow::Matter;

const LATER: Timestamp = Timestamp(NOW.0 + 5_000_000);

async fn incidents(fixture: &Fixture) {
    fixture
        .run(
            "INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, opened_at, first_seen, last_seen, updated_at, word)
            VALUES (1, 'i1', 1, 'indicator', '1', 'evil.no', 0, 0, 0, 0, 2), (2, 'i2', 2, 'indicator', '1', 'evil.no', 0, 0, 0, 0, 2)",
        )
        .await;
    fixture.run("UPDATE alert SET incident_id = member_id").await;
}

async fn world() -> Fixture {
    let fixture = Fixture::new(3).await;
    for (id, member) in [(1, 1), (2, 2), (3, 2)] {
        alert(&fixture, id, (member, 1), 2, 10).await;
    }
    incidents(&fixture).await;
    // Somebody says that it is looked for, so that it stands again once a word against it is taken back.
    fixture.run("INSERT INTO source (id, name, added_at) VALUES (1, 'test', 0)").await;
    fixture
        .run(
            "INSERT INTO claim (indicator_id, source_id, object_id, confidence, severity, tlp, received_at, renewed_at)
            VALUES (1, 1, '', 50, 2, 2, 0, 0)",
        )
        .await;
    fixture
}

/// Everything that a deed may touch.
async fn state(fixture: &Fixture) -> String {
    let mut all = String::new();
    for sql in [
        "SELECT group_concat(id || COALESCE(verdict, '-') || COALESCE(verdict_reason, '-') || COALESCE(judgement_id, '-')) FROM alert",
        "SELECT group_concat(id || state || COALESCE(closed_as, '-') || COALESCE(owner, '-')) FROM incident",
        "SELECT group_concat(id || COALESCE(refuted_at, '-') || COALESCE(withdrawn_at, '-')) FROM indicator",
        "SELECT COUNT(*) || '' FROM judgement",
        "SELECT COUNT(*) || '' FROM allowed WHERE ended_at IS NULL",
        "SELECT COUNT(*) || '' FROM muted WHERE ended_at IS NULL",
        "SELECT COALESCE(group_concat(indicator_id || '-' || member_id || who || up_to || '-' || evidence || '-' || at), '') FROM acknowledged",
        "SELECT COALESCE(group_concat(value || COALESCE(settled_as, '-')), '') FROM guard",
    ] {
        let part: Option<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(fixture.store.readers()).await.unwrap();
        all.push_str(&part.unwrap_or_default());
        all.push('\n');
    }
    all
}

#[tokio::test]
async fn every_deed_is_undone_as_if_it_had_not_been_but_for_what_audit_and_timeline_tell() {
    let until = NOW.plus(Duration::from_secs(86_400));
    let reason = || "prøve".to_owned();
    for (targets, act, lines) in [
        (vec![Target::Indicator(1)], ACKNOWLEDGE, 0),
        (vec![Target::Indicator(1)], Act::FalsePositive { reason: reason() }, 0),
        (vec![Target::Indicator(1)], Act::Legitimate { reason: reason() }, 0),
        (vec![Target::Indicator(1)], Act::Mute { reason: reason(), member: Some(2), until }, 0),
        (vec![Target::Incident(1), Target::Incident(2)], ACKNOWLEDGE, 2),
        (vec![Target::Incident(1), Target::Incident(2)], Act::Take { owner: "kari".to_owned() }, 2),
        (vec![Target::Incident(1), Target::Incident(2)], Act::FalsePositive { reason: reason() }, 2),
        (vec![Target::Incident(2)], Act::Legitimate { reason: reason() }, 1),
    ] {
        let fixture = world().await;
        let store = &fixture.store;
        fixture
            .run("INSERT INTO guard (id, kind, value, tripped_at, numbers) VALUES (1, 'indicator', '1', 0, '{}')")
            .await;
        let before = state(&fixture).await;
        let done = store.triage(&targets, &act, "kari", NOW).await.unwrap();
        assert_eq!((done.done.clone(), done.not_done), (targets.clone(), Vec::new()), "{act:?}");
        assert_ne!(state(&fixture).await, before, "{act:?}");
        assert_eq!(fixture.count("SELECT COUNT(*) FROM timeline WHERE who = 'kari'").await, lines, "{act:?}");
        let deed = done.deed.unwrap();
        assert_eq!(store.undoable("kari", LATER).await.unwrap()[0].id, deed);
        store.undo(deed, "kari", LATER).await.unwrap().unwrap();
        assert_eq!(state(&fixture).await, before, "{act:?}");
        assert_eq!(fixture.count("SELECT COUNT(*) FROM timeline WHERE who = 'kari'").await, lines * 2, "{act:?}");
        let entries = store.audit_entries(Scope::Operator, 0).await.unwrap();
        let what: Vec<&str> = entries.iter().map(|entry| entry.what.as_str()).collect();
        assert_eq!(what, [act.what(), "page undo"], "{act:?}");
        assert_eq!(store.undo(deed, "kari", LATER).await.unwrap(), Err(NotUndone::Already));
        assert!(store.undoable("kari", LATER).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_is_said_of_all_alerts_counts_once_against_a_source_and_withdraws_the_indicator() {
    let fixture = world().await;
    let act = Act::FalsePositive { reason: "reklame".to_owned() };
    let done = fixture.store.triage(&[Target::Indicator(1)], &act, "kari", NOW).await.unwrap();
    assert_eq!(done.withdrawn, [1]);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM judgement").await, 1);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM alert WHERE verdict = 'false-positive'").await, 3);
    let again = fixture.store.triage(&[Target::Indicator(1)], &act, "kari", NOW).await.unwrap();
    assert_eq!((again.done, again.deed), (Vec::new(), None));
    assert_eq!(again.not_done, [(Target::Indicator(1), NotDone::NothingToJudge)]);
    // What came meanwhile stands with the others, and goes when it alone is undone.
    alert(&fixture, 9, (3, 1), 2, 1).await;
    let more = fixture.store.triage(&[Target::Indicator(1)], &act, "kari", LATER).await.unwrap();
    assert_eq!(fixture.count("SELECT COUNT(*) FROM judgement").await, 1);
    fixture.store.undo(more.deed.unwrap(), "kari", LATER).await.unwrap().unwrap();
    assert_eq!(fixture.count("SELECT COUNT(*) FROM alert WHERE verdict = 'false-positive'").await, 3);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM indicator WHERE id = 1 AND refuted_at IS NOT NULL").await, 1);
}

#[tokio::test]
async fn what_it_can_be_done_to_is_done_and_what_it_cannot_is_told() {
    let fixture = world().await;
    let store = &fixture.store;
    let act = Act::Take { owner: "kari".to_owned() };
    let targets = [Target::Incident(1), Target::Incident(99), Target::Indicator(3), Target::Incident(1)];
    let done = store.triage(&targets, &act, "kari", NOW).await.unwrap();
    assert_eq!(done.done, [Target::Incident(1)]);
    assert_eq!(done.not_done, [(Target::Incident(99), NotDone::Gone), (Target::Indicator(3), NotDone::NoCase)]);
    let entries = store.audit_entries(Scope::Operator, 0).await.unwrap();
    assert_eq!((entries.len(), entries[0].members.as_str()), (1, " 1001 "));
    let none = store.triage(&[Target::Incident(99)], &act, "kari", NOW).await.unwrap();
    assert_eq!((none.deed, store.audit_entries(Scope::Operator, 0).await.unwrap().len()), (None, 1));
    let note = Act::Note { text: "ringt".to_owned() };
    let noted = store.triage(&[Target::Incident(1)], &note, "kari", NOW).await.unwrap();
    assert_eq!((noted.done.len(), noted.deed), (1, None), "what was said stays said");
    let work = store.work(Scope::Member(1), Matter::Incident(1)).await.unwrap().unwrap();
    assert!(work.timeline.iter().all(|entry| entry.who.as_deref() != Some("kari")), "the CSIRT alone reads it");
}

#[tokio::test]
async fn nothing_is_undone_by_another_or_too_late_or_where_somebody_has_gone_on() {
    let fixture = world().await;
    let store = &fixture.store;
    let take = |owner: &str| Act::Take { owner: owner.to_owned() };
    let both = [Target::Incident(1), Target::Incident(2)];
    let deed = store.triage(&both, &take("kari"), "kari", NOW).await.unwrap().deed.unwrap();
    assert_eq!(store.undo(deed, "ola", LATER).await.unwrap(), Err(NotUndone::Others));
    assert_eq!(store.undo(deed + 1, "kari", LATER).await.unwrap(), Err(NotUndone::Gone));
    let late = NOW.plus(crate::limits::desk::UNDONE_WITHIN + Duration::from_secs(1));
    assert_eq!(store.undo(deed, "kari", late).await.unwrap(), Err(NotUndone::TooLate));
    assert!(store.undoable("kari", late).await.unwrap().is_empty());
    store.triage(&[Target::Incident(1)], &take("ola"), "ola", LATER).await.unwrap();
    let before = state(&fixture).await;
    assert_eq!(store.undo(deed, "kari", LATER).await.unwrap(), Err(NotUndone::ChangedSince));
    assert_eq!(state(&fixture).await, before, "nor the other half");
}

#[tokio::test]
async fn an_earlier_acknowledgement_is_not_undone_once_a_later_one_stands() {
    let fixture = world().await;
    let store = &fixture.store;
    let indicator = [Target::Indicator(1)];
    let first = store.triage(&indicator, &ACKNOWLEDGE, "kari", NOW).await.unwrap().deed.unwrap();
    alert(&fixture, 9, (2, 1), 2, 1).await;
    let second = store.triage(&indicator, &ACKNOWLEDGE, "kari", LATER).await.unwrap().deed.unwrap();
    let before = state(&fixture).await;
    assert_eq!(store.undo(first, "kari", LATER).await.unwrap(), Err(NotUndone::ChangedSince));
    assert_eq!(state(&fixture).await, before);
    // The last first: then both are gone.
    store.undo(second, "kari", LATER).await.unwrap().unwrap();
    store.undo(first, "kari", LATER).await.unwrap().unwrap();
    assert_eq!(fixture.count("SELECT COUNT(*) FROM acknowledged").await, 0);
}

#[tokio::test]
async fn a_muting_is_ended_and_put_back_as_it_was() {
    let fixture = world().await;
    let store = &fixture.store;
    let until = NOW.plus(Duration::from_secs(86_400));
    for member in [None, Some(2)] {
        let act = Act::Mute { reason: "kjent".to_owned(), member, until };
        store.triage(&[Target::Indicator(1)], &act, "kari", NOW).await.unwrap();
    }
    let page = store.muted(None, None, LATER).await.unwrap();
    assert_eq!((page.items.len(), page.total, page.next), (2, 2, None));
    assert_eq!(page.items[0].muting.member.as_ref().map(|(number, _)| number.as_str()), Some("1002"));
    assert_eq!(store.muted(Some(2), None, LATER).await.unwrap().total, 0);
    let before = state(&fixture).await;
    let lift = Act::Unmute { reason: "ferdig".to_owned() };
    let deed = store.triage(&[Target::Indicator(1)], &lift, "ola", LATER).await.unwrap().deed.unwrap();
    assert_eq!(store.muted(None, None, LATER).await.unwrap().total, 0);
    let again = store.triage(&[Target::Muting(1), Target::Incident(1)], &lift, "ola", LATER).await.unwrap();
    let not = [(Target::Muting(1), NotDone::NotMuted), (Target::Incident(1), NotDone::NotSuch)];
    assert_eq!((again.deed, again.not_done.as_slice()), (None, not.as_slice()));
    store.undo(deed, "ola", LATER).await.unwrap().unwrap();
    assert_eq!(state(&fixture).await, before);
}

#[tokio::test]
async fn what_can_be_undone_is_bounded() {
    let fixture = world().await;
    let store = &fixture.store;
    for n in 0..20 {
        let act = Act::Take { owner: format!("kari {n}") };
        let at = NOW.plus(Duration::from_secs(n * 600));
        store.triage(&[Target::Incident(1)], &act, "kari", at).await.unwrap();
    }
    let rows = fixture.count("SELECT COUNT(*) FROM triage").await;
    assert!(rows <= 8, "{rows}");
}
