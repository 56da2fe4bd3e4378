//! Alerts of many hosts, told of together: stored, counted once, and shown as many (D12).

use varde_common::alert::{CrowdOpened, CrowdUpdated};

use super::*;
use crate::present::text::{Language, Texts};
use crate::store::picture::Subject;

fn opened(client: Option<u64>, direction: Direction, count: u64) -> AlertOpened {
    AlertOpened {
        site: SiteId(0),
        indicator: IndicatorId(1),
        revision: Revision(1),
        severity: Severity::High,
        marks: Marks::default(),
        client: client.map(Pseudonym),
        zone: Zone::default(),
        direction,
        evidence: Evidence::Contacted,
        circumstances: Circumstances::default(),
        labels_left: 0,
        seen_at: Where { server: None, port: Some(443), protocol: Protocol::TCP },
        first_seen: NOW,
        last_seen: NOW,
        count,
    }
}

fn crowd(client: Option<u64>, count: u64, hosts: u64) -> RecordBody {
    RecordBody::CrowdOpened(CrowdOpened { opened: opened(client, Direction::Outbound, count), hosts })
}

fn update(alert: u64, count_increase: u64) -> AlertUpdated {
    AlertUpdated {
        alert: Seq(alert),
        count_increase,
        first_seen: NOW,
        last_seen: NOW,
        evidence: Evidence::Contacted,
        circumstances: Circumstances::default(),
        seen_at: Where { server: None, port: Some(443), protocol: Protocol::TCP },
        regularity: None,
        closed: false,
    }
}

fn more(alert: u64, count_increase: u64, hosts: u64) -> RecordBody {
    RecordBody::CrowdUpdated(CrowdUpdated { updated: update(alert, count_increase), hosts })
}

async fn told(sensor_count: i64, bodies: Vec<Vec<RecordBody>>) -> Fixture {
    let fixture = Fixture::new(sensor_count).await;
    for (sensor, bodies) in (1..).zip(bodies) {
        committed(&fixture.store, sensor, EPOCH, NOW).await.unwrap();
        let octets = |body| Record { time: NOW, body }.to_octets().unwrap();
        let records = bodies.into_iter().map(octets).collect();
        let batch = Batch { epoch: EPOCH, first_seq: Seq(1), records };
        // Twice, as after a lost acknowledgement.
        for _ in 0..2 {
            handle_batch(&fixture.store, sensor, &batch, NOW).await.unwrap();
        }
    }
    fixture
}

#[tokio::test]
async fn d12_many_hosts_told_together_count_once_each_and_hit_a_member_once() {
    let named = |host| RecordBody::Opened(opened(Some(host), Direction::Outbound, 10));
    let fixture = told(
        2,
        vec![
            vec![named(1), named(2), crowd(None, 1, 3), more(3, 900, 1_950), more(3, 50, 1_900), crowd(None, 5, 40)],
            vec![named(3), named(4)],
        ],
    )
    .await;
    let alerts = alert::list(&fixture.store, Scope::Operator, Which::default(), 100).await.unwrap();
    assert_eq!(alerts.iter().map(|alert| alert.count).sum::<i64>(), 10 + 10 + 951 + 5 + 10 + 10, "I8");
    let hosts: Vec<Option<i64>> = alerts.iter().map(|alert| alert.hosts).collect();
    assert_eq!(hosts, [None, None, Some(1_950), Some(40), None, None], "never fewer than were told");
    let incidents = incident::list(&fixture.store, Scope::Operator, None).await.unwrap();
    assert_eq!(incidents.len(), 2, "one of each member");
    let of_storm = incidents.iter().find(|incident| incident.member.number == "1001").unwrap();
    assert_eq!((of_storm.hosts.len(), of_storm.hosts_about), (2, Some(1_950)));
    let campaigns = campaign::list(&fixture.store, Scope::Operator, None).await.unwrap();
    assert_eq!((campaigns.len(), campaigns[0].hosts), (1, 1_952), "1,950 of one and 2 of the other: nobody twice");

    let picture = fixture.store.picture(Scope::Operator).await.unwrap();
    let hits: Vec<(i64, bool)> = picture.campaigns[0].hits.iter().map(|hit| (hit.hosts, hit.hosts_about)).collect();
    assert_eq!(hits, [(1_950, true), (2, false)]);
    let (_, detail) = fixture.store.picture_of(Scope::Operator, Subject::Campaign(1)).await.unwrap().unwrap();
    assert_eq!(detail.alerts.iter().filter_map(|alert| alert.hosts).collect::<Vec<_>>(), [1_950, 40]);
    for (language, words) in
        [(Language::Bokmaal, "omtrent 1"), (Language::Nynorsk, "om lag 1"), (Language::English, "about 1")]
    {
        let texts = Texts::of(language);
        assert!(texts.count("hosts-about", 1_950).starts_with(words), "{language:?}");
        assert!(texts.count("hosts-together", 1_950).contains(words), "{language:?}");
    }
}

#[tokio::test]
async fn d12_what_answers_many_from_outside_founds_an_incident_though_it_names_none() {
    let inbound = CrowdOpened {
        opened: AlertOpened { evidence: Evidence::Attempted, ..opened(None, Direction::Inbound, 1) },
        hosts: 2,
    };
    let fixture = told(1, vec![vec![RecordBody::CrowdOpened(inbound)]]).await;
    assert_eq!(incident::list(&fixture.store, Scope::Operator, None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn p1_d12_a_hostile_number_of_hosts_overflows_nothing_and_makes_no_many_of_one() {
    let one = RecordBody::Opened(opened(Some(1), Direction::Outbound, 1));
    let bodies = vec![one, crowd(Some(9), u64::MAX, u64::MAX), more(1, 1, u64::MAX), more(2, u64::MAX, 0)];
    let fixture = told(2, vec![bodies.clone(), bodies]).await;
    let alerts = alert::list(&fixture.store, Scope::Operator, Which::default(), 100).await.unwrap();
    let facts: Vec<(Option<bool>, Option<i64>)> =
        alerts.iter().map(|alert| (alert.client.as_ref().map(|_| true), alert.hosts)).collect();
    assert_eq!(facts[..2], [(Some(true), None), (None, Some(1 << 32))], "what stands for many names none");
    assert_eq!(campaign::list(&fixture.store, Scope::Operator, None).await.unwrap()[0].hosts, 1 << 33);
}
