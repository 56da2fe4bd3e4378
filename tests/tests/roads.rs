//! Promise: sources are fetched over the roads that municipalities have: through an HTTP proxy, and from servers that ask for a client's
//! certificate; and neither road shows anybody what is for the source alone (F2).

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::CertificateDer;
use varde_tests::community::Collector;
use varde_tests::feed_server::{FeedServer, Reply};
use varde_tests::programs::Said;
use varde_tests::proxy::{Answer, Proxy};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const GOOD: &str = "vond.example\nverre.example\n";
const SECRET: &str = "hemmelig-nokkel-9";

fn fetch(collector: &Collector, name: &str) -> Result<Said> {
    collector.try_ask(["source", "fetch", name, "--json"])
}

fn refused(collector: &Collector, name: &str, sentence: &str) -> Result<()> {
    let said = fetch(collector, name)?;
    ensure!(said.code == Some(1) && said.err.contains(sentence), "{sentence}: {said:?}");
    let row = collector.ask(["source", "show", name, "--json"])?.json()?;
    ensure!(row[0]["failed_why"].as_str().is_some_and(|why| why.contains(sentence)), "{row:?}");
    Ok(())
}

fn private(folder: &Path, name: &str, text: &str) -> Result<String> {
    let path = folder.join(name);
    fs::write(&path, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(path.to_string_lossy().into_owned())
}

fn holds(octets: &[u8], text: &str) -> bool {
    octets.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn f2_a_source_is_fetched_through_the_proxy_that_is_named_and_the_proxy_sees_nothing_of_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let server = FeedServer::start(folder.path(), LOOPBACK)?;
    server.set("/list", Reply::good("text/plain", GOOD));
    // A name that only the proxy can resolve, as where nothing but the proxy leads out.
    let host = format!("intel.example:{}", server.port());
    let proxy = Proxy::start([(host.clone(), SocketAddr::new(LOOPBACK, server.port()))])?;
    let (url, ca) = (format!("https://{host}/list"), server.ca());
    let secret = private(folder.path(), "secret", &format!("apikey Auth-Key {SECRET}\n"))?;
    let line = ["source", "add", "liste", "--kind", "file", &url, "--ca", &ca, "--auth-file", &secret];
    let added = collector.ask(line.into_iter().chain(["--proxy", &proxy.url()]))?;
    ensure!(added.out.contains("intel.example"), "{added:?}");
    let taken = fetch(&collector, "liste")?.ok()?.json()?;
    assert_eq!(taken[0]["new"], 2);
    let asked = proxy.asked();
    ensure!(
        asked.len() == 1 && asked[0].starts_with(&format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n")),
        "{asked:?}"
    );
    let passed = proxy.passed();
    ensure!(passed.len() > GOOD.len() && !holds(&passed, "vond.example") && !holds(&passed, SECRET), "it reads along");
    let at_server = server.asked();
    assert_eq!(at_server[0].headers.get("auth-key").map(String::as_str), Some(SECRET));
    assert_eq!(at_server[0].headers.get("host"), Some(&host));

    // What it answers in place of a tunnel is a sentence, and what stood stands.
    let long = [b"HTTP/1.1 200 OK\r\n".to_vec(), vec![b'x'; 200_000]].concat();
    for (answer, sentence) in [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n".to_vec(), "it answers 407"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n".to_vec(), "it answers 403"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec(), "no HTTP proxy"),
        (Vec::new(), "the proxy does not let through"),
        (long, "its answer is too long"),
        // A tunnel to somebody else: the certificate tells.
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\nfalsk.example\n".to_vec(), "TLS with it fails"),
    ] {
        proxy.set(Answer::Octets(answer));
        refused(&collector, "liste", sentence)?;
    }
    proxy.set(Answer::Good);
    // Where a redirect leads inside, the proxy is not even asked.
    proxy.asked();
    server.set("/list", Reply::to("https://10.0.0.1/list"));
    refused(&collector, "liste", "internal address, which is not followed")?;
    ensure!(proxy.asked().iter().all(|head| head.contains("intel.example")), "it was asked for what is inside");
    server.set("/list", Reply::good("text/plain", format!("{GOOD}nytt.example\n")));
    assert_eq!(fetch(&collector, "liste")?.ok()?.json()?[0]["new"], 1);

    // One that nobody has named is not used, whatever the environment says.
    collector.ask(["source", "add", "uten", "--kind", "file", &server.url("/list"), "--ca", &ca, "--internal"])?;
    let mut command = collector.command(["source", "fetch", "uten"])?;
    command.env("https_proxy", proxy.url()).env("HTTPS_PROXY", proxy.url()).env("ALL_PROXY", proxy.url());
    proxy.asked();
    varde_tests::programs::said(&mut command)?.ok()?;
    ensure!(proxy.asked().is_empty(), "a proxy of the environment's was asked");
    Ok(())
}

/// An authority, and what it issues to clients.
struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Result<Authority> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.der().clone();
        Ok(Authority { certificate, issuer: Issuer::new(params, key) })
    }

    /// A certificate and its key, PEM.
    fn issue(&self) -> Result<(String, String)> {
        let mut params = CertificateParams::new(vec!["varde.example".to_owned()])?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }
}

#[test]
fn f2_a_server_that_asks_for_a_certificate_is_shown_ours_and_nobody_else_is() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let (known, unknown) = (Authority::new()?, Authority::new()?);
    let listen = || TcpListener::bind((LOOPBACK, 0));
    let server = FeedServer::asking(listen()?, folder.path(), Some((&known.certificate, true)))?;
    server.set("/list", Reply::good("text/plain", GOOD));
    let (url, ca) = (server.url("/list"), server.ca());
    let add = |name: &str, ca: &str, more: &[&str]| {
        let line = ["source", "add", name, "--kind", "file", &url, "--ca", ca, "--internal"];
        collector.try_ask(line.into_iter().chain(more.iter().copied()))
    };
    add("uten", &ca, &[])?.ok()?;
    refused(&collector, "uten", "asks for a client's certificate")?;
    refused(&collector, "uten", "--auth-file")?;

    let (certificate, key) = unknown.issue()?;
    let foreign = private(folder.path(), "foreign.pem", &format!("{certificate}{key}"))?;
    add("fremmed", &ca, &["--auth-file", &foreign])?.ok()?;
    refused(&collector, "fremmed", "does not take the client's certificate")?;

    let (certificate, key) = known.issue()?;
    // One without its key is told at once, and nothing of it is repeated.
    let half = private(folder.path(), "half.pem", &certificate)?;
    let said = add("halv", &ca, &["--auth-file", &half])?;
    ensure!(said.code == Some(1) && said.err.contains("a certificate and its key"), "{said:?}");
    let open = folder.path().join("open.pem");
    fs::write(&open, format!("{certificate}{key}"))?;
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644))?;
    let said = add("open", &ca, &["--auth-file", &open.to_string_lossy()])?;
    ensure!(said.code == Some(1) && said.err.contains("chmod 600"), "{said:?}");

    let ours = private(folder.path(), "ours.pem", &format!("{certificate}{key}"))?;
    // Another server that would like to see one too, but does not insist.
    let other = FeedServer::asking(listen()?, folder.path(), Some((&known.certificate, false)))?;
    let both = folder.path().join("both.pem");
    fs::write(&both, format!("{}{}", fs::read_to_string(&ca)?, fs::read_to_string(other.ca())?))?;
    add("liste", &both.to_string_lossy(), &["--auth-file", &ours])?.ok()?;
    server.asked();
    assert_eq!(fetch(&collector, "liste")?.ok()?.json()?[0]["new"], 2);
    let asked = server.asked();
    ensure!(asked.len() == 1 && asked[0].certificate, "{asked:?}");
    // And through a proxy the same.
    let host = format!("intel.example:{}", server.port());
    let proxy = Proxy::start([(host.clone(), SocketAddr::new(LOOPBACK, server.port()))])?;
    let line = ["source", "add", "gjennom", "--kind", "file", &format!("https://{host}/list"), "--ca", &ca];
    collector.ask(line.into_iter().chain(["--auth-file", &ours, "--proxy", &proxy.url()]))?;
    fetch(&collector, "gjennom")?.ok()?;
    ensure!(server.asked().iter().all(|asked| asked.certificate));

    // It is that one server's to see: what it leads to elsewhere on this machine is not asked at all, and no list shows the key.
    server.set("/list", Reply::to(&other.url("/list")));
    refused(&collector, "liste", "internal address, which is not followed")?;
    assert_eq!(other.asked(), []);
    let secret: String = key.lines().nth(1).unwrap_or_default().to_owned();
    let mut shown = String::new();
    for line in [vec!["source", "list", "--json"], vec!["source", "show", "liste"], vec!["audit", "list", "--json"]] {
        shown.push_str(&collector.ask(line)?.out);
    }
    ensure!(secret.len() > 20 && !shown.contains(&secret), "the key is shown");
    Ok(())
}
