//! `cargo run -p varde-tests --bin package-papers`: writes what lies beside the programs in their packages. `packaging/build` calls it.

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use varde_tests::papers;
use varde_tests::programs::Which;

/// Manual, completions, terms, bill of materials and changelog of one program.
#[derive(Debug, Parser)]
struct Line {
    /// varde-agent or varde-collector.
    #[arg(value_parser = which)]
    program: Which,
    /// They are written below this folder, as they are to lie below /.
    out: PathBuf,
    /// What it is built for, as cargo names it.
    #[arg(long, value_name = "TARGET")]
    target: String,
    /// Who answers for the package: NAME <ADDRESS>.
    #[arg(long, value_name = "WHO")]
    maintainer: String,
    /// When the tree was committed, seconds since 1970.
    #[arg(long, value_name = "SECONDS")]
    committed: i64,
}

fn which(name: &str) -> Result<Which, String> {
    let found = [Which::Agent, Which::Collector].into_iter().find(|which| which.name() == name);
    found.ok_or_else(|| "give varde-agent or varde-collector".to_owned())
}

fn main() -> Result<()> {
    let Line { program, out, target, maintainer, committed } = Line::parse();
    papers::write(program, &out, &target, &maintainer, committed)
}
