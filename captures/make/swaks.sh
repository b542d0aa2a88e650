# swaks: hand-made dialogues, and an NTLM of its own family (NTLMv1 with LM).
# shellcheck shell=bash disable=SC2154
swaks_version="swaks $(swaks --version 2>/dev/null | awk 'NR == 1 { print $3 }')"
ntlm_perl() {
    perl -MAuthen::NTLM -MDigest::HMAC_MD5 -e1 2>/dev/null || {
        skip "$1: the Perl modules Authen::NTLM and Digest::HMAC_MD5 are not installed"
        return 1
    }
}
with_swaks() {
    local name=$1
    shift
    record "$name" "$swaks_version" "${options[@]}" -- swaks --server 127.0.0.1 --port 587 --helo client.example \
        --from a@client.example --to b@server.example --header 'Subject: Test of swaks' --body 'From a hand.\n' \
        --hide-all "$@"
}
options=()
by_hand=('Test of swaks' 'from = "a@client.example"' 'to = ["b@server.example"]' 'body = "From a hand."' 'helo = "client.example"')
need swaks-login swaks && with_swaks swaks-login --auth LOGIN --auth-user alice --auth-password 'wonder land 7' < <(
    told "${one[@]}"
    auth LOGIN "${alice[@]}" accepted
    message "${by_hand[@]}"
)
need swaks-ntlm swaks && ntlm_perl swaks-ntlm && with_swaks swaks-ntlm --auth NTLM --auth-user carol \
    --auth-password 'open: Sesame' --auth-extra domain=CORP < <(
    told "${one[@]}"
    auth NTLM "${carol[@]}" accepted 'version = "NTLMv1"' 'initial = false'
    message "${by_hand[@]}"
)
# Refused, swaks goes on to the next mechanism: the wrong password crosses twice in clear.
options=(exit=28)
need swaks-every-mechanism swaks && ntlm_perl swaks-every-mechanism && with_swaks swaks-every-mechanism --auth LOGIN,PLAIN \
    --auth-user alice --auth-password guess < <(
    told ''
    auth LOGIN alice guess refused
    auth PLAIN alice guess refused
)
options=()
need swaks-attachment swaks && printf 'a,b\r\n1,2\r\n' >prices.csv && with_swaks swaks-attachment --attach-type text/csv \
    --attach-name prices.csv --attach @prices.csv < <(
    told "${one[@]}"
    message "${by_hand[@]}" 'attachments = ["prices.csv"]'
)
true
