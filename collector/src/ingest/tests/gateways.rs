//! Gateways in the store: what they had joined is marked and proposed to be split, and they are kept no longer than their member and alerts.

use super::correlated::{indicators, reached, tell};
use super::*;
use crate::store::bond::Of;
use crate::store::campaign::CampaignView;

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
        let joined: Vec<usize> = gateways.iter().map(|gateway| gateway.joined.len()).collect();
        assert_eq!(joined, [0, 1], "{gateways:?}");
        let incident = gateways[1].joined[0];
        let of_it = fixture.store.gateways(Scope::Operator, Of::Incident(incident)).await.unwrap();
        assert_eq!(of_it, [gateways[1].clone()]);
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
