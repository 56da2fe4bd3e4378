//! Names that look like names: those on the list end their registrable label in the indicator's number, no other name does.

use crate::random::Random;

const SYLLABLES: [&str; 56] = [
    "al", "an", "ar", "ba", "ber", "bo", "cal", "con", "da", "del", "do", "du", "el", "en", "far", "fi", "ga", "ger",
    "ha", "hel", "in", "ka", "kom", "kri", "la", "lin", "lo", "ma", "mer", "mi", "na", "net", "no", "or", "pal", "per",
    "po", "ra", "ri", "ro", "sal", "ser", "si", "sol", "sta", "ta", "tel", "ti", "tor", "ul", "va", "ven", "vi", "vo",
    "zan", "zo",
];
const ENDINGS: [&str; 20] = [
    "com", "com", "com", "com", "no", "no", "net", "org", "info", "top", "xyz", "ru", "cn", "site", "online", "de",
    "co.uk", "io", "shop", "biz",
];
const HOSTS: [&str; 14] =
    ["www", "api", "cdn", "login", "mail", "static", "update", "img", "app", "edge", "assets", "auth", "files", "m"];

fn word(random: &mut Random, least: u64, most: u64) -> String {
    let count = random.within(least, most);
    (0..count).filter_map(|_| random.one_of(&SYLLABLES).copied()).collect()
}

fn ending(random: &mut Random) -> &'static str {
    random.one_of(&ENDINGS).copied().unwrap_or("com")
}

/// A label that stands for a host or a service.
pub fn host(random: &mut Random) -> String {
    match random.percent(70) {
        true => random.one_of(&HOSTS).copied().unwrap_or("www").to_owned(),
        false => format!("{}-{}", word(random, 1, 2), random.below(100)),
    }
}

/// Listed name number `index` of the list drawn from `seed`: always the same, never another's.
pub fn listed(seed: u64, index: u64) -> String {
    let mut random = Random::seeded(seed ^ index.wrapping_mul(0xa076_1d64_78bd_642f));
    let registrable = format!("{}{index}.{}", word(&mut random, 2, 4), ending(&mut random));
    if random.percent(30) { format!("{}.{registrable}", host(&mut random)) } else { registrable }
}

/// A name of the ordinary internet: its registrable label never ends in a digit.
pub fn ordinary(random: &mut Random) -> String {
    let registrable = format!("{}.{}", word(random, 2, 4), ending(random));
    match random.below(10) {
        0 => registrable,
        1..7 => format!("{}.{registrable}", host(random)),
        _ => format!("{}.{}.{registrable}", host(random), word(random, 1, 2)),
    }
}

/// Whether `name` is, or lies below, one of the first `count` listed names.
pub fn covered(seed: u64, count: u64, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let labels: Vec<&str> = name.split('.').collect();
    labels.iter().any(|label| {
        let digits = label.len() - label.bytes().rev().take_while(u8::is_ascii_digit).count();
        let Some(Ok(index)) = label.get(digits..).map(str::parse::<u64>) else { return false };
        let listed = listed(seed, index);
        index < count && (name == listed || name.strip_suffix(&listed).is_some_and(|left| left.ends_with('.')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_name_covers_itself_and_what_is_below_it_and_nothing_else() {
        let mut random = Random::seeded(3);
        for index in 0..2_000 {
            let name = listed(9, index);
            assert!(covered(9, 2_000, &name), "{name}");
            assert!(covered(9, 2_000, &format!("a.b.{name}")));
            assert!(!covered(9, index, &name), "not yet on a shorter list");
            for other in [format!("x{name}"), format!("{name}.no"), ordinary(&mut random)] {
                assert!(!covered(9, 2_000, &other), "{other}");
            }
        }
    }
}
