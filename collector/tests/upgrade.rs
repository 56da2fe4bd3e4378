//! Promise V1: a data directory that an earlier version left is brought up to date, and everything is still there.
//!
//! # The fixtures
//! `collector/tests/data/schema-NNN.sql` is the database of a small community as the program with that version of the tables
//! wrote it: two members, a sensor each, an alert each, an incident each, one campaign, one list. They are never edited. With
//! each new version of the tables the next one is made, by the program that has that version:
//!
//! ```text
//! VARDE_FIXTURE=/tmp/fixture cargo nextest run -p varde-tests --test fixtures --run-ignored all
//! cp /tmp/fixture/schema-NNN.sql collector/tests/data/
//! ```
//! and a line more below says what stands in it. Since version 4 there is more in it: marks, a session over TCP (sensor 1), a
//! sensor in quarantine of which an older state came (2), and its alert of many hosts. Since version 5 certificates: one that was
//! given to sensor 1 and not used yet, and a refusal to sensor 2. Since version 6 the root document, what sensors said of it and of the
//! newest list (sensor 2: what it did not believe), and a list that waits for its signature. Since version 10 an audit of the commands that
//! made it, a profile (Gjøvik: a contact, an old number, a shared network), a site of its at sensor 2, and that a member has left; sensor 1 is
//! in another channel, sensor 2 would not follow one, and what waits are changes over a base; an order of the
//! brake, what sensor 1 counted by it, and why sensor 2 refused it. Since version 17 what sources, lint and people say of indicators: an
//! object's version and a clue, an override, something allowed, a list that stopped on its way, what was recalled then and lifted, a verdict
//! on sensor 1's alert, a reader of the list.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use varde_collector::audit::Wrong;
use varde_collector::ingest::handle_batch;
use varde_collector::store::alert::{self, Which};
use varde_collector::store::{DATABASE_FILE, Scope, Store, StoreError};
use varde_common::alert::{AlertOpened, Circumstances, Direction, Evidence, Where, Zone};
use varde_common::channel::ChannelName;
use varde_common::id::{IndicatorId, Pseudonym, Revision, Seq, SiteId};
use varde_common::indicator::{Marks, Severity};
use varde_common::message::Batch;
use varde_common::observation::Protocol;
use varde_common::record::{Record, RecordBody};
use varde_common::time::Timestamp;

/// Every version that was ever in anybody's hands.
const FIXTURES: [(i64, &str); 7] = [
    (1, include_str!("data/schema-001.sql")),
    (4, include_str!("data/schema-004.sql")),
    (5, include_str!("data/schema-005.sql")),
    (6, include_str!("data/schema-006.sql")),
    (10, include_str!("data/schema-010.sql")),
    (17, include_str!("data/schema-017.sql")),
    (27, include_str!("data/schema-027.sql")),
];

async fn lay_down(data: &Path, version: i64, dump: &str) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(data.join(DATABASE_FILE)).create_if_missing(true);
    let mut conn = options.foreign_keys(false).connect().await?;
    sqlx::raw_sql(AssertSqlSafe(dump.to_owned())).execute(&mut conn).await?;
    sqlx::raw_sql(AssertSqlSafe(format!("PRAGMA user_version = {version}"))).execute(&mut conn).await?;
    conn.close().await
}

#[tokio::test]
async fn v1_every_earlier_database_is_brought_up_to_date_with_all_that_is_in_it() {
    for (version, dump) in FIXTURES {
        let dir = tempfile::tempdir().unwrap();
        lay_down(dir.path(), version, dump).await.unwrap();
        let upgraded = Store::upgrade(dir.path()).await.unwrap();
        if let Some(upgraded) = &upgraded {
            assert_eq!(upgraded.from, usize::try_from(version).unwrap());
            assert!(upgraded.copy.as_ref().is_some_and(|copy| copy.is_file()), "a copy is made before");
        }
        let store = Store::open(dir.path()).await.unwrap();
        store.check().await.unwrap();
        let picture = store.picture(Scope::Operator).await.unwrap();
        assert_eq!(picture.operator.as_deref(), Some("Prøve-CSIRT"));
        let mut members: Vec<_> =
            store.member_rows(Scope::Operator).await.unwrap().into_iter().map(|row| (row.number, row.name)).collect();
        members.sort();
        assert_eq!(members, [("0301".to_owned(), "Oslo".to_owned()), ("3407".to_owned(), "Gjøvik".to_owned())]);
        assert_eq!(picture.sensors.iter().filter(|sensor| sensor.enrolled_at.is_some()).count(), 2);
        assert_eq!(picture.list.map(|list| (list.revision, list.count)), Some((1, 1)));
        assert_eq!((picture.incidents_total, picture.campaigns_total), (2, 1));
        let hits: Vec<_> = picture.campaigns[0].hits.iter().map(|hit| hit.member.number.as_str()).collect();
        assert_eq!(hits.len(), 2, "{hits:?}");
        let indicators: Vec<_> = store
            .indicator_page(Scope::Operator, 0, 1_000)
            .await
            .unwrap()
            .into_iter()
            .map(|row| row.indicator)
            .collect();
        assert_eq!(indicators, ["vond.example"]);
        let alerts = alert::list(&store, Scope::Operator, Which::default(), 10).await.unwrap();
        assert_eq!(alerts.len(), 2);
        assert!(alerts.iter().all(|alert| alert.count == 1 && alert.indicator == "vond.example"));
        // Where each sensor has come to: what it sends again is known, what comes next is new.
        let counts: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT committed_seq, (SELECT COUNT(*) FROM record WHERE sensor_id = sensor.id AND record.epoch = sensor.epoch)
             FROM sensor ORDER BY id",
        )
        .fetch_all(store.readers())
        .await
        .unwrap();
        assert!(counts.iter().all(|(committed, records)| committed == records && *records >= 2), "{counts:?}");
        // What came with version 4 is still there, and an older database says that there was none.
        let later = i64::from(version >= 4);
        let many: Vec<_> = alerts.iter().filter_map(|alert| alert.hosts).collect();
        assert_eq!(many, [3_000].repeat(later as usize));
        let marks: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM sensor_mark").fetch_one(store.readers()).await.unwrap();
        assert_eq!(marks, 2 * later);
        let sensors = store.sensor_rows(Scope::Operator).await.unwrap();
        let of: Vec<_> = sensors
            .iter()
            .map(|row| (row.carrier.as_deref(), row.quarantined_at.is_some(), row.set_back_at.is_some(), row.replayed))
            .collect();
        let then = [(None, false, false, 0); 2];
        let now = [(Some("tcp"), false, false, 0), (Some("quic"), true, true, 3)];
        assert_eq!(of, if later == 1 { now } else { then });
        // What came with version 5: who was enrolled before is asked nothing and told nothing of certificates.
        let renewed: Vec<_> = sensors
            .iter()
            .map(|row| (row.certificate_until.is_some(), row.renewed_at.is_some(), row.renewal_refused_why.as_deref()))
            .collect();
        let since = [(true, true, None), (true, false, Some("toolate"))];
        assert_eq!(renewed, if version >= 5 { since } else { [(false, false, None); 2] });
        let next = store.sensor_by_key(Scope::Operator, &[0; 32]).await.unwrap().map(|found| found.sensor);
        assert_eq!(next, (version >= 5).then_some(1), "a key that was given and not used is honoured");
        // What came with version 6: of a database from before it nothing is known of what sensors trust.
        let trusts: Vec<_> = sensors
            .iter()
            .map(|row| (row.root_version, row.root_refused_why.as_deref(), row.newest_refused_why.as_deref()))
            .collect();
        let since = [(Some(1), None, None), (Some(1), Some("unsigned"), Some("older"))];
        assert_eq!(trusts, if version >= 6 { since } else { [(None, None, None); 2] });
        let roots = store.root_documents(Scope::Operator).await.unwrap();
        assert_eq!(roots.iter().map(|row| row.version).collect::<Vec<_>>(), [1].repeat(usize::from(version >= 6)));
        let waits = store.pending_facts(Scope::Operator).await.unwrap().map(|facts| facts.revision);
        assert_eq!(waits, (version >= 6).then_some(2));
        // What came with version 7: the audit is whole still; a database from before it has none.
        let audit =
            store.verify_audit(Scope::Operator, None, varde_common::time::Timestamp(i64::MAX), |_| {}).await.unwrap();
        assert_eq!(audit.map(|sound| sound.first), if version >= 7 { Ok(1) } else { Err(Wrong::Empty) });
        // What came with version 7: of members from before nothing is known but number and name.
        let number = "0502".parse().unwrap();
        let former = store.member_by_number(Scope::Operator, &number).await.unwrap().map(|member| member.number);
        assert_eq!(former, (version >= 7).then(|| "3407".to_owned()), "an old number leads on");
        let gjovik = store.member_by_number(Scope::Operator, &"3407".parse().unwrap()).await.unwrap().unwrap();
        let profile = store.profile(Scope::Operator, gjovik.id).await.unwrap().unwrap();
        let known = (profile.supplier.as_deref(), profile.language.as_str(), profile.covered, profile.contacts.len());
        let now = (Some("IKT Øst"), "nynorsk", Some(true), 1);
        assert_eq!(known, if version >= 7 { now } else { (None, "neutral", None, 0) });
        let sites = store.site_rows(Scope::Member(gjovik.id), None).await.unwrap();
        let watched: Vec<_> = sites.iter().map(|site| (site.sensor, site.site, site.watches())).collect();
        assert_eq!(
            watched,
            [(1, 0, true), (2, 4, true)].into_iter().take(if version >= 7 { 2 } else { 1 }).collect::<Vec<_>>()
        );
        let departed = store.departures(Scope::Operator).await.unwrap().len();
        assert_eq!(departed, usize::from(version >= 7));
        // What came with version 7: everybody followed the one channel there was, and each list was its base.
        let placed: Vec<_> = sensors
            .iter()
            .map(|row| (row.channel.as_str(), row.follows.as_deref(), row.channel_refused_why.as_deref()))
            .collect();
        let since = [("pilot", Some("pilot"), None), ("all", Some("all"), Some("older"))];
        assert_eq!(placed, if version >= 7 { since } else { [("all", None, None); 2] });
        assert_eq!(store.placements(Scope::Operator).await.unwrap().len(), usize::from(version >= 7));
        let list = store.newest_list(Scope::Operator, &ChannelName::default()).await.unwrap().unwrap();
        assert_eq!((list.base_revision, list.overlay, list.older_manifest), (Revision(1), None, None));
        let changes = store.pending(Scope::Operator).await.unwrap().and_then(|pending| pending.changes);
        assert_eq!(changes.map(|changes| changes.base_revision), (version >= 7).then_some(Revision(1)));
        // What came with version 7: before it nothing was ever braked.
        let braked = i64::from(version >= 7);
        let order = store.newest_brake(Scope::Operator).await.unwrap().map(|order| order.number);
        assert_eq!(order, (version >= 7).then_some(7));
        let counted: Vec<_> = picture.brakes.iter().map(|row| (row.matches, row.sensors, row.hosts)).collect();
        assert_eq!(counted, [(300, 1, 20)].repeat(braked as usize));
        assert_eq!(picture.brake_standings.len(), 2 * braked as usize);
        let told = store.sensor_events(Scope::Operator, 2, 10).await.unwrap();
        assert_eq!(told.total, 2 + u64::from(version >= 4), "{told:?}");
        // What came with version 11: what a database from before it looks for is what its source says, and nobody has said more.
        let said = store.indicator_said(Scope::Operator, 1).await.unwrap().unwrap();
        assert_eq!(said.claims_total, 1);
        let claim = &said.claims[0];
        let known = (claim.object_id.as_deref(), claim.confidence, claim.tlp);
        assert!(said.indicator.withdrawn_at.is_none() && said.indicator.recalled_at.is_none(), "{said:?}");
        let people = i64::from(version >= 17);
        if people == 1 {
            assert_eq!(known, (Some("indicator--1"), Some(80), Some("TLP:GREEN")));
        }
        let now = varde_common::time::Timestamp(1_795_000_100_000_000);
        let kept = store.allowed_rows(Scope::Operator, now).await.unwrap().len();
        let overridden = store.override_rows(Scope::Operator, now).await.unwrap().len();
        assert_eq!((kept as i64, overridden as i64), (people, people));
        let recalls = store.recall_rows(Scope::Operator, 9).await.unwrap();
        assert_eq!(recalls.iter().filter(|row| row.by_itself && row.lifted_at.is_some()).count() as i64, people);
        let settled = store.rollouts(Scope::Operator).await.unwrap();
        assert_eq!(settled.iter().filter(|row| row.passed_at.is_some()).count() as i64, people);
        let readers: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM reader WHERE member_id = $1")
            .bind(gjovik.id)
            .fetch_one(store.readers())
            .await
            .unwrap();
        assert_eq!(readers, people);
        let verdicts: Vec<_> = alerts.iter().filter_map(|alert| alert.verdict).collect();
        assert_eq!(verdicts.len() as i64, people, "{verdicts:?}");
        assert_eq!(store.imports_under_way(Scope::Operator).await.unwrap(), []);
        store.close().await;
    }
}

#[tokio::test]
async fn v1_a_command_changes_no_tables_and_a_newer_database_is_let_alone() {
    let dir = tempfile::tempdir().unwrap();
    lay_down(dir.path(), 99, FIXTURES[0].1).await.unwrap();
    assert!(matches!(Store::open(dir.path()).await, Err(StoreError::TooNew { found: 99, .. })));
    let dir = tempfile::tempdir().unwrap();
    lay_down(dir.path(), 0, "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL);").await.unwrap();
    assert!(matches!(Store::open(dir.path()).await, Err(StoreError::TooOld { found: 0, .. })));
}

const HOUR: i64 = 3_600_000_000;
/// When the sensors of the fixtures were last heard, about.
const THEN: i64 = 1_796_033_690_000_000;

/// An indicator, its name and its confidence, and the alerts of it: so many hours before, and how far each got.
type Seen<'a> = (i64, &'a str, i64, &'a [(i64, i64)]);

/// What Oslo's sensor had seen by version 17: of each indicator an incident with these alerts.
fn seen_before(of: &[Seen<'_>]) -> String {
    let (mut sql, mut alerts) = (String::new(), 10);
    for (id, name, confidence, seen) in of {
        let at = |hours: &i64| THEN - hours * HOUR;
        let (first, last) =
            (seen.iter().map(|(hours, _)| at(hours)).min(), seen.iter().map(|(hours, _)| at(hours)).max());
        let (first, last) = (first.unwrap_or(THEN), last.unwrap_or(THEN));
        sql.push_str(&format!(
            "INSERT INTO indicator (id, pattern, kind, source, confidence, severity, tlp, received_at, published_at, published_in)
                VALUES ({id}, '{name}', 'domain', 'import.txt', {confidence}, 2, 'TLP:AMBER', {first}, {first}, 1);
             INSERT INTO incident VALUES ({id}, 'incident-{id}', 2, 'indicator', '{id}', '{name}', 0, NULL, {last}, {first}, {last}, {last});"
        ));
        for (hours, evidence) in *seen {
            alerts += 1;
            let at = at(hours);
            sql.push_str(&format!(
                "INSERT INTO alert VALUES ({alerts}, 'alert-{alerts}', 2, '7a00f785a28ad3c494b5ff9dd85ab63b', {alerts}, 2, 0, {id}, 1,
                    'H-02G74WFT3PDX{alerts}', 0, '111', 'outbound', {evidence}, 0, 0, 0, 0, '198.51.100.{id}', 443, 6, 2, 0, 0, {at}, {at}, 1,
                    NULL, {at}, {at}, 1, {id}, NULL, NULL, NULL, NULL, NULL);"
            ));
        }
    }
    sql
}

#[tokio::test]
async fn v1_what_was_in_contact_before_an_upgrade_is_in_a_campaign_with_what_is_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let (version, dump) = FIXTURES[5];
    // Names that nobody stands for: reached ten hours and 59 days ago; looked up twice within five days; and one that sources are sure of.
    let before = seen_before(&[
        (20, "reached.example", 50, &[(10, 4)]),
        (21, "long-ago.example", 50, &[(59 * 24, 3)]),
        (22, "looked-up.example", 50, &[(120, 2), (0, 2), (3, 2)]),
        (23, "sure.example", 80, &[(240, 2), (120, 2)]),
        (24, "answered.example", 50, &[(10, 2)]),
    ]);
    lay_down(dir.path(), version, &format!("{dump}{before}")).await.unwrap();
    Store::upgrade(dir.path()).await.unwrap().unwrap();
    let store = Store::open(dir.path()).await.unwrap();
    let kept =
        "SELECT kind || ' ' || value || ' ' || (($1 - first_seen) / $2) || '-' || (($1 - last_seen) / $2) FROM trace
        WHERE member_id = 2 AND value <> '1' ORDER BY value, kind, first_seen";
    let kept: Vec<String> = sqlx::query_scalar(kept).bind(THEN).bind(HOUR).fetch_all(store.readers()).await.unwrap();
    // No trace bridges more quiet than its key reaches.
    let expected = [
        "contact 20 10-10",
        "indicator 20 10-10",
        "contact 21 1416-1416",
        "indicator 21 1416-1416",
        "indicator 22 120-120",
        "indicator 22 3-0",
        "indicator 23 240-120",
        "indicator 24 10-10",
    ];
    assert_eq!(kept, expected);
    // Gjøvik's sensor goes on where it was, and meets each of them once: the third half-way between the two look-ups.
    let (epoch, committed): (String, i64) = sqlx::query_as("SELECT epoch, committed_seq FROM sensor WHERE id = 1")
        .fetch_one(store.readers())
        .await
        .unwrap();
    let met = [
        (20, 0, Evidence::Contacted),
        (21, 0, Evidence::Contacted),
        (22, 60, Evidence::Answered),
        (23, 0, Evidence::Answered),
        (24, 0, Evidence::Contacted),
    ];
    let opened = |(indicator, hours, evidence): (u64, i64, Evidence)| {
        RecordBody::Opened(AlertOpened {
            site: SiteId(0),
            indicator: IndicatorId(indicator),
            revision: Revision(1),
            severity: Severity::Medium,
            marks: Marks::default(),
            client: Some(Pseudonym(indicator)),
            zone: Zone::default(),
            direction: Direction::Outbound,
            evidence,
            circumstances: Circumstances::default(),
            labels_left: 0,
            seen_at: Where { server: None, port: Some(443), protocol: Protocol::TCP },
            first_seen: Timestamp(THEN - hours * HOUR),
            last_seen: Timestamp(THEN - hours * HOUR),
            count: 1,
        })
    };
    let record = |body| Record { time: Timestamp(THEN), body }.to_octets().unwrap();
    let records = met.map(|met| record(opened(met))).into_iter().collect();
    let batch = Batch { epoch: epoch.parse().unwrap(), first_seq: Seq(u64::try_from(committed).unwrap() + 1), records };
    handle_batch(&store, 1, &batch, Timestamp(THEN + HOUR)).await.unwrap();
    let sql = "SELECT c.title FROM campaign c WHERE c.id > 1 AND (SELECT COUNT(DISTINCT i.member_id) FROM incident i WHERE i.campaign_id = c.id) = 2
        ORDER BY 1";
    let campaigns: Vec<String> = sqlx::query_scalar(sql).fetch_all(store.readers()).await.unwrap();
    assert_eq!(campaigns, ["long-ago.example", "reached.example", "sure.example"]);
}
