//! The agent where UDP is blocked, against a collector's double: TCP, a proxy, a firewall that opens TLS, and back to QUIC.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use clap::{Args, FromArgMatches};
use varde_common::codec::Text;
use varde_common::id::Seq;
use varde_common::message::{CloseReason, Stream};
use varde_common::record::{RecordBody, SensorEvent};
use varde_common::token::Token;

use super::double::{Double, FOREIGN, Fault, Publication};
use super::ways::{Dialled, Ways};
use super::{Link, LinkError, Way};
use crate::command::run::{RunArgs, run_confined_by};
use crate::io::clock;
use crate::io::disk::identity::{Card, Identity};
use crate::io::disk::spool;
use crate::io::enroll::{EnrolError, Wishes, enroll};
use crate::io::privilege::Confined;
use crate::proxy::Proxy;
use crate::route::Detour;
use crate::subscription::tests::{key, publication};

fn published() -> Publication {
    let (manifest, base) = publication(&key(1), 3);
    (3, manifest, base)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// An address where nothing answers and nobody says so: the packets are as good as dropped.
fn deaf() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Nothing can be sent there, which is found out at once: as blocked as a deaf port, without the wait.
const NOWHERE: &str = "0.0.0.0:7843";

/// A token of a collector whose UDP ports are blocked.
fn blocked(double: &Double, session: &str) -> Token {
    Token { quic: Text::cut(session), enroll: Text::cut(NOWHERE), ..double.token() }
}

fn enrol(data: &Path, token: &Token, detour: SocketAddr, proxy: Option<Proxy>) -> Result<Card, EnrolError> {
    let wishes = Wishes { told: Some(detour.to_string()), set: None, proxy };
    runtime().block_on(enroll(data, &token.to_text(), &wishes))
}

fn run_once(data: &Path) {
    let capture = data.join("empty.pcap");
    let mut header = 0xa1b2_c3d4u32.to_le_bytes().to_vec();
    header.extend_from_slice(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
    std::fs::write(&capture, header).unwrap();
    let command = RunArgs::augment_args(clap::Command::new("run"));
    let matches = command.get_matches_from(["run", "--capture", capture.to_str().unwrap()]);
    run_confined_by(|_| Ok(Confined::not_at_all()), data, &RunArgs::from_arg_matches(&matches).unwrap()).unwrap();
}

/// A proxy that answers each CONNECT as `answer` says, and where that begins with 200 carries octets to the one place it
/// knows by any name.
fn proxy(answer: &'static str, to: SocketAddr) -> (Proxy, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heads = Arc::clone(&asked);
    std::thread::spawn(move || {
        while let Ok((mut near, _)) = listener.accept() {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut octet = [0];
                if near.read(&mut octet).unwrap_or(0) == 0 {
                    break;
                }
                head.push(octet[0]);
            }
            let head = String::from_utf8(head).unwrap();
            heads.lock().unwrap().push(head);
            near.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).unwrap();
            if answer.starts_with("200") {
                let far = TcpStream::connect(to).unwrap();
                for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(std::net::Shutdown::Write);
                    });
                }
            }
        }
    });
    (Proxy::read(&format!("http://{address}")).unwrap(), asked)
}

#[test]
fn d1_d2_where_udp_is_blocked_everything_goes_over_tcp_once_whatever_the_collector_does() {
    let double = Double::start(&[Fault::NoAck, Fault::Gap], published(), false);
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();
    let card = enrol(data, &blocked(&double, NOWHERE), double.tcp, None).unwrap();
    assert_eq!((card.sensor.0, card.fallback), (7, Some(double.tcp.to_string())), "what enrolment was told is kept");
    run_once(data);
    run_once(data);
    let seen = double.seen.lock().unwrap();
    let in_force = |body: &RecordBody| matches!(body, RecordBody::Event(SensorEvent::ListInForce { .. }));
    let bodies = seen.bodies();
    assert_eq!(bodies.iter().filter(|body| in_force(body)).count(), 1);
    assert!(seen.sessions >= 3 && seen.over_tcp == seen.sessions, "{} of {}", seen.over_tcp, seen.sessions);
    let figures = spool::survey(&data.join("spool")).unwrap();
    assert_eq!((figures.waiting(), figures.next), (0, Seq(bodies.len() as u64 + 1)));
}

fn ways(data: &Path, quic: &str, detour: Detour) -> Ways {
    Ways::new(quic.to_owned(), super::with_double::session_tls(data), detour)
}

fn detour(address: SocketAddr, proxy: Option<Proxy>) -> Detour {
    let quic_again = std::time::Duration::from_millis(1);
    Detour { address: Some(address.to_string()), proxy, quic_again }
}

#[test]
fn quic_is_tried_again_while_tcp_carries_and_a_closed_door_is_told() {
    let double = Double::start(&[Fault::None, Fault::Revoked], published(), false);
    let directory = tempfile::tempdir().unwrap();
    enrol(directory.path(), &double.token(), double.tcp, None).unwrap();
    let (socket, deaf) = deaf();
    let mut ways = ways(directory.path(), &deaf.to_string(), detour(double.tcp, None));
    runtime().block_on(async {
        let Dialled::Tcp(link) = ways.dial().await.unwrap() else { panic!("over a deaf port") };
        let Way::Tcp { address, proxy, why_not_quic } = link.way() else { panic!("not over TCP") };
        assert_eq!((address, proxy), (double.tcp.to_string(), None));
        assert!(why_not_quic.contains("does not answer"), "{why_not_quic}");
        let (_write, _read) = link.open(Stream::Control).await.unwrap();
        // UDP comes through from now on: what arrives at the deaf port is carried to the double's.
        let quic = double.quic;
        std::thread::spawn(move || relay(&socket, quic));
        let moved = tokio::time::timeout(std::time::Duration::from_secs(60), ways.quic_again()).await;
        let moved = moved.expect("QUIC is tried again");
        assert_eq!(moved.way(), Way::Quic);
        let _ = moved.open(Stream::Control).await;
    });
    // The double hears of it a moment later, and takes the fault that was meant for it; until then it would take the next one's.
    let deadline = clock::monotonic() + std::time::Duration::from_secs(60);
    let has_come = || {
        let seen = double.seen.lock().unwrap();
        seen.sessions > seen.over_tcp
    };
    while !has_come() {
        assert!(clock::monotonic() < deadline, "the double has heard of QUIC");
        std::thread::yield_now();
    }
    let nowhere = ways_to_revoked(directory.path(), &double);
    assert_eq!(nowhere, LinkError::Closed(CloseReason::Revoked));
}

/// The double's next session is revoked: over TCP its word is heard, and nothing else is tried.
fn ways_to_revoked(data: &Path, double: &Double) -> LinkError {
    double.seen.lock().unwrap().faults_again(&[Fault::Revoked]);
    runtime().block_on(ways(data, NOWHERE, detour(double.tcp, None)).dial()).unwrap_err()
}

/// Carries datagrams between whoever asks and one server.
fn relay(near: &UdpSocket, server: SocketAddr) {
    let far = UdpSocket::bind("127.0.0.1:0").unwrap();
    far.connect(server).unwrap();
    let client = Mutex::new(None);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut octets = [0; 2048];
            while let Ok(length) = far.recv(&mut octets) {
                if let Some(client) = *client.lock().unwrap() {
                    let _ = near.send_to(&octets[..length], client);
                }
            }
        });
        let mut octets = [0; 2048];
        while let Ok((length, from)) = near.recv_from(&mut octets) {
            *client.lock().unwrap() = Some(from);
            let _ = far.send(&octets[..length]);
        }
    });
}

/// A firewall that lets handshakes through and drops what follows in both directions, for each client anew.
fn handshakes_only(double: &Double) -> SocketAddr {
    let near = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
    let (address, server, seen) = (near.local_addr().unwrap(), double.quic, Arc::clone(&double.seen));
    std::thread::spawn(move || {
        let mut clients: BTreeMap<SocketAddr, (Arc<UdpSocket>, Arc<AtomicBool>)> = BTreeMap::new();
        let mut octets = [0; 2048];
        while let Ok((length, from)) = near.recv_from(&mut octets) {
            let (far, dropped) = clients.entry(from).or_insert_with(|| {
                let far = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
                far.connect(server).unwrap();
                let dropped = Arc::new(AtomicBool::new(false));
                let (near, back, drops, seen) =
                    (Arc::clone(&near), Arc::clone(&far), Arc::clone(&dropped), Arc::clone(&seen));
                // The double's session is counted before anything of it is answered.
                let before = seen.lock().unwrap().sessions;
                std::thread::spawn(move || {
                    let mut octets = [0; 2048];
                    while let Ok(length) = back.recv(&mut octets) {
                        if seen.lock().unwrap().sessions > before {
                            drops.store(true, Ordering::Relaxed);
                        }
                        if !drops.load(Ordering::Relaxed) {
                            let _ = near.send_to(&octets[..length], from);
                        }
                    }
                });
                (far, dropped)
            });
            if !dropped.load(Ordering::Relaxed) {
                let _ = far.send(&octets[..length]);
            }
        }
    });
    address
}

#[test]
fn d1_a_firewall_that_lets_only_handshakes_through_leaves_a_sensor_on_tcp_and_a_failed_move_goes_back_at_once() {
    // Over QUIC, nothing of it heard; over TCP, until QUIC is tried again; over QUIC; over TCP.
    let double = Double::start(&[Fault::None, Fault::Withhold, Fault::None, Fault::None], published(), false);
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_owned();
    enrol(&data, &blocked(&double, &handshakes_only(&double).to_string()), double.tcp, None).unwrap();
    std::fs::write(data.join("agent.toml"), "quic_again_s = 5\n").unwrap();
    let (done, ended) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || {
        run_once(&data);
        let _ = done.send(());
    });
    ended.recv_timeout(std::time::Duration::from_secs(120)).expect("everything is delivered over TCP");
    let seen = double.seen.lock().unwrap();
    assert_eq!((seen.sessions, seen.over_tcp), (4, 2), "there and back, and nothing in between");
    assert_eq!(spool::survey(&directory.path().join("spool")).unwrap().waiting(), 0);
}

#[test]
fn a_proxy_opens_the_way_and_a_refusing_one_is_told_with_what_to_do() {
    let double = Double::start(&[], published(), false);
    let directory = tempfile::tempdir().unwrap();
    let token = blocked(&double, NOWHERE);
    let refused = |answer: &'static str, credentials: bool| {
        let (proxy, _) = proxy(answer, double.tcp);
        let proxy = if credentials { proxy.with_credentials("sensor:galt").unwrap() } else { proxy };
        let error = enrol(directory.path(), &token, double.tcp, Some(proxy)).unwrap_err();
        assert!(matches!(error, EnrolError::Link(LinkError::Proxy { .. })), "{error:?}");
        error.to_string()
    };
    let said =
        [("407 Proxy Authentication Required", false), ("407 No", true), ("403 Forbidden", false), ("banana", false)]
            .map(|(answer, credentials)| refused(answer, credentials));
    for (said, wanted) in said.iter().zip([
        "wants a user and a password (407 Proxy Authentication Required); set proxy_credentials in agent.toml"
            .to_owned(),
        "does not accept the user and password it was given (407 No)".to_owned(),
        format!("refuses the way to {} (403 Forbidden); ask whoever runs it to allow CONNECT", double.tcp),
        "no answer of a proxy".to_owned(),
    ]) {
        assert!(said.contains(&wanted), "{said}");
    }
    let (open, asked) = proxy("200 Connection established", double.tcp);
    let open = open.with_credentials("sensor:hemmelig").unwrap();
    enrol(directory.path(), &token, double.tcp, Some(open.clone())).unwrap();
    // A name that nobody here can look up.
    let named = Detour { address: Some("varde.invalid:443".to_owned()), ..detour(double.tcp, Some(open)) };
    let mut ways = ways(directory.path(), NOWHERE, named);
    runtime().block_on(async {
        let Dialled::Tcp(link) = ways.dial().await.unwrap() else { panic!("over a deaf port") };
        let (_control, _answers) = link.open(Stream::Control).await.unwrap();
        let (_alerts, _acks) = link.open(Stream::Alerts).await.unwrap();
        assert!(matches!(link.way(), Way::Tcp { proxy: Some(_), .. }));
    });
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 3, "one for enrolment, one for each stream");
    let wanted =
        ["varde.invalid:443".to_owned(), double.tcp.to_string()].map(|to| format!("CONNECT {to} HTTP/1.1\r\n"));
    assert!(asked.iter().all(|head| wanted.iter().any(|wanted| head.starts_with(wanted.as_str()))), "{asked:?}");
    assert!(asked.iter().all(|head| head.contains("Proxy-Authorization: Basic ")), "{asked:?}");
}

#[test]
fn a_firewall_that_opens_tls_is_told_with_the_issuer_of_its_certificate() {
    let (double, middlebox) = (Double::start(&[], published(), false), Double::start(&[], published(), true));
    let directory = tempfile::tempdir().unwrap();
    enrol(directory.path(), &double.token(), double.tcp, None).unwrap();
    let issuer = format!("CN={FOREIGN}");
    let told = |quic: &str, detour: Detour| {
        runtime().block_on(ways(directory.path(), quic, detour).dial()).unwrap_err().to_string()
    };
    let over_tcp = told(NOWHERE, detour(middlebox.tcp, None));
    let wanted = format!(
        "{} answers with a certificate issued by \"{issuer}\", not with the collector's: a firewall on the way opens TLS; ask that {} is exempted",
        middlebox.tcp, middlebox.tcp
    );
    assert!(over_tcp.contains(&wanted), "{over_tcp}");
    let over_quic = told(&middlebox.quic.to_string(), Detour::default());
    assert!(over_quic.contains(&issuer), "{over_quic}");

    let other = tempfile::tempdir().unwrap();
    let token = Token { root_sha256: middlebox.token().root_sha256, ..blocked(&middlebox, NOWHERE) };
    let error = enrol(other.path(), &token, middlebox.tcp, None).unwrap_err();
    assert!(matches!(&error, EnrolError::Opened { issuer: seen, .. } if *seen == issuer), "{error:?}");
    assert!(error.remedy().contains("exempted") && error.remedy().contains("secret was not sent"));
    assert!(!Identity::exists(other.path()));
}
