//! Keys over time: both honoured until the new one was used, certificates that ran out on their own lane alone, sensors that
//! wait for a person.

use std::net::SocketAddr;
use std::time::Duration;

use quinn::{Connection, ConnectionError};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use varde_collector::certificate::Authority;
use varde_collector::command::sensor::{self, SensorCommand};
use varde_collector::io::clock;
use varde_collector::io::serve::{self, Conduct};
use varde_collector::store::Store;
use varde_common::message::{
    ALPN_ENROLL, ALPN_ENROLL_WAITING, ALPN_RENEW, ALPN_SESSION, CloseReason, EnrolRefusal, Hello, RenewalRefusal,
    Stream, ToAgent, ToCollector,
};
use varde_common::trust::COLLECTOR_NAME;

use super::double::*;

const DAY: Duration = Duration::from_secs(86_400);

fn request(key: &KeyPair) -> ToCollector {
    ToCollector::Renew { csr_der: CertificateParams::default().serialize_request(key).unwrap().der().to_vec() }
}

impl Sensor {
    /// The same sensor with a certificate of the same key that was issued so long ago.
    fn aged(&self, site: &Site, past: Duration) -> Sensor {
        let read = |name: &str| std::fs::read_to_string(site.data.join("keys").join(name)).unwrap();
        let authority = Authority::read(&read("ca.crt"), &read("ca.key")).unwrap();
        let csr = CertificateParams::default().serialize_request(&self.key).unwrap();
        let certificate = authority.issue_sensor(csr.der(), self.id, clock::now().minus(past)).unwrap();
        self.with(KeyPair::from_pem(&self.key.serialize_pem()).unwrap(), certificate)
    }

    /// The same sensor by another key.
    fn with(&self, key: KeyPair, certificate: CertificateDer<'static>) -> Sensor {
        Sensor { id: self.id, root: self.root.clone(), ca: self.ca.clone(), certificate, key }
    }

    /// Connects with this protocol name; the handshake's own verdict is seen with the first question.
    async fn ask(&self, alpn: &[u8], address: SocketAddr, question: &ToCollector) -> Option<ToAgent> {
        let connection = client(self.tls(), alpn).connect(address, COLLECTOR_NAME).unwrap().await.ok()?;
        answer(&connection, question).await
    }

    async fn renew_on_lane(&self, site: &Site, key: &KeyPair) -> Option<ToAgent> {
        self.ask(ALPN_RENEW, site.bound().enroll, &request(key)).await
    }
}

async fn answer(connection: &Connection, question: &ToCollector) -> Option<ToAgent> {
    let (mut send, mut recv) = connection.open_bi().await.ok()?;
    send.write_all(&question.to_frame().unwrap()).await.ok()?;
    hear(&mut recv).await
}

/// A session in this version of the conversation, past its greeting.
async fn greeted(sensor: &Sensor, site: &Site, protocol: u16) -> (Connection, quinn::SendStream, quinn::RecvStream) {
    let connection = sensor.connect(site.bound().quic).await.unwrap();
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    say(&mut send, &ToCollector::Open(Stream::Control)).await;
    say(&mut send, &ToCollector::Hello(Hello { protocol_max: protocol, ..hello() })).await;
    match hear(&mut recv).await {
        Some(ToAgent::Greeting(said)) => assert_eq!(said.protocol, protocol),
        other => panic!("{other:?}: {:?}", connection.close_reason()),
    }
    (connection, send, recv)
}

async fn is_let_in(sensor: &Sensor, site: &Site) -> bool {
    let Ok(connection) = sensor.connect(site.bound().quic).await else { return false };
    let Ok((mut send, mut recv)) = connection.open_bi().await else { return false };
    for message in [ToCollector::Open(Stream::Control), ToCollector::Hello(Hello { protocol_max: 3, ..hello() })] {
        if send.write_all(&message.to_frame().unwrap()).await.is_err() {
            return false;
        }
    }
    matches!(hear(&mut recv).await, Some(ToAgent::Greeting(_) | ToAgent::NewEpoch { .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_p4_a_renewed_key_takes_the_old_ones_place_with_its_first_session_and_not_before() {
    let site = Site::new().await;
    let old = site.sensor().await;
    let (connection, mut send, mut recv) = greeted(&old, &site, 3).await;
    let key = new_key();
    say(&mut send, &request(&key)).await;
    let Some(ToAgent::Renewed { certificate_der }) = hear(&mut recv).await else { panic!("not renewed") };
    let new = old.with(KeyPair::from_pem(&key.serialize_pem()).unwrap(), certificate_der.into());
    // The session that asked goes on, and its key may begin another as long as the new one was not used.
    assert!(connection.close_reason().is_none());
    assert!(is_let_in(&old, &site).await);
    // A copy of the answer that was lost: the same key is given another certificate.
    let (asked_again, mut send, mut recv) = greeted(&old, &site, 3).await;
    say(&mut send, &request(&key)).await;
    assert!(matches!(hear(&mut recv).await, Some(ToAgent::Renewed { .. })));
    let waits = old.connect(site.bound().quic).await.unwrap();
    assert!(is_let_in(&new, &site).await);
    assert_eq!(closed(&asked_again).await, Some(CloseReason::Replaced), "the old key's session is over with it");
    assert!(!is_let_in(&old, &site).await, "the old key has ended");
    // Also for one that had proved it before, and says Hello only now; where the collector comes to letting it in only now, it is
    // over at the door already.
    if let Ok((mut send, _recv)) = waits.open_bi().await {
        for message in [ToCollector::Open(Stream::Control), ToCollector::Hello(Hello { protocol_max: 3, ..hello() })] {
            let _ = send.write_all(&message.to_frame().unwrap()).await;
        }
    }
    assert_eq!(closed(&waits).await, Some(CloseReason::Revoked));
    assert_eq!(old.renew_on_lane(&site, &new_key()).await, Some(ToAgent::RenewalRefused(RenewalRefusal::Unknown)));
    assert!(is_let_in(&new, &site).await);
    let row = site.row(old.id).await;
    assert!(row.certificate_until > Some(clock::now().plus(DAY * 29)) && row.renewed_at.is_some());
    let store = Store::open(&site.data).await.unwrap();
    let events = store.sensor_events(varde_collector::store::Scope::Operator, old.id.0 as i64, 20).await.unwrap();
    assert_eq!(events.newest.iter().filter(|event| event.body["event"] == "ended_key").count(), 1, "seen, and once");
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_a_session_of_version_two_is_given_no_certificate() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let (connection, mut send, _recv) = greeted(&sensor, &site, 2).await;
    say(&mut send, &request(&new_key())).await;
    assert_eq!(closed(&connection).await, Some(CloseReason::ProtocolError));
    assert!(is_let_in(&sensor, &site).await, "and its key goes on as before");
    assert_eq!(site.row(sensor.id).await.renewed_at, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_p4_a_certificate_that_ran_out_is_good_for_the_next_one_and_for_nothing_else() {
    let site = Site::new().await;
    let fresh = site.sensor().await;
    let summer = fresh.aged(&site, DAY * 130);
    assert!(!is_let_in(&summer, &site).await, "no session by a certificate that has run out");
    let key = new_key();
    // On the port of enrolment it enrols nobody either: a token does that.
    let csr_der = CertificateParams::default().serialize_request(&key).unwrap().der().to_vec();
    let agent_version = varde_common::codec::Text::cut("0.1.0");
    let enrol = ToCollector::Enrol { sensor: fresh.id, csr_der, proof: [0; 32], agent_version };
    let enrolled = summer.ask(ALPN_ENROLL, site.bound().enroll, &enrol).await;
    assert_eq!(enrolled, Some(ToAgent::EnrolRefused(EnrolRefusal::NotGood)));
    // Nobody is renewed without a key, or with another question.
    let nobody = client(tls_of_nobody(), ALPN_RENEW);
    let anonymous = nobody.connect(site.bound().enroll, COLLECTOR_NAME).unwrap().await.unwrap();
    assert_eq!(answer(&anonymous, &request(&key)).await, None);
    assert_eq!(summer.ask(ALPN_RENEW, site.bound().enroll, &ToCollector::AskRoot).await, None);

    let Some(ToAgent::Renewed { certificate_der }) = summer.renew_on_lane(&site, &key).await else { panic!("no") };
    let renewed = summer.with(key, certificate_der.into());
    assert!(is_let_in(&renewed, &site).await);

    let long_ago = renewed.aged(&site, DAY * 211);
    let refused = |why| Some(ToAgent::RenewalRefused(why));
    assert_eq!(long_ago.renew_on_lane(&site, &new_key()).await, refused(RenewalRefusal::TooLate));
    assert_eq!(site.row(renewed.id).await.renewal_refused_why.as_deref(), Some("toolate"), "seen at the collector");
    let asked_with_its_own = renewed.renew_on_lane(&site, &renewed.key).await;
    assert_eq!(asked_with_its_own, refused(RenewalRefusal::BadRequest), "a new certificate is of a new key");
    sensor::run(&site.data, SensorCommand::Revoke { id: renewed.id.0 as u32 }).await.unwrap();
    assert_eq!(renewed.aged(&site, DAY * 100).renew_on_lane(&site, &new_key()).await, refused(RenewalRefusal::Revoked));
    assert!(!is_let_in(&renewed, &site).await);
}

fn tls_of_nobody() -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(varde_collector::io::quic::provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(std::sync::Arc::new(AnyServer))
        .with_no_client_auth()
}

/// What came of a try to enrol: none = it waits.
async fn try_enrol(site: &Site, token: &varde_common::token::Token, key: &KeyPair, alpn: &[u8]) -> Option<ToAgent> {
    let connection = client(tls_of_nobody(), alpn).connect(site.bound().enroll, COLLECTOR_NAME).unwrap().await.unwrap();
    let mut exporter = [0; 32];
    connection.export_keying_material(&mut exporter, varde_common::token::EXPORTER_LABEL, b"").unwrap();
    let csr_der = CertificateParams::default().serialize_request(key).unwrap().der().to_vec();
    let secret = varde_common::token::secret_hash(&token.secret);
    let proof = varde_common::token::proof(&secret, &exporter, &csr_der);
    let agent_version = varde_common::codec::Text::cut("0.1.0");
    answer(&connection, &ToCollector::Enrol { sensor: token.sensor, csr_der, proof, agent_version }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_a_sensor_waits_for_a_person_with_its_own_key_and_nobody_elses() {
    let mut site = Site::new().await;
    site.running.take().unwrap().stop().await.unwrap();
    let conduct = Conduct { approve_sensors: true, ..Conduct::default() };
    site.running = Some(serve::start_as(&site.data, anywhere(), conduct.clone()).await.unwrap());
    let (token, key, thief) = (site.token().await, new_key(), new_key());
    let id = token.sensor.0 as u32;
    let refused = |why| Some(ToAgent::EnrolRefused(why));
    let old_agent = try_enrol(&site, &token, &key, ALPN_ENROLL).await;
    assert_eq!(old_agent, refused(EnrolRefusal::BadRequest), "one that cannot wait does not use the token up");
    for _ in 0..2 {
        assert_eq!(try_enrol(&site, &token, &key, ALPN_ENROLL_WAITING).await, Some(ToAgent::Waiting));
    }
    assert_eq!(try_enrol(&site, &token, &thief, ALPN_ENROLL_WAITING).await, refused(EnrolRefusal::Used));
    let words = site.row(token.sensor).await.words.unwrap();
    let spki = varde_common::trust::sha256(&rcgen::PublicKeyData::subject_public_key_info(&key));
    assert_eq!(words, varde_common::words::fingerprint(&spki), "what the sensor's own end shows");
    // A restart of the collector forgets nobody.
    site.running.take().unwrap().stop().await.unwrap();
    site.running = Some(serve::start_as(&site.data, anywhere(), conduct).await.unwrap());
    let mut token = token;
    token.enroll = varde_common::codec::Text::cut(&site.bound().enroll.to_string());
    assert_eq!(try_enrol(&site, &token, &key, ALPN_ENROLL_WAITING).await, Some(ToAgent::Waiting));
    sensor::run(&site.data, SensorCommand::Approve { id }).await.unwrap();
    assert_eq!(try_enrol(&site, &token, &thief, ALPN_ENROLL_WAITING).await, refused(EnrolRefusal::Used));
    let enrolled = try_enrol(&site, &token, &key, ALPN_ENROLL_WAITING).await;
    assert!(matches!(enrolled, Some(ToAgent::Enrolled { .. })), "{enrolled:?}");
    // Its answer was lost: it is given again, to the same key alone.
    let again = try_enrol(&site, &token, &key, ALPN_ENROLL_WAITING).await;
    assert!(matches!(again, Some(ToAgent::Enrolled { .. })), "{again:?}");
    assert_eq!(try_enrol(&site, &token, &thief, ALPN_ENROLL_WAITING).await, refused(EnrolRefusal::Used));
    let store = Store::open(&site.data).await.unwrap();
    let events = store.sensor_events(varde_collector::store::Scope::Operator, i64::from(id), 20).await.unwrap();
    assert!(events.newest.iter().any(|event| event.body["event"] == "token_reused"), "seen: {events:?}");

    let second = site.token().await;
    assert_eq!(try_enrol(&site, &second, &thief, ALPN_ENROLL_WAITING).await, Some(ToAgent::Waiting));
    sensor::run(&site.data, SensorCommand::Refuse { id: second.sensor.0 as u32 }).await.unwrap();
    assert_eq!(try_enrol(&site, &second, &thief, ALPN_ENROLL_WAITING).await, refused(EnrolRefusal::Revoked));
    let said = sensor::run(&site.data, SensorCommand::Approve { id: second.sensor.0 as u32 }).await.unwrap_err();
    assert!(said.to_string().contains("waits for approval"), "{said}");
}

/// That a handshake by a certificate that has run out ends with the alert that says so: by it the sensor knows what to do.
#[tokio::test(flavor = "multi_thread")]
async fn e1_who_has_run_out_is_told_so_in_the_handshake() {
    let site = Site::new().await;
    let summer = site.sensor().await.aged(&site, DAY * 40);
    let endpoint = client(summer.tls(), ALPN_SESSION);
    let ended = match endpoint.connect(site.bound().quic, COLLECTOR_NAME).unwrap().await {
        Ok(connection) => connection.closed().await,
        Err(error) => error,
    };
    let ConnectionError::ConnectionClosed(close) = ended else { panic!("{ended:?}") };
    assert_eq!(u64::from(close.error_code), 0x100 + 45, "certificate_expired: {close}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_the_collectors_own_certificate_is_renewed_while_a_session_stands() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let (standing, _send, _recv) = greeted(&sensor, &site, 3).await;
    let shown = |connection: &Connection| {
        let chain = connection.peer_identity().unwrap().downcast::<Vec<CertificateDer<'static>>>().unwrap();
        chain.first().unwrap().clone()
    };
    // As if a third of a year had passed since it was issued.
    let keys = site.data.join("keys");
    let read = |name: &str| std::fs::read_to_string(keys.join(name)).unwrap();
    let authority = Authority::read(&read("ca.crt"), &read("ca.key")).unwrap();
    let aged = authority.issue_server(clock::now().minus(DAY * 130)).unwrap();
    std::fs::write(keys.join("collector.key"), &aged.key_pem).unwrap();
    std::fs::write(keys.join("collector.crt"), &aged.certificate_pem).unwrap();
    let poke = varde_collector::io::control::poke(&site.data, varde_collector::control::Poke::Keys).await;
    assert_eq!(poke, varde_collector::io::control::Poked::Done);
    let renewed = varde_collector::certificate::read_certificate(&read("collector.crt")).unwrap();
    let (_, until) = varde_collector::certificate::validity(&renewed).unwrap();
    assert!(until > clock::now().plus(DAY * 360), "a new one lies there");
    assert!(standing.close_reason().is_none(), "the session stands");
    let other = site.sensor().await;
    let (fresh, _send, _recv) = greeted(&other, &site, 3).await;
    assert_eq!(shown(&fresh), renewed, "and is shown from now on");
    assert_ne!(shown(&standing), renewed);
    // Files that cannot be used leave the ones before in use.
    std::fs::write(site.data.join("root.json"), "{}").unwrap();
    varde_collector::io::control::poke(&site.data, varde_collector::control::Poke::Keys).await;
    let connection = other.connect(site.bound().quic).await.unwrap();
    assert_eq!(shown(&connection), renewed);
}
