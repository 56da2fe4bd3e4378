//! `cargo run -p varde-tests --bin debian-root`: makes the Debian 12 that the packages are tried in, and says where it is.

use anyhow::Result;

fn main() -> Result<()> {
    println!("{}", varde_tests::machine::base()?.display());
    Ok(())
}
