//! The way to the collector: whether it is reached, and who stands in it.

use super::{Facts, Finding};
use crate::doctor::facts::{BadFile, Reached, Way};

pub(super) fn judge_way(facts: &Facts, findings: &mut Vec<Finding>) {
    if let Some((what, why)) = &facts.proxy_unusable {
        let owner = facts.data.owner.unwrap_or_default();
        let key = match what {
            BadFile::Missing => "proxy-credentials-missing",
            BadFile::Content => "proxy-credentials-content",
            BadFile::Rights => "proxy-credentials",
        };
        findings.push(Finding::fail(key).with("why", why).with("owner", owner));
    }
    if let Some(way) = &facts.way {
        judge_attempts(way, findings);
    }
    let Some(running) = facts.running.as_ref().filter(|running| !running.connected && !running.revoked) else { return };
    let key = match &facts.way {
        None => "session-untried",
        Some(way) if way.quic == Reached::Yes || way.tcp == Some(Reached::Yes) => "session-none",
        // Where nothing is reached, that is why.
        Some(_) => return,
    };
    let why = running.last_error.clone().unwrap_or_else(|| "…".to_owned());
    findings.push(Finding::warn(key).with("why", why));
}

fn judge_attempts(way: &Way, findings: &mut Vec<Finding>) {
    let by_proxy_alone = way.name_unknown.is_some() && way.proxy.is_some() && way.tcp == Some(Reached::Yes);
    if let Some(why) = way.name_unknown.as_ref().filter(|_| !by_proxy_alone) {
        findings.push(Finding::fail("name-unknown").with("address", &way.quic_address).with("why", why));
        if way.proxy.is_none() {
            return;
        }
    }
    let has_way_round = way.tcp == Some(Reached::Yes);
    match (&way.quic, way.name_unknown.is_some()) {
        (_, true) => {}
        (Reached::Yes, _) => findings.push(Finding::ok("quic-ok").with("address", &way.quic_address)),
        (Reached::NotAccepted(why), _) => findings.push(Finding::fail("sensor-not-accepted").with("why", why)),
        (Reached::Opened(issuer), _) => {
            let finding = Finding::fail("tls-opened").with("issuer", issuer);
            findings.push(finding.with("address", &way.quic_address));
        }
        (quic, _) => {
            let finding = if has_way_round { Finding::warn } else { Finding::fail };
            findings.push(finding("udp-blocked").with("address", &way.quic_address).with("why", why(quic)));
        }
    }
    let (Some(tcp), Some(address)) = (&way.tcp, &way.tcp_address) else { return };
    let proxy = way.proxy.as_deref().unwrap_or_default();
    // The way round is not taken while QUIC carries: it is good to know of, and nothing is wrong for want of it.
    let finding = if way.quic == Reached::Yes { Finding::warn } else { Finding::fail };
    findings.push(match tcp {
        Reached::Yes if way.proxy.is_some() => {
            Finding::ok("tcp-proxy-ok").with("address", address).with("proxy", proxy)
        }
        Reached::Yes => Finding::ok("tcp-ok").with("address", address),
        Reached::Opened(issuer) => finding("tls-opened").with("issuer", issuer).with("address", address),
        Reached::Proxy { status: 407, said } => finding("proxy-password").with("proxy", proxy).with("said", said),
        Reached::Proxy { status, said } => {
            let said = if *status == 0 { said.clone() } else { format!("{status} {said}") };
            finding("proxy-refuses").with("proxy", proxy).with("said", said).with("address", address)
        }
        Reached::Name(why) => finding("proxy-unknown").with("proxy", proxy).with("why", why),
        Reached::NotAccepted(why) => Finding::fail("sensor-not-accepted").with("why", why),
        // Where a collector usually is, and nobody said that this one is there: then it is none, or a firewall that says no. A firewall that
        // drops the packets is told of below: the collector listens there unless it was told not to.
        Reached::Refused(_) if !way.tcp_named && way.quic == Reached::Yes => {
            Finding::ok("tcp-not-needed").with("address", address)
        }
        Reached::NoAnswer => finding("tcp-silent").with("address", address),
        Reached::Refused(why) | Reached::Broken(why) => {
            finding("tcp-refused").with("address", address).with("why", why)
        }
    });
}

fn why(reached: &Reached) -> String {
    match reached {
        Reached::NoAnswer => "no answer".to_owned(),
        Reached::Refused(why) | Reached::Broken(why) | Reached::Name(why) | Reached::NotAccepted(why) => why.clone(),
        Reached::Opened(issuer) => issuer.clone(),
        Reached::Proxy { said, .. } => said.clone(),
        Reached::Yes => String::new(),
    }
}
