# curl: every mechanism it has, TLS both ways, other links, and what openssl makes of a message.
# shellcheck shell=bash disable=SC2154
curl_version="curl $(curl --version 2>/dev/null | awk 'NR == 1 { print $2 }')"

# with_curl NAME FILE [CURL OPTION...]; `options` for record come from the array of that name.
with_curl() {
    local name=$1 file=$2
    shift 2
    record "$name" "$curl_version" "${options[@]}" -- curl -q -sS --max-time 20 --noproxy '*' \
        "${scheme:-smtp}://${host:-127.0.0.1:${port:-587}}/client.example" \
        --mail-from a@client.example "${to[@]}" -T "$file" "$@"
}
options=()
to=(--mail-rcpt b@server.example)
one=(a@client.example b@server.example)
order=('Order 4711' 'from = "a@client.example"' 'to = ["b@server.example"]' 'body = "End of order."'
    'dots = 3' 'helo = "client.example"')

for mechanism in PLAIN LOGIN CRAM-MD5; do
    name=curl-$(echo "$mechanism" | tr '[:upper:]' '[:lower:]' | sed 's/-md5//')
    need "$name" curl && with_curl "$name" order.eml -u 'alice:wonder land 7' --login-options "AUTH=$mechanism" < <(
        told "${one[@]}"
        auth "$mechanism" "${alice[@]}" accepted 'initial = false'
        message "${order[@]}"
    )
done
need curl-plain-ir curl && with_curl curl-plain-ir order.eml -u 'alice:wonder land 7' --login-options AUTH=PLAIN --sasl-ir < <(
    told "${one[@]}"
    auth PLAIN "${alice[@]}" accepted 'initial = true'
    message "${order[@]}"
)
need curl-ntlm curl && with_curl curl-ntlm order.eml -u 'CORP\bob:Sesame: 42' --login-options AUTH=NTLM < <(
    told "${one[@]}"
    auth NTLM "${bob[@]}" accepted 'domain = "CORP"' 'workstation = "WORKSTATION"' 'version = "NTLMv2"' 'initial = false'
    message "${order[@]}"
)
options=(exit=67)
need curl-wrong-password curl && with_curl curl-wrong-password order.eml -u 'alice:guess' --login-options AUTH=LOGIN < <(
    told ''
    auth LOGIN alice guess refused
)
options=()

to=(--mail-rcpt b@server.example --mail-rcpt c@server.example --mail-rcpt d@hidden.example)
need curl-bcc curl && with_curl curl-bcc bcc.eml < <(
    told a@client.example b@server.example c@server.example d@hidden.example
    message 'Three recipients' 'from = "a@client.example"' 'to = ["b@server.example"]' 'cc = ["c@server.example"]' \
        'body = "One of you is blind."'
)
to=(--mail-rcpt b@server.example --mail-rcpt nobody@server.example)
options=(scenario=refusing.toml)
need curl-refused-recipient curl && with_curl curl-refused-recipient order.eml --mail-rcpt-allowfails < <(
    told a@client.example b@server.example nobody@server.example
    echo 'refused = ["nobody@server.example"]'
    message "${order[@]}"
)
options=()
to=(--mail-rcpt b@server.example)

need curl-two-messages curl && with_curl curl-two-messages '{order.eml,second.eml}' < <(
    told "${one[@]}"
    message "${order[@]}"
    message 'Order 4712' 'body = "The second of the session."'
)
need curl-eight-bit curl && with_curl curl-eight-bit eight.eml < <(
    told "${one[@]}"
    message 'Grüße aus Köln' 'body = "Grüße aus Köln: 100 €"' 'dots = 1' 'longest = 3000' 'eight-bit = true'
)
need curl-attachment-names curl && with_curl curl-attachment-names names.eml < <(
    told "${one[@]}"
    message 'Résumé €' 'body = "See the résumé."' 'attachments = ["résumé €.pdf", "Preise für 2027.csv"]'
)

export SSLKEYLOGFILE=$work/keylog
: >keylog
need curl-starttls curl && with_curl curl-starttls order.eml --ssl-reqd -k -u 'alice:wonder land 7' --login-options AUTH=PLAIN < <(
    told "${one[@]}"
    echo 'tls = "starttls"'
    auth PLAIN "${alice[@]}" accepted
    message "${order[@]}"
) && install -m 644 keylog "$out/curl-starttls.keys"
: >keylog
options=(port=465 scenario=implicit.toml) port=465 scheme=smtps
need curl-implicit-tls curl && with_curl curl-implicit-tls order.eml -k -u 'alice:wonder land 7' --login-options AUTH=PLAIN < <(
    told "${one[@]}"
    echo 'tls = "implicit"'
    auth PLAIN "${alice[@]}" accepted
    message "${order[@]}"
) && install -m 644 keylog "$out/curl-implicit-tls.keys"
unset SSLKEYLOGFILE port scheme

# The same mail over IPv6, and seen through the cooked "any" interface (Linux SLL2).
options=(address=::1) host=[::1]:587
need curl-ipv6 curl && with_curl curl-ipv6 order.eml < <(
    told "${one[@]}"
    message "${order[@]}"
)
options=(interface=any)
unset host
need curl-cooked curl && with_curl curl-cooked order.eml < <(
    told "${one[@]}"
    message "${order[@]}"
)
options=()

# S/MIME, made by openssl.
smime() {
    local name=$1 subject=$2
    shift 2
    if need "$name" curl openssl; then
        with_curl "$name" "$name.eml" < <(
            told "${one[@]}"
            message "$subject" 'to = ["recipient@example.test"]' "$@"
        )
    fi
}
to=(--mail-rcpt b@server.example)
pkcs1='transport = "RSA PKCS#1 v1.5"'
body='body = "Pay 4711 to the usual account."'
smime smime-cbc 'Sealed with CBC' 'smime = ["enveloped-data"]' 'cipher = "AES-256-CBC"' 'sealed-for = 1' "$pkcs1" "hidden-$body"
smime smime-gcm 'Sealed with GCM' 'smime = ["authenveloped-data"]' 'cipher = "AES-256-GCM"' 'sealed-for = 1' "$pkcs1" "hidden-$body"
smime smime-3des 'Sealed for two' 'smime = ["enveloped-data"]' 'cipher = "DES-EDE3-CBC"' 'sealed-for = 2' "$pkcs1" "hidden-$body"
smime smime-oaep 'Sealed with OAEP' 'smime = ["enveloped-data"]' 'cipher = "AES-128-CBC"' 'sealed-for = 1' 'transport = "RSA-OAEP"' "hidden-$body"
smime smime-clear-signed 'Signed in clear' 'smime = ["signed-data"]' 'digest = "SHA-256"' "$body"
smime smime-opaque-signed 'Signed as a blob' 'smime = ["signed-data"]' 'digest = "SHA-512"' "$body"
smime smime-signed-encrypted 'Signed, then sealed' 'smime = ["enveloped-data"]' 'cipher = "AES-128-CBC"' 'sealed-for = 1' "$pkcs1" \
    "hidden-$body"
true
