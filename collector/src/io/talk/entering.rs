//! Who it is that comes with a certificate of ours, and whether it may come in.

use tokio::time::timeout;
use varde_common::message::CloseReason;

use super::Guest;
use crate::change::Change;
use crate::io::carrier::Carrier;
use crate::io::clock;
use crate::io::listen::Collector;
use crate::io::live::Entered;
use crate::io::renew::Proof;
use crate::limits::GREETED_WITHIN;
use crate::session::Session;
use crate::store::{Scope, StoreError};

/// Who it is, by the public key it has proved, and whether it may come in.
///
/// # Errors
/// Why it may not.
pub async fn enter(collector: &Collector, proof: Proof, carrier: &Carrier) -> Result<Guest, CloseReason> {
    // A database that is busy is no fault of the sensor's, which waits for an answer to its Hello by now.
    let entered = timeout(GREETED_WITHIN, let_in(collector, proof, carrier)).await;
    entered.unwrap_or(Err(CloseReason::Unavailable))
}

async fn let_in(collector: &Collector, proof: Proof, carrier: &Carrier) -> Result<Guest, CloseReason> {
    let spki = &proof.spki_sha256;
    let store_error = |error: StoreError| {
        collector.failed("cannot look up a sensor", &error);
        CloseReason::Unavailable
    };
    let known = collector.store.sensor_by_key(Scope::Operator, spki).await.map_err(store_error)?;
    let Some(known) = known else {
        ended(collector, spki).await.map_err(store_error)?;
        return Err(CloseReason::Revoked);
    };
    if known.revoked {
        refused(collector, known.sensor, "a revoked sensor was refused");
        return Err(CloseReason::Revoked);
    }
    if let Some(left) = collector.thrown_out().left(known.sensor, clock::monotonic()) {
        tracing::debug!(sensor = known.sensor, "it broke the rules too often and is not greeted for {left:.0?}");
        return Err(CloseReason::ProtocolError);
    }
    let sites = collector.store.sites_of(Scope::Operator, known.sensor).await.map_err(store_error)?;
    match collector.live.enter(known.sensor, proof, carrier).await.map_err(store_error)? {
        Entered::As(number) => {
            let session = Session::new(sites, collector.protocols.clone());
            Ok(Guest { sensor: known.sensor, number, session, proof })
        }
        Entered::Revoked => Err(CloseReason::Revoked),
        Entered::Quarantined => {
            refused(collector, known.sensor, "a sensor in quarantine was refused");
            Err(CloseReason::Quarantined)
        }
    }
}

/// Somebody was refused who has a certificate of ours: told now and then, for it may knock without end.
pub(super) fn refused(collector: &Collector, sensor: i64, words: &'static str) {
    if let Some(untold) = collector.live.visits().handle_refused(sensor, clock::monotonic()) {
        tracing::warn!(sensor, untold, "{words}");
    }
}

/// A certificate of ours came whose key is nobody's now. Where it was a sensor's before, and another key was used since, it
/// is a copy of an older disk or somebody who has taken one: that is for a person to see.
pub(super) async fn ended(collector: &Collector, spki: &[u8; 32]) -> Result<(), StoreError> {
    let known = collector.store.known_by_key(Scope::Operator, spki).await?;
    // A sensor that was revoked tries what it has; that is no news.
    let Some(known) = known.filter(|known| known.ended && !known.revoked) else {
        // No sensor has the number nought: they are counted together.
        refused(collector, 0, "a certificate of ours that no sensor goes by was refused");
        return Ok(());
    };
    refused(collector, known.sensor, "a key that has ended was refused: a copy of an older disk, or a theft");
    if collector.store.note_seldom(known.sensor, "ended_key", clock::now()).await? {
        let _ = collector.changes.send(Change::Sensor(known.sensor));
    }
    Ok(())
}
