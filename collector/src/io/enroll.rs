//! Enrolment, over QUIC on a port of its own or over TCP: the root document for whoever asks, a certificate for who proves a
//! token, and on the lane beside it the next one for who proves a key whose certificate has run out.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use quinn::{Connection, Endpoint, Incoming};
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use varde_common::codec::Text;
use varde_common::id::SensorId;
use varde_common::message::{
    ALPN_ENROLL_WAITING, ALPN_RENEW, ALPN_ROOT, CloseReason, EnrolRefusal, ToAgent, ToCollector,
};
use varde_common::time::Timestamp;
use varde_common::token::EXPORTER_LABEL;
use varde_common::trust::sha256;
use varde_common::words::fingerprint;

use super::frame;
use super::keyring::Keyring;
use super::renew::{self, NoAnswer, Proof};
use super::{clock, quic, root_lane};
use crate::arrivals::{Arrival, Arrivals};
use crate::behind::Told;
use crate::certificate::{CertificateError, Request, validity};
use crate::change::{Change, Changes};
use crate::enrolment::{Attempt, Attempts, Honoured, judge};
use crate::limits::{ENROL_WITHIN, ENROLMENTS_MAX, FAILED_HANDSHAKE_KEEPS, HANDSHAKE_WITHIN, WRITE_WITHIN};
use crate::store::{Scope, Store, StoreError};
use crate::visits::Visits;

/// Messages heard on one enrolment: the root is asked for once, the token is offered once or, after a slip, once more.
const MESSAGES_MAX: usize = 4;
/// As the log says it.
const REFUSED: &str = "an enrolment was refused";

/// What enrolment needs.
pub struct Enrolment {
    /// The database.
    pub store: Store,
    /// Where an enrolled sensor is told.
    pub changes: Changes,
    /// The root document, and who issues; nobody while its key is offline.
    pub keyring: Arc<Keyring>,
    /// Enrolments that may be under way, over either carrier.
    pub places: Arrivals,
    /// Whether a person approves of each new sensor.
    approve: bool,
    attempts: Mutex<Attempts>,
    /// Who was told root documents lately.
    pub told_roots: Mutex<Told>,
    /// Who has proved a key or a token here lately and was refused.
    visits: Mutex<Visits>,
}

/// Who wants to enrol, as the connection shows it.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// What TLS gives for [`EXPORTER_LABEL`] on this connection; none = it gives nothing.
    pub exporter: Option<[u8; 32]>,
    /// Its address.
    pub address: IpAddr,
    /// Whether it can wait for a person.
    pub can_wait: bool,
}

/// Why there is no answer at all.
enum Failed {
    Store(StoreError),
    Certificate(CertificateError),
    NoAuthority,
    NoExporter,
}

impl Enrolment {
    /// Enrolment that nobody has tried yet.
    pub fn new(store: Store, changes: Changes, keyring: Arc<Keyring>, approve: bool) -> Arc<Enrolment> {
        let (attempts, told_roots, visits) = (Mutex::default(), Mutex::default(), Mutex::default());
        let places = Arrivals::new(ENROLMENTS_MAX);
        Arc::new(Enrolment { store, changes, keyring, places, approve, attempts, told_roots, visits })
    }
}

/// Takes in enrolments until the endpoint is closed.
pub async fn accept(endpoint: Endpoint, enrolment: Arc<Enrolment>) {
    let mut tasks = JoinSet::new();
    while let Some(incoming) = endpoint.accept().await {
        while tasks.try_join_next().is_some() {}
        match enrolment.places.arrive(incoming.remote_address().ip(), incoming.may_retry()) {
            Arrival::Come(place) => {
                let enrolment = enrolment.clone();
                tasks.spawn(async move {
                    // As in `listen`: QUIC remembers the connection until nothing of it can come any more.
                    if !attend(&enrolment, incoming).await {
                        sleep(FAILED_HANDSHAKE_KEEPS).await;
                    }
                    drop(place);
                });
            }
            Arrival::Prove => {
                let _ = incoming.retry();
            }
            // It asks again for as long as it waits.
            Arrival::Full => incoming.ignore(),
        }
    }
    tasks.shutdown().await;
}

async fn attend(enrolment: &Enrolment, incoming: Incoming) -> bool {
    let Ok(connecting) = incoming.accept() else { return false };
    let Ok(Ok(connection)) = timeout(HANDSHAKE_WITHIN, connecting).await else { return false };
    let why = match timeout(ENROL_WITHIN, converse_quic(enrolment, &connection)).await {
        Ok(Ok(())) => {
            // The sensor closes once it has read the answer.
            let _ = timeout(ENROL_WITHIN, connection.closed()).await;
            CloseReason::GoingDown
        }
        Ok(Err(why)) => why,
        Err(_) => CloseReason::ProtocolError,
    };
    quic::close(&connection, why);
    true
}

async fn converse_quic(enrolment: &Enrolment, connection: &Connection) -> Result<(), CloseReason> {
    let Ok((mut send, mut recv)) = connection.accept_bi().await else { return Ok(()) };
    let alpn = quic::alpn(connection);
    if alpn.as_deref() == Some(ALPN_RENEW) {
        let chain = connection.peer_identity().and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
        // On this port a certificate is asked for and not demanded: those that enrol have none.
        let proof = chain.and_then(|chain| Proof::of(&chain)).ok_or(CloseReason::ProtocolError)?;
        return converse_renewal(enrolment, &mut send, &mut recv, proof).await;
    }
    if alpn.as_deref() == Some(ALPN_ROOT) {
        let address = connection.remote_address().ip();
        return root_lane::converse(enrolment, &mut send, &mut recv, address).await;
    }
    let mut exporter = [0; 32];
    let exported = connection.export_keying_material(&mut exporter, EXPORTER_LABEL, b"");
    let exporter = exported.is_ok().then_some(exporter);
    let can_wait = alpn.as_deref() == Some(ALPN_ENROLL_WAITING);
    let caller = Caller { exporter, address: connection.remote_address().ip(), can_wait };
    converse(enrolment, &mut send, &mut recv, caller).await
}

/// Whoever has proved a key that may have run out asks for the next certificate: one question, one answer.
///
/// # Errors
/// Why it is broken off.
pub async fn converse_renewal(
    enrolment: &Enrolment,
    send: &mut (impl AsyncWrite + Unpin),
    recv: &mut (impl AsyncRead + Unpin),
    proof: Proof,
) -> Result<(), CloseReason> {
    let csr_der = match frame::read(recv).await {
        Ok(Some(ToCollector::Renew { csr_der })) => csr_der,
        Ok(None) => return Ok(()),
        Ok(Some(_)) => return Err(CloseReason::ProtocolError),
        Err(error) => return error.close_reason().map_or(Ok(()), Err),
    };
    let Enrolment { store, changes, keyring, visits, .. } = enrolment;
    let said = renew::renew(store, changes, keyring, visits, proof, &csr_der).await.map_err(|why| {
        tracing::error!("cannot renew a sensor's certificate: {why}");
        match why {
            NoAnswer::Store(error) => store.handle_error(&error),
            NoAnswer::Certificate(_) => {}
        }
        CloseReason::Unavailable
    })?;
    answer(send, &said).await
}

/// One enrolment, to its end.
///
/// # Errors
/// Why it is broken off.
pub async fn converse(
    enrolment: &Enrolment,
    send: &mut (impl AsyncWrite + Unpin),
    recv: &mut (impl AsyncRead + Unpin),
    caller: Caller,
) -> Result<(), CloseReason> {
    for _ in 0..MESSAGES_MAX {
        let message = match frame::read(recv).await {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(()),
            Err(error) => return error.close_reason().map_or(Ok(()), Err),
        };
        match message {
            ToCollector::AskRoot => answer(send, &ToAgent::Root { document: root(enrolment, None).await? }).await?,
            ToCollector::AskPinned { sha256 } => {
                answer(send, &ToAgent::Root { document: root(enrolment, Some(sha256)).await? }).await?;
            }
            ToCollector::Enrol { sensor, csr_der, proof, agent_version } => {
                let said = enrol(enrolment, caller, sensor, &csr_der, &proof, &agent_version).await;
                let message = said.map_err(|failed| {
                    match failed {
                        Failed::Store(error) => {
                            tracing::error!("cannot enrol a sensor: {error}");
                            enrolment.store.handle_error(&error);
                        }
                        Failed::Certificate(error) => tracing::error!("cannot enrol a sensor: {error}"),
                        Failed::NoAuthority => {
                            tracing::error!(
                                "cannot enrol a sensor: keys/ca.key is not here; bring it back and restart"
                            );
                        }
                        Failed::NoExporter => tracing::error!("cannot enrol a sensor: TLS gives no exporter"),
                    }
                    CloseReason::Unavailable
                })?;
                answer(send, &message).await?;
            }
            ToCollector::Open(_)
            | ToCollector::Hello(_)
            | ToCollector::Heartbeat(_)
            | ToCollector::Batch(_)
            | ToCollector::Kept(_)
            | ToCollector::Compact(_)
            | ToCollector::AskTests
            | ToCollector::Pulse(_)
            | ToCollector::RootOutcome(_)
            | ToCollector::Standing(_)
            | ToCollector::Sight(_)
            | ToCollector::NewestRefused { .. }
            | ToCollector::Renew { .. }
            | ToCollector::Holds(_)
            | ToCollector::AskRoots { .. }
            | ToCollector::ChannelOutcome(_)
            | ToCollector::AskWhole
            | ToCollector::BrakeOutcome(_)
            | ToCollector::Subscribe { .. }
            | ToCollector::ListOutcome(_) => return Err(CloseReason::ProtocolError),
        }
    }
    Ok(())
}

/// The newest root document, or the one with this hash: a token that was made before a newer one pins it still. Where there
/// is none such, the newest, which whoever asks will refuse.
async fn root(enrolment: &Enrolment, pinned: Option<[u8; 32]>) -> Result<Vec<u8>, CloseReason> {
    let rows = enrolment.store.root_documents(Scope::Operator).await.map_err(|error| {
        tracing::error!("cannot read the root documents: {error}");
        enrolment.store.handle_error(&error);
        CloseReason::Unavailable
    })?;
    let wanted = rows.iter().find(|row| pinned.is_some_and(|pinned| sha256(&row.document) == pinned));
    let found = wanted.or(rows.last()).map(|row| row.document.clone());
    Ok(found.unwrap_or_else(|| enrolment.keyring.keys().root_document.clone()))
}

pub(super) async fn answer(send: &mut (impl AsyncWrite + Unpin), message: &ToAgent) -> Result<(), CloseReason> {
    let written = frame::write(send, message, WRITE_WITHIN).await;
    written.or_else(|error| error.close_reason().map_or(Ok(()), Err))
}

async fn enrol(
    enrolment: &Enrolment,
    caller: Caller,
    sensor: SensorId,
    csr_der: &[u8],
    proof: &[u8; 32],
    agent_version: &Text,
) -> Result<ToAgent, Failed> {
    let exporter = caller.exporter.ok_or(Failed::NoExporter)?;
    let now = enrolment.keyring.effective(clock::now());
    let row = enrolment.store.token_row(Scope::Operator, sensor).await.map_err(Failed::Store)?;
    let spki_sha256 = Request::read(csr_der).ok().map(|request| request.spki_sha256());
    let attempt = Attempt { exporter: &exporter, csr_der, proof, spki_sha256 };
    let judged = judge(row.as_ref(), attempt, now);
    let id = i64::try_from(sensor.0).unwrap_or(0);
    // Who has proved the token is known by it, and may come again without end.
    let refuse = |why: EnrolRefusal, words: &'static str| {
        let mut visits = enrolment.visits.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(untold) = visits.handle_refused(id, clock::monotonic()) {
            tracing::warn!(sensor = sensor.0, reason = ?why, untold, "{words}");
        }
        Ok(ToAgent::EnrolRefused(why))
    };
    let honoured = match judged {
        Ok(honoured) => honoured,
        Err(why) => {
            let told = told(enrolment, caller.address, sensor, why);
            // Who has the secret of a token that was used is for a person to see however many guess beside it.
            if told == why || why == EnrolRefusal::Used {
                alarm(enrolment, sensor, why, row.is_some(), now).await;
            }
            return Ok(ToAgent::EnrolRefused(told));
        }
    };
    let Some(spki) = spki_sha256 else { return refuse(EnrolRefusal::BadRequest, REFUSED) };
    let waits = match honoured {
        Honoured::Now => enrolment.approve,
        Honoured::Waits => true,
        Honoured::Approved | Honoured::Again => false,
    };
    // Asked for once the token is proved: strangers do not make an error of it.
    let keys = enrolment.keyring.keys();
    let authority = keys.authority.as_ref().ok_or(Failed::NoAuthority)?;
    let certificate = authority.issue_sensor(csr_der, sensor, now).map_err(Failed::Certificate)?;
    let (_, until) = validity(&certificate).map_err(Failed::Certificate)?;
    let store = &enrolment.store;
    let done = match (honoured, waits) {
        (_, true) if !caller.can_wait => {
            let words = "an older varde-agent cannot wait for approval; it must be updated first";
            return refuse(EnrolRefusal::BadRequest, words);
        }
        (Honoured::Now, true) => store.keep_token(sensor, &spki, agent_version.as_str(), now).await,
        (Honoured::Now | Honoured::Approved, false) => {
            store.consume_token(sensor, &spki, until, agent_version.as_str(), now).await
        }
        (Honoured::Waits, _) | (Honoured::Approved, true) => Ok(true),
        (Honoured::Again, _) => store.key_used(id, &spki, until).await.map(|()| true),
    };
    if !done.map_err(Failed::Store)? {
        // Somebody was faster, it was revoked in this moment, or the key belongs to another sensor.
        let row = store.token_row(Scope::Operator, sensor).await.map_err(Failed::Store)?;
        let why = judge(row.as_ref(), attempt, now).err().unwrap_or(EnrolRefusal::BadRequest);
        alarm(enrolment, sensor, why, row.is_some(), now).await;
        return refuse(why, REFUSED);
    }
    if honoured != Honoured::Waits {
        let words = fingerprint(&spki);
        let what = if waits { "a sensor waits for approval" } else { "a sensor has enrolled" };
        tracing::info!(sensor = sensor.0, words, "{what}");
        let _ = enrolment.changes.send(Change::Sensor(id));
    }
    if waits {
        return Ok(ToAgent::Waiting);
    }
    Ok(ToAgent::Enrolled {
        certificate_der: certificate.to_vec(),
        ca_der: authority.certificate().to_vec(),
        member_name: Text::cut(row.as_ref().map_or("", |row| &row.member_name)),
    })
}

/// A token that was used before and is brought again, or a number that exists and a secret that is not its own, is for a
/// person to see: somebody else has the message in which it was sent, or guesses.
async fn alarm(enrolment: &Enrolment, sensor: SensorId, why: EnrolRefusal, exists: bool, now: Timestamp) {
    let event = match why {
        EnrolRefusal::Used => "token_reused",
        EnrolRefusal::NotGood if exists => "token_guessed",
        EnrolRefusal::NotGood
        | EnrolRefusal::Expired
        | EnrolRefusal::Revoked
        | EnrolRefusal::TooMany
        | EnrolRefusal::BadRequest => return,
    };
    let id = i64::try_from(sensor.0).unwrap_or(i64::MAX);
    match enrolment.store.note_seldom(id, event, now).await {
        Ok(true) => {
            let _ = enrolment.changes.send(Change::Sensor(id));
        }
        Ok(false) => {}
        Err(error) => {
            tracing::error!(sensor = sensor.0, "cannot note that {event}: {error}");
            enrolment.store.handle_error(&error);
        }
    }
}

/// What an attempt that failed is told: why, unless too many have failed beside it. One that is good never comes here. The log says
/// of those that are told, and of the others how many.
fn told(enrolment: &Enrolment, address: IpAddr, sensor: SensorId, why: EnrolRefusal) -> EnrolRefusal {
    let mut attempts = enrolment.attempts.lock().unwrap_or_else(PoisonError::into_inner);
    let failed = attempts.handle_failure(address, sensor.0, clock::monotonic());
    let told = if failed.told { why } else { EnrolRefusal::TooMany };
    if let Some(unlogged) = failed.unlogged {
        tracing::warn!(sensor = sensor.0, reason = ?told, unlogged, "{REFUSED}");
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::keys;
    use crate::io::logged::Logged;
    use crate::limits::FAILED_ATTEMPTS_TOLD;
    use std::collections::BTreeMap;
    use varde_common::token::{proof, secret_hash};

    const EXPORTER: [u8; 32] = [5; 32];

    /// Everything a caller says on one connection, and what is answered.
    async fn say(enrolment: &Enrolment, from: &str, messages: &[ToCollector]) -> Vec<ToAgent> {
        let (mut ours, theirs) = tokio::io::duplex(256 * 1024);
        let (mut recv, mut send) = tokio::io::split(theirs);
        for message in messages {
            tokio::io::AsyncWriteExt::write_all(&mut ours, &message.to_frame().unwrap()).await.unwrap();
        }
        tokio::io::AsyncWriteExt::shutdown(&mut ours).await.unwrap();
        let caller = Caller { exporter: Some(EXPORTER), address: from.parse().unwrap(), can_wait: true };
        converse(enrolment, &mut send, &mut recv, caller).await.unwrap();
        drop((send, recv));
        let mut octets = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut ours, &mut octets).await.unwrap();
        let mut answers = Vec::new();
        let mut rest = octets.as_slice();
        while let Some((header, after)) = rest.split_first_chunk() {
            let header = varde_common::codec::FrameHeader::read(*header, ToAgent::BODY_MAX_OCTETS).unwrap();
            let (body, after) = after.split_at(header.body_octets);
            answers.push(ToAgent::from_body(header.kind, body).unwrap());
            rest = after;
        }
        answers
    }

    #[tokio::test]
    async fn e1_n1_of_ten_thousand_guesses_none_enrols_what_is_guessed_at_is_seen_once_and_the_log_is_not_filled() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let now = clock::now();
        keys::make(dir.path(), now).unwrap();
        let keyring = Keyring::read(dir.path(), now).unwrap();
        store.add_member(&"3407".parse().unwrap(), "Gjøvik", now).await.unwrap();
        let member = store.member_rows(Scope::Operator).await.unwrap()[0].id;
        let later = now.plus(std::time::Duration::from_secs(3_600));
        let sensor = store.add_token(member, &secret_hash(&[1; 16]), now, later).await.unwrap();
        let enrolment = Enrolment::new(store.clone(), Changes::new(16), keyring, false);
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let csr_der = rcgen::CertificateParams::default().serialize_request(&key).unwrap().der().to_vec();
        let enrol = |proof| {
            let (csr_der, agent_version) = (csr_der.clone(), Text::cut("0.1.0"));
            ToCollector::Enrol { sensor, csr_der, proof, agent_version }
        };

        let logged = Logged::begin();
        let begun = clock::monotonic();
        let mut counted = BTreeMap::new();
        for connection in 0..2_500u32 {
            let guesses: Vec<ToCollector> = (0..4u32)
                .map(|turn| {
                    let mut guess = [0; 32];
                    guess[..4].copy_from_slice(&(connection * 4 + turn).to_be_bytes());
                    enrol(guess)
                })
                .collect();
            // From ever more places, as whoever guesses would.
            let from = format!("192.0.{}.{}", connection / 250, connection % 250);
            for answer in say(&enrolment, &from, &guesses).await {
                let ToAgent::EnrolRefused(why) = answer else { panic!("{answer:?}") };
                *counted.entry(format!("{why:?}")).or_insert(0u32) += 1;
            }
        }
        assert_eq!(
            counted.values().sum::<u32>(),
            10_000,
            "each was answered, and none with a certificate: {counted:?}"
        );
        assert!(counted["TooMany"] > 9_000, "nearly all are told nothing: {counted:?}");
        // Those that are told why, and one a minute for all the others.
        let minutes = 1 + usize::try_from(clock::monotonic().duration_since(begun).as_secs() / 60).unwrap();
        let lines = logged.lines(REFUSED).len();
        assert!((1..=minutes * (FAILED_ATTEMPTS_TOLD + 1)).contains(&lines), "{lines} lines in {minutes} minutes");
        assert_eq!(store.sensor_rows(Scope::Operator).await.unwrap()[0].enrolled_at, None);
        let id = i64::try_from(sensor.0).unwrap();
        let events = store.sensor_events(Scope::Operator, id, 20).await.unwrap();
        assert_eq!(events.total, 1, "one note, however many guesses");
        assert_eq!(events.newest[0].body["event"], "token_guessed");

        // The token itself is as good as before, once, in the midst of them and from among them; its second use is seen there too.
        let good = enrol(proof(&secret_hash(&[1; 16]), &EXPORTER, &csr_der));
        let answers = say(&enrolment, "192.0.2.1", std::slice::from_ref(&good)).await;
        assert!(matches!(answers[..], [ToAgent::Enrolled { .. }]), "{answers:?}");
        let thief = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let csr_der = rcgen::CertificateParams::default().serialize_request(&thief).unwrap().der().to_vec();
        let proof = proof(&secret_hash(&[1; 16]), &EXPORTER, &csr_der);
        let second = ToCollector::Enrol { sensor, csr_der, proof, agent_version: Text::cut("0.1.0") };
        let answers = say(&enrolment, "192.0.2.1", &[second]).await;
        // On a slow machine the guesses were longer ago.
        let refused = [EnrolRefusal::Used, EnrolRefusal::TooMany].map(ToAgent::EnrolRefused);
        assert!(answers.len() == 1 && refused.contains(&answers[0]), "{answers:?}");
        let events = store.sensor_events(Scope::Operator, id, 20).await.unwrap();
        assert!(events.newest.iter().any(|event| event.body["event"] == "token_reused"), "{events:?}");
    }
}
