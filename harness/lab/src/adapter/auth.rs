//! Authentication: which mechanism, as whom, and the exchange itself (RFC 4954).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use rand::Rng;
use smtp::Secret;
use smtp::ntlm::{self, ClientIdentity, FileTime};

use super::config::{AuthMode, BasicMechanism, Config};
use super::environment::Environment;
use super::session::{Connection, Failure, Reply};
use super::twin::{Twin, Twins};

/// Longest command line, without CR LF (RFC 5321 section 4.5.3.1.4). An initial response that would make the line longer
/// is sent on a line of its own.
const LONGEST_COMMAND: usize = 510;

/// Longest line of an exchange, with its end (RFC 4954 section 4).
const LONGEST_RESPONSE: usize = 12_288;

/// What the NTLM messages say of the sender's system: Windows Server 2019, the last that the product was made for.
const VERSION: ntlm::Version = ntlm::Version {
    major: 10,
    minor: 0,
    build: 17_763,
    revision: 15,
};

/// A SASL mechanism that the adapter or one of its twins speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// MS-SMTPNTLM.
    Ntlm,
    /// MS-XLOGIN.
    Login,
    /// RFC 4616.
    Plain,
    /// RFC 2195.
    CramMd5,
}

impl Mechanism {
    /// The name in EHLO replies and AUTH commands.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ntlm => "NTLM",
            Self::Login => "LOGIN",
            Self::Plain => "PLAIN",
            Self::CramMd5 => "CRAM-MD5",
        }
    }
}

impl From<BasicMechanism> for Mechanism {
    fn from(mechanism: BasicMechanism) -> Self {
        match mechanism {
            BasicMechanism::Login => Self::Login,
            BasicMechanism::Plain => Self::Plain,
        }
    }
}

/// What to do about authentication in one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing.
    Skip,
    /// Try these in order. Only a twin has more than one.
    Try(Vec<Mechanism>),
    /// Give up: this mechanism is not offered.
    GiveUp(&'static str),
}

/// Decides by what the server offers (mechanism names in upper case).
pub(super) fn plan(config: &Config, twins: &Twins, offered: &[String]) -> Plan {
    let offers = |mechanism: Mechanism| offered.iter().any(|name| name == mechanism.name());
    if twins.has(Twin::CramMd5) && offers(Mechanism::CramMd5) {
        return Plan::Try(vec![Mechanism::CramMd5]);
    }
    let configured = match config.auth {
        AuthMode::None if twins.has(Twin::AuthInNone) => {
            [config.mechanism.into(), Mechanism::Login, Mechanism::Plain]
                .into_iter()
                .find(|&one| offers(one))
        }
        AuthMode::None => None,
        AuthMode::Basic if twins.has(Twin::HidesPassword) => Some(Mechanism::CramMd5),
        AuthMode::Basic => Some(config.mechanism.into()),
        AuthMode::Ntlm => Some(Mechanism::Ntlm),
    };
    let Some(configured) = configured else {
        return Plan::Skip;
    };
    let mut order = vec![configured];
    if twins.has(Twin::FallsBack) {
        let others = [Mechanism::Ntlm, Mechanism::Login, Mechanism::Plain];
        order.extend(others.into_iter().filter(|&one| one != configured));
    }
    order.retain(|&one| offers(one));
    misbehave::reorder(&mut order, twins);
    match order.as_slice() {
        [] if twins.has(Twin::SendsUnauthenticated) => Plan::Skip,
        [] => Plan::GiveUp(configured.name()),
        _ => Plan::Try(order),
    }
}

/// Who authenticates.
struct Identity {
    domain: String,
    user: String,
    password: Secret,
    workstation: String,
}

impl Identity {
    /// For mechanisms with a user name and a password: the configured ones, or, for twins that have none, the account's.
    fn configured(config: &Config, twins: &Twins) -> Self {
        let account = &config.account;
        let (user, password) = match (&config.username, &config.password) {
            (Some(user), Some(password)) => (prepared(user, twins), password.clone()),
            _ => (account.user.clone(), account.password.clone()),
        };
        Self {
            domain: account.domain.clone(),
            user,
            password,
            workstation: account.workstation.clone(),
        }
    }

    /// For NTLM: the account of the host instance, unless a twin wants another.
    fn windows(config: &Config, twins: &Twins) -> Self {
        let account = &config.account;
        if twins.has(Twin::ConfiguredUser) || config.auth != AuthMode::Ntlm {
            let identity = Self::configured(config, twins);
            // NTLM has a field of its own for the domain.
            return match identity.user.split_once('\\') {
                Some((domain, user)) => Self {
                    domain: domain.to_owned(),
                    user: user.to_owned(),
                    ..identity
                },
                None => identity,
            };
        }
        let own = Self {
            domain: account.domain.clone(),
            user: account.user.clone(),
            password: account.password.clone(),
            workstation: account.workstation.clone(),
        };
        misbehave::account(own, twins)
    }
}

/// A user name as it is sent: prepared with `SASLprep`, where that has a form for it (RFC 4954 section 4).
fn prepared(user: &str, twins: &Twins) -> String {
    match stringprep::saslprep(user) {
        Ok(prepared) if !twins.has(Twin::NamesAsGiven) => prepared.into_owned(),
        _ => user.to_owned(),
    }
}

/// Runs the exchanges of a plan until one succeeds.
///
/// # Errors
/// The failure of the last one. Only a refusal, or a challenge that could not be answered, leads to the next.
pub(super) async fn authenticate(
    connection: &mut Connection,
    config: &Config,
    twins: &Twins,
    environment: &mut Environment,
    order: &[Mechanism],
) -> Result<(), Failure> {
    let mut result = Ok(());
    for &mechanism in order {
        let mut exchange = Exchange {
            connection,
            mechanism,
            twins,
            initial_response: config.initial_response,
        };
        let identity = misbehave::identity(Identity::configured(config, twins), mechanism, twins);
        result = match mechanism {
            Mechanism::Ntlm => {
                exchange
                    .ntlm(&Identity::windows(config, twins), environment)
                    .await
            }
            Mechanism::Login => exchange.login(&identity).await,
            Mechanism::Plain => exchange.plain(&identity).await,
            Mechanism::CramMd5 => exchange.cram_md5(&identity).await,
        };
        // After 421 nobody is there to try anything else with.
        let next = match &result {
            Err(Failure::Refused { code, .. }) => *code != 421,
            Err(Failure::Challenge(_)) => true,
            _ => false,
        };
        if !next {
            break;
        }
    }
    result
}

/// One AUTH exchange.
struct Exchange<'a> {
    connection: &'a mut Connection,
    mechanism: Mechanism,
    twins: &'a Twins,
    initial_response: bool,
}

impl Exchange<'_> {
    async fn login(&mut self, identity: &Identity) -> Result<(), Failure> {
        match self.begin(identity.user.as_bytes()).await? {
            None => Ok(()),
            Some(prompt) if !self.understands(&prompt) => Err(self.cancel().await),
            Some(_) => {
                self.connection.password_in_clear(self.mechanism.name());
                self.finish(identity.password.expose()).await
            }
        }
    }

    /// Whether a challenge can be read. What the servers of LOGIN ask for is told by the order and not by the words, but
    /// it must be base64 (RFC 4954 section 4).
    fn understands(&self, challenge: &Reply) -> bool {
        if self.twins.has(Twin::AnswersAnyChallenge) {
            return true;
        }
        let text = BASE64_STANDARD.decode(challenge.text().trim());
        if self.twins.has(Twin::ReadsPrompts) && self.mechanism == Mechanism::Login {
            return text.is_ok_and(|text| misbehave::is_usual_prompt(&text));
        }
        text.is_ok()
    }

    async fn plain(&mut self, identity: &Identity) -> Result<(), Failure> {
        let mut message = vec![0];
        message.extend_from_slice(identity.user.as_bytes());
        message.push(0);
        message.extend_from_slice(identity.password.expose());
        self.connection.password_in_clear(self.mechanism.name());
        match self.begin(&message).await? {
            None => Ok(()),
            Some(_) => Err(self.cancel().await),
        }
    }

    async fn cram_md5(&mut self, identity: &Identity) -> Result<(), Failure> {
        let reply = self.say("AUTH CRAM-MD5", "AUTH CRAM-MD5").await?;
        let Some(reply) = challenge(reply)? else {
            return Ok(());
        };
        let Ok(challenge) = BASE64_STANDARD.decode(reply.text().trim()) else {
            return Err(self.cancel().await);
        };
        let Ok(mut mac) = Hmac::<Md5>::new_from_slice(identity.password.expose()) else {
            return Err(self.cancel().await);
        };
        mac.update(&challenge);
        let answer = format!(
            "{} {}",
            identity.user,
            hex::encode(mac.finalize().into_bytes())
        );
        self.finish(answer.as_bytes()).await
    }

    async fn ntlm(
        &mut self,
        identity: &Identity,
        environment: &mut Environment,
    ) -> Result<(), Failure> {
        let negotiate = ntlm::negotiate(Some(VERSION));
        let Some(mut reply) = self.begin(&negotiate).await? else {
            return Ok(());
        };
        if self.twins.has(Twin::NegotiatesTwice) && self.initial_response {
            let again = self.say(&BASE64_STANDARD.encode(&negotiate), "…").await?;
            let Some(again) = challenge(again)? else {
                return Ok(());
            };
            reply = again;
        }
        let mut client_challenge = [0; 8];
        environment.rng.fill_bytes(&mut client_challenge);
        let who = ClientIdentity {
            domain: &identity.domain,
            user: &identity.user,
            password: &identity.password,
            workstation: &identity.workstation,
        };
        let answer = BASE64_STANDARD
            .decode(reply.text().trim())
            .ok()
            .and_then(|bytes| {
                let mut challenge = ntlm::Challenge::parse(&bytes).ok()?;
                let now = FileTime(environment.clock.filetime());
                misbehave::challenge(&mut challenge, self.twins);
                if misbehave::misses_something(&challenge, self.twins) {
                    return None;
                }
                if misbehave::goes_down(&challenge, self.twins) {
                    return misbehave::version_one(&challenge, &who);
                }
                ntlm::respond(&negotiate, &challenge, &who, client_challenge, now).ok()
            })
            .or_else(|| misbehave::answer_to_nothing(&negotiate, &who, self.twins));
        match answer.map(|answer| misbehave::authenticate(answer, self.twins)) {
            Some(answer) => self.finish(&answer).await,
            None => Err(self.cancel().await),
        }
    }

    /// Opens the exchange and sends the first message: in the AUTH line, or after the server asked for it, in which case
    /// the text of its question means nothing. Gives the challenge to that message, or `None` where the server is content.
    async fn begin(&mut self, message: &[u8]) -> Result<Option<Reply>, Failure> {
        let name = self.mechanism.name();
        let bare = format!("AUTH {name}");
        // An empty initial response is written as one equals sign (RFC 4954 section 4).
        let text = if message.is_empty() && self.twins.has(Twin::EmptyAsNothing) {
            String::new()
        } else if message.is_empty() {
            "=".to_owned()
        } else {
            BASE64_STANDARD.encode(message)
        };
        let line = format!("{bare} {text}");
        let fits = line.len() <= LONGEST_COMMAND || self.twins.has(Twin::LongAuthLine);
        if self.initial_response && fits {
            let reply = self.say(&line, &format!("{bare} …")).await?;
            return challenge(reply);
        }
        let reply = self.say(&bare, &bare).await?;
        let Some(request) = challenge(reply)? else {
            return Ok(None);
        };
        let ntlm = self.mechanism == Mechanism::Ntlm;
        if ntlm && misbehave::believes(&request, self.twins) {
            return Ok(Some(request));
        }
        if ntlm && self.twins.has(Twin::NeedsNtlmText) && request.text().trim().is_empty() {
            return Err(self.cancel().await);
        }
        let free = ntlm && !self.twins.has(Twin::DecodesNtlmText);
        if !free && !self.understands(&request) {
            return Err(self.cancel().await);
        }
        let reply = self.say(&BASE64_STANDARD.encode(message), "…").await?;
        challenge(reply)
    }

    /// Sends the last message, after which there is nothing left to ask.
    async fn finish(&mut self, message: &[u8]) -> Result<(), Failure> {
        let line = BASE64_STANDARD.encode(message);
        if line.len() + 2 > LONGEST_RESPONSE {
            return Err(self.cancel().await);
        }
        let reply = self.say(&line, "…").await?;
        match challenge(reply)? {
            None => Ok(()),
            Some(_) => Err(self.cancel().await),
        }
    }

    /// Gives the exchange up (RFC 4954 section 4).
    async fn cancel(&mut self) -> Failure {
        match self.say("*", "*").await {
            Ok(_) => Failure::Challenge(self.mechanism.name()),
            Err(failure) => failure,
        }
    }

    async fn say(&mut self, line: &str, shown: &str) -> Result<Reply, Failure> {
        let reply = self.connection.hidden_command(line, shown).await?;
        misbehave::read(reply, self.twins)
    }
}

/// `None` for success, the reply for a challenge, and a failure for anything else.
fn challenge(reply: Reply) -> Result<Option<Reply>, Failure> {
    match reply.code {
        235 => Ok(None),
        334 => Ok(Some(reply)),
        code => Err(Failure::Refused {
            command: "AUTH",
            code,
        }),
    }
}

mod misbehave;
#[cfg(test)]
mod tests;
