"""Clips to learn from: moving digits, labelled motion, memory tasks, random futures, the digits themselves, and the real clips."""
