//! How far a look-up or a flow got (decision 21).

use varde_common::alert::Evidence;
use varde_common::indicator::Indicator;
use varde_common::observation::{AnswerData, Contact, DnsTransaction, Endpoint, FlowRecord, dns};

/// A port in an indicator is the server's, and only a flow shows one.
pub(super) fn port_fits(indicator: &Indicator, server: Endpoint, has_ports: bool) -> bool {
    indicator.pattern.port.is_none_or(|port| has_ports && port == server.port())
}

/// How far a look-up got, by its response. `target_listed`: one of its CNAME targets is listed.
pub(super) fn of_lookup(transaction: &DnsTransaction, target_listed: bool) -> Evidence {
    let address = transaction.answers.iter().any(|answer| matches!(answer.data, AnswerData::Address(_)));
    match transaction.rcode {
        Some(dns::NXDOMAIN | dns::REFUSED) => Evidence::Blocked,
        Some(dns::NOERROR) if address || target_listed => Evidence::Answered,
        Some(_) | None => Evidence::LookedUp,
    }
}

/// How far a flow got. Nothing but resets and errors is no evidence of anything.
pub(super) fn of_flow(record: &FlowRecord) -> Option<Evidence> {
    match record.contact {
        Contact::ErrorsOnly => None,
        Contact::Unanswered => Some(Evidence::Attempted),
        Contact::Answered => Some(Evidence::Contacted),
    }
}
