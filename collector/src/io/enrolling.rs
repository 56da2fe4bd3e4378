//! New sensors, as commands and pages let them in: a token is made, one that waits is approved or refused, one is shut out. Whatever is done
//! stands in the audit with it, and the running collector is told.

use std::time::Duration;

use varde_common::codec::Text;
use varde_common::id::MemberNumber;
use varde_common::limits::TOKEN_LIFE_HOURS;
use varde_common::token::{Token, secret_hash};
use varde_common::trust::sha256;

use super::control::{Poked, poke};
use super::{directory, keys};
use crate::address::{BadAddress, DialAddress, NoAddress, dial};
use crate::control::Poke;
use crate::deed::By;
use crate::store::member::MemberRow;
use crate::store::sensor::Revoked;
use crate::store::{Scope, Store, StoreError, setting};

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum NoToken {
    /// The store's own.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such member.
    #[error("there is no member {0}; add it first with: varde-collector member add {0} NAME")]
    NoMember(MemberNumber),
    /// The address that was set.
    #[error("the address that was set cannot be read: {0}")]
    Address(#[from] BadAddress),
    /// Nobody has said where sensors dial.
    #[error(transparent)]
    NoAddress(#[from] NoAddress),
    /// What it pins cannot be read.
    #[error(transparent)]
    Root(#[from] keys::KeyError),
    /// The system's own.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
}

/// A new sensor of a member, and its token. Who calls it tells the running collector, once all that belongs to it is written.
///
/// # Errors
/// [`NoToken`].
pub async fn make_token(store: &Store, number: &MemberNumber, by: &By) -> Result<(Token, MemberRow), NoToken> {
    let data = store.directory();
    let member = store.member_by_number(Scope::Operator, number).await?;
    let member = member.ok_or_else(|| NoToken::NoMember(number.clone()))?;
    let set = store.setting(Scope::Operator, setting::ADDRESS).await?;
    let set: Option<DialAddress> = set.map(|text| text.parse()).transpose()?;
    let dial = dial(set.as_ref(), directory::read_bound(data).as_ref())?;
    let (root_document, _) = keys::read_root(data)?;
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).map_err(|error| NoToken::Random(error.to_string()))?;
    let life = u64::try_from(TOKEN_LIFE_HOURS).unwrap_or(0);
    let expires = by.at.plus(Duration::from_secs(life * 3600));
    let made = by.sensor_token(&member.number, &expires.to_string());
    let sensor = store.noting(made).add_token(member.id, &secret_hash(&secret), by.at, expires).await?;
    let token = Token {
        sensor,
        member: Text::cut(&format!("{} ({})", member.name, member.number)),
        quic: Text::cut(&dial.quic),
        enroll: Text::cut(&dial.enroll),
        root_sha256: sha256(&root_document),
        secret,
        expires,
    };
    Ok((token, member))
}

/// The words of a sensor that waits for approval; none where none of that number does.
///
/// # Errors
/// The database's own.
pub async fn waiting(store: &Store, id: i64) -> Result<Option<String>, StoreError> {
    let sensors = store.sensor_rows(Scope::Operator).await?;
    let found = sensors.into_iter().find(|sensor| sensor.id == id && sensor.revoked_at.is_none());
    Ok(found.and_then(|sensor| sensor.words))
}

/// What becomes of one that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It is let in.
    Approve,
    /// Its token is good for nothing any more.
    Refuse,
}

/// Says so. Gives the words of its key; none where it does not wait.
///
/// # Errors
/// The database's own.
pub async fn say(store: &Store, id: i64, word: Word, by: &By) -> Result<Option<String>, StoreError> {
    let Some(words) = waiting(store, id).await? else { return Ok(None) };
    let done = match word {
        Word::Approve => store.noting(by.sensor_approved(id, &words)).approve_sensor(id, by.at).await?,
        Word::Refuse => store.noting(by.sensor_refused(id, &words)).revoke_sensor(id, by.at).await? == Revoked::Now,
    };
    poke(store.directory(), Poke::Sensors).await;
    Ok(done.then_some(words))
}

/// Shuts a sensor out, or makes a token that was not used yet good for nothing.
///
/// # Errors
/// The database's own.
pub async fn revoke(store: &Store, id: i64, reason: Option<&str>, by: &By) -> Result<(Revoked, Poked), StoreError> {
    let done = store.noting(by.sensor_revoked(id, reason)).revoke_sensor(id, by.at).await?;
    Ok((done, poke(store.directory(), Poke::Sensors).await))
}
