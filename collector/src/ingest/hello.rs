//! A sensor's Hello against what is stored of it: from where it is to send, which mark it gets, or why it is not greeted.

use serde_json::json;
use sqlx::SqliteConnection;
use varde_common::id::{Epoch, Mark, Seq};
use varde_common::message::Hello;
use varde_common::time::Timestamp;

use crate::mark::{Given, Speaker, judge};
use crate::store::record::Position;
use crate::store::{Store, StoreError, mark, presence, record, site};

/// What is said to be committed of a spool that another has followed: whatever lies in it beyond what is stored, that other
/// may have taken over, and nobody is to send it a second time.
const ALL_OF_IT: Seq = Seq(i64::MAX as u64);

/// Hello as the session takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    /// What the sensor said.
    pub hello: Hello,
    /// The version that both speak.
    pub protocol: u16,
    /// The mark it said in front of it; none in version 1, and before the first session of a spool.
    pub kept: Option<Mark>,
}

/// What became of a Hello; it is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Met {
    /// The session stands; records up to here are committed, and in version 2 this is its mark.
    Stands {
        /// Send from the next.
        committed: Seq,
        /// None in version 1.
        mark: Option<Mark>,
    },
    /// Its spool's numbers mean two things: it is to begin a new one.
    NewEpoch {
        /// What is committed of the one it has.
        committed: Seq,
    },
    /// Two live with its identity: neither is heard.
    Quarantined,
    /// It was revoked in this moment.
    Revoked,
}

/// Takes in a Hello. `fresh` is a random mark, `carrier` what it came over.
///
/// # Errors
/// The database's own; then nothing has changed.
pub async fn meet(
    store: &Store,
    sensor: i64,
    said: &Introduction,
    fresh: Mark,
    carrier: &str,
    now: Timestamp,
) -> Result<Met, StoreError> {
    let mut tx = store.begin().await?;
    let met = meet_within(&mut tx, sensor, said, fresh, carrier, now).await?;
    tx.commit().await?;
    Ok(met)
}

async fn meet_within(
    conn: &mut SqliteConnection,
    sensor: i64,
    said: &Introduction,
    fresh: Mark,
    carrier: &str,
    now: Timestamp,
) -> Result<Met, sqlx::Error> {
    let epoch = said.hello.epoch;
    let position = record::position(conn, sensor).await?;
    if position.revoked {
        return Ok(Met::Revoked);
    }
    if position.quarantined {
        return Ok(Met::Quarantined);
    }
    let committed = if position.epoch == Some(epoch) {
        position.committed
    } else {
        record::last_stored(conn, sensor, epoch).await?
    };
    let new_spool = position.epoch != Some(epoch) && committed == Seq(0);
    let mark = if said.protocol >= 2 {
        let followed = position.epoch.is_some_and(|current| current != epoch)
            && (!new_spool || mark::was_followed(conn, sensor, epoch).await?);
        match recognise(conn, sensor, said, committed, (new_spool, followed), now).await? {
            Recognised::Follows(newest, follows) => {
                mark::give(conn, sensor, newest + 1, fresh, follows, now).await?;
                Some(fresh)
            }
            Recognised::Another(met) => return Ok(met),
        }
    } else {
        // An agent of version 1 keeps no mark; when it is brought up to date again, it has none to say.
        mark::forget(conn, sensor).await?;
        None
    };
    if new_spool {
        mark::renewed(conn, sensor).await?;
    }
    switch(conn, sensor, position, epoch, committed, now).await?;
    let hello = &said.hello;
    site::named(conn, sensor, &hello.sites).await?;
    presence::connected(conn, sensor, hello.agent_version.as_str(), hello.revision, said.protocol, carrier, now)
        .await?;
    Ok(Met::Stands { committed, mark })
}

enum Recognised {
    /// The sensor as it was last: the newest mark's number, and of the one it says.
    Follows(i64, Option<i64>),
    /// Somebody else.
    Another(Met),
}

/// Who it is that says Hello, in words a person at the CSIRT understands where it is not the sensor as it was last.
async fn recognise(
    conn: &mut SqliteConnection,
    sensor: i64,
    said: &Introduction,
    committed: Seq,
    (new_spool, followed): (bool, bool),
    now: Timestamp,
) -> Result<Recognised, sqlx::Error> {
    let Hello { epoch, next_seq, .. } = said.hello;
    let given = mark::given(conn, sensor).await?;
    let newest = given.first().map_or(0, |newest| newest.number);
    let (follows, set_back) = match judge(said.kept, &given, new_spool) {
        Speaker::Itself(follows) => (follows, None),
        Speaker::OneOfTwo(Given { at, .. }) => {
            let words = "Two machines use this sensor's identity: one came that had been greeted before, while another was \
                greeted since. Neither is heard until you have found out which is the copy, stopped it, and released the sensor. \
                What both have found is kept by them.";
            let body = json!({ "event": "two_live", "words": words, "greeted_at": at });
            mark::note(conn, sensor, epoch, &body, now).await?;
            mark::quarantine(conn, sensor, now).await?;
            tracing::error!(sensor, "two machines use this sensor's identity; it is in quarantine");
            return Ok(Recognised::Another(Met::Quarantined));
        }
        Speaker::Older(Given { at, number, .. }) => (Some(number), Some(Some(at))),
        Speaker::Unknown => {
            let words = "The sensor says a mark that this collector does not remember to have given. That is so after the \
                collector was restored from a backup.";
            mark::note(conn, sensor, epoch, &json!({ "event": "mark_unknown", "words": words }), now).await?;
            (None, None)
        }
        Speaker::Missing => {
            let words =
                "The sensor no longer has the mark it was given; somebody may have cleared its spool's directory.";
            mark::note(conn, sensor, epoch, &json!({ "event": "mark_missing", "words": words }), now).await?;
            (None, None)
        }
    };
    // Its numbers go on below what is stored under them: whatever its mark, it has been set back.
    let behind = committed > Seq(0) && next_seq <= committed;
    // A spool of its own that it begins anew needs no order; one that another followed is none, though nothing of it is stored.
    let must_renew = (!new_spool || followed) && mark::must_renew(conn, sensor).await?;
    // Another followed it: what it goes on with that other may have taken over, stored or not.
    let behind = behind || followed;
    if set_back.is_none() && !behind && !must_renew {
        return Ok(Recognised::Follows(newest, follows));
    }
    let words = if must_renew {
        "The sensor was released from quarantine; it begins a new spool, so that no number means two things."
    } else {
        "An older state of this sensor came: its disk was restored, or copied then. It was told to begin a new spool; \
            nothing is counted twice. If the sensor was not restored, a copy of it runs somewhere."
    };
    let was_so_at = set_back.flatten();
    let others_end = mark::others_end(conn, sensor, epoch).await?;
    let mut body =
        json!({ "event": "set_back", "words": words, "state_of": was_so_at, "next": next_seq, "committed": committed });
    if let Some(body) = body.as_object_mut().filter(|_| must_renew) {
        body.insert("released".to_owned(), json!(true));
    }
    mark::note(conn, sensor, epoch, &body, now).await?;
    if !must_renew {
        mark::set_back(conn, sensor, now).await?;
        tracing::warn!(sensor, %next_seq, %committed, "an older state of this sensor came; a new epoch is ordered");
    }
    let committed = match others_end {
        _ if !followed => committed,
        // A person has found out which is the copy: what lies beyond the end of what that one had is this one's alone.
        Some(end) if must_renew => committed.max(Seq(end.0.saturating_sub(1))),
        Some(_) | None => ALL_OF_IT,
    };
    Ok(Recognised::Another(Met::NewEpoch { committed }))
}

/// Moves the sensor to the epoch of its Hello. One other than the last (a new spool, or an old one again) is noted.
async fn switch(
    conn: &mut SqliteConnection,
    sensor: i64,
    position: Position,
    epoch: Epoch,
    committed: Seq,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if position.epoch == Some(epoch) {
        return Ok(());
    }
    record::switch_epoch(conn, sensor, epoch, committed).await?;
    if let Some(before) = position.epoch {
        let body = json!({ "event": "epoch_changed", "before": before.to_string(), "committed": committed });
        mark::note(conn, sensor, epoch, &body, now).await?;
    }
    Ok(())
}
