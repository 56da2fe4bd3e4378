//! Which collections a TAXII 2.1 server has (TAXII 2.1, sections 4 and 5): from its discovery, or from one API root.

use serde::{Deserialize, Serialize};
use url::Url;

use super::taxii::below;
use super::{Ask, Head, Refused, no_web_page, place, succeeded};
use crate::intel::format::Input;
use crate::intel::hidden;
use crate::limits::FEED_OBJECT_MAX_OCTETS;
use crate::limits::fetch::TAXII_LISTED_MAX;

/// What is accepted: exactly so, anything else is answered with 406.
pub const ACCEPT: &str = "application/taxii+json;version=2.1";

/// That an answer is TAXII's; with or without a space before its version, and plain JSON too.
///
/// # Errors
/// [`Refused::Type`].
pub fn is_taxii(head: &Head) -> Result<(), Refused> {
    let kind = head.content_type.clone().unwrap_or_default();
    let mut parts = kind.split(';').map(|part| part.trim().to_ascii_lowercase());
    let media = parts.next().unwrap_or_default();
    let is_other = parts
        .filter_map(|part| part.strip_prefix("version=").map(|version| version.trim_matches('"').to_owned()))
        .any(|version| version != "2.1");
    if is_other || !["application/taxii+json", "application/json"].contains(&media.as_str()) {
        let shown: String = kind.chars().filter(|c| !c.is_control()).take(80).collect();
        return Err(Refused::Type(if shown.is_empty() { "no type".to_owned() } else { shown }));
    }
    Ok(())
}

/// A collection.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Collection {
    /// What it is asked for by.
    pub id: String,
    /// For people.
    pub title: String,
    /// Whether it may be read with these credentials.
    pub can_read: bool,
    /// The API root it is below.
    #[serde(skip_deserializing)]
    pub root: String,
}

impl Collection {
    /// Reads the answer to a request for one.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn read(head: &Head, body: &mut dyn Input) -> Result<Collection, Refused> {
        small(head, body)
    }

    /// As messages call it.
    pub fn called(&self) -> String {
        let shown = |text: &str| text.chars().filter(|c| !c.is_control()).take(80).collect::<String>();
        if self.title.is_empty() {
            shown(&self.id)
        } else {
            format!("\"{}\" ({})", shown(&self.title), shown(&self.id))
        }
    }
}

/// A whole answer that is small.
fn small<T: for<'de> Deserialize<'de>>(head: &Head, body: &mut dyn Input) -> Result<T, Refused> {
    use std::io::Read;
    succeeded(head)?;
    no_web_page(head, body)?;
    is_taxii(head)?;
    let mut text = Vec::new();
    body.take(FEED_OBJECT_MAX_OCTETS as u64 + 1).read_to_end(&mut text)?;
    if text.len() > FEED_OBJECT_MAX_OCTETS {
        return Err(Refused::Bad(format!("it is longer than {FEED_OBJECT_MAX_OCTETS} bytes")));
    }
    serde_json::from_slice(&text).map_err(|error| Refused::Bad(hidden::without_quotes(&error.to_string())))
}

/// What stands at the address that was given: discovery or an API root, whichever it turns out to be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Found {
    default: Option<String>,
    api_roots: Vec<String>,
    versions: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Listed {
    collections: Vec<Collection>,
}

/// The search for a server's collections.
#[derive(Debug)]
pub struct Search {
    at: Url,
    is_begun: bool,
    roots: Vec<Url>,
    asked: Option<Url>,
    elsewhere: usize,
    found: Vec<Collection>,
}

impl Search {
    /// From the address that the operator has.
    pub fn new(at: Url) -> Search {
        Search { at, is_begun: false, roots: Vec::new(), asked: None, elsewhere: 0, found: Vec::new() }
    }

    /// What to ask next; none = that is all.
    pub fn poll_ask(&mut self) -> Option<Ask> {
        if !self.is_begun {
            return Some(Ask::get(self.at.clone(), ACCEPT));
        }
        let root = self.roots.pop()?;
        let url = below(&root, &["collections"]);
        self.asked = Some(root);
        url.map(|url| Ask::get(url, ACCEPT))
    }

    /// An answer.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn handle_answer(&mut self, head: &Head, body: &mut dyn Input) -> Result<(), Refused> {
        if !self.is_begun {
            self.is_begun = true;
            let Found { default, api_roots, versions } = small(head, body)?;
            let mut named: Vec<String> = default.into_iter().chain(api_roots).take(TAXII_LISTED_MAX).collect();
            if named.is_empty() && !versions.is_empty() {
                named.push(self.at.to_string());
            }
            for root in named {
                let Ok(root) = self.at.join(&root) else { continue };
                // What is asked with was given for one server.
                if !place::is_same_origin(&root, &self.at) {
                    self.elsewhere += 1;
                } else if !self.roots.contains(&root) {
                    self.roots.push(root);
                }
            }
            return Ok(());
        }
        let Some(root) = self.asked.take() else { return Ok(()) };
        match small::<Listed>(head, body) {
            Ok(listed) => {
                let room = TAXII_LISTED_MAX.saturating_sub(self.found.len());
                let named = listed.collections.into_iter().take(room);
                self.found.extend(named.map(|collection| Collection { root: root.to_string(), ..collection }));
                Ok(())
            }
            // A root that is not for whoever asks hides no other.
            Err(Refused::Login(_) | Refused::NotThere(_)) if !self.roots.is_empty() || !self.found.is_empty() => Ok(()),
            Err(refused) => Err(refused),
        }
    }

    /// Those that were found, and how many API roots were left out because they are on another server.
    pub fn finish(self) -> (Vec<Collection>, usize) {
        (self.found, self.elsewhere)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::head;
    use super::*;
    use std::io::Cursor;

    fn found(answers: &[(u16, &str)]) -> Result<(Vec<Collection>, usize, Vec<String>), Refused> {
        let mut search = Search::new("https://t.example/taxii2/".parse().unwrap());
        let (mut answers, mut asked) = (answers.iter(), Vec::new());
        while let Some(ask) = search.poll_ask() {
            assert_eq!(ask.accept, "application/taxii+json;version=2.1");
            asked.push(ask.url.to_string());
            let (status, body) = answers.next().unwrap();
            search.handle_answer(&head(*status), &mut Cursor::new(body.as_bytes()))?;
        }
        let (found, elsewhere) = search.finish();
        Ok((found, elsewhere, asked))
    }

    #[test]
    fn collections_are_found_from_discovery_and_from_a_root_and_never_on_another_server() {
        let discovery = r#"{"title":"x","default":"https://t.example/api1/","api_roots":["https://t.example/api1/","/api2/","https://other.example/api/"]}"#;
        let two = r#"{"collections":[{"id":"2","title":"Two","can_read":false,"can_write":true,"media_types":[]}]}"#;
        let one = r#"{"collections":[{"id":"1","can_read":true}]}"#;
        let (collections, elsewhere, asked) = found(&[(200, discovery), (200, two), (200, one)]).unwrap();
        let ids: Vec<_> = collections.iter().map(|one| (one.id.as_str(), one.can_read, one.root.as_str())).collect();
        assert_eq!(ids, [("2", false, "https://t.example/api2/"), ("1", true, "https://t.example/api1/")]);
        assert_eq!(elsewhere, 1);
        assert_eq!(
            asked,
            ["https://t.example/taxii2/", "https://t.example/api2/collections/", "https://t.example/api1/collections/"]
        );
        let root = r#"{"title":"x","versions":["application/taxii+json;version=2.1"],"max_content_length":9}"#;
        let (collections, _, asked) = found(&[(200, root), (200, one)]).unwrap();
        assert_eq!((collections.len(), asked[1].as_str()), (1, "https://t.example/taxii2/collections/"));
        assert_eq!(found(&[(401, "")]), Err(Refused::Login(401)));
        assert_eq!(found(&[(200, root), (403, "")]), Err(Refused::Login(403)));
        assert!(matches!(found(&[(200, "{\"api_roots\": 7}")]), Err(Refused::Bad(_))));
    }

    #[test]
    fn a_type_is_taxiis_with_and_without_a_space() {
        for (kind, good) in [
            ("application/taxii+json;version=2.1", true),
            ("application/taxii+json; version=2.1", true),
            ("application/taxii+json; version=\"2.1\"; charset=utf-8", true),
            ("application/taxii+json", true),
            ("application/json", true),
            ("application/taxii+json; version=2.0", false),
            ("application/vnd.oasis.taxii+json", false),
            ("text/plain", false),
        ] {
            let head = Head { content_type: Some(kind.to_owned()), ..head(200) };
            assert_eq!(is_taxii(&head).is_ok(), good, "{kind}");
        }
        assert!(is_taxii(&Head { content_type: None, ..head(200) }).is_err());
    }
}
