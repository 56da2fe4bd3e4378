//! Enrolment: a token and a new key become an identity. The collector proves itself against the token before the token's
//! secret is used.
//!
//! The server's certificate cannot be judged until the root document is here, and the document comes over the same
//! connection. So the handshake takes the certificate provisionally (its signature is checked all the same), the
//! document must be the one the token pins, the certificate must chain to a CA that document names, and only then is
//! anything said that is worth hearing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{KeyPair, PublicKeyData};
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use varde_common::codec::Text;
use varde_common::message::{ALPN_ENROLL, ALPN_ENROLL_WAITING, CloseReason, EnrolRefusal, ToAgent, ToCollector};
use varde_common::tie::{ALPN_ENROLL_TCP, ALPN_ENROLL_WAITING_TCP};
use varde_common::time::Timestamp;
use varde_common::token::{BadToken, EXPORTER_LABEL, Token, proof, secret_hash};
use varde_common::trust::{Root, Untrusted, sha256};
use varde_common::words::fingerprint;

use super::clock;
use super::disk::enrolling::Enrolling;
use super::disk::identity::{Card, Identity, site_key};
use super::disk::keys::is_for;
use super::disk::owner::disown;
use super::disk::{DiskError, create_directory, wipe};
use super::link::provisional::{check_chain, client_config};
use super::link::tcp::{TcpWay, Tls};
use super::link::{LinkError, quic, read_message, tls, write_message};
use crate::effective_time::EffectiveTime;
use crate::limits::{ANSWER_TIMEOUT_S, PINNED_ANSWERED_WITHIN_S};
use crate::proxy::Proxy;
use crate::route::detour_address;

/// Why a sensor is not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// It is already.
    #[error("this data directory already belongs to sensor {sensor} of {member}")]
    AlreadyEnrolled {
        /// Its number.
        sensor: String,
        /// Its member.
        member: String,
    },
    /// The token is none.
    #[error("{0}")]
    Token(#[from] BadToken),
    /// The token's time is over.
    #[error("the token ran out at {0} by this machine's clock, which says {1}")]
    Expired(Timestamp, Timestamp),
    /// The collector cannot be reached, or what answers is not it.
    #[error("{0}")]
    Link(#[from] LinkError),
    /// The root document is not the token's.
    #[error("what answers at {address} is not the collector this token is for: {why}")]
    WrongRoot {
        /// Dialled.
        address: String,
        /// Why.
        why: Untrusted,
    },
    /// Its certificate is not of a CA the root document names.
    #[error("what answers at {address} cannot prove that it is the collector this token is for: {why}")]
    WrongCertificate {
        /// Dialled.
        address: String,
        /// Why.
        why: String,
    },
    /// Somebody on the way opens TLS and shows a certificate of his own.
    #[error(
        "{address} answers with a certificate issued by \"{issuer}\", not by a CA that the root document names: a firewall on the way opens TLS"
    )]
    Opened {
        /// Dialled.
        address: String,
        /// As the certificate names it.
        issuer: String,
    },
    /// A wipe was cut off: what is left of the sensor before must not become this one's.
    #[error("a wipe of this data directory was cut off, and what it left is another sensor's")]
    HalfWiped,
    /// The collector said no.
    #[error("{}", refusal_cause(*.0))]
    Refused(EnrolRefusal),
    /// The token is good and kept for this sensor's key; a person at the CSIRT is to approve of it first.
    #[error("the CSIRT has not approved of this sensor yet; its words are: {words}")]
    Waiting {
        /// Eight words for the key, which both ends show.
        words: String,
    },
    /// What it gave cannot be used.
    #[error("the collector's answer cannot be used: {0}")]
    BadAnswer(String),
    /// No key could be made.
    #[error("no key could be made: {0}")]
    Key(String),
    /// The disk.
    #[error("{0}")]
    Disk(#[from] DiskError),
}

fn refusal_cause(refusal: EnrolRefusal) -> &'static str {
    match refusal {
        EnrolRefusal::Used => "the token has been used before",
        EnrolRefusal::Expired => "the token has run out",
        EnrolRefusal::Revoked => "the token has been withdrawn",
        EnrolRefusal::NotGood => "the collector does not know this token",
        EnrolRefusal::TooMany => {
            "the collector did not take the token and does not say why: too many have failed from here, or with its number"
        }
        EnrolRefusal::BadRequest => "the collector cannot read this sensor's key request",
    }
}

impl EnrolError {
    /// The token can never be used, however often it is tried.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            EnrolError::Token(_)
                | EnrolError::Refused(
                    EnrolRefusal::Used | EnrolRefusal::Expired | EnrolRefusal::Revoked | EnrolRefusal::NotGood
                )
        )
    }

    /// What a person can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            EnrolError::AlreadyEnrolled { .. } => {
                "start it with: varde-agent run; to enrol it anew, first move `identity` out of the data directory; for another sensor give another directory with --data DIR"
            }
            EnrolError::HalfWiped => "run it again first: varde-agent wipe; the token was not used",
            EnrolError::Token(_) => "copy the whole token from the CSIRT's message into a file and try again",
            EnrolError::Expired(..) => {
                "if that is not the time, set the clock (NTP) and try again with the same token; if it is, ask the CSIRT for a new one"
            }
            EnrolError::Refused(
                EnrolRefusal::Used | EnrolRefusal::Expired | EnrolRefusal::Revoked | EnrolRefusal::NotGood,
            ) => "ask the CSIRT for a new token; if nobody here has used this one, say so",
            EnrolError::Link(LinkError::Name { .. }) => "check the DNS settings of this machine, or ask the CSIRT",
            // They say themselves whom to ask for what.
            EnrolError::Link(LinkError::Proxy { .. } | LinkError::Opened { .. }) => {
                "do that, and try again; the token's secret was not sent"
            }
            EnrolError::Link(_) => {
                "check that this machine may send UDP to that address and port, or TCP to port 443 there, and that the collector runs"
            }
            EnrolError::Opened { .. } => {
                "if that issuer is your own firewall's, ask that the collector is exempted from its inspection; if it is not, tell the CSIRT by telephone: somebody stands in between; the token's secret was not sent"
            }
            EnrolError::WrongRoot { .. } | EnrolError::WrongCertificate { .. } => {
                "tell the CSIRT by telephone: somebody may stand in between; the token's secret was not sent"
            }
            EnrolError::Waiting { .. } => {
                "tell the CSIRT these words by telephone, and start varde-agent enroll again: it goes on waiting, without a new token"
            }
            EnrolError::Refused(EnrolRefusal::TooMany) => "wait a few minutes and try again to hear why",
            EnrolError::Refused(EnrolRefusal::BadRequest) | EnrolError::BadAnswer(_) => {
                "update varde-agent; if that does not help, ask the CSIRT"
            }
            EnrolError::Key(_) => "check that the system's random numbers work, then try again",
            EnrolError::Disk(error) => error.remedy(),
        }
    }
}

/// What whoever enrols wants of the way, where UDP is blocked.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Where to dial over TCP, told at enrolment, and to be remembered.
    pub told: Option<String>,
    /// The same, from the settings.
    pub set: Option<String>,
    /// The proxy that opens the way.
    pub proxy: Option<Proxy>,
}

/// Enrols with the token's text; the identity is on disk when this returns.
///
/// # Errors
/// [`EnrolError`]; the data directory then holds no identity it did not hold before.
pub async fn enroll(data: &Path, token_text: &str, wishes: &Wishes) -> Result<Card, EnrolError> {
    if wipe::is_cut_off(data) {
        return Err(EnrolError::HalfWiped);
    }
    if Identity::exists(data) {
        let card = Identity::read(data).map(|identity| identity.card);
        let (sensor, member) =
            card.map_or_else(|_| ("?".to_owned(), "?".to_owned()), |card| (card.sensor.to_string(), card.member));
        return Err(EnrolError::AlreadyEnrolled { sensor, member });
    }
    let token = Token::from_text(token_text)?;
    // A machine whose clock is far behind would pass here and be told by the collector.
    let now = clock::now();
    if token.expires < now {
        return Err(EnrolError::Expired(token.expires, now));
    }
    // Known to work before the token is used up: a token honoured and an identity lost would need a second token.
    create_directory(data)?;
    site_key(data)?;
    // On disk before it is asked with: whatever stops in between, the token stays good for this key.
    let key = Enrolling::begin(data, token_text)?.key;
    let mut identity = converse(&token, &key, wishes).await?;
    identity.card.fallback = wishes.told.clone();
    // Before there is an identity that could take what lies there for its own.
    disown(data)?;
    identity.write(data)?;
    Enrolling::end(data)?;
    Ok(identity.card)
}

/// What a connection shows, whatever it goes over.
struct Shown<'a> {
    address: &'a str,
    chain: Vec<CertificateDer<'static>>,
    exporter: Option<[u8; 32]>,
}

/// Over QUIC, and over TCP where nothing comes through there.
async fn converse(token: &Token, key: &KeyPair, wishes: &Wishes) -> Result<Identity, EnrolError> {
    let address = token.enroll.as_str();
    let internal = |why: String| EnrolError::Link(LinkError::Broken(why));
    let config = |alpns: &[&[u8]]| client_config(alpns).map_err(internal);
    let quic_config = quic::client_config(config(&[ALPN_ENROLL_WAITING, ALPN_ENROLL])?).map_err(internal)?;
    let blocked = match quic::dial(address, quic_config, &mut Vec::new()).await {
        Ok((endpoint, connection)) => return over_quic(token, key, address, endpoint, connection).await,
        Err(error) => error,
    };
    let set = wishes.told.as_deref().or(wishes.set.as_deref());
    let Some(detour) = detour_address(set, address).filter(|_| blocked.may_be_blocked()) else {
        return Err(blocked.into());
    };
    let tcp_config = Arc::new(config(&[ALPN_ENROLL_WAITING_TCP, ALPN_ENROLL_TCP])?);
    let way = TcpWay { address: detour, proxy: wishes.proxy.clone(), tls: tcp_config, trust: None };
    match way.dial(&mut Vec::new()).await {
        Ok((connection, _)) => over_tcp(token, key, &way.address, connection).await,
        Err(tcp @ (LinkError::Proxy { .. } | LinkError::Opened { .. })) => Err(tcp.into()),
        Err(tcp) => Err(LinkError::Neither { quic: Box::new(blocked), tcp: Box::new(tcp) }.into()),
    }
}

async fn over_quic(
    token: &Token,
    key: &KeyPair,
    address: &str,
    endpoint: quinn::Endpoint,
    connection: quinn::Connection,
) -> Result<Identity, EnrolError> {
    let chain = connection.peer_identity().and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
    let mut exporter = [0; 32];
    let exported = connection.export_keying_material(&mut exporter, EXPORTER_LABEL, b"");
    let exporter = exported.is_ok().then_some(exporter);
    let shown = Shown { address, chain: chain.map(|chain| *chain).unwrap_or_default(), exporter };
    let talk = async {
        let opened = connection.open_bi().await;
        let (mut write, mut read) = opened.map_err(|error| quic::explain(address, error))?;
        ask(token, key, &shown, &mut write, &mut read).await
    };
    let result = timeout(Duration::from_secs(ANSWER_TIMEOUT_S), talk).await;
    // The reason the connection ended says more than the broken stream it caused.
    let said = connection.close_reason().map(|reason| quic::explain(address, reason));
    connection.close(quinn::VarInt::from_u32(CloseReason::GoingDown.code()), b"");
    let _ = timeout(Duration::from_secs(1), endpoint.wait_idle()).await;
    match (result, said) {
        (Ok(Err(EnrolError::Link(_))), Some(said)) => Err(said.into()),
        (Ok(result), _) => result,
        (Err(_), _) => Err(LinkError::NoAnswer(address.to_owned()).into()),
    }
}

async fn over_tcp(token: &Token, key: &KeyPair, address: &str, mut connection: Tls) -> Result<Identity, EnrolError> {
    let tls = connection.get_ref().1;
    let chain: Vec<CertificateDer<'static>> = tls
        .peer_certificates()
        .unwrap_or_default()
        .iter()
        .map(|certificate| certificate.clone().into_owned())
        .collect();
    let exporter = tls.export_keying_material([0; 32], EXPORTER_LABEL, Some(b"")).ok();
    let shown = Shown { address, chain, exporter };
    let (mut read, mut write) = tokio::io::split(&mut connection);
    let talk = ask(token, key, &shown, &mut write, &mut read);
    let result = timeout(Duration::from_secs(ANSWER_TIMEOUT_S), talk).await;
    result.unwrap_or_else(|_| Err(LinkError::NoAnswer(format!("{address} (TCP)")).into()))
}

async fn ask(
    token: &Token,
    key: &KeyPair,
    shown: &Shown<'_>,
    write: &mut (impl AsyncWrite + Unpin),
    read: &mut (impl AsyncRead + Unpin),
) -> Result<Identity, EnrolError> {
    let address = shown.address;
    write_message(write, &ToCollector::AskRoot).await?;
    let mut root_document = match said(read).await? {
        ToAgent::Root { document } => document,
        ToAgent::EnrolRefused(refusal) => return Err(EnrolError::Refused(refusal)),
        other => return Err(unexpected(&other)),
    };
    if sha256(&root_document) != token.root_sha256 {
        // There is a newer one since the token was made; the sensor begins with the one it can know, and follows.
        write_message(write, &ToCollector::AskPinned { sha256: token.root_sha256 }).await?;
        // A collector of before does not know the question; then what counts is what it has shown.
        let pinned = timeout(Duration::from_secs(PINNED_ANSWERED_WITHIN_S), said(read)).await;
        if let Ok(Ok(ToAgent::Root { document })) = pinned {
            root_document = document;
        }
    }
    let wrong = |why| EnrolError::WrongRoot { address: address.to_owned(), why };
    let root = Root::read_pinned(&root_document, &token.root_sha256).map_err(wrong)?;
    let foreign = shown.chain.first().filter(|_| !shown.chain.iter().any(|shown| root.names_ca(shown)));
    if let Some(issuer) = foreign.and_then(tls::issuer_of) {
        return Err(EnrolError::Opened { address: address.to_owned(), issuer });
    }
    let readings = EffectiveTime::new(&root, None, clock::now()).readings(clock::now(), clock::since_boot());
    check_chain(&shown.chain, &root, readings)
        .map_err(|why| EnrolError::WrongCertificate { address: address.to_owned(), why })?;

    let key_error = |error: rcgen::Error| EnrolError::Key(error.to_string());
    let request = rcgen::CertificateParams::new(Vec::new()).and_then(|params| params.serialize_request(key));
    let csr_der = request.map_err(key_error)?.der().to_vec();
    let exporter = shown.exporter.ok_or_else(|| EnrolError::Key("the TLS session gives no exporter".to_owned()))?;
    let proof = proof(&secret_hash(&token.secret), &exporter, &csr_der);
    let agent_version = Text::cut(env!("CARGO_PKG_VERSION"));
    write_message(write, &ToCollector::Enrol { sensor: token.sensor, csr_der, proof, agent_version }).await?;
    let (certificate_der, ca_der, member) = match said(read).await? {
        ToAgent::Enrolled { certificate_der, ca_der, member_name } => (certificate_der, ca_der, member_name),
        ToAgent::EnrolRefused(refusal) => return Err(EnrolError::Refused(refusal)),
        ToAgent::Waiting => {
            return Err(EnrolError::Waiting { words: fingerprint(&sha256(&key.subject_public_key_info())) });
        }
        other => return Err(unexpected(&other)),
    };
    if !root.names_ca(&ca_der) {
        return Err(EnrolError::BadAnswer("its CA is not one the root document names".to_owned()));
    }
    if !is_for(&certificate_der, key.public_key_raw()) {
        return Err(EnrolError::BadAnswer("its certificate is for another key".to_owned()));
    }
    let (collector, member) = (token.quic.as_str().to_owned(), member.as_str().to_owned());
    let member_of_token = Some(token.member.as_str().to_owned());
    let card = Card { sensor: token.sensor, collector, member, fallback: None, member_of_token };
    let enrolled_at = Some(token.enroll.as_str().to_owned());
    Ok(Identity { card, key_pem: key.serialize_pem(), certificate_der, ca_der, root_document, enrolled_at })
}

/// The next message.
async fn said(read: &mut (impl AsyncRead + Unpin)) -> Result<ToAgent, EnrolError> {
    let ended = || LinkError::Broken("the collector ended the conversation".to_owned());
    Ok(read_message(read).await?.ok_or_else(ended)?)
}

fn unexpected(message: &ToAgent) -> EnrolError {
    let _ = message;
    EnrolError::BadAnswer("it is not the answer to the question asked".to_owned())
}
