//! `varde-agent inspect`: captures against plain lists, here and now; no collector, no data directory.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use ipnet::IpNet;
use varde_common::alert::Direction;
use varde_common::confidential::ConfidentialKey;
use varde_common::id::{IndicatorId, Revision};
use varde_common::matcher::{Builder, Facts, IndicatorSet, Seed};
use varde_common::pattern::TargetRef;
use varde_common::plain;
use varde_common::time::Timestamp;

use super::inspect_lines::{self as lines, Style};
use super::status_lines::{let_go, unwrapped};
use crate::io::capture::{Capture, CaptureRefusal, Merged, Step};
use crate::raise::Keep;
use crate::raise::fold::Alert;
use crate::sensor::{Sensor, SensorSettings};

/// Octets of a list read at once.
const LIST_BLOCK_OCTETS: usize = 256 * 1024;
/// Indicators of a list named that nearly everything meets.
const WIDE_SHOWN: u64 = 20;
/// Resolver's alerts held back until it is known whether a host stands behind them.
const RESOLVER_ALERTS_MAX: usize = 16_384;
/// A host's alert so close in time explains the resolver's, seconds.
const EXPLAINED_WITHIN_S: u64 = 3_600;

/// Reads captures and says what in them meets the given indicators.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Lists: one indicator a line; # starts a comment.
  evil.no                  the name and everything below it
  =www.evil.no             exactly this name
  192.0.2.1  2001:db8::1   an address         192.0.2.0/24  2001:db8::/32   a network
  evil.no:8443  192.0.2.1:443  [2001:db8::1]:443  192.0.2.0/24:443  [2001:db8::/32]:443   only this server port
  ja4:t13d1516h2_8daaf6152771_e5627efa2ab1   programs whose TLS or QUIC hello has this JA4 fingerprint

With --json, one object a line (absent = null, times RFC 3339 UTC; of a confidential indicator the server is null):
  alert     type indicator kind evidence observed client server port protocol direction first_seen last_seen count
  sighting  type indicator kind evidence observed client client_port server server_port protocol direction time
  dns       type time client server id qname qtype rcode answers[name type ttl data]
  flow      type initiator initiator_port responder responder_port protocol packets octets reverse_packets
            reverse_octets start end
  hello     type transport time client client_port server server_port sni alpn[] ja4
  http      type time client client_port server server_port host
evidence rises: blocked looked_up answered attempted contacted data_out.

The last line on standard error sums up: what was read, what came in tunnels, second copies left out, packets put
together from fragments (these three where there are any), what full tables let go, by table (where there is any: names may
have gone unseen), and what was refused, by reason.
Exit: 0 ran, 1 something could not be read (a capture, a list, or a line of one: it is named, the rest is used), 2 wrong usage.")]
pub struct InspectArgs {
    /// A plain list of indicators; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub indicators: Vec<PathBuf>,
    /// A network of the member's own; replaces the defaults (RFC 1918, RFC 6598, ULA, link-local); may be repeated.
    #[arg(long, value_name = "CIDR", value_parser = network)]
    pub inside: Vec<IpNet>,
    /// A resolver of the member's own; replaces recognition by behaviour; may be repeated.
    #[arg(long, value_name = "IP")]
    pub resolver: Vec<IpAddr>,
    /// Print each match by itself instead of alerts.
    #[arg(long, conflicts_with = "observations")]
    pub sightings: bool,
    /// Print everything seen instead of alerts.
    #[arg(long)]
    pub observations: bool,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// Capture files (pcap, pcapng); several are read as one, in order of time.
    #[arg(required = true, value_name = "CAPTURE")]
    pub captures: Vec<PathBuf>,
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .or_else(|_| address())
        .map_err(|_| format!("\"{text}\" is no network; write it as 10.0.0.0/8 or 2001:db8::/32"))
}

/// Lists loaded, each pattern once. They are read block by block straight into the form that is matched.
fn load(lists: &[PathBuf], inside: &[IpNet], failed: &mut bool) -> IndicatorSet {
    let mut seed = [0; 16];
    if let Err(error) = getrandom::fill(&mut seed) {
        complain(&format!("the system gives no random numbers: {error}; no list is loaded"));
        *failed = true;
        return IndicatorSet::default();
    }
    let mut builder = Builder::new(Seed::from_octets(seed), ConfidentialKey::default()).each_pattern_once();
    for list in lists {
        if let Err(error) = load_one(list, inside, &mut builder, failed) {
            complain(&format!("{}: cannot be read: {error}; the other lists are used", list.display()));
            *failed = true;
        }
    }
    match builder.finish().map(IndicatorSet::of) {
        Ok(Ok(set)) => set,
        Ok(Err(error)) => none_loaded(&error, failed),
        Err(error) => none_loaded(&error, failed),
    }
}

fn none_loaded(error: &dyn std::fmt::Display, failed: &mut bool) -> IndicatorSet {
    complain(&format!("no list is loaded: {error}"));
    *failed = true;
    IndicatorSet::default()
}

/// Reads one list. A refusal that concerns the whole is told once.
fn load_one(list: &Path, inside: &[IpNet], builder: &mut Builder, failed: &mut bool) -> io::Result<()> {
    let mut file = File::open(list)?;
    let mut block = vec![0; LIST_BLOCK_OCTETS];
    let mut reader = plain::Reader::new();
    let mut full = false;
    let facts = Facts::default();
    let mut warned = 0;
    let mut take = |number: usize, line: plain::Line<'_>| match line {
        Ok(pattern) => {
            if warned < WIDE_SHOWN
                && let Some(warning) = wide(&pattern.target, inside)
            {
                warned += 1;
                let shown = pattern.to_owned().to_plain();
                complain(&format!("{}: line {number}: \"{shown}\" is used, but {warning}", list.display()));
            }
            let added = builder.add(IndicatorId(builder.count()), pattern, &facts);
            if let Err(error) = added
                && !full
            {
                complain(&format!("{}: not all of it is loaded: {error}", list.display()));
                (full, *failed) = (true, true);
            }
        }
        Err(bad) => {
            complain(&format!("{}: {bad}", list.display()));
            *failed = true;
        }
    };
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(read) => reader.read(block.get(..read).unwrap_or_default(), &mut take),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    reader.finish(take);
    Ok(())
}

/// Why nearly everything would meet an indicator. The list is the reader's own, so it is used all the same.
fn wide(target: &TargetRef<'_>, inside: &[IpNet]) -> Option<String> {
    match target {
        TargetRef::Domain(name) => {
            // One label is all there is; asked of every line of a list of millions.
            let first = usize::from(*name.octets().first()?);
            (first + 1 >= name.octets().len())
                .then(|| "it is a top-level domain or a name without a dot: everything below it is met".to_owned())
        }
        TargetRef::Network { first, prefix } => {
            let listed = IpNet::new(*first, *prefix).ok()?;
            let met = inside.iter().find(|own| own.contains(&listed) || listed.contains(*own))?;
            Some(format!("it meets {met}, which is inside: your own machines are met"))
        }
        TargetRef::Host(_) | TargetRef::Address(_) | TargetRef::Ja4(_) | TargetRef::Confidential(_) => None,
    }
}

fn complain(sentence: &str) {
    let _ = writeln!(io::stderr(), "varde-agent: {sentence}");
}

/// Runs the command.
pub fn run(args: &InspectArgs) -> ExitCode {
    let mut failed = false;
    let defaults = SensorSettings::default();
    let inside = if args.inside.is_empty() { defaults.inside } else { args.inside.clone() };
    let set = load(&args.indicators, &inside, &mut failed);
    if set.is_empty() && !args.observations {
        complain("no indicators are loaded, so nothing can match; give a list with --indicators FILE");
    }
    let settings = SensorSettings {
        inside,
        resolvers: (!args.resolver.is_empty()).then(|| args.resolver.clone()),
        keep: Keep { alerts: true, sightings: args.sightings },
        keep_observations: args.observations,
        ..defaults
    };
    let mut sensor = Sensor::new(settings, Arc::new(set), Revision(0));
    let sources: Vec<(u16, PathBuf)> = args
        .captures
        .iter()
        .enumerate()
        .map(|(n, path)| (u16::try_from(n).unwrap_or(u16::MAX), path.clone()))
        .collect();
    let (mut captures, errors) = Merged::open(&sources);
    for error in errors {
        complain(&error.to_string());
        failed = true;
    }
    let mut printer = Printer::new(args);
    match read(&mut captures, &mut sensor, &mut printer) {
        Ok(read_failed) => failed |= read_failed,
        // Whoever reads our output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("the output cannot be written: {error}"));
            return ExitCode::FAILURE;
        }
    }
    summary(&sensor, &captures, printer.alerts);
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Reads to the end; tells whether a source failed on the way.
fn read(captures: &mut Merged, sensor: &mut Sensor, printer: &mut Printer) -> io::Result<bool> {
    let progress = progress(captures.progress().total_octets);
    let mut failed = false;
    loop {
        let mut result = Ok(());
        let step = captures.next_block(&mut |frame| {
            sensor.handle_frame(&frame);
            if sensor.has_news() && result.is_ok() {
                result = printer.take(sensor);
            }
        });
        result?;
        progress.set_position(captures.progress().read_octets);
        match step {
            Ok(Step::Frames | Step::Idle) => {}
            Ok(Step::End) => break,
            Err(error) => {
                complain(&error.to_string());
                failed = true;
            }
        }
    }
    sensor.close_all();
    printer.take(sensor)?;
    printer.finish()?;
    progress.finish_and_clear();
    Ok(failed)
}

fn progress(total: u64) -> ProgressBar {
    if total < 16 * 1024 * 1024 || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}") {
        bar.set_style(style);
    }
    bar
}

fn summary(sensor: &Sensor, captures: &Merged, alerts: u64) {
    let health = sensor.health();
    let mut refused = sensor.refused();
    let counts = captures.counts();
    for reason in CaptureRefusal::ALL {
        *refused.entry(reason.as_str()).or_default() += counts.refused(reason);
    }
    let refused: Vec<String> =
        refused.iter().filter(|(_, count)| **count > 0).map(|(reason, count)| format!("{reason} {count}")).collect();
    let refused = if refused.is_empty() { "nothing".to_owned() } else { refused.join(", ") };
    let unwrapped = unwrapped(&health.tunnelled, health.duplicates, health.rejoined, |count| count.to_string());
    let unwrapped: String = unwrapped.into_iter().map(|said| format!("{said}; ")).collect();
    let let_go = let_go(&health.evictions, |count| count.to_string());
    let let_go = if let_go.is_empty() { let_go } else { format!("let go by full tables: {let_go}; ") };
    let _ = writeln!(
        io::stderr(),
        "packets {}, octets {}, DNS messages {}, flows {}, alerts {alerts}; {unwrapped}without IP {}; {let_go}refused: {refused}",
        health.packets,
        health.octets,
        health.dns_messages,
        health.flows,
        health.not_ip,
    );
}

/// Prints what the sensor hands out, in the style asked for.
struct Printer {
    output: BufWriter<io::Stdout>,
    style: Style,
    /// Whether alerts are printed; they are counted anyway.
    tells_alerts: bool,
    alerts: u64,
    /// Newest host alert by indicator: explains what a resolver asked for it.
    hosts: HashMap<IndicatorId, Timestamp>,
    resolver_alerts: Vec<Alert>,
}

impl Printer {
    fn new(args: &InspectArgs) -> Printer {
        Printer {
            output: BufWriter::with_capacity(64 * 1024, io::stdout()),
            style: if args.json { Style::Json } else { Style::People },
            tells_alerts: !args.sightings && !args.observations,
            alerts: 0,
            hosts: HashMap::new(),
            resolver_alerts: Vec::new(),
        }
    }

    fn take(&mut self, sensor: &mut Sensor) -> io::Result<()> {
        while let Some(observation) = sensor.poll_observation() {
            lines::observation(&mut self.output, self.style, &observation)?;
        }
        while let Some(sighting) = sensor.poll_sighting() {
            lines::sighting(&mut self.output, self.style, &sighting)?;
        }
        while let Some(alert) = sensor.poll_alert() {
            self.alert(alert)?;
        }
        Ok(())
    }

    /// What a resolver asked is a trace of a host: its alert is told only where no host is known for the indicator.
    fn alert(&mut self, alert: Alert) -> io::Result<()> {
        if alert.circumstances.by_resolver && self.resolver_alerts.len() < RESOLVER_ALERTS_MAX {
            self.resolver_alerts.push(alert);
            return Ok(());
        }
        if alert.key.direction == Direction::Outbound && alert.key.client.is_some() {
            let newest = self.hosts.entry(alert.key.indicator).or_insert(alert.last_seen);
            *newest = alert.last_seen.max(*newest);
        }
        self.print(&alert)
    }

    fn print(&mut self, alert: &Alert) -> io::Result<()> {
        self.alerts += 1;
        if self.tells_alerts { lines::alert(&mut self.output, self.style, alert) } else { Ok(()) }
    }

    fn finish(&mut self) -> io::Result<()> {
        for alert in std::mem::take(&mut self.resolver_alerts) {
            let explained = self
                .hosts
                .get(&alert.key.indicator)
                .is_some_and(|&newest| alert.first_seen.since(newest).as_secs() <= EXPLAINED_WITHIN_S);
            if !explained {
                self.print(&alert)?;
            }
        }
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists' patterns in the order they were given, and whether something could not be read.
    fn loaded(lists: &[PathBuf]) -> (Vec<String>, bool) {
        let mut failed = false;
        let mut all: Vec<_> = load(lists, &SensorSettings::default().inside, &mut failed).indicators().collect();
        all.sort_by_key(|indicator| indicator.id);
        (all.iter().map(|indicator| indicator.pattern.to_plain()).collect(), failed)
    }

    #[test]
    fn what_nearly_everything_meets_is_warned_of() {
        let inside = SensorSettings::default().inside;
        let warned = |line: &str| {
            let pattern: varde_common::indicator::Pattern = line.parse().unwrap();
            wide(&varde_common::pattern::PatternRef::from(&pattern).target, &inside)
        };
        for line in ["10.0.0.0/8", "10.1.0.0/16", "8.0.0.0/5", "fd00::/16"] {
            assert!(warned(line).unwrap().contains("inside"), "{line}");
        }
        for line in ["no", "com.", "no:443"] {
            assert!(warned(line).unwrap().contains("without a dot"), "{line}");
        }
        for line in ["evil.no", "=localhost", "10.0.0.1", "192.0.2.0/24", "2001:db8::/32"] {
            assert_eq!(warned(line), None, "{line}");
        }
    }

    #[test]
    fn a_list_with_bad_lines_gives_its_good_ones_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list");
        std::fs::write(&path, "evil.no\nblåbær.no\nEVIL.no.\n192.0.2.1\n").unwrap();
        assert_eq!(loaded(std::slice::from_ref(&path)), (vec!["evil.no".into(), "192.0.2.1".into()], true));
        std::fs::write(&path, "# all is well\nevil.no\n\n192.0.2.1\n").unwrap();
        assert!(!loaded(std::slice::from_ref(&path)).1);
        let other = dir.path().join("other");
        std::fs::write(&other, "192.0.2.1\nworse.no").unwrap();
        let missing = dir.path().join("missing");
        let both = vec!["evil.no".into(), "192.0.2.1".into(), "worse.no".into()];
        assert_eq!(loaded(&[path, missing, dir.path().to_owned(), other]), (both, true));
    }
}
