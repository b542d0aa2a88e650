#!/usr/bin/env bash
# Makes the samples anew: an audit of a mixed capture, and a run of the whole catalogue, each in every format, with pictures.
# Needs cargo and chromium. What is larger than half a megabyte is kept packed (gzip).
set -euo pipefail
cd "$(dirname "$0")/../.."
here=reports/samples
formats=text,json,jsonl,md,comment,html,junit,sarif,csv,controls,oscal
cargo build --quiet
smtpspec=target/debug/smtpspec
rm -rf "$here/audit" "$here/run"
mkdir -p "$here/audit" "$here/run"
# Clear text, a password in clear, NTLM, STARTTLS and S/MIME in one audit; claims fail in it, hence status 1.
"$smtpspec" audit captures/BAS-01.pcapng captures/clients/curl-ntlm.pcap captures/clients/smime-cbc.pcap \
    captures/clients/curl-starttls.pcap captures/clients/swaks-every-mechanism.pcap \
    --profile biztalk-smtp-adapter,pci-dss-4.0.1,nist-sp-800-53r5 \
    --format "$formats" --out "$here/audit" --quiet > /dev/null || [ $? -eq 1 ]
run=target/sample-run
rm -rf "$run"
"$smtpspec" run --format "$formats" --out "$run" --quiet > /dev/null
cp "$run"/report.* "$here/run/"
find "$here/audit" "$here/run" -size +500k ! -name '*.html' -exec gzip -9n {} +
for name in audit run; do
    for size in 1200,1400 420,900; do
        chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size="$size" \
            --screenshot="$here/$name-${size%,*}.png" "file://$PWD/$here/$name/report.html" 2> /dev/null
    done
done
