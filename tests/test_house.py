"""The tests that keep the house: layout, names, imports, docstrings. Each message says what to do."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

import pytest
import yaml

from deployments import handbook_page
from settings import ROOT

HOUSE = handbook_page.read(ROOT)
FLOWS = sorted(HOUSE.flows.values(), key=lambda flow: flow.name)
OURS = {"flows", "policies", "tasks", "deployments", "sandbox", "tests", "bench", "settings"}
MAY_IMPORT = {
    "policies": {"policies"},
    "tasks": {"tasks", "policies", "settings"},
    "flows": {"flows", "policies", "tasks", "settings"},
    "deployments": {"deployments", "flows", "policies", "tasks", "settings"},
    "sandbox": {"sandbox"},
    "bench": {"bench", "flows", "policies", "tasks", "settings", "tests"},
    "settings.py": {"policies"},
}
POLICY_LIBRARIES = {"pydantic", "pydantic_core", "holidays", "rapidfuzz", "confusable_homoglyphs"}
IMPURE = ("asyncio", "http.client", "os", "secrets", "smtplib", "socket", "sqlite3", "subprocess", "urllib.request")
CLOCK = {"datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"} | {
    f"time.{read}" for read in ("time", "time_ns", "localtime", "gmtime", "ctime", "sleep")
}
MAY_SLEEP = "deployments"  # it waits for processes
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "base", "manager", "core"}
HANDBOOK_PAGES = ("docs/handbook/2024.md", "docs/handbook/2025.txt")
# Takes the ledger away, to show that the transports refuse a write that comes without it.
MAY_BE_REPLACED = {("tests/tasks/test_clients.py", "perform"), ("tests/tasks/test_clients.py", "aperform")}


def tracked() -> list[Path]:
    """Gives every file of the project."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


FILES = tracked()
MODULES = [file for file in FILES if file.suffix == ".py"]


def relative(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def modules_of(place: str) -> list[Path]:
    """Gives the modules of a folder, or the one module of that name."""
    found = [file for file in MODULES if relative(file) == place or relative(file).startswith(f"{place}/")]
    assert found, f"{place} has no module; the test would prove nothing."
    return found


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imports_of(file: Path) -> dict[str, str]:
    """Gives what a module imports: the name it has there -> its full name."""
    found: dict[str, str] = {}
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = file.relative_to(ROOT).parts[: -node.level] if node.level else ()
            source = [*package, *([node.module] if node.module else [])]
            found |= {alias.asname or alias.name: ".".join([*source, alias.name]) for alias in node.names}
    return found


def full_name(node: ast.expr, imported: dict[str, str]) -> str:
    """Gives datetime.datetime.now for `moment.now` after `from datetime import datetime as moment`, "" for no name."""
    if isinstance(node, ast.Name):
        return imported.get(node.id, node.id)
    if isinstance(node, ast.Attribute) and (owner := full_name(node.value, imported)):
        return f"{owner}.{node.attr}"
    return ""


def names_in(file: Path) -> set[str]:
    """Gives every name that a module uses, in full."""
    imported = imports_of(file)
    return {full_name(node, imported) for node in ast.walk(tree_of(file)) if isinstance(node, ast.expr)}


def is_in(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def named(flow: handbook_page.Flow) -> str:
    return flow.name


each_flow = pytest.mark.parametrize("flow", FLOWS, ids=named)


# -- one procedure, one name, in every place


def test_there_are_flows_to_keep() -> None:
    assert len(FLOWS) >= 4


def test_no_two_flows_share_a_name() -> None:
    names = Counter(flow.name for file in modules_of("flows") for flow in handbook_page.flows_in(file, ROOT))
    twice = [name for name, count in names.items() if count > 1]
    assert not twice, f"Scenarios and rows are named for their flow. Rename one of each: {twice}."


@each_flow
def test_every_flow_has_its_policy_and_the_policys_tests(flow: handbook_page.Flow) -> None:
    chapter, procedure = flow.file.parts[1], flow.file.stem
    assert (ROOT / flow.policy).exists(), f"Write {flow.policy}: what the handbook says about {flow.name}."
    cases = ROOT / "tests" / "policies" / chapter / f"test_{procedure}.py"
    assert cases.exists(), f"Write {relative(cases)}: the cases of {flow.policy}."


@each_flow
def test_every_flow_has_one_deployment_of_its_name(flow: handbook_page.Flow) -> None:
    dashed = flow.name.replace("_", "-")
    found = [deployment.name for deployment in HOUSE.of(flow)]
    assert found == [dashed], (
        f'{flow.name} has the deployments {found}. Give it one in prefect.yaml, named "{dashed}", '
        f"with the entrypoint {flow.entrypoint}."
    )


@each_flow
def test_every_flow_has_a_scenario(flow: handbook_page.Flow) -> None:
    scenario = ROOT / "tests" / "scenarios" / f"{flow.name}.py"
    assert scenario.exists(), (
        f"Write {relative(scenario)}: seed, start, expected effects. The fault sweep comes from it."
    )
    assert f'flow="{flow.entrypoint}"' in scenario.read_text(encoding="utf-8"), (
        f'The scenario in {relative(scenario)} starts another flow. Write flow="{flow.entrypoint}".'
    )


@each_flow
def test_every_flow_states_its_handbook_section_owner_and_services(flow: handbook_page.Flow) -> None:
    assert re.fullmatch(r"customer-success#[a-z0-9-]+", flow.handbook), (
        f'Give {flow.name} a docstring line "Handbook: customer-success#section"; it has "{flow.handbook}".'
    )
    assert flow.owner, f'Give {flow.name} a docstring line "Owner: who answers for it".'
    assert flow.writes, f'Give {flow.name} a docstring line "Writes: the services it writes to".'


@each_flow
def test_every_flow_can_be_started_dry_and_is_async(flow: handbook_page.Flow) -> None:
    nodes = [node for node in tree_of(ROOT / flow.file).body if isinstance(node, ast.AsyncFunctionDef)]
    found = [node for node in nodes if node.name == flow.name]
    assert found, f"Make {flow.name} an async def; a sync flow waits up to a second at its end."
    assert "dry_run: bool=False" in ast.unparse(found[0].args), (
        f"Give {flow.name} the parameter dry_run: bool = False; the ledger reads it."
    )
    assert re.search(r"\n1\. ", ast.get_docstring(found[0]) or ""), (
        f"Write the procedure of {flow.name} in numbered sentences."
    )


def test_every_deployment_starts_a_flow_and_keeps_pacific_time() -> None:
    entrypoints = {flow.entrypoint for flow in FLOWS}
    lost = [deployment.name for deployment in HOUSE.deployments if deployment.entrypoint not in entrypoints]
    assert not lost, f"Correct the entrypoints of {lost} in prefect.yaml: flows.<chapter>.<procedure>.<flow>."
    elsewhere = [
        f"{deployment.name}: {start}"
        for deployment in HOUSE.deployments
        for start in deployment.starts
        if start.startswith("schedule") and not start.endswith(" America/Los_Angeles)")
    ]
    assert not elsewhere, f"Give these schedules the time zone America/Los_Angeles in prefect.yaml: {elsewhere}."


def test_a_day_is_not_skipped_because_somebody_has_started_the_same_procedure_a_second_before() -> None:
    deployed = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    skips = [
        each["name"]
        for each in deployed
        if each.get("concurrency_limit", {}).get("collision_strategy") == "CANCEL_NEW"
        and not all(schedule["cron"].startswith("*/") for schedule in each["schedules"])
    ]
    assert not skips, f"Give {skips} the collision strategy ENQUEUE: their next run is hours away."


def test_every_scenario_is_of_a_flow() -> None:
    scenarios = {file.stem for file in modules_of("tests/scenarios")} - {"__init__"}
    orphans = sorted(scenarios - set(HOUSE.flows))
    assert not orphans, f"No flow has these names. Rename or delete the scenarios {orphans}."


@pytest.mark.parametrize("row", HOUSE.rows, ids=lambda row: row.number)
def test_a_row_names_flows_that_exist_or_none_that_does(row: handbook_page.Row) -> None:
    assert row.flows, f"Name the flows that do row {row.number} in policies/handbook_rows.toml."
    idle = [name for name in row.flows if name in HOUSE.flows and not HOUSE.of(HOUSE.flows[name])]
    assert not idle, f"Deploy {idle} of row {row.number} in prefect.yaml."


def test_every_flow_does_a_row_of_the_handbook() -> None:
    doing = {name for row in HOUSE.rows for name in row.flows}
    idle = sorted(set(HOUSE.flows) - doing)
    assert not idle, f"Name {idle} in policies/handbook_rows.toml, or delete them."


def test_the_handbook_page_and_its_twin_are_fresh() -> None:
    assert handbook_page.stale(ROOT) == [], "Run `make handbook` and commit what it wrote."


def test_no_file_hides_behind_a_name_that_says_nothing() -> None:
    wrong = [
        relative(file)
        for file in FILES
        if FORBIDDEN_NAMES & {*(part.lower() for part in file.relative_to(ROOT).parts[:-1]), file.stem.lower()}
    ]
    assert not wrong, f"Name {wrong} for what is in them."


# -- who knows whom


@pytest.mark.parametrize("place", MAY_IMPORT)
def test_imports_go_one_way(place: str) -> None:
    wrong = [
        f"{relative(file)} imports {name}"
        for file in modules_of(place)
        for name in imports_of(file).values()
        if name.split(".")[0] in OURS - MAY_IMPORT[place]
    ]
    assert not wrong, f"{place} may import {sorted(MAY_IMPORT[place])} of ours only: {wrong}"


def test_policies_import_nothing_that_touches_the_outside() -> None:
    wrong = [
        f"{relative(file)} imports {name}"
        for file in modules_of("policies")
        for name in imports_of(file).values()
        if name.split(".")[0] not in sys.stdlib_module_names | POLICY_LIBRARIES | {"policies"} or is_in(name, IMPURE)
    ]
    assert not wrong, f"Policies are pure. Move what needs these into tasks/: {wrong}"


@pytest.mark.parametrize("place", ["flows", "policies", "tasks", "deployments", "settings.py"])
def test_the_clock_is_read_in_one_module(place: str) -> None:
    asleep = {"time.sleep"} if place == MAY_SLEEP else set[str]()
    wrong = [
        f"{relative(file)} uses {name}"
        for file in modules_of(place)
        for name in sorted(names_in(file) & CLOCK - asleep)
        if relative(file) != "tasks/clock.py"
    ]
    assert not wrong, f"Time is handed in; only tasks/clock.py reads it. Take it from there: {wrong}."


def test_the_clock_module_reads_the_clock() -> None:
    assert "datetime.datetime.now" in names_in(ROOT / "tasks/clock.py"), "The test above would prove nothing."


# -- tests are worth something


def test_no_test_uses_mocks() -> None:
    wrong = [
        f"{relative(file)} imports {name}"
        for file in modules_of("tests")
        for name in imports_of(file).values()
        if is_in(name, ("mock", "pytest_mock", "unittest.mock"))
    ]
    assert not wrong, f"Test against the sandbox instead: {wrong}."


def replaced_in(file: Path) -> Iterator[tuple[str, str]]:
    """Gives what a test replaces in our code, by `monkeypatch.setattr` or `delattr`: the owner and the name."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Call) and re.search(r"\.(set|del)attr$", ast.unparse(node.func)) and node.args:
            texts = [each.value if isinstance(each, ast.Constant) else None for each in node.args]
            owner = str(texts[0] or full_name(node.args[0], imports_of(file)))
            if owner.split(".")[0] in OURS:
                yield owner, str(texts[1] if len(texts) > 1 else "")


def test_no_test_replaces_our_code() -> None:
    wrong = [
        f"{relative(file)} replaces {owner} {name}".rstrip()
        for file in modules_of("tests")
        for owner, name in replaced_in(file)
        if (relative(file), name) not in MAY_BE_REPLACED
    ]
    assert not wrong, f"Test the real code, against the sandbox: {wrong}."


# -- what the handbook says


def plain(text: str) -> str:
    """Takes off markdown, curly quotes, line ends and the older page's broken encoding."""
    text = re.sub(r"[^\x00-\x7f]{2,}", _mended, text)
    for curly, straight in (("\u2019", "'"), ("\u201c", '"'), ("\u201d", '"')):
        text = text.replace(curly, straight)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"[\s*_`]+", " ", text).lower()


def _mended(broken: re.Match[str]) -> str:
    """Reads UTF-8 that somebody took for Windows-1252."""
    try:
        return broken[0].encode("cp1252").decode("utf-8")
    except UnicodeError:
        return broken[0]


def comments_of(source: str) -> Iterator[str]:
    """Gives the comments that stand alone; lines that follow each other are one."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    alone = [token for token in tokens if token.type == tokenize.COMMENT and token.line.strip() == token.string.strip()]
    for _, block in groupby(enumerate(alone), key=lambda each: each[1].start[0] - each[0]):
        yield "\n".join(token.string.removeprefix("#").strip() for _, token in block)


def quoted_in(source: str) -> list[str]:
    """Gives what a module quotes: a comment that begins a line with a quotation mark and ends one with it."""
    return [quote.replace("\n", " ") for each in comments_of(source) for quote in re.findall(r'(?ms)^"(.+?)"$', each)]


QUOTES = [
    (relative(file), quote) for file in modules_of("policies") for quote in quoted_in(file.read_text(encoding="utf-8"))
]
HANDBOOK = [plain((ROOT / page).read_text(encoding="utf-8")) for page in HANDBOOK_PAGES]


def stands_in_the_handbook(quote: str) -> bool:
    return any(plain(quote) in page for page in HANDBOOK)


@pytest.mark.parametrize(("file", "quote"), QUOTES, ids=lambda value: value[:40])
def test_every_quoted_sentence_stands_in_the_handbook(file: str, quote: str) -> None:
    assert stands_in_the_handbook(quote), (
        f'{file} quotes "{quote}", which is in neither page of docs/handbook. Quote what is there, or begin the '
        "comment with another word."
    )


def test_policies_quote_the_handbook() -> None:
    assert len(QUOTES) >= 5


@pytest.mark.parametrize(
    ("quote", "stands"),
    [
        ("Within 4 business hours, the assigned CSE sends an email", True),
        ("Within 5 business hours, the assigned CSE sends an email", False),
        ("Posted outside of Fleet's business hours", True),
        ("≤4 business hours", True),
        ("customers\nand   community members of Fleet", True),
    ],
    ids=["2025", "another number", "2024's broken apostrophe", "2024's broken sign", "over two lines"],
)
def test_a_quotation_is_compared_by_its_words(quote: str, stands: bool) -> None:
    assert stands_in_the_handbook(quote) is stands


def test_quotations_are_found_in_comments_of_one_or_more_lines_only() -> None:
    source = (
        '# "One."\nA = 1\n# A remark.\n# "Two\n# lines."\n# And why.\n# "open" is a word\nB = "# \\"no comment\\""\n'
    )
    assert quoted_in(source) == ["One.", "Two lines."]


# -- what must not be written


def pieces(node: ast.expr) -> Iterator[str]:
    """Gives the texts of an expression that puts text together: f"...", +, % or .format()."""
    match node:
        case ast.JoinedStr(values=values):
            yield from (each.value for each in values if isinstance(each, ast.Constant) and isinstance(each.value, str))
        case ast.BinOp(left=left, right=right):
            for side in (left, right):
                yield from [side.value] if isinstance(side, ast.Constant) and isinstance(side.value, str) else ()
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            yield text
        case _:
            pass


def puts_a_query_together(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and re.search(r"query\w*$", ast.unparse(node.func)):
        return any(isinstance(argument, ast.JoinedStr) for argument in node.args)
    return isinstance(node, ast.expr) and any(re.match(r"\s*SELECT\s", text) for text in pieces(node))


@pytest.mark.parametrize("place", ["flows", "policies", "tasks", "deployments"])
def test_soql_is_never_put_together_by_hand(place: str) -> None:
    wrong = [
        f"{relative(file)}:{getattr(node, 'lineno', '')}"
        for file in modules_of(place)
        for node in ast.walk(tree_of(file))
        if puts_a_query_together(node)
    ]
    assert not wrong, f"Use format_soql, which quotes: {wrong}."


def test_the_project_names_no_package_host_and_no_path_of_one_machine() -> None:
    paths = r"/(?:home|Users|root)/\w|/work/(?:main|shared)|/opt[/]wheels|/tmp[/]scratch"
    hosts = r"python[h]osted|pypi\.(?:org|python)|npmjs\.(?:com|org)|--(?:extra-)?index-url|--find[-]links"
    told = re.compile(f"{paths}|{hosts}")
    wrong = [relative(file) for file in FILES if told.search(file.read_text(encoding="utf-8", errors="ignore"))]
    assert not wrong, f"The project runs on any machine: take the path or host out of {wrong}."


def test_the_lock_files_hold_hashes_and_no_addresses() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text, f"Make {name} anew with `make lock`."
        assert "://" not in text, f"{name} holds an address. Make it anew with `make lock`."
