//! Bounds of accounts, their sessions, and what is asked of the pages.

use std::time::Duration;

/// A session ends so long after its beginning, whatever is done in it: a shift.
pub const SESSION_MAX: Duration = varde_common::retention::SESSIONS.span();
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
/// A wall's token is good for so long where nothing else is said: a quarter of a year.
pub const WALL_TOKEN_FOR: Duration = Duration::from_secs(90 * 24 * 3_600);
/// Who is sent to the provider to sign in is back within this, or begins anew: time for a lost telephone to be found.
pub const OIDC_WITHIN: Duration = Duration::from_secs(10 * 60);
/// Octets of where somebody wanted to go before signing in; what is longer leads to the front page. A cookie holds it meanwhile.
pub const TIL_MAX_OCTETS: usize = 1_500;
/// A provider answers within this.
pub const OIDC_ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Octets of an answer of a provider's: its description, its keys, a token.
pub const OIDC_ANSWER_MAX_OCTETS: usize = 256 * 1024;
/// What a provider says of itself and its keys is asked for anew after this, so that keys it has taken back are.
pub const OIDC_DESCRIBED_FOR: Duration = Duration::from_secs(3_600);
/// It is asked no oftener than this, whoever comes back with whatever.
pub const OIDC_ASKED_EVERY: Duration = Duration::from_secs(5);
/// Octets of the file with the client's secret.
pub const OIDC_SECRET_MAX_OCTETS: u64 = 4_096;
/// Letters of what people call the provider.
pub const OIDC_NAME_MAX_CHARACTERS: usize = 40;
/// Octets of who somebody is at a provider: 255 by the standard (Core 1.0, section 2).
pub const OIDC_SUBJECT_MAX_OCTETS: usize = 255;
/// An account's or a token's name.
pub const NAME_MAX_OCTETS: usize = 64;
/// Octets of what is sent to a page, a form with all its fields.
pub const FORM_MAX_OCTETS: usize = 1024 * 1024;
/// A form has arrived within this.
pub const FORM_WITHIN: Duration = Duration::from_secs(20);
/// A live stream ends after this and is opened anew, so that it ends with the session it belongs to.
pub const LIVE_WITHIN: Duration = Duration::from_secs(15 * 60);
/// Attempts to come in within [`ATTEMPTS_WITHIN`] by one name: a person who mistypes has a few.
pub const ATTEMPTS_OF_NAME: u32 = 5;
/// And from one address: a house behind one.
pub const ATTEMPTS_OF_ADDRESS: u32 = 20;
/// The time those are counted in.
pub const ATTEMPTS_WITHIN: Duration = Duration::from_secs(60);
/// Counters of names, and as many of addresses: 8 octets each, 1 MiB in all, of fixed places, so that none is forgotten for others. Two that
/// share one share its attempts; which do is drawn anew at each start.
pub const ATTEMPT_COUNTERS: usize = 65_536;
/// Passwords looked at at once, each with 64 MiB.
pub const PASSWORDS_AT_ONCE: usize = 2;
/// Who waits longer than this for a look at a password is told to come again.
pub const PASSWORD_WITHIN: Duration = Duration::from_secs(20);
