"""What counts under one bin set mean under the next."""

from __future__ import annotations

import numpy as np

from baselines.eras import Laid, Lineage
from baselines.lanes import LaneSpread
from baselines.learned import encode_reference
from binning.layout import DimensionLayout, JointLayout, Layout


def laid(digest: str, *dimensions: tuple[str, str, int], joint: bool = False, **segments: str) -> Laid:
    """A bin set of dimensions (key, identity, bins), with the joint of the first two."""
    entries, size = [], 0
    for key, identity, bins in dimensions:
        side, _, name = key.partition(".")
        names = tuple(str(bin_) for bin_ in range(bins))
        entries.append(
            DimensionLayout("input" if side == "input" else "output", name, 1, names, size, identity=identity)
        )
        size += bins
    joints: tuple[JointLayout, ...] = ()
    if joint:
        joints = (
            JointLayout(dimensions[0][0], dimensions[1][0], size, (dimensions[0][2], dimensions[1][2])),
        )
        size += dimensions[0][2] * dimensions[1][2]
    values = {name: tuple(text.split()) for name, text in segments.items()}
    return Laid(digest, Layout(tuple(entries), joints, size), values)


INTENT, CLUSTER, LENGTH = ("input.intent", "i", 2), ("input.cluster", "c", 3), ("output.length", "l", 2)


def test_a_dimension_keeps_its_slots_wherever_they_move_and_a_changed_one_has_none() -> None:
    lineage = Lineage(
        [laid("a", CLUSTER, INTENT, LENGTH), laid("b", INTENT, ("input.cluster", "d", 4), LENGTH)]
    )
    assert [-1, -1, -1, 0, 1, 6, 7] == lineage.slots(0).tolist()
    assert list(range(8)) == lineage.slots(1).tolist()


def test_a_joint_keeps_its_slots_only_where_both_sides_stayed() -> None:
    before = laid("a", INTENT, LENGTH, joint=True)
    assert list(range(8)) == Lineage([before, laid("b", INTENT, LENGTH, joint=True)]).slots(0).tolist()
    changed = Lineage([before, laid("b", INTENT, ("output.length", "m", 2), joint=True)])
    assert [0, 1, -1, -1, -1, -1, -1, -1] == changed.slots(0).tolist()


def test_what_changed_and_changed_back_begins_anew() -> None:
    lineage = Lineage([laid("a", CLUSTER), laid("b", ("input.cluster", "d", 3)), laid("c", CLUSTER)])
    assert [[-1] * 3, [-1] * 3, [0, 1, 2]] == [lineage.slots(i).tolist() for i in range(3)]


def test_a_segment_means_the_same_while_its_value_is_listed_and_other_while_the_list_stays() -> None:
    lineage = Lineage([laid("a", INTENT, plan="pro free"), laid("b", INTENT, plan="pro team", region="eu")])
    same = [lineage.means_the_same(name, 0) for name in ("all", "plan=pro", "plan=team", "plan=__other__")]
    assert [True, True, False, False] == same
    assert not lineage.means_the_same("region=__other__", 0)
    assert lineage.means_the_same("region=eu", 1)
    assert frozenset({"all", "plan=pro"}) == lineage.eras(["all", "plan=pro", "plan=team"])[0].segments


def test_each_dimension_has_the_learned_hours_and_lanes_of_where_it_began() -> None:
    sets = [
        laid("a", INTENT, CLUSTER, plan="pro"),
        laid("b", INTENT, ("input.cluster", "d", 3), plan="pro eu"),
    ]
    first, second = np.arange(1, 6), np.arange(11, 16)
    early, late = LaneSpread.unmeasured(1), LaneSpread.unmeasured(2)
    references = [
        encode_reference(
            {"all": {7: first}, "plan=pro": {7: first}}, {"input.intent": early, "input.cluster": early}
        ),
        encode_reference(
            {"all": {9: second}, "plan=pro": {9: second}, "plan=eu": {9: second}},
            {"input.intent": late, "input.cluster": late},
        ),
    ]
    found = Lineage(sets).learned_hours(references)
    expected = {7: [1, 2, 0, 0, 0], 9: [0, 0, 13, 14, 15]}
    assert expected == {hour: counts.tolist() for hour, counts in found["all"].items()}
    assert expected == {hour: counts.tolist() for hour, counts in found["plan=pro"].items()}
    assert {9: [11, 12, 13, 14, 15]} == {hour: counts.tolist() for hour, counts in found["plan=eu"].items()}
    lanes = Lineage(sets).learned_lanes(references)
    assert (1, 2) == (lanes["input.intent"].bins.shape[1], lanes["input.cluster"].bins.shape[1])


def test_what_is_kept_of_a_bin_set_s_meaning_comes_back() -> None:
    one = laid("a", INTENT, LENGTH, joint=True, plan="pro free")
    assert one == Laid.from_bytes(one.to_bytes())
