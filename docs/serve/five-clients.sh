#!/usr/bin/env bash
# Points curl, swaks, msmtp, Jakarta Mail and Exim at `smtpspec serve`, one after the other, and shows what the terminal and
# the page tell of each while the server runs. Then it ends the server and holds the verdicts of the audit of what was left
# against those that were live: in the report, on the page (/sessions, /metrics) and in the index.
#
#   docs/serve/five-clients.sh [SMTPSPEC]
#
# PORT (2525) and WEB (2580) are the ports; 0 takes free ones. With HOLD=FILE the server runs until FILE is there, so that
# the page can be looked at. A client that is not installed is left out, and said; with ALL=1 that is a failure. Only the loopback is talked to.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
smtpspec=${1:-$root/target/debug/smtpspec}
port=${PORT:-2525}
web=${WEB:-2580}
kit=$root/harness/lab/clients
PATH=$PATH:${SMTPSPEC_CLIENTS:-$HOME/.local/share/smtpspec/clients}/bin:/usr/sbin
work=$(mktemp -d)
server=
cleanup() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
# Exim gives up its privileges, and is to reach its own folder all the same.
chmod 755 "$work"

"$smtpspec" serve --listen "127.0.0.1:$port" --web "127.0.0.1:$web" --live always --messages maildir --format json \
    --out "$work/out" >"$work/served.json" 2>"$work/terminal" &
server=$!
said() { sed -n "s/$1/\1/p" "$work/terminal" | head -n 1; }
for _ in $(seq 200); do
    page=$(said '^live view on \(.*\)$')
    [ -z "$page" ] || break
    kill -0 "$server" 2>/dev/null || { cat "$work/terminal" >&2 && exit 1; }
    sleep 0.05
done
port=$(said '^listening on .*:\([0-9]*\);.*$')
echo "smtpspec serve on 127.0.0.1:$port, $page"

printf 'alice-password' >"$work/password"
cat >"$work/message.eml" <<'MESSAGE'
From: alice@client.example
To: orders@server.example
Subject: Order 4711
Date: Thu, 26 Nov 2026 10:00:00 +0000
Message-ID: <4711@client.example>

One of each.
MESSAGE
sed 's/$/\r/' "$work/message.eml" >"$work/message.crlf"

with_curl() {
    curl -q -sS --max-time 20 --noproxy '*' "smtp://127.0.0.1:$port/client.example" --mail-from alice@client.example \
        --mail-rcpt orders@server.example -T "$work/message.crlf" -u "alice:$(cat "$work/password")" --login-options AUTH=PLAIN
}
with_swaks() {
    swaks --silent 2 --server 127.0.0.1 --port "$port" --helo client.example --from alice@client.example \
        --to orders@server.example --auth LOGIN --auth-user alice --auth-password "$(cat "$work/password")" --data "@$work/message.eml"
}
with_msmtp() {
    msmtp --file=/dev/null --host=127.0.0.1 --port="$port" --domain=client.example --auth=plain --user=alice \
        --passwordeval="cat '$work/password'" --tls=off --from=alice@client.example orders@server.example <"$work/message.eml"
}
with_javamail() {
    local jars=/usr/share/java/jakarta-mail.jar:/usr/share/java/jakarta-activation.jar
    mkdir -p "$work/classes"
    javac -cp "$jars" -d "$work/classes" "$kit/JavaMailClient.java"
    java -cp "$jars:$work/classes" JavaMailClient host=127.0.0.1 "port=$port" ehlo=client.example timeout=20 tls=never "ca=$work/out/serve-000001.ca.pem" \
        mode=basic mechanism=any user=alice domain= "password-file=$work/password" sender=alice@client.example \
        recipient=orders@server.example "message=$work/message.eml"
}
with_exim() {
    local own=$work/exim
    mkdir -p "$own"
    cp "$work/password" "$own/password"
    cat >"$own/exim.conf" <<CONFIGURATION
primary_hostname = client.example
spool_directory = $own/spool
log_file_path = $own/%slog
untrusted_set_sender = *
local_from_check = false
keep_environment =
host_lookup =

begin routers
reports:
  driver = redirect
  senders = :
  data = :blackhole:
out:
  driver = manualroute
  route_list = * 127.0.0.1 byname
  transport = smtp
  self = send

begin transports
smtp:
  driver = smtp
  port = $port
  hosts_require_auth = *
  hosts_avoid_tls = *

begin retry
* * F,1h,1s

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^alice^\${readfile{$own/password}{}}
CONFIGURATION
    sh "$kit/exim.sh" "$own" alice@client.example 0 orders@server.example <"$work/message.eml" 2>/dev/null
}

there() {
    case $1 in
    javamail) type -P javac >/dev/null && [ -e /usr/share/java/jakarta-mail.jar ] ;;
    exim) type -P exim4 >/dev/null ;;
    *) type -P "$1" >/dev/null ;;
    esac
}
judged() { curl -q -sS --noproxy '*' "${page}metrics" | sed -n 's/^smtpspec_sessions_total //p'; }

count=0
for client in curl swaks msmtp javamail exim; do
    if ! there "$client"; then
        echo "MISSING: $client"
        [ -z "${ALL:-}" ] || exit 1
        continue
    fi
    "with_$client" >"$work/$client.log" 2>&1 || { echo "$client did not send:" >&2 && cat "$work/$client.log" >&2 && exit 1; }
    count=$((count + 1))
    for _ in $(seq 200); do
        [ "$(judged)" -lt "$count" ] || break
        sleep 0.05
    done
    echo
    echo "$client"
    echo "  terminal  $(tail -n 1 "$work/terminal")"
done
curl -q -sS --noproxy '*' "${page}metrics" >"$work/metrics"
for _ in $(seq 100); do
    # The index is written together with others, after half a second at the latest.
    curl -q -sS --noproxy '*' "${page}sessions" >"$work/sessions.json"
    [ "$(python3 -c 'import json, sys; print(len(json.load(sys.stdin)))' <"$work/sessions.json" 2>/dev/null || echo 0)" -lt "$count" ] || break
    sleep 0.05
done
if [ -n "${HOLD:-}" ]; then
    echo
    echo "$count clients were here; $page stays until $HOLD is there"
    until [ -e "$HOLD" ]; do sleep 0.1; done
fi
kill -INT "$server"
wait "$server" || [ $? = 1 ]
server=
"$smtpspec" audit --format json "$work/out" >"$work/audited.json" || [ $? = 1 ]

echo
python3 - "$work" "$count" <<'COMPARE'
import json, re, sqlite3, sys
from collections import Counter
work, count = sys.argv[1], int(sys.argv[2])
load = lambda name: json.load(open(f"{work}/{name}.json"))
def verdicts(result):
    return [(one["client"], [(v["claim"], v["verdict"], v["reason"]) for v in one["verdicts"]]) for one in result["conversations"]]
audited, served = verdicts(load("audited")), verdicts(load("served"))
# The names of conversations are those of the command that judged them.
audited = json.loads(json.dumps(audited).replace("C1/", "S1/"))
served = json.loads(json.dumps(served))
assert len(audited) == count, f"{len(audited)} conversations audited, {count} clients"
assert audited == served, "the audit does not say what the server said"
words = ["pass", "fail", "inconclusive", "recorded", "error"]
page = [(row["client"], row["verdicts"]) for row in reversed(load("sessions"))]
counted = [(client, [sum(v[1] == word for v in all) for word in words]) for client, all in audited]
assert page == [list(one) for one in counted] or page == counted, f"the page: {page}, the audit: {counted}"
metrics = {(c, v): int(n) for c, v, n in re.findall(r'^smtpspec_verdicts_total\{claim="(.*?)",verdict="(.*?)"\} (\d+)$', open(f"{work}/metrics").read(), re.M)}
totals = Counter((v[0], v[1]) for _, all in audited for v in all if v[1] != "not-applicable")
assert metrics == dict(totals), "the numbers are not those of the audit"
index = sqlite3.connect(f"{work}/out/index.sqlite").execute(
    "SELECT s.client || ':' || s.client_port, v.claim, v.verdict, v.reason FROM verdicts v JOIN sessions s ON s.id = v.session").fetchall()
wanted = [(client, *v) for client, all in audited for v in all if v[1] != "not-applicable"]
assert sorted(index) == sorted(wanted), "the index is not what the audit says"
print(f"{count} clients, {sum(totals.values())} verdicts: report, page, numbers and index say what the audit of the evidence says")
COMPARE
