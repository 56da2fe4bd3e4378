//! What a person says of campaigns is told as that person's, wherever it can be seen to have happened, and to no member.

use std::collections::BTreeSet;

use super::*;
use crate::coverage::Coverage;
use crate::ingest::relink::settle_noise;
use crate::present::text::{Language, Texts};
use crate::present::too_connected::TooMuch;
use crate::present::work::said_words;
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
    let one = |into| Said::Split { from: Some(1), into, incidents: vec![3], count: 1, reason: String::new() };
    for (language, several, alone) in [
        (Language::Bokmaal, "sakene 3, 4 ble tatt ut", "sak 3 ble tatt ut"),
        (Language::Nynorsk, "sakene 3, 4 vart tekne ut", "sak 3 vart teken ut"),
        (Language::English, "incidents 3, 4 were taken out", "incident 3 was taken out"),
    ] {
        let texts = Texts::of(language);
        assert!(said_words(&said, texts).contains(several), "{}", said_words(&said, texts));
        for into in [None, Some(2)] {
            assert!(said_words(&one(into), texts).contains(alone), "{}", said_words(&one(into), texts));
        }
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

#[tokio::test]
async fn d29_what_a_person_does_with_a_campaign_moves_no_denominator() {
    let fixture = fixture(12).await;
    for member in 1..=4 {
        send(&fixture, member, &batch(1, vec![RecordBody::Opened(opened(2, 10, 48))])).await;
    }
    let store = &fixture.store;
    let after = |hours: u64| NOW.plus(std::time::Duration::from_secs(hours * 3_600));
    // These came to be an hour after all of it had been told.
    fixture.run("UPDATE sensor SET enrolled_at = 1795222800000000 WHERE id > 4").await;
    let counted = async || {
        let mut found = campaigns(&fixture, Scope::Operator).await;
        found.sort_by_key(|campaign| campaign.id);
        let picture = store.picture(Scope::Operator).await.unwrap();
        for campaign in &found {
            let facts = picture.campaigns.iter().find(|facts| facts.id == campaign.id).unwrap();
            let able = Coverage::of_campaign(&picture, facts).able.len();
            assert_eq!(i64::try_from(able).ok(), campaign.able_to_see, "page and list count alike");
        }
        found.into_iter().map(|campaign| (campaign.member_count, campaign.able_to_see)).collect::<Vec<_>>()
    };
    assert_eq!(counted().await, [(Some(4), Some(4))]);
    store.split_campaign(1, &BTreeSet::from([3, 4]), BY, after(2)).await.unwrap().unwrap();
    assert_eq!(counted().await, [(Some(2), Some(4)); 2]);
    store.merge_campaigns((2, 1), BY, after(3)).await.unwrap().unwrap();
    assert_eq!(counted().await, [(Some(4), Some(4))]);
    let step = crate::workflow::Step::Close(crate::workflow::Closing::Confirmed, None);
    let taking = crate::store::workflow::Taking {
        step,
        reason: Some("sett på"),
        who: "kari",
        at: after(4),
        with_incidents: false,
    };
    store.take_step(Matter::Campaign(1), taking, after(4)).await.unwrap().unwrap();
    assert_eq!(counted().await, [(Some(4), Some(4))]);
}

#[tokio::test]
async fn n_what_a_person_found_to_be_noise_is_told_so_and_what_is_advised_takes_it_back() {
    let fixture = fixture(4).await;
    for member in 1..=4 {
        send(&fixture, member, &batch(1, vec![RecordBody::Opened(opened(2, 10, 48))])).await;
    }
    fixture.run("INSERT INTO guard (id, kind, value, tripped_at, numbers) VALUES (9, 'indicator', '2', 0, '{}')").await;
    fixture.run("UPDATE cluster SET too_connected_at = 0, too_connected_why = 'indicator 2'").await;
    let store = &fixture.store;
    let told = async |language: Language| {
        let picture = store.picture(Scope::Operator).await.unwrap();
        let facts = &picture.campaigns[0];
        let too = TooMuch::of(facts.too_connected.as_ref().unwrap(), facts, Texts::of(language));
        let listed = campaigns(&fixture, Scope::Operator).await.remove(0);
        assert_eq!(listed.too_connected_lift, too.lift, "page and commands advise alike");
        (too.why.as_str().to_owned(), too.lift.unwrap(), listed.too_connected_upheld_by)
    };
    let reject = "varde-collector noise reject 2 --reason TEXT";
    let (why, lift, by) = told(Language::Bokmaal).await;
    assert!(why.contains("er foreslått som støy") && lift == reject && by.is_none(), "{why} {lift}");
    let alert = store.alert_to_judge(Scope::Operator, 2).await.unwrap().unwrap();
    store.accept_noise((2, alert), ("kari", "reklame"), NOW).await.unwrap().unwrap();
    let said = [
        (Language::Bokmaal, "er støy, sier kari"),
        (Language::Nynorsk, "er støy, seier kari"),
        (Language::English, "is noise, says kari"),
    ];
    for (language, words) in said {
        let (why, lift, by) = told(language).await;
        assert!(why.contains(words), "{why}");
        let both = format!("varde-collector indicator verdict 2 none --reason TEXT && {reject}");
        assert_eq!((lift, by.as_deref()), (both, Some("kari")));
    }
    // The first of the two done, the second alone is left to do.
    let word = crate::store::verdict::Word { verdict: None, reason: "feil", who: "kari" };
    store.take_back_false_positives(2, word, NOW).await.unwrap();
    assert_eq!(told(Language::Bokmaal).await.1, reject);
    assert!(settle_noise(store, 2, Settled::Overruled, ("kari", "feil"), NOW).await.unwrap());
    assert!(store.picture(Scope::Operator).await.unwrap().campaigns[0].too_connected.is_none());
}
