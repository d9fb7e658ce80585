"""Measures the leak guard: names x disguises x sinks blocked, false blocks, milliseconds.

Run: python -m bench.leak_guard
"""

from __future__ import annotations

import base64
import json
import random
import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, quote_plus, urlencode

from confusable_homoglyphs import confusables  # pyright: ignore[reportMissingTypeStubs]

from policies.confidentiality import Confidential, KnownNames, Leak, declassify, scan_request

NAMES = (
    "Northwind Traders", "Contosoft", "Quillfeather Logistics, Inc.", "The Brackenridge Company", "7 Seas Analytics",
    "Marlowe & Daughters", "O'Halloran Freight", "Åkerström & Søn AB", "Łódzka Logistyka", "Grüntal Maschinenbau GmbH",
    "Fenwarren Aerospace", "Hartsong Music", "Marrowstone Games", "Granite Harbor Bank", "Vexlora", "Pallas Athletics",
    "Tamarisk-Ondine Holdings Ltd", "Corvane Health Sciences", "Café Zébulon", "Initrode Systems", "Umbravale",
    "Silvermoor Modern Textiles", "Kestrelbyte", "Dunmorrow Energy (EMEA)", "Wolfram & Hart-Quist LLC", "Zyphercorp",
    "Ellingham 42", "Bluefjord.io", "Мирвосток Техно", "東雲システム",
)  # fmt: skip
WORDS = ("Meridian", "Target Inc", "IBX", "Juno")  # found as that very word only
CODENAMES = ("pallas", "juno", "hebe", "thisbe", "semele")

Disguise = Callable[[str], str]
Sink = Callable[[str], tuple[str, str, bytes]]


def _words(name: str) -> list[str]:
    """Gives the words that count: what people would write of a name."""
    words = re.findall(r"[^\W_]+", name.replace("'", ""))
    return [word for word in words if word not in {"Inc", "The", "Company", "GmbH", "AB", "Ltd", "LLC", "EMEA", "io"}]


def _joined(separator: str) -> Disguise:
    return lambda name: separator.join(_words(name)).lower()


def _middle(inserted: str) -> Disguise:
    """Puts something between two letters of the first word that has four."""

    def disguise(name: str) -> str:
        at = next(word.start() for word in re.finditer(r"[^\W_]{4,}", name)) + 2
        return name[:at] + inserted + name[at:]

    return disguise


def _around_the_first_letters(before: str, after: str) -> Disguise:
    def disguise(name: str) -> str:
        at = next(word.start() for word in re.finditer(r"[^\W_]{4,}", name))
        return f"{name[:at]}{before}{name[at : at + 3]}{after}{name[at + 3 :]}"

    return disguise


def _between_letters(inserted: str) -> Disguise:
    return lambda name: inserted.join(name)


def _without_accents(name: str) -> str:
    plain = "".join(part for part in unicodedata.normalize("NFKD", name) if not unicodedata.combining(part))
    return plain.translate(str.maketrans("łŁøØ", "lLoO"))


def look_alikes() -> dict[str, list[str]]:
    """Gives the characters that Unicode lists as look-alikes of each Latin letter."""
    listed = cast("dict[str, list[dict[str, Any]]]", confusables.confusables_data)
    return {
        letter: [other["c"] for other in listed.get(letter, []) if len(other["c"]) == 1 and other["c"].isalpha()]
        for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    }


def _homoglyphs(which: int) -> Disguise:
    twins = look_alikes()
    return lambda name: "".join(twins[c][which % len(twins[c])] if twins.get(c) else c for c in name)


def _mathematical(name: str) -> str:
    return "".join(chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c for c in name)


def _full_width(name: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name)


def _every_percent(name: str) -> str:
    return "".join(f"%{byte:02X}" for byte in name.encode())


def _every_entity(name: str) -> str:
    return "".join(f"&#{ord(c)};" if at % 2 else f"&#x{ord(c):x};" for at, c in enumerate(name))


def _every_escape(name: str) -> str:
    return (
        json.dumps(name, ensure_ascii=True)[1:-1] if not name.isascii() else "".join(f"\\u{ord(c):04x}" for c in name)
    )


def _base64(before: str, encode: Callable[[bytes], bytes]) -> Disguise:
    return lambda name: encode(f"{before}{name} said".encode()).decode()


def _wrapped(name: str) -> str:
    encoded = base64.b64encode(f"Reported by {name} on Monday".encode()).decode()
    return "\n".join(encoded[at : at + 16] for at in range(0, len(encoded), 16))


DISGUISES: dict[str, Disguise] = {
    "as it is": lambda name: name,
    "upper case": str.upper,
    "lower case": str.lower,
    "hyphens": _joined("-"),
    "underscores": _joined("_"),
    "dots": _joined("."),
    "joined": _joined(""),
    "double spaces": _joined("  "),
    "spaced letters": _between_letters(" "),
    "in a host name": lambda name: f"vpn01-{_joined('')(name)}-prod.internal",
    "web address": lambda name: f"https://www.{_joined('-')(name)}.com/login",
    "mail address": lambda name: f"it.desk@{_joined('')(name)}.io",
    "possessive": lambda name: f"{name}'s",
    "decomposed accents (NFD)": lambda name: unicodedata.normalize("NFD", name),
    "without accents": _without_accents,
    "mathematical letters": _mathematical,
    "full-width letters": _full_width,
    **{f"look-alikes, set {which + 1}": _homoglyphs(which) for which in range(5)},
    "I for l, 0 for o": lambda name: name.replace("l", "I").replace("o", "0", 1),
    "rn for m": lambda name: name.replace("m", "rn"),
    "zero-width space": _middle("\u200b"),
    "zero-width joiners throughout": _between_letters("\u200d"),
    "soft hyphen": _middle("\u00ad"),
    "right-to-left mark": _middle("\u200f"),
    "byte order mark": _middle("\ufeff"),
    "HTML entities": _every_entity,
    "HTML entity of a soft hyphen": _middle("&shy;"),
    "percent-encoding": _every_percent,
    "percent-encoding twice": lambda name: quote(_every_percent(name)),
    "JSON escapes": _every_escape,
    "base64": lambda name: base64.b64encode(name.encode()).decode(),
    **{f"base64, {at} before": _base64("x" * at + " ", base64.b64encode) for at in range(3)},
    "base64, URL-safe": _base64("??>>", base64.urlsafe_b64encode),
    "base64 in lines": _wrapped,
    "base64 of base64": lambda name: base64.b64encode(base64.b64encode(name.encode())).decode(),
    "hexadecimal": lambda name: name.encode().hex(),
    "hexadecimal of base64": lambda name: base64.b64encode(name.encode()).hex(),
    "bold": _around_the_first_letters("**", "**"),
    "link in the middle": _around_the_first_letters("[", "](https://example.com/x)"),
    "reference link": _around_the_first_letters("[", "][1]"),
    "code": _around_the_first_letters("`", "`"),
    "struck out": _around_the_first_letters("~~", "~~"),
    "HTML tag": _around_the_first_letters("<b class='x'>", "</b>"),
    "HTML comment": _middle("<!-- -->"),
    "backslash": _middle("\\"),
    "line break": _middle("\n"),
    "quoted line break": _middle("\n> "),
    "hyphenated line break": _middle("-\n"),
    "line break between words": lambda name: name.replace(" ", "\n"),
}


def _sentence(hidden: str) -> str:
    return f"Reported today: {hidden} can't enroll hosts."


def _issue(hidden: str) -> tuple[str, str, bytes]:
    body = {"title": "Hosts don't enroll", "body": _sentence(hidden), "labels": ["bug"]}
    return "POST", "/repos/fleetdm/fleet/issues", json.dumps(body).encode()


def _readable_issue(hidden: str) -> tuple[str, str, bytes]:
    return (
        "PATCH",
        "/repos/fleetdm/fleet/issues/7",
        json.dumps({"body": _sentence(hidden)}, ensure_ascii=False).encode(),
    )


def _path(hidden: str) -> tuple[str, str, bytes]:
    return "DELETE", f"/repos/fleetdm/fleet/labels/{quote('for ' + hidden, safe='')}", b""


def _query(hidden: str) -> tuple[str, str, bytes]:
    return "POST", f"https://api.github.com/search?q={quote_plus(_sentence(hidden))}&sort=created", b"{}"


def _form(hidden: str) -> tuple[str, str, bytes]:
    return "POST", "/services/hook", urlencode({"channel": "C1", "text": _sentence(hidden)}).encode()


def _graphql(hidden: str) -> tuple[str, str, bytes]:
    comment = f"addComment(input: {{subjectId: 1, body: {json.dumps(_sentence(hidden))}}}) {{ clientMutationId }}"
    query = f"mutation {{ {comment} }}"
    return "POST", "/graphql", json.dumps({"query": query}).encode()


SINKS: dict[str, Sink] = {
    "JSON body": _issue,
    "JSON body, not escaped": _readable_issue,
    "URL path": _path,
    "URL query": _query,
    "form body": _form,
    "JSON in GraphQL in JSON": _graphql,
}


def known(names: tuple[str, ...] = NAMES + WORDS) -> KnownNames:
    """Gives the names as the scanner wants them."""
    return KnownNames([(f"sf-account:{at}", Confidential(name)) for at, name in enumerate(names)], CODENAMES)


def blocks(request: tuple[str, str, bytes], names: KnownNames) -> bool:
    """Says whether the request is stopped."""
    try:
        scan_request(*request, names)
    except Leak:
        return True
    return False


def blocks_text(text: str, names: KnownNames) -> bool:
    """Says whether the text is refused."""
    try:
        declassify(text, names)
    except Leak:
        return True
    return False


def attempts(name: str) -> Iterator[tuple[str, str, bool]]:
    """Gives each disguise and sink for a name, and whether the scanner, knowing that name alone, stops it."""
    alone = known((name,))
    for disguise, hide in DISGUISES.items():
        hidden = hide(name)
        yield disguise, "markdown", blocks_text(_sentence(hidden), alone)
        yield from ((disguise, sink, blocks(send(hidden), alone)) for sink, send in SINKS.items())


def sentences() -> list[str]:
    """Gives everyday sentences that name nobody, some of them made of words that stand in names too."""
    who = (
        "The host", "A new laptop", "customer-pallas", "`customer-juno`", "Every device in the target group",
        "prospect-hebe", "Jason Lewis", "The meridian line on the map", "The bank behind the harbor", "An open system",
    )  # fmt: skip
    does = ("can't see", "drops", "waits for", "reports", "is slower than", "writes to")
    what = (
        "seven seas of data.", "the modern modem at the corner.", "a north wind of events; traders of old knew it.",
        "health sciences in general, and games.", "the music of the fenced-in moor.", "an IP of 10.0.1.110 or 7.42.",
        "commit 4f6e2a91c0ffee5eadbeef0011aa22bb33cc44dd.", "energy in EMEA and LLC filings.",
        "freight, hart and quist.",
    )  # fmt: skip
    return [f"{one} {verb} {other}" for one in who for verb in does for other in what]


def paragraphs() -> list[str]:
    """Gives the paragraphs of the handbook's pages and of our own."""
    pages = sorted((Path(__file__).parents[1] / "docs").rglob("*.*"))
    texts = [page.read_text(encoding="utf-8") for page in pages if page.suffix in {".md", ".txt"}]
    return [part for text in texts for part in re.split(r"\n\s*\n|\n(?=[-*|#])", text) if part.strip()]


def invented_names(count: int) -> KnownNames:
    """Gives so many names of two words, always the same."""
    draw = random.Random(2026)
    first = "Al Bran Cor Dun El Fen Gal Hol Jas Kes Lor Mar Nor Or Pel Quin Ros Sil Tam Um Ver Wol Xan Yar Zeph".split()
    middle = "da vo mer li bran qua thor ne ri sto wick ham den ford lo vi ra xi be ka".split()
    last = "ton more stead well dale ray tech soft byte line via nova lith gate star mont field bury".split()
    trade = "Bank Traders Systems Media Freight Textiles Aerospace Analytics".split()
    names = (draw.choice(first) + draw.choice(middle) + draw.choice(last) for _ in range(count))
    return KnownNames([(f"sf-account:{name}", Confidential(f"{name} {draw.choice(trade)}")) for name in names])


def milliseconds(size: int, names: KnownNames) -> float:
    """Gives the median time to look through an issue's JSON of about so many bytes."""
    text = "\n\n".join(paragraphs() + sentences())
    body = json.dumps({"title": "Hosts don't enroll", "body": (text * (size // len(text) + 1))[:size]}).encode()
    times: list[float] = []
    for _ in range(15):
        begin = time.perf_counter()
        names.find(body)
        times.append(time.perf_counter() - begin)
    return 1000 * sorted(times)[len(times) // 2]


def main() -> None:
    """Prints the tables."""
    tries = [attempt for name in NAMES for attempt in attempts(name)]
    print(f"{len(NAMES)} names x {len(DISGUISES)} disguises x {len(SINKS) + 1} sinks")
    for column, title in enumerate(("disguise", "sink")):
        print(f"\n{title:32}{'blocked':>12}")
        for each in dict.fromkeys(attempt[column] for attempt in tries):
            results = [attempt[2] for attempt in tries if attempt[column] == each]
            print(f"{each:32}{f'{sum(results)}/{len(results)}':>12}")
    print(f"{'all':32}{f'{sum(blocked for *_, blocked in tries)}/{len(tries)}':>12}")

    everyone = known()
    print(f"\n{'text without names':32}{'blocked':>12}{'per 1,000':>12}")
    for title, parts in (("paragraphs of docs", paragraphs()), ("everyday sentences", sentences())):
        wrong = sum(blocks_text(part, everyone) for part in parts)
        print(f"{title:32}{f'{wrong}/{len(parts)}':>12}{1000 * wrong / max(1, len(parts)):>12.2f}")

    begin = time.perf_counter()
    thousand = invented_names(1000)
    print(f"\n{'1,000 names, made ready once':32}{1000 * (time.perf_counter() - begin):>9.0f} ms")
    for size in (1_000, 4_000, 16_000, 64_000):
        print(f"{f'JSON body of {size:,} characters':32}{milliseconds(size, thousand):>9.1f} ms")


if __name__ == "__main__":
    main()
