//! However a sensor's records are cut into batches, and whatever a person has put apart elsewhere, the same comes of them, at the same cost;
//! and how far in time what they share reaches.

use super::correlated::{BY, HOUR, indicators, reached, steps, tell};
use super::*;

/// Everything that strands share, with when.
async fn traces(fixture: &Fixture) -> Vec<String> {
    let sql = "SELECT kind || ' ' || value || ' ' || ((first_seen - $1) / $2) || '-' || ((last_seen - $1) / $2) FROM trace ORDER BY 1";
    sqlx::query_scalar(sql).bind(day(0).0).bind(HOUR).fetch_all(fixture.store.readers()).await.unwrap()
}

/// An update of the alert in that place, of that hour.
fn led(alert: u64, evidence: Evidence, hour: i64, server: &str, possible_contact: bool) -> RecordBody {
    let at = Timestamp(day(0).0 + hour * HOUR);
    RecordBody::Updated(AlertUpdated {
        first_seen: at,
        last_seen: at,
        circumstances: Circumstances { possible_contact, ..Circumstances::default() },
        seen_at: Where { server: server.parse().ok(), port: Some(443), protocol: Protocol::TCP },
        ..updated(alert, 1, evidence, 0)
    })
}

#[tokio::test]
async fn c1_an_address_met_on_the_way_is_shared_however_the_records_are_cut() {
    let looked_up = AlertOpened { evidence: Evidence::Answered, ..reached(10, 7, 0, "198.51.100.53") };
    let scanned = AlertOpened {
        client: None,
        direction: Direction::Inbound,
        evidence: Evidence::Attempted,
        ..reached(11, 7, 0, "198.51.100.31")
    };
    let spool = [
        RecordBody::Opened(looked_up),
        RecordBody::Opened(scanned),
        led(1, Evidence::Attempted, 1, "198.51.100.11", false),
        led(2, Evidence::Contacted, 2, "198.51.100.32", false),
        led(1, Evidence::LookedUp, 3, "198.51.100.53", false),
        led(1, Evidence::Contacted, 4, "198.51.100.12", false),
        led(1, Evidence::Contacted, 5, "198.51.100.13", true),
        led(1, Evidence::DataOut, 6, "198.51.100.12", false),
    ];
    let expected = [
        "address 198.51.100.11 0-3",
        "address 198.51.100.12 0-6",
        "address 198.51.100.32 0-2",
        "contact 10 0-6",
        "contact 11 0-2",
        "domain c2-10.no 0-6",
        "domain c2-11.no 0-2",
        "indicator 10 0-6",
        "indicator 11 0-2",
    ];
    // Each bit: whether a batch ends behind that record.
    for cuts in (0..1u32 << (spool.len() - 1)).step_by(3).chain([127]) {
        let fixture = fixture(2).await;
        indicators(&fixture, 10, 3, 80).await;
        let (mut first, mut bodies) = (1, Vec::new());
        for (place, body) in spool.iter().enumerate() {
            bodies.push(body.clone());
            if cuts & (1 << place) != 0 || place + 1 == spool.len() {
                let next = first + bodies.len() as u64;
                send(&fixture, 1, &batch(first, std::mem::take(&mut bodies))).await;
                first = next;
            }
        }
        assert_eq!(traces(&fixture).await, expected, "{cuts:b}");
        // By what was tried on the way another name at another member is the same campaign.
        tell(&fixture, 2, vec![reached(12, 8, 9, "198.51.100.11")]).await;
        assert_eq!(campaigns(&fixture, Scope::Operator).await.len(), 1, "{cuts:b}");
    }
}

#[tokio::test]
async fn c1_an_alert_that_leads_everywhere_leaves_a_bounded_number_of_addresses() {
    let fixture = fixture(1).await;
    indicators(&fixture, 10, 1, 80).await;
    let many = (0..200).map(|at| led(1, Evidence::Contacted, at, &format!("198.51.100.{at}"), false));
    let bodies = [RecordBody::Opened(opened(10, 7, 0))].into_iter().chain(many).collect();
    send(&fixture, 1, &batch(1, bodies)).await;
    let kept = i64::try_from(crate::limits::LED_TO_MAX).unwrap() + 1;
    assert_eq!(fixture.count("SELECT COUNT(*) FROM trace WHERE kind = 'address'").await, kept);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM trace WHERE value = '198.51.100.199'").await, 1, "the last is told");
}

/// Forty members met one thing, over weeks; two met another, and are one campaign.
async fn sector() -> Fixture {
    let fixture = fixture(43).await;
    indicators(&fixture, 10, 9, 80).await;
    for member in 1..=40 {
        let client = u64::try_from(member).unwrap();
        tell(&fixture, member, vec![reached(10, client, 12 * member, "203.0.113.9")]).await;
    }
    for member in 41..=42 {
        tell(&fixture, member, vec![reached(11, 7, member, "203.0.113.8")]).await;
    }
    assert_eq!(campaigns(&fixture, Scope::Operator).await.len(), 2);
    fixture
}

#[tokio::test]
async fn b12_what_a_batch_costs_does_not_grow_when_a_person_splits_a_campaign_elsewhere() {
    let with = async |is_split: bool| {
        let fixture = sector().await;
        if is_split {
            fixture.store.split_campaign(2, &[42].into(), BY, NOW).await.unwrap().unwrap();
            assert_eq!(fixture.count("SELECT COUNT(*) FROM apart").await, 1);
        }
        let cost = steps(&fixture, 1, vec![reached(10, 100, 13, "203.0.113.9")]).await;
        assert_eq!(fixture.count("SELECT COUNT(*) FROM incident WHERE campaign_id = 1").await, 40);
        cost
    };
    let (whole, split) = (with(false).await, with(true).await);
    assert!(whole > 500, "the steps are counted: {whole}");
    assert!(split <= whole + whole / 20, "{whole} steps, and {split} after a split elsewhere");
}

#[tokio::test]
async fn c5_a_split_is_obeyed_by_what_lies_in_the_clusters_it_names_and_in_others() {
    let fixture = sector().await;
    fixture.store.split_campaign(2, &[42].into(), BY, NOW).await.unwrap().unwrap();
    let clusters = async || {
        let sql = "SELECT cluster_id FROM incident WHERE member_id IN (40, 41, 42, 43) ORDER BY member_id, id";
        sqlx::query_scalar::<_, i64>(sql).fetch_all(fixture.store.readers()).await.unwrap()
    };
    let before = clusters().await;
    assert!(before[1] != before[2]);
    // One that stands elsewhere, in no cluster that is named, comes to share something with both: it goes to one, whole.
    tell(&fixture, 43, vec![reached(12, 7, 43, "203.0.113.7")]).await;
    tell(&fixture, 43, vec![reached(12, 8, 44, "203.0.113.8")]).await;
    let after = clusters().await;
    assert_eq!(after[..3], before[..3], "the two are apart, and the large one is as it was");
    assert!(after[3] == after[1] || after[3] == after[2], "{after:?}");
    // And what is in one of the two stays there, whatever it meets again.
    tell(&fixture, 42, vec![reached(11, 9, 45, "203.0.113.8")]).await;
    tell(&fixture, 41, vec![reached(11, 9, 46, "203.0.113.8")]).await;
    assert_eq!(clusters().await, after);
}

/// Whether so many members that met one thing, each so many hours after the one before, are a campaign. A network shares no domain.
async fn links(confidence: i64, evidence: Evidence, members: i64, hours: i64, has_domain: bool) -> bool {
    let fixture = fixture(members).await;
    indicators(&fixture, 10, 1, confidence).await;
    if !has_domain {
        fixture.run("UPDATE indicator SET pattern = '198.51.100.0/24' WHERE id = 10").await;
    }
    for member in 1..=members {
        let found = reached(10, 7, member * hours, &format!("198.51.100.{member}"));
        tell(&fixture, member, vec![AlertOpened { evidence, ..found }]).await;
    }
    let found = campaigns(&fixture, Scope::Operator).await;
    assert!(found.iter().all(|campaign| campaign.member_count == Some(members)), "{found:?}");
    found.len() == 1
}

#[tokio::test]
async fn q_how_far_what_is_shared_reaches() {
    const DAY: i64 = 24;
    // What sources stand for: two months.
    assert!(links(80, Evidence::Answered, 2, 60 * DAY, false).await);
    assert!(!links(80, Evidence::Answered, 2, 60 * DAY + 1, false).await);
    // What nobody stands for: hours where it was no more than looked up, two months where all were in contact.
    assert!(links(60, Evidence::Answered, 2, 6, false).await);
    assert!(!links(60, Evidence::Answered, 2, 7, false).await);
    assert!(links(60, Evidence::Attempted, 2, 60 * DAY, false).await);
    assert!(!links(60, Evidence::Attempted, 2, 60 * DAY + 1, false).await);
    // Of low confidence the same hours, and a week; it takes five.
    assert!(links(20, Evidence::Answered, 5, 6, false).await);
    assert!(!links(20, Evidence::Answered, 5, 7, false).await);
    assert!(links(20, Evidence::Contacted, 5, 7 * DAY, false).await);
    assert!(!links(20, Evidence::Contacted, 5, 7 * DAY + 1, false).await);
    assert!(!links(20, Evidence::Contacted, 4, DAY, false).await);
    // By its own domain what was in contact is linked as any other is.
    assert!(links(20, Evidence::Contacted, 5, 14 * DAY, true).await);
    assert!(!links(20, Evidence::Contacted, 5, 14 * DAY + 1, true).await);
}
