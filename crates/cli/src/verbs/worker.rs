//! `kith worker`: this machine's device for training that runs on another one.

use std::env::args_os;
use std::ffi::OsString;
use std::fmt::{self, Display, Formatter};
use std::net::SocketAddr;

use serde::Serialize;

use super::session::Command;
use crate::args::RemoteAddress;
use crate::command_line::without;
use crate::failure::Failure;
use crate::remote::Server;
use crate::reopened::start_again;

/// A worker that listens.
#[derive(Debug, Serialize)]
pub(super) struct Listening {
    address: SocketAddr,
    /// What it computes on.
    device: String,
}

impl Display for Listening {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (ip, port) = (self.address.ip(), self.address.port());
        let host = if ip.is_unspecified() { "HOST".into() } else { ip.to_string() };
        let here = RemoteAddress { host, port };
        write!(f, "kith pretrain --device {here} computes here")?;
        match ip.is_unspecified() {
            true => f.write_str(", with this machine's name or address in place of HOST"),
            false => Ok(()),
        }
    }
}

/// Listens at an address, and answers until it is stopped. A GPU that was lost is opened once more, as often as
/// that can be.
pub(super) fn run(listen: SocketAddr, command: Command<'_>) -> Result<(), Failure> {
    let (chosen, console) = (command.device()?, command.console);
    let server = Server::open(listen, chosen.device, chosen.why.clone())?;
    if !server.is_private() {
        console.note(
            "whoever reaches this address can compute here, and nothing on the way is encrypted: open it to \
             a network that you trust",
        );
    }
    let (address, console) = (server.address(), *console);
    console.result(&Listening { address, device: chosen.why });
    server.answer(console, move |reason| {
        console.note(&format!("{reason}: it is opened once more"));
        // The port that was free is known to trainers by now.
        let listen: [OsString; 2] = ["--listen".into(), address.to_string().into()];
        start_again(
            without(args_os().collect(), "--listen").into_iter().chain(listen).collect(),
            1,
        );
    });
    Ok(())
}
