//! Where the documentation contradicts itself, or says nothing and a report from the field does: each reading, and which one an
//! adapter goes by.
//!
//! One table for all. Which pages say what stands in `docs/adapter.md`.

macro_rules! readings {
    ($($(#[doc = $doc:literal])+ $key:ident: $name:ident { $($(#[doc = $what:literal])+ $variant:ident = $word:literal,)+ })+) => {
        $(
            $(#[doc = $doc])+
            ///
            /// The first is the default.
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub enum $name {
                $($(#[doc = $what])+ $variant,)+
            }

            impl $name {
                /// Every reading, with the word for it in files.
                pub const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant),)+];
            }

            impl Default for $name {
                fn default() -> Self {
                    Self::WORDS[0].1
                }
            }
        )+

        /// Which reading of each contradiction an adapter goes by.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Readings {
            $($(#[doc = $doc])+ pub $key: $name,)+
        }
    };
}

readings! {
    /// What a Subject that is not set is.
    subject_default: SubjectDefault {
        /// `%MessageID%`.
        MessageId = "message-id",
        /// Nothing: there is no Subject field.
        None = "none",
    }
    /// What becomes of a macro in To, CC or From that has no value there.
    unresolved_macro: UnresolvedMacro {
        /// The message is suspended.
        Suspend = "suspend",
        /// The macro stays in the address as it was written.
        Leave = "leave",
    }
    /// Whether `%DestinationParty%` works in From as it does in To and CC.
    from_macro: FromMacro {
        /// It does not: a macro there has no value.
        No = "no",
        /// It does.
        Yes = "yes",
    }
    /// What a body text is sent in where `EmailBodyTextCharset` is not set.
    body_text_charset: BodyTextCharset {
        /// In nothing: the property has no default, and the message is suspended.
        Required = "required",
        /// In UTF-8, which is the default.
        Utf8 = "utf-8",
    }
    /// Which header field `ReplyBy` fills.
    reply_by: ReplyByField {
        /// `Reply-By`.
        ReplyBy = "reply-by",
        /// `Reply-To`, as the property schema has it.
        ReplyTo = "reply-to",
    }
    /// What a colon in `SMTPHost` is.
    smtp_host: HostReading {
        /// The beginning of a port (2013 R2 and later), unless the whole is an IPv6 literal.
        HostAndPort = "host-and-port",
        /// The beginning of a port even at the end of what could be an IPv6 literal.
        PortFirst = "port-first",
        /// Part of an IPv6 literal, and forbidden elsewhere (before 2013 R2).
        LiteralOnly = "literal-only",
        /// Forbidden wherever it stands.
        NoColon = "no-colon",
    }
    /// What is sent of a body part of type `message/rfc822`. No page says it; a report from the field does.
    rfc822: Rfc822Payload {
        /// The part is the mail, with its own header, and the recipients in its To are added.
        Itself = "itself",
        /// The part is a body like any other.
        Body = "body",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_first_words() {
        let readings = Readings::default();
        assert_eq!(readings.subject_default, SubjectDefault::MessageId);
        assert_eq!(readings.unresolved_macro, UnresolvedMacro::Suspend);
        assert_eq!(readings.from_macro, FromMacro::No);
        assert_eq!(readings.body_text_charset, BodyTextCharset::Required);
        assert_eq!(readings.reply_by, ReplyByField::ReplyBy);
        assert_eq!(readings.smtp_host, HostReading::HostAndPort);
        assert_eq!(readings.rfc822, Rfc822Payload::Itself);
    }
}
