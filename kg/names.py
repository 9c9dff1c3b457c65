"""Unicode forms of names: the one form that is stored, and the folded form that is searched."""

import unicodedata


def nfc(text: str) -> str:
    """Return `text` in Unicode Normalization Form C, the only form that is published.

    Spec: Unicode Standard Annex #15.
    """
    return unicodedata.normalize("NFC", text)


def is_nfc(text: str) -> bool:
    """Return whether `text` is in Normalization Form C already."""
    return unicodedata.is_normalized("NFC", text)


def fold(text: str) -> str:
    """Return the form of a label under which it is searched: NFC, case-folded, single spaces.

    Marks are kept: in Bengali and Devanagari a vowel sign tells words apart.
    """
    return " ".join(nfc(text).casefold().split())
