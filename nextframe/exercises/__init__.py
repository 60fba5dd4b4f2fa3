"""Exercises that answer back: a chapter asks, and `check` says whether an answer is right, or what is wrong with it."""

from nextframe.exercises.checking import check, review
from nextframe.exercises.exercise import Exercise, Review

__all__ = ["Exercise", "Review", "check", "review"]
