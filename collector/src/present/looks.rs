//! How a reader wants the pages to look: light, dark, or as the system says; and the addresses that ask for something else.

use super::navigation::Kind;
use super::shown::Shown;
use super::text::Texts;

/// The colours of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// As the reader's system says.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Scheme {
    /// All, the default first.
    pub const ALL: [Scheme; 3] = [Scheme::Auto, Scheme::Light, Scheme::Dark];

    /// Its word in the address, the cookie and the page's attribute.
    pub fn tag(self) -> &'static str {
        match self {
            Scheme::Auto => "auto",
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        }
    }

    /// What the page's `color-scheme` is.
    pub fn css(self) -> &'static str {
        match self {
            Scheme::Auto => "light dark",
            Scheme::Light | Scheme::Dark => self.tag(),
        }
    }

    /// What it is called.
    pub fn words(self, texts: &Texts) -> String {
        match self {
            Scheme::Auto => texts.say("scheme-auto"),
            Scheme::Light => texts.say("scheme-light"),
            Scheme::Dark => texts.say("scheme-dark"),
        }
    }

    /// From its word.
    pub fn from_tag(tag: &str) -> Option<Scheme> {
        Scheme::ALL.into_iter().find(|scheme| scheme.tag() == tag)
    }
}

/// How the pages are to look to one reader, and what stands around them for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looks {
    /// Asked for now: to be kept.
    asked: Option<Scheme>,
    scheme: Scheme,
    query: String,
    kind: Kind,
    /// Whether the reader's role is shown no hosts.
    hostless: bool,
    statement: Option<Shown>,
}

impl Looks {
    /// For who asks for these colours now, has kept those, and has this query in its address, as it was written.
    pub fn new(asked: Option<Scheme>, kept: Option<Scheme>, query: &str) -> Looks {
        let scheme = asked.or(kept).unwrap_or_default();
        Looks { asked, scheme, query: query.to_owned(), ..Looks::default() }
    }

    /// The same for a reader of this kind, at an operator whose accessibility statement is there.
    pub fn seen_by(&self, kind: Kind, statement: Option<Shown>) -> Looks {
        Looks { kind, statement, ..self.clone() }
    }

    /// The same for a reader whose role is shown hosts, or is not.
    pub fn with_hosts(&self, hosts: bool) -> Looks {
        Looks { hostless: !hosts, ..self.clone() }
    }

    /// Whether what shows hosts (a campaign, an incident, an alert) opens for the reader: what does not is no link.
    pub fn opens_hosts(&self) -> bool {
        !self.hostless
    }

    /// The colours.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Those asked for now.
    pub fn asked(&self) -> Option<Scheme> {
        self.asked
    }

    /// What kind of reader it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where the operator's accessibility statement is.
    pub fn statement(&self) -> Option<&Shown> {
        self.statement.as_ref()
    }

    /// The page at `path` once more, asking for `key` to be `value`; what else its query says stays as it was written.
    pub fn asking(&self, path: &str, key: &str, value: &str) -> String {
        asking(path, &self.query, key, value)
    }
}

/// Octets of a query that are carried on; a longer one is dropped, and the page is shown as it is without one.
const QUERY_MAX_OCTETS: usize = 2_048;
/// What an address asks for once and is not carried on.
const ONCE: [&str; 3] = ["lang", "scheme", "fragment"];

fn asking(path: &str, query: &str, key: &str, value: &str) -> String {
    let mut address = format!("{path}?");
    for pair in query.split('&').filter(|pair| !pair.is_empty() && query.len() <= QUERY_MAX_OCTETS) {
        if !ONCE.contains(&pair.split('=').next().unwrap_or_default()) {
            address.push_str(pair);
            address.push('&');
        }
    }
    address.push_str(key);
    address.push('=');
    address.push_str(value);
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_gets_the_colours_it_asked_for() {
        let (dark, light, auto) = (Some(Scheme::Dark), Some(Scheme::Light), Some(Scheme::Auto));
        for (asked, kept, gets) in [
            (dark, light, Scheme::Dark),
            (None, light, Scheme::Light),
            (auto, dark, Scheme::Auto),
            (None, None, Scheme::Auto),
        ] {
            assert_eq!(Looks::new(asked, kept, "").scheme(), gets, "{asked:?} {kept:?}");
        }
        for scheme in Scheme::ALL {
            assert_eq!(Scheme::from_tag(scheme.tag()), Some(scheme));
        }
    }

    #[test]
    fn another_language_or_colour_keeps_what_was_searched_for() {
        for (query, address) in [
            ("", "/sak/1?lang=nn"),
            ("lang=nb", "/sak/1?lang=nn"),
            ("q=a%26b&scheme=dark&side=2&fragment=1", "/sak/1?q=a%26b&side=2&lang=nn"),
        ] {
            assert_eq!(asking("/sak/1", query, "lang", "nn"), address);
        }
        assert_eq!(asking("/", &"a=1&".repeat(1_000), "scheme", "dark"), "/?scheme=dark");
    }
}
