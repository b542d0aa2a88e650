//! The properties, with a configuration for each column.

use super::seen::Show;

/// The columns after the property's name.
pub(crate) const COLUMNS: [&str; 5] = [
    "left out",
    "set on a static port",
    "set on the handler, or upstream for a dynamic port",
    "set on the port and otherwise in the send pipeline",
    "beyond the limit",
];

/// A configuration.
pub(crate) struct Setting {
    /// Tables before `[client]`.
    pub(crate) server: &'static str,
    /// Keys of `[client]`.
    pub(crate) client: String,
    /// What is set, in words; empty where the column says it.
    pub(crate) told: &'static str,
}

/// A property, and a setting for each column that it has.
pub(crate) struct Row {
    pub(crate) property: &'static str,
    pub(crate) show: Show,
    pub(crate) settings: [Option<Setting>; COLUMNS.len()],
}

const SERVER: &str = "[server]\nextensions = [\"AUTH NTLM LOGIN PLAIN\", \"8BITMIME\", \"DSN\"]\n";

/// A second port of the same host, so that it shows which one is meant.
const PORTS: &str = "[server]\nport = 2525\nextensions = [\"8BITMIME\"]\n[servers.other_port]\nport = 25\nextensions = [\"8BITMIME\"]\n";

/// A dynamic port, with something on its handler.
fn dynamic(handler: &str, context: &str) -> String {
    format!(
        "dynamic = \"mailto:orders@partner.example\"\nhandler = {{ {handler} }}\ncontext = {{ {context} }}"
    )
}

const HANDLER: &str = "from = \"biztalk@corp.example\", auth = \"none\"";

fn set(client: impl Into<String>) -> Option<Setting> {
    told("", client)
}

#[expect(clippy::unnecessary_wraps, reason = "a cell may be empty")]
fn told(told: &'static str, client: impl Into<String>) -> Option<Setting> {
    Some(Setting {
        server: SERVER,
        client: client.into(),
        told,
    })
}

/// A row of a property that the port and the context have: its key, a value and another one, and one that is too long.
fn of_port(
    property: &'static str,
    show: Show,
    key: &str,
    [value, other]: [&str; 2],
    long: Option<String>,
) -> Row {
    let port = |value: &str| format!("auth = \"none\"\n{key} = {value}");
    let both = format!(
        "{}\ncontext = {{ pipeline = {{ {key} = {other} }} }}",
        port(value)
    );
    let upstream = format!("upstream = {{ {key} = {value} }}");
    Row {
        property,
        show,
        settings: [
            set("auth = \"none\""),
            set(port(value)),
            set(dynamic(HANDLER, &upstream)),
            set(both),
            long.and_then(|long| set(port(&long))),
        ],
    }
}

/// A row of the encoder: what is set beside it in both columns, and the property.
fn of_encoder(property: &'static str, show: Show, beside: &str, key: &str) -> Row {
    let encoder = |keys: &str| format!("auth = \"none\"\nencoder = {{ {keys} }}");
    let keys = if beside.is_empty() {
        key.to_owned()
    } else {
        format!("{beside}, {key}")
    };
    Row {
        property,
        show,
        settings: [set(encoder(beside)), set(encoder(&keys)), None, None, None],
    }
}

/// A row of a MIME property of the message part.
fn of_part(property: &'static str, key: &str) -> Row {
    let with = |keys: &str| {
        format!("auth = \"none\"\nencoder = {{}}\npayload = {{ mime = {{ {keys} }} }}")
    };
    Row {
        property,
        show: Show::PartFields,
        settings: [set(with("")), set(with(key)), None, None, None],
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

#[expect(clippy::unnecessary_wraps, reason = "a property may have no limit")]
fn long(length: usize) -> Option<String> {
    Some(quoted(&"x".repeat(length + 1)))
}

/// Every documented property.
pub(crate) fn all() -> Vec<Row> {
    let mut rows = vec![smtp_host(), from(), authenticate()];
    rows.extend([user_name(), password(), to()]);
    rows.extend(of_the_message());
    rows.extend(of_the_body());
    rows.extend(of_the_encoder());
    rows.extend(of_the_part());
    rows
}

fn smtp_host() -> Row {
    let named = |client: &str| {
        Some(Setting {
            server: PORTS,
            client: client.to_owned(),
            told: "",
        })
    };
    let longest = format!("auth = \"none\"\nsmtp_host = \"{}\"", "h".repeat(257));
    Row {
        property: "SMTPHost",
        show: Show::Port,
        settings: [
            named("auth = \"none\""),
            named("auth = \"none\"\nsmtp_host = \"mail.example.test:2525\""),
            None,
            None,
            set(longest),
        ],
    }
}

fn from() -> Row {
    let handler = "handler = { from = \"handler@corp.example\" }";
    let port = "auth = \"none\"\nfrom = \"port@corp.example\"";
    let pipeline = "context = { pipeline = { from = \"pipeline@corp.example\" } }";
    let longest = format!(
        "auth = \"none\"\nfrom = \"{}@corp.example\"",
        "f".repeat(245)
    );
    Row {
        property: "From",
        show: Show::From,
        settings: [
            told("the handler's", format!("auth = \"none\"\n{handler}")),
            set(format!("{port}\n{handler}")),
            set(dynamic(
                "from = \"handler@corp.example\", auth = \"none\"",
                "upstream = { from = \"upstream@corp.example\" }",
            )),
            set(format!("{port}\n{pipeline}")),
            set(longest),
        ],
    }
}

fn authenticate() -> Row {
    Row {
        property: "SMTPAuthenticate",
        show: Show::Mechanism,
        settings: [
            set("default_auth = true"),
            told("1", "auth = \"basic\""),
            told(
                "0 on the handler",
                dynamic("from = \"biztalk@corp.example\", auth = \"none\"", ""),
            ),
            told(
                "1, then 0",
                "auth = \"basic\"\ncontext = { pipeline = { auth = \"none\" } }",
            ),
            None,
        ],
    }
}

fn user_name() -> Row {
    let basic = |name: &str| {
        format!(
            "auth = \"basic\"\nmechanism = \"login\"\npassword = \"Pw-4711\"\nusername = {name}"
        )
    };
    let handler = "from = \"b@corp.example\", auth = \"basic\", username = \"user-of-handler\", password = \"Pw-0815\"";
    Row {
        property: "UserName",
        show: Show::User,
        settings: [
            set("auth = \"none\""),
            set(basic("\"user-of-port\"")),
            set(dynamic(handler, "")),
            set(format!(
                "{}\ncontext = {{ pipeline = {{ username = \"user-of-pipeline\" }} }}",
                basic("\"user-of-port\"")
            )),
            long(256).and_then(|name| set(basic(&name))),
        ],
    }
}

fn password() -> Row {
    let basic = |password: &str| {
        format!(
            "auth = \"basic\"\nmechanism = \"login\"\nusername = \"user-of-port\"\npassword = {password}"
        )
    };
    Row {
        property: "Password",
        show: Show::Password,
        settings: [
            set("auth = \"none\""),
            set(basic("\"Pw-4711\"")),
            None,
            set(format!(
                "{}\ncontext = {{ pipeline = {{ password = \"Pw-of-the-pipeline\" }} }}",
                basic("\"Pw-4711\"")
            )),
            long(256).and_then(|password| set(basic(&password))),
        ],
    }
}

fn to() -> Row {
    let long: Vec<_> = (0..12)
        .map(|n| quoted(&format!("recipient-{n:02}@partner.example")))
        .collect();
    Row {
        property: "To",
        show: Show::Recipients,
        settings: [
            told("one", "auth = \"none\"\nto = [\"orders@partner.example\"]"),
            told(
                "two",
                "auth = \"none\"\nto = [\"orders@partner.example\", \"invoices@partner.example\"]",
            ),
            told("the address of a dynamic port", dynamic(HANDLER, "")),
            None,
            set(format!("auth = \"none\"\nto = [{}]", long.join(", "))),
        ],
    }
}

fn of_the_message() -> Vec<Row> {
    let many: Vec<_> = (0..36)
        .map(|n| quoted(&format!("copy-to-many-{n:02}@partner.example")))
        .collect();
    let many = format!("[{}]", many.join(", "));
    let cc = [
        "[\"copy@partner.example\"]",
        "[\"copy-of-pipeline@partner.example\"]",
    ];
    vec![
        of_port("CC", Show::Recipients, "cc", cc, Some(many)),
        of_port(
            "Subject",
            Show::Field("Subject"),
            "subject",
            [
                "\"Order for %SourceParty% as a text\"",
                "\"Of the pipeline\"",
            ],
            long(256),
        ),
        of_port(
            "ReadReceipt",
            Show::Field("Disposition-Notification-To"),
            "read_receipt",
            ["true", "false"],
            None,
        ),
        of_port(
            "DeliveryReceipt",
            Show::Notify,
            "delivery_receipt",
            ["true", "false"],
            None,
        ),
        Row {
            property: "ReplyBy",
            show: Show::Field("Reply-By"),
            settings: [
                set("auth = \"none\""),
                set("auth = \"none\"\nreply_by = \"2026-01-31T12:00:00Z\""),
                None,
                None,
                None,
            ],
        },
    ]
}

fn of_the_body() -> Vec<Row> {
    let text = ["\"Fixed text\"", "\"Text of the pipeline\""];
    let longest = Some(quoted(&"b".repeat(64 * 1024 + 1)));
    let path = format!("{{ path = \"/{}\" }}", "p".repeat(256));
    let umlaut = |charset: &str| {
        format!("auth = \"none\"\nbody_text = \"Grüße\"\nbody_text_charset = {charset}")
    };
    let file =
        "auth = \"none\"\nbody_file = { name = \"b.txt\", text = \"\\uFEFFText of a file\" }";
    let parts = |count: u8| {
        format!(
            "auth = \"none\"\nbody_text = \"Fixed text\"\nmessage_parts_attachments = {count}\n\
             payload = {{ body = \"<order/>\", content_type = \"text/xml\", parts = [{{ name = \"terms.txt\", content_type = \"text/plain\", text = \"Terms\" }}] }}"
        )
    };
    let attached = "[{ name = \"a.csv\", text = \"a;b\" }]";
    vec![
        of_port("EmailBodyText", Show::Text, "body_text", text, longest),
        Row {
            property: "EmailBodyTextCharset",
            show: Show::Text,
            settings: [
                set("auth = \"none\"\nbody_text = \"Grüße\""),
                set(umlaut("\"iso-8859-1\"")),
                None,
                None,
                None,
            ],
        },
        Row {
            property: "EmailBodyFile",
            show: Show::Text,
            settings: [
                set("auth = \"none\""),
                set(file),
                None,
                None,
                set(format!("auth = \"none\"\nbody_file = {path}")),
            ],
        },
        Row {
            property: "EmailBodyFileCharset",
            show: Show::Text,
            settings: [
                set(file),
                set(format!("{file}\nbody_file_charset = \"iso-8859-1\"")),
                None,
                None,
                None,
            ],
        },
        Row {
            property: "Attachments",
            show: Show::Parts,
            settings: [
                set("auth = \"none\""),
                set(format!("auth = \"none\"\nattachments = {attached}")),
                None,
                None,
                set(format!("auth = \"none\"\nattachments = [{path}]")),
            ],
        },
        Row {
            property: "MessagePartsAttachments",
            show: Show::Parts,
            settings: [
                told("0", parts(0)),
                told("1", parts(1)),
                told("2", parts(2)),
                None,
                None,
            ],
        },
    ]
}

fn of_the_encoder() -> Vec<Row> {
    let show = Show::Protection;
    vec![
        of_encoder("Enable encryption", show, "", "encrypt = true"),
        of_encoder(
            "Encryption algorithm",
            show,
            "encrypt = true",
            "cipher = \"des3\"",
        ),
        of_encoder("Signature type", show, "", "signature = \"clear\""),
        of_encoder(
            "Add signing cert to message",
            show,
            "signature = \"blob\"",
            "add_signing_certificate = false",
        ),
        of_encoder(
            "Content transfer encoding",
            show,
            "",
            "transfer_encoding = \"quoted-printable\"",
        ),
        of_encoder(
            "Send body part as attachment",
            Show::PartFields,
            "",
            "body_as_attachment = true",
        ),
        Row {
            property: "Check revocation list (with a revoked certificate)",
            show,
            settings: [
                set("auth = \"none\"\nencoder = { encrypt = true, certificate = \"revoked\" }"),
                told(
                    "off",
                    "auth = \"none\"\nencoder = { encrypt = true, certificate = \"revoked\", check_revocation = false }",
                ),
                None,
                None,
                None,
            ],
        },
    ]
}

fn of_the_part() -> Vec<Row> {
    vec![
        of_part("MIME.FileName", "file_name = \"order.xml\""),
        of_part("MIME.ContentID", "content_id = \"order-1\""),
        of_part(
            "MIME.ContentDescription",
            "content_description = \"An order\"",
        ),
        of_part(
            "MIME.ContentLocation",
            "content_location = \"http://corp.example/order\"",
        ),
        of_part(
            "MIME.ContentTransferEncoding",
            "transfer_encoding = \"quoted-printable\"",
        ),
        of_part("MIME.IsMultipartRelated", "is_multipart_related = true"),
    ]
}
