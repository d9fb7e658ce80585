"""A customer's real name never reaches a public place: types first, a scanner last.

`Confidential` holds what must not be shown. `PublicText` is what may be, made by `declassify` alone. `KnownNames` finds
names in a text or in the bytes of a request, in whatever disguise.

Handbook: customer-success#assign-a-customer-codename
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import compress, count
from typing import Any, Generic, NoReturn, Self, TypeVar, cast, final, get_args

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from policies.disguises import View, views
from policies.name_forms import Form, ShortForm, forms

MASK = "***"
ANCHOR = 4  # letters of a name that are searched for first: what array("I") holds in one number
Value_co = TypeVar("Value_co", covariant=True)


@final
class Confidential(Generic[Value_co]):
    """Holds a value that is shown nowhere. `reveal()` is the only way out.

    As a pydantic field it takes the bare value or another Confidential. When pydantic refuses a value of the wrong type
    its message shows that value; set `hide_input_in_errors` in the model, as with pydantic's own SecretStr.
    """

    __slots__ = ("_value",)
    _value: Value_co

    def __init__(self, value: Value_co) -> None:
        object.__setattr__(self, "_value", value)

    def reveal(self) -> Value_co:
        """Gives the value, to the one call that needs it."""
        return self._value

    def __str__(self) -> str:
        return MASK

    __repr__ = __str__

    def __format__(self, _: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Confidential) and bool(self._value == cast("Confidential[object]", other).reveal())

    def __hash__(self) -> int:
        return hash(self._value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("A Confidential value doesn't change. Make another one.")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("Confidential values are not pickled. Hand an id on and read the value where it is needed.")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        (inner,) = get_args(source) or (Any,)
        wrapped = core_schema.no_info_after_validator_function(cls, handler(inner))
        return core_schema.json_or_python_schema(
            json_schema=wrapped,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), wrapped]),
            serialization=core_schema.plain_serializer_function_ser_schema(
                _masked, return_schema=core_schema.str_schema()
            ),
        )


def _masked(_: object) -> str:
    return MASK


def revealed(value: Any) -> Any:
    """Gives what a confidential value holds, and any other value as it is: for the call that sends both."""
    return cast("Confidential[Any]", value).reveal() if isinstance(value, Confidential) else value


@final
class PublicText:
    """A text in which no name has been found. Only `declassify` makes one; what is added to it is plain text again."""

    __slots__ = ("_text",)
    _text: str

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("PublicText is made by declassify(text, names) alone, which looks for names first.")

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"PublicText({self._text!r})"

    def __add__(self, other: str) -> str:
        return self._text + other

    def __radd__(self, other: str) -> str:
        return other + self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicText) and self._text == str(other)

    def __hash__(self) -> int:
        return hash(self._text)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("A PublicText doesn't change. Declassify another text.")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("PublicText is not pickled: nobody could tell whether it has been looked through.")


@dataclass(frozen=True)
class Finding:
    """A name in a text: whose, where (offsets in the text, of bytes in their decoded text), in which disguise or ""."""

    owner: str
    start: int
    end: int
    disguise: str


class Leak(ValueError):
    """A text for the public holds customers' real names. Says where and whose, never the name or what is around it."""

    def __init__(self, place: str, text: str, findings: Collection[Finding]) -> None:
        self.findings = tuple(findings)
        found = "; ".join(_told(finding, text) for finding in self.findings[:_TOLD])
        more = f"; and {len(findings) - _TOLD} more" if len(findings) > _TOLD else ""
        super().__init__(
            f"{place} holds a customer's real name: {found}{more}. Nothing was sent. Write the codename label instead, "
            "or take the name out, and start again."
        )


_TOLD = 5  # findings in one message


def _told(finding: Finding, text: str) -> str:
    line = text.count("\n", 0, finding.start) + 1
    disguise = f", {finding.disguise}" if finding.disguise else ""
    return f"that of {finding.owner} at character {finding.start} in line {line}{disguise}"


class KnownNames:
    """Every name to look for, made ready once.

    pairs: whose name it is ("Salesforce account 001...", "label customer-pallas"), and the name.
    codenames: minor planets in use, which are not taken for the first word of a customer's name.
    """

    def __init__(self, pairs: Iterable[tuple[str, Confidential[str]]], codenames: Iterable[str] = ()) -> None:
        in_use = frozenset(codename.lower() for codename in codenames)
        found = [form for owner, name in pairs for form in forms(owner, name.reveal(), in_use)]
        self._short = [form for form in found if isinstance(form, ShortForm)]
        self._forms: dict[int, list[tuple[int, Form]]] = {}
        for form in found:
            if isinstance(form, Form):
                anchor = form.rarest(ANCHOR)
                (four,) = array("I", form.letters[anchor : anchor + ANCHOR])
                self._forms.setdefault(four, []).append((anchor, form))

    def find(self, text: str | bytes) -> list[Finding]:
        """Gives every name in a text or in the bytes of a request, in the order of the text."""
        found: dict[str, list[Finding]] = {}
        for view in views(_text(text)):
            for owner, start, end in self._spans(view):
                finding = Finding(owner, *view.back(start, end), view.disguise)
                known = found.setdefault(owner, [])
                if not any(finding.start < other.end and other.start < finding.end for other in known):
                    known.append(finding)
        return sorted((each for known in found.values() for each in known), key=lambda finding: finding.start)

    def _spans(self, view: View) -> Iterator[tuple[str, int, int]]:
        for at, form in self._spelled(view.letters):
            if span := form.stands_at(view, at):
                yield form.owner, *span
        for form in self._short:
            for match in form.pattern.finditer(view.text):
                yield form.owner, *match.span()

    def _spelled(self, letters: bytes) -> Iterator[tuple[int, Form]]:
        """Gives where the letters of a name stand.

        Four letters are read as one number, at each of the four offsets, so that all but the hits is done in C.
        """
        for offset in range(ANCHOR):
            fours = array("I", letters[offset : offset + (len(letters) - offset) // ANCHOR * ANCHOR])
            for index in compress(count(), map(self._forms.__contains__, fours)):
                for anchor, form in self._forms[fours[index]]:
                    at = offset + index * ANCHOR - anchor
                    if at >= 0 and letters.startswith(form.letters, at):
                        yield at, form


def _text(data: str | bytes) -> str:
    if isinstance(data, str):
        return data
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def declassify(text: str, names: KnownNames) -> PublicText:
    """Gives the text as one that anybody may read.

    Raises:
        Leak: it holds a customer's real name.
    """
    _refuse("The text", text, names)
    public = object.__new__(PublicText)
    object.__setattr__(public, "_text", text)
    return public


def scan_request(method: str, url: str, body: bytes, names: KnownNames) -> None:
    """Looks through a request to a public place, the last thing before its bytes leave.

    Raises:
        Leak: it holds a customer's real name.
    """
    _refuse(f"The address of a public {method} request", url, names)
    _refuse(f"The body of a public {method} request", body, names)


def _refuse(place: str, data: str | bytes, names: KnownNames) -> None:
    if findings := names.find(data):
        raise Leak(place, _text(data), findings)
