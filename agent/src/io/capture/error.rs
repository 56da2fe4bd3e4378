//! What can keep a capture from running at all: one sentence of cause, one of remedy.

use std::io;
use std::path::PathBuf;

/// Why a source cannot be read (further).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// The file cannot be opened.
    #[error("the capture {} cannot be opened: {}. Check the path and that this user may read it.", path.display(), said(*cause))]
    CannotOpen {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        cause: io::ErrorKind,
    },
    /// Reading stopped with an error.
    #[error("the capture {} cannot be read further: {}. What came before it is used; copy the file anew and run it again for the rest.", path.display(), said(*cause))]
    CannotRead {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        cause: io::ErrorKind,
    },
    /// There is nothing in it.
    #[error("the capture {} is empty. Give a pcap or pcapng file with packets in it.", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// Something else.
    #[error("{} is neither a pcap nor a pcapng file. Convert it first, for instance with `editcap -F pcapng`.", path.display())]
    NotACapture {
        /// Which file.
        path: PathBuf,
    },
    /// A compressed file.
    #[error("the capture {} is compressed with {format}. Decompress it first.", path.display())]
    Compressed {
        /// Which file.
        path: PathBuf,
        /// With what.
        format: &'static str,
    },
    /// No such interface.
    #[error("there is no network interface \"{interface}\". This machine has: {}.", present.join(", "))]
    NoSuchInterface {
        /// The name asked for.
        interface: String,
        /// The names there are.
        present: Vec<String>,
    },
    /// CAP_NET_RAW is missing.
    #[error(
        "watching {interface} needs the right to read raw packets (CAP_NET_RAW). Run as root, or grant it to the program with `setcap cap_net_raw+ep /path/to/varde-agent`."
    )]
    NotPermitted {
        /// The interface.
        interface: String,
    },
    /// The interface carries something that is not read here.
    #[error(
        "the interface {interface} is of a kind that is not read here (ARPHRD {hardware}). Watch an Ethernet, loopback or IP tunnel interface."
    )]
    UnreadableLink {
        /// The interface.
        interface: String,
        /// Its hardware type in Linux's numbers.
        hardware: u16,
    },
    /// The interface cannot be watched for another reason.
    #[error(
        "the interface {interface} cannot be watched: {cause}. Check that it exists and is up with `ip link show {interface}`."
    )]
    CannotWatch {
        /// The interface.
        interface: String,
        /// What the system said.
        cause: io::ErrorKind,
    },
    /// Another program shares the interface under this number, in another way.
    #[error(
        "{interface} cannot be shared as group {group}: the number is used by another program, or for another interface. Choose another capture_fanout."
    )]
    FanoutTaken {
        /// The interface.
        interface: String,
        /// The number asked for.
        group: u8,
    },
    /// The interface was there and is no more, or is another one of the same name.
    #[error("the interface {interface} has disappeared or was made anew. Start the agent again when it is back.")]
    InterfaceGone {
        /// The interface.
        interface: String,
    },
}

/// What the system said, in the words of a person.
fn said(cause: io::ErrorKind) -> String {
    match cause {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        other => other.to_string(),
    }
}
