"""Verdicts on the claims that the book tests: a rule for each, in words and in code, before any number comes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from IPython.display import Markdown

from nextframe._utils.validation import one_of
from nextframe.plotting import table


@dataclass(frozen=True)
class Rule:
    """When a claim holds, and when it holds with a condition; otherwise it does not hold here.

    Attributes:
        holds, condition: In words.
        test: Maps the measured numbers to whether each of the two is true.
    """

    holds: str
    condition: str
    test: Callable[..., tuple[bool, bool]]


RULES = {
    "1 parameters explode": Rule(
        "from 32 to 256 pixels of side, they grow over 10 times",
        "they grow over twice",
        lambda growth: (growth > 10, growth > 2),
    ),
    "2 one pixel of shift": Rule(
        "the forecast changes as much as one that does not follow the clip at all is wrong",
        "it changes by a twentieth of its size",
        lambda change, stays: (change >= stays, change > 0.05),
    ),
    "3 a GRU overcomes it": Rule(
        "its parameters grow at most twice, from 32 to 256 pixels",
        "its network has at most half of the LSTM's parameters",
        lambda growth, share: (growth <= 2, share <= 0.5),
    ),
    "4 slow, then stable": Rule(
        "at a constant rate, it takes twice as many windows for 90 % of its own gain as the Conv2D does for 90 % of "
        "its own, and in the second half of training its error never rises 10 % above its lowest so far",
        "one of the two",
        lambda slower, rise: (slower >= 2 and rise < 0.1, slower >= 2 or rise < 0.1),
    ),
    "5 long memory": Rule(
        "LSTM and GRU both remember 32 frames at the end, with every seed: over 90 % of the error of a grey answer is "
        "gone",
        "one of them does",
        lambda lstm, gru: (lstm > 0.9 and gru > 0.9, lstm > 0.9 or gru > 0.9),
    ),
    "6 place and time": Rule(
        "a shift of one pixel or one frame changes nothing (less than 1 %), and few clips cost it less than the LSTM",
        "a shift of whole patches changes nothing, and few clips cost it less",
        lambda pixel, patch, time, loses_less: (
            max(pixel, time) < 0.01 and loses_less,
            max(patch, time) < 0.01 and loses_less,
        ),
    ),
    "7 long sequences are harder": Rule(
        "even with all frames in sight, Conv3D needs more steps than the LSTM to remember 32 frames",
        "it remembers less than a tenth of what is out of its sight",
        lambda steps, lstm_steps, out_of_sight: (steps > lstm_steps, out_of_sight < 0.1),
    ),
    "8 N frames to one": Rule(
        "all three ways remove over half of copying's error",
        "one of them does",
        lambda skills: (min(skills) > 0.5, max(skills) > 0.5),
    ),
    "9 transfer learning, for pixels": Rule(
        "an encoder trained on photographs forecasts better than a random one and than a plain Conv2D of as many "
        "steps, each by 0.02 of skill",
        "better than a random one, by as much",
        lambda pretrained, random, conv2d: (pretrained >= max(random, conv2d) + 0.02, pretrained >= random + 0.02),
    ),
    "9 transfer learning, for labels": Rule(
        "frozen and trained on photographs, it gets the answers to both questions right more often than from scratch, "
        "by 10 % of the clips or more",
        "to one of the two",
        lambda gains: (min(gains) >= 0.1, max(gains) >= 0.1),
    ),
    "10 it lacks analysis of time": Rule(
        "without a layer behind it that sees time, at most 60 % of the directions are right; with one, over 90 %",
        "with one, the share that is right is higher by 20 % of the clips or more",
        lambda without, seeing: (without <= 0.6 and seeing > 0.9, seeing >= without + 0.2),
    ),
    "11 repeat the grey plane": Rule(
        "what photographs show is still recognised in grey, and repeating costs less than 1 % of the operations",
        "it is recognised",
        lambda recognised, cost: (recognised and cost < 0.01, recognised),
    ),
    "12 the answer's own code, for pixels": Rule(
        "it exists for frames of 32 pixels, and has an output for each pixel",
        "it has an output for each pixel, for frames of another size",
        lambda smallest, outputs, pixels: (smallest <= 32 and outputs >= pixels, outputs >= pixels),
    ),
    "12 the answer's own code, for labels": Rule(
        "where it exists, trained from scratch on 800 clips, it answers both questions right for 80 % of the others",
        "one of the two questions",
        lambda right: (min(right) >= 0.8, max(right) >= 0.8),
    ),
    "13 ConvLSTM beats Conv2D + LSTM": Rule(
        "its worst seed has more skill than the best of the stacks: the one with as many parameters, and the large one",
        "than the best of the one with as many parameters",
        lambda conv_lstm, equal, large: (
            min(conv_lstm) > max(*equal, *large),
            min(conv_lstm) > max(equal),
        ),
    ),
    "14 stack and pool, for pixels": Rule(
        "pooled as advised, it removes over half of copying's error",
        "it does so without any pooling",
        lambda pooled, not_pooled: (pooled > 0.5, not_pooled > 0.5),
    ),
    "14 stack and pool, for labels": Rule(
        "pooled to one position, it answers both questions right for 80 % of unseen clips",
        "one of the two questions",
        lambda right: (min(right) >= 0.8, max(right) >= 0.8),
    ),
    "15 may be cheaper": Rule(
        "to halve copying's error, it takes fewer operations than LSTM, Conv3D and ConvLSTM",
        "it takes fewer than one of them",
        lambda cost, rivals: (cost < min(rivals), cost < max(rivals)),
    ),
    "16 video is 4-D": Rule(
        "Keras reads a video as (frames, width, height, channels)",
        "it has these four axes, in another order",
        lambda axes: (
            axes == ("frames", "width", "height", "channels"),
            sorted(axes) == ["channels", "frames", "height", "width"],
        ),
    ),
}


def verdict(holds: bool, with_condition: bool) -> str:
    """Combine two tests of a claim, the stricter one first, into a verdict.

    Returns:
        "holds", "holds with a condition" or "does not hold here".

    Example:
        `verdict(growth > 10, growth > 2)`
    """
    if holds:
        return "holds"
    return "holds with a condition" if with_condition else "does not hold here"


def judge(claim: str, **measured: object) -> str:
    """Return the verdict on a claim by its rule.

    Args:
        claim: One of `RULES`.
        measured: The numbers that its `test` takes.

    Example:
        `judge("1 parameters explode", growth=53)`
    """
    one_of("claim", claim, RULES)
    return verdict(*RULES[claim].test(**measured))


def rules_table(*claims: str) -> Markdown:
    """Set the rules of some claims, of `RULES`, in a table."""
    return table(
        {claim: {"holds if": RULES[claim].holds, "with a condition if": RULES[claim].condition} for claim in claims},
        corner="claim",
    )


def verdict_table(verdicts: Mapping[str, tuple[str, str]]) -> Markdown:
    """Set verdicts in a table.

    Args:
        verdicts: Claim → its verdict, and the number that it rests on.
    """
    rows = {claim: {"verdict": said, "number": number} for claim, (said, number) in verdicts.items()}
    return table(rows, corner="claim")
