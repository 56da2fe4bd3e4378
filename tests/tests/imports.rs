//! Promise: an import is whole or not at all, whatever is killed and when; what is made of half of one is nothing; and a large one is taken
//! in with little memory, and shown to who sits at a terminal (F2).

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_agent::io::clock::monotonic;
use varde_tests::community::Collector;
use varde_tests::feed_server::{FeedServer, Reply};
use varde_tests::measure;
use varde_tests::programs::{PATIENCE, Running, Said, eventually, said};
use varde_tests::terminal::Terminal;

/// What stands by a source's first word, and by its second: some goes, some stays with another marking, some comes.
const GOES: u32 = 11_000;
const STAYS: u32 = 4_000;
const COMES: u32 = 11_000;

/// A list of `letter` and numbers below `count`.
fn names(letter: char, count: u32) -> String {
    (0..count).map(|number| format!("{letter}{number}.example\n")).collect()
}

fn write(folder: &Path, name: &str, list: &str) -> Result<String> {
    let path = folder.join(name);
    fs::write(&path, list)?;
    Ok(path.to_string_lossy().into_owned())
}

/// What stands, and how it is marked, read past the program.
fn standing(collector: &Collector) -> Result<BTreeSet<(String, String)>> {
    let rows: Vec<(String, String)> =
        collector.query("SELECT pattern, tlp FROM indicator WHERE withdrawn_at IS NULL")?;
    Ok(rows.into_iter().collect())
}

fn expected(parts: &[(char, u32, &str)]) -> BTreeSet<(String, String)> {
    let one = |(letter, count, tlp): &(char, u32, &str)| {
        let (letter, tlp) = (*letter, (*tlp).to_owned());
        (0..*count).map(move |number| (format!("{letter}{number}.example"), tlp.clone()))
    };
    parts.iter().flat_map(one).collect()
}

/// How far the import that is under way is.
fn progress(collector: &Collector) -> Result<Option<(i64, i64)>> {
    let rows: Vec<(i64, i64)> = collector.query("SELECT step, done FROM import_under_way")?;
    Ok(rows.first().copied())
}

/// A collector whose source has said its first word, which is published; and the file with its second.
struct Scene {
    collector: Collector,
    sound: PathBuf,
    second: String,
    other: String,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Result<Scene> {
        let folder = tempfile::tempdir()?;
        let collector = Collector::init(&folder.path().join("collector"))?;
        let first = write(folder.path(), "first.txt", &(names('g', GOES) + &names('s', STAYS)))?;
        collector.ask(["indicator", "import", &first, "--source", "feed", "--tlp", "amber"])?;
        collector.ask(["publish"])?;
        let second = write(folder.path(), "second.txt", &(names('s', STAYS) + &names('c', COMES)))?;
        let other = write(folder.path(), "other.txt", "other.example\n")?;
        let sound = folder.path().join("sound");
        said(Command::new("cp").arg("-a").arg(collector.data()).arg(&sound))?.ok()?;
        Ok(Scene { collector, sound, second, other, folder })
    }

    /// As it was before the second word.
    fn reset(&self) -> Result<()> {
        fs::remove_dir_all(self.collector.data())?;
        said(Command::new("cp").arg("-a").arg(&self.sound).arg(self.collector.data()))?.ok().map(drop)
    }

    /// The import of the second word, begun.
    fn begin(&self) -> Result<Running> {
        let line =
            ["indicator", "import", &self.second, "--source", "feed", "--tlp", "green", "--replace", "--allow-shrink"];
        Running::start(self.collector.command(line)?, &self.folder.path().join("import.log"))
    }

    /// Kills the import once it is so far. Gives where it stood then; none = it had ended by then.
    fn cut_off(&self, at: (i64, i64)) -> Result<Option<(i64, i64)>> {
        self.reset()?;
        let mut import = self.begin()?;
        let began = monotonic();
        // As fast as can be: a page takes some hundredths of a second.
        while progress(&self.collector)?.is_none_or(|so_far| so_far < at) {
            if import.ended()?.is_some() {
                return Ok(None);
            }
            ensure!(began.elapsed() < PATIENCE, "it never came so far: {}", import.log());
        }
        import.kill()?;
        progress(&self.collector)
    }

    /// The lines that an export writes.
    fn exported(&self) -> Result<usize> {
        let said = self.collector.ask(["indicator", "export", "--format", "plain", "--tlp-max", "amber"])?;
        Ok(said.out.lines().count())
    }

    fn is_whole(&self) -> Result<()> {
        let whole = expected(&[('s', STAYS, "TLP:GREEN"), ('c', COMES, "TLP:GREEN")]);
        let standing = standing(&self.collector)?;
        let standing: BTreeSet<_> = standing.into_iter().filter(|(name, _)| name != "other.example").collect();
        ensure!(standing == whole, "{} stand of {}", standing.len(), whole.len());
        ensure!(progress(&self.collector)?.is_none() && !self.collector.data().join("import.stage").exists());
        let kept: Vec<(i64,)> = self.collector.query("SELECT COUNT(*) FROM indicator_before")?;
        ensure!(kept == [(0,)], "{kept:?}");
        Ok(())
    }
}

fn told(said: &Said) -> bool {
    said.err.contains("had been cut off half-way; the rest of it is in now")
}

#[test]
fn f2_an_import_killed_anywhere_is_finished_by_whoever_comes_next_and_nothing_is_made_of_half_of_it() -> Result<()> {
    let mut scene = Scene::new()?;
    let whole = (STAYS + COMES) as usize;
    let published = (GOES + STAYS) as usize;
    assert_eq!(scene.exported()?, published);
    let mut halves = 0;
    // Behind each page of what comes, and behind those of what goes.
    for (round, at) in
        [(0, 0), (0, 5_000), (0, 10_000), (0, 15_000), (4, 1), (4, 5_001), (0, 5_000), (4, 1)].into_iter().enumerate()
    {
        let Some(stood) = scene.cut_off(at)? else {
            println!("round {round}: it had ended before {at:?}");
            scene.is_whole()?;
            continue;
        };
        println!("round {round}: cut off at {stood:?}");
        halves += 1;
        ensure!(scene.collector.data().join("import.stage").exists(), "what it is finished from");
        assert_eq!(scene.exported()?, published, "what is in force, as it was");
        match round % 4 {
            0 => {
                let published = scene.collector.ask(["publish"])?;
                ensure!(told(&published), "{published:?}");
                ensure!(published.out.contains(&format!("with {whole} indicators")), "{published:?}");
            }
            1 => {
                let shown = scene.collector.ask(["draft", "show", "--json"])?;
                ensure!(told(&shown) && shown.json()?[0]["count"] == whole, "{}", shown.err);
            }
            2 => {
                scene.collector.ask(["indicator", "import", &scene.other, "--source", "other"])?;
            }
            _ => {
                scene.collector.start()?;
                let collector = &scene.collector;
                eventually("it is finished by the running collector", PATIENCE, || {
                    Ok(progress(collector)?.is_none().then_some(()))
                })?;
                eventually("its file is gone", PATIENCE, || {
                    Ok((!collector.data().join("import.stage").exists()).then_some(()))
                })?;
                ensure!(scene.collector.running()?.log().contains("had been cut off half-way"));
                scene.collector.stop()?;
            }
        }
        scene.is_whole()?;
        scene.collector.ask(["publish"])?;
        let count: Vec<(i64,)> =
            scene.collector.query("SELECT count FROM list_revision ORDER BY revision DESC LIMIT 1")?;
        let other = usize::from(standing(&scene.collector)?.iter().any(|(name, _)| name == "other.example"));
        assert_eq!(count, [(i64::try_from(whole + other)?,)]);
    }
    ensure!(halves >= 5, "only {halves} were cut off half-way");
    Ok(())
}

#[test]
fn f2_a_dry_run_says_that_it_has_finished_what_was_cut_off() -> Result<()> {
    let scene = Scene::new()?;
    ensure!(scene.cut_off((0, 1))?.is_some(), "it was over before it could be cut off");
    let said = scene.collector.ask(["indicator", "import", &scene.other, "--source", "other", "--dry-run"])?;
    ensure!(told(&said) && said.err.contains("Nothing was imported"), "{said:?}");
    scene.is_whole()
}

#[test]
fn f2_what_was_cut_off_and_lost_is_fetched_whole_again_and_any_sources_word_can_be_taken_back() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let server = FeedServer::start(folder.path(), std::net::Ipv4Addr::LOCALHOST.into())?;
    let head = vec!["Content-Type: text/plain".to_owned(), "ETag: \"1\"".to_owned()];
    server.set("/list", Reply::Whole(200, head, b"en.example\nto.example\n".to_vec()));
    let (url, ca) = (server.url("/list"), server.ca());
    collector.ask(["source", "add", "liste", "--kind", "file", &url, "--ca", &ca, "--internal"])?;
    let fetch = || -> Result<Value> {
        let said = collector.ask(["source", "fetch", "liste", "--json"])?.json()?;
        said.into_iter().next().context("nothing is said")
    };
    assert_eq!(fetch()?["new"], 2);
    assert_eq!(fetch()?["unchanged"], true);
    // As after the restore of a backup that was made while it was taken in.
    let half = "INSERT INTO import_under_way (source_id, mark, at, keeps_unsaid, is_all, step, done, came, known, outdated, went, changes)
        SELECT id, 'gone', 1, 0, 1, 0, 0, 0, 0, 0, 0, 0 FROM source WHERE name = 'liste'";
    collector.tamper(half)?;
    let refused = collector.try_ask(["publish"])?;
    ensure!(refused.code == Some(1) && refused.err.contains("source fetch \"liste\""), "{refused:?}");
    let whole = fetch()?;
    assert_eq!((&whole["unchanged"], &whole["found"]), (&false.into(), &2.into()), "as its words say");
    collector.ask(["publish"])?;

    // Removed without its word, and one that was never fetched: both can be taken back still.
    collector.ask(["source", "remove", "liste"])?;
    let taken = collector.ask(["source", "remove", "liste", "--withdraw"])?.out;
    ensure!(taken.contains("2 of what it said are withdrawn"), "{taken}");
    let none = collector.try_ask(["source", "remove", "liste", "--withdraw"])?;
    ensure!(none.code == Some(1) && none.err.contains("nothing that it has said stands"), "{none:?}");
    Ok(())
}

#[test]
fn f2_who_publishes_while_an_import_is_taken_in_waits_for_all_of_it_and_where_its_rest_is_gone_it_is_said() -> Result<()>
{
    let scene = Scene::new()?;
    let mut import = scene.begin()?;
    eventually("it is being taken in", PATIENCE, || {
        Ok((progress(&scene.collector)?.is_some() || import.ended()?.is_some()).then_some(()))
    })?;
    let published = scene.collector.ask(["publish"])?;
    ensure!(published.out.contains(&format!("with {} indicators", STAYS + COMES)), "{published:?}");
    import.wait(PATIENCE)?;
    scene.is_whole()?;

    // As after a restore of a backup that was made meanwhile: the half is there, and what it is finished from is not.
    let mut stood = None;
    for _ in 0..5 {
        stood = scene.cut_off((0, 5_000))?;
        if stood.is_some() {
            break;
        }
    }
    ensure!(stood.is_some(), "it always ended first");
    fs::remove_file(scene.collector.data().join("import.stage"))?;
    let revisions = || scene.collector.query::<(i64,)>("SELECT COUNT(*) FROM list_revision");
    let before = revisions()?;
    for line in [&["publish"][..], &["publish", "--now", "--reason", "haster"], &["draft", "show"]] {
        let refused = scene.collector.try_ask(line.iter().copied())?;
        let is_told = refused.err.contains("cut off half-way") && refused.err.contains("--source \"feed\"");
        ensure!(refused.code == Some(1) && is_told, "{line:?}: {refused:?}");
    }
    assert_eq!(revisions()?, before);
    assert_eq!(scene.exported()?, (GOES + STAYS) as usize, "what is in force, as it was");
    // Other sources go on, and the same import again is whole.
    scene.collector.ask(["indicator", "import", &scene.other, "--source", "other"])?;
    ensure!(scene.collector.try_ask(["publish"])?.code == Some(1));
    scene.begin()?.wait(PATIENCE)?;
    scene.is_whole()?;
    scene.collector.ask(["publish"])?;
    Ok(())
}

/// Rows as vendors have them: names, addresses, URLs.
fn rows(path: &Path, count: u32) -> Result<()> {
    let mut file = std::io::BufWriter::new(fs::File::create(path)?);
    for number in 0..count {
        match number % 4 {
            0 | 1 => writeln!(file, "n{number}.vond-{}.example", number % 977)?,
            2 => writeln!(file, "{}", std::net::Ipv4Addr::from_bits(0x0b00_0000 + number * 7))?,
            _ => writeln!(file, "hxxps://u{number}.example/logg-inn")?,
        }
    }
    Ok(file.flush()?)
}

/// What five million rows may take; `bench-intelligence --rows 5000000 --import-only` measures it.
const MEMORY_MAX_KIB: u64 = 300 * 1024;

#[test]
fn f2_what_an_import_needs_in_memory_does_not_grow_with_its_rows() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut most = Vec::new();
    for count in [30_000, 300_000] {
        let collector = Collector::init(&folder.path().join(format!("collector-{count}")))?;
        let path = folder.path().join(format!("{count}.txt"));
        rows(&path, count)?;
        let line = ["indicator", "import", &path.to_string_lossy(), "--source", "feed"].map(str::to_owned);
        let cost = measure::cost(&mut collector.command(line.iter().map(String::as_str))?)?;
        ensure!(matches!(cost.said.code, Some(0 | 1)), "{:?}", cost.said);
        let kept: Vec<(i64,)> = collector.query("SELECT COUNT(*) FROM indicator")?;
        ensure!(kept.first().is_some_and(|(kept,)| *kept > i64::from(count) * 9 / 10), "{kept:?}");
        println!("{count} rows: {:.1} s, peak memory {} KiB", cost.seconds, cost.most_kib);
        ensure!(cost.most_kib > 0, "it was never seen");
        most.push(cost.most_kib);
    }
    let (few, many) = (most[0], most[1]);
    // As much more for each row as between the two, to five million.
    let of_five_million = many + many.saturating_sub(few) * (5_000_000 - 300_000) / (300_000 - 30_000);
    println!("five million: {of_five_million} KiB");
    ensure!(of_five_million < MEMORY_MAX_KIB, "{of_five_million} KiB of {MEMORY_MAX_KIB}");
    Ok(())
}

#[test]
fn at_a_terminal_an_import_shows_how_far_it_is_and_a_dry_run_changes_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let path = folder.path().join("liste.txt");
    rows(&path, 40_000)?;
    let path = path.to_string_lossy().into_owned();
    let at_terminal = |more: &[&str]| -> Result<Said> {
        let line = ["indicator", "import", &path, "--source", "feed"];
        let mut command = collector.command(line.into_iter().chain(more.iter().copied()))?;
        command.env("TERM", "xterm");
        Terminal::start(command)?.end()
    };
    let looked = at_terminal(&["--dry-run"])?;
    ensure!(looked.code == Some(0), "{looked:?}");
    for part in ["read, ", "40000 would be new", "Nothing was imported. To do so: the same without --dry-run"] {
        ensure!(looked.out.contains(part), "{part}: {}", looked.out);
    }
    ensure!(!looked.out.contains("taken in"), "{}", looked.out);
    let kept = || collector.query::<(i64,)>("SELECT COUNT(*) FROM indicator");
    assert_eq!(kept()?, [(0,)], "a dry run");
    let done = at_terminal(&[])?;
    ensure!(done.code == Some(0), "{done:?}");
    for part in ["read, ", "taken in, ", "40000 new"] {
        ensure!(done.out.contains(part), "{part}: {}", done.out);
    }
    assert_eq!(kept()?, [(40_000,)]);
    // Where nobody looks nothing is drawn.
    let quiet = collector.ask(["indicator", "import", &path, "--source", "feed"])?;
    ensure!(!quiet.err.contains("read, ") && !quiet.err.contains('\r'), "{quiet:?}");
    let first = collector.list("indicator")?.into_iter().next().context("one")?;
    assert_eq!(first["indicator"], "n0.vond-0.example");
    Ok(())
}
