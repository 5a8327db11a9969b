#!/bin/sh
# ilk-backup [restore]: backs up what no run can make again, with restic; or brings it all back and computes the rest.
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
	restic restore latest --tag ilk --target /
	[ -z "${ILK_KEY_REPOSITORY:-}" ] || in_key_repository restore latest --tag ilk-key --target /
	read_settings
	cd "$ILK_DATA_DIR"
	[ "$(id -u)" = 0 ] && id ilk >/dev/null 2>&1 && ilk="runuser -u ilk -- $ilk"
	$ilk verify
	exec $ilk run --all
fi
[ $# = 0 ] || { echo "ilk-backup [restore]" >&2; exit 2; }

if [ -z "${ILK_BACKUP_LOCKED:-}" ]; then
	[ -d "$ILK_DATA_DIR" ] || { echo "Belum ada data / no data yet: $ILK_DATA_DIR"; exit 0; }
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
	--exclude "$ILK_DATA_DIR/docs" --exclude "$ILK_DATA_DIR/reports" --exclude "$ILK_DATA_DIR/quality" \
	--exclude "$ILK_DATA_DIR/ilk.lock" --exclude "$etc/key.env" --exclude "$etc/*password*" \
	"$ILK_DATA_DIR" "$ILK_SEEDS_DIR" "$@"
if [ -n "${ILK_KEY_REPOSITORY:-}" ]; then
	in_key_repository backup --quiet --tag ilk-key "$etc/key.env"
fi
# A file that is lost now is in an older snapshot: none goes before somebody has looked.
[ "$is_whole" = 0 ] || exit 1
# shellcheck disable=SC2086  # several options
restic forget --quiet --tag ilk --prune ${ILK_BACKUP_KEEP:---keep-daily 14 --keep-weekly 8 --keep-monthly 24}
