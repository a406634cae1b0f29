# SPDX-FileCopyrightText: Carnegie Mellon University
# SPDX-License-Identifier: LGPL-2.1-only
"""The words that METEOR 1.5 takes for function words in English: relative frequency above 0.001 in a large corpus.

This list alone is taken, in another notation, from ``function/english.words`` of METEOR 1.5 (Michael Denkowski and Alon
Lavie, https://github.com/cmu-mtlab/meteor) and stays under its licence, whose text lies beside it in ``LGPL-2.1.txt``.
"""

__all__ = ["FUNCTION_WORDS"]

FUNCTION_WORDS = frozenset(
    [
        "the", ",", ".", "to", "of", "and", "a", "in", "that", "for", '"', "is", "on", "'s", "it", "with", "was",
        "as", "said", "at", "he", "by", "be", "from", "have", "has", "are", "his", "but", "an", "this", "not", "i",
        "will", "’", "they", ")", "-rrb-", "(", "-lrb-", "who", "their", "had", "we", "which", "were", "been", "more",
        "or", "s", "its", "would", "about", "new", "one", "after", "you", ":", "also", "up", "when", "there", "than",
        "$", "all", "out", "her", "people", "she", "year", "two", "-", "can", "if", "last", "first", "“", "over",
        "other", "”", "into", "some", "what", "so", "--", "no", "time", "years", "could", "?", "'t", "—", "'",
    ]
)  # fmt: skip
