//! More than one server in a case.

use claims::given::Role;

use super::*;

const BACKUP: &str = "\n[servers.backup]\nextensions = [\"SIZE 1\"]\nport = 2525\n";

#[test]
fn each_server_has_its_defaults_and_its_rules() {
    let rules = "[[on]]\ncommand = \"MAIL\"\nreply = \"451 later\"\n\n\
                 [[on]]\nserver = \"backup\"\ncommand = \"MAIL\"\nreply = \"452 full\"\n";
    let scenario = parse(&format!(
        "{MINIMAL}{BACKUP}[servers.other_port]\n[servers.partner]\nname = \"mx.x.example\"\n{rules}"
    ));
    let servers: Vec<_> = scenario.servers.all().collect();
    let names: Vec<_> = servers
        .iter()
        .map(|(name, table)| (*name, table.name.as_str(), table.port))
        .collect();
    assert_eq!(
        names,
        [
            (ServerName::Backup, "backup.example.test", 2525),
            (ServerName::Partner, "mx.x.example", 25),
            (ServerName::OtherPort, "mail.example.test", 587),
        ]
    );
    assert_eq!(servers[0].1.extensions, ["SIZE 1"]);
    assert_eq!(ServerName::Backup.role(), Role::Backup);
    for (name, nth) in [(ServerName::Main, 0), (ServerName::Backup, 1)] {
        let rule = scenario.rules[nth].clone();
        assert_eq!(rules_of(&scenario.rules, name), [rule]);
    }
    assert!(rules_of(&scenario.rules, ServerName::Partner).is_empty());
}

#[test]
fn a_rule_for_a_server_that_is_not_there_never_matches() {
    let text = format!("{MINIMAL}\n[[on]]\nserver = \"backup\"\nclose = true\n");
    insta::assert_snapshot!(problems(&text), @r#"
    error[never-matches]: the file has no server `backup`: the rule never matches
     --> scenarios/envelope/x.toml:5:10
      |
    5 | server = "backup"
      |          ^^^^^^^^
      |
      = help: add a table `[servers.backup]`
    "#);
}

#[test]
fn tls_is_that_of_the_rules_own_server() {
    let rule = |server: &str| format!("[[on]]\nserver = \"{server}\"\ntls = true\nclose = true\n");
    let text = |server| {
        format!(
            "{MINIMAL}\n[servers.backup]\nextensions = [\"STARTTLS\"]\n{}",
            rule(server)
        )
    };
    assert_eq!(parse(&text("backup")).rules.len(), 1);
    assert!(problems(&text("main")).contains("the server does no TLS"));
}

#[test]
fn what_contradicts_itself_is_shown() {
    let port = format!("{MINIMAL}\n[servers.other_port]\nport = 25\n");
    assert!(problems(&port).contains("`other_port` has the port of `[server]`, 25"));
    let backup = format!("{MINIMAL}\n[client.backup]\nauth = \"none\"\n");
    assert!(problems(&backup).contains("the backup transport has no server to go to"));
    let auth = format!("{MINIMAL}\n[client]\nauth = \"none\"\ndefault_auth = true\n");
    assert!(problems(&auth).contains("says that it is left alone"));
    let unknown = format!("{MINIMAL}\n[servers.backups]\n");
    assert!(problems(&unknown).contains("did you mean `backup`?"));
}

#[test]
fn handler_backup_and_second_host_are_read() {
    let text = format!(
        "{MINIMAL}{BACKUP}[client]\nsmtp_host = \"mail.example.test:2525\"\nhandler = {{ auth = \"ntlm\", username = \"h\" }}\n\
         second_host = {{ user = \"two\" }}\nbackup = {{ auth = \"none\", tls = \"required\", retry = {{ count = 1 }} }}\n"
    );
    let client = parse(&text).client;
    let handler = client.handler.expect("a handler");
    assert_eq!(handler.value.authenticate, Some(AuthMode::Ntlm));
    assert_eq!(handler.value.username.as_deref(), Some("h"));
    let backup = client.backup.expect("a backup transport");
    assert_eq!(
        backup.tls.map(|tls| tls.value),
        Some(claims::given::ClientTls::Required)
    );
    let count = backup.retry.and_then(|retry| retry.count);
    assert_eq!(count.map(|count| count.value), Some(1));
    let second = client.second_host.expect("a second host");
    assert_eq!(second.user.map(|user| user.value).as_deref(), Some("two"));
}
