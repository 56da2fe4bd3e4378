//! `cargo run -p varde-tests --bin node-environment`: installs what steers the browser, and says where it is.

use anyhow::Result;

fn main() -> Result<()> {
    println!("{}", varde_tests::node::modules()?.display());
    Ok(())
}
