//! No report holds a password, in whatever form.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use claims::Profile;
use lab::adapter::Twin;
use lab::runner::canary::Canaries;
use lab::runner::{self, PINNED_SEED, RunOptions};
use report::Style;
use smtpspec::commands::run::replay;

/// The forms in which a secret could show: as it is, in UTF-16, in base64 at each alignment, in hexadecimal.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let wide: Vec<u8> = secret.iter().flat_map(|byte| [*byte, 0]).collect();
    let mut forms = vec![secret.to_vec(), wide.clone()];
    for bytes in [secret.to_vec(), wide] {
        for lead in 0..3 {
            let mut shifted = vec![0; lead];
            shifted.extend_from_slice(&bytes);
            let text = BASE64_STANDARD.encode(&shifted);
            // What the neighbours of the secret decide is left out at both ends.
            let start = if lead == 0 { 0 } else { 4 };
            let end = text.len() - 4;
            forms.push(text.as_bytes()[start..end].to_vec());
        }
        forms.push(hex::encode(&bytes).into_bytes());
        forms.push(hex::encode_upper(&bytes).into_bytes());
    }
    forms
}

#[test]
fn no_report_of_any_run_holds_a_password() {
    let canaries = Canaries::new(PINNED_SEED);
    let secrets = [
        &canaries.password,
        &canaries.account_password,
        &canaries.wrong,
    ];
    let forms: Vec<_> = secrets
        .iter()
        .flat_map(|secret| forms(secret.expose()))
        .collect();
    let profile = Profile::find("biztalk-smtp-adapter").expect("the profile is shipped");
    let mut crossed = false;
    for twins in std::iter::once(Vec::new()).chain(Twin::ALL.iter().map(|twin| vec![*twin])) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = RunOptions {
            out: folder.path().to_owned(),
            twins: twins.clone(),
            pinned: true,
        };
        let mut scenarios = runner::catalogue().expect("the catalogue is valid");
        // With a twin, one scenario of each mode is enough to make it talk.
        if !twins.is_empty() {
            scenarios.retain(|s| {
                ["NON-01", "BAS-01", "BAS-13", "NLM-01", "REF-03", "SMI-09"]
                    .contains(&s.id.value.as_str())
            });
        }
        let outcome = replay(scenarios, options, 8, profile).expect("the harness does its part");
        for entry in std::fs::read_dir(folder.path()).expect("the folder") {
            let capture = std::fs::read(entry.expect("an entry").path()).expect("a capture");
            crossed |= forms.iter().any(|form| find(&capture, form));
        }
        for format in report::FORMATS {
            let text = (format.render)(
                &outcome,
                Style {
                    verbose: true,
                    ..Style::default()
                },
            );
            for form in &forms {
                assert!(
                    !find(text.as_bytes(), form),
                    "a secret stands in the {} report of {twins:?}",
                    format.name
                );
            }
        }
    }
    assert!(
        crossed,
        "the passwords never crossed the wire, so this test proves nothing"
    );
}

fn find(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}
