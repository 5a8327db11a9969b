#!/bin/sh
# ilk-backup [restore]: backs up what no run can make again, with restic; or brings it all back and computes the rest.
# `ilk health` tells when the last good one is too old. Restored seeds are exactly those of the backup: what lay in their
# place, and settings, are kept beside them.
# Settings: ILK_* (docs/operations.md) and restic's own (backup.env), from the environment or from /etc/ilk/*.env.
# Ends with 1, and keeps every older snapshot, where a raw file is lost or changed.
set -eu
etc=${ILK_ETC:-/etc/ilk}
read_settings() {
	for file in "$etc/ilk.env" "$etc/key.env" "$etc/backup.env"; do
		[ -r "$file" ] || continue
		while IFS= read -r line; do  # as systemd reads it: no shell looks into a password
			case $line in '' | '#'*) ;; *=*) export "${line?}" ;; esac
		done <"$file"
	done
}
read_settings
: "${ILK_DATA_DIR:?}" "${ILK_SEEDS_DIR:?}" "${RESTIC_REPOSITORY:?}"
ilk=${ILK_COMMAND:-/opt/ilk/current/bin/ilk}
in_key_repository() {
	RESTIC_REPOSITORY=$ILK_KEY_REPOSITORY RESTIC_PASSWORD_FILE=$ILK_KEY_PASSWORD_FILE restic "$@"
}

if [ "${1:-}" = restore ]; then
	if [ -e "$ILK_DATA_DIR/raw" ]; then
		echo "Pindahkan dulu / move it away first: $ILK_DATA_DIR" >&2
		exit 2
	fi
	# restic writes over what it finds and removes nothing: an installation's starting seeds would mix with those
	# of the backup, and what was edited here would be gone.
	aside=${ILK_SEEDS_DIR%/}.before-$(date -u +%Y%m%dT%H%M%SZ)
	mkdir -m 0700 "$aside"
	[ ! -e "$ILK_SEEDS_DIR" ] || mv "$ILK_SEEDS_DIR" "$aside/seeds"
	for file in ilk.env backup.env key.env; do
		[ ! -e "$etc/$file" ] || cp -p "$etc/$file" "$aside/"
	done
	echo "Seed dan setelan yang tadi di sini / seeds and settings that were here: $aside"
	above=$(dirname "$ILK_DATA_DIR")
	owner=$(stat -c %u:%g "$above" 2>/dev/null || true)
	if ! restic restore latest --tag ilk --target /; then
		[ -e "$ILK_SEEDS_DIR" ] || [ ! -e "$aside/seeds" ] || mv "$aside/seeds" "$ILK_SEEDS_DIR"
		exit 1
	fi
	[ -z "${ILK_KEY_REPOSITORY:-}" ] || in_key_repository restore latest --tag ilk-key --target /
	read_settings
	cd "$ILK_DATA_DIR"
	if [ "$(id -u)" = 0 ] && id ilk >/dev/null 2>&1; then
		# The old machine's number of the user may be another's here; restic sets it on the folder above too.
		chown -R ilk: "$ILK_DATA_DIR"
		[ -z "$owner" ] || chown "$owner" "$above"
		chgrp -f ilk "$etc/ilk.env" "$etc/backup.env" || true
		ilk="runuser -u ilk -- $ilk"
	fi
	$ilk verify
	exec $ilk run --all
fi
[ $# = 0 ] || { echo "ilk-backup [restore]" >&2; exit 2; }

note() {  # what `ilk health` reads, and a restored folder has: it is red till it is backed up itself
	mkdir -p "$ILK_DATA_DIR/backup"
	echo "$2" >"$ILK_DATA_DIR/backup/$1.tmp"
	mv "$ILK_DATA_DIR/backup/$1.tmp" "$ILK_DATA_DIR/backup/$1"
}
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
if [ -z "${ILK_BACKUP_LOCKED:-}" ]; then
	[ -d "$ILK_DATA_DIR" ] || { echo "Belum ada data / no data yet: $ILK_DATA_DIR"; exit 0; }
	# A disk that is full keeps no backup from being made.
	[ -e "$ILK_DATA_DIR/backup/asked_at" ] || note asked_at "$now" || true
	# The lock that a run holds: no snapshot has half of one.
	ILK_BACKUP_LOCKED=1 exec flock --exclusive --timeout "${ILK_BACKUP_PATIENCE:-3600}" --conflict-exit-code 75 \
		"$ILK_DATA_DIR/ilk.lock" "$0"
fi
is_whole=0
"$ilk" verify || is_whole=$?
# Everything but what a run makes again, so that a new kind of record is never forgotten here. Dagster's
# storage is left out: its history is of no use without its processes, and a copy of a live SQLite is torn.
[ -d "$etc" ] && set -- "$etc"
restic backup --quiet --tag ilk \
	--exclude "$ILK_DATA_DIR/warehouse.duckdb*" --exclude "$ILK_DATA_DIR/fingerprints.json" \
	--exclude "$ILK_DATA_DIR/dbt_target" --exclude "$ILK_DATA_DIR/dbt_home" --exclude "$ILK_DATA_DIR/dagster" \
	--exclude "$ILK_DATA_DIR/spilled" --exclude "$ILK_DATA_DIR/shards" \
	--exclude "$ILK_DATA_DIR/responses" --exclude "$ILK_DATA_DIR/docs" --exclude "$ILK_DATA_DIR/reports" --exclude "$ILK_DATA_DIR/quality" \
	--exclude "${ILK_SEEDS_DIR%/}.before-*" --exclude "$ILK_DATA_DIR/ilk.lock" --exclude key.env --exclude "$etc/*password*" \
	"$ILK_DATA_DIR" "$ILK_SEEDS_DIR" "$@"
if [ -n "${ILK_KEY_REPOSITORY:-}" ]; then
	in_key_repository backup --quiet --tag ilk-key "$etc/key.env"
fi
# A file that is lost now is in an older snapshot: none goes before somebody has looked.
[ "$is_whole" = 0 ] || exit 1
# shellcheck disable=SC2086  # several options
restic forget --quiet --tag ilk --prune ${ILK_BACKUP_KEEP:---keep-daily 14 --keep-weekly 8 --keep-monthly 24}
note good_at "$now"
