"""Clips to learn from: moving digits, labelled motion, memory tasks, the digits themselves, and the real clips."""
