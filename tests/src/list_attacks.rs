//! Every way a collector may lie about lists to a sensor, well or badly signed: what is sent, and how it must end.

use anyhow::{Context, Result, bail, ensure};
use ed25519_dalek::SigningKey;
use varde_agent::io::clock;
use varde_common::channel::Placement;
use varde_common::id::{Revision, SensorId};
use varde_common::limits::{
    LIST_BASE_MAX_OCTETS, LIST_MAX_INDICATORS, MANIFEST_MAX_OCTETS, OVERLAY_MAX_OCTETS, SIGNATURES_MAX,
};
use varde_common::list::{Content, Manifest};
use varde_common::matcher::Overlay;
use varde_common::message::ToAgent;
use varde_common::newest::Newest;
use varde_common::time::Timestamp;
use varde_common::trust::{Domain, Root, key_id, sign};

use crate::hostile_collector::{HostileCollector, Offer};

/// The list that stands throughout.
pub const IN_FORCE: u64 = 5;
/// The one before it.
pub const BEFORE: u64 = 3;
/// The next number, which every attack claims unless its number is the attack.
pub const NEXT: u64 = IN_FORCE + 1;
/// Enough for a half of them to be missed.
pub const HELD: usize = 30;
/// The sensor that is attacked.
pub const SENSOR: u64 = 7;

/// How an attack must come to its end.
#[derive(Debug)]
pub enum End {
    /// The list is refused, and the reason says this.
    List(&'static str),
    /// The channel is not followed, and the reason says this.
    Channel(&'static str),
    /// The word of the newest list is not believed, and the reason says this.
    Newest(&'static str),
    /// The session ends; the sensor comes back as it was.
    Session,
}

/// What is sent.
#[derive(Debug)]
pub enum Sent {
    /// A manifest with its base.
    List(Offer),
    /// Anything else.
    Message(ToAgent),
}

/// One attack.
#[derive(Debug)]
pub struct Attack {
    /// In words.
    pub what: &'static str,
    /// In this order.
    pub sent: Vec<Sent>,
    /// What comes of it.
    pub end: End,
}

/// As many names as are held, each beginning so.
pub fn names(first: &str) -> Vec<String> {
    (0..HELD).map(|n| format!("{first}{n:02}.example")).collect()
}

/// A list of these names, for whoever signs it.
///
/// # Errors
/// A list that cannot be made.
pub fn list(collector: &HostileCollector, revision: u64, names: &[String]) -> Result<(Manifest, Vec<u8>)> {
    collector.list(revision, &names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn offer(manifest: Vec<u8>, base: &[u8]) -> Sent {
    Sent::List(Offer { manifest, base: base.to_vec(), ended: true })
}

/// The signed octets of a document with other signature lines.
fn with_lines(signed: &[u8], change: impl FnOnce(&mut Vec<serde_json::Value>)) -> Result<Vec<u8>> {
    // The signed part is kept octet by octet, as only its own text verifies.
    let text = std::str::from_utf8(signed)?;
    let (front, lines) = text.split_once(",\"signatures\":").context("no signatures")?;
    let lines = lines.strip_suffix('}').context("no end")?;
    let mut lines: Vec<serde_json::Value> = serde_json::from_str(lines)?;
    change(&mut lines);
    Ok(format!("{front},\"signatures\":{}}}", serde_json::to_string(&lines)?).into_bytes())
}

/// Attacks on who signs, and what.
fn on_signatures(collector: &HostileCollector, manifest: &Manifest, base: &[u8]) -> Result<Vec<Attack>> {
    let keys: Vec<&SigningKey> = collector.list_keys.iter().collect();
    let [first, second] = keys.as_slice() else { bail!("two keys") };
    let stranger = SigningKey::from_bytes(&[0x99; 32]);
    let root = HostileCollector::root_key();
    let signed = manifest.sign(&keys)?;
    let id = |key: &SigningKey| key_id(&key.verifying_key());
    // One key's signature under both names, and under its own twice.
    let another_name = with_lines(&manifest.sign(&[first, first])?, |lines| {
        if let Some(line) = lines.last_mut() {
            line["key"] = id(second).into();
        }
    })?;
    let upper_case = with_lines(&manifest.sign(&[first, first])?, |lines| {
        if let Some(line) = lines.last_mut() {
            line["key"] = id(first).to_uppercase().into();
        }
    })?;
    let many = std::iter::repeat_n(&stranger, SIGNATURES_MAX).chain(keys.iter().copied()).collect::<Vec<_>>();
    let mut flipped = signed.clone();
    let at = flipped.windows(5).position(|five| five == b"count").context("no count")? + 7;
    flipped[at] = if flipped[at] == b'2' { b'3' } else { b'2' };
    // The signatures of the list in force over another text.
    let (in_force, _) = list(collector, IN_FORCE, &names("vond"))?;
    let theirs = with_lines(&in_force.sign(&keys)?, |_| {})?;
    let theirs = String::from_utf8(theirs)?;
    let lines = theirs.split_once(",\"signatures\":").context("no signatures")?.1;
    let text = String::from_utf8(signed.clone())?;
    let mixed = format!("{},\"signatures\":{lines}", text.split_once(",\"signatures\":").context("no signatures")?.0);
    let mut unknown = serde_json::to_value(manifest)?;
    unknown["urgent"] = true.into();
    let of_root = Root::read_own(&collector.root_document())?;
    let attack =
        |what, manifest: Vec<u8>, word| Attack { what, sent: vec![offer(manifest, base)], end: End::List(word) };
    Ok(vec![
        attack("a stranger's signature", manifest.sign(&[&stranger])?, "0 of 2"),
        attack("no signature", manifest.sign(&[])?, "0 of 2"),
        attack("one key of two", manifest.sign(&[first])?, "1 of 2"),
        attack("one key twice", manifest.sign(&[first, first])?, "1 of 2"),
        attack("one key under two names", another_name, "1 of 2"),
        attack("one key under one name written in two ways", upper_case, "1 of 2"),
        attack("a key of another role", manifest.sign(&[&root, first])?, "1 of 2"),
        attack("good signatures behind too many others", manifest.sign(&many)?, "0 of 2"),
        attack("signed as a root document", sign(Domain::Root, manifest, &keys)?, "0 of 2"),
        attack("signed as a word of the newest list", sign(Domain::Newest, manifest, &keys)?, "0 of 2"),
        attack("signed as a word of which channel to follow", sign(Domain::Channel, manifest, &keys)?, "0 of 2"),
        attack("a changed manifest", flipped, "0 of 2"),
        attack("the signatures of another list", mixed.into_bytes(), "0 of 2"),
        attack("no manifest at all", b"{}".to_vec(), "not a signed document"),
        attack("a manifest that says more than is known", sign(Domain::List, &unknown, &keys)?, "unknown field"),
        attack("another document, signed as a list", sign(Domain::List, &of_root, &keys)?, "unknown field"),
    ])
}

/// Attacks by what a manifest says, well signed; those with an old number first.
///
/// # Errors
/// A list that cannot be made.
pub fn on_manifests(collector: &HostileCollector, manifest: &Manifest, base: &[u8]) -> Result<Vec<Attack>> {
    let keys: Vec<&SigningKey> = collector.list_keys.iter().collect();
    let with = |what, change: &dyn Fn(&mut Manifest), word| -> Result<Attack> {
        let mut changed = manifest.clone();
        change(&mut changed);
        Ok(Attack { what, sent: vec![offer(changed.sign(&keys)?, base)], end: End::List(word) })
    };
    let older = |what, revision, first: &str| -> Result<Attack> {
        let (manifest, base) = list(collector, revision, &names(first))?;
        Ok(Attack {
            what,
            sent: vec![offer(manifest.sign(&keys)?, &base)],
            end: End::List("not newer than revision 5"),
        })
    };
    let few = |what, count: usize| -> Result<Attack> {
        let (manifest, base) = list(collector, NEXT, names("annen").get(..count).context("so many")?)?;
        let end = End::List("its manifest does not say that it shrinks");
        Ok(Attack { what, sent: vec![offer(manifest.sign(&keys)?, &base)], end })
    };
    Ok(vec![
        older("an older number", IN_FORCE - 1, "annen")?,
        older("the list that was in force before", BEFORE, "eldre")?,
        older("the same number again", IN_FORCE, "annen")?,
        older("number 0", 0, "annen")?,
        with("another channel", &|manifest| manifest.channel = "pilot".to_owned(), "for channel \"pilot\"")?,
        with("no channel", &|manifest| manifest.channel = String::new(), "for channel \"\"")?,
        with("a channel's name in capitals", &|manifest| manifest.channel = "ALL".to_owned(), "for channel \"ALL\"")?,
        with("a newer agent wanted", &|manifest| manifest.minimum_agent = "99.0.0".to_owned(), "99.0.0 or newer")?,
        with("no version of an agent", &|manifest| manifest.minimum_agent = "soon".to_owned(), "soon or newer")?,
        with("an endless base announced", &|manifest| manifest.base_octets = u64::MAX, "more than any list")?,
        with("an octet too many", &|manifest| manifest.base_octets = LIST_BASE_MAX_OCTETS + 1, "more than any list")?,
        with("an indicator too many", &|manifest| manifest.count = LIST_MAX_INDICATORS + 1, "more than any list")?,
        with("a list that has run out", &|manifest| manifest.expires = Timestamp(1), "that has passed")?,
        with("another size with the right hash", &|manifest| manifest.base_octets -= 1, "bytes where")?,
        with("another number of indicators", &|manifest| manifest.count += 1, "holds 30 indicators where")?,
        few("a half of what is in force", HELD / 2)?,
        few("no indicator", 0)?,
    ])
}

/// Attacks by what is sent behind a good manifest.
fn on_bases(collector: &HostileCollector, manifest: &Manifest, base: &[u8]) -> Result<Vec<Attack>> {
    let keys: Vec<&SigningKey> = collector.list_keys.iter().collect();
    let signed = manifest.sign(&keys)?;
    let attack =
        |what, base: &[u8], word| Attack { what, sent: vec![offer(signed.clone(), base)], end: End::List(word) };
    let mut torn = base.to_vec();
    *torn.last_mut().context("an empty base")? ^= 1;
    let (_, foreign) = list(collector, NEXT, &names("tredj"))?;
    ensure!(foreign.len() == base.len(), "another list's base is told by its size already");
    let exactly = |what, base: &[u8]| -> Result<Attack> {
        let Manifest { count, content_blake3, revision, created, expires, .. } = manifest.clone();
        let content = Content { count, blake3: content_blake3 };
        let manifest = Manifest::of(base, &content, revision, created, expires);
        Ok(Attack { what, sent: vec![offer(manifest.sign(&keys)?, base)], end: End::List("cannot be read") })
    };
    let mut other_form = base.to_vec();
    *other_form.first_mut().context("an empty base")? ^= 0x20;
    let half = base.get(..base.len() / 2).context("half of it")?;
    let (older, older_base) = list(collector, BEFORE, &names("eldre"))?;
    let begun = Sent::List(Offer { manifest: signed.clone(), base: half.to_vec(), ended: false });
    let named = Newest::of(&"all".parse()?, b"another", Revision(NEXT), clock::now());
    let named = ToAgent::Newest { document: named.sign(&[&timestamp_key()])? };
    Ok(vec![
        attack("a cut base", base.get(..base.len() - 3).context("cut")?, "bytes where"),
        attack("half a base", half, "bytes where"),
        attack("no base", &[], "bytes where"),
        attack("a base that has grown", &[base, &[0; 9]].concat(), "bytes where"),
        attack("a base that does not end", &[base, &vec![0; 1 << 20]].concat(), "bytes where"),
        attack("a changed base", &torn, "BLAKE3"),
        attack("another list's base", &foreign, "BLAKE3"),
        exactly("a base that is none", &[0x5a; 4_096])?,
        exactly("a base of no octets", &[])?,
        exactly("a base of another form", &other_form)?,
        exactly("half a base, signed for", half)?,
        Attack {
            what: "a list begun and an older one in its place",
            sent: vec![begun, offer(older.sign(&keys)?, &older_base)],
            end: End::List("not newer"),
        },
        Attack {
            what: "another list of the number that was named",
            sent: vec![Sent::Message(named), offer(signed.clone(), base)],
            end: End::List("another list with number 6"),
        },
    ])
}

/// Attacks by words that are no lists.
fn on_words(collector: &HostileCollector) -> Result<Vec<Attack>> {
    let keys: Vec<&SigningKey> = collector.list_keys.iter().collect();
    let [first, _] = keys.as_slice() else { bail!("two keys") };
    let pilot = Placement { sensor: SensorId(SENSOR), channel: "pilot".parse()?, at: clock::now() };
    let word =
        |what, document: Vec<u8>, end| Attack { what, sent: vec![Sent::Message(ToAgent::Channel { document })], end };
    let newest = |at| Newest::of(&"all".parse().unwrap_or_default(), b"another", Revision(9_999), at);
    let said =
        |what, document: Vec<u8>, end| Attack { what, sent: vec![Sent::Message(ToAgent::Newest { document })], end };
    let other = Placement { sensor: SensorId(SENSOR + 1), ..pilot.clone() };
    let tomorrow = Placement { at: Timestamp::MAX, ..pilot.clone() };
    let for_pilot = Newest { channel: "pilot".to_owned(), ..newest(clock::now()) };
    let message = |what, message| Attack { what, sent: vec![Sent::Message(message)], end: End::Session };
    let too_large = Offer { manifest: vec![b' '; MANIFEST_MAX_OCTETS + 1], base: Vec::new(), ended: true };
    Ok(vec![
        word("a channel by one key of two", pilot.sign(&[first])?, End::Channel("1 of 2")),
        word("another sensor's channel", other.sign(&keys)?, End::Channel("for sensor 8")),
        word("a channel in the far future", tomorrow.sign(&keys)?, End::Channel("still to come")),
        word("a channel signed as a list", sign(Domain::List, &pilot, &keys)?, End::Channel("0 of 2")),
        said("the newest by the list key", newest(clock::now()).sign(&keys)?, End::Newest("0 of 1")),
        said("the newest in the far future", newest(Timestamp::MAX).sign(&[&timestamp_key()])?, End::Newest("to come")),
        said(
            "the newest of another channel",
            for_pilot.sign(&[&timestamp_key()])?,
            End::Newest("for channel \"pilot\""),
        ),
        message("a piece without an offer", ToAgent::ListChunk { octets: vec![1; 100] }),
        message("an end without an offer", ToAgent::ListEnd),
        Attack { what: "a manifest larger than any", sent: vec![Sent::List(too_large)], end: End::Session },
    ])
}

/// A list as changes over the base of another, each from its own names.
fn changes(
    collector: &HostileCollector,
    over: &[String],
    revision: u64,
    names: &[String],
) -> Result<(Manifest, Vec<u8>)> {
    let (before, base) = list(collector, IN_FORCE, over)?;
    let (manifest, whole) = list(collector, revision, names)?;
    let overlay =
        Overlay::between(&before.open(base)?, &manifest.open(whole)?).context("too many changes")?.to_octets();
    Ok((manifest.over(&before, &overlay), overlay))
}

/// Attacks by changes over a base.
fn on_overlays(collector: &HostileCollector) -> Result<Vec<Attack>> {
    let keys: Vec<&SigningKey> = collector.list_keys.iter().collect();
    let [first, _] = keys.as_slice() else { bail!("two keys") };
    let ours = names("vond");
    let wanted: Vec<String> = ours.iter().skip(1).cloned().chain(["annen.example".to_owned()]).collect();
    let next = NEXT + 1;
    let (manifest, overlay) = changes(collector, &ours, next, &wanted)?;
    let publication = |manifest, whole| Sent::Message(ToAgent::Publication { manifest, whole });
    let sent = |manifest: Vec<u8>, overlay: &[u8]| {
        let octets = overlay.to_vec();
        vec![
            publication(manifest, false),
            Sent::Message(ToAgent::OverlayChunk { octets }),
            Sent::Message(ToAgent::ListEnd),
        ]
    };
    let signed = manifest.sign(&keys)?;
    let attack =
        |what, overlay: &[u8], word| Attack { what, sent: sent(signed.clone(), overlay), end: End::List(word) };
    let mut torn = overlay.clone();
    *torn.last_mut().context("no changes")? ^= 1;
    let (foreign, over_it) = changes(collector, &names("fremm"), next, &wanted)?;
    let (older, older_changes) = changes(collector, &ours, IN_FORCE - 1, &wanted)?;
    let half = ours.get(..HELD / 2).context("half of them")?;
    let (shrunken, fewer) = changes(collector, &ours, next, half)?;
    let with = |what, change: &dyn Fn(&mut Manifest), overlay: &[u8], word| -> Result<Attack> {
        let mut changed = manifest.clone();
        change(&mut changed);
        Ok(Attack { what, sent: sent(changed.sign(&keys)?, overlay), end: End::List(word) })
    };
    let rubbish = vec![0x5a; 400];
    let of_rubbish = Manifest { overlay: manifest.clone().over(&manifest, &rubbish).overlay, ..manifest.clone() };
    let (plain, base) = list(collector, next, &wanted)?;
    let (_, in_force) = list(collector, IN_FORCE, &ours)?;
    let endless = |manifest: &mut Manifest| {
        if let Some(overlay) = &mut manifest.overlay {
            overlay.octets = OVERLAY_MAX_OCTETS + 1;
        }
    };
    Ok(vec![
        Attack {
            what: "changes over another base",
            sent: sent(foreign.sign(&keys)?, &over_it),
            end: End::List("another base"),
        },
        Attack {
            what: "a list without changes, as changes",
            sent: sent(plain.sign(&keys)?, &[]),
            end: End::List("another base"),
        },
        Attack {
            what: "changes by one key of two",
            sent: sent(manifest.sign(&[first])?, &overlay),
            end: End::List("1 of 2"),
        },
        Attack {
            what: "changes of an older number",
            sent: sent(older.sign(&keys)?, &older_changes),
            end: End::List("not newer"),
        },
        Attack {
            what: "changes that leave a half",
            sent: sent(shrunken.sign(&keys)?, &fewer),
            end: End::List("that it shrinks"),
        },
        attack("cut changes", overlay.get(..overlay.len() - 1).context("cut")?, "bytes where"),
        attack("no changes", &[], "bytes where"),
        attack("changes that have grown", &[&overlay[..], &[0]].concat(), "bytes where"),
        attack("changed changes", &torn, "BLAKE3"),
        attack(
            "other changes over the same base",
            &older_changes.iter().map(|octet| octet ^ 1).collect::<Vec<_>>(),
            "BLAKE3",
        ),
        Attack {
            what: "changes that are none",
            sent: sent(of_rubbish.sign(&keys)?, &rubbish),
            end: End::List("changes cannot be read"),
        },
        with(
            "changes that lead to another number",
            &|manifest| manifest.count += 1,
            &overlay,
            "holds 30 indicators where",
        )?,
        with("endless changes announced", &endless, &overlay, "more than any list")?,
        with(
            "changes for another channel",
            &|manifest| manifest.channel = "pilot".to_owned(),
            &overlay,
            "for channel \"pilot\"",
        )?,
        Attack {
            what: "a base without the changes it was signed with",
            sent: vec![
                publication(signed.clone(), true),
                Sent::Message(ToAgent::ListChunk { octets: in_force }),
                Sent::Message(ToAgent::ListEnd),
            ],
            end: End::List("bytes where"),
        },
        Attack {
            what: "a base in place of changes",
            sent: vec![publication(signed, false), Sent::Message(ToAgent::ListChunk { octets: base })],
            end: End::Session,
        },
        Attack {
            what: "changes without an offer",
            sent: vec![Sent::Message(ToAgent::OverlayChunk { octets: overlay.clone() })],
            end: End::Session,
        },
    ])
}

/// The key of the timestamp role, once a root document has named it.
pub fn timestamp_key() -> SigningKey {
    SigningKey::from_bytes(&[0x31; 32])
}

/// All of them. The last names a list, and none of its number but that one is taken from then on.
///
/// # Errors
/// A list that cannot be made.
pub fn all(collector: &HostileCollector) -> Result<Vec<Attack>> {
    let (manifest, base) = list(collector, NEXT, &names("annen"))?;
    let mut attacks = on_signatures(collector, &manifest, &base)?;
    attacks.extend(on_manifests(collector, &manifest, &base)?);
    attacks.extend(on_words(collector)?);
    attacks.extend(on_overlays(collector)?);
    attacks.extend(on_bases(collector, &manifest, &base)?);
    Ok(attacks)
}
