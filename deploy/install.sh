#!/bin/sh
# Installs ILK on a server with systemd, or upgrades it: as root, in the folder that `make dist` made. No network is
# needed. PYTHON: Python 3.11 to 3.13, the version that the wheels were downloaded for. ROOT: another root, for tests.
set -eu
umask 022
cd "$(dirname "$0")"
root=${ROOT:-}
release=/opt/ilk/releases/$(cat COMMIT)
sha256sum --quiet --check SHA256SUMS

# Code is root's; who runs it can't write to it. Each release has a folder of its own: going back is a link.
if [ ! -e "$root$release/bin/ilk-backup" ]; then
	rm -rf "$root$release"
	"${PYTHON:-python3}" -m venv "$root$release"
	"$root$release/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
		--find-links wheelhouse --require-hashes --requirement requirements.txt
	"$root$release/bin/python" -m compileall -q "$root$release/lib" || true  # some packages ship templates
	install -m 0755 backup.sh "$root$release/bin/ilk-backup"
fi

# The service user, its folders, and what is edited by people: never overwritten.
if [ -z "$root" ]; then
	id ilk >/dev/null 2>&1 || useradd --system --home-dir /var/lib/ilk --shell /usr/sbin/nologin ilk
	group=ilk
	install -d -o ilk -g ilk -m 0750 /var/lib/ilk /var/cache/ilk
else
	group=root
fi
install -d -m 0755 "$root/etc/ilk"
[ -e "$root/etc/ilk/seeds" ] || cp -R seeds "$root/etc/ilk/seeds"
for file in ilk.env backup.env; do
	[ -e "$root/etc/ilk/$file" ] || install -g "$group" -m 0640 "$file" "$root/etc/ilk/$file"
done

install -D -m 0755 ilk.sh "$root/usr/local/bin/ilk"
install -d "$root/etc/systemd/system"
cp -R systemd/. "$root/etc/systemd/system/"
install -D -m 0644 tmpfiles.d/ilk.conf "$root/etc/tmpfiles.d/ilk.conf"
ln -sfn "$release" "$root/opt/ilk/current"
[ -n "$root" ] && exit
systemctl daemon-reload
systemctl try-restart ilk-web.service ilk-look.service ilk-daemon.service
echo "Terpasang / installed: $release. Lanjut / go on: docs/deployment.md"
