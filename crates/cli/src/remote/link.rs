//! The trainer's end.

use std::fmt::Display;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use kith_core::Error;
use kith_core::method::remote::{Composing, Link, Remote};

use super::connection::{Connection, Pace};
use crate::args::RemoteAddress;
use crate::failure::{DeviceError, Failure};

/// How long a machine may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// Finds the worker at an address.
pub(crate) fn connect(address: &RemoteAddress) -> Result<Remote, Failure> {
    let none = |reason: &dyn Display| DeviceError::NoWorker {
        asked: address.to_string(),
        port: address.port,
        reason: reason.to_string(),
    };
    let stream = reach(address).map_err(|e| none(&e))?;
    let connection = Connection::new(stream, Pace::default()).map_err(|e| none(&e))?;
    let link = TcpLink { name: address.to_string(), connection };
    Remote::connect(link).map_err(|error| match error {
        Error::Remote { reason, .. } => none(&reason).into(),
        other => other.into(),
    })
}

/// The first of a name's addresses that answers.
fn reach(address: &RemoteAddress) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for place in (address.host.as_str(), address.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&place, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[derive(Debug)]
struct TcpLink {
    name: String,
    connection: Connection,
}

impl TcpLink {
    fn lost(&self, reason: &dyn Display) -> Error {
        Error::Remote { device: self.name.clone(), reason: reason.to_string() }
    }
}

impl Link for TcpLink {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&self, message: Composing<'_>) -> Result<(), Error> {
        let message = pollster::block_on(message)?;
        self.connection.send(&message).map_err(|e| self.lost(&e))
    }

    fn receive(&self) -> Result<Vec<u8>, Error> {
        let message = self.connection.receive().map_err(|e| self.lost(&e))?;
        message.ok_or_else(|| self.lost(&"its worker has closed the connection"))
    }
}
