//! `indicator export`: what is in force as a file for others, up to a marking.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use tempfile::NamedTempFile;
use tokio::sync::mpsc;
use varde_common::tlp::Tlp;

use super::noted::deed;
use super::reader::level;
use super::say;
use crate::audit::On;
use crate::intel::outward::misp::Event;
use crate::intel::outward::plain::{self, Line};
use crate::intel::outward::stix::Bundle;
use crate::intel::outward::{Entry, Once, rpz};
use crate::io::clock;
use crate::limits::feed::FEED_EVENT_ATTRIBUTES;
use crate::store::setting::OPERATOR_NAME;
use crate::store::{Scope, Store};

/// What `--help` adds.
pub(super) const HELP: &str = "\
What is in the newest list of all members, stands and holds now is written; exercises and what is braked are not, and what is marked TLP:RED
or PAP:RED never is. Formats: stix (a 2.1 bundle; indicator import reads it back as it was), misp (one event, as MISP imports it; what is gone since is not said in it, as it
is in the feed: varde-collector reader), plain (a
value a line), rpz (a policy zone). plain and rpz say nothing of indicators with a port and of those marked PAP:AMBER.
The file is readable by its owner alone and takes its name when it is whole.";

/// In which words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Words {
    /// A STIX 2.1 bundle.
    Stix,
    /// A MISP event.
    Misp,
    /// One value a line.
    Plain,
    /// A response policy zone.
    Rpz,
}

impl Words {
    fn as_str(self) -> &'static str {
        match self {
            Words::Stix => "stix",
            Words::Misp => "misp",
            Words::Plain => "plain",
            Words::Rpz => "rpz",
        }
    }
}

/// Arguments of `indicator export`.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// In which words.
    #[arg(long)]
    pub format: Words,
    /// Up to this marking: clear, green, amber or amber+strict.
    #[arg(long, default_value = "green", value_parser = level, value_name = "TLP")]
    pub tlp_max: Tlp,
    /// The file [default: standard output].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub(super) async fn run(store: &Store, arguments: ExportArguments) -> anyhow::Result<()> {
    let ExportArguments { format, tlp_max, out } = arguments;
    if out.as_ref().is_some_and(|out| out.exists()) {
        bail!("{} is there already; give another name", out.unwrap_or_default().display());
    }
    let to = out.as_ref().map_or("standard output".to_owned(), |out| out.display().to_string());
    let words = format!("as {} up to {tlp_max}, to {to}", format.as_str());
    store.note(&deed("indicator export", On::Thing("indicators".to_owned())).becomes(words)).await?;

    let operator = store.setting(Scope::Operator, OPERATOR_NAME).await?.unwrap_or_else(|| "Varde".to_owned());
    let stamp = store.feed_stamp(Scope::Operator).await?;
    let now = clock::now();
    let (send, mut entries) = mpsc::channel::<Vec<Entry>>(2);
    let path = out.clone();
    let seconds = now.0.div_euclid(1_000_000);
    let writing = tokio::task::spawn_blocking(move || -> anyhow::Result<((u64, u64), Option<NamedTempFile>)> {
        let fresh = path.as_ref().map(|path| beside(path)).transpose()?;
        let file: Box<dyn Write> = match &fresh {
            Some(fresh) => Box::new(fresh.reopen()?),
            None => Box::new(io::stdout()),
        };
        let mut writer = Writer::begin(BufWriter::new(file), format, operator, tlp_max, stamp.revision)?;
        while let Some(batch) = entries.blocking_recv() {
            for entry in &batch {
                writer.take(entry)?;
            }
        }
        let counts = writer.finish(seconds)?;
        if let Some(fresh) = &fresh {
            fresh.as_file().sync_all()?;
        }
        Ok((counts, fresh))
    });
    let read = store.feed_entries(Scope::Operator, tlp_max, true, now, send).await;
    let written = writing.await.context("the file was not written to its end")?;
    // A reader that has seen enough (`| head`) is no error.
    let ((written, unsaid), fresh) = match written {
        Err(error) if out.is_none() && error.downcast_ref::<io::Error>().is_some_and(is_over) => return Ok(()),
        written => written?,
    };
    // The channel closes when all was sent, and when reading failed: only what was read to its end takes the name.
    read?;
    if let (Some(fresh), Some(out)) = (fresh, &out) {
        fresh.persist_noclobber(out).with_context(|| format!("cannot write {}", out.display()))?;
    }
    say::aside(&format!("{written} indicators of list {} written, up to {tlp_max}.", stamp.revision));
    if unsaid > 0 {
        say::aside(&format!(
            "{unsaid} more are not in it: {} has no word for them, or they may not be acted upon openly.",
            format.as_str()
        ));
    }
    Ok(())
}

/// A file of its owner's alone in the directory where the other is to be.
fn beside(path: &Path) -> anyhow::Result<NamedTempFile> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    NamedTempFile::new_in(directory).with_context(|| format!("cannot write into {}", directory.display()))
}

fn is_over(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// A file under way.
struct Writer {
    file: BufWriter<Box<dyn Write>>,
    operator: String,
    form: Form,
    once: Once,
    written: u64,
    unsaid: u64,
}

enum Form {
    Stix(Bundle),
    Misp(Box<Event>),
    Plain,
    Rpz,
}

impl Writer {
    fn begin(
        mut file: BufWriter<Box<dyn Write>>,
        format: Words,
        operator: String,
        level: Tlp,
        revision: i64,
    ) -> io::Result<Writer> {
        let form = match format {
            Words::Stix => {
                let mut bundle = Bundle::new(&operator);
                file.write_all(bundle.head(level).as_bytes())?;
                Form::Stix(bundle)
            }
            Words::Misp => Form::Misp(Box::new(Event::new(&operator, Some("Varde"), &format!("export {level}")))),
            Words::Plain => Form::Plain,
            Words::Rpz => {
                file.write_all(rpz::head(revision, 300).as_bytes())?;
                Form::Rpz
            }
        };
        Ok(Writer { file, operator, form, once: Once::default(), written: 0, unsaid: 0 })
    }

    fn take(&mut self, entry: &Entry) -> anyhow::Result<()> {
        let lines = match &mut self.form {
            Form::Stix(bundle) => bundle.take(entry).map(|object| vec![object]),
            Form::Misp(event) => {
                if event.live().len() as i64 >= FEED_EVENT_ATTRIBUTES {
                    bail!(
                        "more than {FEED_EVENT_ATTRIBUTES} indicators do not go into one MISP event; let the server read the feed instead: varde-collector reader add"
                    );
                }
                let before = event.live().len();
                event.take(entry, true);
                (event.live().len() > before).then(Vec::new)
            }
            Form::Plain => plain::line(entry).map(|line| match line {
                Line::Name(text) | Line::Address(text) => vec![format!("{text}\n")],
            }),
            Form::Rpz => rpz::records(entry),
        };
        let Some(lines) = lines else {
            self.unsaid += 1;
            return Ok(());
        };
        self.written += 1;
        for line in lines {
            if self.once.is_first(&line) {
                self.file.write_all(line.as_bytes())?;
            }
        }
        Ok(())
    }

    fn finish(self, seconds: i64) -> anyhow::Result<(u64, u64)> {
        let Writer { mut file, operator, form, written, unsaid, .. } = self;
        match form {
            Form::Stix(bundle) => file.write_all(bundle.foot().as_bytes())?,
            Form::Misp(event) => file.write_all(&event.write(&operator, seconds)?.body)?,
            Form::Plain | Form::Rpz => {}
        }
        file.flush()?;
        Ok((written, unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn f2_an_export_that_fails_leaves_no_file_under_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let sql =
            "INSERT INTO list_revision (revision, manifest, base, count, published_at) VALUES (1, x'00', x'00', 1, 1)";
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        for format in [Words::Plain, Words::Stix, Words::Misp, Words::Rpz] {
            let out = dir.path().join("out");
            let arguments = ExportArguments { format, tlp_max: Tlp::Green, out: Some(out.clone()) };
            let refused = run(&store, arguments).await.unwrap_err().to_string();
            assert!(refused.contains("cannot be read"), "{refused}");
            assert!(!out.exists(), "{format:?}: what is not whole has no name");
        }
    }
}
