"""Recommendations as JSON."""

from __future__ import annotations

import json

import jsonschema
import pytest

from arrisk.policy.recommendation import Recommendation
from arrisk.report.contents import Report
from arrisk.report.decisions import decisions_json, decisions_schema


def test_the_json_follows_its_schema_and_reads_back(full_report: Report) -> None:
    data = json.loads(decisions_json(full_report))
    schema = decisions_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(data, schema, cls=jsonschema.Draft202012Validator)
    read = [
        Recommendation.from_json({k: v for k, v in r.items() if k != "notebook"})
        for r in data["recommendations"]
    ]
    assert tuple(read) == full_report.decisions
    assert [source["name"] for source in data["ledger"]] == ["books/events.csv", "books/invoices.csv"]


@pytest.mark.parametrize(
    ("key", "value"), [("as_of", None), ("currency", "eur"), ("ledger", [{"name": "x"}]), ("more", 1)]
)
def test_the_schema_refuses_what_is_not_a_report(full_report: Report, key: str, value: object) -> None:
    data = {**json.loads(decisions_json(full_report)), key: value}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, decisions_schema(), cls=jsonschema.Draft202012Validator)
