//! The page as a browser and a stranger meet it: over HTTP, from a filled store.

use std::collections::BTreeMap;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use varde_collector::account::role::Role;
use varde_collector::account::secret::Secret;
use varde_collector::change::{Change, Changes};
use varde_collector::io::{clock, secret, web};
use varde_collector::present::asset::address;
use varde_collector::store::page_token::NewToken;
use varde_collector::store::picture::Subject;
use varde_collector::store::{Scope, Store};

mod asked;
mod fill;
mod hostile;
mod looks;
mod member;
mod told;

const DEADLINE: Duration = Duration::from_secs(60);

struct Site {
    _directory: TempDir,
    store: Store,
    changes: Changes,
    stop: watch::Sender<bool>,
    address: String,
    /// Of somebody who may read everything.
    token: Secret,
    serving: JoinHandle<()>,
}

async fn site(word: Option<&(dyn Fn(&str) -> String + Sync)>, room: usize) -> anyhow::Result<Site> {
    let directory = tempfile::tempdir()?;
    let store = Store::create(directory.path()).await?;
    if let Some(word) = word {
        fill::fill(&store, clock::now(), word).await?;
    }
    let token = secret::draw()?;
    let new = NewToken { name: "site", role: Role::Administrator, member: None, until: None };
    store.add_page_token(&new, &token, clock::now()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let (changes, _) = broadcast::channel(room);
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(web::serve(listener, store.clone(), changes.clone(), stopped));
    Ok(Site { _directory: directory, store, changes, stop, address, token, serving })
}

fn as_is(text: &str) -> String {
    text.to_owned()
}

/// One request, its whole answer: status, headers in lower case, body.
async fn ask(site: &Site, request: &str) -> anyhow::Result<(u16, BTreeMap<String, String>, String)> {
    let mut stream = TcpStream::connect(&site.address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    tokio::time::timeout(DEADLINE, stream.read_to_end(&mut answer)).await??;
    let answer = String::from_utf8(answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| anyhow::anyhow!("no header ends: {answer}"))?;
    let status = head.split(' ').nth(1).unwrap_or_default().parse()?;
    let headers = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Ok((status, headers, body.to_owned()))
}

async fn get(site: &Site, path: &str, more: &str) -> anyhow::Result<(u16, BTreeMap<String, String>, String)> {
    let token = site.token.token();
    let head = format!("Host: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n");
    ask(site, &format!("GET {path} HTTP/1.1\r\n{head}{more}\r\n")).await
}

#[tokio::test]
async fn shows_campaigns_members_evidence_and_sensors_in_three_languages() {
    let site = site(Some(&as_is), 16).await.unwrap();
    for (language, words) in [
        (
            "nb",
            [
                "lang=\"nb\"",
                "5 av 7 medlemmer som kunne se det, er truffet. 1 av 8 kunne ikke",
                "stille siden",
                "ØVELSE",
            ],
        ),
        (
            "nn",
            [
                "lang=\"nn\"",
                "5 av 7 medlemmer som kunne sjå det, er ramma. 1 av 8 kunne ikkje",
                "stille sidan",
                "ØVING",
            ],
        ),
        (
            "en",
            ["lang=\"en\"", "5 of 7 members that could see it were hit. 1 of 8 could not", "silent since", "EXERCISE"],
        ),
    ] {
        let (status, headers, body) =
            get(&site, "/", &format!("Cookie: a=b; varde_lang={language}\r\n")).await.unwrap();
        assert_eq!((status, headers["content-language"].as_str()), (200, language));
        for word in words {
            assert!(body.contains(word), "{language}: {word}");
        }
        for word in
            ["Gjøvik", "Porsáŋgu", "login-porten[.]example", "203[.]0[.]113[.]77:8443", "/kampanje/1", "Kartverket"]
        {
            assert!(body.contains(word), "{language}: {word}");
        }
        // The exercise stands after what is real, and no indicator can be clicked.
        assert!(body.find("campaign-1").unwrap() < body.find("campaign-2").unwrap());
        // Whole it stands only where machines read it.
        assert!(!body.replace("<data value=\"login-porten.example\">", "").contains("login-porten.example"));
        let (status, _, fragment) = get(&site, "/?fragment=1", "").await.unwrap();
        assert_eq!(status, 200);
        assert!(!fragment.contains("<html") && fragment.contains("id=\"campaigns\""));
    }
    let (status, _, body) = get(&site, "/kampanje/1", "").await.unwrap();
    assert_eq!(status, 200);
    for word in
        ["<svg class=\"spread\"", "H-7Q2M4T9X0B310", "Hvorfor ser jeg dette?", "samme trussel: Portlure", "fast takt"]
    {
        assert!(body.contains(word), "{word}");
    }
    let (status, _, body) = get(&site, "/sak/31", "").await.unwrap();
    assert!(status == 200 && body.contains("fortrolig indikator 4") && body.contains("kom utenfra"));
    assert!(!body.contains("db8:bad"), "TLP:RED is on no page, the operator's neither");
    for path in
        ["/kampanje/99", "/kampanje/x", "/sak/-1", "/sensor/99", "/sensor/x", "/nowhere", "/sak/9999999999999999999999"]
    {
        assert_eq!(get(&site, path, "").await.unwrap().0, 404, "{path}");
    }
}

#[tokio::test]
async fn a_sensors_page_tells_what_it_lost_and_cannot_see() {
    let site = site(Some(&as_is), 16).await.unwrap();
    let (_, _, front) = get(&site, "/", "").await.unwrap();
    assert!(front.contains("href=\"/sensor/3\""));
    for (language, words) in [
        (
            "nb",
            [
                "Det sensoren ikke kan se",
                "41 av 8 410 strømmer ut (3 DoT, 0 DoQ, 38 DoH",
                "312 av 8 410 strømmer ut",
                "9 av 7 001 TLS-åpninger",
                "1 204 av 55 133 449 rammer",
                "1 av 2 kilder kan ikke si",
                "17 spørringer som ventet på svar",
                "avkortet",
            ],
        ),
        (
            "nn",
            [
                "Det sensoren ikkje kan sjå",
                "41 av 8 410 straumar ut",
                "312 av 8 410 straumar ut",
                "9 av 7 001 TLS-opningar",
                "1 204 av 55 133 449 rammer",
                "1 av 2 kjelder kan ikkje seie",
                "17 spørjingar",
                "avkorta",
            ],
        ),
        (
            "en",
            [
                "What the sensor cannot see",
                "41 of 8 410 flows out",
                "312 of 8 410 flows out",
                "9 of 7 001 TLS hellos",
                "1 204 of 55 133 449 frames",
                "1 of 2 sources cannot tell",
                "17 queries",
                "cut short",
            ],
        ),
    ] {
        let (status, _, body) = get(&site, &format!("/sensor/3?lang={language}"), "").await.unwrap();
        assert_eq!(status, 200);
        let body = body.replace(['\u{a0}', '\u{202f}'], " ");
        for word in words.into_iter().chain(["<code>dns_cut_short</code>", "<code>later_fragment</code>"]) {
            assert!(body.contains(word), "{word} in {body}");
        }
    }
    // One that has not told, and one that never came, say so.
    for id in [1, 7] {
        let (status, _, body) = get(&site, &format!("/sensor/{id}"), "").await.unwrap();
        assert!(status == 200 && body.contains("ikke sagt noe om tap og blindsoner"), "{body}");
    }
    let (_, _, fragment) = get(&site, "/sensor/3?fragment=1", "").await.unwrap();
    assert!(!fragment.contains("<html") && fragment.contains("id=\"blind\""));
}

#[tokio::test]
async fn nothing_is_explained_with_its_denominator_and_the_next_step() {
    let site = site(None, 16).await.unwrap();
    let (_, _, body) = get(&site, "/", "").await.unwrap();
    assert!(body.contains("ingen medlemmer ennå") && body.contains("varde-collector member add"));
    assert!(!body.contains("<strong>0</strong>"), "a bare zero");
    let mut tx = site.store.begin().await.unwrap();
    sqlx::query("INSERT INTO member (id, number, name, added_at) VALUES (1, '3407', 'Gjøvik', 0)")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let (_, _, body) = get(&site, "/", "Accept-Language: en\r\n").await.unwrap();
    assert!(body.contains("Hits at 0 of 0 members that can see now (1 in all)"), "{body}");
    assert!(body.contains("1 member has no sensor") && body.contains("varde-collector sensor token"));
}

/// Each with something that would break out of text, an attribute, a line or the reading direction.
const HOSTILE: [&str; 30] = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' onfocus='alert(1)' autofocus='",
    "javascript:alert(1)//<",
    "</title><script>x</script>",
    "</time><b>",
    "<!-- <b>",
    "--><b>",
    "]]><b>",
    "<![CDATA[<b>",
    "&lt;b&gt;<b>",
    "&#x3c;b&#x3e;\"",
    "{{ 7 * 7 }}<b>",
    "{% raw %}<b>",
    "${7*7}`<b>`",
    "{ $n -> [1] a *[other] b }<b>",
    "a\0b<",
    "a\u{1b}[31mred\u{1b}[0m<",
    "a\r\nSet-Cookie: x=y\r\n\r\n<b>",
    "\u{202e}no.live\u{202c}<",
    "\u{2066}x\u{2069}<\u{200b}\u{200d}",
    "\u{feff}<b\u{ad}>",
    "\u{85}\u{2028}\u{2029}<",
    "=HYPERLINK(\"http://x\";\"y\")",
    "<a href='http://evil.example'>x</a>",
    "<style>*{display:none}</style>",
    "\u{e0001}\u{e0041}<iframe srcdoc='x'>",
];

fn raw(body: &str, sign: char) -> usize {
    body.matches(sign).count()
}

#[tokio::test]
async fn s6_hostile_text_in_every_field_never_leaves_its_place() {
    let paths =
        ["/", "/kampanje/1", "/kampanje/2", "/sak/31", "/sensor/3", "/sensor/6", "/?lang=nn", "/kampanje/1?lang=en"];
    let plain = site(Some(&|text: &str| format!("harmless{}", text.len() * 7919 + hash(text))), 16).await.unwrap();
    let mut shapes = Vec::new();
    for path in paths {
        let body = get(&plain, path, "").await.unwrap().2;
        shapes.push(['<', '>', '"', '\''].map(|sign| raw(&body, sign)));
    }
    for payload in HOSTILE {
        let hostile = site(Some(&|text: &str| format!("{payload}{text}{payload}")), 16).await.unwrap();
        for (path, shape) in paths.iter().zip(&shapes) {
            let (status, headers, body) = get(&hostile, path, "").await.unwrap();
            assert_eq!(status, 200, "{path} {payload:?}");
            assert!(headers.keys().filter(|name| *name == "set-cookie").count() <= 1);
            assert_eq!(&['<', '>', '"', '\''].map(|sign| raw(&body, sign)), shape, "{path} {payload:?}");
            let odd = body.chars().find(|&c| {
                (c.is_control() && c != '\n') || matches!(u32::from(c), 0xad | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe0000..)
            });
            assert_eq!(odd, None, "{path} {payload:?}");
        }
        let (status, headers, body) = get(&hostile, "/api/picture", "").await.unwrap();
        assert!(status == 200 && headers["content-type"] == "application/json");
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert!(json["campaigns"][0]["title"].as_str().unwrap().starts_with(payload), "machines get the true text");
        hostile.store.close().await;
    }
}

#[tokio::test]
async fn d5_a_full_disk_is_said_on_every_page_and_to_whoever_watches_over_it() {
    let site = site(Some(&as_is), 16).await.unwrap();
    assert_eq!(get(&site, "/health", "").await.unwrap().0, 200);
    assert!(site.store.handle_full() && !site.store.handle_full(), "it is news once");
    for (language, said) in
        [("en", "The disk of the database is full"), ("nb", "Disken til databasen er full"), ("nn", "blir lagra")]
    {
        for path in ["/", "/kampanje/1", "/sak/31", "/sensor/3"] {
            let (status, _, body) = get(&site, &format!("{path}?lang={language}&fragment=1"), "").await.unwrap();
            assert!(
                status == 200 && body.contains(said) && body.contains("role=\"alert\""),
                "{path} {language}: {body}"
            );
        }
    }
    let (status, _, body) = get(&site, "/health", "").await.unwrap();
    assert!(status == 503 && body.contains("full"), "{status} {body}");
    assert!(site.store.try_room().await.unwrap());
    assert!(!get(&site, "/?lang=en", "").await.unwrap().2.contains("is full"));
    assert_eq!(get(&site, "/health", "").await.unwrap().0, 200);
}

fn hash(text: &str) -> usize {
    text.bytes().fold(17, |hash, byte| hash * 31 % 1_000_003 + usize::from(byte))
}

#[tokio::test]
async fn nothing_is_inline_and_every_answer_carries_its_guards() {
    let site = site(Some(&as_is), 16).await.unwrap();
    for path in [
        "/",
        "/kampanje/1",
        "/sak/31",
        "/sensor/3",
        "/nowhere",
        "/health",
        "/api/picture",
        "/api/v1/alerts",
        "/api/v1/openapi.json",
        &address("live.js"),
        &address("varde.css"),
        &address("icon-1.svg"),
        "/assets/0123456789abcdef/varde.css",
    ] {
        let (status, headers, body) = get(&site, path, "").await.unwrap();
        let policy = &headers["content-security-policy"];
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(rule), "{path} {rule}");
        }
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(
            headers["cache-control"],
            // What lies under another release's hash is not there, and nobody is to remember that.
            if path.starts_with("/assets/") && status == 200 {
                "public, max-age=31536000, immutable"
            } else {
                "no-store"
            },
            "{path}"
        );
        if headers["content-type"].starts_with("text/html") {
            assert_eq!(body.matches("<script").count(), 2);
            for script in ["live.js", "keys.js"] {
                assert!(body.contains(&format!("<script src=\"{}\" defer></script>", address(script))));
            }
            for inline in ["style=", "<style", " onclick=", " onload=", " onerror=", "javascript:"] {
                assert!(!body.contains(inline), "{path} {inline}");
            }
        }
    }
    for method in ["POST", "PUT", "DELETE"] {
        let request =
            format!("{method} / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(ask(&site, &request).await.unwrap().0, 405, "{method}");
    }
}

#[tokio::test]
async fn answers_only_under_the_machines_own_names() {
    let site = site(None, 16).await.unwrap();
    for (host, status) in [
        ("Host: localhost\r\n", 200),
        ("Host: LOCALHOST:8443\r\n", 200),
        ("Host: 127.0.0.1:1\r\n", 200),
        ("Host: [::1]:443\r\n", 200),
        ("Host: [::1]\r\n", 200),
        ("Host: evil.example\r\n", 421),
        ("Host: localhost.evil.example\r\n", 421),
        ("Host: localhost:evil\r\n", 421),
        ("Host: localhost@evil.example\r\n", 421),
        ("Host: 127.0.0.1.evil.example:80\r\n", 421),
        ("Host: [::1].evil.example\r\n", 421),
        ("Host: 0.0.0.0\r\n", 421),
        ("Host: localhost:99999\r\n", 421),
        ("Host: localhost\r\nHost: evil.example\r\n", 421),
        ("Host:\r\n", 421),
    ] {
        for path in ["/health", "/live-none"] {
            let request = format!("GET {path} HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
            let (got, headers, body) = ask(&site, &request).await.unwrap();
            let expected = if status == 200 && path != "/health" { 404 } else { status };
            assert_eq!(got, expected, "{host}");
            assert!(headers.contains_key("content-security-policy"));
            assert!(got != 421 || body.contains("answers only to localhost"));
        }
    }
    let line = "GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(ask(&site, line).await.unwrap().0, 421);
}

/// Reads a live stream until `word` has come.
async fn until(stream: &mut TcpStream, heard: &mut String, word: &str) -> anyhow::Result<()> {
    let mut buffer = [0; 4096];
    while !heard.contains(word) {
        let read = tokio::time::timeout(DEADLINE, stream.read(&mut buffer)).await??;
        anyhow::ensure!(read > 0, "the stream ended before {word}: {heard}");
        heard.push_str(&String::from_utf8_lossy(buffer.get(..read).unwrap_or_default()));
    }
    Ok(())
}

async fn listen(site: &Site) -> anyhow::Result<(TcpStream, String)> {
    let mut stream = TcpStream::connect(&site.address).await?;
    let token = site.token.token();
    let asked = format!("GET /live HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(asked.as_bytes()).await?;
    let mut heard = String::new();
    until(&mut stream, &mut heard, "event: hello").await?;
    Ok((stream, heard))
}

#[tokio::test]
async fn changes_are_told_live_folded_and_the_stream_ends_on_stop() {
    let site = site(Some(&as_is), 4_096).await.unwrap();
    let (mut stream, mut heard) = listen(&site).await.unwrap();
    for round in 0..300 {
        for id in 0..3 {
            site.changes.send(Change::Incident(id)).unwrap();
        }
        site.changes.send(Change::Campaign(round % 2)).unwrap();
    }
    until(&mut stream, &mut heard, "\"news\":5").await.unwrap();
    assert!(heard.contains("text/event-stream") && heard.matches("event: change").count() <= 2, "{heard}");
    site.changes.send(Change::List(13)).unwrap();
    until(&mut stream, &mut heard, "\"lists\":true").await.unwrap();
    site.changes.send(Change::Sensor(1)).unwrap();
    until(&mut stream, &mut heard, "\"sensors\":true").await.unwrap();

    site.stop.send(true).unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(DEADLINE, stream.read_to_end(&mut rest)).await.unwrap().unwrap();
    tokio::time::timeout(DEADLINE, site.serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_listener_that_fell_behind_is_told_to_read_afresh() {
    let site = site(None, 2).await.unwrap();
    let (mut stream, mut heard) = listen(&site).await.unwrap();
    // One thread: the teller cannot run between these, and only two fit.
    for id in 0..50 {
        site.changes.send(Change::Incident(id)).unwrap();
    }
    until(&mut stream, &mut heard, "event: reload").await.unwrap();
}

#[tokio::test]
async fn p3_a_member_is_never_told_anothers_name_number_or_time() {
    let site = site(Some(&as_is), 16).await.unwrap();
    for (own, (number, name)) in (1_i64..).zip(fill::MEMBERS) {
        let scope = Scope::Member(own);
        let mut told = format!("{:?}", site.store.picture(scope).await.unwrap());
        for subject in [1, 2, 9].map(Subject::Campaign).into_iter().chain((11..=31).map(Subject::Incident)) {
            if let Some(detail) = site.store.picture_of(scope, subject).await.unwrap() {
                told.push_str(&format!("{detail:?}"));
            }
        }
        assert!(told.contains(name) && told.contains(number));
        for (other, foreign) in fill::MEMBERS.iter().filter(|(_, other)| *other != name) {
            assert!(!told.contains(foreign), "{name} reads {foreign}");
            assert!(!told.contains(&format!("\"{other}\"")), "{name} reads {other}");
        }
        assert!(!told.contains("2001:db8:bad"), "TLP:RED stays where it is");
    }
    // Four others were hit with Gjøvik: told as at least three. One with Gran: not told.
    let others = |picture: &varde_collector::store::picture::Picture| {
        picture.campaigns.iter().map(|campaign| campaign.others).collect::<Vec<_>>()
    };
    assert_eq!(others(&site.store.picture(Scope::Member(1)).await.unwrap()), [Some(3)]);
    assert_eq!(
        others(&site.store.picture(Scope::Member(5)).await.unwrap()),
        [],
        "that it is there would tell of the one"
    );
    assert_eq!(site.store.picture(Scope::Member(7)).await.unwrap().campaigns_total, 0);
    assert!(site.store.picture_of(Scope::Member(7), Subject::Campaign(1)).await.unwrap().is_none());
    assert!(site.store.picture_of(Scope::Member(7), Subject::Incident(11)).await.unwrap().is_none());
}
