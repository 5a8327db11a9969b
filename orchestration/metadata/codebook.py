"""The instrument as a DDI-Codebook 2.5: what an archive's catalogue (NADA, Dataverse) reads.

Belongs here: elements and their order. Doesn't: what is known (sources.py, activity.py,
variables.py). The codebook describes the instrument and how it was asked; answers of persons are
described, never held. What nobody stated is left out: every such element may be.
"""

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from orchestration.durable_files import whole_file
from orchestration.metadata.activity import MISSING, OPEN, Answer
from orchestration.metadata.sources import Sources
from orchestration.metadata.variables import Variable

NAMESPACE = "ddi:codebook:2_5"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA = "https://ddialliance.org/Specification/DDI-Codebook/2.5/XMLSchema/codebook.xsd"


def write_codebook(
    path: Path, sources: Sources, found: Mapping[str, Answer], variables: list[Variable]
) -> None:
    """Write the codebook, whole or not at all."""
    tree = ElementTree.ElementTree(codebook(sources, found, variables))
    ElementTree.indent(tree)
    with whole_file(path) as fresh:
        tree.write(fresh, encoding="utf-8", xml_declaration=True)


def codebook(
    sources: Sources, found: Mapping[str, Answer], variables: list[Variable]
) -> ElementTree.Element:
    """Return the element codeBook."""
    ElementTree.register_namespace("", NAMESPACE)
    ElementTree.register_namespace("xsi", _XSI)
    book = ElementTree.Element(
        _tag("codeBook"),
        {
            "version": "2.5",
            "ID": f"ilk-{sources.cycle.cycle_id}",
            "{http://www.w3.org/XML/1998/namespace}lang": "id",
            f"{{{_XSI}}}schemaLocation": f"{NAMESPACE} {_SCHEMA}",
        },
    )
    _study(_add(book, "stdyDscr"), sources, found)
    files = _files(book, sources)
    data = _add(book, "dataDscr")
    for number, variable in enumerate(variables, start=1):
        _variable(data, variable, number, files)
    return book


def _study(study: ElementTree.Element, sources: Sources, found: Mapping[str, Answer]) -> None:
    def said(key: str) -> str:
        answer = found[key]
        return "" if answer.state in (MISSING, OPEN) else answer.in_words

    cycle = sources.cycle
    citation = _add(study, "citation")
    titles = _add(citation, "titlStmt")
    _add(titles, "titl", said("judul_kegiatan"))
    _add(titles, "parTitl", f"{sources.index['name_en']}, {cycle.cycle_id}", lang="en")
    _add(titles, "IDNo", cycle.cycle_id, agency=sources.cycle.index_id.upper())
    if agency := said("instansi_penyelenggara"):
        _add(_add(citation, "rspStmt"), "AuthEnty", agency)
        _add(_add(citation, "prodStmt"), "producer", agency)
    info = _add(study, "stdyInfo")
    if goal := said("tujuan_kegiatan"):
        _add(info, "abstract", goal)
    summary = _add(info, "sumDscr")
    for name in ("timePrd", "collDate"):
        for event, when in (("start", cycle.opens_on), ("end", cycle.closes_on)):
            _add(summary, name, when.isoformat(), date=when.isoformat(), event=event)
    _add(summary, "nation", "Indonesia", abbr="ID")
    for province in sources.provinces:
        _add(summary, "geogCover", province)
    _add(summary, "anlyUnit", said("unit_analisis_lainnya") or said("unit_analisis"))
    _add(summary, "universe", said("unit_observasi") or found["unit_observasi"].value)
    _add(summary, "dataKind", "Data survei / survey data")
    method = _add(study, "method")
    collection = _add(method, "dataColl")
    for element, key in (
        ("timeMeth", "tipe_pengumpulan_data"),
        ("dataCollector", "instansi_penyelenggara"),
        ("frequenc", "frekuensi_penyelenggaraan"),
        ("sampProc", "metode_yang_digunakan"),
        ("collMode", "sarana_pengumpulan_data"),
    ):
        if text := said(key):
            _add(collection, element, text)
    _add(collection, "resInstru", "Terstruktur / structured", type="structured")
    _add(collection, "weight", f"{cycle.method_id}: {sources.method['weighting_mode']}")
    _add(collection, "cleanOps", said("metode_pemeriksaan_kualitas_lainnya"))
    rate, error = (
        found[key].value for key in ("fraksi_sampel_keseluruhan", "nilai_perkiraan_sampling_error")
    )
    if rate or error:
        analysis = _add(method, "anlyInfo")
        if rate:
            _add(analysis, "respRate", rate)
        if error:
            _add(analysis, "EstSmpErr", error)
    access = _add(_add(study, "dataAccs"), "useStmt")
    _add(
        access,
        "restrctn",
        "Jawaban perorangan tidak diterbitkan; hasil diterbitkan sesudah pengendalian pengungkapan."
        " / Answers of persons are not published; results are, after disclosure control.",
    )


def _files(book: ElementTree.Element, sources: Sources) -> str:
    """Describe an export a profile; return their ids, as `files` of a variable has them."""
    ids = []
    for number, profile in enumerate(sources.profiles, start=1):
        ids.append(f"F{number}")
        text = _add(_add(book, "fileDscr", ID=ids[-1]), "fileTxt")
        _add(text, "fileName", profile["profile_id"])
        _add(text, "fileCont", f"Satu baris per jawaban / one row a response; {profile['tool']}")
        _add(text, "fileType", profile["tool"])
    return " ".join(ids)


def _variable(data: ElementTree.Element, each: Variable, number: int, files: str) -> None:
    var = _add(
        data,
        "var",
        ID=f"V{number}",
        name=each.name,
        **({"files": files} if files else {}),
        intrvl="discrete",
        nature="ordinal" if each.scale else "nominal",
    )
    _add(var, "labl", each.label)
    _add(var, "respUnit", each.audience)
    if each.question:
        question = _add(
            var,
            "qstn",
            ID=f"Q{number}",
            responseDomainType="category" if each.categories else "text",
        )
        _add(question, "qstnLit", each.question)
    if each.scale:
        low, high = map(str, each.scale)
        _add(_add(var, "valrng"), "range", UNITS="INT", min=low, max=high)
    _add(var, "txt", each.definition)
    for code, label in each.categories:
        category = _add(var, "catgry")
        _add(category, "catValu", code)
        if label:
            _add(category, "labl", label)
    if each.is_reversed:
        _add(var, "codInstr", "Dibalik sebelum dihitung / reversed before it is scored: 5 − x")
    _add(var, "concept", each.concept)
    _add(var, "varFormat", type="numeric" if each.scale else "character", schema="other")


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _add(
    parent: ElementTree.Element, name: str, text: str = "", /, *, lang: str = "", **attributes: str
) -> ElementTree.Element:
    if lang:
        attributes["{http://www.w3.org/XML/1998/namespace}lang"] = lang
    child = ElementTree.SubElement(parent, _tag(name), attributes)
    child.text = text or None
    return child
