//! TLS that is wanted and does not come. With TLS that comes the dialogue cannot be written down: the scenarios have it.

use claims::given::ClientTls;

use super::*;

const OFFERED: &str = "
    S: 220 mail
    C: EHLO bts01.corp.example
    S: 250-mail
    S: 250 StartTLS
    C: STARTTLS";
const LEFT: &str = "
    C: QUIT
    S: 221 bye";

fn with(tls: ClientTls) -> Config {
    Config {
        tls,
        ..example::config()
    }
}

#[tokio::test]
async fn tls_that_is_required_and_not_offered_ends_the_attempt() {
    let dialogue = format!(
        "
        S: 220 mail
        C: EHLO bts01.corp.example
        S: 250 mail{LEFT}"
    );
    let result = play(&with(ClientTls::Required), &[], &dialogue).await;
    assert_eq!(result, Err(Failure::NotOffered("STARTTLS")));
}

#[tokio::test]
async fn tls_that_is_opportunistic_and_not_offered_is_done_without() {
    let dialogue = "
        S: 220 mail
        C: EHLO bts01.corp.example
        S: 250 mail
        C: MAIL FROM:<biztalk@corp.example>
        S: 550 no
        C: QUIT
        S: 221 bye";
    let result = play(&with(ClientTls::Opportunistic), &[], dialogue).await;
    assert_eq!(result, refused("MAIL", 550));
}

#[rstest]
#[case(ClientTls::Opportunistic, 454)]
#[case(ClientTls::Required, 501)]
#[case(ClientTls::Required, 250)]
#[case(ClientTls::Required, 354)]
#[tokio::test]
async fn what_is_offered_and_then_refused_ends_the_attempt(
    #[case] tls: ClientTls,
    #[case] code: u16,
) {
    let dialogue = format!("{OFFERED}\n S: {code} no{LEFT}");
    assert_eq!(
        play(&with(tls), &[], &dialogue).await,
        refused("STARTTLS", code)
    );
}
