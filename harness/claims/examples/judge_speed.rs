//! How long a conversation takes to be judged, in microseconds: `cargo run --release -p smtpspec-claims --example
//! judge_speed`.
//!
//! The conversation is an ordinary one of about thirty events: EHLO, AUTH LOGIN, and two messages with an attachment.

use std::hint::black_box;
use std::time::{Duration, Instant};

use smtp::Timeline;
use smtp::session::testing::dialogue;
use smtpspec_claims::result::ConversationOutcome;
use smtpspec_claims::{Brief, Case, Given, Leaks, Ledger, Profile, Tally, judge, transcript};

const ROUNDS: u32 = 2_000;
const MESSAGE: &str = "From: Billing <billing@contoso.example>\r\nTo: orders@fabrikam.example\r\n\
    Cc: audit@fabrikam.example\r\nSubject: =?utf-8?Q?Order_4711?=\r\nDate: Tue, 14 Nov 2023 22:13:20 +0100\r\n\
    Message-ID: <{id}@host.contoso.example>\r\nMIME-Version: 1.0\r\nX-Mailer: Example 1.0\r\n\
    Content-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n--=_b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
    The order is attached.\r\n--=_b\r\nContent-Type: application/xml; name=\"order.xml\"\r\n\
    Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"order.xml\"\r\n\r\n\
    PG9yZGVyPjxudW1iZXI+NDcxMTwvbnVtYmVyPjwvb3JkZXI+\r\n--=_b--\r\n.\r\n";

fn conversation() -> Timeline {
    let mut turns: Vec<(&str, Vec<u8>)> = Vec::new();
    let mut say = |client: &str, server: &str| {
        if !client.is_empty() {
            turns.push(("C", client.as_bytes().to_vec()));
        }
        turns.push(("S", server.as_bytes().to_vec()));
    };
    say("", "220 mx.fabrikam.example ESMTP Postfix\r\n");
    say(
        "EHLO host.contoso.example\r\n",
        "250-mx.fabrikam.example\r\n250-STARTTLS\r\n250-SIZE 1000000\r\n250 AUTH LOGIN PLAIN NTLM\r\n",
    );
    say("AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n");
    say("YmlsbGluZw==\r\n", "334 UGFzc3dvcmQ6\r\n");
    say("Q29ycmVjdC1Ib3JzZQ==\r\n", "235 2.7.0 ok\r\n");
    for id in ["one", "two"] {
        say("MAIL FROM:<billing@contoso.example>\r\n", "250 ok\r\n");
        say("RCPT TO:<orders@fabrikam.example>\r\n", "250 ok\r\n");
        say("RCPT TO:<audit@fabrikam.example>\r\n", "250 ok\r\n");
        say("DATA\r\n", "354 go\r\n");
        say(&MESSAGE.replace("{id}", id), "250 2.0.0 queued\r\n");
    }
    say("QUIT\r\n", "221 bye\r\n");
    turns.push(("-C", Vec::new()));
    turns.push(("-S", Vec::new()));
    let borrowed: Vec<_> = turns
        .iter()
        .map(|(who, bytes)| (*who, bytes.as_slice()))
        .collect();
    smtp::session::read(&dialogue(&borrowed))
}

/// The median time of one call, with fresh input for each.
fn median<I, O>(mut input: impl FnMut() -> I, mut work: impl FnMut(I) -> O) -> Duration {
    let mut times: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let input = black_box(input());
            let start = Instant::now();
            let output = black_box(work(input));
            let time = start.elapsed();
            drop(output);
            time
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn show(what: &str, time: Duration) {
    println!("{what:<11} {:>8.1} us", time.as_secs_f64() * 1e6);
}

/// Everything but the judging.
fn others(timeline: &Timeline) {
    let case = Case::new(vec![timeline.clone()], Given::default());
    let subject = case.subjects().next().expect("one conversation");
    show("leaks", median(|| (), |()| Leaks::of(&subject)));
    show("brief", median(|| (), |()| Brief::of(&subject)));
    let (mut ledger, mut tally) = (Ledger::default(), Tally::default());
    let mut number = 0;
    let brief = || {
        number += 1;
        let mut brief = Brief::of(&subject).named(format!("C1/{number}"));
        brief.mails[0].key = number;
        brief
    };
    let across = |brief: Brief| {
        tally.add(&brief);
        ledger.judge(&brief)
    };
    show("across", median(brief, across));
    show(
        "transcript",
        median(|| (), |()| transcript::lines(timeline, &case.given)),
    );
    let outcome =
        ConversationOutcome::judged("C1/1".to_owned(), &subject, Vec::new()).with_leaks(&subject);
    show(
        "jsonl",
        median(
            || (),
            |()| serde_json::to_string(&outcome).expect("plain data"),
        ),
    );
}

fn main() {
    let timeline = conversation();
    println!("events      {:>8}", timeline.events.len());
    let reading = median(
        || timeline.clone(),
        |timeline| Case::new(vec![timeline], Given::default()),
    );
    show("read", reading);
    others(&timeline);
    for profile in Profile::all() {
        let case = Case::new(vec![timeline.clone()], Given::default());
        let judging = median(|| (), |()| judge(&case, profile));
        println!(
            "judge       {:>8.1} us  {}",
            judging.as_secs_f64() * 1e6,
            profile.id
        );
        let subject = case.subjects().next().expect("one conversation");
        let mut slow: Vec<_> = profile
            .expectations()
            .map(|(claim, _)| {
                (
                    median(|| (), |()| (claim.check().run)(&subject)),
                    &claim.check,
                )
            })
            .collect();
        slow.sort_unstable();
        for (time, check) in slow.iter().rev().take(6) {
            println!("            {:>8.1} us  {check}", time.as_secs_f64() * 1e6);
        }
    }
}
