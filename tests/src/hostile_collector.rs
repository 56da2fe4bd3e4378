//! A collector that breaks every rule on demand: it has a root, a CA and keys of its own, enrols real agents, and then
//! offers them whatever list a test wants. All it is told, it keeps, octet by octet: a tap at the codec.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use ed25519_dalek::SigningKey;
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Connection, Endpoint, RecvStream, SendStream};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use varde_agent::io::clock;
use varde_common::codec::{FrameHeader, Text};
use varde_common::compact::Unpacker;
use varde_common::id::{Epoch, Mark, Revision, SensorId, Seq};
use varde_common::indicator::{Indicator, Pattern};
use varde_common::limits::{FRAME_HEADER_OCTETS, FRAME_TO_AGENT_MAX_OCTETS, LIST_CHUNK_MAX_OCTETS};
use varde_common::list::{Manifest, write_base};
use varde_common::matcher::Seed;
use varde_common::message::{
    ALPN_ENROLL, ALPN_SESSION, BrakeOutcome, ChannelOutcome, EnrolRefusal, Greeting, Hello, ListOutcome, RootOutcome,
    Standing, Stream, ToAgent, ToCollector,
};
use varde_common::record::Record;
use varde_common::time::Timestamp;
use varde_common::token::{EXPORTER_LABEL, Token, proof_is_good, secret_hash};
use varde_common::trust::{COLLECTOR_NAME, sha256};

use crate::hostile_authority::{authority, root_of};
use crate::programs::{PATIENCE, eventually};

const SECRET: [u8; 16] = [0x5a; 16];

/// Reads one frame's kind and body; none at the end of the stream.
///
/// # Errors
/// A frame over its cap or cut short.
pub async fn read_frame(stream: &mut RecvStream) -> Result<Option<(u16, Vec<u8>)>> {
    let mut header = [0; FRAME_HEADER_OCTETS];
    match stream.read_exact(&mut header).await {
        Ok(()) => {}
        Err(quinn::ReadExactError::FinishedEarly(0)) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let header = FrameHeader::read(header, FRAME_TO_AGENT_MAX_OCTETS)?;
    let mut body = vec![0; header.body_octets];
    stream.read_exact(&mut body).await?;
    Ok(Some((header.kind, body)))
}

/// A list as it is to be offered, rule or no rule.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The manifest's octets.
    pub manifest: Vec<u8>,
    /// The base's octets as sent.
    pub base: Vec<u8>,
    /// Whether the end of the base is told.
    pub ended: bool,
}

/// What goes to a sensor on the stream of lists.
#[derive(Debug, Clone)]
enum Sent {
    Offer(Offer),
    Message(ToAgent),
}

/// How a sensor that says Hello is met instead of being greeted.
#[derive(Debug, Clone)]
pub enum Denial {
    /// The connection is closed with this code.
    Close(u32),
    /// These octets come in place of an answer, whatever they are.
    Say(Vec<u8>),
}

/// What the sensors have said.
#[derive(Debug, Default)]
pub struct Heard {
    /// Introductions.
    pub hellos: Vec<Hello>,
    /// What became of the lists.
    pub outcomes: Vec<ListOutcome>,
    /// What became of root documents.
    pub roots: Vec<RootOutcome>,
    /// How they stand to what they trust.
    pub standings: Vec<Standing>,
    /// What became of words of which channel to follow.
    pub channels: Vec<ChannelOutcome>,
    /// How often the whole list was asked for.
    pub whole_asked: usize,
    /// What became of orders of the brake.
    pub brakes: Vec<BrakeOutcome>,
    /// Why words of which list is the newest were not believed.
    pub unbelieved: Vec<String>,
    /// Records, by epoch and place.
    pub records: BTreeMap<(Epoch, Seq), Record>,
    /// Every octet of every frame, in order of arrival.
    pub tap: Vec<u8>,
}

struct Shared {
    heard: Mutex<Heard>,
    lists: Mutex<Option<mpsc::Sender<Sent>>>,
    denial: Mutex<Option<Denial>>,
    issuer: Issuer<'static, KeyPair>,
    ca: CertificateDer<'static>,
    root_document: Vec<u8>,
    told_root: Mutex<Vec<u8>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The double.
pub struct HostileCollector {
    /// Its keys for lists; the first `threshold` are enough.
    pub list_keys: Vec<SigningKey>,
    runtime: Runtime,
    shared: Arc<Shared>,
    quic: SocketAddr,
    enroll: SocketAddr,
}

impl HostileCollector {
    /// Starts one on loopback whose root wants `threshold` of two list keys.
    ///
    /// # Errors
    /// When certificates or sockets cannot be made.
    pub fn start(threshold: u32) -> Result<HostileCollector> {
        let (issuer, ca) = authority()?;
        let list_keys = vec![SigningKey::from_bytes(&[0x21; 32]), SigningKey::from_bytes(&[0x22; 32])];
        let root_document = root_of(&list_keys, threshold, &ca)?;
        let mut params = CertificateParams::new(vec![COLLECTOR_NAME.to_owned()])?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?.der().clone();
        let chain = vec![certificate, ca.clone()];
        let told_root = Mutex::new(root_document.clone());
        let (heard, lists, denial) = (Mutex::default(), Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { heard, lists, denial, issuer, ca, root_document, told_root });

        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let _inside = runtime.enter();
        let bind = |alpn: &[u8], mutual: bool| -> Result<Endpoint> {
            let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
            let config = server_config(chain.clone(), key, alpn, mutual.then_some(&shared.ca))?;
            Ok(Endpoint::server(config, SocketAddr::from(([127, 0, 0, 1], 0)))?)
        };
        let (session, enrolment) = (bind(ALPN_SESSION, true)?, bind(ALPN_ENROLL, false)?);
        let (quic, enroll) = (session.local_addr()?, enrolment.local_addr()?);
        for (endpoint, sessions) in [(session, true), (enrolment, false)] {
            let shared = Arc::clone(&shared);
            runtime.spawn(async move {
                while let Some(incoming) = endpoint.accept().await {
                    let shared = Arc::clone(&shared);
                    tokio::spawn(async move {
                        let Ok(connection) = incoming.await else { return };
                        // A peer that goes away is no fault of ours.
                        let _ =
                            if sessions { converse(connection, shared).await } else { enrol(connection, shared).await };
                    });
                }
            });
        }
        drop(_inside);
        Ok(HostileCollector { list_keys, runtime, shared, quic, enroll })
    }

    /// The key of its root role.
    pub fn root_key() -> SigningKey {
        SigningKey::from_bytes(&[0x11; 32])
    }

    /// The key of its brake role.
    pub fn brake_key() -> SigningKey {
        SigningKey::from_bytes(&[0x33; 32])
    }

    /// A token that pins this collector's root.
    pub fn token(&self, sensor: u64) -> String {
        Token {
            sensor: SensorId(sensor),
            member: Text::cut("9999"),
            quic: Text::cut(&self.quic.to_string()),
            enroll: Text::cut(&self.enroll.to_string()),
            root_sha256: sha256(&self.shared.root_document),
            secret: SECRET,
            expires: Timestamp::MAX,
        }
        .to_text()
    }

    /// From now on shows this root document at enrolment instead of the one its tokens pin.
    pub fn show_root(&self, document: Vec<u8>) {
        *lock(&self.shared.told_root) = document;
    }

    /// The root document its tokens pin.
    pub fn root_document(&self) -> Vec<u8> {
        self.shared.root_document.clone()
    }

    /// A list in good order: signed by the first `signers` keys.
    ///
    /// # Errors
    /// A pattern that is none.
    pub fn list(&self, revision: u64, patterns: &[&str]) -> Result<(Manifest, Vec<u8>)> {
        let read = |(n, pattern): (usize, &&str)| -> Result<Indicator> {
            Ok(Indicator::bare(varde_common::id::IndicatorId(n as u64 + 1), pattern.parse::<Pattern>()?))
        };
        let indicators = patterns.iter().enumerate().map(read).collect::<Result<Vec<_>>>()?;
        let (base, content) = write_base(indicators, Seed::from_octets([revision as u8; 16]))?;
        Ok((Manifest::of(&base, &content, Revision(revision), clock::now(), Timestamp::MAX), base))
    }

    /// Offers a list to the sensor that follows; waits until one does.
    ///
    /// # Errors
    /// When none does.
    pub fn offer(&self, offer: &Offer) -> Result<()> {
        self.put(&Sent::Offer(offer.clone()))
    }

    /// Sends a message on the stream of lists; waits until a sensor follows there.
    ///
    /// # Errors
    /// When none does.
    pub fn send(&self, message: &ToAgent) -> Result<()> {
        self.put(&Sent::Message(message.clone()))
    }

    fn put(&self, sent: &Sent) -> Result<()> {
        eventually("a sensor asks for lists", PATIENCE, || {
            let sender = lock(&self.shared.lists).clone().filter(|sender| !sender.is_closed());
            let Some(sender) = sender else { return Ok(None) };
            Ok(sender.blocking_send(sent.clone()).ok())
        })
    }

    /// From now on every sensor is met like this; none = it is greeted.
    pub fn meet_with(&self, denial: Option<Denial>) {
        *lock(&self.shared.denial) = denial;
    }

    /// Where sensors dial.
    pub fn address(&self) -> SocketAddr {
        self.quic
    }

    /// Looks at what was heard.
    pub fn heard<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        look(&lock(&self.shared.heard))
    }

    /// Ends all conversations; sensors will come back.
    pub fn stop(self) {
        self.runtime.shutdown_background();
    }
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    alpn: &[u8],
    clients_of: Option<&CertificateDer<'static>>,
) -> Result<quinn::ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13])?;
    let builder = match clients_of {
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots.add(ca.clone())?;
            builder
                .with_client_cert_verifier(WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build()?)
        }
        None => builder.with_no_client_auth(),
    };
    let mut tls = builder.with_single_cert(chain, key)?;
    tls.alpn_protocols = vec![alpn.to_vec()];
    tls.send_tls13_tickets = 0;
    Ok(quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?)))
}

impl Shared {
    async fn hear(&self, stream: &mut RecvStream) -> Result<Option<ToCollector>> {
        let Some((kind, body)) = read_frame(stream).await? else { return Ok(None) };
        lock(&self.heard).tap.extend_from_slice(&body);
        Ok(Some(ToCollector::from_body(kind, &body)?))
    }
}

async fn say(stream: &mut SendStream, message: &ToAgent) -> Result<()> {
    Ok(stream.write_all(&message.to_frame()?).await?)
}

async fn enrol(connection: Connection, shared: Arc<Shared>) -> Result<()> {
    let (mut send, mut receive) = connection.accept_bi().await?;
    while let Some(message) = shared.hear(&mut receive).await? {
        match message {
            ToCollector::AskRoot => {
                let document = lock(&shared.told_root).clone();
                say(&mut send, &ToAgent::Root { document }).await?;
            }
            ToCollector::Enrol { sensor, csr_der, proof, agent_version: _ } => {
                let mut exporter = [0; 32];
                let exported = connection.export_keying_material(&mut exporter, EXPORTER_LABEL, b"");
                let good = proof_is_good(&secret_hash(&SECRET), &exporter, &csr_der, &proof);
                if exported.is_err() || !good {
                    say(&mut send, &ToAgent::EnrolRefused(EnrolRefusal::NotGood)).await?;
                    continue;
                }
                let certificate_der = certify(&shared, sensor, csr_der)?;
                let (ca_der, member_name) = (shared.ca.to_vec(), Text::cut("Prøve kommune"));
                say(&mut send, &ToAgent::Enrolled { certificate_der, ca_der, member_name }).await?;
            }
            other => bail!("not at enrolment: {other:?}"),
        }
    }
    send.finish()?;
    let _ = connection.closed().await;
    Ok(())
}

fn certify(shared: &Shared, sensor: SensorId, csr_der: Vec<u8>) -> Result<Vec<u8>> {
    let mut request = rcgen::CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr_der))?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, format!("sensor-{sensor}"));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    request.params = params;
    Ok(request.signed_by(&shared.issuer)?.der().to_vec())
}

async fn converse(connection: Connection, shared: Arc<Shared>) -> Result<()> {
    loop {
        let (send, mut receive) = connection.accept_bi().await?;
        let (shared, connection) = (Arc::clone(&shared), connection.clone());
        tokio::spawn(async move {
            let Some(ToCollector::Open(purpose)) = shared.hear(&mut receive).await? else {
                bail!("a stream did not say what it is for");
            };
            match purpose {
                Stream::Control => control(shared, connection, send, receive).await,
                Stream::Alerts => alerts(shared, send, receive).await,
                Stream::Lists => lists(shared, send, receive).await,
                Stream::Statistics | Stream::Hunts => Ok(()),
            }
        });
    }
}

async fn control(
    shared: Arc<Shared>,
    connection: Connection,
    mut send: SendStream,
    mut receive: RecvStream,
) -> Result<()> {
    while let Some(message) = shared.hear(&mut receive).await? {
        if let ToCollector::Hello(hello) = message {
            // Nobody listens any more on the stream of the session before.
            *lock(&shared.lists) = None;
            let (committed, newest) = {
                let mut heard = lock(&shared.heard);
                let committed =
                    heard.records.keys().filter(|(epoch, _)| *epoch == hello.epoch).map(|(_, seq)| *seq).max();
                let newest = hello.protocol_max;
                heard.hellos.push(hello);
                (committed.unwrap_or_default(), newest)
            };
            let denial = lock(&shared.denial).clone();
            match denial {
                None => {}
                Some(Denial::Close(code)) => {
                    connection.close(code.into(), b"");
                    return Ok(());
                }
                Some(Denial::Say(octets)) => {
                    send.write_all(&octets).await?;
                    continue;
                }
            }
            let (reconnect_spread_ms, clock) = (200, clock::now());
            // The newest version the sensor speaks; what it has in place of others is tapped like all the rest.
            let answer = if newest >= 2 {
                ToAgent::Greeting(Greeting {
                    protocol: newest.min(3),
                    committed,
                    reconnect_spread_ms,
                    clock,
                    mark: Mark(1),
                })
            } else {
                ToAgent::HelloAck { protocol: 1, committed, reconnect_spread_ms, clock }
            };
            say(&mut send, &answer).await?;
        } else if let ToCollector::Standing(standing) = message {
            lock(&shared.heard).standings.push(standing);
        }
    }
    Ok(())
}

async fn alerts(shared: Arc<Shared>, mut send: SendStream, mut receive: RecvStream) -> Result<()> {
    let mut unpacker = Unpacker::default();
    while let Some(message) = shared.hear(&mut receive).await? {
        if message == ToCollector::AskTests {
            continue;
        }
        let ToCollector::Compact(batch) = message else { bail!("not on the alerts stream: {message:?}") };
        let epoch = lock(&shared.heard).hellos.last().context("a batch before Hello")?.epoch;
        let batch = unpacker.unpack(epoch, &batch)?;
        let (epoch, last) = (batch.epoch, batch.last_seq().context("an empty batch")?);
        {
            let mut heard = lock(&shared.heard);
            let mut seq = batch.first_seq;
            for octets in &batch.records {
                heard.records.insert((epoch, seq), Record::from_octets(octets)?);
                seq = seq.next();
            }
        }
        say(&mut send, &ToAgent::Ack { epoch, seq: last }).await?;
    }
    Ok(())
}

async fn lists(shared: Arc<Shared>, mut send: SendStream, mut receive: RecvStream) -> Result<()> {
    let (sender, mut offers) = mpsc::channel(8);
    *lock(&shared.lists) = Some(sender);
    let listening = tokio::spawn(async move {
        while let Ok(Some(message)) = shared.hear(&mut receive).await {
            let mut heard = lock(&shared.heard);
            match message {
                ToCollector::ListOutcome(outcome) => heard.outcomes.push(outcome),
                ToCollector::RootOutcome(outcome) => heard.roots.push(outcome),
                ToCollector::BrakeOutcome(outcome) => heard.brakes.push(outcome),
                ToCollector::AskWhole => heard.whole_asked += 1,
                ToCollector::ChannelOutcome(outcome) => heard.channels.push(outcome),
                ToCollector::NewestRefused { why } => heard.unbelieved.push(why.as_str().to_owned()),
                _ => {}
            }
        }
    });
    while let Some(sent) = offers.recv().await {
        let Offer { manifest, base, ended } = match sent {
            Sent::Offer(offer) => offer,
            Sent::Message(message) => {
                say(&mut send, &message).await?;
                continue;
            }
        };
        say(&mut send, &ToAgent::ListOffer { manifest }).await?;
        for chunk in base.chunks(LIST_CHUNK_MAX_OCTETS) {
            say(&mut send, &ToAgent::ListChunk { octets: chunk.to_vec() }).await?;
        }
        if ended {
            say(&mut send, &ToAgent::ListEnd).await?;
        }
    }
    listening.abort();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor_double::SensorDouble;

    #[test]
    fn a_good_list_passes_between_the_doubles_and_a_bad_one_does_not() {
        let collector = HostileCollector::start(2).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (sensor, mut session) = runtime.block_on(async {
            let sensor = SensorDouble::enrol(&collector.token(4)).await.unwrap();
            let session = sensor.connect(Revision(0)).await.unwrap();
            (sensor, session)
        });
        let (manifest, base) = collector.list(3, &["vond.example"]).unwrap();
        let keys: Vec<&SigningKey> = collector.list_keys.iter().collect();
        let offer = |manifest: Vec<u8>| Offer { manifest, base: base.clone(), ended: true };
        collector.offer(&offer(manifest.sign(&keys).unwrap())).unwrap();
        let revision = runtime.block_on(session.next_list(sensor.root())).unwrap();
        assert_eq!(revision, Revision(3));
        let in_force = |outcome: &ListOutcome| matches!(outcome, ListOutcome::InForce { revision: Revision(3), .. });
        eventually("the outcome is heard", PATIENCE, || {
            Ok(collector.heard(|heard| heard.outcomes.iter().any(in_force)).then_some(()))
        })
        .unwrap();
        collector.offer(&offer(manifest.sign(&[keys[0], keys[0]]).unwrap())).unwrap();
        assert!(runtime.block_on(session.next_list(sensor.root())).is_err());
        assert!(collector.heard(|heard| heard.hellos.len() == 1 && !heard.tap.is_empty()));
        collector.show_root(root_of(&[SigningKey::from_bytes(&[9; 32])], 1, &collector.shared.ca).unwrap());
        assert!(runtime.block_on(SensorDouble::enrol(&collector.token(4))).is_err());
        collector.stop();
    }
}
