//! What stands first on the page: figures with what they are of, and what to do where there is nothing.

use std::collections::HashSet;

use super::able::blind_words;
use super::sensor::State;
use super::shown::number;
use super::text::Texts;
use super::view::{Reader, size};
use crate::coverage::Coverage;
use crate::store::picture::{Picture, SensorFacts};

/// A number of the summary with what it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// What is counted.
    pub name: String,
    /// The count, large.
    pub value: String,
    /// What it is of.
    pub of: String,
    /// Worth a look.
    pub calls: bool,
}

/// Where there is nothing: what that means and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nothing {
    /// What there is not, with its denominator.
    pub what: String,
    /// Why some cannot see.
    pub blind: Vec<String>,
    /// The next step.
    pub next: String,
    /// A command that does it.
    pub command: Option<&'static str>,
}

impl Figure {
    /// The figures of the front page.
    pub fn all(picture: &Picture, coverage: &Coverage, reader: &Reader) -> Vec<Figure> {
        let texts = reader.texts;
        // An exercise stays out of the figures (decision 25).
        let real = picture.campaigns.iter().filter(|campaign| !campaign.exercise && !campaign.is_closed);
        let hit: HashSet<i64> = real.flat_map(|campaign| campaign.hits.iter().map(|hit| hit.member.id)).collect();
        // What is closed is counted beside: a figure is of what there is to do.
        let campaigns = picture.campaigns_total - picture.exercise_campaigns - picture.closed_campaigns;
        let all = picture.incidents_total - picture.exercise_incidents;
        let incidents = all - picture.closed_incidents;
        let of_incidents = match (all, incidents) {
            (1.., 0) => texts.say("figure-campaigns-of-closed"),
            (_, _) => texts.count("figure-campaigns-of", incidents),
        };
        let closed = Some(picture.closed_campaigns).filter(|closed| *closed > 0);
        let exercises = Some(picture.exercise_campaigns).filter(|exercises| *exercises > 0);
        let beside = closed.map(|n| texts.count("figure-closed", n));
        let beside = beside.into_iter().chain(exercises.map(|n| texts.count("figure-exercises", n)));
        // A number of nothing is no number.
        let value = |n: i64, of: i64| if of > 0 { number(n) } else { "–".to_owned() };
        let well = picture.sensors.iter().filter(|s| State::of(s, reader.now).is_well()).count();
        let kept = picture.sensors.iter().filter(|s| s.revoked_at.is_none()).count();
        let newest = picture.list.map(|list| list.revision);
        let holds = |s: &&SensorFacts| s.revoked_at.is_none() && s.revision >= s.newest(newest).unwrap_or(0);
        let holding = picture.sensors.iter().filter(holds).count();
        let members = size(coverage.total());
        vec![
            Figure {
                name: texts.say("figure-campaigns"),
                value: value(campaigns, all),
                of: Vec::from_iter([of_incidents].into_iter().chain(beside)).join("; "),
                calls: campaigns > 0,
            },
            Figure {
                name: texts.say("figure-hit"),
                value: value(size(hit.len()), members),
                of: texts.count("figure-hit-of", members),
                calls: !hit.is_empty(),
            },
            Figure {
                name: texts.say("figure-seeing"),
                value: value(size(coverage.able.len()), members),
                of: texts.count("figure-hit-of", members),
                calls: !coverage.blind.is_empty(),
            },
            Figure {
                name: texts.say("figure-sensors"),
                value: value(size(well), size(kept)),
                of: texts.count("figure-sensors-of", size(kept)),
                calls: well < kept,
            },
            match picture.list {
                None => Figure {
                    name: texts.say("figure-list"),
                    value: "–".to_owned(),
                    of: texts.say("list-none-published"),
                    calls: true,
                },
                Some(list) => Figure {
                    name: texts.say("figure-list"),
                    value: number(list.revision),
                    of: texts.with(
                        "figure-list-of",
                        &[
                            ("indicators", &texts.count("figure-list-indicators", list.count)),
                            ("holding", &number(size(holding))),
                            ("sensors", &number(size(kept))),
                        ],
                    ),
                    calls: holding < kept,
                },
            },
        ]
    }
}

impl Nothing {
    /// What to say of no campaigns.
    pub fn of(picture: &Picture, coverage: &Coverage, texts: &Texts) -> Nothing {
        let (able, total) = (size(coverage.able.len()), size(coverage.total()));
        let what = if picture.incidents_total > 0 {
            let members: HashSet<i64> = picture.incidents.iter().map(|i| i.hit.member.id).collect();
            texts.numbers(
                "nothing-shared",
                &[
                    ("incidents", picture.incidents_total),
                    ("hit", size(members.len())),
                    ("able", able),
                    ("total", total),
                ],
            )
        } else if total == 0 {
            texts.say("nothing-no-members")
        } else {
            texts.numbers("nothing-found", &[("able", able), ("total", total)])
        };
        let enrolled = picture.sensors.iter().any(|sensor| sensor.enrolled_at.is_some());
        let (next, command) = if total == 0 {
            (texts.say("next-member"), Some("varde-collector member add 3407 Gjøvik"))
        } else if picture.sensors.is_empty() {
            (texts.say("next-token"), Some("varde-collector sensor token 3407"))
        } else if picture.list.is_none() && picture.unpublished == 0 {
            (texts.say("next-import"), Some("varde-collector indicator import FILE"))
        } else if picture.unpublished > 0 {
            (texts.count("next-publish", picture.unpublished), Some("varde-collector publish"))
        } else if !enrolled {
            (texts.say("next-enroll"), Some("varde-agent enroll --token-file FILE"))
        } else if coverage.blind.is_empty() {
            (texts.say("next-wait"), None)
        } else {
            (texts.say("next-sensors"), None)
        };
        Nothing { what, blind: if total == 0 { Vec::new() } else { blind_words(coverage, texts) }, next, command }
    }
}
