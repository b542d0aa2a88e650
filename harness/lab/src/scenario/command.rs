//! What a rule can be attached to: the verbs of SMTP, and the steps that have no verb.

/// The part of a session that a step belongs to.
///
/// A step with a phase of its own is always in it: EHLO is in [`Phase::Ehlo`] however late it comes. A step without
/// one (`NOOP`, `RSET`, an unknown verb) is in the phase of the last step that had one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The server's first reply.
    Greeting,
    /// EHLO and HELO.
    Ehlo,
    /// STARTTLS.
    StartTls,
    /// AUTH and the responses that follow it.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA and BDAT.
    Data,
    /// The end of message content.
    Content,
    /// QUIT.
    Quit,
}

impl Phase {
    /// The names as scenarios write them.
    pub const NAMES: [(&'static str, Self); 9] = [
        ("greeting", Self::Greeting),
        ("ehlo", Self::Ehlo),
        ("starttls", Self::StartTls),
        ("auth", Self::Auth),
        ("mail", Self::Mail),
        ("rcpt", Self::Rcpt),
        ("data", Self::Data),
        ("content", Self::Content),
        ("quit", Self::Quit),
    ];

    /// The name as scenarios write it.
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, phase)| *phase == self)
            .map_or("", |(name, _)| name)
    }
}

macro_rules! commands {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal in $phase:expr;)+) => {
        /// A step of the session that the server answers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Command {
            $($(#[doc = $doc])+ $variant,)+
            /// A verb that is none of these. No rule can name it; a rule that names no command can match it.
            Unknown,
        }

        impl Command {
            /// All that a rule can name.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name, as scenarios and sessions write it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Unknown => "unknown",
                }
            }

            /// The phase that it always belongs to; `None` where it can come in several.
            pub const fn phase(self) -> Option<Phase> {
                match self {
                    $(Self::$variant => $phase,)+
                    Self::Unknown => None,
                }
            }
        }
    };
}

commands! {
    /// Not a command: the connection was opened, and the greeting is due.
    Greeting = "GREETING" in Some(Phase::Greeting);
    /// EHLO.
    Ehlo = "EHLO" in Some(Phase::Ehlo);
    /// HELO.
    Helo = "HELO" in Some(Phase::Ehlo);
    /// STARTTLS (RFC 3207).
    StartTls = "STARTTLS" in Some(Phase::StartTls);
    /// AUTH (RFC 4954).
    Auth = "AUTH" in Some(Phase::Auth);
    /// Not a command: a line that answers a 334.
    AuthResponse = "AUTH-RESPONSE" in Some(Phase::Auth);
    /// MAIL.
    Mail = "MAIL" in Some(Phase::Mail);
    /// RCPT.
    Rcpt = "RCPT" in Some(Phase::Rcpt);
    /// DATA.
    Data = "DATA" in Some(Phase::Data);
    /// BDAT (RFC 3030), answered when its chunk was read.
    Bdat = "BDAT" in Some(Phase::Data);
    /// Not a command: the content after DATA came to its end.
    Content = "CONTENT" in Some(Phase::Content);
    /// RSET.
    Rset = "RSET" in None;
    /// NOOP.
    Noop = "NOOP" in None;
    /// VRFY.
    Vrfy = "VRFY" in None;
    /// EXPN.
    Expn = "EXPN" in None;
    /// HELP.
    Help = "HELP" in None;
    /// ETRN (RFC 1985): asks the server to send.
    Etrn = "ETRN" in None;
    /// TURN (RFC 821): asks for mail in the other direction.
    Turn = "TURN" in None;
    /// ATRN (RFC 2645).
    Atrn = "ATRN" in None;
    /// QUIT.
    Quit = "QUIT" in Some(Phase::Quit);
}

impl Command {
    /// How many there are, the unknown one included.
    pub const COUNT: usize = Self::ALL.len() + 1;

    /// Its place in [`Command::ALL`]; the unknown one comes last.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether the client sends it as a line that can hold an argument.
    pub const fn has_argument(self) -> bool {
        !matches!(self, Self::Greeting | Self::Content)
    }

    /// Whether it is a step that no verb names.
    pub const fn is_pseudo(self) -> bool {
        matches!(self, Self::Greeting | Self::AuthResponse | Self::Content)
    }

    /// The command that a verb from the wire means, in any case.
    pub fn of_verb(verb: &[u8]) -> Self {
        Self::ALL
            .iter()
            .copied()
            .find(|command| {
                !command.is_pseudo() && verb.eq_ignore_ascii_case(command.name().as_bytes())
            })
            .unwrap_or(Self::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_the_place_in_the_list() {
        for (place, command) in Command::ALL.iter().enumerate() {
            assert_eq!(command.index(), place);
        }
        assert_eq!(Command::Unknown.index(), Command::COUNT - 1);
    }

    #[test]
    fn the_wire_cannot_name_a_step_without_a_verb() {
        assert_eq!(Command::of_verb(b"ehlo"), Command::Ehlo);
        assert_eq!(Command::of_verb(b"CONTENT"), Command::Unknown);
        assert_eq!(Command::of_verb(b"\xff"), Command::Unknown);
    }
}
