use rstest::rstest;
use smtp::Secret;

use super::super::host::BadHost;
use super::super::readings::HostReading;
use super::*;

#[expect(clippy::unnecessary_wraps, reason = "a property is set or not")]
fn to(address: &str) -> Option<Vec<String>> {
    Some(vec![address.to_owned()])
}

/// A static port with what is required.
fn settings() -> Settings {
    let mut settings = Settings::new(Port::Static(Box::new(Properties {
        to: to("port@example.test"),
        ..Properties::default()
    })));
    settings.handler = Handler {
        smtp_host: Some("handler.example".to_owned()),
        from: Some("handler@example.test".to_owned()),
        authenticate: Some(AuthMode::None),
        ..Handler::default()
    };
    settings
}

fn port(settings: &mut Settings) -> &mut Properties {
    match &mut settings.primary.port {
        Port::Static(port) => port,
        Port::Dynamic(_) => panic!("a static port"),
    }
}

/// Which places set the property, and whose value counts on a static and on a dynamic port.
#[rstest]
#[case("h", "handler", "handler")]
#[case("hu", "upstream", "upstream")]
#[case("hp", "port", "handler")]
#[case("hup", "port", "upstream")]
#[case("hupc", "pipeline", "pipeline")]
#[case("huc", "pipeline", "pipeline")]
#[case("c", "pipeline", "pipeline")]
fn the_stronger_place_counts(#[case] set: &str, #[case] on_static: &str, #[case] on_dynamic: &str) {
    let value = |place: char, value: &str| set.contains(place).then(|| value.to_owned());
    let properties = |place, text: &str| Properties {
        over_handler: Handler {
            smtp_host: value(place, text),
            username: value(place, text),
            password: value(place, text).map(Secret::new),
            ..Handler::default()
        },
        ..Properties::default()
    };
    let handler = properties('h', "handler").over_handler;
    let context = Context {
        upstream: properties('u', "upstream"),
        pipeline: properties('c', "pipeline"),
    };
    let fixed = Port::Static(Box::new(properties('p', "port")));
    let dynamic = Port::Dynamic("mailto:a@example.test".to_owned());
    for (port, expected) in [(fixed, on_static), (dynamic, on_dynamic)] {
        let mut config = Config::documented();
        resolve(&handler, &port, &context, &mut config).unwrap();
        assert_eq!(config.smtp_host.as_deref(), Some(expected));
        assert_eq!(config.username.as_deref(), Some(expected));
        assert_eq!(config.password.unwrap().expose(), expected.as_bytes());
    }
}

#[test]
fn what_is_set_nowhere_has_its_documented_default() {
    let config = settings().resolve().unwrap();
    assert_eq!(
        config.server().unwrap().unwrap().to_string(),
        "handler.example:25"
    );
    assert_eq!(config.from, "handler@example.test");
    assert_eq!(
        (config.retry.count, config.retry.interval.as_secs()),
        (3, 300)
    );
    assert_eq!(
        (config.subject, config.body_text, config.encoder.is_none()),
        (None, None, true)
    );
    assert_eq!(config.message_parts_attachments, 0);
    assert!(!config.read_receipt && !config.delivery_receipt && config.attachments.is_empty());
}

#[test]
fn authentication_is_ntlm_where_nobody_says_anything_else() {
    let mut settings = settings();
    settings.handler.authenticate = None;
    assert_eq!(settings.resolve().unwrap_err(), Unresolved::Account);
    settings.account = Some(Account {
        domain: "CORP".to_owned(),
        user: "svc".to_owned(),
        password: Secret::new("x"),
        workstation: "BTS".to_owned(),
    });
    assert_eq!(settings.resolve().unwrap().auth, AuthMode::Ntlm);
    port(&mut settings).over_handler.authenticate = Some(AuthMode::None);
    assert_eq!(settings.resolve().unwrap().auth, AuthMode::None);
}

#[test]
fn an_empty_text_of_the_port_leaves_the_value_to_the_handler() {
    let mut settings = settings();
    port(&mut settings).over_handler = Handler {
        smtp_host: Some(String::new()),
        from: Some(String::new()),
        ..Handler::default()
    };
    let config = settings.resolve().unwrap();
    assert_eq!(config.smtp_host.as_deref(), Some("handler.example"));
    assert_eq!(config.from, "handler@example.test");
}

/// Takes one required value away.
type Remove = fn(&mut Settings);

#[rstest]
#[case("SMTPHost", |settings: &mut Settings| settings.handler.smtp_host = None)]
#[case("From", |settings: &mut Settings| settings.handler.from = None)]
#[case("To", |settings: &mut Settings| port(settings).to = None)]
#[case("UserName", |settings: &mut Settings| settings.handler.authenticate = Some(AuthMode::Basic))]
#[case("Password", |settings: &mut Settings| {
    settings.handler.authenticate = Some(AuthMode::Basic);
    settings.handler.username = Some("svc".to_owned());
})]
fn a_required_value_that_is_set_nowhere_is_refused(
    #[case] property: &'static str,
    #[case] remove: Remove,
) {
    let mut settings = settings();
    remove(&mut settings);
    assert_eq!(
        settings.resolve().unwrap_err(),
        Unresolved::Missing(property)
    );
}

#[rstest]
#[case("mailto:a@example.test", Some("a@example.test"))]
#[case("MAILTO:a@example.test", Some("a@example.test"))]
#[case("mailto:a@example.test?subject=x", None)]
#[case("a@example.test", None)]
#[case("mailto:", None)]
#[case("mailto:@example.test", None)]
#[case("mailtö:a@example.test", None)]
fn a_dynamic_port_has_an_address(#[case] uri: &str, #[case] expected: Option<&str>) {
    assert_eq!(mailto(uri).ok().as_deref(), expected);
}

#[test]
fn a_context_has_no_to_and_a_port_no_reply_by() {
    let mut settings = settings();
    settings.context.pipeline.to = to("context@example.test");
    settings.context.upstream.reply_by = Some("2026-01-31T12:00:00Z".to_owned());
    port(&mut settings).reply_by = Some("2027-01-31T12:00:00Z".to_owned());
    let config = settings.resolve().unwrap();
    assert_eq!(config.to, ["port@example.test"]);
    assert_eq!(config.reply_by.as_deref(), Some("2026-01-31T12:00:00Z"));
}

#[test]
fn the_backup_transport_has_its_own_port_and_retries() {
    let mut settings = settings();
    assert!(settings.resolve_backup().is_none());
    settings.backup = Some(Transport {
        port: Port::Static(Box::new(Properties {
            over_handler: Handler {
                smtp_host: Some("backup.example:2525".to_owned()),
                ..Handler::default()
            },
            to: to("backup@example.test"),
            ..Properties::default()
        })),
        retry: Retry {
            count: 1,
            interval: std::time::Duration::from_mins(1),
        },
    });
    let config = settings.resolve_backup().unwrap().unwrap();
    assert_eq!(
        config.server().unwrap().unwrap().to_string(),
        "backup.example:2525"
    );
    assert_eq!(
        (config.retry.count, config.to.as_slice()),
        (1, &["backup@example.test".to_owned()][..])
    );
}

#[test]
fn a_host_is_checked_in_the_reading_that_was_chosen() {
    let mut settings = settings();
    settings.handler.smtp_host = Some("mail.example:25".to_owned());
    assert!(settings.resolve().is_ok());
    settings.readings.smtp_host = HostReading::NoColon;
    let refused = Unresolved::Host(BadHost::Character(':'));
    assert_eq!(settings.resolve().unwrap_err(), refused);
}
