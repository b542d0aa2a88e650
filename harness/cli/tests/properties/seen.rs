//! What of a conversation shows a property.

use smtp::Timeline;
use smtp::cms::Cms;
use smtp::identity::Identity;
use smtp::message::{Message, Part};

/// How much of a text is shown.
const SHOWN: usize = 48;

/// Where a property shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Show {
    /// The port that was connected to.
    Port,
    /// MAIL and the field From.
    From,
    /// The mechanism of AUTH.
    Mechanism,
    /// The user name of Basic.
    User,
    /// The password of Basic, by its length.
    Password,
    /// The recipients of the envelope.
    Recipients,
    /// A field of the header.
    Field(&'static str),
    /// What DSN is asked for.
    Notify,
    /// The text that a reader sees first, with its character set.
    Text,
    /// The parts, with their names.
    Parts,
    /// How the message is protected.
    Protection,
    /// The fields of the part that the encoder made.
    PartFields,
}

/// What of a conversation shows it.
pub(crate) fn look(timeline: &Timeline, show: Show) -> String {
    match show {
        Show::Port => format!("connection to port {}", timeline.server.port()),
        Show::Mechanism => mechanism(timeline),
        Show::User | Show::Password => login(timeline, show),
        _ => match timeline.messages().next() {
            None => "no message".to_owned(),
            Some((transaction, data)) => {
                let message = Message::of(&data.content, &[]);
                of_message(transaction, &message, show)
            }
        },
    }
}

fn of_message(transaction: &smtp::timeline::Transaction, message: &Message, show: Show) -> String {
    match show {
        Show::From => {
            let field = field(message, "From");
            format!(
                "MAIL FROM:<{}>, From: {field}",
                transaction.reverse_path.value
            )
        }
        Show::Recipients => {
            let all: Vec<_> = transaction.recipients.iter().collect();
            let names: Vec<_> = all.iter().map(|one| one.address.value.as_str()).collect();
            let (to, cc) = (field(message, "To"), field(message, "Cc"));
            format!("RCPT {}; To: {to}; Cc: {cc}", cut(&names.join(" ")))
        }
        Show::Field(name) => format!("{name}: {}", field(message, name)),
        Show::Notify => {
            let asked = transaction.recipients.iter().find_map(|one| {
                let mut all = one.parameters.iter();
                all.find(|one| one.value.name == "NOTIFY")
            });
            let value = asked.and_then(|one| one.value.value.clone());
            value.map_or("no NOTIFY".to_owned(), |value| format!("NOTIFY={value}"))
        }
        Show::Text => text(message),
        Show::Parts => parts(message),
        Show::Protection => protection(message),
        _ => part_fields(message),
    }
}

fn mechanism(timeline: &Timeline) -> String {
    let all = &timeline.authentications;
    let names: Vec<_> = all.iter().map(|one| one.mechanism.value.as_str()).collect();
    if names.is_empty() {
        return "no AUTH".to_owned();
    }
    format!("AUTH {}", names.join(", "))
}

fn login(timeline: &Timeline, show: Show) -> String {
    let identities = timeline.authentications.iter().map(|one| &one.identity);
    let found = identities.into_iter().find_map(|identity| match identity {
        Identity::Login { user, password } => Some((
            user.as_ref().map(|user| user.value.clone()),
            password
                .as_ref()
                .map(|password| password.value.expose().len()),
        )),
        _ => None,
    });
    match (found, show) {
        (None, _) => "no AUTH LOGIN".to_owned(),
        (Some((user, _)), Show::User) => user.map_or("no user name".to_owned(), |user| {
            format!("user name {}", cut(&user))
        }),
        (Some((_, password)), _) => password.map_or("no password".to_owned(), |length| {
            format!("a password of {length} characters, readable")
        }),
    }
}

fn field(message: &Message, name: &str) -> String {
    match message.header(name) {
        Some(field) => cut(&field.decoded),
        None => "(none)".to_owned(),
    }
}

fn text(message: &Message) -> String {
    let Some(part) = message.parts().find(|part| part.children.is_empty()) else {
        return "no part".to_owned();
    };
    let charset = part.parameter("charset").unwrap_or("no charset");
    let shown = String::from_utf8_lossy(&part.decoded);
    let bytes = part.decoded.iter().filter(|byte| !byte.is_ascii());
    let bytes: Vec<_> = bytes.map(|byte| format!("{byte:02x}")).take(8).collect();
    let odd = if bytes.is_empty() {
        String::new()
    } else {
        format!(", octets {}", bytes.join(" "))
    };
    let length = part.decoded.len();
    let first = cut(shown.lines().next().unwrap_or_default());
    let kind = &part.content_type;
    format!("{kind} ({charset}), {length} octets: {first}{odd}")
}

fn parts(message: &Message) -> String {
    let leaves = message.parts().filter(|part| part.children.is_empty());
    let each = leaves.map(|part| match part.file_name() {
        Some(name) => format!("{} {}", part.content_type, cut(&name)),
        None => part.content_type.clone(),
    });
    each.collect::<Vec<_>>().join(" + ")
}

/// Content type, the kind of CMS, its cipher or digest, and the transfer encoding.
fn protection(message: &Message) -> String {
    let all = message.parts();
    let told = all.map(describe);
    told.collect::<Vec<_>>().join(" > ")
}

fn describe(part: &Part) -> String {
    let mut told = part.content_type.clone();
    for name in ["smime-type", "micalg"] {
        if let Some(value) = part.parameter(name) {
            write_to(&mut told, &format!(" {name}={value}"));
        }
    }
    if let Some(field) = part.field("Content-Transfer-Encoding") {
        write_to(&mut told, &format!(" {}", field.value));
    }
    if let Some(Ok(cms)) = &part.cms {
        write_to(&mut told, &format!(" [{}]", summary(cms)));
    }
    told
}

fn summary(cms: &Cms) -> String {
    match cms {
        Cms::Enveloped(enveloped) | Cms::AuthEnveloped(enveloped) => {
            let count = enveloped.recipients.len();
            format!("{} to {count} recipient(s)", enveloped.cipher.name)
        }
        Cms::Signed(signed) => {
            let digests = signed.digests.iter().map(|one| one.name.as_str());
            let digests = digests.collect::<Vec<_>>().join(" ");
            let count = signed.certificates.len();
            format!("{digests}, {count} certificate(s)")
        }
        Cms::Compressed => "compressed".to_owned(),
        Cms::Other(oid) => oid.clone(),
    }
}

fn write_to(text: &mut String, more: &str) {
    text.push_str(more);
}

fn part_fields(message: &Message) -> String {
    let all = message.parts();
    let fields = all.flat_map(|part| &part.fields).filter(|field| {
        let name = field.name.to_ascii_lowercase();
        name.starts_with("content-")
    });
    let each = fields.map(|field| format!("{}: {}", field.name, cut(&field.value)));
    each.collect::<Vec<_>>().join("; ")
}

/// The beginning of a text, without what would break the table.
fn cut(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).collect();
    let more = text.chars().count().saturating_sub(SHOWN);
    let shown = shown.replace('|', "\\|").replace(['\r', '\n'], " ");
    if more > 0 {
        return format!("{shown}… and {more} characters more");
    }
    shown
}
