//! Runs the steps of correlation over what a batch touched: decides, while the store applies, all or nothing.
//!
//! Alerts make strands, strands incidents, incidents clusters, clusters campaigns. Everything that joins two of them can only come
//! to be true as alerts grow, so for guards as they stand the result is that of the alerts, whatever their order and batching. The guard on
//! gateways trips here, by what alerts come to and by nothing else. What such a host had joined before stays joined and is marked too
//! connected; all that is not marked is as if the guard had stood from the first, or is a part of that beside something that is marked.

use std::collections::BTreeMap;

use crate::campaign::{self, Cluster, ClusterDecision, Guards, Trace, TraceDecision};
use crate::gateway::{Gateways, Host};
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
    /// Those of the fresh alerts' hosts that were found to be gateways.
    pub gateways: Gateways,
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
    /// Hosts that are gateways from now on: what they had joined before is to be marked.
    pub gateways: Vec<Host>,
}

/// Decides what becomes of these alerts. See [`strand::gather`], [`incident::gather`] and [`campaign::gather`] for what must be
/// handed over.
pub fn correlate(alerts: &[AlertFact], known: &Known, weights: &Weights) -> Decisions {
    let Known { hosts, traces: stored, incidents: there, clusters, guards, strands: threads, gateways } = known;
    let strands = strand::gather(alerts, threads);
    let is_apart = |a, b| guards.are_apart(a, b);
    let (incidents, gateways) = incident::gather(alerts, &strands, (hosts, gateways), there, &weights.host, is_apart);
    let traces = campaign::traces(alerts, &strands, stored, guards, weights);
    let clusters = campaign::gather(&strands, &incidents, (&traces, stored), there, clusters, guards, weights);
    Decisions { strands, incidents, traces, clusters, gateways }
}

#[cfg(test)]
mod tests;
