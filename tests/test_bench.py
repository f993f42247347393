"""What make bench makes of its clock: medians, ratios, goals, the file's form; and its synthetic studies are sound data."""

import json

import pytest

from evidence.check import faults, read
from sphinxext import growth
from sphinxext.bench import Clock, Step, printed, report, table


@pytest.fixture
def rows():
    """A yardstick of 2 s; a step of 1 s in the middle, one that misses its ratio, one that misses its seconds."""
    steps = [Step("yardstick", "", None, [2.0], [2.0], [0.5]), Step("quick", "yardstick", 0.8, [9.0, 1.0, 0.5], [1.0, 1.0, 1.0], [1.0, 2.0, 9.0]),
             Step("slow", "yardstick", 1.1, [3.0], [3.0], [1.0]), Step("late", "", 1.0, [1.2], [1.0], [1.0])]
    return table({s.name: s for s in steps})


def test_a_row_is_the_median_and_its_ratio_to_the_anchor(rows):
    assert rows[0] == {"step": "yardstick", "seconds": 2.0, "runs": 1, "processor": 2.0, "load": 0.5, "anchor": "", "ratio": None,
                       "goal": None, "met": None}
    assert rows[1] == {"step": "quick", "seconds": 1.0, "runs": 3, "processor": 1.0, "load": 2.0, "anchor": "yardstick", "ratio": 0.5,
                       "goal": 0.8, "met": True}
    assert [r["met"] for r in rows[2:]] == [False, False]


def test_the_table_says_which_goal_is_missed(rows):
    lines = printed(rows).splitlines()
    assert len(lines) == 5 and lines[2].endswith("yardstick, met") and lines[3].endswith("yardstick, MISSED") and lines[4].endswith("seconds, MISSED")
    assert "0.50" in lines[2] and "9.0" not in lines[2]


def test_the_clock_keeps_every_run_and_times_what_times_itself():
    clock, prepared = Clock(), []
    for _ in range(2):
        clock.step("own", lambda: 7.0, again=2, before=lambda: prepared.append(1))
    assert clock.steps["own"].runs == [7.0] * 4 and len(prepared) == 4
    clock.step("timed", lambda: sum(range(1000)))
    assert 0 < clock.steps["timed"].seconds < 1


def test_the_file_has_every_part(rows):
    found = json.loads(json.dumps(report(rows, {"a page": 10}, {"load": {1: 1.0, 10: 9.0, 100: 95.0}, "square": {1: 1.0, 10: 100.0}})))
    assert list(found) == ["machine", "steps", "bytes, compressed", "growth"] and found["machine"]["processors"] >= 1
    assert found["growth"][0] == {"part": "load", "seconds": {"1": 1.0, "10": 9.0, "100": 95.0}, "exponent": 1.02, "met": True}
    assert found["growth"][1]["exponent"] == 2 and not found["growth"][1]["met"]


def test_keys_of_copies_differ_and_keep_their_form():
    keys = {growth.renamed("smith2024", n) for n in range(800)}
    assert len(keys) == 800 and "smith2024" in keys and all(k.endswith("smith2024") for k in keys)


def test_synthetic_studies_are_sound_data_of_the_size_they_say(tmp_path, root):
    data, bibliography = growth.synthetic(tmp_path, 3)
    assert faults(data, bibliography) == []
    for name in ("studies", "citations", "figures"):
        assert len(read(data / f"{name}.csv")) == 3 * len(read(root / "data" / f"{name}.csv"))
