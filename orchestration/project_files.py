"""Where what we ship lies: beside the code in a checkout, in `ilk_warehouse/` once installed.

Belongs here: the places of models, seeds, documents and code, of a checkout or of an installed
wheel (`make dist`). Doesn't: places that a person chooses, such as the data folder (settings.py).
"""

from pathlib import Path

_PACKAGES = Path(__file__).resolve().parents[1]
IS_INSTALLED = not (_PACKAGES / "pyproject.toml").is_file()
# The checkout; of a wheel, the folder that holds what isn't Python (pyproject.toml, force-include).
REPOSITORY = _PACKAGES / "ilk_warehouse" if IS_INSTALLED else _PACKAGES


def shipped(part: str) -> Path:
    """Return where a part of the repository lies, given as `models` or `orchestration/words.py`."""
    is_code = part.split("/")[0] in {"orchestration", "expectations"}
    return (_PACKAGES if is_code else REPOSITORY) / part
