"""The child process that opens an SPSS file: pyreadstat may crash on it, which ends this process.

Belongs here: limits, variables and their labels, values as text, over a pipe. Doesn't: what they
mean (sav_reader). It imports nothing of the project.

It writes a line of JSON for the variables and their labels; reads any line; writes the cases, some
thousands a line, and a last line. Errors are a line of their own.
"""

import json
import math
import resource
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

MEMORY_BYTES = 2 << 30
CPU_SECONDS = 300
_BLOCK_CELLS = 1_000_000
_BEGINNING = datetime(1582, 10, 14)
"""SPSS counts seconds from here."""
_MOST_DIGITS = 2**53
"""From here on a number holds no longer each whole one: an identifier has lost digits."""
_DATES = ("DATE", "ADATE", "EDATE", "JDATE", "SDATE", "QYR", "MOYR", "WKYR")
_DATE_TIMES = ("DATETIME", "YMDHMS")
_DURATIONS = ("TIME", "DTIME", "MTIME")


def main(path: str) -> None:
    """Serve the file at `path`."""
    try:
        import pyreadstat
    except ImportError:
        _write({"fault": "sav_extra", "details": {}})
        return

    def read(**how: Any) -> tuple[dict[str, Any], Any]:  # noqa: ANN401
        # Values that the file itself calls missing are blanks: user_missing is off.
        return pyreadstat.read_sav(
            path, output_format="dict", disable_datetime_conversion=True, **how
        )

    _, about = read(metadataonly=True)
    texts = {
        variable or "": {_cell(value, str): str(label) for value, label in labels.items()}
        for variable, labels in about.variable_value_labels.items()
    }
    _write(
        {
            "names": [name or "" for name in about.column_names],
            "questions": [label or "" for label in about.column_labels],
            "labels": texts,
        }
    )
    if not sys.stdin.readline():
        return  # nobody wants any
    count = 0
    shapes = [_shape(about.original_variable_types.get(name, "")) for name in about.column_names]
    for block in _blocks(read, about.column_names, shapes):
        count += len(block[0])
        _write({"rows": block})
    if about.number_rows not in (None, count):
        _write({"fault": "bad_sav", "details": {"detail": f"{count} of {about.number_rows} cases"}})
        return
    _write({"end": True})


def _blocks(
    read: Callable[..., tuple[dict[str, Any], Any]],
    names: list[str],
    shapes: list[Callable[[float], str]],
) -> Iterator[list[list[str]]]:
    """Yield blocks of cases, a list of cells a variable."""
    size = max(1, _BLOCK_CELLS // max(1, len(names)))
    offset = 0
    while names:
        columns, _ = read(row_offset=offset, row_limit=size)
        block = [
            [_cell(value, shape) for value in columns[name]]
            for name, shape in zip(names, shapes, strict=True)
        ]
        if block[0]:
            yield block
        if len(block[0]) < size:
            return
        offset += size


def _cell(value: object, shape: Callable[[float], str]) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, int | float):
        return _number(float(value)) if shape is str else shape(float(value))
    return str(value).rstrip()


def _number(value: float) -> str:
    """Return a number as text: `5` for 5.0, `1.98501012010011E+17` where digits are lost."""
    if abs(value) >= _MOST_DIGITS:
        return f"{value:.14E}"
    return str(int(value)) if value.is_integer() else repr(value)


def _shape(spss_format: str) -> Callable[[float], str]:
    """Return how values of an SPSS format such as `DATETIME20` are written."""
    name = spss_format.rstrip("0123456789.")
    if name in _DATES:
        return _date
    if name in _DATE_TIMES:
        return _date_time
    return _duration if name in _DURATIONS else _number


def _date(seconds: float) -> str:
    return _date_time(seconds // 86_400 * 86_400)


def _date_time(seconds: float) -> str:
    try:
        moment = _BEGINNING + timedelta(seconds=round(seconds))
    except OverflowError:
        return _number(seconds)
    return moment.isoformat(sep=" ")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(abs(seconds)), 60)
    return f"{'-' if seconds < 0 else ''}{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _write(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line))
    sys.stdout.write("\n")
    sys.stdout.flush()


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # elsewhere it is not enforced, or refused
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    _limit()
    try:
        main(sys.argv[1])
    except Exception as error:  # the library's own class is known once it is imported
        # Another one's message may quote what is in the file.
        is_own = type(error).__name__ == "ReadstatError"
        detail = str(error) if is_own else type(error).__name__
        _write({"fault": "bad_sav", "details": {"detail": detail}})
