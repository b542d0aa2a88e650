//! What the adapter says of sender and recipients (RFC 5321 section 4.1.1).

use super::super::compose::DeliveryReports;
use super::super::mailbox::{least_quoted, with_a_labels};
use super::super::twin::Twin;
use super::wire_form::Stuffed;
use super::{Failure, Reply, Session};

impl Session<'_> {
    pub(super) fn mail_line(&self) -> Result<String, Failure> {
        let mail = self.context.mail;
        let from = if self.is(Twin::NobodySends) {
            ""
        } else {
            mail.from.as_str()
        };
        let mut line = format!("MAIL FROM:<{}>", self.path(from));
        line.push_str(self.parameters()?);
        if let Some(octets) = self.declared() {
            line.push_str(" SIZE=");
            line.push_str(&octets.to_string());
        }
        if self.notifies() {
            line.push_str(" RET=HDRS");
        }
        if self.context.config.transfer.require_tls_onward && !self.is(Twin::ForgetsOnwardTls) {
            // What is offered in clear is no promise (RFC 8689 section 4.2.1).
            if !self.connection.is_tls() || !self.offers.has("REQUIRETLS") {
                return Err(Failure::NotOffered("REQUIRETLS under TLS"));
            }
            line.push_str(" REQUIRETLS");
        }
        Ok(line)
    }

    pub(super) fn rcpt_line(&self, recipient: &str) -> String {
        let notify = if self.notifies() {
            " NOTIFY=SUCCESS,FAILURE"
        } else {
            ""
        };
        format!("RCPT TO:<{}>{notify}", self.path(recipient))
    }

    /// What MAIL has to announce of the message, where the server offers that: eight bits (RFC 6152 section 3), and
    /// addresses outside ASCII (RFC 6531 section 3.4).
    fn parameters(&self) -> Result<&'static str, Failure> {
        let mail = self.context.mail;
        if self.is(Twin::AssumesExtensions) {
            return Ok(" BODY=8BITMIME SIZE=4096");
        }
        let offered = self.offers.has("SMTPUTF8");
        if self.is(Twin::Utf8Always) && offered {
            return Ok(" SMTPUTF8");
        }
        if mail.utf8_local_parts() && !offered && !self.is(Twin::Utf8Anyway) {
            return Err(Failure::NotOffered("SMTPUTF8, which an address needs"));
        }
        if mail.utf8() && offered {
            return Ok(if self.is(Twin::Utf8Unannounced) {
                " BODY=8BITMIME"
            } else {
                " BODY=8BITMIME SMTPUTF8"
            });
        }
        if mail.binary() {
            // Without chunks there is no way to send it (RFC 3030 section 3).
            return if self.offers.has("BINARYMIME") && self.offers.has("CHUNKING") {
                Ok(" BODY=BINARYMIME")
            } else {
                Err(Failure::NotOffered("BINARYMIME, which the content needs"))
            };
        }
        if !mail.eight_bit() || self.is(Twin::EightBitUnannounced) {
            return Ok("");
        }
        if self.offers.has("8BITMIME") {
            Ok(" BODY=8BITMIME")
        } else if self.is(Twin::EightBitAnyway) {
            Ok("")
        } else {
            Err(Failure::NotOffered("8BITMIME, which the content needs"))
        }
    }

    /// Whether delivery reports are asked for in the envelope (RFC 3461).
    pub(super) fn notifies(&self) -> bool {
        matches!(self.context.mail.reports, DeliveryReports::Asked(_))
            && (self.offers.has("DSN") || self.is(Twin::NotifiesAnyway))
    }

    /// The length that is declared with SIZE, where that is wanted and offered: header, body and line ends, as they are before
    /// dots are stuffed (RFC 1870 section 6).
    fn declared(&self) -> Option<u64> {
        let mail = self.context.mail;
        if !self.context.config.transfer.declare_size || !self.offers.has("SIZE") {
            return None;
        }
        if self.is(Twin::DeclaresBodyOnly) {
            return Some(mail.body().len() as u64);
        }
        let message = self.message();
        if self.is(Twin::CountsTheDots) {
            return Some(Stuffed::new(&message, &[]).octets());
        }
        let end = if message.ends_with(b"\r\n") { 0 } else { 2 };
        Some(message.len() as u64 + end)
    }

    /// A mailbox as it crosses: its local part with the least quoting (RFC 5321 section 4.1.2), and its domain in ASCII where the
    /// server takes nothing else (RFC 6531 section 3.7).
    fn path(&self, mailbox: &str) -> String {
        let plain = least_quoted(mailbox).filter(|_| !self.is(Twin::QuotesAsGiven));
        let mailbox = plain.unwrap_or_else(|| mailbox.to_owned());
        let offered = self.offers.has("SMTPUTF8") && !self.is(Twin::ALabelsAlways);
        if offered || self.is(Twin::Utf8Anyway) {
            return mailbox;
        }
        with_a_labels(&mailbox).into_owned()
    }

    /// The code by which a refused recipient goes: 552 is 452 where it means too many of them (RFC 5321 section 4.5.3.1.10).
    pub(super) fn taken_for(&self, reply: &Reply) -> u16 {
        let too_many = reply.text().contains("5.5.3");
        if reply.code == 552 && too_many && !self.is(Twin::ExcessIsFinal) {
            return 452;
        }
        reply.code
    }
}
