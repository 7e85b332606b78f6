"""The door: command line, configuration, verification, report and export."""
