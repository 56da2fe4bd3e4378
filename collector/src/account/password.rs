//! Passwords: which are good enough, and what is kept of them. By length, not by signs of many kinds: people remember words.
//!
//! Kept is Argon2id (RFC 9106, its second choice: 64 MiB, three passes, four lanes) as a PHC string, with its numbers, so that they can
//! be raised without anybody losing a password.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::reader::is_same;

/// Memory of one look at a password, KiB.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// Of what is read from the database no more is believed than this.
const MEMORY_MAX_KIB: u32 = 4 * MEMORY_KIB;
const PASSES_MAX: u32 = 16;
/// Octets of the salt.
pub const SALT_OCTETS: usize = 16;
/// Characters of a password, at least.
pub const LEAST_CHARACTERS: usize = 12;
/// Octets of one, at most: a sentence.
pub const MOST_OCTETS: usize = 256;

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weak {
    /// Fewer than [`LEAST_CHARACTERS`].
    Short,
    /// More than [`MOST_OCTETS`].
    Long,
    /// Among the first that anybody tries.
    Common,
    /// It is the account's name, or little more.
    Name,
}

/// Words that passwords are made of when a length is asked for: alone, twice, or with a year behind they are tried first.
const WORDS: &[&str] = &[
    "administrator",
    "admin",
    "passordet",
    "passord",
    "password",
    "hemmelig",
    "velkommen",
    "welcome",
    "letmein",
    "qwertyuiop",
    "qwerty",
    "asdfgh",
    "zxcvbn",
    "iloveyou",
    "elskerdeg",
    "sommeren",
    "sommer",
    "vinteren",
    "vinter",
    "høsten",
    "høst",
    "våren",
    "vår",
    "summer",
    "winter",
    "autumn",
    "spring",
    "januar",
    "februar",
    "mars",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "desember",
    "kommunen",
    "kommune",
    "rådhuset",
    "norge",
    "noreg",
    "oslo",
    "bergen",
    "trondheim",
    "varde",
    "brannmur",
    "sikkerhet",
    "security",
    "change",
    "changeme",
    "bytt",
    "default",
    "guest",
    "gjest",
    "test",
    "testing",
    "user",
    "bruker",
    "root",
    "monkey",
    "dragon",
    "football",
    "fotball",
    "abc",
    "master",
    "login",
    "innlogging",
    "mitt",
    "min",
    "er",
    "nytt",
    "ny",
    "my",
    "is",
    "the",
];
/// Keys and letters in a row.
const ROWS: &[&str] =
    &["01234567890123456789", "1q2w3e4r5t6y7u8i9o0p", "abcdefghijklmnopqrstuvwxyzæøå", "qwertyuiopåasdfghjkløæzxcvbnm"];

fn is_common(password: &str) -> bool {
    let mut signs: Vec<char> = password.chars().collect();
    signs.sort_unstable();
    signs.dedup();
    if signs.len() < 5 {
        return true;
    }
    let back: String = password.chars().rev().collect();
    if ROWS.iter().any(|row| row.contains(password) || row.contains(back.as_str())) {
        return true;
    }
    // As people write letters with signs that look like them.
    let unmasked = |c: char| match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        other => other,
    };
    let letters = |text: String| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
    [letters(password.to_owned()), letters(password.chars().map(unmasked).collect())].into_iter().any(|text| {
        let rest = WORDS.iter().fold(text, |rest, word| rest.replace(word, ""));
        rest.chars().count() <= 2
    })
}

/// Whether a password is good enough for the account of this name.
///
/// # Errors
/// [`Weak`].
pub fn check(password: &str, name: &str) -> Result<(), Weak> {
    if password.chars().count() < LEAST_CHARACTERS {
        return Err(Weak::Short);
    }
    if password.len() > MOST_OCTETS {
        return Err(Weak::Long);
    }
    let small = password.to_lowercase();
    let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let mut rest = plain(&small);
    for part in std::iter::once(name).chain(name.split(['.', '@', '-', '_', '+'])).map(plain) {
        if part.chars().count() >= 3 {
            rest = rest.replace(&part, "");
        }
    }
    if rest.chars().count() < 6 && plain(&small).chars().count() > rest.chars().count() {
        return Err(Weak::Name);
    }
    if is_common(&small) { Err(Weak::Common) } else { Ok(()) }
}

fn stretched(password: &str, salt: &[u8], (memory, passes, lanes): (u32, u32, u32)) -> Option<[u8; 32]> {
    let params = Params::new(memory, passes, lanes, Some(32)).ok()?;
    let mut out = [0; 32];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(password.as_bytes(), salt, &mut out).ok()?;
    Some(out)
}

/// What is kept of a password; none where there is no memory for it.
pub fn kept(password: &str, salt: &[u8; SALT_OCTETS]) -> Option<String> {
    let hash = stretched(password, salt, (MEMORY_KIB, PASSES, LANES))?;
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    Some(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}"))
}

/// A PHC string's numbers, salt and hash.
/// Costs, salt and hash.
type Read = ((u32, u32, u32), Vec<u8>, Vec<u8>);

fn read(kept: &str) -> Option<Read> {
    let (numbers, rest) = kept.strip_prefix("$argon2id$v=19$")?.split_once('$')?;
    let (salt, hash) = rest.split_once('$')?;
    let mut numbers = numbers.split(',');
    let mut number = |name: &str, most: u32| {
        numbers.next()?.strip_prefix(name)?.parse::<u32>().ok().filter(|number| (1..=most).contains(number))
    };
    let costs = (number("m=", MEMORY_MAX_KIB)?, number("t=", PASSES_MAX)?, number("p=", 16)?);
    Some((costs, STANDARD_NO_PAD.decode(salt).ok()?, STANDARD_NO_PAD.decode(hash).ok()?))
}

/// Whether a password is the one of which this was kept. Where nothing was, the same work is done, and it is not: how long it takes does
/// not tell who has an account.
pub fn is_right(password: &str, kept: Option<&str>) -> bool {
    let known = kept.and_then(read);
    let (costs, salt, hash) = known.unwrap_or_else(|| ((MEMORY_KIB, PASSES, LANES), vec![0; SALT_OCTETS], Vec::new()));
    // What is too long is nobody's; its beginning costs as much.
    let (text, whole) = match password.char_indices().find(|(at, _)| *at >= MOST_OCTETS) {
        Some((at, _)) => (password.get(..at).unwrap_or_default(), false),
        None => (password, true),
    };
    let found = stretched(text, &salt, costs);
    found.is_some_and(|found| is_same(&found, &hash)) && whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w3_a_password_is_judged_by_its_length_and_by_what_is_tried_first() {
        for (password, why) in [
            ("kort", Weak::Short),
            ("åtte tegn12", Weak::Short),
            ("aaaaaaaaaaaaaaaa", Weak::Common),
            ("abababababab", Weak::Common),
            ("123456789012", Weak::Common),
            ("qwertyuiopåa", Weak::Common),
            ("210987654321", Weak::Common),
            ("Passord123456", Weak::Common),
            ("P@ssw0rd2026!", Weak::Common),
            ("Sommer2026!!!", Weak::Common),
            ("Velkommen123", Weak::Common),
            ("sommersommer26", Weak::Common),
            ("kari.nordmann1", Weak::Name),
            ("Nordmann-Kari9", Weak::Name),
        ] {
            assert_eq!(check(password, "kari.nordmann"), Err(why), "{password}");
        }
        assert_eq!(check(&"lang setning ".repeat(30), "kari"), Err(Weak::Long));
        for good in ["blå elg spiser grus", "k9#mQ2vL8!xR", "fire tilfeldige ord her", "korrekt hest batteri"] {
            assert_eq!(check(good, "kari.nordmann"), Ok(()), "{good}");
        }
    }

    #[test]
    fn w3_of_a_password_something_is_kept_that_only_it_fits() {
        // Of RFC 9106's own numbers, by the same function.
        let kept = kept("blå elg spiser grus", &[7; SALT_OCTETS]).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=65536,t=3,p=4$BwcHBwcHBwcHBwcHBwcHBw$"), "{kept}");
        assert!(is_right("blå elg spiser grus", Some(&kept)));
        assert!(!is_right("blå elg spiser gras", Some(&kept)));
        assert!(!is_right("blå elg spiser grus", None));
        for broken in ["", "$argon2id$v=19$m=99999999,t=3,p=4$AA$AA", "$argon2id$v=19$m=65536,t=3,p=4$AA$", "x"] {
            assert!(!is_right("", Some(broken)), "{broken}");
        }
    }
}
