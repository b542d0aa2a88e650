#!/bin/sh
# Makes the files in this folder anew. Needs OpenSSL 3. Everything here is for tests only: the keys protect nothing.
set -eu
cd "$(dirname "$0")"

certificate() { # name, subject, address
    openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 36500 -keyout "$1-key.pem" -out "$1-cert.pem" \
        -subj "$2" -addext "subjectAltName=email:$3" -addext "keyUsage=digitalSignature,keyEncipherment" 2>/dev/null
}
certificate sender "/O=Contoso/CN=BizTalk Sender/emailAddress=sender@contoso.example" sender@contoso.example
certificate recipient "/O=Fabrikam/CN=Orders" orders@fabrikam.example

printf 'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nCanary=2DBody=2D7731 stands here.\r\n' > entity.txt
# Large enough for a streaming encoder to cut it into several pieces.
{ printf 'Content-Type: text/plain\r\n\r\n'; for i in $(seq 1 1200); do printf 'line %04d Canary-Long-5512\r\n' "$i"; done; } > long.txt

encrypt() { # output, input, options
    out=$1 in=$2; shift 2
    openssl cms -encrypt -binary -in "$in" -outform DER -out "$out" "$@" recipient-cert.pem
}
encrypt enveloped-aes128.der entity.txt -aes-128-cbc
encrypt enveloped-aes192.der entity.txt -aes-192-cbc
encrypt enveloped-aes256.ber long.txt -aes-256-cbc -stream
encrypt enveloped-3des.der entity.txt -des3
# Weak ones, as old products make them.
encrypt enveloped-rc2-40.der entity.txt -rc2-40 -provider legacy -provider default
encrypt enveloped-des.der entity.txt -des-cbc -provider legacy -provider default
# One that nobody reads here: the same, said to be DES in CFB mode.
LC_ALL=C sed 's/\x2b\x0e\x03\x02\x07/\x2b\x0e\x03\x02\x09/' enveloped-des.der > enveloped-cfb.der
encrypt enveloped-keyid.der entity.txt -aes-128-cbc -keyid
encrypt enveloped-gcm256.der entity.txt -aes-256-gcm
encrypt enveloped-gcm128.ber long.txt -aes-128-gcm -stream
openssl cms -encrypt -binary -in entity.txt -outform DER -out enveloped-oaep.der -aes-256-cbc \
    -recip recipient-cert.pem -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256
openssl cms -encrypt -binary -in entity.txt -outform DER -out enveloped-two.der -aes-128-cbc sender-cert.pem recipient-cert.pem
# Forty times for the recipient, and once for the sender, who comes last in the order of a DER set.
# shellcheck disable=SC2046
openssl cms -encrypt -binary -in entity.txt -outform DER -out enveloped-many.der -aes-128-cbc \
    $(yes recipient-cert.pem | head -n 40) sender-cert.pem
openssl req -x509 -newkey rsa:1024 -nodes -sha1 -days 36500 -keyout weak-key.tmp -out weak-cert.tmp \
    -subj "/O=Fabrikam/CN=Old Orders" 2>/dev/null
openssl cms -encrypt -binary -in entity.txt -outform DER -out enveloped-rsa1024.der -aes-128-cbc weak-cert.tmp

sign() { # output, input, options
    out=$1 in=$2; shift 2
    openssl cms -sign -binary -in "$in" -signer sender-cert.pem -inkey sender-key.pem -out "$out" "$@"
}
sign signed-opaque.der entity.txt -outform DER -nodetach -md sha256
sign signed-opaque.ber long.txt -outform DER -nodetach -md sha256 -stream
sign signed-sha1.der entity.txt -outform DER -nodetach -md sha1
sign signed-noattr.der entity.txt -outform DER -nodetach -md sha256 -noattr
sign signed-md5.der entity.txt -outform DER -nodetach -md md5
sign signed-detached.der entity.txt -outform DER -md sha256
sign signed-nocert.der entity.txt -outform DER -nodetach -md sha256 -nocerts
openssl cms -sign -binary -in entity.txt -signer recipient-cert.pem -inkey recipient-key.pem -out signed-other.der \
    -outform DER -nodetach -md sha256

# Whole messages. OpenSSL ends some of its own lines with a bare LF: mail has CR LF throughout.
mail() { # output; the MIME entity comes from standard input
    { printf 'From: Sender <sender@contoso.example>\r\nTo: orders@fabrikam.example\r\nSubject: Canary-Subject-1190\r\nMIME-Version: 1.0\r\n'
      sed -e 's/\r$//' -e '/^MIME-Version:/d' -e 's/$/\r/'; } > "$1"
}
sign signed-clear.tmp entity.txt -outform SMIME -md sha256
mail signed-clear.eml < signed-clear.tmp
sign signed-opaque.tmp entity.txt -outform SMIME -nodetach -md sha256
mail signed-opaque.eml < signed-opaque.tmp
openssl cms -encrypt -binary -in signed-opaque.tmp -outform SMIME -out sign-encrypt.tmp -aes-128-cbc recipient-cert.pem
mail sign-encrypt.eml < sign-encrypt.tmp
openssl cms -encrypt -binary -in entity.txt -outform SMIME -out enveloped.tmp -aes-128-cbc -stream recipient-cert.pem
mail enveloped.eml < enveloped.tmp

# Messages whose inside says more than a text. Signed as sent, with CR LF, then encrypted as it is.
seal() { # output, Subject outside; the MIME entity comes from standard input
    tee inside.tmp | openssl cms -encrypt -binary -outform DER -aes-128-cbc -out sealed.tmp recipient-cert.pem
    { printf 'From: Sender <sender@contoso.example>\r\nTo: orders@fabrikam.example\r\nSubject: %s\r\nMIME-Version: 1.0\r\n' "$2"
      printf 'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"\r\n'
      printf 'Content-Transfer-Encoding: base64\r\n\r\n'
      base64 -w 76 sealed.tmp | sed 's/$/\r/'; } > "$1"
}
inner() { # parameter of the type
    printf 'From: Sender <sender@contoso.example>\r\nTo: orders@fabrikam.example\r\nSubject: Canary-Inner-4402\r\n'
    printf 'HP-Outer: Subject: [...]\r\nContent-Type: multipart/mixed; boundary=inner%s\r\n\r\n' "$1"
    printf -- '--inner\r\nContent-Type: text/plain\r\n\r\nCanary-Body-7731 stands here.\r\n'
    printf -- '--inner\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="Canary-File-6650.pdf"\r\n\r\n%%PDF\r\n--inner--\r\n'
}
inner '; hp="cipher"' > payload.tmp
clear_signed() { sign signed.tmp payload.tmp -outform SMIME -md sha256; sed -e 's/\r$//' -e 's/$/\r/' signed.tmp; }
clear_signed | seal sealed-hp.eml '[...]'
clear_signed | sed 's/Canary-Body/Changed-Body/' | seal sealed-broken.eml '[...]'
inner '; hp=clear' | seal sealed-hp-clear.eml 'Canary-Inner-4402'
{ printf 'Content-Type: message/rfc822; forwarded=no\r\n\r\n'; inner ''; } | seal sealed-wrapped.eml 'Canary-Inner-4402'
{ printf 'Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n'; inner ''; } | seal sealed-forwarded.eml 'Fwd'
inner '' | seal outer.tmp 'x'
sed -n '/^Content-Type/,$p' outer.tmp | seal sealed-twice.eml 'Canary-Subject-1190'
# Ten envelopes around a text.
inner '' > deep.tmp
for _ in 1 2 3 4 5 6 7 8 9; do
    seal outer.tmp 'x' < deep.tmp
    sed -n '/^Content-Type/,$p' outer.tmp > deep.tmp
done
seal sealed-deep.eml 'Canary-Subject-1190' < deep.tmp
# CompressedData (RFC 3274), which OpenSSL is often built without: only its beginning is read.
{ printf 'Content-Type: application/pkcs7-mime; smime-type=compressed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n'
  printf '\060\103\006\013\052\206\110\206\367\015\001\011\020\001\011\240\064\060\062\002\001\000\060\015\006\013\052\206\110\206\367\015\001\011\020\003\010\060\036\006\011\052\206\110\206\367\015\001\007\001\240\021\004\017squeezed-bytes!' | base64 | sed 's/$/\r/'
} | seal sealed-compressed.eml 'Canary-Subject-1190'
# The right key, and nothing that is a MIME entity.
printf 'Canary-Body-7731 alone\r\n' | seal sealed-bare.eml 'Canary-Subject-1190'
rm -f ./*.tmp
