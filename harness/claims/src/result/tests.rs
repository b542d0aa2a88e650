use super::*;
use crate::Evidence;
use crate::Profile;

#[test]
fn evidence_can_be_cut() {
    let profile = Profile::all().first().expect("a profile");
    let (claim, _) = profile.expectations().next().expect("a claim");
    let judgement = || Judgement {
        claim,
        verdict: Verdict::Pass,
        holds: Some(true),
        reason: String::new().into(),
        evidence: (1..=5)
            .map(|packet| Evidence::packet(packet, "a packet"))
            .collect(),
    };
    let told = |most| {
        let outcome = ClaimOutcome::in_brief(judgement(), most);
        let pieces = outcome.evidence.into_iter();
        pieces
            .map(|one| (one.packets[0], one.what))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(5).len(), 5);
    let cut = (3, "3 more pieces of evidence, from here on".to_owned());
    assert_eq!(told(2)[2..], [cut]);
}
