//! The local status socket: whoever may open it (its owner, root) is told how the agent is, as one JSON object. The question
//! is one word and a line's end, `status` or `probe`; who asks nothing is told the status.

use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::disk::{DiskError, failed};
use crate::limits::{ANSWER_TIMEOUT_S, CONTROL_ANSWER_MAX_OCTETS, CONTROL_QUESTION_MAX_OCTETS};

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// How the agent is.
    Status,
    /// The same, and what comes of trying what it must not be able to do.
    Probe,
}

impl Question {
    fn line(self) -> &'static str {
        match self {
            Question::Status => "status\n",
            Question::Probe => "probe\n",
        }
    }

    fn read(line: &[u8]) -> Question {
        if line.trim_ascii() == b"probe" { Question::Probe } else { Question::Status }
    }
}

/// Where the socket of a data directory is.
pub fn socket_path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Opens the socket, before the process gives up the right to make one; questions wait in it until [`answer`] runs. Whoever
/// calls this holds the data directory, so one that is there was left by a crash.
///
/// # Errors
/// [`DiskError`].
pub fn listen(data: &Path) -> Result<UnixListener, DiskError> {
    let path = socket_path(data);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("remove", &path)(error)),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&path).map_err(failed("open", &path))?;
    // The data directory lets nobody else in; this is the second lock on the same door.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed("protect", &path))?;
    listener.set_nonblocking(true).map_err(failed("open", &path))?;
    Ok(listener)
}

/// Tells everybody who connects what `tell` says to their question, for as long as it is polled; what the system says where
/// the socket cannot be waited on.
pub async fn answer(listener: UnixListener, tell: impl Fn(Question) -> String) -> io::Error {
    let listener = match tokio::net::UnixListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    loop {
        let Ok((mut stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: later it may work.
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        };
        // One that neither asks nor reads is not waited for.
        let mut line = [0; CONTROL_QUESTION_MAX_OCTETS];
        let asked = tokio::time::timeout(Duration::from_secs(1), stream.read(&mut line)).await;
        let said = asked.ok().and_then(Result::ok).unwrap_or(0);
        let text = tell(Question::read(line.get(..said).unwrap_or_default()));
        let write = async {
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), write).await;
    }
}

/// Asks a running agent; none if there is none.
///
/// # Errors
/// What the system says when there is a socket and it does not answer.
pub fn ask(data: &Path, question: Question) -> io::Result<Option<String>> {
    let mut stream = match UnixStream::connect(socket_path(data)) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(Some(Duration::from_secs(ANSWER_TIMEOUT_S)))?;
    stream.write_all(question.line().as_bytes())?;
    let mut text = String::new();
    Read::by_ref(&mut stream).take(CONTROL_ANSWER_MAX_OCTETS).read_to_string(&mut text)?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_running_agent_answers_and_a_crashed_ones_socket_is_taken_over() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(ask(directory.path(), Question::Status).unwrap(), None);
        drop(listen(directory.path()).unwrap());
        assert_eq!(ask(directory.path(), Question::Status).unwrap(), None, "a socket nobody listens on");
        let listener = listen(directory.path()).unwrap();
        let mode = std::fs::metadata(socket_path(directory.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let data = directory.path().to_owned();
        let asked = tokio::task::spawn_blocking(move || {
            // Someone who connects and leaves, and one who says something else, are answered as well as the next.
            drop(UnixStream::connect(socket_path(&data)).unwrap());
            let mut other = UnixStream::connect(socket_path(&data)).unwrap();
            other.write_all(&[b'x'; 100]).unwrap();
            [Question::Status, Question::Probe].map(|question| ask(&data, question).unwrap().unwrap())
        });
        tokio::select! {
            error = answer(listener, |question| format!("{question:?}")) => panic!("{error}"),
            told = asked => assert_eq!(told.unwrap(), ["Status", "Probe"]),
        }
    }
}
