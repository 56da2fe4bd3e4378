//! The files beside the pages, built into the program: nothing is fetched from elsewhere.
//!
//! All lie in one folder whose name is the hash of everything in it. So a browser may keep each for ever, a page never meets
//! the style of another release, and what names its neighbours (the style its icons) names them plainly.

use std::sync::LazyLock;

/// A file as it is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// Its name in the folder.
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// What it holds.
    pub body: &'static str,
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! icon {
    ($name:literal) => {
        Asset {
            name: $name,
            media_type: SVG,
            body: include_str!(concat!("../../assets/vendor/designsystemet/icons/", $name)),
        }
    };
}

/// All files.
pub const ASSETS: [Asset; 22] = [
    Asset {
        name: "designsystemet.css",
        media_type: CSS,
        body: include_str!("../../assets/vendor/designsystemet/designsystemet.css"),
    },
    Asset { name: "varde.css", media_type: CSS, body: include_str!("../../assets/varde.css") },
    Asset { name: "desk.css", media_type: CSS, body: include_str!("../../assets/desk.css") },
    Asset { name: "live.js", media_type: SCRIPT, body: include_str!("../../assets/live.js") },
    Asset { name: "keys.js", media_type: SCRIPT, body: include_str!("../../assets/keys.js") },
    Asset { name: "copy.js", media_type: SCRIPT, body: include_str!("../../assets/copy.js") },
    Asset { name: "triage.js", media_type: SCRIPT, body: include_str!("../../assets/triage.js") },
    Asset { name: "logo.svg", media_type: SVG, body: include_str!("../../assets/logo.svg") },
    icon!("icon-1.svg"),
    icon!("icon-2.svg"),
    icon!("icon-3.svg"),
    icon!("icon-4.svg"),
    icon!("icon-5.svg"),
    icon!("icon-6.svg"),
    icon!("icon-7.svg"),
    icon!("icon-8.svg"),
    icon!("icon-9.svg"),
    icon!("icon-10.svg"),
    icon!("icon-11.svg"),
    icon!("icon-12.svg"),
    icon!("icon-13.svg"),
    icon!("icon-14.svg"),
];

/// Of the hash, enough to tell releases apart: hex digits.
const HASH_DIGITS: usize = 16;

static FOLDER: LazyLock<String> = LazyLock::new(|| {
    let mut hash = blake3::Hasher::new();
    for Asset { name, media_type, body } in ASSETS {
        for part in [name, media_type, body] {
            // With its length, so that nothing moves from one to its neighbour unseen.
            hash.update(&part.len().to_le_bytes()).update(part.as_bytes());
        }
    }
    format!("/assets/{}", hash.finalize().to_hex().get(..HASH_DIGITS).unwrap_or_default())
});

/// Where the file of this name is served: `/assets/HASH/NAME`.
pub fn address(name: &str) -> String {
    format!("{}/{name}", *FOLDER)
}

/// Where each municipality's square lies on the map.
pub const TILE_GRID: &str = include_str!("../../assets/tilegrid-2024.json");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_name_only_their_neighbours() {
        for asset in ASSETS {
            for address in asset.body.split("url(").skip(1).filter_map(|rest| rest.split(')').next()) {
                let there = ASSETS.iter().any(|other| other.name == address);
                assert!(there, "{} names {address}", asset.name);
            }
            let plain = asset.body.replace("http://www.w3.org/2000/svg", "");
            for word in ["http:", "https:", "data:", "@import", "//cdn"] {
                assert!(!plain.contains(word), "{} has {word}", asset.name);
            }
        }
    }

    #[test]
    fn a_name_stands_once_and_its_address_changes_with_what_any_holds() {
        let mut names: Vec<&str> = ASSETS.iter().map(|asset| asset.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ASSETS.len());
        let address = address("varde.css");
        let hash = address.strip_prefix("/assets/").and_then(|rest| rest.strip_suffix("/varde.css")).unwrap();
        assert!(hash.len() == HASH_DIGITS && hash.bytes().all(|digit| digit.is_ascii_hexdigit()), "{address}");
    }
}
