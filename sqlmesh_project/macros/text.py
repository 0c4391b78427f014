"""What is blank, and how a text, a key or a code is cleaned: the one definition of all models.

A pipeline that cleans a key has to strip the same characters: ``value.strip(WHITE_SPACE)``.
"""

from sqlglot import exp

# Unicode's white space, the separators that Python's ``str.strip`` knows besides, and what has no
# width: zero-width spaces and joiners, marks of direction, the byte order mark. Spreadsheets and
# web pages leave them around a value, where nobody sees them.
WHITE_SPACE = (
    "\t\n\x0b\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u180e"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f"
    "\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
VISIBLE_ENDS = "^[!-~](.*[!-~])?$"


def cleaned(value: exp.Expr) -> exp.Expr:
    """TEXT without white space around it; NULL when nothing is left."""
    trimmed = exp.Trim(this=value.copy(), expression=_white_space())
    known = exp.func("NULLIF", trimmed, exp.Literal.string(""))
    # TRIM compares each character with the list, which takes ten times as long; hardly any text
    # begins or ends with anything but a visible character of ASCII.
    is_clean = exp.RegexpLike(this=value.copy(), expression=exp.Literal.string(VISIBLE_ENDS))
    return exp.Case(ifs=[exp.If(this=is_clean, true=value.copy())], default=known)


def name_key(value: exp.Expr) -> exp.Expr:
    """TEXT that is the same for spellings that differ by case or white space only."""
    solid = exp.func("TRANSLATE", value.copy(), _white_space(), exp.Literal.string(""))
    return exp.Upper(this=solid)


def _white_space() -> exp.Expr:
    """TEXT of the characters. The vertical tab by its number: Snowflake has no escape for it."""
    rest = exp.Literal.string(WHITE_SPACE.replace("\x0b", ""))
    return exp.Concat(expressions=[exp.Chr(expressions=[exp.Literal.number(11)]), rest])
