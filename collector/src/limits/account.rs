//! Bounds of accounts, their sessions, and what is asked of the pages.

use std::time::Duration;

/// A session ends so long after its beginning, whatever is done in it: a shift.
pub const SESSION_MAX: Duration = Duration::from_secs(8 * 3_600);
/// That somebody is there is noted this often, so that not every look is a write.
pub const SEEN_EVERY: Duration = Duration::from_secs(60);
/// Sessions of one account at once; the oldest goes first. A few machines and a telephone.
pub const SESSIONS_OF_ONE_MAX: i64 = 10;
/// An invitation is good for so long: over a weekend.
pub const INVITED_FOR: Duration = Duration::from_secs(72 * 3_600);
/// A link that signs in is good for so long: it is made for somebody who waits for it.
pub const LINK_FOR: Duration = Duration::from_secs(3_600);
/// Accounts there may be: some for each municipality.
pub const ACCOUNTS_MAX: i64 = 5_000;
/// Tokens there may be.
pub const TOKENS_MAX: i64 = 500;
/// An account's or a token's name.
pub const NAME_MAX_OCTETS: usize = 64;
/// Octets of what is sent to a page, a form with all its fields.
pub const FORM_MAX_OCTETS: usize = 1024 * 1024;
/// A form has arrived within this.
pub const FORM_WITHIN: Duration = Duration::from_secs(20);
/// A live stream ends after this and is opened anew, so that it ends with the session it belongs to.
pub const LIVE_WITHIN: Duration = Duration::from_secs(15 * 60);
