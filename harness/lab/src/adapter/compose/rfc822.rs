//! A body part that is a message itself (`message/rfc822`).
//!
//! No page of the documentation speaks of it. A report from the field does: the part is sent as the mail, with its own header,
//! and the mail goes to the recipients in its To as well as to those of the port. So what is in a payload decides who gets it.

use smtp::message::Message;

use super::super::config::{Config, Payload};
use super::super::readings::Rfc822Payload;
use super::super::refusal::Refusal;
use super::encoding::{canonical, travels_as_is};

/// Most recipients that a payload can add.
const MOST_RECIPIENTS: usize = 1000;

/// A message out of a payload.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Embedded {
    /// It, with CR LF line ends.
    pub(super) message: Vec<u8>,
    /// The addresses in its To.
    pub(super) to: Vec<String>,
}

/// The message that is the body part, where it is one and is to be sent as it is: not where an encoder makes an entity of
/// it, or where something else is the text.
///
/// # Errors
/// [`Refusal::Rfc822`] where it is labelled as a message and cannot travel as one.
pub(super) fn embedded(config: &Config, payload: &Payload) -> Result<Option<Embedded>, Refusal> {
    let media = payload.content_type.split(';').next().unwrap_or_default();
    let other_text =
        config.encoder.is_some() || config.body_text.is_some() || config.body_file.is_some();
    if !media.trim().eq_ignore_ascii_case("message/rfc822")
        || config.readings.rfc822 == Rfc822Payload::Body
        || other_text
    {
        return Ok(None);
    }
    let message = canonical(&payload.body);
    if !travels_as_is(&message, false) {
        return Err(Refusal::Rfc822(
            "it has a line of more than 998 octets or a control character",
        ));
    }
    let read = Message::read(&message);
    if read.fields().is_empty() {
        return Err(Refusal::Rfc822("it has no header"));
    }
    let to: Vec<String> = read
        .addresses("To")
        .into_iter()
        .map(|(address, _)| address)
        .collect();
    if to.len() > MOST_RECIPIENTS {
        return Err(Refusal::Rfc822("it names more than 1,000 recipients"));
    }
    Ok(Some(Embedded { message, to }))
}

#[cfg(test)]
mod tests {
    use super::super::super::example;
    use super::*;

    const MAIL: &str = "From: x@partner.example\nTo: Eve <eve@elsewhere.example>,\n mallory@elsewhere.example\nSubject: own\n\nbody\n";

    fn payload(body: &str) -> Payload {
        Payload {
            content_type: "Message/RFC822; charset=utf-8".to_owned(),
            body: body.as_bytes().to_vec(),
            ..example::payload()
        }
    }

    #[test]
    fn the_part_is_the_mail_and_names_recipients() {
        let found = embedded(&example::config(), &payload(MAIL))
            .unwrap()
            .unwrap();
        assert_eq!(found.message, MAIL.replace('\n', "\r\n").as_bytes());
        assert_eq!(
            found.to,
            ["eve@elsewhere.example", "mallory@elsewhere.example"]
        );
    }

    #[test]
    fn another_type_another_text_or_the_other_reading_leave_it_alone() {
        let mut config = example::config();
        assert_eq!(embedded(&config, &example::payload()), Ok(None));
        config.body_text = Some("x".to_owned());
        assert_eq!(embedded(&config, &payload(MAIL)), Ok(None));
        let mut config = example::config();
        config.readings.rfc822 = Rfc822Payload::Body;
        assert_eq!(embedded(&config, &payload(MAIL)), Ok(None));
    }

    #[test]
    fn what_cannot_travel_is_refused() {
        let refused = |body: &str| embedded(&example::config(), &payload(body)).is_err();
        assert!(refused(""));
        assert!(refused("To: a@b.example\n\n\0"));
        assert!(refused(&format!(
            "To: a@b.example\n\n{}\n",
            "x".repeat(999)
        )));
        let many = "a@b.example, ".repeat(1001);
        assert!(refused(&format!(
            "To: {}\n\nx\n",
            many.replace(", ", ",\n ")
        )));
    }

    proptest::proptest! {
        #[test]
        fn any_payload_is_a_message_or_refused(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..500)) {
            let payload = Payload { body, ..payload("") };
            let _ = embedded(&example::config(), &payload);
        }
    }
}
