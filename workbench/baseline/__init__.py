"""Drift baselines: fitted with river, frozen to plain data for the scorer."""
