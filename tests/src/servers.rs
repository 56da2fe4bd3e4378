//! Servers that real clients find at the other end: HTTP/1 and HTTP/2 over TLS, plain HTTP/1, QUIC. Each takes a socket that
//! was opened in the network it stands in, and ends with the process.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;

use anyhow::{Context, Result};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// The longest HTTP/1 head, HTTP/2 frame or QUIC message taken.
const TAKEN_MAX_OCTETS: usize = 64 * 1024;
/// A page of nothing.
const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
/// What every HTTP/2 client says first (RFC 9113 section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// HTTP/2 frames (RFC 9113 section 6): kinds, and the flags that matter here.
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const ACK: u8 = 1;
const END_STREAM_AND_HEADERS: u8 = 5;
/// `:status: 200` as HPACK's table has it (RFC 7541, appendix A).
const STATUS_200: u8 = 0x88;

/// A certificate nobody has signed but its owner, for some names.
#[derive(Debug)]
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// For these names.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Identity> {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let made = rcgen::generate_simple_self_signed(names).context("no certificate")?;
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        Ok(Identity { certificate: made.cert.der().clone(), key })
    }

    fn server(&self, alpn: &[&[u8]]) -> Result<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config =
            builder.with_no_client_auth().with_single_cert(vec![self.certificate.clone()], self.key.clone_key())?;
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(config)
    }

    fn client(&self, alpn: &[&[u8]]) -> Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone())?;
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(config)
    }
}

/// Each connection on a thread of its own; one that breaks is the client's business.
fn accept(listener: TcpListener, serve: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static) {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
}

/// Serves empty pages over HTTP/1.
pub fn http(listener: TcpListener) {
    accept(listener, http1);
}

/// Serves empty pages over TLS 1.3, in HTTP/2 or HTTP/1 as the client wishes.
///
/// # Errors
/// When the identity cannot be used.
pub fn https(listener: TcpListener, identity: &Identity) -> Result<()> {
    let config = Arc::new(identity.server(&[b"h2", b"http/1.1"])?);
    accept(listener, move |mut stream| {
        let mut connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        let is_two = connection.alpn_protocol() == Some(b"h2");
        let stream = StreamOwned::new(connection, stream);
        if is_two { http2(stream) } else { http1(stream) }
    });
    Ok(())
}

fn http1(mut stream: impl Read + Write) -> io::Result<()> {
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < TAKEN_MAX_OCTETS {
        stream.read_exact(&mut octet)?;
        head.extend_from_slice(&octet);
    }
    stream.write_all(PAGE)?;
    stream.flush()
}

fn frame(kind: u8, flags: u8, stream: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let [.., high, middle, low] = payload.len().to_be_bytes();
    [&[high, middle, low, kind, flags][..], &stream, payload].concat()
}

/// As much of HTTP/2 as it takes to answer every request with 200 and nothing.
fn http2(mut stream: impl Read + Write) -> io::Result<()> {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface)?;
    if preface != *PREFACE {
        return Err(ErrorKind::InvalidData.into());
    }
    stream.write_all(&frame(SETTINGS, 0, [0; 4], &[]))?;
    loop {
        stream.flush()?;
        let mut header = [0; 9];
        stream.read_exact(&mut header)?;
        let [high, middle, low, kind, flags, id @ ..] = header;
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        if length > TAKEN_MAX_OCTETS {
            return Err(ErrorKind::InvalidData.into());
        }
        stream.read_exact(&mut vec![0; length])?;
        match kind {
            SETTINGS if flags & ACK == 0 => stream.write_all(&frame(SETTINGS, ACK, [0; 4], &[]))?,
            HEADERS => stream.write_all(&frame(HEADERS, END_STREAM_AND_HEADERS, id, &[STATUS_200]))?,
            _ => {}
        }
    }
}

fn endpoint(socket: UdpSocket, server: Option<quinn::ServerConfig>) -> Result<quinn::Endpoint> {
    socket.set_nonblocking(true)?;
    let runtime = Arc::new(quinn::TokioRuntime);
    Ok(quinn::Endpoint::new(quinn::EndpointConfig::default(), server, socket, runtime)?)
}

/// A conversation over QUIC as HTTP/3 clients begin one (ALPN `h3`): `client` connects to `name` at the address of
/// `server`, says something and is told the same.
///
/// # Errors
/// When it does not come about.
pub fn over_quic(identity: &Identity, client: UdpSocket, server: UdpSocket, name: &str) -> Result<()> {
    let address = server.local_addr()?;
    let serves = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(identity.server(&[b"h3"])?)?));
    let connects = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(identity.client(&[b"h3"])?)?));
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let server = endpoint(server, Some(serves))?;
        let client = endpoint(client, None)?;
        let answer = async {
            let connection = server.accept().await.context("nobody came")?.await?;
            let (mut back, mut from) = connection.accept_bi().await?;
            back.write_all(&from.read_to_end(TAKEN_MAX_OCTETS).await?).await?;
            back.finish()?;
            connection.closed().await;
            anyhow::Ok(())
        };
        let ask = async {
            let connection = client.connect_with(connects, address, name)?.await?;
            let (mut to, mut back) = connection.open_bi().await?;
            to.write_all(b"hei").await?;
            to.finish()?;
            anyhow::ensure!(back.read_to_end(TAKEN_MAX_OCTETS).await? == b"hei", "told something else");
            connection.close(0u8.into(), b"");
            client.wait_idle().await;
            anyhow::Ok(())
        };
        tokio::try_join!(answer, ask).map(drop)
    })
}
