//! What has changed, told to the page and to sessions after a commit.

/// A change that was committed. Numbers are row ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// A campaign was opened or has grown.
    Campaign(i64),
    /// An incident was opened or has grown.
    Incident(i64),
    /// A sensor enrolled, connected, left, sent a heartbeat or was revoked.
    Sensor(i64),
    /// A list was published: its revision.
    List(u64),
    /// The disk of the database is full, or has room again; or what the front page says of heartbeats or sources is another.
    Room,
}

/// Where changes are told. Listeners that fall behind are told so and read afresh.
pub type Changes = tokio::sync::broadcast::Sender<Change>;
