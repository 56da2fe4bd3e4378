//! What is said of incidents and campaigns is kept, in order, and read by whom it is for.

use varde_common::time::Timestamp;

use super::*;
use crate::store::fixture::{Fixture, NOW};
use crate::workflow::timeline::MeasureStatus;
use crate::workflow::{Closing, State, Step};
use std::time::Duration;

const INCIDENT: Matter = Matter::Incident(1);
const CAMPAIGN: Matter = Matter::Campaign(1);

async fn run(fixture: &Fixture, sql: String) {
    let mut tx = fixture.store.begin().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// Incidents 1..=`members` on indicator 1, one of each member, all of campaign 1, each with one alert of host H-<member>.
async fn fixture(members: i64) -> Fixture {
    let fixture = Fixture::new(members).await;
    let now = NOW.0;
    run(
        &fixture,
        format!(
            "INSERT INTO cluster (id) VALUES (1); INSERT INTO campaign (id, uuid, link_kind, link_value, title, exercise, opened_at,
             first_seen, last_seen, updated_at, cluster_id) VALUES (1, 'c1', 'indicator', '1', 'evil.no', 0, {now}, {now}, {now}, {now}, 1)"
        ),
    )
    .await;
    for id in 1..=members {
        run(
            &fixture,
            format!(
                "INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, exercise, campaign_id, opened_at, first_seen,
                 last_seen, updated_at, cluster_id, campaign_since)
                 VALUES ({id}, 'i{id}', {id}, 'indicator', '1', 'evil.no', 0, 1, {now}, {now}, {now}, {now}, 1, {now});
                 INSERT INTO alert (id, uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, client, zone, zone_levels,
                 direction, evidence, by_resolver, looked_up_by_other, possible_contact, labels_left, protocol, severity, exercise,
                 retro, first_seen, last_seen, count, arrived_at, updated_at, incident_id)
                 VALUES ({id}, 'a{id}', {id}, 'e', 1, {id}, 0, 1, 1, 'H-{id}', 0, '000', 'outbound', 2, 0, 0, 0, 0, 17, 3, 0, 0,
                 {now}, {now}, 1, {now}, {now}, {id})"
            ),
        )
        .await;
    }
    fixture
}

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn taking(step: Step) -> Taking<'static> {
    Taking { step, reason: Some("derfor"), who: "kari", at: later(60), with_incidents: false }
}

async fn take(fixture: &Fixture, case: Matter, step: Step) -> Result<Taken, NotDone> {
    fixture.store.take_step(case, taking(step), later(60)).await.unwrap()
}

async fn say(fixture: &Fixture, case: Matter, said: Said, for_members: bool, at: Timestamp) -> Result<i64, NotDone> {
    let saying = Saying { who: Some("kari"), at, for_members };
    fixture.store.say(case, said, saying, later(60)).await.unwrap()
}

fn note(text: &str) -> Said {
    Said::Noted { text: text.to_owned() }
}

async fn work_of(fixture: &Fixture, scope: Scope, case: Matter) -> Option<Work> {
    fixture.store.work(scope, case).await.unwrap()
}

/// All that a member is given of an incident and a campaign, by every read there is.
async fn all_of(fixture: &Fixture, member: i64) -> String {
    let (store, scope) = (&fixture.store, Scope::Member(member));
    let mut all = format!("{:?}", store.picture(scope).await.unwrap());
    for subject in [crate::store::picture::Subject::Incident(member), crate::store::picture::Subject::Campaign(1)] {
        all.push_str(&format!("{:?}", store.picture_of(scope, subject).await.unwrap()));
    }
    for case in [Matter::Incident(member), CAMPAIGN] {
        all.push_str(&format!("{:?}", work_of(fixture, scope, case).await));
    }
    all.push_str(&serde_json::to_string(&crate::store::incident::list(store, scope, None).await.unwrap()).unwrap());
    all.push_str(&serde_json::to_string(&crate::store::campaign::list(store, scope, None).await.unwrap()).unwrap());
    all
}

#[tokio::test]
async fn w1_nothing_that_a_member_is_given_changes_by_what_is_said_to_others_or_to_nobody() {
    let fixture = fixture(3).await;
    let before = all_of(&fixture, 2).await;
    say(&fixture, Matter::Incident(2), note("hemmelig"), false, later(1)).await.unwrap();
    say(&fixture, CAMPAIGN, note("hemmelig"), false, later(1)).await.unwrap();
    say(&fixture, CAMPAIGN, Said::Assigned { owner: Some("kari".to_owned()) }, false, later(1)).await.unwrap();
    say(&fixture, INCIDENT, note("til den andre"), true, later(1)).await.unwrap();
    let measure =
        Said::Measured { of: None, text: "Nullstill passord".to_owned(), status: MeasureStatus::Done, key: None };
    say(&fixture, INCIDENT, measure, true, later(1)).await.unwrap();
    say(&fixture, INCIDENT, Said::Discovered, true, later(1)).await.unwrap();
    take(&fixture, INCIDENT, Step::Triage).await.unwrap();
    take(&fixture, CAMPAIGN, Step::Close(Closing::Confirmed, None)).await.unwrap();
    take(&fixture, CAMPAIGN, Step::Reopen).await.unwrap();
    assert_eq!(all_of(&fixture, 2).await, before);
    assert_eq!(work_of(&fixture, Scope::Member(2), INCIDENT).await, None, "another's");
    // Its own, and what is meant for all concerned, it is given.
    say(&fixture, CAMPAIGN, note("til alle"), true, later(1)).await.unwrap();
    say(&fixture, Matter::Incident(2), note("til deg"), true, later(1)).await.unwrap();
    let all = all_of(&fixture, 2).await;
    assert!(
        all.contains("til alle")
            && all.contains("til deg")
            && !all.contains("hemmelig")
            && !all.contains("til den andre")
    );
    take(&fixture, Matter::Incident(2), Step::Triage).await.unwrap();
    assert!(all_of(&fixture, 2).await.contains("\"state\":\"triaged\""));
}

#[tokio::test]
async fn c_every_step_is_told_with_both_its_times_and_refused_ones_change_nothing() {
    let fixture = fixture(2).await;
    let refused = take(&fixture, INCIDENT, Step::Contain).await;
    assert!(matches!(refused, Err(NotDone::Refused(_))), "{refused:?}");
    assert_eq!(take(&fixture, Matter::Incident(9), Step::Triage).await, Err(NotDone::NoCase));
    assert_eq!(fixture.count("SELECT COUNT(*) FROM timeline").await, 0);
    for step in [Step::Triage, Step::Confirm, Step::Contain, Step::Close(Closing::Confirmed, None), Step::Reopen] {
        take(&fixture, INCIDENT, step).await.unwrap();
    }
    let work = work_of(&fixture, Scope::Operator, INCIDENT).await.unwrap();
    let states: Vec<State> = work
        .timeline
        .iter()
        .filter_map(|entry| match &entry.said {
            Said::Stepped { standing, .. } => Some(standing.state()),
            _ => None,
        })
        .collect();
    assert_eq!(states, [State::Triaged, State::Confirmed, State::Contained, State::Closed, State::Triaged]);
    assert_eq!(work.timeline[0].said, Said::FirstSeen, "{work:?}");
    // What is learnt late stands where it was so, and says when it was learnt.
    let early = NOW.minus(Duration::from_secs(3_600));
    say(&fixture, INCIDENT, note("ringte i går"), false, early).await.unwrap();
    let first = work_of(&fixture, Scope::Operator, INCIDENT).await.unwrap().timeline.remove(0);
    assert_eq!((first.said, first.at, first.learnt_at), (note("ringte i går"), early, later(60)));
}

#[tokio::test]
async fn c_what_was_reported_was_not_reported_before_it_was_discovered() {
    let fixture = fixture(1).await;
    let reported = || Said::DutyReported { duty: crate::workflow::duty::Duty::Datatilsynet };
    say(&fixture, INCIDENT, Said::Discovered, true, later(100)).await.unwrap();
    let not = say(&fixture, INCIDENT, reported(), true, later(99)).await;
    assert_eq!(not, Err(NotDone::BeforeDiscovered(later(100))));
    let sentence = NotDone::BeforeDiscovered(later(100)).sentence(INCIDENT);
    assert!(sentence.contains(&format!("discovered {}", later(100))) && sentence.ends_with("--at TIME"), "{sentence}");
    say(&fixture, INCIDENT, reported(), true, later(100)).await.unwrap();
    // What was discovered earlier than was thought may have been reported then.
    say(&fixture, INCIDENT, Said::Discovered, true, later(10)).await.unwrap();
    say(&fixture, INCIDENT, reported(), true, later(99)).await.unwrap();
    // Nor does the discovery come after the report; where that was wrong it goes first.
    let not = say(&fixture, INCIDENT, Said::Discovered, true, later(100)).await.unwrap_err();
    assert_eq!(not, NotDone::AfterReported(later(99), crate::workflow::duty::Duty::Datatilsynet));
    assert!(not.sentence(INCIDENT).contains("reported datatilsynet --at TIME"), "{}", not.sentence(INCIDENT));
    say(&fixture, INCIDENT, reported(), true, later(110)).await.unwrap();
    say(&fixture, INCIDENT, Said::Discovered, true, later(100)).await.unwrap();
}

#[tokio::test]
async fn c_a_duplicate_is_one_of_what_is_worked_on_at_the_same_member() {
    let fixture = fixture(2).await;
    run(
        &fixture,
        "INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, exercise, opened_at, first_seen, last_seen,
         updated_at, cluster_id) SELECT 7, 'i7', member_id, link_kind, link_value, title, 0, opened_at, first_seen, last_seen,
         updated_at, cluster_id FROM incident WHERE id = 1;
         INSERT INTO merged (kind, id, uuid, into_id, opened_at, merged_at) VALUES ('incident', 5, 'i5', 7, 0, 0)"
            .to_owned(),
    )
    .await;
    let duplicate = |of| Step::Close(Closing::Duplicate, Some(of));
    assert_eq!(take(&fixture, INCIDENT, duplicate(9)).await, Err(NotDone::NoOther(9)));
    assert_eq!(take(&fixture, INCIDENT, duplicate(2)).await, Err(NotDone::OtherMembers(2)));
    let taken = take(&fixture, INCIDENT, duplicate(5)).await.unwrap();
    assert_eq!(taken.after, Progress::closed(Closing::Duplicate, Some(7)), "a number that leads on is followed");
    assert_eq!(take(&fixture, Matter::Incident(7), duplicate(1)).await, Err(NotDone::OtherClosed(1)));
}

#[tokio::test]
async fn c_closed_as_a_false_positive_its_alerts_are_judged_so_and_each_indicator_counts_once() {
    let fixture = fixture(3).await;
    run(&fixture, "UPDATE alert SET verdict = 'confirmed', verdict_reason = 'jo' WHERE id = 3".to_owned()).await;
    let closing = Taking { with_incidents: true, ..taking(Step::Close(Closing::FalsePositive, None)) };
    let taken = fixture.store.take_step(CAMPAIGN, closing, later(60)).await.unwrap().unwrap();
    let behind = taken.behind.unwrap();
    assert_eq!((behind.alerts, behind.kept, behind.withdrawn.as_slice()), (2, 1, &[1][..]));
    assert_eq!(fixture.count("SELECT COUNT(*) FROM judgement").await, 1, "two alerts, one indicator");
    assert_eq!(
        fixture.count("SELECT COUNT(*) FROM alert WHERE verdict = 'false-positive' AND judgement_id = 1").await,
        2
    );
    assert_eq!(fixture.count("SELECT COUNT(*) FROM indicator WHERE id = 1 AND refuted_at IS NOT NULL").await, 1);
    assert_eq!(taken.incidents.iter().map(|closed| closed.incident).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM incident WHERE closed_as = 'false-positive'").await, 3);
    // What is said of one alone is of that one: the judgement stands as long as another does by it.
    let word = |verdict| crate::store::verdict::Word { verdict, reason: "nei", who: "kari" };
    fixture.store.judge(1, word(None), later(70)).await.unwrap();
    assert_eq!(fixture.count("SELECT COUNT(*) FROM judgement").await, 1);
    let judged = fixture.store.judge(2, word(None), later(70)).await.unwrap().unwrap();
    assert_eq!(fixture.count("SELECT COUNT(*) FROM judgement").await, 0);
    assert_eq!(
        fixture.count("SELECT COUNT(*) FROM indicator WHERE id = 1 AND refuted_at IS NOT NULL").await,
        0,
        "{judged:?}"
    );
}

#[tokio::test]
async fn c_measures_are_told_to_whom_they_were_told_first_and_strangers_change_none() {
    let fixture = fixture(2).await;
    let measure = |of, status| Said::Measured { of, text: "Sperr brukeren".to_owned(), status, key: None };
    let line = say(&fixture, INCIDENT, measure(None, MeasureStatus::Planned), false, later(5)).await.unwrap();
    say(&fixture, INCIDENT, measure(Some(line), MeasureStatus::Done), true, later(9)).await.unwrap();
    let not = say(&fixture, Matter::Incident(2), measure(Some(line), MeasureStatus::Done), true, later(9)).await;
    assert_eq!(not, Err(NotDone::NoMeasure(line)), "another incident's");
    let measures = work_of(&fixture, Scope::Operator, INCIDENT).await.unwrap().measures;
    assert_eq!(measures.len(), 1);
    assert_eq!((measures[0].id, measures[0].status, measures[0].at), (line, MeasureStatus::Done, later(9)));
    assert_eq!(work_of(&fixture, Scope::Member(1), INCIDENT).await.unwrap().measures, []);
}

#[tokio::test]
async fn c_as_much_is_said_of_one_thing_as_may_be_and_no_more() {
    let fixture = fixture(1).await;
    let full = format!(
        "WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < {TIMELINE_SAID_MAX})
         INSERT INTO timeline SELECT id, 'incident', 1, 0, 0, 'x', 0, '{{\"what\":\"noted\",\"text\":\"x\"}}' FROM n"
    );
    run(&fixture, full).await;
    assert_eq!(say(&fixture, INCIDENT, note("en til"), false, NOW).await, Err(NotDone::Full));
    assert_eq!(take(&fixture, INCIDENT, Step::Triage).await, Err(NotDone::Full));
    say(&fixture, CAMPAIGN, note("her er det plass"), false, NOW).await.unwrap();
    let work = work_of(&fixture, Scope::Operator, INCIDENT).await.unwrap();
    assert_eq!(i64::try_from(work.timeline.len()).unwrap(), TIMELINE_SAID_MAX + 1);
}

#[tokio::test]
async fn q3_what_was_said_goes_with_what_it_was_said_of_and_keeps_that_as_long_as_it_is_new() {
    let fixture = fixture(2).await;
    say(&fixture, INCIDENT, note("gammel"), false, NOW).await.unwrap();
    say(&fixture, CAMPAIGN, note("gammel"), true, NOW).await.unwrap();
    run(
        &fixture,
        format!(
            "INSERT INTO silence (id, sensor_id, kind, began_at, found_at, last_at, times, facts)
        VALUES (1, 1, 'deaf', {now}, {now}, {now}, 1, '{{}}')",
            now = NOW.0
        ),
    )
    .await;
    say(&fixture, Matter::Silence(1), note("speilporten"), false, NOW).await.unwrap();
    let heard = async |at: Timestamp| {
        run(&fixture, format!("INSERT INTO heartbeat VALUES (1, {}, '{{}}')", at.0)).await;
        for _ in 0..4 {
            fixture.store.forget_found(at).await.unwrap();
        }
        fixture.count("SELECT COUNT(*) FROM timeline").await
    };
    let kept = crate::limits::ALERTS_KEPT;
    assert_eq!(heard(NOW.plus(kept)).await, 3, "just not due");
    // Incident 1 is worked on still, and with it stays its campaign.
    run(&fixture, format!("UPDATE incident SET worked_at = {} WHERE id = 1", NOW.plus(kept).0)).await;
    assert_eq!(heard(NOW.plus(kept).plus(Duration::from_secs(7_200))).await, 3);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM incident WHERE id = 1").await, 1);
    run(&fixture, "UPDATE incident SET worked_at = 0; UPDATE campaign SET worked_at = 0".to_owned()).await;
    assert_eq!(
        heard(NOW.plus(kept).plus(Duration::from_secs(10_800))).await,
        1,
        "what was said of a silence stays with that"
    );
    let ended = NOW.plus(Duration::from_secs(60));
    run(&fixture, format!("UPDATE silence SET ended_at = {}", ended.0)).await;
    fixture.store.forget_heartbeats(NOW.plus(kept).plus(Duration::from_secs(10_800))).await.unwrap();
    assert_eq!(fixture.count("SELECT COUNT(*) FROM timeline").await, 0);
}
