//! Where an answer ended, sealed for whoever asked: the next answer goes on behind it, whatever has come or gone meanwhile.
//!
//! The position is of what never changes of a thing and tells only its reader's own: when it came, and its name outside. It is no secret
//! and no right: whoever makes one up gets what the question would give anyway.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The form of a cursor, in its first octet.
const FORM: u8 = 1;
/// Octets of the question's hash: enough to tell an honest mistake.
const QUESTION_OCTETS: usize = 8;
/// A name within a position: a uuid, a number, or several with commas between.
const NAME_MAX_OCTETS: usize = 128;

/// Behind which thing an answer goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// A moment in microseconds, or a number.
    pub at: i64,
    /// Tells apart what has the same.
    pub name: String,
}

fn hash(question: &str) -> [u8; QUESTION_OCTETS] {
    let mut octets = [0; QUESTION_OCTETS];
    let hash = blake3::hash(question.as_bytes());
    for (to, from) in octets.iter_mut().zip(hash.as_bytes()) {
        *to = *from;
    }
    octets
}

impl Position {
    /// As it is handed out: form, question, number, name.
    pub fn sealed(&self, question: &str) -> String {
        let mut octets = vec![FORM];
        octets.extend(hash(question));
        octets.extend(self.at.to_be_bytes());
        octets.extend(self.name.bytes());
        URL_SAFE_NO_PAD.encode(octets)
    }
}

/// A cursor of this question; none where it is of another, or none at all.
pub fn opened(text: &str, question: &str) -> Option<Position> {
    let octets = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (form, rest) = octets.split_first()?;
    let (of, rest) = rest.split_first_chunk::<QUESTION_OCTETS>()?;
    let (at, name) = rest.split_first_chunk::<8>()?;
    let name = std::str::from_utf8(name).ok()?;
    let is_ours =
        *form == FORM && *of == hash(question) && name.len() <= NAME_MAX_OCTETS && !name.chars().any(char::is_control);
    is_ours.then(|| Position { at: i64::from_be_bytes(*at), name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn api_a_hostile_cursor_is_refused_or_read_and_never_breaks_anything(text in "[-_A-Za-z0-9=%'\\PC]{0,200}", octets: Vec<u8>) {
            let _ = opened(&text, "/alerts");
            let _ = opened(&URL_SAFE_NO_PAD.encode(&octets), "/alerts");
            let mut close = vec![FORM];
            close.extend(hash("/alerts"));
            close.extend(&octets);
            if let Some(position) = opened(&URL_SAFE_NO_PAD.encode(&close), "/alerts") {
                prop_assert!(position.name.len() <= NAME_MAX_OCTETS);
                prop_assert_eq!(opened(&position.sealed("/alerts"), "/alerts"), Some(position));
            }
        }
    }
}
