//! Definitions read, and jobs done with small programs of every system.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use claims::given::{ClientTls, Reported};
use rstest::rstest;
use smtp::Secret;

use super::{Client, Definition, Draft, Job, NotReady, Said};
use crate::adapter::config::{AuthMode, BasicMechanism};

const SHELL: &str = r#"
id = "shell"
title = "A shell"
command = ["sh", "-c", "{script}", "shell", "{mode...}", ["--to", "{recipient}"], "{recipients...}", "{tls...}"]
env = { PLACE = "{workdir}" }

[set]
script = "exit 0"

[files]
rc = "user {user:quoted}\npassword {password:quoted}\n{extra}\n"

[mode.none]
[mode.basic]
arguments = ["--user", "{user}"]
set = { extra = "auth {mechanism}" }

[tls.never]
arguments = ["--no-tls"]

[cannot]
ntlm = "a shell knows no NTLM"
"#;

fn job() -> Job {
    Job {
        case: "BEN-01".to_owned(),
        server: SocketAddr::from(([127, 0, 0, 1], 2525)),
        mode: AuthMode::Basic,
        mechanism: None,
        tls: ClientTls::Never,
        user: "alice".to_owned(),
        domain: String::new(),
        password: Secret::new(*b"Pw-\"odd\" one"),
        sender: "a@client.example".to_owned(),
        recipients: vec!["b@server.example".to_owned(), "c@server.example".to_owned()],
        bcc: Vec::new(),
        draft: Draft {
            from: "a@client.example".to_owned(),
            body: b"body\r\n".to_vec(),
            ..Draft::default()
        },
        ehlo: "client.example".to_owned(),
        ca: String::new(),
        delivery_receipt: false,
        retry: false,
        timeout: Duration::from_millis(1500),
        only_adapter: None,
    }
}

fn shell(script: &str) -> Definition {
    let mut definition = Definition::parse("shell.toml", SHELL).expect("it is valid");
    definition
        .set
        .insert("script".to_owned(), super::Template::verbatim(script));
    definition
}

async fn run(definition: Definition, job: &Job) -> (super::Work, String) {
    let client = Client::prepare(definition).await.expect("sh is installed");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("x.client.log");
    let work = client
        .work(job, &log, Duration::from_secs(10))
        .await
        .expect("files can be written");
    (work, std::fs::read_to_string(&log).expect("the log"))
}

#[tokio::test]
async fn arguments_come_from_the_command_and_its_blocks() {
    let (work, log) = run(shell("printf '<%s>' \"$@\""), &job()).await;
    assert_eq!(work.said, Said::Status(Reported::Sent));
    assert_eq!(
        work.last_line.as_deref(),
        Some(
            "<--user><alice><--to><b@server.example><--to><c@server.example><b@server.example>\
             <c@server.example><--no-tls>"
        ),
        "{log}"
    );
}

#[tokio::test]
async fn groups_are_repeated_for_the_list_that_they_name() {
    let mut job = job();
    job.draft.to = vec!["b@server.example".to_owned()];
    job.bcc = vec!["c@server.example".to_owned()];
    let text = SHELL
        .replace(
            "[\"--to\", \"{recipient}\"]",
            "[\"{to}\"], [\"-c\", \"{cc}\"], [\"-b\", \"{bcc}\"]",
        )
        .replace("\"{recipients...}\", ", "")
        .replace("env =", "line_ends = \"lf\"\nstdin = \"body\"\nenv =");
    job.draft.body = b"one\r\ntwo\rthree\n\r\n".to_vec();
    let mut definition = Definition::parse("shell.toml", &text).expect("it is valid");
    let script = "od -An -c; echo \"$*\"";
    definition
        .set
        .insert("script".to_owned(), super::Template::verbatim(script));
    let (work, log) = run(definition, &job).await;
    assert_eq!(
        work.last_line.as_deref(),
        Some("--user alice b@server.example -b c@server.example --no-tls"),
        "{log}"
    );
    assert!(
        log.contains("o   n   e  \\n   t   w   o  \\r   t   h   r   e   e  \\n  \\n"),
        "{log}"
    );
}

#[tokio::test]
async fn files_are_private_and_hold_what_the_command_must_not() {
    let (work, log) = run(
        shell("cat \"$PLACE/rc\" \"$PLACE/password\"; stat -c %a \"$PLACE\" \"$PLACE/rc\" >&2"),
        &job(),
    )
    .await;
    assert_eq!(work.last_line.as_deref(), Some("600"), "{log}");
    assert!(log.contains("700\n600"), "{log}");
    assert!(log.contains("auth any"), "{log}");
    assert!(!log.contains("odd"), "no password in the log: {log}");
}

#[tokio::test]
async fn the_work_folder_is_gone_afterwards() {
    let (_, log) = run(shell("echo \"$PLACE\""), &job()).await;
    let place = log
        .lines()
        .find(|line| line.starts_with('/'))
        .expect("the folder is named");
    assert!(!Path::new(place).exists());
}

#[rstest]
#[case("exit 1", Said::Status(Reported::Failed))]
#[case("echo no way >&2; exit 89", Said::Cannot("shell cannot do this: no way".to_owned()))]
#[case("kill -9 $$", Said::Status(Reported::Failed))]
#[tokio::test]
async fn an_exit_status_is_a_statement(#[case] script: &str, #[case] said: Said) {
    assert_eq!(run(shell(script), &job()).await.0.said, said);
}

#[tokio::test]
async fn what_a_client_cannot_do_is_said_before_it_is_run() {
    let client = Client::prepare(shell("exit 0"))
        .await
        .expect("sh is installed");
    assert_eq!(client.refusal(&job()), None);
    let with = |change: fn(&mut Job)| {
        let mut job = job();
        change(&mut job);
        client.refusal(&job).unwrap_or_default()
    };
    assert_eq!(
        with(|job| job.mode = AuthMode::Ntlm),
        "a shell knows no NTLM"
    );
    assert!(with(|job| job.tls = ClientTls::Required).contains("`required`"));
    assert!(with(|job| job.delivery_receipt = true).contains("`receipt`"));
    assert!(with(|job| job.retry = true).contains("`retry`"));
    assert!(with(|job| job.only_adapter = Some("encoder")).contains("`encoder`"));
    assert!(
        with(|job| job.draft.subject = "a\r\nBcc: b@c".to_owned()).contains("not of its making")
    );
    // A mechanism that it cannot be told is left to it.
    assert_eq!(with(|job| job.mechanism = Some(BasicMechanism::Login)), "");
}

#[tokio::test]
async fn a_client_that_is_not_there_is_not_installed() {
    let text = SHELL.replace("env =", "probe = [\"no-such-program-7\"]\nenv =");
    let definition = Definition::parse("shell.toml", &text).expect("it is valid");
    let error = Client::prepare(definition)
        .await
        .expect_err("no such program");
    assert!(matches!(error, NotReady::NotInstalled { .. }), "{error}");
}

#[tokio::test]
async fn a_mode_whose_probe_fails_is_not_there() {
    let text = SHELL.replace("[mode.none]", "[mode.none]\nprobe = [\"false\"]");
    let definition = Definition::parse("shell.toml", &text).expect("it is valid");
    let client = Client::prepare(definition).await.expect("sh is installed");
    assert_eq!(client.modes(), ["basic"]);
}

#[rstest]
#[case("stdin = \"message\"", "stdin = \"mesage\"", "did you mean `message`?")]
#[case("title = \"A shell\"", "titel = \"A shell\"", "did you mean `title`?")]
#[case("{workdir}", "{wrokdir}", "did you mean `{workdir}`?")]
#[case("\"{user}\"]", "\"{password}\"]", "everybody on the machine")]
#[case("[files]\nrc", "[files]\n\"../rc\"", "is not the name of a file")]
#[case("[tls.never]", "[tls.nevr]", "did you mean `never`?")]
fn mistakes_are_shown_with_their_place(
    #[case] right: &str,
    #[case] wrong: &str,
    #[case] help: &str,
) {
    let text = if SHELL.contains(right) {
        SHELL.replace(right, wrong)
    } else {
        SHELL.replace("env =", &format!("{wrong}\nenv ="))
    };
    let problems = Definition::parse("shell.toml", &text).expect_err("it is wrong");
    let shown = problems.render(false);
    assert!(shown.contains(help), "{shown}");
    assert!(shown.contains("--> shell.toml:"), "{shown}");
}

#[test]
fn a_password_hidden_in_a_setting_does_not_get_into_an_argument() {
    let text = SHELL.replace(
        "script = \"exit 0\"",
        "script = \"echo {login}\"\nlogin = \"{password}\"",
    );
    let shown = Definition::parse("shell.toml", &text)
        .expect_err("it is wrong")
        .render(false);
    assert!(shown.contains("everybody on the machine"), "{shown}");
    let text = format!("password_in_arguments = true\n{text}");
    assert!(Definition::parse("shell.toml", &text).is_ok());
}

#[test]
fn a_command_line_is_split_as_a_shell_does() {
    let definition = Definition::of_command(
        "mine",
        "mine",
        "send --to '{recipients}' \"a b\" {recipients...}",
    )
    .expect("it is a command");
    assert_eq!(definition.command.len(), 5);
    assert_eq!(definition.mode_words(), ["none", "basic", "ntlm"]);
    for wrong in ["", "send 'open", "send {recipent}"] {
        assert!(
            Definition::of_command("mine", "mine", wrong).is_err(),
            "{wrong}"
        );
    }
}
