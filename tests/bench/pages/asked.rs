//! Every address, asked by those who may, and how long each took.

use std::fmt;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_collector::api::{PREFIX, RESOURCES};
use varde_collector::io::addresses::{Method, PAGES, Page};
use varde_tests::community::Collector;
use varde_tests::person::Person;
use varde_tests::programs::said;

/// What a page may take, 99 of 100 times.
const AIM: Duration = Duration::from_millis(50);
/// Whose pages they are; with the member of those who are at one.
const ROLES: [(&str, Option<&str>); 4] =
    [("analyst", None), ("administrator", None), ("it", Some("1001")), ("management", Some("1001"))];
/// What an analyst narrows lists by, beside the lists as they open.
const NARROWED: [&str; 6] = [
    "/alarmer?t=1t",
    "/alarmer?t=7d",
    "/alarmer?t=30d",
    "/alarmer?q=alvor%3Ah%C3%B8y%2B+langt%3Akontakt%2B+-medlem%3A1001",
    "/saker?q=alvor%3Ah%C3%B8y%2B",
    "/indikatorer?q=tlp%3Aamber+slag%3Adomene",
];

/// What is answered there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A page, for which the aim holds.
    Page,
    /// A file of everything that a list holds, or what programs ask for.
    Data,
}

/// One address by one role.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    role: &'static str,
    address: String,
    kind: Kind,
    octets: u64,
    sorted: Vec<Duration>,
}

impl Times {
    /// At so many hundredths.
    fn at(&self, hundredths: usize) -> Duration {
        let place = (self.sorted.len() * hundredths).div_ceil(100).saturating_sub(1);
        self.sorted.get(place).copied().unwrap_or_default()
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99] = [50, 99].map(|hundredths| self.at(hundredths).as_secs_f64() * 1e3);
        write!(f, "p50 {p50:6.1} ms, p99 {p99:6.1} ms, {:5} kB over the wire", self.octets / 1000)
    }
}

/// What one request came to.
#[derive(Debug, Clone, Copy)]
struct Took {
    status: u16,
    time: Duration,
    octets: u64,
}

/// Asks for one address again and again over one connection.
fn repeated(person: &Person, folder: &Path, address: &str, times: usize) -> Result<Vec<Took>> {
    let mut config = String::new();
    for _ in 0..times {
        writeln!(config, "url = \"{}{address}\"\noutput = \"/dev/null\"", person.base)?;
    }
    let file = folder.join("asked.curl");
    std::fs::write(&file, config)?;
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--compressed", "--globoff", "--max-time", "120", "--cookie"])
        .arg(&person.jar);
    let format = "%{http_code} %{time_pretransfer} %{time_total} %{size_download} %{size_header}\n";
    command.args(["--write-out", format, "--config"]).arg(&file);
    said(&mut command)?.ok()?.out.lines().map(|line| read(line).with_context(|| format!("{address}: {line}"))).collect()
}

fn read(line: &str) -> Option<Took> {
    let words: Vec<&str> = line.split(' ').collect();
    let [status, before, total, body, head] = words.as_slice() else { return None };
    let seconds = total.parse::<f64>().ok()? - before.parse::<f64>().ok()?;
    let octets = body.parse::<u64>().ok()? + head.parse::<u64>().ok()?;
    Some(Took { status: status.parse().ok()?, time: Duration::try_from_secs_f64(seconds).ok()?, octets })
}

/// A page that reads nothing but its words, as a stranger is shown it.
///
/// # Errors
/// When nothing answers.
pub(crate) fn reference(folder: &Path, base: &str, rounds: usize) -> Result<Times> {
    let stranger = Person::new(folder, "stranger", base);
    std::fs::write(&stranger.jar, "")?;
    timed(&stranger, folder, ("stranger", "/innlogging", Kind::Page), rounds)?.context("the sign-in page is not shown")
}

/// None where the role is not shown it.
fn timed(
    person: &Person,
    folder: &Path,
    (role, address, kind): (&'static str, &str, Kind),
    rounds: usize,
) -> Result<Option<Times>> {
    let first = repeated(person, folder, address, 1)?;
    let Some(first) = first.first() else { return Ok(None) };
    // What a role may not see, and what leads elsewhere, takes no time worth knowing.
    if first.status != 200 {
        ensure!(matches!(first.status, 303 | 403), "{address} as {role} is answered {}", first.status);
        return Ok(None);
    }
    let took = repeated(person, folder, address, rounds.max(1))?;
    ensure!(took.iter().all(|one| one.status == 200), "{address} as {role}: {took:?}");
    let mut sorted: Vec<Duration> = took.iter().map(|one| one.time).collect();
    sorted.sort_unstable();
    Ok(Some(Times { role, address: address.to_owned(), kind, octets: first.octets, sorted }))
}

/// What is asked, where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    /// Where cookies lie.
    pub(crate) folder: &'a Path,
    /// Where the pages are.
    pub(crate) base: &'a str,
    /// The advisory that is a draft.
    pub(crate) draft: i64,
    /// How often each is asked for.
    pub(crate) rounds: usize,
    /// Addresses begin so.
    pub(crate) only: &'a str,
}

impl Asking<'_> {
    /// Somebody with this role, as signed in as it is.
    pub(crate) fn person(&self, role: &str) -> Person {
        Person::new(self.folder, role, self.base)
    }

    /// Every address by every role that is shown it.
    ///
    /// # Errors
    /// When something is answered that it should not be.
    pub(crate) fn everything(&self, collector: &Collector) -> Result<Vec<Times>> {
        let mut all = Vec::new();
        for (role, member) in ROLES {
            let mut line = vec!["user", "add", role, "--role", role, "--json"];
            line.extend(member.into_iter().flat_map(|member| ["--member", member]));
            collector.ask(line)?;
            let person = self.person(role);
            person.come_by(&collector.link(["user", "link", role, "--json"])?)?;
            for (path, kind) in addresses() {
                let Some(address) = self.address(&person, &path, member.is_some())? else {
                    println!("{role} is shown nothing that stands for the place in {path}");
                    continue;
                };
                if path.starts_with(self.only) {
                    all.extend(timed(&person, self.folder, (role, &address, kind), self.rounds)?);
                }
            }
            for address in NARROWED.iter().filter(|address| role == "analyst" && address.starts_with(self.only)) {
                all.extend(timed(&person, self.folder, (role, address, Kind::Page), self.rounds)?);
            }
            println!("asked as {role}: {} addresses so far", all.len());
        }
        Ok(all)
    }

    /// The address of something that is there: for the operator the thing that has most of everything, for a member one that it is shown.
    fn address(&self, person: &Person, path: &str, is_member: bool) -> Result<Option<String>> {
        let Some((before, after)) = path.split_once('{') else { return Ok(Some(path.to_owned())) };
        let after = after.split_once('}').map(|(_, after)| after).unwrap_or_default();
        let name = if before == "/medlem/" {
            "1001".to_owned()
        } else if !is_member {
            // A draft is written on and looked over; what was sent is not.
            if matches!(after, "/rediger" | "/utkast") { self.draft.to_string() } else { "1".to_owned() }
        } else if path.starts_with(PREFIX) {
            let (status, _, body) = person.get(&format!("{}?limit=1", before.trim_end_matches('/')))?;
            let first: Value = if status == 200 { serde_json::from_str(&body)? } else { Value::Null };
            match first.pointer("/items/0/uuid").or(first.pointer("/items/0/id")) {
                Some(Value::String(name)) => name.clone(),
                Some(number) => number.to_string(),
                None => return Ok(None),
            }
        } else {
            match shown(person, before)? {
                Some(name) => name,
                None => return Ok(None),
            }
        };
        Ok(Some(format!("{before}{name}{after}")))
    }
}

/// What stands behind this beginning in the first link to such a thing, on any page with no place in its address.
fn shown(person: &Person, before: &str) -> Result<Option<String>> {
    let link = format!("href=\"{before}");
    for (path, kind) in addresses() {
        if kind != Kind::Page || path.contains('{') {
            continue;
        }
        let (status, _, page) = person.get(&path)?;
        let names = page.split(&link).skip(1).filter_map(|rest| rest.split(['"', '/', '?', '#']).next());
        if let Some(name) = names.into_iter().find(|name| status == 200 && *name != "nytt") {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

/// Every address that is read, but for the stream that never ends and what leads in.
fn addresses() -> Vec<(String, Kind)> {
    let away = [Page::Live, Page::Link, Page::BeginOidc, Page::EndOidc];
    let data =
        [Page::AlertsFile, Page::IncidentsFile, Page::CampaignsFile, Page::AuditFile, Page::Picture, Page::Health];
    let pages = PAGES
        .iter()
        .filter(|address| address.method == Method::Get && !away.contains(&address.page))
        .map(|address| (address.path.to_owned(), if data.contains(&address.page) { Kind::Data } else { Kind::Page }));
    pages.chain(RESOURCES.iter().map(|one| (format!("{PREFIX}{}", one.path), Kind::Data))).collect()
}

/// Tells the figures, the slowest first.
pub(crate) fn tell(times: &[Times], reference: &Times) {
    let mut times: Vec<&Times> = times.iter().collect();
    times.sort_by_key(|one| std::cmp::Reverse(one.at(99)));
    for (kind, what) in [(Kind::Page, "pages"), (Kind::Data, "files, and what programs ask for (no aim)")] {
        let of_kind: Vec<&&Times> = times.iter().filter(|one| one.kind == kind).collect();
        println!("{}, the slowest first:", what);
        for one in &of_kind {
            let ratio = one.at(50).as_secs_f64() / reference.at(50).as_secs_f64().max(f64::EPSILON);
            let over = if kind == Kind::Page && one.at(99) > AIM { " OVER" } else { "" };
            println!("  {:13} {:60} {one}; {ratio:5.1} × the sign-in page{over}", one.role, one.address);
        }
        if kind == Kind::Page {
            let over = of_kind.iter().filter(|one| one.at(99) > AIM).count();
            println!("p99 over {AIM:?}: {over} of {} pages", of_kind.len());
        }
    }
}

/// What is fetched once, with all that it says of itself: octets over the wire, packed as a browser takes it.
///
/// # Errors
/// When it is not answered.
pub(crate) fn octets(person: &Person, folder: &Path, address: &str) -> Result<u64> {
    let took = repeated(person, folder, address, 1)?;
    let first = took.first().with_context(|| format!("{address} is not answered"))?;
    ensure!(first.status == 200, "{address} is answered {}", first.status);
    Ok(first.octets)
}
