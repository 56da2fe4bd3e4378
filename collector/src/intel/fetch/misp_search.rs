//! What a MISP server finds (`/attributes/restSearch`), page by page until there is no more, from the newest time it said before.

use std::io::Write;
use std::ops::ControlFlow;

use serde_json::json;
use url::Url;

use super::{Ask, Conversation, Extent, Fetched, Head, Refused, Resume, append, no_web_page, succeeded, taxii};
use crate::intel::format::{self, Format, Input, Item, Options};
use crate::limits::fetch::{FETCH_REQUESTS_MAX, MISP_PAGE_ATTRIBUTES};

/// A search.
#[derive(Debug)]
pub struct MispSearch {
    server: Url,
    resume: Resume,
    page: usize,
    is_done: bool,
    newest_s: Option<i64>,
    pages: std::collections::HashSet<[u8; 32]>,
}

impl MispSearch {
    /// At the server with this address.
    pub fn new(server: Url, resume: Resume) -> MispSearch {
        let newest_s = resume.since_s;
        MispSearch { server, resume, page: 1, is_done: false, newest_s, pages: Default::default() }
    }
}

impl Conversation for MispSearch {
    fn poll_ask(&mut self) -> Option<Ask> {
        if self.is_done {
            return None;
        }
        let mut wanted = json!({
            "returnFormat": "json", "published": 1, "enforceWarninglist": 1, "limit": MISP_PAGE_ATTRIBUTES, "page": self.page,
        });
        match self.resume.since_s {
            None => wanted["to_ids"] = json!(1),
            // What has changed since, and that is also: deleted, or no longer meant for detection.
            Some(since) => {
                wanted["timestamp"] = json!(since.to_string());
                wanted["deleted"] = json!([0, 1]);
            }
        }
        let mut url = taxii::below(&self.server, &["attributes", "restSearch"])?;
        url.path_segments_mut().ok()?.pop_if_empty();
        Some(Ask { post: Some(wanted.to_string().into_bytes()), ..Ask::get(url, "application/json") })
    }

    fn handle_answer(&mut self, head: &Head, body: &mut dyn Input, out: &mut dyn Write) -> Result<(), Refused> {
        succeeded(head)?;
        no_web_page(head, body)?;
        let (mut count, mut newest) = (0_u64, self.newest_s);
        format::read(Format::Misp, &Options::default(), body, &mut |item| {
            count += 1;
            let modified = match item {
                Item::Found(_, found) => found.object.modified,
                Item::Withdrawn(object) | Item::Silent(object) => object.modified,
                Item::Clue(_) | Item::Harmless(..) | Item::PassedOver | Item::PassedBy(..) | Item::LeftOut(_) => None,
            };
            newest = newest.max(modified.map(|at| at.0 / 1_000_000));
            ControlFlow::Continue(())
        })?;
        if count == 0 {
            self.is_done = true;
            return Ok(());
        }
        body.rewind()?;
        let mut hash = blake3::Hasher::new();
        hash.update_reader(&mut *body)?;
        if !self.pages.insert(*hash.finalize().as_bytes()) {
            return Err(Refused::Loop);
        }
        if self.page >= FETCH_REQUESTS_MAX {
            return Err(Refused::TooMany(FETCH_REQUESTS_MAX));
        }
        append(body, out)?;
        self.newest_s = newest;
        self.page += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>, _: &mut dyn Write) -> Result<Fetched, Refused> {
        let format = Some(Format::Misp);
        if self.page == 1 {
            return Ok(Fetched { resume: self.resume, format, extent: Extent::Unchanged });
        }
        self.resume.since_s = self.newest_s;
        Ok(Fetched { resume: self.resume, format, extent: Extent::More })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answer, head};
    use super::*;
    use serde_json::Value;

    fn page(names: &[(&str, i64)]) -> String {
        let attribute = |(name, at): &(&str, i64)| {
            json!({"uuid": format!("u-{name}"), "type": "domain", "value": name, "to_ids": true, "timestamp": at.to_string(),
                "Event": {"uuid": "aaaaaaaa-0000-4000-8000-000000000001", "info": "x"}})
        };
        json!({"response": {"Attribute": names.iter().map(attribute).collect::<Vec<_>>()}}).to_string()
    }

    fn search(resume: Resume, pages: &[&str]) -> Result<(Fetched, Vec<Value>, String), Refused> {
        let mut talk: Box<dyn Conversation> =
            Box::new(MispSearch::new("https://misp.example/base/".parse().unwrap(), resume));
        let (mut asked, mut out, mut pages) = (Vec::new(), Vec::new(), pages.iter());
        while let Some(ask) = talk.poll_ask() {
            assert_eq!(
                (ask.url.as_str(), ask.accept),
                ("https://misp.example/base/attributes/restSearch", "application/json")
            );
            asked.push(serde_json::from_slice(&ask.post.unwrap()).unwrap());
            answer(talk.as_mut(), &head(200), pages.next().unwrap(), &mut out)?;
        }
        Ok((talk.finish(&mut out)?, asked, String::from_utf8(out).unwrap()))
    }

    #[test]
    fn pages_are_asked_for_until_one_is_empty_and_the_next_search_begins_at_the_newest() {
        let (one, two) = (page(&[("a.example", 5), ("b.example", 9)]), page(&[("c.example", 7)]));
        for empty in ["{\"response\":{\"Attribute\":[]}}", "{\"response\":[]}"] {
            let (fetched, asked, out) = search(Resume::default(), &[&one, &two, empty]).unwrap();
            assert_eq!(asked.iter().map(|asked| asked["page"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
            let first =
                json!({"returnFormat":"json","to_ids":1,"published":1,"enforceWarninglist":1,"limit":5000,"page":1});
            assert_eq!(asked[0], first);
            assert_eq!(fetched.resume.since_s, Some(9));
            let mut names = Vec::new();
            let mut input = std::io::Cursor::new(out.as_bytes());
            format::read(Format::Misp, &Options::default(), &mut input, &mut |item| {
                if let Item::Found(_, found) = item {
                    names.push(found.pattern.to_plain());
                }
                ControlFlow::Continue(())
            })
            .unwrap();
            assert_eq!(names, ["a.example", "b.example", "c.example"]);
            let (again, asked, _) = search(fetched.resume.clone(), &[empty]).unwrap();
            assert_eq!((&asked[0]["timestamp"], &asked[0]["deleted"]), (&json!("9"), &json!([0, 1])));
            assert!(asked[0].get("to_ids").is_none(), "what is no longer meant for detection is told too");
            assert_eq!((again.extent, again.resume), (Extent::Unchanged, fetched.resume));
        }
    }

    #[test]
    fn f1_a_server_that_answers_the_same_for_ever_is_refused() {
        let one = page(&[("a.example", 5)]);
        assert_eq!(search(Resume::default(), &[&one, &one, &one]), Err(Refused::Loop));
        assert_eq!(search(Resume::default(), &["<html>"]), Err(Refused::WebPage));
        assert!(matches!(search(Resume::default(), &[&one, "{\"response\":"]), Err(Refused::Bad(_))));
    }
}
