//! The report as one page: for someone who will never see a packet, with every packet that they could be shown.
//!
//! It stands by itself: nothing is loaded, and without script all of it can be read (script only filters, and opens what
//! a link leads to). From top to bottom: what it comes to in a sentence and a picture, the claims, what leaked by host
//! and account, the captures, and each conversation as a dialogue between two lines, with the bytes that decided.

#[cfg(test)]
mod contrast;
mod controls;
mod conversation;
mod exposures;
mod pack;
mod posture;
mod summary;

use std::fmt::Write as _;

use claims::result::{ConversationOutcome, Outcome};

pub use pack::Pack;

use crate::page::escape;
use crate::{Style, page};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// More conversations than these are packed.
const MOST_OPEN: usize = 200;

/// The whole page.
pub(crate) fn render(outcome: &Outcome, _style: Style) -> String {
    if outcome.conversations.len() <= MOST_OPEN {
        return page(outcome, None);
    }
    let mut pack = Pack::default();
    for conversation in &outcome.conversations {
        pack.add(conversation, &conversation::findings(outcome, conversation));
    }
    page(outcome, Some(pack))
}

/// The page of a result whose conversations were packed as they came.
pub fn with_pack(outcome: &Outcome, pack: Pack) -> String {
    if pack.count() <= outcome.conversations.len() as u64 {
        return render(outcome, Style::default());
    }
    page(outcome, Some(pack))
}

/// The style of the page: that of others which show the same things.
pub fn style() -> String {
    format!("{}{STYLE}", page::STYLE)
}

/// What the page shows of one conversation below its heading: the dialogue, what leaked, the claims with their evidence.
pub fn section(conversation: &ConversationOutcome) -> String {
    let mut out = String::new();
    conversation::body(&mut out, conversation, &[]);
    out
}

fn page(outcome: &Outcome, pack: Option<Pack>) -> String {
    let mut out = String::new();
    let title = format!("{}: {}", outcome.tool.name, outcome.command);
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <title>{}</title>\n<style>{}{STYLE}</style>\n</head>\n<body>\n",
        escape(&title),
        page::STYLE
    );
    summary::write(&mut out, outcome);
    posture::write(&mut out, outcome);
    controls::write(&mut out, outcome);
    exposures::write(&mut out, outcome);
    captures(&mut out, outcome);
    match pack {
        Some(pack) => packed(&mut out, pack),
        None => conversation::write(&mut out, outcome),
    }
    let _ = write!(
        out,
        "<footer>Made by {} {} with the profile <code>{}</code>. Packet numbers are those that Wireshark shows. Every \
         verdict was read from the captures named above, and from nothing else.</footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        escape(&outcome.tool.name),
        escape(&outcome.tool.version),
        escape(&outcome.profile)
    );
    out
}

/// Conversations that the script of the page unpacks.
fn packed(out: &mut String, pack: Pack) {
    conversation::open(out);
    let _ = writeln!(
        out,
        "<noscript><p>{} conversations are packed into this page and need script to be shown. <code>--format jsonl</code> has \
         them as text.</p></noscript>",
        pack.count()
    );
    if pack.unlisted() > 0 {
        let _ = writeln!(
            out,
            "<p>{} more conversations are not listed, so that the page stays small; they are in every count above.</p>",
            pack.unlisted()
        );
    }
    if pack.left_out() > 0 {
        let _ = writeln!(
            out,
            "<p>{} of {} conversations are here with their heading only, so that the page stays small; <code>--format jsonl</code> \
             has all of them.</p>",
            pack.left_out(),
            pack.count() - pack.unlisted()
        );
    }
    let _ = writeln!(
        out,
        "<div id=\"list\"></div>\n<nav class=\"pages\" hidden><button type=\"button\" name=\"back\">Earlier</button> <output></output> \
         <button type=\"button\" name=\"on\">Later</button></nav>"
    );
    pack.write(out);
    conversation::close(out);
}

fn captures(out: &mut String, outcome: &Outcome) {
    let _ = writeln!(
        out,
        "<section>\n<h2>Captures</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">file</th><th scope=\"col\">packets</th>\
         <th scope=\"col\">SHA-256</th><th scope=\"col\">remarks</th></tr></thead>\n<tbody>"
    );
    for case in &outcome.cases {
        for capture in std::iter::once(&case.capture).chain(&case.more_captures) {
            let _ = writeln!(
                out,
                "<tr><td>{}</td><td class=\"number\">{}</td><td><code class=\"hash\">{}</code></td><td>{}</td></tr>",
                escape(&capture.path),
                capture.packets,
                escape(if capture.sha256.is_empty() {
                    "not computed"
                } else {
                    &capture.sha256
                }),
                escape(&capture.notes.join("; "))
            );
        }
    }
    let _ = writeln!(out, "</tbody>\n</table></div>\n</section>");
}

#[cfg(test)]
mod tests;
