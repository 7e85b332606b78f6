"""What can be characterised: one file a part, found by its name."""
