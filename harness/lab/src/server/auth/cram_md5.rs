//! CRAM-MD5 (RFC 2195).

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use smtp::Secret;

use super::{Context, MALFORMED, Progress, REFUSED};

/// The exchange: the challenge that must be answered.
#[derive(Debug)]
pub(in crate::server) struct CramMd5 {
    challenge: String,
}

impl CramMd5 {
    /// A challenge in the form of a message id, as RFC 2195 section 2 wants it.
    pub(super) fn new(context: &Context<'_>) -> Self {
        let seconds = context.now.as_nanos() / 1_000_000_000;
        let number = u64::from_be_bytes(context.challenge);
        Self {
            challenge: format!("<{number}.{seconds}@{}>", context.server.name),
        }
    }

    pub(super) fn challenge(&self) -> Progress {
        Progress::challenge(self.challenge.as_bytes())
    }

    /// Takes the user name, a space, and 32 hexadecimal digits.
    pub(super) fn respond(&self, context: &Context<'_>, response: Vec<u8>) -> Progress {
        let response = Secret::new(response);
        let Some(space) = response.expose().iter().rposition(|byte| *byte == b' ') else {
            return Progress::Failed(MALFORMED);
        };
        let (user, digest) = response.expose().split_at(space);
        let (Ok(user), Some(digest)) =
            (std::str::from_utf8(user), digest.get(1..).and_then(decode))
        else {
            return Progress::Failed(MALFORMED);
        };
        context.judge(REFUSED, || {
            context
                .named(user)
                .any(|account| self.verify(&account.password, &digest))
        })
    }

    /// Whether the digest is that of the challenge under the password. Takes the same time either way.
    fn verify(&self, password: &Secret, digest: &[u8; 16]) -> bool {
        let Ok(mut mac) = Hmac::<Md5>::new_from_slice(password.expose()) else {
            return false;
        };
        mac.update(self.challenge.as_bytes());
        mac.verify_slice(digest).is_ok()
    }
}

fn decode(digits: &[u8]) -> Option<[u8; 16]> {
    let mut digest = [0; 16];
    hex::decode_to_slice(digits, &mut digest).ok()?;
    Some(digest)
}
