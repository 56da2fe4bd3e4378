//! Bench B9: octets an alert costs on the wire, in a batch and alone, beside the same alerts as EVE JSON and through zstd;
//! what QUIC adds is shown apart. Counted, not timed: the same seed gives the same figures.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rcgen::{CertificateParams, KeyPair};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use varde_common::compact::Packer;
use varde_common::message::{Batch, ToAgent, ToCollector};
use varde_tests::alerts::{B9, Make, batch, eve_json, updates};
use varde_tests::random::Random;

/// What an alert costs on the wire.
#[derive(Debug, Parser)]
struct Arguments {
    /// Alerts in the batch.
    #[arg(long, default_value_t = B9.alerts)]
    alerts: u64,
    /// Indicators they are of.
    #[arg(long, default_value_t = B9.indicators)]
    indicators: u64,
    /// Hosts they are at.
    #[arg(long, default_value_t = B9.hosts)]
    hosts: u64,
    /// The first seed; the medians are of five.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn compact(packer: &mut Packer, batch: &Batch) -> Result<Vec<u8>> {
    Ok(ToCollector::Compact(packer.pack(batch)).to_frame()?)
}

/// Octets after `zstd -LEVEL`, its own frame of some 13 octets with them.
fn zstd(octets: &[u8], level: u32) -> Result<usize> {
    let mut child = Command::new("zstd")
        .args([format!("-{level}"), "-q".to_owned(), "-c".to_owned()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the bench needs the program zstd (Debian: apt install zstd)")?;
    let mut input = child.stdin.take().context("no way to zstd")?;
    let owned = octets.to_vec();
    let writing = std::thread::spawn(move || input.write_all(&owned));
    let output = child.wait_with_output()?;
    writing.join().map_err(|_| anyhow::anyhow!("writing to zstd broke"))??;
    ensure!(output.status.success(), "zstd failed");
    Ok(output.stdout.len())
}

/// What was sent on a connection: (octets in datagrams, datagrams).
fn sent(connection: &quinn::Connection) -> (u64, u64) {
    let stats = connection.stats();
    (stats.udp_tx.bytes, stats.udp_tx.datagrams)
}

/// A connection between two ends of this process, with TLS 1.3 both ways as in a session.
async fn connected() -> Result<(quinn::Endpoint, quinn::Endpoint, quinn::Connection, quinn::Connection)> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["collector.varde".to_owned()])?.self_signed(&key)?.der().clone();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let key = || PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key())?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(server)?));
    let listening = quinn::Endpoint::server(server, any)?;
    let mut dialling = quinn::Endpoint::client(any)?;
    dialling.set_default_client_config(quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(client)?)));
    let connecting = dialling.connect(listening.local_addr()?, "collector.varde")?;
    let accepting = async { anyhow::Ok(listening.accept().await.context("nobody came")?.await?) };
    let (ours, theirs) = tokio::join!(connecting, accepting);
    Ok((listening.clone(), dialling, ours?, theirs?))
}

/// What QUIC sends to carry a frame and have it answered: (octets beyond the frame, datagrams), both ways' acknowledgements
/// and the packets of the answer included on our side.
async fn quic_adds(frame: &[u8], answer: &[u8]) -> Result<(u64, u64)> {
    let (_listening, _dialling, ours, theirs) = connected().await?;
    let (mut send, mut receive) = ours.open_bi().await?;
    // The stream stands and the handshake is over before anything is counted.
    send.write_all(&[0]).await?;
    let (mut reply, mut heard) = theirs.accept_bi().await?;
    heard.read_exact(&mut [0]).await?;
    reply.write_all(&[0]).await?;
    receive.read_exact(&mut [0]).await?;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let before = sent(&ours);
    let mut octets = vec![0; frame.len()];
    let sending = async { anyhow::Ok(send.write_all(frame).await?) };
    let hearing = async {
        heard.read_exact(&mut octets).await?;
        anyhow::Ok(reply.write_all(answer).await?)
    };
    tokio::try_join!(sending, hearing)?;
    let mut octets = vec![0; answer.len()];
    receive.read_exact(&mut octets).await?;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let after = sent(&ours);
    Ok(((after.0 - before.0).saturating_sub(frame.len() as u64), after.1 - before.1))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn line(what: &str, octets: f64, note: &str) {
    println!("  {what:<58} {octets:>8.1}  {note}");
}

fn main() -> Result<()> {
    let Arguments { alerts, indicators, hosts, seed } = Arguments::parse();
    let make = Make { alerts, indicators, hosts };
    let one = Make { alerts: 1, ..make };
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); 14];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut note = |place: usize, octets: usize, of: u64| {
        if let Some(column) = columns.get_mut(place) {
            column.push(octets as f64 / of as f64);
        }
    };
    let (mut of_many, mut of_one) = (Vec::new(), Vec::new());
    for seed in seed..seed + 5 {
        let mut random = Random::seeded(seed);
        let batch_of_many = batch(&mut random, make, 1)?;
        let later = batch(&mut random, make, 1 + alerts)?;
        let updated = updates(&mut random, make, &later)?;
        let alone = batch(&mut random, one, 1)?;
        let mut packer = Packer::default();
        let frame = compact(&mut packer, &batch_of_many)?;
        note(0, frame.len(), alerts);
        note(1, compact(&mut packer, &later)?.len(), alerts);
        note(2, compact(&mut packer, &updated)?.len(), alerts);
        let frame_alone = compact(&mut Packer::default(), &alone)?;
        note(3, frame_alone.len(), 1);
        note(4, ToCollector::Batch(batch_of_many.clone()).to_frame()?.len(), alerts);
        note(5, ToCollector::Batch(alone.clone()).to_frame()?.len(), 1);
        note(6, zstd(&frame, 3)?, alerts);
        note(7, zstd(&frame, 19)?, alerts);
        let (eve, eve_alone) = (eve_json(&batch_of_many)?, eve_json(&alone)?);
        note(8, eve.len(), alerts);
        note(9, zstd(eve.as_bytes(), 3)?, alerts);
        note(10, zstd(eve.as_bytes(), 19)?, alerts);
        note(11, eve_alone.len(), 1);
        note(12, zstd(eve_alone.as_bytes(), 19)?, 1);
        let answer = ToAgent::Ack { epoch: batch_of_many.epoch, seq: later.first_seq }.to_frame()?;
        of_many.push(runtime.block_on(quic_adds(&frame, &answer))?);
        of_one.push(runtime.block_on(quic_adds(&frame_alone, &answer))?);
    }
    let octets: Vec<f64> = columns.into_iter().map(median).collect();
    let at = |place: usize| octets.get(place).copied().unwrap_or_default();
    println!(
        "octets an alert, {alerts} alerts of {indicators} indicators at {hosts} hosts, one site, no observed name; medians of 5 seeds"
    );
    println!("in a batch");
    line("B9 compact, the first batch of a session", at(0), "bar 24");
    line("   compact, a later batch of the same session", at(1), "");
    line("   compact, a batch of updates", at(2), "");
    line("   compact through zstd -3 / -19", at(6), &format!("/ {:.1}", at(7)));
    line("   version 1 (records one after the other)", at(4), "");
    line("   EVE JSON", at(8), "");
    line("   EVE JSON through zstd -3 / -19, all in one frame", at(9), &format!("/ {:.1}", at(10)));
    println!("alone");
    line("B9 compact, the first of a session", at(3), "bar 120");
    line("   version 1", at(5), "");
    line("   EVE JSON", at(11), "");
    line("   EVE JSON through zstd -19", at(12), "");
    println!(
        "what QUIC adds on the sender's side (headers, tags, acknowledgements of the answer), without UDP and IP (28 a datagram)"
    );
    let per_alert = median(of_many.iter().map(|(octets, _)| *octets as f64).collect()) / alerts as f64;
    let datagrams = |carried: &[(u64, u64)]| median(carried.iter().map(|(_, datagrams)| *datagrams as f64).collect());
    line("to the batch, an alert", per_alert, &format!("in {} datagrams for the batch", datagrams(&of_many)));
    let to_one = median(of_one.iter().map(|(octets, _)| *octets as f64).collect());
    line("to the one alone", to_one, &format!("in {} datagrams", datagrams(&of_one)));
    println!(
        "over TLS on TCP a record adds 22 octets (RFC 8446 section 5.2), and a batch of 1,000 is one or two of them"
    );
    println!("verdict: B9 in the batch {}, alone {}", word(at(0) <= 24.0), word(at(3) <= 120.0));
    Ok(())
}

fn word(kept: bool) -> &'static str {
    if kept { "kept" } else { "NOT KEPT" }
}
