//! Every word stands on its terms, and nothing doubtful is on top.

use super::*;

fn strand(independent: i64, confidence: u8, evidence: Evidence) -> Weighed {
    let (level, severity) = (Level::Medium, Severity::Medium);
    let facts = Facts { sensed: true, evidence, confidence, level, severity, ..Facts::default() };
    Weighed {
        facts,
        independent,
        noise: false,
        is_named: false,
        is_listed: false,
        verdicts: (0, 0),
        is_confirmed: false,
    }
}

fn word(strands: &[Weighed]) -> Word {
    weigh(strands, &Weights::built_in()).unwrap().word
}

/// Every strand that differs in what weighs.
fn all_strands(confidences: &[u8]) -> Vec<Weighed> {
    let mut all = Vec::new();
    for &confidence in confidences {
        for evidence in Evidence::ALL {
            for level in [Level::Low, Level::Medium, Level::High] {
                for severity in [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical] {
                    for bits in 0..32u8 {
                        let (by_name, persistent, right) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0);
                        let (is_named, is_listed) = (bits & 8 != 0, bits & 16 != 0);
                        if is_named && is_listed {
                            continue;
                        }
                        let facts = Facts {
                            said: None,
                            sensed: true,
                            evidence,
                            confidence,
                            level,
                            severity,
                            by_name,
                            by_name_at_high: by_name && level == Level::High,
                            persistent,
                            in_history: false,
                        };
                        let verdicts = if right { (9, 0) } else { (0, 0) };
                        all.push(Weighed {
                            facts,
                            independent: 1,
                            noise: false,
                            is_named,
                            is_listed,
                            verdicts,
                            is_confirmed: false,
                        });
                    }
                }
            }
        }
    }
    all
}

#[test]
fn q_nothing_of_low_confidence_is_above_medium_however_far_it_spreads() {
    for one in all_strands(&[0, 20, 49]) {
        let wide: Vec<Weighed> = (1..=300).map(|independent| Weighed { independent, ..one }).collect();
        for strands in [&wide[..1], &wide[..5], &wide[..]] {
            assert!(word(strands) <= Word::Medium, "{one:?} at {} members", strands.len());
        }
    }
}

#[test]
fn q_what_is_proposed_as_noise_is_never_above_medium() {
    for one in all_strands(&[50, 74, 100]) {
        let wide: Vec<Weighed> = (1..=9).map(|independent| Weighed { independent, noise: true, ..one }).collect();
        assert!(word(&wide) <= Word::Medium, "{one:?}");
    }
}

#[test]
fn critical_has_two_ways_and_spread_alone_is_none() {
    let mut named = strand(1, 90, Evidence::Contacted);
    named.facts = Facts { by_name: true, by_name_at_high: true, level: Level::High, ..named.facts };
    assert_eq!(word(&[named]), Word::Critical);
    // The same by address alone: the table says critical, and no way leads there.
    let mut address = strand(1, 90, Evidence::DataOut);
    address.facts.level = Level::High;
    assert_eq!(word(&[address]), Word::High);
    assert!(weigh(&[address], &Weights::built_in()).unwrap().why.contains(&Term::NotCritical));
    let five: Vec<Weighed> = (1..=5).map(|independent| Weighed { independent, ..address }).collect();
    assert_eq!((word(&five[..4]), word(&five)), (Word::High, Word::Critical));
    // Five behind one shared supplier network are one.
    let shared: Vec<Weighed> = five.iter().map(|strand| Weighed { independent: 1, ..*strand }).collect();
    assert_eq!(word(&shared), Word::High);
    let noise: Vec<Weighed> = five.iter().map(|strand| Weighed { noise: true, ..*strand }).collect();
    assert!(word(&noise) <= Word::Medium);
    let looked_up: Vec<Weighed> = (1..=300).map(|member| strand(member, 90, Evidence::LookedUp)).collect();
    assert!(word(&looked_up) < Word::Critical);
}

#[test]
fn q_what_nobody_stands_for_is_looked_at_and_no_more() {
    let mut once = strand(1, 60, Evidence::Contacted);
    once.facts.level = Level::High;
    assert_eq!(word(&[once]), Word::Medium, "one contact with a name that no source is sure of");
    assert!(weigh(&[once], &Weights::built_in()).unwrap().why.contains(&Term::Unvouched));
    let better = [
        Weighed { facts: Facts { persistent: true, ..once.facts }, ..once },
        Weighed { facts: Facts { evidence: Evidence::DataOut, ..once.facts }, ..once },
        Weighed { facts: Facts { confidence: 80, ..once.facts }, ..once },
        Weighed { is_named: true, ..once },
        Weighed { verdicts: (9, 0), ..once },
    ];
    for one in better {
        assert!(word(&[one]) > Word::Medium, "{one:?}");
        assert_eq!(word(&[one, once]), word(&[one]), "what nobody stands for takes nothing from what stands beside it");
    }
    let several: Vec<Weighed> = (1..=5).map(|independent| Weighed { independent, ..once }).collect();
    assert_eq!((word(&several[..4]), word(&several)), (Word::Medium, Word::High));
    // A list that is sure of itself is a list all the same, however many met it.
    let sure = Facts { confidence: 95, by_name: true, by_name_at_high: true, ..once.facts };
    let listed: Vec<Weighed> =
        (1..=300).map(|independent| Weighed { facts: sure, independent, is_listed: true, ..once }).collect();
    assert_eq!((word(&listed[..1]), word(&listed)), (Word::Medium, Word::Medium));
    let regular = Weighed { facts: Facts { persistent: true, ..sure }, is_listed: true, ..once };
    assert_eq!(word(&[regular]), Word::High);
}

#[test]
fn q_what_is_not_likely_asks_for_nobody_wherever_it_was() {
    let quiet = |confidence, evidence| {
        let mut one = strand(1, confidence, evidence);
        one.facts = Facts { level: Level::High, severity: Severity::Critical, ..one.facts };
        one
    };
    for one in [quiet(20, Evidence::Contacted), quiet(60, Evidence::Answered), quiet(95, Evidence::Blocked)] {
        assert_eq!(word(&[one]), Word::Low, "{one:?}");
    }
    assert!(word(&[quiet(95, Evidence::Answered)]) >= Word::Medium);
}

#[test]
fn every_word_says_why() {
    let built_in = Weights::built_in();
    let sensed = all_strands(&[20, 60, 90]);
    // The same said by people, confirmed or not, by itself and beside what sensors saw.
    let reported = sensed.iter().flat_map(|one| {
        let Facts { evidence, confidence, severity, .. } = one.facts;
        let heard = [None, Some(evidence), Some(Evidence::DataOut)];
        heard.into_iter().flat_map(move |evidence| {
            let said = Some(Hearsay { evidence, confidence, severity });
            let facts = [Facts { said, ..Facts::default() }, Facts { said, ..one.facts }];
            facts
                .into_iter()
                .flat_map(move |facts| [false, true].map(|is_confirmed| Weighed { facts, is_confirmed, ..*one }))
        })
    });
    for one in sensed.iter().copied().chain(reported) {
        let priority = weigh(&[one], &built_in).unwrap();
        let sum = |of: fn(&Term) -> Option<i64>| priority.why.iter().filter_map(of).sum::<i64>();
        let likely = sum(|term| match term {
            Term::Confidence { points, .. }
            | Term::Evidence { points, .. }
            | Term::EvidenceSaid { points, .. }
            | Term::Persistent { points }
            | Term::AddressOnly { points }
            | Term::Reported { points, .. }
            | Term::EvidenceUnknown { points }
            | Term::Confirmed { points }
            | Term::Verdicts { points, .. } => Some(*points),
            _ => None,
        });
        let told = priority.why.iter().find_map(|term| match term {
            Term::Likelihood { points, grade } => Some((*points, *grade)),
            _ => None,
        });
        let (points, grade) = told.unwrap();
        assert_eq!(points, likely, "{priority:?}");
        let bad = priority.why.iter().find_map(|term| match term {
            Term::Consequence { grade, .. } => Some(*grade),
            _ => None,
        });
        let by_table = built_in.matrix.word(grade, bad.unwrap());
        let said = |term: &Term| priority.why.contains(term);
        let lowered = said(&Term::Unvouched).then_some(Word::Medium).or(said(&Term::NotCritical).then_some(Word::High));
        assert_eq!(priority.word, lowered.unwrap_or(by_table));
        let written = serde_json::to_string(&priority.why).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Term>>(&written).unwrap(), priority.why);
    }
}

#[test]
fn a_false_positive_beside_it_neither_lifts_nor_lowers_what_is_real() {
    let real = strand(1, 90, Evidence::Contacted);
    let popular = Weighed { noise: true, ..strand(1, 90, Evidence::DataOut) };
    let weights = Weights::built_in();
    assert_eq!(weigh(&[real, popular], &weights), weigh(&[real], &weights));
    assert_eq!(weigh(&[], &weights), None);
}

/// What a person reports, by itself.
fn call(independent: i64, evidence: Option<Evidence>, confidence: u8) -> Weighed {
    let said = Some(Hearsay { evidence, confidence, severity: Severity::Medium });
    Weighed { facts: Facts { said, ..Facts::default() }, ..strand(independent, 0, Evidence::Blocked) }
}

/// The same reported and seen.
fn both(call: Weighed, seen: Weighed) -> Weighed {
    Weighed { facts: call.facts.join(seen.facts), is_confirmed: call.is_confirmed, ..seen }
}

fn why(strands: &[Weighed]) -> Vec<Term> {
    weigh(strands, &Weights::built_in()).unwrap().why
}

#[test]
fn c_what_people_report_is_weighed_by_what_people_say_and_a_confirmation_stands_for_it() {
    for evidence in Evidence::ALL.into_iter().map(Some).chain([None]) {
        for is_confirmed in [false, true] {
            let one = Weighed { is_confirmed, verdicts: (0, 9), ..call(1, evidence, 50) };
            for term in why(&[one]) {
                let of_sensors = matches!(
                    term,
                    Term::Confidence { .. }
                        | Term::Evidence { .. }
                        | Term::AddressOnly { .. }
                        | Term::Verdicts { .. }
                        | Term::Zone { .. }
                        | Term::Severity { .. }
                        | Term::MereList
                        | Term::MediumConfidence
                );
                assert!(!of_sensors, "{term:?} of {one:?}");
            }
            assert!(word(&[one]) >= Word::Medium || !is_confirmed, "confirmed and no more than {}", word(&[one]));
        }
    }
    let unsaid = call(1, None, 50);
    assert!(why(&[unsaid]).contains(&Term::EvidenceUnknown { points: 1 }), "nobody said: {:?}", why(&[unsaid]));
    assert_eq!(word(&[unsaid]), Word::Info, "a call that nobody has looked into");
    // A confirmation makes nothing of what sensors saw likelier: low confidence stays low.
    let doubtful = strand(1, 20, Evidence::DataOut);
    assert_eq!(word(&[Weighed { is_confirmed: true, ..doubtful }]), word(&[doubtful]));
}

#[test]
fn c_what_was_only_said_stands_in_no_spread_and_lifts_nothing_that_was_seen() {
    for seen in [Evidence::Answered, Evidence::Contacted] {
        let seen = strand(5, 90, seen);
        for said in Evidence::ALL {
            let calls = (1..=4).map(|member| Weighed { is_named: true, ..call(member, Some(said), 90) });
            let all: Vec<Weighed> = calls.chain([seen]).collect();
            let spread = why(&all)
                .into_iter()
                .find(|term| matches!(term, Term::Members { .. } | Term::CriticalByMembers { .. }));
            assert_eq!(spread, None, "four calls of {said} beside one alert");
            assert_eq!(word(&all), word(&[seen]), "{said}");
        }
    }
    // Nor is contact that was only told of contact at several.
    let once = Weighed {
        facts: Facts { level: Level::High, ..strand(5, 60, Evidence::Contacted).facts },
        ..strand(5, 60, Evidence::Contacted)
    };
    let all: Vec<Weighed> = (1..=4).map(|member| call(member, Some(Evidence::Contacted), 60)).chain([once]).collect();
    assert_eq!(word(&all), Word::Medium);
    assert!(why(&all).contains(&Term::Unvouched));
}

#[test]
fn c_a_look_up_that_joins_a_call_is_weighed_as_the_look_up_alone() {
    for level in [Level::Low, Level::Medium, Level::High] {
        let mut seen = strand(1, 55, Evidence::LookedUp);
        seen.facts.level = level;
        let reported = call(1, Some(Evidence::DataOut), 55);
        let joined = both(reported, seen);
        let graver = word(&[seen]).max(word(&[reported]));
        assert_eq!(word(&[joined]), graver, "{level:?}: data out that was only said, at a zone that was seen");
        let terms = why(&[joined]);
        let at_address = terms.iter().any(|term| matches!(term, Term::AddressOnly { .. }));
        assert!(!at_address, "the name was looked up, and nobody was in touch: {terms:?}");
        if word(&[seen]) == graver {
            let mut alone = why(&[seen]);
            alone.push(Term::SaidApart { word: word(&[reported]) });
            assert_eq!(terms, alone);
        }
    }
    // Data out that was only said stands for nothing.
    let mut contact = strand(1, 60, Evidence::Contacted);
    contact.facts.level = Level::High;
    assert_eq!(word(&[both(call(1, Some(Evidence::DataOut), 60), contact)]), word(&[contact]));
    assert!(why(&[both(call(1, Some(Evidence::DataOut), 60), contact)]).contains(&Term::Unvouched));
}

#[test]
fn c_what_a_person_has_confirmed_stays_so_whatever_weaker_thing_sensors_see_of_it() {
    for said in Evidence::ALL.into_iter().map(Some).chain([None]) {
        let confirmed = Weighed { is_confirmed: true, ..call(1, said, 50) };
        for evidence in Evidence::ALL {
            let joined = both(confirmed, strand(1, 30, evidence));
            assert!(word(&[joined]) >= Word::Medium, "{said:?} beside {evidence}: {:?}", why(&[joined]));
        }
        let joined = why(&[both(confirmed, strand(1, 30, Evidence::LookedUp))]);
        assert!(joined.iter().any(|term| matches!(term, Term::Confirmed { .. })), "{joined:?}");
        assert!(joined.contains(&Term::SensedApart { word: Word::Low }), "{joined:?}");
        assert!(!joined.iter().any(|term| matches!(term, Term::Evidence { .. })), "who said it is said: {joined:?}");
        // Nor does it that what was reported is noise to others.
        let noise = Weighed { noise: true, ..confirmed };
        assert!(word(&[noise, strand(1, 30, Evidence::LookedUp)]) >= Word::Medium, "{said:?}");
    }
}

#[test]
fn words_go_both_ways() {
    for word in Word::ALL {
        assert_eq!(Word::of(word.as_str()), Some(word));
        assert_eq!(serde_json::to_string(&word).unwrap(), format!("\"{word}\""));
    }
}
