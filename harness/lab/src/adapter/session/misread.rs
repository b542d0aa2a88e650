//! How bad twins mistake a reply for another one, and misspell commands.

use super::super::twin::{Twin, Twins};
use super::connection::Reply;
use super::failure::Failure;

/// Reply codes that RFC 5321 and its extensions define, those of a refusal.
const KNOWN_REFUSALS: [u16; 18] = [
    421, 432, 450, 451, 452, 454, 455, 458, 500, 501, 502, 503, 504, 530, 535, 550, 552, 554,
];

/// A command line as the twins write it.
pub(super) fn spelled(twins: &Twins, line: &str) -> String {
    if !twins.has(Twin::LooseCommands) {
        return line.to_owned();
    }
    match line {
        "DATA" => "DATA ".to_owned(),
        _ => line
            .replacen("MAIL FROM:<", "MAIL FROM: <", 1)
            .replacen("RCPT TO:<", "RCPT TO: <", 1),
    }
}

/// Whether the line that was read ends the reply for them, although more of it is announced.
pub(super) fn ends_early(twins: &Twins) -> bool {
    twins.has(Twin::FirstLineIsReply) || twins.has(Twin::FirstLineInGroup)
}

/// Whether they do not care that the lines of a reply have different codes.
pub(super) fn takes_any_code(twins: &Twins) -> bool {
    twins.has(Twin::FirstCodeCounts) || twins.has(Twin::AnyYesCounts)
}

/// Whether they read replies of any length.
pub(super) fn reads_on(twins: &Twins) -> bool {
    twins.has(Twin::ReadsEndlessLines) || twins.has(Twin::ReadsEndlessLine)
}

/// How many octets of a line without an end are a line for them.
pub(super) fn longest_line(twins: &Twins) -> Option<usize> {
    twins.has(Twin::CutsLongLines).then_some(2048)
}

/// The longest line that they have room for.
pub(super) fn room(twins: &Twins) -> Option<usize> {
    match () {
        () if reads_on(twins) => None,
        () if twins.has(Twin::ShortLineBuffer) => Some(255),
        () => Some(super::connection::LONGEST_LINE),
    }
}

/// The rest of a line behind its code, without the digits that they do not look at.
pub(super) fn behind_code<'a>(twins: &Twins, rest: &'a [u8]) -> &'a [u8] {
    if twins.has(Twin::ThreeDigitsOfFour) {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        return rest.get(digits..).unwrap_or_default();
    }
    rest
}

/// What they make of a reply that was read.
pub(super) fn reply(twins: &Twins, mut reply: Reply) -> Result<Reply, Failure> {
    let (code, class) = (reply.code, reply.code / 100);
    let text = reply.text().to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let known = KNOWN_REFUSALS.contains(&code);
    if twins.has(Twin::NeedsReplyText) && text.trim().is_empty() {
        return Err(Failure::Malformed("a reply without text"));
    }
    if twins.has(Twin::AsciiRepliesOnly) && !text.is_ascii() {
        return Err(Failure::Malformed("a reply outside ASCII"));
    }
    if twins.has(Twin::ReadsText) && matches!(class, 2 | 3) && says(&["fail", "error", "reject"]) {
        reply.code = 554;
    }
    let yes = twins.has(Twin::BelievesText) && class == 5 && says(&["accepted", "thank"])
        || twins.has(Twin::OddCodeIsYes) && class > 5
        || twins.has(Twin::LowCodeIsYes) && class == 0
        || twins.has(Twin::UnknownLaterIsYes) && class == 4 && !known
        || twins.has(Twin::UnknownNoIsYes) && class == 5 && !known;
    if yes {
        reply.code = 250;
    }
    if twins.has(Twin::KnownCodesOnly)
        && class == 2
        && !matches!(code, 211 | 214 | 220 | 221 | 235 | 250..=252)
    {
        reply.code = 500;
    }
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Twin::ReadsText, 250, "failed: no", 554)]
    #[case(Twin::BelievesText, 554, "message accepted", 250)]
    #[case(Twin::KnownCodesOnly, 259, "ok", 500)]
    #[case(Twin::OddCodeIsYes, 650, "what", 250)]
    #[case(Twin::LowCodeIsYes, 99, "what", 250)]
    #[case(Twin::UnknownLaterIsYes, 459, "later", 250)]
    #[case(Twin::UnknownNoIsYes, 559, "no", 250)]
    fn each_twin_mistakes_one_reply_and_no_plain_one(
        #[case] twin: Twin,
        #[case] code: u16,
        #[case] text: &str,
        #[case] taken_for: u16,
    ) {
        let twins = Twins::from([twin].as_slice());
        let read = |twins: &Twins, code, text: &str| {
            let lines = vec![text.to_owned()];
            reply(twins, Reply { code, lines }).map(|reply| reply.code)
        };
        assert_eq!(read(&twins, code, text), Ok(taken_for));
        assert_eq!(read(&Twins::default(), code, text), Ok(code));
        for plain in [220, 250, 354, 421, 451, 550, 554] {
            assert_eq!(read(&twins, plain, "plain"), Ok(plain));
        }
    }

    #[test]
    fn a_loose_twin_misspells_what_has_a_path() {
        let loose = Twins::from([Twin::LooseCommands].as_slice());
        assert_eq!(
            spelled(&loose, "MAIL FROM:<a@b.example>"),
            "MAIL FROM: <a@b.example>"
        );
        assert_eq!(spelled(&loose, "DATA"), "DATA ");
        assert_eq!(spelled(&Twins::default(), "DATA"), "DATA");
    }
}
