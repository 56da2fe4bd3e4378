//! Lies in DNS messages: names, pointers, counts, lengths, each over UDP and TCP, IPv4 and IPv6.

use super::{Case, Expect, datagram, stream};
use crate::random::Random;
use crate::traffic::dns::{Answer, Data, Question, name_octets, over_tcp, query, rcode, response};

fn header(flags: u16, counts: [u16; 4]) -> Vec<u8> {
    [0x4242, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes).collect()
}

/// A query whose name is these octets.
fn asking(name: &[u8]) -> Vec<u8> {
    [&header(0x0100, [1, 0, 0, 0])[..], name, &[0, 1, 0, 1]].concat()
}

/// A response to `a.no` with these records' octets.
fn answering(count: u16, records: &[u8]) -> Vec<u8> {
    [&header(0x8180, [1, count, 0, 0])[..], &[1, b'a', 2, b'n', b'o', 0, 0, 1, 0, 1], records].concat()
}

fn labels(count: usize, length: usize) -> Vec<u8> {
    let label = [&[length as u8][..], &vec![b'x'; length]].concat();
    [label.repeat(count), vec![0]].concat()
}

fn record(owner: &[u8], rtype: u16, data: &[u8]) -> Vec<u8> {
    [owner, &rtype.to_be_bytes(), &[0, 1, 0, 0, 1, 0], &(data.len() as u16).to_be_bytes(), data].concat()
}

/// A staircase: each name is one label and a pointer to the one before; the last is the CNAME's target.
fn staircase(steps: usize) -> Vec<u8> {
    // The stairs lie in the data of a NULL record, which nobody reads as a name.
    let start = 12 + 10 + 12;
    let mut stairs = vec![1, b's', 0];
    for step in 1..steps {
        let before = start + if step == 1 { 0 } else { 3 + (step - 2) * 4 };
        stairs.extend_from_slice(&[1, b's', 0xc0 | (before >> 8) as u8 & 0x3f, before as u8]);
    }
    let last = start + if steps <= 1 { 0 } else { 3 + (steps - 2) * 4 };
    let pointer = [0xc0 | (last >> 8) as u8 & 0x3f, last as u8];
    let records = [record(&[0xc0, 12], 10, &stairs), record(&[0xc0, 12], 5, &pointer)].concat();
    answering(2, &records)
}

/// Messages and what must come of them.
fn messages() -> Vec<(String, Vec<u8>, Expect)> {
    let mut all: Vec<(String, Vec<u8>, Expect)> = Vec::new();
    let mut add = |name: &str, octets: Vec<u8>, expect| all.push((name.to_owned(), octets, expect));
    let backwards = Expect::Refused("dns_pointer_not_backwards");
    add("pointer to itself", asking(&[0xc0, 12]), backwards);
    add("pointer forwards", asking(&[0xc0, 14, 0]), backwards);
    add("two pointers in a circle", asking(&[0xc0, 14, 0xc0, 12]), backwards);
    add("pointer into the header", asking(&[1, b'a', 0xc0, 4]), Expect::Accounted);
    add("pointer into the middle of a label", asking(&[3, 1, b'b', 0, 0xc0, 13]), Expect::Accounted);
    add("label type 0x40", asking(&[0x41, b'a', 0]), Expect::Refused("dns_label_type"));
    add("label type 0x80", asking(&[0x81, b'a', 0]), Expect::Refused("dns_label_type"));
    add("label of 63", asking(&labels(1, 63)), Expect::Messages(1));
    add("label of 64", asking(&labels(1, 64)), Expect::Refused("dns_label_type"));
    add("127 labels", asking(&labels(127, 1)), Expect::Messages(1));
    add("128 labels", asking(&labels(128, 1)), Expect::Refused("dns_name_too_long"));
    let longest = [labels(3, 63)[..192].to_vec(), labels(1, 61)].concat();
    add("name of 255", asking(&longest), Expect::Messages(1));
    let too_long = [labels(3, 63)[..192].to_vec(), labels(1, 62)].concat();
    add("name of 256", asking(&too_long), Expect::Refused("dns_name_too_long"));
    add("root", asking(&[0]), Expect::Messages(1));
    add("binary label", asking(&[4, 0, 0xff, b'.', 1, 0]), Expect::Messages(1));
    add("label of NULs", asking(&[3, 0, 0, 0, 2, b'n', b'o', 0]), Expect::Messages(1));
    add("mixed case", asking(&name_octets("eVIl.ExAMPle.No")), Expect::Messages(1));
    add("broken punycode", asking(&name_octets("xn--zzzzzzz--.no")), Expect::Messages(1));
    add("name that never ends", asking(&[63; 40])[..40].to_vec(), Expect::Refused("dns_cut_short"));
    for questions in [2u16, 255, 65_535] {
        let octets = [header(0x0100, [questions, 0, 0, 0]), name_octets("a.no"), vec![0, 1, 0, 1]].concat();
        add(&format!("{questions} questions announced"), octets, Expect::Messages(1));
    }
    add("no question", header(0x0100, [0, 0, 0, 0]), Expect::Refused("dns_no_question"));
    for opcode in 1..16u16 {
        let octets = [header(opcode << 11, [1, 0, 0, 0]), name_octets("a.no"), vec![0, 1, 0, 1]].concat();
        add(&format!("opcode {opcode}"), octets, Expect::Refused("dns_other_opcode"));
    }
    for counts in [[1, 65_535, 0, 0], [1, 0, 65_535, 0], [1, 0, 0, 65_535], [1, 65_535, 65_535, 65_535]] {
        let octets = [header(0x8180, counts), name_octets("a.no"), vec![0, 1, 0, 1]].concat();
        add(&format!("counts {counts:?} and nothing"), octets, Expect::Messages(1));
    }
    let whole = query(Question { id: 1, name: "www.example.no", qtype: 1 });
    for length in 0..whole.len() {
        add(&format!("query cut at {length}"), whole[..length].to_vec(), Expect::Refused("dns_cut_short"));
    }
    for steps in [2, 16, 127, 128, 129, 500, 2_000, 4_000] {
        add(&format!("staircase of {steps}"), staircase(steps), Expect::Messages(1));
    }
    // Thousands of names, each as far from its end as the rules allow.
    let high = [record(&[0xc0, 12], 10, &[&labels(120, 1)[..]].concat())].concat();
    let many: Vec<u8> = (0..3_000).flat_map(|_| record(&[0xc0, 34], 5, &[0xc0, 34])).collect();
    add("3,000 long names", answering(3_001, &[high, many].concat()), Expect::Messages(1));
    let addresses: Vec<u8> = (0..3_500u32).flat_map(|n| record(&[0xc0, 12], 1, &n.to_be_bytes())).collect();
    add("3,500 addresses", answering(3_500, &addresses), Expect::Messages(1));
    for (name, data) in [("empty", &[][..]), ("short", &[1, 2, 3]), ("long", &[1, 2, 3, 4, 5])] {
        add(&format!("A record, {name}"), answering(1, &record(&[0xc0, 12], 1, data)), Expect::Messages(1));
        add(&format!("AAAA record, {name}"), answering(1, &record(&[0xc0, 12], 28, data)), Expect::Messages(1));
        add(&format!("HTTPS record, {name}"), answering(1, &record(&[0xc0, 12], 65, data)), Expect::Messages(1));
    }
    let overlong = [&[0xc0, 12][..], &[0, 5, 0, 1, 0, 0, 0, 0, 0xff, 0xff], &[1, b'b', 0]].concat();
    add("record longer than the message", answering(1, &overlong), Expect::Messages(1));
    add("CNAME with something behind", answering(1, &record(&[0xc0, 12], 5, &[1, b'b', 0, 9, 9])), Expect::Messages(1));
    add("CNAME to itself", answering(1, &record(&[0xc0, 12], 5, &[0xc0, 12])), Expect::Messages(1));
    add("pointer in an unknown type", answering(1, &record(&[0xc0, 12], 999, &[0xc0, 0xff])), Expect::Messages(1));
    let option = [&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0xea, 0x60][..], &vec![0; 60_000]].concat();
    let edns = [&header(0x0100, [1, 0, 0, 1])[..], &name_octets("a.no"), &[0, 1, 0, 1], &option].concat();
    add("EDNS option of 60,000", edns, Expect::Messages(1));
    let twice: Vec<u8> = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0].repeat(200);
    let repeated = [&header(0x0100, [1, 0, 0, 200])[..], &name_octets("a.no"), &[0, 1, 0, 1], &twice].concat();
    add("OPT two hundred times", repeated, Expect::Messages(1));
    for key in 0..12u16 {
        let parameter = [&[0, 1, 0][..], &key.to_be_bytes(), &[0xff, 0xff, 1, 2, 3]].concat();
        add(
            &format!("HTTPS parameter {key} too long"),
            answering(1, &record(&[0xc0, 12], 65, &parameter)),
            Expect::Messages(1),
        );
    }
    all
}

/// Well-formed messages of several kinds, to be bent by others.
pub fn valid(random: &mut Random) -> Vec<Vec<u8>> {
    let name = crate::bulk::names::ordinary(random);
    let question = Question { id: random.next_u16(), name: &name, qtype: 1 };
    let alias = Answer { name: name.clone(), ttl_s: 60, data: Data::Cname(crate::bulk::names::ordinary(random)) };
    let address = Answer { name: name.clone(), ttl_s: 60, data: Data::A([192, 0, 2, 1].into()) };
    vec![
        query(question),
        response(question, rcode::NOERROR, &[alias, address]),
        response(question, rcode::NXDOMAIN, &[]),
    ]
}

/// Every message over UDP and TCP, and what only a stream can do.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut port = 10_000u16;
    let mut next = || {
        port += 1;
        port
    };
    for (name, octets, expect) in messages() {
        for v6 in [false, true] {
            if octets.len() < 65_000 {
                cases.push(Case::one(format!("{name}, UDP, v6 {v6}"), datagram(v6, next(), &octets), expect));
            }
        }
        // Over TCP what is no message may be where a stream was joined: refused or given up, but bounded.
        let expect = if matches!(expect, Expect::Messages(_)) { expect } else { Expect::Accounted };
        for each in [1_400, 7] {
            if octets.len() <= 65_535 {
                let frames = stream(each == 7, next(), &over_tcp(&octets), each);
                cases.push(Case { name: format!("{name}, TCP by {each}"), frames, expect });
            }
        }
    }
    let whole = query(Question { id: 7, name: "tcp.example.no", qtype: 1 });
    let framed = over_tcp(&whole);
    cases.push(Case {
        name: "one octet a segment".into(),
        frames: stream(false, next(), &framed, 1),
        expect: Expect::Messages(1),
    });
    let two = framed.repeat(2);
    cases.push(Case {
        name: "two messages a segment".into(),
        frames: stream(false, next(), &two, 1_400),
        expect: Expect::Messages(2),
    });
    let many = framed.repeat(40);
    cases.push(Case {
        name: "forty messages a segment".into(),
        frames: stream(true, next(), &many, 1_440),
        expect: Expect::Messages(40),
    });
    for length in [0u16, 1, 11, 12, 0xffff] {
        let octets = [&length.to_be_bytes()[..], &whole].concat();
        cases.push(Case {
            name: format!("length prefix {length}"),
            frames: stream(false, next(), &octets, 50),
            expect: Expect::Accounted,
        });
    }
    let largest = over_tcp(&[&whole[..], &vec![0; 65_535 - whole.len()]].concat());
    cases.push(Case {
        name: "65,535 by one octet".into(),
        frames: stream(false, next(), &largest, 1),
        expect: Expect::Accounted,
    });
    cases.push(Case {
        name: "65,535 by 1,400".into(),
        frames: stream(false, next(), &largest, 1_400),
        expect: Expect::Messages(1),
    });
    cases
}
