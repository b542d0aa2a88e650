//! Macros in the Subject, To and CC properties.
//!
//! The documentation lists ten. All work in the Subject; only `%DestinationParty%` works in To and CC. A macro whose
//! source property is not set, that is misspelt, or whose value does not fit into a header field, is not replaced.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::config::{Config, Payload};
use super::environment::Environment;
use super::readings::UnresolvedMacro;
use super::refusal::Refusal;
use super::twin::{Twin, Twins};

/// Where macros get their values from.
pub(super) struct Values<'a> {
    /// The message.
    pub(super) payload: &'a Payload,
    /// The time.
    pub(super) now: Timestamp,
    /// The zone of local times.
    pub(super) zone: TimeZone,
    /// What becomes of a macro in an address that has no value.
    pub(super) unresolved: UnresolvedMacro,
}

impl<'a> Values<'a> {
    /// Those of a message.
    pub(super) fn new(
        config: &Config,
        twins: &Twins,
        environment: &Environment,
        payload: &'a Payload,
    ) -> Self {
        let unresolved = if twins.has(Twin::SendsUnresolvedMacros) {
            UnresolvedMacro::Leave
        } else {
            config.readings.unresolved_macro
        };
        Self {
            payload,
            now: environment.clock.now(),
            zone: environment.clock.zone(),
            unresolved,
        }
    }

    /// The Subject with its macros replaced. What cannot be replaced stays as it was written.
    pub(super) fn subject(&self, template: &str) -> String {
        let value = |name: &str| {
            self.lookup(name)
                .filter(|value| !value.chars().any(char::is_control))
        };
        expand(template, value).0
    }

    /// An address of To or CC with its macro replaced.
    ///
    /// # Errors
    /// [`Refusal::Macro`] where a macro is left over, in the reading in which the message is then suspended.
    pub(super) fn address(
        &self,
        property: &'static str,
        template: &str,
    ) -> Result<String, Refusal> {
        let value = |name: &str| {
            let value = if name == "DestinationParty" {
                self.lookup(name)?
            } else {
                return None;
            };
            let fits =
                |c: char| !c.is_control() && !c.is_whitespace() && !"<>()[],;:\\\"".contains(c);
            value.chars().all(fits).then_some(value)
        };
        self.resolved(property, expand(template, value))
    }

    /// A property in which no macro works.
    ///
    /// # Errors
    /// [`Refusal::Macro`] where one stands there all the same, as with [`Values::address`].
    pub(super) fn without_macros(
        &self,
        property: &'static str,
        value: &str,
    ) -> Result<String, Refusal> {
        self.resolved(property, expand(value, |_| None))
    }

    fn resolved(
        &self,
        property: &'static str,
        (value, left): (String, Option<String>),
    ) -> Result<String, Refusal> {
        match (left, self.unresolved) {
            (Some(name), UnresolvedMacro::Suspend) => Err(Refusal::Macro { property, name }),
            (None, _) | (_, UnresolvedMacro::Leave) => Ok(value),
        }
    }

    fn lookup(&self, name: &str) -> Option<String> {
        let utc = || self.now.to_zoned(TimeZone::UTC);
        let local = || self.now.to_zoned(self.zone.clone());
        match name {
            "MessageID" => Some(self.payload.message_id.clone()),
            "datetime" => Some(utc().strftime("%Y-%m-%dT%H%M%S").to_string()),
            // Fifteen digits: the last three are two digits of seconds and one of tenths of a second.
            "datetime_bts2000" => {
                let now = utc();
                Some(format!(
                    "{}{}",
                    now.strftime("%Y%m%d%H%M%S"),
                    now.millisecond() / 100
                ))
            }
            "datetime.tz" => Some(format!(
                "{}{}",
                local().strftime("%Y-%m-%dT%H%M%S"),
                offset(local().offset())
            )),
            "time" => Some(utc().strftime("%H%M%S").to_string()),
            "time.tz" => Some(format!(
                "{}{}",
                local().strftime("%H%M%S"),
                offset(local().offset())
            )),
            "SourceParty" => self.payload.source_party.clone(),
            "DestinationParty" => self.payload.destination_party.clone(),
            "SourcePartyQualifier" => self.payload.source_party_qualifier.clone(),
            "DestinationPartyQualifier" => self.payload.destination_party_qualifier.clone(),
            _ => None,
        }
        .filter(|value| !value.is_empty())
    }
}

/// The documented form of a time zone: a sign, hours without a leading zero, two digits of minutes (`+800`, `+530`).
fn offset(offset: jiff::tz::Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{}{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// Replaces `%name%` by what `value` has for `name`. Returns the text and the first name that was not replaced.
/// Replaced text is not read again.
fn expand(template: &str, value: impl Fn(&str) -> Option<String>) -> (String, Option<String>) {
    let mut out = String::with_capacity(template.len());
    let mut left = None;
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let name = after.split_once('%').filter(|(name, _)| is_name(name));
        match name.map(|(name, tail)| (name, tail, value(name))) {
            Some((_, tail, Some(value))) => {
                out.push_str(&value);
                rest = tail;
            }
            Some((name, tail, None)) => {
                left.get_or_insert_with(|| name.to_owned());
                out.push('%');
                out.push_str(name);
                out.push('%');
                rest = tail;
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    (out, left)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::config::MimeProperties;
    use super::*;

    fn payload() -> Payload {
        Payload {
            message_id: "0f8fad5b-d9cb-469f-a165-70867728950e".to_owned(),
            body: Vec::new(),
            content_type: "text/xml".to_owned(),
            source_party: Some("Contoso".to_owned()),
            source_party_qualifier: None,
            destination_party: Some("orders@fabrikam.example".to_owned()),
            destination_party_qualifier: Some("EmailDomain".to_owned()),
            parts: Vec::new(),
            mime: MimeProperties::default(),
        }
    }

    fn values(payload: &Payload, zone: TimeZone) -> Values<'_> {
        Values {
            payload,
            now: "1997-07-12T10:35:23.456Z".parse().unwrap(),
            zone,
            unresolved: UnresolvedMacro::Suspend,
        }
    }

    #[rstest]
    #[case("%MessageID%", "0f8fad5b-d9cb-469f-a165-70867728950e")]
    #[case("%datetime%", "1997-07-12T103523")]
    #[case("%datetime_bts2000%", "199707121035234")]
    #[case("%datetime.tz%", "1997-07-12T183523+800")]
    #[case("%time%", "103523")]
    #[case("%time.tz%", "183523+800")]
    #[case("%SourceParty%", "Contoso")]
    #[case("%DestinationParty%", "orders@fabrikam.example")]
    #[case("%SourcePartyQualifier%", "%SourcePartyQualifier%")]
    #[case("%DestinationPartyQualifier%", "EmailDomain")]
    #[case("%messageid%", "%messageid%")]
    #[case("%%MessageID%%", "%0f8fad5b-d9cb-469f-a165-70867728950e%")]
    #[case("100 % of %SourceParty% at %time%", "100 % of Contoso at 103523")]
    #[case("%", "%")]
    #[case("", "")]
    fn subject_macros(#[case] template: &str, #[case] expected: &str) {
        let payload = payload();
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        assert_eq!(values(&payload, zone).subject(template), expected);
    }

    #[test]
    fn half_hours_and_western_zones_keep_two_digits_of_minutes() {
        assert_eq!(
            offset(jiff::tz::Offset::from_seconds(5 * 3600 + 1800).unwrap()),
            "+530"
        );
        assert_eq!(
            offset(jiff::tz::Offset::from_seconds(-(3 * 3600 + 1800)).unwrap()),
            "-330"
        );
        assert_eq!(offset(jiff::tz::Offset::UTC), "+000");
    }

    #[test]
    fn a_value_with_a_line_break_is_not_replaced() {
        let payload = Payload {
            source_party: Some("a\r\nBcc: b@example.test".to_owned()),
            ..payload()
        };
        assert_eq!(
            values(&payload, TimeZone::UTC).subject("from %SourceParty%"),
            "from %SourceParty%"
        );
    }

    #[test]
    fn addresses_take_the_destination_party_only() {
        let with = payload();
        let values_with = values(&with, TimeZone::UTC);
        assert_eq!(
            values_with.address("To", "%DestinationParty%").unwrap(),
            "orders@fabrikam.example"
        );
        assert_eq!(
            values_with.address("To", "50%off@example.test").unwrap(),
            "50%off@example.test"
        );
        assert!(matches!(
            values_with.address("CC", "%SourceParty%@example.test"),
            Err(Refusal::Macro { property: "CC", name }) if name == "SourceParty"
        ));
        let without = Payload {
            destination_party: None,
            ..payload()
        };
        assert!(
            values(&without, TimeZone::UTC)
                .address("To", "%DestinationParty%")
                .is_err()
        );
        let hostile = Payload {
            destination_party: Some("a@b>\r\nRCPT TO:<c@d".to_owned()),
            ..payload()
        };
        assert!(
            values(&hostile, TimeZone::UTC)
                .address("To", "%DestinationParty%")
                .is_err()
        );
    }

    #[test]
    fn in_the_other_reading_a_macro_without_a_value_stays() {
        let payload = payload();
        let values = Values {
            unresolved: UnresolvedMacro::Leave,
            ..values(&payload, TimeZone::UTC)
        };
        let address = "%SourceParty%@example.test";
        assert_eq!(values.address("CC", address).unwrap(), address);
        assert_eq!(values.without_macros("From", address).unwrap(), address);
    }

    proptest::proptest! {
        #[test]
        fn text_without_percent_signs_is_left_alone(text in "[^%]{0,200}") {
            let payload = payload();
            proptest::prop_assert_eq!(values(&payload, TimeZone::UTC).subject(&text), text);
        }
    }
}
