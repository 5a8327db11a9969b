"""`ilk verify`: is what can't be made again still as it was?

Belongs here: that one command, which a backup asks before it is made (deploy/backup.sh). Doesn't:
comparing (exports/wholeness.py; publications: auditing/rollback.py).
"""

import typer

from orchestration.terminal import console, installation

_EXAMPLES = 5
_STATES = {True: "berubah / changed", False: "hilang / lost"}


def verify() -> None:
    """Apakah berkas mentah masih utuh, menurut sha256. / Are raw files still whole, by sha256."""
    from orchestration.exports.wholeness import kept_files, lost_files

    settings, _ = installation(writes=False)
    lost = list(lost_files(settings.raw_dir))
    if lost:
        examples = "; ".join(
            f"{each.name} ({_STATES[each.is_there]}) {each.sha256}" for each in lost[:_EXAMPLES]
        )
        more = len(lost) - _EXAMPLES
        console.print(
            "Pulihkan dari cadangan yang lebih lama / restore from an older backup: restic restore "
            f"<snapshot> --target / --include {settings.raw_dir}/files/<sha256>",
            soft_wrap=True,
            markup=False,
        )
        console.print(
            examples + (f"; dan {more} lagi / and {more} more" if more > 0 else ""),
            soft_wrap=True,
            markup=False,
        )
        raise typer.Exit(1)
    count = len(kept_files(settings.raw_dir))
    console.print(f"{count} berkas mentah utuh / raw files are whole")
