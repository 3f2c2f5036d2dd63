#!/usr/bin/env bash
# Runs every fuzz test for FUZZTIME, one after the other, goes on after a find, and
# ends with a table. ONLY= is a pattern of names, PARALLEL= how many at once within
# one. Inputs that fail are written to testdata/fuzz beside the test, to be kept
# with what mends them.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${FUZZTIME:-30s} only=${ONLY:-.} parallel=${PARALLEL:-2}
log=$(mktemp) table=$(mktemp)
trap 'rm -f "$log" "$table"' EXIT
failed=0

while IFS=: read -r file func; do
	name=${func#func }
	[[ $name =~ $only ]] || continue
	package=$(dirname "$file")
	echo "== $name ($package) for $time"
	began=$SECONDS
	find="none"
	# Minimising a long input is slow, and says nothing that a find does not.
	if ! go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 10x -parallel "$parallel" -timeout 0 "./$package" >"$log" 2>&1; then
		failed=1
		find=$(grep -Eo 'testdata/fuzz/[^ ]+' "$log" | head -1 || true)
		find=${find:-"see above"}
		tail -40 "$log"
	fi
	execs=$(grep -Eo 'execs: [0-9]+' "$log" | tail -1 | cut -d' ' -f2 || true)
	printf '| %s | %s | %d | %s | %s |\n' "$name" "${package#internal/}" "$((SECONDS - began))" "${execs:-0}" "$find" >>"$table"
done < <(grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' internal | sort)

printf '\n| test | package | seconds | executions | finds |\n|---|---|--:|--:|---|\n'
cat "$table"
exit $failed
