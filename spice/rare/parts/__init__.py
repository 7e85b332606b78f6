"""What can be asked for a rare failure: one file a part, found by its name (see `spice.rare.part`)."""
