"""A small index of our own, in which every rule of the formulas has somebody whom it concerns.

Belongs here: its seeds and answers, its run through `ilk`. Doesn't: what must come out
(test_formulas.py computes it anew from `answers`).

Two services, two perspectives, two levels of providers, and items that both audiences are asked
about, so that who hears both rates an item twice. The late one also asks what people think of it
all. Both cycles are raked, the early one has Wilson's
intervals, adjusted importance and, unweighted, a jackknife; between them one item is dropped and
one is new. w2 is rated with nothing but the best by all, few answer from w5 and w6, p1's people
have no provider on the lower level, and one in nine finds everything perfect.
"""

import csv
import os
import random
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from orchestration.settings import REPOSITORY
from tests.ilk_process import run_ilk

CYCLES = {"early": 2024, "late": 2025}
METHODS = {"early": "raked-wilson", "late": "raked"}
LEVELS = {"pusat": 1, "wilayah": 2}
UNITS = {"p1": "", "w1": "r1", "w2": "r1", "w3": "r2", "w4": "r2", "w5": "r2", "w6": "r2"}
RESPONDENTS = {"p1": 24, "w1": 40, "w2": 36, "w3": 44, "w4": 36, "w5": 6, "w6": 7}
HEARS = {"tusi": ("tusi",), "pegawai": ("pegawai",), "keduanya": ("tusi", "pegawai")}
GENDERS = ("L", "P")
WEIGHTS = {"x": 1, "y": 2}
PARAMETERS = {
    "min_answered_share": 0,
    "min_weight_share": 0.3,
    "straight_lining_min_answers": 3,
    "bootstrap_replicates": 40,
    "rank_draws": 100,
    "robustness_draws": 50,
}
# The early cycle's: p1, rated on one perspective of s1 alone, has no score of it.
OF_WILSON = {"jackknife_below_n": 60, "min_weight_share": 0.4}


@dataclass(frozen=True)
class Question:
    """A question; `cycles` in which it is asked."""

    item: str
    service: str
    perspective: str
    audience: str
    level: str
    scale_max: int = 4
    is_reverse_scored: bool = False
    cycles: tuple[str, ...] = tuple(CYCLES)
    asks: str = "performance"

    @property
    def name(self) -> str:
        return f"{self.item}_{self.audience}_{self.level}_{self.asks}"

    def score(self, code: str) -> float | None:
        """Return the rating on 1-4; None for what is none."""
        if code in ("", "tidak ada", "belum"):
            return None
        score = 1 + 3 * (int(code) - 1) / (self.scale_max - 1)
        return 5 - score if self.is_reverse_scored else score


QUESTIONS = [
    Question("a", "s1", "x", "tusi", "wilayah"),
    Question("a", "s1", "x", "pegawai", "wilayah"),
    Question("a", "s1", "x", "pegawai", "pusat"),
    Question("b", "s1", "y", "tusi", "wilayah", scale_max=5),
    Question("b", "s1", "y", "pegawai", "wilayah", scale_max=5),
    Question("c", "s2", "x", "tusi", "wilayah"),
    Question("c", "s2", "x", "pegawai", "wilayah"),
    Question("d", "s2", "y", "tusi", "pusat", is_reverse_scored=True),
    Question("d", "s2", "y", "pegawai", "pusat", is_reverse_scored=True),
    Question("old", "s2", "x", "pegawai", "wilayah", cycles=("early",)),
    Question("anew", "s2", "x", "pegawai", "wilayah", cycles=("late",)),
    Question("a", "s1", "x", "pegawai", "wilayah", asks="expectation"),
    Question("b", "s1", "y", "pegawai", "wilayah", asks="expectation"),
    Question("c", "s2", "x", "pegawai", "wilayah", asks="expectation"),
    Question("a", "s1", "x", "pegawai", "wilayah", scale_max=5, asks="importance"),
    *(
        Question("all", "", "", "tusi", level, 10, cycles=("late",), asks="overall")
        for level in LEVELS
    ),
    Question("all", "", "", "pegawai", "pusat", 5, True, cycles=("late",), asks="overall"),
]
# What decides an overall answer: staff and officers differ in it.
DRIVES = {"tusi": {"a": 3, "b": 1, "d": 1}, "pegawai": {"b": 2, "c": 1, "anew": 3}}
SHARED_ITEMS = ("a", "b", "c", "d")

Response = Mapping[str, str]


def asked(cycle: str, asks: str = "performance") -> list[Question]:
    return [of for of in QUESTIONS if cycle in of.cycles and of.asks == asks]


def all_asked(cycle: str) -> list[Question]:
    return [of for of in QUESTIONS if cycle in of.cycles]


def is_on_route(question: Question, response: Response) -> bool:
    """Whether the respondent hears the question and has somebody to rate."""
    has_provider = question.level == "pusat" or response["unit"] != "p1"
    return question.audience in HEARS[response["category"]] and has_provider


@cache
def answers(cycle: str) -> list[dict[str, str]]:
    """Everybody's answers, seeded; all of them are accepted."""
    # Overall answers have chances of their own, so that the others are what they were without.
    chance, of_overall = random.Random(cycle), random.Random(f"{cycle} overall")
    people = []
    for unit, count in RESPONDENTS.items():
        for number in range(count):
            response = {
                "id": f"{unit}-{number}",
                "unit": unit,
                "category": list(HEARS)[number % 3],
                "gender": chance.choice(GENDERS),
                "when": f"{CYCLES[cycle]}-03-{chance.randint(1, 28):02} 10:00:00",
            }
            mood = chance.gauss(0, 0.8)
            for question in all_asked(cycle):
                code = ""
                if is_on_route(question, response) and question.asks == "overall":
                    code = _overall_code(question, response, of_overall)
                elif is_on_route(question, response):
                    code = _code(question, response, mood, chance)
                response[question.name] = code
            people.append(response)
    return people


def _code(question: Question, response: Response, mood: float, chance: random.Random) -> str:
    best = 1 if question.is_reverse_scored else question.scale_max
    kind = chance.random()
    if int(response["id"].split("-")[1]) % 9 == 8:
        return str(best)
    if kind < 0.08:
        return ""
    if kind < 0.12:
        return "tidak ada"
    if kind < 0.16:
        return "belum"
    if response["unit"] == "w2" and question.level == "wilayah" and question.asks == "performance":
        return str(best)
    # Officers think less of it than staff: whose answer is whose shows in every figure.
    liking = 0.55 + 0.2 * mood + (0.15 if question.audience == "pegawai" else -0.1)
    liking += chance.gauss(0, 0.15) + 0.05 * "abcd".find(question.item)
    steps = round(min(max(liking, 0), 1) * (question.scale_max - 1))
    return str(question.scale_max - steps if question.is_reverse_scored else 1 + steps)


def _overall_code(question: Question, response: Response, chance: random.Random) -> str:
    if chance.random() < 0.1:
        return ""
    known = [
        (DRIVES[question.audience].get(of.item, 0), score)
        for of in QUESTIONS
        if (of.asks, of.audience) == ("performance", question.audience)
        and (score := of.score(response.get(of.name, ""))) is not None
    ]
    whole = sum(weight for weight, _ in known)
    liking = sum(weight * score for weight, score in known) / whole if whole else 2.5
    liking += chance.gauss(0, 0.4)
    steps = round(min(max((liking - 1) / 3, 0), 1) * (question.scale_max - 1))
    return str(question.scale_max - steps if question.is_reverse_scored else 1 + steps)


def staff() -> dict[tuple[str, str, str], int]:
    """Return the frame: persons by unit, category and gender; none fewer than answered."""
    chance = random.Random("staff")
    return {
        (unit, category, gender): chance.randint(count, 4 * count)
        for unit, count in RESPONDENTS.items()
        for category in HEARS
        for gender in GENDERS
    }


def _write(path: Path, header: str, rows: Iterable[Iterable[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(rows)


def write_landing(landing: Path) -> None:
    for cycle in CYCLES:
        people = answers(cycle)
        _write(
            landing / cycle / cycle / "answers.csv",
            ",".join(people[0]),
            (person.values() for person in people),
        )
        _write(
            landing / cycle / "staff_frame.csv",
            "unit_id,recipient_category_id,role_id,gender,staff_count",
            (
                (unit, category, "penerima", gender, count)
                for (unit, category, gender), count in staff().items()
            ),
        )


def write_seeds(seeds: Path) -> None:
    shutil.copytree(REPOSITORY / "examples" / "skm" / "seeds", seeds)

    def write(name: str, header: str, rows: Iterable[Iterable[object]]) -> None:
        _write(seeds / f"{name}.csv", header, rows)

    def name_in_both(name: str, names: Iterable[str], key: str) -> None:
        rows = ((value, value, value) for value in names)
        write(name, f"{key},name_id,name_en", rows)

    years, used = CYCLES.items(), METHODS.values()
    write(
        "survey_cycles",
        "cycle_id,index_id,instrument_id,method_id,year,semester,opens_on,closes_on,"
        "previous_cycle_id,status",
        (
            (
                cycle,
                "skm",
                cycle,
                METHODS[cycle],
                year,
                1,
                f"{year}-03-01",
                f"{year}-03-31",
                before,
                "closed",
            )
            for (cycle, year), before in zip(years, ("", "early"), strict=True)
        ),
    )
    write(
        "survey_sources",
        "cycle_id,profile_id,kind,location",
        ((cycle, cycle, "landing", f"{cycle}/{cycle}/*.csv") for cycle in CYCLES),
    )
    write(
        "methods",
        "method_id,weighting_mode,band_scheme_id,interval_method,importance,description",
        [
            ("raked", "rake", "permenpan_14_2017", "", "", "raked"),
            (
                "raked-wilson",
                "rake",
                "permenpan_14_2017",
                "wilson",
                "disattenuated",
                "raked, intervals that hold",
            ),
        ],
    )
    write(
        "method_parameters",
        "method_id,parameter,value",
        (
            (method, name, value)
            for method in used
            for name, value in (
                PARAMETERS | (OF_WILSON if method == METHODS["early"] else {})
            ).items()
        ),
    )
    write(
        "response_rules",
        "method_id,reason,action",
        ((method, "straight_lining", "flag") for method in used),
    )
    write(
        "index_weights",
        "method_id,component_type,component_id,weight",
        ((method, "perspective", *of) for of in WEIGHTS.items() for method in used),
    )
    for key, places in (("service", ("s1", "s2")), ("perspective", tuple(WEIGHTS))):
        write(
            f"{key}s",
            f"index_id,{key}_id,name_id,name_en,sort_order",
            (("skm", name, name, name, place) for place, name in enumerate(places)),
        )
    name_in_both("recipient_categories", HEARS, "recipient_category_id")
    write(
        "category_audiences",
        "recipient_category_id,audience_id",
        ((category, audience) for category, heard in HEARS.items() for audience in heard),
    )
    write(
        "unit_levels",
        "unit_level_id,name_id,name_en,rank",
        ((level, level, level, rank) for level, rank in LEVELS.items()),
    )
    write(
        "regions",
        "region_id,iso_3166_2,name,island_group",
        ((region, "", region, region) for region in ("r1", "r2")),
    )
    write(
        "units",
        "unit_id,unit_name,unit_level_id,unit_type,region_id,parent_unit_id,valid_from,valid_to",
        (
            (
                *(unit, unit, "wilayah" if region else "pusat", "office", region),
                *("p1" if region else "", "2020-01-01", ""),
            )
            for unit, region in UNITS.items()
        ),
    )
    write(
        "questions",
        "instrument_id,question_id,item_id,service_id,perspective_id,audience_id,"
        "provider_level_id,scale_min,scale_max,is_reverse_scored,question_text,asks",
        (
            (
                *(cycle, of.name, of.item, of.service, of.perspective, of.audience, of.level),
                *(1, of.scale_max, str(of.is_reverse_scored).lower(), of.name, of.asks),
            )
            for cycle in CYCLES
            for of in all_asked(cycle)
        ),
    )
    write(
        "export_profiles",
        "profile_id,instrument_id,tool,timezone,description",
        ((cycle, cycle, "plain", "Asia/Jakarta", cycle) for cycle in CYCLES),
    )
    attributes = {
        "id": "response_id",
        "unit": "unit_id",
        "category": "recipient_category_id",
        "gender": "gender",
        "when": "submitted_at",
    }
    write(
        "export_columns",
        "profile_id,source_column,target_kind,target",
        [
            (cycle, column, "attribute", target)
            for cycle in CYCLES
            for column, target in attributes.items()
        ]
        + [
            (cycle, question.name, "question", question.name)
            for cycle in CYCLES
            for question in all_asked(cycle)
        ],
    )
    write(
        "export_codes",
        "profile_id,target,source_value,code",
        (
            (cycle, "*", text, code)
            for cycle in CYCLES
            for text, code in (("tidak ada", "not_available"), ("belum", "not_used"))
        ),
    )


def build(folder: Path) -> None:
    """Run both cycles as a person runs them; the data are then in folder / "data"."""
    write_seeds(folder / "seeds")
    write_landing(folder / "landing")
    ran = run_ilk(
        "run",
        *CYCLES,
        environment=os.environ
        | {
            "ILK_DATA_DIR": str(folder / "data"),
            "ILK_SEEDS_DIR": str(folder / "seeds"),
            "ILK_LANDING_URL": str(folder / "landing"),
            "ILK_PSEUDONYM_KEY": "a key of the tests",
        },
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


if __name__ == "__main__":
    build(Path(sys.argv[1]))
