//! Is something called S/MIME that is not?

use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "smime-label-without-cms",
    observed_when: "a part is labelled application/pkcs7-mime or pkcs7-signature, and its bytes are no CMS object",
    trigger: "a part of a whole message has such a label",
    method: "The bytes behind the transfer encoding are read as a ContentInfo. A label alone hides nothing: who trusts it \
             counts a message as protected that anybody can read.",
    references: &["RFC 8551 3.2", "RFC 5652 3"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, judge)
}

fn judge(sent: &Sent<'_>) -> Finding {
    let (mut good, mut unread) = (None, false);
    for part in sent.message.parts().filter(|part| part.is_labelled_cms()) {
        let evidence = |what: &'static str| vec![sent.evidence(part.body.clone(), what)];
        match &part.cms {
            Some(Ok(_)) => {
                good.get_or_insert_with(|| {
                    let what = format!("{} holds a CMS object", part.content_type);
                    Finding::not_observed(what, evidence("CMS object behind the label"))
                });
            }
            Some(Err(_)) | None if sent.incomplete().is_none() && sent.data.content.elided() == 0 => {
                return Finding::observed(
                    format!("{} holds no CMS object", part.content_type),
                    evidence("what stands behind the label"),
                );
            }
            _ => unread = true,
        }
    }
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    if unread {
        return Finding::undetermined("the part is too long for this reader to keep whole");
    }
    if let Some(reason) = sent.unlisted() {
        return Finding::undetermined(reason);
    }
    good.unwrap_or_else(|| Finding::not_applicable("about a part with the label of S/MIME; there is none"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, base64_body, find, plain, smime};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given::default())
    }

    fn labelled(body: &str) -> String {
        format!("From: {FROM}\nTo: {TO}\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\n{body}\n")
    }

    #[test]
    fn a_label_and_nothing_behind_it() {
        seen(Talk::ehlo(&[]).message(&labelled("attack at dawn"))).observed("holds no CMS", &["attack at dawn\r\n"]);
    }

    #[test]
    fn a_label_that_is_right() {
        let file = "enveloped-aes128.der";
        seen(Talk::ehlo(&[]).message(&smime("", file))).not_observed("holds a CMS object", &[&base64_body(file)]);
    }

    #[test]
    fn a_hole_or_no_label() {
        let torn = Talk::ehlo(&[]).torn(&labelled("attack at dawn"), "dawn");
        seen(torn).undetermined("the whole message");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        seen(Talk::ehlo(&[]).message(&plain("", "x"))).not_applicable("there is none");
    }
}
