//! What the page asks the server about a folder.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path as Part, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::get;
use image::{ImageFormat, ImageReader};
use serde_json::json;
use tower_http::services::ServeFile;

use super::desk::{Desk, Said};
use crate::failure::Failure;
use crate::files::FileError;

/// Below it lie the images; only there is anything written.
pub(super) const IMAGES: &str = "/label/images/";
/// The most bytes that are said of an image.
const MOST: usize = 4_096;

type Shared = Arc<Mutex<Desk>>;

/// The routes of a folder, and of a network if one is named.
pub(super) fn of(desk: Desk, network: Option<&Path>) -> Result<Router, Failure> {
    let desk: Shared = Arc::new(Mutex::new(desk));
    let routes = Router::new()
        .route("/label/folder.json", get(folder))
        .route("/label/images/{image}", get(image).put(note))
        .with_state(desk);
    let Some(network) = network else { return Ok(routes) };
    let network = network.canonicalize().map_err(|e| FileError::new(network, e))?;
    Ok(routes.route_service("/label/checkpoint.safetensors", ServeFile::new(network)))
}

/// What a request that panicked left is as it was on the disk.
fn lock(desk: &Shared) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn folder(State(desk): State<Shared>) -> Response {
    let listing = json!(lock(&desk).listing());
    answer(StatusCode::OK, "application/json", listing.to_string().into_bytes())
}

async fn image(State(desk): State<Shared>, Part(number): Part<usize>) -> Response {
    let Some(path) = lock(&desk).file(number) else {
        return answer(StatusCode::NOT_FOUND, "text/plain", b"there is no such image\n".to_vec());
    };
    match bytes_of(&path) {
        Ok((kind, bytes)) => answer(StatusCode::OK, kind, bytes),
        Err(failure) => refused(StatusCode::NOT_FOUND, &failure),
    }
}

/// An image file as browsers read it: TIFF, which they do not, becomes PNG.
fn bytes_of(path: &Path) -> Result<(&'static str, Vec<u8>), Failure> {
    let bytes = fs::read(path).map_err(|e| FileError::new(path, e))?;
    match image::guess_format(&bytes) {
        Ok(ImageFormat::Tiff) => Ok((ImageFormat::Png.to_mime_type(), png(path, &bytes)?)),
        Ok(format) => Ok((format.to_mime_type(), bytes)),
        Err(_unknown) => Ok(("application/octet-stream", bytes)),
    }
}

fn png(path: &Path, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let failed = |e: image::ImageError| FileError::new(path, std::io::Error::other(e));
    let reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Tiff);
    let mut written = Cursor::new(Vec::new());
    let image = reader.decode().map_err(failed)?.to_rgba8();
    image.write_to(&mut written, ImageFormat::Png).map_err(failed)?;
    Ok(written.into_inner())
}

async fn note(State(desk): State<Shared>, Part(number): Part<usize>, request: Request) -> Response {
    let said = axum::body::to_bytes(request.into_body(), MOST).await.unwrap_or_default();
    let said: Said = match serde_json::from_slice(&said) {
        Ok(said) => said,
        Err(error) => {
            let expected = r#"{"label": "cat", "unknown": false, "aside": false}"#;
            let error = kith_core::Error::setting("body", expected, error);
            return refused(StatusCode::BAD_REQUEST, &error.into());
        }
    };
    match lock(&desk).note(number, said) {
        Ok(()) => answer(StatusCode::NO_CONTENT, "text/plain", Vec::new()),
        Err(failure) => refused(status_of(&failure), &failure),
    }
}

fn status_of(failure: &Failure) -> StatusCode {
    match failure {
        Failure::TableChanged { .. } => StatusCode::CONFLICT,
        Failure::Data(_) => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// An error as the page shows it.
fn refused(status: StatusCode, failure: &Failure) -> Response {
    let hint = "nothing was changed: the image keeps the label that it had";
    let words = json!({ "code": failure.code(), "message": failure.to_string(), "hint": hint });
    answer(status, "application/json", words.to_string().into_bytes())
}

fn answer(status: StatusCode, kind: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
