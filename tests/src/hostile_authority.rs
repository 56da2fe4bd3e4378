//! What a hostile collector proves itself with: an authority and a root document of its own.

use std::collections::BTreeSet;

use anyhow::Result;
use ed25519_dalek::SigningKey;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;
use varde_common::time::Timestamp;
use varde_common::trust::{Domain, Role, Roles, Root, hex, key_id, sha256, sign};

use crate::hostile_collector::HostileCollector;

/// A CA of its own.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn authority() -> Result<(Issuer<'static, KeyPair>, CertificateDer<'static>)> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, "a hostile CA");
    let key = KeyPair::generate()?;
    let ca = params.self_signed(&key)?.der().clone();
    Ok((Issuer::new(params, key), ca))
}

/// A root document that gives lists to these keys and names this CA.
///
/// # Errors
/// When it cannot be signed.
pub(crate) fn root_of(list_keys: &[SigningKey], threshold: u32, ca: &CertificateDer<'_>) -> Result<Vec<u8>> {
    let (root_key, brake_key) = (HostileCollector::root_key(), HostileCollector::brake_key());
    let all = || list_keys.iter().chain([&root_key, &brake_key]).map(SigningKey::verifying_key);
    let role = |keys: &[&SigningKey], threshold| Role {
        keys: keys.iter().map(|key| key_id(&key.verifying_key())).collect(),
        threshold,
    };
    let root = Root {
        version: 1,
        expires: Timestamp::MAX,
        keys: all().map(|key| (key_id(&key), hex(key.as_bytes()))).collect(),
        roles: Roles {
            root: role(&[&root_key], 1),
            list: role(&list_keys.iter().collect::<Vec<_>>(), threshold),
            timestamp: Role::default(),
            hunt: role(&[&root_key], 1),
            brake: role(&[&brake_key], 1),
        },
        ca: BTreeSet::from([hex(&sha256(ca))]),
    };
    Ok(sign(Domain::Root, &root, &[&root_key])?)
}
