//! `kith serve`: the page on this machine, with a run's checkpoint opened in it.

mod guard;

use std::env;
use std::fmt::{self, Display, Formatter};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use axum::{Router, middleware};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tower_http::compression::CompressionLayer;
use tower_http::services::{ServeDir, ServeFile};

use crate::args::ServeFlags;
use crate::checkpoint;
use crate::failure::Failure;
use crate::files::FileError;
use crate::output::Console;
use crate::train::folder;
pub(super) use guard::Access;
use guard::{Own, guard};

/// Where a build of the page lies in a clone.
const PAGE: &str = "www/dist";

/// A server that listens, and does not answer yet.
#[derive(Serialize)]
pub(super) struct Server {
    url: String,
    #[serde(skip)]
    port: u16,
    #[serde(skip)]
    files: Router,
    #[serde(skip)]
    listener: TcpListener,
    #[serde(skip)]
    runtime: Runtime,
}

impl Display for Server {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// Answers the browser of this machine alone, until it is stopped.
pub(super) fn run(flags: ServeFlags, console: &Console) -> Result<(), Failure> {
    let ServeFlags { run, page, port } = flags;
    let (files, place) = match run.as_deref() {
        Some(run) => (of_run(run)?, "#neighbours?checkpoint=run/checkpoint.safetensors"),
        None => (Router::new(), ""),
    };
    let server = listen(files, page, port, (place, Access::Reads))?;
    console.result(&server);
    server.answer()
}

/// The same for the page with more routes, opened at a place of it.
pub(super) fn listen(
    routes: Router,
    page: Option<PathBuf>,
    port: u16,
    (place, access): (&str, Access),
) -> Result<Server, Failure> {
    let page = built(page)?;
    let page = page.canonicalize().map_err(|e| FileError::new(&page, e))?;
    let files = routes.fallback_service(ServeDir::new(&page));
    let failed = |source| Failure::Port { port, source };
    let runtime = Builder::new_current_thread().enable_io().build().map_err(failed)?;
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
    let listener = listener.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let own = Own::at(address.port(), page, access);
    let files =
        files.layer(CompressionLayer::new()).layer(middleware::from_fn_with_state(own, guard));
    let url = format!("http://{address}/{place}");
    Ok(Server { url, port, files, listener, runtime })
}

impl Server {
    /// Answers until it is stopped.
    pub(super) fn answer(self) -> Result<(), Failure> {
        let Self { port, files, listener, runtime, .. } = self;
        let served = runtime.block_on(async { axum::serve(listener, files).await });
        served.map_err(|source| Failure::Port { port, source })
    }
}

/// The folder of the built page: the one that is named, or the one here or above the program.
pub(super) fn built(named: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let program = env::current_exe().unwrap_or_default();
    let above = program.ancestors().map(|folder| folder.join(PAGE));
    let candidates: Vec<PathBuf> = match named {
        Some(page) => vec![page],
        None => std::iter::once(PathBuf::from(PAGE)).chain(above).collect(),
    };
    let found = candidates.iter().find(|page| page.join("index.html").is_file());
    found.cloned().ok_or_else(|| Failure::NoPage { path: candidates[0].clone() })
}

/// A run's checkpoint and report, and nothing else of its folder.
fn of_run(run: &Path) -> Result<Router, Failure> {
    let is_run = run.is_dir();
    // What cannot be opened is told here, not on the page.
    let checkpoint = checkpoint::open(run)?.path;
    let absolute = |path: &Path| path.canonicalize().map_err(|e| FileError::new(path, e));
    let checkpoint = ServeFile::new(absolute(&checkpoint)?);
    let files = Router::new().route_service("/run/checkpoint.safetensors", checkpoint);
    let report = run.join(folder::REPORT);
    if !is_run || !report.is_file() {
        return Ok(files);
    }
    Ok(files.route_service("/run/report.html", ServeFile::new(absolute(&report)?)))
}
