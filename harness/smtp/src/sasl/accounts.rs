//! Files with known accounts: one `user:password` or `DOMAIN\user:password` a line.
//!
//! Blank lines, and lines that begin with `#`, are passed over. The password is everything after the first colon, blanks
//! included.

use super::proof::KnownAccount;
use crate::Secret;

/// Why a file with accounts could not be read. Texts name the place, never what stands there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct AccountsError {
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: &'static str,
}

/// Reads the bytes of such a file.
///
/// # Errors
/// [`AccountsError`] for the first line that holds no account, and where there is no account at all.
pub fn parse(bytes: &[u8]) -> Result<Vec<KnownAccount>, AccountsError> {
    let mut accounts = Vec::new();
    let mut count = 0;
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        count = number + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = match number {
            0 => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line),
            _ => line,
        };
        if line.trim_ascii().is_empty() || line.starts_with(b"#") {
            continue;
        }
        let error = |column, problem| AccountsError {
            line: number + 1,
            column,
            problem,
        };
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Err(error(
                line.len() + 1,
                "expected `:` and a password after the user name",
            ));
        };
        let (name, password) = (&line[..colon], &line[colon + 1..]);
        let name = std::str::from_utf8(name)
            .map_err(|e| error(e.valid_up_to() + 1, "the user name is not UTF-8"))?;
        let (domain, user) = match name.split_once('\\') {
            Some((domain, user)) => (Some(domain), user),
            None => (None, name),
        };
        if domain == Some("") {
            return Err(error(1, "expected a domain before the backslash"));
        }
        if user.is_empty() {
            return Err(error(colon + 1, "expected a user name before the colon"));
        }
        accounts.push(KnownAccount {
            domain: domain.map(str::to_owned),
            user: user.to_owned(),
            password: Secret::new(password),
        });
    }
    if accounts.is_empty() {
        return Err(AccountsError {
            line: count,
            column: 1,
            problem: "the file holds no account",
        });
    }
    Ok(accounts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn one_account_a_line() {
        let text = b"\xef\xbb\xbf# known\r\n\r\nCORP\\svc:S3:cret \r\nuser@example.org:p\n\n";
        let read = parse(text).unwrap();
        let seen: Vec<_> = read
            .iter()
            .map(|a| (a.domain.as_deref(), a.user.as_str(), a.password.expose()))
            .collect();
        assert_eq!(
            seen,
            [
                (Some("CORP"), "svc", &b"S3:cret "[..]),
                (None, "user@example.org", b"p")
            ]
        );
        assert!(!format!("{read:?}").contains("S3"));
    }

    #[rstest]
    #[case(b"a:b\nhunter2", 2, 8, "expected `:`")]
    #[case(b":hunter2", 1, 1, "expected a user name")]
    #[case(b"CORP\\:hunter2", 1, 6, "expected a user name")]
    #[case(b"\\svc:hunter2", 1, 1, "expected a domain")]
    #[case(b"s\xffvc:hunter2", 1, 2, "not UTF-8")]
    #[case(b"# nothing\n", 2, 1, "no account")]
    #[case(b"", 1, 1, "no account")]
    fn errors_name_the_place_and_never_the_password(
        #[case] text: &[u8],
        #[case] line: usize,
        #[case] column: usize,
        #[case] problem: &str,
    ) {
        let error = parse(text).unwrap_err();
        assert_eq!((error.line, error.column), (line, column));
        let said = error.to_string();
        assert!(said.contains(problem), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&bytes);
        }
    }
}
