"""MS-Keg answered: each field from the seed that states it, else from what the warehouse knows.

Belongs here: what may be concluded, and when a field is asked at all. Doesn't: the form (forms.py),
how it is written (workbook.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from orchestration.metadata.forms import ACTIVITY, FIELDS, Field
from orchestration.metadata.sources import PROVINCES, Sources, day

STATED, DERIVED, MISSING = "stated", "derived", "missing"
OPEN, NOT_ASKED, FOR_BPS = "open", "not_asked", "for_bps"


@dataclass(frozen=True)
class Answer:
    """A field's value, '' where there is none, and where it comes from, in Indonesian.

    `state`: stated (by the seed), derived, missing; open (whether it is asked hangs on a field that
    is missing), not_asked, for_bps (their officer fills it in).
    """

    field: Field
    value: str
    state: str
    origin: str

    @property
    def in_words(self) -> str:
        """The value with the words of its codes."""
        return self.field.in_words(self.value)


@dataclass(frozen=True)
class Known:
    """A derived value and where it comes from."""

    value: str
    origin: str


def answers(sources: Sources) -> dict[str, Answer]:
    """Return every field of MS-Keg, and those asked once for the other forms, by key."""
    known, found = dict(_known(sources)), dict[str, Answer]()
    for block in ACTIVITY:
        for asked in block.fields:
            found[asked.key] = _answer(asked, sources.stated, known, found)
    for key, asked in FIELDS.items():
        if key not in found:
            found[key] = _answer(asked, sources.stated, known, found)
    return found


def missing(found: Mapping[str, Answer]) -> list[Answer]:
    """Return what has to be asked for, in the forms' order."""
    return [answer for answer in found.values() if answer.state == MISSING]


def _answer(
    asked: Field,
    stated: Mapping[str, str],
    known: Mapping[str, Known],
    before: Mapping[str, Answer],
) -> Answer:
    if asked.is_for_bps and asked.key not in stated:
        return Answer(asked, "", FOR_BPS, "diisi oleh petugas BPS")
    value, origin, state = "", "", MISSING
    if asked.key in stated:
        value, origin, state = stated[asked.key], "seed statistical_activity", STATED
    elif asked.key in known:
        value, origin, state = known[asked.key].value, known[asked.key].origin, DERIVED
    if asked.asked_if is not None:
        key, codes = asked.asked_if
        other = before[key]
        wanted = " atau ".join(map(str, codes))
        name = f"R.{other.field.number}" if other.field.number else key
        if other.state in (MISSING, OPEN):
            said = f"diisi bila {name} berkode {wanted}"
            return Answer(asked, value, OPEN, "; ".join(filter(None, (said, origin))))
        if other.state == NOT_ASKED or not {*codes} & {*other.field.parts(other.value)}:
            return Answer(asked, "", NOT_ASKED, f"tidak diisi: {name} bukan {wanted}")
    return Answer(asked, value, state, origin)


def _known(sources: Sources) -> Iterator[tuple[str, Known]]:
    cycle, figures = sources.cycle, sources.figures
    yield (
        "judul_kegiatan",
        Known(f"{sources.index['name_id']}, {sources.title}", "seed indexes, survey_cycles"),
    )
    yield "tahun_kegiatan", Known(sources.row["year"], "seed survey_cycles")
    if figures and figures.staff_count and figures.respondent_count:
        is_whole = figures.respondent_count >= figures.staff_count
        yield (
            "cara_pengumpulan_data",
            Known(
                "1" if is_whole else "2",
                f"{figures.respondent_count} dari {figures.staff_count} orang menjawab (publikasi)",
            ),
        )
    else:
        yield "cara_pengumpulan_data", Known("2", "ekspor alat survei (survey_sources)")
    for end, when in (("awal", cycle.opens_on), ("akhir", cycle.closes_on)):
        yield f"jadwal_pengumpulan_data_{end}", Known(day(when), "seed survey_cycles")
    yield from _design(sources)
    yield from _sample(sources)
    yield from _processing(sources)
    yield "konsep_indikator", Known(sources.index["name_id"], "seed indexes")
    yield "produk_mikrodata", Known("2", "jawaban perorangan tidak pernah diterbitkan")
    yield "variabel_diakses_umum", Known("2", "jawaban perorangan tidak pernah diterbitkan")
    if levels := _levels(sources):
        words = FIELDS["tingkat_penyajian"].in_words(levels.value)
        words = words.replace("Lainnya", _units(sources))
        yield "level_estimasi", Known(words, levels.origin)
        yield "tingkat_penyajian", levels
        yield "tingkat_penyajian_lainnya", Known(_units(sources), "seed unit_levels")


def _design(sources: Sources) -> Iterator[tuple[str, Known]]:
    siblings = [each for each in sources.cycles if each.index_id == sources.cycle.index_id]
    if len(siblings) > 1:
        origin = f"{len(siblings)} siklus (seed survey_cycles)"
        yield "kegiatan_ini_dilakukan", Known("2", origin)
        starts = [each.opens_on for each in siblings]
        gaps = [later - earlier for earlier, later in pairwise(starts)]
        code = _frequency(sorted(gaps)[len(gaps) // 2])
        yield "frekuensi_penyelenggaraan", Known(code, f"jarak antarsiklus, {origin}")
        yield (
            "tipe_pengumpulan_data",
            Known("2", "berulang; responden suatu siklus tidak ditetapkan dari siklus sebelumnya"),
        )
    if sources.provinces:
        is_whole = len(sources.provinces) >= PROVINCES
        origin = f"satuan kerja ada di {len(sources.provinces)} provinsi (seed units, regions)"
        yield "cakupan_wilayah_pengumpulan_data", Known("1" if is_whole else "2", origin)
        yield "wilayah_kegiatan", Known("; ".join(sources.provinces), origin)
    if sources.is_on_the_web:
        origin = "alat survei: " + ", ".join(sorted({row["tool"] for row in sources.profiles}))
        yield "metode_pengumpulan_data", Known("2", origin)
        yield "sarana_pengumpulan_data", Known("8", origin)
        yield "tahapan_entry", Known("2", f"responden mengisi sendiri; {origin}")
    yield "unit_pengumpulan_data", Known("1", "setiap jawaban milik satu orang")


def _frequency(gap: timedelta) -> str:
    """Return the code of the frequency whose days are nearest to a gap between two cycles."""
    days = {1: 1, 2: 7, 3: 30, 4: 91, 5: 122, 6: 183, 7: 365, 8: 730}
    return str(min(days, key=lambda code: abs(days[code] - gap.days)))


def _sample(sources: Sources) -> Iterator[tuple[str, Known]]:
    figures = sources.figures
    if figures and figures.staff_count and figures.respondent_count is not None:
        share = 100 * figures.respondent_count / figures.staff_count
        yield (
            "fraksi_sampel_keseluruhan",
            Known(
                f"{sources.words.number(share, 2)}% "
                f"({figures.respondent_count} dari {figures.staff_count})",
                "publikasi: responden terhadap kerangka pegawai",
            ),
        )
    if figures and figures.se is not None and figures.score:
        number = sources.words.number
        yield (
            "nilai_perkiraan_sampling_error",
            Known(
                f"galat baku {number(figures.se, 4)} pada skala 1-4 "
                f"(RSE {number(100 * figures.se / figures.score, 2)}%)",
                "publikasi: indeks nasional",
            ),
        )
    kinds = ", ".join(row["name_id"] for row in sources.seeds["recipient_categories"])
    for key in ("unit_sampel", "unit_observasi"):
        yield key, Known(f"Individu ({kinds})", "seed recipient_categories")


def _processing(sources: Sources) -> Iterator[tuple[str, Known]]:
    yield (
        "metode_pemeriksaan_kualitas",
        Known("8", "pemeriksaan gudang data (docs/data-quality.md)"),
    )
    yield (
        "metode_pemeriksaan_kualitas_lainnya",
        Known(
            "Pemeriksaan otomatis atas setiap berkas ekspor dan setiap jawaban sebelum dihitung",
            "docs/data-quality.md",
        ),
    )
    weights = sources.method["weighting_mode"] != "none"
    origin = f"metode {sources.cycle.method_id}: {sources.method['weighting_mode']}"
    if weights and sources.figures and not sources.figures.is_weighted:
        weights, origin = False, "tanpa kerangka pegawai setiap orang berbobot 1 (publikasi)"
    yield "apakah_melakukan_penyesuaian_nonrespon", Known("1" if weights else "2", origin)
    yield (
        "tahapan_editing",
        Known("1", "jawaban yang tak memenuhi aturan disisihkan (response_rules)"),
    )
    yield "tahapan_coding", Known("1", "seed export_codes")
    yield "tahapan_validasi", Known("1", "docs/data-quality.md")
    yield "metode_analisis", Known("3", "skor dengan selang kepercayaan dan uji (docs/method.md)")
    yield "unit_analisis", Known("8", "skor setiap satuan kerja (idx_scores)")
    yield "unit_analisis_lainnya", Known(_units(sources), "seed unit_levels")


def _units(sources: Sources) -> str:
    rows: Sequence[Mapping[str, str]] = sources.seeds["unit_levels"]
    levels = sorted(rows, key=lambda row: int(row["rank"]))
    return f"Satuan kerja ({', '.join(row['name_id'] for row in levels)})"


def _levels(sources: Sources) -> Known | None:
    """Return how finely results are presented; None where the seeds don't tell.

    An index of one unit has no other level; one whose regions are provinces has the nation above.
    """
    if len(sources.units) == 1:
        return Known("16", "satu satuan kerja (seed units)")
    if sources.provinces:
        return Known("19", "skor nasional, wilayah, dan satuan kerja (idx_scores)")
    return None
