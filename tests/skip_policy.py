"""In CI (`RAG_CI=1`) a skipped test has failed: nothing may go untested for want of a model or a browser.

Only tests on data that is handed out apart from the repository may skip; their reason says so.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

ALLOWED = ("shared/data", "shared data")


def refused(reason: str) -> bool:
    """Say whether a skip for this reason counts as a failure."""
    return os.environ.get("RAG_CI") == "1" and not any(words in reason for words in ALLOWED)


def _judge(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if refused(reason):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped, which fails in CI. {reason}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _judge(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _judge(report)
    return report
