//! The indicator set: a base that is used as it lies (in a file or in memory) and the changes since, immutable, swapped
//! whole. An observation goes in, the indicators that match come out.

mod base;
mod build;
mod facts;
mod filter;
mod hash;
mod placing;
mod record;
mod storage;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use crate::confidential::{Confidential, ConfidentialKey, Hidden};
use crate::id::IndicatorId;
use crate::indicator::{Indicator, Pattern, Target};
use crate::ja4::Ja4;
use crate::limits::OVERLAY_MAX_CHANGES;
use crate::name::Name;
use crate::time::Validity;
pub use base::{BadBase, HEADER_OCTETS, records_begin};
use base::{Base, View};
pub use build::{Builder, Built, NotBuilt};
pub use facts::Facts;
pub use hash::Seed;
use hash::{mask_v4, mask_v6};
use record::{Class, Key, Record};
pub use storage::{BaseOctets, Storage};

/// The place of an indicator within its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(u32);

/// A place among the changes rather than in the base; a base is smaller than that.
const IN_OVERLAY: u32 = 1 << 31;

/// What has changed since the base was made; at most [`OVERLAY_MAX_CHANGES`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overlay {
    /// New indicators; a changed one stands here and, under the same number, among the removed.
    pub added: Vec<Indicator>,
    /// Indicators of the base that hold no more.
    pub removed: Vec<IndicatorId>,
}

#[derive(Debug)]
struct Changes {
    added: Base,
    /// Sorted, each once.
    removed: Vec<u64>,
}

/// All a sensor looks for. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct IndicatorSet {
    base: Option<Arc<Base>>,
    changes: Option<Arc<Changes>>,
}

/// A set's parts, for one question.
#[derive(Clone, Copy)]
struct Parts<'a> {
    base: View<'a>,
    changes: Option<(View<'a>, &'a [u64])>,
}

impl<'a> Parts<'a> {
    #[inline]
    fn may_hold(self, hash: u64) -> bool {
        self.base.may_hold(hash) || self.changes.is_some_and(|(added, _)| added.may_hold(hash))
    }

    fn find(self, hash: u64, key: Key<'_>, mut found: impl FnMut(Place, View<'a>, Record<'_>)) {
        self.base.find(hash, key, |at, record| {
            if !self.is_removed(record) {
                found(Place(at), self.base, record);
            }
        });
        if let Some((added, _)) = self.changes {
            added.find(hash, key, |at, record| found(Place(at | IN_OVERLAY), added, record));
        }
    }

    fn is_removed(self, record: Record<'_>) -> bool {
        self.changes.is_some_and(|(_, removed)| removed.binary_search(&self.base.id(record)).is_ok())
    }

    /// What is in use, of both parts.
    #[inline]
    fn both<T: std::ops::BitOr<Output = T>>(self, of: impl Fn(&base::Layout) -> T) -> T {
        match self.changes {
            Some((added, _)) => of(self.base.layout) | of(added.layout),
            None => of(self.base.layout),
        }
    }

    /// A name's records: those for everything below it, and where it is the whole name, those for it alone.
    fn find_name(self, hash: u64, key: Key<'_>, is_whole: bool, found: &mut impl FnMut(Place)) {
        self.find(hash, key, |place, view, record| {
            if is_whole || view.entry(record).is_some_and(|entry| !entry.exact) {
                found(place);
            }
        });
    }
}

impl IndicatorSet {
    /// Opens a base where it lies. Looks at its header only; who does not trust its octets has held them against a
    /// manifest before.
    ///
    /// # Errors
    /// [`BadBase`].
    pub fn open(storage: Storage) -> Result<IndicatorSet, BadBase> {
        let base = Base::open(storage)?;
        Ok(IndicatorSet { base: Some(Arc::new(base)), changes: None })
    }

    /// The set in a base that was just made.
    ///
    /// # Errors
    /// [`BadBase`] for a [`Built`] that is none: the default one.
    pub fn of(built: Built) -> Result<IndicatorSet, BadBase> {
        IndicatorSet::open(Arc::new(built))
    }

    /// Builds a small set in one go, hashed at random. Two indicators with the same pattern stay two, each with its own
    /// id; one that cannot be matched is left out. For large ones there is [`Builder`].
    pub fn build(indicators: Vec<Indicator>) -> IndicatorSet {
        let random = || std::hash::RandomState::new().build_hasher().finish();
        let seed = (u128::from(random()) << 64 | u128::from(random())).to_le_bytes();
        let mut builder = Builder::new(Seed::from_octets(seed), ConfidentialKey::default());
        for indicator in &indicators {
            let _ = builder.add(indicator.id, (&indicator.pattern).into(), &indicator.into());
        }
        builder.finish().ok().and_then(|built| IndicatorSet::of(built).ok()).unwrap_or_default()
    }

    /// This set's base with these changes instead of those it had. What is removed must be in the base: it is counted,
    /// not looked up.
    ///
    /// # Errors
    /// [`NotBuilt`].
    pub fn with_overlay(&self, overlay: &Overlay) -> Result<IndicatorSet, NotBuilt> {
        if overlay.added.len() + overlay.removed.len() > OVERLAY_MAX_CHANGES {
            return Err(NotBuilt::TooManyChanges);
        }
        let Some(base) = self.base.clone() else {
            let mut builder = Builder::new(Seed::from_octets([0; 16]), ConfidentialKey::default());
            overlay.added.iter().try_for_each(|added| builder.add(added.id, (&added.pattern).into(), &added.into()))?;
            return Ok(IndicatorSet::of(builder.finish()?).unwrap_or_default());
        };
        // One seed for both, so that a name is hashed once.
        let mut builder = Builder::new(base.layout.seed, base.layout.key);
        overlay.added.iter().try_for_each(|added| builder.add(added.id, (&added.pattern).into(), &added.into()))?;
        let added = Base::open(Arc::new(builder.finish()?)).map_err(|_| NotBuilt::TooManyChanges)?;
        let mut removed: Vec<u64> = overlay.removed.iter().map(|id| id.0).collect();
        removed.sort_unstable();
        removed.dedup();
        Ok(IndicatorSet { base: Some(base), changes: Some(Arc::new(Changes { added, removed })) })
    }

    #[inline]
    fn parts(&self) -> Option<Parts<'_>> {
        let base = self.base.as_deref()?.view();
        let changes = self.changes.as_deref().map(|changes| (changes.added.view(), changes.removed.as_slice()));
        Some(Parts { base, changes })
    }

    /// The key that confidential indicators are hashed with, the base's and the changes' alike.
    pub fn confidential_key(&self) -> ConfidentialKey {
        self.base.as_deref().map(|base| base.layout.key).unwrap_or_default()
    }

    /// Whether any indicator is known by its keyed hash alone.
    pub fn has_confidential(&self) -> bool {
        self.parts().is_some_and(|parts| {
            parts.both(|layout| layout.hidden_labels | layout.hidden_v6 | u128::from(layout.hidden_v4)) > 0
        })
    }

    /// How many indicators it holds.
    pub fn len(&self) -> usize {
        let Some(parts) = self.parts() else { return 0 };
        let (added, removed) =
            parts.changes.map_or((0, 0), |(added, removed)| (added.layout.count, removed.len() as u64));
        usize::try_from(parts.base.layout.count.saturating_sub(removed).saturating_add(added)).unwrap_or(usize::MAX)
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Brings into memory what every question touches, so that the packet path does not wait for the disk. For whoever
    /// has just opened a mapped base, not for the packet path.
    pub fn touch(&self) {
        if let Some(parts) = self.parts() {
            std::hint::black_box(parts.base.touch());
        }
    }

    fn record<T>(&self, place: Place, read: impl FnOnce(View<'_>, Record<'_>) -> Option<T>) -> Option<T> {
        let parts = self.parts()?;
        let view = if place.0 & IN_OVERLAY == 0 { parts.base } else { parts.changes?.0 };
        view.record(place.0 & !IN_OVERLAY, |record| read(view, record))
    }

    /// When the indicator at a place holds.
    pub fn validity(&self, place: Place) -> Option<Validity> {
        self.record(place, |view, record| Some(view.entry(record)?.facts.validity))
    }

    /// The indicator at a place this set gave out. Put together anew each time, so only for what has matched.
    pub fn indicator(&self, place: Place) -> Option<Indicator> {
        self.record(place, |view, record| {
            let entry = view.entry(record)?;
            let id = IndicatorId(view.id(record));
            let target = target_of(record.key, entry.exact, id)?;
            let Facts { validity, confidence, severity, tlp, marks } = entry.facts;
            let pattern = Pattern { target, port: entry.port };
            Some(Indicator { id, pattern, validity, confidence, severity, tlp, marks })
        })
    }

    /// All indicators, those of the base first, in no order of meaning.
    pub fn indicators(&self) -> impl Iterator<Item = Indicator> + '_ {
        let parts = self.parts();
        let base = parts.into_iter().flat_map(|parts| {
            let kept = move |at: &u32| parts.base.record(*at, |record| Some(!parts.is_removed(record))) == Some(true);
            parts.base.places().filter(kept).map(Place)
        });
        let added = parts.and_then(|parts| parts.changes).into_iter();
        let added = added.flat_map(|(added, _)| added.places().map(|at| Place(at | IN_OVERLAY)));
        base.chain(added).filter_map(|place| self.indicator(place))
    }

    /// Tells `found` every indicator that matches `name`: the host that is it, domains that are it or stand above it,
    /// the longest first. Validity and port are the caller's to look at.
    pub fn match_name(&self, name: Name<'_>, mut found: impl FnMut(Place)) {
        let Some(parts) = self.parts() else { return };
        let labels_in_use = parts.both(|layout| layout.labels);
        // Which suffixes the filter lets pass, by the number of labels left of them: one in fifty of what is not listed.
        let mut passed = 0u128;
        parts.base.layout.seed.suffixes(name, |left, labels, hash| {
            if labels_in_use >> (labels - 1) & 1 == 1 && parts.may_hold(hash) {
                passed |= 1 << left;
            }
        });
        let hidden = parts.both(|layout| layout.hidden_labels);
        if passed | hidden == 0 {
            return;
        }
        let labels = name.label_count();
        for (left, suffix) in name.self_and_parents().enumerate() {
            if passed >> left & 1 == 1 {
                let (hash, _) = parts.base.layout.seed.name(suffix);
                parts.find_name(hash, Key { class: Class::Name, octets: suffix.octets() }, left == 0, &mut found);
            }
            if hidden >> (labels - left - 1) & 1 == 1 {
                let digest = parts.base.layout.key.name(suffix);
                let hash = parts.base.layout.seed.digest(&digest);
                if parts.may_hold(hash) {
                    parts.find_name(hash, Key { class: Class::HiddenName, octets: &digest }, left == 0, &mut found);
                }
            }
        }
    }

    /// Tells `found` every indicator that is this keyed hash of a name.
    pub fn match_hidden_name(&self, hidden: &Confidential, mut found: impl FnMut(Place)) {
        let Some(parts) = self.parts() else { return };
        let hash = parts.base.layout.seed.digest(&hidden.digest);
        if parts.may_hold(hash) {
            parts.find(hash, Key { class: Class::HiddenName, octets: &hidden.digest }, |place, _, _| found(place));
        }
    }

    /// Tells `found` every indicator that matches `address`: the address itself and each network that holds it, the
    /// smallest first; then, of one that a NAT64 leads to an IPv4 address, the same of that. Validity and port are the
    /// caller's to look at.
    pub fn match_address(&self, address: IpAddr, mut found: impl FnMut(Place)) {
        let Some(parts) = self.parts() else { return };
        let address = address.to_canonical();
        match_one(parts, address, &mut found);
        if let Some(behind) = behind_nat64(address) {
            match_one(parts, IpAddr::V4(behind), &mut found);
        }
    }

    /// Whether any indicator is a fingerprint of a TLS client: if none is, nobody need reckon them.
    pub fn has_ja4(&self) -> bool {
        self.parts().is_some_and(|parts| parts.both(|layout| layout.fingerprints) > 0)
    }

    /// Tells `found` every indicator that is this fingerprint. Validity is the caller's to look at.
    pub fn match_ja4(&self, fingerprint: &Ja4, mut found: impl FnMut(Place)) {
        let Some(parts) = self.parts() else { return };
        if parts.both(|layout| layout.fingerprints) == 0 {
            return;
        }
        let hash = parts.base.layout.seed.ja4(fingerprint);
        if parts.may_hold(hash) {
            parts.find(hash, Key { class: Class::Ja4, octets: fingerprint.octets() }, |place, _, _| found(place));
        }
    }
}

/// The IPv4 address that a NAT64 with the well-known prefix sends packets to this address on to (RFC 6052 section 2.1):
/// `64:ff9b::cb00:7142` is 203.0.113.66. Networks with a prefix of their own are not seen through.
pub fn behind_nat64(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(v6) => {
            (v6.to_bits() >> 32 == 0x0064_ff9b_u128 << 64).then(|| Ipv4Addr::from_bits(v6.to_bits() as u32))
        }
    }
}

fn match_one(parts: Parts<'_>, address: IpAddr, found: &mut impl FnMut(Place)) {
    match address {
        IpAddr::V4(v4) => match_v4(parts, v4.to_bits(), found),
        IpAddr::V6(v6) => match_v6(parts, v6.to_bits(), found),
    }
    let hidden = match address {
        IpAddr::V4(_) => u128::from(parts.both(|layout| layout.hidden_v4) & u64::from(u32::MAX)),
        IpAddr::V6(_) => parts.both(|layout| layout.hidden_v6),
    };
    for prefix in prefixes(hidden) {
        let digest = parts.base.layout.key.network(address, prefix);
        let hash = parts.base.layout.seed.digest(&digest);
        if !parts.may_hold(hash) {
            continue;
        }
        let mut octets = [0; 17];
        let (first, rest) = octets.split_at_mut(1);
        first.copy_from_slice(&[prefix]);
        rest.copy_from_slice(&digest);
        let key = match (address, prefix) {
            (IpAddr::V4(_), 32) => Key { class: Class::HiddenIpv4, octets: &digest },
            (IpAddr::V6(_), 128) => Key { class: Class::HiddenIpv6, octets: &digest },
            (IpAddr::V4(_), _) => Key { class: Class::HiddenNetworkV4, octets: &octets },
            (IpAddr::V6(_), _) => Key { class: Class::HiddenNetworkV6, octets: &octets },
        };
        parts.find(hash, key, |place, _, _| found(place));
    }
}

/// The prefix lengths in a mask, the longest first.
fn prefixes(mask: u128) -> impl Iterator<Item = u8> {
    let mut left = mask;
    std::iter::from_fn(move || {
        let bit = left.checked_ilog2()?;
        left &= !(1 << bit);
        Some(bit as u8 + 1)
    })
}

fn match_v4(parts: Parts<'_>, address: u32, found: &mut impl FnMut(Place)) {
    const WHOLE: u64 = 1 << 31;
    let in_use = parts.both(|layout| layout.v4) & u64::from(u32::MAX);
    if in_use & WHOLE != 0 {
        ask_v4(parts, address, 32, found);
    }
    // Nearly every address lies where there is no network: then nothing is asked of any.
    if parts.base.may_hold_v4(address) || parts.changes.is_some_and(|(added, _)| added.may_hold_v4(address)) {
        prefixes((in_use & !WHOLE).into()).for_each(|prefix| ask_v4(parts, address, prefix, found));
    }
}

#[inline]
fn ask_v4(parts: Parts<'_>, address: u32, prefix: u8, found: &mut impl FnMut(Place)) {
    let first = address & mask_v4(prefix);
    let hash = parts.base.layout.seed.v4(first, prefix);
    if !parts.may_hold(hash) {
        return;
    }
    let [a, b, c, d] = first.to_be_bytes();
    let (address, network) = ([a, b, c, d], [prefix, a, b, c, d]);
    let key = match prefix {
        32 => Key { class: Class::Ipv4, octets: &address },
        _ => Key { class: Class::NetworkV4, octets: &network },
    };
    parts.find(hash, key, |place, _, _| found(place));
}

fn match_v6(parts: Parts<'_>, address: u128, found: &mut impl FnMut(Place)) {
    for prefix in prefixes(parts.both(|layout| layout.v6)) {
        let first = address & mask_v6(prefix);
        let hash = parts.base.layout.seed.v6(first, prefix);
        if !parts.may_hold(hash) {
            continue;
        }
        let address = first.to_be_bytes();
        let mut network = [prefix; 17];
        if let Some((_, rest)) = network.split_first_mut() {
            rest.copy_from_slice(&address);
        }
        let key = match prefix {
            128 => Key { class: Class::Ipv6, octets: &address },
            _ => Key { class: Class::NetworkV6, octets: &network },
        };
        parts.find(hash, key, |place, _, _| found(place));
    }
}

/// What a record's key stands for; nothing where a base holds what no list can.
fn target_of(key: Key<'_>, exact: bool, number: IndicatorId) -> Option<Target> {
    let hidden = |of: Hidden, digest: &[u8]| {
        let digest = *digest.first_chunk::<16>()?;
        Some(Target::Confidential(Confidential { number, of, digest }))
    };
    let octets = key.octets;
    match key.class {
        Class::Name => {
            let name = Name::from_canonical(octets).ok().filter(|name| !name.is_root())?.to_owned();
            Some(if exact { Target::Host(name) } else { Target::Domain(name) })
        }
        Class::Ipv4 => Some(Target::Address(IpAddr::from(*octets.first_chunk::<4>()?))),
        Class::Ipv6 => Some(Target::Address(IpAddr::from(*octets.first_chunk::<16>()?))),
        Class::NetworkV4 => {
            let (&prefix, rest) = octets.split_first()?;
            let first = IpAddr::from(*rest.first_chunk::<4>()?);
            (1..32).contains(&prefix).then_some(Target::Network { first, prefix })
        }
        Class::NetworkV6 => {
            let (&prefix, rest) = octets.split_first()?;
            let first = IpAddr::from(*rest.first_chunk::<16>()?);
            (1..128).contains(&prefix).then_some(Target::Network { first, prefix })
        }
        Class::Ja4 => Some(Target::Ja4(Ja4::from_octets(octets).ok()?)),
        Class::HiddenName => hidden(if exact { Hidden::Host } else { Hidden::Domain }, octets),
        Class::HiddenIpv4 => hidden(Hidden::Ipv4, octets),
        Class::HiddenIpv6 => hidden(Hidden::Ipv6, octets),
        Class::HiddenNetworkV4 => {
            let (&prefix, rest) = octets.split_first()?;
            hidden(Hidden::NetworkV4(prefix), rest)
        }
        Class::HiddenNetworkV6 => {
            let (&prefix, rest) = octets.split_first()?;
            hidden(Hidden::NetworkV6(prefix), rest)
        }
    }
}
