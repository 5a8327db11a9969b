with
final as (
    select
        verdicts.verdict,
        verdicts.name_id,
        verdicts.name_en,
        verdicts.explanation_id,
        verdicts.explanation_en,
        verdicts.sort_order,
    from (values
        (
            'better', 'Membaik', 'Better',
            'Naik, lebih dari kebetulan dan sedikitnya min_practical_change.',
            'Risen, by more than chance and at least min_practical_change.',
            1
        ),
        (
            'worse', 'Memburuk', 'Worse',
            'Turun, lebih dari kebetulan dan sedikitnya min_practical_change.',
            'Fallen, by more than chance and at least min_practical_change.',
            2
        ),
        (
            'same', 'Tidak berubah', 'Same',
            'Terbukti berubah kurang dari min_practical_change.',
            'Shown to have changed by less than min_practical_change.',
            3
        ),
        (
            'unknown', 'Belum dapat dipastikan', 'Not known',
            'Jawabannya terlalu sedikit untuk memutuskan.',
            'Too few answers to tell.',
            4
        ),
        (
            'higher', 'Pemberi menilai lebih tinggi', 'Providers rate higher',
            'Pemberi layanan menilai lebih tinggi daripada penerima, lebih dari kebetulan dan sedikitnya min_practical_change.',
            'Who gives the services rates them higher than who receives them, by more than chance and at least min_practical_change.',
            5
        ),
        (
            'lower', 'Pemberi menilai lebih rendah', 'Providers rate lower',
            'Pemberi layanan menilai lebih rendah daripada penerima, lebih dari kebetulan dan sedikitnya min_practical_change.',
            'Who gives the services rates them lower than who receives them, by more than chance and at least min_practical_change.',
            6
        ),
        (
            'equal', 'Penilaian sama', 'Rated alike',
            'Terbukti berbeda kurang dari min_practical_change.',
            'Shown to differ by less than min_practical_change.',
            7
        ),
        (
            'reached', 'Tercapai dengan pasti', 'Certainly reached',
            'Seluruh selang kepercayaan pada atau di atas target.',
            'The whole confidence interval is at or above the target.',
            8
        ),
        (
            'missed', 'Pasti belum tercapai', 'Certainly missed',
            'Seluruh selang kepercayaan di bawah target.',
            'The whole confidence interval is below the target.',
            9
        )
    ) as verdicts (verdict, name_id, name_en, explanation_id, explanation_en, sort_order)
)

select * from final
