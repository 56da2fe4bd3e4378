//! Bounds on advisories, on measures and on the mail that says that there is one.

use std::time::Duration;

/// The title of an advisory, of a measure: a heading.
pub const TITLE_MAX_OCTETS: usize = 200;
/// The text of an advisory in one language: some eight printed pages, which is more than anybody reads at three in the morning.
pub const TEXT_MAX_OCTETS: usize = 20_000;
/// Measures that one advisory names: a list that is longer is done by nobody.
pub const ADVISED_MEASURES_MAX: usize = 20;
/// Advisories there may be, drafts and versions too: one a day for twenty years.
pub const ADVISORIES_MAX: i64 = 8_000;
/// Advisories that are listed at once, the newest.
pub const ADVISORIES_SHOWN: i64 = 500;
/// What one member may answer to one advisory; it is a talk, and no store.
pub const ANSWERS_MAX: i64 = 100;
/// One answer's own words: as long as a note.
pub const ANSWER_MAX_OCTETS: usize = 2_000;
/// Of one answer, the measures it says are done: those of the advisory at most.
pub const ANSWER_MEASURES_MAX: usize = ADVISED_MEASURES_MAX;
/// Why a measure is asked for: two sentences or three.
pub const MEASURE_WHY_MAX_OCTETS: usize = 1_000;
/// Steps of a measure.
pub const MEASURE_STEPS_MAX: usize = 12;
/// One step: what is done in one go.
pub const MEASURE_STEP_MAX_OCTETS: usize = 500;
/// A file of a measure as a person edits it: three languages, each with all its steps.
pub const MEASURE_FILE_MAX_OCTETS: u64 = 64 * 1024;
/// Versions that are kept of one measure in one language, the newest.
pub const MEASURE_VERSIONS_KEPT: i64 = 50;
/// So often it is looked whether mail is due.
pub const MAIL_LOOKED_AT_EVERY: Duration = Duration::from_secs(5);
/// Mails of one round: a sector of 372 members is through in a minute, and no server is given thousands at once.
pub const MAIL_AT_ONCE: i64 = 50;
/// One mail from dialling to the server's word.
pub const MAIL_WITHIN: Duration = Duration::from_secs(30);
/// The first wait after a try that failed; each later one is twice as long.
pub const MAIL_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// No wait is longer.
pub const MAIL_AGAIN_MAX: Duration = Duration::from_secs(2 * 3_600);
/// Tries of one mail, over some fifteen hours: by then the member is rung.
pub const MAIL_TRIES: i64 = 14;
/// What a mail server said, as it is kept and shown.
pub const MAIL_WHY_MAX_CHARACTERS: usize = 200;
/// The file with the mail server's user and password.
pub const MAIL_CREDENTIALS_MAX_OCTETS: u64 = 4 * 1024;
