//! One file over HTTPS: all that its source says, asked for only if it has changed.

use std::io::Write;

use url::Url;

use super::{Ask, Conversation, Extent, Fetched, Head, Refused, Resume, no_web_page, succeeded};
use crate::intel::format::{Format, Input};

/// A reading of a file.
#[derive(Debug)]
pub struct File {
    at: Option<Url>,
    format: Option<Format>,
    resume: Resume,
    is_unchanged: bool,
}

impl File {
    /// At this address; `format` where the operator has said it.
    pub fn new(at: Url, format: Option<Format>, resume: Resume) -> File {
        File { at: Some(at), format, resume, is_unchanged: false }
    }
}

impl Conversation for File {
    fn poll_ask(&mut self) -> Option<Ask> {
        let ask = Ask::get(self.at.take()?, "*/*");
        Some(Ask { etag: self.resume.etag.clone(), last_modified: self.resume.last_modified.clone(), ..ask })
    }

    fn handle_answer(&mut self, head: &Head, body: &mut dyn Input, out: &mut dyn Write) -> Result<(), Refused> {
        if head.status == 304 {
            self.is_unchanged = true;
            return Ok(());
        }
        succeeded(head)?;
        no_web_page(head, body)?;
        std::io::copy(body, out)?;
        (self.resume.etag, self.resume.last_modified) = (head.etag.clone(), head.last_modified.clone());
        Ok(())
    }

    fn finish(self: Box<Self>, _: &mut dyn Write) -> Result<Fetched, Refused> {
        let extent = if self.is_unchanged { Extent::Unchanged } else { Extent::Whole };
        Ok(Fetched { resume: self.resume, format: self.format, extent })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answer, head};
    use super::*;

    #[test]
    fn a_file_is_asked_for_once_and_next_time_only_if_it_has_changed() {
        let begin = |resume| Box::new(File::new("https://f.example/list".parse().unwrap(), None, resume));
        let (mut file, mut out) = (begin(Resume::default()), Vec::new());
        assert_eq!(file.poll_ask().unwrap().etag, None);
        let changed = Head { etag: Some("\"1\"".into()), last_modified: Some("then".into()), ..head(200) };
        answer(file.as_mut(), &changed, "evil.example\n", &mut out).unwrap();
        assert_eq!(file.poll_ask(), None);
        let fetched = file.finish(&mut Vec::new()).unwrap();
        assert_eq!((fetched.extent, out.as_slice()), (Extent::Whole, b"evil.example\n".as_slice()));
        let mut again = begin(fetched.resume.clone());
        let ask = again.poll_ask().unwrap();
        assert_eq!((ask.etag.as_deref(), ask.last_modified.as_deref()), (Some("\"1\""), Some("then")));
        answer(again.as_mut(), &head(304), "", &mut out).unwrap();
        let unchanged = again.finish(&mut Vec::new()).unwrap();
        assert_eq!((unchanged.extent, unchanged.resume), (Extent::Unchanged, fetched.resume));
        let mut page = begin(Resume::default());
        assert_eq!(answer(page.as_mut(), &head(200), "<html>", &mut out), Err(Refused::WebPage));
    }
}
