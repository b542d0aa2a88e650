//! Whatever is said, in whatever order and with whatever missing, no check panics, and what one decides has evidence.

use proptest::prelude::*;
use smtp::Secret;

use super::ALL;
use super::testing::{Talk, case};
use crate::given::{GivenSubject, Reported};
use crate::{Given, Observation};

/// What a turn can be made of.
const WORDS: [&str; 34] = [
    "EHLO a\r\n",
    "MAIL FROM:<a@b.example>\r\n",
    "MAIL FROM:<>\r\n",
    "RCPT TO:<C@d.example>\r\n",
    "RCPT TO:<e@d.example>\r\n",
    "DATA\r\n",
    "RSET\r\n",
    "QUIT\r\n",
    "STARTTLS\r\n",
    "AUTH PLAIN AGEAYg==\r\n",
    "BDAT 6\r\n",
    "BDAT 0 LAST\r\n",
    "BDAT 99999999999999999999 LAST\r\n",
    "A: b\r\n",
    "Bcc: e@d.example\r\n",
    "\r\n",
    ".\r\n",
    "..\r\n",
    ".x\r\n",
    ".\n",
    "\r.\r",
    "x",
    "\0",
    "220 mx\r\n",
    "250 ok\r\n",
    "250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 SIZE 9\r\n",
    "354 go\r\n",
    "334 \r\n",
    "235 ok\r\n",
    "421 bye\r\n",
    "451 later\r\n",
    "554 no\r\n",
    "999 what\r\n",
    "\u{fffd}\r\n",
];

const WHO: [&str; 6] = ["C", "S", "?C", "?S", "-C", "-S"];

fn turn() -> impl Strategy<Value = (&'static str, String)> {
    let who = prop_oneof![20 => 0..2_usize, 1 => 2..6_usize];
    let words = prop::collection::vec(prop::sample::select(&WORDS[..]), 1..5);
    (who, words).prop_map(|(who, words)| (WHO[who], words.concat()))
}

fn given() -> Given {
    Given {
        sender: Some("A@b.example".to_owned()),
        recipients: vec![
            "c@d.example".to_owned(),
            "x\r\nRCPT TO:<e@d.example".to_owned(),
        ],
        blind: vec!["e@d.example".to_owned()],
        subject: Some(GivenSubject::Text("x\r\nBcc: e@d.example".to_owned())),
        content: Some(Secret::new(".x\r\n..\r\n.")),
        reported: Some(Reported::Sent),
        ..Given::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_dialogue_breaks_a_check(turns in prop::collection::vec(turn(), 0..24), greeted in any::<bool>()) {
        let mut talk = if greeted { Talk::ehlo(&["PIPELINING", "CHUNKING", "SIZE 9"]) } else { Talk::silent() };
        let mut ended = [false, false];
        for (who, bytes) in turns {
            let side = usize::from(who.ends_with('S'));
            if !ended[side] {
                talk = talk.turn(who, bytes);
                ended[side] = who.starts_with('-');
            }
        }
        let tested = case(vec![talk], given());
        for check in ALL {
            let finding = (check.run)(&tested.subject(0));
            let decided = matches!(finding.observation, Observation::Observed | Observation::NotObserved);
            prop_assert!(!finding.reason.is_empty());
            prop_assert!(!decided || !finding.evidence.is_empty(), "{}: {:?}", check.id, finding);
        }
    }
}
