//! Real clients' first words, as they leave a socket, are read by the stages.

use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use varde_common::observation::{Endpoint, Hello, Protocol};
use varde_common::time::Timestamp;

use crate::observe::{ObserveSettings, Observer, Seen};
use crate::packet::{Fragment, Packet, Transport};

const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// What a client with rustls offers.
fn client(alpn: &[&[u8]]) -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config
}

/// The hello the observer reads out of one more packet.
fn heard(observer: &mut Observer, client: Endpoint, protocol: Protocol, payload: &[u8]) -> Option<Hello> {
    let (src_port, dst_port) = (client.port(), 443);
    let transport = match protocol {
        Protocol::UDP => Transport::Udp { src_port, dst_port, payload },
        _ => Transport::Tcp { src_port, dst_port, seq: 1, ack: 1, flags: 0x10, urgent: 0, payload },
    };
    let mut hello = None;
    let packet = Packet {
        time: Timestamp::from_unix(1, 0),
        source: 0,
        src: client.ip(),
        dst: SERVER,
        protocol,
        octets: 40,
        fragment: Fragment::Whole,
        transport,
    };
    observer.handle_packet(&packet, packet.time, &mut |seen| match seen {
        Seen::Hello { hello: heard, .. } => hello = Some(heard),
        Seen::Dns { .. } | Seen::Flow(_) | Seen::Http { .. } => {}
    });
    hello
}

#[test]
fn a_rustls_client_over_tcp_is_read() {
    let name = "evil.example".try_into().unwrap();
    let config = client(&[b"h2", b"odd\x00\xff"]);
    let mut connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = Vec::new();
    connection.write_tls(&mut stream).unwrap();
    let mut observer = Observer::new(ObserveSettings::default());
    let hello = heard(&mut observer, "10.0.0.1:40000".parse().unwrap(), Protocol::TCP, &stream).unwrap();
    assert_eq!(hello.sni.map(|sni| sni.to_string()).as_deref(), Some("evil.example"));
    assert_eq!(hello.alpn, ["h2", "odd\\x00\\xff"]);
    assert!(hello.ja4.unwrap().as_str().starts_with("t13d"), "{:?}", hello.ja4);
}

/// Its first flight goes to a socket that never answers; with post-quantum keys it takes several datagrams.
#[test]
fn a_quinn_client_is_read() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let server = socket.local_addr().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _guard = runtime.enter();
    let endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(client(&[b"h3"])).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(crypto));
    let _connecting = endpoint.connect_with(config, server, "evil.example").unwrap();
    let mut observer = Observer::new(ObserveSettings::default());
    let mut datagram = [0; 65_536];
    let hello = (0..20).find_map(|_| {
        let (count, client) = socket.recv_from(&mut datagram).unwrap();
        heard(&mut observer, client, Protocol::UDP, &datagram[..count])
    });
    let hello = hello.expect("a hello in its first datagrams");
    assert_eq!(hello.sni.map(|sni| sni.to_string()).as_deref(), Some("evil.example"));
    assert_eq!(hello.alpn, ["h3"]);
    assert!(hello.ja4.unwrap().as_str().starts_with("q13d"), "{:?}", hello.ja4);
}
