//! The trust anchor: who may sign what, said by a root document that enrolment pinned.
//!
//! A signed document is JSON: `{"signed": {…}, "signatures": [{"key": ID, "signature": HEX}]}`. Signatures cover the
//! octets of `signed` exactly as received, with the document's domain in front, never a re-encoding. A key's id is the
//! first 32 hex digits of SHA-256 over its 32 octets; a key that signs twice counts once.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::limits::SIGNATURES_MAX;
use crate::time::Timestamp;

/// The name a collector's certificate carries whatever its address.
pub const COLLECTOR_NAME: &str = "collector.varde";

/// What a signature is about. Each stands in front of what is signed, so that none can be passed off as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// The root document.
    Root,
    /// A list's manifest.
    List,
    /// Which list is the newest.
    Newest,
    /// Which channel a sensor follows.
    Channel,
    /// An order of the brake.
    Brake,
}

impl Domain {
    fn prefix(self) -> &'static [u8] {
        match self {
            Domain::Root => b"varde root 1\0",
            Domain::List => b"varde list 1\0",
            Domain::Newest => b"varde newest 1\0",
            Domain::Channel => b"varde channel 1\0",
            Domain::Brake => b"varde brake 1\0",
        }
    }
}

/// A role's keys.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Ids of the keys that may sign for it.
    pub keys: BTreeSet<String>,
    /// How many of them must.
    pub threshold: u32,
}

/// All roles (decision 23). One that a later version adds is passed over here: a sensor that refused a root document for
/// naming it could never take another.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Roles {
    /// Signs root documents.
    pub root: Role,
    /// Signs list manifests.
    pub list: Role,
    /// Signs how new the newest list is. No keys = the role is not in use.
    #[serde(default)]
    pub timestamp: Role,
    /// Signs hunts and previews.
    pub hunt: Role,
    /// Signs orders by which indicators are counted only, for a day at most ([`crate::brake`]). No keys = the role is not in use.
    #[serde(default)]
    pub brake: Role,
}

/// The root document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// 1, 2, 3 … without gaps.
    pub version: u32,
    /// After this a new version is wanted.
    pub expires: Timestamp,
    /// Public keys as 64 hex digits, by id.
    pub keys: BTreeMap<String, String>,
    /// Who may do what.
    pub roles: Roles,
    /// SHA-256 of each CA certificate (DER), 64 hex digits: who may issue collector and sensor certificates.
    pub ca: BTreeSet<String>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureLine {
    /// Key id.
    pub key: String,
    /// 128 hex digits.
    pub signature: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    signed: Box<RawValue>,
    signatures: Vec<SignatureLine>,
}

/// Why a signed document is not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// It cannot be read.
    #[error("it is not a signed document: {0}")]
    Unreadable(String),
    /// Too few good signatures.
    #[error("{found} of {needed} needed signatures by keys of the role are good")]
    TooFewSignatures {
        /// Distinct keys of the role whose signature is good.
        found: u32,
        /// Threshold.
        needed: u32,
    },
    /// A role without keys.
    #[error("nobody may sign this: the root document names no key for the role")]
    NoSuchRole,
    /// The document's hash is not the pinned one.
    #[error("it is not the root document this sensor was enrolled with")]
    AnotherRoot,
}

/// The id of a public key.
pub fn key_id(key: &VerifyingKey) -> String {
    let mut id = hex(&Sha256::digest(key.as_bytes()));
    id.truncate(32);
    id
}

/// Lower-case hex.
pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Reads hex of exactly `N` octets.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != N * 2 {
        return None;
    }
    let mut octets = [0; N];
    for (octet, pair) in octets.iter_mut().zip(text.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
        *octet = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(octets)
}

/// SHA-256 as octets.
pub fn sha256(octets: &[u8]) -> [u8; 32] {
    Sha256::digest(octets).into()
}

/// Signs a document.
///
/// # Errors
/// When the document cannot be written as JSON; none of ours is such a one.
pub fn sign<T: Serialize>(domain: Domain, document: &T, keys: &[&SigningKey]) -> Result<Vec<u8>, serde_json::Error> {
    let signed = serde_json::value::to_raw_value(document)?;
    let signatures = keys.iter().map(|key| line_of(domain, &signed, key)).collect();
    serde_json::to_vec(&Envelope { signed, signatures })
}

fn line_of(domain: Domain, signed: &RawValue, key: &SigningKey) -> SignatureLine {
    let message = [domain.prefix(), signed.get().as_bytes()].concat();
    SignatureLine { key: key_id(&key.verifying_key()), signature: hex(&key.sign(&message).to_bytes()) }
}

/// Adds a signature to a document that may have others, as octets that stay what they are. Gives the document as it was
/// where the key has signed it before.
///
/// # Errors
/// [`Untrusted::Unreadable`] when it is no signed document, also one without any signature yet.
pub fn add_signature(domain: Domain, octets: &[u8], key: &SigningKey) -> Result<Vec<u8>, Untrusted> {
    let unreadable = |error: serde_json::Error| Untrusted::Unreadable(error.to_string());
    let mut envelope: Envelope = serde_json::from_slice(octets).map_err(unreadable)?;
    let line = line_of(domain, &envelope.signed, key);
    if envelope.signatures.iter().any(|there| there.key == line.key && there.signature == line.signature) {
        return Ok(octets.to_vec());
    }
    envelope.signatures.retain(|there| there.key != line.key);
    if envelope.signatures.len() >= SIGNATURES_MAX {
        return Err(Untrusted::Unreadable(format!("it has {SIGNATURES_MAX} signatures, and more are not looked at")));
    }
    envelope.signatures.push(line);
    serde_json::to_vec(&envelope).map_err(unreadable)
}

/// What a signed document says and by which keys it claims to be signed, before anything of it is believed.
///
/// # Errors
/// [`Untrusted::Unreadable`].
pub fn read_unverified<T: for<'de> Deserialize<'de>>(octets: &[u8]) -> Result<(T, Vec<String>), Untrusted> {
    let unreadable = |error: serde_json::Error| Untrusted::Unreadable(error.to_string());
    let envelope: Envelope = serde_json::from_slice(octets).map_err(unreadable)?;
    let signers = envelope.signatures.into_iter().map(|line| line.key).collect();
    Ok((serde_json::from_str(envelope.signed.get()).map_err(unreadable)?, signers))
}

/// Reads a signed document once enough distinct keys of `role` have signed it.
///
/// # Errors
/// [`Untrusted`]; the document itself is not even parsed before its signatures are good.
pub fn verify<T: for<'de> Deserialize<'de>>(
    domain: Domain,
    octets: &[u8],
    keys: &BTreeMap<String, String>,
    role: &Role,
) -> Result<T, Untrusted> {
    let unreadable = |error: serde_json::Error| Untrusted::Unreadable(error.to_string());
    let envelope: Envelope = serde_json::from_slice(octets).map_err(unreadable)?;
    good_signers(domain, &envelope, keys, role)?;
    serde_json::from_str(envelope.signed.get()).map_err(unreadable)
}

/// The ids of the keys of `role` that have signed a document, where they are enough.
///
/// # Errors
/// [`Untrusted`].
pub fn signers(
    domain: Domain,
    octets: &[u8],
    keys: &BTreeMap<String, String>,
    role: &Role,
) -> Result<BTreeSet<String>, Untrusted> {
    let envelope = serde_json::from_slice(octets).map_err(|error| Untrusted::Unreadable(error.to_string()))?;
    good_signers(domain, &envelope, keys, role)
}

fn good_signers(
    domain: Domain,
    envelope: &Envelope,
    keys: &BTreeMap<String, String>,
    role: &Role,
) -> Result<BTreeSet<String>, Untrusted> {
    if role.keys.is_empty() || role.threshold == 0 {
        return Err(Untrusted::NoSuchRole);
    }
    let message = [domain.prefix(), envelope.signed.get().as_bytes()].concat();
    let mut good = BTreeSet::new();
    for line in envelope.signatures.iter().take(SIGNATURES_MAX) {
        let key = keys.get(&line.key).and_then(|key| from_hex::<32>(key));
        let key = key.and_then(|key| VerifyingKey::from_bytes(&key).ok());
        let signature = from_hex::<64>(&line.signature).map(|octets| Signature::from_bytes(&octets));
        if let (true, Some(key), Some(signature)) = (role.keys.contains(&line.key), key, signature)
            && key_id(&key) == line.key
            && key.verify_strict(&message, &signature).is_ok()
        {
            good.insert(line.key.clone());
        }
    }
    let found = u32::try_from(good.len()).unwrap_or(u32::MAX);
    if found < role.threshold {
        return Err(Untrusted::TooFewSignatures { found, needed: role.threshold });
    }
    Ok(good)
}

impl Root {
    /// Reads a root document that must be the pinned one, and checks that it signed itself.
    ///
    /// # Errors
    /// [`Untrusted`].
    pub fn read_pinned(octets: &[u8], pinned_sha256: &[u8; 32]) -> Result<Root, Untrusted> {
        if sha256(octets) != *pinned_sha256 {
            return Err(Untrusted::AnotherRoot);
        }
        Root::read_own(octets)
    }

    /// Reads a root document from a place that is trusted already (one's own data directory), and checks that it signed
    /// itself.
    ///
    /// # Errors
    /// [`Untrusted`].
    pub fn read_own(octets: &[u8]) -> Result<Root, Untrusted> {
        let unreadable = |error: serde_json::Error| Untrusted::Unreadable(error.to_string());
        let envelope: Envelope = serde_json::from_slice(octets).map_err(unreadable)?;
        let claimed: Root = serde_json::from_str(envelope.signed.get()).map_err(unreadable)?;
        verify(Domain::Root, octets, &claimed.keys, &claimed.roles.root)
    }

    /// Whether a CA certificate (DER) is one this root names.
    pub fn names_ca(&self, certificate_der: &[u8]) -> bool {
        self.ca.contains(&hex(&sha256(certificate_der)))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn root_with(list: &[&SigningKey], threshold: u32) -> Root {
        let keys: BTreeMap<_, _> =
            list.iter().map(|k| (key_id(&k.verifying_key()), hex(k.verifying_key().as_bytes()))).collect();
        let role = Role { keys: keys.keys().cloned().collect(), threshold };
        let (timestamp, brake) = (Role::default(), Role::default());
        let roles = Roles { root: role.clone(), list: role.clone(), timestamp, hunt: role, brake };
        Root { version: 1, expires: Timestamp::MAX, keys, roles, ca: BTreeSet::new() }
    }

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    #[test]
    fn a_threshold_counts_distinct_keys_of_the_role() {
        let (a, b, stranger) = (key(1), key(2), key(3));
        let root = root_with(&[&a, &b], 2);
        let check = |signers: &[&SigningKey]| {
            let octets = sign(Domain::List, &"hei", signers).unwrap();
            verify::<String>(Domain::List, &octets, &root.keys, &root.roles.list)
        };
        assert_eq!(check(&[&a, &b]), Ok("hei".to_owned()));
        let octets = sign(Domain::List, &"hei", &[&stranger, &b, &a, &b]).unwrap();
        let both = signers(Domain::List, &octets, &root.keys, &root.roles.list).unwrap();
        assert_eq!(both, root.roles.list.keys, "who signed it, each once, and no stranger");
        let one = Err(Untrusted::TooFewSignatures { found: 1, needed: 2 });
        assert_eq!(check(&[&a]), one);
        assert_eq!(check(&[&a, &a]), one, "one key twice");
        assert_eq!(check(&[&a, &stranger]), one);
    }

    #[test]
    fn signatures_added_one_after_the_other_are_as_good_as_together_and_none_counts_twice() {
        let (a, b) = (key(1), key(2));
        let root = root_with(&[&a, &b], 2);
        let unsigned = sign(Domain::Root, &root, &[]).unwrap();
        let once = add_signature(Domain::Root, &unsigned, &a).unwrap();
        assert_eq!(add_signature(Domain::Root, &once, &a).unwrap(), once);
        assert!(Root::read_own(&once).is_err());
        let both = add_signature(Domain::Root, &once, &b).unwrap();
        assert_eq!(Root::read_own(&both), Ok(root.clone()));
        let (said, signers) = read_unverified::<Root>(&both).unwrap();
        assert_eq!((said, signers.len()), (root, 2));
        assert!(add_signature(Domain::Root, b"{}", &a).is_err());
    }

    #[test]
    fn a_signature_for_one_thing_is_none_for_another() {
        let a = key(1);
        let root = root_with(&[&a], 1);
        let octets = sign(Domain::Root, &"hei", &[&a]).unwrap();
        assert!(verify::<String>(Domain::List, &octets, &root.keys, &root.roles.list).is_err());
    }

    #[test]
    fn any_changed_octet_is_seen() {
        let a = key(1);
        let root = root_with(&[&a], 1);
        let octets = sign(Domain::Root, &root, &[&a]).unwrap();
        let pin = sha256(&octets);
        assert_eq!(Root::read_pinned(&octets, &pin), Ok(root));
        for place in 0..octets.len() {
            let mut torn = octets.clone();
            torn[place] ^= 1;
            assert!(Root::read_pinned(&torn, &pin).is_err());
            let _ = Root::read_own(&torn);
        }
    }
}
