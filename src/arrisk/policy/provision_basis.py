"""The basis of a study's provision: what ``[settings.provision]`` states, and nothing else."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any, NoReturn, TypeVar, get_args

from arrisk.errors import ArriskError, StudyError
from arrisk.models.loss_rates.fit import METHODS
from arrisk.models.overlay.log import OverlayLog, read_overlays
from arrisk.models.provision.basis import Basis, FrameworkName
from arrisk.models.provision.enhancement import Enhancement
from arrisk.models.provision.framework import Elections
from arrisk.models.provision.individual import Assessment, Recovery
from arrisk.policy.assumptions import did_you_mean
from arrisk.policy.study import Study

__all__ = ["define_basis"]

Made = TypeVar("Made")
PLAIN = (
    "method", "by", "min_customers", "min_losers", "credibility", "framework", "assessed_history", "level",
)  # fmt: skip
TABLES = ("conventions", "elections")
LISTS = ("assessment", "enhancement")
ALLOWED = (*PLAIN, "overlays", *TABLES, *LISTS)


def define_basis(study: Study) -> Basis:
    """The basis of the provision that a study states in ``[settings.provision]``.

    The table sets the plain fields of `Basis` (`level` is by default the confidence level of the study) and
    `overlays` (the file of the overlay log, relative to the study). Below it,
    ``[settings.provision.conventions]`` are the choices of the method, ``.elections`` those of the framework;
    ``[[settings.provision.assessment]]`` is a customer judged by itself,
    ``[[settings.provision.enhancement]]`` an insurance, guarantee or collateral. What is not stated stays as
    `Basis` has it: no framework is claimed, and no rate is given.

    Raises
    ------
    StudyError
        If a setting is unknown, missing or impossible.

    Examples
    --------
    >>> from arrisk.policy.study import open_study
    >>> define_basis(open_study()).framework
    'IFRS 9'
    """
    given = dict(study.settings.get("provision", {}))
    _known("", given, ALLOWED)
    method = given.get("method", Basis().method)
    if method not in METHODS:
        _refuse("", f"method = {method!r}; allowed: {', '.join(METHODS)}")
    framework = given.get("framework")
    if framework not in (None, *get_args(FrameworkName)):
        _refuse("", f"framework = {framework!r}; allowed: {', '.join(get_args(FrameworkName))}")
    confidence = study.get("confidence_level")
    level = given.get("level", Basis().level if confidence is None else confidence.value)
    return _made(
        "",
        Basis,
        {
            **{name: given[name] for name in PLAIN if name in given},
            "level": level,
            "conventions": _arguments(given, "conventions", METHODS[method]),
            "elections": _made("elections", Elections, _table(given, "elections")),
            "overlays": _overlays(study, given),
            "assessments": tuple(_assessment(row) for row in _rows(given, "assessment")),
            "enhancements": tuple(
                _made("enhancement", Enhancement, row) for row in _rows(given, "enhancement")
            ),
        },
    )


def _overlays(study: Study, given: Mapping[str, Any]) -> OverlayLog | None:
    if "overlays" not in given:
        return None
    path = study.path.resolve().parent / str(given["overlays"])
    if not path.is_file():
        _refuse("", f"overlays = {given['overlays']!r}: there is no such file beside the study")
    return read_overlays(path)


def _arguments(given: Mapping[str, Any], name: str, function: Callable[..., Any]) -> dict[str, Any]:
    """Arguments of a function other than those that the table states elsewhere."""
    table = dict(_table(given, name))
    elsewhere = {"snapshot", *PLAIN}
    _known(name, table, [word for word in inspect.signature(function).parameters if word not in elsewhere])
    if "edges" in table:
        table["edges"] = tuple(table["edges"])
    return table


def _assessment(row: Mapping[str, Any]) -> Assessment:
    scenarios = tuple(_recovery(one) for one in row.get("scenarios", ()))
    return _made("assessment", Assessment, {**row, "scenarios": scenarios})


def _recovery(row: Mapping[str, Any]) -> Recovery:
    amounts = tuple((day, amount) for day, amount in row.get("amounts", ()))
    return _made("assessment.scenarios", Recovery, {**row, "amounts": amounts})


def _made(name: str, kind: Callable[..., Made], row: Mapping[str, Any]) -> Made:
    _known(name, row, [field.name for field in fields(kind)])  # type: ignore[arg-type]
    try:
        return kind(**row)
    except (ArriskError, TypeError, ValueError) as error:
        _refuse(name, str(error))


def _table(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = given.get(name, {})
    if not isinstance(table, Mapping):
        _refuse(name, f"{table!r}; allowed is a table")
    return table


def _rows(given: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = given.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        _refuse(name, f"{rows!r}; allowed are tables [[settings.provision.{name}]]")
    return rows


def _known(name: str, given: Mapping[str, Any], allowed: Iterable[str]) -> None:
    allowed = list(allowed)
    for key in given:
        if key not in allowed:
            _refuse(name, f"unknown key {key!r}{did_you_mean(key, allowed)}; allowed: {', '.join(allowed)}")


def _refuse(name: str, message: str) -> NoReturn:
    raise StudyError(f"[settings.provision{'.' if name else ''}{name}]: {message}")
