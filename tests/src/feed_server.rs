//! A server of intelligence over HTTPS that answers as it is told, well or as no server should, and keeps what it was asked.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// A request's head and body that are taken.
const TAKEN_MAX_OCTETS: u64 = 1024 * 1024;
/// What never ends does, after so many blocks: nobody listens by then.
const BLOCKS_MAX: usize = 10_000;
/// Between two octets of an answer that drips.
const DRIP: Duration = Duration::from_millis(100);

/// How a path is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A status, header lines, a body.
    Whole(u16, Vec<String>, Vec<u8>),
    /// Header lines, and blocks without end.
    Endless(Vec<String>, Vec<u8>),
    /// An octet now and then.
    Drip,
    /// Half of what it says it will send.
    Half(Vec<u8>),
    /// A head without end.
    EndlessHead,
    /// Nothing at all.
    Silence,
}

impl Reply {
    /// A good answer of this type.
    pub fn good(kind: &str, body: impl Into<Vec<u8>>) -> Reply {
        Reply::Whole(200, vec![format!("Content-Type: {kind}")], body.into())
    }

    /// A redirect.
    pub fn to(location: &str) -> Reply {
        Reply::Whole(302, vec![format!("Location: {location}")], Vec::new())
    }
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// GET or POST.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Header lines, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// What was posted.
    pub body: String,
    /// Whether a client's certificate was shown.
    pub certificate: bool,
}

#[derive(Debug, Default)]
struct Shared {
    replies: BTreeMap<String, Reply>,
    asked: Vec<Asked>,
}

/// The server; it ends with the process.
#[derive(Debug)]
pub struct FeedServer {
    address: IpAddr,
    port: u16,
    ca: PathBuf,
    shared: Arc<Mutex<Shared>>,
}

impl FeedServer {
    /// Listens on an address of this machine; the certificate by which it is believed is written into `folder`.
    ///
    /// # Errors
    /// The system's own.
    pub fn start(folder: &Path, address: IpAddr) -> Result<FeedServer> {
        FeedServer::on(TcpListener::bind((address, 0))?, folder)
    }

    /// The same on a socket that was opened in the network it stands in.
    ///
    /// # Errors
    /// The system's own.
    pub fn on(listener: TcpListener, folder: &Path) -> Result<FeedServer> {
        FeedServer::asking(listener, folder, None)
    }

    /// The same; it asks for a client's certificate of this authority, and without one answers nobody, or all the same.
    ///
    /// # Errors
    /// The system's own.
    pub fn asking(
        listener: TcpListener,
        folder: &Path,
        clients: Option<(&CertificateDer<'static>, bool)>,
    ) -> Result<FeedServer> {
        let local = listener.local_addr()?;
        let names = vec![local.ip().to_string(), "localhost".to_owned(), "intel.example".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).context("no certificate")?;
        let ca = folder.join(format!("ca-{}.pem", local.port()));
        std::fs::write(&ca, made.cert.pem())?;
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some((authority, is_needed)) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.clone())?;
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = if is_needed { verifier } else { verifier.allow_unauthenticated() };
                builder.with_client_cert_verifier(verifier.build()?)
            }
        };
        let config = builder.with_single_cert(vec![made.cert.der().clone()], key)?;
        let (config, shared) = (Arc::new(config), Arc::new(Mutex::new(Shared::default())));
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, shared) = (Arc::clone(&config), Arc::clone(&serving));
                // One that breaks is the client's business.
                std::thread::spawn(move || serve(stream, config, &shared));
            }
        });
        Ok(FeedServer { address: local.ip(), port: local.port(), ca, shared })
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", std::net::SocketAddr::new(self.address, self.port))
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file with the certificate by which it is believed.
    pub fn ca(&self) -> String {
        self.ca.to_string_lossy().into_owned()
    }

    /// From now on a path (without its query) is answered so.
    pub fn set(&self, path: &str, reply: Reply) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).replies.insert(path.to_owned(), reply);
    }

    /// What it was asked since the last time.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner).asked)
    }
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, shared: &Mutex<Shared>) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_write_timeout(Some(Duration::from_secs(60)))?;
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    loop {
        let Some(mut asked) = request(&mut stream)? else { return Ok(()) };
        asked.certificate = stream.get_ref().conn.peer_certificates().is_some();
        let path = asked.path.split('?').next().unwrap_or_default().to_owned();
        let etag = asked.headers.get("if-none-match").cloned();
        let reply = {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            shared.asked.push(asked);
            shared.replies.get(&path).cloned()
        };
        let reply = reply.unwrap_or(Reply::Whole(404, Vec::new(), Vec::new()));
        if !answer(stream.get_mut(), reply, etag)? {
            return Ok(());
        }
    }
}

fn request(stream: &mut impl BufRead) -> io::Result<Option<Asked>> {
    let mut head = stream.take(TAKEN_MAX_OCTETS);
    let mut line = String::new();
    if head.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        head.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = String::new();
    head.take(length).read_to_string(&mut body)?;
    Ok(Some(Asked { method, path, headers, body, certificate: false }))
}

/// Gives whether the connection goes on.
fn answer(stream: &mut impl Write, reply: Reply, etag: Option<String>) -> io::Result<bool> {
    match reply {
        Reply::Whole(status, headers, body) => {
            let is_known = etag.is_some_and(|etag| headers.contains(&format!("ETag: {etag}")));
            let (status, body) = if is_known { (304, Vec::new()) } else { (status, body) };
            let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
            let length = if is_known { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
            stream.write_all(format!("HTTP/1.1 {status} X\r\n{lines}{length}\r\n").as_bytes())?;
            stream.write_all(&body)?;
            stream.flush()?;
            Ok(true)
        }
        Reply::Endless(headers, block) => {
            let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
            stream.write_all(format!("HTTP/1.1 200 OK\r\n{lines}Connection: close\r\n\r\n").as_bytes())?;
            for _ in 0..BLOCKS_MAX {
                stream.write_all(&block)?;
            }
            Ok(false)
        }
        Reply::Drip => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n")?;
            for _ in 0..BLOCKS_MAX {
                stream.write_all(b"a")?;
                stream.flush()?;
                std::thread::sleep(DRIP);
            }
            Ok(false)
        }
        Reply::Half(body) => {
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", body.len() * 2);
            stream.write_all(head.as_bytes())?;
            stream.write_all(&body)?;
            stream.flush()?;
            Ok(false)
        }
        Reply::EndlessHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            for number in 0..BLOCKS_MAX * 10 {
                stream.write_all(format!("X-{number}: {}\r\n", "a".repeat(1_000)).as_bytes())?;
            }
            Ok(false)
        }
        Reply::Silence => {
            std::thread::sleep(Duration::from_secs(60));
            Ok(false)
        }
    }
}
