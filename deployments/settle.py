"""Lists effects that wait for a person, and takes the decision: `make ledger`.

make ledger                                                 what is parked, in doubt or refused
make ledger ARGS="show KEY"                                 everything that ever happened to one effect
make ledger ARGS="done KEY --url URL --by NAME --why ..."   it has happened: a person has looked
make ledger ARGS="allow KEY --by NAME --why ..."            it may be sent again; start the procedure afterwards
"""

from __future__ import annotations

import argparse
import sys

from tasks import ledger
from tasks.ledger import State

WAITING = (State.PARKED, State.IN_DOUBT, State.FAILED, State.RETRY_LATER)


def main() -> int:
    arguments = _arguments()
    try:
        match arguments.command:
            case "show":
                return _show(arguments.key)
            case "done":
                state = ledger.settle(arguments.key, arguments.by, arguments.why, arguments.url)
            case "allow":
                state = ledger.settle(arguments.key, arguments.by, arguments.why, None)
            case _:
                return _list()
    except (LookupError, ValueError) as problem:
        print(problem.args[0], file=sys.stderr)
        return 1
    print(f"{arguments.key} is {state} now, decided by {arguments.by}.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("list", help="what waits for a person (the default)")
    commands.add_parser("show", help="the history of one effect").add_argument("key")
    for name, help_ in (("done", "it has happened"), ("allow", "it may be sent again by the next run")):
        command = commands.add_parser(name, help=help_)
        command.add_argument("key")
        command.add_argument("--by", required=True, help="who decides")
        command.add_argument("--why", required=True, help="the reason, for the audit")
        if name == "done":
            command.add_argument("--url", required=True, help="where it can be seen")
    return parser.parse_args()


def _list() -> int:
    waiting = ledger.rows(states=WAITING)
    if not waiting:
        print("Nothing waits for a person.")
    for row in waiting:
        print(f"{row.state:<12} {row.key}\n{'':<12} {row.service}: {row.action} {row.target}\n{'':<12} {row.reason}\n")
    return 0


def _show(key: str) -> int:
    moves = ledger.history_of(key)
    if not moves:
        raise LookupError(f'The ledger has no effect "{key}". `make ledger` lists the keys.')
    for move in moves:
        who = f"{move.started_by}, run {move.run_id}"
        print(f"{move.at:%Y-%m-%d %H:%M:%S} UTC  {move.state:<12} {who}  {move.reason or ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
