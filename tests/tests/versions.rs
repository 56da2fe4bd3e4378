//! Promises V1 and B9: agents and collectors of this version of the conversation and of those before understand each
//! other, updated and taken back in any order with a spool that is not empty; and what an alert costs on the wire.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use varde_agent::anchor::Anchor;
use varde_agent::effective_time::EffectiveTime;
use varde_agent::io::clock;
use varde_agent::io::disk::hosts::Hosts;
use varde_agent::io::disk::identity::{Identity, site_key};
use varde_agent::io::disk::keeper::{Keeper, Order};
use varde_agent::io::disk::keys::Keys;
use varde_agent::io::disk::spool::{Caps, Spool};
use varde_agent::io::disk::volume::RealVolume;
use varde_agent::io::enroll::{Wishes, enroll};
use varde_agent::io::link::carried::Counter;
use varde_agent::io::link::renewing::Renewing;
use varde_agent::io::link::session::{Desk, InForce, Uplink, keep_connected};
use varde_agent::io::link::tls::Trust;
use varde_agent::io::link::ways::Ways;
use varde_agent::io::self_test::SelfTests;
use varde_agent::route::Detour;
use varde_agent::subscription::Subscription;
use varde_collector::address::Bound;
use varde_collector::command::init::{self, InitArguments};
use varde_collector::command::sensor::make_token;
use varde_collector::io::enroll::Enrolment;
use varde_collector::io::keyring::Keyring;
use varde_collector::io::listen::{self, Collector};
use varde_collector::io::{directory, enroll as enrolment, quic};
use varde_collector::store::{Scope, Store};
use varde_common::codec::Text;
use varde_common::compact::{Packer, Unpacker};
use varde_common::id::{Revision, Seq};
use varde_common::message::ToCollector;
use varde_common::record::{Record, RecordBody, SensorEvent};
use varde_tests::alerts::{B9, Make, batch, updates};
use varde_tests::programs::PATIENCE;
use varde_tests::random::Random;

/// A collector in this process that speaks these versions.
struct Running {
    sessions: quinn::Endpoint,
    enrolments: quinn::Endpoint,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    store: Store,
}

impl Running {
    async fn start(data: &Path, protocols: RangeInclusive<u16>) -> Result<Running> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let store = Store::open(data).await?;
        let keyring = Keyring::read(data, varde_collector::io::clock::now())?;
        let changes = broadcast::Sender::new(16);
        let sessions = quic::session_endpoint(any, &keyring)?;
        let enrolments = quic::enrolment_endpoint(any, &keyring)?;
        let bound = Bound { quic: sessions.local_addr()?, enroll: enrolments.local_addr()?, web: any, tcp: None };
        directory::write_bound(data, &bound)?;
        let collector = Collector::speaking(store.clone(), changes.clone(), keyring.clone(), protocols);
        let enrolment = Enrolment::new(store.clone(), changes, keyring, false);
        let tasks = vec![
            tokio::spawn(listen::accept(sessions.clone(), collector)),
            tokio::spawn(enrolment::accept(enrolments.clone(), enrolment)),
        ];
        Ok(Running { sessions, enrolments, tasks, store })
    }

    async fn stop(self) {
        self.sessions.close(0u32.into(), b"");
        self.enrolments.close(0u32.into(), b"");
        for task in self.tasks {
            let _ = task.await;
        }
        self.store.close().await;
    }
}

/// Writes down so many records as an agent that speaks these versions, connects, and waits until they are acknowledged.
async fn work(data: PathBuf, address: String, protocols: RangeInclusive<u16>, records: usize) -> Result<Seq> {
    let identity = Identity::read(&data).map_err(anyhow::Error::msg)?;
    let root = identity.root().map_err(|why| anyhow::anyhow!("{why}"))?;
    let time = Arc::new(Mutex::new(EffectiveTime::new(&root, None, clock::now())));
    let keys = Keys::of(Arc::new(RealVolume), &data);
    let trust = Trust::new(root.clone());
    let mut renewing = Renewing::open(keys, Arc::clone(&trust), Arc::clone(&time)).map_err(anyhow::Error::msg)?;
    let tls = renewing.tls().map_err(anyhow::Error::msg)?;
    let (spool, _) = Spool::open(Arc::new(RealVolume), &data.join("spool"), Caps::default(), clock::now())?;
    let unsent = spool.unsent();
    let (keeper, figures) = Keeper::new(spool, Hosts::open(&data)?, site_key(&data)?);
    let (orders, taken) = mpsc::channel(64);
    let keeping = std::thread::spawn(move || keeper.run(taken).map_err(|ended| ended.to_string()));
    for number in 0..records {
        let version = Text::cut(&format!("record {number} of {} to {}", protocols.start(), protocols.end()));
        orders.send(Order::Event(SensorEvent::Started { version })).await?;
    }
    let (reply, flushed) = oneshot::channel();
    orders.send(Order::Flush(reply)).await?;
    let last = Seq(flushed.await?.next.0 - 1);
    let tests = SelfTests::new(&data).0;
    let desk = Desk {
        data,
        orders,
        figures: figures.clone(),
        health: Arc::new(Mutex::default()),
        list: watch::Sender::new(InForce::default()),
        matching: watch::channel(None).1,
        uplink: watch::Sender::new(Uplink::default()),
        sites: vec![varde_common::id::SiteId(0)],
        sources: 1,
        exclusions: Default::default(),
        channel: watch::Sender::default(),
        anchor: watch::Sender::new(Anchor::new(root.clone(), &[])),
        brakes: watch::Sender::default(),
        braking: watch::Sender::default(),
        counting: watch::channel(None).1,
        newness: watch::Sender::default(),
        trust,
        started: clock::monotonic(),
        time,
        unsent,
        protocols,
        resent: AtomicU64::new(0),
        certified: watch::Sender::new(None),
        counter: Counter::default(),
        tests,
        refusals: Default::default(),
        list_refused: Default::default(),
        clock_ahead_ms: Default::default(),
        ca: identity.ca_der.clone().into(),
    };
    let mut subscription = Subscription::new(root, Revision(0), Revision(0));
    let (stop, stopped) = watch::channel(false);
    let mut seen = figures;
    let acknowledged = async {
        let waited = tokio::time::timeout(PATIENCE, seen.wait_for(|figures| figures.acknowledged >= last)).await;
        let said = match waited {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(anyhow::anyhow!("the spool ended")),
            Err(_) => Err(anyhow::anyhow!("not acknowledged: {:?}", desk.uplink.borrow().last_error)),
        };
        stop.send_replace(true);
        said
    };
    let mut ways = Ways::new(address, tls, Detour::default());
    let uplink = keep_connected(&desk, &mut ways, &mut subscription, &mut renewing, stopped);
    let (said, ()) = tokio::join!(acknowledged, uplink);
    drop(desk);
    let ended = tokio::task::spawn_blocking(move || keeping.join()).await?;
    ended.map_err(|_| anyhow::anyhow!("the spool's thread broke"))?.map_err(anyhow::Error::msg)?;
    said.map(|()| last)
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_all_versions_understand_each_other_in_any_order_of_updates_and_nothing_is_lost() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (collector, agent) = (folder.path().join("collector"), folder.path().join("agent"));
    init::run(&collector, InitArguments::default()).await?;
    let store = Store::open(&collector).await?;
    store.add_member(&"3407".parse()?, "Gjøvik", varde_collector::io::clock::now()).await?;
    store.close().await;
    let mut enrolled = false;
    let (mut sent, mut unknown) = (0, 0);
    // Newest version of the agent, of the collector: updated, one after the other, and taken back.
    for (ours, theirs) in
        [(1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (1, 3), (2, 3), (3, 2), (2, 2), (3, 1), (1, 1), (3, 3)]
    {
        let running = Running::start(&collector, 1..=theirs).await?;
        if !enrolled {
            let number = "3407".parse()?;
            let (token, _) = make_token(&running.store, &number, varde_collector::io::clock::now()).await?;
            enroll(&agent, &token.to_text(), &Wishes::default()).await.map_err(|why| anyhow::anyhow!("{why}"))?;
            enrolled = true;
        }
        let address = running.sessions.local_addr()?.to_string();
        // More than a batch: what waits was written by whichever version.
        let last =
            work(agent.clone(), address, 1..=ours, 1_100).await.with_context(|| format!("{ours} and {theirs}"))?;
        sent += 1_100;
        ensure!(last == Seq(sent), "{last} of {sent}");
        let row = running.store.sensor_rows(Scope::Operator).await?.remove(0);
        ensure!(row.protocol == Some(i64::from(ours.min(theirs))), "{ours} and {theirs} speak {:?}", row.protocol);
        ensure!(row.set_back_at.is_none() && row.quarantined_at.is_none(), "accused: {row:?}");
        ensure!(row.replayed == 0, "{} came again", row.replayed);
        // A later agent says its mark to a collector of version 1, which passes that over and counts it.
        unknown += i64::from(ours > 1 && theirs == 1);
        running.stop().await;
    }
    let store = Store::open(&collector).await?;
    let stored: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT seq, octets FROM record ORDER BY seq").fetch_all(store.readers()).await?;
    ensure!(stored.len() as u64 == sent, "{} of {sent}", stored.len());
    for ((seq, octets), number) in stored.iter().zip(1i64..) {
        let started = matches!(Record::from_octets(octets)?.body, RecordBody::Event(SensorEvent::Started { .. }));
        ensure!(*seq == number && started, "record {seq}");
    }
    let row = store.sensor_rows(Scope::Operator).await?.remove(0);
    ensure!(row.passed_over == unknown && unknown == 2, "passed over {} of {unknown}", row.passed_over);
    Ok(())
}

#[test]
fn b9_an_alert_costs_no_more_than_its_bar_and_comes_back_octet_for_octet() -> Result<()> {
    let mut octets = Vec::new();
    for seed in 0..5 {
        let mut random = Random::seeded(seed);
        let (mut packer, mut unpacker) = (Packer::default(), Unpacker::default());
        let alerts = batch(&mut random, B9, 1)?;
        let later = updates(&mut random, B9, &alerts)?;
        for sent in [&alerts, &later] {
            let packed = packer.pack(sent);
            let frame = ToCollector::Compact(packed.clone()).to_frame()?;
            octets.push(frame.len() as f64 / B9.alerts as f64);
            ensure!(unpacker.unpack(sent.epoch, &packed)? == *sent, "not the same octets");
        }
        let alone = batch(&mut random, Make { alerts: 1, ..B9 }, 1)?;
        let frame = ToCollector::Compact(Packer::default().pack(&alone)).to_frame()?;
        ensure!(frame.len() <= 120, "alone {} octets", frame.len());
    }
    ensure!(octets.iter().all(|octets| *octets <= 24.0), "{octets:?} octets each");
    Ok(())
}
