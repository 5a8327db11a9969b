"""Loads a folder of assets into Superset, over what it has of them; runs in Superset's environment.

Superset's own `import-dashboards` leaves charts and datasets as they were, and `import-directory`
ends well where it failed.

    python deploy/superset/load.py <folder> <user>
"""

import logging
import sys
from pathlib import Path

from superset.app import create_app


def load(folder: Path, username: str) -> None:
    """Import every YAML file of `folder` as `username`."""
    from superset import security_manager
    from superset.commands.exceptions import CommandInvalidError
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.utils.core import override_user

    contents = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.yaml"))
    }
    with override_user(security_manager.find_user(username=username)):
        try:
            ImportAssetsCommand(contents).run()
        except CommandInvalidError as error:
            sys.exit(f"{error}: {error.normalized_messages()}")
    print(f"{len(contents) - 1} assets imported")


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    with create_app().app_context():
        load(Path(sys.argv[1]), sys.argv[2])
