//! The whole edge of the agent against a collector's double: enrolment, session, list, records, faults.

use std::path::{Path, PathBuf};

use clap::{Args, FromArgMatches};
use varde_common::codec::Text;
use varde_common::id::{Mark, Revision, SensorId, Seq};
use varde_common::message::{CloseReason, ListOutcome, RenewalRefusal, Stream, ToAgent, ToCollector};
use varde_common::record::{Record, RecordBody, SensorEvent};
use varde_common::time::Timestamp;
use varde_common::token::Token;
use varde_common::trust::Untrusted;

use super::double::{Double, Fault, Publication};
use super::quic::QuicLink;
use super::renewing::Renewing;
use super::timed::{SharedTime, held};
use super::tls::{SessionTls, Trust};
use super::{Link, LinkError};
use crate::command::run::{RunArgs, run_confined_by};
use crate::effective_time::EffectiveTime;
use crate::io::clock;
use crate::io::disk::identity::Identity;
use crate::io::disk::keys::Keys;
use crate::io::disk::owner::Owner;
use crate::io::disk::roots::Stored;
use crate::io::disk::volume::RealVolume;
use crate::io::disk::{list, mark, spool};
use crate::io::enroll::{EnrolError, Wishes, enroll};
use crate::io::privilege::Confined;
use crate::subscription::tests::{key, publication, root_of};

pub(super) fn unknown_time() -> SharedTime {
    SharedTime::new(EffectiveTime::new(&root_of(&key(1)), None, clock::now()).into())
}

/// What proves the sensor that is enrolled here.
pub(super) fn session_tls(data: &Path) -> SessionTls {
    renewing(data).tls().unwrap()
}

/// Its keys.
pub(super) fn renewing(data: &Path) -> Renewing {
    let root = Identity::read(data).unwrap().root().unwrap();
    let keys = Keys::of(std::sync::Arc::new(RealVolume), data);
    Renewing::open(keys, Trust::new(root), unknown_time()).unwrap()
}

fn published(seed: u8, revision: u64) -> Publication {
    let (manifest, base) = publication(&key(seed), revision);
    (revision, manifest, base)
}

fn enrol(data: &Path, token: &Token) -> Result<u64, EnrolError> {
    let nowhere = Wishes { set: Some("none".to_owned()), ..Wishes::default() };
    enrol_wishing(data, token, &nowhere)
}

fn enrol_wishing(data: &Path, token: &Token, wishes: &Wishes) -> Result<u64, EnrolError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(enroll(data, &token.to_text(), wishes)).map(|card| card.sensor.0)
}

/// A capture file without a packet.
fn empty_capture(directory: &Path) -> PathBuf {
    let path = directory.join("empty.pcap");
    let mut header = 0xa1b2_c3d4u32.to_le_bytes().to_vec();
    header.extend_from_slice(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
    std::fs::write(&path, header).unwrap();
    path
}

fn run_once(data: &Path) -> Result<(), crate::command::Failure> {
    let capture = empty_capture(data);
    let command = RunArgs::augment_args(clap::Command::new("run"));
    let matches = command.get_matches_from(["run", "--capture", capture.to_str().unwrap()]);
    run_confined_by(|_| Ok(Confined::not_at_all()), data, &RunArgs::from_arg_matches(&matches).unwrap())
}

#[test]
fn e1_a_token_makes_an_identity_once() {
    let double = Double::start(&[], published(1, 1), false);
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (directory.path().join("a"), directory.path().join("b"));
    assert_eq!(enrol(&first, &double.token()).unwrap(), 7);
    let identity = Identity::read(&first).unwrap();
    assert_eq!((identity.card.member.as_str(), identity.card.collector), ("Gjøvik", double.quic.to_string()));
    assert!(matches!(enrol(&first, &double.token()), Err(EnrolError::AlreadyEnrolled { .. })));
    assert!(matches!(enrol(&second, &double.token()), Err(EnrolError::Refused(_))));
    assert!(!Identity::exists(&second));
    assert!(std::fs::read_dir(&first).unwrap().count() >= 2, "identity and site key");
}

#[test]
fn a_token_is_not_spent_on_the_wrong_collector() {
    let directory = tempfile::tempdir().unwrap();
    let double = Double::start(&[], published(1, 1), false);
    let wrong_root = Token { root_sha256: [0; 32], ..double.token() };
    let refused = enrol(directory.path(), &wrong_root);
    assert!(matches!(refused, Err(EnrolError::WrongRoot { why: Untrusted::AnotherRoot, .. })), "{refused:?}");
    let old = Token { expires: Timestamp(1), ..double.token() };
    let expired = enrol(directory.path(), &old).unwrap_err();
    assert!(matches!(expired, EnrolError::Expired(..)));
    assert!(expired.to_string().contains("by this machine's clock, which says 2"), "{expired}");
    assert!(expired.remedy().contains("set the clock"), "a clock that is ahead is the likelier cause");
    let wrong_secret = Token { secret: [8; 16], ..double.token() };
    assert!(matches!(enrol(directory.path(), &wrong_secret), Err(EnrolError::Refused(_))));

    let impostor = Double::start(&[], published(1, 1), true);
    let refused = enrol(directory.path(), &impostor.token());
    assert!(matches!(refused, Err(EnrolError::Opened { .. })), "{refused:?}");
    assert!(!Identity::exists(directory.path()));
    assert_eq!(enrol(directory.path(), &double.token()).unwrap(), 7, "the token is still good");
}

#[test]
fn an_unreachable_collector_is_told_as_such() {
    let directory = tempfile::tempdir().unwrap();
    let double = Double::start(&[], published(1, 1), false);
    // A socket that takes datagrams and never answers.
    let deaf = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = deaf.local_addr().unwrap().to_string();
    let token = Token { enroll: varde_common::codec::Text::cut(&address), ..double.token() };
    let refused = enrol(directory.path(), &token);
    assert!(matches!(refused, Err(EnrolError::Link(LinkError::NoAnswer(_)))), "{refused:?}");
}

#[test]
fn d1_p5_every_record_arrives_once_and_every_mark_is_said_whatever_the_collector_does() {
    let double = Double::start(&[Fault::NoAck, Fault::Gap], published(1, 3), false);
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();
    enrol(data, &double.token()).unwrap();
    run_once(data).unwrap();
    run_once(data).unwrap();
    let seen = double.seen.lock().unwrap();
    let bodies = seen.bodies();
    let started = |body: &&RecordBody| matches!(body, RecordBody::Event(SensorEvent::Started { .. }));
    assert_eq!(bodies.iter().filter(started).count(), 2);
    let in_force = RecordBody::Event(SensorEvent::ListInForce { revision: Revision(3), indicators: 40 });
    assert_eq!(bodies.iter().filter(|body| **body == in_force).count(), 1);
    assert!(matches!(bodies.first(), Some(RecordBody::Event(SensorEvent::Started { .. }))), "the first word");
    assert!(seen.sessions >= 3, "{seen:?}");
    assert!(seen.epochs.windows(2).all(|pair| pair[0] == pair[1]), "one spool, one epoch");
    // P5: each Hello says the mark of the session before it, over a restart too, and the last is on disk.
    let marks = (0..seen.kept.len()).map(|number| (number > 0).then_some(Mark(number as u128)));
    assert_eq!(seen.kept, marks.collect::<Vec<_>>());
    assert_eq!(mark::kept(data), Some(Mark(seen.kept.len() as u128)));
    let figures = spool::survey(&data.join("spool")).unwrap();
    assert_eq!((figures.waiting(), figures.next), (0, Seq(bodies.len() as u64 + 1)));
    drop(seen);
    // A run over an empty capture may be over before its first sign of life is put together.
    run_until(data, || double.seen.lock().unwrap().heartbeats >= 2);
}

#[test]
fn d1_d2_power_lost_in_enrolment_sends_nothing_again_and_what_waited_arrives_where_the_member_is_the_same() {
    for same_member in [true, false] {
        let double = Double::start(&[], published(1, 3), false);
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path();
        enrol(data, &double.token()).unwrap();
        let new = Owner::of(&Identity::read(data).unwrap());
        let member = if same_member { new.member.clone() } else { "Oslo (0301)".to_owned() };
        // The identity is there, and the spool is still where the sensor before left it: one record sent, one not.
        let opened = spool::Spool::open(
            std::sync::Arc::new(RealVolume),
            &data.join("spool"),
            spool::Caps::default(),
            Timestamp(1_000_000),
        );
        let mut before = opened.unwrap().0;
        Owner { sensor: SensorId(3), member, ..new }.claim(data).unwrap();
        let started = |version| RecordBody::Event(SensorEvent::Started { version: Text::cut(version) });
        for version in ["sent", "waits"] {
            before.append(&Record { time: Timestamp(1_000_000), body: started(version) }.to_octets().unwrap());
        }
        before.sync(Timestamp(1_000_000)).unwrap();
        before.handle_sending_ended(Seq(2)).unwrap();
        drop(before);
        run_once(data).unwrap();
        run_once(data).unwrap();
        let bodies = double.seen.lock().unwrap().bodies();
        let arrived = |version| bodies.iter().filter(|body| **body == started(version)).count();
        assert_eq!((arrived("sent"), arrived("waits")), (0, usize::from(same_member)), "{bodies:?}");
    }
}

/// Runs until the double has seen what is waited for; each run is a session of its own.
fn run_until(data: &Path, seen: impl Fn() -> bool) {
    for _ in 0..100 {
        if seen() {
            return;
        }
        run_once(data).unwrap();
    }
    panic!("what was waited for never came");
}

#[test]
fn l2_a_foreign_list_is_refused_over_the_wire_and_the_old_one_stays() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();
    let double = Double::start(&[], published(1, 3), false);
    enrol(data, &double.token()).unwrap();
    run_once(data).unwrap();
    let root = Identity::read(data).unwrap().root().unwrap();
    double.publish(published(2, 4));
    let refused = |outcome: &ListOutcome| matches!(outcome, ListOutcome::Refused { in_force: Revision(3), .. });
    run_until(data, || double.seen.lock().unwrap().outcomes.iter().any(refused));
    let told = |body: &RecordBody| matches!(body, RecordBody::Event(SensorEvent::ListRefused { .. }));
    run_until(data, || double.seen.lock().unwrap().bodies().iter().any(told));
    let stored = list::read(data, &Stored::of(root.clone()), SensorId(7)).unwrap();
    assert_eq!(stored.list.map(|(manifest, _)| manifest.revision), Some(Revision(3)));
}

#[test]
fn l2_a_list_damaged_on_disk_is_told_and_fetched_again_under_its_own_number() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();
    let double = Double::start(&[], published(1, 3), false);
    enrol(data, &double.token()).unwrap();
    run_once(data).unwrap();
    let root = Identity::read(data).unwrap().root().unwrap();
    let kept = std::fs::read(data.join("list/in-force")).unwrap();
    // Another's list, put there by hand.
    let (_, manifest, base) = published(2, 4);
    list::store(data, &manifest, &base).unwrap();
    let stored = list::read(data, &Stored::of(root.clone()), SensorId(7)).unwrap();
    assert!(stored.list.is_none() && stored.refused.is_some());
    assert_eq!(stored.floor.revision(), Revision(3), "the floor outlives the list");
    for end in [0, 5, 12, 40, kept.len() - 1] {
        std::fs::write(data.join("list/in-force"), &kept[..end]).unwrap();
        assert!(list::read(data, &Stored::of(root.clone()), SensorId(7)).unwrap().list.is_none(), "cut at {end}");
    }
    run_once(data).unwrap();
    let stored = list::read(data, &Stored::of(root.clone()), SensorId(7)).unwrap();
    assert_eq!(stored.list.map(|(manifest, _)| manifest.revision), Some(Revision(3)));
    for rubbish in ["", "many", &"9".repeat(100)] {
        std::fs::write(data.join("list/floor"), rubbish).unwrap();
        let stored = list::read(data, &Stored::of(root.clone()), SensorId(7)).unwrap();
        assert!(stored.list.is_some() && stored.refused.is_some(), "{rubbish}");
        assert_eq!(stored.floor.revision(), Revision(3), "the list in force is the floor then");
    }
    let seen = double.seen.lock().unwrap();
    assert!(seen.bodies().iter().any(|body| matches!(body, RecordBody::Event(SensorEvent::ListRefused { .. }))));
    assert!(seen.outcomes.iter().all(|outcome| matches!(outcome, ListOutcome::InForce { revision: Revision(3), .. })));
}

#[test]
fn p4_a_revoked_sensor_hears_that_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let double = Double::start(&[Fault::Revoked], published(1, 3), false);
    enrol(directory.path(), &double.token()).unwrap();
    let tls = session_tls(directory.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ended = runtime.block_on(async {
        let link = QuicLink::dial(&double.quic.to_string(), &tls, &mut Vec::new()).await?;
        let (_write, mut read) = link.open(Stream::Control).await?;
        let _ = super::read_message(&mut read).await;
        Err::<(), LinkError>(link.ended().unwrap())
    });
    assert_eq!(ended, Err(LinkError::Closed(CloseReason::Revoked)));
}

#[test]
fn a_collector_whose_name_is_out_of_reach_is_dialled_where_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let double = Double::start(&[], published(1, 3), false);
    enrol(directory.path(), &double.token()).unwrap();
    let tls = session_tls(directory.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // An address without a port is found by nobody.
        let mut known = Vec::new();
        let lost = QuicLink::dial("collector", &tls, &mut known).await;
        assert!(matches!(lost, Err(LinkError::Name { .. })), "{lost:?}");
        QuicLink::dial(&double.quic.to_string(), &tls, &mut known).await.unwrap();
        assert_eq!(known, [double.quic]);
        QuicLink::dial("collector", &tls, &mut known).await.unwrap();
    });
}

/// So many days from now, to the day.
fn days(from_now: i64) -> (i32, u8, u8) {
    let at = clock::now().0 + from_now * 86_400_000_000;
    let text = Timestamp(at).to_string();
    let part = |range: std::ops::Range<usize>| text[range].parse::<u16>().unwrap();
    (i32::from(part(0..4)), part(5..7) as u8, part(8..10) as u8)
}

/// A certificate for a public key, good from and until so many days from now.
fn certificate(key: &impl rcgen::PublicKeyData, from: i64, until: i64) -> Vec<u8> {
    let authority = rcgen::KeyPair::generate().unwrap();
    let issuer = rcgen::Issuer::new(rcgen::CertificateParams::default(), authority);
    let mut params = rcgen::CertificateParams::default();
    let ((y, m, d), (year, month, day)) = (days(from), days(until));
    params.not_before = rcgen::date_time_ymd(y, m, d);
    params.not_after = rcgen::date_time_ymd(year, month, day);
    params.signed_by(key, &issuer).unwrap().der().to_vec()
}

#[tokio::test]
async fn e1_c1_only_a_newer_certificate_of_the_key_that_was_asked_with_changes_anything() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();
    let identity = data.join("identity");
    std::fs::create_dir(&identity).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    std::fs::write(identity.join("key.pem"), key.serialize_pem()).unwrap();
    std::fs::write(identity.join("certificate.der"), certificate(&key, -13, 17)).unwrap();
    let keys = Keys::of(std::sync::Arc::new(RealVolume), data);
    let before = keys.all();
    let time = unknown_time();
    held(&time).handle_proof(Timestamp(clock::now().0 + 300 * 86_400_000_000), String::new());
    let trust = Trust::new(crate::subscription::tests::root_of(&crate::subscription::tests::key(1)));
    let mut renewing = Renewing::open(keys.clone(), trust, time).unwrap();

    let nobody_asked = renewing.hear(ToAgent::Renewed { certificate_der: certificate(&key, 0, 30) }).await;
    assert_eq!((nobody_asked, keys.all()), (Ok(()), before.clone()));
    let Some(ToCollector::Renew { csr_der }) = renewing.ask().await else { panic!("it does not ask") };
    let request = rcgen::CertificateSigningRequestParams::from_der(&csr_der.into()).unwrap();
    let asked = &request.public_key;
    for (what, refused) in [
        ("rubbish", vec![0x30; 40]),
        ("for the key in use", certificate(&key, 0, 30)),
        ("no newer", certificate(asked, -14, 16)),
        ("to be renewed at once", certificate(asked, -60, 18)),
        ("of a collector whose clock is years ahead", certificate(asked, 3_000, 3_030)),
    ] {
        assert_eq!(renewing.hear(ToAgent::Renewed { certificate_der: refused }).await, Ok(()), "{what}");
        assert_eq!(keys.all(), before, "{what}");
        assert!(renewing.certified().failing.is_some(), "{what}");
    }
    let refused = renewing.hear(ToAgent::RenewalRefused(RenewalRefusal::NoAuthority)).await;
    assert_eq!((refused, keys.all()), (Ok(()), before.clone()));
    assert!(renewing.certified().failing.unwrap().contains("cannot issue"), "what the collector said");
    assert!(renewing.hear(ToAgent::Waiting).await.is_err(), "no answer to this question");

    let good = certificate(asked, 0, 30);
    assert_eq!(renewing.hear(ToAgent::Renewed { certificate_der: good.clone() }).await, Err(LinkError::Renewed));
    assert_eq!(keys.all().iter().map(|keys| keys.certificate_der.clone()).next(), Some(good));
    assert_eq!(keys.all()[1..], before, "the one before stays until the new one has stood in a session");
    // Refused with it, it goes back to the one before; refused with both, it begins with the first again.
    assert!(renewing.handle_not_let_in() && !renewing.handle_not_let_in());
    renewing.handle_stood(1_000).await.unwrap();
    assert_eq!(keys.all()[1..], before, "and after it, for a collector that is restored from a backup");
}
