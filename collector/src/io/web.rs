//! The page.

use crate::change::Changes;
use crate::store::Store;

/// Stub.
///
/// # Errors
/// None.
pub async fn serve(
    _listener: tokio::net::TcpListener,
    _store: Store,
    _changes: Changes,
    mut stop: tokio::sync::watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let _ = stop.wait_for(|stop| *stop).await;
    Ok(())
}
