"""How a text, a key or a code is cleaned: the one definition of all models."""

from sqlglot import exp

from marquee.core.text import WHITE_SPACE

VISIBLE_ENDS = "^[!-~](.*[!-~])?$"


def cleaned(value: exp.Expr) -> exp.Expr:
    """TEXT without white space around it; NULL when nothing is left."""
    trimmed = exp.Trim(this=value.copy(), expression=_white_space())
    known = exp.func("NULLIF", trimmed, exp.Literal.string(""))
    # TRIM compares each character with the list, which takes ten times as long; hardly any text
    # begins or ends with anything but a visible character of ASCII.
    is_clean = exp.RegexpLike(this=value.copy(), expression=exp.Literal.string(VISIBLE_ENDS))
    return exp.case().when(is_clean, value).else_(known)


def name_key(value: exp.Expr) -> exp.Expr:
    """TEXT that is the same for spellings that differ by case or white space only."""
    solid = exp.func("TRANSLATE", value.copy(), _white_space(), exp.Literal.string(""))
    return exp.Upper(this=solid)


def _white_space() -> exp.Expr:
    """TEXT of the characters. The vertical tab by its number: Snowflake has no escape for it."""
    rest = exp.Literal.string(WHITE_SPACE.replace("\x0b", ""))
    return exp.Concat(expressions=[exp.Chr(expressions=[exp.Literal.number(11)]), rest])
