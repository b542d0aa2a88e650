//! Settings out of an exported binding, or out of a property bag (`<CustomProps>`) by itself.

use std::time::Duration;

use super::super::config::Retry;
use super::bag::{self, Bag};
use super::xml::{Document, Element, XmlError};
use super::{Port, Settings, Transport};

/// Most retries, and most minutes between two, that a transport can have.
const MOST_RETRIES: u32 = 1000;
const MOST_MINUTES: u32 = 525_600;
/// Most ports that a message names.
const NAMED_PORTS: usize = 20;

/// What a binding says.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Name of the send port; `None` for a property bag by itself.
    pub port: Option<String>,
    /// The settings. A dynamic port has no address in a binding: [`Port::Dynamic`] is then empty.
    pub settings: Settings,
    /// Whether the file leaves the password out, as every export does. It has to come from elsewhere where Basic needs one.
    pub password_is_null: bool,
    /// What was passed over, with its place.
    pub warnings: Vec<String>,
}

/// Reads an exported binding, and of it the send port with the name; without a name, the only one that is of type SMTP.
/// `path` is only what messages call the file.
///
/// # Errors
/// The text is no XML within the bounds, there is no such port or more than one, or a property has a value that it cannot
/// have. No message shows what the file holds, but for names of ports and properties.
pub fn read_binding(path: &str, text: &str, port: Option<&str>) -> Result<Binding, XmlError> {
    let document = Document { path, text };
    let root = document.parse()?;
    let mut reader = Reading {
        document,
        warnings: Vec::new(),
        password_is_null: false,
    };
    if root.name == "CustomProps" {
        let bag = reader.bag(&root, root.at)?;
        return Ok(reader.finish(None, Settings::new(Port::Static(Box::new(bag)))));
    }
    let ports = root.all("SendPort");
    let found = choose(document, &ports, port)?;
    let name = found.attribute("Name").unwrap_or_default().to_owned();
    let settings = reader.send_port(found)?;
    Ok(reader.finish(Some(name), settings))
}

/// The port that is meant.
fn choose<'a>(
    document: Document<'_>,
    ports: &[&'a Element],
    name: Option<&str>,
) -> Result<&'a Element, XmlError> {
    let named = |port: &&&Element| port.attribute("Name") == name;
    let of_smtp = |port: &&&Element| {
        let primary = port.child("PrimaryTransport");
        primary.and_then(transport_type).is_some_and(is_smtp)
    };
    let found: Vec<_> = match name {
        Some(_) => ports.iter().filter(named).collect(),
        None => ports.iter().filter(of_smtp).collect(),
    };
    let choice = || {
        let all = ports.iter().filter(of_smtp);
        let all = all.map(|port| format!("{:?}", port.attribute("Name").unwrap_or_default()));
        let all: Vec<_> = all.take(NAMED_PORTS).collect();
        if all.is_empty() {
            "it has no send port of type SMTP".to_owned()
        } else {
            format!("send ports of type SMTP: {}", all.join(", "))
        }
    };
    match found.as_slice() {
        [port] => Ok(port),
        [] => {
            let wanted = name.map_or_else(
                || "the file is no binding with a port to send with".to_owned(),
                |name| format!("there is no send port {name:?}"),
            );
            Err(document.error(0, format!("{wanted}; {}", choice())))
        }
        [_, second, ..] => Err(document.error(
            second.at,
            format!(
                "more than one send port could be meant, name one; {}",
                choice()
            ),
        )),
    }
}

fn transport_type(transport: &Element) -> Option<&str> {
    transport.child("TransportType")?.attribute("Name")
}

fn is_smtp(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("SMTP")
}

struct Reading<'a> {
    document: Document<'a>,
    warnings: Vec<String>,
    password_is_null: bool,
}

impl Reading<'_> {
    fn finish(self, port: Option<String>, settings: Settings) -> Binding {
        Binding {
            port,
            settings,
            password_is_null: self.password_is_null,
            warnings: self.warnings,
        }
    }

    fn warn(&mut self, at: usize, message: String) {
        self.warnings
            .push(self.document.error(at, message).to_string());
    }

    fn send_port(&mut self, port: &Element) -> Result<Settings, XmlError> {
        let says = |name, value: &str| {
            port.attribute(name)
                .is_some_and(|it| it.eq_ignore_ascii_case(value))
        };
        if says("IsStatic", "false") || says("IsDynamic", "true") {
            return Ok(Settings::new(Port::Dynamic(String::new())));
        }
        let Some(primary) = port.child("PrimaryTransport") else {
            return Err(self
                .document
                .error(port.at, "the send port has no primary transport"));
        };
        let kind = transport_type(primary).unwrap_or_default();
        if !is_smtp(kind) {
            let message = format!("the primary transport is of type {kind:?}, not SMTP");
            return Err(self.document.error(primary.at, message));
        }
        let transport = self.transport(primary)?;
        let mut settings = Settings::new(transport.port);
        settings.primary.retry = transport.retry;
        if let Some(data) = primary
            .child("SendHandler")
            .and_then(|it| it.child("TransportTypeData"))
        {
            settings.handler = self.nested(data)?.over_handler;
        }
        if let Some(secondary) = port.child("SecondaryTransport") {
            match transport_type(secondary) {
                Some(kind) if is_smtp(kind) => settings.backup = Some(self.transport(secondary)?),
                Some(kind) => {
                    let message =
                        format!("the backup transport is of type {kind:?} and is left out");
                    self.warn(secondary.at, message);
                }
                None => {}
            }
        }
        Ok(settings)
    }

    fn transport(&mut self, transport: &Element) -> Result<Transport, XmlError> {
        let mut properties = match transport.child("TransportTypeData") {
            Some(data) => self.nested(data)?,
            None => Bag::default(),
        };
        // Where the bag has no To, the address of the port is it.
        if properties.to.is_none()
            && let Some(address) = transport.child("Address")
            && let Ok(address) = super::mailto(address.text.trim())
        {
            properties.to = Some(bag::split(&address));
        }
        let mut retry = Retry::default();
        if let Some(count) = self.number(transport, "RetryCount", MOST_RETRIES)? {
            retry.count = count;
        }
        if let Some(minutes) = self.number(transport, "RetryInterval", MOST_MINUTES)? {
            retry.interval = Duration::from_secs(u64::from(minutes) * 60);
        }
        Ok(Transport {
            port: Port::Static(Box::new(properties)),
            retry,
        })
    }

    fn number(&self, parent: &Element, name: &str, most: u32) -> Result<Option<u32>, XmlError> {
        let Some(element) = parent.child(name) else {
            return Ok(None);
        };
        let number = element
            .text
            .trim()
            .parse()
            .ok()
            .filter(|&number| number <= most);
        let message = || format!("{name} is not a whole number of at most {most}");
        Ok(Some(number.ok_or_else(|| {
            self.document.error(element.at, message())
        })?))
    }

    /// The bag in an element: as text that is XML itself, or as elements.
    fn nested(&mut self, data: &Element) -> Result<Bag, XmlError> {
        if let Some(bag) = data.child("CustomProps") {
            return self.bag(bag, bag.at);
        }
        if data.text.trim().is_empty() {
            return Ok(Bag::default());
        }
        let inner = Document {
            path: self.document.path,
            text: data.text.trim(),
        };
        let root = inner.parse().map_err(|error| {
            let message = format!("in the properties of the transport: {}", error.message);
            self.document.error(data.at, message)
        })?;
        if root.name != "CustomProps" {
            let message = "the properties of the transport are no <CustomProps>";
            return Err(self.document.error(data.at, message));
        }
        self.bag(&root, data.at)
    }

    fn bag(&mut self, bag: &Element, at: usize) -> Result<Bag, XmlError> {
        let read = bag::read(bag).map_err(|message| self.document.error(at, message))?;
        for unknown in read.unknown {
            self.warn(at, unknown);
        }
        if read.password_is_null {
            self.password_is_null = true;
        }
        Ok(read.properties)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::super::config::AuthMode;
    use super::*;

    const BAG: &str = r#"<CustomProps>
<DeliveryReceipt vt="11">-1</DeliveryReceipt>
<From vt="8">biztalk@corp.example</From>
<MessagePartsAttachments vt="19">2</MessagePartsAttachments>
<CC vt="8">a@partner.example; b@partner.example</CC>
<SMTPAuthenticate vt="19">1</SMTPAuthenticate>
<Username vt="8">svc</Username>
<EmailBodyFileCharset vt="8">utf-8</EmailBodyFileCharset>
<EmailBodyText vt="8">Two &amp; two</EmailBodyText>
<ReadReceipt vt="11">0</ReadReceipt>
<To vt="8">orders@partner.example</To>
<EmailBodyFile vt="8"></EmailBodyFile>
<Subject vt="8">Order</Subject>
<Password vt="1" />
<Attachments vt="8">/data/a.txt|/data/b.txt</Attachments>
<SMTPHost vt="8">mail.corp.example</SMTPHost>
<EmailBodyTextCharset vt="8">utf-8</EmailBodyTextCharset>
</CustomProps>"#;

    fn escaped(bag: &str) -> String {
        bag.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    }

    fn port(name: &str, kind: &str, data: &str) -> String {
        format!(
            r#"<SendPort Name="{name}" IsStatic="true" IsTwoWay="false"><PrimaryTransport>
<Address>mailto:address@partner.example</Address><TransportType Name="{kind}" Capabilities="11"/>
<TransportTypeData>{data}</TransportTypeData><RetryCount>2</RetryCount><RetryInterval>1</RetryInterval>
</PrimaryTransport></SendPort>"#
        )
    }

    fn binding(ports: &[String]) -> String {
        format!(
            r#"<?xml version="1.0" encoding="utf-8"?><BindingInfo xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><SendPortCollection>{}</SendPortCollection></BindingInfo>"#,
            ports.concat()
        )
    }

    #[test]
    fn a_property_bag_by_itself() {
        let read = read_binding("b.xml", BAG, None).unwrap();
        assert!(read.password_is_null && read.warnings.is_empty() && read.port.is_none());
        let mut settings = read.settings;
        let missing = settings.resolve().unwrap_err().to_string();
        assert!(missing.starts_with("Password"), "{missing}");
        settings.handler.password = Some(smtp::Secret::new("x"));
        let config = settings.resolve().unwrap();
        assert_eq!(config.cc, ["a@partner.example", "b@partner.example"]);
        assert_eq!(config.body_text.as_deref(), Some("Two & two"));
        assert_eq!(
            (config.auth, config.message_parts_attachments),
            (AuthMode::Basic, 2)
        );
        assert!(config.delivery_receipt && !config.read_receipt && config.body_file.is_none());
        assert_eq!(config.attachments.len(), 2);
    }

    #[test]
    fn the_one_port_of_type_smtp() {
        let text = binding(&[
            port("files", "FILE", ""),
            port("mail", "SMTP", &escaped(BAG)),
        ]);
        let read = read_binding("b.xml", &text, None).unwrap();
        assert_eq!(read.port.as_deref(), Some("mail"));
        assert_eq!(read.settings.primary.retry.count, 2);
        assert_eq!(read.settings.primary.retry.interval.as_secs(), 60);
        let Port::Static(properties) = &read.settings.primary.port else {
            panic!("a static port");
        };
        assert_eq!(
            properties.to.as_deref(),
            Some(&["orders@partner.example".to_owned()][..])
        );
    }

    #[test]
    fn the_address_stands_in_for_to() {
        let text = binding(&[port("mail", "SMTP", "")]);
        let read = read_binding("b.xml", &text, Some("mail")).unwrap();
        let Port::Static(properties) = &read.settings.primary.port else {
            panic!("a static port");
        };
        assert_eq!(
            properties.to.as_deref(),
            Some(&["address@partner.example".to_owned()][..])
        );
    }

    #[test]
    fn a_handler_and_a_backup() {
        let handler =
            escaped("<CustomProps><SMTPHost vt=\"8\">handler.example</SMTPHost></CustomProps>");
        let text = binding(&[port("mail", "SMTP", "")])
            .replace(
                "</PrimaryTransport>",
                &format!("<SendHandler Name=\"h\"><TransportTypeData>{handler}</TransportTypeData></SendHandler></PrimaryTransport><SecondaryTransport><TransportType Name=\"SMTP\"/><TransportTypeData>{}</TransportTypeData><RetryCount>0</RetryCount></SecondaryTransport>", escaped(BAG)),
            );
        let read = read_binding("b.xml", &text, None).unwrap();
        assert_eq!(
            read.settings.handler.smtp_host.as_deref(),
            Some("handler.example")
        );
        assert_eq!(read.settings.backup.unwrap().retry.count, 0);
        let other = text.replace(
            "<SecondaryTransport><TransportType Name=\"SMTP\"",
            "<SecondaryTransport><TransportType Name=\"FILE\"",
        );
        let read = read_binding("b.xml", &other, None).unwrap();
        assert!(read.settings.backup.is_none());
        assert!(
            read.warnings[0].contains("\"FILE\" and is left out"),
            "{:?}",
            read.warnings
        );
        let none = text.replace(
            "<SecondaryTransport><TransportType Name=\"SMTP\"/>",
            "<SecondaryTransport>",
        );
        assert!(
            read_binding("b.xml", &none, None)
                .unwrap()
                .settings
                .backup
                .is_none()
        );
    }

    #[test]
    fn a_dynamic_port_waits_for_its_address() {
        let text = binding(&["<SendPort Name=\"d\" IsStatic=\"false\"/>".to_owned()]);
        let read = read_binding("b.xml", &text, Some("d")).unwrap();
        assert!(
            matches!(&read.settings.primary.port, Port::Dynamic(address) if address.is_empty())
        );
        assert!(read.settings.resolve().is_err());
    }

    #[rstest]
    #[case(&[], None, "no send port of type SMTP")]
    #[case(&["mail"], Some("mial"), "there is no send port \"mial\"; send ports of type SMTP: \"mail\"")]
    #[case(&["one", "two"], None, "more than one send port could be meant")]
    #[case(&["one", "one"], Some("one"), "more than one send port could be meant")]
    fn the_port_must_be_clear(
        #[case] names: &[&str],
        #[case] wanted: Option<&str>,
        #[case] why: &str,
    ) {
        let ports: Vec<_> = names.iter().map(|name| port(name, "SMTP", "")).collect();
        let error = read_binding("b.xml", &binding(&ports), wanted)
            .unwrap_err()
            .to_string();
        assert!(error.contains(why), "{error}");
    }

    #[rstest]
    #[case("<x/>", "are no <CustomProps>")]
    #[case("<CustomProps><To vt=\"8\">hunter2", "ends inside an element")]
    #[case("<!DOCTYPE a><CustomProps/>", "a document type is not allowed")]
    #[case(
        "<CustomProps><ReadReceipt vt=\"11\">hunter2</ReadReceipt></CustomProps>",
        "ReadReceipt"
    )]
    fn a_bag_that_is_none_is_refused_without_its_text(#[case] bag: &str, #[case] why: &str) {
        let text = binding(&[port("mail", "SMTP", &escaped(bag))]);
        let error = read_binding("b.xml", &text, None).unwrap_err().to_string();
        assert!(error.starts_with("b.xml:3:1: "), "{error}");
        assert!(error.contains(why) && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn another_primary_transport_and_bad_numbers_are_refused() {
        let file = binding(&[port("f", "FILE", "")]);
        let refused = |text: &str| read_binding("b.xml", text, Some("f")).unwrap_err().message;
        assert!(refused(&file).contains("of type \"FILE\", not SMTP"));
        let smtp = binding(&[port("f", "SMTP", "")]);
        for number in ["1001", "-1", "x", ""] {
            let text = smtp.replace("<RetryCount>2<", &format!("<RetryCount>{number}<"));
            assert!(refused(&text).contains("RetryCount"), "{number}");
        }
    }
}
