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
        value_parser = listen,
        default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, WORKER_PORT))
    )]
    pub(crate) listen: SocketAddr,
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    let expected =
        "expected an IP address of this machine and a port, as in 0.0.0.0:8500 or [::1]:8500";
    text.parse().map_err(|_invalid| expected.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_numbers_and_a_port() {
        assert_eq!(listen("0.0.0.0:0").unwrap(), SocketAddr::from(([0; 4], 0)));
        assert_eq!(listen("[::1]:8500").unwrap().port(), 8500);
        for text in ["", "lab:8500", "127.0.0.1", "::1:8500x", "127.0.0.1:70000"] {
            assert!(listen(text).unwrap_err().contains("as in 0.0.0.0:8500"), "{text}");
        }
    }
}
