//! Indicators → a list: what is left out and why, the base, the manifest, its signature.

use ed25519_dalek::SigningKey;
use varde_common::confidential::ConfidentialKey;
use varde_common::id::{IndicatorId, Revision};
use varde_common::indicator::{Indicator, Marks, Severity};
use varde_common::list::{Content, ContentHasher, Manifest, Refused};
use varde_common::matcher::{Builder, NotBuilt, Seed};
use varde_common::time::{Timestamp, Validity};
use varde_common::tlp::Tlp;
use varde_common::trust::{Root, Untrusted, key_id};

use crate::limits::{LIST_DAYS, LIST_RENEW_DAYS};

/// An indicator as the database holds it, as far as a list needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its number.
    pub id: i64,
    /// As plain lists write it.
    pub pattern: String,
    /// 0-100.
    pub confidence: i64,
    /// 0 info … 4 critical.
    pub severity: i64,
    /// As text.
    pub tlp: String,
    /// Holds from.
    pub valid_from: Option<i64>,
    /// Holds until.
    pub valid_until: Option<i64>,
    /// Part of an exercise.
    pub exercise: bool,
}

/// Why no list could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCompiled {
    /// A row that is no indicator.
    #[error("indicator {id} in the database cannot be read ({why}); restore the database or import its list again")]
    BadRow {
        /// Its number.
        id: i64,
        /// What is wrong.
        why: String,
    },
    /// The list is too large, or an indicator in it cannot be matched.
    #[error("{0}")]
    NotBuilt(#[from] NotBuilt),
}

/// A list ready to be numbered and signed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compiled {
    /// The base file.
    pub base: Vec<u8>,
    /// What it says.
    pub content: Content,
    /// Left out: TLP:AMBER+STRICT and TLP:RED reach sensors only as keyed hashes (decision 8), which come later.
    pub withheld: u64,
    /// Left out: no longer valid.
    pub expired: u64,
}

/// Whether a marking lets an indicator reach sensors in clear.
pub fn may_be_published(tlp: Tlp) -> bool {
    match tlp {
        Tlp::Clear | Tlp::Green | Tlp::Amber => true,
        Tlp::AmberStrict | Tlp::Red => false,
    }
}

/// Makes a list of all rows that may be published and have not expired. Those that are not valid yet are in it: sensors
/// obey the window themselves, and so begin on time. Rows come by number, a page at a time; what is held of them is about
/// what the list will have.
#[derive(Debug)]
pub struct Compiler {
    builder: Builder,
    content: ContentHasher,
    withheld: u64,
    expired: u64,
    now: Timestamp,
}

impl Compiler {
    /// Of nothing yet. The seed is drawn at random for each list.
    pub fn new(now: Timestamp, seed: Seed) -> Compiler {
        let builder = Builder::new(seed, ConfidentialKey::default());
        Compiler { builder, content: ContentHasher::default(), withheld: 0, expired: 0, now }
    }

    /// Takes the row with the next number.
    ///
    /// # Errors
    /// [`NotCompiled`].
    pub fn take(&mut self, row: &Stored) -> Result<(), NotCompiled> {
        if row.valid_until.is_some_and(|until| until <= self.now.0) {
            self.expired += 1;
            return Ok(());
        }
        let indicator = read_row(row)?;
        if may_be_published(indicator.tlp) {
            self.content.add(&indicator);
            self.builder.add(indicator.id, (&indicator.pattern).into(), &(&indicator).into())?;
        } else {
            self.withheld += 1;
        }
        Ok(())
    }

    /// The list.
    ///
    /// # Errors
    /// [`NotCompiled::NotBuilt`].
    pub fn finish(self) -> Result<Compiled, NotCompiled> {
        let Compiler { builder, content, withheld, expired, .. } = self;
        Ok(Compiled { base: builder.finish()?.into_octets(), content: content.finish(), withheld, expired })
    }
}

fn read_row(row: &Stored) -> Result<Indicator, NotCompiled> {
    let bad = |why: String| NotCompiled::BadRow { id: row.id, why };
    Ok(Indicator {
        id: IndicatorId(u64::try_from(row.id).map_err(|error| bad(error.to_string()))?),
        pattern: row.pattern.parse().map_err(|error| bad(format!("{error}")))?,
        validity: Validity { from: row.valid_from.map(Timestamp), until: row.valid_until.map(Timestamp) },
        confidence: u8::try_from(row.confidence).unwrap_or(0).min(100),
        severity: Severity::from_level(u8::try_from(row.severity).unwrap_or(0)),
        tlp: row.tlp.parse().map_err(|error| bad(format!("{error}")))?,
        marks: Marks { exercise: row.exercise, retro: false },
    })
}

/// Whether a list with this content must be published after `last`: it says something else, or the last one runs out soon.
pub fn is_news(content: &Content, last: Option<&Manifest>, now: Timestamp) -> bool {
    last.is_none_or(|last| last.content_blake3 != content.blake3 || last.expires < now.plus(days(LIST_RENEW_DAYS)))
}

/// Why a key may not sign lists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// It has another role, or none.
    #[error(
        "this key ({0}) is no list key of this collector's root.json; give the one that init made (keys/list.key), or the one the root names"
    )]
    NotAListKey(String),
    /// The root asks for more signatures.
    #[error("the signed list would be refused by every sensor: {0}")]
    NotEnough(#[from] Untrusted),
    /// Any other refusal.
    #[error("the signed list would be refused by every sensor: {0}")]
    Refused(Refused),
}

/// The manifest of the next revision, for whoever signs it.
pub fn manifest_of(compiled: &Compiled, last: Revision, now: Timestamp) -> Manifest {
    let revision = Revision(last.0.saturating_add(1));
    Manifest::of(&compiled.base, &compiled.content, revision, now, now.plus(days(LIST_DAYS)))
}

/// The manifest of the next revision, signed and held against the root as a sensor will do it.
///
/// # Errors
/// [`NotSigned`].
pub fn sign(
    compiled: &Compiled,
    last: Revision,
    key: &SigningKey,
    root: &Root,
    now: Timestamp,
) -> Result<(Manifest, Vec<u8>), NotSigned> {
    let id = key_id(&key.verifying_key());
    if !root.roles.list.keys.contains(&id) {
        return Err(NotSigned::NotAListKey(id));
    }
    let manifest = manifest_of(compiled, last, now);
    let unwritable = |error: serde_json::Error| NotSigned::NotEnough(Untrusted::Unreadable(error.to_string()));
    let octets = manifest.sign(&[key]).map_err(unwritable)?;
    match Manifest::verify(&octets, root) {
        Ok(_) => Ok((manifest, octets)),
        Err(Refused::Untrusted(why)) => Err(why.into()),
        Err(other) => Err(NotSigned::Refused(other)),
    }
}

fn days(days: i64) -> std::time::Duration {
    std::time::Duration::from_secs(u64::try_from(days).unwrap_or(0).saturating_mul(86_400))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;
    use varde_common::list::CHANNEL_ALL;
    use varde_common::matcher::IndicatorSet;
    use varde_common::trust::{Role, Roles, hex};

    fn compile(rows: impl IntoIterator<Item = Stored>, now: Timestamp) -> Result<Compiled, NotCompiled> {
        compile_with(rows, now, 1)
    }

    fn compile_with(rows: impl IntoIterator<Item = Stored>, now: Timestamp, seed: u8) -> Result<Compiled, NotCompiled> {
        let mut compiler = Compiler::new(now, Seed::from_octets([seed; 16]));
        rows.into_iter().try_for_each(|row| compiler.take(&row))?;
        compiler.finish()
    }

    fn row(id: i64, pattern: &str) -> Stored {
        Stored {
            id,
            pattern: pattern.into(),
            confidence: 80,
            severity: 3,
            tlp: "TLP:AMBER".into(),
            valid_from: None,
            valid_until: None,
            exercise: id == 2,
        }
    }

    fn root(list: &[&SigningKey], hunt: &SigningKey) -> Root {
        let all = list.iter().copied().chain([hunt]);
        let keys: BTreeMap<_, _> =
            all.map(|k| (key_id(&k.verifying_key()), hex(k.verifying_key().as_bytes()))).collect();
        let role = |keys: &[&SigningKey]| Role {
            keys: keys.iter().map(|k| key_id(&k.verifying_key())).collect(),
            threshold: u32::try_from(keys.len()).unwrap(),
        };
        let roles = Roles { root: role(&[hunt]), list: role(list), hunt: role(&[hunt]), ..Roles::default() };
        Root { version: 1, expires: Timestamp::MAX, keys, roles, ca: BTreeSet::new() }
    }

    #[test]
    fn a_list_holds_what_is_valid_and_may_be_shared_and_says_what_it_left_out() {
        let rows = vec![
            row(1, "evil.example"),
            row(2, "=x.example"),
            Stored { tlp: "TLP:RED".into(), ..row(3, "red.example") },
            Stored { tlp: "TLP:AMBER+STRICT".into(), ..row(4, "strict.example") },
            Stored { valid_until: Some(100), ..row(5, "old.example") },
            Stored { valid_from: Some(101), valid_until: Some(200), ..row(6, "soon.example") },
        ];
        let compiled = compile(rows, Timestamp(100)).unwrap();
        assert_eq!((compiled.content.count, compiled.withheld, compiled.expired), (3, 2, 1));
        let mut read: Vec<_> = IndicatorSet::open(Arc::new(compiled.base)).unwrap().indicators().collect();
        read.sort_by_key(|indicator| indicator.id);
        let shown: Vec<_> = read.iter().map(|i| (i.id.0, i.pattern.to_plain(), i.marks.exercise)).collect();
        let want =
            [(1, "evil.example".to_owned(), false), (2, "=x.example".into(), true), (6, "soon.example".into(), false)];
        assert_eq!(shown, want);
        assert_eq!((read[0].confidence, read[0].severity), (80, Severity::High));
        assert_eq!(read[2].validity, Validity { from: Some(Timestamp(101)), until: Some(Timestamp(200)) });
        assert!(matches!(compile([row(1, "..")], Timestamp(0)), Err(NotCompiled::BadRow { id: 1, .. })));
    }

    #[test]
    fn l2_only_a_list_key_signs_and_only_as_the_root_asks() {
        let (list, second, hunt) = ([1; 32], [2; 32], [3; 32]);
        let (list, second, hunt) =
            (SigningKey::from_bytes(&list), SigningKey::from_bytes(&second), SigningKey::from_bytes(&hunt));
        let compiled = compile([row(1, "evil.example")], Timestamp(0)).unwrap();
        let one = root(&[&list], &hunt);
        let (manifest, octets) = sign(&compiled, Revision(4), &list, &one, Timestamp(0)).unwrap();
        assert_eq!(manifest.revision, Revision(5));
        assert!(Manifest::accept(&octets, &one, CHANNEL_ALL, Revision(4)).is_ok());
        assert!(matches!(sign(&compiled, Revision(4), &hunt, &one, Timestamp(0)), Err(NotSigned::NotAListKey(_))));
        assert!(matches!(sign(&compiled, Revision(4), &second, &one, Timestamp(0)), Err(NotSigned::NotAListKey(_))));
        let two = root(&[&list, &second], &hunt);
        assert!(matches!(sign(&compiled, Revision(4), &list, &two, Timestamp(0)), Err(NotSigned::NotEnough(_))));
    }

    #[test]
    fn the_same_content_is_news_only_when_the_last_list_runs_out() {
        let compiled = compile([row(1, "evil.example")], Timestamp(0)).unwrap();
        let expires = Timestamp(0).plus(days(LIST_DAYS));
        let manifest = Manifest::of(&compiled.base, &compiled.content, Revision(1), Timestamp(0), expires);
        assert!(is_news(&compiled.content, None, Timestamp(0)));
        assert!(!is_news(&compiled.content, Some(&manifest), Timestamp(0)));
        assert!(is_news(&compiled.content, Some(&manifest), Timestamp(0).plus(days(21))));
        let again = compile_with([row(1, "evil.example")], Timestamp(0), 2).unwrap();
        assert!(again.base != compiled.base && !is_news(&again.content, Some(&manifest), Timestamp(0)), "another seed");
        let other = compile([row(1, "worse.example")], Timestamp(0)).unwrap();
        assert!(is_news(&other.content, Some(&manifest), Timestamp(0)));
    }
}
