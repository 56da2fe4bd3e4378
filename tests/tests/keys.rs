//! Promises E1 and D3 of a sensor's keys: a renewal cut off anywhere, on a disk that forgets what was not fsynced, leaves a key
//! that the collector knows, and goes on from there.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rcgen::{CertificateParams, CertificateSigningRequestParams, Issuer, KeyPair};
use varde_agent::io::disk::keys::{Credentials, Keys};
use varde_agent::io::disk::write_whole_on;
use varde_tests::model_disk::{CRASHES, ModelDisk};

const DATA: &str = "/data";

/// A collector reduced to what matters here: which certificates it would let in.
struct Registry {
    issuer: Issuer<'static, KeyPair>,
    current: Vec<u8>,
    next: Option<Vec<u8>>,
}

impl Registry {
    fn certificate(&self, csr_der: Vec<u8>) -> Result<Vec<u8>> {
        let request = CertificateSigningRequestParams::from_der(&csr_der.into())?;
        Ok(CertificateParams::default().signed_by(&request.public_key, &self.issuer)?.der().to_vec())
    }

    fn lets_in(&mut self, shown: &Credentials) -> bool {
        if self.next.as_ref() == Some(&shown.certificate_der) {
            self.current.clone_from(&shown.certificate_der);
            self.next = None;
        }
        self.current == shown.certificate_der
    }
}

/// A sensor that has enrolled, on a disk where all of that is durable; the registry that knows it.
fn enrolled(disk: &ModelDisk) -> Result<(Keys, Registry)> {
    let authority = KeyPair::generate()?;
    let issuer = Issuer::new(CertificateParams::default(), authority);
    let (volume, identity) = (disk.volume(), Path::new(DATA).join("identity"));
    varde_agent::io::disk::create_directory_on(volume.as_ref(), &identity)?;
    let keys = Keys::of(Arc::clone(&volume), Path::new(DATA));
    let key = KeyPair::generate()?;
    let csr = CertificateParams::default().serialize_request(&key)?.der().to_vec();
    let mut registry = Registry { issuer, current: Vec::new(), next: None };
    registry.current = registry.certificate(csr)?;
    write_whole_on(volume.as_ref(), &identity.join("key.pem"), key.serialize_pem().as_bytes())?;
    write_whole_on(volume.as_ref(), &identity.join("certificate.der"), &registry.current)?;
    Ok((keys, registry))
}

/// Who the collector would let in at some moment of a renewal.
#[derive(Debug, Clone)]
struct Then {
    from: usize,
    step: &'static str,
    known: Vec<Vec<u8>>,
}

/// A renewal without a crash in it; gives its steps and what the registry knows in each.
fn renew(disk: &ModelDisk, keys: &Keys, registry: &mut Registry) -> Result<Vec<Then>> {
    let mut steps = Vec::new();
    let mut begin = |step, known: Vec<Vec<u8>>| steps.push(Then { from: disk.moments(), step, known });
    let before = registry.current.clone();
    begin("a key is born", vec![before.clone()]);
    let csr = keys.request()?;
    begin("asked, and not heard", vec![before.clone()]);
    let certificate = registry.certificate(csr)?;
    registry.next = Some(certificate.clone());
    begin("given, and kept", vec![before, certificate.clone()]);
    let kept = keys.keep(&certificate)?;
    ensure!(keys.all().first() == Some(&kept), "the new one is tried first");
    ensure!(registry.lets_in(&kept), "and let in");
    begin("used, and put in its place", vec![certificate.clone()]);
    keys.settle(&kept)?;
    begin("done", vec![certificate]);
    Ok(steps)
}

/// What a sensor does that starts on such a disk: tries its keys in turn, settles on the one that is let in.
fn start(keys: &Keys, known: &[Vec<u8>]) -> Result<Credentials> {
    let let_in = keys.all().into_iter().find(|tried| known.contains(&tried.certificate_der));
    let let_in = let_in.context("none of its keys is known: it is locked out")?;
    keys.settle(&let_in)?;
    Ok(let_in)
}

#[test]
fn e1_d3_a_renewal_cut_off_anywhere_leaves_a_key_that_the_collector_knows() -> Result<()> {
    let disk = ModelDisk::new(5);
    let (keys, mut registry) = enrolled(&disk)?;
    let mut points = 0;
    // The second renewal begins with the leavings of the first.
    for round in 0..2 {
        let steps = renew(&disk, &keys, &mut registry)?;
        let last = disk.moments();
        for (place, then) in steps.iter().enumerate() {
            let until = steps.get(place + 1).map_or(last, |next| next.from);
            for moment in then.from..=until {
                for crash in CRASHES {
                    let crashed = disk.crashed_at(moment, crash, moment as u64);
                    let again = Keys::of(crashed.volume(), Path::new(DATA));
                    // The collector may know both; once the new one was used it knows that one alone.
                    let at = || format!("round {round}, {}, moment {moment}, {crash:?}", then.step);
                    let stood = start(&again, &then.known).with_context(at)?;
                    ensure!(again.all().first() == Some(&stood), "{}: what stood is not tried first", at());
                    // And the next renewal goes through from there.
                    let mut registry = Registry {
                        issuer: Issuer::new(CertificateParams::default(), KeyPair::generate()?),
                        current: stood.certificate_der.clone(),
                        next: None,
                    };
                    if points % 7 == 0 {
                        renew(&crashed, &again, &mut registry).with_context(at)?;
                    }
                    points += 1;
                }
            }
        }
    }
    ensure!(points > 300, "only {points} crash points");
    println!("E1 renewal: {points} crash points, at each a key that is known");
    Ok(())
}

#[test]
fn d9_a_collector_restored_from_a_backup_is_answered_with_the_key_before() -> Result<()> {
    let disk = ModelDisk::new(6);
    let (keys, mut registry) = enrolled(&disk)?;
    let before = registry.current.clone();
    renew(&disk, &keys, &mut registry)?;
    let stood = start(&keys, std::slice::from_ref(&before))?;
    ensure!(stood.certificate_der == before);
    ensure!(start(&keys, std::slice::from_ref(&before))? == stood, "and goes on");
    ensure!(start(&keys, &[vec![1]]).is_err() && keys.all().contains(&stood), "nothing is lost by being refused");
    Ok(())
}
