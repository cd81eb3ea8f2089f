#!/usr/bin/env bash
# The step of action.yml: runs the check, writes its reports, and ends with its exit code.
set -euo pipefail
program=${WHOCLOSED:-$RUNNER_TEMP/whoclosed/bin/whoclosed}
summary=$(mktemp)
reports=(--report "markdown=$summary")
[ -z "${JUNIT:-}" ] || reports+=(--report "junit=$JUNIT")
[ -z "${SARIF:-}" ] || reports+=(--report "sarif=$SARIF")
read -ra captures <<<"$CAPTURES"
read -ra arguments <<<"${ARGUMENTS:-}"

code=0
"$program" check --policy "$POLICY" --format github "${reports[@]}" "${arguments[@]}" -- \
    "${captures[@]}" || code=$?
cat "$summary" >>"$GITHUB_STEP_SUMMARY"
rm "$summary"
case $code in
    0) status=holds ;;
    1) status=broken ;;
    *) status=not-judged ;;
esac
echo "status=$status" >>"$GITHUB_OUTPUT"
exit "$code"
