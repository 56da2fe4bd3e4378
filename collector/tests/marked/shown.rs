//! Promise T7a over everything that the collector says: what was shared with few is named by its number alone.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::{MARK, await_that, run, said};

/// In a value of each kind: one or the other.
const MARKS: [&str; 2] = [MARK, "198.51.100.77"];

fn marks_in(text: &str) -> Vec<&'static str> {
    // Pages write values so that nobody clicks on them.
    let text = text.to_ascii_lowercase().replace(['[', ']'], "");
    MARKS.into_iter().filter(|mark| text.contains(mark)).collect()
}

/// Statements by hand: what no command does.
fn tamper(data: &Path, sql: &str) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut conn = SqliteConnectOptions::new().filename(data.join("varde.sqlite")).connect().await?;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut conn).await?;
        Ok(conn.close().await?)
    })
}

/// An alert of each of the first indicators, incidents and campaigns of theirs, with titles as ingest writes them.
fn alerts(values: &[(i64, &str)]) -> String {
    let mut sql = "INSERT INTO site (sensor_id, site, member_id) VALUES (1, 0, 1) ON CONFLICT DO NOTHING;".to_owned();
    for (id, value) in values {
        // Where what may be told was met is told.
        let server = if value.contains("openmark") { "203.0.113.9" } else { MARKS[1] };
        sql += &format!(
            "INSERT INTO campaign (id, uuid, link_kind, link_value, title, opened_at, first_seen, last_seen, updated_at)
                VALUES ({id}, 'c{id}', 'indicator', '{id}', '{value}', 1, 1, 1, 1);
            INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, campaign_id, opened_at, first_seen,
                last_seen, updated_at) VALUES ({id}, 'i{id}', 1, 'indicator', '{id}', '{value}', {id}, 1, 1, 1, 1);
            INSERT INTO alert (id, uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, client, zone,
                zone_levels, direction, evidence, by_resolver, looked_up_by_other, possible_contact, labels_left, server,
                port, protocol, severity, exercise, retro, first_seen, last_seen, count, arrived_at, updated_at, incident_id)
                VALUES ({id}, 'a{id}', 1, '00', {id}, 1, 0, {id}, 1, 'H-0000000000001', 0, '111', 'outbound', 4, 0, 0, 0, 0,
                '{server}', 443, 6, 2, 0, 0, 1, 1, 1, 1, 1, {id});"
        );
    }
    sql
}

/// A page or a file of the running collector.
fn page(web: &str, token: &str, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(web)?;
    let from = format!("Host: {web}\r\nConnection: close\r\nAuthorization: Bearer {token}");
    write!(stream, "GET {path} HTTP/1.1\r\n{from}\r\n\r\n")?;
    let mut page = Vec::new();
    stream.read_to_end(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// A file of the feeds.
fn feed(data: &Path, tcp: &str, token: &str, path: &str) -> io::Result<String> {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail", "--max-time", "60", "--cacert"]).arg(data.join("keys/ca.crt"));
    let output = command.args(["--user", &format!("x:{token}")]).arg(format!("https://{tcp}/feed/{path}")).output()?;
    match output.status.success() {
        true => Ok(said(&output)),
        false => Err(io::Error::other(format!("{path}: {}", said(&output)))),
    }
}

#[test]
fn t7a_no_command_page_feed_or_log_shows_what_was_shared_with_few_by_more_than_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ask = |arguments: &[&str]| said(&run(&data, arguments).unwrap());
    let made = run(&data, &["init", "--name", "Prøve-CSIRT", "--address", "127.0.0.1:7843"]).unwrap();
    assert!(made.status.success(), "{}", said(&made));
    ask(&["member", "add", "3407", "Gjøvik"]);
    ask(&["sensor", "token", "3407"]);
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let red = file("red.txt", "redmark-one.example\n198.51.100.77\nredmark-three.altinn.no\n198.51.100.77:443\n");
    let strict = file("strict.txt", "redmark-two.example\n=redmark-host.example:8443\n");
    let open = file("open.txt", "openmark.example\n");
    let mail = file(
        "mail.txt",
        "TLP:RED\n\nAngriperne bruker redmark-prose[.]example i kveld, 10[.]0[.]0[.]7 også.\nSe https://redmark-link.example/x.\n\nHilsen\nKari\n",
    );
    // Whatever is said is kept, with what was asked.
    let mut heard: Vec<(String, String)> = Vec::new();
    for (path, options) in [
        (&red, &["--tlp", "red", "--source", "rod"][..]),
        (&strict, &["--tlp", "amber+strict", "--source", "streng"]),
        (&open, &["--tlp", "green", "--source", "apen"]),
        (&mail, &["--format", "prose", "--source", "post"]),
    ] {
        for more in [&["--dry-run"][..], &["--dry-run", "--json"], &[], &["--json"]] {
            let line = [&["indicator", "import", path.as_str()], options, more].concat();
            heard.push((line.join(" "), ask(&line)));
        }
    }
    let read = |what: &str| heard.iter().find(|(line, _)| line.contains(what)).map(|(_, text)| text.clone()).unwrap();
    assert!(
        read("mail.txt --format prose --source post --dry-run").contains("Would be looked for:"),
        "{}",
        read("mail.txt")
    );
    let mut hear = |line: &[&str]| {
        let text = ask(line);
        heard.push((line.join(" "), text.clone()));
        text
    };
    let draft = hear(&["draft", "show", "--include-red"]);
    assert!(draft.contains("confidential indicator 1") && draft.contains("openmark.example"), "{draft}");
    for line in [
        &["draft", "show"][..],
        &["draft", "show", "--json"],
        &["draft", "show", "--include-red", "--json"],
        &["indicator", "lint"],
        &["indicator", "lint", "--json"],
        &["lint", "override", "3", "--reason", "x", "--until", "2027-01-01T00:00:00Z"],
        &["lint", "override", "1", "--reason", "x", "--until", "2027-01-01T00:00:00Z"],
        &["lint", "overrides"],
        &["lint", "overrides", "--json"],
        &["lint", "list", "list"],
        &["lint", "list", "list", "--json"],
        &["publish", "--include-red"],
        &["publish", "--status"],
        &["publish", "--status", "--json"],
    ] {
        hear(line);
    }
    let values =
        [(1, "redmark-one.example"), (2, "198.51.100.77"), (5, "redmark-two.example"), (7, "openmark.example")];
    tamper(&data, &alerts(&values)).unwrap();
    let run_it = |log: std::fs::File| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_varde-collector"));
        let any = "127.0.0.1:0";
        command.args(["run", "--quic", any, "--enroll", any, "--web", any, "--tcp", any, "--data"]).arg(&data);
        command.env("VARDE_LOG", "trace").stdout(log.try_clone().unwrap()).stderr(log);
        command.spawn().unwrap()
    };
    let log = dir.path().join("log");
    let mut collector = run_it(std::fs::File::create(&log).unwrap());
    let addresses = || -> Option<(String, String)> {
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(data.join("run.json")).ok()?).ok()?;
        Some((json["web"].as_str()?.to_owned(), json["tcp"].as_str()?.to_owned()))
    };
    assert!(await_that(|| addresses().is_some_and(|(web, _)| TcpStream::connect(web).is_ok())), "it runs");
    let (web, tcp) = addresses().unwrap();
    for line in [
        &["indicator", "list"][..],
        &["indicator", "list", "--json"],
        &["indicator", "show", "1"],
        &["indicator", "show", "redmark-one.example"],
        &["indicator", "show", "5", "--json"],
        &["indicator", "show", "8"],
        &["indicator", "brake", "1", "--hours", "1", "--reason", "x"],
        &["indicator", "brakes"],
        &["indicator", "brakes", "--json"],
        &["indicator", "brake", "1", "--release"],
        &["alert", "list"],
        &["alert", "list", "--json"],
        &["incident", "list"],
        &["incident", "list", "--json"],
        &["campaign", "list"],
        &["campaign", "list", "--json"],
        &["campaign", "show", "1"],
        &["campaign", "show", "2", "--json"],
        &["alert", "verdict", "1", "false-positive", "--reason", "x"],
        &["alert", "verdict", "5", "confirmed", "--reason", "x", "--json"],
        &["allow", "list"],
        &["allow", "list", "--json"],
        &["indicator", "verdict", "redmark-one.example", "none", "--reason", "x"],
        &["allow", "add", "redmark-two.example", "--reason", "x"],
        &["allow", "list", "--json"],
        &["allow", "remove", "redmark-two.example"],
        &["allow", "remove", "redmark-two.example"],
        &["recall", "2", "redmark-two.example", "--reason", "x"],
        &["recall", "show"],
        &["recall", "show", "--json"],
        &["recall", "lift", "2", "redmark-two.example", "--reason", "x"],
        &["publish", "--include-red"],
        &["source", "list"],
        &["source", "list", "--json"],
        &["source", "show", "rod"],
        &["sighting", "list"],
        &["sighting", "list", "--json"],
        &["reader", "list"],
        &["member", "show", "3407"],
        &["sensor", "list"],
        &["sensor", "events"],
        &["audit", "list"],
        &["audit", "list", "--json"],
        &["audit", "export", "--member", "3407"],
        &["status"],
        &["indicator", "export", "--format", "stix", "--tlp-max", "amber"],
        &["indicator", "export", "--format", "plain"],
        &["indicator", "export", "--format", "rpz", "--tlp-max", "amber"],
        &["indicator", "export", "--format", "misp", "--tlp-max", "amber"],
    ] {
        hear(line);
    }
    let told = said(&run(&data, &["token", "add", "reads-all", "--role", "administrator", "--json"]).unwrap());
    let told: serde_json::Value = told.lines().find_map(|line| serde_json::from_str(line).ok()).unwrap();
    let token = told["token"].as_str().unwrap();
    for path in [
        "/",
        "/alarmer?fra=1970-01-01T00:00:00Z&til=1970-01-02T00:00:00Z",
        "/alarmer/eksport?form=csv&fra=1970-01-01T00:00:00Z&til=1970-01-02T00:00:00Z",
        "/alarmer/eksport?form=json&fra=1970-01-01T00:00:00Z&til=1970-01-02T00:00:00Z",
        "/alarmer/eksport?form=defanged&fra=1970-01-01T00:00:00Z&til=1970-01-02T00:00:00Z",
        "/saker",
        "/saker/eksport?form=json",
        "/kampanjer",
        "/kampanjer/eksport?form=csv",
        "/varsel",
        "/kampanje/1",
        "/kampanje/2",
        "/sak/1",
        "/sak/5",
        "/sensor/1",
        "/medlem/3407",
        "/api/picture",
        "/api/v1/campaigns",
        "/api/v1/campaigns/1",
        "/api/v1/campaigns/2",
        "/api/v1/incidents",
        "/api/v1/incidents/1",
        "/api/v1/incidents/5",
        "/api/v1/alerts",
        "/api/v1/indicators",
        "/api/v1/proposals",
    ] {
        heard.push((path.to_owned(), page(&web, token, path).unwrap()));
    }
    let token = |name: &str, options: &[&str]| {
        let output = run(&data, &[&["reader", "add", name], options].concat()).unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let readers = [
        ("clear", token("clear", &["--tlp", "clear"])),
        ("green", token("green", &["--tlp", "green"])),
        ("amber", token("amber", &["--tlp", "amber"])),
    ];
    let own = token("own", &["--tlp", "amber+strict", "--own"]);
    let all = |token: &str| {
        let mut all = String::new();
        for name in ["plain.txt", "domains.txt", "ips.txt", "rpz.zone", "misp/hashes.csv", "misp/manifest.json"] {
            let text = feed(&data, &tcp, token, name).unwrap();
            if name.ends_with("manifest.json") {
                let events: serde_json::Value = serde_json::from_str(&text).unwrap();
                for uuid in events.as_object().unwrap().keys() {
                    all += &feed(&data, &tcp, token, &format!("misp/{uuid}.json")).unwrap();
                }
            }
            all += &text;
        }
        all
    };
    for (level, token) in &readers {
        heard.push((format!("feed {level}"), all(token)));
    }
    // Where few may read, few do: in a feed of the operator's own, in an export of it, and where somebody asks for it by name.
    let own = all(&own);
    assert!(own.contains("redmark-two") && !own.contains("redmark-one") && !own.contains(MARKS[1]), "{own}");
    let strict = ask(&["indicator", "export", "--format", "plain", "--tlp-max", "amber+strict"]);
    assert!(strict.contains("redmark-two") && !strict.contains("redmark-one"), "{strict}");
    assert!(ask(&["indicator", "show", "1", "--confidential"]).contains("redmark-one.example"));
    let audit = ask(&["audit", "list", "--json"]);
    assert!(audit.contains("indicator show"), "that it was shown stands there: {audit}");
    heard.push(("audit".to_owned(), audit));
    collector.kill().unwrap();
    collector.wait().unwrap();
    heard.push((
        "log".to_owned(),
        said(&Output { status: made.status, stdout: std::fs::read(&log).unwrap(), stderr: Vec::new() }),
    ));
    let kept = std::fs::read(data.join("collector.log")).unwrap_or_default();
    heard.push(("collector.log".to_owned(), String::from_utf8_lossy(&kept).into_owned()));

    let told: Vec<_> = heard.iter().filter(|(_, text)| !marks_in(text).is_empty()).collect();
    assert!(told.is_empty(), "{told:#?}");
    // None of it is silent for another reason.
    let text = |what: &str| heard.iter().find(|(line, _)| line == what).map_or("", |(_, text)| text.as_str());
    for (what, part) in [
        ("indicator list", "confidential indicator 1"),
        ("indicator show 5 --json", "confidential indicator 5"),
        ("indicator lint", "confidential indicator 3"),
        ("alert list", "confidential indicator 2"),
        ("alert list --json", "openmark.example"),
        ("campaign list", "confidential indicator 1"),
        ("incident list --json", "confidential indicator 2"),
        ("allow list", "confidential indicator 1"),
        ("allow add redmark-two.example --reason x", "confidential indicator 5 never goes out"),
        ("recall show --json", "confidential indicator 5"),
        ("draft show --include-red --json", "confidential indicator 1"),
        ("feed green", "openmark.example"),
        ("/kampanje/2", "ortrolig indikator 2"),
        ("/alarmer?fra=1970-01-01T00:00:00Z&til=1970-01-02T00:00:00Z", "ortrolig indikator"),
        ("/alarmer/eksport?form=json&fra=1970-01-01T00:00:00Z&til=1970-01-02T00:00:00Z", "onfidential indicator"),
        ("/api/picture", "campaigns"),
        ("/api/v1/indicators", "confidential indicator 1"),
        ("/api/v1/campaigns/1", "confidential indicator"),
        ("publish --include-red", "ublished"),
    ] {
        assert!(text(what).contains(part), "{what}: {}", text(what));
    }
}
