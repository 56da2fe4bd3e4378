//! Packets to flow records (RFC 7011, bidirectional as RFC 5103), in a bounded table.

use varde_common::observation::FlowRecord;

/// A flow's name while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u64);

/// What has become of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowStep {
    /// Its first packet was seen.
    Opened,
    /// It got to `Contact::Answered`, told once.
    Answered,
    /// Its active timeout passed: a record is due, counters begin anew, it goes on under the same id.
    Reported,
    /// It is over (idle, FIN or RST, evicted, end of the sources): its last record.
    Closed,
}

/// A step of a flow with its record so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowEvent {
    /// Which flow.
    pub flow: FlowId,
    /// Which source saw its first packet.
    pub source: u16,
    /// What happened.
    pub step: FlowStep,
    /// The record as of now.
    pub record: FlowRecord,
}
