//! DNS messages as few programs write them: odd labels, pointers, counts, classes, lengths; over UDP and TCP.

use std::net::SocketAddr;

use super::Talks;
use super::Who::{Client, Server};
use crate::traffic::packet;

/// The question's name, compressed.
const POINTER: [u8; 2] = [0xc0, 12];
const RESPONSE: u16 = 0x8180;
const QUERY: u16 = 0x0100;

fn name(labels: &[&[u8]]) -> Vec<u8> {
    let mut octets: Vec<u8> = labels.iter().flat_map(|label| [&[label.len() as u8][..], label].concat()).collect();
    octets.push(0);
    octets
}

fn message(id: u16, flags: u16, counts: [u16; 4], name: &[u8], (qtype, class): (u16, u16), behind: &[u8]) -> Vec<u8> {
    let numbers = [id, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes);
    numbers
        .chain(name.iter().copied())
        .chain([qtype, class].into_iter().flat_map(u16::to_be_bytes))
        .chain(behind.iter().copied())
        .collect()
}

fn query(id: u16, name: &[u8]) -> Vec<u8> {
    message(id, QUERY, [1, 0, 0, 0], name, (1, 1), &[])
}

fn record(owner: &[u8], (rtype, class): (u16, u16), data: &[u8]) -> Vec<u8> {
    let fixed = [rtype.to_be_bytes(), class.to_be_bytes(), [0, 0], [0, 60], (data.len() as u16).to_be_bytes()].concat();
    [owner, &fixed, data].concat()
}

fn response(id: u16, name: &[u8], records: &[Vec<u8>]) -> Vec<u8> {
    message(id, RESPONSE, [1, records.len() as u16, 0, 0], name, (1, 1), &records.concat())
}

fn address(last: u8) -> Vec<u8> {
    record(&POINTER, (1, 1), &[192, 0, 2, last])
}

fn odd_names() -> Vec<Vec<u8>> {
    let (long, rest) = ([b'l'; 63], [b'l'; 61]);
    let of = |first: &[u8]| name(&[first, b"example"]);
    let firsts: [&[u8]; 20] = [
        b"bl\xc3\xa5b\xc3\xa6r",
        b"bl\xe5b\xe6r",
        b"a.b",
        b"a..b",
        b".",
        b"a\\b",
        b"\\046x",
        b"a b",
        b"a\"b",
        b"\0\x01\x02",
        b"\xff\xfe",
        b"*",
        b"_dmarc",
        b"a@b;c$",
        b"UPPER",
        b"a&b<c>",
        b"tab\t\n",
        b"%41",
        b"-",
        b"\x7f",
    ];
    let mut names: Vec<Vec<u8>> = firsts.into_iter().map(of).collect();
    names.extend([name(&[]), name(&[b"<Root>"]), name(&[&long, &long, &long, &rest]), name(&[&b"x"[..]; 127])]);
    names
}

/// Messages over UDP.
pub fn datagrams() -> Vec<Vec<u8>> {
    let (mut queries, mut responses) = (Vec::new(), Vec::new());
    for (id, name) in (100..).zip(odd_names()) {
        queries.push(query(id, &name));
        responses.push(response(id, &name, &[record(&POINTER, (5, 1), &name), address(9)]));
    }
    let plain = |label: &[u8]| name(&[label, b"example"]);
    // Names that are none: pointers ahead, to themselves, into the header; labels of other types; too long.
    let none: [&[u8]; 7] = [
        b"\xc0\x0c",
        b"\x03www\xc0\x0c",
        b"\x03www\xc0\x00",
        b"\x03www\xc0\xff",
        b"\x03www\x41\x01",
        b"\x03www\x80\x01",
        b"\x03ww",
    ];
    queries.extend((200..).zip(none).map(|(id, name)| query(id, name)));
    queries.push(query(210, &name(&[&[b'z'; 63][..]; 4])));
    // EDNS, cut and whole; counts that lie; other classes and opcodes; octets behind the end.
    let edns = [&[0, 0, 41][..], &[16, 0, 1, 0, 0, 0, 0, 0]].concat();
    queries.push(message(220, QUERY, [1, 0, 0, 1], &plain(b"edns"), (1, 1), &edns));
    queries.push(message(221, QUERY, [1, 0, 0, 1], &plain(b"cut"), (1, 1), &edns[..3]));
    queries.push(message(
        222,
        QUERY,
        [2, 0, 0, 0],
        &plain(b"two"),
        (1, 1),
        &[plain(b"second"), vec![0, 1, 0, 1]].concat(),
    ));
    queries.push(message(223, QUERY, [65_535, 0, 0, 0], &plain(b"many"), (1, 1), &[]));
    queries.push(message(224, QUERY, [1, 0, 0, 0], &plain(b"chaos"), (16, 3), &[]));
    queries.push(message(225, QUERY, [1, 0, 0, 0], &plain(b"any"), (255, 255), b"behind"));
    queries
        .extend((1..16u16).map(|code| message(230 + code, code << 11, [1, 0, 0, 0], &plain(b"opcode"), (1, 1), &[])));
    queries.extend([vec![], vec![0; 5], vec![0; 12], vec![0; 40], vec![0xff; 40]]);
    responses.push(response(250, &plain(b"class"), &[record(&POINTER, (1, 3), &[192, 0, 2, 1]), address(2)]));
    responses.push(message(251, RESPONSE, [1, 9, 0, 0], &plain(b"fewer"), (1, 1), &address(3)));
    responses.push(message(252, 0x8183, [1, 0, 0, 0], &plain(b"nxdomain"), (1, 1), &[]));
    responses.push(message(253, 0x8380, [1, 0, 0, 0], &plain(b"truncated"), (1, 1), &[]));
    responses.push(response(
        254,
        &plain(b"chain"),
        &[
            record(&POINTER, (5, 1), &[&b"\x03cdn"[..], &POINTER].concat()),
            record(b"\xc0\x2b", (5, 1), &plain(b"end")),
            record(&plain(b"end"), (28, 1), &[0x20; 16]),
        ],
    ));
    let many: Vec<Vec<u8>> = (0..64).map(address).collect();
    responses.push(response(255, &plain(b"sixty-four"), &many));
    // Of two answers to one question the second is told as well, of two that are equal one is.
    responses.push(response(256, &plain(b"forged"), &[address(1)]));
    responses.push(response(256, &plain(b"forged"), &[address(2)]));
    responses.push(response(256, &plain(b"forged"), &[address(2)]));
    let others: [(u16, u16, &[u8]); 5] =
        [(39, 1, b"\x01a\0"), (15, 1, b"\0\x05\x01m\0"), (16, 1, b"\x03txt"), (99, 1, b""), (257, 1, b"\0\x05issuex")];
    let others: Vec<Vec<u8>> =
        others.iter().map(|(rtype, class, data)| record(&POINTER, (*rtype, *class), data)).collect();
    responses.push(response(257, &plain(b"others"), &[others, vec![address(4)]].concat()));
    let server = SocketAddr::from(([192, 0, 2, 53], 53));
    let client = |place: usize| SocketAddr::from(([10, 40, 0, 6], 42_000 + place as u16));
    let asked = queries.iter().enumerate().map(|(place, octets)| packet::udp(client(place), server, octets));
    let answered = responses.iter().enumerate().map(|(place, octets)| packet::udp(server, client(500 + place), octets));
    asked.chain(answered).collect()
}

/// Messages over TCP, with lengths that fit and that do not.
pub fn over_tcp() -> Vec<Vec<u8>> {
    let mut talks = Talks::new();
    let framed = |octets: &[u8]| [&(octets.len() as u16).to_be_bytes()[..], octets].concat();
    let mut numbers = 1u16..;
    let mut ask = || {
        let id = numbers.next().unwrap_or(0);
        framed(&query(id, &name(&[format!("t{id}").as_bytes(), b"example"])))
    };
    talks.talk(53, &[(Client, &ask())]);
    for each in [1, 2, 7] {
        talks.cut(53, each, &[(Client, &ask())]);
    }
    talks.talk(53, &[(Client, &[ask(), ask(), ask()].concat())]);
    talks.cut(53, 50, &[(Client, &[ask(), ask(), ask()].concat())]);
    for front in [&[0, 0][..], &[0, 1, b'x'], &framed(&[0; 11]), &framed(&[0xff; 200])] {
        talks.talk(53, &[(Client, &[front, &ask()].concat())]);
    }
    // A zone in several messages (RFC 5936): each answers the one question.
    let zone = name(&[b"zone", b"example"]);
    let part = |part: u8| {
        let records: Vec<Vec<u8>> = (0..60).map(|host| record(&POINTER, (1, 1), &[10, 9, part, host])).collect();
        framed(&message(900, RESPONSE, [1, 60, 0, 0], &zone, (252, 1), &records.concat()))
    };
    let asked = framed(&message(900, QUERY, [1, 0, 0, 0], &zone, (252, 1), &[]));
    talks.talk(53, &[(Client, &asked), (Server, &[part(1), part(2), part(3)].concat())]);
    talks.packets
}
