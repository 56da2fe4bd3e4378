//! Requests that follow one another on a connection, to a server or through a proxy.

use proptest::prelude::*;

use super::*;
use crate::limits::HTTP_HOSTS_MAX;

fn get(host: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n").into_bytes()
}

/// A client that has said each of these in a segment of its own.
fn said(parts: &[&[u8]]) -> Bench {
    let mut bench = Bench::new();
    bench.shake_hands();
    let mut at = 0;
    for part in parts {
        bench.say(at, part);
        bench.tcp(SERVER, CLIENT, 6, ACK, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        at += part.len();
    }
    bench
}

#[test]
fn every_request_of_a_connection_is_read() {
    let requests: Vec<Vec<u8>> = (0..500).map(|number| get(&format!("h{number}.no"))).collect();
    let parts: Vec<&[u8]> = requests.iter().map(Vec::as_slice).collect();
    let bench = said(&parts);
    let expected: Vec<String> = (0..500).map(|number| format!("h{number}.no")).collect();
    assert_eq!((bench.names(), bench.greetings.len()), (expected, 0));
}

#[test]
fn requests_in_one_segment_are_read_and_so_is_one_that_a_segment_ends_in() {
    let two = [get("a.no"), get("b.no"), get("c.no")].concat();
    assert_eq!(said(&[&two]).names(), ["a.no", "b.no", "c.no"]);
    for cut in 1..two.len() {
        let bench = said(&[&two[..cut], &two[cut..], &get("d.no")]);
        assert_eq!(bench.names(), ["a.no", "b.no", "c.no", "d.no"], "{cut}");
        assert_eq!((bench.greetings.len(), bench.greetings.kept_octets()), (0, 0));
    }
    let many = get("a.no").repeat(100);
    assert_eq!(said(&[&many, &get("b.no")]).names().len(), 101);
}

#[test]
fn a_body_is_no_request_and_hides_none() {
    let evil = get("evil.no");
    let post = |fields: &str| format!("POST / HTTP/1.1\r\nHost: a.no\r\n{fields}\r\n").into_bytes();
    let sized = post(&format!("Content-Length: {}\r\n", 2 * evil.len()));
    for parts in [
        vec![&sized[..], &evil, &evil, &get("b.no")],
        vec![&[&sized[..], &evil].concat(), &[&evil[..], &get("b.no")].concat()],
        vec![&[&sized[..], &evil, &evil, &get("b.no")].concat()[..]],
    ] {
        assert_eq!(said(&parts).names(), ["a.no", "b.no"]);
    }
    // Where nobody can know how long it is, what begins with a segment is read.
    let coded = post("Transfer-Encoding: chunked\r\n");
    let chunk = b"5\r\nhello\r\n0\r\n\r\n";
    assert_eq!(said(&[&coded, chunk, &evil]).names(), ["a.no", "evil.no"]);
    let whole = [&coded[..], b"5;x\r\nhello\r\n0\r\nX: y\r\n\r\n", &evil].concat();
    for cut in [whole.len(), coded.len() + 30, 20] {
        assert_eq!(said(&[&whole[..cut], &whole[cut..]]).names(), ["a.no", "evil.no"], "{cut}");
    }
    let lying = post("Content-Length: 99999999999\r\n");
    assert_eq!(said(&[&lying, b"body", &evil]).names(), ["a.no", "evil.no"]);
}

#[test]
fn what_is_sent_again_is_told_once_and_a_lost_segment_hides_only_itself() {
    let (first, second) = (get("a.no"), get("b.no"));
    let mut bench = said(&[&first, &second]);
    bench.say(0, &first);
    bench.say(first.len(), &second);
    bench.say(first.len(), &[&second[..], &get("c.no")].concat());
    assert_eq!(bench.names(), ["a.no", "b.no", "c.no"]);
    bench.say(5000, &get("d.no"));
    bench.say(200_000, b"forged");
    bench.say(100_000, b"GET / HTTP/1.1\r\nHo");
    let at = first.len() + second.len() + get("c.no").len();
    bench.say(at, &get("e.no"));
    assert_eq!(bench.names()[3..], ["d.no", "e.no"]);
}

#[test]
fn after_a_lost_segment_requests_in_two_segments_are_read() {
    let mut bench = said(&[&get("a.no")]);
    let mut at = 3000;
    let mut expected = vec!["a.no".to_owned()];
    for number in 0..20 {
        let request = get(&format!("h{number}.no"));
        let cut = 1 + 2 * number;
        if number == 0 {
            // The server has what the sensor has not.
            bench.stands = ISN.wrapping_add(1 + at as u32);
            bench.acknowledge();
        }
        bench.say(at, &request[..cut]);
        bench.tcp(SERVER, CLIENT, 6, ACK, b"HTTP/1.1 100 Continue\r\n");
        bench.say(at + cut, &request[cut..]);
        at += request.len();
        expected.push(format!("h{number}.no"));
        // What was lost might only have changed places: it is waited for a little.
        if number == 0 {
            bench.now += 4;
        } else {
            assert_eq!(bench.names(), expected);
        }
        assert!(bench.greetings.kept_octets() < 2 * GREETING_MAX_OCTETS);
    }
    bench.end();
    assert_eq!((bench.names(), bench.greetings.kept_octets()), (expected, 0));
}

#[test]
fn a_later_request_whose_segments_come_in_the_wrong_order_is_read() {
    let request = get("evil.no");
    for cut in 1..request.len() {
        let (front, back) = request.split_at(cut);
        let mut bench = said(&[&get("a.no")]);
        let at = get("a.no").len();
        bench.say(at + cut, back);
        bench.say(at, front);
        bench.say(at + request.len(), &get("b.no"));
        assert_eq!(bench.names(), ["a.no", "evil.no", "b.no"], "{cut}");
        bench.end();
        assert_eq!((bench.names().len(), bench.greetings.kept_octets()), (3, 0), "{cut}");
    }
    // Three of them, each order.
    for order in [[2, 1, 0], [1, 2, 0], [2, 0, 1], [0, 2, 1]] {
        let mut bench = said(&[&get("a.no")]);
        for part in order {
            let begin = 17 * part;
            let end = if part == 2 { request.len() } else { begin + 17 };
            bench.say(get("a.no").len() + begin, &request[begin..end]);
        }
        bench.say(get("a.no").len() + request.len(), &get("b.no"));
        assert_eq!(bench.names(), ["a.no", "evil.no", "b.no"], "{order:?}");
    }
}

#[test]
fn through_a_proxy_every_name_and_address_is_told() {
    let bench = said(&[
        b"GET http://benign.example/ HTTP/1.1\r\nHost: benign.example\r\n\r\n",
        b"GET http://evil.no:8080/x HTTP/1.1\r\nHost: benign.example\r\n\r\n",
        b"GET http://203.0.113.9/ HTTP/1.1\r\nHost: benign.example\r\n\r\n",
        b"CONNECT [2001:db8::9]:443 HTTP/1.1\r\n\r\n",
        &records(&named("hidden.example"), 16384),
        b"\x17\x03\x03\x00\x05hello",
    ]);
    let told = |kind: &str, whom: &str| format!("Answered {kind} {CLIENT} {SERVER} {whom}");
    assert_eq!(
        bench.words(),
        [
            told("Http", "benign.example"),
            told("Http", "evil.no"),
            told("Http", "benign.example"),
            told("Http", "203.0.113.9"),
            told("Http", "benign.example"),
            told("Http", "2001:db8::9"),
            told("Tls", "hidden.example"),
        ]
    );
    let Greeted::Http(request) = &bench.read[1].1 else { panic!("no request") };
    assert_eq!(request.target_port, Some(8080));
    // The tunnel's hello may come with the request, before it is granted.
    let eager = [b"CONNECT 203.0.113.9:443 HTTP/1.1\r\n\r\n", &records(&named("evil.no"), 16384)[..]].concat();
    for cut in [eager.len(), 20, 36, 100] {
        let bench = said(&[&eager[..cut], &eager[cut..]]);
        assert_eq!(bench.names(), ["203.0.113.9", "evil.no"], "{cut}");
    }
}

#[test]
fn a_request_that_names_several_hosts_tells_them_all_and_the_first_is_its_own() {
    let other = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (head, hosts) in [
        ("GET http://a.no/ HTTP/1.1\r\nHost: b.no\r\n\r\n", &["a.no", "b.no"][..]),
        ("GET http://a.no/ HTTP/1.1\r\nHost: A.no:80\r\n\r\n", &["a.no"]),
        ("GET / HTTP/1.1\r\nHost: a.no\r\nX: y\r\nHost: b.no\r\nhost: a.no\r\n\r\n", &["a.no", "b.no"]),
        ("GET / HTTP/1.1\r\nHost:\r\nHost: a.no\r\nHost:\r\n b.no\r\n\r\n", &["a.no", "b.no"]),
        ("CONNECT a.no:443 HTTP/1.1\r\nHost: b.no\r\n\r\n", &["a.no"]),
    ] {
        for cut in [1, 30, 45, 70, 1 << 14] {
            let parts: Vec<&[u8]> = head.as_bytes().chunks(cut).collect();
            let bench = said(&parts);
            assert_eq!(bench.names(), other(hosts), "{head} {cut}");
            let further: Vec<bool> =
                bench.read.iter().map(|(_, it)| matches!(it, Greeted::Http(it) if it.is_further)).collect();
            assert!(further.iter().enumerate().all(|(at, further)| *further == (at > 0)), "{head}");
        }
    }
    // However many there are.
    let fields: String = (0..100).map(|number| format!("Host: h{number}.no\r\n")).collect();
    let bench = said(&[format!("GET / HTTP/1.1\r\n{fields}\r\n").as_bytes()]);
    assert_eq!(bench.names().len(), HTTP_HOSTS_MAX);
}

#[test]
fn a_body_that_connect_claims_to_have_hides_no_hello_in_the_tunnel() {
    let hello = records(&named("evil.no"), 16384);
    for field in ["Content-Length: 100000", "Transfer-Encoding: chunked"] {
        let head = format!("CONNECT proxied.no:443 HTTP/1.1\r\nHost: proxied.no\r\n{field}\r\n\r\n");
        assert_eq!(said(&[head.as_bytes(), &hello]).names(), ["proxied.no", "evil.no"], "{field}");
        assert_eq!(said(&[&[head.as_bytes(), &hello[..]].concat()]).names(), ["proxied.no", "evil.no"], "{field}");
    }
}

#[test]
fn s5_what_follows_a_request_and_is_none_costs_no_memory() {
    let head = b"POST / HTTP/1.1\r\nHost: a.no\r\nTransfer-Encoding: chunked\r\n\r\n";
    // Behind a gap, what may be the end of something that came too early waits for its beginning, within the bound.
    for (gap, most) in [(0, 0), (1, 2 * GREETING_MAX_OCTETS)] {
        let mut bench = said(&[head]);
        for at in 0..1000 {
            bench.say(head.len() + gap + 1000 * at, &[at as u8 | 0x80; 1000]);
            bench.tcp(SERVER, CLIENT, 6, ACK, b"HTTP/1.1 200 OK\r\n");
            assert!(bench.greetings.kept_octets() <= most);
        }
        assert_eq!((bench.names(), bench.counts.refused.total()), (vec!["a.no".to_owned()], 0));
    }
}

proptest! {
    #[test]
    fn however_a_connection_is_cut_its_requests_are_the_same(
        bodies in prop::collection::vec(prop::option::of(0usize..300), 1..8),
        portions in prop::collection::vec(1usize..300, 0..40),
    ) {
        let mut stream = Vec::new();
        let mut expected = Vec::new();
        for (number, body) in bodies.iter().enumerate() {
            expected.push(format!("h{number}.no"));
            match body {
                None => stream.extend(get(&format!("h{number}.no"))),
                Some(octets) => {
                    let head = format!("PUT /x HTTP/1.1\r\nContent-Length: {octets}\r\nHost: h{number}.no\r\n\r\n");
                    stream.extend(head.into_bytes());
                    stream.extend(get("evil.no").into_iter().cycle().take(*octets));
                }
            }
        }
        let mut bench = Bench::new();
        bench.shake_hands();
        let mut at = 0;
        for portion in portions.into_iter().chain([stream.len()]) {
            let until = stream.len().min(at + portion);
            bench.say(at, &stream[at..until]);
            at = until;
        }
        prop_assert_eq!(bench.names(), expected);
        prop_assert_eq!(bench.greetings.kept_octets(), 0);
    }

    #[test]
    fn segments_that_change_places_hide_no_request(
        ends in prop::collection::vec(1usize..60, 1..30),
        swapped in prop::collection::vec(any::<bool>(), 30),
    ) {
        let mut stream = Vec::new();
        let mut expected = Vec::new();
        for number in 0..8 {
            stream.extend(get(&format!("h{number}.no")));
            expected.push(format!("h{number}.no"));
        }
        let mut parts = Vec::new();
        let mut at = 0;
        for octets in ends {
            let end = stream.len().min(at + octets);
            // Without its first letters a request is another one, as good as any.
            let end = if (1..3).contains(&(end % get("h0.no").len())) { end + 2 } else { end };
            parts.push(at..end);
            at = end;
        }
        parts.push(at..stream.len());
        parts.retain(|part| !part.is_empty());
        let mut place = 0;
        while place + 1 < parts.len() {
            if swapped[place % swapped.len()] {
                parts.swap(place, place + 1);
                place += 1;
            }
            place += 1;
        }
        let mut bench = Bench::new();
        bench.shake_hands();
        parts.into_iter().for_each(|part| bench.say(part.start, &stream[part]));
        bench.end();
        let mut names = bench.names();
        names.sort();
        names.dedup();
        prop_assert_eq!(names, expected);
    }
}

#[test]
fn behind_a_body_in_chunks_that_comes_in_several_segments_requests_are_read() {
    let head =
        |coding: &str| format!("POST / HTTP/1.1\r\nHost: a.no\r\nTransfer-Encoding: {coding}\r\n\r\n").into_bytes();
    let body = [&b"5\r\nhello\r\n1000;x=y\r\n"[..], &[b'z'; 0x1000], b"\r\n0\r\nTrailer: x\r\n\r\n"].concat();
    let fields = ["chunked", "Chunked", "gzip, chunked", "gzip\r\nTransfer-Encoding: chunked"];
    for coding in fields.into_iter().chain(["chunked\r\nTransfer-Encoding: chunked", "chunked\r\nContent-Length: 3"]) {
        let all = [&head(coding)[..], &body, &get("evil.no")].concat();
        for segment in [7, 100, 1400, all.len()] {
            let parts: Vec<&[u8]> = all.chunks(segment).collect();
            let bench = said(&parts);
            assert_eq!(bench.names(), ["a.no", "evil.no"], "{coding} {segment}");
            assert_eq!(bench.greetings.kept_octets(), 0);
        }
    }
    // And where two of them change places.
    let all = [&head("chunked")[..], &body, &get("evil.no")].concat();
    let cut = all.len() - get("evil.no").len() - 3;
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.say(0, &all[..100]);
    bench.say(cut, &all[cut..]);
    bench.say(100, &all[100..cut]);
    assert_eq!(bench.names(), ["a.no", "evil.no"]);
}

#[test]
fn a_long_line_that_names_nobody_hides_no_host() {
    let long = "a".repeat(27_000);
    for (request, host) in [
        (format!("GET / HTTP/1.1\r\nCookie: {long}\r\nHost: evil.no\r\n\r\n"), "evil.no"),
        (format!("GET /{long} HTTP/1.1\r\nHost: evil.no\r\n\r\n"), "evil.no"),
        (format!("GET http://evil.no/{long} HTTP/1.1\r\nHost: evil.no\r\n\r\n"), "evil.no"),
    ] {
        for segment in [1400, 9_000, request.len()] {
            let more = get("b.no");
            let parts: Vec<&[u8]> = request.as_bytes().chunks(segment).chain([&more[..]]).collect();
            let bench = said(&parts);
            assert_eq!(bench.names(), [host, "b.no"], "{} {segment}", &request[..30]);
            assert_eq!(bench.greetings.kept_octets(), 0);
        }
    }
}
