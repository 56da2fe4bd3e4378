//! What `varde-agent run` is told: which sources it reads, and how.

use std::path::PathBuf;

use varde_common::message::Exclusions;

use crate::exclusions::exclusions;
use crate::io::capture::LiveSettings;
use crate::pseudonym::SiteKey;
use crate::settings::{CaptureBackend, Settings};

/// Watches traffic and tells the collector what matches.
///
/// Exit codes: 0 the sources ended and everything is with the collector, or a live run was stopped; 1 something could
/// not be run, or the disk failed; 2 wrong usage; 75 start it again at once, nothing has failed (an interface disappeared or
/// was made anew, the collector has told this sensor to begin a new spool, or there is room by now for what waits of an old one);
/// 130 stopped before the captures were read and delivered.
///
/// SIGHUP has it read its settings anew without losing a packet: inside, resolvers, sinkholes, data_out_octets, frequent_hosts,
/// spool_max_mib, spool_max_days, site (of the same numbers) and zone count at once, the others from the next start on; status and
/// the log name them. Settings that cannot be used are told there too, and the ones from before stay in force.
#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// An interface that receives mirrored traffic. May be repeated, and combined with --capture.
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
    /// A capture file (pcap, pcapng). May be repeated. With files alone the program ends when they are read and
    /// everything is with the collector.
    #[arg(long, value_name = "FILE")]
    capture: Vec<PathBuf>,
    /// How fast capture files are read: as fast as possible, or in the pace at which they were captured, where a gap of
    /// more than an hour is not waited for.
    #[arg(long, value_enum, default_value_t = Speed::Max)]
    pub(super) speed: Speed,
    /// How interfaces are read; replaces the setting capture_backend. The default is the kernel's ring; pnet is for where
    /// that cannot be had.
    #[arg(long, value_enum, value_name = "BACKEND")]
    capture_backend: Option<CaptureBackend>,
    /// Agents that name the same number (1 to 255) share an interface's traffic, each flow whole to one of them; replaces
    /// the setting capture_fanout. Not for a mirror that comes in a tunnel.
    #[arg(long, value_name = "GROUP", value_parser = clap::value_parser!(u8).range(1..))]
    capture_fanout: Option<u8>,
    /// Where each source stood on the command line; filled in by [`RunArgs::number_sources`].
    #[arg(skip)]
    places: Places,
}

#[derive(Debug, Clone, Default)]
struct Places {
    interfaces: Vec<usize>,
    captures: Vec<usize>,
}

/// How fast capture files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Speed {
    /// As fast as possible.
    Max,
    /// In the pace at which they were captured.
    Real,
}

impl RunArgs {
    /// Sources are numbered in the order they stand on the command line, whichever option names them.
    pub fn number_sources(&mut self, matches: &clap::ArgMatches) {
        let places = |id: &str| matches.indices_of(id).map(Iterator::collect).unwrap_or_default();
        self.places = Places { interfaces: places("interface"), captures: places("capture") };
    }

    /// How interfaces are read.
    pub(super) fn live(&self, settings: &Settings) -> LiveSettings {
        LiveSettings {
            backend: self.capture_backend.unwrap_or(settings.capture_backend),
            ring_blocks: settings.ring_blocks(),
            fanout: self.capture_fanout.or(settings.capture_fanout),
            dns_ports: settings.sensor().dns_ports,
            filter: true,
        }
    }

    /// What the settings leave out, and this command line. Files are as many as they are, whatever their names.
    pub(super) fn exclusions(&self, settings: &Settings, key: &SiteKey) -> Exclusions {
        let (interfaces, captures) = self.sources(settings);
        let files = captures.iter().map(|_| "a file");
        let sources: Vec<&str> = interfaces.iter().map(|(_, name)| name.as_str()).chain(files).collect();
        exclusions(&settings.sensor(), &sources, self.live(settings).fanout.is_some(), key)
    }

    /// Interfaces and files with their numbers.
    #[expect(clippy::type_complexity, reason = "two lists of the same plain shape, taken apart at once")]
    pub(super) fn sources(&self, settings: &Settings) -> (Vec<(u16, String)>, Vec<(u16, PathBuf)>) {
        if self.interface.is_empty() && self.capture.is_empty() {
            return ((0..).zip(settings.interfaces.iter().cloned()).collect(), Vec::new());
        }
        let number = |places: &[usize], index: usize| {
            let place = places.get(index).copied().unwrap_or(index);
            let all = self.places.interfaces.iter().chain(&self.places.captures);
            u16::try_from(all.filter(|other| **other < place).count()).unwrap_or(u16::MAX)
        };
        let interfaces = self.interface.iter().enumerate();
        let captures = self.capture.iter().enumerate();
        (
            interfaces.map(|(i, name)| (number(&self.places.interfaces, i), name.clone())).collect(),
            captures.map(|(i, file)| (number(&self.places.captures, i), file.clone())).collect(),
        )
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use clap::{CommandFactory, FromArgMatches, Parser};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        run: RunArgs,
    }

    pub(in crate::command) fn parse(line: &[&str]) -> RunArgs {
        let matches = Line::command().get_matches_from(line);
        let mut run = Line::from_arg_matches(&matches).unwrap().run;
        run.number_sources(&matches);
        run
    }

    #[test]
    fn sources_are_numbered_as_they_stand_on_the_command_line() {
        let line = ["x", "--capture", "a", "--interface", "i", "--capture", "b", "--speed", "real"];
        let (interfaces, captures) = parse(&line).sources(&Settings::default());
        assert_eq!(interfaces, [(1, "i".to_owned())]);
        assert_eq!(captures, [(0, "a".into()), (2, "b".into())]);
        let set = Settings { interfaces: vec!["p".into(), "q".into()], ..Settings::default() };
        assert_eq!(parse(&["x"]).sources(&set).0, [(0, "p".to_owned()), (1, "q".to_owned())]);
        assert!(parse(&line).sources(&set).0.iter().all(|(_, name)| name == "i"), "the command line wins");
    }

    #[test]
    fn the_command_line_wins_over_the_settings_for_how_interfaces_are_read() {
        let settings =
            Settings::read("capture_backend = \"pnet\"\ncapture_fanout = 3\ndns_ports = [5353]", "x").unwrap();
        let live = parse(&["x"]).live(&settings);
        assert_eq!((live.backend, live.fanout, live.dns_ports), (CaptureBackend::Pnet, Some(3), vec![5353]));
        let live = parse(&["x", "--capture-backend", "ring", "--capture-fanout", "7"]).live(&settings);
        assert_eq!((live.backend, live.fanout, live.filter), (CaptureBackend::Ring, Some(7), true));
        assert_eq!(parse(&["x"]).live(&Settings::default()).backend, CaptureBackend::Ring);
    }
}
