use super::*;
use crate::sample;

fn document(outcome: &Outcome) -> Value {
    let text = render(outcome, Style::default());
    let whole: Value = serde_json::from_str(&text).expect("it is JSON");
    whole["assessment-results"].clone()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no {key} in {value}"))
}

/// What the published schema asks of the parts that are used here.
fn is_sound(document: &Value) {
    let mut ids = BTreeSet::new();
    let mut every_id = |value: &Value| {
        let id = text(value, "uuid");
        let parsed = Uuid::parse_str(id).expect("a UUID");
        assert_eq!(parsed.get_version_num(), 5);
        assert!(ids.insert(id.to_owned()), "{id} twice");
    };
    every_id(document);
    for key in ["title", "last-modified", "version", "oscal-version"] {
        assert!(!text(&document["metadata"], key).is_empty());
    }
    let results = list(document, "results");
    assert!(!results.is_empty());
    let mut observations = BTreeSet::new();
    for result in results {
        every_id(result);
        for key in ["title", "description", "start"] {
            assert!(!text(result, key).is_empty());
        }
        let selections = list(&result["reviewed-controls"], "control-selections");
        assert!(!selections.is_empty());
        for control in selections
            .iter()
            .flat_map(|one| list(one, "include-controls"))
        {
            assert_eq!(
                token(text(control, "control-id")),
                text(control, "control-id")
            );
        }
        for observation in list(result, "observations") {
            every_id(observation);
            observations.insert(text(observation, "uuid").to_owned());
            assert!(!text(observation, "description").is_empty());
            assert!(
                matches!(list(observation, "methods"), [Value::String(word)] if word == "EXAMINE")
            );
            assert!(text(observation, "collected").ends_with('Z'));
        }
    }
    let resources = list(&document["back-matter"], "resources");
    resources.iter().for_each(&mut every_id);
    let is_there = |href: &str| {
        let wanted = href.strip_prefix('#').expect("a fragment");
        resources.iter().any(|one| text(one, "uuid") == wanted)
    };
    assert!(is_there(text(&document["import-ap"], "href")));
    for result in results {
        for finding in list(result, "findings") {
            every_id(finding);
            let target = &finding["target"];
            assert_eq!(text(target, "type"), "statement-id");
            assert_eq!(token(text(target, "target-id")), text(target, "target-id"));
            let state = text(&target["status"], "state");
            assert!(matches!(state, "satisfied" | "not-satisfied"));
            for related in list(finding, "related-observations") {
                assert!(observations.contains(text(related, "observation-uuid")));
            }
        }
        for evidence in list(result, "observations")
            .iter()
            .flat_map(|one| list(one, "relevant-evidence"))
        {
            assert!(is_there(text(evidence, "href")));
        }
    }
    no_empty_list(document);
}

/// OSCAL allows no empty list and no empty text.
fn no_empty_list(value: &Value) {
    match value {
        Value::Array(all) => {
            assert!(!all.is_empty());
            all.iter().for_each(no_empty_list);
        }
        Value::Object(all) => all.values().for_each(no_empty_list),
        Value::String(text) => {
            assert!(!text.trim().is_empty() && text.trim() == text, "{text:?}");
        }
        _ => {}
    }
}

fn states(document: &Value) -> BTreeMap<String, String> {
    let findings = list(document, "results")
        .iter()
        .flat_map(|result| list(result, "findings"));
    findings
        .map(|one| {
            let target = &one["target"];
            (
                text(target, "target-id").to_owned(),
                text(&target["status"], "state").to_owned(),
            )
        })
        .collect()
}

#[test]
fn an_audit_against_two_standards() {
    let outcome = sample::controls();
    let document = document(&outcome);
    is_sound(&document);
    assert_eq!(list(&document, "results").len(), 2);
    let states = states(&document);
    assert_eq!(states["ia-5.1_smt.c"], "not-satisfied");
    assert_eq!(states["pci-dss-4.0.1_8.3.2_smt"], "not-satisfied");
    assert!(!states.contains_key("au-2_smt"), "nothing decides it");
    assert!(states.values().all(|state| state == "not-satisfied"));
}

#[test]
fn what_is_undecided_is_an_observation_and_no_finding() {
    let document = document(&sample::controls());
    let nist = &list(&document, "results")[0];
    let observations = list(nist, "observations");
    let of = |title: &str| {
        let mut all = observations.iter();
        all.find(|one| text(one, "title") == title)
            .unwrap_or_else(|| panic!("no {title}"))
    };
    let undecided = of("RFC8314-4.1: undecided");
    assert!(text(undecided, "remarks").starts_with("Undecided: "));
    assert!(
        text(of("NIST SP 800-53 Revision 5 AU-2: not tested"), "remarks")
            .contains("a log is not seen")
    );
}

#[test]
fn satisfied_is_said_only_with_a_statement_of_coverage() {
    let mut outcome = sample::controls();
    for control in outcome
        .controls
        .iter_mut()
        .flat_map(|one| &mut one.controls)
    {
        if control.id == "SC-13" {
            control.verdict = ControlVerdict::SatisfiedByWhatWasSeen;
        }
    }
    assert!(!states(&document(&outcome)).contains_key("sc-13_smt"));
    outcome.coverage = Some("A week of the only relay.".to_owned());
    let document = document(&outcome);
    is_sound(&document);
    assert_eq!(states(&document)["sc-13_smt"], "satisfied");
    let result = &list(&document, "results")[0];
    assert!(text(result, "description").contains("A week of the only relay."));
}

#[test]
fn claims_stand_for_controls_where_no_standard_was_asked_for() {
    let mut outcome = sample::audit();
    let document_of = document(&outcome);
    is_sound(&document_of);
    assert!(states(&document_of).is_empty());
    let observations = list(&list(&document_of, "results")[0], "observations");
    assert!(
        observations
            .iter()
            .any(|one| text(one, "title") == "RFC4954-4: fail")
    );
    outcome.claims.clear();
    is_sound(&document(&outcome));
}

#[test]
fn times_come_from_the_capture_or_from_whoever_set_the_clock() {
    let mut outcome = sample::controls();
    let before = document(&outcome);
    let last = outcome
        .answer
        .as_ref()
        .map(|answer| answer.last_seen.clone());
    assert_eq!(
        Some(text(&before["metadata"], "last-modified")),
        last.as_deref()
    );
    outcome.made = Some("2026-01-02T03:04:05Z".to_owned());
    let after = document(&outcome);
    assert_eq!(
        text(&after["metadata"], "last-modified"),
        "2026-01-02T03:04:05Z"
    );
    assert_eq!(
        list(&after, "results")[0]["start"],
        list(&before, "results")[0]["start"]
    );
    outcome.made = None;
    outcome.answer = None;
    for conversation in &mut outcome.conversations {
        conversation.start.clear();
        conversation.end.clear();
    }
    let timeless = document(&outcome);
    assert_eq!(text(&timeless["metadata"], "last-modified"), NO_TIME);
    assert!(text(&timeless["metadata"], "remarks").contains("SOURCE_DATE_EPOCH"));
}

#[test]
fn the_same_result_gives_the_same_file_and_another_gives_other_ids() {
    let outcome = sample::controls();
    let one = render(&outcome, Style::default());
    assert_eq!(one, render(&outcome.clone(), Style::default()));
    let mut other = outcome;
    other.cases[0].capture.sha256 = "1".repeat(64);
    let id = |text: &str| {
        let whole: Value = serde_json::from_str(text).expect("JSON");
        whole["assessment-results"]["uuid"].clone()
    };
    assert_ne!(id(&one), id(&render(&other, Style::default())));
}

#[test]
fn tokens_are_tokens() {
    assert_eq!(token("hipaa_164.312(e)(2)(ii)"), "hipaa_164.312.e.2.ii");
    assert_eq!(token("4.2.1"), "_4.2.1");
}
