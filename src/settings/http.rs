//! Where the HTTP server listens.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::read::Variables;

/// Where the HTTP server listens.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    pub bind: SocketAddr,
    /// The file to which the address is written, for the health check of a container.
    pub addr_file: Option<PathBuf>,
}

impl Variables {
    pub(super) fn http(&mut self) -> HttpSettings {
        HttpSettings {
            bind: self.value(
                "HTTP_BIND",
                "127.0.0.1:8080",
                "an IP address and a port",
                |text| text.parse().ok(),
            ),
            addr_file: self.optional("ROLLCALL_ADDR_FILE").map(PathBuf::from),
        }
    }
}
