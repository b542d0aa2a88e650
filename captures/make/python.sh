# Python's smtplib: lower-case verbs, initial responses, RFC 2231 names from its e-mail package.
# shellcheck shell=bash disable=SC2154
python_version="Python smtplib $(python3 -c 'import platform; print(platform.python_version())' 2>/dev/null)"
cp "$make/send.py" .
with_python() {
    local name=$1
    shift
    record "$name" "$python_version" -- python3 send.py "$@"
}
report=('Prüfbericht für Zürich' 'from = "a@client.example"' 'to = ["b@server.example"]' 'body = "Siehe Anhang – 3 Seiten."'
    'helo = "client.example"')
for mechanism in LOGIN CRAM-MD5; do
    name=python-$(echo "$mechanism" | tr '[:upper:]' '[:lower:]' | sed 's/-md5//')
    need "$name" python3 && with_python "$name" "$mechanism" text < <(
        told "${one[@]}"
        auth "$mechanism" "${alice[@]}" accepted
        message "${report[@]}"
    )
done
need python-plain-attachments python3 && with_python python-plain-attachments PLAIN attachments < <(
    told "${one[@]}"
    auth PLAIN "${alice[@]}" accepted 'initial = true'
    message "${report[@]}" 'attachments = ["Prüfbericht.pdf", "tabelle.csv"]'
)
need python-compressed python3 && with_python python-compressed none compressed < <(
    told "${one[@]}"
    message Squeezed 'smime = ["compressed-data"]' 'body = "Pay 4711 to the usual account."'
)
need python-starttls python3 && with_python python-starttls STARTTLS text < <(
    told "${one[@]}"
    echo 'tls = "starttls"'
    message "${report[@]}"
)
true
