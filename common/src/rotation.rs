//! Root documents that follow one another: what the next one must be, and what changes with it.
//!
//! Number N+1 follows N when the root keys of N and its own root keys have both signed it, each as many as its document
//! asks for. So a chain can be walked from the document that enrolment pinned to the newest, however long a sensor was
//! away, and nobody without the old keys begins another one.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::limits::ROOT_MAX_OCTETS;
use crate::trust::{Domain, Role, Root, Untrusted, sha256, verify};

/// Why a root document does not follow the one in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotNext {
    /// It cannot be read at all.
    #[error("it is no root document: {0}")]
    Unreadable(String),
    /// A number was left out, or it is an older one.
    #[error("it is number {offered}, and only number {wanted} can follow")]
    AnotherNumber {
        /// Its number.
        offered: u32,
        /// The one that could follow.
        wanted: u32,
    },
    /// Two documents of one number.
    #[error("it says something else than the document of the same number ({0}) that is in force")]
    SameNumber(u32),
    /// The keys of before did not sign it.
    #[error("the root keys in force have not signed it: {0}")]
    NotByTheOld(Untrusted),
    /// Its own keys did not sign it.
    #[error("its own root keys have not signed it: {0}")]
    NotByItsOwn(Untrusted),
    /// It names no CA.
    #[error("it names no CA: nobody could know a collector by it")]
    NoCa,
}

/// What a root document says of its number, whoever signed it; 0 where it cannot be read.
pub fn claimed_version(octets: &[u8]) -> u32 {
    #[derive(Deserialize)]
    struct Signed<'a> {
        #[serde(borrow)]
        signed: &'a RawValue,
    }
    #[derive(Deserialize)]
    struct Numbered {
        version: u32,
    }
    let signed = serde_json::from_slice::<Signed>(octets).ok();
    signed.and_then(|signed| serde_json::from_str::<Numbered>(signed.signed.get()).ok()).map_or(0, |one| one.version)
}

impl Root {
    /// Reads a root document that must follow this one, whose own octets have the hash `own_sha256`.
    ///
    /// # Errors
    /// [`NotNext`].
    pub fn next(&self, own_sha256: &[u8; 32], octets: &[u8]) -> Result<Root, NotNext> {
        if octets.len() > ROOT_MAX_OCTETS {
            return Err(NotNext::Unreadable(format!("it has more than {ROOT_MAX_OCTETS} bytes")));
        }
        let (offered, wanted) = (claimed_version(octets), self.version.saturating_add(1));
        if offered == 0 {
            return Err(NotNext::Unreadable("it has no number".to_owned()));
        }
        if offered == self.version && sha256(octets) != *own_sha256 {
            return Err(NotNext::SameNumber(offered));
        }
        if offered != wanted {
            return Err(NotNext::AnotherNumber { offered, wanted });
        }
        let next: Root =
            verify(Domain::Root, octets, &self.keys, &self.roles.root).map_err(|untrusted| match untrusted {
                Untrusted::Unreadable(why) => NotNext::Unreadable(why),
                untrusted => NotNext::NotByTheOld(untrusted),
            })?;
        verify::<Root>(Domain::Root, octets, &next.keys, &next.roles.root).map_err(NotNext::NotByItsOwn)?;
        if next.ca.is_empty() {
            return Err(NotNext::NoCa);
        }
        Ok(next)
    }
}

/// Whether a role was given to wholly other keys: what the old ones signed counts for nothing any more, not even as a floor
/// (The Update Framework, section 5.3.11). Otherwise no floor ever falls.
pub fn is_replaced(before: &Role, after: &Role) -> bool {
    !before.keys.is_empty() && before.keys.is_disjoint(&after.keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;
    use crate::trust::{Roles, hex, key_id, sign};
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn role(seeds: &[u8], threshold: u32) -> Role {
        Role { keys: seeds.iter().map(|seed| key_id(&key(*seed).verifying_key())).collect(), threshold }
    }

    /// A root whose root role these keys have; the list role has key 9.
    fn root(version: u32, seeds: &[u8], threshold: u32) -> Root {
        let all = seeds.iter().chain(&[9]).map(|seed| key(*seed).verifying_key());
        Root {
            version,
            expires: Timestamp::MAX,
            keys: all.map(|key| (key_id(&key), hex(key.as_bytes()))).collect(),
            roles: Roles { root: role(seeds, threshold), list: role(&[9], 1), ..Roles::default() },
            ca: [hex(&[7; 32])].into(),
        }
    }

    fn signed(root: &Root, seeds: &[u8]) -> Vec<u8> {
        let keys: Vec<SigningKey> = seeds.iter().map(|seed| key(*seed)).collect();
        sign(Domain::Root, root, &keys.iter().collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn l2_the_next_root_is_signed_by_the_old_keys_and_its_own_and_has_the_next_number() {
        let first = root(1, &[1], 1);
        let first_octets = signed(&first, &[1]);
        let check = |octets: &[u8]| first.next(&sha256(&first_octets), octets);
        let second = root(2, &[2, 3, 4], 2);
        assert_eq!(check(&signed(&second, &[1, 2, 3])), Ok(second.clone()));
        assert!(matches!(check(&signed(&second, &[2, 3])), Err(NotNext::NotByTheOld(_))), "by itself alone");
        assert!(matches!(check(&signed(&second, &[1])), Err(NotNext::NotByItsOwn(_))), "by the old keys alone");
        assert!(matches!(check(&signed(&second, &[1, 2, 2])), Err(NotNext::NotByItsOwn(_))), "one key twice");
        assert!(matches!(check(&signed(&second, &[1, 2, 8])), Err(NotNext::NotByItsOwn(_))), "a stranger");
        let skipped = check(&signed(&root(3, &[1], 1), &[1]));
        assert_eq!(skipped, Err(NotNext::AnotherNumber { offered: 3, wanted: 2 }));
        assert_eq!(check(&first_octets), Err(NotNext::AnotherNumber { offered: 1, wanted: 2 }), "the same again");
        let other = Root { expires: Timestamp(5), ..first.clone() };
        assert_eq!(check(&signed(&other, &[1])), Err(NotNext::SameNumber(1)));
        let without_ca = Root { ca: Default::default(), ..root(2, &[1], 1) };
        assert_eq!(check(&signed(&without_ca, &[1])), Err(NotNext::NoCa));
        for nonsense in [&b""[..], b"{}", b"[1]", b"{\"signed\":{\"version\":2},\"signatures\":[]}"] {
            assert!(check(nonsense).is_err());
        }
        assert!(matches!(check(&vec![b' '; ROOT_MAX_OCTETS + 1]), Err(NotNext::Unreadable(_))));
        // From two of three: any two of them, never one of them twice.
        let second_sha256 = sha256(&signed(&second, &[1, 2, 3]));
        let third = root(3, &[3, 4, 5], 2);
        assert!(second.next(&second_sha256, &signed(&third, &[3, 4])).is_ok());
        assert!(second.next(&second_sha256, &signed(&third, &[4, 4, 5])).is_err());
    }

    #[test]
    fn l2_a_role_a_later_version_adds_is_passed_over_and_not_refused() {
        let first = root(1, &[1], 1);
        let mut next = serde_json::to_value(root(2, &[1], 1)).unwrap();
        next["roles"]["later"] = serde_json::to_value(role(&[9], 1)).unwrap();
        let octets = sign(Domain::Root, &next, &[&key(1)]).unwrap();
        assert_eq!(first.next(&[0; 32], &octets).map(|root| root.version), Ok(2));
    }

    #[test]
    fn only_wholly_other_keys_replace_a_role() {
        for (before, after, replaced) in [
            (&[1][..], &[2][..], true),
            (&[1, 2], &[3], true),
            (&[1, 2], &[2, 3], false),
            (&[1], &[1, 2], false),
            (&[1], &[], true),
            (&[], &[1], false),
        ] {
            assert_eq!(is_replaced(&role(before, 1), &role(after, 1)), replaced, "{before:?} {after:?}");
        }
    }

    proptest! {
        #[test]
        fn l2_whatever_comes_in_whatever_order_the_root_held_is_one_that_chains_from_the_pinned_one(
            offers in prop::collection::vec(
                (1u32..6, prop::collection::vec(1u8..5, 1..4), 1u32..3, prop::collection::vec(1u8..6, 0..6)), 1..40)
        ) {
            let pinned = root(1, &[1, 2, 3], 2);
            let mut held = (pinned.clone(), signed(&pinned, &[1, 2]));
            let mut chain = vec![held.clone()];
            for (version, keys, threshold, signers) in offers {
                let next = root(version, &keys, threshold);
                let octets = signed(&next, &signers);
                let before = held.0.version;
                let good = |role: &Role| {
                    let ids = role.keys.iter().filter(|id| signers.iter().any(|seed| key_id(&key(*seed).verifying_key()) == **id));
                    ids.count() >= role.threshold as usize
                };
                let right = version == before + 1 && good(&held.0.roles.root) && good(&next.roles.root);
                match held.0.next(&sha256(&held.1), &octets) {
                    Ok(root) => {
                        prop_assert!(right);
                        held = (root, octets);
                        chain.push(held.clone());
                    }
                    Err(_) => prop_assert!(!right),
                }
                prop_assert!(held.0.version >= before && held.0.version <= before + 1);
            }
            // The whole chain again, from the pinned one.
            let mut walked = chain[0].clone();
            for (_, octets) in &chain[1..] {
                let root = walked.0.next(&sha256(&walked.1), octets);
                walked = (root.unwrap(), octets.clone());
            }
            prop_assert_eq!(walked.0, held.0);
        }
    }
}
