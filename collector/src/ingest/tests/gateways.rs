//! Gateways in the store: what they had joined is marked and proposed to be split, and they are kept no longer than their member and alerts.

use super::correlated::{indicators, reached, tell};
use super::*;
use crate::ingest::relink::settle_guard;
use crate::store::bond::Of;
use crate::store::campaign::CampaignView;
use crate::store::proposal::Settled;

/// One machine that meets these, an hour after each other, each at an address of its own.
async fn meets(fixture: &Fixture, member: i64, client: u64, these: std::ops::Range<i64>) {
    let met = these.map(|place| {
        let server = format!("198.51.100.{}", 10 * member + place);
        reached(u64::try_from(10 + place).unwrap(), client, place, &server)
    });
    tell(fixture, member, met.collect()).await;
}

async fn community() -> Fixture {
    let fixture = fixture(3).await;
    indicators(&fixture, 10, 20, 80).await;
    fixture
}

/// Campaigns, each with how many incidents it has and whether it is marked; the largest first.
async fn sizes(fixture: &Fixture) -> Vec<(usize, bool)> {
    let all = incidents(fixture).await;
    let size = |campaign: &CampaignView| all.iter().filter(|incident| incident.campaign == Some(campaign.id)).count();
    let found = campaigns(fixture, Scope::Operator).await;
    let mut sizes: Vec<_> = found.iter().map(|one| (size(one), one.too_connected == Some(true))).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes
}

#[tokio::test]
async fn c7_eight_things_and_two_more_of_one_machine_make_no_unmarked_campaign_of_what_another_met_apart() {
    // At member 1 ten at once; at member 2 eight, then two: before it, behind it, and with it in between.
    for order in 0..3 {
        let fixture = community().await;
        if order == 0 {
            meets(&fixture, 1, 7, 0..10).await;
        }
        meets(&fixture, 2, 7, 0..8).await;
        if order == 1 {
            meets(&fixture, 1, 7, 0..10).await;
        }
        meets(&fixture, 2, 7, 8..10).await;
        if order == 2 {
            meets(&fixture, 1, 7, 0..10).await;
        }
        let of =
            async |member: &str| incidents(&fixture).await.iter().filter(|one| one.member.number == member).count();
        assert_eq!((of("1001").await, of("1002").await), (10, 3), "{order}");
        assert_eq!(fixture.count("SELECT COUNT(*) FROM guard WHERE kind = 'host'").await, 2, "{order}");
        assert_eq!(sizes(&fixture).await, [(9, true), (2, false), (2, false)], "{order}");
        let found = campaigns(&fixture, Scope::Operator).await;
        let large = found.iter().find(|campaign| campaign.too_connected == Some(true)).unwrap();
        let why = large.too_connected_why.clone().unwrap();
        assert_eq!(why, "host of Kommune 2", "which one is told with its alerts, where that is audited");
        let split = fixture.store.proposed_split(Scope::Operator, large.id).await.unwrap();
        assert_eq!(split.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1, 1, 1, 1, 1, 1], "{order}");
        // What had been put together is said of it, to the operator alone.
        let gateways = fixture.store.gateways(Scope::Operator, Of::Campaign(large.id)).await.unwrap();
        let welded: Vec<_> = gateways.iter().filter(|gateway| !gateway.joined.is_empty()).collect();
        assert_eq!((gateways.len(), welded.len(), welded[0].joined.len()), (2, 1, 1), "{gateways:?}");
        let incident = welded[0].joined[0];
        let listed = fixture.store.guards(Scope::Operator, true).await.unwrap();
        let listed = listed.into_iter().find(|guard| guard.guard == welded[0].guard).unwrap();
        assert!(
            listed.value.starts_with(&format!("Kommune 2, incident {incident}")),
            "where to look for it: {listed:?}"
        );
        let of_it = fixture.store.gateways(Scope::Operator, Of::Incident(incident)).await.unwrap();
        assert_eq!(of_it, [welded[0].clone()]);
        for member in 1..=2 {
            assert_eq!(fixture.store.gateways(Scope::Member(member), Of::Incident(incident)).await.unwrap(), []);
        }
        // By where one of them led another name joins it no more; the same name does.
        let beside = reached(25, 8, 12, "198.51.100.11");
        tell(&fixture, 3, vec![beside, reached(10, 9, 12, "203.0.113.3")]).await;
        assert_eq!(sizes(&fixture).await, [(10, true), (2, false), (2, false)], "{order}");
        // A machine of the other kind goes on joining what it meets.
        tell(&fixture, 3, vec![reached(27, 30, 1, "203.0.113.4"), reached(28, 30, 2, "203.0.113.5")]).await;
        assert_eq!(of("1003").await, 3);
    }
}

#[tokio::test]
async fn c7_a_gateway_joins_nothing_for_good_until_a_person_says_no() {
    let fixture = community().await;
    meets(&fixture, 1, 7, 0..10).await;
    assert_eq!(incidents(&fixture).await.len(), 10);
    // Weeks later, two things within an hour.
    let two = |hour: i64| vec![reached(25, 7, hour, "203.0.113.1"), reached(26, 7, hour + 1, "203.0.113.2")];
    tell(&fixture, 1, two(900)).await;
    assert_eq!(incidents(&fixture).await.len(), 12);
    fixture.run("UPDATE guard SET settled_as = 'overruled', settled_at = 1 WHERE kind = 'host'").await;
    tell(&fixture, 1, two(903)).await;
    assert_eq!(incidents(&fixture).await.len(), 11);
    meets(&fixture, 1, 7, 10..20).await;
    assert_eq!(fixture.count("SELECT COUNT(*) FROM guard WHERE kind = 'host' AND settled_as IS NULL").await, 0);
}

#[tokio::test]
async fn c7_a_gateway_in_an_exercise_is_none_in_earnest() {
    let fixture = community().await;
    fixture.run("UPDATE indicator SET exercise = 1 WHERE id BETWEEN 10 AND 19").await;
    let drill = (10..20).map(|indicator| {
        let mut met = reached(indicator, 7, 1, "198.51.100.9");
        met.marks.exercise = true;
        met
    });
    tell(&fixture, 1, drill.collect()).await;
    tell(&fixture, 1, vec![reached(25, 7, 2, "203.0.113.1"), reached(26, 7, 3, "203.0.113.2")]).await;
    let found = incidents(&fixture).await;
    let real = found.iter().filter(|incident| !incident.exercise).count();
    assert_eq!((real, found.len() - real), (1, 10));
    assert_eq!(
        fixture.count("SELECT COUNT(*) FROM guard WHERE kind = 'host' AND value LIKE '1 H-% exercise'").await,
        1
    );
}

/// A campaign that a gateway of member 2 holds together.
async fn held_together() -> Fixture {
    let fixture = community().await;
    meets(&fixture, 2, 7, 0..8).await;
    meets(&fixture, 2, 7, 8..10).await;
    for place in 0..8 {
        meets(&fixture, 1, 100 + u64::try_from(place).unwrap(), place..place + 1).await;
    }
    for place in 0..8 {
        meets(&fixture, 3, 100 + u64::try_from(place).unwrap(), place..place + 1).await;
    }
    assert_eq!(sizes(&fixture).await, [(17, true)]);
    fixture
}

#[tokio::test]
async fn k1_q3_a_gateway_goes_with_its_member_and_with_its_last_alert_and_nothing_names_it_then() {
    for leaves in [true, false] {
        let fixture = held_together().await;
        let host: String = sqlx::query_scalar("SELECT host FROM guard WHERE kind = 'host' AND member_id = 2")
            .fetch_one(fixture.store.readers())
            .await
            .unwrap();
        if leaves {
            fixture.store.depart(2, NOW).await.unwrap();
        } else {
            // Its alerts have not changed for longer than any is kept; what its host met last goes last.
            fixture.run("UPDATE alert SET updated_at = 0 WHERE member_id = 2 AND indicator_id < 19").await;
            fixture.store.forget_found(NOW).await.unwrap();
            assert_eq!(fixture.count("SELECT COUNT(*) FROM guard WHERE kind = 'host'").await, 1);
            fixture.run("UPDATE alert SET updated_at = 0 WHERE member_id = 2").await;
            fixture.store.forget_found(NOW).await.unwrap();
        }
        assert_eq!(fixture.count("SELECT COUNT(*) FROM guard WHERE kind = 'host'").await, 0, "{leaves}");
        for table in ["guard", "cluster", "alert", "trace", "strand"] {
            let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
                .bind(table)
                .fetch_all(fixture.store.readers())
                .await
                .unwrap();
            let whole =
                columns.iter().map(|column| format!("COALESCE(CAST({column} AS TEXT), '')")).collect::<Vec<_>>();
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE {} LIKE '%' || $1 || '%'", whole.join(" || ' ' || "));
            let named: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .bind(&host)
                .fetch_one(fixture.store.readers())
                .await
                .unwrap();
            assert_eq!(named, 0, "{table}, {leaves}");
        }
        // It holds together what it held, and says so without a name.
        let found = campaigns(&fixture, Scope::Operator).await;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].too_connected_why.as_deref(), Some("host that is not kept any more"), "{leaves}");
        fixture.store.check().await.unwrap();
    }
}

#[tokio::test]
async fn c7_a_gateway_of_a_member_that_becomes_part_of_another_is_that_ones() {
    let fixture = held_together().await;
    handle_merger(&fixture.store, 2, 3, NOW).await.unwrap();
    assert_eq!(fixture.count("SELECT COUNT(*) FROM guard WHERE member_id = 3 AND value LIKE '3 H-%'").await, 1);
    let found = campaigns(&fixture, Scope::Operator).await;
    assert!(found[0].too_connected_why.as_deref().is_some_and(|why| why.ends_with("of Kommune 3")), "{found:?}");
    let before = incidents(&fixture).await.len();
    // Its sensor goes on, and what that host meets is joined no more.
    tell(&fixture, 2, vec![reached(25, 7, 900, "203.0.113.1"), reached(26, 7, 901, "203.0.113.2")]).await;
    assert_eq!(incidents(&fixture).await.len(), before + 2);
}

#[tokio::test]
async fn c7_of_two_gateways_the_one_that_stands_marks_what_it_holds_when_the_other_is_lifted_or_forgotten() {
    for lifts in [true, false] {
        let fixture = community().await;
        for member in 2..=3 {
            meets(&fixture, member, 7, 0..8).await;
            meets(&fixture, member, 7, 8..10).await;
        }
        assert_eq!(sizes(&fixture).await[0], (2, true));
        if lifts {
            settle_guard(&fixture.store, 1, Settled::Overruled, ("anne", "vår egen"), NOW).await.unwrap().unwrap();
        } else {
            fixture.store.depart(2, NOW).await.unwrap();
        }
        let marked = fixture.count("SELECT COUNT(*) FROM cluster WHERE too_connected_why LIKE 'host 3 H-%'").await;
        assert!(marked > 0, "{lifts}");
        // Lifted too, nothing is marked any more.
        settle_guard(&fixture.store, 2, Settled::Overruled, ("anne", "vår egen"), NOW).await.unwrap().unwrap();
        assert_eq!(fixture.count("SELECT COUNT(*) FROM cluster WHERE too_connected_at IS NOT NULL").await, 0);
        // No number is given twice.
        meets(&fixture, 1, 9, 0..10).await;
        assert_eq!(fixture.count("SELECT COUNT(*) FROM guard WHERE id = 3 AND member_id = 1").await, 1, "{lifts}");
    }
}

#[tokio::test]
async fn c7_where_a_forgotten_gateway_leaves_nothing_to_split_the_mark_goes_with_it() {
    let fixture = community().await;
    meets(&fixture, 2, 7, 0..8).await;
    meets(&fixture, 2, 7, 8..10).await;
    meets(&fixture, 1, 8, 3..4).await;
    meets(&fixture, 3, 8, 3..4).await;
    assert_eq!(sizes(&fixture).await, [(3, true)]);
    fixture.store.depart(2, NOW).await.unwrap();
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!((found.len(), found[0].too_connected), (1, Some(false)), "{found:?}");
}

#[tokio::test]
async fn c4_a_flow_to_an_address_alone_puts_nothing_together_by_the_host() {
    // A sinkhole of the lists that come with the program: what ends there has nothing in common.
    let sinkhole = "104.21.65.18";
    let own = || reached(10, 7, 5, sinkhole);
    let others = || {
        let mut met = reached(11, 7, 5, sinkhole);
        met.circumstances.looked_up_by_other = true;
        met
    };
    for together in [true, false] {
        let fixture = community().await;
        for (member, indicator) in [(1, 10), (2, 10), (1, 11), (2, 11)] {
            let (client, server) =
                (20 + indicator, format!("198.51.100.{}", 20 * member + i64::try_from(indicator).unwrap()));
            tell(&fixture, member, vec![reached(indicator, client, 1, &server)]).await;
        }
        let before = sizes(&fixture).await;
        assert_eq!(before, [(2, false), (2, false)]);
        if together {
            tell(&fixture, 3, vec![own(), others()]).await;
        } else {
            tell(&fixture, 3, vec![others()]).await;
            tell(&fixture, 3, vec![own()]).await;
        }
        assert_eq!(sizes(&fixture).await, [(3, false), (3, false)], "{together}");
    }
    // Nor does one machine come to be a gateway by what ends at one address.
    let fixture = community().await;
    let all = (10..25).map(|indicator| AlertOpened { indicator: IndicatorId(indicator), ..others() });
    tell(&fixture, 1, all.collect()).await;
    assert_eq!(fixture.count("SELECT COUNT(*) FROM guard WHERE kind = 'host'").await, 0);
}

#[tokio::test]
async fn c7_that_the_machine_itself_met_it_is_kept_however_records_are_cut() {
    for together in [true, false] {
        let fixture = community().await;
        let asked = AlertOpened { evidence: Evidence::LookedUp, ..reached(11, 7, 4, "198.51.100.1") };
        let mut later = updated(2, 1, Evidence::Contacted, 0);
        (later.first_seen, later.last_seen) = (asked.first_seen, asked.last_seen);
        later.circumstances.looked_up_by_other = true;
        let mut told = vec![
            RecordBody::Opened(reached(10, 7, 5, "198.51.100.2")),
            RecordBody::Opened(asked),
            RecordBody::Updated(later),
        ];
        let last = told.split_off(if together { 3 } else { 2 });
        send(&fixture, 1, &batch(1, told)).await;
        if !last.is_empty() {
            send(&fixture, 1, &batch(3, last)).await;
        }
        assert_eq!(incidents(&fixture).await.len(), 1, "{together}");
    }
}

#[tokio::test]
async fn c7_what_is_about_too_many_things_stays_too_connected_when_a_guard_on_it_is_lifted() {
    let fixture = community().await;
    meets(&fixture, 2, 7, 0..8).await;
    meets(&fixture, 2, 7, 8..10).await;
    meets(&fixture, 1, 8, 3..4).await;
    assert_eq!(sizes(&fixture).await, [(2, true)]);
    // By other weights it is about too many things, too.
    let text = crate::weights::Weights::built_in_text().replacen("varde-2", "ours", 1).replacen(
        "topics_max = 25",
        "topics_max = 7",
        1,
    );
    fixture.store.take_weights(&text, NOW).await.unwrap().unwrap();
    settle_guard(&fixture.store, 1, Settled::Overruled, ("anne", "vår egen"), NOW).await.unwrap().unwrap();
    let why = campaigns(&fixture, Scope::Operator).await[0].too_connected_why.clone();
    assert_eq!(why.as_deref(), Some("topics"));
}
