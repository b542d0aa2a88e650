//! What a client writes: kept within bounds, without secrets.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use smtp::Secret;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bytes kept of the beginning, and again of the end.
const KEPT: usize = 32 * 1024;

/// Output, its middle left out where it is long.
#[derive(Clone, Debug, Default)]
pub(super) struct Output {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Output {
    /// Takes more in.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = KEPT - self.head.len();
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let beyond = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..beyond);
        self.left_out += beyond as u64;
    }

    /// Reads a pipe to its end.
    pub(super) async fn read(&mut self, mut pipe: impl AsyncRead + Unpin) -> io::Result<()> {
        let mut buffer = vec![0; 8 * 1024];
        loop {
            let read = pipe.read(&mut buffer).await?;
            if read == 0 {
                return Ok(());
            }
            self.push(&buffer[..read]);
        }
    }

    /// As text, without what would tell `secret`.
    pub(super) fn text(&self, secret: &Secret) -> String {
        let mut text = String::from_utf8_lossy(&self.head).into_owned();
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        if self.left_out > 0 {
            let _ = write!(text, "\n[{} bytes left out]\n", self.left_out);
        }
        text.push_str(&String::from_utf8_lossy(&tail));
        redact(&text, secret)
    }
}

/// The last line of a text that says something.
pub fn last_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).rfind(|line| !line.is_empty())
}

/// Takes out the password as it stands, and base64 that holds it or a proof of it (NTLM, CRAM-MD5).
pub fn redact(text: &str, secret: &Secret) -> String {
    let password = String::from_utf8_lossy(secret.expose());
    let mut text = text.to_owned();
    let quoted = password.replace('\\', "\\\\").replace('"', "\\\"");
    if !password.is_empty() {
        text = text
            .replace(password.as_ref(), "<password>")
            .replace(&quoted, "<password>");
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let word = rest
            .find(|letter: char| !in_base64(letter))
            .unwrap_or(rest.len());
        out.push_str(if telling(&rest[..word], secret) {
            "<secret>"
        } else {
            &rest[..word]
        });
        rest = &rest[word..];
        let other = rest.find(in_base64).unwrap_or(rest.len());
        out.push_str(&rest[..other]);
        rest = &rest[other..];
    }
    out
}

fn in_base64(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/' | '=')
}

/// Whether a word is base64 that should not be shown.
fn telling(word: &str, secret: &Secret) -> bool {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    if word.len() < 8 {
        return false;
    }
    let Ok(bytes) = LENIENT.decode(word) else {
        return false;
    };
    let password = secret.expose();
    let holds = !password.is_empty()
        && bytes
            .windows(password.len())
            .any(|window| window == password);
    let ntlm = bytes.starts_with(b"NTLMSSP\0");
    // CRAM-MD5: the user name, a space, and an MD5 in hex (RFC 2195 section 2).
    let cram = bytes.len() > 33
        && bytes[bytes.len() - 33] == b' '
        && bytes[bytes.len() - 32..].iter().all(u8::is_ascii_hexdigit);
    holds || ntlm || cram
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::BASE64_STANDARD;

    fn secret() -> Secret {
        Secret::new(*b"Pw-open sesame")
    }

    #[test]
    fn a_password_is_taken_out_in_every_form_that_clients_print() {
        let encoded = [
            BASE64_STANDARD.encode("Pw-open sesame"),
            BASE64_STANDARD.encode("\0alice\0Pw-open sesame"),
            BASE64_STANDARD.encode("NTLMSSP\0\x03\0\0\0proof"),
            BASE64_STANDARD.encode(format!("alice {}", "0a".repeat(16))),
        ];
        for one in encoded {
            let shown = redact(&format!(" -> AUTH PLAIN {one}\r\n<- 235"), &secret());
            assert_eq!(shown, " -> AUTH PLAIN <secret>\r\n<- 235");
        }
        let shown = redact("password='Pw-open sesame'", &secret());
        assert_eq!(shown, "password='<password>'");
    }

    #[test]
    fn other_text_stays_as_it_is() {
        let text =
            "<- 250-mail.example.test greets you\n -> MAIL FROM:<a@client.example> SIZE=1000\n";
        assert_eq!(redact(text, &secret()), text);
        assert_eq!(redact(text, &Secret::new(*b"")), text);
    }

    #[test]
    fn the_beginning_and_the_end_of_long_output_are_kept() {
        let mut output = Output::default();
        output.push(b"first\n");
        for _ in 0..100 {
            output.push(&[b'.'; 4096]);
        }
        output.push(b"\nlast\n");
        let text = output.text(&secret());
        assert!(text.starts_with("first\n"));
        assert_eq!(last_line(&text), Some("last"));
        assert!(text.contains("bytes left out"));
        assert!(text.len() < 3 * KEPT);
    }
}
