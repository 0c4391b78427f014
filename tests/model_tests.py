"""SQLMesh's unit tests, with what came of them as a JUnit file: `make test-models`.

Without ONLY, it also checks what `make model-lint` does.

`sqlmesh test` runs the same tests and keeps nothing of them: no event, no log, no file. The
dashboard's Test results reads the file, as it reads pytest's.
"""

from __future__ import annotations

import gc
import os
import sys
import unittest
from datetime import datetime, timezone
from xml.etree import ElementTree

from sqlmesh.core.console import configure_console
from sqlmesh.core.context import Context
from sqlmesh.core.test.definition import ModelTest
from sqlmesh.core.test.result import ModelTextTestResult

from marquee.core.settings import ROOT

RESULTS = ROOT / ".cache" / "test" / "units.xml"

# The project and its tests are trees of a million objects, none of which is garbage: looking
# through them took a sixth of the CPU time.
gc.disable()


def main() -> int:
    """Run the tests as `sqlmesh test` does; return 1 where one fails."""
    configure_console()
    context = Context(paths=[str(ROOT)])
    gc.freeze()
    gc.set_threshold(500_000, 20, 100)  # what the tests leave behind; without it, 1.3 GB
    gc.enable()
    only = os.environ.get("ONLY", "")
    if only:
        found = [one for one in context.select_tests() if only in f"{one.model_name} {one.path}"]
        if not found:
            print(f"No unit test of a model or file that contains {only!r}.", file=sys.stderr)
            return 1
        names = [one.fully_qualified_test_name for one in found]
        return 0 if context.test(tests=names).wasSuccessful() else 1
    if not context.format(check=True):
        return 1
    context.lint_models()
    result = context.test()
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    junit(result).write(RESULTS, encoding="utf-8", xml_declaration=True)
    return 0 if result.wasSuccessful() else 1


def junit(result: ModelTextTestResult) -> ElementTree.ElementTree:
    """Write a result as JUnit: a case a test, of the class that its model's name is.

    A test fails once for each part that does, its CTEs and its query; here that is one case.
    """
    suite = ElementTree.Element(
        "testsuite",
        name="sqlmesh",
        timestamp=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        time=str(result.duration or 0),
    )
    results: dict[tuple[str, str], list[str]] = {}  # not by the tests, which are all equal
    for test in result.successes:
        results[named(test)] = []
    for test, message in (*result.failures, *result.errors):
        results.setdefault(named(test), []).append(message)
    for (model, name), messages in results.items():
        case = ElementTree.SubElement(suite, "testcase", classname=model, name=name)
        if messages:
            text = "\n".join(messages)
            ElementTree.SubElement(
                case, "failure", message=" ".join(text.split())[:500]
            ).text = text
    return ElementTree.ElementTree(suite)


def named(test: unittest.TestCase) -> tuple[str, str]:
    """Name a test and the model that it is of."""
    assert isinstance(test, ModelTest)
    return test.model.name, test.test_name


if __name__ == "__main__":
    sys.exit(main())
