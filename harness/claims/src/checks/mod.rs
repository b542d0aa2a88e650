//! The checks, one file each.

use smtp::Timeline;
use smtp::ntlm::Authenticate;
use smtp::timeline::{Authentication, Command, Event, Located, NtlmExchange};
use wire::{Closing, Span};

use crate::Check;
use crate::given::Account;
use crate::leaks::is_under_tls;

mod attempts;
#[cfg(test)]
mod bad_clients;
mod challenge;
mod each;
mod envelope;
pub(crate) mod exposure;
mod grammar;
#[cfg(test)]
mod hostile;
mod offers;
#[cfg(test)]
mod partly_read;
mod receipts;
mod retried;
mod steps;
#[cfg(test)]
pub(crate) mod testing;
mod told;
#[cfg(test)]
mod under_tls;
mod withheld;
mod wrappings;

macro_rules! registry {
    ($($module:ident,)+) => {
        $(mod $module;)+

        /// Every check, in the order of the claims that they decide.
        pub static ALL: &[&Check] = &[$(&$module::CHECK,)+];
    };
}

registry! {
    receiving_command,
    other_server_contacted,
    other_port_used,
    handler_server_used,
    message_recoverable,
    resent_after_acceptance,
    starttls_issued,
    implicit_tls_used,
    delivered_to_tls_only_server,
    readable_without_key,
    hello_names_host,
    sent_despite_stripped_offer,
    undocumented_mechanism,
    credentials_in_mode_none,
    password_readable,
    handler_login_used,
    ntlm_as_account,
    configured_user_in_ntlm,
    accounts_differ_by_host,
    ntlm_by_default,
    machine_account_used,
    password_crosses_with_ntlm,
    authentication_fallback,
    sent_unauthenticated,
    refused_login_retried,
    credentials_sent_again,
    from_belongs_to_account,
    body_readable,
    text_is_plain,
    smime_encrypted,
    headers_readable_when_encrypted,
    encoder_alone_encrypts,
    documented_cipher,
    default_cipher,
    recipient_as_configured,
    sent_without_certificate,
    clear_signed_readable,
    blob_signed_readable,
    signature_inside_envelope,
    signed_with_sha1,
    one_signer,
    signer_certificate_included,
    transfer_encoding_base64,
    text_beside_blob,
    attachment_outside_envelope,
    mime_properties_readable,
    header_protected_inside,
    changes_unnoticed,
    subject_is_message_id,
    subject_macros_expanded,
    unresolved_macro_sent,
    cc_delivered,
    blind_recipient,
    embedded_recipients_added,
    from_as_configured,
    receipt_unasked,
    receipts_to_from,
    retries_as_configured,
    backup_used,
    refused_recipient_fails_send,
    reply_by_field,
    documented_lengths,
    header_metadata,
    sent_to_forbidden_host,
    sent_without_body_charset,
    sent_under_tls,
    tls_outdated,
    tls_weak_cipher,
    tls_weak_certificate,
    tls_downgraded,
    clear_after_starttls,
    starttls_stripped,
    bytes_around_upgrade,
    secret_recoverable,
    weaker_mechanism_chosen,
    auth_offer_shrank,
    ntlm_v1_response,
    conflicting_overlap,
    end_of_data_ambiguous,
    bare_line_ends,
    smime_weak_algorithm,
    smime_label_without_cms,
    subject_beside_smime,
    // Session, capabilities, replies.
    spoke_before_greeting,
    hello_not_first,
    hello_argument_malformed,
    hello_name_unqualified,
    mail_before_hello,
    mail_after_refused_greeting,
    closed_without_quit,
    closed_before_goodbye,
    command_malformed,
    command_too_long,
    unoffered_extension_used,
    dsn_unoffered,
    eight_bit_unoffered,
    non_ascii_address_unoffered,
    eight_bit_undeclared,
    eight_bit_without_mime,
    non_ascii_undeclared,
    smtputf8_needless,
    domain_form_wrong,
    gave_up_despite_success,
    went_on_after_refusal,
    refusal_reported_as_sent,
    acceptance_reported_as_failed,
    spoke_before_reply_ended,
    contradictory_reply_believed,
    endless_reply_read,
    // Envelope, message data, pipelining.
    line_break_injected,
    data_after_refusals,
    sent_to_accepted,
    recipients_split,
    reverse_path_null,
    missed_recipient_reported_as_sent,
    bcc_disclosed,
    local_part_changed,
    local_part_overquoted,
    excess_recipients_sent_again,
    content_before_354,
    dot_stuffing_wrong,
    body_changed,
    nul_in_content,
    line_too_long,
    left_before_final_reply,
    command_before_reply,
    pipelined_past_group_end,
    no_lone_dot_after_refusals,
    message_over_announced_size,
    no_reset_after_refused_mail,
    declared_size_wrong,
    date_year_short,
    return_path_sent,
    bdat_misused,
    went_on_after_refused_chunk,
    // TLS, authentication, NTLM, claims about the deployment.
    unoffered_mechanism_tried,
    auth_out_of_place,
    mail_after_refused_auth,
    auth_repeated_after_refusal,
    undecodable_challenge_cancelled,
    auth_line_too_long,
    empty_initial_response_miswritten,
    authentication_completed,
    login_fields_swapped,
    user_name_unprepared,
    long_challenge_mishandled,
    ntlm_message_malformed,
    ntlm_mic_missing_or_wrong,
    broken_ntlm_challenge_answered,
    ntlm_names_readable,
    submitted_in_clear,
    login_before_starttls,
    handshake_without_220,
    injected_reply_believed,
    command_under_tls_before_hello,
    starttls_under_tls,
    went_on_after_handshake,
    requiretls_unheeded,
    control_characters_repeated,
    // Transport faults and retries.
    gave_up_on_silence,
    transient_failure_retried,
    permanent_refusal_repeated,
    // Of the benign cases.
    message_accepted,
}

pub(crate) use one_signer::of as signers_of;

/// The check with this id.
pub fn find(id: &str) -> Option<&'static Check> {
    ALL.iter().copied().find(|check| check.id == id)
}

/// The NTLM exchanges that got as far as an AUTHENTICATE message, those inside GSSAPI and SPNEGO too.
fn ntlm_messages(
    timeline: &Timeline,
) -> impl Iterator<Item = (&Authentication, &NtlmExchange, &Located<Authenticate>)> {
    timeline
        .authentications
        .iter()
        .filter_map(|authentication| {
            let exchange = authentication.identity.ntlm()?;
            Some((authentication, exchange, exchange.authenticate.as_ref()?))
        })
}

/// Whether two addresses are the same mailbox: local part by case, domain without (RFC 5321 section 2.4).
fn same_mailbox(one: &str, other: &str) -> bool {
    match (one.rsplit_once('@'), other.rsplit_once('@')) {
        (Some((a, x)), Some((b, y))) => a == b && x.eq_ignore_ascii_case(y),
        _ => one == other,
    }
}

/// Whether a user name, with or without a domain before it, is that of an account.
fn names_account(name: &str, account: &Account) -> bool {
    let bare = name.rsplit_once('\\').map_or(name, |(_, user)| user);
    bare.eq_ignore_ascii_case(&account.user)
}

/// The first of these commands that the client said after it could read the reply to `exchange`.
fn said_after<'a>(
    timeline: &'a Timeline,
    exchange: usize,
    verbs: &[&str],
) -> Option<(&'a Event, &'a Command)> {
    let mut later = commands_after(timeline, exchange);
    later.find(|(_, command)| verbs.contains(&command.verb.as_str()))
}

/// What the client said after it could read the reply to `exchange`. What it had sent before that, pipelined, is no answer
/// to the reply.
fn commands_after(
    timeline: &Timeline,
    exchange: usize,
) -> impl Iterator<Item = (&Event, &Command)> {
    let reply = timeline.exchanges.get(exchange).and_then(|one| one.reply);
    timeline
        .commands()
        .filter_map(move |(number, event, command)| {
            let later = timeline.exchanges.get(number)?.request > reply?;
            later.then_some((event, command))
        })
}

/// Commands that submit something: a login, or mail.
const SUBMITS: [&str; 5] = ["AUTH", "MAIL", "RCPT", "DATA", "BDAT"];

/// The commands that crossed in clear.
fn in_clear(timeline: &Timeline) -> impl Iterator<Item = (usize, &Event, &Command)> {
    timeline
        .commands()
        .filter(|(_, event, _)| !is_under_tls(timeline, event.span))
}

/// What a reason or a piece of evidence says of bytes that only who has the session's keys can read.
fn under(timeline: &Timeline, span: Span) -> &'static str {
    if is_under_tls(timeline, span) {
        ", under TLS"
    } else {
        ""
    }
}

/// Whether the capture shows the end of the session, so that nothing more was to come from the client.
fn has_ended(timeline: &Timeline) -> bool {
    timeline.closing != Closing::Open
        || timeline
            .commands()
            .any(|(_, _, command)| command.verb == "QUIT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_documented_and_its_name_is_unique() {
        let mut ids = std::collections::HashSet::new();
        for check in ALL {
            assert!(ids.insert(check.id), "{} twice", check.id);
            assert!(
                check
                    .id
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'-' || b.is_ascii_digit()),
                "{}",
                check.id
            );
            for text in [check.observed_when, check.trigger, check.method] {
                assert!(text.len() > 20, "{} is not documented", check.id);
            }
            assert!(
                !check.references.is_empty(),
                "{} has no reference",
                check.id
            );
        }
    }
}
