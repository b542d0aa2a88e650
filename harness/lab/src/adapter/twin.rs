//! Bad twins: one switch for each way of breaking a claim.
//!
//! A check that cannot fail proves nothing. Each twin is the reference adapter with one documented behaviour broken,
//! really broken, on the wire; the claim or the case that it names must then get `fail`.

use std::str::FromStr;

macro_rules! twins {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal breaks $claim:literal $(and $($more:literal)+)?;)+) => {
        /// A way of misbehaving.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Twin {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Twin {
            /// All of them, in the order of the claims and cases that they break.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name used in scenarios and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The claim, or the case, that it is there to break. It may break others too.
            pub const fn breaks(self) -> &'static str {
                match self { $(Self::$variant => $claim,)+ }
            }

            /// Other cases that ask the same under other circumstances, and that it must break too.
            pub const fn also_breaks(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($($more,)+)?],)+ }
            }

            /// What it does, in a sentence.
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }
        }
    };
}

twins! {
    /// After the message it asks the server for mail with ETRN and TURN, as only a receiver would.
    AsksForMail = "asks-for-mail" breaks "ADP-01";
    /// Looks up the mail server of the recipients' domain, and sends there.
    SendsToMx = "sends-to-mx" breaks "ADP-02";
    /// Connects to the port of submission, whatever its server's name carries.
    OtherPort = "other-port" breaks "ADP-03";
    /// Sends to the server that the handler names, although the port names another.
    HandlerHostWins = "handler-host-wins" breaks "ADP-04";
    /// Sends the message a second time, in a new connection, after it was accepted.
    SendsTwice = "sends-twice" breaks "ADP-05";
    /// Sends a message again that was accepted, if the connection then ended without a goodbye.
    ResendsAfterDrop = "resends-after-drop" breaks "ADP-07";
    /// Issues STARTTLS when offered, and upgrades; goes on in clear if it is refused.
    Starttls = "starttls" breaks "ADP-08" and "TLS-11" "CLM-01";
    /// Opens the connection with a TLS ClientHello.
    ImplicitTls = "implicit-tls" breaks "ADP-09";
    /// Upgrades with STARTTLS once the server demanded it (530), and delivers.
    StarttlsWhenRequired = "starttls-when-required" breaks "ADP-10";
    /// Upgrades with STARTTLS before it says more than its name, or not at all, so that nothing can be read.
    Tunnel = "tunnel" breaks "ADP-11";
    /// Gives an address in EHLO.
    HelloByAddress = "hello-by-address" breaks "ADP-12";
    /// Picks CRAM-MD5 whenever the server offers it.
    CramMd5 = "cram-md5" breaks "ADP-14";
    /// In mode None, authenticates with the configured user and password all the same.
    AuthInNone = "auth-in-none" breaks "ADP-15" and "CLM-05";
    /// In mode Basic, sends the password as a digest (CRAM-MD5), so that it cannot be read.
    HidesPassword = "hides-password" breaks "ADP-16" and "CLM-02" "ADP-29";
    /// With Basic, sends the handler's user and password, although the port has its own.
    HandlerLoginWins = "handler-login-wins" breaks "ADP-17";
    /// In mode NTLM, authenticates as an account other than the host instance's.
    OtherAccount = "other-account" breaks "ADP-18" and "NTL-21";
    /// In mode NTLM, authenticates as the configured UserName with the configured Password.
    ConfiguredUser = "configured-user" breaks "ADP-19";
    /// In mode NTLM, authenticates as one account on every host.
    OneAccount = "one-account" breaks "ADP-20";
    /// With authentication left alone, does not authenticate.
    DefaultsToNone = "defaults-to-none" breaks "ADP-21";
    /// In mode NTLM, authenticates as the account of the machine.
    MachineAccount = "machine-account" breaks "ADP-22";
    /// In mode NTLM, puts the account's password, in UTF-16 and base64, into a header field of the message.
    LeaksPassword = "leaks-password" breaks "ADP-23" and "NTL-05";
    /// Refused, or with a challenge it cannot answer, or with its mechanism not offered, tries the next mechanism, down to
    /// clear text.
    FallsBack = "falls-back" breaks "ADP-24" and "AUT-02" "AUT-03" "AUT-08" "AUT-09" "AUT-13" "NTL-04";
    /// With no acceptable mechanism on offer, sends without authenticating.
    SendsUnauthenticated = "sends-unauthenticated" breaks "ADP-25" and "AUT-02" "AUT-14" "ADP-13";
    /// Takes a refused login for the last word.
    RefusedLoginIsFinal = "refused-login-is-final" breaks "ADP-26";
    /// Authenticates at the first try, and not again.
    LogsInOnce = "logs-in-once" breaks "ADP-27";
    /// Encrypts every message, asked or not.
    AlwaysEncrypts = "always-encrypts" breaks "ADP-32" and "NTL-05";
    /// Calls text HTML although no body file is configured.
    HtmlByDefault = "html-by-default" breaks "ADP-33";
    /// Signs where it should encrypt: a blob that anyone can open.
    SignsInsteadOfEncrypting = "signs-instead-of-encrypting" breaks "ADP-34" and "CLM-04";
    /// With encryption, hides the Subject behind a placeholder.
    HidesSubject = "hides-subject" breaks "ADP-35" and "CLM-03";
    /// With an encoder that is not told to encrypt, encrypts.
    EncoderEncrypts = "encoder-encrypts" breaks "ADP-36";
    /// Encrypts with AES-256-GCM (AuthEnvelopedData), which the encoder does not offer.
    OddCipher = "odd-cipher" breaks "ADP-37";
    /// Encrypts with AES-256 where the cipher was left at its default.
    OtherDefaultCipher = "other-default-cipher" breaks "ADP-38";
    /// Encrypts to another certificate than the one of the port.
    EncryptsToAnother = "encrypts-to-another" breaks "ADP-39";
    /// Encrypts to a second recipient, too.
    ExtraRecipient = "extra-recipient" breaks "ADP-39";
    /// With the encryption certificate missing, sends in clear text.
    FailsOpen = "fails-open" breaks "ADP-40";
    /// Encrypts to a certificate whose time has run out.
    IgnoresExpiry = "ignores-expiry" breaks "ADP-40";
    /// Encrypts to a certificate that was revoked.
    IgnoresRevocation = "ignores-revocation" breaks "ADP-40";
    /// With ClearSign, makes an opaque blob.
    BlobInsteadOfClear = "blob-instead-of-clear" breaks "ADP-41";
    /// With BlobSign, encrypts.
    EncryptsInsteadOfSigning = "encrypts-instead-of-signing" breaks "ADP-42" and "CLM-06";
    /// Told to sign and encrypt, signs in clear inside the envelope.
    ClearSignsInside = "clear-signs-inside" breaks "ADP-43";
    /// Told to sign and encrypt, encrypts first.
    SignsOutside = "signs-outside" breaks "ADP-43";
    /// Signs with SHA-256 where it was to be SHA-1, and the other way round.
    OtherDigest = "other-digest" breaks "ADP-44";
    /// Signs as somebody else.
    SignsAsAnother = "signs-as-another" breaks "ADP-45";
    /// Leaves its certificate out of signatures.
    LeavesCertificateOut = "leaves-certificate-out" breaks "ADP-46";
    /// Writes quoted-printable where the transfer encoding was left at its default.
    QuotedByDefault = "quoted-by-default" breaks "ADP-47";
    /// Sends octets above 127 without announcing them in MAIL.
    EightBitUnannounced = "eight-bit-unannounced" breaks "ADP-47" and "CAP-07";
    /// Puts the configured body text in clear beside the encrypted blob.
    BodyBesideBlob = "body-beside-blob" breaks "ADP-48";
    /// Puts the attachments inside the envelope.
    EncryptsAttachments = "encrypts-attachments" breaks "ADP-49";
    /// Leaves the file name and the other MIME properties of a part out of its header.
    DropsProperties = "drops-properties" breaks "ADP-51";
    /// With encryption, puts a copy of the header inside, as RFC 9788 has it.
    ProtectsHeader = "protects-header" breaks "ADP-52";
    /// With encryption, wraps the message into another, as RFC 8551 has it.
    WrapsMessage = "wraps-message" breaks "ADP-52";
    /// Encrypts with AES-256-GCM, which shows changes.
    AuthenticatesContent = "authenticates-content" breaks "ADP-53";
    /// With encryption, signs although it was not told to.
    SignsUnasked = "signs-unasked" breaks "ADP-53";
    /// Gives every message the same Subject instead of its id.
    FixedSubject = "fixed-subject" breaks "ADP-54";
    /// Sends the Subject with its macros as they were written.
    LeavesMacros = "leaves-macros" breaks "ADP-55";
    /// Sends to addresses with macros in them that have no value.
    SendsUnresolvedMacros = "sends-unresolved-macros" breaks "ADP-56";
    /// Writes the Cc field but gives the server no RCPT for it.
    CcNotDelivered = "cc-not-delivered" breaks "ADP-57";
    /// Gives the server a RCPT that no header field names.
    BlindCopy = "blind-copy" breaks "ADP-58";
    /// Sends a message/rfc822 part as the mail itself, and to the port's recipients only.
    IgnoresEmbeddedRecipients = "ignores-embedded-recipients" breaks "ADP-59";
    /// Writes another address than the configured one into the From field.
    OtherFrom = "other-from" breaks "ADP-60" and "ADP-28";
    /// Asks for receipts although none were wanted.
    UnaskedReceipt = "unasked-receipt" breaks "ADP-61";
    /// Has the receipts that were wanted sent to another address than From.
    ReceiptElsewhere = "receipt-elsewhere" breaks "ADP-62";
    /// Writes the time of `ReplyBy` into Reply-To.
    ReplyByInReplyTo = "reply-by-in-reply-to" breaks "ADP-63";
    /// Sends properties of any length.
    IgnoresLimits = "ignores-limits" breaks "ADP-64";
    /// Cuts a Subject after 250 characters, and forgets recipients after 200.
    CutsLongValues = "cuts-long-values" breaks "ADP-64";
    /// Writes context properties with line breaks in them into the header and the envelope as they stand.
    TrustsContext = "trusts-context" breaks "ADP-65";
    /// Gives its messages an id and a boundary that tell nothing, and no date.
    TellsNothing = "tells-nothing" breaks "ADP-66";
    /// Sends whatever `SMTPHost` holds.
    AnyHostName = "any-host-name" breaks "ADP-67";
    /// Tries again at once.
    RetriesAtOnce = "retries-at-once" breaks "ADP-68";
    /// Suspends the message where a backup transport is configured.
    ForgetsBackup = "forgets-backup" breaks "ADP-69";
    /// Sends a body text for which no character set is configured.
    GuessesCharset = "guesses-charset" breaks "ADP-71";

    // Of the cases that any client has to meet. Session, capabilities, replies:
    /// Says EHLO without waiting for the greeting.
    SpeaksFirst = "speaks-first" breaks "SES-01";
    /// Says MAIL before EHLO.
    StartsWithMail = "starts-with-mail" breaks "SES-02";
    /// Gives a name in EHLO that has underscores for dots.
    MalformedHello = "malformed-hello" breaks "SES-02";
    /// Goes on to MAIL after its EHLO was refused.
    IgnoresRefusedEhlo = "ignores-refused-ehlo" breaks "SES-03";
    /// Goes on as if the greeting had been a 220.
    IgnoresRefusedGreeting = "ignores-refused-greeting" breaks "SES-04";
    /// Closes the connection without QUIT.
    LeavesWithoutQuit = "leaves-without-quit" breaks "SES-05" and "SIZ-02" "SIZ-03";
    /// Puts a space behind the colon of MAIL and RCPT, and behind DATA.
    LooseCommands = "loose-commands" breaks "SES-06";
    /// Calls its message sent when it was turned away with 421, or with 552.
    BusyIsSent = "busy-is-sent" breaks "SES-07" and "SIZ-03";
    /// Gives the first label of its name in EHLO.
    BareHostName = "bare-host-name" breaks "SES-08";
    /// Says HELO and asks for no extensions.
    SaysHelo = "says-helo" breaks "SES-08";
    /// Says QUIT and closes the connection at once.
    DoesNotWaitForGoodbye = "does-not-wait-for-goodbye" breaks "SES-09";
    /// Closes the connection without QUIT where it was given no session.
    LeavesWhenRefused = "leaves-when-refused" breaks "SES-10";
    /// Uses BODY and SIZE with MAIL, whatever is offered.
    AssumesExtensions = "assumes-extensions" breaks "CAP-01";
    /// Asks for delivery reports with NOTIFY and RET, whatever is offered.
    NotifiesAnyway = "notifies-anyway" breaks "CAP-02";
    /// Sends text as it is, in eight bits, whatever is offered.
    EightBitAnyway = "eight-bit-anyway" breaks "CAP-03";
    /// Names mailboxes outside ASCII to the server, whatever is offered.
    Utf8Anyway = "utf8-anyway" breaks "CAP-04" and "CAP-08";
    /// Names mailboxes outside ASCII without SMTPUTF8, where that is offered.
    Utf8Unannounced = "utf8-unannounced" breaks "CAP-05";
    /// Takes a reply with octets above 127 for none.
    AsciiRepliesOnly = "ascii-replies-only" breaks "CAP-05";
    /// Says SMTPUTF8 with every MAIL where it is offered.
    Utf8Always = "utf8-always" breaks "CAP-06";
    /// Writes domains in ASCII, whatever is offered.
    ALabelsAlways = "a-labels-always" breaks "CAP-09";
    /// Leaves MIME-Version out, whatever the message holds.
    EightBitWithoutMime = "eight-bit-without-mime" breaks "CAP-07";
    /// Takes a 2yz or 3yz whose text speaks of failure for a refusal.
    ReadsText = "reads-text" breaks "RPL-01";
    /// Takes a reply without text for none.
    NeedsReplyText = "needs-reply-text" breaks "RPL-02";
    /// Takes a 2yz that no document defines for a refusal.
    KnownCodesOnly = "known-codes-only" breaks "RPL-03";
    /// Takes a code above 599 for a yes.
    OddCodeIsYes = "odd-code-is-yes" breaks "RPL-04";
    /// Takes the first line of a reply for all of it.
    FirstLineIsReply = "first-line-is-reply" breaks "RPL-05";
    /// Takes the code of the first line, whatever the others say.
    FirstCodeCounts = "first-code-counts" breaks "RPL-06";
    /// Takes what one read gives for a reply.
    OneReadIsReply = "one-read-is-reply" breaks "RPL-07";
    /// Reads the lines of a reply without a limit to their number.
    ReadsEndlessLines = "reads-endless-lines" breaks "RPL-08";
    /// Takes a 5yz whose text speaks of success for a yes.
    BelievesText = "believes-text" breaks "RPL-09";
    /// Takes a 4yz that no document defines for a yes.
    UnknownLaterIsYes = "unknown-later-is-yes" breaks "RPL-10";
    /// Takes a 5yz that no document defines for a yes.
    UnknownNoIsYes = "unknown-no-is-yes" breaks "RPL-11";
    /// Takes a code below 100 for a yes.
    LowCodeIsYes = "low-code-is-yes" breaks "RPL-12";
    /// Reads three digits of a code of four.
    ThreeDigitsOfFour = "three-digits-of-four" breaks "RPL-13";
    /// Takes a reply to its message for a yes if one of the lines has 250.
    AnyYesCounts = "any-yes-counts" breaks "RPL-14";
    /// Reads a line of a reply without a limit to its length.
    ReadsEndlessLine = "reads-endless-line" breaks "RPL-15";
    /// Takes 2 KiB of a line for all of it.
    CutsLongLines = "cuts-long-lines" breaks "RPL-16";
    /// Takes a line for a reply where the replies to a group of commands are due.
    FirstLineInGroup = "first-line-in-group" breaks "RPL-17";
    /// Takes a line of 512 octets for too long.
    ShortLineBuffer = "short-line-buffer" breaks "RPL-18";

    // The benign ones, first and last of a run:
    /// Hangs up after the recipients and says that the message was sent.
    GivesUpBeforeData = "gives-up-before-data" breaks "BEN-01";
    /// Leaves the last of several recipients out.
    ForgetsARecipient = "forgets-a-recipient" breaks "BEN-02";

    // Envelope, message data, pipelining:
    /// Puts line breaks in addresses, subjects and file names into commands and header fields as they stand.
    TrustsLineBreaks = "trusts-line-breaks" breaks "ENV-01" and "ENV-06" "ENV-07" "ENV-08" "ENV-09";
    /// Says DATA although every recipient was refused.
    DataWithoutRecipients = "data-without-recipients" breaks "ENV-02";
    /// Gives the whole message up when one of its recipients is refused.
    GivesUpForOne = "gives-up-for-one" breaks "ENV-03";
    /// Says that the message was sent when it was for some of its recipients.
    SomeIsAll = "some-is-all" breaks "ENV-03" and "ADP-70";
    /// Sends a copy of the message to each recipient.
    OneByOne = "one-by-one" breaks "ENV-10";
    /// Names nobody as the sender in the envelope.
    NobodySends = "nobody-sends" breaks "ENV-11";
    /// Forgets recipients that were refused for the moment.
    ForgetsDeferred = "forgets-deferred" breaks "ENV-04";
    /// Takes 552 for too many recipients for the last word on those that it was said to.
    ExcessIsFinal = "excess-is-final" breaks "ENV-12";
    /// Writes a mailbox with the quotation marks that it was given.
    QuotesAsGiven = "quotes-as-given" breaks "ENV-13";
    /// Writes a Bcc field with the blind copies.
    WritesBcc = "writes-bcc" breaks "ENV-05";
    /// Writes addresses in lower case.
    LowercasesAddresses = "lowercases-addresses" breaks "ENV-05";
    /// Sends the message whatever DATA is answered.
    IgnoresRefusedData = "ignores-refused-data" breaks "DAT-01" and "DAT-09" "DAT-10" "DAT-11";
    /// Puts no dot before lines that begin with one.
    DoesNotStuff = "does-not-stuff" breaks "DAT-02";
    /// Puts two dots before lines that begin with one.
    StuffsTwice = "stuffs-twice" breaks "DAT-02";
    /// Looks for lines that begin with a dot in each 4 KiB by itself, and misses those that a buffer ends before.
    StuffsByTheBuffer = "stuffs-by-the-buffer" breaks "DAT-03";
    /// Adds an empty line at the end of the message.
    ExtraLineEnd = "extra-line-end" breaks "DAT-04" and "DAT-12";
    /// Ends the lines of the body with a bare LF.
    BareLineFeeds = "bare-line-feeds" breaks "DAT-05";
    /// Sends line ends as they stand in the body, and takes CR LF alone for one when it stuffs dots.
    LineEndsAsTheyAre = "line-ends-as-they-are" breaks "DAT-06" and "DAT-15";
    /// Sends lines of any length.
    LongLines = "long-lines" breaks "DAT-07";
    /// Writes two digits of the year.
    TwoDigitYear = "two-digit-year" breaks "DAT-16";
    /// Writes a Return-Path field.
    WritesReturnPath = "writes-return-path" breaks "DAT-17";
    /// Leaves as soon as the message is out, and calls it sent.
    LeavesEarly = "leaves-early" breaks "DAT-08" and "DAT-13" "DAT-14";
    /// Calls the message sent whatever the final reply is.
    IgnoresFinalReply = "ignores-final-reply" breaks "DAT-08" and "DAT-13" "DAT-14" "NET-03";
    /// Sends the envelope in one group although PIPELINING is not offered.
    PipelinesUnasked = "pipelines-unasked" breaks "PIP-01";
    /// Sends the message in one group with DATA.
    PipelinesPastData = "pipelines-past-data" breaks "PIP-02";
    /// Sends MAIL in one group with AUTH.
    PipelinesPastAuth = "pipelines-past-auth" breaks "PIP-05";
    /// Sends the message after 354 although every recipient of the group was refused.
    ContentForNobody = "content-for-nobody" breaks "PIP-03" and "PIP-04";
    /// Sends messages that are longer than the server announced.
    IgnoresSize = "ignores-size" breaks "SIZ-01";
    /// Declares the length of the body as that of the message.
    DeclaresBodyOnly = "declares-body-only" breaks "SIZ-05";
    /// Declares a length with the doubled dots and the end of the data in it.
    CountsTheDots = "counts-the-dots" breaks "SIZ-05";
    /// Announces two octets less than the last chunk has.
    MiscountsChunks = "miscounts-chunks" breaks "BDT-01";
    /// Goes on with DATA after the first chunk.
    DataAfterChunk = "data-after-chunk" breaks "BDT-01";
    /// Sends the other chunks after one was refused.
    ChunksOn = "chunks-on" breaks "BDT-02";

    // TLS, authentication, NTLM, claims about the deployment:
    /// Begins with CRAM-MD5 although the server does not offer it.
    TriesUnoffered = "tries-unoffered" breaks "AUT-01";
    /// Authenticates a second time after it succeeded.
    AuthenticatesTwice = "authenticates-twice" breaks "AUT-01";
    /// Sends the message although its authentication failed.
    IgnoresRefusedAuth = "ignores-refused-auth" breaks "AUT-03" and "AUT-08" "AUT-09" "NTL-04" "NTL-07" "NTL-08" "NTL-10" "NTL-11"
        "NTL-12" "NTL-19" "NTL-20";
    /// Sends a password that was refused five times.
    RepeatsRefusedAuth = "repeats-refused-auth" breaks "AUT-03" and "AUT-08" "AUT-09" "NTL-19";
    /// Answers every challenge, whether or not it can be read.
    AnswersAnyChallenge = "answers-any-challenge" breaks "AUT-04" and "AUT-10" "NTL-04" "NTL-07" "NTL-08" "NTL-10" "NTL-11" "NTL-12"
        "NTL-20";
    /// Puts an initial response of any length into the AUTH line.
    LongAuthLine = "long-auth-line" breaks "AUT-05";
    /// Writes an empty initial response as nothing.
    EmptyAsNothing = "empty-as-nothing" breaks "AUT-11";
    /// With LOGIN, sends the password first and the user name second.
    SwapsLogin = "swaps-login" breaks "AUT-06" and "AUT-12";
    /// With LOGIN, gives up where the server does not ask for the password in the usual words.
    ReadsPrompts = "reads-prompts" breaks "AUT-06" and "AUT-12";
    /// Leaves when a challenge is longer than 4,096 octets.
    ShortChallengeBuffer = "short-challenge-buffer" breaks "AUT-07" and "NTL-09";
    /// Sends a user name as it was given, without preparing it.
    NamesAsGiven = "names-as-given" breaks "AUT-15";
    /// With NTLM, takes the challenge that answers its initial response for a request, and sends NEGOTIATE again.
    NegotiatesTwice = "negotiates-twice" breaks "NTL-01";
    /// With NTLM, gives up where the first 334 is not base64.
    DecodesNtlmText = "decodes-ntlm-text" breaks "NTL-06";
    /// With NTLM, has the user name of AUTHENTICATE begin behind the end of the message.
    NtlmOffsetsPastEnd = "ntlm-offsets-past-end" breaks "NTL-02";
    /// With NTLM, leaves the time of the server out of its answer, and with it the integrity code.
    WithoutMic = "without-mic" breaks "NTL-03";
    /// With NTLM, proves itself with version 1.
    NtlmVersionOne = "ntlm-version-one" breaks "NTL-03" and "NTL-13" "NTL-15" "NTL-16";
    /// With NTLM, cuts the integrity code out of its answer, which promises it.
    PromisesMicInVain = "promises-mic-in-vain" breaks "NTL-03" and "NTL-01";
    /// With NTLM, computes the integrity code over something else.
    SpoilsMic = "spoils-mic" breaks "NTL-03" and "NTL-01";
    /// With NTLM, gives up where the challenge has no target information.
    NeedsTargetInfo = "needs-target-info" breaks "NTL-13";
    /// With NTLM, writes its names in UTF-16 where the OEM character set was agreed on.
    UnicodeAnyway = "unicode-anyway" breaks "NTL-14";
    /// With NTLM, proves itself with version 1 where the server grants no extended session security.
    FollowsEss = "follows-ess" breaks "NTL-15";
    /// With NTLM, gives up where the challenge has no time.
    NeedsServerTime = "needs-server-time" breaks "NTL-16";
    /// With NTLM, gives up where the first 334 has no text.
    NeedsNtlmText = "needs-ntlm-text" breaks "NTL-17";
    /// With NTLM, takes the text of the first 334 for the challenge where it is base64.
    BelievesNtlmText = "believes-ntlm-text" breaks "NTL-18";
    /// Told to require TLS, goes on in clear where it is not offered or refused.
    TlsIfConvenient = "tls-if-convenient" breaks "TLS-01" and "TLS-03" "TLS-07" "TLS-08" "TLS-10";
    /// Logs in before it asks for TLS.
    LogsInFirst = "logs-in-first" breaks "TLS-02";
    /// Begins the TLS handshake whatever STARTTLS is answered.
    HandshakeRegardless = "handshake-regardless" breaks "TLS-09" and "TLS-10";
    /// Takes what came in clear behind the 220 for something that was said under TLS.
    KeepsInjected = "keeps-injected" breaks "TLS-04" and "TLS-12";
    /// Goes by what was offered in clear, and does not ask again under TLS.
    KeepsOffers = "keeps-offers" breaks "TLS-05";
    /// Asks for TLS inside TLS where it is offered again.
    StarttlsTwice = "starttls-twice" breaks "TLS-05";
    /// Accepts every certificate.
    TrustsAnyone = "trusts-anyone" breaks "TLS-06" and "TLS-13" "TLS-14" "TLS-15";
    /// Says more in one go with STARTTLS.
    PipelinesPastStarttls = "pipelines-past-starttls" breaks "TLS-16";
    /// Told that a message may only go on under TLS, sends it like any other.
    ForgetsOnwardTls = "forgets-onward-tls" breaks "RTL-01" and "RTL-02";
    /// Repeats what the server said, byte for byte, in the reason that it gives.
    RepeatsReplies = "repeats-replies" breaks "CTL-01";

    // Transport faults and retries:
    /// Takes a connection that broke for a message that was sent.
    BrokenIsSent = "broken-is-sent" breaks "NET-01" and "NET-05" "NET-06" "NET-07";
    /// Waits for a server that says nothing until the connection ends.
    WaitsForGood = "waits-for-good" breaks "NET-02" and "NET-08" "NET-09" "NET-10" "NET-11";
    /// Takes a server that is slow to read for one that is gone.
    ImpatientWriter = "impatient-writer" breaks "NET-12";
    /// Gives a message up at the first failure, for the moment or not.
    NeverRetries = "never-retries" breaks "NET-04" and "NET-14";
    /// Sends again what was refused for good.
    RetriesRefused = "retries-refused" breaks "NET-13" and "SIZ-04";
}

impl Twin {
    /// Whether it must fail the claim, or the case, with this id.
    pub fn must_fail(self, id: &str) -> bool {
        self.breaks() == id || self.also_breaks().contains(&id)
    }
}

impl FromStr for Twin {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|twin| twin.name() == name)
            .ok_or_else(|| format!("there is no bad twin `{name}`"))
    }
}

/// The twins that one adapter is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Twins(Vec<Twin>);

impl Twins {
    /// Whether `twin` is one of them.
    pub(super) fn has(&self, twin: Twin) -> bool {
        self.0.contains(&twin)
    }

    /// Whether they write whatever they are given into header and envelope, as two of them do.
    pub(super) fn trust(&self) -> bool {
        self.has(Twin::TrustsLineBreaks) || self.has(Twin::TrustsContext)
    }
}

impl From<&[Twin]> for Twins {
    fn from(twins: &[Twin]) -> Self {
        Self(twins.to_vec())
    }
}
