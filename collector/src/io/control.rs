//! The control socket in the data directory: commands say what they have changed, the running collector acts and answers.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::listen::Collector;
use crate::control::{Answer, Poke, Request, read_request};
use crate::limits::{CONTROL_LINE_MAX_OCTETS, CONTROL_WITHIN};

/// The socket's file.
pub const SOCKET_FILE: &str = "control.sock";
/// Commands heard at once.
const COMMANDS_MAX: usize = 16;

/// Makes the socket. Only the holder of the directory's lock may: an old file is nobody's then.
///
/// # Errors
/// The system's own.
pub fn bind(data: &Path) -> io::Result<UnixListener> {
    let path = data.join(SOCKET_FILE);
    match std::fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Hears commands for as long as the collector runs.
pub async fn hear(listener: UnixListener, collector: Arc<Collector>) {
    let turns = Arc::new(Semaphore::new(COMMANDS_MAX));
    loop {
        let Ok(turn) = turns.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let collector = collector.clone();
                tokio::spawn(async move {
                    let _turn = turn;
                    let _ = timeout(CONTROL_WITHIN, answer(stream, &collector)).await;
                });
            }
            Err(error) => {
                tracing::warn!("the control socket does not answer: {error}");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
    }
}

async fn answer(mut stream: UnixStream, collector: &Collector) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut line = String::new();
    BufReader::new(read.take(CONTROL_LINE_MAX_OCTETS)).read_line(&mut line).await?;
    let done = match read_request(&line) {
        Ok(Request { poke }) => collector.handle_poke(poke).await,
        Err(error) => {
            tracing::warn!("a line on the control socket is no request: {error}");
            false
        }
    };
    let mut octets = serde_json::to_vec(&Answer { done })?;
    octets.push(b'\n');
    write.write_all(&octets).await
}

/// What became of a poke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poked {
    /// The running collector has acted.
    Done,
    /// None runs; the next start will see what was changed.
    NotRunning,
    /// One runs but did not act in time; it looks by itself every few seconds.
    Late,
}

/// Tells the running collector, if there is one, what was changed.
pub async fn poke(data: &Path, poke: Poke) -> Poked {
    let Ok(mut stream) = UnixStream::connect(data.join(SOCKET_FILE)).await else { return Poked::NotRunning };
    let ask = async {
        let mut octets = serde_json::to_vec(&Request { poke })?;
        octets.push(b'\n');
        stream.write_all(&octets).await?;
        let mut line = String::new();
        BufReader::new((&mut stream).take(CONTROL_LINE_MAX_OCTETS)).read_line(&mut line).await?;
        io::Result::Ok(serde_json::from_str::<Answer>(&line).is_ok_and(|answer| answer.done))
    };
    match timeout(CONTROL_WITHIN, ask).await {
        Ok(Ok(true)) => Poked::Done,
        Ok(Ok(false) | Err(_)) | Err(_) => Poked::Late,
    }
}
