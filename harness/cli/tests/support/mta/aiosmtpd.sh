#!/bin/sh
# Serves with aiosmtpd: aiosmtpd.sh SOFTWARE FOLDER PORT. Each message lands in FOLDER/mail as it came.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PYTHONPATH=$1/aiosmtpd/usr/lib/python3/dist-packages
export PYTHONPATH
exec python3 "$here/aiosmtpd_server.py" "$2/mail" "$3"
