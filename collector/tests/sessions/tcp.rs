//! The way in where UDP is blocked: the same sensors over TLS on TCP, who ties what to which session, and what is refused.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use varde_collector::command::sensor::{self, SensorCommand};
use varde_collector::io::quic;
use varde_collector::store::Store;
use varde_common::codec::{FrameHeader, Text};
use varde_common::id::{Epoch, Revision, Seq};
use varde_common::message::{Batch, CloseReason, Stream, ToAgent, ToCollector};
use varde_common::record::{Record, RecordBody, SensorEvent};
use varde_common::tie::{ALPN_ENROLL_TCP, ALPN_SESSION_TCP, SessionId, Word};
use varde_common::time::Timestamp;
use varde_common::token::EXPORTER_LABEL;
use varde_common::trust::COLLECTOR_NAME;

use crate::double::*;

pub(crate) type Tls = TlsStream<TcpStream>;

async fn dial(site: &Site, mut config: rustls::ClientConfig, alpn: &[&[u8]]) -> std::io::Result<Tls> {
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let connection = TcpStream::connect(site.bound().tcp.unwrap()).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(COLLECTOR_NAME).unwrap(), connection).await
}

async fn say_word(tls: &mut Tls, word: Word) {
    tls.write_all(&word.to_frame().unwrap()).await.unwrap();
    tls.flush().await.unwrap();
}

/// Reads on until a word, past messages; none where the connection ends without one.
async fn hear_word(tls: &mut Tls) -> Option<Word> {
    let listen = async {
        loop {
            let mut header = [0; 8];
            tls.read_exact(&mut header).await.ok()?;
            let header = FrameHeader::read(header, ToAgent::BODY_MAX_OCTETS).unwrap();
            let mut body = vec![0; header.body_octets];
            tls.read_exact(&mut body).await.ok()?;
            match Word::from_body(header.kind, &body).unwrap() {
                Some(Word::Alive) | None => {}
                Some(word) => return Some(word),
            }
        }
    };
    tokio::time::timeout(SOON, listen).await.expect("a word in time")
}

pub(crate) async fn tie(site: &Site, sensor: &Sensor, id: Option<SessionId>) -> (Tls, Option<Word>) {
    let mut tls = dial(site, sensor.tls(), &[ALPN_SESSION_TCP]).await.unwrap();
    say_word(&mut tls, Word::Tie(id)).await;
    let answer = hear_word(&mut tls).await;
    (tls, answer)
}

/// A session over TCP that stands; its control stream with it.
async fn session(site: &Site, sensor: &Sensor) -> (SessionId, Tls) {
    let (mut control, answer) = tie(site, sensor, None).await;
    let Some(Word::Tied(id)) = answer else { panic!("{answer:?}") };
    say(&mut control, &ToCollector::Open(Stream::Control)).await;
    say(&mut control, &ToCollector::Hello(hello())).await;
    assert!(matches!(hear(&mut control).await, Some(ToAgent::HelloAck { committed: Seq(0), .. })));
    (id, control)
}

async fn open(site: &Site, sensor: &Sensor, id: SessionId, stream: Stream) -> Tls {
    let (mut tls, answer) = tie(site, sensor, Some(id)).await;
    assert_eq!(answer, Some(Word::Tied(id)));
    say(&mut tls, &ToCollector::Open(stream)).await;
    tls
}

fn batch() -> ToCollector {
    let body = RecordBody::Event(SensorEvent::Started { version: Text::cut("0.1.0") });
    let record = Record { time: Timestamp(5), body }.to_octets().unwrap();
    ToCollector::Batch(Batch { epoch: Epoch(77), first_seq: Seq(1), records: vec![record] })
}

const REFUSED: Option<Word> = Some(Word::Close(CloseReason::ProtocolError));

#[tokio::test(flavor = "multi_thread")]
async fn e1_over_tcp_a_sensor_enrols_stands_in_a_session_and_is_acknowledged() {
    let site = Site::new().await;
    let token = site.token().await;
    let any = rustls::ClientConfig::builder_with_provider(quic::provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer))
        .with_no_client_auth();
    let mut tls = dial(&site, any, &[ALPN_ENROLL_TCP]).await.unwrap();
    let chain = tls.get_ref().1.peer_certificates().unwrap().to_vec();
    let exporter = tls.get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, Some(b"")).unwrap();
    let (mut recv, mut send) = tokio::io::split(&mut tls);
    let sensor = converse(&token, &new_key(), &token.secret, &chain, exporter, (&mut send, &mut recv)).await.unwrap();

    let (id, mut control) = session(&site, &sensor).await;
    site.until(sensor.id, |row| row.connected && row.carrier.as_deref() == Some("tcp")).await;
    say(&mut control, &ToCollector::Heartbeat(Default::default())).await;
    let mut alerts = open(&site, &sensor, id, Stream::Alerts).await;
    say(&mut alerts, &batch()).await;
    assert_eq!(hear(&mut alerts).await, Some(ToAgent::Ack { epoch: Epoch(77), seq: Seq(1) }));
    assert_eq!(alerts.get_ref().1.tls13_tickets_received(), 0, "nothing to resume with");

    let mut lists = open(&site, &sensor, id, Stream::Lists).await;
    say(&mut lists, &ToCollector::Subscribe { revision: Revision(0) }).await;
    let many: String = (0..12_000).map(|n| format!("host-with-a-rather-long-name-{n}.example\n")).collect();
    site.publish(&many).await;
    assert_eq!(hear_list(&mut lists, &sensor.root, Revision(0)).await, (Revision(1), 12_000));
    let seen = site.row(sensor.id).await.last_seen_at;
    say_word(&mut control, Word::Close(CloseReason::GoingDown)).await;
    site.until(sensor.id, |row| !row.connected && row.last_seen_at > seen).await;
    assert_eq!(hear_word(&mut alerts).await, None, "one connection gone, all gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_over_tcp_nothing_is_acknowledged_that_is_not_committed() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let store = Store::open(&site.data).await.unwrap();
    let run = async |sql: &'static str| {
        let mut tx = store.begin().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    };
    run("CREATE TABLE debt (id BIGINT REFERENCES sensor (id) DEFERRABLE INITIALLY DEFERRED)").await;
    run("CREATE TRIGGER owe AFTER INSERT ON record BEGIN INSERT INTO debt VALUES (-1); END").await;
    let (id, mut control) = session(&site, &sensor).await;
    let mut alerts = open(&site, &sensor, id, Stream::Alerts).await;
    say(&mut alerts, &batch()).await;
    assert_eq!(hear(&mut alerts).await, None, "no word of it");
    let unavailable = Some(Word::Close(CloseReason::Unavailable));
    assert_eq!(hear_word(&mut control).await, unavailable, "the sensor keeps it and comes again");

    run("DROP TRIGGER owe").await;
    let (id, _control) = session(&site, &sensor).await;
    let mut alerts = open(&site, &sensor, id, Stream::Alerts).await;
    say(&mut alerts, &batch()).await;
    assert_eq!(hear(&mut alerts).await, Some(ToAgent::Ack { epoch: Epoch(77), seq: Seq(1) }));
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM record").fetch_one(store.readers()).await;
    assert_eq!(count.ok(), Some(1i64), "it is there as soon as the word is");
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_session_id_is_one_certificates_and_good_for_five_streams() {
    let site = Site::new().await;
    let (sensor, other) = (site.sensor().await, site.sensor().await);
    let (id, mut control) = session(&site, &sensor).await;
    let (_tls, answer) = tie(&site, &other, Some(id)).await;
    assert_eq!(answer, REFUSED, "another sensor's certificate");
    let (_tls, answer) = tie(&site, &sensor, Some(SessionId([9; 16]))).await;
    assert_eq!(answer, REFUSED, "an id nobody was given");
    let mut more = Vec::new();
    for _ in 1..5 {
        let (tls, answer) = tie(&site, &sensor, Some(id)).await;
        assert_eq!(answer, Some(Word::Tied(id)));
        more.push(tls);
    }
    let (_tls, answer) = tie(&site, &sensor, Some(id)).await;
    assert_eq!(answer, REFUSED, "a sixth");
    // The session was not harmed by any of it.
    say(&mut more[0], &ToCollector::Open(Stream::Alerts)).await;
    say(&mut more[0], &batch()).await;
    assert!(matches!(hear(&mut more[0]).await, Some(ToAgent::Ack { .. })));
    // And no stream is opened twice, on whichever connection.
    say(&mut more[1], &ToCollector::Open(Stream::Alerts)).await;
    assert_eq!(hear_word(&mut control).await, REFUSED);
    let (_tls, answer) = tie(&site, &sensor, Some(id)).await;
    assert_eq!(answer, REFUSED, "the id ended with its session");
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_over_tcp_broken_oversized_and_missing_words_end_only_who_sent_them() {
    let site = Site::new().await;
    let (sensor, kept) = (site.sensor().await, site.sensor().await);
    let (_id, mut control_kept) = session(&site, &kept).await;
    let huge = FrameHeader { body_octets: 64 * 1024 + 1, kind: 4 }.to_octets().to_vec();
    let tied_twice = Word::Tie(None).to_frame().unwrap();
    for (octets, ends) in [(huge, true), (tied_twice, false)] {
        let (_id, mut control) = session(&site, &sensor).await;
        control.write_all(&octets).await.unwrap();
        if ends {
            assert_eq!(hear_word(&mut control).await, REFUSED);
        }
    }
    for first in
        [ToCollector::Open(Stream::Control).to_frame().unwrap(), vec![0xff; 64], Word::Alive.to_frame().unwrap()]
    {
        let mut tls = dial(&site, sensor.tls(), &[ALPN_SESSION_TCP]).await.unwrap();
        tls.write_all(&first).await.unwrap();
        assert_eq!(hear_word(&mut tls).await, REFUSED, "{first:?}");
    }
    // Neither TLS nor a tie nor a hello: each has its time.
    let mut idle = TcpStream::connect(site.bound().tcp.unwrap()).await.unwrap();
    idle.write_all(&[0x16, 3, 1]).await.unwrap();
    let mut nothing = Vec::new();
    let mut silent = dial(&site, sensor.tls(), &[ALPN_SESSION_TCP]).await.unwrap();
    let (mut mute, answer) = tie(&site, &sensor, None).await;
    assert!(matches!(answer, Some(Word::Tied(_))));
    let ended = tokio::time::timeout(SOON, idle.read_to_end(&mut nothing));
    let (silent, mute, ended) = tokio::join!(hear_word(&mut silent), hear_word(&mut mute), ended);
    assert_eq!((silent, mute), (REFUSED, REFUSED));
    let _ = ended.expect("a handshake has its time too");
    say_word(&mut control_kept, Word::Alive).await;
    say(&mut control_kept, &ToCollector::Heartbeat(Default::default())).await;
    assert!(site.row(kept.id).await.connected);
}

/// A session's first connection, or that there was no place for it.
async fn try_tie(site: &Site, sensor: &Sensor) -> std::io::Result<Tls> {
    let mut tls = dial(site, sensor.tls(), &[ALPN_SESSION_TCP]).await?;
    tls.write_all(&Word::Tie(None).to_frame().unwrap()).await?;
    tls.flush().await?;
    match hear_word(&mut tls).await {
        Some(Word::Tied(_)) => Ok(tls),
        Some(other) => panic!("{other:?}"),
        None => Err(std::io::ErrorKind::ConnectionReset.into()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn n1_over_tcp_more_sensors_than_one_neighbourhoods_share_come_from_one_address_and_all_get_in() {
    let site = Arc::new(Site::new().await);
    let mut sensors = Vec::new();
    for _ in 0..240 {
        sensors.push(site.sensor().await);
    }
    let mut coming = tokio::task::JoinSet::new();
    for (sensor, index) in sensors.into_iter().zip(0_u64..) {
        let site = site.clone();
        coming.spawn(async move {
            for attempt in 1_u64..60 {
                match try_tie(&site, &sensor).await {
                    Ok(tls) => return (tls, attempt),
                    // Each at another time, as sensors do.
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100 + index * 7 % 900)).await,
                }
            }
            panic!("sensor {index} does not get in");
        });
    }
    let came = coming.join_all().await;
    let attempts: u64 = came.iter().map(|(_, attempts)| attempts).sum();
    println!("{} sensors of one address are in after {attempts} attempts", came.len());
    // Places are given back, so that there is one for the next.
    let late = site.sensor().await;
    session(&site, &late).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn n3_over_tcp_nothing_but_our_protocol_is_answered() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let mut plain = TcpStream::connect(site.bound().tcp.unwrap()).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: varde.example\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(SOON, plain.read_to_end(&mut answer)).await.expect("closed in time");
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP"), "{answer:?}");
    for alpn in [&[][..], &[b"h2".as_slice(), b"http/1.1"], &[b"varde/1"]] {
        assert!(dial(&site, sensor.tls(), alpn).await.is_err(), "{alpn:?} was answered");
    }
    // Enrolment's name opens no session: there is no certificate behind it.
    let mut tls = dial(&site, sensor.tls(), &[ALPN_ENROLL_TCP]).await.unwrap();
    say_word(&mut tls, Word::Tie(None)).await;
    assert_eq!(hear_word(&mut tls).await, REFUSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn n3_over_tcp_what_was_captured_and_is_sent_again_changes_nothing() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    // Somebody on the wire keeps what a sensor says.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (wire, server) = (listener.local_addr().unwrap(), site.bound().tcp.unwrap());
    let kept = tokio::spawn(async move {
        let mut kept = Vec::new();
        for _ in 0..2 {
            let (near, _) = listener.accept().await.unwrap();
            let far = TcpStream::connect(server).await.unwrap();
            let (mut near_read, mut near_write) = near.into_split();
            let (mut far_read, mut far_write) = far.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut far_read, &mut near_write).await });
            kept.push(tokio::spawn(async move {
                let (mut said, mut octets) = (Vec::new(), [0; 4096]);
                while let Ok(read @ 1..) = near_read.read(&mut octets).await {
                    said.extend_from_slice(&octets[..read]);
                    if far_write.write_all(&octets[..read]).await.is_err() {
                        break;
                    }
                }
                said
            }));
        }
        kept
    });
    let through = async |id| {
        let mut config = sensor.tls();
        config.alpn_protocols = vec![ALPN_SESSION_TCP.to_vec()];
        let name = ServerName::try_from(COLLECTOR_NAME).unwrap();
        let connection = TcpStream::connect(wire).await.unwrap();
        let mut tls = TlsConnector::from(Arc::new(config)).connect(name, connection).await.unwrap();
        say_word(&mut tls, Word::Tie(id)).await;
        let Some(Word::Tied(id)) = hear_word(&mut tls).await else { panic!("not tied") };
        (id, tls)
    };
    let (id, mut control) = through(None).await;
    say(&mut control, &ToCollector::Open(Stream::Control)).await;
    say(&mut control, &ToCollector::Hello(hello())).await;
    assert!(matches!(hear(&mut control).await, Some(ToAgent::HelloAck { .. })));
    let (_, mut alerts) = through(Some(id)).await;
    say(&mut alerts, &ToCollector::Open(Stream::Alerts)).await;
    say(&mut alerts, &batch()).await;
    assert!(matches!(hear(&mut alerts).await, Some(ToAgent::Ack { .. })));
    drop((control, alerts));
    site.until(sensor.id, |row| !row.connected).await;
    let before = site.row(sensor.id).await;
    for said in kept.await.unwrap() {
        let said = said.await.unwrap();
        assert!(said.len() > 500, "a whole conversation");
        let mut again = TcpStream::connect(server).await.unwrap();
        // The hello first, the rest when it has been answered, as it was.
        let hello = 5 + usize::from(u16::from_be_bytes([said[3], said[4]]));
        again.write_all(&said[..hello]).await.unwrap();
        assert!(again.read(&mut [0; 4096]).await.unwrap() > 0, "anybody may say hello");
        let _ = again.write_all(&said[hello..]).await;
        let ended = tokio::time::timeout(SOON, again.read_to_end(&mut Vec::new())).await;
        let _ = ended.expect("closed in time");
    }
    assert_eq!(site.row(sensor.id).await, before);
    let store = Store::open(&site.data).await.unwrap();
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM record").fetch_one(store.readers()).await;
    assert_eq!(count.ok(), Some(1i64));
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_over_tcp_a_revoked_sensor_is_cut_off_on_all_its_connections_and_stays_out() {
    let mut site = Site::new().await;
    let (good, bad) = (site.sensor().await, site.sensor().await);
    let (_kept_id, mut kept) = session(&site, &good).await;
    let (id, mut control) = session(&site, &bad).await;
    let mut alerts = open(&site, &bad, id, Stream::Alerts).await;
    let (mut unopened, answer) = tie(&site, &bad, Some(id)).await;
    assert_eq!(answer, Some(Word::Tied(id)));
    sensor::run(&site.data, SensorCommand::Revoke { id: u32::try_from(bad.id.0).unwrap() }).await.unwrap();
    let revoked = Some(Word::Close(CloseReason::Revoked));
    for tls in [&mut control, &mut alerts, &mut unopened] {
        assert_eq!(hear_word(tls).await, revoked);
    }
    say(&mut kept, &ToCollector::Heartbeat(Default::default())).await;
    site.until(bad.id, |row| !row.connected).await;
    assert!(site.row(good.id).await.connected, "others are untouched");
    for _ in 0..2 {
        assert_eq!(tie(&site, &bad, None).await.1, revoked);
        site.restart().await;
    }
    let (_id, _control) = session(&site, &good).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d2_a_sensor_that_moves_back_to_quic_leaves_tcp_and_is_stored_once() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let (id, mut control) = session(&site, &sensor).await;
    let mut alerts = open(&site, &sensor, id, Stream::Alerts).await;
    say(&mut alerts, &batch()).await;
    assert!(matches!(hear(&mut alerts).await, Some(ToAgent::Ack { .. })));
    let connection = sensor.connect(site.bound().quic).await.unwrap();
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    say(&mut send, &ToCollector::Open(Stream::Control)).await;
    say(&mut send, &ToCollector::Hello(hello())).await;
    assert!(matches!(hear(&mut recv).await, Some(ToAgent::HelloAck { committed: Seq(1), .. })));
    assert_eq!(hear_word(&mut control).await, Some(Word::Close(CloseReason::Replaced)));
    let (mut send, mut recv) = crate::double::open(&connection, Stream::Alerts).await;
    say(&mut send, &batch()).await;
    assert_eq!(hear(&mut recv).await, Some(ToAgent::Ack { epoch: Epoch(77), seq: Seq(1) }), "again, and stored once");
    site.until(sensor.id, |row| row.connected && row.carrier.as_deref() == Some("quic")).await;
    let store = Store::open(&site.data).await.unwrap();
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM record").fetch_one(store.readers()).await;
    assert_eq!(count.ok(), Some(1i64));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_a_stop_says_goodbye_to_every_session() {
    let mut site = Site::new().await;
    let sensor = site.sensor().await;
    let (_id, mut control) = session(&site, &sensor).await;
    site.running.take().unwrap().stop().await.unwrap();
    assert_eq!(hear_word(&mut control).await, Some(Word::Close(CloseReason::GoingDown)));
    assert!(!site.row(sensor.id).await.connected);
}
