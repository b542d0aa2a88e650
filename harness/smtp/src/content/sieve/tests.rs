use base64::prelude::{BASE64_STANDARD, Engine as _};
use proptest::prelude::*;

use super::super::{Content, Keep};
use crate::message::Message;

const KEEP: Keep = Keep {
    leaf: 10,
    cms: 100,
    message: 2_000,
};

/// Pushes the text in pieces of `step` bytes, from stream offset 1,000 on.
fn sift(text: &[u8], keep: Keep, step: usize) -> Content {
    let mut content = Content::with(keep);
    let mut offset = 1_000;
    for piece in text.chunks(step) {
        content.push(piece, offset);
        offset += piece.len() as u64;
    }
    content.close();
    content
}

fn nested() -> String {
    let long = "0123456789abcdef\r\n-- no boundary\r\n--outer is only its beginning\r\n".repeat(3);
    format!(
        "Subject: s\r\nContent-Type: multipart/mixed;\r\n\tboundary=\"outerX\"\r\n\r\n{long}--outerX\r\n\
         Content-Type: multipart/alternative; boundary=in\r\n\r\n--in\r\nContent-Type: text/plain\r\n\r\n{long}\
         --in\r\nContent-Type: text/html\r\n\r\nshort\r\n--in--\r\n{long}--outerX\r\n\
         Content-Type: message/rfc822\r\n\r\nSubject: inside\r\n\r\n{long}\r\n--outerX\r\n\
         Content-Type: application/pdf; name=a.pdf\r\n\r\n{long}--outerX--\r\n{long}"
    )
}

#[test]
fn structure_survives_and_bodies_are_cut() {
    let text = nested();
    let whole = Message::read(text.as_bytes());
    for step in [1, 2, 3, 7, 64, 100_000] {
        let content = sift(text.as_bytes(), KEEP, step);
        assert!(
            content.bytes().len() < text.len() / 2,
            "step {step}: {}",
            String::from_utf8_lossy(content.bytes())
        );
        assert_eq!(content.octets(), text.len() as u64);
        let read = Message::read(content.bytes());
        let shape = |message: &Message| -> Vec<(String, String)> {
            message
                .parts()
                .map(|part| (part.path.clone(), part.content_type.clone()))
                .collect()
        };
        assert_eq!(shape(&read), shape(&whole), "step {step}");
        let inner = read.parts().find_map(|part| part.inner.as_ref());
        assert_eq!(
            inner
                .and_then(|m| m.header("Subject"))
                .map(|f| f.value.as_str()),
            Some("inside")
        );
    }
}

#[test]
fn a_message_is_cut_at_its_bound() {
    let text = "A: b\r\n".repeat(1_000);
    let content = sift(text.as_bytes(), KEEP, 50);
    assert!(content.bytes().len() <= KEEP.message + 50);
    assert_eq!(content.octets(), text.len() as u64);
}

#[test]
fn cms_is_known_by_its_first_bytes_whatever_it_is_called() {
    let der = b"0\x82\x01\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03 and then its content, which is long";
    let mut raw = b"Content-Type: image/png\r\n\r\n".to_vec();
    raw.extend_from_slice(der);
    raw.extend_from_slice(&[b'x'; 200]);
    let keep = Keep { leaf: 40, ..KEEP };
    let content = sift(&raw, keep, 9);
    assert_eq!(content.bytes().len(), 27 + 40 + 100);
    let text = format!("\r\n{}", BASE64_STANDARD.encode(&raw[27..]));
    let content = sift(text.as_bytes(), Keep { leaf: 60, ..KEEP }, 13);
    assert_eq!(content.bytes().len(), 2 + 60 + 100);
    let plain = sift(
        &[b"\r\n".as_slice(), &[b'M'; 300]].concat(),
        Keep { leaf: 60, ..KEEP },
        13,
    );
    assert_eq!(plain.bytes().len(), 2 + 60);
}

proptest! {
    #[test]
    fn any_cut_keeps_the_same(step in 1..40_usize, noise in proptest::collection::vec(prop_oneof![
        Just("\r\n"), Just("--"), Just("outerX"), Just("in"), Just("-"), Just("x"), Just("\n"), Just("--outerX\r\n"),
        Just("--in--\r\n"), Just("Content-Type: message/rfc822\r\n\r\n"),
        Just("Content-Type: multipart/mixed; boundary=outerX\r\n\r\n"),
    ], 0..60)) {
        let text = format!("Content-Type: multipart/mixed; boundary=in\r\n\r\n{}", noise.concat());
        let once = sift(text.as_bytes(), KEEP, text.len());
        let cut = sift(text.as_bytes(), KEEP, step);
        prop_assert_eq!(once.bytes(), cut.bytes());
        prop_assert_eq!(once.octets(), text.len() as u64);
        prop_assert_eq!(cut.octets(), text.len() as u64);
        for at in 0..cut.bytes().len() {
            let place = usize::try_from(cut.span(at..at + 1).start - 1_000).unwrap();
            prop_assert_eq!(text.as_bytes()[place], cut.bytes()[at]);
        }
    }
}
