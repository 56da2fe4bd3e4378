//! The local status socket: whoever may open it (its owner, root) is told how the agent is, as one JSON object. The question
//! is one word and a line's end, `status`, `probe`, `import` or `selftest`; who asks nothing is told the status. Who says `import` is told `ready`,
//! sends a list that was carried here (`varde_common::carried`) and its end, and is told what came of it.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::disk::{DiskError, failed};
use super::link::carried::Counter;
use super::self_test::SelfTests;
use crate::limits::{
    ANSWER_TIMEOUT_S, CARRIED_WITHIN_S, CONTROL_ANSWER_MAX_OCTETS, CONTROL_QUESTION_MAX_OCTETS,
    SELF_TEST_ANSWER_WITHIN_S,
};

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// How the agent is.
    Status,
    /// The same, and what comes of trying what it must not be able to do.
    Probe,
    /// That it takes a list.
    Import,
    /// That it tries itself out.
    SelfTest,
}

/// What is said to who brings a list.
const READY: &[u8] = b"ready\n";
/// What is said to who brings one while another is being taken.
const BUSY: &[u8] = b"busy\n";

impl Question {
    fn line(self) -> &'static str {
        match self {
            Question::Status => "status\n",
            Question::Probe => "probe\n",
            Question::Import => "import\n",
            Question::SelfTest => "selftest\n",
        }
    }

    fn read(line: &[u8]) -> Question {
        match line.trim_ascii() {
            b"probe" => Question::Probe,
            b"import" => Question::Import,
            b"selftest" => Question::SelfTest,
            _ => Question::Status,
        }
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

/// Tells everybody who connects what `tell` says to their question, for as long as it is polled, and sends who brings a list to the
/// `counter`, who asks for a test of the sensor to its `tests`; what the system says where the socket cannot be waited on.
pub async fn answer(
    listener: UnixListener,
    tell: impl Fn(Question) -> String,
    counter: &Counter,
    tests: &SelfTests,
) -> io::Error {
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
        let question = Question::read(line.get(..said).unwrap_or_default());
        if question == Question::Import {
            let _ = tokio::time::timeout(Duration::from_secs(1), stream.write_all(READY)).await;
            if let Err(mut turned_away) = counter.hand_in(stream) {
                let _ = tokio::time::timeout(Duration::from_secs(1), turned_away.write_all(BUSY)).await;
            }
            continue;
        }
        if question == Question::SelfTest {
            // Whoever finds no place hears nothing, and asks again.
            let _ = tests.hand_in(stream);
            continue;
        }
        let text = tell(question);
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
    let within_s = match question {
        Question::SelfTest => SELF_TEST_ANSWER_WITHIN_S,
        Question::Status | Question::Probe | Question::Import => ANSWER_TIMEOUT_S,
    };
    stream.set_read_timeout(Some(Duration::from_secs(within_s)))?;
    stream.write_all(question.line().as_bytes())?;
    let mut text = String::new();
    Read::by_ref(&mut stream).take(CONTROL_ANSWER_MAX_OCTETS).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// The process that listens, and the user it runs as, by the kernel's word; none where nobody does.
pub fn listener(data: &Path) -> Option<(i32, u32)> {
    let stream = UnixStream::connect(socket_path(data)).ok()?;
    let peer = nix::sys::socket::getsockopt(&stream, nix::sys::socket::sockopt::PeerCredentials).ok()?;
    Some((peer.pid(), peer.uid()))
}

/// What a running agent said to a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// What came of it, one JSON object ([`super::link::carried::Carried`]).
    Said(String),
    /// Somebody else brings one just now.
    Busy,
    /// It is of a version that takes none.
    Older,
}

/// Brings a running agent a list; none if there is no agent.
///
/// # Errors
/// What the system says when there is a socket and it does not answer, or when the list cannot be read.
pub fn bring(data: &Path, list: &mut impl Read) -> io::Result<Option<Heard>> {
    let mut stream = match UnixStream::connect(socket_path(data)) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(Some(Duration::from_secs(ANSWER_TIMEOUT_S)))?;
    stream.write_all(Question::Import.line().as_bytes())?;
    let mut ready = [0; READY.len()];
    if stream.read_exact(&mut ready).is_err() || ready != *READY {
        return Ok(Some(Heard::Older));
    }
    stream.set_read_timeout(Some(Duration::from_secs(CARRIED_WITHIN_S)))?;
    stream.set_write_timeout(Some(Duration::from_secs(CARRIED_WITHIN_S)))?;
    match io::copy(list, &mut stream) {
        // It has heard enough, and says why.
        Err(error) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {}
        Err(error) => return Err(error),
        Ok(_) => stream.shutdown(Shutdown::Write)?,
    }
    let mut heard = Vec::new();
    match Read::by_ref(&mut stream).take(CONTROL_ANSWER_MAX_OCTETS).read_to_end(&mut heard) {
        // It has not listened to the end, and what it said is here.
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => return Err(error),
        Err(_) | Ok(_) => {}
    }
    Ok(Some(if heard == BUSY { Heard::Busy } else { Heard::Said(String::from_utf8_lossy(&heard).into_owned()) }))
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
        let (counter, tests) = (Counter::default(), SelfTests::new(directory.path()).0);
        tokio::select! {
            error = answer(listener, |question| format!("{question:?}"), &counter, &tests) => panic!("{error}"),
            told = asked => assert_eq!(told.unwrap(), ["Status", "Probe"]),
        }
    }
}
