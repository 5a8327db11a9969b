with
final as (
    select
        reasons.null_reason,
        reasons.name_id,
        reasons.name_en,
        reasons.explanation_id,
        reasons.explanation_en,
        reasons.sort_order,
    from (values
        (
            'suppressed', 'Terlalu sedikit orang', 'Too few people',
            'Disembunyikan: menurut jumlah yang terbit, lebih sedikit orang di baliknya daripada min_cell_n.',
            'Hidden: by published counts, fewer people stand behind it than min_cell_n.',
            1
        ),
        (
            'secondary', 'Disembunyikan untuk melindungi', 'Hidden to protect',
            'Disembunyikan agar jawaban segelintir orang, di baliknya atau di tempat lain, tidak dapat dihitung.',
            'Hidden, so that what a few people answered, behind it or elsewhere, can not be worked out.',
            2
        ),
        (
            'too_few_children', 'Terlalu sedikit bagian', 'Too few parts',
            'Bagian yang bernilai memikul bobot kurang dari min_weight_share.',
            'The parts that have a value carry less than min_weight_share of the weight.',
            3
        ),
        (
            'no_answers', 'Tidak ada jawaban', 'No answers',
            'Ditanyakan, tetapi tak seorang pun memberi jawaban yang sah.',
            'It was asked about, and nobody gave a valid answer.',
            4
        ),
        (
            'not_asked', 'Tidak ditanyakan', 'Not asked',
            'Kuesioner siklus ini tidak menanyakannya tentang tingkat ini.',
            'The questionnaire of this cycle does not ask it about this level.',
            5
        ),
        (
            'no_staff_frame', 'Tanpa kerangka pegawai', 'No staff frame',
            'Berapa orang seharusnya menjawab tidak diketahui: kerangka pegawai tidak memuatnya.',
            'How many should have answered is not known: the staff frame has none of them.',
            6
        ),
        (
            'no_variation', 'Tidak bervariasi', 'No variation',
            'Semua orang menjawab sama, sehingga tidak ada yang dapat berkorelasi.',
            'Everybody answered the same, so that nothing can go with it.',
            7
        ),
        (
            'incoherent', 'Korelasi tidak serasi', 'Correlations that do not fit',
            'Korelasinya, masing-masing dari orang yang berbeda, tidak mungkin benar sekaligus, atau satu jawaban '
            || 'dapat dihitung dari yang lain.',
            'Its correlations, each of other persons, can not all be true at once, or one answer tells another.',
            8
        )
    ) as reasons (null_reason, name_id, name_en, explanation_id, explanation_en, sort_order)
)

select * from final
