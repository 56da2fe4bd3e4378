//! Facts for `doctor`: what the running agent says of itself, what its data directory says, and what the machine says.

use std::path::Path;

use varde_common::time::Timestamp;

use super::status::Report;
use super::status_stopped::from_disk;
use super::trusted::{Proof, Trusted, known_time};
use super::{NoCredentials, detour};
use crate::doctor::facts::{Enrolment, Facts, List, Rights, Running, Spool, Way};
use crate::io::control::{self, Question};
use crate::io::disk::identity::{Identity, NoIdentity};
use crate::io::disk::{collector_time, roots};
use crate::io::doctor::{machine, way};
use crate::io::privilege::kernel;
use crate::io::{clock, settings};
use crate::route::Detour;
use crate::settings::Settings;

/// Finds out all that can be. `tries_way`: whether the collector is called too; `may_capture`: whether who
/// asked may open a packet socket.
pub(super) fn gather(data: &Path, tries_way: bool, may_capture: bool) -> Facts {
    let mut facts = Facts {
        now: clock::now(),
        data: machine::data(data),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        interfaces_there: machine::interfaces(),
        ..Facts::default()
    };
    let settings = match settings::read(data) {
        Ok(layers) => layers.settings().clone(),
        Err(error) => {
            facts.settings_refused = Some(error.to_string());
            Settings::default()
        }
    };
    let running = match control::ask(data, Question::Status) {
        Ok(None) => None,
        Ok(Some(text)) => match serde_json::from_str::<Report>(&text) {
            Ok(report) => Some(report),
            Err(error) => {
                facts.silent = Some(error.to_string());
                None
            }
        },
        Err(error) => {
            facts.silent = Some(error.to_string());
            None
        }
    };
    let identity = identity(data, &mut facts);
    let report =
        running.as_ref().map_or_else(|| from_disk(data).map_err(|failure| failure.cause), |report| Ok(report.clone()));
    match report {
        Ok(report) => of_report(data, &settings, &report, &mut facts),
        // Settings are told of elsewhere.
        Err(_) if facts.settings_refused.is_some() => {}
        Err(why) => facts.data.unreadable = facts.data.unreadable.take().or(Some(why)),
    }
    match &running {
        Some(report) => {
            facts.running = Some(of_running(data, report));
            facts.unopened.clone_from(&report.unopened);
            facts.interfaces = report.sources.iter().map(|source| machine::interface(&source.name)).collect();
            // A capture file is a source too.
            facts.interfaces.retain(|found| found.exists || !found.name.contains('/'));
        }
        None => {
            facts.may_capture = Some(may_capture);
            facts.interfaces = settings.interfaces.iter().map(|name| machine::interface(name)).collect();
        }
    }
    if let Some(running) = &mut facts.running {
        running.live = !facts.interfaces.is_empty();
    }
    if let Some(identity) = identity.filter(|_| tries_way) {
        let address = settings.collector.clone().unwrap_or_else(|| identity.card.collector.clone());
        match detour(data, &settings, identity.card.fallback.as_deref(), &address) {
            Ok(detour) => facts.way = try_way(data, &settings, &identity, &address, &detour),
            Err(NoCredentials { what, failure }) => facts.proxy_unusable = Some((what, failure.cause)),
        }
    }
    facts
}

/// Reads who this sensor is, and notes it.
fn identity(data: &Path, facts: &mut Facts) -> Option<Identity> {
    match Identity::read(data) {
        Ok(identity) => Some(identity),
        Err(NoIdentity::NotEnrolled) => {
            facts.enrolment = facts.data.exists.then_some(Enrolment::Not);
            None
        }
        Err(NoIdentity::Disk(error)) if error.is_forbidden() => {
            facts.data.unreadable = Some(error.to_string());
            None
        }
        Err(error) => {
            facts.enrolment = Some(Enrolment::Damaged(error.to_string()));
            None
        }
    }
}

/// What a running agent and a data directory tell alike.
fn of_report(data: &Path, settings: &Settings, report: &Report, facts: &mut Facts) {
    // What is wrong with the identity is told of the identity, and no disk's fault.
    let of_identity = |why: &&String| matches!(&facts.enrolment, Some(Enrolment::Damaged(told)) if told == *why);
    let unread: Vec<String> = report.unread.iter().filter(|why| !of_identity(why)).cloned().collect();
    facts.data.damaged.extend(unread);
    if report.sensor.is_none() {
        return;
    }
    facts.enrolment = facts.enrolment.take().or_else(|| {
        Some(Enrolment::Enrolled {
            until: report.certificate.as_ref().map(|certificate| certificate.until),
            root_until: report.trust.as_ref().map(|trust| trust.root_until),
        })
    });
    let (created, expires, refused) = manifest(data).unwrap_or_default();
    facts.list = Some(List {
        revision: report.revision.0,
        indicators: report.indicators,
        channel: report.channel.clone(),
        created,
        expires,
        freshness: report.trust.as_ref().map(|trust| trust.freshness.clone()).unwrap_or_default(),
        refused: report.list_refused.clone().or(refused),
    });
    let spool = &report.spool;
    facts.spool = Some(Spool {
        waiting: spool.waiting,
        octets: (spool.octets, settings.spool_max_octets()),
        lost: spool.lost,
        not_noted: spool.not_noted,
        oldest: machine::oldest_waiting(&data.join("spool"), spool.acknowledged_seq),
        set_aside: report.set_aside.iter().map(|one| one.undelivered).fold(0, u64::saturating_add),
    });
    facts.heard_until = collector_time::read(data).map(|passed| passed.at);
}

type Made = (Option<Timestamp>, Option<Timestamp>, Option<String>);

/// When the list in force was made and when it runs out, or why there is none although there is a file.
fn manifest(data: &Path) -> Option<Made> {
    let identity = Identity::read(data).ok()?;
    let roots = roots::read(data, identity.root().ok()?, &identity.root_document).ok()?;
    let stored = crate::io::disk::list::read(data, &roots, identity.card.sensor).ok()?;
    Some(match stored.list {
        Some((manifest, _)) => (Some(manifest.created), Some(manifest.expires), None),
        None => (None, None, stored.refused),
    })
}

/// What only a running agent tells, and what the kernel tells of it.
fn of_running(data: &Path, report: &Report) -> Running {
    let listener = control::listener(data);
    let seen = listener.and_then(|(process, _)| kernel::rights_of(process));
    let told = report.confinement.as_ref().and_then(|confinement| confinement.rights);
    let rights = seen.or(told).map(|rights| Rights {
        capabilities: rights.capabilities,
        no_new_privs: rights.no_new_privs,
        filtered: rights.filtered,
    });
    let paths = report.confinement.as_ref().map(|confinement| &confinement.paths);
    let settings = report.settings.clone().unwrap_or_default();
    Running {
        version: report.version.clone(),
        user: listener.map(|(_, user)| user),
        connected: report.connected,
        last_error: report.last_error.clone(),
        revoked: report.revoked,
        renewal_failing: report.certificate.as_ref().and_then(|certificate| certificate.failing.clone()),
        root_refused: report.trust.as_ref().and_then(|trust| trust.root_refused.clone()),
        settings_refused: settings.refused,
        at_restart: settings.at_restart,
        live: false,
        last_packet_age_ms: report.last_packet_age_ms,
        recent: report.recent.unwrap_or_default(),
        sources: live_sources(report),
        drops_unknown: report.health.as_ref().map_or(0, |health| health.drops_unknown),
        clock_ahead_ms: report.clock_ahead_ms,
        rights,
        paths_missing: paths.and_then(|paths| paths.missing.clone()),
        paths_in_part: paths.is_some_and(|paths| !paths.whole),
        resolver_replaced: report.confinement.as_ref().and_then(|confinement| confinement.resolver_replaced.clone()),
    }
}

/// Interfaces that are watched, where they can hide one another: each with how long it has been silent.
fn live_sources(report: &Report) -> Vec<(String, Option<u64>)> {
    let live = report.sources.iter().filter(|source| !source.name.contains('/'));
    let live: Vec<_> = live.map(|source| (source.name.clone(), source.silent_s)).collect();
    if live.len() > 1 { live } else { Vec::new() }
}

/// Calls the collector with this sensor's own key; none where that cannot be used, which is told elsewhere.
fn try_way(data: &Path, settings: &Settings, identity: &Identity, address: &str, detour: &Detour) -> Option<Way> {
    let trusted = Trusted::read(data, identity, &identity.root().ok()?).ok()?;
    let time = known_time(identity, data, trusted.anchor.root());
    let tls = Proof::open(data, &trusted.anchor, &time).ok()?.tls;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let tcp_named = settings.fallback.is_some() || identity.card.fallback.is_some() || detour.proxy.is_some();
    Some(Way { tcp_named, ..runtime.block_on(way::try_both(address, detour, &tls)) })
}
