//! GSSAPI, GSS-SPNEGO and NEGOTIATE: GSS-API tokens (RFC 2743 section 3.1, RFC 4178, RFC 4121, MS-SPNG).
//!
//! The name of the mechanism says little about the tokens: clients send SPNEGO under `GSSAPI`, and bare NTLM under
//! `NEGOTIATE`. So the bytes decide.

use cms::der::asn1::ObjectIdentifier;
use wire::Span;

use super::{Text, Turn, text_of};
use crate::ntlm::{Authenticate, Challenge, Negotiate};
use crate::timeline::{GssExchange, GssMechanism, KerberosTicket, Located, NtlmExchange};
use crate::tlv::{child, element};

/// Tokens in tokens beyond this depth are not looked into: SPNEGO holds one, and nothing holds two.
const MAX_DEPTH: u8 = 4;

/// Longest list of mechanisms that is read.
const MAX_MECHANISMS: usize = 32;

const GSS_TOKEN: u8 = 0x60;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const INTEGER: u8 = 0x02;
const GENERAL_STRING: u8 = 0x1b;
const AP_REQ: u8 = 0x6e;
const TICKET: u8 = 0x61;

/// `reject` of `negState` (RFC 4178 section 4.2.2).
const REJECT: [u8; 1] = [2];

/// Who said a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

pub(super) fn decode(initial: Option<&Text>, turns: &[Turn]) -> GssExchange {
    let mut gss = GssExchange::default();
    let mut known = [false; 2];
    let first = initial.filter(|text| !text.is_empty());
    let all = first
        .map(|text| (Side::Client, text))
        .into_iter()
        .chain(turns.iter().map(|turn| match turn {
            Turn::Challenge(text) => (Side::Server, text),
            Turn::Response(text) => (Side::Client, text),
        }));
    for (side, text) in all {
        let who = match side {
            Side::Client => "client",
            Side::Server => "server",
        };
        let Some(bytes) = text.decode() else {
            // Before the client said anything, a server's words are meant for people.
            if side == Side::Client || known[0] {
                gss.problems
                    .push(format!("a token of the {who} is not base64"));
            }
            continue;
        };
        if bytes.is_empty() {
            continue;
        }
        let read = token(bytes.expose(), text.span(), side, 0, &mut gss);
        // After the context is set up, tokens of Kerberos are about the security layer and hold nothing to read.
        let first = !known[usize::from(side == Side::Server)];
        if !read && side == Side::Server && !known[0] {
            continue;
        }
        if !read && first {
            gss.problems
                .push(format!("the first token of the {who} is of no known kind"));
        }
        known[usize::from(side == Side::Server)] = true;
    }
    if let Some(ntlm) = &mut gss.ntlm {
        ntlm.initial_response = first.is_some() && ntlm.negotiate.is_some();
    }
    gss
}

/// Reads one token; whether it was of a known kind.
fn token(bytes: &[u8], span: Span, side: Side, depth: u8, gss: &mut GssExchange) -> bool {
    if depth >= MAX_DEPTH {
        return false;
    }
    if bytes.starts_with(b"NTLMSSP\0") {
        ntlm(bytes, span, gss);
        return true;
    }
    let Some((tag, value, _)) = element(bytes) else {
        return false;
    };
    match tag {
        GSS_TOKEN => {
            let Some((OID, oid, inner)) = element(value) else {
                return false;
            };
            match mechanism(oid) {
                GssMechanism::Spnego => negotiation(inner, span, side, depth, gss),
                GssMechanism::Ntlm => token(inner, span, side, depth + 1, gss),
                GssMechanism::Kerberos
                | GssMechanism::MsKerberos
                | GssMechanism::KerberosUserToUser => kerberos(inner, span, gss),
                GssMechanism::NegoEx | GssMechanism::Other(_) => false,
            }
        }
        0xa0 | 0xa1 => negotiation(bytes, span, side, depth, gss),
        AP_REQ => ticket(value, span, gss),
        _ => false,
    }
}

/// `NegotiationToken` (RFC 4178 section 4.2).
fn negotiation(bytes: &[u8], span: Span, side: Side, depth: u8, gss: &mut GssExchange) -> bool {
    let Some((choice, value, _)) = element(bytes) else {
        return false;
    };
    let Some((SEQUENCE, fields, _)) = element(value) else {
        return false;
    };
    gss.spnego = true;
    let inner = child(fields, 0xa2).and_then(|field| child(field, OCTET_STRING));
    if choice == 0xa0 {
        let list = child(fields, 0xa0)
            .and_then(|field| child(field, SEQUENCE))
            .map(|list| mechanisms(list, span))
            .unwrap_or_default();
        match side {
            Side::Client if gss.offered.is_empty() => gss.offered = list,
            Side::Server if gss.hinted.is_empty() => gss.hinted = list,
            _ => {}
        }
    } else {
        let chosen = child(fields, 0xa1).and_then(|field| child(field, OID));
        if let Some(oid) = chosen.filter(|_| side == Side::Server) {
            gss.selected = Some(Located::new(mechanism(oid), span));
        }
        let state = child(fields, 0xa0).and_then(|field| child(field, ENUMERATED));
        gss.rejected |= state == Some(&REJECT);
    }
    if let Some(inner) = inner
        && !token(inner, span, side, depth + 1, gss)
        && side == Side::Client
        && choice == 0xa0
    {
        gss.problems
            .push("the token inside SPNEGO is of no known kind".to_owned());
    }
    true
}

fn mechanisms(mut list: &[u8], span: Span) -> Vec<Located<GssMechanism>> {
    let mut all = Vec::new();
    while let Some((OID, oid, rest)) = element(list) {
        if all.len() >= MAX_MECHANISMS {
            break;
        }
        all.push(Located::new(mechanism(oid), span));
        list = rest;
    }
    all
}

fn mechanism(oid: &[u8]) -> GssMechanism {
    let Ok(oid) = ObjectIdentifier::from_bytes(oid) else {
        return GssMechanism::Other("not an object identifier".to_owned());
    };
    let dotted = oid.to_string();
    match dotted.as_str() {
        "1.2.840.113554.1.2.2" => GssMechanism::Kerberos,
        "1.2.840.48018.1.2.2" => GssMechanism::MsKerberos,
        "1.2.840.113554.1.2.2.3" => GssMechanism::KerberosUserToUser,
        "1.3.6.1.4.1.311.2.2.10" => GssMechanism::Ntlm,
        "1.3.6.1.4.1.311.2.2.30" => GssMechanism::NegoEx,
        "1.3.6.1.5.5.2" => GssMechanism::Spnego,
        _ => GssMechanism::Other(dotted),
    }
}

/// A message with its token identifier (RFC 4121 section 4.1). Only AP-REQ shows anything.
fn kerberos(bytes: &[u8], span: Span, gss: &mut GssExchange) -> bool {
    match bytes.split_first_chunk::<2>() {
        Some(([1, 0], rest)) => match element(rest) {
            Some((AP_REQ, value, _)) => ticket(value, span, gss),
            _ => false,
        },
        // AP-REP, KRB-ERROR, and the user-to-user requests.
        Some(([2 | 3, 0] | [4, _], _)) => true,
        _ => false,
    }
}

/// What an AP-REQ shows of its ticket (RFC 4120 sections 5.3 and 5.5.1).
fn ticket(request: &[u8], span: Span, gss: &mut GssExchange) -> bool {
    let read = || {
        let ticket = child(child(child(request, SEQUENCE)?, 0xa3)?, TICKET)?;
        let ticket = child(ticket, SEQUENCE)?;
        let realm = child(child(ticket, 0xa1)?, GENERAL_STRING)?;
        let name = child(child(ticket, 0xa2)?, SEQUENCE)?;
        let mut parts = child(child(name, 0xa1)?, SEQUENCE)?;
        let mut service = Vec::new();
        while let Some((GENERAL_STRING, part, rest)) = element(parts) {
            service.push(text_of(part));
            parts = rest;
        }
        let encrypted = child(child(ticket, 0xa3)?, SEQUENCE)?;
        let encryption = child(child(encrypted, 0xa0)?, INTEGER).and_then(integer);
        Some(KerberosTicket {
            realm: text_of(realm),
            service: service.join("/"),
            encryption,
        })
    };
    match read() {
        Some(ticket) => {
            gss.kerberos.get_or_insert(Located::new(ticket, span));
        }
        None => gss
            .problems
            .push("the ticket of a Kerberos AP-REQ does not parse".to_owned()),
    }
    true
}

/// A small INTEGER.
fn integer(bytes: &[u8]) -> Option<i32> {
    let first = *bytes.first()?;
    if bytes.len() > 4 {
        return None;
    }
    let sign = if first & 0x80 == 0 { 0 } else { -1 };
    Some(
        bytes
            .iter()
            .fold(sign, |value, byte| value << 8 | i32::from(*byte)),
    )
}

fn ntlm(bytes: &[u8], span: Span, gss: &mut GssExchange) {
    let exchange = gss.ntlm.get_or_insert_with(NtlmExchange::default);
    let error = match bytes.get(8) {
        Some(1) => Negotiate::parse(bytes)
            .map(|message| {
                exchange
                    .negotiate
                    .get_or_insert(Located::new(message, span));
            })
            .map_err(|error| format!("NEGOTIATE: {error}")),
        Some(2) => Challenge::parse(bytes)
            .map(|message| {
                exchange
                    .challenge
                    .get_or_insert(Located::new(message, span));
            })
            .map_err(|error| format!("CHALLENGE: {error}")),
        _ => {
            let flags = exchange.challenge.as_ref().map(|second| second.value.flags);
            Authenticate::parse_with(bytes, flags)
                .map(|message| {
                    exchange
                        .authenticate
                        .get_or_insert(Located::new(message, span));
                })
                .map_err(|error| format!("AUTHENTICATE: {error}"))
        }
    };
    if let Err(problem) = error {
        exchange.problems.push(problem);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{challenge, raw, response, text};
    use super::*;
    use crate::Secret;
    use crate::ntlm::AuthenticateParts;

    const SPNEGO: &[u8] = &[0x2b, 6, 1, 5, 5, 2];
    const KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2];
    const MS_KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 1, 2, 2];
    const NTLM: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10];

    fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let value = parts.concat();
        let mut out = vec![tag];
        match value.len() {
            length @ 0..=127 => out.push(u8::try_from(length).unwrap()),
            length => {
                out.push(0x82);
                out.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
        }
        out.extend(value);
        out
    }

    fn init(mechanisms: &[&[u8]], inner: &[u8]) -> Vec<u8> {
        let list: Vec<Vec<u8>> = mechanisms.iter().map(|oid| tlv(OID, &[oid])).collect();
        let list = tlv(0xa0, &[&tlv(SEQUENCE, &[&list.concat()])]);
        let inner = tlv(0xa2, &[&tlv(OCTET_STRING, &[inner])]);
        let choice = tlv(0xa0, &[&tlv(SEQUENCE, &[&list, &inner])]);
        tlv(GSS_TOKEN, &[&tlv(OID, &[SPNEGO]), &choice])
    }

    fn resp(state: u8, chosen: Option<&[u8]>, inner: &[u8]) -> Vec<u8> {
        let state = tlv(0xa0, &[&[ENUMERATED, 1, state]]);
        let chosen = chosen.map_or(Vec::new(), |oid| tlv(0xa1, &[&tlv(OID, &[oid])]));
        let inner = tlv(0xa2, &[&tlv(OCTET_STRING, &[inner])]);
        tlv(0xa1, &[&tlv(SEQUENCE, &[&state, &chosen, &inner])])
    }

    fn messages() -> [Vec<u8>; 3] {
        let nothing = Secret::new([]);
        let response = Secret::new([7; 24]);
        let third = AuthenticateParts {
            flags: 0x201,
            domain: "CORP",
            user: "svc",
            workstation: "HOST01",
            lm_response: &nothing,
            nt_response: &response,
            session_key: &nothing,
            version: None,
            mic: None,
        };
        [
            Negotiate::encode(0x207, None, None, None).unwrap(),
            Challenge::encode(0x201, "CORP", [1; 8], &[], None).unwrap(),
            third.encode().unwrap(),
        ]
    }

    fn ap_req(oid: &[u8], etype: u8) -> Vec<u8> {
        let string = |text: &[u8]| tlv(GENERAL_STRING, &[text]);
        let names = tlv(SEQUENCE, &[&string(b"smtp"), &string(b"mail.corp.example")]);
        let name = tlv(
            SEQUENCE,
            &[&tlv(0xa0, &[&[2, 1, 2]]), &tlv(0xa1, &[&names])],
        );
        let sealed = tlv(
            SEQUENCE,
            &[
                &tlv(0xa0, &[&[2, 1, etype]]),
                &tlv(0xa2, &[&tlv(OCTET_STRING, &[&[9; 300]])]),
            ],
        );
        let ticket = tlv(
            SEQUENCE,
            &[
                &tlv(0xa0, &[&[2, 1, 5]]),
                &tlv(0xa1, &[&string(b"CORP.EXAMPLE")]),
                &tlv(0xa2, &[&name]),
                &tlv(0xa3, &[&sealed]),
            ],
        );
        let request = tlv(
            SEQUENCE,
            &[
                &tlv(0xa0, &[&[2, 1, 5]]),
                &tlv(0xa1, &[&[2, 1, 14]]),
                &tlv(0xa2, &[&[3, 5, 0, 0, 0, 0, 0]]),
                &tlv(0xa3, &[&tlv(TICKET, &[&ticket])]),
                &tlv(0xa4, &[&sealed]),
            ],
        );
        let inner = [&[1, 0][..], &tlv(AP_REQ, &[&request])].concat();
        tlv(GSS_TOKEN, &[&tlv(OID, &[oid]), &inner])
    }

    #[test]
    fn ntlm_inside_spnego_is_unwrapped() {
        let [first, second, third] = messages();
        let turns = [
            challenge(&resp(1, Some(NTLM), &second)),
            response(&resp(1, None, &third), 90),
            challenge(&resp(0, None, b"")),
        ];
        let initial = text(&init(&[MS_KERBEROS, KERBEROS, NTLM], &first), 12);
        let gss = decode(Some(&initial), &turns);
        assert!(gss.problems.is_empty(), "{:?}", gss.problems);
        assert!(gss.spnego && !gss.rejected);
        let offered: Vec<_> = gss.offered.iter().map(|m| m.value.to_string()).collect();
        assert_eq!(offered, ["Kerberos (Microsoft)", "Kerberos", "NTLM"]);
        assert_eq!(gss.selected.unwrap().value, GssMechanism::Ntlm);
        let ntlm = gss.ntlm.unwrap();
        assert!(ntlm.initial_response && ntlm.problems.is_empty());
        assert_eq!(ntlm.negotiate.unwrap().span, initial.span());
        assert_eq!(ntlm.challenge.unwrap().value.target_name, "CORP");
        let third = ntlm.authenticate.unwrap();
        assert_eq!((third.value.user.as_str(), third.span.start), ("svc", 90));
    }

    #[test]
    fn bare_ntlm_under_another_name_and_without_initial_response() {
        let [first, second, third] = messages();
        // The second text is base64 by chance.
        for text in [&b"gss supported"[..], b"GSSAPI+1"] {
            let turns = [
                Turn::Challenge(raw(text)),
                response(&first, 1),
                challenge(&second),
                response(&third, 9),
            ];
            let gss = decode(None, &turns);
            assert!(gss.problems.is_empty() && !gss.spnego, "{:?}", gss.problems);
            let ntlm = gss.ntlm.unwrap();
            assert!(!ntlm.initial_response && ntlm.authenticate.is_some());
        }
    }

    #[test]
    fn a_ticket_shows_realm_and_service() {
        for wrapped in [false, true] {
            let token = ap_req(KERBEROS, 18);
            let token = if wrapped {
                init(&[KERBEROS], &token)
            } else {
                token
            };
            let turns = [
                challenge(&[
                    0x60, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2, 2, 0,
                ]),
                Turn::Response(raw(b"")),
                challenge(&[5, 4, 1, 0xff, 0, 0]),
                response(&[5, 4, 0, 0xff, 0, 0], 99),
            ];
            let gss = decode(Some(&text(&token, 3)), &turns);
            assert!(gss.problems.is_empty(), "{:?}", gss.problems);
            assert_eq!(gss.spnego, wrapped);
            let ticket = gss.kerberos.unwrap().value;
            assert_eq!(ticket.realm, "CORP.EXAMPLE");
            assert_eq!(ticket.service, "smtp/mail.corp.example");
            assert_eq!(ticket.encryption_name(), Some("aes256-cts-hmac-sha1-96"));
        }
    }

    #[test]
    fn a_server_may_hint_and_reject() {
        let hint = init(&[KERBEROS, NTLM], b"");
        let turns = [
            challenge(&hint),
            response(&init(&[NTLM], b"x"), 1),
            challenge(&resp(2, None, b"")),
        ];
        let gss = decode(None, &turns);
        assert_eq!((gss.hinted.len(), gss.offered.len()), (2, 1));
        assert!(gss.rejected);
        assert_eq!(
            gss.problems,
            ["the token inside SPNEGO is of no known kind"]
        );
    }

    #[test]
    fn damage_is_named_and_not_quoted() {
        let whole = ap_req(KERBEROS, 23);
        let cut = decode(None, &[response(&whole[..60], 0)]);
        assert_eq!(
            cut.problems,
            ["the first token of the client is of no known kind"]
        );
        let plain = decode(None, &[Turn::Response(raw(b"hunter2!"))]);
        assert_eq!(plain.problems, ["a token of the client is not base64"]);
        let mut broken = whole;
        let at = memchr::memmem::find(&broken, b"CORP").unwrap();
        broken[at - 2] = 0x0c;
        let gss = decode(None, &[response(&broken, 0)]);
        assert_eq!(
            gss.problems,
            ["the ticket of a Kerberos AP-REQ does not parse"]
        );
        let deep = (0..9).fold(b"NTLMSSP\0\x01".to_vec(), |inner, _| init(&[NTLM], &inner));
        assert!(decode(None, &[response(&deep, 0)]).ntlm.is_none());
    }
}
