//! First datagrams of QUIC handshakes, each a sound one of its own, as a real client writes them; and others that are not sound.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use quinn::crypto::rustls::QuicClientConfig;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use varde_common::trust::COLLECTOR_NAME;

use crate::programs::PATIENCE;
use crate::random::Random;
use crate::sealed::{DIALECTS, crypto, seal_with_token};

/// What a first datagram has at least (RFC 9000 section 14.1).
const FIRST_MIN_OCTETS: usize = 1_200;

/// The first datagrams of so many handshakes, for one protocol.
///
/// # Errors
/// When there is no socket to be had.
pub async fn initials(count: usize, alpn: &[u8]) -> Result<Vec<Vec<u8>>> {
    let provider = rustls::crypto::CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::X25519],
        ..aws_lc_rs::default_provider()
    };
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    tls.alpn_protocols = vec![alpn.to_vec()];
    let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    let sink = tokio::net::UdpSocket::bind("127.0.0.1:0").await?;
    let target = sink.local_addr()?;
    let mut endpoint = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    endpoint.set_default_client_config(config);
    let (mut all, mut known) = (Vec::with_capacity(count), BTreeSet::new());
    let mut buffer = vec![0; 2_000];
    while all.len() < count {
        let connecting = endpoint.connect(target, COLLECTOR_NAME)?;
        loop {
            let received = tokio::time::timeout(PATIENCE, sink.recv(&mut buffer)).await;
            let length = received.context("no first datagram")??;
            let datagram = buffer.get(..length).unwrap_or_default();
            // The end of an attempt given up goes to the same connection id.
            if known.insert(datagram.get(5..26).unwrap_or_default().to_vec()) {
                all.push(datagram.to_vec());
                break;
            }
        }
        drop(connecting);
    }
    Ok(all)
}

fn octets(random: &mut Random, count: usize) -> Vec<u8> {
    (0..count).map(|_| random.below(256) as u8).collect()
}

/// What a Retry packet gives (RFC 9000 section 17.2.5): the connection id to call from then on, and the token that proves an address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proof {
    /// The server's connection id.
    pub id: Vec<u8>,
    /// The token.
    pub token: Vec<u8>,
}

impl Proof {
    /// Out of a Retry packet; none where it is another.
    pub fn of(datagram: &[u8]) -> Option<Proof> {
        let (first, rest) = datagram.split_first()?;
        let (own_length, rest) = rest.get(4..)?.split_first()?;
        let (length, rest) = rest.get(usize::from(*own_length)..)?.split_first()?;
        let (id, rest) = rest.split_at_checked(usize::from(*length))?;
        let (token, _tag) = rest.split_at_checked(rest.len().checked_sub(16)?)?;
        (first & 0xf0 == 0xf0).then(|| Proof { id: id.to_vec(), token: token.to_vec() })
    }
}

/// A first datagram that is wrong in some way, drawn: behind the protection (frames that lie, a hello that is none), or in front
/// of it (flipped, cut, of another version, no packet at all). `sound` is one to begin from, `proof` what its caller was given.
///
/// # Errors
/// When it cannot be sealed.
pub fn broken(random: &mut Random, sound: &[u8], proof: &Proof) -> Result<Vec<u8>> {
    // Another connection with the same proof, or the one it was given for.
    let id = if proof.id.is_empty() || random.below(2) == 0 { octets(random, 8) } else { proof.id.clone() };
    let sealed = |frames: Vec<u8>| {
        let mut frames = frames;
        frames.resize(frames.len().max(FIRST_MIN_OCTETS), 0);
        seal_with_token(&DIALECTS[0], &id, &id, &proof.token, 0, &frames).context("not sealed")
    };
    let length = random.within(1, 600) as usize;
    Ok(match random.below(8) {
        // A hello of random octets, and one that begins like one.
        0 => sealed(crypto(&DIALECTS[0], &octets(random, 600), 0..length))?,
        1 => {
            let hello = [&[1, 0, 2, 0, 3, 3][..], &octets(random, 600)].concat();
            sealed(crypto(&DIALECTS[0], &hello, 0..length))?
        }
        // Frames of every number, with what may follow.
        2 => sealed(octets(random, length))?,
        3 => sealed([vec![random.below(64) as u8], octets(random, length)].concat())?,
        // CRYPTO far from the beginning, and a length that lies.
        4 => sealed([&[6, 0xbf, 0xff, 0xff, 0xff, 0x7f, 0xff][..], &octets(random, length)].concat())?,
        5 => {
            let mut flipped = sound.to_vec();
            for _ in 0..random.within(1, 8) {
                let place = random.below(flipped.len() as u64) as usize;
                if let Some(octet) = flipped.get_mut(place) {
                    *octet ^= 1 << random.below(8);
                }
            }
            flipped
        }
        6 => sound.get(..length.min(sound.len())).unwrap_or_default().to_vec(),
        _ => octets(random, length * 2),
    })
}
