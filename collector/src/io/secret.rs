//! Secrets, drawn from what the system has at random.

use crate::account::secret::{SECRET_OCTETS, Secret};

/// A new one.
///
/// # Errors
/// The system gives no random numbers.
pub fn draw() -> std::io::Result<Secret> {
    let mut octets = [0; SECRET_OCTETS];
    getrandom::fill(&mut octets)
        .map_err(|error| std::io::Error::other(format!("the system gives no random numbers: {error}")))?;
    Ok(Secret::new(octets))
}
