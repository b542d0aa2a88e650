//! Attribute pairs (MS-NLMP section 2.2.2.1).

use super::{AvPair, Error, FileTime, text};

/// End of the list.
pub const EOL: u16 = 0;
/// `NetBIOS` name of the server's computer.
pub const NB_COMPUTER_NAME: u16 = 1;
/// `NetBIOS` name of the server's domain.
pub const NB_DOMAIN_NAME: u16 = 2;
/// DNS name of the server's computer.
pub const DNS_COMPUTER_NAME: u16 = 3;
/// DNS name of the server's domain.
pub const DNS_DOMAIN_NAME: u16 = 4;
/// DNS name of the server's forest.
pub const DNS_TREE_NAME: u16 = 5;
/// Flags, 32 bits.
pub const FLAGS: u16 = 6;
/// Time of the server, a `FILETIME`.
pub const TIMESTAMP: u16 = 7;
/// Machine id of the client, made at boot.
pub const SINGLE_HOST: u16 = 8;
/// Service principal name that the client believes it talks to.
pub const TARGET_NAME: u16 = 9;
/// MD5 of the channel bindings; zero without a TLS channel.
pub const CHANNEL_BINDINGS: u16 = 10;

/// The name of an attribute, as MS-NLMP section 2.2.2.1 has it without `MsvAv`.
pub const fn name(id: u16) -> Option<&'static str> {
    Some(match id {
        NB_COMPUTER_NAME => "NbComputerName",
        NB_DOMAIN_NAME => "NbDomainName",
        DNS_COMPUTER_NAME => "DnsComputerName",
        DNS_DOMAIN_NAME => "DnsDomainName",
        DNS_TREE_NAME => "DnsTreeName",
        FLAGS => "Flags",
        TIMESTAMP => "Timestamp",
        SINGLE_HOST => "SingleHost",
        TARGET_NAME => "TargetName",
        CHANNEL_BINDINGS => "ChannelBindings",
        _ => return None,
    })
}

/// In the value of [`FLAGS`]: the account is constrained.
pub const FLAG_CONSTRAINED: u32 = 0x1;
/// In the value of [`FLAGS`]: the message carries a MIC.
pub const FLAG_MIC_PRESENT: u32 = 0x2;

impl AvPair {
    /// A pair whose value is text.
    pub fn from_text(id: u16, value: &str) -> Self {
        Self {
            id,
            value: text::utf16le(value),
        }
    }

    /// The value as text, where the id is one of a textual attribute and the length fits UTF-16.
    pub fn text(&self) -> Option<String> {
        let textual = matches!(self.id, NB_COMPUTER_NAME..=DNS_TREE_NAME | TARGET_NAME);
        (textual && self.value.len().is_multiple_of(2)).then(|| text::from_utf16le(&self.value))
    }

    /// The value of a [`FLAGS`] pair.
    pub fn flags(&self) -> Option<u32> {
        let bytes = self.value.first_chunk()?;
        (self.id == FLAGS).then(|| u32::from_le_bytes(*bytes))
    }

    /// The machine id in a [`SINGLE_HOST`] pair: 32 bytes that the client's machine makes at boot, the same in all its
    /// sessions until the next one (section 2.2.2.2).
    pub fn machine_id(&self) -> Option<&[u8; 32]> {
        let id = self.value.get(16..)?.first_chunk()?;
        (self.id == SINGLE_HOST).then_some(id)
    }

    /// Whether a [`CHANNEL_BINDINGS`] pair binds the exchange to a TLS channel; `None` for any other pair.
    pub fn binds_channel(&self) -> Option<bool> {
        (self.id == CHANNEL_BINDINGS).then(|| self.value.iter().any(|byte| *byte != 0))
    }

    /// The value of a [`TIMESTAMP`] pair.
    pub fn timestamp(&self) -> Option<FileTime> {
        let bytes = self.value.first_chunk()?;
        (self.id == TIMESTAMP).then(|| FileTime(u64::from_le_bytes(*bytes)))
    }
}

/// Reads a list up to its closing pair, which is left out. `base` is where `bytes` begin in the message, for errors.
pub(super) fn parse(field: &'static str, bytes: &[u8], base: usize) -> Result<Vec<AvPair>, Error> {
    let mut pairs = Vec::new();
    let mut rest = bytes;
    loop {
        let offset = base + (bytes.len() - rest.len());
        let unterminated = Error::Unterminated { field, offset };
        let Some((head, tail)) = rest.split_first_chunk::<4>() else {
            return Err(unterminated);
        };
        let id = u16::from_le_bytes([head[0], head[1]]);
        if id == EOL {
            return Ok(pairs);
        }
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let Some((value, next)) = tail.split_at_checked(length) else {
            return Err(unterminated);
        };
        pairs.push(AvPair {
            id,
            value: value.to_vec(),
        });
        rest = next;
    }
}

/// Writes a list and its closing pair.
pub(super) fn encode(field: &'static str, pairs: &[AvPair]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for pair in pairs {
        let length = u16::try_from(pair.value.len()).map_err(|_| Error::TooLong { field })?;
        out.extend(pair.id.to_le_bytes());
        out.extend(length.to_le_bytes());
        out.extend(&pair.value);
    }
    out.extend([0; 4]);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_comes_back() {
        let pairs = vec![
            AvPair::from_text(NB_DOMAIN_NAME, "CONTOSO"),
            AvPair {
                id: FLAGS,
                value: vec![2, 0, 0, 0],
            },
            AvPair {
                id: TIMESTAMP,
                value: 7_u64.to_le_bytes().to_vec(),
            },
        ];
        let read = parse("x", &encode("x", &pairs).unwrap(), 0).unwrap();
        assert_eq!(read, pairs);
        assert_eq!(read[0].text().as_deref(), Some("CONTOSO"));
        assert_eq!(read[1].flags(), Some(FLAG_MIC_PRESENT));
        assert_eq!(read[2].timestamp(), Some(FileTime(7)));
        assert_eq!(read[1].text(), None);
    }

    #[test]
    fn what_a_client_adds() {
        let pair = |id, value: &[u8]| AvPair {
            id,
            value: value.to_vec(),
        };
        let mut host = [0; 48];
        host[16..].fill(7);
        assert_eq!(pair(SINGLE_HOST, &host).machine_id(), Some(&[7; 32]));
        assert_eq!(pair(SINGLE_HOST, &host[..47]).machine_id(), None);
        assert_eq!(pair(TIMESTAMP, &host).machine_id(), None);
        assert_eq!(
            pair(CHANNEL_BINDINGS, &[0; 16]).binds_channel(),
            Some(false)
        );
        assert_eq!(pair(CHANNEL_BINDINGS, &[1; 16]).binds_channel(), Some(true));
        assert_eq!(pair(FLAGS, &[1; 16]).binds_channel(), None);
        let spn = AvPair::from_text(TARGET_NAME, "SMTPSVC/mail");
        assert_eq!(spn.text().as_deref(), Some("SMTPSVC/mail"));
        assert_eq!((name(TARGET_NAME), name(77)), (Some("TargetName"), None));
    }

    #[test]
    fn a_list_without_end_is_refused() {
        let bytes = [1, 0, 2, 0, 65, 0, 2, 0, 9, 0];
        assert_eq!(
            parse("target", &bytes, 40),
            Err(Error::Unterminated {
                field: "target",
                offset: 46
            })
        );
        assert_eq!(
            parse("target", &bytes[..6], 40),
            Err(Error::Unterminated {
                field: "target",
                offset: 46
            })
        );
    }
}
