//! The envelope in one group of commands (RFC 2920).

use super::{Failure, Reply, Session, positive, wire_form};
use crate::adapter::twin::Twin;

impl Session<'_> {
    /// Whether the envelope goes in one group.
    pub(super) fn pipelines(&self) -> bool {
        let may = self.context.config.transfer.pipelining && self.offers.has("PIPELINING");
        may || self.is(Twin::PipelinesUnasked)
    }

    /// AUTH with MAIL behind it in one group, which leaves the exchange without a use, as a bad twin does.
    pub(super) async fn past_auth(&mut self) -> Result<(), Failure> {
        let lines = format!("AUTH LOGIN\r\n{}\r\n", self.mail_line()?);
        self.connection
            .bytes(lines.as_bytes(), "a group of commands")
            .await?;
        self.connection.reply().await?;
        self.connection.reply().await?;
        Ok(())
    }

    /// A transaction for each recipient, as a bad twin does.
    pub(super) async fn one_by_one(&mut self) -> Result<(), Failure> {
        for recipient in &self.context.mail.recipients {
            for line in [self.mail_line()?, self.rcpt_line(recipient)] {
                positive("the envelope", &self.connection.command(&line).await?)?;
            }
            self.data().await?;
        }
        Ok(())
    }

    /// MAIL, every RCPT and DATA at once, then their replies, one for each, and then the message.
    pub(super) async fn group(&mut self) -> Result<(), Failure> {
        let mail = self.mail_line()?;
        let recipients = &self.context.mail.recipients;
        let mut lines = vec![mail];
        lines.extend(recipients.iter().map(|recipient| self.rcpt_line(recipient)));
        lines.push("DATA".to_owned());
        let mut bytes = lines.join("\r\n").into_bytes();
        bytes.extend_from_slice(b"\r\n");
        if self.is(Twin::PipelinesPastData) {
            bytes.extend(wire_form(self.context.twins, &self.message()));
        }
        self.connection.bytes(&bytes, "a group of commands").await?;
        let mail = self.connection.reply().await?;
        for recipient in recipients {
            let reply = self.connection.reply().await?;
            self.take_rcpt(recipient, &reply)?;
        }
        let data = self.connection.reply().await?;
        let nobody = !mail.is_positive() || self.refused.len() == recipients.len();
        if nobody && !self.is(Twin::ContentForNobody) {
            return self.end_for_nobody(&mail, &data).await;
        }
        if data.code != 354 {
            return Err(Failure::Refused {
                command: "DATA",
                code: data.code,
            });
        }
        if self.is(Twin::PipelinesPastData) {
            positive("the message", &self.connection.reply().await?)?;
            return self.missed();
        }
        self.content().await
    }

    /// With nobody left to deliver to, a 354 is answered with a lone dot (RFC 2920 section 3.1).
    async fn end_for_nobody(&mut self, mail: &Reply, data: &Reply) -> Result<(), Failure> {
        if data.code == 354 {
            self.connection.command(".").await?;
        }
        positive("MAIL", mail)?;
        Err(Failure::Recipients(std::mem::take(&mut self.refused)))
    }
}
