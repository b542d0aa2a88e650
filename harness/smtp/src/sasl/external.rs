//! EXTERNAL (RFC 4422 appendix A) and ANONYMOUS (RFC 4505): one name, and no proof.

use super::{Text, Turn, text_of};
use crate::timeline::{Identity, Located};

pub(super) fn external(initial: Option<&Text>, turns: &[Turn]) -> Identity {
    match name(initial, turns) {
        Ok(authzid) => Identity::External { authzid },
        Err(malformed) => malformed,
    }
}

pub(super) fn anonymous(initial: Option<&Text>, turns: &[Turn]) -> Identity {
    match name(initial, turns) {
        Ok(trace) => Identity::Anonymous { trace },
        Err(malformed) => malformed,
    }
}

/// The name; `None` where the client sent none or an empty one. Here an empty initial response says something: it *is*
/// the response.
fn name(initial: Option<&Text>, turns: &[Turn]) -> Result<Option<Located<String>>, Identity> {
    let line = turns.iter().find_map(|turn| match turn {
        Turn::Response(text) => Some(text),
        Turn::Challenge(_) => None,
    });
    let Some(text) = initial.or(line) else {
        return Ok(None);
    };
    let Some(bytes) = text.decode() else {
        return Err(Identity::Malformed("the response is not base64".to_owned()));
    };
    Ok((!bytes.is_empty()).then(|| Located::new(text_of(bytes.expose()), text.span())))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::testing::{challenge, raw, response, text};
    use super::*;

    fn told(identity: Identity) -> Option<String> {
        match identity {
            Identity::External { authzid: name } | Identity::Anonymous { trace: name } => {
                name.map(|name| name.value)
            }
            other => panic!("not decoded: {other:?}"),
        }
    }

    #[rstest]
    #[case(Some(text(b"fred@example.com", 0)), vec![], Some("fred@example.com"))]
    #[case(Some(raw(b"=")), vec![], None)]
    #[case(None, vec![challenge(b""), response(b"sirhc", 9)], Some("sirhc"))]
    #[case(None, vec![challenge(b""), Turn::Response(raw(b""))], None)]
    #[case(None, vec![challenge(b"")], None)]
    fn one_name_or_none(
        #[case] initial: Option<Text>,
        #[case] turns: Vec<Turn>,
        #[case] name: Option<&str>,
    ) {
        assert_eq!(told(external(initial.as_ref(), &turns)).as_deref(), name);
        assert_eq!(told(anonymous(initial.as_ref(), &turns)).as_deref(), name);
    }

    #[test]
    fn what_is_not_base64_is_named_and_not_quoted() {
        for read in [external, anonymous] {
            let identity = read(Some(&raw(b"hunter2!")), &[]);
            assert!(
                matches!(identity, Identity::Malformed(said) if said == "the response is not base64")
            );
        }
    }
}
