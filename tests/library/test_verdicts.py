"""Verdicts."""

import pytest

from nextframe.verdicts import RULES, judge, rules_table, verdict, verdict_table


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        ((True, True), "holds"),
        ((True, False), "holds"),
        ((False, True), "holds with a condition"),
        ((False, False), "does not hold here"),
    ],
)
def test_verdict(tests, said):
    assert verdict(*tests) == said


# Made-up measurements for each claim: one with which it holds, with a condition, and not at all
MADE_UP = {
    "1 parameters explode": [{"growth": 11}, {"growth": 10}, {"growth": 2}],
    "2 one pixel of shift": [
        {"change": 0.3, "stays": 0.3},
        {"change": 0.06, "stays": 0.3},
        {"change": 0.05, "stays": 0.3},
    ],
    "3 a GRU overcomes it": [
        {"growth": 2, "share": 1},
        {"growth": 2.1, "share": 0.5},
        {"growth": 2.1, "share": 0.6},
    ],
    "4 slow, then stable": [
        {"slower": 2, "rise": 0.09},
        {"slower": 2, "rise": 0.1},
        {"slower": 1.9, "rise": 0.1},
    ],
    "5 long memory": [
        {"lstm": 0.91, "gru": 0.91},
        {"lstm": 0.9, "gru": 0.91},
        {"lstm": 0.9, "gru": 0.9},
    ],
    "6 place and time": [
        {"pixel": 0, "patch": 0, "time": 0, "loses_less": True},
        {"pixel": 0.02, "patch": 0, "time": 0, "loses_less": True},
        {"pixel": 0, "patch": 0, "time": 0, "loses_less": False},
    ],
    "7 long sequences are harder": [
        {"steps": 101, "lstm_steps": 100, "out_of_sight": 1},
        {"steps": 100, "lstm_steps": 100, "out_of_sight": 0.09},
        {"steps": 100, "lstm_steps": 100, "out_of_sight": 0.1},
    ],
    "8 N frames to one": [{"skills": [0.51, 0.6]}, {"skills": [0.5, 0.6]}, {"skills": [0.5, 0.4]}],
    "9 transfer learning, for pixels": [
        {"pretrained": 0.72, "random": 0.7, "conv2d": 0.7},
        {"pretrained": 0.72, "random": 0.7, "conv2d": 0.71},
        {"pretrained": 0.72, "random": 0.71, "conv2d": 0.7},
    ],
    "9 transfer learning, for labels": [{"gains": [0.11, 0.5]}, {"gains": [0.5, 0.09]}, {"gains": [0.09, -0.5]}],
    "10 it lacks analysis of time": [
        {"without": 0.6, "seeing": 0.91},
        {"without": 0.61, "seeing": 0.91},
        {"without": 0.72, "seeing": 0.91},
    ],
    "11 repeat the grey plane": [
        {"recognised": True, "cost": 0.009},
        {"recognised": True, "cost": 0.01},
        {"recognised": False, "cost": 0.009},
    ],
    "12 the answer's own code, for pixels": [
        {"smallest": 32, "outputs": 1024, "pixels": 1024},
        {"smallest": 33, "outputs": 1024, "pixels": 1024},
        {"smallest": 32, "outputs": 1023, "pixels": 1024},
    ],
    "12 the answer's own code, for labels": [{"right": [0.8, 0.9]}, {"right": [0.79, 0.8]}, {"right": [0.79, 0.1]}],
    "13 ConvLSTM beats Conv2D + LSTM": [
        {"conv_lstm": [0.8, 0.71], "equal": [0.5, 0.6], "large": [0.7]},
        {"conv_lstm": [0.8, 0.71], "equal": [0.5, 0.7], "large": [0.71]},
        {"conv_lstm": [0.8, 0.71], "equal": [0.5, 0.71], "large": [0.7]},
    ],
    "14 stack and pool, for pixels": [
        {"pooled": 0.51, "not_pooled": 0.4},
        {"pooled": 0.5, "not_pooled": 0.51},
        {"pooled": 0.5, "not_pooled": 0.5},
    ],
    "14 stack and pool, for labels": [{"right": [0.8, 0.9]}, {"right": [0.79, 0.8]}, {"right": [0.79, 0.1]}],
    "15 may be cheaper": [
        {"cost": 1, "rivals": [2, 3]},
        {"cost": 2, "rivals": [2, 3]},
        {"cost": 3, "rivals": [2, 3]},
    ],
    "16 video is 4-D": [
        {"axes": ("frames", "width", "height", "channels")},
        {"axes": ("frames", "height", "width", "channels")},
        {"axes": ("frames", "height", "width")},
    ],
}


@pytest.mark.parametrize("claim", RULES)
def test_each_rule_can_come_out_three_ways(claim):
    said = [judge(claim, **measured) for measured in MADE_UP[claim]]
    assert said == ["holds", "holds with a condition", "does not hold here"]


def test_other_claims_are_named():
    with pytest.raises(ValueError, match="claim='99': expected one of 1 parameters explode"):
        judge("99")


def test_rules_in_words():
    lines = rules_table("1 parameters explode").data.splitlines()
    assert lines[0] == "| claim | holds if | with a condition if |"
    assert lines[2].startswith("| 1 parameters explode | from 32 to 256 pixels of side, they grow over 10 times |")


def test_verdicts_in_a_table():
    lines = verdict_table({"1 it grows": ("holds", "× 53")}).data.splitlines()
    assert lines[0] == "| claim | verdict | number |"
    assert lines[2] == "| 1 it grows | holds | × 53 |"
