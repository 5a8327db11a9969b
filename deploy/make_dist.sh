#!/bin/sh
# dist/: what a server without internet needs to install or upgrade ILK, made of the last commit. `make dist` calls it.
# UV, PYTHON: the two programs. ILK_DIST: another folder than dist/. PIP_DOWNLOAD: options for a
# server of another kind than this machine (--python-version 3.12 --platform manylinux_2_28_x86_64).
set -eu
cd "$(dirname "$0")/.."
dist=${ILK_DIST:-dist}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# An export of the commit: nothing that lies about gets in, and git writes the commit's id into it.
mkdir "$work/source"
git archive HEAD | tar -x -C "$work/source"
rm -rf "$dist"
mkdir -p "$dist/wheelhouse"
"$UV" build --quiet --wheel --out-dir "$work/built" "$work/source"
cp "$work"/built/*.whl "$dist/wheelhouse/"
for each in seeds docs deploy/systemd deploy/tmpfiles.d deploy/nginx deploy/container deploy/install.sh deploy/ilk.sh \
	deploy/ilk.env deploy/backup.sh deploy/backup.env; do
	cp -R "$work/source/$each" "$dist/"
done
sed 's/^\(............\).*/\1/' "$work/source/deploy/COMMIT" >"$dist/COMMIT"

# Every package of the lock with its hash, of all extras but Spark's, which PyPI has as source alone
# (docs/scaling.md); the project's own wheel likewise.
"$UV" export --quiet --directory "$work/source" --locked --no-dev --all-extras --no-extra spark --no-emit-project --no-header \
	--no-annotate --output-file "$PWD/$dist/requirements.txt"
"$PYTHON" -m venv "$work/pip"
# --no-deps: the lock is whole, and names what dbt-core asks for and must not get (pyproject.toml, tool.uv).
"$work/pip/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
	--require-hashes --requirement "$dist/requirements.txt" --dest "$dist/wheelhouse" ${PIP_DOWNLOAD:-}
for wheel in "$work"/built/*.whl; do
	version=$(basename "$wheel" | cut -d- -f2)
	echo "ilk-warehouse==$version --hash=sha256:$(sha256sum "$wheel" | cut -d' ' -f1)" >>"$dist/requirements.txt"
done
(cd "$dist" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS)
echo "$dist: $(du -sh "$dist" | cut -f1), $(ls "$dist/wheelhouse" | wc -l) wheels, commit $(cat "$dist/COMMIT")"
