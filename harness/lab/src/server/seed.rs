//! Challenges: unpredictable by default, the same in every run where a test wants that.

use std::fmt;
use std::io;

use rand::TryRng;
use sha2::{Digest, Sha256};

use super::Seed;

/// What every challenge of a server follows from.
pub(super) struct SeedBytes([u8; 32]);

impl SeedBytes {
    /// Asks the system for randomness, or spreads a pinned number.
    pub(super) fn draw(seed: Seed) -> io::Result<Self> {
        let mut bytes = [0; 32];
        match seed {
            Seed::Random => rand::rngs::SysRng
                .try_fill_bytes(&mut bytes)
                .map_err(io::Error::other)?,
            Seed::Pinned(number) => bytes = Sha256::digest(number.to_be_bytes()).into(),
        }
        Ok(Self(bytes))
    }

    /// Eight bytes for the `nth` challenge of a connection: as unpredictable as the seed, and never drawn twice.
    pub(super) fn challenge(&self, connection: u32, nth: u32) -> [u8; 8] {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(connection.to_be_bytes());
        hash.update(nth.to_be_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let mut challenge = [0; 8];
        challenge.copy_from_slice(&digest[..8]);
        challenge
    }
}

impl fmt::Debug for SeedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeedBytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_seed_repeats_and_a_random_one_does_not() {
        let draw = |seed| SeedBytes::draw(seed).expect("randomness").challenge(1, 1);
        assert_eq!(draw(Seed::Pinned(7)), draw(Seed::Pinned(7)));
        assert_ne!(draw(Seed::Pinned(7)), draw(Seed::Pinned(8)));
        assert_ne!(draw(Seed::Random), draw(Seed::Random));
    }

    #[test]
    fn challenges_of_one_server_differ() {
        let seed = SeedBytes::draw(Seed::Pinned(7)).expect("no randomness needed");
        assert_ne!(seed.challenge(1, 1), seed.challenge(1, 2));
        assert_ne!(seed.challenge(1, 2), seed.challenge(2, 1));
    }
}
