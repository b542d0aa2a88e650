//! The property bag of the adapter: `<CustomProps>` with a variant type (`vt`) on each property.

use std::path::PathBuf;

use smtp::Secret;

use super::super::config::{AuthMode, FileSource};
use super::Properties;
use super::xml::Element;
use crate::scenario::decode::nearest;

/// What a bag holds.
pub(super) type Bag = Properties;

/// The properties that a port's bag can have.
const NAMES: [&str; 16] = [
    "SMTPHost",
    "From",
    "SMTPAuthenticate",
    "Username",
    "Password",
    "To",
    "CC",
    "Subject",
    "ReadReceipt",
    "DeliveryReceipt",
    "EmailBodyText",
    "EmailBodyTextCharset",
    "EmailBodyFile",
    "EmailBodyFileCharset",
    "Attachments",
    "MessagePartsAttachments",
];

/// A bag that was read.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) properties: Bag,
    pub(super) password_is_null: bool,
    /// A sentence for each property that nobody knows.
    pub(super) unknown: Vec<String>,
}

/// A value with its variant type.
enum Value<'a> {
    /// `vt="1"`.
    Null,
    /// `vt="8"`.
    Text(&'a str),
    /// `vt="11"`.
    Boolean(bool),
    /// `vt="19"`, and `vt="3"` for one that is not negative.
    Number(u32),
}

/// Reads a bag.
///
/// # Errors
/// A sentence that names the property whose value is none.
pub(super) fn read(bag: &Element) -> Result<Read, String> {
    let mut read = Read::default();
    for property in &bag.children {
        let name = match property.name.as_str() {
            // One page writes it so, another so.
            "UserName" => "Username",
            name => name,
        };
        let Some(&name) = NAMES.iter().find(|known| **known == name) else {
            let near = nearest(name, &NAMES);
            let near = near
                .map(|near| format!(" (did you mean {near}?)"))
                .unwrap_or_default();
            read.unknown.push(format!(
                "the property {name:?} is not known and is left out{near}"
            ));
            continue;
        };
        let value = value(name, property)?;
        if let (Value::Null, "Password") = (&value, name) {
            read.password_is_null = true;
        }
        set(&mut read.properties, name, value)?;
    }
    Ok(read)
}

fn value<'a>(name: &str, property: &'a Element) -> Result<Value<'a>, String> {
    let text = property.text.as_str();
    match property.attribute("vt").map(str::trim) {
        Some("1") => Ok(Value::Null),
        Some("8") => Ok(Value::Text(text)),
        Some("11") => match text.trim() {
            "-1" => Ok(Value::Boolean(true)),
            "0" => Ok(Value::Boolean(false)),
            _ => Err(format!("{name} is neither -1 (true) nor 0 (false)")),
        },
        Some("3" | "19") => match text.trim().parse() {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) => Err(format!("{name} is not a whole number")),
        },
        Some(_) => Err(format!(
            "{name} has a variant type (vt) other than 1, 3, 8, 11 and 19"
        )),
        None => Err(format!("{name} has no variant type (vt)")),
    }
}

fn set(bag: &mut Bag, name: &str, value: Value<'_>) -> Result<(), String> {
    let handler = &mut bag.over_handler;
    match (name, value) {
        (_, Value::Null) => {}
        ("SMTPHost", Value::Text(text)) => handler.smtp_host = some(text),
        ("From", Value::Text(text)) => handler.from = some(text),
        ("Username", Value::Text(text)) => handler.username = some(text),
        ("Password", Value::Text(text)) => handler.password = some(text).map(Secret::new),
        ("SMTPAuthenticate", Value::Number(mode)) => {
            handler.authenticate = Some(match mode {
                0 => AuthMode::None,
                1 => AuthMode::Basic,
                2 => AuthMode::Ntlm,
                _ => return Err(format!("{name} is not 0, 1 or 2")),
            });
        }
        ("To", Value::Text(text)) => bag.to = some(text).map(|text| split(&text)),
        ("CC", Value::Text(text)) => bag.cc = some(text).map(|text| split(&text)),
        ("Subject", Value::Text(text)) => bag.subject = some(text),
        ("ReadReceipt", Value::Boolean(flag)) => bag.read_receipt = Some(flag),
        ("DeliveryReceipt", Value::Boolean(flag)) => bag.delivery_receipt = Some(flag),
        ("EmailBodyText", Value::Text(text)) => bag.body_text = some(text),
        ("EmailBodyTextCharset", Value::Text(text)) => bag.body_text_charset = some(text),
        ("EmailBodyFile", Value::Text(text)) => {
            bag.body_file = some(text).map(|path| FileSource::Path(PathBuf::from(path)));
        }
        ("EmailBodyFileCharset", Value::Text(text)) => bag.body_file_charset = some(text),
        ("Attachments", Value::Text(text)) => bag.attachments = Some(files(text)),
        ("MessagePartsAttachments", Value::Number(number)) => {
            let number = u8::try_from(number).ok().filter(|&number| number <= 2);
            let number = number.ok_or_else(|| format!("{name} is not 0, 1 or 2"))?;
            bag.message_parts_attachments = Some(number);
        }
        _ => return Err(format!("{name} has the wrong variant type (vt)")),
    }
    Ok(())
}

/// A text; an empty one is not set.
fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The files of `Attachments`, with a bar between two: it is the one character that no path on Windows has.
fn files(text: &str) -> Vec<FileSource> {
    let paths = text
        .split('|')
        .map(str::trim)
        .filter(|path| !path.is_empty());
    paths
        .map(|path| FileSource::Path(PathBuf::from(path)))
        .collect()
}

/// The addresses of a list: semicolons or commas between them, but not inside quotes.
pub(super) fn split(list: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    let mut escaped = false;
    for c in list.chars() {
        match c {
            ';' | ',' if !quoted => {
                out.push(String::new());
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && c == '\\' && !escaped;
        if let Some(last) = out.last_mut() {
            last.push(c);
        }
    }
    let trimmed = out.iter().map(|one| one.trim().to_owned());
    trimmed.filter(|one| !one.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::xml::Document;
    use super::*;

    fn bag(text: &str) -> Result<Read, String> {
        let text = format!("<CustomProps>{text}</CustomProps>");
        let document = Document {
            path: "b.xml",
            text: &text,
        };
        read(&document.parse().unwrap())
    }

    #[test]
    fn an_empty_value_and_a_null_are_not_set() {
        let read = bag("<From vt='8'/><SMTPAuthenticate vt='1'/><UserName vt='8'>u</UserName><Password vt='1'/>").unwrap();
        let handler = &read.properties.over_handler;
        assert!(handler.from.is_none() && handler.authenticate.is_none() && read.password_is_null);
        assert_eq!(handler.username.as_deref(), Some("u"));
    }

    #[test]
    fn an_unknown_property_is_named() {
        let read =
            bag("<Subjekt vt='8'>x</Subjekt><Bcc vt='8'>x</Bcc><SMTPS vt='11'>-1</SMTPS>").unwrap();
        assert_eq!(read.unknown.len(), 3);
        assert!(
            read.unknown[0]
                .ends_with("\"Subjekt\" is not known and is left out (did you mean Subject?)")
        );
    }

    #[rstest]
    #[case("<ReadReceipt vt='11'>1</ReadReceipt>", "ReadReceipt is neither")]
    #[case("<ReadReceipt vt='8'>-1</ReadReceipt>", "ReadReceipt has the wrong")]
    #[case(
        "<SMTPAuthenticate vt='19'>3</SMTPAuthenticate>",
        "SMTPAuthenticate is not 0, 1 or 2"
    )]
    #[case(
        "<SMTPAuthenticate vt='19'>-1</SMTPAuthenticate>",
        "not a whole number"
    )]
    #[case(
        "<MessagePartsAttachments vt='19'>256</MessagePartsAttachments>",
        "not 0, 1 or 2"
    )]
    #[case("<To>a@b</To>", "To has no variant type")]
    #[case("<To vt='13'>a@b</To>", "other than")]
    fn a_value_that_is_none_is_refused(#[case] text: &str, #[case] why: &str) {
        let error = bag(text).unwrap_err();
        assert!(error.contains(why), "{error}");
    }

    #[rstest]
    #[case("a@b;c@d, e@f;;", &["a@b", "c@d", "e@f"])]
    #[case("\"x,y\\\";z\"@b; c@d", &["\"x,y\\\";z\"@b", "c@d"])]
    #[case(" ", &[])]
    fn lists_are_split(#[case] list: &str, #[case] expected: &[&str]) {
        assert_eq!(split(list), expected);
    }
}
