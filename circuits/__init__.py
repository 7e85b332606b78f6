"""What is built: netlists and model cards. Runs nothing."""
