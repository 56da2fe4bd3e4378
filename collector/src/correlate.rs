//! Runs the steps of correlation over what a batch touched: decides, while the store applies, all or nothing.
//!
//! Alerts make strands, strands incidents, incidents clusters, clusters campaigns. Everything that joins two of them can only come
//! to be true as alerts grow, so for guards as they stand the result is that of the alerts, whatever their order and batching.

use std::collections::BTreeMap;

use crate::campaign::{self, Cluster, ClusterDecision, Guards, Trace, TraceDecision};
use crate::incident::{self, HostAlert, Incident, IncidentDecision};
use crate::strand::{self, AlertFact, Strand, StrandDecision};
use crate::weights::Weights;

/// What is stored about what a batch touches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// All strands of the batch's members and topics.
    pub strands: Vec<Strand>,
    /// Alerts of the fresh alerts' hosts that lie near them.
    pub hosts: Vec<HostAlert>,
    /// All traces of the fresh alerts' keys that are the alerts' own strands' or may link something: not those of keys that link nothing,
    /// nor those in a cluster that all which has the key now is in already.
    pub traces: Vec<Trace>,
    /// All incidents that any of these are in.
    pub incidents: BTreeMap<i64, Incident>,
    /// All clusters that any of these are in.
    pub clusters: BTreeMap<i64, Cluster>,
    /// What decides beside them.
    pub guards: Guards,
}

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decisions {
    /// Strands begun, grown or joined.
    pub strands: Vec<StrandDecision>,
    /// Incidents opened, grown or joined.
    pub incidents: Vec<IncidentDecision>,
    /// What strands share, new and lengthened.
    pub traces: Vec<TraceDecision>,
    /// Clusters begun, grown or joined, each with the campaign it is.
    pub clusters: Vec<ClusterDecision>,
}

/// Decides what becomes of these alerts. See [`strand::gather`], [`incident::gather`] and [`campaign::gather`] for what must be
/// handed over.
pub fn correlate(alerts: &[AlertFact], known: &Known, weights: &Weights) -> Decisions {
    let Known { hosts, traces: stored, incidents: there, clusters, guards, strands: threads } = known;
    let strands = strand::gather(alerts, threads);
    let is_apart = |a, b| guards.are_apart(a, b);
    let incidents = incident::gather(alerts, &strands, hosts, there, &weights.host, is_apart);
    let traces = campaign::traces(alerts, &strands, stored, guards, weights);
    let clusters = campaign::gather(&strands, &incidents, (&traces, stored), there, clusters, guards, weights);
    Decisions { strands, incidents, traces, clusters }
}

#[cfg(test)]
mod tests;
