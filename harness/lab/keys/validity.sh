#!/bin/sh
# Makes the certificates of this folder that are no longer good, with OpenSSL 3.0 or later: for the key of the test
# recipient, one that has run out and one that its authority revoked, with the list that says so. `make.sh` comes first.
# The authority's key is used here once and not kept.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/ca.cnf" <<CNF
[ca]
default_ca = here
[here]
new_certs_dir = $work
database = $work/index
rand_serial = yes
crlnumber = $work/crlnumber
default_md = sha256
policy = any
unique_subject = no
x509_extensions = certificate
[any]
organizationName = supplied
commonName = supplied
emailAddress = optional
[req]
distinguished_name = name
prompt = no
[name]
O = smtpspec test keys
CN = \$ENV::NAME
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[certificate]
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyEncipherment
extendedKeyUsage = emailProtection
subjectAltName = email:recipient@example.test
subjectKeyIdentifier = hash
crlDistributionPoints = URI:http://crl.example.test/authority.crl
CNF
: > "$work/index"
echo 01 > "$work/crlnumber"
ca() { openssl ca -batch -notext -config "$work/ca.cnf" -keyfile "$work/authority.key" "$@"; }

export NAME=Authority
openssl req -new -newkey rsa:2048 -noenc -config "$work/ca.cnf" -keyout "$work/authority.key" -out "$work/authority.csr"
ca -selfsign -extensions authority -in "$work/authority.csr" -startdate 20100101000000Z -enddate 21250101000000Z \
    -out authority.cert.pem
issue() { # name, common name, first day, last day
    export NAME="$2"
    openssl req -new -key recipient.key.pem -config "$work/ca.cnf" -out "$work/$1.csr"
    ca -cert authority.cert.pem -in "$work/$1.csr" -startdate "$3" -enddate "$4" -out "$1.cert.pem"
}
issue expired "Recipient, expired" 20200101000000Z 20210101000000Z
issue revoked "Recipient, revoked" 20250101000000Z 21250101000000Z
ca -cert authority.cert.pem -revoke revoked.cert.pem
# Revoked before the pinned clock of the tests, which stands at 2026-01-01.
sed -i 's/^\(R\t[^\t]*\t\)[0-9]*Z/\1250601000000Z/' "$work/index"
ca -cert authority.cert.pem -gencrl -crl_lastupdate 20250601000000Z -crl_nextupdate 21250101000000Z -out authority.crl.pem
