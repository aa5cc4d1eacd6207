"""The claims of the paper on a reader's own images: what is trained for it, and the resulting page.

``fflib verdict FOLDER`` does all of it, and the chapter "Your own data" step by step.
"""

from fflib.book.report.page import render, write
from fflib.book.report.plan import examine, experiments, pictures

__all__ = ["examine", "experiments", "pictures", "render", "write"]
