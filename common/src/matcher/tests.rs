//! What the set promises: it agrees with asking every indicator, whatever way it was made; and no octets harm it.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;
use crate::indicator::{Marks, Severity};
use crate::name::DomainName;
use crate::pattern::{PatternRef, TargetRef};
use crate::time::Timestamp;
use crate::tlp::Tlp;
use proptest::prelude::*;

const SEED: [u8; 16] = *b"a seed for tests";
const KEY: ConfidentialKey = ConfidentialKey([7; 32]);

fn indicators(list: &[&str]) -> Vec<Indicator> {
    let list = list.iter().enumerate();
    list.map(|(n, p)| Indicator::bare(IndicatorId(n as u64), p.parse().unwrap())).collect()
}

fn set(list: &[&str]) -> IndicatorSet {
    IndicatorSet::build(indicators(list))
}

fn built(indicators: &[Indicator]) -> Vec<u8> {
    let mut builder = Builder::new(Seed::from_octets(SEED), KEY);
    for indicator in indicators {
        builder.add(indicator.id, (&indicator.pattern).into(), &indicator.into()).unwrap();
    }
    builder.finish().unwrap().into_octets()
}

fn open(octets: Vec<u8>) -> Result<IndicatorSet, BadBase> {
    IndicatorSet::open(Arc::new(octets))
}

/// What a question met, as plain lists write it, in the order found.
fn met(set: &IndicatorSet, ask: impl FnOnce(&IndicatorSet, &mut dyn FnMut(Place))) -> Vec<String> {
    let mut found = Vec::new();
    ask(set, &mut |place| found.push(set.indicator(place).unwrap().pattern.to_plain()));
    found
}

fn sorted(mut found: Vec<String>) -> Vec<String> {
    found.sort();
    found
}

fn names(set: &IndicatorSet, name: &str) -> Vec<String> {
    let name = DomainName::parse(name).unwrap();
    sorted(met(set, |set, found| set.match_name(name.as_name(), found)))
}

fn addresses(set: &IndicatorSet, address: &str) -> Vec<String> {
    sorted(met(set, |set, found| set.match_address(address.parse().unwrap(), found)))
}

/// Records walked over while each of these names is asked for, in a list of them all compiled with a seed.
fn walked(seed: Seed, names: &[DomainName]) -> u64 {
    let mut builder = Builder::new(seed, KEY);
    for (id, name) in names.iter().enumerate() {
        let pattern = PatternRef { target: TargetRef::Domain(name.as_name()), port: None };
        builder.add(IndicatorId(id as u64), pattern, &Facts::default()).unwrap();
    }
    let set = IndicatorSet::of(builder.finish().unwrap()).unwrap();
    super::base::WALKED.set(0);
    for name in names {
        let mut met = 0;
        set.match_name(name.as_name(), |_| met += 1);
        assert_eq!(met, 1);
    }
    super::base::WALKED.get()
}

#[test]
fn s5_names_crafted_against_a_known_seed_cost_no_more_than_twice_others() {
    const COUNT: usize = 1_000;
    // Names are held in lower case: one of the seeds that can be attacked in letters.
    let known = (0..=255).map(|octet| Seed::from_octets([octet; 16]));
    let known = known.into_iter().find(|seed| !seed.forgetful().iter().any(u8::is_ascii_uppercase)).unwrap();
    let name = |label: &[u8]| {
        let mut name = crate::name::NameBuf::new();
        name.push_label(label).unwrap();
        name.push_label(b"no").unwrap();
        name.as_name().to_owned()
    };
    let crafted: Vec<DomainName> =
        (0..COUNT).map(|n| name(&[&known.forgetful()[..], format!("{n:08}").as_bytes()].concat())).collect();
    let others: Vec<DomainName> = (0..COUNT).map(|n| name(format!("{:016}", n * 7_919).as_bytes())).collect();
    let drawn = Seed::from_octets(*b"drawn at random.");
    let usual = walked(drawn, &others);
    let attacked = walked(drawn, &crafted);
    assert!(attacked <= 2 * usual, "{attacked} records walked over where {usual} are usual");
    let bitten = walked(known, &crafted);
    assert!(bitten > 50 * usual, "the names are no attack: {bitten} records walked over where {usual} are usual");
}

#[test]
fn domains_match_below_hosts_do_not_lookalikes_never() {
    let set = set(&["evil.no", "=www.evil.no", "deep.evil.no", "evil.no:8443"]);
    assert_eq!(names(&set, "EVIL.no"), ["evil.no", "evil.no:8443"]);
    assert_eq!(names(&set, "www.evil.no"), ["=www.evil.no", "evil.no", "evil.no:8443"]);
    assert_eq!(names(&set, "a.www.evil.no"), ["evil.no", "evil.no:8443"]);
    assert_eq!(names(&set, "a.deep.evil.no"), ["deep.evil.no", "evil.no", "evil.no:8443"]);
    for other in ["notevil.no", "evil.no.com", "vil.no", "no", "evil.com", "evil\\046no", "."] {
        assert!(names(&set, other).is_empty(), "{other}");
    }
}

#[test]
fn networks_end_where_they_end() {
    let set = set(&["192.0.2.128/25", "192.0.2.200", "192.0.2.0/24", "2001:db8::/32", "2001:db8::1", "10.0.0.0/8"]);
    assert_eq!(addresses(&set, "192.0.2.127"), ["192.0.2.0/24"]);
    assert_eq!(addresses(&set, "192.0.2.200"), ["192.0.2.0/24", "192.0.2.128/25", "192.0.2.200"]);
    assert_eq!(addresses(&set, "::ffff:192.0.2.1"), ["192.0.2.0/24"]);
    // A NAT64 with the well-known prefix leads there; one of another length, or another prefix, says nothing to us.
    assert_eq!(addresses(&set, "64:ff9b::192.0.2.1"), ["192.0.2.0/24"]);
    for other in ["64:ff9b:1::192.0.2.1", "64:ff9b::1:c000:201", "64:ff9a::192.0.2.1", "2001:db8:1::192.0.2.1"] {
        assert!(!addresses(&set, other).contains(&"192.0.2.0/24".to_owned()), "{other}");
    }
    assert!(addresses(&set, "192.0.3.0").is_empty());
    assert!(addresses(&set, "192.0.1.255").is_empty());
    assert_eq!(addresses(&set, "10.255.255.255"), ["10.0.0.0/8"]);
    assert!(addresses(&set, "11.0.0.0").is_empty());
    assert_eq!(addresses(&set, "2001:db8::1"), ["2001:db8::/32", "2001:db8::1"]);
    assert!(addresses(&set, "2001:db9::").is_empty());
    assert!(addresses(&set, "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff").is_empty());
}

#[test]
fn the_most_particular_comes_first() {
    let set =
        set(&["no", "evil.no:8443", "evil.no", "=a.evil.no", "a.evil.no", "10.0.0.0/8", "10.0.0.1", "10.0.0.0/24"]);
    let name = DomainName::parse("a.evil.no").unwrap();
    let found = met(&set, |set, found| set.match_name(name.as_name(), found));
    assert_eq!(found, ["=a.evil.no", "a.evil.no", "evil.no", "evil.no:8443", "no"]);
    let found = met(&set, |set, found| set.match_address("10.0.0.1".parse().unwrap(), found));
    assert_eq!(found, ["10.0.0.1", "10.0.0.0/24", "10.0.0.0/8"]);
}

/// Indicators that differ in everything that can.
fn varied() -> Vec<Indicator> {
    let mut list = indicators(&[
        "evil.example",
        "=www.evil.example",
        "evil.example:8443",
        "192.0.2.1",
        "[2001:db8::1]:443",
        "198.51.100.0/24",
        "2001:db8:1::/48",
        "ja4:t13d1516h2_8daaf6152771_e5627efa2ab1",
    ]);
    list[0].id = IndicatorId(1 << 40);
    list[1].confidence = 99;
    list[1].validity = Validity { from: Some(Timestamp(i64::MIN)), until: Some(Timestamp(i64::MAX)) };
    list[2].severity = Severity::Critical;
    list[3].tlp = Tlp::Clear;
    list[4].marks = Marks { exercise: true, retro: true };
    list
}

#[test]
fn an_indicator_comes_back_as_it_was() {
    let list = varied();
    let set = open(built(&list)).unwrap();
    let by_id = |mut list: Vec<Indicator>| {
        list.sort_by_key(|indicator| indicator.id);
        list
    };
    assert_eq!(by_id(set.indicators().collect()), by_id(list.clone()));
    assert_eq!(set.len(), list.len());
    set.touch();
}

#[test]
fn two_indicators_with_one_pattern_stay_two_unless_asked() {
    let list = indicators(&["evil.no", "evil.no", "10.0.0.1", "10.0.0.1", "EVIL.no", "=evil.no", "evil.no:1"]);
    assert_eq!(IndicatorSet::build(list.clone()).len(), 7);
    assert_eq!(names(&IndicatorSet::build(list.clone()), "evil.no").len(), 5);
    let mut builder = Builder::new(Seed::from_octets(SEED), KEY).each_pattern_once();
    for indicator in list.iter().rev() {
        builder.add(indicator.id, (&indicator.pattern).into(), &indicator.into()).unwrap();
    }
    let set = IndicatorSet::of(builder.finish().unwrap()).unwrap();
    let mut ids: Vec<u64> = set.indicators().map(|indicator| indicator.id.0).collect();
    ids.sort_unstable();
    assert_eq!((set.len(), ids), (4, vec![0, 2, 5, 6]));
}

#[test]
fn too_many_alike_are_refused_by_name_and_no_bucket_is_endless() {
    let mut builder = Builder::new(Seed::from_octets(SEED), KEY);
    let pattern: Pattern = "evil.no".parse().unwrap();
    (0..60_000).for_each(|n| builder.add(IndicatorId(n), (&pattern).into(), &Facts::default()).unwrap());
    assert!(matches!(builder.finish(), Err(NotBuilt::TooManyAlike(_))));
}

#[test]
fn confidential_indicators_match_and_stay_unread() {
    let clear =
        ["secret.example", "=www.hidden.example", "192.0.2.7", "198.51.100.0/24:443", "2001:db8::/32", "2001:db9::1"];
    let mut builder = Builder::new(Seed::from_octets(SEED), KEY);
    for indicator in indicators(&clear) {
        builder.add_confidential(indicator.id, (&indicator.pattern).into(), &(&indicator).into()).unwrap();
    }
    let open_one: Pattern = "open.example".parse().unwrap();
    builder.add(IndicatorId(6), (&open_one).into(), &Facts::default()).unwrap();
    let octets = builder.finish().unwrap().into_octets();
    for secret in [&b"secret"[..], b"hidden", &[192, 0, 2, 7], &[198, 51, 100]] {
        assert!(!octets.windows(secret.len()).any(|window| window == secret), "{secret:?}");
    }
    let set = open(octets).unwrap();
    assert_eq!(names(&set, "a.b.secret.example"), ["confidential indicator 0"]);
    assert_eq!(names(&set, "www.hidden.example"), ["confidential indicator 1"]);
    assert_eq!(names(&set, "a.open.example"), ["open.example"]);
    for other in ["a.www.hidden.example", "hidden.example", "ecret.example", "example"] {
        assert!(names(&set, other).is_empty(), "{other}");
    }
    assert_eq!(addresses(&set, "192.0.2.7"), ["confidential indicator 2"]);
    assert_eq!(addresses(&set, "198.51.100.200"), ["confidential indicator 3"]);
    assert_eq!(addresses(&set, "2001:db8:9::1"), ["confidential indicator 4"]);
    assert_eq!(addresses(&set, "2001:db9::1"), ["confidential indicator 5"]);
    assert!(addresses(&set, "192.0.2.8").is_empty() && addresses(&set, "2001:db9::2").is_empty());
    let kinds: Vec<String> = {
        let mut all: Vec<Indicator> = set.indicators().collect();
        all.sort_by_key(|indicator| indicator.id);
        assert_eq!(all[3].pattern.port, Some(443), "the port is needed and stays");
        all.iter().map(|indicator| indicator.pattern.kind().to_string()).collect()
    };
    assert_eq!(kinds, ["domain", "host", "ipv4", "network", "network", "ipv6", "domain"]);
    let wrong_key = Builder::new(Seed::from_octets(SEED), ConfidentialKey([8; 32]));
    let mut wrong_key = wrong_key;
    let all: Vec<Indicator> = set.indicators().collect();
    all.iter().for_each(|i| wrong_key.add(i.id, (&i.pattern).into(), &i.into()).unwrap());
    let set = IndicatorSet::of(wrong_key.finish().unwrap()).unwrap();
    assert!(names(&set, "secret.example").is_empty(), "without its key a hash meets nothing");
}

#[test]
fn an_overlay_takes_away_and_adds_and_leaves_the_base_as_it_was() {
    let base = set(&["gone.no", "kept.no", "10.0.0.0/24"]);
    let mut changed = indicators(&["kept.no:443", "new.no", "2001:db8::1", "kept.no"]);
    changed[1].id = IndicatorId(9);
    let overlay = Overlay { added: changed[..3].to_vec(), removed: vec![IndicatorId(0), IndicatorId(2)] };
    let set = base.with_overlay(&overlay).unwrap();
    assert_eq!((set.len(), set.indicators().count()), (4, 4));
    assert!(names(&set, "gone.no").is_empty() && addresses(&set, "10.0.0.1").is_empty());
    assert_eq!(names(&set, "a.kept.no"), ["kept.no", "kept.no:443"]);
    assert_eq!(names(&set, "new.no"), ["new.no"]);
    assert_eq!(addresses(&set, "2001:db8::1"), ["2001:db8::1"]);
    assert_eq!((names(&base, "gone.no"), base.len()), (vec!["gone.no".to_owned()], 3));
    let again = set.with_overlay(&Overlay::default()).unwrap();
    assert_eq!(again.len(), 3, "an overlay is over the base, not over the overlay before");
    let alone = IndicatorSet::default().with_overlay(&overlay).unwrap();
    assert_eq!(names(&alone, "new.no"), ["new.no"]);
    let too_many = Overlay { added: Vec::new(), removed: vec![IndicatorId(1); OVERLAY_MAX_CHANGES + 1] };
    assert_eq!(base.with_overlay(&too_many).map(|set| set.len()), Err(NotBuilt::TooManyChanges));
}

#[test]
fn nothing_matches_nothing() {
    for set in [IndicatorSet::default(), IndicatorSet::build(Vec::new())] {
        assert!(set.is_empty() && names(&set, "a.no").is_empty() && addresses(&set, "10.0.0.1").is_empty());
        assert_eq!(set.indicator(Place(0)), None);
        assert_eq!(set.indicator(Place(IN_OVERLAY)), None);
    }
    let mut builder = Builder::new(Seed::from_octets(SEED), KEY);
    let root = PatternRef { target: TargetRef::Domain(Name::ROOT), port: None };
    assert_eq!(builder.add(IndicatorId(3), root, &Facts::default()), Err(NotBuilt::NoPattern(IndicatorId(3))));
}

/// The file as version 1 has it. When this fails, the format has changed: that is another version.
#[test]
fn version_1_golden_file() {
    let octets = built(&varied());
    let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let behind_the_map = hex.get(2 * 8576..).unwrap();
    assert_eq!(blake3::hash(&octets).to_hex().as_str(), GOLDEN_BLAKE3, "{behind_the_map}");
    let set = open(octets).unwrap();
    assert_eq!(names(&set, "www.evil.example"), ["=www.evil.example", "evil.example", "evil.example:8443"]);
}

const GOLDEN_BLAKE3: &str = "dcfef60f589804801df130ccd53ef69f50bde732b272d4c4c138a7ca76888375";

/// Asks everything there is to ask; what comes back does not matter, that it comes does.
fn ask_all(set: &IndicatorSet) {
    for name in ["a.www.evil.example", "www.evil.example", "x.no", "."] {
        let name = DomainName::parse(name).unwrap();
        set.match_name(name.as_name(), |place| {
            let _ = set.indicator(place);
        });
    }
    for address in ["192.0.2.1", "198.51.100.7", "2001:db8::1", "2001:db8:1::7", "255.255.255.255"] {
        set.match_address(address.parse().unwrap(), |place| {
            let _ = (set.indicator(place), set.validity(place));
        });
    }
    set.match_ja4(&"t13d1516h2_8daaf6152771_e5627efa2ab1".parse().unwrap(), |place| {
        let _ = set.indicator(place);
    });
    for place in [0, 1, 77, u32::MAX] {
        let _ = set.indicator(Place(place));
    }
    set.touch();
    assert!(set.indicators().count() <= 10_000);
}

#[test]
fn a_base_with_any_octet_changed_or_cut_anywhere_is_refused_or_harmless() {
    let octets = built(&varied());
    let map = Layout::read(&octets, octets.len()).unwrap().map;
    let worth_changing = (0..octets.len()).filter(|at| !map.contains(at) || at % 512 == 0);
    let mut opened = 0;
    for at in worth_changing {
        for change in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
            let mut changed = octets.clone();
            changed[at] ^= change;
            if let Ok(set) = open(changed) {
                opened += 1;
                ask_all(&set);
            }
        }
    }
    assert!(opened > 0, "changes behind the header are for the hash to find");
    for len in (0..octets.len()).step_by(7) {
        assert!(open(octets[..len].to_vec()).is_err(), "{len}");
    }
    let longer = [&octets[..], &[0; 64]].concat();
    assert!(open(longer).is_err());
}

use base::Layout;

#[test]
fn a_bucket_that_claims_everything_is_walked_no_further_than_its_bound() {
    let list: Vec<String> = (0..40_000).map(|n| format!("n{n}.example")).collect();
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    let mut octets = built(&indicators(&list));
    let layout = Layout::read(&octets, octets.len()).unwrap();
    // Every bucket from the first record to the last.
    for at in layout.buckets.clone().step_by(4) {
        octets[at..at + 4].copy_from_slice(&0u32.to_le_bytes());
    }
    let last = layout.buckets.end - 4;
    octets[last..].first_chunk_mut::<4>().unwrap().copy_from_slice(&u32::MAX.to_le_bytes());
    let set = open(octets).unwrap();
    let base = set.base.as_deref().unwrap().view();
    let mut walked = 0;
    base.find(u64::MAX, Key { class: Class::Ja4, octets: &[] }, |_, _| walked += 1);
    assert_eq!(walked, 0);
}

#[test]
fn b3_no_decoy_ever_matches_among_a_million() {
    let mut builder = Builder::new(Seed::from_octets(SEED), KEY);
    let facts = Facts::default();
    let mut buffer = crate::name::NameBuf::new();
    for n in 0..1_000_000u64 {
        let target = match n % 50 {
            0..10 => TargetRef::Address(Ipv4Addr::from_bits((n as u32).wrapping_mul(2_654_435_761)).into()),
            10 => TargetRef::Network { first: Ipv4Addr::from_bits((n as u32) << 12 | 1 << 31).into(), prefix: 24 },
            _ => {
                buffer.clear();
                for label in [format!("x{n}").as_bytes(), b"evil", b"example"] {
                    buffer.push_label(label).unwrap();
                }
                TargetRef::Domain(buffer.as_name())
            }
        };
        builder.add(IndicatorId(n), PatternRef { target, port: None }, &facts).unwrap();
    }
    let built = builder.finish().unwrap();
    assert!(built.as_ref().len() < 32_000_000, "{}", built.as_ref().len());
    let set = IndicatorSet::of(built).unwrap();
    assert_eq!(set.len(), 1_000_000);
    for n in 0..20_000u64 {
        for decoy in
            [format!("y{n}.evil.example"), format!("x{}.evil.example", n + 1_000_000), format!("x{n}.evil.exampl")]
        {
            set.match_name(DomainName::parse(&decoy).unwrap().as_name(), |_| panic!("{decoy}"));
        }
        let listed = DomainName::parse(&format!("a.x{n}.evil.example")).unwrap();
        let mut found = 0;
        set.match_name(listed.as_name(), |_| found += 1);
        assert_eq!(found, usize::from(n % 50 > 10), "{listed}");
    }
}

/// The slow way: every indicator is asked.
fn name_meets(target: &Target, name: &str) -> bool {
    match target {
        Target::Domain(d) => name == d.to_string() || name.ends_with(&format!(".{d}")),
        Target::Host(h) => name == h.to_string(),
        Target::Address(_) | Target::Network { .. } | Target::Ja4(_) | Target::Confidential(_) => false,
    }
}

fn address_meets(target: &Target, address: IpAddr) -> bool {
    match target {
        Target::Address(a) => *a == address,
        target => target.network().is_some_and(|network| network.contains(&address)),
    }
}

/// Puts a question and tells what was found.
type Ask<'a> = dyn Fn(&mut dyn FnMut(Place)) + 'a;

fn ids(found: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut ids: Vec<u64> = found.collect();
    ids.sort_unstable();
    ids
}

proptest! {
    #[test]
    fn agrees_with_asking_every_indicator(
        list in prop::collection::vec(
            "(=?[ab]\\.[ab](\\.[ab])?(:[12])?)|(10\\.0\\.[0-3]\\.[0-3](/([1-9]|1[0-9]|2[0-9]|30|31))?(:[12])?)|(2001:db8::[0-3](/(1|16|64|12[0-8]))?)|(ja4:t13d151[0-3]h2_8daaf6152771_e5627efa2ab1)",
            0..40),
        hidden in prop::collection::vec(any::<bool>(), 40),
        in_base in prop::collection::vec(any::<bool>(), 40),
        removed in prop::collection::vec(any::<bool>(), 40),
        asked in prop::collection::vec("[ab](\\.[ab]){1,3}", 10),
        hosts in prop::collection::vec((0u8..4, 0u8..4), 10),
        seed: [u8; 16],
    ) {
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        let list = indicators(&list);
        let is_hidden = |i: &Indicator| hidden[i.id.0 as usize] && !matches!(i.pattern.target, Target::Ja4(_));
        let of_base = |i: &Indicator| in_base[i.id.0 as usize];
        let is_gone = |i: &Indicator| of_base(i) && removed[i.id.0 as usize];
        let mut builder = Builder::new(Seed::from_octets(seed), KEY);
        // What a hidden one looks like where it is added later: it comes from the collector as a hash.
        let mut hider = Builder::new(Seed::from_octets(seed), KEY);
        let mut added = Vec::new();
        for i in &list {
            let pattern = (&i.pattern).into();
            match (of_base(i), is_hidden(i)) {
                (true, true) => builder.add_confidential(i.id, pattern, &i.into()).unwrap(),
                (true, false) => builder.add(i.id, pattern, &i.into()).unwrap(),
                (false, true) => hider.add_confidential(i.id, pattern, &i.into()).unwrap(),
                (false, false) => added.push(i.clone()),
            }
        }
        added.extend(IndicatorSet::of(hider.finish().unwrap()).unwrap().indicators());
        let removed = list.iter().filter(|i| is_gone(i)).map(|i| i.id).collect();
        let base = IndicatorSet::of(builder.finish().unwrap()).unwrap();
        let set = base.with_overlay(&Overlay { added, removed }).unwrap();
        prop_assert_eq!(set.len(), list.iter().filter(|i| !is_gone(i)).count());
        let slow = |meets: &dyn Fn(&Target) -> bool| {
            ids(list.iter().filter(|i| !is_gone(i) && meets(&i.pattern.target)).map(|i| i.id.0))
        };
        let fast = |ask: &Ask<'_>| {
            let mut found = Vec::new();
            ask(&mut |place| {
                let indicator = set.indicator(place).unwrap();
                let listed = &list[indicator.id.0 as usize];
                assert_eq!((indicator.pattern.kind(), indicator.pattern.port), (listed.pattern.kind(), listed.pattern.port));
                assert_eq!(indicator.pattern.is_confidential(), is_hidden(listed));
                found.push(indicator.id.0);
            });
            ids(found.into_iter())
        };
        for name in &asked {
            let parsed = DomainName::parse(name).unwrap();
            prop_assert_eq!(fast(&|found| set.match_name(parsed.as_name(), found)), slow(&|target| name_meets(target, name)), "{}", name);
        }
        for (c, d) in hosts {
            for address in [Ipv4Addr::new(10, 0, c, d).into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, c.into(), d.into()).into()] {
                prop_assert_eq!(fast(&|found| set.match_address(address, found)), slow(&|target| address_meets(target, address)), "{}", address);
            }
            let ja4 = format!("t13d151{d}h2_8daaf6152771_e5627efa2ab1").parse().unwrap();
            prop_assert_eq!(fast(&|found| set.match_ja4(&ja4, found)), slow(&|target| *target == Target::Ja4(ja4)));
        }
    }

    #[test]
    fn random_octets_are_no_base_and_a_torn_one_harms_nobody(at in 0usize..1000, junk in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(open(junk.clone()).is_err());
        let mut torn = built(&varied());
        let at = at % torn.len();
        for (to, from) in torn[at..].iter_mut().zip(&junk) {
            *to = *from;
        }
        if let Ok(set) = open(torn) {
            ask_all(&set);
        }
    }
}
