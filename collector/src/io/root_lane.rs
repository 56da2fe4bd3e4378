//! The lane for sensors that were off while the authority changed: root documents behind the one that is named, for whoever asks.
//! They are public and prove themselves; who asks proves nothing. One question, and an answer of bounded octets.

use std::net::IpAddr;
use std::sync::PoisonError;

use tokio::io::{AsyncRead, AsyncWrite};
use varde_common::message::{CloseReason, ToAgent, ToCollector};

use super::clock;
use super::enroll::{Enrolment, answer};
use super::frame;
use crate::limits::{ROOTS_TOLD_MAX, ROOTS_TOLD_MAX_OCTETS};
use crate::store::Scope;
use crate::store::trust::RootRow;

/// Answers one question from this address.
///
/// # Errors
/// Why it is broken off.
pub async fn converse(
    enrolment: &Enrolment,
    send: &mut (impl AsyncWrite + Unpin),
    recv: &mut (impl AsyncRead + Unpin),
    address: IpAddr,
) -> Result<(), CloseReason> {
    let held = match frame::read(recv).await {
        Ok(Some(ToCollector::AskRoots { version })) => version,
        Ok(None) => return Ok(()),
        Ok(Some(_)) => return Err(CloseReason::ProtocolError),
        Err(error) => return error.close_reason().map_or(Ok(()), Err),
    };
    let may = {
        let mut told = enrolment.told_roots.lock().unwrap_or_else(PoisonError::into_inner);
        told.may_tell(address, clock::monotonic())
    };
    if !may {
        return Err(CloseReason::Unavailable);
    }
    let rows = enrolment.store.root_documents(Scope::Operator).await.map_err(|error| {
        tracing::error!("cannot read the root documents: {error}");
        enrolment.store.handle_error(&error);
        CloseReason::Unavailable
    })?;
    let newest = rows.last().map_or(0, |row| row.version);
    for document in behind(rows, held) {
        answer(send, &ToAgent::NextRoot { document }).await?;
    }
    answer(send, &ToAgent::NoMoreRoots { newest }).await
}

/// The documents behind that one, oldest first, as many as one asking gets.
fn behind(rows: Vec<RootRow>, held: u32) -> impl Iterator<Item = Vec<u8>> {
    let behind = rows.into_iter().filter(move |row| row.version > held).take(ROOTS_TOLD_MAX);
    behind.map(|row| row.document).scan(0, |octets, document| {
        *octets += document.len();
        (*octets <= ROOTS_TOLD_MAX_OCTETS).then_some(document)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n2_an_answer_is_bounded_in_number_and_octets_and_begins_behind_what_is_held() {
        let rows = |octets: usize| {
            (1..=100).map(|version| RootRow { version, document: vec![version as u8; octets] }).collect::<Vec<_>>()
        };
        let told = |octets, held| behind(rows(octets), held).map(|document| document[0]).collect::<Vec<_>>();
        assert_eq!(told(100, 3), (4..=35).collect::<Vec<u8>>());
        assert_eq!(told(ROOTS_TOLD_MAX_OCTETS / 2, 3), [4, 5]);
        assert_eq!(told(100, 100), [0; 0]);
        assert_eq!(told(ROOTS_TOLD_MAX_OCTETS + 1, 0), [0; 0]);
    }
}
