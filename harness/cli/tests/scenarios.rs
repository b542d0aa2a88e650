//! Every scenario of the catalogue against the reference adapter: each must meet what it expects, and its report is a
//! snapshot under `reports/scenarios/`.

mod support;

use std::path::{Path, PathBuf};

use claims::Profile;
use claims::result::Outcome;
use lab::runner::{self, RunOptions};
use lab::scenario::{Scenario, load_cases};
use report::Style;
use rstest::rstest;
use smtpspec::commands::run::replay;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Pinned, so that the same bytes come out every time. The paths of the captures are cut to their names.
fn pinned(scenarios: Vec<Scenario>) -> (Outcome, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = RunOptions {
        out: folder.path().to_owned(),
        twins: Vec::new(),
        pinned: true,
    };
    let profile = Profile::find("biztalk-smtp-adapter").expect("the profile is shipped");
    let narrow: Vec<String> = scenarios
        .iter()
        .filter(|scenario| scenario.server.window.is_some())
        .map(|scenario| scenario.id.value.clone())
        .collect();
    let mut outcome = replay(scenarios, options, 8, profile).expect("the harness does its part");
    steady(&mut outcome, &narrow);
    for case in &mut outcome.cases {
        let name = Path::new(&case.capture.path)
            .file_name()
            .expect("a file name");
        case.capture.path = name.to_string_lossy().into_owned();
    }
    (outcome, folder)
}

/// TLS draws its own randomness, and how a stream is cut into packets behind a narrow window is the system's choice: of
/// such a case the packets and bytes are not the same twice, and are left out.
fn steady(outcome: &mut Outcome, narrow: &[String]) {
    for case in &mut outcome.cases {
        let mut spoken = outcome.conversations.iter_mut();
        let here: Vec<_> = spoken
            .by_ref()
            .filter(|one| case.conversations.contains(&one.id))
            .collect();
        let mut lines = here.iter().flat_map(|one| &one.transcript);
        if !lines.any(|line| line.text.starts_with("<TLS")) && !narrow.contains(&case.id) {
            continue;
        }
        "not the same twice".clone_into(&mut case.capture.sha256);
        case.capture.packets = 0;
        for finding in &mut case.findings {
            finding.evidence.clear();
        }
        for conversation in here {
            for judged in &mut conversation.verdicts {
                judged.evidence.clear();
            }
            let steady = |text: &str| !text.starts_with("<TLS") && text != "<FIN>";
            conversation.transcript.retain(|line| steady(&line.text));
            for line in &mut conversation.transcript {
                line.packets.clear();
            }
        }
    }
}

fn render(outcome: &Outcome, format: &str, verbose: bool) -> String {
    let format = report::format(format).expect("a registered format");
    (format.render)(
        outcome,
        Style {
            verbose,
            ..Style::default()
        },
    )
}

fn snapshot(folder: &str, name: &str, text: &str) {
    support::reports(folder).bind(|| insta::assert_snapshot!(name, text));
}

#[rstest]
fn scenario_meets_its_expectations(#[files("../../scenarios/**/*.toml")] path: PathBuf) {
    let cases = load_cases(&path).unwrap_or_else(|error| panic!("{}", error.render(false)));
    let id = cases[0].file_id().to_owned();
    let (outcome, _folder) = pinned(cases);
    assert!(outcome.met(), "{:#?}", outcome.cases[0].problems);
    snapshot("scenarios", &id, &render(&outcome, "md", true));
}

/// A check that nothing asks for is never put to the test.
#[test]
fn every_check_decides_a_claim_or_a_case() {
    let catalogue = runner::catalogue().expect("the catalogue is valid");
    let claims = claims::Claim::all()
        .iter()
        .map(|claim| claim.check.as_str());
    let cases = catalogue.iter().flat_map(|case| &case.expect.checks);
    let used: std::collections::HashSet<&str> = claims
        .chain(cases.map(|(id, _)| id.value.as_str()))
        .collect();
    for check in claims::checks::ALL {
        assert!(used.contains(check.id), "nothing uses {}", check.id);
    }
}

#[test]
fn the_whole_run_is_reported_in_every_format() {
    let (outcome, _folder) = pinned(runner::catalogue().expect("the catalogue is valid"));
    assert!(
        outcome.cases.len() >= 30,
        "{} scenarios",
        outcome.cases.len()
    );
    for (format, name) in [("text", "run.txt"), ("md", "run.md")] {
        snapshot("", name, &render(&outcome, format, false));
    }
    // The whole result as JSON is as long as all captures together: one case of it shows the schema.
    let (one, _folder) = pinned(vec![named("BAS-09")]);
    snapshot("", "BAS-09.json", &render(&one, "json", false));
    snapshot("", "BAS-09.verbose.txt", &render(&one, "text", true));
}

#[test]
fn text_reports_keep_within_eighty_columns() {
    let (outcome, _folder) = pinned(runner::catalogue().expect("the catalogue is valid"));
    for verbose in [false, true] {
        for line in render(&outcome, "text", verbose).lines() {
            assert!(
                line.chars().count() <= 80,
                "{} columns: {line}",
                line.chars().count()
            );
        }
    }
}

#[test]
fn every_claim_of_the_profile_passes_somewhere() {
    let (outcome, _folder) = pinned(runner::catalogue().expect("the catalogue is valid"));
    for claim in &outcome.claims {
        // What the profile only records is held to its statement by the twins.
        let decided = outcome.cases.iter().any(|case| {
            let verdict = case.verdicts.get(&claim.id);
            matches!(
                verdict,
                Some(claims::Verdict::Pass | claims::Verdict::Recorded)
            )
        });
        assert!(decided, "{} is decided in no scenario", claim.id);
    }
}

#[test]
fn two_pinned_runs_give_the_same_captures_and_they_are_the_golden_ones() {
    let golden = [
        "NON-01", "BAS-01", "BAS-09", "NLM-01", "SMI-02", "SMI-07", "REF-03", "MSG-01",
    ];
    let scenarios = || golden.iter().map(|id| named(id)).collect::<Vec<_>>();
    let (one, first) = pinned(scenarios());
    let (two, _second) = pinned(scenarios());
    let sums = |outcome: &Outcome| {
        outcome
            .cases
            .iter()
            .map(|case| case.capture.sha256.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(sums(&one), sums(&two), "the same bytes twice");
    for id in golden {
        let made = std::fs::read(first.path().join(format!("{id}.pcapng"))).expect("the capture");
        let kept = root().join("captures").join(format!("{id}.pcapng"));
        if std::env::var_os("SMTPSPEC_BLESS").is_some() {
            std::fs::write(&kept, &made).expect("captures/ can be written");
        }
        let kept = std::fs::read(&kept).unwrap_or_default();
        assert!(
            made == kept,
            "captures/{id}.pcapng differs from what this build makes; look, then `just bless`"
        );
    }
}

fn named(id: &str) -> Scenario {
    let all = runner::catalogue().expect("the catalogue is valid");
    all.into_iter()
        .find(|scenario| scenario.id.value == id)
        .expect("a scenario of the catalogue")
}

#[test]
fn an_expected_check_must_be_observed() {
    let with = |check: &str| {
        let text = format!(
            "id = \"BAS-91\"\ntitle = \"x\"\n[server]\nextensions = [\"STARTTLS\", \"AUTH LOGIN\"]\n\
             [client]\nauth = \"basic\"\n[expect]\nchecks = {{ {check} = \"observed\" }}\n"
        );
        let scenario = Scenario::parse("x.toml", &text).expect("a valid scenario");
        pinned(vec![scenario]).0.cases.remove(0)
    };
    assert!(with("password-readable").met);
    let unmet = with("starttls-issued");
    assert!(!unmet.met);
    assert_eq!(
        unmet.problems,
        ["starttls-issued: STARTTLS was offered and not used; AUTH followed in clear"]
    );
}
