# msmtp, whose NTLM comes from GNU SASL.
# shellcheck shell=bash disable=SC2154
msmtp_version="msmtp $(msmtp --version 2>/dev/null | awk 'NR == 1 { print $3 }')"
with_msmtp() {
    local name=$1 file=$2
    shift 2
    record "$name" "$msmtp_version" "${options[@]}" -- sh -c 'msmtp "$@" <"$0"' "$file" --file=msmtprc "$@"
}
options=()
install -m 600 /dev/null msmtprc
msmtp_has() {
    msmtp --version | grep -qw "$2" || {
        skip "$1: this msmtp is built without $2"
        return 1
    }
}
account() {
    printf '%s\n' 'account default' 'host 127.0.0.1' 'port 587' 'tls off' 'from a@client.example' \
        'domain client.example' "$@" >msmtprc
}
account 'user alice' 'password "wonder land 7"'
need msmtp-plain-bcc msmtp && with_msmtp msmtp-plain-bcc bcc.eml --auth=plain -- b@server.example c@server.example d@hidden.example < <(
    told a@client.example b@server.example c@server.example d@hidden.example
    auth PLAIN "${alice[@]}" accepted 'initial = true'
    message 'Three recipients' 'cc = ["c@server.example"]' 'body = "One of you is blind."' 'helo = "client.example"'
)
need msmtp-cram msmtp && with_msmtp msmtp-cram order.eml --auth=cram-md5 -- b@server.example < <(
    told "${one[@]}"
    auth CRAM-MD5 "${alice[@]}" accepted
    message "${order[@]}"
)
account 'user carol' 'password "open: Sesame"' 'ntlmdomain CORP'
need msmtp-ntlm msmtp && msmtp_has msmtp-ntlm ntlm && with_msmtp msmtp-ntlm order.eml --auth=ntlm -- b@server.example < <(
    told "${one[@]}"
    auth NTLM "${carol[@]}" accepted 'version = "NTLMv1"'
    message "${order[@]}"
)
true
