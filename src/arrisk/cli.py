"""The command line: ``arrisk sample | init | check | run | offers | evidence``."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from arrisk.errors import ArriskError, one_line

if TYPE_CHECKING:
    import pandas as pd

    from arrisk.ledger.book import Ledger
    from arrisk.policy.study import Study

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["main", "one_line"]

OK, FAILED, INTERRUPTED = 0, 2, 130
CENT = 0.005


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 when it worked, 2 when it did not.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Returns
    -------
    int
        An error is one line on standard error, unless ``--debug`` asks for the traceback.
    """
    arguments = _parser().parse_args(argv)
    debug: bool = arguments.debug
    try:
        code: int = arguments.command(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED
    except (ArriskError, OSError) as error:
        if debug:
            raise
        return _complain(str(error))
    except Exception as error:
        if debug:
            raise
        return _complain(f"{type(error).__name__}: {error} (a fault of arrisk; --debug shows where)")


def _complain(text: str, code: int = FAILED) -> int:
    print(f"arrisk: {one_line(text)}", file=sys.stderr)
    return code


def _version() -> str:
    from importlib.metadata import version

    return f"arrisk {version('arrisk')}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="arrisk", description="From a ledger of receivables to a policy memo."
    )
    parser.add_argument("--version", action="version", version=_version())
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    evidence = commands.add_parser("evidence", help="evidence of a provision: write, sign, verify")
    actions = evidence.add_subparsers(title="actions", required=True, metavar="ACTION")
    made = [add(commands) for add in (_add_sample, _add_init, _add_check, _add_run, _add_offers)]
    for command in (*made, *(add(actions) for add in (_add_write, _add_sign, _add_verify))):
        # The same option after the command; without a default it leaves what stood before the command alone.
        command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS)
    return parser


def _add_sample(commands: Commands) -> argparse.ArgumentParser:
    parser = commands.add_parser("sample", help="write a synthetic ledger with its study")
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--invoices", type=_positive, metavar="N", help="about how many (12000)")
    parser.add_argument("--seed", type=int, metavar="S", help="of the random draws (20251231)")
    parser.add_argument("--format", choices=["csv", "parquet"], help="of the tables (csv)")
    parser.set_defaults(command=_sample)
    return parser


def _add_init(commands: Commands) -> argparse.ArgumentParser:
    parser = commands.add_parser("init", help="propose a column map and a study for files of your own")
    parser.add_argument(
        "files", metavar="FILES", nargs="+", type=Path, help="files of the ledger, or one folder"
    )
    parser.add_argument("--out", type=Path, default=Path("study.toml"), metavar="FILE", help="(study.toml)")
    parser.add_argument("--as-of", type=_day, metavar="DATE", help="day to read the ledger, as 2025-12-31")
    parser.add_argument("--currency", metavar="CODE", help="reporting currency, as EUR")
    parser.add_argument("--force", action="store_true", help="overwrite files that exist")
    parser.set_defaults(command=_init)
    return parser


def _add_check(commands: Commands) -> argparse.ArgumentParser:
    parser = commands.add_parser("check", help="read a ledger; show what was kept and what was set apart")
    parser.add_argument("study", metavar="STUDY", type=Path)
    parser.set_defaults(command=_check)
    return parser


def _add_run(commands: Commands) -> argparse.ArgumentParser:
    parser = commands.add_parser("run", help="execute the notebooks on a study and write the memo")
    parser.add_argument("study", metavar="STUDY", type=Path)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the report (reports/<study name>)")
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="run this notebook only; may be repeated"
    )
    parser.add_argument("--notebooks", type=Path, metavar="DIR", help="folder of the notebooks")
    parser.add_argument(
        "--jobs", type=_positive, default=1, metavar="N", help="notebooks at the same time (1)"
    )
    parser.set_defaults(command=_run)
    return parser


def _add_offers(commands: Commands) -> argparse.ArgumentParser:
    parser = commands.add_parser("offers", help="compare offers of insurers, factors and banks")
    parser.add_argument(
        "files", metavar="FILE", nargs="*", type=Path, help="offer sheets, or folders of them"
    )
    parser.add_argument("--study", type=Path, metavar="STUDY", help="whose book they are for (the sample's)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the comparison: .html, .xlsx, .json")
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")
    parser.add_argument(
        "--on", type=_day, metavar="DATE", help="offers valid until an earlier day have expired (as-of date)"
    )
    parser.add_argument("--template", metavar="KIND", help="print a sheet to fill in, such as insurance")
    parser.set_defaults(command=_offers)
    return parser


def _add_write(actions: Commands) -> argparse.ArgumentParser:
    parser = actions.add_parser("write", help="make the provision of a study and write its evidence")
    parser.add_argument("study", metavar="STUDY", type=Path)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the evidence")
    parser.add_argument("--supersedes", type=Path, metavar="DIR", help="signed evidence that this replaces")
    parser.set_defaults(command=_write)
    return parser


def _add_sign(actions: Commands) -> argparse.ArgumentParser:
    parser = actions.add_parser("sign", help="sign evidence off: it can then only be superseded")
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--by", required=True, metavar="NAME", help="who signs")
    parser.add_argument("--role", required=True, metavar="ROLE", help="as what, such as controller")
    parser.add_argument("--date", type=_day, metavar="DATE", help="day of the sign-off (today)")
    parser.add_argument("--note", default="", metavar="TEXT")
    parser.set_defaults(command=_sign)
    return parser


def _add_verify(actions: Commands) -> argparse.ArgumentParser:
    parser = actions.add_parser("verify", help="compare every file of evidence with its digest")
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--study", type=Path, metavar="STUDY", help="compare the files of its ledger, too")
    parser.set_defaults(command=_verify)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2025-12-31") from None


def _sample(arguments: argparse.Namespace) -> int:
    from arrisk.ledger.sample.generator import write_sample

    given = {name: getattr(arguments, name) for name in ("invoices", "seed", "format")}
    study = write_sample(
        arguments.folder, **{name: value for name, value in given.items() if value is not None}
    )
    print(f"the study of the sample is {study}")
    return OK


def _init(arguments: argparse.Namespace) -> int:
    from arrisk.report.new_study import start_study

    a = arguments
    started = start_study(a.files, a.out, a.as_of, a.currency, a.force)
    told = f"the column map is {started.columns}"
    print(told if isinstance(started.columns, Path) else f"the shipped column map {started.columns!r} fits")
    for sentence in started.unsure:
        print(one_line(f"unsure: {sentence}"))
    print(f"the study is {started.study}; look at it, then: arrisk check {started.study}")
    return OK


def _run(arguments: argparse.Namespace) -> int:
    from arrisk.report.runner import run_study

    result = run_study(
        arguments.study, arguments.out, arguments.only, arguments.notebooks, jobs=arguments.jobs
    )
    for recommendation in result.recommendations:
        print(f"{recommendation.verdict:>19}  {one_line(recommendation.decision)}")
    print(f"{len(result.notebooks)} notebooks in {result.seconds:.0f} s; the memo is {result.memo}")
    return OK


def _check(arguments: argparse.Namespace) -> int:
    from arrisk.policy.study import open_study

    study = open_study(arguments.study)
    # Compared below and not on reading, so that a ledger that does not tie still shows its quarantine.
    ledger = replace(study, controls=(), _cache={}).ledger()
    print(one_line(repr(ledger)))
    whole = _print_rows(ledger.checks.table)
    for row in ledger.checks.reasons.to_dict("records"):
        where = f"{row['table']}: {row['rows']} {row['reason']} ({row['first_lines']})"
        print(one_line(f"set apart: {where}: {row['detail']}"))
    for note in ledger.checks.notes:
        print(one_line(f"note: {note}"))
    snapshot = ledger.as_of(study.as_of)
    print(f"open on {study.as_of:%Y-%m-%d}: {study.currency} {snapshot.open_balance:,.2f}")
    return _print_controls(study, ledger) if whole else FAILED


def _offers(arguments: argparse.Namespace) -> int:
    from arrisk.policy.offers.comparison import compare_offers
    from arrisk.policy.offers.reading import read_offers
    from arrisk.policy.offers.summary import summarise
    from arrisk.policy.offers.template import offer_template
    from arrisk.policy.study import open_study
    from arrisk.report.offer_report import check_target, offers_json, write_comparison

    if arguments.template is not None:
        print(offer_template(arguments.template), end="")
        return OK
    out = None if arguments.out is None else check_target(arguments.out)
    offers, study = read_offers(arguments.files), open_study(arguments.study)
    try:
        compared = compare_offers(study, study.snapshot(), offers, day=arguments.on, progress=_progress)
    finally:
        _progress("")
    print(
        offers_json(compared) if arguments.json else summarise(compared), end="" if arguments.json else "\n"
    )
    if out is not None:
        write_comparison(compared, out)
        print(f"the comparison is {one_line(str(out))}", file=sys.stderr if arguments.json else sys.stdout)
    return OK


def _progress(text: str) -> None:
    """Show what is being done on a terminal, over what was shown before; nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{one_line(text)}", end="", file=sys.stderr, flush=True)


def _write(arguments: argparse.Namespace) -> int:
    from arrisk.models.provision.provision import make_provision
    from arrisk.policy.provision_basis import define_basis
    from arrisk.policy.study import open_study
    from arrisk.report.evidence.pack import write_evidence

    study = open_study(arguments.study)
    provision = make_provision(study.snapshot(), define_basis(study))
    pack = write_evidence(study, provision, arguments.out, arguments.supersedes)
    print(one_line(pack.finding()))
    print(
        f"the evidence is {pack.path}; sign it with: arrisk evidence sign {pack.path} --by NAME --role ROLE"
    )
    return OK


def _sign(arguments: argparse.Namespace) -> int:
    from arrisk.report.evidence.sign_off import sign_off

    a = arguments
    signed = sign_off(a.folder, a.by, a.role, a.date or dt.date.today(), a.note)
    print(one_line(f"signed by {signed.who} on {signed.date}: manifest {signed.manifest_sha256}"))
    return OK


def _verify(arguments: argparse.Namespace) -> int:
    from arrisk.policy.study import open_study
    from arrisk.report.evidence.verification import verify_evidence

    study = None if arguments.study is None else open_study(arguments.study)
    found = verify_evidence(arguments.folder, study)
    for row in found.problems.itertuples():
        print(one_line(f"{row.file}: {row.problem}"))
    if not found.intact:
        count = len(found.problems)
        return _complain(f"the evidence does not verify: {count} problem{'s' * (count != 1)}")
    print(one_line(found.finding()))
    return OK


def _print_rows(table: pd.DataFrame) -> bool:
    from arrisk.display import format_value

    shown = table.copy()
    for column in shown.columns:
        is_amount = str(column).startswith("amount")
        shown[column] = [
            f"{v:,.2f}" if is_amount and v == v else one_line(format_value(v)) for v in table[column]
        ]
    print(shown.rename(columns=lambda c: str(c).replace("_", " ")).to_string(index=False))
    whole = bool((table["rows_in"] == table["rows_kept"] + table["rows_quarantined"]).all())
    print(f"rows in = rows kept + rows set apart: {'yes' if whole else 'NO'}")
    return whole


def _print_controls(study: Study, ledger: Ledger) -> int:
    if not study.controls:
        print("no control total is given; write [[ledger.control]] with date and balance into the study")
    failed = 0
    for control in study.controls:
        found = ledger.as_of(control.date).open_balance
        difference = found - control.balance
        ties = abs(difference) <= control.tolerance + CENT
        failed += not ties
        told = "ties" if ties else f"DOES NOT TIE, difference {difference:,.2f}"
        print(f"control on {control.date:%Y-%m-%d}: {control.balance:,.2f}, ledger {found:,.2f}: {told}")
    return _complain(f"{failed} of {len(study.controls)} control totals do not tie") if failed else OK
