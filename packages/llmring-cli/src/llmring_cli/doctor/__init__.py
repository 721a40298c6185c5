"""What ``llmring doctor`` looks at, and how it tells."""
