//! An HTTP proxy of a municipality's: tunnels to the hosts it knows (CONNECT, RFC 9110 9.3.6), and keeps what was asked and what went
//! through it.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;

/// Of a head, and of what goes through a tunnel, as much is kept.
const KEPT_MAX_OCTETS: usize = 1024 * 1024;

/// How it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// As a proxy should.
    Good,
    /// These octets, and nothing after them.
    Octets(Vec<u8>),
}

#[derive(Debug)]
struct Shared {
    answer: Answer,
    knows: BTreeMap<String, SocketAddr>,
    asked: Vec<String>,
    passed: Vec<u8>,
}

/// The proxy; it ends with the process.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

impl Proxy {
    /// Listens on this machine; by these names (`host:port`) it knows these addresses, and no others.
    ///
    /// # Errors
    /// The system's own.
    pub fn start(knows: impl IntoIterator<Item = (String, SocketAddr)>) -> Result<Proxy> {
        let listener = TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0))?;
        let port = listener.local_addr()?.port();
        let knows = knows.into_iter().collect();
        let shared = Shared { answer: Answer::Good, knows, asked: Vec::new(), passed: Vec::new() };
        let shared = Arc::new(Mutex::new(shared));
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                // One that breaks is the client's business.
                std::thread::spawn(move || tunnel(stream, &shared));
            }
        });
        Ok(Proxy { port, shared })
    }

    /// Its address, as `--proxy` wants it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on it answers so.
    pub fn set(&self, answer: Answer) {
        lock(&self.shared).answer = answer;
    }

    /// The heads it was asked with since the last time.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.shared).asked)
    }

    /// All that went through it since the last time, from both ends.
    pub fn passed(&self) -> Vec<u8> {
        std::mem::take(&mut lock(&self.shared).passed)
    }
}

fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tunnel(mut client: TcpStream, shared: &Arc<Mutex<Shared>>) -> io::Result<()> {
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < KEPT_MAX_OCTETS {
        client.read_exact(&mut octet)?;
        head.extend(octet);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let to = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or_default().to_owned();
    let (answer, address) = {
        let mut shared = lock(shared);
        shared.asked.push(head);
        (shared.answer.clone(), shared.knows.get(&to).copied())
    };
    if let Answer::Octets(octets) = answer {
        return client.write_all(&octets);
    }
    let Some(address) = address else { return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n") };
    let server = TcpStream::connect(address)?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (from_client, to_server, kept) = (client.try_clone()?, server.try_clone()?, Arc::clone(shared));
    let there = std::thread::spawn(move || pass(from_client, to_server, &kept));
    let back = pass(server, client, shared);
    let _ = there.join();
    back
}

fn pass(mut from: TcpStream, mut to: TcpStream, shared: &Mutex<Shared>) -> io::Result<()> {
    let mut block = [0; 16 * 1024];
    loop {
        let read = from.read(&mut block)?;
        let block = block.get(..read).unwrap_or_default();
        if block.is_empty() {
            return to.shutdown(Shutdown::Write);
        }
        {
            let mut shared = lock(shared);
            if shared.passed.len() < KEPT_MAX_OCTETS {
                shared.passed.extend(block);
            }
        }
        to.write_all(block)?;
    }
}
