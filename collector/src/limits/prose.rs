//! Bounds on mails, reports and pasted text that are searched for indicators.

use std::time::Duration;

/// A text, a mail with what is attached to it, or a PDF. Larger ones are no report; a list has a format of its own.
pub const PROSE_MAX_OCTETS: u64 = 32 * 1024 * 1024;
/// What is read out of one, before it is searched.
pub const PROSE_TEXT_MAX_OCTETS: usize = 16 * 1024 * 1024;
/// Texts in one: bodies, attachments and pages.
pub const PROSE_PARTS_MAX: usize = 2_000;
/// Mails in mails: a report that was forwarded twice, and one more.
pub const PROSE_MAILS_DEEP_MAX: usize = 4;
/// Values in one: a report of hundreds has a list beside it.
pub const PROSE_VALUES_MAX: usize = 20_000;
/// A word that is longer is nobody's name, address or URL.
pub const PROSE_WORD_MAX_OCTETS: usize = 2_048;
/// A sentence as it is kept, and how far its ends are looked for on either side of the value.
pub const PROSE_SENTENCE_MAX_OCTETS: usize = 300;
/// Memory of the process that takes mails and PDFs apart: what they unpack to may be anything.
pub const EXTRACT_MEMORY_MAX_OCTETS: u64 = 768 * 1024 * 1024;
/// Its processor's time.
pub const EXTRACT_PROCESSOR_SECONDS: u64 = 30;
/// How long it is waited for, on a machine that has other things to do too.
pub const EXTRACT_WITHIN: Duration = Duration::from_secs(120);
