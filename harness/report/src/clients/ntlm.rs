//! NTLM clients against NTLM challenges: which response each sent, what came of it, and what it told of itself.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use claims::Verdict;
use claims::leaks::{Account, Leaks, MicWord};
use claims::result::CaseOutcome;

use super::Column;
use super::rows::{self, Row};
use crate::markdown::escape;

/// Cases of one table: more would make it too wide to read.
const WIDTH: usize = 6;

/// The tables as Markdown: clients in rows, the cases in which any of them said AUTH NTLM in columns.
pub fn ntlm(columns: &[Column]) -> String {
    let rows = rows::rows(columns);
    let met: Vec<_> = rows.iter().filter(|row| is_ntlm(columns, row)).collect();
    let mut out = String::from("# NTLM, client by client\n\n");
    if met.is_empty() {
        out.push_str("No client said AUTH NTLM in any case.\n");
        return out;
    }
    out.push_str(
        "Read from the captures. A cell says which response the client sent, by its bytes and not by its flags, how the \
         exchange ended, and what the client did then; one line for each login.\n\n",
    );
    for cases in met.chunks(WIDTH) {
        responses(&mut out, columns, cases);
    }
    told(&mut out, columns, &met);
    versions(&mut out, columns);
    out
}

/// Whether any client said AUTH NTLM in a case.
fn is_ntlm(columns: &[Column], row: &Row<'_>) -> bool {
    let mut cells = columns.iter().zip(&row.cells);
    cells.any(|(column, case)| {
        case.is_some_and(|case| leaks(column, case).any(|one| logins(one).any(|_| true)))
    })
}

/// What the conversations of a case told.
fn leaks<'a>(column: &'a Column, case: &'a CaseOutcome) -> impl Iterator<Item = &'a Leaks> {
    let all = column.outcome.conversations.iter();
    all.filter(|one| case.conversations.contains(&one.id))
        .filter_map(|one| one.leaks.as_ref())
}

/// The logins with NTLM.
fn logins(leaks: &Leaks) -> impl Iterator<Item = &Account> {
    let all = leaks.accounts.items.iter();
    all.filter(|account| account.mechanism == "NTLM")
}

fn responses(out: &mut String, columns: &[Column], cases: &[&Row<'_>]) {
    let heads = cases
        .iter()
        .map(|row| format!("{}: {}", escape(row.id), escape(row.title)));
    let heads: Vec<_> = heads.collect();
    let _ = writeln!(out, "| client | {} |", heads.join(" | "));
    let _ = writeln!(out, "| --- |{}", " --- |".repeat(cases.len()));
    for (place, column) in columns.iter().enumerate() {
        let cells = cases.iter().map(|row| match row.cells[place] {
            Some(case) => cell(column, case),
            None => String::new(),
        });
        let cells: Vec<_> = cells.collect();
        let _ = writeln!(out, "| {} | {} |", escape(&column.name), cells.join(" | "));
    }
    let _ = writeln!(out);
}

/// What a client did in a case: its logins, one a line, and what became of the message.
fn cell(column: &Column, case: &CaseOutcome) -> String {
    if case.verdict == Some(Verdict::NotApplicable) {
        return "cannot".to_owned();
    }
    let mut lines: Vec<(String, usize)> = Vec::new();
    let (mut mails, mut taken, mut left_out) = (0, 0, 0);
    for one in leaks(column, case) {
        for account in &one.accounts.items {
            let line = login(account);
            match lines.last_mut() {
                Some((last, times)) if *last == line => *times += 1,
                _ => lines.push((line, 1)),
            }
        }
        left_out += one.accounts.left_out;
        mails += one.messages.items.len();
        let accepted = |mail: &&claims::leaks::Mail| mail.accepted == Some(true);
        taken += one.messages.items.iter().filter(accepted).count();
    }
    if lines.is_empty() {
        lines.push(("did not authenticate".to_owned(), 1));
    }
    let lines = lines.into_iter().map(|(line, times)| match times {
        1 => escape(&line),
        _ => format!("{} ×{times}", escape(&line)),
    });
    let mut parts: Vec<_> = lines.collect();
    if left_out > 0 {
        parts.push(format!("and {left_out} more"));
    }
    let end = match (mails, taken) {
        (0, _) => "nothing sent",
        (_, 0) => "tried to send; not taken",
        _ => "sent",
    };
    format!("{}; {end}", parts.join("<br>"))
}

/// One login in a line.
fn login(account: &Account) -> String {
    let mut text = String::new();
    if account.mechanism != "NTLM" {
        let _ = write!(
            text,
            "AUTH {}, its secret {}",
            account.mechanism,
            account.exposure.name()
        );
    } else if let Some(response) = &account.response {
        text.push_str(response);
        let mic = account.ntlm.as_ref().and_then(|facts| facts.mic);
        if let Some(mic) = mic.filter(|mic| has_mic(response, *mic)) {
            let _ = write!(text, ", {}", mic.name());
        }
    } else {
        text.push_str("no response");
    }
    let _ = write!(text, ": {}", ended(&account.outcome));
    text
}

/// How an exchange ended. A client that goes away in the middle leaves no outcome.
fn ended(outcome: &str) -> &str {
    match outcome {
        "outcome not captured" => "left",
        other => other,
    }
}

/// Whether a word on the integrity code is worth telling: only version 2 can have one.
fn has_mic(response: &str, mic: MicWord) -> bool {
    mic != MicWord::None || response.starts_with("NTLMv2")
}

/// What each client told of itself, over all cases.
fn told(out: &mut String, columns: &[Column], cases: &[&Row<'_>]) {
    type Fact = (&'static str, fn(&Account) -> Option<String>);
    const FACTS: [Fact; 8] = [
        ("account", |one| one.name()),
        ("workstation", |one| one.workstation.clone()),
        ("NEGOTIATE: domain", |one| {
            one.ntlm.as_ref()?.first_domain.clone()
        }),
        ("NEGOTIATE: workstation", |one| {
            one.ntlm.as_ref()?.first_workstation.clone()
        }),
        ("system and build", |one| one.claimed_os.clone()),
        ("target (AV 9)", |one| {
            one.ntlm.as_ref()?.target_name.clone()
        }),
        ("machine id (AV 8)", |one| {
            one.ntlm.as_ref()?.machine_id.then(|| "yes".to_owned())
        }),
        ("clock in the response", |one| {
            Some(one.ntlm.as_ref()?.clock?.name().to_owned())
        }),
    ];
    out.push_str("## What each told of itself\n\nAll values that were seen. System and build are what the client says.\n\n");
    let _ = writeln!(
        out,
        "| client | {} |",
        FACTS.map(|(head, _)| head).join(" | ")
    );
    let _ = writeln!(out, "| --- |{}", " --- |".repeat(FACTS.len()));
    for (place, column) in columns.iter().enumerate() {
        let accounts: Vec<_> = cases
            .iter()
            .filter_map(|row| row.cells[place])
            .flat_map(|case| leaks(column, case))
            .flat_map(logins)
            .collect();
        let cells = FACTS.map(|(_, fact)| {
            let values: BTreeSet<_> = accounts.iter().filter_map(|one| fact(one)).collect();
            let values: Vec<_> = values.iter().map(|value| readable(value)).collect();
            values.join("<br>")
        });
        let _ = writeln!(out, "| {} | {} |", escape(&column.name), cells.join(" | "));
    }
    let _ = writeln!(out);
}

/// A name for people. One in UTF-16 that its message declares to be in the OEM character set holds a NUL at every other
/// place.
fn readable(name: &str) -> String {
    if name.contains('\0') {
        let letters = name.replace('\0', "");
        return format!("{} (UTF-16, declared as OEM)", escape(&letters));
    }
    escape(name)
}

fn versions(out: &mut String, columns: &[Column]) {
    out.push_str("## Versions\n\n");
    for column in columns {
        let _ = writeln!(out, "- {}: {}", escape(&column.name), escape(&column.title));
    }
}
