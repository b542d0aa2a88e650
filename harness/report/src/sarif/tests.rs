use super::*;
use crate::sample;

fn log(outcome: &Outcome) -> Value {
    serde_json::from_str(&render(outcome, Style::default())).expect("it is JSON")
}

#[test]
fn only_violations_are_results_and_each_has_its_rule() {
    let outcome = sample::audit();
    let log = log(&outcome);
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    let failed = outcome
        .conversations
        .iter()
        .flat_map(|one| &one.verdicts)
        .filter(|one| one.verdict == Verdict::Fail)
        .count();
    assert!(failed > 0 && results.len() == failed);
    for result in results {
        let index =
            usize::try_from(result["ruleIndex"].as_u64().expect("a number")).expect("small");
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(rules[index]["help"]["text"].as_str().expect("help").len() > 40);
    }
}

#[test]
fn rules_say_which_weakness_they_are_and_results_which_controls_they_relate_to() {
    let log = log(&sample::controls());
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let rule = rules
        .iter()
        .find(|rule| rule["id"] == "RFC4954-4")
        .expect("a password crossed in clear");
    let tags = rule["properties"]["tags"].as_array().expect("tags");
    assert!(tags.contains(&json!("external/cwe/cwe-523")) && tags.contains(&json!("security")));
    for rule in rules {
        assert!(rule["properties"]["tags"].as_array().expect("tags").len() <= 10);
        for one in rule["relationships"].as_array().into_iter().flatten() {
            let target = &one["target"];
            let index = target["toolComponent"]["index"].as_u64().expect("an index");
            let taxonomy = &run["taxonomies"][usize::try_from(index).expect("small")];
            assert_eq!(taxonomy["name"], target["toolComponent"]["name"]);
            let taxa = taxonomy["taxa"].as_array().expect("taxa");
            assert!(
                taxa.iter().any(|taxon| taxon["id"] == target["id"]),
                "{target}"
            );
        }
    }
    let results = run["results"].as_array().expect("results");
    let result = results
        .iter()
        .find(|one| one["ruleId"] == "RFC4954-4")
        .expect("the violation");
    let controls = &result["properties"]["controls"];
    let name = json!("relates to NIST SP 800-53 Revision 5 IA-5(1)(c)");
    assert!(
        controls.as_array().expect("a list").contains(&name),
        "{controls}"
    );
}

#[test]
fn fingerprints_are_unique_and_know_no_packet_numbers() {
    let mut outcome = sample::audit();
    let prints = |outcome: &Outcome| -> Vec<String> {
        let log = log(outcome);
        let results = log["runs"][0]["results"].as_array().expect("results");
        let print = |one: &Value| one["partialFingerprints"]["primaryLocationLineHash"].to_string();
        results.iter().map(print).collect()
    };
    let before = prints(&outcome);
    let unique: BTreeSet<_> = before.iter().collect();
    assert_eq!(unique.len(), before.len());
    for judged in outcome
        .conversations
        .iter_mut()
        .flat_map(|one| &mut one.verdicts)
    {
        for piece in &mut judged.evidence {
            piece.packets.iter_mut().for_each(|packet| *packet += 1000);
        }
    }
    assert_eq!(prints(&outcome), before);
}
