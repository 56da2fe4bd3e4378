//! A mail (RFC 5322, MIME) taken apart: its subject, its texts, the text of what is attached where that is text or a PDF, and the
//! names of the rest, of what has an importer of its own too.

use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};

use super::attached::{self, Is};
use super::document::{Document, Part};
use super::{html, pdf};
use crate::limits::prose::PROSE_MAILS_DEEP_MAX;

/// Headers that every mail has one of, in front.
const HEADERS: [&str; 12] = [
    "from",
    "to",
    "subject",
    "date",
    "received",
    "return-path",
    "message-id",
    "mime-version",
    "content-type",
    "delivered-to",
    "reply-to",
    "x-mailer",
];

const TOO_DEEP: &str = "it is a mail in a mail in a mail; save it and import that";

/// Whether a text begins as a mail does: nothing but header lines, and two that every mail has.
pub(super) fn is_one(text: &str) -> bool {
    let mut lines = text.lines();
    // An mbox file and some exports say who brought it first.
    let first = lines.clone().next().unwrap_or_default();
    if first.starts_with("From ") {
        lines.next();
    }
    let mut known = 0;
    for line in lines.take_while(|line| !line.trim().is_empty()) {
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else { return false };
        if name.is_empty() || name.contains(|character: char| !character.is_ascii_graphic()) {
            return false;
        }
        known += usize::from(HEADERS.iter().any(|header| header.eq_ignore_ascii_case(name)));
    }
    known >= 2
}

/// The mail; PDFs with it where the caller can bear what they may do.
pub(super) fn document(octets: &[u8], with_pdfs: bool) -> Document {
    let mut document = Document::default();
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    match MessageParser::default().parse(octets) {
        Some(mail) => take_in(&mut document, &mail, with_pdfs, 0),
        None => document.leave(String::new(), "it is no mail that can be read", true),
    }
    document
}

fn take_in(document: &mut Document, mail: &Message<'_>, with_pdfs: bool, depth: usize) {
    let addresses = [mail.from(), mail.reply_to(), mail.sender(), mail.to(), mail.cc()];
    for address in addresses.into_iter().flatten() {
        document.own_domains.extend(domains_of(address));
    }
    if let Some(subject) = mail.subject() {
        document.add("subject".to_owned(), subject.to_owned());
    }
    for part in &mail.parts {
        let is_attached =
            part.attachment_name().is_some() || part.content_disposition().is_some_and(|how| how.is_attachment());
        let name = part.attachment_name().unwrap_or("text").to_owned();
        let kind = part
            .content_type()
            .map(|kind| {
                format!("{}/{}", kind.c_type, kind.c_subtype.as_deref().unwrap_or_default()).to_ascii_lowercase()
            })
            .unwrap_or_default();
        match &part.body {
            PartType::Text(text) if is_attached || !matches!(&*kind, "" | "text/plain") => {
                put(document, name, attached::of_attachment(text), text.as_bytes(), with_pdfs, depth);
            }
            PartType::Text(text) => said(document, name, text),
            PartType::Html(text) if is_attached => document.add(name, html::text_of(text)),
            PartType::Html(text) => said(document, "text (HTML)".to_owned(), &html::text_of(text)),
            PartType::Binary(octets) | PartType::InlineBinary(octets) => {
                attached(document, &name, &kind, octets, with_pdfs, depth);
            }
            PartType::Message(inner) if depth < PROSE_MAILS_DEEP_MAX => {
                let mut within = Document::default();
                take_in(&mut within, inner, with_pdfs, depth + 1);
                document.take_in(if is_attached { &name } else { "forwarded mail" }, within);
            }
            PartType::Message(_) => document.leave(name, TOO_DEEP, true),
            PartType::Multipart(_) => {}
        }
    }
}

/// The words of a mail itself, without what was pasted into them that has an importer of its own.
fn said(document: &mut Document, name: String, text: &str) {
    document.heed(text);
    let (text, blocks) = match attached::of_body(text) {
        Is::Other(what) => (String::new(), vec![what]),
        Is::Text(_) | Is::List(_) | Is::Mail => attached::without_blocks(text),
    };
    for what in blocks {
        document.leave(name.clone(), what, true);
    }
    document.add(name, text);
}

/// A text that is attached, by what it is.
fn put(document: &mut Document, name: String, is: Is, octets: &[u8], with_pdfs: bool, depth: usize) {
    match is {
        Is::Text(text) => document.add(name, text),
        Is::Other(what) => {
            document.heed(&String::from_utf8_lossy(octets));
            document.leave(name, what, true);
        }
        Is::List(text) => document.add_part(Part { name, text, is_list: true }),
        Is::Mail if depth < PROSE_MAILS_DEEP_MAX => match MessageParser::default().parse(octets) {
            Some(inner) => {
                let mut within = Document::default();
                take_in(&mut within, &inner, with_pdfs, depth + 1);
                document.take_in(&name, within);
            }
            None => document.leave(name, "it is no mail that can be read", true),
        },
        Is::Mail => document.leave(name, TOO_DEEP, true),
    }
}

/// A part that is no text by its own word.
fn attached(document: &mut Document, name: &str, kind: &str, octets: &[u8], with_pdfs: bool, depth: usize) {
    let name = if name == "text" { format!("attachment of type {kind}") } else { name.to_owned() };
    if super::is_pdf(octets) {
        match with_pdfs {
            true => document.take_in(&name, pdf::pages(octets)),
            false => document.leave(name, super::UNREADABLE_PDF, true),
        }
        return;
    }
    let is_picture = ["image/", "audio/", "video/", "font/"].iter().any(|family| kind.starts_with(family));
    let is_seal = kind.contains("signature") || kind.contains("pgp-keys") || kind.contains("pkcs7");
    match std::str::from_utf8(octets) {
        _ if is_picture || is_seal => document.leave(name, "a picture, sound or signature holds no text", false),
        Ok(text) if !text.contains('\0') => {
            put(document, name, attached::of_attachment(text), octets, with_pdfs, depth);
        }
        Ok(_) | Err(_) => {
            document.leave(name, "only text and PDFs are read; save it as one of those and import that", true)
        }
    }
}

fn domains_of(address: &Address<'_>) -> Vec<String> {
    let domain = |address: &mail_parser::Addr<'_>| {
        let (_, domain) = address.address.as_deref()?.rsplit_once('@')?;
        Some(domain.trim().trim_end_matches('.').to_ascii_lowercase())
    };
    match address {
        Address::List(list) => list.iter().take(1_000).filter_map(domain).collect(),
        Address::Group(groups) => {
            groups.iter().flat_map(|group| group.addresses.iter()).take(1_000).filter_map(domain).collect()
        }
    }
}
