#!/usr/bin/env bash
# The steps of action.yml. What the workflow says comes in variables INPUT_*, and never as text of a script.
set -euo pipefail

fail() {
    printf '::error title=smtpspec::%s\n' "$1"
    exit 2
}

# The words of a list with one on each line.
lines() {
    local line
    while IFS= read -r line || [[ -n $line ]]; do
        line=${line%$'\r'}
        # Blanks around a word are the workflow's layout.
        line=${line#"${line%%[![:blank:]]*}"}
        line=${line%"${line##*[![:blank:]]}"}
        [[ -z $line ]] || words+=("$line")
    done <<<"$1"
}

# Takes the binary that was named, or builds the one of this version of the action.
install() {
    local binary=${INPUT_BINARY:-}
    if [[ -z $binary ]]; then
        command -v cargo >/dev/null || fail 'there is no cargo to build smtpspec with; install Rust, or name a binary'
        cargo install --quiet --locked --path "$GITHUB_ACTION_PATH/harness/cli" --root "$RUNNER_TEMP/smtpspec"
        binary=$RUNNER_TEMP/smtpspec/bin/smtpspec
    fi
    [[ -x $binary ]] || fail "there is no program $binary"
    "$binary" --version
    printf 'binary=%s\n' "$binary" >>"$GITHUB_OUTPUT"
}

# Judges, writes the summary of the step, and leaves the exit status for the last step.
judge() {
    local words=() command=(audit) out=${INPUT_OUT:-smtpspec-out} status=0 report
    case ${INPUT_COMMAND:-audit} in
    audit | run) command=("${INPUT_COMMAND:-audit}") ;;
    *) fail "the command is $INPUT_COMMAND; it has to be audit or run" ;;
    esac
    command+=(--out "$out" --format 'text,md,sarif,junit,json')
    if [[ -n ${INPUT_PROFILE:-} ]]; then command+=(--profile "$INPUT_PROFILE"); fi
    if [[ -n ${INPUT_BASELINE:-} ]]; then command+=(--baseline "$INPUT_BASELINE"); fi
    lines "${INPUT_ARGUMENTS:-}"
    command+=("${words[@]}")
    words=()
    lines "${INPUT_TARGETS:-}"
    if [[ ${command[0]} == audit && ${#words[@]} -eq 0 ]]; then fail 'name the captures, as targets'; fi
    command+=(-- "${words[@]}")

    # Reports of an earlier step in this folder are not those of this one.
    if [[ -d $out ]]; then find "$out" -name 'report.*' -type f -delete; fi
    "$SMTPSPEC" "${command[@]}" || status=$?

    printf 'status=%s\nreports=%s\n' "$status" "$out" >>"$GITHUB_OUTPUT"
    report=$(find "$out" -name report.sarif -type f -print -quit 2>/dev/null || true)
    printf 'sarif=%s\n' "$([[ -n $report ]] && echo true || echo false)" >>"$GITHUB_OUTPUT"
    if [[ ${INPUT_SUMMARY:-true} == true ]]; then summary "$out"; fi
}

# GitHub takes 1 MiB for a step and refuses all of a longer one. Each report fits; several may not.
summary() {
    local report room=$((1024 * 1024)) size
    while IFS= read -r -d '' report; do
        size=$(wc -c <"$report")
        if ((size + 1 > room)); then
            printf '::warning title=smtpspec::%s does not fit into the summary\n' "$report"
            continue
        fi
        room=$((room - size - 1))
        { cat "$report" && echo; } >>"$GITHUB_STEP_SUMMARY"
    done < <(find "$1" -name report.md -type f -print0 2>/dev/null | sort -z)
}

# After everything was uploaded: the exit status of smtpspec is that of the action.
conclude() {
    case ${STATUS:-2} in
    0) ;;
    1) printf '::error title=smtpspec::an expectation was not met; the summary says which\n' ;;
    *) printf '::error title=smtpspec::it could not be judged; the log says why\n' ;;
    esac
    if [[ ${INPUT_FAIL:-true} == true || ${STATUS:-2} -gt 1 ]]; then exit "${STATUS:-2}"; fi
}

case ${1:-} in
install | judge | conclude) "$1" ;;
*) fail 'a step of action.yml: install, judge or conclude' ;;
esac
