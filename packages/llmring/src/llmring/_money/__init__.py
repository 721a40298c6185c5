"""Money: prices of calls, budgets, and estimates where a provider reports nothing."""
