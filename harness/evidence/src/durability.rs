//! How sure it must be that a message is kept before its client is told so (RFC 5321 section 4.2.5).

/// What must have been done with a message, its entry and its packets before the 250 goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Nothing: they are written when it suits.
    None,
    /// Handed to the system: a process that is killed loses nothing, a machine that loses power may.
    #[default]
    Os,
    /// On the disk: a machine that loses power loses nothing, as far as the disk tells the truth.
    Disk,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_asks_for_more_than_the_one_before() {
        assert!(Durability::None < Durability::Os && Durability::Os < Durability::Disk);
    }
}
