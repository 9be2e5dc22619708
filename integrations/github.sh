#!/usr/bin/env bash
# What action.yml runs: POLICY is the program, FILES the policies (one a line, or globs of tracked ones), MODE `change`
# or `full`, FAIL_ON a severity, SARIF a file or empty. GITHUB_BASE_REF is the branch that a pull request goes to.
set -euo pipefail

files=()
while IFS= read -r file; do
    file="${file#"${file%%[![:space:]]*}"}"
    file="${file%"${file##*[![:space:]]}"}"
    case $file in
    "") ;;
    *[*?]*) while IFS= read -r -d "" found; do files+=("./$found"); done < <(git ls-files -z -- ":(glob)$file") ;;
    -*) files+=("./$file") ;;
    *) files+=("$file") ;;
    esac
done <<<"$FILES"
if [ ${#files[@]} -eq 0 ]; then
    echo "::error title=policy lint::no files are given"
    exit 2
fi

arguments=(--fail-on "$FAIL_ON")
case $MODE in
full) ;;
change)
    if [ -n "${GITHUB_BASE_REF:-}" ]; then
        base="refs/remotes/origin/$GITHUB_BASE_REF"
        git rev-parse --verify --quiet "$base^{commit}" >/dev/null ||
            git fetch --quiet --no-tags --depth=1 origin "+refs/heads/$GITHUB_BASE_REF:$base"
        arguments+=(--against "$base")
    fi
    ;;
*)
    echo "::error title=policy lint::mode is change or full"
    exit 2
    ;;
esac

report=$(mktemp)
trap 'rm -f "$report"' EXIT
arguments+=(--write "json=$report")
[ -z "$SARIF" ] || arguments+=(--write "sarif=$SARIF")
status=0
"$POLICY" lint "${arguments[@]}" --format github "${files[@]}" || status=$?
if [ -s "$report" ] && [ -n "${GITHUB_OUTPUT:-}" ]; then
    count=$(python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["findings"]))' "$report")
    echo "findings=$count" >>"$GITHUB_OUTPUT"
fi
if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -n "${base:-}" ]; then
    for file in "${files[@]}"; do
        # what the change newly permits, for people; of a new file, or one of a client's, there is nothing to compare
        case $file in *.policy) ;; *) continue ;; esac
        git cat-file -e "$base:./$file" 2>/dev/null || continue
        "$POLICY" diff --format markdown "$base:$file" "$file" >>"$GITHUB_STEP_SUMMARY" 2>/dev/null || true
    done
fi
exit "$status"
