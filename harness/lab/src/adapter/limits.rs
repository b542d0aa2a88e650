//! The documented lengths of the properties. What is longer is refused, and nothing is sent.

use super::config::{Config, FileSource};

/// How long a property may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{property} is longer than {most} {unit}")]
pub struct Limit {
    /// The property, as the documentation names it.
    pub property: &'static str,
    /// The greatest length.
    pub most: usize,
    /// What is counted.
    pub unit: &'static str,
}

const fn characters(property: &'static str, most: usize) -> Limit {
    Limit {
        property,
        most,
        unit: "characters",
    }
}

/// `SMTPHost`.
pub const SMTP_HOST: Limit = characters("SMTPHost", 256);
/// `From`.
pub const FROM: Limit = characters("From", 256);
/// `UserName`.
pub const USER_NAME: Limit = characters("UserName", 256);
/// `Password`.
pub const PASSWORD: Limit = characters("Password", 256);
/// `To`: the whole list, separators included.
pub const TO: Limit = characters("To", 256);
/// `CC`: the whole list, separators included.
pub const CC: Limit = characters("CC", 1024);
/// `Subject`, macros unexpanded.
pub const SUBJECT: Limit = characters("Subject", 256);
/// `EmailBodyText`, in octets of UTF-8: the documentation says 64 KB and not of what.
pub const BODY_TEXT: Limit = Limit {
    property: "EmailBodyText",
    most: 64 * 1024,
    unit: "octets",
};
/// The path in `EmailBodyFile`.
pub const BODY_FILE: Limit = characters("EmailBodyFile", 256);
/// A path in `Attachments`.
pub const ATTACHMENT: Limit = characters("Attachments", 256);

impl Limit {
    /// Whether `text` is within it.
    ///
    /// # Errors
    /// It is not.
    pub fn check(self, text: &str) -> Result<(), Self> {
        if self.length_of(text) > self.most {
            Err(self)
        } else {
            Ok(())
        }
    }

    /// How long `text` is, by what is counted.
    pub fn length_of(self, text: &str) -> usize {
        if self.unit == "octets" {
            text.len()
        } else {
            text.chars().count()
        }
    }
}

/// A list of addresses as one text, which is what the limits of To and CC are about.
pub fn joined(addresses: &[String]) -> String {
    addresses.join(";")
}

/// Whether every property is within its limit.
///
/// # Errors
/// The first that is not.
pub(crate) fn check(config: &Config) -> Result<(), Limit> {
    FROM.check(&config.from)?;
    if let Some(name) = &config.username {
        USER_NAME.check(name)?;
    }
    if let Some(password) = &config.password {
        PASSWORD.check(&String::from_utf8_lossy(password.expose()))?;
    }
    TO.check(&joined(&config.to))?;
    CC.check(&joined(&config.cc))?;
    if let Some(subject) = &config.subject {
        SUBJECT.check(subject)?;
    }
    if let Some(text) = &config.body_text {
        BODY_TEXT.check(text)?;
    }
    if let Some(FileSource::Path(path)) = &config.body_file {
        BODY_FILE.check(&path.to_string_lossy())?;
    }
    for file in &config.attachments {
        if let FileSource::Path(path) = file {
            ATTACHMENT.check(&path.to_string_lossy())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rstest::rstest;

    use super::super::example;
    use super::*;

    /// Sets one property to a text of so many characters.
    type Fill = fn(&mut Config, usize);

    #[rstest]
    #[case(FROM, |config: &mut Config, length: usize| config.from = "é".repeat(length))]
    #[case(USER_NAME, |config: &mut Config, length: usize| config.username = Some("é".repeat(length)))]
    #[case(PASSWORD, |config: &mut Config, length: usize| config.password = Some(smtp::Secret::new("é".repeat(length))))]
    #[case(TO, |config: &mut Config, length: usize| config.to = vec!["a".to_owned(), "b".repeat(length - 2)])]
    #[case(CC, |config: &mut Config, length: usize| config.cc = vec!["a".to_owned(), "b".repeat(length - 2)])]
    #[case(SUBJECT, |config: &mut Config, length: usize| config.subject = Some("é".repeat(length)))]
    #[case(BODY_TEXT, |config: &mut Config, length: usize| config.body_text = Some("a".repeat(length)))]
    #[case(BODY_FILE, |config: &mut Config, length: usize| config.body_file = Some(FileSource::Path(PathBuf::from("é".repeat(length)))))]
    #[case(ATTACHMENT, |config: &mut Config, length: usize| config.attachments = vec![FileSource::Path(PathBuf::from("é".repeat(length)))])]
    fn each_limit_is_kept_and_not_one_less(#[case] limit: Limit, #[case] fill: Fill) {
        let mut config = example::config();
        fill(&mut config, limit.most);
        assert_eq!(check(&config), Ok(()));
        fill(&mut config, limit.most + 1);
        assert_eq!(check(&config), Err(limit));
    }

    #[test]
    fn a_refusal_names_the_property_and_its_limit() {
        assert_eq!(CC.to_string(), "CC is longer than 1024 characters");
    }
}
