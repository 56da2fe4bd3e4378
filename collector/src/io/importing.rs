//! A file of intelligence into the database, whole or not at all: read to its end and gathered first, then held against what its
//! source said before, and only then taken in.

use std::path::Path;

use indicatif::ProgressBar;
use varde_common::list::is_shrunken;
use varde_common::time::Timestamp;

use crate::intel::canonical::Found;
use crate::intel::format::{BadFile, Format, Item, LeftOut, Options, no_feed};
use crate::intel::hidden;
use crate::intel::import::{Importer, as_of};
use crate::io::cut_off::{Finished, NotWhole};
use crate::io::intake::Intake;
use crate::io::staging::{NotStaged, StageFile};
use crate::io::{clock, cut_off};
use crate::store::claim::Imported;
use crate::store::stage::{Leaving, Manner, Stage, Would};
use crate::store::{Scope, Store, StoreError};

/// What a file holds beside indicators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Beside {
    /// What could not be taken in.
    pub left_out: u64,
    /// What no sensor can look for.
    pub clues: u64,
    /// What its source says is harmless.
    pub harmless: u64,
    /// What is for people to read.
    pub passed_over: u64,
    /// What its objects say of themselves: taken back, or naming nothing.
    pub words: u64,
}

/// A file that was read to its end, and has changed nothing yet.
#[derive(Debug)]
pub struct Gathered {
    stage: Stage,
    /// Indicators, each as often as it came.
    pub found: u64,
    /// What else is in it.
    pub beside: Beside,
    /// Another one that had been cut off and was finished before.
    pub finished: Option<Finished>,
    file: StageFile,
}

/// Why nothing was taken in.
#[derive(Debug, thiserror::Error)]
pub enum NotImported {
    /// There is no place to gather it.
    #[error("{0}")]
    Staged(#[from] NotStaged),
    /// The database's own.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The file cannot be read to its end.
    #[error("{0}")]
    File(String),
}

/// How lists without columns are told from what says all that it has to say in each entry.
pub fn manner(format: Format, exercise: Option<bool>) -> Manner {
    match format {
        Format::Plain | Format::Hosts | Format::Rpz | Format::Suricata | Format::Prose => {
            Manner { keeps_unsaid: true, exercise }
        }
        Format::Stix
        | Format::Misp
        | Format::Zeek
        | Format::Csv
        | Format::Urlhaus
        | Format::Threatfox
        | Format::Feodo => Manner::default(),
    }
}

/// What is to be read, and how.
#[derive(Debug)]
pub struct Reading {
    /// The file.
    pub intake: Intake,
    /// How it is written.
    pub format: Format,
    /// How tables are read.
    pub options: Options,
    /// What is said of all of it.
    pub importer: Importer,
    /// How its word takes the place of what was said before.
    pub manner: Manner,
}

/// What is heard of while a file is read.
#[derive(Debug, Clone, Copy)]
pub enum Heard<'a> {
    /// An indicator.
    Found(&'a Found),
    /// What is left out.
    LeftOut(&'a LeftOut),
    /// What was seen in a text and not taken.
    PassedBy(&'a LeftOut),
}

/// Reads a file to its end; `tell` is told of each indicator, and of what is left out.
///
/// # Errors
/// [`NotImported`], and what the file held until then: nothing of it is taken in.
pub async fn gather(
    store: &Store,
    data: &Path,
    reading: Reading,
    progress: &ProgressBar,
    tell: &mut (dyn FnMut(Heard<'_>) + Send),
) -> Result<Gathered, (NotImported, Beside)> {
    let Reading { intake, format, options, importer, manner } = reading;
    let mut beside = Beside::default();
    if let Some(why) = no_feed::refusal(format, &intake.head) {
        return Err((NotImported::File(why.to_owned()), beside));
    }
    let begun = async {
        let mut file = StageFile::begin(data).await?;
        // What was cut off half-way comes before what is new.
        let finished = match cut_off::finish(store, &mut file).await {
            Ok(finished) => finished,
            Err(NotWhole::Staged(error)) => return Err(NotImported::Staged(error)),
            Err(NotWhole::Store(error)) => return Err(NotImported::Store(error)),
            Err(error @ NotWhole::Lost { .. }) => return Err(NotImported::File(error.to_string())),
        };
        file.clear()?;
        let stage = Stage::begin(store, file.path(), manner).await?;
        Ok::<_, NotImported>((file, stage, finished))
    };
    let (file, mut stage, finished) = begun.await.map_err(|error| (error, beside))?;
    let may_quote = importer.may_quote();
    let (mut batches, read) = intake.read(format, options, importer, progress);
    while let Some(batch) = batches.recv().await {
        if let Err(error) = put(&mut stage, batch, &mut beside, tell).await {
            store.handle_error(&error);
            return Err((error.into(), beside));
        }
    }
    let ended = match read.await {
        Ok(ended) => ended,
        Err(_) => Err(BadFile::Format("it was not read to its end".to_owned())),
    };
    match ended {
        Ok(()) => Ok(Gathered { found: stage.found, stage, beside, finished, file }),
        Err(error) => {
            let why = if may_quote { error.to_string() } else { hidden::without_quotes(&error.to_string()) };
            Err((NotImported::File(why), beside))
        }
    }
}

async fn put(
    stage: &mut Stage,
    batch: Vec<Item>,
    beside: &mut Beside,
    tell: &mut (dyn FnMut(Heard<'_>) + Send),
) -> Result<(), StoreError> {
    let (mut found, mut clues) = (Vec::with_capacity(batch.len()), Vec::new());
    let (mut withdrawn, mut silent) = (Vec::new(), Vec::new());
    let now = clock::now();
    for item in batch {
        match as_of(item, now) {
            Item::Found(_, one) => {
                tell(Heard::Found(&one));
                found.push(*one);
            }
            Item::Clue(clue) => clues.push(clue),
            // Without a version the file's order is all there is: what came before it comes before it here.
            Item::Withdrawn(object) if object.modified.is_none() => {
                stage.put(&std::mem::take(&mut found)).await?;
                stage.put_withdrawn(std::slice::from_ref(&object)).await?;
                beside.words += 1;
            }
            Item::Withdrawn(object) => withdrawn.push(object),
            Item::Silent(object) => silent.push(object),
            Item::Harmless(..) => beside.harmless += 1,
            Item::PassedOver => beside.passed_over += 1,
            Item::PassedBy(passed, _) => {
                beside.passed_over += 1;
                tell(Heard::PassedBy(&passed));
            }
            Item::LeftOut(left_out) => {
                beside.left_out += 1;
                tell(Heard::LeftOut(&left_out));
            }
        }
    }
    beside.clues += clues.len() as u64;
    beside.words += (withdrawn.len() + silent.len()) as u64;
    stage.put(&found).await?;
    stage.put_silent(&silent).await?;
    stage.put_withdrawn(&withdrawn).await?;
    stage.put_clues(&clues).await
}

impl Gathered {
    /// What it would change.
    ///
    /// # Errors
    /// The database's own.
    pub async fn would(&mut self, source: &str) -> Result<Would, StoreError> {
        self.stage.would(Scope::Operator, source).await
    }

    /// Of what its source says that stands, what is not said again of these groups of its objects.
    ///
    /// # Errors
    /// The database's own.
    pub async fn unsaid_of(&mut self, source: &str, groups: &[&str]) -> Result<u64, StoreError> {
        self.stage.unsaid_of(Scope::Operator, source, groups).await
    }

    /// The numbers of those in it that a person has found wrong: they stay withdrawn.
    ///
    /// # Errors
    /// The database's own.
    pub async fn refuted(&mut self) -> Result<Vec<i64>, StoreError> {
        self.stage.refuted(Scope::Operator).await
    }

    /// Indicators that it holds once more than once.
    ///
    /// # Errors
    /// The database's own.
    pub async fn repeated(&mut self) -> Result<u64, StoreError> {
        Ok(self.found.saturating_sub(self.stage.entries().await?))
    }

    /// Takes it in; where it is `all` that its source says, what that said before and does not say here is withdrawn, and so is what
    /// these groups of its objects do not say any more. `done` is told how many entries are in.
    ///
    /// # Errors
    /// There is no room to keep it until it is whole, and nothing is taken in; or the database's own, and what is not in by then is
    /// taken in by the next import, list or start.
    pub async fn take_in(
        self,
        source: &str,
        all: bool,
        groups: &[Leaving],
        now: Timestamp,
        done: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Imported, NotImported> {
        let Gathered { mut stage, mut file, .. } = self;
        stage.put_leaving(groups).await?;
        file.seal()?;
        let imported = stage.take_in(source, all, now, done).await?;
        stage.close().await?;
        file.clear()?;
        Ok(imported)
    }
}

/// Whether so much of what a source said would go that it is held until somebody says that it is meant.
pub fn is_too_much(would: &Would, is_all: bool) -> bool {
    let unsaid = if is_all { would.unsaid } else { 0 };
    let gone = would.withdrawn.saturating_add(unsaid);
    is_all && is_shrunken(would.standing, would.standing.saturating_sub(gone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::canonical::About;
    use crate::store::fixture::Fixture;
    use varde_common::tlp::Tlp;

    fn reading(intake: Intake) -> Reading {
        let importer = Importer::new(About::default(), Format::Plain, b"");
        let (format, options, manner) = (Format::Plain, Options::default(), manner(Format::Plain, None));
        Reading { intake, format, options, importer, manner }
    }

    #[tokio::test]
    async fn f2_a_file_that_turns_out_bad_after_thousands_of_good_entries_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let import = async |list: &str, entries_max: u64| {
            let intake = Intake::gather(list.as_bytes(), dir.path()).unwrap().at_most(entries_max);
            let bar = ProgressBar::hidden();
            let gathered = gather(&store, dir.path(), reading(intake), &bar, &mut |_| {}).await;
            match gathered {
                Ok(gathered) => gathered.take_in("feed", true, &[], clock::now(), &mut |_| {}).await.unwrap(),
                Err((error, beside)) => {
                    assert!(error.to_string().contains("more than 11000 entries"), "{error}");
                    assert_eq!(beside.left_out, 1, "what was left out until then is told");
                    Imported::default()
                }
            }
        };
        assert_eq!(import("old.example\n", 10).await.new, 1);
        let list: String = (0..12_000).map(|n| format!("n{n}.example\n")).collect();
        assert_eq!(import(&format!("no\n{list}"), 11_000).await, Imported::default());
        let standing = store.indicators_to_compile(Scope::Operator, 0, 10).await.unwrap();
        assert_eq!(standing.iter().map(|row| row.pattern.as_str()).collect::<Vec<_>>(), ["old.example"]);
        let claims: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM claim").fetch_one(store.readers()).await.unwrap();
        assert_eq!(claims, 1);
        let imported = import(&list, 12_000).await;
        assert_eq!((imported.new, imported.withdrawn), (12_000, 1), "the good one goes in, and it is all that is said");
        assert!(!dir.path().join("import.stage").exists());
    }

    #[tokio::test]
    async fn t10_a_file_that_names_what_was_found_wrong_is_told_that_it_stays_out() {
        let fixture = Fixture::new(1).await;
        let refuting =
            "INSERT INTO judgement (id, indicator_id, verdict, exercise, at) VALUES (1, 1, 'false-positive', 0, 1)";
        fixture.run(refuting).await;
        fixture.run("UPDATE indicator SET refuted_at = 1, withdrawn_at = 1 WHERE id = 1").await;
        let dir = tempfile::tempdir().unwrap();
        let intake = Intake::gather("evil.no\nother.example\n".as_bytes(), dir.path()).unwrap();
        let bar = ProgressBar::hidden();
        let gathered = gather(&fixture.store, dir.path(), reading(intake), &bar, &mut |_| {}).await;
        assert_eq!(gathered.unwrap().refuted().await.unwrap(), [1]);
        let shown = &fixture.store.indicator_rows(Scope::Operator).await.unwrap()[0];
        assert!(shown.withdrawn_at.is_some() && shown.lives_until.is_none(), "nobody looks for it until some day");
    }

    /// Gathers a file and takes it in; how many are new, or why nothing is.
    async fn import(
        store: &Store,
        dir: &Path,
        format: Option<Format>,
        file: &[u8],
    ) -> Result<(Imported, Vec<String>), String> {
        let intake = Intake::gather(file, dir).unwrap();
        let format = format.unwrap_or_else(|| Format::detect(&intake.head));
        let importer = Importer::new(About::default(), format, &intake.head);
        let reading = Reading { intake, format, options: Options::default(), importer, manner: manner(format, None) };
        let mut named = Vec::new();
        let mut tell = |heard: Heard<'_>| {
            if let Heard::LeftOut(left_out) = heard {
                named.push(left_out.to_string());
            }
        };
        let gathered = gather(store, dir, reading, &ProgressBar::hidden(), &mut tell).await;
        let mut gathered = gathered.map_err(|(error, _)| error.to_string())?;
        let would = gathered.would("feed").await.unwrap();
        let imported = gathered.take_in("feed", false, &[], clock::now(), &mut |_| {}).await.unwrap();
        assert_eq!((would.new, would.known, would.outdated), (imported.new, imported.known, imported.outdated));
        Ok((imported, named))
    }

    fn object(version: Timestamp, more: &str) -> String {
        format!(
            "{{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[{{\"type\":\"indicator\",\"spec_version\":\"2.1\",\
             \"id\":\"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\",\"created\":\"2020-01-01T00:00:00Z\",\
             \"modified\":\"{version}\",\"valid_from\":\"2020-01-01T00:00:00Z\",\"pattern_type\":\"stix\",\
             \"pattern\":\"[domain-name:value = 'evil.example']\"{more}}}]}}"
        )
    }

    #[tokio::test]
    async fn f2_an_object_from_the_future_is_named_and_freezes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let now = clock::now();
        let later = |days: i64| Timestamp(now.0 + days * 86_400_000_000);
        let standing = async || store.indicators_to_compile(Scope::Operator, 0, 10).await.unwrap().len();
        let take = async |text: String| import(&store, dir.path(), None, text.as_bytes()).await.unwrap();
        let (imported, named) = take(object("2096-01-01T00:00:00Z".parse().unwrap(), "")).await;
        assert_eq!((imported.new, named.len(), standing().await), (0, 1, 0), "{named:?}");
        assert!(named[0].contains("2096-01-01") && named[0].contains("to come"), "{named:?}");
        assert!(take(object(later(2), "")).await.1.len() == 1 && standing().await == 0);
        // A clock that is a few hours ahead is none of a source's faults worth a word.
        let known = Timestamp(now.0 - 3_600_000_000);
        assert_eq!(take(object(known, "")).await.0.new, 1, "what was from the future bars nothing");
        assert_eq!(standing().await, 1);
        // What is taken back is taken back, at whatever time; from then on the receipt counts.
        let (imported, named) = take(object(later(30_000), ",\"revoked\":true")).await;
        assert_eq!((imported.withdrawn, named.len(), standing().await), (1, 0, 0), "{named:?}");
        assert_eq!(take(object(known, "")).await.0.outdated, 1);
        let again = Timestamp(clock::now().0 + 3_600_000_000);
        take(object(again, "")).await;
        assert_eq!(standing().await, 1, "its own newer word is heard");
        let (imported, _) = take(object(known, ",\"revoked\":true")).await;
        assert_eq!((imported.withdrawn, imported.outdated), (0, 1), "a revocation that changes nothing is told");
    }

    #[tokio::test]
    async fn f2_what_is_no_feed_at_all_is_refused_by_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let page = "<html><head><title>403 Forbidden</title></head><body><p>You are not allowed to see this feed from \
            your address 198.51.100.7. Please contact support.feed.example or see https://feed.example/help for more.</p></body></html>";
        let doctype = format!("\u{feff}\n <!DOCTYPE html>\n{page}");
        let threatfox = r#"{"1":[{"ioc_value":"worse.example","ioc_type":"domain","threat_type":"botnet_cc"}]}"#;
        let feodo = r#"[ {"ip_address":"198.51.100.7","port":443,"status":"online","malware":"QakBot"} ]"#;
        let stix = r#"[{"type":"indicator","spec_version":"2.1","id":"indicator--1","pattern":"[domain-name:value = 'evil.example']"}]"#;
        for (file, told) in [
            (page.as_bytes(), "HTML"),
            (doctype.as_bytes(), "HTML"),
            (b"<?xml version=\"1.0\"?>\n<!-- x -->\n<html xmlns=\"x\">evil.example</html>".as_slice(), "HTML"),
            (b"\x1f\x8b\x08\0\0\0\0\0", "gunzip"),
            (b"PK\x03\x04\x14\0\x06\0", "unpack"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", ".eml"),
            (b"[\"evil.example\", \"b.example\"]", "JSON"),
        ] {
            let why = import(&store, dir.path(), None, file).await.expect_err(told);
            assert!(why.contains(told) && !why.contains("evil.example"), "{told}: {why}");
            let why = import(&store, dir.path(), Some(Format::Csv), file).await.expect_err(told);
            assert!(why.contains(told), "as a table too: {told}: {why}");
        }
        assert!(store.indicators_to_compile(Scope::Operator, 0, 10).await.unwrap().is_empty());
        // What has a reader of its own is no table, and is read without a word.
        for (file, told) in [(threatfox, "--format threatfox"), (feodo, "--format feodo"), (stix, "--format stix")] {
            let why = import(&store, dir.path(), Some(Format::Csv), file.as_bytes()).await.expect_err(told);
            assert!(why.contains(told), "{told}: {why}");
            assert_eq!(
                import(&store, dir.path(), None, file.as_bytes()).await.map(|(done, _)| done.new),
                Ok(1),
                "{told}"
            );
        }
        // Who says that it is a text is believed.
        let taken = import(&store, dir.path(), Some(Format::Prose), page.as_bytes()).await.unwrap();
        assert!(taken.0.new > 0);
        assert_eq!(import(&store, dir.path(), None, b"[2001:db8::1]:443\n").await.unwrap().0.new, 1);
    }
    #[tokio::test]
    async fn q1_of_a_text_nothing_is_kept_but_what_it_names_and_the_sentence_around_what_is_looked_for() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let text = "Hei\n\nOla Nordmann ringte om noe helt annet.\n\nAngriperne bruker evil[.]example mot Kari i kveld.\n\nFilen d41d8cd98f00b204e9800998ecf8427e ble aapnet av Per Hansen.\n";
        let (imported, named) = import(&store, dir.path(), Some(Format::Prose), text.as_bytes()).await.unwrap();
        assert_eq!((imported.new, named), (1, Vec::new()));
        let said = store.indicator_said(Scope::Operator, 1).await.unwrap().unwrap();
        let claim = &said.claims[0];
        assert!(claim.details.note.as_deref().is_some_and(|note| note.contains("mot Kari i kveld")), "{claim:?}");
        assert_eq!(claim.object, None);
        let clues: Vec<(String, String)> =
            sqlx::query_as("SELECT kind, value FROM clue").fetch_all(store.readers()).await.unwrap();
        assert_eq!(clues, [("md5".to_owned(), "d41d8cd98f00b204e9800998ecf8427e".to_owned())]);
        store.close().await;
        let mut kept = Vec::new();
        for file in std::fs::read_dir(dir.path()).unwrap() {
            kept.extend(std::fs::read(file.unwrap().path()).unwrap());
        }
        let holds = |what: &str| kept.windows(what.len()).any(|part| part == what.as_bytes());
        assert!(holds("mot Kari i kveld"), "what is kept is looked through");
        for what in ["Ola Nordmann", "ringte", "Per Hansen", "aapnet"] {
            assert!(!holds(what), "{what}");
        }
    }

    #[tokio::test]
    async fn f2_what_a_text_names_and_is_not_taken_is_named_by_an_import_too() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let passed = async |text: &str, given: Option<Tlp>| -> Vec<String> {
            let intake = Intake::gather(text.as_bytes(), dir.path()).unwrap();
            let importer = Importer::new(About { tlp: given, ..About::default() }, Format::Prose, &intake.head);
            let (format, options, manner) = (Format::Prose, Options::default(), manner(Format::Prose, None));
            let reading = Reading { intake, format, options, importer, manner };
            let mut named = Vec::new();
            let mut tell = |heard: Heard<'_>| {
                if let Heard::PassedBy(passed) = heard {
                    named.push(passed.to_string());
                }
            };
            let gathered = gather(&store, dir.path(), reading, &ProgressBar::hidden(), &mut tell).await.unwrap();
            assert_eq!(gathered.beside.passed_over, named.len() as u64, "each is counted and named");
            named
        };
        let text = "Angriperne bruker evil[.]example. Se https://link.example/x for mer.\n";
        let named = passed(text, None).await;
        assert!(
            named.len() == 1 && named[0].starts_with("line 1: \"https://link.example/x\" is not taken: "),
            "{named:?}"
        );
        for (text, given) in [(text.to_owned(), Some(Tlp::Red)), (format!("TLP:AMBER+STRICT\n{text}"), None)] {
            let named = passed(&text, given).await;
            assert!(named.len() == 1 && named[0].contains("\"…\" is not taken"), "{named:?}");
            assert!(!named[0].contains("link"), "{named:?}");
        }
    }
}
