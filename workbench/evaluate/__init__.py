"""Programs that run packs over datasets: what they catch, what they cost, whether they may ship."""
