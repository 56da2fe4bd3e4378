//! The next root document, drafted from the one in force: who comes in, who goes out, and what would be foolish about it.

use std::str::FromStr;
use std::time::Duration;

use ed25519_dalek::VerifyingKey;
use varde_common::time::Timestamp;
use varde_common::trust::{Role, Roles, Root, from_hex, hex, key_id};

use crate::limits::ROOT_WARN_DAYS;

/// The roles a key may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleName {
    /// Signs root documents.
    Root,
    /// Signs lists.
    List,
    /// Says which list is the newest.
    Timestamp,
    /// Signs hunts.
    Hunt,
    /// Signs orders of the brake.
    Brake,
}

impl RoleName {
    /// All of them, in the order in which they are told.
    pub const ALL: [RoleName; 5] =
        [RoleName::Root, RoleName::List, RoleName::Timestamp, RoleName::Hunt, RoleName::Brake];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            RoleName::Root => "root",
            RoleName::List => "list",
            RoleName::Timestamp => "timestamp",
            RoleName::Hunt => "hunt",
            RoleName::Brake => "brake",
        }
    }

    /// What its keys do, for people.
    pub fn task(self) -> &'static str {
        match self {
            RoleName::Root => "signs root documents: says who may do what",
            RoleName::List => "signs lists: what sensors look for",
            RoleName::Timestamp => "says every hour which list is the newest",
            RoleName::Hunt => "signs searches in members' history",
            RoleName::Brake => "has single indicators counted only, for a day at most",
        }
    }

    /// The role in a document.
    pub fn of(self, roles: &Roles) -> &Role {
        match self {
            RoleName::Root => &roles.root,
            RoleName::List => &roles.list,
            RoleName::Timestamp => &roles.timestamp,
            RoleName::Hunt => &roles.hunt,
            RoleName::Brake => &roles.brake,
        }
    }

    fn of_mut(self, roles: &mut Roles) -> &mut Role {
        match self {
            RoleName::Root => &mut roles.root,
            RoleName::List => &mut roles.list,
            RoleName::Timestamp => &mut roles.timestamp,
            RoleName::Hunt => &mut roles.hunt,
            RoleName::Brake => &mut roles.brake,
        }
    }
}

impl FromStr for RoleName {
    type Err = String;

    fn from_str(text: &str) -> Result<RoleName, String> {
        RoleName::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is no role; there are root, list, timestamp, hunt and brake"))
    }
}

/// `ROLE=KEY`: a public key as `key make` prints it (64 hex digits), or the id of one that the document knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    /// The role.
    pub role: RoleName,
    /// As given.
    pub key: String,
}

impl FromStr for Keyed {
    type Err = String;

    fn from_str(text: &str) -> Result<Keyed, String> {
        let (role, key) = text.split_once('=').ok_or("give ROLE=KEY, such as list=4f2a…")?;
        let key = key.trim().to_ascii_lowercase();
        let long_enough = key.len() == 32 || key.len() == 64;
        if long_enough && key.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Keyed { role: role.trim().parse()?, key })
        } else {
            Err("a key is its id (32 hex digits) or its public key (64), as `varde-collector key make` prints both"
                .into())
        }
    }
}

/// `ROLE=NUMBER`: how many keys of a role must sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// The role.
    pub role: RoleName,
    /// How many.
    pub keys: u32,
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Threshold, String> {
        let (role, keys) = text.split_once('=').ok_or("give ROLE=NUMBER, such as root=2")?;
        let keys = keys.trim().parse().ok().filter(|keys| *keys > 0).ok_or("how many keys must sign: 1 or more")?;
        Ok(Threshold { role: role.trim().parse()?, keys })
    }
}

/// What is to be different.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Keys that come into a role.
    pub add: Vec<Keyed>,
    /// Keys that go out of a role.
    pub retire: Vec<Keyed>,
    /// How many must sign.
    pub thresholds: Vec<Threshold>,
    /// SHA-256 of CAs that come in.
    pub add_ca: Vec<String>,
    /// SHA-256 of CAs that go out.
    pub retire_ca: Vec<String>,
}

/// The next document after `root`, good for so many days from now.
///
/// # Errors
/// What cannot be: a key that nobody knows, a role without that key, a CA that is not there.
pub fn next(root: &Root, changes: &Changes, now: Timestamp, days: u32) -> Result<Root, String> {
    let mut next = root.clone();
    next.version = root.version.saturating_add(1);
    next.expires = now.plus(Duration::from_secs(u64::from(days) * 86_400));
    for Keyed { role, key } in &changes.add {
        let id = match from_hex::<32>(key) {
            Some(octets) => {
                let public =
                    VerifyingKey::from_bytes(&octets).map_err(|_| format!("{key} is no Ed25519 public key"))?;
                let id = key_id(&public);
                next.keys.insert(id.clone(), hex(&octets));
                id
            }
            None if next.keys.contains_key(key) => key.clone(),
            None => return Err(format!("no key {key} is known; give its public key, 64 hex digits")),
        };
        if !role.of_mut(&mut next.roles).keys.insert(id) {
            return Err(format!("{key} has the role {} already", role.as_str()));
        }
        let role = role.of_mut(&mut next.roles);
        role.threshold = role.threshold.max(1);
    }
    for Keyed { role, key } in &changes.retire {
        let octets = from_hex::<32>(key).and_then(|octets| VerifyingKey::from_bytes(&octets).ok());
        let id = octets.map_or_else(|| key.clone(), |public| key_id(&public));
        if !role.of_mut(&mut next.roles).keys.remove(&id) {
            return Err(format!("{key} does not have the role {}; see: varde-collector root show", role.as_str()));
        }
    }
    for Threshold { role, keys } in &changes.thresholds {
        role.of_mut(&mut next.roles).threshold = *keys;
    }
    next.ca.extend(changes.add_ca.iter().cloned());
    for ca in &changes.retire_ca {
        if !next.ca.remove(ca) {
            return Err(format!("{ca} is no CA of the root document; see: varde-collector root show"));
        }
    }
    // A key without any role is of no use, and its owner would be asked for it.
    let used: Vec<String> = RoleName::ALL.iter().flat_map(|role| role.of(&next.roles).keys.clone()).collect();
    next.keys.retain(|id, _| used.contains(id));
    Ok(next)
}

/// What would be foolish about it, each in a sentence; the first of each pair says whether no sensor would take it at all.
pub fn warnings(before: &Root, next: &Root, now: Timestamp) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    for name in RoleName::ALL {
        let (role, old) = (name.of(&next.roles), name.of(&before.roles));
        let have = u32::try_from(role.keys.len()).unwrap_or(u32::MAX);
        let role_name = name.as_str();
        if role.keys.is_empty() && !(old.keys.is_empty() && matches!(name, RoleName::Timestamp | RoleName::Brake)) {
            let refused = matches!(name, RoleName::Root);
            found.push((refused, format!("nobody would have the role {role_name} any more")));
        } else if role.threshold > have {
            let refused = matches!(name, RoleName::Root);
            found.push((
                refused,
                format!("the role {role_name} wants {} keys and has {have}: nobody could sign for it", role.threshold),
            ));
        }
        let alone = matches!(name, RoleName::Root) && have > 0 && role.threshold == have && have > 1;
        if alone {
            found.push((false, format!("every one of the {have} root keys must sign: with one lost, none can follow")));
        }
        let kept = old.keys.intersection(&role.keys).count();
        let retires = kept < old.keys.len() || role.threshold > old.threshold;
        if matches!(name, RoleName::List) && retires && kept > 0 {
            found.push((
                false,
                "the role list loses a key, or asks for more: what too few of those left have signed counts no more, at sensors too; their numbers fall to the highest that those left have signed. Publish anew by one that is left, whoever signed the newest list: it may be another that sensors have".to_owned(),
            ));
        }
        if matches!(name, RoleName::List) && !old.keys.is_empty() && kept == 0 && have > 0 {
            found.push((
                false,
                "the role list goes to wholly other keys: lists of before count no more, numbers begin anew, and a list must be published at once".to_owned(),
            ));
        }
    }
    if next.ca.is_empty() {
        found.push((true, "it names no CA: no sensor could know a collector by it".to_owned()));
    } else if before.ca.is_disjoint(&next.ca) {
        found.push((
            false,
            "all CAs go at once: sensors refuse it for as long as the collector proves itself by an old one; name both first".to_owned(),
        ));
    }
    if next.expires <= now {
        found.push((true, format!("it runs out at {}, which has passed", next.expires)));
    } else if next.expires.since(now).as_secs() < ROOT_WARN_DAYS * 86_400 {
        found.push((false, format!("it runs out in less than {ROOT_WARN_DAYS} days")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    fn public(seed: u8) -> String {
        hex(SigningKey::from_bytes(&[seed; 32]).verifying_key().as_bytes())
    }

    fn id(seed: u8) -> String {
        key_id(&SigningKey::from_bytes(&[seed; 32]).verifying_key())
    }

    fn first() -> Root {
        let role = |seed| Role { keys: [id(seed)].into(), threshold: 1 };
        Root {
            version: 1,
            expires: NOW,
            keys: [1, 2, 3, 4].map(|seed| (id(seed), public(seed))).into(),
            roles: Roles { root: role(1), list: role(2), timestamp: role(3), hunt: role(4), brake: Role::default() },
            ca: ["aa".repeat(32)].into(),
        }
    }

    fn keyed(text: &str) -> Keyed {
        text.parse().unwrap()
    }

    #[test]
    fn a_draft_brings_keys_in_and_out_and_keeps_what_is_not_named() {
        let changes = Changes {
            add: vec![keyed(&format!("root={}", public(5))), keyed(&format!("root={}", public(6)))],
            thresholds: vec!["root=2".parse().unwrap()],
            ..Changes::default()
        };
        let second = next(&first(), &changes, NOW, 365).unwrap();
        assert_eq!((second.version, second.roles.root.keys.len(), second.roles.root.threshold), (2, 3, 2));
        assert_eq!(second.expires, NOW.plus(Duration::from_secs(365 * 86_400)));
        assert!(warnings(&first(), &second, NOW).is_empty());
        let lost = Changes {
            retire: vec![keyed(&format!("root={}", id(5)))],
            add: vec![keyed(&format!("root={}", public(7)))],
            add_ca: vec!["bb".repeat(32)],
            ..Changes::default()
        };
        let third = next(&second, &lost, NOW, 365).unwrap();
        assert!(!third.keys.contains_key(&id(5)) && third.keys.contains_key(&id(7)), "a key without a role is gone");
        assert_eq!(third.ca.len(), 2);
        assert_eq!(third.roles.list, first().roles.list);
    }

    #[test]
    fn what_is_foolish_is_said_before_anybody_signs_it() {
        let of = |changes: Changes, days| {
            let next = next(&first(), &changes, NOW, days).unwrap();
            warnings(&first(), &next, NOW)
        };
        let retire =
            |role: &str, seed| Changes { retire: vec![keyed(&format!("{role}={}", id(seed)))], ..Changes::default() };
        let says = |found: &[(bool, String)], refused: bool, words: &str| {
            assert!(found.iter().any(|(no, said)| *no == refused && said.contains(words)), "{words}: {found:?}");
        };
        says(&of(retire("root", 1), 365), true, "nobody would have the role root");
        says(&of(retire("list", 2), 365), false, "nobody would have the role list");
        let threshold = Changes { thresholds: vec!["root=2".parse().unwrap()], ..Changes::default() };
        says(&of(threshold, 365), true, "wants 2 keys and has 1");
        let ca = || vec!["aa".repeat(32)];
        says(&of(Changes { retire_ca: ca(), ..Changes::default() }, 365), true, "no CA");
        let other = Changes { retire_ca: ca(), add_ca: vec!["bb".repeat(32)], ..Changes::default() };
        says(&of(other, 365), false, "all CAs go at once");
        says(&of(Changes::default(), 30), false, "less than 60 days");
        says(&of(Changes::default(), 0), true, "has passed");
        let replaced = Changes { add: vec![keyed(&format!("list={}", public(9)))], ..retire("list", 2) };
        says(&of(replaced, 365), false, "wholly other keys");
        let mut two = first();
        two.keys.insert(id(9), public(9));
        two.roles.list.keys.insert(id(9));
        let one_less = next(&two, &retire("list", 9), NOW, 365).unwrap();
        says(&warnings(&two, &one_less, NOW), false, "the role list loses a key");
        let one_more = warnings(&first(), &two, NOW);
        assert!(
            !one_more.iter().any(|(_, said)| said.contains("the role list")),
            "a key more takes nothing: {one_more:?}"
        );
        let all = Changes {
            add: vec![keyed(&format!("root={}", public(5)))],
            thresholds: vec!["root=2".parse().unwrap()],
            ..Changes::default()
        };
        says(&of(all, 365), false, "with one lost");
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_would_be_right() {
        let refused = |changes: Changes| next(&first(), &changes, NOW, 365).unwrap_err();
        let with = |add: &[&str], retire: &[&str]| Changes {
            add: add.iter().map(|text| keyed(text)).collect(),
            retire: retire.iter().map(|text| keyed(text)).collect(),
            ..Changes::default()
        };
        assert!(refused(with(&[&format!("list={}", id(9))], &[])).contains("public key"));
        assert!(refused(with(&[&format!("list={}", id(2))], &[])).contains("already"));
        assert!(refused(with(&[], &[&format!("list={}", id(1))])).contains("does not have the role"));
        assert!(refused(Changes { retire_ca: vec!["cc".repeat(32)], ..Changes::default() }).contains("no CA"));
        for bad in ["list", "list=xy", "king=aa", &format!("king={}", id(1))] {
            assert!(bad.parse::<Keyed>().is_err(), "{bad}");
        }
        for bad in ["root", "root=0", "root=x", "king=1"] {
            assert!(bad.parse::<Threshold>().is_err(), "{bad}");
        }
    }
}
