//! Promise L2: a list with a wrong signature, an older one, a cut one, one from another root is refused and reported, and
//! the one before stays in force; what a good one withdraws accuses nobody any more.

use std::ffi::OsStr;

use anyhow::{Context, Result, bail};
use ed25519_dalek::SigningKey;
use varde_agent::io::clock;
use varde_common::alert::Evidence;
use varde_common::id::Revision;
use varde_common::list::Manifest;
use varde_common::message::ListOutcome;
use varde_common::record::{RecordBody, SensorEvent};
use varde_common::trust::{Domain, sign};
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::hostile_collector::{HostileCollector, Offer};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, PAGE, Traffic};

fn lookup(name: &str) -> Result<Traffic> {
    look_up(name, &Outcome::address(name, "198.51.100.9".parse()?))
}

fn look_up(name: &str, outcome: &Outcome) -> Result<Traffic> {
    let mut traffic = Traffic::starting(clock::now());
    let question = Question { id: 5, name, qtype: rtype::A };
    traffic.lookup("10.1.0.20:40000".parse()?, "10.1.0.53:53".parse()?, question, outcome);
    Ok(traffic)
}

fn good(collector: &HostileCollector, revision: u64, patterns: &[&str]) -> Result<Offer> {
    let (manifest, base) = collector.list(revision, patterns)?;
    let keys: Vec<&SigningKey> = collector.list_keys.iter().collect();
    Ok(Offer { manifest: manifest.sign(&keys)?, base, ended: true })
}

/// The list that stands throughout, and its number.
const IN_FORCE: u64 = 5;

/// Every attack with the word its refusal must hold, if any.
fn attacks(collector: &HostileCollector) -> Result<Vec<(&'static str, Offer)>> {
    let keys: Vec<&SigningKey> = collector.list_keys.iter().collect();
    let [first, _] = keys.as_slice() else { bail!("two keys") };
    let stranger = SigningKey::from_bytes(&[0x99; 32]);
    let (manifest, base) = collector.list(IN_FORCE + 1, &["annen.example", "tredje.example"])?;
    let with = |change: &dyn Fn(&mut Manifest)| -> Result<Vec<u8>> {
        let mut changed = manifest.clone();
        change(&mut changed);
        Ok(changed.sign(&keys)?)
    };
    let signed = with(&|_| {})?;
    let mut flipped = signed.clone();
    // A digit inside the signed part.
    let at = flipped.windows(5).position(|five| five == b"count").context("no count")? + 7;
    flipped[at] = if flipped[at] == b'2' { b'3' } else { b'2' };
    let mut torn = base.clone();
    *torn.last_mut().context("an empty base")? ^= 1;
    let offer = |manifest: Vec<u8>, base: &[u8], ended: bool| Offer { manifest, base: base.to_vec(), ended };
    let twice = manifest.sign(&[first, first])?;
    let for_root = sign(Domain::Root, &manifest, &keys)?;
    let mut attacks = vec![
        ("a stranger's signature", offer(manifest.sign(&[&stranger])?, &base, true)),
        ("no signature", offer(manifest.sign(&[])?, &base, true)),
        ("one key of two", offer(manifest.sign(&[first])?, &base, true)),
        ("one key twice", offer(twice, &base, true)),
        ("a signature for something else", offer(for_root, &base, true)),
        ("a changed manifest", offer(flipped, &base, true)),
        ("no manifest at all", offer(b"{}".to_vec(), &base, true)),
        ("a cut base", offer(signed.clone(), &base[..base.len() - 3], true)),
        ("a base too long", offer(signed.clone(), &[&base[..], &[0; 9]].concat(), true)),
        ("a changed base", offer(signed.clone(), &torn, true)),
        ("another channel", offer(with(&|manifest| manifest.channel = "pilot".to_owned())?, &base, true)),
        ("a newer agent wanted", offer(with(&|manifest| manifest.minimum_agent = "99.0.0".to_owned())?, &base, true)),
        ("an endless base announced", offer(with(&|manifest| manifest.base_octets = u64::MAX)?, &base, true)),
        ("more indicators than any list", offer(with(&|manifest| manifest.count = u64::MAX)?, &base, true)),
    ];
    for (what, revision) in [("the same number again", IN_FORCE), ("an older number", IN_FORCE - 1), ("number 0", 0)] {
        attacks.push((what, good(collector, revision, &["annen.example"])?));
    }
    Ok(attacks)
}

/// What the agent has told of hosts, by the indicator's number: who, and how far.
fn told(collector: &HostileCollector) -> Vec<(u64, Evidence)> {
    let bodies = collector.heard(|heard| heard.records.values().map(|record| record.body.clone()).collect::<Vec<_>>());
    let told = bodies.into_iter().filter_map(|body| match body {
        RecordBody::Opened(opened) => Some((opened.indicator.0, opened.evidence)),
        RecordBody::Updated(updated) => Some((u64::MAX, updated.evidence)),
        RecordBody::CrowdOpened(_)
        | RecordBody::CrowdUpdated(_)
        | RecordBody::Braked(_)
        | RecordBody::Loss { .. }
        | RecordBody::GivenUp { .. }
        | RecordBody::Event(_) => None,
    });
    told.collect()
}

#[test]
fn an_indicator_that_a_new_list_withdraws_raises_nothing_by_an_answer_from_before() -> Result<()> {
    for withdrawn in [false, true] {
        let folder = tempfile::tempdir()?;
        let collector = HostileCollector::start(1)?;
        let mut agent = Agent::new(&folder.path().join("agent"), None)?;
        agent.enroll(&collector.token(8))?;
        let mut feed = Feed::new(&folder.path().join("mirror"))?;
        agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
        collector.offer(&good(&collector, 1, &["vond.example"])?)?;
        eventually("the first list is in force", PATIENCE, || Ok((agent.revision()? == 1).then_some(())))?;
        feed.send(&lookup("vond.example")?.packets)?;
        eventually("the look-up is told", PATIENCE, || Ok((!told(&collector).is_empty()).then_some(())))?;

        // Indicators are numbered in their order: another one in its place, so that no number is used again.
        let first = if withdrawn { "tredje.example" } else { "vond.example" };
        let patterns = [first, "annen.example"];
        collector.offer(&good(&collector, 2, &patterns)?)?;
        eventually("the second list is in force", PATIENCE, || {
            let in_force =
                |outcome: &ListOutcome| matches!(outcome, ListOutcome::InForce { revision: Revision(2), .. });
            Ok(collector.heard(|heard| heard.outcomes.iter().any(in_force)).then_some(()))
        })?;
        // The host that asked and another one reach the address; then something that is listed still shows that all of
        // it was read.
        let mut traffic = Traffic::starting(clock::now());
        for client in ["10.1.0.20:41000", "10.1.0.21:41000"] {
            traffic.connect(client.parse()?, "198.51.100.9:443".parse()?, PAGE);
        }
        feed.send(&traffic.packets)?;
        feed.send(&look_up("annen.example", &Outcome::Code(3))?.packets)?;
        drop(feed);
        agent.wait()?;
        let told = told(&collector);
        let opened = told.iter().filter(|(indicator, _)| *indicator != u64::MAX).count();
        let contacts = told.iter().filter(|(_, evidence)| *evidence > Evidence::Answered).count();
        if withdrawn {
            assert_eq!((opened, contacts), (2, 0), "the look-up before, the look-up after, no contact: {told:?}");
        } else {
            assert!(opened == 3 && contacts >= 2, "what is listed still is followed, by another host too: {told:?}");
        }
        collector.stop();
    }
    Ok(())
}

#[test]
fn l2_every_bad_list_is_refused_and_reported_and_the_old_one_stays() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = HostileCollector::start(2)?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token(7))?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    collector.offer(&good(&collector, IN_FORCE, &["vond.example"])?)?;
    eventually("the good list is in force", PATIENCE, || {
        let in_force =
            |outcome: &ListOutcome| matches!(outcome, ListOutcome::InForce { revision: Revision(IN_FORCE), .. });
        Ok(collector.heard(|heard| heard.outcomes.iter().any(in_force)).then_some(()))
    })?;

    let attacks = attacks(&collector)?;
    for (what, offer) in &attacks {
        let before = collector.heard(|heard| heard.outcomes.len());
        collector.offer(offer)?;
        eventually(&format!("{what} is refused"), PATIENCE, || {
            agent.running()?.still_runs()?;
            collector.heard(|heard| match heard.outcomes.get(before..).unwrap_or_default() {
                [] => Ok(None),
                [ListOutcome::Refused { in_force: Revision(IN_FORCE), why }, ..] if !why.as_str().is_empty() => {
                    Ok(Some(()))
                }
                other => bail!("{what}: {other:?}"),
            })
        })?;
        assert_eq!(agent.revision()?, IN_FORCE, "{what}");
    }
    eventually("the refusals are records too", PATIENCE, || {
        let refused = collector.heard(|heard| {
            let refusal = |body: &RecordBody| matches!(body, RecordBody::Event(SensorEvent::ListRefused { .. }));
            heard.records.values().filter(|record| refusal(&record.body)).count()
        });
        Ok((refused > 0).then_some(()))
    })?;

    // The old list still finds; the new names find nothing.
    feed.send(&lookup("annen.example")?.packets)?;
    feed.send(&lookup("vond.example")?.packets)?;
    let opened = eventually("a hit of the old list arrives", PATIENCE, || {
        Ok(collector.heard(|heard| {
            heard.records.values().find_map(|record| match &record.body {
                RecordBody::Opened(alert) => Some(alert.clone()),
                RecordBody::Updated(_)
                | RecordBody::CrowdOpened(_)
                | RecordBody::CrowdUpdated(_)
                | RecordBody::Braked(_)
                | RecordBody::Loss { .. }
                | RecordBody::GivenUp { .. }
                | RecordBody::Event(_) => None,
            })
        }))
    })?;
    assert_eq!(opened.revision, Revision(IN_FORCE));

    // The floor survives a kill: what was too old stays too old.
    agent.kill()?;
    drop(feed);
    let feed = Feed::new(&folder.path().join("mirror-again"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    let hellos = collector.heard(|heard| heard.hellos.len());
    eventually("it is back", PATIENCE, || {
        let hello = collector.heard(|heard| heard.hellos.get(hellos).cloned());
        Ok(hello.filter(|hello| hello.revision == Revision(IN_FORCE)))
    })?;
    let before = collector.heard(|heard| heard.outcomes.len());
    collector.offer(&good(&collector, IN_FORCE - 1, &["annen.example"])?)?;
    eventually("the older list is refused after a restart", PATIENCE, || {
        Ok(collector.heard(|heard| {
            let refused = |outcome: &ListOutcome| matches!(outcome, ListOutcome::Refused { .. });
            heard.outcomes.get(before..).unwrap_or_default().iter().any(refused).then_some(())
        }))
    })?;
    assert_eq!(agent.revision()?, IN_FORCE);
    // And a good one is still welcome.
    collector.offer(&good(&collector, IN_FORCE + 4, &["vond.example", "annen.example"])?)?;
    eventually("a newer good list comes into force", PATIENCE, || {
        Ok((agent.revision()? == IN_FORCE + 4).then_some(()))
    })?;
    agent.kill()?;
    collector.stop();
    Ok(())
}

#[test]
fn l2_a_collector_with_another_root_enrols_nobody() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (pinned, other) = (HostileCollector::start(1)?, HostileCollector::start(2)?);
    let agent = Agent::new(&folder.path().join("agent"), None)?;
    pinned.show_root(other.root_document());
    let said = agent.try_enroll(&pinned.token(7))?;
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("root"), "{}", said.err);
    pinned.show_root(pinned.root_document());
    agent.enroll(&pinned.token(7)).context("and the right root enrols")?;
    pinned.stop();
    other.stop();
    Ok(())
}

#[test]
fn l2_the_real_collector_shows_that_a_sensor_refused_a_list() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("vond.example\n")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    collector.await_in_force(1, 1)?;
    drop(feed);
    agent.wait()?;
    collector.publish("annen.example\n")?;
    collector.stop()?;
    // Somebody with the disk but without the list key changes what is to be sent.
    let changed = collector.tamper("UPDATE list_revision SET base = base || X'00' WHERE revision = 2")?;
    assert_eq!(changed, 1);
    collector.start()?;
    let feed = Feed::new(&folder.path().join("mirror-again"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    let refused = eventually("the refusal is shown", PATIENCE, || {
        agent.running()?.still_runs()?;
        Ok(collector.sensors()?.into_iter().find(|sensor| sensor.refused_why.is_some()))
    })?;
    assert_eq!(refused.revision, 1, "{refused:?}");
    assert_eq!(agent.revision()?, 1);
    drop(feed);
    agent.kill()?;
    collector.stop()
}
