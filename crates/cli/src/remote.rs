//! Devices of other processes, over TCP.

mod connection;
mod link;
mod server;

pub(crate) use link::connect;
pub(crate) use server::Server;
