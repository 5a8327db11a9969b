"""The three forms of BPS Regulation 5/2020 as data: MS-Keg, MS-Ind, MS-Var, field by field.

Belongs here: numbers, labels, options and their codes, when a field is asked. Doesn't: answers.
Labels are the forms' own Indonesian; where they were read, and what is not of the regulation but of
BPS' entry site alone, says docs/metadata.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

SEED = "statistical_activity"
YES_NO = {1: "Ya", 2: "Tidak"}


@dataclass(frozen=True)
class Field:
    """A field of MS-Keg, or one that the seed may state for MS-Ind and MS-Var.

    `kind`: text, date, number; code (one of `options`); sum (codes of `options`, added up).
    `asked_if`: a field and the codes (for a sum: the parts) of which it must have one.
    `is_for_bps`: BPS' officer fills it in, nobody else.
    """

    key: str
    number: str
    label: str
    kind: str = "text"
    options: Mapping[int, str] = field(default_factory=dict)
    asked_if: tuple[str, tuple[int, ...]] | None = None
    is_for_bps: bool = False

    @property
    def codes(self) -> tuple[int, ...]:
        """What a coded field may hold: its options, or every sum of them."""
        if self.kind == "sum":
            return tuple(range(1, sum(self.options) + 1))
        return tuple(self.options)

    def parts(self, value: str) -> tuple[int, ...]:
        """Return the options that a value names."""
        if not value.isdigit():
            return ()
        number = int(value)
        if self.kind == "sum":
            return tuple(option for option in self.options if number & option)
        return (number,) if number in self.options else ()

    def in_words(self, value: str) -> str:
        """Return the words of a coded value; of any other the value itself."""
        return "; ".join(self.options[part] for part in self.parts(value)) or value

    def choice(self) -> str:
        """Return the options as the form prints them."""
        return "; ".join(f"{code} = {words}" for code, words in self.options.items())


@dataclass(frozen=True)
class Block:
    """A block of MS-Keg."""

    number: str
    title: str
    fields: tuple[Field, ...]


def _choice(key: str, number: str, label: str, options: Mapping[int, str]) -> Field:
    return Field(key, number, label, "code", options)


def _several(key: str, number: str, label: str, *options: str) -> tuple[Field, Field]:
    """A field of which several options may hold, and what the last one, Lainnya, stands for."""
    coded = {2**place: words for place, words in enumerate(options)}
    other = max(coded)
    return (
        Field(key, number, label, "sum", coded),
        Field(f"{key}_lainnya", number, f"{label}: lainnya (sebutkan)", asked_if=(key, (other,))),
    )


_SCHEDULE = {
    "perencanaan_kegiatan": "A.1. Perencanaan kegiatan",
    "desain": "A.2. Desain",
    "pengumpulan_data": "B.3. Pengumpulan data",
    "pengolahan_data": "C.4. Pengolahan data",
    "analisis": "D.5. Analisis",
    "diseminasi_hasil": "D.6. Diseminasi hasil",
    "evaluasi": "D.7. Evaluasi",
}
_IS_SURVEY = ("cara_pengumpulan_data", (2,))
_HAS_COLLECTORS = ("sarana_pengumpulan_data", (1, 2, 4))
_IS_PROBABILITY = ("metode_pemilihan_sampel_tahap_terakhir", (1,))

ACTIVITY = (
    Block(
        "",
        "IDENTITAS KEGIATAN",
        (
            Field("judul_kegiatan", "", "Judul kegiatan"),
            Field("tahun_kegiatan", "", "Tahun kegiatan", "number"),
            Field("kode_kegiatan", "", "Kode kegiatan (diisi oleh petugas)", is_for_bps=True),
            _choice(
                "jenis_statistik",
                "",
                "Jenis kegiatan statistik (isian laman INDAH)",
                {1: "Statistik dasar", 2: "Statistik sektoral", 3: "Statistik khusus"},
            ),
            _choice(
                "cara_pengumpulan_data",
                "",
                "Cara pengumpulan data",
                {
                    1: "Pencacahan lengkap",
                    2: "Survei",
                    3: "Kompilasi produk administrasi",
                    4: "Cara lain sesuai dengan perkembangan TI",
                },
            ),
            _choice(
                "sektor_kegiatan",
                "",
                "Sektor kegiatan",
                dict(
                    enumerate(
                        (
                            "Pertanian dan Perikanan",
                            "Demografi dan Kependudukan",
                            "Pembangunan",
                            "Proyeksi Ekonomi",
                            "Pendidikan dan Pelatihan",
                            "Lingkungan",
                            "Keuangan",
                            "Globalisasi",
                            "Kesehatan",
                            "Industri dan Jasa",
                            "Teknologi Informasi dan Komunikasi",
                            "Perdagangan Internasional dan Neraca Perdagangan",
                            "Ketenagakerjaan",
                            "Neraca Nasional",
                            "Indikator Ekonomi Bulanan",
                            "Produktivitas",
                            "Harga dan Paritas Daya Beli",
                            "Sektor Publik, Perpajakan, dan Regulasi Pasar",
                            "Perwilayahan dan Perkotaan",
                            "Ilmu Pengetahuan dan Hak Paten",
                            "Perlindungan Sosial dan Kesejahteraan",
                            "Transportasi",
                        ),
                        start=1,
                    )
                ),
            ),
            Field(
                "apakah_mendapat_rekomendasi",
                "",
                "Jika survei statistik sektoral, apakah mendapatkan rekomendasi kegiatan statistik "
                "dari BPS?",
                "code",
                YES_NO,
                asked_if=_IS_SURVEY,
            ),
            Field(
                "identitas_rekomendasi",
                "",
                "Identitas rekomendasi",
                asked_if=("apakah_mendapat_rekomendasi", (1,)),
            ),
        ),
    ),
    Block(
        "I",
        "PENYELENGGARA",
        (
            Field("instansi_penyelenggara", "1.1", "Instansi penyelenggara"),
            Field("alamat_penyelenggara", "1.2", "Alamat lengkap instansi penyelenggara"),
            Field("telepon_penyelenggara", "1.2", "Telepon"),
            Field("faksimile_penyelenggara", "1.2", "Faksimile"),
            Field("email_penyelenggara", "1.2", "E-mail"),
        ),
    ),
    Block(
        "II",
        "PENANGGUNG JAWAB",
        (
            Field("eselon_1", "2.1", "Unit eselon penanggung jawab: eselon 1"),
            Field("eselon_2", "2.1", "Unit eselon penanggung jawab: eselon 2"),
            Field(
                "jabatan_penanggung_jawab",
                "2.2",
                "Penanggung jawab teknis (setingkat eselon 3): jabatan",
            ),
            Field("alamat_penanggung_jawab", "2.2", "Penanggung jawab teknis: alamat"),
            Field("telepon_penanggung_jawab", "2.2", "Penanggung jawab teknis: telepon"),
            Field("faksimile_penanggung_jawab", "2.2", "Penanggung jawab teknis: faksimile"),
            Field("email_penanggung_jawab", "2.2", "Penanggung jawab teknis: e-mail"),
        ),
    ),
    Block(
        "III",
        "PERENCANAAN DAN PERSIAPAN",
        (
            Field("latar_belakang_kegiatan", "3.1", "Latar belakang kegiatan"),
            Field("tujuan_kegiatan", "3.2", "Tujuan kegiatan"),
            *(
                Field(f"jadwal_{step}_{end}", "3.3", f"Rencana jadwal: {label}, {end}", "date")
                for step, label in _SCHEDULE.items()
                for end in ("awal", "akhir")
            ),
        ),
    ),
    Block(
        "IV",
        "DESAIN KEGIATAN",
        (
            _choice(
                "kegiatan_ini_dilakukan",
                "4.1",
                "Kegiatan ini dilakukan",
                {1: "Hanya sekali", 2: "Berulang"},
            ),
            Field(
                "frekuensi_penyelenggaraan",
                "4.2",
                "Jika berulang, frekuensi penyelenggaraan",
                "code",
                {
                    1: "Harian",
                    2: "Mingguan",
                    3: "Bulanan",
                    4: "Triwulanan",
                    5: "Empat bulanan",
                    6: "Semesteran",
                    7: "Tahunan",
                    8: "> Dua tahunan",
                },
                asked_if=("kegiatan_ini_dilakukan", (2,)),
            ),
            _choice(
                "tipe_pengumpulan_data",
                "4.3",
                "Tipe pengumpulan data",
                {
                    1: "Longitudinal panel",
                    2: "Longitudinal cross sectional",
                    3: "Cross sectional",
                },
            ),
            _choice(
                "cakupan_wilayah_pengumpulan_data",
                "4.4",
                "Cakupan wilayah pengumpulan data",
                {1: "Seluruh wilayah Indonesia", 2: "Sebagian wilayah Indonesia"},
            ),
            Field(
                "wilayah_kegiatan",
                "4.5",
                "Jika sebagian wilayah Indonesia, wilayah kegiatan (provinsi, kabupaten/kota)",
                asked_if=("cakupan_wilayah_pengumpulan_data", (2,)),
            ),
            *_several(
                "metode_pengumpulan_data",
                "4.6",
                "Metode pengumpulan data",
                "Wawancara",
                "Mengisi kuesioner sendiri (swacacah)",
                "Pengamatan (observasi)",
                "Pengumpulan data sekunder",
                "Lainnya",
            ),
            *_several(
                "sarana_pengumpulan_data",
                "4.7",
                "Sarana pengumpulan data",
                "Paper-assisted Personal Interviewing (PAPI)",
                "Computer-assisted Personal Interviewing (CAPI)",
                "Computer-assisted Telephones Interviewing (CATI)",
                "Computer Aided Web Interviewing (CAWI)",
                "Mail",
                "Lainnya",
            ),
            *_several(
                "unit_pengumpulan_data",
                "4.8",
                "Unit pengumpulan data",
                "Individu",
                "Rumah tangga",
                "Usaha/perusahaan",
                "Lainnya",
            ),
        ),
    ),
    Block(
        "V",
        "DESAIN SAMPEL (diisi jika cara pengumpulan data adalah survei)",
        (
            Field(
                "jenis_rancangan_sampel",
                "5.1",
                "Jenis rancangan sampel",
                "code",
                {1: "Single stage/phase", 2: "Multi stage/phase"},
                asked_if=_IS_SURVEY,
            ),
            Field(
                "metode_pemilihan_sampel_tahap_terakhir",
                "5.2",
                "Metode pemilihan sampel tahap terakhir",
                "code",
                {1: "Sampel probabilitas", 2: "Sampel nonprobabilitas"},
                asked_if=_IS_SURVEY,
            ),
            Field(
                "metode_yang_digunakan",
                "5.3",
                "Metode yang digunakan (probabilitas 1-5, nonprobabilitas 6-10)",
                "code",
                {
                    1: "Simple random sampling",
                    2: "Systematic random sampling",
                    3: "Stratified random sampling",
                    4: "Cluster sampling",
                    5: "Multi stage sampling",
                    6: "Quota sampling",
                    7: "Accidental sampling",
                    8: "Purposive sampling",
                    9: "Snowball sampling",
                    10: "Saturation sampling",
                },
                asked_if=("metode_pemilihan_sampel_tahap_terakhir", (1, 2)),
            ),
            Field(
                "kerangka_sampel_tahap_terakhir",
                "5.4",
                "Kerangka sampel tahap terakhir",
                "code",
                {1: "List frame", 2: "Area frame"},
                asked_if=_IS_PROBABILITY,
            ),
            Field(
                "fraksi_sampel_keseluruhan",
                "5.5",
                "Fraksi sampel keseluruhan",
                asked_if=_IS_PROBABILITY,
            ),
            Field(
                "nilai_perkiraan_sampling_error",
                "5.6",
                "Nilai perkiraan sampling error variabel utama",
                asked_if=_IS_PROBABILITY,
            ),
            Field("unit_sampel", "5.7", "Unit sampel", asked_if=_IS_SURVEY),
            Field("unit_observasi", "5.8", "Unit observasi", asked_if=_IS_SURVEY),
        ),
    ),
    Block(
        "VI",
        "PENGUMPULAN DATA",
        (
            _choice(
                "apakah_melakukan_uji_coba",
                "6.1",
                "Apakah melakukan uji coba (pilot survey)?",
                YES_NO,
            ),
            *_several(
                "metode_pemeriksaan_kualitas",
                "6.2",
                "Metode pemeriksaan kualitas pengumpulan data",
                "Kunjungan kembali (revisit)",
                "Supervisi",
                "Task force",
                "Lainnya",
            ),
            _choice(
                "apakah_melakukan_penyesuaian_nonrespon",
                "6.3",
                "Apakah melakukan penyesuaian nonrespon?",
                YES_NO,
            ),
            Field(
                "petugas_pengumpulan_data",
                "6.4",
                "Petugas pengumpulan data",
                "code",
                {
                    1: "Staf instansi penyelenggara",
                    2: "Mitra/tenaga kontrak",
                    3: "Staf instansi penyelenggara dan mitra/tenaga kontrak",
                },
                asked_if=_HAS_COLLECTORS,
            ),
            Field(
                "persyaratan_pendidikan_terendah",
                "6.5",
                "Persyaratan pendidikan terendah petugas pengumpulan data",
                "code",
                {1: "≤ SMP", 2: "SMA/SMK", 3: "Diploma I/II/III", 4: "Diploma IV/S1/S2/S3"},
                asked_if=_HAS_COLLECTORS,
            ),
            Field(
                "jumlah_petugas_supervisor",
                "6.6",
                "Jumlah petugas: supervisor/penyelia/pengawas (orang)",
                "number",
                asked_if=_HAS_COLLECTORS,
            ),
            Field(
                "jumlah_petugas_enumerator",
                "6.6",
                "Jumlah petugas: pengumpul data/enumerator (orang)",
                "number",
                asked_if=_HAS_COLLECTORS,
            ),
            Field(
                "apakah_melakukan_pelatihan_petugas",
                "6.7",
                "Apakah melakukan pelatihan petugas?",
                "code",
                YES_NO,
                asked_if=_HAS_COLLECTORS,
            ),
        ),
    ),
    Block(
        "VII",
        "PENGOLAHAN DAN ANALISIS",
        (
            *(
                _choice(f"tahapan_{key}", "7.1", f"Tahapan pengolahan data: {label}", YES_NO)
                for key, label in {
                    "editing": "penyuntingan (editing)",
                    "coding": "penyandian (coding)",
                    "entry": "data entry",
                    "validasi": "penyahihan (validasi)",
                }.items()
            ),
            _choice(
                "metode_analisis",
                "7.2",
                "Metode analisis",
                {1: "Deskriptif", 2: "Inferensia", 3: "Deskriptif dan inferensia"},
            ),
            *_several(
                "unit_analisis",
                "7.3",
                "Unit analisis",
                "Individu",
                "Rumah tangga",
                "Usaha/perusahaan",
                "Lainnya",
            ),
            *_several(
                "tingkat_penyajian",
                "7.4",
                "Tingkat penyajian hasil analisis",
                "Nasional",
                "Provinsi",
                "Kabupaten/kota",
                "Kecamatan",
                "Lainnya",
            ),
        ),
    ),
    Block(
        "VIII",
        "DISEMINASI HASIL",
        (
            *(
                _choice(
                    f"produk_{key}",
                    "8.1",
                    f"Produk kegiatan yang tersedia untuk umum: {label}",
                    YES_NO,
                )
                for key, label in {
                    "tercetak": "tercetak (hardcopy)",
                    "digital": "digital (softcopy)",
                    "mikrodata": "data mikro",
                }.items()
            ),
            *(
                Field(
                    f"rilis_{key}",
                    "8.2",
                    f"Rencana rilis produk kegiatan: {label}",
                    "date",
                    asked_if=(f"produk_{key}", (1,)),
                )
                for key, label in {
                    "tercetak": "tercetak",
                    "digital": "digital",
                    "mikrodata": "data mikro",
                }.items()
            ),
        ),
    ),
)

# Asked once, and then said of every indicator or variable.
OF_INDICATORS = (
    Field("konsep_indikator", "(3)", "Konsep setiap indikator"),
    Field("level_estimasi", "(16)", "Level estimasi setiap indikator"),
    _choice("indikator_diakses_umum", "(17)", "Apakah indikator dapat diakses umum?", YES_NO),
)
OF_VARIABLES = (
    Field("referensi_pemilihan", "(6)", "Referensi pemilihan setiap pertanyaan"),
    _choice("variabel_diakses_umum", "(12)", "Apakah variabel dapat diakses umum?", YES_NO),
)

FIELDS = {
    each.key: each
    for each in (
        *(each for block in ACTIVITY for each in block.fields),
        *OF_INDICATORS,
        *OF_VARIABLES,
    )
}
"""Every field that the seed may state."""

INDICATOR_COLUMNS = {
    "nama": ("(2)", "Nama indikator"),
    "konsep": ("(3)", "Konsep"),
    "definisi": ("(4)", "Definisi"),
    "interpretasi": ("(5)", "Interpretasi"),
    "metode": ("(6)", "Metode/rumus penghitungan"),
    "ukuran": ("(7)", "Ukuran"),
    "satuan": ("(8)", "Satuan"),
    "klasifikasi": ("(9)", "Klasifikasi penyajian"),
    "komposit": ("(10)", "Apakah indikator komposit? (Ya-1, Tidak-2)"),
    "pembangun_publikasi": ("(11)", "Indikator pembangun: publikasi ketersediaan"),
    "pembangun_nama": ("(12)", "Indikator pembangun: nama"),
    "variabel_kegiatan": ("(13)", "Variabel pembangun: kegiatan penghasil"),
    "variabel_kode": ("(14)", "Variabel pembangun: kode kegiatan (diisi petugas)"),
    "variabel_nama": ("(15)", "Variabel pembangun: nama"),
    "level_estimasi": ("(16)", "Level estimasi"),
    "diakses_umum": ("(17)", "Apakah indikator dapat diakses umum? (Ya-1, Tidak-2)"),
}
VARIABLE_COLUMNS = {
    "nama": ("(2)", "Nama variabel"),
    "alias": ("(3)", "Alias"),
    "konsep": ("(4)", "Konsep"),
    "definisi": ("(5)", "Definisi"),
    "referensi_pemilihan": ("(6)", "Referensi pemilihan"),
    "referensi_waktu": ("(7)", "Referensi waktu"),
    "tipe_data": ("(8)", "Tipe data"),
    "ukuran": ("INDAH", "Ukuran"),
    "satuan": ("INDAH", "Satuan"),
    "klasifikasi_isian": ("(9)", "Klasifikasi isian"),
    "aturan_validasi": ("(10)", "Aturan validasi"),
    "kalimat_pertanyaan": ("(11)", "Kalimat pertanyaan"),
    "diakses_umum": ("(12)", "Apakah variabel dapat diakses umum? (Ya-1, Tidak-2)"),
}
