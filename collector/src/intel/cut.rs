//! What sources write, cut to what is kept of it, in one place for all formats.

use super::canonical::{About, Details, Found};
use super::format::{Clue, Withdrawn};
use crate::limits::{
    CLUE_KIND_MAX_CHARACTERS, CLUE_MAX_CHARACTERS, MEASURE_MAX_CHARACTERS, NOTE_MAX_CHARACTERS,
    OBJECT_ID_MAX_CHARACTERS, OBJECT_TEXT_MAX_OCTETS, TAG_MAX_CHARACTERS, TAGS_MAX, THREAT_MAX_CHARACTERS,
    URL_MAX_CHARACTERS,
};

/// Of an indicator; [`Details::cut`] says whether anything was.
pub(super) fn found(found: &mut Found) {
    let Found { about, object, pattern: _ } = found;
    object_id(&mut object.id);
    let mut is_cut = about_all(about);
    if object.text.as_ref().is_some_and(|text| text.len() > OBJECT_TEXT_MAX_OCTETS) {
        object.text = None;
        is_cut = true;
    }
    about.details.cut |= is_cut;
}

fn about_all(about: &mut About) -> bool {
    let About {
        threat,
        details,
        confidence: _,
        severity: _,
        tlp: _,
        pap: _,
        valid_from: _,
        valid_until: _,
        exercise: _,
    } = about;
    let Details { techniques, tags, measures, note, url, of_url: _, cut: _, first_seen: _, last_seen: _ } = details;
    let mut is_cut = false;
    for (text, most) in [(threat, THREAT_MAX_CHARACTERS), (note, NOTE_MAX_CHARACTERS), (url, URL_MAX_CHARACTERS)] {
        is_cut |= text.as_mut().is_some_and(|text| shorten(text, most));
    }
    for (texts, most) in
        [(techniques, TAG_MAX_CHARACTERS), (tags, TAG_MAX_CHARACTERS), (measures, MEASURE_MAX_CHARACTERS)]
    {
        is_cut |= texts.len() > TAGS_MAX;
        texts.truncate(TAGS_MAX);
        for text in texts {
            is_cut |= shorten(text, most);
        }
    }
    is_cut
}

/// Of what no sensor can look for.
pub(super) fn clue(clue: &mut Clue) {
    object_id(&mut clue.object_id);
    shorten(&mut clue.kind, CLUE_KIND_MAX_CHARACTERS);
    shorten(&mut clue.value, CLUE_MAX_CHARACTERS);
}

/// Of what is taken back.
pub(super) fn withdrawn(withdrawn: &mut Withdrawn) {
    object_id(&mut withdrawn.object_id);
}

/// A name must stay one: what is cut off of it stands behind the rest as its hash.
fn object_id(id: &mut String) {
    if id.chars().nth(OBJECT_ID_MAX_CHARACTERS).is_some() {
        let hash = blake3::hash(id.as_bytes()).to_hex();
        shorten(id, OBJECT_ID_MAX_CHARACTERS - hash.len());
        id.push_str(hash.as_str());
    }
}

/// Cuts a text to so many characters, the last of them an ellipsis; gives whether it was longer.
fn shorten(text: &mut String, most: usize) -> bool {
    // Most are: no character is less than an octet.
    if text.len() <= most {
        return false;
    }
    let mut ends = text.char_indices().map(|(at, _)| at).skip(most.saturating_sub(1));
    match (ends.next(), ends.next()) {
        (Some(end), Some(_)) => {
            text.truncate(end);
            text.push('…');
            true
        }
        (Some(_) | None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f2_whatever_a_source_writes_at_length_is_cut_and_says_so() {
        let long = "ø".repeat(70_000);
        let mut hostile = Found::bare("evil.example".parse().unwrap());
        hostile.about.threat = Some(long.clone());
        let details = &mut hostile.about.details;
        details.techniques = vec![long.clone(); 1_000];
        details.tags = vec![long.clone(); 1_000];
        details.measures = vec![long.clone(); 1_000];
        (details.note, details.url) = (Some(long.clone()), Some(long.clone()));
        hostile.object.id = long.clone();
        hostile.object.text = Some(long.clone());
        found(&mut hostile);
        assert!(hostile.about.details.cut && hostile.object.text.is_none());
        let octets = hostile.about.details.to_json().unwrap().len();
        assert!(octets < 120_000, "{octets}");
        let threat = hostile.about.threat.unwrap();
        assert_eq!((threat.chars().count(), threat.ends_with("ø…")), (THREAT_MAX_CHARACTERS, true));
        assert_eq!(hostile.about.details.tags.len(), TAGS_MAX);
        let mut fine = Found::bare("evil.example".parse().unwrap());
        fine.about.threat = Some("ø".repeat(THREAT_MAX_CHARACTERS));
        found(&mut fine);
        assert_eq!((fine.about.threat, fine.about.details.cut), (Some("ø".repeat(THREAT_MAX_CHARACTERS)), false));
        let mut of_clue = Clue { object_id: long.clone(), kind: long.clone(), value: long.clone(), tlp: None };
        clue(&mut of_clue);
        assert_eq!(of_clue.value.chars().count(), CLUE_MAX_CHARACTERS);
        assert_eq!(of_clue.object_id, hostile.object.id, "the same name everywhere");
        // Two long names that begin alike stay two.
        let mut other = Withdrawn { object_id: format!("{long}x"), modified: None };
        withdrawn(&mut other);
        assert_eq!(other.object_id.chars().count(), OBJECT_ID_MAX_CHARACTERS);
        assert_ne!(other.object_id, of_clue.object_id);
    }
}
