//! What open pages cost in memory: each was loaded, listens at the stream of changes, is told of one, and loads its inside anew.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use varde_collector::limits::page::LIVE_OF_ONE_MAX;
use varde_tests::community::Collector;
use varde_tests::measure::memory_kib;
use varde_tests::person::Person;
use varde_tests::programs::PATIENCE;

/// What they may cost together.
const AIM_KIB: u64 = 50 * 1024;
/// Pages loaded before anything is measured, so that what the first readers cost is no part of it.
const WARM: usize = 200;

/// A page that listens.
#[derive(Debug)]
struct Listener {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Listener {
    /// Opens the stream as the page's script does.
    fn open(web: &str, cookie: &str) -> Result<Listener> {
        let mut stream = TcpStream::connect(web)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(
            stream,
            "GET /live HTTP/1.1\r\nHost: {web}\r\nCookie: varde={cookie}\r\nAccept: text/event-stream\r\n\r\n"
        )?;
        let mut listener = Listener { stream, heard: Vec::new() };
        listener.hear("\r\n\r\n")?;
        ensure!(listener.heard.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&listener.heard));
        listener.heard.clear();
        Ok(listener)
    }

    /// Reads until this was said.
    fn hear(&mut self, words: &str) -> Result<()> {
        let mut some = [0; 4096];
        while !self.heard.windows(words.len()).any(|heard| heard == words.as_bytes()) {
            let read = self.stream.read(&mut some).with_context(|| format!("not told {words:?}"))?;
            ensure!(read > 0, "the stream ended before {words:?}: {}", String::from_utf8_lossy(&self.heard));
            self.heard.extend_from_slice(some.get(..read).unwrap_or_default());
        }
        Ok(())
    }
}

/// Opens so many pages, and tells what the collector has in memory before and after.
///
/// # Errors
/// When one is not let in, or not told of a change.
pub(crate) fn tell(collector: &mut Collector, folder: &Path, base: &str, open: usize) -> Result<()> {
    let process = collector.running()?.id();
    let web = base.trim_start_matches("http://");
    let mut people = Vec::new();
    for n in 0..open.div_ceil(LIVE_OF_ONE_MAX) {
        let name = format!("listener-{n}");
        collector.ask(["user", "add", &name, "--role", "analyst", "--json"])?;
        let person = Person::new(folder, &name, base);
        person.come_by(&collector.link(["user", "link", &name, "--json"])?)?;
        people.push(person);
    }
    let load = |person: &Person, address: &str| -> Result<()> {
        let (status, _, _) = person.ask(address, &["--compressed"])?;
        ensure!(status == 200, "{address} is answered {status}");
        Ok(())
    };
    for person in people.iter().cycle().take(WARM) {
        load(person, "/")?;
    }
    let before = memory_kib(process, "VmRSS")?;
    let mut listeners = Vec::new();
    for person in people.iter().flat_map(|person| std::iter::repeat_n(person, LIVE_OF_ONE_MAX)).take(open) {
        load(person, "/")?;
        listeners.push(Listener::open(web, &person.cookie()?)?);
    }
    let listening = memory_kib(process, "VmRSS")?;
    collector.publish("told-to-all.example\n")?;
    for listener in &mut listeners {
        listener.hear("event: change")?;
    }
    for person in people.iter().flat_map(|person| std::iter::repeat_n(person, LIVE_OF_ONE_MAX)).take(open) {
        load(person, "/?fragment=1")?;
    }
    let told = memory_kib(process, "VmRSS")?;
    drop(listeners);
    let [listening_more, told_more] = [listening, told].map(|now| now.saturating_sub(before));
    let verdict = if told_more < AIM_KIB { "met" } else { "missed" };
    println!(
        "{open} open pages: {before} KiB resident before, {listening_more} more as they listen, {told_more} more when each was told of a change \
         and has loaded its inside anew (aim {AIM_KIB} KiB, {verdict})"
    );
    Ok(())
}
