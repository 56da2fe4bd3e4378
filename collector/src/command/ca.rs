//! `varde-collector ca`: the certificate authority is replaced while everything runs.

use std::path::Path;

use clap::Subcommand;

use super::noted::{deed, noted};
use super::say;
use crate::audit::On;
use crate::control::Poke;
use crate::io::control::poke;
use crate::io::{authority, clock};
use crate::store::Store;

/// Subcommands of `ca`.
#[derive(Debug, Subcommand)]
pub enum CaCommand {
    /// Make the next authority. Nothing changes yet: a root document must name both first.
    Next,
    /// Begin to issue certificates by the next authority. Those of the one before stay good until they are renewed.
    Switch,
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: CaCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let (present, coming) = authority::present_and_next(data);
    let none = || "none".to_owned();
    match command {
        CaCommand::Next => {
            let making = deed("ca next", On::Thing("the next certificate authority".to_owned()))
                .was(coming.unwrap_or_else(none))
                .becomes("made, where there is none yet: keys/ca-next.*");
            let name = noted(&store, making, async { Ok(authority::next(data, clock::now())?) }).await?;
            say::result(&name)?;
            say::aside(&format!(
                "The next certificate authority lies in {}/keys/ca-next.*; copy them to where the other keys are kept.
Above is the name by which the root document is to name it, beside the one it names now:
varde-collector root next FILE --add-ca {}/keys/ca-next.crt
Once that is signed and accepted, and sensors hold it (varde-collector root show):
varde-collector ca switch",
                data.display(),
                data.display()
            ));
        }
        CaCommand::Switch => {
            let switching = deed("ca switch", On::Thing("the certificate authority".to_owned()))
                .was(present.unwrap_or_else(none))
                .becomes(coming.unwrap_or_else(none));
            let (before, now) = noted(&store, switching, async { Ok(authority::switch(data)?) }).await?;
            poke(data, Poke::Keys).await;
            say::result(&format!(
                "Certificates are issued by {now} from now on. What {before} has issued stays good until it is renewed: sensors within ten days of being connected, this collector's own when a third of its year is over, or as soon as the root document no longer names {before}. Let it name both until every sensor has a certificate of the new one and holds a root document that names it, then: varde-collector root next FILE --retire-ca {before}. The old key is kept in keys/."
            ))?;
        }
    }
    store.close().await;
    Ok(())
}
