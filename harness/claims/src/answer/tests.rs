use std::net::{Ipv4Addr, SocketAddr};

use super::tables::{MAX_SHOWN, MAX_TRACKED};
use super::*;
use crate::Given;
use crate::checks::testing::{Talk, case, plain, smime};

fn brief(talk: Talk) -> Brief {
    Brief::of(&case(vec![talk], Given::default()).subject(0))
}

fn offered() -> Talk {
    Talk::ehlo(&["STARTTLS", "AUTH LOGIN PLAIN NTLM"])
}

fn tally(talks: Vec<Talk>) -> Answer {
    let mut tally = Tally::default();
    for (number, talk) in talks.into_iter().enumerate() {
        tally.add(&brief(talk).named(format!("C1/{}", number + 1)));
    }
    tally.answer()
}

fn client(number: u32) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::from_bits(0x0a00_0000 + number), 40_000))
}

#[test]
fn what_is_counted() {
    // `user` and `secret`.
    let login = || {
        offered()
            .cs("AUTH LOGIN", "334 a")
            .cs("dXNlcg==", "334 b")
            .cs("c2VjcmV0", "235 ok")
    };
    let answer = tally(vec![
        login()
            .message(&plain("", "x"))
            .message(&smime("", "enveloped-aes128.der"))
            .quit(),
        offered()
            .ntlm("D", "svc", "pw", "235 ok")
            .message(&plain("", "y"))
            .quit(),
        offered().cs("STARTTLS", "220 go").tls(),
        offered().cs("STARTTLS", "454 no").quit(),
        Talk::ehlo(&[]).torn(&plain("", "abcdef"), "cde").quit(),
        Talk::silent().tls(),
        Talk::silent().s("220 mx"),
    ]);
    assert_eq!(answer.conversations, 7);
    let expected = Messages {
        sent: 4,
        accepted: 4,
        in_clear: 2,
        smime: 1,
        openpgp: 0,
        under_tls: 0,
        undecided: 1,
    };
    assert_eq!(answer.messages, expected);
    let expected = Logins {
        all: 2,
        recoverable: 1,
        guessable: 1,
        under_tls: 0,
        unknown: 0,
    };
    assert_eq!(answer.logins, expected);
    let expected = TlsCounts {
        implicit: 1,
        upgraded: 1,
        refused: 1,
        passed_over: 2,
        not_offered: 1,
        unseen: 1,
    };
    assert_eq!(answer.tls, expected);
    assert_eq!(
        (
            answer.clients,
            answer.servers,
            answer.accounts,
            answer.at_least
        ),
        (1, 1, 2, false)
    );
    assert_eq!(
        answer
            .mechanisms
            .iter()
            .map(|(name, count)| (name.as_str(), *count))
            .collect::<Vec<_>>(),
        [("LOGIN", 1), ("NTLM", 1)]
    );
    assert!(
        answer.last_seen.starts_with("2023-11-14T22:13:20"),
        "{}",
        answer.last_seen
    );
    let sentences = answer.sentences();
    assert_eq!(
        sentences[0],
        "2 of 4 messages crossed in clear; 1 encrypted with S/MIME."
    );
    assert_eq!(
        sentences[1],
        "1 password can be read, 1 can be guessed off line, of 2 logins."
    );
    assert_eq!(
        sentences[2],
        "7 conversations: 1 client host, 1 server, 2 accounts."
    );
    assert!(
        sentences[3].starts_with("Conversations: 2 of 7 under TLS; 2 passed over STARTTLS"),
        "{sentences:?}"
    );
    assert!(
        sentences[4].starts_with("1 message is: not whole"),
        "{sentences:?}"
    );
}

#[test]
fn rows_by_client_and_by_account() {
    let login = |password: &str| offered().cs("AUTH PLAIN AHVzZXIAc2VjcmV0", password);
    let mut tally = Tally::default();
    let mut add = |number: u32, id: &str, talk: Talk| {
        let mut brief = brief(talk).named(id);
        brief.client = client(number);
        tally.add(&brief);
    };
    add(1, "a", Talk::ehlo(&[]).quit());
    add(2, "b", offered().ntlm("D", "User", "pw", "535 no").quit());
    add(2, "c", login("235 ok").message(&plain("", "x")).quit());
    add(3, "d", login("535 no").quit());
    let answer = tally.answer();
    let rows: Vec<_> = answer
        .by_client
        .iter()
        .map(|row| {
            (
                row.client.as_str(),
                row.conversations,
                row.messages,
                row.in_clear,
                row.passwords,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("10.0.0.2", 2, 1, 1, 1),
            ("10.0.0.3", 1, 0, 0, 1),
            ("10.0.0.1", 1, 0, 0, 0)
        ]
    );
    assert_eq!(answer.by_client[0].accounts, ["D\\User", "user"]);
    let rows: Vec<_> = answer
        .by_account
        .iter()
        .map(|row| {
            (
                row.account.as_str(),
                row.exposure,
                row.logins,
                row.conversation.as_str(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("user", Some(Exposure::Recoverable), 2, "c"),
            ("D\\User", Some(Exposure::Guessable), 1, "b")
        ]
    );
    assert!(answer.other_clients.is_none() && answer.other_accounts.is_none());
}

#[test]
fn memory_is_bounded_and_nothing_is_lost_from_the_sums() {
    let mut tally = Tally::default();
    let mut brief = brief(
        offered()
            .cs("AUTH PLAIN AHVzZXIAc2VjcmV0", "235 ok")
            .message(&plain("", "x"))
            .quit(),
    );
    let hosts = u32::try_from(MAX_TRACKED).expect("small") + 500;
    for number in 0..hosts {
        brief.client = client(number);
        brief.logins[0].account = Some(format!("user{number}"));
        brief.logins[0].mechanism = format!("M{number}");
        tally.add(&brief);
    }
    let answer = tally.answer();
    assert_eq!(answer.clients, u64::from(hosts));
    assert_eq!(
        (answer.by_client.len(), answer.by_account.len()),
        (MAX_SHOWN, MAX_SHOWN)
    );
    let others = answer.other_clients.as_ref().expect("there are others");
    assert_eq!(others.conversations + MAX_SHOWN as u64, u64::from(hosts));
    assert_eq!(others.in_clear + MAX_SHOWN as u64, answer.messages.in_clear);
    let others = answer.other_accounts.as_ref().expect("there are others");
    assert_eq!(
        (others.logins + MAX_SHOWN as u64, others.account.as_str()),
        (u64::from(hosts), "")
    );
    assert_eq!(answer.mechanisms.len(), MAX_MECHANISMS + 1);
    assert_eq!(answer.mechanisms.values().sum::<u64>(), u64::from(hosts));
}

#[test]
fn numbers_beyond_the_bound_are_said_to_be_so() {
    let mut distinct = Distinct::default();
    for number in 0..=MAX_DISTINCT {
        assert!(!distinct.full);
        distinct.add(number);
    }
    assert!(distinct.full);
    assert_eq!(distinct.len(), MAX_DISTINCT as u64);
    let answer = Answer {
        at_least: true,
        ..Answer::default()
    };
    assert!(
        answer
            .sentences()
            .iter()
            .any(|line| line.contains("at least"))
    );
}

#[test]
fn an_empty_capture_claims_nothing() {
    let answer = Tally::default().answer();
    assert_eq!(answer, Answer::default());
    assert_eq!(
        answer.sentences()[..2],
        ["No message can be seen.", "No login can be seen."]
    );
}

#[test]
fn the_answer_survives_being_written_down() {
    let answer = tally(vec![
        offered()
            .ntlm("D", "svc", "pw", "235 ok")
            .message(&plain("", "y"))
            .quit(),
    ]);
    let text = serde_json::to_string(&answer).expect("plain data");
    assert_eq!(
        serde_json::from_str::<Answer>(&text).expect("the same"),
        answer
    );
}
