//! What goes over the wire to browsers, packed: files once, pages as they are written.
//!
//! A page may hold a secret of its reader's beside what an address said, and how long it is when packed would tell of it
//! (BREACH). Whoever could try that from elsewhere gets no page of a reader's: the cookie of a session goes with no request
//! that another site began.

use std::io::Write;
use std::sync::LazyLock;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::feed_lane::takes_gzip;
use crate::limits::page::{PACKED_MAX_OCTETS, PACKED_MIN_OCTETS};
use crate::present::asset::{ASSETS, Asset};

/// A file stays as it is at its address, which is made of what it holds.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Each file packed, in the order of [`ASSETS`]; none where that is no gain.
static FILES: LazyLock<Vec<Option<Bytes>>> = LazyLock::new(|| {
    ASSETS.iter().map(|asset| packed(asset.body.as_bytes(), Compression::best()).map(Bytes::from)).collect()
});

/// The octets packed, unless that is no gain.
fn packed(octets: &[u8], level: Compression) -> Option<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::with_capacity(octets.len() / 4), level);
    packer.write_all(octets).ok()?;
    packer.finish().ok().filter(|packed| packed.len() < octets.len())
}

/// A file, packed for whoever takes it so.
pub(super) fn file(asset: Asset, asked: &HeaderMap) -> Response {
    let place = ASSETS.iter().position(|other| *other == asset);
    let packed = place.and_then(|place| FILES.get(place)).and_then(Option::as_ref).filter(|_| takes_gzip(asked));
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, FOR_EVER),
        (header::VARY, "Accept-Encoding"),
    ];
    match packed {
        Some(packed) => (headers, [(header::CONTENT_ENCODING, "gzip")], packed.clone()).into_response(),
        None => (headers, asset.body).into_response(),
    }
}

/// A page that nobody has packed.
fn is_plain_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/html")) && !response.headers().contains_key(header::CONTENT_ENCODING)
}

/// Packs a page for whoever takes it so. What streams, is no page, is packed already, or is too small or too large for it goes
/// as it is.
pub(super) async fn pack(request: Request, next: Next) -> Response {
    let takes = takes_gzip(request.headers());
    let response = next.run(request).await;
    if !is_plain_page(&response) {
        return response;
    }
    let size = response.body().size_hint().exact().and_then(|size| usize::try_from(size).ok());
    let fits = size.is_some_and(|size| (PACKED_MIN_OCTETS..=PACKED_MAX_OCTETS).contains(&size));
    let (mut head, body) = response.into_parts();
    head.headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if !takes || !fits {
        return Response::from_parts(head, body);
    }
    // It is whole in memory already.
    let Ok(octets) = to_bytes(body, PACKED_MAX_OCTETS).await else {
        return axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Some(packed) = packed(&octets, Compression::fast()) else {
        return Response::from_parts(head, Body::from(octets));
    };
    head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(packed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_packed_for_whoever_takes_it_so() {
        let mut asked = HeaderMap::new();
        let [style, ..] = ASSETS;
        assert!(!file(style, &asked).headers().contains_key(header::CONTENT_ENCODING));
        asked.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, br"));
        let packed = file(style, &asked);
        assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(packed.headers()[header::CACHE_CONTROL], FOR_EVER);
        assert!(packed.body().size_hint().exact().unwrap() * 4 < style.body.len() as u64);
    }

    #[test]
    fn what_does_not_shrink_is_left() {
        assert_eq!(packed(b"a", Compression::best()), None);
    }
}
