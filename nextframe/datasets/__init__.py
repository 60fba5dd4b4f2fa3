"""Clips to learn from: moving digits, random futures, labelled motion, memory tasks, the digits, and the real clips."""
