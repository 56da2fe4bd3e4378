//! Serves the page with an example's facts, to look at: `cargo run -p varde-collector --example page [empty] [ADDR]`.

use varde_collector::account::role::Role;
use varde_collector::change::Change;
use varde_collector::io::{clock, secret, web};
use varde_collector::store::Store;
use varde_collector::store::account::LinkKind;

#[path = "../tests/page/fill.rs"]
mod fill;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let directory = std::env::temp_dir().join(format!("varde-page-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let store = Store::create(&directory).await?;
    if !arguments.iter().any(|argument| argument == "empty") {
        fill::fill(&store, clock::now(), &|text| text.to_owned()).await?;
    }
    let address = arguments.iter().find(|argument| argument.contains(':')).map_or("127.0.0.1:0", String::as_str);
    let listener = tokio::net::TcpListener::bind(address).await?;
    let (link, now) = (secret::draw()?, clock::now());
    store.add_account("example", Role::Administrator, None, now).await?;
    store.make_link(LinkKind::SignIn, Some(1), &link, now).await?;
    println!("http://{}/lenke/{}", listener.local_addr()?, link.text());
    let (changes, _) = tokio::sync::broadcast::channel(64);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let told = changes.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(10)).await;
            // Nobody may be listening; that is no fault.
            let _ = told.send(Change::Campaign(1));
        }
    });
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        let _ = stop.send(true);
    });
    web::serve(listener, store, changes, stopped).await;
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}
