//! What was closed opens again by what its closing does not cover: once, however batches are cut, ordered and sent again.

use super::*;
use crate::store::workflow::Taking;
use crate::workflow::again::Why;
use crate::workflow::timeline::{Entry, Said};
use crate::workflow::{Closing, Matter, Progress, State, Step};

/// Our clock at the closings: between the 50th day and the 51st.
fn closing_day() -> Timestamp {
    day(50)
}

async fn close(fixture: &Fixture, case: Matter, closing: Closing, of: Option<i64>) {
    let step = |step| Taking { step, reason: Some("ferdig"), who: "kari", at: closing_day(), with_incidents: false };
    if closing == Closing::Confirmed && matches!(case, Matter::Incident(_)) {
        fixture.store.take_step(case, step(Step::Confirm), closing_day()).await.unwrap().unwrap();
    }
    fixture.store.take_step(case, step(Step::Close(closing, of)), closing_day()).await.unwrap().unwrap();
}

/// What comes in before the closings, by our clock.
async fn before(fixture: &Fixture, sensor: i64, body: RecordBody) {
    handle_batch(&fixture.store, sensor, &batch(1, vec![body]), day(49)).await.unwrap();
}

async fn told(fixture: &Fixture, case: Matter) -> Vec<Said> {
    let work = fixture.store.work(Scope::Operator, case).await.unwrap().unwrap();
    work.timeline.into_iter().map(|entry: Entry| entry.said).collect()
}

async fn came_back(fixture: &Fixture, case: Matter) -> Vec<Why> {
    let back = |said| match said {
        Said::CameBack { why, .. } => Some(why),
        _ => None,
    };
    told(fixture, case).await.into_iter().filter_map(back).collect()
}

async fn standing(fixture: &Fixture, incident: i64) -> Progress {
    let found = incident::one(&fixture.store, Scope::Operator, incident).await.unwrap().unwrap();
    Progress::read(found.state.as_str(), found.closed_as.map(Closing::as_str), found.duplicate_of)
}

/// One incident of member 1: host 10 looked indicator 1 up on the 48th day; closed on the 50th.
async fn closed(closing: Closing) -> Fixture {
    let fixture = fixture(1).await;
    before(&fixture, 1, RecordBody::Opened(opened(1, 10, 48))).await;
    close(&fixture, Matter::Incident(1), closing, None).await;
    fixture
}

#[tokio::test]
async fn c_what_is_met_again_after_it_was_closed_opens_it_once_and_what_was_before_is_only_told() {
    let fixture = closed(Closing::Confirmed).await;
    // Late word of before the closing: it has grown, and nobody is called.
    send(&fixture, 1, &batch(2, vec![RecordBody::Updated(updated(1, 3, Evidence::LookedUp, 49))])).await;
    let shut = Progress::closed(Closing::Confirmed, None);
    assert_eq!(standing(&fixture, 1).await, shut);
    let found = incident::one(&fixture.store, Scope::Operator, 1).await.unwrap().unwrap();
    assert_eq!((found.sightings, found.grown_since_closed), (4, true), "never silently swallowed");
    // After it, twice, and all of it sent again.
    let more = vec![
        RecordBody::Updated(updated(1, 1, Evidence::LookedUp, 51)),
        RecordBody::Updated(updated(1, 1, Evidence::LookedUp, 52)),
    ];
    for _ in 0..3 {
        send(&fixture, 1, &batch(3, more.clone())).await;
    }
    send(&fixture, 1, &batch(5, vec![RecordBody::Updated(updated(1, 1, Evidence::LookedUp, 53))])).await;
    assert_eq!(standing(&fixture, 1).await, Progress::NEW);
    assert_eq!(came_back(&fixture, Matter::Incident(1)).await, [Why::SeenAgain], "told once");
    let told = told(&fixture, Matter::Incident(1)).await;
    let kept = told.iter().filter(|said| matches!(said, Said::Stepped { .. })).count();
    assert_eq!(kept, 2, "the old history is there: {told:?}");
    let found = incident::one(&fixture.store, Scope::Operator, 1).await.unwrap().unwrap();
    assert_eq!((found.came_back, found.state), (1, State::New));
}

#[tokio::test]
async fn c_a_stage_that_nobody_knew_opens_it_though_it_was_before_the_closing() {
    let fixture = closed(Closing::Confirmed).await;
    send(&fixture, 1, &batch(2, vec![RecordBody::Updated(updated(1, 1, Evidence::DataOut, 49))])).await;
    assert_eq!(came_back(&fixture, Matter::Incident(1)).await, [Why::Further]);
    let stages: Vec<Evidence> = told(&fixture, Matter::Incident(1))
        .await
        .into_iter()
        .filter_map(|said| match said {
            Said::Reached { evidence } => Some(evidence),
            _ => None,
        })
        .collect();
    assert_eq!(stages, [Evidence::LookedUp, Evidence::DataOut]);
}

#[tokio::test]
async fn c_a_false_positive_stays_closed_over_more_of_the_same_and_opens_by_another_indicator() {
    let fixture = fixture(1).await;
    send(&fixture, 1, &batch(1, vec![RecordBody::Opened(opened(2, 10, 48))])).await;
    close(&fixture, Matter::Incident(1), Closing::FalsePositive, None).await;
    let more = vec![RecordBody::Updated(updated(1, 1, Evidence::Contacted, 51)), RecordBody::Opened(opened(2, 11, 52))];
    send(&fixture, 1, &batch(2, more)).await;
    assert_eq!(
        standing(&fixture, 1).await,
        Progress::closed(Closing::FalsePositive, None),
        "sensors have the old list still"
    );
    // 3 is of the same threat, and nobody has said that it is wrong.
    send(&fixture, 1, &batch(4, vec![RecordBody::Opened(opened(3, 10, 49))])).await;
    assert_eq!(came_back(&fixture, Matter::Incident(1)).await, [Why::SomethingElse]);
}

#[tokio::test]
async fn c_legitimate_traffic_stays_closed_for_its_host_and_opens_by_another_host_or_by_more_than_was_wanted() {
    for (opens, body) in [
        (None, RecordBody::Updated(updated(1, 1, Evidence::LookedUp, 51))),
        (None, RecordBody::Opened(opened(1, 10, 52))),
        (Some(Why::SomethingElse), RecordBody::Opened(opened(1, 11, 49))),
        (Some(Why::Further), RecordBody::Updated(updated(1, 1, Evidence::DataOut, 49))),
    ] {
        let fixture = closed(Closing::Legitimate).await;
        send(&fixture, 1, &batch(2, vec![body.clone()])).await;
        assert_eq!(came_back(&fixture, Matter::Incident(1)).await, Vec::from_iter(opens), "{body:?}");
    }
}

/// Two of indicators 1 and 2 (of no threat, and of the threat "lure") put together by their host, as correlation does it.
#[tokio::test]
async fn c_another_threat_on_the_same_host_that_comes_late_opens_what_was_closed_and_is_named() {
    for (closing, of) in [(Closing::Confirmed, None), (Closing::Exercise, None), (Closing::Duplicate, Some(1))] {
        let fixture = fixture(1).await;
        fixture.run("UPDATE indicator SET confidence = 90").await;
        let met = AlertOpened { evidence: Evidence::Contacted, ..opened(1, 10, 47) };
        let both = vec![RecordBody::Opened(met), RecordBody::Opened(opened(1, 11, 20))];
        handle_batch(&fixture.store, 1, &batch(1, both), day(49)).await.unwrap();
        close(&fixture, Matter::Incident(2), closing, of).await;
        // Sent late: it was met before the closing, and known after.
        let late = AlertOpened { last_seen: day(48), ..opened(2, 10, 47) };
        for _ in 0..2 {
            send(&fixture, 1, &batch(3, vec![RecordBody::Opened(late.clone())])).await;
        }
        let more = batch(4, vec![RecordBody::Opened(opened(3, 10, 47))]);
        assert_eq!(incidents(&fixture).await.len(), 2, "the same host");
        assert_eq!(standing(&fixture, 2).await, Progress::NEW, "{closing:?}: nobody has judged it");
        let told = told(&fixture, Matter::Incident(2)).await;
        let Some(Said::CameBack { why, about: Some(about), .. }) = told.last() else { panic!("{told:?}") };
        assert_eq!((*why, about.name.as_deref()), (Why::SomethingElse, Some("lure")), "behind the closing");
        // Closed again, more of the same is known.
        close(&fixture, Matter::Incident(2), closing, of).await;
        fixture.run("UPDATE incident SET state_at = (SELECT MAX(arrived_at) FROM alert) WHERE id = 2").await;
        handle_batch(&fixture.store, 1, &more, Timestamp(NOW.0 + 1)).await.unwrap();
        assert_eq!(standing(&fixture, 2).await, Progress::closed(closing, of), "3 is of the same threat");
        // What is marked for few is named by its number, also in a line that was written before.
        fixture.run("UPDATE indicator SET tlp = 'TLP:RED' WHERE id = 2").await;
        let told = format!("{:?}", self::told(&fixture, Matter::Incident(2)).await);
        assert!(told.contains("confidential indicator 2") && !told.contains("lure"), "{told}");
    }
}

/// Decision 25: each fact with the time it was so and the time it was learnt, of the same alert.
#[tokio::test]
async fn c_the_first_sighting_was_learnt_when_the_alert_came_that_tells_of_it() {
    let fixture = fixture(1).await;
    handle_batch(&fixture.store, 1, &batch(1, vec![RecordBody::Opened(opened(1, 10, 48))]), day(49)).await.unwrap();
    handle_batch(&fixture.store, 1, &batch(2, vec![RecordBody::Opened(opened(1, 11, 45))]), day(50)).await.unwrap();
    let work = fixture.store.work(Scope::Operator, Matter::Incident(1)).await.unwrap().unwrap();
    let first = work.timeline.iter().find(|entry| entry.said == Said::FirstSeen).unwrap();
    assert_eq!((first.at, first.learnt_at), (day(45), day(50)));
}

#[tokio::test]
async fn c_a_duplicate_stays_closed_as_long_as_the_other_is_worked_on() {
    let fixture = fixture(1).await;
    let both = vec![RecordBody::Opened(opened(1, 10, 48)), RecordBody::Opened(opened(2, 11, 48))];
    handle_batch(&fixture.store, 1, &batch(1, both), day(49)).await.unwrap();
    close(&fixture, Matter::Incident(1), Closing::Duplicate, Some(2)).await;
    send(&fixture, 1, &batch(3, vec![RecordBody::Updated(updated(1, 1, Evidence::LookedUp, 51))])).await;
    assert_eq!(standing(&fixture, 1).await, Progress::closed(Closing::Duplicate, Some(2)));
    close(&fixture, Matter::Incident(2), Closing::Confirmed, None).await;
    send(&fixture, 1, &batch(4, vec![RecordBody::Updated(updated(1, 1, Evidence::LookedUp, 52))])).await;
    assert_eq!(came_back(&fixture, Matter::Incident(1)).await, [Why::SeenAgain]);
}

#[tokio::test]
async fn c_what_comes_back_after_more_than_a_week_is_an_incident_of_its_own_that_says_so() {
    let fixture = closed(Closing::Confirmed).await;
    send(&fixture, 1, &batch(2, vec![RecordBody::Opened(opened(1, 10, 70))])).await;
    assert_eq!(standing(&fixture, 1).await, Progress::closed(Closing::Confirmed, None));
    assert!(told(&fixture, Matter::Incident(2)).await.contains(&Said::Returned { of: Some(1) }));
    assert!(told(&fixture, Matter::Incident(1)).await.contains(&Said::WentOn { in_incident: Some(2) }));
    let found = incident::one(&fixture.store, Scope::Operator, 2).await.unwrap().unwrap();
    assert_eq!(found.came_back, 1);
    // Another host's is news.
    send(&fixture, 1, &batch(3, vec![RecordBody::Opened(opened(1, 11, 90))])).await;
    assert!(!told(&fixture, Matter::Incident(3)).await.iter().any(|said| matches!(said, Said::Returned { .. })));
    // The gap is filled later: all of it is one incident, which is open, and nothing that was said is lost.
    let bridge = [54, 60, 66, 76, 83].map(|day| RecordBody::Opened(opened(1, 12, day)));
    send(&fixture, 1, &batch(4, bridge.to_vec())).await;
    assert_eq!(incidents(&fixture).await.len(), 1);
    assert_eq!(standing(&fixture, 1).await, Progress::NEW);
    let told = told(&fixture, Matter::Incident(1)).await;
    let joined = told.iter().filter(|said| matches!(said, Said::Joined { .. })).count();
    assert_eq!(joined, 2, "{told:?}");
    assert!(told.contains(&Said::Returned { of: Some(1) }));
}

#[tokio::test]
async fn c_a_closed_campaign_opens_when_another_member_joins_or_something_further_happens_and_tells_no_member() {
    let fixture = fixture(3).await;
    for sensor in [1, 2] {
        before(&fixture, sensor, RecordBody::Opened(opened(1, 10, 48))).await;
    }
    close(&fixture, Matter::Campaign(1), Closing::Confirmed, None).await;
    let state = async |fixture: &Fixture| campaigns(fixture, Scope::Operator).await[0].state;
    // More of what is open and known calls nobody.
    send(&fixture, 1, &batch(2, vec![RecordBody::Updated(updated(1, 1, Evidence::LookedUp, 51))])).await;
    assert_eq!(state(&fixture).await, Some(State::Closed));
    send(&fixture, 1, &batch(3, vec![RecordBody::Updated(updated(1, 1, Evidence::Contacted, 51))])).await;
    assert_eq!(came_back(&fixture, Matter::Campaign(1)).await, [Why::Further]);
    let step = Step::Close(Closing::Exercise, None);
    let taking = Taking { step, reason: Some("ferdig"), who: "kari", at: NOW, with_incidents: false };
    fixture.store.take_step(Matter::Campaign(1), taking, NOW).await.unwrap().unwrap();
    let was = fixture.store.work(Scope::Member(1), Matter::Campaign(1)).await.unwrap();
    // Batches come in after the closing by our clock.
    let joins = batch(1, vec![RecordBody::Opened(opened(1, 10, 49))]);
    for _ in 0..2 {
        handle_batch(&fixture.store, 3, &joins, Timestamp(NOW.0 + 1)).await.unwrap();
    }
    // As it opened, though the other member's sighting was before.
    assert_eq!(came_back(&fixture, Matter::Campaign(1)).await, [Why::Further, Why::AnotherMember]);
    assert_eq!(state(&fixture).await, Some(State::New));
    let after = fixture.store.work(Scope::Member(1), Matter::Campaign(1)).await.unwrap();
    assert_eq!(after, was, "W1: that another joined is told to nobody");
    assert_eq!(campaigns(&fixture, Scope::Member(1)).await, [], "W1: nor that there is one, with so few others");
}

#[tokio::test]
async fn c_a_campaign_closed_as_a_false_positive_stays_so_over_members_that_have_the_old_list_still() {
    let fixture = fixture(4).await;
    for sensor in [1, 2] {
        before(&fixture, sensor, RecordBody::Opened(opened(2, 10, 48))).await;
    }
    close(&fixture, Matter::Campaign(1), Closing::FalsePositive, None).await;
    send(&fixture, 3, &batch(1, vec![RecordBody::Opened(opened(2, 10, 49))])).await;
    assert_eq!(campaigns(&fixture, Scope::Operator).await[0].state, Some(State::Closed));
    send(&fixture, 4, &batch(1, vec![RecordBody::Opened(opened(3, 10, 49))])).await;
    assert_eq!(came_back(&fixture, Matter::Campaign(1)).await, [Why::AnotherMember]);
}

/// Every way to order the batches of three sensors, and to cut what each sends.
#[tokio::test]
async fn i8_in_whatever_order_batches_come_after_a_closing_it_opens_once_and_stands_the_same() {
    let later = [
        (1, RecordBody::Updated(updated(1, 2, Evidence::LookedUp, 49))),
        (1, RecordBody::Updated(updated(1, 2, Evidence::LookedUp, 52))),
        (2, RecordBody::Updated(updated(1, 2, Evidence::LookedUp, 51))),
        (3, RecordBody::Opened(opened(1, 10, 51))),
    ];
    let orders = [[0, 1, 2, 3], [3, 2, 0, 1], [2, 0, 3, 1], [0, 3, 1, 2]];
    let mut ends = Vec::new();
    for order in orders {
        let fixture = fixture(3).await;
        for sensor in [1, 2] {
            before(&fixture, sensor, RecordBody::Opened(opened(1, 10, 48))).await;
        }
        for incident in [1, 2] {
            close(&fixture, Matter::Incident(incident), Closing::Confirmed, None).await;
        }
        close(&fixture, Matter::Campaign(1), Closing::Confirmed, None).await;
        let mut next = BTreeMap::from([(1, 2), (2, 2), (3, 1)]);
        for place in order {
            let (sensor, body) = &later[place];
            let seq = next.get_mut(sensor).unwrap();
            for _ in 0..2 {
                send(&fixture, *sensor, &batch(*seq, vec![body.clone()])).await;
            }
            *seq += 1;
        }
        let backs = fixture.count("SELECT COUNT(*) FROM timeline WHERE body LIKE '%\"came_back\"%'").await;
        let mut states = Vec::new();
        for incident in [1, 2, 3] {
            states.push(standing(&fixture, incident).await);
        }
        ends.push((backs, states, campaigns(&fixture, Scope::Operator).await[0].state, content(&fixture).await));
    }
    assert_eq!((ends[0].0, ends[0].2), (3, Some(State::New)), "two incidents and the campaign, each once");
    assert_eq!(ends[0].1, [Progress::NEW; 3]);
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:#?}");
}
