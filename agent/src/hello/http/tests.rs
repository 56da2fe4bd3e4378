//! Request heads: whom they name, where they end, what lies.

use super::*;
use proptest::prelude::*;

fn read(stream: &[u8]) -> Result<Opening<Head>, BadHello> {
    read_on(stream, &mut Progress::default())
}

fn host(stream: &str) -> Option<String> {
    match read(stream.as_bytes()) {
        Ok(Opening::Whole(head)) => Some(head.host.map_or_else(|| "-".to_owned(), |host| host.to_string())),
        _ => None,
    }
}

#[test]
fn the_host_is_where_the_standard_says() {
    for (request, named) in [
        ("GET / HTTP/1.1\r\nHost: Evil.Example\r\n\r\n", Some("evil.example")),
        ("GET / HTTP/1.1\r\nUser-Agent: x\r\nhOsT:evil.example:8080  \r\n", Some("evil.example")),
        ("POST /a?b=http://c.no/ HTTP/1.0\nHost: evil.example.\n\n", Some("evil.example")),
        ("GET http://evil.example/x HTTP/1.1\r\nHost: other.example\r\n\r\n", Some("evil.example")),
        ("GET HTTP://user:pass@evil.example:81?x HTTP/1.1\r\n", Some("evil.example")),
        ("GET http://192.0.2.1/ HTTP/1.1\r\nHost: other.example\r\n", Some("192.0.2.1")),
        ("CONNECT evil.example:443 HTTP/1.1\r\nHost: other.example\r\n\r\n", Some("evil.example")),
        ("VERSION-CONTROL /x HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
        ("x!#y * HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
        ("\n\nGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
        ("\r\r\n\n\rGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
        ("\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
        ("GET    / HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
        ("GET  http://evil.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n", Some("evil.example")),
        ("CONNECT  evil.example:443 HTTP/1.1\r\n\r\n", Some("evil.example")),
        ("GET / HTTP/1.1\r\nHost: evil.example:80x\r\n\r\n", Some("evil.example")),
        ("GET / HTTP/1.1\r\nHost: evil.example:80:90\r\n\r\n", Some("evil.example")),
        ("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80x\r\n\r\n", Some("2001:db8::1")),
        ("GET / HTTP/1.1\r\nHost:\r\n evil.example\r\n\r\n", Some("evil.example")),
        ("GET / HTTP/1.1\r\nHost: \r\n\t\r\n\tevil.example:80\r\n\r\n", Some("evil.example")),
        ("GET / HTTP/1.1\r\nHost:\r\nX: y\r\n evil.example\r\n\r\n", Some("-")),
        ("GET /a b c HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
        ("GET \0 HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
        ("GET \u{e5} HTTP/1.1\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
        ("GET / HTTP/1.1\r\nHost: first.example\r\nHost: second.example\r\n\r\n", Some("first.example")),
        ("GET / HTTP/1.1\r\nX: y\r\n Host: folded.example\r\nHost: evil.example\r\n\r\n", Some("evil.example")),
        ("GET / HTTP/1.1\r\nHost: 192.0.2.1:80\r\n\r\n", Some("192.0.2.1")),
        ("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", Some("2001:db8::1")),
        ("GET / HTTP/1.1\r\nHost: 2001:db8::1\r\n\r\n", Some("2001:db8::1")),
        ("CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: a.no\r\n\r\n", Some("192.0.2.1")),
        ("GET / HTTP/1.1\r\nHost: a b.example\r\n\r\n", Some("a b.example")),
        ("GET / HTTP/1.1\r\nHost: evil.example \rX: y\r\n\r\n", Some("evil.example")),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", Some("-")),
        ("GET / HTTP/1.0\r\n\r\nHost: body.example\r\n", Some("-")),
        ("GET / HTTP/1.1\r\nX-Host: other.example\r\n\r\n", Some("-")),
    ] {
        assert_eq!(host(request).as_deref(), named, "{request}");
    }
}

#[test]
fn what_is_no_request_is_something_else() {
    for stream in [
        "SSH-2.0-OpenSSH_9.2p1 Debian\r\n",
        "EHLO evil.example\r\n",
        "INVITE sip:a@evil.example SIP/2.0\r\n",
        "OPTIONS rtsp://evil.example/ RTSP/1.0\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /\r\n",
        "GET  HTTP/1.1\r\n",
        "HTTP/1.1 200 OK\r\nHost: x.no\r\n",
        " GET / HTTP/1.1\r\n",
        "\x16\x03\x01",
        "GET\t/ HTTP/1.1\r\n",
        "AMETHODTHATISLONGERTHANANYMETHODEVERWAS / HTTP/1.1\r\n",
    ] {
        assert_eq!(read(stream.as_bytes()), Ok(Opening::Other), "{stream}");
    }
    let behind = |lines: usize| format!("{}GET / HTTP/1.1\r\n\r\n", "\r\n".repeat(lines));
    assert!(matches!(read(behind(BLANK_MAX_OCTETS / 2).as_bytes()), Ok(Opening::Whole(_))));
    assert_eq!(read(behind(BLANK_MAX_OCTETS / 2 + 1).as_bytes()), Ok(Opening::Other));
    assert!(matches!(read(b"CONNECT a.no:1 HTTP/1.1\r\n"), Ok(Opening::Whole(Head { is_tunnel: true, .. }))));
}

#[test]
fn a_target_names_an_address_and_a_port_where_it_has_them() {
    for (line, address, port) in [
        ("CONNECT 203.0.113.9:443 HTTP/1.1", Some("203.0.113.9"), Some(443)),
        ("CONNECT [2001:db8::9]:8443 HTTP/1.1", Some("2001:db8::9"), Some(8443)),
        ("CONNECT evil.example:443 HTTP/1.1", None, Some(443)),
        ("CONNECT evil.example HTTP/1.1", None, None),
        ("GET http://203.0.113.9/x HTTP/1.1", Some("203.0.113.9"), Some(80)),
        ("GET https://u@203.0.113.9?x HTTP/1.0", Some("203.0.113.9"), Some(443)),
        ("GET http://203.0.113.9:8080/ HTTP/1.1", Some("203.0.113.9"), Some(8080)),
        ("GET odd://203.0.113.9/ HTTP/1.1", Some("203.0.113.9"), None),
        ("GET http://203.0.113.9:99999/ HTTP/1.1", Some("203.0.113.9"), Some(80)),
        ("GET http://[203.0.113.9]/ HTTP/1.1", Some("203.0.113.9"), Some(80)),
    ] {
        let Ok(Opening::Whole(head)) = read(format!("{line}\r\n").as_bytes()) else { panic!("{line}") };
        let read = match head.host {
            Some(ServerName::Address(address)) => Some(address.to_string()),
            _ => None,
        };
        assert_eq!((read.as_deref(), head.target_port), (address, port), "{line}");
    }
    let Ok(Opening::Whole(head)) = read(b"GET / HTTP/1.1\r\nHost: 203.0.113.9:80\r\n") else { panic!() };
    assert_eq!(head.target_port, None, "the flow's own");
}

#[test]
fn a_head_s_end_says_how_long_the_body_is_or_that_nobody_knows() {
    for (fields, body) in [
        ("", Body::Octets(0)),
        ("Content-Length: 7\r\n", Body::Octets(7)),
        ("content-length:7 \r\nContent-Length: 7\r\n", Body::Octets(7)),
        ("Content-Length: 7\r\nContent-Length: 8\r\n", Body::Unknown),
        ("Content-Length: -7\r\n", Body::Unknown),
        ("Transfer-Encoding: chunked\r\n", Body::Chunked),
        ("Transfer-Encoding: gzip, Chunked\r\n", Body::Chunked),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", Body::Chunked),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Body::Chunked),
        ("Transfer-Encoding: chunked, gzip\r\n", Body::Unknown),
        ("Content-Length: 7\r\nTransfer-Encoding: chunked\r\n", Body::Chunked),
        ("Transfer-Encoding: chunked\r\nContent-Length: 7\r\n", Body::Chunked),
    ] {
        for order in [format!("{fields}Host: a.no\r\n"), format!("Host: a.no\r\n{fields}"), fields.to_owned()] {
            for end in ["\r\n", "\n"] {
                let stream = format!("POST / HTTP/1.1\r\n{order}{end}body");
                let mut progress = Progress::default();
                assert!(matches!(read_on(stream.as_bytes(), &mut progress), Ok(Opening::Whole(_))));
                let read = read_end(stream.as_bytes(), &mut progress, &mut |_| {});
                assert_eq!(read, Ok(Opening::Whole((stream.len() - 4, body))), "{stream}");
            }
        }
    }
}

#[test]
fn s4_a_head_without_end_is_given_up() {
    let fields = "X: y\r\n".repeat(HTTP_HEAD_MAX_OCTETS);
    let stream = format!("GET / HTTP/1.1\r\n{fields}");
    assert_eq!(read(&stream.as_bytes()[..HTTP_HEAD_MAX_OCTETS]), Err(BadHello::HeadTooLong));
    let line = format!("GET /{}", "a".repeat(HTTP_HEAD_MAX_OCTETS));
    assert_eq!(read(&line.as_bytes()[..HTTP_HEAD_MAX_OCTETS]), Err(BadHello::HeadTooLong));
    assert_eq!(read(&line.as_bytes()[..100]), Ok(Opening::Until(101)));
}

proptest! {
    #[test]
    fn however_it_comes_the_host_is_the_same(cuts in prop::collection::vec(1usize..80, 0..10)) {
        let stream = b"GET /x HTTP/1.1\r\nAccept: */*\r\nHost: evil.example\r\n\r\n";
        let mut progress = Progress::default();
        let mut ends = cuts;
        ends.sort_unstable();
        ends.push(stream.len());
        let mut found = Vec::new();
        for end in ends {
            match read_on(&stream[..end.min(stream.len())], &mut progress) {
                Ok(Opening::Whole(head)) => { found.push(head); break }
                other => prop_assert!(matches!(other, Ok(Opening::Until(_)))),
            }
        }
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(found[0].host.as_ref().map(|host| host.to_string()), Some("evil.example".to_owned()));
    }

    #[test]
    fn s3_any_octets_are_read_without_panic(octets in prop::collection::vec(any::<u8>(), 0..200), head in 0usize..3) {
        let stream = [[&b""[..], b"GET ", b"GET / HTTP/1.1\r\n"][head], &octets[..]].concat();
        let mut progress = Progress::default();
        let _ = read_on(&stream, &mut progress);
        let dropped = progress.drop_read();
        prop_assert!(dropped <= stream.len());
        if let Ok(Opening::Whole((end, _))) = read_end(&stream[dropped..], &mut progress, &mut |_| {}) {
            prop_assert!(end <= stream.len() - dropped);
        }
    }
}
