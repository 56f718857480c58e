"""What Meta's codes mean, and who must act."""

from __future__ import annotations

from typing import Any

import pytest

from wabox.whatsapp.errors import GraphError, Kind, classify, meaning, read

NUMBER = "200000000000002"

CODES = {
    Kind.RETRY: [4, 80007, 130429, 131056],
    Kind.AMBIGUOUS: [1, 2, 131000, 131016, 131057, 133004, 2494100],
    Kind.DELAY: [134101, 131049, 132015, 133016, 132069, 131208],
    Kind.NUMBER: [0, 190, 3, 10, 200, 299, 131005, 368, 131031, 131037, 131042, 131044, 131045, 133010, 131048, 2500],
    Kind.WINDOW: [131047],
    Kind.CONTACT: [
        131026,
        131050,
        130403,
        130472,
        130497,
        131030,
        131021,
        137000,
        131070,
        2494191,
        131061,
        131062,
        131063,
        131064,
    ],
    Kind.PERMANENT: [
        33,
        100,
        131008,
        131009,
        135000,
        131051,
        131052,
        131053,
        131060,
        132000,
        132001,
        132005,
        132007,
        132008,
        132012,
        132018,
        132016,
        132068,
        134100,
        134102,
        139100,
        139103,
        138000,
        138021,
        131215,
        147001,
        147005,
    ],
}


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in CODES.items() for code in codes])
def test_each_code_has_its_class(kind: Kind, code: int) -> None:
    """The table says the class, a sentence, and for what waits how long."""
    known = meaning(code)
    assert known is not None
    assert known.kind is kind
    assert known.sentence
    if kind in (Kind.RETRY, Kind.DELAY, Kind.NUMBER):
        assert known.wait
    if kind is Kind.NUMBER:
        assert known.advice


def test_a_group_code_of_its_own_is_not_in_the_range() -> None:
    """131208 (group rate) waits; the other group errors do not."""
    throttled, refused = meaning(131208), meaning(131209)
    assert throttled is not None
    assert refused is not None
    assert (throttled.kind, refused.kind) == (Kind.DELAY, Kind.PERMANENT)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ({"code": 131047}, 400, Kind.WINDOW),
        ({"code": 131047}, 500, Kind.WINDOW),
        ({"code": 131056}, 200, Kind.RETRY),
        ({"code": 2, "is_transient": True}, 500, Kind.AMBIGUOUS),
        ({"code": 999999, "is_transient": True}, 400, Kind.RETRY),
        ({"code": 999999, "is_transient": True}, 500, Kind.RETRY),
        ({"code": 131009, "is_transient": True}, 400, Kind.RETRY),
        ({"code": 999999}, 400, Kind.PERMANENT),
        ({"code": 999999}, 404, Kind.PERMANENT),
        ({"code": 999999}, 429, Kind.RETRY),
        ({"code": 999999}, 500, Kind.AMBIGUOUS),
        ({"code": 999999}, 503, Kind.AMBIGUOUS),
        ({}, 400, Kind.PERMANENT),
        ({}, 500, Kind.AMBIGUOUS),
        ({"code": "131047"}, 400, Kind.PERMANENT),
        ({"code": 100, "error_subcode": 33, "message": f"Object with ID '{NUMBER}' does not exist"}, 400, Kind.NUMBER),
        ({"code": 100, "error_subcode": 33, "message": "Object with ID '300001' does not exist"}, 400, Kind.PERMANENT),
        ({"code": 100, "error_subcode": 2018001}, 400, Kind.PERMANENT),
    ],
)
def test_what_a_refusal_means(error: dict[str, Any], status: int, kind: Kind) -> None:
    """The code decides; a passing fault is repeated unless it may have been sent; HTTP's status only where the code is new."""
    found = read(error)
    assert found is not None
    assert classify(found, status, NUMBER).kind is kind


@pytest.mark.parametrize(
    ("error", "details"),
    [
        ({"error_data": {"details": "too long"}}, "too long"),
        ({"error_data": "too long"}, "too long"),
        ({"error_data": 7}, ""),
        ({"error_data": {"details": ["too long"]}}, ""),
        ({}, ""),
    ],
)
def test_details_come_in_two_forms(error: dict[str, Any], details: str) -> None:
    """An object or a bare sentence; anything else is no sentence."""
    found = read(error)
    assert found is not None
    assert found.details == details


def test_parts_of_a_wrong_type_are_missing() -> None:
    """An error that makes no sense is still an error."""
    odd = {"code": "x", "error_subcode": [], "message": 7, "title": "T", "fbtrace_id": None, "is_transient": "yes"}
    assert read(odd) == GraphError(message="T")
    assert read({"code": True}) == GraphError()


@pytest.mark.parametrize("found", [None, "error", 7, []])
def test_what_is_no_error(found: Any) -> None:
    """Only an object is."""
    assert read(found) is None
