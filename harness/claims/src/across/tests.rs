use wire::Timestamp;

use super::*;
use crate::checks::testing::{Talk, case, plain, smime};
use crate::result::ConversationOutcome;
use crate::{Given, Observation, Profile, Verdict, judge, overrule};

fn brief(id: &str, talk: Talk) -> Brief {
    Brief::of(&case(vec![talk], Given::default()).subject(0)).named(id)
}

/// What the ledger finds in the last of these conversations.
fn last(talks: Vec<Talk>) -> Vec<(&'static str, Finding)> {
    let mut ledger = Ledger::default();
    let mut findings = Vec::new();
    for (number, talk) in talks.into_iter().enumerate() {
        findings = ledger.judge(&brief(&format!("C1/{}", number + 1), talk));
    }
    findings
}

fn sent(id: &str) -> Talk {
    Talk::ehlo(&[])
        .message(&plain(&format!("Message-ID: <{id}@x>\n"), "body"))
        .quit()
}

#[test]
fn an_offer_of_starttls_that_is_gone() {
    let with = || Talk::ehlo(&["STARTTLS"]).quit();
    let found = last(vec![with(), Talk::ehlo(&["SIZE"]).quit()]);
    let [(check, finding)] = found.as_slice() else {
        panic!("{found:#?}")
    };
    assert_eq!(
        (*check, finding.observation),
        (STRIPPED, Observation::Observed)
    );
    assert_eq!(
        finding.reason,
        "the same server offered STARTTLS in C1/1 (packet 3) and not here"
    );
    assert_eq!(finding.evidence[1].packets, [3]);
    assert!(finding.evidence[1].what.starts_with("C1/1: "));
    for talks in [
        vec![Talk::ehlo(&["SIZE"]).quit(), with()],
        vec![with(), with()],
        vec![with(), Talk::silent().s("220 mx").cs("HELO a", "250 mx")],
        vec![with(), Talk::silent().tls()],
        vec![
            with(),
            Talk::silent()
                .s("220 mx")
                .turn("?S", "250-x\r\n")
                .again(&["SIZE"]),
        ],
    ] {
        assert!(last(talks).is_empty());
    }
}

#[test]
fn the_same_server_is_known_by_its_address_or_its_name() {
    let mut ledger = Ledger::default();
    ledger.judge(&brief("one", Talk::ehlo(&["STARTTLS"])));
    let mut moved = brief("two", Talk::ehlo(&["SIZE"]));
    moved.server = SocketAddr::from(([192, 0, 2, 77], 25));
    assert_eq!(ledger.judge(&moved).len(), 1, "by its name");
    moved.banner = Some("other.example".to_owned());
    moved.server = SocketAddr::from(([192, 0, 2, 78], 25));
    assert!(ledger.judge(&moved).is_empty(), "another server");
    let renamed = brief(
        "three",
        Talk::silent().s("220 new.example").again(&["SIZE"]),
    );
    assert_eq!(ledger.judge(&renamed).len(), 1, "by its address");
}

#[test]
fn a_list_of_mechanisms_that_got_shorter() {
    let found = last(vec![
        Talk::ehlo(&["AUTH LOGIN NTLM GSSAPI"]).quit(),
        Talk::ehlo(&["AUTH LOGIN"]).quit(),
    ]);
    let [(check, finding)] = found.as_slice() else {
        panic!("{found:#?}")
    };
    assert_eq!(*check, SHRUNK);
    assert!(
        finding.reason.contains("offered GSSAPI, NTLM in C1/1"),
        "{}",
        finding.reason
    );
    let longer = last(vec![
        Talk::ehlo(&["AUTH LOGIN"]).quit(),
        Talk::ehlo(&["AUTH NTLM LOGIN"]).quit(),
    ]);
    assert!(longer.is_empty());
}

#[test]
fn a_message_that_is_accepted_again() {
    let found = last(vec![sent("1"), sent("2"), sent("1")]);
    let [(check, finding)] = found.as_slice() else {
        panic!("{found:#?}")
    };
    assert_eq!(
        (*check, finding.observation),
        (TWICE, Observation::NotObserved)
    );
    assert!(
        finding.reason.contains("accepted before, in C1/1"),
        "{}",
        finding.reason
    );
    let nameless = || Talk::ehlo(&[]).message(&plain("", "body")).quit();
    assert_eq!(last(vec![nameless(), nameless()]).len(), 1, "by its bytes");
    assert!(last(vec![sent("1"), sent("2")]).is_empty());
    let refused = Talk::ehlo(&[]).envelope("<a@b>", &["<c@d>"]);
    let refused = refused
        .turn("C", "Message-ID: <1@x>\r\n\r\nbody\r\n.\r\n")
        .s("451 later")
        .quit();
    assert!(
        last(vec![refused, sent("1")]).is_empty(),
        "it was refused the first time"
    );
    let mut ledger = Ledger::default();
    ledger.judge(&brief("one", sent("1")));
    let relayed = Talk::ehlo(&[])
        .message(&plain("Message-ID: <1@x>\n", "body"))
        .quit();
    let tested = case(vec![relayed.sent_from([198, 51, 100, 1])], Given::default());
    assert!(
        ledger.judge(&Brief::of(&tested.subject(0))).is_empty(),
        "another sender relays it"
    );
}

#[test]
fn memory_is_bounded() {
    let mut ledger = Ledger::default();
    let mut one = brief("x", Talk::ehlo(&["STARTTLS"]).message(&plain("", "x")));
    one.banner = None;
    for number in 0..u32::try_from(MAX_SERVERS.max(MAX_MESSAGES)).expect("small") + 10 {
        one.server = SocketAddr::from((std::net::Ipv4Addr::from_bits(number), 25));
        one.mails[0].key = u64::from(number);
        ledger.judge(&one);
    }
    assert_eq!(
        (ledger.servers.known.len(), ledger.servers.order.len()),
        (MAX_SERVERS, MAX_SERVERS)
    );
    assert_eq!(
        (ledger.messages.accepted.len(), ledger.messages.order.len()),
        (MAX_MESSAGES, MAX_MESSAGES)
    );
}

#[test]
fn a_finding_across_conversations_takes_the_place_of_the_one_inside() {
    let profile = Profile::find("biztalk-smtp-adapter").expect("it is shipped");
    let mut ledger = Ledger::default();
    let mut words = Vec::new();
    for id in ["one", "two"] {
        let tested = case(vec![sent("1")], Given::default());
        let subject = tested.subject(0);
        let verdicts = judge(tested.case(), profile).remove(0);
        let mut outcome = ConversationOutcome::judged(id.to_owned(), &subject, verdicts);
        overrule(
            &mut outcome,
            profile,
            &ledger.judge(&Brief::of(&subject).named(id)),
        );
        let judged = outcome
            .verdicts
            .into_iter()
            .find(|v| v.claim == "ADP-05")
            .expect("judged");
        words.push((judged.verdict, judged.evidence.len()));
    }
    assert_eq!(words, [(Verdict::Pass, 1), (Verdict::Fail, 2)]);
}

#[test]
fn messages_of_which_not_all_was_kept_are_known_by_their_id_only() {
    let long = |header: &str| {
        let text = plain(header, &"0123456789\n".repeat(1000));
        let lean = Talk::ehlo(&[]).kept(smtp::timeline::Keep::LEAN);
        lean.message(&text).quit()
    };
    let later = |talk: Talk| talk.at(Timestamp::from_nanos(1_800_000_000_000_000_000));
    let header = "Message-ID: <1@x>\n";
    let found = last(vec![long(header), later(long(header))]);
    assert_eq!(
        found.iter().map(|(check, _)| *check).collect::<Vec<_>>(),
        [TWICE]
    );
    assert!(last(vec![long(""), later(long(""))]).is_empty());
}

#[test]
fn a_message_that_comes_again_after_it_was_accepted() {
    let torn = || {
        Talk::ehlo(&[])
            .message(&plain("Message-ID: <1@x>\n", "body"))
            .turn("!S", "")
    };
    let found = last(vec![torn(), sent("1")]);
    let checks: Vec<_> = found.iter().map(|(check, _)| *check).collect();
    assert_eq!(checks, [TWICE, RESENT]);
    assert_eq!(found[1].1.observation, Observation::Observed);
    assert!(found[1].1.evidence[1].what.starts_with("C1/1: "));
    let in_order = last(vec![sent("1"), sent("1")]);
    assert_eq!(in_order.len(), 1, "{in_order:#?}");
    assert!(last(vec![torn(), sent("2")]).is_empty());
}

#[test]
fn another_signer_than_before() {
    let signed = |id: &str, file: &str| {
        let header = format!("Message-ID: <{id}@x>\n");
        Talk::ehlo(&[]).message(&smime(&header, file)).quit()
    };
    let found = last(vec![
        signed("1", "signed-opaque.der"),
        signed("2", "signed-sha1.der"),
    ]);
    let [(SIGNER, finding)] = found.as_slice() else {
        panic!("{found:#?}")
    };
    assert_eq!(finding.observation, Observation::Observed);
    assert!(
        finding.reason.contains("as a message in C1/1 (packet "),
        "{}",
        finding.reason
    );
    let found = last(vec![
        signed("1", "signed-opaque.der"),
        sent("2"),
        signed("3", "signed-opaque.der"),
        signed("4", "signed-other.der"),
    ]);
    let [(SIGNER, finding)] = found.as_slice() else {
        panic!("{found:#?}")
    };
    assert_eq!(finding.observation, Observation::NotObserved);
    assert!(
        finding.reason.contains("with another certificate"),
        "{}",
        finding.reason
    );
    assert!(finding.evidence[0].bytes.is_some() && finding.evidence[1].what.starts_with("C1/1: "));
    // The first one shows nothing, nor does the same message once more, or one without a signature.
    assert!(last(vec![signed("1", "signed-opaque.der")]).is_empty());
    let again = last(vec![
        signed("1", "signed-opaque.der"),
        signed("1", "signed-opaque.der"),
    ]);
    assert!(
        again.iter().all(|(check, _)| *check != SIGNER),
        "{again:#?}"
    );
    assert!(last(vec![signed("1", "signed-opaque.der"), sent("2")]).is_empty());
}
