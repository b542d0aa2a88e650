# `just` lists these. `just test` is the one that CI runs.

default:
    @just --list --unsorted

# Format check, lints, every test, and the whole scenario catalogue.
test: fmt-check lint deny
    cargo test --workspace --quiet
    just live
    just corpus
    cargo run --quiet --release -- run --out target/smtpspec-out

# Replay the scenario catalogue against the reference adapter and judge what was captured.
conform *args:
    cargo run --quiet --release -- run {{ args }}

# Live capture: lints and tests with the feature `live`; skipped loudly where libpcap is not installed, or without root.
live:
    @if [ -e /usr/include/pcap/pcap.h ] || [ -e /usr/local/include/pcap/pcap.h ] || [ -n "${CI:-}" ]; then \
        cargo clippy --package smtpspec --features live --all-targets --quiet -- -D warnings && \
        cargo test --package smtpspec --features live --quiet --lib --test live; \
    else \
        echo "SKIPPED: libpcap is not installed (apt-get install libpcap-dev)"; \
    fi

# Judge a capture from the field.
audit +captures:
    cargo run --quiet --release -- audit {{ captures }}

# Be the server that a client is pointed at.
serve *args:
    cargo run --quiet --release -- serve {{ args }}

# Show the last result in another format.
report format="md":
    cargo run --quiet --release -- report smtpspec-out/result.json --format {{ format }}

# Accept the snapshots that the tests produced, after looking at each difference.
bless:
    INSTA_UPDATE=always INSTA_FORCE_PASS=1 SMTPSPEC_BLESS=1 cargo test --workspace --quiet
    git --no-pager diff --stat -- reports captures harness

# The program built with what was learnt from watching it work: target/dist/smtpspec.
dist:
    docs/dist.sh

# Times of the whole default run and of the bare start, from a release build.
bench:
    cargo build --quiet --release
    sh docs/bench.sh

# Times of the audit against tshark, tcpflow and cat, on a capture that is made for it; `--big` for 4 GB through a pipe.
bench-audit *args:
    docs/bench-audit.sh {{ args }}

# The scripted server against Postfix's smtp-sink and smtpd under its smtp-source, and with 10,000 sessions at a time.
bench-server:
    docs/bench-server.sh

# A million messages in one run of the server: is its memory flat?
bench-long:
    docs/bench-long.sh

# What the server keeps when things go wrong: 100 kills, full disk, folder removed, stalls, resets: reports/serve-faults.md.
bench-faults:
    cargo build --quiet
    python3 harness/cli/tests/faults/faults.py target/debug/smtpspec --report reports/serve-faults.md

# What the server passes on when things go wrong: kills, a server behind that is dead, slow or leaves: reports/relay-faults.md.
bench-relay-faults:
    cargo build -p smtpspec
    python3 harness/cli/tests/faults/relay.py target/debug/smtpspec --report reports/relay-faults.md

# Every installed client against the NTLM peer, right and wrong passwords and every odd challenge: reports/ntlm.md.
ntlm:
    cargo build --quiet
    rm -rf target/ntlm
    # Status 1 means that clients failed cases, which many do.
    target/debug/smtpspec run {{ ntlm_cases }} {{ ntlm_clients }} --out target/ntlm --quiet || [ $? -eq 1 ]
    target/debug/smtpspec grid target/ntlm/*/ --format ntlm --out reports/ntlm.md

# In the order of the columns: right password, wrong password, rare challenges, broken ones, texts of the first 334.

ntlm_cases := "NTL-21 NTL-03 NTL-19 NTL-16 NTL-15 NTL-13 NTL-14 NTL-09 NTL-20 NTL-07 NTL-08 NTL-10 NTL-11 NTL-12 NTL-04 NTL-06 NTL-17 NTL-18"
ntlm_clients := "--client curl --client exim --client javamail --client mono --client msmtp --client nodemailer --client pyspnego --client sspi --client swaks --client adapter"
# Sending a message with an attachment of 25 MiB, against curl to the same server.
bench-send:
    docs/bench-send.sh

# The page of an audit with ten thousand conversations: its size, the time to make it, and until Chromium can search it.
bench-html:
    docs/bench-html.sh

# Compare what the audit finds in captures with what tshark says of them; docs/corpus.toml has what is explained.
corpus *folders="captures":
    cargo build --quiet
    cargo run --quiet --package smtpspec --example corpus -- {{ folders }}

# Make the captures of real clients again (needs root; captures/README.md says more).
captures *names:
    captures/make.sh {{ names }}

# Run each fuzz target for so many seconds (needs cargo-fuzz and a nightly compiler).
fuzz seconds="600":
    cd fuzz && for target in packets session ntlm mime cms tls scenario; do \
        cargo +nightly fuzz run "$target" -- -max_total_time={{ seconds }} -timeout=20 || exit 1; \
    done

# The public documentation of every room.
doc:
    RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps

# A site of what `explain` explains, under docs/book/site; its source alone where mdBook is not installed.
book:
    rm -rf docs/book/src docs/book/site
    cargo run --quiet -- explain --all --out docs/book/src
    @if command -v mdbook >/dev/null; then mdbook build docs/book; \
    else echo "SKIPPED: mdBook is not installed (cargo install mdbook)"; fi

# Hold the SARIF, OSCAL and JUnit reports of a result against validators that are not ours, as far as they are installed.
validate result="smtpspec-out/result.json":
    cargo build --quiet
    SMTPSPEC=target/debug/smtpspec docs/validate.sh {{ result }}

fmt:
    cargo fmt --all

fmt-check:
    cargo fmt --all --check

lint:
    cargo clippy --workspace --all-targets --quiet -- -D warnings

# Licences, sources and duplicate versions; skipped loudly where cargo-deny is not installed.
deny:
    @if command -v cargo-deny >/dev/null; then \
        cargo deny --offline --log-level error check bans licenses sources; \
    else \
        echo "SKIPPED: cargo-deny is not installed (cargo install cargo-deny --locked)"; \
        if [ -n "${CI:-}" ]; then exit 1; fi; \
    fi
