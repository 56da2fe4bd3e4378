//! Makes the data directories that later versions must be able to open: `collector/tests/data` and `agent/tests/data`. Run only
//! when a format changes; how and when stands in `collector/tests/upgrade.rs`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use varde_common::id::{Epoch, Seq};
use varde_common::record::{LossReason, Record, RecordBody};
use varde_tests::capture::{self, Format};
use varde_tests::community::{Agent, Collector};
use varde_tests::programs::{PATIENCE, eventually, said};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::municipality::Municipality;
use varde_tests::traffic::{Outcome, Traffic};

/// What one short run does not bring about, as the collector would have written it: a sensor in quarantine that an older state
/// of came, a session over TCP, an alert of many hosts; a certificate that was given and not used yet, and one that was refused; a
/// root document and a word of the newest list that were not believed, and a list that waits for its signature, as changes; a sensor in a
/// channel, and one that would not follow; a member with a contact, an old number and a shared network, a site of it at the other's sensor, and
/// a member that has left; an order of the brake, what one sensor counted by it and why the other refused it; of intelligence an object's
/// version and what no sensor can look for, an override, something allowed, a list that stopped on its way and was looked at, a verdict, and
/// a reader of the list.
const BESIDE: &str = "
    UPDATE sensor SET quarantined_at = last_seen_at, set_back_at = last_seen_at, replayed = 3, passed_over = 2 WHERE id = 2;
    UPDATE sensor SET carrier = 'tcp', renew_epoch = 1 WHERE id = 1;
    UPDATE sensor SET spki_next_sha256 = zeroblob(32), certificate_next_until = certificate_until + 1,
        renewed_at = last_seen_at, renewals_from = last_seen_at, renewals = 1 WHERE id = 1;
    UPDATE sensor SET renewal_refused_at = last_seen_at, renewal_refused_why = 'toolate' WHERE id = 2;
    UPDATE sensor SET root_refused_at = last_seen_at, root_refused_why = 'unsigned', freshness = 'behind',
        newest_refused_at = last_seen_at, newest_refused_why = 'older' WHERE id = 2;
    INSERT INTO pending_list (id, revision, manifest, base, up_to_id, count, added, removed, prepared_at)
        VALUES (1, 2, x'7b7d', x'00', 1, 1, 0, 0, 1795000000000000);
    UPDATE member SET supplier = 'IKT Øst', language = 'nynorsk', covered = 1 WHERE number = '3407';
    INSERT INTO former_number SELECT '0502', id, 'Gjøvik', added_at FROM member WHERE number = '3407';
    INSERT INTO member_contact SELECT id, 'it', 'Kari Nordmann', '+4761180011', NULL, NULL, added_at FROM member WHERE number = '3407';
    INSERT INTO site (sensor_id, site, member_id, named) SELECT 2, 4, id, 1 FROM member WHERE number = '3407';
    INSERT INTO departure VALUES (9, 1, 2);
    UPDATE sensor SET channel = 'pilot', channel_word = x'7b7d', channel_at = 1795000000000000, follows = 'pilot' WHERE id = 1;
    UPDATE sensor SET follows = 'all', channel_refused_why = 'older' WHERE id = 2;
    UPDATE pending_list SET older_manifest = x'7b7d', overlay = x'00', base_revision = 1;
    INSERT INTO brake_order VALUES (7, x'7b7d', 1795000000000000);
    INSERT INTO brake VALUES (1, 1, 0, 'falsk', 1795000000000000, 1795003600000000, 7, NULL, NULL);
    INSERT INTO sensor_brake VALUES (1, 7, 1795000000000000, NULL, NULL), (2, 0, NULL, 1795000000000000, 'unsigned');
    INSERT INTO braked_count VALUES (1, 0, 1, 1, 0, 'outbound', 7, 2, 300, 20, 1795000000000000, 1795000000000001, 1795000000000002);
    UPDATE alert SET hosts = 3000, client = NULL WHERE sensor_id = 2;
    INSERT INTO sensor_event SELECT id, epoch, 0, last_seen_at, last_seen_at, '{\"event\":\"two_live\",\"greeted_at\":null}'
        FROM sensor WHERE id = 2;
    UPDATE claim SET tlp = 1, confidence = 80, object_id = 'indicator--1', modified_at = 1795000000000000 WHERE id = 1;
    INSERT INTO clue (source_id, object_id, kind, value, tlp, received_at, renewed_at)
        SELECT id, 'indicator--1', 'file hash', 'da39a3ee', 2, added_at, added_at FROM source;
    INSERT INTO lint_override (pattern, rules, reason, author, given_at, until)
        VALUES ('vond.example', 'list x', 'ekte', 'kari', 1795000000000000, 4102444800000000);
    INSERT INTO allowed (pattern, reason, author, given_at) VALUES ('snill.example', 'vår egen', 'kari', 1795000000000000);
    INSERT INTO draft_review (draft, who, reason, at) VALUES ('d1', 'ola', 'sett på', 1795000000000000);
    INSERT INTO recall (indicator_id, reason, who, at, by_itself, lifted_at, lifted_by, lifted_why)
        VALUES (1, 'hit 30 hosts', 'varde-collector', 1795000000000000, 1, 1795000000000001, 'kari', 'ekte');
    INSERT INTO rollout (draft, count, base, added, up_to_id, with_red, shrinks, who, prepared_at, pilot_revision, ended_at, ended_why,
        stopped_on, stopped_why, passed_at) VALUES ('d1', 1, x'', x'0000000000000001', 1, 0, 0, 'kari', 1795000000000000, 2,
        1795000000000001, 'stopped', 1, 'hit 30 hosts', 1795000000000002);
    UPDATE alert SET verdict = 'confirmed', verdict_reason = 'sett på maskinen', verdict_at = 1795000000000000, judgement_id = 1
        WHERE sensor_id = 1;
    INSERT INTO judgement (id, indicator_id, verdict, exercise, at) VALUES (1, 1, 'confirmed', 0, 1795000000000000);
    INSERT INTO judged_source SELECT 1, id FROM source;
    INSERT INTO reader (name, tlp, member_id, own, in_path, token_sha256, added_at)
        SELECT 'brannmur', 1, id, 0, 0, zeroblob(32), 1795000000000000 FROM member WHERE number = '3407';
    INSERT INTO feed_piece (level, name, content, version, info, live, gone)
        VALUES (1, 'e', zeroblob(32), 1795000000, 'hendelse', x'0000000000000001', x'');";

#[test]
#[ignore = "makes files for later versions; VARDE_FIXTURE says where"]
fn make_the_fixtures_of_today() -> Result<()> {
    let to = PathBuf::from(std::env::var_os("VARDE_FIXTURE").context("VARDE_FIXTURE says where")?);
    fs::create_dir_all(&to)?;
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.add_member("0301", "Oslo")?;
    collector.publish("vond.example\n")?;
    let mut agents = Vec::new();
    for (number, place) in [("3407", 1), ("0301", 2)] {
        let mut agent = Agent::new(&folder.path().join(number), None)?;
        agent.enroll(&collector.token(number)?)?;
        let place = Municipality { number: place };
        let mut traffic = Traffic::starting(varde_agent::io::clock::now());
        let client = std::net::SocketAddr::new(place.client(1), 40_000);
        let question = Question { id: 1, name: "vond.example", qtype: rtype::A };
        traffic.lookup(client, place.resolver(), question, &Outcome::address("vond.example", [198, 51, 100, 9].into()));
        let file = folder.path().join(format!("{number}.pcap"));
        capture::write(&file, Format::USUAL, &traffic.packets)?;
        agent.start([std::ffi::OsStr::new("--capture"), file.as_os_str()])?;
        agent.wait()?;
        agents.push(agent);
    }
    eventually("the campaign is there", PATIENCE, || Ok((collector.campaigns()?.len() == 1).then_some(())))?;
    collector.stop()?;
    // A copy: the collector goes on by its own.
    let database = folder.path().join("copy.sqlite");
    fs::copy(collector.data().join("varde.sqlite"), &database)?;
    said(Command::new("sqlite3").arg(&database).arg(BESIDE))?.ok()?;
    let versions: Vec<(i64,)> = collector.query("PRAGMA user_version")?;
    let mut dump = Command::new("sqlite3");
    dump.arg(&database).arg(".dump");
    fs::write(to.join(format!("schema-{:03}.sql", versions[0].0)), said(&mut dump)?.ok()?.out)?;

    follow_a_channel_and_brake(&mut collector, &mut agents[0], folder.path())?;

    // What the sensor has written, and beside it in its spool what one test cannot bring about: a loss between two segments.
    let agent = to.join("agent");
    let data = agents[0].data();
    for part in ["identity", "list", "spool"] {
        fs::create_dir_all(agent.join(part))?;
        for entry in fs::read_dir(data.join(part))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_file() && !name.contains("reserve") {
                fs::copy(entry.path(), agent.join(part).join(name))?;
            }
        }
    }
    fs::copy(data.join("site.key"), agent.join("site.key"))?;
    let taken = agents[0].taken()?;
    let (epoch, last) = *taken.last().context("nothing was taken")?;
    let loss = varde_agent::spool::Loss::new(last.next(), Seq(last.0 + 5), LossReason::SpoolFull);
    fs::write(agent.join("spool").join(name(epoch, loss.from, "lost")), loss.to_octets(epoch))?;
    let first = loss.to.next();
    let mut segment = varde_agent::spool::segment_header(epoch, first);
    let stored = collector.records()?.into_iter().find(|record| {
        let body = Record::from_octets(&record.octets).map(|record| record.body);
        matches!(body, Ok(RecordBody::Opened(_)))
    });
    varde_agent::spool::write_record(&mut segment, first, &stored.context("no alert")?.octets);
    fs::write(agent.join("spool").join(name(epoch, first, "seg")), segment)?;
    Ok(())
}

/// What came with version 10: the sensor follows channel pilot, whose list is a base and changes over it, and goes by an order of the
/// brake. In the database of before it none of this stands.
fn follow_a_channel_and_brake(collector: &mut Collector, agent: &mut Agent, folder: &Path) -> Result<()> {
    collector.start()?;
    collector.ask(["sensor", "channel", "1", "pilot"])?;
    let publish = |name: &str, list: &str| -> Result<()> {
        let file = folder.join(name);
        fs::write(&file, list)?;
        collector.ask(["indicator", "import", &file.to_string_lossy()])?;
        collector.ask(["publish", "--channel", "pilot"]).map(drop)
    };
    let many: String = (0..15).map(|n| format!("vond{n}.example\n")).collect();
    publish("base.txt", &many)?;
    let feed = capture::Feed::new(&folder.join("mirror"))?;
    agent.start([std::ffi::OsStr::new("--capture"), feed.path().as_os_str()])?;
    eventually("the base is in force", PATIENCE, || Ok((agent.status()?["revision"] == 2).then_some(())))?;
    publish("changes.txt", "verre.example\n")?;
    eventually("the changes are in force", PATIENCE, || Ok((agent.status()?["revision"] == 3).then_some(())))?;
    collector.ask(["indicator", "brake", "1", "--hours", "24", "--reason", "falsk alarm hos alle"])?;
    eventually("the brake is in force", PATIENCE, || {
        Ok((agent.status()?.pointer("/brake/order") == Some(&1.into())).then_some(()))
    })?;
    drop(feed);
    agent.wait()?;
    collector.stop()
}

fn name(epoch: Epoch, first: Seq, kind: &str) -> String {
    format!("{epoch}-{:016x}.{kind}", first.0)
}
