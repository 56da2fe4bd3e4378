//! What is read over HTTP besides the API and files: a table of addresses, from which the router is made and tests ask everything.

/// A page, and what else is read there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The front page.
    Front,
    /// A campaign's.
    Campaign,
    /// An incident's.
    Incident,
    /// A sensor's.
    Sensor,
    /// A member's.
    Member,
    /// The list of advisories.
    Advisories,
    /// An advisory's.
    Advisory,
    /// The bank of measures.
    Measures,
    /// How long what is kept is kept.
    Privacy,
    /// The picture for machines.
    Picture,
    /// What has changed, as it changes.
    Live,
    /// Whether the collector can take anything in.
    Health,
}

/// Every one of them by its address; `{id}` and `{number}` name one thing.
pub const PAGES: &[(&str, Page)] = &[
    ("/", Page::Front),
    ("/kampanje/{id}", Page::Campaign),
    ("/sak/{id}", Page::Incident),
    ("/sensor/{id}", Page::Sensor),
    ("/medlem/{number}", Page::Member),
    ("/varsel", Page::Advisories),
    ("/varsel/{id}", Page::Advisory),
    ("/tiltak", Page::Measures),
    ("/personvern", Page::Privacy),
    ("/api/picture", Page::Picture),
    ("/live", Page::Live),
    ("/health", Page::Health),
];
