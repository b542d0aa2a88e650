#!/bin/sh
# Serves with OpenSMTPD: opensmtpd.sh SOFTWARE FOLDER PORT. Each message lands in FOLDER/mail, with LF and trace fields.
#
# It insists on root, on accounts and on folders whose names are built in. It gets them in a mount namespace of its own, in
# which nothing of the system is changed. Logins are offered under TLS only; where version 6.8 has OpenSSL 3, that takes
# opensmtpd_key.c.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
software=$1/opensmtpd folder=$2 port=$3
mkdir -p "$folder/accounts"
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -addext basicConstraints=critical,CA:FALSE \
    -keyout "$folder/key.pem" -out "$folder/ca.pem" 2>/dev/null
chmod 600 "$folder/key.pem"
printf 'alice\t%s\n' "$(openssl passwd -6 'wonder land 7')" >"$folder/creds"
chmod 600 "$folder/creds"
cat >"$folder/smtpd.conf" <<END
pki opensmtpd.example cert "$folder/ca.pem"
pki opensmtpd.example key "$folder/key.pem"
table creds file:$folder/creds
table anybody { "@" = nobody }
smtp max-message-size 100M
listen on 127.0.0.1 port $port hostname opensmtpd.example tls pki opensmtpd.example auth-optional <creds>
action keep mda "$folder/keep.sh" virtual <anybody>
match from any for domain "open.example" action keep
match auth from any for domain "auth.example" action keep
END
cat >"$folder/keep.sh" <<END
#!/bin/sh
umask 022
cat >"$folder/mail/\$\$.partial"
mv "$folder/mail/\$\$.partial" "$folder/mail/\$\$"
END
chmod 755 "$folder/keep.sh"
chmod 1777 "$folder/mail"
cp /etc/passwd "$folder/accounts/passwd"
cp /etc/group "$folder/accounts/group"
cat >>"$folder/accounts/passwd" <<END
opensmtpd:x:61003:61003::/var/lib/opensmtpd/empty:/bin/false
opensmtpq:x:61004:61004::/var/lib/opensmtpd/empty:/bin/false
END
cat >>"$folder/accounts/group" <<END
opensmtpd:x:61003:
opensmtpq:x:61004:
END
cc -shared -fPIC -o "$folder/key.so" "$here/opensmtpd_key.c"
export software folder
exec unshare --mount --propagation private sh -euc '
    for name in passwd group; do mount --bind "$folder/accounts/$name" "/etc/$name"; done
    for place in /var/spool /var/lib /run /usr/libexec; do mount -t tmpfs none "$place"; done
    mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd
    chmod 711 /var/spool/smtpd
    cp -r "$software/usr/libexec/opensmtpd" /usr/libexec/
    export SMTPSPEC_KEY="$folder/key.pem" LD_PRELOAD="$folder/key.so"
    exec "$software/usr/sbin/smtpd" -F -f "$folder/smtpd.conf"
'
