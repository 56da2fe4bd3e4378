//! Correlation in the store: what links and what does not, how much it matters, what a person says, and that nothing is counted twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::ingest::relink::settle_noise;
use crate::priority::Word as Grade;
use crate::store::proposal::Settled;
use crate::store::ruling::{NotRuled, Split, Word};

pub(super) const HOUR: i64 = 3_600_000_000;
pub(super) const BY: Word<'static> = Word { who: "anne", reason: "two things" };

/// Indicators 10 and up: names of domains of their own, all as sure as `confidence` says.
pub(super) async fn indicators(fixture: &Fixture, from: i64, count: i64, confidence: i64) {
    let mut tx = fixture.store.begin().await.unwrap();
    for id in from..from + count {
        sqlx::query(
            "INSERT INTO indicator (id, pattern, kind, source, confidence, severity, tlp, received_at, published_at, published_in)
             VALUES ($1, $2, 'domain', 'test', $3, 2, 'TLP:AMBER', 0, $4, 1)",
        )
        .bind(id)
        .bind(format!("c2-{id}.no"))
        .bind(confidence)
        .bind(day(0).0)
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
}

/// A host of the member reached the indicator's name at this address.
pub(super) fn reached(indicator: u64, client: u64, hour: i64, server: &str) -> AlertOpened {
    let at = Timestamp(day(0).0 + hour * HOUR);
    AlertOpened {
        evidence: Evidence::Contacted,
        seen_at: Where { server: server.parse().ok(), port: Some(443), protocol: Protocol::TCP },
        first_seen: at,
        last_seen: at,
        ..opened(indicator, client, 0)
    }
}

pub(super) async fn tell(fixture: &Fixture, sensor: i64, alerts: Vec<AlertOpened>) {
    let seq: i64 = sqlx::query_scalar("SELECT committed_seq FROM sensor WHERE id = $1")
        .bind(sensor)
        .fetch_one(fixture.store.readers())
        .await
        .unwrap();
    let bodies = alerts.into_iter().map(RecordBody::Opened).collect();
    send(fixture, sensor, &batch(u64::try_from(seq).unwrap() + 1, bodies)).await;
}

/// Everything that correlation has stored, row by row.
async fn dump(fixture: &Fixture) -> Vec<String> {
    let readers = fixture.store.readers();
    let mut all = Vec::new();
    for table in ["alert", "strand", "trace", "incident", "cluster", "campaign", "meeting", "guard", "apart", "merged"]
    {
        let columns: Vec<String> =
            sqlx::query_scalar("SELECT name FROM pragma_table_info($1)").bind(table).fetch_all(readers).await.unwrap();
        let values: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
        let sql = format!("SELECT {} FROM {table}", values.join(" || ' ' || "));
        let mut rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(readers).await.unwrap();
        rows.sort();
        all.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
    }
    all
}

#[tokio::test]
async fn c4_a_shared_cdn_address_links_nothing_and_a_rare_one_links_until_it_is_no_longer_rare() {
    let fixture = fixture(6).await;
    indicators(&fixture, 10, 9, 80).await;
    for member in 1..=2 {
        let indicator = u64::try_from(9 + member).unwrap();
        tell(&fixture, member, vec![reached(indicator, 10, member, "104.16.1.1")]).await;
    }
    assert_eq!(campaigns(&fixture, Scope::Operator).await, [], "Cloudflare's");
    for member in 1..=2 {
        let indicator = u64::try_from(11 + member).unwrap();
        tell(&fixture, member, vec![reached(indicator, 20, member, "198.51.100.9")]).await;
    }
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!((found.len(), found[0].member_count, found[0].too_connected), (1, Some(2), Some(false)));
    let bonds = fixture.store.bonds(Scope::Operator, 1).await.unwrap();
    let said: Vec<String> =
        bonds.iter().map(|b| format!("{} {} {} {}", b.kind, b.value, b.incidents, b.links)).collect();
    assert_eq!(said, ["address 198.51.100.9 2 true"]);
    // A third listed name there is still one of few; with a fourth the address is no rare one, and links nothing.
    tell(&fixture, 3, vec![reached(14, 30, 5, "198.51.100.9")]).await;
    assert_eq!(campaigns(&fixture, Scope::Operator).await[0].member_count, Some(3));
    tell(&fixture, 4, vec![reached(15, 40, 6, "198.51.100.9")]).await;
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!((found.len(), found[0].member_count), (1, Some(3)), "the fourth is not in it, and nobody was split off");
    assert_eq!(found[0].too_connected_why.as_deref(), Some("address 198.51.100.9"));
    let split = fixture.store.proposed_split(Scope::Operator, 1).await.unwrap();
    assert_eq!(split.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(fixture.store.proposed_split(Scope::Member(1), 1).await.unwrap(), Vec::<Vec<i64>>::new());
}

#[tokio::test]
async fn c5_an_exercise_makes_no_address_a_common_one_and_no_host_a_gateway() {
    let fixture = fixture(3).await;
    indicators(&fixture, 10, 20, 80).await;
    fixture.run("UPDATE indicator SET exercise = 1 WHERE id >= 20").await;
    let practised = |indicator: u64, client: u64| {
        let mut drill = reached(indicator, client, 1, "198.51.100.9");
        drill.marks.exercise = true;
        drill
    };
    tell(&fixture, 3, (20..29).map(|indicator| practised(indicator, 70)).collect()).await;
    tell(&fixture, 1, (20..29).map(|indicator| practised(indicator, 7)).collect()).await;
    assert_eq!(fixture.count("SELECT COUNT(*) FROM guard WHERE kind = 'address'").await, 0);
    // The same address, and the same host, in earnest.
    let lure = AlertOpened { evidence: Evidence::Answered, ..reached(12, 7, 2, "192.0.2.53") };
    tell(&fixture, 1, vec![lure, reached(10, 7, 2, "198.51.100.9")]).await;
    tell(&fixture, 2, vec![reached(11, 8, 3, "198.51.100.9")]).await;
    let real: Vec<_> = incidents(&fixture).await.into_iter().filter(|incident| !incident.exercise).collect();
    assert_eq!(real.len(), 2, "what the host met is one incident: {real:?}");
    let found = campaigns(&fixture, Scope::Operator).await;
    let found: Vec<_> = found.iter().filter(|campaign| !campaign.exercise).collect();
    assert_eq!((found.len(), found[0].member_count), (1, Some(2)), "{found:?}");
}

#[tokio::test]
async fn what_one_host_met_within_a_day_is_one_incident_with_several_topics() {
    let fixture = fixture(2).await;
    indicators(&fixture, 10, 3, 80).await;
    let lure = AlertOpened { evidence: Evidence::Answered, ..reached(10, 7, 0, "192.0.2.53") };
    tell(&fixture, 1, vec![lure]).await;
    tell(&fixture, 1, vec![reached(11, 7, 20, "198.51.100.9"), reached(12, 8, 20, "198.51.100.8")]).await;
    let found = incidents(&fixture).await;
    let mut said: Vec<(&str, i64)> = found.iter().map(|incident| (incident.title.as_str(), incident.alerts)).collect();
    said.sort_unstable();
    assert_eq!(said, [("c2-10.no", 2), ("c2-12.no", 1)]);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM strand WHERE incident_id = 1").await, 2);
    // A member that met only the second is in one campaign with what the first led to.
    tell(&fixture, 2, vec![reached(10, 9, 30, "198.51.100.7")]).await;
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!((found.len(), found[0].alerts), (1, 3));
}

#[tokio::test]
async fn q_a_popular_false_positive_ends_as_a_proposal_with_its_numbers_and_not_on_top() {
    let fixture = fixture(40).await;
    indicators(&fixture, 10, 1, 60).await;
    indicators(&fixture, 11, 1, 20).await;
    for member in 1..=40 {
        let client = u64::try_from(member).unwrap() * 100;
        let popular = (0..4).map(|host| reached(10, client + host, member % 3, "198.51.100.9"));
        let dirty = reached(11, client + 50, member % 7, "198.51.100.8");
        tell(&fixture, member, popular.chain([dirty]).collect()).await;
    }
    for campaign in campaigns(&fixture, Scope::Operator).await {
        assert!(campaign.word <= Some(Grade::Medium), "{campaign:?}");
    }
    for incident in incidents(&fixture).await {
        assert!(incident.word.is_some() && incident.word <= Some(Grade::Medium), "{incident:?}");
    }
    let proposals = fixture.store.noise_proposals(Scope::Operator, true).await.unwrap();
    let numbers = proposals.iter().find(|found| found.indicator_id == 10).unwrap().numbers.clone().unwrap();
    assert_eq!((numbers.able_to_see, numbers.hosts_median, numbers.confidence), (40, 4, 60));
    assert!(numbers.members >= 5 && numbers.members < 40, "proposed as soon as it looked so: {numbers:?}");
    assert_eq!(fixture.store.noise_proposals(Scope::Member(1), false).await.unwrap(), []);
    // What it had linked by then is told to be too connected; what came after is not linked.
    let found = campaigns(&fixture, Scope::Operator).await;
    let marked: Vec<_> =
        found.iter().filter(|found| found.too_connected_why.as_deref() == Some("indicator 10")).collect();
    assert_eq!(marked.len(), 1, "{found:?}");
    assert!(marked[0].member_count < Some(10), "{:?}", marked[0].member_count);
    // A person says that it is none: it weighs as before, and is not proposed again.
    let before = incidents(&fixture).await.iter().map(|incident| incident.word).max().flatten();
    assert!(settle_noise(&fixture.store, 10, Settled::Overruled, ("anne", "it is real"), NOW).await.unwrap());
    let after = incidents(&fixture).await.iter().map(|incident| incident.word).max().flatten();
    assert!(after > before, "{before:?} {after:?}");
    let found = campaigns(&fixture, Scope::Operator).await;
    assert!(found.iter().all(|found| found.too_connected_why.as_deref() != Some("indicator 10")), "{found:?}");
    tell(&fixture, 1, vec![reached(10, 9_999, 5, "198.51.100.9")]).await;
    let open = fixture.store.noise_proposals(Scope::Operator, true).await.unwrap();
    assert!(open.iter().all(|found| found.indicator_id != 10));
    assert!(!settle_noise(&fixture.store, 3, Settled::Upheld, ("anne", ""), NOW).await.unwrap(), "never proposed");
}

#[tokio::test]
async fn a_threat_of_more_indicators_than_any_threat_has_is_a_mere_list_and_links_nothing() {
    let fixture = fixture(2).await;
    indicators(&fixture, 10, 101, 80).await;
    fixture.run("UPDATE indicator SET threat = 'feed dump' WHERE id BETWEEN 10 AND 109").await;
    tell(&fixture, 1, vec![reached(10, 7, 0, "198.51.100.1")]).await;
    tell(&fixture, 2, vec![reached(11, 8, 0, "198.51.100.2")]).await;
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!((found.len(), found[0].title.as_str()), (1, "feed dump"), "100 may be one threat's");
    fixture.run("UPDATE indicator SET threat = 'feed dump' WHERE id = 110").await;
    tell(&fixture, 1, vec![reached(12, 9, 0, "198.51.100.3")]).await;
    tell(&fixture, 2, vec![reached(13, 9, 0, "198.51.100.4")]).await;
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!((found.len(), found[0].alerts), (1, 2), "what came after stands for itself");
    assert_eq!(found[0].too_connected_why.as_deref(), Some("threat feed dump"));
    let titles: Vec<String> = incidents(&fixture).await.into_iter().map(|incident| incident.title).collect();
    assert_eq!(titles.iter().filter(|title| *title == "feed dump").count(), 2, "{titles:?}");
}

/// What a source says of these indicators beside: tags.
async fn tagged(fixture: &Fixture, from: i64, to: i64, threat: &str, tag: &str) {
    fixture.run("INSERT INTO source (id, name, added_at) VALUES (77, 'tagging', 0) ON CONFLICT DO NOTHING").await;
    let mut tx = fixture.store.begin().await.unwrap();
    for id in from..=to {
        sqlx::query(
            "INSERT INTO claim (indicator_id, source_id, object_id, threat, details, received_at, renewed_at)
             VALUES ($1, 77, $2, $3, $4, 0, 0)",
        )
        .bind(id)
        .bind(id.to_string())
        .bind(threat)
        .bind(serde_json::json!({ "tags": [tag] }).to_string())
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn q_a_large_threat_that_a_galaxy_knows_or_whose_names_are_one_partys_is_no_mere_list() {
    let fixture = fixture(2).await;
    indicators(&fixture, 10, 101, 80).await;
    indicators(&fixture, 200, 101, 80).await;
    indicators(&fixture, 400, 101, 80).await;
    fixture.run("UPDATE indicator SET threat = 'family' WHERE id BETWEEN 10 AND 110").await;
    fixture
        .run("UPDATE indicator SET threat = 'kit', pattern = 'n' || id || '.kit-panel.no' WHERE id BETWEEN 200 AND 300")
        .await;
    fixture.run("UPDATE indicator SET threat = 'dump' WHERE id BETWEEN 400 AND 500").await;
    tagged(&fixture, 10, 12, "family", "misp-galaxy:botnet=\"family\"").await;
    // A galaxy that names something else says nothing of it.
    tagged(&fixture, 400, 500, "dump", "misp-galaxy:sector=\"Government\"").await;
    for (turn, first) in (0u64..).zip([10, 200, 400]) {
        let server = |place: u64| format!("198.51.100.{}", 10 * turn + place);
        tell(&fixture, 1, vec![reached(first, turn + 7, 0, &server(1))]).await;
        tell(&fixture, 2, vec![reached(first + 1, turn + 70, 0, &server(2))]).await;
    }
    let mut titles: Vec<String> =
        campaigns(&fixture, Scope::Operator).await.into_iter().map(|found| found.title).collect();
    titles.sort_unstable();
    assert_eq!(titles, ["family", "kit"]);
}

#[tokio::test]
async fn q_a_threat_that_behaves_like_a_list_links_nothing_more_and_is_never_above_medium() {
    let fixture = fixture(40).await;
    indicators(&fixture, 10, 20, 60).await;
    fixture.run("UPDATE indicator SET threat = 'collected' WHERE id BETWEEN 10 AND 29").await;
    for member in 1..=40 {
        let client = u64::try_from(member).unwrap() * 100;
        let (indicator, server) = (10 + client / 100 % 20, format!("198.51.100.{member}"));
        let found = reached(indicator, client, member * 12, &server);
        // One in five gets somewhere.
        let evidence = if member % 5 == 0 { Evidence::Contacted } else { Evidence::Answered };
        tell(&fixture, member, vec![AlertOpened { evidence, ..found }]).await;
    }
    let found = campaigns(&fixture, Scope::Operator).await;
    let largest = found.iter().filter_map(|found| found.member_count).max().unwrap();
    assert!((8..20).contains(&largest), "as soon as it looked so: {found:?}");
    let marked: Vec<_> =
        found.iter().filter(|found| found.too_connected_why.as_deref() == Some("threat collected")).collect();
    assert_eq!(marked.len(), 1, "{found:?}");
    for campaign in &found {
        assert!(campaign.word <= Some(Grade::Medium), "{campaign:?}");
    }
}

#[tokio::test]
async fn c5_a_split_and_a_merge_are_obeyed_by_what_comes_later() {
    let fixture = fixture(6).await;
    indicators(&fixture, 10, 2, 80).await;
    for (member, indicator) in [(1, 10), (2, 10), (3, 11), (4, 11)] {
        tell(&fixture, member, vec![reached(indicator, 7, 0, "198.51.100.1")]).await;
    }
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!((found.len(), found[0].member_count), (1, Some(4)), "one rare address");
    let store = &fixture.store;
    let split =
        async |incidents: &[i64]| store.split_campaign(1, &incidents.iter().copied().collect(), BY, NOW).await.unwrap();
    assert_eq!(split(&[]).await, Err(NotRuled::OneSided));
    assert_eq!(split(&[1, 2, 3, 4]).await, Err(NotRuled::OneSided));
    assert_eq!(split(&[1, 9]).await, Err(NotRuled::NotInIt(9)));
    assert_eq!(split(&[3, 4]).await, Ok(Split { kept: 1, other: Some(2) }));
    let members = async || {
        let mut found = campaigns(&fixture, Scope::Operator).await;
        found.sort_by_key(|campaign| campaign.id);
        found.iter().map(|campaign| (campaign.id, campaign.member_count)).collect::<Vec<_>>()
    };
    assert_eq!(members().await, [(1, Some(2)), (2, Some(2))]);
    // A fifth member shares the address with both, and the indicator with one: it goes there, and the two stay two.
    tell(&fixture, 5, vec![reached(11, 8, 1, "198.51.100.1")]).await;
    tell(&fixture, 1, vec![reached(10, 9, 2, "198.51.100.1")]).await;
    assert_eq!(members().await, [(1, Some(2)), (2, Some(3))]);
    assert_eq!(store.merge_campaigns((2, 2), BY, NOW).await.unwrap(), Err(NotRuled::Same));
    assert_eq!(store.merge_campaigns((2, 7), BY, NOW).await.unwrap(), Err(NotRuled::NoCampaign(7)));
    assert_eq!(store.merge_campaigns((2, 1), BY, NOW).await.unwrap(), Ok(1));
    tell(&fixture, 6, vec![reached(11, 8, 3, "198.51.100.5")]).await;
    assert_eq!(members().await, [(1, Some(6))]);
    assert_eq!(campaign::resolve(store, Scope::Operator, "2").await.unwrap(), Some(1), "its number leads there");
    assert_eq!(fixture.count("SELECT COUNT(*) FROM apart").await, 0);
}

#[tokio::test]
async fn d2_a_replay_changes_nothing_that_correlation_has_stored() {
    let fixture = fixture(3).await;
    for sensor in 1..=3 {
        send(&fixture, sensor, &batch(1, some())).await;
    }
    let before = dump(&fixture).await;
    assert!(before.iter().any(|row| row.starts_with("campaign")) && before.iter().any(|row| row.starts_with("trace")));
    for sensor in 1..=3 {
        send(&fixture, sensor, &batch(1, some())).await;
    }
    assert_eq!(dump(&fixture).await, before);
}

#[tokio::test]
async fn d2_a_batch_that_fails_half_way_leaves_nothing_and_the_state_after_it_is_that_of_one_that_never_failed() {
    let without = fixture(3).await;
    for sensor in 1..=3 {
        send(&without, sensor, &batch(1, some())).await;
    }
    let with = fixture(3).await;
    for sensor in 1..=3 {
        // As if it had been killed there: each table once, the first time it is written.
        for (table, verb) in [
            ("meeting", "INSERT"),
            ("incident", "INSERT"),
            ("strand", "INSERT"),
            ("trace", "INSERT"),
            ("cluster", "INSERT"),
            ("incident", "UPDATE OF word"),
            ("alert", "INSERT"),
            ("sensor", "UPDATE OF committed_seq"),
        ] {
            let before = dump(&with).await;
            let trigger =
                format!("CREATE TRIGGER torn BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, 'torn'); END");
            let mut tx = with.store.begin().await.unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(trigger)).execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
            let torn = handle_batch(&with.store, sensor, &batch(1, some()), NOW).await;
            with.run("DROP TRIGGER torn").await;
            match torn {
                Err(error) => assert!(error.to_string().contains("torn"), "{error}"),
                // What a later member's batch does not write cannot fail: it is told again, and stored once.
                Ok(_) => continue,
            }
            assert_eq!(dump(&with).await, before, "{verb} {table}");
        }
        send(&with, sensor, &batch(1, some())).await;
    }
    assert_eq!(dump(&with).await, dump(&without).await);
}

#[tokio::test]
async fn what_a_strand_shares_is_kept_once_however_often_it_grows() {
    let fixture = fixture(2).await;
    send(&fixture, 1, &batch(1, vec![RecordBody::Opened(opened(1, 10, 0))])).await;
    for (seq, last_day) in [(2, 1), (3, 2), (4, 6)] {
        send(&fixture, 1, &batch(seq, vec![RecordBody::Updated(updated(1, 1, Evidence::Contacted, last_day))])).await;
    }
    assert_eq!(fixture.count("SELECT COUNT(*) FROM trace WHERE kind = 'indicator'").await, 1);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM trace WHERE kind = 'address' AND value = '192.0.2.9'").await, 1);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM strand").await, 1);
    assert_eq!(
        fixture.count("SELECT MAX(last_seen) - MIN(first_seen) FROM trace WHERE kind = 'indicator'").await,
        6 * DAY
    );
}

/// Steps of the database's machine that a batch takes.
pub(super) async fn steps(fixture: &Fixture, sensor: i64, alerts: Vec<AlertOpened>) -> u64 {
    let count = Arc::new(AtomicU64::new(0));
    let counting = Arc::clone(&count);
    let mut tx = fixture.store.begin().await.unwrap();
    tx.lock_handle().await.unwrap().set_progress_handler(1, move || {
        counting.fetch_add(1, Ordering::Relaxed);
        true
    });
    tx.rollback().await.unwrap();
    tell(fixture, sensor, alerts).await;
    let mut tx = fixture.store.begin().await.unwrap();
    tx.lock_handle().await.unwrap().remove_progress_handler();
    tx.rollback().await.unwrap();
    count.load(Ordering::Relaxed)
}

#[tokio::test]
async fn b12_what_a_batch_costs_does_not_grow_with_incidents_of_other_topics() {
    let with = async |others: i64| {
        let fixture = fixture(3).await;
        indicators(&fixture, 10, 2, 80).await;
        indicators(&fixture, 100, others.max(1), 80).await;
        for (member, first) in [(1, 0), (2, 0), (3, 0)] {
            let unrelated = (0..others).filter(|place| place % 3 == member - 1).map(|place| {
                let server = format!("198.51.{}.{}", 100 + place / 250, place % 250);
                reached(u64::try_from(100 + place).unwrap(), u64::try_from(500 + place).unwrap(), first, &server)
            });
            tell(&fixture, member, unrelated.collect()).await;
        }
        assert_eq!(fixture.count("SELECT COUNT(*) FROM incident").await, others);
        tell(&fixture, 2, vec![reached(10, 20, 1, "203.0.113.9")]).await;
        steps(&fixture, 1, vec![reached(10, 10, 2, "203.0.113.9"), reached(11, 10, 3, "203.0.113.9")]).await
    };
    let (few, many) = (with(30).await, with(1200).await);
    assert!(few > 500, "the steps are counted: {few}");
    assert!(many <= few + few / 10, "{few} steps beside 30 other incidents, {many} beside 1200");
}

/// Everything that weights decide about and that is weighed anew: what joins what was decided by those of its time.
async fn weighed(fixture: &Fixture) -> Vec<(String, i64, Option<i64>, Option<i64>, Option<String>, Option<String>)> {
    let sql = "SELECT 'incident', id, word, sort, why, weights_version FROM incident
        UNION ALL SELECT 'campaign', id, word, sort, why, weights_version FROM campaign ORDER BY 1, 2";
    sqlx::query_as(sql).fetch_all(fixture.store.readers()).await.unwrap()
}

#[tokio::test]
async fn c_other_weights_weigh_all_that_stands_anew_in_steps_and_cut_off_anywhere_it_comes_to_what_a_fresh_reckoning_says()
 {
    let text = crate::weights::Weights::built_in_text()
        .replacen("varde-2", "ours", 1)
        .replacen("high_from = 5", "high_from = 7", 1)
        .replacen("persistent = 1 ", "persistent = 2 ", 1)
        .replacen("low = [\"info\", \"low\", \"low\"]", "low = [\"low\", \"medium\", \"medium\"]", 1);
    let tell_all = async |fixture: &Fixture| {
        indicators(fixture, 10, 9, 80).await;
        indicators(fixture, 20, 300, 30).await;
        for member in 1..=3 {
            tell(fixture, member, vec![reached(10, 10, member, "198.51.100.9"), reached(11, 20, 0, "192.0.2.8")]).await;
        }
        for chunk in 0..6u64 {
            let many = (0..50).map(|at| reached(20 + 50 * chunk + at, 100 + 50 * chunk + at, 30, "192.0.2.9"));
            tell(fixture, 4, many.collect()).await;
        }
    };
    let (before, fresh) = (fixture(4).await, fixture(4).await);
    fresh.store.take_weights(&text, day(1)).await.unwrap().unwrap();
    for fixture in [&before, &fresh] {
        tell_all(fixture).await;
    }
    let old = weighed(&before).await;
    assert!(old.len() > 256 && old.iter().all(|row| row.5.as_deref() == Some("varde-2")), "{}", old.len());
    assert!(!before.store.weigh_what_is_behind().await.unwrap(), "all is weighed by what is in force");
    before.store.take_weights(&text, day(1)).await.unwrap().unwrap();
    let version = before.store.weights(Scope::Operator).await.unwrap().version;
    // Cut off after one step: what is done names the new version, what is not the old one.
    assert!(before.store.weigh_what_is_behind().await.unwrap());
    let midway = weighed(&before).await;
    let done = midway.iter().filter(|row| row.5.as_ref() == Some(&version)).count();
    assert!(done > 0 && done < midway.len(), "in steps: {done} of {}", midway.len());
    assert!(midway.iter().zip(&old).all(|(now, then)| now.5.as_ref() == Some(&version) || now == then));
    let mut steps = 1;
    while before.store.weigh_what_is_behind().await.unwrap() {
        steps += 1;
    }
    assert!((2..=10).contains(&steps), "{steps}");
    let (now, expected) = (weighed(&before).await, weighed(&fresh).await);
    assert_eq!(now, expected);
    assert!(now.iter().zip(&old).any(|(now, then)| now.2 != then.2), "the words are others");
}
