//! DIGEST-MD5 (RFC 2831): directives of the form `name=value` from either side.

use super::{Text, Turn, challenges, responses, text_of};
use crate::Secret;
use crate::timeline::{DigestMd5, Located};

/// More directives than any implementation sends.
const MAX_DIRECTIVES: usize = 64;

/// Name and value.
type Directive = (String, Vec<u8>);

/// Length of the digest in hexadecimal digits.
const DIGEST: usize = 32;

pub(super) fn decode(initial: Option<&Text>, turns: &[Turn]) -> DigestMd5 {
    let mut digest = DigestMd5::default();
    if let Some(text) = challenges(turns).find(|text| !text.is_empty()) {
        challenge(text, &mut digest);
    }
    // An initial response repeats the nonce of an earlier session (section 2.2).
    if let Some(text) = responses(initial, turns).next() {
        response(text, &mut digest);
    }
    digest
}

fn challenge(text: &Text, digest: &mut DigestMd5) {
    let Some(list) = directives(text, "challenge", &mut digest.problems) else {
        return;
    };
    for (name, value) in list {
        match name.as_str() {
            "realm" => digest.offered_realms.push(text_of(&value)),
            "nonce" => digest.nonce = Some(Secret::new(value)),
            _ => {}
        }
    }
}

fn response(text: &Text, digest: &mut DigestMd5) {
    let Some(list) = directives(text, "response", &mut digest.problems) else {
        return;
    };
    let located = |value: &[u8]| Some(Located::new(text_of(value), text.span()));
    let offered = digest.nonce.take();
    for (name, value) in list {
        match name.as_str() {
            "username" => digest.username = located(&value),
            "realm" => digest.realm = located(&value),
            "authzid" => digest.authzid = located(&value),
            "digest-uri" => digest.digest_uri = located(&value),
            "qop" => digest.qop = Some(text_of(&value)),
            "nc" => digest.nonce_count = Some(text_of(&value)),
            "charset" => digest.utf8 = value.eq_ignore_ascii_case(b"utf-8"),
            "nonce" => digest.nonce = Some(Secret::new(value)),
            "cnonce" => digest.cnonce = Some(Secret::new(value)),
            "response" if value.len() == DIGEST && value.iter().all(u8::is_ascii_hexdigit) => {
                digest.response = Some(Located::new(Secret::new(value), text.span()));
            }
            "response" => digest
                .problems
                .push("the digest is not 32 hexadecimal digits".to_owned()),
            _ => {}
        }
    }
    if digest.username.is_none() {
        digest
            .problems
            .push("the response names no user".to_owned());
    }
    match (&offered, &digest.nonce) {
        (Some(offered), Some(answered)) if offered != answered => digest
            .problems
            .push("the response is to another nonce than the server's".to_owned()),
        (Some(_), None) => digest.nonce = offered,
        _ => {}
    }
}

/// The directives of a message; names in lower case.
fn directives(text: &Text, what: &str, problems: &mut Vec<String>) -> Option<Vec<Directive>> {
    let Some(bytes) = text.decode() else {
        problems.push(format!("the {what} is not base64"));
        return None;
    };
    let mut list = Vec::new();
    let mut rest = bytes.expose();
    loop {
        while let Some((b',' | b' ' | b'\t' | b'\r' | b'\n', tail)) = rest.split_first() {
            rest = tail;
        }
        if rest.is_empty() {
            return Some(list);
        }
        if list.len() >= MAX_DIRECTIVES {
            problems.push(format!("the {what} has too many directives"));
            return Some(list);
        }
        let Some((directive, tail)) = one(rest) else {
            problems.push(format!(
                "the {what} is not a list of directives at octet {}",
                bytes.len() - rest.len()
            ));
            return Some(list);
        };
        list.push(directive);
        rest = tail;
    }
}

/// One `name=value`, the value bare or quoted, and what follows it.
fn one(bytes: &[u8]) -> Option<(Directive, &[u8])> {
    let at = bytes.iter().position(|byte| *byte == b'=')?;
    let (name, rest) = bytes.split_at_checked(at)?;
    let name = name.trim_ascii();
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    if name.is_empty() || !name.iter().all(is_token) {
        return None;
    }
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let rest = rest.get(1..)?.trim_ascii_start();
    if let Some(quoted) = rest.strip_prefix(b"\"") {
        let mut value = Vec::new();
        let mut bytes = quoted.iter().enumerate();
        while let Some((index, byte)) = bytes.next() {
            match byte {
                b'"' => return Some(((name, value), quoted.get(index + 1..)?)),
                b'\\' => value.push(*bytes.next()?.1),
                _ => value.push(*byte),
            }
        }
        return None;
    }
    let end = rest
        .iter()
        .position(|byte| *byte == b',')
        .unwrap_or(rest.len());
    let (value, rest) = rest.split_at_checked(end)?;
    Some(((name, value.trim_ascii().to_vec()), rest))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{challenge, raw, response};
    use super::*;

    /// The example of RFC 2831 section 4, which is of IMAP.
    pub(crate) const CHALLENGE: &[u8] = br#"realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8"#;
    pub(crate) const RESPONSE: &[u8] = br#"charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",response=d388dad90d4bbd760a152321f2143af7,qop=auth"#;

    fn value(located: Option<&Located<String>>) -> Option<&str> {
        located.map(|l| l.value.as_str())
    }

    #[test]
    fn reads_the_example_of_the_rfc() {
        let turns = [
            challenge(CHALLENGE),
            response(RESPONSE, 10),
            challenge(b"rspauth=ea40f60335c427b5527b84dbabcdfffd"),
            Turn::Response(raw(b"")),
        ];
        let read = decode(None, &turns);
        assert!(read.problems.is_empty(), "{:?}", read.problems);
        assert_eq!(read.offered_realms, ["elwood.innosoft.com"]);
        assert_eq!(value(read.username.as_ref()), Some("chris"));
        assert_eq!(value(read.realm.as_ref()), Some("elwood.innosoft.com"));
        assert_eq!(
            value(read.digest_uri.as_ref()),
            Some("imap/elwood.innosoft.com")
        );
        assert_eq!(read.qop.as_deref(), Some("auth"));
        assert!(read.utf8);
        assert_eq!(read.nonce.as_ref().map(Secret::len), Some(14));
        assert_eq!(read.response.as_ref().map(|r| r.value.len()), Some(32));
        assert!(!format!("{read:?}").contains("d388"));
    }

    #[test]
    fn quoted_values_may_hold_anything() {
        let turns = [response(
            br#"username="a\"b,c=d\\e" , realm = "x",response="00000000000000000000000000000000""#,
            0,
        )];
        let read = decode(None, &turns);
        assert!(read.problems.is_empty(), "{:?}", read.problems);
        assert_eq!(value(read.username.as_ref()), Some("a\"b,c=d\\e"));
        assert_eq!(value(read.realm.as_ref()), Some("x"));
    }

    #[test]
    fn damage_is_named_by_its_place_and_what_came_before_is_kept() {
        let turns = [response(b"username=\"chris\",realm=\"never closed", 0)];
        let read = decode(None, &turns);
        assert_eq!(value(read.username.as_ref()), Some("chris"));
        assert_eq!(
            read.problems,
            ["the response is not a list of directives at octet 17"]
        );
        let other = [
            challenge(b"nonce=\"a\""),
            response(b"username=x,nonce=b,response=hunter2", 0),
        ];
        let read = decode(None, &other);
        assert_eq!(read.problems.len(), 2, "{:?}", read.problems);
        assert!(read.response.is_none());
        let read = decode(None, &[Turn::Response(raw(b"hunter2!"))]);
        assert_eq!(read.problems, ["the response is not base64"]);
        let many = "a=b,".repeat(MAX_DIRECTIVES + 1);
        let read = decode(None, &[response(many.as_bytes(), 0)]);
        assert!(read.problems[0].contains("too many"));
    }

    #[test]
    fn an_exchange_may_end_before_the_response() {
        let read = decode(None, &[challenge(CHALLENGE)]);
        assert!(read.problems.is_empty() && read.username.is_none() && read.nonce.is_some());
    }

    #[test]
    fn a_return_uses_the_nonce_of_an_earlier_session() {
        let initial = super::super::testing::text(RESPONSE, 5);
        let read = decode(Some(&initial), &[]);
        assert!(read.problems.is_empty() && read.nonce.is_some());
        assert_eq!(read.username.map(|u| u.span), Some(initial.span()));
    }
}
