//! `cargo run -p varde-tests --bin python-environment`: makes the Python with the libraries of others, and says where it is.

use anyhow::Result;

fn main() -> Result<()> {
    println!("{}", varde_tests::python::python()?.display());
    Ok(())
}
