# Jakarta Mail (once JavaMail), from Debian's package.
# shellcheck shell=bash disable=SC2154
jars=/usr/share/java/jakarta-mail.jar:/usr/share/java/jakarta-activation.jar
java_version="Jakarta Mail $(dpkg-query -W -f '${Version}' libjakarta-mail-java 2>/dev/null || true)"
cp "$make/Send.java" .
jakarta() {
    [ -e "${jars%%:*}" ] || {
        skip "$1: libjakarta-mail-java is not installed"
        return 1
    }
    [ -e Send.class ] || javac -cp "$jars" Send.java
}
with_java() {
    local name=$1
    shift
    record "$name" "$java_version" -- java -cp "$jars:." Send "$@"
}
rapport=('Årsrapport från Java' 'from = "a@client.example"' 'to = ["b@server.example"]' 'cc = ["c@server.example"]'
    'body = "Bifogat finns rapporten."' 'attachments = ["årsrapport 2026.json"]' 'helo = "client.example"' 'receipts = true')
for mechanism in PLAIN LOGIN; do
    name=jakarta-$(echo "$mechanism" | tr '[:upper:]' '[:lower:]')
    need "$name" java javac && jakarta "$name" && with_java "$name" "$mechanism" "${alice[@]}" '' < <(
        told a@client.example b@server.example c@server.example
        auth "$mechanism" "${alice[@]}" accepted
        message "${rapport[@]}"
    )
done
need jakarta-ntlm java javac && jakarta jakarta-ntlm && with_java jakarta-ntlm NTLM "${bob[@]}" CORP < <(
    told a@client.example b@server.example c@server.example
    auth NTLM "${bob[@]}" accepted 'domain = "CORP"' 'version = "NTLMv2"' 'initial = true'
    message "${rapport[@]}"
)
true
