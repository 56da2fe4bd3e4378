//! Promise L2: whatever a collector does with lists that it may not, is refused with its own reason and reported before the next
//! heartbeat but one, and the list before it stays in force; what is good after all of it is taken.

use std::ffi::OsStr;

use anyhow::{Context, Result, bail, ensure};
use ed25519_dalek::SigningKey;
use varde_agent::io::clock;
use varde_common::codec::Text;
use varde_common::id::Revision;
use varde_common::matcher::Overlay;
use varde_common::message::{ChannelOutcome, ListOutcome, ToAgent};
use varde_common::record::{RecordBody, SensorEvent};
use varde_common::trust::{Domain, Role, Root, hex, key_id, sign};
use varde_tests::capture::Feed;
use varde_tests::community::Agent;
use varde_tests::hostile_collector::{HostileCollector, Offer};
use varde_tests::list_attacks::{
    self, Attack, BEFORE, End, IN_FORCE, NEXT, SENSOR, Sent, list, names, on_manifests, timestamp_key,
};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, Traffic};

/// Has the sensor take a root document that names a timestamp key as well.
fn name_timestamp_key(collector: &HostileCollector) -> Result<()> {
    let mut root = Root::read_own(&collector.root_document())?;
    let (key, id) = (timestamp_key().verifying_key(), key_id(&timestamp_key().verifying_key()));
    root.version = 2;
    root.keys.insert(id.clone(), hex(key.as_bytes()));
    root.roles.timestamp = Role { keys: [id].into(), threshold: 1 };
    collector.send(&ToAgent::NextRoot { document: sign(Domain::Root, &root, &[&HostileCollector::root_key()])? })?;
    eventually("the root document is taken", PATIENCE, || {
        Ok(collector.heard(|heard| (!heard.roots.is_empty()).then_some(())))
    })
}

fn await_in_force(collector: &HostileCollector, revision: u64) -> Result<()> {
    eventually(&format!("list {revision} is in force"), PATIENCE, || {
        let wanted = Revision(revision);
        let last = collector.heard(|heard| heard.outcomes.last().cloned());
        Ok(matches!(last, Some(ListOutcome::InForce { revision, .. }) if revision == wanted).then_some(()))
    })
}

/// Carries out an attack, and waits for what must come of it.
fn carry_out(collector: &HostileCollector, agent: &mut Agent, attack: &Attack) -> Result<()> {
    let Attack { what, sent, end } = attack;
    let counts = || {
        collector.heard(|heard| {
            (
                heard.outcomes.len(),
                heard.channels.len(),
                heard.unbelieved.len(),
                heard.hellos.len(),
                heard.standings.len(),
            )
        })
    };
    let (outcomes, channels, unbelieved, hellos, heartbeats) = counts();
    for one in sent {
        match one {
            Sent::List(offer) => collector.offer(offer)?,
            Sent::Message(message) => collector.send(message)?,
        }
    }
    let why = |found: Option<Text>| found.map(|why| why.as_str().to_owned());
    let (said, word) = eventually(&format!("{what}: refused"), PATIENCE, || {
        agent.running()?.still_runs()?;
        collector.heard(|heard| {
            Ok(match end {
                End::List(word) => match heard.outcomes.get(outcomes..).unwrap_or_default() {
                    [] => None,
                    [ListOutcome::Refused { in_force: Revision(IN_FORCE), why: said }] => {
                        why(Some(said.clone())).map(|said| (said, *word))
                    }
                    other => bail!("{what}: {other:?}"),
                },
                End::Channel(word) => match heard.channels.get(channels..).unwrap_or_default() {
                    [] => None,
                    [ChannelOutcome::Refused { channel, why: said }] if channel.as_str() == "all" => {
                        why(Some(said.clone())).map(|said| (said, *word))
                    }
                    other => bail!("{what}: {other:?}"),
                },
                End::Newest(word) => heard.unbelieved.get(unbelieved).map(|said| (said.clone(), *word)),
                End::Session => heard.hellos.get(hellos).map(|hello| (format!("{}", hello.revision), "5")),
            })
        })
    })?;
    ensure!(said.contains(word), "{what}: \"{said}\" does not say \"{word}\"");
    // Each heartbeat brings a standing: what was refused is told before the next but one.
    let passed = counts().4 - heartbeats;
    ensure!(passed <= 1 || matches!(end, End::Session), "{what}: {passed} heartbeats came before its refusal");
    ensure!(agent.revision()? == IN_FORCE, "{what}: list {} is in force", agent.revision()?);
    Ok(())
}

#[test]
fn l2_every_attack_on_lists_is_refused_with_its_own_reason_and_the_list_before_stays() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = HostileCollector::start(2)?;
    let keys: Vec<&SigningKey> = collector.list_keys.iter().collect();
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token(SENSOR))?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    for (revision, first) in [(BEFORE, "eldre"), (IN_FORCE, "vond")] {
        let (manifest, base) = list(&collector, revision, &names(first))?;
        collector.offer(&Offer { manifest: manifest.sign(&keys)?, base, ended: true })?;
        await_in_force(&collector, revision)?;
    }
    name_timestamp_key(&collector)?;

    let attacks = list_attacks::all(&collector)?;
    ensure!(attacks.len() >= 40, "{} attacks", attacks.len());
    for attack in &attacks {
        carry_out(&collector, &mut agent, attack)?;
    }
    ensure!(collector.heard(|heard| heard.whole_asked) == 2, "the whole list is asked for where the base is missing");
    let lists = attacks.iter().filter(|attack| matches!(attack.end, End::List(_))).count();
    eventually("each refused list is a record too", PATIENCE, || {
        let refused = collector.heard(|heard| {
            let refusal = |body: &RecordBody| matches!(body, RecordBody::Event(SensorEvent::ListRefused { .. }));
            heard.records.values().filter(|record| refusal(&record.body)).count()
        });
        Ok((refused >= lists).then_some(()))
    })?;

    // What stands finds; what was refused finds nothing.
    let mut traffic = Traffic::starting(clock::now());
    for name in ["annen07.example", "eldre07.example", "vond07.example"] {
        let question = Question { id: 5, name, qtype: rtype::A };
        let answer = Outcome::address(name, "198.51.100.9".parse()?);
        traffic.lookup("10.1.0.20:40000".parse()?, "10.1.0.53:53".parse()?, question, &answer);
    }
    feed.send(&traffic.packets)?;
    let opened = |heard: &varde_tests::hostile_collector::Heard| {
        let alert = |body: &RecordBody| match body {
            RecordBody::Opened(alert) => Some((alert.revision, alert.indicator)),
            RecordBody::Updated(_)
            | RecordBody::CrowdOpened(_)
            | RecordBody::CrowdUpdated(_)
            | RecordBody::Loss { .. }
            | RecordBody::GivenUp { .. }
            | RecordBody::Braked(_)
            | RecordBody::Event(_) => None,
        };
        heard.records.values().filter_map(|record| alert(&record.body)).collect::<Vec<_>>()
    };
    eventually("a hit of the list in force arrives", PATIENCE, || {
        Ok(collector.heard(|heard| (!opened(heard).is_empty()).then_some(())))
    })?;
    let found = collector.heard(opened);
    ensure!(found.iter().all(|(revision, _)| *revision == Revision(IN_FORCE)) && found.len() == 1, "{found:?}");

    // The floor survives a kill: what was too old stays too old, and what is good is still welcome.
    agent.kill()?;
    drop(feed);
    let feed = Feed::new(&folder.path().join("mirror-again"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    let hellos = collector.heard(|heard| heard.hellos.len());
    eventually("it is back", PATIENCE, || {
        let hello = collector.heard(|heard| heard.hellos.get(hellos).cloned());
        Ok(hello.filter(|hello| hello.revision == Revision(IN_FORCE)))
    })?;
    let (manifest, base) = list(&collector, NEXT, &names("annen"))?;
    for attack in on_manifests(&collector, &manifest, &base)?.iter().take(4) {
        carry_out(&collector, &mut agent, attack)?;
    }
    let (good, base) = list(&collector, NEXT + 1, &names("annen"))?;
    collector.offer(&Offer { manifest: good.sign(&keys)?, base, ended: true })?;
    await_in_force(&collector, NEXT + 1)?;
    // Good changes over it too.
    let annen = names("annen");
    let (before, base) = list(&collector, NEXT + 1, &annen)?;
    let more: Vec<String> = annen.iter().cloned().chain(["mer.example".to_owned()]).collect();
    let (wanted, whole) = list(&collector, NEXT + 2, &more)?;
    let overlay = Overlay::between(&before.open(base)?, &wanted.open(whole)?).context("too many changes")?.to_octets();
    let manifest = wanted.over(&before, &overlay).sign(&keys)?;
    collector.send(&ToAgent::Publication { manifest, whole: false })?;
    for piece in overlay.chunks(20) {
        collector.send(&ToAgent::OverlayChunk { octets: piece.to_vec() })?;
    }
    collector.send(&ToAgent::ListEnd)?;
    await_in_force(&collector, NEXT + 2)?;
    drop(feed);
    agent.wait()?;
    collector.stop();
    Ok(())
}
