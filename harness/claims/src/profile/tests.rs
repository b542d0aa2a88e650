use super::*;
use crate::controls::Exposed;

fn problem(text: &str) -> String {
    Profile::read(text).expect_err("it is wrong").to_string()
}

fn read(text: &str) -> Profile {
    Profile::read(text).unwrap_or_else(|problem| panic!("{problem}"))
}

fn expected(profile: &Profile, claim: &str) -> Option<Expect> {
    let mut all = profile.expectations();
    all.find(|(one, _)| one.id == claim)
        .map(|(_, expect)| expect)
}

const HEAD: &str = "id = \"ours\"\ntitle = \"Ours\"\n";

#[test]
fn every_expectation_names_a_claim_and_every_id_is_its_own() {
    let mut ids = BTreeSet::new();
    for profile in Profile::all() {
        assert!(ids.insert(&profile.id), "{} twice", profile.id);
        for id in profile.claims.keys() {
            assert!(
                Claim::find(id).is_some(),
                "{} expects {id}, which is no claim",
                profile.id
            );
        }
        assert_eq!(profile.expectations().count(), profile.claims.len());
        assert!(!profile.title.is_empty() && !profile.description.is_empty());
    }
}

#[test]
fn a_profile_of_ones_own_extends_a_shipped_one() {
    let ours = read(&format!(
        "{HEAD}extends = \"submission-8314\"\ncontrols = [\"pci-dss-4.0.1\"]\n\
         without-controls = [\"pci-dss-4.0.1/4.2.2\"]\nscope = [\"card-data\"]\n\
         [claims]\nADP-16 = \"does-not-hold\"\n\"RFC8551-3.1\" = \"ignored\"\nRFC3207-6 = \"recorded\"\n\
         [[control]]\nframework = \"pci-dss-4.0.1\"\nid = \"8.3.2\"\nasks = \"Less.\"\nshown-by = [\"RFC4954-4\"]\n\
         cite = \"Here.\"\nnot-tested = \"Much.\"\n\
         [[control]]\nid = \"O-1\"\nasks = \"No basic.\"\nbroken-by = [\"no password-readable\", \"ADP-15\"]\n\
         cite = \"Always.\"\nnot-tested = \"The rest.\"\n"
    ));
    let base = Profile::find("submission-8314").expect("it is shipped");
    assert_eq!(expected(&ours, "ADP-16"), Some(Expect::DoesNotHold));
    assert_eq!(expected(&ours, "RFC8551-3.1"), None);
    assert_eq!(expected(&ours, "RFC3207-6"), Some(Expect::Recorded));
    assert_eq!(
        expected(&ours, "ADP-15"),
        Some(Expect::Holds),
        "a rule names it"
    );
    assert_eq!(expected(&ours, "RFC8314-3"), expected(base, "RFC8314-3"));
    assert!(ours.is_in_scope("card-data") && !ours.is_in_scope("open-network"));
    let [pci, own] = ours.frameworks() else {
        panic!("{:?}", ours.frameworks())
    };
    let ids: Vec<_> = pci.controls.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["2.2.5", "4.2.1", "8.3.2"]);
    assert_eq!(pci.controls[2].asks, "Less.");
    assert_eq!(
        (own.id.as_str(), own.controls[0].id.as_str()),
        ("ours", "O-1")
    );
    assert_eq!(base.frameworks().len(), 0, "the shipped one is as it was");
}

#[test]
fn the_example_of_the_documentation_is_a_profile() {
    let page = include_str!("../../../../docs/controls.md");
    let (_, rest) = page.split_once("```toml\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    let ours = Profile::read(example).expect("it can be read");
    let base = Profile::find("submission-8314").expect("it is shipped");
    assert_eq!(expected(&ours, "ADP-35"), Some(Expect::Recorded));
    assert_eq!(expected(&ours, "RFC8314-5.2"), None, "it is ignored");
    assert_eq!(expected(&ours, "RFC8314-3"), expected(base, "RFC8314-3"));
    assert!(ours.is_in_scope("card-data"));
    let names: Vec<_> = ours
        .frameworks()
        .iter()
        .map(|one| one.id.as_str())
        .collect();
    assert_eq!(names, ["pci-dss-4.0.1", "ours"]);
    for standard in Framework::all() {
        assert!(
            page.contains(&standard.id),
            "{} is not in the page",
            standard.id
        );
        for word in standard.controls.iter().flat_map(|one| &one.scope) {
            assert!(
                page.contains(&format!("`{word}`")),
                "what `{word}` means is not in the page"
            );
        }
    }
    for exposed in Exposed::ALL {
        assert!(page.contains(exposed.as_str()), "{}", exposed.as_str());
    }
}

#[test]
fn a_wish_names_the_profile_where_there_is_one() {
    let one = Profile::find("submission-8314").expect("it is shipped");
    assert_eq!(
        one.wish("RFC8314-3"),
        "the profile submission-8314 expects it to hold"
    );
    let other = Profile::find("rfc-strict").expect("it is shipped");
    let both = Profile::together(&[one.clone(), other.clone()]).expect("they go together");
    assert_eq!(both.wish("RFC8314-3"), "the profiles expect it to hold");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, told) in [
        ("id = \"ours\"\ntitle = ", "2:9: "),
        ("title = \"x\"\n", "1:1: missing field `id`"),
        (
            "id = \"Our profile\"\ntitle = \"x\"\n",
            "1:6: an id has small letters",
        ),
        (
            "id = \"submission-8314\"\ntitle = \"x\"\nextends = \"rfc-strict\"\n",
            "1:1: `submission-8314` is the id of a profile that is built in",
        ),
        (HEAD, "1:1: nothing is expected"),
        (
            &format!("{HEAD}extends = \"nobody\"\n"),
            "3:11: there is no profile `nobody` to extend",
        ),
        (
            &format!("{HEAD}controls = [\"pci-dss-4.0.1\", \"sox\"]\n"),
            "3:30: there are no controls `sox`; there is pci-dss-4.0.1, nist",
        ),
        (
            &format!(
                "{HEAD}controls = [\"pci-dss-4.0.1\"]\nwithout-controls = [\"pci-dss-4.0.1/9\"]\n"
            ),
            "4:21: pci-dss-4.0.1 has no control `9`",
        ),
        (
            &format!("{HEAD}[claims]\nADP-16 = \"holds\"\nADP-999 = \"holds\"\n"),
            "5:1: there is no claim `ADP-999`",
        ),
        (
            &format!("{HEAD}[claims]\nADP-16 = \"maybe\"\n"),
            "4:10: unknown variant `maybe`",
        ),
        (
            &format!("{HEAD}colour = \"red\"\n"),
            "3:1: unknown field `colour`",
        ),
        (
            &format!(
                "{HEAD}[[control]]\nid = \"1\"\nasks = \"x\"\nshown-by = [\"ADP-15\", \"ADP-0\"]\ncite = \"x\"\nnot-tested = \"x\"\n"
            ),
            "6:12: there is no claim `ADP-0`",
        ),
        (
            &format!(
                "{HEAD}[[control]]\nid = \"1\"\nasks = \"x\"\nshown-by = [\"no fun\"]\ncite = \"x\"\nnot-tested = \"x\"\n"
            ),
            "6:12: there is no exposure `fun`; there is message-in-clear",
        ),
        (
            &format!(
                "{HEAD}[[control]]\nframework = \"sox\"\nid = \"1\"\nasks = \"x\"\ncite = \"x\"\nnot-tested = \"x\"\n"
            ),
            "4:13: the profile has no controls `sox`",
        ),
    ] {
        let got = problem(text);
        assert!(got.starts_with(told), "{text}\n{got}\nwanted {told}");
    }
}

#[test]
fn several_go_together_unless_they_contradict_each_other() {
    let find = |id| Profile::find(id).expect("it is shipped").clone();
    let both = Profile::together(&[find("biztalk-smtp-adapter"), find("hipaa-security-rule")])
        .expect("they speak of different claims");
    assert_eq!(both.id, "biztalk-smtp-adapter+hipaa-security-rule");
    assert_eq!(both.parts().len(), 2);
    assert!(expected(&both, "ADP-16").is_some() && expected(&both, "RFC8314-5.2").is_some());
    assert_eq!(both.frameworks().len(), 1);
    let against = read(&format!("{HEAD}[claims]\nADP-16 = \"does-not-hold\"\n"));
    let error = Profile::together(&[find("biztalk-smtp-adapter"), against]);
    assert_eq!(
        error.expect_err("they contradict each other"),
        "the profiles do not go together: biztalk-smtp-adapter says that ADP-16 holds, and ours says does-not-hold"
    );
    let noted = read(&format!("{HEAD}[claims]\nADP-16 = \"recorded\"\n"));
    for two in [
        [find("biztalk-smtp-adapter"), noted.clone()],
        [noted, find("biztalk-smtp-adapter")],
    ] {
        let both = Profile::together(&two).expect("to record is not to contradict");
        assert_eq!(expected(&both, "ADP-16"), Some(Expect::Holds));
    }
    let alone = Profile::together(&[find("submission-8314")]).expect("one is one");
    assert_eq!(
        (alone.id.as_str(), alone.parts().len()),
        ("submission-8314", 0)
    );
}

#[test]
fn what_a_verdict_says_of_the_claim_itself() {
    for (expect, verdict, recorded, holds) in [
        (Expect::Holds, Verdict::Pass, None, Some(true)),
        (Expect::Holds, Verdict::Fail, None, Some(false)),
        (Expect::DoesNotHold, Verdict::Pass, None, Some(false)),
        (Expect::DoesNotHold, Verdict::Fail, None, Some(true)),
        (
            Expect::Recorded,
            Verdict::Recorded,
            Some(false),
            Some(false),
        ),
        (Expect::Holds, Verdict::Inconclusive, None, None),
        (Expect::Holds, Verdict::Error, Some(true), None),
    ] {
        assert_eq!(
            expect.holds(verdict, recorded),
            holds,
            "{expect:?} {verdict:?}"
        );
    }
}
