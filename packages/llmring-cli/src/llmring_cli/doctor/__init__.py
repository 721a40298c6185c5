"""The checks of ``llmring doctor`` and their report."""
