//! The grid of a few made-up results, with hostile strings in every place that a wire or a file can fill.

use claims::Verdict;
use claims::leaks::{Account, Clock, Exposure, Leaks, MicWord, NtlmFacts};
use claims::result::{
    CaptureFile, CaseOutcome, CheckOutcome, ConversationOutcome, Line, Outcome, Requirement, Tool,
};

use super::*;

const HOSTILE: &str = "<script>alert(1)</script>\"' | `x` \x1b[31m\u{202e}";

fn case(id: &str, family: &str, level: &str, verdict: Verdict) -> CaseOutcome {
    CaseOutcome {
        id: id.to_owned(),
        title: format!("about {id} {HOSTILE}"),
        family: family.to_owned(),
        capture: CaptureFile {
            path: format!("/tmp/x/{id}.pcapng"),
            sha256: "ab".repeat(32),
            packets: 20,
            numbers: None,
            notes: Vec::new(),
        },
        conversations: vec![format!("{id}/1")],
        met: verdict == Verdict::Pass,
        problems: vec![format!("something else {HOSTILE}")],
        file: format!("scenarios/{family}/{id}.toml"),
        verdict: Some(verdict),
        requirement: Some(Requirement {
            text: format!("The client does {id}."),
            level: level.to_owned(),
            references: vec!["RFC 5321 3.1".to_owned()],
            clauses: Vec::new(),
        }),
        findings: vec![CheckOutcome {
            check: "a-check".to_owned(),
            wanted: "not-observed".to_owned(),
            verdict,
            conversation: Some(format!("{id}/1")),
            reason: format!("it says {HOSTILE}"),
            evidence: Vec::new(),
            cwe: Vec::new(),
            attack: Vec::new(),
        }],
        ..CaseOutcome::default()
    }
}

fn column(name: &str, cases: Vec<CaseOutcome>) -> Column {
    let conversations = cases.iter().map(|case| ConversationOutcome {
        id: format!("{}/1", case.id),
        client: "127.0.0.1:49152".to_owned(),
        server: "127.0.0.1:25".to_owned(),
        protocol: "smtp".to_owned(),
        transcript: vec![Line {
            packets: vec![4],
            direction: "client".to_owned(),
            under_tls: false,
            text: format!("EHLO {HOSTILE}"),
        }],
        verdicts: Vec::new(),
        start: String::new(),
        end: String::new(),
        packets: None,
        leaks: None,
    });
    let tool = Tool {
        name: "smtpspec".to_owned(),
        version: "0.0.0".to_owned(),
    };
    let profile = claims::Profile::default();
    let outcome = Outcome {
        conversations: conversations.collect(),
        cases,
        ..Outcome::begun(tool, "run", &profile)
    };
    Column {
        name: name.to_owned(),
        title: format!("{name} 1.0"),
        outcome,
        folder: name.to_owned(),
        reasons: BTreeMap::from([("AAA-02".to_owned(), "a known defect".to_owned())]),
    }
}

fn columns() -> Vec<Column> {
    let first = vec![
        case("AAA-01", "alpha", "must", Verdict::Pass),
        case("BBB-01", "beta", "should", Verdict::NotApplicable),
    ];
    let second = vec![
        case("AAA-01", "alpha", "must", Verdict::Pass),
        case("AAA-02", "alpha", "must", Verdict::Fail),
        case("BBB-01", "beta", "should", Verdict::Inconclusive),
    ];
    vec![column("one", first), column("two", second)]
}

#[test]
fn a_case_that_only_some_have_stands_with_its_family() {
    let columns = columns();
    let rows = rows::rows(&columns);
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    assert_eq!(ids, ["AAA-01", "AAA-02", "BBB-01"]);
    assert!(rows[1].cells[0].is_none() && rows[1].cells[1].is_some());
    assert_eq!(rows::passed(&rows, 1, "must"), (1, 2));
    assert_eq!(rows::families(&rows).count(), 2);
}

#[test]
fn the_page_leads_from_each_cell_to_its_evidence() {
    let page = html(&columns());
    assert!(page.contains("2 clients were put to 3 cases; 1 failed none."));
    for id in ["one.AAA-01", "two.AAA-02", "two.BBB-01"] {
        assert!(
            page.contains(&format!("href=\"#{id}\"")),
            "no cell leads to {id}"
        );
        assert!(page.contains(&format!("id=\"{id}\"")), "{id} is not there");
    }
    assert!(page.contains("href=\"two/AAA-02.pcapng\""), "the capture");
    assert!(page.contains("Looked into: a known defect"));
}

#[test]
fn the_name_of_a_capture_leads_to_a_file_and_nowhere_else() {
    let mut columns = columns();
    columns[1].folder.clear();
    for case in &mut columns[1].outcome.cases {
        case.capture.path = "javascript:alert(1)\"><img src=x>".to_owned();
    }
    let page = html(&columns);
    let link = "href=\"javascript%3Aalert%281%29%22%3E%3Cimg%20src%3Dx%3E\"";
    assert!(
        page.contains(link) && !page.contains("<img src=x>"),
        "{page}"
    );
    let table = markdown(&columns);
    assert!(
        !table.contains("javascript:") && !table.contains("<img"),
        "{table}"
    );
}

#[test]
fn nothing_from_the_wire_takes_effect() {
    let page = html(&columns());
    assert_eq!(page.matches("<script>").count(), 1, "our own, and no other");
    assert!(!page.contains('\x1b') && !page.contains('\u{202e}'));
    assert!(
        !page.contains("src=") && !page.contains("http://") && !page.contains("https://"),
        "it loads nothing"
    );
    let table = markdown(&columns());
    assert!(!table.contains("<script>") && !table.contains('\x1b') && !table.contains('\u{202e}'));
}

#[test]
fn the_table_for_a_repository() {
    insta::assert_snapshot!(markdown(&columns()));
}

/// A login with NTLM, the first one of a case.
fn login(response: Option<&str>, mic: Option<MicWord>, outcome: &str) -> Account {
    Account {
        mechanism: "NTLM".to_owned(),
        user: Some("svc".to_owned()),
        domain: Some("CORP".to_owned()),
        workstation: Some(HOSTILE.to_owned()),
        claimed_os: Some("Windows XP (5.1.2600)".to_owned()),
        response: response.map(str::to_owned),
        ntlm: Some(NtlmFacts {
            first_domain: Some("s\0v\0c\0".to_owned()),
            first_workstation: None,
            mic,
            target_name: None,
            machine_id: mic.is_some(),
            clock: Some(Clock::Servers),
        }),
        outcome: outcome.to_owned(),
        exposure: Exposure::Guessable,
        proof: None,
        under_tls: false,
        packet: None,
    }
}

/// What a conversation told in which nothing was said.
fn nothing() -> Leaks {
    serde_json::from_str(r#"{"client-octets": 0, "server-octets": 0}"#)
        .expect("lists may be left out")
}

/// The columns with logins in some of their conversations.
fn with_logins() -> Vec<Column> {
    let mut columns = columns();
    let plain = Account {
        mechanism: "PLAIN".to_owned(),
        exposure: Exposure::Recoverable,
        ..login(None, None, "accepted")
    };
    let refused = "refused with 535";
    let told = [
        vec![login(Some("NTLMv2"), Some(MicWord::Right), "accepted")],
        vec![login(Some("NTLMv1 with LM"), Some(MicWord::None), refused); 2],
        vec![login(None, None, "outcome not captured"), plain],
    ];
    let places = [(0, 0), (1, 0), (1, 1)];
    for ((column, conversation), accounts) in places.into_iter().zip(told) {
        let mut leaks = nothing();
        for account in accounts {
            leaks.accounts.push(account, 9);
        }
        columns[column].outcome.conversations[conversation].leaks = Some(leaks);
    }
    columns
}

#[test]
fn who_sent_which_response() {
    let table = ntlm(&with_logins());
    assert!(!table.contains("<script>") && !table.contains('\x1b') && !table.contains('\u{202e}'));
    assert!(!table.contains("BBB-01"), "nobody said NTLM there");
    insta::assert_snapshot!(table);
}

#[test]
fn without_ntlm_there_is_no_table() {
    assert!(ntlm(&columns()).ends_with("No client said AUTH NTLM in any case.\n"));
}
