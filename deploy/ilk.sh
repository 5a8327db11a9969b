#!/bin/sh
# /usr/local/bin/ilk: the command as root types it on a server, run as the service user with the services' settings.
set -eu
for file in /etc/ilk/ilk.env /etc/ilk/key.env; do
	[ -r "$file" ] || continue
	while IFS= read -r line; do  # as systemd reads it: no shell looks into a password
		case $line in '' | '#'*) ;; *=*) export "${line?}" ;; esac
	done <"$file"
done
export PYTHONUTF8=1 HOME=/var/lib/ilk XDG_CACHE_HOME=/var/cache/ilk
umask 027
cd /var/lib/ilk
[ "$(id -u)" != 0 ] || exec runuser -u ilk -- /opt/ilk/current/bin/ilk "$@"
exec /opt/ilk/current/bin/ilk "$@"
