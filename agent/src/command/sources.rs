//! Opening what `run` watches: interfaces while the process may, files and pipes once it has given up its rights.

use std::path::PathBuf;

use super::{EXIT_START_AGAIN, Failure};
use crate::io::capture::{Capture, CaptureError, FileCapture, Late, LiveSettings, Merged, open_live_on};
use crate::io::privilege::handed::PacketSockets;
use crate::io::watch::{Source, SourceReport};

/// Interfaces that were opened, with the reports on them.
pub(super) type Interfaces = Vec<(Box<dyn Capture>, SourceReport)>;

/// The sockets that interfaces are opened on. Where rights can only be given up by beginning anew, this does not return.
pub(super) fn packet_sockets(interfaces: usize) -> Result<PacketSockets, Failure> {
    PacketSockets::ready(interfaces)
        .map_err(|error| Failure::new(error, "look at the unit and at the log before this line"))
}

/// Opens the interfaces; those that fail are told, the others are used.
pub(super) fn open_interfaces(
    interfaces: &[(u16, String)],
    settings: &LiveSettings,
    mut sockets: PacketSockets,
) -> (Interfaces, Vec<Failure>) {
    let (mut opened, mut failures) = (Vec::new(), Vec::new());
    for (source, name) in interfaces {
        match open_live_on(name, *source, settings, &mut sockets) {
            Ok(capture) => opened.push((capture, SourceReport::new(*source, name))),
            Err(error) => failures.push(capture_failure(&error)),
        }
    }
    (opened, failures)
}

/// The captures that can be opened, and whether one of them is a pipe. A pipe is not tried: that can take forever.
fn readable(captures: &[(u16, PathBuf)], failures: &mut Vec<Failure>) -> (Vec<(u16, PathBuf)>, bool) {
    let mut readable = Vec::new();
    let mut may_hang = false;
    for (source, file) in captures {
        let late = Late::is_for(file);
        may_hang |= late;
        match if late { Ok(()) } else { FileCapture::open(file, *source).map(drop) } {
            Ok(()) => readable.push((*source, file.clone())),
            Err(error) => failures.push(capture_failure(&error)),
        }
    }
    (readable, may_hang)
}

/// Its sentence of cause and its sentence of remedy, each in its place.
fn capture_failure(error: &CaptureError) -> Failure {
    let text = error.to_string();
    match text.rsplit_once(". ") {
        Some((cause, remedy)) => Failure::new(cause, remedy.trim_end_matches('.')),
        None => Failure::new(text.trim_end_matches('.'), "check the file, then start again"),
    }
}

/// Opens the captures beside the interfaces; those that fail are told, the others are used.
pub(super) fn open_sources(
    interfaces: Interfaces,
    captures: &[(u16, PathBuf)],
    unopened: &mut Vec<Failure>,
) -> Result<(Source, Vec<SourceReport>), Failure> {
    let mut opened: Vec<(Box<dyn Capture>, bool)> = Vec::new();
    let mut failures = std::mem::take(unopened);
    let mut reports = Vec::new();
    // Reports stand in the order of what is opened, so that counters find theirs.
    for (capture, report) in interfaces {
        opened.push((capture, true));
        reports.push(report);
    }
    let (captures, may_hang) = readable(captures, &mut failures);
    if !captures.is_empty() {
        for (source, file) in &captures {
            reports.push(SourceReport::new(*source, file.display().to_string()));
        }
        if may_hang {
            opened.push((Box::new(Late::new(captures)), false));
        } else {
            let (merged, errors) = Merged::open(&captures);
            failures.extend(errors.into_iter().map(|error| capture_failure(&error)));
            opened.push((Box::new(merged), false));
        }
    }
    for failure in &failures {
        tracing::error!("{}; {}", failure.cause, failure.remedy);
    }
    if opened.is_empty() {
        let none = Failure::new("there is no source to watch", "name one that exists");
        return Err(failures.pop().unwrap_or(none));
    }
    let source = Source::of(opened, may_hang).map_err(|error| Failure::new(error, "look at the system's limits"))?;
    *unopened = failures;
    Ok((source, reports))
}

/// An interface is no longer the one that was opened: whoever started the agent is to start it again.
pub(super) fn interface_gone(why: &str) -> Failure {
    let (cause, remedy) = why.rsplit_once(". ").unwrap_or((why, "start the agent again when it is back"));
    Failure { code: EXIT_START_AGAIN, ..Failure::new(cause, remedy.trim_end_matches('.')) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_that_cannot_be_opened_is_told_with_one_cause_and_one_remedy() {
        let missing = CaptureError::CannotOpen { path: "a.b. c".into(), cause: std::io::ErrorKind::NotFound };
        let told = capture_failure(&missing).to_string();
        assert_eq!(told.lines().count(), 2, "{told}");
        assert!(told.contains("the capture a.b. c cannot be opened: there is no such file.\nCheck the path"), "{told}");
        assert!(!told.contains(".."), "{told}");
    }
}
