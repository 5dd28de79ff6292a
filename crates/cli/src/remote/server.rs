//! The worker's end.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use kith_core::Device;
use kith_core::worker::{Worker, refusal};

use super::connection::{Connection, Pace};
use crate::failure::{DeviceError, Failure};
use crate::output::Console;
use crate::refused;

/// Computes for whoever connects.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
    device: Device,
    about: String,
}

impl Server {
    /// Listens at an address, and does not answer yet.
    pub(crate) fn open(listen: SocketAddr, device: Device, about: String) -> Result<Self, Failure> {
        let failed = |source| DeviceError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, device, about })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether this machine alone can connect.
    pub(crate) fn is_private(&self) -> bool {
        self.address.ip().is_loopback()
    }

    /// Answers each trainer on a thread of its own, until the process is stopped. `on_loss` is called where the
    /// device was lost, once the trainer has heard of it.
    pub(crate) fn answer(self, console: Console, on_loss: impl Fn(&str) + Send + Sync + 'static) {
        let Self { listener, device, about, .. } = self;
        let host = Host { console, on_loss: Arc::new(on_loss) };
        for stream in listener.incoming() {
            let (worker, host) = (Worker::new(&device, &about), host.clone());
            let served = stream.and_then(|stream| {
                let name = stream.peer_addr()?.to_string();
                let serve = move || host.serve(stream, worker, &name);
                thread::Builder::new().spawn(serve).map(drop)
            });
            if let Err(error) = served {
                console.note(&format!("a trainer could not be answered: {error}"));
            }
        }
    }
}

/// Who is told of what happens.
#[derive(Clone)]
struct Host {
    console: Console,
    on_loss: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Host {
    fn serve(&self, stream: TcpStream, worker: Worker, name: &str) {
        serve(stream, worker, name, self.console);
        if let Some(reason) = refused::loss() {
            (self.on_loss)(&reason);
        }
    }
}

/// Answers one trainer until it leaves.
fn serve(stream: TcpStream, mut worker: Worker, name: &str, console: Console) {
    let mut answered: u64 = 0;
    let mut known = None;
    let conversation = || -> std::io::Result<()> {
        let connection = Connection::new(stream, Pace::default())?;
        while let Some(message) = connection.receive()? {
            let answer = answer(&mut worker, &message);
            connection.send(&answer)?;
            answered += 1;
            let encoder = worker.encoder();
            if encoder != known {
                let words = encoder.as_deref().unwrap_or_default();
                console.note(&format!("{name}: computes {words}"));
                known = encoder;
            }
        }
        Ok(())
    };
    let end = match conversation() {
        Ok(()) => "it has left".to_owned(),
        Err(error) => error.to_string(),
    };
    console.note(&format!("{name}: {end}, after {answered} answers"));
}

/// A device that gives up while it computes is the trainer's to hear of.
fn answer(worker: &mut Worker, message: &[u8]) -> Vec<u8> {
    let answered = catch_unwind(AssertUnwindSafe(|| pollster::block_on(worker.answer(message))));
    // What its driver refused says more than what came of it.
    if let Some(error) = refused::taken() {
        return refusal(&error.to_string());
    }
    answered.unwrap_or_else(|panic| {
        refusal(&format!("its device failed: {}", kith_data::message_of_panic(panic)))
    })
}
