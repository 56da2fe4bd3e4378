//! Certificates: the collector's own authority, the certificate it shows, those it gives to sensors.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer};
use time::OffsetDateTime;
use varde_common::id::SensorId;
use varde_common::time::Timestamp;
use varde_common::trust::{COLLECTOR_NAME, sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::limits::{
    AUTHORITY_DAYS, CERTIFICATE_AHEAD_MAX_S, CLOCK_SLACK_HOURS, SENSOR_CERTIFICATE_DAYS, SERVER_CERTIFICATE_DAYS,
};

/// Why a certificate could not be made or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The key request is none, or is not signed by its own key.
    #[error("the key request cannot be read or is not signed by its own key")]
    BadRequest,
    /// A certificate or key of ours cannot be read.
    #[error("a certificate or key cannot be read: {0}")]
    Unreadable(String),
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    NotMade(String),
}

/// What is asked with.
#[derive(Debug)]
pub struct Request {
    params: CertificateSigningRequestParams,
}

impl Request {
    /// Reads a key request (PKCS #10, DER) and checks that its own key signed it.
    ///
    /// # Errors
    /// [`CertificateError::BadRequest`].
    pub fn read(csr_der: &[u8]) -> Result<Request, CertificateError> {
        let params = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr_der));
        params.map(|params| Request { params }).map_err(|_| CertificateError::BadRequest)
    }

    /// SHA-256 of its public key (SubjectPublicKeyInfo, DER), as [`spki_sha256`] gives it of a certificate.
    pub fn spki_sha256(&self) -> [u8; 32] {
        sha256(&self.params.public_key.subject_public_key_info())
    }
}

/// A certificate and its key, as they lie in files.
#[derive(Clone)]
pub struct Issued {
    /// Certificate, PEM.
    pub certificate_pem: String,
    /// Private key, PKCS #8 PEM.
    pub key_pem: String,
}

/// Who issues certificates here.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

fn not_made(error: rcgen::Error) -> CertificateError {
    CertificateError::NotMade(error.to_string())
}

fn moment(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.clamped().0.div_euclid(1_000_000)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Good from a little before now, for so many days.
fn params(common_name: &str, now: Timestamp, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    params.distinguished_name = name;
    params.not_before = moment(now.minus(hours(CLOCK_SLACK_HOURS)));
    params.not_after = moment(now.plus(hours(days.saturating_mul(24))));
    params.use_authority_key_identifier_extension = true;
    params
}

fn hours(hours: i64) -> Duration {
    Duration::from_secs(u64::try_from(hours).unwrap_or(0).saturating_mul(3600))
}

/// A new authority: a P-256 key and a certificate for ten years.
///
/// # Errors
/// [`CertificateError::NotMade`].
pub fn new_authority(now: Timestamp) -> Result<Issued, CertificateError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(not_made)?;
    let mut params = params("Varde certificate authority", now, AUTHORITY_DAYS);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key).map_err(not_made)?;
    Ok(Issued { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
}

/// Reads a certificate from PEM.
///
/// # Errors
/// [`CertificateError::Unreadable`].
pub fn read_certificate(pem: &str) -> Result<CertificateDer<'static>, CertificateError> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| CertificateError::Unreadable(error.to_string()))
}

impl Authority {
    /// From its two files.
    ///
    /// # Errors
    /// [`CertificateError::Unreadable`].
    pub fn read(certificate_pem: &str, key_pem: &str) -> Result<Authority, CertificateError> {
        let unreadable = |error: rcgen::Error| CertificateError::Unreadable(error.to_string());
        let certificate = read_certificate(certificate_pem)?;
        let key = KeyPair::from_pem(key_pem).map_err(unreadable)?;
        let (_, parsed) =
            X509Certificate::from_der(&certificate).map_err(|error| CertificateError::Unreadable(error.to_string()))?;
        if parsed.tbs_certificate.subject_pki.raw != key.subject_public_key_info() {
            return Err(CertificateError::Unreadable("the key is not that of the certificate".to_owned()));
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(unreadable)?;
        Ok(Authority { issuer, certificate })
    }

    /// Its own certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// A certificate for the collector, by the name it carries whatever its address, with a new key.
    ///
    /// # Errors
    /// [`CertificateError::NotMade`].
    pub fn issue_server(&self, now: Timestamp) -> Result<Issued, CertificateError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(not_made)?;
        let mut params = params(COLLECTOR_NAME, now, SERVER_CERTIFICATE_DAYS);
        let name = COLLECTOR_NAME.try_into().map_err(not_made)?;
        params.subject_alt_names = vec![rcgen::SanType::DnsName(name)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &self.issuer).map_err(not_made)?;
        Ok(Issued { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
    }

    /// A certificate for those who read the list by whatever name or address the collector has, with a new key.
    ///
    /// # Errors
    /// [`CertificateError::NotMade`].
    pub fn issue_feed(&self, host: Option<&str>, now: Timestamp) -> Result<Issued, CertificateError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(not_made)?;
        let mut params = params(COLLECTOR_NAME, now, SERVER_CERTIFICATE_DAYS);
        let mut names = vec![rcgen::SanType::DnsName(COLLECTOR_NAME.try_into().map_err(not_made)?)];
        match host.map(|host| (host, host.parse::<std::net::IpAddr>())) {
            Some((_, Ok(address))) => names.push(rcgen::SanType::IpAddress(address)),
            Some((host, Err(_))) => names.push(rcgen::SanType::DnsName(host.try_into().map_err(not_made)?)),
            None => {}
        }
        params.subject_alt_names = names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &self.issuer).map_err(not_made)?;
        Ok(Issued { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
    }

    /// A certificate for a sensor. Of its request only the public key counts; everything else is ours to say.
    ///
    /// # Errors
    /// [`CertificateError::BadRequest`] and others.
    pub fn issue_sensor(
        &self,
        csr_der: &[u8],
        sensor: SensorId,
        now: Timestamp,
    ) -> Result<CertificateDer<'static>, CertificateError> {
        let request = Request::read(csr_der)?.params;
        let mut params = params(&format!("sensor-{sensor}"), now, SENSOR_CERTIFICATE_DAYS);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&request.public_key, &self.issuer).map_err(not_made)?;
        Ok(certificate.der().clone())
    }
}

/// SHA-256 of a certificate's public key (SubjectPublicKeyInfo, DER): a sensor's identity.
///
/// # Errors
/// [`CertificateError::Unreadable`].
pub fn spki_sha256(certificate: &[u8]) -> Result<[u8; 32], CertificateError> {
    let (_, parsed) =
        X509Certificate::from_der(certificate).map_err(|error| CertificateError::Unreadable(error.to_string()))?;
    Ok(sha256(parsed.tbs_certificate.subject_pki.raw))
}

/// The same of a private key (PKCS #8, PEM).
///
/// # Errors
/// [`CertificateError::Unreadable`].
pub fn key_spki_sha256(key_pem: &str) -> Result<[u8; 32], CertificateError> {
    let key = KeyPair::from_pem(key_pem).map_err(|error| CertificateError::Unreadable(error.to_string()))?;
    Ok(sha256(&key.subject_public_key_info()))
}

/// Whether a certificate was signed by the key of this authority's.
pub fn is_issued_by(certificate: &[u8], authority: &[u8]) -> bool {
    let (Ok((_, certificate)), Ok((_, authority))) =
        (X509Certificate::from_der(certificate), X509Certificate::from_der(authority))
    else {
        return false;
    };
    let key = |extension: &x509_parser::extensions::ParsedExtension<'_>| match extension {
        x509_parser::extensions::ParsedExtension::AuthorityKeyIdentifier(id) => {
            id.key_identifier.as_ref().map(|id| id.0.to_vec())
        }
        x509_parser::extensions::ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
        _ => None,
    };
    let of = |certificate: &X509Certificate<'_>, oid| {
        certificate.get_extension_unique(&oid).ok().flatten().and_then(|found| key(found.parsed_extension()))
    };
    let issuer = of(&certificate, x509_parser::oid_registry::OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER);
    let own = of(&authority, x509_parser::oid_registry::OID_X509_EXT_SUBJECT_KEY_IDENTIFIER);
    certificate.issuer() == authority.subject() && issuer.is_some() && issuer == own
}

/// How a certificate of the collector's own is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Nothing to do.
    Young,
    /// A third of its life is over, or it is of a time still to come: it is renewed where that can be done.
    WantsRenewal,
    /// Under a third of its life is left: it must be renewed.
    MustBeRenewed,
}

/// How far a certificate's life has gone.
///
/// # Errors
/// [`CertificateError::Unreadable`].
pub fn life(certificate: &[u8], now: Timestamp) -> Result<Life, CertificateError> {
    let (from, until) = validity(certificate)?;
    let third = until.since(from) / 3;
    Ok(if until.since(now) < third {
        Life::MustBeRenewed
    } else if now.since(from) > third || is_ahead_of(from, now) {
        Life::WantsRenewal
    } else {
        Life::Young
    })
}

/// Whether a certificate that begins then was made while the clock was ahead. One with such a certificate takes every sensor's for
/// run out. A clock from before this program was written says nothing.
fn is_ahead_of(from: Timestamp, now: Timestamp) -> bool {
    now >= Timestamp::WRITTEN && from > now.plus(Duration::from_secs(CERTIFICATE_AHEAD_MAX_S))
}

/// From when until when a certificate is good. It was issued at the first, or later: it cannot be earlier now.
///
/// # Errors
/// [`CertificateError::Unreadable`].
pub fn validity(certificate: &[u8]) -> Result<(Timestamp, Timestamp), CertificateError> {
    let (_, parsed) =
        X509Certificate::from_der(certificate).map_err(|error| CertificateError::Unreadable(error.to_string()))?;
    let moment = |at: x509_parser::time::ASN1Time| Timestamp::from_unix(at.timestamp(), 0);
    Ok((moment(parsed.validity().not_before), moment(parsed.validity().not_after)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    fn authority() -> Authority {
        let made = new_authority(NOW).unwrap();
        Authority::read(&made.certificate_pem, &made.key_pem).unwrap()
    }

    fn request(common_name: &str, change: impl FnOnce(&mut CertificateParams)) -> (Vec<u8>, KeyPair) {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = params(common_name, NOW, 9999);
        params.use_authority_key_identifier_extension = false;
        change(&mut params);
        let csr = params.serialize_request(&key).unwrap();
        (csr.der().to_vec(), key)
    }

    #[test]
    fn e1_of_a_key_request_only_the_public_key_counts() {
        let authority = authority();
        let (csr, key) = request("sensor-1", |params| {
            params.subject_alt_names = vec![rcgen::SanType::DnsName(COLLECTOR_NAME.try_into().unwrap())];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        });
        let der = authority.issue_sensor(&csr, SensorId(9), NOW).unwrap();
        let (_, parsed) = X509Certificate::from_der(&der).unwrap();
        assert_eq!(parsed.subject().to_string(), "CN=sensor-9");
        assert!(parsed.subject_alternative_name().unwrap().is_none());
        let usage = parsed.extended_key_usage().unwrap().unwrap();
        assert!(usage.value.client_auth && !usage.value.server_auth);
        assert_eq!(spki_sha256(&der).unwrap(), sha256(&key.subject_public_key_info()));
        assert_eq!(Request::read(&csr).unwrap().spki_sha256(), spki_sha256(&der).unwrap());
        assert_eq!(parsed.validity().not_after.timestamp(), NOW.plus(DAY * 30).0 / 1_000_000);
    }

    #[test]
    fn e1_a_request_not_signed_by_its_own_key_is_refused() {
        let authority = authority();
        let (csr, key) = request("sensor-1", |_| ());
        let own = sha256(&key.subject_public_key_info());
        for place in 0..csr.len() {
            let mut torn = csr.clone();
            torn[place] ^= 1;
            // Around the signed part a reader may be lenient; what comes out is then the same key all the same.
            match authority.issue_sensor(&torn, SensorId(1), NOW) {
                Ok(certificate) => assert_eq!(spki_sha256(&certificate), Ok(own), "octet {place}"),
                Err(why) => assert_eq!(why, CertificateError::BadRequest, "octet {place}"),
            }
        }
    }

    #[test]
    fn e1_the_server_certificate_is_renewed_after_a_third_and_must_be_in_its_last() {
        let issued = authority().issue_server(NOW).unwrap();
        let der = read_certificate(&issued.certificate_pem).unwrap();
        for (days, expected) in [
            (0, Life::Young),
            (120, Life::Young),
            (123, Life::WantsRenewal),
            (240, Life::WantsRenewal),
            (250, Life::MustBeRenewed),
            (4000, Life::MustBeRenewed),
        ] {
            assert_eq!(life(&der, NOW.plus(DAY * days)), Ok(expected), "after {days} days");
        }
    }

    #[test]
    fn an_authority_with_anothers_key_is_refused() {
        let (one, other) = (new_authority(NOW).unwrap(), new_authority(NOW).unwrap());
        assert!(Authority::read(&one.certificate_pem, &other.key_pem).is_err());
        assert!(Authority::read("", &one.key_pem).is_err());
    }

    proptest! {
        #[test]
        fn e1_hostile_requests_are_refused_without_harm(octets in prop::collection::vec(any::<u8>(), 0..600), cut in 0usize..300) {
            let authority = authority();
            prop_assert!(authority.issue_sensor(&octets, SensorId(1), NOW).is_err());
            let (mut csr, _) = request("a", |_| ());
            csr.truncate(cut);
            csr.extend_from_slice(&octets);
            let _ = authority.issue_sensor(&csr, SensorId(1), NOW);
            let _ = spki_sha256(&octets);
        }
    }
}
