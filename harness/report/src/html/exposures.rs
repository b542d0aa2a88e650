//! What leaked, by host and by account, with a bar for each.

use std::fmt::Write as _;

use claims::Answer;
use claims::answer::ClientRow;
use claims::leaks::Exposure;
use claims::result::Outcome;

use super::conversation::anchor;
use crate::page::escape;

pub(super) fn write(out: &mut String, outcome: &Outcome) {
    let Some(answer) = &outcome.answer else {
        return;
    };
    if !answer.by_client.is_empty() {
        hosts(out, answer);
    }
    if !answer.by_account.is_empty() {
        accounts(out, answer);
    }
}

fn hosts(out: &mut String, answer: &Answer) {
    let most = answer
        .by_client
        .iter()
        .map(|row| row.messages)
        .max()
        .unwrap_or(0)
        .max(1);
    let _ = writeln!(
        out,
        "<section id=\"hosts\">\n<h2>By client host</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">host</th><th scope=\"col\">messages</th>\
         <th scope=\"col\">in clear</th><th scope=\"col\">passwords read</th><th scope=\"col\">accounts</th><th scope=\"col\">last seen (UTC)</th></tr></thead>\n<tbody>"
    );
    let others = answer.other_clients.iter().map(|row| (row, "(others)"));
    let own = answer
        .by_client
        .iter()
        .map(|row| (row, row.client.as_str()));
    for (row, name) in own.chain(others) {
        let mut accounts = row.accounts.join(", ");
        if row.more_accounts {
            accounts.push_str(", and more");
        }
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td>{}</td><td>{}</td></tr>",
            escape(name),
            meter(row, most),
            row.in_clear,
            row.passwords,
            escape(&accounts),
            escape(row.last_seen.get(..16).unwrap_or(&row.last_seen))
        );
    }
    let _ = writeln!(out, "</tbody>\n</table></div>\n</section>");
}

/// Messages as a bar, those in clear in another colour; the number beside it.
fn meter(row: &ClientRow, most: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a width in pixels")]
    let width = |part: u64| part.min(most) as f64 / most as f64 * 100.0;
    let clear = width(row.in_clear);
    let rest = (width(row.messages) - clear).max(0.0);
    format!(
        "<svg class=\"meter\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"bad\" width=\"{clear:.1}\" height=\"10\"/>\
         <rect class=\"good\" x=\"{clear:.1}\" width=\"{rest:.1}\" height=\"10\"/></svg> {}",
        row.messages
    )
}

fn accounts(out: &mut String, answer: &Answer) {
    let _ = writeln!(
        out,
        "<section id=\"accounts\">\n<h2>By account</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">account</th><th scope=\"col\">by</th>\
         <th scope=\"col\">its password</th><th scope=\"col\">logins</th><th scope=\"col\">where</th></tr></thead>\n<tbody>"
    );
    let others = answer.other_accounts.iter().map(|row| (row, "(others)"));
    let own = answer
        .by_account
        .iter()
        .map(|row| (row, row.account.as_str()));
    for (row, name) in own.chain(others) {
        let class = match row.exposure {
            Some(Exposure::Recoverable) => "fail",
            Some(Exposure::Guessable | Exposure::Unknown) => "unclear",
            _ => "pass",
        };
        let packet = row
            .packet
            .map(|packet| {
                let anchor = anchor(&row.conversation);
                format!(
                    ", <a href=\"#{anchor}.{packet}\" title=\"frame.number == {packet}\">packet {packet}</a>"
                )
            })
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td><span class=\"{class}\">{}</span></td><td class=\"number\">{}</td>\
             <td><a href=\"#{}\">{}</a>{packet}</td></tr>",
            escape(name),
            escape(&row.mechanism),
            row.exposure.map_or("under TLS", Exposure::name),
            row.logins,
            anchor(&row.conversation),
            escape(&row.conversation)
        );
    }
    let _ = writeln!(out, "</tbody>\n</table></div>\n</section>");
}
