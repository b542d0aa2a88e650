//! The dialogues for the claims of `catalogue/rfc-strict.toml`.

use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};

use super::super::testing::{FROM, TO, Talk, ntlm_messages, plain};
use super::mail;

const AUTH: &str = "AUTH PLAIN AHN2YwBwdw==";
const ASKS_TLS: &str = "MAIL FROM:<a@b.example> REQUIRETLS";

fn greeted() -> Talk {
    Talk::silent().s("220 mx")
}

fn refused_greeting() -> Talk {
    Talk::silent().s("554 no mail here")
}

fn begun(reply: &str) -> Talk {
    Talk::ehlo(&[]).cs(&format!("MAIL FROM:<{FROM}>"), reply)
}

fn split_reply() -> Talk {
    Talk::ehlo(&[])
        .c(&format!("MAIL FROM:<{FROM}>"))
        .turn("S", "250-first\r\n")
}

fn dotted(line: &str) -> Talk {
    Talk::ehlo(&[])
        .envelope(&format!("<{FROM}>"), &[&format!("<{TO}>")])
        .turn("C", format!("Subject: x\r\n\r\n{line}\r\n.\r\n"))
        .s("250 taken")
        .quit()
}

fn group(last: &str) -> Talk {
    Talk::ehlo(&["PIPELINING"])
        .turn(
            "C",
            format!("MAIL FROM:<{FROM}>\r\nRCPT TO:<{TO}>\r\n{last}"),
        )
        .s("250 ok")
        .s("250 ok")
}

fn chunked(chunk: &str, reply: &str) -> Talk {
    Talk::ehlo(&["CHUNKING"])
        .cs(&format!("MAIL FROM:<{FROM}>"), "250 ok")
        .cs(&format!("RCPT TO:<{TO}>"), "250 ok")
        .turn("C", chunk)
        .s(reply)
}

fn login() -> Talk {
    Talk::ehlo(&["AUTH PLAIN"])
}

fn opened(offer: &[&str]) -> Talk {
    Talk::ehlo(&["STARTTLS", "REQUIRETLS"])
        .cs("STARTTLS", "220 go")
        .opened()
        .again(offer)
}

fn empty_response(line: &str) -> Talk {
    Talk::ehlo(&["AUTH EXTERNAL"]).cs(line, "235 ok").quit()
}

fn ntlm(signature: u8) -> Talk {
    let [mut first, second, third] = ntlm_messages("D", "u", "pw");
    first[0] = signature;
    Talk::ehlo(&["AUTH NTLM"])
        .cs("AUTH NTLM", "334 ntlm supported")
        .cs(
            &BASE64.encode(first),
            &format!("334 {}", BASE64.encode(second)),
        )
        .cs(&BASE64.encode(third), "235 ok")
        .quit()
}

/// Claim, a client that breaks it, a client that keeps it.
pub(super) fn table() -> Vec<(&'static str, Talk, Talk)> {
    let mut table = of_5321();
    table.extend(of_extensions());
    table
}

fn of_5321() -> Vec<(&'static str, Talk, Talk)> {
    let long = format!("RCPT TO:<{}@b.example>", "a".repeat(500));
    let message = |text: &str| Talk::ehlo(&[]).message(&plain("", text)).quit();
    let data = || Talk::ehlo(&[]).cs(&format!("MAIL FROM:<{FROM}>"), "250 ok");
    let data = || data().cs(&format!("RCPT TO:<{TO}>"), "250 ok");
    vec![
        (
            "RFC5321-3.1",
            Talk::silent().c("EHLO a").s("220 mx").s("250 mx").quit(),
            mail(),
        ),
        (
            "RFC5321-3.8",
            refused_greeting()
                .cs("EHLO a", "250 mx")
                .cs("MAIL FROM:<a@b.example>", "503 no")
                .quit(),
            refused_greeting().quit(),
        ),
        (
            "RFC5321-4.1.4",
            greeted().cs("MAIL FROM:<a@b.example>", "503 no").quit(),
            mail(),
        ),
        (
            "RFC5321-4.1.1.1",
            greeted().cs("EHLO my_host", "250 mx").quit(),
            mail(),
        ),
        (
            "RFC5321-4.1.2",
            Talk::ehlo(&[])
                .cs("MAIL FROM: <a@b.example>", "501 no")
                .quit(),
            mail(),
        ),
        (
            "RFC5321-4.5.3.1.4",
            Talk::ehlo(&[]).cs(&long, "500 too long").quit(),
            mail(),
        ),
        ("RFC5321-4.5.3.1.6", message(&"x".repeat(999)), mail()),
        (
            "RFC5321-4.1.1.10",
            begun("550 no").closed(),
            begun("550 no").quit(),
        ),
        (
            "RFC5321-4.1.1.11",
            Talk::ehlo(&[])
                .cs("MAIL FROM:<a@b.example> SIZE=10", "555 no")
                .quit(),
            mail(),
        ),
        (
            "RFC5321-4.3.1",
            Talk::ehlo(&[])
                .turn("C", "MAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\n")
                .s("250 ok")
                .s("250 ok")
                .quit(),
            mail(),
        ),
        (
            "RFC5321-4.2.1",
            split_reply()
                .c("RCPT TO:<a@b.example>")
                .turn("S", "250 last\r\n")
                .quit(),
            split_reply()
                .turn("S", "250 last\r\n")
                .cs("RCPT TO:<a@b.example>", "250 ok")
                .quit(),
        ),
        (
            "RFC5321-4.3.2",
            begun("550 no").cs("RCPT TO:<a@b.example>", "503 no").quit(),
            begun("550 no").quit(),
        ),
        (
            "RFC5321-3.3",
            data()
                .cs("DATA", "451 later")
                .turn("C", "Subject: x\r\n\r\nx\r\n.\r\n")
                .s("500 what?")
                .quit(),
            mail(),
        ),
        ("RFC5321-4.5.2", dotted(".x"), dotted("..x")),
        (
            "RFC5321-4.2.5",
            data()
                .cs("DATA", "354 go")
                .turn("C", "Subject: x\r\n\r\nx\r\n.\r\n")
                .closed(),
            mail(),
        ),
    ]
}

fn of_extensions() -> Vec<(&'static str, Talk, Talk)> {
    let token = "AHN2".repeat(140);
    let refused_chunk = || chunked("BDAT 6\r\nA: b\r\n", "452 no room");
    vec![
        (
            "RFC2920-3.1",
            group("DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n")
                .s("354 go")
                .s("250 ok")
                .quit(),
            group("DATA\r\n")
                .s("354 go")
                .turn("C", "x\r\n.\r\n")
                .c("QUIT")
                .s("250 ok")
                .s("221 bye")
                .closed(),
        ),
        (
            "RFC3030-3",
            chunked("BDAT 6\r\nA: b\r\n", "250 ok").quit(),
            chunked("BDAT 6 LAST\r\nA: b\r\n", "250 ok").quit(),
        ),
        (
            "RFC3030-2",
            refused_chunk()
                .turn("C", "BDAT 2 LAST\r\n\r\n")
                .s("250 ok")
                .quit(),
            refused_chunk().quit(),
        ),
        (
            "RFC4954-3",
            Talk::ehlo(&["AUTH LOGIN"]).cs(AUTH, "504 no").quit(),
            login().cs(AUTH, "235 ok").quit(),
        ),
        (
            "RFC4954-4-b",
            login().cs(AUTH, "235 ok").cs(AUTH, "503 no").quit(),
            login().cs(AUTH, "235 ok").message(&plain("", "x")).quit(),
        ),
        (
            "RFC4954-4-f",
            login()
                .cs(&format!("AUTH PLAIN {token}"), "500 too long")
                .quit(),
            login().cs("AUTH PLAIN", "334 ").cs(&token, "235 ok").quit(),
        ),
        (
            "RFC4954-4-g",
            empty_response("AUTH EXTERNAL "),
            empty_response("AUTH EXTERNAL ="),
        ),
        ("MSNLMP-2.2.1", ntlm(b'X'), ntlm(b'N')),
        (
            "RFC3207-4.2-b",
            Talk::ehlo(&["STARTTLS"])
                .cs("STARTTLS", "220 go")
                .opened()
                .message(&plain("", "x"))
                .quit(),
            opened(&[]).quit(),
        ),
        (
            "RFC3207-4.2-d",
            opened(&["STARTTLS"]).cs("STARTTLS", "503 no").quit(),
            opened(&["STARTTLS"]).message(&plain("", "x")).quit(),
        ),
        (
            "RFC8689-2",
            opened(&[]).cs(ASKS_TLS, "250 ok").quit(),
            opened(&["REQUIRETLS"]).cs(ASKS_TLS, "250 ok").quit(),
        ),
    ]
}
