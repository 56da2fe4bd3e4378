//! First words of clients as few programs say them: odd hellos, hellos after other words, odd requests.

use super::Talks;
use super::Who::{Client, Server};
use crate::bulk::hello::{Manner, message, records};
use crate::random::Random;
use crate::traffic::greeting::with_extension;
use crate::traffic::packet;

/// server_name, signature_algorithms, application_layer_protocol_negotiation, padding, early_data (IANA).
const SERVER_NAME: u16 = 0;
const PADDING: u16 = 21;

fn list(octets: &[u8]) -> Vec<u8> {
    [&(octets.len() as u16).to_be_bytes()[..], octets].concat()
}

/// A hello of a plain program, whose server_name says this.
fn calling(random: &mut Random, name: &[u8]) -> Vec<u8> {
    let entry = [&[0][..], &list(name)].concat();
    with_extension(&message(random, Manner::Library, "", &["h2"]), SERVER_NAME, &list(&entry))
}

fn in_records(message: &[u8]) -> Vec<u8> {
    records(message, 1 << 14)
}

/// TLS clients that name their servers oddly, on any port, in any version's clothes, in records however cut.
pub fn hellos(random: &mut Random) -> Vec<Vec<u8>> {
    let mut talks = Talks::new();
    let long = [&b"x".repeat(60)[..], b"."].concat().repeat(5);
    let names: [&[u8]; 22] = [
        b"192.0.2.66",
        b"192.0.2.66.",
        b"2001:db8::66",
        b"[2001:DB8::66]",
        b"1.2.3",
        b"016.1.2.3",
        b"UPPER.Example.",
        b"under_score.example",
        b"localhost",
        b"*.example",
        b"a b.example",
        b"nul\0.example",
        b"bl\xc3\xa5b\xc3\xa6r.no",
        b"bl\xe5b\xe6r.no",
        b"host.example:443",
        b"http://url.example/",
        b"user@host.example",
        b"..",
        b"x..example",
        b"back\\slash.example",
        &[b'y'; 64],
        &long,
    ];
    for name in names {
        talks.talk(443, &[(Client, &in_records(&calling(random, name)))]);
    }
    let mut numbers = 0..;
    let mut named = |random: &mut Random, manner| {
        message(random, manner, &format!("h{}.example", numbers.next().unwrap_or(0)), &["h2", "http/1.1"])
    };
    for port in [465, 563, 636, 853, 990, 993, 995, 1433, 1521, 4433, 5061, 5671, 6514, 8333, 8443, 9001, 31_337] {
        talks.talk(port, &[(Client, &in_records(&named(random, Manner::Browser)))]);
    }
    for size in [30, 50, 333] {
        talks.talk(443, &[(Client, &records(&named(random, Manner::Library), size))]);
        talks.cut(443, size, &[(Client, &in_records(&named(random, Manner::Library)))]);
    }
    talks.cut(443, 17, &[(Client, &in_records(&message(random, Manner::Library, "seventeen.example", &[])))]);
    // The record's version means nothing (RFC 8446 section 5.1), the message's little.
    for minor in [0, 2, 3] {
        let mut stream = in_records(&named(random, Manner::Library));
        stream[2] = minor;
        talks.talk(443, &[(Client, &stream)]);
        let mut message = named(random, Manner::Library);
        message[5] = minor;
        talks.talk(443, &[(Client, &in_records(&message))]);
    }
    // An alert, a change of cipher spec in front; two hellos at once; a large one; several names in one list.
    let hello = in_records(&named(random, Manner::Library));
    talks.talk(443, &[(Client, &[&[21, 3, 1, 0, 2, 1, 0], &hello[..]].concat())]);
    let hello = in_records(&named(random, Manner::Library));
    talks.talk(443, &[(Client, &[&[20, 3, 3, 0, 1, 1], &hello[..]].concat())]);
    let large = with_extension(&named(random, Manner::Library), PADDING, &[0; 14_000]);
    talks.talk(443, &[(Client, &in_records(&large))]);
    let several: Vec<u8> = [(1, "other.kind"), (0, "first.example"), (0, "second.example")]
        .into_iter()
        .flat_map(|(kind, name)| [&[kind][..], &list(name.as_bytes())].concat())
        .collect();
    let hello = with_extension(&message(random, Manner::Library, "", &["h2"]), SERVER_NAME, &list(&several));
    talks.talk(443, &[(Client, &in_records(&hello))]);
    // Many alerts in front; two hellos in one record; a decoy; the header of a proxy in the same segment.
    let front = [21, 3, 1, 0, 2, 1, 0].repeat(20);
    talks.talk(443, &[(Client, &[&front[..], &in_records(&named(random, Manner::Library))].concat())]);
    let two = [named(random, Manner::Library), named(random, Manner::Library)];
    talks.talk(443, &[(Client, &in_records(&two.concat()))]);
    talks.talk(443, &[(Client, &two.iter().flat_map(|hello| in_records(hello)).collect::<Vec<u8>>())]);
    let header = b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n";
    talks.talk(443, &[(Client, &[&header[..], &in_records(&named(random, Manner::Library))].concat())]);
    // A server that wants another key share (RFC 8446 section 4.1.4): the client says hello again.
    let (first, again) = (named(random, Manner::Browser), named(random, Manner::Library));
    let retry = [&[22, 3, 3, 0, 4, 2, 0, 0, 0][..]].concat();
    let second = [&[20, 3, 3, 0, 1, 1][..], &in_records(&again)].concat();
    talks.talk(443, &[(Client, &in_records(&first)), (Server, &retry), (Client, &second)]);
    talks.packets
}

/// Who says what.
type Said = (super::Who, &'static [u8]);

/// Hellos after other words: of mail, directories, databases, proxies.
pub fn after_words(random: &mut Random) -> Vec<Vec<u8>> {
    let mut talks = Talks::new();
    let mail: [Said; 5] = [
        (Server, b"220 mx.example ESMTP\r\n"),
        (Client, b"EHLO client.example\r\n"),
        (Server, b"250-mx.example\r\n250 STARTTLS\r\n"),
        (Client, b"STARTTLS\r\n"),
        (Server, b"220 go ahead\r\n"),
    ];
    let ldap = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
    let rdp = b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0";
    let before: [(u16, &[Said]); 12] = [
        (25, &mail),
        (587, &mail),
        (2525, &mail),
        (143, &[(Server, b"* OK ready\r\n"), (Client, b"a1 STARTTLS\r\n"), (Server, b"a1 OK begin\r\n")]),
        (21, &[(Server, b"220 ready\r\n"), (Client, b"AUTH TLS\r\n"), (Server, b"234 go\r\n")]),
        (5432, &[(Client, b"\0\0\0\x08\x04\xd2\x16\x2f"), (Server, b"S")]),
        (389, &[(Client, ldap), (Server, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0")]),
        (3389, &[(Client, rdp), (Server, b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\0\x08\0\x02\0\0\0")]),
        (1080, &[(Client, b"\x05\x01\0"), (Server, b"\x05\0"), (Client, b"\x05\x01\0\x01\xc0\0\x02\x07\x01\xbb")]),
        (3128, &[(Client, b"CONNECT 192.0.2.66:443 HTTP/1.1\r\n\r\n"), (Server, b"HTTP/1.1 200 OK\r\n\r\n")]),
        (443, &[(Client, b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n")]),
        (4242, &[(Client, b"junk"), (Client, b"more"), (Client, b"yet more")]),
    ];
    for (place, (port, turns)) in before.into_iter().enumerate() {
        let hello = in_records(&message(random, Manner::Library, &format!("after{place}.example"), &["h2"]));
        let mut turns = turns.to_vec();
        turns.push((Client, &hello));
        talks.talk(port, &turns);
    }
    talks.packets
}

/// HTTP requests as few clients write them.
pub fn requests() -> Vec<Vec<u8>> {
    let mut talks = Talks::new();
    let heads: [&[u8]; 40] = [
        b"GET / HTTP/1.1\nHost: lf.example\n\n",
        b"GET / HTTP/1.1\r\nHost:none.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\t tab.example \t\r\n\r\n",
        b"GET / HTTP/1.1\r\nhOST: case.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\r\n folded\r\nHost: fold.example\r\n\r\n",
        b"\r\nGET / HTTP/1.1\r\nHost: line.example\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: ten.example\r\n\r\n",
        b"GET / HTTP/1.1 \r\nHost: space.example\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: spaces.example\r\n\r\n",
        b"GET ?query HTTP/1.1\r\nHost: query.example\r\n\r\n",
        b"GET .dot HTTP/1.1\r\nHost: dot.example\r\n\r\n",
        b"GET relative HTTP/1.1\r\nHost: relative.example\r\n\r\n",
        b"GET //double.example/x HTTP/1.1\r\nHost: single.example\r\n\r\n",
        b"GET http://absolute.example/x HTTP/1.1\r\nHost: other.example\r\n\r\n",
        b"GET http://user@absolute.example:81/x HTTP/1.1\r\n\r\n",
        b"GET ftp://files.example/x HTTP/1.1\r\nHost: proxy.example\r\n\r\n",
        b"GET /?u=http://query.example/ HTTP/1.1\r\nHost: real.example\r\n\r\n",
        b"CONNECT tunnel.example:443 HTTP/1.1\r\nHost: other.example\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: star.example\r\n\r\n",
        b"PROPFIND / HTTP/1.1\r\nHost: dav.example\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: lower.example\r\n\r\n",
        b"ODD / HTTP/1.1\r\nHost: method.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 192.0.2.66\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [2001:db8::66]:80\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 2001:db8::66\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: port.example:\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: port.example:abc\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: user@host.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: one.example,two.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: http://url.example/\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: bl\xc3\xa5b.no\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: bl\xe5b.no\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: dot.example.\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: under_score.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX-Host: a.example\r\nHost: b.example\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: body.example\r\nContent-Length: 5\r\n\r\nhello",
        b"GET / HTTP/1.1\r\nX: \0\x01\x02\r\nHost: binary.example\r\n\r\n",
    ];
    let answer: (super::Who, &[u8]) = (Server, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    for head in heads {
        talks.talk(80, &[(Client, head), answer]);
    }
    for port in [22, 81, 443, 3128, 5985, 8000, 8080, 8888, 31_337] {
        let head = format!("GET / HTTP/1.1\r\nHost: port{port}.example\r\n\r\n");
        talks.talk(port, &[(Client, head.as_bytes()), answer]);
    }
    let coded = b"POST / HTTP/1.1\r\nHost: chunks.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let behind = b"GET / HTTP/1.1\r\nHost: behind.example\r\n\r\n";
    talks.talk(80, &[(Client, &[&coded[..], behind].concat()), answer]);
    for each in [3, 11] {
        talks.cut(80, each, &[(Client, b"GET / HTTP/1.1\r\nHost: cut.example\r\n\r\n"), answer]);
    }
    talks.packets
}

/// What looks like what is told, and is not: DTLS, HTTP/2 by prior knowledge, discovery over UDP.
pub fn not_for_us(random: &mut Random) -> Vec<Vec<u8>> {
    let mut talks = Talks::new();
    let settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    talks.talk(80, &[(Client, settings)]);
    let hello = message(random, Manner::Library, "datagram.example", &[]);
    // A DTLS handshake message (RFC 6347 section 4.2.2): a cookie behind the session, fragment and sequence numbers.
    let mut body = hello[4..].to_vec();
    let behind_session = 35 + usize::from(body[34]);
    body.insert(behind_session, 0);
    body[..2].copy_from_slice(&[0xfe, 0xfd]);
    let length = &(body.len() as u32).to_be_bytes()[1..];
    let fragment = [&[1][..], length, &[0, 0, 0, 0, 0], length, &body].concat();
    for (minor, port) in [(0xff, 443), (0xfd, 4433), (0xfd, 5684)] {
        let (client, server) = talks.ends(port);
        let datagram = [&[22, 0xfe, minor, 0, 0, 0, 0, 0, 0, 0, 0][..], &list(&fragment)].concat();
        talks.packets.push(packet::udp(client, server, &datagram));
    }
    for (port, text) in [(1900, "M-SEARCH * HTTP/1.1\r\n"), (1900, "NOTIFY * HTTP/1.1\r\n"), (80, "GET / HTTP/1.1\r\n")]
    {
        let (client, server) = talks.ends(port);
        talks.packets.push(packet::udp(client, server, format!("{text}Host: datagram.example\r\n\r\n").as_bytes()));
    }
    let (client, server) = talks.ends(443);
    talks.packets.push(packet::udp(client, server, &in_records(&hello)));
    talks.packets
}
