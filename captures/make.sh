#!/usr/bin/env bash
# Makes the captures of real clients again: captures/make.sh [NAME...], all of them by default.
#
# Each client talks to `smtpspec serve` over the loopback while tcpdump writes what crosses it. Beside each capture comes
# a file with what the client was told to send; a test holds the audit to it. Needs root, for tcpdump and the mail ports.
#
# Debian packages: tcpdump curl openssl procps python3 swaks libauthen-ntlm-perl libdigest-hmac-perl msmtp nodejs npm
# default-jdk-headless libjakarta-mail-java. A client that is not there is skipped, and said so; then the exit status is 1.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
make=$here/make
keys=$here/../harness/lab/keys
out=${OUT:-$here/clients}
binary=${SMTPSPEC:-$here/../target/debug/smtpspec}
[ -x "$binary" ] || (cd "$here/.." && cargo build --quiet)
binary=$(realpath "$binary")
mkdir -p "$out"
out=$(realpath "$out")
work=$(mktemp -d)
cd "$work"
only=("$@")
skipped=0
children=()
trap 'for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done; rm -rf "$work"' EXIT

# What the environment says must not reach a client.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY EMAIL MAILDOMAIN SSLKEYLOGFILE
export HOME=$work LC_ALL=C.UTF-8 TZ=UTC

# Throw-away accounts. The passwords have what breaks careless readers: spaces and a colon.
# Carol has no domain of her own: some clients send the server's instead of the one that they are told.
printf 'alice:wonder land 7\nCORP\\bob:Sesame: 42\ncarol:open: Sesame\n' >accounts

skip() {
    printf '\n*** SKIPPED: %s\n\n' "$*" >&2
    skipped=1
}

# need NAME PROGRAM...: whether the capture is wanted and can be made.
need() {
    local name=$1
    shift
    if ((${#only[@]})) && ! printf '%s\n' "${only[@]}" | grep -qxF "$name"; then return 1; fi
    for program in tcpdump "$@"; do
        type -P "$program" >/dev/null || {
            skip "$name: $program is not installed"
            return 1
        }
    done
}

# Files that grow are waited for, ten seconds at most.
until_holds() {
    for _ in $(seq 200); do
        if grep -q "$2" "$1" 2>/dev/null; then return 0; fi
        sleep 0.05
    done
    echo "no \`$2\` in $1:" >&2
    cat "$1" >&2
    return 1
}

# record NAME CLIENT [OPTION...] -- COMMAND...: the capture, and from standard input what the client is told.
#   port=N        where the server listens (587)          interface=IF   what tcpdump listens on (lo)
#   address=IP    (127.0.0.1)                              scenario=FILE  the script of the server
#   exit=N        the client's exit status (0)             connections=N  how many the client makes (1)
record() {
    local name=$1 client=$2 port=587 interface=lo address=127.0.0.1 exit=0 connections=1 scenario=''
    shift 2
    while [ "$1" != -- ]; do
        local "$1"
        shift
    done
    shift
    local options=()
    [ -z "$scenario" ] || options=(--scenario "$scenario")
    local listen=$address:$port
    case $address in *:*) listen=[$address]:$port ;; esac
    : >tcpdump.log
    : >serve.log
    tcpdump -i "$interface" -U --immediate-mode -s 0 -B 32768 -Z root -w "$name.pcap" \
        tcp and port "$port" 2>tcpdump.log &
    local tcpdump=$!
    "$binary" serve --listen "$listen" --accounts accounts --connections "$connections" --out served "${options[@]}" \
        >/dev/null 2>serve.log &
    local server=$!
    children=("$tcpdump" "$server")
    until_holds tcpdump.log 'listening on' || exit
    until_holds serve.log 'listening on' || exit
    local status=0
    "$@" >client.log 2>&1 </dev/null || status=$?
    if [ "$status" != "$exit" ]; then
        echo "$name: the client ended with $status, not $exit:" >&2
        cat client.log >&2
        exit 1
    fi
    # 1: a claim of the profile did not hold. The server's opinion is not what is wanted here.
    wait "$server" || [ $? = 1 ]
    sleep 0.3
    kill -INT "$tcpdump"
    wait "$tcpdump"
    grep -q '^0 packets dropped' tcpdump.log || {
        cat tcpdump.log >&2
        exit 1
    }
    install -m 644 "$name.pcap" "$out/$name.pcap"
    {
        echo "# What the client was told to send; captures/make.sh wrote this."
        echo "client = \"$client\""
        printf "command = '''%s'''\n" "$*"
        cat
    } >"$out/$name.toml"
    echo "$name: $(stat -c %s "$name.pcap") bytes"
}

crlf() { sed 's/\r*$/\r/'; }

# ---------------------------------------------------------------------------------------------------------- messages

crlf >order.eml <<'EOF'
From: Anna Client <a@client.example>
To: b@server.example
Subject: Order 4711
Date: Mon, 02 Nov 2026 09:15:00 +0000
Message-ID: <order-4711@client.example>
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

.hidden line
..two dots
.
End of order.
EOF

crlf >bcc.eml <<'EOF'
From: a@client.example
To: b@server.example
Cc: c@server.example
Subject: Three recipients
Date: Mon, 02 Nov 2026 09:20:00 +0000
Message-ID: <bcc-1@client.example>

One of you is blind.
EOF

crlf >second.eml <<'EOF'
From: a@client.example
To: b@server.example
Subject: Order 4712
Date: Mon, 02 Nov 2026 09:16:00 +0000
Message-ID: <order-4712@client.example>

The second of the session.
EOF

# 8-bit text, a line at the limit of RFC 5321 (998 octets and CR LF), and one beyond it.
{
    printf 'From: a@client.example\nTo: b@server.example\n'
    printf 'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=\nMIME-Version: 1.0\n'
    printf 'Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n'
    printf 'Grüße aus Köln: 100 €\n'
    printf 'x%.0s' $(seq 998)
    printf '\n'
    printf 'y%.0s' $(seq 3000)
    printf '\n.\n'
} | crlf >eight.eml

# A file name in three RFC 2231 sections with a character set, and one in RFC 2047 as old programs write it.
crlf >names.eml <<'EOF'
From: a@client.example
To: b@server.example
Subject: =?utf-8?B?UsOpc3Vtw6kg4oKs?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="=_edge"

--=_edge
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

See the r=C3=A9sum=C3=A9.
--=_edge
Content-Type: application/pdf
Content-Disposition: attachment;
 filename*0*=utf-8''r%C3%A9sum;
 filename*1*=%C3%A9%20%E2%82%AC;
 filename*2=.pdf
Content-Transfer-Encoding: base64

JVBERi0xLjQKJSVFT0YK
--=_edge
Content-Type: text/csv; name="=?utf-8?Q?Preise_f=C3=BCr_2027.csv?="
Content-Disposition: attachment
Content-Transfer-Encoding: base64

YSxiCjEsMgo=
--=_edge--
EOF

entity='Content-Type: text/plain; charset=us-ascii

Pay 4711 to the usual account.
'
recipient=$keys/recipient.cert.pem
signer=$keys/signer.cert.pem
if type -P openssl >/dev/null; then
    printf '%s' "$entity" | crlf >entity
    # A second recipient, whose key nobody keeps.
    openssl req -x509 -newkey rsa:3072 -nodes -keyout second.key -out second.cert -days 3650 -subj '/O=smtpspec/CN=Second' \
        -addext keyUsage=critical,keyEncipherment -addext extendedKeyUsage=emailProtection 2>/dev/null
    head=(-from a@client.example -to recipient@example.test)
    sign=(-signer "$signer" -inkey "$keys/signer.key.pem")
    cms() {
        local name=$1 subject=$2
        shift 2
        openssl cms "${head[@]}" -subject "$subject" "$@" | crlf >"$name.eml"
    }
    cms smime-cbc 'Sealed with CBC' -encrypt -aes256 -in entity "$recipient"
    cms smime-gcm 'Sealed with GCM' -encrypt -aes-256-gcm -in entity "$recipient"
    cms smime-3des 'Sealed for two' -encrypt -des3 -in entity "$recipient" second.cert
    cms smime-oaep 'Sealed with OAEP' -encrypt -aes128 -in entity -recip "$recipient" -keyopt rsa_padding_mode:oaep \
        -keyopt rsa_oaep_md:sha256
    cms smime-clear-signed 'Signed in clear' -sign -md sha256 -in entity "${sign[@]}"
    cms smime-opaque-signed 'Signed as a blob' -sign -nodetach -md sha512 -in entity "${sign[@]}"
    openssl cms -sign -nodetach -md sha256 -in entity "${sign[@]}" | crlf >signed.entity
    cms smime-signed-encrypted 'Signed, then sealed' -encrypt -aes128 -binary -in signed.entity "$recipient"
fi

cat >refusing.toml <<'EOF'
id = "SRV-02"
title = "One recipient refused"
[server]
extensions = ["PIPELINING", "8BITMIME", "STARTTLS", "AUTH NTLM LOGIN PLAIN CRAM-MD5"]
[[on]]
command = "RCPT"
argument = "nobody@"
reply = "550 5.1.1 User unknown"
EOF
cat >implicit.toml <<'EOF'
id = "SRV-03"
title = "TLS from the first byte"
[server]
tls = "implicit"
extensions = ["8BITMIME", "AUTH LOGIN PLAIN"]
EOF
cat >chunking.toml <<'EOF'
id = "SRV-04"
title = "No authentication on offer"
[server]
extensions = ["8BITMIME", "DSN", "STARTTLS"]
EOF

# ---------------------------------------------------------------------------------------------------------- told

# told SENDER RECIPIENT...: a session in clear, without authentication; more tables may follow.
told() {
    printf '\n[[session]]\nsender = "%s"\n' "$1"
    shift
    printf 'recipients = ['
    printf '"%s", ' "$@"
    printf ']\n'
}
# auth MECHANISM USER PASSWORD OUTCOME [LINE...]
auth() {
    printf '\n[[session.auth]]\nmechanism = "%s"\nuser = "%s"\npassword = "%s"\noutcome = "%s"\n' "$1" "$2" "$3" "$4"
    shift 4
    (($# == 0)) || printf '%s\n' "$@"
}
# message SUBJECT [LINE...]
message() {
    printf '\n[[session.message]]\nsubject = "%s"\n' "$1"
    shift
    (($# == 0)) || printf '%s\n' "$@"
}
alice=(alice 'wonder land 7')
bob=(bob 'Sesame: 42')
carol=(carol 'open: Sesame')
. "$make/curl.sh"
. "$make/swaks.sh"
. "$make/msmtp.sh"
. "$make/python.sh"
. "$make/java.sh"
. "$make/node.sh"

exit "$skipped"
