"""Attack a publication: `python -m tests.privacy.attacker WAREHOUSE PUBLISHED [--earlier FILE]`."""

import argparse
from collections import Counter
from pathlib import Path

from tests.privacy.attacker.attack import attack
from tests.privacy.attacker.counts import hidden_answer_counts, participation_of_few
from tests.privacy.attacker.known import read_known
from tests.privacy.attacker.pairs import attack_pair

parser = argparse.ArgumentParser(prog="python -m tests.privacy.attacker", description=__doc__)
parser.add_argument("warehouse", type=Path)
parser.add_argument("published", type=Path, help="ilk.duckdb of a publication")
parser.add_argument("--earlier", type=Path, action="append", default=[], help="of the same answers")
parser.add_argument(
    "--earlier-warehouse", type=Path, help="attack whoever differs between --earlier and PUBLISHED"
)
parser.add_argument("--quick", action="store_true")
parser.add_argument("--examples", type=int, default=3, help="a kind of group")
arguments = parser.parse_args()

if arguments.earlier_warehouse:
    (earlier,) = arguments.earlier
    found = attack_pair(
        (arguments.earlier_warehouse, earlier), (arguments.warehouse, arguments.published)
    )
else:
    found = attack(
        arguments.warehouse,
        arguments.published,
        earlier=arguments.earlier,
        is_quick=arguments.quick,
    )
known = read_known(arguments.warehouse)
counts = hidden_answer_counts(arguments.published, known)
participation = participation_of_few(
    arguments.published, min_cell_n=max(cycle.min_cell_n for cycle in known.values())
)
print(
    f"answer counts of hidden cells by subtraction: {len(counts):,} "
    f"(not true: {sum(count.claimed != count.truth for count in counts)})"
)
print("who answered, of a few:", participation)
print(
    f"groups tried {found.groups:,}, linear programs {found.programs:,}, "
    f"given up {found.given_up:,}"
)
print("figures:", dict(found.published.sources))
print("not explained by shown scores:", dict(found.published.unexplained))
print("cells with one split into whole sums:", found.cells_split)
print("CPU seconds:", {name: round(seconds, 1) for name, seconds in found.seconds.items()})
print(f"\n{'group':8}{'component':22}{'by':12}{'recovered':>10}{'confined':>10}{'of one':>8}")
rows = Counter()
for finding in found.confined:
    key = (finding.kind, finding.component_type, finding.by.split()[0])
    rows[(*key, "confined")] += 1
    rows[(*key, "recovered")] += finding.is_recovered
    rows[(*key, "one")] += finding.is_recovered and finding.persons == 1
for key in sorted({key[:3] for key in rows}):
    print(
        f"{key[0]:8}{key[1]:22}{key[2]:12}{rows[(*key, 'recovered')]:10,}"
        f"{rows[(*key, 'confined')]:10,}{rows[(*key, 'one')]:8,}"
    )
print(
    f"{'all':42}{len(found.recovered):10,}{len(found.confined):10,}"
    f"{sum(finding.persons == 1 for finding in found.recovered):8,}"
)
print(f"claims that are not true: {len(found.untrue)}")
for kind in sorted({finding.kind for finding in found.findings}):
    of_kind = sorted(
        (finding for finding in found.confined if finding.kind == kind),
        key=lambda finding: (not finding.is_recovered, finding.high - finding.low, finding.persons),
    )
    print()
    for finding in of_kind[: arguments.examples]:
        print(finding)
for finding in found.untrue[:5]:
    print("NOT TRUE:", finding)
