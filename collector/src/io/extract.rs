//! Mails and PDFs taken apart by a process of its own, with a bound on its memory and its time: libraries that read such files may
//! panic, loop or unpack a few octets into gigabytes, and then that process ends and says so, and nothing else does.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::intel::format::prose::{self, Document};
use crate::limits::prose::{
    EXTRACT_MEMORY_MAX_OCTETS, EXTRACT_PROCESSOR_SECONDS, EXTRACT_WITHIN, PROSE_MAX_OCTETS, PROSE_TEXT_MAX_OCTETS,
};

/// What such a process is called: its first argument says what it is for, and no command line leads there.
const NAME: &str = "varde-collector: text of a file";
/// Asked for a mail's text without the PDFs that are attached to it.
const WITHOUT_PDFS: &str = "without-pdfs";
/// This program, also when a newer one has been installed over it meanwhile.
const SELF: &str = "/proc/self/exe";
/// What a document is at most as JSON: every character escaped, and names.
const ANSWER_MAX_OCTETS: u64 = 6 * PROSE_TEXT_MAX_OCTETS as u64 + (1 << 20);

/// Whether this process is one that takes a file apart.
pub fn is_child() -> bool {
    std::env::args_os().next().as_deref() == Some(OsStr::new(NAME))
}

/// Takes apart what comes on standard input and says it on standard output.
pub fn child() -> ExitCode {
    let with_pdfs = std::env::args_os().nth(1).as_deref() != Some(OsStr::new(WITHOUT_PDFS));
    match work(with_pdfs) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn work(with_pdfs: bool) -> io::Result<()> {
    // Before the first octet is read.
    for (resource, most) in [
        (Resource::As, EXTRACT_MEMORY_MAX_OCTETS),
        (Resource::Cpu, EXTRACT_PROCESSOR_SECONDS),
        (Resource::Core, 0),
        // It opens and writes no file: standard output is a pipe.
        (Resource::Fsize, 0),
        (Resource::Nofile, 3),
        (Resource::Nproc, 0),
    ] {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    // What a library says while it falls is nobody's.
    std::panic::set_hook(Box::new(|_| {}));
    let mut octets = Vec::new();
    io::stdin().lock().take(PROSE_MAX_OCTETS).read_to_end(&mut octets)?;
    let document = prose::extract(&octets, with_pdfs);
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &document)?;
    out.flush()
}

/// How a process ended without an answer.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    TooLong,
    TooMuch,
    Fell,
}

/// Takes a mail or a PDF apart; of a mail whose PDFs do harm the rest.
///
/// # Errors
/// Why there is nothing of it, as a sentence.
pub fn document(octets: &[u8]) -> Result<Document, String> {
    let first = ask(octets, true).map_err(|error| format!("no process can be started to take it apart: {error}"))?;
    let ended = match first {
        Ok(document) => return Ok(document),
        Err(ended) => ended,
    };
    if let Ok(Ok(document)) = ask(octets, false) {
        return Ok(document);
    }
    Err(match ended {
        Ended::TooLong => format!(
            "it was not taken apart within {EXTRACT_PROCESSOR_SECONDS} s of processor time: it is made to do harm, or very large"
        ),
        Ended::TooMuch => format!("it holds more than {} MiB of text", PROSE_TEXT_MAX_OCTETS >> 20),
        Ended::Fell => format!(
            "its text could not be taken out within {} MiB of memory: it is damaged, unusual or made to do harm",
            EXTRACT_MEMORY_MAX_OCTETS >> 20
        ),
    })
}

fn ask(octets: &[u8], with_pdfs: bool) -> io::Result<Result<Document, Ended>> {
    let mut command = Command::new(SELF);
    command.arg0(NAME).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    if !with_pdfs {
        command.arg(WITHOUT_PDFS);
    }
    let mut child = command.spawn()?;
    let answer = converse(&mut child, octets);
    // It may be done already; either way nothing of it stays.
    let _ = child.kill();
    let status = child.wait()?;
    Ok(match answer {
        Ok(answer) if answer.len() as u64 > ANSWER_MAX_OCTETS => Err(Ended::TooMuch),
        Ok(answer) => serde_json::from_slice(&answer).map_err(|_| match status.signal() {
            // SIGXCPU, and SIGKILL at the hard bound.
            Some(24 | 9) => Ended::TooLong,
            Some(_) | None => Ended::Fell,
        }),
        Err(RecvTimeoutError::Timeout) => Err(Ended::TooLong),
        Err(RecvTimeoutError::Disconnected) => Err(Ended::Fell),
    })
}

/// Says a file and hears the answer, each by a thread of its own, for no longer than is waited.
fn converse(child: &mut Child, octets: &[u8]) -> Result<Vec<u8>, RecvTimeoutError> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (sender, receiver) = sync_channel(1);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // It may have ended before it heard all.
            let _ = stdin.map(|mut stdin| stdin.write_all(octets));
        });
        scope.spawn(move || {
            let mut answer = Vec::new();
            let read = stdout.map(|stdout| stdout.take(ANSWER_MAX_OCTETS + 1).read_to_end(&mut answer));
            let _ = read.is_some_and(|read| read.is_ok()).then(|| sender.send(answer));
        });
        let heard = receiver.recv_timeout(EXTRACT_WITHIN);
        // The threads end when its ends of the pipes do.
        let _ = child.kill();
        heard
    })
}
