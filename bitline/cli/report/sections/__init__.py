"""The sections of the report: one file a section, found here and put in the order that each states."""
