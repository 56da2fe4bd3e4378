//! Promises F1 and F2: a hostile source, or a broken one, is refused in a sentence, in bounded time and memory, and leads the collector
//! nowhere inside; what stood before it stands.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_tests::community::Collector;
use varde_tests::feed_server::{FeedServer, Reply};
use varde_tests::namespaces::{Namespace, allowed};
use varde_tests::programs::{PATIENCE, Said, said};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const GOOD: &str = "vond.example\nverre.example\nverst.example\n";

/// What stands, by its indicator.
fn standing(collector: &Collector) -> Result<BTreeSet<String>> {
    let rows = collector.list("indicator")?;
    let standing = rows.iter().filter(|row| row["withdrawn_at"].is_null());
    Ok(standing.filter_map(|row| row["indicator"].as_str().map(str::to_owned)).collect())
}

fn source(collector: &Collector, name: &str) -> Result<Value> {
    collector.ask(["source", "show", name, "--json"])?.json()?.into_iter().next().context("a source")
}

fn add(collector: &Collector, server: &FeedServer, name: &str, kind: &str, path: &str, more: &[&str]) -> Result<()> {
    let (url, ca) = (server.url(path), server.ca());
    let line = ["source", "add", name, "--kind", kind, &url, "--ca", &ca, "--internal"];
    collector.ask(line.into_iter().chain(more.iter().copied())).map(drop)
}

fn fetch(collector: &Collector, name: &str) -> Result<Said> {
    collector.try_ask(["source", "fetch", name, "--json"])
}

/// It fails with this sentence, which is kept; and nothing else has changed.
fn refused(collector: &Collector, name: &str, sentence: &str, what: &str) -> Result<()> {
    let before = (standing(collector)?, source(collector, name)?);
    let said = fetch(collector, name)?;
    ensure!(said.code == Some(1) && said.err.contains(sentence), "{what}: {said:?}");
    ensure!(!said.err.contains("panicked"), "{what}: {said:?}");
    let after = (standing(collector)?, source(collector, name)?);
    ensure!(before.0 == after.0, "{what}: what stood is another: {:?}", after.0);
    let kept = after.1["failed_why"].as_str().unwrap_or_default();
    ensure!(kept.contains(sentence), "{what}: \"{kept}\" is kept");
    for key in ["succeeded_at", "entries", "had_entries", "standing"] {
        ensure!(before.1[key] == after.1[key], "{what}: {key} is another");
    }
    Ok(())
}

/// A hundred megabytes in a hundred kilobytes.
fn bomb() -> Result<Vec<u8>> {
    let script = "import gzip,sys; sys.stdout.buffer.write(gzip.compress(b'a'*100_000_000, 9))";
    let made = Command::new("python3").args(["-c", script]).output().context("python3")?;
    ensure!(made.status.success() && made.stdout.len() < 1_000_000, "no bomb");
    Ok(made.stdout)
}

#[test]
fn f1_whatever_a_source_answers_is_refused_in_a_sentence_and_what_stood_stands() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let server = FeedServer::start(folder.path(), LOOPBACK)?;
    server.set("/list", Reply::good("text/plain", GOOD));
    add(&collector, &server, "liste", "file", "/list", &["--max-size", "32M"])?;
    let taken = fetch(&collector, "liste")?.ok()?.json()?;
    assert_eq!((&taken[0]["new"], &taken[0]["held"]), (&3.into(), &Value::Null));
    let good = standing(&collector)?;
    assert_eq!(good, ["vond.example", "verre.example", "verst.example"].map(str::to_owned).into());

    let text = || vec!["Content-Type: text/plain".to_owned()];
    let gzip = |encoding: &str| vec![format!("Content-Encoding: {encoding}"), "Content-Type: text/plain".to_owned()];
    let block = "endelos.example\n".repeat(4_096).into_bytes();
    let bomb = bomb()?;
    let half = bomb.get(..bomb.len() / 2).context("half")?.to_vec();
    let html = "<!DOCTYPE html><html><title>Logg inn</title>";
    for (what, reply, sentence) in [
        ("an endless body", Reply::Endless(text(), block), "more than 33554432 bytes (--max-size)"),
        ("a bomb", Reply::Whole(200, gzip("gzip"), bomb), "unpacks to more than 200 times its size"),
        (
            "half a packed body",
            Reply::Whole(200, gzip("gzip"), half.get(..2_000).context("half")?.to_vec()),
            "cannot be unpacked whole",
        ),
        ("what is not packed", Reply::Whole(200, gzip("gzip"), GOOD.into()), "cannot be unpacked whole"),
        ("another packing", Reply::Whole(200, gzip("br"), GOOD.into()), "packed as br"),
        ("half a body", Reply::Half(GOOD.into()), "broke off"),
        ("an endless head", Reply::EndlessHead, "broke off or is no HTTP"),
        ("a login page", Reply::good("text/html; charset=utf-8", html), "a web page"),
        ("a login page as text", Reply::good("text/plain", html), "a web page"),
        ("no login", Reply::Whole(401, vec![], vec![]), "--auth-file"),
        ("nothing there", Reply::Whole(404, vec![], vec![]), "status 404"),
        ("an error", Reply::Whole(500, vec![], html.into()), "status 500"),
        ("a plea", Reply::Whole(429, vec!["Retry-After: 7200".into()], vec![]), "left alone for 7200 seconds"),
        ("redirects without end", Reply::to("/list"), "more than 5 times"),
        (
            "deep JSON",
            Reply::good("application/json", format!("{{\"Event\":{}", "[".repeat(3_000_000))),
            "not taken in",
        ),
        (
            "half a bundle",
            Reply::good("application/json", "{\"type\":\"bundle\",\"spec_version\":\"2.1\",\"objects\":[{"),
            "not taken in",
        ),
    ] {
        server.set("/list", reply);
        refused(&collector, "liste", sentence, what)?;
    }
    // Those that never end are ended by the clock.
    add(&collector, &server, "treg", "file", "/slow", &["--within", "2s"])?;
    for reply in [Reply::Drip, Reply::Silence] {
        server.set("/slow", reply);
        refused(&collector, "treg", "longer than 2 seconds (--within)", "a slow one")?;
    }
    // Nothing is left lying about, and it goes on where it was.
    let left: Vec<String> = fs::read_dir(collector.data())?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    ensure!(left.iter().all(|name| !name.contains("tmp")), "{left:?}");
    assert_eq!(standing(&collector)?, good);
    assert_eq!(source(&collector, "liste")?["failures"], 16);
    server.set("/list", Reply::good("text/plain", format!("{GOOD}nytt.example\n")));
    let taken = fetch(&collector, "liste")?.ok()?.json()?;
    assert_eq!(taken[0]["new"], 1);
    let row = source(&collector, "liste")?;
    assert_eq!((&row["failures"], &row["failed_why"]), (&0.into(), &Value::Null));
    Ok(())
}

#[test]
fn f1_hostile_feeds_and_collections_are_refused_in_a_sentence() -> Result<()> {
    const EVENT: &str = "aaaaaaaa-0000-4000-8000-000000000001";
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let server = FeedServer::start(folder.path(), LOOPBACK)?;
    let json = |body: &str| Reply::good("application/json", body);
    let event = format!(
        r#"{{"Event":{{"uuid":"{EVENT}","info":"x","Attribute":[{{"uuid":"u","type":"domain","value":"vond.example","to_ids":true,"timestamp":"5"}}]}}}}"#
    );
    let manifest = |uuid: &str, at: u32| json(&format!(r#"{{"{uuid}":{{"timestamp":{at}}}}}"#));
    server.set("/feed/manifest.json", manifest(EVENT, 1));
    server.set(&format!("/feed/{EVENT}.json"), json(&event));
    add(&collector, &server, "misp", "misp-feed", "/feed/", &["--max-size", "16M"])?;
    assert_eq!(fetch(&collector, "misp")?.ok()?.json()?[0]["new"], 1);
    let deep = format!("{{\"{EVENT}\":{}", "[".repeat(3_000_000));
    server.asked();
    for (what, manifest, sentence) in [
        ("a path", manifest("../../../etc/passwd", 9), "which is no UUID"),
        ("a path within a name", manifest(&format!("{EVENT}/../x"), 9), "which is no UUID"),
        ("a deep one", json(&deep), "cannot be read"),
        ("an array", json("[]"), "cannot be read"),
        ("a login page", json("<html>"), "a web page"),
        ("an event that is another's", manifest("bbbbbbbb-0000-4000-8000-000000000002", 9), "is another one, or none"),
    ] {
        server.set("/feed/bbbbbbbb-0000-4000-8000-000000000002.json", json(&event));
        server.set("/feed/manifest.json", manifest);
        refused(&collector, "misp", sentence, what)?;
    }
    let paths: BTreeSet<String> = server.asked().into_iter().map(|asked| asked.path).collect();
    let expected = ["/feed/manifest.json", "/feed/bbbbbbbb-0000-4000-8000-000000000002.json"];
    assert_eq!(paths, expected.map(str::to_owned).into(), "nothing else was asked for");

    let taxii = |body: &str| Reply::good("application/taxii+json; version=2.1", body);
    server.set("/t/", taxii(r#"{"title":"T","versions":["application/taxii+json;version=2.1"]}"#));
    server.set("/t/collections/", taxii(r#"{"collections":[{"id":"c","title":"C","can_read":true}]}"#));
    server.set("/t/collections/c/", taxii(r#"{"id":"c","title":"C","can_read":true}"#));
    server.set("/t/collections/c/objects/", taxii("{}"));
    add(&collector, &server, "taxii", "taxii", "/t/", &["--collection", "c"])?;
    assert_eq!(fetch(&collector, "taxii")?.ok()?.json()?[0]["unchanged"], true, "an empty page is no failure");
    let asked = server.asked().into_iter().find(|asked| asked.path.contains("/objects/")).context("objects")?;
    assert_eq!(asked.headers["accept"], "application/taxii+json;version=2.1");
    let deep = format!("{{\"objects\":[{}", "[".repeat(3_000_000));
    for (what, reply, sentence) in [
        ("the same page for ever", taxii(r#"{"more":true,"next":"1","objects":[{"id":"a"}]}"#), "never end"),
        ("more and not where", taxii(r#"{"more":true,"objects":[{"id":"a"}]}"#), "more without next"),
        ("another type", Reply::good("text/plain", "{}"), "answers with text/plain"),
        ("a deep one", taxii(&deep), "cannot be read"),
        ("a login page", Reply::good("text/html", "<html>"), "a web page"),
        ("another protocol", Reply::Whole(406, vec![], vec![]), "does not speak TAXII 2.1"),
    ] {
        server.set("/t/collections/c/objects/", reply);
        refused(&collector, "taxii", sentence, what)?;
    }
    Ok(())
}

/// Objects of STIX that nobody should believe, each with what becomes of it: text in the sentence on it, or nothing where it is kept for
/// people or passed over.
fn nonsense() -> Vec<String> {
    let object = |id: &str, rest: &str| {
        format!(r#"{{"type":"indicator","spec_version":"2.1","id":"indicator--{id}","pattern_type":"stix",{rest}}}"#)
    };
    let named = |rest: &str| format!(r#""pattern":"[domain-name:value = 'tull.example']",{rest}"#);
    let matches = |expression: &str| format!(r#""pattern":"[domain-name:value MATCHES '{expression}']""#);
    vec![
        // Expressions that take a backtracking reader for ever.
        object("1", &matches("^(a+)+$")),
        object("2", &matches(&format!("{}{}", "(a?){40}".repeat(500), "a{9999}{9999}"))),
        object("3", &matches(&"(".repeat(10_000))),
        // Other types than an attribute has.
        object("4", r#""pattern":["[domain-name:value = 'tull.example']"]"#),
        object("5", r#""pattern":{"a":{"b":[1,2]}}"#),
        object("6", r#""pattern":17"#),
        object("7", &named(r#""confidence":"svært""#)),
        object("8", &named(r#""valid_until":{"year":2030}"#)),
        object("9", &named(r#""object_marking_refs":"ingen""#)),
        r#"{"type":7,"id":{"a":1}}"#.to_owned(),
        "[[[[1]]]]".to_owned(),
        "null".to_owned(),
        "true".to_owned(),
        "1e400".to_owned(),
        // Times that no clock shows.
        object("10", &named(r#""modified":"9999-12-31T23:59:59.999999999Z""#)),
        object("11", &named(r#""modified":"-0001-01-01T00:00:00Z""#)),
        object("12", &named(r#""modified":"2026-13-45T99:99:99Z""#)),
        object("13", &named(r#""valid_from":"9999-12-31T23:59:59Z","valid_until":"0001-01-01T00:00:00Z""#)),
        object("14", &named(r#""modified":"2026-01-01T00:00:00+99:99""#)),
        object("15", &named(r#""valid_until":"1e99""#)),
        // A pattern of many thousand parts.
        object(
            "16",
            &format!(r#""pattern":"{}[domain-name:value = 'x.example']{}""#, "(".repeat(20_000), ")".repeat(20_000)),
        ),
    ]
}

#[test]
fn f1_wrong_types_regex_bombs_and_clock_nonsense_are_left_out_one_by_one_and_harm_nothing_beside_them() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let server = FeedServer::start(folder.path(), LOOPBACK)?;
    let good = |name: &str| {
        format!(
            r#"{{"type":"indicator","spec_version":"2.1","id":"indicator--{name}","pattern_type":"stix","valid_until":"2099-01-01T00:00:00Z","pattern":"[domain-name:value = '{name}.example']"}}"#
        )
    };
    let bundle = |objects: &[String]| {
        let text = format!(r#"{{"type":"bundle","id":"bundle--1","objects":[{}]}}"#, objects.join(","));
        // Heads of nonsense beside: none of it is believed or kept.
        let head = vec![
            "Content-Type: application/json".to_owned(),
            format!("ETag: \"{}\"", "e".repeat(20_000)),
            "Last-Modified: Thu, 99 Foo 99999 99:99:99 GMT".to_owned(),
            "Date: yesterday".to_owned(),
            "Retry-After: -99999999999999999999".to_owned(),
            "X-TAXII-Date-Added-Last: undefined".to_owned(),
        ];
        Reply::Whole(200, head, text.into_bytes())
    };
    server.set("/stix", bundle(&[good("vond"), good("verre")]));
    add(&collector, &server, "stix", "file", "/stix", &[])?;
    assert_eq!(fetch(&collector, "stix")?.ok()?.json()?[0]["new"], 2);
    for nonsense in nonsense() {
        // By itself between good ones: those stand, and it names nothing that sensors would look for beside what it may.
        server.set("/stix", bundle(&[good("vond"), nonsense.clone(), good("verre")]));
        let shown: String = nonsense.chars().take(120).collect();
        let began = varde_agent::io::clock::monotonic();
        let said = fetch(&collector, "stix")?;
        ensure!(said.code == Some(0) && !said.err.contains("panicked"), "{shown}: {said:?}");
        ensure!(began.elapsed() < PATIENCE, "{shown}");
        let good: BTreeSet<String> = ["vond.example", "verre.example"].map(str::to_owned).into();
        let standing = standing(&collector)?;
        let beside: Vec<&String> = standing.difference(&good).collect();
        ensure!(
            standing.is_superset(&good) && beside.iter().all(|name| *name == "tull.example"),
            "{shown}: {standing:?}"
        );
    }
    // What was good goes out.
    let published = collector.ask(["publish"])?;
    ensure!(published.out.contains("Published list 1"), "{published:?}");
    Ok(())
}

#[test]
fn f2_fifty_million_rows_are_cut_at_a_number_that_is_named_and_what_stood_stands() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let server = FeedServer::start(folder.path(), LOOPBACK)?;
    server.set("/list", Reply::good("text/plain", GOOD));
    add(&collector, &server, "liste", "file", "/list", &[])?;
    fetch(&collector, "liste")?.ok()?;
    // Ten thousand blocks of five thousand rows.
    let rows = "a\n".repeat(5_000).into_bytes();
    let head = ["Content-Type: text/plain", "Content-Length: 100000000"].map(str::to_owned);
    server.set("/list", Reply::Endless(head.into(), rows));
    refused(&collector, "liste", "it holds more than 10000000 entries; split it", "fifty million rows")?;
    assert_eq!(standing(&collector)?.len(), 3);
    ensure!(!collector.data().join("import.stage").exists(), "what was gathered is gone");
    Ok(())
}

#[test]
fn f2_a_text_for_people_is_refused_with_what_to_do_and_said_so_when_the_source_is_added() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let server = FeedServer::start(folder.path(), LOOPBACK)?;
    server.set("/list", Reply::good("text/plain", GOOD));
    let (url, ca) = (server.url("/list"), server.ca());
    let line = ["source", "add", "varsel", "--kind", "file", &url, "--ca", &ca, "--internal"];
    let added = collector.ask(line)?;
    ensure!(added.err.contains("A text for people") && added.err.contains("--format prose --dry-run"), "{added:?}");
    fetch(&collector, "varsel")?.ok()?;
    let text = "Hei,\n\nVi ser at mange kommuner får e-post med lenke til innlogging[.]example i dag.\nDere bør se etter \
        oppslag mot dette navnet, og si fra til oss om dere finner noe.\n\nVennlig hilsen senteret\n";
    let mail = format!(
        "From: a@b.example\r\nTo: c@d.example\r\nSubject: Varsel\r\nDate: Mon, 2 Nov 2026 10:00:00 +0100\r\n\r\n{text}"
    );
    for (what, body) in [("a text", text.to_owned()), ("a mail", mail)] {
        server.set("/list", Reply::good("text/plain; charset=utf-8", body));
        refused(&collector, "varsel", "which of the names in it are meant a person must say", what)?;
    }
    let line = ["source", "add", "tekst", "--kind", "file", &url, "--ca", &ca, "--internal", "--format", "prose"];
    let refused = collector.try_ask(line)?;
    ensure!(refused.code == Some(1) && refused.err.contains("--format prose --dry-run"), "{refused:?}");
    Ok(())
}

/// A resolver of one's own: this name is at that address, for this command alone.
fn resolving(command: &Command, folder: &Path, hosts: &str) -> Result<Command> {
    let file = folder.join("hosts");
    fs::write(&file, hosts)?;
    let mut inside = Command::new("unshare");
    inside.args(["--mount", "sh", "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\""]).arg(&file);
    inside.arg(command.get_program()).args(command.get_args());
    Ok(inside)
}

#[test]
fn f2_no_redirect_and_no_name_leads_inside() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    // A network that leads nowhere: whatever should be asked in error is not reached.
    let network = Namespace::new("inside")?;
    let listen = || -> Result<FeedServer> {
        FeedServer::on(network.within(|| TcpListener::bind((LOOPBACK, 0)))??, folder.path())
    };
    let data = folder.path().join("collector");
    let collector = Collector::init_at(&data, SocketAddr::from(([127, 0, 0, 1], 7843)), 7844, Some(network.clone()))?;
    let server = listen()?;
    // Another one on the same machine: nobody has said that it may be asked.
    let other = listen()?;
    other.set("/", Reply::good("text/plain", "innsiden.example\n"));
    server.set("/list", Reply::good("text/plain", GOOD));
    server.set("/moved", Reply::to("list"));
    add(&collector, &server, "liste", "file", "/moved", &[])?;
    assert_eq!(fetch(&collector, "liste")?.ok()?.json()?[0]["new"], 3, "a redirect to itself is followed");
    let port = other.port();
    for (to, sentence) in [
        (other.url("/"), "internal address, which is not followed"),
        (format!("https://localhost:{port}/"), "internal address, which is not followed"),
        (format!("https://127.1:{port}/"), "internal address, which is not followed"),
        (format!("https://[::ffff:127.0.0.1]:{port}/"), "internal address, which is not followed"),
        ("https://169.254.169.254/latest/meta-data/".to_owned(), "internal address, which is not followed"),
        ("https://10.0.0.1/".to_owned(), "internal address, which is not followed"),
        (format!("http://127.0.0.1:{port}/"), "from https:// to http://"),
        ("file:///etc/passwd".to_owned(), "from https:// to file://"),
        ("https://kari:hemmelig@intel.example/".to_owned(), "no user or password"),
    ] {
        server.set("/moved", Reply::to(&to));
        refused(&collector, "liste", sentence, &to)?;
    }
    // Names that a resolver leads inside.
    server.set("/moved", Reply::to(&format!("https://inne.example:{port}/")));
    for address in ["10.0.0.1", "127.0.0.1", "100.64.0.9", "fd00::1", "::ffff:192.168.1.1", "169.254.169.254"] {
        let command = collector.command(["source", "fetch", "liste"])?;
        let hosts = format!("1.1.1.1 inne.example\n{address} inne.example\n");
        let refused = said(&mut resolving(&command, folder.path(), &hosts)?)?;
        ensure!(
            refused.code == Some(1) && refused.err.contains("an internal address, which is not followed"),
            "{refused:?}"
        );
    }
    assert_eq!(other.asked(), [], "it was never asked");
    assert_eq!(standing(&collector)?.len(), 3);

    // A source itself, without the operator's word; and what is no source at all.
    let local = format!("https://localhost:{}/list", server.port());
    collector.ask(["source", "add", "inne", "--kind", "file", &local, "--ca", &server.ca()])?;
    let inside = fetch(&collector, "inne")?;
    ensure!(inside.code == Some(1) && inside.err.contains("--internal"), "{inside:?}");
    for (url, sentence) in [
        (server.url("/list").as_str(), "--internal"),
        ("http://intel.example/list", "https://"),
        ("file:///etc/passwd", "indicator import"),
        ("https://kari:hemmelig@intel.example/", "--auth-file"),
        ("https://0x7f.1/", "--internal"),
        ("https://[fd00::1]/", "--internal"),
    ] {
        let refused = collector.try_ask(["source", "add", "feil", "--kind", "file", url])?;
        ensure!(refused.code == Some(1) && refused.err.contains(sentence), "{url}: {refused:?}");
        ensure!(!refused.err.contains("hemmelig"), "{refused:?}");
    }
    Ok(())
}

#[test]
fn f2_what_a_source_is_asked_with_goes_to_it_alone_and_is_shown_nowhere() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    const SECRET: &str = "hemmelig-nokkel-7";
    let folder = tempfile::tempdir()?;
    let network = Namespace::new("feed")?;
    // Two addresses of the internet's, in a network that has nothing else.
    for address in ["9.9.9.9", "9.9.9.10"] {
        network.ip(&format!("address add {address}/32 dev lo"))?;
    }
    let listen = |address: [u8; 4]| -> Result<FeedServer> {
        let listener = network.within(|| TcpListener::bind(SocketAddr::from((address, 0))))??;
        FeedServer::on(listener, folder.path())
    };
    let (server, other) = (listen([9, 9, 9, 9])?, listen([9, 9, 9, 10])?);
    let both = folder.path().join("both.pem");
    fs::write(&both, format!("{}{}", fs::read_to_string(server.ca())?, fs::read_to_string(other.ca())?))?;
    let secret = folder.path().join("secret");
    fs::write(&secret, format!("apikey Auth-Key {SECRET}\n"))?;
    let data = folder.path().join("collector");
    let collector = Collector::init_at(&data, SocketAddr::from(([127, 0, 0, 1], 7843)), 7844, Some(network.clone()))?;
    let (secret_path, both) = (secret.to_string_lossy().into_owned(), both.to_string_lossy().into_owned());
    let url = server.url("/list");
    let line = ["source", "add", "liste", "--kind", "file", &url, "--ca", &both, "--auth-file", &secret_path];
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644))?;
    let open = collector.try_ask(line)?;
    ensure!(open.code == Some(1) && open.err.contains("chmod 600"), "{open:?}");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600))?;
    collector.ask(line)?;

    // To another server a redirect leads, and what it is asked with does not.
    server.set("/list", Reply::to(&other.url("/elsewhere")));
    other.set("/elsewhere", Reply::good("text/plain", GOOD));
    assert_eq!(fetch(&collector, "liste")?.ok()?.json()?[0]["new"], 3);
    let asked = server.asked();
    assert_eq!(asked[0].headers.get("auth-key").map(String::as_str), Some(SECRET));
    let elsewhere = other.asked();
    assert_eq!(elsewhere.len(), 1);
    ensure!(!format!("{elsewhere:?}").contains(SECRET), "{elsewhere:?}");

    // Nor is it shown or kept; where it lies is.
    server.set("/list", Reply::Whole(403, vec![], vec![]));
    let refused = fetch(&collector, "liste")?;
    ensure!(refused.code == Some(1) && refused.err.contains("--auth-file"), "{refused:?}");
    let mut shown = format!("{refused:?}");
    for line in [vec!["source", "list", "--json"], vec!["source", "show", "liste"], vec!["audit", "list", "--json"]] {
        shown.push_str(&collector.ask(line)?.out);
    }
    ensure!(shown.contains(&secret_path) && !shown.contains(SECRET), "{shown}");
    for file in fs::read_dir(&data)? {
        let path = file?.path();
        if path.is_file() {
            let octets = fs::read(&path)?;
            let holds = octets.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
            ensure!(!holds, "{} holds the secret", path.display());
        }
    }
    Ok(())
}
