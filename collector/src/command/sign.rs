//! `varde-collector sign`: puts a signature on a root document or a list's manifest, on whatever machine the key is.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use varde_common::channel::Placement;
use varde_common::list::Manifest;
use varde_common::trust::{Domain, Root, add_signature, key_id, read_unverified};

use super::noted::{beside, deed, noted};
use super::{numbers, root, say};
use crate::audit::On;
use crate::io::{directory, keys};
use crate::limits::SIGNED_FILE_MAX_OCTETS;

/// Arguments of `sign`.
#[derive(Debug, Args)]
pub struct SignArguments {
    /// A file from `root next`, `publish --export` or `sensor channel --export`. The signature is added in place, to each of the documents in it.
    pub file: PathBuf,
    /// The private key.
    #[arg(long, value_name = "KEY")]
    pub key: PathBuf,
    /// Sign without asking. A list whose number jumps is not signed so.
    #[arg(long)]
    pub yes: bool,
}

/// What a file is that can be signed.
#[derive(Debug)]
pub(super) enum Signable {
    /// A root document, and the keys that claim to have signed it.
    Root(Box<Root>, Vec<String>),
    /// A list's manifest, and the same.
    List(Box<Manifest>, Vec<String>),
    /// Which channel a sensor is to follow, and the same.
    Channel(Placement, Vec<String>),
}

impl Signable {
    /// Reads one.
    ///
    /// # Errors
    /// When it is neither.
    pub(super) fn read(octets: &[u8]) -> anyhow::Result<Signable> {
        match (read_unverified::<Root>(octets), read_unverified::<Manifest>(octets)) {
            (Ok((root, signers)), _) => Ok(Signable::Root(Box::new(root), signers)),
            (Err(_), Ok((manifest, signers))) => Ok(Signable::List(Box::new(manifest), signers)),
            (Err(error), Err(_)) => {
                if let Ok((placement, signers)) = read_unverified::<Placement>(octets) {
                    return Ok(Signable::Channel(placement, signers));
                }
                bail!(
                    "it is no root document, no list's manifest and no word of which channel to follow ({error}); give the file that `root next`, `publish --export` or `sensor channel --export` has written"
                )
            }
        }
    }

    fn domain(&self) -> Domain {
        match self {
            Signable::Root(..) => Domain::Root,
            Signable::List(..) => Domain::List,
            Signable::Channel(..) => Domain::Channel,
        }
    }

    fn name(&self) -> String {
        match self {
            Signable::Root(root, _) => format!("root document {}", root.version),
            Signable::List(manifest, _) => format!("list {}", manifest.revision),
            Signable::Channel(placement, _) => format!("channel {} of sensor {}", placement.channel, placement.sensor),
        }
    }

    fn list(&self) -> Option<&Manifest> {
        match self {
            Signable::List(manifest, _) => Some(manifest),
            Signable::Root(..) | Signable::Channel(..) => None,
        }
    }

    fn signers(&self) -> &[String] {
        match self {
            Signable::Root(_, signers) | Signable::List(_, signers) | Signable::Channel(_, signers) => signers,
        }
    }

    /// What is signed, in words.
    fn in_words(&self) -> String {
        let said = match self {
            Signable::Root(root, _) => {
                format!("A ROOT DOCUMENT: it says who may do what.\n{}", root::in_words(root))
            }
            Signable::Channel(placement, _) => format!(
                "A CHANNEL: which lists one sensor follows from now on.\nsensor     {}\nchannel    {}\nmade       {}",
                placement.sensor, placement.channel, placement.at
            ),
            Signable::List(manifest, _) => format!(
                "A LIST for every sensor of its channel: what they look for.\nnumber     {}\nindicators {}{}\nchannel    {}\nmade       {}\ngood until {}\ncontent    {}",
                manifest.revision,
                manifest.count,
                if manifest.shrinks { ", AND IT SHRINKS: a half or less of what sensors may have" } else { "" },
                manifest.channel,
                manifest.created,
                manifest.expires,
                manifest.content_blake3
            ),
        };
        let signed = match self.signers() {
            [] => "nobody yet".to_owned(),
            signers => signers.join(", "),
        };
        format!("{said}\nsigned by  {signed}")
    }
}

/// Runs the command.
///
/// # Errors
/// Why nothing was signed.
pub async fn run(data: &Path, arguments: &SignArguments) -> anyhow::Result<()> {
    let SignArguments { file, key, yes } = arguments;
    let octets = directory::read(file, SIGNED_FILE_MAX_OCTETS)?;
    let parts = apart(&octets);
    let read = |part: &&[u8]| Signable::read(part).with_context(|| format!("{} cannot be signed", file.display()));
    // One without any part is told like one that cannot be read.
    let signables = if parts.is_empty() {
        vec![read(&octets.as_slice())?]
    } else {
        parts.iter().map(read).collect::<anyhow::Result<_>>()?
    };
    let signing = keys::read_signing_key(key)?;
    let id = key_id(&signing.verifying_key());
    let lists: Vec<&Manifest> = signables.iter().filter_map(Signable::list).collect();
    let numbers = if lists.is_empty() { numbers::Numbers::new() } else { numbers::read(key)? };
    let mut jumps = Vec::new();
    for signable in &signables {
        say::aside(&format!("{}\n", signable.in_words()));
    }
    // Those of one file are to be the same list, and need not be.
    let highest = lists.iter().max_by_key(|list| list.revision);
    if let Some(list) = highest {
        let seen = numbers::look_at(list, &numbers);
        say::aside(&format!("Of the number: {}.", seen.as_ref().unwrap_or_else(|jump| jump)));
        jumps.extend(seen.err());
    }
    if signables.iter().any(|signable| signable.signers().contains(&id)) {
        say::aside(&format!("This key ({id}) has signed it already; the signature is made anew."));
    }
    let word = match (jumps.is_empty(), highest) {
        (false, Some(list)) => list.revision.to_string(),
        (true, _) | (false, None) => "yes".to_owned(),
    };
    if *yes {
        numbers::refuse_unseen(&jumps)?;
    } else if !is_wanted(&id, &word, std::io::stdin().lock())? {
        bail!("nothing was signed");
    }
    let mut signed = Vec::new();
    for (part, signable) in parts.iter().zip(&signables) {
        signed.push(add_signature(signable.domain(), part, &signing)?);
    }
    let signed = together(&signed.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let name = signables.first().map(Signable::name).unwrap_or_default();
    match beside(data).await? {
        Some(store) => {
            let signing = deed("sign", On::Thing(name)).becomes(format!("signed by {id} in {}", file.display()));
            noted(&store, signing, async { write(file, &signed) }).await?;
            store.close().await;
        }
        None => write(file, &signed)?,
    }
    if !lists.is_empty()
        && let Err(error) = numbers::keep(key, numbers, &lists)
    {
        say::aside(&format!(
            "Which number was signed cannot be kept beside the key ({error}): the next one is held against none."
        ));
    }
    say::result(&format!("Signed {} with key {id}.", file.display()))
}

/// Several documents in one file: a line each, and no end of line behind the last, so that one alone is its own octets. JSON
/// as it is written here has no line's end within.
pub(super) fn together(parts: &[&[u8]]) -> Vec<u8> {
    parts.join(&b'\n')
}

/// What [`together`] has put into one file.
pub(super) fn apart(octets: &[u8]) -> Vec<&[u8]> {
    octets.split(|octet| *octet == b'\n').filter(|part| !part.trim_ascii().is_empty()).collect()
}

/// Writes a file that may lie anywhere, whole or not at all.
pub(super) fn write(file: &Path, octets: &[u8]) -> anyhow::Result<()> {
    Ok(directory::write_private(file, octets)?)
}

fn is_wanted(id: &str, word: &str, mut answers: impl BufRead) -> anyhow::Result<bool> {
    say::aside(&format!("Sign this with key {id}? Write {word}:"));
    let mut answer = String::new();
    answers.read_line(&mut answer).context("no answer could be read; --yes signs without asking")?;
    Ok(answer.trim() == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::id::Revision;
    use varde_common::list::Content;
    use varde_common::time::Timestamp;
    use varde_common::trust::{read_unverified, sign};

    #[test]
    fn only_a_clear_yes_signs() {
        for (answer, wanted) in [("yes\n", true), ("y\n", false), ("no\n", false), ("", false)] {
            assert_eq!(is_wanted("id", "yes", answer.as_bytes()).unwrap(), wanted, "{answer}");
        }
    }

    #[tokio::test]
    async fn what_is_signed_is_told_in_words_and_signed_in_its_own_domain() {
        let dir = tempfile::tempdir().unwrap();
        let (file, key) = (dir.path().join("list"), dir.path().join("key"));
        let signing = keys::new_key().unwrap();
        keys::write_signing_key(&key, &signing).unwrap();
        let content = Content { count: 3, blake3: "ab".into() };
        let manifest = Manifest::of(b"base", &content, Revision(7), Timestamp(1), Timestamp(2));
        std::fs::write(&file, sign(Domain::List, &manifest, &[]).unwrap()).unwrap();
        let words = Signable::read(&std::fs::read(&file).unwrap()).unwrap().in_words();
        assert!(words.contains("A LIST") && words.contains("number     7") && words.contains("nobody yet"), "{words}");
        run(dir.path(), &SignArguments { file: file.clone(), key: key.clone(), yes: true }).await.unwrap();
        let signed = std::fs::read(&file).unwrap();
        let id = key_id(&signing.verifying_key());
        assert_eq!(read_unverified::<Manifest>(&signed).unwrap(), (manifest.clone(), vec![id]));
        assert_eq!(signed, manifest.sign(&[&signing]).unwrap(), "as if it had been signed at once");
        // One by a collector in other hands, with a number that nothing comes above: no script signs it.
        let far = Manifest { revision: Revision(u64::MAX), ..manifest.clone() };
        let both = [sign(Domain::List, &manifest, &[]).unwrap(), sign(Domain::List, &far, &[]).unwrap()];
        std::fs::write(&file, together(&[&both[0], &both[1]])).unwrap();
        let jumps = SignArguments { file: file.clone(), key: key.clone(), yes: true };
        let refused = run(dir.path(), &jumps).await.unwrap_err().to_string();
        assert!(refused.contains("JUMPS from 7"), "{refused}");
        assert_eq!(std::fs::read(&file).unwrap(), together(&[&both[0], &both[1]]), "unsigned as it was");
        std::fs::write(&file, b"{}").unwrap();
        let refused = run(dir.path(), &SignArguments { file, key, yes: true }).await.unwrap_err().to_string();
        assert!(refused.contains("cannot be signed"));
    }
}
