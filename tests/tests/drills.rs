//! The guide's drills (T8, L2, C4, V1), line by line as a person types them: in a folder of their own, with the names of files as they
//! stand in the guide. Each line ends well, and the file it names is there.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use varde_tests::community::Collector;
use varde_tests::programs::{Said, Which, said, workspace};

/// Whoever sits at the collector, in a folder of their own.
struct Desk<'a> {
    folder: &'a Path,
    collector: &'a Collector,
    guide: String,
}

impl Desk<'_> {
    /// Types a line.
    fn types(&self, line: &str) -> Result<Said> {
        let mut command = Which::Collector.command(line.split_whitespace())?;
        command.arg("--data").arg(self.collector.data()).current_dir(self.folder);
        said(&mut command)?.ok().with_context(|| format!("varde-collector {line}"))
    }

    /// Types a line of the guide, and what a script adds to it.
    fn drills(&self, line: &str, more: &str) -> Result<Said> {
        ensure!(self.guide.contains(line), "the guide has no line \"{line}\"");
        self.types(&format!("{line} {more}"))
    }

    fn has(&self, file: &str) -> Result<()> {
        let there = std::fs::metadata(self.folder.join(file)).with_context(|| format!("{file} is not there"))?;
        ensure!(there.is_dir() || there.len() > 0, "{file} is empty");
        let half = self.folder.join(format!("{file}.new"));
        ensure!(!half.exists(), "{} stays", half.display());
        Ok(())
    }
}

#[test]
fn t8_each_line_of_the_guides_drills_works_with_the_files_names_as_they_stand_there() -> Result<()> {
    let scene = tempfile::tempdir()?;
    let folder = scene.path().join("desk");
    std::fs::create_dir(&folder)?;
    let collector = Collector::init(&scene.path().join("collector"))?;
    let guide = std::fs::read_to_string(workspace().join("collector/README.md"))?;
    let desk = Desk { folder: &folder, collector: &collector, guide };
    let keys = collector.data().join("keys");

    desk.drills("member add 3407 Gjøvik", "")?;
    desk.drills("sensor token 3407", "")?;
    desk.drills("member export medlemmer.csv", "")?;
    desk.has("medlemmer.csv")?;
    std::fs::write(folder.join("liste.txt"), "vond.example\n")?;
    desk.drills("indicator import liste.txt", "")?;

    // The list key is at the analyst's: what waits goes there and back.
    std::fs::rename(keys.join("list.key"), folder.join("list.key"))?;
    desk.drills("publish", "")?;
    desk.drills("publish --export venter.json", "")?;
    desk.has("venter.json")?;
    desk.drills("sign venter.json --key list.key", "--yes")?;
    desk.drills("publish --accept venter.json", "")?;
    desk.drills("list export liste.varde", "")?;
    desk.has("liste.varde")?;
    desk.types("sensor channel 1 pilot --export ord.json")?;
    desk.has("ord.json")?;
    desk.types("sign ord.json --key list.key --yes")?;
    desk.types("sensor channel --accept ord.json")?;

    // A key more for lists, by the next root document; and another CA.
    let made = desk.drills("key make ny.key", "--json")?.json()?.pop().context("a key")?;
    desk.has("ny.key")?;
    let public = made.get("public").and_then(serde_json::Value::as_str).context("public")?;
    std::fs::rename(keys.join("root.key"), folder.join("root.key"))?;
    desk.drills("root next neste.json", &format!("--add list={public}"))?;
    desk.has("neste.json")?;
    desk.drills("sign neste.json --key root.key", "--yes")?;
    desk.drills("root accept neste.json", "")?;
    desk.drills("ca next", "")?;
    std::os::unix::fs::symlink(&keys, folder.join("keys"))?;
    desk.drills("root next neste.json --add-ca keys/ca-next.crt", "")?;
    desk.drills("sign neste.json --key root.key", "--yes")?;
    desk.drills("root accept neste.json", "")?;

    // What is kept, and what a member takes along.
    desk.types("backup kopier")?;
    desk.has("kopier")?;
    desk.types("member leave 3407 --to utlevering --yes")?;
    desk.has("utlevering")?;
    Ok(())
}
