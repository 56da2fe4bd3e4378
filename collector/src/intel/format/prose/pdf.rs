//! The text of a PDF, page by page. What does it may panic, loop or take all memory over a file made for that: it is called in a
//! process of its own alone (`io/extract.rs`).

use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_extract::{Document as Pdf, PlainTextOutput, output_doc_page};

use super::document::Document;
use crate::limits::prose::PROSE_PARTS_MAX;

/// Its pages.
pub(super) fn pages(octets: &[u8]) -> Document {
    let mut document = Document::default();
    let read = catch_unwind(AssertUnwindSafe(|| Pdf::load_mem(octets)));
    let mut pdf = match read {
        Ok(Ok(pdf)) => pdf,
        Ok(Err(_)) | Err(_) => {
            document.leave(String::new(), "it is a PDF that is damaged or cut off", true);
            return document;
        }
    };
    // Many are locked against changes only, and open without a password.
    let is_locked = pdf.is_encrypted() && !matches!(catch_unwind(AssertUnwindSafe(|| pdf.decrypt(""))), Ok(Ok(())));
    if is_locked {
        document.leave(String::new(), "it is a PDF that opens with a password; save it without and import that", true);
        return document;
    }
    let pages = pdf.get_pages().len();
    for page in 1..=pages {
        let name = format!("page {page}");
        if page > PROSE_PARTS_MAX {
            document.leave(name, "there are more pages than are searched; split it", true);
            break;
        }
        let mut text = String::new();
        let number = u32::try_from(page).unwrap_or(u32::MAX);
        let read = catch_unwind(AssertUnwindSafe(|| {
            output_doc_page(&pdf, &mut PlainTextOutput::new(&mut text), number).is_ok()
        }));
        match read {
            Ok(true) if text.chars().any(char::is_alphanumeric) => document.add(name, text),
            Ok(true) => document.leave(name, "it has no text: a scanned page or a drawing, which is not read", true),
            Ok(false) | Err(_) => document.leave(name, "its text could not be read: it is damaged or unusual", true),
        }
    }
    if pages == 0 {
        document.leave(String::new(), "it is a PDF without pages", true);
    }
    document
}
