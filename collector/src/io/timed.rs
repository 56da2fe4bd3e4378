//! Sensors' certificates checked by the time that is known: not before this program was written, nor before the certificates
//! that are shown were issued. A collector whose clock starts in 1970 locks nobody out.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use varde_common::time::Timestamp;

use crate::certificate::validity;

/// A verifier that goes by the time that is known.
#[derive(Debug)]
pub struct Timed {
    /// Who checks everything but the time.
    pub inner: Arc<dyn ClientCertVerifier>,
    /// When the collector's own certificate was issued.
    pub issued: Timestamp,
}

/// It is later than this, whatever the clock says.
fn at_least(clock: UnixTime, passed: Timestamp) -> UnixTime {
    clock.max(UnixTime::since_unix_epoch(passed.since(Timestamp(0))))
}

impl Timed {
    /// Whether a certificate is one of ours and good at this time.
    ///
    /// # Errors
    /// Why it is not.
    pub fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let (issued, _) = life(end_entity)?;
        let now = at_least(now, Timestamp::WRITTEN.max(self.issued).max(issued));
        self.inner.verify_client_cert(end_entity, intermediates, now)
    }

    /// Whether a certificate is one of ours that is good or was. How long ago is for whoever asks for the next one.
    ///
    /// # Errors
    /// Why it is not.
    pub fn verify_when_it_was_good(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let (issued, until) = life(end_entity)?;
        let now = at_least(now, Timestamp::WRITTEN.max(self.issued).max(issued));
        let now = now.min(UnixTime::since_unix_epoch(until.since(Timestamp(0))));
        self.inner.verify_client_cert(end_entity, intermediates, now)
    }
}

fn life(certificate: &CertificateDer<'_>) -> Result<(Timestamp, Timestamp), rustls::Error> {
    validity(certificate).map_err(|error| rustls::Error::General(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{Authority, new_authority, read_certificate};
    use crate::io::quic::client_verifier;
    use std::time::Duration;
    use varde_common::id::SensorId;

    const NOW: Timestamp = Timestamp(Timestamp::WRITTEN.0 + 500 * 86_400_000_000);
    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn k1_a_collectors_clock_in_1970_locks_no_sensor_out_and_an_old_certificate_stays_out() {
        let made = new_authority(NOW.minus(DAY * 100)).unwrap();
        let authority = Authority::read(&made.certificate_pem, &made.key_pem).unwrap();
        let server = read_certificate(&authority.issue_server(NOW).unwrap().certificate_pem).unwrap();
        let verifier = client_verifier(&[authority.certificate().clone()], &server).unwrap();
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let request = rcgen::CertificateParams::new(Vec::new()).unwrap().serialize_request(&key).unwrap();
        let issue = |at| authority.issue_sensor(request.der(), SensorId(1), at).unwrap();
        let verify = |certificate: &CertificateDer<'_>, clock: Timestamp| {
            let clock = UnixTime::since_unix_epoch(clock.since(Timestamp(0)));
            verifier.verify(certificate, &[], clock).is_ok()
        };
        let (today, old) = (issue(NOW), issue(NOW.minus(DAY * 90)));
        for clock in [Timestamp(0), NOW.minus(DAY * 3650), NOW, NOW.plus(DAY * 20)] {
            assert!(verify(&today, clock), "{clock}");
            assert!(!verify(&old, clock), "it ran out before the collector's own was issued; {clock}");
        }
        assert!(!verify(&today, NOW.plus(DAY * 31)));
        // On the lane for those that have run out it is good however long ago that was, and another's is none all the same.
        let stranger = new_authority(NOW.minus(DAY * 100)).unwrap();
        let stranger = Authority::read(&stranger.certificate_pem, &stranger.key_pem).unwrap();
        let foreign = stranger.issue_sensor(request.der(), SensorId(1), NOW.minus(DAY * 90)).unwrap();
        let clock = UnixTime::since_unix_epoch(NOW.since(Timestamp(0)));
        assert!(verifier.verify_when_it_was_good(&old, &[], clock).is_ok());
        assert!(verifier.verify_when_it_was_good(&today, &[], clock).is_ok());
        assert!(verifier.verify_when_it_was_good(&foreign, &[], clock).is_err());
    }
}
