//! Key logs: the secrets of TLS connections in the NSS format, which `SSLKEYLOGFILE` makes most clients write.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use crate::Secret;

/// The most connections that one log may name.
const MOST_CONNECTIONS: usize = 1_000_000;
const MASTER_SECRET: usize = 48;

/// The secrets of connections, found by the random number in the ClientHello.
///
/// Lines with `CLIENT_RANDOM` (TLS 1.2 and older) and with the handshake and application traffic secrets of TLS 1.3 are
/// read; other labels, comments and empty lines are passed over.
///
/// It grows while it is in use: share it in an [`std::sync::Arc`], and [`KeyLog::extend`] it with what a capture brings
/// (Decryption Secrets Blocks) before the packets that need it are read.
#[derive(Default)]
pub struct KeyLog {
    connections: RwLock<HashMap<[u8; 32], Secrets>>,
}

/// The secrets of one connection.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    pub(super) master: Option<Secret>,
    /// Client, server.
    pub(super) handshake: [Option<Secret>; 2],
    /// Client, server.
    pub(super) application: [Option<Secret>; 2],
}

/// What is wrong with a key log. It never quotes the line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct KeyLogError {
    /// Number of the line, from 1.
    pub line: usize,
    /// Number of the byte in it, from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: KeyLogProblem,
}

/// The kinds of [`KeyLogError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyLogProblem {
    /// The line does not begin with a label of capital letters, digits and underscores.
    #[error("expected a label such as CLIENT_RANDOM")]
    Label,
    /// The client's random number is not 64 hexadecimal digits.
    #[error("expected the client random as 64 hexadecimal digits")]
    Random,
    /// The secret is not in hexadecimal, or not as long as one for this label.
    #[error("expected the secret as hexadecimal digits: 96, or 64 for SHA-256 in TLS 1.3")]
    Secret,
    /// Something follows the secret.
    #[error("expected the end of the line")]
    Excess,
    /// More than a million connections.
    #[error("more than 1,000,000 connections")]
    TooMany,
}

impl KeyLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the text of a log.
    ///
    /// # Errors
    ///
    /// See [`KeyLog::extend`].
    pub fn parse(text: &str) -> Result<Self, KeyLogError> {
        let log = Self::default();
        log.extend(text)?;
        Ok(log)
    }

    /// Adds the lines of another log; where both have a secret for the same use, the later one counts.
    ///
    /// # Errors
    ///
    /// At the first line that is wrong. The lines before it have been added.
    pub fn extend(&self, text: &str) -> Result<(), KeyLogError> {
        for (at, line) in text.lines().enumerate() {
            self.line(line).map_err(|(column, problem)| KeyLogError {
                line: at + 1,
                column,
                problem,
            })?;
        }
        Ok(())
    }

    /// Number of connections that it has secrets of.
    pub fn len(&self) -> usize {
        let connections = self.connections.read();
        connections.unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether it has no secret.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is known of a connection now.
    pub(super) fn get(&self, client_random: &[u8; 32]) -> Option<Secrets> {
        let connections = self.connections.read();
        let connections = connections.unwrap_or_else(PoisonError::into_inner);
        connections.get(client_random).cloned()
    }

    fn line(&self, line: &str) -> Result<(), (usize, KeyLogProblem)> {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let mut words = Words { line, at: 0 };
        let (column, label) = words.next_word();
        let is_label = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        if label.is_empty() || !label.bytes().all(is_label) {
            return Err((column, KeyLogProblem::Label));
        }
        let Some(lengths) = lengths(label) else {
            return Ok(());
        };
        let (column, word) = words.next_word();
        let mut random = [0; 32];
        hex::decode_to_slice(word, &mut random).map_err(|_| (column, KeyLogProblem::Random))?;
        let (column, word) = words.next_word();
        let secret = hex::decode(word)
            .ok()
            .filter(|secret| lengths.contains(&secret.len()))
            .map(Secret::new)
            .ok_or((column, KeyLogProblem::Secret))?;
        let (column, word) = words.next_word();
        if !word.is_empty() {
            return Err((column, KeyLogProblem::Excess));
        }
        let connections = self.connections.write();
        let mut connections = connections.unwrap_or_else(PoisonError::into_inner);
        if connections.len() >= MOST_CONNECTIONS && !connections.contains_key(&random) {
            return Err((1, KeyLogProblem::TooMany));
        }
        let secrets = connections.entry(random).or_default();
        let place = match label {
            "CLIENT_RANDOM" => &mut secrets.master,
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET" => &mut secrets.handshake[0],
            "SERVER_HANDSHAKE_TRAFFIC_SECRET" => &mut secrets.handshake[1],
            "CLIENT_TRAFFIC_SECRET_0" => &mut secrets.application[0],
            _ => &mut secrets.application[1],
        };
        *place = Some(secret);
        Ok(())
    }
}

/// The lengths that a secret of this label may have, in bytes; `None` for labels that are not used.
fn lengths(label: &str) -> Option<&'static [usize]> {
    match label {
        "CLIENT_RANDOM" => Some(&[MASTER_SECRET]),
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
        | "SERVER_HANDSHAKE_TRAFFIC_SECRET"
        | "CLIENT_TRAFFIC_SECRET_0"
        | "SERVER_TRAFFIC_SECRET_0" => Some(&[32, 48]),
        _ => None,
    }
}

struct Words<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    /// The next word with its column; empty at the end of the line.
    fn next_word(&mut self) -> (usize, &'a str) {
        let rest = &self.line[self.at..];
        let word = rest.trim_start();
        let start = self.at + rest.len() - word.len();
        let end = word.find(char::is_whitespace).unwrap_or(word.len());
        self.at = start + end;
        (start + 1, &word[..end])
    }
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyLog({} connections)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn line(label: &str, random: u8, secret: u8, length: usize) -> String {
        let secret = hex::encode(vec![secret; length]);
        format!("{label} {} {secret}\n", hex::encode([random; 32]))
    }

    #[test]
    fn reads_the_labels_it_knows_and_passes_over_the_rest() {
        let text = [
            "# made by hand\r\n\r\n  \n".to_owned(),
            line("CLIENT_RANDOM", 1, 0xa1, 48),
            line("CLIENT_HANDSHAKE_TRAFFIC_SECRET", 2, 0xb1, 32),
            line("SERVER_HANDSHAKE_TRAFFIC_SECRET", 2, 0xb2, 32),
            line("CLIENT_TRAFFIC_SECRET_0", 2, 0xb3, 48).replace('\n', "\r\n"),
            line("SERVER_TRAFFIC_SECRET_0", 2, 0xb4, 48),
            line("EXPORTER_SECRET", 3, 0xb4, 5),
            "RSA 0123 4567 89\n".to_owned(),
        ];
        let log = KeyLog::parse(&text.concat()).expect("reads");
        assert_eq!(log.len(), 2);
        let master = log.get(&[1; 32]).and_then(|secrets| secrets.master.clone());
        assert_eq!(master, Some(Secret::new([0xa1; 48])));
        let secrets = log.get(&[2; 32]).expect("there");
        assert!(secrets.master.is_none());
        assert_eq!(secrets.handshake[1], Some(Secret::new([0xb2; 32])));
        assert_eq!(secrets.application[0], Some(Secret::new([0xb3; 48])));
        assert_eq!(secrets.application[1], Some(Secret::new([0xb4; 48])));
        assert_eq!(format!("{log:?}"), "KeyLog(2 connections)");
    }

    #[test]
    fn a_log_grows() {
        let log = KeyLog::parse(&line("CLIENT_RANDOM", 1, 1, 48)).expect("reads");
        log.extend(&line("CLIENT_RANDOM", 1, 2, 48)).expect("reads");
        log.extend(&line("CLIENT_RANDOM", 2, 2, 48)).expect("reads");
        let broken = format!("{}CLIENT_RANDOM", line("CLIENT_RANDOM", 3, 3, 48));
        assert!(log.extend(&broken).is_err());
        assert_eq!(log.len(), 3);
        let master = log.get(&[1; 32]).and_then(|secrets| secrets.master.clone());
        assert_eq!(master, Some(Secret::new([2; 48])));
    }

    #[rstest]
    #[case("client random", 1, KeyLogProblem::Label)]
    #[case("\u{fffd}PNG", 1, KeyLogProblem::Label)]
    #[case("CLIENT_RANDOM", 14, KeyLogProblem::Random)]
    #[case("CLIENT_RANDOM 00ff", 15, KeyLogProblem::Random)]
    #[case("CLIENT_RANDOM {r}", 79, KeyLogProblem::Secret)]
    #[case("CLIENT_RANDOM {r} 00ff", 80, KeyLogProblem::Secret)]
    #[case("CLIENT_RANDOM {r} {r}", 80, KeyLogProblem::Secret)]
    #[case("CLIENT_TRAFFIC_SECRET_0 {r} {r}xx", 90, KeyLogProblem::Secret)]
    #[case("CLIENT_TRAFFIC_SECRET_0  {r} {r} x", 156, KeyLogProblem::Excess)]
    fn what_is_wrong_and_where(
        #[case] text: &str,
        #[case] column: usize,
        #[case] problem: KeyLogProblem,
    ) {
        let text = text.replace("{r}", &"5e".repeat(32));
        let error = KeyLog::parse(&format!("# first\n{text}\n")).expect_err("wrong");
        assert_eq!(
            error,
            KeyLogError {
                line: 2,
                column,
                problem
            }
        );
        assert!(!error.to_string().contains("5e5e") && !format!("{error:?}").contains("5e5e"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(CLIENT_RANDOM|[A-Z_]{0,9}|#)?[ \t]{0,2}[0-9a-f\u{85}é ]{0,200}") {
            let _ = KeyLog::parse(&text);
        }
    }
}
