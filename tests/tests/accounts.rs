//! Promises W3 to W5 by the real programs: the first link makes an administrator, an invitation a member's account; one comes in by
//! password and code, so often a minute; a session has a new name each time, ends by itself and when it is ended; nothing is done for a form
//! from elsewhere; a token reads what its role may; over TLS it is what the fingerprint says.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use varde_agent::io::clock;
use varde_common::time::Timestamp;
use varde_common::trust::sha256;
use varde_tests::community::Collector;
use varde_tests::person::{Answer, PASSWORD, Person};
use varde_tests::programs::{PATIENCE, Which, eventually, run, said};

fn now() -> Timestamp {
    clock::now()
}

#[test]
fn w3_people_come_in_by_links_passwords_and_codes_and_sessions_end() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let base = format!("http://{}", collector.start()?.web);
    let kari = Person::new(folder.path(), "kari", &base);
    // A stranger is led to where one signs in, and back.
    let (status, head, _) = kari.get("/sak/1?lang=nn")?;
    ensure!(status == 303 && head.contains("location: /innlogging?til=%2fsak%2f1%3flang%3dnn"), "{head}");
    ensure!(kari.get("/api/v1/status")?.0 == 401);

    // The first start told a link, and whoever holds it becomes the administrator.
    let log = eventually("the first link is told", PATIENCE, || {
        let log = collector.running()?.log();
        Ok(log.contains("/lenke/").then_some(log))
    })?;
    let first =
        log.lines().find(|line| line.starts_with(&base) && line.contains("/lenke/")).context("no first link")?;
    let (totp, codes) = kari.accept(first, Some("Kari.Nordmann"))?;
    ensure!(kari.get("/")?.0 == 200 && kari.get("/konto")?.2.contains("kari.nordmann"));
    let accounts = collector.list("user")?;
    ensure!(accounts.len() == 1 && accounts[0]["role"] == "administrator", "{accounts:?}");

    // Nothing is done for a form that is not from our own page; what is done is done at the collector.
    let before = kari.cookie()?;
    ensure!(kari.post("/utlogging", &[("csrf", "x")])?.0 == 403);
    ensure!(kari.ask("/utlogging", &["--data", "csrf=x", "--header", "Origin: http://evil.example"])?.0 == 403);
    let csrf = kari.csrf()?;
    ensure!(kari.ask("/utlogging", &["--data", &format!("csrf={csrf}")])?.0 == 403, "from nowhere");
    ensure!(kari.post("/utlogging", &[("csrf", &csrf)])?.0 == 303);
    ensure!(
        kari.ask("/", &["--header", &format!("Cookie: varde={before}")])?.0 == 303,
        "the session is over, not only forgotten"
    );

    // By password and the telephone's next code; the one that was taken is taken.
    let (status, _, page) = kari.sign_in("kari.nordmann", &totp.code_at(Timestamp(0)))?;
    ensure!(status == 403 && page.contains("role=\"alert\""), "{status} {page}");
    let (status, head, _) = kari.sign_in("KARI.nordmann ", &totp.code_at(Timestamp(now().0 + 30_000_000)))?;
    ensure!(status == 303 && head.contains("location: /personvern"), "{head}");
    ensure!(head.contains("httponly") && head.contains("samesite=strict"), "{head}");
    let second = kari.cookie()?;
    ensure!(second != before, "another name each time");

    // A recovery code, once; the session of before goes on beside the new one until it is ended.
    let other = Person::new(folder.path(), "other", &base);
    ensure!(other.sign_in("kari.nordmann", &codes[0])?.0 == 303);
    ensure!(collector.ask(["user", "sessions", "kari.nordmann", "--json"])?.json()?.len() == 2);
    let csrf = other.csrf()?;
    let changed = other.post(
        "/konto/passord",
        &[
            ("csrf", &csrf),
            ("current", PASSWORD),
            ("password", "fire tilfeldige ord her"),
            ("again", "fire tilfeldige ord her"),
        ],
    )?;
    ensure!(changed.0 == 303, "{changed:?}");
    ensure!(other.get("/")?.0 == 200 && kari.get("/")?.0 == 303, "with another password the other session has ended");

    // Left alone it is over, and so it is when somebody at the collector says so.
    ensure!(collector.tamper("UPDATE page_session SET seen_at = seen_at - 16 * 60000000")? == 1);
    ensure!(other.get("/")?.0 == 303, "a quarter of an hour");
    let link = collector.link(["user", "link", "kari.nordmann", "--json"])?;
    let path = link.strip_prefix(&base).context("a link elsewhere")?;
    ensure!(other.get(path)?.0 == 200 && other.get("/")?.0 == 303, "looking uses nothing up");
    ensure!(other.post(path, &[])?.0 == 303 && other.get("/")?.0 == 200 && other.post(path, &[])?.0 == 404);
    collector.ask(["user", "disable", "kari.nordmann"])?;
    ensure!(other.get("/")?.0 == 303);
    collector.stop()
}

#[test]
fn w5_who_guesses_is_stopped_and_told_for_how_long() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let base = format!("http://{}", collector.start()?.web);
    let stranger = Person::new(folder.path(), "stranger", &base);
    let guess = |name: &str| stranger.sign_in(name, "123456");
    // How many a minute is proved beside the code; a busy machine looks at passwords slowly.
    let stopped = |names: &dyn Fn(usize) -> String| -> Result<(usize, Answer)> {
        for number in 0..60 {
            let answer = guess(&names(number))?;
            if answer.0 == 429 {
                return Ok((number, answer));
            }
            ensure!(answer.0 == 403 && answer.2.contains("role=\"alert\""), "{answer:?}");
        }
        anyhow::bail!("nobody is stopped")
    };
    let (number, (_, head, page)) = stopped(&|_| "Kari".to_owned())?;
    let wait =
        head.lines().find_map(|line| line.strip_prefix("retry-after: ")).context("no Retry-After")?.parse::<u64>()?;
    ensure!(number >= 5 && (1..=60).contains(&wait) && page.contains("role=\"alert\""), "{number} {head}");
    let (number, _) = stopped(&|number| format!("navn{number}"))?;
    ensure!(number >= 15, "{number} from one address");
    collector.stop()
}

#[test]
fn w1_a_members_person_and_tokens_read_what_is_theirs() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.add_member("3407", "Gjøvik")?;
    collector.add_member("0301", "Oslo")?;
    let base = format!("http://{}", collector.start()?.web);
    let ola = Person::new(folder.path(), "ola", &base);
    let refused = collector.try_ask(["user", "add", "ola", "--role", "it"])?;
    ensure!(refused.code == Some(1) && refused.err.contains("--member NUMBER"), "{refused:?}");
    ola.accept(&collector.link(["user", "add", "ola", "--role", "it", "--member", "3407", "--json"])?, None)?;
    let (status, _, page) = ola.get("/medlem/3407")?;
    ensure!(status == 200 && page.contains("Gjøvik"));
    for (path, status) in
        [("/medlem/0301", 404), ("/live", 403), ("/api/v1/members", 200), ("/api/picture", 200), ("/", 200)]
    {
        let (got, _, body) = ola.get(path)?;
        ensure!(got == status && !body.contains("Oslo"), "{path}: {got} {body}");
    }
    // Another role, and the session of before is over.
    collector.ask(["user", "role", "ola", "management"])?;
    ensure!(ola.get("/")?.0 == 303);

    let token = |name: &str, role: &str| -> Result<String> {
        let told = collector.ask(["token", "add", name, "--role", role, "--json"])?.json()?;
        Ok(told.first().and_then(|told| told["token"].as_str()).context("no token")?.to_owned())
    };
    let (wall, program) = (token("vegg", "wall")?, token("siem", "auditor")?);
    let bearer = |token: &str, path: &str| ola.ask(path, &["--header", &format!("Authorization: Bearer {token}")]);
    for (path, of_wall, of_program) in [
        ("/", 200, 200),
        ("/api/v1/members", 403, 200),
        ("/api/v1/alerts", 403, 403),
        ("/sak/1", 403, 403),
        ("/konto", 403, 403),
    ] {
        ensure!((bearer(&wall, path)?.0, bearer(&program, path)?.0) == (of_wall, of_program), "{path}");
    }
    ensure!(bearer(&format!("{program}x"), "/api/v1/members")?.0 == 401);
    // A screen is given its token once, and one that reads more hangs on no wall.
    let screen = Person::new(folder.path(), "screen", &base);
    ensure!(screen.post("/skjerm", &[("token", &program)])?.0 == 403 && screen.get("/")?.0 == 303);
    ensure!(screen.post("/skjerm", &[("token", &wall)])?.0 == 303 && screen.get("/")?.0 == 200);
    let removed = collector.list("token")?.into_iter().find(|token| token["name"] == "vegg").context("listed")?;
    collector.ask(["token", "remove", &removed["id"].to_string()])?;
    ensure!(screen.get("/")?.0 == 303, "it opens nothing any more");
    collector.stop()
}

#[test]
fn w3_over_tls_the_pages_are_what_the_fingerprint_says_and_otherwise_this_machines_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("collector");
    let mut collector = Collector::init(&data)?;
    let alone = run(
        Which::Collector,
        [
            "--data",
            &data.to_string_lossy(),
            "run",
            "--web",
            "0.0.0.0:0",
            "--quic",
            "127.0.0.1:0",
            "--enroll",
            "127.0.0.1:0",
            "--tcp",
            "none",
        ],
    )?;
    ensure!(alone.code == Some(1) && alone.err.contains("web_name = \"varde.example.no\""), "{alone:?}");
    std::fs::write(data.join("collector.toml"), "web_name = \"varde.test\"\n")?;
    let web = collector.start()?.web;
    let port = web.rsplit(':').next().context("no port")?;
    let authority = data.join("keys/ca.crt");
    let pem = std::fs::read_to_string(&authority)?;
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let octets = sha256(&base64::engine::general_purpose::STANDARD.decode(text)?);
    let fingerprint = octets.map(|octet| format!("{octet:02X}")).join(":");
    ensure!(collector.running()?.log().contains(&fingerprint), "{fingerprint} is not told");
    let mut kari = Person::new(folder.path(), "kari", &format!("https://varde.test:{port}"));
    kari.more = vec![
        "--resolve".into(),
        format!("varde.test:{port}:127.0.0.1"),
        "--cacert".into(),
        authority.to_string_lossy().into_owned(),
    ];
    let (status, head, _) = kari.get("/innlogging")?;
    ensure!(status == 200 && head.contains("strict-transport-security: max-age="), "{head}");
    let log = collector.running()?.log();
    let first =
        log.lines().find(|line| line.starts_with(&kari.base) && line.contains("/lenke/")).context("no first link")?;
    kari.accept(first, Some("kari"))?;
    ensure!(std::fs::read_to_string(&kari.jar)?.contains("__Host-varde"), "bound to this host and to TLS");
    ensure!(kari.get("/")?.0 == 200);
    ensure!(kari.ask("/", &["--header", "Host: evil.example"])?.0 == 421);
    // What knows nothing of TLS is answered nothing.
    let plain =
        said(Command::new("curl").args(["--silent", "--max-time", "20", &format!("http://127.0.0.1:{port}/")]))?;
    ensure!(plain.out.is_empty() && plain.code != Some(0), "{plain:?}");
    collector.stop()
}
