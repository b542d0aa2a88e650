//! TLS as a passive reader sees it: record boundaries, ClientHello and ServerHello.

/// What a ClientHello tells (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// `legacy_version` on the wire, e.g. 0x0303.
    pub legacy_version: u16,
    /// Versions in `supported_versions`, in order; empty where the extension is absent. GREASE values left out.
    pub supported_versions: Vec<u16>,
    /// `server_name`, where sent.
    pub server_name: Option<String>,
    /// Cipher suites, in order. GREASE values left out.
    pub cipher_suites: Vec<u16>,
}

/// What a ServerHello tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHello {
    /// The version really chosen: `supported_versions` where present, else the legacy field.
    pub version: u16,
    /// The cipher suite chosen.
    pub cipher_suite: u16,
}
