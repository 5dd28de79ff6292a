//! `kith serve`: the page on this machine, with a run's checkpoint opened in it.

use std::env;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use axum::Router;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tower_http::compression::CompressionLayer;
use tower_http::services::{ServeDir, ServeFile};

use crate::checkpoint;
use crate::failure::Failure;
use crate::files::FileError;
use crate::output::Console;
use crate::train::folder;

/// Where a build of the page lies in a clone.
const PAGE: &str = "www/dist";

/// Serves until it is stopped; the browser of this machine alone is answered.
pub(super) fn run(
    run: Option<&Path>,
    page: Option<PathBuf>,
    port: u16,
    console: &Console,
) -> Result<(), Failure> {
    let page = built(page)?;
    let files = Router::new().fallback_service(ServeDir::new(page));
    let (files, place) = match run {
        Some(run) => (with_run(files, run)?, "#neighbours?checkpoint=run/checkpoint.safetensors"),
        None => (files, ""),
    };
    let files = files.layer(CompressionLayer::new());
    let failed = |source| Failure::Port { port, source };
    let runtime = Builder::new_current_thread().enable_io().build().map_err(failed)?;
    runtime
        .block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
            let url = format!("http://{}/{place}", listener.local_addr()?);
            console.result(&url, &json!({ "url": url }));
            axum::serve(listener, files).await
        })
        .map_err(failed)
}

/// The folder of the built page: the one that is named, or the one here or above the program.
fn built(named: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let program = env::current_exe().unwrap_or_default();
    let above = program.ancestors().map(|folder| folder.join(PAGE));
    let candidates: Vec<PathBuf> = match named {
        Some(page) => vec![page],
        None => std::iter::once(PathBuf::from(PAGE)).chain(above).collect(),
    };
    let found = candidates.iter().find(|page| page.join("index.html").is_file());
    found.cloned().ok_or_else(|| Failure::NoPage { path: candidates[0].clone() })
}

/// Serves a run's checkpoint and report, and nothing else of its folder.
fn with_run(files: Router, run: &Path) -> Result<Router, Failure> {
    let is_run = run.is_dir();
    let checkpoint = if is_run { run.join(folder::CHECKPOINT) } else { run.to_owned() };
    // What cannot be opened is told here, not on the page.
    checkpoint::open(&checkpoint)?;
    let absolute = |path: &Path| path.canonicalize().map_err(|e| FileError::new(path, e));
    let checkpoint = absolute(&checkpoint)?;
    let files = files.route_service("/run/checkpoint.safetensors", ServeFile::new(&checkpoint));
    let report = run.join(folder::REPORT);
    if !is_run || !report.is_file() {
        return Ok(files);
    }
    Ok(files.route_service("/run/report.html", ServeFile::new(absolute(&report)?)))
}
