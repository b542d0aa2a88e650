//! TLS in the dialogue (RFC 3207): whether, when, and what happens where it does not come.

use claims::given::ClientTls;

use super::super::client_tls::Trust;
use super::super::twin::Twin;
use super::failure::Failure;
use super::{Reply, Session};

impl Session<'_> {
    /// Whether the connection begins with a TLS handshake.
    pub(super) fn begins_with_tls(&self) -> bool {
        self.is(Twin::ImplicitTls) || self.context.config.tls == ClientTls::Implicit
    }

    /// Upgrades the connection after EHLO, as far as the configuration wants it.
    ///
    /// A server that does not offer STARTTLS can do without where TLS is opportunistic. One that offers it and then
    /// refuses cannot: what answers so may be somebody between the two (RFC 3207 section 6).
    pub(super) async fn secure(&mut self) -> Result<(), Failure> {
        if self.connection.is_tls() {
            return Ok(());
        }
        if self.is(Twin::Tunnel) {
            self.starttls().await?;
            return self.hello().await;
        }
        if self.is(Twin::Starttls) && self.offers.has("STARTTLS") {
            return match self.starttls().await {
                Ok(()) => self.hello().await,
                Err(Failure::Refused { .. }) => Ok(()),
                Err(failure) => Err(failure),
            };
        }
        match (self.context.config.tls, self.offers.has("STARTTLS")) {
            (ClientTls::Never | ClientTls::Implicit, _) | (ClientTls::Opportunistic, false) => {
                return Ok(());
            }
            (ClientTls::Required, false) if self.is(Twin::TlsIfConvenient) => return Ok(()),
            (ClientTls::Required, false) => return Err(Failure::NotOffered("STARTTLS")),
            (ClientTls::Opportunistic | ClientTls::Required, true) => {}
        }
        if self.is(Twin::LogsInFirst) {
            self.authenticate().await?;
            self.logged_in = true;
        }
        match self.starttls().await {
            Err(Failure::Refused { .. }) if self.is(Twin::TlsIfConvenient) => return Ok(()),
            result => result?,
        }
        if self.is(Twin::KeepsOffers) {
            return Ok(());
        }
        // What was learned in clear is worth nothing now (RFC 3207 section 4.2).
        self.hello().await?;
        if self.is(Twin::StarttlsTwice) && self.offers.has("STARTTLS") {
            let _ = self.connection.command("STARTTLS").await?;
        }
        Ok(())
    }

    /// STARTTLS, and the handshake after a 220.
    pub(super) async fn starttls(&mut self) -> Result<(), Failure> {
        let line = if self.is(Twin::PipelinesPastStarttls) {
            "STARTTLS\r\nNOOP"
        } else {
            "STARTTLS"
        };
        let reply = self.connection.command(line).await?;
        if !agrees(&reply) && !self.is(Twin::HandshakeRegardless) {
            return Err(Failure::Refused {
                command: "STARTTLS",
                code: reply.code,
            });
        }
        self.upgrade().await
    }

    /// The handshake.
    pub(super) async fn upgrade(&mut self) -> Result<(), Failure> {
        let trust = self.trust();
        if self.is(Twin::KeepsInjected) {
            let server = self.context.server;
            return self.connection.upgrade_at_once(server, &trust).await;
        }
        self.connection.upgrade(self.context.server, &trust).await
    }

    /// Twins that break claims about the documented adapter, which has no TLS, are not about certificates.
    fn trust(&self) -> Trust {
        let network = &self.context.environment.network;
        let anyone = network.any_certificate || self.is(Twin::TrustsAnyone);
        if self.context.config.tls == ClientTls::Never || anyone {
            return Trust::Anyone;
        }
        Trust::Authority(
            self.context
                .environment
                .authority
                .clone()
                .unwrap_or_default(),
        )
    }
}

/// Whether the server is ready for the handshake: no other code says so (RFC 3207 section 4).
fn agrees(reply: &Reply) -> bool {
    reply.code == 220
}
