//! Eight words for a key, which two people compare by telephone: short bokmål words, none a letter from another or the
//! beginning of one, without æ, ø and å, so that every terminal shows them. A word is an octet, eight are 64 bits.
//!
//! They stand for the first eight octets of SHA-256 over the public key (SubjectPublicKeyInfo, DER). The order of the list
//! is its meaning: it is never changed.

/// The words, by octet.
#[rustfmt::skip]
pub const WORDS: [&str; 256] = [
    "agurk", "alarm", "albue", "anker", "ansikt", "appelsin", "april", "arbeid", "arena", "artist", "asfalt", "aske",
    "atlas", "august", "avtale", "badstue", "bagasje", "bakeri", "balkong", "bambus", "banjo", "basilikum", "basseng",
    "bensin", "bille", "blad", "blomst", "blyant", "bowling", "brev", "bryllup", "buffet", "bukse", "butikk",
    "camping", "dato", "delfin", "demning", "dikt", "diskos", "doktor", "drage", "dress", "drops", "dusin", "dverg",
    "dynamo", "egg", "ekko", "ekorn", "elefant", "elv", "epoke", "ert", "fakkel", "familie", "fanfare", "farge",
    "fasit", "ferie", "fest", "fiken", "film", "finger", "fjell", "fjord", "flagg", "flaske", "flokk", "flyplass",
    "fotball", "fresk", "frimerke", "frukt", "fyrstikk", "gaffel", "gamasje", "gaupe", "geit", "genser", "gitar",
    "glass", "glede", "globus", "golf", "grotte", "gulrot", "gummi", "hammer", "helg", "hermelin", "hjort", "hode",
    "honning", "hotell", "humle", "hund", "hval", "hybel", "idol", "indeks", "januar", "jordbruk", "juice", "jungel",
    "kabel", "kaffe", "kaktus", "kalender", "karri", "kasse", "kjeks", "kjole", "klinikk", "kloster", "klovn",
    "koffert", "kolibri", "konge", "kontor", "kopp", "kork", "krabbe", "kran", "krokus", "krone", "kube", "kupong",
    "kylling", "lagune", "lilje", "linjal", "lomme", "luft", "lunsj", "lyng", "magnet", "mai", "makrell", "marked",
    "marsipan", "melon", "metall", "metro", "midnatt", "mikser", "mobil", "modell", "moped", "mosaikk", "muffins",
    "museum", "mygg", "mynt", "navle", "nebb", "nektar", "nelik", "nordlys", "november", "odder", "oktober", "oliven",
    "olje", "omelett", "orkan", "padde", "palme", "panda", "papir", "paprika", "parafin", "park", "pasta", "pelikan",
    "pendel", "pepper", "perle", "pingvin", "pinne", "pistasj", "plakat", "planet", "polka", "portal", "pudding",
    "puls", "radio", "rakett", "ravn", "regn", "ring", "robot", "rom", "saks", "salat", "sau", "sebra", "seil",
    "sennep", "sild", "sirkel", "sjakk", "sjiraff", "skjerf", "skrin", "skrue", "sky", "slange", "slott", "smykke",
    "snegl", "sofa", "sol", "spade", "spiker", "spinat", "sport", "stein", "stempel", "stige", "stjerne", "strand",
    "strikk", "struts", "sumo", "suppe", "svamp", "sykkel", "tango", "tante", "tapet", "telefon", "teppe", "termos",
    "tog", "tomat", "torsk", "traktor", "trapp", "trekant", "trost", "tulipan", "tunge", "turban", "ugle", "ukulele",
    "vann", "verft", "vifte", "viking", "viola", "vogn", "vott", "vulkan", "yoghurt",
];

/// The words for a key, by SHA-256 of its public key.
pub fn fingerprint(spki_sha256: &[u8; 32]) -> String {
    let words = spki_sha256.iter().take(8).filter_map(|octet| WORDS.get(usize::from(*octet)).copied());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Letters to change, add or drop to make one into the other (Levenshtein).
    fn distance(one: &str, other: &str) -> usize {
        let other: Vec<char> = other.chars().collect();
        let mut row: Vec<usize> = (0..=other.len()).collect();
        for (place, from) in one.chars().enumerate() {
            let mut next = vec![place + 1];
            for (column, to) in other.iter().enumerate() {
                next.push((row[column] + usize::from(from != *to)).min(row[column + 1] + 1).min(next[column] + 1));
            }
            row = next;
        }
        row[other.len()]
    }

    #[test]
    fn e1_no_word_is_taken_for_another_over_the_telephone() {
        assert_eq!(WORDS.iter().collect::<BTreeSet<_>>().len(), 256);
        for (place, word) in WORDS.iter().enumerate() {
            assert!((3..=9).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase()), "{word}");
            for other in WORDS.iter().skip(place + 1) {
                assert!(distance(word, other) >= 2, "{word} {other}");
                assert!(!word.starts_with(other) && !other.starts_with(word), "{word} {other}");
            }
        }
    }

    #[test]
    fn e1_a_key_has_its_words_and_another_key_has_others() {
        let mut key = [0; 32];
        for (octet, value) in key.iter_mut().zip(0u8..) {
            *octet = value;
        }
        let said = fingerprint(&key);
        assert_eq!(said, WORDS[..8].join(" "), "it stands for the first eight octets");
        for place in 0..8 {
            let mut other = key;
            other[place] ^= 1;
            assert_ne!(fingerprint(&other), said);
        }
    }
}
