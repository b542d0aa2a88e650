//! A reader's walk through the page: from its first sentence, by three clicks, to the packet that proves that a password crossed
//! in clear; and tshark shows it at that number.

mod support;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use support::{good, have, smtpspec, text, tshark};

/// A page, and where in it a reader stands.
struct Page(String);

impl Page {
    /// The text from what has that id on. A click leads there.
    fn at(&self, id: &str) -> &str {
        let at = self.0.find(&format!("id=\"{id}\""));
        &self.0[at.unwrap_or_else(|| panic!("nothing has the id {id}"))..]
    }
}

/// Where the first link whose text holds `words` leads.
fn link(from: &str, words: &str) -> String {
    let found = from.split("<a href=\"#").skip(1).find(|rest| {
        let end = rest.find("</a>").unwrap_or(rest.len());
        rest[..end].contains(words)
    });
    let rest = found.unwrap_or_else(|| panic!("no link says {words}"));
    rest[..rest.find('"').expect("it ends")].to_owned()
}

/// What stands between two marks.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let from = text.find(start).expect("the beginning is there") + start.len();
    &text[from..from + text[from..].find(end).expect("the end is there")]
}

#[test]
fn three_clicks_lead_to_the_packet_with_the_password() {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures/BAS-01.pcapng");
    let output = smtpspec()
        .args(["audit", "--format", "html"])
        .arg(&capture)
        .output()
        .expect("the binary starts");
    let page = Page(text(&good(&output, "an audit")));

    let headline = between(&page.0, "<h1", "</h1>");
    assert!(
        headline.contains("This mail is not protected"),
        "{headline}"
    );
    // First click: on what the sentence says of the password.
    let accounts = page.at(&link(headline, "a password can be read"));
    let row = between(accounts, "<tbody>", "</tr>");
    assert!(row.contains("can be read"), "{row}");
    // Second click: to the conversation in which it crossed.
    let conversation = page.at(&link(row, "C1/1"));
    // Third click: to the packet that shows it, named beside the masked bytes.
    let claim = &conversation[conversation
        .find("<b>ADP-16</b>")
        .expect("the claim is there")..];
    let evidence = claim
        .split("<p class=\"evidence\">")
        .find(|piece| piece.contains("password of AUTH LOGIN"))
        .expect("the bytes are shown");
    assert!(
        evidence.contains("** ** **"),
        "the password is masked: {evidence}"
    );
    let target = link(evidence, "packet ");
    let line = between(page.at(&target), ">", "</li>");
    assert!(line.contains("SASL response"), "{line}");

    let number = between(evidence, "frame.number == ", "\"");
    assert!(target.ends_with(&format!(".{number}")), "{target}");
    if !have(&["tshark"]) {
        return;
    }
    let filter = format!("frame.number == {number}");
    let shown = tshark(
        &capture,
        &["-Y", &filter, "-T", "fields", "-e", "tcp.payload"],
    );
    let bytes = hex::decode(shown[0].trim()).expect("hex");
    let decoded = BASE64
        .decode(bytes.trim_ascii())
        .expect("the password in base64");
    let password = text(&decoded);
    assert!(
        password.starts_with("Pw-"),
        "what the lab makes: {password}"
    );
    // The page itself does not give it away.
    assert!(!page.0.contains(&password) && !page.0.contains(&text(bytes.trim_ascii())));
}
