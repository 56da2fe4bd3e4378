//! What a person says of campaigns is told as that person's, wherever it can be seen to have happened, and to no member.

use std::collections::BTreeSet;

use super::*;
use crate::ingest::relink::settle_noise;
use crate::store::proposal::Settled;
use crate::store::ruling::{Split, Word};
use crate::workflow::timeline::{Entry, Said};
use crate::workflow::{Matter, Progress};

const BY: Word<'static> = Word { who: "anne", reason: "two things" };

async fn told(fixture: &Fixture, scope: Scope, case: Matter) -> Vec<Entry> {
    fixture.store.work(scope, case).await.unwrap().unwrap().timeline
}

#[tokio::test]
async fn c_a_split_and_a_merge_are_lines_of_every_timeline_they_concern_with_who_and_why_and_told_to_no_member() {
    let fixture = fixture(4).await;
    for member in 1..=4 {
        send(&fixture, member, &batch(1, vec![RecordBody::Opened(opened(2, 10, 48))])).await;
    }
    let store = &fixture.store;
    let taken = BTreeSet::from([3, 4]);
    let split = store.split_campaign(1, &taken, BY, NOW).await.unwrap().unwrap();
    assert_eq!(split, Split { kept: 1, other: Some(2) });
    let said =
        Said::Split { from: Some(1), into: Some(2), incidents: vec![3, 4], count: 2, reason: "two things".to_owned() };
    for case in [Matter::Campaign(1), Matter::Campaign(2), Matter::Incident(3), Matter::Incident(4)] {
        let all = told(&fixture, Scope::Operator, case).await;
        let lines: Vec<_> = all.iter().filter(|entry| entry.said == said).collect();
        assert_eq!(lines.len(), 1, "{case}: {all:?}");
        assert_eq!((lines[0].who.as_deref(), lines[0].for_members), (Some("anne"), false));
    }
    let own = format!("{:?}", told(&fixture, Scope::Member(3), Matter::Incident(3)).await);
    assert!(!own.contains("two things") && !own.contains("anne"), "{own}");
    // A person's merge is nobody else's.
    let why = Word { reason: "one after all", ..BY };
    assert_eq!(store.merge_campaigns((2, 1), why, NOW).await.unwrap(), Ok(1));
    let all = told(&fixture, Scope::Operator, Matter::Campaign(1)).await;
    assert!(!all.iter().any(|entry| matches!(entry.said, Said::Joined { .. })), "{all:?}");
    let merged = Said::Merged { id: Some(2), was: Progress::NEW, reason: "one after all".to_owned() };
    let line = all.iter().find(|entry| entry.said == merged).unwrap();
    assert_eq!((line.who.as_deref(), line.for_members, line.at), (Some("anne"), false, NOW));
    assert_eq!(all.iter().filter(|entry| entry.said == said).count(), 2, "what was said of the other stands here");
}

/// Indicator 1 as a source named it, met by two members, and proposed as noise.
async fn proposed() -> Fixture {
    let fixture = fixture(2).await;
    for member in 1..=2 {
        send(&fixture, member, &batch(1, vec![RecordBody::Opened(opened(1, 10, 48))])).await;
    }
    fixture.run("INSERT INTO guard (kind, value, tripped_at, numbers) VALUES ('indicator', '1', 0, '{}')").await;
    fixture
}

async fn settled(fixture: &Fixture) -> (Option<Settled>, Option<String>, Option<Timestamp>) {
    let all = fixture.store.noise_proposals(Scope::Operator, false).await.unwrap();
    (all[0].settled, all[0].settled_by.clone(), all[0].settled_at)
}

#[tokio::test]
async fn n_what_is_upheld_as_noise_is_not_accepted_again_and_counts_once() {
    let fixture = proposed().await;
    let store = &fixture.store;
    let alert = async || store.alert_to_judge(Scope::Operator, 1).await.unwrap().unwrap();
    let first = alert().await;
    let judged = store.accept_noise((1, first), ("kari", "reklame"), NOW).await.unwrap().unwrap();
    assert!(judged.withdrawn);
    assert_eq!(settled(&fixture).await, (Some(Settled::Upheld), Some("kari".to_owned()), Some(NOW)));
    assert_eq!(alert().await, first, "the one of which it is said");
    assert_eq!(store.accept_noise((1, first), ("per", "en gang til"), NOW).await.unwrap(), None);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM judgement").await, 1);
    assert_eq!(settled(&fixture).await.1.as_deref(), Some("kari"));
    // Said of an alert before it is accepted, it is one finding still.
    let fixture = proposed().await;
    let word = crate::store::verdict::Word {
        verdict: Some(crate::verdict::Verdict::FalsePositive),
        reason: "nei",
        who: "per",
    };
    fixture.run("UPDATE guard SET kind = 'threat'").await;
    fixture.store.judge(1, word, NOW).await.unwrap().unwrap();
    fixture.run("UPDATE guard SET kind = 'indicator'").await;
    let said = fixture.store.alert_to_judge(Scope::Operator, 1).await.unwrap().unwrap();
    assert_eq!(said, 1, "not the later one that nobody judged");
    assert!(fixture.store.accept_noise((1, said), ("kari", "reklame"), NOW).await.unwrap().is_some());
    assert_eq!(fixture.count("SELECT COUNT(*) FROM judgement").await, 1);
}

#[tokio::test]
async fn n_a_proposal_that_was_overruled_is_upheld_when_the_indicator_is_found_wrong_later() {
    let fixture = proposed().await;
    assert!(settle_noise(&fixture.store, 1, Settled::Overruled, ("anne", "ekte"), NOW).await.unwrap());
    let step = crate::workflow::Step::Close(crate::workflow::Closing::FalsePositive, None);
    let taking =
        crate::store::workflow::Taking { step, reason: Some("feil"), who: "kari", at: NOW, with_incidents: false };
    fixture.store.take_step(Matter::Incident(1), taking, NOW).await.unwrap().unwrap();
    assert_eq!(settled(&fixture).await, (Some(Settled::Upheld), Some("kari".to_owned()), Some(NOW)));
}
