//! Verdicts told back, by the real programs: a MISP server that was named for it hears of its own attribute, in the operator's name, again
//! until it takes it; and nobody else hears anything.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use varde_tests::capture::{self, Format};
use varde_tests::community::{Agent, Collector};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, Traffic};

const EVENT: &str = r#"{"Event":{"uuid":"5a0f1d2c-0000-4000-8000-000000000001","info":"Lokkefugl","Tag":[{"name":"tlp:green"}],
"Attribute":[{"uuid":"5a0f1d2c-0000-4000-8000-0000000000aa","type":"domain","value":"vond.example","to_ids":true,"timestamp":"1795000000"}]}}"#;

/// A request's first line, its key, and its body.
type Asked = (String, String, Value);

/// Reads one request and answers it with this status.
fn answer(mut stream: TcpStream, status: &str) -> Result<Asked> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut first, mut key, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').context("a field")?;
        match name.to_ascii_lowercase().as_str() {
            "authorization" => key = value.trim().to_owned(),
            "content-length" => length = value.trim().parse()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}")?;
    Ok((first.trim().to_owned(), key, serde_json::from_slice(&body)?))
}

/// A server that refuses the first request and takes the rest.
fn server() -> Result<(SocketAddr, Receiver<Asked>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (tell, told) = sync_channel(16);
    std::thread::spawn(move || {
        for (place, stream) in listener.incoming().flatten().enumerate() {
            let status = if place == 0 { "500 Internal Server Error" } else { "200 OK" };
            let Ok(asked) = answer(stream, status) else { continue };
            if tell.send(asked).is_err() {
                return;
            }
        }
    });
    Ok((address, told))
}

#[test]
fn t10_a_verdict_is_told_to_the_server_its_indicator_came_from_and_a_false_positive_leaves_the_list() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let (address, told) = server()?;
    let mut collector = Collector::init(&folder.join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let event = folder.join("event.json");
    std::fs::write(&event, EVENT)?;
    let event = event.to_string_lossy().into_owned();
    collector.ask(["indicator", "import", &event, "--source", "MISP"])?;
    collector.ask(["publish"])?;
    let mut agent = Agent::new(&folder.join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let mut traffic = Traffic::starting(varde_agent::io::clock::now());
    let question = Question { id: 1, name: "vond.example", qtype: rtype::A };
    let answer = Outcome::address("vond.example", [198, 51, 100, 9].into());
    traffic.lookup("10.1.0.7:40000".parse()?, "10.1.255.53:53".parse()?, question, &answer);
    let file = folder.join("mirror.pcap");
    capture::write(&file, Format::USUAL, &traffic.packets)?;
    agent.start([OsStr::new("--capture"), file.as_os_str()])?;
    agent.wait()?;
    eventually("the alert is there", PATIENCE, || Ok((collector.alerts()?.len() == 1).then_some(())))?;

    // Off unless somebody says so.
    collector.ask(["alert", "verdict", "1", "confirmed", "--reason", "maskinen var smittet"])?;
    assert!(collector.ask(["sighting", "list", "--json"])?.json()?.is_empty());
    let key = folder.join("misp.key");
    std::fs::write(&key, "hemmelig-noekkel\n")?;
    let (url, key) = (format!("http://{address}"), key.to_string_lossy().into_owned());
    collector.ask(["sighting", "to", "MISP", "--url", &url, "--key-file", &key])?;
    let wrong = collector.try_ask(["sighting", "to", "MISP", "--url", "http://misp.example", "--key-file", &key])?;
    ensure!(wrong.code == Some(1) && wrong.err.contains("https://"), "{wrong:?}");

    let said =
        collector.ask(["alert", "verdict", "1", "confirmed", "--reason", "maskinen var smittet", "--json"])?.json()?;
    assert_eq!((&said[0]["sightings"], &said[0]["sources"][0]["confirmed"]), (&json!(1), &json!(1)));
    // The first try is refused, by whichever of the two comes first; the next one arrives.
    let _ = collector.try_ask(["sighting", "send"])?;
    eventually("the sighting arrived", PATIENCE, || {
        let rows = collector.ask(["sighting", "list", "--json"])?.json()?;
        let arrived = rows.iter().any(|row| !row["sent_at"].is_null() && row["tries"] == 2);
        if !arrived {
            let _ = collector.try_ask(["sighting", "send"])?;
        }
        Ok(arrived.then_some(()))
    })?;
    for _ in 0..2 {
        let (first, sent_key, body) = told.recv_timeout(PATIENCE)?;
        assert_eq!((first.as_str(), sent_key.as_str()), ("POST /sightings/add HTTP/1.1", "hemmelig-noekkel"));
        assert_eq!(body["uuid"], "5a0f1d2c-0000-4000-8000-0000000000aa");
        assert_eq!((&body["type"], &body["source"]), (&json!("0"), &json!("Prøve-CSIRT")));
        ensure!(body["timestamp"].as_i64().is_some_and(|at| at > 1_700_000_000), "{body}");
        ensure!(!body.to_string().contains("3407") && !body.to_string().contains("H-"), "{body}");
    }

    // The opposite: told as such, out of the next list, and shown.
    let said = collector.ask(["alert", "verdict", "1", "false-positive", "--reason", "feil navn", "--json"])?.json()?;
    assert_eq!((&said[0]["withdrawn"], &said[0]["before"]), (&json!(true), &json!("confirmed")));
    eventually("the false positive is told", PATIENCE, || {
        let _ = collector.try_ask(["sighting", "send"])?;
        Ok(told.try_recv().ok().filter(|(_, _, body)| body["type"] == "1"))
    })?;
    collector.ask(["indicator", "import", &event, "--source", "MISP"])?;
    let row = collector.ask(["indicator", "list", "--json"])?.json()?.pop().context("no indicator")?;
    ensure!(!row["withdrawn_at"].is_null(), "the same import brought it back: {row}");
    let published = collector.ask(["publish", "--allow-shrink"])?.out;
    ensure!(published.contains("with 0 indicators"), "{published}");
    let listed = collector.ask(["alert", "list", "--json"])?.json()?;
    assert_eq!((&listed[0]["verdict"], &listed[0]["verdict_reason"]), (&json!("false-positive"), &json!("feil navn")));
    let page = varde_tests::community::fetch(None, &collector.addresses()?.web, "/sak/1")?;
    ensure!(page.contains("feil navn"), "the page says what was concluded");

    // Its key stands nowhere but in its file.
    collector.stop()?;
    for name in ["varde.sqlite", "collector.log"] {
        let octets = std::fs::read(collector.data().join(name))?;
        ensure!(!octets.windows(16).any(|window| window == b"hemmelig-noekkel"), "the key is in {name}");
    }
    Ok(())
}
