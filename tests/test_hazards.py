"""Every known hazard has a test that carries its id, and the page that says so is up to date."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SPEC = importlib.util.spec_from_file_location("hazards", ROOT / "doc" / "_ext" / "hazards.py")
hazards = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(hazards)

KNOWN = hazards.read_hazards()
TESTS = list(hazards.named_tests())
CAUGHT = hazards.tests_by_id(TESTS)


def test_all_are_there():
    assert list(KNOWN) == sorted(KNOWN, key=lambda one: (one[0], KEYS.get(one, one)))
    assert {one for one in KNOWN if one[0] == "H"} == {f"H{k:02}" for k in range(1, 73)}
    assert {one for one in KNOWN if one[0] == "N"} == {f"N{k:02}" for k in range(1, 20)}
    for hazard in KNOWN.values():
        assert hazard.keys() <= {"hazard", "difference", "not_applicable"} and hazard["hazard"]


KEYS = {"H72": "H24"}  # found late, of the first kind


@pytest.mark.parametrize("one", KNOWN)
def test_each_is_caught(one):
    """Unless the file says why it cannot happen."""
    assert ("not_applicable" in KNOWN[one]) != (one in CAUGHT)


def test_names_carry_known_ids_at_their_end():
    for file, name in TESTS:
        caught, elsewhere = hazards.ids_of(name)
        assert set(caught) <= KNOWN.keys() and not elsewhere, f"{file}: {name}"


def test_ids_of_names():
    assert hazards.ids_of("test_of_h2o") == ([], [])
    assert hazards.ids_of("test_one_h01") == (["H01"], [])
    assert hazards.ids_of("test_two_n01_h02") == (["N01", "H02"], [])
    assert hazards.ids_of("test_h01_first") == ([], ["H01"])
    assert hazards.ids_of("test_in_capitals_H01") == ([], ["H01"])


def test_the_page_is_up_to_date():
    written = hazards.PAGE.read_text(encoding="utf-8")
    assert written == hazards.page(), "run `python doc/_ext/hazards.py`"
