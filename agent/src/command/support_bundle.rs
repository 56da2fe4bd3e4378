//! `varde-agent support-bundle`: what whoever helps needs to know of a sensor, and nothing of whom it watches.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::Failure;
use super::doctor_facts::gather;
use super::status::Report;
use super::status_stopped::from_disk;
use crate::doctor::{judge, worst};
use crate::io::control::{self, Question};
use crate::io::doctor::machine;
use crate::io::{clock, run_as, settings};
use crate::limits::SUPPORT_BUNDLE_MAX_OCTETS;
use crate::redacted::redacted;
use crate::settings::layers::{Origin, keys};

/// Gathers what whoever helps you needs, without names, addresses, tokens, keys or anybody's words.
///
/// The bundle is one JSON text, packed with gzip: the findings of doctor by their keys, the counters of status, which settings are
/// set (their values only where they are numbers), versions and the machine's figures. Every text that is not one of the program's own words is left
/// out. It holds no log. Nothing is sent anywhere: you send the file yourself, to whom you want.
#[derive(Debug, clap::Args)]
pub struct SupportBundleArgs {
    /// Print exactly what the bundle would hold, and write nothing.
    #[arg(long, conflicts_with = "out")]
    preview: bool,
    /// Write it here; the file must not be there yet. Default: varde-support-DATE.json.gz in this directory.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Do not try the way to the collector.
    #[arg(long)]
    offline: bool,
}

/// Gathers it.
///
/// # Errors
/// [`Failure`].
pub fn run(data: &Path, args: &SupportBundleArgs) -> Result<(), Failure> {
    // Asked before root becomes the data directory's owner: it is about who asks.
    let may_capture = machine::may_capture();
    if args.preview {
        as_owner(data)?;
        print!("{}", text(data, !args.offline, may_capture)?);
        return Ok(());
    }
    let day: String = clock::now().to_string().chars().take_while(|c| *c != 'T').collect();
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("varde-support-{day}.json.gz")));
    let cannot = |error: std::io::Error| {
        Failure::new(format!("cannot write {}: {error}", path.display()), "name another file with --out FILE")
    };
    // Where it goes is for whoever asks to say, so it is opened first.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(cannot)?;
    let text = as_owner(data).and_then(|()| text(data, !args.offline, may_capture)).inspect_err(|_| {
        // Nothing of it is worth keeping, and it would stand in the way of the next; where it cannot be removed it is empty.
        let _ = std::fs::remove_file(&path);
    })?;
    let mut packed = GzEncoder::new(file, Compression::default());
    packed.write_all(text.as_bytes()).map_err(cannot)?;
    packed.finish().and_then(|file| file.sync_all()).map_err(cannot)?;
    println!("Wrote {}. See what it holds: varde-agent support-bundle --preview", path.display());
    Ok(())
}

/// Goes on as the data directory's owner, as `doctor` does: what is read is the service's, and no file is left that only root may read.
fn as_owner(data: &Path) -> Result<(), Failure> {
    let cannot = |error| {
        Failure::new(format!("cannot go on as the owner of {}: {error}", data.display()), "run it as that user")
    };
    run_as::owner_of(data).map_err(cannot)
}

/// What the bundle holds.
fn text(data: &Path, tries_way: bool, may_capture: bool) -> Result<String, Failure> {
    let findings = judge(&gather(data, tries_way, may_capture));
    let found = findings.iter().map(|finding| {
        let values: serde_json::Map<String, Value> =
            finding.values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        json!({ "key": finding.key, "severity": finding.severity, "values": values })
    });
    let found: Vec<Value> = found.collect();
    let report = match control::ask(data, Question::Status) {
        Ok(Some(text)) => serde_json::from_str::<Value>(&text).unwrap_or_default(),
        Ok(None) => from_disk(data).map_or(Value::Null, |report: Report| json!(report)),
        Err(_) => Value::Null,
    };
    let all = json!({
        "made": clock::now().to_string(),
        "program": { "installed": env!("CARGO_PKG_VERSION") },
        "machine": machine::about(data),
        "doctor": { "severity": worst(&findings), "findings": found },
        "settings": set(data),
        "status": report,
    });
    let text = serde_json::to_string_pretty(&redacted(&all));
    let mut text = text.map_err(|error| Failure::new(error, "report this to the makers of Varde"))?;
    text.push('\n');
    if text.len() > SUPPORT_BUNDLE_MAX_OCTETS {
        let cause = format!("there is more to tell than a bundle may hold ({} bytes)", text.len());
        return Err(Failure::new(cause, "send what varde-agent doctor says instead"));
    }
    Ok(text)
}

/// Which settings are set, and where; whose values are numbers, those too.
fn set(data: &Path) -> Value {
    let Ok(layers) = settings::read(data) else { return Value::Null };
    let each = keys().filter_map(|key| {
        let origin = match layers.origin(key)? {
            Origin::File { .. } => "file",
            Origin::Environment { .. } => "environment",
        };
        Some(json!({ "setting": key, "origin": origin, "value": layers.value(key) }))
    });
    Value::Array(each.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_previewed_is_what_is_written_for_its_owner_alone_and_no_text_of_anybody_is_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let settings = "collector = \"hemmelig.example:7843\"\ninside = [\"10.77.0.0/16\"]\nspool_max_mib = 8\n";
        std::fs::write(directory.path().join("agent.toml"), settings).unwrap();
        let told = text(directory.path(), false, machine::may_capture()).unwrap();
        for planted in ["hemmelig", "10.77", directory.path().to_str().unwrap()] {
            assert!(!told.contains(planted), "{planted}: {told}");
        }
        assert!(told.contains("not-enrolled") && told.contains("\"setting\": \"spool_max_mib\""), "{told}");
        assert!(told.contains("\"value\": \"8\""), "numbers stay: {told}");
        let file = directory.path().join("bundle");
        let args = SupportBundleArgs { preview: false, out: Some(file.clone()), offline: true };
        run(directory.path(), &args).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let mut unpacked = String::new();
        let packed = std::fs::File::open(&file).unwrap();
        flate2::read::GzDecoder::new(packed).take(1 << 20).read_to_string(&mut unpacked).unwrap();
        let without_time = |text: &str| {
            text.lines()
                .filter(|line| !line.contains("\"made\"") && !line.contains("octets"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(without_time(&unpacked), without_time(&told));
        assert!(run(directory.path(), &args).unwrap_err().cause.contains("cannot write"), "nothing is written over");
    }
}
