"""The report of a run or of characterised parts: one HTML page with its pictures, that needs nothing but itself.

A section is one file in `sections`; its blocks take what they draw from the run and say so where it is not there.
"""

from bitline.cli.report.page import write_report

__all__ = ["write_report"]
