use std::collections::BTreeSet;

use super::*;
use crate::checks::testing::{Talk, case, plain};
use crate::result::ConversationOutcome;
use crate::{Brief, Given, Profile, Tally, judge};

/// The controls of a profile after these conversations.
fn judged(profile: &Profile, talks: Vec<Talk>) -> Vec<FrameworkOutcome> {
    let mut witnesses = Witnesses::default();
    let mut tally = Tally::default();
    for (number, talk) in talks.into_iter().enumerate() {
        let tested = case(vec![talk], Given::default());
        let subject = tested.subject(0);
        let id = format!("C1/{}", number + 1);
        let verdicts = judge(tested.case(), profile).remove(0);
        witnesses.add(
            profile,
            &ConversationOutcome::judged(id.clone(), &subject, verdicts),
        );
        tally.add(&Brief::of(&subject).named(id));
    }
    witnesses.judge(profile, Some(&tally.answer()))
}

fn control<'a>(all: &'a [FrameworkOutcome], id: &str) -> &'a ControlOutcome {
    let mut controls = all.iter().flat_map(|one| &one.controls);
    controls
        .find(|one| one.id == id)
        .unwrap_or_else(|| panic!("no control {id}"))
}

fn find(id: &str) -> &'static Profile {
    Profile::find(id).expect("it is shipped")
}

fn in_clear() -> Talk {
    Talk::ehlo(&["STARTTLS", "AUTH PLAIN"])
        .cs("AUTH PLAIN AHVzZXIAc2VjcmV0", "235 ok")
        .message(&plain("", "x"))
        .quit()
}

fn under_tls() -> Talk {
    Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").tls()
}

#[test]
fn every_standard_says_what_it_asks_and_what_it_leaves_open() {
    let mut ids = BTreeSet::new();
    for standard in Framework::all() {
        assert!(ids.insert(&standard.id), "{} twice", standard.id);
        for text in [&standard.title, &standard.edition, &standard.publisher] {
            assert!(!text.is_empty());
        }
        assert!(standard.source.starts_with("https://"));
        let mut controls = BTreeSet::new();
        for one in &standard.controls {
            assert!(controls.insert(&one.id), "{} twice", one.id);
            assert!(one.framework.is_none());
            for text in [&one.asks, &one.cite, &one.not_tested] {
                assert!(text.ends_with('.'), "{} {}: {text}", standard.id, one.id);
            }
            assert!(!one.scope.is_empty(), "{} would always apply", one.id);
            assert!(one.rule().ends_with('.'));
            let found = Control::find(&format!("{}/{}", standard.id, one.id));
            assert_eq!(found.len(), 1);
        }
    }
    let nist = Framework::find("nist-sp-800-53r5").expect("it is built in");
    assert!(nist.controls.iter().all(|one| one.oscal.contains("_smt")));
}

#[test]
fn nothing_seen_satisfies_nothing() {
    for standard in Framework::all() {
        for talks in [
            Vec::new(),
            vec![Talk::silent()],
            vec![Talk::silent().s("220 mx")],
        ] {
            for one in judged(find(&standard.id), talks) {
                for control in one.controls {
                    assert_eq!(control.verdict, ControlVerdict::NotTested, "{}", control.id);
                    assert!(!control.why().is_empty());
                }
            }
        }
    }
}

#[test]
fn a_password_in_clear_is_not_satisfied_and_says_where() {
    let all = judged(find("nist-sp-800-53r5"), vec![under_tls(), in_clear()]);
    let found = control(&all, "IA-5(1)(c)");
    assert_eq!(found.verdict, ControlVerdict::NotSatisfied);
    assert_eq!(found.citation, Citation::RelatesTo);
    assert_eq!(found.statement, "ia-5.1_smt.c");
    let first = found.decisive().next().expect("a ground");
    assert_eq!(
        (
            first.ground.as_str(),
            first.state.as_str(),
            first.conversation.as_deref()
        ),
        ("RFC4954-4", "refuted", Some("C1/2"))
    );
    assert!(
        first.reason.starts_with("in 1 of 2 conversations: "),
        "{}",
        first.reason
    );
    assert!(!first.packets.is_empty());
    assert!(
        found
            .grounds
            .iter()
            .any(|one| one.ground == "no password-readable"
                && one.reason.starts_with("1 of 1 logins"))
    );
    assert!(
        found.cwe.contains(&"CWE-523".to_owned()) && found.attack.contains(&"T1040".to_owned())
    );
}

#[test]
fn what_was_seen_under_tls_satisfies_and_what_traffic_cannot_show_does_not() {
    let all = judged(find("nist-sp-800-53r5"), vec![under_tls()]);
    for (id, verdict) in [
        ("SC-8", ControlVerdict::SatisfiedByWhatWasSeen),
        ("SC-8(1)", ControlVerdict::SatisfiedByWhatWasSeen),
        ("SC-17", ControlVerdict::NotTested),
        ("AU-2", ControlVerdict::NotTested),
    ] {
        assert_eq!(control(&all, id).verdict, verdict, "{id}");
    }
    assert!(control(&all, "SC-8").cwe.is_empty());
    assert_eq!(control(&all, "AU-2").why(), "it is not decided by traffic");
}

#[test]
fn a_finding_applies_only_where_the_scope_is_known() {
    let text = |scope: &str| {
        format!(
            "id = \"ours\"\ntitle = \"Ours\"\nextends = \"pci-dss-4.0.1\"\nscope = [{scope}]\n[claims]\nRFC4954-4 = \"ignored\"\n"
        )
    };
    for (scope, cited) in [
        ("\"card-data\", \"open-network\"", Citation::Applies),
        ("\"card-data\"", Citation::RelatesTo),
    ] {
        let ours = Profile::read(&text(scope)).expect("it is right");
        let all = judged(&ours, vec![in_clear()]);
        assert_eq!(control(&all, "4.2.1").citation, cited);
        let left_out = control(&all, "8.3.2");
        let ground = left_out
            .grounds
            .iter()
            .find(|one| one.ground == "RFC4954-4");
        assert_eq!(ground.expect("it is in the rule").state, "not-judged");
        // Another ground of its rule still speaks against it.
        assert_eq!(left_out.verdict, ControlVerdict::NotSatisfied);
    }
}

#[test]
fn a_ground_that_was_left_out_satisfies_nothing() {
    let text = "id = \"ours\"\ntitle = \"Ours\"\nextends = \"nist-sp-800-53r5\"\n[claims]\nRFC8314-3 = \"ignored\"\n";
    let ours = Profile::read(text).expect("it is right");
    let all = judged(&ours, vec![under_tls()]);
    assert_eq!(control(&all, "SC-8").verdict, ControlVerdict::NotTested);
}

#[test]
fn a_profile_that_expects_the_breach_changes_no_control() {
    let text = "id = \"ours\"\ntitle = \"Ours\"\nextends = \"nist-sp-800-53r5\"\n[claims]\nRFC4954-4 = \"does-not-hold\"\nRFC8314-3 = \"recorded\"\n";
    let ours = Profile::read(text).expect("it is right");
    let all = judged(&ours, vec![in_clear()]);
    assert_eq!(
        control(&all, "IA-5(1)(c)").verdict,
        ControlVerdict::NotSatisfied
    );
    let found = control(&all, "SC-8");
    assert_eq!(found.verdict, ControlVerdict::NotSatisfied);
    assert!(
        found
            .grounds
            .iter()
            .any(|one| one.ground == "RFC8314-3" && one.state == "refuted")
    );
}

#[test]
fn a_run_without_counts_says_so() {
    let witnesses = Witnesses::default();
    let all = witnesses.judge(find("pci-dss-4.0.1"), None);
    let ground = &control(&all, "4.2.2").grounds;
    assert!(ground.iter().any(|one| one.reason.contains("not counted")));
}
