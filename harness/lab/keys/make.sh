#!/bin/sh
# Makes the four PEM files of this folder anew, with OpenSSL 3.0 or later. README.md says what they are for.
# `openssl ca` and not `openssl req -x509`, because only the former can set the first day of validity, and the pinned
# clock of the tests stands at 2026-01-01.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make() { # name, common name, key usage
    cat > "$work/$1.cnf" <<CNF
[ca]
default_ca = here
[here]
new_certs_dir = $work
database = $work/$1.index
rand_serial = yes
default_md = sha256
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
    openssl req -new -newkey rsa:2048 -noenc -config "$work/$1.cnf" -keyout "$1.key.pem" -out "$work/$1.csr"
    openssl ca -batch -notext -selfsign -config "$work/$1.cnf" -keyfile "$1.key.pem" -in "$work/$1.csr" \
        -startdate 20250101000000Z -enddate 21250101000000Z -out "$1.cert.pem"
}

make recipient Recipient keyEncipherment
make signer Signer digitalSignature,nonRepudiation
