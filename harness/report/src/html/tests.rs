//! The page of the sample audit, and of one with hostile strings wherever a wire or a file can put them.

use crate::{Style, sample};

const HOSTILE: &str =
    "<img src=x onerror=alert(1)>\"'</pre><script>alert(2)</script>\x1b[31m\u{202e}";

#[test]
fn the_first_sentence_answers() {
    let page = super::render(&sample::audit(), Style::default());
    assert!(
        page.contains(
            "This mail is not protected: <a href=\"#hosts\">150 of 150 messages crossed in clear</a>"
        ),
        "{}",
        &page[..4000]
    );
}

#[test]
fn links_lead_somewhere() {
    let page = super::render(&sample::audit(), Style::default());
    let targets = page.match_indices("href=\"#").map(|(at, start)| {
        let rest = &page[at + start.len()..];
        &rest[..rest.find('"').expect("it ends")]
    });
    let mut count = 0;
    for target in targets {
        let conversation = target.split_once('.').map_or(target, |(head, _)| head);
        assert!(
            page.contains(&format!("id=\"{target}\""))
                || conversation != target
                || page.contains("Showing"),
            "nothing is called {target}"
        );
        count += 1;
    }
    assert!(count > 10);
}

#[test]
fn nothing_from_the_wire_takes_effect_and_nothing_is_loaded() {
    let mut outcome = sample::audit();
    for conversation in &mut outcome.conversations {
        conversation.client = HOSTILE.to_owned();
        for line in &mut conversation.transcript {
            line.text.push_str(HOSTILE);
        }
        for judged in &mut conversation.verdicts {
            judged.reason.push_str(HOSTILE);
            for piece in &mut judged.evidence {
                piece.what.push_str(HOSTILE);
            }
        }
    }
    for case in &mut outcome.cases {
        case.title = HOSTILE.to_owned();
        case.capture.path = HOSTILE.to_owned();
        case.capture.notes = vec![HOSTILE.to_owned()];
    }
    let answer = outcome.answer.as_mut().expect("an audit has one");
    answer.by_client[0].accounts = vec![HOSTILE.to_owned()];
    answer.by_account[0].account = HOSTILE.to_owned();
    let page = super::render(&outcome, Style::default());
    assert_eq!(page.matches("<script>").count(), 1, "our own, and no other");
    assert!(!page.contains("<img") && !page.contains(['\x1b', '\u{202e}']));
    for load in ["src=\"", "href=\"http", "url(", "@import", "fetch("] {
        assert!(!page.contains(load), "{load}");
    }
}
