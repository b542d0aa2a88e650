//! Reading and writing the three messages (MS-NLMP sections 2.2.1.1 to 2.2.1.3).

use super::layout::{Builder, Frame};
use super::{Authenticate, AvPair, Challenge, Error, Negotiate, Version, av, flags, text};
use crate::Secret;

impl Negotiate {
    /// Reads type 1.
    ///
    /// # Errors
    /// Names the field and the offset that do not fit.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let frame = Frame::read(
            bytes,
            1,
            &[("domain", 16), ("workstation", 24)],
            ("flags", 16),
        )?;
        let flags = frame.u32(12).unwrap_or_default();
        let name = |offset| {
            Some(frame.payload(offset).0)
                .filter(|b| !b.is_empty())
                .map(text::from_oem)
        };
        Ok(Self {
            flags,
            domain: name(16),
            workstation: name(24),
            version: frame.version(32, flags),
            raw: bytes.to_vec(),
        })
    }

    /// Writes type 1. The flags that say which parts are there are set or cleared to match.
    ///
    /// # Errors
    /// [`Error::NeedsUnicode`] or [`Error::TooLong`] for a name that does not fit.
    pub fn encode(
        flags: u32,
        domain: Option<&str>,
        workstation: Option<&str>,
        version: Option<Version>,
    ) -> Result<Vec<u8>, Error> {
        let mut all = with(flags, flags::NEGOTIATE_VERSION, version.is_some());
        all = with(all, flags::NEGOTIATE_OEM_DOMAIN_SUPPLIED, domain.is_some());
        all = with(
            all,
            flags::NEGOTIATE_OEM_WORKSTATION_SUPPLIED,
            workstation.is_some(),
        );
        let mut message = Builder::new(1, 40);
        message.raw(&all.to_le_bytes());
        message.field(
            "domain",
            &text::encode("domain", domain.unwrap_or_default(), false)?,
        )?;
        message.field(
            "workstation",
            &text::encode("workstation", workstation.unwrap_or_default(), false)?,
        )?;
        message.raw(&version.map_or([0; 8], Version::encode));
        Ok(message.finish())
    }
}

impl Challenge {
    /// Reads type 2.
    ///
    /// # Errors
    /// Names the field and the offset that do not fit.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let slots = [("target name", 12), ("target information", 40)];
        let frame = Frame::read(bytes, 2, &slots, ("server challenge", 32))?;
        let flags = frame.u32(20).unwrap_or_default();
        let (name, at) = frame.payload(12);
        let target_name = decode(
            "target name",
            name,
            at,
            flags & flags::NEGOTIATE_UNICODE != 0,
        )?;
        let (info, at) = frame.payload(40);
        let target_info = if info.is_empty() {
            Vec::new()
        } else {
            av::parse("target information", info, at)?
        };
        Ok(Self {
            flags,
            target_name,
            server_challenge: frame.fixed(24).unwrap_or_default(),
            target_info,
            version: frame.version(48, flags),
            raw: bytes.to_vec(),
        })
    }

    /// Writes type 2. The flags that say which parts are there are set or cleared to match.
    ///
    /// # Errors
    /// [`Error::NeedsUnicode`] or [`Error::TooLong`] for a name that does not fit.
    pub fn encode(
        flags: u32,
        target_name: &str,
        server_challenge: [u8; 8],
        target_info: &[AvPair],
        version: Option<Version>,
    ) -> Result<Vec<u8>, Error> {
        let mut all = with(flags, flags::NEGOTIATE_VERSION, version.is_some());
        all = with(all, flags::NEGOTIATE_TARGET_INFO, !target_info.is_empty());
        let unicode = all & flags::NEGOTIATE_UNICODE != 0;
        let info = if target_info.is_empty() {
            Vec::new()
        } else {
            av::encode("target information", target_info)?
        };
        let mut message = Builder::new(2, 56);
        message.field(
            "target name",
            &text::encode("target name", target_name, unicode)?,
        )?;
        message.raw(&all.to_le_bytes());
        message.raw(&server_challenge);
        message.raw(&[0; 8]);
        message.field("target information", &info)?;
        message.raw(&version.map_or([0; 8], Version::encode));
        Ok(message.finish())
    }

    /// The server's time, where the target information has it.
    pub fn timestamp(&self) -> Option<super::FileTime> {
        self.target_info.iter().find_map(AvPair::timestamp)
    }
}

/// Descriptors of type 3, in header order.
const AUTHENTICATE: [(&str, usize); 6] = [
    ("LM response", 12),
    ("NT response", 20),
    ("domain", 28),
    ("user", 36),
    ("workstation", 44),
    ("session key", 52),
];

/// Where the MIC stands in type 3.
pub(super) const MIC: std::ops::Range<usize> = 72..88;

impl Authenticate {
    /// Reads type 3 without knowing the challenge: [`Self::parse_with`] with `None`.
    ///
    /// # Errors
    /// Names the field and the offset that do not fit.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        Self::parse_with(bytes, None)
    }

    /// Reads type 3.
    ///
    /// Its own flags tell the character set. Where they name none (some clients send 0), `challenge_flags` decide; where
    /// those are missing too, names of even length with a zero byte among them are taken for UTF-16.
    ///
    /// # Errors
    /// Names the field and the offset that do not fit.
    pub fn parse_with(bytes: &[u8], challenge_flags: Option<u32>) -> Result<Self, Error> {
        let frame = Frame::read(bytes, 3, &AUTHENTICATE, ("workstation", 52))?;
        let flags = frame.u32(60).unwrap_or_default();
        let names = [28, 36, 44].map(|offset| frame.payload(offset));
        let unicode = charset(flags)
            .or_else(|| challenge_flags.and_then(charset))
            .unwrap_or_else(|| {
                names.iter().all(|(n, _)| n.len().is_multiple_of(2))
                    && names.iter().any(|(n, _)| n.contains(&0))
            });
        let [domain, user, workstation] = names;
        let secret = |offset| Secret::new(frame.payload(offset).0);
        Ok(Self {
            flags,
            domain: decode("domain", domain.0, domain.1, unicode)?,
            user: decode("user", user.0, user.1, unicode)?,
            workstation: decode("workstation", workstation.0, workstation.1, unicode)?,
            lm_response: secret(12),
            nt_response: secret(20),
            session_key: secret(52),
            version: frame.version(64, flags),
            mic: frame.fixed(MIC.start),
            raw: Secret::new(bytes),
        })
    }
}

/// The parts of a type 3 message to be written.
#[derive(Clone, Copy, Debug)]
pub struct AuthenticateParts<'a> {
    /// Flags; [`flags::NEGOTIATE_UNICODE`] decides on the character set of the names.
    pub flags: u32,
    /// Domain or computer that hosts the account.
    pub domain: &'a str,
    /// Account.
    pub user: &'a str,
    /// The sender's `NetBIOS` name.
    pub workstation: &'a str,
    /// LM or LMv2 response.
    pub lm_response: &'a Secret,
    /// NTLM or NTLMv2 response.
    pub nt_response: &'a Secret,
    /// Encrypted random session key; mostly empty.
    pub session_key: &'a Secret,
    /// Version, if one is to be sent.
    pub version: Option<Version>,
    /// MIC, if one is to be sent. It is computed over the message with a MIC of zeros.
    pub mic: Option<[u8; 16]>,
}

impl AuthenticateParts<'_> {
    /// Writes type 3. The order of the payloads is the one of Windows: names, then responses, then the session key.
    ///
    /// # Errors
    /// [`Error::NeedsUnicode`] or [`Error::TooLong`] for a value that does not fit.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let all = with(self.flags, flags::NEGOTIATE_VERSION, self.version.is_some());
        let unicode = all & flags::NEGOTIATE_UNICODE != 0;
        let names = [
            ("domain", self.domain),
            ("user", self.user),
            ("workstation", self.workstation),
        ];
        let [domain, user, workstation] =
            names.map(|(field, name)| text::encode(field, name, unicode));
        let payloads: [&[u8]; 6] = [
            self.lm_response.expose(),
            self.nt_response.expose(),
            &domain?,
            &user?,
            &workstation?,
            self.session_key.expose(),
        ];
        let header = if self.mic.is_some() {
            MIC.end
        } else {
            MIC.start
        };
        let mut end = header;
        let mut places = [0; 6];
        for slot in [2, 3, 4, 0, 1, 5] {
            places[slot] = end;
            end += payloads[slot].len();
        }
        let mut message = b"NTLMSSP\0\x03\0\0\0".to_vec();
        for (((field, _), payload), place) in AUTHENTICATE.iter().zip(payloads).zip(places) {
            let length = u16::try_from(payload.len()).map_err(|_| Error::TooLong { field })?;
            let place = u32::try_from(place).map_err(|_| Error::TooLong { field })?;
            message.extend(length.to_le_bytes());
            message.extend(length.to_le_bytes());
            message.extend(place.to_le_bytes());
        }
        message.extend(all.to_le_bytes());
        message.extend(self.version.map_or([0; 8], Version::encode));
        message.extend(self.mic.iter().flatten());
        for slot in [2, 3, 4, 0, 1, 5] {
            message.extend_from_slice(payloads[slot]);
        }
        Ok(message)
    }
}

/// `flags` with `bit` set or cleared.
const fn with(flags: u32, bit: u32, on: bool) -> u32 {
    if on { flags | bit } else { flags & !bit }
}

/// Whether text is UTF-16, as far as the flags tell.
const fn charset(flags: u32) -> Option<bool> {
    if flags & flags::NEGOTIATE_UNICODE != 0 {
        Some(true)
    } else if flags & flags::NEGOTIATE_OEM != 0 {
        Some(false)
    } else {
        None
    }
}

fn decode(
    field: &'static str,
    bytes: &[u8],
    offset: usize,
    unicode: bool,
) -> Result<String, Error> {
    if !unicode {
        return Ok(text::from_oem(bytes));
    }
    if bytes.len().is_multiple_of(2) {
        Ok(text::from_utf16le(bytes))
    } else {
        Err(Error::OddUtf16 {
            field,
            offset,
            len: bytes.len(),
        })
    }
}
