#!/bin/sh
# Installs dist/ into a fresh environment and runs the example with it, all without a network, and nothing of
# the code may be written to. `make dist-check` calls it. PYTHON: the interpreter.
set -eu
cd "$(dirname "$0")/.."
dist=$(cd "${ILK_DIST:-dist}" && pwd)
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
if unshare --net true 2>/dev/null; then
	offline="unshare --net"
else
	echo "no network namespaces here (unshare --net): pip is kept from the network by --no-index alone"
	offline=
fi
(cd "$dist" && sha256sum --quiet --check SHA256SUMS)
"$PYTHON" -m venv "$work/venv"
$offline "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
	--find-links "$dist/wheelhouse" --require-hashes --requirement "$dist/requirements.txt"
"$work/venv/bin/python" -m compileall -q "$work/venv/lib" || true  # templates of packages that are no Python yet
chmod -R a-w "$work/venv"
before=$(cd "$work/venv" && find . -newer "$work/venv/pyvenv.cfg" | wc -l)
export ILK_DATA_DIR="$work/data" ILK_PAGES=false
cd "$work"
for command in --help example status; do
	$offline "$work/venv/bin/ilk" $command >"$work/said" || { cat "$work/said"; exit 1; }
done
cat "$work/said"
"$work/venv/bin/dagster-webserver" --version
after=$(cd "$work/venv" && find . -newer "$work/venv/pyvenv.cfg" | wc -l)
[ "$before" = "$after" ] || { echo "a run wrote into the installed code: $before files, then $after"; exit 1; }
echo "dist-check: installed without a network, the example ran, the code was left as it was"
