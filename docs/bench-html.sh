#!/usr/bin/env bash
# The HTML page of an audit with ten thousand conversations: its size, what making it costs over the same audit as JSON Lines, and
# how long Chromium takes until it can be searched. Both audits run in the same run; the ratio is printed.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet -p smtpspec
cargo build --release --quiet -p smtpspec-lab --example synthetic
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
target/release/examples/synthetic "${MEGABYTES:-500}" > "$work/long.pcapng"
smtpspec=target/release/smtpspec

seconds() { # FORMAT
    local begin end
    begin=$(date +%s.%N)
    "$smtpspec" audit "$work/long.pcapng" --format "$1" --quiet > "$work/report.$1" || [ $? -eq 1 ]
    end=$(date +%s.%N)
    echo "$end - $begin" | bc
}
jsonl=$(seconds jsonl)
html=$(seconds html)
text=$(seconds text)
count=$(grep -c '"type":"conversation"' "$work/report.jsonl")
size=$(stat -c %s "$work/report.html")
echo "conversations             $count"
echo "page                      $size bytes ($(echo "scale=2; $size / 1048576" | bc) MiB)"
echo "audit as text             $text s"
echo "audit as JSON Lines       $jsonl s"
echo "audit as a page           $html s"
echo "the page over text        $(echo "$html - $text" | bc) s more"

# The script of the page marks the root once it can be searched; the clock is the browser's own, from the start of the navigation.
clock='<script>(function look() { const root = document.documentElement; if (root.dataset.ready) { root.dataset.usable = Math.round(performance.now()); } else { setTimeout(look, 5); } })();</script>'
sed "s#</body>#$(printf '%s' "$clock" | sed 's/[&#\\]/\\&/g')</body>#" "$work/report.html" > "$work/page.html"
usable=$(chromium --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" --timeout=20000 --dump-dom "file://$work/page.html" 2> /dev/null \
    | head -c 2000 | grep -o 'data-usable="[0-9]*"' | grep -o '[0-9]*' || true)
echo "usable in Chromium after  ${usable:-?} ms"
