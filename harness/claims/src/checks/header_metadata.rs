//! What do Message-ID, Date, boundaries and the like tell of the machine that sent?

use std::borrow::Cow;

use super::each;
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "header-metadata",
    observed_when: "the message tells of the machine that sent it: its name in Message-ID, its clock in Date or in a boundary, \
                    its software in X-Mailer and the like, a Return-Path of its own",
    trigger: "a message was sent with its header whole",
    method: "The part of Message-ID behind the @ is a host unless it ends in a name that is reserved for none (RFC 2606, RFC \
             6761); the two last words of a boundary in the form of MimeOLE are read as a FILETIME, and tell the clock if that \
             lies between 1990 and 2100.",
    references: &["RFC 5322 3.6", "RFC 2046 5.1.1"],
    run,
};

/// Fields in which a program names itself, or that only the last server should write.
const FIELDS: [&str; 6] = ["X-Mailer", "User-Agent", "X-MimeOLE", "X-Originating-IP", "Return-Path", "Received"];

/// Steps of 100 ns from 1601 to 1990 and to 2100: what a clock can show.
const CLOCK: std::ops::Range<u64> = 122_755_392_000_000_000..157_469_184_000_000_000;

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, judge)
}

fn judge(sent: &Sent<'_>) -> Finding {
    let mut told: Vec<(Cow<'static, str>, Evidence)> = Vec::new();
    if let Some(field) = sent.message.header("Message-ID")
        && let Some(host) = host_of(&field.value)
    {
        let what = sent.reason(|| format!("the host {host}"));
        told.push((what, sent.evidence(field.range.clone(), "Message-ID field")));
    }
    if let Some(field) = sent.message.header("Date") {
        told.push(("the clock".into(), sent.evidence(field.range.clone(), "Date field")));
    }
    for part in sent.message.parts() {
        if part.parameter("boundary").is_some_and(tells_time)
            && let Some(field) = part.field("Content-Type")
        {
            told.push(("the clock in a boundary".into(), sent.evidence(field.range.clone(), "Content-Type field")));
        }
    }
    for name in FIELDS {
        if let Some(field) = sent.message.header(name) {
            let shown = sent.reason(|| format!("{name} field"));
            told.push((name.into(), sent.evidence(field.range.clone(), shown)));
        }
    }
    if told.is_empty() {
        return match sent.incomplete() {
            Some(reason) => Finding::undetermined(reason),
            None => Finding::not_observed("the header tells nothing of the machine", vec![sent.all("the message")]),
        };
    }
    let (what, evidence): (Vec<_>, Vec<_>) = told.into_iter().unzip();
    Finding::observed(sent.reason(|| format!("the header tells of {}", what.join(", "))), evidence)
}

/// The host that an id names, unless it is the name of none.
fn host_of(id: &str) -> Option<&str> {
    let host = id.rsplit_once('@')?.1.trim().trim_end_matches('>').trim_end_matches('.');
    let last = host.rsplit('.').next().unwrap_or_default();
    let none = ["", "invalid", "localhost"].iter().any(|name| last.eq_ignore_ascii_case(name));
    (!none).then_some(host)
}

/// Whether the end of a boundary, `HHHHHHHH.HHHHHHHH`, is a time.
fn tells_time(boundary: &str) -> bool {
    let word = |text: &str| {
        let hex = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| u32::from_str_radix(text, 16).ok()).flatten()
    };
    let Some((before, low)) = boundary.rsplit_once('.') else {
        return false;
    };
    let high = before.rsplit('_').next().unwrap_or_default();
    let (Some(high), Some(low)) = (word(high), word(low)) else {
        return false;
    };
    CLOCK.contains(&(u64::from(high) << 32 | u64::from(low)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given::default())
    }

    fn sent(header: &str) -> Talk {
        Talk::ehlo(&[]).message(&plain(header, "x"))
    }

    #[test]
    fn what_is_told() {
        seen(sent("Message-ID: <1@bts01.corp.example>\n")).observed("the host bts01.corp.example", &["Message-ID: …"]);
        seen(sent("Date: Thu, 01 Jan 2026 00:00:00 +0000\n")).observed("the clock", &["Date: …"]);
        seen(sent("X-Mailer: a\nReturn-Path: <a@b>\n")).observed("X-Mailer, Return-Path", &["X-Mailer: …", "Return-Path: …"]);
        let boundary = "Content-Type: multipart/mixed; boundary=\"----=_NextPart_000_0000_01C79664.0A0B0C0D\"\n";
        seen(sent(boundary)).observed("the clock in a boundary", &["Content-Type: …"]);
    }

    #[test]
    fn nothing_is_told() {
        seen(sent("")).not_observed("tells nothing", &["From: …"]);
        let quiet = "Message-ID: <1@message.invalid>\nContent-Type: multipart/mixed; boundary=\"part_FFFFFFFF.00000000\"\n";
        seen(sent(quiet)).not_observed("tells nothing", &["From: …"]);
    }

    #[test]
    fn what_cannot_be_told() {
        seen(Talk::ehlo(&[]).torn(&plain("", "x"), "x")).undetermined("the whole message");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
    }

    #[test]
    fn times_in_boundaries() {
        assert!(tells_time("----=_NextPart_000_0000_01C79664.0A0B0C0D"));
        for other in ["", ".", "01C79664", "01C79664.0A0B0C0", "x01C79664.0A0B0C0D", "+1C79664.0A0B0C0D", "00000000.00000001"] {
            assert!(!tells_time(other), "{other}");
        }
    }
}
