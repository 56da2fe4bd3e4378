//! Guards of every kind are told with their numbers, a person lifts them for good, and what stood on them is weighed anew.

use varde_common::alert::BrakedCount;

use super::correlated::{indicators, reached, tell};
use super::*;
use crate::ingest::relink::{settle_guard, settle_noise};
use crate::present::detail::CampaignView;
use crate::present::shown::Calendar;
use crate::present::text::{Language, Texts};
use crate::present::view::Reader;
use crate::priority::{Term, Word as Grade};
use crate::store::leaving::Departing;
use crate::store::picture::Subject;
use crate::store::proposal::Settled;
use crate::store::tripped::{GuardRow, NotSettled};

const WORD: (&str, &str) = ("anne", "én familie");

async fn guards(fixture: &Fixture, standing: bool) -> Vec<GuardRow> {
    fixture.store.guards(Scope::Operator, standing).await.unwrap()
}

async fn settle(fixture: &Fixture, guard: i64, settled: Settled) -> Result<(), NotSettled> {
    settle_guard(&fixture.store, guard, settled, WORD, NOW).await.unwrap()
}

async fn worst(fixture: &Fixture) -> Option<Grade> {
    incidents(fixture).await.iter().map(|incident| incident.word).max().flatten()
}

#[tokio::test]
async fn c_a_mere_list_is_told_with_its_numbers_and_a_persons_no_stands_until_it_is_taken_back() {
    let fixture = fixture(3).await;
    indicators(&fixture, 10, 101, 95).await;
    fixture.run("UPDATE indicator SET threat = 'Storfamilien' WHERE id >= 10").await;
    tell(&fixture, 1, vec![reached(10, 7, 0, "198.51.100.1")]).await;
    tell(&fixture, 2, vec![reached(11, 8, 0, "198.51.100.2")]).await;
    assert_eq!(campaigns(&fixture, Scope::Operator).await, []);
    assert!(worst(&fixture).await <= Some(Grade::Medium));
    let told = guards(&fixture, true).await;
    let [guard] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((guard.kind.as_str(), guard.value.as_str(), guard.since), ("threat", "Storfamilien", NOW));
    assert_eq!((&guard.numbers, guard.now, guard.settled), (&json!({ "indicators_over": 100 }), Some(101), None));
    assert_eq!(fixture.store.guards(Scope::Member(1), false).await.unwrap(), [], "it tells of many members");
    // The list is cut to twenty: that is told, and the guard stays until a person lifts it.
    fixture.run("UPDATE indicator SET withdrawn_at = 1 WHERE id >= 30").await;
    assert_eq!(guards(&fixture, true).await[0].now, Some(20));
    tell(&fixture, 1, vec![reached(12, 9, 0, "198.51.100.3")]).await;
    tell(&fixture, 2, vec![reached(13, 9, 0, "198.51.100.4")]).await;
    assert_eq!(campaigns(&fixture, Scope::Operator).await, []);

    assert_eq!(settle(&fixture, guard.guard, Settled::Overruled).await, Ok(()));
    assert!(worst(&fixture).await > Some(Grade::Medium), "weighed anew, without more alerts");
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!(
        (found.len(), found[0].member_count, found[0].alerts),
        (1, Some(2), 4),
        "what it was lifted for is in it"
    );
    assert_eq!(guards(&fixture, true).await, []);
    let all = guards(&fixture, false).await;
    assert_eq!((all[0].settled, all[0].settled_by.as_deref()), (Some(Settled::Overruled), Some("anne")));
    let again = settle(&fixture, guard.guard, Settled::Overruled).await.unwrap_err();
    assert!(again.sentence(guard.guard).contains(&format!("noise hold {}", guard.guard)), "{again:?}");
    // As long as ever it was, and it trips no more by itself.
    fixture.run("UPDATE indicator SET withdrawn_at = NULL").await;
    tell(&fixture, 1, vec![reached(14, 10, 1, "198.51.100.5")]).await;
    tell(&fixture, 2, vec![reached(15, 11, 1, "198.51.100.6")]).await;
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!((found.len(), found[0].link.as_str(), found[0].too_connected), (1, found[0].link.as_str(), Some(false)));
    assert_eq!(found[0].alerts, 6);
    assert_eq!(guards(&fixture, true).await, []);

    // The no is taken back: what it links is marked, and weighs less.
    assert_eq!(settle(&fixture, guard.guard, Settled::Upheld).await, Ok(()));
    assert!(worst(&fixture).await <= Some(Grade::Medium));
    let found = campaigns(&fixture, Scope::Operator).await;
    let marked =
        (found[0].too_connected_why.as_deref(), found[0].too_connected_guard, found[0].word <= Some(Grade::Medium));
    assert_eq!(marked, (Some("threat Storfamilien"), Some(guard.guard), true));
    assert_eq!(settle(&fixture, 77, Settled::Upheld).await, Err(NotSettled::NoGuard(77)));
}

#[tokio::test]
async fn c_a_page_names_the_guard_and_lifting_it_clears_the_mark_that_is_its_alone() {
    let fixture = fixture(6).await;
    indicators(&fixture, 10, 9, 80).await;
    for member in 1..=3_u8 {
        let (indicator, client) = (10 + u64::from(member), 10 * u64::from(member));
        let both = [("198.51.100.9", client), ("198.51.100.8", client + 1)];
        let both = both.map(|(server, client)| reached(indicator, client, i64::from(member), server));
        tell(&fixture, member.into(), both.to_vec()).await;
    }
    tell(&fixture, 4, vec![reached(14, 40, 6, "198.51.100.9")]).await;
    let guard = guards(&fixture, true).await[0].guard;
    let (picture, detail) = fixture.store.picture_of(Scope::Operator, Subject::Campaign(1)).await.unwrap().unwrap();
    let said = [
        (Language::Bokmaal, "fører til adressen 198[.]51[.]100[.]9"),
        (Language::Nynorsk, "fører til adressa 198[.]51[.]100[.]9"),
        (Language::English, "lead to the address 198[.]51[.]100[.]9"),
    ];
    for (language, words) in said {
        let reader = Reader { texts: Texts::of(language), calendar: Calendar::new(language), now: NOW };
        let view = CampaignView::of(&picture.campaigns[0], &picture, &detail, &reader);
        let too = view.card.too_connected.unwrap();
        assert!(too.why.as_str().contains(words), "{too:?}");
        assert_eq!(too.lift, Some(format!("varde-collector noise lift {guard} --reason TEXT")));
        assert_eq!(too.split, "varde-collector campaign show 1");
    }
    // Another guard that stands holds the same together.
    fixture
        .run("INSERT INTO guard (id, kind, value, tripped_at, numbers) VALUES (99, 'address', '198.51.100.8', 5, '{}')")
        .await;
    assert_eq!(settle(&fixture, guard, Settled::Overruled).await, Ok(()));
    let why = campaigns(&fixture, Scope::Operator).await[0].too_connected_why.clone();
    assert_eq!(why.as_deref(), Some("address 198.51.100.8"), "and is why from now on");
    assert_eq!(settle(&fixture, 99, Settled::Overruled).await, Ok(()));
    assert_eq!(campaigns(&fixture, Scope::Operator).await[0].too_connected, Some(false));
    tell(&fixture, 5, vec![reached(15, 50, 7, "198.51.100.9")]).await;
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!((found.len(), found[0].member_count), (1, Some(5)), "it links again, the fourth as well");
    // What something marked for few has met is told by its kind alone, and lifted by its number all the same.
    fixture.run("UPDATE indicator SET tlp = 'TLP:RED' WHERE id = 12").await;
    let all = guards(&fixture, false).await;
    assert!(all.iter().all(|guard| guard.value == "confidential address"), "{all:?}");
    assert_eq!(settle(&fixture, guard, Settled::Upheld).await, Ok(()));
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!(found[0].too_connected_why.as_deref(), Some("address confidential address"));
}

#[tokio::test]
async fn c_a_proposal_of_noise_is_a_guard_like_others_and_settled_as_one_of_an_indicator() {
    let fixture = fixture(1).await;
    fixture.run("INSERT INTO guard (id, kind, value, tripped_at, numbers) VALUES (4, 'indicator', '1', 5, '{}')").await;
    // A host is told by whose it is.
    let host = "INSERT INTO guard (id, kind, value, tripped_at, numbers, member_id, host) VALUES (5, 'host', '1 H-1', 6, '{}', 1, 'H-1')";
    fixture.run(host).await;
    let told = guards(&fixture, true).await;
    let told: Vec<(&str, &str)> = told.iter().map(|guard| (guard.kind.as_str(), guard.value.as_str())).collect();
    assert_eq!(told, [("host", "Kommune 1"), ("indicator", "evil.no")]);
    let refused = settle(&fixture, 4, Settled::Overruled).await.unwrap_err();
    assert!(refused.sentence(4).contains("noise reject 1 --reason"), "{refused:?}");
    assert_eq!(settle(&fixture, 5, Settled::Overruled).await, Ok(()));
    assert_eq!(guards(&fixture, true).await.len(), 1);
}

#[tokio::test]
async fn c_a_mere_list_that_a_batch_of_counts_alone_has_shown_is_weighed_at_once() {
    let fixture = fixture(2).await;
    indicators(&fixture, 10, 101, 80).await;
    fixture.run("UPDATE indicator SET threat = 'dump' WHERE id BETWEEN 10 AND 109").await;
    tell(&fixture, 1, vec![reached(10, 7, 0, "198.51.100.1")]).await;
    tell(&fixture, 2, vec![reached(11, 8, 0, "198.51.100.2")]).await;
    assert!(campaigns(&fixture, Scope::Operator).await[0].word > Some(Grade::Medium));
    fixture.run("UPDATE indicator SET threat = 'dump' WHERE id = 110").await;
    let AlertOpened { indicator, revision, severity, marks, direction, evidence, first_seen, last_seen, .. } =
        reached(12, 1, 0, "198.51.100.3");
    let (order, site, count_increase, hosts) = (1, SiteId(0), 5, 2);
    let counted = BrakedCount {
        order,
        site,
        indicator,
        revision,
        severity,
        marks,
        direction,
        evidence,
        first_seen,
        last_seen,
        count_increase,
        hosts,
    };
    send(&fixture, 1, &batch(2, vec![RecordBody::Braked(counted)])).await;
    let found = campaigns(&fixture, Scope::Operator).await.remove(0);
    assert_eq!(found.too_connected_why.as_deref(), Some("threat dump"));
    assert!(found.word <= Some(Grade::Medium) && worst(&fixture).await <= Some(Grade::Medium), "{found:?}");
}

#[tokio::test]
async fn q3_a_campaigns_word_stands_on_those_that_are_left_when_a_member_has_left() {
    let fixture = fixture(5).await;
    fixture.run("UPDATE indicator SET confidence = 80 WHERE id = 3").await;
    for member in 1..=5 {
        // Not by name: of the two ways to the gravest word it is the one by members.
        let found = reached(3, 7, member, "192.0.2.7");
        tell(&fixture, member, vec![AlertOpened { evidence: Evidence::DataOut, ..found }]).await;
    }
    let by_five = |why: &[Term]| why.iter().any(|term| matches!(term, Term::CriticalByMembers { .. }));
    let before = campaigns(&fixture, Scope::Operator).await.remove(0);
    assert!(before.word == Some(Grade::Critical) && by_five(&before.why), "{before:?}");
    let store = &fixture.store;
    assert!(!store.is_something_unweighed().await.unwrap());
    assert!(store.begin_leaving(5, NOW).await.unwrap());
    let extent = store.extent(Scope::Operator, 5).await.unwrap();
    let left = store.finish_leaving(5, &extent, NOW, |_| Ok::<(), ()>(())).await.unwrap();
    assert!(matches!(left, Departing::Gone(_)));
    assert!(
        store.is_something_unweighed().await.unwrap(),
        "the weights are the same, and it is looked at all the same"
    );
    while store.weigh_what_is_behind().await.unwrap() {}
    let after = campaigns(&fixture, Scope::Operator).await.remove(0);
    assert!(after.word < Some(Grade::Critical) && !by_five(&after.why), "{after:?}");
    assert!(!store.is_something_unweighed().await.unwrap());
}

#[tokio::test]
async fn c_a_proposal_that_is_rejected_leaves_out_nobody_who_met_it_while_it_stood() {
    let fixture = fixture(3).await;
    indicators(&fixture, 10, 1, 50).await;
    fixture
        .run("INSERT INTO guard (id, kind, value, tripped_at, numbers) VALUES (1, 'indicator', '10', 5, '{}')")
        .await;
    // In touch with it, a day from each other.
    for member in 1..=3 {
        tell(&fixture, member, vec![reached(10, 7, 24 * member, &format!("198.51.100.{member}"))]).await;
    }
    assert_eq!(campaigns(&fixture, Scope::Operator).await, []);
    assert!(settle_noise(&fixture.store, 10, Settled::Overruled, WORD, NOW).await.unwrap());
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!((found.len(), found[0].member_count), (1, Some(3)));
    // Saying it again comes to the same.
    let before = (found, incidents(&fixture).await);
    assert!(settle_noise(&fixture.store, 10, Settled::Overruled, WORD, NOW).await.unwrap());
    assert_eq!((campaigns(&fixture, Scope::Operator).await, incidents(&fixture).await), before);
}

#[tokio::test]
async fn c5_what_is_practised_with_and_what_is_said_no_more_makes_no_threat_a_mere_list() {
    for apart in [
        "UPDATE indicator SET exercise = 1 WHERE id >= 15",
        "UPDATE indicator SET withdrawn_at = 1 WHERE id >= 15",
        "UPDATE indicator SET valid_until = 1 WHERE id >= 15",
    ] {
        let fixture = fixture(2).await;
        indicators(&fixture, 10, 120, 90).await;
        fixture.run("UPDATE indicator SET threat = 'Lure' WHERE id >= 10").await;
        fixture.run(apart).await;
        tell(&fixture, 1, vec![reached(10, 7, 0, "198.51.100.1")]).await;
        tell(&fixture, 2, vec![reached(11, 8, 0, "198.51.100.2")]).await;
        assert_eq!(guards(&fixture, true).await, [], "{apart}");
        let found = campaigns(&fixture, Scope::Operator).await;
        assert_eq!((found.len(), found[0].link.as_str()), (1, "Lure"), "{apart}");
    }
}
