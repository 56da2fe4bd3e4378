//! Machine tags that people and programs write on what they share: TLP, PAP, how sure they are, that it is an exercise, which
//! threat it belongs to (MISP's taxonomies and galaxies).

use varde_common::tlp::Tlp;

use super::loose::cut;
use super::{marking, techniques};
use crate::intel::canonical::Pap;
use crate::limits::{TAG_MAX_CHARACTERS, TAGS_MAX};

/// Galaxies whose clusters are threats, in the order in which one of several is chosen: what runs, then who, then what it is part of.
const THREATS: [&str; 20] = [
    "malpedia",
    "ransomware",
    "mitre-malware",
    "rat",
    "botnet",
    "banker",
    "stealer",
    "backdoor",
    "exploit-kit",
    "android",
    "mitre-tool",
    "tool",
    "threat-actor",
    "mitre-intrusion-set",
    "microsoft-activity-group",
    "360net-threat-actor",
    "mitre-campaign",
    "campaign",
    "tds",
    "cryptominers",
];

/// What follows a prefix in any case.
fn behind<'a>(tag: &'a str, prefix: &str) -> Option<&'a str> {
    let begins = tag.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix));
    begins.then(|| tag.get(prefix.len()..).unwrap_or_default())
}

/// What a tag says of TLP; a level that nobody knows is taken as the strictest.
pub(super) fn tlp(tag: &str) -> Option<Tlp> {
    let level = behind(tag.trim(), "tlp").filter(|level| level.starts_with([':', '=', '-', '_', ' ']));
    let level = level.map(|level| marking::of_level(level.trim_start_matches(':')).unwrap_or(Tlp::Red));
    // Of another taxonomy, or in a sentence.
    level.or_else(|| marking::of_list(tag))
}

/// What a tag says of PAP; a level that nobody knows is taken as the strictest.
pub(super) fn pap(tag: &str) -> Option<Pap> {
    let level = behind(tag.trim(), "pap:")?;
    Some(marking::of_pap(level).unwrap_or(Pap::Red))
}

/// What a tag says of how sure its writer is, 0-100.
fn sure(tag: &str) -> Option<u8> {
    let (name, value) = tag.split_once('=')?;
    let value = value.trim().trim_matches('"').to_ascii_lowercase();
    let table: &[(&str, u8)] = match name.trim().to_ascii_lowercase().as_str() {
        // Whether it can be judged at all (6, f) says nothing.
        "admiralty-scale:information-credibility" => &[("1", 90), ("2", 70), ("3", 50), ("4", 30), ("5", 10)],
        "admiralty-scale:source-reliability" => &[("a", 90), ("b", 70), ("c", 50), ("d", 30), ("e", 10), ("g", 0)],
        "estimative-language:confidence-in-analytic-judgment" => &[("high", 85), ("moderate", 50), ("low", 15)],
        "estimative-language:likelihood-probability" => &[
            ("almost-no-chance", 5),
            ("very-unlikely", 20),
            ("unlikely", 45),
            ("roughly-even-chance", 55),
            ("likely", 80),
            ("very-likely", 95),
            ("almost-certain", 99),
        ],
        _ => return None,
    };
    table.iter().find(|(word, _)| *word == value).map(|(_, sure)| *sure)
}

/// A threat that a tag names, with its place among galaxies: `misp-galaxy:threat-actor="APT29"`.
pub(super) fn threat(tag: &str) -> Option<(usize, String)> {
    let (galaxy, value) = behind(tag, "misp-galaxy:")?.split_once('=')?;
    let place = THREATS.iter().position(|threat| threat.eq_ignore_ascii_case(galaxy.trim()))?;
    let name = value.trim().trim_matches('"');
    // MITRE writes its own number behind: "APT29 - G0016".
    let name = name.rsplit_once(" - ").filter(|(_, number)| is_number_of_mitres(number)).map_or(name, |(name, _)| name);
    (!name.is_empty()).then(|| (place, cut(name, TAG_MAX_CHARACTERS)))
}

fn is_number_of_mitres(text: &str) -> bool {
    text.len() > 1 && text.starts_with(['G', 'S', 'C']) && text.bytes().skip(1).all(|octet| octet.is_ascii_digit())
}

/// What tags come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Said {
    /// The strictest.
    pub(super) tlp: Option<Tlp>,
    /// The strictest.
    pub(super) pap: Option<Pap>,
    /// The least.
    pub(super) sure: Option<u8>,
    /// Part of an exercise.
    pub(super) exercise: bool,
    /// Its writer has not finished it, or has rejected it.
    pub(super) is_draft: bool,
    /// The first of them by kind and by the alphabet, so that their order says nothing.
    pub(super) threat: Option<(usize, String)>,
    /// ATT&CK.
    pub(super) techniques: Vec<String>,
    /// As they stand, cut to what is kept.
    pub(super) tags: Vec<String>,
}

impl Said {
    /// By tags in any order.
    pub(super) fn by<'a>(tags: impl IntoIterator<Item = &'a str>) -> Said {
        let mut said = Said::default();
        let mut kept = Vec::new();
        for tag in tags.into_iter().map(str::trim).filter(|tag| !tag.is_empty()) {
            said.tlp = said.tlp.max(tlp(tag));
            said.pap = said.pap.max(pap(tag));
            said.sure = match (said.sure, sure(tag)) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            said.exercise |= behind(tag, "exercise:").is_some();
            said.is_draft |= behind(tag, "workflow:state=").is_some_and(|state| {
                matches!(&*state.trim().trim_matches('"').to_ascii_lowercase(), "draft" | "rejected")
            });
            said.threat = match (said.threat.take(), threat(tag)) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            if kept.len() < TAGS_MAX * 2 {
                kept.push(cut(tag, TAG_MAX_CHARACTERS));
            }
        }
        kept.sort_unstable();
        kept.dedup();
        said.techniques = techniques(&kept);
        said.techniques.sort_unstable();
        said.techniques.dedup();
        said.techniques.truncate(TAGS_MAX);
        kept.truncate(TAGS_MAX);
        said.tags = kept;
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_say_what_misps_taxonomies_mean() {
        for (tag, want) in [
            ("tlp:white", Some(Tlp::Clear)),
            ("TLP:Amber+Strict", Some(Tlp::AmberStrict)),
            ("tlp:ex:chr", Some(Tlp::Amber)),
            ("tlp:purple", Some(Tlp::Red)),
            ("tlp", None),
            ("type:OSINT", None),
        ] {
            assert_eq!(tlp(tag), want, "{tag}");
        }
        assert_eq!((pap("PAP:WHITE"), pap("pap:blue"), pap("x")), (Some(Pap::Clear), Some(Pap::Red), None));
        for (tag, want) in [
            ("admiralty-scale:information-credibility=\"2\"", Some(70)),
            ("admiralty-scale:source-reliability=\"e\"", Some(10)),
            ("admiralty-scale:source-reliability=\"f\"", None),
            ("estimative-language:likelihood-probability=\"very-likely\"", Some(95)),
            ("estimative-language:confidence-in-analytic-judgment=\"low\"", Some(15)),
        ] {
            assert_eq!(sure(tag), want, "{tag}");
        }
        let tags = [
            "misp-galaxy:threat-actor=\"Sofacy\"",
            "misp-galaxy:mitre-intrusion-set=\"APT29 - G0016\"",
            "misp-galaxy:mitre-attack-pattern=\"DNS - T1071.004\"",
            "exercise:generic=\"comcheck\"",
            "tlp:green",
            "tlp:red",
            "admiralty-scale:information-credibility=\"1\"",
            "admiralty-scale:source-reliability=\"c\"",
        ];
        let said = Said::by(tags);
        assert_eq!((said.tlp, said.sure, said.exercise, said.is_draft), (Some(Tlp::Red), Some(50), true, false));
        assert_eq!(said.threat.as_ref().map(|(_, name)| name.as_str()), Some("Sofacy"));
        assert_eq!(said.techniques, ["T1071.004"]);
        assert_eq!(said, Said::by(tags.into_iter().rev()), "in any order");
        assert_eq!(Said::by(["misp-galaxy:mitre-intrusion-set=\"APT29 - G0016\""]).threat.unwrap().1, "APT29");
        assert!(Said::by(["workflow:state=\"draft\""]).is_draft);
    }
}
