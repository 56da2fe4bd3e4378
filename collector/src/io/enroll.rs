//! Enrolment, over QUIC on a port of its own or over TCP: the root document for whoever asks, a certificate for who proves a token.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use quinn::{Connection, Endpoint, Incoming};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::timeout;
use varde_common::codec::Text;
use varde_common::id::SensorId;
use varde_common::message::{CloseReason, EnrolRefusal, ToAgent, ToCollector};
use varde_common::token::EXPORTER_LABEL;

use super::frame::{self, FrameError};
use super::{clock, quic};
use crate::arrivals::{Arrival, Arrivals, Bounds};
use crate::certificate::{Authority, CertificateError, spki_sha256};
use crate::change::{Change, Changes};
use crate::enrolment::{Attempt, Attempts, judge};
use crate::limits::{
    ENROL_WITHIN, ENROLMENTS_BEFORE_RETRY, ENROLMENTS_MAX, HANDSHAKE_WITHIN, HANDSHAKES_OF_ONE_BEFORE_RETRY,
    WRITE_WITHIN,
};
use crate::store::{Scope, Store, StoreError};

/// Messages heard on one enrolment: the root is asked for once, the token is offered once or, after a slip, once more.
const MESSAGES_MAX: usize = 4;

/// What enrolment needs.
pub struct Enrolment {
    /// The database.
    pub store: Store,
    /// Where an enrolled sensor is told.
    pub changes: Changes,
    /// The root document, as in its file.
    pub root_document: Vec<u8>,
    /// Who issues; none while its key is offline.
    pub authority: Option<Authority>,
    /// Enrolments that may be under way, over either carrier.
    pub places: Arrivals,
    attempts: Mutex<Attempts>,
}

/// Who wants to enrol, as the connection shows it.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// What TLS gives for [`EXPORTER_LABEL`] on this connection; none = it gives nothing.
    pub exporter: Option<[u8; 32]>,
    /// Its address.
    pub address: IpAddr,
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
    pub fn new(store: Store, changes: Changes, root_document: Vec<u8>, authority: Option<Authority>) -> Arc<Enrolment> {
        // Half full: whoever comes now proves its address first.
        let places = Arrivals::new(Bounds {
            most: ENROLMENTS_MAX,
            before_proof: ENROLMENTS_BEFORE_RETRY,
            of_one_before_proof: HANDSHAKES_OF_ONE_BEFORE_RETRY,
        });
        Arc::new(Enrolment { store, changes, root_document, authority, places, attempts: Mutex::default() })
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
                    attend(&enrolment, incoming).await;
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

async fn attend(enrolment: &Enrolment, incoming: Incoming) {
    let Ok(connecting) = incoming.accept() else { return };
    let Ok(Ok(connection)) = timeout(HANDSHAKE_WITHIN, connecting).await else { return };
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
}

async fn converse_quic(enrolment: &Enrolment, connection: &Connection) -> Result<(), CloseReason> {
    let Ok((mut send, mut recv)) = connection.accept_bi().await else { return Ok(()) };
    let mut exporter = [0; 32];
    let exported = connection.export_keying_material(&mut exporter, EXPORTER_LABEL, b"");
    let exporter = exported.is_ok().then_some(exporter);
    converse(enrolment, &mut send, &mut recv, Caller { exporter, address: connection.remote_address().ip() }).await
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
            Ok(None) | Err(FrameError::Gone | FrameError::Goodbye) => return Ok(()),
            Err(FrameError::Stalled | FrameError::Malformed(_)) => return Err(CloseReason::ProtocolError),
        };
        match message {
            ToCollector::AskRoot => {
                answer(send, &ToAgent::Root { document: enrolment.root_document.clone() }).await?;
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
            | ToCollector::Pulse(_)
            | ToCollector::Subscribe { .. }
            | ToCollector::ListOutcome(_) => return Err(CloseReason::ProtocolError),
        }
    }
    Ok(())
}

async fn answer(send: &mut (impl AsyncWrite + Unpin), message: &ToAgent) -> Result<(), CloseReason> {
    match frame::write(send, message, WRITE_WITHIN).await {
        Ok(()) | Err(FrameError::Gone | FrameError::Goodbye) => Ok(()),
        Err(FrameError::Stalled | FrameError::Malformed(_)) => Err(CloseReason::ProtocolError),
    }
}

async fn enrol(
    enrolment: &Enrolment,
    caller: Caller,
    sensor: SensorId,
    csr_der: &[u8],
    proof: &[u8; 32],
    agent_version: &Text,
) -> Result<ToAgent, Failed> {
    let authority = enrolment.authority.as_ref().ok_or(Failed::NoAuthority)?;
    let exporter = caller.exporter.ok_or(Failed::NoExporter)?;
    let now = clock::now();
    let row = enrolment.store.token_row(Scope::Operator, sensor).await.map_err(Failed::Store)?;
    let attempt = Attempt { exporter: &exporter, csr_der, proof };
    let judged = judged(enrolment, caller.address, || judge(row.as_ref(), attempt, now));
    let refuse = |why: EnrolRefusal| {
        tracing::warn!(sensor = sensor.0, reason = ?why, "an enrolment was refused");
        Ok(ToAgent::EnrolRefused(why))
    };
    if let Err(why) = judged {
        return refuse(why);
    }
    let certificate = match authority.issue_sensor(csr_der, sensor, now) {
        Ok(certificate) => certificate,
        Err(CertificateError::BadRequest) => return refuse(EnrolRefusal::BadRequest),
        Err(error) => return Err(Failed::Certificate(error)),
    };
    let spki = spki_sha256(&certificate).map_err(Failed::Certificate)?;
    let consumed = enrolment.store.consume_token(sensor, &spki, agent_version.as_str(), now).await;
    if !consumed.map_err(Failed::Store)? {
        // Somebody was faster, it was revoked in this moment, or the key belongs to another sensor.
        let row = enrolment.store.token_row(Scope::Operator, sensor).await.map_err(Failed::Store)?;
        return refuse(judge(row.as_ref(), attempt, now).err().unwrap_or(EnrolRefusal::BadRequest));
    }
    tracing::info!(sensor = sensor.0, "a sensor has enrolled");
    let _ = enrolment.changes.send(Change::Sensor(i64::try_from(sensor.0).unwrap_or(0)));
    Ok(ToAgent::Enrolled {
        certificate_der: certificate.to_vec(),
        ca_der: authority.certificate().to_vec(),
        member_name: Text::cut(row.as_ref().map_or("", |row| &row.member_name)),
    })
}

/// Judges an attempt unless there were too many: looked up, judged and counted under one lock, so that guesses in
/// parallel are counted like guesses in a row.
fn judged(
    enrolment: &Enrolment,
    address: IpAddr,
    judge: impl FnOnce() -> Result<(), EnrolRefusal>,
) -> Result<(), EnrolRefusal> {
    let mut attempts = enrolment.attempts.lock().unwrap_or_else(PoisonError::into_inner);
    let now = clock::monotonic();
    if !attempts.may_try(address, now) {
        return Err(EnrolRefusal::TooMany);
    }
    let judged = judge();
    if judged.is_err() {
        attempts.handle_failure(address, now);
    }
    judged
}
