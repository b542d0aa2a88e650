//! Settings as a TOML file, in the words of the scenario language.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::super::config::{Account, Encoder, Retry};
use super::super::readings::Readings;
use super::{Context, Port, Properties, Settings, Transport};
use crate::scenario::client_places::{
    OF_A_PORT, ReadingsTable, context_keys, dynamic, handler_keys, property_keys,
};
use crate::scenario::decode::{Problems, Table, Value};
use crate::scenario::values::{list, plain, text};
use crate::scenario::{AccountTable, Code, Diagnostics, EncoderTable, RetryTable, Source};

/// What this kind of file is called in messages.
const FILE: &str = "the file with the settings";

/// Most retries that a transport can have.
const MOST_RETRIES: u32 = 1000;
/// Longest time between two tries: 525,600 minutes, a year.
const LONGEST_INTERVAL: Duration = Duration::from_hours(365 * 24);

/// Reads settings. `path` is only what messages call the file.
///
/// # Errors
/// Everything that is wrong with the text, in its order, with lines and columns. No message shows a password.
pub fn read_toml(path: &str, text: &str) -> Result<Settings, Diagnostics> {
    let mut problems = Problems::default();
    let (root, syntax) = toml::de::DeTable::parse_recoverable(text);
    for error in syntax {
        problems.add(Code::Toml, error.span().unwrap_or(0..0), error.message());
    }
    let settings = if problems.is_empty() {
        read(Table::top(FILE, root.get_ref()), &mut problems)
    } else {
        None
    };
    match settings {
        Some(settings) if problems.is_empty() => Ok(settings),
        _ => Err(problems.into_diagnostics(Arc::new(Source {
            name: path.to_owned(),
            text: masked(text),
        }))),
    }
}

fn read(mut table: Table<'_, '_>, problems: &mut Problems) -> Option<Settings> {
    let ehlo = table.optional("ehlo", problems, text);
    let handler = table.optional("handler", problems, |value, problems| {
        let mut table = Table::open_in(FILE, "[handler]", value, problems)?;
        let handler = handler_keys(&mut table, problems);
        table.finish(problems);
        Some(handler)
    });
    let port = table.required("port", problems, |value, problems| {
        let table = Table::open_in(FILE, "[port]", value, problems)?;
        Some(port(table, problems))
    });
    let retry = table.optional("retry", problems, retry);
    let backup = table.optional("backup", problems, |value, problems| {
        let mut table = Table::open_in(FILE, "[backup]", value, problems)?;
        let own = table.optional("retry", problems, self::retry);
        let port = self::port(table, problems);
        Some(Transport {
            port,
            retry: own.unwrap_or_default(),
        })
    });
    let context = table.optional("context", problems, context);
    let account = table.optional("account", problems, AccountTable::read);
    let encoder = table.optional("encoder", problems, EncoderTable::read);
    let readings = table.optional("readings", problems, |value, problems| {
        let mut table = Table::open_in(FILE, "[readings]", value, problems)?;
        let chosen = ReadingsTable::keys(&mut table, problems);
        table.finish(problems);
        Some(chosen)
    });
    table.finish(problems);
    let mut settings = Settings::new(port?);
    settings.handler = handler.unwrap_or_default();
    settings.primary.retry = retry.unwrap_or_default();
    settings.backup = backup;
    settings.context = context.unwrap_or_default();
    settings.ehlo = ehlo.map(|ehlo| ehlo.value);
    settings.account = account.map(|table| {
        let mut account = Account::nobody();
        table.apply(&mut account);
        account
    });
    settings.encoder = encoder.map(|table| {
        let mut encoder = Encoder::default();
        table.apply(&mut encoder);
        encoder
    });
    let mut chosen = Readings::default();
    if let Some(readings) = readings {
        readings.apply(&mut chosen);
    }
    settings.readings = chosen;
    Some(settings)
}

/// `[port]` and `[backup]`: `dynamic` alone, or what a static port has.
fn port(mut table: Table<'_, '_>, problems: &mut Problems) -> Port {
    let address = table.optional("dynamic", problems, dynamic);
    let to = table.optional("to", problems, list(text)).map(plain);
    let properties = Properties {
        to,
        ..property_keys(&mut table, problems)
    };
    if let Some(dynamic) = table.key_span("dynamic")
        && let Some((key, span)) = first_other(&table)
    {
        let message = format!("a dynamic port has no `{key}`");
        problems
            .add(Code::Conflict, span, message)
            .help("set it in `[handler]` or in `[context]`")
            .related(dynamic, "the port is dynamic");
    }
    table.finish(problems);
    match address {
        Some(address) => Port::Dynamic(format!("mailto:{}", address.value)),
        None => Port::Static(Box::new(properties)),
    }
}

/// The first property of a static port that is written in the table of a dynamic one.
fn first_other(table: &Table<'_, '_>) -> Option<(&'static str, Range<usize>)> {
    // A port has no ReplyBy: it stands there by mistake.
    let keys = OF_A_PORT.into_iter().chain(["reply_by"]);
    let written = keys.filter_map(|key| Some((key, table.key_span(key)?)));
    written.min_by_key(|(_, span)| span.start)
}

fn context(value: &Value<'_>, problems: &mut Problems) -> Option<Context> {
    let mut table = Table::open_in(FILE, "[context]", value, problems)?;
    let mut place = |key, name: &'static str| {
        table.optional(key, problems, |value, problems| {
            let mut table = Table::open_in(FILE, name, value, problems)?;
            let properties = context_keys(&mut table, problems);
            table.finish(problems);
            Some(properties)
        })
    };
    let context = Context {
        upstream: place("upstream", "[context.upstream]").unwrap_or_default(),
        pipeline: place("pipeline", "[context.pipeline]").unwrap_or_default(),
    };
    table.finish(problems);
    Some(context)
}

fn retry(value: &Value<'_>, problems: &mut Problems) -> Option<Retry> {
    let table = RetryTable::read(value, problems)?;
    if let Some(count) = table.count.as_ref().filter(|it| it.value > MOST_RETRIES) {
        let message = format!("the retry count is at most {MOST_RETRIES}");
        problems.add(Code::BadValue, count.span.clone(), message);
    }
    if let Some(interval) = table
        .interval
        .as_ref()
        .filter(|it| it.value > LONGEST_INTERVAL)
    {
        let message = "the retry interval is at most 525,600 minutes";
        problems.add(Code::BadValue, interval.span.clone(), message);
    }
    let mut retry = Retry::default();
    table.apply(&mut retry);
    Some(retry)
}

/// Keys whose values may be shown where something is wrong with them, beside those of [`OF_A_PORT`].
const SHOWN: [&str; 14] = [
    "dynamic",
    "ehlo",
    "domain",
    "user",
    "workstation",
    "count",
    "interval",
    "encrypt",
    "cipher",
    "signature",
    "transfer_encoding",
    "subject_default",
    "unresolved_macro",
    "from_macro",
];

/// The text with everything that may be a password made unreadable, octet for octet: what is wrong with a file is shown with its
/// lines. A value is shown behind a key that is known for another thing, alone in its line; a misspelt `password` is none.
fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (key, _) = line.split_once('=').unwrap_or_default();
        let key = key.trim();
        let known = OF_A_PORT.contains(&key) || SHOWN.contains(&key);
        let alone = line.matches('=').count() == 1 && !line.contains('{');
        if (known && key != "password" && alone)
            || (line.starts_with('[') && !line.contains(['"', '\'']))
        {
            out.push_str(line);
            continue;
        }
        let value = line.find('=').map_or(0, |at| at + 1);
        out.push_str(&line[..value]);
        for c in line[value..].chars() {
            match c {
                '\r' | '\n' | ' ' => out.push(c),
                c => out.extend(std::iter::repeat_n('*', c.len_utf8())),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::super::config::AuthMode;
    use super::super::super::readings::HostReading;
    use super::*;

    const ALL: &str = r#"
ehlo = "bts01.corp.example"

[handler]
smtp_host = "mail.corp.example"
from = "biztalk@corp.example"
auth = "none"

[port]
to = ["orders@partner.example"]
cc = ["copy@partner.example"]
subject = "Order %MessageID%"
auth = "basic"
username = "svc"
password = "hunter2"
attachments = [{ path = "/data/a.xml" }]

[context.pipeline]
reply_by = "2026-01-31T12:00:00Z"
read_receipt = true

[account]
domain = "CORP"
user = "svc-biztalk"
password = "hunter3"

[encoder]
encrypt = true

[retry]
count = 2
interval = "60s"

[backup]
smtp_host = "backup.corp.example"
to = ["orders@partner.example"]
retry = { count = 0 }

[readings]
smtp_host = "no-colon"
"#;

    #[test]
    fn a_file_with_everything() {
        let settings = read_toml("x.toml", ALL).unwrap();
        let config = settings.resolve().unwrap();
        assert_eq!(
            config.server().unwrap().unwrap().to_string(),
            "mail.corp.example:25"
        );
        assert_eq!(config.auth, AuthMode::Basic);
        assert_eq!(config.password.as_ref().unwrap().expose(), b"hunter2");
        assert_eq!(config.account.domain, "CORP");
        assert_eq!(config.ehlo, "bts01.corp.example");
        assert!(config.read_receipt && config.encoder.as_ref().unwrap().encrypt);
        assert_eq!(
            (config.retry.count, config.retry.interval),
            (2, Duration::from_mins(1))
        );
        assert_eq!(config.readings.smtp_host, HostReading::NoColon);
        assert_eq!(config.reply_by.as_deref(), Some("2026-01-31T12:00:00Z"));
        let backup = settings.resolve_backup().unwrap().unwrap();
        assert_eq!(backup.smtp_host.as_deref(), Some("backup.corp.example"));
        assert_eq!((backup.auth, backup.retry.count), (AuthMode::None, 0));
        assert!(!format!("{settings:?}{config:?}").contains("hunter"));
    }

    #[test]
    fn a_dynamic_port() {
        let text = "[port]\ndynamic = \"mailto:a@example.test\"\n[handler]\nsmtp_host = \"m\"\nfrom = \"f@example.test\"\nauth = \"none\"\n";
        let config = read_toml("x.toml", text).unwrap().resolve().unwrap();
        assert_eq!(config.to, ["a@example.test"]);
    }

    #[rstest]
    #[case("[port]\nsubjet = \"x\"", "x.toml:2:1", "did you mean `subject`?")]
    #[case("[handler]\nfrom = \"a\"", "needs the key `port`", "the settings")]
    #[case(
        "[port]\nmessage_parts_attachments = 3",
        "x.toml:2:29",
        "MessagePartsAttachments"
    )]
    #[case("[port]\n[retry]\ncount = 1001", "x.toml:3:9", "at most 1000")]
    #[case(
        "[port]\n[retry]\ninterval = \"31536001s\"",
        "x.toml:3:12",
        "525,600 minutes"
    )]
    #[case(
        "[port]\ndynamic = \"mailto:a@b\"\nto = [\"c@d\"]",
        "x.toml:3:1",
        "a dynamic port has no `to`"
    )]
    #[case("[port]\ndynamic = \"a@b\"", "x.toml:2:11", "mailto:user@domain")]
    #[case(
        "[port]\nreply_by = \"2026-01-31T12:00:00Z\"",
        "x.toml:2:1",
        "unknown key `reply_by`"
    )]
    #[case(
        "[port]\n[context.upstream]\nto = [\"a@b\"]",
        "x.toml:3:1",
        "unknown key `to`"
    )]
    #[case(
        "[port]\n[readings]\nreply_by = \"replyto\"",
        "x.toml:3:12",
        "did you mean `reply-to`?"
    )]
    #[case("[port", "x.toml:1", "error[toml]")]
    fn a_mistake_is_shown_where_it_is(#[case] text: &str, #[case] place: &str, #[case] what: &str) {
        let shown = read_toml("x.toml", text).unwrap_err().to_string();
        assert!(shown.contains(place) && shown.contains(what), "{shown}");
    }

    #[rstest]
    #[case("[port]\npasword = \"hunter2\"")]
    #[case("[port]\npassword = hunter2")]
    #[case("[port]\npassword = [\"hunter2\"]")]
    #[case("[port]\n[account]\nuser = 1\nPassword = \"hunter2\"")]
    #[case("[port]\naccount = { passwort = 'hunter2', user = 1 }")]
    #[case("account = { user = 1,\npw = 'hunter2' }")]
    #[case("[port]\npassword = \"\"\"\nhunter2\"\"\"\nx = 1")]
    #[case("[port]\nusername = \"x\" password = \"hunter2\"")]
    fn a_mistake_shows_no_password(#[case] text: &str) {
        let shown = read_toml("x.toml", text).unwrap_err().to_string();
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _ = read_toml("x.toml", &text);
            proptest::prop_assert_eq!(masked(&text).len(), text.len());
        }
    }
}
