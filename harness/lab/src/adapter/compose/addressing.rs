//! Who a message is from, and who gets it.

use super::super::config::{Config, Payload};
use super::super::environment::Environment;
use super::super::limits::joined;
use super::super::macros::Values;
use super::super::readings::FromMacro;
use super::super::refusal::Refusal;
use super::super::twin::{Twin, Twins};
use super::headers::check;

/// Longest address that is accepted: it still fits into a command line and into a folded header line.
const LONGEST_ADDRESS: usize = 900;

/// From, To, Cc and Bcc with macros replaced, each checked to be an address.
pub(super) struct Addressing {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) cc: Vec<String>,
    pub(super) bcc: Vec<String>,
}

/// Reads them from the configuration.
///
/// # Errors
/// [`Refusal`]: one is missing, or nothing that SMTP can carry.
pub(super) fn addressing(
    config: &Config,
    twins: &Twins,
    environment: &Environment,
    payload: &Payload,
) -> Result<Addressing, Refusal> {
    let values = Values::new(config, twins, environment, payload);
    let address = |property, value: &str| match address(property, value)? {
        address if twins.has(Twin::LowercasesAddresses) => Ok(address.to_ascii_lowercase()),
        address => Ok(address),
    };
    // A twin takes any text for an address.
    let address = |property, value: &str| {
        if twins.trust() {
            return Ok(value.to_owned());
        }
        address(property, value)
    };
    let expand = |property, list: &[String]| -> Result<Vec<String>, Refusal> {
        list.iter()
            .map(|one| address(property, &values.address(property, one)?))
            .collect()
    };
    check("the EHLO name", &config.ehlo)?;
    let sound = !config.ehlo.is_empty()
        && config
            .ehlo
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"<>@".contains(&b));
    if !sound {
        return Err(Refusal::Address("the EHLO name"));
    }
    if config.from.trim().is_empty() {
        return Err(Refusal::Missing("From"));
    }
    let from = match config.readings.from_macro {
        FromMacro::No => values.without_macros("From", &config.from)?,
        FromMacro::Yes => values.address("From", &config.from)?,
    };
    let from = address("From", &from)?;
    let to = expand("To", &config.to)?;
    if to.is_empty() {
        return Err(Refusal::Missing("To"));
    }
    Ok(Addressing {
        from,
        to,
        cc: expand("CC", &config.cc)?,
        bcc: expand("BCC", &config.bcc)?,
    })
}

/// Everybody who gets a RCPT.
pub(super) fn recipients(twins: &Twins, addressing: &Addressing) -> Vec<String> {
    let mut recipients = addressing.to.clone();
    if !twins.has(Twin::CcNotDelivered) {
        recipients.extend(addressing.cc.iter().cloned());
    }
    recipients.extend(addressing.bcc.iter().cloned());
    if twins.has(Twin::BlindCopy) {
        recipients.push(elsewhere("blind-copy", &addressing.from));
    }
    if twins.has(Twin::CutsLongValues) {
        while recipients.len() > 1 && joined(&recipients).len() > 200 {
            recipients.pop();
        }
    }
    recipients
}

/// Accepts what can stand between angle brackets in a command and by itself in a header field, and nothing else. Whether
/// the server takes what is outside ASCII is seen when it says what it offers.
pub(super) fn address(property: &'static str, value: &str) -> Result<String, Refusal> {
    check(property, value)?;
    let value = value.trim();
    let sound = !value.is_empty()
        && value.len() <= LONGEST_ADDRESS
        && value
            .chars()
            .all(|c| !c.is_whitespace() && !c.is_control() && !"<>(),;".contains(c));
    if sound {
        Ok(value.to_owned())
    } else {
        Err(Refusal::Address(property))
    }
}

/// Another address in the domain of `address`.
pub(super) fn elsewhere(local: &str, address: &str) -> String {
    let domain = address
        .rsplit_once('@')
        .map_or("example.test", |(_, domain)| domain);
    format!("{local}@{domain}")
}
