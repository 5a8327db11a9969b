"""Reads `published/` again and again until a file named `stop` appears; prints what it saw as JSON.

Belongs here: the reader process of the swap test. Doesn't: judging what it saw.
"""

import json
import sys
from pathlib import Path

import duckdb


def read(data_dir: Path) -> tuple[list[float], list[float]]:
    """Return the distinct national scores of the DuckDB file and of the Parquet file beside it."""
    folder = (data_dir / "published").resolve()
    query = (
        "select distinct score from {} where domain_type = 'national' and weighting_mode = 'none'"
    )
    with duckdb.connect(folder / "ilk.duckdb", read_only=True) as connection:
        rows = connection.execute(query.format("idx_scores") + " order by all").fetchall()
        parquet = f"'{folder}/parquet/idx_scores/idx_scores.parquet'"
        others = connection.execute(query.format(parquet) + " order by all").fetchall()
    return [row[0] for row in rows], [row[0] for row in others]


def main() -> None:
    data_dir = Path(sys.argv[1])
    seen, errors = [], []
    while not (data_dir / "stop").exists():
        try:
            from_file, from_parquet = read(data_dir)
        except (duckdb.Error, OSError) as error:
            errors.append(repr(error))
            continue
        if from_file != from_parquet:
            errors.append(f"mixed: {from_file} and {from_parquet}")
        if not seen or seen[-1] != from_file:
            seen.append(from_file)
    print(json.dumps({"seen": seen, "errors": errors}))


if __name__ == "__main__":
    main()
