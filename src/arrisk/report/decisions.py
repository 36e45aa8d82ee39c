"""The recommendations of a report as JSON, for programs; the form is in ``recommendations.schema.json``."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from arrisk.policy.recommendation import recommendation_schema
from arrisk.report.contents import Report

__all__ = ["decisions_json", "decisions_schema"]


def decisions_json(report: Report) -> str:
    """Write the recommendations with the study, the day, the versions and the digests behind them.

    Parameters
    ----------
    report : Report
        Numbers come out with six significant digits.

    Returns
    -------
    str
        JSON that follows `decisions_schema`, ended by a line feed.
    """
    data = {
        "study": {"name": report.name, "title": report.title, "sha256": report.digest, "seed": report.seed},
        "as_of": f"{report.as_of:%Y-%m-%d}",
        "currency": report.currency,
        "complete": report.complete,
        "ledger": [{"name": s.name, "sha256": s.sha256} for s in report.sources],
        "versions": dict(report.versions),
        "recommendations": [
            {"notebook": notebook, **r.to_dict()}
            for notebook, found in report.recommendations.items()
            for r in found
        ],
    }
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def decisions_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of ``recommendations.json``.

    A recommendation in it is what `arrisk.policy.recommendation.recommendation_schema` describes, with the
    name of the notebook that computed it.

    Examples
    --------
    >>> sorted(decisions_schema()["required"])[:3]
    ['as_of', 'complete', 'currency']
    """
    text = files("arrisk.report").joinpath("recommendations.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    one = recommendation_schema()
    one.pop("$schema", None)
    one["properties"] = {"notebook": {"type": "string"}, **one["properties"]}
    one["required"] = ["notebook", *one.get("required", [])]
    schema["properties"]["recommendations"]["items"] = one
    return schema
