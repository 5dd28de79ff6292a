//! Flags of `kith worker`.

use std::net::{Ipv4Addr, SocketAddr};

use clap::Args as Flags;

use super::device::WORKER_PORT;

/// Where to listen.
#[derive(Clone, Copy, Debug, Flags)]
pub(crate) struct WorkerFlags {
    /// Address and port to listen at, as in 0.0.0.0:8500; port 0 takes any that is free
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, WORKER_PORT))
    )]
    pub(crate) listen: SocketAddr,
}
