"""A cycle of one's own, and reading one file."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pyarrow.parquet
import pytest
from exports_cases import Cycle

from orchestration.exports.reading import Reading, read_export
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.store import StoredBytes


@pytest.fixture
def cycle(tmp_path: Path) -> Cycle:
    return Cycle(tmp_path)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[Reading, list[list[str]]]]:
    """Read bytes as a file would be: what was found, and the cells without the landing's own."""

    def read_bytes(content: bytes | str | Path, **settings: str) -> tuple[Reading, list[list[str]]]:
        path = content if isinstance(content, Path) else tmp_path / "export"
        if not isinstance(content, Path):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        target = tmp_path / "export.parquet"
        reading = read_export(
            StoredBytes(path=path, sha256="f" * 64, size=path.stat().st_size),
            target,
            settings=ReaderSettings(**settings),
            profile_id="gform",
            pulled_at=datetime(2025, 12, 1),
        )
        table = pyarrow.parquet.read_table(target)
        assert table.column_names[:-4] == list(reading.header.names)
        rows = table["_source_row"].to_pylist()
        assert rows == sorted(set(rows))
        assert rows[0] > reading.header.rows
        assert len(rows) == reading.record_count
        cells = [list(row.values())[:-4] for row in table.to_pylist()]
        return reading, cells

    return read_bytes
