//! What carries a session: one QUIC connection, or TCP connections tied together. The conversation does not mind which.

use quinn::{Connection, ConnectionError, SendStream};
use tokio::io::{AsyncWrite, DuplexStream};
use varde_common::message::CloseReason;

use super::quic;
use super::tied::Tied;

/// A session's connection.
#[derive(Debug, Clone)]
pub enum Carrier {
    /// Over UDP.
    Quic(Connection),
    /// Where UDP is blocked.
    Tcp(Tied),
}

impl Carrier {
    /// Ends it with a reason the other end can show; the first reason stays.
    pub fn close(&self, reason: CloseReason) {
        match self {
            Carrier::Quic(connection) => quic::close(connection, reason),
            Carrier::Tcp(tied) => tied.close(reason),
        }
    }

    /// Whether it has ended.
    pub fn is_closed(&self) -> bool {
        match self {
            Carrier::Quic(connection) => connection.close_reason().is_some(),
            Carrier::Tcp(tied) => tied.is_closed(),
        }
    }

    /// Whether the other end took its leave: it was there until then. One that timed out says nothing.
    pub fn said_goodbye(&self) -> bool {
        match self {
            Carrier::Quic(connection) => {
                matches!(connection.close_reason(), Some(ConnectionError::ApplicationClosed(_)))
            }
            Carrier::Tcp(tied) => tied.said_goodbye(),
        }
    }

    /// The other end has said its last word on one of the streams. Over QUIC the connection itself tells.
    pub fn handle_goodbye(&self) {
        match self {
            Carrier::Quic(_) => {}
            Carrier::Tcp(tied) => tied.handle_goodbye(),
        }
    }

    /// How much may be under way to the other end. Over TCP the kernel sees to that, for each stream apart.
    pub fn set_send_window(&self, octets: u64) {
        match self {
            Carrier::Quic(connection) => connection.set_send_window(octets),
            Carrier::Tcp(_) => {}
        }
    }

    /// Its name in the database and in listings.
    pub fn name(&self) -> &'static str {
        match self {
            Carrier::Quic(_) => "quic",
            Carrier::Tcp(_) => "tcp",
        }
    }
}

/// What is written to one stream.
pub trait Outgoing: AsyncWrite + Unpin + Send {
    /// Goes before streams of a lower number, where they share one connection.
    fn prioritise(&self, priority: i32);
}

impl Outgoing for SendStream {
    fn prioritise(&self, priority: i32) {
        let _ = self.set_priority(priority);
    }
}

/// A stream over TCP has a connection of its own: a list on another one holds up nothing.
impl Outgoing for DuplexStream {
    fn prioritise(&self, _priority: i32) {}
}
