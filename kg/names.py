"""Unicode forms of names: the one form that is stored, and the folded ones that are searched.

Spec: docs/reference/release.md, "The index of labels"
"""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final


def nfc(text: str) -> str:
    """Return `text` in Unicode Normalization Form C, the only form that is published.

    Spec: Unicode Standard Annex #15.
    """
    return unicodedata.normalize("NFC", text)


def is_nfc(text: str) -> bool:
    """Return whether `text` is in Normalization Form C already."""
    return unicodedata.is_normalized("NFC", text)


def plain(text: str) -> str:
    """Return `text` as it is written but for case and spaces: NFC, case-folded, single spaces.

    It tells apart what `fold` takes for the same.
    """
    return " ".join(nfc(text).casefold().split())


def fold(text: str) -> str:
    """Return the words of a label as they are searched, with a single space between them.

    Spellings of one name become one: compatibility forms, case, diacritics of Latin, Greek and
    Cyrillic, nukta, nasals and joiners of Bengali and Devanagari, vowel points of Arabic and
    Hebrew, digits of any script. Punctuation separates words, apostrophes are dropped. Vowel signs
    are kept: in Bengali and Devanagari they tell words apart. Where nothing would be left, as of
    punctuation alone, it is the text in compatibility form.

    >>> fold("P'yŏngyang"), fold("Kim Jong-Un"), fold("हिन्दी") == fold("हिंदी")
    ('pyongyang', 'kim jong un', True)
    """
    found = " ".join(folded for word in text.split() if (folded := _folded(word)))
    return found or " ".join(_compatible(text).split())


def loosen(word: str) -> str:
    """Return a folded word with sounds that are often confused in writing made one.

    Vowel length, sibilants and nasals of Bengali and Hindi, letters of Cyrillic and Arabic that
    stand for each other. It tells too little apart to be searched alone: it only measures how
    alike two words are.

    >>> loosen("পিয়ংইয়াং") == loosen("পীয়ংইয়াং")
    True
    """
    return word.translate(_LOOSE) or word


def units(word: str) -> tuple[str, ...]:
    """Return the letters of a folded word in which errors are counted.

    A letter of a conjunct stands with the sign that joins it; a syllable of Hangul is its two or
    three letters.

    >>> units("মস্কো")
    ('ম', 'স', '্ক', 'ো')
    """
    found: list[str] = []
    for char in word:
        if "가" <= char <= "힣":
            found.extend(unicodedata.normalize("NFD", char))
        elif found and found[-1] in _VIRAMAS:
            found[-1] += char
        else:
            found.append(char)
    return tuple(found)


def pairs_of_units(word: str) -> set[str]:
    """Return each two letters in a row of a folded word, and its first and its last one alone.

    >>> sorted(pairs_of_units("kim"))
    [' k', 'im', 'ki', 'm ']
    """
    row = (" ", *units(word), " ")
    return {one + two for one, two in itertools.pairwise(row)}


def form_number(form: str) -> int:
    """Return the number under which labels of a folded form are found; others may share it.

    >>> form_number("white house") == form_number("white house"), abs(form_number("")) < 2**63
    (True, True)
    """
    return int.from_bytes(hashlib.blake2b(form.encode(), digest_size=8).digest(), signed=True)


def joined(folded: str) -> str:
    """Return the words of a short folded label as one word, for whoever writes no spaces in it.

    It is empty for one word, and where there are more than 4 words or 32 characters.

    >>> joined("김 정은"), joined("rossiya")
    ('김정은', '')
    """
    if 0 < folded.count(" ") < 4 and len(folded) <= 32:
        return folded.replace(" ", "")
    return ""


def errors_allowed(word: str) -> int:
    """Return how many errors a folded word may have: 1 from four letters on, 2 from eight.

    A syllable of Hangul counts as two letters.
    """
    length = sum(2 if "가" <= char <= "힣" else char not in _VIRAMAS for char in word)
    return 0 if length < 4 else 1 if length < 8 else 2


def stems(word: str) -> Iterator[str]:
    """Yield a folded Bengali or Hindi word without the endings that may be glued to it.

    >>> list(stems(fold("মস্কোর")))
    ['মস্কো']
    """
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            yield word[: -len(ending)]


def base_forms(word: str) -> Iterator[str]:
    """Yield what a folded word may be a case form of; only what is a word somewhere is one.

    In Bengali and Hindi as `stems`; in Russian and Ukrainian, where other endings take the place of
    what was cut off; in Korean without the particle.

    >>> "россия" in base_forms(fold("России")), list(base_forms("한국의"))
    (True, ['한국'])
    """
    yield from stems(word)
    for ending, instead in _CYRILLIC:
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            yield word[: -len(ending)] + instead
    for ending in _KOREAN:
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            yield word[: -len(ending)]


def without_particles(folded: str) -> str:
    """Return a folded name without the Hindi postpositions at its end.

    >>> without_particles("रूस के"), without_particles("के")
    ('रूस', 'के')
    """
    words = folded.split()
    while len(words) > 1 and words[-1] in _POSTPOSITIONS:
        words.pop()
    return " ".join(words)


def inflected_from(text: str) -> frozenset[str]:
    """Return the folded names of which a text may be a case form, itself included.

    >>> "роза" in inflected_from("Розы"), "северная корея" in inflected_from("Северной Кореи")
    (True, True)
    """
    folded = without_particles(fold(text))
    words = folded.split()
    if len(words) > _INFLECTED:
        return frozenset((folded,))
    options = [tuple(dict.fromkeys((word, *base_forms(word)))) for word in words]
    every = itertools.islice(itertools.product(*reversed(options)), _FORMS)
    return frozenset(" ".join(reversed(some)) for some in every)


_INFLECTED: Final = 6
"""Words of a name of which case forms are looked for."""
_FORMS: Final = 256
_VIRAMAS: Final = frozenset("्্੍્୍்్್්")
_ENDINGS: Final = (
    # The longest first. Bengali, after nukta was dropped: cases, plural, article
    *("গুলোর", "গুলির", "েদের", "গুলো", "গুলি", "দের", "টির", "টার", "েরা", "েতে"),
    *("ের", "কে", "রে", "তে", "টি", "টা", "রা", "র", "য", "ে"),
    # Hindi: oblique and plural, and postpositions that are written without a space
    *("ियों", "ियां", "में", "ों", "ओं", "ें", "एं", "का", "के", "की", "को", "ने", "से"),
)

_POSTPOSITIONS: Final = frozenset(("ने", "को", "से", "में", "पर", "का", "की", "के"))
# After й became и, ё е and ї і. What a word of which gender, number and ending has instead.
_CYRILLIC: Final = tuple(
    (ending, instead)
    for instead, endings in (
        ("", "а у ом ем е ым і ові"),
        ("а", "ы и е у ои ою і"),
        ("я", "и ю е еи ею і єю"),
        ("о", "а у ом е"),
        ("и", "я ю ем е"),  # of й
        ("ь", "я ю ем и ью"),
        ("ы", "ов ам ами ах"),
        ("и", "ів"),
        ("ая", "ои ую"),
        ("ое", "ого ому ым ом"),
        ("ии", "ого ому им ом"),
        ("ыи", "ого ому ым ом"),
        ("ые", "ых ым ыми"),
        ("ие", "их им ими"),
    )
    for ending in endings.split()
)
_KOREAN: Final = (
    *("에서는", "에서", "에게", "으로", "은", "는", "이", "가", "을", "를", "의", "에", "와", "과"),
    *("도", "로"),
)

# Letters that have no decomposition, and marks of punctuation that are letters to Unicode.
_LETTERS: Final = {
    **dict.fromkeys(map(ord, "'’‘ʼʻʹʾʿ`´′＇ʽˈ׳"), ""),
    # What chooses among pictures of a letter, or is drawn as nothing
    **dict.fromkeys((0x34F, 0x115F, 0x1160, *range(0x180B, 0x180F), *range(0xFE00, 0xFE10)), ""),
    **dict.fromkeys(range(0xE0100, 0xE01F0), ""),
    **str.maketrans("øłđðıħŧŋɖƀəɓɗ", "olddihtndbebd"),
    ord("þ"): "th",
    ord("æ"): "ae",
    ord("œ"): "oe",
    **str.maketrans("ґғқңҳ", "ггкнх"),
    # Bengali and Assamese: nukta and visarga, forms of ra and ba, ta without a vowel
    **str.maketrans("ৰৱ", "রব", "়ঃ"),
    ord("ৎ"): "ত্",
    # Devanagari: nukta and visarga, chandrabindu, and the vowels of English words
    **str.maketrans("ँॉऑॅऍॲ", "ंाआेएअ", "़ः"),
    # Arabic script: tatweel and hamza, forms of alef, yeh, kaf and heh
    **str.maketrans("ٱىیېکۀەہھۃ", "ايييكهههه" + "ة", "ـء"),
}
_LOOSE: Final = {
    **str.maketrans("ণশষীঈূঊ", "নসসিইুউ", "ঁ"),
    **str.maketrans("णशषीईूऊ", "नससिइुउ"),
    **str.maketrans("іыєэў", "ииееу", "ьъ"),
    **str.maketrans("ةؤئ", "هوي"),
}
_NASALS: Final = re.compile("(?:ङ्(?=[क-घ])|ञ्(?=[च-झ])|ण्(?=[ट-ढ])|न्(?=[त-ध])|म्(?=[प-भ]))")
_BENGALI_NG: Final = re.compile("ঙ্?")


def _compatible(text: str) -> str:
    """Return the text in compatibility form, case-folded."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=1 << 16)
def _folded(word: str) -> str:
    """Return the folded form of a word without spaces; it may have become several, or nothing."""
    if word.isascii() and word.isalnum():
        return word.lower()
    # One rule may make what another one is about: until nothing changes.
    for _ in range(8):
        found = " ".join(filter(None, (_folded_once(part) for part in word.split())))
        if found == word:
            break
        word = found
    return word


def _folded_once(word: str) -> str:
    kept = []
    for char in unicodedata.normalize("NFD", _compatible(word).translate(_LETTERS)):
        kind = unicodedata.category(char)
        if kind == "Nd":
            kept.append(str(unicodedata.decimal(char)))
        elif kind == "Mn" and unicodedata.combining(char) not in (0, 7, 8, 9):
            # Vowel signs have class 0, nukta 7, voicing of kana 8, virama 9.
            if unicodedata.name(char, "").split(" ")[0] in _KEPT:
                kept.append(char)
        elif kind[0] in "LMN":
            kept.append(char)
        elif kind != "Cf":
            kept.append(" ")
    text = unicodedata.normalize("NFC", "".join(kept).translate(_LETTERS))
    return " ".join(_BENGALI_NG.sub("ং", _NASALS.sub("ं", text)).split())


_KEPT: Final = frozenset(
    {
        *("BENGALI", "DEVANAGARI", "KHMER", "LAO", "MYANMAR", "SINHALA", "TAMIL", "TELUGU"),
        *("THAI", "TIBETAN"),
    }
)
"""Scripts whose marks are no diacritics, though Unicode reorders them."""
