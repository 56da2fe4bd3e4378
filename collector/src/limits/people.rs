//! Bounds of the pages of members, sensors, audit and accounts.

use std::time::Duration;

/// Characters of what is looked for in a list of these pages; more are cut off. No name is longer.
pub const ASKED_MAX_CHARACTERS: usize = 80;
/// A token that nobody has used ends soon when so much is left of its 72 hours: today somebody can still be reminded.
pub const TOKEN_ENDS_SOON: Duration = Duration::from_secs(24 * 3_600);
/// Lines of the audit on one page: what is read through before one narrows it.
pub const AUDIT_SHOWN: usize = 100;
/// Whether the audit is whole is looked at anew when the last look is older: it reads all of it.
pub const AUDIT_VERIFIED_EVERY: Duration = Duration::from_secs(10 * 60);
/// And so long a page waits for that; it says that it is being looked at where it takes longer.
pub const AUDIT_VERIFIED_WITHIN: Duration = Duration::from_secs(1);
/// Wrong attempts to come in are noted in the audit at once, and then summed up once in so long: whoever tries writes two lines in it at most.
pub const WRONG_NOTED_EVERY: Duration = Duration::from_secs(10 * 60);
/// Accounts that such a sum names.
pub const WRONG_NAMES_NOTED: usize = 8;
/// Addresses that such a sum names.
pub const WRONG_ADDRESSES_NOTED: usize = 4;
/// Accounts on one page; who has more looks for a name.
pub const USERS_SHOWN: usize = 200;
