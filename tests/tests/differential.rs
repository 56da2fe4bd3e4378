//! Promise: `tests/differential.sh` finds nothing that the agent and tshark see otherwise without a reason: lookups, answers,
//! hellos and hosts through every tunnel, in fragments, over every transport, and in odd captures; and it tells what differs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use varde_common::time::Timestamp;
use varde_tests::capture::{self, Format};
use varde_tests::odd::{self, Frame};
use varde_tests::programs::{Said, Which, run, said, workspace};
use varde_tests::random::Random;
use varde_tests::sealed::every;
use varde_tests::seen::{Response, ours_of};
use varde_tests::seldom::{self, dialects, files};
use varde_tests::traffic::dns::{self, Answer, Data, Question, rtype};
use varde_tests::traffic::municipality::{Mix, Municipality, ordinary};
use varde_tests::traffic::packet::{self, Segment, flag};
use varde_tests::traffic::tunnel::{Wrapping, teredo};
use varde_tests::traffic::{Outcome, Packet, Traffic};

const START: Timestamp = Timestamp(1_763_733_900_000_000);
/// Odd captures of which `tests/run` has the time; `odd-captures` writes as many as wanted.
const ODD_CAPTURES: u64 = 10;

/// Runs tests/differential.sh; gives whether it found no difference without a reason, what it said, and how much it
/// compared.
fn differential(place: &Path) -> Result<(bool, String, u64)> {
    let mut command = Command::new(workspace().join("tests/differential.sh"));
    command.arg(place).env("VARDE_AGENT", Which::Agent.path()?);
    let said = said(&mut command)?;
    let total = said.out.lines().last().unwrap_or_default();
    let words: Vec<&str> = total.split_whitespace().collect();
    let compared = words.iter().position(|&word| word == "compared,").and_then(|at| words.get(at.checked_sub(1)?));
    let compared = compared.with_context(|| format!("no total: {}{}", said.out, said.err))?.parse()?;
    let bar = format!(" files, {compared} compared, ");
    let bar = said.out.lines().find(|line| line.starts_with("B10 ") && line.contains(&bar)).context("no line B10")?;
    let is_met = bar.contains(" 0 differences without a reason, 0 crashes");
    ensure!(is_met == (said.code == Some(0)), "what is left with says one thing, {bar} another");
    Ok((said.code == Some(0), said.out, compared))
}

#[test]
fn through_every_tunnel_the_same_is_seen_as_without_and_tshark_agrees() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (plain_folder, folder) = (tempfile::tempdir()?, folder.path());
    let (mut plain, mut wrapped) = (Vec::new(), Vec::new());
    let start = Timestamp(1_763_733_900_000_000);
    let mix = Mix { clients: 4, actions: 25, span: Duration::from_secs(60) };
    for (number, wrapping) in (20u8..).zip(Wrapping::ALL) {
        let traffic = ordinary(Municipality { number }, start, mix, &mut Random::seeded(number.into()));
        for Packet { time_ns, ip, .. } in &traffic.packets {
            plain.push((*time_ns, Wrapping::None.frame(ip)));
            wrapped.push((*time_ns, wrapping.frame(ip)));
        }
    }
    let question = Question { id: 77, name: "www.teredo.example", qtype: rtype::AAAA };
    let (client, server) = ("[2001:0:c633:6402::1]:40000".parse()?, "[2001:db8::53]:53".parse()?);
    let mut traffic = Traffic::starting(start);
    traffic.lookup(client, server, question, &Outcome::address("www.teredo.example", "2001:db8::7".parse()?));
    for (at, Packet { time_ns, ip, .. }) in traffic.packets.iter().enumerate() {
        plain.push((*time_ns, Wrapping::None.frame(ip)));
        wrapped.push((*time_ns, teredo(ip, at == 1)));
    }
    plain.sort_by_key(|frame| frame.0);
    wrapped.sort_by_key(|frame| frame.0);
    let expected = ours_of(plain_folder.path(), "plain", &plain)?;
    ensure!(expected.responses.len() > 100 && expected.conversations.len() > 200, "the capture is too thin");
    let mut seen = ours_of(folder, "wrapped", &wrapped)?;
    // The tunnels' own ends are conversations too: twice GRE and one each of what is in UDP, IP in IP of both kinds.
    let (inside, around): (BTreeMap<_, _>, BTreeMap<_, _>) =
        seen.conversations.into_iter().partition(|(ends, _)| !is_a_tunnels(&ends.0));
    seen.conversations = inside;
    assert_eq!(seen, expected);
    let protocols: BTreeSet<&str> = around.keys().map(|ends| ends.2.as_str()).collect();
    assert_eq!(protocols, BTreeSet::from(["4", "41", "47", "udp"]), "{around:?}");
    let outermost: u64 = around.values().map(|sums| sums.0).sum();
    ensure!(outermost as usize > wrapped.len() / 2, "each packet in a tunnel counts in the tunnel's flow: {outermost}");
    let (agrees, output, compared) = differential(folder)?;
    assert!(agrees && compared > 300, "{output}");
    Ok(())
}

/// Whether an end of a conversation is one that [`Wrapping`] gives its tunnels.
fn is_a_tunnels(end: &str) -> bool {
    end.starts_with("198.51.100.") || end.starts_with("2001:db8:ffff::")
}

/// Sixty addresses: too much for one fragment.
fn long_outcome(name: &str) -> Outcome {
    let answer = |last: u8| Answer { name: name.to_owned(), ttl_s: 60, data: Data::A([192, 0, 2, last].into()) };
    Outcome::Answers((1..=60).map(answer).collect())
}

#[test]
fn fragments_and_segments_in_any_order_give_their_messages_and_tshark_agrees() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut traffic = Traffic::starting(Timestamp(1_763_733_900_000_000));
    let mut frames = Vec::new();
    for (id, (client, server)) in
        (1u16..).zip([("10.20.0.5:40000", "192.0.2.53:53"), ("[fd00::5]:40000", "[2001:db8::53]:53")])
    {
        for (turn, order) in (0u16..).zip(["forwards", "backwards", "twice"]) {
            let name = format!("{order}{id}.example");
            let question = Question { id: 10 * id + turn, name: &name, qtype: rtype::A };
            traffic.packets.clear();
            traffic.lookup(client.parse()?, server.parse()?, question, &long_outcome(&name));
            let [query, response] = traffic.packets.as_slice() else { panic!("a query and its response") };
            let mut parts = packet::fragments(&response.ip, 400, question.id);
            if parts.len() == 1 {
                parts = packet::fragments_v6(&response.ip, 400, question.id.into());
            }
            assert!(parts.len() > 2);
            match order {
                "backwards" => parts.reverse(),
                "twice" => parts = parts.iter().flat_map(|part| [part.clone(), part.clone()]).collect(),
                _ => {}
            }
            frames.push((query.time_ns, Wrapping::None.frame(&query.ip)));
            frames.extend(parts.iter().map(|part| (response.time_ns, Wrapping::None.frame(part))));
        }
    }
    // Over TCP: three messages in one segment; then one in two segments, the later first; then all of it again.
    let (client, server) = ("10.20.0.6:41000".parse()?, "192.0.2.53:53".parse()?);
    let message =
        |id: u16| dns::over_tcp(&dns::query(Question { id, name: &format!("m{id}.example"), qtype: rtype::A }));
    let three = [message(1), message(2), message(3)].concat();
    let fourth = message(4);
    let (front, back) = fourth.split_at(9);
    let place = |after: usize| 1001 + after as u32;
    let send = |frames: &mut Vec<(u64, Vec<u8>)>, time_ns: u64, sequence: u32, flags: u8, data: &[u8]| {
        let segment = Segment { sequence, acknowledgement: 1, flags };
        frames.push((time_ns, Wrapping::None.frame(&packet::tcp(client, server, segment, data))));
    };
    let now = traffic.now_ns;
    send(&mut frames, now, 1000, flag::SYN, &[]);
    send(&mut frames, now + 1_000_000, place(0), flag::ACK, &three);
    send(&mut frames, now + 2_000_000, place(three.len() + front.len()), flag::ACK, back);
    send(&mut frames, now + 3_000_000, place(three.len()), flag::ACK, front);
    send(&mut frames, now + 300_000_000, place(0), flag::ACK, &three);
    send(&mut frames, now + 301_000_000, place(three.len()), flag::ACK, &fourth);
    let seen = ours_of(folder.path(), "fragments", &frames)?;
    let answers: Vec<usize> = seen.responses.keys().map(|response| response.3.len()).collect();
    assert_eq!(answers, [60; 6]);
    let asked: BTreeSet<&str> = seen.silent.iter().map(|lookup| lookup.3.as_str()).collect();
    assert_eq!(asked, BTreeSet::from(["m1.example", "m2.example", "m3.example", "m4.example"]));
    let (agrees, output, compared) = differential(folder.path())?;
    assert!(agrees && compared == 6 + 360 + 4, "{output}");
    Ok(())
}

#[test]
fn service_bindings_are_told_with_their_hints() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (client, server) = ("10.20.0.5:40000".parse()?, "192.0.2.53:53".parse()?);
    let question = Question { id: 7, name: "www.example", qtype: rtype::HTTPS };
    let mut response = dns::response(question, dns::rcode::NOERROR, &[]);
    response[7] = 2;
    let target = dns::name_octets("svc.example");
    let alias = [&[0, 0][..], &target].concat();
    let hints = [&[0, 1, 0][..], &[0, 1, 0, 3, 2, b'h', b'2'], &[0, 4, 0, 4, 192, 0, 2, 9]].concat();
    for data in [alias, hints] {
        response.extend([0xc0, 12, 0, 65, 0, 1, 0, 0, 0, 60]);
        response.extend((data.len() as u16).to_be_bytes());
        response.extend(data);
    }
    let frames = [packet::udp(client, server, &dns::query(question)), packet::udp(server, client, &response)]
        .map(|ip| (1_763_733_900_000_000_000, Wrapping::None.frame(&ip)));
    let seen = ours_of(folder.path(), "service", &frames)?;
    let told: Vec<&Response> = seen.responses.keys().collect();
    let [(_, qtype, rcode, answers)] = told.as_slice() else { panic!("one response: {told:?}") };
    let https = |data: &str| ("HTTPS".to_owned(), 60, data.to_owned());
    assert_eq!((qtype.as_str(), rcode.as_str()), ("HTTPS", "NOERROR"));
    assert_eq!(answers, &[https("svc.example"), https("192.0.2.9")]);
    let (agrees, output, _) = differential(folder.path())?;
    assert!(agrees, "{output}");
    Ok(())
}

/// Frames as a file.
fn write(file: &Path, frames: &[Frame]) -> Result<()> {
    let records =
        frames.iter().map(|frame| Format::USUAL.record_of(frame.time_ns, &frame.octets, frame.on_the_wire, 0));
    let octets = [vec![Format::USUAL.header()], records.collect()].concat().concat();
    std::fs::write(file, octets).with_context(|| format!("cannot write {}", file.display()))
}

#[test]
fn hellos_and_hosts_equal_tsharks_through_every_tunnel() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut frames = Vec::new();
    for (number, wrapping) in (20u8..).zip(Wrapping::ALL) {
        frames.extend(odd::greetings(&mut Random::seeded(number.into()), wrapping, number, false)?);
    }
    write(&folder.path().join("tunnels"), &frames)?;
    let (agrees, output, compared) = differential(folder.path())?;
    // Both families, forty connections each with a name of its own.
    assert!(agrees && compared >= 20 * 2 * 40, "{output}");
    assert!(output.contains(" 0 differ without a reason"), "{output}");
    Ok(())
}

#[test]
fn hellos_and_hosts_equal_tsharks_in_fragments() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for (number, wrapping) in (1u8..).zip([Wrapping::None, Wrapping::Gre, Wrapping::Vxlan, Wrapping::GtpU]) {
        let frames = odd::greetings(&mut Random::seeded(number.into()), wrapping, number, true)?;
        write(&folder.path().join(format!("{wrapping:?}")), &frames)?;
    }
    let (agrees, output, compared) = differential(folder.path())?;
    assert!(agrees && compared >= 4 * 2 * 40, "{output}");
    Ok(())
}

#[test]
fn in_odd_captures_nothing_differs_without_a_reason() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for number in 0..ODD_CAPTURES {
        std::fs::write(folder.path().join(number.to_string()), odd::capture(number)?)?;
    }
    let (agrees, output, compared) = differential(folder.path())?;
    assert!(agrees && compared > 200, "{output}");
    Ok(())
}

/// Why tshark and the agent may see otherwise what is seldom, and how often each may be said of [`seldom::captures`].
const EXCUSES: [(&str, u64); 22] = [
    ("tshark finds it only when told to go by content before ports", 20),
    ("tshark finds it only without putting packets together", 4),
    ("tshark reads another protocol at this port, or before it in the stream", 4),
    ("tshark does not know the request's method", 4),
    ("tshark does not open this version of QUIC", 4),
    ("tshark does not join what Google's QUIC says in several packets", 2),
    ("tshark reads the line of the request and no Host field behind it", 2),
    ("the request line names no version of HTTP/1 (RFC 9112 section 2.3)", 2),
    ("another hello to the same QUIC connection id came before it: tshark finds it once that is left out", 2),
    ("behind 32 QUIC packets that tell no hello", 1),
    ("tshark takes no record of this version for TLS", 2),
    ("a Host field that goes on in the next line (RFC 9112 section 5.2): tshark reads its first line", 1),
    ("a second Host field behind an empty one: tshark reads the first", 1),
    ("data in a segment with RST: tshark reads no words in it", 1),
    ("it comes in a segment that says something else than one before it at the same place", 1),
    ("behind more than 16 IPv6 extension headers", 1),
    ("the frame is cut short", 20),
    ("a frame of it is cut short", 20),
    ("an address of another class than IN", 2),
    ("a name with a compression pointer that loops", 4),
    ("a name of more than 255 octets (RFC 1035 section 2.3.4)", 2),
    ("a label of a type that no name has any more (RFC 6891 section 5)", 2),
];

/// Holds captures against tshark's view of them; differences have one of [`EXCUSES`].
fn seen_alike(captures: impl IntoIterator<Item = (String, Vec<u8>)>, least: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    for (name, octets) in captures {
        std::fs::write(folder.path().join(name), octets)?;
    }
    let (agrees, output, compared) = differential(folder.path())?;
    assert!(agrees && compared > least, "{output}");
    for line in output.lines() {
        let Some((count, reason)) = line.strip_prefix("with a reason: ").and_then(|line| line.split_once(" x ")) else {
            continue;
        };
        let count: u64 = count.parse()?;
        assert!(EXCUSES.iter().any(|(known, most)| *known == reason && count <= *most), "{line}\n{output}");
    }
    Ok(())
}

/// What the script says of the agent's bounds, so that no excuse outlives the bound it goes by.
#[test]
fn an_excuse_by_a_bound_goes_by_the_agents_own() -> Result<()> {
    use varde_agent::limits;
    let script = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("differential_seen.py"))?;
    for (name, value) in [
        ("ANSWERS_MAX", limits::ANSWERS_MAX),
        ("ALPNS_MAX", limits::ALPNS_MAX),
        ("HELLO_MAX_OCTETS", limits::HELLO_MAX_OCTETS),
        ("HELLO_RECORDS_MAX", limits::HELLO_RECORDS_MAX),
        ("GREETING_SEGMENTS_MAX", limits::GREETING_SEGMENTS_MAX.into()),
        ("QUIC_HELLOS_MAX", limits::QUIC_HELLOS_MAX.into()),
        ("QUIC_TRIES_MAX", limits::QUIC_TRIES_MAX.into()),
        ("STREAM_IDLE_TIMEOUT_S", usize::try_from(limits::STREAM_IDLE_TIMEOUT_S)?),
        ("TLS_HELLOS_MAX", limits::TLS_HELLOS_MAX.into()),
        ("HTTP_HEAD_MAX_OCTETS", limits::HTTP_HEAD_MAX_OCTETS),
        ("IPV6_EXTENSIONS_MAX", limits::IPV6_EXTENSIONS_MAX),
        ("SERVER_NAME_TEXT_MAX_OCTETS", limits::SERVER_NAME_TEXT_MAX_OCTETS),
    ] {
        assert!(script.lines().any(|line| line == format!("{name} = {value}")), "{name} is {value} in the agent");
    }
    Ok(())
}

#[test]
fn what_is_seldom_said_is_seen_as_tshark_sees_it() -> Result<()> {
    let sets = seldom::sets(&mut Random::seeded(1))?;
    seen_alike(sets.into_iter().map(|(name, packets)| (name.to_owned(), files::usual(&seldom::frames(&packets)))), 500)
}

#[test]
fn what_lies_in_files_as_it_seldom_does_is_seen_as_tshark_sees_it() -> Result<()> {
    seen_alike(files::captures(&mut Random::seeded(1))?, 900)
}

#[test]
fn every_version_of_quic_is_opened() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("quic");
    std::fs::write(&file, files::usual(&seldom::frames(&dialects::connections(&mut Random::seeded(5))?)))?;
    let told: BTreeSet<String> = names_told(&file)?;
    let expected = |kind: &'static str| every().into_iter().map(move |it| format!("{kind}-{:08x}.example", it.version));
    assert_eq!(told, expected("whole").chain(expected("parts")).collect());
    std::fs::write(&file, files::usual(&seldom::frames(&dialects::after_retry(&mut Random::seeded(6))?)))?;
    assert_eq!(names_told(&file)?.len(), 6);
    Ok(())
}

/// The names in the hellos of a capture.
fn names_told(file: &Path) -> Result<BTreeSet<String>> {
    let arguments = ["inspect".into(), "--observations".into(), "--json".into(), file.as_os_str().to_owned()];
    let lines = run(Which::Agent, arguments)?.ok()?.json()?;
    Ok(lines.iter().filter_map(|line| Some(line["sni"].as_str()?.to_owned())).collect())
}

/// Runs tests/differential.sh over a file with an agent whose output passes through sed.
fn differential_of_a_liar(folder: &Path, file: &Path, lie: &str) -> Result<Said> {
    let agent = Which::Agent.path()?;
    let lying = folder.join("agent.sh");
    std::fs::write(&lying, format!("#!/bin/sh\n'{}' \"$@\" | sed {lie}\n", agent.display()))?;
    std::fs::set_permissions(&lying, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    said(Command::new(workspace().join("tests/differential.sh")).arg("--all").arg(file).env("VARDE_AGENT", &lying))
}

#[test]
fn an_excuse_covers_what_it_explains_and_no_more() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("hellos");
    let mut frames = odd::greetings(&mut Random::seeded(3), Wrapping::None, 3, false)?;
    // In every flow the last packet is cut short, a look-up's message is broken, and everything before is sound.
    let question = Question { id: 99, name: "sound.example", qtype: rtype::A };
    let (client, server) = ("10.20.30.3:40000".parse()?, "192.0.2.53:53".parse()?);
    let mut broken = dns::response(question, dns::rcode::NOERROR, &[]);
    broken[7] = 9;
    for octets in [dns::query(question), broken] {
        frames.push(Frame::whole(
            frames.last().map_or(0, |frame| frame.time_ns) + 1,
            Wrapping::None.frame(&packet::udp(client, server, &octets)),
        ));
    }
    // Where the flags of TCP are, over either IP without options.
    let is_reset = |frame: &&mut Frame| [47, 67].iter().any(|&at| frame.octets.get(at) == Some(&flag::RST));
    let resets = frames.iter_mut().filter(|frame| frame.octets.len() < 80).filter(is_reset);
    resets.for_each(|frame| frame.octets.truncate(frame.octets.len() - 2));
    write(&file, &frames)?;
    let sound = differential_of_a_liar(folder.path(), &file, "-e ''")?;
    assert_eq!(sound.code, Some(0), "{}", sound.out);
    for (lie, told) in [
        // A hello and a host told twice, the second time with another name; a look-up with another.
        ("'0,/\"hello\"/{/\"hello\"/{p;s/\"sni\":\"w/\"sni\":\"x/}}'", "! tshark lacks     hello"),
        ("'0,/\"http\"/{/\"http\"/{p;s/\"host\":\"w/\"host\":\"x/}}'", "! tshark lacks     http"),
        ("'s/sound.example/other.example/'", "! tshark lacks     lookup"),
        ("'s/sound.example/other.example/'", "! the agent lacks  lookup"),
        ("'/\"transport\":\"quic\"/d'", "! the agent lacks  hello quic"),
        ("'/\"transport\":\"tls\"/d'", "! the agent lacks  hello tls"),
    ] {
        let output = differential_of_a_liar(folder.path(), &file, lie)?;
        assert!(output.code == Some(1) && output.out.contains(told), "{lie} {told}: {}{}", output.out, output.err);
    }
    Ok(())
}

#[test]
fn what_decoys_excuse_hides_neither_what_the_agent_lacks_nor_what_it_invents() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut packets = seldom::decoys::over_quic(&mut Random::seeded(1))?;
    packets.extend(seldom::decoys::over_tcp(&mut Random::seeded(1)));
    let file = folder.path().join("decoys");
    std::fs::write(&file, files::usual(&seldom::frames(&packets)))?;
    let lies = [
        "s/other.decoy.example/never.saidd.example/",
        "/behind.frame.example/d",
        "s/folded.example/invented.example/",
        "/taken.example/d",
        "/tab.example/d",
    ];
    let lies: String = lies.iter().map(|lie| format!(" -e '{lie}'")).collect();
    let output = differential_of_a_liar(folder.path(), &file, &lies)?;
    for (what, name) in [
        ("! tshark lacks     hello quic", "never.saidd.example"),
        ("! the agent lacks  hello quic", "behind.frame.example"),
        ("! tshark lacks     http", "invented.example"),
        ("! hello tls", "taken.example"),
        ("! the agent lacks  http", "tab.example"),
    ] {
        let is_told = output.out.lines().any(|line| line.contains(what) && line.contains(name));
        assert!(output.code == Some(1) && is_told, "{what} {name}: {}{}", output.out, output.err);
    }
    Ok(())
}

#[test]
fn the_differential_names_the_list_that_differs() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("hellos");
    write(&file, &odd::greetings(&mut Random::seeded(1), Wrapping::None, 1, false)?)?;
    let agent = Which::Agent.path()?;
    let ja4 = "\\(\"ja4\":\"[a-z0-9]*_\\)";
    let lies = [
        format!("{ja4}[0-9a-f]*/\\1000000000000"),
        format!("{ja4}\\([0-9a-f]*_\\)[0-9a-f]*/\\1\\2000000000000"),
        "\"sni\":\"w/\"sni\":\"x".to_owned(),
        "\"alpn\":\\[\"h2\",/\"alpn\":[".to_owned(),
        "\"host\":\"w/\"host\":\"x".to_owned(),
    ];
    let lies: String = lies.iter().map(|lie| format!(" -e 's/{lie}/'")).collect();
    let lying = folder.path().join("agent.sh");
    std::fs::write(&lying, format!("#!/bin/sh\n'{}' \"$@\" | sed{lies}\n", agent.display()))?;
    std::fs::set_permissions(&lying, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let mut command = Command::new(workspace().join("tests/differential.sh"));
    command.arg("--all").arg(&file).env("VARDE_AGENT", &lying);
    let output = said(&mut command)?;
    for told in [
        "differs in sni, alpn, cipher list, extension or signature algorithm list:",
        "differs in cipher list, extension or signature algorithm list:",
        "! the agent lacks  http",
        "! tshark lacks     http",
    ] {
        assert!(output.out.contains(told), "{told}: {}{}", output.out, output.err);
    }
    assert_eq!(output.code, Some(1));
    Ok(())
}

#[test]
fn the_differential_tells_what_differs() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mix = Mix { clients: 30, actions: 100, span: Duration::from_secs(900) };
    let file = folder.path().join("traffic");
    capture::write(
        &file,
        Format::USUAL,
        &ordinary(Municipality { number: 7 }, START, mix, &mut Random::seeded(42)).packets,
    )?;
    // An agent that sees one lookup less, one name otherwise, and something that is not there.
    let lying = folder.path().join("agent.sh");
    let agent = Which::Agent.path()?;
    let script = format!(
        "#!/bin/sh\n'{}' \"$@\" | sed -e '0,/\"type\":\"dns\"/{{/\"type\":\"dns\"/d}}' -e '$s/$/\\n{}/'\n",
        agent.display(),
        r#"{"type":"dns","client":"10.0.0.9","server":"10.0.0.53","id":1,"qname":"invented.example","answers":[]}"#,
    );
    std::fs::write(&lying, script)?;
    std::fs::set_permissions(&lying, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let mut command = Command::new(workspace().join("tests/differential.sh"));
    command.arg(&file).env("VARDE_AGENT", &lying);
    let output = said(&mut command)?;
    assert!(output.out.contains("! the agent lacks  lookup"), "{}{}", output.out, output.err);
    assert!(output.out.contains("! tshark lacks     lookup 10.0.0.9 10.0.0.53 1 invented.example"), "{}", output.out);
    assert_eq!(output.code, Some(1));
    Ok(())
}
