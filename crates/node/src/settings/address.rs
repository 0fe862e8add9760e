//! Addresses of listeners: `127.0.0.1:4567`, `[::1]:4567`, `localhost:4567`.

use std::net::{SocketAddr, ToSocketAddrs as _};

use serde::de::{Deserialize as _, Deserializer, Error as _};

use super::values::{InvalidValue, invalid};

const WANTED: &str =
    "an address to listen on, such as 127.0.0.1:4567, [::1]:4567 or localhost:4567 (port 0: a free one)";

/// Reads an address. A name is resolved, to its first IPv4 address if it has one: that is where clients look first.
///
/// # Errors
/// When the text is no address with a port, or its name is not known.
pub fn parse_address(text: &str) -> Result<SocketAddr, InvalidValue> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let is_named = text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    let addresses: Vec<SocketAddr> =
        if is_named { text.to_socket_addrs().map(Iterator::collect).unwrap_or_default() } else { Vec::new() };
    let first = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    first.copied().ok_or_else(|| invalid(text, WANTED))
}

/// For an address in a settings file.
pub(super) fn optional_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    parse_address(&String::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_resolved() {
        for (text, address) in
            [("127.0.0.1:1", "127.0.0.1:1"), ("[::1]:0", "[::1]:0"), ("localhost:4567", "127.0.0.1:4567")]
        {
            assert_eq!(parse_address(text).expect(text).to_string(), address);
        }
        for text in ["", "localhost", "4567", ":4567", "localhost:x", "localhost:65536", "127.0.0.1", "::1:x"] {
            let error = parse_address(text).expect_err(text).to_string();
            assert!(error.contains("such as 127.0.0.1:4567"), "{error}");
        }
    }
}
