#!/bin/sh
# Makes the PEM files of this folder anew, with OpenSSL 3.0 or later; with names, only those. README.md says what they are
# for.
# `openssl ca` and not `openssl req -x509`, because only the former can set the first day of validity, and the pinned
# clock of the tests stands at 2026-01-01.
set -eu
only=" $* "
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make() { # name, common name, key usage, kind of key, digest
    case "$only" in "  " | *" $1 "*) ;; *) return 0 ;; esac
    kind=${4:-rsa:2048}
    cat > "$work/$1.cnf" <<CNF
[ca]
default_ca = here
[here]
new_certs_dir = $work
database = $work/$1.index
rand_serial = yes
default_md = ${5:-sha256}
policy = any
x509_extensions = certificate
[any]
organizationName = supplied
commonName = supplied
emailAddress = supplied
[req]
distinguished_name = name
prompt = no
[name]
O = smtpspec test keys
CN = $2
emailAddress = $1@example.test
[certificate]
basicConstraints = critical, CA:FALSE
keyUsage = critical, $3
extendedKeyUsage = emailProtection
subjectAltName = email:$1@example.test
subjectKeyIdentifier = hash
CNF
    : > "$work/$1.index"
    # shellcheck disable=SC2086
    openssl req -new -newkey $kind -noenc -config "$work/$1.cnf" -keyout "$1.key.pem" -out "$work/$1.csr"
    openssl ca -batch -notext -selfsign -config "$work/$1.cnf" -keyfile "$1.key.pem" -in "$work/$1.csr" \
        -startdate 20250101000000Z -enddate 21250101000000Z -out "$1.cert.pem"
}

make recipient Recipient keyEncipherment
make signer Signer digitalSignature,nonRepudiation
make recipient-p256 "Recipient on P-256" keyAgreement "ec -pkeyopt ec_paramgen_curve:P-256"
make recipient-p384 "Recipient on P-384" keyAgreement "ec -pkeyopt ec_paramgen_curve:P-384" sha384
make signer-p256 "Signer on P-256" digitalSignature,nonRepudiation "ec -pkeyopt ec_paramgen_curve:P-256"
