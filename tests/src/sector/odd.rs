//! Campaigns that look like what is none: as wide and fast as a popular name, or a drip with hardly any contact.

use varde_common::alert::Evidence;

use crate::sector::scenario::{share, sure, threat, together};
use crate::sector::year::{DAY_S, Draw, HOUR_S, Hit, at_s};

/// A lure that more than half of the members reach within a day, from its publication on; most of the hosts are in touch with it.
pub fn surge(draw: &mut Draw<'_>, number: u32) {
    let truth = together(draw, "surge", number);
    let begin = draw.workday_s(3) / HOUR_S * HOUR_S;
    let threat = threat(draw, &truth);
    let label = draw.label();
    let name = sure(draw, format!("{label}.{}", draw.suffix()), threat.as_deref(), begin);
    let server = draw.address();
    let count = share(draw, 55, 65);
    for place in draw.people.several(&mut draw.random, count) {
        for _ in 0..draw.random.within(1, 3) {
            let client = Some(draw.host(place));
            let at = at_s(begin + draw.random.below(DAY_S));
            let evidence = draw.campaign_evidence();
            let (indicator, truth) = (name.clone(), Some(truth.clone()));
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

/// One member now and then over four weeks, by two names; one host in ten gets further than an answer.
pub fn drip(draw: &mut Draw<'_>, number: u32) {
    let truth = together(draw, "drip", number);
    let begin = draw.workday_s(27);
    let threat = threat(draw, &truth);
    let names: Vec<String> = (0..2)
        .map(|_| {
            let label = draw.label();
            sure(draw, format!("{label}.{}", draw.suffix()), threat.as_deref(), begin)
        })
        .collect();
    let server = draw.address();
    let count = draw.random.within(8, 20) as usize;
    for place in draw.people.apart(&mut draw.random, count) {
        let client = Some(draw.host(place));
        let at = at_s(begin + draw.random.below(26 * DAY_S));
        let evidence = if draw.random.percent(10) { Evidence::Contacted } else { Evidence::Answered };
        let indicator = draw.random.one_of(&names).cloned().unwrap_or_default();
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
