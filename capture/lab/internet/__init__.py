"""The small internet of a run: everything its agent can reach, in a network namespace of its own."""
