//! What a person reports is an incident like others: it joins campaigns, counts as a hit, and is split and merged with them.

use std::collections::BTreeSet;

use super::*;
use crate::ingest::report::{Report, Reported, handle_report};
use crate::store::picture::Subject;
use crate::strand::Span;
use crate::workflow::again::Why;
use crate::workflow::timeline::Said;
use crate::workflow::{Closing, Matter, State};

fn report(member: i64) -> Report<'static> {
    let seen = Span::new(day(48), day(48));
    let (title, who) = ("Kari ringte om løsepenger", "kari");
    Report { member, title, seen, indicators: &[], threat: None, exercise: false, evidence: None, who }
}

async fn told(fixture: &Fixture, report: Report<'_>) -> Reported {
    handle_report(&fixture.store, &report, NOW).await.unwrap()
}

#[tokio::test]
async fn c_a_phone_call_is_an_incident_that_joins_what_others_have_on_the_same_threat_or_indicator() {
    for report in [Report { threat: Some("lure"), ..report(2) }, Report { indicators: &[2], ..report(2) }] {
        let fixture = fixture(3).await;
        send(&fixture, 1, &batch(1, vec![RecordBody::Opened(opened(3, 10, 48))])).await;
        let reported = told(&fixture, report).await;
        assert!(reported.is_new);
        let campaigns = campaigns(&fixture, Scope::Operator).await;
        assert_eq!(campaigns.len(), 1);
        let hits: Vec<(&str, bool)> =
            campaigns[0].members.iter().map(|part| (part.number.as_str(), part.human)).collect();
        assert_eq!(hits, [("1001", false), ("1002", true)], "a hit, and marked as what it is");
        assert_eq!((campaigns[0].member_count, campaigns[0].evidence), (Some(2), Some(Evidence::LookedUp)));
        let counted = (campaigns[0].able_to_see, campaigns[0].reported);
        assert_eq!(counted, (Some(2), Some(1)), "whom a person alone has reported is hit, and no sensor there saw it");
        let own = incident::one(&fixture.store, Scope::Operator, reported.incident).await.unwrap().unwrap();
        assert_eq!((own.title.as_str(), own.human, own.alerts), ("Kari ringte om løsepenger", true, 0));
        assert!(own.word.is_some(), "it is weighed as others are");
        // What sensors see then is of the same incident.
        send(&fixture, 2, &batch(1, vec![RecordBody::Opened(opened(2, 10, 49))])).await;
        let own = incident::one(&fixture.store, Scope::Operator, reported.incident).await.unwrap().unwrap();
        assert_eq!((own.alerts, own.human), (1, true));
        assert_eq!(incidents(&fixture).await.len(), 2);
    }
}

#[tokio::test]
async fn c_what_a_person_said_of_how_far_it_got_stands_when_sensors_see_less() {
    let fixture = fixture(2).await;
    send(&fixture, 1, &batch(1, vec![RecordBody::Opened(opened(3, 10, 48))])).await;
    let called = Report {
        threat: Some("lure"),
        evidence: Some(Evidence::DataOut),
        seen: Span::new(day(46), day(46)),
        ..report(2)
    };
    let reported = told(&fixture, called).await;
    let seen = AlertOpened { evidence: Evidence::Contacted, ..opened(2, 10, 47) };
    send(&fixture, 2, &batch(1, vec![RecordBody::Opened(seen)])).await;
    let own = incident::one(&fixture.store, Scope::Member(2), reported.incident).await.unwrap().unwrap();
    assert_eq!(
        (own.evidence, own.alerts, own.human),
        (Some(Evidence::DataOut), 1, true),
        "what the member is handed over"
    );
    let campaigns = campaigns(&fixture, Scope::Operator).await;
    let hits: Vec<(Option<Evidence>, bool)> =
        campaigns[0].members.iter().map(|part| (part.evidence, part.human)).collect();
    assert_eq!(hits, [(Some(Evidence::DataOut), false), (Some(Evidence::LookedUp), false)]);
    assert_eq!(campaigns[0].evidence, Some(Evidence::DataOut));
    let picture = fixture.store.picture(Scope::Operator).await.unwrap();
    let furthest = picture.campaigns[0].hits.iter().map(|hit| hit.evidence).max();
    assert_eq!(furthest, Some(crate::store::alert::level_of(Evidence::DataOut)));
    // When somebody called is no sighting.
    let work = fixture.store.work(Scope::Operator, Matter::Incident(reported.incident)).await.unwrap().unwrap();
    let first: Vec<Timestamp> =
        work.timeline.iter().filter(|entry| entry.said == Said::FirstSeen).map(|entry| entry.at).collect();
    assert_eq!(first, [day(47)]);
    // Nor does a report to what sensors have found make it less.
    let more = Report { threat: Some("lure"), evidence: Some(Evidence::DataOut), ..report(1) };
    assert!(!told(&fixture, more).await.is_new);
    let own = incident::one(&fixture.store, Scope::Operator, 1).await.unwrap().unwrap();
    assert_eq!((own.evidence, own.human), (Some(Evidence::DataOut), false));
}

#[tokio::test]
async fn c_a_call_says_what_was_said_and_weighs_more_once_a_person_has_confirmed_it() {
    use crate::priority::{Term, Word};
    let fixture = fixture(2).await;
    let reported = told(&fixture, report(1)).await;
    let own = async || incident::one(&fixture.store, Scope::Operator, reported.incident).await.unwrap().unwrap();
    let before = own().await;
    assert_eq!((before.evidence, before.word), (None, Some(Word::Info)), "nobody has said how far it got");
    assert!(before.why.iter().any(|term| matches!(term, Term::EvidenceUnknown { .. })), "{:?}", before.why);
    let take = async |step| {
        let taking =
            crate::store::workflow::Taking { step, reason: Some("ja"), who: "kari", at: NOW, with_incidents: false };
        fixture.store.take_step(Matter::Incident(reported.incident), taking, NOW).await.unwrap().unwrap();
    };
    take(crate::workflow::Step::Confirm).await;
    let after = own().await;
    assert_eq!(after.word, Some(Word::Medium), "{:?}", after.why);
    assert!(after.why.iter().any(|term| matches!(term, Term::Confirmed { .. })));
    let member = incident::one(&fixture.store, Scope::Member(1), reported.incident).await.unwrap().unwrap();
    assert_eq!(member.word, after.word, "its own");
    take(crate::workflow::Step::Close(Closing::FalsePositive, None)).await;
    assert_eq!(own().await.word, before.word, "what turned out to be nothing is confirmed no more");
    // What sensors see then is weighed by that.
    told(&fixture, Report { threat: Some("lure"), ..report(2) }).await;
    send(&fixture, 2, &batch(1, vec![RecordBody::Opened(opened(2, 10, 49))])).await;
    let seen = incident::one(&fixture.store, Scope::Operator, 2).await.unwrap().unwrap();
    assert!(seen.why.iter().any(|term| matches!(term, Term::Confidence { .. })), "{:?}", seen.why);
    assert_eq!(seen.evidence, Some(Evidence::LookedUp));
}

#[tokio::test]
async fn c_an_alert_that_joins_a_call_neither_takes_a_confirmation_from_it_nor_is_lifted_by_it() {
    use crate::priority::{Term, Word};
    let fixture = fixture(3).await;
    fixture.run("UPDATE indicator SET confidence = 30").await;
    let called = |member| Report { threat: Some("lure"), evidence: Some(Evidence::DataOut), ..report(member) };
    let confirmed = told(&fixture, called(1)).await.incident;
    let step = crate::workflow::Step::Confirm;
    let taking = crate::store::workflow::Taking { step, reason: None, who: "kari", at: NOW, with_incidents: false };
    fixture.store.take_step(Matter::Incident(confirmed), taking, NOW).await.unwrap().unwrap();
    let unconfirmed = told(&fixture, called(2)).await.incident;
    for member in 1..=3 {
        send(&fixture, member, &batch(1, vec![RecordBody::Opened(opened(2, 10, 49))])).await;
    }
    let own = async |id| incident::one(&fixture.store, Scope::Operator, id).await.unwrap().unwrap();
    let (confirmed, unconfirmed, seen) = (own(confirmed).await, own(unconfirmed).await, own(3).await);
    assert_eq!((confirmed.alerts, unconfirmed.alerts, seen.alerts), (1, 1, 1));
    assert_eq!(confirmed.word, Some(Word::Medium), "{:?}", confirmed.why);
    assert_eq!(unconfirmed.word, seen.word, "{:?}", unconfirmed.why);
    for term in confirmed.why.iter().chain(&unconfirmed.why) {
        assert!(!matches!(term, Term::AddressOnly { .. }), "nobody was seen in touch, by name or by address");
    }
    // The timeline says how far it got by whom.
    let work = fixture.store.work(Scope::Member(2), Matter::Incident(unconfirmed.id)).await.unwrap().unwrap();
    let far = work.timeline.iter().find_map(|entry| match &entry.said {
        Said::Reported { evidence, .. } => Some(*evidence),
        _ => None,
    });
    assert_eq!(far, Some(Some(Evidence::DataOut)));
    // What is taken back weighs as what sensors saw.
    let step = crate::workflow::Step::Close(Closing::FalsePositive, None);
    let taking =
        crate::store::workflow::Taking { step, reason: Some("nei"), who: "kari", at: NOW, with_incidents: false };
    fixture.store.take_step(Matter::Incident(confirmed.id), taking, NOW).await.unwrap().unwrap();
    assert_eq!(own(confirmed.id).await.word, seen.word);
}

#[tokio::test]
async fn w1_a_campaign_is_never_called_by_what_a_person_has_called_one_members_incident() {
    let fixture = fixture(2).await;
    told(&fixture, Report { indicators: &[1], ..report(1) }).await;
    told(&fixture, Report { indicators: &[1], ..report(2) }).await;
    let campaign = &campaigns(&fixture, Scope::Operator).await[0];
    assert_eq!(campaign.title, "evil.no");
    for member in [1, 2] {
        let scope = Scope::Member(member);
        let (_, detail) = fixture.store.picture_of(scope, Subject::Incident(member)).await.unwrap().unwrap();
        let picture = fixture.store.picture(scope).await.unwrap();
        assert_eq!(detail.incidents[0].title.as_deref(), Some("Kari ringte om løsepenger"), "its own");
        assert_eq!(picture.campaigns.len(), 0, "one other is no number that a member is told");
    }
    // What is for few is told to nobody by it.
    fixture.run("UPDATE indicator SET tlp = 'TLP:RED' WHERE id = 1").await;
    let picture = fixture.store.picture(Scope::Operator).await.unwrap();
    assert_eq!(picture.campaigns[0].title, None);
}

#[tokio::test]
async fn c_what_a_person_reports_on_nothing_stands_alone_and_is_merged_split_and_handed_over_with_all_that_was_said() {
    let fixture = fixture(3).await;
    let lone = told(&fixture, report(1)).await;
    let other = told(&fixture, Report { seen: Span::new(day(49), day(49)), ..report(1) }).await;
    assert!(lone.incident != other.incident && other.is_new, "a person's word is like no other");
    assert_eq!(campaigns(&fixture, Scope::Operator).await.len(), 0);
    let drill = told(&fixture, Report { exercise: true, threat: Some("lure"), ..report(2) }).await;
    let real = told(&fixture, Report { threat: Some("lure"), ..report(3) }).await;
    assert_eq!(campaigns(&fixture, Scope::Operator).await.len(), 0, "an exercise never mixes with what is real");
    assert!(incident::one(&fixture.store, Scope::Operator, drill.incident).await.unwrap().unwrap().exercise);
    told(&fixture, Report { threat: Some("lure"), ..report(1) }).await;
    let word = crate::store::ruling::Word { who: "kari", reason: "ikke det samme" };
    let split = fixture.store.split_campaign(1, &BTreeSet::from([real.incident]), word, NOW).await.unwrap().unwrap();
    assert_eq!((split.kept, split.other), (1, None));
    // Member 1 becomes part of member 2: its incidents are that one's, with all that was said of them.
    handle_merger(&fixture.store, 1, 2, NOW).await.unwrap();
    let there = incident::one(&fixture.store, Scope::Member(2), lone.incident).await.unwrap().unwrap();
    assert!(there.human);
    let work = fixture.store.work(Scope::Member(2), Matter::Incident(lone.incident)).await.unwrap().unwrap();
    assert!(
        work.timeline
            .iter()
            .any(|entry| matches!(&entry.said, Said::Reported { text, .. } if text.starts_with("Kari")))
    );
    assert_eq!(fixture.count("SELECT COUNT(*) FROM incident").await, 5, "none was lost, none put together");
}

#[tokio::test]
async fn c_what_a_member_has_already_a_report_joins_and_opens_where_it_was_closed() {
    let fixture = fixture(1).await;
    send(&fixture, 1, &batch(1, vec![RecordBody::Opened(opened(1, 10, 48))])).await;
    let step = crate::workflow::Step::Close(Closing::FalsePositive, None);
    let taking =
        crate::store::workflow::Taking { step, reason: Some("feil"), who: "kari", at: NOW, with_incidents: false };
    fixture.store.take_step(Matter::Incident(1), taking, NOW).await.unwrap().unwrap();
    let reported = told(&fixture, Report { indicators: &[1], ..report(1) }).await;
    assert_eq!((reported.incident, reported.is_new), (1, false));
    assert_eq!(reported.was_closed, Some(crate::workflow::Progress::closed(Closing::FalsePositive, None)));
    assert_eq!(told(&fixture, Report { indicators: &[1], ..report(1) }).await.was_closed, None, "it is open");
    let own = incident::one(&fixture.store, Scope::Operator, 1).await.unwrap().unwrap();
    assert_eq!((own.state, own.title.as_str(), own.human), (State::New, "evil.no", false));
    let work = fixture.store.work(Scope::Operator, Matter::Incident(1)).await.unwrap().unwrap();
    let back: Vec<Why> = work
        .timeline
        .iter()
        .filter_map(|entry| match &entry.said {
            Said::CameBack { why, .. } => Some(*why),
            _ => None,
        })
        .collect();
    assert_eq!(back, [Why::Reported]);
}
