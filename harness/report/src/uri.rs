//! Files as links lead to them.

use std::fmt::Write as _;

/// A path as a URI reference (RFC 3986): everything but unreserved characters and slashes is escaped.
pub(crate) fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_become_uris() {
        assert_eq!(uri("a b/ü.pcapng"), "a%20b/%C3%BC.pcapng");
        assert_eq!(uri("x:\\y"), "x%3A/y");
    }
}
