//! What happens: each shape of a campaign, and what only looks like one.

use std::time::Duration;

use varde_common::alert::Evidence;
use varde_common::indicator::Severity;

use crate::sector::file::{Indicator, Truth};
use crate::sector::odd;
use crate::sector::year::{DAY_S, Draw, HOUR_S, Hit, at_s};

/// All that the parameters ask for.
pub fn all(draw: &mut Draw<'_>) {
    let wanted = draw.parameters.clone();
    let mut each = |count: u32, one: fn(&mut Draw<'_>, u32)| (1..=count).for_each(|number| one(draw, number));
    each(wanted.sprays, spray);
    each(wanted.worms, worm);
    each(wanted.supply_chains, supply_chain);
    each(wanted.slow_intrusions, slow);
    each(wanted.exercises, exercise);
    each(wanted.dirty_lists, dirty_list);
    each(wanted.false_positives, false_positive);
    each(wanted.cdn_decoys, cdn_decoy);
    each(wanted.shared_networks, shared_network);
    each(wanted.surges, odd::surge);
    each(wanted.drips, odd::drip);
}

/// A truth of a shape; what is to be put together.
pub(super) fn together(draw: &mut Draw<'_>, shape: &str, number: u32) -> String {
    let name = format!("{shape}-{number}");
    draw.truth(Truth { name, shape: shape.into(), together: true, exercise: false, dirty: false })
}

/// A truth of a shape that is to be kept apart.
fn apart(draw: &mut Draw<'_>, shape: &str, number: u32, dirty: bool) -> String {
    let name = format!("{shape}-{number}");
    draw.truth(Truth { name, shape: shape.into(), together: false, exercise: false, dirty })
}

/// The threat that a good source names, unless it leaves it unsaid.
pub(super) fn threat(draw: &mut Draw<'_>, truth: &str) -> Option<String> {
    let unnamed = u64::from(draw.parameters.unnamed_percent);
    (!draw.random.percent(unnamed)).then(|| format!("Aktivitet {truth}"))
}

/// An indicator of a good source, published by the beginning of the hour before `at_s`, some hours ahead.
pub(super) fn sure(draw: &mut Draw<'_>, pattern: String, threat: Option<&str>, published_s: u64) -> String {
    let tags = threat.map(|threat| format!("misp-galaxy:threat-actor=\"{threat}\"")).into_iter().collect();
    let said = Indicator {
        pattern,
        source: "Partner".into(),
        published: at_s(published_s / HOUR_S * HOUR_S),
        threat: threat.map(str::to_owned),
        confidence: draw.random.within(u64::from(draw.parameters.sure_from), u64::from(draw.parameters.sure_to)) as u8,
        severity: Severity::High,
        exercise: false,
        tags,
        techniques: vec!["T1566.002".into()],
    };
    draw.indicator(said)
}

/// So many hundredths of the members, three at least.
pub(super) fn share(draw: &mut Draw<'_>, low: u64, high: u64) -> usize {
    let percent = draw.random.within(low, high);
    (draw.people.all.len() * percent as usize / 100).max(3)
}

/// A lure that reaches many within an hour: several names, one or two addresses behind them.
fn spray(draw: &mut Draw<'_>, number: u32) {
    let truth = together(draw, "spray", number);
    let begin = draw.workday_s(2);
    let threat = threat(draw, &truth);
    let published = begin.saturating_sub(draw.random.within(1, 48) * HOUR_S);
    let names: Vec<String> = (0..draw.random.within(2, 4))
        .map(|_| {
            let label = draw.label();
            sure(draw, format!("{label}.{}", draw.suffix()), threat.as_deref(), published)
        })
        .collect();
    let server = draw.address();
    let count = share(draw, 10, 35);
    for place in draw.people.several(&mut draw.random, count) {
        for _ in 0..draw.random.within(1, 3) {
            let client = Some(draw.host(place));
            let indicator = draw.random.one_of(&names).cloned().unwrap_or_default();
            let at = at_s(begin + draw.random.below(HOUR_S));
            let evidence = draw.campaign_evidence();
            let truth = Some(truth.clone());
            draw.hit(Hit {
                place,
                client,
                indicator,
                truth,
                at,
                evidence,
                server,
                is_shared: false,
                regular_s: None,
                found_at: None,
            });
        }
    }
}

/// From one member to the next, faster and faster; each calls home again and again.
fn worm(draw: &mut Draw<'_>, number: u32) {
    let truth = together(draw, "worm", number);
    let days = draw.random.within(3, 8);
    let begin = draw.workday_s(days + 2);
    let threat = threat(draw, &truth);
    let published = begin.saturating_sub(draw.random.within(1, 24) * HOUR_S);
    let domain = draw.label();
    let mut patterns = vec![format!("a.{domain}.no"), format!("b.{domain}.no"), format!("c.{domain}.no")];
    patterns.push(format!("{}.example", draw.label()));
    let names: Vec<String> =
        patterns.into_iter().map(|pattern| sure(draw, pattern, threat.as_deref(), published)).collect();
    let servers = [draw.address(), draw.address()];
    let count = share(draw, 5, 18);
    for (turn, place) in draw.people.several(&mut draw.random, count).into_iter().enumerate() {
        let progress = ((turn + 1) as f64).ln() / ((count + 1) as f64).ln();
        let reached = begin + (progress * (days * DAY_S) as f64) as u64;
        for _ in 0..draw.random.within(2, 4) {
            let client = Some(draw.host(place));
            let indicator = draw.random.one_of(&names).cloned().unwrap_or_default();
            let server = draw.random.one_of(&servers).copied().unwrap_or(servers[0]);
            let at = at_s(reached + draw.random.below(4 * HOUR_S));
            let evidence = draw.campaign_evidence();
            let regular_s = (evidence >= Evidence::Contacted).then(|| draw.random.within(60, 900));
            let truth = Some(truth.clone());
            draw.hit(Hit {
                place,
                client,
                indicator,
                truth,
                at,
                evidence,
                server,
                is_shared: false,
                regular_s,
                found_at: None,
            });
        }
    }
}

/// A supplier of programs is broken into: its customers fetch from names of their own under one domain, over two weeks. It is
/// known after some days, and what came before is found in history.
fn supply_chain(draw: &mut Draw<'_>, number: u32) {
    let truth = together(draw, "supplier", number);
    let begin = draw.workday_s(16);
    let known = (begin + draw.random.within(2, 5) * DAY_S) / HOUR_S * HOUR_S;
    let threat = threat(draw, &truth);
    let (domain, server) = (draw.label(), draw.address());
    let count = draw.random.within(5, 14) as usize;
    let mut at = begin;
    let step = 14 * DAY_S / count as u64;
    for place in draw.people.apart(&mut draw.random, count) {
        let label = draw.label();
        let indicator = sure(draw, format!("k{label}.{domain}.no"), threat.as_deref(), known);
        for _ in 0..draw.random.within(1, 2) {
            let client = Some(draw.host(place));
            let seen = at + draw.random.below(step.max(1));
            let found_at = (seen < known).then(|| at_s(known));
            let (at, evidence) = (at_s(seen), draw.campaign_evidence().max(Evidence::Answered));
            let (indicator, truth) = (indicator.clone(), Some(truth.clone()));
            draw.hit(Hit {
                place,
                client,
                indicator,
                truth,
                at,
                evidence,
                server,
                is_shared: false,
                regular_s: None,
                found_at,
            });
        }
        at += step;
    }
}

/// Three members over months, with weeks of quiet between one sign and the next.
fn slow(draw: &mut Draw<'_>, number: u32) {
    let truth = together(draw, "slow", number);
    let threat = Some(format!("Aktør {truth}"));
    let year = u64::from(draw.parameters.days);
    let span = draw.random.within((year / 2).min(90), (year - 2).min(240));
    let begin = draw.random.below((year - span).max(1)) * DAY_S;
    let names: Vec<String> = (0..2)
        .map(|_| {
            let label = draw.label();
            sure(draw, format!("{label}.{}", draw.suffix()), threat.as_deref(), begin)
        })
        .collect();
    let server = draw.address();
    let places = draw.people.apart(&mut draw.random, 3);
    // One after another and around again, nobody seen twice in a row.
    let signs = (places.len() as u64) * draw.random.within(2, 4);
    for (sign, place) in (0..signs).zip(places.iter().cycle().copied()) {
        let day = span * sign / signs.max(1);
        let client = Some(draw.host(place));
        let at = at_s(begin + day * DAY_S + draw.random.within(6 * HOUR_S, 20 * HOUR_S));
        let evidence = if draw.random.percent(25) { Evidence::DataOut } else { Evidence::Contacted };
        let indicator = draw.random.one_of(&names).cloned().unwrap_or_default();
        let (truth, regular_s) = (Some(truth.clone()), Some(draw.random.within(1_800, 7_200)));
        draw.hit(Hit {
            place,
            client,
            indicator,
            truth,
            at,
            evidence,
            server,
            is_shared: false,
            regular_s,
            found_at: None,
        });
    }
}

/// Marked indicators at many members, while something real goes on at three of them.
fn exercise(draw: &mut Draw<'_>, number: u32) {
    let name = format!("exercise-{number}");
    let truth = draw.truth(Truth { name, shape: "exercise".into(), together: true, exercise: true, dirty: false });
    let begin = draw.workday_s(2);
    let (label, server) = (draw.label(), draw.address());
    let said = Indicator {
        pattern: format!("ovelse-{label}.example"),
        source: "Øvingsleder".into(),
        published: at_s(begin.saturating_sub(24 * HOUR_S) / HOUR_S * HOUR_S),
        threat: Some(format!("Øvelse {number}")),
        confidence: 90,
        severity: Severity::High,
        exercise: true,
        tags: Vec::new(),
        techniques: Vec::new(),
    };
    let indicator = draw.indicator(said);
    let count = share(draw, 10, 40);
    let places = draw.people.several(&mut draw.random, count);
    for &place in &places {
        let client = Some(draw.host(place));
        let at = at_s(begin + draw.random.below(3 * HOUR_S));
        let (evidence, indicator, truth) = (draw.campaign_evidence(), indicator.clone(), Some(truth.clone()));
        draw.hit(Hit {
            place,
            client,
            indicator,
            truth,
            at,
            evidence,
            server,
            is_shared: false,
            regular_s: None,
            found_at: None,
        });
    }
    let real = together(draw, "beside-exercise", number);
    let threat = Some(format!("Aktivitet {real}"));
    let label = draw.label();
    let indicator = sure(draw, format!("{label}.{}", draw.suffix()), threat.as_deref(), begin);
    let server = draw.address();
    for place in draw.people.apart(&mut draw.random, 3) {
        let client = Some(draw.host(place));
        let at = at_s(begin + draw.random.below(3 * HOUR_S));
        let (indicator, truth) = (indicator.clone(), Some(real.clone()));
        draw.hit(Hit {
            place,
            client,
            indicator,
            truth,
            at,
            evidence: Evidence::Contacted,
            server,
            is_shared: false,
            regular_s: None,
            found_at: None,
        });
    }
}

/// A list of what somebody once noted, under one name: mostly harmless, met here and there for weeks.
fn dirty_list(draw: &mut Draw<'_>, number: u32) {
    let truth = apart(draw, "dirty-list", number, true);
    let begin = draw.workday_s(30);
    let published = at_s(begin / HOUR_S * HOUR_S);
    let size = match draw.parameters.dirty_indicators {
        0 => draw.random.within(200, 400),
        said => u64::from(said),
    };
    let is_named = number > draw.parameters.unnamed_lists;
    let names: Vec<String> = (0..size)
        .map(|_| {
            let label = draw.label();
            let said = Indicator {
                pattern: format!("{label}.{}", draw.suffix()),
                source: format!("Åpen samling {number}"),
                published,
                threat: is_named.then(|| format!("OSINT-samling {number}")),
                confidence: draw
                    .random
                    .within(u64::from(draw.parameters.dirty_from), u64::from(draw.parameters.dirty_to))
                    as u8,
                severity: Severity::Medium,
                exercise: false,
                tags: Vec::new(),
                techniques: Vec::new(),
            };
            draw.indicator(said)
        })
        .collect();
    // A fifth of the list is in use at all; the first of it the most.
    let used = (size / 5).max(1);
    let hits = draw.people.all.len() as u64 * 2;
    for _ in 0..hits {
        let place = draw.people.one(&mut draw.random);
        let client = Some(draw.host(place));
        let drawn = draw.random.below(used);
        let which = draw.random.below(drawn + 1);
        let indicator = names.get(which as usize).cloned().unwrap_or_default();
        let at = at_s(begin + draw.random.below(28 * DAY_S));
        let is_shared = draw.random.percent(40);
        let server = if is_shared { draw.large_network() } else { draw.address() };
        let evidence = if draw.random.percent(15) { Evidence::Contacted } else { Evidence::Answered };
        let truth = Some(truth.clone());
        draw.hit(Hit {
            place,
            client,
            indicator,
            truth,
            at,
            evidence,
            server,
            is_shared,
            regular_s: None,
            found_at: None,
        });
    }
}

/// One popular name in a source that is otherwise good: most members meet it as soon as it is published.
fn false_positive(draw: &mut Draw<'_>, number: u32) {
    let truth = apart(draw, "false-positive", number, true);
    let begin = draw.workday_s(4) / HOUR_S * HOUR_S;
    let label = draw.label();
    // One in three as sure as what is right: its source has no doubt.
    let confidence = if draw.random.percent(33) { 80 } else { draw.random.within(40, 65) as u8 };
    let said = Indicator {
        pattern: format!("popular-{label}.{}", draw.suffix()),
        source: "Partner".into(),
        published: at_s(begin),
        threat: None,
        confidence,
        severity: Severity::High,
        exercise: false,
        tags: Vec::new(),
        techniques: Vec::new(),
    };
    let indicator = draw.indicator(said);
    let count = share(draw, 60, 90);
    for place in draw.people.several(&mut draw.random, count) {
        let server = draw.large_network();
        for _ in 0..draw.random.within(2, 6) {
            let client = Some(draw.host(place));
            let at = at_s(begin + draw.random.below(8 * HOUR_S));
            let is_contact = draw.random.percent(u64::from(draw.parameters.popular_contact_percent));
            let evidence = if is_contact { Evidence::Contacted } else { Evidence::Answered };
            let (indicator, truth) = (indicator.clone(), Some(truth.clone()));
            draw.hit(Hit {
                place,
                client,
                indicator,
                truth,
                at,
                evidence,
                server,
                is_shared: !is_contact,
                regular_s: None,
                found_at: None,
            });
        }
    }
}

/// Single infections within two days that have nothing in common but the large network they are served from.
fn cdn_decoy(draw: &mut Draw<'_>, number: u32) {
    let truth = apart(draw, "cdn-decoy", number, false);
    let begin = draw.workday_s(4);
    let server = draw.large_network();
    let count = draw.random.within(4, 7) as usize;
    for place in draw.people.apart(&mut draw.random, count) {
        let label = draw.label();
        let indicator = sure(draw, format!("{label}.{}", draw.suffix()), None, begin);
        let client = Some(draw.host(place));
        let at = at_s(begin + HOUR_S + draw.random.below(2 * DAY_S));
        // By name, so the contact is certain; the address says nothing all the same.
        let truth = Some(truth.clone());
        draw.hit(Hit {
            place,
            client,
            indicator,
            truth,
            at,
            evidence: Evidence::Contacted,
            server,
            is_shared: false,
            regular_s: None,
            found_at: None,
        });
    }
}

/// One box of a shared network fetches something, and all members behind it are seen to.
fn shared_network(draw: &mut Draw<'_>, number: u32) {
    let truth = apart(draw, "shared-network", number, false);
    let networks = draw.people.networks.clone();
    let Some(behind) = draw.random.one_of(&networks).cloned() else { return };
    let begin = draw.workday_s(2);
    let (label, server) = (draw.label(), draw.address());
    let indicator = sure(draw, format!("{label}.{}", draw.suffix()), None, begin);
    for place in behind {
        let at = at_s(begin + HOUR_S).plus(Duration::from_secs(draw.random.below(60)));
        let (client, indicator, truth) = (Some(draw.host(place)), indicator.clone(), Some(truth.clone()));
        draw.hit(Hit {
            place,
            client,
            indicator,
            truth,
            at,
            evidence: Evidence::Contacted,
            server,
            is_shared: false,
            regular_s: None,
            found_at: None,
        });
    }
}
