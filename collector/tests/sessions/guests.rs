//! Who has proved a sensor's key and says no Hello: takes nobody's place, keeps nobody out, and is told of when it comes again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quinn::Connection;
use quinn::crypto::rustls::QuicClientConfig;
use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;
use varde_collector::command::sensor::{self, SensorCommand};
use varde_collector::io::quic;
use varde_collector::limits::{GUESTS_PER_SENSOR_MAX, VISITS_REPLACED_TOLD, VISITS_SILENT_TOLD};
use varde_collector::store::{Scope, Store};
use varde_common::message::{ALPN_ENROLL, ALPN_SESSION, CloseReason, ToAgent, ToCollector};
use varde_common::tie::Word;
use varde_common::trust::COLLECTOR_NAME;

use super::double::*;
use super::tcp::tie;

async fn events(site: &Site, sensor: &Sensor, kind: &str) -> usize {
    let store = Store::open(&site.data).await.unwrap();
    let events = store.sensor_events(Scope::Operator, sensor.id.0 as i64, 50).await.unwrap();
    events.newest.iter().filter(|event| event.body["event"] == kind).count()
}

async fn until_told(site: &Site, sensor: &Sensor, kind: &str) {
    for _ in 0..600 {
        if events(site, sensor, kind).await > 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{kind} was never told");
}

/// Why the first of them that ends has ended.
async fn first_closed(connections: &[Connection]) -> Option<CloseReason> {
    let mut ends = tokio::task::JoinSet::new();
    for connection in connections {
        let connection = connection.clone();
        ends.spawn(async move { closed(&connection).await });
    }
    ends.join_next().await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_a_stolen_key_alone_ends_no_session_keeps_nobody_out_and_is_told() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let (honest, mut control, _answers) = sensor.session(&site).await;
    // Over either way: proved, and then nothing.
    let mut silent = Vec::new();
    for _ in 0..=GUESTS_PER_SENSOR_MAX {
        silent.push(sensor.connect(site.bound().quic).await.unwrap());
    }
    // One too many: that which came first goes, in whichever order they came.
    assert_eq!(first_closed(&silent).await, Some(CloseReason::Replaced));
    let (tied, answer) = tie(&site, &sensor, None).await;
    assert!(matches!(answer, Some(Word::Tied(_))), "{answer:?}");
    assert_eq!(honest.close_reason(), None, "the sensor's own session stands");
    say(&mut control, &ToCollector::Heartbeat(Default::default())).await;
    assert_eq!(events(&site, &sensor, "silent_again").await, 0, "once is nothing");
    // The sensor's network went away without a word: it comes again, and is let in beside all of them.
    let (again, mut control, _answers) = sensor.session(&site).await;
    assert_eq!(closed(&honest).await, Some(CloseReason::Replaced));
    drop((silent, tied));
    for _ in 0..VISITS_SILENT_TOLD {
        sensor.connect(site.bound().quic).await.unwrap().close(0u32.into(), b"");
    }
    until_told(&site, &sensor, "silent_again").await;
    assert_eq!(again.close_reason(), None);
    say(&mut control, &ToCollector::Heartbeat(Default::default())).await;
    site.until(sensor.id, |row| row.connected && row.quarantined_at.is_none()).await;
    assert_eq!(events(&site, &sensor, "silent_again").await, 1, "and told once");
    assert_eq!(events(&site, &sensor, "replaced_again").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_a_session_that_is_replaced_again_and_again_while_it_stands_is_told() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let mut sessions = Vec::new();
    for _ in 0..VISITS_REPLACED_TOLD {
        sessions.push(sensor.session(&site).await);
    }
    assert_eq!(events(&site, &sensor, "replaced_again").await, 0, "a network that breaks off, perhaps");
    sessions.push(sensor.session(&site).await);
    until_told(&site, &sensor, "replaced_again").await;
    // Who takes its leave is not replaced.
    let other = site.sensor().await;
    for _ in 0..=VISITS_REPLACED_TOLD {
        let (connection, _control, _answers) = other.session(&site).await;
        connection.close(0u32.into(), b"");
        site.until(other.id, |row| !row.connected).await;
    }
    assert_eq!(events(&site, &other, "replaced_again").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_who_waits_to_say_hello_is_cut_off_with_its_sensor() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let (standing, _control, _answers) = sensor.session(&site).await;
    let guest = sensor.connect(site.bound().quic).await.unwrap();
    // It is a guest for certain once another has come after it.
    let (id, place) = (u32::try_from(sensor.id.0).unwrap(), sensor.connect(site.bound().quic).await.unwrap());
    sensor::run(&site.data, SensorCommand::Revoke { id }).await.unwrap();
    for connection in [standing, guest, place] {
        assert_eq!(closed(&connection).await, Some(CloseReason::Revoked));
    }
}

/// Counts what it could resume with, and keeps none of it.
#[derive(Debug, Default)]
struct Tickets(AtomicUsize);

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn n1_over_quic_there_is_nothing_to_resume_with_and_no_early_data() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let anyone = rustls::ClientConfig::builder_with_provider(quic::provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer))
        .with_no_client_auth();
    let bound = site.bound();
    for (mut tls, alpn, address) in [(sensor.tls(), ALPN_SESSION, bound.quic), (anyone, ALPN_ENROLL, bound.enroll)] {
        let tickets = Arc::new(Tickets::default());
        tls.resumption = Resumption::store(tickets.clone());
        tls.enable_early_data = true;
        tls.alpn_protocols = vec![alpn.to_vec()];
        let mut endpoint = quinn::Endpoint::client((std::net::Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let config = QuicClientConfig::try_from(tls).unwrap();
        endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(config)));
        for _ in 0..2 {
            let connecting = endpoint.connect(address, COLLECTOR_NAME).unwrap();
            let Err(connecting) = connecting.into_0rtt() else { panic!("early data could be sent") };
            let connection = connecting.await.unwrap();
            // What a handshake leaves behind has come before the answer to the first question.
            let (mut send, mut recv) = connection.open_bi().await.unwrap();
            if alpn == ALPN_SESSION {
                say(&mut send, &ToCollector::Open(varde_common::message::Stream::Control)).await;
                say(&mut send, &ToCollector::Hello(hello())).await;
                assert!(matches!(hear(&mut recv).await, Some(ToAgent::HelloAck { .. })));
            } else {
                say(&mut send, &ToCollector::AskRoot).await;
                assert!(matches!(hear(&mut recv).await, Some(ToAgent::Root { .. })));
            }
            assert_eq!(tickets.0.load(Ordering::Relaxed), 0, "a ticket came");
            connection.close(0u32.into(), b"");
        }
    }
}
