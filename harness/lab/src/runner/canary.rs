//! Secrets and texts made for one run, so that exposure can be shown by finding them.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use smtp::Secret;

/// The canaries of one run. Each is unlike any other text, so that a sighting is no accident.
#[derive(Clone, Debug)]
pub struct Canaries {
    /// `UserName`.
    pub username: String,
    /// `Password`.
    pub password: Secret,
    /// The password of the host instance's account.
    pub account_password: Secret,
    /// A secret that no server account has.
    pub wrong: Secret,
    /// Stands in the body part.
    pub body: String,
    /// Stands in the Subject, where the case sets one.
    pub subject: String,
    /// Stands in an attachment.
    pub attachment: String,
    /// Stands in the body text.
    pub text: String,
    /// Stands in the Subject of the control message.
    pub control: String,
    /// `BTS.MessageID` of the message.
    pub message_id: String,
}

impl Canaries {
    /// The canaries of `seed`. The same seed gives the same ones.
    pub fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ 0x6361_6e61_7279);
        let mut word = |name: &str| format!("{name}-{}", letters(&mut rng, 16));
        Self {
            username: word("user"),
            password: Secret::new(word("Pw")),
            account_password: Secret::new(word("Pw")),
            wrong: Secret::new(word("Pw")),
            body: word("body"),
            subject: word("subject"),
            attachment: word("attachment"),
            text: word("text"),
            control: word("control"),
            message_id: guid(&mut rng),
        }
    }

    /// Puts the canaries in the places that a scenario marked: `{body-canary}` and its like.
    pub fn fill(&self, text: &str) -> String {
        text.replace("{body-canary}", &self.body)
            .replace("{subject-canary}", &self.subject)
            .replace("{attachment-canary}", &self.attachment)
            .replace("{text-canary}", &self.text)
    }
}

fn letters(rng: &mut StdRng, count: usize) -> String {
    const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    (0..count)
        .map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]))
        .collect()
}

/// A random GUID in the registry form, without braces (RFC 9562 version 4).
fn guid(rng: &mut StdRng) -> String {
    let mut bytes: [u8; 16] = rng.random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    format!(
        "{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_canaries_and_another_seed_others() {
        assert_eq!(Canaries::new(1).body, Canaries::new(1).body);
        assert_ne!(Canaries::new(1).body, Canaries::new(2).body);
        assert_ne!(Canaries::new(1).password, Canaries::new(1).account_password);
    }

    #[test]
    fn marked_places_are_filled() {
        let canaries = Canaries::new(7);
        assert_eq!(
            canaries.fill("a {body-canary} b"),
            format!("a {} b", canaries.body)
        );
    }
}
