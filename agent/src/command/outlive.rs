//! Spools that were set aside and have outlived their time: the collector is told what is lost with each, and then it is removed.

use std::path::{Path, PathBuf};

use tokio::sync::{mpsc, oneshot};
use varde_common::record::SensorEvent;

use crate::io::clock;
use crate::io::disk::keeper::{Clocks, Keeper, KeeperEnded, Order};
use crate::io::disk::outlived::{SetAside, end, look, lost_with};
use crate::io::disk::owner::Owner;
use crate::io::disk::volume::RealVolume;
use crate::io::disk::{DiskError, end_process};

/// Why it could not be gone through.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotEnded {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Keeper(#[from] KeeperEnded),
}

impl NotEnded {
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            NotEnded::Disk(error) => error.remedy(),
            NotEnded::Keeper(ended) => ended.remedy(),
        }
    }
}

/// At a start, by whoever owns the spool.
pub(super) fn at_start(data: &Path, owner: &Owner, keeper: &mut Keeper) -> Result<(), NotEnded> {
    for one in look(data, clock::steady())? {
        let lost = match lost_with(&RealVolume, data, &one, owner) {
            Ok(lost) => lost,
            Err(error) => {
                stays_unread(&one, &error);
                continue;
            }
        };
        if keeper.tell_ended(lost, Clocks::read())? {
            end(data, &one)?;
        } else {
            waits(&one);
        }
    }
    Ok(())
}

/// While the agent runs: files are read and removed beside the spool's thread, which is asked to write down what is told of them.
pub(super) async fn hourly(data: PathBuf, owner: Owner, orders: &mpsc::Sender<Order>) {
    let looked = tokio::task::spawn_blocking({
        let data = data.clone();
        move || {
            let told = |one: SetAside| (lost_with(&RealVolume, &data, &one, &owner), one);
            look(&data, clock::steady()).map(|over| over.into_iter().map(told).collect::<Vec<_>>())
        }
    });
    let over = match looked.await {
        Ok(Ok(over)) => over,
        Ok(Err(error)) => end_process(&error),
        // The runtime is ending.
        Err(_) => return,
    };
    for (lost, one) in over {
        let lost = match lost {
            Ok(lost) => lost,
            Err(error) => {
                stays_unread(&one, &error);
                continue;
            }
        };
        if !is_told(lost, orders).await {
            waits(&one);
            continue;
        }
        let data = data.clone();
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || end(&data, &one)).await {
            end_process(&error);
        }
    }
}

async fn is_told(events: Vec<SensorEvent>, orders: &mpsc::Sender<Order>) -> bool {
    let (reply, answer) = oneshot::channel();
    orders.send(Order::Ended { events, reply }).await.is_ok() && answer.await.unwrap_or(false)
}

fn waits(one: &SetAside) {
    tracing::error!(
        "the time of {} is over, and it stays until what is lost with it can be written down: make room on the disk",
        one.name
    );
}

fn stays_unread(one: &SetAside, error: &DiskError) {
    tracing::error!(
        "the time of {} is over, and it stays until what is lost with it can be read: {error}; {}",
        one.name,
        error.remedy()
    );
}
