//! Lists in the simulation: published whole or as changes over the base at hand, while sensors are there or not, offered again by a
//! collector that was put back, mixed and changed on their way, and stopped at any step of coming into force. After every step what lies on a sensor's disk is read anew,
//! as a start would: the floor never falls (I4), and what is in force was signed, is whole, and is none older than before (I5).
//!
//! The sensor's core and its files are the real ones, on the machine's own disk; who brings the octets is not.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use ed25519_dalek::SigningKey;
use tempfile::TempDir;
use varde_agent::io::disk::list::{self, Incoming};
use varde_agent::io::disk::roots;
use varde_agent::subscription::{Step, Subscription};
use varde_common::channel::ChannelName;
use varde_common::id::{IndicatorId, Revision, SensorId};
use varde_common::indicator::Indicator;
use varde_common::list::{Manifest, write_base};
use varde_common::matcher::{IndicatorSet, Overlay, Seed};
use varde_common::time::Timestamp;
use varde_common::trust::{Role, Roles, Root, hex, key_id, read_unverified};

use super::collector::folder;
use super::counted::Counted;
use crate::random::Random;

/// Numbers that a restore leaves out; the program leaves out as many.
const LEFT_OUT: u64 = 1_000;

/// A list that was signed.
#[derive(Debug)]
struct Publication {
    says: Manifest,
    manifest: Vec<u8>,
    base: Vec<u8>,
    /// The changes over it; empty where it is all of the list.
    overlay: Vec<u8>,
    /// The numbers of its indicators.
    named: BTreeSet<u64>,
}

/// A list on its way, in the parts in which it is sent.
#[derive(Debug, Clone, Copy)]
struct Parts<'a> {
    manifest: &'a [u8],
    base: &'a [u8],
    overlay: &'a [u8],
}

impl Publication {
    fn parts(&self) -> Parts<'_> {
        Parts { manifest: &self.manifest, base: &self.base, overlay: &self.overlay }
    }
}

/// Whoever publishes.
struct Publisher {
    key: SigningKey,
    /// All that was ever signed, by whatever state of it.
    signed: Vec<Publication>,
    /// What it knows of: the newest's place, and its number.
    newest: Option<usize>,
    last: u64,
    backup: Option<(Option<usize>, u64)>,
}

/// Where a list that comes into force is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before its floor is written.
    Floor,
    /// Between that and its changes.
    Overlay,
    /// Between that and its base.
    Rename,
}

/// A sensor as far as lists go.
struct Listener {
    data: PathBuf,
    root: Root,
    /// None while it is off.
    subscription: Option<Subscription>,
    incoming: Option<Incoming>,
    /// What it matches against.
    matches: Revision,
    set: Arc<IndicatorSet>,
    /// The highest floor, and the newest list, that its disk has shown.
    floor: Revision,
    in_force: Revision,
    /// Somebody changed the list on its disk, and no other has come since.
    is_damaged: bool,
}

fn root_of(key: &SigningKey) -> Root {
    let id = key_id(&key.verifying_key());
    let role = Role { keys: [id.clone()].into(), threshold: 1 };
    let roles = Roles { root: role.clone(), list: role, ..Roles::default() };
    let keys = [(id, hex(key.verifying_key().as_bytes()))].into();
    Root { version: 1, expires: Timestamp::MAX, keys, roles, ca: std::collections::BTreeSet::new() }
}

/// A list of these, signed by this key: whole, or as changes over the base of another.
fn signed_by(
    key: &SigningKey,
    revision: u64,
    named: BTreeSet<u64>,
    over: Option<&Publication>,
    random: &mut Random,
) -> Result<Publication> {
    let indicators = named.iter().map(|n| Ok(Indicator::bare(IndicatorId(*n), format!("vond{n}.example").parse()?)));
    let indicators = indicators.collect::<Result<Vec<_>>>()?;
    let (whole, content) = write_base(indicators, Seed::from_octets([random.below(256) as u8; 16]))?;
    let says = Manifest::of(&whole, &content, Revision(revision), Timestamp(1), Timestamp::MAX);
    // Its publisher meant it, however few are left.
    let says = Manifest { shrinks: true, ..says };
    let (says, base, overlay) = match over {
        None => (says, whole, Vec::new()),
        Some(before) => {
            let [theirs, ours] = [&before.base, &whole].map(|base| IndicatorSet::open(Arc::new(base.clone())));
            let overlay = Overlay::between(&theirs?, &ours?).context("too many changes")?.to_octets();
            (says.over(&before.says, &overlay), before.base.clone(), overlay)
        }
    };
    Ok(Publication { manifest: says.sign(&[key])?, says, base, overlay, named })
}

impl Publisher {
    /// Half of the time little has changed, and goes out as changes over the newest one's base.
    fn publish(&mut self, random: &mut Random) -> Result<()> {
        self.last += 1;
        let over = self.newest.and_then(|newest| self.signed.get(newest)).filter(|_| random.percent(50));
        let named = match over {
            None => (0..random.within(1, 60)).collect(),
            Some(before) => {
                let gone = random.below(60);
                let others = before.named.iter().copied().filter(|n| *n != gone);
                others.chain((0..random.within(1, 4)).map(|_| 60 + random.below(30))).collect()
            }
        };
        let one = signed_by(&self.key, self.last, named, over, random)?;
        self.signed.push(one);
        self.newest = Some(self.signed.len() - 1);
        Ok(())
    }

    /// A copy is put in its place: by the program, which leaves numbers out, or by hand.
    fn restore(&mut self, by_hand: bool) {
        if let Some((newest, last)) = self.backup {
            (self.newest, self.last) = (newest, last + if by_hand { 0 } else { LEFT_OUT });
        }
    }
}

impl Listener {
    fn roots(&self) -> roots::Stored {
        roots::Stored::of(self.root.clone())
    }

    fn start(&mut self) -> Result<()> {
        let stored = list::read(&self.data, &self.roots(), SensorId(1))?;
        self.matches = stored.list.as_ref().map_or(Revision(0), |(manifest, _)| manifest.revision);
        self.set = stored.list.as_ref().map(|(_, set)| Arc::clone(set)).unwrap_or_default();
        let mut subscription = Subscription::new(self.root.clone(), stored.floor.revision(), self.matches)
            .with_channel(stored.placed.clone(), stored.floor);
        if let Some((manifest, _)) = &stored.list {
            subscription = subscription.with_list(manifest).with_signers(stored.signers.clone());
        }
        self.subscription = Some(subscription);
        Ok(())
    }

    /// It is killed: what was half written lies there.
    fn die(&mut self) -> Result<()> {
        self.subscription = None;
        let (half, kept) = (self.data.join("list/incoming"), self.data.join("list/kept"));
        if let Some(incoming) = self.incoming.take() {
            let lay_there = fs::rename(&half, &kept).is_ok();
            drop(incoming);
            if lay_there {
                fs::rename(&kept, &half)?;
            }
        }
        Ok(())
    }

    /// A list comes, in pieces; after so many of them the session is cut, or it is killed. Who has its base is sent the changes
    /// alone; `blindly` that is done whatever it has, and what it asks for then is sent.
    fn is_offered(
        &mut self,
        parts: Parts<'_>,
        blindly: bool,
        ends: Option<(u64, bool)>,
        stops: Option<At>,
        counted: &mut Counted,
    ) -> Result<()> {
        let Some(subscription) = &mut self.subscription else { return Ok(()) };
        subscription.handle_session();
        self.incoming = None;
        let (says, _) = read_unverified::<Manifest>(parts.manifest)?;
        let has_base = subscription.holds().base.is_some_and(|base| hex(&base) == says.base_blake3);
        let alone = !parts.overlay.is_empty() && (has_base || blindly);
        self.is_sent(parts, !alone, ends, stops, counted)?;
        match self.subscription.as_mut().is_some_and(Subscription::takes_ask_for_whole) {
            true => self.is_sent(parts, true, ends, stops, counted),
            false => Ok(()),
        }
    }

    fn is_sent(
        &mut self,
        Parts { manifest, base, overlay }: Parts<'_>,
        whole: bool,
        ends: Option<(u64, bool)>,
        stops: Option<At>,
        counted: &mut Counted,
    ) -> Result<()> {
        let Some(subscription) = &mut self.subscription else { return Ok(()) };
        let step = subscription.handle_publication(manifest.to_vec(), whole, Timestamp(0));
        self.act(step, stops, counted)?;
        let of_base = base.chunks(700).filter(|_| whole).map(|chunk| (chunk, true));
        let pieces = of_base.chain(overlay.chunks(60).map(|chunk| (chunk, false)));
        for (number, (chunk, is_base)) in pieces.enumerate() {
            if let Some((_, kills)) = ends.filter(|(after, _)| *after == number as u64) {
                return if kills { self.die() } else { Ok(()) };
            }
            let Some(subscription) = &mut self.subscription else { return Ok(()) };
            let step = match is_base {
                true => subscription.handle_chunk(chunk.to_vec()),
                false => subscription.handle_overlay_chunk(chunk),
            };
            self.act(step, stops, counted)?;
        }
        let Some(subscription) = &mut self.subscription else { return Ok(()) };
        let step = subscription.handle_end();
        self.act(step, stops, counted)
    }

    /// Does what the core says, as the program does.
    fn act(&mut self, step: Step, stops: Option<At>, counted: &mut Counted) -> Result<()> {
        match step {
            Step::Wait => Ok(()),
            Step::Broken(why) => bail!("it says that the collector breaks the rules: {why}"),
            Step::Refused { .. } => {
                self.incoming = None;
                counted.lists_refused += 1;
                Ok(())
            }
            Step::Begin { manifest } => {
                self.incoming = Some(Incoming::begin(&self.data, &manifest)?);
                Ok(())
            }
            Step::Append(octets) => {
                self.incoming.as_mut().context("nothing was begun")?.write(&octets).map_err(Into::into)
            }
            Step::Keep(arrived) => {
                let incoming = self.incoming.take();
                ensure!(incoming.is_some() == arrived.whole, "a base is there that was not sent, or the other way");
                let opened = list::complete(incoming.as_ref(), &self.set, &arrived)?;
                let subscription = self.subscription.as_mut().context("it is off")?;
                let set = match opened {
                    Ok(set) => set,
                    Err(refused) => {
                        let step = subscription.handle_not_stored(&refused.to_string());
                        return self.act(step, stops, counted);
                    }
                };
                let floor = subscription.floor_with(&arrived.manifest);
                let in_the_way = match stops {
                    None => None,
                    // What is not written cannot be stopped.
                    Some(At::Overlay) if arrived.manifest.overlay.is_some() => {
                        let over = arrived.manifest.base_blake3.get(..16).unwrap_or_default();
                        Some(InTheWay::of(self.data.join(format!("list/overlay-{over}")))?)
                    }
                    Some(At::Rename) if arrived.whole => Some(InTheWay::of(self.data.join("list/in-force"))?),
                    Some(At::Floor | At::Overlay | At::Rename) => Some(InTheWay::of(self.data.join("list/floor"))?),
                };
                let accepted = list::accept(incoming, &self.data, &ChannelName::default(), (&floor, 1), &arrived);
                match (accepted, in_the_way) {
                    (Ok(()), None) => {
                        subscription.handle_stored(&arrived.manifest, Timestamp(9));
                        (self.matches, self.set) = (arrived.manifest.revision, Arc::new(set));
                        self.is_damaged &= !arrived.whole;
                        counted.lists_in_force += 1;
                        counted.lists_of_changes += u64::from(!arrived.whole);
                        Ok(())
                    }
                    (Err(_), Some(in_the_way)) => {
                        in_the_way.clear()?;
                        counted.lists_stopped += 1;
                        self.die()
                    }
                    (Ok(()), Some(_)) => bail!("nothing stops it"),
                    (Err(error), None) => Err(error.into()),
                }
            }
        }
    }

    /// Somebody changes what lies on its disk, while it is off.
    fn damage(&mut self, random: &mut Random) -> Result<()> {
        let path = self.data.join("list/in-force");
        let Ok(mut octets) = fs::read(&path) else { return Ok(()) };
        let at = random.below(octets.len() as u64) as usize;
        if random.percent(50) {
            octets.truncate(at);
        } else {
            // Behind the manifest nothing but zero stands up to the base, and nobody reads it.
            let at = at.max(20_480).min(octets.len().saturating_sub(1));
            octets.get_mut(at).into_iter().for_each(|octet| *octet ^= 1);
        }
        self.is_damaged = true;
        Ok(fs::write(path, octets)?)
    }

    /// What its disk shows, read as a start would.
    fn is_sound(&mut self, signed: &[Publication]) -> Result<()> {
        let stored = list::read(&self.data, &self.roots(), SensorId(1))?;
        let floor = stored.floor.revision();
        ensure!(floor >= self.floor, "I4: the floor was {}, and is {floor}", self.floor);
        self.floor = floor;
        let Some((manifest, set)) = stored.list else {
            let was_there = self.in_force > Revision(0);
            ensure!(self.is_damaged || !was_there, "I5: list {} is gone: {:?}", self.in_force, stored.refused);
            return Ok(());
        };
        let revision = manifest.revision;
        let there: BTreeSet<u64> = set.indicators().map(|one| one.id.0).collect();
        let is_it = |one: &Publication| one.says == manifest && one.named == there;
        ensure!(signed.iter().any(is_it), "I5: what lies there as list {revision} was never signed as a whole");
        ensure!(revision >= self.in_force, "I4: list {revision} is in force after {}", self.in_force);
        self.in_force = revision;
        if let Some(subscription) = &self.subscription {
            let matched: BTreeSet<u64> = self.set.indicators().map(|one| one.id.0).collect();
            ensure!(matched == there, "I5: it matches against something else than its disk has");
            let said = (subscription.in_force(), subscription.floor());
            ensure!(said == (revision, self.floor), "I5: it says {said:?}, its disk {revision} and {}", self.floor);
            ensure!(self.matches == revision, "I5: it matches against {}, its disk has {revision}", self.matches);
        }
        Ok(())
    }
}

/// Something that lies where a file is to be put, so that the program is stopped there.
struct InTheWay {
    path: PathBuf,
    kept: PathBuf,
}

impl InTheWay {
    fn of(path: PathBuf) -> Result<InTheWay> {
        let kept = path.with_extension("kept");
        if path.exists() {
            fs::rename(&path, &kept)?;
        }
        fs::create_dir_all(path.join("full"))?;
        Ok(InTheWay { path, kept })
    }

    fn clear(self) -> Result<()> {
        // What was stopped somewhere else has put its file there already.
        if self.path.is_dir() {
            fs::remove_dir_all(&self.path)?;
        }
        if self.kept.exists() {
            fs::rename(&self.kept, &self.path)?;
        }
        Ok(())
    }
}

/// Lives the story of a seed.
///
/// # Errors
/// The step that showed it, and the rule that is broken.
pub fn live(seed: u64, steps: u64) -> std::result::Result<Counted, (u64, anyhow::Error)> {
    let mut counted = Counted::default();
    let told = |step: u64| move |why: anyhow::Error| (step, why.context("lists"));
    let (mut random, folder) = (Random::seeded(seed ^ 0x115_7115), folder().map_err(told(0))?);
    let mut publisher =
        Publisher { key: SigningKey::from_bytes(&[1; 32]), signed: Vec::new(), newest: None, last: 0, backup: None };
    let mut listeners = listeners(&folder, &publisher, random.within(1, 2)).map_err(told(0))?;
    for step in 1..=steps {
        happen(&mut random, &mut publisher, &mut listeners, &mut counted).map_err(told(step))?;
    }
    Ok(counted)
}

fn listeners(folder: &TempDir, publisher: &Publisher, many: u64) -> Result<Vec<Listener>> {
    let listener = |number| {
        let data: &Path = folder.path();
        let mut listener = Listener {
            data: data.join(format!("sensor-{number}")),
            root: root_of(&publisher.key),
            subscription: None,
            incoming: None,
            matches: Revision(0),
            set: Arc::default(),
            floor: Revision(0),
            in_force: Revision(0),
            is_damaged: false,
        };
        fs::create_dir(&listener.data)?;
        listener.start()?;
        Ok(listener)
    };
    (0..many).map(listener).collect()
}

/// Something happens.
fn happen(
    random: &mut Random,
    publisher: &mut Publisher,
    listeners: &mut [Listener],
    counted: &mut Counted,
) -> Result<()> {
    let place = random.below(listeners.len() as u64) as usize;
    let listener = listeners.get_mut(place).context("no sensor")?;
    match random.below(20) {
        0..4 => publisher.publish(random)?,
        4 => publisher.backup = Some((publisher.newest, publisher.last)),
        5 => publisher.restore(random.percent(50)),
        6 => listener.die()?,
        7 => {
            listener.die()?;
            listener.damage(random)?;
        }
        8..11 if listener.subscription.is_none() => listener.start()?,
        11..13 => is_deceived(listener, publisher, random, counted)?,
        _ => {
            let ends = random.percent(20).then(|| (random.below(4), random.percent(50)));
            let stops = random.percent(30).then(|| match random.below(3) {
                0 => At::Floor,
                1 => At::Overlay,
                _ => At::Rename,
            });
            let blindly = random.percent(20);
            if let Some(one) = publisher.newest.and_then(|newest| publisher.signed.get(newest)) {
                listener.is_offered(one.parts(), blindly, ends, stops, counted)?;
            }
        }
    }
    listener.is_sound(&publisher.signed)
}

/// What no collector of ours would bring is brought.
fn is_deceived(
    listener: &mut Listener,
    publisher: &Publisher,
    random: &mut Random,
    counted: &mut Counted,
) -> Result<()> {
    let (Some(one), Some(other)) = (random.one_of(&publisher.signed), random.one_of(&publisher.signed)) else {
        return Ok(());
    };
    let (mut base, mut overlay) = (one.base.clone(), one.overlay.clone());
    match random.below(5) {
        // One of before, as it was.
        0 => {}
        // The words of one, the octets of another.
        1 => base.clone_from(&other.base),
        2 => overlay.clone_from(&other.overlay),
        3 => {
            let part = if random.percent(50) && !overlay.is_empty() { &mut overlay } else { &mut base };
            let at = random.below(part.len() as u64) as usize;
            part.get_mut(at).into_iter().for_each(|octet| *octet ^= 1);
        }
        _ => {
            let foreign = SigningKey::from_bytes(&[2; 32]);
            let named = one.named.iter().copied().chain([99]).collect();
            let over = Some(one).filter(|_| random.percent(50));
            let one = signed_by(&foreign, publisher.last + 5, named, over, random)?;
            return listener.is_offered(one.parts(), false, None, None, counted);
        }
    }
    let parts = Parts { manifest: &one.manifest, base: &base, overlay: &overlay };
    listener.is_offered(parts, random.percent(50), None, None, counted)
}
