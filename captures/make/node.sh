# nodemailer with its NTLM plug-in, from npm, pinned.
# shellcheck shell=bash disable=SC2154
node_version="nodemailer 10.6.0, nodemailer-ntlm-auth 1.0.4"
cp "$make/send.cjs" .
nodemailer() {
    [ -e node_modules/nodemailer-ntlm-auth ] ||
        npm install --silent --no-audit --no-fund nodemailer@10.6.0 nodemailer-ntlm-auth@1.0.4 >npm.log 2>&1 || {
        skip "$1: nodemailer cannot be installed: $(tail -1 npm.log)"
        return 1
    }
}
with_node() {
    local name=$1
    shift
    record "$name" "$node_version" -- node send.cjs "$@"
}
zadost=('Žádost č. 4711' 'from = "a@client.example"' 'to = ["b@server.example"]' 'body = "Příloha: ceník."' 'helo = "client.example"'
    'attachments = ["ceník na příští rok, úplné znění se všemi dodatky a přílohami.csv"]')
for mechanism in PLAIN CRAM-MD5; do
    name=nodemailer-$(echo "$mechanism" | tr '[:upper:]' '[:lower:]' | sed 's/-md5//')
    need "$name" node npm && nodemailer "$name" && with_node "$name" "$mechanism" "${alice[@]}" '' clear < <(
        told a@client.example b@server.example d@hidden.example
        auth "$mechanism" "${alice[@]}" accepted
        message "${zadost[@]}"
    )
done
need nodemailer-ntlm node npm && nodemailer nodemailer-ntlm && with_node nodemailer-ntlm NTLM "${bob[@]}" CORP clear < <(
    told a@client.example b@server.example d@hidden.example
    auth NTLM "${bob[@]}" accepted 'domain = "CORP"' 'workstation = "DESK-7"' 'version = "NTLMv2"' 'initial = true'
    message "${zadost[@]}"
)
need nodemailer-starttls node npm && nodemailer nodemailer-starttls && with_node nodemailer-starttls none '' '' '' tls < <(
    told a@client.example b@server.example d@hidden.example
    echo 'tls = "starttls"'
    message "${zadost[@]}"
)
true
