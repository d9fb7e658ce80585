"""Writes HANDBOOK.md and docs/handbook.json: what each row of the handbook has become. `--check`: are they fresh?

What it says comes from where it is decided: the rows, the flows' docstrings, prefect.yaml. Prefect is not imported.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from settings import ROOT

PAGE, TWIN = "HANDBOOK.md", "docs/handbook.json"
HANDBOOK = "https://fleetdm.com/handbook/"
STATED = ("Handbook", "Owner", "Writes")


@dataclass(frozen=True)
class Row:
    """A procedure of the handbook, as docs/handbook's pages have it."""

    number: str
    procedure: str
    editions: Sequence[int]
    chapter: str
    flows: Sequence[str]


@dataclass(frozen=True)
class Flow:
    """A flow as its module states it."""

    name: str
    file: Path  # relative to the project
    handbook: str
    owner: str
    writes: Sequence[str]

    @property
    def entrypoint(self) -> str:
        """Gives the flow's place as prefect.yaml names it."""
        return ".".join([*self.file.with_suffix("").parts, self.name])

    @property
    def policy(self) -> Path:
        """Gives the policy's file: the same place under policies/."""
        return Path("policies", *self.file.parts[1:])


@dataclass(frozen=True)
class Deployment:
    """A deployment of prefect.yaml."""

    name: str
    entrypoint: str
    starts: Sequence[str]


@dataclass(frozen=True)
class House:
    """What the project holds."""

    rows: Sequence[Row]
    flows: Mapping[str, Flow]
    deployments: Sequence[Deployment]

    def of(self, flow: Flow) -> list[Deployment]:
        """Gives the deployments that start a flow."""
        return [deployment for deployment in self.deployments if deployment.entrypoint == flow.entrypoint]

    def is_done(self, row: Row) -> bool:
        """Says whether every flow of a row exists and is deployed."""
        return all(name in self.flows and self.of(self.flows[name]) for name in row.flows)


def read(root: Path) -> House:
    """Reads the rows, the flows and the deployments of a project."""
    raw = tomllib.loads((root / "policies/handbook_rows.toml").read_text(encoding="utf-8"))
    deployed = yaml.safe_load((root / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    return House(
        rows=[Row(**row) for row in raw["row"]],
        flows={flow.name: flow for file in sorted(root.glob("flows/*/*.py")) for flow in flows_in(file, root)},
        deployments=[_deployment(said) for said in deployed],
    )


def flows_in(file: Path, root: Path) -> Iterator[Flow]:
    """Gives the functions of a module that are flows, with what their docstrings state."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not any(map(_is_flow, node.decorator_list)):
            continue
        stated = dict(_stated(ast.get_docstring(node) or ""))
        writes = [service.strip() for service in stated.get("Writes", "").split(",") if service.strip()]
        yield Flow(node.name, file.relative_to(root), stated.get("Handbook", ""), stated.get("Owner", ""), writes)


def _is_flow(decorator: ast.expr) -> bool:
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(name, ast.Name) and name.id == "flow"


def _stated(docstring: str) -> Iterator[tuple[str, str]]:
    for line in docstring.splitlines():
        name, colon, value = line.partition(":")
        if colon and name in STATED:
            yield name, value.strip()


def _deployment(said: Mapping[str, Any]) -> Deployment:
    schedules = [f"schedule ({each['cron']} {each['timezone']})" for each in said.get("schedules", [])]
    webhook = ["webhook"] if "webhook" in said.get("tags", []) else []
    return Deployment(said["name"], said["entrypoint"], ["form", *schedules, *webhook])


def twin(house: House) -> str:
    """Gives docs/handbook.json."""
    return json.dumps([_as_json(house, row) for row in house.rows], indent=2, ensure_ascii=False) + "\n"


def _as_json(house: House, row: Row) -> dict[str, Any]:
    done = house.is_done(row)
    flows = [house.flows[name] for name in row.flows] if done else []
    deployments = [deployment for flow in flows for deployment in house.of(flow)]
    return {
        "row": int(row.number) if row.number.isdigit() else row.number,
        "procedure": row.procedure,
        "flow": ", ".join(flow.name for flow in flows) or None,
        "deployment": ", ".join(deployment.name for deployment in deployments) or None,
        "starts": _unique(start for deployment in deployments for start in deployment.starts),
        "writes": _unique(service for flow in flows for service in flow.writes),
        "status": "done" if done else "not yet",
    }


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def page(house: House) -> str:
    """Gives HANDBOOK.md."""
    parts = [
        "# The handbook, row by row",
        "Made by `make handbook`; edit the flows' docstrings, `prefect.yaml` or `policies/handbook_rows.toml` instead.",
        f"{_count(house, house.rows)}. Each deployment can be started by a person from the Prefect UI (form).",
    ]
    for chapter in dict.fromkeys(row.chapter for row in house.rows):
        rows = [row for row in house.rows if row.chapter == chapter]
        parts += [f"## {chapter}", f"{_count(house, rows)}.", _table(house, rows)]
    return "\n\n".join(parts) + "\n"


def _count(house: House, rows: Sequence[Row]) -> str:
    return f"{sum(map(house.is_done, rows))} of {len(rows)} rows are done"


def _table(house: House, rows: Sequence[Row]) -> str:
    lines = ["| # | procedure | flow | deployment | starts | owner | writes |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*lines, *(_line(house, row) for row in rows)])


def _line(house: House, row: Row) -> str:
    if not house.is_done(row):
        return f"| {row.number} | {row.procedure} | not yet | | | | |"
    flows = [house.flows[name] for name in row.flows]
    deployments = [deployment for flow in flows for deployment in house.of(flow)]
    procedure = f"[{row.procedure}]({HANDBOOK}{flows[0].handbook})"
    cells = [
        row.number,
        procedure,
        "<br>".join(f"[{flow.name}]({flow.file.as_posix()}), [policy]({flow.policy.as_posix()})" for flow in flows),
        "<br>".join(deployment.name for deployment in deployments),
        "<br>".join(", ".join(map(_verbatim, deployment.starts)) for deployment in deployments),
        "<br>".join(_unique(flow.owner for flow in flows)),
        ", ".join(_unique(service for flow in flows for service in flow.writes)),
    ]
    return f"| {' | '.join(cells)} |"


def _verbatim(start: str) -> str:
    """Puts a cron text into code, or its asterisks would be read as emphasis."""
    return re.sub(r"\((.+)\)", r"(`\1`)", start)


def _wanted(house: House) -> Mapping[str, str]:
    return {PAGE: page(house), TWIN: twin(house)}


def stale(root: Path) -> list[str]:
    """Gives the files that are not what they would be if they were written now."""
    return [
        name
        for name, text in _wanted(read(root)).items()
        if not (root / name).exists() or (root / name).read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Writes both files, or checks them; 1 says that one is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is stale")
    if parser.parse_args(arguments).check:
        found = stale(root)
        for name in found:
            print(f"{name} is stale. Run `make handbook` and commit it.")
        return 1 if found else 0
    house = read(root)
    for name, text in _wanted(house).items():
        (root / name).write_text(text, encoding="utf-8")
    print(f"{PAGE} and {TWIN}: {_count(house, house.rows)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
