//! Indicators → a list: what is left out and why, the base, the manifest, its signature.

use ed25519_dalek::SigningKey;
use varde_common::channel::ChannelName;
use varde_common::confidential::ConfidentialKey;
use varde_common::id::{IndicatorId, Revision};
use varde_common::indicator::{Indicator, Marks, Pattern, Severity, Target};
use varde_common::list::{Content, ContentHasher, Manifest, Refused};
use varde_common::matcher::{Builder, Facts, NotBuilt, Seed};
use varde_common::pattern::PatternRef;
use varde_common::time::{Timestamp, Validity};
use varde_common::tlp::Tlp;
use varde_common::trust::{Root, Untrusted, key_id};

use super::hidden;
use super::lint::{Finding, Held, Linter, Ruling};
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
    /// Everything that names it names a URL on it.
    pub of_url: bool,
    /// It has been in a list.
    pub was_published: bool,
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
    /// In it as keyed hashes alone.
    pub confidential: u64,
    /// Left out: TLP:RED, of which nobody said that it is to be published.
    pub withheld: u64,
    /// Those of them that have been in a list before, by their numbers: somebody has marked them since.
    pub withheld_published: Vec<i64>,
    /// Left out: fingerprints marked TLP:AMBER+STRICT or TLP:RED, of which there is no keyed hash.
    pub unhidable: u64,
    /// Left out: no longer valid.
    pub expired: u64,
    /// Left out: held back by lint.
    pub held: Held,
}

/// How an indicator reaches sensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// As it is.
    Clear,
    /// As a keyed hash alone (decision 8).
    Hashed,
    /// Not at all.
    Withheld,
    /// Not at all, because there is no keyed hash of its kind.
    Unhidable,
}

/// How a marking lets an indicator reach sensors. TLP:RED does only where the publisher says so.
pub fn reach(tlp: Tlp, pattern: &Pattern, include_red: bool) -> Reach {
    let is_red = match tlp {
        Tlp::Clear | Tlp::Green | Tlp::Amber => return Reach::Clear,
        Tlp::AmberStrict => false,
        Tlp::Red => true,
    };
    match &pattern.target {
        Target::Ja4(_) => Reach::Unhidable,
        _ if is_red && !include_red => Reach::Withheld,
        Target::Domain(_) | Target::Host(_) | Target::Address(_) | Target::Network { .. } | Target::Confidential(_) => {
            Reach::Hashed
        }
    }
}

/// What becomes of an indicator when a list is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is left out: its end has come.
    Expired,
    /// It is left out: held back by lint.
    Held(Finding),
    /// It is left out: TLP:RED, of which nobody said that it is to be published.
    Withheld,
    /// It is left out: it may not be read, and there is no keyed hash of its kind.
    Unhidable,
    /// It goes out.
    Goes {
        /// Until then, by its sources, its lifetime or an override; none = it has no end.
        until: Option<Timestamp>,
        /// As a keyed hash alone.
        hashed: bool,
    },
}

/// What becomes of an indicator in a list that is made now. The one place where that is decided: what is told of it beforehand is what
/// then happens.
pub fn fate(indicator: &Indicator, of_url: bool, linter: &Linter, include_red: bool, now: Timestamp) -> Fate {
    let until = indicator.validity.until;
    if until.is_some_and(|until| until <= now) {
        return Fate::Expired;
    }
    let until = match linter.rule(&indicator.pattern, of_url) {
        Ruling::Held(finding) => return Fate::Held(finding),
        // Sensors obey the window themselves: the override ends at them too, without another list.
        Ruling::Until(end) => Some(until.map_or(end, |until| until.min(end))),
        Ruling::Free => until,
    };
    match reach(indicator.tlp, &indicator.pattern, include_red) {
        Reach::Clear => Fate::Goes { until, hashed: false },
        Reach::Hashed => Fate::Goes { until, hashed: true },
        Reach::Withheld => Fate::Withheld,
        Reach::Unhidable => Fate::Unhidable,
    }
}

/// What a list is made with, beside the indicators.
#[derive(Debug, Clone, Copy)]
pub struct Making {
    /// Drawn at random for each list.
    pub seed: Seed,
    /// The collector's own, the same for all its lists: so that the same indicators are the same content.
    pub key: ConfidentialKey,
    /// TLP:RED is in it too, as keyed hashes.
    pub include_red: bool,
}

/// Makes a list of all rows that may be published, that nothing holds back, and that have not expired. Those that are not valid yet are in it: sensors
/// obey the window themselves, and so begin on time. Rows come by number, a page at a time; what is held of them is about
/// what the list will have.
#[derive(Debug)]
pub struct Compiler {
    builder: Builder,
    content: ContentHasher,
    making: Making,
    confidential: u64,
    withheld: u64,
    withheld_published: Vec<i64>,
    unhidable: u64,
    expired: u64,
    held: Held,
    linter: Linter,
    now: Timestamp,
}

impl Compiler {
    /// Of nothing yet.
    pub fn new(now: Timestamp, making: Making, linter: Linter) -> Compiler {
        let (builder, content) = (Builder::new(making.seed, making.key), ContentHasher::default());
        let held = Held::default();
        Compiler {
            builder,
            content,
            making,
            confidential: 0,
            withheld: 0,
            withheld_published: Vec::new(),
            unhidable: 0,
            expired: 0,
            held,
            linter,
            now,
        }
    }

    /// Takes the row with the next number.
    ///
    /// # Errors
    /// [`NotCompiled`].
    pub fn take(&mut self, row: &Stored) -> Result<(), NotCompiled> {
        // What is over is not even read: a row that cannot be is in nobody's way then.
        if row.valid_until.is_some_and(|until| until <= self.now.0) {
            self.expired += 1;
            return Ok(());
        }
        let mut indicator = read_row(row)?;
        match fate(&indicator, row.of_url, &self.linter, self.making.include_red, self.now) {
            Fate::Expired => self.expired += 1,
            Fate::Held(finding) => {
                let shown = || hidden::told(row.id, &row.pattern, indicator.tlp);
                self.held.add(&finding, indicator.tlp, shown, row.was_published);
            }
            Fate::Goes { until, hashed: false } => {
                indicator.validity.until = until;
                self.builder.add(indicator.id, (&indicator.pattern).into(), &Facts::from(&indicator))?;
                self.content.add(&indicator);
            }
            Fate::Goes { until, hashed: true } => {
                indicator.validity.until = until;
                let facts = Facts::from(&indicator);
                let pattern = PatternRef::from(&indicator.pattern);
                self.builder.add_confidential(indicator.id, pattern, &facts)?;
                let hidden = self.making.key.hide(indicator.id, pattern.target);
                let target = hidden.map(Target::Confidential).ok_or(NotBuilt::NoPattern(indicator.id))?;
                // Not even the hash of the whole content is over what nobody is to read.
                indicator.pattern = Pattern { target, port: indicator.pattern.port };
                self.content.add(&indicator);
                self.confidential += 1;
            }
            Fate::Withheld => {
                self.withheld += 1;
                self.withheld_published.extend(row.was_published.then_some(row.id));
            }
            Fate::Unhidable => self.unhidable += 1,
        }
        Ok(())
    }

    /// The list.
    ///
    /// # Errors
    /// [`NotCompiled::NotBuilt`].
    pub fn finish(self) -> Result<Compiled, NotCompiled> {
        let Compiler { builder, content, confidential, withheld, withheld_published, unhidable, expired, held, .. } =
            self;
        let (base, content) = (builder.finish()?.into_octets(), content.finish());
        Ok(Compiled { base, content, confidential, withheld, withheld_published, unhidable, expired, held })
    }
}

/// A row as an indicator.
///
/// # Errors
/// [`NotCompiled::BadRow`].
pub fn read_row(row: &Stored) -> Result<Indicator, NotCompiled> {
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
pub fn manifest_of(
    compiled: &Compiled,
    channel: &ChannelName,
    last: Revision,
    shrinks: bool,
    now: Timestamp,
) -> Manifest {
    let revision = Revision(last.0.saturating_add(1));
    let manifest = Manifest::of(&compiled.base, &compiled.content, revision, now, now.plus(days(LIST_DAYS)));
    Manifest { channel: channel.to_string(), shrinks, ..manifest }
}

/// A manifest, signed and held against the root as a sensor will do it.
///
/// # Errors
/// [`NotSigned`].
pub fn sign(manifest: &Manifest, key: &SigningKey, root: &Root) -> Result<Vec<u8>, NotSigned> {
    let id = key_id(&key.verifying_key());
    if !root.roles.list.keys.contains(&id) {
        return Err(NotSigned::NotAListKey(id));
    }
    let unwritable = |error: serde_json::Error| NotSigned::NotEnough(Untrusted::Unreadable(error.to_string()));
    let octets = manifest.sign(&[key]).map_err(unwritable)?;
    match Manifest::verify(&octets, root) {
        Ok(_) => Ok(octets),
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
        compile_as(rows, now, seed, false)
    }

    fn compile_as(
        rows: impl IntoIterator<Item = Stored>,
        now: Timestamp,
        seed: u8,
        include_red: bool,
    ) -> Result<Compiled, NotCompiled> {
        let making = Making { seed: Seed::from_octets([seed; 16]), key: ConfidentialKey([7; 32]), include_red };
        let mut compiler = Compiler::new(now, making, Linter::default());
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
            of_url: false,
            was_published: false,
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
        assert_eq!((compiled.content.count, compiled.withheld, compiled.expired), (4, 1, 1));
        let mut read: Vec<_> = IndicatorSet::open(Arc::new(compiled.base)).unwrap().indicators().collect();
        read.sort_by_key(|indicator| indicator.id);
        let shown: Vec<_> = read.iter().map(|i| (i.id.0, i.pattern.to_plain(), i.marks.exercise)).collect();
        let want = [
            (1, "evil.example", false),
            (2, "=x.example", true),
            (4, "confidential indicator 4", false),
            (6, "soon.example", false),
        ];
        assert_eq!(shown, want.map(|(id, shown, exercise)| (id, shown.to_owned(), exercise)));
        assert_eq!((read[0].confidence, read[0].severity), (80, Severity::High));
        assert_eq!(read[3].validity, Validity { from: Some(Timestamp(101)), until: Some(Timestamp(200)) });
        assert!(matches!(compile([row(1, "..")], Timestamp(0)), Err(NotCompiled::BadRow { id: 1, .. })));
    }

    #[test]
    fn t7a_what_is_confidential_is_in_a_list_as_keyed_hashes_alone_and_red_only_where_that_is_said() {
        let of = |id: i64, tlp: &str, pattern: &str| Stored { tlp: tlp.into(), ..row(id, pattern) };
        let rows = || {
            vec![
                row(1, "open.example"),
                of(2, "TLP:AMBER+STRICT", "strictmark.example:8443"),
                of(3, "TLP:AMBER+STRICT", "=wwwmark.example"),
                of(4, "TLP:AMBER+STRICT", "2001:db8:6d61:726b::/64"),
                of(5, "TLP:RED", "redmark.example"),
                of(6, "TLP:RED", "203.0.113.200"),
                of(7, "TLP:RED", "ja4:t13d1516h2_8daaf6152771_e5627efa2ab1"),
            ]
        };
        let without = compile_as(rows(), Timestamp(0), 1, false).unwrap();
        let counts = |c: &Compiled| (c.content.count, c.confidential, c.withheld, c.unhidable);
        assert_eq!(counts(&without), (4, 3, 2, 1));
        let with = compile_as(rows(), Timestamp(0), 1, true).unwrap();
        assert_eq!(counts(&with), (6, 5, 0, 1));
        for plain in [&b"mark"[..], &[0xdb, 8, 0x6d, 0x61], &[203, 0, 113, 200]] {
            assert!(!with.base.windows(plain.len()).any(|octets| octets == plain), "{plain:?} is in the base");
        }
        let again = compile_as(rows(), Timestamp(0), 2, true).unwrap();
        assert_eq!(again.content, with.content, "another seed, the same content");
        assert_ne!(with.content, without.content);
        // The content's hash is over the keyed hashes: nobody holds a guess against it who has no key.
        let making = Making { seed: Seed::from_octets([1; 16]), key: ConfidentialKey([8; 32]), include_red: true };
        let mut other = Compiler::new(Timestamp(0), making, Linter::default());
        rows().iter().try_for_each(|row| other.take(row)).unwrap();
        assert_ne!(other.finish().unwrap().content, with.content);
        let set = IndicatorSet::open(Arc::new(with.base)).unwrap();
        let met = |name: &str| {
            let mut met = Vec::new();
            let name = varde_common::name::DomainName::parse(name).unwrap();
            set.match_name(name.as_name(), |place| met.extend(set.indicator(place).map(|i| (i.id.0, i.pattern.port))));
            met
        };
        assert_eq!(met("a.b.strictmark.example"), [(2, Some(8443))]);
        assert_eq!((met("wwwmark.example"), met("x.wwwmark.example")), (vec![(3, None)], vec![]));
        assert_eq!((met("redmark.example"), met("mark.example")), (vec![(5, None)], vec![]));
    }

    #[test]
    fn l2_only_a_list_key_signs_and_only_as_the_root_asks() {
        let (list, second, hunt) = ([1; 32], [2; 32], [3; 32]);
        let (list, second, hunt) =
            (SigningKey::from_bytes(&list), SigningKey::from_bytes(&second), SigningKey::from_bytes(&hunt));
        let compiled = compile([row(1, "evil.example")], Timestamp(0)).unwrap();
        let one = root(&[&list], &hunt);
        let manifest = manifest_of(&compiled, &ChannelName::default(), Revision(4), false, Timestamp(0));
        assert_eq!(manifest.revision, Revision(5));
        let octets = sign(&manifest, &list, &one).unwrap();
        assert_eq!(Manifest::accept(&octets, &one, CHANNEL_ALL, Revision(4)).as_ref(), Ok(&manifest));
        assert!(matches!(sign(&manifest, &hunt, &one), Err(NotSigned::NotAListKey(_))));
        assert!(matches!(sign(&manifest, &second, &one), Err(NotSigned::NotAListKey(_))));
        let two = root(&[&list, &second], &hunt);
        assert!(matches!(sign(&manifest, &list, &two), Err(NotSigned::NotEnough(_))));
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
