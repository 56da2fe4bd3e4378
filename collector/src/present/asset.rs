//! The files beside the pages, built into the program: nothing is fetched from elsewhere.

/// A file as it is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// Its address.
    pub path: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// What it holds.
    pub body: &'static str,
}

/// All files.
pub const ASSETS: [Asset; 5] = [
    Asset {
        path: "/assets/varde.css",
        media_type: "text/css; charset=utf-8",
        body: include_str!("../../assets/varde.css"),
    },
    Asset {
        path: "/assets/varde.js",
        media_type: "text/javascript; charset=utf-8",
        body: include_str!("../../assets/varde.js"),
    },
    Asset {
        path: "/assets/desk.css",
        media_type: "text/css; charset=utf-8",
        body: include_str!("../../assets/desk.css"),
    },
    Asset {
        path: "/assets/triage.js",
        media_type: "text/javascript; charset=utf-8",
        body: include_str!("../../assets/triage.js"),
    },
    Asset { path: "/assets/logo.svg", media_type: "image/svg+xml", body: include_str!("../../assets/logo.svg") },
];

/// Where each municipality's square lies on the map.
pub const TILE_GRID: &str = include_str!("../../assets/tilegrid-2024.json");
