//! `varde-agent enroll`: makes this machine a sensor, once.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::Failure;
use crate::io::disk::{DiskError, create_directory, failed, hold, sync_directory};
use crate::io::enroll::enroll;

/// A token with every field at its longest.
const TOKEN_MAX_OCTETS: u64 = 8 * 1024;

/// Makes this machine a sensor, once, with the token from the CSIRT.
///
/// The token is good for one sensor and 72 hours. The key is born here and never leaves.
#[derive(Debug, clap::Args)]
pub struct EnrollArgs {
    /// A file that holds the token, or - for standard input. (Not on the command line itself: others can see that.)
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
}

/// Enrols.
///
/// # Errors
/// [`Failure`].
pub fn run(data: &Path, args: &EnrollArgs) -> Result<(), Failure> {
    let text = read_token(&args.token_file).map_err(|error| {
        let cause = format!("the token cannot be read from {}: {error}", args.token_file.display());
        Failure::new(cause, "name a file that holds the token, or - and give it on standard input")
    })?;
    create_directory(data).map_err(|error| Failure::new(&error, error.remedy()))?;
    let _held = hold(data).map_err(|error| Failure::new(&error, error.remedy()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(error, "look at the system's limits"))?;
    let card = runtime.block_on(enroll(data, &text)).map_err(|error| Failure::new(&error, error.remedy()))?;
    if let Some(aside) = set_aside_spool(data, card.sensor.0).map_err(|error| Failure::new(&error, error.remedy()))? {
        eprintln!("The records of the sensor that this machine was before are kept in {}.", aside.display());
    }
    eprintln!("Enrolled as sensor {} of {}. Next: varde-agent run --interface NAME", card.sensor, card.member);
    Ok(())
}

/// A spool belongs to one sensor: sent again by the next one, what the collector has would count twice.
fn set_aside_spool(data: &Path, sensor: u64) -> Result<Option<PathBuf>, DiskError> {
    let spool = data.join("spool");
    if !spool.is_dir() {
        return Ok(None);
    }
    let aside = data.join(format!("spool.before-sensor-{sensor}"));
    std::fs::rename(&spool, &aside).map_err(failed("move", &spool))?;
    sync_directory(data)?;
    Ok(Some(aside))
}

fn read_token(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(TOKEN_MAX_OCTETS).read_to_string(&mut text)?;
    } else {
        std::fs::File::open(file)?.take(TOKEN_MAX_OCTETS).read_to_string(&mut text)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d2_a_sensor_enrolled_anew_never_sends_what_another_sent() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(set_aside_spool(data.path(), 7).unwrap(), None);
        std::fs::create_dir(data.path().join("spool")).unwrap();
        std::fs::write(data.path().join("spool").join("a.seg"), b"records").unwrap();
        let aside = set_aside_spool(data.path(), 7).unwrap().unwrap();
        assert_eq!(std::fs::read(aside.join("a.seg")).unwrap(), b"records");
        assert!(!data.path().join("spool").exists());
    }
}
