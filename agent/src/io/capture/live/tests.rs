//! Both backends on the loopback of wherever the tests run, where raw packets may be read.

use std::net::UdpSocket;
use std::time::Duration;

use super::*;
use crate::io::capture::Step;
use crate::io::clock;
use crate::packet::{LinkType, Transport, decode};

fn backends() -> [LiveSettings; 2] {
    [CaptureBackend::Ring, CaptureBackend::Pnet].map(|backend| LiveSettings { backend, ..LiveSettings::default() })
}

#[test]
fn an_interface_that_does_not_exist_is_told_by_every_backend() {
    for settings in backends() {
        let error = open_live("varde-none0", 0, &settings).err().unwrap();
        assert!(matches!(&error, CaptureError::NoSuchInterface { present, .. } if present.contains(&"lo".to_owned())));
    }
}

#[test]
fn a_datagram_on_loopback_is_seen_once_and_a_long_dns_message_whole() {
    for settings in backends() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = receiver.local_addr().unwrap().port();
        let settings = LiveSettings { dns_ports: vec![port], ..settings };
        let mut capture = match open_live("lo", 3, &settings) {
            Ok(capture) => capture,
            Err(CaptureError::NotPermitted { .. }) => return,
            Err(error) => panic!("{error}"),
        };
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let long = vec![0x5a; 40_000];
        // The last one says that all before it have been seen.
        for message in [&long[..], &long, &[1]] {
            sender.send_to(message, ("127.0.0.1", port)).unwrap();
        }
        let deadline = clock::monotonic() + Duration::from_secs(30);
        let (mut whole, mut last) = (0, false);
        while !last {
            assert!(clock::monotonic() < deadline, "{:?}: the last datagram was not seen", settings.backend);
            let step = capture.next_block(&mut |frame| {
                assert_eq!((frame.source, frame.link), (3, LinkType::Ethernet));
                if let Ok(packet) = decode(&frame)
                    && let Transport::Udp { dst_port, payload, .. } = packet.transport
                    && dst_port == port
                {
                    whole += usize::from(payload == &long[..]);
                    last |= payload == [1];
                }
            });
            assert_ne!(step, Ok(Step::End));
        }
        assert_eq!(whole, 2, "{:?}", settings.backend);
        let dropped = capture.counts().dropped;
        assert_eq!(dropped, (settings.backend == CaptureBackend::Ring).then_some(0), "known only to the ring");
    }
}
