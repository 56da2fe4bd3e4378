//! Whether four numbers with dots between are a product's version rather than an address, by the words around them. Whoever writes an
//! address with brackets is never doubted; where it is not sure, what is doubted is named and not looked for.

use std::net::Ipv4Addr;

use super::sentence;

/// Why it is not taken. No word of it stands in quotes: what may be confidential is told by its reason alone.
pub(super) const DOUBTED: &str = "may be the number of a version and is left out; if it is an address, write it with brackets around \
     its dots or put it into a plain list (--dry-run shows what it is)";

/// Directly before a version.
const BEFORE: [&str; 13] = [
    "før",
    "before",
    "enn",
    "than",
    "oppgrader",
    "oppgradere",
    "oppgraderer",
    "oppdater",
    "oppdatere",
    "upgrade",
    "update",
    "below",
    "until",
];
/// The same, two words.
const TWO_BEFORE: [(&str, &str); 15] = [
    ("prior", "to"),
    ("fixed", "in"),
    ("patched", "in"),
    ("resolved", "in"),
    ("addressed", "in"),
    ("remediated", "in"),
    ("available", "in"),
    ("rettet", "i"),
    ("fikset", "i"),
    ("løst", "i"),
    ("utbedret", "i"),
    ("tettet", "i"),
    ("lukket", "i"),
    ("up", "to"),
    ("frem", "til"),
];
/// Behind a version.
const BEHIND: [&str; 15] = [
    "earlier",
    "older",
    "newer",
    "later",
    "prior",
    "below",
    "above",
    "lower",
    "higher",
    "tidligere",
    "eldre",
    "nyere",
    "senere",
    "lavere",
    "høyere",
];
/// Between two of a kind.
const BETWEEN: [&str; 9] = ["og", "and", "eller", "or", "samt", "til", "to", "through", "henholdsvis"];
/// Words, by how they begin, of a sentence that tells of versions; the first ones of a move from one to another.
const MOVES: [&str; 5] = ["oppgrad", "upgrad", "oppdat", "updat", "patch"];
const OF_VERSIONS: [&str; 9] =
    ["cve", "patch", "versjon", "version", "oppgrad", "upgrad", "firmware", "release", "rettels"];
/// The same of a heading over numbers alone; a number of a CVE there says what the addresses below it do.
const OVER_VERSIONS: [&str; 9] =
    ["patch", "versjon", "version", "oppgrad", "upgrad", "firmware", "release", "rettet", "fixed"];
/// Words, by how they begin, of a sentence that tells of addresses.
const OF_ADDRESSES: [&str; 6] = ["ip", "adress", "address", "c2", "kommandoserver", "ioc"];
/// Words with a large letter before an address that are no product's name.
const NO_PRODUCTS: [&str; 78] = [
    "server",
    "serveren",
    "host",
    "vert",
    "verten",
    "c&c",
    "cnc",
    "dns",
    "vpn",
    "ssh",
    "rdp",
    "smb",
    "http",
    "https",
    "tcp",
    "udp",
    "icmp",
    "tor",
    "se",
    "søk",
    "blokker",
    "blokkér",
    "block",
    "sperr",
    "steng",
    "stopp",
    "fra",
    "from",
    "mot",
    "til",
    "to",
    "at",
    "hos",
    "på",
    "on",
    "og",
    "and",
    "eller",
    "or",
    "også",
    "also",
    "samt",
    "trafikk",
    "traffic",
    "med",
    "with",
    "via",
    "over",
    "against",
    "by",
    "av",
    "indikator",
    "indikatorer",
    "indicator",
    "indicators",
    "node",
    "proxy",
    "kilde",
    "source",
    "destination",
    "mål",
    "target",
    "angriper",
    "angriperen",
    "angriperne",
    "attacker",
    "den",
    "det",
    "the",
    "this",
    "denne",
    "både",
    "deretter",
    "then",
    "når",
    "hvis",
    "if",
    "er",
];
/// No product counts the first parts of its versions so far, and most addresses have one that is beyond it.
const PART_MAX: u8 = 99;

/// An address, told by what it is written as: four numbers alone.
pub(super) fn number(written: &str) -> Option<Ipv4Addr> {
    written.parse().ok()
}

/// Where the number before this one ended, and whether that is a version.
pub(super) type Chain = Option<(usize, bool)>;

/// Whether what stands there may be a version.
pub(super) fn may_be_one(text: &str, at: usize, number: Ipv4Addr, long: usize, chain: Chain) -> bool {
    if let Some((end, true)) = chain
        && let Some(between) = text.get(end..at)
        && between.len() < 32
        && words(between).all(|word| BETWEEN.contains(&&*word))
        && !between.contains('\n')
    {
        return true;
    }
    let (from, to) = sentence::bounds(text, at, long);
    let before = text.get(from..at).unwrap_or_default();
    let behind = text.get(at + long..to).unwrap_or_default();
    let said: Vec<String> = words(before).collect();
    let told: Vec<String> = words(behind).collect();
    let is_said = |begins: &[&str]| said.iter().chain(&told).any(|word| is_of(word, begins));
    let (last, one_before) =
        (said.last().map_or("", String::as_str), said.iter().rev().nth(1).map_or("", String::as_str));
    let is_move = matches!(last, "til" | "to" | "fra" | "from") && is_said(&MOVES);
    if BEFORE.contains(&last) || TWO_BEFORE.contains(&(one_before, last)) || is_move {
        return true;
    }
    let beyond = told.iter().find(|word| !BETWEEN.contains(&&***word) && !word.contains('.'));
    if beyond.is_some_and(|word| BEHIND.contains(&&**word)) {
        return true;
    }
    let [first, second, ..] = number.octets();
    if first > PART_MAX || second > PART_MAX {
        return false;
    }
    if said.is_empty() && told.is_empty() {
        // A line of its own is what the line above says.
        let lead: Vec<String> =
            sentence::lead(text, from).iter().flat_map(|lead| words(lead).collect::<Vec<_>>()).collect();
        let is_led = |begins: &[&str]| lead.iter().any(|word| is_of(word, begins));
        return is_led(&OVER_VERSIONS) && !is_led(&OF_ADDRESSES);
    }
    is_product(before) || (is_said(&OF_VERSIONS) && !is_said(&OF_ADDRESSES))
}

/// Whether the word directly before it is a name: it has a large letter, and is no word that may stand before an address.
fn is_product(before: &str) -> bool {
    let Some(begins) = before.strip_suffix([' ', '\u{a0}']) else { return false };
    let name = begins.split_whitespace().next_back().unwrap_or_default().trim_start_matches(['(', '«', '"', '*', '-']);
    let lower = name.to_lowercase();
    name.chars().any(char::is_uppercase)
        && name.chars().count() > 1
        && name.chars().all(|character| character.is_alphanumeric() || matches!(character, '-' | '+' | '/'))
        && !NO_PRODUCTS.contains(&&*lower)
        && !is_of(&lower, &OF_ADDRESSES)
}

fn is_of(word: &str, begins: &[&str]) -> bool {
    // IPv4, IP-adressen; but iPhone is none.
    begins.iter().any(|begin| match *begin {
        "ip" => matches!(word, "ip" | "ips" | "ipv4" | "ip-en" | "ip-ene") || word.starts_with("ip-a"),
        "c2" => word == "c2" || word.starts_with("c2-"),
        begin => word.starts_with(begin),
    })
}

/// The words of a text in lower case, without what stands around them.
fn words(text: &str) -> impl Iterator<Item = String> {
    let bare = |word: &str| word.trim_matches(|character: char| !character.is_alphanumeric()).to_lowercase();
    text.split([' ', '\n', '\r', '\t', '\u{a0}', '/', '(', ')', ',', ';']).map(bare).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_doubted(text: &str, written: &str) -> bool {
        may_be_one(text, text.find(written).unwrap(), number(written).unwrap(), written.len(), None)
    }

    #[test]
    fn p3_numbers_of_versions_are_doubted_by_the_words_around_them() {
        for text in [
            "Ivanti Connect Secure før 22.7.2.3 er sårbar.",
            "Gjelder alt eldre enn 22.7.2.3.",
            "Dere må oppgradere til 22.7.2.3 i kveld.",
            "Oppgradér til 22.7.2.3 nå, etter oppdateringen.",
            "This affects releases before 22.7.2.3.",
            "Everything prior to 22.7.2.3 is affected.",
            "It was fixed in 22.7.2.3 yesterday.",
            "Feilen er rettet i 22.7.2.3.",
            "Feilen i NetScaler 22.7.2.3 utnyttes.",
            "Foo 22.7.2.3",
            "22.7.2.3 og eldre er sårbare.",
            "22.7.2.3 og 22.7.2.4 og tidligere.",
            "CVE-2026-12345 gjelder 22.7.2.3.",
            "Installer patch: 22.7.2.3.",
            "Denne versjonen, 22.7.2.3, er sårbar.",
            "Rettede versjoner:\n- 22.7.2.3\n",
        ] {
            assert!(is_doubted(text, "22.7.2.3"), "{text}");
        }
        for text in [
            "Trafikk til 22.7.2.3 ble sett.",
            "Blokker 22.7.2.3 nå.",
            "Kommandoserver: 22.7.2.3.",
            "CVE-2026-12345 utnyttes fra IP-adressen 22.7.2.3.",
            "Angriperne utnytter CVE-2026-12345 fra disse:\n- 22.7.2.3\n- 22.7.2.4\n",
            "22.7.2.3",
            "IP-adresser:\n22.7.2.3\n",
            "Den er sett på 22.7.2.3 og 45.155.205.233.",
        ] {
            assert!(!is_doubted(text, "22.7.2.3"), "{text}");
        }
        assert!(is_doubted("Alt før 185.220.101.5.", "185.220.101.5"));
        assert!(
            !is_doubted("Lure 185.220.101.5 utnytter CVE-2026-12345.", "185.220.101.5"),
            "no version counts so far"
        );
        let text = "Versjon 22.7.2.1 og 22.7.2.3";
        assert!(may_be_one(text, 20, "22.7.2.3".parse().unwrap(), 8, Some((16, true))));
    }
}
