//! What is drawn from alerts: counts, incidents, campaigns, and who may read what.

use super::*;

#[tokio::test]
async fn an_update_adds_counts_widens_times_and_never_lowers_evidence() {
    let fixture = fixture(1).await;
    let mut closing = updated(1, 2, Evidence::Answered, -3);
    closing.closed = true;
    closing.circumstances.by_resolver = true;
    closing.regularity = Some(Regularity { contacts: 9, median_interval_ms: 60_000, spread_ms: 40 });
    let bodies = vec![
        RecordBody::Opened(opened(1, 10, 0)),
        RecordBody::Updated(updated(1, u64::MAX, Evidence::Contacted, 1)),
        RecordBody::Updated(closing),
    ];
    send(&fixture, 1, &batch(1, bodies)).await;
    let found = alerts(&fixture, Scope::Operator).await;
    let line = serde_json::to_value(&found[0]).unwrap();
    let expected = json!({
        "id": 1, "uuid": line["uuid"], "member": { "number": "1001", "name": "Kommune 1" }, "sensor": 1, "site": 0,
        "indicator": "evil.no", "kind": "domain", "client": Pseudonym(10).to_string(), "hosts": null,
        "direction": "outbound",
        "evidence": "contacted", "by_resolver": false, "looked_up_by_other": false, "possible_contact": false,
        "labels_left": 1, "server": "192.0.2.9", "port": 443, "protocol": "tcp", "severity": "high", "revision": 1,
        "first_seen": day(-3), "last_seen": day(1), "count": COUNT_MAX, "zone": 3,
        "regularity": { "contacts": 9, "median_interval_ms": 60_000, "spread_ms": 40 },
        "closed": true, "incident": 1, "exercise": false, "retro": false,
        "verdict": null, "verdict_reason": null, "verdict_at": null,
    });
    assert_eq!(line, expected);
    for key in expected.as_object().unwrap().keys() {
        assert!(crate::command::alert::LIST_KEYS.contains(key.as_str()), "--help names {key}");
    }
    assert_eq!(fixture.count("SELECT COUNT(*) FROM alert WHERE zone_levels = '211'").await, 1);
}

#[tokio::test]
async fn what_the_collector_does_not_know_is_noted_and_fails_nothing() {
    let fixture = fixture(1).await;
    let bodies = vec![
        RecordBody::Opened(opened(999, 10, 0)),
        RecordBody::Updated(updated(1, 1, Evidence::Contacted, 0)),
        RecordBody::Opened(opened(u64::MAX, 10, 0)),
        RecordBody::Opened(opened(1, 10, 0)),
    ];
    assert_eq!(send(&fixture, 1, &batch(1, bodies)).await, ack(4));
    assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 4);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM alert").await, 1);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM sensor_event WHERE body LIKE '%unknown_%'").await, 3);
}

#[tokio::test]
async fn i8_more_of_an_alert_that_is_not_known_is_told_with_its_sightings() {
    let fixture = fixture(1).await;
    let bodies = vec![
        RecordBody::Opened(opened(1, 10, 0)),
        RecordBody::Updated(updated(1, 3, Evidence::Contacted, 0)),
        RecordBody::Updated(updated(9, 5, Evidence::Contacted, 0)),
    ];
    send(&fixture, 1, &batch(1, bodies)).await;
    let in_alerts = fixture.count("SELECT SUM(count) FROM alert").await;
    let told = "SELECT SUM(json_extract(body, '$.count')) FROM sensor_event WHERE body LIKE '%unknown_alert%'";
    assert_eq!((in_alerts, fixture.count(told).await), (4, 5));
}

#[tokio::test]
async fn two_members_with_the_same_indicator_are_a_campaign_and_changes_tell_of_it() {
    let fixture = fixture(3).await;
    fixture.run("UPDATE indicator SET confidence = 80 WHERE id = 1").await;
    send(&fixture, 1, &batch(1, vec![RecordBody::Opened(opened(1, 10, 0))])).await;
    assert_eq!(campaigns(&fixture, Scope::Operator).await, []);
    let second = batch(1, vec![RecordBody::Opened(opened(1, 20, 3))]);
    let outcome = handle_batch(&fixture.store, 2, &second, NOW).await.unwrap();
    assert_eq!(outcome.changes, [Change::Incident(2), Change::Campaign(1)]);
    let found = campaigns(&fixture, Scope::Operator).await;
    let line = serde_json::to_value(&found[0]).unwrap();
    let expected = json!({
        "id": 1, "uuid": line["uuid"], "title": "evil.no", "link_kind": "indicator", "link": "evil.no",
        "indicators": [{ "indicator": "evil.no", "kind": "domain" }],
        "members": [
            { "number": "1001", "name": "Kommune 1", "supplier": null, "first_seen": day(0), "evidence": "looked_up", "human": false, "word": "high" },
            { "number": "1002", "name": "Kommune 2", "supplier": null, "first_seen": day(3), "evidence": "looked_up", "human": false, "word": "high" },
        ],
        "member_count": 2, "independent": 2, "reported": 0, "departed": 0, "able_to_see": 3, "members_total": 3, "others_at_least": null, "evidence": "looked_up", "hosts": 2, "alerts": 2,
        "sightings": 2, "first_seen": day(0), "last_seen": day(3), "opened_at": NOW, "exercise": false,
        "word": "high", "why": line["why"], "weights_version": "varde-2", "scale": "several", "half_within_s": 0, "persistent": 0,
        "in_history": false, "too_connected": false, "too_connected_why": null, "too_connected_guard": null, "too_connected_lift": null, "too_connected_upheld_by": null, "state": "new", "closed_as": null, "duplicate_of": null, "owner": null,
        "came_back": 0, "grown_since_closed": false,
    });
    assert_eq!(line["why"][0], json!({ "term": "confidence", "value": 80, "grade": "high", "points": 2 }));
    assert_eq!(line, expected);
    let update = batch(2, vec![RecordBody::Updated(updated(1, 5, Evidence::Contacted, 4))]);
    let outcome = handle_batch(&fixture.store, 2, &update, NOW).await.unwrap();
    assert_eq!(outcome.changes, [Change::Incident(2), Change::Campaign(1)]);
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!((found[0].sightings, found[0].evidence, found[0].last_seen), (7, Some(Evidence::Contacted), day(4)));
}

#[tokio::test]
async fn different_indicators_of_one_threat_are_a_campaign() {
    let fixture = fixture(2).await;
    send(&fixture, 1, &batch(1, vec![RecordBody::Opened(opened(2, 10, 0))])).await;
    send(&fixture, 2, &batch(1, vec![RecordBody::Opened(opened(3, 20, 0))])).await;
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!((found[0].link_kind.as_str(), found[0].link.as_str()), ("threat", "lure"));
    let indicators: Vec<&str> = found[0].indicators.iter().map(|listed| listed.indicator.as_str()).collect();
    assert_eq!(indicators, ["192.0.2.7", "www.lure.no"]);
}

#[tokio::test]
async fn a_record_is_attributed_to_the_member_of_its_site() {
    let fixture = fixture(2).await;
    fixture.run("INSERT INTO site (sensor_id, site, member_id) VALUES (1, 7, 2)").await;
    let guest = AlertOpened { site: SiteId(7), ..opened(1, 10, 0) };
    send(&fixture, 1, &batch(1, vec![RecordBody::Opened(guest), RecordBody::Opened(opened(1, 11, 0))])).await;
    send(&fixture, 2, &batch(1, vec![RecordBody::Opened(opened(1, 12, 0))])).await;
    let found = alerts(&fixture, Scope::Operator).await;
    let said: Vec<(i64, &str)> = found.iter().map(|a| (a.site, a.member.number.as_str())).collect();
    assert_eq!(said, [(7, "1002"), (0, "1001"), (0, "1002")]);
    assert_eq!(incidents(&fixture).await.len(), 2, "two sensors of one member are one incident");
}

#[tokio::test]
async fn a_resolver_is_a_trace_and_no_victim() {
    let fixture = fixture(2).await;
    let mut by_resolver = opened(1, 10, 0);
    by_resolver.circumstances.by_resolver = true;
    send(&fixture, 1, &batch(1, vec![RecordBody::Opened(by_resolver)])).await;
    send(&fixture, 2, &batch(1, vec![RecordBody::Opened(opened(1, 20, 0))])).await;
    let found = incidents(&fixture).await;
    let said: Vec<(usize, bool)> = found.iter().rev().map(|i| (i.hosts.len(), i.via_resolver)).collect();
    assert_eq!(said, [(0, true), (1, false)]);
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!((found[0].member_count, found[0].hosts), (Some(2), 1));
}

#[tokio::test]
async fn unanswered_contact_from_outside_makes_no_incident_and_joins_one_in_any_order() {
    let fixture = fixture(2).await;
    let scan =
        AlertOpened { client: None, direction: Direction::Inbound, evidence: Evidence::Attempted, ..opened(3, 0, 1) };
    for sensor in [1, 2] {
        send(&fixture, sensor, &batch(1, vec![RecordBody::Opened(scan.clone())])).await;
    }
    assert_eq!(fixture.count("SELECT COUNT(*) FROM incident").await, 0);
    send(&fixture, 1, &batch(2, vec![RecordBody::Opened(opened(2, 10, 0))])).await;
    send(&fixture, 1, &batch(3, vec![RecordBody::Opened(scan)])).await;
    let found = incidents(&fixture).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].alerts, found[0].evidence, found[0].last_seen), (3, Some(Evidence::LookedUp), day(0)));
}

#[tokio::test]
async fn an_exercise_is_kept_apart_and_a_sensor_alone_cannot_call_a_hit_one() {
    let fixture = fixture(2).await;
    for sensor in [1, 2] {
        let marks = Marks { exercise: true, retro: false };
        let drill = AlertOpened { marks, ..opened(4, 10, 0) };
        let claimed = AlertOpened { marks, ..opened(1, 10, 0) };
        let bodies = vec![RecordBody::Opened(drill), RecordBody::Opened(claimed)];
        send(&fixture, sensor, &batch(1, bodies)).await;
    }
    let found = campaigns(&fixture, Scope::Operator).await;
    let mut said: Vec<(&str, bool, i64)> = found.iter().map(|c| (c.link.as_str(), c.exercise, c.alerts)).collect();
    said.sort_unstable();
    assert_eq!(said, [("drill.no", true, 2), ("evil.no", false, 2)]);
}

#[tokio::test]
async fn a_late_alert_that_bridges_two_campaigns_leaves_the_older_and_the_other_still_leads_there() {
    let fixture = fixture(3).await;
    fixture.run("UPDATE indicator SET confidence = 80 WHERE id = 1").await;
    for (sensor, first_day) in [(1, 0), (2, 1), (1, 100), (2, 101)] {
        let seq = if first_day < 10 { 1 } else { 2 };
        send(&fixture, sensor, &batch(seq, vec![RecordBody::Opened(opened(1, 10, first_day))])).await;
    }
    let before = campaigns(&fixture, Scope::Operator).await;
    assert_eq!(before.iter().map(|c| c.id).collect::<Vec<_>>(), [2, 1]);
    send(&fixture, 1, &batch(3, vec![RecordBody::Opened(opened(1, 11, 51))])).await;
    let after = campaigns(&fixture, Scope::Operator).await;
    assert_eq!(after.len(), 1);
    assert_eq!((after[0].id, &after[0].uuid, after[0].alerts), (1, &before[1].uuid, 5));
    assert_eq!(incidents(&fixture).await.len(), 5, "three of the first member, two of the second");
    for name in ["1", "2", before[0].uuid.as_str()] {
        assert_eq!(campaign::resolve(&fixture.store, Scope::Operator, name).await.unwrap(), Some(1), "{name}");
    }
    for name in ["1", "2", before[0].uuid.as_str()] {
        let found = campaign::resolve(&fixture.store, Scope::Member(1), name).await.unwrap();
        assert_eq!(found, None, "a member names none by its number, and is told of none with so few others");
    }
    assert_eq!(campaign::resolve(&fixture.store, Scope::Operator, "3").await.unwrap(), None);
    // The id that is gone is not given to another.
    for sensor in [1, 2] {
        let seq = if sensor == 1 { 4 } else { 3 };
        send(&fixture, sensor, &batch(seq, vec![RecordBody::Opened(opened(2, 12, 0))])).await;
    }
    assert_eq!(campaigns(&fixture, Scope::Operator).await.iter().map(|c| c.id).max(), Some(3));
}

#[tokio::test]
async fn t7a_whoever_reads_is_told_the_number_of_what_is_marked_for_few_and_never_its_value() {
    let fixture = fixture(2).await;
    for sensor in [1, 2] {
        let mut named = opened(1, 10, sensor);
        named.seen_at.server = Some("198.51.100.77".parse().unwrap());
        let bodies = vec![RecordBody::Opened(named), RecordBody::Opened(opened(2, 11, sensor))];
        send(&fixture, sensor, &batch(1, bodies)).await;
    }
    let told = async |scope| {
        let campaigns = campaigns(&fixture, scope).await;
        let incidents = incident::list(&fixture.store, scope, None).await.unwrap();
        let alerts = alerts(&fixture, scope).await;
        let picture = format!("{:?}", fixture.store.picture(scope).await.unwrap());
        let all = serde_json::to_string(&json!([campaigns, incidents, alerts])).unwrap();
        [all, picture].concat()
    };
    for tlp in ["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED", "unreadable"] {
        let sql = format!("UPDATE indicator SET tlp = '{tlp}' WHERE id = 1");
        let mut tx = fixture.store.begin().await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let is_open = matches!(tlp, "TLP:CLEAR" | "TLP:GREEN" | "TLP:AMBER");
        let member = told(Scope::Member(1)).await;
        for value in ["evil.no", "198.51.100.77"] {
            assert_eq!(told(Scope::Operator).await.contains(value), is_open, "{tlp}: {value} for the operator");
            assert_eq!(member.contains(value), is_open, "{tlp}: {value} for a member");
        }
        assert_eq!(member.contains("confidential indicator 1"), !is_open, "{tlp}");
        assert!(member.contains("www.lure.no"), "the other one is marked for all");
    }
}

#[tokio::test]
async fn w1_a_member_reads_nothing_of_another() {
    let fixture = fixture(5).await;
    fixture.run("UPDATE indicator SET confidence = 80 WHERE id = 1").await;
    for sensor in 1..=3 {
        let client = 1000 + u64::try_from(sensor).unwrap();
        send(&fixture, sensor, &batch(1, vec![RecordBody::Opened(opened(1, client, sensor))])).await;
    }
    for member in 1..=5 {
        let text = |scope| {
            let fixture = &fixture;
            async move {
                let campaigns = campaigns(fixture, scope).await;
                let incidents = incident::list(&fixture.store, scope, None).await.unwrap();
                let of_campaign = incident::list(&fixture.store, scope, Some(1)).await.unwrap();
                let alerts = alerts(fixture, scope).await;
                let which = Which { after: 0, campaign: Some(1) };
                let more = alert::list(&fixture.store, scope, which, 10).await.unwrap();
                serde_json::to_string(&json!([campaigns, incidents, of_campaign, alerts, more])).unwrap()
            }
        };
        let all = text(Scope::Operator).await;
        let own = text(Scope::Member(member)).await;
        for other in 1..=5 {
            let client = Pseudonym(1000 + u64::try_from(other).unwrap()).to_string();
            let mut marks = vec![format!("\"{}\"", 1000 + other), format!("Kommune {other}"), client];
            for table in ["alert", "incident"] {
                let sql = format!("SELECT uuid FROM {table} WHERE member_id = {other}");
                let uuids = sqlx::query_scalar(sqlx::AssertSqlSafe(sql));
                marks.extend::<Vec<String>>(uuids.fetch_all(fixture.store.readers()).await.unwrap());
            }
            for mark in marks {
                assert_eq!(all.contains(&mark), other <= 3, "{mark}");
                assert_eq!(own.contains(&mark), other == member && other <= 3, "{mark} for member {member}");
            }
        }
    }
    assert_eq!(campaigns(&fixture, Scope::Member(1)).await, [], "that it is there would tell of two others");
    send(&fixture, 4, &batch(1, vec![RecordBody::Opened(opened(1, 9, 4))])).await;
    let own = campaigns(&fixture, Scope::Member(1)).await;
    assert_eq!((own[0].member_count, own[0].hosts, own[0].alerts, own[0].last_seen), (None, 1, 1, day(1)));
    assert_eq!((own[0].others_at_least, own[0].members.len()), (Some(3), 1), "three others are a number");
    assert_eq!(campaign::resolve(&fixture.store, Scope::Member(1), &own[0].uuid).await.unwrap(), Some(1));
    let real = &campaigns(&fixture, Scope::Operator).await[0].uuid;
    assert_ne!(real, &own[0].uuid, "the real name tells whose incident was the first");
    assert_eq!(campaign::resolve(&fixture.store, Scope::Member(1), real).await.unwrap(), None);
    assert_eq!(campaigns(&fixture, Scope::Member(5)).await, []);
}

#[tokio::test]
async fn who_could_see_it_is_the_same_for_commands_and_page() {
    let fixture = fixture(7).await;
    for sensor in [1, 2] {
        send(&fixture, sensor, &batch(1, vec![RecordBody::Opened(opened(1, 10, 0))])).await;
    }
    fixture.run("UPDATE sensor SET revision = 0 WHERE id = 3").await;
    fixture.run("UPDATE sensor SET last_seen_at = 0 WHERE id IN (2, 4)").await;
    fixture.run("UPDATE sensor SET revoked_at = 1 WHERE id = 5").await;
    fixture.run("DELETE FROM site WHERE sensor_id = 6").await;
    fixture.run("DELETE FROM sensor WHERE id = 6").await;
    let found = campaigns(&fixture, Scope::Operator).await;
    let counted = (found[0].able_to_see, found[0].members_total);
    assert_eq!(counted, (Some(3), Some(7)), "hit, hit but silent now, live; all members count, with a sensor or not");
    let picture = fixture.store.picture(Scope::Operator).await.unwrap();
    let page = Coverage::of_campaign(&picture, &picture.campaigns[0]);
    assert_eq!((page.able.len(), page.total()), (3, 7));
    assert_eq!(campaigns(&fixture, Scope::Member(1)).await, [], "a member is told of no campaign with one other");
}

#[tokio::test]
async fn members_behind_one_suppliers_network_count_once_and_each_is_named() {
    let fixture = fixture(4).await;
    fixture.run("UPDATE indicator SET confidence = 80 WHERE id = 1").await;
    fixture.run("UPDATE member SET supplier = 'IKT Øst' WHERE id IN (1, 2)").await;
    for sensor in [1, 2] {
        send(&fixture, sensor, &batch(1, vec![RecordBody::Opened(opened(1, 10, 0))])).await;
    }
    assert_eq!(campaigns(&fixture, Scope::Operator).await, [], "one network twice is no spread");
    send(&fixture, 3, &batch(1, vec![RecordBody::Opened(opened(1, 10, 1))])).await;
    let found = campaigns(&fixture, Scope::Operator).await;
    let named: Vec<_> = found[0].members.iter().map(|part| (part.number.as_str(), part.supplier.as_deref())).collect();
    assert_eq!(named, [("1001", Some("IKT Øst")), ("1002", Some("IKT Øst")), ("1003", None)]);
    assert_eq!((found[0].member_count, found[0].independent), (Some(3), Some(2)));

    // Four members with three networks: a member is told of nothing, for three others would be two.
    send(&fixture, 4, &batch(1, vec![RecordBody::Opened(opened(1, 10, 1))])).await;
    assert_eq!(campaigns(&fixture, Scope::Member(4)).await, []);
    let picture = fixture.store.picture(Scope::Member(4)).await.unwrap();
    assert_eq!((picture.campaigns.len(), picture.campaigns_total), (0, 0), "the page says as little");
    fixture.run("UPDATE member SET supplier = NULL").await;
    let own = &campaigns(&fixture, Scope::Member(4)).await[0];
    assert_eq!((own.others_at_least, own.independent, own.members[0].supplier.as_deref()), (Some(3), None, None));
    assert_eq!(fixture.store.picture(Scope::Member(4)).await.unwrap().campaigns[0].others, Some(3));
}

#[tokio::test]
async fn two_members_that_become_one_have_one_incident_and_their_numbers_lead_there() {
    let fixture = fixture(3).await;
    for sensor in [1, 2, 3] {
        let first_day = if sensor == 2 { 3 } else { 0 };
        send(&fixture, sensor, &batch(1, vec![RecordBody::Opened(opened(1, 10, first_day))])).await;
        send(&fixture, sensor, &batch(2, vec![RecordBody::Opened(opened(2, 10, sensor * 70))])).await;
    }
    assert_eq!(fixture.count("SELECT COUNT(*) FROM incident WHERE member_id IN (1, 2)").await, 4);
    handle_merger(&fixture.store, 1, 2, NOW).await.unwrap();
    // What was within seven days is one; what was months apart stays two.
    assert_eq!(fixture.count("SELECT COUNT(*) FROM incident WHERE member_id = 2").await, 3);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM incident WHERE member_id = 1").await, 0);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM alert WHERE member_id = 2").await, 4);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM alert WHERE incident_id IS NULL").await, 0);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM site WHERE member_id = 2").await, 2);
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!((found.len(), found[0].member_count), (1, Some(2)), "{found:?}");
    let whole = fixture.store.member_by_number(Scope::Operator, &"1001".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((whole.number.as_str(), whole.sensors), ("1002", 2));
    assert_eq!(fixture.count("SELECT COUNT(*) FROM joined_member WHERE id = 1 AND into_id = 2").await, 1);
    // The sensor of the one that is no more goes on, for the one that is.
    send(&fixture, 1, &batch(3, vec![RecordBody::Opened(opened(1, 77, 4))])).await;
    assert_eq!(fixture.count("SELECT COUNT(*) FROM alert WHERE member_id = 2 AND sensor_id = 1").await, 3);
}

#[tokio::test]
async fn a_member_is_covered_by_a_site_that_was_given_and_named_and_by_no_other() {
    let fixture = fixture(2).await;
    fixture.run("INSERT INTO member (id, number, name, added_at) VALUES (3, '1003', 'Kommune 3', 0)").await;
    let able = async || {
        let picture = fixture.store.picture(Scope::Operator).await.unwrap();
        let mut able: Vec<i64> = Coverage::now(&picture, NOW).able.into_iter().collect();
        able.sort_unstable();
        able
    };
    let hello = async |epoch: u128, sites: Vec<SiteId>| {
        let mut said = introduction(Epoch(epoch), 2, Seq(1), None);
        said.hello.sites = sites;
        hello::meet(&fixture.store, 1, &said, Mark(epoch), "quic", NOW).await.unwrap();
        fixture.run("UPDATE sensor SET revision = 1").await;
    };
    hello(21, vec![SiteId(0), SiteId(4)]).await;
    assert_eq!(able().await, [1, 2], "the sensor's word alone covers nobody");
    fixture.store.add_site(1, SiteId(4), 3).await.unwrap();
    assert_eq!(able().await, [1, 2], "nor does what was given and is not named");
    hello(22, vec![SiteId(0), SiteId(4)]).await;
    assert_eq!(able().await, [1, 2, 3]);
    hello(23, vec![SiteId(0)]).await;
    assert_eq!(able().await, [1, 2], "taken out of its settings again");
}
