//! The first screen: a sentence and a picture.

use std::fmt::Write as _;

use claims::result::Outcome;
use claims::{Answer, Verdict};

use crate::page::escape;
use crate::totals;

pub(super) fn write(out: &mut String, outcome: &Outcome) {
    let (class, headline) = headline(outcome);
    let _ = writeln!(
        out,
        "<header>\n<p class=\"tool\">{} report</p>\n<h1 class=\"{class}\">{}</h1>",
        escape(&outcome.tool.name),
        linked(&headline, outcome)
    );
    if let Some(answer) = &outcome.answer {
        let _ = writeln!(out, "<ul class=\"sentences\">");
        for sentence in answer
            .sentences()
            .into_iter()
            .chain(totals::sampled(outcome))
        {
            let _ = writeln!(out, "<li>{}</li>", escape(&sentence));
        }
        let _ = writeln!(out, "</ul>");
        let messages = messages(answer);
        bar(out, "Messages", &messages);
        bar(out, "Logins", &logins(answer));
    } else {
        bar(out, "Verdicts", &verdicts(outcome));
    }
    let _ = writeln!(out, "</header>");
}

/// The headline, in which what was found leads to where it was found.
fn linked(headline: &str, outcome: &Outcome) -> String {
    let text = escape(headline);
    let Some(answer) = &outcome.answer else {
        return text;
    };
    let (clear, sent) = (answer.messages.in_clear, answer.messages.sent);
    let phrases = [
        (
            format!("{clear} of {sent} messages crossed in clear"),
            "hosts",
        ),
        (
            format!("{} passwords can be read", answer.logins.recoverable),
            "accounts",
        ),
        ("a password can be read".to_owned(), "accounts"),
        (
            format!(
                "{} passwords can be guessed off line",
                answer.logins.guessable
            ),
            "accounts",
        ),
    ];
    let link = |text: String, (phrase, section): &(String, &str)| {
        text.replacen(phrase, &format!("<a href=\"#{section}\">{phrase}</a>"), 1)
    };
    phrases.iter().fold(text, link)
}

/// Is the mail protected, and what leaked? The class says whether that is good.
fn headline(outcome: &Outcome) -> (&'static str, String) {
    let Some(answer) = &outcome.answer else {
        let unmet = outcome.cases.iter().filter(|case| !case.met).count();
        let all = outcome.cases.len();
        return match unmet {
            0 => (
                "good",
                format!("Every expectation was met, in {all} cases."),
            ),
            _ => (
                "bad",
                format!("{unmet} of {all} cases did not meet what was expected."),
            ),
        };
    };
    let (mail, logins) = (&answer.messages, &answer.logins);
    if mail.sent == 0 && logins.all == 0 {
        let under_tls = answer.tls.protected();
        return match under_tls {
            0 => (
                "unclear-head",
                "Nothing was seen that could be judged.".to_owned(),
            ),
            _ => (
                "good",
                format!(
                    "The mail of {under_tls} conversations went under TLS, and nothing of it can be read."
                ),
            ),
        };
    }
    let passwords = match logins.recoverable {
        0 => String::new(),
        1 => ", and a password can be read".to_owned(),
        many => format!(", and {many} passwords can be read"),
    };
    if mail.in_clear > 0 {
        return (
            "bad",
            format!(
                "This mail is not protected: {} of {} messages crossed in clear{passwords}.",
                mail.in_clear, mail.sent
            ),
        );
    }
    if logins.recoverable > 0 {
        return (
            "bad",
            format!(
                "The messages are protected and the logins are not: {} can be read.",
                logins.recoverable
            ),
        );
    }
    if logins.guessable > 0 {
        return (
            "unclear-head",
            format!(
                "No message crossed in clear; {} passwords can be guessed off line.",
                logins.guessable
            ),
        );
    }
    if mail.undecided > 0 {
        return (
            "unclear-head",
            format!(
                "Nothing was seen in clear; {} of {} messages could not be judged.",
                mail.undecided, mail.sent
            ),
        );
    }
    (
        "good",
        "This mail is protected: no message and no password can be read.".to_owned(),
    )
}

/// A part of a whole: what it is, how many, and its class.
type Part = (&'static str, u64, &'static str);

fn messages(answer: &Answer) -> Vec<Part> {
    let all = &answer.messages;
    vec![
        ("in clear", all.in_clear, "bad"),
        ("undecided", all.undecided, "doubt"),
        ("S/MIME", all.smime, "good"),
        ("OpenPGP", all.openpgp, "good"),
        ("under TLS", all.under_tls, "best"),
    ]
}

fn logins(answer: &Answer) -> Vec<Part> {
    let all = &answer.logins;
    vec![
        ("with a password that can be read", all.recoverable, "bad"),
        ("open to guessing off line", all.guessable, "doubt"),
        ("not decoded", all.unknown, "doubt"),
        ("under TLS", all.under_tls, "best"),
    ]
}

fn verdicts(outcome: &Outcome) -> Vec<Part> {
    let asked = outcome.cases.iter().filter_map(|case| case.verdict);
    let count = |wanted| asked.clone().filter(|word| *word == wanted).count() as u64;
    vec![
        ("fail", count(Verdict::Fail) + count(Verdict::Error), "bad"),
        ("inconclusive", count(Verdict::Inconclusive), "doubt"),
        ("pass", count(Verdict::Pass), "good"),
        ("not applicable", count(Verdict::NotApplicable), "none"),
    ]
}

/// One bar, cut in proportion; nothing where there is nothing. The numbers stand in words beside it.
fn bar(out: &mut String, title: &str, parts: &[Part]) {
    const WIDTH: f64 = 1000.0;
    let all: u64 = parts.iter().map(|(_, count, _)| count).sum();
    if all == 0 {
        return;
    }
    let words: Vec<_> = parts
        .iter()
        .filter(|(_, count, _)| *count > 0)
        .map(|(name, count, _)| format!("{count} {name}"))
        .collect();
    let _ = write!(
        out,
        "<figure class=\"bar\">\n<figcaption>{title}</figcaption>\n<svg viewBox=\"0 0 1000 28\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{title}: {}\">",
        escape(&words.join(", "))
    );
    let mut from = 0.0;
    for (_, count, class) in parts.iter().filter(|(_, count, _)| *count > 0) {
        #[expect(clippy::cast_precision_loss, reason = "a width in pixels")]
        let width = *count as f64 / all as f64 * WIDTH;
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{from:.1}\" y=\"0\" width=\"{width:.1}\" height=\"28\"/>"
        );
        from += width;
    }
    let _ = writeln!(out, "</svg>\n<ul class=\"key\">");
    for (name, count, class) in parts.iter().filter(|(_, count, _)| *count > 0) {
        let _ = writeln!(out, "<li><i class=\"{class}\"></i>{count} {name}</li>");
    }
    let _ = writeln!(out, "</ul>\n</figure>");
}
