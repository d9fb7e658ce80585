"""The tests that keep the house: layout, names, imports, docstrings. Each message says what to do."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments import handbook_page
from settings import ROOT

HOUSE = handbook_page.read(ROOT)
FLOWS = sorted(HOUSE.flows.values(), key=lambda flow: flow.name)
OURS = ("flows", "policies", "tasks", "deployments", "sandbox", "tests", "bench", "settings")
POLICY_LIBRARIES = {"pydantic", "pydantic_core", "holidays", "rapidfuzz", "confusable_homoglyphs"}
MAY_IMPORT = {
    "policies": {"policies"},
    "tasks": {"tasks", "policies", "settings"},
    "flows": {"flows", "policies", "tasks", "settings"},
    "deployments": {"deployments", "flows", "policies", "tasks", "settings"},
    "sandbox": {"sandbox"},
}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "base", "manager", "core"}
HANDBOOK_PAGES = ("docs/handbook/2024.md", "docs/handbook/2025.txt")


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


def modules_of(folder: str) -> list[Path]:
    found = [file for file in MODULES if relative(file).startswith(f"{folder}/")]
    assert found, f"{folder}/ has no module; the test would prove nothing."
    return found


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def named(flow: handbook_page.Flow) -> str:
    return flow.name


each_flow = pytest.mark.parametrize("flow", FLOWS, ids=named)


def test_there_are_flows_to_keep() -> None:
    assert len(FLOWS) >= 4


@each_flow
def test_every_flow_has_its_policy_and_the_policys_tests(flow: handbook_page.Flow) -> None:
    chapter, procedure = flow.file.parts[1], flow.file.stem
    assert (ROOT / flow.policy).exists(), f"Write {flow.policy}: what the handbook says about {flow.name}."
    cases = ROOT / "tests" / "policies" / chapter / f"test_{procedure}.py"
    assert cases.exists(), f"Write {relative(cases)}: the cases of {flow.policy}."


@each_flow
def test_every_flow_has_one_deployment_of_its_name(flow: handbook_page.Flow) -> None:
    dashed = flow.name.replace("_", "-")
    found = HOUSE.deployments.get(flow.name)
    assert found, f'Add a deployment "{dashed}" with the entrypoint of {flow.name} to prefect.yaml.'
    assert found.name == dashed, f'Name the deployment of {flow.name} "{dashed}", not "{found.name}".'


@each_flow
def test_every_flow_has_a_scenario(flow: handbook_page.Flow) -> None:
    scenario = ROOT / "tests" / "scenarios" / f"{flow.name}.py"
    assert scenario.exists(), (
        f"Write {relative(scenario)}: seed, start, expected effects. The fault sweep comes from it."
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
    nodes = ast.parse((ROOT / flow.file).read_text(encoding="utf-8")).body
    (node,) = (each for each in nodes if isinstance(each, ast.AsyncFunctionDef) and each.name == flow.name)
    arguments = {each.arg for each in [*node.args.args, *node.args.kwonlyargs]}
    assert "dry_run" in arguments, f"Give {flow.name} the parameter dry_run: bool = False; the ledger reads it."
    assert re.search(r"\n1\. ", ast.get_docstring(node) or ""), (
        f"Write the procedure of {flow.name} in numbered sentences."
    )


@pytest.mark.parametrize("row", HOUSE.rows, ids=lambda row: row.number)
def test_a_row_names_flows_that_exist_or_none_that_does(row: handbook_page.Row) -> None:
    deployed = [flow for flow in row.flows if flow in HOUSE.flows]
    assert row.flows, f"Name the flows that do row {row.number} in policies/handbook_rows.toml."
    assert all(flow in HOUSE.deployments for flow in deployed), f"Deploy the flows of row {row.number} in prefect.yaml."


def test_every_deployed_flow_does_a_row_of_the_handbook() -> None:
    doing = {flow for row in HOUSE.rows for flow in row.flows}
    idle = sorted(set(HOUSE.deployments) - doing)
    assert not idle, f"Name {idle} in policies/handbook_rows.toml, or delete them."


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_go_one_way(folder: str) -> None:
    wrong = [
        f"{relative(file)} imports {module}"
        for file in modules_of(folder)
        for module in imports_of(file)
        if module.split(".")[0] in OURS and module.split(".")[0] not in MAY_IMPORT[folder]
    ]
    assert not wrong, f"{folder}/ may import {sorted(MAY_IMPORT[folder])} of ours only: {wrong}"


def test_policies_import_nothing_that_touches_the_outside() -> None:
    wrong = [
        f"{relative(file)} imports {module}"
        for file in modules_of("policies")
        for module in imports_of(file)
        if module.split(".")[0] not in sys.stdlib_module_names | POLICY_LIBRARIES | {"policies"}
    ]
    assert not wrong, f"Policies are pure. Move what needs these into tasks/: {wrong}"


def test_the_clock_is_read_in_one_module() -> None:
    reads = re.compile(r"\b(?:datetime\.(?:now|utcnow|today)|date\.today|time\.(?:time|sleep))\(")
    wrong = [
        relative(file)
        for folder in ("flows", "policies", "tasks")
        for file in modules_of(folder)
        if reads.search(file.read_text(encoding="utf-8")) and relative(file) != "tasks/clock.py"
    ]
    assert not wrong, f"Time is handed in; only tasks/clock.py reads it. Change {wrong}."


def plain(text: str) -> str:
    """Takes off markdown, curly quotes and the older page's broken encoding."""
    for broken, right in (("â€™", "'"), ("â‰¤", "<="), ("\u2019", "'"), ("\u201c", '"'), ("\u201d", '"')):
        text = text.replace(broken, right)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"[\s*_`]+", " ", text).lower()


def quotes() -> list[tuple[str, str]]:
    """Gives every comment in policies/ that is a quotation from beginning to end, with its file."""
    found: list[tuple[str, str]] = []
    for file in modules_of("policies"):
        blocks = re.findall(r"(?:^[ ]*#[ ].*\n)+", file.read_text(encoding="utf-8"), re.MULTILINE)
        comments = (" ".join(line.strip().removeprefix("# ") for line in block.splitlines()) for block in blocks)
        found += [(relative(file), quote[1]) for each in comments if (quote := re.fullmatch(r'"(.+)"', each))]
    return found


@pytest.mark.parametrize(("file", "quote"), quotes(), ids=lambda value: value[:40])
def test_every_quoted_sentence_stands_in_the_handbook(file: str, quote: str) -> None:
    pages = " ".join(plain((ROOT / page).read_text(encoding="utf-8")) for page in HANDBOOK_PAGES)
    assert plain(quote) in pages, f'{file} quotes "{quote}", which is in neither page of docs/handbook. Quote what is.'


def test_policies_quote_the_handbook() -> None:
    assert len(quotes()) >= 5


def test_no_file_hides_behind_a_name_that_says_nothing() -> None:
    wrong = [relative(file) for file in MODULES if file.stem in FORBIDDEN_NAMES]
    assert not wrong, f"Name {wrong} for what is in them."


def test_no_test_replaces_our_code_by_a_mock() -> None:
    wrong = [relative(file) for file in modules_of("tests") for module in imports_of(file) if "mock" in module]
    assert not wrong, f"Test against the sandbox instead: {wrong}."


def test_soql_is_never_put_together_by_hand() -> None:
    asks = re.compile(r"query(?:_all)?\(\s*f[\"']")
    wrong = [relative(file) for file in modules_of("tasks") if asks.search(file.read_text(encoding="utf-8"))]
    assert not wrong, f"Use format_soql, which quotes: {wrong}."


def test_the_project_names_no_package_host_and_no_path_of_one_machine() -> None:
    told = re.compile(r"/(?:home|Users)/\w|/work/(?:main|shared)|" + "files.python" + "hosted|pypi" + r"\.org")
    texts = [file for file in FILES if file.suffix in {".py", ".md", ".toml", ".yaml", ".txt", ".lock", ""}]
    wrong = [relative(file) for file in texts if told.search(file.read_text(encoding="utf-8", errors="ignore"))]
    assert not wrong, f"The project runs on any machine: take the path or host out of {wrong}."


def test_the_lock_files_hold_hashes_and_no_addresses() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text, f"Make {name} anew with `make lock`."
        assert "://" not in text, f"{name} holds an address. Make it anew with `make lock`."


def test_the_handbook_page_and_its_twin_are_fresh() -> None:
    assert handbook_page.stale(ROOT) == [], "Run `make handbook` and commit what it wrote."
